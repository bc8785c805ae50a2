//! A worker: worker PROJECT USER [LEASE_SECONDS]. PGHOST, PGPORT, PGUSER and PGDATABASE lead to the database.

use std::env;
use std::fs;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};
use serde_json::{Value, json};

struct Worker {
    db: Client,
    project: String,
    user: String,
    instance: String,
    lease_seconds: f64,
    is_stopping: Arc<AtomicBool>,
}

/// Your work goes here; this one waits. What it returns is the result or the error.
fn work(params: Value, attempt: i32, lost: &AtomicBool) -> Result<Value> {
    let end = Instant::now() + Duration::from_secs_f64(params["seconds"].as_f64().unwrap_or(0.0));
    while Instant::now() < end && !lost.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(10));
    }
    ensure!(i64::from(attempt) > params["failures"].as_i64().unwrap_or(0), "attempt {attempt} went wrong");
    Ok(json!({ "done_by": "Rust" }))
}

impl Worker {
    fn run(&mut self) -> Result<()> {
        self.release()?; // what this process held when its last connection broke
        while !self.is_stopping.load(Ordering::Relaxed) {
            let task = self.db.query_opt(
                "select task_id, lease_token, attempt, params
                from claim_tasks($1, $2, lease_seconds => $3, instance => $4)",
                &[&self.project, &self.user, &self.lease_seconds, &self.instance],
            )?;
            let Some(task) = task else {
                thread::sleep(Duration::from_secs(1));
                continue;
            };
            self.work_on(task.get(0), task.get(1), task.get(2), task.get(3))?;
        }
        self.release()
    }

    fn work_on(&mut self, task: &str, token: i64, attempt: i32, params: Value) -> Result<()> {
        let lost = Arc::new(AtomicBool::new(false));
        let (done, outcome) = mpsc::channel();
        let is_lost = lost.clone();
        thread::spawn(move || done.send(work(params, attempt, &is_lost)));
        let mut beaten_at = Instant::now();
        let outcome = loop {
            match outcome.recv_timeout(Duration::from_millis(100)) {
                Ok(outcome) => break outcome,
                Err(mpsc::RecvTimeoutError::Disconnected) => break Err(anyhow::anyhow!("the work panicked")),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if self.is_stopping.load(Ordering::Relaxed) {
                return Ok(());
            }
            if beaten_at.elapsed().as_secs_f64() > self.lease_seconds / 3.0 {
                beaten_at = Instant::now();
                let answer: String =
                    self.db.query_one("select heartbeat($1, $2, $3)", &[&self.project, &task, &token])?.get(0);
                lost.store(answer != "ok", Ordering::Relaxed);
            }
        };
        let completed = outcome.and_then(|result| {
            let statement = "select complete_task($1, $2, $3, $4)";
            Ok(self.db.query_one(statement, &[&self.project, &task, &token, &result])?)
        });
        let answer = completed.or_else(|error| {
            let statement = "select fail_task($1, $2, $3, $4)";
            self.db.query_one(statement, &[&self.project, &task, &token, &format!("{error:#}")])
        })?;
        println!("{task} {}", answer.get::<_, String>(0));
        Ok(())
    }

    fn release(&mut self) -> Result<()> {
        self.db.execute("select release_tasks($1, $2, $3)", &[&self.project, &self.user, &self.instance])?;
        Ok(())
    }
}

fn connect() -> Result<Client> {
    let mut config = Config::new();
    config
        .host(&env::var("PGHOST").context("PGHOST is not set")?)
        .port(env::var("PGPORT").map_or(Ok(5432), |port| port.parse())?)
        .user(&env::var("PGUSER").context("PGUSER is not set")?)
        .dbname(&env::var("PGDATABASE").context("PGDATABASE is not set")?);
    Ok(config.connect(NoTls)?)
}

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let project = arguments.next().context("which project?")?;
    let user = arguments.next().context("which user?")?;
    let lease_seconds = arguments.next().map_or(Ok(30.0), |seconds| seconds.parse())?;
    let instance = format!("{}-{}", fs::read_to_string("/proc/sys/kernel/hostname")?.trim(), process::id());
    let is_stopping = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, is_stopping.clone())?;
    while !is_stopping.load(Ordering::Relaxed) {
        let (project, user, instance) = (project.clone(), user.clone(), instance.clone());
        let ended = connect().and_then(|db| {
            Worker { db, project, user, instance, lease_seconds, is_stopping: is_stopping.clone() }.run()
        });
        if let Err(error) = ended {
            eprintln!("{error:#}");
            thread::sleep(Duration::from_secs(1));
        }
    }
    Ok(())
}
