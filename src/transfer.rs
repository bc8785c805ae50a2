//! Transferring tasks from a user who leaves to another one, or back to everybody.

use std::collections::HashSet;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::{Invalid, check_name};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::assignment::Worker;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::limits::following;
use crate::locks::{self, Key};
use crate::overlap;
use crate::projects;
use crate::ready;
use crate::spi::sql;
use crate::task_changes::end_leases;
use crate::task_types;
use crate::tasks;
use crate::users;

/// Gives the open tasks that are assigned to or held by a user to another one. What the user holds is taken from them and
/// assigned to the other, unless it is assigned to a third one. The user may go on to start others: see `deactivate_user`.
///
/// *Arguments*: `to_user` null gives them back to everybody; `task_type` is the only one to transfer, null for all;
/// `include_held` false leaves with the user what they hold, and only moves what is assigned; `skip_unqualified` true leaves
/// the tasks that `to_user` is not qualified for, or has worked on another copy of, where they are, instead of refusing all.
/// *Returns* an object of counts: transferred, held (how many of them were taken out of the user's hands), skipped.
/// *Errors*: P0002 project, user or task type unknown; 22023 both users are the same; 55000 `to_user` is deactivated; 42501
/// `to_user` may not have some of the tasks, or the caller is not a manager.
/// *Locks*: both users' keys, the tasks' keys, their rows and gates; with more than 64 tasks the project's key, alone.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn transfer_tasks(
    project_name: Option<&str>,
    from_user: Option<&str>,
    to_user: Option<&str>,
    task_type: default!(Option<&str>, "NULL"),
    include_held: default!(Option<bool>, true),
    skip_unqualified: default!(Option<bool>, false),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let from = required("from_user", from_user)?;
    check_name("from_user", from).map_err(Error::from)?;
    let to_user = to_user.filter(|user| !user.is_empty());
    let include_held = required("include_held", include_held)?;
    let skip_unqualified = required("skip_unqualified", skip_unqualified)?;
    access::require(Level::Manager, project)?;
    if to_user == Some(from) {
        return Err(Error::from(Invalid("to_user must be another one than from_user".into())).into());
    }
    let source = Source { project, from_no: users::find_no(project, from)?, task_type, include_held };
    source.require_known_type()?;
    let found = source.lock_tasks(from, to_user)?;
    let receiver = to_user.map(|to| Receiver::find(project, to)).transpose()?;
    let answered = match &receiver {
        Some(Receiver(worker)) => {
            let task_nos: Vec<i64> = found.iter().map(|task| task.task_no).collect();
            overlap::answered(project, &task_nos, worker.user_no)?
        }
        None => vec![],
    };
    let is_fit = |task: &Task| {
        let is_fit_for = |receiver: &Receiver| !answered.contains(&task.task_no) && receiver.is_qualified_for(task);
        !source.may_assign(task) || receiver.as_ref().is_none_or(is_fit_for)
    };
    let (tasks, unfit): (Vec<Task>, Vec<Task>) = found.into_iter().partition(is_fit);
    if let (false, Some(to)) = (unfit.is_empty() || skip_unqualified, to_user) {
        return Err(not_qualified(to, &unfit).into());
    }
    let held = hand_over(&source, from, &tasks, receiver.as_ref(), clock::now()?)?;
    Ok(sql!("select jsonb_build_object('transferred', $1, 'held', $2, 'skipped', $3)").value(&[
        (tasks.len() as i64).into(),
        (held as i64).into(),
        (unfit.len() as i64).into(),
    ])?)
}

/// Whose tasks, and which of them.
struct Source<'a> {
    project: &'a str,
    from_no: i32,
    task_type: Option<&'a str>,
    include_held: bool,
}

/// An open task.
struct Task {
    task_no: i64,
    task_id: String,
    task_type: String,
    segment_type: String,
    /// By the user, who is to lose it.
    is_held: bool,
    assigned_no: Option<i32>,
    min_level: i32,
}

