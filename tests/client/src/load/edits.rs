//! Random calls that follow edits of the segmentation, on few roots: events are delivered twice and late, workers lose updates.

use rand::Rng;

use super::Caller;
use super::annotation::{ROOTS, SEEDS};

impl Caller {
    pub(super) fn random_edit_call(&mut self, project: &str, user: &str, task: &str) -> String {
        let (seed, root, other) = (self.random.random_range(1..=SEEDS), self.random_root(), self.random_root());
        let seconds = self.random.random_range(0..100);
        let edited_at = format!("clock_timestamp() - interval '{seconds} ms'");
        let event = format!("e{}", self.random.random_range(0..2000));
        match self.random.random_range(0..24) {
            0..3 => {
                let new = self.random_root();
                format!(
                    "update_supervoxels_for_merge('{project}', array[{root}, {other}], {new}, '{event}', {edited_at})"
                )
            }
            3..5 => format!(
                r#"update_supervoxels_for_split('{project}', {root}, array[{other}, {new}],
                    '{{"{seed}": {other}, "{next}": {new}}}', '{event}', {edited_at})"#,
                new = other % ROOTS + 1,
                next = seed % SEEDS + 1,
            ),
            5 => format!(
                r#"create_supervoxels('{project}', '[{{"supervoxel_id": {seed}, "seed_x": 1, "seed_y": 2, "seed_z": 3,
                    "current_segment_id": {root}}}]')"#
            ),
            6 => format!("populate_supervoxels_from_segments('{project}')"),
            7 => format!(
                "create_merge_edit('{project}', '{task}', '{user}', '[[\"{root}\", 1, 2, 3], [\"{other}\", 1, 2, 3]]')"
            ),
            8 => format!(
                "create_split_edit('{project}', '{task}', '{user}', '[[\"{root}\", 1, 2, 3]]', '[[\"{root}\", 3, 2, 1]]')"
            ),
            9..11 => format!("queue_segment_updates('{project}', array[{root}, {other}])"),
            11..13 => format!("queue_segment_updates_for_seeds('{project}', array[{seed}, {}])", SEEDS + 1 - seed),
            13..15 => format!("* from claim_segment_update('{project}', '{user}', 1)"),
            15 => "* from claim_segment_update()".into(),
            16..19 => {
                format!("complete_segment_update('{project}', seed_id, token) from claim_segment_update('{project}')")
            }
            19 => format!(
                "fail_segment_update('{project}', seed_id, token, 'stress') from claim_segment_update('{project}')"
            ),
            20 => format!("extend_segment_update('{project}', seed_id, token) from claim_segment_update('{project}')"),
            21 => format!("complete_segment_update('{project}', {seed}, {seconds})"),
            22 => format!("cleanup_completed_updates('{project}', 0)"),
            _ => format!("get_segment_update_stats('{project}'), get_supervoxels_by_segment('{project}', {root})"),
        }
    }

    fn random_root(&mut self) -> u64 {
        self.random.random_range(1..=ROOTS)
    }
}
