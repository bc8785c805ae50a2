//! What may be said of a task.

use std::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::arguments::{
    Invalid, Object, Text, check_name, check_unix_seconds, or_default, parse, parse_object, parse_objects, parse_patch,
    present,
};
use crate::conversations::NewConversation;
use crate::neuroglancer::seed::seed_of;
use crate::priorities::Priority;
use crate::retries::{Backoff, check_duration, check_max_attempts};
use crate::task_content::TaskContent;
use crate::times::Timestamp;

/// The `data` of `create_task`: a task as it is to be, so that an existing project can be brought in with its state.
/// Payloads pass through as text, so that no number loses a digit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTask<'a> {
    #[serde(default, borrow)]
    pub task_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub task_type: Text<'a>,
    pub priority: Option<Priority>,
    #[serde(default, deserialize_with = "or_default")]
    pub batch_id: String,
    #[serde(default, borrow)]
    pub ng_state: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub ng_state_initial: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub extra_data: Option<&'a RawValue>,
    pub note: Option<String>,
    pub segment_type: Option<String>,
    pub segment_seed_id: Option<SeedId>,
    #[serde(default, deserialize_with = "or_default")]
    pub assigned_user_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub active_user_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub completed_user_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub completion_status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub last_leased_ts: f64,
    pub first_start_ts: Option<f64>,
    #[serde(default = "yes", deserialize_with = "or_yes")]
    pub is_active: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub is_paused: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub is_checked: bool,
    /// That of the type if there is none.
    pub overlap: Option<i16>,
    #[serde(default, deserialize_with = "conversations")]
    pub conversations: Vec<NewConversation>,
    pub title: Option<String>,
    pub description: Option<String>,
    #[serde(default, borrow)]
    pub params: Option<&'a RawValue>,
    pub domain: Option<String>,
    pub drift_score: Option<f64>,
    #[serde(default, borrow)]
    pub metadata: Option<&'a RawValue>,
    pub channel: Option<String>,
    /// Another word for assigned_user_id.
    #[serde(default, deserialize_with = "or_default")]
    agent: String,
    /// False is the same as `hold`.
    pub run_immediately: Option<bool>,
    pub hold: Option<bool>,
    pub run_after: Option<Timestamp>,
    pub ttl_seconds: Option<f64>,
    #[serde(default, borrow)]
    pub unique_key: Option<Text<'a>>,
    #[serde(default, deserialize_with = "or_default")]
    pub on_duplicate: OnDuplicate,
    /// Whether an open task with its key is meant instead.
    #[serde(skip)]
    pub is_twin: bool,
    pub max_attempts: Option<i32>,
    #[serde(default, borrow)]
    pub backoff: Option<&'a RawValue>,
}

/// What becomes of a new task whose unique key an open one has.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum OnDuplicate {
    #[default]
    Refuse,
    /// It is not made, and the open one is meant.
    Existing,
}

/// The `data` of `update_task`: an absent key keeps the value, null clears it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskPatch<'a> {
    #[serde(deserialize_with = "present")]
    pub task_type: Option<String>,
    #[serde(deserialize_with = "present")]
    pub priority: Option<Priority>,
    #[serde(deserialize_with = "present")]
    pub batch_id: Option<String>,
    #[serde(borrow, deserialize_with = "present_state")]
    pub ng_state: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present_state")]
    pub ng_state_initial: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "present")]
    pub extra_data: Option<Option<&'a RawValue>>,
    #[serde(deserialize_with = "present")]
    pub note: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub segment_type: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub segment_seed_id: Option<Option<SeedId>>,
    #[serde(deserialize_with = "present")]
    pub assigned_user_id: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub is_active: Option<bool>,
    #[serde(deserialize_with = "present")]
    pub is_paused: Option<bool>,
    #[serde(deserialize_with = "present")]
    pub is_checked: Option<bool>,
    #[serde(deserialize_with = "present")]
    pub completion_status: Option<String>,
    #[serde(deserialize_with = "present")]
    pub completed_user_id: Option<String>,
    #[serde(deserialize_with = "present")]
    pub overlap: Option<i16>,
    #[serde(deserialize_with = "present")]
    pub title: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub description: Option<Option<String>>,
    #[serde(borrow, deserialize_with = "present")]
    pub params: Option<Option<&'a RawValue>>,
    #[serde(deserialize_with = "present")]
    pub domain: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub drift_score: Option<Option<f64>>,
    #[serde(borrow, deserialize_with = "present")]
    pub metadata: Option<Option<&'a RawValue>>,
    #[serde(deserialize_with = "present")]
    pub channel: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub run_after: Option<Option<Timestamp>>,
    #[serde(deserialize_with = "present")]
    pub max_attempts: Option<Option<i32>>,
    #[serde(borrow, deserialize_with = "present")]
    pub backoff: Option<Option<&'a RawValue>>,
}

