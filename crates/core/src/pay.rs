//! What may be said of corrections.

use crate::arguments::Invalid;
use crate::timesheets::MAX_MILLISECONDS;

/// What a correction adds or, if it is negative, takes back, in whole milliseconds; never zero.
pub fn correction_milliseconds(duration_seconds: f64) -> Result<i64, Invalid> {
    let rounded = (duration_seconds * 1000.0).round();
    if rounded.abs() >= 1.0 && rounded.abs() <= MAX_MILLISECONDS {
        return Ok(rounded as i64);
    }
    Err(Invalid(format!(
        "duration_seconds must be from 0.001 to 999999999.999, or as much below zero, found {duration_seconds}"
    )))
}

/// Checks that a reason says something.
pub fn check_reason(reason: &str) -> Result<(), Invalid> {
    match reason.trim().is_empty() {
        true => Err(Invalid("reason must not be empty: it tells later readers why the time was corrected".to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_changes_something_corrects() {
        for duration in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 0.0004, -0.0004, 1e9, -1e9] {
            assert!(correction_milliseconds(duration).is_err(), "{duration}");
        }
        assert_eq!(correction_milliseconds(-0.0005), Ok(-1));
        assert_eq!(correction_milliseconds(-999_999_999.999), Ok(-999_999_999_999));
    }

    #[test]
    fn a_reason_is_more_than_space() {
        assert!(check_reason("").is_err());
        assert!(check_reason(" \t\n").is_err());
        assert_eq!(check_reason("left the tab open"), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_taken_back_is_what_was_added(milliseconds in 1i64..=999_999_999_999) {
            let seconds = milliseconds as f64 / 1000.0;
            prop_assert_eq!(correction_milliseconds(seconds), Ok(milliseconds));
            prop_assert_eq!(correction_milliseconds(-seconds), Ok(-milliseconds));
        }
    }
}
