//! Removing what a project consists of, or all of it. Each call is alone in the project, so it takes no other keys.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::Level;
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor, notifications};
use crate::grants;
use crate::json::Jsonb;
use crate::pay::periods;
use crate::projects;
use crate::ready;
use crate::spi::sql;

/// Removes all tasks of a project with their dependencies, time, edits, history, feedback, golden tasks, conversations, links
/// to segments and facts, and what came of the due times of schedules. Users, task types, schedules, segments, facts, supervoxels with
/// the edit events and updates of segments, the totals of closed pay periods and the project's own history stay, and so do
/// those who read it.
///
/// *Returns* an object of counts: tasks, dependencies, timesheets (pairs of user and task), submissions.
/// *Errors*: P0002 project unknown; 42501 the caller is not an admin.
/// *Locks*: the project's key, alone.
/// *Source*: annotation reference 20.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn clear_project_data(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter_alone(Level::Admin, project_name)?;
    projects::require_existing(project)?;
    let timesheets: i64 =
        sql!("select count(distinct (user_no, task_no)) from task_mgmt.submission where project_name = $1")
            .value(&[project.into()])?;
    let removed = remove_tasks(project)?;
    let now = clock::now()?;
    periods::mark_cleared(project, now)?;
    remove_task_events(project)?;
    let detail = format!("{} tasks", removed.tasks);
    record(project, &detail, now)?;
    Ok(sql!("select jsonb_build_object('timesheets', $1, 'dependencies', $2, 'tasks', $3, 'submissions', $4)")
        .value(&[timesheets.into(), removed.dependencies.into(), removed.tasks.into(), removed.submissions.into()])?)
}

/// Removes all users of a project with their time and assignments; what they held is available again. The history, the
/// totals of closed pay periods and the edits keep their names.
///
/// *Returns* the number of users.
/// *Errors*: P0002 project unknown; 55000 there are tasks that they have completed; 42501 the caller is not an admin.
/// *Locks*: the project's key, alone.
/// *Source*: annotation reference 20.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn clear_project_users(project_name: Option<&str>) -> Result<i64, ErrorReport> {
    let project = projects::enter_alone(Level::Admin, project_name)?;
    projects::require_existing(project)?;
    let tasks: i64 =
        sql!("select count(*) from task_mgmt.task where project_name = $1 and completed_user_no is not null")
            .value(&[project.into()])?;
    if tasks > 0 {
        return Err(Error::UsersHaveCompleted { project: project.into(), tasks }.into());
    }
    let now = clock::now()?;
    sql!("delete from task_mgmt.submission where project_name = $1").run(&[project.into()])?;
    periods::mark_cleared(project, now)?;
    take_everything_back(project, now)?;
    sql!(
        "update task_mgmt.event e
        set user_no = null, detail = concat_ws('; ', e.detail, 'by former user ' || u.user_id)
        from task_mgmt.project_user u
        where e.project_name = $1 and u.project_name = $1 and u.user_no = e.user_no"
    )
    .run(&[project.into()])?;
    sql!("delete from task_mgmt.feedback_policy where project_name = $1 and user_no <> 0").run(&[project.into()])?;
    let users = remove_users(project)?;
    record(project, &format!("{users} users"), now)?;
    Ok(users as i64)
}

/// Removes all task types of a project and their registered handlers. Schedules stay, and go wrong until their types are there again.
///
/// *Returns* the number of task types.
/// *Errors*: P0002 project unknown; 55000 there are tasks; 42501 the caller is not an admin.
/// *Locks*: the project's key, alone.
/// *Source*: annotation reference 20.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn clear_project_task_types(project_name: Option<&str>) -> Result<i64, ErrorReport> {
    let project = projects::enter_alone(Level::Admin, project_name)?;
    projects::require_existing(project)?;
    let tasks = count_tasks(project)?;
    if tasks > 0 {
        return Err(Error::TaskTypesHaveTasks { project: project.into(), tasks }.into());
    }
    let task_types = remove_task_types(project)?;
    record(project, &format!("{task_types} task types"), clock::now()?)?;
    Ok(task_types as i64)
}

/// Removes all segments of a project with their endpoints, updates and links to tasks. Segment types, supervoxels and locks stay,
/// and tasks stay in their lanes.
///
/// *Returns* the number of segments.
/// *Errors*: P0002 project unknown; 42501 the caller is not an admin.
/// *Locks*: the project's key, alone.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn clear_segments(project_name: Option<&str>) -> Result<i64, ErrorReport> {
    let project = projects::enter_alone(Level::Admin, project_name)?;
    projects::require_existing(project)?;
    let segments = remove_segments(project)?;
    record(project, &format!("{segments} segments"), clock::now()?)?;
    Ok(segments as i64)
}

