//! The functions that look across projects. Everything else stays within one; these are written apart and say so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access;
use crate::arguments::required;
use crate::assignment::{self, Claim, Wait, Worker};
use crate::candidates::Candidates;
use crate::clock::Instant;
use crate::error::Error;
use crate::expiry;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::rows::{Snapshot, Table};
use crate::spi::{read, sql};
use crate::standard_types::feedback::{self, Page};
use crate::takeover::{self, Idle};
use crate::waiting;

/// Gives the user a task of any project that the user belongs to, by the rules of `start_task`.
///
/// *Arguments*: without `task_id` the best task over all active projects is chosen. A user who holds tasks already gets the
/// most recently leased one.
/// *Returns* one row with the project and the task, or none if there is nothing to do.
/// *Errors*: P0002 the user is in no project, or the task in none of the user's; 22023 the task id occurs in several
/// projects; otherwise as `start_task`.
/// *Locks*: the user's keys in all these projects (sorted), then the task's.
/// *Source*: annotation reference 12.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn start_task_cross_project(
    user_id: Option<&str>,
    task_id: default!(Option<&str>, "NULL"),
) -> Result<TableIterator<'static, (name!(project_name, String), name!(task_id, String))>, ErrorReport> {
    let user = required("user_id", user_id)?;
    let projects = projects_of(user)?;
    locks::share_all(&projects.iter().map(|project| Key::Project(project)).collect::<Vec<_>>());
    locks::lock_all(&projects.iter().map(|project| Key::User(project, user)).collect::<Vec<_>>());
    let started = start(&projects, user, task_id)?;
    Ok(TableIterator::new(started))
}

/// A task wherever it is: one row for each project that has one with this id and that the caller may read.
///
/// *Errors*: P0002 no project that the caller may read has such a task.
/// *Source*: annotation reference 12.7.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_task_cross_project(
    task_id: Option<&str>,
) -> Result<TableIterator<'static, (name!(project_name, String), name!(task, Jsonb))>, ErrorReport> {
    let task = required("task_id", task_id)?;
    let found = read!(
        "select d.project_name, task_mgmt.task_as_json(d)
        from task_mgmt.task_details d
        where d.project_name = any($1) and d.task_id = $2
        order by d.project_name"
    )
    .all(&[access::readable_projects()?.into(), task.into()], |row| {
        Ok((row.get::<String>(1)?, row.get::<Jsonb>(2)?))
    })?;
    if found.is_empty() {
        return Err(Error::TaskNotFoundAnywhere(task.into()).into());
    }
    Ok(TableIterator::new(found))
}

/// Feedback about the work of a user in all projects that the user belongs to and the caller may read, newest first, as
/// `get_task_feedback` returns it.
///
/// *Arguments*: `max_rows` at most are returned, after `skip` others.
/// *Errors*: P0002 the user is in no project that the caller may read; 22023 a negative number.
/// *Source*: annotation reference 12.8.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_task_feedback_cross_project(
    user_id: Option<&str>,
    max_rows: default!(Option<i32>, 20),
    skip: default!(Option<i32>, 0),
) -> Result<Jsonb, ErrorReport> {
    let user = required("user_id", user_id)?;
    let page = Page::new(max_rows, skip)?;
    let projects: Vec<String> = read!(
        "select project_name from task_mgmt.project_user
        where user_id = $1 and project_name = any($2)"
    )
    .all(&[user.into(), access::readable_projects()?.into()], |row| row.get(1))?;
    match projects.is_empty() {
        true => Err(Error::UserNotFoundAnywhere(user.into()).into()),
        false => Ok(feedback::read(&projects, user, page)?),
    }
}

/// Where the caller may work and a segment update can be claimed, the oldest update first; the projects' keys are shared.
pub fn projects_with_updates(now: Instant) -> Result<Vec<String>, Error> {
    let projects = sql!(
        "select p.project_name
        from unnest($1) as p (project_name)
        cross join lateral (
            select u.available_at, u.seed_id
            from task_mgmt.segment_update u
            where u.project_name = p.project_name and u.available_at <= $2
            order by u.available_at, u.seed_id
            limit 1
        ) as oldest
        order by oldest.available_at, p.project_name"
    )
    .all(&[access::workable_projects()?.into(), now.into()], |row| row.get::<String>(1))?;
    locks::share_all(&projects.iter().map(|project| Key::Project(project)).collect::<Vec<_>>());
    Ok(projects)
}

/// Where the caller may work and a schedule is due, the one longest due first; the projects' keys are shared.
pub fn projects_with_due_schedules(now: Instant) -> Result<Vec<String>, Error> {
    let projects = sql!(
        "select p.project_name
        from unnest($1) as p (project_name)
        cross join lateral (
            select s.next_run_at
            from task_mgmt.schedule s
            where s.project_name = p.project_name and s.next_run_at <= $2
            order by s.next_run_at
            limit 1
        ) as longest_due
        order by longest_due.next_run_at, p.project_name"
    )
    .all(&[access::workable_projects()?.into(), now.into()], |row| row.get::<String>(1))?;
    locks::share_all(&projects.iter().map(|project| Key::Project(project)).collect::<Vec<_>>());
    Ok(projects)
}

