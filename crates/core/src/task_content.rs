//! What a task says of itself: limits that hold for every task.

use std::fmt;

use serde_json::value::RawValue;

use crate::arguments::{Invalid, check_name};

/// A title is one line that people read.
pub const MAX_TITLE_CHARS: usize = 1_000;
pub const MAX_DESCRIPTION_CHARS: usize = 100_000;

/// What is given of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskContent<'a> {
    pub title: Option<&'a str>,
    pub description: Option<&'a str>,
    pub params: Option<&'a RawValue>,
    pub domain: Option<&'a str>,
    pub drift_score: Option<f64>,
    pub metadata: Option<&'a RawValue>,
    pub channel: Option<&'a str>,
}

impl TaskContent<'_> {
    pub fn check(&self, argument: fmt::Arguments) -> Result<(), Invalid> {
        if let Some(title) = self.title {
            check_title(argument, title)?;
        }
        if let Some(description) = self.description {
            check_length(format_args!("{argument}.description"), description, MAX_DESCRIPTION_CHARS)?;
        }
        for (key, value) in [("params", self.params), ("metadata", self.metadata)] {
            value.map_or(Ok(()), |value| check_object(format_args!("{argument}.{key}"), value))?;
        }
        for (key, name) in [("domain", self.domain), ("channel", self.channel)] {
            name.map_or(Ok(()), |name| check_name(format_args!("{argument}.{key}"), name))?;
        }
        match self.drift_score {
            Some(score) if !(0.0..=1.0).contains(&score) => {
                Err(Invalid(format!("{argument}.drift_score must be between 0 and 1, found {score}")))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses a text of more characters.
pub fn check_length(argument: impl fmt::Display, text: &str, most: usize) -> Result<(), Invalid> {
    // A text has as many bytes as characters, or more.
    if text.len() <= most {
        return Ok(());
    }
    match text.chars().count() {
        length if length > most => {
            Err(Invalid(format!("{argument} must have at most {most} characters, found {length}")))
        }
        _ => Ok(()),
    }
}

fn check_title(argument: fmt::Arguments, title: &str) -> Result<(), Invalid> {
    if title.is_empty() {
        return Err(Invalid(format!("{argument}.title must not be empty")));
    }
    check_length(format_args!("{argument}.title"), title, MAX_TITLE_CHARS)?;
    match title.chars().find(|character| character.is_control()) {
        Some(character) => Err(Invalid(format!(
            "{argument}.title must not contain control characters, found U+{:04X}",
            character as u32
        ))),
        None => Ok(()),
    }
}

/// Refuses JSON that is no object.
pub fn check_object(argument: impl fmt::Display, value: &RawValue) -> Result<(), Invalid> {
    let kind = match value.get().trim_start().as_bytes().first() {
        Some(b'{') => return Ok(()),
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') | None => "null",
        Some(_) => "number",
    };
    Err(Invalid(format!("{argument}: invalid type: {kind}, expected an object")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(content: TaskContent) -> String {
        content.check(format_args!("data")).unwrap_err().0
    }

    #[test]
    fn a_title_is_one_line() {
        let title = |text| TaskContent { title: Some(text), ..TaskContent::default() };
        let longest = "é".repeat(MAX_TITLE_CHARS);
        assert!(title(&longest).check(format_args!("data")).is_ok());
        assert!(title(" ").check(format_args!("data")).is_ok());
        assert_eq!(refusal(title("")), "data.title must not be empty");
        assert_eq!(refusal(title("a\nb")), "data.title must not contain control characters, found U+000A");
        let longer = format!("{longest}é");
        assert_eq!(refusal(title(&longer)), "data.title must have at most 1000 characters, found 1001");
    }

    #[test]
    fn a_description_has_lines_and_an_end() {
        let description = |text| TaskContent { description: Some(text), ..TaskContent::default() };
        assert!(description("").check(format_args!("data")).is_ok());
        let longest = "\n".repeat(MAX_DESCRIPTION_CHARS);
        assert!(description(&longest).check(format_args!("data")).is_ok());
        assert!(refusal(description(&format!("{longest}x"))).starts_with("data.description must have at most"));
    }

    #[test]
    fn scores_are_from_0_to_1() {
        let score = |score| TaskContent { drift_score: Some(score), ..TaskContent::default() };
        for good in [0.0, 0.5, 1.0, f64::MIN_POSITIVE] {
            assert!(score(good).check(format_args!("data")).is_ok());
        }
        for bad in [-0.1, 1.000_000_1, f64::NAN, f64::INFINITY] {
            assert!(refusal(score(bad)).starts_with("data.drift_score must be between 0 and 1, found "));
        }
    }

    #[test]
    fn params_and_metadata_are_objects() {
        for (text, kind) in
            [("[]", "array"), ("\"{}\"", "string"), ("true", "boolean"), ("false", "boolean"), ("-1", "number")]
        {
            let value: &RawValue = serde_json::from_str(text).unwrap();
            let expected = format!("data.params: invalid type: {kind}, expected an object");
            assert_eq!(refusal(TaskContent { params: Some(value), ..TaskContent::default() }), expected);
            let refused = refusal(TaskContent { metadata: Some(value), ..TaskContent::default() });
            assert_eq!(refused, expected.replace("params", "metadata"));
        }
    }
}
