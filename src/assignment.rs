//! Starting tasks: what a user holds already, a task that was asked for, or the best one there is.

use std::cell::Cell;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events;
use crate::locks::{self, Key};
use crate::projects;
use crate::settings;
use crate::spi::sql;
use crate::takeover;
use crate::tasks;

/// Gives the user a task: the one that the user holds (its lease is renewed), the requested one, or the best one.
///
/// *Arguments*: without `task_id` the best task is chosen: assigned to the user, then available in a lane that the user
/// qualifies for, then idle for longer than the limit; within each the highest priority, then the oldest.
/// *Returns* the task id, or null if there is nothing to do.
/// *Errors*: P0002 project, user or task unknown; 55000 project or user not active, another task active, task completed,
/// cancelled or blocked; 55006 task held by or assigned to another; 42501 user not qualified, or access denied.
/// *Locks*: the user's key, then the task's; candidates whose key is taken are passed over.
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
        match (&worker.active_task, requested) {
            (Some(active), Some(requested)) if active != requested => {
                return Err(Error::OtherTaskActive { active: active.clone(), requested: requested.into() });
            }
            // A lease that is lost while we wait for the task is none any more: look again.
            (Some(active), _) => match worker.renew(active)? {
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
    pub active_task: Option<String>,
    pub active_since: Option<Instant>,
    /// The lanes that the user qualifies for.
    pub lanes: Vec<i32>,
    pub now: Instant,
}

/// A task that could be started when it was looked up; only a claim can tell whether it still can.
pub struct Candidate {
    pub task_id: String,
    pub task_no: i64,
    pub queue_no: i32,
    pub urgency: i32,
}

impl<'a> Worker<'a> {
    /// Errors: P0002 if the project or the user does not exist.
    pub fn find(project: &'a str, user: &'a str) -> Result<Self, Error> {
        let found = sql!(
            "select p.status::text, u.user_no, u.is_active, u.bound_role::oid, l.task_id, l.leased_at,
                array(
                    select a.lane_no
                    from task_mgmt.lane a
                    where a.project_name = $1 and a.task_type = any(u.qualified_task_types)
                        and (a.segment_type = '' or a.segment_type = any(u.qualified_segment_types))
                )
            from task_mgmt.project p
            left join task_mgmt.project_user u on u.project_name = $1 and u.user_id = $2
            left join task_mgmt.lease l on l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0
            where p.project_name = $1"
        )
        .all(&[project.into(), user.into()], |row| {
            let Some(user_no) = row.find(2)? else {
                return Err(Error::UserNotFound { project: project.into(), user: user.into() });
            };
            Ok(Self {
                project,
                user,
                user_no,
                project_status: row.get(1)?,
                is_active: row.get(3)?,
                bound_role: row.find(4)?,
                active_task: row.find(5)?,
                active_since: row.find(6)?,
                lanes: row.get(7)?,
                now: clock::now()?,
            })
        })?;
        let latest = found.into_iter().max_by_key(|worker| worker.active_since);
        latest.ok_or_else(|| Error::ProjectNotFound(project.into()))
    }

    pub fn require_active(&self) -> Result<(), Error> {
        if self.project_status != "active" {
            return Err(Error::ProjectNotActive { project: self.project.into(), status: self.project_status.clone() });
        }
        if !self.is_active {
            return Err(Error::UserNotActive(self.user.into()));
        }
        Ok(())
    }

    /// Renews the lease of the task if it is still this user's.
    pub fn renew(&self, task_id: &str) -> Result<bool, Error> {
        locks::lock(Key::Task(self.project, task_id));
        let renewed = sql!(
            "update task_mgmt.lease
            set leased_at = greatest(leased_at, $4)
            where project_name = $1 and task_id = $2 and user_no = $3 and user_no > 0"
        );
        let arguments = [self.project.into(), task_id.into(), self.user_no.into(), clock::now()?.into()];
        Ok(renewed.run(&arguments)? > 0)
    }

    fn start_requested(&self, task_id: &str) -> Result<String, Error> {
        locks::lock(Key::Task(self.project, task_id));
        let task = Requested::find(self, task_id)?;
        task.require_qualified(self)?;
        task.require_startable(self)?;
        match &task.held {
            Some(held) if held.user_no != self.user_no => takeover::take_requested(self, task_id, held)?,
            _ => {
                let candidate = Candidate {
                    task_id: task_id.into(),
                    task_no: task.task_no,
                    queue_no: task.queue_no,
                    urgency: task.urgency,
                };
                // A paused task is not in task_mgmt.ready, but may be started by name.
                if !self.claim(&candidate)? {
                    self.lease(&candidate)?;
                }
            }
        }
        Ok(task_id.into())
    }

    fn start_next(&self) -> Result<Option<String>, Error> {
        let queues = self.queues();
        let mut look = look();
        loop {
            let candidates = candidates(self.project, &queues, &self.lanes, look)?;
            let is_all = candidates.len() < look as usize;
            for (index, candidate) in candidates.into_iter().enumerate() {
                if self.try_claim(&candidate)? {
                    remember_look(index);
                    return Ok(Some(candidate.task_id));
                }
            }
            if is_all {
                return takeover::take_next(self);
            }
            look *= 4;
        }
    }

    /// The queues to look at: the user's own, which comes first, and the lanes.
    pub fn queues(&self) -> Vec<i32> {
        std::iter::once(-self.user_no).chain(self.lanes.iter().copied()).collect()
    }

    /// Claims the candidate unless somebody else is at it or has taken it.
    pub fn try_claim(&self, candidate: &Candidate) -> Result<bool, Error> {
        let key = Key::Task(self.project, &candidate.task_id);
        if !locks::try_lock(key) {
            return Ok(false);
        }
        let is_claimed = self.claim(candidate)?;
        if !is_claimed {
            locks::unlock(key);
        }
        Ok(is_claimed)
    }

    fn claim(&self, candidate: &Candidate) -> Result<bool, Error> {
        let claim = sql!(
            "with claimed as (
                delete from task_mgmt.ready
                where project_name = $1 and queue_no = $2 and urgency = $3 and task_no = $4
                returning task_no, task_id
            ), logged as (
                insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no)
                select $1, task_no, $5, $7, 'started', $6 from claimed
            )
            insert into task_mgmt.lease (project_name, task_no, user_no, fence, leased_at, started_at, task_id)
            select $1, task_no, $6, $5, $7, $7, task_id from claimed"
        );
        let claimed = claim.run(&[
            self.project.into(),
            candidate.queue_no.into(),
            candidate.urgency.into(),
            candidate.task_no.into(),
            events::next_number()?.into(),
            self.user_no.into(),
            self.now.into(),
        ])?;
        Ok(claimed > 0)
    }

    /// Leases a task that is not in `task_mgmt.ready` and whose row the caller has locked.
    fn lease(&self, task: &Candidate) -> Result<(), Error> {
        sql!(
            "with logged as (
                insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no)
                values ($1, $2, $3, $5, 'started', $4)
            )
            insert into task_mgmt.lease (project_name, task_no, user_no, fence, leased_at, started_at, task_id)
            values ($1, $2, $4, $3, $5, $5, $6)"
        )
        .run(&[
            self.project.into(),
            task.task_no.into(),
            events::next_number()?.into(),
            self.user_no.into(),
            self.now.into(),
            task.task_id.as_str().into(),
        ])?;
        Ok(())
    }
}

