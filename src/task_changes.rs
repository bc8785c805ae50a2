//! Changing tasks: pausing, cancelling, re-opening, assigning, editing. Statuses and holders change only through transitions.

pub mod completion;
mod lane;
mod metadata;
mod words;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::tasks::TaskPatch;

use self::completion::{reopen, set_completion};
use self::lane::{Lane, lane_after};
use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::limits::{self, following};
use crate::locks::{self, Key};
use crate::overlap;
use crate::projects;
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::task_rules;
use crate::tasks;
use crate::unique_keys;
use crate::users;
use crate::waiting;

/// Takes a task out of automatic selection. It can still be started by name, and whoever holds it goes on.
///
/// *Returns* true, also if it was paused already.
/// *Errors*: P0002 project or task unknown; 42501 the caller is not a manager.
/// *Locks*: the task's key and row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn pause_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    Ok(set_paused(project_name, task_id, true)?)
}

/// Undoes `pause_task`.
///
/// *Returns* true, also if it was not paused.
/// *Errors*, *Locks*: as `pause_task`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unpause_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    Ok(set_paused(project_name, task_id, false)?)
}

/// Ends a task without a result. Whoever holds it loses it and learns so by the next call.
///
/// *Returns* true, also if it was cancelled already.
/// *Errors*: P0002 project or task unknown; 55000 the task is completed; 42501 the caller is not a manager.
/// *Locks*: the task's key and row; of a copy also those of its original, before them.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cancel_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    Ok(cancel(project_name, task_id)?)
}

/// Opens a completed or cancelled task again. Dependents that nobody has started wait for it again; for those that somebody
/// has started, the history records it.
///
/// *Returns* true.
/// *Errors*: P0002 project or task unknown; 55000 the task is neither completed nor cancelled; 53400 a queue is full; 42501 the
/// caller is not a manager.
/// *Locks*: the project's dependency graph, the task's key, the rows of the task and its dependents, their gates; of a copy also
/// key and row of its original, before its own, and what belongs to that.
/// *Source*: annotation reference 11.2 and 21.18.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn reactivate_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    locks::lock(Key::Graph(project));
    let task = LockedTask::lock_to_reopen(project, required("task_id", task_id)?)?;
    if task.status == "queued" {
        return Err(Error::TaskNotFinished(task.task_id.into()).into());
    }
    satisfaction::lock_dependents(project, &task.with_original())?;
    reopen(&task)?;
    Ok(true)
}

/// Reserves a task for a user, or with a null user for nobody. Whoever holds it keeps it.
///
/// *Returns* true.
/// *Errors*: P0002 project, task or user unknown; 53400 the user's queue is full; 42501 the caller is not a manager.
/// *Locks*: the task's key and row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn assign_task(project_name: Option<&str>, task_id: Option<&str>, user_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = LockedTask::lock(project, required("task_id", task_id)?)?;
    ready::withdraw(project, &[task.task_no])?;
    assign(&task, user_id.filter(|user| !user.is_empty()))?;
    following::admit(project, &[task.task_no])?;
    ready::offer(project, &[task.task_no])?;
    Ok(true)
}

