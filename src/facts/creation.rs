//! New facts, one or a hundred thousand, all or none.

use std::collections::HashMap;

use pgrx::prelude::*;
use task_mgmt_core::facts::NewFact;

use super::lineage;
use crate::access;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::projects;
use crate::spi::{self, sql};

/// Creates them and returns their ids in order. Entries go into the index of ids in that order, so that two callers with ids in
/// common wait for each other one way round.
pub fn create(project: &str, mut new: Vec<NewFact>) -> Result<Vec<String>, Error> {
    projects::require_existing(project)?;
    let producers = producers(project, &new)?;
    new.iter_mut().filter(|fact| fact.fact_id.is_none()).for_each(|fact| fact.fact_id = Some(random_id()));
    new.sort_by(|one, next| one.fact_id.cmp(&next.fact_id));
    let ids: Vec<String> = new.iter().filter_map(|fact| fact.fact_id.clone()).collect();
    if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Error::FactTwice(pair[0].clone()));
    }
    let now = clock::now()?;
    let taken = |fact| Error::FactExists { project: project.into(), fact };
    spi::insert_unique(project, || insert(project, &ids, &new, now), taken)?;
    let produced = new.iter().zip(&ids).filter_map(|(fact, id)| {
        let task_no = producers.get(fact.produced_by_task.as_deref()?)?;
        Some((*task_no, id.clone()))
    });
    let (task_nos, produced): (Vec<i64>, Vec<String>) = produced.unzip();
    lineage::record_produced(project, task_nos, produced, now)?;
    Ok(ids)
}

/// The numbers of the tasks that have found the facts out, which nobody deletes before the transaction ends. Errors: P0002.
fn producers(project: &str, new: &[NewFact]) -> Result<HashMap<String, i64>, Error> {
    let mut tasks: Vec<&str> = new.iter().filter_map(|fact| fact.produced_by_task.as_deref()).collect();
    if tasks.is_empty() {
        return Ok(HashMap::new());
    }
    tasks.sort_unstable();
    tasks.dedup();
    let numbers = lineage::keep_tasks(project, &tasks)?;
    let is_unknown = |fact: &NewFact| fact.produced_by_task.as_ref().is_some_and(|task| !numbers.contains_key(task));
    match new.iter().position(is_unknown) {
        Some(index) => {
            let task = new[index].produced_by_task.clone().unwrap_or_default();
            Err(Error::TaskNotFound { project: project.into(), task }.of_element(index))
        }
        None => Ok(numbers),
    }
}

fn random_id() -> String {
    // SAFETY: a function of PostgreSQL without arguments, called as it is from SQL.
    let id: Option<pgrx::Uuid> = unsafe { pgrx::direct_function_call(pg_sys::gen_random_uuid, &[]) };
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn insert(project: &str, ids: &[String], new: &[NewFact], now: Instant) -> Result<(), Error> {
    let role = access::role_name(access::caller()?);
    let texts = |value: fn(&NewFact) -> Option<String>| new.iter().map(value).collect::<Vec<_>>();
    let moments = |value: fn(&NewFact) -> Option<Instant>| new.iter().map(value).collect::<Vec<_>>();
    let tags = new.iter().map(|fact| serde_json::to_string(&fact.tags)).collect::<Result<Vec<_>, _>>()?;
    sql!(
        "insert into task_mgmt.fact (project_name, fact_id, text, tags, metadata, namespace, subject, predicate, object_data,
            valid_from, valid_to, rule_id, created_by, created_at, updated_at)
        select $1, new.fact_id, new.text, array(select jsonb_array_elements_text(new.tags::jsonb)), new.metadata::jsonb,
            new.namespace, new.subject, new.predicate, new.object_data::jsonb, new.valid_from, new.valid_to, new.rule_id,
            coalesce(new.created_by, $13), $14, $14
        from unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $15) with ordinality as new (fact_id, text, tags, metadata,
            namespace, subject, predicate, object_data, valid_from, valid_to, rule_id, created_by, place)
        order by new.place"
    )
    .run(&[
        project.into(),
        ids.to_vec().into(),
        texts(|fact| Some(fact.text.clone())).into(),
        tags.into(),
        texts(|fact| Some(fact.metadata().to_owned())).into(),
        texts(|fact| Some(fact.namespace().to_owned())).into(),
        texts(|fact| fact.subject.clone()).into(),
        texts(|fact| fact.predicate.clone()).into(),
        texts(|fact| fact.object_data.map(|value| value.get().to_owned())).into(),
        moments(|fact| fact.valid_from.map(Instant::from)).into(),
        moments(|fact| fact.valid_to.map(Instant::from)).into(),
        texts(|fact| fact.rule_id.clone()).into(),
        role.into(),
        now.into(),
        texts(|fact| fact.created_by.clone()).into(),
    ])?;
    Ok(())
}
