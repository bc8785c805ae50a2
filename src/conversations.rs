//! Conversations: the messages of a task. A completion deals with those that its claim has seen: what changes the conversations of a
//! task has the task's key, which a claim has until it is committed, so their numbers tell.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::conversations::{ConversationPatch, ConversationStatus, NewConversation};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::{self, Instant};
use crate::error::Error;
use crate::events;
use crate::json::Jsonb;
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::{read, sql};
use crate::tasks;

/// Adds a conversation to a task and returns its id. A completion by whoever holds the task already leaves it as it is.
///
/// *Arguments*: `data` is an object with content, a text that is not empty, and status (active, the default; processed, archived).
/// *Errors*: P0002 project or task unknown; 22023 anything wrong with `data`; 42501 access denied.
/// *Locks*: the task's key; for its first conversation also its row.
/// *Source*: other systems 2.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn create_conversation(
    project_name: Option<&str>,
    task_id: Option<&str>,
    data: Option<Jsonb>,
) -> Result<String, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let task = required("task_id", task_id)?;
    let new = NewConversation::parse(&arguments::data(data)?).map_err(Error::from)?;
    locks::lock(Key::Task(project, task));
    let task_no = tasks::find_no(project, task)?;
    sql!(
        "update task_mgmt.task set has_conversations = true
        where project_name = $1 and task_no = $2 and not has_conversations"
    )
    .run(&[project.into(), task_no.into()])?;
    let number = events::next_number();
    insert(project, [(task_no, std::slice::from_ref(&new))].into_iter(), vec![number], clock::now()?)?;
    Ok(number.to_string())
}

/// The conversations of a task in order of creation, as an array of objects: conversation_id, task_id, content, status,
/// created_at, updated_at, processed_at (null if it never was).
///
/// *Errors*: P0002 project or task unknown; 42501 access denied.
/// *Source*: other systems 2.2.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_conversations(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    access::require(Level::Reader, project)?;
    let task_no = tasks::visible_no(project, task)?;
    Ok(read!(
        "select coalesce(jsonb_agg(task_mgmt.conversation_as_json(d) order by d.conversation_no), '[]')
        from task_mgmt.conversation_details d
        where d.project_name = $1 and d.task_no = $2"
    )
    .value(&[project.into(), task_no.into()])?)
}

/// Changes a conversation.
///
/// *Arguments*: `data` is an object; an absent key keeps the value. Keys: content, status.
/// *Returns* true.
/// *Errors*: P0002 project or conversation unknown; 22023 anything wrong with `data`; 42501 access denied.
/// *Locks*: the task's key.
/// *Source*: other systems 2.2.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn update_conversation(
    project_name: Option<&str>,
    conversation_id: Option<&str>,
    data: Option<Jsonb>,
) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Worker, project_name)?;
    let id = required("conversation_id", conversation_id)?;
    let data = required("data", data)?;
    let number = lock_task_of(project, id)?;
    let record = sql!(
        "select task_mgmt.conversation_as_json(d)
        from task_mgmt.conversation_details d
        where d.project_name = $1 and d.conversation_no = $2"
    )
    .first(&[project.into(), number.into()], |row| row.get(1))?;
    let Some(record) = record else { return Err(not_found(project, id)?.into()) };
    let changes = arguments::changes(data, record)?;
    let patch = ConversationPatch::parse(&changes).map_err(Error::from)?;
    if changes == "{}" {
        return Ok(true);
    }
    sql!(
        "update task_mgmt.conversation
        set content = coalesce($3, content), status = coalesce($4::task_mgmt.conversation_status, status), updated_at = $5,
            processed_at = case $4 when 'processed' then $5 when 'active' then null else processed_at end
        where project_name = $1 and conversation_no = $2"
    )
    .run(&[
        project.into(),
        number.into(),
        patch.content.into(),
        patch.status.map(ConversationStatus::name).into(),
        clock::now()?.into(),
    ])?;
    Ok(true)
}

/// Removes a conversation.
///
/// *Returns* true.
/// *Errors*: P0002 project or conversation unknown; 42501 the caller is not a manager.
/// *Locks*: the task's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn delete_conversation(project_name: Option<&str>, conversation_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let id = required("conversation_id", conversation_id)?;
    let number = lock_task_of(project, id)?;
    let delete = sql!("delete from task_mgmt.conversation where project_name = $1 and conversation_no = $2");
    match delete.run(&[project.into(), number.into()])? {
        0 => Err(not_found(project, id)?.into()),
        _ => Ok(true),
    }
}

/// Marks as processed the active conversations of a task that existed before a claim. The caller holds the task's key.
pub fn process(project: &str, task_no: i64, fence: i64, now: Instant) -> Result<(), Error> {
    sql!(
        "update task_mgmt.conversation
        set status = 'processed', updated_at = $4, processed_at = $4
        where project_name = $1 and task_no = $2 and conversation_no < $3 and status = 'active'"
    )
    .run(&[project.into(), task_no.into(), fence.into(), now.into()])?;
    Ok(())
}

/// Inserts conversations of tasks under the numbers, in order. The tasks say already that they have some.
pub fn insert<'a>(
    project: &str,
    of_tasks: impl Iterator<Item = (i64, &'a [NewConversation])>,
    numbers: Vec<i64>,
    now: Instant,
) -> Result<(), Error> {
    if numbers.is_empty() {
        return Ok(());
    }
    let (mut task_nos, mut contents, mut statuses) = (vec![], vec![], vec![]);
    for (task_no, conversations) in of_tasks {
        for conversation in conversations {
            task_nos.push(task_no);
            contents.push(conversation.content.as_str());
            statuses.push(conversation.status.name());
        }
    }
    sql!(
        "insert into task_mgmt.conversation
            (project_name, conversation_no, task_no, content, status, created_at, updated_at, processed_at)
        select $1, new.conversation_no, new.task_no, new.content, new.status::task_mgmt.conversation_status, $6, $6,
            case new.status when 'processed' then $6 end
        from unnest($2, $3, $4, $5) as new (conversation_no, task_no, content, status)"
    )
    .run(&[project.into(), numbers.into(), task_nos.into(), contents.into(), statuses.into(), now.into()])?;
    Ok(())
}

/// Removes the conversations of tasks that have just been deleted.
pub fn forget_tasks(project: &str, task_nos: Vec<i64>) -> Result<(), Error> {
    sql!("delete from task_mgmt.conversation where project_name = $1 and task_no = any($2)")
        .run(&[project.into(), task_nos.into()])?;
    Ok(())
}

/// Locks the key of the task that a conversation belongs to, and returns the conversation's number. Errors: P0002.
fn lock_task_of(project: &str, id: &str) -> Result<i64, Error> {
    let Ok(number) = id.parse::<i64>() else { return Err(not_found(project, id)?) };
    let task = sql!(
        "select t.task_id
        from task_mgmt.conversation c
        join task_mgmt.task t on t.project_name = $1 and t.task_no = c.task_no
        where c.project_name = $1 and c.conversation_no = $2"
    )
    .first(&[project.into(), number.into()], |row| row.get::<String>(1))?;
    let Some(task) = task else { return Err(not_found(project, id)?) };
    locks::lock(Key::Task(project, &task));
    Ok(number)
}

/// The error for a conversation that was not found: its project may be missing, too.
fn not_found(project: &str, id: &str) -> Result<Error, Error> {
    projects::require_visible(project)?;
    Ok(Error::ConversationNotFound { project: project.into(), conversation: id.into() })
}
