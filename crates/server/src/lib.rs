//! The server of demos and benchmark: a connection to what PGHOST, PGPORT, PGUSER and PGDATABASE name, the database of a demo,
//! and the programs that came with the server.

pub mod database;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use postgres::{Client, Config, NoTls};

/// A connection to the database that PGDATABASE names, and how to make further ones.
pub fn connect(application_name: &str) -> Result<(Client, Config)> {
    let variable = |name: &str, otherwise: &str| env::var(name).unwrap_or_else(|_| otherwise.into());
    let port = variable("PGPORT", "5432").parse().context("PGPORT is not a number")?;
    let mut config = Config::new();
    config
        .host(&variable("PGHOST", "/var/run/postgresql"))
        .port(port)
        .user(&variable("PGUSER", "postgres"))
        .dbname(&variable("PGDATABASE", "postgres"))
        .application_name(application_name);
    let client = config.connect(NoTls).context("cannot connect: are PGHOST, PGUSER and PGDATABASE set?")?;
    Ok((client, config))
}

/// The program of this name that came with the server; Debian has a wrapper for it on the PATH.
pub fn program(name: &str) -> Result<PathBuf> {
    let pg_config = env::var("PG_CONFIG").unwrap_or_else(|_| "pg_config".into());
    let Ok(output) = Command::new(pg_config).arg("--bindir").output() else {
        return Ok(name.into());
    };
    let beside_server = Path::new(String::from_utf8(output.stdout)?.trim()).join(name);
    Ok(if beside_server.exists() { beside_server } else { name.into() })
}
