//! Unique keys: of the open tasks of a project, no two have the same. A key is free again once its task is finished.

use std::collections::HashMap;

use task_mgmt_core::arguments::Text;
use task_mgmt_core::tasks::{NewTask, OnDuplicate};

use crate::error::Error;
use crate::locks::{self, Key};
use crate::spi::sql;

/// Moves those of the new tasks whose key another open one has to the end, with the id of that one, and returns how many are left
/// to be made. The keys of these are locked, so nobody else takes them meanwhile.
/// Errors: 42710 if such a task is not to be taken for the other one.
pub fn settle(project: &str, new: &mut [NewTask]) -> Result<usize, Error> {
    let keys: Vec<&str> = new.iter().filter_map(|task| task.unique_key.as_deref()).collect();
    if keys.is_empty() {
        return Ok(new.len());
    }
    lock(project, &keys);
    let mut owners: HashMap<String, Option<String>> =
        find_owners(project, &keys)?.into_iter().map(|(key, task)| (key, Some(task))).collect();
    for (index, task) in new.iter_mut().enumerate() {
        let Some(key) = task.unique_key.as_deref() else { continue };
        match (owners.get(key), task.on_duplicate) {
            (None, _) => {
                owners.insert(key.to_owned(), None);
            }
            (Some(Some(owner)), OnDuplicate::Existing) => {
                task.task_id = Some(Text(owner.clone().into()));
                task.is_twin = true;
            }
            (Some(None), OnDuplicate::Existing) => task.is_twin = true,
            (Some(owner), OnDuplicate::Refuse) => {
                let error = match owner {
                    Some(owner) => Error::UniqueKeyTaken { key: key.into(), task: owner.clone() },
                    None => Error::UniqueKeyTwice(key.into()),
                };
                return Err(error.of_element(index));
            }
        }
    }
    new.sort_by_key(|task| task.is_twin);
    Ok(new.iter().filter(|task| !task.is_twin).count())
}

/// Locks the key of a finished task that is to be opened again, if it has one. Errors: 42710 if another open task has it.
pub fn lock_of(project: &str, task_no: i64) -> Result<(), Error> {
    let key = sql!("select unique_key from task_mgmt.task where project_name = $1 and task_no = $2")
        .first(&[project.into(), task_no.into()], |row| row.find::<String>(1))?;
    let Some(key) = key.flatten() else { return Ok(()) };
    lock(project, &[&key]);
    match find_owners(project, &[&key])?.remove(&key) {
        Some(task) => Err(Error::UniqueKeyTaken { key, task }),
        None => Ok(()),
    }
}

/// Locks unique keys, for whoever is about to give them to new tasks.
pub fn lock(project: &str, keys: &[&str]) {
    if keys.len() > locks::MOST_KEYS {
        return locks::lock(Key::UniqueKeys(project));
    }
    locks::share(Key::UniqueKeys(project));
    let keys: Vec<Key> = keys.iter().map(|key| Key::UniqueKey(project, key)).collect();
    locks::lock_all(&keys);
}

/// The open tasks that have these keys.
fn find_owners(project: &str, keys: &[&str]) -> Result<HashMap<String, String>, Error> {
    let owners = sql!(
        "select open_key, task_id
        from task_mgmt.task
        where project_name = $1 and open_key = any($2) and open_key is not null"
    )
    .all(&[project.into(), keys.to_vec().into()], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(owners.into_iter().collect())
}
