//! The tasks that a user could start, best first: those assigned to the user, then the lanes that the user qualifies for,
//! merged by urgency and age. The cost of a claim grows with the number of lanes, not of tasks.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use pgrx::pg_sys;
use task_mgmt_core::frontier::Frontier;

use crate::assignment::{Taken, Worker};
use crate::clock::Instant;
use crate::columns::ready;
use crate::error::Error;
use crate::overlap;
use crate::rows::{Key, Place, Row, Scan, Snapshot, Table};

/// A task that could be started when it was looked up; only a claim can tell whether it still can.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub rank: Rank,
    pub task_id: String,
    pub place: Place,
    pub lane_no: i32,
    pub has_seed_state: bool,
    /// What the user gets of it depends on what they have done already.
    pub is_shared: bool,
    pub attempts: i32,
    pub expires_at: Option<Instant>,
}

/// What candidates are ordered by, also across projects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub is_unassigned: bool,
    pub urgency: i32,
    pub task_no: i64,
}

impl Candidate {
    pub fn taken(&self) -> Taken<'_> {
        Taken { task_no: self.rank.task_no, task_id: &self.task_id, attempts: self.attempts }
    }
}

/// A merge over the heads of a user's queues. As long as it lives, so do the places of its candidates.
pub struct Candidates<'t> {
    queues: Vec<Queue<'t>>,
    heads: BinaryHeap<Reverse<(Candidate, usize)>>,
    /// The one scan that reads all queues: to open one for each would cost twice as much as to read its head.
    scan: Scan<'t>,
    /// The queue that the scan stands in.
    reading: Option<usize>,
    /// The queue of the candidate that was given out last. Its next task is looked up only if somebody asks for it.
    given_out: Option<usize>,
    worker: &'t Worker<'t>,
    /// Found in the queues, but not given out yet.
    ahead: VecDeque<Candidate>,
    /// How far to look ahead when the next shared one comes.
    stride: usize,
    /// Whether some had expired that nobody has swept yet.
    pub has_met_expired: bool,
}

/// Whose tasks: those assigned to the user, those of everybody, or both.
#[derive(Clone, Copy, PartialEq)]
pub enum Whose {
    Own,
    Common,
    Both,
}

impl<'t> Candidates<'t> {
    /// `table` is `task_mgmt.ready`.
    pub fn new(worker: &'t Worker<'t>, table: &'t Table, snapshot: &'t Snapshot) -> Result<Self, Error> {
        Self::of((Whose::Both, None), worker, table, snapshot)
    }

