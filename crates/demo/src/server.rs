//! The server that PGHOST, PGPORT, PGUSER and PGDATABASE name, and the database of the demo on it.

use std::env;

use anyhow::{Context, Result};
use postgres::{Client, Config, NoTls};

pub const DATABASE: &str = "demo";

/// How to reach the database of the demo.
pub struct Server {
    config: Config,
}

impl Server {
    /// Connects, and makes the database anew, with the extension in it.
    pub fn connect() -> Result<Self> {
        let variable = |name: &str, otherwise: &str| env::var(name).unwrap_or_else(|_| otherwise.into());
        let port = variable("PGPORT", "5432").parse().context("PGPORT is not a number")?;
        let mut config = Config::new();
        config
            .host(&variable("PGHOST", "/var/run/postgresql"))
            .port(port)
            .user(&variable("PGUSER", "postgres"))
            .dbname(&variable("PGDATABASE", "postgres"))
            .application_name("task_mgmt_demo");
        let mut admin = config.connect(NoTls).context("cannot connect: are PGHOST, PGUSER and PGDATABASE set?")?;
        admin.batch_execute(&format!("drop database if exists {DATABASE} with (force)"))?;
        admin.batch_execute(&format!("create database {DATABASE}"))?;
        config.dbname(DATABASE);
        let server = Self { config };
        server.open()?.batch_execute("create extension task_mgmt")?;
        Ok(server)
    }

    pub fn open(&self) -> Result<Client> {
        Ok(self.config.connect(NoTls)?)
    }
}