/// The `filters` of `requeue_failed`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FailedFilters {
    pub task_type: Option<String>,
    pub channel: Option<String>,
    pub agent: Option<String>,
    pub batch_id: Option<String>,
}

impl FailedFilters {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_object("filters", text)
    }
}

/// The id of a supervoxel or segment: all of 0 to 2^64-1, as a number or, for readers that lose digits above 2^53, as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeedId(pub u64);

impl SeedId {
    /// As a number or, above 2^53, as text.
    pub fn as_json(self) -> serde_json::Value {
        const MOST_EXACT: u64 = 1 << 53;
        if self.0 > MOST_EXACT { self.0.to_string().into() } else { self.0.into() }
    }
}

impl<'de> Deserialize<'de> for SeedId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "an integer between 0 and 18446744073709551615, as a number or as text")]
        enum NumberOrText {
            Number(u64),
            Text(String),
        }
        match NumberOrText::deserialize(deserializer)? {
            NumberOrText::Number(id) => Ok(Self(id)),
            NumberOrText::Text(text) => text.parse().map(Self).map_err(|_| {
                D::Error::custom(format!("\"{text}\" is not an integer between 0 and 18446744073709551615"))
            }),
        }
    }
}

impl<'a> NewTask<'a> {
    /// Whether ng_state is in the seed form.
    pub fn has_seed_state(&self) -> bool {
        self.ng_state.is_some_and(|state| seed_of(state.get()).is_some())
    }

