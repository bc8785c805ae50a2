//! What may be said of time.

use crate::arguments::Invalid;

/// The most that one submission may have: what numeric(12, 3) holds.
pub const MAX_MILLISECONDS: f64 = 999_999_999_999.0;

/// A duration in whole milliseconds, at least one.
pub fn milliseconds(duration_seconds: f64) -> Result<i64, Invalid> {
    if duration_seconds.is_nan() || duration_seconds <= 0.0 {
        return Err(Invalid(format!("Duration must be positive: duration_seconds is {duration_seconds}")));
    }
    let rounded = (duration_seconds * 1000.0).round();
    if rounded < 1.0 {
        return Err(Invalid(format!("duration_seconds must be at least 0.001, found {duration_seconds}")));
    }
    if rounded > MAX_MILLISECONDS {
        return Err(Invalid(format!("duration_seconds must be at most 999999999.999, found {duration_seconds}")));
    }
    Ok(rounded as i64)
}

/// The longest look back of a work history.
pub const MAX_DAYS: i32 = 36_500;

/// Checks a number of days to look back.
pub fn check_days(argument: &str, days: i32) -> Result<(), Invalid> {
    if (0..=MAX_DAYS).contains(&days) {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be between 0 and {MAX_DAYS}, found {days}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_can_be_booked_is_accepted() {
        for duration in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -1.0, 0.0004, 1e12, f64::MAX] {
            assert!(milliseconds(duration).is_err(), "{duration}");
        }
        assert_eq!(milliseconds(0.0005), Ok(1));
        assert_eq!(milliseconds(999_999_999.999), Ok(999_999_999_999));
        assert!(milliseconds(999_999_999.999_6).is_err());
    }

    #[test]
    fn a_duration_that_is_not_positive_is_said_to_be_so() {
        assert!(milliseconds(-5.0).unwrap_err().0.starts_with("Duration must be positive"));
    }

    proptest! {
        #[test]
        fn whole_milliseconds_are_exact(expected in 1i64..=999_999_999_999) {
            prop_assert_eq!(milliseconds(expected as f64 / 1000.0), Ok(expected));
        }
    }
}
