//! Releasing tasks: completed, or handed back unfinished.

pub mod batch;
mod lookup;

use std::cell::Cell;
use std::rc::Rc;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::tally;

use self::lookup::Holder;
use crate::access::{self, Level};
use crate::arguments::required;
use crate::assignment::Worker;
use crate::clock::{self, Instant};
use crate::columns::{event, lease, project_user, task, task_type};
use crate::conversations;
use crate::error::Error;
use crate::events::{self, notifications};
use crate::golden;
use crate::handlers;
use crate::json::Jsonb;
use crate::limits::{self, following};
use crate::locks;
use crate::overlap;
use crate::projects;
use crate::ready;
use crate::rows::{self, Key, Place, Row, Snapshot, Table};
use crate::satisfaction;
use crate::spi::sql;
use crate::tasks;
use crate::users;

/// Gives up a task that the user holds.
///
/// *Arguments*: `completion_status` is one that the task type allows, or '' to hand the task back unfinished; `note` replaces
/// the task's note unless null.
/// *Effect* of a completion, all or nothing: the type's verification handler agrees, the task is completed, dependents that
/// waited for this status only become startable, the active conversations that existed when the task was claimed are processed,
/// the completion handler runs. Of a copy, handler and dependents of the original
/// follow once all its copies are completed and agree. By the golden_percent of the type, a check may follow, see
/// `add_golden_task`.
/// *Returns* true. So it does, and changes nothing, if the same call is repeated: if the user has completed the task
/// with this status, and it has not been opened again; or has handed it back, and nobody has started or ended it since.
/// *Errors*: P0002 project or user unknown; 55000 the user does not hold the task, or verification failed;
/// 22023 status not allowed; 42501 access denied; whatever a handler raises.
/// *Locks*: the task's key; for a completion the gates of its dependents; for that of a copy also the original's key and row, its
/// gate and those of its dependents; for that of a check the user's row.
/// *Source*: annotation reference 9, 10.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn release_task(
    project_name: Option<&str>,
    user_id: Option<&str>,
    task_id: Option<&str>,
    completion_status: default!(Option<&str>, "''"),
    note: default!(Option<&str>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let task = required("task_id", task_id)?;
    let status = required("completion_status", completion_status)?;
    let key = locks::Key::Task(project, task);
    locks::lock(key);
    let mut held = HeldTask::look_up(project, user, task)?;
    if !status.is_empty() && held.as_ref().is_some_and(HeldTask::settles_original) {
        locks::unlock(key);
        overlap::lock_keys(project, task)?;
        held = HeldTask::look_up(project, user, task)?;
    }
    let Some(held) = held else {
        require_repeated(project, user, task, status)?;
        return Ok(true);
    };
    held.require_binding()?;
    match status {
        "" => held.hand_back("handed_back", events::Actor::User(held.user_no), None, note)?,
        status => held.complete(Outcome { status, note, result: None })?,
    }
    Ok(true)
}

/// Takes a task from whoever holds it and makes it available again; the history records who did it.
///
/// *Arguments*: `reason` is kept in the history.
/// *Returns* true.
/// *Errors*: P0002 project or task unknown; 55000 nobody holds the task; 42501 the caller is not a manager.
/// *Locks*: the task's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn force_release_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = required("task_id", task_id)?;
    locks::lock(locks::Key::Task(project, task));
    let holder = tasks::holder(project, task)?.ok_or_else(|| Error::TaskNotHeld(task.into()))?;
    let held = HeldTask::find(project, &holder, task)?;
    let detail = match reason {
        None => format!("from {holder}"),
        Some(reason) => format!("from {holder}: {reason}"),
    };
    held.hand_back("force_released", events::Actor::Caller, Some(&detail), None)?;
    Ok(true)
}

