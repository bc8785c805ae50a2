//! What the state of a trace needs beside its segment: which segment that is, and the merges that were made in the task.

use task_mgmt_core::neuroglancer::annotations::MergeEdit;

use crate::error::Error;
use crate::ids;
use crate::spi::read;

/// A task with the segment that it is about.
pub struct Task {
    pub task_no: i64,
    pub seed_id: u64,
}

impl Task {
    /// Errors: P0002.
    pub fn find(project: &str, task_id: &str) -> Result<Self, Error> {
        let found = read!(
            "select t.task_no, coalesce(t.segment_seed_id, (
                select s.seed_id from task_mgmt.segment_task s
                where s.project_name = $1 and s.task_no = t.task_no
                order by s.seed_id
                limit 1
            ))::text
            from task_mgmt.task t
            where t.project_name = $1 and t.task_id = $2"
        )
        .first(&[project.into(), task_id.into()], |row| {
            Ok((row.get(1)?, row.find(2)?.map(ids::stored).transpose()?))
        })?;
        let Some((task_no, seed_id)) = found else {
            return Err(Error::StateOfUnknownTask { project: project.into(), task: task_id.into() });
        };
        let seed_id = seed_id.ok_or_else(|| Error::NoSegmentOfTask(task_id.into()))?;
        Ok(Self { task_no, seed_id })
    }
}

/// The merges that were made in a task, oldest first.
pub fn merge_edits(project: &str, task_no: i64) -> Result<Vec<MergeEdit>, Error> {
    read!(
        "select points::text from task_mgmt.merge_edit
        where project_name = $1 and task_no = $2
        order by created_at, edit_id"
    )
    .all(&[project.into(), task_no.into()], |row| Ok(MergeEdit::read(&row.get::<String>(1)?)))
}
