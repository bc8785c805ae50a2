//! What may be said of a conversation: a message that belongs to a task.

use std::fmt;

use serde::Deserialize;

use crate::arguments::{Invalid, or_default, parse_object, parse_patch, present};

/// A conversation that comes with a task, or the `data` of `create_conversation`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewConversation {
    pub content: String,
    #[serde(default, deserialize_with = "or_default")]
    pub status: ConversationStatus,
}

/// The `data` of `update_conversation`: an absent key keeps the value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConversationPatch {
    #[serde(default, deserialize_with = "present")]
    pub content: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub status: Option<ConversationStatus>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ConversationStatus {
    /// Waits to be dealt with.
    #[default]
    Active,
    /// Was dealt with by a completion of its task.
    Processed,
    /// Put away; completions leave it alone.
    Archived,
}

impl NewConversation {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let new: Self = parse_object("data", text)?;
        new.check(format_args!("data"))?;
        Ok(new)
    }

    pub fn check(&self, argument: fmt::Arguments) -> Result<(), Invalid> {
        check_content(argument, &self.content)
    }
}

impl ConversationPatch {
    const FIXED: [(&'static str, &'static str); 5] = [
        ("conversation_id", "a conversation keeps its id"),
        ("task_id", "a conversation stays with its task"),
        ("created_at", "create_conversation sets it"),
        ("updated_at", "every change sets it"),
        ("processed_at", "the completion of the task sets it"),
    ];

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let patch: Self = parse_patch(text, &Self::FIXED)?;
        patch.content.as_ref().map_or(Ok(()), |content| check_content(format_args!("data"), content))?;
        Ok(patch)
    }
}

impl ConversationStatus {
    pub fn name(self) -> &'static str {
        match self {
            ConversationStatus::Active => "active",
            ConversationStatus::Processed => "processed",
            ConversationStatus::Archived => "archived",
        }
    }
}

fn check_content(argument: fmt::Arguments, content: &str) -> Result<(), Invalid> {
    match content.is_empty() {
        true => Err(Invalid(format!("{argument}.content must not be empty"))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_conversation_has_content_and_is_active() {
        let new = NewConversation::parse(r#"{"content": "hello", "status": null}"#).unwrap();
        assert_eq!((new.content.as_str(), new.status), ("hello", ConversationStatus::Active));
        let refusal = |text: &str| NewConversation::parse(text).unwrap_err().0;
        assert_eq!(refusal("{}"), "data: missing field `content`");
        assert_eq!(refusal(r#"{"content": ""}"#), "data.content must not be empty");
        assert!(refusal(r#"{"content": null}"#).starts_with("data.content: invalid type: null"));
        assert!(
            refusal(r#"{"content": "x", "status": "banana"}"#).starts_with("data.status: unknown variant `banana`")
        );
    }

    #[test]
    fn an_update_cannot_clear_anything() {
        for key in ["content", "status"] {
            assert!(ConversationPatch::parse(&format!(r#"{{"{key}": null}}"#)).is_err(), "{key}");
        }
        assert!(ConversationPatch::parse("{}").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = NewConversation::parse(&text);
            let _ = ConversationPatch::parse(&text);
        }
    }
}