/// Removes a project, its users, task and segment types, schedules, locks of segments, supervoxels, pay periods, history and grants.
///
/// *Arguments*: `cascade` true also removes its tasks, segments and facts with all that belongs to them.
/// *Returns* whether there was such a project.
/// *Errors*: 55000 it has tasks, segments or facts, and `cascade` is false; 42501 the caller is not an admin.
/// *Locks*: the project's key, alone, then that of all projects' grants.
/// *Source*: annotation reference 3.4.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_project(project_name: Option<&str>, cascade: default!(Option<bool>, false)) -> Result<bool, ErrorReport> {
    let cascade = required("cascade", cascade)?;
    let project = projects::enter_alone(Level::Admin, project_name)?;
    if !projects::exists(project)? {
        return Ok(false);
    }
    let tasks = count_tasks(project)?;
    let segments = sql!("select count(*) from task_mgmt.segment where project_name = $1").value(&[project.into()])?;
    let facts = sql!("select count(*) from task_mgmt.fact where project_name = $1").value(&[project.into()])?;
    if !cascade && (tasks > 0 || segments > 0 || facts > 0) {
        return Err(Error::ProjectNotEmpty { project: project.into(), tasks, segments, facts }.into());
    }
    remove_tasks(project)?;
    sql!("delete from task_mgmt.fact where project_name = $1").run(&[project.into()])?;
    remove_segments(project)?;
    sql!("delete from task_mgmt.locked_segment where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.segment_type where project_name = $1").run(&[project.into()])?;
    remove_task_types(project)?;
    remove_supervoxels(project)?;
    remove_users(project)?;
    sql!("delete from task_mgmt.schedule where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.pay_total where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.pay_period where project_name = $1").run(&[project.into()])?;
    remove_events(project)?;
    notifications::forget();
    sql!("delete from task_mgmt.project where project_name = $1").run(&[project.into()])?;
    grants::remove_all(project)?;
    Ok(true)
}

struct Removed {
    tasks: i64,
    dependencies: i64,
    submissions: i64,
}

fn remove_tasks(project: &str) -> Result<Removed, Error> {
    let submissions = sql!("delete from task_mgmt.submission where project_name = $1").run(&[project.into()])?;
    let dependencies = sql!("delete from task_mgmt.dependency where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.split_edit where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.merge_edit where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.ready where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.blocked where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.lease where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.segment_task where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.feedback where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.golden_task where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.task_fact where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.conversation where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.schedule_run where project_name = $1").run(&[project.into()])?;
    let tasks = sql!("delete from task_mgmt.task where project_name = $1").run(&[project.into()])?;
    Ok(Removed { tasks: tasks as i64, dependencies: dependencies as i64, submissions: submissions as i64 })
}

fn remove_segments(project: &str) -> Result<usize, Error> {
    sql!("delete from task_mgmt.segment_update where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.segment_move where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.endpoint_update where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.endpoint where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.segment_task where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.segment where project_name = $1").run(&[project.into()])
}

fn remove_task_types(project: &str) -> Result<usize, Error> {
    sql!("delete from task_mgmt.feedback_policy where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.lane where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.task_type where project_name = $1").run(&[project.into()])
}

fn remove_users(project: &str) -> Result<usize, Error> {
    sql!("delete from task_mgmt.rate where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.qualification where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.project_user where project_name = $1").run(&[project.into()])
}

/// Also removes the edit events that moved them.
fn remove_supervoxels(project: &str) -> Result<(), Error> {
    sql!("delete from task_mgmt.segment_edit_root where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.segment_edit_event where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.supervoxel where project_name = $1").run(&[project.into()])?;
    Ok(())
}

/// Also what consumers have said of them.
fn remove_task_events(project: &str) -> Result<(), Error> {
    sql!("delete from task_mgmt.event where project_name = $1 and (task_no <> 0 or amount is not null)")
        .run(&[project.into()])?;
    remove_counts(project)?;
    sql!(
        "delete from task_mgmt.custom_event c
        where c.project_name = $1
            and not exists (select from task_mgmt.event e where e.project_name = $1 and e.event_no = c.event_no)"
    )
    .run(&[project.into()])?;
    sql!(
        "delete from task_mgmt.failed_event f
        where f.project_name = $1
            and not exists (select from task_mgmt.event e where e.project_name = $1 and e.event_no = f.event_no)"
    )
    .run(&[project.into()])?;
    Ok(())
}

/// There is nothing left to count.
fn remove_counts(project: &str) -> Result<(), Error> {
    sql!("delete from task_mgmt.task_count where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.processing_count where project_name = $1").run(&[project.into()])?;
    Ok(())
}

/// All of them, with those who read them.
fn remove_events(project: &str) -> Result<(), Error> {
    sql!("delete from task_mgmt.event where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.custom_event where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.failed_event where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.event_consumer where project_name = $1").run(&[project.into()])?;
    sql!("delete from task_mgmt.count_horizon where project_name = $1").run(&[project.into()])?;
    remove_counts(project)?;
    Ok(())
}

/// Ends all leases and assignments.
fn take_everything_back(project: &str, now: Instant) -> Result<(), Error> {
    let assigned = sql!("select task_no from task_mgmt.task where project_name = $1 and assigned_user_no is not null")
        .all(&[project.into()], |row| row.get::<i64>(1))?;
    ready::withdraw(project, &assigned)?;
    sql!("update task_mgmt.task set assigned_user_no = null where project_name = $1 and assigned_user_no is not null")
        .run(&[project.into()])?;
    let held = sql!(
        "with ended as (
            delete from task_mgmt.lease
            where project_name = $1
            returning task_no, leased_at, started_at, attempt, instance
        )
        update task_mgmt.task t
        set first_start_ts = coalesce(t.first_start_ts, ended.started_at), last_leased_ts = ended.leased_at,
            attempts = ended.attempt, instance = coalesce(ended.instance, t.instance)
        from ended
        where t.project_name = $1 and t.task_no = ended.task_no
        returning t.task_no"
    )
    .all(&[project.into()], |row| row.get::<i64>(1))?;
    events::append(project, &held, "force_released", Actor::Caller, Some("users cleared"), now)?;
    events::append(project, &assigned, "assigned", Actor::Caller, None, now)?;
    ready::offer(project, &[assigned, held].concat())
}

fn count_tasks(project: &str) -> Result<i64, Error> {
    sql!("select count(*) from task_mgmt.task where project_name = $1").value(&[project.into()])
}

fn record(project: &str, detail: &str, now: Instant) -> Result<(), Error> {
    events::append(project, &[0], "project_cleared", Actor::Caller, Some(detail), now)
}
