//! Every argument of every function gets every hostile value of its type, and every key of an object every hostile JSON value,
//! the others being valid. Allowed are success and a documented refusal that names the culprit and changes
//! nothing. The list of functions is the database's own, so a new function is tested as soon as it exists.

#![allow(clippy::unwrap_used)]

use client_tests::hostile::{self, Value};
use client_tests::{Database, Log, REFUSALS, assert_invariants, fingerprint};
use postgres::Client;
use postgres::types::ToSql;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// Nobody reads a longer message, and the server's log keeps every one.
const LONGEST_MESSAGE: usize = 4000;

/// Their objects have whatever keys the caller likes, or they have no objects.
const WITHOUT_KEYS: [&str; 6] = ["assignments", "extra_layers", "notify_events", "points", "sinks", "sources"];

/// The data of these is whatever the caller likes.
const WITH_ANY_DATA: [&str; 2] = ["merge_metadata", "publish_event"];

struct Function {
    name: String,
    arguments: Vec<(String, String)>,
}

fn functions(client: &mut Client) -> Vec<Function> {
    client
        .query(
            "select p.proname::text, array(
                    select proargnames[i] from generate_series(1, p.pronargs) i
                ), array(
                    select format_type(p.proargtypes[i - 1], null) from generate_series(1, p.pronargs) i
                )
            from pg_depend d
            join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
            join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
            where e.extname = 'task_mgmt' and d.deptype = 'e' and p.pronamespace <> 'task_mgmt'::regnamespace
            order by p.proname",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| {
            let (names, types): (Vec<String>, Vec<String>) = (row.get(1), row.get(2));
            Function { name: row.get(0), arguments: names.into_iter().zip(types).collect() }
        })
        .collect()
}

fn prepare(name: &str) -> (Database, Client) {
    let database = Database::create(name);
    database.create_project("p", &["ann", "bob"]);
    let mut client = database.connect();
    client
        .batch_execute(
            "do $$
            begin
                create role client_hostile;
            exception when duplicate_object or unique_violation then null;
            end
            $$",
        )
        .unwrap();
    client.batch_execute(hostile::FIXTURE).unwrap();
    client.execute("select read_events('p', 'reading')", &[]).unwrap();
    (database, client)
}

impl Function {
    /// Calls it with `hostile` in one place and what is valid in the others.
    fn call(&self, client: &mut Client, place: usize, hostile: &Value) -> Result<u64, postgres::Error> {
        let mut texts: Vec<&str> = vec![];
        let values: Vec<Value> = (0..self.arguments.len())
            .map(|index| match index == place {
                true => hostile.clone(),
                false => hostile::valid(&self.name, &self.arguments[index].0),
            })
            .collect();
        let mut expressions = vec![];
        for (value, (argument, _)) in values.iter().zip(&self.arguments) {
            texts.extend(value.text.as_deref());
            expressions.push(format!("{argument} => {}", value.expression.replace("$1", &format!("${}", texts.len()))));
        }
        let parameters: Vec<&(dyn ToSql + Sync)> = texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        client.execute(&format!("select * from {}({})", self.name, expressions.join(", ")), &parameters)
    }

    /// A complaint if the function does not take the value as it should. `names` are what a refusal may mention.
    fn complaint(&self, client: &mut Client, place: usize, value: &Value, names: &[&str]) -> Option<String> {
        client.batch_execute("begin").unwrap();
        let result = self.call(client, place, value);
        client.batch_execute("rollback").unwrap_or_else(|error| panic!("lost by {}: {error}", self.name));
        let error = result.err()?;
        let found =
            error.as_db_error().unwrap_or_else(|| panic!("lost by {} {}: {error}", self.name, value.describe()));
        // Outside of a transaction, so that what it might leave behind stays for the fingerprint to see.
        assert!(self.call(client, place, value).is_err(), "{} {}: refused only once", self.name, value.describe());
        let message = format!("{} {}", found.message(), found.detail().unwrap_or_default());
        let complaint = if !REFUSALS.contains(&found.code().code()) {
            format!("SQLSTATE {}", found.code().code())
        } else if message.len() > LONGEST_MESSAGE {
            format!("a message of {} bytes", message.len())
        } else if !names.iter().any(|name| !name.is_empty() && message.to_lowercase().contains(&name.to_lowercase())) {
            format!("the message names none of {names:?}")
        } else {
            return None;
        };
        let start: String = message.chars().take(160).collect();
        Some(format!("{}({} = {}): {complaint}: {start}", self.name, self.arguments[place].0, value.describe()))
    }
}

