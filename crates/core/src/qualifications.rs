//! What may be said of a qualification.

use crate::arguments::{Invalid, check_name};

/// What a qualification is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    TaskType,
    SegmentType,
}

impl Kind {
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let all = [Self::TaskType, Self::SegmentType];
        let found = all.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| Invalid(format!("kind must be task_type or segment_type, found \"{name}\"")))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::TaskType => "task_type",
            Self::SegmentType => "segment_type",
        }
    }
}

/// Checks the name of what somebody is qualified for, and how well.
pub fn check(name: &str, level: Option<i32>) -> Result<(), Invalid> {
    check_name("name", name)?;
    level.map_or(Ok(()), |level| check_level("level", level))
}

/// Checks a level: zero, as if none was given, or above.
pub fn check_level(argument: &str, level: i32) -> Result<(), Invalid> {
    match level {
        0.. => Ok(()),
        _ => Err(Invalid(format!("{argument} must not be negative, found {level}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_their_names() {
        for kind in [Kind::TaskType, Kind::SegmentType] {
            assert_eq!(Kind::parse(kind.name()), Ok(kind));
        }
        assert_eq!(Kind::parse("user").unwrap_err().0, "kind must be task_type or segment_type, found \"user\"");
    }

    #[test]
    fn levels_begin_at_zero() {
        assert!(check("trace_v0", Some(0)).is_ok());
        assert!(check("trace_v0", None).is_ok());
        assert_eq!(check("trace_v0", Some(-1)).unwrap_err().0, "level must not be negative, found -1");
        assert!(check("", None).is_err());
    }
}
