//! Task types: the kinds of work of a project. Their handlers are in `handlers`, their lanes in `lanes`, the standard ones in
//! `standard_types`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::shares::Share;
use task_mgmt_core::task_presets::TaskPreset;
use task_mgmt_core::task_types::{NewTaskType, TaskTypePatch};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};

/// One row for each task type.
macro_rules! task_type_objects {
    () => {
        "select task_type,
            jsonb_build_object('task_type', task_type, 'completion_statuses', completion_statuses)
            || jsonb_strip_nulls(jsonb_build_object(
                'description', nullif(description, ''),
                'max_idle_seconds', max_idle_seconds,
                'min_level', nullif(min_level, 0),
                'overlap', nullif(overlap, 1),
                'golden_percent', trim_scale(golden_percent),
                'golden_min_score_percent', trim_scale(golden_min_score_percent),
                'golden_min_answers', golden_min_answers,
                'lease_seconds', lease_seconds,
                'max_attempts', max_attempts,
                'backoff', backoff,
                'preset', preset,
                'verification_handler', verification_handler,
                'completion_handler', completion_handler,
                'creation_handler', creation_handler))
            || case when params_schema is null then '{}' else jsonb_build_object('params_schema', params_schema) end as object
        from task_mgmt.task_type
        where project_name = $1"
    };
}

/// What `get_task_type` returns, and what `update_task_type` leaves out of its data if it is so already.
const RECORD: &str = concat!(task_type_objects!(), " and task_type = $2");

/// Creates a task type and returns its name.
///
/// *Arguments*: `data` is an object; only `task_type` is required. Keys: task_type, completion_statuses (array of names; a
/// type without any can only be handed back, never completed), description, max_idle_seconds (replaces the project's),
/// min_level (the level that a user's qualification for the type must have, default 0: every one does), overlap (1 to 100: how
/// many users work on copies of each task that names no overlap of its own, default 1); golden_percent (0 to 100, with two decimals
/// at most: how many of a user's completions are followed by a check, see `add_golden_task`; default: none),
/// golden_min_score_percent (the share of right answers to checks, since the user was last qualified, below which the user loses
/// the qualification for the type; default: nobody does) and golden_min_answers (how many answers there must be for that, default 1);
/// and, for tasks that machines work on, lease_seconds (how long a lease of `claim_tasks` lasts that says nothing else; default: the
/// setting `task_mgmt.lease_seconds`), max_attempts (after how many failed attempts a task has failed, the first one counts; default:
/// the setting `task_mgmt.max_attempts`) and backoff (how long a task waits after its n-th failure: an object with base_seconds, default
/// 2, factor, default 2, max_seconds, default 3600, and jitter, default 0: base x factor^n, at most max, and up to the share
/// jitter of that longer).
/// params_schema is an object in JSON Schema 2020-12 that the params of each task must fit, when it is created and when they or its
/// type change. A schema stands alone ($ref leads to a place in it, such as #/$defs/name, and never back to where it comes from);
/// patterns have neither look-around nor back-references; it has at most 65,536 bytes, 64 levels and, with all references, 10,000
/// schemas. preset is discord_agent, or nothing: a task must have a title, of 200 characters at most, a description of 2000 at most, a
/// channel of 17 to 19 digits if any, and an agent of 100 characters at most.
/// *Errors*: P0002 project unknown; 42710 the type exists; 22023 anything wrong with `data`; 42501 the caller is not a
/// manager.
/// *Source*: annotation reference 5.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_task_type(project_name: Option<&str>, data: Option<Jsonb>) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let text = arguments::data(data)?;
    let new = NewTaskType::parse(&text).map_err(Error::from)?;
    projects::require_existing(project)?;
    if !insert(project, &new, clock::now()?)? {
        return Err(Error::TaskTypeExists { project: project.into(), task_type: new.task_type }.into());
    }
    add_lane(project, &new.task_type)?;
    Ok(new.task_type)
}

/// A task type as a JSON object: task_type, completion_statuses; and description, max_idle_seconds, min_level, overlap (above 1),
/// golden_percent, golden_min_score_percent, golden_min_answers, lease_seconds, max_attempts, backoff, preset, verification_handler,
/// completion_handler, creation_handler, params_schema if they are set.
///
/// *Errors*: P0002 project or type unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_task_type(project_name: Option<&str>, task_type: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let task_type = required("task_type", task_type)?;
    access::require(Level::Reader, project)?;
    let found = read!(RECORD).first(&[project.into(), task_type.into()], |row| row.get(2))?;
    match found {
        Some(found) => Ok(found),
        None => Err(not_found(project, task_type)?.into()),
    }
}

