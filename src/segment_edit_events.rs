//! What the segmentation tells of edits, and how supervoxels and segments follow. Each event is applied once, and events of a
//! project one after the other. One that arrives late undoes nothing: what a newer edit has moved stays where it is, and what
//! the late one moves goes on to where the newer ones that were applied already have led its new root.

use std::collections::{BTreeMap, BTreeSet};

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::{Invalid, check_name};
use task_mgmt_core::edits::{MAX_SECONDS_AHEAD, assignments};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::segment_updates;
use crate::spi::{read, sql};

/// Lets supervoxels and segments follow a merge: all that is part of an old root becomes part of the new one.
///
/// *Arguments*: ids from 0 to 18446744073709551615; `event_id` names the event within the project; `edit_timestamp` is when the
/// segmentation was edited, at most a day ahead; `operation_type` is kept as a word for people.
/// *Effect*, all or nothing: supervoxels of old roots move; segments with such a root, or whose seed is a supervoxel that
/// moved, get the new root, last_merge_at, and an update in the queue. What a newer edit has moved stays, also its last_merge_at;
/// a new root that a newer merge has replaced stands for what replaced it. Of two edits of one moment the one that arrives last is
/// newer.
/// *Returns* the number of supervoxels that moved; 0 if the event was applied before, which changes nothing.
/// *Errors*: P0002 project unknown; 22023 a bad argument; 42501 access denied.
/// *Locks*: the project's edit key, then rows of segments, in the order of their seeds.
/// *Source*: annotation reference 16.8, 18.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_supervoxels_for_merge(
    project_name: Option<&str>,
    old_root_ids: Option<Vec<Option<AnyNumeric>>>,
    new_root_id: Option<AnyNumeric>,
    event_id: Option<&str>,
    edit_timestamp: Option<TimestampWithTimeZone>,
    operation_type: default!(Option<&str>, "'merge'"),
) -> Result<i64, ErrorReport> {
    let mut event = Event::open(project_name, event_id, edit_timestamp, operation_type)?;
    event.old_roots = ids::distinct("old_root_ids", old_root_ids)?;
    event.new_roots = vec![ids::one("new_root_id", new_root_id)?];
    Ok(event.apply_once(&Edit::Merge)?)
}

/// Lets supervoxels and segments follow a split: each assigned supervoxel becomes part of its new root.
///
/// *Arguments*: `assignments` is an object that has for each supervoxel the one of `new_root_ids` that it is part of now; the
/// others are as in `update_supervoxels_for_merge`.
/// *Effect*, all or nothing: assigned supervoxels move; segments whose seed is one of them get its root, if they had the old
/// root or the supervoxel moved, and an update in the queue. A segment with the old root whose seed is not assigned keeps it
/// and gets an update in the queue, as only the segmentation knows its root. What a newer edit has moved stays; a new root
/// that a newer merge has replaced stands for what replaced it.
/// *Returns* the number of supervoxels that moved; 0 if the event was applied before, which changes nothing.
/// *Errors*: P0002 project unknown; 22023 a bad argument; 42501 access denied.
/// *Locks*: as `update_supervoxels_for_merge`.
/// *Source*: annotation reference 16.8, 18.4.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_supervoxels_for_split(
    project_name: Option<&str>,
    old_root_id: Option<AnyNumeric>,
    new_root_ids: Option<Vec<Option<AnyNumeric>>>,
    assignments: Option<Jsonb>,
    event_id: Option<&str>,
    edit_timestamp: Option<TimestampWithTimeZone>,
    operation_type: default!(Option<&str>, "'split'"),
) -> Result<i64, ErrorReport> {
    let mut event = Event::open(project_name, event_id, edit_timestamp, operation_type)?;
    event.old_roots = vec![ids::one("old_root_id", old_root_id)?];
    event.new_roots = ids::distinct("new_root_ids", new_root_ids)?;
    let text = required("assignments", assignments)?.text();
    let new_roots: BTreeSet<u64> = event.new_roots.iter().copied().collect();
    let assigned = self::assignments("assignments", &text, &new_roots).map_err(Error::from)?;
    Ok(event.apply_once(&Edit::Split(assigned))?)
}

