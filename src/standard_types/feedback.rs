//! Feedback on traces: tasks that ask for it, recording what they found, and reading it.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::check_name;
use task_mgmt_core::standard_types::{self, FAULTY_TASK, Reviewed};

use super::creation;
use crate::access::{self, Level};
use crate::arguments::{not_negative, required};
use crate::clock;
use crate::error::Error;
use crate::events;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::tasks;
use crate::users;

/// Whether the state of a feedback task shows how the trace was completed.
#[derive(Clone, Copy, PartialEq)]
pub enum StatusLayer {
    Added,
    LeftOut,
}

/// Creates a feedback task about a trace, which begins with the trace's state, and returns its id,
/// `feedback_<trace_task_id>_<number>`. It is of type trace_feedback_v0, priority 70 and batch "feedback"; extra_data has
/// original_task_id, original_user and original_completion_status.
///
/// *Arguments*: `add_status_annotation` true adds an empty layer that is named by the trace's completion status, "Status: Done"
/// for example, unless the trace is not completed, or its state is empty or still the seed from which it is to be made.
/// *Errors*: P0002 project or task unknown, or the project has no type trace_feedback_v0; 22023 trace_task_id is no name; 42501 the
/// caller is not a manager.
/// *Source*: annotation reference 15.9.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_feedback_task_from_trace(
    project_name: Option<&str>,
    trace_task_id: Option<&str>,
    add_status_annotation: default!(Option<bool>, true),
) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let trace = required("trace_task_id", trace_task_id)?;
    check_name("trace_task_id", trace).map_err(Error::from)?;
    let status_layer = match required("add_status_annotation", add_status_annotation)? {
        true => StatusLayer::Added,
        false => StatusLayer::LeftOut,
    };
    Ok(create_from_trace(project, trace, events::next_number(), status_layer)?)
}

/// Feedback about the work of a user, newest first, as a JSON array of objects: project_name, feedback_id, task_id (what was
/// reviewed), feedback_task_id (the completed review), user_id, feedback (the completion status of the review), feedback_color
/// (Perfect and Accurate green, Fair yellow, anything else red), note (of the review), created_at, task_link and feedback_link
/// (the states of both tasks).
///
/// *Arguments*: `max_rows` at most are returned, after `skip` others.
/// *Errors*: P0002 project or user unknown; 22023 a negative number; 42501 access denied.
/// *Source*: annotation reference 12.8, 21.34.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_task_feedback(
    project_name: Option<&str>,
    user_id: Option<&str>,
    max_rows: default!(Option<i32>, 20),
    skip: default!(Option<i32>, 0),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    let page = Page::new(max_rows, skip)?;
    access::require(Level::Reader, project)?;
    users::find_no(project, user)?;
    Ok(read(&[project.into()], user, page)?)
}

/// A part of a list.
#[derive(Clone, Copy)]
pub struct Page {
    max_rows: i64,
    skip: i64,
}

impl Page {
    /// Errors: 22023.
    pub fn new(max_rows: Option<i32>, skip: Option<i32>) -> Result<Self, Error> {
        Ok(Self { max_rows: not_negative("max_rows", max_rows)?.into(), skip: not_negative("skip", skip)?.into() })
    }
}

/// Feedback about a user in several projects.
pub fn read(projects: &[String], user: &str, page: Page) -> Result<Jsonb, Error> {
    read!(
        "select coalesce(jsonb_agg(
            task_mgmt.feedback_as_json(d) order by page.created_at desc, page.feedback_id desc, page.project_name), '[]')
        from (
            select f.project_name, f.feedback_id, f.created_at
            from unnest($1) as project (name)
            cross join lateral (
                select o.project_name, o.feedback_id, o.created_at
                from task_mgmt.feedback o
                where o.project_name = project.name and o.user_id = $2
                    and exists (
                        select from task_mgmt.task r
                        where r.project_name = project.name and r.task_no = o.feedback_task_no and r.status = 'completed'
                        offset 0
                    )
                order by o.created_at desc, o.feedback_id desc
                limit $3 + $4
            ) f
            order by f.created_at desc, f.feedback_id desc, f.project_name
            limit $3 offset $4
        ) page
        cross join lateral (
            select * from task_mgmt.feedback_details o
            where o.project_name = page.project_name and o.feedback_id = page.feedback_id
            offset 0
        ) d"
    )
    .value(&[projects.to_vec().into(), user.into(), page.max_rows.into(), page.skip.into()])
}

