//! Starting tasks: what a user holds already, a task that was asked for, or the best one there is.

use std::ffi::CStr;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::candidates::{Candidate, Candidates};
use crate::clock::{self, Instant};
use crate::columns::{event, lease, project, project_user};
use crate::eligibility::Requested;
use crate::error::Error;
use crate::events::{self, notifications};
use crate::expiry;
use crate::limits::running::{self, Occupation};
use crate::limits::{Limit, Sort};
use crate::locks::{self, Key};
use crate::neuroglancer::expansion;
use crate::overlap::{self, HandOut};
use crate::projects;
use crate::qualifications::Qualifications;
use crate::ready;
use crate::rows::{self, Snapshot, Table};
use crate::spi::sql;
use crate::takeover;
use crate::tasks;
use crate::waiting;

/// Gives the user a task: the one that the user holds (its lease is renewed), the requested one, or the best one.
///
/// *Arguments*: without `task_id` the best task is chosen: assigned to the user, then available in a lane that the user
/// qualifies for, then idle for longer than the limit; within each the highest priority, then the oldest.
/// *Effect*: an ng_state in the seed form is replaced by the state of its segment, see `expand_ng_state`.
/// Of a task with an overlap the user gets a copy, as long as there are fewer than the overlap says, and the task itself once they
/// are completed and disagree.
/// A user who may hold several tasks (see `create_user`) gets another one as long as they hold fewer.
/// *Returns* the id of the task or copy, or null if there is nothing to do.
/// *Errors*: P0002 project, user or task unknown; 55000 project or user not active, another task active, task completed,
/// cancelled or blocked; 53400 the user holds as many tasks as they may, or a limit of running tasks is reached (see `set_limit`); 55006 task held by or assigned to another; 42501 user not qualified, or has worked on another copy, or access denied.
/// *Locks*: the user's key, then the task's; of a copy that is handed out also the original's. Candidates whose key is taken are
/// passed over, but for tasks with an overlap, if there is nothing else.
/// *Source*: annotation reference 7, 8.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn start_task(
    project_name: Option<&str>,
    user_id: Option<&str>,
    task_id: default!(Option<&str>, "NULL"),
) -> Result<Option<String>, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    locks::lock(Key::User(project, user));
    Ok(start(project, user, task_id)?)
}

/// `start_task` for a caller that has locked the user's key.
pub fn start(project: &str, user: &str, requested: Option<&str>) -> Result<Option<String>, Error> {
    loop {
        let worker = Worker::find(project, user)?;
        access::require_binding(project, user, worker.bound_role)?;
        if let Some(task_id) = requested.filter(|_| worker.capacity != Some(1))
            && worker.resume(task_id)?
        {
            return Ok(Some(task_id.into()));
        }
        match (&worker.active_task, requested) {
            (Some(active), Some(requested)) if active != requested => {
                return Err(worker.no_room(active, requested));
            }
            (Some(active), None) if worker.capacity != Some(1) => return Err(worker.no_room(active, "")),
            // A lease that is lost while we wait for the task is none any more: look again.
            (Some(active), _) => match worker.resume(active)? {
                true => return Ok(Some(active.clone())),
                false => continue,
            },
            (None, requested) => {
                worker.require_active()?;
                return match requested {
                    Some(requested) => worker.start_requested(requested).map(Some),
                    None => worker.start_next(),
                };
            }
        }
    }
}

/// A user who asks for work, as read under the user's key.
pub struct Worker<'a> {
    pub project: &'a str,
    pub user: &'a str,
    pub user_no: i32,
    pub is_active: bool,
    pub bound_role: Option<pg_sys::Oid>,
    pub project_status: String,
    /// Which limits the project sets on how many tasks may run or wait; None for no limits.
    pub limits_no: Option<i64>,
    /// How many tasks the user may hold; None for any number.
    pub capacity: Option<i32>,
    /// How many the user holds; not counted for who may hold any number.
    pub held_count: i32,
    /// What the user holds if that is as much as they may; of several tasks the one leased last.
    pub active_task: Option<String>,
    pub active_since: Option<Instant>,
    pub qualifications: Qualifications,
    /// The lanes that the user qualifies for.
    pub lanes: Vec<i32>,
    pub now: Instant,
}

