//! Deleting tasks with all that belongs to them. Their history stays, under the id that they had.
//!
//! Whoever writes something that refers to a task holds its key, or keeps its row (`tasks::keep`). A deletion holds both, after the
//! gates, which others hold when they keep a row.

use std::collections::BTreeSet;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::conversations;
use crate::error::Error;
use crate::events::{self, notifications};
use crate::facts::lineage;
use crate::limits;
use crate::locks::{self, Key};
use crate::overlap;
use crate::projects;
use crate::ready;
use crate::satisfaction;
use crate::spi::sql;
use crate::task_changes;
use crate::tasks;

/// Removes a task with what belongs to it: its dependencies, links to segments and facts, conversations, edits, feedback and, if it is one, its place among
/// the golden tasks. Whoever holds it loses it and learns so by the next call. Its history stays.
///
/// *Arguments*: `cascade` true also removes the dependencies of tasks that wait for it, which so wait for one less.
/// *Returns* true.
/// *Errors*: P0002 project or task unknown; 55000 time was booked on it, it has copies or, without `cascade`, other tasks wait for
/// it; 42501 the caller is not a manager.
/// *Locks*: the project's dependency graph, the task's key and row, rows and gates of its dependents; of a copy also key, row and
/// gate of its original, and of what depends on that.
/// *Source*: reference of other systems 2.2, 3.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_task(
    project_name: Option<&str>,
    task_id: Option<&str>,
    cascade: default!(Option<bool>, false),
) -> Result<bool, ErrorReport> {
    let dependents = Dependents::parse(cascade)?;
    let project = projects::enter(Level::Manager, project_name)?;
    let task = required("task_id", task_id)?;
    match delete(project, &BTreeSet::from([task.to_owned()]), dependents, Keys::Each)? {
        0 => Err(tasks::not_found(project, task)?.into()),
        _ => Ok(true),
    }
}

/// Removes tasks as `delete_task` does, all or none of those that there are.
///
/// *Arguments*: `task_ids` may name tasks that there are not, and a task several times. Copies may go with what they are copies of.
/// *Returns* how many there were.
/// *Errors*: P0002 project unknown; 22023 an id is null; otherwise as `delete_task`, for the first task that cannot be deleted.
/// *Locks*: as `delete_task`, of all; with more than 32 ids the whole project instead of the tasks' keys.
/// *Source*: reference of other systems 3.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_tasks(
    project_name: Option<&str>,
    task_ids: Option<Vec<Option<String>>>,
    cascade: default!(Option<bool>, false),
) -> Result<i64, ErrorReport> {
    let dependents = Dependents::parse(cascade)?;
    let ids: BTreeSet<String> = arguments::all_given("task_ids", task_ids)?.into_iter().collect();
    // Each may be a copy, and its original has a key, too.
    let (project, keys) = match ids.len() > locks::MOST_KEYS / 2 {
        true => (projects::enter_alone(Level::Manager, project_name)?, Keys::ProjectAlone),
        false => (projects::enter(Level::Manager, project_name)?, Keys::Each),
    };
    projects::require_existing(project)?;
    Ok(delete(project, &ids, dependents, keys)? as i64)
}

/// Ends a task without a result, but keeps it: another word for `cancel_task`.
///
/// *Returns*, *Errors*, *Locks*: as `cancel_task`.
/// *Source*: reference of other systems 3.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn soft_delete_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    Ok(task_changes::cancel(project_name, task_id)?)
}

/// What becomes of tasks that wait for one that is deleted.
#[derive(Clone, Copy, PartialEq)]
enum Dependents {
    Refuse,
    Free,
}

impl Dependents {
    fn parse(cascade: Option<bool>) -> Result<Self, Error> {
        Ok(if required("cascade", cascade)? { Self::Free } else { Self::Refuse })
    }
}

/// The keys that keep the tasks as they are.
enum Keys {
    Each,
    ProjectAlone,
}

