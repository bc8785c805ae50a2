//! Which tasks are asked for: the filters of a list, and the beginning of an id.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::arguments::{Invalid, parse_object, present};
use crate::priorities::Priority;
use crate::task_content::check_object;
use crate::times::Timestamp;

/// The `filters` of `list_tasks`: an absent key filters nothing, null asks for tasks without a value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskFilters<'a> {
    #[serde(deserialize_with = "one_or_many")]
    pub status: Option<Vec<Status>>,
    #[serde(deserialize_with = "present")]
    pub agent: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub channel: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub domain: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub task_type: Option<String>,
    #[serde(deserialize_with = "present")]
    pub priority: Option<Priority>,
    #[serde(deserialize_with = "present")]
    pub batch_id: Option<String>,
    #[serde(borrow, deserialize_with = "present")]
    pub metadata: Option<&'a RawValue>,
    #[serde(deserialize_with = "present")]
    pub text: Option<String>,
    #[serde(deserialize_with = "present")]
    pub created_after: Option<Timestamp>,
    #[serde(deserialize_with = "present")]
    pub created_before: Option<Timestamp>,
    pub order: Order,
}

/// The statuses that a task shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Created,
    Queued,
    Scheduled,
    Retrying,
    Running,
    Completed,
    Failed,
    Cancelled,
    Skipped,
    Expired,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    #[default]
    Newest,
    Oldest,
    /// The highest priority first, and of equal ones the oldest.
    Claim,
}

impl<'a> TaskFilters<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let filters: Self = parse_object("filters", text)?;
        filters.metadata.map_or(Ok(()), |metadata| check_object("filters.metadata", metadata))?;
        Ok(filters)
    }

    /// Whether all tasks fit.
    pub fn are_none(&self) -> bool {
        self.status.is_none()
            && self.agent.is_none()
            && self.channel.is_none()
            && self.domain.is_none()
            && self.task_type.is_none()
            && self.priority.is_none()
            && self.batch_id.is_none()
            && self.metadata.is_none()
            && self.text.is_none()
            && self.created_after.is_none()
            && self.created_before.is_none()
    }
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Queued => "queued",
            Self::Scheduled => "scheduled",
            Self::Retrying => "retrying",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
        }
    }

    /// Whether a task with this status is over. The row of any other task says that it is queued; the rest is derived.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped | Self::Expired)
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Status>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "a status, or an array of statuses: created, queued, scheduled, retrying, running, completed, failed, cancelled, \
            skipped, expired"
    )]
    enum OneOrMany {
        One(Status),
        Many(Vec<Status>),
    }
    OneOrMany::deserialize(deserializer).map(|given| match given {
        OneOrMany::One(status) => Some(vec![status]),
        OneOrMany::Many(statuses) => Some(statuses),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        TaskFilters::parse(text).unwrap_err().0
    }

    #[test]
    fn a_status_may_be_one_or_several() {
        let statuses = |text| TaskFilters::parse(text).unwrap().status;
        assert_eq!(statuses("{}"), None);
        assert_eq!(statuses(r#"{"status": "scheduled"}"#), Some(vec![Status::Scheduled]));
        assert_eq!(statuses(r#"{"status": ["queued", "failed"]}"#), Some(vec![Status::Queued, Status::Failed]));
        assert_eq!(statuses(r#"{"status": []}"#), Some(vec![]));
        for bad in [r#""banana""#, r#"["queued", "banana"]"#, "null", "7", "{}", r#""QUEUED""#] {
            assert!(refusal(&format!(r#"{{"status": {bad}}}"#)).starts_with("filters.status: a status, or"), "{bad}");
        }
    }

    #[test]
    fn names_of_statuses_are_what_is_parsed() {
        for name in [
            "created",
            "queued",
            "scheduled",
            "retrying",
            "running",
            "completed",
            "failed",
            "cancelled",
            "skipped",
            "expired",
        ] {
            let text = format!(r#"{{"status": "{name}"}}"#);
            assert_eq!(TaskFilters::parse(&text).unwrap().status.unwrap()[0].name(), name);
        }
    }

    #[test]
    fn null_asks_for_tasks_without() {
        let filters = TaskFilters::parse(r#"{"agent": null, "channel": "c"}"#).unwrap();
        assert_eq!((filters.agent, filters.channel, filters.domain), (Some(None), Some(Some("c".into())), None));
        for key in ["task_type", "priority", "batch_id", "metadata", "text", "created_after", "order"] {
            assert!(refusal(&format!(r#"{{"{key}": null}}"#)).starts_with(&format!("filters.{key}")), "{key}");
        }
    }

    #[test]
    fn wrong_filters_are_named() {
        assert!(refusal(r#"{"colour": 1}"#).starts_with("filters.colour: unknown field"));
        assert_eq!(refusal(r#"{"metadata": []}"#), "filters.metadata: invalid type: array, expected an object");
        assert!(refusal(r#"{"order": "random"}"#).starts_with("filters.order: unknown variant `random`"));
        assert!(refusal("[]").starts_with("filters: invalid type: array"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = TaskFilters::parse(&text);
        }
    }
}