/// The projects in which the user exists and the caller may work. Errors: P0002 if there is none.
fn projects_of(user: &str) -> Result<Vec<String>, Error> {
    let projects = sql!(
        "select project_name from task_mgmt.project_user
        where user_id = $1 and project_name = any($2)
        order by project_name"
    )
    .all(&[user.into(), access::workable_projects()?.into()], |row| row.get(1))?;
    match projects.is_empty() {
        true => Err(Error::UserNotFoundAnywhere(user.into())),
        false => Ok(projects),
    }
}

fn start(projects: &[String], user: &str, requested: Option<&str>) -> Result<Option<(String, String)>, Error> {
    loop {
        let workers = find_workers(projects, user)?;
        let holding = workers.iter().filter(|worker| worker.active_task.is_some());
        let Some(worker) = holding.max_by_key(|worker| worker.active_since) else {
            return match requested {
                Some(requested) => start_requested(&workers, user, requested).map(Some),
                None => start_next(&workers),
            };
        };
        // The lease may be lost while this call waits for the task; then it looks again.
        let active = worker.active_task.clone().unwrap_or_default();
        if let Some(requested) = requested.filter(|requested| *requested != active) {
            return Err(Error::OtherTaskActive { active, requested: requested.into() });
        }
        if worker.resume(&active)? {
            return Ok(Some((worker.project.into(), active)));
        }
    }
}

/// The user in each project where the caller may act as the user. Errors: 42501 if that is nowhere.
fn find_workers<'a>(projects: &'a [String], user: &'a str) -> Result<Vec<Worker<'a>>, Error> {
    let mut workers = Vec::with_capacity(projects.len());
    let mut refusal = None;
    for project in projects {
        // The list of projects was read before their locks were held.
        let worker = match Worker::find(project, user) {
            Err(Error::ProjectNotFound(_) | Error::UserNotFound { .. }) => continue,
            found => found?,
        };
        match access::require_binding(project, user, worker.bound_role) {
            Ok(()) => workers.push(worker),
            Err(error) => refusal = Some(error),
        }
    }
    match workers.is_empty() {
        true => Err(refusal.unwrap_or_else(|| Error::UserNotFoundAnywhere(user.into()))),
        false => Ok(workers),
    }
}

fn start_requested(workers: &[Worker], user: &str, requested: &str) -> Result<(String, String), Error> {
    let projects: Vec<&str> = workers.iter().map(|worker| worker.project).collect();
    let found = sql!(
        "select project_name from task_mgmt.task
        where project_name = any($1) and task_id = $2
        order by project_name"
    )
    .all(&[projects.into(), requested.into()], |row| row.get::<String>(1))?;
    match found.as_slice() {
        [] => Err(Error::TaskNotFoundAccessible(requested.into())),
        [project] => {
            let task = assignment::start(project, user, Some(requested))?;
            Ok((project.clone(), task.unwrap_or_default()))
        }
        _ => Err(Error::AmbiguousTask { task: requested.into(), projects: found }),
    }
}

fn start_next(workers: &[Worker]) -> Result<Option<(String, String)>, Error> {
    let workers: Vec<&Worker> = workers.iter().filter(|worker| worker.require_active().is_ok()).collect();
    let mut wait = Wait::Yes;
    for worker in &workers {
        if waiting::free_due(worker.project, worker.now)? > 0 {
            wait = Wait::No;
        }
    }
    let (ready, snapshot) = (Table::open(c"ready"), Snapshot::latest());
    let (mut queues, mut busy) = (vec![], vec![]);
    let mut heads = BinaryHeap::new();
    for worker in &workers {
        let mut candidates = Candidates::new(worker, &ready, &snapshot)?;
        heads.extend(candidates.next()?.map(|candidate| Reverse((candidate, queues.len()))));
        queues.push(candidates);
    }
    while let Some(Reverse((candidate, index))) = heads.pop() {
        match workers[index].try_claim(&candidate, &ready)? {
            Claim::Given(task_id) => return Ok(Some((workers[index].project.into(), task_id))),
            Claim::Busy => busy.push((candidate, index)),
            Claim::Missed => {}
            Claim::Overtaken => wait = Wait::No,
        }
        heads.extend(queues[index].next()?.map(|candidate| Reverse((candidate, index))));
    }
    for (worker, candidates) in workers.iter().zip(&queues) {
        if expiry::expire_met(worker, candidates)? {
            wait = Wait::No;
        }
    }
    for (candidate, index) in busy {
        match workers[index].claim_shared(&candidate, wait)? {
            Claim::Given(task_id) => return Ok(Some((workers[index].project.into(), task_id))),
            Claim::Overtaken => wait = Wait::No,
            Claim::Busy | Claim::Missed => {}
        }
    }
    take_next(&workers)
}

fn take_next(workers: &[&Worker]) -> Result<Option<(String, String)>, Error> {
    let mut idle: Vec<(&Worker, Idle)> = vec![];
    for worker in workers {
        idle.extend(takeover::idle_tasks(worker)?.into_iter().map(|task| (*worker, task)));
    }
    idle.sort_by_key(|(_, task)| (!task.is_assigned, -i64::from(task.priority), task.held.task_no));
    for (worker, task) in idle {
        if takeover::try_take(worker, &task)? {
            return Ok(Some((worker.project.into(), task.task_id)));
        }
    }
    Ok(None)
}
