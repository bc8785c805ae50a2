//! What the figures depend on: the machine, the server, the commit.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;

use crate::server::Server;

/// Where and with what a figure was found.
pub struct Machine {
    /// UTC, as it is written in a file's name: 20251121T083000Z.
    pub measured_at: String,
    pub cores: usize,
    pub cpu: String,
    pub ram_gib: f64,
    pub postgresql: String,
    pub commit: String,
}

impl Machine {
    pub fn inspect(server: &mut Server) -> Result<Self> {
        let query = "select to_char(now() at time zone 'UTC', 'YYYYMMDD\"T\"HH24MISS\"Z\"'),
            current_setting('server_version'), current_setting('fsync')";
        let row = server.admin().query_one(query, &[])?;
        let (version, fsync): (String, String) = (row.get(1), row.get(2));
        let kib: f64 = value("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(f64::NAN);
        Ok(Self {
            measured_at: row.get(0),
            cores: thread::available_parallelism()?.get(),
            cpu: value("/proc/cpuinfo", "model name"),
            ram_gib: kib / 1024.0 / 1024.0,
            postgresql: format!("{version}, fsync {fsync}"),
            commit: commit(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { measured_at, cores, cpu, ram_gib, postgresql, commit } = self;
        write!(
            formatter,
            "{measured_at}  {cores} cores, {cpu}, {ram_gib:.0} GiB RAM; PostgreSQL {postgresql}; commit {commit}"
        )
    }
}

/// The first value of a key in a file of lines `key : value`.
fn value(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let values = text.lines().filter_map(|line| line.split_once(':'));
    values
        .filter(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim().to_owned())
        .next()
        .unwrap_or_else(|| "unknown".into())
}

fn commit() -> String {
    let output = Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty", "--exclude=*"])
        .output();
    match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".into(),
    }
}
