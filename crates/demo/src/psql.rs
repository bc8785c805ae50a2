//! Shows statements and their results as psql does, because that is where people will type them.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::server::DATABASE;

/// Runs a script in the database of the demo. An error of a statement is shown, and the next one is run.
pub fn run(script: &str) -> Result<()> {
    let mut psql = Command::new(program()?)
        .args(["--no-psqlrc", "--quiet", "--echo-queries", "--pset=pager=off", DATABASE])
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run psql")?;
    psql.stdin.take().context("psql has no input")?.write_all(script.as_bytes())?;
    ensure!(psql.wait()?.success(), "psql failed");
    Ok(())
}

/// psql comes with the server; Debian has a wrapper for it on the PATH.
fn program() -> Result<PathBuf> {
    let pg_config = env::var("PG_CONFIG").unwrap_or_else(|_| "pg_config".into());
    let Ok(output) = Command::new(pg_config).arg("--bindir").output() else {
        return Ok("psql".into());
    };
    let beside_server = Path::new(String::from_utf8(output.stdout)?.trim()).join("psql");
    Ok(if beside_server.exists() { beside_server } else { "psql".into() })
}
