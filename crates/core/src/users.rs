//! What may be said of a user.

use std::fmt::Display;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::arguments::{Invalid, check_name, check_names, check_rate, or_default, parse_object, parse_patch, present};

/// The `data` of `create_user`. `active_task` is derived; it is accepted as "" because the reference's callers send it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub user_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub hourly_rate: f64,
    #[serde(default, deserialize_with = "or_default")]
    pub active_task: String,
    #[serde(default, deserialize_with = "or_default")]
    pub qualified_task_types: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub qualified_segment_types: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub capacity: Capacity,
}

/// The `data` of `update_user`: an absent key keeps the value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserPatch {
    #[serde(deserialize_with = "present")]
    pub hourly_rate: Option<f64>,
    #[serde(deserialize_with = "present")]
    pub qualified_task_types: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    pub qualified_segment_types: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    pub is_active: Option<bool>,
    #[serde(deserialize_with = "present")]
    pub capacity: Option<Option<Capacity>>,
}

/// How many tasks a user may hold at once; None for any number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capacity(pub Option<i32>);

impl Default for Capacity {
    fn default() -> Self {
        Self(Some(1))
    }
}

impl<'de> Deserialize<'de> for Capacity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a positive integer or \"unlimited\"")]
        enum NumberOrWord {
            Number(i32),
            Word(String),
        }
        match NumberOrWord::deserialize(deserializer)? {
            NumberOrWord::Number(number @ 1..) => Ok(Self(Some(number))),
            NumberOrWord::Word(word) if word == "unlimited" => Ok(Self(None)),
            NumberOrWord::Number(number) => Err(refusal(number)),
            NumberOrWord::Word(word) => Err(refusal(format!("\"{word}\""))),
        }
    }
}

fn refusal<E: Error>(found: impl Display) -> E {
    E::custom(format!("must be a positive integer or \"unlimited\", found {found}"))
}

impl NewUser {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let user: Self = parse_object("data", text)?;
        check_name("data.user_id", &user.user_id)?;
        check_rate("data.hourly_rate", user.hourly_rate)?;
        check_names("data.qualified_task_types", &user.qualified_task_types)?;
        check_names("data.qualified_segment_types", &user.qualified_segment_types)?;
        if !user.active_task.is_empty() {
            return Err(Invalid(format!(
                "data.active_task must be empty, found \"{}\": a user gets a task by start_task",
                user.active_task
            )));
        }
        Ok(user)
    }
}

impl UserPatch {
    const FIXED: [(&str, &str); 2] =
        [("user_id", "a user keeps the id"), ("active_task", "start_task, release_task and force_release_task set it")];

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let patch: Self = parse_patch(text, &Self::FIXED)?;
        patch.hourly_rate.map_or(Ok(()), |rate| check_rate("data.hourly_rate", rate))?;
        check_names("data.qualified_task_types", patch.qualified_task_types.as_deref().unwrap_or_default())?;
        check_names("data.qualified_segment_types", patch.qualified_segment_types.as_deref().unwrap_or_default())?;
        Ok(patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_a_positive_number_or_unlimited() {
        let capacity = |text: &str| NewUser::parse(text).map(|user| user.capacity.0).map_err(|refusal| refusal.0);
        assert_eq!(capacity(r#"{"user_id": "u"}"#), Ok(Some(1)));
        assert_eq!(capacity(r#"{"user_id": "u", "capacity": null}"#), Ok(Some(1)));
        assert_eq!(capacity(r#"{"user_id": "u", "capacity": 8}"#), Ok(Some(8)));
        assert_eq!(capacity(r#"{"user_id": "u", "capacity": "unlimited"}"#), Ok(None));
        for (text, found) in [("0", "0"), ("-1", "-1"), (r#""many""#, r#""many""#)] {
            let refusal = format!("data.capacity: must be a positive integer or \"unlimited\", found {found}");
            assert_eq!(capacity(&format!(r#"{{"user_id": "u", "capacity": {text}}}"#)), Err(refusal));
        }
    }
}
