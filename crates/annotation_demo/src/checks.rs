//! What must have come of the work: every end of every skeleton in the database, exactly, and the rest as it was done.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use postgres::Client;
use serde_json::Value;
use task_mgmt_core::neuroglancer::Point;
use task_mgmt_core::neuroglancer::layers::{CERTAIN_ENDS, UNCERTAIN_ENDS};
use task_mgmt_server::database::Database;

use crate::review::difference;
use crate::shift::Report;
use crate::state::points;
use crate::trace::{Outcome, Trace};

/// Set against the skeletons and the notes of those who worked; prints what holds. Errors: anything does not.
pub fn check(database: &Database, project: &str, traces: &[Trace], report: &Report) -> Result<()> {
    let mut client = database.open()?;
    let mut faults = Vec::new();
    for trace in traces {
        let cell = format!("{} of {}", trace.cell.seed_id, trace.cell.file);
        let found = segment_faults(&mut client, project, trace)?;
        faults.extend(found.into_iter().map(|fault| format!("segment {cell}: {fault}")));
    }
    faults.extend(task_faults(&mut client, project, traces, report)?);
    faults.extend(time_faults(&mut client, project, &report.booked)?);
    let broken = client.query("select invariant || ': ' || detail from task_mgmt.check_invariants()", &[])?;
    faults.extend(broken.iter().map(|row| row.get::<_, String>(0)));
    if faults.is_empty() {
        let ends: usize = traces.iter().map(Trace::number_of_ends).sum();
        println!(
            "all {ends} ends of {} skeletons are in the database and in the states, to the last bit",
            traces.len()
        );
        println!("every trace ended as it should, every review and measurement is done, every second is booked");
        println!("task_mgmt.check_invariants() finds nothing");
        return Ok(());
    }
    for fault in faults.iter().take(20) {
        println!("{fault}");
    }
    bail!("{} faults in project {project}", faults.len())
}

/// What the script for the manager has done: the period is closed with all the time, and one entry was taken back after that.
pub fn check_correction(database: &Database, project: &str, report: &Report) -> Result<()> {
    let sums = database.open()?.query_one(
        "select (select sum(seconds)::float8 from task_mgmt.pay_totals where project_name = $1), sum(seconds)::float8
        from payroll($1, '-infinity', 'infinity')",
        &[&project],
    )?;
    let booked: u64 = report.booked.values().sum();
    let (closed, in_all): (Option<f64>, Option<f64>) = (sums.get(0), sums.get(1));
    let expected = (Some(booked as f64), Some(booked as f64 - 30.0));
    ensure!((closed, in_all) == expected, "closed and paid are {:?} instead of {expected:?}", (closed, in_all));
    Ok(())
}

fn segment_faults(client: &mut Client, project: &str, trace: &Trace) -> Result<Vec<String>> {
    let seed = trace.cell.seed_id.to_string();
    let mut faults = Vec::new();
    let segment = client.query_one(
        "select root_x, root_y, root_z, status::text, current_segment_id::text
        from task_mgmt.segments
        where project_name = $1 and seed_id = $2::text::numeric",
        &[&project, &seed],
    )?;
    let [x, y, z] = trace.cell.piece.root();
    let root: [Option<f64>; 3] = [segment.get(0), segment.get(1), segment.get(2)];
    // A completed trace keeps the root half a voxel less deep than it was marked.
    if root != [Some(x), Some(y), Some(z - 0.5)] {
        faults.push(format!("its root is {root:?}"));
    }
    let (status, id): (String, Option<String>) = (segment.get(3), segment.get(4));
    if status != trace.outcome.segment_status() || id.as_ref() != Some(&seed) {
        faults.push(format!("it is {status}, and now {id:?}"));
    }

    let state: Value =
        client.query_one("select get_segment_ng_state($1, $2::text::numeric)", &[&project, &seed])?.get(0);
    for (status, layer, expected) in
        [("CERTAIN", CERTAIN_ENDS, &trace.certain), ("UNCERTAIN", UNCERTAIN_ENDS, &trace.uncertain)]
    {
        let rows = client.query(
            "select x, y, z
            from task_mgmt.endpoints
            where project_name = $1 and seed_id = $2::text::numeric and status::text = $3",
            &[&project, &seed, &status],
        )?;
        let stored: Vec<Point> = rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
        for (place, found) in [("the table", stored), ("the state", points(&state, layer))] {
            let (missing, wrong) = difference(expected, &found);
            if missing + wrong > 0 {
                faults.push(format!("of its {status} ends {missing} are not in {place}, {wrong} there are not its"));
            }
        }
    }
    Ok(faults)
}

fn task_faults(client: &mut Client, project: &str, traces: &[Trace], report: &Report) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let expected: BTreeMap<String, &str> =
        traces.iter().map(|trace| (trace.cell.seed_id.to_string(), trace.outcome.status())).collect();
    let rows = client.query(
        "select segment_seed_id::text, completion_status
        from task_mgmt.tasks
        where project_name = $1 and task_type = 'trace_v0'",
        &[&project],
    )?;
    let found: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    if rows.len() != traces.len()
        || !found
            .iter()
            .map(|(seed, status)| (seed, status.as_str()))
            .eq(expected.iter().map(|(seed, status)| (seed, *status)))
    {
        faults.push(format!("the traces ended as {found:?} instead of {expected:?}"));
    }

    // Every completion is an event, and every trace that was done has been measured.
    let counts = client.query_one(
        "select count(*) filter (where kind = 'completed'),
            (select count(*) from task_mgmt.tasks where project_name = $1 and completion_status = ''),
            (select count(*) from task_mgmt.segments where project_name = $1 and skeleton_path_length_mm is not null)
        from task_mgmt.events
        where project_name = $1",
        &[&project],
    )?;
    let (completed, open, measured): (i64, i64, i64) = (counts.get(0), counts.get(1), counts.get(2));
    if completed != report.completed as i64 || open > 0 {
        faults.push(format!(
            "{} tasks were completed; there are {completed} such events, and {open} open tasks",
            report.completed
        ));
    }
    let is_measured = |trace: &&Trace| trace.outcome == Outcome::Done && trace.cell.piece.length([1e6; 3]).is_finite();
    let measurable = traces.iter().filter(is_measured).count();
    if measured != measurable as i64 {
        faults.push(format!("{measured} segments were measured instead of {measurable}"));
    }

    // What a review found wanting was traced again, and then reviewed as good.
    let wanting = client.query(
        "select f.task_id
        from task_mgmt.task_feedback f
        where f.project_name = $1
        group by f.task_id
        having (array_agg(f.feedback order by f.feedback_id desc))[1] = 'Inaccurate'",
        &[&project],
    )?;
    faults.extend(wanting.iter().map(|row| format!("{} is still inaccurate", row.get::<_, String>(0))));
    Ok(faults)
}

fn time_faults(client: &mut Client, project: &str, booked: &BTreeMap<&str, u64>) -> Result<Vec<String>> {
    let rows = client.query(
        "select user_id, sum(seconds_spent)::float8
        from task_mgmt.timesheet
        where project_name = $1
        group by user_id",
        &[&project],
    )?;
    let found: BTreeMap<String, f64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected: BTreeMap<String, f64> =
        booked.iter().map(|(user, seconds)| (user.to_string(), *seconds as f64)).collect();
    Ok(if found == expected { vec![] } else { vec![format!("time is booked as {found:?} instead of {expected:?}")] })
}
