//! The rules by which a user may start a task, each in one place: starts and takeovers obey them, `explanation` tells them.

use crate::assignment::Worker;
use crate::clock::Instant;
use crate::error::Error;
use crate::settings;
use crate::spi::{Row, sql};
use crate::takeover::Held;
use crate::tasks;

/// What must hold, in the order in which `start_task` complains.
#[derive(Clone, Copy, PartialEq)]
pub enum Rule {
    ActiveProject,
    ActiveUser,
    NothingElseHeld,
    QualifiedForType,
    QualifiedForSegment,
    Open,
    NothingToWaitFor,
    NotHeldBack,
    Due,
    NotExpired,
    NotAssignedToAnother,
    NotHeldByAnother,
    NotAnsweredByUser,
    WithinLimits,
    NotPaused,
}

impl Rule {
    pub const ALL: [Self; 15] = [
        Self::ActiveProject,
        Self::ActiveUser,
        Self::NothingElseHeld,
        Self::QualifiedForType,
        Self::QualifiedForSegment,
        Self::Open,
        Self::NothingToWaitFor,
        Self::NotHeldBack,
        Self::Due,
        Self::NotExpired,
        Self::NotAssignedToAnother,
        Self::NotHeldByAnother,
        Self::NotAnsweredByUser,
        Self::WithinLimits,
        Self::NotPaused,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::ActiveProject => "the project is active",
            Self::ActiveUser => "the user is active",
            Self::NothingElseHeld => "the user may hold another task",
            Self::QualifiedForType => "the user is qualified for the task type",
            Self::QualifiedForSegment => "the user is qualified for the segment type",
            Self::Open => "the task is open",
            Self::NothingToWaitFor => "the task waits for no other task",
            Self::NotHeldBack => "the task is not held back",
            Self::Due => "the task is due",
            Self::NotExpired => "the task has not expired",
            Self::NotAssignedToAnother => "the task is not assigned to somebody else",
            Self::NotHeldByAnother => "nobody else holds the task, or it is idle",
            Self::NotAnsweredByUser => "the user has not worked on another copy of the task",
            Self::WithinLimits => "no limit is reached",
            Self::NotPaused => "the task is not paused",
        }
    }

    /// Whether it also binds who asks for the task by name.
    pub fn binds_by_name(self) -> bool {
        self != Self::NotPaused
    }

    /// Whether the user may start the task as far as this rule goes. Who holds it gets it again, whatever the rules say.
    pub fn allows(self, worker: &Worker, task: &Facts) -> bool {
        task.is_held_by_user
            || match self {
                Self::ActiveProject => worker.project_status == "active",
                Self::ActiveUser => worker.is_active,
                Self::NothingElseHeld => worker.active_task.is_none(),
                Self::QualifiedForType => worker.qualifications.has_task_type(&task.task_type, task.min_level),
                Self::QualifiedForSegment => worker.qualifications.has_segment_type(&task.segment_type),
                Self::Open => task.is_open,
                Self::NothingToWaitFor => !task.is_waiting,
                Self::NotHeldBack => !task.is_held_back,
                Self::Due => task.is_due,
                Self::NotExpired => !task.is_expired,
                Self::NotAssignedToAnother => !task.is_assigned_to_another,
                Self::NotHeldByAnother => !task.is_held_by_another,
                Self::NotAnsweredByUser => !task.is_answered_by_user,
                Self::WithinLimits => task.limit_reached.is_none(),
                Self::NotPaused => !task.is_paused,
            }
    }
}

/// What the rules ask of a task.
pub struct Facts {
    pub task_type: String,
    /// Empty for a task that needs no segment qualification.
    pub segment_type: String,
    pub is_open: bool,
    /// For other tasks, or for its copies.
    pub is_waiting: bool,
    pub is_held_back: bool,
    pub is_paused: bool,
    pub is_assigned_to_another: bool,
    pub is_held_by_user: bool,
    /// And not idle for long enough to be taken over.
    pub is_held_by_another: bool,
    /// What a qualification for the task type must have.
    pub min_level: i32,
    /// Another copy of it, or the task that it is a copy of.
    pub is_answered_by_user: bool,
    /// Not to be run later only.
    pub is_due: bool,
    pub is_expired: bool,
    pub channel: Option<String>,
    /// By whomever.
    pub is_held: bool,
    /// A limit of running tasks that leaves no room for it. Only who explains asks for that: who starts a task takes a slot, and is
    /// refused that.
    pub limit_reached: Option<String>,
}

impl Facts {
    /// From a row whose first columns are those of `fact_columns`.
    pub fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            task_type: row.get(1)?,
            segment_type: row.get(2)?,
            is_open: row.get(3)?,
            is_waiting: row.get(4)?,
            is_held_back: row.get(5)?,
            is_paused: row.get(6)?,
            is_assigned_to_another: row.get(7)?,
            is_held_by_user: row.get(8)?,
            is_held_by_another: row.get(9)?,
            min_level: row.get(10)?,
            is_answered_by_user: row.get(11)?,
            is_due: row.get(12)?,
            is_expired: row.get(13)?,
            channel: row.find(14)?,
            is_held: row.get(15)?,
            limit_reached: None,
        })
    }
}

/// The columns 1 to 15 that `Facts` reads from `fact_tables`.
macro_rules! fact_columns {
    () => {
        concat!(
            "t.task_type, t.segment_type, t.status = 'queued', coalesce(b.unsatisfied > 0 or b.open_copies > 0, false),
            coalesce(b.is_held or b.is_on_hold, false),
            t.is_paused, coalesce(t.assigned_user_no <> $2, false), coalesce(l.user_no = $2, false),
            coalesce(l.user_no <> $2 and idle.seconds < idle.limit_seconds, false), y.min_level, ",
            $crate::overlap::is_answered_by!(),
            ", coalesce(b.run_after <= $3, true), coalesce(t.expires_at <= $3, false), t.channel, l.task_no is not null"
        )
    };
}
pub(crate) use fact_columns;

