//! The history that the database has written, set against the graph that was loaded. It is read from task_mgmt.events
//! alone: what the extension believes about dependencies is not asked.

use std::collections::HashMap;

use anyhow::Result;
use task_mgmt_server::database::Database;

use crate::PROJECT;
use crate::graph::Graph;

/// When each task was handed out and completed; event numbers grow with time.
#[derive(Default)]
pub struct History {
    starts: HashMap<String, Vec<i64>>,
    completions: HashMap<String, Vec<i64>>,
}

impl History {
    pub fn read(database: &Database) -> Result<Self> {
        let rows = database.open()?.query(
            "select task_id, kind::text, event_no
            from task_mgmt.events
            where project_name = $1 and kind in ('started', 'taken_over', 'completed')",
            &[&PROJECT],
        )?;
        let mut history = Self::default();
        for row in rows {
            history.add(row.get(0), row.get(1), row.get(2));
        }
        Ok(history)
    }

    fn add(&mut self, task: String, kind: &str, event: i64) {
        let events = if kind == "completed" { &mut self.completions } else { &mut self.starts };
        events.entry(task).or_default().push(event);
    }

    /// Every package that was not handed out or completed exactly once, and every one that was handed out too early.
    pub fn violations(&self, graph: &Graph) -> Vec<String> {
        let mut violations = Vec::new();
        for package in &graph.packages {
            for (what, events) in [("handed out", &self.starts), ("completed", &self.completions)] {
                let times = events.get(&package.name).map_or(0, Vec::len);
                if times != 1 {
                    violations.push(format!("{} was {what} {times} times", package.name));
                }
            }
        }
        for (from, to) in &graph.edges {
            let (from, to) = (&graph.packages[*from].name, &graph.packages[*to].name);
            let started = self.starts.get(from).and_then(|events| events.iter().min());
            let completed = self.completions.get(to).and_then(|events| events.iter().min());
            if let (Some(started), Some(completed)) = (started, completed)
                && started < completed
            {
                violations.push(format!("{from} was handed out before {to}, on which it depends, was completed"));
            }
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::package;

    fn violations(events: &[(&str, &str)]) -> Vec<String> {
        let graph = Graph::of_all(vec![package("a", &["b"], &[]), package("b", &[], &[])]);
        let mut history = History::default();
        for (number, (task, kind)) in events.iter().enumerate() {
            history.add(task.to_string(), kind, number as i64);
        }
        history.violations(&graph)
    }

    #[test]
    fn in_order_and_once_is_right() {
        let events = [("b", "started"), ("b", "completed"), ("a", "started"), ("a", "completed")];
        assert!(violations(&events).is_empty());
    }

    #[test]
    fn too_early_is_found() {
        let events = [("b", "started"), ("a", "started"), ("b", "completed"), ("a", "completed")];
        assert_eq!(violations(&events), ["a was handed out before b, on which it depends, was completed"]);
    }

    #[test]
    fn twice_and_never_are_found() {
        let events = [("b", "started"), ("b", "taken_over"), ("b", "completed"), ("a", "started")];
        assert_eq!(violations(&events), ["a was completed 0 times", "b was handed out 2 times"]);
    }
}
