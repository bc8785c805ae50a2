//! Up to which number everything is settled. Numbers are given out in order, but what carries them appears only when the
//! transaction that took them commits, so a number in sight may yet get predecessors. It cannot get any more once all the
//! transactions are over that may have taken a number up to it.

/// What one observer knows to be settled, and what will be settled next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// Whoever took a number up to this one has committed or rolled back.
    pub settled: i64,
    pub pending: Option<Pending>,
}

/// A number that will be settled once all transactions below an id are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub number: i64,
    pub next_transaction: u64,
}

/// The last number given out; then the next transaction id, so that whoever has taken a number up to that one has a smaller id;
/// and after both of them, the oldest transaction that is running.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    pub last_number: i64,
    pub next_transaction: u64,
    pub oldest_running: u64,
}

impl Horizon {
    /// What is known after one more look.
    pub fn after(self, seen: &Observation) -> Self {
        if seen.oldest_running >= seen.next_transaction {
            return Self { settled: self.settled.max(seen.last_number), pending: None };
        }
        let noted = Pending { number: seen.last_number, next_transaction: seen.next_transaction };
        match self.pending {
            // Ids only grow, so one from the future is of another server: a dump was restored, and nobody is left of those who
            // were running then.
            Some(pending) if pending.next_transaction > seen.next_transaction => {
                Self { settled: self.settled, pending: Some(noted) }
            }
            Some(pending) if seen.oldest_running < pending.next_transaction => self,
            Some(pending) => Self { settled: self.settled.max(pending.number), pending: Some(noted) },
            None => Self { settled: self.settled, pending: Some(noted) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(last_number: i64, next_transaction: u64, oldest_running: u64) -> Observation {
        Observation { last_number, next_transaction, oldest_running }
    }

    #[test]
    fn all_is_settled_when_nobody_is_running() {
        let horizon = Horizon::default().after(&seen(7, 10, 10));
        assert_eq!(horizon, Horizon { settled: 7, pending: None });
    }

    #[test]
    fn a_number_is_settled_when_those_who_were_running_are_over() {
        let noted = Horizon::default().after(&seen(7, 10, 9));
        assert_eq!(noted, Horizon { settled: 0, pending: Some(Pending { number: 7, next_transaction: 10 }) });
        assert_eq!(noted.after(&seen(8, 12, 9)), noted);
        let after = noted.after(&seen(9, 14, 10));
        assert_eq!(after, Horizon { settled: 7, pending: Some(Pending { number: 9, next_transaction: 14 }) });
    }

    #[test]
    fn what_another_server_noted_is_noted_anew() {
        let restored = Horizon { settled: 7, pending: Some(Pending { number: 9, next_transaction: 1 << 40 }) };
        let after = restored.after(&seen(9, 20, 19));
        assert_eq!(after, Horizon { settled: 7, pending: Some(Pending { number: 9, next_transaction: 20 }) });
        assert_eq!(after.after(&seen(9, 21, 20)).settled, 9);
    }

    /// Transactions that take an id, then numbers; and several observers, each of which looks in three steps.
    #[derive(Default)]
    struct Model {
        next_transaction: u64,
        last_number: i64,
        running: Vec<(u64, Vec<i64>)>,
        observers: [(Horizon, Look); 2],
    }

    #[derive(Clone, Copy, Default)]
    enum Look {
        #[default]
        NotYet,
        Number(i64),
        Transaction(i64, u64),
    }

    #[derive(Clone, Debug)]
    enum Step {
        Begin,
        Take(usize),
        End(usize),
        Look(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Begin),
            (0usize..4).prop_map(Step::Take),
            (0usize..4).prop_map(Step::End),
            (0usize..2).prop_map(Step::Look),
        ]
    }

    impl Model {
        fn run(&mut self, step: &Step) {
            let count = self.running.len().max(1);
            match step {
                Step::Begin if self.running.len() < 4 => {
                    self.running.push((self.next_transaction, vec![]));
                    self.next_transaction += 1;
                }
                Step::Take(index) => {
                    self.last_number += 1;
                    let number = self.last_number;
                    if let Some((_, numbers)) = self.running.get_mut(index % count) {
                        numbers.push(number);
                    }
                }
                Step::End(index) if !self.running.is_empty() => {
                    self.running.remove(index % count);
                }
                Step::Look(index) => {
                    let oldest = self.running.iter().map(|(id, _)| *id).min().unwrap_or(self.next_transaction);
                    let (horizon, look) = &mut self.observers[*index];
                    *look = match *look {
                        Look::NotYet => Look::Number(self.last_number),
                        Look::Number(number) => Look::Transaction(number, self.next_transaction),
                        Look::Transaction(number, next) => {
                            *horizon = horizon.after(&seen(number, next, oldest));
                            Look::NotYet
                        }
                    };
                }
                _ => {}
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn whoever_is_running_has_no_number_that_is_settled(steps in prop::collection::vec(step(), 1..150)) {
            let mut model = Model::default();
            for step in &steps {
                model.run(step);
                let smallest = model.running.iter().flat_map(|(_, numbers)| numbers).min();
                for (horizon, _) in &model.observers {
                    prop_assert!(smallest.is_none_or(|smallest| *smallest > horizon.settled));
                }
            }
        }
    }
}