/// All task types of a project as a JSON array of what `get_task_type` returns, ordered by name.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_task_types(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let task_types = read!(concat!(
        "select coalesce(jsonb_agg(listed.object order by listed.task_type), '[]') from (",
        task_type_objects!(),
        ") as listed"
    ));
    Ok(task_types.value(&[project.into()])?)
}

/// Changes a task type.
///
/// *Arguments*: `data` is an object; an absent key keeps the value. Keys: completion_statuses (replaces all), description,
/// max_idle_seconds, min_level, overlap (of tasks that are created from then on), golden_percent,
/// golden_min_score_percent, golden_min_answers, lease_seconds, max_attempts, backoff, params_schema and preset (of tasks that are created
/// or changed from then on); null clears all but the first.
/// *Returns* true.
/// *Errors*: P0002 project or type unknown; 55000 a completed task or a dependency has a status that would be removed; 22023
/// anything wrong with `data`; 42501 the caller is not a manager.
/// *Locks*: the project's key, alone if completion_statuses or min_level is given, so that no completion or start passes by.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_task_type(
    project_name: Option<&str>,
    task_type: Option<&str>,
    data: Option<Jsonb>,
) -> Result<bool, ErrorReport> {
    let task_type = required("task_type", task_type)?;
    let data = required("data", data)?;
    let is_for_all = |key: &String| ["completion_statuses", "min_level"].contains(&key.as_str());
    let project = match arguments::keys(&data)?.iter().any(is_for_all) {
        true => projects::enter_alone(Level::Manager, project_name)?,
        false => projects::enter(Level::Manager, project_name)?,
    };
    let changes = arguments::changes(data, record(project, task_type)?)?;
    let patch = TaskTypePatch::parse(&changes).map_err(Error::from)?;
    if let Some(statuses) = &patch.completion_statuses {
        require_covered(project, task_type, statuses)?;
    }
    let changed = sql!(
        "update task_mgmt.task_type set
            completion_statuses = coalesce($3, completion_statuses),
            description = case when $4 then coalesce($5, '') else description end,
            max_idle_seconds = case when $6 then $7 else max_idle_seconds end,
            min_level = case when $8 then coalesce($9, 0) else min_level end,
            overlap = case when $10 then coalesce($11, 1) else overlap end,
            golden_percent = case when $12 then $13 / 100.0 else golden_percent end,
            golden_min_score_percent = case when $14 then $15 / 100.0 else golden_min_score_percent end,
            golden_min_answers = case when $16 then $17 else golden_min_answers end,
            lease_seconds = case when $18 then $19 else lease_seconds end,
            max_attempts = case when $20 then $21 else max_attempts end,
            backoff = case when $22 then $23::jsonb else backoff end,
            params_schema = case when $24 then $25::jsonb else params_schema end,
            preset = case when $26 then $27 else preset end
        where project_name = $1 and task_type = $2"
    )
    .run(&[
        project.into(),
        task_type.into(),
        patch.completion_statuses.into(),
        patch.description.is_some().into(),
        patch.description.flatten().into(),
        patch.max_idle_seconds.is_some().into(),
        patch.max_idle_seconds.flatten().into(),
        patch.min_level.is_some().into(),
        patch.min_level.flatten().into(),
        patch.overlap.is_some().into(),
        patch.overlap.flatten().into(),
        patch.golden_percent.is_some().into(),
        patch.golden_percent.flatten().map(Share::hundredths).into(),
        patch.golden_min_score_percent.is_some().into(),
        patch.golden_min_score_percent.flatten().map(Share::hundredths).into(),
        patch.golden_min_answers.is_some().into(),
        patch.golden_min_answers.flatten().into(),
        patch.lease_seconds.is_some().into(),
        patch.lease_seconds.flatten().into(),
        patch.max_attempts.is_some().into(),
        patch.max_attempts.flatten().into(),
        patch.backoff.is_some().into(),
        patch.backoff.flatten().map(|backoff| backoff.to_string()).into(),
        patch.params_schema.is_some().into(),
        patch.params_schema.flatten().map(|schema| schema.get().to_owned()).into(),
        patch.preset.is_some().into(),
        patch.preset.flatten().map(TaskPreset::name).into(),
    ])?;
    if let Some(min_level) = patch.min_level {
        sql!("update task_mgmt.lane set min_level = $3 where project_name = $1 and task_type = $2").run(&[
            project.into(),
            task_type.into(),
            min_level.unwrap_or_default().into(),
        ])?;
    }
    match changed {
        0 => Err(not_found(project, task_type)?.into()),
        _ => Ok(true),
    }
}

