//! Giving and taking access: rows of `task_mgmt.access`, which decide, and the privileges to call and read, which open the
//! door to them. And binding users to roles, so that nobody else works in their name.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;

use crate::access::{self, ALL_PROJECTS, Level};
use crate::arguments::required;
use crate::clock;
use crate::error::Error;
use crate::events::{self, Actor};
use crate::locks::{self, Key};
use crate::projects;
use crate::spi::{self, sql};
use crate::users;

/// What a role needs privileges on: the functions, the public views (those with a security barrier), and their schemas. Functions
/// of the inner schema that are volatile are handlers, which only the extension's owner calls.
macro_rules! objects {
    () => {
        "with member as (
            select d.classid, d.objid
            from pg_extension e
            join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
            where e.extname = 'task_mgmt'
        ), function as (
            select p.*
            from pg_proc p
            join member m on m.classid = 'pg_proc'::regclass and m.objid = p.oid
            where p.pronamespace <> 'task_mgmt'::regnamespace or p.provolatile <> 'v'
        ), object (privilege, name, acl, is_ours) as (
            select 'execute on function ', oid::regprocedure::text, proacl, true
            from function
            union all
            select 'select on ', c.oid::regclass::text, c.relacl, true
            from pg_class c
            join member m on m.classid = 'pg_class'::regclass and m.objid = c.oid
            where 'security_barrier=true' = any(c.reloptions)
            union all
            select 'usage on schema ', n.oid::regnamespace::text, n.nspacl, n.nspname = 'task_mgmt'
            from pg_namespace n
            where n.oid in (select pronamespace from function)
        )"
    };
}

/// Gives a role, and thereby its members, a level of access to one project or to all; it replaces the role's former level
/// there.
///
/// *Arguments*: `level` is reader, worker, manager or admin, each including the ones before; `project_name` '*' stands for
/// all projects, also those to come.
/// *Returns* true.
/// *Errors*: P0002 role or project unknown; 22023 no such level; 42501 the caller is not an admin there.
/// *Locks*: the project's key, then that of all projects' grants, alone.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn grant_access(
    role: Option<&str>,
    level: Option<&str>,
    project_name: default!(Option<&str>, "'*'"),
) -> Result<bool, ErrorReport> {
    let name = required("role", role)?;
    let level = Level::parse(required("level", level)?).map_err(Error::from)?;
    let project = enter(project_name)?;
    let role = find_role(name)?;
    sql!(
        "insert into task_mgmt.access (project_name, role, access_level)
        values ($1, $2::regrole, $3::task_mgmt.access_level)
        on conflict (project_name, role) do update set access_level = excluded.access_level"
    )
    .run(&[project.into(), role.into(), level.name().into()])?;
    for statement in missing_privileges(role)? {
        spi::run_command(&statement)?;
    }
    record(project, &format!("granted {} to role {name}", level.name()))?;
    Ok(true)
}

/// Takes a role's access to one project, or what it was given for all of them, away. A role without any other grant also
/// loses the privileges to call the functions and read the views.
///
/// *Arguments*: `role` is a name, or the number of a role that has been dropped.
/// *Returns* whether there was a grant.
/// *Errors*: P0002 role or project unknown; 42501 the caller is not an admin there.
/// *Locks*: as `grant_access`.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn revoke_access(role: Option<&str>, project_name: default!(Option<&str>, "'*'")) -> Result<bool, ErrorReport> {
    let name = required("role", role)?;
    let project = enter(project_name)?;
    let role = find_role(name).or_else(|error| name.parse().map(pg_sys::Oid::from_u32).map_err(|_| error))?;
    let deleted = sql!("delete from task_mgmt.access where project_name = $1 and role = $2::regrole")
        .run(&[project.into(), role.into()])?;
    if deleted == 0 {
        return Ok(false);
    }
    withdraw_privileges(&[role])?;
    record(project, &format!("revoked access of role {name}"))?;
    Ok(true)
}

/// Binds a user to a database role: from now on only members of that role, and managers, act as that user.
///
/// *Returns* true.
/// *Errors*: P0002 project, user or role unknown; 42501 the caller is not a manager.
/// *Locks*: the user's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn bind_user(project_name: Option<&str>, user_id: Option<&str>, role: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    let name = required("role", role)?;
    bind(project, user, Some(find_role(name)?))?;
    record(project, &format!("bound user {user} to role {name}"))?;
    Ok(true)
}

