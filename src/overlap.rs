//! Several people on one task. A task with an overlap of n is an *original*: n users get a copy of it each, which is a task like any
//! other; then the original is completed as all its copies are, or, if they disagree, given to one more user to decide.
//!
//! How many copies there are and what they say is always counted, under the original's key: whoever makes a copy, finishes it or
//! opens it again has that, too. The original's row is locked before the rows of the copies, whose numbers are larger.

use crate::assignment::{Taken, Worker};
use crate::clock::Instant;
use crate::copies::{self, NewCopy};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::handlers;
use crate::limits::running::{self, Occupation};
use crate::limits::{self, Limit};
use crate::locks::{self, Key};
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::waiting;

/// Whether user $2 has completed or holds another copy of task `t`, or what it is a copy of. Other tasks are not looked for.
macro_rules! is_answered_by {
    () => {
        "case when t.overlap = 1 and t.original_no is null then false else exists (
            select from task_mgmt.task c
            where c.project_name = $1 and c.original_no = coalesce(t.original_no, t.task_no) and c.task_no <> t.task_no
                and (c.completed_user_no = $2 or exists (
                    select from task_mgmt.lease h
                    where h.project_name = $1 and h.task_no = c.task_no and h.user_no = $2))
        ) or exists (
            select from task_mgmt.task o
            where o.project_name = $1 and o.task_no = t.original_no
                and (o.completed_user_no = $2 and not o.is_concluded or exists (
                    select from task_mgmt.lease h
                    where h.project_name = $1 and h.task_no = o.task_no and h.user_no = $2))
        ) end"
    };
}
pub(crate) use is_answered_by;

/// Whether the user has worked on another copy of the task.
pub fn is_answered(worker: &Worker, task_no: i64) -> Result<bool, Error> {
    Ok(!answered(worker.project, &[task_no], worker.user_no)?.is_empty())
}

/// Those of the tasks another copy of which the user has worked on.
pub fn answered(project: &str, task_nos: &[i64], user_no: i32) -> Result<Vec<i64>, Error> {
    sql!(concat!(
        "select t.task_no from task_mgmt.task t where t.project_name = $1 and t.task_no = any($3) and ",
        is_answered_by!()
    ))
    .all(&[project.into(), user_no.into(), task_nos.to_vec().into()], |row| row.get(1))
}

/// Errors: 42501 if the user has worked on another copy of the task. The caller has locked the original's key.
pub fn require_unanswered(project: &str, task_no: i64, task_id: &str, user_no: i32, user: &str) -> Result<(), Error> {
    match answered(project, &[task_no], user_no)?.is_empty() {
        true => Ok(()),
        false => Err(Error::AnsweredByUser { user: user.into(), task: task_id.into() }),
    }
}

/// What came of handing out a copy.
pub enum HandOut {
    /// The user has this copy now.
    Given(String),
    /// There are as many as there are to be, or the task is a copy itself.
    NoneLeft,
    LimitReached(Limit),
}

/// Gives the user a copy of the original, which is in this lane. The original stays where it is among what can be started until the last copy
/// is handed out. The caller has locked the original's key.
pub fn hand_out(worker: &Worker, original_no: i64, original_id: &str, lane_no: i32) -> Result<HandOut, Error> {
    let project = worker.project;
    let standing = Standing::find(project, original_no)?;
    if standing.overlap == 1 || standing.copies >= standing.overlap {
        return Ok(HandOut::NoneLeft);
    }
    let copy_no = events::next_number();
    if let Occupation::Refused(limit) = running::occupy(worker, lane_no, copy_no)? {
        return Ok(HandOut::LimitReached(limit));
    }
    let copy_id = copies::create(project, &NewCopy { copy_no, original_no, checks: None }, worker.now, || {
        copies::free_id(project, original_no, original_id)
    })?;
    worker.take(&Taken { task_no: copy_no, task_id: &copy_id, attempts: 0 }, true)?;
    if standing.copies + 1 == standing.overlap {
        ready::withdraw(project, &[original_no])?;
        Standing { copies: standing.overlap, open: standing.open + 1, ..standing }.note(project, original_no)?;
        let detail = Some("all copies are handed out");
        events::append(project, &[original_no], "blocked", Actor::Nobody, detail, worker.now)?;
    }
    Ok(HandOut::Given(copy_id))
}

