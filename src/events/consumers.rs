//! Consumers: who reads the events of a project as a stream, each with a position of its own.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::check_name;
use task_mgmt_core::event_streams::{From, NewConsumer};
use task_mgmt_core::horizon::{Horizon, Pending};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::error::Error;
use crate::events::{self, horizon};
use crate::json::Jsonb;
use crate::projects;
use crate::spi::sql;

/// Creates a consumer of a project's events and returns its name.
///
/// *Arguments*: `data` is an object. `from` is "now" (the default: what commits after the consumer's creation) or "beginning" (all that
/// the history has); `kinds` is an array of the kinds of events that it gets (default: all), where "custom" stands for
/// published ones.
/// *Errors*: P0002 project unknown; 42710 the consumer exists; 22023 a bad argument; 42501 the caller is not a manager.
/// *Locks*: the project's key, alone, so that nobody is about to commit an event that is older than the consumer.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_event_consumer(
    project_name: Option<&str>,
    consumer: Option<&str>,
    data: default!(Option<Jsonb>, "'{}'"),
) -> Result<String, ErrorReport> {
    let project = projects::enter_alone(Level::Manager, project_name)?;
    let consumer = required("consumer", consumer)?;
    check_name("consumer", consumer).map_err(Error::from)?;
    let new = NewConsumer::parse(&arguments::data(data)?).map_err(Error::from)?;
    if let Some(kinds) = &new.kinds {
        events::require_kinds("data.kinds", kinds)?;
    }
    projects::require_existing(project)?;
    // Whoever else writes in this project has ended, so all numbers up to the last one are settled for it.
    let position = match new.from {
        From::Now => horizon::last_number(),
        From::Beginning => 0,
    };
    let created = sql!(
        "insert into task_mgmt.event_consumer (project_name, consumer, kinds, acked_no, settled_no, created_at, created_by)
        values ($1, $2, $3::text[]::task_mgmt.event_kind[], $4, $4, $5, $6)
        on conflict (project_name, consumer) do nothing"
    )
    .run(&[
        project.into(),
        consumer.into(),
        new.kinds.into(),
        position.into(),
        clock::now()?.into(),
        access::role_name(access::caller()?).into(),
    ])?;
    match created {
        0 => Err(Error::ConsumerExists { project: project.into(), consumer: consumer.into() }.into()),
        _ => Ok(consumer.into()),
    }
}

/// Removes a consumer with its position and its failed and dead events. The events stay.
///
/// *Returns* false if there is none of this name.
/// *Errors*: P0002 project unknown; 42501 the caller is not a manager.
/// *Locks*: the consumer's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_event_consumer(project_name: Option<&str>, consumer: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let consumer = required("consumer", consumer)?;
    projects::require_existing(project)?;
    let deleted = sql!("delete from task_mgmt.event_consumer where project_name = $1 and consumer = $2")
        .run(&[project.into(), consumer.into()])?;
    sql!("delete from task_mgmt.failed_event where project_name = $1 and consumer = $2")
        .run(&[project.into(), consumer.into()])?;
    Ok(deleted > 0)
}

/// A consumer whose row the caller has locked.
pub struct Consumer<'a> {
    pub project: &'a str,
    pub name: &'a str,
    pub kinds: Option<Vec<String>>,
    pub acked_no: i64,
    pub horizon: Horizon,
}

impl<'a> Consumer<'a> {
    /// Errors: P0002 there is none of this name.
    pub fn lock(project: &'a str, name: &'a str) -> Result<Self, Error> {
        let found = sql!(
            "select kinds::text[], acked_no, settled_no, pending_no, pending_transaction
            from task_mgmt.event_consumer
            where project_name = $1 and consumer = $2
            for no key update"
        )
        .first(&[project.into(), name.into()], |row| {
            let (number, transaction): (Option<i64>, Option<i64>) = (row.find(4)?, row.find(5)?);
            let pending = number
                .zip(transaction)
                .map(|(number, transaction)| Pending { number, next_transaction: transaction as u64 });
            Ok(Self {
                project,
                name,
                kinds: row.find(1)?,
                acked_no: row.get(2)?,
                horizon: Horizon { settled: row.get(3)?, pending },
            })
        })?;
        found.ok_or_else(|| not_found(project, name))
    }

    /// Writes position and horizon down.
    pub fn save(&self) -> Result<(), Error> {
        let pending = self.horizon.pending;
        sql!(
            "update task_mgmt.event_consumer
            set acked_no = $3, settled_no = $4, pending_no = $5, pending_transaction = $6
            where project_name = $1 and consumer = $2"
        )
        .run(&[
            self.project.into(),
            self.name.into(),
            self.acked_no.into(),
            self.horizon.settled.into(),
            pending.map(|pending| pending.number).into(),
            pending.map(|pending| pending.next_transaction as i64).into(),
        ])?;
        Ok(())
    }
}

pub fn not_found(project: &str, consumer: &str) -> Error {
    Error::ConsumerNotFound { project: project.into(), consumer: consumer.into() }
}
