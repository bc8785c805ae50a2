//! The workers: each is a connection of its own, asks for the next task, books the time and releases it as done.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use task_mgmt_server::database::Database;

use crate::PROJECT;
use crate::graph::Graph;
use crate::loading::USERS;

/// The work that is booked for a package is its download at this speed; nothing is downloaded.
const BYTES_PER_SECOND: f64 = 10e6;
/// Between two questions for work when all that is left waits for what others hold.
const PAUSE: Duration = Duration::from_millis(2);
/// A task is done in milliseconds; when none is done for so long, none will ever be.
const PATIENCE: Duration = Duration::from_secs(60);

/// Completes every task, with one worker for each user.
pub fn drain(database: &Database, graph: &Graph) -> Result<()> {
    let progress = Progress::new(graph.packages.len())?;
    let seconds: HashMap<&str, f64> = graph
        .packages
        .iter()
        .map(|package| (package.name.as_str(), (package.download_bytes as f64 / BYTES_PER_SECOND).max(0.001)))
        .collect();
    let result = thread::scope(|scope| {
        let workers: Vec<_> =
            USERS.iter().map(|(user, _)| scope.spawn(|| work(database, user, &seconds, &progress))).collect();
        let results: Vec<Result<()>> = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow!("a worker panicked"))))
            .collect();
        results.into_iter().collect()
    });
    progress.bar.finish_and_clear();
    result
}

/// When one worker fails, the others stop.
fn work(database: &Database, user: &str, seconds: &HashMap<&str, f64>, progress: &Progress) -> Result<()> {
    let result = complete_tasks(database, user, seconds, progress);
    progress.is_aborted.fetch_or(result.is_err(), Ordering::Relaxed);
    result.with_context(|| format!("the worker of {user} failed"))
}

fn complete_tasks(database: &Database, user: &str, seconds: &HashMap<&str, f64>, progress: &Progress) -> Result<()> {
    let mut client = database.open()?;
    let start = client.prepare("select start_task($1, $2)")?;
    let submit = client.prepare("select submit_timesheet($1, $2, $3, $4)")?;
    let release = client.prepare("select release_task($1, $2, $3, 'Done')")?;
    let mut last_progress = (0, Instant::now());
    while !progress.is_over() {
        let Some(task): Option<String> = client.query_one(&start, &[&PROJECT, &user])?.get(0) else {
            let completed = progress.completed.load(Ordering::Relaxed);
            if completed != last_progress.0 {
                last_progress = (completed, Instant::now());
            } else if last_progress.1.elapsed() > PATIENCE {
                bail!("{completed} tasks are done, and for {} s there has been nothing to start", PATIENCE.as_secs());
            }
            thread::sleep(PAUSE);
            continue;
        };
        let duration = seconds.get(task.as_str()).with_context(|| format!("{task} is no package"))?;
        client.execute(&submit, &[&PROJECT, &user, duration, &task])?;
        client.execute(&release, &[&PROJECT, &user, &task])?;
        progress.count();
    }
    Ok(())
}

/// What the workers have done together.
struct Progress {
    total: usize,
    completed: AtomicUsize,
    is_aborted: AtomicBool,
    bar: ProgressBar,
}

impl Progress {
    fn new(total: usize) -> Result<Self> {
        let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} tasks  {rate}  {eta} to go")?
            .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{:.0} tasks/s", state.per_sec());
            });
        let bar = ProgressBar::new(total as u64).with_style(style);
        Ok(Self { total, completed: AtomicUsize::new(0), is_aborted: AtomicBool::new(false), bar })
    }

    fn count(&self) {
        self.completed.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(1);
    }

    fn is_over(&self) -> bool {
        self.is_aborted.load(Ordering::Relaxed) || self.completed.load(Ordering::Relaxed) >= self.total
    }
}
