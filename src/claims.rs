//! Claims of machine workers: several tasks at once, on leases that end by themselves.

use std::collections::HashMap;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::{Invalid, check_name};
use task_mgmt_core::retries::check_duration;

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::assignment::Worker;
use crate::candidates::{Candidate, Candidates, Whose};
use crate::clock::Instant;
use crate::columns::{event, project_user, task, task_type};
use crate::error::Error;
use crate::events::{self, notifications};
use crate::expiry;
use crate::json::Jsonb;
use crate::limits::Limit;
use crate::limits::running::{self, Occupation};
use crate::locks::{self, Key};
use crate::projects;
use crate::rows::{self, Snapshot, Table};
use crate::settings;
use crate::spi::sql;
use crate::sweeping;
use crate::waiting;

/// A call has the key of each task that it claims.
pub const MOST_TASKS: usize = 100;

/// Gives a worker tasks to work on, at most so many; with each a token that names this claim of it.
///
/// *Arguments*: `max_tasks` from 1 to 100; `task_types` are the only ones to take, by default all that the user is qualified for;
/// `channel` the only one; `lease_seconds` after which a lease ends unless `heartbeat` prolongs it (default: that of the task type, or
/// the setting `task_mgmt.lease_seconds`); `own_tasks` says what to do with those assigned to the user: `first`, `only`, or `none` of
/// them; `instance` tells processes apart that work under one user.
/// *Returns* a row for each task, the most urgent first, then the oldest; no row if there is nothing to do, or if the user holds as many
/// tasks as they may (see `create_user`), or as many tasks are running as may (see `set_limit`).
/// *Effect*: frees tasks whose time has come; if it finds too few, also those whose lease has ended. Tasks with an overlap and
/// those whose ng_state is in the seed form are for `start_task`.
/// *Errors*: P0002 project, user or task type unknown; 55000 project or user not active; 22023 a bad argument; 42501 access denied.
/// *Locks*: the user's key, shared if the user may hold any number of tasks; the keys of the tasks. Candidates whose key is taken
/// are passed over.
/// *Source*: other systems reference 1.5, 2.3, 3.3, 6.3.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn claim_tasks(
    project_name: Option<&str>,
    user_id: Option<&str>,
    max_tasks: default!(Option<i32>, 1),
    task_types: default!(Option<Vec<Option<String>>>, "NULL"),
    channel: default!(Option<&str>, "NULL"),
    lease_seconds: default!(Option<f64>, "NULL"),
    own_tasks: default!(Option<&str>, "'first'"),
    instance: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(task_id, String),
            name!(task_type, String),
            name!(title, Option<String>),
            name!(params, Jsonb),
            name!(attempt, i32),
            name!(lease_token, i64),
            name!(lease_expires_at, TimestampWithTimeZone),
            name!(priority, i32),
            name!(channel, Option<String>),
            name!(description, String),
            name!(metadata, Jsonb),
            name!(created_at, TimestampWithTimeZone),
        ),
    >,
    ErrorReport,
> {
    let project = projects::enter(Level::Worker, project_name)?;
    let user = required("user_id", user_id)?;
    let wish = Wish::check(max_tasks, task_types, channel, lease_seconds, own_tasks, instance)?;
    let worker = lock_worker(project, user)?;
    access::require_binding(project, user, worker.bound_role)?;
    worker.require_active()?;
    Ok(TableIterator::new(claim(worker, &wish)?))
}

/// What a worker asks for.
struct Wish<'w> {
    most: usize,
    task_types: Option<Vec<String>>,
    channel: Option<&'w str>,
    lease_seconds: Option<f64>,
    whose: Whose,
    instance: Option<&'w str>,
}

impl<'w> Wish<'w> {
    /// Errors: 22023.
    fn check(
        max_tasks: Option<i32>,
        task_types: Option<Vec<Option<String>>>,
        channel: Option<&'w str>,
        lease_seconds: Option<f64>,
        own_tasks: Option<&str>,
        instance: Option<&'w str>,
    ) -> Result<Self, Error> {
        let most = arguments::within("max_tasks", 1..=MOST_TASKS as i32, max_tasks)?;
        let task_types = task_types.map(|names| {
            names.into_iter().map(|name| required("an element of task_types", name)).collect::<Result<Vec<_>, _>>()
        });
        lease_seconds.map_or(Ok(()), |seconds| check_duration("lease_seconds", seconds))?;
        instance.map_or(Ok(()), |instance| check_name("instance", instance))?;
        let whose = match required("own_tasks", own_tasks)? {
            "first" => Whose::Both,
            "only" => Whose::Own,
            "none" => Whose::Common,
            found => {
                return Err(Invalid(format!("own_tasks must be first, only or none, found \"{found}\"")).into());
            }
        };
        Ok(Self { most: most as usize, task_types: task_types.transpose()?, channel, lease_seconds, whose, instance })
    }
}

