//! The rows that the state of a segment is made of, read by one statement, so that they agree.

use task_mgmt_core::neuroglancer::layers::SegmentType;
use task_mgmt_core::neuroglancer::link::json;
use task_mgmt_core::neuroglancer::{Point, Project, Segment, Shown, State};

use crate::error::Error;
use crate::ids;
use crate::spi::{Row, Statement, read, sql};

/// A segment with its endpoints, its project, and the segment type that it is expected to be.
pub struct Scene {
    project: Project,
    segment: Segment,
    expected_type: Option<String>,
    /// None also if there is no such type.
    pub segment_type: Option<SegmentType>,
}

const SCENE: &str =
    "select p.sv_resolution_x, p.sv_resolution_y, p.sv_resolution_z, p.segmentation_path, p.extra_layers::text,
        s.seed_x, s.seed_y, s.seed_z, s.root_x, s.root_y, s.root_z, s.current_segment_id::text,
        nullif(s.expected_segment_type, ''), y.type_name, y.sample_segment_ids, y.seed_mask, y.region_mesh,
        ends.statuses, ends.xs, ends.ys, ends.zs
    from task_mgmt.project p
    left join task_mgmt.segment s on s.project_name = $1 and s.seed_id = $2
    left join task_mgmt.segment_type y on y.project_name = $1 and y.type_name = s.expected_segment_type
    cross join lateral (
        select array_agg(e.status::text), array_agg(e.x), array_agg(e.y), array_agg(e.z)
        from (
            select e.status, e.x, e.y, e.z
            from task_mgmt.endpoint e
            where e.project_name = $1 and e.seed_id = $2
            order by e.endpoint_id
        ) as e
    ) as ends (statuses, xs, ys, zs)
    where p.project_name = $1";

impl Scene {
    /// As the caller's transaction sees it. Errors: P0002, 55000.
    pub fn visible(project: &str, seed_id: u64) -> Result<Self, Error> {
        Self::find(read!(SCENE), project, seed_id)
    }

    /// As it is now. Errors: P0002, 55000.
    pub fn latest(project: &str, seed_id: u64) -> Result<Self, Error> {
        Self::find(sql!(SCENE), project, seed_id)
    }

    fn find(statement: &Statement, project: &str, seed_id: u64) -> Result<Self, Error> {
        let found = statement.first(&[project.into(), ids::numeric(seed_id).into()], |row| {
            let segment = segment(row)?;
            segment.map(|segment| Self::read(project, row, segment)).transpose()
        })?;
        match found {
            None => Err(Error::StateOfUnknownProject(project.into())),
            Some(None) => Err(Error::NoSuchSegment { project: project.into(), seed: seed_id }),
            Some(Some(scene)) => Ok(scene),
        }
    }

    fn read(project: &str, row: &Row, segment: Segment) -> Result<Self, Error> {
        let segment_type = match row.find(14)? {
            None => None,
            Some(type_name) => Some(SegmentType {
                type_name,
                sample_segment_ids: row.get(15)?,
                seed_mask: row.find(16)?,
                region_mesh: row.find(17)?,
            }),
        };
        Ok(Self { project: project_of(project, row)?, segment, expected_type: row.find(13)?, segment_type })
    }

    /// The segment type that the segment is expected to be, if any. Errors: P0002 if there is no such type.
    pub fn expected_type(&self) -> Result<Option<&SegmentType>, Error> {
        match (&self.expected_type, &self.segment_type) {
            (Some(expected), None) => Err(Error::LayersOfUnknownType {
                project: self.project.project_name.clone(),
                segment_type: expected.clone(),
            }),
            (_, segment_type) => Ok(segment_type.as_ref()),
        }
    }

    /// The state as text.
    pub fn json<'a>(&'a self, shown: &Shown<'a>) -> Result<String, Error> {
        Ok(json(&State::of_segment(&self.project, &self.segment, shown))?)
    }
}

/// The project in the first five columns. Errors: 55000 if it lacks what every state needs.
pub fn project_of(project: &str, row: &Row) -> Result<Project, Error> {
    let missing = |missing| Error::NothingToShow { project: project.into(), missing };
    let resolution =
        point(row, 1)?.ok_or_else(|| missing("resolution (sv_resolution_x, sv_resolution_y, sv_resolution_z)"))?;
    let segmentation_path = row.find(4)?.ok_or_else(|| missing("segmentation_path"))?;
    let extra_layers: Option<String> = row.find(5)?;
    Ok(Project::new(project.into(), resolution, segmentation_path, extra_layers.as_deref())?)
}

fn segment(row: &Row) -> Result<Option<Segment>, Error> {
    let Some(seed) = point(row, 6)? else { return Ok(None) };
    let mut segment = Segment {
        seed,
        root: point(row, 9)?,
        current_segment_id: row.find(12)?.map(ids::stored).transpose()?,
        ..Segment::default()
    };
    let statuses: Vec<String> = row.find(18)?.unwrap_or_default();
    let axis = |column| Ok::<Vec<f64>, Error>(row.find(column)?.unwrap_or_default());
    let (xs, ys, zs) = (axis(19)?, axis(20)?, axis(21)?);
    for (index, status) in statuses.iter().enumerate() {
        let ends = match status.as_str() {
            "CERTAIN" => &mut segment.certain_ends,
            "UNCERTAIN" => &mut segment.uncertain_ends,
            "BREADCRUMB" => &mut segment.breadcrumbs,
            _ => continue,
        };
        ends.push([xs[index], ys[index], zs[index]]);
    }
    Ok(Some(segment))
}

/// Three columns from `first` on; None if one of them is null.
fn point(row: &Row, first: i32) -> Result<Option<Point>, Error> {
    let coordinates = (row.find(first)?, row.find(first + 1)?, row.find(first + 2)?);
    Ok(match coordinates {
        (Some(x), Some(y), Some(z)) => Some([x, y, z]),
        _ => None,
    })
}
