//! How long a worker has for the update of a segment, and when one that failed is tried again.

use crate::arguments::Invalid;

/// The longest lease: a worker that has crashed keeps an update for that long.
pub const MAX_LEASE_SECONDS: i32 = 86_400;

/// The longest wait between two attempts.
const MAX_BACKOFF_SECONDS: i32 = 300;

/// More of what a worker says about a failure is not kept.
pub const MAX_MESSAGE_CHARS: usize = 2000;

/// Checks for how long an update is leased.
pub fn check_lease_seconds(argument: &str, seconds: i32) -> Result<(), Invalid> {
    if (1..=MAX_LEASE_SECONDS).contains(&seconds) {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be between 1 and {MAX_LEASE_SECONDS}, found {seconds}")))
}

/// What comes of an update that has failed `retry_count` times.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    RetryAfterSeconds(i32),
    Final,
}

/// `max_retries` of 0 or less never gives up, nor does an update that was asked for again meanwhile.
pub fn after_failure(retry_count: i32, max_retries: i32, is_requeued: bool) -> Outcome {
    if max_retries > 0 && retry_count >= max_retries && !is_requeued {
        return Outcome::Final;
    }
    let seconds = 2_i32.checked_pow(retry_count.max(0).unsigned_abs()).unwrap_or(MAX_BACKOFF_SECONDS);
    Outcome::RetryAfterSeconds(seconds.min(MAX_BACKOFF_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_wait_doubles_up_to_five_minutes() {
        let waits: Vec<Outcome> = (1..=10).map(|retry| after_failure(retry, 0, false)).collect();
        let expected = [2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
        assert_eq!(waits, expected.map(Outcome::RetryAfterSeconds));
    }

    #[test]
    fn the_last_retry_is_final_unless_asked_for_again() {
        assert_eq!(after_failure(4, 5, false), Outcome::RetryAfterSeconds(16));
        assert_eq!(after_failure(5, 5, false), Outcome::Final);
        assert_eq!(after_failure(5, 5, true), Outcome::RetryAfterSeconds(32));
        assert_eq!(after_failure(1, 1, false), Outcome::Final);
        assert_eq!(after_failure(i32::MAX, -1, false), Outcome::RetryAfterSeconds(300));
    }

    #[test]
    fn a_lease_has_an_end() {
        assert!(
            check_lease_seconds("lease_seconds", 1).is_ok() && check_lease_seconds("lease_seconds", 86_400).is_ok()
        );
        for seconds in [i32::MIN, -1, 0, 86_401, i32::MAX] {
            assert!(check_lease_seconds("lease_seconds", seconds).is_err());
        }
    }

    proptest! {
        #[test]
        fn every_wait_is_between_a_second_and_five_minutes(retry: i32, most: i32, again: bool) {
            if let Outcome::RetryAfterSeconds(seconds) = after_failure(retry, most, again) {
                prop_assert!((1..=300).contains(&seconds));
            }
        }
    }
}
