//! Workers that die between claim and complete, a thousand times: each task is completed once all the same, and nothing else is left.
//! TASK_MGMT_WORKER_KILLS says how many die.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use client_tests::{Database, assert_invariants, history, setting};
use postgres::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const WORKERS: u64 = 12;
/// Too many attempts to fail for good, however many workers die.
const TYPE: &str = r#"{"task_type": "q", "completion_statuses": ["Done"], "lease_seconds": 0.03, "max_attempts": 1000000,
    "backoff": {"base_seconds": 0.001, "max_seconds": 0.005}}"#;

/// What a worker was told: the token by which a task was completed.
type Told = HashMap<String, i64>;

#[test]
fn what_dead_workers_left_is_completed_once() {
    let kills = setting("TASK_MGMT_WORKER_KILLS", 1000);
    let database = Database::create("client_queue_kills");
    let mut client = database.connect();
    client.batch_execute("select create_project('p')").unwrap();
    client.execute(&format!("select create_task_type('p', '{TYPE}')"), &[]).unwrap();
    client
        .batch_execute(
            r#"select create_user('p', '{"user_id": "m", "capacity": "unlimited", "qualified_task_types": ["q"]}')"#,
        )
        .unwrap();
    let (died, is_over, told) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Told::new()));
    let (victims, killed) = mpsc::channel();
    thread::scope(|scope| {
        let database = &database;
        scope.spawn(move || kill(&mut database.connect(), &killed));
        for seed in 0..WORKERS {
            let worker =
                Worker { database, victims: victims.clone(), random: StdRng::seed_from_u64(seed), told: Told::new() };
            let (died, is_over, told) = (&died, &is_over, &told);
            scope.spawn(move || {
                let worker_told = worker.work(kills, died, is_over);
                let mut told = told.lock().unwrap();
                for (task, token) in worker_told {
                    assert!(
                        told.insert(task.clone(), token).is_none(),
                        "two workers were told that they completed {task}"
                    );
                }
            });
        }
        drop(victims);
        let _over = Over(&is_over);
        let deadline = Instant::now() + Duration::from_secs(120 + kills / 10);
        loop {
            assert_invariants(&mut client);
            let open = "select count(*) from task_mgmt.task where status = 'queued'";
            if client.query_one(open, &[]).unwrap().get::<_, i64>(0) == 0 && died.load(Ordering::SeqCst) >= kills {
                break;
            }
            let died = died.load(Ordering::SeqCst);
            assert!(Instant::now() < deadline, "{died} workers died, and not all tasks are completed");
        }
    });
    assert_invariants(&mut client);
    history::assert_tasks_follow_from_events(&mut client, "p");
    assert_each_completed_once(&mut client);
    let told = told.into_inner().unwrap();
    println!("{} workers died, {} completions were told", died.load(Ordering::SeqCst), told.len());
    for row in client.query("select task_id, (result ->> 'token')::bigint from task_mgmt.tasks", &[]).unwrap() {
        let (task, token): (String, i64) = (row.get(0), row.get(1));
        assert!(
            told.get(&task).is_none_or(|told| *told == token),
            "{task} was completed by {token} after it was told so"
        );
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// How a worker dies.
enum Death {
    /// Its connection is closed, in the midst of a transaction or after the claim was committed.
    Drop { in_transaction: bool, after_completion: bool },
    /// Its backend is terminated at whatever it is.
    Terminate,
}

struct Worker<'a> {
    database: &'a Database,
    victims: Sender<i32>,
    random: StdRng,
    told: Told,
}

