//! Golden tasks: completed tasks whose outcome is known to be right. Users who work on tasks of their type get copies of them now and
//! then, which look like any other task; how often they come to the same outcome is their score.
//!
//! A copy that checks a user follows from nothing and nothing follows from it. All that is counted is counted from the tasks.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::golden::{look_alike, turn};
use task_mgmt_core::qualifications::Kind;
use task_mgmt_core::shares::Share;

use crate::access::{self, Level};
use crate::arguments::required;
use crate::clock::{self, Instant};
use crate::copies::{self, NewCopy};
use crate::error::Error;
use crate::events::{self, Actor};
use crate::limits;
use crate::locks::{self, Key};
use crate::projects;
use crate::qualifications;
use crate::ready;
use crate::spi::sql;
use crate::tasks;
use crate::users;

/// Makes a completed task a golden one: its completion status is known to be right. The golden_percent of its type says how many of
/// a user's tasks are followed by a copy of a golden one that is new to the user.
///
/// *Returns* true, or false if it was one already.
/// *Errors*: P0002 project or task unknown; 55000 the task is not completed, or is a copy; 42501 the caller is not a manager.
/// *Locks*: the task's key. The history does not tell, as every reader sees it; `task_mgmt.golden_tasks` does.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn add_golden_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task = required("task_id", task_id)?;
    locks::lock(Key::Task(project, task));
    let task_no = tasks::find_no(project, task)?;
    require_fit(project, task_no, task)?;
    let added = sql!(
        "insert into task_mgmt.golden_task (project_name, task_no, added_at, added_by)
        values ($1, $2, $3, $4)
        on conflict do nothing"
    )
    .run(&[project.into(), task_no.into(), clock::now()?.into(), access::role_name(access::caller()?).into()])?;
    Ok(added > 0)
}

/// Makes a golden task one like any other. What users have answered to copies of it stays in their scores.
///
/// *Returns* whether it was a golden one.
/// *Errors*: P0002 project or task unknown; 42501 the caller is not a manager.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn remove_golden_task(project_name: Option<&str>, task_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let task_no = tasks::find_no(project, required("task_id", task_id)?)?;
    let removed = sql!("delete from task_mgmt.golden_task where project_name = $1 and task_no = $2");
    Ok(removed.run(&[project.into(), task_no.into()])? > 0)
}

/// Errors: 55000.
fn require_fit(project: &str, task_no: i64, task_id: &str) -> Result<(), Error> {
    let reason = sql!(
        "select case when original_no is not null then 'it is a copy' when status <> 'completed' then 'it is not completed' end
        from task_mgmt.task
        where project_name = $1 and task_no = $2"
    )
    .first(&[project.into(), task_no.into()], |row| row.find::<String>(1))?;
    match reason.flatten() {
        Some(reason) => Err(Error::NotGolden { task: task_id.into(), reason }),
        None => Ok(()),
    }
}

/// A completion by a user.
pub struct Completion<'a> {
    pub project: &'a str,
    pub task_id: &'a str,
    pub task_type: &'a str,
    pub user: &'a str,
    pub user_no: i32,
    pub is_of_copy: bool,
    pub now: Instant,
}

