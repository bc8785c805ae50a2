//! New tasks as rows of the tables.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use fnv::FnvHashMap;
use pgrx::prelude::*;
use task_mgmt_core::priorities::Priority;
use task_mgmt_core::tally;
use task_mgmt_core::tasks::NewTask;

use crate::access;
use crate::clock::Instant;
use crate::columns::task;
use crate::conversations;
use crate::error::Error;
use crate::json;
use crate::lanes::Lanes;
use crate::rows::Table;
use crate::spi::{self, sql};

/// The new tasks, as values of the columns.
pub struct NewRows<'a> {
    project: Option<pg_sys::Datum>,
    project_name: &'a str,
    now: Instant,
    role: String,
    tasks: Vec<NewRow<'a>>,
}

struct NewRow<'a> {
    task: &'a NewTask<'a>,
    task_no: i64,
    task_id: &'a str,
    /// The id as a value, which several rows share.
    id: Option<pg_sys::Datum>,
    kind: Kind,
    priority: i32,
    has_seed_state: bool,
    overlap: i16,
    is_ready: bool,
    is_held_back: bool,
    is_on_hold: bool,
    /// Only if it is to come.
    run_after: Option<Instant>,
    expires_at: Option<Instant>,
    assigned_user_no: Option<i32>,
    active_user_no: Option<i32>,
    completed_user_no: Option<i32>,
}

/// What tasks of one lane have in common, made into values once.
#[derive(Clone, Copy)]
struct Kind {
    task_type: Option<pg_sys::Datum>,
    segment_type: Option<pg_sys::Datum>,
    lane_no: i32,
}

impl<'a> NewRows<'a> {
    pub fn new(
        project: &'a str,
        new: &'a [NewTask],
        firsts: &[usize],
        numbers: &[i64],
        lanes: &Lanes,
        users: &HashMap<String, i32>,
        now: Instant,
    ) -> Result<Self, Error> {
        let user_no = |user: &str| if user.is_empty() { None } else { users.get(user).copied() };
        let mut kinds = FnvHashMap::default();
        let rows = new.iter().zip(firsts).zip(numbers).map(|((task, first), &task_no)| {
            let kind = match kinds.entry(*first) {
                Entry::Occupied(kind) => *kind.get(),
                Entry::Vacant(entry) => *entry.insert(Kind::find(task, lanes)?),
            };
            let task_id = task.task_id.as_deref().unwrap_or_default();
            let is_open = task.active_user_id.is_empty() && task.completed_user_id.is_empty();
            let is_on_hold = task.is_on_hold();
            let run_after = task.run_after.map(Instant::from).filter(|run_after| *run_after > now);
            let expires_at = task.ttl_seconds.filter(|_| task.completed_user_id.is_empty() && !is_on_hold);
            Ok(NewRow {
                task,
                task_no,
                task_id,
                id: task_id.into_datum(),
                kind,
                priority: task.priority.unwrap_or(Priority::DEFAULT).0,
                has_seed_state: task.has_seed_state(),
                // What is brought in with its holder or outcome is the work of one user.
                overlap: if is_open { task.overlap.unwrap_or(1) } else { 1 },
                is_ready: is_open && task.is_active && !is_on_hold && run_after.is_none() && !task.is_paused,
                is_held_back: !task.is_active,
                is_on_hold,
                run_after,
                expires_at: expires_at.map(|seconds| run_after.unwrap_or(now).plus_seconds(seconds)),
                assigned_user_no: user_no(&task.assigned_user_id),
                active_user_no: user_no(&task.active_user_id),
                completed_user_no: user_no(&task.completed_user_id),
            })
        });
        Ok(Self {
            project: project.into_datum(),
            project_name: project,
            now,
            role: access::role_name(access::caller()?),
            tasks: rows.collect::<Result<_, Error>>()?,
        })
    }

