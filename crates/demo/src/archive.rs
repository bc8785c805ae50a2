//! The packages that the machine's own apt lists know.

use std::collections::HashSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::stanza::Stanza;

/// What the demo wants to know of a package.
#[derive(Clone, Debug)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Becomes the task type.
    pub section: String,
    /// Of the task: required 100, important 75, standard 50, optional 25, extra 10.
    pub priority: i32,
    pub download_bytes: u64,
    /// The first alternative of each dependency.
    pub depends: Vec<String>,
    /// Names of virtual packages that it stands for.
    pub provides: Vec<String>,
}

/// Reads all packages; of one that occurs twice the first.
pub fn read() -> Result<Vec<Package>> {
    let output =
        Command::new("apt-cache").arg("dumpavail").output().context("cannot run apt-cache: is this Debian?")?;
    let packages = parse(&String::from_utf8_lossy(&output.stdout));
    ensure!(!packages.is_empty(), "apt knows no packages: run `apt-get update` as root (or with sudo), then try again");
    Ok(packages)
}

fn parse(text: &str) -> Vec<Package> {
    let mut seen = HashSet::new();
    Stanza::all(text)
        .filter_map(|stanza| package(&stanza))
        .filter(|package| seen.insert(package.name.clone()))
        .collect()
}

fn package(stanza: &Stanza) -> Option<Package> {
    Some(Package {
        name: stanza.field("Package")?,
        version: stanza.field("Version").unwrap_or_default(),
        section: stanza.field("Section").unwrap_or_else(|| "unknown".into()),
        priority: match stanza.field("Priority").as_deref() {
            Some("required") => 100,
            Some("important") => 75,
            Some("standard") => 50,
            Some("extra") => 10,
            _ => 25,
        },
        download_bytes: stanza.field("Size").and_then(|size| size.parse().ok()).unwrap_or_default(),
        depends: stanza.names("Depends"),
        provides: stanza.names("Provides"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_occurs_twice_is_read_once() {
        let text = "Package: a\nPriority: important\nSize: 512\n\nPackage: a\nPriority: extra\n\nPackage: b\n";
        let packages = parse(text);
        let found: Vec<_> = packages.iter().map(|one| (one.name.as_str(), one.priority, one.download_bytes)).collect();
        assert_eq!(found, [("a", 75, 512), ("b", 25, 0)]);
        assert_eq!(packages[1].section, "unknown");
    }
}
