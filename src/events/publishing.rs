//! Events of one's own in the history of a project.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::{Invalid, check_name};
use task_mgmt_core::event_streams::check_event_type;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::{self, notifications};
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};
use crate::tasks;

/// Adds an event of one's own to the history, where consumers read it among the others, once the transaction has committed.
///
/// *Arguments*: `event_type` is a name of at most 51 bytes that is no kind of event; `data` is an object; `task_id` names a task that
/// the event is about; `dedupe_key` is a name that no other published event of the project has: the second one is not added.
/// *Returns* false if there is an event with this dedupe_key already.
/// *Errors*: P0002 project or task unknown; 22023 a bad argument; 42501 access denied.
/// *Locks*: nothing else; who publishes an event with the same dedupe_key waits until this transaction ends.
/// *Source*: other systems 1.5, 3.3, D34.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn publish_event(
    project_name: Option<&str>,
    event_type: Option<&str>,
    data: default!(Option<Jsonb>, "'{}'"),
    task_id: default!(Option<&str>, "NULL"),
    dedupe_key: default!(Option<&str>, "NULL"),
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let event_type = required("event_type", event_type)?;
    check_event_type(event_type).map_err(Error::from)?;
    let data = required("data", data)?;
    require_own(event_type, &data)?;
    dedupe_key.map_or(Ok(()), |key| check_name("dedupe_key", key)).map_err(Error::from)?;
    projects::require_existing(project)?;
    let task_no = task_id.map_or(Ok(0), |task| tasks::find_no(project, task))?;
    let event_no = events::next_number();
    let added = sql!(
        "insert into task_mgmt.custom_event (project_name, event_no, event_type, data, dedupe_key)
        values ($1, $2, $3, $4, $5)
        on conflict (project_name, dedupe_key) do nothing"
    )
    .run(&[project.into(), event_no.into(), event_type.into(), data.into(), dedupe_key.into()])?;
    if added == 0 {
        return Ok(false);
    }
    sql!(
        "insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, role_name, detail)
        values ($1, $2, $3, $4, 'custom', $5, $6)"
    )
    .run(&[
        project.into(),
        task_no.into(),
        event_no.into(),
        clock::now()?.into(),
        access::role_name(access::caller()?).into(),
        event_type.into(),
    ])?;
    notifications::announce(project, "custom", &[event_no])?;
    Ok(true)
}

/// Refuses the type of an event that is not one's own, and data that is no object. Errors: 22023.
fn require_own(event_type: &str, data: &Jsonb) -> Result<(), Error> {
    let (is_kind, data_type): (bool, String) =
        read!("select $1 = any (enum_range(null::task_mgmt.event_kind)::text[]), jsonb_typeof($2)")
            .first(&[event_type.into(), data.clone().into()], |row| Ok((row.get(1)?, row.get(2)?)))?
            .unwrap_or_default();
    if is_kind {
        return Err(Invalid(format!("event_type must not be \"{event_type}\", which is a kind of event")).into());
    }
    match data_type.as_str() {
        "object" => Ok(()),
        found => Err(Invalid(format!("data: invalid type: {found}, expected an object")).into()),
    }
}