    /// What it says of itself.
    pub fn content(&self) -> TaskContent<'_> {
        TaskContent {
            title: self.title.as_deref(),
            description: self.description.as_deref(),
            params: self.params,
            domain: self.domain.as_deref(),
            drift_score: self.drift_score,
            metadata: self.metadata,
            channel: self.channel.as_deref(),
        }
    }

    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let mut task: Self = parse_object("data", text)?;
        task.settle(format_args!("data"))?;
        Ok(task)
    }

    /// Parses the array of `create_tasks`.
    pub fn parse_all(text: &'a str) -> Result<Vec<Self>, Invalid> {
        let mut tasks: Vec<Self> = parse_objects("data", text)?;
        tasks.iter_mut().enumerate().try_for_each(|(index, task)| task.settle(format_args!("data[{index}]")))?;
        Ok(tasks)
    }

    /// Checks what can be checked without the project, and takes the seed id from extra_data if it stands only there.
    fn settle(&mut self, argument: fmt::Arguments) -> Result<(), Invalid> {
        if let Some(id) = &self.task_id {
            check_name(format_args!("{argument}.task_id"), id)?;
        }
        check_name(format_args!("{argument}.task_type"), &self.task_type)?;
        if let Some(segment_type) = &self.segment_type {
            check_name(format_args!("{argument}.segment_type"), segment_type)?;
        }
        if let Some(priority) = self.priority {
            priority.check(argument)?;
        }
        self.settle_agent(argument)?;
        let users = [
            ("assigned_user_id", &self.assigned_user_id),
            ("active_user_id", &self.active_user_id),
            ("completed_user_id", &self.completed_user_id),
        ];
        for (key, user) in users.into_iter().filter(|(_, user)| !user.is_empty()) {
            check_name(format_args!("{argument}.{key}"), user)?;
        }
        self.segment_seed_id = seed_id(argument, self.segment_seed_id, self.extra_data)?;
        check_unix_seconds(format_args!("{argument}.last_leased_ts"), self.last_leased_ts)?;
        self.overlap.map_or(Ok(()), |overlap| check_overlap(format_args!("{argument}.overlap"), overlap))?;
        for (index, conversation) in self.conversations.iter().enumerate() {
            conversation.check(format_args!("{argument}.conversations[{index}]"))?;
        }
        self.first_start_ts.map_or(Ok(()), |ts| check_unix_seconds(format_args!("{argument}.first_start_ts"), ts))?;
        self.content().check(argument)?;
        self.check_queueing(argument)?;
        self.check_state(argument)
    }

    fn settle_agent(&mut self, argument: fmt::Arguments) -> Result<(), Invalid> {
        if self.agent.is_empty() {
            return Ok(());
        }
        let agent = std::mem::take(&mut self.agent);
        if !self.assigned_user_id.is_empty() && self.assigned_user_id != agent {
            return Err(two_users(argument, &agent, &self.assigned_user_id));
        }
        self.assigned_user_id = agent;
        Ok(())
    }

    /// Whether it waits until it is enqueued.
    pub fn is_on_hold(&self) -> bool {
        self.hold.or(self.run_immediately.map(|run| !run)).unwrap_or_default()
    }

    fn check_queueing(&self, argument: fmt::Arguments) -> Result<(), Invalid> {
        if let (Some(hold), Some(run)) = (self.hold, self.run_immediately)
            && hold == run
        {
            return Err(Invalid(format!("{argument}.hold and {argument}.run_immediately contradict each other")));
        }
        let seconds = self.ttl_seconds;
        seconds.map_or(Ok(()), |seconds| check_duration(format_args!("{argument}.ttl_seconds"), seconds))?;
        if let Some(key) = &self.unique_key {
            check_name(format_args!("{argument}.unique_key"), key)?;
        }
        let attempts = self.max_attempts;
        attempts.map_or(Ok(()), |attempts| check_max_attempts(format_args!("{argument}.max_attempts"), attempts))?;
        let backoff = self.backoff.map(|backoff| Backoff::parse(&format!("{argument}.backoff"), backoff.get()));
        backoff.transpose().map(|_| ())
    }

    fn check_state(&self, argument: fmt::Arguments) -> Result<(), Invalid> {
        let is_completed = !self.completion_status.is_empty();
        let is_held = !self.active_user_id.is_empty();
        let refuse = |reason: &str| match self.task_id.as_deref() {
            Some(id) => Err(Invalid(format!("{reason}: {id}, see {argument}"))),
            None => Err(Invalid(format!("{reason}: see {argument}"))),
        };
        if !self.is_active && is_completed {
            return refuse("Inactive task cannot have completion status");
        }
        if !self.is_active && !self.completed_user_id.is_empty() {
            return refuse("Inactive task cannot have completed user");
        }
        if !self.is_active && is_held {
            return refuse("Inactive task cannot have active user");
        }
        if is_completed && self.completed_user_id.is_empty() {
            return refuse("Completed task must have completed_user_id");
        }
        if !is_completed && !self.completed_user_id.is_empty() {
            return refuse("Task with completed_user_id must have completion_status");
        }
        if is_completed && is_held {
            return refuse("Completed task cannot have active user");
        }
        if (is_completed || is_held) && (self.is_on_hold() || self.run_after.is_some()) {
            return refuse("Task with active user or completion status cannot be on hold or scheduled");
        }
        if (is_completed || is_held) && self.overlap.is_some_and(|overlap| overlap > 1) {
            return refuse("Task with an overlap cannot have active user or completion status");
        }
        Ok(())
    }
}

