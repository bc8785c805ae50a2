//! Schedules: which due times get a task, also when evaluation was late, and what such a task may be.

pub mod recurrence;

use std::iter;

use self::recurrence::Recurrence;
use crate::arguments::Invalid;
use crate::tasks::NewTask;
use crate::times::Timestamp;

/// How many due times of a schedule are taken care of at once.
pub const MOST_RUNS: usize = 100;

/// A year.
const MAX_GRACE_SECONDS: f64 = 31_622_400.0;

/// What becomes of due times that nobody evaluated in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MisfirePolicy {
    /// One task for all of them, due at the first.
    One,
    /// A task for each.
    All,
    /// None for those that are late by more than the grace.
    Skip,
}

impl MisfirePolicy {
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let all = [Self::One, Self::All, Self::Skip];
        let found = all.into_iter().find(|policy| policy.name() == name);
        found.ok_or_else(|| Invalid(format!("misfire_policy must be one, all or skip, found \"{name}\"")))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::All => "all",
            Self::Skip => "skip",
        }
    }

    /// Which of the due times from `next` up to now get a task.
    pub fn evaluate(self, recurrence: &Recurrence, next: Timestamp, now: Timestamp, grace_seconds: f64) -> Evaluation {
        let missed = |from| iter::successors(from, |due| recurrence.next_after(*due));
        let is_due = |due: &Timestamp| *due <= now;
        let from = match self {
            Self::One => {
                let due = Some(next).into_iter().filter(is_due).collect();
                return Evaluation { due, next: if is_due(&next) { recurrence.next_after(now) } else { Some(next) } };
            }
            Self::All => Some(next),
            Self::Skip => {
                let earliest = Timestamp(now.0.saturating_sub((grace_seconds * 1e6) as i64));
                if next >= earliest { Some(next) } else { recurrence.next_after(Timestamp(earliest.0 - 1)) }
            }
        };
        let mut due: Vec<_> = missed(from).take_while(is_due).take(MOST_RUNS + 1).collect();
        let next = match due.len() > MOST_RUNS {
            true => due.pop(),
            false => due.last().map_or(from, |last| recurrence.next_after(*last)),
        };
        Evaluation { due, next }
    }
}

/// What an evaluation finds.
#[derive(Debug, PartialEq)]
pub struct Evaluation {
    /// The due times that get a task, in order, at most [`MOST_RUNS`].
    pub due: Vec<Timestamp>,
    /// The first due time that is not taken care of.
    pub next: Option<Timestamp>,
}

/// Refuses what would make each task of a schedule more than new.
pub fn check_data(task: &NewTask) -> Result<(), Invalid> {
    let refused = [
        ("task_id", task.task_id.is_some()),
        ("active_user_id", !task.active_user_id.is_empty()),
        ("completed_user_id", !task.completed_user_id.is_empty()),
        ("completion_status", !task.completion_status.is_empty()),
    ];
    match refused.into_iter().find(|(_, is_set)| *is_set) {
        Some((key, _)) => Err(Invalid(format!("data.{key} must not be set: every task of a schedule is a new one"))),
        None => Ok(()),
    }
}

