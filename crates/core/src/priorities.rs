//! Priorities: integers, four of which have names.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::arguments::Invalid;

/// The names, which are accepted wherever a priority is given.
pub const NAMED: [(&str, i32); 4] = [("low", 25), ("medium", 50), ("high", 75), ("critical", 100)];

/// A priority, given as an integer or by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(pub i32);

impl Priority {
    /// The priority of a task that names none.
    pub const DEFAULT: Self = Self(50);

    /// The index is ordered by minus the priority, which the smallest integer does not have.
    pub fn check(self, argument: fmt::Arguments) -> Result<(), Invalid> {
        if self.0 > i32::MIN {
            return Ok(());
        }
        Err(Invalid(format!("{argument}.priority must be at least {}, found {}", i32::MIN + 1, self.0)))
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrName;
        impl Visitor<'_> for NumberOrName {
            type Value = Priority;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a 32-bit integer, low, medium, high or critical")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Priority, E> {
                i32::try_from(number).map(Priority).map_err(|_| out_of_range(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Priority, E> {
                i32::try_from(number).map(Priority).map_err(|_| out_of_range(number))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Priority, E> {
                let found = NAMED.iter().find(|(named, _)| *named == name);
                found.map(|(_, number)| Priority(*number)).ok_or_else(|| {
                    E::custom(format!(
                        "\"{name}\" is no priority: they are low, medium, high, critical and the 32-bit integers"
                    ))
                })
            }
        }
        deserializer.deserialize_any(NumberOrName)
    }
}

fn out_of_range<E: Error>(number: impl fmt::Display) -> E {
    E::custom(format!("invalid value: integer `{number}`, expected a 32-bit integer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;

    #[test]
    fn names_are_numbers() {
        for (name, number) in NAMED {
            assert_eq!(parse::<Priority>("data", &format!("\"{name}\"")).unwrap(), Priority(number));
            assert_eq!(parse::<Priority>("data", &number.to_string()).unwrap(), Priority(number));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let refusal = |text| parse::<Priority>("data", text).unwrap_err().0;
        assert_eq!(
            refusal("\"High\""),
            "data: \"High\" is no priority: they are low, medium, high, critical and the 32-bit integers"
        );
        assert_eq!(refusal("2147483648"), "data: invalid value: integer `2147483648`, expected a 32-bit integer");
        for text in ["1.5", "true", "null", "[]", "\"75\"", "\"\"", "-2147483649", "1e99"] {
            assert!(parse::<Priority>("data", text).is_err(), "{text}");
        }
        assert!(Priority(i32::MIN).check(format_args!("data")).is_err());
        assert!(Priority(i32::MIN + 1).check(format_args!("data")).is_ok());
    }
}
