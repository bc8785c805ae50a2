//! Loading: create_tasks of many tasks in one call, and a bare INSERT ... SELECT of the rows that it made.

use std::time::Instant;

use anyhow::Result;

use crate::plan::{Beside, Situation};
use crate::server::{self, Server};
use crate::template::Templates;

const DATABASE: &str = "bench";

/// What one run found.
pub struct Load {
    pub run: u32,
    pub tasks: u32,
    pub create_tasks_seconds: f64,
    pub insert_seconds: f64,
}

impl Load {
    /// The rate of create_tasks as a share of that of the bare insert.
    pub fn ratio(&self) -> f64 {
        self.insert_seconds / self.create_tasks_seconds
    }
}

/// Measures both on a fresh copy of an empty database.
pub fn measure(server: &mut Server, templates: &mut Templates, run: u32, tasks: u32) -> Result<Load> {
    let template = templates.prepare(server, Situation { backlog: 0, beside: Beside::Nothing })?;
    let mut database = server.copy(&template, DATABASE)?;
    database.batch_execute("create table copy (like task_mgmt.task including all)")?;
    server::settle(&mut database)?;

    let document = document(tasks);
    let call = database.prepare("select create_tasks('bench', $1::text::jsonb)")?;
    let begin = Instant::now();
    database.execute(&call, &[&document])?;
    let create_tasks_seconds = begin.elapsed().as_secs_f64();

    server::settle(&mut database)?;
    let begin = Instant::now();
    database.batch_execute("insert into copy select * from task_mgmt.task")?;
    let insert_seconds = begin.elapsed().as_secs_f64();
    Ok(Load { run, tasks, create_tasks_seconds, insert_seconds })
}

/// The array as a client would send it.
fn document(tasks: u32) -> String {
    let task = |n| format!(r#"{{"task_type": "work", "task_id": "task-{n:08}"}}"#);
    format!("[{}]", (1..=tasks).map(task).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_an_array() {
        let expected =
            r#"[{"task_type": "work", "task_id": "task-00000001"}, {"task_type": "work", "task_id": "task-00000002"}]"#;
        assert_eq!(document(2), expected);
    }
}
