//! The history of a task, told as changes of its status.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::history::{first_status, status_after};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::projects;
use crate::spi::read;
use crate::tasks;

/// Everything that happened to a task, from its creation on.
///
/// *Returns* one row for each event, in their order: event_no, occurred_at, event (its kind), from_status (null for the creation) and
/// to_status, which are the same if the event leaves the status as it is; user_id, role_name and detail as in `task_mgmt.events`.
/// The status at the creation is what the first event presupposes that says so.
/// *Errors*: P0002 project or task unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn task_history(
    project_name: Option<&str>,
    task_id: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(event_no, i64),
            name!(occurred_at, TimestampWithTimeZone),
            name!(event, String),
            name!(from_status, Option<String>),
            name!(to_status, String),
            name!(user_id, Option<String>),
            name!(role_name, Option<String>),
            name!(detail, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let creation = read!(
        "select d.task_no, d.status::text, d.created_at, t.created_by
        from task_mgmt.task_details d
        join task_mgmt.task t on t.project_name = $1 and t.task_no = d.task_no
        where d.project_name = $1 and d.task_id = $2"
    )
    .first(&[project.into(), task.into()], |row| {
        Ok((row.get::<i64>(1)?, row.get::<String>(2)?, row.get(3)?, row.get(4)?))
    })?;
    let Some((task_no, present, created_at, created_by)) = creation else {
        return Err(tasks::not_found(project, task)?.into());
    };
    let events = read!(
        "select e.event_no, e.occurred_at, e.kind::text, u.user_id, e.role_name, e.detail
        from task_mgmt.event e
        left join task_mgmt.project_user u on u.project_name = $1 and u.user_no = e.user_no
        where e.project_name = $1 and e.task_no = $2
        order by e.event_no"
    )
    .all(&[project.into(), task_no.into()], |row| {
        Ok((row.get(1)?, row.get(2)?, row.get::<String>(3)?, row.find(4)?, row.find(5)?, row.find(6)?))
    })?;
    let first = first_status(events.iter().map(|(_, _, kind, ..)| kind.as_str()), &present).to_owned();
    let mut status = first.clone();
    let mut rows = vec![(task_no, created_at, "created".to_owned(), None, first, None, Some(created_by), None)];
    for (event_no, occurred_at, kind, user, role, detail) in events {
        let before = std::mem::take(&mut status);
        status = status_after(&kind, &before).to_owned();
        rows.push((event_no, occurred_at, kind, Some(before), status.clone(), user, role, detail));
    }
    Ok(TableIterator::new(rows))
}
