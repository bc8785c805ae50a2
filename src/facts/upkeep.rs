//! How many facts there are, and removing those that are out of date.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::lineage;
use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};

/// Removes the facts whose valid_to has passed, as `delete_fact` does.
///
/// *Arguments*: with `dry_run` true they are only counted.
/// *Returns* how many.
/// *Errors*: P0002 project unknown; 42501 the caller is not a manager.
/// *Locks*: the facts' rows.
/// *Source*: other systems 1.5.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_expired_facts(
    project_name: Option<&str>,
    dry_run: default!(Option<bool>, false),
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let dry_run = required("dry_run", dry_run)?;
    projects::require_existing(project)?;
    let now = clock::now()?;
    if dry_run {
        return Ok(sql!("select count(*) from task_mgmt.fact where project_name = $1 and valid_to <= $2")
            .value(&[project.into(), now.into()])?);
    }
    let deleted: Vec<String> = sql!(
        "delete from task_mgmt.fact f
        using (
            select e.fact_id
            from task_mgmt.fact e
            where e.project_name = $1 and e.valid_to <= $2
            order by e.fact_id
            for update
        ) expired
        where f.project_name = $1 and f.fact_id = expired.fact_id
        returning f.fact_id"
    )
    .all(&[project.into(), now.into()], |row| row.get(1))?;
    let count = deleted.len() as i64;
    if count > 0 {
        lineage::forget_facts(project, deleted)?;
        let detail = format!("{count} expired facts");
        events::append(project, &[0], "project_cleared", Actor::Caller, Some(&detail), now)?;
    }
    Ok(count)
}

/// How many facts a project has.
///
/// *Returns* an object of counts: total, temporal (with valid_from or valid_to), governed (with rule_id), expired, active
/// (temporal and in effect now), namespaces.
/// *Errors*: P0002 project unknown; 42501 access denied.
/// *Source*: other systems 1.5, 1.6.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn fact_statistics(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select jsonb_build_object(
            'total', count(*),
            'temporal', count(*) filter (where s.status <> 'permanent'),
            'governed', count(f.rule_id),
            'expired', count(*) filter (where s.status = 'expired'),
            'active', count(*) filter (where s.status = 'valid'),
            'namespaces', count(distinct f.namespace))
        from task_mgmt.fact f
        cross join lateral (select task_mgmt.fact_status(f.valid_from, f.valid_to, $2)) as s (status)
        where f.project_name = $1"
    )
    .value(&[project.into(), clock::now()?.into()])?)
}
