//! Tasks: creating and reading them, and the look-ups that all who change them share.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::tasks::NewTask;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::error::Error;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::task_creation;

/// What `get_task` returns, and what `update_task` leaves out of its data if it is so already.
const RECORD: &str =
    "select task_mgmt.task_as_json(d) from task_mgmt.task_details d where d.project_name = $1 and d.task_id = $2";

/// Creates a task and returns its id.
///
/// *Arguments*: `data` is an object; only `task_type` is required. Keys: task_id (default: a number), task_type, priority
/// (an integer, or low, medium, high or critical for 25, 50, 75 or 100; default 50), title (1 to 1000 characters, no control
/// characters), description (up to 100,000 characters), params (an object, default {}), domain (a name), drift_score (0 to 1,
/// default 0), metadata (an object, default {}), channel (a name), agent (another word for assigned_user_id), batch_id, ng_state, ng_state_initial (default: ng_state), extra_data, note, segment_type, segment_seed_id
/// (default: extra_data.seed_id; if there is a segment of this seed, its expected type is the segment_type), assigned_user_id, is_active (false: waits until it is activated or its last dependency is
/// satisfied), hold (true: waits until `enqueue_task`, whatever else; run_immediately false is the same), run_after (a time in ISO 8601
/// before which it is not started), ttl_seconds (how long after it was enqueued, or after run_after, it expires unless somebody holds
/// it; default: never), unique_key (which no other open task of the project may have) with on_duplicate ("refuse", the default, or
/// "existing": if there is an open task with this key, no task is made and the id of that one is returned), max_attempts and backoff
/// (instead of those of the type, see `create_task_type`), is_paused, is_checked, overlap (1 to 100: how many users work on copies of it; default: that of the type),
/// conversations (an array of what `create_conversation` takes, in order); and, for
/// bringing in existing tasks, which are the work of one user, active_user_id with last_leased_ts (0, the
/// default: never, so the lease begins now), first_start_ts (Unix seconds), completion_status with completed_user_id.
/// *Errors*: P0002 project, type or user unknown; 42710 the id exists, or an open task has the unique key; 22023 anything wrong with `data`, also a segment_type
/// that is not the segment's, and what the params_schema or preset of the type does not allow; 55000 the active user holds another task; 42501 the caller is not a manager.
/// *Locks*: the key of the active user, if any; with very many active users the whole project. With segment_seed_id also the
/// key of the seed, shared; if it has no segment, before that the key of the project's new segments, shared with whoever creates tasks.
/// With a unique_key the key of that, alone.
/// *Source*: annotation reference 6.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_task(project_name: Option<&str>, data: Option<Jsonb>) -> Result<String, ErrorReport> {
    let text = arguments::data(data)?;
    let mut task = [NewTask::parse(&text).map_err(Error::from)?];
    task_creation::create(project_name, &mut task).map_err(Error::without_position)?;
    Ok(task[0].task_id.as_deref().unwrap_or_default().to_owned())
}

/// Creates many tasks at once, all or none, and returns how many they are, without those for which an open task was taken.
///
/// *Arguments*: `data` is an array of what `create_task` takes. Tasks of equal priority are handed out in its order.
/// *Errors*, *Locks*: as `create_task`; the message names the element.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_tasks(project_name: Option<&str>, data: Option<Jsonb>) -> Result<i64, ErrorReport> {
    let text = arguments::data(data)?;
    let mut tasks = NewTask::parse_all(&text).map_err(Error::from)?;
    Ok(task_creation::create(project_name, &mut tasks).map_err(Error::with_path)? as i64)
}

/// A task as a JSON object. Absent references are empty strings; last_leased_ts and first_start_ts are Unix seconds
/// (0 and null if it was never started); seed ids above 2^53 are text.
///
/// *Errors*: P0002 project or task unknown; 42501 access denied. Reading changes nothing.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    access::require(Level::Reader, project)?;
    match read!(RECORD).first(&[project.into(), task.into()], |row| row.get(1))? {
        Some(task) => Ok(task),
        None => Err(not_found(project, task)?.into()),
    }
}

