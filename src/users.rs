//! Users: whoever works in a project, with qualifications and a rate. Their leases are in `assignment`, their roles in `access`.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::users::{Capacity, NewUser, UserPatch};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::pay::rates;
use crate::projects;
use crate::qualifications;
use crate::spi::{read, sql};

/// One row for each user. Somebody who holds several tasks is shown with the one leased last.
macro_rules! user_objects {
    () => {
        "select u.user_id, jsonb_build_object(
                'user_id', u.user_id,
                'hourly_rate', trim_scale(u.hourly_rate),
                'active_task', coalesce(active.task_id, ''),
                'qualified_task_types', u.qualified_task_types,
                'qualified_segment_types', u.qualified_segment_types)
            || case when u.is_active then '{}' else jsonb_build_object('is_active', false) end
            || case when u.capacity = 1 then '{}'
                else jsonb_build_object('capacity', coalesce(to_jsonb(u.capacity), to_jsonb('unlimited'::text))) end
                as object
        from task_mgmt.project_user u
        left join lateral (
            select l.task_id
            from task_mgmt.lease l
            where l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0
            order by l.leased_at desc, l.fence desc
            limit 1
        ) as active on true
        where u.project_name = $1"
    };
}

/// What `get_user` returns, and what `update_user` leaves out of its data if it is so already.
const RECORD: &str = concat!(user_objects!(), " and u.user_id = $2");

/// Creates a user and returns its id; does nothing if the user exists with the same data.
///
/// *Arguments*: `data` is an object; only `user_id` is required. Keys: user_id, hourly_rate (0 to 1000000, default 0),
/// qualified_task_types and qualified_segment_types (arrays of names, default empty), capacity (how many tasks the user may hold at
/// once: an integer, default 1, or "unlimited", which suits the workers of a machine), active_task (only "").
/// *Errors*: P0002 project unknown; 42710 the user exists with other data; 22023 anything wrong with `data`; 42501 the caller
/// is not a manager.
/// *Locks*: the user's key.
/// *Source*: annotation reference 4.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_user(project_name: Option<&str>, data: Option<Jsonb>) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let text = arguments::data(data)?;
    let user = NewUser::parse(&text).map_err(Error::from)?;
    projects::require_existing(project)?;
    locks::lock(Key::User(project, &user.user_id));
    match insert(project, &user)? {
        true => qualifications::follow(project, &user.user_id)?,
        false if is_equal(project, &user)? => {}
        false => return Err(Error::UserExists(user.user_id).into()),
    }
    Ok(user.user_id)
}

/// A user as a JSON object: user_id, hourly_rate, active_task ("" if none), qualified_task_types, qualified_segment_types;
/// is_active if it is false, and capacity if it is not 1.
///
/// *Errors*: P0002 project or user unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_user(project_name: Option<&str>, user_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    access::require(Level::Reader, project)?;
    let found = read!(RECORD).first(&[project.into(), user.into()], |row| row.get(2))?;
    match found {
        Some(found) => Ok(found),
        None => Err(not_found(project, user)?.into()),
    }
}

/// All users of a project as a JSON array of what `get_user` returns, ordered by user_id.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_users(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let users = read!(concat!(
        "select coalesce(jsonb_agg(listed.object order by listed.user_id), '[]') from (",
        user_objects!(),
        ") as listed"
    ));
    Ok(users.value(&[project.into()])?)
}

/// Changes a user.
///
/// *Arguments*: `data` is an object; an absent key keeps the value. Keys: hourly_rate, qualified_task_types,
/// qualified_segment_types, is_active, capacity (null for 1). A new rate counts for time submitted from now on; a qualification that
/// stays keeps its level and expiry.
/// *Returns* true.
/// *Errors*: P0002 project or user unknown; 55000 the user holds more tasks than the capacity; 22023 anything wrong with `data`; 42501 the caller is not a manager.
/// *Locks*: the user's key.
/// *Source*: annotation reference 4.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_user(project_name: Option<&str>, user_id: Option<&str>, data: Option<Jsonb>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    let data = required("data", data)?;
    locks::lock(Key::User(project, user));
    let changes = arguments::changes(data, record(project, user)?)?;
    let patch = UserPatch::parse(&changes).map_err(Error::from)?;
    change(project, user, patch)?;
    Ok(true)
}

/// Deactivates a user: no more tasks are handed out to them; what they hold they may still release and submit time for.
///
/// *Returns* true.
/// *Errors*: P0002 project or user unknown; 42501 the caller is not a manager.
/// *Locks*: the user's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn deactivate_user(project_name: Option<&str>, user_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    locks::lock(Key::User(project, user));
    let patch = UserPatch { is_active: Some(false), ..UserPatch::default() };
    change(project, user, patch)?;
    Ok(true)
}

/// The number of a user, which never changes. Errors: P0002.
pub fn find_no(project: &str, user: &str) -> Result<i32, Error> {
    sql!("select user_no from task_mgmt.project_user where project_name = $1 and user_id = $2")
        .first(&[project.into(), user.into()], |row| row.get(1))?
        .map_or_else(|| Err(not_found(project, user)?), Ok)
}

/// The id of a user by number.
pub fn name(project: &str, user_no: i32) -> Result<String, Error> {
    sql!("select user_id from task_mgmt.project_user where project_name = $1 and user_no = $2")
        .value(&[project.into(), user_no.into()])
}

/// Locks the user's row against whoever changes it; its number. Qualifications are changed after that. Errors: P0002.
pub fn lock_no(project: &str, user: &str) -> Result<i32, Error> {
    sql!("select user_no from task_mgmt.project_user where project_name = $1 and user_id = $2 for no key update")
        .first(&[project.into(), user.into()], |row| row.get(1))?
        .map_or_else(|| Err(not_found(project, user)?), Ok)
}

