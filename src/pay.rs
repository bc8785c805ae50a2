//! Pay: rates and their history, closed periods, corrections, and what is owed for an interval. All of it is summed up from what
//! `timesheets` keeps.

mod corrections;
mod payroll;
pub mod periods;
pub mod rates;

use pgrx::datum::TimestampWithTimeZone;
use task_mgmt_core::arguments::Invalid;

use crate::arguments::required;
use crate::clock::Instant;
use crate::error::Error;

/// What submissions cost, each at its own rate.
macro_rules! cost {
    () => {
        "trim_scale(round(sum(s.seconds_spent * s.hourly_rate) / 3600, 6))"
    };
}
use cost;

/// Time from one moment up to, but not including, another.
struct Interval {
    starts_at: Instant,
    ends_at: Instant,
}

impl Interval {
    /// Errors: 22023 an end is null, or the interval is empty.
    fn new(starts_at: Option<TimestampWithTimeZone>, ends_at: Option<TimestampWithTimeZone>) -> Result<Self, Error> {
        let starts_at = Instant::from(required("starts_at", starts_at)?);
        let ends_at = Instant::from(required("ends_at", ends_at)?);
        match starts_at < ends_at {
            true => Ok(Self { starts_at, ends_at }),
            false => Err(Invalid("starts_at must lie before ends_at".to_owned()).into()),
        }
    }
}
