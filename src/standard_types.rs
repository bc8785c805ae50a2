//! The standard task types of annotation projects and their built-in handlers.

mod color;
mod creation;
pub mod feedback;
mod handlers;
mod sampling;
mod trace;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::task_types::STANDARD_TASK_TYPES;

use crate::access::Level;
use crate::clock;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::sql;
use crate::task_types;

/// Adds the four standard task types of annotation projects (trace_v0, trace_postprocess_v0, trace_feedback_v0 and
/// segmentation_verification_v0), or brings them up to date: description and statuses are set, and where a type has no handler
/// of a kind, the built-in one is registered if there is one. Statuses that somebody added, handlers that somebody registered
/// and all other types stay.
///
/// *Returns* an object: for each of the four its completion statuses.
/// *Errors*: P0002 project unknown; 42501 the caller is not a manager.
/// *Source*: annotation reference 5.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn add_standard_task_types(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    projects::require_existing(project)?;
    let now = clock::now()?;
    for standard in &STANDARD_TASK_TYPES {
        // The built-in handlers of a type are found by its name.
        sql!(
            "insert into task_mgmt.task_type as y
                (project_name, task_type, completion_statuses, description, created_at, verification_handler,
                completion_handler, creation_handler)
            values ($1, $2, $3, $4, $5,
                to_regprocedure('task_mgmt.verify_' || $2 || '(text, text, text)')::text,
                to_regprocedure('task_mgmt.complete_' || $2 || '(text, text, text)')::text,
                to_regprocedure('task_mgmt.create_' || $2 || '(text, numeric, jsonb)')::text)
            on conflict (project_name, task_type) do update set
                description = excluded.description,
                completion_statuses = excluded.completion_statuses || array(
                    select status
                    from unnest(y.completion_statuses) with ordinality as kept (status, place)
                    where status <> all(excluded.completion_statuses)
                    order by place),
                verification_handler = coalesce(y.verification_handler, excluded.verification_handler),
                completion_handler = coalesce(y.completion_handler, excluded.completion_handler),
                creation_handler = coalesce(y.creation_handler, excluded.creation_handler)"
        )
        .run(&[
            project.into(),
            standard.task_type.into(),
            standard.completion_statuses.to_vec().into(),
            standard.description.into(),
            now.into(),
        ])?;
        task_types::add_lane(project, standard.task_type)?;
    }
    let names: Vec<&str> = STANDARD_TASK_TYPES.iter().map(|standard| standard.task_type).collect();
    Ok(sql!(
        "select jsonb_object_agg(task_type, completion_statuses)
        from task_mgmt.task_type
        where project_name = $1 and task_type = any($2)"
    )
    .value(&[project.into(), names.into()])?)
}
