//! What dependencies do: a completion satisfies them, a re-opening undoes that, and a task whose last one is satisfied
//! can be started. `task_mgmt.blocked` counts what a task waits for; its rows are locked in the order of task numbers.

use std::collections::{HashMap, HashSet};

use crate::clock::Instant;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::ready;
use crate::spi::sql;

/// Locks what re-opening a task, or completing it otherwise than before, may change: the rows of its dependents, then their
/// gates and its own, each in the one order that all use; of several tasks at once. The caller holds the key of the dependency graph
/// and the tasks' rows.
pub fn lock_dependents(project: &str, upstream_nos: &[i64]) -> Result<(), Error> {
    let mut task_nos = sql!(
        "select t.task_no
        from task_mgmt.task t
        where t.project_name = $1 and t.task_no in (
            select d.task_no from task_mgmt.dependency d where d.project_name = $1 and d.upstream_no = any($2)
        )
        order by t.task_no
        for no key update"
    )
    .all(&[project.into(), upstream_nos.to_vec().into()], |row| row.get(1))?;
    task_nos.extend(upstream_nos);
    ready::lock_gates(project, &task_nos)
}

/// Locks the gates of the tasks and of their dependents, for a caller that only satisfies dependencies and has locked the tasks' rows.
pub fn lock_gates(project: &str, upstream_nos: &[i64]) -> Result<(), Error> {
    let mut task_nos =
        sql!("select task_no from task_mgmt.dependency where project_name = $1 and upstream_no = any($2)")
            .all(&[project.into(), upstream_nos.to_vec().into()], |row| row.get(1))?;
    task_nos.extend(upstream_nos);
    ready::lock_gates(project, &task_nos)
}

/// Satisfies the dependencies on a task that has just been completed, whose row the caller has locked.
pub fn satisfy(project: &str, upstream_no: i64, status: &str, now: Instant) -> Result<(), Error> {
    let dependents = sql!(
        "update task_mgmt.dependency
        set is_satisfied = true
        where project_name = $1 and upstream_no = $2 and required_completion_status = $3 and not is_satisfied
        returning task_no"
    )
    .all(&[project.into(), upstream_no.into(), status.into()], |row| row.get(1))?;
    subtract_unsatisfied(project, dependents, now)
}

/// Makes dependents wait again for a task that is no longer completed as they require; for those that somebody has started
/// or finished it only records so. Returns these and those that wait. The caller has locked the dependents.
pub fn unsatisfy(project: &str, upstream_no: i64, status: &str, now: Instant) -> Result<(Vec<i64>, Vec<i64>), Error> {
    let dependents = sql!(
        "select distinct task_no
        from task_mgmt.dependency
        where project_name = $1 and upstream_no = $2 and required_completion_status <> $3 and is_satisfied and not is_waived
        order by task_no"
    )
    .all(&[project.into(), upstream_no.into(), status.into()], |row| row.get(1))?;
    if dependents.is_empty() {
        return Ok((vec![], vec![]));
    }
    ready::withdraw(project, &dependents)?;
    let (started, waiting) = split_by_started(project, &dependents)?;
    let again = sql!(
        "update task_mgmt.dependency d
        set is_satisfied = false
        where d.project_name = $1 and d.upstream_no = $2 and d.required_completion_status <> $3 and d.is_satisfied
            and not d.is_waived
            and (select t.status from task_mgmt.task t where t.project_name = $1 and t.task_no = d.task_no) = 'queued'
            and not exists (select from task_mgmt.lease l where l.project_name = $1 and l.task_no = d.task_no)
        returning d.task_no"
    )
    .all(&[project.into(), upstream_no.into(), status.into()], |row| row.get::<i64>(1))?;
    let mut counts: HashMap<i64, i32> = HashMap::new();
    again.into_iter().for_each(|task_no| *counts.entry(task_no).or_default() += 1);
    add_unsatisfied(project, &waiting, waiting.iter().filter_map(|task_no| counts.get(task_no).copied()).collect())?;
    events::append(project, &waiting, "blocked", Actor::Caller, None, now)?;
    events::append(project, &started, "upstream_reopened", Actor::Caller, None, now)?;
    Ok((started, waiting))
}

