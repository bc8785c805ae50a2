//! Edit events and updates of segments from many clients at once, from clients that crash, and in large numbers.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use client_tests::{Database, assert_invariants, wait_until};
use postgres::Client;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const CLIENTS: usize = 8;

/// A project with segments and supervoxels 1 to `count`, each with a root of its own.
fn prepare(name: &str, count: i32) -> (Database, Client) {
    let database = Database::create(name);
    database.create_project("p", &[]);
    let mut client = database.connect();
    client
        .batch_execute(&format!(
            "select create_segments('p', (
                select jsonb_agg(jsonb_build_object(
                    'seed_id', number, 'seed_x', 1, 'seed_y', 1, 'seed_z', 1, 'current_segment_id', number))
                from generate_series(1, {count}) number));
            select populate_supervoxels_from_segments('p')"
        ))
        .unwrap();
    (database, client)
}

fn roots(client: &mut Client) -> String {
    let roots = "select string_agg(v.current_segment_id || ' ' || s.current_segment_id, ', ' order by seed_id)
        from task_mgmt.supervoxel v join task_mgmt.segment s on s.seed_id = v.supervoxel_id";
    client.query_one(roots, &[]).unwrap().get(0)
}

/// Each event merges a root with the one that the event before made: 1 and 2 become 1002, 1002 and 3 become 1003, and so on.
#[test]
fn events_in_any_order_and_delivered_twice_come_to_the_same() {
    const SEGMENTS: i32 = 60;
    let (database, mut client) = prepare("client_edit_events", SEGMENTS);
    let mut events: Vec<i32> = (2..=SEGMENTS).chain(2..=SEGMENTS).collect();
    events.shuffle(&mut StdRng::seed_from_u64(1));
    let events = Mutex::new(events);
    let moved = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = database.connect();
                loop {
                    let Some(event) = events.lock().unwrap().pop() else { return };
                    let deliver = format!(
                        "select update_supervoxels_for_merge('p', array[{event}, {} + {event}], 1000 + {event},
                            'e{event}', '2020-01-01'::timestamptz + interval '1 hour' * {event})",
                        if event == 2 { -1 } else { 999 }
                    );
                    *moved.lock().unwrap() += client.query_one(&deliver, &[]).unwrap().get::<_, i64>(0);
                }
            });
        }
    });
    let last = 1000 + SEGMENTS;
    assert_eq!(roots(&mut client), vec![format!("{last} {last}"); SEGMENTS as usize].join(", "));
    let recorded = "select sum(supervoxels_moved)::bigint, count(*) from task_mgmt.segment_edit_event";
    let recorded = client.query_one(recorded, &[]).unwrap();
    assert_eq!((recorded.get(0), recorded.get(1)), (moved.into_inner().unwrap(), i64::from(SEGMENTS) - 1));
    assert_invariants(&mut client);
}

#[test]
fn two_workers_never_get_the_same_update() {
    const SEGMENTS: i32 = 400;
    let (database, mut client) = prepare("client_segment_updates", SEGMENTS);
    client
        .batch_execute("select queue_segment_updates_for_seeds('p', array(select seed_id from task_mgmt.segment))")
        .unwrap();
    let claimed = Mutex::new(vec![]);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (database, claimed) = (&database, &claimed);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(number as u64);
                let mut client = database.connect();
                loop {
                    let project = if random.random() { "'p'" } else { "null" };
                    let claim = format!("select seed_id::text, token from claim_segment_update({project})");
                    let mut transaction = client.transaction().unwrap();
                    let Some(row) = transaction.query_opt(&claim, &[]).unwrap() else { return };
                    if random.random_ratio(1, 4) {
                        transaction.rollback().unwrap();
                        continue;
                    }
                    transaction.commit().unwrap();
                    let (seed, token): (String, i64) = (row.get(0), row.get(1));
                    let complete = format!("select complete_segment_update('p', {seed}, {token})");
                    assert!(client.query_one(&complete, &[]).unwrap().get::<_, bool>(0));
                    claimed.lock().unwrap().push(seed);
                }
            });
        }
    });
    let claimed = claimed.into_inner().unwrap();
    assert_eq!(claimed.len() as i32, SEGMENTS);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), claimed.len());
    assert_invariants(&mut client);
}

#[test]
fn the_update_of_a_crashed_worker_comes_back() {
    let (database, mut client) = prepare("client_crashed_worker", 2);
    client
        .batch_execute(
            "set task_mgmt.fake_now = '2030-01-01 00:00+00'; select queue_segment_updates_for_seeds('p', '{1, 2}')",
        )
        .unwrap();
    let claim = "select seed_id::text, attempt, token from claim_segment_update('p', lease_seconds => 60)";
    let mut worker = database.connect();
    worker.batch_execute("set task_mgmt.fake_now = '2030-01-01 00:00+00'").unwrap();
    let lost: (String, i64) = worker.query_one(claim, &[]).map(|row| (row.get(0), row.get(2))).unwrap();
    worker.batch_execute("begin").unwrap();
    let undone: String = worker.query_one(claim, &[]).unwrap().get(0);
    terminate(&mut worker, &mut client);

    // What was not committed is there at once; what was, when the lease ends.
    assert_eq!(client.query_one(claim, &[]).unwrap().get::<_, String>(0), undone);
    client.batch_execute("set task_mgmt.fake_now = '2030-01-01 00:00:59.999+00'").unwrap();
    assert!(client.query_opt(claim, &[]).unwrap().is_none());
    client.batch_execute("set task_mgmt.fake_now = '2030-01-01 00:01+00'").unwrap();
    let mut again = BTreeSet::new();
    for _ in 0..2 {
        let row = client.query_one(claim, &[]).unwrap();
        assert_eq!(row.get::<_, i32>(1), 2);
        again.insert(row.get::<_, String>(0));
    }
    assert!(again.contains(&lost.0));
    let late = format!("select complete_segment_update('p', {}, {})", lost.0, lost.1);
    assert!(!client.query_one(&late, &[]).unwrap().get::<_, bool>(0));
    assert_invariants(&mut client);
}

fn terminate(worker: &mut Client, by: &mut Client) {
    let process: i32 = worker.query_one("select pg_backend_pid()", &[]).unwrap().get(0);
    by.execute("select pg_terminate_backend($1)", &[&process]).unwrap();
    wait_until(by, &format!("select not exists (select from pg_stat_activity where pid = {process})"));
}

/// Locks are finite, so none is taken for each of so many.
#[test]
fn one_event_moves_a_hundred_thousand() {
    const SEGMENTS: i32 = 100_000;
    let (_database, mut client) = prepare("client_large_edit", SEGMENTS);
    let started = Instant::now();
    let calls = [
        format!("update_supervoxels_for_merge('p', array(select generate_series(1, {SEGMENTS})::numeric), 0, 'merge', '2020-01-01')"),
        format!(
            "update_supervoxels_for_split('p', 0, array(select generate_series(1, {SEGMENTS})::numeric), (
                select jsonb_object_agg(number, number) from generate_series(1, {SEGMENTS}) number), 'split', '2020-01-02')"
        ),
        format!("queue_segment_updates('p', array(select generate_series(1, {SEGMENTS})::numeric))"),
    ];
    for call in &calls {
        let count: i64 = client.query_one(&format!("select {call}"), &[]).unwrap().get(0);
        assert_eq!(count, i64::from(SEGMENTS), "{call}");
    }
    assert!(started.elapsed() < Duration::from_secs(120), "took {:?}", started.elapsed());
    assert_invariants(&mut client);
}