/// Changes a task.
///
/// *Arguments*: `data` is an object; an absent key keeps the value. Keys: task_type, priority, batch_id, ng_state, ng_state_initial,
/// is_active, is_paused, is_checked, overlap (as long as nobody holds it and it has no copies); run_after (of a task that nobody holds), max_attempts, backoff, extra_data, note, segment_type
/// (which a task of an existing segment has from that), segment_seed_id, assigned_user_id (or agent), title, description,
/// params and metadata (which replace the whole object), domain, drift_score, channel, which null clears; and
/// completion_status with completed_user_id (default: the holder or, of a completed task, who completed it). A completion
/// status completes the task with all that belongs to it (verification, dependents, completion handler) or, if it is
/// completed, changes its outcome; '' opens it again. With completed_user_id alone only the completer of a completed task changes,
/// and no handler is asked.
/// A copy, and a task that has copies, keep their task_type, segment_type and segment_seed_id.
/// *Returns* true.
/// *Errors*: P0002 project, task, type or user unknown; 22023 anything wrong with `data`; 55000 the task is cancelled, or its
/// state or copies do not allow the change; 53400 a queue that it would get into is full; 42501 the caller is neither a manager nor, for ng_state and note alone, a worker who may
/// act as the user that holds the task.
/// *Locks*: the task's key and row; with completion_status or completed_user_id what `reactivate_task` locks; with segment_seed_id
/// also what `create_task` locks for it.
/// *Source*: annotation reference 6.4, 6.5, 20.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_task(project_name: Option<&str>, task_id: Option<&str>, data: Option<Jsonb>) -> Result<bool, ErrorReport> {
    let data = required("data", data)?;
    let keys = arguments::keys(&data)?;
    let data = words::settle(data, &keys)?;
    let is_progress = keys.iter().all(|key| TaskPatch::PROGRESS.contains(&key.as_str()));
    let project = projects::enter(if is_progress { Level::Worker } else { Level::Manager }, project_name)?;
    let id = required("task_id", task_id)?;
    if keys.iter().any(|key| TaskPatch::COMPLETION.contains(&key.as_str())) {
        locks::lock(Key::Graph(project));
        overlap::lock_keys(project, id)?;
        unique_keys::lock_of(project, &[id])?;
    } else {
        locks::lock(Key::Task(project, id));
    }
    if is_progress {
        require_working(project, id)?;
    }
    let changes = arguments::changed(data, tasks::record(project, id)?)?;
    let text = changes.text();
    let patch = TaskPatch::parse(&text).map_err(Error::from)?;
    update(project, id, &patch, changes)?;
    Ok(true)
}

/// What `cancel_task` does.
pub fn cancel(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, Error> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = LockedTask::lock_with_original(project, required("task_id", task_id)?)?;
    match task.status.as_str() {
        "cancelled" => return Ok(true),
        "queued" => {}
        _ => return Err(task.finished()),
    }
    ready::withdraw(project, &task.with_original())?;
    waiting::end(project, &[task.task_no])?;
    end_leases(project, &[task.task_no])?;
    sql!(
        "update task_mgmt.task
        set status = 'cancelled', expires_at = null, open_key = null
        where project_name = $1 and task_no = $2"
    )
    .run(&[project.into(), task.task_no.into()])?;
    limits::free(project, &[task.task_no])?;
    events::append(project, &[task.task_no], "cancelled", Actor::Caller, None, task.now)?;
    task.settle_original()?;
    Ok(true)
}

fn set_paused(project_name: Option<&str>, task_id: Option<&str>, is_paused: bool) -> Result<bool, Error> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = LockedTask::lock(project, required("task_id", task_id)?)?;
    if task.is_paused == is_paused {
        return Ok(true);
    }
    ready::withdraw(project, &[task.task_no])?;
    sql!("update task_mgmt.task set is_paused = $3 where project_name = $1 and task_no = $2").run(&[
        project.into(),
        task.task_no.into(),
        is_paused.into(),
    ])?;
    ready::offer(project, &[task.task_no])?;
    let kind = if is_paused { "paused" } else { "unpaused" };
    events::append(project, &[task.task_no], kind, Actor::Caller, None, task.now)?;
    Ok(true)
}

/// The patch is parsed from the changes. The caller holds the task's key and, if there is a completion among them, that of the
/// dependency graph and of what the task is a copy of.
fn update(project: &str, task_id: &str, patch: &TaskPatch, changes: Jsonb) -> Result<(), Error> {
    let lane = lane_after(project, task_id, patch)?;
    let task = match patch.completion_status.is_some() || patch.completed_user_id.is_some() {
        true => {
            let task = LockedTask::lock_with_original(project, task_id)?;
            satisfaction::lock_dependents(project, &task.with_original())?;
            task
        }
        false => LockedTask::lock(project, task_id)?,
    };
    require_single(&task, patch, lane.as_ref())?;
    task_rules::check_patch(project, task.task_no, patch)?;
    if patch.moves() {
        ready::withdraw(project, &[task.task_no])?;
    }
    if patch.has_edits() {
        edit(&task, patch, changes, lane)?;
    }
    if let Some(assignee) = &patch.assigned_user_id {
        assign(&task, assignee.as_deref().filter(|user| !user.is_empty()))?;
    }
    if let Some(is_active) = patch.is_active {
        set_active(&task, is_active)?;
    }
    if let Some(run_after) = patch.run_after {
        schedule(&task, run_after.map(Instant::from))?;
    }
    if patch.moves() {
        following::admit(project, &[task.task_no])?;
        ready::offer(project, &[task.task_no])?;
    } else if patch.has_seed_state().is_some_and(|has_seed_state| has_seed_state != task.has_seed_state) {
        ready::note_state(project, task.task_no)?;
    }
    set_completion(&task, patch.completion_status.as_deref(), patch.completed_user_id.as_deref())
}

