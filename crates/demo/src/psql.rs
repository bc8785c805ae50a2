//! Shows statements and their results as psql does, because that is where people will type them.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use task_mgmt_server::program;

use crate::server::DATABASE;

/// Runs a script in the database of the demo. An error of a statement is shown, and the next one is run.
pub fn run(script: &str) -> Result<()> {
    let mut psql = Command::new(program("psql")?)
        .args(["--no-psqlrc", "--quiet", "--echo-queries", "--pset=pager=off", DATABASE])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run psql")?;
    psql.stdin.take().context("psql has no input")?.write_all(script.as_bytes())?;
    ensure!(psql.wait()?.success(), "psql failed");
    Ok(())
}
