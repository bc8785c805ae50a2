//! What follows from a completed trace: its segment is what the trace has found, a task to post-process it, and perhaps a review.

use task_mgmt_core::neuroglancer::extraction::Trace;
use task_mgmt_core::segments::SegmentStatus;
use task_mgmt_core::standard_types::{FAULTY_TASK, endpoints, postprocess, segment_status, task_id};

use super::{creation, sampling};
use crate::clock;
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::segments;
use crate::spi::sql;
use crate::tasks;

/// A task that somebody has completed, under whose key the caller is.
pub struct CompletedTask<'a> {
    pub project: &'a str,
    pub task_id: &'a str,
    pub task_type: String,
    pub user_no: i32,
    /// Of the event of its latest completion; what is made once for a completion is named by it.
    pub completion_no: i64,
    user: String,
    seed: Option<u64>,
    ng_state: Jsonb,
}

/// Carries a completion over to the segment. The same again changes nothing more.
pub fn complete(project: &str, task_id: &str, status: &str) -> Result<(), Error> {
    if status == FAULTY_TASK {
        return Ok(());
    }
    let task = CompletedTask::find(project, task_id)?;
    if let Some(seed) = task.seed {
        update_segment(&task, seed, status)?;
        if status == "Done" {
            create_postprocess(&task, seed)?;
        }
    }
    sampling::review_some(&task)
}

impl<'a> CompletedTask<'a> {
    /// Errors: P0002 there is no such task; 55000 it is not completed.
    fn find(project: &'a str, task_id: &'a str) -> Result<Self, Error> {
        let found = sql!(
            "select t.task_type, u.user_no, u.user_id, t.segment_seed_id::text, t.ng_state,
                coalesce(
                    (select e.event_no
                    from task_mgmt.event e
                    where e.project_name = $1 and e.task_no = t.task_no and e.kind in ('completed', 'concluded')
                    order by e.event_no desc
                    limit 1),
                    t.task_no)
            from task_mgmt.task t
            left join task_mgmt.project_user u on u.project_name = $1 and u.user_no = t.completed_user_no
            where t.project_name = $1 and t.task_id = $2"
        )
        .first(&[project.into(), task_id.into()], |row| {
            Ok(Self {
                project,
                task_id,
                task_type: row.get(1)?,
                user_no: row.find(2)?.ok_or_else(|| Error::TaskNotFinished(task_id.into()))?,
                user: row.get(3)?,
                seed: row.find(4)?.map(ids::stored).transpose()?,
                ng_state: row.get(5)?,
                completion_no: row.get(6)?,
            })
        })?;
        match found {
            Some(task) => Ok(task),
            None => Err(tasks::not_found(project, task_id)?),
        }
    }
}

/// A root that the state does not show stays what it was. Errors: P0002, 55000.
fn update_segment(task: &CompletedTask, seed: u64, status: &str) -> Result<(), Error> {
    let project = task.project;
    let trace = Trace::read(&task.ng_state.text()).map_err(|refusal| Error::VerificationFailed(refusal.0))?;
    // Keeps everybody else from the segment's row, too.
    segments::endpoints::replace(project, seed, &task.user, &endpoints(&trace)).map_err(|error| match error {
        Error::SegmentNotFound { project, seed } => Error::NoSuchSegment { project, seed },
        error => error,
    })?;
    let [x, y, z] = trace.root.map_or([None; 3], |root| root.map(Some));
    sql!(
        "update task_mgmt.segment set
            current_segment_id = $3,
            root_x = coalesce($4, root_x),
            root_y = coalesce($5, root_y),
            root_z = coalesce($6, root_z),
            status = coalesce($7::task_mgmt.segment_status, status),
            updated_at = $8
        where project_name = $1 and seed_id = $2"
    )
    .run(&[
        project.into(),
        ids::numeric(seed).into(),
        trace.segment_id.map(ids::numeric).into(),
        x.into(),
        y.into(),
        z.into(),
        segment_status(status).map(SegmentStatus::name).into(),
        clock::now()?.into(),
    ])?;
    Ok(())
}

/// One task for each completion, if the project has the type.
fn create_postprocess(task: &CompletedTask, seed: u64) -> Result<(), Error> {
    let id = task_id("postprocess", &seed.to_string(), task.completion_no);
    let is_due = sql!(
        "select from task_mgmt.task_type
        where project_name = $1 and task_type = 'trace_postprocess_v0'
            and not exists (select from task_mgmt.task where project_name = $1 and task_id = $2)"
    )
    .run(&[task.project.into(), id.as_str().into()])?
        > 0;
    if is_due {
        creation::create(task.project, &postprocess(id, task.task_id)?)?;
    }
    Ok(())
}