impl<'a> Worker<'a> {
    /// Errors: P0002 if the project or the user does not exist.
    pub fn find(project: &'a str, user: &'a str) -> Result<Self, Error> {
        let snapshot = &Snapshot::latest();
        let projects = Table::open_to_read(c"project");
        let mut scan = projects.scan(c"project_pkey", snapshot, &mut [rows::Key::text(project::PROJECT_NAME, project)]);
        let row = scan.next().ok_or_else(|| Error::ProjectNotFound(project.into()))?;
        let project_status = row.text(project::STATUS);
        let limits_no = row.find(project::LIMITS_NO);
        let users = Table::open_to_read(c"project_user");
        let keys =
            &mut [rows::Key::text(project_user::PROJECT_NAME, project), rows::Key::text(project_user::USER_ID, user)];
        let mut scan = users.scan(c"project_user_user_id_key", snapshot, keys);
        let not_found = || Error::UserNotFound { project: project.into(), user: user.into() };
        let row = scan.next().ok_or_else(not_found)?;
        let user_no = row.get(project_user::USER_NO)?;
        let capacity = row.find(project_user::CAPACITY);
        let (held_count, latest) = match capacity {
            None => (0, None),
            Some(_) => held_tasks(project, user_no, snapshot)?,
        };
        let held = latest.filter(|_| capacity.is_some_and(|capacity| held_count >= capacity));
        let now = clock::now()?;
        let qualifications = Qualifications::of(project, &row, now)?;
        Ok(Self {
            project,
            user,
            user_no,
            project_status,
            limits_no,
            is_active: row.get(project_user::IS_ACTIVE)?,
            bound_role: row.find(project_user::BOUND_ROLE),
            capacity,
            held_count,
            active_since: held.as_ref().map(|held| held.leased_at),
            active_task: held.map(|held| held.task_id),
            lanes: qualifications.lanes(snapshot)?,
            qualifications,
            now,
        })
    }

    pub fn require_active(&self) -> Result<(), Error> {
        match self.project_status == "active" && self.is_active {
            true => Ok(()),
            false => Err(self.inactive()),
        }
    }

    /// The error for a user who holds as much as they may.
    pub fn no_room(&self, active: &str, requested: &str) -> Error {
        match self.capacity {
            Some(capacity @ 2..) => Error::AtCapacity { user: self.user.into(), capacity },
            _ => Error::OtherTaskActive { active: active.into(), requested: requested.into() },
        }
    }

    /// The error for a user who gets no tasks, or whose project hands out none.
    pub fn inactive(&self) -> Error {
        match self.project_status.as_str() {
            "active" => Error::UserNotActive(self.user.into()),
            status => Error::ProjectNotActive { project: self.project.into(), status: status.into() },
        }
    }

    /// Starts the task again if its lease is still this user's.
    pub fn resume(&self, task_id: &str) -> Result<bool, Error> {
        match self.renew(task_id)? {
            Some(task_no) => expansion::expand_started(self, task_no).map(|()| true),
            None => Ok(false),
        }
    }

    /// Renews the lease of the task if it is still this user's; its number.
    pub fn renew(&self, task_id: &str) -> Result<Option<i64>, Error> {
        locks::lock(Key::Task(self.project, task_id));
        let renewed = sql!(
            "update task_mgmt.lease l
            set leased_at = greatest(l.leased_at, $4), started_at = coalesce(l.started_at, $4),
                expires_at = l.expires_at + (greatest(l.leased_at, $4) - l.leased_at)
            where l.project_name = $1 and l.task_id = $2 and l.user_no = $3 and l.user_no > 0
            returning l.task_no"
        );
        let arguments = [self.project.into(), task_id.into(), self.user_no.into(), clock::now()?.into()];
        renewed.first(&arguments, |row| row.get(1))
    }

