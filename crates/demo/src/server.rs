//! The server, and the database of the demo on it.

use anyhow::Result;
use postgres::{Client, Config, NoTls};

pub const DATABASE: &str = "demo";

/// How to reach the database of the demo.
pub struct Server {
    config: Config,
}

impl Server {
    /// Connects, and makes the database anew, with the extension in it.
    pub fn connect() -> Result<Self> {
        let (mut admin, mut config) = task_mgmt_server::connect("task_mgmt_demo")?;
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