/// Tasks with what else decides who may start them: $1 is the project, $2 the user's number, $3 the time, $4 the idle limit
/// of the server. `idle` is null where nobody holds the task.
macro_rules! fact_tables {
    () => {
        "task_mgmt.task t
        join task_mgmt.project p on p.project_name = $1
        join task_mgmt.task_type y on y.project_name = $1 and y.task_type = t.task_type
        left join task_mgmt.blocked b on b.project_name = $1 and b.task_no = t.task_no
        left join task_mgmt.lease l on l.project_name = $1 and l.task_no = t.task_no
        cross join lateral (
            select extract(epoch from $3 - l.leased_at)::float8,
                task_mgmt.idle_limit(l, y.max_idle_seconds, p.max_idle_seconds, $4)
        ) as idle (seconds, limit_seconds)"
    };
}
pub(crate) use fact_tables;

/// One task, with what else there is to say about it to who asks for it.
pub struct Requested {
    pub task_no: i64,
    pub task_id: String,
    pub facts: Facts,
    pub status: String,
    pub completion_status: String,
    pub assignee: Option<String>,
    pub has_seed_state: bool,
    pub overlap: i16,
    pub attempts: i32,
    pub lane_no: i32,
    pub run_after: Option<String>,
    pub held: Option<Held>,
}

impl Requested {
    /// Errors: P0002.
    pub fn find(worker: &Worker, task_id: &str, now: Instant) -> Result<Self, Error> {
        let found = sql!(concat!(
            "select ",
            fact_columns!(),
            ", t.task_no, t.status::text, t.completion_status, a.user_id, h.user_id, l.fence,
                idle.seconds, idle.limit_seconds, t.has_seed_state, t.overlap, t.attempts, t.lane_no, to_char(b.run_after at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
            from ",
            fact_tables!(),
            "left join task_mgmt.project_user a on a.project_name = $1 and a.user_no = t.assigned_user_no
            left join task_mgmt.project_user h on h.project_name = $1 and h.user_no = l.user_no
            where t.project_name = $1 and t.task_id = $5"
        ))
        .first(
            &[
                worker.project.into(),
                worker.user_no.into(),
                now.into(),
                settings::max_idle_seconds().into(),
                task_id.into(),
            ],
            |row| {
                let task_no = row.get(16)?;
                let held = match row.find(20)? {
                    None => None,
                    Some(user_id) => Some(Held {
                        task_no,
                        user_id,
                        fence: row.get(21)?,
                        idle_seconds: row.get(22)?,
                        limit_seconds: row.get(23)?,
                    }),
                };
                Ok(Self {
                    task_no,
                    task_id: task_id.into(),
                    facts: Facts::from_row(row)?,
                    status: row.get(17)?,
                    completion_status: row.get(18)?,
                    assignee: row.find(19)?,
                    has_seed_state: row.get(24)?,
                    overlap: row.get(25)?,
                    attempts: row.get(26)?,
                    lane_no: row.get(27)?,
                    run_after: row.find(28)?,
                    held,
                })
            },
        )?;
        match found {
            Some(found) => Ok(found),
            None => Err(tasks::not_found(worker.project, task_id)?),
        }
    }

    /// Errors: the first rule that forbids the user to start the task by name.
    pub fn require_startable(&self, worker: &Worker) -> Result<(), Error> {
        let mut rules = Rule::ALL.into_iter().filter(|rule| rule.binds_by_name());
        match rules.find(|rule| !rule.allows(worker, &self.facts)) {
            Some(rule) => Err(self.refusal(worker, rule)?),
            None => Ok(()),
        }
    }

    /// The error for a broken rule.
    fn refusal(&self, worker: &Worker, rule: Rule) -> Result<Error, Error> {
        let (user, task) = (worker.user.to_owned(), self.task_id.clone());
        Ok(match rule {
            Rule::ActiveProject | Rule::ActiveUser => worker.inactive(),
            Rule::NothingElseHeld => worker.no_room(worker.active_task.as_deref().unwrap_or_default(), &task),
            Rule::QualifiedForType => Error::NotQualifiedForType { user, task_type: self.facts.task_type.clone() },
            Rule::QualifiedForSegment => {
                Error::NotQualifiedForSegment { user, segment_type: self.facts.segment_type.clone() }
            }
            Rule::Open => Error::TaskFinished { task, status: self.status.clone() },
            Rule::NothingToWaitFor | Rule::NotHeldBack => tasks::blocked(worker.project, &self.task_id)?,
            Rule::Due => Error::TaskNotDue { task, run_after: self.run_after.clone().unwrap_or_default() },
            Rule::NotExpired => Error::TaskExpired(task),
            Rule::NotAssignedToAnother => {
                Error::AssignedToAnother { task, assignee: self.assignee.clone().unwrap_or_default() }
            }
            Rule::NotHeldByAnother => match &self.held {
                Some(held) => held.refusal(&self.task_id),
                None => Error::Internal(format!("task {task} is held by nobody")),
            },
            Rule::NotAnsweredByUser => Error::AnsweredByUser { user, task },
            Rule::WithinLimits => Error::Internal(format!("task {task} takes a slot when it is started")),
            Rule::NotPaused => Error::Internal(format!("task {task} may be asked for by name, paused or not")),
        })
    }
}