/// Ends the binding of a user: from now on every worker of the project may act as that user.
///
/// *Returns* true, also if the user was not bound.
/// *Errors*: P0002 project or user unknown; 42501 the caller is not a manager.
/// *Locks*: the user's key.
#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn unbind_user(project_name: Option<&str>, user_id: Option<&str>) -> Result<bool, ErrorReport> {
    let project = projects::enter(Level::Manager, project_name)?;
    let user = required("user_id", user_id)?;
    bind(project, user, None)?;
    record(project, &format!("unbound user {user}"))?;
    Ok(true)
}

/// Removes the grants of a project that is being deleted.
pub fn remove_all(project: &str) -> Result<(), Error> {
    locks::lock(Key::Project(ALL_PROJECTS));
    let roles = sql!("delete from task_mgmt.access where project_name = $1 returning role::oid")
        .all(&[project.into()], |row| row.get(1))?;
    withdraw_privileges(&roles)
}

/// Opens a call that changes grants. Concurrent GRANTs of one object fail with an internal error, so they queue here.
fn enter(project_name: Option<&str>) -> Result<&str, Error> {
    let project = required("project_name", project_name)?;
    if project == ALL_PROJECTS {
        access::require_everywhere(Level::Admin)?;
    } else {
        access::require(Level::Admin, project)?;
        locks::share(Key::Project(project));
        projects::require_existing(project)?;
    }
    locks::lock(Key::Project(ALL_PROJECTS));
    Ok(project)
}

fn find_role(name: &str) -> Result<pg_sys::Oid, Error> {
    sql!("select oid from pg_catalog.pg_roles where rolname = $1")
        .first(&[name.into()], |row| row.get(1))?
        .ok_or_else(|| Error::RoleNotFound(name.into()))
}

fn bind(project: &str, user: &str, role: Option<pg_sys::Oid>) -> Result<(), Error> {
    locks::lock(Key::User(project, user));
    let bound =
        sql!("update task_mgmt.project_user set bound_role = $3::regrole where project_name = $1 and user_id = $2")
            .run(&[project.into(), user.into(), role.into()])?;
    match bound {
        0 => Err(users::not_found(project, user)?),
        _ => Ok(()),
    }
}

/// Grants for all projects belong to no project's history.
fn record(project: &str, detail: &str) -> Result<(), Error> {
    match project {
        ALL_PROJECTS => Ok(()),
        _ => events::append(project, &[0], "project_changed", Actor::Caller, Some(detail), clock::now()?),
    }
}

/// The GRANTs that the role lacks in order to call all functions of the extension and to read its public views. What it
/// may do with them is decided by each function.
fn missing_privileges(role: pg_sys::Oid) -> Result<Vec<String>, Error> {
    let grantee = quote_identifier(access::role_name(role));
    sql!(concat!(
        objects!(),
        "select 'grant ' || privilege || string_agg(name, ', ') || ' to ' || $2
        from object
        where case
            when is_ours then not exists (select from aclexplode(acl) where grantee = $1)
            else not has_schema_privilege($1, to_regnamespace(name)::oid, 'usage') end
        group by privilege"
    ))
    .all(&[role.into(), grantee.as_str().into()], |row| row.get(1))
}

/// Takes the privileges on the extension's own objects away from those of the roles that have no grant left in any project.
/// USAGE of the schema that the functions are in stays: others may have given it.
fn withdraw_privileges(roles: &[pg_sys::Oid]) -> Result<(), Error> {
    let statements: Vec<String> = sql!(concat!(
        objects!(),
        "select 'revoke ' || privilege || string_agg(name, ', ') || ' from ' || quote_ident(r.rolname)
        from pg_roles r
        cross join object
        where r.oid = any($1) and is_ours
            and exists (select from aclexplode(acl) where grantee = r.oid)
            and not exists (select from task_mgmt.access a where a.role = r.oid)
        group by privilege, r.rolname"
    ))
    .all(&[roles.to_vec().into()], |row| row.get(1))?;
    statements.iter().try_for_each(|statement| spi::run_command(statement))
}
