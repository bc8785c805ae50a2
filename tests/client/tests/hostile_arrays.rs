//! Arrays of 100,000 tasks or dependencies with one bad element in the middle are refused as a whole, by its name, and soon;
//! a call never takes a lock for every row of an unbounded set.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use client_tests::{Database, assert_invariants, fingerprint, sqlstate};
use postgres::Client;

const ELEMENTS: i32 = 100_000;

/// Calls `function` with the array in table `good` of which one element is changed by `change`, an expression over `data`.
fn refused(client: &mut Client, function: &str, change: &str, code: &str, culprit: &str) {
    let before = fingerprint(client);
    let started = Instant::now();
    let error = client.query(&format!("select {function}('p', {change}) from good"), &[]).expect_err(change);
    assert!(started.elapsed() < Duration::from_secs(20), "{change} took {:?}", started.elapsed());
    let message = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
    assert_eq!(sqlstate(&error), code, "{change}: {message}");
    assert!(message.contains(culprit) && message.len() < 2000, "{change}: {message}");
    assert_eq!(fingerprint(client), before, "{change} left something");
}

#[test]
fn one_bad_task_of_many_refuses_all() {
    let database = Database::create("client_many_tasks");
    database.create_project("p", &[]);
    let mut client = database.connect();
    client
        .batch_execute(&format!(
            r#"select create_task('p', '{{"task_id": "taken", "task_type": "t"}}');
            create temp table good as
                select jsonb_agg(jsonb_build_object('task_id', 'n' || number, 'task_type', 't')) as data
                from generate_series(1, {ELEMENTS}) number"#
        ))
        .unwrap();
    let cases = [
        ("jsonb_set(data, '{50000}', 'null')", "22023", "data[50000]"),
        ("jsonb_set(data, '{50000}', '[]')", "22023", "data[50000]"),
        ("jsonb_set(data, '{50000,priority}', '\"x\"')", "22023", "data[50000].priority"),
        ("jsonb_set(data, '{50000,nope}', '1')", "22023", "data[50000].nope"),
        ("jsonb_set(data, '{50000,task_id}', '\"\"')", "22023", "data[50000].task_id"),
        ("jsonb_set(data, '{50000,task_id}', '\"n7\"')", "42710", "n7"),
        ("jsonb_set(data, '{50000,task_id}', '\"taken\"')", "42710", "taken"),
        ("jsonb_set(data, '{50000,task_type}', '\"none\"')", "P0002", "see data[50000]"),
        ("jsonb_set(data, '{50000,assigned_user_id}', '\"nobody\"')", "P0002", "see data[50000]"),
        ("jsonb_set(data, '{50000,extra_data}', '{\"seed_id\": \"1x\"}')", "22023", "data[50000].extra_data.seed_id"),
        ("jsonb_set(data, '{50000,completion_status}', '\"Done\"')", "22023", "data[50000]"),
    ];
    for (change, code, culprit) in cases {
        refused(&mut client, "create_tasks", change, code, culprit);
    }
    client.batch_execute("select create_tasks('p', data) from good").unwrap();
    refused(&mut client, "create_tasks", "data", "42710", "n");
    assert_invariants(&mut client);
}

#[test]
fn one_bad_segment_of_many_refuses_all() {
    let database = Database::create("client_many_segments");
    database.create_project("p", &[]);
    let mut client = database.connect();
    client
        .batch_execute(&format!(
            r#"select create_segment_type('p', '{{"type_name": "axon"}}');
            select create_segment('p', '{{"seed_id": 0, "seed_x": 0, "seed_y": 0, "seed_z": 0}}');
            select create_tasks('p', (
                select jsonb_agg(jsonb_build_object('task_type', 't', 'segment_seed_id', number))
                from generate_series(1, {ELEMENTS}) number
            ));
            create temp table good as
                select jsonb_agg(jsonb_build_object('seed_id', number, 'seed_x', number, 'seed_y', 0.5, 'seed_z', -1,
                    'expected_segment_type', 'axon')) as data
                from generate_series(1, {ELEMENTS}) number"#
        ))
        .unwrap();
    let cases = [
        ("jsonb_set(data, '{50000}', '7')", "22023", "data[50000]"),
        ("jsonb_set(data, '{50000,seed_x}', '\"x\"')", "22023", "data[50000].seed_x"),
        ("jsonb_set(data, '{50000,nope}', '1')", "22023", "data[50000].nope"),
        ("jsonb_set(data, '{50000,root_x}', '1')", "22023", "data[50000].root_x"),
        ("jsonb_set(data, '{50000,seed_id}', '7')", "42710", "see data[50000]"),
        ("jsonb_set(data, '{50000,seed_id}', '0')", "42710", "see data[50000]"),
        ("jsonb_set(data, '{50000,segment_type}', '\"none\"')", "P0002", "see data[50000]"),
    ];
    for (change, code, culprit) in cases {
        refused(&mut client, "create_segments", change, code, culprit);
    }
    client.batch_execute("select create_segments('p', data) from good").unwrap();
    refused(&mut client, "create_segments", "data", "42710", "see data[0]");
    let moved = client.query_one("select count(*) from task_mgmt.tasks where segment_type = 'axon'", &[]).unwrap();
    assert_eq!(moved.get::<_, i64>(0), i64::from(ELEMENTS));
    assert_invariants(&mut client);
}

