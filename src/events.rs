//! The history: one row for every change of a task, written by whoever makes the change, in the same transaction.

pub mod consumers;
pub mod failures;
mod history;
pub mod horizon;
pub mod notifications;
mod publishing;
mod streams;

use std::collections::BTreeMap;

use pgrx::pg_sys;
use task_mgmt_core::arguments::Invalid;

use crate::access;
use crate::clock::Instant;
use crate::error::Error;
use crate::rows::names;
use crate::spi::{self, Statement, read, sql};

/// A number greater than any given before; it orders tasks, leases and events. A transaction has its id before its first
/// number: `task_mgmt_core::frontier` and `task_mgmt_core::horizon` rely on it.
pub fn next_number() -> i64 {
    next_numbers(1)[0]
}

/// Several such numbers, in order.
pub fn next_numbers(count: usize) -> Vec<i64> {
    unsafe extern "C-unwind" {
        /// commands/sequence.h
        fn nextval_internal(sequence: pg_sys::Oid, checks_permissions: bool) -> i64;
    }
    spi::begin_writing();
    let mut numbers = vec![0; count];
    let sequence = names::oid(c"serial");
    // SAFETY: the sequence exists; nothing that needs dropping is made within the boundary.
    unsafe {
        let next = || numbers.iter_mut().for_each(|number| *number = nextval_internal(sequence, false));
        pg_sys::ffi::pg_guard_ffi_boundary(next);
    }
    numbers
}

/// Who is to be blamed or thanked for a change.
pub enum Actor<'a> {
    /// A user of the project, by working.
    User(i32),
    /// One of the processes of a user, if it said which.
    Process(i32, Option<&'a str>),
    /// The calling role, by managing.
    Caller,
    /// Nobody: it follows from what was done to another task.
    Nobody,
}

/// Appends one event for each of the tasks (0 stands for the project itself).
pub fn append(
    project: &str,
    task_nos: &[i64],
    kind: &'static str,
    actor: Actor,
    detail: Option<&str>,
    now: Instant,
) -> Result<(), Error> {
    if task_nos.is_empty() {
        return Ok(());
    }
    let (user_no, instance, role) = match actor {
        Actor::User(user_no) => (Some(user_no), None, None),
        Actor::Process(user_no, instance) => (Some(user_no), instance, None),
        Actor::Nobody => (None, None, None),
        Actor::Caller => (None, None, Some(access::role_name(access::caller()?))),
    };
    // Of what one call does to many tasks, the events are in the order of the tasks.
    let mut task_nos = task_nos.to_vec();
    task_nos.sort_unstable();
    let event_nos = next_numbers(task_nos.len());
    let arguments = [
        project.into(),
        task_nos.into(),
        event_nos.clone().into(),
        now.into(),
        kind.into(),
        user_no.into(),
        role.into(),
        detail.into(),
        instance.into(),
    ];
    match COUNTED.contains(&kind) {
        true => insert_counted().run(&arguments)?,
        false => insert_plain().run(&arguments)?,
    };
    notifications::announce(project, kind, &event_nos)
}

/// After which tasks may be counted otherwise than before. Whoever appends them has changed the tasks and holds their rows.
const COUNTED: [&str; 9] =
    ["completed", "concluded", "reactivated", "cancelled", "assigned", "changed", "failed", "enqueued", "expired"];

fn insert_plain() -> &'static Statement {
    sql!(
        "insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no, role_name, detail, instance)
        select $1, task_no, event_no, $4, $5::task_mgmt.event_kind, $6, $7, $8, $9
        from unnest($2, $3) as new (task_no, event_no)"
    )
}

