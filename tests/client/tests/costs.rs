//! What a call costs grows with the number of tasks that it is about, not faster, and not with that of others in the project:
//! in pages read, and in rows that its statements handle, as auto_explain counts them. Indexes grow deeper, hence the tolerance.
//! What Rust code does with lists in memory is not seen here.

#![allow(clippy::unwrap_used)]

use std::sync::mpsc::{self, Receiver};

use client_tests::Database;
use postgres::Client;
use serde_json::Value;

const FEW: u32 = 250;
const TIMES: u32 = 8;

#[test]
fn a_call_costs_what_the_tasks_cost_that_it_is_about() {
    let database = Database::create("client_costs");
    let mut session = Session::open(&database);
    let few = session.costs("few", FEW, 1);
    let among_others = session.costs("among_others", FEW, FEW * TIMES);
    let many = session.costs("many", FEW * TIMES, 1);
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
            insert into task_mgmt.segment
                (project_name, seed_id, seed_x, seed_y, seed_z, current_segment_id, created_at, updated_at)
            select 'PROJECT', number, 1, 1, 1, number, now(), now() from generate_series(1, 3 * NUMBER) number;
            select queue_segment_updates('PROJECT', array(select generate_series(1, 3 * NUMBER)::numeric));
            update task_mgmt.segment_update set status = 'completed', available_at = null, last_attempt = now()
            where project_name = 'PROJECT' and seed_id <= NUMBER;
            update task_mgmt.segment_update
            set status = 'processing', token = 1, worker = 'w', available_at = now() + interval '1 hour'
            where project_name = 'PROJECT' and seed_id > 2 * NUMBER;
            vacuum task_mgmt.segment_update";
        let mut client = self.database.connect();
        for statement in fill_in(fill, project, "", updates).split(';') {
            client.batch_execute(statement).unwrap();
        }
        self.plans.try_iter().for_each(drop);
        self.client.batch_execute(&format!("select claim_segment_update('{project}')")).unwrap();
        self.plans.try_iter().fold(Cost::of("claim_segment_update"), |cost, notice| cost.with(&notice, updates))
    }

    /// The costs of what a new project goes through in which many tasks wait for one, and others for another one.
    fn costs(&mut self, project: &str, dependents: u32, others: u32) -> Vec<Cost> {
        self.database.create_project(project, &["u"]);
        self.database
            .connect()
            .batch_execute(&fill_in(&CREATION.map(|call| format!("select {call};")).concat(), project, "other", others))
            .unwrap();
        let calls = CREATION.iter().chain(&LIFE);
        let cost = |call: &&'static str| {
            self.client.batch_execute(&format!("select {}", fill_in(call, project, "task", dependents))).unwrap();
            self.plans.try_iter().fold(Cost::of(call), |cost, notice| cost.with(&notice, dependents))
        };
        calls.map(cost).collect()
    }
}

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

const LIFE: [&str; 6] = [
    "release_task('PROJECT', 'u', start_task('PROJECT', 'u', 'TASK0'), 'Done')",
    "reactivate_task('PROJECT', 'TASK0')",
    r#"update_task('PROJECT', 'TASK0', '{"completion_status": "Done", "completed_user_id": "u"}')"#,
    r#"update_task('PROJECT', 'TASK0', '{"completion_status": "Failed"}')"#,
    "count(pause_task('PROJECT', 'TASK' || number)) from generate_series(1, NUMBER / 10) number",
    "count(delete_dependency('PROJECT', 'TASK' || number)) from generate_series(1, NUMBER / 10) number",
];

fn fill_in(call: &str, project: &str, task: &str, number: u32) -> String {
    call.replace("PROJECT", project).replace("TASK", task).replace("NUMBER", &number.to_string())
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
