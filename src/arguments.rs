//! Arguments as they arrive: a null where a value is needed is an error that names the argument, never a silent null result.

use crate::error::Error;
use crate::json::Jsonb;

/// A value that must be given.
pub fn required<T>(argument: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::NullArgument(argument))
}

/// The text of a `data` argument, ready to be parsed.
pub fn data(value: Option<Jsonb>) -> Result<String, Error> {
    Ok(required("data", value)?.text())
}
