//! The built-in handlers as functions of SQL. They are registered and run as those of a user, and so with the rights of the
//! extension's owner; nobody else may call them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::handlers::Verdict;
use task_mgmt_core::neuroglancer::verification::{self, Completion};
use task_mgmt_core::standard_types::FAULTY_TASK;

use super::{creation, feedback, trace};
use crate::arguments::required;
use crate::error::Error;
use crate::handlers::as_json;
use crate::ids;
use crate::json::Jsonb;
use crate::spi::sql;
use crate::tasks;

/// Built-in verification handler of trace_v0, by the state that was saved last: it has the layers Segmentation, Breadcrumbs,
/// Certain Ends, Uncertain Ends and Seed Location, and one visible segment; Done asks for one root and two certain ends,
/// Can't Continue for an uncertain end. A Faulty Task passes as it is.
///
/// *Source*: annotation reference 15.3.
#[pg_extern(sql = "
create function task_mgmt.verify_trace_v0(project_name text, task_id text, completion_status text) returns jsonb
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn verify_trace_v0(
    project_name: Option<&str>,
    task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    Ok(verify_saved(verification::verify_trace, project_name, task_id, completion_status)?)
}

/// Built-in verification handler of trace_feedback_v0: the state has the layers of a trace, and extra_data names the task that
/// the feedback is about as original_task_id. A Faulty Task passes as it is.
///
/// *Source*: annotation reference 15.6.
#[pg_extern(sql = "
create function task_mgmt.verify_trace_feedback_v0(project_name text, task_id text, completion_status text) returns jsonb
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn verify_trace_feedback_v0(
    project_name: Option<&str>,
    task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    Ok(verify_saved(verification::verify_feedback, project_name, task_id, completion_status)?)
}

/// Built-in verification handler of trace_postprocess_v0: the status is Done.
#[pg_extern(sql = "
create function task_mgmt.verify_trace_postprocess_v0(project_name text, task_id text, completion_status text) returns jsonb
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn verify_trace_postprocess_v0(
    _project_name: Option<&str>,
    _task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    Ok(verify_status("trace_postprocess_v0", completion_status)?)
}

/// Built-in verification handler of segmentation_verification_v0: the status is pass or fail.
#[pg_extern(sql = "
create function task_mgmt.verify_segmentation_verification_v0(project_name text, task_id text, completion_status text) returns jsonb
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn verify_segmentation_verification_v0(
    _project_name: Option<&str>,
    _task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    Ok(verify_status("segmentation_verification_v0", completion_status)?)
}

/// Built-in completion handler of trace_v0. The segment of the task's seed gets what the state says: its visible segment as
/// current_segment_id, its root half a voxel less deep, the endpoints (by the user who completed the task), and the status
/// Proofread (Done, Can't Continue) or Wrong type (Merger, Wrong Cell Type). Done also makes a task of type
/// trace_postprocess_v0, if the project has that type; and by `set_feedback_policy` a feedback task may follow. Each is made
/// once for a completion. A Faulty Task, and a task without a seed, changes no segment.
///
/// *Errors*: P0002 the segment does not exist; 55000 the root, an end or a breadcrumb is no point.
/// *Locks*: the segment's row.
/// *Source*: annotation reference 15.4, 21.36.
#[pg_extern(sql = "
create function task_mgmt.complete_trace_v0(project_name text, task_id text, completion_status text) returns void
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn complete_trace_v0(
    project_name: Option<&str>,
    task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<(), ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    Ok(trace::complete(project, task, required("completion_status", completion_status)?)?)
}

/// Built-in completion handler of trace_feedback_v0: records the feedback about the author of the task that extra_data names as
/// original_task_id. A Faulty Task, and one without original_task_id, is no feedback, even if it was before. The author is who
/// completed the task that it is about, else original_user of extra_data, else unknown.
///
/// *Errors*: P0002 the task that it is about does not exist.
/// *Source*: annotation reference 15.7, 21.37.
#[pg_extern(sql = "
create function task_mgmt.complete_trace_feedback_v0(project_name text, task_id text, completion_status text) returns void
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn complete_trace_feedback_v0(
    project_name: Option<&str>,
    task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<(), ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    Ok(feedback::complete(project, task, required("completion_status", completion_status)?)?)
}

/// Built-in creation handler of trace_v0: a task named `trace_<seed>_<number>` that begins with the segment's seed.
///
/// *Arguments*: `options` may have priority (default 50), batch_id ("default"), is_paused (false), assigned_user_id, ng_state and
/// ng_state_initial (the seed, from which the state is made).
/// *Source*: annotation reference 15.5.
#[pg_extern(sql = "
create function task_mgmt.create_trace_v0(project_name text, seed_id numeric, options jsonb) returns text
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn create_trace_v0(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    options: Option<Jsonb>,
) -> Result<String, ErrorReport> {
    let project = required("project_name", project_name)?;
    let seed = ids::one("seed_id", seed_id)?;
    Ok(creation::trace(project, seed, &required("options", options)?.text())?)
}

/// Built-in creation handler of trace_feedback_v0: a task named `feedback_<task_id>_<number>` about a task of type trace_v0. It
/// begins with the segment's seed, but asks for no segment qualification.
///
/// *Arguments*: `options` has task_id (the task that the feedback is about), and may have priority (default 40), batch_id
/// ("feedback"), is_paused (false), assigned_user_id.
/// *Source*: annotation reference 15.8.
#[pg_extern(sql = "
create function task_mgmt.create_trace_feedback_v0(project_name text, seed_id numeric, options jsonb) returns text
language c volatile parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn create_trace_feedback_v0(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    options: Option<Jsonb>,
) -> Result<String, ErrorReport> {
    let project = required("project_name", project_name)?;
    let seed = ids::one("seed_id", seed_id)?;
    Ok(creation::feedback(project, seed, &required("options", options)?.text())?)
}

/// The verdict on a task by the state that was saved last, which a faulty one need not have.
fn verify_saved(
    rules: fn(Completion) -> Verdict,
    project: Option<&str>,
    task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<Jsonb, Error> {
    let project = required("project_name", project)?;
    let task_id = required("task_id", task_id)?;
    let completion_status = required("completion_status", completion_status)?;
    if completion_status == FAULTY_TASK {
        return as_json(verification::verify_faulty());
    }
    let found = sql!("select ng_state, extra_data from task_mgmt.task where project_name = $1 and task_id = $2")
        .first(&[project.into(), task_id.into()], |row| Ok((row.get::<Jsonb>(1)?, row.find::<Jsonb>(2)?)))?;
    let Some((ng_state, extra_data)) = found else { return Err(tasks::not_found(project, task_id)?) };
    let (ng_state, extra_data) = (ng_state.text(), extra_data.map(|data| data.text()));
    as_json(rules(Completion { ng_state: &ng_state, completion_status, extra_data: extra_data.as_deref() }))
}

/// The verdict on a task whose state says nothing.
fn verify_status(task_type: &str, completion_status: Option<&str>) -> Result<Jsonb, Error> {
    as_json(verification::verify_status(task_type, required("completion_status", completion_status)?))
}
