//! What a claim asks of limits: a task takes a running slot of every limit that it counts towards before it is anybody's.

use task_mgmt_core::limits::Scope;

use super::slots::{Pool, Slots};
use super::{Limit, Sort};
use crate::assignment::Worker;
use crate::columns::lane;
use crate::error::Error;
use crate::rows::{Key, Snapshot, Table};

/// Takes the slots for a task of this lane that the worker is about to claim, whose key is locked. Returns a limit that is reached, if
/// one is; then the task has none.
pub fn occupy(worker: &Worker, lane_no: i32, task_no: i64) -> Result<Option<Limit>, Error> {
    let limits = limits_of(worker, lane_no)?;
    // What is taken in vain has to be written back, so of several limits all are asked first.
    if let [_, _, ..] = *limits
        && let Some(limit) = reached(worker, lane_no)?
    {
        return Ok(Some(limit));
    }
    let slots = Slots::open(worker.project);
    for limit in limits {
        if let Some(pool) = Pool::of(&limit, Sort::Running)
            && !slots.take(pool, &[task_no])?
        {
            vacate(worker, task_no)?;
            return Ok(Some(limit));
        }
    }
    Ok(None)
}

/// The same for a task that was asked for by name. Errors: 53400 if a limit is reached.
pub fn require(worker: &Worker, lane_no: i32, task_no: i64) -> Result<(), Error> {
    match occupy(worker, lane_no, task_no)? {
        Some(limit) => Err(limit.refusal(Sort::Running)),
        None => Ok(()),
    }
}

/// Gives back the slots of a task that was not claimed after all.
pub fn vacate(worker: &Worker, task_no: i64) -> Result<(), Error> {
    keep(worker, task_no, Sort::Queued)
}

/// A task that was claimed is in the queue no more.
pub fn leave_queue(worker: &Worker, task_no: i64) -> Result<(), Error> {
    keep(worker, task_no, Sort::Running)
}

/// A limit that is reached for the tasks of a lane, as far as one can tell without taking a slot.
pub fn reached(worker: &Worker, lane_no: i32) -> Result<Option<Limit>, Error> {
    first_reached(worker, limits_of(worker, lane_no)?)
}

/// The limit of the worker's own tasks if it is reached. It is all that counts for a task that the worker takes over, as that runs
/// already; and as only who has the user's key takes slots of it, what is free stays so for this caller.
pub fn reached_by_agent(worker: &Worker) -> Result<Option<Limit>, Error> {
    match worker.has_limits {
        true => first_reached(worker, super::find(worker.project, &[(Scope::Agent, worker.user)])?),
        false => Ok(None),
    }
}

fn first_reached(worker: &Worker, limits: Vec<Limit>) -> Result<Option<Limit>, Error> {
    for limit in limits {
        if let Some(pool) = Pool::of(&limit, Sort::Running)
            && !Slots::open(worker.project).has_room(pool)?
        {
            return Ok(Some(limit));
        }
    }
    Ok(None)
}

/// The limits that the user's tasks of a lane count towards once they run.
fn limits_of(worker: &Worker, lane_no: i32) -> Result<Vec<Limit>, Error> {
    if !worker.has_limits {
        return Ok(vec![]);
    }
    let (lanes, snapshot) = (Table::open_to_read(c"lane"), Snapshot::latest());
    let keys = &mut [Key::text(lane::PROJECT_NAME, worker.project), Key::int4(lane::LANE_NO, lane_no)];
    let mut scan = lanes.scan(c"lane_lane_no_key", &snapshot, keys);
    let row = scan.next().ok_or_else(|| Error::Internal(format!("there is no lane {lane_no}")))?;
    let (task_type, channel): (String, String) = (row.get(lane::TASK_TYPE)?, row.get(lane::CHANNEL)?);
    let subjects =
        [(Scope::Project, ""), (Scope::Agent, worker.user), (Scope::TaskType, &task_type), (Scope::Channel, &channel)];
    let mut limits = super::find(worker.project, &subjects)?;
    limits.retain(|limit| limit.max_running.is_some());
    Ok(limits)
}

fn keep(worker: &Worker, task_no: i64, sort: Sort) -> Result<(), Error> {
    match worker.has_limits {
        true => Slots::open(worker.project).free(task_no, |_, of| of == sort).map(|_| ()),
        false => Ok(()),
    }
}