    /// The positions of the tasks in the order of their ids. Errors: 42710 if an id occurs twice.
    fn order_by_id(&self) -> Result<Vec<usize>, Error> {
        let id = |position: &usize| self.tasks[*position].task_id;
        let mut order: Vec<usize> = (0..self.tasks.len()).collect();
        if self.tasks.is_sorted_by(|one, next| one.task_id < next.task_id) {
            return Ok(order);
        }
        order.sort_unstable_by_key(|position| id(position));
        match order.windows(2).find(|pair| id(&pair[0]) == id(&pair[1])) {
            Some(pair) => Err(Error::TaskTwice(id(&pair[0]).into())),
            None => Ok(order),
        }
    }

    /// Entries go into the index of ids in the order of the ids, so that two callers with ids in common wait for each other
    /// one way round.
    pub fn insert_tasks(&self) -> Result<(), Error> {
        let order = self.order_by_id()?;
        let table = Table::open(c"task");
        let rows = self.task_rows(&table);
        let insert = || {
            let places = table.insert_all(rows, Some(c"task_task_id_key"));
            let entry = |position: usize| {
                let mut row = [None; task::COUNT];
                row[task::PROJECT_NAME as usize - 1] = self.project;
                row[task::TASK_ID as usize - 1] = self.tasks[position].id;
                (places[position], row)
            };
            table.insert_entries(c"task_task_id_key", order.into_iter().map(entry));
            Ok(())
        };
        let taken = |id: String| Error::TaskExists { project: self.project_name.into(), task: id };
        spi::insert_unique(self.project_name, insert, taken)
    }

    fn task_rows(&self, table: &Table) -> impl Iterator<Item = [Option<pg_sys::Datum>; task::COUNT]> {
        let queued = table.label(task::STATUS, c"queued");
        let completed = table.label(task::STATUS, c"completed");
        let (project, now, role) = (self.project, self.now.into_datum(), self.role.as_str().into_datum());
        let no_state = json::datum("{}");
        let no_text = "".into_datum();
        let zero = 0_i32.into_datum();
        let text = move |text: &str| if text.is_empty() { no_text } else { text.into_datum() };
        self.tasks.iter().map(move |new| {
            let ng_state = new.task.ng_state.map_or(no_state, |state| json::datum(state.get()));
            let last_leased = new.last_leased();
            let is_completed = new.completed_user_no.is_some();
            let unique_key = new.task.unique_key.as_deref().and_then(|key| key.into_datum());
            [
                project,
                new.task_no.into_datum(),
                if is_completed { completed } else { queued },
                new.completed_user_no.into_datum(),
                if is_completed { last_leased.into_datum().or(now) } else { None },
                new.first_start().into_datum(),
                last_leased.into_datum(),
                zero,
                zero,
                text(&new.task.completion_status),
                new.id,
                new.kind.task_type,
                new.kind.segment_type,
                new.kind.lane_no.into_datum(),
                new.priority.into_datum(),
                new.assigned_user_no.into_datum(),
                new.task.is_paused.into_datum(),
                new.task.is_checked.into_datum(),
                false.into_datum(),
                new.has_seed_state.into_datum(),
                new.overlap.into_datum(),
                None,
                false.into_datum(),
                false.into_datum(),
                new.task.segment_seed_id.and_then(|id| pgrx::AnyNumeric::from(id.0).into_datum()),
                now,
                role,
                text(&new.task.batch_id),
                new.task.note.as_deref().and_then(|note| note.into_datum()),
                ng_state,
                new.task.ng_state_initial.map_or(ng_state, |state| json::datum(state.get())),
                new.task.extra_data.and_then(|data| json::datum(data.get())),
                new.task.title.as_deref().into_datum(),
                new.task.description.as_deref().into_datum(),
                new.task.params.and_then(|params| json::datum(params.get())),
                new.task.domain.as_deref().into_datum(),
                new.task.drift_score.into_datum(),
                new.task.metadata.and_then(|metadata| json::datum(metadata.get())),
                new.task.channel.as_deref().into_datum(),
                None,
                None,
                new.task.ttl_seconds.into_datum(),
                new.expires_at.into_datum(),
                unique_key,
                if is_completed { None } else { unique_key },
                new.task.max_attempts.into_datum(),
                new.task.backoff.and_then(|backoff| json::datum(backoff.get())),
                None,
                (!new.task.conversations.is_empty()).into_datum(),
                None,
                new.count_key().into_datum(),
            ]
        })
    }

