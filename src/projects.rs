//! Projects: the tenants.

use crate::access::{self, Level};
use crate::arguments::required;
use crate::error::Error;
use crate::locks::{self, Key};
use crate::spi::sql;

/// Opens a call that writes in a project: checks the argument and the caller's level, and keeps the project from being
/// removed until the transaction ends.
pub fn enter(level: Level, project_name: Option<&str>) -> Result<&str, Error> {
    let project = required("project_name", project_name)?;
    access::require(level, project)?;
    locks::share(Key::Project(project));
    Ok(project)
}

/// Refuses a project that does not exist. Errors: P0002.
pub fn require_existing(project: &str) -> Result<(), Error> {
    match sql!("select from task_mgmt.project where project_name = $1").run(&[project.into()])? {
        0 => Err(Error::ProjectNotFound(project.into())),
        _ => Ok(()),
    }
}
