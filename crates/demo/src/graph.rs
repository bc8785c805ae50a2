//! Which package waits for which: names become edges, and edges that cannot be are left out.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, ensure};
use task_mgmt_core::cycles::break_cycles;

use crate::archive::Package;

/// Packages and what they depend on; free of cycles.
#[derive(Debug)]
pub struct Graph {
    pub packages: Vec<Package>,
    /// From a package to one that it depends on: indexes into `packages`.
    pub edges: Vec<(usize, usize)>,
    /// How many of the edges lead to a package that provides what is named.
    pub provided: usize,
    /// Left out: nothing has or provides that name.
    pub unknown: Vec<(String, String)>,
    /// Left out: they would close a cycle.
    pub closing_cycles: Vec<(String, String)>,
}

impl Graph {
    /// The graph of these packages alone.
    pub fn of_all(packages: Vec<Package>) -> Self {
        let names = Names::of(&packages);
        let mut edges = BTreeSet::new();
        let (mut provided, mut unknown) = (0, Vec::new());
        for (index, package) in packages.iter().enumerate() {
            for name in &package.depends {
                match names.find(name) {
                    // What it provides itself it need not wait for.
                    Some(found) if found == index => {}
                    Some(found) => {
                        let is_new = edges.insert((index as i64, found as i64));
                        provided += usize::from(is_new && packages[found].name != *name);
                    }
                    None => unknown.push((package.name.clone(), name.clone())),
                }
            }
        }
        let (kept, dropped) = break_cycles(&edges.into_iter().collect::<Vec<_>>());
        let indexes = |edge: (i64, i64)| (edge.0 as usize, edge.1 as usize);
        let name = |index: usize| packages[index].name.clone();
        let closing_cycles = dropped.into_iter().map(indexes).map(|(from, to)| (name(from), name(to))).collect();
        let edges = kept.into_iter().map(indexes).collect();
        Self { packages, edges, provided, unknown, closing_cycles }
    }

    /// The graph of the wanted packages (those that the archive has) and of everything that they need.
    pub fn of_needed(packages: Vec<Package>, wanted: &[&str]) -> Result<Self> {
        let names = Names::of(&packages);
        let mut needed: BTreeSet<usize> = wanted.iter().filter_map(|name| names.find(name)).collect();
        ensure!(!needed.is_empty(), "the archive has none of {}: try --full", wanted.join(", "));
        let mut open: Vec<usize> = needed.iter().copied().collect();
        while let Some(index) = open.pop() {
            let depends = packages[index].depends.iter().filter_map(|name| names.find(name));
            open.extend(depends.filter(|found| needed.insert(*found)));
        }
        Ok(Self::of_all(needed.into_iter().map(|index| packages[index].clone()).collect()))
    }
}

/// Where a name leads: to the package of that name, or else to the first one that provides it.
struct Names<'a> {
    packages: HashMap<&'a str, usize>,
    providers: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(packages: &'a [Package]) -> Self {
        let mut providers = HashMap::new();
        for (index, package) in packages.iter().enumerate() {
            for name in &package.provides {
                providers.entry(name.as_str()).or_insert(index);
            }
        }
        let packages = packages.iter().enumerate().map(|(index, package)| (package.name.as_str(), index)).collect();
        Self { packages, providers }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.packages.get(name).or_else(|| self.providers.get(name)).copied()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn package(name: &str, depends: &[&str], provides: &[&str]) -> Package {
        Package {
            name: name.into(),
            version: "1".into(),
            section: "games".into(),
            priority: 25,
            download_bytes: 0,
            depends: depends.iter().map(|name| name.to_string()).collect(),
            provides: provides.iter().map(|name| name.to_string()).collect(),
        }
    }

    fn archive() -> Vec<Package> {
        vec![
            package("a", &["b", "b", "mail", "nowhere"], &[]),
            package("b", &["c"], &[]),
            package("c", &["b"], &[]),
            package("d", &["a", "mail"], &["mail"]),
            package("e", &["mail"], &["mail"]),
        ]
    }

    #[test]
    fn names_lead_to_packages_or_else_to_providers() {
        let graph = Graph::of_all(archive());
        assert_eq!(graph.edges, [(0, 1), (0, 3), (1, 2), (4, 3)]);
        assert_eq!(graph.provided, 2);
        assert_eq!(graph.unknown, [("a".into(), "nowhere".into())]);
    }

    #[test]
    fn edges_that_close_a_cycle_are_left_out() {
        let graph = Graph::of_all(archive());
        assert_eq!(graph.closing_cycles, [("c".into(), "b".into()), ("d".into(), "a".into())]);
    }

    #[test]
    fn only_what_is_needed_is_taken() {
        let graph = Graph::of_needed(archive(), &["b", "no such package"]).unwrap();
        let names: Vec<_> = graph.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["b", "c"]);
        assert!(Graph::of_needed(archive(), &["no such package"]).is_err());
    }
}