/// The number of what the task is a copy of, or its own.
pub fn original_no(project: &str, task_no: i64) -> Result<i64, Error> {
    sql!("select coalesce(original_no, task_no) from task_mgmt.task where project_name = $1 and task_no = $2")
        .value(&[project.into(), task_no.into()])
}

/// Locks the key of a task and, if it is a copy, that of its original, in the one order that all use; the original's number.
pub fn lock_keys(project: &str, task_id: &str) -> Result<Option<i64>, Error> {
    let key = Key::Task(project, task_id);
    locks::lock(key);
    let original = sql!(
        "select o.task_no, o.task_id
        from task_mgmt.task c
        join task_mgmt.task o on o.project_name = $1 and o.task_no = c.original_no
        where c.project_name = $1 and c.task_id = $2 and not c.is_check"
    )
    .first(&[project.into(), task_id.into()], |row| Ok((row.get(1)?, row.get::<String>(2)?)))?;
    let Some((original_no, original_id)) = original else { return Ok(None) };
    locks::unlock(key);
    locks::lock_all(&[key, Key::Task(project, &original_id)]);
    Ok(Some(original_no))
}

/// The id of the original if it is completed, or held by somebody who decides.
pub fn decision(project: &str, original_no: i64) -> Result<Option<String>, Error> {
    sql!(
        "select t.task_id from task_mgmt.task t
        where t.project_name = $1 and t.task_no = $2 and (t.status = 'completed' or exists (
            select from task_mgmt.lease l where l.project_name = $1 and l.task_no = $2))"
    )
    .first(&[project.into(), original_no.into()], |row| row.get(1))
}

/// Draws the conclusion from a copy that was finished or opened again: the original waits for its open copies, or is completed as
/// all of them are, or can be started. The caller has locked the original's key and row, its gate, and those of its dependents.
pub fn settle(project: &str, original_no: i64, now: Instant) -> Result<(), Error> {
    ready::withdraw(project, &[original_no])?;
    let standing = Standing::find(project, original_no)?;
    let has_changed = standing.note(project, original_no)?;
    match &standing.agreed_status {
        Some(status) if standing.is_open && !standing.is_held => return conclude(project, original_no, status, now),
        _ => {}
    }
    if has_changed && standing.is_open {
        let (kind, detail) = match standing.open_copies() {
            0 => ("unblocked", if standing.is_answered { "its copies disagree" } else { "a copy is to be handed out" }),
            _ => ("blocked", "a copy is open again"),
        };
        events::append(project, &[original_no], kind, Actor::Nobody, Some(detail), now)?;
    }
    ready::offer_gated(project, &[original_no])
}

/// Refuses to open a copy again if there is no room for it. The caller has locked the task's row.
/// Errors: 55000.
pub fn require_room(project: &str, original_no: i64, copy_id: &str) -> Result<(), Error> {
    let standing = Standing::find(project, original_no)?;
    match standing.copies < standing.overlap {
        true => Ok(()),
        false => Err(Error::SharedTask { task: copy_id.into(), reason: "there are other copies enough".into() }),
    }
}

/// Where an original stands.
struct Standing {
    overlap: i64,
    copies: i64,
    open: i64,
    /// The completion status of all copies, if they are completed and there are enough of them.
    agreed_status: Option<String>,
    is_answered: bool,
    is_open: bool,
    /// By somebody who decides.
    is_held: bool,
}

