//! What may be said of an edit of the segmentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::arguments::{Invalid, parse};
use crate::tasks::SeedId;

/// How far in the future an edit may be: clocks differ, but whatever an edit of next year has moved would stay where it is.
pub const MAX_SECONDS_AHEAD: f64 = 86_400.0;

/// Checks an array of points `[segment id, x, y, z]` and returns it with all ids as text.
pub fn points(argument: &str, text: &str) -> Result<String, Invalid> {
    let points: Vec<Point> = parse(argument, text)?;
    serde_json::to_string(&points).map_err(|error| Invalid(format!("{argument}: {error}")))
}

/// Which new root each supervoxel of a split belongs to: an object of ids, each of `new_roots`.
pub fn assignments(argument: &str, text: &str, new_roots: &BTreeSet<u64>) -> Result<BTreeMap<u64, u64>, Invalid> {
    let given: BTreeMap<String, SeedId> = parse(argument, text)?;
    let mut assignments = BTreeMap::new();
    for (key, SeedId(root)) in given {
        let supervoxel: u64 = key.parse().map_err(|_| {
            Invalid(format!("{argument}: the key \"{key}\" is not an integer between 0 and {}", u64::MAX))
        })?;
        if !new_roots.contains(&root) {
            return Err(Invalid(format!("{argument}.{key} is {root}, which is none of new_root_ids")));
        }
        if assignments.insert(supervoxel, root).is_some() {
            return Err(Invalid(format!("{argument} has supervoxel {supervoxel} twice")));
        }
    }
    Ok(assignments)
}

/// A segment and where it was touched. JSON has no numbers but finite ones.
#[derive(Debug, PartialEq)]
struct Point {
    segment_id: SeedId,
    coordinates: [Number; 3],
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;
        impl<'de> Visitor<'de> for Elements {
            type Value = Point;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a point [segment id, x, y, z]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let short = |length| A::Error::invalid_length(length, &self);
                let segment_id = elements.next_element()?.ok_or_else(|| short(0))?;
                let mut coordinate = |length| elements.next_element()?.ok_or_else(|| short(length));
                let coordinates = [coordinate(1)?, coordinate(2)?, coordinate(3)?];
                match elements.next_element::<IgnoredAny>()? {
                    None => Ok(Point { segment_id, coordinates }),
                    Some(_) => Err(short(5)),
                }
            }
        }
        deserializer.deserialize_seq(Elements)
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut elements = serializer.serialize_tuple(4)?;
        elements.serialize_element(&self.segment_id.0.to_string())?;
        self.coordinates.iter().try_for_each(|coordinate| elements.serialize_element(coordinate))?;
        elements.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_point_has_exactly_four_elements() {
        assert_eq!(points("sinks", "[]").unwrap(), "[]");
        assert_eq!(points("sinks", r#"[["7", 1, 2.5, -3]]"#).unwrap(), r#"[["7",1,2.5,-3]]"#);
        let found = [
            (r#"{}"#, "sinks: invalid type: object, expected an array"),
            (r#"[["7", 1, 2]]"#, "sinks[0]: invalid length 3, expected a point [segment id, x, y, z]"),
            (r#"[["7", 1, 2, 3], ["7", 1, 2, 3, 4]]"#, "sinks[1]: invalid length 5, expected a point"),
            (r#"[{"id": 7}]"#, "sinks[0]: invalid type: object, expected a point"),
            (r#"[["7", 1, "2", 3]]"#, "sinks[0][2]: invalid type: string \"2\", expected a JSON number"),
            (r#"[["7", 1, null, 3]]"#, "sinks[0][2]: invalid type: null, expected a JSON number"),
            (r#"[["7", 1, 1e400, 3]]"#, "sinks[0][2]: number out of range"),
            (r#"[["-7", 1, 2, 3]]"#, "sinks[0][0]: \"-7\" is not an integer between 0 and 18446744073709551615"),
            (r#"[[7.5, 1, 2, 3]]"#, "sinks[0][0]: an integer between 0 and 18446744073709551615"),
        ];
        for (text, refusal) in found {
            let error = points("sinks", text).unwrap_err().0;
            assert!(error.starts_with(refusal), "{text}: {error}");
        }
    }

    #[test]
    fn supervoxels_are_assigned_to_new_roots_once() {
        let assigned = assignments("a", r#"{"18446744073709551615": "1", "0": 2}"#, &[1, 2].into()).unwrap();
        assert_eq!(assigned, BTreeMap::from([(u64::MAX, 1), (0, 2)]));
        let found = [
            ("[]", "a: invalid type: array, expected an object"),
            (r#"{"x": 1}"#, "a: the key \"x\" is not an integer"),
            (r#"{"-1": 1}"#, "a: the key \"-1\" is not an integer"),
            (r#"{"1": 1, "01": 2}"#, "a has supervoxel 1 twice"),
            (r#"{"1": 3}"#, "a.1 is 3, which is none of new_root_ids"),
            (r#"{"1": 0.5}"#, "a.1: an integer between 0"),
        ];
        for (text, refusal) in found {
            let error = assignments("a", text, &[1, 2].into()).unwrap_err().0;
            assert!(error.starts_with(refusal), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn checking_twice_is_checking_once(id: u64, x: i32, y in -1e300f64..1e300, z in 0f64..1e-300) {
            let once = points("points", &format!("[[{id}, {x}, {y:e}, {z:e}]]")).unwrap();
            let start = format!("[[\"{}\",{},", id, x);
            prop_assert!(once.starts_with(&start), "{}", once);
            prop_assert_eq!(points("points", &once).unwrap(), once);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = points("points", &text);
            let _ = assignments("assignments", &text, &[1].into());
        }
    }
}
