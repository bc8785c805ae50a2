//! What a call costs grows with the number of tasks that it is about, not faster, and not with that of others in the project:
//! in pages read, and in rows that its statements handle, as auto_explain counts them. Indexes grow deeper, hence the tolerance.
//! What Rust code does with lists in memory is not seen here.

#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{self, Receiver};

use client_tests::{Database, wait_until};
use postgres::Client;
use serde_json::Value;

const FEW: u32 = 250;
const TIMES: u32 = 8;

#[test]
fn a_call_costs_what_the_tasks_cost_that_it_is_about() {
    grows_with_its_objects(&Database::create("client_costs"), &CREATION, &LIFE);
}

#[test]
fn a_call_costs_what_the_segments_cost_that_it_is_about() {
    grows_with_its_objects(&Database::create("client_segment_costs"), &SEGMENT_CREATION, &SEGMENT_LIFE);
}

#[test]
fn a_sweep_costs_what_the_tasks_cost_that_it_ends() {
    grows_with_its_objects(&Database::create("client_costs_of_sweeps"), &QUEUE_CREATION, &QUEUE_LIFE);
}

fn grows_with_its_objects(database: &Database, creation: &[&'static str], life: &[&'static str]) {
    let mut session = Session::open(database);
    let few = session.costs("few", FEW, 1, creation, life);
    let among_others = session.costs("among_others", FEW, FEW * TIMES, creation, life);
    let many = session.costs("many", FEW * TIMES, 1, creation, life);
    for ((few, among_others), many) in few.iter().zip(&among_others).zip(&many) {
        assert!(among_others.is_at_most(2.0, few), "among others: {among_others:?} instead of {few:?}");
        assert!(many.is_at_most(2.0 * f64::from(TIMES), few), "{TIMES} times as many: {many:?} instead of {few:?}");
    }
}

