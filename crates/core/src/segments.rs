//! What may be said of a segment.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::{Invalid, check_name, or_default, parse_object, parse_objects, parse_patch, present};
use crate::tasks::SeedId;
use crate::times::Timestamp;

/// How far the proofreading of a segment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SegmentStatus {
    #[default]
    Raw,
    Proofread,
    Duplicate,
    WrongType,
    Verified,
}

/// The `data` of `create_segment`: a segment as it is to be. Coordinates are voxels of the project's resolution.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSegment<'a> {
    pub seed_id: SeedId,
    pub seed_x: f64,
    pub seed_y: f64,
    pub seed_z: f64,
    pub root_x: Option<f64>,
    pub root_y: Option<f64>,
    pub root_z: Option<f64>,
    pub segment_type: Option<String>,
    pub expected_segment_type: Option<String>,
    pub batch: Option<String>,
    pub current_segment_id: Option<SeedId>,
    pub skeleton_path_length_mm: Option<f64>,
    pub pre_synapse_count: Option<i32>,
    pub post_synapse_count: Option<i32>,
    #[serde(default, deserialize_with = "or_default")]
    pub status: SegmentStatus,
    #[serde(default, deserialize_with = "or_default")]
    pub is_exported: bool,
    pub last_modified: Option<Timestamp>,
    pub last_merge_at: Option<Timestamp>,
    #[serde(default, borrow)]
    pub extra_data: Option<&'a RawValue>,
}

/// The `data` of `update_segment`: an absent key keeps the value, null clears it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentPatch<'a> {
    #[serde(deserialize_with = "present")]
    seed_x: Option<f64>,
    #[serde(deserialize_with = "present")]
    seed_y: Option<f64>,
    #[serde(deserialize_with = "present")]
    seed_z: Option<f64>,
    #[serde(deserialize_with = "present")]
    root_x: Option<Option<f64>>,
    #[serde(deserialize_with = "present")]
    root_y: Option<Option<f64>>,
    #[serde(deserialize_with = "present")]
    root_z: Option<Option<f64>>,
    #[serde(deserialize_with = "present")]
    segment_type: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    expected_segment_type: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    batch: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    current_segment_id: Option<Option<SeedId>>,
    #[serde(deserialize_with = "present")]
    skeleton_path_length_mm: Option<Option<f64>>,
    #[serde(deserialize_with = "present")]
    pre_synapse_count: Option<Option<i32>>,
    #[serde(deserialize_with = "present")]
    post_synapse_count: Option<Option<i32>>,
    #[serde(deserialize_with = "present")]
    status: Option<SegmentStatus>,
    #[serde(deserialize_with = "present")]
    is_exported: Option<bool>,
    #[serde(deserialize_with = "present")]
    last_modified: Option<Option<Timestamp>>,
    #[serde(deserialize_with = "present")]
    last_merge_at: Option<Option<Timestamp>>,
    #[serde(borrow, deserialize_with = "present")]
    extra_data: Option<Option<&'a RawValue>>,
}

/// The `filters` of `list_segments`: an absent key filters nothing, null asks for segments without a value.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentFilters {
    #[serde(deserialize_with = "present")]
    pub status: Option<SegmentStatus>,
    #[serde(deserialize_with = "present")]
    pub batch: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub segment_type: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub expected_segment_type: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub current_segment_id: Option<Option<SeedId>>,
}

impl TryFrom<String> for SegmentStatus {
    type Error = Invalid;

    fn try_from(name: String) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| Invalid(format!("\"{name}\" is none of {}", Self::ALL.map(Self::name).join(", "))))
    }
}

impl SegmentStatus {
    const ALL: [Self; 5] = [Self::Raw, Self::Proofread, Self::Duplicate, Self::WrongType, Self::Verified];

    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "Raw",
            Self::Proofread => "Proofread",
            Self::Duplicate => "Duplicate",
            Self::WrongType => "Wrong type",
            Self::Verified => "Verified",
        }
    }
}

impl<'a> NewSegment<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let segment: Self = parse_object("data", text)?;
        segment.check(format_args!("data"))?;
        Ok(segment)
    }

    /// Parses the array of `create_segments`.
    pub fn parse_all(text: &'a str) -> Result<Vec<Self>, Invalid> {
        let segments: Vec<Self> = parse_objects("data", text)?;
        let check = |(index, segment): (usize, &Self)| segment.check(format_args!("data[{index}]"));
        segments.iter().enumerate().try_for_each(check)?;
        Ok(segments)
    }

    /// Changes what the patch names. Refuses a root point that is left with some of its coordinates only.
    pub fn change(&mut self, patch: SegmentPatch<'a>) -> Result<(), Invalid> {
        macro_rules! set {
            ($($column:ident)+) => {
                $(if let Some(value) = patch.$column {
                    self.$column = value;
                })+
            };
        }
        set!(seed_x seed_y seed_z root_x root_y root_z segment_type expected_segment_type batch current_segment_id
            skeleton_path_length_mm pre_synapse_count post_synapse_count status is_exported last_modified last_merge_at
            extra_data);
        self.check(format_args!("data"))
    }

    fn check(&self, argument: fmt::Arguments) -> Result<(), Invalid> {
        let root = [self.root_x, self.root_y, self.root_z];
        if root.iter().any(Option::is_some) && root.iter().any(Option::is_none) {
            return Err(Invalid(format!(
                "{argument}.root_x, root_y and root_z must all have a value, or none of them"
            )));
        }
        for (key, name) in
            [("segment_type", &self.segment_type), ("expected_segment_type", &self.expected_segment_type)]
        {
            name.as_ref().map_or(Ok(()), |name| check_name(format_args!("{argument}.{key}"), name))?;
        }
        let amounts = [
            ("skeleton_path_length_mm", self.skeleton_path_length_mm),
            ("pre_synapse_count", self.pre_synapse_count.map(f64::from)),
            ("post_synapse_count", self.post_synapse_count.map(f64::from)),
        ];
        match amounts.into_iter().find(|(_, amount)| amount.is_some_and(|amount| amount < 0.0)) {
            Some((key, amount)) => {
                let found = amount.unwrap_or_default();
                Err(Invalid(format!("{argument}.{key} must not be negative, found {found}")))
            }
            None => Ok(()),
        }
    }
}

