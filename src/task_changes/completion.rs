//! Completing and re-opening tasks on a manager's word.

use super::{LockedTask, end_leases};
use crate::conversations;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::handlers;
use crate::limits::{self, following};
use crate::overlap;
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::tasks;
use crate::unique_keys;
use crate::users;
use crate::waiting;

/// Moves between open and completed, or from one outcome to another; what is given differs from what is so.
pub fn set_completion(task: &LockedTask, status: Option<&str>, user: Option<&str>) -> Result<(), Error> {
    if status.is_none() && user.is_none() {
        return Ok(());
    }
    let status = status.unwrap_or(&task.completion_status);
    match (task.status.as_str(), status, user) {
        ("completed", "", None | Some("")) => reopen(task),
        ("queued" | "completed", "", _) => Err(completer_alone(task)?),
        ("completed", _, Some("")) => Err(Error::NoCompletedUser(task.task_id.into())),
        ("queued" | "completed", status, user) => complete(task, status, user),
        _ => Err(task.finished()),
    }
}

/// The error for a completer without a completion status.
fn completer_alone(task: &LockedTask) -> Result<Error, Error> {
    Ok(match is_inactive(task)? {
        true => Error::InactiveCompletion { task: task.task_id.into(), what: "completed user" },
        false => Error::NoCompletionStatus(task.task_id.into()),
    })
}

/// Whether it waits; what is held or finished does not, whatever dependencies it has.
fn is_inactive(task: &LockedTask) -> Result<bool, Error> {
    if task.status != "queued" || tasks::holder(task.project, task.task_id)?.is_some() {
        return Ok(false);
    }
    tasks::is_blocked(task.project, task.task_no)
}

/// Completes on a manager's word; the completer is the user named, the holder, or who completed it before. If only that changes,
/// no handler is asked again.
fn complete(task: &LockedTask, status: &str, user: Option<&str>) -> Result<(), Error> {
    let state = State::find(task)?;
    if is_inactive(task)? {
        return Err(Error::InactiveCompletion { task: task.task_id.into(), what: "completion status" });
    }
    tasks::require_status_allowed(status, &state.task_type, &state.completion_statuses)?;
    let user_no = match user {
        Some(user) => users::find_no(task.project, user)?,
        None => state.worker.ok_or_else(|| Error::NoCompletedUser(task.task_id.into()))?,
    };
    if task.original_no.is_some() {
        let user = users::name(task.project, user_no)?;
        overlap::require_unanswered(task.project, task.task_no, task.task_id, user_no, &user)?;
    }
    let keeps_outcome = task.status == "completed" && task.completion_status == status;
    if let Some(handler) = state.verification_handler.as_ref().filter(|_| !keeps_outcome) {
        let verdict = handlers::verify(task.project, handler, task.task_id, status)?;
        if !verdict.passed {
            return Err(Error::VerificationFailed(verdict.message));
        }
        if State::find(task)? != state {
            return Err(Error::ChangedByHandler(task.task_id.into()));
        }
    }
    ready::withdraw(task.project, &[task.task_no])?;
    waiting::end(task.project, &[task.task_no])?;
    end_leases(task.project, &[task.task_no])?;
    sql!(
        "update task_mgmt.task
        set status = 'completed', completion_status = $3, completed_user_no = $4, completed_at = $5,
            is_concluded = is_concluded and not $6, expires_at = null, open_key = null
        where project_name = $1 and task_no = $2"
    )
    .run(&[
        task.project.into(),
        task.task_no.into(),
        status.into(),
        user_no.into(),
        task.now.into(),
        user.is_some().into(),
    ])?;
    limits::free(task.project, &[task.task_no])?;
    if let Some(fence) = state.fence {
        conversations::process(task.project, task.task_no, fence, task.now)?;
    }
    events::append(task.project, &[task.task_no], "completed", Actor::User(user_no), Some(status), task.now)?;
    satisfaction::unsatisfy(task.project, task.task_no, status, task.now)?;
    satisfaction::satisfy(task.project, task.task_no, status, task.now)?;
    match (task.original_no, &state.completion_handler) {
        (Some(original_no), _) => overlap::settle(task.project, original_no, task.now),
        (None, Some(handler)) if !task.is_check && !keeps_outcome => {
            handlers::complete(task.project, handler, task.task_id, status)
        }
        (None, _) => Ok(()),
    }
}

/// What a completion depends on.
#[derive(PartialEq)]
struct State {
    status: String,
    completion_status: String,
    /// Who holds the task or, if it is completed, who completed it.
    worker: Option<i32>,
    fence: Option<i64>,
    task_type: String,
    completion_statuses: Vec<String>,
    verification_handler: Option<String>,
    completion_handler: Option<String>,
}

impl State {
    fn find(task: &LockedTask) -> Result<Self, Error> {
        let found = sql!(
            "select t.status::text, t.completion_status, coalesce(l.user_no, t.completed_user_no), l.fence, y.task_type,
                y.completion_statuses, y.verification_handler, y.completion_handler
            from task_mgmt.task t
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
            left join task_mgmt.lease l on l.project_name = $1 and l.task_no = t.task_no
            where t.project_name = $1 and t.task_no = $2"
        )
        .first(&[task.project.into(), task.task_no.into()], |row| {
            Ok(Self {
                status: row.get(1)?,
                completion_status: row.get(2)?,
                worker: row.find(3)?,
                fence: row.find(4)?,
                task_type: row.get(5)?,
                completion_statuses: row.get(6)?,
                verification_handler: row.find(7)?,
                completion_handler: row.find(8)?,
            })
        })?;
        match found {
            Some(state) => Ok(state),
            None => Err(tasks::not_found(task.project, task.task_id)?),
        }
    }
}

/// Opens a finished task again. The caller holds the key of the dependency graph.
pub fn reopen(task: &LockedTask) -> Result<(), Error> {
    task.require_room()?;
    clear_outcome(task)?;
    following::admit(task.project, &[task.task_no])?;
    events::append(task.project, &[task.task_no], "reactivated", Actor::Caller, None, task.now)?;
    satisfaction::unsatisfy(task.project, task.task_no, "", task.now)?;
    ready::offer(task.project, &[task.task_no])?;
    task.settle_original()
}

/// Makes a finished task an open one; what depends on it and who gets it is for the caller to see to.
/// Returns how often it has been started. The caller has locked its unique key.
pub fn clear_outcome(task: &LockedTask) -> Result<i32, Error> {
    unique_keys::require_free(task.project, task.task_no)?;
    sql!(
        "update task_mgmt.task
        set status = 'queued', completion_status = '', completed_user_no = null, completed_at = null, is_concluded = false,
            failures = 0, failed_at = null, open_key = unique_key, expires_at = $3 + make_interval(secs => ttl_seconds)
        where project_name = $1 and task_no = $2
        returning attempts"
    )
    .value(&[task.project.into(), task.task_no.into(), task.now.into()])
}
