//! The history: one row for every change of a task, written by whoever makes the change, in the same transaction.

pub mod consumers;
pub mod failures;
mod history;
pub mod horizon;
pub mod notifications;
mod publishing;
mod streams;

use pgrx::pg_sys;
use task_mgmt_core::arguments::Invalid;

use crate::access;
use crate::clock::Instant;
use crate::error::Error;
use crate::rows::names;
use crate::spi::{self, read, sql};

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
pub enum Actor {
    /// A user of the project, by working.
    User(i32),
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
    let (user_no, role) = match actor {
        Actor::User(user_no) => (Some(user_no), None),
        Actor::Nobody => (None, None),
        Actor::Caller => (None, Some(access::role_name(access::caller()?))),
    };
    // Of what one call does to many tasks, the events are in the order of the tasks.
    let mut task_nos = task_nos.to_vec();
    task_nos.sort_unstable();
    let event_nos = next_numbers(task_nos.len());
    sql!(
        "insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, user_no, role_name, detail)
        select $1, task_no, event_no, $4, $5::task_mgmt.event_kind, $6, $7, $8
        from unnest($2, $3) as new (task_no, event_no)"
    )
    .run(&[
        project.into(),
        task_nos.into(),
        event_nos.clone().into(),
        now.into(),
        kind.into(),
        user_no.into(),
        role.into(),
        detail.into(),
    ])?;
    notifications::announce(project, kind, &event_nos)
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
            'started', 'taken_over', 'handed_back', 'force_released', 'completed', 'concluded', 'release_undone', 'reactivated', 'cancelled'
        )
        order by event_no desc
        limit 2"
    )
    .all(&[project.into(), task_no.into()], |row| Ok(Turn { kind: row.get(1)?, user_no: row.find(2)? }))
}
