//! What new tasks name: types, outcomes and users, which must exist.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};

use task_mgmt_core::tasks::NewTask;

use crate::error::Error;
use crate::lanes::Kind;
use crate::spi::sql;
use crate::task_rules::TaskRules;
use crate::tasks;

/// Everything that the tasks name, each with the position of the first task that does.
#[derive(Default)]
pub struct Named<'t> {
    pub kinds: BTreeMap<Kind<'t>, usize>,
    /// For each task, the position of the first one of its kind.
    pub firsts: Vec<usize>,
    /// Task type and completion status.
    outcomes: BTreeMap<(&'t str, &'t str), usize>,
    users: BTreeMap<&'t str, usize>,
    /// The users who are to hold a task.
    pub holders: BTreeMap<&'t str, usize>,
}

impl<'t> Named<'t> {
    /// Errors: 55000 if a user is to hold two of the tasks.
    pub fn find(new: &'t [NewTask]) -> Result<Self, Error> {
        let mut named = Self { firsts: Vec::with_capacity(new.len()), ..Self::default() };
        for (index, task) in new.iter().enumerate() {
            let kind = (&*task.task_type, task.segment_type.as_deref().unwrap_or_default());
            named.firsts.push(*named.kinds.entry(kind).or_insert(index));
            if !task.completion_status.is_empty() {
                named.outcomes.entry((&task.task_type, &task.completion_status)).or_insert(index);
            }
            let users = [&task.assigned_user_id, &task.active_user_id, &task.completed_user_id];
            for user in users.into_iter().filter(|user| !user.is_empty()) {
                named.users.entry(user).or_insert(index);
            }
            if !task.active_user_id.is_empty() {
                match named.holders.entry(&task.active_user_id) {
                    Entry::Vacant(entry) => entry.insert(index),
                    Entry::Occupied(other) => {
                        let (active, requested) = (id(&new[*other.get()]), id(task));
                        return Err(Error::OtherTaskActive { active, requested }.of_element(index));
                    }
                };
            }
        }
        Ok(named)
    }

    /// The overlap of each type that has one. Errors: P0002 a type is unknown; 22023 it does not allow a completion status, or its rules
    /// do not allow a task.
    pub fn check_types(&self, project: &str, new: &[NewTask]) -> Result<HashMap<String, i16>, Error> {
        let mut names: Vec<&str> = self.kinds.keys().map(|(task_type, _)| *task_type).collect();
        names.dedup();
        let mut rules = HashMap::new();
        let types: HashMap<String, (Vec<String>, i16)> = sql!(
            "select task_type, completion_statuses, overlap, params_schema::text, preset
            from task_mgmt.task_type
            where project_name = $1 and task_type = any($2)"
        )
        .all(&[project.into(), names.into()], |row| {
            let task_type: String = row.get(1)?;
            if let Some(of_type) = TaskRules::of(row.find(4)?, row.find::<String>(5)?.as_deref())? {
                rules.insert(task_type.clone(), of_type);
            }
            Ok((task_type, (row.get(2)?, row.get(3)?)))
        })?
        .into_iter()
        .collect();
        let unknown = self.kinds.iter().filter(|((name, _), _)| !types.contains_key(*name));
        if let Some(((name, _), index)) = unknown.min_by_key(|(_, index)| **index) {
            let unknown = Error::TaskOfUnknownType { project: project.into(), task_type: (*name).into() };
            return Err(unknown.of_element(*index));
        }
        for (index, task) in new.iter().enumerate().filter(|_| !rules.is_empty()) {
            if let Some(of_type) = rules.get(&*task.task_type) {
                let checked = of_type.check(&task.content(), &task.assigned_user_id);
                checked.map_err(|refusal| refusal.of_element(index))?;
            }
        }
        let refusals = self.outcomes.iter().filter_map(|((task_type, status), index)| {
            let refusal = tasks::require_status_allowed(status, task_type, &types.get(*task_type)?.0);
            Some((index, refusal.err()?))
        });
        match refusals.min_by_key(|(index, _)| **index) {
            Some((index, refusal)) => Err(refusal.of_element(*index)),
            None => {
                let overlaps = types.into_iter().map(|(name, (_, overlap))| (name, overlap));
                Ok(overlaps.filter(|(_, overlap)| *overlap > 1).collect())
            }
        }
    }

    /// The numbers of the users. Whoever is to hold a task must hold none; the caller keeps that from changing.
    /// Errors: P0002 a user is unknown; 55000 one holds a task.
    pub fn users(&self, project: &str, new: &[NewTask]) -> Result<HashMap<String, i32>, Error> {
        let mut users = HashMap::with_capacity(self.users.len());
        if self.users.is_empty() {
            return Ok(users);
        }
        let names: Vec<&str> = self.users.keys().copied().collect();
        let found = sql!(
            "select u.user_id, u.user_no, (
                select l.task_id
                from task_mgmt.lease l
                where l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0
                limit 1
            )
            from task_mgmt.project_user u
            where u.project_name = $1 and u.user_id = any($2)"
        )
        .all(&[project.into(), names.into()], |row| {
            Ok((row.get::<String>(1)?, row.get::<i32>(2)?, row.find::<String>(3)?))
        })?;
        for (user, user_no, active) in found {
            if let (Some(&index), Some(active)) = (self.holders.get(user.as_str()), active) {
                return Err(Error::OtherTaskActive { active, requested: id(&new[index]) }.of_element(index));
            }
            users.insert(user, user_no);
        }
        let unknown = self.users.iter().filter(|(user, _)| !users.contains_key(**user));
        match unknown.min_by_key(|(_, index)| **index) {
            Some((user, index)) => {
                Err(Error::UserNotFound { project: project.into(), user: (*user).into() }.of_element(*index))
            }
            None => Ok(users),
        }
    }
}

fn id(task: &NewTask) -> String {
    task.task_id.as_deref().unwrap_or_default().to_owned()
}