/// An edit event that was applied, as an object: event_id, operation_type, old_root_ids, new_root_ids, edit_timestamp,
/// processed_at, supervoxels_moved (how many), segments_moved (the seeds of the segments that got another root). Ids above 2^53
/// are text.
///
/// *Errors*: P0002 project or event unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_edit_event(project_name: Option<&str>, event_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let event_id = required("event_id", event_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let found = read!(
        "select jsonb_build_object(
            'event_id', e.event_id,
            'operation_type', e.operation_type,
            'old_root_ids', (
                select coalesce(jsonb_agg(task_mgmt.id_as_json(r.root_id) order by r.place), '[]')
                from task_mgmt.segment_edit_root r
                where r.project_name = $1 and r.event_id = $2),
            'new_root_ids', (
                select coalesce(jsonb_agg(task_mgmt.id_as_json(n.root_id) order by n.place), '[]')
                from unnest(e.new_root_ids) with ordinality as n (root_id, place)),
            'edit_timestamp', e.edit_timestamp,
            'processed_at', e.processed_at,
            'supervoxels_moved', e.supervoxels_moved,
            'segments_moved', (
                select coalesce(jsonb_agg(task_mgmt.id_as_json(m.seed_id) order by m.seed_id), '[]')
                from task_mgmt.segment_move m
                where m.project_name = $1 and m.event_id = $2))
        from task_mgmt.segment_edit_event e
        where e.project_name = $1 and e.event_id = $2"
    )
    .first(&[project.into(), event_id.into()], |row| row.get(1))?;
    Ok(found.ok_or_else(|| Error::EditEventNotFound { project: project.into(), event: event_id.into() })?)
}

enum Edit {
    Merge,
    /// The new root of each supervoxel.
    Split(BTreeMap<u64, u64>),
}

struct Event<'a> {
    project: &'a str,
    event_id: &'a str,
    operation_type: &'a str,
    edited_at: Instant,
    now: Instant,
    old_roots: Vec<u64>,
    new_roots: Vec<u64>,
}

/// A root, and since which edit something is part of it.
#[derive(Clone, Copy)]
struct Place {
    root: u64,
    since: Instant,
}

impl<'a> Event<'a> {
    fn open(
        project_name: Option<&'a str>,
        event_id: Option<&'a str>,
        edit_timestamp: Option<TimestampWithTimeZone>,
        operation_type: Option<&'a str>,
    ) -> Result<Self, Error> {
        let project = projects::enter(Level::Worker, project_name)?;
        let event_id = required("event_id", event_id)?;
        let operation_type = required("operation_type", operation_type)?;
        check_name("event_id", event_id)?;
        check_name("operation_type", operation_type)?;
        let edited_at = Instant::from(required("edit_timestamp", edit_timestamp)?);
        let now = clock::now()?;
        if !edited_at.is_finite() || edited_at > now.plus_seconds(MAX_SECONDS_AHEAD) {
            return Err(Invalid("edit_timestamp must be finite and at most a day ahead".into()).into());
        }
        projects::require_existing(project)?;
        Ok(Self { project, event_id, operation_type, edited_at, now, old_roots: vec![], new_roots: vec![] })
    }

    /// Returns how many supervoxels moved. Under the key of edits nobody else applies an event, so that which roots newer ones
    /// have replaced, and what is part of the old roots, stays as it is read.
    fn apply_once(&self, edit: &Edit) -> Result<i64, Error> {
        locks::lock(Key::Edits(self.project));
        if self.is_applied()? {
            return Ok(0);
        }
        let targets: BTreeMap<u64, Place> = self.new_roots.iter().copied().zip(self.follow_new_roots()?).collect();
        let target = |supervoxel: &u64| match edit {
            Edit::Merge => targets.values().next(),
            Edit::Split(assigned) => assigned.get(supervoxel).and_then(|root| targets.get(root)),
        };
        let supervoxels = match edit {
            Edit::Merge => self.supervoxels_of_old_roots()?,
            Edit::Split(assigned) => self.supervoxels_among(assigned.keys())?,
        };
        let segments = self.lock_segments(&supervoxels)?;
        let placed = |ids: &BTreeSet<u64>| -> BTreeMap<u64, Place> {
            ids.iter().filter_map(|id| Some((*id, *target(id)?))).collect()
        };
        let moved = self.move_supervoxels(&placed(&supervoxels))?;
        self.move_segments(&placed(&segments), edit)?;
        segment_updates::queue(self.project, &segments, self.now)?;
        self.record(moved)?;
        Ok(moved)
    }

