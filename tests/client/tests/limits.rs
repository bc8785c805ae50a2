//! Many connections at the edge of limits of every scope: an observer who sees everything at one moment never finds more tasks running or
//! waiting than allowed, and in the end every slot is free.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use client_tests::{Database, RETRY, assert_invariants, setting, sqlstate};
use postgres::{Client, Transaction};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const SESSIONS: u64 = 16;
const AGENTS: [&str; 4] = ["a1", "a2", "a3", "a4"];

/// Limits of every scope, some of them below others; none for channel c3 and agent a4.
const LIMITS: &str = "select set_limit('p', 'project', null, 40, 7), set_limit('p', 'task_type', 'x', 20, 4), set_limit('p', 'task_type', 'y', null, 5),
    set_limit('p', 'channel', 'c1', 9, 2), set_limit('p', 'channel', 'c2', 30, 1), set_limit('p', 'agent', 'a1', 3, 2), set_limit('p', 'agent', 'a2', 5, 3),
    set_limit('p', 'agent', 'a3', null, 1)";

/// What counts towards each limit, from the tasks themselves, in one snapshot: more running than allowed, or more waiting than allowed and
/// than have come back.
const EXCEEDED: &str = "select m.scope, m.key, c.is_running, c.tasks
    from (
        select c.limit_no, c.is_running, count(*) as tasks, count(*) filter (where t.attempts > 0) as returned
        from task_mgmt.limited_task c
        join task_mgmt.task t on t.project_name = c.project_name and t.task_no = c.task_no
        group by c.limit_no, c.is_running
    ) c
    join task_mgmt.task_limit m on m.limit_no = c.limit_no
    where c.is_running and c.tasks > m.max_running or not c.is_running and c.tasks > m.max_queued and c.returned = 0";

fn prepare(database: &Database) {
    let mut client = database.connect();
    database.create_project("p", &[]);
    let users = "select create_task_type('p', '{\"task_type\": \"x\"}'), create_task_type('p', '{\"task_type\": \"y\", \"max_attempts\": 1000000}');
        select create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '[\"x\", \"y\"]'::jsonb, 'capacity', 'unlimited'))
        from unnest('{a1, a2, a3, a4}'::text[]) u";
    client.batch_execute(users).unwrap();
    client.batch_execute(LIMITS).unwrap();
}

/// A call, in its own transaction, some of which are rolled back; None if a limit or a strict snapshot refused it.
fn attempt<T>(
    client: &mut Client,
    is_kept: bool,
    call: impl Fn(&mut Transaction) -> Result<T, postgres::Error>,
) -> Option<T> {
    let mut transaction = client.transaction().unwrap();
    match call(&mut transaction) {
        Ok(result) if is_kept => {
            transaction.commit().unwrap();
            Some(result)
        }
        Ok(_) => None,
        Err(error) => {
            assert!(["53400", RETRY].contains(&sqlstate(&error).as_str()), "{error:?}");
            None
        }
    }
}

fn pick<'a>(random: &mut StdRng, among: &[&'a str]) -> &'a str {
    among[random.random_range(0..among.len())]
}

/// Creates, claims and ends tasks until told to stop; then ends what it holds. Tasks are handed back only if `comes_back`.
fn work(database: &Database, seed: u64, comes_back: bool, is_over: &AtomicBool, done: &AtomicUsize) {
    let (mut client, mut random) = (database.connect(), StdRng::seed_from_u64(seed));
    let instance = seed.to_string();
    let mut held: Vec<(String, i64)> = vec![];
    while !is_over.load(Ordering::SeqCst) || !held.is_empty() {
        let is_kept = random.random_bool(0.9);
        match random.random_range(0..10) {
            0..4 if !is_over.load(Ordering::SeqCst) => {
                let count = random.random_range(1..4_i32);
                let (kind, channel) = (pick(&mut random, &["x", "y"]), pick(&mut random, &["c1", "c2", "c3"]));
                let agent = pick(&mut random, &["", "", "", "a1", "a2", "a3"]);
                attempt(&mut client, is_kept, |transaction| {
                    transaction.execute(
                        "select create_tasks('p', jsonb_agg(jsonb_build_object('task_type', $1::text, 'channel', $2::text, 'agent', $3::text, 'priority', n)))
                        from generate_series(1, $4::integer) n",
                        &[&kind, &channel, &agent, &count],
                    )
                });
            }
            0..7 if !is_over.load(Ordering::SeqCst) => {
                let agent = pick(&mut random, &AGENTS);
                let channel = random.random_bool(0.2).then_some("c1");
                let claimed = attempt(&mut client, is_kept, |transaction| {
                    transaction.query(
                        "select task_id, lease_token from claim_tasks('p', $1, $2, channel => $3, instance => $4)",
                        &[&agent, &3, &channel, &instance],
                    )
                });
                held.extend(claimed.into_iter().flatten().map(|row| (row.get(0), row.get(1))));
            }
            _ => {
                let Some((task, token)) = held.last().cloned() else { continue };
                let call = match random.random_range(0..4) {
                    0 if comes_back => "select fail_task('p', $1, $2, 'oops', true, 0)",
                    1 if comes_back => "select snooze_task('p', $1, $2, 0)",
                    2 => "select fail_task('p', $1, $2, 'oops', false)",
                    _ => "select complete_task('p', $1, $2)",
                };
                if attempt(&mut client, is_kept, |transaction| transaction.execute(call, &[&task, &token])).is_some() {
                    held.pop();
                    done.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
    }
}

fn limits_hold(name: &str, comes_back: bool) {
    let database = Database::create(name);
    prepare(&database);
    let (is_over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let looks = thread::scope(|scope| {
        for seed in 0..SESSIONS {
            let (database, is_over, done) = (&database, &is_over, &done);
            scope.spawn(move || work(database, seed, comes_back, is_over, done));
        }
        let (mut observer, mut looks) = (database.connect(), 0);
        let wanted = 100 * setting("TASK_MGMT_STRESS_SECONDS", 10) as usize;
        while done.load(Ordering::SeqCst) < wanted {
            let exceeded = observer.query(EXCEEDED, &[]).unwrap();
            is_over.fetch_or(!exceeded.is_empty(), Ordering::SeqCst);
            let found: Vec<_> = exceeded
                .iter()
                .map(|row| (row.get::<_, String>(0), row.get::<_, String>(1), row.get::<_, i64>(3)))
                .collect();
            assert!(found.is_empty(), "more than allowed: {found:?}");
            looks += 1;
        }
        is_over.store(true, Ordering::SeqCst);
        looks
    });
    assert!(looks > 0);
    let mut client = database.connect();
    assert_invariants(&mut client);
    let running: i64 =
        client.query_one("select coalesce(sum(running), 0)::bigint from task_mgmt.limits", &[]).unwrap().get(0);
    assert_eq!(running, 0, "slots of running tasks that nobody holds");
    // What waits is worked off; then every queue is empty.
    loop {
        let claim = "select complete_task('p', task_id, lease_token) from unnest('{a1, a2, a3, a4}'::text[]) u, claim_tasks('p', u, 1)";
        if client.query(claim, &[]).unwrap().is_empty() {
            break;
        }
    }
    let left: i64 = client
        .query_one("select coalesce(sum(queued + coalesce(running, 0)), 0)::bigint from task_mgmt.limits", &[])
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
    assert_invariants(&mut client);
}

#[test]
fn no_limit_is_exceeded_at_any_moment() {
    limits_hold("client_limits", false);
}

#[test]
fn what_comes_back_keeps_new_tasks_out() {
    limits_hold("client_limits_returned", true);
}
