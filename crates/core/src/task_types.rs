//! What may be said of a task type, and the types that every annotation project has.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::arguments::{
    Invalid, check_name, check_names, check_positive, or_default, parse_object, parse_patch, present,
};
use crate::params_schema::ParamsSchema;
use crate::qualifications::check_level;
use crate::retries::{Backoff, check_duration, check_max_attempts};
use crate::shares::Share;
use crate::task_content::check_object;
use crate::task_presets::TaskPreset;
use crate::tasks::check_overlap;

/// The `data` of `create_task_type`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTaskType {
    pub task_type: String,
    #[serde(default, deserialize_with = "or_default")]
    pub completion_statuses: Vec<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub max_idle_seconds: Option<f64>,
    #[serde(default, deserialize_with = "or_default")]
    pub min_level: i32,
    #[serde(default)]
    pub overlap: Option<i16>,
    #[serde(default)]
    pub golden_percent: Option<Share>,
    #[serde(default)]
    pub golden_min_score_percent: Option<Share>,
    #[serde(default)]
    pub golden_min_answers: Option<i32>,
    #[serde(default)]
    pub lease_seconds: Option<f64>,
    #[serde(default)]
    pub max_attempts: Option<i32>,
    #[serde(default)]
    pub backoff: Option<Value>,
    #[serde(default)]
    pub params_schema: Option<Box<RawValue>>,
    #[serde(default)]
    pub preset: Option<TaskPreset>,
}

/// The `data` of `update_task_type`: an absent key keeps the value, null clears it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskTypePatch {
    #[serde(default, deserialize_with = "present")]
    pub completion_statuses: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    pub description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub max_idle_seconds: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    pub min_level: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present")]
    pub overlap: Option<Option<i16>>,
    #[serde(default, deserialize_with = "present")]
    pub golden_percent: Option<Option<Share>>,
    #[serde(default, deserialize_with = "present")]
    pub golden_min_score_percent: Option<Option<Share>>,
    #[serde(default, deserialize_with = "present")]
    pub golden_min_answers: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present")]
    pub lease_seconds: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    pub max_attempts: Option<Option<i32>>,
    #[serde(default, deserialize_with = "present")]
    pub backoff: Option<Option<Value>>,
    #[serde(default, deserialize_with = "present")]
    pub params_schema: Option<Option<Box<RawValue>>>,
    #[serde(default, deserialize_with = "present")]
    pub preset: Option<Option<TaskPreset>>,
}

/// A type that `add_standard_task_types` sets.
pub struct StandardTaskType {
    pub task_type: &'static str,
    pub completion_statuses: &'static [&'static str],
    pub description: &'static str,
}

/// Source: section 5.3 of the annotation reference, and the type of the workers that verify segmentations.
pub const STANDARD_TASK_TYPES: [StandardTaskType; 4] = [
    StandardTaskType {
        task_type: "trace_v0",
        completion_statuses: &["Done", "Can't Continue", "Merger", "Wrong Cell Type"],
        description: "",
    },
    StandardTaskType {
        task_type: "trace_postprocess_v0",
        completion_statuses: &["Done"],
        description: "Post-process completed trace to update segment statistics",
    },
    StandardTaskType {
        task_type: "trace_feedback_v0",
        completion_statuses: &["Faulty Task", "Accurate", "Inaccurate", "Fair", "Perfect"],
        description: "Verify the results of this completed tracing task",
    },
    StandardTaskType {
        task_type: "segmentation_verification_v0",
        completion_statuses: &["pass", "fail"],
        description: "Verify that a segmentation is correct",
    },
];

impl NewTaskType {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let task_type: Self = parse_object("data", text)?;
        check_name("data.task_type", &task_type.task_type)?;
        check_names("data.completion_statuses", &task_type.completion_statuses)?;
        task_type.max_idle_seconds.map_or(Ok(()), |seconds| check_positive("data.max_idle_seconds", seconds))?;
        check_level("data.min_level", task_type.min_level)?;
        task_type.overlap.map_or(Ok(()), |overlap| check_overlap("data.overlap", overlap))?;
        check_answers(task_type.golden_min_answers)?;
        check_retries(task_type.lease_seconds, task_type.max_attempts, task_type.backoff.as_ref())?;
        check_schema(task_type.params_schema.as_deref())?;
        Ok(task_type)
    }
}

impl TaskTypePatch {
    const FIXED: [(&str, &str); 4] = [
        ("task_type", "a task type keeps its name"),
        ("verification_handler", "register_handler and unregister_handler set it"),
        ("completion_handler", "register_handler and unregister_handler set it"),
        ("creation_handler", "register_handler and unregister_handler set it"),
    ];

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let patch: Self = parse_patch(text, &Self::FIXED)?;
        check_names("data.completion_statuses", patch.completion_statuses.as_deref().unwrap_or_default())?;
        let seconds = patch.max_idle_seconds.flatten();
        seconds.map_or(Ok(()), |seconds| check_positive("data.max_idle_seconds", seconds))?;
        patch.min_level.flatten().map_or(Ok(()), |level| check_level("data.min_level", level))?;
        patch.overlap.flatten().map_or(Ok(()), |overlap| check_overlap("data.overlap", overlap))?;
        check_answers(patch.golden_min_answers.flatten())?;
        let backoff = patch.backoff.as_ref().and_then(Option::as_ref);
        check_retries(patch.lease_seconds.flatten(), patch.max_attempts.flatten(), backoff)?;
        check_schema(patch.params_schema.as_ref().and_then(Option::as_deref))?;
        Ok(patch)
    }
}

fn check_retries(
    lease_seconds: Option<f64>,
    max_attempts: Option<i32>,
    backoff: Option<&Value>,
) -> Result<(), Invalid> {
    lease_seconds.map_or(Ok(()), |seconds| check_duration("data.lease_seconds", seconds))?;
    max_attempts.map_or(Ok(()), |attempts| check_max_attempts("data.max_attempts", attempts))?;
    backoff.map_or(Ok(()), |backoff| Backoff::parse("data.backoff", &backoff.to_string()).map(|_| ()))
}

fn check_schema(schema: Option<&RawValue>) -> Result<(), Invalid> {
    let Some(schema) = schema else { return Ok(()) };
    check_object("data.params_schema", schema)?;
    ParamsSchema::compile("data.params_schema", schema.get()).map(|_| ())
}

fn check_answers(answers: Option<i32>) -> Result<(), Invalid> {
    match answers {
        Some(answers @ ..=0) => Err(Invalid(format!("data.golden_min_answers must be positive, found {answers}"))),
        _ => Ok(()),
    }
}