/// Refuses a task type that does not exist. Errors: P0002.
pub fn require_existing(project: &str, task_type: &str) -> Result<(), Error> {
    let found = sql!("select from task_mgmt.task_type where project_name = $1 and task_type = $2");
    match found.run(&[project.into(), task_type.into()])? {
        0 => Err(not_found(project, task_type)?),
        _ => Ok(()),
    }
}

/// The error for a task type that was not found: its project may be missing, too.
pub fn not_found(project: &str, task_type: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::TaskTypeNotFound { project: project.into(), task_type: task_type.into() })
}

/// Every type has a lane for tasks that need no segment qualification.
pub fn add_lane(project: &str, task_type: &str) -> Result<(), Error> {
    sql!(
        "insert into task_mgmt.lane (project_name, task_type, segment_type, min_level)
        select $1, $2, '', y.min_level
        from task_mgmt.task_type y
        where y.project_name = $1 and y.task_type = $2 and not exists (
            select from task_mgmt.lane a where a.project_name = $1 and a.task_type = $2 and a.segment_type = '')
        on conflict do nothing"
    )
    .run(&[project.into(), task_type.into()])?;
    Ok(())
}

/// The task type as `get_task_type` returns it. Errors: P0002.
fn record(project: &str, task_type: &str) -> Result<Jsonb, Error> {
    sql!(RECORD)
        .first(&[project.into(), task_type.into()], |row| row.get(2))?
        .map_or_else(|| Err(not_found(project, task_type)?), Ok)
}

/// Whether the type is new.
fn insert(project: &str, new: &NewTaskType, now: Instant) -> Result<bool, Error> {
    let inserted = sql!(
        "insert into task_mgmt.task_type
            (project_name, task_type, completion_statuses, description, max_idle_seconds, created_at, min_level, overlap,
            golden_percent, golden_min_score_percent, golden_min_answers, lease_seconds, max_attempts, backoff, params_schema, preset)
        values ($1, $2, $3, coalesce($4, ''), $5, $6, $7, coalesce($8, 1), $9 / 100.0, $10 / 100.0, $11, $12, $13, $14::jsonb, $15::jsonb, $16)
        on conflict do nothing"
    )
    .run(&[
        project.into(),
        new.task_type.as_str().into(),
        new.completion_statuses.clone().into(),
        new.description.as_deref().into(),
        new.max_idle_seconds.into(),
        now.into(),
        new.min_level.into(),
        new.overlap.into(),
        new.golden_percent.map(Share::hundredths).into(),
        new.golden_min_score_percent.map(Share::hundredths).into(),
        new.golden_min_answers.into(),
        new.lease_seconds.into(),
        new.max_attempts.into(),
        new.backoff.as_ref().map(|backoff| backoff.to_string()).into(),
        new.params_schema.as_ref().map(|schema| schema.get().to_owned()).into(),
        new.preset.map(TaskPreset::name).into(),
    ])?;
    Ok(inserted > 0)
}

/// Refuses statuses that leave out one which a completed task has or a dependency requires. Errors: 55000.
fn require_covered(project: &str, task_type: &str, statuses: &[String]) -> Result<(), Error> {
    let missing = sql!(
        "select coalesce(
            (select t.completion_status
            from task_mgmt.task t
            where t.project_name = $1 and t.task_type = $2 and t.status = 'completed'
                and t.completion_status <> all (task_mgmt.allowed_statuses($3))
            limit 1),
            (select d.required_completion_status
            from task_mgmt.dependency d
            join task_mgmt.task t on t.project_name = $1 and t.task_no = d.upstream_no
            where d.project_name = $1 and t.task_type = $2
                and d.required_completion_status <> all (task_mgmt.allowed_statuses($3))
            limit 1))"
    )
    .first(&[project.into(), task_type.into(), statuses.to_vec().into()], |row| row.find::<String>(1))?;
    match missing.flatten() {
        Some(status) => Err(Error::StatusInUse { status, task_type: task_type.into() }),
        None => Ok(()),
    }
}
