//! Making traces, and feedback about them, for segments: one at a time, or for all segments that fit.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::json;
use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::segments::SegmentStatus;
use task_mgmt_core::standard_types::{BulkFilters, BulkOptions, FeedbackOptions, TraceOptions};
use task_mgmt_core::tasks::NewTask;

use crate::access::Level;
use crate::arguments::required;
use crate::error::Error;
use crate::events;
use crate::ids;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::sql;
use crate::task_creation;
use crate::task_types;
use crate::tasks;

/// Creates a trace task for each of the segments that fit, all or none. The tasks are named `trace_<seed>_<number>`, and begin
/// with their segment's seed.
///
/// *Arguments*: `filters` is an object with at least one of expected_segment_type, status, batch (null asks for segments without
/// one) and seed_ids (array; a seed without a segment fits nothing). `options` may have skip_existing_tasks (default true: a
/// segment that has any task is passed over), batch_id ("trace_tasks"), priority (50), is_paused (false), task_type (trace_v0),
/// dry_run (false; true only says what would happen).
/// *Returns* an object: segments_found, segments_skipped, tasks_created, created_task_ids (array, in order of seeds), dry_run.
/// *Errors*: P0002 project or task type unknown; 22023 anything wrong with `filters` or `options`; 42501 the caller is not a
/// manager.
/// *Locks*: with skip_existing_tasks the key of the project's traces, so that two calls do not make two tasks for one segment; then
/// as `create_tasks`.
/// *Source*: annotation reference 19.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_trace_tasks(
    project_name: Option<&str>,
    filters: Option<Jsonb>,
    options: default!(Option<Jsonb>, "'{}'"),
) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let filters = BulkFilters::parse(&required("filters", filters)?.text()).map_err(Error::from)?;
    let options = required("options", options)?.text();
    let options = BulkOptions::parse(&options).map_err(Error::from)?;
    task_types::require_existing(project, options.task_type())?;
    if options.skips_existing() && !options.is_dry_run() {
        locks::lock(Key::Traces(project));
    }
    let found = find_segments(project, &options, &filters)?;
    let wanted: Vec<u64> = found.iter().filter(|segment| !segment.is_skipped).map(|segment| segment.seed).collect();
    let created = if options.is_dry_run() { vec![] } else { create_all(project, &options, &wanted)? };
    let report = json!({
        "segments_found": found.len(),
        "segments_skipped": found.len() - wanted.len(),
        "tasks_created": created.len(),
        "created_task_ids": created,
        "dry_run": options.is_dry_run(),
    });
    Ok(Jsonb::of(&report.to_string())?)
}

/// Creates a trace for a segment and returns its id.
pub fn trace(project: &str, seed: u64, options: &str) -> Result<String, Error> {
    let data = TraceOptions::parse(options)?.task(seed, events::next_number())?;
    create(project, &data)
}

/// Creates a feedback task about a trace and returns its id.
pub fn feedback(project: &str, seed: u64, options: &str) -> Result<String, Error> {
    let options = FeedbackOptions::parse(options)?;
    let original = options.original()?;
    let task_type = sql!("select task_type from task_mgmt.task where project_name = $1 and task_id = $2")
        .first(&[project.into(), original.into()], |row| row.get::<String>(1))?;
    match task_type.as_deref() {
        None => Err(tasks::not_found(project, original)?),
        Some("trace_v0") => create(project, &options.task(seed, events::next_number())?),
        Some(_) => Err(Invalid(format!("Task {original} is not a trace_v0 task")).into()),
    }
}

/// Creates a task from its `data` and returns its id.
pub fn create(project: &str, data: &str) -> Result<String, Error> {
    let mut task = [NewTask::parse(data)?];
    task_creation::create(Some(project), &mut task).map_err(Error::without_position)?;
    Ok(task[0].task_id.as_deref().unwrap_or_default().to_owned())
}

fn create_all(project: &str, options: &BulkOptions, seeds: &[u64]) -> Result<Vec<String>, Error> {
    let data = options.tasks(seeds, &events::next_numbers(seeds.len()))?;
    let mut new = NewTask::parse_all(&data)?;
    task_creation::create(Some(project), &mut new).map_err(Error::without_position)?;
    Ok(new.iter().map(|task| task.task_id.as_deref().unwrap_or_default().to_owned()).collect())
}

/// A segment that fits.
struct Found {
    seed: u64,
    /// It has a task, and those that have one are passed over.
    is_skipped: bool,
}

/// The segments that fit, in order of their seeds.
fn find_segments(project: &str, options: &BulkOptions, filters: &BulkFilters) -> Result<Vec<Found>, Error> {
    macro_rules! find {
        ($condition:literal) => {
            sql!(concat!(
                "select s.seed_id::text, $7 and (
                    exists (
                        select from task_mgmt.task
                        where project_name = $1 and segment_seed_id = s.seed_id
                        offset 0
                    ) or exists (
                        select from task_mgmt.segment_task
                        where project_name = $1 and seed_id = s.seed_id
                        offset 0
                    ))
                from task_mgmt.segment s
                where s.project_name = $1
                    and ($2 is null or s.status = $2::task_mgmt.segment_status)
                    and ($3 or s.batch is not distinct from $4)
                    and ($5 or s.expected_segment_type is not distinct from $6)
                    and ",
                $condition,
                "
                order by s.seed_id"
            ))
        };
    }
    let seeds =
        filters.seed_ids.as_ref().map(|seeds| seeds.iter().map(|seed| ids::numeric(seed.0)).collect::<Vec<_>>());
    let statement = match seeds {
        Some(_) => find!("s.seed_id = any($8)"),
        None => find!("$8::numeric[] is null"),
    };
    statement.all(
        &[
            project.into(),
            filters.status.map(SegmentStatus::name).into(),
            filters.batch.is_none().into(),
            filters.batch.clone().flatten().into(),
            filters.expected_segment_type.is_none().into(),
            filters.expected_segment_type.clone().flatten().into(),
            options.skips_existing().into(),
            seeds.into(),
        ],
        |row| Ok(Found { seed: ids::stored(row.get(1)?)?, is_skipped: row.get(2)? }),
    )
}
