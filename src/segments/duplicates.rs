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
/// last_merge_at, of which none is the earliest; then it is the oldest. Segments whose current_segment_id is 0, the background,
/// share nothing.
///
/// *Arguments*: `dry_run` true, the default, only says what would happen. With `current_segment_ids` only segments under these
/// roots are looked at.
/// *Returns* an object: duplicate_groups, segments_retired and segments_kept (how many), groups (array of objects:
/// current_segment_id, kept_seed_id, retired_seed_ids), dry_run.
/// *Errors*: P0002 project unknown; 22023 a bad id; 42501 the caller is not a manager.
/// *Locks*: the rows of the segments.
/// *Source*: annotation reference 19.3, 21.38.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn retire_duplicate_segments(
    project_name: Option<&str>,
    dry_run: default!(Option<bool>, true),
    current_segment_ids: default!(Option<Vec<Option<AnyNumeric>>>, "NULL"),
) -> Result<Jsonb, ErrorReport> {
    let dry_run = required("dry_run", dry_run)?;
    let roots = current_segment_ids.map(|ids| ids::list("current_segment_ids", Some(ids))).transpose()?;
    let project = projects::enter(Level::Manager, project_name)?;
    projects::require_existing(project)?;
    let mut groups = find(project, roots.as_deref())?;
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
    Ok(Jsonb::of(&report.to_string())?)
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

/// The groups of duplicates under these roots, or under all, by root.
fn find(project: &str, roots: Option<&[u64]>) -> Result<BTreeMap<u64, Group>, Error> {
    macro_rules! ranked {
        ($condition:literal) => {
            sql!(concat!(
                "select current_segment_id::text, seed_id::text
                from task_mgmt.ranked_duplicates
                where project_name = $1 and ",
                $condition,
                "
                order by ranked_duplicates.current_segment_id, place"
            ))
        };
    }
    let statement = match roots {
        Some(_) => ranked!("current_segment_id = any($2)"),
        None => ranked!("$2::numeric[] is null"),
    };
    let ranked = statement.all(&[project.into(), roots.map(ids::numerics).into()], |row| {
        Ok((ids::stored(row.get(1)?)?, ids::stored(row.get(2)?)?))
    })?;
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
    .run(&[project.into(), ids::numerics(&seeds).into()])?;
    let roots: Vec<u64> = groups.keys().copied().collect();
    let mut groups = find(project, Some(&roots))?;
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
