//! Edits of the segmentation that users make while they work on a task. What the segmentation tells of edits is in
//! `segment_edit_events.rs`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::edits;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::{Statement, read, sql};
use crate::tasks;
use crate::users;

/// One row for each edit of the table; the last of its keys are the points.
macro_rules! edits {
    ($table:literal, $points:literal) => {
        concat!(
            "select jsonb_build_object('edit_id', e.edit_id, 'task_id', t.task_id, 'user_id', e.user_id, ",
            $points,
            ", 'created_at', e.created_at) as object, e.created_at, e.edit_id
            from task_mgmt.",
            $table,
            " e join task_mgmt.task t on t.project_name = $1 and t.task_no = e.task_no
            where e.project_name = $1"
        )
    };
}

macro_rules! split_edits {
    () => {
        edits!("split_edit", "'sources', e.sources, 'sinks', e.sinks")
    };
}

macro_rules! merge_edits {
    () => {
        edits!("merge_edit", "'points', e.points")
    };
}

/// Declares the statement that lists edits: of a task (or of a user within it), and of a user.
macro_rules! list {
    ($edits:expr, $condition:literal) => {
        read!(concat!(
            "select coalesce(jsonb_agg(found.object order by found.created_at desc, found.edit_id desc), '[]') from (",
            $edits,
            $condition,
            ") as found"
        ))
    };
}

macro_rules! lists {
    ($edits:expr) => {
        Lists {
            of_task: list!($edits, " and t.task_id = $2 and ($3 is null or e.user_id = $3)"),
            of_user: list!($edits, " and $2 is null and e.user_id = $3"),
        }
    };
}

/// Keeps what a user split while working on a task, and returns the number of the edit.
///
/// *Arguments*: `sources` and `sinks` are arrays of points `[segment id, x, y, z]` on either side of the cut: the id as text
/// or number, the coordinates in nanometres.
/// *Errors*: P0002 project, task or user unknown; 22023 bad points; 42501 access denied.
/// *Source*: annotation reference 16.9.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_split_edit(
    project_name: Option<&str>,
    task_id: Option<&str>,
    user_id: Option<&str>,
    sources: Option<Jsonb>,
    sinks: Option<Jsonb>,
) -> Result<i64, ErrorReport> {
    let work = Work::find(project_name, task_id, user_id)?;
    let (sources, sinks) = (points("sources", sources)?, points("sinks", sinks)?);
    Ok(sql!(
        "insert into task_mgmt.split_edit (project_name, task_no, user_id, created_at, sources, sinks)
        values ($1, $2, $3, $4, $5::jsonb, $6::jsonb)
        returning edit_id"
    )
    .value(&[
        work.project.into(),
        work.task_no.into(),
        work.user.into(),
        clock::now()?.into(),
        sources.into(),
        sinks.into(),
    ])?)
}

/// Keeps what a user merged while working on a task, and returns the number of the edit.
///
/// *Arguments*: `points` is an array of points `[segment id, x, y, z]` that were joined: the id as text or number, the
/// coordinates in nanometres.
/// *Errors*: P0002 project, task or user unknown; 22023 bad points; 42501 access denied.
/// *Source*: annotation reference 16.9.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_merge_edit(
    project_name: Option<&str>,
    task_id: Option<&str>,
    user_id: Option<&str>,
    points: Option<Jsonb>,
) -> Result<i64, ErrorReport> {
    let work = Work::find(project_name, task_id, user_id)?;
    let points = self::points("points", points)?;
    Ok(sql!(
        "insert into task_mgmt.merge_edit (project_name, task_no, user_id, created_at, points)
        values ($1, $2, $3, $4, $5::jsonb)
        returning edit_id"
    )
    .value(&[work.project.into(), work.task_no.into(), work.user.into(), clock::now()?.into(), points.into()])?)
}

/// A split edit as an object: edit_id, task_id, user_id, sources, sinks (segment ids as text), created_at; null if there is
/// none of this number.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_split_edit(project_name: Option<&str>, edit_id: Option<i64>) -> Result<Option<Jsonb>, ErrorReport> {
    Ok(find(read!(concat!(split_edits!(), " and e.edit_id = $2")), project_name, edit_id)?)
}

/// A merge edit as an object: edit_id, task_id, user_id, points (segment ids as text), created_at; null if there is none of
/// this number.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_merge_edit(project_name: Option<&str>, edit_id: Option<i64>) -> Result<Option<Jsonb>, ErrorReport> {
    Ok(find(read!(concat!(merge_edits!(), " and e.edit_id = $2")), project_name, edit_id)?)
}

/// The split edits of a task, of a user, or of a user for a task, newest first, as an array of what `get_split_edit` returns;
/// empty for an unknown task or user.
///
/// *Errors*: P0002 project unknown; 22023 neither task nor user is given; 42501 access denied.
/// *Source*: annotation reference 16.9, 20.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_split_edits(
    project_name: Option<&str>,
    task_id: default!(Option<&str>, "NULL"),
    user_id: default!(Option<&str>, "NULL"),
) -> Result<Jsonb, ErrorReport> {
    Ok(lists!(split_edits!()).run(project_name, task_id, user_id)?)
}

/// The merge edits of a task, of a user, or of a user for a task, newest first, as an array of what `get_merge_edit` returns;
/// empty for an unknown task or user.
///
/// *Errors*: P0002 project unknown; 22023 neither task nor user is given; 42501 access denied.
/// *Source*: annotation reference 16.9, 20.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_merge_edits(
    project_name: Option<&str>,
    task_id: default!(Option<&str>, "NULL"),
    user_id: default!(Option<&str>, "NULL"),
) -> Result<Jsonb, ErrorReport> {
    Ok(lists!(merge_edits!()).run(project_name, task_id, user_id)?)
}

/// What an edit was made for, and by whom.
struct Work<'a> {
    project: &'a str,
    user: &'a str,
    task_no: i64,
}

impl<'a> Work<'a> {
    /// Errors: P0002 project, task or user unknown; 42501 the caller may not act as the user.
    fn find(project_name: Option<&'a str>, task_id: Option<&str>, user_id: Option<&'a str>) -> Result<Self, Error> {
        let project = projects::enter(Level::Worker, project_name)?;
        let task = required("task_id", task_id)?;
        let user = required("user_id", user_id)?;
        users::require_acting(project, user)?;
        locks::lock(Key::Task(project, task));
        Ok(Self { project, user, task_no: tasks::find_no(project, task)? })
    }
}

fn points(argument: &'static str, value: Option<Jsonb>) -> Result<String, Error> {
    Ok(edits::points(argument, &required(argument, value)?.text())?)
}

fn find(statement: &Statement, project_name: Option<&str>, edit_id: Option<i64>) -> Result<Option<Jsonb>, Error> {
    let project = required("project_name", project_name)?;
    let edit_id = required("edit_id", edit_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    statement.first(&[project.into(), edit_id.into()], |row| row.get(1))
}

struct Lists {
    of_task: &'static Statement,
    of_user: &'static Statement,
}

impl Lists {
    fn run(&self, project_name: Option<&str>, task: Option<&str>, user: Option<&str>) -> Result<Jsonb, Error> {
        let project = required("project_name", project_name)?;
        access::require(Level::Reader, project)?;
        projects::require_visible(project)?;
        let statement = match (task, user) {
            (None, None) => return Err(Invalid("task_id and user_id must not both be null".into()).into()),
            (Some(_), _) => self.of_task,
            (None, Some(_)) => self.of_user,
        };
        statement.value(&[project.into(), task.into(), user.into()])
    }
}
