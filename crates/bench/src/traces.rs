//! Saving the state of a trace with update_task, and releasing it as Done with the built-in handlers, which verify it and bring
//! its ends to the segment; beside a bare UPDATE of the same state in a plain table.

use anyhow::{Result, ensure};
use postgres::{Client, Statement};

use crate::comparison::{Side, add_time};
use crate::server::{self, DATABASE, Server};

const SETUP: &str = include_str!("../scripts/traces.sql");
const TRACES: u32 = 200;
/// Traces that do not count, because they make plans.
const WARM_UP: u32 = 5;
const ENDS: u32 = 100;
const STATE_BYTES: usize = 200_000;

pub fn measure(server: &mut Server, template: &str) -> Result<Vec<Side>> {
    let mut database = server.copy(template, DATABASE)?;
    database.batch_execute(SETUP)?;
    let calls = Calls::prepare(&mut database)?;
    // What is replaced is as large as what replaces it.
    let mut unmeasured = Seconds::default();
    for number in 1..=TRACES {
        calls.save(&mut database, number, &state(number + TRACES), &mut unmeasured)?;
    }
    server::settle(&mut database)?;
    let mut seconds = Seconds::default();
    for number in 1..=TRACES {
        let counted = if number > WARM_UP { &mut seconds } else { &mut unmeasured };
        database.execute(&calls.start, &[&task(number)])?;
        calls.save(&mut database, number, &state(number), counted)?;
        add_time(&mut counted.release, || database.execute(&calls.release, &[&task(number)]))?;
    }
    let ends: i64 = database.query_one("select count(*) from task_mgmt.endpoint", &[])?.get(0);
    ensure!(ends == i64::from(TRACES * ENDS), "the traces have {ends} ends");
    let side = |(what, seconds)| Side { what, times: TRACES - WARM_UP, seconds };
    let Seconds { update, save, release } = seconds;
    Ok([("update", update), ("update_task", save), ("release_task", release)].map(side).to_vec())
}

struct Calls {
    update: Statement,
    save: Statement,
    start: Statement,
    release: Statement,
}

#[derive(Default)]
struct Seconds {
    update: f64,
    save: f64,
    release: f64,
}

impl Calls {
    fn prepare(database: &mut Client) -> Result<Self> {
        Ok(Self {
            update: database.prepare("update plain_state set ng_state = $2::text::jsonb where task_id = $1")?,
            save: database.prepare("select update_task('traces', $1, $2::text::jsonb)")?,
            start: database.prepare("select start_task('traces', 'user', $1)")?,
            release: database.prepare("select release_task('traces', 'user', $1, 'Done')")?,
        })
    }

    fn save(&self, database: &mut Client, number: u32, state: &str, seconds: &mut Seconds) -> Result<()> {
        let (task, data) = (task(number), format!(r#"{{"ng_state": {state}}}"#));
        add_time(&mut seconds.update, || database.execute(&self.update, &[&task, &state]))?;
        add_time(&mut seconds.save, || database.execute(&self.save, &[&task, &data]))?;
        Ok(())
    }
}

fn task(number: u32) -> String {
    format!("trace-{number}")
}

/// A state as neuroglancer saves it, of one visible segment, a root and so many ends; the rest of its size are other marks.
fn state(number: u32) -> String {
    let ends = layer("Certain Ends", (0..ENDS).map(|end| point(number, end)).collect());
    let marks_of_end = ends.len() / ENDS as usize;
    let marks = (ENDS..(STATE_BYTES / marks_of_end) as u32).map(|mark| point(number, mark)).collect();
    let layers = [
        format!(
            r#"{{"type": "segmentation", "name": "Segmentation", "segments": ["{number}"], "source": "gs://bench"}}"#
        ),
        layer("Seed Location", vec![point(number, 0)]),
        layer("Root Location", vec![point(number, 1)]),
        layer("Breadcrumbs", vec![]),
        layer("Uncertain Ends", vec![]),
        ends,
        layer("Notes", marks),
    ];
    format!(r#"{{"dimensions": {{"x": [4e-9, "m"]}}, "layers": [{}], "layout": "4panel"}}"#, layers.join(", "))
}

fn layer(name: &str, annotations: Vec<String>) -> String {
    format!(
        r#"{{"type": "annotation", "name": "{name}", "tab": "annotations", "annotations": [{}]}}"#,
        annotations.join(", ")
    )
}

/// A mark; its numbers repeat no other's, or the server would compress the state to nothing.
fn point(number: u32, mark: u32) -> String {
    let id = u128::from(number * 100_000 + mark).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let [x, y, z] = [id >> 100, id >> 80, id >> 60].map(|bits| (bits % 1_000_000) as f64 / 8.0);
    format!(r#"{{"point": [{x}, {y}, {z}], "type": "point", "id": "{id:032x}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_its_size() {
        let size = state(7).len();
        assert!(size.abs_diff(STATE_BYTES) < STATE_BYTES / 20, "{size} bytes");
    }
}
