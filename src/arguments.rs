//! Arguments as they arrive: a null where a value is needed is an error that names the argument, never a silent null result;
//! and of the `data` of an update only what it would change counts.

use std::ops::RangeInclusive;

use task_mgmt_core::arguments::Invalid;

use crate::error::Error;
use crate::json::Jsonb;
use crate::spi::read;

/// A value that must be given.
pub fn required<T>(argument: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::NullArgument(argument))
}

/// A number that must be given. Errors: 22023 if it is negative.
pub fn not_negative(argument: &'static str, value: Option<i32>) -> Result<i32, Error> {
    match required(argument, value)? {
        value @ 0.. => Ok(value),
        value => Err(Invalid(format!("{argument} must not be negative, found {value}")).into()),
    }
}

/// A number that must be given. Errors: 22023 if it is outside of the range.
pub fn within(argument: &'static str, range: RangeInclusive<i32>, value: Option<i32>) -> Result<i32, Error> {
    let value = required(argument, value)?;
    match range.contains(&value) {
        true => Ok(value),
        false => {
            let (least, most) = (range.start(), range.end());
            Err(Invalid(format!("{argument} must be from {least} to {most}, found {value}")).into())
        }
    }
}

/// The elements of an array, none of which may be null. Errors: 22023.
pub fn all_given(argument: &'static str, values: Option<Vec<Option<String>>>) -> Result<Vec<String>, Error> {
    let given = |(index, value): (usize, Option<String>)| {
        value.ok_or_else(|| Invalid(format!("{argument}[{index}] must not be null")).into())
    };
    required(argument, values)?.into_iter().enumerate().map(given).collect()
}

/// The keys of an object; anything else has none, and is refused when it is parsed.
pub fn keys(data: &Jsonb) -> Result<Vec<String>, Error> {
    read!("select array(select jsonb_object_keys(case jsonb_typeof($1) when 'object' then $1 else '{}' end))")
        .value(&[data.clone().into()])
}

/// The text of what a `data` argument would change of a record, ready to be parsed: a key with the value that the record has
/// is left out, so that a record can be written back as it was read.
pub fn changes(data: Jsonb, record: Jsonb) -> Result<String, Error> {
    Ok(changed(data, record)?.text())
}

/// The same as a value, for large parts that go into the tables as they are.
pub fn changed(data: Jsonb, record: Jsonb) -> Result<Jsonb, Error> {
    read!(
        "select case jsonb_typeof($1)
            when 'object' then (
                select coalesce(jsonb_object_agg(given.key, given.value), '{}')
                from jsonb_each($1) as given
                where given.value is distinct from $2 -> given.key
            )
            else $1
        end"
    )
    .value(&[data.into(), record.into()])
}

/// The text of a `data` argument, ready to be parsed.
pub fn data(value: Option<Jsonb>) -> Result<String, Error> {
    Ok(required("data", value)?.text())
}
