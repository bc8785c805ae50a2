//! Ids that are told by how they begin.

use task_mgmt_core::arguments::Invalid;

use crate::error::Error;
use crate::spi::Statement;

/// The id that is the prefix, or else the only one that begins with it; None if none does. The statement takes the project, a text and a
/// number, and returns as many ids at most, from the text on, in the order of their bytes: so those that begin with it follow each
/// other, the one that is no longer first.
/// Errors: 22023 if the prefix is empty, or several ids have it, of which the error names three.
pub fn resolve(ids: &Statement, project: &str, what: &'static str, prefix: &str) -> Result<Option<String>, Error> {
    const MOST_NAMED: i64 = 3;
    if prefix.is_empty() {
        return Err(Invalid("prefix must not be empty".into()).into());
    }
    let mut found: Vec<String> = ids.all(&[project.into(), prefix.into(), MOST_NAMED.into()], |row| row.get(1))?;
    found.retain(|id| id.starts_with(prefix));
    match found.as_slice() {
        [] => Ok(None),
        [id, ..] if found.len() == 1 || id == prefix => Ok(Some(id.clone())),
        _ => Err(Error::AmbiguousPrefix { what, prefix: prefix.into(), found }),
    }
}