/// To compile a plan takes longer than what it finds by an index.
#[test]
fn no_statement_of_a_call_is_compiled() {
    let database = Database::create("client_compiled");
    database.create_project("p", &["u"]);
    let mut session = Session::open(&database);
    for call in ["start_task_cross_project('u')", "count(*) from task_mgmt.tasks", "list_tasks_summary('p')"] {
        session.client.batch_execute(&format!("select {call}")).unwrap();
        let compiled = session.plans.try_iter().find(|plan| plan.contains(r#""JIT""#));
        assert_eq!(compiled, None, "{call}");
    }
}

/// Whether there is a state to expand is known from what a start reads anyway.
#[test]
fn a_start_looks_at_the_state_only_to_expand_it() {
    let database = Database::create("client_starts");
    database.create_project("p", &["u"]);
    let mut session = Session::open(&database);
    for (state, is_looked_at) in [("{}", false), (r#"{"seed_id": 5}"#, true)] {
        for start in
            ["start_task('p', 'u')", "start_task('p', 'u', 'one')", "task_id from start_task_cross_project('u')"]
        {
            let create = format!(r#"create_task('p', '{{"task_id": "one", "task_type": "t", "ng_state": {state}}}')"#);
            session.client.batch_execute(&format!("select {create}")).unwrap();
            session.plans.try_iter().for_each(drop);
            session.client.batch_execute(&format!("select {start}")).unwrap();
            let looks_at_it = session.plans.try_iter().any(|plan| plan.contains("ng_state"));
            assert_eq!(looks_at_it, is_looked_at, "{start} of {state}");
            session.client.batch_execute("select clear_project_data('p')").unwrap();
        }
    }
}

/// Tasks of which the user has done a copy stay in front of the queue as long as others are to do theirs.
#[test]
fn a_start_asks_about_many_at_once_what_is_done() {
    const DONE: usize = 200;
    let database = Database::create("client_copies_done");
    database.create_project("p", &["u"]);
    let mut session = Session::open(&database);
    let work = format!(
        r#"do $$ begin
            perform create_task('p', '{{"task_type": "t", "overlap": 2}}') from generate_series(1, {DONE});
            perform release_task('p', 'u', start_task('p', 'u'), 'Done') from generate_series(1, {DONE});
        end $$"#
    );
    database.connect().batch_execute(&work).unwrap();
    session.plans.try_iter().for_each(drop);
    session.client.batch_execute("select start_task('p', 'u')").unwrap();
    let statements = session.plans.try_iter().count();
    assert!(statements < DONE / 10, "{statements} statements for {DONE} tasks that are done");
}

/// Whoever claims an update stands at the front of the queue at once, however long it is and whatever is over or leased.
#[test]
fn a_claim_costs_the_same_in_a_long_queue() {
    let database = Database::create("client_costs_of_claims");
    let mut session = Session::open(&database);
    let few = session.cost_of_a_claim("few", FEW);
    for other in [session.cost_of_a_claim("many", 100_000), session.cost_of_a_claim("few_among_others", FEW)] {
        assert!(other.is_at_most(2.0, &few), "{other:?} instead of {few:?}");
    }
}

/// A consumer stands at its position at once, however much comes before and after it.
#[test]
fn a_read_costs_the_same_in_a_long_history() {
    let database = Database::create("client_costs_of_reads");
    let mut session = Session::open(&database);
    let few = session.cost_of_reads("few", FEW);
    for other in [session.cost_of_reads("many", 100_000), session.cost_of_reads("few_among_others", FEW)] {
        assert!(other.is_at_most(2.0, &few), "{other:?} instead of {few:?}");
    }
}

/// Machines stand at the front of the queue at once, however much waits, is over, or is for others beside it.
#[test]
fn a_machine_pays_for_nothing_that_waits() {
    let database = Database::create("client_costs_of_machines");
    let mut session = Session::open(&database);
    let few = session.costs_of_machines("few", 5);
    for others in [session.costs_of_machines("many", 5000), session.costs_of_machines("few_among_others", 5)] {
        for (few, other) in few.iter().zip(&others) {
            assert!(other.is_at_most(2.0, few), "{other:?} instead of {few:?}");
        }
    }
}

/// Whoever meets expired tasks ends them, so the next ones do not meet them any more.
#[test]
fn what_has_expired_is_met_few_times() {
    let database = Database::create("client_costs_of_expired");
    let mut session = Session::open(&database);
    let mut cost = |project: &str, expired: u32| {
        database.create_project(project, &["m"]);
        let fill = r#"select update_user('PROJECT', 'm', '{"capacity": "unlimited"}');
            select create_tasks('PROJECT', (
                select jsonb_agg(jsonb_build_object('task_type', 't', 'priority', 99, 'ttl_seconds', 1e-6)) from generate_series(1, NUMBER) number));
            select create_tasks('PROJECT', (select jsonb_agg(jsonb_build_object('task_type', 't')) from generate_series(1, 10) number));
            select claim_tasks('PROJECT', 'm') from generate_series(0, NUMBER / 1000);
            vacuum task_mgmt.ready"#;
        database.run(&fill_in(fill, project, "", expired));
        session.cost("claim_tasks('PROJECT', 'm')", project)
    };
    let (few, many) = (cost("few", 10), cost("many", 4000));
    assert!(many.is_at_most(2.0, &few), "{many:?} instead of {few:?}");
}

/// One session, because the plans of its statements are kept that are made when there is little in the tables.
struct Session<'a> {
    database: &'a Database,
    client: Client,
    plans: Receiver<String>,
}

impl<'a> Session<'a> {
    fn open(database: &'a Database) -> Self {
        let (sender, plans) = mpsc::channel();
        let mut client = database.connect_noticing(move |notice| sender.send(notice.message().to_owned()).unwrap());
        let explain = "load 'auto_explain'; set auto_explain.log_level = notice; set auto_explain.log_min_duration = 0;
            set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
            set auto_explain.log_buffers = on; set auto_explain.log_timing = off; set auto_explain.log_format = json";
        client.batch_execute(explain).unwrap();
        Self { database, client, plans }
    }

    /// The cost of a claim in a new project where as many updates wait, are leased, and are over.
    fn cost_of_a_claim(&mut self, project: &str, updates: u32) -> Cost {
        let fill = "select create_project('PROJECT');
            select create_segments('PROJECT', (
                select jsonb_agg(jsonb_build_object(
                    'seed_id', number, 'seed_x', 1, 'seed_y', 1, 'seed_z', 1, 'current_segment_id', number))
                from generate_series(1, 3 * NUMBER) number));
            select queue_segment_updates('PROJECT', array(select generate_series(1, 3 * NUMBER)::numeric));
            update task_mgmt.segment_update set status = 'completed', available_at = null, last_attempt = now()
            where project_name = 'PROJECT' and seed_id <= NUMBER;
            update task_mgmt.segment_update
            set status = 'processing', token = 1, worker = 'w', available_at = now() + interval '1 hour'
            where project_name = 'PROJECT' and seed_id > 2 * NUMBER;
            vacuum task_mgmt.segment_update";
        self.database.run(&fill_in(fill, project, "", updates));
        self.plans.try_iter().for_each(drop);
        self.client.batch_execute(&format!("select claim_segment_update('{project}')")).unwrap();
        self.plans.try_iter().fold(Cost::of("claim_segment_update"), |cost, notice| cost.with(&notice, updates))
    }

    /// The cost of reading a few events at the beginning and in the middle of the history of a new project.
    fn cost_of_reads(&mut self, project: &str, events: u32) -> Cost {
        self.database.create_project(project, &["u"]);
        let fill = "select create_tasks('PROJECT', (
                select jsonb_agg(jsonb_build_object('task_type', 't')) from generate_series(1, NUMBER) number));
            select publish_event('PROJECT', 'event') from generate_series(1, NUMBER);
            select create_event_consumer('PROJECT', 'c', jsonb_build_object('from', 'beginning'));
            vacuum task_mgmt.event";
        self.database.run(&fill_in(fill, project, "", events));
        let mut client = self.database.connect();
        let settled = format!(
            "select settled_no >= (select max(event_no) from task_mgmt.event) from task_mgmt.event_consumers left join lateral (
                select from read_events('{project}', 'c') limit 1
            ) read on true where project_name = '{project}'"
        );
        wait_until(&mut client, &settled);
        self.plans.try_iter().for_each(drop);
        let read = format!("select read_events('{project}', 'c', 10)");
        self.client.batch_execute(&read).unwrap();
        let middle = format!(
            "select ack_events('{project}', 'c', (select max(task_no) from task_mgmt.task where project_name = '{project}'))"
        );
        client.batch_execute(&middle).unwrap();
        self.client.batch_execute(&read).unwrap();
        self.plans.try_iter().fold(Cost::of("read_events"), |cost, notice| cost.with(&notice, 1))
    }

    /// What machines pay in a new project in which as many tasks wait for each reason, are over, or are for others.
    fn costs_of_machines(&mut self, project: &str, waiting: u32) -> Vec<Cost> {
        self.database.create_project(project, &["m", "idle", "other"]);
        self.database.run(&fill_in(WAITING, project, "", waiting));
        MACHINES.iter().map(|call| self.cost(call, project)).collect()
    }

    fn cost(&mut self, call: &'static str, project: &str) -> Cost {
        self.plans.try_iter().for_each(drop);
        self.client.batch_execute(&format!("select {}", fill_in(call, project, "", 0))).unwrap();
        self.plans.try_iter().fold(Cost::of(call), |cost, notice| cost.with(&notice, 1))
    }

    /// The costs of what a new project goes through in which many objects belong to one, and others to another one.
    fn costs(
        &mut self,
        project: &str,
        objects: u32,
        others: u32,
        creation: &[&'static str],
        life: &[&'static str],
    ) -> Vec<Cost> {
        self.database.create_project(project, &["u"]);
        let create_others: String = creation.iter().map(|call| format!("select {call};")).collect();
        self.database.connect().batch_execute(&fill_in(&create_others, project, "other", others)).unwrap();
        let cost = |call: &&'static str| {
            self.client.batch_execute(&format!("select {}", fill_in(call, project, "task", objects))).unwrap();
            self.plans.try_iter().fold(Cost::of(call), |cost, notice| cost.with(&notice, objects))
        };
        creation.iter().chain(life).map(cost).collect()
    }
}

/// As many tasks that are scheduled, retried later, expired, failed, cancelled, held back, on hold, blocked, paused, somebody else's,
/// and of another type in the same channel, all of them more urgent than those that can be claimed.
const WAITING: &str = r#"
    select create_task_type('PROJECT', '{"task_type": "other"}'), create_task_type('PROJECT', '{"task_type": "none"}');
    select update_user('PROJECT', u, '{"capacity": "unlimited", "qualified_task_types": ["t", "other"]}') from unnest('{m, other}'::text[]) u;
    select update_user('PROJECT', 'm', '{"qualified_task_types": ["t"]}'), update_user('PROJECT', 'idle', '{"qualified_task_types": ["none"]}');
    select create_tasks('PROJECT', jsonb_agg(jsonb_build_object('task_id', name || number, 'task_type', 't', 'priority', 99, 'channel', 'c') || data::jsonb))
    from generate_series(1, NUMBER) number, (values
        ('scheduled', '{"run_after": "9000-01-01T00:00:00Z"}'), ('retried', '{"run_after": "9000-01-01T00:00:00Z"}'),
        ('expired', '{"ttl_seconds": 1e-6}'), ('failed', '{"max_attempts": 1, "priority": 101}'), ('cancelled', '{}'),
        ('held_back', '{"is_active": false}'), ('on_hold', '{"hold": true, "ttl_seconds": 1e8}'), ('blocked', '{}'),
        ('paused', '{"is_paused": true}'), ('of_other', '{"agent": "other"}'), ('leased', '{"priority": 100}'), ('typed', '{"task_type": "other"}')
    ) as kinds (name, data);
    select fail_task('PROJECT', task_id, lease_token, 'words')
    from generate_series(1, (NUMBER + 99) / 100) turn
    cross join lateral claim_tasks('PROJECT', 'other', least(100, NUMBER) + 0 * turn, own_tasks => 'none');
    select cancel_task('PROJECT', 'cancelled' || number) from generate_series(1, NUMBER) number;
    select create_dependencies('PROJECT', jsonb_agg(jsonb_build_object('task_id', 'blocked' || number, 'dependent_on_task_id', 'scheduled1',
        'required_completion_status', 'Done'))) from generate_series(1, NUMBER) number;
    update task_mgmt.task set attempts = 1, failures = 1 where project_name = 'PROJECT' and task_id like 'retried%';
    select sweep(100000);
    select count(*)
    from generate_series(1, (NUMBER + 99) / 100) turn
    cross join lateral claim_tasks('PROJECT', 'other', least(100, NUMBER) + 0 * turn, lease_seconds => 1e8, own_tasks => 'none');
    select create_tasks('PROJECT', jsonb_agg(jsonb_build_object('task_id', 'live' || number, 'task_type', 't', 'channel', 'c')
        || case when number % 4 = 0 then '{"agent": "m"}' else '{}' end::jsonb)) from generate_series(1, 80) number;
    vacuum"#;

const MACHINES: [&str; 13] = [
    "claim_tasks('PROJECT', 'm')",
    "claim_tasks('PROJECT', 'm', 10)",
    "claim_tasks('PROJECT', 'm', 2, array['t'], 'c')",
    "claim_tasks('PROJECT', 'm', 2, own_tasks => 'only')",
    "claim_tasks('PROJECT', 'm', 2, channel => 'c', own_tasks => 'only')",
    "release_tasks('PROJECT', 'm')",
    "claim_tasks('PROJECT', 'idle')",
    "complete_task('PROJECT', task_id, lease_token) from claim_tasks('PROJECT', 'm')",
    "complete_tasks('PROJECT', (
        select jsonb_agg(jsonb_build_object('task_id', task_id, 'lease_token', lease_token)) from claim_tasks('PROJECT', 'm', 10)))",
    "fail_task('PROJECT', task_id, lease_token, 'words') from claim_tasks('PROJECT', 'm')",
    "snooze_task('PROJECT', task_id, lease_token, 60) from claim_tasks('PROJECT', 'm')",
    "heartbeat('PROJECT', task_id, lease_token) from claim_tasks('PROJECT', 'm')",
    "create_task('PROJECT', jsonb_build_object('task_type', 't', 'unique_key', 'key', 'run_after', '9000-01-01T00:00:00Z'))",
];

