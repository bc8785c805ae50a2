//! Finding tasks: lists by filters, an id by its beginning, and how a task is.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::task_filters::{Order, Status, TaskFilters};

use crate::access::{self, Level};
use crate::arguments::{self, required};
use crate::clock::Instant;
use crate::error::Error;
use crate::json::Jsonb;
use crate::prefixes;
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
    let max_rows = arguments::within("max_rows", 1..=1000, max_rows)?;
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
    let project = required("project_name", project_name)?;
    let prefix = required("prefix", prefix)?;
    access::require(Level::Reader, project)?;
    let ids = read!(
        "select task_id
        from task_mgmt.task
        where project_name = $1 and task_id >= $2
        order by task_id
        limit $3"
    );
    match prefixes::resolve(ids, project, "tasks", prefix)? {
        Some(task) => Ok(task),
        None => Err(tasks::not_found(project, prefix)?.into()),
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

/// The tasks `t` of `$tasks` that fit, found by `$found_by`; the other filters are checked along the way.
macro_rules! fitting {
    ($tasks:literal, $found_by:literal, $status:literal) => {
        concat!(
            "from ",
            $tasks,
            " where t.project_name = $1 and ",
            $found_by,
            " and ($2 or t.assigned_user_no is not distinct from $3)
                and ($4 or t.channel is not distinct from $5)
                and ($6 or t.domain is not distinct from $7)
                and ($8 is null or t.task_type = $8)
                and ($9 is null or t.priority = $9)
                and ($10 is null or t.batch_id = $10)
                and ($11 is null or t.created_at >= $11)
                and ($12 is null or t.created_at < $12)
                and ($13 is null or ",
            $status,
            "::text = any($13))
                and ($14::text is null or coalesce(t.metadata, '{}') @> $14::jsonb)
                and ($15 is null or strpos(lower(t.title), lower($15)) > 0 or strpos(lower(t.description), lower($15)) > 0)"
        )
    };
}

/// How many tasks fit, and those of a page. What a row says of its status is enough for finished tasks; that of open ones
/// follows from other tables, too.
macro_rules! listing {
    (finished, $found_by:literal) => {
        listing!("task_mgmt.task t", $found_by, "t.status")
    };
    (open, $found_by:literal) => {
        listing!(
            "task_mgmt.task t
            left join task_mgmt.lease l on l.project_name = $1 and l.task_no = t.task_no
            left join task_mgmt.blocked b on b.project_name = $1 and b.task_no = t.task_no",
            $found_by,
            "task_mgmt.shown_status(
                t.status, l.task_no is not null, b.is_held or b.is_on_hold, b.run_after > (select task_mgmt.present()), t.attempts
            )"
        )
    };
    ($tasks:literal, $found_by:literal, $status:literal) => {
        Listing {
            total: read!(concat!("select count(*) ", fitting!($tasks, $found_by, $status))),
            newest: listing!($tasks, $found_by, $status, "task_no desc"),
            oldest: listing!($tasks, $found_by, $status, "task_no"),
            claim: listing!($tasks, $found_by, $status, "priority desc, task_no"),
        }
    };
    ($tasks:literal, $found_by:literal, $status:literal, $order:literal) => {
        read!(concat!(
            "select coalesce(jsonb_agg(task_mgmt.task_as_json(d) order by page.place), '[]')
            from (
                select fitting.task_no, row_number() over () as place
                from (
                    select t.task_no ",
            fitting!($tasks, $found_by, $status),
            " order by t.",
            $order,
            " limit $16 offset $17
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
    let listing = listing(filters);
    let statuses = filters.status.as_ref().map(|all| all.iter().map(|status| status.name()).collect::<Vec<_>>());
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
        statuses.into(),
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

/// By the filter that is likely to leave the fewest.
fn listing(filters: &TaskFilters) -> Listing {
    let statuses = filters.status.as_deref().unwrap_or_default();
    let are_all = |among: &[Status]| !statuses.is_empty() && statuses.iter().all(|status| among.contains(status));
    let is_finished = statuses.iter().all(|status| status.is_final());
    match filters {
        TaskFilters { agent: Some(Some(_)), .. } if is_finished => listing!(finished, "t.assigned_user_no = $3"),
        TaskFilters { agent: Some(Some(_)), .. } => listing!(open, "t.assigned_user_no = $3"),
        TaskFilters { channel: Some(Some(_)), .. } if is_finished => listing!(finished, "t.channel = $5"),
        TaskFilters { channel: Some(Some(_)), .. } => listing!(open, "t.channel = $5"),
        TaskFilters { domain: Some(Some(_)), .. } if is_finished => listing!(finished, "t.domain = $7"),
        TaskFilters { domain: Some(Some(_)), .. } => listing!(open, "t.domain = $7"),
        _ if is_finished => listing!(finished, "true"),
        _ if are_all(&[Status::Running]) => {
            listing!(open, "t.task_no = any (array(select h.task_no from task_mgmt.lease h where h.project_name = $1))")
        }
        _ if are_all(&[Status::Created, Status::Scheduled, Status::Retrying]) => listing!(
            open,
            "t.task_no = any (array(
                select w.task_no
                from task_mgmt.blocked w
                where w.project_name = $1 and (w.is_held or w.is_on_hold or w.run_after is not null)
            ))"
        ),
        _ => listing!(open, "true"),
    }
}

fn user_no(project: &str, user: &str) -> Result<Option<i32>, Error> {
    read!("select user_no from task_mgmt.project_user where project_name = $1 and user_id = $2")
        .first(&[project.into(), user.into()], |row| row.get(1))
}

fn as_json(total: i64, items: Jsonb) -> Result<Jsonb, Error> {
    read!("select jsonb_build_object('total', $1, 'items', $2)").value(&[total.into(), items.into()])
}