/// The user, under the user's key: shared by those who may hold any number of tasks, who need not wait for each other.
fn lock_worker<'a>(project: &'a str, user: &'a str) -> Result<Worker<'a>, Error> {
    let key = Key::User(project, user);
    let mut is_shared = seems_unlimited(project, user);
    loop {
        match is_shared {
            true => locks::share(key),
            false => locks::lock(key),
        }
        let worker = Worker::find(project, user)?;
        if worker.capacity.is_none() == is_shared {
            return Ok(worker);
        }
        match is_shared {
            true => locks::unshare(key),
            false => locks::unlock(key),
        }
        is_shared = !is_shared;
    }
}

/// Whether the user may hold any number of tasks, as far as one can tell without their key.
fn seems_unlimited(project: &str, user: &str) -> bool {
    let (users, snapshot) = (Table::open_to_read(c"project_user"), Snapshot::latest());
    let keys =
        &mut [rows::Key::text(project_user::PROJECT_NAME, project), rows::Key::text(project_user::USER_ID, user)];
    let mut scan = users.scan(c"project_user_user_id_key", &snapshot, keys);
    scan.next().is_some_and(|row| row.find::<i32>(project_user::CAPACITY).is_none())
}

/// A task that the worker has, but for the rows that say so.
struct Claimed {
    task_no: i64,
    task_id: String,
    attempt: i32,
}

fn claim(mut worker: Worker, wish: &Wish) -> Result<Vec<Described>, Error> {
    let room = worker.capacity.map_or(usize::MAX, |capacity| (capacity - worker.held_count).max(0) as usize);
    let most = wish.most.min(room);
    if let Some(task_types) = &wish.task_types {
        worker.lanes = lanes_of(worker.project, task_types, &worker.lanes)?;
    }
    waiting::free_due(worker.project, worker.now)?;
    let mut claimed = take_candidates(&worker, wish, most)?;
    if claimed.len() < most && sweeping::reclaim(worker.project, worker.now)? > 0 {
        let more = take_candidates(&worker, wish, most - claimed.len())?;
        claimed.extend(more);
    }
    give(&worker, wish, claimed)
}

/// Takes the best candidates out of `task_mgmt.ready`.
fn take_candidates(worker: &Worker, wish: &Wish, most: usize) -> Result<Vec<Claimed>, Error> {
    let (ready, snapshot) = (Table::open(c"ready"), Snapshot::latest());
    let mut claimed = Vec::with_capacity(most);
    let mut candidates = Candidates::of((wish.whose, wish.channel), worker, &ready, &snapshot)?;
    while claimed.len() < most
        && let Some(candidate) = candidates.next()?
    {
        let lane_no = candidate.lane_no;
        match try_take(worker, candidate, &ready)? {
            Take::Claimed(task) => claimed.push(task),
            Take::Missed => {}
            Take::LimitReached(limit) if limit.is_for_all_tasks() => break,
            Take::LimitReached(_) => candidates.close(lane_no),
        }
    }
    rows::finish();
    expiry::expire_met(worker, &candidates)?;
    Ok(claimed)
}

/// What came of taking a candidate.
enum Take {
    Claimed(Claimed),
    Missed,
    LimitReached(Limit),
}

/// Takes the candidate unless somebody is at it, or it is for `start_task`.
fn try_take(worker: &Worker, candidate: Candidate, ready: &Table) -> Result<Take, Error> {
    if candidate.is_shared || candidate.has_seed_state {
        return Ok(Take::Missed);
    }
    let key = Key::Task(worker.project, &candidate.task_id);
    if !locks::try_lock(key) {
        return Ok(Take::Missed);
    }
    let (task_no, attempt) = (candidate.rank.task_no, candidate.attempts + 1);
    let occupied = match running::occupy(worker, candidate.lane_no, task_no)? {
        Occupation::Occupied(occupied) => occupied,
        Occupation::Refused(limit) => {
            locks::unlock(key);
            return Ok(Take::LimitReached(limit));
        }
    };
    if !ready.try_delete(candidate.place)? {
        occupied.give_back()?;
        locks::unlock(key);
        return Ok(Take::Missed);
    }
    Ok(Take::Claimed(Claimed { task_no, task_id: candidate.task_id, attempt }))
}

