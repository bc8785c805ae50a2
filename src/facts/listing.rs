//! Looking for facts. Whatever is asked for, one of three ways leads to what may fit, and all of it is then looked at.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::facts::search::{Keys, Traits, fold};
use task_mgmt_core::facts::{FactFilters, FactStatus};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::read;
use crate::tasks;

/// The facts that have all keys of an array, the parameter. Their project is among the keys; it is compared outside of this, so
/// that no other index seems to fit. No other statement here may read a project as a whole.
macro_rules! facts_with_keys {
    ($keys:literal) => {
        concat!(
            "select *
            from task_mgmt.fact k
            where task_mgmt.fact_keys(k.project_name, k.namespace, k.subject, k.predicate, k.tags, k.text, k.metadata) @> ",
            $keys,
            " offset 0"
        )
    };
}
pub(super) use facts_with_keys;

/// Facts of a project, newest first, those of one moment by their ids, and how many there are.
///
/// *Arguments*: `filters` is an object; a fact must fit all of its keys: q (a part of the text, or of the metadata written as
/// JSON, in upper or lower case; no character is special), tag (one that it has), tags (all of which it has), metadata (an object that
/// its metadata contains), namespace, subject, predicate, status (permanent, not_yet_valid, valid, expired), at (a moment in ISO 8601
/// at which it is in effect), produced_by and read_by (the id of a task that has found it out, or read it). `max_rows` facts
/// at most (1 to 1000) are returned, after `skip` others.
/// *Returns* an object with total, the number of all facts that fit, and items, an array of what `get_fact` returns.
/// *Errors*: P0002 project or task unknown; 22023 anything wrong with `filters`, or a number out of range; 42501 access denied.
/// *Cost*: that of the facts that fit a q of three characters or more, the tags, the names and the metadata, as they are found by
/// an index, and that of all facts of the project if none of these is given.
/// *Source*: other systems 1.3, 1.5.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_facts(
    project_name: Option<&str>,
    filters: default!(Option<Jsonb>, "'{}'"),
    max_rows: default!(Option<i32>, 100),
    skip: default!(Option<i32>, 0),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let text = required("filters", filters)?.text();
    let max_rows = arguments::within("max_rows", 1..=1000, max_rows)?;
    let skip = arguments::not_negative("skip", skip)?;
    access::require(Level::Reader, project)?;
    let filters = FactFilters::parse(&text).map_err(Error::from)?;
    projects::require_visible(project)?;
    Ok(page(project, &filters, max_rows, skip)?)
}

/// The keys that every fact has which fits; none if the filters do not say enough for that.
fn keys(project: &str, filters: &FactFilters) -> Vec<i32> {
    let mut keys = Keys::of(project);
    filters.q.iter().for_each(|q| keys.add_part(&fold(q)));
    filters.tags().iter().for_each(|tag| keys.add_tag(tag));
    keys.add_traits(Traits {
        namespace: filters.namespace.as_deref(),
        subject: filters.subject.as_deref(),
        predicate: filters.predicate.as_deref(),
        metadata: filters.metadata,
    });
    keys.finish()
}

fn page(project: &str, filters: &FactFilters, max_rows: i32, skip: i32) -> Result<Jsonb, Error> {
    macro_rules! page {
        ($materialized:literal, $candidates:expr) => {
            read!(concat!(
                "with fitting as ",
                $materialized,
                " (
                    select f.fact_id, f.created_at
                    from (",
                $candidates,
                ") f
                    where f.project_name = $1
                        and ($2 is null or task_mgmt.contains_folded(f.text, $2)
                            or task_mgmt.contains_folded(f.metadata::text, $2))
                        and f.tags @> $3
                        and ($4 is null or f.metadata @> $4::jsonb)
                        and ($5 is null or f.namespace = $5)
                        and ($6 is null or f.subject = $6)
                        and ($7 is null or f.predicate = $7)
                        and ($8 is null
                            or task_mgmt.fact_status(f.valid_from, f.valid_to, $9) = $8::task_mgmt.fact_status)
                        and ($10 is null or task_mgmt.fact_status(f.valid_from, f.valid_to, $10) in ('permanent', 'valid'))
                        and ($11 is null or exists (
                            select from task_mgmt.task_fact l
                            where l.project_name = $1 and l.fact_id = f.fact_id and l.relation = 'produces' and l.task_no = $11
                        ))
                        and ($12 is null or exists (
                            select from task_mgmt.task_fact l
                            where l.project_name = $1 and l.fact_id = f.fact_id and l.relation = 'reads' and l.task_no = $12
                        ))
                )
                select jsonb_build_object(
                    'total', (select count(*) from fitting),
                    'items', (
                        select coalesce(jsonb_agg(task_mgmt.fact_as_json(d) order by d.created_at desc, d.fact_id), '[]')
                        from (
                            select fact_id from fitting order by created_at desc, fact_id limit $13 offset $14
                        ) page
                        cross join lateral (
                            select * from task_mgmt.fact_details d
                            where d.project_name = $1 and d.fact_id = page.fact_id
                            offset 0
                        ) d
                    )
                )"
            ))
        };
    }
    let keys = keys(project, filters);
    let task_no = |task: &Option<String>| task.as_ref().map(|task| tasks::visible_no(project, task)).transpose();
    let (produced_by, read_by) = (task_no(&filters.produced_by)?, task_no(&filters.read_by)?);
    let statement = if produced_by.or(read_by).is_some() {
        page!(
            "materialized",
            "select f.*
            from (
                select distinct l.fact_id
                from task_mgmt.task_fact l
                where l.project_name = $1 and l.task_no = coalesce($11, $12)
            ) l
            join task_mgmt.fact f on f.project_name = $1 and f.fact_id = l.fact_id"
        )
    } else if keys.is_empty() {
        page!("not materialized", "select * from task_mgmt.fact")
    } else {
        page!("materialized", facts_with_keys!("$15"))
    };
    statement.value(&[
        project.into(),
        filters.q.as_deref().map(fold).into(),
        filters.tags().into(),
        filters.metadata.map(|metadata| metadata.get()).into(),
        filters.namespace.as_deref().into(),
        filters.subject.as_deref().into(),
        filters.predicate.as_deref().into(),
        filters.status.map(FactStatus::name).into(),
        clock::now()?.into(),
        filters.at.map(Instant::from).into(),
        produced_by.into(),
        read_by.into(),
        i64::from(max_rows).into(),
        i64::from(skip).into(),
        keys.into(),
    ])
}