const CREATION: [&str; 2] = [
    "create_tasks('PROJECT', (
        select jsonb_agg(jsonb_build_object('task_id', 'TASK' || number, 'task_type', 't', 'priority', 50 - sign(number)))
        from generate_series(0, NUMBER) number
    ))",
    "create_dependencies('PROJECT', (
        select jsonb_agg(jsonb_build_object('dependency_id', 'TASK' || number, 'task_id', 'TASK' || number,
            'dependent_on_task_id', 'TASK0', 'required_completion_status', 'Done'))
        from generate_series(1, NUMBER) number
    ))",
];

const LIFE: [&str; 8] = [
    "release_task('PROJECT', 'u', start_task('PROJECT', 'u', 'TASK0'), 'Done')",
    "undo_release('PROJECT', 'u', 'TASK0')",
    "release_task('PROJECT', 'u', 'TASK0', 'Done')",
    "reactivate_task('PROJECT', 'TASK0')",
    r#"update_task('PROJECT', 'TASK0', '{"completion_status": "Done", "completed_user_id": "u"}')"#,
    r#"update_task('PROJECT', 'TASK0', '{"completion_status": "Failed"}')"#,
    "count(pause_task('PROJECT', 'TASK' || number)) from generate_series(1, NUMBER / 10) number",
    "count(delete_dependency('PROJECT', 'TASK' || number)) from generate_series(1, NUMBER / 10) number",
];

