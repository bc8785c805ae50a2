//! Parsing and checking of arguments: each refusal names the argument and what was found.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// Names are what people type and read; longer ones would not fit into an index entry either.
pub const MAX_NAME_CHARS: usize = 200;

/// An argument that cannot be accepted, in words for the person who wrote it.
#[derive(Debug, Error, PartialEq)]
#[error("{0}")]
pub struct Invalid(pub String);

/// Parses `text` into a typed structure; the refusal names the key or the path of the wrong value.
pub fn parse<'de, T: Deserialize<'de>>(argument: &str, text: &'de str) -> Result<T, Invalid> {
    // Keeping track of the path takes as long as parsing, so it is done only for a text that is refused.
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.inner().to_string();
        // The position counts characters of a text that the caller never saw.
        let reason = plain(reason.split(" at line ").next().unwrap_or_default());
        match path.as_str() {
            "." => Invalid(format!("{argument}: {reason}")),
            path if path.starts_with('[') => Invalid(format!("{argument}{path}: {reason}")),
            path => Invalid(format!("{argument}.{path}: {reason}")),
        }
    })
}

/// Rust's names of types in the words of JSON.
fn plain(reason: &str) -> String {
    const WORDS: [(&str, &str); 7] = [
        ("invalid type: map", "invalid type: object"),
        ("invalid type: sequence", "invalid type: array"),
        ("expected f64", "expected a number"),
        ("expected i16", "expected a 16-bit integer"),
        ("expected i32", "expected a 32-bit integer"),
        ("expected a map", "expected an object"),
        ("expected a sequence", "expected an array"),
    ];
    WORDS.iter().fold(reason.to_owned(), |text, (rust, json)| text.replace(rust, json))
}

/// A structure that is written as an object only; by itself serde would also take an array of the values in their order.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entries)).map(Object)
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// A text that stays where it was read, unless it is written with escapes.
#[derive(Debug, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Parses an object into a typed structure.
pub fn parse_object<'de, T: Deserialize<'de>>(argument: &str, text: &'de str) -> Result<T, Invalid> {
    parse::<Object<T>>(argument, text).map(|Object(value)| value)
}

/// Parses what is to change of a record. `fixed` has the keys that a record shows but that no update sets, and what does.
pub fn parse_patch<'de, T: Deserialize<'de>>(text: &'de str, fixed: &[(&str, &str)]) -> Result<T, Invalid> {
    parse_object("data", text).map_err(|refusal| {
        let is_of = |key: &str| refusal.0.starts_with(&format!("data.{key}: unknown field"));
        match fixed.iter().find(|(key, _)| is_of(key)) {
            Some((key, instead)) => Invalid(format!("data.{key} cannot be set here: {instead}")),
            None => refusal,
        }
    })
}

/// Parses an array of objects into typed structures.
pub fn parse_objects<'de, T: Deserialize<'de>>(argument: &str, text: &'de str) -> Result<Vec<T>, Invalid> {
    let objects: Vec<Object<T>> = parse(argument, text)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// Checks a name that is about to be stored: not empty, at most [`MAX_NAME_CHARS`] characters, none of them a control character.
pub fn check_name(argument: impl Display, name: &str) -> Result<(), Invalid> {
    if name.is_empty() {
        return Err(Invalid(format!("{argument} must not be empty")));
    }
    let length = name.chars().count();
    if length > MAX_NAME_CHARS {
        return Err(Invalid(format!("{argument} must have at most {MAX_NAME_CHARS} characters, found {length}")));
    }
    match name.chars().find(|character| character.is_control()) {
        Some(character) => {
            Err(Invalid(format!("{argument} must not contain control characters, found U+{:04X}", character as u32)))
        }
        None => Ok(()),
    }
}

/// Checks every name of a list.
pub fn check_names(argument: impl Display, names: &[String]) -> Result<(), Invalid> {
    names.iter().enumerate().try_for_each(|(index, name)| check_name(format_args!("{argument}[{index}]"), name))
}

/// Checks a number of seconds, or another quantity that must be finite and above zero.
pub fn check_positive(argument: impl Display, value: f64) -> Result<(), Invalid> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be a positive finite number, found {value}")))
}