thread_local! {
    static PASSED_OVER: Cell<usize> = const { Cell::new(0) };
}

/// How many candidates to look at first: somewhat more than were passed over last time, because other claims were in flight.
pub fn look() -> i64 {
    (2 * PASSED_OVER.get() + 2).min(64) as i64
}

fn remember_look(passed_over: usize) {
    PASSED_OVER.set(passed_over);
}

/// The heads of the queues, best first: the user's own queue, then the lanes merged by urgency and age.
pub fn candidates(project: &str, queues: &[i32], lanes: &[i32], limit: i64) -> Result<Vec<Candidate>, Error> {
    sql!(
        "select r.task_id, r.task_no, r.queue_no, r.urgency
        from unnest($2) as queue (no)
        cross join lateral (
            select r.task_id, r.task_no, r.queue_no, r.urgency
            from task_mgmt.ready r
            where r.project_name = $1 and r.queue_no = queue.no and (queue.no > 0 or r.lane_no = any($3))
            order by r.urgency, r.task_no
            limit $4
        ) r
        order by r.queue_no > 0, r.urgency, r.task_no
        limit $4"
    )
    .all(&[project.into(), queues.to_vec().into(), lanes.to_vec().into(), limit.into()], |row| {
        Ok(Candidate { task_id: row.get(1)?, task_no: row.get(2)?, queue_no: row.get(3)?, urgency: row.get(4)? })
    })
}