const QUEUE_CREATION: [&str; 1] = ["create_tasks('PROJECT', (
    select jsonb_agg(jsonb_build_object('task_id', 'TASK' || number, 'task_type', 't')) from generate_series(1, NUMBER) number))"];

const QUEUE_LIFE: [&str; 5] = [
    "create_tasks('PROJECT', (
        select jsonb_agg(jsonb_build_object('task_id', 'TASK late ' || number, 'task_type', 't', 'ttl_seconds', 1e-6))
        from generate_series(1, NUMBER) number
    ))",
    "sum(tasks_expired) from sweep(100000)",
    "create_tasks('PROJECT', (
        select jsonb_agg(jsonb_build_object('task_id', 'TASK due ' || number, 'task_type', 't',
            'run_after', to_char((clock_timestamp() + interval '1 s') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')))
        from generate_series(1, NUMBER) number
    )), pg_sleep(1.1)",
    "sum(tasks_freed) from sweep(100000)",
    "delete_tasks('PROJECT', array(select 'TASK' || number from generate_series(1, NUMBER) number))",
];

const SEGMENT_CREATION: [&str; 3] = [
    "create_tasks('PROJECT', (
        select jsonb_agg(jsonb_build_object('task_id', 'TASK' || number, 'task_type', 't', 'segment_seed_id', SEED))
        from generate_series(1, NUMBER) number
    ))",
    "create_segment_type('PROJECT', jsonb_build_object('type_name', 'TASK'))",
    "create_segments('PROJECT', (
        select jsonb_agg(jsonb_build_object('seed_id', SEED, 'seed_x', 0, 'seed_y', 0, 'seed_z', 0,
            'expected_segment_type', 'TASK', 'current_segment_id', SEED))
        from generate_series(1, NUMBER) number
    ))",
];