    pub fn insert_blocked(&self) -> Result<(), Error> {
        let waits = |new: &&NewRow| new.is_held_back || new.is_on_hold || new.run_after.is_some();
        let waiting: Vec<&NewRow> = self.tasks.iter().filter(waits).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        sql!(
            "insert into task_mgmt.blocked (project_name, task_no, unsatisfied, is_held, is_on_hold, run_after)
            select $1, task_no, 0, is_held, is_on_hold, run_after
            from unnest($2, $3, $4, $5) as new (task_no, is_held, is_on_hold, run_after)"
        )
        .run(&[
            self.project_name.into(),
            waiting.iter().map(|new| new.task_no).collect::<Vec<_>>().into(),
            waiting.iter().map(|new| new.is_held_back).collect::<Vec<_>>().into(),
            waiting.iter().map(|new| new.is_on_hold).collect::<Vec<_>>().into(),
            waiting.iter().map(|new| new.run_after).collect::<Vec<_>>().into(),
        ])?;
        Ok(())
    }

    pub fn insert_conversations(&self, numbers: Vec<i64>) -> Result<(), Error> {
        let of_tasks = self.tasks.iter().map(|new| (new.task_no, new.task.conversations.as_slice()));
        conversations::insert(self.project_name, of_tasks, numbers, self.now)
    }

    pub fn insert_leases(&self) {
        let held = self.tasks.iter().filter(|new| new.active_user_no.is_some());
        let rows = held.map(|new| {
            [
                self.project,
                new.task_no.into_datum(),
                new.active_user_no.into_datum(),
                new.task_no.into_datum(),
                new.last_leased().unwrap_or(self.now).into_datum(),
                new.first_start().into_datum(),
                new.id,
                1_i32.into_datum(),
                None,
                None,
            ]
        });
        Table::open(c"lease").insert_all(rows, None);
    }

    /// How many tasks there are under each key.
    pub fn counts(&self) -> BTreeMap<i16, i32> {
        let mut counts = BTreeMap::new();
        self.tasks.iter().for_each(|new| *counts.entry(new.count_key()).or_default() += 1);
        counts
    }

    pub fn insert_ready(&self) {
        let ready = self.tasks.iter().filter(|new| new.is_ready);
        let rows = ready.map(|new| {
            [
                self.project,
                new.assigned_user_no.map_or(new.kind.lane_no, |user_no| -user_no).into_datum(),
                false.into_datum(),
                new.has_seed_state.into_datum(),
                (new.overlap > 1).into_datum(),
                (-new.priority).into_datum(),
                new.task_no.into_datum(),
                new.kind.lane_no.into_datum(),
                new.id,
                0_i32.into_datum(),
                new.expires_at.into_datum(),
                new.task.channel.as_deref().into_datum(),
            ]
        });
        Table::open(c"ready").insert_all(rows, None);
    }
}

impl Kind {
    fn find(task: &NewTask, lanes: &Lanes) -> Result<Self, Error> {
        let segment_type = task.segment_type.as_deref().unwrap_or_default();
        Ok(Self {
            task_type: task.task_type.into_datum(),
            segment_type: segment_type.into_datum(),
            lane_no: lanes.number((&task.task_type, segment_type))?,
        })
    }
}

impl NewRow<'_> {
    fn count_key(&self) -> i16 {
        let status = if self.completed_user_no.is_some() { "completed" } else { "queued" };
        tally::key(status, self.priority, self.assigned_user_no.is_some())
    }

    fn last_leased(&self) -> Option<Instant> {
        let seconds = self.task.last_leased_ts;
        (seconds > 0.0).then(|| Instant::from_unix_seconds(seconds))
    }

    fn first_start(&self) -> Option<Instant> {
        self.task.first_start_ts.map(Instant::from_unix_seconds)
    }
}
