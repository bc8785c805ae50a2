//! Telling listeners of events, in projects that want it. What a project wants is remembered by each backend until somebody
//! changes it, so that it costs the others nothing.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use pgrx::pg_sys;
use pgrx::prelude::*;
use task_mgmt_core::event_streams::Notified;

use crate::error::Error;
use crate::events;
use crate::rows::names;
use crate::spi::sql;

/// More projects than this are not remembered.
const MOST_KNOWN: usize = 1000;

/// The kinds that listeners of a project are told of.
#[derive(Clone)]
enum Wanted {
    None,
    All,
    Kinds(Vec<String>),
}

thread_local! {
    static KNOWN: RefCell<HashMap<String, Wanted>> = RefCell::new(HashMap::new());
    /// The table of projects, whose invalidation says that something has changed.
    static PROJECTS: Cell<Option<pg_sys::Oid>> = const { Cell::new(None) };
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// Tells listeners of events that the transaction has written; they hear of it when it commits.
pub fn announce(project: &str, kind: &str, event_nos: &[i64]) -> Result<(), Error> {
    if !is_wanted(project, kind)? {
        return Ok(());
    }
    let notices: Vec<(String, String)> = sql!(
        "select d.event_type, task_mgmt.event_as_notification(d)::text
        from unnest($2) with ordinality as new (event_no, position)
        join task_mgmt.event_details d on d.project_name = $1 and d.event_no = new.event_no
        order by new.position"
    )
    .all(&[project.into(), event_nos.to_vec().into()], |row| Ok((row.get(1)?, row.get(2)?)))?;
    for (event_type, payload) in notices {
        notify(&format!("task_events:{event_type}"), &payload);
        notify("task_events", &payload);
    }
    Ok(())
}

/// Checks what `notify_events` is to be. Errors: 22023.
pub fn check(argument: &str, text: &str) -> Result<(), Error> {
    match Notified::parse(argument, text)? {
        Some(Notified::Kinds(kinds)) => events::require_kinds(argument, &kinds),
        Some(Notified::All(_)) | None => Ok(()),
    }
}

/// Lets every backend look again, once the transaction commits: it has changed what a project wants.
pub fn forget() {
    // SAFETY: the table exists; inside a transaction.
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(names::oid(c"project")) }
}

fn is_wanted(project: &str, kind: &str) -> Result<bool, Error> {
    let is_among = |wanted: &Wanted| match wanted {
        Wanted::None => false,
        Wanted::All => true,
        Wanted::Kinds(kinds) => kinds.iter().any(|wanted| wanted == kind),
    };
    if let Some(answer) = KNOWN.with_borrow(|known| known.get(project).map(is_among)) {
        return Ok(answer);
    }
    watch();
    let changes = CHANGES.get();
    let wanted = look_up(project)?;
    let answer = is_among(&wanted);
    // What has changed while it was read may not have been seen.
    if changes == CHANGES.get() {
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert(project.to_owned(), wanted);
        });
    }
    Ok(answer)
}

fn look_up(project: &str) -> Result<Wanted, Error> {
    let kinds: Option<Vec<String>> = sql!(
        "select case jsonb_typeof(notify_events)
            when 'array' then array(select jsonb_array_elements_text(notify_events))
            when 'string' then '{*}'
            else '{}'
        end
        from task_mgmt.project
        where project_name = $1"
    )
    .first(&[project.into()], |row| row.get(1))?;
    Ok(match kinds.unwrap_or_default() {
        kinds if kinds.is_empty() => Wanted::None,
        kinds if kinds == ["*"] => Wanted::All,
        kinds => Wanted::Kinds(kinds),
    })
}

fn watch() {
    let projects = names::oid(c"project");
    if PROJECTS.replace(Some(projects)).is_none() {
        // SAFETY: registered once in a backend; the function lives as long as that.
        unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), pg_sys::Datum::null()) }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: pg_sys::Datum, relation: pg_sys::Oid) {
    if relation == pg_sys::InvalidOid || PROJECTS.get() == Some(relation) {
        CHANGES.set(CHANGES.get() + 1);
        KNOWN.with_borrow_mut(HashMap::clear);
    }
}

fn notify(channel: &str, payload: &str) {
    // SAFETY: pg_notify takes two texts, which are not null.
    unsafe { pgrx::direct_function_call_as_datum(pg_sys::pg_notify, &[channel.into_datum(), payload.into_datum()]) };
}
