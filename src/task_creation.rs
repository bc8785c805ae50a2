//! Creating tasks, one or a hundred thousand: everything is checked and numbered first, then written table by table.

use std::collections::{BTreeSet, HashMap, HashSet};

use pgrx::prelude::*;
use task_mgmt_core::tasks::{DEFAULT_PRIORITY, NewTask};

use crate::access::{self, Level};
use crate::clock::{self, Instant};
use crate::columns::task;
use crate::error::Error;
use crate::events;
use crate::lanes::{self, Lanes};
use crate::locks::{self, Key};
use crate::projects;
use crate::rows::{self, Table};
use crate::spi::{self, sql};
use crate::tasks;

/// Creates the tasks, all or none, and returns their ids in the order given.
pub fn create(project_name: Option<&str>, new: Vec<NewTask>) -> Result<Vec<String>, Error> {
    let is_alone = new.iter().filter(|task| !task.active_user_id.is_empty()).count() > MOST_USER_KEYS;
    let project = match is_alone {
        true => projects::enter_alone(Level::Manager, project_name)?,
        false => projects::enter(Level::Manager, project_name)?,
    };
    projects::require_existing(project)?;
    if new.is_empty() {
        return Ok(vec![]);
    }
    let types = Types::find(project, &new)?;
    types.check(project, &new)?;
    let users = find_users(project, &new, is_alone)?;
    let lanes = Lanes::open(project, &new.iter().map(lane_of).collect())?;
    let now = clock::now()?;
    spi::begin_writing();
    let rows = NewRows::new(project, &new, &lanes, &users, now)?;
    rows.insert_tasks()?;
    rows.insert_leases();
    rows.insert_ready();
    rows::finish();
    rows.insert_blocked()?;
    Ok(rows.into_ids())
}

/// The table of locks is of limited size and shared by all.
const MOST_USER_KEYS: usize = 64;

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
        new.iter().enumerate().try_for_each(|(index, task)| {
            let Some(statuses) = self.0.get(&task.task_type) else {
                let unknown = Error::TaskOfUnknownType { project: project.into(), task_type: task.task_type.clone() };
                return Err(unknown.of_element(index));
            };
            if task.completion_status.is_empty() {
                return Ok(());
            }
            tasks::require_status_allowed(&task.completion_status, &task.task_type, statuses)
                .map_err(|error| error.of_element(index))
        })
    }
}

/// Locks the users who are to hold a task, unless the project is locked as a whole, checks that they hold none, and returns
/// the numbers of all users named.
fn find_users(project: &str, new: &[NewTask], is_alone: bool) -> Result<HashMap<String, i32>, Error> {
    let id = |index: usize| new[index].task_id.clone().unwrap_or_default();
    let mut holders = HashMap::new();
    for (index, task) in new.iter().enumerate().filter(|(_, task)| !task.active_user_id.is_empty()) {
        if let Some(other) = holders.insert(task.active_user_id.as_str(), index) {
            return Err(Error::OtherTaskActive { active: id(other), requested: id(index) }.of_element(index));
        }
    }
    if !is_alone {
        locks::lock_all(&holders.keys().map(|user| Key::User(project, user)).collect::<Vec<_>>());
    }
    let named: HashSet<&str> = new.iter().flat_map(users_of).collect();
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
        if let (Some(&index), Some(active)) = (holders.get(user.as_str()), active) {
            return Err(Error::OtherTaskActive { active, requested: id(index) }.of_element(index));
        }
        users.insert(user, user_no);
    }
    for (index, task) in new.iter().enumerate() {
        if let Some(user) = users_of(task).find(|user| !users.contains_key(*user)) {
            return Err(Error::UserNotFound { project: project.into(), user: user.into() }.of_element(index));
        }
    }
    Ok(users)
}

fn users_of<'t>(task: &'t NewTask) -> impl Iterator<Item = &'t str> {
    let users = [&task.assigned_user_id, &task.active_user_id, &task.completed_user_id];
    users.into_iter().map(String::as_str).filter(|user| !user.is_empty())
}