/// Locks the rows of users in the order of their numbers.
pub fn lock_rows(project: &str, user_nos: Vec<i32>) -> Result<(), Error> {
    sql!(
        "select from task_mgmt.project_user
        where project_name = $1 and user_no = any($2)
        order by user_no
        for no key update"
    )
    .run(&[project.into(), user_nos.into()])?;
    Ok(())
}

/// The role that a user is bound to, if any. Errors: P0002.
pub fn bound_role(project: &str, user: &str) -> Result<Option<pg_sys::Oid>, Error> {
    sql!("select bound_role::oid from task_mgmt.project_user where project_name = $1 and user_id = $2")
        .first(&[project.into(), user.into()], |row| row.find(1))?
        .map_or_else(|| Err(not_found(project, user)?), Ok)
}

/// Refuses a caller who may not act as the user. Errors: P0002 unknown user; 42501.
pub fn require_acting(project: &str, user: &str) -> Result<(), Error> {
    access::require_binding(project, user, bound_role(project, user)?)
}

/// The task that a user holds; of several, the one leased last.
pub fn active_task(project: &str, user: &str) -> Result<Option<String>, Error> {
    sql!(
        "select l.task_id
        from task_mgmt.project_user u
        join task_mgmt.lease l on l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0
        where u.project_name = $1 and u.user_id = $2
        order by l.leased_at desc, l.fence desc
        limit 1"
    )
    .first(&[project.into(), user.into()], |row| row.get(1))
}

/// The error for a user that was not found: its project may be missing, too.
pub fn not_found(project: &str, user: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::UserNotFound { project: project.into(), user: user.into() })
}

/// Whether the user is new.
fn insert(project: &str, user: &NewUser) -> Result<bool, Error> {
    let now = clock::now()?;
    let inserted = sql!(
        "insert into task_mgmt.project_user
            (project_name, user_id, hourly_rate, qualified_task_types, qualified_segment_types, created_at, capacity)
        select $1, $2, $3::numeric, $4, $5, $6, $7
        where not exists (select from task_mgmt.project_user where project_name = $1 and user_id = $2)
        on conflict do nothing"
    )
    .run(&[
        project.into(),
        user.user_id.as_str().into(),
        user.hourly_rate.into(),
        user.qualified_task_types.clone().into(),
        user.qualified_segment_types.clone().into(),
        now.into(),
        user.capacity.0.into(),
    ])?;
    if inserted > 0 {
        rates::record(project, &user.user_id, now)?;
    }
    Ok(inserted > 0)
}

fn is_equal(project: &str, user: &NewUser) -> Result<bool, Error> {
    let equal = sql!(
        "select from task_mgmt.project_user
        where project_name = $1 and user_id = $2 and hourly_rate = $3::numeric
            and qualified_task_types = $4 and qualified_segment_types = $5 and capacity is not distinct from $6"
    )
    .run(&[
        project.into(),
        user.user_id.as_str().into(),
        user.hourly_rate.into(),
        user.qualified_task_types.clone().into(),
        user.qualified_segment_types.clone().into(),
        user.capacity.0.into(),
    ])?;
    Ok(equal > 0)
}

/// The user as `get_user` returns it. Errors: P0002.
fn record(project: &str, user: &str) -> Result<Jsonb, Error> {
    sql!(RECORD)
        .first(&[project.into(), user.into()], |row| row.get(2))?
        .map_or_else(|| Err(not_found(project, user)?), Ok)
}

/// The caller holds the user's key.
fn change(project: &str, user: &str, patch: UserPatch) -> Result<(), Error> {
    let capacity = patch.capacity.map(Option::unwrap_or_default);
    if let Some(Capacity(Some(capacity))) = capacity {
        require_room(project, user, capacity)?;
    }
    let is_qualifying = patch.qualified_task_types.is_some() || patch.qualified_segment_types.is_some();
    let changed = sql!(
        "update task_mgmt.project_user set
            hourly_rate = coalesce($3::numeric, hourly_rate),
            qualified_task_types = coalesce($4, qualified_task_types),
            qualified_segment_types = coalesce($5, qualified_segment_types),
            is_active = coalesce($6, is_active),
            capacity = case when $7 then $8 else capacity end
        where project_name = $1 and user_id = $2"
    )
    .run(&[
        project.into(),
        user.into(),
        patch.hourly_rate.into(),
        patch.qualified_task_types.into(),
        patch.qualified_segment_types.into(),
        patch.is_active.into(),
        capacity.is_some().into(),
        capacity.and_then(|capacity| capacity.0).into(),
    ])?;
    if changed == 0 {
        return Err(not_found(project, user)?);
    }
    if is_qualifying {
        qualifications::follow(project, user)?;
    }
    match patch.hourly_rate {
        Some(_) => rates::record(project, user, clock::now()?),
        None => Ok(()),
    }
}

/// Refuses a capacity below what the user holds. The caller holds the user's key. Errors: 55000.
fn require_room(project: &str, user: &str, capacity: i32) -> Result<(), Error> {
    let held: i64 = sql!(
        "select count(*)
        from task_mgmt.project_user u
        join task_mgmt.lease l on l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0
        where u.project_name = $1 and u.user_id = $2"
    )
    .value(&[project.into(), user.into()])?;
    match held <= i64::from(capacity) {
        true => Ok(()),
        false => Err(Error::CapacityInUse { user: user.into(), held }),
    }
}
