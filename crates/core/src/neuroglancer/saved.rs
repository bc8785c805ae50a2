//! A state as somebody saved it, as far as rules look at it. It is whatever JSON a client sent: what has another shape than a
//! state has is as if it were not there, and the rest, however large or deep, is passed over.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Point;
use crate::arguments::Object;

#[derive(Debug, Default)]
pub struct SavedState<'a> {
    pub layers: Vec<SavedLayer<'a>>,
}

#[derive(Debug)]
pub struct SavedLayer<'a> {
    pub is_annotation: bool,
    pub name: String,
    pub annotations: Vec<&'a RawValue>,
    segments: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    layers: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Layer<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    segments: Option<&'a RawValue>,
}

impl<'a> SavedState<'a> {
    pub fn read(text: &'a str) -> Self {
        let Ok(Object(state)) = serde_json::from_str::<Object<State>>(text) else { return Self::default() };
        let layers = list(state.layers).into_iter().filter_map(SavedLayer::read);
        Self { layers: layers.collect() }
    }

    /// The first layer of this name.
    pub fn layer(&self, name: &str) -> Option<&SavedLayer<'a>> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

impl<'a> SavedLayer<'a> {
    /// A layer without a name is no layer that anybody could ask for.
    fn read(layer: &'a RawValue) -> Option<Self> {
        let Object(layer) = serde_json::from_str::<Object<Layer>>(layer.get()).ok()?;
        Some(Self {
            is_annotation: layer.r#type.and_then(text).is_some_and(|kind| kind == "annotation"),
            name: layer.name.and_then(text)?,
            annotations: list(layer.annotations),
            segments: list(layer.segments),
        })
    }

    /// The ids of the segments that are shown: texts, those of hidden ones beginning with "!".
    pub fn visible_segments(&self) -> impl Iterator<Item = String> {
        self.segments.iter().filter_map(|segment| text(segment)).filter(|segment| !segment.starts_with('!'))
    }
}

/// Three numbers of an array, from a position on; there may be more.
pub fn coordinates(value: &RawValue, first: usize) -> Option<Point> {
    let entries: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
    let [x, y, z, ..] = entries.get(first..)? else { return None };
    let number = |entry: &RawValue| serde_json::from_str(entry.get()).ok();
    Some([number(x)?, number(y)?, number(z)?])
}

fn list(value: Option<&RawValue>) -> Vec<&RawValue> {
    value.and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or_default()
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn names(text: &str) -> Vec<String> {
        SavedState::read(text).layers.into_iter().map(|layer| layer.name).collect()
    }

    #[test]
    fn what_has_another_shape_is_not_there() {
        for text in
            ["", "null", "[]", "[[{\"name\": \"a\"}]]", "5", "{", r#"{"layers": {"name": "a"}}"#, r#"{"layers": null}"#]
        {
            assert!(names(text).is_empty(), "{text}");
        }
        let text = r#"{"layers": [5, null, [], "a", {}, {"name": 7}, {"name": "\u0041", "type": [], "annotations": {}, "segments": 1}]}"#;
        assert_eq!(names(text), ["A"]);
        let state = SavedState::read(text);
        let layer = state.layer("A").unwrap();
        assert!(!layer.is_annotation && layer.annotations.is_empty() && layer.visible_segments().next().is_none());
    }

    #[test]
    fn depth_and_size_are_passed_over() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        let long = "y".repeat(10 << 20);
        let text = format!(
            r#"{{"deep": {deep}, "layers": [{deep}, {{"deep": {deep}, "name": "a", "annotations": [{deep}, "{long}"]}}], "long": "{long}"}}"#
        );
        assert_eq!(names(&text), ["a"]);
        assert_eq!(SavedState::read(&text).layers[0].annotations.len(), 2);
    }

    #[test]
    fn a_state_of_many_annotations_is_read_whole() {
        let annotation = json!({"point": [1.5, 2.5, 3.5], "type": "point", "id": "0123456789abcdef0123456789abcdef"});
        let annotations: Vec<Value> = vec![annotation; 100_000];
        let text = json!({"layers": [{"name": "a", "annotations": annotations}]}).to_string();
        assert_eq!(SavedState::read(&text).layers[0].annotations.len(), 100_000);
    }

    proptest! {
        #[test]
        fn layers_are_those_with_a_name(given in prop::collection::vec(prop::option::of("[a-c]"), 0..6)) {
            let layers: Vec<Value> = given.iter().map(|name| json!({"name": name})).collect();
            let named: Vec<String> = given.into_iter().flatten().collect();
            prop_assert_eq!(names(&json!({"layers": layers}).to_string()), named);
        }
    }
}
