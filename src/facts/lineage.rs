//! Which task has found out or read which fact.

use std::collections::HashMap;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;

use super::{RECORD, not_found, record};
use crate::access::Level;
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::sql;
use crate::tasks;

/// Rows go in one order, so that who deletes tasks and who deletes facts wait for each other one way round.
macro_rules! forget {
    ($condition:literal) => {
        sql!(concat!(
            "delete from task_mgmt.task_fact l
            using (
                select task_no, relation, fact_id
                from task_mgmt.task_fact
                where project_name = $1 and ",
            $condition,
            "
                order by task_no, relation, fact_id
                for update
            ) old
            where l.project_name = $1 and l.task_no = old.task_no and l.relation = old.relation and l.fact_id = old.fact_id"
        ))
    };
}

/// Records that a task has found a fact out or read it.
///
/// *Arguments*: `relation` is produces or reads.
/// *Returns* true, or false if it was recorded already.
/// *Errors*: P0002 project, task or fact unknown; 22023 another relation; 42501 access denied.
/// *Locks*: the rows of task and fact, against their deletion.
/// *Source*: other systems 1.5.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn link_task_fact(
    project_name: Option<&str>,
    task_id: Option<&str>,
    fact_id: Option<&str>,
    relation: Option<&str>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let task = required("task_id", task_id)?;
    let fact = required("fact_id", fact_id)?;
    let relation = parse(relation)?;
    Ok(link(project, task, fact, relation)?)
}

/// Undoes `link_task_fact`.
///
/// *Returns* whether it was recorded.
/// *Errors*: as `link_task_fact`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unlink_task_fact(
    project_name: Option<&str>,
    task_id: Option<&str>,
    fact_id: Option<&str>,
    relation: Option<&str>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let task = required("task_id", task_id)?;
    let fact = required("fact_id", fact_id)?;
    let relation = parse(relation)?;
    let task_no = tasks::find_no(project, task)?;
    record(sql!(RECORD), project, fact)?;
    let unlinked = sql!(
        "delete from task_mgmt.task_fact
        where project_name = $1 and task_no = $2 and relation = $3::task_mgmt.fact_relation and fact_id = $4"
    )
    .run(&[project.into(), task_no.into(), relation.into(), fact.into()])?;
    Ok(unlinked > 0)
}

/// Records that a task has read a fact, and returns the fact as `get_fact` does.
///
/// *Errors*: P0002 project, task or fact unknown; 42501 access denied.
/// *Locks*: as `link_task_fact`.
/// *Source*: other systems 1.5, 1.6.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn read_fact(project_name: Option<&str>, fact_id: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let fact = required("fact_id", fact_id)?;
    let task = required("task_id", task_id)?;
    link(project, task, fact, "reads")?;
    Ok(record(sql!(RECORD), project, fact)?)
}

/// The numbers of those tasks that exist; they are not deleted before the transaction ends.
pub fn keep_tasks(project: &str, tasks: &[&str]) -> Result<HashMap<String, i64>, Error> {
    let kept = sql!(
        "select task_id, task_no
        from task_mgmt.task
        where project_name = $1 and task_id = any($2)
        order by task_no
        for key share"
    )
    .all(&[project.into(), tasks.to_vec().into()], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(kept.into_iter().collect())
}

/// Records which of the tasks has found out which of the new facts.
pub fn record_produced(project: &str, task_nos: Vec<i64>, facts: Vec<String>, now: Instant) -> Result<(), Error> {
    if facts.is_empty() {
        return Ok(());
    }
    sql!(
        "insert into task_mgmt.task_fact (project_name, task_no, relation, fact_id, created_at)
        select $1, new.task_no, 'produces', new.fact_id, $4
        from unnest($2, $3) as new (task_no, fact_id)"
    )
    .run(&[project.into(), task_nos.into(), facts.into(), now.into()])?;
    Ok(())
}

/// Removes what is recorded of facts that have just been deleted.
pub fn forget_facts(project: &str, facts: Vec<String>) -> Result<(), Error> {
    forget!("fact_id = any($2)").run(&[project.into(), facts.into()])?;
    Ok(())
}

/// Removes what is recorded of tasks that have just been deleted.
pub fn forget_tasks(project: &str, task_nos: Vec<i64>) -> Result<(), Error> {
    forget!("task_no = any($2)").run(&[project.into(), task_nos.into()])?;
    Ok(())
}

/// Whether it is new. Errors: P0002.
fn link(project: &str, task: &str, fact: &str, relation: &str) -> Result<bool, Error> {
    let Some(task_no) = keep_tasks(project, &[task])?.into_values().next() else {
        return Err(tasks::not_found(project, task)?);
    };
    let keep_fact = sql!("select from task_mgmt.fact where project_name = $1 and fact_id = $2 for key share");
    if keep_fact.run(&[project.into(), fact.into()])? == 0 {
        return Err(not_found(project, fact)?);
    }
    let linked = sql!(
        "insert into task_mgmt.task_fact (project_name, task_no, relation, fact_id, created_at)
        values ($1, $2, $3::task_mgmt.fact_relation, $4, $5)
        on conflict do nothing"
    )
    .run(&[project.into(), task_no.into(), relation.into(), fact.into(), clock::now()?.into()])?;
    Ok(linked > 0)
}

fn parse(relation: Option<&str>) -> Result<&str, Error> {
    match required("relation", relation)? {
        relation @ ("produces" | "reads") => Ok(relation),
        other => Err(Invalid(format!("relation must be produces or reads, found \"{other}\"")).into()),
    }
}
