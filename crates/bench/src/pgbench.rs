//! Runs pgbench, which makes the load, and reads its log.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, bail};
use task_mgmt_server::program;

use crate::entry::Entry;
use crate::plan::Work;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

/// How much load.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    /// Executions of the script by each client.
    Executions(u32),
    Seconds(u64),
}

/// Runs the script of `work`; `rows` is the size of the table that the bare updates share out.
pub fn run(database: &str, work: Work, clients: u32, rows: u32, amount: Amount) -> Result<Vec<Entry>> {
    let script = match work {
        Work::Limit => "limit.sql",
        Work::Queue(1) => "queue.sql",
        Work::Queue(_) => "queue_batch.sql",
        Work::Tasks => "tasks.sql",
        Work::Machine(1) => "machine.sql",
        Work::Machine(_) => "machine_batch.sql",
        Work::Insert => "insert.sql",
        Work::Create => "create.sql",
    };
    let cores = thread::available_parallelism()?.get() as u32;
    let logs = env::temp_dir().join(format!("task_mgmt_bench-{}", std::process::id()));
    fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;

    let mut command = Command::new(program("pgbench")?);
    command.args(["--no-vacuum", "--protocol=prepared", "--log"]);
    command.arg(format!("--log-prefix={}", logs.join("log").display()));
    command.arg(format!("--client={clients}")).arg(format!("--jobs={}", clients.min(cores)));
    command.arg(format!("--define=share={}", rows / clients)).arg("--define=n=0");
    command.arg(format!("--define=batch={}", work.batch()));
    command.arg(match amount {
        Amount::Executions(executions) => format!("--transactions={executions}"),
        Amount::Seconds(seconds) => format!("--time={seconds}"),
    });
    command.arg(format!("--file={SCRIPTS}/{script}")).arg(database);

    let output = command.output().context("cannot run pgbench")?;
    let entries = read_logs(&logs);
    fs::remove_dir_all(&logs)?;
    if !output.status.success() {
        bail!("pgbench failed; did it run out of tasks?\n{}", String::from_utf8_lossy(&output.stderr));
    }
    entries
}

/// Every thread of pgbench writes a file.
fn read_logs(directory: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir(directory)? {
        for line in fs::read_to_string(file?.path())?.lines() {
            entries.push(Entry::parse(line)?);
        }
    }
    Ok(entries)
}
