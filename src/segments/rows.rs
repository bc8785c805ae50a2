//! Segments as rows: what stands in which column.

use pgrx::AnyNumeric;
use pgrx::datum::DatumWithOid;
use task_mgmt_core::segments::NewSegment;
use task_mgmt_core::tasks::SeedId;

use crate::clock::Instant;
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::spi::{read, sql};

/// Rows of new values, one for each element of the arrays that `columns` returns.
macro_rules! new_rows {
    () => {
        "(select seed_id, seed_x, seed_y, seed_z, root_x, root_y, root_z, segment_type, expected_segment_type, batch,
            current_segment_id, skeleton_path_length_mm, pre_synapse_count, post_synapse_count,
            status::task_mgmt.segment_status as status, is_exported, last_modified, last_merge_at,
            extra_data::jsonb as extra_data
        from unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) as new (
            seed_id, seed_x, seed_y, seed_z, root_x, root_y, root_z, segment_type, expected_segment_type, batch,
            current_segment_id, skeleton_path_length_mm, pre_synapse_count, post_synapse_count, status, is_exported,
            last_modified, last_merge_at, extra_data)) as new"
    };
}

/// Inserts those of the segments whose seeds are free, in the one order that all use, and returns their seeds.
pub fn insert(project: &str, segments: &[NewSegment], now: Instant) -> Result<Vec<u64>, Error> {
    sql!(concat!(
        "insert into task_mgmt.segment (project_name, created_at, updated_at, seed_id, seed_x, seed_y, seed_z, root_x,
            root_y, root_z, segment_type, expected_segment_type, batch, current_segment_id, skeleton_path_length_mm,
            pre_synapse_count, post_synapse_count, status, is_exported, last_modified, last_merge_at, extra_data)
        select $1, $2, $2, new.*
        from ",
        new_rows!(),
        " order by new.seed_id
        on conflict do nothing
        returning seed_id::text"
    ))
    .all(&columns(project, segments, now), |row| ids::stored(row.get(1)?))
}

/// Writes all values of a segment, whose row the caller has locked.
pub fn update(project: &str, segment: &NewSegment, now: Instant) -> Result<(), Error> {
    sql!(concat!(
        "update task_mgmt.segment s set
            updated_at = $2,
            (seed_x, seed_y, seed_z, root_x, root_y, root_z, segment_type, expected_segment_type, batch,
            current_segment_id, skeleton_path_length_mm, pre_synapse_count, post_synapse_count, status, is_exported,
            last_modified, last_merge_at, extra_data)
            = row(new.seed_x, new.seed_y, new.seed_z, new.root_x, new.root_y, new.root_z, new.segment_type,
            new.expected_segment_type, new.batch, new.current_segment_id, new.skeleton_path_length_mm,
            new.pre_synapse_count, new.post_synapse_count, new.status, new.is_exported, new.last_modified,
            new.last_merge_at, new.extra_data)
        from ",
        new_rows!(),
        " where s.project_name = $1 and s.seed_id = new.seed_id"
    ))
    .run(&columns(project, std::slice::from_ref(segment), now))?;
    Ok(())
}

/// The text of a segment as `get_segment` returns it, without what `create_segment` does not take.
pub fn as_new(record: Jsonb) -> Result<String, Error> {
    let new: Jsonb =
        read!("select $1 - '{project_name,task_ids,created_at,updated_at}'::text[]").value(&[record.into()])?;
    Ok(new.text())
}

/// Project, time, and an array for each column.
fn columns<'s>(project: &'s str, segments: &'s [NewSegment], now: Instant) -> Vec<DatumWithOid<'s>> {
    macro_rules! column {
        ($value:expr) => {
            segments.iter().map($value).collect::<Vec<_>>().into()
        };
    }
    fn id(id: Option<SeedId>) -> Option<AnyNumeric> {
        id.map(|SeedId(id)| ids::numeric(id))
    }
    vec![
        project.into(),
        now.into(),
        column!(|new| ids::numeric(new.seed_id.0)),
        column!(|new| new.seed_x),
        column!(|new| new.seed_y),
        column!(|new| new.seed_z),
        column!(|new| new.root_x),
        column!(|new| new.root_y),
        column!(|new| new.root_z),
        column!(|new| new.segment_type.as_deref()),
        column!(|new| new.expected_segment_type.as_deref()),
        column!(|new| new.batch.as_deref()),
        column!(|new| id(new.current_segment_id)),
        column!(|new| new.skeleton_path_length_mm),
        column!(|new| new.pre_synapse_count),
        column!(|new| new.post_synapse_count),
        column!(|new| new.status.name()),
        column!(|new| new.is_exported),
        column!(|new| new.last_modified.map(Instant::from)),
        column!(|new| new.last_merge_at.map(Instant::from)),
        column!(|new| new.extra_data.map(|data| data.get())),
    ]
}
