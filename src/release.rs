//! Releasing tasks: completed, or handed back unfinished.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::assignment::Worker;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events;
use crate::handlers;
use crate::locks::{self, Key};
use crate::projects;
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::tasks;

/// Gives up a task that the user holds.
///
/// *Arguments*: `completion_status` is one that the task type allows, or '' to hand the task back unfinished; `note` replaces
/// the task's note unless null.
/// *Effect* of a completion, all or nothing: the type's verification handler agrees, the task is completed, dependents that
/// waited for this status only become startable, the completion handler runs.
/// *Returns* true.
/// *Errors*: P0002 project, user or task unknown; 55000 the user does not hold the task, or verification failed;
/// 22023 status not allowed; 42501 access denied; whatever a handler raises.
/// *Locks*: the task's key; for a completion the gates of its dependents.
/// *Source*: annotation reference 9, 10.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn release_task(
    project_name: Option<&str>,
    user_id: Option<&str>,
    task_id: Option<&str>,
    completion_status: default!(Option<&str>, "''"),
    note: default!(Option<&str>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let task = required("task_id", task_id)?;
    let status = required("completion_status", completion_status)?;
    locks::lock(Key::Task(project, task));
    let held = HeldTask::find(project, user, task)?;
    access::require_binding(project, user, held.bound_role)?;
    match status {
        "" => held.hand_back("handed_back", events::Actor::User(held.user_no), None, note)?,
        status => held.complete(status, note)?,
    }
    Ok(true)
}

/// Takes a task from whoever holds it and makes it available again; the history records who did it.
///
/// *Arguments*: `reason` is kept in the history.
/// *Returns* true.
/// *Errors*: P0002 project or task unknown; 55000 nobody holds the task; 42501 the caller is not a manager.
/// *Locks*: the task's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn force_release_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = required("task_id", task_id)?;
    locks::lock(Key::Task(project, task));
    let holder = tasks::holder(project, task)?.ok_or_else(|| Error::TaskNotHeld(task.into()))?;
    let held = HeldTask::find(project, &holder, task)?;
    let detail = match reason {
        None => format!("from {holder}"),
        Some(reason) => format!("from {holder}: {reason}"),
    };
    held.hand_back("force_released", events::Actor::Caller, Some(&detail), None)?;
    Ok(true)
}

/// Renews the user's lease of a task, so that nobody takes it over.
///
/// *Returns* true.
/// *Errors*: P0002 project or user unknown; 55000 the user does not hold the task; 42501 access denied.
/// *Locks*: the task's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn renew_lease(project_name: Option<&str>, user_id: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let task = required("task_id", task_id)?;
    locks::lock(Key::Task(project, task));
    let worker = Worker::find(project, user)?;
    access::require_binding(project, user, worker.bound_role)?;
    match worker.renew(task)? {
        true => Ok(true),
        false => Err(not_held(project, user, task)?.into()),
    }
}

/// A task and its holder, as read under the task's key.
struct HeldTask<'a> {
    project: &'a str,
    task_id: &'a str,
    user_no: i32,
    bound_role: Option<pg_sys::Oid>,
    task_no: i64,
    task_type: String,
    completion_statuses: Vec<String>,
    verification_handler: Option<String>,
    completion_handler: Option<String>,
    leased_at: Instant,
    started_at: Instant,
    now: Instant,
}

impl<'a> HeldTask<'a> {
    /// Errors: P0002 or 55000 if the user does not hold the task.
    fn find(project: &'a str, user: &str, task_id: &'a str) -> Result<Self, Error> {
        let found = sql!(
            "select u.user_no, u.bound_role::oid, l.task_no, t.task_type, y.completion_statuses, y.verification_handler,
                y.completion_handler, l.leased_at, l.started_at
            from task_mgmt.project_user u
            join task_mgmt.lease l on l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0 and l.task_id = $3
            join task_mgmt.task t on t.project_name = $1 and t.task_no = l.task_no
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
            where u.project_name = $1 and u.user_id = $2"
        )
        .first(&[project.into(), user.into(), task_id.into()], |row| {
            Ok(Self {
                project,
                task_id,
                user_no: row.get(1)?,
                bound_role: row.find(2)?,
                task_no: row.get(3)?,
                task_type: row.get(4)?,
                completion_statuses: row.get(5)?,
                verification_handler: row.find(6)?,
                completion_handler: row.find(7)?,
                leased_at: row.get(8)?,
                started_at: row.get(9)?,
                now: clock::now()?,
            })
        })?;
        match found {
            Some(held) => Ok(held),
            None => Err(not_held(project, user, task_id)?),
        }
    }

    fn complete(&self, status: &str, note: Option<&str>) -> Result<(), Error> {
        tasks::require_status_allowed(status, &self.task_type, &self.completion_statuses)?;
        if let Some(handler) = &self.verification_handler {
            let verdict = handlers::verify(self.project, handler, self.task_id, status)?;
            if !verdict.passed {
                return Err(Error::VerificationFailed(verdict.message));
            }
        }
        let has_dependents = sql!(
            "with ended as (
                delete from task_mgmt.lease
                where project_name = $1 and task_no = $2
            ), logged as (
                insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no, detail)
                values ($1, $2, $7, $5, 'completed', $4, $3)
            )
            update task_mgmt.task
            set status = 'completed', completion_status = $3, completed_user_no = $4, completed_at = $5,
                note = coalesce($6, note), first_start_ts = coalesce(first_start_ts, $8), last_leased_ts = $9
            where project_name = $1 and task_no = $2
            returning has_dependents"
        )
        .first(
            &[
                self.project.into(),
                self.task_no.into(),
                status.into(),
                self.user_no.into(),
                self.now.into(),
                note.into(),
                events::next_number()?.into(),
                self.started_at.into(),
                self.leased_at.into(),
            ],
            |row| row.get(1),
        )?;
        if has_dependents.unwrap_or(false) {
            satisfaction::satisfy(self.project, self.task_no, status, self.now)?;
        }
        match &self.completion_handler {
            Some(handler) => handlers::complete(self.project, handler, self.task_id, status),
            None => Ok(()),
        }
    }

    fn hand_back(
        &self,
        kind: &'static str,
        actor: events::Actor,
        detail: Option<&str>,
        note: Option<&str>,
    ) -> Result<(), Error> {
        sql!(
            "with ended as (
                delete from task_mgmt.lease
                where project_name = $1 and task_no = $2
            )
            update task_mgmt.task
            set note = coalesce($3, note), first_start_ts = coalesce(first_start_ts, $4), last_leased_ts = $5
            where project_name = $1 and task_no = $2"
        )
        .run(&[
            self.project.into(),
            self.task_no.into(),
            note.into(),
            self.started_at.into(),
            self.leased_at.into(),
        ])?;
        events::append(self.project, &[self.task_no], kind, actor, detail, self.now)?;
        ready::offer(self.project, &[self.task_no])
    }
}

/// Why the user does not hold the task.
fn not_held(project: &str, user: &str, task_id: &str) -> Result<Error, Error> {
    let worker = Worker::find(project, user)?;
    Ok(match worker.active_task {
        None => Error::NoActiveTask { project: project.into(), user: user.into() },
        Some(active) => Error::NotTheActiveTask { user: user.into(), active, task: task_id.into() },
    })
}
