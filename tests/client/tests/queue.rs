//! Many machines at one queue: each task ends exactly once, whatever happens to it on the way, and its attempts add up.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use client_tests::{Database, assert_invariants, history, sqlstate, wait_until};
use postgres::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

const WORKERS: usize = 64;
const TYPES: usize = 8;
const TASKS: i32 = 2400;

/// The tests take turns, as together they would need more connections than the server has.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// A project `p` with types q0, q1 and so on, and a machine for each, which may hold any number of tasks of all types.
fn prepare(name: &str, types: usize) -> (Database, Client) {
    let database = Database::create(name);
    let mut client = database.connect();
    client
        .execute(
            r#"with made as materialized (select create_project('p')), types as materialized (
                select create_task_type('p', jsonb_build_object('task_type', 'q' || n, 'completion_statuses', '["Done"]'::jsonb,
                    'lease_seconds', 0.05, 'max_attempts', 3, 'backoff', '{"base_seconds": 0.001, "max_seconds": 0.008}'::jsonb))
                from made, generate_series(0, $1::integer - 1) n
            )
            select create_user('p', jsonb_build_object('user_id', 'm' || n, 'capacity', 'unlimited', 'qualified_task_types', (
                select jsonb_agg('q' || t) from generate_series(0, $1::integer - 1) t)))
            from (select count(*) from types) as done, generate_series(0, $1::integer - 1) n"#,
            &[&(types as i32)],
        )
        .unwrap();
    (database, client)
}

/// What one worker was told: the tasks that it completed, and those that it was handed, in which attempt and when.
#[derive(Default)]
struct Told {
    completed: Vec<String>,
    handed: Vec<(String, i32, String)>,
}

#[test]
fn each_task_ends_once_whatever_happens_on_the_way() {
    let _turn = turn();
    let (database, mut client) = prepare("client_queue", TYPES);
    // Every eighth is to start later, every eighth expires soon; tasks of one type differ in priority.
    client
        .execute(
            r#"select create_tasks('p', jsonb_agg(jsonb_build_object('task_id', 'k' || n, 'task_type', 'q' || n % $2::integer, 'priority', n % 3)
                || case n % 8
                    when 1 then jsonb_build_object('run_after', to_char((clock_timestamp() + n * interval '1 ms') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
                    when 2 then jsonb_build_object('ttl_seconds', 0.1 + n / 1000.0)
                    else '{}'
                end))
            from generate_series(0, $1::integer - 1) n"#,
            &[&TASKS, &(TYPES as i32)],
        )
        .unwrap();
    client
        .batch_execute("create table public.asked as select task_id, run_after, expires_at from task_mgmt.tasks")
        .unwrap();
    let is_over = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        let (database, is_over) = (&database, &is_over);
        let workers: Vec<_> =
            (0..WORKERS).map(|number| scope.spawn(move || work(&mut database.connect(), number, is_over))).collect();
        for seed in 0..2 {
            scope.spawn(move || sweep(&mut database.connect(), seed, is_over));
        }
        scope.spawn(move || cancel_some(&mut database.connect(), is_over));
        let _over = Over(is_over);
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            assert_invariants(&mut client);
            let open: i64 =
                client.query_one("select count(*) from task_mgmt.task where status = 'queued'", &[]).unwrap().get(0);
            if open == 0 {
                break;
            }
            assert!(Instant::now() < deadline, "{open} tasks are still open");
        }
        is_over.store(true, Ordering::SeqCst);
        workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<Told>>()
    });
    assert!(
        told.iter().filter(|told| !told.handed.is_empty()).count() > WORKERS / 2,
        "hardly any worker got something"
    );
    assert_invariants(&mut client);
    history::assert_tasks_follow_from_events(&mut client, "p");
    assert_all_over(&mut client);
    assert_handed_out_in_time(&mut client, told.iter().flat_map(|told| &told.handed));
    assert_completed_as_told(&mut client, told.into_iter().flat_map(|told| told.completed).collect());
    // The mix was one: some came to each end.
    for status in ["completed", "failed", "cancelled", "expired"] {
        let count: i64 = client
            .query_one("select count(*) from task_mgmt.tasks where status::text = $1", &[&status])
            .unwrap()
            .get(0);
        assert!(count > 0, "no task is {status}");
    }
}

