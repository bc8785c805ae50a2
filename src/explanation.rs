//! Why a user may start a task, or gets none: the rules of `eligibility`, told one by one.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::limits::Scope;
use task_mgmt_core::qualifications::Kind;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::assignment::Worker;
use crate::clock;
use crate::eligibility::{Facts, Requested, Rule, fact_columns, fact_tables};
use crate::error::Error;
use crate::projects;
use crate::settings;
use crate::spi::sql;
use crate::tasks;

/// Why a user may start a task or not: one row for each rule, in the order in which `start_task` asks. Without a task: why
/// the user gets some of the open tasks and not others, for each lane (task type and segment type) and rule.
///
/// *Returns* rows of task_type, segment_type (null if none), rule, applies_to (`both`, or `automatic` for a rule that `start_task` with a
/// task id does not ask for), is_passed, found, open_tasks, removed, remaining. With a task: `start_task` gives it to
/// the user if all rules that apply to both are passed; if all rules are, it is also among those that `start_task` without
/// a task id chooses from. Who holds a task gets it again, so all rules are passed. Without a task, open_tasks counts the open
/// tasks of the lane, removed those that pass the rules before but not this one, and remaining the rest: in the last row of
/// a lane, what the user can get from it. A user or task that does not exist is the only row, and not passed.
/// *Errors*: P0002 project unknown; 42501 access denied. Whether the caller may act as the user is not asked.
/// *Locks*: none. As `start_task` does, it sees what is committed at that moment, whatever the isolation level. Without a
/// task it reads all tasks of the project.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
#[allow(clippy::type_complexity)]
fn explain_assignment(
    project_name: Option<&str>,
    user_id: Option<&str>,
    task_id: default!(Option<&str>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(task_type, Option<String>),
            name!(segment_type, Option<String>),
            name!(rule, String),
            name!(applies_to, String),
            name!(is_passed, bool),
            name!(found, String),
            name!(open_tasks, Option<i64>),
            name!(removed, Option<i64>),
            name!(remaining, Option<i64>),
        ),
    >,
    ErrorReport,
> {
    let project = required("project_name", project_name)?;
    let user = required("user_id", user_id)?;
    access::require(Level::Reader, project)?;
    projects::require_visible(project)?;
    let findings = match Worker::find(project, user) {
        Ok(worker) => explain(&worker, task_id)?,
        Err(Error::UserNotFound { .. }) => vec![Finding::missing("the user exists", user)],
        Err(error) => return Err(error.into()),
    };
    Ok(TableIterator::new(findings.into_iter().map(Finding::into_row)))
}

/// A row of the explanation.
struct Finding {
    task_type: Option<String>,
    segment_type: Option<String>,
    rule: &'static str,
    is_for_both: bool,
    is_passed: bool,
    found: String,
    count: Option<Count>,
}

struct Count {
    open: i64,
    removed: i64,
    remaining: i64,
}

type FindingRow = (Option<String>, Option<String>, String, String, bool, String, Option<i64>, Option<i64>, Option<i64>);

impl Finding {
    fn missing(rule: &'static str, name: &str) -> Self {
        let found = format!("there is no {name}");
        Self { task_type: None, segment_type: None, rule, is_for_both: true, is_passed: false, found, count: None }
    }

    fn of(rule: Rule, facts: &Facts, is_passed: bool, found: String, count: Option<Count>) -> Self {
        Self {
            task_type: Some(facts.task_type.clone()),
            segment_type: Some(facts.segment_type.clone()).filter(|name| !name.is_empty()),
            rule: rule.text(),
            is_for_both: rule.binds_by_name(),
            is_passed,
            found,
            count,
        }
    }

    fn into_row(self) -> FindingRow {
        let applies_to = if self.is_for_both { "both" } else { "automatic" };
        let (open, removed, remaining) = match self.count {
            Some(count) => (Some(count.open), Some(count.removed), Some(count.remaining)),
            None => (None, None, None),
        };
        (
            self.task_type,
            self.segment_type,
            self.rule.into(),
            applies_to.into(),
            self.is_passed,
            self.found,
            open,
            removed,
            remaining,
        )
    }
}

fn explain(worker: &Worker, task_id: Option<&str>) -> Result<Vec<Finding>, Error> {
    let Some(task_id) = task_id else { return explain_lanes(worker) };
    match Requested::find(worker, task_id, clock::now()?) {
        Ok(mut task) => {
            reached_limits(worker)?.apply(&mut task.facts);
            explain_task(worker, &task)
        }
        Err(Error::TaskNotFound { .. }) => Ok(vec![Finding::missing("the task exists", task_id)]),
        Err(error) => Err(error),
    }
}

fn explain_task(worker: &Worker, task: &Requested) -> Result<Vec<Finding>, Error> {
    let explain = |rule: Rule| {
        let is_passed = rule.allows(worker, &task.facts);
        Ok(Finding::of(rule, &task.facts, is_passed, found(rule, worker, task)?, None))
    };
    Rule::ALL.into_iter().map(explain).collect()
}

/// The value that a rule looks at.
fn found(rule: Rule, worker: &Worker, task: &Requested) -> Result<String, Error> {
    let or_nobody = |user: Option<&String>| user.map_or("nobody", String::as_str).to_owned();
    Ok(match rule {
        Rule::ActiveProject | Rule::ActiveUser | Rule::NothingElseHeld => found_of_user(rule, worker),
        Rule::QualifiedForType => {
            let found = worker.qualifications.describe(Kind::TaskType, &task.facts.task_type);
            match task.facts.min_level {
                0 => format!("{}; {found}", task.facts.task_type),
                level => format!("{} of level {level}; {found}", task.facts.task_type),
            }
        }
        Rule::QualifiedForSegment if task.facts.segment_type.is_empty() => "none is needed".into(),
        Rule::QualifiedForSegment => {
            let found = worker.qualifications.describe(Kind::SegmentType, &task.facts.segment_type);
            format!("{}; {found}", task.facts.segment_type)
        }
        Rule::Open if task.facts.is_open => "open".into(),
        Rule::Open if task.completion_status.is_empty() => task.status.clone(),
        Rule::Open => format!("{} as {}", task.status, task.completion_status),
        Rule::NothingToWaitFor => {
            const MOST: i32 = 20;
            let waits_for = tasks::waits_for(worker.project, &task.task_id, MOST)?;
            match waits_for.is_empty() {
                true => "nothing".into(),
                false => waits_for.into_iter().map(|(upstream, _)| upstream).collect::<Vec<_>>().join(", "),
            }
        }
        Rule::NotHeldBack => if task.facts.is_held_back { "held back" } else { "not held back" }.into(),
        Rule::Due => task.run_after.clone().unwrap_or_else(|| "at once".into()),
        Rule::NotExpired => if task.facts.is_expired { "expired" } else { "not expired" }.into(),
        Rule::NotAssignedToAnother => or_nobody(task.assignee.as_ref()),
        Rule::NotHeldByAnother => match &task.held {
            None => "nobody".into(),
            Some(held) => {
                format!("{}, idle for {:.3} s; the limit is {} s", held.user_id, held.idle_seconds, held.limit_seconds)
            }
        },
        Rule::NotAnsweredByUser => if task.facts.is_answered_by_user { "worked on" } else { "not worked on" }.into(),
        Rule::WithinLimits => task.facts.limit_reached.clone().unwrap_or_else(|| "none".into()),
        Rule::NotPaused => if task.facts.is_paused { "paused" } else { "not paused" }.into(),
    })
}

/// The same of a rule that looks at no task; empty for the others.
fn found_of_user(rule: Rule, worker: &Worker) -> String {
    match rule {
        Rule::ActiveProject => worker.project_status.clone(),
        Rule::ActiveUser => if worker.is_active { "active" } else { "deactivated" }.into(),
        Rule::NothingElseHeld => worker.active_task.clone().unwrap_or_else(|| "nothing".into()),
        _ => String::new(),
    }
}

/// The limits of running tasks that are reached.
struct ReachedLimits<'w> {
    user: &'w str,
    /// Each with what it is of.
    limits: Vec<(Scope, String, String)>,
}