impl Standing {
    /// Of a task that is no original, an overlap of 1 without copies.
    fn find(project: &str, task_no: i64) -> Result<Self, Error> {
        let found = sql!(
            "select o.overlap::bigint, o.copies, o.open_copies, o.agreed_status, o.is_answered,
                o.status = 'queued', exists (select from task_mgmt.lease l where l.project_name = $1 and l.task_no = $2)
            from task_mgmt.overlap_details o
            where o.project_name = $1 and o.task_no = $2"
        )
        .first(&[project.into(), task_no.into()], |row| {
            Ok(Self {
                overlap: row.get(1)?,
                copies: row.get(2)?,
                open: row.get(3)?,
                agreed_status: row.find(4)?,
                is_answered: row.get(5)?,
                is_open: row.get(6)?,
                is_held: row.get(7)?,
            })
        })?;
        Ok(found.unwrap_or(Self {
            overlap: 1,
            copies: 0,
            open: 0,
            agreed_status: None,
            is_answered: false,
            is_open: false,
            is_held: false,
        }))
    }

    /// The copies that the original waits for: none as long as there are more to hand out.
    fn open_copies(&self) -> i64 {
        if self.copies >= self.overlap { self.open } else { 0 }
    }

    /// Writes that down in the original's gate; whether it now waits and did not before, or the other way round.
    fn note(&self, project: &str, original_no: i64) -> Result<bool, Error> {
        let before = sql!("select open_copies from task_mgmt.blocked where project_name = $1 and task_no = $2")
            .first(&[project.into(), original_no.into()], |row| row.get::<i32>(1))?
            .unwrap_or_default();
        let after = self.open_copies() as i32;
        if after > 0 {
            sql!(
                "insert into task_mgmt.blocked (project_name, task_no, unsatisfied, open_copies)
                values ($1, $2, 0, $3)
                on conflict (project_name, task_no) do update set open_copies = excluded.open_copies"
            )
            .run(&[project.into(), original_no.into(), after.into()])?;
        } else if before > 0 {
            sql!(
                "with opened as (
                    delete from task_mgmt.blocked
                    where project_name = $1 and task_no = $2 and unsatisfied = 0 and not is_held and not is_on_hold
                        and run_after is null
                )
                update task_mgmt.blocked
                set open_copies = 0
                where project_name = $1 and task_no = $2
                    and (unsatisfied > 0 or is_held or is_on_hold or run_after is not null)"
            )
            .run(&[project.into(), original_no.into()])?;
        }
        Ok((before > 0) != (after > 0))
    }
}

/// Completes the original as its copies are: with the state and by the user of the last one, whose work it is not.
fn conclude(project: &str, original_no: i64, status: &str, now: Instant) -> Result<(), Error> {
    let (task_id, user_no, has_dependents, handler) = sql!(
        "with last as (
            select c.completed_user_no, c.ng_state, c.has_seed_state
            from task_mgmt.task c
            where c.project_name = $1 and c.original_no = $2 and c.status = 'completed' and not c.is_check
            order by c.completed_at desc, c.task_no desc
            limit 1
        )
        update task_mgmt.task o
        set status = 'completed', completion_status = $3, completed_user_no = last.completed_user_no, completed_at = $4,
            ng_state = last.ng_state, has_seed_state = last.has_seed_state, is_concluded = true, expires_at = null, open_key = null
        from last
        where o.project_name = $1 and o.task_no = $2
        returning o.task_id, o.completed_user_no, o.has_dependents, (
            select y.completion_handler from task_mgmt.task_type y where y.project_name = $1 and y.task_type = o.task_type
        )"
    )
    .first(&[project.into(), original_no.into(), status.into(), now.into()], |row| {
        Ok((row.get::<String>(1)?, row.get(2)?, row.get::<bool>(3)?, row.find::<String>(4)?))
    })?
    .ok_or_else(|| Error::Internal(format!("task {original_no} has no completed copy")))?;
    waiting::end(project, &[original_no])?;
    limits::free(project, &[original_no])?;
    events::append(project, &[original_no], "concluded", Actor::User(user_no), Some(status), now)?;
    if has_dependents {
        satisfaction::satisfy(project, original_no, status, now)?;
    }
    match handler {
        Some(handler) => handlers::complete(project, &handler, &task_id, status),
        None => Ok(()),
    }
}
