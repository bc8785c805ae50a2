//! Bringing in many seeds at once: what is new, what is there already, and what stands against it.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::arguments::{Invalid, check_name, parse_objects};
use crate::segments::NewSegment;
use crate::tasks::SeedId;

/// An element of the `data` of `ingest_segments`. The ids are what stands in the volume at the point, 0 if nothing does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate<'a> {
    pub seed_id: SeedId,
    seed_x: f64,
    seed_y: f64,
    seed_z: f64,
    current_segment_id: Option<SeedId>,
    batch: Option<String>,
    pub expected_segment_type: Option<String>,
    #[serde(default, borrow)]
    extra_data: Option<&'a RawValue>,
}

/// What candidates are, each by its position.
#[derive(Debug, Default, PartialEq)]
pub struct Sorted {
    pub new: Vec<usize>,
    pub existing: usize,
    pub conflicts: Vec<Value>,
    pub invalid: Vec<Value>,
}

/// Segments that are there already, with the types that they are expected to be.
#[derive(Debug, Default)]
pub struct Existing {
    types: HashMap<u64, Option<String>>,
    /// What is there of each root.
    seeds: HashMap<u64, u64>,
}

impl Existing {
    /// From the seed of each, the root that it was found by, if it was not by its seed, and its expected type.
    pub fn new(segments: Vec<(u64, Option<u64>, Option<String>)>) -> Self {
        let mut existing = Self::default();
        for (seed, root, segment_type) in segments {
            existing.seeds.extend(root.map(|root| (root, seed)));
            existing.types.insert(seed, segment_type);
        }
        existing
    }

    /// The segment of a candidate, and its expected type.
    fn find(&self, candidate: &Candidate) -> Option<(u64, Option<&str>)> {
        let of_seed = |seed: u64| Some((seed, self.types.get(&seed)?.as_deref()));
        of_seed(candidate.seed_id.0).or_else(|| of_seed(*self.seeds.get(&candidate.root()?)?))
    }
}

impl<'a> Candidate<'a> {
    pub fn parse_all(text: &'a str) -> Result<Vec<Self>, Invalid> {
        let candidates: Vec<Self> = parse_objects("data", text)?;
        for (index, candidate) in candidates.iter().enumerate() {
            let name = candidate.expected_segment_type.as_deref();
            let argument = format_args!("data[{index}].expected_segment_type");
            name.map_or(Ok(()), |name| check_name(argument, name))?;
        }
        Ok(candidates)
    }

    /// The present root at the point; none if it is unknown.
    pub fn root(&self) -> Option<u64> {
        self.current_segment_id.map(|id| id.0).filter(|id| *id != 0)
    }

    /// Sorts candidates by whether their segments exist. Of candidates with one seed, the first is the segment for the others.
    pub fn sort(candidates: &[Self], existing: &Existing) -> Sorted {
        let mut created: HashMap<u64, Option<&str>> = HashMap::new();
        let mut sorted = Sorted::default();
        for (index, candidate) in candidates.iter().enumerate() {
            let seed = candidate.seed_id.0;
            let expected = candidate.expected_segment_type.as_deref();
            let found = match created.get(&seed) {
                Some(segment_type) => Some((seed, *segment_type)),
                None => existing.find(candidate),
            };
            match found {
                _ if seed == 0 => sorted.invalid.push(candidate.refusal(index)),
                None => {
                    created.insert(seed, expected);
                    sorted.new.push(index);
                }
                Some((_, segment_type)) if segment_type == expected => sorted.existing += 1,
                Some((existing_seed, segment_type)) => sorted.conflicts.push(json!({
                    "index": index,
                    "seed_id": candidate.seed_id.as_json(),
                    "expected_segment_type": expected,
                    "existing_seed_id": SeedId(existing_seed).as_json(),
                    "existing_segment_type": segment_type,
                })),
            }
        }
        sorted
    }

    fn refusal(&self, index: usize) -> Value {
        let Self { seed_x, seed_y, seed_z, .. } = self;
        let reason = format!("No supervoxel found at coordinate [{seed_x}, {seed_y}, {seed_z}]");
        json!({"index": index, "reason": reason})
    }

    /// The segment of a candidate; one whose present root is unknown has none.
    pub fn segment(&self) -> NewSegment<'a> {
        NewSegment {
            seed_id: self.seed_id,
            seed_x: self.seed_x,
            seed_y: self.seed_y,
            seed_z: self.seed_z,
            expected_segment_type: self.expected_segment_type.clone(),
            batch: self.batch.clone(),
            current_segment_id: self.root().map(SeedId),
            extra_data: self.extra_data,
            ..NewSegment::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(text: &str, types: &[(u64, Option<&str>)]) -> Sorted {
        let types = types.iter().map(|(seed, name)| (*seed, None, name.map(str::to_owned))).collect();
        Candidate::sort(&Candidate::parse_all(text).unwrap(), &Existing::new(types))
    }

    fn candidate(seed: u64, expected: &str) -> String {
        format!(
            r#"{{"seed_id": {seed}, "seed_x": 1, "seed_y": 2, "seed_z": 3.5, "expected_segment_type": {expected}}}"#
        )
    }

    #[test]
    fn the_same_type_exists_and_another_one_conflicts() {
        let text = format!("[{}, {}, {}]", candidate(1, "\"a\""), candidate(2, "\"a\""), candidate(3, "null"));
        let sorted = sort(&text, &[(1, Some("a")), (2, None)]);
        assert_eq!((sorted.new, sorted.existing), (vec![2], 1));
        assert_eq!(
            sorted.conflicts,
            [
                json!({"index": 1, "seed_id": 2, "expected_segment_type": "a", "existing_seed_id": 2, "existing_segment_type": null})
            ]
        );
    }

    #[test]
    fn a_seed_that_occurs_twice_exists_the_second_time() {
        let text = format!("[{0}, {0}, {1}]", candidate(u64::MAX, "\"a\""), candidate(u64::MAX, "\"b\""));
        let sorted = sort(&text, &[]);
        assert_eq!((sorted.new, sorted.existing), (vec![0], 1));
        assert_eq!(sorted.conflicts[0]["seed_id"], json!("18446744073709551615"));
    }

    #[test]
    fn a_segment_under_the_same_root_exists() {
        let text = r#"[{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 70},
            {"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 70, "expected_segment_type": "a"},
            {"seed_id": 3, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 71},
            {"seed_id": 4, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 71},
            {"seed_id": 5, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 0}]"#;
        let there = vec![(9, Some(70), Some("b".into())), (8, Some(70), None), (7, Some(0), None)];
        let sorted = Candidate::sort(&Candidate::parse_all(text).unwrap(), &Existing::new(there));
        assert_eq!((sorted.new, sorted.existing), (vec![2, 3, 4], 1));
        assert_eq!(sorted.conflicts[0]["existing_seed_id"], json!(8));
    }

    #[test]
    fn nothing_at_the_point_is_invalid() {
        let sorted = sort(&format!("[{}]", candidate(0, "null")), &[(0, None)]);
        assert_eq!(sorted.invalid, [json!({"index": 0, "reason": "No supervoxel found at coordinate [1, 2, 3.5]"})]);
        assert!(sorted.new.is_empty());
    }

    #[test]
    fn a_root_of_zero_is_none() {
        let text = r#"[{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "current_segment_id": 0}]"#;
        assert_eq!(Candidate::parse_all(text).unwrap()[0].segment().current_segment_id, None);
    }
}