/// A task asked for by name, as read under its key and with its row locked.
struct Requested {
    task_id: String,
    task_no: i64,
    task_type: String,
    segment_type: String,
    status: String,
    queue_no: i32,
    urgency: i32,
    assignee: Option<String>,
    is_blocked: bool,
    is_qualified_for_type: bool,
    is_qualified_for_segment: bool,
    held: Option<takeover::Held>,
}

impl Requested {
    fn find(worker: &Worker, task_id: &str) -> Result<Self, Error> {
        let task_no = tasks::lock_row(worker.project, task_id)?;
        let found = sql!(
            "select t.task_type, t.segment_type, t.status::text, coalesce(-t.assigned_user_no, t.lane_no), -t.priority,
                a.user_id, b.task_no is not null, t.task_type = any(u.qualified_task_types),
                t.segment_type = '' or t.segment_type = any(u.qualified_segment_types),
                l.user_no, h.user_id, l.fence, extract(epoch from $4 - l.leased_at)::float8,
                coalesce(y.max_idle_seconds, p.max_idle_seconds, $5)
            from task_mgmt.task t
            join task_mgmt.project p on p.project_name = $1
            join task_mgmt.project_user u on u.project_name = $1 and u.user_no = $3
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
            left join task_mgmt.project_user a on a.project_name = $1 and a.user_no = t.assigned_user_no
            left join task_mgmt.blocked b on b.project_name = $1 and b.task_no = t.task_no
            left join task_mgmt.lease l on l.project_name = $1 and l.task_no = t.task_no
            left join task_mgmt.project_user h on h.project_name = $1 and h.user_no = l.user_no
            where t.project_name = $1 and t.task_no = $2"
        )
        .first(
            &[
                worker.project.into(),
                task_no.into(),
                worker.user_no.into(),
                clock::now()?.into(),
                settings::max_idle_seconds().into(),
            ],
            |row| {
                let held = match row.find(10)? {
                    None => None,
                    Some(user_no) => Some(takeover::Held {
                        task_no,
                        user_no,
                        user_id: row.get(11)?,
                        fence: row.get(12)?,
                        idle_seconds: row.get(13)?,
                        limit_seconds: row.get(14)?,
                    }),
                };
                Ok(Self {
                    task_id: task_id.into(),
                    task_no,
                    task_type: row.get(1)?,
                    segment_type: row.get(2)?,
                    status: row.get(3)?,
                    queue_no: row.get(4)?,
                    urgency: row.get(5)?,
                    assignee: row.find(6)?,
                    is_blocked: row.get(7)?,
                    is_qualified_for_type: row.get(8)?,
                    is_qualified_for_segment: row.get(9)?,
                    held,
                })
            },
        )?;
        found.ok_or_else(|| Error::TaskNotFound { project: worker.project.into(), task: task_id.into() })
    }

    fn require_qualified(&self, worker: &Worker) -> Result<(), Error> {
        let user = worker.user.to_owned();
        if !self.is_qualified_for_type {
            return Err(Error::NotQualifiedForType { user, task_type: self.task_type.clone() });
        }
        if !self.is_qualified_for_segment {
            return Err(Error::NotQualifiedForSegment { user, segment_type: self.segment_type.clone() });
        }
        Ok(())
    }

    fn require_startable(&self, worker: &Worker) -> Result<(), Error> {
        let task = self.task_id.clone();
        if self.status != "queued" {
            return Err(Error::TaskFinished { task, status: self.status.clone() });
        }
        if self.is_blocked {
            return Err(tasks::blocked(worker.project, &self.task_id)?);
        }
        match &self.assignee {
            Some(assignee) if assignee != worker.user => {
                Err(Error::AssignedToAnother { task, assignee: assignee.clone() })
            }
            _ => Ok(()),
        }
    }
}
