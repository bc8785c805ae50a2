//! What a user is qualified for, and the lanes that this selects.

use crate::columns::lane;
use crate::error::Error;
use crate::rows::{Key, Snapshot, Table};

/// The task types and segment types that a user may start tasks of.
pub struct Qualifications {
    pub task_types: Vec<String>,
    pub segment_types: Vec<String>,
}

impl Qualifications {
    pub fn has_task_type(&self, task_type: &str) -> bool {
        self.task_types.iter().any(|one| one == task_type)
    }

    /// A task without a segment type, which is empty, is for everybody.
    pub fn has_segment_type(&self, segment_type: &str) -> bool {
        segment_type.is_empty() || self.segment_types.iter().any(|one| one == segment_type)
    }

    /// The lanes of the tasks that the user is qualified for, in order.
    pub fn lanes(&self, project: &str, snapshot: &Snapshot) -> Result<Vec<i32>, Error> {
        let table = Table::open_to_read(c"lane");
        let mut lanes = vec![];
        for task_type in &self.task_types {
            let keys = &mut [Key::text(lane::PROJECT_NAME, project), Key::text(lane::TASK_TYPE, task_type)];
            let mut scan = table.scan(c"lane_pkey", snapshot, keys);
            while let Some(row) = scan.next() {
                if self.has_segment_type(&row.get::<String>(lane::SEGMENT_TYPE)?) {
                    lanes.push(row.get(lane::LANE_NO)?);
                }
            }
        }
        lanes.sort_unstable();
        lanes.dedup();
        Ok(lanes)
    }
}
