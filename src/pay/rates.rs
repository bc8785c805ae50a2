//! The history of users' hourly rates. What counts for time submitted now is the rate of the user.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::Instant;
use crate::error::Error;
use crate::events;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::users;

/// Every hourly rate that a user has had, newest first, as a JSON array of objects: hourly_rate, effective_from, set_by (the
/// database role).
///
/// *Errors*: P0002 project or user unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_rate_history(project_name: Option<&str>, user_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let found = read!(
        "select (
            select coalesce(jsonb_agg(jsonb_build_object(
                    'hourly_rate', trim_scale(r.hourly_rate),
                    'effective_from', r.effective_from,
                    'set_by', r.set_by)
                order by r.rate_no desc), '[]')
            from task_mgmt.rate r
            where r.project_name = $1 and r.user_no = u.user_no
        )
        from task_mgmt.project_user u
        where u.project_name = $1 and u.user_id = $2"
    )
    .first(&[project.into(), user.into()], |row| row.get(1))?;
    match found {
        Some(found) => Ok(found),
        None => Err(users::not_found(project, user)?.into()),
    }
}

/// Adds the rate that a user has just been given to the history. The caller holds the user's key.
pub fn record(project: &str, user: &str, now: Instant) -> Result<(), Error> {
    let role = access::role_name(access::caller()?);
    sql!(
        "insert into task_mgmt.rate (project_name, user_no, rate_no, hourly_rate, effective_from, set_by)
        select $1, user_no, $3, hourly_rate, $4, $5
        from task_mgmt.project_user
        where project_name = $1 and user_id = $2"
    )
    .run(&[project.into(), user.into(), events::next_number().into(), now.into(), role.into()])?;
    Ok(())
}
