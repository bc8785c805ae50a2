//! Which tasks belong to a segment: those that name its seed, and those that are linked to it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{lock_row, require_visible};
use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::ids;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::{Statement, read, sql};
use crate::tasks;

/// Links a task to a segment, whatever the seed that the task itself names.
///
/// *Returns* true, or false if it was linked already.
/// *Errors*: P0002 project, segment or task unknown; 22023 bad seed_id; 42501 the caller is not a manager.
/// *Locks*: the task's key, the segment's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn link_segment_task(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    task_id: Option<&str>,
) -> Result<bool, ErrorReport> {
    let link = sql!(
        "insert into task_mgmt.segment_task (project_name, seed_id, task_no)
        values ($1, $2, $3)
        on conflict do nothing"
    );
    Ok(change_link(project_name, seed_id, task_id, link, "linked to")?)
}

/// Undoes `link_segment_task`. A task that names the segment's seed itself stays one of its tasks.
///
/// *Returns* whether it was linked.
/// *Errors*, *Locks*: as `link_segment_task`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unlink_segment_task(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    task_id: Option<&str>,
) -> Result<bool, ErrorReport> {
    let unlink = sql!("delete from task_mgmt.segment_task where project_name = $1 and seed_id = $2 and task_no = $3");
    Ok(change_link(project_name, seed_id, task_id, unlink, "unlinked from")?)
}

/// The tasks of a segment, those that name its seed and those linked to it, as a JSON array of what `get_task` returns, in order
/// of creation.
///
/// *Errors*: P0002 project or segment unknown; 22023 bad seed_id; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_tasks(project_name: Option<&str>, seed_id: Option<AnyNumeric>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let seed = ids::one("seed_id", seed_id)?;
    access::require(Level::Reader, project)?;
    require_visible(project, seed)?;
    Ok(read!(
        "select coalesce(jsonb_agg(task_mgmt.task_as_json(d) order by d.task_no), '[]')
        from task_mgmt.segment_tasks own
        cross join lateral (
            select * from task_mgmt.task_details d
            where d.project_name = $1 and d.task_no = own.task_no
            offset 0
        ) d
        where own.project_name = $1 and own.seed_id = $2"
    )
    .value(&[project.into(), ids::numeric(seed).into()])?)
}

/// A task as `get_task` returns it, with what whoever works on it should know of its segment: segment_type is the expected type
/// of the segment, and if that type exists, its instruction and instruction_link (null if not set) are added. Without a segment the
/// task is as it is.
///
/// *Errors*: P0002 project or task unknown; 42501 access denied.
/// *Source*: annotation reference 11.5.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn add_segment_type_and_instructions(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    access::require(Level::Reader, project)?;
    let found = read!(
        "select task_mgmt.task_as_json(d)
            || case when s.seed_id is null then '{}'
                else jsonb_build_object('segment_type', s.expected_segment_type) end
            || case when y.type_name is null then '{}'
                else jsonb_build_object('instruction', y.instruction, 'instruction_link', y.instruction_link) end
        from task_mgmt.task_details d
        left join task_mgmt.segment s on s.project_name = $1 and s.seed_id = d.segment_seed_id
        left join task_mgmt.segment_type y on y.project_name = $1 and y.type_name = s.expected_segment_type
        where d.project_name = $1 and d.task_id = $2"
    )
    .first(&[project.into(), task.into()], |row| row.get(1))?;
    match found {
        Some(task) => Ok(task),
        None => Err(tasks::not_found(project, task)?.into()),
    }
}

/// Whether the change to the link of a task and a segment has changed anything.
fn change_link(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    task_id: Option<&str>,
    change: &Statement,
    detail: &str,
) -> Result<bool, Error> {
    let seed = ids::one("seed_id", seed_id)?;
    let task = required("task_id", task_id)?;
    let project = projects::enter(Level::Manager, project_name)?;
    locks::lock(Key::Task(project, task));
    lock_row(project, seed)?;
    let task_no = tasks::find_no(project, task)?;
    if change.run(&[project.into(), ids::numeric(seed).into(), task_no.into()])? == 0 {
        return Ok(false);
    }
    let detail = format!("{detail} segment {seed}");
    events::append(project, &[task_no], "changed", Actor::Caller, Some(&detail), clock::now()?)?;
    Ok(true)
}
