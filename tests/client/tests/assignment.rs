//! Promises about handing out work that need many real connections at once.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::sync::{Barrier, Mutex};
use std::thread;

use client_tests::{Database, REFUSALS, assert_invariants, fingerprint, sqlstate, wait_until};
use postgres::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn users(number: usize) -> Vec<String> {
    (0..number).map(|number| format!("u{number}")).collect()
}

fn database(name: &str, users: &[String]) -> Database {
    let database = Database::create(name);
    database.create_project("p", &users.iter().map(String::as_str).collect::<Vec<_>>());
    database
}

fn create_tasks(client: &mut Client, number: i32) {
    client
        .execute(
            "select create_tasks('p', (
                select jsonb_agg(jsonb_build_object('task_id', number::text, 'task_type', 't'))
                from generate_series(0, $1 - 1) number
            ))",
            &[&number],
        )
        .unwrap();
}

fn start(client: &mut Client, user: &str) -> Option<String> {
    client.query_one("select start_task('p', $1)", &[&user]).unwrap().get(0)
}

#[test]
fn a_random_graph_is_drained_in_order_and_nothing_is_handed_out_twice() {
    const TASKS: i32 = 2000;
    let users = users(32);
    let database = database("client_drain", &users);
    let mut client = database.connect();
    create_tasks(&mut client, TASKS);
    let mut random = StdRng::seed_from_u64(7);
    let mut edges = HashSet::new();
    while edges.len() < 3000 {
        let (one, other) = (random.random_range(0..TASKS), random.random_range(0..TASKS));
        if one != other {
            edges.insert((one.max(other).to_string(), one.min(other).to_string()));
        }
    }
    let (tasks, upstreams): (Vec<&str>, Vec<&str>) = edges.iter().map(|(one, other)| (&one[..], &other[..])).unzip();
    client
        .execute(
            "select create_dependencies('p', (
                select jsonb_agg(jsonb_build_object(
                    'task_id', task, 'dependent_on_task_id', upstream, 'required_completion_status', 'Done'))
                from unnest($1::text[], $2::text[]) as edge (task, upstream)
            ))",
            &[&tasks, &upstreams],
        )
        .unwrap();

    let handed_out = Mutex::new(vec![]);
    thread::scope(|scope| {
        for user in &users {
            let (database, handed_out) = (&database, &handed_out);
            scope.spawn(move || {
                let mut client = database.connect();
                loop {
                    let Some(task) = start(&mut client, user) else {
                        let open = "select count(*) from task_mgmt.tasks where status <> 'completed'";
                        match client.query_one(open, &[]).unwrap().get::<_, i64>(0) {
                            0 => return,
                            _ => continue,
                        }
                    };
                    handed_out.lock().unwrap().push(task.clone());
                    client.execute("select release_task('p', $1, $2, 'Done')", &[&user, &task]).unwrap();
                }
            });
        }
    });

    let handed_out = handed_out.into_inner().unwrap();
    assert_eq!(handed_out.len(), TASKS as usize);
    assert_eq!(handed_out.iter().collect::<HashSet<_>>().len(), TASKS as usize);
    // Numbers of events, not times: two events may share a microsecond.
    let early = client
        .query(
            "select d.task_id, d.dependent_on_task_id
            from task_mgmt.dependencies d
            join task_mgmt.events s on s.task_id = d.task_id and s.kind = 'started'
            join task_mgmt.events c on c.task_id = d.dependent_on_task_id and c.kind = 'completed'
            where s.event_no < c.event_no",
            &[],
        )
        .unwrap();
    assert!(early.is_empty(), "{} tasks were started before what they wait for was complete", early.len());
    assert_invariants(&mut client);
}

