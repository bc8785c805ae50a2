//! The server, and databases that are made on it and copied.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};

/// The database in which is measured.
pub const DATABASE: &str = "bench";

/// A connection to the database that PGDATABASE names; the measured databases are made from there.
pub struct Server {
    config: Config,
    admin: Client,
    /// Such as 150020.
    pub version: i32,
}

impl Server {
    pub fn connect() -> Result<Self> {
        let (mut admin, config) = task_mgmt_server::connect("task_mgmt_bench")?;
        let version = admin.query_one("select current_setting('server_version_num')::int", &[])?.get(0);
        Ok(Self { config, admin, version })
    }

    pub fn admin(&mut self) -> &mut Client {
        &mut self.admin
    }

    pub fn open(&self, database: &str) -> Result<Client> {
        self.config.clone().dbname(database).connect(NoTls).with_context(|| format!("cannot connect to {database}"))
    }

    /// Makes an empty database, in place of an older one.
    pub fn create(&mut self, database: &str) -> Result<Client> {
        self.copy("template0", database)
    }

    /// Makes a copy of a database to which nobody is connected, in place of an older one.
    pub fn copy(&mut self, template: &str, database: &str) -> Result<Client> {
        self.drop(database)?;
        // A copy through the log would write a gigabyte for a large template. Older servers copy files anyway.
        let strategy = if self.version >= 150_000 { "strategy file_copy" } else { "" };
        self.admin
            .batch_execute(&format!("create database {database} template {template} {strategy}"))
            .with_context(|| format!("cannot copy {template} to {database}"))?;
        self.open(database)
    }

    /// Drops what a run that was aborted has left.
    pub fn drop_leftovers(&mut self) -> Result<()> {
        let query = "select datname::text from pg_database where datname ~ '^bench(_[0-9]+[a-z_]*)?$'";
        for row in self.admin.query(query, &[])? {
            self.drop(row.get(0))?;
        }
        Ok(())
    }

    pub fn drop(&mut self, database: &str) -> Result<()> {
        Ok(self.admin.batch_execute(&format!("drop database if exists {database} with (force)"))?)
    }
}

/// Leaves nothing behind that the server would have to do during a measurement.
pub fn settle(database: &mut Client) -> Result<()> {
    database.batch_execute("vacuum analyze")?;
    database.batch_execute("checkpoint")?;
    // A commit would wait for other files that the system has yet to write.
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    Ok(())
}
