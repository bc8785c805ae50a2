//! What the handlers of the standard task types decide without a database: the options that they understand, the tasks that
//! they create, and what a completed trace says of its segment.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::arguments::{Invalid, MAX_NAME_CHARS, check_name, parse, parse_object, present};
use crate::endpoints::{EndpointStatus, GivenEndpoint};
use crate::neuroglancer::Point;
use crate::neuroglancer::extraction::Trace;
use crate::priorities::Priority;
use crate::segments::SegmentStatus;
use crate::tasks::SeedId;

/// The status that says that a task could not be judged at all; nothing follows from it.
pub const FAULTY_TASK: &str = "Faulty Task";

/// The `options` of `add_segment_task` for trace_v0; null is as if absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceOptions<'a> {
    priority: Option<Priority>,
    batch_id: Option<String>,
    is_paused: Option<bool>,
    assigned_user_id: Option<String>,
    #[serde(borrow)]
    ng_state: Option<&'a RawValue>,
    #[serde(borrow)]
    ng_state_initial: Option<&'a RawValue>,
}

/// The `options` of `add_segment_task` for trace_feedback_v0.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedbackOptions {
    #[serde(rename = "task_id")]
    original: Option<String>,
    priority: Option<Priority>,
    batch_id: Option<String>,
    is_paused: Option<bool>,
    assigned_user_id: Option<String>,
}

/// The `filters` of `create_trace_tasks`: an absent key filters nothing, null asks for segments without a value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulkFilters {
    #[serde(deserialize_with = "present")]
    pub expected_segment_type: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub status: Option<SegmentStatus>,
    #[serde(deserialize_with = "present")]
    pub batch: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub seed_ids: Option<Vec<SeedId>>,
}

/// The `options` of `create_trace_tasks`; null is as if absent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulkOptions {
    task_type: Option<String>,
    priority: Option<Priority>,
    batch_id: Option<String>,
    is_paused: Option<bool>,
    skip_existing_tasks: Option<bool>,
    dry_run: Option<bool>,
}

/// A task as `create_task` takes it.
#[derive(Default, Serialize)]
struct TaskData<'a> {
    task_id: String,
    task_type: &'a str,
    priority: i32,
    batch_id: &'a str,
    is_paused: bool,
    assigned_user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ng_state: Option<State<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ng_state_initial: Option<State<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_seed_id: Option<Value>,
    extra_data: Value,
}

/// A state, or the seed that stands for one until the task is started.
#[derive(Serialize)]
#[serde(untagged)]
enum State<'a> {
    Given(&'a RawValue),
    OfSeed { seed_id: Value },
}

impl<'a> TraceOptions<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let options: Self = parse_object("options", text)?;
        check(options.priority, options.assigned_user_id.as_deref())?;
        Ok(options)
    }

    /// The `data` of the task for a seed; the number makes its id unique.
    pub fn task(&self, seed: u64, number: i64) -> Result<String, Invalid> {
        let state = |given: Option<&'a RawValue>| Some(given.map_or_else(|| State::of(seed), State::Given));
        text(&TaskData {
            priority: self.priority.unwrap_or(Priority::DEFAULT).0,
            batch_id: self.batch_id.as_deref().unwrap_or("default"),
            is_paused: self.is_paused.unwrap_or(false),
            assigned_user_id: self.assigned_user_id.as_deref().unwrap_or_default(),
            ng_state: state(self.ng_state),
            ng_state_initial: state(self.ng_state_initial),
            ..TaskData::trace(seed, number)
        })
    }
}

impl FeedbackOptions {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let options: Self = parse_object("options", text)?;
        options.original()?;
        check(options.priority, options.assigned_user_id.as_deref())?;
        Ok(options)
    }

    /// The id of the task that the feedback is to be about.
    pub fn original(&self) -> Result<&str, Invalid> {
        self.original.as_deref().ok_or_else(|| Invalid("trace_feedback_v0 requires 'task_id' in kwargs".into()))
    }

    /// The `data` of the task; the number makes its id unique.
    pub fn task(&self, seed: u64, number: i64) -> Result<String, Invalid> {
        let original = self.original()?;
        let task = TaskData::feedback(task_id("feedback", original, number), original);
        text(&TaskData {
            priority: self.priority.unwrap_or(Priority(40)).0,
            batch_id: self.batch_id.as_deref().unwrap_or(task.batch_id),
            is_paused: self.is_paused.unwrap_or(false),
            assigned_user_id: self.assigned_user_id.as_deref().unwrap_or_default(),
            ng_state: Some(State::of(seed)),
            ..task
        })
    }
}

