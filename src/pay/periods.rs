//! Closing pay periods. Whoever books time shares the key of the project's time, and whoever closes a period has it alone: what was
//! being booked is in the totals, and what is booked afterwards lies after the period.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::pay::{Interval, spent};
use crate::projects;
use crate::spi::{read, sql};

/// Closes a pay period for good and stores what each user got in it: the sums of all time submitted from `starts_at` up to, but
/// not including, `ends_at`. Later corrections count for the time in which they are made.
///
/// *Arguments*: `ends_at` must not lie in the future; `note` is free text.
/// *Returns* the number of the period.
/// *Errors*: P0002 project unknown; 22023 the period is empty or infinite, or ends in the future; 55000 it overlaps one that is
/// closed; 42501 the caller is not an admin.
/// *Locks*: the key of the project's time, for which it waits until nobody is submitting time.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn close_pay_period(
    project_name: Option<&str>,
    starts_at: Option<TimestampWithTimeZone>,
    ends_at: Option<TimestampWithTimeZone>,
    note: default!(Option<&str>, "NULL"),
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Admin, project_name)?;
    let period = Interval::new(starts_at, ends_at)?;
    projects::require_existing(project)?;
    locks::lock(Key::Time(project));
    let now = clock::now()?;
    check_closable(project, &period, now)?;
    let period_id = events::next_number();
    let role = access::role_name(access::caller()?);
    sql!(
        "insert into task_mgmt.pay_period (project_name, period_id, starts_at, ends_at, note, closed_at, closed_by)
        values ($1, $2, $3, $4, $5, $6, $7)"
    )
    .run(&[
        project.into(),
        period_id.into(),
        period.starts_at.into(),
        period.ends_at.into(),
        note.into(),
        now.into(),
        role.into(),
    ])?;
    store_totals(project, period_id, &period)?;
    events::append(project, &[0], "pay_period_closed", Actor::Caller, Some(&period_id.to_string()), now)?;
    Ok(period_id)
}

/// The closed pay periods of a project, latest first, as a JSON array of objects: period_id, starts_at, ends_at, note, closed_at,
/// closed_by, seconds, cost, users (an array of objects: user_id, seconds, cost); and cleared_at if the submissions that it sums
/// up were cleared.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_pay_periods(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select coalesce(jsonb_agg(jsonb_build_object(
                'period_id', p.period_id,
                'starts_at', p.starts_at,
                'ends_at', p.ends_at,
                'note', p.note,
                'closed_at', p.closed_at,
                'closed_by', p.closed_by,
                'seconds', total.seconds,
                'cost', total.cost,
                'users', total.users)
            || case when p.cleared_at is null then '{}' else jsonb_build_object('cleared_at', p.cleared_at) end
            order by p.starts_at desc), '[]')
        from task_mgmt.pay_period p
        cross join lateral (
            select coalesce(sum(t.seconds), 0) as seconds, coalesce(sum(t.cost), 0) as cost,
                coalesce(jsonb_agg(jsonb_build_object('user_id', t.user_id, 'seconds', t.seconds, 'cost', t.cost)
                    order by t.user_id), '[]') as users
            from task_mgmt.pay_total t
            where t.project_name = $1 and t.period_id = p.period_id
        ) as total
        where p.project_name = $1"
    )
    .value(&[project.into()])?)
}

/// When time that is booked now counts: never in a closed period, even if the clock was set back. The caller shares the key of
/// the project's time, and read the clock after that.
pub fn booking_time(project: &str, now: Instant) -> Result<Instant, Error> {
    sql!("select greatest($2, max(ends_at)) from task_mgmt.pay_period where project_name = $1")
        .value(&[project.into(), now.into()])
}

/// Notes that the submissions which the closed periods sum up are gone. The caller is alone in the project.
pub fn mark_cleared(project: &str, now: Instant) -> Result<(), Error> {
    sql!("update task_mgmt.pay_period set cleared_at = $2 where project_name = $1 and cleared_at is null")
        .run(&[project.into(), now.into()])?;
    Ok(())
}

/// Errors: 22023, 55000.
fn check_closable(project: &str, period: &Interval, now: Instant) -> Result<(), Error> {
    if !period.starts_at.is_finite() {
        return Err(Invalid("starts_at must be finite".to_owned()).into());
    }
    if period.ends_at > now {
        return Err(Invalid("ends_at must not lie in the future".to_owned()).into());
    }
    let overlapped = sql!(
        "select closed.period_id, closed.starts_at::text, closed.ends_at::text
        from (
            select period_id, starts_at, ends_at
            from task_mgmt.pay_period
            where project_name = $1 and ends_at > $2
            order by ends_at
            limit 1
        ) as closed
        where closed.starts_at < $3"
    )
    .first(&[project.into(), period.starts_at.into(), period.ends_at.into()], |row| {
        Ok(Error::PayPeriodClosed { period: row.get(1)?, starts_at: row.get(2)?, ends_at: row.get(3)? })
    })?;
    overlapped.map_or(Ok(()), Err)
}

fn store_totals(project: &str, period_id: i64, period: &Interval) -> Result<(), Error> {
    sql!(concat!(
        "insert into task_mgmt.pay_total (project_name, period_id, user_id, seconds, cost)
        select $1, $4, user_id, seconds, cost
        from (",
        spent!(),
        ") as submitted"
    ))
    .run(&[project.into(), period.starts_at.into(), period.ends_at.into(), period_id.into()])?;
    Ok(())
}
