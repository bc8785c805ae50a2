//! Arguments, and the settings that follow from them.

use clap::{Parser, ValueEnum};

use crate::plan;

/// Measures task_mgmt against the limit of the machine and a hand-written queue.
///
/// PGHOST, PGPORT, PGUSER and PGDATABASE name the server. The databases bench and bench_<number> on it are replaced.
#[derive(Parser)]
#[command(version)]
pub struct Options {
    /// A short form: one run of 3 seconds a cell, and 100,000 instead of 1,000,000 tasks
    #[arg(long)]
    quick: bool,

    /// Seconds of load in a cell [default: 15, quick: 3]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,

    /// How often everything is measured [default: 3, quick: 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    runs: Option<u32>,

    /// Measure only these parts [default: all but peers]
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,

    /// Measure other queues too, which scripts/peers installs
    #[arg(long)]
    peers: bool,

    /// Numbers of concurrent clients
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 32], value_parser = clap::value_parser!(u32).range(1..=128))]
    clients: Vec<u32>,

    /// Tasks in the small backlog
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10_000..))]
    small: u32,

    /// Tasks in the large backlog, and number of those that cannot be started [default: 1000000, quick: 100000]
    #[arg(long, value_parser = clap::value_parser!(u32).range(10_000..))]
    large: Option<u32>,
}

/// A part of what is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Taking and completing tasks, beside bare updates and a hand-written queue
    Work,
    /// The same all in one go
    OneGo,
    /// The same beside tasks that cannot be started
    Unstartable,
    /// Claiming and completing by machines, one task and many at a time
    Machine,
    /// The same beside tasks that wait or have expired
    Waiting,
    /// Creating tasks one by one
    Creation,
    /// Loading tasks in one call
    Loading,
    /// Saving and releasing traces
    Traces,
    /// Claiming from many lanes
    Lanes,
    /// Loading segments in one call
    Ingestion,
    /// Statistics of the large backlog
    Statistics,
    /// Other queues, which scripts/peers installs; only if asked for
    Peers,
}

/// What is measured, and how long.
pub struct Settings {
    pub parts: Vec<Part>,
    pub seconds: u64,
    pub runs: u32,
    pub clients: Vec<u32>,
    pub small_backlog: u32,
    pub large_backlog: u32,
    pub comparison_runs: u32,
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        Self {
            parts: options.parts(),
            seconds: options.seconds.unwrap_or(if options.quick { 3 } else { 15 }),
            runs: options.runs.unwrap_or(if options.quick { 1 } else { 3 }),
            clients: options.clients,
            small_backlog: options.small,
            large_backlog: options.large.unwrap_or(if options.quick { 100_000 } else { 1_000_000 }),
            comparison_runs: options.runs.unwrap_or(if options.quick { 1 } else { 5 }),
        }
    }
}

impl Options {
    fn parts(&self) -> Vec<Part> {
        let mut parts = self.only.clone();
        if parts.is_empty() {
            parts.extend(Part::value_variants().iter().filter(|part| **part != Part::Peers));
        }
        parts.extend(self.peers.then_some(Part::Peers));
        parts
    }
}

impl Settings {
    pub fn most_clients(&self) -> u32 {
        self.clients.iter().copied().max().unwrap_or(1)
    }

    /// As many tasks as let every client take the largest batch often enough.
    pub fn machine_backlog(&self) -> u32 {
        const BATCHES: u32 = 32;
        (BATCHES * plan::MOST_AT_A_TIME * self.most_clients()).max(10 * self.small_backlog)
    }

    /// How many measurements there are.
    pub fn steps(&self) -> u64 {
        let cells: usize = plan::groups(self).iter().map(|group| group.cells.len()).sum();
        cells as u64 * u64::from(self.runs) + plan::subjects(self).len() as u64 * u64::from(self.comparison_runs)
    }
}
