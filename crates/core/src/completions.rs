//! What a worker says of the tasks that it has done.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::{Invalid, parse_objects};

/// An element of the `data` of `complete_tasks`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Completion<'a> {
    pub task_id: String,
    pub lease_token: i64,
    #[serde(default, borrow)]
    pub result: Option<&'a RawValue>,
    pub completion_status: Option<String>,
}

impl<'a> Completion<'a> {
    pub fn parse_all(text: &'a str) -> Result<Vec<Self>, Invalid> {
        let completions: Vec<Self> = parse_objects("data", text)?;
        let mut seen = HashSet::new();
        match completions.iter().position(|one| !seen.insert(&one.task_id)) {
            Some(index) => Err(Invalid(format!("data[{index}].task_id occurs twice: {}", completions[index].task_id))),
            None => Ok(completions),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_completed_once() {
        let text = r#"[{"task_id": "a", "lease_token": 1}, {"task_id": "a", "lease_token": 2}]"#;
        assert_eq!(Completion::parse_all(text).unwrap_err().0, "data[1].task_id occurs twice: a");
        let refusal = Completion::parse_all(r#"[{"task_id": "a"}]"#).unwrap_err().0;
        assert_eq!(refusal, "data[0]: missing field `lease_token`");
        let large = r#"[{"task_id": "a", "lease_token": 1, "result": {"n": 12345678901234567890123}}]"#;
        let completions = Completion::parse_all(large).unwrap();
        assert_eq!(completions[0].result.unwrap().get(), r#"{"n": 12345678901234567890123}"#);
    }
}
