//! Supervoxels: creating and reading them. How they follow edits is in `segment_edit_events.rs`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::supervoxels::NewSupervoxel;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::{self, read, sql};

/// One row for each supervoxel.
macro_rules! supervoxels {
    () => {
        "select supervoxel_id, jsonb_build_object(
            'supervoxel_id', task_mgmt.id_as_json(supervoxel_id),
            'seed_x', seed_x,
            'seed_y', seed_y,
            'seed_z', seed_z,
            'current_segment_id', task_mgmt.id_as_json(current_segment_id),
            'moved_at', moved_at,
            'created_at', created_at,
            'updated_at', updated_at) as object
        from task_mgmt.supervoxel
        where project_name = $1"
    };
}

/// Creates a supervoxel and returns its id.
///
/// *Arguments*: `data` is an object; all keys are required: supervoxel_id, seed_x, seed_y, seed_z (a point within it, in voxels
/// of the project's resolution), current_segment_id (the root that it is part of).
/// *Errors*: P0002 project unknown; 42710 the supervoxel exists; 22023 anything wrong with `data`; 42501 the caller is not a
/// manager.
/// *Source*: annotation reference 16.7.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_supervoxel(project_name: Option<&str>, data: Option<Jsonb>) -> Result<AnyNumeric, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let new = NewSupervoxel::parse(&arguments::data(data)?).map_err(Error::from)?;
    let id = new.supervoxel_id.0;
    create(project, vec![new])?;
    Ok(id.into())
}

/// Creates many supervoxels at once, all or none, and returns how many.
///
/// *Arguments*: `data` is an array of what `create_supervoxel` takes.
/// *Errors*: as `create_supervoxel`; 42710 also if `data` has one twice.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_supervoxels(project_name: Option<&str>, data: Option<Jsonb>) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let new = NewSupervoxel::parse_all(&arguments::data(data)?).map_err(Error::from)?;
    Ok(create(project, new)? as i64)
}

/// A supervoxel as an object: supervoxel_id, seed_x, seed_y, seed_z (in voxels), current_segment_id, moved_at (the time of the
/// edit since which it is part of that root; null if no event has moved it), created_at, updated_at. Ids above 2^53 are text.
///
/// *Errors*: P0002 project or supervoxel unknown; 22023 bad id; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_supervoxel(project_name: Option<&str>, supervoxel_id: Option<AnyNumeric>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let id = ids::one("supervoxel_id", supervoxel_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let found = read!(concat!(supervoxels!(), " and supervoxel_id = $2"))
        .first(&[project.into(), AnyNumeric::from(id).into()], |row| row.get(2))?;
    Ok(found.ok_or_else(|| Error::SupervoxelNotFound { project: project.into(), supervoxel: id })?)
}

/// The supervoxels of a root, as an array of what `get_supervoxel` returns, ordered by id; empty for an unknown root.
///
/// *Arguments*: `segment_id` is a root, as segments have it in current_segment_id.
/// *Errors*: P0002 project unknown; 22023 bad id; 42501 access denied.
/// *Source*: annotation reference 16.7.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_supervoxels_by_segment(
    project_name: Option<&str>,
    segment_id: Option<AnyNumeric>,
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let id = ids::one("segment_id", segment_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(concat!(
        "select coalesce(jsonb_agg(found.object order by found.supervoxel_id), '[]') from (",
        supervoxels!(),
        " and current_segment_id = $2) as found"
    ))
    .value(&[project.into(), AnyNumeric::from(id).into()])?)
}

/// Creates the supervoxel at the seed of every segment whose root is known, unless it exists.
///
/// *Returns* how many were created.
/// *Errors*: P0002 project unknown; 42501 the caller is not a manager.
/// *Locks*: the project's edit key, shared, so that no edit passes by.
/// *Source*: annotation reference 19.4.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn populate_supervoxels_from_segments(project_name: Option<&str>) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    projects::require_existing(project)?;
    locks::share(Key::Edits(project));
    let created = sql!(
        "insert into task_mgmt.supervoxel
            (project_name, supervoxel_id, seed_x, seed_y, seed_z, current_segment_id, moved_at, created_at, updated_at)
        select $1, s.seed_id, s.seed_x, s.seed_y, s.seed_z, s.current_segment_id, m.moved_at, $2, $2
        from task_mgmt.segment s
        left join lateral (
            select max(m.moved_at) as moved_at
            from task_mgmt.segment_move m
            where m.project_name = $1 and m.seed_id = s.seed_id
        ) as m on true
        where s.project_name = $1 and s.current_segment_id is not null
        order by s.seed_id
        on conflict (project_name, supervoxel_id) do nothing"
    )
    .run(&[project.into(), clock::now()?.into()])?;
    Ok(created as i64)
}

/// Inserts them in the order of their ids, so that two callers with ids in common wait for each other one way round.
fn create(project: &str, mut new: Vec<NewSupervoxel>) -> Result<usize, Error> {
    projects::require_existing(project)?;
    new.sort_by_key(|one| one.supervoxel_id.0);
    if let Some(pair) = new.windows(2).find(|pair| pair[0].supervoxel_id == pair[1].supervoxel_id) {
        return Err(Error::SupervoxelTwice(pair[0].supervoxel_id.0));
    }
    let now = clock::now()?;
    let insert = || {
        sql!(
            "insert into task_mgmt.supervoxel
                (project_name, supervoxel_id, seed_x, seed_y, seed_z, current_segment_id, created_at, updated_at)
            select $1, new.supervoxel_id, new.seed_x, new.seed_y, new.seed_z, new.current_segment_id, $7, $7
            from unnest($2, $3, $4, $5, $6) with ordinality
                as new (supervoxel_id, seed_x, seed_y, seed_z, current_segment_id, place)
            order by new.place"
        )
        .run(&[
            project.into(),
            ids::numerics(new.iter().map(|one| &one.supervoxel_id.0)).into(),
            new.iter().map(|one| one.seed_x).collect::<Vec<_>>().into(),
            new.iter().map(|one| one.seed_y).collect::<Vec<_>>().into(),
            new.iter().map(|one| one.seed_z).collect::<Vec<_>>().into(),
            ids::numerics(new.iter().map(|one| &one.current_segment_id.0)).into(),
            now.into(),
        ])
        .map(drop)
    };
    let taken = |supervoxel| Error::SupervoxelExists { project: project.into(), supervoxel };
    spi::insert_unique(project, insert, taken)?;
    Ok(new.len())
}
