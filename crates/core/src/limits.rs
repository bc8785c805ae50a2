//! What may be said of a limit.

use crate::arguments::{Invalid, check_name};

/// As many tasks a limit may allow, each of which costs a row.
pub const MOST: i32 = 100_000;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Project,
    TaskType,
    Channel,
    /// The user whom a task is assigned to or, once it runs, who holds it.
    Agent,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Project, Self::TaskType, Self::Channel, Self::Agent];

    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| Invalid(format!("scope must be project, task_type, channel or agent, found \"{name}\"")))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::TaskType => "task_type",
            Self::Channel => "channel",
            Self::Agent => "agent",
        }
    }

    /// Which task type, channel or user a limit is of; empty for the project.
    pub fn check_key(self, key: Option<&str>) -> Result<&str, Invalid> {
        match (self, key) {
            (Self::Project, None | Some("")) => Ok(""),
            (Self::Project, Some(key)) => {
                Err(Invalid(format!("key must be null for the limit of the project, found \"{key}\"")))
            }
            (_, key) => {
                let key = key.unwrap_or_default();
                check_name("key", key).map(|()| key)
            }
        }
    }

    /// The subject of a limit in words.
    pub fn describe(self, key: &str) -> String {
        match self {
            Self::Project => "the project".into(),
            Self::TaskType => format!("task type {key}"),
            Self::Channel => format!("channel {key}"),
            Self::Agent => format!("agent {key}"),
        }
    }
}

/// Checks how many tasks a limit allows; 0 allows none.
pub fn check_most(argument: &str, most: Option<i32>) -> Result<(), Invalid> {
    match most {
        None | Some(0..=MOST) => Ok(()),
        Some(most) => Err(Invalid(format!("{argument} must be from 0 to {MOST}, found {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_found_by_their_names() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.name()), Ok(scope));
        }
        let refusal = "scope must be project, task_type, channel or agent, found \"type\"";
        assert_eq!(Scope::parse("type").unwrap_err().0, refusal);
    }

    #[test]
    fn only_the_limit_of_a_project_has_no_key() {
        assert_eq!(Scope::Project.check_key(None), Ok(""));
        assert_eq!(Scope::Project.check_key(Some("")), Ok(""));
        assert!(Scope::Project.check_key(Some("p")).is_err());
        for scope in [Scope::TaskType, Scope::Channel, Scope::Agent] {
            assert_eq!(scope.check_key(Some("k")), Ok("k"));
            assert!(scope.check_key(None).is_err());
            assert!(scope.check_key(Some("")).is_err());
        }
    }

    #[test]
    fn a_limit_is_not_negative_and_has_a_bound() {
        for most in [None, Some(0), Some(1), Some(MOST)] {
            assert_eq!(check_most("max_queued", most), Ok(()));
        }
        assert_eq!(check_most("max_queued", Some(-1)).unwrap_err().0, "max_queued must be from 0 to 100000, found -1");
        assert!(check_most("max_running", Some(MOST + 1)).is_err());
    }
}
