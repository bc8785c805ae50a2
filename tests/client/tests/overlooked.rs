//! A backend remembers how far it has used up a queue. Tasks whose transactions commit late, in another order than they were
//! numbered, or roll back, must be found all the same: each worker here is the only one of its project, so a task that its
//! backend overlooks stays behind.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use client_tests::{Database, assert_invariants, setting};
use postgres::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const PROJECTS: u64 = 4;
const CREATORS: u64 = 5;
const USERS: [&str; 3] = ["u0", "u1", "u2"];

#[test]
fn a_task_that_commits_late_is_found() {
    let database = Database::create("client_overlooked");
    thread::scope(|scope| {
        for number in 0..PROJECTS {
            let database = &database;
            scope.spawn(move || drain_while_tasks_come(database, &format!("p{number}"), number));
        }
    });
    assert_invariants(&mut database.connect());
}

fn drain_while_tasks_come(database: &Database, project: &str, seed: u64) {
    database.create_project(project, &USERS);
    let creators_left = AtomicUsize::new(CREATORS as usize);
    thread::scope(|scope| {
        for number in 0..CREATORS {
            let creators_left = &creators_left;
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed * CREATORS + number);
                create(&mut database.connect(), project, &mut random);
                creators_left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let mut random = StdRng::seed_from_u64(1000 + seed);
        let mut worker = database.connect();
        loop {
            let are_creators_done = creators_left.load(Ordering::SeqCst) == 0;
            let is_idle = work(&mut worker, project, &mut random);
            if are_creators_done && is_idle {
                break;
            }
        }
    });
    let left = "select count(*) from task_mgmt.tasks where project_name = $1 and status <> 'completed'";
    let left: i64 = database.connect().query_one(left, &[&project]).unwrap().get(0);
    assert_eq!(left, 0, "tasks of {project} that its only worker does not see");
}

/// Transactions of one to three creations that commit in any order, or roll back.
fn create(client: &mut Client, project: &str, random: &mut StdRng) {
    for _ in 0..setting("TASK_MGMT_OVERLOOKED_ROUNDS", 150) {
        let mut transaction = client.transaction().unwrap();
        if random.random_bool(0.3) {
            transaction.batch_execute("select pg_current_xact_id()").unwrap();
        }
        for _ in 0..random.random_range(1..4) {
            let priority = random.random_range(0..3);
            let create = "select create_task($1, jsonb_build_object('task_type', 't', 'priority', $2::integer))";
            transaction.execute(create, &[&project, &priority]).unwrap();
        }
        match random.random_bool(0.8) {
            true => transaction.commit().unwrap(),
            false => transaction.rollback().unwrap(),
        }
    }
}

/// Up to three starts in one transaction, which is sometimes rolled back, then their releases; whether there was nothing to do.
fn work(worker: &mut Client, project: &str, random: &mut StdRng) -> bool {
    let is_undone = random.random_bool(0.3);
    let mut transaction = worker.transaction().unwrap();
    let mut started = vec![];
    for user in &USERS[..random.random_range(1..=USERS.len())] {
        let task = transaction.query_one("select start_task($1, $2)", &[&project, user]).unwrap();
        started.extend(task.get::<_, Option<String>>(0).map(|task| (user, task)));
    }
    if is_undone {
        transaction.rollback().unwrap();
        return false;
    }
    transaction.commit().unwrap();
    for (user, task) in &started {
        worker.execute("select release_task($1, $2, $3, 'Done')", &[&project, user, task]).unwrap();
    }
    started.is_empty()
}
