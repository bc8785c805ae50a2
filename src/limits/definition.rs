//! Setting limits.

use std::collections::BTreeSet;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::limits::{Scope, check_most};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::lanes::Lanes;
use crate::projects;
use crate::ready;
use crate::spi::{read, sql};
use crate::task_types;
use crate::users;

/// Limits how many tasks of a project, a task type, a channel or an agent may wait in the queue, and how many may run at once; replaces
/// what was set before.
///
/// *Arguments*: `scope` is `project`, `task_type`, `channel` or `agent` (a user: of queued tasks the one whom they are assigned to, of running
/// ones the one who holds them); `key` is the task type, channel or user, null for the project; `max_queued` and `max_running` are from 0 to
/// 100000, null for any number; with both null the limit is removed.
/// *Effect*: a task counts as queued while it is open, nobody holds it and it is not on hold, also while it waits for whatever; as running
/// while somebody holds it. A call that would let a task into a full queue is refused: `create_task`, `enqueue_task`, `reactivate_task`,
/// `assign_task`, `update_task`. A task that comes back by itself or is taken from its holder is not refused, and counts; nothing new is
/// let in until there is room for it. Of tasks of which as many run as may, none is handed out. More tasks than a new limit allows stay what
/// they are.
/// *Returns* whether that changed anything.
/// *Errors*: P0002 project, task type or user unknown; 22023 a bad argument; 42501 the caller is not a manager.
/// *Locks*: the project's key, alone.
/// *Source*: other systems reference 3.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn set_limit(
    project_name: Option<&str>,
    scope: Option<&str>,
    key: default!(Option<&str>, "NULL"),
    max_queued: default!(Option<i32>, "NULL"),
    max_running: default!(Option<i32>, "NULL"),
) -> Result<bool, ErrorReport> {
    let scope = Scope::parse(required("scope", scope)?).map_err(Error::from)?;
    let key = scope.check_key(key).map_err(Error::from)?;
    check_most("max_queued", max_queued).map_err(Error::from)?;
    check_most("max_running", max_running).map_err(Error::from)?;
    let project = projects::enter_alone(Level::Manager, project_name)?;
    projects::require_existing(project)?;
    require_subject(project, scope, key)?;
    Ok(set(project, scope, key, max_queued, max_running)?)
}

/// The limits of a project as a JSON array, ordered by scope and key: objects of scope, key (null for the project), max_queued, queued,
/// max_running, running. The counts are null where there is no limit.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_limits(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select coalesce(jsonb_agg(jsonb_build_object(
                'scope', d.scope, 'key', d.key, 'max_queued', d.max_queued, 'queued', d.queued,
                'max_running', d.max_running, 'running', d.running
            ) order by d.scope, d.key), '[]')
        from task_mgmt.limit_details d
        where d.project_name = $1"
    )
    .value(&[project.into()])?)
}

/// Removes the limits of a scope. The caller is alone in the project.
pub fn remove_all(project: &str, scope: Scope) -> Result<(), Error> {
    let keys = sql!("select key from task_mgmt.task_limit where project_name = $1 and scope = $2 order by key")
        .all(&[project.into(), scope.name().into()], |row| row.get::<String>(1))?;
    keys.into_iter().try_for_each(|key| set(project, scope, &key, None, None).map(|_| ()))
}

/// Errors: P0002.
fn require_subject(project: &str, scope: Scope, key: &str) -> Result<(), Error> {
    match scope {
        Scope::Project | Scope::Channel => Ok(()),
        Scope::Agent => users::find_no(project, key).map(|_| ()),
        Scope::TaskType => {
            let known = sql!("select from task_mgmt.task_type where project_name = $1 and task_type = $2");
            match known.run(&[project.into(), key.into()])? {
                0 => Err(task_types::not_found(project, key)?),
                _ => Ok(()),
            }
        }
    }
}

