//! What a claim asks of limits: a task takes a running slot of every limit that it counts towards before it is anybody's.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys;
use task_mgmt_core::limits::Scope;

use super::slots::{Pool, Slot, Slots};
use super::{Limit, Sort};
use crate::assignment::Worker;
use crate::columns::lane;
use crate::error::Error;
use crate::rows::names::oid;
use crate::rows::{Key, Snapshot, Table};

/// What came of asking for slots.
pub enum Occupation<'p> {
    Occupied(Occupied<'p>),
    /// By this limit, so the task has got none.
    Refused(Limit),
}

/// The slots that a task has got.
pub struct Occupied<'p> {
    project: &'p str,
    task_no: i64,
    slots: Vec<Slot>,
}

/// Takes the slots for a task of this lane that the worker is about to claim, whose key is locked.
pub fn occupy<'p>(worker: &Worker<'p>, lane_no: i32, task_no: i64) -> Result<Occupation<'p>, Error> {
    let limits = limits_of(worker, lane_no)?;
    // What is taken in vain has to be written back, so of several limits all are asked first.
    if limits.len() > 1
        && let Some(limit) = first_reached(worker, &limits)?
    {
        return Ok(Occupation::Refused(limit));
    }
    let mut occupied = Occupied { project: worker.project, task_no, slots: vec![] };
    for limit in limits.iter() {
        if let Some(pool) = Pool::of(limit, Sort::Running) {
            let taken = Slots::open(worker.project).take(pool, &[task_no])?;
            occupied.slots.extend(taken.slots);
            if !taken.are_enough {
                occupied.give_back()?;
                return Ok(Occupation::Refused(limit.clone()));
            }
        }
    }
    Ok(Occupation::Occupied(occupied))
}

/// The same for a task that was asked for by name. Errors: 53400 if a limit is reached.
pub fn require(worker: &Worker, lane_no: i32, task_no: i64) -> Result<(), Error> {
    match occupy(worker, lane_no, task_no)? {
        Occupation::Occupied(_) => Ok(()),
        Occupation::Refused(limit) => Err(limit.refusal(Sort::Running)),
    }
}

impl Occupied<'_> {
    /// For a task that was not claimed after all. Somebody else may have claimed it meanwhile, so it may have other slots, too.
    pub fn give_back(self) -> Result<(), Error> {
        match self.slots.is_empty() {
            true => Ok(()),
            false => Slots::open(self.project).free(self.task_no, |slot| !self.slots.contains(&slot)).map(|_| ()),
        }
    }
}

/// Tasks that were claimed are in the queue no more.
pub fn leave_queue(worker: &Worker, task_nos: &[i64]) -> Result<(), Error> {
    match worker.limits_no.is_some() {
        true => Slots::open(worker.project).free_all(task_nos, |slot| slot.sort == Sort::Running),
        false => Ok(()),
    }
}

/// A limit that is reached for the tasks of a lane, as far as one can tell without taking a slot.
pub fn reached(worker: &Worker, lane_no: i32) -> Result<Option<Limit>, Error> {
    first_reached(worker, &limits_of(worker, lane_no)?)
}

/// The limit of the worker's own tasks if it is reached. It is all that counts for a task that the worker takes over, as that runs
/// already; and as only who has the user's key takes slots of it, what is free stays so for this caller.
pub fn reached_by_agent(worker: &Worker) -> Result<Option<Limit>, Error> {
    match worker.limits_no.is_some() {
        true => first_reached(worker, &super::find(worker.project, &[(Scope::Agent, worker.user)])?),
        false => Ok(None),
    }
}

fn first_reached(worker: &Worker, limits: &[Limit]) -> Result<Option<Limit>, Error> {
    for limit in limits {
        if let Some(pool) = Pool::of(limit, Sort::Running)
            && !Slots::open_to_read(worker.project).has_room(pool)?
        {
            return Ok(Some(limit.clone()));
        }
    }
    Ok(None)
}

/// What this backend has looked up, by lane and user. The number of a project's limits is never that of others.
struct Known {
    limits_no: i64,
    limits: HashMap<(i32, i32), Rc<[Limit]>>,
}

thread_local! {
    static KNOWN: RefCell<HashMap<(pg_sys::Oid, String), Known>> = RefCell::default();
}

/// The limits that the user's tasks of a lane count towards once they run.
fn limits_of(worker: &Worker, lane_no: i32) -> Result<Rc<[Limit]>, Error> {
    const MOST: usize = 4096;
    let Some(limits_no) = worker.limits_no else { return Ok(Rc::default()) };
    let (project, of) = ((oid(c"task_limit"), worker.project.to_owned()), (lane_no, worker.user_no));
    let known = KNOWN.with_borrow(|known| {
        let known = known.get(&project).filter(|known| known.limits_no == limits_no)?;
        known.limits.get(&of).cloned()
    });
    if let Some(limits) = known {
        return Ok(limits);
    }
    let limits: Rc<[Limit]> = look_up(worker, lane_no)?.into();
    KNOWN.with_borrow_mut(|known| {
        if known.len() > MOST {
            known.clear();
        }
        let known = known.entry(project).or_insert_with(|| Known { limits_no, limits: HashMap::new() });
        if known.limits_no != limits_no || known.limits.len() > MOST {
            *known = Known { limits_no, limits: HashMap::new() };
        }
        known.limits.insert(of, Rc::clone(&limits));
    });
    Ok(limits)
}

fn look_up(worker: &Worker, lane_no: i32) -> Result<Vec<Limit>, Error> {
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
