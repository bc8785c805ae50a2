//! What may be said of a dependency.

use std::hash::{DefaultHasher, Hasher};

use serde::Deserialize;

use crate::arguments::{
    Invalid, MAX_NAME_CHARS, check_name, or_default, parse_object, parse_objects, parse_patch, present,
};

/// The `data` of `create_dependency`. `is_satisfied` follows from the tasks, unless it is given as true: then the
/// dependency is waived.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDependency {
    pub dependency_id: Option<String>,
    pub task_id: String,
    pub dependent_on_task_id: String,
    pub required_completion_status: String,
    #[serde(default, deserialize_with = "or_default")]
    pub is_satisfied: bool,
}

/// The `data` of `update_dependency`: an absent key keeps the value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencyPatch {
    #[serde(default, deserialize_with = "present")]
    pub task_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub dependent_on_task_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub required_completion_status: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pub is_satisfied: Option<bool>,
}

impl NewDependency {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let dependency: Self = parse_object("data", text)?;
        dependency.check("data")?;
        Ok(dependency)
    }

    /// Parses the array of `create_dependencies`.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Invalid> {
        let dependencies: Vec<Self> = parse_objects("data", text)?;
        dependencies.iter().enumerate().try_for_each(|(index, one)| one.check(&format!("data[{index}]")))?;
        Ok(dependencies)
    }

    /// The given id, or the two tasks and the status that make the dependency what it is; hashed if they are too long.
    pub fn id(&self) -> String {
        self.dependency_id.clone().unwrap_or_else(|| {
            let text =
                format!("{} after {}: {}", self.task_id, self.dependent_on_task_id, self.required_completion_status);
            if text.chars().count() <= MAX_NAME_CHARS { text } else { format!("dependency {:016x}", hash(&text)) }
        })
    }

    /// Checks what can be checked without the project; `argument` says where the dependency stands.
    pub fn check(&self, argument: &str) -> Result<(), Invalid> {
        check_name(format_args!("{argument}.dependency_id"), &self.id())?;
        check_name(format_args!("{argument}.task_id"), &self.task_id)?;
        check_name(format_args!("{argument}.dependent_on_task_id"), &self.dependent_on_task_id)?;
        check_name(format_args!("{argument}.required_completion_status"), &self.required_completion_status)?;
        if self.task_id == self.dependent_on_task_id {
            return Err(Invalid(format!("Task cannot depend on itself: {argument}.task_id is \"{}\"", self.task_id)));
        }
        Ok(())
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    hasher.finish()
}

impl DependencyPatch {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let patch: Self = parse_patch(text, &[("dependency_id", "a dependency keeps its id")])?;
        if let Some(status) = &patch.required_completion_status {
            check_name("data.required_completion_status", status)?;
        }
        Ok(patch)
    }
}
