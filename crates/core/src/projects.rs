//! What may be said of a project.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::arguments::{Invalid, check_positive, parse, parse_patch, present};

/// Changes to a project: an absent key keeps the value, null clears it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch<'a> {
    #[serde(default, deserialize_with = "present")]
    pub description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub segmentation_path: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub sv_resolution_x: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    pub sv_resolution_y: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    pub sv_resolution_z: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    pub brain_mesh_path: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub datastack_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    pub synapse_table: Option<Option<String>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub extra_layers: Option<Option<&'a RawValue>>,
    #[serde(default, deserialize_with = "present")]
    pub max_idle_seconds: Option<Option<f64>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub notify_events: Option<Option<&'a RawValue>>,
}

impl<'a> ProjectPatch<'a> {
    const FIXED: [(&'static str, &'static str); 3] = [
        ("project_name", "a project keeps its name"),
        ("status", "pause_project, resume_project and archive_project set it"),
        ("created_at", "create_project sets it"),
    ];

    /// Parses and checks the `data` argument of `update_project`.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        let patch: Self = parse_patch(text, &Self::FIXED)?;
        patch.check("data.")?;
        if let Some(Some(layers)) = patch.extra_layers {
            check_extra_layers("data.extra_layers", layers.get())?;
        }
        Ok(patch)
    }

    /// Checks the numbers; `prefix` stands before the name of each in a refusal.
    pub fn check(&self, prefix: &str) -> Result<(), Invalid> {
        let numbers = [
            ("sv_resolution_x", self.sv_resolution_x),
            ("sv_resolution_y", self.sv_resolution_y),
            ("sv_resolution_z", self.sv_resolution_z),
            ("max_idle_seconds", self.max_idle_seconds),
        ];
        for (name, number) in numbers {
            number.flatten().map_or(Ok(()), |number| check_positive(format_args!("{prefix}{name}"), number))?;
        }
        Ok(())
    }
}

/// Extra layers are a list of neuroglancer layer objects.
pub fn check_extra_layers(argument: &str, text: &str) -> Result<(), Invalid> {
    parse::<Vec<serde_json::Map<String, serde_json::Value>>>(argument, text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_layers_are_a_list_of_objects() {
        assert!(ProjectPatch::parse(r#"{"extra_layers": [{"name": "nuclei"}]}"#).is_ok());
        assert!(ProjectPatch::parse(r#"{"extra_layers": {"name": "nuclei"}}"#).is_err());
        assert!(ProjectPatch::parse(r#"{"extra_layers": [1]}"#).is_err());
    }

    #[test]
    fn resolutions_are_positive() {
        let error = ProjectPatch::parse(r#"{"sv_resolution_y": 0}"#).unwrap_err();
        assert_eq!(error.0, "data.sv_resolution_y must be a positive finite number, found 0");
    }
}
