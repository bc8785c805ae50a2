//! Events that a consumer could not process: they hold it back for a while and come again, and are dead after ten failures.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::event_streams::{MAX_MESSAGE_CHARS, delay_seconds};

use crate::access::Level;
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::consumers::Consumer;
use crate::projects;
use crate::spi::sql;

/// Says that a consumer could not process an event that it has read. It gets no events for 30, 60, 90, 120, then 150 seconds, and
/// then this one again with all that it has not acknowledged; after 10 failures the event is dead, and the consumer goes on
/// without it.
///
/// *Arguments*: of `error_message` the first 2000 characters are kept. Acknowledge what comes before the event first.
/// *Returns* what becomes of the event: retrying or dead; null if the consumer does not have it: it was acknowledged, or is dead already.
/// *Errors*: P0002 project, consumer or event unknown; 22023 event_no is beyond what can have been read; 42501 access denied.
/// *Locks*: the consumer's row.
/// *Source*: other systems 1.5, S38.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn fail_event(
    project_name: Option<&str>,
    consumer: Option<&str>,
    event_no: Option<i64>,
    error_message: Option<&str>,
) -> Result<Option<String>, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let consumer = required("consumer", consumer)?;
    let event_no = required("event_no", event_no)?;
    let message: String = required("error_message", error_message)?.chars().take(MAX_MESSAGE_CHARS).collect();
    projects::require_existing(project)?;
    let consumer = Consumer::lock(project, consumer)?;
    consumer.require_settled(event_no)?;
    require_event(project, event_no)?;
    let known: Option<(i32, bool)> = sql!(
        "select failures, is_dead
        from task_mgmt.failed_event
        where project_name = $1 and consumer = $2 and event_no = $3"
    )
    .first(&[project.into(), consumer.name.into(), event_no.into()], |row| Ok((row.get(1)?, row.get(2)?)))?;
    let failures = match known {
        Some((_, true)) => return Ok(None),
        None if event_no <= consumer.acked_no => return Ok(None),
        Some((failures, false)) => failures + 1,
        None => 1,
    };
    let now = clock::now()?;
    let delay = delay_seconds(failures);
    sql!(
        "insert into task_mgmt.failed_event
            (project_name, consumer, event_no, failures, error_message, failed_at, available_at, is_dead, is_delivered)
        values ($1, $2, $3, $4, $5, $6, $7, $7 is null, true)
        on conflict (project_name, consumer, event_no) do update set
            failures = excluded.failures, error_message = excluded.error_message, failed_at = excluded.failed_at,
            available_at = excluded.available_at, is_dead = excluded.is_dead, is_delivered = true"
    )
    .run(&[
        project.into(),
        consumer.name.into(),
        event_no.into(),
        failures.into(),
        message.into(),
        now.into(),
        delay.map(|seconds| now.plus_seconds(seconds)).into(),
    ])?;
    Ok(Some(if delay.is_some() { "retrying" } else { "dead" }.into()))
}

/// Gives a consumer its dead events once more, or one of them. They come before all others, and may fail ten times again.
///
/// *Returns* how many there were.
/// *Errors*: P0002 project or consumer unknown; 42501 the caller is not a manager.
/// *Locks*: the consumer's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn requeue_dead_events(
    project_name: Option<&str>,
    consumer: Option<&str>,
    event_no: default!(Option<i64>, "NULL"),
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let consumer = required("consumer", consumer)?;
    projects::require_existing(project)?;
    let consumer = Consumer::lock(project, consumer)?;
    let requeued = sql!(
        "update task_mgmt.failed_event
        set is_dead = false, is_delivered = false, failures = 0
        where project_name = $1 and consumer = $2 and is_dead and ($3 is null or event_no = $3)"
    )
    .run(&[project.into(), consumer.name.into(), event_no.into()])?;
    Ok(requeued as i64)
}

impl Consumer<'_> {
    /// Refuses a number that the consumer cannot have read. Errors: 22023.
    pub fn require_settled(&self, event_no: i64) -> Result<(), Error> {
        if event_no <= self.horizon.settled {
            return Ok(());
        }
        Err(Error::EventNotRead { consumer: self.name.into(), event: event_no, settled: self.horizon.settled })
    }
}

/// Until when the consumer gets nothing because of events that have failed.
pub fn held_back_until(consumer: &Consumer) -> Result<Option<Instant>, Error> {
    let until = sql!(
        "select max(available_at)
        from task_mgmt.failed_event
        where project_name = $1 and consumer = $2 and not is_dead"
    )
    .first(&[consumer.project.into(), consumer.name.into()], |row| row.find(1))?;
    Ok(until.flatten())
}

/// Notes that the consumer has these events again.
pub fn mark_delivered(consumer: &Consumer, event_nos: &[i64]) -> Result<(), Error> {
    sql!(
        "update task_mgmt.failed_event
        set is_delivered = true
        where project_name = $1 and consumer = $2 and event_no = any ($3) and not is_dead and not is_delivered"
    )
    .run(&[consumer.project.into(), consumer.name.into(), event_nos.to_vec().into()])?;
    Ok(())
}

/// Forgets the failures of events up to a number that the consumer has and is done with; how many.
pub fn forget(consumer: &Consumer, event_no: i64) -> Result<usize, Error> {
    sql!(
        "delete from task_mgmt.failed_event
        where project_name = $1 and consumer = $2 and event_no <= $3 and not is_dead and is_delivered"
    )
    .run(&[consumer.project.into(), consumer.name.into(), event_no.into()])
}

/// Errors: P0002 there is no event of this number.
fn require_event(project: &str, event_no: i64) -> Result<(), Error> {
    let found = sql!(
        "select from task_mgmt.event where project_name = $1 and event_no = $2
        union all
        select from task_mgmt.task where project_name = $1 and task_no = $2"
    )
    .run(&[project.into(), event_no.into()])?;
    match found {
        0 => Err(Error::EventNotFound { project: project.into(), event: event_no }),
        _ => Ok(()),
    }
}
