//! The database of a demo.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};

use crate::{connect, program};

/// How to reach it.
pub struct Database {
    config: Config,
    name: String,
}

impl Database {
    /// Makes the database anew, with the extension in it.
    pub fn create(application_name: &str, name: &str) -> Result<Self> {
        let (mut admin, mut config) = connect(application_name)?;
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        admin.batch_execute(&format!("drop database if exists {quoted} with (force)"))?;
        admin.batch_execute(&format!("create database {quoted}"))?;
        config.dbname(name);
        let database = Self { config, name: name.into() };
        database.open()?.batch_execute("create extension task_mgmt")?;
        Ok(database)
    }

    pub fn open(&self) -> Result<Client> {
        Ok(self.config.connect(NoTls)?)
    }

    /// Runs a script and shows statements and results as psql does, because that is where people will type them. An error of a
    /// statement is shown, and the next one is run.
    pub fn psql(&self, script: &str) -> Result<()> {
        let mut psql = Command::new(program("psql")?)
            .args(["--no-psqlrc", "--quiet", "--echo-queries", "--pset=pager=off", &self.name])
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot run psql")?;
        psql.stdin.take().context("psql has no input")?.write_all(script.as_bytes())?;
        ensure!(psql.wait()?.success(), "psql failed");
        Ok(())
    }
}
