//! Time is the database's, read once per call.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::times::Timestamp;

use crate::error::Error;
use crate::settings;
use crate::spi::sql;

/// A point in time: microseconds since 2000-01-01 UTC, as PostgreSQL keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pg_sys::TimestampTz);

/// The present, or what `task_mgmt.fake_now` says it is. Errors: 22007 if that setting is not a timestamp; 22023 if it is none of the
/// years 1 to 9999, so that everything that is put off from now on has its time.
pub fn now() -> Result<Instant, Error> {
    match settings::fake_now() {
        // SAFETY: reads the system clock.
        None => Ok(Instant(unsafe { pg_sys::GetCurrentTimestamp() })),
        Some(text) => {
            let parsed: Instant = sql!("select $1::timestamptz").value(&[text.as_str().into()])?;
            match (YEAR_1..YEAR_10000).contains(&parsed.0) {
                true => Ok(parsed),
                false => {
                    Err(Invalid(format!("task_mgmt.fake_now must be a time of the years 1 to 9999, found {text}"))
                        .into())
                }
            }
        }
    }
}

/// Internal: the present as all functions see it, for views.
#[pg_extern(sql = "
create function task_mgmt.present() returns timestamptz
language c stable parallel unsafe
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn present() -> Result<TimestampWithTimeZone, ErrorReport> {
    Ok(now()?.timestamptz()?)
}

impl Instant {
    /// From Unix seconds, the unit of the JSON arguments.
    pub fn from_unix_seconds(seconds: f64) -> Self {
        const EPOCH_OFFSET_SECONDS: f64 = 946_684_800.0;
        Self(((seconds - EPOCH_OFFSET_SECONDS) * 1e6).round() as i64)
    }

    /// Whether it is neither of the ends of time that PostgreSQL calls infinity and -infinity.
    pub fn is_finite(self) -> bool {
        self.0 != pg_sys::TimestampTz::MIN && self.0 != pg_sys::TimestampTz::MAX
    }

    /// As functions return it.
    pub fn timestamptz(self) -> Result<TimestampWithTimeZone, Error> {
        TimestampWithTimeZone::try_from(self.0).map_err(|error| Error::Internal(error.to_string()))
    }

    pub fn plus_seconds(self, seconds: f64) -> Self {
        self.minus_seconds(-seconds)
    }

    pub fn minus_seconds(self, seconds: f64) -> Self {
        Self(self.0.saturating_sub((seconds * 1e6) as i64))
    }
}

impl From<TimestampWithTimeZone> for Instant {
    fn from(timestamp: TimestampWithTimeZone) -> Self {
        Self(timestamp.into())
    }
}

/// Their beginnings, from 2000 on.
const YEAR_1: i64 = -63_082_281_600_000_000;
const YEAR_10000: i64 = 252_455_616_000_000_000;

/// From 1970 to 2000.
const EPOCH_OFFSET_MICROSECONDS: i64 = 946_684_800_000_000;

impl From<Timestamp> for Instant {
    fn from(Timestamp(microseconds): Timestamp) -> Self {
        Self(microseconds - EPOCH_OFFSET_MICROSECONDS)
    }
}

impl From<Instant> for Timestamp {
    fn from(Instant(microseconds): Instant) -> Self {
        Self(microseconds.saturating_add(EPOCH_OFFSET_MICROSECONDS))
    }
}

impl FromDatum for Instant {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        (!is_null).then(|| Self(datum.value() as i64))
    }
}

impl IntoDatum for Instant {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.0.into())
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::TIMESTAMPTZOID
    }
}
