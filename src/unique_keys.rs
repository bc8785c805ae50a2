//! Unique keys: of the open tasks of a project, no two have the same. A key is free again once its task is finished.

use std::collections::HashMap;

use task_mgmt_core::arguments::Text;
use task_mgmt_core::tasks::{NewTask, OnDuplicate};

use crate::error::Error;
use crate::locks::{self, Key};
use crate::spi::sql;

/// Locks the keys of new tasks, before those of seeds, lanes and rows.
pub fn lock_new(project: &str, new: &[NewTask]) {
    lock(project, new.iter().filter_map(|task| task.unique_key.as_deref()).collect());
}

/// Locks the keys of tasks that may be opened again, before the rows of these. The caller has locked the tasks' keys.
pub fn lock_of(project: &str, task_ids: &[&str]) -> Result<(), Error> {
    let keys: Vec<String> = sql!(
        "select unique_key from task_mgmt.task
        where project_name = $1 and task_id = any($2) and unique_key is not null"
    )
    .all(&[project.into(), task_ids.to_vec().into()], |row| row.get(1))?;
    lock(project, keys.iter().map(String::as_str).collect());
    Ok(())
}

/// Moves those of the new tasks whose key another open one has to the end, with the id of that one, and returns how many are left
/// to be made. The caller has locked the keys, so nobody else takes them meanwhile.
/// Errors: 42710 if such a task is not to be taken for the other one.
pub fn settle(project: &str, new: &mut [NewTask]) -> Result<usize, Error> {
    let keys: Vec<&str> = new.iter().filter_map(|task| task.unique_key.as_deref()).collect();
    if keys.is_empty() {
        return Ok(new.len());
    }
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

/// Refuses to open a finished task again whose key, which the caller has locked, another open task has. Errors: 42710.
pub fn require_free(project: &str, task_no: i64) -> Result<(), Error> {
    let owner = sql!(
        "select t.unique_key, o.task_id
        from task_mgmt.task t
        join task_mgmt.task o on o.project_name = $1 and o.open_key = t.unique_key and o.open_key is not null
        where t.project_name = $1 and t.task_no = $2"
    )
    .first(&[project.into(), task_no.into()], |row| {
        Ok(Error::UniqueKeyTaken { key: row.get(1)?, task: row.get(2)? })
    })?;
    owner.map_or(Ok(()), Err)
}

fn lock(project: &str, mut keys: Vec<&str>) {
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return;
    }
    if keys.len() > locks::MOST_KEYS {
        return locks::lock(Key::Uniques(project));
    }
    locks::share(Key::Uniques(project));
    locks::lock_all(&keys.into_iter().map(|key| Key::Unique(project, key)).collect::<Vec<_>>());
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
