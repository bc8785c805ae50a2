//! How long the open tasks will take, going by what was done so far.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::projects;
use crate::spi::read;

/// Over how much of the past the pace is measured.
const DAYS: f64 = 7.0;

/// How long the open tasks of each kind will take, if work goes on as before.
///
/// *Returns* one row for each task type, ordered by it: open_tasks, neither completed nor cancelled; completed_last_week, in the
/// last seven days; median_seconds, submitted for a completed task, of those that time was submitted for; qualified_users, active
/// ones who may start this type; estimated_hours = open_tasks * median_seconds / 3600, the work of all users together;
/// days_left = open_tasks * 7 / completed_last_week. What cannot be estimated is null; without open tasks both are 0.
/// *Errors*: P0002 project unknown; 42501 access denied.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn forecast(
    project_name: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(task_type, String),
            name!(open_tasks, i64),
            name!(completed_last_week, i64),
            name!(median_seconds, Option<AnyNumeric>),
            name!(qualified_users, i64),
            name!(estimated_hours, Option<AnyNumeric>),
            name!(days_left, Option<AnyNumeric>),
        ),
    >,
    ErrorReport,
> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let now = clock::now()?;
    let rows = read!(
        "with done as (
            select t.task_type,
                count(*) filter (where t.status = 'queued') as open,
                count(*) filter (where t.completed_at > $2 and t.completed_at <= $3) as completed,
                trim_scale(round((percentile_cont(0.5) within group (order by spent.seconds::float8)
                    filter (where t.status = 'completed' and spent.seconds > 0))::numeric, 3)) as median
            from task_mgmt.task t
            left join lateral (
                select sum(s.seconds_spent) as seconds
                from task_mgmt.submission s
                where s.project_name = $1 and s.task_no = t.task_no and t.status = 'completed'
            ) as spent on true
            where t.project_name = $1
            group by t.task_type
        ), kind as (
            select y.task_type, coalesce(done.open, 0) as open, coalesce(done.completed, 0) as completed, done.median, (
                    select count(*)
                    from task_mgmt.project_user u
                    where u.project_name = $1 and u.is_active and y.task_type = any (u.qualified_task_types)
                ) as users
            from task_mgmt.task_type y
            left join done on done.task_type = y.task_type
            where y.project_name = $1
        )
        select task_type, open, completed, median, users,
            case when open = 0 then 0 else trim_scale(round(open * median / 3600, 2)) end,
            case when open = 0 then 0 else trim_scale(round(open * 7 / nullif(completed, 0)::numeric, 1)) end
        from kind
        order by task_type"
    )
    .all(&[project.into(), now.minus_seconds(DAYS * 86_400.0).into(), now.into()], |row| {
        Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.find(4)?, row.get(5)?, row.find(6)?, row.find(7)?))
    })?;
    Ok(TableIterator::new(rows))
}
