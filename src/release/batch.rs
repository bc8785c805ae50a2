//! Completing many tasks at once. Those that nothing else follows from are written table by table; the rows of all tasks are locked or
//! changed before any gate, in the order of their numbers.

use pgrx::prelude::*;

use super::{CountKeys, HeldTask, Outcome};
use crate::columns::event;
use crate::conversations;
use crate::error::Error;
use crate::events::{self, notifications};
use crate::limits;
use crate::rows::{self, Table};
use crate::satisfaction;
use crate::segments;
use crate::tasks;
use crate::users;

/// Completes tasks, all or none, whose keys the caller has locked, and those of what they are copies of.
pub fn complete_all(project: &str, mut held: Vec<(HeldTask, Outcome)>) -> Result<(), Error> {
    held.sort_by_key(|(task, _)| task.task_no);
    for (task, outcome) in &held {
        task.require_binding()?;
        let task_type = &task.task_type;
        tasks::require_status_allowed(outcome.status, &task_type.name, &task_type.completion_statuses)?;
    }
    if held.iter().all(|(task, _)| task.is_plain()) {
        return complete_plain(project, &held);
    }
    lock_all(project, &held)?;
    held.into_iter().try_for_each(|(task, outcome)| task.complete(outcome))
}

/// Locks beforehand what the completions lock one after the other: the rows of the segments that handlers change, those of the tasks and
/// what they are copies of, the gates of these and of their dependents, and the rows of the users whom checks are judged of.
fn lock_all(project: &str, held: &[(HeldTask, Outcome)]) -> Result<(), Error> {
    let of_tasks = || held.iter().map(|(task, _)| task);
    let handled = of_tasks().filter(|task| task.task_type.completion_handler.is_some());
    segments::lock_rows_of_tasks(project, handled.map(|task| task.task_no).collect())?;
    let task_nos: Vec<i64> =
        of_tasks().flat_map(|task| task.task_row.original_no.into_iter().chain([task.task_no])).collect();
    tasks::lock_rows(project, task_nos.clone())?;
    satisfaction::lock_gates(project, &task_nos)?;
    users::lock_rows(project, of_tasks().filter(|task| task.task_row.is_check).map(|task| task.user_no).collect())
}

fn complete_plain(project: &str, held: &[(HeldTask, Outcome)]) -> Result<(), Error> {
    let (tasks, mut with_dependents) = (Table::open(c"task"), vec![]);
    let mut keys = Vec::with_capacity(held.len());
    for (task, outcome) in held {
        let (has_dependents, count_keys) = task.write_outcome(outcome, &tasks)?;
        keys.push(count_keys);
        if has_dependents {
            with_dependents.push((task, outcome));
        }
    }
    let leases = Table::open(c"lease");
    held.iter().try_for_each(|(task, _)| task.delete_lease(&leases))?;
    limits::free(project, &held.iter().map(|(task, _)| task.task_no).collect::<Vec<_>>())?;
    let numbers = write_events(project, held, &keys);
    rows::finish();
    notifications::announce(project, "completed", &numbers)?;
    for (task, _) in held.iter().filter(|(task, _)| task.task_row.has_conversations) {
        conversations::process(project, task.task_no, task.fence, task.now)?;
    }
    if with_dependents.is_empty() {
        return Ok(());
    }
    let upstream_nos: Vec<i64> = with_dependents.iter().map(|(task, _)| task.task_no).collect();
    satisfaction::lock_gates(project, &upstream_nos)?;
    with_dependents
        .into_iter()
        .try_for_each(|(task, outcome)| satisfaction::satisfy(project, task.task_no, outcome.status, task.now))
}

/// Returns the numbers of the events.
fn write_events(project: &str, held: &[(HeldTask, Outcome)], keys: &[CountKeys]) -> Vec<i64> {
    let log = Table::open(c"event");
    let kind = log.label(event::KIND, c"completed");
    let project = project.into_datum();
    let numbers = events::next_numbers(held.len());
    let rows = held.iter().zip(&numbers).zip(keys).map(|(((task, outcome), number), [from_key, to_key])| {
        let (task_no, user_no) = (task.task_no.into_datum(), task.user_no.into_datum());
        let now = task.now.into_datum();
        let (number, status) = (number.into_datum(), outcome.status.into_datum());
        [project, task_no, number, now, kind, user_no, None, status, *from_key, *to_key, None, task.instance_datum()]
    });
    log.insert_all(rows, None);
    numbers
}

impl HeldTask<'_> {
    /// Whether nothing but the satisfaction of dependents follows from its completion.
    fn is_plain(&self) -> bool {
        let task_type = &self.task_type;
        self.task_row.original_no.is_none()
            && task_type.verification_handler.is_none()
            && task_type.completion_handler.is_none()
            && task_type.golden_percent.is_none()
    }
}
