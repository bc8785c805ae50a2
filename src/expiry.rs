//! Tasks that expire: they end without a result once their time to live is over and nobody holds them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::retries::check_duration;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::assignment::Worker;
use crate::candidates::Candidates;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::limits;
use crate::projects;
use crate::ready;
use crate::spi::{read, sql};
use crate::task_changes::LockedTask;
use crate::waiting;

/// How many tasks a claim ends that it met: soon, a queue in front of which very many expired at once is as short as it should be.
const MOST_MET: i32 = 1000;

/// How many seconds a task has left until it expires.
///
/// *Returns* seconds, not below 0; null if it never expires or is over.
/// *Errors*: P0002 project or task unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn remaining_ttl(project_name: Option<&str>, task_id: Option<&str>) -> Result<Option<f64>, ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    access::require(Level::Reader, project)?;
    let found = read!(
        "select case when expires_at is not null then greatest(extract(epoch from expires_at - $3)::float8, 0) end
        from task_mgmt.task
        where project_name = $1 and task_id = $2"
    )
    .first(&[project.into(), task.into(), clock::now()?.into()], |row| row.find::<f64>(1))?;
    match found {
        Some(seconds) => Ok(seconds),
        None => Err(crate::tasks::not_found(project, task)?.into()),
    }
}

/// Lets a task expire later, or at all: by so many seconds after it would, or from now on if it would not; not after the year 290000.
///
/// *Returns* true; false, changing nothing, if it is over or its time has passed.
/// *Errors*: P0002 project or task unknown; 22023 `extend_seconds` is not positive; 55000 the task is a copy, whose original has what
/// time there is; 42501 the caller is not a manager.
/// *Locks*: the task's key, row and gate.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn extend_ttl(
    project_name: Option<&str>,
    task_id: Option<&str>,
    extend_seconds: Option<f64>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let id = required("task_id", task_id)?;
    let seconds = required("extend_seconds", extend_seconds)?;
    check_duration("extend_seconds", seconds).map_err(Error::from)?;
    let task = LockedTask::lock(project, id)?;
    if task.original_no.is_some() {
        return Err(Error::SharedTask { task: id.into(), reason: "it is a copy".into() }.into());
    }
    ready::withdraw(project, &[task.task_no])?;
    let extended = sql!(
        "update task_mgmt.task
        set expires_at = least(coalesce(expires_at, $3), timestamptz '290000-01-01 00:00+00') + make_interval(secs => $4)
        where project_name = $1 and task_no = $2 and status = 'queued' and coalesce(expires_at > $3, true)"
    )
    .run(&[project.into(), task.task_no.into(), task.now.into(), seconds.into()])?;
    ready::offer(project, &[task.task_no])?;
    if extended > 0 {
        events::append(project, &[task.task_no], "changed", Actor::Caller, Some("ttl"), task.now)?;
    }
    Ok(extended > 0)
}

/// The open tasks that expire within so many seconds, the first to expire first; expired ones among them that nobody has swept yet.
///
/// *Returns* an array of what `get_task` returns, 1000 tasks at most.
/// *Errors*: P0002 project unknown; 22023 `within_seconds` is negative; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_expiring_tasks(project_name: Option<&str>, within_seconds: Option<f64>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let within = required("within_seconds", within_seconds)?;
    task_mgmt_core::retries::check_delay("within_seconds", within).map_err(Error::from)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let until = clock::now()?.plus_seconds(within);
    Ok(read!(
        "select coalesce(jsonb_agg(task_mgmt.task_as_json(d) order by d.expires_at, d.task_no), '[]')
        from (
            select t.task_no
            from task_mgmt.task t
            where t.project_name = $1 and t.expires_at <= $2 and t.expires_at is not null
            order by t.expires_at
            limit 1000
        ) as expiring
        join task_mgmt.task_details d on d.project_name = $1 and d.task_no = expiring.task_no"
    )
    .value(&[project.into(), until.into()])?)
}

/// Ends tasks whose time is over, unless somebody holds them, at most so many; how many. It waits for nobody's key.
pub fn expire(project: &str, now: Instant, most: i32) -> Result<usize, Error> {
    let due = sql!(
        "select task_no
        from task_mgmt.task
        where project_name = $1 and expires_at <= $2 and expires_at is not null
        order by expires_at
        limit $3
        for no key update skip locked"
    )
    .all(&[project.into(), now.into(), most.into()], |row| row.get(1))?;
    if due.is_empty() {
        return Ok(0);
    }
    let due = ready::try_lock_gates(project, due)?;
    let expired = ready::withdraw_unclaimed(project, &due)?;
    waiting::end(project, &expired)?;
    sql!(
        "update task_mgmt.task
        set status = 'expired', expires_at = null, open_key = null
        where project_name = $1 and task_no = any($2)"
    )
    .run(&[project.into(), expired.clone().into()])?;
    limits::free(project, &expired)?;
    events::append(project, &expired, "expired", Actor::Nobody, None, now)?;
    Ok(expired.len())
}

/// Ends some of the expired tasks that a claim has met, so that the next one need not pass by them. Whether there were any: then rows
/// are locked, and the caller waits for nobody from there on.
pub fn expire_met(worker: &Worker, candidates: &Candidates) -> Result<bool, Error> {
    if candidates.has_met_expired {
        expire(worker.project, worker.now, MOST_MET)?;
    }
    Ok(candidates.has_met_expired)
}
