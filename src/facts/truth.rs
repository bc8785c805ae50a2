//! What holds now, of all that was ever said of a subject.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::facts::search::{Keys, Traits};

use super::listing::facts_with_keys;
use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{Statement, read};

/// Of each predicate of each subject the fact that is in effect and took effect last, as an array of what `get_fact` returns,
/// ordered by namespace, subject and predicate.
///
/// *Arguments*: only facts of this namespace, subject and predicate; null for all. A fact without valid_from takes effect when it is
/// created. `max_rows` facts at most (1 to 1000) are returned, after `skip` others.
/// *Errors*: P0002 project unknown; 22023 a number out of range; 42501 access denied.
/// *Source*: other systems 1.5.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_current_truth(
    project_name: Option<&str>,
    namespace: default!(Option<&str>, "NULL"),
    subject: default!(Option<&str>, "NULL"),
    predicate: default!(Option<&str>, "NULL"),
    max_rows: default!(Option<i32>, 100),
    skip: default!(Option<i32>, 0),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let max_rows = arguments::within("max_rows", 1..=1000, max_rows)?;
    let skip = arguments::not_negative("skip", skip)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let mut keys = Keys::of(project);
    keys.add_traits(Traits { namespace, subject, predicate, metadata: None });
    let keys = keys.finish();
    let statement = match keys.is_empty() {
        true => of_project(),
        false => of_names(),
    };
    Ok(statement.value(&[
        project.into(),
        namespace.into(),
        subject.into(),
        predicate.into(),
        clock::now()?.into(),
        i64::from(max_rows).into(),
        i64::from(skip).into(),
        keys.into(),
    ])?)
}

macro_rules! as_array {
    ($latest:expr) => {
        concat!(
            "select coalesce(jsonb_agg(task_mgmt.fact_as_json(d) order by d.namespace, d.subject, d.predicate), '[]')
            from (",
            $latest,
            " limit $6 offset $7) latest
            cross join lateral (
                select * from task_mgmt.fact_details d
                where d.project_name = $1 and d.fact_id = latest.fact_id
                offset 0
            ) d"
        )
    };
}

/// Goes from subject to subject by their index, as far as the page needs it.
fn of_project() -> &'static Statement {
    read!(as_array!(
        "select latest.fact_id
        from (
            select distinct f.namespace, f.subject
            from task_mgmt.fact f
            where f.project_name = $1 and f.subject is not null
            order by f.namespace, f.subject
        ) s
        cross join lateral (
            select distinct on (f.predicate) f.predicate, f.fact_id
            from task_mgmt.fact f
            where f.project_name = $1 and f.namespace = s.namespace and f.subject = s.subject
                and task_mgmt.fact_status(f.valid_from, f.valid_to, $5) in ('permanent', 'valid')
            order by f.predicate, coalesce(f.valid_from, f.created_at) desc, f.created_at desc, f.fact_id
        ) latest
        order by s.namespace, s.subject, latest.predicate"
    ))
}

fn of_names() -> &'static Statement {
    read!(as_array!(concat!(
        "select distinct on (f.namespace, f.subject, f.predicate) f.fact_id
        from (",
        facts_with_keys!("$8"),
        ") f
        where f.project_name = $1 and f.subject is not null
            and ($2 is null or f.namespace = $2)
            and ($3 is null or f.subject = $3)
            and ($4 is null or f.predicate = $4)
            and task_mgmt.fact_status(f.valid_from, f.valid_to, $5) in ('permanent', 'valid')
        order by f.namespace, f.subject, f.predicate, coalesce(f.valid_from, f.created_at) desc, f.created_at desc, f.fact_id"
    )))
}
