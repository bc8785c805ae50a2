//! What can be started right now. Whoever changes whether or where a task can be started withdraws it first and offers it
//! afterwards, holding the task's key (or its row in `task_mgmt.task`); a claim simply deletes the row it found, or locks it as long as
//! there are more copies to hand out.

use crate::assignment::Worker;
use crate::error::Error;
use crate::spi::sql;

/// The place `r` of task `t` in one half of `task_mgmt.ready`. Each half is asked for by a constant, as the planner would otherwise
/// leave it out of the index condition and walk the queue.
macro_rules! place {
    (fresh) => {
        place!("not r.is_returned")
    };
    (returned) => {
        place!("r.is_returned")
    };
    ($half:literal) => {
        concat!(
            "t.project_name = $1 and r.project_name = $1 and r.queue_no = coalesce(-t.assigned_user_no, t.lane_no) and ",
            $half,
            " and r.urgency = -t.priority and r.task_no = t.task_no"
        )
    };
}

/// Takes tasks out of `task_mgmt.ready`, waiting for claims in flight. Locks their gates, so that nobody unblocks them meanwhile.
pub fn withdraw(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    lock_gates(project, task_nos)?;
    sql!(concat!(
        "with fresh as (
            delete from task_mgmt.ready r
            using task_mgmt.task t
            where t.task_no = any($2) and ",
        place!(fresh),
        "
        )
        delete from task_mgmt.ready r
        using task_mgmt.task t
        where t.task_no = any($2) and ",
        place!(returned)
    ))
    .run(&[project.into(), task_nos.to_vec().into()])?;
    Ok(())
}

/// Takes those of the tasks out of `task_mgmt.ready` that nobody holds or is about to claim, without waiting; their numbers. The caller has
/// locked the tasks' rows and gates, so nobody offers them meanwhile.
pub fn withdraw_unclaimed(project: &str, task_nos: &[i64]) -> Result<Vec<i64>, Error> {
    sql!(concat!(
        "with fresh as (
            delete from task_mgmt.ready
            where (project_name, queue_no, is_returned, urgency, task_no) in (
                select r.project_name, r.queue_no, r.is_returned, r.urgency, r.task_no
                from task_mgmt.task t, task_mgmt.ready r
                where t.task_no = any($2) and ",
        place!(fresh),
        "
                for update of r skip locked)
        )
        delete from task_mgmt.ready
        where (project_name, queue_no, is_returned, urgency, task_no) in (
            select r.project_name, r.queue_no, r.is_returned, r.urgency, r.task_no
            from task_mgmt.task t, task_mgmt.ready r
            where t.task_no = any($2) and ",
        place!(returned),
        "
            for update of r skip locked)"
    ))
    .run(&[project.into(), task_nos.to_vec().into()])?;
    sql!(concat!(
        "select t.task_no
        from task_mgmt.task t
        where t.project_name = $1 and t.task_no = any($2) and t.status = 'queued'
            and not exists (select from task_mgmt.lease l where l.project_name = $1 and l.task_no = t.task_no)
            and not exists (select from task_mgmt.ready r where ",
        place!(fresh),
        ") and not exists (select from task_mgmt.ready r where ",
        place!(returned),
        ")"
    ))
    .all(&[project.into(), task_nos.to_vec().into()], |row| row.get(1))
}

/// Puts those of the tasks that can be started into `task_mgmt.ready`.
pub fn offer(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    lock_gates(project, task_nos)?;
    offer_gated(project, task_nos)
}

/// The same, for a caller that has locked the gates.
pub fn offer_gated(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    sql!(
        "insert into task_mgmt.ready (project_name, queue_no, is_returned, has_seed_state, is_shared, urgency, task_no, lane_no, task_id,
            attempts, expires_at, channel)
        select $1, queue_no, true, has_seed_state, is_shared, urgency, task_no, lane_no, task_id, attempts, expires_at, channel
        from task_mgmt.startable
        where project_name = $1 and task_no = any($2)
        order by queue_no, urgency, task_no
        on conflict do nothing"
    )
    .run(&[project.into(), task_nos.to_vec().into()])?;
    Ok(())
}

/// Whether the task stands in a queue of the user's; if so, whoever withdraws it waits for this transaction to end.
pub fn hold(worker: &Worker, task_no: i64) -> Result<bool, Error> {
    let held = sql!(concat!(
        "with fresh as (
            select r.queue_no, r.lane_no
            from task_mgmt.task t, task_mgmt.ready r
            where t.task_no = $2 and ",
        place!(fresh),
        "
            for key share of r skip locked
        ), returned as (
            select r.queue_no, r.lane_no
            from task_mgmt.task t, task_mgmt.ready r
            where t.task_no = $2 and ",
        place!(returned),
        "
            for key share of r skip locked
        )
        select from (select * from fresh union all select * from returned) as place
        where (queue_no > 0 or queue_no = -$3) and lane_no = any($4)"
    ));
    let arguments = [worker.project.into(), task_no.into(), worker.user_no.into(), worker.lanes.clone().into()];
    Ok(held.run(&arguments)? > 0)
}

/// Brings what `task_mgmt.ready` says of a task's state up to date, where it stands: its place does not depend on that. The caller
/// has locked the task's key and row. Locks its gate, so that nobody unblocks it with the state of before.
pub fn note_state(project: &str, task_no: i64) -> Result<(), Error> {
    lock_gates(project, &[task_no])?;
    sql!(concat!(
        "with fresh as (
            update task_mgmt.ready r
            set has_seed_state = t.has_seed_state
            from task_mgmt.task t
            where t.task_no = $2 and ",
        place!(fresh),
        "
        )
        update task_mgmt.ready r
        set has_seed_state = t.has_seed_state
        from task_mgmt.task t
        where t.task_no = $2 and ",
        place!(returned)
    ))
    .run(&[project.into(), task_no.into()])?;
    Ok(())
}

/// Locks the gates of the tasks that nobody else has locked, without waiting; those of the tasks whose gate is not somebody else's.
pub fn try_lock_gates(project: &str, mut task_nos: Vec<i64>) -> Result<Vec<i64>, Error> {
    let locked: Vec<i64> = sql!(
        "select task_no from task_mgmt.blocked
        where project_name = $1 and task_no = any($2)
        for update skip locked"
    )
    .all(&[project.into(), task_nos.clone().into()], |row| row.get(1))?;
    let gated: Vec<i64> = sql!("select task_no from task_mgmt.blocked where project_name = $1 and task_no = any($2)")
        .all(&[project.into(), task_nos.clone().into()], |row| row.get(1))?;
    task_nos.retain(|task_no| locked.contains(task_no) || !gated.contains(task_no));
    Ok(task_nos)
}

/// Locks the rows of `task_mgmt.blocked` in the one order that all use.
pub fn lock_gates(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    sql!(
        "select from task_mgmt.blocked
        where project_name = $1 and task_no = any($2)
        order by task_no
        for update"
    )
    .run(&[project.into(), task_nos.to_vec().into()])?;
    Ok(())
}
