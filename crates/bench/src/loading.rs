//! create_tasks of many tasks in one call, from a document in the database and from one that the client sends, beside a bare
//! INSERT ... SELECT of the rows that it made.

use std::time::Instant;

use anyhow::Result;

use crate::comparison::{Side, time};
use crate::server::{self, DATABASE, Server};

const TASKS: u32 = 100_000;

pub fn measure(server: &mut Server, template: &str) -> Result<Vec<Side>> {
    let document = document(TASKS);
    let mut database = server.copy(template, DATABASE)?;
    server::settle(&mut database)?;
    let call = database.prepare("select create_tasks('bench', $1::text::jsonb)")?;
    let begin = Instant::now();
    database.execute(&call, &[&document])?;
    let sent = begin.elapsed().as_secs_f64();
    database.close()?;

    let mut database = server.copy(template, DATABASE)?;
    database.execute("create table document as select $1::text::jsonb as data", &[&document])?;
    database.batch_execute("create table copy (like task_mgmt.task including all)")?;
    let created = time(&mut database, "select create_tasks('bench', data) from document")?;
    let inserted = time(&mut database, "insert into copy select * from task_mgmt.task")?;
    let side = |(what, seconds)| Side { what, times: TASKS, seconds };
    Ok([("insert ... select", inserted), ("create_tasks", created), ("create_tasks, sent as text", sent)]
        .map(side)
        .to_vec())
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