/// Records the feedback of a completed task, or corrects what was recorded of it: a faulty task is no feedback.
pub fn complete(project: &str, task_id: &str, status: &str) -> Result<(), Error> {
    if status == FAULTY_TASK {
        return forget(project, task_id);
    }
    let found = sql!(
        "select f.task_no, f.extra_data->>'original_task_id',
            coalesce(u.user_id, nullif(f.extra_data->>'original_user', ''), 'unknown')
        from task_mgmt.task f
        left join task_mgmt.task t on t.project_name = $1 and t.task_id = f.extra_data->>'original_task_id'
        left join task_mgmt.project_user u on u.project_name = $1 and u.user_no = t.completed_user_no
        where f.project_name = $1 and f.task_id = $2"
    )
    .first(&[project.into(), task_id.into()], |row| {
        Ok((row.get::<i64>(1)?, row.find::<String>(2)?, row.get::<String>(3)?))
    })?;
    let Some((feedback_task_no, original, author)) = found else {
        return Err(tasks::not_found(project, task_id)?);
    };
    let Some(original) = original else { return forget(project, task_id) };
    let reviewed = tasks::keep(project, &original)?;
    sql!(
        "insert into task_mgmt.feedback (project_name, task_no, feedback_task_no, user_id, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict (project_name, feedback_task_no) do update set task_no = excluded.task_no, user_id = excluded.user_id"
    )
    .run(&[project.into(), reviewed.into(), feedback_task_no.into(), author.into(), clock::now()?.into()])?;
    Ok(())
}

/// Removes what was recorded of a task.
fn forget(project: &str, task_id: &str) -> Result<(), Error> {
    sql!(
        "delete from task_mgmt.feedback
        where project_name = $1
            and feedback_task_no = (select task_no from task_mgmt.task where project_name = $1 and task_id = $2)"
    )
    .run(&[project.into(), task_id.into()])?;
    Ok(())
}

/// The id of a feedback task.
pub fn task_id(trace: &str, number: i64) -> String {
    standard_types::task_id("feedback", trace, number)
}

/// Creates a feedback task that begins with the state of a trace, and returns its id.
pub fn create_from_trace(project: &str, trace: &str, number: i64, status_layer: StatusLayer) -> Result<String, Error> {
    let found = sql!(
        "select t.completion_status, coalesce(u.user_id, ''), case
            when $3 and t.completion_status <> '' and jsonb_typeof(t.ng_state) = 'object' and t.ng_state <> '{}'
                and not t.has_seed_state and jsonb_typeof(coalesce(t.ng_state->'layers', '[]')) = 'array' then
                jsonb_set(t.ng_state, '{layers}', coalesce(t.ng_state->'layers', '[]') || jsonb_build_object(
                    'type', 'annotation',
                    'source', 'local://annotations',
                    'tab', 'annotations',
                    'annotations', '[]'::jsonb,
                    'name', 'Status: ' || t.completion_status))
            else t.ng_state
        end
        from task_mgmt.task t
        left join task_mgmt.project_user u on u.project_name = $1 and u.user_no = t.completed_user_no
        where t.project_name = $1 and t.task_id = $2"
    )
    .first(&[project.into(), trace.into(), (status_layer == StatusLayer::Added).into()], |row| {
        Ok((row.get::<String>(1)?, row.get::<String>(2)?, row.get::<Jsonb>(3)?))
    })?;
    let Some((completion_status, user_id, ng_state)) = found else { return Err(tasks::not_found(project, trace)?) };
    let ng_state = &ng_state.text();
    let reviewed = Reviewed { task_id: trace, user_id: &user_id, completion_status: &completion_status, ng_state };
    creation::create(project, &reviewed.feedback(task_id(trace, number))?)
}
