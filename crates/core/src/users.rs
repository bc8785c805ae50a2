//! What may be said of a user.

use serde::Deserialize;

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