#[test]
fn every_argument_takes_or_refuses_every_value() {
    let log = Log::from_here();
    let (database, mut client) = prepare("client_hostile");
    let mut complaints = vec![];
    for function in functions(&mut client) {
        client.batch_execute("begin").unwrap();
        if let Err(error) = function.call(&mut client, usize::MAX, &hostile::values("boolean")[0]) {
            complaints.push(format!("{}: the valid call fails: {error:?}", function.name));
        }
        client.batch_execute("rollback").unwrap();
        let before = fingerprint(&mut client);
        for (place, (argument, sql_type)) in function.arguments.iter().enumerate() {
            for value in hostile::values(sql_type) {
                let short: String = value.text.clone().unwrap_or_default().chars().take(20).collect();
                // A function that does not exist has no name but its number.
                let oid =
                    value.expression.split("::").next().filter(|_| sql_type == "regprocedure").unwrap_or_default();
                let names = [argument.as_str(), argument.split('_').next().unwrap(), short.as_str(), oid];
                complaints.extend(function.complaint(&mut client, place, &value, &names));
            }
        }
        assert_eq!(fingerprint(&mut client), before, "refused calls of {} left something", function.name);
    }
    finish(database, client, &log, complaints);
}

#[test]
fn every_key_takes_or_refuses_every_value() {
    let log = Log::from_here();
    let (database, mut client) = prepare("client_hostile_keys");
    let mut complaints = vec![];
    for function in functions(&mut client) {
        let before = fingerprint(&mut client);
        for (place, (argument, sql_type)) in function.arguments.iter().enumerate() {
            let has_keys =
                !WITHOUT_KEYS.contains(&argument.as_str()) && !WITH_ANY_DATA.contains(&function.name.as_str());
            if sql_type != "jsonb" || !has_keys {
                continue;
            }
            let valid = hostile::valid(&function.name, argument).text.unwrap();
            let keys = keys(&function, &mut client, place);
            assert!(!keys.is_empty(), "{} names no keys of {argument} when it meets an unknown one", function.name);
            for key in keys {
                for part in hostile::json_parts() {
                    let object = with_key(&valid, &key, &part);
                    let text = serde_json::from_str::<String>(&part).unwrap_or_default();
                    let names = [argument.as_str(), key.as_str(), key.split('_').next().unwrap(), text.as_str()];
                    complaints.extend(function.complaint(&mut client, place, &Value::json(&object), &names));
                }
            }
        }
        assert_eq!(fingerprint(&mut client), before, "refused calls of {} left something", function.name);
    }
    finish(database, client, &log, complaints);
}

/// Whatever the present is said to be: a function works, or refuses that.
#[test]
fn every_function_bears_the_ends_of_time() {
    let log = Log::from_here();
    let (database, mut client) = prepare("client_hostile_times");
    let mut complaints = vec![];
    for present in ["0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00", "10000-01-01 00:00+00", "0001-12-31 BC"]
        .into_iter()
        .chain(["294276-12-31 23:59:59+00", "4713-01-01 BC", "infinity", "-infinity"])
    {
        client.execute("select set_config('task_mgmt.fake_now', $1, false)", &[&present]).unwrap();
        for function in functions(&mut client) {
            client.batch_execute("begin").unwrap();
            let result = function.call(&mut client, usize::MAX, &hostile::values("boolean")[0]);
            client.batch_execute("rollback").unwrap();
            let error = result.as_ref().err().map(|error| error.as_db_error().unwrap());
            complaints.extend(
                error.filter(|error| !REFUSALS.contains(&error.code().code())).map(|error| {
                    format!("{} at {present}: {} {}", function.name, error.code().code(), error.message())
                }),
            );
        }
    }
    client.batch_execute("reset task_mgmt.fake_now").unwrap();
    finish(database, client, &log, complaints);
}

/// The longest and shortest delays and durations, at the beginning and at the end of time, and what then can be read.
#[test]
fn every_delay_ends_within_time() {
    const CALLS: [&str; 9] = [
        r#"create_task('p', '{"task_id": "last", "task_type": "t", "priority": 101, "ttl_seconds": SECONDS, "max_attempts": 9,
            "backoff": {"base_seconds": SECONDS, "factor": 1000, "max_seconds": 1e300, "jitter": 1}}')"#,
        "claim_tasks('p', 'machine', lease_seconds => SECONDS)",
        "heartbeat('p', 'last', lease_token, SECONDS) from task_mgmt.held_tasks where task_id = 'last'",
        "heartbeat('p', 'last', lease_token) from task_mgmt.held_tasks where task_id = 'last'",
        "renew_lease('p', 'machine', 'last')",
        "extend_ttl('p', 'last', SECONDS)",
        "fail_task('p', 'last', lease_token, 'words') from task_mgmt.held_tasks where task_id = 'last'",
        r#"update_task('p', 'last', '{"run_after": "9999-12-31T23:59:59-23:59:59"}')"#,
        "list_expiring_tasks('p', SECONDS), get_task('p', 'last'), remaining_ttl('p', 'last')",
    ];
    const VIEWS: [&str; 3] = ["tasks", "held_tasks", "events"];
    let log = Log::from_here();
    let (database, mut client) = prepare("client_hostile_delays");
    for present in ["0001-01-01 00:00+00", "9999-12-31 23:59:59.999999+00"] {
        for seconds in ["315360000", "5e-324", "0.000001"] {
            client.execute("select set_config('task_mgmt.fake_now', $1, false)", &[&present]).unwrap();
            client.batch_execute("begin").unwrap();
            for call in CALLS.map(|call| format!("select {}", call.replace("SECONDS", seconds))) {
                client.batch_execute(&call).unwrap_or_else(|error| panic!("{call} at {present}: {error:?}"));
            }
            for view in VIEWS {
                client.simple_query(&format!("select * from task_mgmt.{view}")).unwrap();
            }
            assert_invariants(&mut client);
            client.batch_execute("rollback").unwrap();
        }
    }
    client.batch_execute("reset task_mgmt.fake_now").unwrap();
    finish(database, client, &log, vec![]);
}

