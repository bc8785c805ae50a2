//! Correcting time: what was submitted stays as it was, and a counter-entry is booked beside it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::check_rate;
use task_mgmt_core::pay::{check_reason, correction_milliseconds};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::locks::{self, Key};
use crate::pay::periods;
use crate::projects;
use crate::spi::sql;
use crate::tasks;
use crate::users;

/// Corrects the time of a user on a task by a counter-entry that is booked now; nothing that was submitted is changed. Totals of
/// the user and the task include it, those of a closed pay period do not.
///
/// *Arguments*: `duration_seconds` is added or, if it is negative, taken back; it is rounded to milliseconds and must then be
/// from 0.001 to 999999999.999, or as much below zero. `reason` is kept with the entry. `hourly_rate` (0 to 1000000): null takes
/// that of the user's last entry on the task or, if there is none, the user's present one. At each rate, only what was booked at
/// that rate can be taken back.
/// *Returns* the number of the entry, as `submission_id` in `task_mgmt.timesheet_submissions`.
/// *Errors*: P0002 project, user or task unknown; 22023 a bad duration, reason or rate; 55000 more would be taken back than was
/// booked at that rate; 42501 the caller is not a manager.
/// *Locks*: the task's key; shares the key of the project's time.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn correct_time(
    project_name: Option<&str>,
    user_id: Option<&str>,
    task_id: Option<&str>,
    duration_seconds: Option<f64>,
    reason: Option<&str>,
    hourly_rate: default!(Option<f64>, "NULL"),
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    let task = required("task_id", task_id)?;
    let duration = required("duration_seconds", duration_seconds)?;
    let milliseconds = correction_milliseconds(duration).map_err(Error::from)?;
    let reason = required("reason", reason)?;
    check_reason(reason).map_err(Error::from)?;
    hourly_rate.map_or(Ok(()), |rate| check_rate("hourly_rate", rate)).map_err(Error::from)?;
    locks::lock(Key::Task(project, task));
    locks::share(Key::Time(project));
    let now = clock::now()?;
    let entry = Entry {
        project,
        user_no: users::find_no(project, user)?,
        task_no: tasks::find_no(project, task)?,
        milliseconds,
        now,
    };
    let rate = entry.rate(hourly_rate)?;
    if let Some(booked) = entry.exceeded(&rate)? {
        let (user, task, rate) = (user.into(), task.into(), rate.to_string());
        return Err(Error::MoreThanBooked { user, task, rate, booked }.into());
    }
    let submission_no = entry.book(&rate, reason)?;
    let detail = format!("{user}: {} s at {rate} an hour: {reason}", milliseconds as f64 / 1000.0);
    events::append(project, &[entry.task_no], "time_corrected", Actor::Caller, Some(&detail), now)?;
    Ok(submission_no)
}

/// A counter-entry. The caller holds the task's key and shares that of the project's time.
struct Entry<'a> {
    project: &'a str,
    user_no: i32,
    task_no: i64,
    milliseconds: i64,
    now: Instant,
}

impl Entry<'_> {
    fn rate(&self, given: Option<f64>) -> Result<AnyNumeric, Error> {
        sql!(
            "select trim_scale(coalesce($4::numeric, (
                select hourly_rate
                from task_mgmt.submission
                where project_name = $1 and task_no = $2 and user_no = $3
                order by submission_no desc
                limit 1
            ), hourly_rate))
            from task_mgmt.project_user
            where project_name = $1 and user_no = $3"
        )
        .value(&[self.project.into(), self.task_no.into(), self.user_no.into(), given.into()])
    }

    /// The seconds booked at the rate, if they are less than what is to be taken back.
    fn exceeded(&self, rate: &AnyNumeric) -> Result<Option<String>, Error> {
        sql!(
            "select trim_scale(coalesce(sum(seconds_spent), 0))::text
            from task_mgmt.submission
            where project_name = $1 and task_no = $2 and user_no = $3 and hourly_rate = $4
            having coalesce(sum(seconds_spent), 0) + $5::numeric / 1000 < 0"
        )
        .first(
            &[
                self.project.into(),
                self.task_no.into(),
                self.user_no.into(),
                rate.clone().into(),
                self.milliseconds.into(),
            ],
            |row| row.get(1),
        )
    }

    fn book(&self, rate: &AnyNumeric, reason: &str) -> Result<i64, Error> {
        let submission_no = events::next_number();
        sql!(
            "insert into task_mgmt.submission (project_name, submission_no, user_no, task_no, seconds_spent, hourly_rate,
                submitted_at, reason, corrected_by)
            values ($1, $2, $3, $4, $5::numeric / 1000, $6, $7, $8, $9)"
        )
        .run(&[
            self.project.into(),
            submission_no.into(),
            self.user_no.into(),
            self.task_no.into(),
            self.milliseconds.into(),
            rate.clone().into(),
            periods::booking_time(self.project, self.now)?.into(),
            reason.into(),
            access::role_name(access::caller()?).into(),
        ])?;
        Ok(submission_no)
    }
}
