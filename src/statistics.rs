//! Statistics in constant time. Every event says by how much it changes which count, so counting is adding up events; `sweep` folds those
//! that are settled into a few rows, and reading adds the rest. No row is written by every transition.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::horizon::{Horizon, Pending};

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::horizon;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};

/// How many tasks of a project there are, by how far they are.
///
/// *Returns* an object of counts: total_tasks, pending_tasks (open and held by nobody, whatever they wait for), in_progress_tasks,
/// completed_tasks, failed_tasks, cancelled_tasks, skipped_tasks and expired_tasks; the others add up to the first.
/// *Effect*: none; takes as long for a million tasks as for one, provided that somebody calls `sweep` now and then.
/// *Errors*: P0002 project unknown; 42501 access denied.
/// *Source*: other systems reference 2.1 (metrics), 3.2.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn task_statistics(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = visible(project_name)?;
    Ok(read!(
        "select jsonb_build_object(
            'total_tasks', coalesce(sum(c.tasks), 0),
            'pending_tasks', coalesce(sum(c.tasks) filter (where c.count_key / 8 = 0), 0) - held.tasks,
            'in_progress_tasks', held.tasks,
            'completed_tasks', coalesce(sum(c.tasks) filter (where c.count_key / 8 = 1), 0),
            'failed_tasks', coalesce(sum(c.tasks) filter (where c.count_key / 8 = 2), 0),
            'cancelled_tasks', coalesce(sum(c.tasks) filter (where c.count_key / 8 = 3), 0),
            'skipped_tasks', coalesce(sum(c.tasks) filter (where c.count_key / 8 = 4), 0),
            'expired_tasks', coalesce(sum(c.tasks) filter (where c.count_key / 8 = 5), 0))
        from (select count(*) as tasks from task_mgmt.lease where project_name = $1) as held
        left join task_mgmt.project_counts($1) as c on true
        group by held.tasks"
    )
    .value(&[project.into()])?)
}

/// What waits in the queues of a project: open tasks that nobody holds, whatever they wait for.
///
/// *Returns* an object: total_tasks; queue_size, those that are nobody's own; tasks_by_priority, of these, an object of low (below 50),
/// medium, high (from 75) and critical (from 100); active_agents, how many users have tasks of their own that they could start.
/// *Errors*: P0002 project unknown; 42501 access denied.
/// *Source*: other systems reference 3.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn queue_statistics(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = visible(project_name)?;
    Ok(read!(
        "with waiting as (
            select c.count_key, sum(c.tasks) as tasks
            from (
                select c.count_key, c.tasks
                from task_mgmt.project_counts($1) as c
                where c.count_key < 8
                union all
                select t.counted_key, -1
                from task_mgmt.lease l
                join task_mgmt.task t on t.project_name = $1 and t.task_no = l.task_no
                where l.project_name = $1
            ) as c (count_key, tasks)
            group by c.count_key
        )
        select jsonb_build_object(
            'total_tasks', coalesce(sum(w.tasks), 0),
            'queue_size', coalesce(sum(w.tasks) filter (where w.count_key % 2 = 0), 0),
            'tasks_by_priority', jsonb_build_object(
                'low', coalesce(sum(w.tasks) filter (where w.count_key = 0), 0),
                'medium', coalesce(sum(w.tasks) filter (where w.count_key = 2), 0),
                'high', coalesce(sum(w.tasks) filter (where w.count_key = 4), 0),
                'critical', coalesce(sum(w.tasks) filter (where w.count_key = 6), 0)),
            'active_agents', (
                select count(*)
                from task_mgmt.project_user u
                where u.project_name = $1 and exists (
                    select from task_mgmt.ready r where r.project_name = $1 and r.queue_no = -u.user_no)
            ))
        from waiting w"
    )
    .value(&[project.into()])?)
}

/// What each process has done in a project: one row for each user and instance that has ended attempts.
///
/// *Returns* rows of user_id, instance (null if it did not say), running (tasks that it holds), completed, failed (for good), retried
/// (failed, and tried again) and lost (attempts whose lease ended).
/// *Errors*: P0002 project unknown; 42501 access denied.
/// *Source*: other systems reference 2.1 (metrics per instance).
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn processing_statistics(
    project_name: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(user_id, String),
            name!(instance, Option<String>),
            name!(running, i64),
            name!(completed, i64),
            name!(failed, i64),
            name!(retried, i64),
            name!(lost, i64),
        ),
    >,
    ErrorReport,
