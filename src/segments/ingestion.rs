//! Bringing in many seeds at once: all are checked first, then all that are new are created, or none.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::json;
use task_mgmt_core::ingestion::{Candidate, Existing};
use task_mgmt_core::segments::NewSegment;

use super::{creation, lanes};
use crate::access::Level;
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::projects;
use crate::segment_updates;
use crate::spi::sql;

/// Creates the segments of many seeds that a program has found in the volume, all that are new or none, and asks for updates of
/// those that it creates.
///
/// *Arguments*: `data` is an array of objects: seed_id (the supervoxel at the point; 0 if there is none), seed_x, seed_y, seed_z
/// (voxels of the project's resolution), and optionally current_segment_id (0 for none), batch, expected_segment_type,
/// extra_data. `dry_run` true only says what would happen.
/// *Returns* an object: created (how many), existing (how many are there with the same expected type, and stay as they are),
/// conflicts (those that are there with another expected type or none; array of objects: index, seed_id, expected_segment_type,
/// existing_seed_id, existing_segment_type), invalid (array of objects: index, reason), is_refused (there are conflicts or invalid
/// ones, so nothing is created), dry_run. An index is a position in `data`, from 0. What is there is a segment with the same seed_id
/// or, if there is none, the one of the same current_segment_id that `retire_duplicate_segments` would keep.
/// *Errors*: P0002 project or segment type unknown; 22023 anything wrong with `data`; 42501 the caller is not a manager.
/// *Locks*: as `create_segments`, but nobody else creates segments meanwhile; with `dry_run` none of these.
/// *Source*: annotation reference 16.5, 19.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn ingest_segments(
    project_name: Option<&str>,
    data: Option<Jsonb>,
    dry_run: default!(Option<bool>, false),
) -> Result<Jsonb, ErrorReport> {
    let text = arguments::data(data)?;
    let dry_run = required("dry_run", dry_run)?;
    let candidates = Candidate::parse_all(&text).map_err(Error::from)?;
    let seeds: Vec<u64> = candidates.iter().map(|candidate| candidate.seed_id.0).collect();
    let (project, tasks) = match dry_run {
        true => (projects::enter(Level::Manager, project_name)?, vec![]),
        false => lanes::enter_creating(project_name, &seeds, lanes::Creation::Alone)?,
    };
    projects::require_existing(project)?;
    let segments: Vec<NewSegment> = candidates.iter().map(Candidate::segment).collect();
    creation::require_types(project, &segments)?;
    let sorted = Candidate::sort(&candidates, &existing(project, &candidates)?);
    let is_refused = !sorted.conflicts.is_empty() || !sorted.invalid.is_empty();
    if !is_refused && !dry_run {
        let new: Vec<&NewSegment> = sorted.new.iter().map(|index| &segments[*index]).collect();
        let now = clock::now()?;
        creation::insert(project, &new, &tasks, now)?;
        segment_updates::queue(project, new.iter().map(|segment| &segment.seed_id.0), now)?;
    }
    let report = json!({
        "created": if is_refused { 0 } else { sorted.new.len() },
        "existing": sorted.existing,
        "conflicts": sorted.conflicts,
        "invalid": sorted.invalid,
        "is_refused": is_refused,
        "dry_run": dry_run,
    });
    Ok(Jsonb::of(&report.to_string())?)
}

/// The segments with the seeds of the candidates, and for each of their roots the one that duplicates leave.
fn existing(project: &str, candidates: &[Candidate]) -> Result<Existing, Error> {
    let seeds: Vec<u64> = candidates.iter().map(|candidate| candidate.seed_id.0).collect();
    let roots: Vec<u64> = candidates.iter().filter_map(Candidate::root).collect();
    let found = sql!(
        "select s.seed_id::text, null, s.expected_segment_type
        from unnest($2) as seed (id)
        cross join lateral (
            select g.seed_id, g.expected_segment_type
            from task_mgmt.segment g
            where g.project_name = $1 and g.seed_id = seed.id
            offset 0
        ) s
        union all
        select s.seed_id::text, root.id::text, s.expected_segment_type
        from unnest($3) as root (id)
        cross join lateral (
            select g.seed_id, g.expected_segment_type
            from task_mgmt.segment g
            where g.project_name = $1 and g.current_segment_id = root.id and g.status <> 'Duplicate'
                and not exists (
                    select from task_mgmt.ranked_duplicates d
                    where d.project_name = $1 and d.current_segment_id = root.id and d.seed_id = g.seed_id and d.place > 1
                )
            offset 0
        ) s"
    )
    .all(&[project.into(), ids::numerics(&seeds).into(), ids::numerics(&roots).into()], |row| {
        Ok((ids::stored(row.get(1)?)?, row.find(2)?.map(ids::stored).transpose()?, row.find(3)?))
    })?;
    Ok(Existing::new(found))
}