/// Refuses a caller who is no manager and does not act for the holder. The caller holds the task's key. Errors: 42501, P0002.
fn require_working(project: &str, task_id: &str) -> Result<(), Error> {
    if access::has(Level::Manager, project)? {
        return Ok(());
    }
    match tasks::holder(project, task_id)? {
        Some(holder) => users::require_acting(project, &holder),
        None => {
            let role = access::role_name(access::caller()?);
            Err(Error::NotHeldForCaller { role, task: task_id.into() })
        }
    }
}

/// A task whose key and row are locked.
pub struct LockedTask<'a> {
    pub project: &'a str,
    pub task_id: &'a str,
    pub task_no: i64,
    pub status: String,
    is_paused: bool,
    has_seed_state: bool,
    completion_status: String,
    task_type: String,
    pub lane_no: i32,
    /// What it is a copy of.
    pub original_no: Option<i64>,
    /// A copy of a golden task, from which nothing follows.
    pub is_check: bool,
    pub now: Instant,
}

impl<'a> LockedTask<'a> {
    /// Errors: P0002.
    pub fn lock(project: &'a str, task_id: &'a str) -> Result<Self, Error> {
        locks::lock(Key::Task(project, task_id));
        Self::lock_row(project, task_id)
    }

    /// The same for what may finish the task or open it again: of a copy, key and row of its original are locked, too.
    /// Errors: P0002.
    pub fn lock_with_original(project: &'a str, task_id: &'a str) -> Result<Self, Error> {
        let original_no = overlap::lock_keys(project, task_id)?;
        tasks::lock_rows(project, original_no.into_iter().collect())?;
        Self::lock_row(project, task_id)
    }

    /// The same for what may open a finished task again: before the rows, its unique key is locked. Errors: P0002.
    pub fn lock_to_reopen(project: &'a str, task_id: &'a str) -> Result<Self, Error> {
        overlap::lock_keys(project, task_id)?;
        unique_keys::lock_of(project, &[task_id])?;
        Self::lock_with_original(project, task_id)
    }

    fn lock_row(project: &'a str, task_id: &'a str) -> Result<Self, Error> {
        let found = sql!(
            "select task_no, status::text, is_paused, completion_status, task_type, has_seed_state, is_check,
                case when not is_check then original_no end, lane_no
            from task_mgmt.task
            where project_name = $1 and task_id = $2
            for no key update"
        )
        .first(&[project.into(), task_id.into()], |row| {
            Ok(Self {
                project,
                task_id,
                task_no: row.get(1)?,
                status: row.get(2)?,
                is_paused: row.get(3)?,
                completion_status: row.get(4)?,
                task_type: row.get(5)?,
                has_seed_state: row.get(6)?,
                is_check: row.get(7)?,
                original_no: row.find(8)?,
                lane_no: row.get(9)?,
                now: clock::now()?,
            })
        })?;
        match found {
            Some(task) => Ok(task),
            None => Err(tasks::not_found(project, task_id)?),
        }
    }

    /// The task and what it is a copy of.
    pub fn with_original(&self) -> Vec<i64> {
        self.original_no.into_iter().chain([self.task_no]).collect()
    }

