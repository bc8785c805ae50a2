//! Endpoints: where segments end, or were left a mark on the way. Every status that one is given is a row of its history, which
//! stays when the endpoint goes.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::endpoints::{EndpointStatus, GivenEndpoint, NewEndpoint, Replacement};

use super::{lock_row, require_visible};
use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::users;

/// Creates an endpoint of a segment and returns its number.
///
/// *Arguments*: `data` is an object, all keys are required: seed_id, x, y, z (voxels of the project's resolution), status (CERTAIN,
/// UNCERTAIN, CONTINUED or BREADCRUMB), user_id (who makes it).
/// *Errors*: P0002 project, segment or user unknown; 22023 anything wrong with `data`; 42501 the caller is not a worker, or may
/// not act as the user.
/// *Locks*: the segment's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_endpoint(project_name: Option<&str>, data: Option<Jsonb>) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let text = arguments::data(data)?;
    let NewEndpoint { seed_id, x, y, z, status, user_id } = NewEndpoint::parse(&text).map_err(Error::from)?;
    users::require_acting(project, &user_id)?;
    lock_row(project, seed_id.0)?;
    let created = create(project, seed_id.0, &user_id, &[GivenEndpoint { x, y, z, status }], clock::now()?)?;
    Ok(created.into_iter().next().ok_or_else(|| Error::Internal("an insert returned no row".into()))?)
}

/// Gives an endpoint another status.
///
/// *Arguments*: `new_status` is CERTAIN, UNCERTAIN, CONTINUED or BREADCRUMB; `user_id` is who gives it.
/// *Returns* true, also if it has that status already; then nothing is written.
/// *Errors*: P0002 project, endpoint or user unknown; 22023 unknown status; 42501 the caller is not a worker, or may not act as
/// the user.
/// *Locks*: the endpoint's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_endpoint_status(
    project_name: Option<&str>,
    endpoint_id: Option<i64>,
    user_id: Option<&str>,
    new_status: Option<&str>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let endpoint = required("endpoint_id", endpoint_id)?;
    let user = required("user_id", user_id)?;
    let status = required("new_status", new_status)?;
    let status = EndpointStatus::parse("new_status", status).map_err(Error::from)?;
    users::require_acting(project, user)?;
    let current =
        sql!("select status::text from task_mgmt.endpoint where project_name = $1 and endpoint_id = $2 for update")
            .first(&[project.into(), endpoint.into()], |row| row.get::<String>(1))?;
    match current {
        None => Err(Error::EndpointNotFound { project: project.into(), endpoint }.into()),
        Some(current) if current == status.name() => Ok(true),
        Some(_) => {
            change(project, user, &[(endpoint, status)], clock::now()?)?;
            Ok(true)
        }
    }
}

/// Makes the endpoints of a segment those that are given. One whose point is given keeps its number, and changes its status if
/// another one is given; one whose point is not given is deleted, while its history stays. The same call again changes nothing.
///
/// *Arguments*: `data` is an array of objects: x, y, z (voxels of the project's resolution), status (CERTAIN, UNCERTAIN, CONTINUED
/// or BREADCRUMB); a point may occur several times. `user_id` is who makes and changes endpoints by this.
/// *Returns* an object: created, changed, deleted, kept (how many).
/// *Errors*: P0002 project, segment or user unknown; 22023 bad seed_id, or anything wrong with `data`; 42501 the caller is not a
/// worker, or may not act as the user.
/// *Locks*: the segment's row, then those of its endpoints.
/// *Source*: annotation reference 15.4, 21.36, 21.40.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn replace_endpoints(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    user_id: Option<&str>,
    data: Option<Jsonb>,
) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let seed = ids::one("seed_id", seed_id)?;
    let user = required("user_id", user_id)?;
    let text = arguments::data(data)?;
    let given = GivenEndpoint::parse_all(&text).map_err(Error::from)?;
    users::require_acting(project, user)?;
    let replacement = replace(project, seed, user, &given)?;
    let counts = [replacement.created.len(), replacement.changed.len(), replacement.deleted.len()];
    let [created, changed, deleted] = counts.map(|count| count as i64);
    let kept = given.len() as i64 - created - changed;
    Ok(sql!("select jsonb_build_object('created', $1, 'changed', $2, 'deleted', $3, 'kept', $4)").value(&[
        created.into(),
        changed.into(),
        deleted.into(),
        kept.into(),
    ])?)
}