#[test]
fn names_of_full_length_work_everywhere() {
    let database = Database::create("client_hostile_names");
    let mut client = database.connect();
    let mut random = StdRng::seed_from_u64(1);
    // Characters of four bytes that do not repeat, so that no index entry can be compressed.
    let mut name = || -> String { (0..200).map(|_| random.random_range('\u{20000}'..='\u{2a6d0}')).collect() };
    let (project, user, kind, segment, status, one, other) = (name(), name(), name(), name(), name(), name(), name());
    let data = |data: serde_json::Value| data.to_string();
    let calls = [
        format!("create_project('{project}', notify_events => '\"all\"')"),
        format!("create_event_consumer('{project}', '{user}', '{{\"from\": \"beginning\"}}')"),
        format!(
            "create_task_type('{project}', '{}')",
            data(json!({"task_type": kind, "completion_statuses": [status]}))
        ),
        format!(
            "create_user('{project}', '{}')",
            data(json!({"user_id": user, "qualified_task_types": [kind], "qualified_segment_types": [segment]}))
        ),
        format!(
            "create_task('{project}', '{}')",
            data(json!({"task_id": one, "task_type": kind, "segment_type": segment}))
        ),
        format!(
            "create_task('{project}', '{}')",
            data(json!({"task_id": other, "task_type": kind, "segment_type": segment}))
        ),
        format!(
            "create_dependency('{project}', '{}')",
            data(json!({"task_id": other, "dependent_on_task_id": one, "required_completion_status": status}))
        ),
        format!("create_segment_type('{project}', '{}')", data(json!({"type_name": segment}))),
        format!(
            "create_segment('{project}', '{}')",
            data(json!({"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": segment}))
        ),
        format!("start_task('{project}', '{user}')"),
        format!("submit_timesheet('{project}', '{user}', 1, '{one}')"),
        format!("release_task('{project}', '{user}', '{one}', '{status}')"),
        format!("start_task('{project}', '{user}', '{other}')"),
        format!("create_merge_edit('{project}', '{other}', '{user}', '[]')"),
        format!("update_supervoxels_for_merge('{project}', '{{1}}', 2, '{status}', now(), '{kind}')"),
        format!("claim_segment_update('{project}', '{user}')"),
        format!("publish_event('{project}', 'mine', task_id => '{one}', dedupe_key => '{status}')"),
        format!("read_events('{project}', '{user}')"),
    ];
    for call in calls {
        let what = call.split('(').next().unwrap();
        client.batch_execute(&format!("select {call}")).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    }
    assert_invariants(&mut client);
}

/// The keys that a function knows, from its refusal of another one.
fn keys(function: &Function, client: &mut Client, place: usize) -> Vec<String> {
    let valid = hostile::valid(&function.name, &function.arguments[place].0).text.unwrap();
    let unknown = Value::json(&with_key(&valid, "no such key", "1"));
    let error = function.call(client, place, &unknown).expect_err("an unknown key is refused");
    let message = error.as_db_error().unwrap().message().to_owned();
    message.split('`').skip(1).step_by(2).filter(|key| *key != "no such key").map(str::to_owned).collect()
}

/// The object, or the second object of an array, with one key more. The first one is as valid as before.
fn with_key(valid: &str, key: &str, part: &str) -> String {
    match valid.strip_prefix('[') {
        Some(rest) => format!("[{}, {}]", rest.trim_end_matches(']'), with_key(rest.trim_end_matches(']'), key, part)),
        None => {
            let start = valid.trim_end_matches('}');
            let comma = if start.len() > 1 { ", " } else { "" };
            format!("{start}{comma}\"{key}\": {part}}}")
        }
    }
}

fn finish(database: Database, mut client: Client, log: &Log, complaints: Vec<String>) {
    assert_invariants(&mut client);
    drop((client, database));
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
    log.assert_nothing_worse_than_errors();
}
