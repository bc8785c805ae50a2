//! Slots: a limit has as many as it allows, and a task that counts towards it takes one. Nobody waits for a slot: one that somebody
//! else is about to take or to give back counts as taken, so there are never more tasks than slots.

use pgrx::prelude::*;

use super::{Limit, Sort};
use crate::columns::limit_slot as slot;
use crate::error::Error;
use crate::rows::{self, Key, Row, Snapshot, Table};

/// The slots of one sort of a limit.
#[derive(Clone, Copy)]
pub struct Pool {
    pub limit_no: i32,
    pub sort: Sort,
    /// How many there are, apart from surplus ones.
    size: i32,
}

impl Pool {
    /// None if the limit does not limit that.
    pub fn of(limit: &Limit, sort: Sort) -> Option<Self> {
        let size = match sort {
            Sort::Queued => limit.max_queued,
            Sort::Running => limit.max_running,
        };
        size.map(|size| Self { limit_no: limit.limit_no, sort, size })
    }
}

/// A slot of some task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub limit_no: i32,
    pub sort: Sort,
    /// None two of a pool have the same, but all surplus ones.
    slot_no: i64,
}

/// What came of taking slots.
pub struct Taken {
    pub slots: Vec<Slot>,
    /// If not, the caller gives back what was taken.
    pub are_enough: bool,
}

/// The slots of a project, which change only while the project's key is shared.
pub struct Slots<'p> {
    project: &'p str,
    table: Table,
}

/// Free slots are those of this task.
const NO_TASK: i64 = 0;
/// Surplus slots have this number.
const SURPLUS: i64 = 0;

impl<'p> Slots<'p> {
    pub fn open(project: &'p str) -> Self {
        Self { project, table: Table::open(c"limit_slot") }
    }

    /// To ask for room only.
    pub fn open_to_read(project: &'p str) -> Self {
        Self { project, table: Table::open_to_read(c"limit_slot") }
    }

    /// Whether another task could be let in. Only `take` makes sure.
    pub fn has_room(&self, pool: Pool) -> Result<bool, Error> {
        let needed = self.count_surplus(pool)? + 1;
        Ok(self.count_free(pool, needed)? == needed)
    }

    /// Takes a slot for each of the tasks, if there are enough. As many slots as there are surplus ones stay free.
    pub fn take(&self, pool: Pool, task_nos: &[i64]) -> Result<Taken, Error> {
        let surplus = self.count_surplus(pool)?;
        let needed = task_nos.len() + surplus;
        if surplus > 0 && self.count_free(pool, needed)? < needed {
            return Ok(Taken { slots: vec![], are_enough: false });
        }
        let slots = self.take_free(pool, task_nos)?;
        // Of those who take some at once, whoever is last sees here what all of them have left.
        let are_enough = slots.len() == task_nos.len() && (surplus == 0 || self.count_free(pool, surplus)? == surplus);
        Ok(Taken { slots, are_enough })
    }

    /// Takes a slot for each of the tasks, a surplus one where none is free.
    pub fn take_or_exceed(&self, pool: Pool, task_nos: &[i64]) -> Result<(), Error> {
        let taken = self.take_free(pool, task_nos)?.len();
        for task_no in &task_nos[taken..] {
            self.table.insert(&[
                self.project.into_datum(),
                task_no.into_datum(),
                pool.limit_no.into_datum(),
                (pool.sort == Sort::Running).into_datum(),
                SURPLUS.into_datum(),
                true.into_datum(),
            ]);
        }
        rows::finish();
        Ok(())
    }

    /// Gives back those slots of tasks that are not to be kept.
    pub fn free_all(&self, task_nos: &[i64], keeps: impl Fn(Slot) -> bool) -> Result<(), Error> {
        let (project, snapshot) = (Key::text(slot::PROJECT_NAME, self.project), Snapshot::latest());
        let mut scan = self.table.scan_often(c"limit_slot_pkey", &snapshot, vec![project], 2);
        for &task_no in task_nos {
            scan.restart(vec![project, Key::int8(slot::TASK_NO, task_no)]);
            self.free_found(task_no, &mut scan, &keeps)?;
        }
        Ok(())
    }

    /// The same for one task; what it keeps.
    pub fn free(&self, task_no: i64, keeps: impl Fn(Slot) -> bool) -> Result<Vec<Slot>, Error> {
        let snapshot = Snapshot::latest();
        let keys = &mut [Key::text(slot::PROJECT_NAME, self.project), Key::int8(slot::TASK_NO, task_no)];
        self.free_found(task_no, &mut self.table.scan(c"limit_slot_pkey", &snapshot, keys), keeps)
    }