/// The endpoints of a segment as a JSON array of objects, ordered by number: endpoint_id, seed_id, x, y, z, status, user_id (who
/// made it), created_at, updated_at.
///
/// *Errors*: P0002 project or segment unknown; 22023 bad seed_id; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_endpoints(project_name: Option<&str>, seed_id: Option<AnyNumeric>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let seed = ids::one("seed_id", seed_id)?;
    access::require(Level::Reader, project)?;
    require_visible(project, seed)?;
    Ok(read!(
        "select coalesce(jsonb_agg(
            to_jsonb(e) - 'project_name' || jsonb_build_object('seed_id', task_mgmt.id_as_json(e.seed_id))
            order by e.endpoint_id), '[]')
        from task_mgmt.endpoint e
        where e.project_name = $1 and e.seed_id = $2"
    )
    .value(&[project.into(), ids::numeric(seed).into()])?)
}

/// Every status that an endpoint was given, the first one included, as a JSON array of objects, the oldest first: update_id,
/// endpoint_id, user_id, new_status, updated_at. An endpoint that is gone still has its history; one that never was has none.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_endpoint_updates(project_name: Option<&str>, endpoint_id: Option<i64>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let endpoint = required("endpoint_id", endpoint_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select coalesce(jsonb_agg(to_jsonb(u) - 'project_name' order by u.update_id), '[]')
        from task_mgmt.endpoint_update u
        where u.project_name = $1 and u.endpoint_id = $2"
    )
    .value(&[project.into(), endpoint.into()])?)
}

/// Makes the endpoints of a segment those that are given, by a user who exists. Errors: P0002.
pub fn replace(project: &str, seed: u64, user: &str, given: &[GivenEndpoint]) -> Result<Replacement, Error> {
    lock_row(project, seed)?;
    let existing = sql!(
        "select endpoint_id, x, y, z, status::text
        from task_mgmt.endpoint
        where project_name = $1 and seed_id = $2
        order by endpoint_id
        for update"
    )
    .all(&[project.into(), ids::numeric(seed).into()], |row| {
        let status = EndpointStatus::parse("status", &row.get::<String>(5)?)?;
        Ok((row.get(1)?, GivenEndpoint { x: row.get(2)?, y: row.get(3)?, z: row.get(4)?, status }))
    })?;
    let replacement = Replacement::find(&existing, given);
    let now = clock::now()?;
    create(project, seed, user, &replacement.created, now)?;
    change(project, user, &replacement.changed, now)?;
    if !replacement.deleted.is_empty() {
        sql!("delete from task_mgmt.endpoint where project_name = $1 and endpoint_id = any($2)")
            .run(&[project.into(), replacement.deleted.clone().into()])?;
    }
    Ok(replacement)
}

/// Creates endpoints in order, with the first rows of their history, and returns their numbers.
fn create(project: &str, seed: u64, user: &str, new: &[GivenEndpoint], now: Instant) -> Result<Vec<i64>, Error> {
    if new.is_empty() {
        return Ok(vec![]);
    }
    sql!(
        "with made as (
            insert into task_mgmt.endpoint (project_name, seed_id, x, y, z, status, user_id, created_at, updated_at)
            select $1, $2, x, y, z, status::task_mgmt.endpoint_status, $3, $4, $4
            from unnest($5, $6, $7, $8) with ordinality as new (x, y, z, status, position)
            order by position
            returning endpoint_id, status
        )
        insert into task_mgmt.endpoint_update (project_name, endpoint_id, user_id, new_status, updated_at)
        select $1, endpoint_id, $3, status, $4
        from made
        order by endpoint_id
        returning endpoint_id"
    )
    .all(
        &[
            project.into(),
            ids::numeric(seed).into(),
            user.into(),
            now.into(),
            new.iter().map(|one| one.x).collect::<Vec<_>>().into(),
            new.iter().map(|one| one.y).collect::<Vec<_>>().into(),
            new.iter().map(|one| one.z).collect::<Vec<_>>().into(),
            new.iter().map(|one| one.status.name()).collect::<Vec<_>>().into(),
        ],
        |row| row.get(1),
    )
}

/// Gives endpoints, whose rows the caller has locked, other statuses.
fn change(project: &str, user: &str, changed: &[(i64, EndpointStatus)], now: Instant) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    sql!(
        "with changed as (
            update task_mgmt.endpoint e
            set status = new.status::task_mgmt.endpoint_status, updated_at = $3
            from unnest($4, $5) as new (endpoint_id, status)
            where e.project_name = $1 and e.endpoint_id = new.endpoint_id
            returning e.endpoint_id, e.status
        )
        insert into task_mgmt.endpoint_update (project_name, endpoint_id, user_id, new_status, updated_at)
        select $1, endpoint_id, $2, status, $3
        from changed
        order by endpoint_id"
    )
    .run(&[
        project.into(),
        user.into(),
        now.into(),
        changed.iter().map(|(id, _)| *id).collect::<Vec<_>>().into(),
        changed.iter().map(|(_, status)| status.name()).collect::<Vec<_>>().into(),
    ])?;
    Ok(())
}