/// Renews the user's lease of a task, so that nobody takes it over.
///
/// *Returns* true.
/// *Errors*: P0002 project or user unknown; 55000 the user does not hold the task; 42501 access denied.
/// *Locks*: the task's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn renew_lease(project_name: Option<&str>, user_id: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let task = required("task_id", task_id)?;
    locks::lock(locks::Key::Task(project, task));
    let worker = Worker::find(project, user)?;
    access::require_binding(project, user, worker.bound_role)?;
    match worker.renew(task)? {
        Some(_) => Ok(true),
        None => Err(not_held(project, user, task)?.into()),
    }
}

/// A task and its holder, as read under the task's key.
pub struct HeldTask<'a> {
    pub project: &'a str,
    user: Rc<str>,
    pub task_id: &'a str,
    pub user_no: i32,
    bound_role: Option<pg_sys::Oid>,
    pub task_no: i64,
    pub task_type: Rc<TaskType>,
    pub fence: i64,
    leased_at: Instant,
    started_at: Option<Instant>,
    attempt: i32,
    pub instance: Option<String>,
    expires_at: Option<Instant>,
    pub now: Instant,
    /// Keeps the places valid.
    _snapshot: Rc<Snapshot>,
    lease_place: Place,
    pub task_row: TaskRow,
}

/// How a task ended, and what is kept of it.
pub struct Outcome<'o> {
    pub status: &'o str,
    pub note: Option<&'o str>,
    /// What the worker made of it; kept as it is if there is none.
    pub result: Option<Jsonb>,
}

impl<'a> HeldTask<'a> {
    /// Errors: P0002 or 55000 if the user does not hold the task.
    fn find(project: &'a str, user: &'a str, task_id: &'a str) -> Result<Self, Error> {
        match Self::look_up(project, user, task_id)? {
            Some(held) => Ok(held),
            None => Err(not_held(project, user, task_id)?),
        }
    }

    fn look_up(project: &'a str, user: &'a str, task_id: &'a str) -> Result<Option<Self>, Error> {
        let snapshot = Snapshot::latest();
        let users = Table::open(c"project_user");
        let keys = &mut [Key::text(project_user::PROJECT_NAME, project), Key::text(project_user::USER_ID, user)];
        let mut scan = users.scan(c"project_user_user_id_key", &snapshot, keys);
        let Some(row) = scan.next() else { return Ok(None) };
        let user_no = row.get(project_user::USER_NO)?;
        let bound_role = row.find(project_user::BOUND_ROLE);
        let leases = Table::open(c"lease");
        let keys = &mut [Key::text(lease::PROJECT_NAME, project), Key::int4(lease::USER_NO, user_no)];
        let mut scan = leases.scan(c"lease_user_idx", &snapshot, keys);
        while let Some(row) = scan.next() {
            if row.get::<String>(lease::TASK_ID)? != task_id {
                continue;
            }
            let tasks = Table::open(c"task");
            let Some(task) = TaskRow::find(project, row.get(lease::TASK_NO)?, &tasks, &snapshot)? else {
                return Ok(None);
            };
            let task_type = Rc::new(TaskType::find(project, task.task_type.clone(), &snapshot)?);
            let at = (Rc::new(snapshot), clock::now()?);
            return Self::read((project, task_id), (user.into(), bound_role), &row, (task, task_type), at).map(Some);
        }
        Ok(None)
    }

    /// `row` is its lease.
    fn read(
        (project, task_id): (&'a str, &'a str),
        (user, bound_role): Holder,
        row: &Row,
        (task_row, task_type): (TaskRow, Rc<TaskType>),
        (snapshot, now): (Rc<Snapshot>, Instant),
    ) -> Result<Self, Error> {
        Ok(Self {
            project,
            user,
            task_id,
            user_no: row.get(lease::USER_NO)?,
            bound_role,
            task_no: task_row.task_no,
            task_type,
            fence: row.get(lease::FENCE)?,
            leased_at: row.get(lease::LEASED_AT)?,
            started_at: row.find(lease::STARTED_AT),
            attempt: row.get(lease::ATTEMPT)?,
            instance: row.find(lease::INSTANCE),
            expires_at: row.find(lease::EXPIRES_AT),
            now,
            lease_place: row.place(),
            task_row,
            _snapshot: snapshot,
        })
    }

