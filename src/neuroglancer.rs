//! What neuroglancer shows of segments, traces and segment types. Reading writes nothing; the one thing that is written is a
//! task's state where it is in the seed form, see `expansion`.

pub mod expansion;
mod segment_state;
mod trace_state;
mod type_layers;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::neuroglancer::layers::Naming;
use task_mgmt_core::neuroglancer::link::{json, link};
use task_mgmt_core::neuroglancer::{Shown, State};

use self::segment_state::Scene;
use self::type_layers::TypeScene;
use crate::access::{self, Level};
use crate::arguments::required;
use crate::error::Error;
use crate::ids;
use crate::json::Jsonb;
use crate::settings;

/// The neuroglancer state of a segment, as a JSON object.
///
/// Its layers are, in this order: the project's extra layers as they are, Segmentation with the current segment, Seed Location,
/// Root Location; Certain Ends, Uncertain Ends and Breadcrumbs; and those of the expected segment type, without its name. Points
/// are voxels of the project's resolution. The ids of annotations follow from what they are: two readers of the same rows get the
/// same state.
/// *Arguments*: each `include_` leaves its layers out if false.
/// *Errors*: P0002 project or segment unknown, or the expected segment type; 55000 the project has no resolution or
/// segmentation_path; 22023 bad seed_id; 42501 access denied.
/// *Source*: annotation reference 14.1.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_ng_state(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    include_certain_ends: default!(Option<bool>, true),
    include_uncertain_ends: default!(Option<bool>, true),
    include_breadcrumbs: default!(Option<bool>, true),
    include_segment_type_layers: default!(Option<bool>, true),
) -> Result<Jsonb, ErrorReport> {
    let ends = Ends::given(include_certain_ends, include_uncertain_ends, include_breadcrumbs)?;
    Ok(Jsonb::of(&segment_state(project_name, seed_id, ends, include_segment_type_layers)?)?)
}

/// A link that opens the neuroglancer state of a segment.
///
/// *Arguments*, *Errors*: as `get_segment_ng_state`. The viewer is the setting `task_mgmt.neuroglancer_url`.
/// *Source*: annotation reference 14.1.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_link(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    include_certain_ends: default!(Option<bool>, true),
    include_uncertain_ends: default!(Option<bool>, true),
    include_breadcrumbs: default!(Option<bool>, true),
    include_segment_type_layers: default!(Option<bool>, true),
) -> Result<String, ErrorReport> {
    let ends = Ends::given(include_certain_ends, include_uncertain_ends, include_breadcrumbs)?;
    Ok(as_link(&segment_state(project_name, seed_id, ends, include_segment_type_layers)?))
}

/// The neuroglancer state of a task's segment, as a JSON object: that of `get_segment_ng_state`, and a layer MERGES with a line for
/// each merge that was made in the task, oldest first.
///
/// The segment is the task's segment_seed_id or, without one, the one that the task is linked to.
/// *Arguments*: each `include_` leaves its layers out if false.
/// *Errors*: P0002 task or segment unknown, or the task belongs to none; 55000 the project has no resolution or
/// segmentation_path; 42501 access denied. An expected segment type that does not exist has no layers.
/// *Source*: annotation reference 14.3, 21.19.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_trace_task_state(
    project_name: Option<&str>,
    task_id: Option<&str>,
    include_certain_ends: default!(Option<bool>, true),
    include_uncertain_ends: default!(Option<bool>, true),
    include_breadcrumbs: default!(Option<bool>, true),
    include_segment_type_layers: default!(Option<bool>, true),
    include_merges: default!(Option<bool>, true),
) -> Result<Jsonb, ErrorReport> {
    let ends = Ends::given(include_certain_ends, include_uncertain_ends, include_breadcrumbs)?;
    Ok(Jsonb::of(&trace_state(project_name, task_id, ends, include_segment_type_layers, include_merges)?)?)
}

/// A link that opens the neuroglancer state of a task's segment.
///
/// *Arguments*, *Errors*: as `get_trace_task_state`. The viewer is the setting `task_mgmt.neuroglancer_url`.
/// *Source*: annotation reference 14.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_trace_task_link(
    project_name: Option<&str>,
    task_id: Option<&str>,
    include_certain_ends: default!(Option<bool>, true),
    include_uncertain_ends: default!(Option<bool>, true),
    include_breadcrumbs: default!(Option<bool>, true),
    include_segment_type_layers: default!(Option<bool>, true),
    include_merges: default!(Option<bool>, true),
) -> Result<String, ErrorReport> {
    let ends = Ends::given(include_certain_ends, include_uncertain_ends, include_breadcrumbs)?;
    Ok(as_link(&trace_state(project_name, task_id, ends, include_segment_type_layers, include_merges)?))
}

