//! Sweeping: what should happen by itself as time passes, done by whoever calls. Leases end, tasks expire, tasks are due. All of it is
//! bounded, may be called from many places at once, and waits for nobody's key; workers that find nothing to do also do some.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::access;
use crate::arguments;
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::expiry;
use crate::leases::{self, Failure};
use crate::locks::{self, Key};
use crate::release::HeldTask;
use crate::spi::sql;
use crate::statistics;
use crate::waiting;

/// Ends leases whose time is over, lets tasks expire, and frees tasks whose time has come, in all projects in which the caller may
/// work.
///
/// *Arguments*: `max_rows` of each kind in each project, from 1 to 100000; of leases, 64 at most in all projects.
/// *Effect*: a lease that has ended counts as a failed attempt: the task is tried again, or has failed, as after `fail_task`. What it leaves
/// for the next call, a claim does when it comes to it; so nothing is late, but a queue that is swept now and then answers faster.
/// *Returns* a row for each project with something to do, 64 at most: how many leases ended, tasks expired, tasks were freed, and events
/// were folded, so that statistics need not read them any more.
/// *Errors*: 22023 a bad argument; 42501 the caller may work in no project.
/// *Locks*: of what it sweeps the keys, rows and gates, without waiting; what somebody else is at stays for the next call.
/// *Source*: other systems reference 1.5 (reaper), 3.3 (cleanup), 6.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn sweep(
    max_rows: default!(Option<i32>, 1000),
) -> Result<
    TableIterator<
        'static,
        (
            name!(project_name, String),
            name!(leases_ended, i64),
            name!(tasks_expired, i64),
            name!(tasks_freed, i64),
            name!(events_folded, i64),
        ),
    >,
    ErrorReport,
> {
    let most = arguments::within("max_rows", 1..=100_000, max_rows)?;
    let now = clock::now()?;
    let projects = with_work(now)?;
    locks::share_all(&projects.iter().map(|project| Key::Project(project)).collect::<Vec<_>>());
    let (mut swept, mut keys_left) = (vec![], locks::MOST_KEYS as i32);
    for project in projects {
        let leases = reclaim_some(&project, now, most.min(keys_left))?;
        keys_left -= leases as i32;
        let expired = expiry::expire(&project, now, most)? as i64;
        let freed = free(&project, now, most)? as i64;
        let folded = statistics::fold(&project, most)? as i64;
        if leases as i64 + expired + freed + folded > 0 {
            swept.push((project, leases as i64, expired, freed, folded));
        }
    }
    Ok(TableIterator::new(swept))
}

/// The projects in which there may be something to do, as many as a call takes the keys of, in their order.
fn with_work(now: Instant) -> Result<Vec<String>, Error> {
    sql!(
        "select p.project_name
        from unnest($1) as p (project_name)
        where exists (
                select from task_mgmt.lease l
                where l.project_name = p.project_name and l.expires_at <= $2 and l.expires_at is not null
            ) or exists (
                select from task_mgmt.task t
                where t.project_name = p.project_name and t.expires_at <= $2 and t.expires_at is not null
            ) or exists (
                select from task_mgmt.blocked b
                where b.project_name = p.project_name and b.run_after <= $2 and b.run_after is not null
            ) or exists (
                select from task_mgmt.event e
                where e.project_name = p.project_name and e.event_no > coalesce((
                    select h.folded_no from task_mgmt.count_horizon h where h.project_name = p.project_name), 0)
            )
        order by p.project_name
        limit $3"
    )
    .all(&[access::workable_projects()?.into(), now.into(), (locks::MOST_KEYS as i64).into()], |row| row.get(1))
}

/// Ends leases of a project whose time is over; how many.
pub fn reclaim(project: &str, now: Instant) -> Result<usize, Error> {
    reclaim_some(project, now, locks::MOST_KEYS as i32)
}

fn reclaim_some(project: &str, now: Instant, most: i32) -> Result<usize, Error> {
    let ended: Vec<(String, i64, String, Option<String>)> = sql!(
        "select l.task_id, l.fence, u.user_id, l.instance
        from task_mgmt.lease l
        join task_mgmt.project_user u on u.project_name = $1 and u.user_no = l.user_no
        where l.project_name = $1 and l.expires_at <= $2 and l.expires_at is not null
        order by l.expires_at
        limit $3"
    )
    .all(&[project.into(), now.into(), most.into()], |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.find(4)?)))?;
    let mut count = 0;
    for (task_id, token, user, instance) in ended {
        count += usize::from(try_reclaim(project, &task_id, token, &user, instance.as_deref())?);
    }
    Ok(count)
}

/// Ends one of them unless somebody is at it, or has prolonged it.
fn try_reclaim(project: &str, task_id: &str, token: i64, user: &str, instance: Option<&str>) -> Result<bool, Error> {
    let key = Key::Task(project, task_id);
    if !locks::try_lock(key) {
        return Ok(false);
    }
    match HeldTask::look_up_token(project, task_id, token)? {
        Some(held) if held.has_ended() && held.try_lock_rows()? => {
            let by = instance.map_or(user.to_owned(), |instance| format!("{user} ({instance})"));
            let error = format!("The lease of {by} ended.");
            let failure =
                Failure { error: &error, kind: "lease_expired", is_retryable: true, delay_seconds: None, result: None };
            leases::fail(&held, failure)?;
            Ok(true)
        }
        _ => {
            locks::unlock(key);
            Ok(false)
        }
    }
}

fn free(project: &str, now: Instant, most: i32) -> Result<usize, Error> {
    let mut count = 0;
    while count < most as usize {
        match waiting::free_due(project, now)? {
            0 => break,
            freed => count += freed,
        }
    }
    Ok(count)
}