    /// Errors: 42501 if the caller may not act as the holder.
    pub fn require_binding(&self) -> Result<(), Error> {
        access::require_binding(self.project, &self.user, self.bound_role)
    }

    /// Whether its completion decides about what it is a copy of.
    pub fn settles_original(&self) -> bool {
        self.task_row.original_no.is_some() && !self.task_row.is_check
    }

    /// Completes it with all that follows. The caller also holds the key of what it is a copy of, if it settles that.
    pub fn complete(self, outcome: Outcome) -> Result<(), Error> {
        tasks::require_status_allowed(outcome.status, &self.task_type.name, &self.task_type.completion_statuses)?;
        let held = self.verify(outcome.status)?;
        match held.task_row.original_no {
            None => held.complete_own(&outcome)?,
            Some(_) if held.task_row.is_check => return held.complete_check(&outcome),
            Some(original_no) => held.complete_copy(original_no, &outcome)?,
        }
        match &held.task_type.golden_percent {
            Some(golden_percent) => golden::check_some(&held.completion(), golden_percent),
            None => Ok(()),
        }
    }

    fn complete_own(&self, outcome: &Outcome) -> Result<(), Error> {
        self.write_and_satisfy(outcome)?;
        match &self.task_type.completion_handler {
            Some(handler) => handlers::complete(self.project, handler, self.task_id, outcome.status),
            None => Ok(()),
        }
    }

    fn write_and_satisfy(&self, outcome: &Outcome) -> Result<(), Error> {
        match self.write_completion(outcome)? {
            true => satisfaction::satisfy(self.project, self.task_no, outcome.status, self.now),
            false => Ok(()),
        }
    }

    /// The effects of a completion are those of the original, whose row is locked first.
    fn complete_copy(&self, original_no: i64, outcome: &Outcome) -> Result<(), Error> {
        let project = self.project;
        tasks::lock_rows(project, vec![original_no])?;
        overlap::require_unanswered(project, self.task_no, self.task_id, self.user_no, &self.user)?;
        let has_dependents = self.write_completion(outcome)?;
        satisfaction::lock_gates(project, &[original_no, self.task_no])?;
        if has_dependents {
            satisfaction::satisfy(project, self.task_no, outcome.status, self.now)?;
        }
        overlap::settle(project, original_no, self.now)
    }

