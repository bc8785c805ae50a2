//! Creating tasks, one or a hundred thousand, with a fixed number of statements.

use std::collections::{BTreeSet, HashMap, HashSet};

use pgrx::datum::DatumWithOid;
use task_mgmt_core::tasks::{DEFAULT_PRIORITY, NewTask};

use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events;
use crate::lanes::{self, Lanes};
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::{self, sql};
use crate::tasks;

/// Creates the tasks, all or none, and returns their ids in the order given. The caller has entered the project.
pub fn create(project: &str, new: Vec<NewTask>) -> Result<Vec<String>, Error> {
    projects::require_existing(project)?;
    if new.is_empty() {
        return Ok(vec![]);
    }
    let types = Types::find(project, &new)?;
    types.check(project, &new)?;
    let lanes = Lanes::open(project, &new.iter().map(lane_of).collect())?;
    let users = lock_users(project, &new)?;
    let now = clock::now()?;
    spi::begin_writing();
    let rows = Rows::build(&new, &lanes, &users, now)?;
    rows.require_distinct_ids(project)?;
    rows.insert_tasks(project)?;
    rows.insert_blocked(project)?;
    rows.insert_leases(project)?;
    rows.insert_ready(project)?;
    rows.insert_events(project)?;
    Ok(rows.task_ids)
}

fn lane_of<'t>(task: &'t NewTask) -> lanes::Kind<'t> {
    (&task.task_type, task.segment_type.as_deref().unwrap_or_default())
}

/// The completion statuses of each type that occurs.
struct Types(HashMap<String, Vec<String>>);

impl Types {
    fn find(project: &str, new: &[NewTask]) -> Result<Self, Error> {
        let names: BTreeSet<&str> = new.iter().map(|task| task.task_type.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let rows = sql!(
            "select task_type, completion_statuses
            from task_mgmt.task_type
            where project_name = $1 and task_type = any($2)"
        )
        .all(&[project.into(), names.into()], |row| Ok((row.get(1)?, row.get(2)?)))?;
        Ok(Self(rows.into_iter().collect()))
    }

    fn check(&self, project: &str, new: &[NewTask]) -> Result<(), Error> {
        for task in new {
            let statuses = self.0.get(&task.task_type).ok_or_else(|| Error::TaskOfUnknownType {
                project: project.into(),
                task_type: task.task_type.clone(),
            })?;
            if !task.completion_status.is_empty() {
                tasks::require_status_allowed(&task.completion_status, &task.task_type, statuses)?;
            }
        }
        Ok(())
    }
}

/// Locks the users who are to hold a task, checks that they hold none, and returns the numbers of all users named.
fn lock_users(project: &str, new: &[NewTask]) -> Result<HashMap<String, i32>, Error> {
    let mut holders = HashMap::new();
    for task in new.iter().filter(|task| !task.active_user_id.is_empty()) {
        let requested = task.task_id.clone().unwrap_or_default();
        if let Some(active) = holders.insert(task.active_user_id.as_str(), requested.clone()) {
            return Err(Error::OtherTaskActive { active, requested });
        }
    }
    let keys: Vec<Key> = holders.keys().map(|user| Key::User(project, user)).collect();
    locks::lock_all(&keys);
    let named: HashSet<&str> = new
        .iter()
        .flat_map(|task| [&task.assigned_user_id, &task.active_user_id, &task.completed_user_id])
        .map(String::as_str)
        .filter(|user| !user.is_empty())
        .collect();
    let mut users = HashMap::with_capacity(named.len());
    if named.is_empty() {
        return Ok(users);
    }
    let found = sql!(
        "select u.user_id, u.user_no, (
            select l.task_id
            from task_mgmt.lease l
            where l.project_name = $1 and l.user_no = u.user_no and l.user_no > 0
            limit 1
        )
        from task_mgmt.project_user u
        where u.project_name = $1 and u.user_id = any($2)"
    )
    .all(&[project.into(), named.iter().copied().collect::<Vec<_>>().into()], |row| {
        Ok((row.get::<String>(1)?, row.get::<i32>(2)?, row.find::<String>(3)?))
    })?;
    for (user, user_no, active) in found {
        if let (Some(requested), Some(active)) = (holders.get(user.as_str()), active) {
            return Err(Error::OtherTaskActive { active, requested: requested.clone() });
        }
        users.insert(user, user_no);
    }
    match named.into_iter().find(|user| !users.contains_key(*user)) {
        Some(user) => Err(Error::UserNotFound { project: project.into(), user: user.into() }),
        None => Ok(users),
    }
}