/// Checks how late a task of policy skip may be.
pub fn check_grace(seconds: f64) -> Result<(), Invalid> {
    match (0.0..=MAX_GRACE_SECONDS).contains(&seconds) {
        true => Ok(()),
        false => Err(Invalid(format!("misfire_grace_seconds must be from 0 to {MAX_GRACE_SECONDS}, found {seconds}"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn recurrence(cron: &str, timezone: &str) -> Recurrence {
        Recurrence::parse(cron, timezone).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn policies_after_a_downtime() {
        let hourly = recurrence("0 * * * *", "UTC");
        let (next, now) = (at("2030-01-01T01:00:00Z"), at("2030-01-01T04:00:30Z"));
        let on = |policy: MisfirePolicy, grace| policy.evaluate(&hourly, next, now, grace);
        let five = Some(at("2030-01-01T05:00:00Z"));
        assert_eq!(on(MisfirePolicy::One, 0.0), Evaluation { due: vec![next], next: five });
        let all = ["01", "02", "03", "04"].map(|hour| at(&format!("2030-01-01T{hour}:00:00Z")));
        assert_eq!(on(MisfirePolicy::All, 0.0), Evaluation { due: all.to_vec(), next: five });
        assert_eq!(on(MisfirePolicy::Skip, 60.0), Evaluation { due: all[3..].to_vec(), next: five });
        assert_eq!(on(MisfirePolicy::Skip, 30.0), Evaluation { due: all[3..].to_vec(), next: five });
        assert_eq!(on(MisfirePolicy::Skip, 29.9), Evaluation { due: vec![], next: five });
        assert_eq!(on(MisfirePolicy::Skip, 3630.0), Evaluation { due: all[2..].to_vec(), next: five });
        assert_eq!(on(MisfirePolicy::Skip, MAX_GRACE_SECONDS), Evaluation { due: all.to_vec(), next: five });
    }

    #[test]
    fn what_is_too_much_for_one_evaluation_is_left_for_the_next() {
        let minutely = recurrence("* * * * *", "UTC");
        let now = at("2030-01-01T02:59:00Z");
        let first = MisfirePolicy::All.evaluate(&minutely, at("2030-01-01T00:00:00Z"), now, 0.0);
        assert_eq!(first.due.len(), MOST_RUNS);
        assert_eq!(first.next, Some(at("2030-01-01T01:40:00Z")));
        let second = MisfirePolicy::All.evaluate(&minutely, first.next.unwrap(), now, 0.0);
        assert_eq!((second.due[0], second.due.len()), (at("2030-01-01T01:40:00Z"), 80));
        assert_eq!(second.next, Some(at("2030-01-01T03:00:00Z")));
    }

    #[test]
    fn nothing_is_due_yet() {
        let (next, now) = (at("2030-01-01T01:00:00Z"), at("2030-01-01T00:59:59Z"));
        for policy in [MisfirePolicy::One, MisfirePolicy::All, MisfirePolicy::Skip] {
            let found = policy.evaluate(&recurrence("0 * * * *", "UTC"), next, now, 60.0);
            assert_eq!(found, Evaluation { due: vec![], next: Some(next) });
        }
    }

    #[test]
    fn tasks_of_a_schedule_are_new() {
        let refused = |data: &str| check_data(&NewTask::parse(data).unwrap()).unwrap_err().0;
        assert_eq!(
            refused(r#"{"task_type": "t", "task_id": "a"}"#),
            "data.task_id must not be set: every task of a schedule is a new one"
        );
        assert!(refused(r#"{"task_type": "t", "active_user_id": "u"}"#).starts_with("data.active_user_id"));
        let done = r#"{"task_type": "t", "completed_user_id": "u", "completion_status": "Done"}"#;
        assert!(refused(done).starts_with("data.completed_user_id"));
        check_data(&NewTask::parse(r#"{"task_type": "t", "assigned_user_id": "u"}"#).unwrap()).unwrap();
    }

    proptest! {
        #[test]
        fn every_due_time_is_evaluated_once(
            cron in select(&["*/20 * * * *", "30 2 * * *", "0,45 1-3 * * *", "7 */5 * * *", "0 0 31 * *"]),
            zone in select(&["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
            steps in prop::collection::vec(1_i64..200_000, 1..20),
        ) {
            let (recurrence, start) = (recurrence(cron, zone), at("2030-03-30T00:00:00Z"));
            let (mut next, mut now, mut found) = (recurrence.next_after(start), start, vec![]);
            for step in steps {
                now = Timestamp(now.0 + step * 1_000_000);
                while let Some(due) = next.filter(|due| *due <= now) {
                    let evaluation = MisfirePolicy::All.evaluate(&recurrence, due, now, 0.0);
                    found.extend(evaluation.due);
                    next = evaluation.next;
                }
            }
            let all: Vec<_> = recurrence.following(start).take_while(|due| *due <= now).collect();
            prop_assert_eq!(found, all);
        }
    }
}
