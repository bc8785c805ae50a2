//! Layers of a state. The order of the fields is the order of the keys.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::annotations::Annotation;
use super::{Dimensions, Project};

pub const SEGMENTATION: &str = "Segmentation";
pub const SEED_LOCATION: &str = "Seed Location";
pub const ROOT_LOCATION: &str = "Root Location";
pub const CERTAIN_ENDS: &str = "Certain Ends";
pub const UNCERTAIN_ENDS: &str = "Uncertain Ends";
pub const BREADCRUMBS: &str = "Breadcrumbs";
pub const MERGES: &str = "MERGES";

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Layer<'a> {
    Extra(&'a RawValue),
    Segmentation(SegmentationLayer<'a>),
    Annotation(AnnotationLayer),
    Examples(ExamplesLayer<'a>),
    Mask(MaskLayer<'a>),
    Mesh(MeshLayer<'a>),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentationLayer<'a> {
    r#type: &'static str,
    source: &'a str,
    tab: &'static str,
    selected_alpha: f64,
    segments: Vec<String>,
    name: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnnotationLayer {
    r#type: &'static str,
    source: LocalSource,
    tool: &'static str,
    tab: &'static str,
    annotation_color: &'static str,
    annotations: Vec<Annotation>,
    name: &'static str,
}

#[derive(Debug, Serialize)]
struct LocalSource {
    url: &'static str,
    transform: Transform,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Transform {
    output_dimensions: Dimensions,
}

/// The segmentation again, with the samples of a segment type.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExamplesLayer<'a> {
    r#type: &'static str,
    source: &'a str,
    tab: &'static str,
    selected_alpha: f64,
    name: Cow<'static, str>,
    visible: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    segments: &'a [String],
}

#[derive(Debug, Serialize)]
pub struct MaskLayer<'a> {
    r#type: &'static str,
    source: &'a str,
    tab: &'static str,
    name: Cow<'static, str>,
    visible: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshLayer<'a> {
    r#type: &'static str,
    source: &'a str,
    tab: &'static str,
    object_alpha: f64,
    segments: [&'static str; 1],
    name: Cow<'static, str>,
    visible: bool,
}

/// A segment type as far as it is shown.
#[derive(Debug, Default)]
pub struct SegmentType {
    pub type_name: String,
    pub sample_segment_ids: Vec<String>,
    pub seed_mask: Option<String>,
    pub region_mesh: Option<String>,
}

/// What the layers of a segment type are named by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Naming {
    General,
    ByType,
}

/// The segment as it is now; 0, the background, is none.
pub fn segmentation(project: &Project, current_segment_id: Option<u64>) -> Layer<'_> {
    Layer::Segmentation(SegmentationLayer {
        r#type: "segmentation",
        source: &project.segmentation_path,
        tab: "segments",
        selected_alpha: 0.2,
        segments: current_segment_id.filter(|id| *id != 0).iter().map(u64::to_string).collect(),
        name: SEGMENTATION,
    })
}

impl AnnotationLayer {
    pub(super) fn new(
        dimensions: Dimensions,
        name: &'static str,
        annotation_color: &'static str,
        annotations: Vec<Annotation>,
    ) -> Self {
        Self {
            r#type: "annotation",
            source: LocalSource { url: "local://annotations", transform: Transform { output_dimensions: dimensions } },
            tool: if name == MERGES { "annotateLine" } else { "annotatePoint" },
            tab: if name == BREADCRUMBS { "rendering" } else { "annotations" },
            annotation_color,
            annotations,
            name,
        }
    }
}

impl From<AnnotationLayer> for Layer<'_> {
    fn from(layer: AnnotationLayer) -> Self {
        Self::Annotation(layer)
    }
}

impl SegmentType {
    /// Hidden layers: examples always, mask and mesh if there are any.
    pub fn layers<'a>(&'a self, project: &'a Project, naming: Naming) -> Vec<Layer<'a>> {
        let name = |general: &'static str, suffix| match naming {
            Naming::General => Cow::Borrowed(general),
            Naming::ByType => Cow::Owned(format!("{} {suffix}", self.type_name)),
        };
        let examples = Layer::Examples(ExamplesLayer {
            r#type: "segmentation",
            source: &project.segmentation_path,
            tab: "segments",
            selected_alpha: 0.2,
            name: name("Segment Type Examples", "Examples"),
            visible: false,
            segments: &self.sample_segment_ids,
        });
        let mask = given(&self.seed_mask).map(|source| {
            Layer::Mask(MaskLayer {
                r#type: "image",
                source,
                tab: "source",
                name: name("Segment Type Seed Mask", "Seed Mask"),
                visible: false,
            })
        });
        let mesh = given(&self.region_mesh).map(|source| {
            Layer::Mesh(MeshLayer {
                r#type: "segmentation",
                source,
                tab: "rendering",
                object_alpha: 0.27,
                segments: ["1"],
                name: name("Segment Type Mesh", "Region Mesh"),
                visible: false,
            })
        });
        [Some(examples), mask, mesh].into_iter().flatten().collect()
    }
}

/// A path that is not empty.
fn given(path: &Option<String>) -> Option<&str> {
    path.as_deref().filter(|path| !path.is_empty())
}
