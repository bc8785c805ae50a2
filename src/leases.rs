//! What the worker of a machine does with a task that `claim_tasks` gave it. The lease token says which claim it speaks of: with
//! another one, the lease was lost, and the call changes nothing and says so.

mod batch;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::retries::{Backoff, check_delay, check_duration, shorten};

use crate::access::Level;
use crate::arguments::required;
use crate::clock::Instant;
use crate::columns::task;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::overlap;
use crate::projects;
use crate::ready;
use crate::release::{HeldTask, Outcome};
use crate::rows;
use crate::settings;
use crate::spi::sql;
use crate::tasks;
use crate::users;
use crate::waiting;

/// Says that the worker is alive, and prolongs its lease of a task.
///
/// *Arguments*: `extend_seconds` from now on; default: as long as the lease was. A lease of `start_task` has no end, and gets none.
/// *Returns* `ok`; `lost` if the lease is another's or nobody's by now, `cancelled` if that is because the task was cancelled: then the
/// worker is to stop, and nothing that it says of the task counts any more.
/// *Errors*: P0002 project unknown; 22023 `extend_seconds` is not positive; 42501 access denied.
/// *Locks*: the task's key.
/// *Source*: other systems reference 1.5, 1.6.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn heartbeat(
    project_name: Option<&str>,
    task_id: Option<&str>,
    lease_token: Option<i64>,
    extend_seconds: default!(Option<f64>, "NULL"),
) -> Result<String, ErrorReport> {
    extend_seconds.map_or(Ok(()), |seconds| check_duration("extend_seconds", seconds)).map_err(Error::from)?;
    let lease = Leased::lock(project_name, task_id, lease_token)?;
    let held = match lease.find()? {
        Some(held) => held,
        None => return Ok(lease.lost()?),
    };
    sql!(
        "update task_mgmt.lease l
        set leased_at = greatest(l.leased_at, $4), started_at = coalesce(l.started_at, $4),
            expires_at = case
                when l.expires_at is null then null
                when $5::float8 is null then greatest(l.leased_at, $4) + (l.expires_at - l.leased_at)
                else greatest(l.leased_at, $4) + make_interval(secs => $5)
            end
        where l.project_name = $1 and l.task_no = $2 and l.fence = $3"
    )
    .run(&[
        lease.project.into(),
        held.task_no.into(),
        held.fence.into(),
        held.now.into(),
        extend_seconds.into(),
    ])?;
    Ok("ok".into())
}

/// Completes a task.
///
/// *Arguments*: `result` is kept with the task; `completion_status` is one that the task type allows, by default its first
/// one (`completed` for a type that names none).
/// *Effect*: as that of a completion by `release_task`; all or nothing.
/// *Returns* `completed`; or, changing nothing, `lost` or `cancelled` as `heartbeat` does.
/// *Errors*: P0002 project unknown; 22023 status not allowed; 55000 verification failed; 42501 access denied; whatever a
/// handler raises.
/// *Locks*: as `release_task`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn complete_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    lease_token: Option<i64>,
    result: default!(Option<Jsonb>, "NULL"),
    completion_status: default!(Option<&str>, "NULL"),
) -> Result<String, ErrorReport> {
    let lease = Leased::lock(project_name, task_id, lease_token)?;
    let mut found = lease.find()?;
    if found.as_ref().is_some_and(HeldTask::settles_original) {
        locks::unlock(Key::Task(lease.project, lease.task_id));
        overlap::lock_keys(lease.project, lease.task_id)?;
        found = lease.find()?;
    }
    match found {
        Some(held) => Ok(complete(held, result, completion_status)?),
        None => Ok(lease.lost()?),
    }
}

/// Gives up an attempt at a task that has failed. It is tried again later, unless it has failed too often.
///
/// *Arguments*: `error` is kept with the task, 5000 characters at most; `retryable` false ends the task at once; `delay_seconds`
/// replaces the wait that the back-off of the task or its type asks for; `result` is kept with the task.
/// *Returns* `retrying` or `failed`; or, changing nothing, `lost` or `cancelled` as `heartbeat` does. A task has failed once
/// as many attempts have failed as its max_attempts says, else that of its type, else the setting `task_mgmt.max_attempts`.
/// *Errors*: P0002 project unknown; 22023 `delay_seconds` is negative; 42501 access denied.
/// *Locks*: the task's key, row and gate; for a copy also the original's.
/// *Source*: other systems reference 1.5, 3.3, 6.4.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn fail_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    lease_token: Option<i64>,
    error: Option<&str>,
    retryable: default!(Option<bool>, true),
    delay_seconds: default!(Option<f64>, "NULL"),
    result: default!(Option<Jsonb>, "NULL"),
) -> Result<String, ErrorReport> {
    let failure = Failure {
        error: required("error", error)?,
        kind: "retried",
        is_retryable: required("retryable", retryable)?,
        delay_seconds,
        result,
    };
    delay_seconds.map_or(Ok(()), |seconds| check_delay("delay_seconds", seconds)).map_err(Error::from)?;
    let lease = Leased::lock(project_name, task_id, lease_token)?;
    Ok(lease.fail(failure)?)
}