    fn start_requested(&self, task_id: &str) -> Result<String, Error> {
        locks::lock(Key::Task(self.project, task_id));
        tasks::lock_row(self.project, task_id)?;
        let task = Requested::find(self, task_id, clock::now()?)?;
        task.require_startable(self)?;
        if let Some(held) = &task.held {
            takeover::take_requested(self, task_id, held)?;
            return Ok(task_id.into());
        }
        if task.overlap > 1 {
            match overlap::hand_out(self, task.task_no, task_id, task.lane_no)? {
                HandOut::Given(copy) => return Ok(copy),
                HandOut::LimitReached(limit) => return Err(limit.refusal(Sort::Running)),
                HandOut::NoneLeft => {}
            }
        }
        running::require(self, task.lane_no, task.task_no)?;
        // A paused task is not in task_mgmt.ready, but may be started by name; so may one that is due, wherever it is.
        ready::withdraw(self.project, &[task.task_no])?;
        waiting::end_delays(self.project, &[task.task_no])?;
        self.take(&Taken { task_no: task.task_no, task_id, attempts: task.attempts }, task.has_seed_state)?;
        Ok(task_id.into())
    }

    fn start_next(&self) -> Result<Option<String>, Error> {
        // Whoever has freed tasks has locked their gates, and waits for nobody's key from there on.
        let mut wait = if waiting::free_due(self.project, self.now)? > 0 { Wait::No } else { Wait::Yes };
        let (ready, snapshot) = (Table::open(c"ready"), Snapshot::latest());
        let mut candidates = Candidates::new(self, &ready, &snapshot)?;
        let mut busy = vec![];
        while let Some(candidate) = candidates.next()? {
            match self.try_claim(&candidate, &ready)? {
                Claim::Given(task_id) => return Ok(Some(task_id)),
                Claim::Busy => busy.push(candidate),
                Claim::Missed => {}
                Claim::Overtaken => wait = Wait::No,
                Claim::LimitReached(limit) if limit.is_for_all_tasks() => break,
                Claim::LimitReached(_) => candidates.close(candidate.lane_no),
            }
        }
        if expiry::expire_met(self, &candidates)? {
            wait = Wait::No;
        }
        for candidate in busy {
            match self.claim_shared(&candidate, wait)? {
                Claim::Given(task_id) => return Ok(Some(task_id)),
                Claim::Overtaken => wait = Wait::No,
                Claim::Busy | Claim::Missed | Claim::LimitReached(_) => {}
            }
        }
        takeover::take_next(self)
    }

    /// Claims the candidate unless somebody else is at it or has taken it.
    pub fn try_claim(&self, candidate: &Candidate, ready: &Table) -> Result<Claim, Error> {
        if candidate.is_shared {
            return self.claim_shared(candidate, Wait::No);
        }
        let key = Key::Task(self.project, &candidate.task_id);
        if !locks::try_lock(key) {
            return Ok(Claim::Missed);
        }
        let task_no = candidate.rank.task_no;
        let occupied = match running::occupy(self, candidate.lane_no, task_no)? {
            Occupation::Occupied(occupied) => occupied,
            Occupation::Refused(limit) => {
                locks::unlock(key);
                return Ok(Claim::LimitReached(limit));
            }
        };
        // The row of a task is locked before its place among the ready ones; whoever has it may be waiting for that place.
        if candidate.has_seed_state && !tasks::try_lock_row(self.project, task_no)? {
            occupied.give_back()?;
            locks::unlock(key);
            return Ok(Claim::Missed);
        }
        if !ready.try_delete(candidate.place)? {
            occupied.give_back()?;
            locks::unlock(key);
            return Ok(if candidate.has_seed_state { Claim::Overtaken } else { Claim::Missed });
        }
        self.take(&candidate.taken(), candidate.has_seed_state)?;
        Ok(Claim::Given(candidate.task_id.clone()))
    }

    /// The same for an original, of which the user gets a copy or the decision, or for a copy. Whoever is at it may be taking
    /// another copy, so it may be worth waiting for.
    pub fn claim_shared(&self, candidate: &Candidate, wait: Wait) -> Result<Claim, Error> {
        let (task_no, task_id) = (candidate.rank.task_no, candidate.task_id.as_str());
        let key = Key::Task(self.project, task_id);
        match wait {
            Wait::No if !locks::try_lock(key) => return Ok(Claim::Busy),
            Wait::No => {}
            Wait::Yes => locks::lock(key),
        }
        if let Some(limit) = running::reached(self, candidate.lane_no)? {
            locks::unlock(key);
            return Ok(Claim::LimitReached(limit));
        }
        if !ready::hold(self, task_no)? {
            locks::unlock(key);
            return Ok(Claim::Missed);
        }
        if !overlap::is_answered(self, task_no)? {
            match overlap::hand_out(self, task_no, task_id, candidate.lane_no)? {
                HandOut::Given(copy) => return Ok(Claim::Given(copy)),
                HandOut::NoneLeft if self.take_original(candidate)? => return Ok(Claim::Given(task_id.into())),
                HandOut::NoneLeft | HandOut::LimitReached(_) => {}
            }
        }
        locks::unlock(key);
        Ok(Claim::Overtaken)
    }

