//! Completing many tasks in one call.

use std::collections::HashSet;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::completions::Completion;

use super::lost;
use crate::access::Level;
use crate::arguments;
use crate::claims::MOST_TASKS;
use crate::error::Error;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::release::batch::complete_all;
use crate::release::{HeldTask, Outcome};
use crate::spi::sql;
use crate::tasks;

/// `complete_task` for many tasks, in one go.
///
/// *Arguments*: `data` is an array of at most 100 objects with task_id, lease_token and, as wanted, result and completion_status.
/// *Effect*: those whose lease the caller still has are completed, all or none; the others stay as they are.
/// *Returns* a row for each: its task_id, and `completed`, `lost` or `cancelled`.
/// *Errors*: P0002 project unknown; 22023 anything wrong with `data`, or status not allowed; 55000 verification failed; 42501 access
/// denied; whatever a handler raises.
/// *Locks*: the tasks' keys, then as `release_task` for each.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn complete_tasks(
    project_name: Option<&str>,
    data: Option<Jsonb>,
) -> Result<TableIterator<'static, (name!(task_id, String), name!(outcome, String))>, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let text = arguments::data(data)?;
    let completions = Completion::parse_all(&text).map_err(Error::from)?;
    if completions.len() > MOST_TASKS {
        let found = completions.len();
        return Err(Error::from(Invalid(format!("data must have at most {MOST_TASKS} elements, found {found}"))).into());
    }
    let found = lock(project, &completions)?;
    if found.iter().all(Option::is_none) {
        projects::require_existing(project)?;
    }
    let (mut held, mut outcomes) = (vec![], Vec::with_capacity(completions.len()));
    for (one, task) in completions.iter().zip(found) {
        match task {
            Some(task) => {
                held.push((task, one));
                outcomes.push((one.task_id.clone(), "completed".to_owned()));
            }
            None => outcomes.push((one.task_id.clone(), lost(project, &one.task_id)?)),
        }
    }
    let usual: Vec<String> = held
        .iter()
        .map(|(task, one)| {
            let status = one.completion_status.as_deref();
            status.unwrap_or_else(|| tasks::usual_status(&task.task_type.completion_statuses)).to_owned()
        })
        .collect();
    let held = held.into_iter().zip(&usual).map(|((task, one), status)| {
        let result = one.result.map(|result| Jsonb::of(result.get())).transpose()?;
        Ok((task, Outcome { status, note: None, result }))
    });
    complete_all(project, held.collect::<Result<_, Error>>()?)?;
    Ok(TableIterator::new(outcomes))
}

/// Locks the keys of the tasks and of what they are copies of; each of those whose lease the caller has.
fn lock<'a>(project: &'a str, completions: &'a [Completion]) -> Result<Vec<Option<HeldTask<'a>>>, Error> {
    let keys: Vec<Key> = completions.iter().map(|one| Key::Task(project, &one.task_id)).collect();
    let wanted = || completions.iter().map(|one| (one.task_id.as_str(), one.lease_token));
    locks::lock_all(&keys);
    let found = HeldTask::look_up_tokens(project, wanted())?;
    if !found.iter().flatten().any(HeldTask::settles_original) {
        return Ok(found);
    }
    locks::unlock_all(&keys);
    lock_with_originals(project, completions)?;
    HeldTask::look_up_tokens(project, wanted())
}

fn lock_with_originals(project: &str, completions: &[Completion]) -> Result<(), Error> {
    let ids: Vec<&str> = completions.iter().map(|one| one.task_id.as_str()).collect();
    let originals: Vec<String> = sql!(
        "select o.task_id
        from task_mgmt.task c
        join task_mgmt.task o on o.project_name = $1 and o.task_no = c.original_no
        where c.project_name = $1 and c.task_id = any($2) and c.original_no is not null and not c.is_check"
    )
    .all(&[project.into(), ids.clone().into()], |row| row.get(1))?;
    let all: HashSet<&str> = ids.into_iter().chain(originals.iter().map(String::as_str)).collect();
    let keys: Vec<Key> = all.into_iter().map(|task_id| Key::Task(project, task_id)).collect();
    locks::lock_all(&keys);
    Ok(())
}