    fn is_applied(&self) -> Result<bool, Error> {
        let applied = sql!("select from task_mgmt.segment_edit_event where project_name = $1 and event_id = $2");
        Ok(applied.run(&[self.project.into(), self.event_id.into()])? > 0)
    }

    /// What has become of each new root: a later merge may have replaced it. After a split there is no saying.
    fn follow_new_roots(&self) -> Result<Vec<Place>, Error> {
        let mut places: Vec<Place> =
            self.new_roots.iter().map(|root| Place { root: *root, since: self.edited_at }).collect();
        let mut going_on: Vec<usize> = (0..places.len()).collect();
        while !going_on.is_empty() {
            let steps = sql!(
                "select asked.place, next.new_root_ids[1]::text, next.edit_timestamp
                from unnest($2, $3) with ordinality as asked (root_id, since, place)
                cross join lateral (
                    select e.new_root_ids, e.edit_timestamp
                    from task_mgmt.segment_edit_root r
                    join task_mgmt.segment_edit_event e on e.project_name = $1 and e.event_id = r.event_id
                    where r.project_name = $1 and r.root_id = asked.root_id and e.edit_timestamp > asked.since
                    order by e.edit_timestamp, e.event_id
                    limit 1
                ) as next
                where cardinality(next.new_root_ids) = 1"
            )
            .all(
                &[
                    self.project.into(),
                    ids::numerics(going_on.iter().map(|index| &places[*index].root)).into(),
                    going_on.iter().map(|index| places[*index].since).collect::<Vec<_>>().into(),
                ],
                |row| {
                    let index = going_on[row.get::<i64>(1)? as usize - 1];
                    Ok((index, Place { root: ids::stored(row.get(2)?)?, since: row.get(3)? }))
                },
            )?;
            steps.iter().for_each(|(index, place)| places[*index] = *place);
            going_on = steps.into_iter().map(|(index, _)| index).collect();
        }
        Ok(places)
    }

    /// Supervoxels of the old roots that no newer edit has moved there.
    fn supervoxels_of_old_roots(&self) -> Result<BTreeSet<u64>, Error> {
        sql!(
            "select supervoxel_id::text
            from task_mgmt.supervoxel
            where project_name = $1 and current_segment_id = any($2) and (moved_at is null or moved_at <= $3)"
        )
        .all(&[self.project.into(), ids::numerics(&self.old_roots).into(), self.edited_at.into()], |row| {
            ids::stored(row.get(1)?)
        })
        .map(BTreeSet::from_iter)
    }