/// The caller is alone in the project.
fn set(
    project: &str,
    scope: Scope,
    key: &str,
    max_queued: Option<i32>,
    max_running: Option<i32>,
) -> Result<bool, Error> {
    let before = sql!(
        "select limit_no, max_queued, max_running
        from task_mgmt.task_limit
        where project_name = $1 and scope = $2 and key = $3"
    )
    .first(&[project.into(), scope.name().into(), key.into()], |row| {
        Ok((row.get::<i32>(1)?, row.find::<i32>(2)?, row.find::<i32>(3)?))
    })?;
    let (limit_no, queued_before, running_before) =
        before.map_or((None, None, None), |(no, queued, running)| (Some(no), queued, running));
    if (queued_before, running_before) == (max_queued, max_running) {
        return Ok(false);
    }
    if let Some(limit_no) = limit_no {
        remove(project, limit_no)?;
    }
    if max_queued.is_some() || max_running.is_some() {
        let limit_no = add(project, scope, key, max_queued, max_running)?;
        make_slots(project, limit_no, false, max_queued)?;
        make_slots(project, limit_no, true, max_running)?;
    }
    sql!(
        "update task_mgmt.project
        set limits_no = case when exists (select from task_mgmt.task_limit m where m.project_name = $1) then $2 end
        where project_name = $1"
    )
    .run(&[project.into(), events::next_number().into()])?;
    if scope == Scope::Channel && running_before.is_some() != max_running.is_some() {
        change_lanes(project, key, max_running.is_some())?;
    }
    let number = |most: Option<i32>| most.map_or("any number".to_owned(), |most| most.to_string());
    let subject = scope.describe(key);
    let detail = format!("limit of {subject}: {} queued, {} running", number(max_queued), number(max_running));
    events::append(project, &[0], "project_changed", Actor::Caller, Some(&detail), clock::now()?)?;
    Ok(true)
}

fn remove(project: &str, limit_no: i32) -> Result<(), Error> {
    sql!("delete from task_mgmt.limit_slot where project_name = $1 and limit_no = $2")
        .run(&[project.into(), limit_no.into()])?;
    sql!("delete from task_mgmt.task_limit where project_name = $1 and limit_no = $2")
        .run(&[project.into(), limit_no.into()])?;
    Ok(())
}

fn add(
    project: &str,
    scope: Scope,
    key: &str,
    max_queued: Option<i32>,
    max_running: Option<i32>,
) -> Result<i32, Error> {
    sql!(
        "insert into task_mgmt.task_limit (project_name, scope, key, max_queued, max_running)
        values ($1, $2, $3, $4, $5)
        returning limit_no"
    )
    .value(&[project.into(), scope.name().into(), key.into(), max_queued.into(), max_running.into()])
}

/// Makes the slots of a new limit: first those of the tasks that count already, then free ones.
fn make_slots(project: &str, limit_no: i32, is_running: bool, most: Option<i32>) -> Result<(), Error> {
    let Some(most) = most else { return Ok(()) };
    let taken = sql!(
        "insert into task_mgmt.limit_slot (project_name, limit_no, is_running, slot_no, task_no, is_surplus)
        select $1, $2, $3, case when place <= $4 then place else 0 end, task_no, case when place > $4 then true end
        from (
            select c.task_no, row_number() over (order by c.task_no) as place
            from task_mgmt.limited_task c
            where c.project_name = $1 and c.limit_no = $2 and c.is_running = $3
        ) as counted"
    )
    .run(&[project.into(), limit_no.into(), is_running.into(), most.into()])?;
    sql!(
        "insert into task_mgmt.limit_slot (project_name, limit_no, is_running, slot_no, task_no)
        select $1, $2, $3, place, 0 from generate_series($5 + 1, $4::bigint) as place"
    )
    .run(&[project.into(), limit_no.into(), is_running.into(), most.into(), (taken as i64).into()])?;
    Ok(())
}

/// Moves the tasks of a channel to lanes of its own, or back among the others.
fn change_lanes(project: &str, channel: &str, has_own: bool) -> Result<(), Error> {
    let tasks = sql!(
        "select task_no, task_type, segment_type
        from task_mgmt.task
        where project_name = $1 and channel = $2
        order by task_no"
    )
    .all(&[project.into(), channel.into()], |row| {
        Ok((row.get::<i64>(1)?, row.get::<String>(2)?, row.get::<String>(3)?))
    })?;
    let of_lane = if has_own { channel } else { "" };
    let kinds: BTreeSet<_> =
        tasks.iter().map(|(_, kind, segment)| (kind.as_str(), segment.as_str(), of_lane)).collect();
    Lanes::open(project, &kinds)?;
    let task_nos: Vec<i64> = tasks.iter().map(|(task_no, ..)| *task_no).collect();
    ready::withdraw(project, &task_nos)?;
    sql!(
        "update task_mgmt.task t
        set lane_no = a.lane_no
        from task_mgmt.lane a
        where t.project_name = $1 and t.task_no = any($2) and a.project_name = $1 and a.task_type = t.task_type
            and a.segment_type = t.segment_type and a.channel = $3"
    )
    .run(&[project.into(), task_nos.clone().into(), of_lane.into()])?;
    ready::offer(project, &task_nos)
}
