//! Undoing a completion: for the click on the wrong button, as long as nobody has built on it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::assignment::{Taken, Worker};
use crate::error::Error;
use crate::events;
use crate::locks::{self, Key};
use crate::overlap;
use crate::projects;
use crate::satisfaction;
use crate::settings;
use crate::spi::sql;
use crate::task_changes::LockedTask;
use crate::task_changes::completion::clear_outcome;
use crate::tasks;

/// Takes back a completion and gives the task to the user again who completed it, for as many seconds as the setting
/// `task_mgmt.undo_seconds` says (60; 0 for never). Dependents that nobody has started wait again.
///
/// *Returns* true; also, and changing nothing, if the user has undone it already and holds the task since.
/// *Errors*: P0002 project, user or task unknown; 55000 it is too late, the task is not completed, or was completed by somebody
/// else or by being brought in, or its outcome was changed afterwards, or its type has a completion handler (whose effects
/// stay), or the task that it is a copy of is completed or held by who decides, or somebody holds or has completed a task that
/// waited for it, or the user holds another task, or project or user are not active; 42501 access denied.
/// *Locks*: the project's dependency graph, the user's key, the task's key, the rows of the task and its dependents, their
/// gates; of a copy also key and row of its original, before its own, and what belongs to that.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn undo_release(project_name: Option<&str>, user_id: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let id = required("task_id", task_id)?;
    locks::lock(Key::Graph(project));
    locks::lock(Key::User(project, user));
    let task = LockedTask::lock_to_reopen(project, id)?;
    let worker = Worker::find(project, user)?;
    access::require_binding(project, user, worker.bound_role)?;
    if !is_undone(&worker, &task)? {
        require_undoable(&worker, &task)?;
        undo(&worker, &task)?;
    }
    Ok(true)
}

fn is_undone(worker: &Worker, task: &LockedTask) -> Result<bool, Error> {
    let last = events::last_turns(task.project, task.task_no)?.into_iter().next();
    match last.is_some_and(|turn| turn.kind == "release_undone") {
        true => Ok(tasks::holder(task.project, task.task_id)?.as_deref() == Some(worker.user)),
        false => Ok(false),
    }
}

/// Errors: 55000 unless the completion is the user's own, the last thing that happened to the task, young enough and without
/// effects elsewhere, and the user may have a task.
fn require_undoable(worker: &Worker, task: &LockedTask) -> Result<(), Error> {
    if let Some(reason) = objection(worker, task)? {
        return Err(Error::CannotUndo { task: task.task_id.into(), reason });
    }
    if let Some(active) = &worker.active_task {
        return Err(worker.no_room(active, task.task_id));
    }
    worker.require_active()
}

fn objection(worker: &Worker, task: &LockedTask) -> Result<Option<String>, Error> {
    if task.status != "completed" {
        return Ok(Some("it is not completed".into()));
    }
    let (completer, age_seconds, handler) = sql!(
        "select c.user_id, extract(epoch from $3 - t.completed_at)::float8, y.completion_handler
        from task_mgmt.task t
        join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
        join task_mgmt.project_user c on c.project_name = $1 and c.user_no = t.completed_user_no
        where t.project_name = $1 and t.task_no = $2"
    )
    .first(&[task.project.into(), task.task_no.into(), task.now.into()], |row| {
        Ok((row.get::<String>(1)?, row.get::<f64>(2)?, row.find::<String>(3)?))
    })?
    .ok_or_else(|| Error::Internal(format!("task {} is completed by nobody", task.task_id)))?;
    let turns = events::last_turns(task.project, task.task_no)?;
    let decision = task.original_no.map_or(Ok(None), |original_no| overlap::decision(task.project, original_no))?;
    let is_completion = |place: usize| turns.get(place).is_some_and(|turn| turn.kind == "completed");
    let limit_seconds = settings::undo_seconds();
    Ok(match handler {
        _ if completer != worker.user => Some(format!("it was completed by {completer}")),
        _ if turns.first().is_some_and(|turn| turn.kind == "concluded") => Some("it is what its copies came to".into()),
        _ if !is_completion(0) => Some("it was brought in as completed".into()),
        _ if is_completion(1) => Some("its outcome was changed afterwards".into()),
        _ if age_seconds >= limit_seconds => {
            Some(format!("it was completed {age_seconds:.3} s ago, and the limit is {limit_seconds} s"))
        }
        _ if task.original_no.is_some() => decision.map(|original| format!("{original} was decided upon since")),
        Some(handler) if !task.is_check => Some(format!("the effects of completion handler {handler} stay")),
        _ => None,
    })
}

/// Errors: 55000 if somebody has started what waited for the task; that shows only once the dependents are withdrawn.
fn undo(worker: &Worker, task: &LockedTask) -> Result<(), Error> {
    satisfaction::lock_dependents(task.project, &task.with_original())?;
    let attempts = clear_outcome(task)?;
    let taken = Taken { task_no: task.task_no, task_id: task.task_id, attempts };
    let event_no = worker.lease(&taken, c"release_undone")?;
    events::recount(task.project, task.task_no, event_no)?;
    let (started, waiting) = satisfaction::unsatisfy(task.project, task.task_no, "", task.now)?;
    task.settle_original()?;
    let built_on = sql!(
        "select task_id
        from (
            select t.task_no, t.task_id
            from task_mgmt.task t
            where t.project_name = $1 and t.task_no = any($2) and t.status <> 'cancelled'
            union all
            select c.task_no, c.task_id
            from task_mgmt.task c
            where c.project_name = $1 and c.original_no = any($3) and not c.is_check
                and (c.status = 'completed' or exists (
                    select from task_mgmt.lease l where l.project_name = $1 and l.task_no = c.task_no))
        ) as built_on
        order by built_on.task_no
        limit 1"
    )
    .first(&[task.project.into(), started.into(), waiting.into()], |row| row.get::<String>(1))?;
    match built_on {
        Some(dependent) => Err(Error::CannotUndo {
            task: task.task_id.into(),
            reason: format!("{dependent}, which waited for it, has been started"),
        }),
        None => Ok(()),
    }
}
