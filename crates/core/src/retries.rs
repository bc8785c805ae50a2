//! What comes of a task whose attempt has failed: when it is tried again, and when it has failed itself.

use std::hash::Hasher;

use fnv::FnvHasher;
use serde::Deserialize;

use crate::arguments::{Invalid, check_positive, parse_object};

/// More of what a worker says about a failure is not kept.
pub const MAX_ERROR_CHARS: usize = 5000;

/// The longest that anything is put off: ten years.
pub const MAX_DELAY_SECONDS: f64 = 315_360_000.0;

/// How long a task waits after its n-th failure: base x factor^n, at most max seconds, and up to the share `jitter` of it longer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    pub base_seconds: f64,
    pub factor: f64,
    pub max_seconds: f64,
    pub jitter: f64,
}

impl Default for Backoff {
    /// 4, 8, 16 seconds and so on, up to an hour.
    fn default() -> Self {
        Self { base_seconds: 2.0, factor: 2.0, max_seconds: 3600.0, jitter: 0.0 }
    }
}

impl Backoff {
    pub fn parse(argument: &str, text: &str) -> Result<Self, Invalid> {
        let backoff: Self = parse_object(argument, text)?;
        check_positive(format_args!("{argument}.base_seconds"), backoff.base_seconds)?;
        check_positive(format_args!("{argument}.max_seconds"), backoff.max_seconds)?;
        if !(1.0..=1000.0).contains(&backoff.factor) {
            return Err(Invalid(format!("{argument}.factor must be from 1 to 1000, found {}", backoff.factor)));
        }
        if !(0.0..=1.0).contains(&backoff.jitter) {
            return Err(Invalid(format!("{argument}.jitter must be from 0 to 1, found {}", backoff.jitter)));
        }
        Ok(backoff)
    }

    /// `seed` decides about the jitter, so that tasks that fail together do not come back together.
    pub fn delay_seconds(&self, failures: i32, seed: i64) -> f64 {
        let delay = self.base_seconds * self.factor.powi(failures.max(0));
        let delay = delay.min(self.max_seconds);
        let mut hasher = FnvHasher::default();
        hasher.write_i64(seed);
        hasher.write_i32(failures);
        let share = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64;
        (delay * (1.0 + self.jitter * share)).min(MAX_DELAY_SECONDS)
    }
}

/// Checks after how many failed attempts a task has failed; the first one counts.
pub fn check_max_attempts(argument: impl std::fmt::Display, attempts: i32) -> Result<(), Invalid> {
    match attempts {
        1.. => Ok(()),
        _ => Err(Invalid(format!("{argument} must be at least 1, found {attempts}"))),
    }
}

/// Checks for how many seconds something is put off.
pub fn check_delay(argument: impl std::fmt::Display, seconds: f64) -> Result<(), Invalid> {
    if (0.0..=MAX_DELAY_SECONDS).contains(&seconds) {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be from 0 to {MAX_DELAY_SECONDS} seconds, found {seconds}")))
}

/// Checks for how many seconds something lasts.
pub fn check_duration(argument: impl std::fmt::Display, seconds: f64) -> Result<(), Invalid> {
    if seconds > 0.0 && seconds <= MAX_DELAY_SECONDS {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be above 0 and at most {MAX_DELAY_SECONDS} seconds, found {seconds}")))
}

/// What is kept of an error: its first characters.
pub fn shorten(error: &str) -> &str {
    match error.char_indices().nth(MAX_ERROR_CHARS) {
        Some((end, _)) => &error[..end],
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_delay_doubles_from_four_seconds_up_to_an_hour() {
        let delays: Vec<f64> = (1..=12).map(|failures| Backoff::default().delay_seconds(failures, 7)).collect();
        let expected = [4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 3600.0, 3600.0];
        assert_eq!(delays, expected);
    }

    #[test]
    fn a_policy_is_checked() {
        let refusal = |text: &str| Backoff::parse("data.backoff", text).unwrap_err().0;
        assert_eq!(refusal(r#"{"factor": 0.5}"#), "data.backoff.factor must be from 1 to 1000, found 0.5");
        assert_eq!(refusal(r#"{"jitter": 2}"#), "data.backoff.jitter must be from 0 to 1, found 2");
        assert!(refusal(r#"{"base_seconds": 0}"#).starts_with("data.backoff.base_seconds must be a positive"));
        assert!(refusal(r#"{"base": 1}"#).starts_with("data.backoff.base: unknown field"));
        assert_eq!(Backoff::parse("backoff", "{}").unwrap(), Backoff::default());
    }

    #[test]
    fn errors_are_cut_between_characters() {
        let long = "é".repeat(MAX_ERROR_CHARS + 1);
        assert_eq!(shorten(&long).chars().count(), MAX_ERROR_CHARS);
        assert_eq!(shorten("short"), "short");
    }

    proptest! {
        #[test]
        fn jitter_only_prolongs(failures in 1..2000_i32, seed: i64, jitter in 0.0..=1.0_f64) {
            let plain = Backoff { max_seconds: 1e9, ..Backoff::default() };
            let delay = Backoff { jitter, ..plain }.delay_seconds(failures, seed);
            let least = plain.delay_seconds(failures, seed);
            prop_assert!(delay >= least && delay <= (least * (1.0 + jitter)).min(MAX_DELAY_SECONDS) && delay.is_finite());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = Backoff::parse("backoff", &text);
        }
    }
}