    /// Only those in the channel, if one is given.
    pub fn of(
        (whose, channel): (Whose, Option<&'t str>),
        worker: &'t Worker<'t>,
        table: &'t Table,
        snapshot: &'t Snapshot,
    ) -> Result<Self, Error> {
        let project = vec![Key::text(ready::PROJECT_NAME, worker.project)];
        let (index, most_keys) = match channel {
            None => (c"ready_pkey", MOST_KEYS),
            Some(_) => (c"ready_channel_idx", MOST_KEYS + 1),
        };
        let mut candidates = Self {
            queues: vec![],
            heads: BinaryHeap::new(),
            scan: table.scan_often(index, snapshot, project, most_keys),
            reading: None,
            given_out: None,
            worker,
            ahead: VecDeque::new(),
            stride: 1,
            has_met_expired: false,
        };
        let own = (whose != Whose::Common).then_some(-worker.user_no);
        let lanes = if whose == Whose::Own { &[] } else { worker.lanes.as_slice() };
        for queue_no in own.into_iter().chain(lanes.iter().copied()) {
            let name = QueueName { table: table.oid(), project: worker.project, channel, queue_no };
            candidates.reading = None;
            if name.has_rows(&mut candidates.scan) {
                candidates.add(Queue::returned(name, snapshot))?;
                candidates.add(Queue::fresh(name, snapshot))?;
            }
        }
        Ok(candidates)
    }

    /// The best of the rest. What the user has done another copy of is left out.
    pub fn next(&mut self) -> Result<Option<Candidate>, Error> {
        loop {
            if let Some(candidate) = self.ahead.pop_front() {
                return Ok(Some(candidate));
            }
            match self.next_head()? {
                Some(candidate) if candidate.is_shared => self.look_ahead(candidate)?,
                candidate => return Ok(candidate),
            }
        }
    }

    /// What a user is done with may stand in front of the queue for long; so it is asked about many at once, if there are many.
    fn look_ahead(&mut self, first: Candidate) -> Result<(), Error> {
        self.ahead.push_back(first);
        while self.ahead.len() < self.stride
            && let Some(candidate) = self.next_head()?
        {
            self.ahead.push_back(candidate);
        }
        self.stride = (2 * self.stride).min(MOST_AHEAD);
        let shared = self.ahead.iter().filter(|candidate| candidate.is_shared);
        let shared: Vec<i64> = shared.map(|candidate| candidate.rank.task_no).collect();
        let answered = overlap::answered(self.worker.project, &shared, self.worker.user_no)?;
        self.ahead.retain(|candidate| !answered.contains(&candidate.rank.task_no));
        Ok(())
    }

    fn next_head(&mut self) -> Result<Option<Candidate>, Error> {
        if let Some(queue) = self.given_out.take() {
            self.advance(queue)?;
        }
        let Some(Reverse((candidate, queue))) = self.heads.pop() else { return Ok(None) };
        pgrx::check_for_interrupts!();
        self.given_out = Some(queue);
        Ok(Some(candidate))
    }

    fn add(&mut self, queue: Queue<'t>) -> Result<(), Error> {
        self.queues.push(queue);
        self.advance(self.queues.len() - 1)
    }

    /// Puts the next task of a queue among the heads. The user's own queue also has tasks that the user does not qualify for.
    fn advance(&mut self, queue: usize) -> Result<(), Error> {
        loop {
            let is_here = self.reading.replace(queue) == Some(queue);
            let Some(candidate) = self.queues[queue].next(&mut self.scan, is_here)? else { return Ok(()) };
            let is_expired = candidate.expires_at.is_some_and(|expires_at| expires_at <= self.worker.now);
            self.has_met_expired |= is_expired;
            if !is_expired && self.worker.lanes.binary_search(&candidate.lane_no).is_ok() {
                self.heads.push(Reverse((candidate, queue)));
                return Ok(());
            }
            pgrx::check_for_interrupts!();
        }
    }
}

/// Of how many candidates a claim asks at once whether the user has done another copy.
const MOST_AHEAD: usize = 64;

/// The columns of the key of `task_mgmt.ready`, of which a scan names one twice at most, instead of the last. The index by channel
/// has one more.
const MOST_KEYS: usize = 5;

#[derive(Clone, Copy)]
struct QueueName<'t> {
    table: pg_sys::Oid,
    project: &'t str,
    /// Only what of the queue is in this channel.
    channel: Option<&'t str>,
    queue_no: i32,
}

impl QueueName<'_> {
    /// False if the queue is empty. Most users' own queue is, and one look into both halves is cheaper than two. Where a part of
    /// it is known to be used up, this look would walk over that.
    fn has_rows(&self, scan: &mut Scan) -> bool {
        !frontiers(self).is_empty() || {
            scan.restart(self.keys());
            scan.next().is_some()
        }
    }

    fn keys(&self) -> Vec<Key> {
        let channel = self.channel.map(|channel| Key::text(ready::CHANNEL, channel));
        let project = Key::text(ready::PROJECT_NAME, self.project);
        [project].into_iter().chain(channel).chain([Key::int4(ready::QUEUE_NO, self.queue_no)]).collect()
    }
}

/// One of the two halves of a queue, read part by part in the order of urgency.
struct Queue<'t> {
    name: QueueName<'t>,
    is_returned: bool,
    snapshot: &'t Snapshot,
    /// What is not read yet.
    parts: VecDeque<Part>,
    /// The part that is being read, and how far.
    reached: Option<(Part, Rank)>,
    /// The urgency whose first task in sight was last noted; None in the returned half and in a channel, which have no frontiers.
    noted: Option<i32>,
}

