//! Projects: the tenants. Removing the contents of a project is in `clearing`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::{Invalid, check_name};
use task_mgmt_core::projects::{ProjectPatch, check_extra_layers};

use crate::access::{self, ALL_PROJECTS, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor, notifications};
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::spi::{self, read, sql};

/// What `get_project` returns, and what `update_project` leaves out of its data if it is so already.
const RECORD: &str = "select jsonb_build_object(
        'project_name', project_name,
        'created_at', created_at,
        'description', description,
        'status', status,
        'segmentation_path', segmentation_path,
        'sv_resolution_x', sv_resolution_x,
        'sv_resolution_y', sv_resolution_y,
        'sv_resolution_z', sv_resolution_z)
    || jsonb_strip_nulls(jsonb_build_object(
        'brain_mesh_path', brain_mesh_path,
        'datastack_name', datastack_name,
        'synapse_table', synapse_table,
        'max_idle_seconds', max_idle_seconds,
        'notify_events', notify_events))
    || case when extra_layers is null then '{}' else jsonb_build_object('extra_layers', extra_layers) end
    from task_mgmt.project
    where project_name = $1";

const BY_NAME: &str = "select from task_mgmt.project where project_name = $1";

/// Creates an active project and returns its name.
///
/// *Arguments*: only the name is needed ('*' is reserved). `sv_resolution_x/y/z` in nanometres, positive; `extra_layers` is an
/// array of neuroglancer layer objects; `max_idle_seconds` replaces the setting `task_mgmt.max_idle_seconds`; `notify_events` says of
/// which events listeners are notified: "all", or an array of kinds (default: none).
/// *Errors*: 42710 the project exists; 22023 a bad argument; 42501 the caller is not an admin of all projects.
/// *Source*: annotation reference 3.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::too_many_arguments)]
fn create_project(
    project_name: Option<&str>,
    segmentation_path: default!(Option<&str>, "NULL"),
    sv_resolution_x: default!(Option<f64>, "NULL"),
    sv_resolution_y: default!(Option<f64>, "NULL"),
    sv_resolution_z: default!(Option<f64>, "NULL"),
    description: default!(Option<&str>, "NULL"),
    brain_mesh_path: default!(Option<&str>, "NULL"),
    datastack_name: default!(Option<&str>, "NULL"),
    synapse_table: default!(Option<&str>, "NULL"),
    extra_layers: default!(Option<Jsonb>, "NULL"),
    max_idle_seconds: default!(Option<f64>, "NULL"),
    notify_events: default!(Option<Jsonb>, "NULL"),
) -> Result<String, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require_everywhere(Level::Admin)?;
    let extra_layers = extra_layers.map(|layers| layers.text());
    let patch = ProjectPatch {
        sv_resolution_x: Some(sv_resolution_x),
        sv_resolution_y: Some(sv_resolution_y),
        sv_resolution_z: Some(sv_resolution_z),
        max_idle_seconds: Some(max_idle_seconds),
        ..ProjectPatch::default()
    };
    check(project, &patch, extra_layers.as_deref()).map_err(Error::from)?;
    let notify_events = notify_events.map(|kinds| kinds.text());
    notify_events.as_deref().map_or(Ok(()), |kinds| notifications::check("notify_events", kinds))?;
    locks::share(Key::Project(project));
    let now = clock::now()?;
    let inserted = sql!(
        "insert into task_mgmt.project
            (project_name, segmentation_path, sv_resolution_x, sv_resolution_y, sv_resolution_z, description,
            brain_mesh_path, datastack_name, synapse_table, extra_layers, max_idle_seconds, created_at, notify_events)
        values ($1, $2, $3, $4, $5, coalesce($6, ''), $7, $8, $9, $10::jsonb, $11, $12, nullif($13::jsonb, 'null'))
        on conflict do nothing"
    )
    .run(&[
        project.into(),
        segmentation_path.into(),
        sv_resolution_x.into(),
        sv_resolution_y.into(),
        sv_resolution_z.into(),
        description.into(),
        brain_mesh_path.into(),
        datastack_name.into(),
        synapse_table.into(),
        extra_layers.into(),
        max_idle_seconds.into(),
        now.into(),
        notify_events.into(),
    ])?;
    notifications::forget();
    if inserted == 0 {
        return Err(Error::ProjectExists(project.into()).into());
    }
    events::append(project, &[0], "project_created", Actor::Caller, None, now)?;
    Ok(project.into())
}

