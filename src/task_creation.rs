//! Creating tasks, one or a hundred thousand: everything is checked and numbered first, then written table by table.

mod named;
mod rows;

use std::collections::HashSet;

use task_mgmt_core::arguments::Text;
use task_mgmt_core::tasks::NewTask;

use self::named::Named;
use self::rows::NewRows;
use crate::access::Level;
use crate::clock;
use crate::error::Error;
use crate::events;
use crate::lanes::Lanes;
use crate::locks;
use crate::projects;
use crate::segments;
use crate::spi::{self, sql};

/// Creates the tasks, all or none, and gives ids to those that have none.
pub fn create(project_name: Option<&str>, new: &mut [NewTask]) -> Result<(), Error> {
    let named = Named::find(new)?;
    let project = match named.holders.len() > locks::MOST_KEYS {
        true => projects::enter_alone(Level::Manager, project_name)?,
        false => projects::enter(Level::Manager, project_name)?,
    };
    projects::require_existing(project)?;
    if new.is_empty() {
        return Ok(());
    }
    let overlaps = named.check_types(project, new)?;
    if named.holders.len() <= locks::MOST_KEYS {
        let keys: Vec<_> = named.holders.keys().map(|user| locks::Key::User(project, user)).collect();
        locks::lock_all(&keys);
    }
    // What the segments say decides the lanes; a call that names none asks for nothing.
    let named = if new.iter().any(|task| task.segment_seed_id.is_some()) {
        segments::lanes::settle(project, new)?;
        Named::find(new)?
    } else {
        named
    };
    let users = named.users(project, new)?;
    let lanes = Lanes::open(project, &named.kinds.keys().copied().collect())?;
    let firsts = named.firsts;
    let now = clock::now()?;
    spi::begin_writing();
    let numbers = events::next_numbers(new.len());
    make_up_ids(project, new)?;
    if !overlaps.is_empty() {
        let unsaid = new.iter_mut().filter(|task| task.overlap.is_none());
        unsaid.for_each(|task| task.overlap = overlaps.get(&*task.task_type).copied());
    }
    let rows = NewRows::new(project, new, &firsts, numbers, &lanes, &users, now)?;
    rows.insert_tasks()?;
    rows.insert_leases();
    rows.insert_ready();
    crate::rows::finish();
    rows.insert_blocked()
}

/// Gives a number as its id to each task that has none. An id that somebody chose is passed over.
fn make_up_ids(project: &str, new: &mut [NewTask]) -> Result<(), Error> {
    let mut nameless: Vec<&mut NewTask> = new.iter_mut().filter(|task| task.task_id.is_none()).collect();
    nameless.reverse();
    while !nameless.is_empty() {
        let numbers = events::next_numbers(nameless.len());
        let candidates: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let taken: HashSet<String> =
            sql!("select task_id from task_mgmt.task where project_name = $1 and task_id = any($2)")
                .all(&[project.into(), candidates.clone().into()], |row| row.get(1))?
                .into_iter()
                .collect();
        for id in candidates.into_iter().filter(|id| !taken.contains(id)) {
            if let Some(task) = nameless.pop() {
                task.task_id = Some(Text(id.into()));
            }
        }
    }
    Ok(())
}
