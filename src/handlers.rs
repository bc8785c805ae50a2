//! Handlers: a user's own SQL functions, registered on a task type. Verification may refuse a completion, completion follows
//! one in the same transaction, creation makes a task for a segment. They run with the rights of their owner, never ours.

mod function;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::parse;
use task_mgmt_core::handlers::Verdict;

use crate::access::Level;
use crate::arguments::required;
use crate::error::Error;
use crate::handlers::function::{Function, Kind, Regprocedure};
use crate::ids;
use crate::json::Jsonb;
use crate::projects;
use crate::segments;
use crate::spi::sql;
use crate::task_types;
use crate::tasks;

/// Registers a function on a task type; it replaces the one of the same kind.
///
/// *Arguments*: `kind` is verification, completion or creation; `handler` must be a plain function
/// * verification: (project_name text, task_id text, completion_status text) returns jsonb
///   `{"passed": boolean, "message": text}`. A completion that did not pass is refused with the message.
/// * completion: (project_name text, task_id text, completion_status text) returns anything, ignored.
/// * creation: (project_name text, seed_id numeric, options jsonb) returns text, the id of the task it created.
///
/// The built-in handlers of the standard task types, which are in schema task_mgmt, may be registered by every manager, those of
/// creation on the type that they are for.
/// It is kept by name and signature, and runs as its owner, in a security-restricted operation (no SET ROLE, no temporary
/// tables), with search_path `pg_catalog, pg_temp` unless it has a setting of its own. What it calls of this extension is
/// checked against the access of its owner.
/// *Returns* true.
/// *Errors*: P0002 project, type or function unknown; 22023 no such kind, another signature is expected, or a built-in handler
/// creates tasks of another type; 42501 the caller is not a manager, or has not the rights of the function's owner.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn register_handler(
    project_name: Option<&str>,
    task_type: Option<&str>,
    kind: Option<&str>,
    handler: Option<Regprocedure>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task_type = required("task_type", task_type)?;
    let kind = Kind::parse(required("kind", kind)?).map_err(Error::from)?;
    let function = Function::describe(kind, required("handler", handler)?)?;
    match function.is_built_in()? {
        true => function.require_own_type(task_type)?,
        false => function.require_rights_of_owner()?,
    }
    set(project, task_type, kind, Some(&function.signature))?;
    Ok(true)
}

/// Removes the handler of a kind from a task type.
///
/// *Returns* whether there was one.
/// *Errors*: P0002 project or type unknown; 22023 no such kind; 42501 the caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unregister_handler(
    project_name: Option<&str>,
    task_type: Option<&str>,
    kind: Option<&str>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task_type = required("task_type", task_type)?;
    let kind = Kind::parse(required("kind", kind)?).map_err(Error::from)?;
    Ok(set(project, task_type, kind, None)?)
}

/// Asks the verification handler of a task's type whether the task may be completed with a status. Changes nothing itself.
///
/// *Returns* an object: passed, message.
/// *Errors*: P0002 project or task unknown; 55000 the handler is gone, or its result unusable; 42501 the caller is not a
/// worker; whatever the handler raises.
/// *Source*: annotation reference 15.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn verify_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    completion_status: Option<&str>,
) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let task = required("task_id", task_id)?;
    let status = required("completion_status", completion_status)?;
    let found = sql!(
        "select y.task_type, y.verification_handler
        from task_mgmt.task t
        join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
        where t.project_name = $1 and t.task_id = $2"
    )
    .first(&[project.into(), task.into()], |row| Ok((row.get::<String>(1)?, row.find::<String>(2)?)))?;
    let Some((task_type, handler)) = found else {
        return Err(tasks::not_found(project, task)?.into());
    };
    let verdict = match handler {
        Some(handler) => verify(project, &handler, task, status)?,
        None => Verdict { passed: true, message: format!("No verifier registered for task type: {task_type}") },
    };
    Ok(as_json(verdict)?)
}

