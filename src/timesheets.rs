//! Time: users submit what they spent on the task they hold, which also renews their lease. Totals are sums over submissions;
//! corrections, in `pay::corrections`, are submissions too.

use std::collections::HashMap;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::timesheets::{check_days, milliseconds};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::pay::{cost, periods};
use crate::projects;
use crate::spi::{read, sql};
use crate::users;

/// Submissions between two times; the filter that follows decides by which index they are found.
macro_rules! submissions {
    () => {
        "select coalesce(jsonb_agg(task_mgmt.submission_as_json(s, u.user_id, t.task_id)
            order by s.submitted_at desc, s.submission_no desc), '[]')
        from task_mgmt.submission s
        join task_mgmt.project_user u on u.project_name = $1 and u.user_no = s.user_no
        join task_mgmt.task t on t.project_name = $1 and t.task_no = s.task_no
        where s.project_name = $1
            and s.submitted_at >= coalesce($4, '-infinity')
            and s.submitted_at <= coalesce($5, 'infinity')"
    };
}

/// Books time of a user on the task that they hold, at the user's present rate, and renews their lease.
///
/// *Arguments*: `duration_seconds` is rounded to milliseconds and must then be from 0.001 to 999999999.999.
/// *Returns* true.
/// *Errors*: 22023 bad duration; P0002 project or user unknown; 55000 the user holds nothing, or another task; 42501 access
/// denied.
/// *Locks*: the task's key; shares the key of the project's time.
/// *Source*: annotation reference 13.1, 13.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn submit_timesheet(
    project_name: Option<&str>,
    user_id: Option<&str>,
    duration_seconds: Option<f64>,
    task_id: Option<&str>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let milliseconds = milliseconds(required("duration_seconds", duration_seconds)?).map_err(Error::from)?;
    let task = required("task_id", task_id)?;
    users::require_acting(project, user)?;
    locks::lock(Key::Task(project, task));
    locks::share(Key::Time(project));
    match book(project, user, milliseconds, task, clock::now()?)? {
        true => Ok(true),
        false => Err(not_held(project, user, task)?.into()),
    }
}

/// Submissions of a project, newest first, as a JSON array of objects: submission_id, user_id, task_id, seconds_spent,
/// submitted_at; of a correction also reason and corrected_by (the database role).
///
/// *Arguments*: null filters nothing; `start_date` and `end_date` are inclusive.
/// *Errors*: P0002 project unknown; 42501 access denied.
/// *Source*: annotation reference 13.6.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_timesheet_submissions(
    project_name: Option<&str>,
    user_id: default!(Option<&str>, "NULL"),
    task_id: default!(Option<&str>, "NULL"),
    start_date: default!(Option<TimestampWithTimeZone>, "NULL"),
    end_date: default!(Option<TimestampWithTimeZone>, "NULL"),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let statement = match (user_id, task_id) {
        (_, Some(_)) => read!(concat!(submissions!(), " and t.task_id = $3 and ($2 is null or u.user_id = $2)")),
        (Some(_), None) => read!(concat!(submissions!(), " and $3 is null and u.user_id = $2")),
        (None, None) => read!(concat!(submissions!(), " and $3 is null and $2 is null")),
    };
    Ok(statement.value(&[project.into(), user_id.into(), task_id.into(), start_date.into(), end_date.into()])?)
}

