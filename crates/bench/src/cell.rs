//! One measurement: a fresh copy of a template, load until the time is over, and what it cost.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::options::Settings;
use crate::pgbench::{self, Amount};
use crate::plan::{Cell, Mode, Situation, Work};
use crate::server::{self, DATABASE, Server};
use crate::template;
use crate::window::Window;

/// Tasks of a round, of a backlog that has at least 10,000; a single client takes fewer, or a round would be too long.
const ROUND: u32 = 8_000;
const ROUND_PER_CLIENT: u32 = 2_000;
/// Executions of each client that do not count; fewer if each is about many tasks, but more than the five of which each is planned anew.
const WARM_UP: usize = 20;
const WARM_UP_OF_BATCHES: usize = 6;
/// Allowed for what does not count.
const GETTING_WARM_SECONDS: u64 = 2;

/// What was found for a cell in one run.
pub struct Measurement {
    pub run: u32,
    pub cell: Cell,
    pub figures: Figures,
    /// Its rate as a share of that of the bare updates, measured next to it.
    pub ratio_to_limit: f64,
}

/// What a cell achieved and what it cost.
pub struct Figures {
    pub tasks: u64,
    pub seconds: f64,
    pub tasks_per_second: f64,
    /// Of one execution, whether it is about one task or many.
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub wal_bytes_per_task: f64,
    /// Left behind by one task after a round, before any vacuum but autovacuum.
    pub dead_tuples_per_task: f64,
}

/// Sets the findings for a group of cells against the limit: in the same situation, or else the one of the group.
pub fn compare(run: u32, found: Vec<(Cell, Figures)>) -> Vec<Measurement> {
    let limits: Vec<(Situation, f64)> = found
        .iter()
        .filter(|(cell, _)| cell.work.is_limit())
        .map(|(cell, figures)| (cell.situation, figures.tasks_per_second))
        .collect();
    let measurements = found.into_iter().map(|(cell, figures)| {
        let same = limits.iter().find(|(situation, _)| *situation == cell.situation);
        let limit = same.or(limits.first()).map_or(f64::NAN, |(_, rate)| *rate);
        Measurement { run, cell, ratio_to_limit: figures.tasks_per_second / limit, figures }
    });
    measurements.collect()
}

/// Measures one cell.
pub fn measure(server: &mut Server, template: &str, cell: &Cell, settings: &Settings) -> Result<Figures> {
    let mut database = server.copy(template, DATABASE)?;
    warm(&mut database)?;
    let mut backlog = Backlog { work: cell.work, size: cell.situation.backlog, created: cell.situation.backlog };
    let mut window = Window::default();
    let (mut tasks, mut wal_bytes, mut dead_tuples) = (0, 0, 0);
    let batch = cell.work.batch();
    loop {
        let amount = match cell.mode {
            Mode::Rounds => Amount::Executions(round(cell)),
            Mode::OneGo => Amount::Seconds(settings.seconds + GETTING_WARM_SECONDS),
        };
        let pending = backlog.count(&mut database)?;
        let begin = log_position(&mut database)?;
        let entries = pgbench::run(DATABASE, cell.work, cell.clients, backlog.size, amount)?;
        wait_until_alone(&mut database)?;
        wal_bytes += log_position(&mut database)? - begin;
        dead_tuples += count_dead_tuples(&mut database)?;
        backlog.check(&mut database, pending, entries.len())?;
        let done = u32::try_from(entries.len())? * batch;
        tasks += u64::from(done);
        let found = Window::find(&entries, cell.clients, warm_up(cell));
        window.add(found.with_context(|| format!("{cell}: too few tasks, or too short, to measure"))?);
        if cell.mode == Mode::OneGo || window.seconds >= settings.seconds as f64 {
            break;
        }
        backlog.fill_up(&mut database, done)?;
        database.batch_execute("vacuum")?;
    }
    Ok(Figures {
        tasks,
        seconds: window.seconds,
        tasks_per_second: window.executions_per_second() * f64::from(batch),
        p50_ms: window.percentile_ms(0.50),
        p99_ms: window.percentile_ms(0.99),
        wal_bytes_per_task: wal_bytes as f64 / tasks as f64,
        dead_tuples_per_task: dead_tuples as f64 / tasks as f64,
    })
}