    /// Gives the user an original, or a copy that came back, unless somebody is at it. The caller has locked its key.
    fn take_original(&self, candidate: &Candidate) -> Result<bool, Error> {
        let task_no = candidate.rank.task_no;
        let Occupation::Occupied(occupied) = running::occupy(self, candidate.lane_no, task_no)? else {
            return Ok(false);
        };
        if !tasks::try_lock_row(self.project, task_no)? {
            occupied.give_back()?;
            return Ok(false);
        }
        ready::withdraw(self.project, &[task_no])?;
        self.take(&candidate.taken(), true)?;
        Ok(true)
    }

    /// Gives the user a task whose key the caller has locked, that has its running slots, and that is not in `task_mgmt.ready`.
    pub fn take(&self, task: &Taken, may_have_seed_state: bool) -> Result<(), Error> {
        self.lease(task, c"started")?;
        match may_have_seed_state {
            true => expansion::expand_started(self, task.task_no),
            false => Ok(()),
        }
    }

    /// Leases a task whose key the caller has locked, that is not in `task_mgmt.ready`, and that has its running slots; the event says how it
    /// came to it. Returns the number of the event, which fences the lease.
    pub fn lease(&self, task: &Taken, kind: &CStr) -> Result<i64, Error> {
        let number = events::next_number();
        let project = self.project.into_datum();
        let (task_no, user_no, now) = (task.task_no.into_datum(), self.user_no.into_datum(), self.now.into_datum());
        let (task_id, attempt) = (task.task_id.into_datum(), (task.attempts + 1).into_datum());
        let leases = Table::open(c"lease");
        leases.insert(&[project, task_no, user_no, number.into_datum(), now, now, task_id, attempt, None, None]);
        let log = Table::open(c"event");
        let label = log.label(event::KIND, kind);
        log.insert(&[project, task_no, number.into_datum(), now, label, user_no, None, None, None, None, None, None]);
        rows::finish();
        running::leave_queue(self, &[task.task_no])?;
        notifications::announce(self.project, &kind.to_string_lossy(), &[number])?;
        Ok(number)
    }
}

/// A task that is taken.
pub struct Taken<'a> {
    pub task_no: i64,
    pub task_id: &'a str,
    /// How often it has been taken before.
    pub attempts: i32,
}

/// What came of claiming a candidate.
pub enum Claim {
    /// The user has this task now: the candidate, or a copy of it.
    Given(String),
    Missed,
    /// Missed, but the task's row or its place stays locked: from here on the caller may wait for nobody.
    Overtaken,
    /// Somebody else is at a task that several users may get something of.
    Busy,
    /// As many tasks are running as this limit allows.
    LimitReached(Limit),
}

#[derive(Clone, Copy)]
pub enum Wait {
    Yes,
    No,
}

/// A lease that a user holds.
struct HeldLease {
    task_id: String,
    leased_at: Instant,
}

/// How many leases the user has, and the latest of them.
fn held_tasks(project: &str, user_no: i32, snapshot: &Snapshot) -> Result<(i32, Option<HeldLease>), Error> {
    let leases = Table::open_to_read(c"lease");
    let keys = &mut [rows::Key::text(lease::PROJECT_NAME, project), rows::Key::int4(lease::USER_NO, user_no)];
    let mut scan = leases.scan(c"lease_user_idx", snapshot, keys);
    let (mut count, mut latest): (i32, Option<HeldLease>) = (0, None);
    while let Some(row) = scan.next() {
        count += 1;
        let leased_at = row.get(lease::LEASED_AT)?;
        if latest.as_ref().is_none_or(|latest| latest.leased_at < leased_at) {
            latest = Some(HeldLease { task_id: row.get(lease::TASK_ID)?, leased_at });
        }
    }
    Ok((count, latest))
}
