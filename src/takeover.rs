//! Takeover: a lease that was not renewed for the idle limit may be taken from its holder, from exactly the limit on.
//! Only the task's key is needed, because the lease is the only place that says who holds what.

use crate::assignment::Worker;
use crate::clock;
use crate::eligibility::{Facts, Rule, fact_columns, fact_tables};
use crate::error::Error;
use crate::events::{self, notifications};
use crate::limits::{Sort, following, running};
use crate::locks::{self, Key};
use crate::neuroglancer::expansion;
use crate::settings;
use crate::spi::sql;
use crate::tasks;

/// Somebody's lease.
pub struct Held {
    pub task_no: i64,
    pub user_id: String,
    pub fence: i64,
    pub idle_seconds: f64,
    pub limit_seconds: f64,
}

/// A task whose lease is idle.
pub struct Idle {
    pub task_id: String,
    pub is_assigned: bool,
    pub priority: i32,
    pub held: Held,
}

impl Held {
    /// The error for who wants the task, too.
    pub fn refusal(&self, task_id: &str) -> Error {
        Error::HeldByAnother {
            task: task_id.into(),
            holder: self.user_id.clone(),
            idle_seconds: self.idle_seconds,
            limit_seconds: self.limit_seconds,
        }
    }
}

/// Takes over an idle task whose key the caller has locked. Errors: 55006 if it cannot be taken after all; 53400.
pub fn take_requested(worker: &Worker, task_id: &str, held: &Held) -> Result<(), Error> {
    if let Some(limit) = running::reached_by_agent(worker)? {
        return Err(limit.refusal(Sort::Running));
    }
    match take(worker, held, Choice::ByName)? {
        true => Ok(()),
        false => Err(held.refusal(task_id)),
    }
}

/// Takes over the best idle task, or returns None.
pub fn take_next(worker: &Worker) -> Result<Option<String>, Error> {
    for task in idle_tasks(worker)? {
        if try_take(worker, &task)? {
            return Ok(Some(task.task_id));
        }
    }
    Ok(None)
}

/// Takes over the task unless somebody else is at it or it is no longer idle.
pub fn try_take(worker: &Worker, task: &Idle) -> Result<bool, Error> {
    let key = Key::Task(worker.project, &task.task_id);
    if running::reached_by_agent(worker)?.is_some() || !locks::try_lock(key) {
        return Ok(false);
    }
    let is_taken = take(worker, &task.held, Choice::Automatic)?;
    if !is_taken {
        locks::unlock(key);
    }
    Ok(is_taken)
}

/// The idle tasks that the user may take over once they hold nothing, best first.
pub fn idle_tasks(worker: &Worker) -> Result<Vec<Idle>, Error> {
    let idle = sql!(concat!(
        "select ",
        fact_columns!(),
        ", t.task_id, l.task_no, h.user_id, l.fence, idle.seconds, idle.limit_seconds,
            t.assigned_user_no is not null, t.priority
        from ",
        fact_tables!(),
        "join task_mgmt.project_user h on h.project_name = $1 and h.user_no = l.user_no
        where t.project_name = $1 and l.project_name = $1 and l.user_no <> $2
            and idle.seconds >= idle.limit_seconds
        order by t.assigned_user_no nulls last, t.priority desc, t.task_no"
    ))
    .all(
        &[worker.project.into(), worker.user_no.into(), worker.now.into(), settings::max_idle_seconds().into()],
        |row| {
            let held = Held {
                task_no: row.get(17)?,
                user_id: row.get(18)?,
                fence: row.get(19)?,
                idle_seconds: row.get(20)?,
                limit_seconds: row.get(21)?,
            };
            let task = Idle { task_id: row.get(16)?, is_assigned: row.get(22)?, priority: row.get(23)?, held };
            Ok((Facts::from_row(row)?, task))
        },
    )?;
    let may_take = |facts: &Facts| {
        let mut rules = Rule::ALL.into_iter().filter(|rule| *rule != Rule::NothingElseHeld);
        rules.all(|rule| rule.allows(worker, facts))
    };
    Ok(idle.into_iter().filter(|(facts, _)| may_take(facts)).map(|(_, task)| task).collect())
}

/// How a task was chosen: a paused one is taken by name only, and qualification for a named one was checked before.
enum Choice {
    ByName,
    Automatic,
}

/// Moves the lease, unless it was renewed or ended, or the task changed, since `held` was read.
fn take(worker: &Worker, held: &Held, choice: Choice) -> Result<bool, Error> {
    let number = events::next_number();
    let taken = sql!(
        "with taken as (
            update task_mgmt.lease l
            set user_no = $4, fence = $5, leased_at = $6, started_at = coalesce(l.started_at, $6), attempt = l.attempt + 1,
                expires_at = null, instance = null
            where l.project_name = $1 and l.task_no = $2 and l.fence = $3
                and extract(epoch from $6 - l.leased_at)::float8 >= $7
                and exists (
                    select from task_mgmt.task t
                    where t.project_name = $1 and t.task_no = $2 and t.status = 'queued'
                        and (t.assigned_user_no is null or t.assigned_user_no = $4)
                        and ($9 or not t.is_paused and t.lane_no = any($10))
                )
                and not exists (
                    select from task_mgmt.blocked b where b.project_name = $1 and b.task_no = $2
                )
            returning l.task_no
        )
        insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no, detail)
        select $1, task_no, $5, $6, 'taken_over', $4, $8 from taken
        returning (select t.has_seed_state from task_mgmt.task t where t.project_name = $1 and t.task_no = $2)"
    )
    .first(
        &[
            worker.project.into(),
            held.task_no.into(),
            held.fence.into(),
            worker.user_no.into(),
            number.into(),
            clock::now()?.into(),
            held.limit_seconds.into(),
            held.user_id.as_str().into(),
            matches!(choice, Choice::ByName).into(),
            worker.lanes.to_vec().into(),
        ],
        |row| row.get(1),
    )?;
    if taken.is_some() {
        notifications::announce(worker.project, "taken_over", &[number])?;
        if worker.limits_no.is_some() {
            following::follow(worker.project, &[held.task_no])?;
        }
    }
    // Whoever chose by himself may have freed or ended other tasks, and waits for nobody. A later start expands the state, too.
    let may_expand = || match choice {
        Choice::ByName => Ok(true),
        Choice::Automatic => tasks::try_lock_row(worker.project, held.task_no),
    };
    if taken == Some(true) && may_expand()? {
        expansion::expand_started(worker, held.task_no)?;
    }
    Ok(taken.is_some())
}