/// Ends the others also if an assertion fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn work(client: &mut Client, number: usize, is_over: &AtomicBool) -> Told {
    let (mut random, mut told) = (StdRng::seed_from_u64(number as u64), Told::default());
    let (user, instance) = (format!("m{}", number % TYPES), format!("i{number}"));
    let types: Option<Vec<String>> =
        (!number.is_multiple_of(4)).then(|| (0..2).map(|next| format!("q{}", (number + next) % TYPES)).collect());
    while !is_over.load(Ordering::SeqCst) {
        let seconds = if random.random_bool(0.1) { 0.001 } else { 10.0 };
        let claimed = client
            .query(
                "select task_id, lease_token, attempt, task_type, clock_timestamp()::text from claim_tasks('p', $1, $2, $3, lease_seconds => $4, instance => $5)",
                &[&user, &random.random_range(1..=10), &types, &seconds, &instance],
            )
            .unwrap();
        told.handed.extend(claimed.iter().map(|row| (row.get(0), row.get(2), row.get(4))));
        for row in &claimed {
            let (task, token, attempt): (String, i64, i32) = (row.get(0), row.get(1), row.get(2));
            let task_type: String = row.get(3);
            assert!(types.as_ref().is_none_or(|types| types.contains(&task_type)), "{task_type} was not asked for");
            if random.random_bool(0.03) {
                // The rest goes back, too, and is another's from here on.
                client.execute("select release_tasks('p', $1, $2)", &[&user, &instance]).unwrap();
                continue;
            }
            if act(client, &mut random, &task, token, attempt) == "completed" {
                told.completed.push(task);
            }
        }
        if claimed.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
    }
    told
}

/// What a worker makes of a task, and what it is told.
fn act(client: &mut Client, random: &mut StdRng, task: &str, token: i64, attempt: i32) -> String {
    let result = json!({ "attempt": attempt });
    let mut say = |call: &str, parameters: &[&(dyn postgres::types::ToSql + Sync)]| -> String {
        let parameters: Vec<_> = [&task as &(dyn postgres::types::ToSql + Sync), &token]
            .into_iter()
            .chain(parameters.iter().copied())
            .collect();
        client.query_one(&format!("select {call}"), &parameters).unwrap().get(0)
    };
    match random.random_range(0..40) {
        0..5 => say("fail_task('p', $1, $2, 'no luck')", &[]),
        5 => say("fail_task('p', $1, $2, 'no hope', retryable => false)", &[]),
        6 => say("snooze_task('p', $1, $2, 0.005)", &[]),
        7 => say("heartbeat('p', $1, $2, 0.002)", &[]),
        8..20 => say(
            "(select outcome from complete_tasks('p', jsonb_build_array(jsonb_build_object('task_id', $1::text, 'lease_token', $2::bigint, 'result', $3::jsonb))))",
            &[&result],
        ),
        _ => say("complete_task('p', $1, $2, $3::jsonb)", &[&result]),
    }
}

fn sweep(client: &mut Client, seed: u64, is_over: &AtomicBool) {
    let mut random = StdRng::seed_from_u64(seed);
    while !is_over.load(Ordering::SeqCst) {
        client.execute("select sweep($1)", &[&random.random_range(1..200)]).unwrap();
        thread::sleep(Duration::from_millis(2));
    }
}

