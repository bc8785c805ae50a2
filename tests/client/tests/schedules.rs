//! Schedules that many sessions evaluate at once, while others redefine and pause them: each due time gets one task.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use client_tests::{Database, assert_invariants};
use postgres::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const PROJECTS: [&str; 3] = ["a", "b", "c"];
const SESSIONS: u64 = 8;
const SCHEDULES: i32 = 12;

/// 2030-01-01, from where the minutes of the test are counted.
const START: &str = "timestamptz '2030-01-01 00:00:00+00'";

fn set_time(client: &mut Client, minute: i64) {
    let set =
        format!("select set_config('task_mgmt.fake_now', ({START} + make_interval(mins => $1::integer))::text, false)");
    client.execute(&set, &[&i32::try_from(minute).unwrap()]).unwrap();
}

/// In each project as many schedules that are due every minute, with all that was missed; each names a task type of its own, whose
/// lane does not exist yet.
fn prepare(database: &Database) {
    let mut client = database.connect();
    set_time(&mut client, 0);
    for project in PROJECTS {
        database.create_project(project, &[]);
        client
            .execute(
                "select create_task_type($1, jsonb_build_object('task_type', 't' || n)),
                    schedule_task($1, 's' || n, '* * * * *', data => jsonb_build_object('task_type', 't' || n), misfire_policy => 'all')
                from generate_series(1, $2) n",
                &[&project, &SCHEDULES],
            )
            .unwrap();
    }
}

/// What a session's calls returned and committed: project, name and due time of each task.
type Runs = Vec<(String, String, i64)>;

/// Calls until told to stop, at times that advance, in one project or in all, and rolls some calls back.
fn evaluate(database: &Database, seed: u64, minute: &AtomicI64, most_minutes: i64) -> Runs {
    let (mut client, mut random, mut runs) = (database.connect(), StdRng::seed_from_u64(seed), vec![]);
    loop {
        let now = minute.fetch_add(i64::from(random.random_bool(0.3)), Ordering::SeqCst).min(most_minutes);
        set_time(&mut client, now);
        let project = PROJECTS.get(random.random_range(0..PROJECTS.len() + 1)).copied();
        let mut transaction = client.transaction().unwrap();
        let due = transaction
            .query(
                "select project_name, name, extract(epoch from due_at)::bigint / 60, error is null
                from run_due_schedules($1, $2)",
                &[&project, &random.random_range(1..20)],
            )
            .unwrap();
        assert!(due.iter().all(|row| row.get(3)), "a task could not be created");
        if random.random_bool(0.2) {
            transaction.rollback().unwrap();
            continue;
        }
        transaction.commit().unwrap();
        runs.extend(due.iter().map(|row| (row.get(0), row.get(1), row.get(2))));
        if due.is_empty() && project.is_none() && now == most_minutes {
            return runs;
        }
    }
}

#[test]
fn each_due_time_gets_one_task_whoever_evaluates() {
    const MINUTES: i64 = 60;
    let database = Database::create("client_schedules");
    prepare(&database);
    let minute = AtomicI64::new(0);
    let mut runs: Runs = thread::scope(|scope| {
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|seed| {
                let (database, minute) = (&database, &minute);
                scope.spawn(move || evaluate(database, seed, minute, MINUTES))
            })
            .collect();
        sessions.into_iter().flat_map(|session| session.join().unwrap()).collect()
    });
    // A session may have stopped while another one's rollback was outstanding.
    runs.extend(evaluate(&database, SESSIONS, &minute, MINUTES));
    let total = PROJECTS.len() as i64 * i64::from(SCHEDULES) * MINUTES;
    assert_eq!(runs.len() as i64, total);
    runs.sort();
    runs.dedup();
    assert_eq!(runs.len() as i64, total, "a due time was told twice");
    let mut client = database.connect();
    let counted = client
        .query_one(
            "select count(*), count(distinct (r.project_name, r.task_id)),
                (select count(*) from task_mgmt.tasks), (
                    select count(*)
                    from task_mgmt.schedule_runs r
                    join task_mgmt.tasks t on t.project_name = r.project_name and t.task_id = r.task_id
                    where t.task_type = replace(r.name, 's', 't')
                )
            from task_mgmt.schedule_runs r",
            &[],
        )
        .unwrap();
    let counts: Vec<i64> = (0..4).map(|column| counted.get(column)).collect();
    assert_eq!(counts, [total; 4]);
    assert_invariants(&mut client);
}

#[test]
fn redefining_and_pausing_meanwhile_makes_no_due_time_come_twice() {
    const MINUTES: i64 = 90;
    let database = Database::create("client_schedules_changed");
    prepare(&database);
    let (minute, is_over) = (AtomicI64::new(0), AtomicBool::new(false));
    let runs: Runs = thread::scope(|scope| {
        let changes = scope.spawn(|| {
            let (mut client, mut random, mut number) = (database.connect(), StdRng::seed_from_u64(99), 0);
            while !is_over.load(Ordering::SeqCst) {
                number += 1;
                set_time(&mut client, minute.load(Ordering::SeqCst).min(MINUTES));
                let project = PROJECTS[random.random_range(0..PROJECTS.len())];
                let name = format!("s{}", random.random_range(1..=SCHEDULES));
                let change = match random.random_range(0..3) {
                    0 => "select pause_schedule($1, $2), $3::integer",
                    1 => "select resume_schedule($1, $2), $3::integer",
                    _ => {
                        "select schedule_task($1, $2, '* * * * *', data => jsonb_build_object('task_type', 't', 'priority', $3::integer), misfire_policy => 'all')"
                    }
                };
                client.execute(change, &[&project, &name, &(number % 100)]).unwrap();
            }
        });
        let sessions: Vec<_> = (0..SESSIONS)
            .map(|seed| {
                let (database, minute) = (&database, &minute);
                scope.spawn(move || evaluate(database, seed, minute, MINUTES))
            })
            .collect();
        let runs = sessions.into_iter().map(|session| session.join());
        let runs: Vec<_> = runs.collect();
        is_over.store(true, Ordering::SeqCst);
        changes.join().unwrap();
        runs.into_iter().flat_map(Result::unwrap).collect()
    });
    let told = runs.len();
    let mut distinct = runs;
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), told, "a due time was told twice");
    let mut client = database.connect();
    let tasks: i64 = client.query_one("select count(*) from task_mgmt.tasks", &[]).unwrap().get(0);
    assert_eq!(tasks, told as i64);
    assert_invariants(&mut client);
}