/// The layers that show a segment type, as a JSON array: examples, then the seed mask and the region mesh if there are any. All
/// are hidden at first.
///
/// *Arguments*: with `include_names` the layers are named by the type ("axon Examples"), else in general ("Segment Type
/// Examples").
/// *Errors*: P0002 project or segment type unknown; 55000 the project has no resolution or segmentation_path; 42501 access denied.
/// *Source*: annotation reference 14.4.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_type_layers(
    project_name: Option<&str>,
    segment_type_name: Option<&str>,
    include_names: default!(Option<bool>, false),
) -> Result<Jsonb, ErrorReport> {
    let (scene, naming) = segment_type(project_name, segment_type_name, include_names)?;
    let layers = json(&scene.segment_type.layers(&scene.project, naming)).map_err(Error::from)?;
    Ok(Jsonb::of(&layers)?)
}

/// A link that opens the layers of a segment type, after the project's extra layers.
///
/// *Arguments*, *Errors*: as `get_segment_type_layers`, but the layers are named by the type unless `include_names` is false. The
/// viewer is the setting `task_mgmt.neuroglancer_url`.
/// *Source*: annotation reference 14.4.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_type_link(
    project_name: Option<&str>,
    segment_type_name: Option<&str>,
    include_names: default!(Option<bool>, true),
) -> Result<String, ErrorReport> {
    let (scene, naming) = segment_type(project_name, segment_type_name, include_names)?;
    let state = State::of_segment_type(&scene.project, &scene.segment_type, naming);
    Ok(as_link(&json(&state).map_err(Error::from)?))
}

/// The layers of ends that somebody asked for.
struct Ends {
    certain_ends: bool,
    uncertain_ends: bool,
    breadcrumbs: bool,
}

impl Ends {
    fn given(certain: Option<bool>, uncertain: Option<bool>, breadcrumbs: Option<bool>) -> Result<Self, Error> {
        Ok(Self {
            certain_ends: required("include_certain_ends", certain)?,
            uncertain_ends: required("include_uncertain_ends", uncertain)?,
            breadcrumbs: required("include_breadcrumbs", breadcrumbs)?,
        })
    }

    fn shown(&self) -> Shown<'static> {
        Shown {
            certain_ends: self.certain_ends,
            uncertain_ends: self.uncertain_ends,
            breadcrumbs: self.breadcrumbs,
            ..Shown::EVERYTHING
        }
    }
}

fn segment_state(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    ends: Ends,
    include_segment_type_layers: Option<bool>,
) -> Result<String, Error> {
    let project = required("project_name", project_name)?;
    let seed_id = ids::one("seed_id", seed_id)?;
    let has_type = required("include_segment_type_layers", include_segment_type_layers)?;
    access::require(Level::Reader, project)?;
    let scene = Scene::visible(project, seed_id)?;
    let segment_type = if has_type { scene.expected_type()? } else { None };
    scene.json(&Shown { segment_type, ..ends.shown() })
}

fn trace_state(
    project_name: Option<&str>,
    task_id: Option<&str>,
    ends: Ends,
    include_segment_type_layers: Option<bool>,
    include_merges: Option<bool>,
) -> Result<String, Error> {
    let project = required("project_name", project_name)?;
    let task_id = required("task_id", task_id)?;
    let has_type = required("include_segment_type_layers", include_segment_type_layers)?;
    let has_merges = required("include_merges", include_merges)?;
    access::require(Level::Reader, project)?;
    let task = trace_state::Task::find(project, task_id)?;
    let scene = Scene::visible(project, task.seed_id)?;
    let segment_type = scene.segment_type.as_ref().filter(|_| has_type);
    let edits = if has_merges { trace_state::merge_edits(project, task.task_no)? } else { vec![] };
    scene.json(&Shown { segment_type, merges: has_merges.then_some(&edits), ..ends.shown() })
}

fn segment_type(
    project_name: Option<&str>,
    segment_type_name: Option<&str>,
    include_names: Option<bool>,
) -> Result<(TypeScene, Naming), Error> {
    let project = required("project_name", project_name)?;
    let segment_type = required("segment_type_name", segment_type_name)?;
    let naming = if required("include_names", include_names)? { Naming::ByType } else { Naming::General };
    access::require(Level::Reader, project)?;
    Ok((TypeScene::find(project, segment_type)?, naming))
}

fn as_link(json: &str) -> String {
    link(&settings::neuroglancer_url(), json)
}
