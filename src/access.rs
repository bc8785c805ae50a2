//! Who may do what. The caller is the role that issued the statement (by login or SET ROLE), or, inside a handler,
//! the owner of that handler; the functions themselves run as the owner of the extension. How access is given is in `grants`.

use std::cell::Cell;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use task_mgmt_core::arguments::Invalid;

use crate::error::Error;
use crate::spi::{Statement, read, sql};

/// What a call needs; each level includes the ones before.
#[derive(Clone, Copy, PartialEq)]
pub enum Level {
    Reader,
    Worker,
    Manager,
    Admin,
}

impl Level {
    /// The level of this name.
    pub fn parse(name: &str) -> Result<Self, Invalid> {
        let all = [Level::Reader, Level::Worker, Level::Manager, Level::Admin];
        let found = all.into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| Invalid(format!("level must be reader, worker, manager or admin, found \"{name}\"")))
    }

    pub fn name(self) -> &'static str {
        match self {
            Level::Reader => "reader",
            Level::Worker => "worker",
            Level::Manager => "manager",
            Level::Admin => "admin",
        }
    }
}

/// What a grant names in place of a project to be valid for all of them.
pub const ALL_PROJECTS: &str = "*";

thread_local! {
    static HANDLER_OWNER: Cell<Option<pg_sys::Oid>> = const { Cell::new(None) };
}

/// Refuses a caller without the level in the project. Errors: 42501.
pub fn require(level: Level, project: &str) -> Result<(), Error> {
    if has(level, project)? {
        return Ok(());
    }
    let scope = format!("project \"{project}\"");
    Err(Error::AccessDenied { role: role_name(caller()?), needed: level.name(), scope })
}

/// Whether the caller has the level in the project.
pub fn has(level: Level, project: &str) -> Result<bool, Error> {
    let role = caller()?;
    Ok(is_all_powerful(role) || granted(role, level, project)?)
}

/// Refuses a caller without the level in all projects. Errors: 42501.
pub fn require_everywhere(level: Level) -> Result<(), Error> {
    let role = caller()?;
    if is_all_powerful(role) || granted(role, level, ALL_PROJECTS)? {
        return Ok(());
    }
    Err(Error::AccessDenied { role: role_name(role), needed: level.name(), scope: "all projects".into() })
}

/// Refuses a caller who may not act as a user that is bound to `bound_role`. Errors: 42501.
pub fn require_binding(project: &str, user: &str, bound_role: Option<pg_sys::Oid>) -> Result<(), Error> {
    let Some(bound) = bound_role else { return Ok(()) };
    let role = caller()?;
    // SAFETY: a catalog look-up of two role ids; a dropped role has no members.
    let is_member = unsafe { pg_sys::has_privs_of_role(role, bound) };
    if is_member || is_all_powerful(role) || granted(role, Level::Manager, project)? {
        return Ok(());
    }
    Err(Error::BoundToAnotherRole { role: role_name(role), user: user.into(), bound_role: role_name(bound) })
}

/// The role on whose behalf the call acts. Errors: 42501 where Postgres itself runs a function for somebody else
/// (an index expression during VACUUM, say), because the caller would be whoever maintains the table.
pub fn caller() -> Result<pg_sys::Oid, Error> {
    if let Some(owner) = HANDLER_OWNER.get() {
        return Ok(owner);
    }
    // SAFETY: reads the backend's own state.
    unsafe {
        if pg_sys::InSecurityRestrictedOperation() {
            return Err(Error::Restricted);
        }
        Ok(pg_sys::GetOuterUserId())
    }
}

/// Runs `body` with the owner of a handler as the caller, whatever way it ends.
pub fn acting_as<T>(owner: pg_sys::Oid, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<pg_sys::Oid>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HANDLER_OWNER.set(self.0);
        }
    }
    let _restore = Restore(HANDLER_OWNER.replace(Some(owner)));
    body()
}

/// The name of a role, or its number if it has been dropped.
pub fn role_name(role: pg_sys::Oid) -> String {
    // SAFETY: with noerr the result is null for an unknown role, else a palloc'ed C string.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        match name.is_null() {
            true => role.to_u32().to_string(),
            false => core::ffi::CStr::from_ptr(name).to_string_lossy().into_owned(),
        }
    }
}

/// Whether the caller is a superuser or has the rights of the role that owns the extension.
pub fn is_all_powerful(role: pg_sys::Oid) -> bool {
    // SAFETY: catalog look-ups; the current user is the extension's owner, as every function is SECURITY DEFINER.
    unsafe { pg_sys::superuser_arg(role) || pg_sys::has_privs_of_role(role, pg_sys::GetUserId()) }
}

fn granted(role: pg_sys::Oid, level: Level, project: &str) -> Result<bool, Error> {
    let grants = sql!(
        "select from task_mgmt.access
        where project_name in ($1, '*') and access_level >= $2::task_mgmt.access_level
            and pg_catalog.pg_has_role($3, role, 'usage')"
    );
    Ok(grants.run(&[project.into(), level.name().into(), role.into()])? > 0)
}

const PROJECTS: &str = "select p.project_name from task_mgmt.project p
    where $3 or exists (
        select from task_mgmt.access a
        where a.project_name in (p.project_name, '*') and a.access_level >= $1::task_mgmt.access_level
            and pg_catalog.pg_has_role($2, a.role, 'usage')
    )";

/// Internal: the projects that the views show, which agree with what else the transaction reads. Errors: 42501 within a
/// security-restricted operation.
#[pg_extern(sql = "
create function task_mgmt.readable_projects() returns text[]
language c stable parallel unsafe security definer
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub fn readable_projects() -> Result<Vec<String>, ErrorReport> {
    Ok(projects(read!(PROJECTS), Level::Reader)?)
}

/// The projects that the caller may read.
pub fn visible_projects() -> Result<Vec<String>, Error> {
    projects(read!(PROJECTS), Level::Reader)
}

/// Internal: the projects that the views for managers show, in the same way.
#[pg_extern(sql = "
create function task_mgmt.managed_projects() returns text[]
language c stable parallel unsafe security definer
set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
fn managed_projects() -> Result<Vec<String>, ErrorReport> {
    Ok(projects(read!(PROJECTS), Level::Manager)?)
}

/// The projects in which the caller may work.
pub fn workable_projects() -> Result<Vec<String>, Error> {
    projects(sql!(PROJECTS), Level::Worker)
}

fn projects(statement: &Statement, level: Level) -> Result<Vec<String>, Error> {
    let role = caller()?;
    statement.all(&[level.name().into(), role.into(), is_all_powerful(role).into()], |row| row.get(1))
}
