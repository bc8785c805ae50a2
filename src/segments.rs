//! Segments: neurons, say, each known by the supervoxel at its seed. Creating, reading and changing them; what belongs to them
//! is in the folder.

mod creation;
mod duplicates;
pub mod endpoints;
mod ingestion;
pub mod lanes;
mod links;
mod locked;
mod rows;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::segments::{NewSegment, SegmentFilters, SegmentPatch, SegmentStatus};
use task_mgmt_core::tasks::SeedId;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{Statement, read, sql};

/// What `get_segment` returns, and what `update_segment` leaves out of its data if it is so already.
const RECORD: &str =
    "select task_mgmt.segment_as_json(d) from task_mgmt.segment_details d where d.project_name = $1 and d.seed_id = $2";

/// Creates a segment and returns its seed id. Tasks that name the seed already move to the lane of its expected type.
///
/// *Arguments*: `data` is an object; seed_id, seed_x, seed_y and seed_z are required. Keys: seed_id (the supervoxel at the
/// seed), seed_x, seed_y, seed_z and root_x, root_y, root_z (all three or none), in voxels of the project's resolution;
/// segment_type, expected_segment_type (existing segment types), batch, current_segment_id, skeleton_path_length_mm,
/// pre_synapse_count, post_synapse_count, status (default Raw; or Proofread, Duplicate, Wrong type, Verified), is_exported,
/// last_modified, last_merge_at (ISO 8601 with offset), extra_data. Ids are numbers or text.
/// *Errors*: P0002 project or segment type unknown; 42710 there is a segment of this seed; 22023 anything wrong with `data`;
/// 42501 the caller is not a manager.
/// *Locks*: the key of the project's new segments, shared with whoever creates segments, and the keys and rows of the tasks
/// that name the seed; if they are very many, the whole project.
/// *Source*: annotation reference 16.5, 21.14, 21.27.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_segment(project_name: Option<&str>, data: Option<Jsonb>) -> Result<AnyNumeric, ErrorReport> {
    let text = arguments::data(data)?;
    let new = [NewSegment::parse(&text).map_err(Error::from)?];
    creation::create(project_name, &new).map_err(Error::without_position)?;
    Ok(ids::numeric(new[0].seed_id.0))
}

/// Creates many segments at once, all or none, and returns how many.
///
/// *Arguments*: `data` is an array of what `create_segment` takes.
/// *Errors*, *Locks*: as `create_segment`; the message names the element.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_segments(project_name: Option<&str>, data: Option<Jsonb>) -> Result<i64, ErrorReport> {
    let text = arguments::data(data)?;
    let new = NewSegment::parse_all(&text).map_err(Error::from)?;
    creation::create(project_name, &new)?;
    Ok(new.len() as i64)
}

/// A segment as a JSON object: seed_id, project_name, seed_x, seed_y, seed_z, task_ids (in order of creation), status,
/// is_exported, created_at, updated_at, last_modified; and the other keys of `create_segment` if they are set. Coordinates
/// are voxels of the project's resolution; ids above 2^53 are text.
///
/// *Arguments*: `seed_id` from 0 to 18446744073709551615.
/// *Errors*: P0002 project or segment unknown; 22023 bad seed_id; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment(project_name: Option<&str>, seed_id: Option<AnyNumeric>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let seed = ids::one("seed_id", seed_id)?;
    access::require(Level::Reader, project)?;
    match read!(RECORD).first(&[project.into(), ids::numeric(seed).into()], |row| row.get(1))? {
        Some(segment) => Ok(segment),
        None => Err(not_found(project, seed)?.into()),
    }
}

/// Changes a segment. With another expected_segment_type, its tasks move to the lane of that type, in whatever state they are;
/// who holds one keeps it.
///
/// *Arguments*: `data` is an object; an absent key keeps the value. Keys: those of `create_segment` but seed_id; null clears
/// all but seed_x, seed_y, seed_z, status and is_exported.
/// *Returns* true.
/// *Errors*: P0002 project, segment or segment type unknown; 22023 anything wrong with `data`; 42501 the caller is not a
/// manager.
/// *Locks*: the segment's row; with expected_segment_type before it the key of the seed; if that changes, before both the keys of
/// the segment's tasks and after both their rows, and if they are very many, the whole project.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_segment(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    data: Option<Jsonb>,
) -> Result<bool, ErrorReport> {
    let seed = ids::one("seed_id", seed_id)?;
    let data = required("data", data)?;
    let names_type = arguments::keys(&data)?.iter().any(|key| key == "expected_segment_type");
    let (project, tasks) = match names_type {
        true => lanes::enter_retyping(project_name, seed, |project| is_retyped(project, seed, &data))?,
        false => (projects::enter(Level::Manager, project_name)?, vec![]),
    };
    lock_row(project, seed)?;
    let record: Jsonb = sql!(RECORD).value(&[project.into(), ids::numeric(seed).into()])?;
    let changes = arguments::changes(data, record.clone())?;
    let patch = SegmentPatch::parse(&changes).map_err(Error::from)?;
    if changes == "{}" {
        return Ok(true);
    }
    let record = rows::as_new(record)?;
    let mut segment = NewSegment::parse(&record).map_err(Error::from)?;
    segment.change(patch).map_err(Error::from)?;
    creation::require_types(project, std::slice::from_ref(&segment)).map_err(Error::without_position)?;
    let now = clock::now()?;
    rows::update(project, &segment, now)?;
    lanes::follow(project, &tasks, now)?;
    Ok(true)
}