> {
    let project = visible(project_name)?;
    let rows: Vec<(String, Option<String>, i64, i64, i64, i64, i64)> = read!(
        "select u.user_id, nullif(p.instance, ''), sum(p.running)::bigint, sum(p.completed)::bigint, sum(p.failed)::bigint,
            sum(p.retried)::bigint, sum(p.lost)::bigint
        from (
            select f.user_no, f.instance, 0 as running, f.completed, f.failed, f.retried, f.lost
            from task_mgmt.processing_count f
            where f.project_name = $1
            union all
            select e.user_no, coalesce(e.instance, ''), 0, (e.kind = 'completed')::integer, (e.kind = 'failed')::integer,
                (e.kind = 'retried')::integer, (e.kind = 'lease_expired')::integer
            from task_mgmt.event e
            where e.project_name = $1
                and e.event_no > coalesce((select h.folded_no from task_mgmt.count_horizon h where h.project_name = $1), 0)
                and e.user_no is not null
                and (e.kind in ('failed', 'retried', 'lease_expired') or e.kind = 'completed' and e.to_key is not null)
            union all
            select l.user_no, coalesce(l.instance, ''), 1, 0, 0, 0, 0
            from task_mgmt.lease l
            where l.project_name = $1
        ) p
        join task_mgmt.project_user u on u.project_name = $1 and u.user_no = p.user_no
        group by u.user_id, p.instance
        order by u.user_id, p.instance"
    )
    .all(&[project.into()], |row| {
        Ok((row.get(1)?, row.find(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?))
    })?;
    Ok(TableIterator::new(rows))
}

/// Whether a server does what it should, at a glance.
///
/// *Returns* an object: status (`healthy`, or `degraded` if something is overdue: nobody sweeps, and no worker asks for work),
/// database (true), version (of the extension), and, over all projects that the caller may read, queue_size (tasks that nobody holds,
/// whatever they wait for), running_tasks, overdue_leases and overdue_tasks (leases and times to live that have been over for more
/// than a minute, counted up to 1000).
/// *Errors*: none.
/// *Source*: other systems reference 3.2, 3.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn health() -> Result<Jsonb, ErrorReport> {
    const GRACE_SECONDS: f64 = 60.0;
    let projects = access::visible_projects()?;
    let overdue = clock::now()?.minus_seconds(GRACE_SECONDS);
    Ok(read!(
        "with found as (
            select coalesce(sum(c.open), 0) as open, coalesce(sum(h.held), 0) as held, coalesce(sum(l.leases), 0) as leases,
                coalesce(sum(t.tasks), 0) as tasks
            from unnest($1) as p (project_name)
            cross join lateral (
                select coalesce(sum(c.tasks), 0) as open from task_mgmt.project_counts(p.project_name) c where c.count_key < 8
            ) c
            cross join lateral (
                select count(*) as held from task_mgmt.lease l where l.project_name = p.project_name
            ) h
            cross join lateral (
                select count(*) as leases
                from (
                    select from task_mgmt.lease l
                    where l.project_name = p.project_name and l.expires_at < $2 and l.expires_at is not null
                    limit 1000
                ) l
            ) l
            cross join lateral (
                select count(*) as tasks
                from (
                    select from task_mgmt.task t
                    where t.project_name = p.project_name and t.expires_at < $2 and t.expires_at is not null
                        and not exists (
                            select from task_mgmt.lease l where l.project_name = p.project_name and l.task_no = t.task_no)
                    limit 1000
                ) t
            ) t
        )
        select jsonb_build_object(
            'status', case when leases + tasks > 0 then 'degraded' else 'healthy' end,
            'database', true,
            'version', $3::text,
            'queue_size', open - held,
            'running_tasks', held,
            'overdue_leases', leases,
            'overdue_tasks', tasks)
        from found"
    )
    .value(&[projects.into(), overdue.into(), env!("CARGO_PKG_VERSION").into()])?)
}