impl<'a> TaskPatch<'a> {
    /// What somebody who works on a task saves meanwhile.
    pub const PROGRESS: [&'static str; 2] = ["ng_state", "note"];

    /// What may complete the task or open it again.
    pub const COMPLETION: [&'static str; 2] = ["completion_status", "completed_user_id"];

    const FIXED: [(&'static str, &'static str); 17] = [
        ("task_id", "a task keeps its id"),
        ("status", "start_task, release_task, cancel_task and reactivate_task set it"),
        ("active_user_id", "start_task, release_task and force_release_task set it"),
        ("last_leased_ts", "start_task, renew_lease and submit_timesheet set it"),
        ("first_start_ts", "the first start_task sets it"),
        ("completed_at", "the completion sets it"),
        ("created_at", "create_task sets it"),
        ("original_task_id", "start_task sets it when it makes a copy"),
        ("result", "whoever completes the task sets it"),
        ("error", "whoever fails at the task sets it"),
        ("updated_at", "every change sets it"),
        ("attempts", "claim_tasks and start_task count it, enqueue_task begins anew"),
        ("failed_at", "fail_task sets it"),
        ("failures", "fail_task and sweep count it, enqueue_task begins anew"),
        ("ttl_seconds", "extend_ttl prolongs it"),
        ("expires_at", "extend_ttl prolongs it"),
        ("unique_key", "a task keeps its key"),
    ];

    /// Whether the task may stand elsewhere among the ready ones afterwards, or not at all.
    pub fn moves(&self) -> bool {
        self.task_type.is_some()
            || self.segment_type.is_some()
            || self.segment_seed_id.is_some()
            || self.priority.is_some()
            || self.assigned_user_id.is_some()
            || self.is_active.is_some()
            || self.is_paused.is_some()
            || self.overlap.is_some()
            || self.run_after.is_some()
            || self.channel.is_some()
    }

    /// Whether anything but assignment, activity and completion is to change.
    pub fn has_edits(&self) -> bool {
        self.task_type.is_some()
            || self.priority.is_some()
            || self.batch_id.is_some()
            || self.ng_state.is_some()
            || self.ng_state_initial.is_some()
            || self.extra_data.is_some()
            || self.note.is_some()
            || self.segment_type.is_some()
            || self.segment_seed_id.is_some()
            || self.is_paused.is_some()
            || self.is_checked.is_some()
            || self.overlap.is_some()
            || self.has_content()
            || self.max_attempts.is_some()
            || self.backoff.is_some()
    }

    /// Whether anything of what the task says of itself is to change.
    pub fn has_content(&self) -> bool {
        self.title.is_some()
            || self.description.is_some()
            || self.params.is_some()
            || self.domain.is_some()
            || self.drift_score.is_some()
            || self.metadata.is_some()
            || self.channel.is_some()
    }

    /// What the task is to say of itself from then on, without what is cleared.
    pub fn content(&self) -> TaskContent<'_> {
        TaskContent {
            title: self.title.as_ref().and_then(Option::as_deref),
            description: self.description.as_ref().and_then(Option::as_deref),
            params: self.params.flatten(),
            domain: self.domain.as_ref().and_then(Option::as_deref),
            drift_score: self.drift_score.flatten(),
            metadata: self.metadata.flatten(),
            channel: self.channel.as_ref().and_then(Option::as_deref),
        }
    }

    /// Whether ng_state will be in the seed form; None if it stays as it is.
    pub fn has_seed_state(&self) -> Option<bool> {
        self.ng_state.map(|state| seed_of(state.get()).is_some())
    }

    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let mut patch: Self = parse_patch(text, &Self::FIXED)?;
        if let Some(Some(segment_type)) = &patch.segment_type {
            check_name("data.segment_type", segment_type)?;
        }
        let users = [
            ("data.assigned_user_id", patch.assigned_user_id.iter().flatten().next()),
            ("data.completed_user_id", patch.completed_user_id.as_ref()),
        ];
        for (argument, user) in users {
            user.filter(|user| !user.is_empty()).map_or(Ok(()), |user| check_name(argument, user))?;
        }
        if let Some(priority) = patch.priority {
            priority.check(format_args!("data"))?;
        }
        patch.overlap.map_or(Ok(()), |overlap| check_overlap("data.overlap", overlap))?;
        patch.content().check(format_args!("data"))?;
        let attempts = patch.max_attempts.flatten();
        attempts.map_or(Ok(()), |attempts| check_max_attempts("data.max_attempts", attempts))?;
        patch.backoff.flatten().map(|backoff| Backoff::parse("data.backoff", backoff.get())).transpose()?;
        if let Some(found) = seed_id(format_args!("data"), patch.segment_seed_id.flatten(), patch.extra_data.flatten())?
        {
            patch.segment_seed_id = Some(Some(found));
        }
        Ok(patch)
    }
}

