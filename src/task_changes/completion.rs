//! Completing and re-opening tasks on a manager's word.

use super::{LockedTask, end_lease};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::handlers;
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::tasks;
use crate::users;

/// Moves between open and completed, or from one completion status to another, as the status given demands.
pub fn set_completion(task: &LockedTask, status: Option<&str>, user: Option<&str>) -> Result<(), Error> {
    let user = user.filter(|user| !user.is_empty());
    let status = match status {
        Some(status) => status,
        None if user.is_some() => task.completion_status.as_str(),
        None => return Ok(()),
    };
    match (task.status.as_str(), status) {
        ("queued", "") if user.is_some() => Err(completer_alone(task)?),
        ("queued", "") => Ok(()),
        ("completed", "") => reopen(task),
        ("completed", status) if status == task.completion_status && user.is_none() => Ok(()),
        ("queued" | "completed", status) => complete(task, status, user),
        _ => Err(task.finished()),
    }
}

/// The error for a completer without a completion status.
fn completer_alone(task: &LockedTask) -> Result<Error, Error> {
    Ok(match tasks::is_blocked(task.project, task.task_no)? {
        true => Error::InactiveCompletion { task: task.task_id.into(), what: "completed user" },
        false => Error::NoCompletionStatus(task.task_id.into()),
    })
}

/// Completes on a manager's word; the completer is the user named, the holder, or who completed it before.
fn complete(task: &LockedTask, status: &str, user: Option<&str>) -> Result<(), Error> {
    let state = State::find(task)?;
    if task.status == "queued" && state.worker.is_none() && tasks::is_blocked(task.project, task.task_no)? {
        return Err(Error::InactiveCompletion { task: task.task_id.into(), what: "completion status" });
    }
    tasks::require_status_allowed(status, &state.task_type, &state.completion_statuses)?;
    let user_no = match user {
        Some(user) => users::find_no(task.project, user)?,
        None => state.worker.ok_or_else(|| Error::NoCompletedUser(task.task_id.into()))?,
    };
    if let Some(handler) = &state.verification_handler {
        let verdict = handlers::verify(task.project, handler, task.task_id, status)?;
        if !verdict.passed {
            return Err(Error::VerificationFailed(verdict.message));
        }
        if State::find(task)? != state {
            return Err(Error::ChangedByHandler(task.task_id.into()));
        }
    }
    ready::withdraw(task.project, &[task.task_no])?;
    end_lease(task)?;
    sql!(
        "update task_mgmt.task
        set status = 'completed', completion_status = $3, completed_user_no = $4, completed_at = $5
        where project_name = $1 and task_no = $2"
    )
    .run(&[task.project.into(), task.task_no.into(), status.into(), user_no.into(), task.now.into()])?;
    events::append(task.project, &[task.task_no], "completed", Actor::User(user_no), Some(status), task.now)?;
    satisfaction::unsatisfy(task.project, task.task_no, status, task.now)?;
    satisfaction::satisfy(task.project, task.task_no, status, task.now)?;
    match &state.completion_handler {
        Some(handler) => handlers::complete(task.project, handler, task.task_id, status),
        None => Ok(()),
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
    sql!(
        "update task_mgmt.task
        set status = 'queued', completion_status = '', completed_user_no = null, completed_at = null
        where project_name = $1 and task_no = $2"
    )
    .run(&[task.project.into(), task.task_no.into()])?;
    events::append(task.project, &[task.task_no], "reactivated", Actor::Caller, None, task.now)?;
    satisfaction::unsatisfy(task.project, task.task_no, "", task.now)?;
    ready::offer(task.project, &[task.task_no])
}