fn cancel_some(client: &mut Client, is_over: &AtomicBool) {
    let mut random = StdRng::seed_from_u64(7);
    while !is_over.load(Ordering::SeqCst) {
        let task = format!("k{}", random.random_range(0..TASKS));
        if let Err(error) = client.execute("select cancel_task('p', $1)", &[&task]) {
            assert_eq!(sqlstate(&error), "55000", "{error:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Nothing is left of the queue, and each task has one end in its history.
fn assert_all_over(client: &mut Client) {
    let left = "select count(*) from (
            select task_no from task_mgmt.lease union all select task_no from task_mgmt.ready union all select task_no from task_mgmt.blocked
        ) as left_over";
    assert_eq!(client.query_one(left, &[]).unwrap().get::<_, i64>(0), 0, "held, ready or waiting in the end");
    let wrong = client
        .query(
            "select t.task_id || ': ' || t.status || ', attempts ' || t.attempts || ', failures ' || t.failures || ', '
                || string_agg(e.kind::text, ' ' order by e.event_no)
            from task_mgmt.tasks t
            join task_mgmt.events e using (project_name, task_id)
            group by t.project_name, t.task_id, t.status, t.attempts, t.failures
            having count(*) filter (where e.kind in ('completed', 'failed', 'cancelled', 'expired')) <> 1
                or (array_agg(e.kind order by e.event_no desc))[1]::text <> t.status::text
                or count(*) filter (where e.kind = 'started') <> t.attempts
                or count(*) filter (where e.kind in ('retried', 'lease_expired', 'failed')) <> t.failures",
            &[],
        )
        .unwrap();
    let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
    assert!(wrong.is_empty(), "{} tasks did not end once:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whoever was told that a task is completed did it, and in the attempt whose result is kept.
fn assert_completed_as_told(client: &mut Client, told: Vec<String>) {
    let once: HashSet<&String> = told.iter().collect();
    assert_eq!(once.len(), told.len(), "a completion was told twice");
    let completed = client
        .query(
            "select task_id, (result ->> 'attempt')::integer, attempts from task_mgmt.tasks where status = 'completed'",
            &[],
        )
        .unwrap();
    assert_eq!(completed.len(), told.len(), "completed, and told so");
    for row in completed {
        let task: String = row.get(0);
        assert!(once.contains(&task), "nobody was told of {task}");
        assert_eq!(row.get::<_, Option<i32>>(1), Some(row.get(2)), "{task}: by its result, and by its attempts");
    }
}

/// Nobody was given what was not due yet or had expired. A claim reads the clock once, at its beginning, and may find what has become due
/// since; so the earliest time for a task is compared with when it was there.
fn assert_handed_out_in_time<'t>(client: &mut Client, handed: impl Iterator<Item = &'t (String, i32, String)>) {
    let handed: Vec<Value> =
        handed.map(|(task, attempt, at)| json!({"task_id": task, "attempt": attempt, "handed_at": at})).collect();
    let wrong = client
        .query(
            "with turn as (
                select e.task_id, e.kind, e.occurred_at, lag(e.kind) over turns as last_kind, lag(e.occurred_at) over turns as last_at,
                    count(*) filter (where e.kind = 'started') over turns as attempt
                from task_mgmt.events e
                where e.kind in ('started', 'retried', 'lease_expired', 'snoozed')
                window turns as (partition by e.task_id order by e.event_no)
            )
            select format('%s, attempt %s: claimed at %s, handed out at %s after %s at %s, asked for %s to %s', task_id, attempt,
                occurred_at, handed_at, last_kind, last_at, run_after, expires_at)
            from jsonb_to_recordset($1) as handed (task_id text, attempt bigint, handed_at timestamptz)
            join turn using (task_id, attempt)
            join public.asked using (task_id)
            where kind = 'started' and (handed_at < run_after or occurred_at >= expires_at
                or last_kind in ('retried', 'lease_expired') and handed_at < last_at + interval '2 ms'
                or last_kind = 'snoozed' and handed_at < last_at + interval '5 ms')",
            &[&Value::from(handed)],
        )
        .unwrap();
    let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
    assert!(wrong.is_empty(), "handed out at the wrong time:\n{}", wrong.join("\n"));
}

/// When a task was open, as far as the clients can know: from before it was asked for until after its end was told.
struct Life {
    task: String,
    key: String,
    from: Instant,
    until: Option<Instant>,
}

/// An answer that says that a task has a key.
struct Claimed {
    task: String,
    key: String,
    asked: Instant,
    answered: Instant,
}

#[test]
fn of_one_key_there_is_one_open_task_whoever_asks() {
    const ROUNDS: u32 = 60;
    const KEYS: u32 = 4;
    let _turn = turn();
    let (database, mut client) = prepare("client_unique_keys", 1);
    let (lives, answers) = (Mutex::new(Vec::<Life>::new()), Mutex::new(Vec::<Claimed>::new()));
    let working = AtomicU32::new(16);
    thread::scope(|scope| {
        for number in 0..16 {
            let (database, lives, answers, working) = (&database, &lives, &answers, &working);
            scope.spawn(move || {
                let (mut client, mut random) = (database.connect(), StdRng::seed_from_u64(number));
                let mut own: Vec<(String, String)> = vec![];
                for round in 0..ROUNDS {
                    let (key, task) = (format!("u{}", random.random_range(0..KEYS)), format!("{number}.{round}"));
                    let choice = ["refuse", "existing"][random.random_range(0..2)];
                    let data = json!({"task_type": "q0", "task_id": task, "unique_key": key, "on_duplicate": choice});
                    if let Some(key) =
                        open(&mut client, "create_task('p', $1::jsonb)", &data, (&task, &key), (lives, answers))
                    {
                        own.push((task, key));
                    }
                    if own.is_empty() || random.random_bool(0.3) {
                        continue;
                    }
                    let (task, key) = own.swap_remove(random.random_range(0..own.len()));
                    let end = match random.random_range(0..2) {
                        0 => "cancel_task('p', $1)",
                        _ => r#"update_task('p', $1, '{"completion_status": "Done", "completed_user_id": "m0"}')"#,
                    };
                    client.execute(&format!("select {end}"), &[&task]).unwrap();
                    let mut known = lives.lock().unwrap();
                    known.iter_mut().rfind(|life| life.task == task).unwrap().until = Some(Instant::now());
                    drop(known);
                    if random.random_bool(0.5) {
                        let call =
                            "case when update_task('p', $1::jsonb ->> 'task_id', $1::jsonb -> 'data') then $1::jsonb ->> 'task_id' end";
                        let reopen = match end.starts_with("cancel") {
                            true => "case enqueue_task('p', $1::jsonb ->> 'task_id') when 'queued' then $1::jsonb ->> 'task_id' end",
                            false => call,
                        };
                        let data = json!({"task_id": task, "data": {"completion_status": ""}});
                        if let Some(key) = open(&mut client, reopen, &data, (&task, &key), (lives, answers)) {
                            own.push((task, key));
                        }
                    }
                }
                working.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while working.load(Ordering::SeqCst) > 0 {
            let twice = "select string_agg(unique_key, ', ') from (
                    select unique_key from task_mgmt.tasks where status = 'queued' group by unique_key having count(*) > 1
                ) as twice";
            assert_eq!(
                client.query_one(twice, &[]).unwrap().get::<_, Option<String>>(0),
                None,
                "several tasks of one key"
            );
        }
    });
    assert_invariants(&mut client);
    history::assert_tasks_follow_from_events(&mut client, "p");
    let (lives, answers) = (lives.into_inner().unwrap(), answers.into_inner().unwrap());
    assert!(answers.len() > 50, "hardly any key was taken");
    for Claimed { task, key, asked, answered } in answers {
        let explains = |life: &Life| {
            life.task == task
                && life.key == key
                && life.from <= answered
                && life.until.is_none_or(|until| until >= asked)
        };
        assert!(lives.iter().any(explains), "{task} was said to have {key} when it was not open");
    }
}

/// Asks for an open task with a key; that key if the task has it. Otherwise another task has it, and the answer is kept.
fn open(
    client: &mut Client,
    call: &str,
    data: &Value,
    (task, key): (&str, &str),
    (lives, answers): (&Mutex<Vec<Life>>, &Mutex<Vec<Claimed>>),
) -> Option<String> {
    let asked = Instant::now();
    // The answer of somebody else may come before that of this call.
    let place = {
        let mut lives = lives.lock().unwrap();
        lives.push(Life { task: task.into(), key: key.into(), from: asked, until: None });
        lives.len() - 1
    };
    let owner = match client.query_one(&format!("select {call}"), &[data]) {
        Ok(row) => row.get::<_, Option<String>>(0).unwrap(),
        Err(error) => {
            assert_eq!(sqlstate(&error), "42710", "{error:?}");
            let error = error.as_db_error().unwrap();
            let text = format!("{} {}", error.message(), error.detail().unwrap_or_default());
            text.split(['"', ' '])
                .find(|word| {
                    word.split_once('.').is_some_and(|(one, other)| {
                        [one, other]
                            .iter()
                            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
                    })
                })
                .unwrap_or_else(|| panic!("no task is named by {text}"))
                .to_owned()
        }
    };
    if owner == task {
        return Some(key.into());
    }
    // It never was.
    lives.lock().unwrap()[place].task = String::new();
    answers.lock().unwrap().push(Claimed { task: owner, key: key.into(), asked, answered: Instant::now() });
    None
}

// D21: there is nothing to wait for but the next poll.
#[test]
fn a_new_task_is_claimed_by_the_next_poll() {
    const NUMBER: usize = 20;
    let _turn = turn();
    let (database, mut client) = prepare("client_polling", 1);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _over = Over(&is_over);
        let polling = scope.spawn(|| {
            let (mut client, mut polls, mut got) = (database.connect(), vec![], HashMap::new());
            while got.len() < NUMBER && !is_over.load(Ordering::SeqCst) {
                polls.push(Instant::now());
                let claimed = client.query("select task_id from claim_tasks('p', 'm0', 10, lease_seconds => 60)", &[]);
                got.extend(claimed.unwrap().iter().map(|row| (row.get::<_, String>(0), polls.len() - 1)));
                thread::sleep(Duration::from_millis(2));
            }
            (polls, got)
        });
        let mut made = vec![];
        for number in 0..NUMBER {
            let created = client.query_one(r#"select create_task('p', '{"task_type": "q0"}')"#, &[]).unwrap();
            made.push((created.get::<_, String>(0), Instant::now()));
            wait_until(&mut client, &format!("select count(*) > {number} from task_mgmt.held_tasks"));
        }
        let (polls, got) = polling.join().unwrap();
        for (task, at) in made {
            let next = polls.iter().position(|poll| *poll > at);
            assert!(next.is_none_or(|next| got[&task] <= next), "{task} was passed over");
        }
    });
}

// D16, D36: and each of a hundred claims at once gets one.
#[test]
fn a_hundred_enqueued_at_once_are_claimed_at_once() {
    const CLIENTS: usize = 100;
    let _turn = turn();
    let (database, mut client) = prepare("client_hundred", 1);
    let (start, claim) = (Barrier::new(CLIENTS), Barrier::new(CLIENTS));
    let tasks: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (database, start, claim) = (&database, &start, &claim);
                scope.spawn(move || {
                    let (mut client, task) = (database.connect(), format!("k{number}"));
                    let data = json!({"task_type": "q0", "task_id": task, "hold": true});
                    client.execute("select create_task('p', $1::jsonb)", &[&data]).unwrap();
                    start.wait();
                    client.execute("select enqueue_task('p', $1)", &[&task]).unwrap();
                    claim.wait();
                    // Whoever is at the key of a task that has just been tried passes it over, so one may have to ask again.
                    loop {
                        let claimed =
                            client.query("select task_id from claim_tasks('p', 'm0', 1, lease_seconds => 60)", &[]);
                        if let Some(row) = claimed.unwrap().first() {
                            return row.get(0);
                        }
                    }
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(tasks.iter().collect::<HashSet<_>>().len(), CLIENTS, "a task was handed out twice");
    assert_invariants(&mut client);
}

#[test]
fn what_three_produce_two_consume_each_in_order() {
    const EACH: usize = 50;
    let _turn = turn();
    let (database, mut client) = prepare("client_producers", 1);
    let left = AtomicU32::new(3 * EACH as u32);
    let consumed: Vec<Vec<String>> = thread::scope(|scope| {
        for producer in 0..3 {
            let database = &database;
            scope.spawn(move || {
                let mut client = database.connect();
                for number in 0..EACH {
                    let data = json!({"task_type": "q0", "task_id": format!("{producer}.{number:03}")});
                    client.execute("select create_task('p', $1::jsonb)", &[&data]).unwrap();
                }
            });
        }
        let consumers: Vec<_> = (0..2)
            .map(|_| {
                let (database, left) = (&database, &left);
                scope.spawn(move || {
                    let (mut client, mut consumed) = (database.connect(), vec![]);
                    while left.load(Ordering::SeqCst) > 0 {
                        let next = "select task_id, complete_task('p', task_id, lease_token) from claim_tasks('p', 'm0', 1, lease_seconds => 60)";
                        for row in client.query(next, &[]).unwrap() {
                            assert_eq!(row.get::<_, String>(1), "completed");
                            left.fetch_sub(1, Ordering::SeqCst);
                            consumed.push(row.get(0));
                        }
                    }
                    consumed
                })
            })
            .collect();
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    let all: HashSet<&String> = consumed.iter().flatten().collect();
    assert_eq!((all.len(), consumed.iter().map(Vec::len).sum()), (3 * EACH, 3 * EACH));
    for (consumer, producer) in (0..2).flat_map(|consumer| (0..3).map(move |producer| (consumer, producer))) {
        let of_one = consumed[consumer].iter().filter(|task| task.starts_with(&format!("{producer}.")));
        assert!(of_one.is_sorted(), "consumer {consumer} got what producer {producer} made in another order");
    }
    assert_invariants(&mut client);
}

// C7
#[test]
fn two_instances_of_a_machine_share_its_work() {
    let _turn = turn();
    let (database, mut client) = prepare("client_instances", 1);
    client.batch_execute(r#"select create_task('p', '{"task_type": "q0"}') from generate_series(1, 50)"#).unwrap();
    let start = Barrier::new(2);
    thread::scope(|scope| {
        for instance in ["one", "other"] {
            let (database, start) = (&database, &start);
            scope.spawn(move || {
                let mut client = database.connect();
                let next = "select complete_task('p', task_id, lease_token) from claim_tasks('p', 'm0', 1, lease_seconds => 60, instance => $1)";
                start.wait();
                assert_eq!(client.execute(next, &[&instance]).unwrap(), 1);
                start.wait();
                while client.execute(next, &[&instance]).unwrap() > 0 {}
            });
        }
    });
    let by_instance = client
        .query("select instance, count(*) from task_mgmt.tasks where status = 'completed' group by 1 order by 1", &[])
        .unwrap();
    let instances: Vec<&str> = by_instance.iter().map(|row| row.get(0)).collect();
    assert_eq!(instances, ["one", "other"]);
    assert_eq!(by_instance.iter().map(|row| row.get::<_, i64>(1)).sum::<i64>(), 50);
}
