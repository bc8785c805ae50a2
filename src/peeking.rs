//! Looking at what `start_task` would hand out next, without taking it.

use std::collections::HashSet;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::assignment::Worker;
use crate::candidates::Candidates;
use crate::error::Error;
use crate::limits::running;
use crate::overlap;
use crate::rows::{Snapshot, Table};
use crate::spi::sql;
use crate::takeover;

/// The tasks that a user would get next, in that order, if nothing else happened.
///
/// *Arguments*: `max_tasks` is how many at most.
/// *Returns* rows of position (from 1), task_id, task_type, segment_type (null if none), priority, why: `held` (the user holds
/// it already), `assigned` (to the user), `available` or `takeover` (held by somebody else, but idle). A user who is deactivated,
/// or in a project that is not active, gets only what they hold; `explain_assignment` tells why somebody gets nothing.
/// A task that several people work on is shown by its own id; who starts it may get a copy.
/// *Errors*: P0002 project or user unknown; 22023 `max_tasks` is negative; 42501 access denied. Whether the caller may act as
/// the user is not asked.
/// *Locks*: none. As `start_task` does, it sees what is committed at that moment, whatever the isolation level; that passes
/// over tasks which somebody else is about to take.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn peek_tasks(
    project_name: Option<&str>,
    user_id: Option<&str>,
    max_tasks: default!(Option<i32>, 10),
) -> Result<
    TableIterator<
        'static,
        (
            name!(position, i64),
            name!(task_id, String),
            name!(task_type, String),
            name!(segment_type, Option<String>),
            name!(priority, i32),
            name!(why, String),
        ),
    >,
    ErrorReport,
> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    let most = arguments::not_negative("max_tasks", max_tasks)? as usize;
    access::require(Level::Reader, project)?;
    let (task_ids, reasons) = next_tasks(&Worker::find(project, user)?, most)?.into_iter().unzip();
    Ok(TableIterator::new(describe(project, task_ids, reasons)?))
}

/// The ids of the tasks, each with why it is one. Of several that are about the same, the user would get one only.
fn next_tasks(worker: &Worker, most: usize) -> Result<Vec<(String, &'static str)>, Error> {
    let mut next: Vec<(String, &'static str)> = vec![];
    next.extend(worker.active_task.clone().map(|task| (task, "held")));
    if worker.require_active().is_ok() {
        let mut originals = HashSet::new();
        let mut is_new =
            |task_no| overlap::original_no(worker.project, task_no).map(|original| originals.insert(original));
        let (ready, snapshot) = (Table::open_to_read(c"ready"), Snapshot::latest());
        let mut candidates = Candidates::new(worker, &ready, &snapshot)?;
        while next.len() < most
            && let Some(candidate) = candidates.next()?
        {
            match running::reached(worker, candidate.lane_no)? {
                Some(limit) if limit.is_for_all_tasks() => break,
                Some(_) => {
                    candidates.close(candidate.lane_no);
                    continue;
                }
                None => {}
            }
            if !candidate.is_shared || is_new(candidate.rank.task_no)? {
                let why = if candidate.rank.is_unassigned { "available" } else { "assigned" };
                next.push((candidate.task_id, why));
            }
        }
        if next.len() < most {
            for task in takeover::idle_tasks(worker)? {
                if running::reached_by_agent(worker)?.is_none() && is_new(task.held.task_no)? {
                    next.push((task.task_id, "takeover"));
                }
            }
        }
    }
    next.truncate(most);
    Ok(next)
}

type Described = (i64, String, String, Option<String>, i32, String);

fn describe(project: &str, task_ids: Vec<String>, reasons: Vec<&str>) -> Result<Vec<Described>, Error> {
    sql!(
        "select next.position, t.task_id, t.task_type, nullif(t.segment_type, ''), t.priority, next.why
        from unnest($2, $3) with ordinality as next (task_id, why, position)
        join task_mgmt.task t on t.project_name = $1 and t.task_id = next.task_id
        order by next.position"
    )
    .all(&[project.into(), task_ids.into(), reasons.into()], |row| {
        Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.find(4)?, row.get(5)?, row.get(6)?))
    })
}
