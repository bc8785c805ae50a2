//! Segment types: kinds of cells, say. A user may be qualified for some of them only.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::segment_types::{NewSegmentType, SegmentTypePatch};
use task_mgmt_core::tasks::SeedId;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};

/// One row for each segment type.
macro_rules! segment_type_objects {
    () => {
        "select type_name, jsonb_strip_nulls(to_jsonb(y)) as object
        from task_mgmt.segment_type y
        where y.project_name = $1"
    };
}

/// What `get_segment_type` returns, and what `update_segment_type` leaves out of its data if it is so already.
const RECORD: &str = concat!(segment_type_objects!(), " and y.type_name = $2");

/// Creates a segment type and returns its name.
///
/// *Arguments*: `data` is an object; only `type_name` is required. Keys: type_name, sample_segment_ids (array of segment ids, as
/// numbers or text), description, region_mesh, seed_mask, instruction, instruction_link.
/// *Errors*: P0002 project unknown; 42710 the type exists; 22023 anything wrong with `data`; 42501 the caller is not a
/// manager.
/// *Source*: annotation reference 2, 21.40.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_segment_type(project_name: Option<&str>, data: Option<Jsonb>) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let text = arguments::data(data)?;
    let new = NewSegmentType::parse(&text).map_err(Error::from)?;
    projects::require_existing(project)?;
    let inserted = sql!(
        "insert into task_mgmt.segment_type (project_name, type_name, sample_segment_ids, description, region_mesh,
            seed_mask, instruction, instruction_link, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
        on conflict do nothing"
    )
    .run(&[
        project.into(),
        new.type_name.as_str().into(),
        texts(&new.sample_segment_ids).into(),
        new.description.into(),
        new.region_mesh.into(),
        new.seed_mask.into(),
        new.instruction.into(),
        new.instruction_link.into(),
        clock::now()?.into(),
    ])?;
    match inserted {
        0 => Err(Error::SegmentTypeExists { project: project.into(), segment_type: new.type_name }.into()),
        _ => Ok(new.type_name),
    }
}

/// A segment type as a JSON object: project_name, type_name, sample_segment_ids (as text), created_at, updated_at; and
/// description, region_mesh, seed_mask, instruction, instruction_link if they are set.
///
/// *Errors*: P0002 project or type unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_type(project_name: Option<&str>, type_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let name = required("type_name", type_name)?;
    access::require(Level::Reader, project)?;
    match read!(RECORD).first(&[project.into(), name.into()], |row| row.get(2))? {
        Some(found) => Ok(found),
        None => Err(not_found(project, name)?.into()),
    }
}

/// All segment types of a project as a JSON array of what `get_segment_type` returns, ordered by name.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_segment_types(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let segment_types = read!(concat!(
        "select coalesce(jsonb_agg(listed.object order by listed.type_name), '[]') from (",
        segment_type_objects!(),
        ") as listed"
    ));
    Ok(segment_types.value(&[project.into()])?)
}

