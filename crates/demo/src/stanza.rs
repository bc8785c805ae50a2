//! A stanza of a Debian control file, as `apt-cache dumpavail` prints one for each package, and its lists of dependencies.
//! Source: deb-control(5), Debian policy 5.1 and 7.1.

/// The fields of one stanza.
pub struct Stanza<'a> {
    text: &'a str,
}

impl<'a> Stanza<'a> {
    /// Stanzas are separated by empty lines.
    pub fn all(text: &'a str) -> impl Iterator<Item = Self> {
        text.split("\n\n").map(|text| Self { text }).filter(|stanza| !stanza.text.trim().is_empty())
    }

    /// The value of a field, with the lines that continue it. Names do not mind case.
    pub fn field(&self, name: &str) -> Option<String> {
        let mut lines = self.text.lines().skip_while(|line| !is_field(line, name));
        let (_, first) = lines.next()?.split_once(':')?;
        let continuation = lines.take_while(|line| line.starts_with([' ', '\t']));
        Some(std::iter::once(first).chain(continuation).map(str::trim).collect::<Vec<_>>().join(" "))
    }

    /// The package names of a field that is a list: of each item the first alternative.
    pub fn names(&self, field: &str) -> Vec<String> {
        let value = self.field(field).unwrap_or_default();
        value.split(',').map(first_alternative).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

fn is_field(line: &str, name: &str) -> bool {
    line.split_once(':').is_some_and(|(field, _)| field.eq_ignore_ascii_case(name))
}

/// The name in `name:arch (>= version) [arch] <profile> | other`.
fn first_alternative(item: &str) -> &str {
    item.split(['|', '(', '[', '<', ':']).next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: a
Version: 1.2-3
Depends: b (>= 2.0), c:any, d [amd64] | e,
 f | g (<< 1),
 h
Description: what a is
 Depends: not this
Section: games

package: b
Provides: x, y (= 1.0)
";

    fn stanza(index: usize) -> Stanza<'static> {
        Stanza::all(TEXT).nth(index).unwrap()
    }

    #[test]
    fn stanzas_end_at_empty_lines() {
        let names: Vec<_> = Stanza::all(TEXT).map(|stanza| stanza.field("Package").unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(Stanza::all("\n\n").count(), 0);
    }

    #[test]
    fn only_the_named_field_is_read() {
        assert_eq!(stanza(0).field("Section").unwrap(), "games");
        assert_eq!(stanza(0).field("Description").unwrap(), "what a is Depends: not this");
        assert_eq!(stanza(0).field("Provides"), None);
    }

    #[test]
    fn of_each_dependency_the_first_alternative_counts() {
        assert_eq!(stanza(0).names("Depends"), ["b", "c", "d", "f", "h"]);
        assert_eq!(stanza(1).names("Provides"), ["x", "y"]);
        assert!(stanza(1).names("Depends").is_empty());
    }
}
