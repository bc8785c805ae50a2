//! What handlers answer.

use serde::Deserialize;

use crate::arguments::{Invalid, parse_object};

/// What a verification handler found.
#[derive(Debug, Deserialize, PartialEq)]
pub struct Verdict {
    pub passed: bool,
    #[serde(default)]
    pub message: String,
}

impl Verdict {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_object("result", text)
    }
}

/// Both sides are messages; which one it is says whether it passed.
impl From<Result<String, String>> for Verdict {
    fn from(found: Result<String, String>) -> Self {
        match found {
            Ok(message) => Self { passed: true, message },
            Err(message) => Self { passed: false, message },
        }
    }
}
