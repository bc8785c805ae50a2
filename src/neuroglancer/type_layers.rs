//! The rows that the layers of a segment type are made of.

use task_mgmt_core::neuroglancer::Project;
use task_mgmt_core::neuroglancer::layers::SegmentType;

use super::segment_state::project_of;
use crate::error::Error;
use crate::spi::read;

/// A segment type and its project.
pub struct TypeScene {
    pub project: Project,
    pub segment_type: SegmentType,
}

impl TypeScene {
    /// Errors: P0002, 55000.
    pub fn find(project: &str, type_name: &str) -> Result<Self, Error> {
        let found = read!(
            "select p.sv_resolution_x, p.sv_resolution_y, p.sv_resolution_z, p.segmentation_path, p.extra_layers::text,
                y.sample_segment_ids, y.seed_mask, y.region_mesh
            from task_mgmt.project p
            left join task_mgmt.segment_type y on y.project_name = $1 and y.type_name = $2
            where p.project_name = $1"
        )
        .first(&[project.into(), type_name.into()], |row| {
            let Some(sample_segment_ids) = row.find(6)? else { return Ok(None) };
            let segment_type = SegmentType {
                type_name: type_name.into(),
                sample_segment_ids,
                seed_mask: row.find(7)?,
                region_mesh: row.find(8)?,
            };
            Ok(Some(Self { project: project_of(project, row)?, segment_type }))
        })?;
        match found {
            None => Err(Error::LayersOfUnknownProject(project.into())),
            Some(None) => Err(Error::LayersOfUnknownType { project: project.into(), segment_type: type_name.into() }),
            Some(Some(scene)) => Ok(scene),
        }
    }
}