/// Checks an hourly rate: finite, from zero to a million.
pub fn check_rate(argument: impl Display, value: f64) -> Result<(), Invalid> {
    if (0.0..=1e6).contains(&value) {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be between 0 and 1000000, found {value}")))
}

/// Checks Unix seconds: from 1970 to the year 9999.
pub fn check_unix_seconds(argument: impl Display, value: f64) -> Result<(), Invalid> {
    if (0.0..=253_402_300_799.0).contains(&value) {
        return Ok(());
    }
    Err(Invalid(format!("{argument} must be Unix seconds between 0 and 253402300799, found {value}")))
}

/// For a field of an update, which keeps what its data has no key for: a null is for `T` to take (clear) or to refuse.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// For an optional field of something new: null is as if absent.
pub fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default, deserialize_with = "present")]
        note: Option<Option<String>>,
        #[serde(default, deserialize_with = "present")]
        priority: Option<i32>,
        #[serde(default, deserialize_with = "or_default")]
        is_paused: bool,
    }

    #[test]
    fn unknown_key_is_named() {
        let error = parse::<Sample>("data", r#"{"nope": 1}"#).unwrap_err();
        assert_eq!(error.0, "data.nope: unknown field `nope`, expected one of `note`, `priority`, `is_paused`");
    }

    #[test]
    fn wrong_type_is_located() {
        let error = parse::<Vec<Sample>>("data", r#"[{}, {"note": 7}]"#).unwrap_err();
        assert_eq!(error.0, "data[1].note: invalid type: integer `7`, expected a string");
    }

    #[test]
    fn an_array_is_no_object() {
        let error = parse_object::<Sample>("data", r#"["text"]"#).map(|_| ()).unwrap_err();
        assert_eq!(error.0, "data: invalid type: array, expected an object");
        let error = parse_objects::<Sample>("data", r#"[{}, ["text"]]"#).map(|_| ()).unwrap_err();
        assert_eq!(error.0, "data[1]: invalid type: array, expected an object");
        assert_eq!(
            parse_object::<Sample>("data", r#"{"note": 7}"#).unwrap_err().0,
            "data.note: invalid type: integer `7`, expected a string"
        );
    }

    #[test]
    fn null_differs_from_absent() {
        assert_eq!(parse::<Sample>("data", r#"{"note": null}"#).unwrap().note, Some(None));
        assert_eq!(parse::<Sample>("data", "{}").unwrap().note, None);
    }

    #[test]
    fn null_is_refused_where_nothing_can_be_cleared() {
        let error = parse::<Sample>("data", r#"{"priority": null}"#).unwrap_err();
        assert_eq!(error.0, "data.priority: invalid type: null, expected a 32-bit integer");
        assert_eq!(parse::<Sample>("data", r#"{"priority": 1}"#).unwrap().priority, Some(1));
    }

    #[test]
    fn null_is_the_default_of_something_new() {
        assert!(!parse::<Sample>("data", r#"{"is_paused": null}"#).unwrap().is_paused);
        assert!(parse::<Sample>("data", r#"{"is_paused": true}"#).unwrap().is_paused);
    }

    #[test]
    fn who_sets_a_fixed_key_is_told() {
        let fixed = [("status", "start_task sets it")];
        let error = parse_patch::<Sample>(r#"{"status": "running"}"#, &fixed).unwrap_err();
        assert_eq!(error.0, "data.status cannot be set here: start_task sets it");
        let error = parse_patch::<Sample>(r#"{"statuses": []}"#, &fixed).unwrap_err();
        assert!(error.0.starts_with("data.statuses: unknown field"));
    }

    #[test]
    fn names_are_checked() {
        assert!(check_name("user_id", "ユーザー😀").is_ok());
        assert_eq!(check_name("user_id", "").unwrap_err().0, "user_id must not be empty");
        assert_eq!(
            check_name("user_id", "a\nb").unwrap_err().0,
            "user_id must not contain control characters, found U+000A"
        );
        assert!(check_name("user_id", &"é".repeat(MAX_NAME_CHARS)).is_ok());
        assert!(check_name("user_id", &"é".repeat(MAX_NAME_CHARS + 1)).is_err());
    }

    #[test]
    fn not_a_number_is_not_positive() {
        for value in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert!(check_positive("duration_seconds", value).is_err());
        }
        assert!(check_positive("duration_seconds", 0.001).is_ok());
    }
}
