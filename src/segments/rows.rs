//! Segments as rows: what stands in which column. They are written without statements, which would take twice as long for many.

use std::collections::BTreeMap;
use std::ffi::CString;

use pgrx::prelude::*;
use task_mgmt_core::segments::{NewSegment, SegmentStatus};
use task_mgmt_core::tasks::SeedId;

use crate::clock::Instant;
use crate::columns::segment;
use crate::error::Error;
use crate::ids;
use crate::json::{self, Jsonb};
use crate::rows::{self, Key, Snapshot, Table};
use crate::spi::{self, read};

/// Inserts segments, in the one order that all use. Errors: 42710 if one exists.
pub fn insert(project: &str, segments: &[&NewSegment], now: Instant) -> Result<(), Error> {
    let mut sorted = segments.to_vec();
    sorted.sort_unstable_by_key(|segment| segment.seed_id.0);
    let table = Table::open(c"segment");
    let mut columns = Columns::new(&table, project, now);
    let insert = || {
        table.insert_all(sorted.into_iter().map(|segment| columns.values(segment, now)), None);
        rows::finish();
        Ok(())
    };
    let taken = |seed: String| match segments.iter().position(|segment| segment.seed_id.0.to_string() == seed) {
        Some(index) => {
            Error::SegmentExists { project: project.into(), seed: segments[index].seed_id.0 }.of_element(index)
        }
        None => Error::Internal(format!("segment {seed} was not to be created")),
    };
    spi::insert_unique(project, insert, taken)
}

/// Writes all values of a segment, whose row the caller has locked.
pub fn update(project: &str, segment: &NewSegment, now: Instant) -> Result<(), Error> {
    let (table, snapshot) = (Table::open(c"segment"), Snapshot::latest());
    let keys = &mut [
        Key::text(segment::PROJECT_NAME, project),
        Key::numeric(segment::SEED_ID, ids::numeric(segment.seed_id.0)),
    ];
    let mut scan = table.scan(c"segment_pkey", &snapshot, keys);
    let lost = || Error::Internal(format!("segment {} is gone", segment.seed_id.0));
    let row = scan.next().ok_or_else(lost)?;
    let values = Columns::new(&table, project, now).values(segment, row.get(segment::CREATED_AT)?);
    if !table.update(row.place(), &values)? {
        return Err(lost());
    }
    rows::finish();
    Ok(())
}

/// The text of a segment as `get_segment` returns it, without what `create_segment` does not take.
pub fn as_new(record: Jsonb) -> Result<String, Error> {
    let new: Jsonb =
        read!("select $1 - '{project_name,task_ids,created_at,updated_at}'::text[]").value(&[record.into()])?;
    Ok(new.text())
}

/// Makes the values of the columns of segments that are written at one time.
struct Columns<'t> {
    table: &'t Table,
    project: Option<pg_sys::Datum>,
    now: Instant,
    statuses: BTreeMap<&'static str, Option<pg_sys::Datum>>,
}

impl<'t> Columns<'t> {
    fn new(table: &'t Table, project: &str, now: Instant) -> Self {
        Self { table, project: project.into_datum(), now, statuses: BTreeMap::new() }
    }

    fn values(&mut self, segment: &NewSegment, created_at: Instant) -> [Option<pg_sys::Datum>; segment::COUNT] {
        let id = |SeedId(id): SeedId| ids::numeric(id).into_datum();
        let text = |text: &Option<String>| text.as_deref().and_then(|text| text.into_datum());
        let time = |time: Option<_>| time.map(Instant::from).into_datum();
        [
            self.project,
            id(segment.seed_id),
            segment.seed_x.into_datum(),
            segment.seed_y.into_datum(),
            segment.seed_z.into_datum(),
            segment.root_x.into_datum(),
            segment.root_y.into_datum(),
            segment.root_z.into_datum(),
            text(&segment.segment_type),
            text(&segment.expected_segment_type),
            text(&segment.batch),
            segment.current_segment_id.and_then(id),
            segment.skeleton_path_length_mm.into_datum(),
            segment.pre_synapse_count.into_datum(),
            segment.post_synapse_count.into_datum(),
            self.status(segment.status),
            segment.is_exported.into_datum(),
            created_at.into_datum(),
            self.now.into_datum(),
            time(segment.last_modified),
            time(segment.last_merge_at),
            segment.extra_data.and_then(|data| json::datum(data.get())),
        ]
    }

    fn status(&mut self, status: SegmentStatus) -> Option<pg_sys::Datum> {
        let label = |name| CString::new(name).ok().and_then(|name| self.table.label(segment::STATUS, &name));
        *self.statuses.entry(status.name()).or_insert_with_key(|name| label(*name))
    }
}
