//! Dependencies: creating, changing and removing them. What they do when tasks complete is in `satisfaction.rs`.

use std::collections::{BTreeSet, HashMap};

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::cycles;
use task_mgmt_core::dependencies::{DependencyPatch, NewDependency};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::tasks;

/// Makes a task wait until another one completes with a given completion status, and returns the dependency's id.
///
/// *Arguments*: `data` has task_id (who waits), dependent_on_task_id (the upstream task), required_completion_status, and
/// optionally dependency_id. It is satisfied at once if the upstream task is completed with that status; a task that is held
/// or finished is not interrupted.
/// *Errors*: P0002 project or task unknown; 42710 the id exists; 22023 wrong `data`, a status that the upstream task's type
/// does not allow, or a cycle (named in the message); 42501 the caller is not a manager.
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
    let text = arguments::data(data)?;
    let patch = DependencyPatch::parse(&text).map_err(Error::from)?;
    locks::lock(Key::Graph(project));
    let Some(old) = find(project, id)? else {
        return Err(not_found(project, id)?.into());
    };
    let new = NewDependency {
        dependency_id: Some(id.into()),
        task_id: patch.task_id.unwrap_or_else(|| old.task_id.clone()),
        dependent_on_task_id: patch.dependent_on_task_id.unwrap_or(old.upstream_id),
        required_completion_status: patch.required_completion_status.unwrap_or(old.required_completion_status),
        is_satisfied: patch.is_satisfied.unwrap_or(false),
    };
    new.check("data").map_err(Error::from)?;
    let ends = Ends::find(project, std::slice::from_ref(&new))?;
    locks::lock_all(&[Key::Task(project, &old.task_id), Key::Task(project, &new.task_id)]);
    lock_rows(project, ends.task_nos().into_iter().chain([old.task_no, old.upstream_no]).collect())?;
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
    lock_rows(project, [old.task_no, old.upstream_no].into())?;
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
    let found = sql!(
        "select to_jsonb(d) - 'project_name'
        from task_mgmt.dependency_details d
        where d.project_name = $1 and d.dependency_id = $2"
    )
    .first(&[project.into(), id.into()], |row| row.get(1))?;
    match found {
        Some(dependency) => Ok(dependency),
        None => Err(not_found(project, id)?.into()),
    }
}

/// What a task waits or waited for, as an array of what `get_dependency` returns; empty for an unknown task.
///
/// *Errors*: 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_dependencies_for_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let statement = sql!(
        "select coalesce(jsonb_agg(to_jsonb(d) - 'project_name' order by d.dependency_id), '[]')
        from task_mgmt.dependency_details d
        where d.project_name = $1 and d.task_id = $2"
    );
    Ok(list(statement, project_name, task_id)?)
}

/// Which tasks wait or waited for a task, as an array of what `get_dependency` returns; empty for an unknown task.
///
/// *Errors*: 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_dependencies_depending_on_task(
    project_name: Option<&str>,
    dependent_on_task_id: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    let statement = sql!(
        "select coalesce(jsonb_agg(to_jsonb(d) - 'project_name' order by d.dependency_id), '[]')
        from task_mgmt.dependency_details d
        where d.project_name = $1 and d.dependent_on_task_id = $2"
    );
    Ok(list(statement, project_name, dependent_on_task_id)?)
}

/// What a task still waits for, as an array of what `get_dependency` returns; empty for an unknown task.
///
/// *Errors*: 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_unsatisfied_dependencies_for_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    let statement = sql!(
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
    let found = statement.first(&[project.into(), task.into()], |row| row.get(1))?;
    found.ok_or_else(|| Error::Internal("an aggregate returned no row".into()))
}

/// Creates dependencies under the key of the graph. They make the tasks wait unless they are satisfied already.
fn create(project: &str, new: &[NewDependency]) -> Result<(), Error> {
    let ends = Ends::find(project, new)?;
    lock_dependents(project, new);
    lock_rows(project, ends.task_nos())?;
    let now = clock::now()?;
    let ends = Ends::find(project, new)?;
    ends.check_statuses(new)?;
    ends.check_cycles(project, new)?;
    let rows: Vec<Row> = new.iter().map(|one| ends.row(one)).collect();
    insert(project, &rows)?;
    let mut waiting: HashMap<i64, i32> = HashMap::new();
    for row in rows.iter().filter(|row| !row.is_satisfied) {
        *waiting.entry(row.task_no).or_default() += 1;
    }
    block(project, &waiting, now)?;
    let satisfied: BTreeSet<i64> = rows.iter().filter(|row| row.is_satisfied).map(|row| row.task_no).collect();
    satisfaction::activate_held(project, &satisfied.into_iter().collect::<Vec<_>>(), now)
}

