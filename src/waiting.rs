//! Tasks that wait for their time, or to be enqueued: a gate of `task_mgmt.blocked` keeps them out of `task_mgmt.ready`, as it does
//! for those that wait for others. Nobody has to wake them: whoever asks for work first frees what is due.

use crate::clock::Instant;
use crate::columns::blocked;
use crate::error::Error;
use crate::ready;
use crate::rows::{Key, Snapshot, Table};
use crate::spi::sql;

/// Lets tasks wait until a time. The caller has withdrawn them.
pub fn delay(project: &str, task_nos: &[i64], until: Vec<Instant>) -> Result<(), Error> {
    sql!(
        "insert into task_mgmt.blocked (project_name, task_no, unsatisfied, run_after)
        select $1, task_no, 0, run_after from unnest($2, $3) as new (task_no, run_after)
        order by task_no
        on conflict (project_name, task_no) do update set run_after = excluded.run_after"
    )
    .run(&[project.into(), task_nos.to_vec().into(), until.into()])?;
    Ok(())
}

/// They wait for no time any more. The caller has locked their gates.
pub fn end_delays(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    sql!(
        "with opened as (
            delete from task_mgmt.blocked
            where project_name = $1 and task_no = any($2) and run_after is not null and not is_on_hold and unsatisfied = 0
                and open_copies = 0 and not is_held
        )
        update task_mgmt.blocked
        set run_after = null
        where project_name = $1 and task_no = any($2) and run_after is not null
            and (is_on_hold or unsatisfied > 0 or open_copies > 0 or is_held)"
    )
    .run(&[project.into(), task_nos.to_vec().into()])?;
    Ok(())
}

/// Neither holds a task back nor on hold any more, unless it also waits for other tasks; whether that changed anything. The caller has
/// locked its gate.
pub fn end_hold(project: &str, task_no: i64) -> Result<bool, Error> {
    let ended = sql!(
        "with opened as (
            delete from task_mgmt.blocked
            where project_name = $1 and task_no = $2 and (is_held or is_on_hold) and unsatisfied = 0 and open_copies = 0
                and run_after is null
            returning task_no
        ), eased as (
            update task_mgmt.blocked
            set is_held = false, is_on_hold = false
            where project_name = $1 and task_no = $2 and (is_held or is_on_hold) and unsatisfied = 0 and open_copies = 0
                and run_after is not null
            returning task_no
        )
        select from opened union all select from eased"
    );
    Ok(ended.run(&[project.into(), task_no.into()])? > 0)
}

/// Finished tasks wait neither for a time nor to be enqueued. The caller has locked their gates.
pub fn end(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    sql!(
        "with opened as (
            delete from task_mgmt.blocked
            where project_name = $1 and task_no = any($2) and (run_after is not null or is_on_hold) and unsatisfied = 0
                and open_copies = 0 and not is_held
        )
        update task_mgmt.blocked
        set run_after = null, is_on_hold = false
        where project_name = $1 and task_no = any($2) and (run_after is not null or is_on_hold)
            and (unsatisfied > 0 or open_copies > 0 or is_held)"
    )
    .run(&[project.into(), task_nos.to_vec().into()])?;
    Ok(())
}

/// Frees the tasks whose time has come, some at a time; how many. It waits for nobody, but who has freed some has their gates.
pub fn free_due(project: &str, now: Instant) -> Result<usize, Error> {
    if !is_any_due(project, now)? {
        return Ok(0);
    }
    let due = sql!(
        "select task_no
        from task_mgmt.blocked
        where project_name = $1 and run_after <= $2 and run_after is not null
        order by run_after
        limit 100
        for update skip locked"
    )
    .all(&[project.into(), now.into()], |row| row.get(1))?;
    if due.is_empty() {
        return Ok(0);
    }
    end_delays(project, &due)?;
    ready::offer_gated(project, &due)?;
    Ok(due.len())
}

/// One look at the index, as every claim asks.
fn is_any_due(project: &str, now: Instant) -> Result<bool, Error> {
    let (gates, snapshot) = (Table::open_to_read(c"blocked"), Snapshot::latest());
    let mut scan = gates.scan(c"blocked_run_after_idx", &snapshot, &mut [Key::text(blocked::PROJECT_NAME, project)]);
    match scan.next() {
        Some(first) => Ok(first.get::<Instant>(blocked::RUN_AFTER)? <= now),
        None => Ok(false),
    }
}
