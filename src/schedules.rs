//! Schedules: tasks that are created at set times. Nothing happens by itself: whoever calls `run_due_schedules` creates what is due.
//! How due times are found, and which of them are taken care of, is in `task_mgmt_core::schedules`; creating their tasks is in
//! `due`.

mod definition;
mod due;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::{Invalid, check_name};
use task_mgmt_core::schedules::recurrence::Recurrence;
use task_mgmt_core::schedules::{MisfirePolicy, check_data, check_grace};
use task_mgmt_core::tasks::NewTask;

use self::definition::{Definition, Stored};
use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::task_creation;

/// How many due times `next_runs` shows at most.
const MOST_SHOWN: i32 = 1000;

/// Creates a schedule, or gives an existing one another definition.
///
/// *Effect*: from the next due time on, `run_due_schedules` creates a task for each. The same definition again changes nothing and
/// keeps the next due time; with another one that is the first after now. A paused schedule stays paused.
/// *Arguments*: `cron` has five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday); or six, the first of
/// which is the second. Names (mon, jan), lists, ranges, steps (`*/5`, `10-40/10`), `L` (the last day; `5L`: the last Friday), `5#2`
/// (the second Friday) and `15W` (the weekday closest to the 15th) are understood, and @hourly, @daily, @weekly, @monthly and
/// @yearly. If both days are restricted, either is enough; with `+` before the day of week, both are needed.
/// `timezone` is an IANA name; its rules are those of the server's system. When clocks change, an expression with `*` or
/// `*/n` as its minute, hour or second follows elapsed time: it is due whenever the local time matches, be it twice or never. Any other
/// one names times of day: what clocks jump over is due at the moment of the jump, and what comes twice is due the first time.
/// `data` is what `create_task` takes, but for task_id, active_user_id, completed_user_id and completion_status.
/// `misfire_policy` says what becomes of due times that were not evaluated in time: `one` task for all of them, due at the first;
/// `all`: a task for each; `skip`: a task for each that is late by at most `misfire_grace_seconds` (up to a year), none for others.
/// *Returns* the next due time; null if the schedule is paused.
/// *Errors*: P0002 project, task type or user unknown; 22023 a bad argument, also an expression that never comes true; 42501 the
/// caller is not a manager.
/// *Locks*: the schedule's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn schedule_task(
    project_name: Option<&str>,
    name: Option<&str>,
    cron: Option<&str>,
    timezone: default!(Option<&str>, "'UTC'"),
    data: default!(Option<Jsonb>, "NULL"),
    misfire_policy: default!(Option<&str>, "'one'"),
    misfire_grace_seconds: default!(Option<f64>, 60),
) -> Result<Option<TimestampWithTimeZone>, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let name = named(name)?;
    let cron = required("cron", cron)?;
    let recurrence = Recurrence::parse(cron, required("timezone", timezone)?).map_err(Error::from)?;
    let policy = MisfirePolicy::parse(required("misfire_policy", misfire_policy)?).map_err(Error::from)?;
    let grace_seconds = required("misfire_grace_seconds", misfire_grace_seconds)?;
    check_grace(grace_seconds).map_err(Error::from)?;
    let data = required("data", data)?;
    projects::require_existing(project)?;
    check_task(project, &data.text())?;
    let definition = Definition { name, cron, recurrence, data, policy, grace_seconds };
    Ok(definition.store(project)?)
}

/// Keeps a schedule from creating tasks until it is resumed.
///
/// *Returns* true, also if it was paused already.
/// *Errors*: P0002 project or schedule unknown; 22023 bad name; 42501 the caller is not a manager.
/// *Locks*: the schedule's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn pause_schedule(project_name: Option<&str>, name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let name = named(name)?;
    let Some(found) = Stored::lock(project, name)? else { return Err(not_found(project, name)?.into()) };
    if found.is_paused {
        return Ok(true);
    }
    let now = clock::now()?;
    sql!(
        "update task_mgmt.schedule
        set is_paused = true, next_run_at = null, updated_at = $3
        where project_name = $1 and name = $2"
    )
    .run(&[project.into(), name.into(), now.into()])?;
    record(project, &format!("schedule {name} is paused"), now)?;
    Ok(true)
}

/// Lets a paused schedule create tasks again, from the next due time on. What was due while it was paused is not made up for.
///
/// *Returns* the next due time.
/// *Errors*: P0002 project or schedule unknown; 22023 bad name; 42501 the caller is not a manager.
/// *Locks*: the schedule's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn resume_schedule(
    project_name: Option<&str>,
    name: Option<&str>,
) -> Result<Option<TimestampWithTimeZone>, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let name = named(name)?;
    let Some(found) = Stored::lock(project, name)? else { return Err(not_found(project, name)?.into()) };
    if !found.is_paused {
        return Ok(found.next_run_at.map(Instant::timestamptz).transpose()?);
    }
    let recurrence = Recurrence::parse(&found.cron, &found.timezone).map_err(Error::from)?;
    let now = clock::now()?;
    let next = found.first_run(&recurrence, now);
    sql!(
        "update task_mgmt.schedule
        set is_paused = false, next_run_at = $3, updated_at = $4
        where project_name = $1 and name = $2"
    )
    .run(&[project.into(), name.into(), next.into(), now.into()])?;
    record(project, &format!("schedule {name} is resumed"), now)?;
    Ok(next.map(Instant::timestamptz).transpose()?)
}