#[test]
fn of_fifty_who_start_at_once_one_gets_the_only_task() {
    let users = users(50);
    let database = database("client_fifty", &users);
    create_tasks(&mut database.connect(), 1);
    let barrier = Barrier::new(users.len());
    let winners: Vec<String> = thread::scope(|scope| {
        let starters: Vec<_> = users
            .iter()
            .map(|user| {
                let (database, barrier) = (&database, &barrier);
                scope.spawn(move || {
                    let mut client = database.connect();
                    barrier.wait();
                    start(&mut client, user)
                })
            })
            .collect();
        starters.into_iter().filter_map(|starter| starter.join().unwrap()).collect()
    });
    assert_eq!(winners, ["0"]);
    assert_invariants(&mut database.connect());
}

#[test]
fn concurrent_timesheets_add_up() {
    let users = users(1);
    let database = database("client_timesheets", &users);
    create_tasks(&mut database.connect(), 1);
    start(&mut database.connect(), "u0");
    let barrier = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = database.connect();
                barrier.wait();
                client.execute("select submit_timesheet('p', 'u0', 300.25, '0')", &[]).unwrap();
            });
        }
    });
    let total = "select get_total_task_time('p', '0') = 900.75";
    assert!(database.connect().query_one(total, &[]).unwrap().get::<_, bool>(0));
}

#[test]
fn advisory_locks_of_an_application_never_meet_ours() {
    let users = users(1);
    let database = database("client_locks", &users);
    let mut client = database.connect();
    create_tasks(&mut client, 2);
    let mut ours = database.connect();
    ours.batch_execute("begin; select start_task('p', 'u0', '0')").unwrap();
    let taken = client
        .query(
            "select classid::bigint, objid::bigint, objsubid::integer
            from pg_locks where locktype = 'advisory' and database = (
                select oid from pg_database where datname = current_database()
            )",
            &[],
        )
        .unwrap();
    assert!(taken.len() >= 3, "project, user and task are locked");
    for lock in taken {
        let (class, object, kind): (i64, i64, i32) = (lock.get(0), lock.get(1), lock.get(2));
        assert!(kind > 2, "1 and 2 are PostgreSQL's own kinds of advisory lock");
        let key = ((class as u64) << 32 | object as u64) as i64;
        for query in [
            "select pg_try_advisory_lock($1) and pg_try_advisory_xact_lock($1)".to_owned(),
            format!("select pg_try_advisory_lock({}, {}) and $1::bigint is not null", class as i32, object as i32),
        ] {
            assert!(client.query_one(&query, &[&key]).unwrap().get::<_, bool>(0), "{query}");
        }
    }
    // Nor does an application that holds its locks hold us up, or release ours.
    ours.batch_execute("select pg_advisory_unlock_all()").unwrap();
    let still = "select count(*) >= 3 from pg_locks where locktype = 'advisory' and objsubid > 2";
    assert!(client.query_one(still, &[]).unwrap().get::<_, bool>(0));
    ours.batch_execute("rollback").unwrap();
}

#[test]
fn a_call_is_undone_with_its_transaction() {
    let users = users(2);
    let database = database("client_compose", &users);
    let mut client = database.connect();
    create_tasks(&mut client, 3);
    client.batch_execute("select start_task('p', 'u0', '0')").unwrap();
    let before = fingerprint(&mut client);
    client
        .batch_execute(
            r#"begin;
            select create_dependency('p',
                '{"task_id": "1", "dependent_on_task_id": "0", "required_completion_status": "Done"}');
            select submit_timesheet('p', 'u0', 5, '0');
            select release_task('p', 'u0', '0', 'Done');
            select start_task('p', 'u1');
            select reactivate_task('p', '0');
            select pause_task('p', '2');
            select update_task('p', '2', '{"priority": 7}');
            rollback"#,
        )
        .unwrap();
    assert_eq!(fingerprint(&mut client), before);
    // A refusal that the caller catches undoes its own call only.
    client
        .batch_execute(
            "do $$
            begin
                perform pause_task('p', '2');
                begin
                    perform start_task('p', 'u1', '2');
                    perform release_task('p', 'u1', '2', 'No such status');
                exception when others then null;
                end;
            end
            $$",
        )
        .unwrap();
    let task =
        client.query_one("select is_paused, status::text from task_mgmt.tasks where task_id = '2'", &[]).unwrap();
    assert_eq!((task.get::<_, bool>(0), task.get::<_, String>(1)), (true, "queued".into()));
    assert_invariants(&mut client);
}

