//! What is owed for an interval, and what was done for it.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::json::Jsonb;
use crate::pay::{Interval, spent};
use crate::projects;
use crate::spi::read;

/// What each user submitted and completed from `starts_at` up to, but not including, `ends_at`.
///
/// *Arguments*: either end may be infinite.
/// *Returns* one row for each user who submitted time, was corrected or completed a task, ordered by user_id: seconds; cost, each
/// submission at its own rate, rounded to six decimals; tasks_completed, each task at its last completion; tasks_by_status, a JSON
/// object of how many tasks have which completion status; tasks_per_hour, rounded to three decimals, null without time.
/// *Errors*: P0002 project unknown; 22023 the interval is empty; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn payroll(
    project_name: Option<&str>,
    starts_at: Option<TimestampWithTimeZone>,
    ends_at: Option<TimestampWithTimeZone>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(user_id, String),
            name!(seconds, AnyNumeric),
            name!(cost, AnyNumeric),
            name!(tasks_completed, i64),
            name!(tasks_by_status, Jsonb),
            name!(tasks_per_hour, Option<AnyNumeric>),
        ),
    >,
    ErrorReport,
> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    let interval = Interval::new(starts_at, ends_at)?;
    projects::require_visible(project)?;
    let rows = read!(concat!(
        "select u.user_id, coalesce(sum(did.seconds), 0), coalesce(sum(did.cost), 0), coalesce(sum(did.tasks), 0)::bigint,
            coalesce(jsonb_object_agg(did.completion_status, did.tasks) filter (where did.tasks > 0), '{}'),
            case when sum(did.seconds) > 0 then
                trim_scale(round(coalesce(sum(did.tasks), 0) * 3600 / sum(did.seconds), 3))
            end
        from (
            select user_no, seconds, cost, null as completion_status, null::bigint as tasks
            from (",
        spent!(),
        ") as submitted
            union all
            select completed_user_no, null, null, completion_status, count(*)
            from task_mgmt.completed_work
            where project_name = $1 and completed_at >= $2 and completed_at < $3
            group by completed_user_no, completion_status
        ) as did
        join task_mgmt.project_user u on u.project_name = $1 and u.user_no = did.user_no
        group by u.user_id
        order by u.user_id"
    ))
    .all(&[project.into(), interval.starts_at.into(), interval.ends_at.into()], |row| {
        Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.find(6)?))
    })?;
    Ok(TableIterator::new(rows))
}
