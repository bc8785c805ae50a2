//! Dependencies: creating, changing and removing them. What they do when tasks complete is in `satisfaction.rs`.

mod creation;

use std::collections::BTreeSet;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::dependencies::{DependencyPatch, NewDependency};

use self::creation::{Ends, create};
use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::satisfaction;
use crate::spi::{read, sql};
use crate::tasks;

/// What `get_dependency` returns, and what `update_dependency` leaves out of its data if it is so already.
const RECORD: &str = "select to_jsonb(d) - 'project_name'
    from task_mgmt.dependency_details d
    where d.project_name = $1 and d.dependency_id = $2";

/// Makes a task wait until another one completes with a given completion status, and returns the dependency's id.
///
/// *Arguments*: `data` has task_id (who waits), dependent_on_task_id (the upstream task), required_completion_status, and
/// optionally dependency_id. It is satisfied at once if the upstream task is completed with that status; a task that is held
/// or finished is not interrupted.
/// *Errors*: P0002 project or task unknown; 42710 the id exists; 22023 wrong `data`, a status that the upstream task's type
/// does not allow, or a cycle (named in the message; an original waits for its copies, too); 42501 the caller is not a manager.
/// *Locks*: the project's dependency graph, then the rows of both tasks, then the dependent's gate.
/// *Source*: annotation reference 10, 21.18.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_dependency(project_name: Option<&str>, data: Option<Jsonb>) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let text = arguments::data(data)?;
    let dependency = NewDependency::parse(&text).map_err(Error::from)?;
    let id = dependency.id();
    locks::lock(Key::Graph(project));
    create(project, &[dependency])?;
    Ok(id)
}

/// Creates many dependencies at once, all or none, and returns how many.
///
/// *Arguments*: `data` is an array of what `create_dependency` takes.
/// *Errors*, *Locks*: as `create_dependency`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_dependencies(project_name: Option<&str>, data: Option<Jsonb>) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let text = arguments::data(data)?;
    let dependencies = NewDependency::parse_all(&text).map_err(Error::from)?;
    locks::lock(Key::Graph(project));
    create(project, &dependencies)?;
    Ok(dependencies.len() as i64)
}

/// Changes a dependency, with all checks that `create_dependency` makes.
///
/// *Arguments*: `data` may have task_id, dependent_on_task_id, required_completion_status, and is_satisfied: true lets the task
/// go on without waiting; false makes it wait again unless the upstream task is complete as required.
/// *Returns* true.
/// *Errors*: P0002 project, dependency or task unknown; otherwise as `create_dependency`.
/// *Locks*: as `create_dependency`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_dependency(
    project_name: Option<&str>,
    dependency_id: Option<&str>,
    data: Option<Jsonb>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let id = required("dependency_id", dependency_id)?;
    let data = required("data", data)?;
    locks::lock(Key::Graph(project));
    let Some(old) = find(project, id)? else {
        return Err(not_found(project, id)?.into());
    };
    let changes = arguments::changes(data, sql!(RECORD).value(&[project.into(), id.into()])?)?;
    let patch = DependencyPatch::parse(&changes).map_err(Error::from)?;
    if changes == "{}" {
        return Ok(true);
    }
    let new = NewDependency {
        dependency_id: Some(id.into()),
        task_id: patch.task_id.unwrap_or_else(|| old.task_id.clone()),
        dependent_on_task_id: patch.dependent_on_task_id.unwrap_or(old.upstream_id),
        required_completion_status: patch.required_completion_status.unwrap_or(old.required_completion_status),
        is_satisfied: patch.is_satisfied.unwrap_or(old.is_waived),
    };
    new.check("data").map_err(Error::from)?;
    let ends = Ends::find(project, std::slice::from_ref(&new))?;
    locks::lock_all(&[Key::Task(project, &old.task_id), Key::Task(project, &new.task_id)]);
    let rows: BTreeSet<i64> = ends.task_nos().into_iter().chain([old.task_no, old.upstream_no]).collect();
    tasks::lock_rows(project, rows.into_iter().collect())?;
    remove(project, id)?;
    create(project, &[new])?;
    Ok(true)
}

