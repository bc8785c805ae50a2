//! Lanes: the homogeneous queues of a project, one for each task type and segment type that occur together; and for each channel of which
//! only so many tasks may run, so that these stand in nobody's way.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::spi::sql;

/// Task type, segment type and channel; the second is empty for tasks that need no segment qualification, the last for tasks of
/// channels without lanes of their own (see `limits::channels_with_lanes`).
pub type Kind<'a> = (&'a str, &'a str, &'a str);

/// Numbers of lanes that exist.
pub struct Lanes(BTreeMap<String, Vec<Lane>>);

struct Lane {
    segment_type: String,
    channel: String,
    number: i32,
}

impl Lanes {
    /// Finds the lanes, and makes those that are missing, in one order, so that two callers cannot wait for each other.
    /// Lanes are opened after all keys and before any other row is locked.
    pub fn open(project: &str, kinds: &BTreeSet<Kind>) -> Result<Self, Error> {
        let lanes = Self::find(project, kinds)?;
        let missing: Vec<Kind> = kinds.iter().copied().filter(|kind| lanes.number(*kind).is_err()).collect();
        if missing.is_empty() {
            return Ok(lanes);
        }
        let [task_types, segment_types, channels] = columns(missing.into_iter());
        sql!(
            "insert into task_mgmt.lane (project_name, task_type, segment_type, channel, min_level)
            select $1, kind.task_type, kind.segment_type, kind.channel, y.min_level
            from unnest($2, $3, $4) as kind (task_type, segment_type, channel)
            join task_mgmt.task_type y on y.project_name = $1 and y.task_type = kind.task_type
            order by kind.task_type collate \"C\", kind.segment_type collate \"C\", kind.channel collate \"C\"
            on conflict do nothing"
        )
        .run(&[project.into(), task_types.into(), segment_types.into(), channels.into()])?;
        Self::find(project, kinds)
    }

    pub fn number(&self, (task_type, segment_type, channel): Kind) -> Result<i32, Error> {
        let mut lanes = self.0.get(task_type).into_iter().flatten();
        let found = lanes.find(|lane| lane.segment_type == segment_type && lane.channel == channel);
        let missing = || Error::Internal(format!("no lane for {task_type}, {segment_type}, {channel}"));
        found.map(|lane| lane.number).ok_or_else(missing)
    }

    fn find(project: &str, kinds: &BTreeSet<Kind>) -> Result<Self, Error> {
        let [task_types, segment_types, channels] = columns(kinds.iter().copied());
        let rows = sql!(
            "select a.task_type, a.segment_type, a.channel, a.lane_no
            from unnest($2, $3, $4) as kind (task_type, segment_type, channel)
            join task_mgmt.lane a on a.project_name = $1 and a.task_type = kind.task_type
                and a.segment_type = kind.segment_type and a.channel = kind.channel"
        )
        .all(&[project.into(), task_types.into(), segment_types.into(), channels.into()], |row| {
            let lane = Lane { segment_type: row.get(2)?, channel: row.get(3)?, number: row.get(4)? };
            Ok((row.get::<String>(1)?, lane))
        })?;
        let mut lanes: BTreeMap<String, Vec<Lane>> = BTreeMap::new();
        for (task_type, lane) in rows {
            lanes.entry(task_type).or_default().push(lane);
        }
        Ok(Self(lanes))
    }
}

fn columns<'a>(kinds: impl Iterator<Item = Kind<'a>>) -> [Vec<&'a str>; 3] {
    let mut columns = [vec![], vec![], vec![]];
    for (task_type, segment_type, channel) in kinds {
        columns[0].push(task_type);
        columns[1].push(segment_type);
        columns[2].push(channel);
    }
    columns
}