fn yes() -> bool {
    true
}

fn or_yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Option::deserialize(deserializer).map(|given| given.unwrap_or(true))
}

fn conversations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NewConversation>, D::Error> {
    let given: Option<Vec<Object<NewConversation>>> = Option::deserialize(deserializer)?;
    Ok(given.unwrap_or_default().into_iter().map(|Object(conversation)| conversation).collect())
}

/// A state may be any JSON but null, which by itself would be taken as JSON like any other.
fn present_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    match Option::deserialize(deserializer)? {
        Some(state) => Ok(Some(state)),
        None => Err(D::Error::invalid_type(Unexpected::Unit, &"a neuroglancer state")),
    }
}

/// The refusal of an agent that is not the assigned user, whose other name that is.
pub fn two_users(argument: impl fmt::Display, agent: &str, assigned: &str) -> Invalid {
    Invalid(format!("{argument}.agent is {agent}, but {argument}.assigned_user_id is {assigned}"))
}

/// How many users may be asked to work on one task.
pub fn check_overlap(argument: impl fmt::Display, overlap: i16) -> Result<(), Invalid> {
    match overlap {
        1..=100 => Ok(()),
        _ => Err(Invalid(format!("{argument} must be from 1 to 100, found {overlap}"))),
    }
}

/// The seed id given by itself, or the one in extra_data; both must agree.
fn seed_id(
    argument: fmt::Arguments,
    given: Option<SeedId>,
    extra_data: Option<&RawValue>,
) -> Result<Option<SeedId>, Invalid> {
    #[derive(Deserialize)]
    struct ExtraData {
        seed_id: Option<SeedId>,
    }
    let Some(text) = extra_data.map(RawValue::get).filter(|text| text.starts_with('{') && text.contains("seed_id"))
    else {
        return Ok(given);
    };
    let found = parse::<ExtraData>(&format!("{argument}.extra_data"), text)?.seed_id;
    match (given, found) {
        (Some(SeedId(given)), Some(SeedId(found))) if given != found => {
            Err(Invalid(format!("{argument}.segment_seed_id is {given}, but {argument}.extra_data.seed_id is {found}")))
        }
        _ => Ok(given.or(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(text: &str) -> String {
        NewTask::parse(text).unwrap_err().0
    }

    #[test]
    fn only_the_type_is_required() {
        let task = NewTask::parse(r#"{"task_type": "trace_v0"}"#).unwrap();
        assert!(task.is_active && task.task_id.is_none() && task.ng_state.is_none());
        assert_eq!(refusal("{}"), "data: missing field `task_type`");
    }

    #[test]
    fn seed_id_comes_from_extra_data() {
        let task = NewTask::parse(r#"{"task_type": "t", "extra_data": {"seed_id": 18446744073709551615}}"#).unwrap();
        assert_eq!(task.segment_seed_id, Some(SeedId(u64::MAX)));
        assert!(refusal(r#"{"task_type": "t", "extra_data": {"seed_id": "12x"}}"#).contains("12x"));
        assert!(refusal(r#"{"task_type": "t", "extra_data": {"seed_id": -1}}"#).starts_with("data.extra_data.seed_id"));
        assert!(refusal(r#"{"task_type": "t", "extra_data": {"seed_id": 1}, "segment_seed_id": 2}"#).contains("is 2"));
    }

    #[test]
    fn booleans_are_not_numbers() {
        assert!(refusal(r#"{"task_type": "t", "priority": true}"#).starts_with("data.priority: invalid type"));
        assert!(refusal(r#"{"task_type": "t", "extra_data": {"seed_id": true}}"#).contains("an integer between"));
    }

    #[test]
    fn an_agent_is_the_assigned_user() {
        for text in
            [r#""agent": "a""#, r#""agent": "a", "assigned_user_id": "a""#, r#""agent": "", "assigned_user_id": "a""#]
        {
            let text = format!(r#"{{"task_type": "t", {text}}}"#);
            assert_eq!(NewTask::parse(&text).unwrap().assigned_user_id, "a");
        }
        let refused = refusal(r#"{"task_type": "t", "agent": "a", "assigned_user_id": "b"}"#);
        assert_eq!(refused, "data.agent is a, but data.assigned_user_id is b");
    }

    #[test]
    fn what_a_task_says_of_itself_is_checked() {
        for (key, value) in [("title", "\"\""), ("drift_score", "2"), ("params", "[]"), ("channel", "\"\"")] {
            assert!(refusal(&format!(r#"{{"task_type": "t", "{key}": {value}}}"#)).starts_with(&format!("data.{key}")));
            let patch = TaskPatch::parse(&format!(r#"{{"{key}": {value}}}"#)).unwrap_err();
            assert!(patch.0.starts_with(&format!("data.{key}")));
        }
    }

    #[test]
    fn states_must_be_consistent() {
        let inactive = r#"{"task_type": "t", "is_active": false, "completion_status": "Done"}"#;
        assert!(refusal(inactive).starts_with("Inactive task cannot have completion status"));
        let nobody = r#"{"task_type": "t", "completion_status": "Done"}"#;
        assert!(refusal(nobody).starts_with("Completed task must have completed_user_id"));
        let shared = r#"{"task_type": "t", "active_user_id": "u", "overlap": 2}"#;
        assert!(refusal(shared).starts_with("Task with an overlap cannot have active user"));
    }

    #[test]
    fn an_overlap_is_from_1_to_100() {
        for overlap in [0, 101, -1] {
            let text = format!(r#"{{"task_type": "t", "overlap": {overlap}}}"#);
            assert_eq!(refusal(&text), format!("data.overlap must be from 1 to 100, found {overlap}"));
            assert!(TaskPatch::parse(&format!(r#"{{"overlap": {overlap}}}"#)).is_err());
        }
        assert_eq!(NewTask::parse(r#"{"task_type": "t", "overlap": 100}"#).unwrap().overlap, Some(100));
    }

    #[test]
    fn an_update_cannot_clear_what_a_task_must_have() {
        for key in [
            "task_type",
            "priority",
            "batch_id",
            "ng_state",
            "ng_state_initial",
            "is_active",
            "is_paused",
            "is_checked",
            "completion_status",
            "completed_user_id",
            "overlap",
        ] {
            let error = TaskPatch::parse(&format!(r#"{{"{key}": null}}"#)).unwrap_err();
            assert!(error.0.starts_with(&format!("data.{key}: invalid type: null, expected")), "{error}");
        }
        let clearable = [
            "extra_data",
            "note",
            "segment_type",
            "segment_seed_id",
            "assigned_user_id",
            "title",
            "description",
            "params",
            "domain",
            "drift_score",
            "metadata",
            "channel",
            "run_after",
            "max_attempts",
            "backoff",
        ];
        for key in clearable {
            TaskPatch::parse(&format!(r#"{{"{key}": null}}"#)).unwrap();
        }
    }

    #[test]
    fn hold_and_run_immediately_are_one_thing() {
        let is_on_hold = |text: &str| NewTask::parse(text).unwrap().is_on_hold();
        assert!(is_on_hold(r#"{"task_type": "t", "run_immediately": false}"#));
        assert!(is_on_hold(r#"{"task_type": "t", "hold": true}"#));
        assert!(!is_on_hold(r#"{"task_type": "t"}"#) && !is_on_hold(r#"{"task_type": "t", "run_immediately": true}"#));
        let both = r#"{"task_type": "t", "hold": true, "run_immediately": true}"#;
        assert_eq!(refusal(both), "data.hold and data.run_immediately contradict each other");
        let held = r#"{"task_type": "t", "active_user_id": "u", "hold": true}"#;
        assert!(refusal(held).starts_with("Task with active user or completion status cannot be on hold"));
    }

    #[test]
    fn what_comes_later_is_checked_at_once() {
        assert!(refusal(r#"{"task_type": "t", "ttl_seconds": 0}"#).starts_with("data.ttl_seconds must be above 0"));
        assert!(
            refusal(r#"{"task_type": "t", "max_attempts": 0}"#).starts_with("data.max_attempts must be at least 1")
        );
        assert!(refusal(r#"{"task_type": "t", "backoff": {"factor": 0}}"#).starts_with("data.backoff.factor must be"));
        assert!(
            refusal(r#"{"task_type": "t", "on_duplicate": "x"}"#).starts_with("data.on_duplicate: unknown variant")
        );
        assert!(refusal(r#"{"task_type": "t", "run_after": "soon"}"#).contains("is not a time such as"));
    }

    #[test]
    fn null_is_as_if_absent_in_a_new_task() {
        let keys = [
            "task_id",
            "priority",
            "batch_id",
            "ng_state",
            "ng_state_initial",
            "extra_data",
            "note",
            "segment_type",
            "segment_seed_id",
            "assigned_user_id",
            "active_user_id",
            "completed_user_id",
            "completion_status",
            "last_leased_ts",
            "first_start_ts",
            "is_active",
            "is_paused",
            "is_checked",
            "overlap",
            "title",
            "description",
            "params",
            "domain",
            "drift_score",
            "metadata",
            "channel",
            "agent",
            "run_immediately",
            "hold",
            "run_after",
            "ttl_seconds",
            "unique_key",
            "on_duplicate",
            "max_attempts",
            "backoff",
            "conversations",
        ];
        let nulls: String = keys.iter().map(|key| format!(r#", "{key}": null"#)).collect();
        let text = format!(r#"{{"task_type": "t"{nulls}}}"#);
        let task = NewTask::parse(&text).unwrap();
        let plain = NewTask::parse(r#"{"task_type": "t"}"#).unwrap();
        assert_eq!(format!("{task:?}"), format!("{plain:?}"));
    }

    #[test]
    fn the_bad_one_of_many_is_named() {
        let error = NewTask::parse_all(r#"[{"task_type": "t"}, {"task_type": "t", "task_id": ""}]"#).unwrap_err();
        assert_eq!(error.0, "data[1].task_id must not be empty");
    }

    proptest! {
        #[test]
        fn every_unsigned_id_survives(id: u64) {
            for text in [format!("{id}"), format!("\"{id}\"")] {
                let task = format!(r#"{{"task_type": "t", "segment_seed_id": {text}}}"#);
                prop_assert_eq!(NewTask::parse(&task).unwrap().segment_seed_id, Some(SeedId(id)));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = NewTask::parse(&text);
            let _ = NewTask::parse_all(&text);
            let _ = TaskPatch::parse(&text);
        }
    }
}