/// A project as a JSON object: project_name, created_at, description, status, segmentation_path, sv_resolution_x/y/z;
/// and brain_mesh_path, datastack_name, synapse_table, extra_layers, max_idle_seconds, notify_events if they are set.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_project(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    let found = read!(RECORD).first(&[project.into()], |row| row.get(1))?;
    Ok(found.ok_or_else(|| Error::ProjectNotFound(project.into()))?)
}

/// Changes a project.
///
/// *Arguments*: `data` is an object; an absent key keeps the value, null clears it. Keys: the arguments of `create_project`
/// but the name. The status has functions of its own.
/// *Returns* true.
/// *Errors*: P0002 project unknown; 22023 anything wrong with `data`; 42501 the caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_project(project_name: Option<&str>, data: Option<Jsonb>) -> Result<bool, ErrorReport> {
    let project = enter(Level::Manager, project_name)?;
    let data = required("data", data)?;
    lock_status(project)?;
    let changes = arguments::changes(data, sql!(RECORD).value(&[project.into()])?)?;
    let patch = ProjectPatch::parse(&changes).map_err(Error::from)?;
    if let Some(Some(kinds)) = patch.notify_events {
        notifications::check("data.notify_events", kinds.get())?;
    }
    if changes == "{}" {
        return Ok(true);
    }
    sql!(
        "update task_mgmt.project p set
            description = case when d ? 'description' then coalesce(d->>'description', '') else description end,
            segmentation_path = case when d ? 'segmentation_path' then d->>'segmentation_path'
                else segmentation_path end,
            sv_resolution_x = case when d ? 'sv_resolution_x' then (d->>'sv_resolution_x')::float8
                else sv_resolution_x end,
            sv_resolution_y = case when d ? 'sv_resolution_y' then (d->>'sv_resolution_y')::float8
                else sv_resolution_y end,
            sv_resolution_z = case when d ? 'sv_resolution_z' then (d->>'sv_resolution_z')::float8
                else sv_resolution_z end,
            brain_mesh_path = case when d ? 'brain_mesh_path' then d->>'brain_mesh_path' else brain_mesh_path end,
            datastack_name = case when d ? 'datastack_name' then d->>'datastack_name' else datastack_name end,
            synapse_table = case when d ? 'synapse_table' then d->>'synapse_table' else synapse_table end,
            extra_layers = case when d ? 'extra_layers' then nullif(d->'extra_layers', 'null') else extra_layers end,
            max_idle_seconds = case when d ? 'max_idle_seconds' then (d->>'max_idle_seconds')::float8
                else max_idle_seconds end,
            notify_events = case when d ? 'notify_events' then nullif(d->'notify_events', 'null') else notify_events end
        from (select $2::jsonb) as given (d)
        where p.project_name = $1"
    )
    .run(&[project.into(), changes.as_str().into()])?;
    if patch.notify_events.is_some() {
        notifications::forget();
    }
    events::append(project, &[0], "project_changed", Actor::Caller, Some("updated"), clock::now()?)?;
    Ok(true)
}

/// The names of all active projects that the caller may read, in alphabetical order. A function across projects.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_all_projects() -> Result<Vec<String>, ErrorReport> {
    let readable = access::readable_projects()?;
    Ok(read!(
        "select coalesce(array_agg(project_name order by project_name), '{}')
        from task_mgmt.project
        where status = 'active' and project_name = any($1)"
    )
    .value(&[readable.into()])?)
}

/// Whether there is a project of this name, whatever its status.
///
/// *Errors*: 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn project_exists(project_name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    Ok(is_visible(project)?)
}

