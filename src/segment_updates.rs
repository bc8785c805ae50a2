//! The queue of segments whose root and statistics are to be read again from the segmentation, by workers that lease one update
//! at a time. A lease ends by itself, so nothing is lost with a worker that crashes.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::check_name;
use task_mgmt_core::segment_updates::{MAX_MESSAGE_CHARS, Outcome, after_failure, check_lease_seconds};
use task_mgmt_core::timesheets::check_days;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::cross_project;
use crate::error::Error;
use crate::events;
use crate::ids;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{read, sql};

/// Asks for an update of every segment that has one of these roots.
///
/// *Effect*: an update that waits, is over or has failed is pending again, at once, without retries or error; one that is
/// being processed becomes pending again when it ends. An update that waits keeps its place in the queue.
/// *Returns* the number of segments.
/// *Errors*: P0002 project unknown; 22023 bad id; 42501 access denied.
/// *Locks*: rows of updates, in the order of their seeds.
/// *Source*: annotation reference 17.1.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn queue_segment_updates(
    project_name: Option<&str>,
    root_ids: Option<Vec<Option<AnyNumeric>>>,
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let roots = ids::distinct("root_ids", root_ids)?;
    projects::require_existing(project)?;
    let seeds = sql!(
        "select seed_id::text
        from task_mgmt.segment
        where project_name = $1 and current_segment_id = any($2) and current_segment_id is not null"
    )
    .all(&[project.into(), ids::numerics(&roots).into()], |row| ids::stored(row.get(1)?))?;
    Ok(queue(project, &seeds, clock::now()?)?)
}

/// `queue_segment_updates` of segments by their seeds; seeds of no segment are passed over.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn queue_segment_updates_for_seeds(
    project_name: Option<&str>,
    seed_ids: Option<Vec<Option<AnyNumeric>>>,
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let seeds = ids::distinct("seed_ids", seed_ids)?;
    projects::require_existing(project)?;
    Ok(queue(project, &seeds, clock::now()?)?)
}

/// Leases the oldest update that can be claimed to a worker: one that is pending and not waiting after a failure, or one whose
/// lease has ended. Without a project the oldest of all projects in which the caller may work.
///
/// *Arguments*: `worker` (default: the role that calls) is shown to people; `lease_seconds` from 1 to 86400.
/// *Returns* one row, or none if there is nothing to do: project_name, seed_id, current_segment_id (null if unknown), attempt
/// (1 for the first), token, which the calls that end or extend the lease need.
/// *Errors*: P0002 project unknown; 22023 bad worker or lease_seconds; 42501 access denied.
/// *Locks*: one row of an update that nobody has locked; without a project before it the keys of the projects that have some to claim,
/// shared.
/// *Source*: annotation reference 17.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn claim_segment_update(
    project_name: default!(Option<&str>, "NULL"),
    worker: default!(Option<&str>, "NULL"),
    lease_seconds: default!(Option<i32>, 300),
) -> Result<
    TableIterator<
        'static,
        (
            name!(project_name, String),
            name!(seed_id, AnyNumeric),
            name!(current_segment_id, Option<AnyNumeric>),
            name!(attempt, i32),
            name!(token, i64),
        ),
    >,
    ErrorReport,
> {
    let lease_seconds = lease(required("lease_seconds", lease_seconds)?, "lease_seconds")?;
    let worker = match worker {
        Some(worker) => worker.to_owned(),
        None => access::role_name(access::caller()?),
    };
    check_name("worker", &worker).map_err(Error::from)?;
    let now = clock::now()?;
    let projects = match project_name {
        Some(project) => vec![projects::enter(Level::Worker, Some(project))?.to_owned()],
        None => cross_project::projects_with_updates(now)?,
    };
    for project in &projects {
        if let Some(claim) = claim(project, &worker, now, now.plus_seconds(lease_seconds))? {
            return Ok(TableIterator::once((project.clone(), claim.seed, claim.root, claim.attempt, claim.token)));
        }
    }
    if let Some(project) = project_name {
        projects::require_existing(project)?;
    }
    Ok(TableIterator::empty())
}

/// Gives the worker more time for an update: `seconds` from now on.
///
/// *Arguments*: `token` is that of the claim; `seconds` from 1 to 86400.
/// *Returns* false if the lease was lost: somebody has claimed the update since, or it is over.
/// *Errors*: P0002 project unknown; 22023 a bad argument; 42501 access denied.
/// *Locks*: the row of the update.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn extend_segment_update(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    token: Option<i64>,
    seconds: default!(Option<i32>, 300),
) -> Result<bool, ErrorReport> {
    let leased = Leased::open(project_name, seed_id, token)?;
    let until = clock::now()?.plus_seconds(lease(required("seconds", seconds)?, "seconds")?);
    let extended = sql!(
        "update task_mgmt.segment_update set available_at = $4
        where project_name = $1 and seed_id = $2 and token = $3"
    )
    .run(&[leased.project.into(), leased.seed().into(), leased.token.into(), until.into()])?;
    Ok(extended > 0)
}

