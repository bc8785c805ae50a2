//! Ids of segments and supervoxels as arguments: all of 0 to 2^64-1, which PostgreSQL keeps as numeric.

use std::collections::HashSet;
use std::fmt::Display;

use pgrx::AnyNumeric;
use task_mgmt_core::arguments::Invalid;

use crate::arguments::required;
use crate::error::Error;

/// An id that must be given. Errors: 22023 if it is not an unsigned 64-bit integer.
pub fn one(argument: &'static str, value: Option<AnyNumeric>) -> Result<u64, Error> {
    Ok(parse(argument, &required(argument, value)?)?)
}

/// A list of ids that must be given, none of them null.
pub fn list(argument: &'static str, values: Option<Vec<Option<AnyNumeric>>>) -> Result<Vec<u64>, Error> {
    let id = |(index, value): (usize, Option<AnyNumeric>)| match value {
        Some(value) => Ok(parse(format_args!("{argument}[{index}]"), &value)?),
        None => Err(Invalid(format!("{argument}[{index}] must not be null")).into()),
    };
    required(argument, values)?.into_iter().enumerate().map(id).collect()
}

/// The same, each once, where it came first.
pub fn distinct(argument: &'static str, values: Option<Vec<Option<AnyNumeric>>>) -> Result<Vec<u64>, Error> {
    let mut ids = list(argument, values)?;
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    Ok(ids)
}

/// An id as an argument of a statement.
pub fn numeric(id: u64) -> AnyNumeric {
    AnyNumeric::from(id)
}

/// Ids as an argument of a statement.
pub fn numerics<'a>(ids: impl IntoIterator<Item = &'a u64>) -> Vec<AnyNumeric> {
    ids.into_iter().map(|id| numeric(*id)).collect()
}

/// An id as a statement returns it, as text.
pub fn stored(text: String) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Internal(format!("{text} is no id")))
}

fn parse(argument: impl Display, value: &AnyNumeric) -> Result<u64, Invalid> {
    let text = value.normalize();
    text.parse().map_err(|_| {
        let found: String = text.chars().take(50).collect();
        Invalid(format!("{argument} must be an integer between 0 and {}, found {found}", u64::MAX))
    })
}
