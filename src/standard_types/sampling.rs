//! Which completed traces are reviewed: a share for each task type, and for users who have one of their own.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::shares::Share;

use super::feedback::{self, StatusLayer};
use super::trace::CompletedTask;
use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::task_types;
use crate::users;

/// Sets how many of the tasks of a type that somebody completes get a feedback task, as `create_feedback_task_from_trace` makes
/// it. The built-in completion handler of trace_v0 does so, whatever the type that it is registered on, except for a Faulty
/// Task. Which tasks are chosen follows from their names only: the same ones whenever they are completed, and more of them with
/// a larger share.
///
/// *Arguments*: `share_percent` is from 0 to 100, with two decimals at most; null removes it. With `user_id` it is the share of
/// this user's tasks, which replaces that of everybody.
/// *Returns* true, or false if there was none to remove.
/// *Errors*: P0002 project, type or user unknown, or the project has no type trace_feedback_v0; 22023 bad share; 42501 the
/// caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_feedback_policy(
    project_name: Option<&str>,
    task_type: Option<&str>,
    share_percent: Option<AnyNumeric>,
    user_id: default!(Option<&str>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task_type = required("task_type", task_type)?;
    let share = share_percent.map(|percent| Share::parse("share_percent", percent.normalize()));
    let share = share.transpose().map_err(Error::from)?;
    task_types::require_existing(project, task_type)?;
    task_types::require_existing(project, "trace_feedback_v0")?;
    let user_no = user_id.map_or(Ok(EVERYBODY), |user| users::find_no(project, user))?;
    let changed = match share {
        Some(share) => set(project, task_type, user_no, share)?,
        None => remove(project, task_type, user_no)?,
    };
    if changed {
        let of = user_id.map(|user| format!(" of user {user}")).unwrap_or_default();
        let share = share.map_or("no".into(), |share| format!("{}", f64::from(share.hundredths()) / 100.0));
        let detail = format!("feedback on {share} percent of type {task_type}{of}");
        events::append(project, &[0], "project_changed", Actor::Caller, Some(&detail), clock::now()?)?;
    }
    Ok(changed)
}

/// The shares that `set_feedback_policy` has set, as a JSON array of objects: task_type, user_id (null for everybody who has
/// no share of their own), share_percent; ordered by type and user, everybody first.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_feedback_policy(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select coalesce(jsonb_agg(jsonb_build_object(
                'task_type', p.task_type, 'user_id', u.user_id, 'share_percent', trim_scale(p.share_percent))
            order by p.task_type, u.user_id nulls first), '[]')
        from task_mgmt.feedback_policy p
        left join task_mgmt.project_user u on u.project_name = $1 and u.user_no = p.user_no
        where p.project_name = $1"
    )
    .value(&[project.into()])?)
}

/// Makes a feedback task for the completion if the task is among those that are reviewed, once.
pub fn review_some(task: &CompletedTask) -> Result<(), Error> {
    let (project, task_id) = (task.project, task.task_id);
    let share = sql!(
        "select share_percent::text
        from task_mgmt.feedback_policy
        where project_name = $1 and task_type = $2 and user_no in ($3, 0)
        order by user_no desc
        limit 1"
    )
    .first(&[project.into(), task.task_type.as_str().into(), task.user_no.into()], |row| row.get::<String>(1))?;
    let Some(share) = share else { return Ok(()) };
    if !Share::parse("share_percent", &share)?.includes(project, task_id) {
        return Ok(());
    }
    let id = feedback::task_id(task_id, task.completion_no);
    match sql!("select from task_mgmt.task where project_name = $1 and task_id = $2")
        .run(&[project.into(), id.into()])?
    {
        0 => feedback::create_from_trace(project, task_id, task.completion_no, StatusLayer::Added).map(drop),
        _ => Ok(()),
    }
}

/// The user_no of a share that is not a user's own.
const EVERYBODY: i32 = 0;

fn set(project: &str, task_type: &str, user_no: i32, share: Share) -> Result<bool, Error> {
    let changed = sql!(
        "insert into task_mgmt.feedback_policy (project_name, task_type, user_no, share_percent)
        values ($1, $2, $3, $4 / 100.0)
        on conflict (project_name, task_type, user_no) do update set share_percent = excluded.share_percent"
    )
    .run(&[project.into(), task_type.into(), user_no.into(), share.hundredths().into()])?;
    Ok(changed > 0)
}

fn remove(project: &str, task_type: &str, user_no: i32) -> Result<bool, Error> {
    let removed = sql!(
        "delete from task_mgmt.feedback_policy
        where project_name = $1 and task_type = $2 and user_no = $3"
    )
    .run(&[project.into(), task_type.into(), user_no.into()])?;
    Ok(removed > 0)
}