/// Those that somebody holds or has finished, and the rest.
fn split_by_started(project: &str, task_nos: &[i64]) -> Result<(Vec<i64>, Vec<i64>), Error> {
    let started = sql!(
        "select t.task_no
        from task_mgmt.task t
        where t.project_name = $1 and t.task_no = any($2) and (
            t.status <> 'queued'
            or exists (select from task_mgmt.lease l where l.project_name = $1 and l.task_no = t.task_no)
        )"
    )
    .all(&[project.into(), task_nos.to_vec().into()], |row| row.get::<i64>(1))?;
    let started: HashSet<i64> = started.into_iter().collect();
    Ok(task_nos.iter().partition(|task_no| started.contains(task_no)))
}

/// Adds to what tasks wait for; the caller has withdrawn them.
pub fn add_unsatisfied(project: &str, task_nos: &[i64], counts: Vec<i32>) -> Result<(), Error> {
    sql!(
        "insert into task_mgmt.blocked (project_name, task_no, unsatisfied)
        select $1, task_no, added from unnest($2, $3) as new (task_no, added)
        on conflict (project_name, task_no) do update set unsatisfied = blocked.unsatisfied + excluded.unsatisfied"
    )
    .run(&[project.into(), task_nos.to_vec().into(), counts.into()])?;
    Ok(())
}

/// Subtracts one for each time that a task occurs; those with nothing left to wait for can be started.
pub fn subtract_unsatisfied(project: &str, task_nos: Vec<i64>, now: Instant) -> Result<(), Error> {
    if task_nos.is_empty() {
        return Ok(());
    }
    ready::lock_gates(project, &task_nos)?;
    let freed = sql!(
        "with subtracted as (
            select task_no, count(*)::integer as number from unnest($2) as task_no group by task_no
        ), lessened as (
            update task_mgmt.blocked b
            set unsatisfied = b.unsatisfied - s.number
            from subtracted s
            where b.project_name = $1 and b.task_no = s.task_no and b.unsatisfied > s.number
        ), waiting_otherwise as (
            update task_mgmt.blocked b
            set unsatisfied = 0, is_held = false
            from subtracted s
            where b.project_name = $1 and b.task_no = s.task_no and b.unsatisfied <= s.number
                and (b.open_copies > 0 or b.is_on_hold or b.run_after is not null)
        )
        delete from task_mgmt.blocked b
        using subtracted s
        where b.project_name = $1 and b.task_no = s.task_no and b.unsatisfied <= s.number
            and b.open_copies = 0 and not b.is_on_hold and b.run_after is null
        returning b.task_no"
    )
    .all(&[project.into(), task_nos.into()], |row| row.get(1))?;
    free(project, &freed, now)
}

/// Activates held tasks that have only satisfied dependencies.
pub fn activate_held(project: &str, task_nos: &[i64], now: Instant) -> Result<(), Error> {
    if task_nos.is_empty() {
        return Ok(());
    }
    ready::lock_gates(project, task_nos)?;
    let freed = sql!(
        "with waiting_otherwise as (
            update task_mgmt.blocked
            set is_held = false
            where project_name = $1 and task_no = any($2) and is_held and unsatisfied = 0 and open_copies = 0
                and (is_on_hold or run_after is not null)
        )
        delete from task_mgmt.blocked
        where project_name = $1 and task_no = any($2) and is_held and unsatisfied = 0 and open_copies = 0
            and not is_on_hold and run_after is null
        returning task_no"
    )
    .all(&[project.into(), task_nos.to_vec().into()], |row| row.get(1))?;
    free(project, &freed, now)
}

fn free(project: &str, task_nos: &[i64], now: Instant) -> Result<(), Error> {
    if task_nos.is_empty() {
        return Ok(());
    }
    ready::offer_gated(project, task_nos)?;
    events::append(project, task_nos, "unblocked", Actor::Nobody, None, now)
}
