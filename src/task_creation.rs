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
use crate::events::{self, notifications};
use crate::lanes::Lanes;
use crate::locks;
use crate::projects;
use crate::segments;
use crate::spi::sql;
use crate::unique_keys;

/// Creates the tasks, all or none, gives ids to those that have none, and returns how many they are. Those for which an open task with
/// the same unique key is taken come last, with its id.
pub fn create(project_name: Option<&str>, new: &mut [NewTask]) -> Result<usize, Error> {
    create_as(Level::Manager, project_name, new)
}

/// Checks that what the tasks name is there. Errors: as `create`.
pub fn check(project: &str, new: &[NewTask]) -> Result<(), Error> {
    let named = Named::find(new)?;
    named.check_types(project, new)?;
    named.users(project, new)?;
    Ok(())
}

/// Creates the tasks for a caller who has at least this level.
pub fn create_as(level: Level, project_name: Option<&str>, new: &mut [NewTask]) -> Result<usize, Error> {
    let named = Named::find(new)?;
    let project = match named.holders.len() > locks::MOST_KEYS {
        true => projects::enter_alone(level, project_name)?,
        false => projects::enter(level, project_name)?,
    };
    projects::require_existing(project)?;
    if new.is_empty() {
        return Ok(0);
    }
    let overlaps = named.check_types(project, new)?;
    if named.holders.len() <= locks::MOST_KEYS {
        let keys: Vec<_> = named.holders.keys().map(|user| locks::Key::User(project, user)).collect();
        locks::lock_all(&keys);
    }
    // What the segments say decides the lanes; a call that names none asks for nothing.
    let has_seeds = new.iter().any(|task| task.segment_seed_id.is_some());
    let has_keys = new.iter().any(|task| task.unique_key.is_some());
    let (named, count) = if has_seeds || has_keys {
        unique_keys::lock_new(project, new);
        if has_seeds {
            segments::lanes::settle(project, new)?;
        }
        let count = unique_keys::settle(project, new)?;
        (Named::find(&new[..count])?, count)
    } else {
        (named, new.len())
    };
    let users = named.users(project, &new[..count])?;
    let lanes = Lanes::open(project, &named.kinds.keys().copied().collect())?;
    let firsts = named.firsts;
    let new = &mut new[..count];
    let now = clock::now()?;
    // Their numbers come first: what is held from the beginning is claimed with its conversations.
    let conversation_nos = events::next_numbers(new.iter().map(|task| task.conversations.len()).sum());
    let numbers = events::next_numbers(new.len());
    make_up_ids(project, new)?;
    if !overlaps.is_empty() {
        let unsaid = new.iter_mut().filter(|task| task.overlap.is_none());
        unsaid.for_each(|task| task.overlap = overlaps.get(&*task.task_type).copied());
    }
    let rows = NewRows::new(project, new, &firsts, &numbers, &lanes, &users, now)?;
    rows.insert_tasks()?;
    rows.insert_leases();
    rows.insert_ready();
    crate::rows::finish();
    events::count_new(project, &rows.counts(), now)?;
    rows.insert_blocked()?;
    rows.insert_conversations(conversation_nos)?;
    notifications::announce(project, "created", &numbers)?;
    Ok(count)
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