/// Folds events that are settled, at most so many; how many. Does nothing if somebody else is at it.
pub fn fold(project: &str, most: i32) -> Result<usize, Error> {
    let Some((folded, horizon)) = lock_horizon(project)? else { return Ok(0) };
    let is_behind = sql!("select from task_mgmt.event where project_name = $1 and event_no > $2 limit 1");
    if is_behind.run(&[project.into(), folded.into()])? == 0 {
        return Ok(0);
    }
    let horizon = horizon.after(&horizon::observe());
    let next: Option<i64> = sql!(
        "select event_no
        from task_mgmt.event
        where project_name = $1 and event_no > $2 and event_no <= $3
        order by event_no
        offset $4
        limit 1"
    )
    .first(&[project.into(), folded.into(), horizon.settled.into(), most.into()], |row| row.get(1))?;
    let upto = next.map_or(horizon.settled, |next| next - 1).max(folded);
    let count = fold_between(project, folded, upto)?;
    let pending = horizon.pending;
    sql!(
        "update task_mgmt.count_horizon
        set folded_no = $2, settled_no = $3, pending_no = $4, pending_transaction = $5
        where project_name = $1"
    )
    .run(&[
        project.into(),
        upto.into(),
        horizon.settled.into(),
        pending.map(|pending| pending.number).into(),
        pending.map(|pending| pending.next_transaction as i64).into(),
    ])?;
    Ok(count)
}

/// How far events are folded and known to be settled; none if somebody else is at it.
fn lock_horizon(project: &str) -> Result<Option<(i64, Horizon)>, Error> {
    sql!(
        "insert into task_mgmt.count_horizon (project_name, folded_no, settled_no)
        select $1, 0, 0
        where not exists (select from task_mgmt.count_horizon where project_name = $1)
        on conflict (project_name) do nothing"
    )
    .run(&[project.into()])?;
    sql!(
        "select folded_no, settled_no, pending_no, pending_transaction
        from task_mgmt.count_horizon
        where project_name = $1
        for no key update skip locked"
    )
    .first(&[project.into()], |row| {
        let pending = row.find::<i64>(3)?.zip(row.find::<i64>(4)?);
        let pending = pending.map(|(number, next)| Pending { number, next_transaction: next as u64 });
        Ok((row.get(1)?, Horizon { settled: row.get(2)?, pending }))
    })
}

/// Adds what events say to the counts; how many events there were.
fn fold_between(project: &str, after: i64, upto: i64) -> Result<usize, Error> {
    sql!(
        "insert into task_mgmt.task_count as c (project_name, count_key, tasks)
        select $1, d.count_key, sum(d.tasks)
        from task_mgmt.event e
        cross join lateral (values (e.to_key, coalesce(e.amount, 1)), (e.from_key, -1)) as d (count_key, tasks)
        where e.project_name = $1 and e.event_no > $2 and e.event_no <= $3 and d.count_key is not null
        group by d.count_key
        order by d.count_key
        on conflict (project_name, count_key) do update set tasks = c.tasks + excluded.tasks"
    )
    .run(&[project.into(), after.into(), upto.into()])?;
    sql!(
        "insert into task_mgmt.processing_count as c (project_name, user_no, instance, completed, failed, retried, lost)
        select $1, e.user_no, coalesce(e.instance, ''), count(*) filter (where e.kind = 'completed'),
            count(*) filter (where e.kind = 'failed'), count(*) filter (where e.kind = 'retried'),
            count(*) filter (where e.kind = 'lease_expired')
        from task_mgmt.event e
        where e.project_name = $1 and e.event_no > $2 and e.event_no <= $3 and e.user_no is not null
            and (e.kind in ('failed', 'retried', 'lease_expired') or e.kind = 'completed' and e.to_key is not null)
        group by e.user_no, coalesce(e.instance, '')
        order by e.user_no, coalesce(e.instance, '')
        on conflict (project_name, user_no, instance) do update set
            completed = c.completed + excluded.completed, failed = c.failed + excluded.failed,
            retried = c.retried + excluded.retried, lost = c.lost + excluded.lost"
    )
    .run(&[project.into(), after.into(), upto.into()])?;
    let count: i64 =
        sql!("select count(*) from task_mgmt.event where project_name = $1 and event_no > $2 and event_no <= $3")
            .value(&[project.into(), after.into(), upto.into()])?;
    Ok(count as usize)
}

fn visible(project_name: Option<&str>) -> Result<&str, Error> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(project)
}