#[test]
fn an_automatic_start_never_waits_for_a_client_that_sleeps_in_its_transaction() {
    let users = users(2);
    let database = database("client_sleeper", &users);
    let mut client = database.connect();
    create_tasks(&mut client, 3);
    let mut sleeper = database.connect();
    sleeper.batch_execute("begin; select start_task('p', 'u0', '0'); select pause_task('p', '1')").unwrap();
    client.batch_execute("set lock_timeout = '10s'").unwrap();
    assert_eq!(start(&mut client, "u1").as_deref(), Some("2"));
    let mut waiter = database.connect();
    thread::scope(|scope| {
        let refused = scope.spawn(move || waiter.execute("select start_task('p', 'u1', '1')", &[]).unwrap_err());
        assert_eq!(
            sqlstate(&refused.join().unwrap()),
            "55000",
            "another task is active: refused without waiting for one"
        );
    });
    sleeper.batch_execute("rollback").unwrap();
}

#[test]
fn kept_plans_survive_a_new_extension() {
    let users = users(1);
    let database = database("client_recreate", &users);
    let mut client = database.connect();
    create_tasks(&mut client, 1);
    assert!(start(&mut client, "u0").is_some());
    client.batch_execute("drop extension task_mgmt; create extension task_mgmt").unwrap();
    database.create_project("p", &["u0"]);
    create_tasks(&mut client, 1);
    assert!(start(&mut client, "u0").is_some());
    client.batch_execute("select release_task('p', 'u0', '0', 'Done')").unwrap();
    assert_invariants(&mut client);
}

#[test]
fn an_explicit_start_goes_on_when_the_other_backend_is_terminated() {
    let users = users(2);
    let database = database("client_terminated", &users);
    let mut client = database.connect();
    create_tasks(&mut client, 1);
    let mut first = database.connect();
    first.batch_execute("begin; select start_task('p', 'u0', '0')").unwrap();
    let pid: i32 = first.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
    let mut second = database.connect();
    thread::scope(|scope| {
        let started = scope.spawn(move || second.query_one("select start_task('p', 'u1', '0')", &[]).unwrap().get(0));
        wait_until(&mut client, "select exists (select from pg_locks where locktype = 'advisory' and not granted)");
        client.execute("select pg_terminate_backend($1)", &[&pid]).unwrap();
        let started: Option<String> = started.join().unwrap();
        assert_eq!(started.as_deref(), Some("0"));
    });
    assert_invariants(&mut client);
}

#[test]
fn a_verification_that_ends_the_task_is_refused_and_undone() {
    let users = users(1);
    let database = database("client_verification", &users);
    let mut client = database.connect();
    create_tasks(&mut client, 1);
    start(&mut client, "u0");
    for does in ["cancel_task($1, $2)", "force_release_task($1, $2)", "clear_project_data($1)"] {
        let function = format!(
            "create or replace function public.verify(text, text, text) returns jsonb language plpgsql as $$
            begin
                perform public.{does};
                return '{{\"passed\": true}}';
            end
            $$;
            select register_handler('p', 't', 'verification', 'public.verify(text, text, text)')"
        );
        client.batch_execute(&function).unwrap();
        let before = fingerprint(&mut client);
        for call in
            ["release_task('p', 'u0', '0', 'Done')", r#"update_task('p', '0', '{"completion_status": "Done"}')"#]
        {
            let refused = client.batch_execute(&format!("select {call}")).expect_err(&format!("{call} with {does}"));
            assert!(REFUSALS.contains(&sqlstate(&refused).as_str()), "{call} with {does}: {refused:?}");
            assert_eq!(fingerprint(&mut client), before, "{call} with {does}");
        }
    }
}