    /// Whether its lease is over, which those of `start_task` never are.
    pub fn has_ended(&self) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= self.now)
    }

    /// Locks its row and gate if nobody else has them.
    pub fn try_lock_rows(&self) -> Result<bool, Error> {
        Ok(tasks::try_lock_row(self.project, self.task_no)?
            && !ready::try_lock_gates(self.project, vec![self.task_no])?.is_empty())
    }

    /// Locks the row of what it is a copy of, before its own is changed. The caller holds the key of that, too.
    pub fn lock_original(&self) -> Result<(), Error> {
        match self.task_row.original_no {
            Some(original_no) if self.settles_original() => tasks::lock_rows(self.project, vec![original_no]),
            _ => Ok(()),
        }
    }

    /// Lets what it is a copy of follow once it has ended without a completion.
    pub fn settle_original(&self) -> Result<(), Error> {
        match self.task_row.original_no {
            Some(original_no) if self.settles_original() => {
                satisfaction::lock_gates(self.project, &[original_no, self.task_no])?;
                overlap::settle(self.project, original_no, self.now)
            }
            _ => Ok(()),
        }
    }

    /// Nothing follows from the answer to a check but the user's score.
    fn complete_check(&self, outcome: &Outcome) -> Result<(), Error> {
        self.write_and_satisfy(outcome)?;
        golden::judge(&self.completion())
    }

    fn completion(&self) -> golden::Completion<'_> {
        golden::Completion {
            project: self.project,
            task_id: self.task_id,
            task_type: &self.task_type.name,
            user: &self.user,
            user_no: self.user_no,
            is_of_copy: self.task_row.original_no.is_some(),
            now: self.now,
        }
    }

    /// Asks the verification handler, if there is one. It may have changed the task or its lease.
    /// Errors: 55000 if it refuses, or the lease has been lost to it.
    fn verify(self, status: &str) -> Result<Self, Error> {
        let Some(handler) = &self.task_type.verification_handler else { return Ok(self) };
        let verdict = handlers::verify(self.project, handler, self.task_id, status)?;
        if !verdict.passed {
            return Err(Error::VerificationFailed(verdict.message));
        }
        match Self::look_up_token(self.project, self.task_id, self.fence)? {
            Some(held) => Ok(held),
            None => Err(not_held(self.project, &self.user, self.task_id)?),
        }
    }

    /// Ends the lease and completes the task with the conversations that it was claimed with; whether other tasks depend on it.
    fn write_completion(&self, outcome: &Outcome) -> Result<bool, Error> {
        let (project, task_no) = (self.project.into_datum(), self.task_no.into_datum());
        let (user_no, now) = (self.user_no.into_datum(), self.now.into_datum());
        self.end_lease()?;
        let (has_dependents, [from_key, to_key]) = self.write_outcome(outcome, &Table::open(c"task"))?;
        let log = Table::open(c"event");
        let kind = log.label(event::KIND, c"completed");
        let (number, status, instance) = (events::next_number(), outcome.status.into_datum(), self.instance_datum());
        let number_datum = number.into_datum();
        log.insert(&[
            project,
            task_no,
            number_datum,
            now,
            kind,
            user_no,
            None,
            status,
            from_key,
            to_key,
            None,
            instance,
        ]);
        rows::finish();
        notifications::announce(self.project, "completed", &[number])?;
        if self.task_row.has_conversations {
            conversations::process(self.project, self.task_no, self.fence, self.now)?;
        }
        Ok(has_dependents)
    }

    /// Changes the task's row, in `task_mgmt.task`, to say how it ended; whether other tasks depend on it, and what it was and is
    /// counted under.
    fn write_outcome(&self, outcome: &Outcome, table: &Table) -> Result<(bool, CountKeys), Error> {
        let (user_no, now) = (self.user_no.into_datum(), self.now.into_datum());
        let result = outcome.result.clone().into_datum();
        let keys = Cell::new([None; 2]);
        let has_dependents = self.update_row(table, |values| {
            let from_key = values[task::COUNTED_KEY as usize - 1];
            let to_key = completed_key(values).into_datum();
            keys.set([from_key, to_key]);
            let mut set = |column: i16, value| values[column as usize - 1] = value;
            set(task::STATUS, table.label(task::STATUS, c"completed"));
            set(task::COMPLETION_STATUS, outcome.status.into_datum());
            set(task::COMPLETED_USER_NO, user_no);
            set(task::COMPLETED_AT, now);
            set(task::ERROR, None);
            set(task::EXPIRES_AT, None);
            set(task::OPEN_KEY, None);
            set(task::COUNTED_KEY, to_key);
            if result.is_some() {
                set(task::RESULT, result);
            }
            if let Some(note) = outcome.note {
                set(task::NOTE, note.into_datum());
            }
        })?;
        Ok((has_dependents, keys.get()))
    }

    fn instance_datum(&self) -> Option<pg_sys::Datum> {
        self.instance.as_deref().and_then(|instance| instance.into_datum())
    }

    /// Deletes the lease, which the task's key keeps from changing, and gives back what it counted as.
    pub fn end_lease(&self) -> Result<(), Error> {
        self.delete_lease(&Table::open(c"lease"))?;
        limits::free(self.project, &[self.task_no])
    }

    /// Deletes the lease only, in `task_mgmt.lease`.
    fn delete_lease(&self, table: &Table) -> Result<(), Error> {
        match table.delete(self.lease_place)? {
            true => Ok(()),
            false => Err(Error::Internal(format!("the lease of task {} has changed", self.task_id))),
        }
    }

    /// Changes the task's row, waiting for whoever has locked it to add dependencies, and keeps the times of the lease;
    /// whether other tasks depend on it.
    pub fn update_task(&self, change: impl Fn(&Table, &mut [Option<pg_sys::Datum>])) -> Result<bool, Error> {
        let table = &Table::open(c"task");
        self.update_row(table, |values| change(table, values))
    }

    /// The same in `task_mgmt.task`.
    fn update_row(&self, table: &Table, change: impl Fn(&mut [Option<pg_sys::Datum>])) -> Result<bool, Error> {
        let mut row = self.task_row.clone();
        let mut snapshot;
        loop {
            let first_start = &mut row.values[task::FIRST_START_TS as usize - 1];
            *first_start = first_start.or(self.started_at.into_datum());
            row.values[task::LAST_LEASED_TS as usize - 1] = self.leased_at.into_datum();
            row.values[task::ATTEMPTS as usize - 1] = self.attempt.into_datum();
            if let Some(instance) = &self.instance {
                row.values[task::INSTANCE as usize - 1] = instance.as_str().into_datum();
            }
            change(&mut row.values);
            if table.update(row.place, &row.values)? {
                return Ok(row.has_dependents);
            }
            snapshot = Snapshot::latest();
            row = TaskRow::find(self.project, self.task_no, table, &snapshot)?
                .ok_or_else(|| Error::Internal(format!("task {} is gone", self.task_id)))?;
        }
    }

    pub fn hand_back(
        &self,
        kind: &'static str,
        actor: events::Actor,
        detail: Option<&str>,
        note: Option<&str>,
    ) -> Result<(), Error> {
        self.end_lease()?;
        self.update_task(|_, values| {
            if let Some(note) = note {
                values[task::NOTE as usize - 1] = note.into_datum();
            }
        })?;
        rows::finish();
        events::append(self.project, &[self.task_no], kind, actor, detail, self.now)?;
        following::follow(self.project, &[self.task_no])?;
        ready::offer(self.project, &[self.task_no])
    }
}