    /// Lets the original follow a copy that was finished or opened again. The caller has locked the gates of both, and of what
    /// depends on them.
    pub fn settle_original(&self) -> Result<(), Error> {
        self.original_no.map_or(Ok(()), |original_no| overlap::settle(self.project, original_no, self.now))
    }

    /// Refuses to open a copy again if there are others enough. Errors: 55000.
    pub fn require_room(&self) -> Result<(), Error> {
        match self.original_no {
            Some(original_no) if self.status != "completed" => {
                overlap::require_room(self.project, original_no, self.task_id)
            }
            _ => Ok(()),
        }
    }

    fn finished(&self) -> Error {
        Error::TaskFinished { task: self.task_id.into(), status: self.status.clone() }
    }
}

/// Refuses to make copies differ from their original in what they are about, and to change an overlap that is in use. Errors: 55000.
fn require_single(task: &LockedTask, patch: &TaskPatch, lane: Option<&Lane>) -> Result<(), Error> {
    if lane.is_none() && patch.overlap.is_none() {
        return Ok(());
    }
    let reason = sql!(
        "select case
                when t.original_no is not null then 'it is a copy'
                when exists (select from task_mgmt.task c where c.project_name = $1 and c.original_no = t.task_no) then 'it has copies'
                when $3 and t.status <> 'queued' then 'it is ' || t.status
                when $3 and exists (select from task_mgmt.lease l where l.project_name = $1 and l.task_no = t.task_no)
                    then 'somebody holds it'
            end
        from task_mgmt.task t
        where t.project_name = $1 and t.task_no = $2
            and ($3 or t.task_type <> $4 or t.segment_type <> $5 or $6 and t.segment_seed_id is distinct from $7::numeric)"
    )
    .first(
        &[
            task.project.into(),
            task.task_no.into(),
            patch.overlap.is_some().into(),
            lane.map(|lane| lane.task_type.as_str()).into(),
            lane.map(|lane| lane.segment_type.as_str()).into(),
            patch.segment_seed_id.is_some().into(),
            patch.segment_seed_id.flatten().map(|id| id.0.to_string()).into(),
        ],
        |row| row.find::<String>(1),
    )?;
    match reason.flatten() {
        Some(reason) => Err(Error::SharedTask { task: task.task_id.into(), reason }),
        None => Ok(()),
    }
}

fn edit(task: &LockedTask, patch: &TaskPatch, changes: Jsonb, lane: Option<Lane>) -> Result<(), Error> {
    if let Some(lane) = lane {
        if task.status == "completed" && lane.task_type != task.task_type {
            return Err(task.finished());
        }
        sql!(
            "update task_mgmt.task set lane_no = $3, task_type = $4, segment_type = $5
            where project_name = $1 and task_no = $2"
        )
        .run(&[
            task.project.into(),
            task.task_no.into(),
            lane.lane_no.into(),
            lane.task_type.into(),
            lane.segment_type.into(),
        ])?;
    }
    sql!(
        "update task_mgmt.task
        set priority = coalesce($3, priority),
            batch_id = coalesce($4, batch_id),
            is_paused = coalesce($5, is_paused),
            is_checked = coalesce($6, is_checked),
            ng_state = coalesce($7 -> 'ng_state', ng_state),
            ng_state_initial = coalesce($7 -> 'ng_state_initial', ng_state_initial),
            extra_data = case when $7 ? 'extra_data' then nullif($7 -> 'extra_data', 'null') else extra_data end,
            note = case when $8 then $9 else note end,
            segment_seed_id = case when $10 then $11::numeric else segment_seed_id end,
            has_seed_state = coalesce($12, has_seed_state),
            overlap = coalesce($13, overlap),
            title = case when $7 ? 'title' then $7 ->> 'title' else title end,
            description = case when $7 ? 'description' then $7 ->> 'description' else description end,
            params = case when $7 ? 'params' then nullif($7 -> 'params', 'null') else params end,
            domain = case when $7 ? 'domain' then $7 ->> 'domain' else domain end,
            drift_score = case when $7 ? 'drift_score' then ($7 ->> 'drift_score')::float8 else drift_score end,
            metadata = case when $7 ? 'metadata' then nullif($7 -> 'metadata', 'null') else metadata end,
            channel = case when $7 ? 'channel' then $7 ->> 'channel' else channel end,
            max_attempts = case when $7 ? 'max_attempts' then ($7 ->> 'max_attempts')::integer else max_attempts end,
            backoff = case when $7 ? 'backoff' then nullif($7 -> 'backoff', 'null') else backoff end
        where project_name = $1 and task_no = $2"
    )
    .run(&[
        task.project.into(),
        task.task_no.into(),
        patch.priority.map(|priority| priority.0).into(),
        patch.batch_id.clone().into(),
        patch.is_paused.into(),
        patch.is_checked.into(),
        changes.into(),
        patch.note.is_some().into(),
        patch.note.clone().flatten().into(),
        patch.segment_seed_id.is_some().into(),
        patch.segment_seed_id.flatten().map(|id| id.0.to_string()).into(),
        patch.has_seed_state().into(),
        patch.overlap.into(),
    ])?;
    events::append(task.project, &[task.task_no], "changed", Actor::Caller, None, task.now)
}