/// Numbers as ids for tasks that have none, later ones first. An id that somebody chose is passed over.
fn made_up_ids(project: &str, count: usize) -> Result<Vec<String>, Error> {
    let mut ids = Vec::with_capacity(count);
    while ids.len() < count {
        let numbers = events::next_numbers(count - ids.len())?;
        let candidates: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let taken: HashSet<String> =
            sql!("select task_id from task_mgmt.task where project_name = $1 and task_id = any($2)")
                .all(&[project.into(), candidates.clone().into()], |row| row.get(1))?
                .into_iter()
                .collect();
        ids.extend(candidates.into_iter().filter(|id| !taken.contains(id)));
    }
    ids.reverse();
    Ok(ids)
}

/// The new tasks, as values of the columns.
struct NewRows<'a> {
    project: &'a str,
    now: Instant,
    role: String,
    tasks: Vec<NewRow<'a>>,
}

struct NewRow<'a> {
    task: &'a NewTask<'a>,
    task_no: i64,
    task_id: String,
    /// The id as a value, which two tables share.
    id: Option<pg_sys::Datum>,
    lane_no: i32,
    assigned_user_no: Option<i32>,
    active_user_no: Option<i32>,
    completed_user_no: Option<i32>,
}

impl<'a> NewRows<'a> {
    fn new(
        project: &'a str,
        new: &'a [NewTask],
        lanes: &Lanes,
        users: &HashMap<String, i32>,
        now: Instant,
    ) -> Result<Self, Error> {
        let numbers = events::next_numbers(new.len())?;
        let mut made_up = made_up_ids(project, new.iter().filter(|task| task.task_id.is_none()).count())?;
        let rows = new.iter().zip(numbers).map(|(task, task_no)| {
            let task_id = task.task_id.clone().or_else(|| made_up.pop()).unwrap_or_default();
            Ok(NewRow {
                task,
                task_no,
                id: task_id.as_str().into_datum(),
                task_id,
                lane_no: lanes.number(lane_of(task))?,
                assigned_user_no: users.get(&task.assigned_user_id).copied(),
                active_user_no: users.get(&task.active_user_id).copied(),
                completed_user_no: users.get(&task.completed_user_id).copied(),
            })
        });
        let role = access::role_name(access::caller()?);
        Ok(Self { project, now, role, tasks: rows.collect::<Result<_, Error>>()? })
    }

    /// The positions of the tasks in the order of their ids: entries go into the index of ids in this order, so that two
    /// callers with ids in common wait for each other one way round. Errors: 42710 if an id occurs twice.
    fn order_by_id(&self) -> Result<Vec<usize>, Error> {
        let id = |position: &usize| self.tasks[*position].task_id.as_str();
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        order.sort_unstable_by_key(|position| id(position));
        match order.windows(2).find(|pair| id(&pair[0]) == id(&pair[1])) {
            Some(pair) => Err(Error::TaskTwice(id(&pair[0]).into())),
            None => Ok(order),
        }
    }

