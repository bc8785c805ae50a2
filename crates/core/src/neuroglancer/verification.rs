//! Whether a task of a standard annotation type may be completed, by the state that was saved last. The messages are those that
//! the annotation reference pins in sections 15.3 and 15.6.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::layers::{BREADCRUMBS, CERTAIN_ENDS, ROOT_LOCATION, SEED_LOCATION, SEGMENTATION, UNCERTAIN_ENDS};
use super::saved::SavedState;
use crate::arguments::{Object, present};

#[derive(Debug, PartialEq)]
pub struct Verdict {
    pub passed: bool,
    pub message: String,
}

/// A task that somebody wants to complete.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    pub ng_state: &'a str,
    pub completion_status: &'a str,
    pub extra_data: Option<&'a str>,
}

/// The verdict on a task of a standard type; None for any other type.
pub fn verify(task_type: &str, completion: Completion) -> Option<Verdict> {
    let verdict = match task_type {
        "trace_v0" => verify_trace(completion),
        "trace_feedback_v0" => verify_feedback(completion),
        "trace_postprocess_v0" => verify_status(task_type, &["Done"], completion),
        "segmentation_verification_v0" => verify_status(task_type, &["pass", "fail"], completion),
        _ => return None,
    };
    // Both sides are messages; which one it is says whether it passed.
    Some(match verdict {
        Ok(message) => Verdict { passed: true, message },
        Err(message) => Verdict { passed: false, message },
    })
}

fn verify_trace(completion: Completion) -> Result<String, String> {
    if completion.is_faulty() {
        return Ok(FAULTY.into());
    }
    let state = SavedState::read(completion.ng_state);
    require_layers(&state)?;
    let visible = state.layer(SEGMENTATION).map_or(0, |layer| layer.visible_segments().count());
    if visible != 1 {
        return Err(format!("Segmentation layer must have exactly 1 visible segment, found {visible}"));
    }
    match completion.completion_status {
        "Done" => verify_done(&state),
        "Can't Continue" => match count(&state, UNCERTAIN_ENDS) {
            0 => Err("Status 'cant_continue' requires at least 1 uncertain end, found 0".into()),
            ends => Ok(format!("Task marked as cant_continue with {ends} uncertain ends")),
        },
        status @ ("Merger" | "Wrong Cell Type") => Ok(format!("Task marked as {status}")),
        status => Err(format!("Invalid completion status for trace_v0: {status}")),
    }
}

fn verify_done(state: &SavedState) -> Result<String, String> {
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

fn verify_feedback(completion: Completion) -> Result<String, String> {
    if completion.is_faulty() {
        return Ok(FAULTY.into());
    }
    require_layers(&SavedState::read(completion.ng_state))?;
    if !completion.names_original() {
        return Err("Feedback task must reference original task_id in extra_data".into());
    }
    Ok(format!("Feedback task validated for status '{}'", completion.completion_status))
}

fn verify_status(task_type: &str, allowed: &[&str], completion: Completion) -> Result<String, String> {
    let status = completion.completion_status;
    match allowed.contains(&status) {
        true => Ok(format!("Task marked as {status}")),
        false => Err(format!("Invalid completion status for {task_type}: {status}")),
    }
}

const FAULTY: &str = "Task marked as faulty - skipping validation";

impl Completion<'_> {
    fn is_faulty(&self) -> bool {
        self.completion_status == "Faulty Task"
    }

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

    fn judge(task_type: &str, state: &Value, completion_status: &str, extra_data: Option<&str>) -> (bool, String) {
        let ng_state = &state.to_string();
        let verdict = verify(task_type, Completion { ng_state, completion_status, extra_data }).unwrap();
        (verdict.passed, verdict.message)
    }

    fn trace(state: &Value, status: &str) -> (bool, String) {
        judge("trace_v0", state, status, None)
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
    fn a_faulty_task_passes_whatever_its_state() {
        for task_type in ["trace_v0", "trace_feedback_v0"] {
            let verdict = judge(task_type, &json!(null), "Faulty Task", None);
            assert_eq!(verdict, passed("Task marked as faulty - skipping validation"));
        }
    }

    #[test]
    fn missing_layers_are_named_in_their_order() {
        let missing =
            failed("Missing required layers: Segmentation, Breadcrumbs, Certain Ends, Uncertain Ends, Seed Location");
        for nothing in [json!({}), json!(null), json!({"layers": 5}), json!({"layers": ["Segmentation"]})] {
            assert_eq!(trace(&nothing, "Done"), missing);
            assert_eq!(judge("trace_feedback_v0", &nothing, "Fair", Some(r#"{"original_task_id": "t"}"#)), missing);
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
            let verdict = judge("trace_feedback_v0", &state, "Fair", Some(r#"{"original_task_id": "t"}"#));
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
            assert_eq!(judge("trace_feedback_v0", &state, "Perfect", extra_data), missing);
        }
        let verdict = judge("trace_feedback_v0", &state, "Perfect", Some(r#"{"original_task_id": null}"#));
        assert_eq!(verdict, passed("Feedback task validated for status 'Perfect'"));
    }

    #[test]
    fn workers_results_are_judged_by_their_status() {
        let nothing = json!({});
        assert_eq!(judge("trace_postprocess_v0", &nothing, "Done", None), passed("Task marked as Done"));
        assert_eq!(
            judge("trace_postprocess_v0", &nothing, "Proofread", None),
            failed("Invalid completion status for trace_postprocess_v0: Proofread")
        );
        for status in ["pass", "fail"] {
            let message = format!("Task marked as {status}");
            assert_eq!(judge("segmentation_verification_v0", &nothing, status, None), passed(&message));
        }
        assert_eq!(
            judge("segmentation_verification_v0", &nothing, "Done", None),
            failed("Invalid completion status for segmentation_verification_v0: Done")
        );
        assert_eq!(verify("other", Completion { ng_state: "{}", completion_status: "Done", extra_data: None }), None);
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
            for task_type in ["trace_v0", "trace_feedback_v0", "trace_postprocess_v0", "segmentation_verification_v0"] {
                let extra_data = extra_data.as_deref();
                let verdict = verify(task_type, Completion { ng_state: &ng_state, completion_status: &status, extra_data });
                prop_assert!(!verdict.unwrap().message.is_empty());
            }
        }
    }
}
