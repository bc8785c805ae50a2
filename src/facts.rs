//! Facts: what tasks and people have found out. Creating, reading and changing one; the rest is in the folder.

mod creation;
mod keys;
pub mod lineage;
mod listing;
mod truth;
mod upkeep;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use serde_json::value::RawValue;
use task_mgmt_core::facts::{FactPatch, NewFact};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::json::Jsonb;
use crate::prefixes;
use crate::projects;
use crate::spi::{Statement, read, sql};

/// What `get_fact` returns, and what `update_fact` leaves out of its data if it is so already.
const RECORD: &str =
    "select task_mgmt.fact_as_json(d) from task_mgmt.fact_details d where d.project_name = $1 and d.fact_id = $2";

/// Records a fact and returns its id.
///
/// *Arguments*: `data` is an object; only `text` is required. Keys: fact_id (default: a random UUID), text, tags (array of
/// names), metadata (object), namespace (default "default"); subject, predicate and object_data (any JSON but null), all three or
/// none; valid_from (the moment from which on it is in effect; default: always has been) and valid_to (the moment from which on it is
/// not any more; default: never), in ISO 8601 with offset; rule_id (what governs it, for triples only), created_by (default: the
/// calling role), produced_by_task (the id of the task that has found it out).
/// *Errors*: P0002 project or task unknown; 42710 the id exists; 22023 anything wrong with `data`; 42501 access denied.
/// *Locks*: the task's row, against its deletion.
/// *Source*: other systems 1.3, 1.5; metadata is what they call meta_data.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_fact(project_name: Option<&str>, data: Option<Jsonb>) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let text = arguments::data(data)?;
    let new = vec![NewFact::parse(&text).map_err(Error::from)?];
    let ids = creation::create(project, new).map_err(Error::without_position)?;
    Ok(ids.into_iter().collect())
}

/// Records many facts at once, all or none, and returns how many.
///
/// *Arguments*: `data` is an array of what `create_fact` takes.
/// *Errors*, *Locks*: as `create_fact`; 42710 also if `data` has an id twice.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_facts(project_name: Option<&str>, data: Option<Jsonb>) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let text = arguments::data(data)?;
    let new = NewFact::parse_all(&text).map_err(Error::from)?;
    Ok(creation::create(project, new)?.len() as i64)
}

/// A fact as a JSON object: fact_id, text, tags, metadata, namespace, subject, predicate, object_data, valid_from, valid_to,
/// rule_id (null if they are not set), status (permanent, not_yet_valid, valid or expired), created_by, created_at, updated_at.
///
/// *Errors*: P0002 project or fact unknown; 42501 access denied. Reading changes nothing; `read_fact` records who has read it.
/// *Source*: other systems 1.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_fact(project_name: Option<&str>, fact_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let fact = required("fact_id", fact_id)?;
    access::require(Level::Reader, project)?;
    Ok(record(read!(RECORD), project, fact)?)
}

/// The id of the one fact whose id is, or else begins with, the prefix.
///
/// *Errors*: P0002 project unknown, or no fact begins so; 22023 several do, or the prefix is empty; 42501 access denied.
/// *Source*: other systems 1.2.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn find_fact(project_name: Option<&str>, prefix: Option<&str>) -> Result<String, ErrorReport> {
    let project = required("project_name", project_name)?;
    let prefix = required("prefix", prefix)?;
    access::require(Level::Reader, project)?;
    let ids = read!(
        "select fact_id
        from task_mgmt.fact
        where project_name = $1 and fact_id >= $2
        order by fact_id
        limit $3"
    );
    match prefixes::resolve(ids, project, "facts", prefix)? {
        Some(fact) => Ok(fact),
        None => Err(not_found(project, prefix)?.into()),
    }
}

/// Changes a fact.
///
/// *Arguments*: `data` is an object; an absent key keeps the value, a given one replaces it as a whole. Keys: text, tags,
/// metadata, namespace, subject, predicate, object_data, valid_from, valid_to, rule_id; null empties tags and metadata, and clears all
/// that need not be set.
/// *Returns* true.
/// *Errors*: P0002 project or fact unknown; 22023 anything wrong with `data`, or with the fact as it would be; 42501 access denied.
/// *Locks*: the fact's row.
/// *Source*: other systems 1.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_fact(project_name: Option<&str>, fact_id: Option<&str>, data: Option<Jsonb>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let id = required("fact_id", fact_id)?;
    let data = required("data", data)?;
    let locked = sql!("select from task_mgmt.fact where project_name = $1 and fact_id = $2 for no key update");
    locked.run(&[project.into(), id.into()])?;
    let record = record(sql!(RECORD), project, id)?;
    let changes = arguments::changes(data, record.clone())?;
    let patch = FactPatch::parse(&changes).map_err(Error::from)?;
    if changes == "{}" {
        return Ok(true);
    }
    let record = sql!("select $1 - '{status,created_at,updated_at}'::text[]").value::<Jsonb>(&[record.into()])?.text();
    let mut fact = NewFact::parse(&record).map_err(Error::from)?;
    fact.change(patch).map_err(Error::from)?;
    write(project, id, fact, clock::now()?)?;
    Ok(true)
}

/// Removes a fact, and with it which tasks have found it out or read it.
///
/// *Returns* true.
/// *Errors*: P0002 project or fact unknown; 42501 the caller is not a manager.
/// *Locks*: the fact's row.
/// *Source*: other systems 1.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_fact(project_name: Option<&str>, fact_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let fact = required("fact_id", fact_id)?;
    let delete = sql!("delete from task_mgmt.fact where project_name = $1 and fact_id = $2");
    if delete.run(&[project.into(), fact.into()])? == 0 {
        return Err(not_found(project, fact)?.into());
    }
    lineage::forget_facts(project, vec![fact.into()])?;
    Ok(true)
}

/// The error for a fact that was not found: its project may be missing, too.
fn not_found(project: &str, fact: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::FactNotFound { project: project.into(), fact: fact.into() })
}

/// The fact as `get_fact` returns it. Errors: P0002.
fn record(statement: &Statement, project: &str, fact: &str) -> Result<Jsonb, Error> {
    match statement.first(&[project.into(), fact.into()], |row| row.get(1))? {
        Some(record) => Ok(record),
        None => Err(not_found(project, fact)?),
    }
}

fn write(project: &str, id: &str, fact: NewFact, now: Instant) -> Result<(), Error> {
    sql!(
        "update task_mgmt.fact
        set text = $3, tags = $4, metadata = $5::jsonb, namespace = $6, subject = $7, predicate = $8, object_data = $9::jsonb,
            valid_from = $10, valid_to = $11, rule_id = $12, updated_at = $13
        where project_name = $1 and fact_id = $2"
    )
    .run(&[
        project.into(),
        id.into(),
        fact.text.as_str().into(),
        fact.tags.clone().into(),
        fact.metadata().into(),
        fact.namespace().into(),
        fact.subject.as_deref().into(),
        fact.predicate.as_deref().into(),
        fact.object_data.map(RawValue::get).into(),
        fact.valid_from.map(Instant::from).into(),
        fact.valid_to.map(Instant::from).into(),
        fact.rule_id.as_deref().into(),
        now.into(),
    ])?;
    Ok(())
}
