//! The stream of events under load, and notifications as a listener gets them.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use client_tests::{Database, assert_invariants, setting};
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

const WRITERS: u64 = 6;
const CONSUMERS: u64 = 4;
const CHANGES: u32 = 150;

/// Whoever reads and acknowledges gets each event that is committed, once, in the order of the numbers, though writers commit in
/// any order and roll back all or parts of what they do.
#[test]
fn consumers_get_every_committed_event_once_and_in_order() {
    let database = Database::create("client_events");
    database.create_project("p", &["u"]);
    let mut client = database.connect();
    for number in 0..CONSUMERS {
        client.execute("select create_event_consumer('p', $1)", &[&consumer(number)]).unwrap();
    }
    let seed = setting("TASK_MGMT_STRESS_SEED", 1);
    let (committed, are_writing) = (Mutex::new(vec![]), AtomicBool::new(true));
    let acknowledged: Vec<Vec<Event>> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let (database, committed) = (&database, &committed);
                scope.spawn(move || write(database, seed * 1000 + number, number, committed))
            })
            .collect();
        let readers: Vec<_> = (0..CONSUMERS)
            .map(|number| {
                let (database, are_writing) = (&database, &are_writing);
                scope.spawn(move || consume(database, seed * 1000 + 500 + number, &consumer(number), are_writing))
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        are_writing.store(false, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    let history: Vec<Event> = client
        .query(
            "select event_no, coalesce(task_id, detail)
            from task_mgmt.events
            where kind in ('custom', 'created') order by event_no",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| Event { number: row.get(0), what: row.get(1) })
        .collect();
    let mut names: Vec<String> = history.iter().map(|event| event.what.clone()).collect();
    let mut committed = committed.into_inner().unwrap();
    names.sort();
    committed.sort();
    assert_eq!(names, committed);
    for events in acknowledged {
        assert_eq!(events, history);
    }
    assert_invariants(&mut client);
}

/// Two processes that share a consumer and acknowledge in the transaction that reads have each event between them once.
#[test]
fn processes_share_a_consumer() {
    let database = Database::create("client_shared_events");
    database.create_project("p", &["u"]);
    let mut client = database.connect();
    client.execute("select create_event_consumer('p', 'shared')", &[]).unwrap();
    let events: i32 = 300;
    client.execute("select publish_event('p', n::text) from generate_series(1, $1) n", &[&events]).unwrap();
    let (handled, left) = (Mutex::new(vec![]), AtomicU32::new(events.unsigned_abs()));
    thread::scope(|scope| {
        for number in 0..4 {
            let (database, handled, left) = (&database, &handled, &left);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(number);
                let mut client = database.connect();
                while left.load(Ordering::SeqCst) > 0 {
                    let mut transaction = client.transaction().unwrap();
                    let events =
                        named(&transaction.query(READ, &[&"shared", &random.random_range(1..10_i32)]).unwrap());
                    let Some(last) = events.last() else { continue };
                    transaction.query_one("select ack_events('p', 'shared', $1)", &[&last.number]).unwrap();
                    if random.random_bool(0.2) {
                        continue;
                    }
                    transaction.commit().unwrap();
                    left.fetch_sub(events.len() as u32, Ordering::SeqCst);
                    handled.lock().unwrap().extend(events.into_iter().map(|event| event.what.parse::<i32>().unwrap()));
                }
            });
        }
    });
    let mut handled = handled.into_inner().unwrap();
    handled.sort();
    assert_eq!(handled, (1..=events).collect::<Vec<_>>());
}

/// A listener hears of what was committed, once for each event, whatever wrote it; and of nothing that is not wanted.
#[test]
fn listeners_are_told_after_the_commit() {
    let database = Database::create("client_listeners");
    database.create_project("p", &["u", "v"]);
    let (mut client, mut listener) = (database.connect(), Listener::on(&database, &["task_events"]));
    let mut told = || listener.told(&mut database.connect());

    // Nobody wants to know, which each backend remembers until that changes.
    client.execute("select publish_event('p', 'unheard')", &[]).unwrap();
    assert!(told().is_empty());
    database.connect().execute(r#"select update_project('p', '{"notify_events": "all"}')"#, &[]).unwrap();
    let before: i64 = client.query_one("select max(event_no) from task_mgmt.events", &[]).unwrap().get(0);
    told();

    // What is rolled back is not told, nor is anything before the commit.
    let mut transaction = client.transaction().unwrap();
    transaction.execute("select publish_event('p', 'undone')", &[]).unwrap();
    transaction.rollback().unwrap();
    let mut transaction = client.transaction().unwrap();
    transaction.execute("select publish_event('p', 'heard')", &[]).unwrap();
    assert!(told().is_empty());
    transaction.commit().unwrap();
    assert_eq!(told().iter().map(|notice| notice["event_type"].as_str().unwrap()).collect::<Vec<_>>(), ["heard"]);

    // D33: each change of a task is told, with its id and priority.
    client
        .batch_execute(
            r#"
            select create_task('p', '{"task_id": "a", "task_type": "t", "priority": 7}');
            select start_task('p', 'u'), release_task('p', 'u', 'a'), start_task('p', 'u', 'a'), release_task('p', 'u', 'a', 'Done');
            "#,
        )
        .unwrap();
    let kinds = ["created", "started", "handed_back", "started", "completed"];
    for (notice, kind) in told().iter().zip(kinds) {
        let data = &notice["data"];
        assert_eq!(
            (&notice["event_type"], &data["task_id"], &data["priority"]),
            (&kind.into(), &"a".into(), &7.into())
        );
        assert_eq!(data["project_name"], "p");
        assert!(notice["timestamp"].is_string());
    }
    client
        .batch_execute(
            r#"
            select create_task('p', '{"task_id": "shared", "task_type": "t", "overlap": 2}');
            select start_task('p', 'u'), release_task('p', 'u', 'shared#1', 'Done'), start_task('p', 'v'), release_task('p', 'v', 'shared#2', 'Done');
            select create_task('p', '{"task_id": "idle", "task_type": "t"}'), start_task('p', 'u');
            set task_mgmt.fake_now = '2100-01-01 00:00:00+00';
            select start_task('p', 'v'), pause_task('p', 'idle'), pause_project('p'), resume_project('p');
            "#,
        )
        .unwrap();
    let heard: Vec<i64> = told().iter().map(|notice| notice["data"]["event_no"].as_i64().unwrap()).collect();
    let written: Vec<i64> = client
        .query(
            "select event_no from task_mgmt.events
            where event_no > (
                select max(event_no) from task_mgmt.events where task_id = 'a'
            ) and event_no > $1
            order by event_no",
            &[&before],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(heard, written);
    let kinds: i64 = client
        .query_one("select count(*) from task_mgmt.events where kind in ('taken_over', 'concluded')", &[])
        .unwrap()
        .get(0);
    assert_eq!(kinds, 2);
}

/// Each event has a channel of its own, and a project is told of the kinds that it wants.
#[test]
fn listeners_choose_what_they_are_told() {
    let database = Database::create("client_chosen");
    database.create_project("p", &["u"]);
    let (mut client, mut listener) =
        (database.connect(), Listener::on(&database, &["task_events:started", "task_events:of my own"]));
    client.execute(r#"select update_project('p', '{"notify_events": ["started", "custom"]}')"#, &[]).unwrap();
    client
        .batch_execute(
            r#"
            select create_task('p', '{"task_id": "a", "task_type": "t"}'), start_task('p', 'u'), release_task('p', 'u', 'a', 'Done');
            select publish_event('p', 'of my own', '{"secret": 1}', 'a'), publish_event('p', 'of others');
            "#,
        )
        .unwrap();
    let told = listener.told(&mut client);
    let types: Vec<&str> = told.iter().map(|notice| notice["event_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["started", "of my own"]);
    assert!(told[1]["data"].get("secret").is_none() && told[1]["data"]["event_no"].is_i64());
    client.execute(r#"select update_project('p', '{"notify_events": []}')"#, &[]).unwrap();
    client.execute("select publish_event('p', 'of my own')", &[]).unwrap();
    assert!(listener.told(&mut client).is_empty());
}

/// Somebody who has asked to be notified.
struct Listener(Client);

impl Listener {
    fn on(database: &Database, channels: &[&str]) -> Self {
        let mut client = database.connect();
        for channel in channels.iter().chain(&["end"]) {
            client.batch_execute(&format!("listen \"{channel}\"")).unwrap();
        }
        Self(client)
    }

    /// All that was committed before this is called.
    fn told(&mut self, client: &mut Client) -> Vec<Value> {
        client.batch_execute("notify \"end\"").unwrap();
        let mut notifications = self.0.notifications();
        let mut heard = notifications.timeout_iter(Duration::from_secs(60));
        let mut told = vec![];
        loop {
            let notification = heard.next().unwrap().expect("the end arrives");
            match notification.channel() {
                "end" => return told,
                _ => told.push(serde_json::from_str(notification.payload()).unwrap()),
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Event {
    number: i64,
    what: String,
}

fn consumer(number: u64) -> String {
    format!("consumer {number}")
}

/// Publishes events and creates tasks, alone or several in a transaction, of which parts or all may be rolled back.
fn write(database: &Database, seed: u64, writer: u64, committed: &Mutex<Vec<String>>) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut client = database.connect();
    for change in 0..CHANGES {
        let mut transaction = client.transaction().unwrap();
        let mut kept = vec![];
        for part in 0..random.random_range(1..4) {
            let mut savepoint = transaction.transaction().unwrap();
            let name = format!("{writer}-{change}-{part}");
            let call = match random.random_bool(0.5) {
                true => "select publish_event('p', $1) is null",
                false => "select create_task('p', jsonb_build_object('task_id', $1::text, 'task_type', 't')) is null",
            };
            savepoint.query_one(call, &[&name]).unwrap();
            // Others get numbers meanwhile.
            thread::sleep(Duration::from_micros(random.random_range(0..3000)));
            match random.random_bool(0.3) {
                true => savepoint.rollback().unwrap(),
                false => {
                    savepoint.commit().unwrap();
                    kept.push(name);
                }
            }
        }
        match random.random_bool(0.2) {
            true => transaction.rollback().unwrap(),
            false => {
                transaction.commit().unwrap();
                committed.lock().unwrap().extend(kept);
            }
        }
    }
}

/// Reads and acknowledges all or a part of what was read, until there is nothing any more.
fn consume(database: &Database, seed: u64, consumer: &str, are_writing: &AtomicBool) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut client = database.connect();
    let mut acknowledged: Vec<Event> = vec![];
    loop {
        // Before it reads: what was written before that is delivered in the end.
        let was_over = !are_writing.load(Ordering::SeqCst);
        let is_strict = random.random_bool(0.3);
        let level = if is_strict { "begin isolation level repeatable read" } else { "begin" };
        client.batch_execute(level).unwrap();
        let rows = client.query(READ, &[&consumer, &random.random_range(1..30_i32)]).unwrap();
        let mut events = named(&rows);
        client.batch_execute("commit").unwrap();
        assert!(events.windows(2).all(|pair| pair[0].number < pair[1].number), "{events:?} is out of order");
        if let (Some(last), Some(first)) = (acknowledged.last(), events.first()) {
            assert!(first.number > last.number, "{first:?} comes after {last:?} was acknowledged");
        }
        if events.is_empty() && was_over && is_complete(&mut client, consumer) {
            return acknowledged;
        }
        events.truncate(random.random_range(0..=events.len()));
        if let Some(last) = events.last() {
            let moved: bool =
                client.query_one("select ack_events('p', $1, $2)", &[&consumer, &last.number]).unwrap().get(0);
            assert!(moved);
            acknowledged.extend(events);
        }
    }
}

const READ: &str = "select event_no, coalesce(task_id, detail) from read_events('p', $1, $2)";

fn named(rows: &[postgres::Row]) -> Vec<Event> {
    rows.iter().map(|row| Event { number: row.get(0), what: row.get(1) }).collect()
}

/// Whether a consumer has got all that there is.
fn is_complete(client: &mut Client, consumer: &str) -> bool {
    let open = "select oldest_open_at is null from task_mgmt.event_consumers where consumer = $1";
    client.query_one(open, &[&consumer]).unwrap().get(0)
}