/// A stretch of a queue's index.
#[derive(Clone, Copy)]
enum Part {
    /// All urgencies between two, or from the beginning or to the end.
    Between(Option<i32>, Option<i32>),
    /// One urgency, from a task number on.
    From(i32, i64),
}

impl<'t> Queue<'t> {
    /// Tasks that came back: they may stand anywhere.
    fn returned(name: QueueName<'t>, snapshot: &'t Snapshot) -> Self {
        Self::new(name, snapshot, true, [Part::Between(None, None)].into())
    }

    /// Tasks that are ready since their creation: of each urgency, those before its frontier are used up.
    fn fresh(name: QueueName<'t>, snapshot: &'t Snapshot) -> Self {
        let mut parts = VecDeque::new();
        let mut above = None;
        for (urgency, bound) in frontiers(&name) {
            parts.push_back(Part::Between(above, Some(urgency)));
            parts.push_back(Part::From(urgency, bound));
            above = Some(urgency);
        }
        parts.push_back(Part::Between(above, None));
        Self::new(name, snapshot, false, parts)
    }

    fn new(name: QueueName<'t>, snapshot: &'t Snapshot, is_returned: bool, parts: VecDeque<Part>) -> Self {
        Self { name, is_returned, snapshot, parts, reached: None, noted: None }
    }

    /// The next task. The scan is where this queue has left it, or has been elsewhere since.
    fn next(&mut self, scan: &mut Scan, is_here: bool) -> Result<Option<Candidate>, Error> {
        let mut reading = None;
        match self.reached.take() {
            Some((part, _)) if is_here => reading = Some(part),
            Some((part, rank)) => self.put_rest_back(part, rank),
            None => {}
        }
        loop {
            let part = match reading.take() {
                Some(part) => part,
                None => {
                    let Some(part) = self.parts.pop_front() else { return Ok(None) };
                    scan.restart(self.keys(part));
                    part
                }
            };
            if let Some(row) = scan.next() {
                let found = candidate(&row)?;
                self.note(found.rank);
                self.reached = Some((part, found.rank));
                return Ok(Some(found));
            }
        }
    }

    /// What follows a task in a part.
    fn put_rest_back(&mut self, part: Part, rank: Rank) {
        if let Part::Between(_, below) = part {
            self.parts.push_front(Part::Between(Some(rank.urgency), below));
        }
        self.parts.push_front(Part::From(rank.urgency, rank.task_no + 1));
    }

    fn keys(&self, part: Part) -> Vec<Key> {
        let mut keys = self.name.keys();
        keys.push(Key::bool(ready::IS_RETURNED, self.is_returned));
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
        keys
    }

    /// Tells the frontier of an urgency which task of it came into sight first.
    fn note(&mut self, rank: Rank) {
        if self.is_returned || self.name.channel.is_some() || self.noted == Some(rank.urgency) {
            return;
        }
        self.noted = Some(rank.urgency);
        if let Some(horizon) = self.snapshot.horizon() {
            observe(&self.name, rank, horizon);
        }
    }
}

/// The task that stands in a row of `task_mgmt.ready`.
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
        lane_no: row.get(ready::LANE_NO)?,
        has_seed_state: row.get(ready::HAS_SEED_STATE)?,
        is_shared: row.get(ready::IS_SHARED)?,
        attempts: row.get(ready::ATTEMPTS)?,
        expires_at: row.find(ready::EXPIRES_AT),
    })
}

type Frontiers = HashMap<(pg_sys::Oid, i32), BTreeMap<i32, Frontier>>;

thread_local! {
    /// What this backend knows, by project, queue and urgency.
    static FRONTIERS: RefCell<HashMap<String, Frontiers>> = RefCell::default();
}

/// The urgencies that this backend has met in a queue, in order, each with the task number before which it is used up. Nothing is noted
/// of the queues of channels.
fn frontiers(name: &QueueName) -> Vec<(i32, i64)> {
    if name.channel.is_some() {
        return vec![];
    }
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
