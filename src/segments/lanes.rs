//! Tasks are in the lane of the type that their segment is expected to have. Here this is kept so, whichever comes first: the
//! task, the segment, or its type.
//!
//! Whoever gives tasks of a segment their type, or takes the segment's, must know its tasks, and their keys come before what keeps
//! others from making more of them. So it looks again once it has that, and starts over with more keys if there are more tasks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use task_mgmt_core::tasks::NewTask;

use crate::access::Level;
use crate::attempt::Attempt;
use crate::clock::Instant;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::ids;
use crate::lanes::Lanes;
use crate::locks::{self, Key, MOST_KEYS};
use crate::projects;
use crate::ready;
use crate::spi::sql;
use crate::tasks;

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
    enter(project_name, |project| {
        match creation {
            Creation::BesideOthers => locks::share(Key::Segments(project)),
            Creation::Alone => locks::lock(Key::Segments(project)),
        }
        find_tasks(project, seeds)
    })
}

/// Opens a call that may change the expected type of a segment. If it `is_retyped`, which nobody else does to it until the
/// transaction ends, nobody makes tasks of it meanwhile, and those that exist, which are returned, stay where they are.
pub fn enter_retyping(
    project_name: Option<&str>,
    seed: u64,
    is_retyped: impl Fn(&str) -> Result<bool, Error>,
) -> Result<(&str, Vec<i64>), Error> {
    enter(project_name, |project| {
        locks::lock(Key::Seed(project, seed));
        locks::share(Key::Seeds(project));
        match is_retyped(project)? {
            true => find_tasks(project, &[seed]),
            false => Ok(BTreeMap::new()),
        }
    })
}

/// Enters the project with the keys of all tasks that are found when others are kept from making more, or, if they are very many,
/// alone. What was locked for too few tasks is given back.
fn enter(
    project_name: Option<&str>,
    find_all: impl Fn(&str) -> Result<BTreeMap<i64, String>, Error>,
) -> Result<(&str, Vec<i64>), Error> {
    let mut known = BTreeMap::new();
    loop {
        let attempt = Attempt::begin();
        let is_alone = known.len() > MOST_KEYS;
        let project = match is_alone {
            true => projects::enter_alone(Level::Manager, project_name)?,
            false => projects::enter(Level::Manager, project_name)?,
        };
        if !is_alone {
            locks::lock_all(&known.values().map(|task: &String| Key::Task(project, task)).collect::<Vec<_>>());
        }
        let found = find_all(project)?;
        if is_alone || found.keys().all(|task_no| known.contains_key(task_no)) {
            attempt.keep();
            return Ok((project, found.into_keys().collect()));
        }
        known = found;
    }
}

/// Moves those of the tasks whose segment has another type than they have to the lane of that type. The caller holds their keys.
pub fn follow(project: &str, task_nos: &[i64], now: Instant) -> Result<(), Error> {
    if task_nos.is_empty() {
        return Ok(());
    }
    let moves = sql!(
        "select t.task_no, t.task_type, coalesce(s.expected_segment_type, ''), a.channel
        from task_mgmt.task t
        join task_mgmt.lane a on a.project_name = $1 and a.lane_no = t.lane_no
        join task_mgmt.segment s on s.project_name = $1 and s.seed_id = t.segment_seed_id
        where t.project_name = $1 and t.task_no = any($2) and t.segment_type <> coalesce(s.expected_segment_type, '')
        order by t.task_no"
    )
    .all(&[project.into(), task_nos.to_vec().into()], |row| {
        Ok((row.get::<i64>(1)?, row.get::<String>(2)?, row.get::<String>(3)?, row.get::<String>(4)?))
    })?;
    if moves.is_empty() {
        return Ok(());
    }
    let kinds = moves.iter().map(|(_, task_type, segment_type, channel)| (&**task_type, &**segment_type, &**channel));
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
        moves.iter().map(|(_, _, segment_type, _)| segment_type.as_str()).collect::<Vec<_>>().into(),
    ])?;
    ready::offer(project, &moved)?;
    let mut by_type: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for (task_no, _, segment_type, _) in &moves {
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
    let types = types(project, &seeds.into_iter().collect::<Vec<_>>())?;
    for (index, task) in new.iter_mut().enumerate() {
        let Some(seed) = task.segment_seed_id else { continue };
        let Some(expected) = types.get(&seed.0) else { continue };
        let given = task.segment_type.as_deref();
        check(seed.0, expected, given).map_err(|error| error.of_element(index))?;
        task.segment_type = Some(expected.clone()).filter(|name| !name.is_empty());
    }
    Ok(())
}

/// The types that tasks of these seeds have, '' for none; seeds without a segment are left out. They stay so until the
/// transaction ends.
pub fn types(project: &str, seeds: &[u64]) -> Result<HashMap<u64, String>, Error> {
    if seeds.is_empty() {
        return Ok(HashMap::new());
    }
    let existing = sql!("select from task_mgmt.segment where project_name = $1 and seed_id = any($2)");
    if existing.run(&[project.into(), ids::numerics(seeds).into()])? < seeds.len() {
        locks::share_apart(Key::Segments(project));
    }
    match seeds.len() > MOST_KEYS {
        true => locks::share_apart(Key::Seeds(project)),
        false => locks::share_all(&seeds.iter().map(|seed| Key::Seed(project, *seed)).collect::<Vec<_>>()),
    }
    let types = sql!(
        "select seed_id::text, coalesce(expected_segment_type, '')
        from task_mgmt.segment
        where project_name = $1 and seed_id = any($2)"
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
