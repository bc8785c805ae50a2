//! The keys by which facts are found: one inverted index over them serves every filter, alone or with others. A key is a
//! hash of the project and of something that a fact has: three letters of its text, a tag, a value of its metadata. A fact that
//! is looked for has all keys of the search; whether it is the one is decided by looking at it.
//!
//! Keys are stored, so they must come out alike in all versions and on all machines.

use std::collections::BTreeMap;
use std::hash::Hasher;

use fnv::FnvHasher;
use serde_json::value::RawValue;

/// What is looked at to find a fact, or must be so of those that are looked for.
#[derive(Clone, Copy, Default)]
pub struct Traits<'a> {
    pub namespace: Option<&'a str>,
    pub subject: Option<&'a str>,
    pub predicate: Option<&'a str>,
    pub metadata: Option<&'a RawValue>,
}

/// The keys of a fact, or those of a search.
pub struct Keys {
    project: u64,
    found: Vec<i32>,
}

/// What a key is about; the numbers are stored.
#[derive(Clone, Copy)]
enum Kind {
    Letters = 1,
    Tag = 2,
    Namespace = 3,
    Subject = 4,
    Predicate = 5,
    Metadata = 6,
}

/// So many letters are one key; a shorter part of a text has none.
const LETTERS: usize = 3;

/// A search for a longer part of a text uses no more keys than this: what has all of these is soon looked at.
const MOST_LETTERS_KEYS: usize = 64;

/// Values that lie deeper have no keys. That also bounds the recursion.
const DEEPEST: usize = 8;

impl Keys {
    pub fn of(project: &str) -> Self {
        let mut hasher = FnvHasher::default();
        hasher.write(project.as_bytes());
        Self { project: hasher.finish(), found: vec![] }
    }

    /// Adds those of a text in which parts are looked for.
    pub fn add_text(&mut self, text: &str) {
        self.add_letters(&fold(text), usize::MAX);
    }

    /// Adds those that every text has which contains the part, whose cases are folded.
    pub fn add_part(&mut self, folded: &str) {
        self.add_letters(folded, MOST_LETTERS_KEYS);
    }

    pub fn add_tag(&mut self, tag: &str) {
        self.add(Kind::Tag, tag);
    }

    pub fn add_traits(&mut self, traits: Traits) {
        let named =
            [(Kind::Namespace, traits.namespace), (Kind::Subject, traits.subject), (Kind::Predicate, traits.predicate)];
        for (kind, name) in named {
            if let Some(name) = name {
                self.add(kind, name);
            }
        }
        if let Some(metadata) = traits.metadata {
            self.add_values(metadata, self.hash(Kind::Metadata, ""), 0);
        }
    }

    /// Each key once, in order.
    pub fn finish(mut self) -> Vec<i32> {
        self.found.sort_unstable();
        self.found.dedup();
        self.found
    }

    fn add_letters(&mut self, folded: &str, most: usize) {
        let starts = folded.char_indices().map(|(start, _)| start);
        let ends = folded.char_indices().map(|(start, _)| start).chain([folded.len()]).skip(LETTERS);
        for (start, end) in starts.zip(ends).take(most) {
            self.add(Kind::Letters, &folded[start..end]);
        }
    }

    /// The scalars of a JSON value, each with the keys that lead to it; places in arrays do not count, as they do not when
    /// PostgreSQL decides what contains what. `text` must have been written by PostgreSQL, which writes a value in one way.
    fn add_values(&mut self, value: &RawValue, path: u64, depth: usize) {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'{' | b'[') if depth == DEEPEST => {}
            Some(b'{') => {
                let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
                entries.iter().for_each(|(key, value)| self.add_values(value, extend(path, key), depth + 1));
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
                elements.iter().for_each(|value| self.add_values(value, path, depth + 1));
            }
            Some(b'"') => self.found.push(short(extend(path, text))),
            _ => self.found.push(short(extend(path, without_scale(text)))),
        }
    }

    fn add(&mut self, kind: Kind, name: &str) {
        self.found.push(short(self.hash(kind, name)));
    }

    fn hash(&self, kind: Kind, name: &str) -> u64 {
        // No text contains these bytes, so nothing runs into what follows.
        let mut hasher = FnvHasher::with_key(self.project);
        hasher.write(&[0xff, kind as u8]);
        hasher.write(name.as_bytes());
        hasher.finish()
    }
}