/// How often each client executes the script in a round; batches use up most of the backlog.
fn round(cell: &Cell) -> u32 {
    match cell.work.batch() {
        1 => (ROUND / cell.clients).min(ROUND_PER_CLIENT),
        batch => cell.situation.backlog / 5 * 4 / cell.clients / batch,
    }
}

fn warm_up(cell: &Cell) -> usize {
    if cell.work.batch() == 1 { WARM_UP } else { WARM_UP_OF_BATCHES }
}

/// Brings a fresh copy into memory and the server to rest.
fn warm(database: &mut Client) -> Result<()> {
    database.execute(
        "select pg_prewarm(oid::regclass) from pg_class
        where relkind in ('r', 'i') and relnamespace in ('public'::regnamespace, 'task_mgmt'::regnamespace)",
        &[],
    )?;
    server::settle(database)
}

/// The tasks that wait to be taken.
struct Backlog {
    work: Work,
    size: u32,
    /// How many were ever created.
    created: u32,
}

impl Backlog {
    /// How many tasks are not completed yet.
    fn count(&self, database: &mut Client) -> Result<i64> {
        let query = match self.work {
            // Rows that were updated can be updated again.
            Work::Limit => return Ok(0),
            Work::Queue(_) => "select count(*) from queue_task where status <> 'done'",
            Work::Tasks | Work::Machine(_) | Work::Create => {
                "select (select count(*) from task_mgmt.ready) + (select count(*) from task_mgmt.lease)"
            }
            Work::Insert => "select count(*) from insert_task",
        };
        Ok(database.query_one(query, &[])?.get(0))
    }

    /// Every execution of the script must have completed tasks of its own, or made one.
    fn check(&self, database: &mut Client, pending: i64, executed: usize) -> Result<()> {
        let each = match self.work {
            Work::Limit => 0,
            Work::Queue(batch) | Work::Machine(batch) => i64::from(batch),
            Work::Tasks => 1,
            Work::Insert | Work::Create => -1,
        };
        let gone = pending - self.count(database)?;
        ensure!(gone == executed as i64 * each, "{executed} times {each} tasks were worked on, but {gone} are gone");
        Ok(())
    }

    fn fill_up(&mut self, database: &mut Client, count: u32) -> Result<()> {
        match self.work {
            Work::Limit | Work::Insert | Work::Create => {}
            Work::Queue(_) => template::add_to_queue(database, self.created, count)?,
            Work::Tasks | Work::Machine(_) => {
                template::add_tasks(database, "bench", "task", self.created, count, "{}")?
            }
        }
        self.created += count;
        Ok(())
    }
}

fn log_position(database: &mut Client) -> Result<i64> {
    Ok(database.query_one("select (pg_current_wal_insert_lsn() - '0/0')::int8", &[])?.get(0))
}

/// A backend reports its counters when it ends.
fn wait_until_alone(database: &mut Client) -> Result<()> {
    let query = "select count(*) from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()";
    while database.query_one(query, &[])?.get::<_, i64>(0) > 0 {
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Only one kind of work is done in a copy, so that all dead tuples are its own.
fn count_dead_tuples(database: &mut Client) -> Result<i64> {
    Ok(database.query_one("select sum(n_dead_tup)::int8 from pg_stat_user_tables", &[])?.get(0))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::options::Options;
    use crate::plan;

    #[test]
    fn rounds_are_long_enough_and_leave_some_tasks() {
        for arguments in [&["bench"][..], &["bench", "--quick", "--clients", "1"], &["bench", "--clients", "1,128"]] {
            let settings = Settings::from(Options::parse_from(arguments));
            let groups = plan::groups(&settings);
            for cell in groups.iter().flat_map(|group| &group.cells).filter(|cell| cell.mode == Mode::Rounds) {
                let executions = round(cell);
                assert!(executions as usize >= 3 * warm_up(cell), "{cell}: {executions} executions");
                let tasks = executions * cell.clients * cell.work.batch();
                assert!(tasks < cell.situation.backlog, "{cell}: {tasks} tasks");
            }
        }
    }
}
