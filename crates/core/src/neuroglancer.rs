//! Neuroglancer states: what the viewer shows of a segment, a trace or a segment type. They are built from rows that somebody
//! else has read; keys and layers have the order of the annotation reference, section 14.

pub mod annotations;
pub mod extraction;
pub mod layers;
pub mod link;
pub mod saved;
pub mod seed;
pub mod verification;

use serde::Serialize;
use serde_json::value::RawValue;

use self::annotations::{MergeEdit, lines, points};
use self::layers::{AnnotationLayer, Layer, SEGMENTATION, SegmentType};
use crate::arguments::{Invalid, parse};

/// Three coordinates: voxels of the project's resolution, unless said otherwise.
pub type Point = [f64; 3];

/// What all states of a project share.
#[derive(Debug)]
pub struct Project {
    pub project_name: String,
    /// Nanometres of a voxel.
    pub resolution: Point,
    pub segmentation_path: String,
    pub extra_layers: Vec<Box<RawValue>>,
}

/// A segment with its endpoints. What continues elsewhere is shown nowhere, so it is not here.
#[derive(Debug, Default)]
pub struct Segment {
    pub seed: Point,
    pub root: Option<Point>,
    pub current_segment_id: Option<u64>,
    pub certain_ends: Vec<Point>,
    pub uncertain_ends: Vec<Point>,
    pub breadcrumbs: Vec<Point>,
}

/// Which layers a state has beside those that every state of a segment has.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub certain_ends: bool,
    pub uncertain_ends: bool,
    pub breadcrumbs: bool,
    pub segment_type: Option<&'a SegmentType>,
    pub merges: Option<&'a [MergeEdit]>,
}

impl Shown<'_> {
    /// All that a segment has by itself.
    pub const EVERYTHING: Self =
        Self { certain_ends: true, uncertain_ends: true, breadcrumbs: true, segment_type: None, merges: None };
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State<'a> {
    dimensions: Dimensions,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Point>,
    cross_section_scale: f64,
    projection_orientation: [f64; 4],
    projection_scale: f64,
    projection_depth: f64,
    layers: Vec<Layer<'a>>,
    show_slices: bool,
    selected_layer: SelectedLayer,
    layout: &'static str,
}

