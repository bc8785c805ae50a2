//! Limits: how many tasks of a project, a task type, a channel or an agent may wait in the queue, and how many may run at once.
//! Limits change only while nobody else is in the project, so whoever is reads them without a lock.

pub mod definition;
pub mod following;
pub mod running;
mod slots;

use std::collections::HashSet;

use task_mgmt_core::limits::Scope;

use self::slots::Slots;
use crate::columns::{project as project_row, task_limit};
use crate::error::Error;
use crate::rows::{Key, Row, Snapshot, Table};
use crate::spi::sql;

/// What a task counts as.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// Open, held by nobody and not on hold.
    Queued,
    /// Held by somebody.
    Running,
}

#[derive(Clone)]
pub struct Limit {
    limit_no: i32,
    pub scope: Scope,
    key: String,
    max_queued: Option<i32>,
    max_running: Option<i32>,
}

impl Limit {
    /// Whether it allows no other task either that the same user could claim.
    pub fn is_for_all_tasks(&self) -> bool {
        matches!(self.scope, Scope::Project | Scope::Agent)
    }

    pub fn describe(&self) -> String {
        self.scope.describe(&self.key)
    }

    /// The error for a task that it does not let in.
    pub fn refusal(&self, sort: Sort) -> Error {
        let subject = self.describe();
        match sort {
            Sort::Queued => Error::QueueFull { most: self.max_queued.unwrap_or_default(), subject },
            Sort::Running => Error::AsManyRunning { most: self.max_running.unwrap_or_default(), subject },
        }
    }
}

/// Whether the project has any limits.
pub fn are_set(project: &str) -> Result<bool, Error> {
    let (projects, snapshot) = (Table::open_to_read(c"project"), Snapshot::latest());
    let keys = &mut [Key::text(project_row::PROJECT_NAME, project)];
    let mut scan = projects.scan(c"project_pkey", &snapshot, keys);
    scan.next().map_or(Ok(false), |row| Ok(row.find::<i64>(project_row::LIMITS_NO).is_some()))
}

/// The limits of these subjects, in their order.
fn find(project: &str, subjects: &[(Scope, &str)]) -> Result<Vec<Limit>, Error> {
    let (table, snapshot) = (Table::open_to_read(c"task_limit"), Snapshot::latest());
    let named = Key::text(task_limit::PROJECT_NAME, project);
    let mut scan = table.scan_often(c"task_limit_pkey", &snapshot, vec![named], 3);
    let mut limits = vec![];
    for (scope, key) in subjects {
        scan.restart(vec![named, Key::text(task_limit::SCOPE, scope.name()), Key::text(task_limit::KEY, key)]);
        if let Some(row) = scan.next() {
            limits.push(read(&row)?);
        }
    }
    Ok(limits)
}

fn read(row: &Row) -> Result<Limit, Error> {
    Ok(Limit {
        limit_no: row.get(task_limit::LIMIT_NO)?,
        scope: Scope::parse(&row.text(task_limit::SCOPE))?,
        key: row.get(task_limit::KEY)?,
        max_queued: row.find(task_limit::MAX_QUEUED),
        max_running: row.find(task_limit::MAX_RUNNING),
    })
}

/// The channels whose tasks are in lanes of their own: those of which only so many may run.
pub fn channels_with_lanes(project: &str) -> Result<HashSet<String>, Error> {
    if !are_set(project)? {
        return Ok(HashSet::new());
    }
    let channels = sql!(
        "select key from task_mgmt.task_limit where project_name = $1 and scope = 'channel' and max_running is not null"
    )
    .all(&[project.into()], |row| row.get(1))?;
    Ok(channels.into_iter().collect())
}

/// Gives back all slots of tasks that nobody holds any more, or that are finished.
pub fn free(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    if !are_set(project)? {
        return Ok(());
    }
    Slots::open(project).free_all(task_nos, |_| false)
}

/// The same for all tasks of a project, which are to be removed.
pub fn free_all(project: &str) -> Result<(), Error> {
    sql!("delete from task_mgmt.limit_slot where project_name = $1 and is_surplus").run(&[project.into()])?;
    sql!("update task_mgmt.limit_slot set task_no = 0 where project_name = $1 and task_no > 0")
        .run(&[project.into()])?;
    Ok(())
}
