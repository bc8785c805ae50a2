//! Finding tasks: lists by filters, an id by its beginning, and how a task is.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::task_filters::{Order, Status, TaskFilters};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::Instant;
use crate::error::Error;
use crate::json::Jsonb;
use crate::projects;
use crate::spi::{Statement, read};
use crate::tasks;

/// A page of the tasks of a project.
///
/// *Arguments*: `filters` is an object, of which all must fit: status (one, or an array of them: created, queued, scheduled, retrying,
/// running, completed, failed, cancelled, skipped, expired), agent, channel and domain (null: tasks without one), task_type, priority (a
/// number or its name), batch_id, metadata (an object that is contained in the task's), text (a part of title or description, in
/// upper or lower case, without wildcards), created_after (at that moment or later) and created_before (earlier), both ISO 8601;
/// and order: newest (the default), oldest, or claim (highest priority first, then oldest). `max_rows` is from 1 to 1000.
/// *Returns* an object: total, which counts all tasks that fit, and items, an array of what `get_task` returns. An agent, channel, type or
/// batch that there is not has no tasks.
/// *Errors*: P0002 project unknown; 22023 bad filters, max_rows or skip; 42501 access denied.
/// *Source*: reference of other systems 1.2, 2.2, 3.2.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn list_tasks(
    project_name: Option<&str>,
    filters: default!(Option<Jsonb>, "'{}'"),
    max_rows: default!(Option<i32>, 100),
    skip: default!(Option<i32>, 0),
) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let text = required("filters", filters)?.text();
    let max_rows = arguments::not_negative("max_rows", max_rows)?;
    if !(1..=1000).contains(&max_rows) {
        return Err(Error::from(Invalid(format!("max_rows must be between 1 and 1000, found {max_rows}"))).into());
    }
    let skip = arguments::not_negative("skip", skip)?;
    access::require(Level::Reader, project)?;
    let filters = TaskFilters::parse(&text).map_err(Error::from)?;
    projects::require_visible(project)?;
    Ok(page(project, &filters, max_rows, skip)?)
}

/// The id of the task whose id begins so. A task with exactly this id is found however many others begin with it.
///
/// *Arguments*: `prefix` stands for itself; it has no wildcards.
/// *Errors*: P0002 project unknown, or no such task; 22023 the prefix is empty, or several tasks have it; 42501 access denied.
/// *Source*: reference of other systems 1.2.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn find_task(project_name: Option<&str>, prefix: Option<&str>) -> Result<String, ErrorReport> {
    const MOST_NAMED: i64 = 3;
    let project = required("project_name", project_name)?;
    let prefix = required("prefix", prefix)?;
    access::require(Level::Reader, project)?;
    if prefix.is_empty() {
        return Err(Error::from(Invalid("prefix must not be empty".into())).into());
    }
    // Ids are in the order of their bytes, so those that begin so follow each other, the one that is no longer first.
    let mut found: Vec<String> = read!(
        "select task_id
        from task_mgmt.task
        where project_name = $1 and task_id >= $2
        order by task_id
        limit $3"
    )
    .all(&[project.into(), prefix.into(), MOST_NAMED.into()], |row| row.get(1))?;
    found.retain(|task| task.starts_with(prefix));
    match found.as_slice() {
        [] => Err(tasks::not_found(project, prefix)?.into()),
        [task, ..] if found.len() == 1 || task == prefix => Ok(task.clone()),
        _ => Err(Error::AmbiguousPrefix { what: "tasks", prefix: prefix.into(), found }.into()),
    }
}

/// How a task is, without what it says of itself.
///
/// *Returns* an object: task_id, status, updated_at, error (null unless it failed).
/// *Errors*: P0002 project or task unknown; 42501 access denied.
/// *Source*: reference of other systems 1.2.
#[pg_extern(stable, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn task_status(project_name: Option<&str>, task_id: Option<&str>) -> Result<Jsonb, ErrorReport> {
    let project = required("project_name", project_name)?;
    let task = required("task_id", task_id)?;
    access::require(Level::Reader, project)?;
    let found = read!(
        "select jsonb_build_object('task_id', d.task_id, 'status', d.status, 'updated_at', d.updated_at, 'error', d.error)
        from task_mgmt.task_details d
        where d.project_name = $1 and d.task_id = $2"
    )
    .first(&[project.into(), task.into()], |row| row.get(1))?;
    match found {
        Some(status) => Ok(status),
        None => Err(tasks::not_found(project, task)?.into()),
    }
}