    /// Those of some supervoxels that exist and that no newer edit has moved.
    fn supervoxels_among<'b>(&self, given: impl Iterator<Item = &'b u64>) -> Result<BTreeSet<u64>, Error> {
        sql!(
            "select supervoxel_id::text
            from task_mgmt.supervoxel
            where project_name = $1 and supervoxel_id = any($2) and (moved_at is null or moved_at <= $3)"
        )
        .all(&[self.project.into(), ids::numerics(given).into(), self.edited_at.into()], |row| ids::stored(row.get(1)?))
        .map(BTreeSet::from_iter)
    }

    /// Locks and returns the segments that the event concerns: of the old roots, and with these supervoxels as seeds; without
    /// those that a newer edit has moved. Whoever is giving one of these another root is waited for.
    fn lock_segments(&self, supervoxels: &BTreeSet<u64>) -> Result<BTreeSet<u64>, Error> {
        let mut seeds: BTreeSet<u64> = sql!(
            "select seed_id::text
            from task_mgmt.segment
            where project_name = $1 and current_segment_id = any($2) and current_segment_id is not null"
        )
        .all(&[self.project.into(), ids::numerics(&self.old_roots).into()], |row| ids::stored(row.get(1)?))
        .map(BTreeSet::from_iter)?;
        seeds.extend(supervoxels);
        let locked = sql!(
            "select s.seed_id::text, s.current_segment_id::text
            from task_mgmt.segment s
            where s.project_name = $1 and s.seed_id = any($2) and not exists (
                select from task_mgmt.segment_move m
                where m.project_name = $1 and m.seed_id = s.seed_id and m.moved_at > $3
            )
            order by s.seed_id
            for no key update of s"
        )
        .all(&[self.project.into(), ids::numerics(&seeds).into(), self.edited_at.into()], |row| {
            Ok((ids::stored(row.get(1)?)?, row.find::<String>(2)?.map(ids::stored).transpose()?))
        })?;
        let old_roots: BTreeSet<&u64> = self.old_roots.iter().collect();
        let is_concerned = |(seed, root): &(u64, Option<u64>)| {
            supervoxels.contains(seed) || root.is_some_and(|root| old_roots.contains(&root))
        };
        Ok(locked.into_iter().filter(is_concerned).map(|(seed, _)| seed).collect())
    }

    fn move_supervoxels(&self, moved: &BTreeMap<u64, Place>) -> Result<i64, Error> {
        let count = sql!(
            "update task_mgmt.supervoxel v
            set current_segment_id = moved.root_id, moved_at = moved.since, updated_at = $5
            from unnest($2, $3, $4) as moved (supervoxel_id, root_id, since)
            where v.project_name = $1 and v.supervoxel_id = moved.supervoxel_id"
        )
        .run(&[
            self.project.into(),
            ids::numerics(moved.keys()).into(),
            ids::numerics(moved.values().map(|place| &place.root)).into(),
            moved.values().map(|place| place.since).collect::<Vec<_>>().into(),
            self.now.into(),
        ])?;
        Ok(count as i64)
    }

    /// A newer time than that of the event is that of the last of the merges that led on.
    fn move_segments(&self, moved: &BTreeMap<u64, Place>, edit: &Edit) -> Result<(), Error> {
        let is_merged = |place: &Place| matches!(edit, Edit::Merge) || place.since > self.edited_at;
        sql!(
            "with moved as (
                update task_mgmt.segment s
                set current_segment_id = moved.root_id, updated_at = $5,
                    last_merge_at = greatest(s.last_merge_at, case when moved.is_merged then moved.since end)
                from unnest($2, $3, $4, $6) as moved (seed_id, root_id, since, is_merged)
                where s.project_name = $1 and s.seed_id = moved.seed_id
                returning s.seed_id, moved.since
            )
            insert into task_mgmt.segment_move (project_name, seed_id, event_id, moved_at)
            select $1, seed_id, $7, since from moved"
        )
        .run(&[
            self.project.into(),
            ids::numerics(moved.keys()).into(),
            ids::numerics(moved.values().map(|place| &place.root)).into(),
            moved.values().map(|place| place.since).collect::<Vec<_>>().into(),
            self.now.into(),
            moved.values().map(is_merged).collect::<Vec<_>>().into(),
            self.event_id.into(),
        ])?;
        Ok(())
    }

    fn record(&self, supervoxels_moved: i64) -> Result<(), Error> {
        sql!(
            "with replaced as (
                insert into task_mgmt.segment_edit_root (project_name, root_id, event_id, place)
                select $1, root_id, $2, place
                from unnest($3) with ordinality as old (root_id, place)
            )
            insert into task_mgmt.segment_edit_event
                (project_name, event_id, new_root_ids, operation_type, edit_timestamp, processed_at, supervoxels_moved)
            values ($1, $2, $4::numeric[], $5, $6, $7, $8)"
        )
        .run(&[
            self.project.into(),
            self.event_id.into(),
            ids::numerics(&self.old_roots).into(),
            ids::numerics(&self.new_roots).into(),
            self.operation_type.into(),
            self.edited_at.into(),
            self.now.into(),
            supervoxels_moved.into(),
        ])?;
        Ok(())
    }
}
