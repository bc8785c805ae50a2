//! Feedback: what its completion status says of the trace that it is about.

/// The colour that a judgement is shown in.
pub fn color(completion_status: &str) -> &'static str {
    match completion_status {
        "Perfect" | "Accurate" => "green",
        "Fair" => "yellow",
        _ => "red",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task_types::STANDARD_TASK_TYPES;

    #[test]
    fn every_status_has_its_color() {
        let feedback = STANDARD_TASK_TYPES.iter().find(|standard| standard.task_type == "trace_feedback_v0").unwrap();
        let colors: Vec<_> = feedback.completion_statuses.iter().map(|status| (*status, color(status))).collect();
        assert_eq!(
            colors,
            [
                ("Faulty Task", "red"),
                ("Accurate", "green"),
                ("Inaccurate", "red"),
                ("Fair", "yellow"),
                ("Perfect", "green")
            ]
        );
        assert_eq!(color("anything else"), "red");
    }
}