/// As values of an event.
type CountKeys = [Option<pg_sys::Datum>; 2];

/// What a task is counted under once it is completed.
fn completed_key(values: &[Option<pg_sys::Datum>]) -> i16 {
    let priority = values[task::PRIORITY as usize - 1];
    // SAFETY: the column is an integer that is never null.
    let priority = unsafe { i32::from_datum(priority.unwrap_or(pg_sys::Datum::null()), priority.is_none()) };
    tally::key("completed", priority.unwrap_or_default(), values[task::ASSIGNED_USER_NO as usize - 1].is_some())
}

/// A row of `task_mgmt.task`, as a snapshot saw it.
#[derive(Clone)]
pub struct TaskRow {
    place: Place,
    values: Vec<Option<pg_sys::Datum>>,
    task_no: i64,
    task_type: String,
    has_dependents: bool,
    has_conversations: bool,
    original_no: Option<i64>,
    is_check: bool,
    pub failures: i32,
    pub max_attempts: Option<i32>,
    pub backoff: Option<Jsonb>,
}

impl TaskRow {
    fn find(project: &str, task_no: i64, table: &Table, snapshot: &Snapshot) -> Result<Option<Self>, Error> {
        let keys = &mut [Key::text(task::PROJECT_NAME, project), Key::int8(task::TASK_NO, task_no)];
        let mut scan = table.scan(c"task_pkey", snapshot, keys);
        scan.next().map(|row| Self::read(&row)).transpose()
    }

    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            place: row.place(),
            values: row.values(),
            task_no: row.get(task::TASK_NO)?,
            task_type: row.get(task::TASK_TYPE)?,
            has_dependents: row.get(task::HAS_DEPENDENTS)?,
            has_conversations: row.get(task::HAS_CONVERSATIONS)?,
            original_no: row.find(task::ORIGINAL_NO),
            is_check: row.get(task::IS_CHECK)?,
            failures: row.get(task::FAILURES)?,
            max_attempts: row.find(task::MAX_ATTEMPTS),
            backoff: row.find(task::BACKOFF),
        })
    }
}