    fn free_found(
        &self,
        task_no: i64,
        scan: &mut rows::Scan,
        keeps: impl Fn(Slot) -> bool,
    ) -> Result<Vec<Slot>, Error> {
        let (mut kept, mut is_changed) = (vec![], false);
        while let Some(row) = scan.next() {
            let slot = read(&row)?;
            if keeps(slot) {
                kept.push(slot);
                continue;
            }
            let is_given_back = match row.find::<bool>(slot::IS_SURPLUS) {
                Some(_) => self.table.delete(row.place())?,
                None => self.table.update(row.place(), &values_for(&row, NO_TASK))?,
            };
            if !is_given_back {
                return Err(Error::Internal(format!("a slot of task {task_no} has changed")));
            }
            is_changed = true;
        }
        if is_changed {
            rows::finish();
        }
        Ok(kept)
    }

    /// Gives free slots to the tasks, in order, as long as there are any. Tasks begin to look at different places, so that
    /// they do not meet at one slot.
    fn take_free(&self, pool: Pool, task_nos: &[i64]) -> Result<Vec<Slot>, Error> {
        let Some(first) = task_nos.first().filter(|_| pool.size > 0) else { return Ok(vec![]) };
        let start = first.rem_euclid(i64::from(pool.size)) + 1;
        let (snapshot, mut taken) = (Snapshot::latest(), vec![]);
        for (from, to) in [(start, i64::MAX), (1, start)] {
            let mut scan = self.scan_free(pool, from, &snapshot);
            while taken.len() < task_nos.len()
                && let Some(row) = scan.next()
                && row.get::<i64>(slot::SLOT_NO)? < to
            {
                pgrx::check_for_interrupts!();
                let values = values_for(&row, task_nos[taken.len()]);
                if self.table.try_update(row.place(), &values)? {
                    taken.push(read(&row)?);
                }
            }
        }
        rows::finish();
        Ok(taken)
    }

    /// How many free slots there are that nobody is at, as far as so many.
    fn count_free(&self, pool: Pool, most: usize) -> Result<usize, Error> {
        let (snapshot, mut count) = (Snapshot::latest(), 0);
        let mut scan = self.scan_free(pool, 1, &snapshot);
        while count < most
            && let Some(row) = scan.next()
        {
            count += usize::from(row.is_untouched());
        }
        Ok(count)
    }

    fn scan_free<'s>(&'s self, pool: Pool, from: i64, snapshot: &Snapshot) -> rows::Scan<'s> {
        let keys = &mut [
            Key::text(slot::PROJECT_NAME, self.project),
            Key::int8(slot::TASK_NO, NO_TASK),
            Key::int4(slot::LIMIT_NO, pool.limit_no),
            Key::bool(slot::IS_RUNNING, pool.sort == Sort::Running),
            Key::at_least(slot::SLOT_NO, from),
        ];
        self.table.scan(c"limit_slot_pkey", snapshot, keys)
    }

    /// How many surplus slots there are; of more than the limit allows, it makes no difference how many.
    fn count_surplus(&self, pool: Pool) -> Result<usize, Error> {
        let (snapshot, mut count) = (Snapshot::latest(), 0);
        let keys = &mut [
            Key::text(slot::PROJECT_NAME, self.project),
            Key::int4(slot::LIMIT_NO, pool.limit_no),
            Key::bool(slot::IS_RUNNING, pool.sort == Sort::Running),
        ];
        let mut scan = self.table.scan(c"limit_slot_surplus_idx", &snapshot, keys);
        while count <= pool.size as usize && scan.next().is_some() {
            count += 1;
        }
        Ok(count)
    }
}

fn read(row: &Row) -> Result<Slot, Error> {
    let sort = if row.get(slot::IS_RUNNING)? { Sort::Running } else { Sort::Queued };
    Ok(Slot { limit_no: row.get(slot::LIMIT_NO)?, sort, slot_no: row.get(slot::SLOT_NO)? })
}

/// The row of a slot as that of another task.
fn values_for(row: &Row, task_no: i64) -> Vec<Option<pg_sys::Datum>> {
    let mut values = row.values();
    values[slot::TASK_NO as usize - 1] = task_no.into_datum();
    values
}