/// A claim passes over tasks whose key is taken; for a large set their rows are all that is locked.
fn lock_dependents(project: &str, new: &[NewDependency]) {
    const MOST_KEYS: usize = 64;
    if new.len() <= MOST_KEYS {
        let keys: Vec<Key> = new.iter().map(|one| Key::Task(project, &one.task_id)).collect();
        locks::lock_all(&keys);
    }
}

/// Locks the rows of tasks in the one order that all use.
fn lock_rows(project: &str, task_nos: BTreeSet<i64>) -> Result<(), Error> {
    sql!(
        "select from task_mgmt.task
        where project_name = $1 and task_no = any($2)
        order by task_no
        for no key update"
    )
    .run(&[project.into(), task_nos.into_iter().collect::<Vec<_>>().into()])?;
    Ok(())
}

/// A dependency as it is stored.
struct Row {
    dependency_id: String,
    task_no: i64,
    upstream_no: i64,
    is_satisfied: bool,
    required_completion_status: String,
}

fn insert(project: &str, rows: &[Row]) -> Result<(), Error> {
    let ids: Vec<&str> = rows.iter().map(|row| row.dependency_id.as_str()).collect();
    let inserted = sql!(
        "with made as (
            insert into task_mgmt.dependency (project_name, dependency_id, task_no, upstream_no, is_satisfied,
                required_completion_status)
            select $1, dependency_id, task_no, upstream_no, is_satisfied, required_completion_status
            from unnest($2, $3, $4, $5, $6)
                as new (dependency_id, task_no, upstream_no, is_satisfied, required_completion_status)
            on conflict do nothing
            returning upstream_no
        ), marked as (
            update task_mgmt.task t
            set has_dependents = true
            where t.project_name = $1 and t.task_no in (select upstream_no from made) and not t.has_dependents
        )
        select from made"
    )
    .run(&[
        project.into(),
        ids.clone().into(),
        rows.iter().map(|row| row.task_no).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.upstream_no).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.is_satisfied).collect::<Vec<_>>().into(),
        rows.iter().map(|row| row.required_completion_status.as_str()).collect::<Vec<_>>().into(),
    ])?;
    if inserted == rows.len() {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    let twice = ids.iter().find(|id| !seen.insert(**id)).map(|id| id.to_string());
    let dependency = match twice {
        Some(id) => id,
        None => sql!(
            "select d.dependency_id
            from unnest($2, $3, $4) as new (dependency_id, task_no, upstream_no)
            join task_mgmt.dependency d on d.project_name = $1 and d.dependency_id = new.dependency_id
            where d.xmin <> pg_current_xact_id()::xid
            order by 1
            limit 1"
        )
        .first(
            &[
                project.into(),
                ids.into(),
                rows.iter().map(|row| row.task_no).collect::<Vec<_>>().into(),
                rows.iter().map(|row| row.upstream_no).collect::<Vec<_>>().into(),
            ],
            |row| row.get(1),
        )?
        .unwrap_or_default(),
    };
    Err(Error::DependencyExists { project: project.into(), dependency })
}

/// Adds to what tasks wait for. Those that nobody holds and that are not finished can no longer be started.
fn block(project: &str, waiting: &HashMap<i64, i32>, now: Instant) -> Result<(), Error> {
    if waiting.is_empty() {
        return Ok(());
    }
    let mut task_nos: Vec<i64> = waiting.keys().copied().collect();
    task_nos.sort_unstable();
    ready::withdraw(project, &task_nos)?;
    satisfaction::add_unsatisfied(project, &task_nos, task_nos.iter().map(|no| waiting[no]).collect())?;
    events::append(project, &task_nos, "blocked", Actor::Caller, None, now)
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
}

fn find(project: &str, dependency_id: &str) -> Result<Option<Found>, Error> {
    sql!(
        "select t.task_id, u.task_id, d.task_no, d.upstream_no, d.required_completion_status
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
        })
    })
}

fn not_found(project: &str, dependency_id: &str) -> Result<Error, Error> {
    projects::require_existing(project)?;
    Ok(Error::DependencyNotFound { project: project.into(), dependency: dependency_id.into() })
}

