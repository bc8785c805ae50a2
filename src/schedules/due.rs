//! Creating what is due. A schedule's row is locked while its due times are looked at, and says from then on that they are taken care
//! of, so whoever comes second finds it locked or not due.
//!
//! All keys and lanes that the tasks of a project need are taken before the first of them is created, in the order that all use; so
//! nobody waits for anything within the subtransactions in which they are created.

use std::collections::{BTreeMap, BTreeSet};

use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::schedules::recurrence::Recurrence;
use task_mgmt_core::schedules::{Evaluation, MisfirePolicy};
use task_mgmt_core::tasks::NewTask;

use crate::access::Level;
use crate::arguments::not_negative;
use crate::attempt::Attempt;
use crate::clock::{self, Instant};
use crate::cross_project;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::json::Jsonb;
use crate::lanes::Lanes;
use crate::locks::MOST_KEYS;
use crate::projects;
use crate::segments;
use crate::spi::sql;
use crate::task_creation;
use crate::unique_keys;

/// Of an error, what is kept.
const MAX_ERROR_CHARS: usize = 2000;

/// A due time that was taken care of.
pub struct Run {
    pub project: String,
    pub name: String,
    pub due_at: Instant,
    pub task_id: Option<String>,
    pub error: Option<String>,
}

/// Takes care of what is due, of `max_rows` schedules.
pub fn run(project_name: Option<&str>, max_rows: Option<i32>) -> Result<Vec<Run>, Error> {
    let mut rows_left = not_negative("max_rows", max_rows)? as usize;
    let now = clock::now()?;
    let projects = match project_name {
        Some(_) => {
            let project = projects::enter(Level::Worker, project_name)?;
            projects::require_existing(project)?;
            vec![project.to_owned()]
        }
        None => cross_project::projects_with_due_schedules(now)?,
    };
    let mut due = BTreeMap::new();
    for project in &projects {
        let schedules = Due::lock(project, now, rows_left.min(MOST_KEYS))?;
        rows_left -= schedules.len();
        due.insert(project, schedules);
    }
    // In the order of their names, so that two callers cannot wait for each other's lanes.
    let mut runs = vec![];
    for (project, schedules) in due {
        prepare(project, &schedules)?;
        for schedule in schedules {
            runs.extend(schedule.run(project, now)?);
        }
    }
    Ok(runs)
}

/// Takes the unique keys of the tasks and the keys of the segments that they are of, and opens their lanes. What is wrong with them is
/// said when they are created.
/// There are so few schedules that each seed has a key of its own.
fn prepare(project: &str, schedules: &[Due]) -> Result<(), Error> {
    let tasks: Vec<NewTask> = schedules.iter().filter_map(|schedule| NewTask::parse(&schedule.data).ok()).collect();
    unique_keys::lock_new(project, &tasks);
    let seeds: BTreeSet<u64> = tasks.iter().filter_map(|task| task.segment_seed_id).map(|seed| seed.0).collect();
    let types = segments::lanes::types(project, &seeds.into_iter().collect::<Vec<_>>())?;
    let kinds = tasks.iter().map(|task| {
        let of_segment = task.segment_seed_id.and_then(|seed| types.get(&seed.0));
        let segment_type = of_segment.or(task.segment_type.as_ref()).map_or("", String::as_str);
        (&*task.task_type, segment_type)
    });
    Lanes::open(project, &kinds.collect())?;
    Ok(())
}

/// A schedule that is due, and locked.
struct Due {
    name: String,
    data: String,
    evaluation: Evaluation,
    /// Why it cannot be evaluated: its time zone may be gone.
    problem: Option<Invalid>,
}

