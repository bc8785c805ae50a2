//! Other queues, when they are installed (scripts/peers): jobs that do nothing, enqueued beforehand and worked off by 32 at once; beside
//! the bare updates and task_mgmt. What they are set to is in crates/bench/peers.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::cell;
use crate::comparison::Side;
use crate::options::Settings;
use crate::plan::{Beside, Cell, MOST_AT_A_TIME, Mode, Situation, Work};
use crate::server::{self, DATABASE, Server};
use crate::template::Templates;

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers");

/// Another queue, taking one job at a time or many.
struct Peer {
    what: &'static str,
    program: &'static str,
    manner: &'static str,
    jobs: u32,
    /// Counts the jobs that are not completed.
    left: &'static str,
}

const GRAPHILE_WORKER: Peer = Peer {
    what: "graphile-worker",
    program: "graphile-worker.js",
    manner: "single",
    jobs: 20_000,
    left: "select count(*) from graphile_worker._private_jobs",
};

const PG_BOSS: Peer = Peer {
    what: "pg-boss",
    program: "pg-boss.js",
    left: "select count(*) from pgboss.job where state <> 'completed'",
    ..GRAPHILE_WORKER
};

const PEERS: [Peer; 4] = [
    GRAPHILE_WORKER,
    PG_BOSS,
    Peer { what: "graphile-worker, in batches", manner: "batched", jobs: 100_000, ..GRAPHILE_WORKER },
    Peer { what: "pg-boss, in batches", manner: "batched", jobs: 100_000, ..PG_BOSS },
];

/// What of task_mgmt each of them is set against.
pub const SINGLY: &str = "claim_tasks, complete_task";
pub const IN_BATCHES: &str = "claim_tasks, complete_tasks, in batches";

pub fn measure(server: &mut Server, templates: &mut Templates, settings: &Settings) -> Result<Vec<Side>> {
    let situation = Situation { backlog: settings.machine_backlog(), beside: Beside::Nothing };
    let template = templates.prepare(server, situation)?;
    let works = [("two updates", Work::Limit), (SINGLY, Work::Machine(1)), (IN_BATCHES, Work::Machine(MOST_AT_A_TIME))];
    let mut sides = Vec::new();
    for (what, work) in works {
        let cell = Cell { work, clients: settings.most_clients(), situation, mode: Mode::Rounds };
        let figures = cell::measure(server, &template, &cell, settings)?;
        let seconds = figures.tasks as f64 / figures.tasks_per_second;
        sides.push(Side { what, times: u32::try_from(figures.tasks)?, seconds });
    }
    for peer in PEERS {
        sides.push(peer.measure(server).with_context(|| peer.what)?);
    }
    Ok(sides)
}

/// The side of task_mgmt that does what this one does; None for those that are not peers.
pub fn counterpart(side: &Side) -> Option<&'static str> {
    let peer = PEERS.iter().find(|peer| peer.what == side.what)?;
    Some(if peer.manner == GRAPHILE_WORKER.manner { SINGLY } else { IN_BATCHES })
}

impl Peer {
    fn measure(&self, server: &mut Server) -> Result<Side> {
        let mut database = server.create(DATABASE)?;
        self.run("prepare")?;
        ensure!(self.count_left(&mut database)? == i64::from(self.jobs), "the jobs are not there");
        server::settle(&mut database)?;
        let seconds = self.run(self.manner)?.trim().parse()?;
        let left = self.count_left(&mut database)?;
        ensure!(left == 0, "{left} jobs are left");
        Ok(Side { what: self.what, times: self.jobs, seconds })
    }

    fn count_left(&self, database: &mut Client) -> Result<i64> {
        Ok(database.query_one(self.left, &[])?.get(0))
    }

    /// What the program prints.
    fn run(&self, command: &str) -> Result<String> {
        let programs = Path::new(PROGRAMS);
        let output = Command::new(programs.join("node"))
            .arg(programs.join(self.program))
            .args([command, &self.jobs.to_string()])
            .env("PGDATABASE", DATABASE)
            .output()
            .context("cannot run Node; scripts/peers installs it")?;
        ensure!(output.status.success(), "{} failed\n{}", self.program, String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_set_against_what_does_the_same() {
        let side = |what| Side { what, times: 1, seconds: 1.0 };
        assert_eq!(counterpart(&side("pg-boss")), Some(SINGLY));
        assert_eq!(counterpart(&side("graphile-worker, in batches")), Some(IN_BATCHES));
        assert_eq!(counterpart(&side("two updates")), None);
    }
}