/// A text in which upper and lower case are alike. It goes letter by letter, so that a part of a text stays one.
pub fn fold(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect(),
    }
}

fn extend(path: u64, name: &str) -> u64 {
    let mut hasher = FnvHasher::with_key(path);
    hasher.write(&[0xff]);
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// `1.50` equals `1.5`, and `1.0` equals `1`.
fn without_scale(number: &str) -> &str {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    }
}

fn short(hash: u64) -> i32 {
    (hash ^ (hash >> 32)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text_keys(text: &str) -> Vec<i32> {
        let mut keys = Keys::of("p");
        keys.add_text(text);
        keys.finish()
    }

    fn part_keys(part: &str) -> Vec<i32> {
        let mut keys = Keys::of("p");
        keys.add_part(&fold(part));
        keys.finish()
    }

    fn metadata_keys(project: &str, text: &str) -> Vec<i32> {
        let mut keys = Keys::of(project);
        keys.add_traits(Traits { metadata: Some(serde_json::from_str(text).unwrap()), ..Traits::default() });
        keys.finish()
    }

    fn covers(all: &[i32], some: &[i32]) -> bool {
        some.iter().all(|key| all.binary_search(key).is_ok())
    }

    /// What is stored must be found by every later version.
    #[test]
    fn keys_stay_as_they_are() {
        assert_eq!(text_keys("abcd"), [-805_911_084, -95_798_219]);
        assert_eq!(metadata_keys("p", r#"{"a": 1}"#), [-1_292_858_873]);
    }

    #[test]
    fn too_short_a_part_has_no_keys() {
        assert!(part_keys("").is_empty() && part_keys("ab").is_empty() && part_keys("éé").is_empty());
        assert_eq!(part_keys("abc").len(), 1);
        assert_eq!(part_keys("ééé").len(), 1);
    }

    #[test]
    fn projects_and_kinds_have_keys_of_their_own() {
        assert_ne!(metadata_keys("p", r#"{"a": 1}"#), metadata_keys("q", r#"{"a": 1}"#));
        let mut keys = Keys::of("p");
        keys.add_tag("abc");
        keys.add_text("abc");
        keys.add_traits(Traits {
            namespace: Some("abc"),
            subject: Some("abc"),
            predicate: Some("abc"),
            metadata: None,
        });
        assert_eq!(keys.finish().len(), 5);
    }

    #[test]
    fn cases_are_alike_in_every_language() {
        for (one, other) in [("ΟΔΟΣ", "οδος"), ("Straße", "STRASSE"), ("ÉTÉ", "été"), ("Ünal", "üNAL")] {
            assert_eq!(fold(one), fold(other));
        }
    }

    #[test]
    fn what_contains_metadata_has_its_keys() {
        let whole = r#"{"a": {"b": [1.50, "x", {"c": null}]}, "d": true, "e": 12345678901234567890.1, "f": {}}"#;
        let whole = metadata_keys("p", whole);
        for part in [
            "{}",
            r#"{"a": {"b": [1.5]}}"#,
            r#"{"a": {"b": ["x"]}}"#,
            r#"{"a": {"b": [{"c": null}]}}"#,
            r#"{"d": true, "e": 12345678901234567890.100}"#,
            r#"{"f": {}}"#,
        ] {
            assert!(covers(&whole, &metadata_keys("p", part)), "{part}");
        }
        for part in [r#"{"a": 1.5}"#, r#"{"d": false}"#, r#"{"d": "true"}"#, r#"{"e": 12345678901234567890.2}"#] {
            assert!(!covers(&whole, &metadata_keys("p", part)), "{part}");
        }
    }

    #[test]
    fn deep_metadata_is_no_trouble() {
        let deep = format!("{}1{}", r#"{"a": "#.repeat(5000), "}".repeat(5000));
        assert!(metadata_keys("p", &deep).is_empty());
    }

    proptest! {
        #[test]
        fn a_text_has_the_keys_of_its_parts(before: String, part: String, after: String) {
            let text = format!("{before}{part}{after}");
            prop_assert!(fold(&text).contains(&fold(&part)));
            prop_assert!(covers(&text_keys(&text), &part_keys(&part)));
            prop_assert_eq!(fold(&text.to_uppercase()), fold(&text));
        }
    }
}