/// The new rows, column by column, as the statements take them.
#[derive(Default)]
struct Rows<'a> {
    now: Option<Instant>,
    task_nos: Vec<i64>,
    task_ids: Vec<String>,
    task_types: Vec<&'a str>,
    segment_types: Vec<&'a str>,
    lane_nos: Vec<i32>,
    priorities: Vec<i32>,
    statuses: Vec<&'static str>,
    completion_statuses: Vec<&'a str>,
    completed_user_nos: Vec<Option<i32>>,
    assigned_user_nos: Vec<Option<i32>>,
    active_user_nos: Vec<Option<i32>>,
    first_start_ts: Vec<Option<Instant>>,
    last_leased_ts: Vec<Option<Instant>>,
    is_active: Vec<bool>,
    is_paused: Vec<bool>,
    is_checked: Vec<bool>,
    seed_ids: Vec<Option<String>>,
    batch_ids: Vec<&'a str>,
    notes: Vec<Option<&'a str>>,
    ng_states: Vec<&'a str>,
    ng_states_initial: Vec<&'a str>,
    extra_data: Vec<Option<&'a str>>,
}

impl<'a> Rows<'a> {
    fn build(new: &'a [NewTask], lanes: &Lanes, users: &HashMap<String, i32>, now: Instant) -> Result<Self, Error> {
        let mut rows = Self { now: Some(now), ..Self::default() };
        for task in new {
            let number = events::next_number()?;
            let ng_state = task.ng_state.map_or("{}", |state| state.get());
            let leased = (task.last_leased_ts > 0.0).then(|| Instant::from_unix_seconds(task.last_leased_ts));
            rows.task_nos.push(number);
            rows.task_ids.push(task.task_id.clone().unwrap_or_else(|| number.to_string()));
            rows.task_types.push(&task.task_type);
            rows.segment_types.push(task.segment_type.as_deref().unwrap_or_default());
            rows.lane_nos.push(lanes.number(lane_of(task))?);
            rows.priorities.push(task.priority.unwrap_or(DEFAULT_PRIORITY));
            rows.statuses.push(if task.completion_status.is_empty() { "queued" } else { "completed" });
            rows.completion_statuses.push(&task.completion_status);
            rows.completed_user_nos.push(users.get(&task.completed_user_id).copied());
            rows.assigned_user_nos.push(users.get(&task.assigned_user_id).copied());
            rows.active_user_nos.push(users.get(&task.active_user_id).copied());
            rows.first_start_ts.push(task.first_start_ts.map(Instant::from_unix_seconds));
            rows.last_leased_ts.push(leased);
            rows.is_active.push(task.is_active);
            rows.is_paused.push(task.is_paused);
            rows.is_checked.push(task.is_checked);
            rows.seed_ids.push(task.segment_seed_id.map(|id| id.0.to_string()));
            rows.batch_ids.push(&task.batch_id);
            rows.notes.push(task.note.as_deref());
            rows.ng_states.push(ng_state);
            rows.ng_states_initial.push(task.ng_state_initial.map_or(ng_state, |state| state.get()));
            rows.extra_data.push(task.extra_data.map(|data| data.get()));
        }
        Ok(rows)
    }

    fn require_distinct_ids(&self, project: &str) -> Result<(), Error> {
        let mut seen = HashSet::with_capacity(self.task_ids.len());
        match self.task_ids.iter().find(|id| !seen.insert(id.as_str())) {
            Some(twice) => Err(Error::TaskExists { project: project.into(), task: twice.clone() }),
            None => Ok(()),
        }
    }