/// Metres of a voxel.
#[derive(Clone, Copy, Debug, Serialize)]
struct Dimensions {
    x: (f64, &'static str),
    y: (f64, &'static str),
    z: (f64, &'static str),
}

#[derive(Debug, Serialize)]
struct SelectedLayer {
    visible: bool,
    layer: &'static str,
}

impl Project {
    /// `extra_layers` is an array of layers, which are shown as they are.
    pub fn new(
        project_name: String,
        resolution: Point,
        segmentation_path: String,
        extra_layers: Option<&str>,
    ) -> Result<Self, Invalid> {
        let extra_layers = extra_layers.map_or(Ok(vec![]), |layers| parse("extra_layers", layers))?;
        Ok(Self { project_name, resolution, segmentation_path, extra_layers })
    }

    fn dimensions(&self) -> Dimensions {
        let [x, y, z] = self.resolution.map(|nanometres| (nanometres * 1e-9, "m"));
        Dimensions { x, y, z }
    }
}

impl<'a> State<'a> {
    /// The state of a segment or, with the merges of a task, of its trace.
    pub fn of_segment(project: &'a Project, segment: &Segment, shown: &Shown<'a>) -> Self {
        let layer = |name, color, at: &[Point]| {
            AnnotationLayer::new(project.dimensions(), name, color, points(&project.project_name, name, at)).into()
        };
        let root = segment.root.as_slice();
        let mut layers: Vec<Layer> = vec![
            layers::segmentation(project, segment.current_segment_id),
            layer(layers::SEED_LOCATION, "#ff00ff", &[segment.seed]),
            layer(layers::ROOT_LOCATION, "#00ff00", root),
        ];
        let ends = [
            (shown.certain_ends, layers::CERTAIN_ENDS, "#ffff00", &segment.certain_ends),
            (shown.uncertain_ends, layers::UNCERTAIN_ENDS, "#ff0000", &segment.uncertain_ends),
            (shown.breadcrumbs, layers::BREADCRUMBS, "#0400ff", &segment.breadcrumbs),
        ];
        let shown_ends = ends.into_iter().filter(|(is_shown, ..)| *is_shown);
        layers.extend(shown_ends.map(|(_, name, color, at)| layer(name, color, at)));
        if let Some(segment_type) = shown.segment_type {
            layers.extend(segment_type.layers(project, layers::Naming::General));
        }
        if let Some(edits) = shown.merges {
            let lines = lines(project, layers::MERGES, edits);
            layers.push(AnnotationLayer::new(project.dimensions(), layers::MERGES, "#ff8c00", lines).into());
        }
        Self::new(project, Some(segment.seed), layers)
    }

    /// What a segment type looks like, without a place to look at.
    pub fn of_segment_type(project: &'a Project, segment_type: &'a SegmentType, naming: layers::Naming) -> Self {
        Self::new(project, None, segment_type.layers(project, naming))
    }

    fn new(project: &'a Project, position: Option<Point>, layers: Vec<Layer<'a>>) -> Self {
        let extra = project.extra_layers.iter().map(|layer| Layer::Extra(layer));
        Self {
            dimensions: project.dimensions(),
            position,
            cross_section_scale: 0.5,
            projection_orientation: [0.5, -0.5, 0.5, 0.5],
            projection_scale: 2740.449487163767,
            projection_depth: 541651.3969244945,
            layers: extra.chain(layers).collect(),
            show_slices: false,
            selected_layer: SelectedLayer { visible: true, layer: SEGMENTATION },
            layout: "xy-3d",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::layers::Naming;
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn project(extra_layers: Option<&str>) -> Project {
        Project::new("p".into(), [4.0, 4.0, 40.0], "gs://seg".into(), extra_layers).unwrap()
    }

    fn parsed(state: &State) -> Value {
        serde_json::from_str(&link::json(state).unwrap()).unwrap()
    }

    fn names(state: &Value) -> Vec<&str> {
        let layers = state["layers"].as_array().unwrap();
        layers.iter().map(|layer| layer["name"].as_str().unwrap()).collect()
    }

    fn annotations<'v>(state: &'v Value, name: &str) -> &'v [Value] {
        let layers = state["layers"].as_array().unwrap();
        layers.iter().find(|layer| layer["name"] == name).unwrap()["annotations"].as_array().unwrap()
    }

    #[test]
    fn a_state_is_written_in_one_order() {
        let project = project(Some(r#"[{"type": "image", "name": "EM"}]"#));
        let segment = Segment {
            seed: [100.0, 200.5, 300.0],
            current_segment_id: Some(u64::MAX),
            certain_ends: vec![[1.0, 2.0, 3.0]],
            ..Segment::default()
        };
        let segment_type = SegmentType {
            sample_segment_ids: vec!["7".into(), "8".into()],
            seed_mask: Some("gs://mask".into()),
            region_mesh: Some("gs://mesh".into()),
            ..SegmentType::default()
        };
        let shown = Shown {
            uncertain_ends: false,
            breadcrumbs: true,
            segment_type: Some(&segment_type),
            merges: Some(&[MergeEdit(vec![Some([4.0, 8.0, 40.0]), Some([10.0, 10.0, 10.0])])]),
            ..Shown::EVERYTHING
        };
        let dimensions = r#"{"x": [4e-09, "m"], "y": [4e-09, "m"], "z": [4e-08, "m"]}"#;
        let layer = |tool: &str, tab: &str, color: &str, annotations: &str, name: &str| {
            format!(
                r#"{{"type": "annotation", "source": {{"url": "local://annotations", "transform": {{"outputDimensions": {dimensions}}}}}, "tool": "{tool}", "tab": "{tab}", "annotationColor": "{color}", "annotations": [{annotations}], "name": "{name}"}}"#
            )
        };
        let seed = r#"{"point": [100.0, 200.5, 300.0], "type": "point", "id": "ID"}"#;
        let end = r#"{"point": [1.0, 2.0, 3.0], "type": "point", "id": "ID"}"#;
        let line = r#"{"pointA": [1.0, 2.0, 1.0], "pointB": [2.5, 2.5, 0.25], "type": "line", "id": "ID"}"#;
        let layers = [
            r#"{"type": "image", "name": "EM"}"#.into(),
            r#"{"type": "segmentation", "source": "gs://seg", "tab": "segments", "selectedAlpha": 0.2, "segments": ["18446744073709551615"], "name": "Segmentation"}"#.into(),
            layer("annotatePoint", "annotations", "#ff00ff", seed, "Seed Location"),
            layer("annotatePoint", "annotations", "#00ff00", "", "Root Location"),
            layer("annotatePoint", "annotations", "#ffff00", end, "Certain Ends"),
            layer("annotatePoint", "rendering", "#0400ff", "", "Breadcrumbs"),
            r#"{"type": "segmentation", "source": "gs://seg", "tab": "segments", "selectedAlpha": 0.2, "name": "Segment Type Examples", "visible": false, "segments": ["7", "8"]}"#.into(),
            r#"{"type": "image", "source": "gs://mask", "tab": "source", "name": "Segment Type Seed Mask", "visible": false}"#.into(),
            r#"{"type": "segmentation", "source": "gs://mesh", "tab": "rendering", "objectAlpha": 0.27, "segments": ["1"], "name": "Segment Type Mesh", "visible": false}"#.into(),
            layer("annotateLine", "annotations", "#ff8c00", line, "MERGES"),
        ];
        let expected = format!(
            r#"{{"dimensions": {dimensions}, "position": [100.0, 200.5, 300.0], "crossSectionScale": 0.5, "projectionOrientation": [0.5, -0.5, 0.5, 0.5], "projectionScale": 2740.449487163767, "projectionDepth": 541651.3969244945, "layers": [{}], "showSlices": false, "selectedLayer": {{"visible": true, "layer": "Segmentation"}}, "layout": "xy-3d"}}"#,
            layers.join(", ")
        );
        let written = link::json(&State::of_segment(&project, &segment, &shown)).unwrap();
        let (mut text, mut rest) = (String::new(), written.as_str());
        while let Some((before, after)) = rest.split_once(r#""id": ""#) {
            text.extend([before, r#""id": "ID"#]);
            rest = &after[32..];
        }
        assert_eq!(text + rest, expected);
    }

    #[test]
    fn a_segment_type_has_a_state_without_a_place() {
        let project = project(Some(r#"[{"name": "EM"}]"#));
        let mut segment_type = SegmentType { type_name: "axon".into(), ..SegmentType::default() };
        let state = parsed(&State::of_segment_type(&project, &segment_type, Naming::ByType));
        assert_eq!(state.get("position"), None);
        assert_eq!(names(&state), ["EM", "axon Examples"]);
        assert_eq!(state["layers"][1].get("segments"), None);
        segment_type.region_mesh = Some("m".into());
        segment_type.seed_mask = Some("s".into());
        let state = parsed(&State::of_segment_type(&project, &segment_type, Naming::ByType));
        assert_eq!(names(&state), ["EM", "axon Examples", "axon Seed Mask", "axon Region Mesh"]);
        let empty = SegmentType { region_mesh: Some("".into()), seed_mask: Some("".into()), ..segment_type };
        let state = parsed(&State::of_segment_type(&project, &empty, Naming::General));
        assert_eq!(names(&state), ["EM", "Segment Type Examples"]);
    }

    #[test]
    fn background_is_no_segment() {
        for (id, segments) in [(None, json!([])), (Some(0), json!([])), (Some(7), json!(["7"]))] {
            let segment = Segment { current_segment_id: id, ..Segment::default() };
            let state = parsed(&State::of_segment(&project(None), &segment, &Shown::EVERYTHING));
            assert_eq!(state["layers"][0]["segments"], segments);
        }
    }

    fn segments() -> impl Strategy<Value = Segment> {
        (any::<Point>(), any::<Option<Point>>(), any::<Option<u64>>(), any::<[Vec<Point>; 3]>()).prop_map(
            |(seed, root, current_segment_id, [certain_ends, uncertain_ends, breadcrumbs])| Segment {
                seed,
                root,
                current_segment_id,
                certain_ends,
                uncertain_ends,
                breadcrumbs,
            },
        )
    }

    fn touches() -> impl Strategy<Value = Vec<MergeEdit>> {
        let point = prop::option::weighted(0.8, prop::array::uniform3(-1e9..1e9));
        prop::collection::vec(prop::collection::vec(point, 0..4).prop_map(MergeEdit), 0..6)
    }

    proptest! {
        #[test]
        fn every_point_is_shown_and_every_id_is_unique(
            segment in segments(), edits in touches(), has_merges: bool, flags: [bool; 3], extra in 0..3usize,
        ) {
            let extra_layers = Value::from(vec![json!({"name": "extra"}); extra]).to_string();
            let project = project(Some(&extra_layers));
            let [certain_ends, uncertain_ends, breadcrumbs] = flags;
            let merges = has_merges.then_some(edits.as_slice());
            let shown = Shown { certain_ends, uncertain_ends, breadcrumbs, merges, segment_type: None };
            let state = State::of_segment(&project, &segment, &shown);
            prop_assert_eq!(link::json(&state).unwrap(), link::json(&State::of_segment(&project, &segment, &shown)).unwrap());
            let state = parsed(&state);

            let lines = edits.iter().filter(|edit| matches!(edit.0.as_slice(), [Some(_), Some(_), ..])).count();
            let expected: Vec<(bool, &str, usize)> = vec![
                (true, "Seed Location", 1),
                (true, "Root Location", usize::from(segment.root.is_some())),
                (certain_ends, "Certain Ends", segment.certain_ends.len()),
                (uncertain_ends, "Uncertain Ends", segment.uncertain_ends.len()),
                (breadcrumbs, "Breadcrumbs", segment.breadcrumbs.len()),
                (has_merges, "MERGES", lines),
            ];
            let expected: Vec<_> = expected.into_iter().filter(|(is_shown, ..)| *is_shown).collect();
            let mut order = vec!["extra"; extra];
            order.push("Segmentation");
            order.extend(expected.iter().map(|(_, name, _)| *name));
            prop_assert_eq!(names(&state), order);
            let mut ids = HashSet::new();
            for (_, name, number) in expected {
                prop_assert_eq!(annotations(&state, name).len(), number, "{}", name);
                prop_assert!(annotations(&state, name).iter().all(|one| ids.insert(one["id"].as_str().unwrap().to_owned())));
            }
        }

        #[test]
        fn what_is_shown_is_what_is_read_back(segment in segments()) {
            let state = link::json(&State::of_segment(&project(None), &segment, &Shown::EVERYTHING)).unwrap();
            let trace = extraction::Trace::read(&state).unwrap();
            prop_assert_eq!(trace.segment_id, segment.current_segment_id.filter(|id| *id != 0));
            prop_assert_eq!(trace.root, segment.root.map(|[x, y, z]| [x, y, z - 0.5]));
            prop_assert_eq!(trace.certain_ends, segment.certain_ends);
            prop_assert_eq!(trace.uncertain_ends, segment.uncertain_ends);
            prop_assert_eq!(trace.breadcrumbs, segment.breadcrumbs);
        }
    }
}