/// If the completion is among those that a check follows, and the user has none yet, makes a copy of a golden task that is new to
/// them. One that somebody is at is passed over, as the caller has locked the key of another task.
pub fn check_some(completion: &Completion, golden_percent: &str) -> Result<(), Error> {
    let Completion { project, task_id, user, user_no, .. } = *completion;
    if !Share::parse("golden_percent", golden_percent)?.includes(project, &format!("golden {task_id}")) {
        return Ok(());
    }
    let mut golden = sql!(
        "select t.task_no, t.task_id
        from task_mgmt.golden_task g
        join task_mgmt.task t on t.project_name = $1 and t.task_no = g.task_no
        where g.project_name = $1 and t.task_type = $3 and t.status = 'completed' and t.completed_user_no <> $2
            and not exists (
                select from task_mgmt.task c
                where c.project_name = $1 and c.original_no = t.task_no
                    and (c.completed_user_no = $2 or c.is_check and c.assigned_user_no = $2)
            )
            and not exists (
                select from task_mgmt.task c
                where c.project_name = $1 and c.assigned_user_no = $2 and c.is_check and c.status = 'queued'
            )"
    )
    .all(&[project.into(), user_no.into(), completion.task_type.into()], |row| {
        Ok((row.get::<i64>(1)?, row.get::<String>(2)?))
    })?;
    golden.sort_by_key(|(_, golden_id)| turn(user, golden_id));
    for (golden_no, golden_id) in golden {
        let key = Key::Task(project, &golden_id);
        if locks::try_lock(key) {
            if is_known(completion, golden_no)? {
                return check(completion, golden_no, &golden_id);
            }
            locks::unlock(key);
        }
    }
    Ok(())
}

/// Whether a golden task, whose key is locked now, still has an outcome and the type of the task that was completed.
fn is_known(completion: &Completion, golden_no: i64) -> Result<bool, Error> {
    let known = sql!(
        "select from task_mgmt.task
        where project_name = $1 and task_no = $2 and task_type = $3 and status = 'completed'"
    );
    Ok(known.run(&[completion.project.into(), golden_no.into(), completion.task_type.into()])? > 0)
}

/// Makes the copy; its id is like those of the tasks beside it.
fn check(completion: &Completion, golden_no: i64, golden_id: &str) -> Result<(), Error> {
    let project = completion.project;
    let copy_no = events::next_number();
    let copy = NewCopy { copy_no, original_no: golden_no, checks: Some(completion.user_no) };
    copies::create(project, &copy, completion.now, || match completion.is_of_copy {
        true => copies::free_id(project, golden_no, golden_id),
        false => copies::first_free(project, std::iter::repeat_with(|| look_alike(golden_id, events::next_number()))),
    })?;
    limits::following::follow(project, &[copy_no])?;
    ready::offer(project, &[copy_no])
}

/// Draws the conclusion from the answer to a check: a score below what the type asks for costs the qualification, until it is
/// granted anew. The user's row is locked before the qualification, as everybody does who changes it; the user's key is not needed,
/// because what the row says is read after that.
pub fn judge(completion: &Completion) -> Result<(), Error> {
    let Completion { project, task_type, user, user_no, now, .. } = *completion;
    let asked = sql!(
        "select trim_scale(golden_min_score_percent)::text, coalesce(golden_min_answers, 1)
        from task_mgmt.task_type
        where project_name = $1 and task_type = $2 and golden_min_score_percent is not null"
    )
    .first(&[project.into(), task_type.into()], |row| Ok((row.get::<String>(1)?, row.get::<i32>(2)?)))?;
    let Some((min_score, min_answers)) = asked else { return Ok(()) };
    users::lock_no(project, user)?;
    let score = sql!(
        "select count(*), trim_scale(round(100.0 * count(*) filter (where c.is_correct) / count(*), 2))::text
        from task_mgmt.qualification q
        join task_mgmt.golden_answers c on c.project_name = $1 and c.user_no = $2 and c.task_type = $3
        where q.project_name = $1 and q.user_no = $2 and q.kind = 'task_type' and q.name = $3 and c.completed_at > q.granted_at
        having count(*) >= $4 and 100.0 * count(*) filter (where c.is_correct) / count(*) < $5::numeric"
    )
    .first(
        &[project.into(), user_no.into(), task_type.into(), min_answers.into(), min_score.as_str().into()],
        |row| Ok((row.get::<i64>(1)?, row.get::<String>(2)?)),
    )?;
    let Some((answers, score)) = score else { return Ok(()) };
    qualifications::withdraw(project, user, user_no, Kind::TaskType, task_type)?;
    let detail = format!("{task_type}: {score} % of {answers} answers are right, {min_score} % are asked for");
    events::append(project, &[0], "qualification_suspended", Actor::User(user_no), Some(&detail), now)
}