/// What a user has worked in the last days.
///
/// *Arguments*: `days` from 0 to 36500.
/// *Returns* an object: user_id, start_date, end_date, total_hours, submission_count, task_summary (for each task
/// seconds_spent and submission_count) and submissions (as `get_timesheet_submissions`).
/// *Errors*: P0002 project or user unknown; 22023 bad number of days; 42501 access denied.
/// *Source*: annotation reference 13.6.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_user_work_history(
    project_name: Option<&str>,
    user_id: Option<&str>,
    days: default!(Option<i32>, 7),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    let days = required("days", days)?;
    access::require(Level::Reader, project)?;
    check_days("days", days).map_err(Error::from)?;
    let user_no = users::find_no(project, user)?;
    let end = clock::now()?;
    let start = end.minus_seconds(f64::from(days) * 86_400.0);
    Ok(read!(
        "with submissions as (
            select s, s.submission_no, t.task_id, s.seconds_spent, s.submitted_at
            from task_mgmt.submission s
            join task_mgmt.task t on t.project_name = $1 and t.task_no = s.task_no
            where s.project_name = $1 and s.user_no = $2 and s.submitted_at between $4 and $5
        ), per_task as (
            select task_id, jsonb_build_object(
                'seconds_spent', trim_scale(sum(seconds_spent)), 'submission_count', count(*)) as summary
            from submissions
            group by task_id
        )
        select jsonb_build_object(
            'user_id', $3,
            'start_date', $4,
            'end_date', $5,
            'total_hours', coalesce(sum(seconds_spent) / 3600, 0)::float8,
            'submission_count', count(*),
            'task_summary', (select coalesce(jsonb_object_agg(task_id, summary), '{}') from per_task),
            'submissions', coalesce(jsonb_agg(task_mgmt.submission_as_json(s, $3, task_id)
                order by submitted_at desc, submission_no desc), '[]'))
        from submissions"
    )
    .value(&[project.into(), user_no.into(), user.into(), start.into(), end.into()])?)
}

/// The time spent on a task.
///
/// *Returns* an object: total_seconds, user_breakdown (seconds of each user), formatted_total (such as '1h 2m 3s'),
/// formatted_breakdown (an array of '• user: 2m 3s', ordered by user).
/// *Errors*: P0002 project or task unknown; 42501 access denied.
/// *Source*: annotation reference 17.6.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_task_timesheet_summary(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let task = required("task_id", task_id)?;
    let (project, task_nos) = open(project_name, &[task.into()])?;
    Ok(read!(
        "with per_user as (
            select u.user_id, trim_scale(sum(s.seconds_spent)) as seconds
            from task_mgmt.submission s
            join task_mgmt.project_user u on u.project_name = $1 and u.user_no = s.user_no
            where s.project_name = $1 and s.task_no = any($2)
            group by u.user_id
        ), line as (
            select user_id, seconds, concat_ws(' ',
                case when seconds >= 3600 then trunc(seconds / 3600) || 'h' end,
                case when seconds >= 60 then trunc(seconds % 3600 / 60) || 'm' end,
                trim_scale(seconds % 60) || 's') as formatted
            from (
                select user_id, seconds from per_user
                union all
                select null, coalesce(sum(seconds), 0) from per_user
            ) as each_and_total
        )
        select jsonb_build_object(
            'total_seconds', max(seconds) filter (where user_id is null),
            'user_breakdown', coalesce(jsonb_object_agg(user_id, seconds) filter (where user_id is not null), '{}'),
            'formatted_total', max(formatted) filter (where user_id is null),
            'formatted_breakdown', coalesce(
                jsonb_agg('• ' || user_id || ': ' || formatted order by user_id) filter (where user_id is not null),
                '[]'))
        from line"
    )
    .value(&[project.into(), task_nos.into()])?)
}

/// The seconds that all users have spent on a task, or on several of which each counts once; 0 if none.
///
/// *Errors*: P0002 project or task unknown; 22023 an id is null; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_total_task_time(project_name: Option<&str>, task_id: Option<&str>) -> Result<AnyNumeric, ErrorReport> {
    let task = required("task_id", task_id)?;
    Ok(total_time(project_name, &[task.into()])?)
}

/// `get_total_task_time` of several tasks.
#[pg_extern(stable, parallel_unsafe, security_definer, name = "get_total_task_time")]
#[search_path(pg_catalog, pg_temp)]
fn get_total_time_of_tasks(
    project_name: Option<&str>,
    task_ids: Option<Vec<Option<String>>>,
) -> Result<AnyNumeric, ErrorReport> {
    Ok(total_time(project_name, &arguments::all_given("task_ids", task_ids)?)?)
}

