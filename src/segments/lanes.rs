//! Tasks are in the lane of the type that their segment is expected to have. Here this is kept so, whichever comes first: the
//! task, the segment, or its type.
//!
//! A task's key is taken before its segment's row, as a completion does, which holds the task and then changes the segment. Whoever
//! gives a segment another type must know its tasks for that, so it looks again once it has the row, and starts over with more
//! keys if there are more tasks. Between a segment that is being created and tasks of its seed stands `Key::Segments`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use task_mgmt_core::tasks::NewTask;

use super::not_found;
use crate::access::Level;
use crate::attempt::Attempt;
use crate::clock::Instant;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::ids;
use crate::lanes::Lanes;
use crate::locks::{self, Key};
use crate::projects;
use crate::ready;
use crate::spi::sql;
use crate::tasks;

/// The table of locks is of limited size and shared by all; for more tasks the project is locked as a whole.
const MOST_TASK_KEYS: usize = 64;

/// Beside whom segments are created.
#[derive(Clone, Copy)]
pub enum Creation {
    BesideOthers,
    /// For a caller who must know beforehand which segments exist.
    Alone,
}

/// Opens a call that creates segments of these seeds. Until the transaction ends, nobody makes tasks of seeds without a segment,
/// and those that exist, which are returned, stay where they are.
pub fn enter_creating<'p>(
    project_name: Option<&'p str>,
    seeds: &[u64],
    creation: Creation,
) -> Result<(&'p str, Vec<i64>), Error> {
    let mut is_alone = false;
    loop {
        let attempt = Attempt::begin();
        let project = enter(project_name, is_alone)?;
        match creation {
            Creation::BesideOthers => locks::share(Key::Segments(project)),
            Creation::Alone => locks::lock(Key::Segments(project)),
        }
        let tasks = find_tasks(project, seeds)?;
        if is_alone || tasks.len() <= MOST_TASK_KEYS {
            lock_keys(project, tasks.values(), is_alone);
            // Until its key was locked, a copy of one of them may have been made; that waits for nothing else.
            if find_tasks(project, seeds)?.len() == tasks.len() {
                attempt.keep();
                return Ok((project, tasks.into_keys().collect()));
            }
        } else {
            is_alone = true;
        }
    }
}

/// Opens a call that changes the expected type of a segment: its row is locked, and the keys of its tasks, which are returned.
///
/// The row is locked in an attempt first, which tells whether there are more tasks and is taken back. It could be kept if there
/// are none; but should the client then roll back to a savepoint, whoever waits for the row would go on waiting until the
/// transaction ends, as PostgreSQL wakes nobody who waits for a subtransaction that has become a part of another one.
/// Errors: P0002; 40001 a task was created and started between the attempt and the lock.
pub fn enter_retyping(project_name: Option<&str>, seed: u64) -> Result<(&str, Vec<i64>), Error> {
    let is_alone = find_tasks(project_name.unwrap_or_default(), &[seed])?.len() > MOST_TASK_KEYS;
    let project = enter(project_name, is_alone)?;
    let mut known: BTreeSet<String> = BTreeSet::new();
    loop {
        let keys: Vec<Key> = known.iter().map(|task| Key::Task(project, task)).collect();
        locks::lock_all(&keys);
        let attempt = Attempt::begin();
        lock_for_retyping(project, seed)?;
        let tasks: BTreeSet<String> = find_tasks(project, &[seed])?.into_values().collect();
        drop(attempt);
        if is_alone || tasks.is_subset(&known) {
            break;
        }
        locks::unlock_all(&keys);
        known = tasks;
    }
    lock_for_retyping(project, seed)?;
    let tasks = find_tasks(project, &[seed])?;
    let mut late = tasks.values().filter(|task| !known.contains(*task));
    match is_alone || late.all(|task| locks::try_lock(Key::Task(project, task))) {
        true => Ok((project, tasks.into_keys().collect())),
        false => Err(Error::Serialization),
    }
}

fn lock_for_retyping(project: &str, seed: u64) -> Result<(), Error> {
    let lock = sql!("select from task_mgmt.segment where project_name = $1 and seed_id = $2 for update");
    match lock.run(&[project.into(), ids::numeric(seed).into()])? {
        0 => Err(not_found(project, seed)?),
        _ => Ok(()),
    }
}