impl<'a> SegmentPatch<'a> {
    const FIXED: [(&'static str, &'static str); 5] = [
        ("seed_id", "a segment keeps its seed"),
        ("project_name", "a segment stays in its project"),
        ("task_ids", "link_segment_task and unlink_segment_task set it"),
        ("created_at", "create_segment sets it"),
        ("updated_at", "update_segment sets it"),
    ];

    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        parse_patch(text, &Self::FIXED)
    }
}

impl SegmentFilters {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_object("filters", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(more: &str) -> String {
        NewSegment::parse(&format!(r#"{{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0{more}}}"#)).unwrap_err().0
    }

    #[test]
    fn a_seed_and_its_point_are_enough() {
        let text = r#"{"seed_id": "18446744073709551615", "seed_x": -1.5, "seed_y": 2, "seed_z": 1e3}"#;
        let segment = NewSegment::parse(text).unwrap();
        assert_eq!((segment.seed_id, segment.seed_z, segment.status), (SeedId(u64::MAX), 1000.0, SegmentStatus::Raw));
        assert_eq!(NewSegment::parse(r#"{"seed_id": 1}"#).unwrap_err().0, "data: missing field `seed_x`");
    }

    #[test]
    fn a_root_has_three_coordinates_or_none() {
        let all = "data.root_x, root_y and root_z must all have a value, or none of them";
        assert_eq!(refusal(r#", "root_x": 1"#), all);
        assert_eq!(refusal(r#", "root_x": 1, "root_y": 2, "root_z": null"#), all);
        let text = r#"{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "root_x": 1, "root_y": 2, "root_z": 3}"#;
        let mut segment = NewSegment::parse(text).unwrap();
        segment.change(SegmentPatch::parse(r#"{"root_y": 7}"#).unwrap()).unwrap();
        assert_eq!((segment.root_x, segment.root_y), (Some(1.0), Some(7.0)));
        assert_eq!(segment.change(SegmentPatch::parse(r#"{"root_y": null}"#).unwrap()).unwrap_err().0, all);
    }

    #[test]
    fn points_are_finite_and_amounts_not_negative() {
        assert!(refusal(r#", "root_x": 1e400"#).contains("out of range"));
        assert_eq!(refusal(r#", "pre_synapse_count": -1"#), "data.pre_synapse_count must not be negative, found -1");
        assert!(refusal(r#", "skeleton_path_length_mm": -0.5"#).ends_with("found -0.5"));
    }

    #[test]
    fn null_clears_what_may_be_empty_and_nothing_else() {
        for key in ["seed_x", "status", "is_exported"] {
            let error = SegmentPatch::parse(&format!(r#"{{"{key}": null}}"#)).unwrap_err();
            assert!(error.0.starts_with(&format!("data.{key}: invalid type: null")), "{error}");
        }
        for key in ["batch", "current_segment_id", "expected_segment_type", "last_merge_at", "extra_data"] {
            SegmentPatch::parse(&format!(r#"{{"{key}": null}}"#)).unwrap();
        }
        let error = SegmentPatch::parse(r#"{"seed_id": 2}"#).unwrap_err();
        assert_eq!(error.0, "data.seed_id cannot be set here: a segment keeps its seed");
    }

    #[test]
    fn statuses_have_the_names_that_they_are_read_by() {
        for status in ["Raw", "Proofread", "Duplicate", "Wrong type", "Verified"] {
            let filters = SegmentFilters::parse(&format!(r#"{{"status": "{status}"}}"#)).unwrap();
            assert_eq!(filters.status.map(SegmentStatus::name), Some(status));
        }
    }

    #[test]
    fn the_bad_one_of_many_is_named() {
        let one = r#"{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0}"#;
        let bad = one.replace("}", r#", "segment_type": ""}"#);
        let error = NewSegment::parse_all(&format!("[{one}, {bad}]")).unwrap_err();
        assert_eq!(error.0, "data[1].segment_type must not be empty");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = NewSegment::parse(&text);
            let _ = NewSegment::parse_all(&text);
            let _ = SegmentPatch::parse(&text);
            let _ = SegmentFilters::parse(&text);
        }
    }
}