const SEGMENT_LIFE: [&str; 14] = [
    "create_tasks('PROJECT', (
        select jsonb_agg(jsonb_build_object('task_type', 't', 'segment_seed_id', SEED))
        from generate_series(1, NUMBER) number
    ))",
    "ingest_segments('PROJECT', (
        select jsonb_agg(jsonb_build_object('seed_id', SEED, 'seed_x', 0, 'seed_y', 0, 'seed_z', 0,
            'expected_segment_type', 'TASK'))
        from generate_series(1, NUMBER) number
    ))",
    r#"count(update_segment('PROJECT', SEED, '{"status": "Proofread"}')) from generate_series(1, NUMBER / 10) number"#,
    r#"count(update_segment('PROJECT', SEED, '{"expected_segment_type": null}')) from generate_series(1, 10) number"#,
    "list_segments('PROJECT', jsonb_build_object('current_segment_id', SEED)) from generate_series(1, 10) number",
    "list_segments('PROJECT', max_rows => 10)",
    "ingest_segments('PROJECT', jsonb_build_array(jsonb_build_object('seed_id', SEED + 1000000000, 'seed_x', 0, 'seed_y', 0,
            'seed_z', 0, 'current_segment_id', SEED, 'expected_segment_type', 'TASK')))
        from generate_series(1, 10) number",
    "retire_duplicate_segments('PROJECT', dry_run => false, current_segment_ids => array[SEED])
        from generate_series(1, 10) number",
    "count(get_segment('PROJECT', SEED)), count(get_segment_tasks('PROJECT', SEED))
        from generate_series(1, NUMBER / 10) number",
    "count(link_segment_task('PROJECT', SEED, 'TASK1')) from generate_series(1, NUMBER / 10) number",
    "replace_endpoints('PROJECT', SEED, 'u', (
        select jsonb_agg(jsonb_build_object('x', point, 'y', 0, 'z', 0, 'status', 'CERTAIN'))
        from generate_series(1, NUMBER) point
    )) from (select 1) as one (number)",
    "replace_endpoints('PROJECT', SEED, 'u', (
        select jsonb_agg(jsonb_build_object('x', point, 'y', 0, 'z', 0, 'status', 'UNCERTAIN'))
        from generate_series(NUMBER / 2, 2 * NUMBER) point
    )) from (select 1) as one (number)",
    "lock_segments('PROJECT', array_agg(SEED)) from generate_series(1, NUMBER) number",
    "cardinality(get_unlocked_segments('PROJECT', array_agg(SEED))) from generate_series(1, NUMBER) number",
];