/// Stops a project from handing out work until it is resumed. What is held may still be released, and time submitted.
///
/// *Returns* true, also if the project was paused already.
/// *Errors*: P0002 project unknown; 55000 it is archived; 42501 the caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn pause_project(project_name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = enter(Level::Manager, project_name)?;
    let status = lock_status(project)?;
    if status == "archived" {
        return Err(Error::ProjectNotActive { project: project.into(), status }.into());
    }
    set_status(project, &status, "paused")?;
    Ok(true)
}

/// Makes a paused or archived project active again.
///
/// *Returns* true, also if the project was active already.
/// *Errors*: P0002 project unknown; 42501 the caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn resume_project(project_name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = enter(Level::Manager, project_name)?;
    let status = lock_status(project)?;
    set_status(project, &status, "active")?;
    Ok(true)
}

/// Puts a project away: it hands out no work, and only `resume_project` brings it back. Its data stays.
///
/// *Returns* true, also if the project was archived already.
/// *Errors*: P0002 project unknown; 42501 the caller is not an admin.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn archive_project(project_name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = enter(Level::Admin, project_name)?;
    let status = lock_status(project)?;
    set_status(project, &status, "archived")?;
    Ok(true)
}

/// Opens a call that writes in a project: checks the argument and the caller's level, and keeps the project from being
/// removed until the transaction ends.
pub fn enter(level: Level, project_name: Option<&str>) -> Result<&str, Error> {
    let project = required("project_name", project_name)?;
    access::require(level, project)?;
    locks::share(Key::Project(project));
    Ok(project)
}

/// Opens a call that must be alone in the project, until the transaction ends.
pub fn enter_alone(level: Level, project_name: Option<&str>) -> Result<&str, Error> {
    let project = required("project_name", project_name)?;
    access::require(level, project)?;
    locks::lock(Key::Project(project));
    Ok(project)
}

/// Refuses a project that does not exist to a call that writes. Errors: P0002; 40001 if it is younger than the snapshot of a
/// REPEATABLE READ transaction, where foreign keys look for it.
pub fn require_existing(project: &str) -> Result<(), Error> {
    if !exists(project)? {
        return Err(Error::ProjectNotFound(project.into()));
    }
    match spi::keeps_snapshot() && !is_visible(project)? {
        true => Err(Error::Serialization),
        false => Ok(()),
    }
}

/// Refuses a project that does not exist to a call that only reads. Errors: P0002.
pub fn require_visible(project: &str) -> Result<(), Error> {
    match is_visible(project)? {
        true => Ok(()),
        false => Err(Error::ProjectNotFound(project.into())),
    }
}

pub fn exists(project: &str) -> Result<bool, Error> {
    Ok(sql!(BY_NAME).run(&[project.into()])? > 0)
}

fn is_visible(project: &str) -> Result<bool, Error> {
    Ok(read!(BY_NAME).run(&[project.into()])? > 0)
}

fn check(project: &str, patch: &ProjectPatch, extra_layers: Option<&str>) -> Result<(), Invalid> {
    check_name("project_name", project)?;
    if project == ALL_PROJECTS {
        return Err(Invalid("project_name must not be '*', which stands for all projects in grant_access".into()));
    }
    patch.check("")?;
    extra_layers.map_or(Ok(()), |layers| check_extra_layers("extra_layers", layers))
}

/// Keeps others from changing the status until the transaction ends. Errors: P0002.
fn lock_status(project: &str) -> Result<String, Error> {
    let status = sql!("select status::text from task_mgmt.project where project_name = $1 for no key update")
        .first(&[project.into()], |row| row.get(1))?;
    status.ok_or_else(|| Error::ProjectNotFound(project.into()))
}

fn set_status(project: &str, old: &str, new: &str) -> Result<(), Error> {
    if old == new {
        return Ok(());
    }
    sql!("update task_mgmt.project set status = $2::task_mgmt.project_status where project_name = $1")
        .run(&[project.into(), new.into()])?;
    let detail = format!("{old} to {new}");
    events::append(project, &[0], "project_changed", Actor::Caller, Some(&detail), clock::now()?)
}
