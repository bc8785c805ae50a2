//! Whether a task of a standard annotation type may be completed, by the state that was saved last. The messages are those that
//! the annotation reference pins in sections 15.3 and 15.6.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::layers::{BREADCRUMBS, CERTAIN_ENDS, ROOT_LOCATION, SEED_LOCATION, SEGMENTATION, UNCERTAIN_ENDS};
use super::saved::SavedState;
use crate::arguments::{Object, present};
use crate::handlers::Verdict;
use crate::task_types::STANDARD_TASK_TYPES;

/// A task that somebody wants to complete.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    pub ng_state: &'a str,
    pub completion_status: &'a str,
    pub extra_data: Option<&'a str>,
}

/// The verdict on a task of type trace_v0 that is not faulty.
pub fn verify_trace(completion: Completion) -> Verdict {
    trace(completion).into()
}

/// The verdict on a task of type trace_feedback_v0 that is not faulty.
pub fn verify_feedback(completion: Completion) -> Verdict {
    feedback(completion).into()
}

/// The verdict on a faulty task of either type, whatever its state.
pub fn verify_faulty() -> Verdict {
    Ok("Task marked as faulty - skipping validation".into()).into()
}

/// The verdict on a task of a standard type whose state says nothing: the status is one of the type's own.
pub fn verify_status(task_type: &str, status: &str) -> Verdict {
    let standard = STANDARD_TASK_TYPES.iter().find(|standard| standard.task_type == task_type);
    match standard.is_some_and(|standard| standard.completion_statuses.contains(&status)) {
        true => Ok(format!("Task marked as {status}")).into(),
        false => Err(format!("Invalid completion status for {task_type}: {status}")).into(),
    }
}

fn trace(completion: Completion) -> Result<String, String> {
    let state = SavedState::read(completion.ng_state);
    require_layers(&state)?;
    let visible = state.layer(SEGMENTATION).map_or(0, |layer| layer.visible_segments().count());
    if visible != 1 {
        return Err(format!("Segmentation layer must have exactly 1 visible segment, found {visible}"));
    }
    match completion.completion_status {
        "Done" => done(&state),
        "Can't Continue" => match count(&state, UNCERTAIN_ENDS) {
            0 => Err("Status 'cant_continue' requires at least 1 uncertain end, found 0".into()),
            ends => Ok(format!("Task marked as cant_continue with {ends} uncertain ends")),
        },
        status @ ("Merger" | "Wrong Cell Type") => Ok(format!("Task marked as {status}")),
        status => Err(format!("Invalid completion status for trace_v0: {status}")),
    }
}

fn done(state: &SavedState) -> Result<String, String> {
    if state.layer(ROOT_LOCATION).is_none() {
        return Err("Status 'done' requires Root Location layer".into());
    }
    let roots = count(state, ROOT_LOCATION);
    if roots != 1 {
        return Err(format!("Root Location must have exactly 1 annotation, found {roots}"));
    }
    match count(state, CERTAIN_ENDS) {
        0 | 1 => Err("Insufficient certain end count for a complete neuron".into()),
        ends => Ok(format!("Task completed with {ends} certain ends")),
    }
}

fn feedback(completion: Completion) -> Result<String, String> {
    require_layers(&SavedState::read(completion.ng_state))?;
    if !completion.names_original() {
        return Err("Feedback task must reference original task_id in extra_data".into());
    }
    Ok(format!("Feedback task validated for status '{}'", completion.completion_status))
}

impl Completion<'_> {
    fn names_original(&self) -> bool {
        #[derive(Deserialize)]
        struct ExtraData {
            #[serde(default, deserialize_with = "present")]
            original_task_id: Option<IgnoredAny>,
        }
        let parse = |text| serde_json::from_str::<Object<ExtraData>>(text).ok();
        self.extra_data.and_then(parse).is_some_and(|Object(data)| data.original_task_id.is_some())
    }
}

