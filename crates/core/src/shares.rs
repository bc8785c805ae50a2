//! Shares of tasks that are chosen by their names only, so that the choice is the same whenever it is made.

use std::hash::Hasher;

use fnv::FnvHasher;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use crate::arguments::Invalid;

/// A share of tasks, in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(u16);

impl Share {
    /// Reads a number of percent.
    pub fn parse(argument: &str, percent: &str) -> Result<Self, Invalid> {
        let refusal =
            || Invalid(format!("{argument} must be from 0 to 100 with two decimals at most, found {percent}"));
        let percent: f64 = percent.parse().map_err(|_| refusal())?;
        let hundredths = percent * 100.0;
        let is_whole = (hundredths - hundredths.round()).abs() < 1e-9;
        match (0.0..=100.0).contains(&percent) && is_whole {
            true => Ok(Self(hundredths.round() as u16)),
            false => Err(refusal()),
        }
    }

    /// From 0 to 10000.
    pub fn hundredths(self) -> i32 {
        self.0.into()
    }

    /// Whether something of this name is in the share; then it is also in a larger one.
    pub fn includes(self, project: &str, name: &str) -> bool {
        let mut hasher = FnvHasher::default();
        hasher.write(project.as_bytes());
        hasher.write(&[0]);
        hasher.write(name.as_bytes());
        hasher.finish() % 10_000 < u64::from(self.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let percent = Number::deserialize(deserializer)?.to_string();
        Self::parse("it", &percent).map_err(|refusal| D::Error::custom(refusal.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share(percent: &str) -> Share {
        Share::parse("share_percent", percent).unwrap()
    }

    #[test]
    fn a_share_has_two_decimals_at_most() {
        assert_eq!(["0", "100", "12.34", "0.01", "33.30"].map(|text| share(text).0), [0, 10_000, 1234, 1, 3330]);
        for text in ["-0.01", "100.01", "1.234", "NaN", "Infinity", "1e400", ""] {
            let refusal = Share::parse("share_percent", text).unwrap_err();
            let expected = format!("share_percent must be from 0 to 100 with two decimals at most, found {text}");
            assert_eq!(refusal.0, expected);
        }
    }

    proptest! {
        #[test]
        fn all_or_none_are_reviewed_at_the_ends(project: String, task_id: String) {
            prop_assert!(share("100").includes(&project, &task_id));
            prop_assert!(!share("0").includes(&project, &task_id));
        }

        #[test]
        fn whoever_is_in_a_share_is_in_a_larger_one(project: String, task_id: String, small in 0..100u8, more in 0..100u8) {
            let large = small.saturating_add(more).min(100);
            let (small, large) = (share(&small.to_string()), share(&large.to_string()));
            prop_assert!(!small.includes(&project, &task_id) || large.includes(&project, &task_id));
        }

        #[test]
        fn as_many_are_reviewed_as_was_asked_for(project in "[a-z_]{1,12}", prefix in "[a-z]{0,8}_?", percent in 0..=100u32) {
            let asked = share(&percent.to_string());
            let reviewed = (0..5000).filter(|number| asked.includes(&project, &format!("{prefix}{number}"))).count();
            prop_assert!(reviewed.abs_diff(percent as usize * 50) < 250, "{reviewed} of 5000 for {percent} %");
        }
    }
}