/// Moves those of the tasks whose segment has another type than they have to the lane of that type. The caller holds their keys.
pub fn follow(project: &str, task_nos: &[i64], now: Instant) -> Result<(), Error> {
    if task_nos.is_empty() {
        return Ok(());
    }
    let moves = sql!(
        "select t.task_no, t.task_type, coalesce(s.expected_segment_type, '')
        from task_mgmt.task t
        join task_mgmt.segment s on s.project_name = $1 and s.seed_id = t.segment_seed_id
        where t.project_name = $1 and t.task_no = any($2) and t.segment_type <> coalesce(s.expected_segment_type, '')
        order by t.task_no"
    )
    .all(&[project.into(), task_nos.to_vec().into()], |row| {
        Ok((row.get::<i64>(1)?, row.get::<String>(2)?, row.get::<String>(3)?))
    })?;
    if moves.is_empty() {
        return Ok(());
    }
    let kinds = moves.iter().map(|(_, task_type, segment_type)| (task_type.as_str(), segment_type.as_str()));
    let lanes = Lanes::open(project, &kinds.clone().collect())?;
    let lane_nos: Vec<i32> = kinds.map(|kind| lanes.number(kind)).collect::<Result<_, _>>()?;
    let moved: Vec<i64> = moves.iter().map(|(task_no, ..)| *task_no).collect();
    tasks::lock_rows(project, moved.clone())?;
    ready::withdraw(project, &moved)?;
    sql!(
        "update task_mgmt.task t
        set lane_no = move.lane_no, segment_type = move.segment_type
        from unnest($2, $3, $4) as move (task_no, lane_no, segment_type)
        where t.project_name = $1 and t.task_no = move.task_no"
    )
    .run(&[
        project.into(),
        moved.clone().into(),
        lane_nos.into(),
        moves.iter().map(|(_, _, segment_type)| segment_type.as_str()).collect::<Vec<_>>().into(),
    ])?;
    ready::offer(project, &moved)?;
    let mut by_type: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (task_no, _, segment_type) in &moves {
        by_type.entry(segment_type).or_default().push(*task_no);
    }
    by_type.into_iter().try_for_each(|(segment_type, task_nos)| {
        let detail = match segment_type {
            "" => "no segment type".to_owned(),
            name => format!("segment type {name}"),
        };
        events::append(project, &task_nos, "changed", Actor::Caller, Some(&detail), now)
    })
}

/// Gives new tasks of existing segments their types. The caller goes on to open lanes. Errors: 22023 if a task asks for another
/// type.
pub fn settle(project: &str, new: &mut [NewTask]) -> Result<(), Error> {
    let seeds: BTreeSet<u64> = new.iter().filter_map(|task| task.segment_seed_id).map(|seed| seed.0).collect();
    let seeds: Vec<u64> = seeds.into_iter().collect();
    announce(project, &seeds)?;
    let types = types(project, &seeds)?;
    for (index, task) in new.iter_mut().enumerate() {
        let Some(seed) = task.segment_seed_id else { continue };
        let Some(expected) = types.get(&seed.0) else { continue };
        let given = task.segment_type.as_deref();
        check(seed.0, expected, given).map_err(|error| error.of_element(index))?;
        task.segment_type = Some(expected.clone()).filter(|name| !name.is_empty());
    }
    Ok(())
}

/// If there are seeds without a segment, keeps others from creating it until the transaction ends. The caller holds no task's key
/// yet.
pub fn announce(project: &str, seeds: &[u64]) -> Result<(), Error> {
    if seeds.is_empty() {
        return Ok(());
    }
    let segments = sql!("select from task_mgmt.segment where project_name = $1 and seed_id = any($2)");
    if segments.run(&[project.into(), ids::numerics(seeds).into()])? < seeds.len() {
        locks::share_apart(Key::Segments(project));
    }
    Ok(())
}

/// The types that tasks of these seeds have, '' for none; seeds without a segment are left out. They stay so until the
/// transaction ends, if they were announced.
pub fn types(project: &str, seeds: &[u64]) -> Result<HashMap<u64, String>, Error> {
    let types = sql!(
        "select seed_id::text, coalesce(expected_segment_type, '')
        from task_mgmt.segment
        where project_name = $1 and seed_id = any($2)
        order by segment.seed_id
        for key share"
    )
    .all(&[project.into(), ids::numerics(seeds).into()], |row| {
        let seed = ids::stored(row.get(1)?)?;
        Ok((seed, row.get(2)?))
    })?;
    Ok(types.into_iter().collect())
}

/// Errors: 22023 if a task of the seed is given another type than the segment's.
pub fn check(seed: u64, expected: &str, given: Option<&str>) -> Result<(), Error> {
    match given {
        Some(given) if given != expected => {
            Err(Error::NotTheSegmentsType { seed, given: given.into(), expected: expected.into() })
        }
        _ => Ok(()),
    }
}

fn enter(project_name: Option<&str>, is_alone: bool) -> Result<&str, Error> {
    match is_alone {
        true => projects::enter_alone(Level::Manager, project_name),
        false => projects::enter(Level::Manager, project_name),
    }
}

/// Who is alone in the project needs none.
fn lock_keys<'t>(project: &str, tasks: impl Iterator<Item = &'t String>, is_alone: bool) {
    if !is_alone {
        let keys: Vec<Key> = tasks.map(|task| Key::Task(project, task)).collect();
        locks::lock_all(&keys);
    }
}

/// The tasks that name the seeds, by number.
fn find_tasks(project: &str, seeds: &[u64]) -> Result<BTreeMap<i64, String>, Error> {
    let found = sql!(
        "select t.task_no, t.task_id
        from unnest($2) as seed (id)
        cross join lateral (
            select n.task_no, n.task_id
            from task_mgmt.task n
            where n.project_name = $1 and n.segment_seed_id = seed.id
            offset 0
        ) t"
    )
    .all(&[project.into(), ids::numerics(seeds).into()], |row| Ok((row.get::<i64>(1)?, row.get::<String>(2)?)))?;
    Ok(found.into_iter().collect())
}