/// Changes a segment type.
///
/// *Arguments*: `data` is an object; an absent key keeps the value. Keys: sample_segment_ids (replaces all), description,
/// region_mesh, seed_mask, instruction, instruction_link; null clears all but the first.
/// *Returns* true.
/// *Errors*: P0002 project or type unknown; 22023 anything wrong with `data`; 42501 the caller is not a manager.
/// *Locks*: the segment type's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_segment_type(
    project_name: Option<&str>,
    type_name: Option<&str>,
    data: Option<Jsonb>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let name = required("type_name", type_name)?;
    let data = required("data", data)?;
    let lock = sql!("select from task_mgmt.segment_type where project_name = $1 and type_name = $2 for no key update");
    if lock.run(&[project.into(), name.into()])? == 0 {
        return Err(not_found(project, name)?.into());
    }
    let record = sql!(RECORD).first(&[project.into(), name.into()], |row| row.get(2))?;
    let changes =
        arguments::changes(data, record.ok_or_else(|| Error::Internal(format!("segment type {name} is gone")))?)?;
    let patch = SegmentTypePatch::parse(&changes).map_err(Error::from)?;
    if changes == "{}" {
        return Ok(true);
    }
    sql!(
        "update task_mgmt.segment_type set
            sample_segment_ids = coalesce($3, sample_segment_ids),
            description = case when $4 then $5 else description end,
            region_mesh = case when $6 then $7 else region_mesh end,
            seed_mask = case when $8 then $9 else seed_mask end,
            instruction = case when $10 then $11 else instruction end,
            instruction_link = case when $12 then $13 else instruction_link end,
            updated_at = $14
        where project_name = $1 and type_name = $2"
    )
    .run(&[
        project.into(),
        name.into(),
        patch.sample_segment_ids.as_deref().map(texts).into(),
        patch.description.is_some().into(),
        patch.description.flatten().into(),
        patch.region_mesh.is_some().into(),
        patch.region_mesh.flatten().into(),
        patch.seed_mask.is_some().into(),
        patch.seed_mask.flatten().into(),
        patch.instruction.is_some().into(),
        patch.instruction.flatten().into(),
        patch.instruction_link.is_some().into(),
        patch.instruction_link.flatten().into(),
        clock::now()?.into(),
    ])?;
    Ok(true)
}

/// Removes a segment type that no segment, task or user names.
///
/// *Returns* true.
/// *Errors*: P0002 project or type unknown; 55000 something names it; 42501 the caller is not a manager.
/// *Locks*: the project's key, alone, so that nobody comes to name it meanwhile.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_segment_type(project_name: Option<&str>, type_name: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter_alone(Level::Manager, project_name)?;
    let name = required("type_name", type_name)?;
    if let Some(user) = named_by(project, name)? {
        return Err(Error::SegmentTypeInUse { segment_type: name.into(), user }.into());
    }
    let delete = sql!("delete from task_mgmt.segment_type where project_name = $1 and type_name = $2");
    match delete.run(&[project.into(), name.into()])? {
        0 => Err(not_found(project, name)?.into()),
        _ => Ok(true),
    }
}

/// The first of the names, each given with a position, that no segment type has.
pub fn first_unknown<'n>(project: &str, names: &[(&'n str, usize)]) -> Result<Option<(&'n str, usize)>, Error> {
    let asked: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    let known: Vec<String> =
        sql!("select type_name from task_mgmt.segment_type where project_name = $1 and type_name = any($2)")
            .all(&[project.into(), asked.into()], |row| row.get(1))?;
    let is_unknown = |(name, _): &&(&str, usize)| !known.iter().any(|one| one == name);
    Ok(names.iter().filter(is_unknown).min_by_key(|(_, position)| *position).copied())
}

/// What names the type, in words; of everything the first.
fn named_by(project: &str, name: &str) -> Result<Option<String>, Error> {
    let found = sql!(
        "select coalesce(
            (select 'segment ' || seed_id
            from task_mgmt.segment
            where project_name = $1 and (segment_type = $2 or expected_segment_type = $2)
            order by seed_id
            limit 1),
            (select 'task ' || task_id
            from task_mgmt.task
            where project_name = $1 and segment_type = $2
            order by task_no
            limit 1),
            (select 'user ' || user_id
            from task_mgmt.project_user
            where project_name = $1 and qualified_segment_types @> array[$2]
            order by user_no
            limit 1))"
    )
    .first(&[project.into(), name.into()], |row| row.find(1))?;
    Ok(found.flatten())
}

fn texts(ids: &[SeedId]) -> Vec<String> {
    ids.iter().map(|id| id.0.to_string()).collect()
}

/// The error for a segment type that was not found: its project may be missing, too.
fn not_found(project: &str, name: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::SegmentTypeNotFound { project: project.into(), segment_type: name.into() })
}