fn assign(task: &LockedTask, user: Option<&str>) -> Result<(), Error> {
    let user_no = user.map(|user| users::find_no(task.project, user)).transpose()?;
    sql!("update task_mgmt.task set assigned_user_no = $3 where project_name = $1 and task_no = $2").run(&[
        task.project.into(),
        task.task_no.into(),
        user_no.into(),
    ])?;
    events::append(task.project, &[task.task_no], "assigned", Actor::Caller, user, task.now)
}

/// Lets an open task wait for a time, or for none.
fn schedule(task: &LockedTask, run_after: Option<Instant>) -> Result<(), Error> {
    match run_after.filter(|run_after| *run_after > task.now) {
        Some(run_after) => {
            require_unheld(task)?;
            waiting::delay(task.project, &[task.task_no], vec![run_after])?;
        }
        None => waiting::end_delays(task.project, &[task.task_no])?,
    }
    events::append(task.project, &[task.task_no], "changed", Actor::Caller, Some("run_after"), task.now)
}

/// Errors: 55000 if the task cannot wait, because somebody holds it or it is over.
fn require_unheld(task: &LockedTask) -> Result<(), Error> {
    if tasks::holder(task.project, task.task_id)?.is_some() {
        return Err(Error::CannotHoldBack { task: task.task_id.into(), status: "running".into() });
    }
    match task.status.as_str() {
        "queued" => Ok(()),
        status => Err(Error::CannotHoldBack { task: task.task_id.into(), status: status.into() }),
    }
}

fn set_active(task: &LockedTask, is_active: bool) -> Result<(), Error> {
    if is_active {
        if !waiting::end_hold(task.project, task.task_no)? {
            return match tasks::is_blocked(task.project, task.task_no)? {
                true => Err(tasks::blocked(task.project, task.task_id)?),
                false => Ok(()),
            };
        }
        return events::append(task.project, &[task.task_no], "activated", Actor::Caller, None, task.now);
    }
    require_unheld(task)?;
    sql!(
        "insert into task_mgmt.blocked (project_name, task_no, unsatisfied, is_held)
        values ($1, $2, 0, true)
        on conflict (project_name, task_no) do update set is_held = true"
    )
    .run(&[task.project.into(), task.task_no.into()])?;
    events::append(task.project, &[task.task_no], "held", Actor::Caller, None, task.now)
}

/// Ends whatever leases there are of the tasks, keeping their times on the tasks.
pub fn end_leases(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    sql!(
        "with ended as (
            delete from task_mgmt.lease
            where project_name = $1 and task_no = any($2)
            returning task_no, leased_at, started_at, attempt, instance
        )
        update task_mgmt.task t
        set first_start_ts = coalesce(t.first_start_ts, ended.started_at), last_leased_ts = ended.leased_at,
            attempts = ended.attempt, instance = coalesce(ended.instance, t.instance)
        from ended
        where t.project_name = $1 and t.task_no = ended.task_no"
    )
    .run(&[project.into(), task_nos.to_vec().into()])?;
    Ok(())
}