/// Segments of a project as a JSON array of what `get_segment` returns, ordered by seed id.
///
/// *Arguments*: `filters` is an object with the values that segments must have; null asks for those without one. Keys: status,
/// batch, segment_type, expected_segment_type, current_segment_id. `max_rows` segments at most are returned, after `skip`
/// others.
/// *Errors*: P0002 project unknown; 22023 anything wrong with `filters`, or a negative number; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_segments(
    project_name: Option<&str>,
    filters: default!(Option<Jsonb>, "'{}'"),
    max_rows: default!(Option<i32>, 1000),
    skip: default!(Option<i32>, 0),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let text = required("filters", filters)?.text();
    let max_rows = arguments::not_negative("max_rows", max_rows)?;
    let skip = arguments::not_negative("skip", skip)?;
    access::require(Level::Reader, project)?;
    let filters = SegmentFilters::parse(&text).map_err(Error::from)?;
    projects::require_visible(project)?;
    Ok(page(project, &filters, max_rows, skip)?)
}

/// Keeps everything but plain reads from the segment, until the transaction ends. Errors: P0002.
pub fn lock_row(project: &str, seed: u64) -> Result<(), Error> {
    require(
        sql!("select from task_mgmt.segment where project_name = $1 and seed_id = $2 for no key update"),
        project,
        seed,
    )
}

/// Locks the rows of the segments that tasks are of, in the one order that all use.
pub fn lock_rows_of_tasks(project: &str, task_nos: Vec<i64>) -> Result<(), Error> {
    sql!(
        "select from task_mgmt.segment s
        where s.project_name = $1 and s.seed_id in (
            select t.segment_seed_id from task_mgmt.task t where t.project_name = $1 and t.task_no = any($2)
        )
        order by s.seed_id
        for no key update of s"
    )
    .run(&[project.into(), task_nos.into()])?;
    Ok(())
}

/// Refuses a seed that no segment has to a call that writes. Errors: P0002.
pub fn require_existing(project: &str, seed: u64) -> Result<(), Error> {
    require(sql!("select from task_mgmt.segment where project_name = $1 and seed_id = $2"), project, seed)
}

/// Refuses a seed that no segment has to a call that only reads. Errors: P0002.
pub fn require_visible(project: &str, seed: u64) -> Result<(), Error> {
    require(read!("select from task_mgmt.segment where project_name = $1 and seed_id = $2"), project, seed)
}

fn require(segment: &Statement, project: &str, seed: u64) -> Result<(), Error> {
    match segment.run(&[project.into(), ids::numeric(seed).into()])? {
        0 => Err(not_found(project, seed)?),
        _ => Ok(()),
    }
}

/// Whether the data gives the segment another expected type than it has. Errors: P0002.
fn is_retyped(project: &str, seed: u64, data: &Jsonb) -> Result<bool, Error> {
    let retyped = sql!(
        "select expected_segment_type is distinct from $3 ->> 'expected_segment_type'
        from task_mgmt.segment
        where project_name = $1 and seed_id = $2"
    )
    .first(&[project.into(), ids::numeric(seed).into(), data.clone().into()], |row| row.get(1))?;
    match retyped {
        Some(is_retyped) => Ok(is_retyped),
        None => Err(not_found(project, seed)?),
    }
}

/// The error for a segment that was not found: its project may be missing, too.
pub fn not_found(project: &str, seed: u64) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::SegmentNotFound { project: project.into(), seed })
}

/// Only the filter by current_segment_id has an index; the others are checked along the primary key.
fn page(project: &str, filters: &SegmentFilters, max_rows: i32, skip: i32) -> Result<Jsonb, Error> {
    macro_rules! page {
        ($condition:literal) => {
            read!(concat!(
                "select coalesce(jsonb_agg(task_mgmt.segment_as_json(d) order by d.seed_id), '[]')
                from (
                    select s.seed_id
                    from task_mgmt.segment s
                    where s.project_name = $1
                        and ($2 is null or s.status = $2::task_mgmt.segment_status)
                        and ($3 or s.batch is not distinct from $4)
                        and ($5 or s.segment_type is not distinct from $6)
                        and ($7 or s.expected_segment_type is not distinct from $8)
                        and ",
                $condition,
                "
                    order by s.seed_id
                    limit $10 offset $11
                ) page
                cross join lateral (
                    select * from task_mgmt.segment_details d
                    where d.project_name = $1 and d.seed_id = page.seed_id
                    offset 0
                ) d"
            ))
        };
    }
    let root = filters.current_segment_id;
    let statement = match root {
        None => page!("$9::numeric is null"),
        Some(None) => page!("$9::numeric is null and s.current_segment_id is null"),
        Some(Some(_)) => page!("s.current_segment_id = $9"),
    };
    statement.value(&[
        project.into(),
        filters.status.map(SegmentStatus::name).into(),
        filters.batch.is_none().into(),
        filters.batch.clone().flatten().into(),
        filters.segment_type.is_none().into(),
        filters.segment_type.clone().flatten().into(),
        filters.expected_segment_type.is_none().into(),
        filters.expected_segment_type.clone().flatten().into(),
        root.flatten().map(|SeedId(id)| ids::numeric(id)).into(),
        i64::from(max_rows).into(),
        i64::from(skip).into(),
    ])
}