/// Reports what has come of a task by what the worker got: completes it if `result.success` is true, and fails it for good otherwise, with
/// `result.error` or `Unknown error`. The result is kept either way.
///
/// *Returns*, *Errors*, *Locks*: as `complete_task` and `fail_task`.
/// *Source*: other systems reference 1.4.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn report_result(
    project_name: Option<&str>,
    task_id: Option<&str>,
    lease_token: Option<i64>,
    result: Option<Jsonb>,
) -> Result<String, ErrorReport> {
    let result = required("result", result)?;
    let (is_success, error): (bool, String) = sql!(
        "select coalesce($1 @> '{\"success\": true}', false),
            coalesce(nullif($1 ->> 'error', ''), 'Unknown error')"
    )
    .first(&[result.clone().into()], |row| Ok((row.get(1)?, row.get(2)?)))?
    .unwrap_or_default();
    if is_success {
        return complete_task(project_name, task_id, lease_token, Some(result), None);
    }
    fail_task(project_name, task_id, lease_token, Some(&error), Some(false), None, Some(result))
}

/// Gives a task back that cannot be worked on now. It is handed out again after the delay; that is no failure.
///
/// *Arguments*: `reason` is kept in the history.
/// *Returns* `snoozed`; or, changing nothing, `lost` or `cancelled` as `heartbeat` does.
/// *Errors*: P0002 project unknown; 22023 `delay_seconds` is negative; 42501 access denied.
/// *Locks*: the task's key, row and gate.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn snooze_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    lease_token: Option<i64>,
    delay_seconds: Option<f64>,
    reason: default!(Option<&str>, "NULL"),
) -> Result<String, ErrorReport> {
    let seconds = required("delay_seconds", delay_seconds)?;
    check_delay("delay_seconds", seconds).map_err(Error::from)?;
    let lease = Leased::lock(project_name, task_id, lease_token)?;
    let Some(held) = lease.find()? else { return Ok(lease.lost()?) };
    held.end_lease()?;
    held.update_task(|_, _| {})?;
    rows::finish();
    let actor = Actor::User(held.user_no);
    events::append(held.project, &[held.task_no], "snoozed", actor, reason, held.now)?;
    come_back(held.project, held.task_no, held.now, seconds)?;
    Ok("snoozed".into())
}

/// Hands back all tasks that a user, or one of the user's processes, holds: when a worker shuts down. That is no failure.
///
/// *Arguments*: `instance` as given to `claim_tasks`; null for all processes, and what the user holds otherwise.
/// *Returns* the number of tasks.
/// *Errors*: P0002 project or user unknown; 42501 access denied.
/// *Locks*: the tasks' keys, their rows and gates; with more than 64 tasks the project's key, alone.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn release_tasks(
    project_name: Option<&str>,
    user_id: Option<&str>,
    instance: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    crate::access::require(Level::Worker, project)?;
    let user_no = users::find_no(project, user)?;
    let mut held = leases_of(project, user_no, instance)?;
    if held.len() > locks::MOST_KEYS {
        projects::enter_alone(Level::Worker, Some(project))?;
        held = leases_of(project, user_no, instance)?;
    } else {
        projects::enter(Level::Worker, Some(project))?;
        let keys: Vec<Key> = held.iter().map(|(task_id, _)| Key::Task(project, task_id)).collect();
        locks::lock_all(&keys);
    }
    users::require_acting(project, user)?;
    let found = held.iter().map(|(task_id, token)| HeldTask::look_up_token(project, task_id, *token));
    let mut tasks = found.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    tasks.sort_by_key(|task| task.task_no);
    let task_nos: Vec<i64> = tasks.iter().map(|task| task.task_no).collect();
    tasks::lock_rows(project, task_nos.clone())?;
    ready::lock_gates(project, &task_nos)?;
    for task in &tasks {
        task.hand_back("handed_back", Actor::User(user_no), None, None)?;
    }
    Ok(tasks.len() as i64)
}

/// Completes a task whose key is locked, with what else it needs; what `complete_task` returns.
pub fn complete(held: HeldTask, result: Option<Jsonb>, status: Option<&str>) -> Result<String, Error> {
    let usual = tasks::usual_status(&held.task_type.completion_statuses).to_owned();
    held.complete(Outcome { status: status.unwrap_or(&usual), note: None, result })?;
    Ok("completed".into())
}

/// What is said of a failed attempt.
pub struct Failure<'f> {
    pub error: &'f str,
    /// The event if the task is tried again.
    pub kind: &'static str,
    pub is_retryable: bool,
    pub delay_seconds: Option<f64>,
    pub result: Option<Jsonb>,
}