    /// Rows go in by task_id, so that two callers with ids in common wait for each other in one order.
    fn insert_tasks(&self, project: &str) -> Result<(), Error> {
        let inserted = sql!(
            "insert into task_mgmt.task (project_name, task_no, task_id, task_type, segment_type, lane_no, priority, status,
                completion_status, completed_user_no, completed_at, assigned_user_no, first_start_ts, last_leased_ts,
                is_paused, is_checked, segment_seed_id, batch_id, note, ng_state, ng_state_initial, extra_data, created_at)
            select $1, task_no, task_id, task_type, segment_type, lane_no, priority, status::task_mgmt.task_status,
                completion_status, completed_user_no,
                case when completed_user_no is not null then coalesce(last_leased_ts, $2) end,
                assigned_user_no, first_start_ts, last_leased_ts, is_paused, is_checked, seed_id::numeric, batch_id, note,
                ng_state::jsonb, ng_state_initial::jsonb, extra_data::jsonb, $2
            from unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
                as new (task_no, task_id, task_type, segment_type, lane_no, priority, status, completion_status,
                    completed_user_no, assigned_user_no, first_start_ts, last_leased_ts, is_paused, is_checked, seed_id,
                    batch_id, note, ng_state, ng_state_initial, extra_data)
            order by task_id collate \"C\""
        );
        let arguments = [
            project.into(),
            self.now.into(),
            self.task_nos.clone().into(),
            self.task_ids.clone().into(),
            self.task_types.clone().into(),
            self.segment_types.clone().into(),
            self.lane_nos.clone().into(),
            self.priorities.clone().into(),
            self.statuses.clone().into(),
            self.completion_statuses.clone().into(),
            self.completed_user_nos.clone().into(),
            self.assigned_user_nos.clone().into(),
            self.first_start_ts.clone().into(),
            self.last_leased_ts.clone().into(),
            self.is_paused.clone().into(),
            self.is_checked.clone().into(),
            self.seed_ids.clone().into(),
            self.batch_ids.clone().into(),
            self.notes.clone().into(),
            self.ng_states.clone().into(),
            self.ng_states_initial.clone().into(),
            self.extra_data.clone().into(),
        ];
        let taken = |id: String| Error::TaskExists { project: project.into(), task: id };
        inserted.run_unique(&arguments, taken).map(drop)
    }

    fn insert_blocked(&self, project: &str) -> Result<(), Error> {
        let task_nos = self.numbers_where(|index| !self.is_active[index]);
        if task_nos.is_empty() {
            return Ok(());
        }
        sql!(
            "insert into task_mgmt.blocked (project_name, task_no, unsatisfied, is_held)
            select $1, task_no, 0, true from unnest($2) as task_no"
        )
        .run(&[project.into(), task_nos.into()])?;
        Ok(())
    }

    fn insert_leases(&self, project: &str) -> Result<(), Error> {
        let held: Vec<usize> = self.indexes_where(|index| self.active_user_nos[index].is_some());
        if held.is_empty() {
            return Ok(());
        }
        let pick = |column: &[Option<Instant>]| held.iter().map(|index| column[*index]).collect::<Vec<_>>();
        sql!(
            "insert into task_mgmt.lease (project_name, task_no, user_no, fence, leased_at, started_at, task_id)
            select $1, task_no, user_no, task_no, coalesce(leased_at, $2), coalesce(started_at, leased_at, $2), task_id
            from unnest($3, $4, $5, $6, $7) as held (task_no, user_no, leased_at, started_at, task_id)"
        )
        .run(&[
            project.into(),
            self.now.into(),
            held.iter().map(|index| self.task_nos[*index]).collect::<Vec<_>>().into(),
            held.iter().map(|index| self.active_user_nos[*index]).collect::<Vec<_>>().into(),
            pick(&self.last_leased_ts).into(),
            pick(&self.first_start_ts).into(),
            held.iter().map(|index| self.task_ids[*index].as_str()).collect::<Vec<_>>().into(),
        ])?;
        Ok(())
    }

    fn insert_ready(&self, project: &str) -> Result<(), Error> {
        let ready = self.indexes_where(|index| {
            self.is_active[index]
                && !self.is_paused[index]
                && self.statuses[index] == "queued"
                && self.active_user_nos[index].is_none()
        });
        if ready.is_empty() {
            return Ok(());
        }
        let queue = |index: &usize| self.assigned_user_nos[*index].map_or(self.lane_nos[*index], |user| -user);
        sql!(
            "insert into task_mgmt.ready (project_name, queue_no, is_returned, urgency, task_no, lane_no, task_id)
            select $1, queue_no, false, urgency, task_no, lane_no, task_id
            from unnest($2, $3, $4, $5, $6) as ready (queue_no, urgency, task_no, lane_no, task_id)"
        )
        .run(&[
            project.into(),
            ready.iter().map(queue).collect::<Vec<_>>().into(),
            ready.iter().map(|index| -self.priorities[*index]).collect::<Vec<_>>().into(),
            ready.iter().map(|index| self.task_nos[*index]).collect::<Vec<_>>().into(),
            ready.iter().map(|index| self.lane_nos[*index]).collect::<Vec<_>>().into(),
            ready.iter().map(|index| self.task_ids[*index].as_str()).collect::<Vec<_>>().into(),
        ])?;
        Ok(())
    }

    /// A task's number is that of the event of its creation; who holds or completed it already is a later one.
    fn insert_events(&self, project: &str) -> Result<(), Error> {
        let role: DatumWithOid = crate::access::role_name(crate::access::caller()?).into();
        sql!(
            "insert into task_mgmt.event (project_name, task_no, event_no, occurred_at, kind, role_name)
            select $1, task_no, task_no, $2, 'created', $3 from unnest($4) as task_no"
        )
        .run(&[project.into(), self.now.into(), role, self.task_nos.clone().into()])?;
        Ok(())
    }

    fn indexes_where(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.task_nos.len()).filter(|index| is_wanted(*index)).collect()
    }

    fn numbers_where(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<i64> {
        self.indexes_where(is_wanted).into_iter().map(|index| self.task_nos[index]).collect()
    }
}