/// SEED is a seed that the others do not have, by its number.
fn fill_in(call: &str, project: &str, task: &str, number: u32) -> String {
    let first_seed = if task == "other" { 1_000_000 } else { 0 };
    call.replace("PROJECT", project)
        .replace("TASK", task)
        .replace("NUMBER", &number.to_string())
        .replace("SEED", &format!("({first_seed} + number)"))
}

#[derive(Debug)]
#[expect(dead_code, reason = "the call is for the message")]
struct Cost {
    call: &'static str,
    rows: f64,
    pages: f64,
}

impl Cost {
    fn of(call: &'static str) -> Self {
        Self { call, rows: 0.0, pages: 0.0 }
    }

    /// Adds a statement. The call itself comes last, and its pages are those of all statements within.
    fn with(self, notice: &str, longest_list: u32) -> Self {
        let (_, plan) = notice.split_once("plan:").unwrap();
        let plan = &serde_json::from_str::<Value>(plan).unwrap()["Plan"];
        let pages = number(plan, "Shared Hit Blocks") + number(plan, "Shared Read Blocks");
        Self { rows: self.rows + rows(plan, longest_list), pages, ..self }
    }

    fn is_at_most(&self, times: f64, other: &Self) -> bool {
        self.rows <= times * other.rows && self.pages <= times * other.pages
    }
}

/// The rows that a plan handles. One that is compared with a list counts as often as the list may be long.
fn rows(plan: &Value, longest_list: u32) -> f64 {
    let kinds =
        ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter", "Rows Removed by Index Recheck"];
    let handled: f64 = kinds.iter().map(|kind| number(plan, kind)).sum();
    let compares_lists = plan["Filter"].as_str().is_some_and(|filter| filter.contains("ANY ($"));
    let own = if compares_lists { handled * f64::from(longest_list) } else { handled };
    let below = plan["Plans"].as_array().into_iter().flatten();
    (1.0 + own) * number(plan, "Actual Loops") + below.map(|plan| rows(plan, longest_list)).sum::<f64>()
}

fn number(plan: &Value, key: &str) -> f64 {
    plan[key].as_f64().unwrap_or_default()
}