/// Ends an update that has been made. If it was asked for again meanwhile, it is pending again.
///
/// *Arguments*: `token` is that of the claim.
/// *Returns* false if the lease was lost: somebody has claimed the update since, or it is over.
/// *Errors*: P0002 project unknown; 22023 bad id; 42501 access denied.
/// *Locks*: the row of the update.
/// *Source*: annotation reference 17.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn complete_segment_update(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    token: Option<i64>,
) -> Result<bool, ErrorReport> {
    let leased = Leased::open(project_name, seed_id, token)?;
    let completed = sql!(
        "update task_mgmt.segment_update set
            status = case when is_requeued then 'pending' else 'completed' end::task_mgmt.segment_update_status,
            available_at = case when is_requeued then created_at end,
            is_requeued = false,
            error_message = null,
            last_attempt = $4,
            token = null,
            worker = null
        where project_name = $1 and seed_id = $2 and token = $3"
    )
    .run(&[leased.project.into(), leased.seed().into(), leased.token.into(), clock::now()?.into()])?;
    Ok(completed > 0)
}

/// Ends an attempt at an update that has failed. It is tried again after 2, 4, 8 and so on up to 300 seconds, so that it does
/// not keep others waiting; or given up.
///
/// *Arguments*: `token` is that of the claim; of `error_message` the first 2000 characters are kept; after `max_retries`
/// failures the update is given up, unless it was asked for again meanwhile (0 or less: never).
/// *Returns* the status that the update has now, pending or failed; null if the lease was lost: somebody has claimed the update
/// since, or it is over.
/// *Errors*: P0002 project unknown; 22023 a bad argument; 42501 access denied.
/// *Locks*: the row of the update.
/// *Source*: annotation reference 17.2, 17.4.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn fail_segment_update(
    project_name: Option<&str>,
    seed_id: Option<AnyNumeric>,
    token: Option<i64>,
    error_message: Option<&str>,
    max_retries: default!(Option<i32>, 5),
) -> Result<Option<String>, ErrorReport> {
    let leased = Leased::open(project_name, seed_id, token)?;
    let message: String = required("error_message", error_message)?.chars().take(MAX_MESSAGE_CHARS).collect();
    let max_retries = required("max_retries", max_retries)?;
    let Some((failures, is_requeued)) = leased.lock()? else { return Ok(None) };
    let now = clock::now()?;
    let (status, available_at) = match after_failure(failures.saturating_add(1), max_retries, is_requeued) {
        Outcome::RetryAfterSeconds(seconds) => ("pending", Some(now.plus_seconds(seconds.into()))),
        Outcome::Final => ("failed", None),
    };
    sql!(
        "update task_mgmt.segment_update set
            status = $3::task_mgmt.segment_update_status,
            available_at = $4,
            is_requeued = false,
            retry_count = $5,
            error_message = $6,
            last_attempt = $7,
            token = null,
            worker = null
        where project_name = $1 and seed_id = $2"
    )
    .run(&[
        leased.project.into(),
        leased.seed().into(),
        status.into(),
        available_at.into(),
        failures.saturating_add(1).into(),
        message.into(),
        now.into(),
    ])?;
    Ok(Some(status.to_owned()))
}

/// How many updates of a project there are, as an object: pending, processing, completed, failed.
///
/// *Errors*: P0002 project unknown; 42501 access denied.
/// *Source*: annotation reference 17.3.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn get_segment_update_stats(project_name: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    Ok(read!(
        "select jsonb_build_object(
            'pending', count(*) filter (where status = 'pending'),
            'processing', count(*) filter (where status = 'processing'),
            'completed', count(*) filter (where status = 'completed'),
            'failed', count(*) filter (where status = 'failed'))
        from task_mgmt.segment_update
        where project_name = $1"
    )
    .value(&[project.into()])?)
}