/// The tasks at both ends of some dependencies, by id.
struct Ends<'a>(HashMap<&'a str, End>);

struct End {
    task_no: i64,
    task_type: String,
    completion_status: String,
    allowed: Vec<String>,
}

impl<'a> Ends<'a> {
    /// Errors: P0002 if one of the tasks does not exist.
    fn find(project: &str, new: &'a [NewDependency]) -> Result<Self, Error> {
        let ids: BTreeSet<&str> =
            new.iter().flat_map(|one| [one.task_id.as_str(), one.dependent_on_task_id.as_str()]).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let rows = sql!(
            "select id.position, t.task_no, t.task_type, t.completion_status, y.completion_statuses
            from unnest($2) with ordinality as id (task_id, position)
            join task_mgmt.task t on t.project_name = $1 and t.task_id = id.task_id
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type"
        )
        .all(&[project.into(), ids.clone().into()], |row| {
            let end = End {
                task_no: row.get(2)?,
                task_type: row.get(3)?,
                completion_status: row.get(4)?,
                allowed: row.get(5)?,
            };
            Ok((ids[row.get::<i64>(1)? as usize - 1], end))
        })?;
        let ends: HashMap<&str, End> = rows.into_iter().collect();
        match ids.into_iter().find(|id| !ends.contains_key(id)) {
            Some(missing) => Err(tasks::not_found(project, missing)?),
            None => Ok(Self(ends)),
        }
    }

    fn task_nos(&self) -> BTreeSet<i64> {
        self.0.values().map(|end| end.task_no).collect()
    }

    fn row(&self, new: &NewDependency) -> Row {
        let upstream = &self.0[new.dependent_on_task_id.as_str()];
        Row {
            dependency_id: new.id(),
            task_no: self.0[new.task_id.as_str()].task_no,
            upstream_no: upstream.task_no,
            is_satisfied: new.is_satisfied || upstream.completion_status == new.required_completion_status,
            required_completion_status: new.required_completion_status.clone(),
        }
    }

    fn check_statuses(&self, new: &[NewDependency]) -> Result<(), Error> {
        new.iter().try_for_each(|one| {
            let upstream = &self.0[one.dependent_on_task_id.as_str()];
            tasks::require_status_allowed(&one.required_completion_status, &upstream.task_type, &upstream.allowed)
        })
    }

    /// A new cycle leads from an upstream task over existing dependencies back to a dependent one.
    fn check_cycles(&self, project: &str, new: &[NewDependency]) -> Result<(), Error> {
        let number = |id: &String| self.0[id.as_str()].task_no;
        let mut edges: Vec<(i64, i64)> =
            new.iter().map(|one| (number(&one.task_id), number(&one.dependent_on_task_id))).collect();
        let upstream: BTreeSet<i64> = edges.iter().map(|(_, upstream)| *upstream).collect();
        edges.extend(
            sql!(
                "with recursive ancestor (task_no) as (
                    select unnest($2)
                    union
                    select d.upstream_no
                    from ancestor a
                    join task_mgmt.dependency d on d.project_name = $1 and d.task_no = a.task_no
                )
                select d.task_no, d.upstream_no
                from ancestor a
                join task_mgmt.dependency d on d.project_name = $1 and d.task_no = a.task_no"
            )
            .all(&[project.into(), upstream.into_iter().collect::<Vec<_>>().into()], |row| {
                Ok((row.get(1)?, row.get(2)?))
            })?,
        );
        match cycles::find_cycle(&edges) {
            None => Ok(()),
            Some(cycle) => Err(Error::Cycle(describe(project, &cycle)?)),
        }
    }
}

/// The cycle in words; of a long one the beginning.
fn describe(project: &str, cycle: &[i64]) -> Result<String, Error> {
    const MOST_NAMED: usize = 20;
    let named: Vec<i64> = cycle.iter().copied().take(MOST_NAMED).collect();
    let mut names = sql!(
        "select t.task_id
        from unnest($2) with ordinality as no (task_no, position)
        join task_mgmt.task t on t.project_name = $1 and t.task_no = no.task_no
        order by no.position"
    )
    .all(&[project.into(), named.into()], |row| row.get::<String>(1))?;
    if cycle.len() > MOST_NAMED {
        names.push(format!("{} more", cycle.len() - MOST_NAMED));
    }
    names.push(names[0].clone());
    Ok(names.join(" -> "))
}
