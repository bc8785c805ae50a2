//! ingest_segments and create_segments of many segments in one call, beside a bare INSERT ... SELECT of the rows that they made
//! into a table with the same indexes.

use anyhow::Result;

use crate::comparison::{Side, time};
use crate::server::{DATABASE, Server};

const SEGMENTS: u32 = 100_000;

pub fn measure(server: &mut Server, template: &str) -> Result<Vec<Side>> {
    let document = document(SEGMENTS);
    let mut load = |call| -> Result<_> {
        let mut database = server.copy(template, DATABASE)?;
        database.batch_execute("select create_segment_type('bench', '{\"type_name\": \"axon\"}')")?;
        database.execute("create table document as select $1::text::jsonb as data", &[&document])?;
        database.batch_execute("create table copy (like task_mgmt.segment including all)")?;
        let seconds = time(&mut database, &format!("select {call}('bench', data) from document"))?;
        Ok((database, seconds))
    };
    let (database, created) = load("create_segments")?;
    database.close()?;
    let (mut database, ingested) = load("ingest_segments")?;
    let inserted = time(&mut database, "insert into copy select * from task_mgmt.segment")?;
    let side = |(what, seconds)| Side { what, times: SEGMENTS, seconds };
    Ok([("insert ... select", inserted), ("create_segments", created), ("ingest_segments", ingested)]
        .map(side)
        .to_vec())
}

/// Seeds in no order, as they come from a volume; every second segment has a root already.
fn document(segments: u32) -> String {
    let segment = |n: u32| {
        let seed = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let root = if n.is_multiple_of(2) { format!(r#""current_segment_id": "{n}", "#) } else { String::new() };
        format!(
            r#"{{"seed_id": "{seed}", "seed_x": {n}, "seed_y": 7.5, "seed_z": 3, {root}"expected_segment_type": "axon"}}"#
        )
    };
    format!("[{}]", (1..=segments).map(segment).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_segment_has_a_root() {
        let one = r#"{"seed_id": "11400714819323198485", "seed_x": 1, "seed_y": 7.5, "seed_z": 3, "expected_segment_type": "axon"}"#;
        let two = r#"{"seed_id": "4354685564936845354", "seed_x": 2, "seed_y": 7.5, "seed_z": 3, "current_segment_id": "2", "expected_segment_type": "axon"}"#;
        assert_eq!(document(2), format!("[{one}, {two}]"));
    }
}
