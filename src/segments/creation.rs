//! Creating segments, one or a hundred thousand, all at once; tasks that have waited for them move to their lanes.

use std::collections::{BTreeMap, HashSet};

use task_mgmt_core::segments::NewSegment;

use super::{lanes, rows};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::projects;
use crate::segment_types;

/// Creates the segments, all or none. Errors: P0002, 42710, 42501.
pub fn create(project_name: Option<&str>, new: &[NewSegment]) -> Result<(), Error> {
    let mut seeds = HashSet::with_capacity(new.len());
    if let Some((index, twice)) = new.iter().enumerate().find(|(_, one)| !seeds.insert(one.seed_id.0)) {
        return Err(Error::SegmentTwice(twice.seed_id.0).of_element(index));
    }
    let seeds: Vec<u64> = seeds.into_iter().collect();
    let (project, tasks) = lanes::enter_creating(project_name, &seeds, lanes::Creation::BesideOthers)?;
    projects::require_existing(project)?;
    require_types(project, new)?;
    insert(project, &new.iter().collect::<Vec<_>>(), &tasks, clock::now()?)
}

/// Creates segments of existing types, and moves the tasks that name them. Errors: 42710.
pub fn insert(project: &str, new: &[&NewSegment], tasks: &[i64], now: Instant) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    rows::insert(project, new, now)?;
    lanes::follow(project, tasks, now)
}

/// Errors: P0002 for the first segment type that does not exist.
pub fn require_types(project: &str, segments: &[NewSegment]) -> Result<(), Error> {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, segment) in segments.iter().enumerate() {
        for name in [&segment.segment_type, &segment.expected_segment_type].into_iter().flatten() {
            names.entry(name).or_insert(index);
        }
    }
    match segment_types::first_unknown(project, &names.into_iter().collect::<Vec<_>>())? {
        Some((name, index)) => {
            Err(Error::SegmentTypeNotFound { project: project.into(), segment_type: name.into() }.of_element(index))
        }
        None => Ok(()),
    }
}
