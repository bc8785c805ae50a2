//! Slots follow the tasks: after a change of a task's state, type, channel or user, it has those of what it is now.

use std::collections::{BTreeMap, HashSet};

use task_mgmt_core::limits::Scope;

use super::slots::{Pool, Slot, Slots};
use super::{Limit, Sort, are_set};
use crate::error::Error;
use crate::spi::sql;

/// Gives tasks the slots that they are to have now, and takes from them what they are not to have. The caller has locked their keys or
/// rows. They came back or moved on by themselves, so nothing is refused: where no slot is free, it is a surplus one.
pub fn follow(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    settle(project, task_nos, WhenFull::Exceed)
}

/// The same for tasks that somebody lets in. Errors: 53400 if a limit is reached.
pub fn admit(project: &str, task_nos: &[i64]) -> Result<(), Error> {
    settle(project, task_nos, WhenFull::Refuse)
}

/// A new task that counts towards limits.
pub struct Newcomer<'n> {
    pub task_no: i64,
    pub is_held: bool,
    pub task_type: &'n str,
    pub channel: Option<&'n str>,
    /// Who holds it or, if nobody does, whom it is assigned to.
    pub user: Option<&'n str>,
}

/// Lets in tasks that are just being made. Errors: 53400 if a limit is reached.
pub fn admit_new<'n>(project: &str, new: impl Iterator<Item = Newcomer<'n>>) -> Result<(), Error> {
    if !are_set(project)? {
        return Ok(());
    }
    let mut by_subject: BTreeMap<(Scope, &str), BTreeMap<Sort, Vec<i64>>> = BTreeMap::new();
    for task in new {
        let sort = if task.is_held { Sort::Running } else { Sort::Queued };
        let subjects = [
            Some((Scope::Project, "")),
            Some((Scope::TaskType, task.task_type)),
            task.channel.map(|channel| (Scope::Channel, channel)),
            task.user.map(|user| (Scope::Agent, user)),
        ];
        for subject in subjects.into_iter().flatten() {
            by_subject.entry(subject).or_default().entry(sort).or_default().push(task.task_no);
        }
    }
    let slots = Slots::open(project);
    let subjects: Vec<_> = by_subject.keys().copied().collect();
    for limit in super::find(project, &subjects)? {
        for (sort, task_nos) in &by_subject[&(limit.scope, limit.key.as_str())] {
            take(&slots, &limit, *sort, task_nos, WhenFull::Refuse)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum WhenFull {
    Exceed,
    Refuse,
}

fn settle(project: &str, task_nos: &[i64], when_full: WhenFull) -> Result<(), Error> {
    if task_nos.is_empty() || !are_set(project)? {
        return Ok(());
    }
    let counted = sql!(
        "select m.limit_no, m.scope, m.key, m.max_queued, m.max_running, c.is_running, array_agg(c.task_no order by c.task_no)
        from task_mgmt.limited_task c
        join task_mgmt.task_limit m on m.project_name = $1 and m.limit_no = c.limit_no
        where c.project_name = $1 and c.task_no = any($2)
        group by m.limit_no, m.scope, m.key, m.max_queued, m.max_running, c.is_running
        order by m.scope <> 'project', m.scope, m.key, c.is_running"
    )
    .all(&[project.into(), task_nos.to_vec().into()], |row| {
        let limit = Limit {
            limit_no: row.get(1)?,
            scope: Scope::parse(&row.get::<String>(2)?)?,
            key: row.get(3)?,
            max_queued: row.find(4)?,
            max_running: row.find(5)?,
        };
        let sort = if row.get(6)? { Sort::Running } else { Sort::Queued };
        Ok((limit, sort, row.get::<Vec<i64>>(7)?))
    })?;
    let slots = Slots::open(project);
    let mut kept = HashSet::new();
    for &task_no in task_nos {
        let is_wanted = |slot: Slot| {
            let is_it = |(limit, sort, task_nos): &(Limit, Sort, Vec<i64>)| {
                limit.limit_no == slot.limit_no && *sort == slot.sort && task_nos.binary_search(&task_no).is_ok()
            };
            counted.iter().any(is_it)
        };
        let of_task = slots.free(task_no, is_wanted)?;
        kept.extend(of_task.into_iter().map(|slot| (task_no, slot.limit_no, slot.sort)));
    }
    for (limit, sort, mut task_nos) in counted {
        task_nos.retain(|task_no| !kept.contains(&(*task_no, limit.limit_no, sort)));
        take(&slots, &limit, sort, &task_nos, when_full)?;
    }
    Ok(())
}

fn take(slots: &Slots, limit: &Limit, sort: Sort, task_nos: &[i64], when_full: WhenFull) -> Result<(), Error> {
    let Some(pool) = Pool::of(limit, sort).filter(|_| !task_nos.is_empty()) else { return Ok(()) };
    match when_full {
        WhenFull::Exceed => slots.take_or_exceed(pool, task_nos),
        WhenFull::Refuse if slots.take(pool, task_nos)?.are_enough => Ok(()),
        WhenFull::Refuse => Err(limit.refusal(sort)),
    }
}