/// Writes who has the tasks, a lease and an event for each, and says what they are.
fn give(worker: &Worker, wish: &Wish, claimed: Vec<Claimed>) -> Result<Vec<Described>, Error> {
    if claimed.is_empty() {
        return Ok(vec![]);
    }
    let snapshot = Snapshot::latest();
    let tasks = Table::open_to_read(c"task");
    let of_project = rows::Key::text(task::PROJECT_NAME, worker.project);
    let mut scan = tasks.scan_often(c"task_pkey", &snapshot, vec![of_project], 2);
    let mut durations = Durations { project: worker.project, asked: wish.lease_seconds, known: HashMap::new() };
    let tokens = events::next_numbers(claimed.len());
    let mut described = Vec::with_capacity(claimed.len());
    let mut ends = Vec::with_capacity(claimed.len());
    for (claim, token) in claimed.iter().zip(&tokens) {
        scan.restart(vec![of_project, rows::Key::int8(task::TASK_NO, claim.task_no)]);
        let row = scan.next().ok_or_else(|| Error::Internal(format!("task {} is gone", claim.task_id)))?;
        let task_type: String = row.get(task::TASK_TYPE)?;
        let expires_at = worker.now.plus_seconds(durations.of(&task_type, &snapshot)?);
        ends.push(expires_at);
        described.push((
            claim.task_id.clone(),
            task_type,
            row.find(task::TITLE),
            row.find(task::PARAMS).map_or_else(Jsonb::empty, Ok)?,
            claim.attempt,
            *token,
            expires_at.timestamptz()?,
            row.get(task::PRIORITY)?,
            row.find(task::CHANNEL),
            row.find(task::DESCRIPTION).unwrap_or_default(),
            row.find(task::METADATA).map_or_else(Jsonb::empty, Ok)?,
            row.get(task::CREATED_AT)?,
        ));
    }
    write(worker, wish, &claimed, &tokens, &ends)?;
    Ok(described)
}

/// How long leases last.
struct Durations<'d> {
    project: &'d str,
    asked: Option<f64>,
    /// That of each task type; None for the setting.
    known: HashMap<String, Option<f64>>,
}

impl Durations<'_> {
    fn of(&mut self, task_type: &str, snapshot: &Snapshot) -> Result<f64, Error> {
        if let Some(seconds) = self.asked {
            return Ok(seconds);
        }
        let of_type = match self.known.get(task_type) {
            Some(seconds) => *seconds,
            None => {
                let types = Table::open_to_read(c"task_type");
                let keys = &mut [
                    rows::Key::text(task_type::PROJECT_NAME, self.project),
                    rows::Key::text(task_type::TASK_TYPE, task_type),
                ];
                let seconds = types
                    .scan(c"task_type_pkey", snapshot, keys)
                    .next()
                    .and_then(|row| row.find(task_type::LEASE_SECONDS));
                self.known.insert(task_type.to_owned(), seconds);
                seconds
            }
        };
        Ok(of_type.unwrap_or_else(settings::lease_seconds))
    }
}

fn write(worker: &Worker, wish: &Wish, claimed: &[Claimed], tokens: &[i64], ends: &[Instant]) -> Result<(), Error> {
    let (project, user_no, now) = (worker.project.into_datum(), worker.user_no.into_datum(), worker.now.into_datum());
    let instance = wish.instance.into_datum();
    let leases = claimed.iter().zip(tokens).zip(ends).map(|((claim, token), expires_at)| {
        [
            project,
            claim.task_no.into_datum(),
            user_no,
            token.into_datum(),
            now,
            now,
            claim.task_id.as_str().into_datum(),
            claim.attempt.into_datum(),
            expires_at.into_datum(),
            instance,
        ]
    });
    Table::open(c"lease").insert_all(leases, None);
    let log = Table::open(c"event");
    let kind = log.label(event::KIND, c"started");
    let events = claimed.iter().zip(tokens).map(|(claim, token)| {
        let (task_no, token) = (claim.task_no.into_datum(), token.into_datum());
        [project, task_no, token, now, kind, user_no, None, None, None, None, None, None]
    });
    log.insert_all(events, None);
    rows::finish();
    running::leave_queue(worker, &claimed.iter().map(|claim| claim.task_no).collect::<Vec<_>>())?;
    notifications::announce(worker.project, "started", tokens)
}

/// Those of the lanes that are of these types. Errors: P0002 a type is unknown.
fn lanes_of(project: &str, task_types: &[String], lanes: &[i32]) -> Result<Vec<i32>, Error> {
    let unknown = sql!(
        "select name from unnest($2) as name
        where not exists (select from task_mgmt.task_type y where y.project_name = $1 and y.task_type = name)
        limit 1"
    )
    .first(&[project.into(), task_types.to_vec().into()], |row| row.get::<String>(1))?;
    if let Some(unknown) = unknown {
        return Err(crate::task_types::not_found(project, &unknown)?);
    }
    sql!(
        "select a.lane_no
        from task_mgmt.lane a
        where a.project_name = $1 and a.task_type = any($2) and a.lane_no = any($3)
        order by a.lane_no"
    )
    .all(&[project.into(), task_types.to_vec().into(), lanes.to_vec().into()], |row| row.get(1))
}

type Described = (
    String,
    String,
    Option<String>,
    Jsonb,
    i32,
    i64,
    TimestampWithTimeZone,
    i32,
    Option<String>,
    String,
    Jsonb,
    TimestampWithTimeZone,
);