/// What the time spent on a task, or on several of which each counts once, costs: each submission at the user's hourly rate
/// of its moment; 0 if none.
///
/// *Errors*: P0002 project or task unknown; 22023 an id is null; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_total_task_cost(project_name: Option<&str>, task_id: Option<&str>) -> Result<AnyNumeric, ErrorReport> {
    let task = required("task_id", task_id)?;
    Ok(total_cost(project_name, &[task.into()])?)
}

/// `get_total_task_cost` of several tasks.
#[pg_extern(stable, parallel_unsafe, security_definer, name = "get_total_task_cost")]
#[search_path(pg_catalog, pg_temp)]
fn get_total_cost_of_tasks(
    project_name: Option<&str>,
    task_ids: Option<Vec<Option<String>>>,
) -> Result<AnyNumeric, ErrorReport> {
    Ok(total_cost(project_name, &arguments::all_given("task_ids", task_ids)?)?)
}

fn total_time(project_name: Option<&str>, task_ids: &[String]) -> Result<AnyNumeric, Error> {
    let (project, task_nos) = open(project_name, task_ids)?;
    read!(
        "select trim_scale(coalesce(sum(seconds_spent), 0))
        from task_mgmt.submission
        where project_name = $1 and task_no = any($2)"
    )
    .value(&[project.into(), task_nos.into()])
}

fn total_cost(project_name: Option<&str>, task_ids: &[String]) -> Result<AnyNumeric, Error> {
    let (project, task_nos) = open(project_name, task_ids)?;
    read!(concat!(
        "select coalesce(",
        cost!(),
        ", 0)
        from task_mgmt.submission s
        where s.project_name = $1 and s.task_no = any($2)"
    ))
    .value(&[project.into(), task_nos.into()])
}

/// Renews the lease and keeps the submission if the user holds the task; whether they do.
fn book(project: &str, user: &str, milliseconds: i64, task: &str, now: Instant) -> Result<bool, Error> {
    let booked = sql!(
        "with renewed as (
            update task_mgmt.lease l set leased_at = $5
            from task_mgmt.task t, task_mgmt.project_user u
            where t.project_name = $1 and t.task_id = $3
                and u.project_name = $1 and u.user_id = $2
                and l.project_name = $1 and l.task_no = t.task_no and l.user_no = u.user_no
            returning l.task_no, u.user_no, u.hourly_rate
        )
        insert into task_mgmt.submission
            (project_name, submission_no, user_no, task_no, seconds_spent, hourly_rate, submitted_at)
        select $1, $7, user_no, task_no, $4::numeric / 1000, hourly_rate, $6
        from renewed"
    )
    .run(&[
        project.into(),
        user.into(),
        task.into(),
        milliseconds.into(),
        now.into(),
        periods::booking_time(project, now)?.into(),
        events::next_number().into(),
    ])?;
    Ok(booked > 0)
}

/// Why the user cannot book time on the task: they hold another one, or none.
fn not_held(project: &str, user: &str, task: &str) -> Result<Error, Error> {
    Ok(match users::active_task(project, user)? {
        None => Error::NoActiveTask { project: project.into(), user: user.into() },
        Some(active) => Error::TimeForOtherTask { task: task.into(), active },
    })
}

/// Opens a call that reads the time of tasks, and returns their numbers. Errors: P0002, 42501.
fn open<'a>(project_name: Option<&'a str>, task_ids: &[String]) -> Result<(&'a str, Vec<i64>), Error> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let found: HashMap<String, i64> = read!(
        "select t.task_id, t.task_no
        from unnest($2) as asked (task_id)
        cross join lateral (
            select t.task_id, t.task_no
            from task_mgmt.task t
            where t.project_name = $1 and t.task_id = asked.task_id
            offset 0
        ) as t"
    )
    .all(&[project.into(), task_ids.to_vec().into()], |row| Ok((row.get(1)?, row.get(2)?)))?
    .into_iter()
    .collect();
    match task_ids.iter().find(|id| !found.contains_key(*id)) {
        Some(missing) => Err(Error::TaskNotFound { project: project.into(), task: missing.clone() }),
        None => Ok((project, found.into_values().collect())),
    }
}
