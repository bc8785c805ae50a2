//! Reading the events of a project as a stream, and acknowledging them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::event_streams::check_max_rows;

use crate::access::Level;
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events::consumers::{self, Consumer};
use crate::events::failures;
use crate::events::horizon;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::sql;

/// What read_events returns of an event.
type Delivered =
    (i64, TimestampWithTimeZone, String, Option<String>, Option<String>, Option<String>, Option<String>, Jsonb);

/// The next events for a consumer: those after its position, in the order of their numbers, after those that it was promised again.
/// They come again until they are acknowledged.
///
/// An event is delivered once all transactions are over that may yet commit one with a smaller number, so that none is skipped;
/// a transaction that stays open for long, wherever on the server, keeps back what came after it. Events of the calling
/// transaction itself are delivered after it has committed; in a transaction that reads several times, what others
/// have written after the first time does not come.
/// *Arguments*: at most `max_rows` events, 1 to 100000.
/// *Returns* one row for each: event_no, its number, which `ack_events` and `fail_event` take; occurred_at; event, its kind, which is
/// "custom" for a published one; task_id, user_id, role_name and detail as in `task_mgmt.events`; payload, an object of event_type
/// (the kind, or the type that it was published with), timestamp (ISO 8601) and data: what was published, or
/// project_name, event_no, task_id, task_type, priority (the present one), user_id, role_name, detail, as far as they are set.
/// No rows while an event that has failed holds the consumer back, see `fail_event`.
/// *Errors*: P0002 project or consumer unknown; 22023 bad max_rows; 42501 access denied.
/// *Locks*: the consumer's row, if there is anything to read: who reads for the same consumer waits until this transaction ends, and then gets what
/// it has not acknowledged.
/// *Source*: other systems 1.5, 3.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn read_events(
    project_name: Option<&str>,
    consumer: Option<&str>,
    max_rows: default!(Option<i32>, 100),
) -> Result<
    TableIterator<
        'static,
        (
            name!(event_no, i64),
            name!(occurred_at, TimestampWithTimeZone),
            name!(event, String),
            name!(task_id, Option<String>),
            name!(user_id, Option<String>),
            name!(role_name, Option<String>),
            name!(detail, Option<String>),
            name!(payload, Jsonb),
        ),
    >,
    ErrorReport,
> {
    let project = projects::enter(Level::Worker, project_name)?;
    let consumer = required("consumer", consumer)?;
    let max_rows = required("max_rows", max_rows)?;
    check_max_rows(max_rows).map_err(Error::from)?;
    projects::require_existing(project)?;
    let now = clock::now()?;
    if !may_have_news(project, consumer, now)? {
        return Ok(TableIterator::empty());
    }
    // Before the row is locked, which gives the transaction an id and makes it one of those that are running.
    let seen = horizon::observe();
    let mut consumer = Consumer::lock(project, consumer)?;
    if failures::held_back_until(&consumer)?.is_some_and(|until| until > now) {
        return Ok(TableIterator::empty());
    }
    let known = consumer.horizon;
    consumer.horizon = known.after(&seen);
    let event_nos = next(&consumer, max_rows)?;
    let is_passed_over = event_nos.is_empty() && consumer.acked_no < consumer.horizon.settled;
    if is_passed_over {
        consumer.acked_no = consumer.horizon.settled;
    }
    if is_passed_over || consumer.horizon != known {
        consumer.save()?;
    }
    failures::mark_delivered(&consumer, &event_nos)?;
    Ok(TableIterator::new(deliver(project, event_nos)?))
}

