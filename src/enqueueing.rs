//! Putting tasks into the queue that are not: those on hold, and those that ended without a result.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::tasks::FailedFilters;

use crate::access::Level;
use crate::arguments::{self, required};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::limits::following;
use crate::locks::{self, Key};
use crate::projects;
use crate::ready;
use crate::spi::sql;
use crate::task_changes::LockedTask;
use crate::tasks;
use crate::unique_keys;
use crate::waiting;

/// Lets a task be started: one on hold, or one that failed, expired or was cancelled, with all its attempts and its time to live anew;
/// its history stays.
///
/// *Returns* the status of the task afterwards: `queued`, or `created`, `scheduled` or `retrying` if it still waits; a task that is
/// queued, running or completed is left as it is, and its status returned.
/// *Errors*: P0002 project or task unknown; 42710 an open task has its unique key; 53400 a queue is full; 42501 the caller is not a manager.
/// *Locks*: the task's key (of a copy also the original's), its unique key, then its row and gate (of a copy the original's before).
/// *Source*: other systems reference 1.2 (run), 3.3 (enqueue), 6.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn enqueue_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = LockedTask::lock_to_reopen(project, required("task_id", task_id)?)?;
    enqueue(&task)?;
    Ok(sql!("select d.status::text from task_mgmt.task_details d where d.project_name = $1 and d.task_no = $2")
        .value(&[project.into(), task.task_no.into()])?)
}

/// `enqueue_task` for tasks that have failed, the first that failed first.
///
/// *Arguments*: `filters` is an object of what the tasks must have: task_type, channel, agent, batch_id; `max_rows` tasks at most, from 1
/// to 64 a call.
/// *Returns* how many there were. One whose unique key an open task has is left as it is.
/// *Errors*: P0002 project unknown; 22023 a bad argument; 53400 a queue is full; 42501 the caller is not a manager.
/// *Locks*: as `enqueue_task`; what somebody else is at is passed over.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn requeue_failed(
    project_name: Option<&str>,
    filters: default!(Option<Jsonb>, "'{}'"),
    max_rows: default!(Option<i32>, 64),
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let most = arguments::within("max_rows", 1..=locks::MOST_KEYS as i32, max_rows)?;
    let filters = required("filters", filters)?.text();
    let filters = FailedFilters::parse(&filters).map_err(Error::from)?;
    projects::require_existing(project)?;
    let failed: Vec<(i64, String)> = sql!(
        "select t.task_no, t.task_id
        from task_mgmt.task t
        where t.project_name = $1 and t.failed_at is not null and ($2::text is null or t.task_type = $2)
            and ($3::text is null or t.channel = $3) and ($4::text is null or t.batch_id = $4)
            and ($5::text is null or t.assigned_user_no = (
                select u.user_no from task_mgmt.project_user u where u.project_name = $1 and u.user_id = $5))
            and t.original_no is null
        order by t.failed_at
        limit $6"
    )
    .all(
        &[
            project.into(),
            filters.task_type.into(),
            filters.channel.into(),
            filters.batch_id.into(),
            filters.agent.into(),
            most.into(),
        ],
        |row| Ok((row.get(1)?, row.get(2)?)),
    )?;
    let keys: Vec<Key> = failed.iter().map(|(_, task_id)| Key::Task(project, task_id)).collect();
    locks::lock_all(&keys);
    unique_keys::lock_of(project, &failed.iter().map(|(_, task_id)| task_id.as_str()).collect::<Vec<_>>())?;
    let task_nos: Vec<i64> = failed.iter().map(|(task_no, _)| *task_no).collect();
    tasks::lock_rows(project, task_nos.clone())?;
    ready::lock_gates(project, &task_nos)?;
    let mut count = 0;
    for (_, task_id) in &failed {
        let task = match LockedTask::lock(project, task_id) {
            Err(Error::TaskNotFound { .. }) => continue,
            found => found?,
        };
        if task.status != "failed" {
            continue;
        }
        match enqueue(&task) {
            Err(Error::UniqueKeyTaken { .. }) => {}
            enqueued => {
                enqueued?;
                count += 1;
            }
        }
    }
    Ok(count)
}

/// The caller has locked the task's key and row, those of what it is a copy of, and its unique key.
fn enqueue(task: &LockedTask) -> Result<(), Error> {
    match task.status.as_str() {
        "failed" | "cancelled" | "expired" => begin_anew(task)?,
        "queued" => {
            ready::lock_gates(task.project, &task.with_original())?;
            if !waiting::end_hold(task.project, task.task_no)? {
                return Ok(());
            }
            restart_ttl(task)?;
        }
        _ => return Ok(()),
    }
    ready::lock_gates(task.project, &task.with_original())?;
    following::admit(task.project, &[task.task_no])?;
    events::append(task.project, &[task.task_no], "enqueued", Actor::Caller, None, task.now)?;
    ready::offer(task.project, &[task.task_no])?;
    task.settle_original()
}

fn begin_anew(task: &LockedTask) -> Result<(), Error> {
    task.require_room()?;
    unique_keys::require_free(task.project, task.task_no)?;
    sql!(
        "update task_mgmt.task
        set status = 'queued', attempts = 0, failures = 0, result = null, error = null, failed_at = null, open_key = unique_key,
            expires_at = $3 + make_interval(secs => ttl_seconds)
        where project_name = $1 and task_no = $2"
    )
    .run(&[task.project.into(), task.task_no.into(), task.now.into()])?;
    Ok(())
}

fn restart_ttl(task: &LockedTask) -> Result<(), Error> {
    sql!(
        "update task_mgmt.task
        set expires_at = $3 + make_interval(secs => ttl_seconds)
        where project_name = $1 and task_no = $2 and ttl_seconds is not null"
    )
    .run(&[task.project.into(), task.task_no.into(), task.now.into()])?;
    Ok(())
}
