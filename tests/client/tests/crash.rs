//! Backends are terminated and killed and the whole server is killed while clients work. What was acknowledged is there
//! afterwards, nothing is half done, and the invariants hold.
//! TASK_MGMT_CRASH_ROUNDS makes it longer. TASK_MGMT_CLUSTER is the command that kills and starts the server (`kill`,
//! `start`); without it, and outside of tests/run, only backends are killed.

#![allow(clippy::unwrap_used)]

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use client_tests::history::{self, Ledger};
use client_tests::load::{self, Caller, Stop};
use client_tests::{Database, assert_invariants, setting};
use postgres::IsolationLevel;

const CLIENTS: u64 = 16;

#[derive(Clone, Copy, Debug)]
enum Blow {
    /// As an administrator does it.
    Terminate,
    /// SIGKILL for one backend: the server restarts by itself.
    KillBackend,
    /// SIGKILL for every process.
    KillServer,
}

#[test]
fn what_was_acknowledged_survives_every_crash() {
    let database = Database::create("client_crash");
    load::prepare(&database);
    let mut ledger = Ledger::default();
    let mut blows = vec![Blow::Terminate, Blow::KillBackend];
    match cluster() {
        Some(_) => blows.push(Blow::KillServer),
        None => println!("TASK_MGMT_CLUSTER is not set: the whole server is not killed"),
    }
    for round in 0..setting("TASK_MGMT_CRASH_ROUNDS", 2) {
        for blow in &blows {
            ledger.absorb(work_under(&database, *blow, round));
            let mut client = database.reconnect();
            assert_invariants(&mut client);
            for project in load::PROJECTS {
                history::assert_tasks_follow_from_events(&mut client, project);
                history::assert_agreement_concludes(&mut client, project);
                history::assert_ledger_is_kept(&mut client, project, &ledger);
                history::assert_traces_are_followed_up_once(&mut client, project);
            }
        }
    }
}

/// Lets clients work, strikes in the midst of it, and lets them go on.
fn work_under(database: &Database, blow: Blow, round: u64) -> Ledger {
    let ledger = Mutex::new(Ledger::default());
    let wrong = Mutex::new(vec![]);
    let (calls, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (ledger, wrong, calls, is_over) = (&ledger, &wrong, &calls, &is_over);
            scope.spawn(move || {
                let seed = (round * 10 + blow as u64) * 1000 + number;
                let mut caller = Caller::new(seed, IsolationLevel::ReadCommitted);
                let mut client = None;
                while !is_over.load(Ordering::Relaxed) {
                    let connection = client.get_or_insert_with(|| database.reconnect());
                    if connection.is_valid(Duration::from_secs(30)).is_err() || caller.settle(connection).is_err() {
                        client = None;
                        continue;
                    }
                    loop {
                        match caller.step(connection) {
                            Ok(()) => {}
                            Err(Stop::Disconnected) => {
                                client = None;
                                break;
                            }
                            Err(Stop::Wrong(what)) => {
                                wrong.lock().unwrap().push(what);
                                is_over.store(true, Ordering::Relaxed);
                            }
                        }
                        calls.fetch_add(1, Ordering::Relaxed);
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                }
                ledger.lock().unwrap().absorb(std::mem::take(&mut caller.ledger));
            });
        }
        let wait_for_calls = |number| {
            let goal = calls.load(Ordering::Relaxed) + number;
            while calls.load(Ordering::Relaxed) < goal && !is_over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
        };
        let _end = End(&is_over);
        wait_for_calls(1500);
        strike(database, blow);
        wait_for_calls(1500);
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{blow:?} in round {round}:\n{}", wrong.join("\n"));
    ledger.into_inner().unwrap()
}

/// Lets the clients stop when it goes out of scope, after a panic too.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn strike(database: &Database, blow: Blow) {
    const OTHERS: &str = "select pid from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and state = 'active'
        order by random() limit $1";
    match blow {
        Blow::Terminate => {
            for _ in 0..20 {
                let terminate = format!("select pg_terminate_backend(pid) from ({OTHERS}) as other");
                // A connection that finds all slots taken, say, only means that fewer are hit.
                let _ = database.reconnect().query(&terminate, &[&4_i64]);
            }
        }
        Blow::KillBackend => {
            let mut client = database.reconnect();
            loop {
                if let Some(row) = client.query(OTHERS, &[&1_i64]).unwrap().first() {
                    // The shell's own, as not every machine has a program of this name.
                    run(Command::new("sh").arg("-c").arg(format!("kill -KILL {}", row.get::<_, i32>(0))));
                    break;
                }
            }
        }
        Blow::KillServer => {
            let cluster = cluster().unwrap();
            run(Command::new("sh").arg("-c").arg(format!("{cluster} kill && {cluster} start")));
        }
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// The command that controls the server. tests/run exports CLUSTER, the name of its own server, for scripts/cluster.
fn cluster() -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster");
    let own = env::var("CLUSTER").ok().map(|_| format!("'{}'", script.display()));
    env::var("TASK_MGMT_CLUSTER").ok().or(own)
}