impl Worker<'_> {
    /// Every second connection dies, as long as there are to be more deaths.
    fn work(mut self, kills: u64, died: &AtomicU64, is_over: &AtomicBool) -> Told {
        let mut client = self.database.connect();
        while !is_over.load(Ordering::SeqCst) {
            let may_die = died.load(Ordering::SeqCst) < kills;
            if may_die && self.random.random_bool(0.5) {
                if self.die(client) {
                    died.fetch_add(1, Ordering::SeqCst);
                }
                client = self.database.connect();
            } else if self.complete_some(&mut client, false).unwrap() == 0 {
                match may_die {
                    true => self.create_more(&mut client),
                    false => thread::sleep(Duration::from_millis(1)),
                }
            }
        }
        self.told
    }

    fn create_more(&mut self, client: &mut Client) {
        let create =
            r#"select create_tasks('p', (select jsonb_agg('{"task_type": "q"}'::jsonb) from generate_series(1, 20)))"#;
        client.execute(create, &[]).unwrap();
    }

    /// Whether it had something in its hands when it died.
    fn die(&mut self, mut client: Client) -> bool {
        let death = match self.random.random_range(0..3) {
            0 => Death::Terminate,
            _ => Death::Drop {
                in_transaction: self.random.random_bool(0.5),
                after_completion: self.random.random_bool(0.5),
            },
        };
        match death {
            Death::Drop { in_transaction, after_completion } => {
                if in_transaction {
                    client.batch_execute("begin").unwrap();
                }
                let claimed = self.claim(&mut client).unwrap();
                if after_completion && let Some((task, token)) = claimed.first() {
                    // Without a transaction this one is completed, and dies with the others.
                    let outcome = complete(&mut client, task, *token).unwrap();
                    if outcome == "completed" && !in_transaction {
                        self.told.insert(task.clone(), *token);
                    }
                }
                claimed.len() > usize::from(after_completion && !in_transaction)
            }
            Death::Terminate => {
                let pid = client.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
                self.victims.send(pid).unwrap();
                let in_transaction = self.random.random_bool(0.5);
                let mut had = 0;
                while let Ok(claimed) = self.complete_some(&mut client, in_transaction) {
                    had += claimed;
                }
                had > 0
            }
        }
    }

    /// Claims some tasks and completes them; how many.
    fn complete_some(&mut self, client: &mut Client, in_transaction: bool) -> Result<usize, postgres::Error> {
        if in_transaction {
            client.batch_execute("begin")?;
        }
        let claimed = self.claim(client)?;
        let mut completed = Told::new();
        for (task, token) in &claimed {
            if complete(client, task, *token)? == "completed" {
                completed.insert(task.clone(), *token);
                if !in_transaction {
                    self.told.insert(task.clone(), *token);
                }
            }
        }
        if in_transaction {
            client.batch_execute("commit")?;
            self.told.extend(completed);
        }
        Ok(claimed.len())
    }

    fn claim(&mut self, client: &mut Client) -> Result<Vec<(String, i64)>, postgres::Error> {
        let most = self.random.random_range(1..4);
        let claimed = client.query("select task_id, lease_token from claim_tasks('p', 'm', $1)", &[&most])?;
        Ok(claimed.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

fn complete(client: &mut Client, task: &str, token: i64) -> Result<String, postgres::Error> {
    let call = "select complete_task('p', $1, $2, jsonb_build_object('token', $2::bigint))";
    Ok(client.query_one(call, &[&task, &token])?.get(0))
}

/// Terminates backends after a moment that differs from one to the next.
fn kill(client: &mut Client, victims: &Receiver<i32>) {
    let mut random = StdRng::seed_from_u64(99);
    while let Ok(pid) = victims.recv() {
        thread::sleep(Duration::from_micros(random.random_range(0..3000)));
        client.execute("select pg_terminate_backend($1)", &[&pid]).unwrap();
    }
}

fn assert_each_completed_once(client: &mut Client) {
    let wrong = client
        .query(
            "select t.task_id || ': ' || t.status || ', attempts ' || t.attempts || ', '
                || string_agg(e.kind::text, ' ' order by e.event_no)
            from task_mgmt.tasks t
            join task_mgmt.events e using (project_name, task_id)
            group by t.project_name, t.task_id, t.status, t.attempts, t.failures
            having t.status <> 'completed' or count(*) filter (where e.kind = 'completed') <> 1
                or count(*) filter (where e.kind = 'started') <> t.attempts
                or count(*) filter (where e.kind = 'lease_expired') <> t.failures",
            &[],
        )
        .unwrap();
    let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
    assert!(wrong.is_empty(), "{} tasks were not completed once:\n{}", wrong.len(), wrong.join("\n"));
}
