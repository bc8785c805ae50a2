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
pub(crate) use cost;

/// What each user of project $1 submitted from $2 up to, but not including, $3: user_no, user_id, seconds, cost.
macro_rules! spent {
    () => {
        concat!(
            "select w.user_no, w.user_id, spent.seconds, spent.cost
            from task_mgmt.project_user w
            cross join lateral (
                select trim_scale(sum(s.seconds_spent)) as seconds, ",
            $crate::pay::cost!(),
            " as cost
                from task_mgmt.submission s
                where s.project_name = $1 and s.user_no = w.user_no and s.submitted_at >= $2 and s.submitted_at < $3
            ) as spent
            where w.project_name = $1 and spent.seconds is not null"
        )
    };
}
use spent;

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