/// Creates a task for a segment through the creation handler of a task type.
///
/// *Arguments*: `seed_id` is that of a segment, from 0 to 18446744073709551615; `options` is an object that the handler understands.
/// *Returns* the id of the task.
/// *Errors*: P0002 project or segment unknown, or no creation handler registered for such a type; 22023 bad seed_id or options; 55000
/// the handler is gone, or its result is not the id of a task; 42501 the caller is not a manager; whatever the handler raises.
/// *Source*: annotation reference 15.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn add_segment_task(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    task_type: Option<&str>,
    options: default!(Option<Jsonb>, "'{}'"),
) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let seed_id = ids::one("seed_id", seed_id)?;
    let task_type = required("task_type", task_type)?;
    let options = required("options", options)?;
    parse::<serde_json::Map<String, serde_json::Value>>("options", &options.text()).map_err(Error::from)?;
    segments::require_existing(project, seed_id)?;
    let handler = sql!("select creation_handler from task_mgmt.task_type where project_name = $1 and task_type = $2")
        .first(&[project.into(), task_type.into()], |row| row.find::<String>(1))?;
    match handler.flatten() {
        None => Err(Error::HandlerNotFound { kind: "creation", task_type: task_type.into() }.into()),
        Some(handler) => Ok(create(project, &handler, ids::numeric(seed_id), options)?),
    }
}

/// A verdict as a verification handler returns it.
pub fn as_json(verdict: Verdict) -> Result<Jsonb, Error> {
    sql!("select jsonb_build_object('passed', $1, 'message', $2)")
        .value(&[verdict.passed.into(), verdict.message.into()])
}

/// Asks a verification handler, given by its kept signature. Errors: 55000, or whatever it raises.
pub fn verify(project: &str, handler: &str, task_id: &str, status: &str) -> Result<Verdict, Error> {
    let unusable = |reason: String| Error::HandlerResult { kind: "verification", handler: handler.into(), reason };
    let result: Option<Jsonb> =
        Function::find(Kind::Verification, handler)?.call(&[project.into(), task_id.into(), status.into()])?;
    let text = result.ok_or_else(|| unusable("it is null".into()))?.text();
    Verdict::parse(&text).map_err(|invalid| unusable(invalid.0))
}

/// Runs a completion handler, given by its kept signature. Errors: 55000, or whatever it raises.
pub fn complete(project: &str, handler: &str, task_id: &str, status: &str) -> Result<(), Error> {
    Function::find(Kind::Completion, handler)?.call::<bool>(&[project.into(), task_id.into(), status.into()])?;
    Ok(())
}

fn create(project: &str, handler: &str, seed_id: AnyNumeric, options: Jsonb) -> Result<String, Error> {
    let unusable = |reason: String| Error::HandlerResult { kind: "creation", handler: handler.into(), reason };
    let result: Option<String> =
        Function::find(Kind::Creation, handler)?.call(&[project.into(), seed_id.into(), options.into()])?;
    let task_id = result.ok_or_else(|| unusable("it is null".into()))?;
    match sql!("select from task_mgmt.task where project_name = $1 and task_id = $2")
        .run(&[project.into(), task_id.as_str().into()])?
    {
        0 => Err(unusable(format!("there is no task {task_id}"))),
        _ => Ok(task_id),
    }
}

/// Keeps or forgets (None) the signature of a handler; whether there was one before.
fn set(project: &str, task_type: &str, kind: Kind, signature: Option<&str>) -> Result<bool, Error> {
    let before = sql!(
        "select case $3
            when 'verification' then verification_handler
            when 'completion' then completion_handler
            else creation_handler end
        from task_mgmt.task_type
        where project_name = $1 and task_type = $2
        for no key update"
    )
    .first(&[project.into(), task_type.into(), kind.name().into()], |row| row.find::<String>(1))?;
    let Some(before) = before else { return Err(task_types::not_found(project, task_type)?) };
    sql!(
        "update task_mgmt.task_type set
            verification_handler = case $3 when 'verification' then $4 else verification_handler end,
            completion_handler = case $3 when 'completion' then $4 else completion_handler end,
            creation_handler = case $3 when 'creation' then $4 else creation_handler end
        where project_name = $1 and task_type = $2"
    )
    .run(&[project.into(), task_type.into(), kind.name().into(), signature.into()])?;
    Ok(before.is_some())
}
