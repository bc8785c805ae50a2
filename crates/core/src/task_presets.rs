//! Rules for what tasks of a type say of themselves that a kind of system is used to. Nobody is bound by them whose task type does
//! not name them.

use std::fmt;

use serde::Deserialize;

use crate::arguments::Invalid;
use crate::task_content::{TaskContent, check_length};

/// The `preset` of a task type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPreset {
    /// Agents that answer in Discord: a title of 1 to 200 characters, a description of up to 2000, the id of a channel (17 to 19
    /// ASCII digits), an agent of up to 100 characters.
    DiscordAgent,
}

impl TaskPreset {
    pub fn name(self) -> &'static str {
        match self {
            Self::DiscordAgent => "discord_agent",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        [Self::DiscordAgent].into_iter().find(|preset| preset.name() == name)
    }

    /// Checks a task as it is to be.
    pub fn check(self, argument: fmt::Arguments, content: &TaskContent, agent: &str) -> Result<(), Invalid> {
        let Self::DiscordAgent = self;
        let Some(title) = content.title else {
            return Err(Invalid(format!("{argument}.title must be given: preset {} asks for it", self.name())));
        };
        check_length(format_args!("{argument}.title"), title, 200)?;
        check_length(format_args!("{argument}.description"), content.description.unwrap_or_default(), 2000)?;
        check_length(format_args!("{argument}.agent"), agent, 100)?;
        match content.channel {
            Some(channel) if !is_channel(channel) => {
                Err(Invalid(format!("{argument}.channel must be 17 to 19 digits, found {channel}")))
            }
            _ => Ok(()),
        }
    }
}

fn is_channel(text: &str) -> bool {
    (17..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: TaskContent, agent: &str) -> Result<(), Invalid> {
        TaskPreset::DiscordAgent.check(format_args!("data"), &content, agent)
    }

    #[test]
    fn limits_are_accepted_and_what_is_beyond_is_not() {
        let (title, longer, description, long) = ("é".repeat(200), "é".repeat(201), "é".repeat(2000), "é".repeat(2001));
        let channel = Some("12345678901234567");
        let whole =
            TaskContent { title: Some(&title), description: Some(&description), channel, ..TaskContent::default() };
        assert!(check(whole, &"é".repeat(100)).is_ok());
        assert!(check(TaskContent { channel: Some("1234567890123456789"), ..whole }, "").is_ok());
        assert!(check(TaskContent { channel: None, description: None, title: Some(" "), ..whole }, "").is_ok());
        let refusal = |content, agent: &str| check(content, agent).unwrap_err().0;
        assert!(refusal(TaskContent { title: None, ..whole }, "").starts_with("data.title must be given"));
        assert!(refusal(TaskContent { title: Some(&longer), ..whole }, "").starts_with("data.title must have"));
        assert!(refusal(TaskContent { description: Some(&long), ..whole }, "").starts_with("data.description"));
        assert!(refusal(whole, &"é".repeat(101)).starts_with("data.agent must have at most 100"));
        for channel in [
            "1234567890123456",
            "12345678901234567890",
            "invalid",
            "",
            "12345678901234567\n",
            "１２３４５６７８９０１２３４５６７",
        ] {
            let found = TaskContent { channel: Some(channel), ..whole };
            assert!(refusal(found, "").starts_with("data.channel must be 17 to 19 digits"), "{channel}");
        }
    }

    #[test]
    fn names_are_what_is_parsed() {
        let parsed: TaskPreset = serde_json::from_str("\"discord_agent\"").unwrap();
        assert_eq!(TaskPreset::find(parsed.name()), Some(parsed));
        assert_eq!(TaskPreset::find("none"), None);
    }
}
