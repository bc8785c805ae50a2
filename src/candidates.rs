//! The tasks that a user could start, best first: those assigned to the user, then the lanes that the user qualifies for,
//! merged by urgency and age. The cost of a claim grows with the number of lanes, not of tasks.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::assignment::Worker;
use crate::columns::ready;
use crate::error::Error;
use crate::rows::{Key, Place, Scan, Snapshot, Table};

/// A task that could be started when it was looked up; only a claim can tell whether it still can.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub rank: Rank,
    pub task_id: String,
    pub place: Place,
}

/// What candidates are ordered by, also across projects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub is_unassigned: bool,
    pub urgency: i32,
    pub task_no: i64,
}

/// A merge over the heads of a user's queues. As long as it lives, so do the places of its candidates.
pub struct Candidates<'t> {
    lanes: &'t [i32],
    queues: Vec<Scan<'t>>,
    heads: BinaryHeap<Reverse<(Candidate, usize)>>,
}

impl<'t> Candidates<'t> {
    /// `table` is `task_mgmt.ready`.
    pub fn new(worker: &'t Worker, table: &'t Table, snapshot: &Snapshot) -> Result<Self, Error> {
        let queue_nos = std::iter::once(-worker.user_no).chain(worker.lanes.iter().copied());
        let queues = queue_nos
            .map(|queue_no| {
                let keys = &mut [Key::text(ready::PROJECT_NAME, worker.project), Key::int4(ready::QUEUE_NO, queue_no)];
                table.scan(c"ready_pkey", snapshot, keys)
            })
            .collect();
        let mut candidates = Self { lanes: &worker.lanes, queues, heads: BinaryHeap::new() };
        for queue in 0..candidates.queues.len() {
            candidates.advance(queue)?;
        }
        Ok(candidates)
    }

    /// The best of the rest.
    pub fn next(&mut self) -> Result<Option<Candidate>, Error> {
        let Some(Reverse((candidate, queue))) = self.heads.pop() else { return Ok(None) };
        pgrx::check_for_interrupts!();
        self.advance(queue)?;
        Ok(Some(candidate))
    }

    /// Puts the next task of a queue among the heads. The user's own queue also has tasks that the user does not qualify for.
    fn advance(&mut self, queue: usize) -> Result<(), Error> {
        while let Some(row) = self.queues[queue].next() {
            if self.lanes.contains(&row.get(ready::LANE_NO)?) {
                let rank = Rank {
                    is_unassigned: row.get::<i32>(ready::QUEUE_NO)? > 0,
                    urgency: row.get(ready::URGENCY)?,
                    task_no: row.get(ready::TASK_NO)?,
                };
                let candidate = Candidate { rank, task_id: row.get(ready::TASK_ID)?, place: row.place() };
                self.heads.push(Reverse((candidate, queue)));
                break;
            }
        }
        Ok(())
    }
}
