//! Everybody works at once, each through a connection of their own, until nothing is left to do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use task_mgmt_server::database::Database;

use crate::desk::Desk;
use crate::people::{PEOPLE, Person, Role};
use crate::trace::Trace;

/// Between two questions for work when all that is left waits for what others hold.
const PAUSE: Duration = Duration::from_millis(10);
/// When nothing was completed for so long, nothing ever will be.
const PATIENCE: Duration = Duration::from_secs(120);
/// Refusals that are shown one by one.
const SHOWN: usize = 25;

/// What those who work share.
pub struct Shift<'a> {
    pub project: &'static str,
    /// By their seeds.
    pub traces: BTreeMap<u64, &'a Trace<'a>>,
    completed: AtomicUsize,
    refused: AtomicUsize,
    is_aborted: AtomicBool,
    bar: ProgressBar,
    booked: Mutex<BTreeMap<&'static str, u64>>,
}

/// What came of a shift, as those who worked noted it.
pub struct Report {
    pub completed: usize,
    pub refused: usize,
    /// Seconds of each user.
    pub booked: BTreeMap<&'static str, u64>,
}

/// Lets everybody work. When one fails, the others stop.
pub fn work(database: &Database, project: &'static str, traces: &[Trace]) -> Result<Report> {
    let shift = Shift::new(project, traces)?;
    let people: Vec<&Person> = PEOPLE.iter().filter(|person| person.role != Role::Newcomer).collect();
    let barrier = Barrier::new(people.len());
    let results: Vec<Result<()>> = thread::scope(|scope| {
        let (shift, barrier) = (&shift, &barrier);
        let start = |person: &'static Person| {
            scope.spawn(move || {
                let desk = Desk::open(database, shift, person);
                barrier.wait();
                let result = desk.and_then(|mut desk| shift.attend(&mut desk));
                shift.is_aborted.fetch_or(result.is_err(), Ordering::Relaxed);
                result.with_context(|| format!("{} could not work", person.user_id))
            })
        };
        let threads: Vec<_> = people.into_iter().map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("somebody panicked")))).collect()
    });
    shift.bar.finish_and_clear();
    results.into_iter().collect::<Result<()>>()?;
    let report = Report {
        completed: shift.completed.into_inner(),
        refused: shift.refused.into_inner(),
        booked: shift.booked.into_inner().unwrap_or_default(),
    };
    if report.refused > SHOWN {
        println!("and {} refusals more", report.refused - SHOWN);
    }
    Ok(report)
}

impl<'a> Shift<'a> {
    fn new(project: &'static str, traces: &'a [Trace<'a>]) -> Result<Self> {
        let style = ProgressStyle::with_template("{spinner} {human_pos} tasks completed, {per_sec}")?;
        Ok(Self {
            project,
            traces: traces.iter().map(|trace| (trace.cell.seed_id, trace)).collect(),
            completed: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            is_aborted: AtomicBool::new(false),
            bar: ProgressBar::new_spinner().with_style(style),
            booked: Mutex::default(),
        })
    }

    pub fn note_completed(&self) {
        self.completed.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(1);
    }

    pub fn note_refused(&self, user: &str, task: &str, status: &str, message: &str) {
        if self.refused.fetch_add(1, Ordering::Relaxed) < SHOWN {
            self.bar.suspend(|| println!("{user}, {task}, {status}: {message}"));
        }
    }

    pub fn note_booked(&self, user: &'static str, seconds: u64) {
        if let Ok(mut booked) = self.booked.lock() {
            *booked.entry(user).or_default() += seconds;
        }
    }

    /// A review may open a trace again, so whoever finds nothing asks again until nothing is open.
    fn attend(&self, desk: &mut Desk) -> Result<()> {
        let mut last_progress = (0, Instant::now());
        while !self.is_aborted.load(Ordering::Relaxed) {
            if desk.do_next()? {
                continue;
            }
            if desk.is_all_done()? {
                break;
            }
            let completed = self.completed.load(Ordering::Relaxed);
            if completed != last_progress.0 {
                last_progress = (completed, Instant::now());
            } else if last_progress.1.elapsed() > PATIENCE {
                bail!("for {} s nothing was completed, but some tasks are open", PATIENCE.as_secs());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}
