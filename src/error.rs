//! Every error that a caller can meet, with its SQLSTATE, what was found and what to do.
//! Wordings that the reference system pinned begin the message, so that its callers recognise them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error("{0}")]
    Argument(#[from] Invalid),
    #[error("{0} must not be null")]
    NullArgument(&'static str),

    #[error("Project '{0}' not found")]
    ProjectNotFound(String),
    #[error("User {user} not found in project \"{project}\"")]
    UserNotFound { project: String, user: String },
    #[error("User {0} not found in any project")]
    UserNotFoundAnywhere(String),
    #[error("TaskType {task_type} not found in project {project}")]
    TaskTypeNotFound { project: String, task_type: String },
    #[error("Task type {task_type} not found in project \"{project}\"")]
    TaskOfUnknownType { project: String, task_type: String },
    #[error("Task type not found: {task_type} in project \"{project}\"")]
    ChangeToUnknownType { project: String, task_type: String },
    #[error("Task {task} not found in project \"{project}\"")]
    TaskNotFound { project: String, task: String },
    #[error("Task {0} not found in any accessible project")]
    TaskNotFoundAccessible(String),
    #[error("Task {0} not found in any project")]
    TaskNotFoundAnywhere(String),
    #[error("Task {task} exists in several projects: {}", projects.join(", "))]
    AmbiguousTask { task: String, projects: Vec<String> },
    #[error("Dependency {dependency} not found in project \"{project}\"")]
    DependencyNotFound { project: String, dependency: String },
    #[error("Segment type {segment_type} not found in project {project}")]
    SegmentTypeNotFound { project: String, segment_type: String },
    #[error("Segment with seed_id {seed} not found in project {project}")]
    SegmentNotFound { project: String, seed: u64 },
    #[error("Endpoint with endpoint_id {endpoint} not found in project {project}")]
    EndpointNotFound { project: String, endpoint: i64 },
    #[error("Project {0} not found")]
    StateOfUnknownProject(String),
    #[error("Segment {seed} not found in project {project}")]
    NoSuchSegment { project: String, seed: u64 },
    #[error("Task {task} not found in project {project}")]
    StateOfUnknownTask { project: String, task: String },
    #[error("Task {0} is not associated with any segment")]
    NoSegmentOfTask(String),
    #[error("Project '{0}' not found in database")]
    LayersOfUnknownProject(String),
    #[error("Segment type '{segment_type}' not found in project '{project}'")]
    LayersOfUnknownType { project: String, segment_type: String },
    #[error("Supervoxel {supervoxel} not found in project \"{project}\"")]
    SupervoxelNotFound { project: String, supervoxel: u64 },
    #[error("Edit event {event} not found in project \"{project}\"")]
    EditEventNotFound { project: String, event: String },
    #[error("Fact '{fact}' not found in project \"{project}\"")]
    FactNotFound { project: String, fact: String },
    #[error("Conversation not found: {conversation} in project \"{project}\"")]
    ConversationNotFound { project: String, conversation: String },
    #[error("Schedule {schedule} not found in project \"{project}\"")]
    ScheduleNotFound { project: String, schedule: String },
    #[error("Event consumer {consumer} not found in project \"{project}\"")]
    ConsumerNotFound { project: String, consumer: String },
    #[error("Event {event} not found in project \"{project}\"")]
    EventNotFound { project: String, event: i64 },
    #[error("role \"{0}\" does not exist")]
    RoleNotFound(String),
    #[error("there is no function with OID {0}")]
    FunctionNotFound(u32),
    #[error("No {kind} handler registered for task type: {task_type}")]
    HandlerNotFound { kind: &'static str, task_type: String },

    #[error("Fact {fact} already exists in project \"{project}\"")]
    FactExists { project: String, fact: String },
    #[error("Fact {0} occurs twice in data")]
    FactTwice(String),
    #[error("Project '{0}' already exists")]
    ProjectExists(String),
    #[error("User {0} already exists with different data")]
    UserExists(String),
    #[error("TaskType {task_type} already exists in project {project}")]
    TaskTypeExists { project: String, task_type: String },
    #[error("Task {task} already exists in project \"{project}\"")]
    TaskExists { project: String, task: String },
    #[error("Task {0} occurs twice in data")]
    TaskTwice(String),
    #[error("Unique key {key} is that of open task {task}")]
    UniqueKeyTaken { key: String, task: String },
    #[error("Unique key {0} occurs twice in data")]
    UniqueKeyTwice(String),
    #[error("Dependency {dependency} already exists in project \"{project}\"")]
    DependencyExists { project: String, dependency: String },
    #[error("Segment type {segment_type} already exists in project {project}")]
    SegmentTypeExists { project: String, segment_type: String },
    #[error("Segment with seed_id {seed} already exists in project {project}")]
    SegmentExists { project: String, seed: u64 },
    #[error("Segment with seed_id {0} occurs twice in data")]
    SegmentTwice(u64),
    #[error("Supervoxel {supervoxel} already exists in project \"{project}\"")]
    SupervoxelExists { project: String, supervoxel: String },
    #[error("Event consumer {consumer} already exists in project \"{project}\"")]
    ConsumerExists { project: String, consumer: String },
    #[error("Supervoxel {0} occurs twice in data")]
    SupervoxelTwice(u64),

    #[error("Project '{project}' is {status}")]
    ProjectNotActive { project: String, status: String },
    #[error("Project '{project}' still has {tasks} tasks{}{}", and_some(*segments, "segments"), and_some(*facts, "facts"))]
    ProjectNotEmpty { project: String, tasks: i64, segments: i64, facts: i64 },
    #[error("Project '{project}' has no {missing}")]
    NothingToShow { project: String, missing: &'static str },
    #[error("Completion status '{status}' of task type {task_type} is in use")]
    StatusInUse { status: String, task_type: String },
    #[error("Segment type {segment_type} is in use: {user} has it")]
    SegmentTypeInUse { segment_type: String, user: String },
    #[error("Users of project '{project}' have completed {tasks} tasks")]
    UsersHaveCompleted { project: String, tasks: i64 },
    #[error("Task types of project '{project}' have {tasks} tasks")]
    TaskTypesHaveTasks { project: String, tasks: i64 },
    #[error("User {0} is deactivated")]
    UserNotActive(String),
    #[error("User already has an active task {active} which is different from requested task {requested}")]
    OtherTaskActive { active: String, requested: String },
    #[error("User does not have an active task: {user} holds nothing in project \"{project}\"")]
    NoActiveTask { project: String, user: String },
    #[error("Task ID does not match user's active task: {user} holds {active}, not {task}")]
    NotTheActiveTask { user: String, active: String, task: String },
    #[error("{error}")]
    CompletedOtherwise { error: Box<Error>, task: String, status: String },
    #[error("The release of task {task} cannot be undone: {reason}")]
    CannotUndo { task: String, reason: String },
    #[error("Provided task_id {task} does not match user's active task {active}")]
    TimeForOtherTask { task: String, active: String },
    #[error("User {user} holds as many tasks as they may: {capacity}")]
    AtCapacity { user: String, capacity: i32 },
    #[error("User {user} holds more tasks than that: {held}")]
    CapacityInUse { user: String, held: i64 },
    #[error("Task {task} is not due: it waits until {run_after}")]
    TaskNotDue { task: String, run_after: String },
    #[error("Task {0} has expired")]
    TaskExpired(String),
    #[error("Task {task} is {status}")]
    TaskFinished { task: String, status: String },
    #[error("Task {task} cannot be deleted: {reason}")]
    TaskNotDeletable { task: String, reason: String, is_awaited: bool },
    #[error("Task {0} is already active (not completed)")]
    TaskNotFinished(String),
    #[error("Task {task} is blocked: {reason}")]
    TaskBlocked { task: String, reason: String, is_in_vain: bool },
    #[error("Task {0} is blocked: it is inactive")]
    TaskHeldBack(String),
    #[error("Inactive task cannot have {what}: {task}")]
    InactiveCompletion { task: String, what: &'static str },
    #[error("Task {0} is not held by anybody")]
    TaskNotHeld(String),
    #[error("Task {task} cannot be made inactive: it is {status}")]
    CannotHoldBack { task: String, status: String },
    #[error("Pay period overlaps period {period}, which is closed")]
    PayPeriodClosed { period: i64, starts_at: String, ends_at: String },
    #[error("duration_seconds takes back more time than user {user} has on task {task}")]
    MoreThanBooked { user: String, task: String, rate: String, booked: String },
    #[error("Dependencies would form a cycle: {0}")]
    Cycle(String),
    #[error("Task {0} was changed by its verification handler")]
    ChangedByHandler(String),
    #[error("Task verification failed: {0}")]
    VerificationFailed(String),
    #[error("{kind} handler {handler} does not exist any more")]
    HandlerMissing { kind: &'static str, handler: String },
    #[error("{kind} handler {handler} returned something unusable: {reason}")]
    HandlerResult { kind: &'static str, handler: String, reason: String },

    #[error("Task is no longer available for takeover: {task} is held by {holder}")]
    HeldByAnother { task: String, holder: String, idle_seconds: f64, limit_seconds: f64 },
    #[error("Task {task} is assigned to {assignee}")]
    AssignedToAnother { task: String, assignee: String },

    #[error("User not qualified for this task type: {user}, {task_type}")]
    NotQualifiedForType { user: String, task_type: String },
    #[error("User not qualified for this segment type: {user}, {segment_type}")]
    NotQualifiedForSegment { user: String, segment_type: String },
    #[error("User {user} has worked on another copy of task {task}")]
    AnsweredByUser { user: String, task: String },
    #[error("Task {task} cannot be changed so: {reason}")]
    SharedTask { task: String, reason: String },
    #[error("Task {task} cannot be a golden task: {reason}")]
    NotGolden { task: String, reason: String },
    #[error("User {user} is not qualified for {count} of the tasks: {}", named.join(", "))]
    NotQualifiedForTasks { user: String, count: usize, named: Vec<String> },
    #[error("role \"{role}\" needs {needed} access to {scope}")]
    AccessDenied { role: String, needed: &'static str, scope: String },
    #[error("role \"{role}\" may not change task {task}, which nobody holds")]
    NotHeldForCaller { role: String, task: String },
    #[error("role \"{role}\" may not act as user {user}")]
    BoundToAnotherRole { role: String, user: String, bound_role: String },
    #[error("role \"{role}\" may not register a function that belongs to \"{owner}\"")]
    HandlerOfAnother { role: String, owner: String },
    #[error("task_mgmt functions cannot be called within a security-restricted operation")]
    Restricted,

    #[error("Ambiguous short ID: {prefix} begins the ids of several {what}")]
    AmbiguousPrefix { what: &'static str, prefix: String, found: Vec<String> },
    #[error("{kind} handler {handler} must be a plain function {expected}")]
    HandlerSignature { kind: &'static str, handler: String, expected: &'static str },
    #[error("creation handler {handler} creates tasks of another type than {task_type}")]
    HandlerOfAnotherType { handler: String, task_type: String },
    #[error("Completion status '{status}' not allowed for this task type: {task_type}")]
    StatusNotAllowed { status: String, task_type: String, allowed: Vec<String> },
    #[error("segment_type cannot be {}: that of segment {seed} is {}", or_none(given), or_none(expected))]
    NotTheSegmentsType { seed: u64, given: String, expected: String },
    #[error("event_no must not be beyond what {consumer} has read, found {event}")]
    EventNotRead { consumer: String, event: i64, settled: i64 },
    #[error("Task with completed_user_id must have completion_status: none was given for {0}")]
    NoCompletionStatus(String),
    #[error("Completed task must have completed_user_id: none was given for {0}, and nobody holds it")]
    NoCompletedUser(String),

    #[error("{error}: see data[{index}]")]
    Element { index: usize, error: Box<Error> },

    #[error("could not serialize access due to concurrent update")]
    Serialization,

    #[error("{0}")]
    Internal(String),
    #[error(transparent)]
    Spi(#[from] spi::Error),
}

impl Error {
    /// The same of an element of the array `data`.
    pub fn of_element(self, index: usize) -> Self {
        Self::Element { index, error: Box::new(self) }
    }

    /// The same with the element named in the path of a wrong value, if there is one.
    pub fn with_path(self) -> Self {
        match self {
            Self::Element { index, error } => match *error {
                Self::Argument(Invalid(text)) if text.starts_with("data.") => {
                    Self::Argument(Invalid(format!("data[{index}]{}", &text["data".len()..])))
                }
                error => error.of_element(index),
            },
            error => error,
        }
    }

    /// The same of a `data` that is the element itself.
    pub fn without_position(self) -> Self {
        match self {
            Self::Element { error, .. } => *error,
            error => error,
        }
    }

    /// Whether the call asks for what cannot be; else it may be repeated, or the extension is at fault.
    pub fn is_refusal(&self) -> bool {
        let others = [PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE, PgSqlErrorCode::ERRCODE_INTERNAL_ERROR];
        !others.contains(&self.code())
    }

    /// The one table of SQLSTATEs: missing P0002, duplicate 42710, wrong state 55000, held by another 55006,
    /// not allowed 42501, bad argument 22023, retry 40001.
    fn code(&self) -> PgSqlErrorCode {
        use Error::*;
        match self {
            Argument(_)
            | NullArgument(_)
            | StatusNotAllowed { .. }
            | NoCompletedUser(_)
            | NoCompletionStatus(_)
            | Cycle(_)
            | NotTheSegmentsType { .. }
            | EventNotRead { .. }
            | AmbiguousTask { .. }
            | AmbiguousPrefix { .. }
            | HandlerSignature { .. }
            | HandlerOfAnotherType { .. } => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            ProjectNotFound(_)
            | UserNotFound { .. }
            | UserNotFoundAnywhere(_)
            | TaskTypeNotFound { .. }
            | TaskOfUnknownType { .. }
            | ChangeToUnknownType { .. }
            | TaskNotFound { .. }
            | TaskNotFoundAnywhere(_)
            | TaskNotFoundAccessible(_)
            | DependencyNotFound { .. }
            | SegmentTypeNotFound { .. }
            | SegmentNotFound { .. }
            | EndpointNotFound { .. }
            | StateOfUnknownProject(_)
            | NoSuchSegment { .. }
            | StateOfUnknownTask { .. }
            | NoSegmentOfTask(_)
            | LayersOfUnknownProject(_)
            | LayersOfUnknownType { .. }
            | SupervoxelNotFound { .. }
            | EditEventNotFound { .. }
            | FactNotFound { .. }
            | ConversationNotFound { .. }
            | ScheduleNotFound { .. }
            | ConsumerNotFound { .. }
            | EventNotFound { .. }
            | RoleNotFound(_)
            | FunctionNotFound(_)
            | HandlerNotFound { .. } => PgSqlErrorCode::ERRCODE_NO_DATA_FOUND,
            ProjectExists(_)
            | UserExists(_)
            | TaskTypeExists { .. }
            | TaskExists { .. }
            | TaskTwice(_)
            | UniqueKeyTaken { .. }
            | UniqueKeyTwice(_)
            | DependencyExists { .. }
            | SegmentTypeExists { .. }
            | SegmentExists { .. }
            | SegmentTwice(_)
            | SupervoxelExists { .. }
            | SupervoxelTwice(_)
            | FactExists { .. }
            | FactTwice(_)
            | ConsumerExists { .. } => PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            ProjectNotActive { .. }
            | ProjectNotEmpty { .. }
            | NothingToShow { .. }
            | UserNotActive(_)
            | OtherTaskActive { .. }
            | NoActiveTask { .. }
            | NotTheActiveTask { .. }
            | TimeForOtherTask { .. }
            | CannotUndo { .. }
            | CapacityInUse { .. }
            | TaskNotDue { .. }
            | TaskExpired(_)
            | TaskFinished { .. }
            | TaskNotFinished(_)
            | TaskNotDeletable { .. }
            | TaskBlocked { .. }
            | TaskHeldBack(_)
            | InactiveCompletion { .. }
            | TaskNotHeld(_)
            | SharedTask { .. }
            | NotGolden { .. }
            | CannotHoldBack { .. }
            | StatusInUse { .. }
            | SegmentTypeInUse { .. }
            | UsersHaveCompleted { .. }
            | TaskTypesHaveTasks { .. }
            | PayPeriodClosed { .. }
            | MoreThanBooked { .. }
            | HandlerMissing { .. }
            | HandlerResult { .. }
            | ChangedByHandler(_)
            | VerificationFailed(_) => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            HeldByAnother { .. } | AssignedToAnother { .. } => PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            NotQualifiedForType { .. }
            | NotQualifiedForSegment { .. }
            | NotQualifiedForTasks { .. }
            | AnsweredByUser { .. }
            | AccessDenied { .. }
            | NotHeldForCaller { .. }
            | BoundToAnotherRole { .. }
            | HandlerOfAnother { .. }
            | Restricted => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            AtCapacity { .. } => PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            Element { error, .. } | CompletedOtherwise { error, .. } => error.code(),
            Serialization => PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            Internal(_) | Spi(_) => PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        }
    }

    fn detail(&self) -> Option<String> {
        use Error::*;
        match self {
            HeldByAnother { idle_seconds, limit_seconds, .. } => Some(format!(
                "It was renewed {idle_seconds:.3} s ago; it can be taken over once it is idle for {limit_seconds} s."
            )),
            StatusNotAllowed { allowed, .. } if allowed.is_empty() => Some("No status is allowed.".to_owned()),
            StatusNotAllowed { allowed, .. } => Some(format!("Allowed: {}.", allowed.join(", "))),
            AmbiguousPrefix { found, .. } => Some(format!("Among them: {}.", found.join(", "))),
            PayPeriodClosed { starts_at, ends_at, .. } => {
                Some(format!("That period is from {starts_at} to {ends_at}."))
            }
            MoreThanBooked { rate, booked, .. } => Some(format!("They have {booked} s at the rate {rate}.")),
            EventNotRead { settled, .. } => Some(format!("Events were complete up to {settled} when it read last.")),
            Element { error, .. } => error.detail(),
            CompletedOtherwise { task, status, .. } => {
                Some(format!("This user has completed task {task} already, as {status}."))
            }
            BoundToAnotherRole { bound_role, .. } => Some(format!("The user is bound to role \"{bound_role}\".")),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        use Error::*;
        let hint = match self {
            ProjectNotFound(_) | StateOfUnknownProject(_) | LayersOfUnknownProject(_) => {
                "create_project makes one; list_all_projects names the active ones."
            }
            UserNotFound { .. } => "create_user makes one; list_users names them.",
            TaskTypeNotFound { .. } | TaskOfUnknownType { .. } | ChangeToUnknownType { .. } => {
                "create_task_type makes one."
            }
            SegmentTypeNotFound { .. } => "create_segment_type makes one; list_segment_types names them.",
            SegmentNotFound { .. } | NoSuchSegment { .. } => "create_segment makes one; list_segments names them.",
            HandlerNotFound { .. } => "register_handler sets one; list_task_types shows which types there are.",
            ScheduleNotFound { .. } => "schedule_task makes one; list_schedules names them.",
            EndpointNotFound { .. } => "create_endpoint makes one; get_endpoints lists those of a segment.",
            NotTheSegmentsType { .. } => {
                "Leave segment_type out: tasks of a segment have its expected_segment_type, which update_segment changes."
            }
            ConsumerNotFound { .. } => {
                "create_event_consumer makes one; task_mgmt.event_consumers shows which there are."
            }
            EventNotRead { .. } => "read_events returns the numbers that can be acknowledged or fail.",
            NothingToShow { .. } => "update_project sets it.",
            ProjectNotActive { .. } => "resume_project makes it active again.",
            ProjectNotEmpty { .. } => "delete_project(project_name, cascade => true) removes all of it.",
            StatusInUse { .. } => "A status that a completed task has, or a dependency requires, must stay allowed.",
            UsersHaveCompleted { .. } | TaskTypesHaveTasks { .. } => "clear_project_data removes the tasks.",
            HandlerMissing { .. } => "register_handler sets another one, unregister_handler goes without.",
            UserNotActive(_) => "update_user(project_name, user_id, '{\"is_active\": true}') brings the user back.",
            OtherTaskActive { .. } => "Release the active task first.",
            NoActiveTask { .. } => "start_task gives one. A lease that was idle too long may have been taken over.",
            CompletedOtherwise { .. } => {
                "undo_release takes back a completion that is not older than task_mgmt.undo_seconds."
            }
            CannotUndo { .. } => "reactivate_task opens a task again, for whoever gets it then.",
            TaskNotDeletable { is_awaited: true, .. } => {
                "delete_task(project_name, task_id, cascade => true) lets tasks that wait for it go on without it."
            }
            TaskNotDeletable { .. } => "cancel_task ends a task and keeps it.",
            TaskFinished { .. } => "reactivate_task opens it again.",
            AmbiguousPrefix { .. } => "Give more of the id.",
            FactNotFound { .. } => "create_fact makes one; list_facts finds them.",
            ConversationNotFound { .. } => "create_conversation makes one; list_conversations names those of a task.",
            AmbiguousTask { .. } => "start_task(project_name, user_id, task_id) names the project.",
            TaskBlocked { is_in_vain: true, .. } => {
                "reactivate_task opens it again; delete_dependency or update_dependency lets the task go on without it."
            }
            TaskBlocked { .. } => "get_unsatisfied_dependencies_for_task shows what it waits for.",
            AtCapacity { .. } => "release_task or complete_task ends one; update_user sets the capacity.",
            CapacityInUse { .. } => "release_tasks hands them back.",
            TaskNotDue { .. } => {
                "update_task(project_name, task_id, '{\"run_after\": null}') lets it be started at once."
            }
            TaskExpired(_) => "enqueue_task lets it be started again.",
            UniqueKeyTaken { .. } => "on_duplicate \"existing\" takes the open task for the new one.",
            TaskHeldBack(_) => "update_task(project_name, task_id, '{\"is_active\": true}') lets it be started.",
            InactiveCompletion { .. } => {
                "get_unsatisfied_dependencies_for_task shows what it waits for; if nothing, update_task activates it."
            }
            AssignedToAnother { .. } => "assign_task gives it to somebody else.",
            NotQualifiedForType { .. } | NotQualifiedForSegment { .. } => {
                "grant_qualification qualifies a user; explain_assignment shows what is needed and what the user has."
            }
            NotQualifiedForTasks { .. } => {
                "skip_unqualified => true leaves them where they are; grant_qualification qualifies a user."
            }
            AnsweredByUser { .. } => "Each copy of a task, and the decision about them, is for another user.",
            SharedTask { .. } => "task_mgmt.overlaps shows what its copies have come to.",
            NotGolden { .. } => {
                "Its outcome must be known: complete it with update_task, or name the task that it is a copy of."
            }
            AccessDenied { .. } => "An admin grants it with grant_access.",
            NotHeldForCaller { .. } => {
                "Workers save ng_state, note and metadata while a user holds the task; managers change any task."
            }
            HandlerOfAnother { .. } => {
                "A handler runs with the rights of its owner: only a member of that role registers it."
            }
            HandlerOfAnotherType { .. } => "A function of your own may create tasks of any type.",
            Element { error, .. } => return error.hint(),
            PayPeriodClosed { .. } => {
                "get_pay_periods shows what is closed; correct_time corrects what was booked then."
            }
            MoreThanBooked { .. } => {
                "hourly_rate says at which rate time is taken back; task_mgmt.timesheet_submissions shows what was booked."
            }
            CannotHoldBack { .. } => "Only a task that nobody holds or has finished can wait.",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

fn and_some(count: i64, what: &str) -> String {
    if count == 0 { String::new() } else { format!(" and {count} {what}") }
}

fn or_none(name: &str) -> &str {
    if name.is_empty() { "none" } else { name }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let mut report = ErrorReport::new(error.code(), shorten(error.to_string()), "task_mgmt");
        if let Some(detail) = error.detail() {
            report = report.set_detail(shorten(detail));
        }
        match error.hint() {
            Some(hint) => report.set_hint(hint),
            None => report,
        }
    }
}

/// Arguments are repeated in messages, however long they are.
fn shorten(text: String) -> String {
    const MOST_CHARS: usize = 1000;
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