impl BulkFilters {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let filters: Self = parse_object("filters", text)?;
        let is_empty = filters.expected_segment_type.is_none()
            && filters.status.is_none()
            && filters.batch.is_none()
            && filters.seed_ids.is_none();
        match is_empty {
            true => Err(Invalid(
                "filters must name at least one of expected_segment_type, status, batch and seed_ids".into(),
            )),
            false => Ok(filters),
        }
    }
}

impl BulkOptions {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let options: Self = parse_object("options", text)?;
        check_name("options.task_type", options.task_type())?;
        check(options.priority, None)?;
        Ok(options)
    }

    pub fn task_type(&self) -> &str {
        self.task_type.as_deref().unwrap_or("trace_v0")
    }

    pub fn skips_existing(&self) -> bool {
        self.skip_existing_tasks.unwrap_or(true)
    }

    pub fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or(false)
    }

    /// The `data` of a task for each seed; the numbers make their ids unique.
    pub fn tasks(&self, seeds: &[u64], numbers: &[i64]) -> Result<String, Invalid> {
        let task = |(seed, number): (&u64, &i64)| TaskData {
            task_type: self.task_type(),
            priority: self.priority.unwrap_or(Priority::DEFAULT).0,
            batch_id: self.batch_id.as_deref().unwrap_or("trace_tasks"),
            is_paused: self.is_paused.unwrap_or(false),
            ..TaskData::trace(*seed, *number)
        };
        text(&seeds.iter().zip(numbers).map(task).collect::<Vec<_>>())
    }
}

impl TaskData<'_> {
    /// A trace of the segment with this seed, from which it begins.
    fn trace(seed: u64, number: i64) -> Self {
        Self {
            task_id: task_id("trace", &seed.to_string(), number),
            task_type: "trace_v0",
            ng_state: Some(State::of(seed)),
            ng_state_initial: Some(State::of(seed)),
            segment_seed_id: Some(SeedId(seed).as_json()),
            extra_data: json!({ "seed_id": SeedId(seed).as_json() }),
            ..Self::default()
        }
    }

    /// It names no seed, so that who reviews need not be qualified for the segment.
    fn feedback(task_id: String, original: &str) -> Self {
        Self {
            task_id,
            task_type: "trace_feedback_v0",
            batch_id: "feedback",
            extra_data: json!({ "original_task_id": original }),
            ..Self::default()
        }
    }
}

impl State<'_> {
    fn of(seed: u64) -> Self {
        Self::OfSeed { seed_id: SeedId(seed).as_json() }
    }
}

/// A trace that is to be reviewed.
pub struct Reviewed<'a> {
    pub task_id: &'a str,
    pub user_id: &'a str,
    pub completion_status: &'a str,
    /// What the review begins with.
    pub ng_state: &'a str,
}

impl Reviewed<'_> {
    /// The `data` of the review.
    pub fn feedback(&self, task_id: String) -> Result<String, Invalid> {
        text(&TaskData {
            priority: 70,
            ng_state: Some(State::Given(parse("ng_state", self.ng_state)?)),
            extra_data: json!({
                "original_task_id": self.task_id,
                "original_user": self.user_id,
                "original_completion_status": self.completion_status,
            }),
            ..TaskData::feedback(task_id, self.task_id)
        })
    }
}

/// The `data` of the task that post-processes a trace.
pub fn postprocess(task_id: String, original: &str) -> Result<String, Invalid> {
    text(&TaskData {
        task_id,
        task_type: "trace_postprocess_v0",
        priority: 10,
        batch_id: "postprocess",
        extra_data: json!({ "original_task_id": original }),
        ..TaskData::default()
    })
}

/// What a trace that was completed with this status makes of its segment; None for a status that is not trace_v0's own.
pub fn segment_status(completion_status: &str) -> Option<SegmentStatus> {
    match completion_status {
        "Done" | "Can't Continue" => Some(SegmentStatus::Proofread),
        "Merger" | "Wrong Cell Type" => Some(SegmentStatus::WrongType),
        _ => None,
    }
}