/// How many tasks are open, completed and paused, and the first five open ones, unpaused and paused.
///
/// *Returns* an object with active_count, completed_count, paused_count (in any state), active_unpaused_ids and
/// active_paused_ids (at most five each, highest priority first, then by id).
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_tasks_summary(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let summary = read!(
        "with open as (
            select t.task_id, t.is_paused, t.priority
            from task_mgmt.task t
            where t.project_name = $1 and t.status = 'queued' and not exists (
                select from task_mgmt.blocked b where b.project_name = $1 and b.task_no = t.task_no
            )
        )
        select jsonb_build_object(
            'active_count', (select count(*) from open),
            'completed_count', (
                select count(*) from task_mgmt.task t where t.project_name = $1 and t.status = 'completed'
            ),
            'paused_count', (
                select count(*) from task_mgmt.task t
                where t.project_name = $1 and t.is_paused
            ),
            'active_unpaused_ids', to_jsonb(array(
                select task_id from open where not is_paused order by priority desc, task_id limit 5
            )),
            'active_paused_ids', to_jsonb(array(
                select task_id from open where is_paused order by priority desc, task_id limit 5
            ))
        )"
    )
    .first(&[project.into()], |row| row.get(1))?;
    Ok(summary.ok_or_else(|| Error::Internal("an aggregate returned no row".into()))?)
}

/// The open, paused tasks that are assigned to the user, as an array of what `get_task` returns: highest priority first,
/// then by id; empty for an unknown user.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_paused_tasks_by_user(project_name: Option<&str>, user_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let tasks = read!(
        "select coalesce(jsonb_agg(task_mgmt.task_as_json(d) order by d.priority desc, d.task_id), '[]')
        from task_mgmt.task_details d
        where d.project_name = $1 and d.assigned_user_no = (
                select u.user_no from task_mgmt.project_user u where u.project_name = $1 and u.user_id = $2
            )
            and d.is_paused and d.is_active and d.completion_status = '' and d.status <> 'cancelled'"
    )
    .first(&[project.into(), user.into()], |row| row.get(1))?;
    Ok(tasks.ok_or_else(|| Error::Internal("an aggregate returned no row".into()))?)
}

/// The task as `get_task` returns it. Errors: P0002.
pub fn record(project: &str, task_id: &str) -> Result<Jsonb, Error> {
    sql!(RECORD)
        .first(&[project.into(), task_id.into()], |row| row.get(1))?
        .map_or_else(|| Err(not_found(project, task_id)?), Ok)
}

/// The number of a task, which never changes. Errors: P0002.
pub fn find_no(project: &str, task_id: &str) -> Result<i64, Error> {
    sql!("select task_no from task_mgmt.task where project_name = $1 and task_id = $2")
        .first(&[project.into(), task_id.into()], |row| row.get(1))?
        .map_or_else(|| Err(not_found(project, task_id)?), Ok)
}

/// The same for a call that only reads. Errors: P0002.
pub fn visible_no(project: &str, task_id: &str) -> Result<i64, Error> {
    read!("select task_no from task_mgmt.task where project_name = $1 and task_id = $2")
        .first(&[project.into(), task_id.into()], |row| row.get(1))?
        .map_or_else(|| Err(not_found(project, task_id)?), Ok)
}

/// Keeps the task from being deleted until the transaction ends, for whoever is about to refer to it without its key. Errors: P0002.
pub fn keep(project: &str, task_id: &str) -> Result<i64, Error> {
    sql!("select task_no from task_mgmt.task where project_name = $1 and task_id = $2 for key share")
        .first(&[project.into(), task_id.into()], |row| row.get(1))?
        .map_or_else(|| Err(not_found(project, task_id)?), Ok)
}

/// Locks the task's row against whoever adds dependencies or re-opens what it depends on; returns its number.
/// The caller holds the task's key. Errors: P0002.
pub fn lock_row(project: &str, task_id: &str) -> Result<i64, Error> {
    let found = sql!("select task_no from task_mgmt.task where project_name = $1 and task_id = $2 for no key update")
        .first(&[project.into(), task_id.into()], |row| row.get(1))?;
    match found {
        Some(task_no) => Ok(task_no),
        None => Err(not_found(project, task_id)?),
    }
}

/// Locks the rows of tasks in the one order that all use.
pub fn lock_rows(project: &str, task_nos: Vec<i64>) -> Result<(), Error> {
    sql!(
        "select from task_mgmt.task
        where project_name = $1 and task_no = any($2)
        order by task_no
        for no key update"
    )
    .run(&[project.into(), task_nos.into()])?;
    Ok(())
}

