//! Merging into the metadata of a task, which several do at once.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::parse_object;

use super::require_working;
use crate::access::Level;
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::sql;
use crate::tasks;

/// Adds keys to the metadata of a task.
///
/// *Arguments*: `data` is an object. Its values replace those of the same keys as a whole, also with null; other keys stay. To
/// remove a key, replace the metadata by `update_task`.
/// *Returns* the metadata as it is then.
/// *Errors*: P0002 project or task unknown; 22023 `data` is no object; 42501 the caller is neither a manager nor a worker who may act as
/// the user that holds the task.
/// *Locks*: the task's key and row, so that what others merge at the same time stays.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn merge_metadata(
    project_name: Option<&str>,
    task_id: Option<&str>,
    data: Option<Jsonb>,
) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let task = required("task_id", task_id)?;
    let data = required("data", data)?;
    let text = arguments::data(Some(data.clone()))?;
    parse_object::<serde_json::Map<String, serde_json::Value>>("data", &text).map_err(Error::from)?;
    locks::lock(Key::Task(project, task));
    require_working(project, task)?;
    let merged = sql!(
        "update task_mgmt.task
        set metadata = coalesce(metadata, '{}') || $3
        where project_name = $1 and task_id = $2 and coalesce(metadata, '{}') || $3 <> coalesce(metadata, '{}')
        returning task_no, metadata"
    )
    .first(&[project.into(), task.into(), data.into()], |row| Ok((row.get::<i64>(1)?, row.get::<Jsonb>(2)?)))?;
    let Some((task_no, metadata)) = merged else { return Ok(unchanged(project, task)?) };
    events::append(project, &[task_no], "changed", Actor::Caller, Some("metadata"), clock::now()?)?;
    Ok(metadata)
}

fn unchanged(project: &str, task_id: &str) -> Result<Jsonb, Error> {
    sql!("select coalesce(metadata, '{}') from task_mgmt.task where project_name = $1 and task_id = $2")
        .first(&[project.into(), task_id.into()], |row| row.get(1))?
        .map_or_else(|| Err(tasks::not_found(project, task_id)?), Ok)
}
