//! A random mix of all functions by many clients: no error but a documented refusal, the invariants hold at every moment, and
//! in the end the events, the tables and what the clients were told agree. I10: whatever they lock, there is no deadlock.
//! TASK_MGMT_STRESS_SECONDS and TASK_MGMT_STRESS_SEED make it longer or repeat a run.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client_tests::history::{self, Ledger};
use client_tests::load::{self, Caller, Stop};
use client_tests::{Database, Log, assert_invariants, setting};
use postgres::IsolationLevel;

const CLIENTS: u64 = 32;

#[test]
fn any_mix_of_calls_keeps_every_promise() {
    let seed = setting("TASK_MGMT_STRESS_SEED", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    let duration = Duration::from_secs(setting("TASK_MGMT_STRESS_SECONDS", 10));
    println!("TASK_MGMT_STRESS_SEED={seed}");
    let log = Log::from_here();
    let database = Database::create("client_stress");
    load::prepare(&database);

    let ledger = Mutex::new(Ledger::default());
    let wrong = Mutex::new(vec![]);
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    thread::scope(|scope| {
        let callers: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (database, ledger, wrong, is_over) = (&database, &ledger, &wrong, &is_over);
                scope.spawn(move || {
                    let mut caller = Caller::new(seed.wrapping_mul(1000).wrapping_add(number), isolation_of(number));
                    let mut client = database.connect();
                    caller.settle(&mut client).unwrap();
                    while started.elapsed() < duration && !is_over.load(Ordering::Relaxed) {
                        if let Err(stop) = caller.step(&mut client) {
                            is_over.store(true, Ordering::Relaxed);
                            wrong.lock().unwrap().push(match stop {
                                Stop::Wrong(what) => what,
                                Stop::Disconnected => "a connection was lost".into(),
                            });
                        }
                    }
                    ledger.lock().unwrap().absorb(std::mem::take(&mut caller.ledger));
                    (caller.done, caller.refused)
                })
            })
            .collect();
        let mut observer = database.connect();
        while started.elapsed() < duration && !is_over.load(Ordering::Relaxed) {
            assert_invariants(&mut observer);
        }
        let counts = callers.into_iter().map(|caller| caller.join().unwrap());
        let (done, refused) = counts.fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        println!("{done} calls carried out, {refused} refused");
        assert!(done > CLIENTS, "hardly anything was carried out");
    });

    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    let (mut client, ledger) = (database.connect(), ledger.into_inner().unwrap());
    assert_invariants(&mut client);
    for project in load::PROJECTS {
        history::assert_tasks_follow_from_events(&mut client, project);
        history::assert_agreement_concludes(&mut client, project);
        history::assert_ledger_is_kept(&mut client, project, &ledger);
        history::assert_traces_are_followed_up_once(&mut client, project);
    }
    log.assert_nothing_worse_than_errors();
}

/// An eighth of the clients each under the stricter levels, where 40001 is an answer too.
fn isolation_of(number: u64) -> IsolationLevel {
    match number % 8 {
        0 => IsolationLevel::RepeatableRead,
        1 => IsolationLevel::Serializable,
        _ => IsolationLevel::ReadCommitted,
    }
}