impl Due {
    /// Those longest due come first; one that somebody else is at is left to them.
    fn lock(project: &str, now: Instant, most: usize) -> Result<Vec<Self>, Error> {
        sql!(
            "select s.name, s.data, s.cron, s.timezone, s.misfire_policy::text, s.misfire_grace_seconds, s.next_run_at
            from task_mgmt.schedule s
            where s.project_name = $1 and s.next_run_at <= $2 and exists (
                select from task_mgmt.project p where p.project_name = $1 and p.status <> 'archived'
            )
            order by s.next_run_at, s.name
            limit $3
            for no key update of s skip locked"
        )
        .all(&[project.into(), now.into(), (most as i64).into()], |row| {
            let (cron, timezone) = (row.get::<String>(3)?, row.get::<String>(4)?);
            let policy = MisfirePolicy::parse(&row.get::<String>(5)?)?;
            let (grace_seconds, next) = (row.get::<f64>(6)?, row.get::<Instant>(7)?.into());
            let (evaluation, problem) = match Recurrence::parse(&cron, &timezone) {
                Ok(recurrence) => (policy.evaluate(&recurrence, next, now.into(), grace_seconds), None),
                Err(problem) => (Evaluation { due: vec![next], next: None }, Some(problem)),
            };
            Ok(Self { name: row.get(1)?, data: row.get::<Jsonb>(2)?.text(), evaluation, problem })
        })
    }

    /// Creates the tasks, all or none, and goes on to the next due time either way.
    fn run(self, project: &str, now: Instant) -> Result<Vec<Run>, Error> {
        let created = match &self.problem {
            Some(Invalid(problem)) => Err(problem.clone()),
            None => match self.create(project) {
                Err(error) if !error.is_refusal() => return Err(error),
                created => created.map_err(|error| error.to_string().chars().take(MAX_ERROR_CHARS).collect()),
            },
        };
        let next = self.evaluation.next.map(Instant::from);
        sql!("update task_mgmt.schedule set next_run_at = $3 where project_name = $1 and name = $2").run(&[
            project.into(),
            self.name.as_str().into(),
            next.into(),
        ])?;
        let (tasks, error) = match created {
            Ok(tasks) => (tasks.into_iter().map(Some).collect(), None),
            Err(error) => (vec![None; self.evaluation.due.len()], Some(error)),
        };
        let due = self.evaluation.due.into_iter().map(Instant::from);
        let runs = due.zip(tasks).map(|(due_at, task_id)| Run {
            project: project.into(),
            name: self.name.clone(),
            due_at,
            task_id,
            error: error.clone(),
        });
        let runs: Vec<Run> = runs.collect();
        remember(project, &self.name, &runs, now)?;
        Ok(runs)
    }

    /// The ids of the tasks. An error leaves nothing behind.
    fn create(&self, project: &str) -> Result<Vec<String>, Error> {
        let attempt = Attempt::begin();
        let tasks = self.evaluation.due.iter().map(|_| NewTask::parse(&self.data));
        let mut tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        task_creation::create_as(Level::Worker, Some(project), &mut tasks).map_err(Error::without_position)?;
        attempt.keep();
        Ok(tasks.iter().filter_map(|task| task.task_id.as_deref()).map(str::to_owned).collect())
    }
}

/// Writes down what came of the due times of a schedule, and forgets what came of those long past.
fn remember(project: &str, name: &str, runs: &[Run], now: Instant) -> Result<(), Error> {
    let Some(last) = runs.last() else { return Ok(()) };
    sql!(
        "insert into task_mgmt.schedule_run (project_name, name, due_at, run_at, task_id, error)
        select $1, $2, run.due_at, $3, run.task_id, $6
        from unnest($4, $5) as run (due_at, task_id)
        order by run.due_at"
    )
    .run(&[
        project.into(),
        name.into(),
        now.into(),
        runs.iter().map(|run| run.due_at).collect::<Vec<_>>().into(),
        runs.iter().map(|run| run.task_id.clone()).collect::<Vec<_>>().into(),
        last.error.clone().into(),
    ])?;
    sql!(
        "delete from task_mgmt.schedule_run
        where project_name = $1 and name = $2 and due_at <= (
            select r.due_at
            from task_mgmt.schedule_run r
            where r.project_name = $1 and r.name = $2
            order by r.due_at desc
            offset 100
            limit 1
        )"
    )
    .run(&[project.into(), name.into()])?;
    match &last.error {
        Some(error) => {
            let detail = format!("{name}: {error}");
            events::append(project, &[0], "schedule_failed", Actor::Caller, Some(&detail), now)
        }
        None => Ok(()),
    }
}
