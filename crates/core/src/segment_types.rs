//! What may be said of a segment type.

use serde::Deserialize;

use crate::arguments::{Invalid, check_name, or_default, parse_object, parse_patch, present};
use crate::tasks::SeedId;

/// The `data` of `create_segment_type`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSegmentType {
    pub type_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub sample_segment_ids: Vec<SeedId>,
    pub description: Option<String>,
    pub region_mesh: Option<String>,
    pub seed_mask: Option<String>,
    pub instruction: Option<String>,
    pub instruction_link: Option<String>,
}

/// The `data` of `update_segment_type`: an absent key keeps the value, null clears it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SegmentTypePatch {
    #[serde(deserialize_with = "present")]
    pub sample_segment_ids: Option<Vec<SeedId>>,
    #[serde(deserialize_with = "present")]
    pub description: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub region_mesh: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub seed_mask: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub instruction: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    pub instruction_link: Option<Option<String>>,
}

impl NewSegmentType {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let segment_type: Self = parse_object("data", text)?;
        check_name("data.type_name", &segment_type.type_name)?;
        Ok(segment_type)
    }
}

impl SegmentTypePatch {
    const FIXED: [(&str, &str); 4] = [
        ("type_name", "a segment type keeps its name"),
        ("project_name", "a segment type stays in its project"),
        ("created_at", "create_segment_type sets it"),
        ("updated_at", "update_segment_type sets it"),
    ];

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_patch(text, &Self::FIXED)
    }
}
