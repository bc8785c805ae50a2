//! Edits a neuroglancer state as the viewer does: sets the points of a layer, and which segments are shown.

use serde_json::{Value, json};
use task_mgmt_core::neuroglancer::Point;

/// Replaces the points of an annotation layer. A state without it stays as it is; `points` tells.
pub fn set_points(state: &mut Value, layer: &str, points: &[Point]) {
    let annotation =
        |(number, point): (usize, &Point)| json!({"type": "point", "point": point, "id": format!("{number:032x}")});
    let annotations: Vec<Value> = points.iter().enumerate().map(annotation).collect();
    if let Some(layer) = find(state, layer) {
        layer["annotations"] = annotations.into();
    }
}

/// The points of an annotation layer; none if there is no such layer.
pub fn points(state: &Value, layer: &str) -> Vec<Point> {
    let layers = state["layers"].as_array().into_iter().flatten();
    let annotations = layers.filter(|found| found["name"] == layer).filter_map(|layer| layer["annotations"].as_array());
    annotations.flatten().filter_map(|annotation| serde_json::from_value(annotation["point"].clone()).ok()).collect()
}

/// Which segments a segmentation layer shows.
pub fn set_segments(state: &mut Value, layer: &str, segments: &[u64]) {
    let ids: Vec<String> = segments.iter().map(u64::to_string).collect();
    if let Some(layer) = find(state, layer) {
        layer["segments"] = ids.into();
    }
}

fn find<'s>(state: &'s mut Value, layer: &str) -> Option<&'s mut Value> {
    state["layers"].as_array_mut()?.iter_mut().find(|found| found["name"] == layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> Value {
        json!({"layers": [{"name": "Ends", "annotations": [{"point": [1, 2, 3]}, {"pointA": [1, 2, 3]}]}, {"name": "Cells"}]})
    }

    #[test]
    fn points_are_read_as_they_were_written() {
        let mut state = state();
        assert_eq!(points(&state, "Ends"), [[1.0, 2.0, 3.0]]);
        let written = [[0.1 + 0.2, -1e300, 5e-324], [0.0, 1.0, 2.0]];
        set_points(&mut state, "Ends", &written);
        let text = state.to_string();
        assert_eq!(points(&serde_json::from_str(&text).unwrap(), "Ends"), written);
    }

    #[test]
    fn segments_are_texts() {
        let mut state = state();
        set_segments(&mut state, "Cells", &[7, u64::MAX]);
        assert_eq!(state["layers"][1]["segments"], json!(["7", "18446744073709551615"]));
    }

    #[test]
    fn a_layer_that_is_missing_stays_so() {
        let mut changed = state();
        set_points(&mut changed, "None", &[[1.0; 3]]);
        set_segments(&mut changed, "None", &[1]);
        assert_eq!(changed, state());
        assert!(points(&changed, "None").is_empty() && points(&json!(null), "Ends").is_empty());
    }
}