/// Acknowledges the events up to a number: the consumer is done with them, and does not get them again.
///
/// *Arguments*: `event_no` is the number of an event that was read; all before it are acknowledged, too, also those that have failed.
/// *Returns* false if there was nothing to acknowledge: all up to this number was acknowledged already.
/// *Errors*: P0002 project or consumer unknown; 22023 event_no is beyond what can have been read; 42501 access denied.
/// *Locks*: the consumer's row.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn ack_events(project_name: Option<&str>, consumer: Option<&str>, event_no: Option<i64>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let consumer = required("consumer", consumer)?;
    let event_no = required("event_no", event_no)?;
    projects::require_existing(project)?;
    let mut consumer = Consumer::lock(project, consumer)?;
    consumer.require_settled(event_no)?;
    let again = failures::forget(&consumer, event_no)?;
    if event_no <= consumer.acked_no {
        return Ok(again > 0);
    }
    consumer.acked_no = event_no;
    consumer.save()?;
    Ok(true)
}

/// Whether there is anything after the consumer's position, or again, and nothing holds it back; nothing is locked or written otherwise.
/// Errors: P0002 there is no such consumer.
fn may_have_news(project: &str, consumer: &str, now: Instant) -> Result<bool, Error> {
    let answer = sql!(
        "select not exists (
                select from task_mgmt.failed_event f
                where f.project_name = $1 and f.consumer = $2 and not f.is_dead and f.available_at > $3
            ) and (exists (
                select from task_mgmt.event e
                where e.project_name = $1 and e.event_no > c.acked_no and e.amount is null
            ) or exists (
                select from task_mgmt.task t where t.project_name = $1 and t.task_no > c.acked_no
            ) or exists (
                select from task_mgmt.failed_event f
                where f.project_name = $1 and f.consumer = $2 and not f.is_dead and f.event_no <= c.acked_no
            ))
        from task_mgmt.event_consumer c
        where c.project_name = $1 and c.consumer = $2"
    )
    .first(&[project.into(), consumer.into(), now.into()], |row| row.get(1))?;
    answer.ok_or_else(|| consumers::not_found(project, consumer))
}

/// The numbers of the next events: those up to the position that were requeued, then the settled ones after it.
fn next(consumer: &Consumer, max_rows: i32) -> Result<Vec<i64>, Error> {
    sql!(
        "select next.event_no
        from (
            (
                select f.event_no
                from task_mgmt.failed_event f
                where f.project_name = $1 and f.consumer = $2 and f.event_no <= $3 and not f.is_dead
                order by f.event_no
                limit $6
            )
            union all
            (
                select e.event_no
                from task_mgmt.event e
                where e.project_name = $1 and e.event_no > $3 and e.event_no <= $4 and e.amount is null
                    and ($5 is null or e.kind = any ($5::task_mgmt.event_kind[]))
                    and not exists (
                        select from task_mgmt.failed_event f
                        where f.project_name = $1 and f.consumer = $2 and f.event_no = e.event_no and f.is_dead
                    )
                order by e.event_no
                limit $6
            )
            union all
            (
                select t.task_no
                from task_mgmt.task t
                where t.project_name = $1 and t.task_no > $3 and t.task_no <= $4
                    and ($5 is null or 'created' = any ($5))
                    and not exists (
                        select from task_mgmt.failed_event f
                        where f.project_name = $1 and f.consumer = $2 and f.event_no = t.task_no and f.is_dead
                    )
                order by t.task_no
                limit $6
            )
        ) next
        order by next.event_no
        limit $6"
    )
    .all(
        &[
            consumer.project.into(),
            consumer.name.into(),
            consumer.acked_no.into(),
            consumer.horizon.settled.into(),
            consumer.kinds.clone().into(),
            i64::from(max_rows).into(),
        ],
        |row| row.get(1),
    )
}

fn deliver(project: &str, event_nos: Vec<i64>) -> Result<Vec<Delivered>, Error> {
    sql!(
        "select d.event_no, d.occurred_at, d.kind::text, d.task_id, d.user_id, d.role_name, d.detail, task_mgmt.event_as_json(d)
        from unnest($2) with ordinality as next (event_no, position)
        join task_mgmt.event_details d on d.project_name = $1 and d.event_no = next.event_no
        order by next.position"
    )
    .all(&[project.into(), event_nos.into()], |row| {
        Ok((
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.find(4)?,
            row.find(5)?,
            row.find(6)?,
            row.find(7)?,
            row.get(8)?,
        ))
    })
}
