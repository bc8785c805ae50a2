//! Lanes: the homogeneous queues of a project, one for each task type and segment type that occur together.

use std::collections::BTreeSet;

use fnv::FnvHashMap;

use crate::error::Error;
use crate::spi::sql;

/// Task type and segment type; the latter is empty for tasks that need no segment qualification.
pub type Kind<'a> = (&'a str, &'a str);

/// Numbers of lanes that exist.
pub struct Lanes(FnvHashMap<String, FnvHashMap<String, i32>>);

impl Lanes {
    /// Finds the lanes, and makes those that are missing, in one order, so that two callers cannot wait for each other.
    /// Lanes are opened after all keys and before any other row is locked.
    pub fn open(project: &str, kinds: &BTreeSet<Kind>) -> Result<Self, Error> {
        let lanes = Self::find(project, kinds)?;
        let missing: Vec<Kind> = kinds.iter().copied().filter(|kind| lanes.number(*kind).is_err()).collect();
        if missing.is_empty() {
            return Ok(lanes);
        }
        let (task_types, segment_types): (Vec<&str>, Vec<&str>) = missing.into_iter().unzip();
        sql!(
            "insert into task_mgmt.lane (project_name, task_type, segment_type, min_level)
            select $1, kind.task_type, kind.segment_type, y.min_level
            from unnest($2, $3) as kind (task_type, segment_type)
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = kind.task_type
            order by kind.task_type collate \"C\", kind.segment_type collate \"C\"
            on conflict do nothing"
        )
        .run(&[project.into(), task_types.into(), segment_types.into()])?;
        Self::find(project, kinds)
    }

    pub fn number(&self, (task_type, segment_type): Kind) -> Result<i32, Error> {
        let number = self.0.get(task_type).and_then(|lanes| lanes.get(segment_type)).copied();
        number.ok_or_else(|| Error::Internal(format!("no lane for {task_type}, {segment_type}")))
    }

    fn find(project: &str, kinds: &BTreeSet<Kind>) -> Result<Self, Error> {
        let (task_types, segment_types): (Vec<&str>, Vec<&str>) = kinds.iter().copied().unzip();
        let rows = sql!(
            "select a.task_type, a.segment_type, a.lane_no
            from unnest($2, $3) as kind (task_type, segment_type)
            join task_mgmt.lane a on a.project_name = $1 and a.task_type = kind.task_type
                and a.segment_type = kind.segment_type"
        )
        .all(&[project.into(), task_types.into(), segment_types.into()], |row| {
            Ok((row.get::<String>(1)?, row.get::<String>(2)?, row.get::<i32>(3)?))
        })?;
        let mut lanes: FnvHashMap<String, FnvHashMap<String, i32>> = FnvHashMap::default();
        for (task_type, segment_type, lane_no) in rows {
            lanes.entry(task_type).or_default().insert(segment_type, lane_no);
        }
        Ok(Self(lanes))
    }
}