/// The same, which notes on the tasks and with the events what the tasks are counted under from now on. The two are brought together by
/// groups, because a join would be planned for few tasks, and compare each with each.
fn insert_counted() -> &'static Statement {
    sql!(
        "with recounted as (
            update task_mgmt.task t
            set counted_key = s.new_key
            from (
                select o.task_no, o.counted_key as old_key, task_mgmt.count_key(o.status, o.priority, o.assigned_user_no) as new_key
                from task_mgmt.task o
                where o.project_name = $1 and o.task_no = any($2)
            ) s
            where t.project_name = $1 and t.task_no = s.task_no and s.old_key <> s.new_key
            returning t.task_no, s.old_key, s.new_key
        )
        insert into task_mgmt.event
            (project_name, task_no, event_no, occurred_at, kind, user_no, role_name, detail, instance, from_key, to_key)
        select $1, task_no, max(event_no), $4, $5::task_mgmt.event_kind, $6, $7, $8, $9, max(old_key), max(new_key)
        from (
            select task_no, event_no, null::smallint, null::smallint from unnest($2, $3) as new (task_no, event_no)
            union all
            select task_no, null, old_key, new_key from recounted
        ) as each (task_no, event_no, old_key, new_key)
        group by task_no"
    )
}

/// Notes with an event what its task is counted under from now on.
pub fn recount(project: &str, task_no: i64, event_no: i64) -> Result<(), Error> {
    sql!(
        "with recounted as (
            update task_mgmt.task t
            set counted_key = s.new_key
            from (
                select o.counted_key as old_key, task_mgmt.count_key(o.status, o.priority, o.assigned_user_no) as new_key
                from task_mgmt.task o
                where o.project_name = $1 and o.task_no = $2
            ) s
            where t.project_name = $1 and t.task_no = $2 and s.old_key <> s.new_key
            returning s.old_key, s.new_key
        )
        update task_mgmt.event e
        set from_key = r.old_key, to_key = r.new_key
        from recounted r
        where e.project_name = $1 and e.event_no = $3"
    )
    .run(&[project.into(), task_no.into(), event_no.into()])?;
    Ok(())
}

/// Counts new tasks: so many under each key.
pub fn count_new(project: &str, counts: &BTreeMap<i16, i32>, now: Instant) -> Result<(), Error> {
    sql!(
        "insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, role_name, to_key, amount)
        select $1, 0, event_no, $3, 'created', $4, to_key, amount
        from unnest($2, $5, $6) as new (event_no, to_key, amount)"
    )
    .run(&[
        project.into(),
        next_numbers(counts.len()).into(),
        now.into(),
        access::role_name(access::caller()?).into(),
        counts.keys().copied().collect::<Vec<i16>>().into(),
        counts.values().copied().collect::<Vec<i32>>().into(),
    ])?;
    Ok(())
}

/// Refuses kinds of events that there are not. Errors: 22023.
pub fn require_kinds(argument: &str, kinds: &[String]) -> Result<(), Error> {
    let unknown: Option<String> = read!(
        "select given.kind
        from unnest($1) with ordinality as given (kind, position)
        where given.kind <> all (enum_range(null::task_mgmt.event_kind)::text[])
        order by given.position
        limit 1"
    )
    .first(&[kinds.to_vec().into()], |row| row.get(1))?;
    match unknown {
        Some(kind) => Err(Invalid(format!("{argument}: there is no kind of event \"{kind}\"")).into()),
        None => Ok(()),
    }
}

/// What made a task somebody's or nobody's, or ended or re-opened it.
pub struct Turn {
    pub kind: String,
    pub user_no: Option<i32>,
}

/// The last two turns of a task, the latest first. The caller holds the task's key.
pub fn last_turns(project: &str, task_no: i64) -> Result<Vec<Turn>, Error> {
    sql!(
        "select kind::text, user_no
        from task_mgmt.event
        where project_name = $1 and task_no = $2 and kind in (
            'started', 'taken_over', 'handed_back', 'force_released', 'completed', 'concluded', 'release_undone', 'reactivated', 'cancelled',
            'failed', 'retried', 'lease_expired', 'snoozed', 'expired'
        )
        order by event_no desc
        limit 2"
    )
    .all(&[project.into(), task_no.into()], |row| Ok(Turn { kind: row.get(1)?, user_no: row.find(2)? }))
}