fn reached_limits<'w>(worker: &'w Worker) -> Result<ReachedLimits<'w>, Error> {
    let limits = sql!(
        "select scope, coalesce(key, ''), running, max_running
        from task_mgmt.limit_details
        where project_name = $1 and running >= max_running
        order by scope <> 'project', scope, key"
    )
    .all(&[worker.project.into()], |row| {
        let (scope, key) = (Scope::parse(&row.get::<String>(1)?)?, row.get::<String>(2)?);
        let (running, most): (i64, i32) = (row.get(3)?, row.get(4)?);
        let found = format!("{running} of {most} tasks of {} are running", scope.describe(&key));
        Ok((scope, key, found))
    })?;
    Ok(ReachedLimits { user: worker.user, limits })
}

impl ReachedLimits<'_> {
    /// Says which of them leaves no room for the task. One that is held counts already, but for the limit of who would take it over.
    fn apply(&self, task: &mut Facts) {
        let concerns = |(scope, key, _): &&(Scope, String, String)| match scope {
            Scope::Agent => key == self.user,
            _ if task.is_held => false,
            Scope::Project => true,
            Scope::TaskType => *key == task.task_type,
            Scope::Channel => task.channel.as_ref() == Some(key),
        };
        task.limit_reached = self.limits.iter().find(concerns).map(|(.., found)| found.clone());
    }
}

/// Open tasks of one lane about which all rules say the same.
struct Group {
    facts: Facts,
    tasks: i64,
}

fn explain_lanes(worker: &Worker) -> Result<Vec<Finding>, Error> {
    let mut groups = sql!(concat!(
        "select ",
        fact_columns!(),
        ", count(*) from ",
        fact_tables!(),
        "where t.project_name = $1 and t.status = 'queued'
        group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        order by t.task_type, t.segment_type"
    ))
    .all(
        &[worker.project.into(), worker.user_no.into(), worker.now.into(), settings::max_idle_seconds().into()],
        |row| Ok(Group { facts: Facts::from_row(row)?, tasks: row.get(16)? }),
    )?;
    let limits = reached_limits(worker)?;
    groups.iter_mut().for_each(|group| limits.apply(&mut group.facts));
    let lanes = groups.chunk_by(|one, other| {
        one.facts.task_type == other.facts.task_type && one.facts.segment_type == other.facts.segment_type
    });
    Ok(lanes.flat_map(|groups| explain_lane(worker, groups)).collect())
}

/// Each rule for the tasks that pass those before; that they are open is known.
fn explain_lane(worker: &Worker, groups: &[Group]) -> Vec<Finding> {
    let open: i64 = groups.iter().map(|group| group.tasks).sum();
    let mut rest: Vec<&Group> = groups.iter().collect();
    let mut remaining = open;
    let mut findings = vec![];
    for rule in Rule::ALL.into_iter().filter(|rule| *rule != Rule::Open) {
        rest.retain(|group| rule.allows(worker, &group.facts));
        let before = std::mem::replace(&mut remaining, rest.iter().map(|group| group.tasks).sum());
        let removed = before - remaining;
        let found = match found_of_user(rule, worker) {
            found if found.is_empty() => format!("removes {removed} of {before}"),
            found => found,
        };
        let count = Some(Count { open, removed, remaining });
        findings.push(Finding::of(rule, &groups[0].facts, removed == 0, found, count));
    }
    findings
}