/// Removes updates that were completed more than some days ago, and returns how many. One that somebody is just asking for again is
/// passed over.
///
/// *Arguments*: `days_old` from 0 to 36500.
/// *Errors*: P0002 project unknown; 22023 bad number of days; 42501 access denied.
/// *Locks*: rows of updates, in the order of their seeds.
/// *Source*: annotation reference 17.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_completed_updates(
    project_name: Option<&str>,
    days_old: default!(Option<i32>, 7),
) -> Result<i64, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let days = required("days_old", days_old)?;
    check_days("days_old", days).map_err(Error::from)?;
    projects::require_existing(project)?;
    let before = clock::now()?.minus_seconds(f64::from(days) * 86_400.0);
    let removed = sql!(
        "with old as (
            select u.seed_id
            from task_mgmt.segment_update u
            where u.project_name = $1 and u.status = 'completed' and u.last_attempt < $2
            for update of u skip locked
        )
        delete from task_mgmt.segment_update u
        using old
        where u.project_name = $1 and u.seed_id = old.seed_id"
    )
    .run(&[project.into(), before.into()])?;
    Ok(removed as i64)
}

/// Asks for updates of those of the seeds that have a segment; returns how many.
pub fn queue<'a>(project: &str, seeds: impl IntoIterator<Item = &'a u64>, now: Instant) -> Result<i64, Error> {
    let queued = sql!(
        "insert into task_mgmt.segment_update as u (project_name, seed_id, created_at, available_at)
        select $1, s.seed_id, $3, $3
        from task_mgmt.segment s
        where s.project_name = $1 and s.seed_id = any($2)
        order by s.seed_id
        on conflict (project_name, seed_id) do update set
            status = case u.status when 'processing' then u.status else 'pending' end,
            available_at = case u.status
                when 'processing' then u.available_at
                else least(u.available_at, excluded.available_at)
            end,
            is_requeued = u.status = 'processing',
            retry_count = 0,
            error_message = null,
            created_at = excluded.created_at"
    )
    .run(&[project.into(), ids::numerics(seeds).into(), now.into()])?;
    Ok(queued as i64)
}

struct Claim {
    seed: AnyNumeric,
    root: Option<AnyNumeric>,
    attempt: i32,
    token: i64,
}

/// Leases the oldest update that nobody else is about to claim. An attempt whose lease has ended counts as a failed one. Who finds
/// nothing to claim has taken no number, so asking again and again writes nothing.
fn claim(project: &str, worker: &str, now: Instant, until: Instant) -> Result<Option<Claim>, Error> {
    let oldest: Option<AnyNumeric> = sql!(
        "select u.seed_id::numeric
        from task_mgmt.segment_update u
        where u.project_name = $1 and u.available_at <= $2
        order by u.available_at, u.seed_id
        limit 1
        for update of u skip locked"
    )
    .first(&[project.into(), now.into()], |row| row.get(1))?;
    let Some(seed) = oldest else { return Ok(None) };
    let token = events::next_number();
    sql!(
        "update task_mgmt.segment_update u set
            retry_count = u.retry_count + (u.status = 'processing' and not u.is_requeued)::integer,
            status = 'processing',
            available_at = $3,
            token = $4,
            worker = $5,
            is_requeued = false,
            last_attempt = $2
        where u.project_name = $1 and u.seed_id = $6
        returning u.seed_id::numeric, (
            select s.current_segment_id::numeric
            from task_mgmt.segment s
            where s.project_name = $1 and s.seed_id = u.seed_id
        ), u.retry_count + 1"
    )
    .first(&[project.into(), now.into(), until.into(), token.into(), worker.into(), seed.into()], |row| {
        Ok(Claim { seed: row.get(1)?, root: row.find(2)?, attempt: row.get(3)?, token })
    })
}

/// A claimed update, as the worker names it.
struct Leased<'a> {
    project: &'a str,
    seed: u64,
    token: i64,
}

impl<'a> Leased<'a> {
    fn open(project_name: Option<&'a str>, seed_id: Option<AnyNumeric>, token: Option<i64>) -> Result<Self, Error> {
        let project = projects::enter(Level::Worker, project_name)?;
        let seed = ids::one("seed_id", seed_id)?;
        let token = required("token", token)?;
        projects::require_existing(project)?;
        Ok(Self { project, seed, token })
    }

    fn seed(&self) -> AnyNumeric {
        self.seed.into()
    }

    /// How often it has failed, and whether it was asked for again; none if the lease was lost.
    fn lock(&self) -> Result<Option<(i32, bool)>, Error> {
        sql!(
            "select retry_count, is_requeued
            from task_mgmt.segment_update
            where project_name = $1 and seed_id = $2 and token = $3
            for no key update"
        )
        .first(&[self.project.into(), self.seed().into(), self.token.into()], |row| Ok((row.get(1)?, row.get(2)?)))
    }
}

fn lease(seconds: i32, argument: &str) -> Result<f64, Error> {
    check_lease_seconds(argument, seconds)?;
    Ok(seconds.into())
}
