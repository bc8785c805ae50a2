//! The tasks that a user could start, best first: those assigned to the user, then the lanes that the user qualifies for,
//! merged by urgency and age. The cost of a claim grows with the number of lanes, not of tasks.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use pgrx::pg_sys;
use task_mgmt_core::frontier::Frontier;

use crate::assignment::Worker;
use crate::columns::ready;
use crate::error::Error;
use crate::rows::{Key, Place, Row, Scan, Snapshot, Table};

/// A task that could be started when it was looked up; only a claim can tell whether it still can.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub rank: Rank,
    pub task_id: String,
    pub place: Place,
    pub has_seed_state: bool,
    /// What the user gets of it depends on what they have done already.
    pub is_shared: bool,
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
    queues: Vec<Queue<'t>>,
    heads: BinaryHeap<Reverse<(Candidate, usize)>>,
}

impl<'t> Candidates<'t> {
    /// `table` is `task_mgmt.ready`.
    pub fn new(worker: &'t Worker, table: &'t Table, snapshot: &'t Snapshot) -> Result<Self, Error> {
        let mut queues = vec![];
        for queue_no in std::iter::once(-worker.user_no).chain(worker.lanes.iter().copied()) {
            let name = QueueName { table: table.oid(), project: worker.project, queue_no };
            if name.has_rows(table, snapshot) {
                queues.push(Queue::returned(&name, table, snapshot));
                queues.push(Queue::fresh(&name, table, snapshot));
            }
        }
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
        while let Some((lane_no, candidate)) = self.queues[queue].next()? {
            if self.lanes.binary_search(&lane_no).is_ok() {
                self.heads.push(Reverse((candidate, queue)));
                break;
            }
        }
        Ok(())
    }
}

struct QueueName<'t> {
    table: pg_sys::Oid,
    project: &'t str,
    queue_no: i32,
}

impl QueueName<'_> {
    /// False if the queue is empty. Most users' own queue is, and one look into both halves is cheaper than two. Where a part of
    /// it is known to be used up, this look would walk over that.
    fn has_rows(&self, table: &Table, snapshot: &Snapshot) -> bool {
        !frontiers(self).is_empty() || {
            let keys = &mut [Key::text(ready::PROJECT_NAME, self.project), Key::int4(ready::QUEUE_NO, self.queue_no)];
            table.scan(c"ready_pkey", snapshot, keys).next().is_some()
        }
    }
}

/// One of the two halves of a queue, read part by part in the order of urgency.
struct Queue<'t> {
    project: &'t str,
    queue_no: i32,
    is_returned: bool,
    table: &'t Table,
    snapshot: &'t Snapshot,
    parts: VecDeque<Part>,
    scan: Option<Scan<'t>>,
    /// The urgency whose first task in sight was last noted; None in the returned half, which has no frontiers.
    noted: Option<i32>,
}

/// A stretch of a queue's index.
enum Part {
    /// All urgencies between two, or from the beginning or to the end.
    Between(Option<i32>, Option<i32>),
    /// One urgency, from a task number on.
    From(i32, i64),
}

impl<'t> Queue<'t> {
    /// Tasks that came back: they may stand anywhere.
    fn returned(name: &QueueName<'t>, table: &'t Table, snapshot: &'t Snapshot) -> Self {
        Self::new(name, table, snapshot, true, [Part::Between(None, None)].into())
    }

    /// Tasks that are ready since their creation: of each urgency, those before its frontier are used up.
    fn fresh(name: &QueueName<'t>, table: &'t Table, snapshot: &'t Snapshot) -> Self {
        let mut parts = VecDeque::new();
        let mut above = None;
        for (urgency, bound) in frontiers(name) {
            parts.push_back(Part::Between(above, Some(urgency)));
            parts.push_back(Part::From(urgency, bound));
            above = Some(urgency);
        }
        parts.push_back(Part::Between(above, None));
        Self::new(name, table, snapshot, false, parts)
    }

    fn new(
        name: &QueueName<'t>,
        table: &'t Table,
        snapshot: &'t Snapshot,
        is_returned: bool,
        parts: VecDeque<Part>,
    ) -> Self {
        let (project, queue_no) = (name.project, name.queue_no);
        Self { project, queue_no, is_returned, table, snapshot, parts, scan: None, noted: None }
    }

