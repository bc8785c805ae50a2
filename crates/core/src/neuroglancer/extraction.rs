//! What a trace has found out, read from the state that was saved last: its segment, its root and its ends.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Point;
use super::layers::{BREADCRUMBS, CERTAIN_ENDS, ROOT_LOCATION, SEGMENTATION, UNCERTAIN_ENDS};
use super::saved::{SavedLayer, SavedState, coordinates};
use crate::arguments::{Invalid, Object};

/// A trace as it is to be kept: points in voxels, ends as they were marked, the root half a voxel less deep.
#[derive(Debug, Default, PartialEq)]
pub struct Trace {
    pub segment_id: Option<u64>,
    pub root: Option<Point>,
    pub certain_ends: Vec<Point>,
    pub uncertain_ends: Vec<Point>,
    pub breadcrumbs: Vec<Point>,
}

impl Trace {
    /// Reads a state. Annotations without a point (lines, say) are passed over; of several roots the last counts. Errors: a point
    /// of these layers, or the visible segment's id, is none.
    pub fn read(ng_state: &str) -> Result<Self, Invalid> {
        let state = SavedState::read(ng_state);
        let mut trace = Self { segment_id: segment_id(&state)?, ..Self::default() };
        for layer in state.layers.iter().filter(|layer| layer.is_annotation) {
            match layer.name.as_str() {
                ROOT_LOCATION => trace.root = points(layer)?.last().map(|[x, y, z]| [*x, *y, z - 0.5]).or(trace.root),
                CERTAIN_ENDS => trace.certain_ends.append(&mut points(layer)?),
                UNCERTAIN_ENDS => trace.uncertain_ends.append(&mut points(layer)?),
                BREADCRUMBS => trace.breadcrumbs.append(&mut points(layer)?),
                _ => {}
            }
        }
        Ok(trace)
    }
}

/// The first visible segment; an empty id is none.
fn segment_id(state: &SavedState) -> Result<Option<u64>, Invalid> {
    let first = state.layer(SEGMENTATION).and_then(|layer| layer.visible_segments().next());
    let Some(id) = first.filter(|id| !id.is_empty()) else { return Ok(None) };
    match id.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => {
            Err(Invalid(format!("the visible segment \"{id}\" is not an integer between 0 and 18446744073709551615")))
        }
    }
}

fn points(layer: &SavedLayer) -> Result<Vec<Point>, Invalid> {
    let mut points = vec![];
    for (position, annotation) in layer.annotations.iter().enumerate() {
        let Some(point) = point_of(annotation) else { continue };
        let place = coordinates(point, 0).ok_or_else(|| {
            let name = &layer.name;
            Invalid(format!("the point of annotation {} of layer {name} is not three numbers", position + 1))
        })?;
        points.push(place);
    }
    Ok(points)
}

fn point_of(annotation: &RawValue) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Annotation<'a> {
        #[serde(borrow)]
        point: Option<&'a RawValue>,
    }
    let Object(annotation) = serde_json::from_str::<Object<Annotation>>(annotation.get()).ok()?;
    annotation.point
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuroglancer::layers::SEED_LOCATION;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn state(layers: Value) -> String {
        json!({ "layers": layers }).to_string()
    }

    fn layer(name: &str, points: &[Point]) -> Value {
        let annotations: Vec<Value> = points.iter().map(|point| json!({"point": point, "type": "point"})).collect();
        json!({"type": "annotation", "name": name, "annotations": annotations})
    }

    #[test]
    fn the_last_root_counts() {
        let text = state(json!([
            layer(ROOT_LOCATION, &[[1.0, 1.0, 1.0]]),
            layer(ROOT_LOCATION, &[[2.0, 2.0, 2.0], [3.0, 3.0, 3.5]]),
            layer(ROOT_LOCATION, &[]),
        ]));
        assert_eq!(Trace::read(&text).unwrap().root, Some([3.0, 3.0, 3.0]));
    }

    #[test]
    fn where_the_seed_was_marked_does_not_count() {
        let mut seeds = layer(SEED_LOCATION, &[[1.0, 2.0, 3.0]]);
        seeds["annotations"][0]["point"] = json!([1, "2"]);
        assert_eq!(Trace::read(&state(json!([seeds]))), Ok(Trace::default()));
    }

    #[test]
    fn only_points_of_annotation_layers_count() {
        let mut image = layer(CERTAIN_ENDS, &[[1.0, 1.0, 1.0]]);
        image["type"] = json!("image");
        let lines = json!({"type": "annotation", "name": CERTAIN_ENDS, "annotations": [
            {"pointA": [1, 1, 1], "pointB": [2, 2, 2], "type": "line"}, {"point": [3, 3, 3, 7]}, 5, null]});
        let trace = Trace::read(&state(json!([image, lines, layer("Other", &[[4.0, 4.0, 4.0]])]))).unwrap();
        assert_eq!(trace, Trace { certain_ends: vec![[3.0, 3.0, 3.0]], ..Trace::default() });
    }

    #[test]
    fn a_point_that_is_none_is_named() {
        for point in ["[1, 2]", "[1, 2, \"3\"]", "{}", "7", "[1, 2, 1e400]", "[1, 2, null]"] {
            let text = format!(
                r#"{{"layers": [{{"type": "annotation", "name": "Breadcrumbs", "annotations": [{{}}, {{"point": {point}}}]}}]}}"#
            );
            let error = Trace::read(&text).unwrap_err();
            assert_eq!(error.0, "the point of annotation 2 of layer Breadcrumbs is not three numbers", "{point}");
        }
    }

    #[test]
    fn the_first_visible_segment_counts() {
        let read = |segments: Value| {
            Trace::read(&state(json!([{"name": SEGMENTATION, "segments": segments}]))).map(|trace| trace.segment_id)
        };
        assert_eq!(read(json!([5, "!7", "18446744073709551615", "9"])), Ok(Some(u64::MAX)));
        assert_eq!(read(json!([5, "!7"])), Ok(None));
        assert_eq!(read(json!(["", "9"])), Ok(None));
        assert_eq!(read(json!("9")), Ok(None));
        for id in ["x", "-1", "18446744073709551616", "1.5"] {
            assert!(read(json!([id])).unwrap_err().0.contains(&format!("the visible segment \"{id}\"")));
        }
    }

    proptest! {
        #[test]
        fn every_end_is_found_to_the_last_bit(
            certain: Vec<Point>, uncertain: Vec<Point>, breadcrumbs: Vec<Point>, others in "[A-Z]{1,5}",
        ) {
            let text = state(json!([
                layer(BREADCRUMBS, &breadcrumbs), layer(CERTAIN_ENDS, &certain), layer(&others, &certain),
                layer(UNCERTAIN_ENDS, &uncertain),
            ]));
            let trace = Trace::read(&text).unwrap();
            prop_assert_eq!(trace.certain_ends, certain);
            prop_assert_eq!(trace.uncertain_ends, uncertain);
            prop_assert_eq!(trace.breadcrumbs, breadcrumbs);
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Trace::read(&text);
        }
    }
}
