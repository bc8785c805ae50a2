//! Users.
use crate::error::Error;
use crate::spi::sql;

pub fn find_no(project: &str, user: &str) -> Result<i32, Error> {
    let found = sql!("select user_no from task_mgmt.project_user where project_name = $1 and user_id = $2")
        .first(&[project.into(), user.into()], |row| row.get(1))?;
    found.ok_or_else(|| Error::UserNotFound { project: project.into(), user: user.into() })
}