/// What a task type says of completing its tasks.
pub struct TaskType {
    name: String,
    pub completion_statuses: Vec<String>,
    verification_handler: Option<String>,
    completion_handler: Option<String>,
    golden_percent: Option<String>,
    pub max_attempts: Option<i32>,
    pub backoff: Option<Jsonb>,
}

impl TaskType {
    fn find(project: &str, name: String, snapshot: &Snapshot) -> Result<Self, Error> {
        let table = Table::open(c"task_type");
        let keys = &mut [Key::text(task_type::PROJECT_NAME, project), Key::text(task_type::TASK_TYPE, &name)];
        let mut scan = table.scan(c"task_type_pkey", snapshot, keys);
        match scan.next() {
            Some(row) => Ok(Self {
                completion_statuses: row.get(task_type::COMPLETION_STATUSES)?,
                verification_handler: row.find(task_type::VERIFICATION_HANDLER),
                completion_handler: row.find(task_type::COMPLETION_HANDLER),
                golden_percent: Some(row.text(task_type::GOLDEN_PERCENT)).filter(|percent| !percent.is_empty()),
                max_attempts: row.find(task_type::MAX_ATTEMPTS),
                backoff: row.find(task_type::BACKOFF),
                name,
            }),
            None => Err(Error::TaskOfUnknownType { project: project.into(), task_type: name }),
        }
    }
}

/// Refuses a release by a user who does not hold the task, unless it repeats the one that ended it: a client that got no
/// answer asks again. The caller holds the task's key. Errors: as `not_held`.
fn require_repeated(project: &str, user: &str, task_id: &str, status: &str) -> Result<(), Error> {
    let refusal = not_held(project, user, task_id)?;
    let found = sql!(
        "select u.user_no, u.bound_role::oid, t.task_no, t.completion_status,
            coalesce(t.completed_user_no = u.user_no, false) and not t.is_concluded
        from task_mgmt.project_user u
        join task_mgmt.task t on t.project_name = $1 and t.task_id = $3
        where u.project_name = $1 and u.user_id = $2"
    )
    .first(&[project.into(), user.into(), task_id.into()], |row| {
        let (user_no, bound_role): (i32, Option<pg_sys::Oid>) = (row.get(1)?, row.find(2)?);
        Ok((user_no, bound_role, row.get(3)?, row.get::<String>(4)?, row.get(5)?))
    })?;
    let Some((user_no, bound_role, task_no, completed_as, is_completer)) = found else { return Err(refusal) };
    let is_repeated = match is_completer {
        true if completed_as != status => {
            return Err(Error::CompletedOtherwise {
                error: refusal.into(),
                task: task_id.into(),
                status: completed_as,
            });
        }
        true => true,
        false if status.is_empty() => {
            let last = events::last_turns(project, task_no)?.into_iter().next();
            last.is_some_and(|turn| turn.kind == "handed_back" && turn.user_no == Some(user_no))
        }
        false => false,
    };
    match is_repeated {
        true => access::require_binding(project, user, bound_role),
        false => Err(refusal),
    }
}

/// Why the user does not hold the task.
fn not_held(project: &str, user: &str, task_id: &str) -> Result<Error, Error> {
    let worker = Worker::find(project, user)?;
    Ok(match users::active_task(project, worker.user)? {
        None => Error::NoActiveTask { project: project.into(), user: user.into() },
        Some(active) => Error::NotTheActiveTask { user: user.into(), active, task: task_id.into() },
    })
}
