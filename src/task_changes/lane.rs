//! Where a task stands after a change of its type, its segment type or its seed.

use std::collections::HashSet;

use task_mgmt_core::tasks::{SeedId, TaskPatch};

use crate::error::Error;
use crate::lanes::Lanes;
use crate::limits;
use crate::segments;
use crate::spi::sql;
use crate::tasks;

pub struct Lane {
    pub lane_no: i32,
    pub task_type: String,
    pub segment_type: String,
}

/// The lane that the task will be in, if the patch moves it. The caller holds the task's key, but no row yet.
pub fn lane_after(project: &str, task_id: &str, patch: &TaskPatch) -> Result<Option<Lane>, Error> {
    let stays = patch.task_type.is_none() && patch.segment_type.is_none() && patch.segment_seed_id.is_none();
    let channels =
        if stays && patch.channel.is_none() { HashSet::new() } else { limits::channels_with_lanes(project)? };
    if stays && channels.is_empty() {
        return Ok(None);
    }
    let current = sql!(
        "select task_type, segment_type, segment_seed_id::text, channel
        from task_mgmt.task
        where project_name = $1 and task_id = $2"
    )
    .first(&[project.into(), task_id.into()], |row| {
        Ok((row.get::<String>(1)?, row.get::<String>(2)?, row.find::<String>(3)?, row.find::<String>(4)?))
    })?;
    let Some((task_type, segment_type, seed, channel)) = current else {
        return Err(tasks::not_found(project, task_id)?);
    };
    let wanted_type = patch.task_type.clone().unwrap_or(task_type);
    let wanted_seed = match patch.segment_seed_id {
        None => seed.and_then(|seed| seed.parse().ok()),
        Some(seed) => seed.map(|SeedId(seed)| seed),
    };
    let wanted_segment = segment_type_after(project, wanted_seed, patch)?.unwrap_or(segment_type);
    let is_known = sql!("select from task_mgmt.task_type where project_name = $1 and task_type = $2");
    if is_known.run(&[project.into(), wanted_type.as_str().into()])? == 0 {
        return Err(Error::ChangeToUnknownType { project: project.into(), task_type: wanted_type });
    }
    let wanted_channel = patch.channel.clone().unwrap_or(channel).filter(|channel| channels.contains(channel));
    let kind = (wanted_type.as_str(), wanted_segment.as_str(), wanted_channel.as_deref().unwrap_or_default());
    let lane_no = Lanes::open(project, &[kind].into())?.number(kind)?;
    Ok(Some(Lane { lane_no, task_type: wanted_type, segment_type: wanted_segment }))
}

/// The segment type that the task will have, if it may change: that of its segment, if there is one. Errors: 22023.
fn segment_type_after(project: &str, seed: Option<u64>, patch: &TaskPatch) -> Result<Option<String>, Error> {
    let given = patch.segment_type.as_ref().map(|given| given.as_deref().unwrap_or_default());
    if let Some(seed) = seed
        && let Some(expected) = segments::lanes::types(project, &[seed])?.remove(&seed)
    {
        segments::lanes::check(seed, &expected, given)?;
        return Ok(Some(expected));
    }
    Ok(given.map(str::to_owned))
}
