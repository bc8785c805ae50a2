//! Loading: create_tasks of many tasks in one call, from a document in the database and from one that the client sends; and a
//! bare INSERT ... SELECT of the rows that it made.

use std::time::Instant;

use anyhow::Result;
use postgres::Client;

use crate::plan::{Beside, Situation};
use crate::server::{self, Server};
use crate::template::Templates;

const DATABASE: &str = "bench";

/// What one run found.
pub struct Load {
    pub run: u32,
    pub tasks: u32,
    pub insert_seconds: f64,
    pub create_tasks_seconds: f64,
    pub sent_seconds: f64,
}

impl Load {
    /// The rate of create_tasks as a share of that of the bare insert; both find what they load in the database.
    pub fn ratio(&self) -> f64 {
        self.insert_seconds / self.create_tasks_seconds
    }

    /// The same with a document that the client sends as text.
    pub fn sent_ratio(&self) -> f64 {
        self.insert_seconds / self.sent_seconds
    }
}

/// Measures all on fresh copies of an empty database.
pub fn measure(server: &mut Server, templates: &mut Templates, run: u32, tasks: u32) -> Result<Load> {
    let template = templates.prepare(server, Situation { backlog: 0, beside: Beside::Nothing })?;
    let document = document(tasks);

    let mut database = server.copy(&template, DATABASE)?;
    server::settle(&mut database)?;
    let call = database.prepare("select create_tasks('bench', $1::text::jsonb)")?;
    let begin = Instant::now();
    database.execute(&call, &[&document])?;
    let sent_seconds = begin.elapsed().as_secs_f64();
    database.close()?;

    let mut database = server.copy(&template, DATABASE)?;
    database.execute("create table document as select $1::text::jsonb as data", &[&document])?;
    database.batch_execute("create table copy (like task_mgmt.task including all)")?;
    let create_tasks_seconds = time(&mut database, "select create_tasks('bench', data) from document")?;
    let insert_seconds = time(&mut database, "insert into copy select * from task_mgmt.task")?;
    Ok(Load { run, tasks, insert_seconds, create_tasks_seconds, sent_seconds })
}

fn time(database: &mut Client, statement: &str) -> Result<f64> {
    server::settle(database)?;
    let begin = Instant::now();
    database.batch_execute(statement)?;
    Ok(begin.elapsed().as_secs_f64())
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