/// The ends and marks of a trace as endpoints of its segment.
pub fn endpoints(trace: &Trace) -> Vec<GivenEndpoint> {
    let kinds = [
        (&trace.certain_ends, EndpointStatus::Certain),
        (&trace.uncertain_ends, EndpointStatus::Uncertain),
        (&trace.breadcrumbs, EndpointStatus::Breadcrumb),
    ];
    let given = |(points, status): (&Vec<Point>, EndpointStatus)| {
        points.iter().map(|&[x, y, z]| GivenEndpoint { x, y, z, status }).collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(given).collect()
}

/// The id of a task that is about something: of a long name only the beginning is kept, so that the id is a valid name.
pub fn task_id(prefix: &str, about: &str, number: i64) -> String {
    let number = number.to_string();
    let room = MAX_NAME_CHARS.saturating_sub(prefix.len() + number.len() + 2);
    let about: String = about.chars().take(room).collect();
    format!("{prefix}_{about}_{number}")
}

/// A value without a map whose keys are no text has a text.
fn text(data: &impl Serialize) -> Result<String, Invalid> {
    serde_json::to_string(data).map_err(|error| Invalid(error.to_string()))
}

fn check(priority: Option<Priority>, assigned_user_id: Option<&str>) -> Result<(), Invalid> {
    priority.map_or(Ok(()), |priority| priority.check(format_args!("options")))?;
    let user = assigned_user_id.filter(|user| !user.is_empty());
    user.map_or(Ok(()), |user| check_name("options.assigned_user_id", user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::NewTask;
    use proptest::prelude::*;

    #[test]
    fn a_trace_task_begins_with_its_seed() {
        let data = TraceOptions::parse("{}").unwrap().task(7, 5).unwrap();
        let task = NewTask::parse(&data).unwrap();
        assert_eq!(task.task_id.as_deref(), Some("trace_7_5"));
        assert_eq!(
            (&*task.task_type, task.priority, task.batch_id.as_str()),
            ("trace_v0", Some(Priority(50)), "default")
        );
        assert_eq!(task.segment_seed_id, Some(SeedId(7)));
        assert_eq!(task.ng_state.unwrap().get(), r#"{"seed_id":7}"#);
        assert_eq!(task.ng_state_initial.unwrap().get(), r#"{"seed_id":7}"#);
        assert_eq!(task.extra_data.unwrap().get(), r#"{"seed_id":7}"#);
    }

    #[test]
    fn a_trace_task_is_as_its_options_say() {
        let options = r#"{"priority": 7, "batch_id": "b", "is_paused": true, "assigned_user_id": "u",
            "ng_state": {"x": 0.12345678901234567890}, "ng_state_initial": null}"#;
        let data = TraceOptions::parse(options).unwrap().task(u64::MAX, 5).unwrap();
        let task = NewTask::parse(&data).unwrap();
        assert_eq!((task.priority, task.batch_id.as_str(), task.is_paused), (Some(Priority(7)), "b", true));
        assert_eq!(task.assigned_user_id, "u");
        assert_eq!(task.ng_state.unwrap().get(), r#"{"x": 0.12345678901234567890}"#);
        assert_eq!(task.ng_state_initial.unwrap().get(), r#"{"seed_id":"18446744073709551615"}"#);
        assert_eq!(task.segment_seed_id, Some(SeedId(u64::MAX)));
    }

    #[test]
    fn unknown_and_bad_options_are_named() {
        let refusal = |text| TraceOptions::parse(text).unwrap_err().0;
        assert!(refusal(r#"{"prioirty": 1}"#).starts_with("options.prioirty: unknown field"));
        assert!(refusal(r#"{"priority": -2147483648}"#).starts_with("options.priority must be"));
        assert_eq!(refusal("[]"), "options: invalid type: array, expected an object");
        assert!(BulkOptions::parse(r#"{"task_type": ""}"#).unwrap_err().0.contains("must not be empty"));
    }

    #[test]
    fn a_feedback_task_is_about_another() {
        let error = FeedbackOptions::parse("{}").unwrap_err();
        assert_eq!(error.0, "trace_feedback_v0 requires 'task_id' in kwargs");
        let data = FeedbackOptions::parse(r#"{"task_id": "t"}"#).unwrap().task(7, 5).unwrap();
        let task = NewTask::parse(&data).unwrap();
        assert_eq!(task.task_id.as_deref(), Some("feedback_t_5"));
        assert_eq!(
            (task.priority, task.batch_id.as_str(), task.segment_seed_id),
            (Some(Priority(40)), "feedback", None)
        );
        assert_eq!(task.extra_data.unwrap().get(), r#"{"original_task_id":"t"}"#);
    }

    #[test]
    fn a_review_begins_with_the_state_of_its_trace() {
        let ng_state = r#"{"x": 0.12345678901234567890}"#;
        let trace = Reviewed { task_id: "t", user_id: "u", completion_status: "Done", ng_state };
        let data = trace.feedback("f".into()).unwrap();
        let task = NewTask::parse(&data).unwrap();
        assert_eq!((task.task_id.as_deref(), &*task.task_type), (Some("f"), "trace_feedback_v0"));
        assert_eq!((task.priority, task.batch_id.as_str()), (Some(Priority(70)), "feedback"));
        assert_eq!((task.ng_state.unwrap().get(), task.ng_state_initial.is_none()), (ng_state, true));
        let extra_data: Value = serde_json::from_str(task.extra_data.unwrap().get()).unwrap();
        let expected = json!({"original_task_id": "t", "original_user": "u", "original_completion_status": "Done"});
        assert_eq!(extra_data, expected);
    }

    #[test]
    fn a_postprocess_task_has_no_state() {
        let data = postprocess("p".into(), "t").unwrap();
        let task = NewTask::parse(&data).unwrap();
        assert_eq!((task.task_id.as_deref(), &*task.task_type), (Some("p"), "trace_postprocess_v0"));
        assert_eq!(
            (task.priority, task.batch_id.as_str(), task.ng_state.is_none()),
            (Some(Priority(10)), "postprocess", true)
        );
        assert_eq!(task.extra_data.unwrap().get(), r#"{"original_task_id":"t"}"#);
    }

    #[test]
    fn many_tasks_need_a_criterion() {
        assert!(BulkFilters::parse("{}").unwrap_err().0.contains("at least one of"));
        assert_eq!(BulkFilters::parse(r#"{"batch": null}"#).unwrap().batch, Some(None));
        assert!(BulkFilters::parse(r#"{"seed_ids": null}"#).is_err());
        let data = BulkOptions::parse("{}").unwrap().tasks(&[3, u64::MAX], &[8, 9]).unwrap();
        let ids: Vec<String> =
            NewTask::parse_all(&data).unwrap().iter().map(|task| task.task_id.as_deref().unwrap().to_owned()).collect();
        assert_eq!(ids, ["trace_3_8", "trace_18446744073709551615_9"]);
    }

    #[test]
    fn a_completion_says_what_the_segment_is() {
        let found = ["Done", "Can't Continue", "Merger", "Wrong Cell Type", "Own"].map(segment_status);
        let (proofread, wrong) = (Some(SegmentStatus::Proofread), Some(SegmentStatus::WrongType));
        assert_eq!(found, [proofread, proofread, wrong, wrong, None]);
    }

    #[test]
    fn every_kind_of_mark_is_an_endpoint() {
        let trace = Trace {
            certain_ends: vec![[1.0; 3]],
            uncertain_ends: vec![[2.0; 3]],
            breadcrumbs: vec![[3.0; 3], [4.0; 3]],
            ..Trace::default()
        };
        let found: Vec<_> = endpoints(&trace).iter().map(|end| (end.x, end.status.name())).collect();
        assert_eq!(found, [(1.0, "CERTAIN"), (2.0, "UNCERTAIN"), (3.0, "BREADCRUMB"), (4.0, "BREADCRUMB")]);
    }

    proptest! {
        #[test]
        fn ids_are_names_that_end_in_their_number(about in "\\PC{0,300}", number in 0..i64::MAX) {
            let id = task_id("postprocess", &about, number);
            prop_assert!(check_name("id", &id).is_ok());
            let ending = format!("_{number}");
            prop_assert!(id.ends_with(&ending));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = (TraceOptions::parse(&text).is_ok(), FeedbackOptions::parse(&text).is_ok());
            let _ = (BulkFilters::parse(&text).is_ok(), BulkOptions::parse(&text).is_ok());
        }
    }
}