/// Removes a dependency; a task that waited for nothing else can be started.
///
/// *Returns* true.
/// *Errors*: P0002 project or dependency unknown; 42501 the caller is not a manager.
/// *Locks*: as `create_dependency`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_dependency(project_name: Option<&str>, dependency_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let id = required("dependency_id", dependency_id)?;
    locks::lock(Key::Graph(project));
    let Some(old) = find(project, id)? else {
        return Err(not_found(project, id)?.into());
    };
    locks::lock(Key::Task(project, &old.task_id));
    tasks::lock_rows(project, vec![old.task_no, old.upstream_no])?;
    remove(project, id)?;
    Ok(true)
}

/// A dependency as an object: dependency_id, task_id, dependent_on_task_id, is_satisfied, required_completion_status.
///
/// *Errors*: P0002 project or dependency unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_dependency(project_name: Option<&str>, dependency_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let id = required("dependency_id", dependency_id)?;
    access::require(Level::Reader, project)?;
    let found = read!(RECORD).first(&[project.into(), id.into()], |row| row.get(1))?;
    match found {
        Some(dependency) => Ok(dependency),
        None => Err(not_found(project, id)?.into()),
    }
}

/// What a task waits or waited for, as an array of what `get_dependency` returns; empty for an unknown task.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_dependencies_for_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let statement = read!(
        "select coalesce(jsonb_agg(to_jsonb(d) - 'project_name' order by d.dependency_id), '[]')
        from task_mgmt.dependency_details d
        where d.project_name = $1 and d.task_id = $2"
    );
    Ok(list(statement, project_name, task_id)?)
}

/// Which tasks wait or waited for a task, as an array of what `get_dependency` returns; empty for an unknown task.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_dependencies_depending_on_task(
    project_name: Option<&str>,
    dependent_on_task_id: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    let statement = read!(
        "select coalesce(jsonb_agg(to_jsonb(d) - 'project_name' order by d.dependency_id), '[]')
        from task_mgmt.dependency_details d
        where d.project_name = $1 and d.dependent_on_task_id = $2"
    );
    let upstream = required("dependent_on_task_id", dependent_on_task_id)?;
    Ok(list(statement, project_name, Some(upstream))?)
}

/// What a task still waits for, as an array of what `get_dependency` returns; empty for an unknown task.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_unsatisfied_dependencies_for_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    let statement = read!(
        "select coalesce(jsonb_agg(to_jsonb(d) - 'project_name' order by d.dependency_id), '[]')
        from task_mgmt.dependency_details d
        where d.project_name = $1 and d.task_id = $2 and not d.is_satisfied"
    );
    Ok(list(statement, project_name, task_id)?)
}

fn list(statement: &crate::spi::Statement, project: Option<&str>, task: Option<&str>) -> Result<Jsonb, Error> {
    let project = required("project_name", project)?;
    let task = required("task_id", task)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let found = statement.first(&[project.into(), task.into()], |row| row.get(1))?;
    found.ok_or_else(|| Error::Internal("an aggregate returned no row".into()))
}

fn remove(project: &str, dependency_id: &str) -> Result<(), Error> {
    let removed = sql!(
        "delete from task_mgmt.dependency
        where project_name = $1 and dependency_id = $2
        returning task_no, is_satisfied"
    )
    .first(&[project.into(), dependency_id.into()], |row| Ok((row.get::<i64>(1)?, row.get::<bool>(2)?)))?;
    match removed {
        Some((task_no, false)) => satisfaction::subtract_unsatisfied(project, vec![task_no], clock::now()?),
        _ => Ok(()),
    }
}

struct Found {
    task_id: String,
    upstream_id: String,
    task_no: i64,
    upstream_no: i64,
    required_completion_status: String,
    is_waived: bool,
}

fn find(project: &str, dependency_id: &str) -> Result<Option<Found>, Error> {
    sql!(
        "select t.task_id, u.task_id, d.task_no, d.upstream_no, d.required_completion_status, d.is_waived
        from task_mgmt.dependency d
        join task_mgmt.task t on t.project_name = $1 and t.task_no = d.task_no
        join task_mgmt.task u on u.project_name = $1 and u.task_no = d.upstream_no
        where d.project_name = $1 and d.dependency_id = $2"
    )
    .first(&[project.into(), dependency_id.into()], |row| {
        Ok(Found {
            task_id: row.get(1)?,
            upstream_id: row.get(2)?,
            task_no: row.get(3)?,
            upstream_no: row.get(4)?,
            required_completion_status: row.get(5)?,
            is_waived: row.get(6)?,
        })
    })
}

fn not_found(project: &str, dependency_id: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::DependencyNotFound { project: project.into(), dependency: dependency_id.into() })
}
