//! What may be said of a supervoxel.

use serde::Deserialize;

use crate::arguments::{Invalid, parse_object, parse_objects};
use crate::tasks::SeedId;

/// The `data` of `create_supervoxel`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSupervoxel {
    pub supervoxel_id: SeedId,
    pub seed_x: f64,
    pub seed_y: f64,
    pub seed_z: f64,
    pub current_segment_id: SeedId,
}

impl NewSupervoxel {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        parse_object("data", text)
    }

    /// Parses the array of `create_supervoxels`.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Invalid> {
        parse_objects("data", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_key_is_needed_and_no_other_known() {
        let refusal = |text: &str| NewSupervoxel::parse(text).unwrap_err().0;
        assert_eq!(refusal(r#"{"supervoxel_id": 1}"#), "data: missing field `seed_x`");
        let whole = r#"{"supervoxel_id": 1, "seed_x": 1, "seed_y": 2, "seed_z": 3, "current_segment_id": "9""#;
        assert!(NewSupervoxel::parse(&format!("{whole}}}")).is_ok());
        assert!(refusal(&format!("{whole}, \"x\": 1}}")).starts_with("data.x: unknown field"));
        assert_eq!(
            NewSupervoxel::parse_all(&format!("[{whole}}}, 7]")).unwrap_err().0,
            "data[1]: invalid type: integer `7`, expected an object"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            let _ = NewSupervoxel::parse(&text);
            let _ = NewSupervoxel::parse_all(&text);
        }
    }
}