impl Source<'_> {
    /// Errors: P0002.
    fn require_known_type(&self) -> Result<(), Error> {
        let Some(task_type) = self.task_type else { return Ok(()) };
        let known = sql!("select from task_mgmt.task_type where project_name = $1 and task_type = $2");
        match known.run(&[self.project.into(), task_type.into()])? {
            0 => Err(task_types::not_found(self.project, task_type)?),
            _ => Ok(()),
        }
    }

    /// The tasks, with all keys locked that their transfer needs. While both users' keys are locked nobody gives them another
    /// one to hold, but tasks may be assigned to them meanwhile: of those, only what was there before is taken.
    fn lock_tasks(&self, from: &str, to: Option<&str>) -> Result<Vec<Task>, Error> {
        let project = self.project;
        let assigned: HashSet<i64> = self.find_tasks()?.iter().map(|task| task.task_no).collect();
        if assigned.len() > locks::MOST_KEYS {
            projects::enter_alone(Level::Manager, Some(project))?;
            return self.find_tasks();
        }
        projects::enter(Level::Manager, Some(project))?;
        let users: Vec<Key> = [Some(from), to].into_iter().flatten().map(|user| Key::User(project, user)).collect();
        locks::lock_all(&users);
        let mut found = self.find_tasks()?;
        found.retain(|task| task.is_held || assigned.contains(&task.task_no));
        let keys: Vec<Key> = found.iter().map(|task| Key::Task(project, &task.task_id)).collect();
        locks::lock_all(&keys);
        let locked: HashSet<i64> = found.iter().map(|task| task.task_no).collect();
        tasks::lock_rows(project, locked.iter().copied().collect())?;
        found = self.find_tasks()?;
        found.retain(|task| locked.contains(&task.task_no));
        Ok(found)
    }

    /// In the order of their numbers.
    fn find_tasks(&self) -> Result<Vec<Task>, Error> {
        sql!(
            "select t.task_no, t.task_id, t.task_type, t.segment_type, l.task_no is not null, t.assigned_user_no,
                y.min_level
            from (
                select a.task_no
                from task_mgmt.task a
                where a.project_name = $1 and a.assigned_user_no = $2
                union
                select h.task_no
                from task_mgmt.lease h
                where h.project_name = $1 and h.user_no = $2 and h.user_no > 0 and $4
            ) as theirs
            join task_mgmt.task t on t.project_name = $1 and t.task_no = theirs.task_no
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
            left join task_mgmt.lease l on l.project_name = $1 and l.task_no = theirs.task_no and l.user_no = $2 and $4
            where t.status = 'queued' and ($3::text is null or t.task_type = $3)
            order by t.task_no"
        )
        .all(
            &[self.project.into(), self.from_no.into(), self.task_type.into(), self.include_held.into()],
            |row| {
                Ok(Task {
                    task_no: row.get(1)?,
                    task_id: row.get(2)?,
                    task_type: row.get(3)?,
                    segment_type: row.get(4)?,
                    is_held: row.get(5)?,
                    assigned_no: row.find(6)?,
                    min_level: row.get(7)?,
                })
            },
        )
    }

    /// What the user holds although it is assigned to somebody else stays with them.
    fn may_assign(&self, task: &Task) -> bool {
        task.assigned_no.is_none_or(|assigned_no| assigned_no == self.from_no)
    }
}

/// Who gets the tasks.
struct Receiver<'a>(Worker<'a>);

impl<'a> Receiver<'a> {
    /// Errors: P0002; 55000 the user is deactivated.
    fn find(project: &'a str, user: &'a str) -> Result<Self, Error> {
        let worker = Worker::find(project, user)?;
        match worker.is_active {
            true => Ok(Self(worker)),
            false => Err(Error::UserNotActive(user.into())),
        }
    }

    fn is_qualified_for(&self, task: &Task) -> bool {
        let qualifications = &self.0.qualifications;
        qualifications.has_task_type(&task.task_type, task.min_level)
            && qualifications.has_segment_type(&task.segment_type)
    }
}

/// Moves the tasks, whose keys are locked; how many of them the user held.
fn hand_over(
    source: &Source,
    from: &str,
    tasks: &[Task],
    receiver: Option<&Receiver>,
    now: Instant,
) -> Result<usize, Error> {
    let project = source.project;
    let (to, to_no) = receiver.map(|Receiver(worker)| (worker.user, worker.user_no)).unzip();
    let numbers = |wanted: &dyn Fn(&Task) -> bool| -> Vec<i64> {
        tasks.iter().filter(|task| wanted(task)).map(|task| task.task_no).collect()
    };
    let (all, held) = (numbers(&|_| true), numbers(&|task| task.is_held));
    let assigned = numbers(&|task| source.may_assign(task) && task.assigned_no != to_no);
    ready::withdraw(project, &all)?;
    end_leases(project, &held)?;
    sql!("update task_mgmt.task set assigned_user_no = $3 where project_name = $1 and task_no = any($2)").run(&[
        project.into(),
        assigned.clone().into(),
        to_no.into(),
    ])?;
    let reason = format!("from {from}: transferred to {}", to.unwrap_or("everybody"));
    events::append(project, &held, "force_released", Actor::Caller, Some(&reason), now)?;
    events::append(project, &assigned, "assigned", Actor::Caller, to, now)?;
    following::follow(project, &all)?;
    ready::offer(project, &all)?;
    Ok(held.len())
}

fn not_qualified(user: &str, tasks: &[Task]) -> Error {
    const MOST_NAMED: usize = 5;
    let describe = |task: &Task| match task.segment_type.as_str() {
        "" => format!("{} ({})", task.task_id, task.task_type),
        segment_type => format!("{} ({}, {segment_type})", task.task_id, task.task_type),
    };
    let named = tasks.iter().take(MOST_NAMED).map(describe).collect();
    Error::NotQualifiedForTasks { user: user.into(), count: tasks.len(), named }
}