/// Removes a schedule with the history of its due times. The tasks that it has created stay.
///
/// *Returns* whether there was one.
/// *Errors*: P0002 project unknown; 22023 bad name; 42501 the caller is not a manager.
/// *Locks*: the schedule's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn remove_schedule(project_name: Option<&str>, name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let name = named(name)?;
    projects::require_existing(project)?;
    let removed = sql!("delete from task_mgmt.schedule where project_name = $1 and name = $2")
        .run(&[project.into(), name.into()])?;
    if removed == 0 {
        return Ok(false);
    }
    sql!("delete from task_mgmt.schedule_run where project_name = $1 and name = $2")
        .run(&[project.into(), name.into()])?;
    record(project, &format!("schedule {name} is removed"), clock::now()?)?;
    Ok(true)
}

/// A schedule as a JSON object: the columns of the view `task_mgmt.schedules`.
///
/// *Errors*: P0002 project or schedule unknown; 22023 bad name; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_schedule(project_name: Option<&str>, name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let name = named(name)?;
    access::require(Level::Reader, project)?;
    let found = read!("select to_jsonb(s) from task_mgmt.schedules s where s.project_name = $1 and s.name = $2")
        .first(&[project.into(), name.into()], |row| row.get(1))?;
    match found {
        Some(schedule) => Ok(schedule),
        None => {
            projects::require_visible(project)?;
            Err(Error::ScheduleNotFound { project: project.into(), schedule: name.into() }.into())
        }
    }
}

/// All schedules of a project, as a JSON array of what `get_schedule` returns, ordered by name.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_schedules(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select coalesce(jsonb_agg(to_jsonb(s) order by s.name), '[]')
        from task_mgmt.schedules s
        where s.project_name = $1"
    )
    .value(&[project.into()])?)
}

/// When an expression is due next. It needs no access to any project.
///
/// *Arguments*: `cron` and `timezone` as `schedule_task`; `count` from 1 to 1000; `after` (default: now).
/// *Returns* one row for each due time, the first one first; fewer if there are no more before the year 5000.
/// *Errors*: 22023 a bad argument.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn next_runs(
    cron: Option<&str>,
    timezone: default!(Option<&str>, "'UTC'"),
    count: default!(Option<i32>, 5),
    after: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> Result<TableIterator<'static, (name!(due_at, TimestampWithTimeZone),)>, ErrorReport> {
    let cron = required("cron", cron)?;
    let recurrence = Recurrence::parse(cron, required("timezone", timezone)?).map_err(Error::from)?;
    let count = arguments::within("count", 1..=MOST_SHOWN, count)?;
    let after = after.map_or_else(clock::now, |after| Ok(Instant::from(after)))?;
    if !after.is_finite() {
        return Err(Error::from(Invalid("after must not be infinite".into())).into());
    }
    let due = recurrence.following(after.into()).take(count as usize);
    let rows = due.map(|due| Instant::from(due).timestamptz().map(|due| (due,))).collect::<Result<Vec<_>, Error>>()?;
    Ok(TableIterator::new(rows))
}

/// Creates the tasks that are due, of one project or, by default, of all in which the caller may work; those of archived projects
/// wait until the project is resumed. Nothing is created by itself: call this every minute or so, from as many places as you like.
///
/// *Effect*: each due time is taken care of once, however many call this at once: a schedule that somebody else is at is passed
/// over. A schedule whose task cannot be created keeps nobody from creating the others: the due time is told with the error, here, in
/// `task_mgmt.schedules` and as the event schedule_failed, and the schedule goes on with the next one.
/// *Arguments*: `max_rows` is how many schedules are looked at, those longest due first, and of each project at most 64; a schedule
/// creates up to 100 tasks. The rest is for the next call.
/// *Returns* one row for each due time: project_name, name, due_at, task_id (null if it could not be created), error (null if it
/// could). The tasks are created by the role that calls.
/// *Errors*: P0002 project unknown; 22023 a negative number; 42501 access denied.
/// *Locks*: the rows of schedules that nobody has locked, then what `create_task` takes for all their tasks together; without a project
/// before it the keys of the projects that have some due, shared.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn run_due_schedules(
    project_name: default!(Option<&str>, "NULL"),
    max_rows: default!(Option<i32>, 100),
) -> Result<
    TableIterator<
        'static,
        (
            name!(project_name, String),
            name!(name, String),
            name!(due_at, TimestampWithTimeZone),
            name!(task_id, Option<String>),
            name!(error, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let runs = due::run(project_name, max_rows)?;
    let rows =
        runs.into_iter().map(|run| Ok((run.project, run.name, run.due_at.timestamptz()?, run.task_id, run.error)));
    Ok(TableIterator::new(rows.collect::<Result<Vec<_>, Error>>()?))
}

fn named(name: Option<&str>) -> Result<&str, Error> {
    let name = required("name", name)?;
    check_name("name", name)?;
    Ok(name)
}

/// Refuses what `run_due_schedules` could not create as things are.
fn check_task(project: &str, data: &str) -> Result<(), Error> {
    let task = NewTask::parse(data)?;
    check_data(&task)?;
    task_creation::check(project, &[task]).map_err(Error::without_position)
}

fn not_found(project: &str, name: &str) -> Result<Error, Error> {
    projects::require_existing(project)?;
    Ok(Error::ScheduleNotFound { project: project.into(), schedule: name.into() })
}

/// Writes into the history of the project what was done to a schedule.
fn record(project: &str, what: &str, now: Instant) -> Result<(), Error> {
    events::append(project, &[0], "project_changed", Actor::Caller, Some(what), now)
}
