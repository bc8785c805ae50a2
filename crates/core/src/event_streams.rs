//! What may be said of consumers of events, of events of one's own and of notifications; and when an event that a consumer
//! could not process is tried again.

use serde::Deserialize;

use crate::arguments::{Invalid, check_name, or_default, parse, parse_object};

/// More of what a consumer says about a failure is not kept.
pub const MAX_MESSAGE_CHARS: usize = 2000;

/// The most events that one call reads.
pub const MAX_ROWS: i32 = 100_000;

/// After so many failures an event is dead.
const MOST_FAILURES: i32 = 10;

/// The name of a channel has at most 63 bytes, of which `task_events:` takes 12.
const MAX_EVENT_TYPE_BYTES: usize = 51;

/// A new consumer of a project's events.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewConsumer {
    #[serde(default, deserialize_with = "or_default")]
    pub from: From,
    /// The kinds of events that it gets; none stands for all.
    #[serde(default)]
    pub kinds: Option<Vec<String>>,
}

/// Where a consumer begins.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum From {
    #[default]
    Now,
    Beginning,
}

impl NewConsumer {
    /// Parses and checks the `data` argument; whether there are such kinds is for the database to say.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let new: Self = parse_object("data", text)?;
        match &new.kinds {
            Some(kinds) if kinds.is_empty() => Err(Invalid("data.kinds must not be empty".into())),
            _ => Ok(new),
        }
    }
}

/// Of which events listeners are told.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected \"all\", an array of kinds of events, or null")]
pub enum Notified {
    All(All),
    Kinds(Vec<String>),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum All {
    All,
}

impl Notified {
    /// Parses the kinds; none stands for no event.
    pub fn parse(argument: &str, text: &str) -> Result<Option<Self>, Invalid> {
        parse(argument, text)
    }
}

/// Checks the type of an event of one's own.
pub fn check_event_type(event_type: &str) -> Result<(), Invalid> {
    check_name("event_type", event_type)?;
    match event_type.len() {
        ..=MAX_EVENT_TYPE_BYTES => Ok(()),
        length => Err(Invalid(format!("event_type must have at most {MAX_EVENT_TYPE_BYTES} bytes, found {length}"))),
    }
}

/// Checks how many events are to be read.
pub fn check_max_rows(max_rows: i32) -> Result<(), Invalid> {
    match max_rows {
        1..=MAX_ROWS => Ok(()),
        _ => Err(Invalid(format!("max_rows must be between 1 and {MAX_ROWS}, found {max_rows}"))),
    }
}

/// How long a consumer waits after an event has failed so many times; none if it is dead.
pub fn delay_seconds(failures: i32) -> Option<f64> {
    (failures < MOST_FAILURES).then(|| f64::from(failures.min(5)) * 30.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_begins_now_and_gets_all_kinds() {
        let new = NewConsumer::parse("{}").unwrap();
        assert_eq!((new.from, new.kinds), (From::Now, None));
        let new = NewConsumer::parse(r#"{"from": "beginning", "kinds": ["started"]}"#).unwrap();
        assert_eq!((new.from, new.kinds), (From::Beginning, Some(vec!["started".into()])));
        let new = NewConsumer::parse(r#"{"from": null, "kinds": null}"#).unwrap();
        assert_eq!((new.from, new.kinds), (From::Now, None));
        assert!(NewConsumer::parse(r#"{"from": "yesterday"}"#).is_err());
        assert_eq!(NewConsumer::parse(r#"{"kinds": []}"#).unwrap_err().0, "data.kinds must not be empty");
    }

    #[test]
    fn listeners_are_told_of_all_some_or_no_kinds() {
        let parse = |text| Notified::parse("data.notify_events", text);
        assert_eq!(parse("null").unwrap(), None);
        assert_eq!(parse(r#""all""#).unwrap(), Some(Notified::All(All::All)));
        assert_eq!(parse(r#"["started"]"#).unwrap(), Some(Notified::Kinds(vec!["started".into()])));
        for text in [r#""some""#, "1", "[1]", "{}", "true"] {
            assert_eq!(
                parse(text).unwrap_err().0,
                "data.notify_events: expected \"all\", an array of kinds of events, or null"
            );
        }
    }

    #[test]
    fn a_type_of_event_fits_into_a_channel() {
        assert!(check_event_type(&"x".repeat(51)).is_ok());
        assert_eq!(check_event_type(&"é".repeat(26)).unwrap_err().0, "event_type must have at most 51 bytes, found 52");
        assert!(check_event_type("").is_err());
    }

    /// S38.
    #[test]
    fn the_wait_grows_by_half_a_minute_until_the_event_is_dead() {
        let delays: Vec<Option<f64>> = (1..=11).map(delay_seconds).collect();
        let expected = [30.0, 60.0, 90.0, 120.0, 150.0, 150.0, 150.0, 150.0, 150.0].map(Some);
        assert_eq!(delays[..9], expected);
        assert_eq!(delays[9..], [None, None]);
    }
}