/// Deletes those of the tasks that there are; how many. The caller has entered the project.
fn delete(project: &str, ids: &BTreeSet<String>, dependents: Dependents, keys: Keys) -> Result<usize, Error> {
    if let Keys::Each = keys {
        locks::lock(Key::Graph(project));
        lock_keys(project, ids)?;
    }
    let doomed = Doomed::lock(project, ids)?;
    if doomed.task_nos.is_empty() {
        return Ok(0);
    }
    doomed.take_back()?;
    doomed.require_deletable(dependents)?;
    doomed.remove()?;
    Ok(doomed.task_nos.len())
}

/// Locks the keys of the tasks and of what they are copies of, in the one order that all use. An id may be given to another task
/// until its key is locked.
fn lock_keys(project: &str, ids: &BTreeSet<String>) -> Result<(), Error> {
    let needed = || -> Result<BTreeSet<String>, Error> {
        let originals = sql!(
            "select o.task_id
            from task_mgmt.task c
            join task_mgmt.task o on o.project_name = $1 and o.task_no = c.original_no
            where c.project_name = $1 and c.task_id = any($2)"
        )
        .all(&[project.into(), ids.iter().cloned().collect::<Vec<_>>().into()], |row| row.get::<String>(1))?;
        Ok(ids.iter().cloned().chain(originals).collect())
    };
    loop {
        let names = needed()?;
        let keys: Vec<_> = names.iter().map(|id| Key::Task(project, id)).collect();
        locks::lock_all(&keys);
        if needed()? == names {
            return Ok(());
        }
        keys.into_iter().for_each(locks::unlock);
    }
}

/// Tasks that are to be deleted, whose rows are locked.
struct Doomed<'a> {
    project: &'a str,
    task_nos: Vec<i64>,
    /// What some of them are copies of, without those that are to be deleted, too.
    original_nos: Vec<i64>,
    now: Instant,
}

impl<'a> Doomed<'a> {
    fn lock(project: &'a str, ids: &BTreeSet<String>) -> Result<Self, Error> {
        let found = sql!(
            "select task_no, case when not is_check then original_no end
            from task_mgmt.task
            where project_name = $1 and task_id = any($2)
            order by task_no"
        )
        .all(&[project.into(), ids.iter().cloned().collect::<Vec<_>>().into()], |row| {
            Ok((row.get::<i64>(1)?, row.find::<i64>(2)?))
        })?;
        let task_nos: Vec<i64> = found.iter().map(|(task_no, _)| *task_no).collect();
        let originals: BTreeSet<i64> = found.iter().filter_map(|(_, original_no)| *original_no).collect();
        let original_nos: Vec<i64> = originals.into_iter().filter(|no| task_nos.binary_search(no).is_err()).collect();
        let mut all = [task_nos.clone(), original_nos.clone()].concat();
        all.sort_unstable();
        tasks::lock_rows(project, all.clone())?;
        satisfaction::lock_dependents(project, &all)?;
        sql!("select from task_mgmt.task where project_name = $1 and task_no = any($2) order by task_no for update")
            .run(&[project.into(), task_nos.clone().into()])?;
        Ok(Self { project, task_nos, original_nos, now: clock::now()? })
    }

    fn arguments(&self) -> [pgrx::datum::DatumWithOid<'_>; 2] {
        [self.project.into(), self.task_nos.clone().into()]
    }

    /// From whoever could start them or holds them; who books time on one keeps its lease until that is done.
    fn take_back(&self) -> Result<(), Error> {
        ready::withdraw(self.project, &self.task_nos)?;
        sql!("delete from task_mgmt.lease where project_name = $1 and task_no = any($2)").run(&self.arguments())?;
        limits::free(self.project, &self.task_nos)
    }

