//! Arguments, and the settings that follow from them.

use clap::Parser;

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

/// What is measured, and how long.
pub struct Settings {
    pub seconds: u64,
    pub runs: u32,
    pub clients: Vec<u32>,
    pub small_backlog: u32,
    pub large_backlog: u32,
    /// Tasks loaded at once, and how often.
    pub load: u32,
    pub load_runs: u32,
}

impl From<Options> for Settings {
    fn from(options: Options) -> Self {
        Self {
            seconds: options.seconds.unwrap_or(if options.quick { 3 } else { 15 }),
            runs: options.runs.unwrap_or(if options.quick { 1 } else { 3 }),
            clients: options.clients,
            small_backlog: options.small,
            large_backlog: options.large.unwrap_or(if options.quick { 100_000 } else { 1_000_000 }),
            load: 100_000,
            load_runs: if options.quick { 1 } else { 5 },
        }
    }
}

impl Settings {
    pub fn most_clients(&self) -> u32 {
        self.clients.iter().copied().max().unwrap_or(1)
    }

    /// How many measurements there are.
    pub fn steps(&self) -> u64 {
        let cells: usize = crate::plan::groups(self).iter().map(|group| group.cells.len()).sum();
        cells as u64 * u64::from(self.runs) + u64::from(self.load_runs)
    }
}
