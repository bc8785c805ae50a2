//! Copies of tasks: new tasks that are like another one was at its beginning.

use std::collections::BTreeMap;

use task_mgmt_core::arguments::check_name;
use task_mgmt_core::neuroglancer::seed::seed_of;

use crate::clock::Instant;
use crate::error::Error;
use crate::events::{self, notifications};
use crate::locks::{self, Key};
use crate::spi::sql;

/// A copy that is to be made.
pub struct NewCopy {
    pub original_no: i64,
    /// The user whom it checks, and to whom it is assigned.
    pub checks: Option<i32>,
}

/// Makes the copy and returns its number and id; it is nobody's and not in `task_mgmt.ready` yet. The caller holds the original's key,
/// so that its segment keeps its type meanwhile. `next_id` is asked again if somebody else has just taken the id.
pub fn create(
    project: &str,
    copy: &NewCopy,
    now: Instant,
    next_id: impl Fn() -> Result<String, Error>,
) -> Result<(i64, String), Error> {
    // A state in the seed form is short; others need not be read.
    let state = sql!(
        "select case when pg_column_size(t.ng_state_initial) <= 100 then t.ng_state_initial::text end
        from task_mgmt.task t
        where t.project_name = $1 and t.task_no = $2"
    )
    .first(&[project.into(), copy.original_no.into()], |row| row.find::<String>(1))?;
    let has_seed_state = state.flatten().as_deref().and_then(seed_of).is_some();
    let copy_no = events::next_number();
    loop {
        let copy_id = next_id()?;
        let inserted = sql!(
            "insert into task_mgmt.task (project_name, task_no, task_id, task_type, segment_type, lane_no, priority,
                assigned_user_no, has_seed_state, original_no, is_check, segment_seed_id, created_at, created_by, batch_id,
                counted_key, ng_state, ng_state_initial, extra_data, title, description, params, domain, drift_score, metadata, channel)
            select $1, $3, $4, o.task_type, o.segment_type, o.lane_no, o.priority, $5, $6, o.task_no, $5 is not null,
                o.segment_seed_id, $7, o.created_by, o.batch_id, task_mgmt.count_key('queued', o.priority, $5), o.ng_state_initial, o.ng_state_initial, o.extra_data,
                o.title, o.description, o.params, o.domain, o.drift_score, o.metadata, o.channel
            from task_mgmt.task o
            where o.project_name = $1 and o.task_no = $2
            on conflict (project_name, task_id) do nothing
            returning counted_key"
        )
        .first(
            &[
            project.into(),
            copy.original_no.into(),
            copy_no.into(),
            copy_id.as_str().into(),
            copy.checks.into(),
            has_seed_state.into(),
            now.into(),
            ],
            |row| row.get::<i16>(1),
        )?;
        if let Some(count_key) = inserted {
            events::count_new(project, &BTreeMap::from([(count_key, 1)]), now)?;
            notifications::announce(project, "created", &[copy_no])?;
            return Ok((copy_no, copy_id));
        }
    }
}

/// An id for one more copy: the original's with a number, or a number alone where that would be too long.
pub fn free_id(project: &str, original_no: i64, original_id: &str) -> Result<String, Error> {
    let made: i64 = sql!("select count(*) from task_mgmt.task where project_name = $1 and original_no = $2")
        .value(&[project.into(), original_no.into()])?;
    let ids = (made + 1..).map(|number| format!("{original_id}#{number}"));
    first_free(
        project,
        ids.map(|id| if check_name("id", &id).is_ok() { id } else { events::next_number().to_string() }),
    )
}

/// The first of the ids that no task has yet and nobody is asking for; its key is locked.
pub fn first_free(project: &str, ids: impl Iterator<Item = String>) -> Result<String, Error> {
    for id in ids {
        let key = Key::Task(project, &id);
        if !locks::try_lock(key) {
            continue;
        }
        let taken = sql!("select from task_mgmt.task where project_name = $1 and task_id = $2");
        if taken.run(&[project.into(), id.as_str().into()])? == 0 {
            return Ok(id);
        }
        locks::unlock(key);
    }
    Err(Error::Internal("there is no id left".into()))
}