    /// The next task, with its lane.
    fn next(&mut self) -> Result<Option<(i32, Candidate)>, Error> {
        loop {
            if let Some(row) = self.scan.as_mut().and_then(|scan| scan.next()) {
                let found = (row.get(ready::LANE_NO)?, candidate(&row)?);
                self.note(found.1.rank);
                return Ok(Some(found));
            }
            match self.parts.pop_front() {
                Some(part) => self.scan = Some(self.open(part)),
                None => return Ok(None),
            }
        }
    }

    fn open(&self, part: Part) -> Scan<'t> {
        let mut keys = vec![
            Key::text(ready::PROJECT_NAME, self.project),
            Key::int4(ready::QUEUE_NO, self.queue_no),
            Key::bool(ready::IS_RETURNED, self.is_returned),
        ];
        match part {
            Part::From(urgency, bound) => {
                keys.push(Key::int4(ready::URGENCY, urgency));
                keys.push(Key::at_least(ready::TASK_NO, bound));
            }
            Part::Between(above, below) => {
                keys.extend(above.map(|above| Key::above(ready::URGENCY, above)));
                keys.extend(below.map(|below| Key::below(ready::URGENCY, below)));
            }
        }
        self.table.scan(c"ready_pkey", self.snapshot, &mut keys)
    }

    /// Tells the frontier of an urgency which task of it came into sight first.
    fn note(&mut self, rank: Rank) {
        if self.is_returned || self.noted == Some(rank.urgency) {
            return;
        }
        self.noted = Some(rank.urgency);
        let name = QueueName { table: self.table.oid(), project: self.project, queue_no: self.queue_no };
        if let Some(horizon) = self.snapshot.horizon() {
            observe(&name, rank, horizon);
        }
    }
}

fn candidate(row: &Row) -> Result<Candidate, Error> {
    let rank = Rank {
        is_unassigned: row.get::<i32>(ready::QUEUE_NO)? > 0,
        urgency: row.get(ready::URGENCY)?,
        task_no: row.get(ready::TASK_NO)?,
    };
    Ok(Candidate {
        rank,
        task_id: row.get(ready::TASK_ID)?,
        place: row.place(),
        has_seed_state: row.get(ready::HAS_SEED_STATE)?,
        is_shared: row.get(ready::IS_SHARED)?,
    })
}

type Frontiers = HashMap<(pg_sys::Oid, i32), BTreeMap<i32, Frontier>>;

thread_local! {
    /// What this backend knows, by project, queue and urgency.
    static FRONTIERS: RefCell<HashMap<String, Frontiers>> = RefCell::default();
}

/// The urgencies that this backend has met in a queue, in order, each with the task number before which it is used up.
fn frontiers(name: &QueueName) -> Vec<(i32, i64)> {
    FRONTIERS.with_borrow(|projects| {
        let queue = projects.get(name.project).and_then(|queues| queues.get(&(name.table, name.queue_no)));
        queue.into_iter().flatten().map(|(urgency, frontier)| (*urgency, frontier.bound())).collect()
    })
}

fn observe(name: &QueueName, rank: Rank, (oldest_running, next_transaction): (u64, u64)) {
    const MOST_URGENCIES: usize = 16;
    const MOST_QUEUES: usize = 4096;
    FRONTIERS.with_borrow_mut(|projects| {
        if !projects.contains_key(name.project) {
            projects.insert(name.project.to_owned(), Frontiers::new());
        }
        let Some(queues) = projects.get_mut(name.project) else { return };
        if queues.len() > MOST_QUEUES {
            queues.clear();
        }
        let urgencies = queues.entry((name.table, name.queue_no)).or_default();
        // Each urgency costs a look into the index; who uses many would rather walk over what is used up.
        if urgencies.len() >= MOST_URGENCIES && !urgencies.contains_key(&rank.urgency) {
            urgencies.clear();
        }
        urgencies.entry(rank.urgency).or_default().observe(rank.task_no, oldest_running, next_transaction);
    });
}
