//! Several segments under one present root are duplicates. Which of them stays is decided by `task_mgmt.ranked_duplicates`.

use std::collections::{BTreeMap, HashSet};

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::json;
use task_mgmt_core::tasks::SeedId;

use crate::access::Level;
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::ids;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::sql;

/// Gives all but one of the segments that share their current_segment_id the status Duplicate. The one that stays has a
/// determined expected type rather than none or 'undetermined'; then completed tasks that were leased last; then the earliest
/// last_merge_at, of which none is the earliest; then it is the oldest.
///
/// *Arguments*: `dry_run` true, the default, only says what would happen.
/// *Returns* an object: duplicate_groups, segments_retired and segments_kept (how many), groups (array of objects:
/// current_segment_id, kept_seed_id, retired_seed_ids), dry_run.
/// *Errors*: P0002 project unknown; 42501 the caller is not a manager.
/// *Locks*: the rows of the segments.
/// *Source*: annotation reference 19.3, 21.38.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn retire_duplicate_segments(
    project_name: Option<&str>,
    dry_run: default!(Option<bool>, true),
) -> Result<Jsonb, ErrorReport> {
    let dry_run = required("dry_run", dry_run)?;
    let project = projects::enter(Level::Manager, project_name)?;
    projects::require_existing(project)?;
    let mut groups = find(project)?;
    if !dry_run {
        groups = lock(project, &groups)?;
        retire(project, &groups)?;
    }
    let retired: usize = groups.values().map(|group| group.retired.len()).sum();
    let listed: Vec<_> = groups
        .iter()
        .map(|(root, group)| {
            json!({
                "current_segment_id": SeedId(*root).as_json(),
                "kept_seed_id": SeedId(group.kept).as_json(),
                "retired_seed_ids": group.retired.iter().map(|seed| SeedId(*seed).as_json()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let report = json!({
        "duplicate_groups": groups.len(),
        "segments_retired": retired,
        "segments_kept": groups.len(),
        "groups": listed,
        "dry_run": dry_run,
    });
    Ok(sql!("select $1::jsonb").value(&[report.to_string().into()])?)
}

/// Segments under one root, by seed.
struct Group {
    kept: u64,
    retired: Vec<u64>,
}

impl Group {
    fn seeds(&self) -> impl Iterator<Item = u64> {
        self.retired.iter().copied().chain([self.kept])
    }
}

/// All groups of duplicates, by root.
fn find(project: &str) -> Result<BTreeMap<u64, Group>, Error> {
    let ranked = sql!(
        "select current_segment_id::text, seed_id::text
        from task_mgmt.ranked_duplicates
        where project_name = $1
        order by ranked_duplicates.current_segment_id, place"
    )
    .all(&[project.into()], |row| Ok((id(&row.get::<String>(1)?)?, id(&row.get::<String>(2)?)?)))?;
    let mut groups: BTreeMap<u64, Group> = BTreeMap::new();
    for (root, seed) in ranked {
        match groups.get_mut(&root) {
            Some(group) => group.retired.push(seed),
            None => drop(groups.insert(root, Group { kept: seed, retired: vec![] })),
        }
    }
    Ok(groups)
}

/// Locks the segments of these groups, and returns those groups as they are by then. One that somebody has added to meanwhile is
/// left for the next time, as a lock that is taken late could close a circle of waiting.
fn lock(project: &str, groups: &BTreeMap<u64, Group>) -> Result<BTreeMap<u64, Group>, Error> {
    let seeds: HashSet<u64> = groups.values().flat_map(Group::seeds).collect();
    sql!(
        "select from task_mgmt.segment
        where project_name = $1 and seed_id = any($2)
        order by seed_id
        for no key update"
    )
    .run(&[project.into(), ids::numerics(&seeds.iter().copied().collect::<Vec<_>>()).into()])?;
    let mut groups = find(project)?;
    groups.retain(|_, group| group.seeds().all(|seed| seeds.contains(&seed)));
    Ok(groups)
}

fn retire(project: &str, groups: &BTreeMap<u64, Group>) -> Result<(), Error> {
    let seeds: Vec<u64> = groups.values().flat_map(|group| group.retired.iter().copied()).collect();
    if seeds.is_empty() {
        return Ok(());
    }
    let now = clock::now()?;
    sql!(
        "update task_mgmt.segment
        set status = 'Duplicate', updated_at = $3
        where project_name = $1 and seed_id = any($2)"
    )
    .run(&[project.into(), ids::numerics(&seeds).into(), now.into()])?;
    let detail = format!("{} duplicate segments retired", seeds.len());
    events::append(project, &[0], "project_changed", Actor::Caller, Some(&detail), now)
}

fn id(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Internal("an id is no integer".into()))
}
