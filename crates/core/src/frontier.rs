//! How far a queue has been used up for good. Numbers are given out in order, but appear in the queue only when the transaction
//! that took them commits, so the first one in sight may yet get predecessors. It cannot get any from a transaction that began
//! to run later; once all that ran when it was first seen have ended, nothing below it can appear any more.

/// The used-up part of one queue, as one observer knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Frontier {
    bound: i64,
    candidate: Option<Candidate>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    number: i64,
    /// The first transaction id that was not yet given out when the number was seen.
    next_transaction: u64,
}

impl Frontier {
    /// Every number that is or will be in the queue is at least this one.
    pub fn bound(&self) -> i64 {
        self.bound
    }

    /// Takes note of the first number in sight at or above the bound, on a snapshot whose oldest running transaction and
    /// whose next transaction id are given. A number counts as in sight until the transaction that removes it commits.
    pub fn observe(&mut self, first: i64, oldest_running: u64, next_transaction: u64) {
        let seen = Candidate { number: first, next_transaction };
        match self.candidate {
            Some(candidate) if oldest_running < candidate.next_transaction => {}
            Some(candidate) => {
                if first >= candidate.number {
                    self.bound = candidate.number;
                }
                self.candidate = Some(seen);
            }
            None => self.candidate = Some(seen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bound_waits_for_transactions_that_were_running() {
        let mut frontier = Frontier::default();
        frontier.observe(101, 7, 9);
        frontier.observe(102, 8, 10);
        assert_eq!(frontier.bound(), 0);
        frontier.observe(103, 9, 11);
        assert_eq!(frontier.bound(), 101);
    }

    #[test]
    fn a_late_predecessor_keeps_the_bound_back() {
        let mut frontier = Frontier::default();
        frontier.observe(101, 7, 9);
        frontier.observe(100, 9, 10);
        assert_eq!(frontier.bound(), 0);
    }

    /// A queue that several transactions fill and empty: each takes a transaction id, then numbers; what it puts in and takes
    /// out shows when it commits.
    #[derive(Default)]
    struct Model {
        next_transaction: u64,
        next_number: i64,
        running: Vec<Transaction>,
        queue: Vec<i64>,
    }

    struct Transaction {
        id: u64,
        inserted: Vec<i64>,
        removed: Vec<i64>,
    }

    #[derive(Clone, Debug)]
    enum Step {
        Begin,
        Insert(usize),
        Remove(usize),
        Commit(usize),
        Abort(usize),
        Observe,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Begin),
            (0usize..4).prop_map(Step::Insert),
            (0usize..4).prop_map(Step::Remove),
            (0usize..4).prop_map(Step::Commit),
            (0usize..4).prop_map(Step::Abort),
            Just(Step::Observe),
        ]
    }

    impl Model {
        fn run(&mut self, step: &Step) {
            let count = self.running.len().max(1);
            match step {
                Step::Begin if self.running.len() < 4 => {
                    self.running.push(Transaction { id: self.next_transaction, inserted: vec![], removed: vec![] });
                    self.next_transaction += 1;
                }
                Step::Insert(index) => {
                    self.next_number += 1;
                    let number = self.next_number;
                    if let Some(transaction) = self.running.get_mut(index % count) {
                        transaction.inserted.push(number);
                    }
                }
                Step::Remove(index) => {
                    let taken: Vec<i64> =
                        self.running.iter().flat_map(|transaction| transaction.removed.clone()).collect();
                    let free = self.queue.iter().copied().filter(|number| !taken.contains(number)).min();
                    if let (Some(number), Some(transaction)) = (free, self.running.get_mut(index % count)) {
                        transaction.removed.push(number);
                    }
                }
                Step::Commit(index) if !self.running.is_empty() => {
                    let ended = self.running.remove(index % count);
                    self.queue.retain(|number| !ended.removed.contains(number));
                    self.queue.extend(ended.inserted);
                }
                Step::Abort(index) if !self.running.is_empty() => {
                    self.running.remove(index % count);
                }
                _ => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn nothing_ever_appears_below_the_bound(steps in prop::collection::vec(step(), 1..120)) {
            let mut model = Model::default();
            let mut frontier = Frontier::default();
            for step in &steps {
                model.run(step);
                prop_assert!(model.queue.iter().all(|number| *number >= frontier.bound()));
                if let Step::Observe = step {
                    let oldest = model.running.iter().map(|transaction| transaction.id).min();
                    if let Some(first) = model.queue.iter().copied().min() {
                        frontier.observe(first, oldest.unwrap_or(model.next_transaction), model.next_transaction);
                    }
                }
            }
        }
    }
}
