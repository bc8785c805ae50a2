//! Locked segments: what nobody is to edit any more, by the id of its root. Programs that edit ask here first.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::ids;
use crate::projects;
use crate::spi::{read, sql};

/// Locks segments.
///
/// *Arguments*: `segment_ids` are ids of roots, from 0 to 18446744073709551615.
/// *Returns* how many were not locked before.
/// *Errors*: P0002 project unknown; 22023 a bad id; 42501 the caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn lock_segments(project_name: Option<&str>, segment_ids: Option<Vec<Option<AnyNumeric>>>) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let ids = ids::list("segment_ids", segment_ids)?;
    projects::require_existing(project)?;
    let locked = sql!(
        "insert into task_mgmt.locked_segment (project_name, segment_id, created_at)
        select $1, segment_id, $3
        from unnest($2) as segment_id
        order by segment_id
        on conflict do nothing"
    )
    .run(&[project.into(), ids::numerics(&ids).into(), clock::now()?.into()])?;
    Ok(locked as i64)
}

/// Undoes `lock_segments`.
///
/// *Returns* how many were locked.
/// *Errors*: as `lock_segments`.
/// *Locks*: the rows of the locks, in the order of the segments.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unlock_segments(
    project_name: Option<&str>,
    segment_ids: Option<Vec<Option<AnyNumeric>>>,
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let ids = ids::list("segment_ids", segment_ids)?;
    projects::require_existing(project)?;
    let unlocked = sql!(
        "with locked as (
            select segment_id
            from task_mgmt.locked_segment
            where project_name = $1 and segment_id = any($2)
            order by segment_id
            for update
        )
        delete from task_mgmt.locked_segment l
        using locked
        where l.project_name = $1 and l.segment_id = locked.segment_id"
    )
    .run(&[project.into(), ids::numerics(&ids).into()])?;
    Ok(unlocked as i64)
}

/// Those of the segments that are not locked, in the order given, as often as given.
///
/// *Arguments*: `segment_ids` are ids of roots, from 0 to 18446744073709551615; without any, nothing is checked.
/// *Errors*: P0002 project unknown; 22023 a bad id; 42501 access denied.
/// *Source*: annotation reference 16.6.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_unlocked_segments(
    project_name: Option<&str>,
    segment_ids: Option<Vec<Option<AnyNumeric>>>,
) -> Result<Vec<AnyNumeric>, ErrorReport> {
    let project = required("project_name", project_name)?;
    let ids = ids::list("segment_ids", segment_ids)?;
    access::require(Level::Reader, project)?;
    if ids.is_empty() {
        return Ok(vec![]);
    }
    projects::require_visible(project)?;
    Ok(read!(
        "select given.id
        from unnest($2) with ordinality as given (id, position)
        where not exists (
            select from task_mgmt.locked_segment l
            where l.project_name = $1 and l.segment_id = given.id
            offset 0
        )
        order by given.position"
    )
    .all(&[project.into(), ids::numerics(&ids).into()], |row| row.get(1))?)
}
