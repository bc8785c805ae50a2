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
/// *Returns* one row for each task type, ordered by it: open_tasks, what users have yet to complete; completed_last_week, in the
/// last seven days, as in the view throughput; median_seconds, submitted for a completed task, of those that time was submitted
/// for; qualified_users, active ones who may start this type; estimated_hours = open_tasks * median_seconds / 3600, the work of
/// all users together; days_left = open_tasks * 7 / completed_last_week. What cannot be estimated is null; without open tasks
/// both are 0.
/// A task that is neither completed nor cancelled counts as one, and so does a copy. One with an overlap above 1 counts as the
/// copies that are yet to be handed out, then as none while it waits for its copies, and as one if somebody is to decide; what
/// its copies agree on is completed by nobody.
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
            select w.task_type, count(*) filter (where w.completed_at > $2 and w.completed_at <= $3) as completed,
                trim_scale(round((percentile_cont(0.5) within group (order by spent.seconds::float8)
                    filter (where spent.seconds > 0))::numeric, 3)) as median
            from task_mgmt.completed_work w
            left join lateral (
                select sum(s.seconds_spent) as seconds
                from task_mgmt.submission s
                where s.project_name = $1 and s.task_no = w.task_no
            ) as spent on true
            where w.project_name = $1
            group by w.task_type
        ), left_over as (
            select t.task_type, sum(case when t.overlap = 1 then 1 else (
                    select case when o.copies < o.overlap then o.overlap - o.copies when o.open_copies > 0 then 0 else 1 end
                    from task_mgmt.overlap_details o
                    where o.project_name = $1 and o.task_no = t.task_no
                ) end)::bigint as open
            from task_mgmt.task t
            where t.project_name = $1 and t.status = 'queued'
            group by t.task_type
        ), kind as (
            -- That somebody may start a type is Qualifications::has_task_type elsewhere.
            select y.task_type, coalesce(l.open, 0) as open, coalesce(d.completed, 0) as completed, d.median, (
                    select count(*)
                    from task_mgmt.project_user u
                    join task_mgmt.qualification q on q.project_name = $1 and q.user_no = u.user_no
                        and q.kind = 'task_type' and q.name = y.task_type
                    where u.project_name = $1 and u.is_active and (q.expires_at is null or q.expires_at > $3)
                        and coalesce(q.level, 0) >= y.min_level
                ) as users
            from task_mgmt.task_type y
            left join done d on d.task_type = y.task_type
            left join left_over l on l.task_type = y.task_type
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