/// Locks the row of one task without waiting; false if somebody else has locked the row.
pub fn try_lock_row(project: &str, task_no: i64) -> Result<bool, Error> {
    let locked =
        sql!("select from task_mgmt.task where project_name = $1 and task_no = $2 for no key update skip locked");
    Ok(locked.run(&[project.into(), task_no.into()])? > 0)
}

/// Who holds the task, if anybody.
pub fn holder(project: &str, task_id: &str) -> Result<Option<String>, Error> {
    let found = sql!(
        "select u.user_id
        from task_mgmt.task t
        left join task_mgmt.lease l on l.project_name = $1 and l.task_no = t.task_no
        left join task_mgmt.project_user u on u.project_name = $1 and u.user_no = l.user_no
        where t.project_name = $1 and t.task_id = $2"
    )
    .first(&[project.into(), task_id.into()], |row| row.find(1))?;
    match found {
        Some(holder) => Ok(holder),
        None => Err(not_found(project, task_id)?),
    }
}

/// What a completion of a type that names no outcome is called.
const ONLY_STATUS: &str = "completed";

/// The completion status of who names none: the first that the task type allows.
pub fn usual_status(named: &[String]) -> &str {
    named.first().map_or(ONLY_STATUS, String::as_str)
}

/// Errors: 22023 if the task type does not allow the completion status.
pub fn require_status_allowed(status: &str, task_type: &str, named: &[String]) -> Result<(), Error> {
    if named.iter().any(|one| one == status) || named.is_empty() && status == ONLY_STATUS {
        return Ok(());
    }
    let allowed = if named.is_empty() { vec![ONLY_STATUS.into()] } else { named.to_vec() };
    Err(Error::StatusNotAllowed { status: status.into(), task_type: task_type.into(), allowed })
}

/// Whether the task waits for something other than its time.
pub fn is_blocked(project: &str, task_no: i64) -> Result<bool, Error> {
    let blocked = sql!(
        "select from task_mgmt.blocked
        where project_name = $1 and task_no = $2 and (unsatisfied > 0 or open_copies > 0 or is_held or is_on_hold)"
    );
    Ok(blocked.run(&[project.into(), task_no.into()])? > 0)
}

/// The error for a task that waits.
pub fn blocked(project: &str, task_id: &str) -> Result<Error, Error> {
    let waits_for = waits_for(project, task_id, 3)?;
    if waits_for.is_empty() {
        return Ok(Error::TaskHeldBack(task_id.into()));
    }
    let is_in_vain = waits_for.iter().any(|(_, has_ended)| *has_ended);
    let upstream: Vec<String> = waits_for.into_iter().map(|(upstream, _)| upstream).collect();
    Ok(Error::TaskBlocked { task: task_id.into(), reason: format!("it waits for {}", upstream.join(", ")), is_in_vain })
}

/// What a task waits for, at most so many, and whether that has ended otherwise; those first, as waiting for them is in vain.
pub fn waits_for(project: &str, task_id: &str, most: i32) -> Result<Vec<(String, bool)>, Error> {
    sql!(
        "(select u.task_id || ' (' || d.required_completion_status || ')' || case u.status
                when 'queued' then ''
                when 'completed' then ', which is completed as ' || u.completion_status
                else ', which is ' || u.status
            end,
            u.status <> 'queued'
        from task_mgmt.task t
        join task_mgmt.dependency d on d.project_name = $1 and d.task_no = t.task_no and not d.is_satisfied
        join task_mgmt.task u on u.project_name = $1 and u.task_no = d.upstream_no
        where t.project_name = $1 and t.task_id = $2
        group by u.task_no, u.task_id, u.status, u.completion_status, d.required_completion_status
        order by u.status = 'queued', u.task_no
        limit $3)
        union all
        (select c.task_id || ' (a copy)', false
        from task_mgmt.task t
        join task_mgmt.blocked b on b.project_name = $1 and b.task_no = t.task_no and b.open_copies > 0
        join task_mgmt.task c on c.project_name = $1 and c.original_no = t.task_no and c.status = 'queued' and not c.is_check
        where t.project_name = $1 and t.task_id = $2
        order by c.task_no
        limit $3)
        limit $3"
    )
    .all(&[project.into(), task_id.into(), most.into()], |row| Ok((row.get(1)?, row.get(2)?)))
}

/// The error for a task that is not there: the project may not be there either.
pub fn not_found(project: &str, task_id: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::TaskNotFound { project: project.into(), task: task_id.into() })
}