    /// Errors: 55000.
    fn require_deletable(&self, dependents: Dependents) -> Result<(), Error> {
        let reason = sql!(
            "select t.task_id, case
                    when s.is_booked then 'time was booked on it'
                    when c.ids <> '{}' then 'it has copies: ' || array_to_string(c.ids, ', ')
                    else array_to_string(w.ids, ', ') || case cardinality(w.ids) when 1 then ' waits for it' else ' wait for it' end
                end,
                not s.is_booked and c.ids = '{}'
            from task_mgmt.task t
            cross join lateral (
                select exists (select from task_mgmt.submission s where s.project_name = $1 and s.task_no = t.task_no)
            ) as s (is_booked)
            cross join lateral (
                select array(
                    select c.task_id
                    from task_mgmt.task c
                    where c.project_name = $1 and c.original_no = t.task_no and c.task_no <> all($2)
                    order by c.task_no
                    limit 3
                )
            ) as c (ids)
            cross join lateral (
                select array(
                    select distinct w.task_id
                    from task_mgmt.dependency d
                    join task_mgmt.task w on w.project_name = $1 and w.task_no = d.task_no
                    where d.project_name = $1 and d.upstream_no = t.task_no and not d.is_satisfied and w.status = 'queued'
                        and w.task_no <> all($2) and $3
                    order by w.task_id
                    limit 3
                )
            ) as w (ids)
            where t.project_name = $1 and t.task_no = any($2) and (s.is_booked or c.ids <> '{}' or w.ids <> '{}')
            order by t.task_id
            limit 1"
        );
        let [project, task_nos] = self.arguments();
        let refused = reason.first(&[project, task_nos, (dependents == Dependents::Refuse).into()], |row| {
            Ok(Error::TaskNotDeletable { task: row.get(1)?, reason: row.get(2)?, is_awaited: row.get(3)? })
        })?;
        refused.map_or(Ok(()), Err)
    }

    fn remove(&self) -> Result<(), Error> {
        self.record()?;
        sql!("delete from task_mgmt.blocked where project_name = $1 and task_no = any($2)").run(&self.arguments())?;
        sql!("delete from task_mgmt.segment_task where project_name = $1 and task_no = any($2)")
            .run(&self.arguments())?;
        sql!("delete from task_mgmt.split_edit where project_name = $1 and task_no = any($2)")
            .run(&self.arguments())?;
        sql!("delete from task_mgmt.merge_edit where project_name = $1 and task_no = any($2)")
            .run(&self.arguments())?;
        sql!("delete from task_mgmt.feedback where project_name = $1 and task_no = any($2)").run(&self.arguments())?;
        sql!("delete from task_mgmt.feedback where project_name = $1 and feedback_task_no = any($2)")
            .run(&self.arguments())?;
        sql!("delete from task_mgmt.golden_task where project_name = $1 and task_no = any($2)")
            .run(&self.arguments())?;
        sql!("delete from task_mgmt.dependency where project_name = $1 and task_no = any($2)")
            .run(&self.arguments())?;
        let freed = sql!(
            "with removed as (
                delete from task_mgmt.dependency
                where project_name = $1 and upstream_no = any($2)
                returning task_no, is_satisfied
            )
            select task_no from removed where not is_satisfied"
        )
        .all(&self.arguments(), |row| row.get::<i64>(1))?;
        sql!("delete from task_mgmt.task where project_name = $1 and task_no = any($2)").run(&self.arguments())?;
        // Whoever refers to a task without its key keeps its row, so there is no more to come.
        conversations::forget_tasks(self.project, self.task_nos.clone())?;
        lineage::forget_tasks(self.project, self.task_nos.clone())?;
        satisfaction::subtract_unsatisfied(self.project, freed, self.now)?;
        let settle = |original_no: &i64| overlap::settle(self.project, *original_no, self.now);
        self.original_nos.iter().try_for_each(settle)
    }

    /// Their creation, which their rows have told until now, and their end.
    fn record(&self) -> Result<(), Error> {
        let [project, task_nos] = self.arguments();
        let event_nos = events::next_numbers(self.task_nos.len());
        sql!(
            "insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, role_name, detail,
                from_key)
            select $1, t.task_no, e.event_no, e.occurred_at, e.kind, e.role_name, t.task_id, e.from_key
            from unnest($2, $3) as doomed (task_no, event_no)
            join task_mgmt.task t on t.project_name = $1 and t.task_no = doomed.task_no
            cross join lateral (values
                (t.task_no, t.created_at, 'created'::task_mgmt.event_kind, t.created_by, null),
                (doomed.event_no, $4, 'deleted', $5, t.counted_key)
            ) as e (event_no, occurred_at, kind, role_name, from_key)"
        )
        .run(&[
            project,
            task_nos,
            event_nos.clone().into(),
            self.now.into(),
            access::role_name(access::caller()?).into(),
        ])?;
        notifications::announce(self.project, "deleted", &event_nos)
    }
}