    fn insert_tasks(&self) -> Result<(), Error> {
        let order = self.order_by_id()?;
        let table = Table::open(c"task");
        let queued = table.label(task::STATUS, c"queued");
        let completed = table.label(task::STATUS, c"completed");
        let (project, now) = (self.project.into_datum(), self.now.into_datum());
        let role = self.role.as_str().into_datum();
        let empty = jsonb("{}");
        let mut common = Texts::default();
        let row = |new: &NewRow<'a>| {
            let ng_state = new.task.ng_state.map_or(empty, |state| jsonb(state.get()));
            let last_leased = new.last_leased();
            let is_completed = new.completed_user_no.is_some();
            vec![
                project,
                new.task_no.into_datum(),
                if is_completed { completed } else { queued },
                new.completed_user_no.into_datum(),
                if is_completed { last_leased.into_datum().or(now) } else { None },
                new.first_start().into_datum(),
                last_leased.into_datum(),
                common.datum(&new.task.completion_status),
                new.id,
                common.datum(&new.task.task_type),
                common.datum(new.task.segment_type.as_deref().unwrap_or_default()),
                new.lane_no.into_datum(),
                new.priority().into_datum(),
                new.assigned_user_no.into_datum(),
                new.task.is_paused.into_datum(),
                new.task.is_checked.into_datum(),
                false.into_datum(),
                new.task.segment_seed_id.and_then(|id| pgrx::AnyNumeric::from(id.0).into_datum()),
                now,
                role,
                common.datum(&new.task.batch_id),
                new.task.note.as_deref().and_then(|note| note.into_datum()),
                ng_state,
                new.task.ng_state_initial.map_or(ng_state, |state| jsonb(state.get())),
                new.task.extra_data.and_then(|data| jsonb(data.get())),
            ]
        };
        let rows: Vec<_> = self.tasks.iter().map(row).collect();
        let taken = |id: String| Error::TaskExists { project: self.project.into(), task: id };
        let insert = || {
            table.insert_all(&rows, Some((c"task_task_id_key", &order)));
            Ok(())
        };
        spi::insert_unique(self.project, insert, taken)
    }

    fn insert_blocked(&self) -> Result<(), Error> {
        let inactive = self.tasks.iter().filter(|new| !new.task.is_active);
        let task_nos: Vec<i64> = inactive.map(|new| new.task_no).collect();
        if task_nos.is_empty() {
            return Ok(());
        }
        sql!(
            "insert into task_mgmt.blocked (project_name, task_no, unsatisfied, is_held)
            select $1, task_no, 0, true from unnest($2) as task_no"
        )
        .run(&[self.project.into(), task_nos.into()])?;
        Ok(())
    }

    fn insert_leases(&self) {
        let (project, now) = (self.project.into_datum(), self.now.into_datum());
        let held = self.tasks.iter().filter(|new| new.active_user_no.is_some());
        let rows: Vec<_> = held
            .map(|new| {
                let leased = new.last_leased().into_datum().or(now);
                vec![
                    project,
                    new.task_no.into_datum(),
                    new.active_user_no.into_datum(),
                    new.task_no.into_datum(),
                    leased,
                    new.first_start().into_datum(),
                    new.id,
                ]
            })
            .collect();
        Table::open(c"lease").insert_all(&rows, None);
    }

    fn insert_ready(&self) {
        let project = self.project.into_datum();
        let ready = self.tasks.iter().filter(|new| new.is_ready());
        let rows: Vec<_> = ready
            .map(|new| {
                vec![
                    project,
                    new.assigned_user_no.map_or(new.lane_no, |user_no| -user_no).into_datum(),
                    false.into_datum(),
                    (-new.priority()).into_datum(),
                    new.task_no.into_datum(),
                    new.lane_no.into_datum(),
                    new.id,
                ]
            })
            .collect();
        Table::open(c"ready").insert_all(&rows, None);
    }

    fn into_ids(self) -> Vec<String> {
        self.tasks.into_iter().map(|new| new.task_id).collect()
    }
}

impl NewRow<'_> {
    fn priority(&self) -> i32 {
        self.task.priority.unwrap_or(DEFAULT_PRIORITY)
    }

    fn last_leased(&self) -> Option<Instant> {
        let seconds = self.task.last_leased_ts;
        (seconds > 0.0).then(|| Instant::from_unix_seconds(seconds))
    }

    fn first_start(&self) -> Option<Instant> {
        self.task.first_start_ts.map(Instant::from_unix_seconds)
    }

    fn is_ready(&self) -> bool {
        let is_open = self.completed_user_no.is_none() && self.active_user_no.is_none();
        is_open && self.task.is_active && !self.task.is_paused
    }
}

/// Texts that many tasks have in common, each made into a value once.
#[derive(Default)]
struct Texts<'a>(HashMap<&'a str, Option<pg_sys::Datum>>);

impl<'a> Texts<'a> {
    fn datum(&mut self, text: &'a str) -> Option<pg_sys::Datum> {
        *self.0.entry(text).or_insert_with(|| text.into_datum())
    }
}

/// A payload that has come as a part of a jsonb argument.
fn jsonb(text: &str) -> Option<pg_sys::Datum> {
    let text = std::ffi::CString::new(text).ok()?;
    // SAFETY: jsonb_in takes a C string, here of JSON that was parsed before.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[text.as_c_str().into_datum()]) }
}
