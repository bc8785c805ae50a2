//! Expanding a state in the seed form (`{"seed_id": 123}`) to that of the segment: when the task is started, or when somebody
//! asks for it. Reading leaves it as it is.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::neuroglancer::Shown;
use task_mgmt_core::neuroglancer::seed::seed_of;
use task_mgmt_core::tasks::SeedId;

use super::segment_state::Scene;
use crate::access::Level;
use crate::arguments::required;
use crate::assignment::Worker;
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::locks::{self, Key};
use crate::projects;
use crate::ready;
use crate::spi::sql;
use crate::tasks;

/// Replaces an ng_state in the seed form, `{"seed_id": 123}`, by the state of that segment; ng_state_initial, too, if it is the
/// same. Any other state stays as it is.
///
/// Starting a task does this by itself, unless something of the segment's state is missing.
/// *Returns* whether the state was replaced.
/// *Errors*: P0002 project, task or segment unknown, or the expected segment type; 55000 the project has no resolution or
/// segmentation_path; 42501 the caller is not a worker.
/// *Locks*: the task's key and row.
/// *Source*: annotation reference 14.2, 21.26.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn expand_ng_state(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let task_id = required("task_id", task_id)?;
    locks::lock(Key::Task(project, task_id));
    let task_no = tasks::lock_row(project, task_id)?;
    let is_expanded = expand(project, task_no, Actor::Caller)?;
    if is_expanded {
        ready::note_state(project, task_no)?;
    }
    Ok(is_expanded)
}

/// Expands the state of a task that the worker has just been given. If something is missing for that, the state stays as it is:
/// it must not keep anybody from working. The caller holds the task's key and has taken it out of `task_mgmt.ready`.
pub fn expand_started(worker: &Worker, task_no: i64) -> Result<(), Error> {
    match expand(worker.project, task_no, Actor::User(worker.user_no)) {
        Ok(_) | Err(Error::NoSuchSegment { .. } | Error::LayersOfUnknownType { .. } | Error::NothingToShow { .. }) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Whether the state was in the seed form.
fn expand(project: &str, task_no: i64, actor: Actor) -> Result<bool, Error> {
    let Some(SeedId(seed_id)) = lock_seed(project, task_no)? else { return Ok(false) };
    let scene = Scene::latest(project, seed_id)?;
    let state = scene.json(&Shown { segment_type: scene.expected_type()?, ..Shown::EVERYTHING })?;
    sql!(
        "update task_mgmt.task
        set ng_state = $3::jsonb,
            ng_state_initial = case when ng_state_initial = ng_state then $3::jsonb else ng_state_initial end,
            has_seed_state = false
        where project_name = $1 and task_no = $2"
    )
    .run(&[project.into(), task_no.into(), state.into()])?;
    events::append(project, &[task_no], "changed", actor, Some("ng_state expanded"), clock::now()?)?;
    Ok(true)
}

/// Locks the row of a task whose state is in the seed form; None if it is not.
fn lock_seed(project: &str, task_no: i64) -> Result<Option<SeedId>, Error> {
    let state = sql!(
        "select ng_state::text from task_mgmt.task
        where project_name = $1 and task_no = $2 and has_seed_state
        for no key update"
    )
    .first(&[project.into(), task_no.into()], |row| row.get::<String>(1))?;
    Ok(state.as_deref().and_then(seed_of))
}