/// The tasks `t` that fit, found by `$found_by`; the other filters are checked along the way. What a row says of its status is enough
/// for a finished task; the status of any other one follows from other tables, too.
macro_rules! fitting {
    ($found_by:literal) => {
        concat!(
            "from task_mgmt.task t
            where t.project_name = $1 and ",
            $found_by,
            " and ($2 or t.assigned_user_no is not distinct from $3)
                and ($4 or t.channel is not distinct from $5)
                and ($6 or t.domain is not distinct from $7)
                and ($8 is null or t.task_type = $8)
                and ($9 is null or t.priority = $9)
                and ($10 is null or t.batch_id = $10)
                and ($11 is null or t.created_at >= $11)
                and ($12 is null or t.created_at < $12)
                and ($13 is null or t.status::text = any($13) or t.status = 'queued' and $14 and (
                    select d.status::text from task_mgmt.task_details d where d.project_name = $1 and d.task_no = t.task_no
                ) = any($15))
                and ($16::text is null or coalesce(t.metadata, '{}') @> $16::jsonb)
                and ($17 is null or strpos(lower(t.title), lower($17)) > 0 or strpos(lower(t.description), lower($17)) > 0)"
        )
    };
}

/// How many tasks fit, and those of a page.
macro_rules! listing {
    ($found_by:literal) => {
        Listing {
            total: read!(concat!("select count(*) ", fitting!($found_by))),
            newest: listing!($found_by, "task_no desc"),
            oldest: listing!($found_by, "task_no"),
            claim: listing!($found_by, "priority desc, task_no"),
        }
    };
    ($found_by:literal, $order:literal) => {
        read!(concat!(
            "select coalesce(jsonb_agg(task_mgmt.task_as_json(d) order by page.place), '[]')
            from (
                select fitting.task_no, row_number() over () as place
                from (
                    select t.task_no ",
            fitting!($found_by),
            " order by t.",
            $order,
            " limit $18 offset $19
                ) fitting
            ) page
            cross join lateral (
                select * from task_mgmt.task_details d
                where d.project_name = $1 and d.task_no = page.task_no
                offset 0
            ) d"
        ))
    };
}

struct Listing {
    total: &'static Statement,
    newest: &'static Statement,
    oldest: &'static Statement,
    claim: &'static Statement,
}

fn page(project: &str, filters: &TaskFilters, max_rows: i32, skip: i32) -> Result<Jsonb, Error> {
    let agent = match &filters.agent {
        Some(Some(agent)) => match user_no(project, agent)? {
            Some(user_no) => Some(user_no),
            None => return as_json(0, Jsonb::of("[]")?),
        },
        _ => None,
    };
    let listing = match filters {
        TaskFilters { agent: Some(Some(_)), .. } => listing!("t.assigned_user_no = $3"),
        TaskFilters { channel: Some(Some(_)), .. } => listing!("t.channel = $5"),
        TaskFilters { domain: Some(Some(_)), .. } => listing!("t.domain = $7"),
        _ => listing!("true"),
    };
    let statuses = |wanted: fn(&Status) -> bool| {
        let statuses = filters.status.as_ref()?.iter().copied();
        Some(statuses.filter(wanted).map(Status::name).collect::<Vec<_>>())
    };
    let (finals, derived) = (statuses(|status| status.is_final()), statuses(|status| !status.is_final()));
    let arguments = [
        project.into(),
        filters.agent.is_none().into(),
        agent.into(),
        filters.channel.is_none().into(),
        filters.channel.clone().flatten().into(),
        filters.domain.is_none().into(),
        filters.domain.clone().flatten().into(),
        filters.task_type.as_deref().into(),
        filters.priority.map(|priority| priority.0).into(),
        filters.batch_id.as_deref().into(),
        filters.created_after.map(Instant::from).into(),
        filters.created_before.map(Instant::from).into(),
        finals.into(),
        derived.as_ref().is_some_and(|statuses| !statuses.is_empty()).into(),
        derived.into(),
        filters.metadata.map(|metadata| metadata.get().to_owned()).into(),
        filters.text.as_deref().into(),
        i64::from(max_rows).into(),
        i64::from(skip).into(),
    ];
    let items = match filters.order {
        Order::Newest => listing.newest,
        Order::Oldest => listing.oldest,
        Order::Claim => listing.claim,
    };
    let total = match filters.are_none() {
        // The index alone tells.
        true => read!("select count(*) from task_mgmt.task where project_name = $1").value(&[project.into()])?,
        false => listing.total.value(&arguments)?,
    };
    as_json(total, items.value(&arguments)?)
}

fn user_no(project: &str, user: &str) -> Result<Option<i32>, Error> {
    read!("select user_no from task_mgmt.project_user where project_name = $1 and user_id = $2")
        .first(&[project.into(), user.into()], |row| row.get(1))
}

fn as_json(total: i64, items: Jsonb) -> Result<Jsonb, Error> {
    read!("select jsonb_build_object('total', $1, 'items', $2)").value(&[total.into(), items.into()])
}