fn require_layers(state: &SavedState) -> Result<(), String> {
    let required = [SEGMENTATION, BREADCRUMBS, CERTAIN_ENDS, UNCERTAIN_ENDS, SEED_LOCATION];
    let missing: Vec<&str> = required.into_iter().filter(|name| state.layer(name).is_none()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("Missing required layers: {}", missing.join(", "))),
    }
}

fn count(state: &SavedState, layer: &str) -> usize {
    state.layer(layer).map_or(0, |layer| layer.annotations.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuroglancer::{Project, Segment, Shown, State, link};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn judge(
        rules: fn(Completion) -> Verdict,
        state: &Value,
        completion_status: &str,
        extra_data: Option<&str>,
    ) -> (bool, String) {
        let ng_state = &state.to_string();
        told(rules(Completion { ng_state, completion_status, extra_data }))
    }

    fn trace(state: &Value, status: &str) -> (bool, String) {
        judge(verify_trace, state, status, None)
    }

    fn feedback(state: &Value, status: &str, extra_data: Option<&str>) -> (bool, String) {
        judge(verify_feedback, state, status, extra_data)
    }

    fn told(verdict: Verdict) -> (bool, String) {
        (verdict.passed, verdict.message)
    }

    fn passed(message: &str) -> (bool, String) {
        (true, message.into())
    }

    fn failed(message: &str) -> (bool, String) {
        (false, message.into())
    }

    /// The state that a task begins with, with so many annotations.
    fn state(root: bool, certain: usize, uncertain: usize) -> Value {
        let project = Project::new("p".into(), [4.0, 4.0, 40.0], "seg".into(), None).unwrap();
        let segment = Segment {
            root: root.then_some([1.0; 3]),
            current_segment_id: Some(7),
            certain_ends: vec![[1.0; 3]; certain],
            uncertain_ends: vec![[1.0; 3]; uncertain],
            ..Segment::default()
        };
        let state = State::of_segment(&project, &segment, &Shown::EVERYTHING);
        serde_json::from_str(&link::json(&state).unwrap()).unwrap()
    }

    fn layer<'v>(state: &'v mut Value, name: &str) -> &'v mut Value {
        state["layers"].as_array_mut().unwrap().iter_mut().find(|layer| layer["name"] == name).unwrap()
    }

    fn without(mut state: Value, names: &[&str]) -> Value {
        let layers = state["layers"].as_array_mut().unwrap();
        layers.retain(|layer| !names.iter().any(|name| layer["name"] == *name));
        state
    }

    #[test]
    fn a_complete_trace_passes() {
        assert_eq!(trace(&state(true, 2, 0), "Done"), passed("Task completed with 2 certain ends"));
        assert_eq!(
            trace(&state(false, 0, 3), "Can't Continue"),
            passed("Task marked as cant_continue with 3 uncertain ends")
        );
        assert_eq!(trace(&state(false, 0, 0), "Merger"), passed("Task marked as Merger"));
        assert_eq!(trace(&state(false, 0, 0), "Wrong Cell Type"), passed("Task marked as Wrong Cell Type"));
    }

    #[test]
    fn missing_layers_are_named_in_their_order() {
        let missing =
            failed("Missing required layers: Segmentation, Breadcrumbs, Certain Ends, Uncertain Ends, Seed Location");
        for nothing in [json!({}), json!(null), json!({"layers": 5}), json!({"layers": ["Segmentation"]})] {
            assert_eq!(trace(&nothing, "Done"), missing);
            assert_eq!(feedback(&nothing, "Fair", Some(r#"{"original_task_id": "t"}"#)), missing);
        }
        let some = without(state(true, 2, 1), &[SEED_LOCATION, BREADCRUMBS, ROOT_LOCATION]);
        assert_eq!(trace(&some, "Merger"), failed("Missing required layers: Breadcrumbs, Seed Location"));
    }

    #[test]
    fn exactly_one_segment_must_be_visible() {
        for (segments, number) in
            [(json!([]), 0), (json!(["!7"]), 0), (json!([7]), 0), (json!("7"), 0), (json!(["7", "8", "!9"]), 2)]
        {
            let mut state = state(true, 2, 0);
            layer(&mut state, SEGMENTATION)["segments"] = segments;
            let message = format!("Segmentation layer must have exactly 1 visible segment, found {number}");
            assert_eq!(trace(&state, "Done"), failed(&message));
            let verdict = feedback(&state, "Fair", Some(r#"{"original_task_id": "t"}"#));
            assert_eq!(verdict, passed("Feedback task validated for status 'Fair'"));
        }
    }

    #[test]
    fn done_needs_one_root_and_two_ends() {
        let no_layer = without(state(true, 2, 0), &[ROOT_LOCATION]);
        assert_eq!(trace(&no_layer, "Done"), failed("Status 'done' requires Root Location layer"));
        assert_eq!(trace(&state(false, 2, 0), "Done"), failed("Root Location must have exactly 1 annotation, found 0"));
        let mut two = state(true, 2, 0);
        layer(&mut two, ROOT_LOCATION)["annotations"] = json!([1, 2]);
        assert_eq!(trace(&two, "Done"), failed("Root Location must have exactly 1 annotation, found 2"));
        assert_eq!(trace(&state(true, 1, 5), "Done"), failed("Insufficient certain end count for a complete neuron"));
    }

    #[test]
    fn who_cannot_continue_shows_where() {
        assert_eq!(
            trace(&state(true, 5, 0), "Can't Continue"),
            failed("Status 'cant_continue' requires at least 1 uncertain end, found 0")
        );
    }

    #[test]
    fn an_unknown_status_is_refused() {
        for status in ["", "done", "Perfect"] {
            let message = format!("Invalid completion status for trace_v0: {status}");
            assert_eq!(trace(&state(true, 2, 1), status), failed(&message));
        }
    }

    #[test]
    fn feedback_is_about_a_task() {
        let missing = failed("Feedback task must reference original task_id in extra_data");
        let state = state(false, 0, 0);
        for extra_data in
            [None, Some("null"), Some("{}"), Some(r#"["original_task_id"]"#), Some(r#""original_task_id""#)]
        {
            assert_eq!(feedback(&state, "Perfect", extra_data), missing);
        }
        let verdict = feedback(&state, "Perfect", Some(r#"{"original_task_id": null}"#));
        assert_eq!(verdict, passed("Feedback task validated for status 'Perfect'"));
    }

    #[test]
    fn workers_results_are_judged_by_their_status() {
        let judge = |task_type, status| told(verify_status(task_type, status));
        assert_eq!(judge("trace_postprocess_v0", "Done"), passed("Task marked as Done"));
        assert_eq!(
            judge("trace_postprocess_v0", "Proofread"),
            failed("Invalid completion status for trace_postprocess_v0: Proofread")
        );
        for status in ["pass", "fail"] {
            let message = format!("Task marked as {status}");
            assert_eq!(judge("segmentation_verification_v0", status), passed(&message));
        }
        assert_eq!(
            judge("segmentation_verification_v0", "Done"),
            failed("Invalid completion status for segmentation_verification_v0: Done")
        );
        assert_eq!(judge("other", "Done"), failed("Invalid completion status for other: Done"));
    }

    proptest! {
        #[test]
        fn a_trace_is_done_if_and_only_if_it_has_its_root_and_ends(root: bool, certain in 0..5usize, uncertain in 0..3usize) {
            let state = state(root, certain, uncertain);
            prop_assert_eq!(trace(&state, "Done").0, root && certain >= 2);
            prop_assert_eq!(trace(&state, "Can't Continue").0, uncertain >= 1);
            prop_assert!(trace(&state, "Merger").0);
        }

        #[test]
        fn no_text_makes_it_panic(ng_state: String, status: String, extra_data: Option<String>) {
            for rules in [verify_trace, verify_feedback] {
                let extra_data = extra_data.as_deref();
                let verdict = rules(Completion { ng_state: &ng_state, completion_status: &status, extra_data });
                prop_assert!(!verdict.message.is_empty());
            }
            prop_assert!(!verify_status(&status, &ng_state).message.is_empty());
        }
    }
}