#[test]
fn one_bad_dependency_of_many_refuses_all() {
    let database = Database::create("client_many_dependencies");
    database.create_project("p", &[]);
    let mut client = database.connect();
    client
        .batch_execute(&format!(
            r#"select create_tasks('p', (
                select jsonb_agg(jsonb_build_object('task_id', 'n' || number, 'task_type', 't'))
                from generate_series(0, {ELEMENTS}) number
            ));
            create temp table good as
                select jsonb_agg(jsonb_build_object('dependency_id', 'd' || number, 'task_id', 'n' || number,
                    'dependent_on_task_id', 'n' || number - 1, 'required_completion_status', 'Done')) as data
                from generate_series(1, {ELEMENTS}) number;
            select create_dependency('p', '{{"dependency_id": "taken", "task_id": "n9", "dependent_on_task_id": "n1",
                "required_completion_status": "Failed"}}')"#
        ))
        .unwrap();
    let cases = [
        ("jsonb_set(data, '{50000}', '7')", "22023", "data[50000]"),
        ("jsonb_set(data, '{50000,task_id}', '\"none\"')", "P0002", "none"),
        ("jsonb_set(data, '{50000,task_id}', '\"n50000\"')", "22023", "n50000"),
        ("jsonb_set(data, '{50000,dependent_on_task_id}', '\"n50002\"')", "22023", "n50002"),
        ("jsonb_set(data, '{50000,dependent_on_task_id}', '\"n100000\"')", "22023", "n100000"),
        ("jsonb_set(data, '{50000,dependency_id}', '\"taken\"')", "42710", "taken"),
        ("jsonb_set(data, '{50000,dependency_id}', '\"d7\"')", "42710", "d7"),
        ("jsonb_set(data, '{50000,required_completion_status}', '\"None\"')", "22023", "None"),
    ];
    for (change, code, culprit) in cases {
        refused(&mut client, "create_dependencies", change, code, culprit);
    }
    client.batch_execute("select create_dependencies('p', data) from good").unwrap();
    refused(&mut client, "create_dependencies", "data", "42710", "d");
    assert_invariants(&mut client);
}

#[test]
fn one_bad_fact_of_many_refuses_all() {
    let database = Database::create("client_many_facts");
    database.create_project("p", &[]);
    let mut client = database.connect();
    client
        .batch_execute(&format!(
            r#"select create_task('p', '{{"task_id": "one", "task_type": "t"}}');
            select create_fact('p', '{{"fact_id": "taken", "text": "x"}}');
            create temp table good as
                select jsonb_agg(jsonb_build_object('fact_id', 'n' || number, 'text', 'x', 'produced_by_task', 'one')) as data
                from generate_series(1, {ELEMENTS}) number"#
        ))
        .unwrap();
    let cases = [
        ("jsonb_set(data, '{50000}', '7')", "22023", "data[50000]"),
        ("jsonb_set(data, '{50000,text}', 'null')", "22023", "data[50000].text"),
        ("jsonb_set(data, '{50000,subject}', '\"s\"')", "22023", "data[50000].subject"),
        ("jsonb_set(data, '{50000,fact_id}', '\"n7\"')", "42710", "n7"),
        ("jsonb_set(data, '{50000,fact_id}', '\"taken\"')", "42710", "taken"),
        ("jsonb_set(data, '{50000,produced_by_task}', '\"none\"')", "P0002", "see data[50000]"),
    ];
    for (change, code, culprit) in cases {
        refused(&mut client, "create_facts", change, code, culprit);
    }
    client.batch_execute("select create_facts('p', data) from good").unwrap();
    refused(&mut client, "create_facts", "data", "42710", "n");
    assert_invariants(&mut client);
}

#[test]
fn a_project_with_many_held_tasks_can_be_brought_in() {
    const USERS: i32 = 30_000;
    let database = Database::create("client_many_held");
    database.create_project("p", &[]);
    let mut client = database.connect();
    // In parts, because the locks that each call keeps to the end of its transaction are finite.
    for part in 0..USERS / 1000 {
        client
            .execute(
                "select create_user('p', jsonb_build_object('user_id', 'u' || number))
                from generate_series($1 * 1000, $1 * 1000 + 999) number",
                &[&part],
            )
            .unwrap();
    }
    client
        .execute(
            "select create_tasks('p', (
                select jsonb_agg(jsonb_build_object('task_type', 't', 'active_user_id', 'u' || number))
                from generate_series(0, $1 - 1) number
            ))",
            &[&USERS],
        )
        .unwrap();
    assert_invariants(&mut client);
}