/// Ends a failed attempt at a task whose key, and that of what it is a copy of, the caller has locked.
pub fn fail(held: &HeldTask, failure: Failure) -> Result<String, Error> {
    let row = &held.task_row;
    let failures = row.failures + 1;
    let most = row.max_attempts.or(held.task_type.max_attempts).unwrap_or_else(settings::max_attempts);
    let is_final = !failure.is_retryable || failures >= most;
    let error = shorten(failure.error);
    let result = failure.result.into_datum();
    held.lock_original()?;
    held.end_lease()?;
    held.update_task(|table, values| {
        let mut set = |column: i16, value| values[column as usize - 1] = value;
        set(task::FAILURES, failures.into_datum());
        set(task::ERROR, error.into_datum());
        if result.is_some() {
            set(task::RESULT, result);
        }
        if is_final {
            set(task::STATUS, table.label(task::STATUS, c"failed"));
            set(task::FAILED_AT, held.now.into_datum());
            set(task::EXPIRES_AT, None);
            set(task::OPEN_KEY, None);
        }
    })?;
    rows::finish();
    let (project, task_no) = (held.project, held.task_no);
    let actor = Actor::Process(held.user_no, held.instance.as_deref());
    if is_final {
        events::append(project, &[task_no], "failed", actor, Some(error), held.now)?;
        held.settle_original()?;
        return Ok("failed".into());
    }
    events::append(project, &[task_no], failure.kind, actor, Some(error), held.now)?;
    let policy = row.backoff.as_ref().or(held.task_type.backoff.as_ref()).map(Jsonb::text);
    let backoff = policy.map_or(Ok(Backoff::default()), |policy| Backoff::parse("backoff", &policy))?;
    let delay = failure.delay_seconds.unwrap_or_else(|| backoff.delay_seconds(failures, task_no));
    come_back(project, task_no, held.now, delay)?;
    Ok("retrying".into())
}

/// Lets a task that nobody holds any more be handed out again after a delay.
fn come_back(project: &str, task_no: i64, now: Instant, seconds: f64) -> Result<(), Error> {
    ready::lock_gates(project, &[task_no])?;
    if seconds > 0.0 {
        return waiting::delay(project, &[task_no], vec![now.plus_seconds(seconds)]);
    }
    ready::offer_gated(project, &[task_no])
}

/// The tasks that a user holds, each with its token.
fn leases_of(project: &str, user_no: i32, instance: Option<&str>) -> Result<Vec<(String, i64)>, Error> {
    sql!(
        "select task_id, fence
        from task_mgmt.lease
        where project_name = $1 and user_no = $2 and user_no > 0 and ($3::text is null or instance = $3)"
    )
    .all(&[project.into(), user_no.into(), instance.into()], |row| Ok((row.get(1)?, row.get(2)?)))
}

/// A lease as a worker names it; the task's key is locked.
struct Leased<'a> {
    project: &'a str,
    task_id: &'a str,
    token: i64,
}

impl<'a> Leased<'a> {
    fn lock(project_name: Option<&'a str>, task_id: Option<&'a str>, token: Option<i64>) -> Result<Self, Error> {
        let project = projects::enter(Level::Worker, project_name)?;
        let task_id = required("task_id", task_id)?;
        let token = required("lease_token", token)?;
        locks::lock(Key::Task(project, task_id));
        Ok(Self { project, task_id, token })
    }

    fn find(&self) -> Result<Option<HeldTask<'a>>, Error> {
        let held = HeldTask::look_up_token(self.project, self.task_id, self.token)?;
        held.as_ref().map_or(Ok(()), HeldTask::require_binding)?;
        Ok(held)
    }

    fn fail(&self, failure: Failure) -> Result<String, Error> {
        let mut found = self.find()?;
        if found.as_ref().is_some_and(HeldTask::settles_original) {
            locks::unlock(Key::Task(self.project, self.task_id));
            overlap::lock_keys(self.project, self.task_id)?;
            found = self.find()?;
        }
        match found {
            Some(held) => fail(&held, failure),
            None => self.lost(),
        }
    }

    fn lost(&self) -> Result<String, Error> {
        lost(self.project, self.task_id)
    }
}

/// What is said of a lease that is there no more: whether it was lost to a cancellation.
fn lost(project: &str, task_id: &str) -> Result<String, Error> {
    let status = sql!("select status::text from task_mgmt.task where project_name = $1 and task_id = $2")
        .first(&[project.into(), task_id.into()], |row| row.get::<String>(1))?;
    match status.as_deref() {
        Some("cancelled") => Ok("cancelled".into()),
        Some(_) => Ok("lost".into()),
        None => projects::require_existing(project).map(|()| "lost".into()),
    }
}
