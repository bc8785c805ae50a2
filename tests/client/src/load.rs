//! Random calls of all functions on few tasks, users and dependencies, so that they meet. Two projects, `p` and `q`, live on
//! and are recounted; `scratch` is cleared, deleted and made again.

mod annotation;
mod edits;
mod queue;

use postgres::{Client, IsolationLevel, SimpleQueryMessage, SimpleQueryRow};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::history::{Ledger, Outcome};
use crate::{Database, REFUSALS, RETRY};

pub const PROJECTS: [&str; 2] = ["p", "q"];
const SCRATCH: &str = "scratch";
const USERS: u32 = 24;
const TASKS: u32 = 60;
const DEPENDENCIES: u32 = 80;

/// The projects, users and first tasks that the load works on.
pub fn prepare(database: &Database) {
    let users: Vec<String> = (0..USERS).map(|number| format!("u{number}")).collect();
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    for project in [PROJECTS[0], PROJECTS[1], SCRATCH] {
        database.create_project(project, &users);
        database
            .connect()
            .execute(
                "select create_tasks($1, (
                    select jsonb_agg(jsonb_build_object(
                        'task_id', 't' || number, 'task_type', 't', 'priority', number % 5, 'overlap', 1 + number % 4 / 3 * 2))
                    from generate_series(0, 39) number
                ))",
                &[&project],
            )
            .unwrap();
        annotation::prepare(&mut database.connect(), project);
        queue::prepare(&mut database.connect(), project);
    }
}

/// A client that makes random calls.
pub struct Caller {
    random: StdRng,
    isolation: IsolationLevel,
    pub ledger: Ledger,
    /// Project, user and task of starts that were not yet followed by a release; others may have changed that.
    held: Vec<[String; 3]>,
    /// What claims of machines gave; others may have it by now.
    claims: Vec<queue::Claim>,
    /// Calls that were carried out, and those that were refused.
    pub done: u64,
    pub refused: u64,
}

/// A call as it is sent, and what to write down if it succeeds.
struct Call {
    text: String,
    trace: Trace,
}

enum Trace {
    None,
    /// By this user, in this project: the answer names the task.
    Start([String; 2]),
    /// By this machine, in this project: the answer names tasks and tokens.
    Claim([String; 2]),
    /// Completions by token as Done; the answer says of each task whether it is one.
    Outcomes(Vec<queue::Claim>),
    /// A completion unless the task was completed so already.
    Completion([String; 4]),
    Submission([String; 3], i64),
    Correction([String; 3], i64),
}

/// Why a call ended a caller's work.
#[derive(Debug)]
pub enum Stop {
    /// The connection is gone.
    Disconnected,
    /// The call was answered in a way that nothing allows.
    Wrong(String),
}

impl Caller {
    pub fn new(seed: u64, isolation: IsolationLevel) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            isolation,
            ledger: Ledger::default(),
            held: vec![],
            claims: vec![],
            done: 0,
            refused: 0,
        }
    }

    /// Prepares a new connection: its isolation level, and how soon this client takes tasks over.
    pub fn settle(&mut self, client: &mut Client) -> Result<(), postgres::Error> {
        let level = match self.isolation {
            IsolationLevel::Serializable => "serializable",
            IsolationLevel::RepeatableRead => "repeatable read",
            _ => "read committed",
        };
        let idle = if self.random.random_bool(0.3) { "0.002" } else { "90" };
        client.batch_execute(&format!(
            "set default_transaction_isolation = '{level}'; set task_mgmt.max_idle_seconds = {idle}"
        ))
    }

    /// Makes one random call; now and then inside a transaction that is rolled back.
    pub fn step(&mut self, client: &mut Client) -> Result<(), Stop> {
        let call = self.random_call();
        let result = match self.random.random_range(0..20) {
            0 => return self.undone(client, &call.text),
            _ => client.simple_query(&call.text),
        };
        match result {
            Ok(answer) => {
                self.done += 1;
                self.learn(call.trace, &answer);
                Ok(())
            }
            Err(error) => {
                let verdict = self.judge(&call.text, &error);
                if matches!(verdict, Err(Stop::Disconnected)) {
                    self.write_down(call.trace, Outcome::Unknown);
                }
                verdict
            }
        }
    }

    fn learn(&mut self, trace: Trace, answer: &[SimpleQueryMessage]) {
        match trace {
            Trace::Start([project, user]) => {
                self.held.extend(first_value(answer).map(|task| [project, user, task]));
            }
            Trace::Claim(by) => self.learn_claims(by, answer),
            Trace::Outcomes(of) => self.learn_outcomes(of, answer),
            trace => self.write_down(trace, Outcome::Acknowledged),
        }
    }

    fn undone(&mut self, client: &mut Client, text: &str) -> Result<(), Stop> {
        for statement in ["begin; savepoint s", text, "rollback to s", text, "rollback"] {
            if let Err(error) = client.simple_query(statement) {
                self.judge(text, &error)?;
            }
        }
        Ok(())
    }

    fn judge(&mut self, text: &str, error: &postgres::Error) -> Result<(), Stop> {
        let Some(code) = error.code() else { return Err(Stop::Disconnected) };
        let may_retry = !matches!(self.isolation, IsolationLevel::ReadCommitted);
        match code.code() {
            // A backend that has to end says so, be it before the call or between its commit and its answer.
            "57P01" | "57P02" | "57P03" => Err(Stop::Disconnected),
            // After a refusal in a transaction block everything is refused until its end.
            "25P02" => Ok(()),
            code if REFUSALS.contains(&code) || may_retry && code == RETRY => {
                self.refused += 1;
                Ok(())
            }
            code => {
                let message = error.as_db_error().map(|error| format!("{} {:?}", error.message(), error.detail()));
                Err(Stop::Wrong(format!("{code} {}\nby {text}", message.unwrap_or_default())))
            }
        }
    }

    fn write_down(&mut self, trace: Trace, outcome: Outcome) {
        match trace {
            Trace::None | Trace::Start(_) | Trace::Claim(_) => {}
            Trace::Outcomes(of) => {
                self.ledger.completions.extend(of.iter().map(|claim| (claim.completion(), outcome)));
            }
            Trace::Completion(key) => {
                let outcome = if outcome == Outcome::Acknowledged { Outcome::Settled } else { outcome };
                self.ledger.completions.push((key, outcome));
            }
            Trace::Submission(key, milliseconds) => self.ledger.submissions.push((key, milliseconds, outcome)),
            Trace::Correction(key, milliseconds) => self.ledger.corrections.push((key, milliseconds, outcome)),
        }
    }

    fn random_call(&mut self) -> Call {
        let (project, user, task) = self.random_names();
        let project = project.as_str();
        let status = self.random_status();
        let completion = || [project.into(), task.clone(), user.clone(), status.into()];
        let quoted = status.replace('\'', "''");
        // What a user holds is known to the database only, so it is asked there and then.
        let held = format!(
            "coalesce((select active_task from task_mgmt.users where project_name = '{project}' and user_id = '{user}'), '')"
        );
        let plain = |text: String| Call { text: format!("select {text}"), trace: Trace::None };
        match self.random.random_range(0..190) {
            0..18 => Call {
                text: format!("select start_task('{project}', '{user}')"),
                trace: Trace::Start([project.into(), user]),
            },
            18..26 => Call {
                text: format!("select start_task('{project}', '{user}', '{task}')"),
                trace: Trace::Start([project.into(), user]),
            },
            26..30 => plain(format!("* from start_task_cross_project('{user}')")),
            30..32 => plain(format!("* from start_task_cross_project('{user}', '{task}')")),
            32..44 => Call {
                text: format!("select release_task('{project}', '{user}', '{task}', '{quoted}')"),
                trace: Trace::Completion(completion()),
            },
            44..47 => plain(format!("release_task('{project}', '{user}', {held})")),
            47 => plain(format!("undo_release('{project}', '{user}', '{task}')")),
            48..54 => {
                let milliseconds = self.random.random_range(1..100_000);
                let text = format!(
                    "select submit_timesheet('{project}', '{user}', {milliseconds} / 1000.0::float8, '{task}')"
                );
                Call { text, trace: Trace::Submission([project.into(), task, user], milliseconds) }
            }
            54..56 => plain(format!("renew_lease('{project}', '{user}', {held})")),
            56..58 => plain(format!("force_release_task('{project}', '{task}', 'stress')")),
            58..61 => plain(format!("pause_task('{project}', '{task}')")),
            61..64 => plain(format!("unpause_task('{project}', '{task}')")),
            64..66 => plain(format!("cancel_task('{project}', '{task}')")),
            66..71 => plain(format!("reactivate_task('{project}', '{task}')")),
            71..73 => plain(format!("assign_task('{project}', '{task}', '{user}')")),
            73..75 => plain(format!("assign_task('{project}', '{task}', null)")),
            75 => plain(self.random_transfer(project, &user)),
            76..78 => Call {
                text: format!(
                    r#"select update_task('{project}', '{task}', '{{"completion_status": "{quoted}", "completed_user_id": "{user}"}}')"#
                ),
                trace: Trace::Completion(completion()),
            },
            78..81 => plain(self.random_update(project, &task)),
            81..84 => plain(self.random_creation(project)),
            84..94 => plain(self.random_dependency(project)),
            94..96 => plain(self.random_reading(project, &user, &task)),
            96 => self.random_pay(project, &user, &task),
            97 => {
                let rate = self.random.random_range(2..5);
                plain(format!(r#"update_user('{project}', '{user}', '{{"hourly_rate": {rate}, "is_active": true}}')"#))
            }
            98 => plain(self.random_policy(project, &task)),
            99 => plain(self.random_clearing()),
            100..114 => plain(self.random_segment_call(project, &user, &task)),
            114..128 => plain(self.random_trace_call(project, &user, &task, &quoted)),
            128..132 => plain(self.random_qualification_call(project, &user)),
            132..140 => plain(self.random_edit_call(project, &user, &task)),
            _ => self.random_queue_call(project),
        }
    }

    /// Mostly what this caller has started before, so that more than refusals comes of it.
    fn random_names(&mut self) -> (String, String, String) {
        if !self.held.is_empty() && self.random.random_bool(0.5) {
            let index = self.random.random_range(0..self.held.len());
            let [project, user, task] = match self.random.random_bool(0.3) {
                true => self.held.swap_remove(index),
                false => self.held[index].clone(),
            };
            return (project, user, task);
        }
        let project = match self.random.random_range(0..20) {
            0 => SCRATCH,
            number => PROJECTS[number % 2],
        };
        let task = match self.random.random_range(0..10) {
            0..2 => format!("x{}", self.random.random_range(0..annotation::TRACES)),
            2..4 => self.random_queued(),
            _ => format!("t{}", self.random.random_range(0..TASKS)),
        };
        (project.into(), self.random_user(), task)
    }

    fn random_update(&mut self, project: &str, task: &str) -> String {
        let data = match self.random.random_range(0..7) {
            0 => format!(r#"{{"priority": {}}}"#, self.random.random_range(0..5)),
            1 => r#"{"is_active": false}"#.into(),
            2 => r#"{"is_active": true, "is_paused": false, "note": "seen"}"#.into(),
            3 => format!(r#"{{"segment_type": "s{}"}}"#, self.random.random_range(0..3)),
            4 => r#"{"segment_type": null, "assigned_user_id": ""}"#.into(),
            5 => format!(r#"{{"overlap": {}}}"#, self.random.random_range(1..4)),
            _ => r#"{"completion_status": ""}"#.into(),
        };
        format!("update_task('{project}', '{task}', '{data}')")
    }

    fn random_transfer(&mut self, project: &str, from: &str) -> String {
        let to = match self.random.random_bool(0.5) {
            true => format!("'u{}'", self.random.random_range(0..USERS)),
            false => "null".into(),
        };
        format!("transfer_tasks('{project}', '{from}', {to}, skip_unqualified => true)")
    }

    fn random_creation(&mut self, project: &str) -> String {
        let mut task = || {
            let (number, overlap) = (self.random.random_range(0..TASKS), self.random.random_range(1..4));
            format!(r#"{{"task_type": "t", "task_id": "t{number}", "overlap": {overlap}}}"#)
        };
        match task().len() % 2 {
            0 => format!("create_task('{project}', '{}')", task()),
            _ => format!("create_tasks('{project}', '[{}, {}]')", task(), task()),
        }
    }

    fn random_dependency(&mut self, project: &str) -> String {
        let id = self.random.random_range(0..DEPENDENCIES);
        let mut dependency = |id: u32| {
            let (task, upstream) = (self.random.random_range(0..TASKS), self.random.random_range(0..TASKS));
            format!(
                r#"{{"dependency_id": "d{id}", "task_id": "t{task}", "dependent_on_task_id": "t{upstream}",
                "required_completion_status": "Done"}}"#
            )
        };
        let (one, other) = (dependency(id), dependency((id + 7) % DEPENDENCIES));
        match self.random.random_range(0..10) {
            0..3 => format!("create_dependency('{project}', '{one}')"),
            3 => format!("create_dependencies('{project}', '[{one}, {other}]')"),
            4..7 => format!("delete_dependency('{project}', 'd{id}')"),
            7 => format!(r#"update_dependency('{project}', 'd{id}', '{{"required_completion_status": "Failed"}}')"#),
            8 => format!(r#"update_dependency('{project}', 'd{id}', '{{"dependent_on_task_id": "t{id}"}}')"#),
            _ => format!(r#"update_dependency('{project}', 'd{id}', '{{"is_satisfied": true}}')"#),
        }
    }

    fn random_policy(&mut self, project: &str, task: &str) -> String {
        match self.random.random_range(0..4) {
            0 => format!(r#"update_task_type('{project}', 't', '{{"completion_statuses": ["Done", "Failed"]}}')"#),
            1 => format!(
                r#"update_task_type('{project}', 't', '{{"golden_percent": {}, "golden_min_score_percent": 20}}')"#,
                self.random.random_range(0..50)
            ),
            2 => format!("add_golden_task('{project}', '{task}')"),
            _ => {
                format!("grant_qualification('{project}', 'u{}', 'task_type', 't')", self.random.random_range(0..USERS))
            }
        }
    }

    fn random_reading(&mut self, project: &str, user: &str, task: &str) -> String {
        match self.random.random_range(0..10) {
            0 => format!("get_task('{project}', '{task}')"),
            1 => format!("list_tasks_summary('{project}')"),
            2 => format!("get_unsatisfied_dependencies_for_task('{project}', '{task}')"),
            3 => format!("get_user_work_history('{project}', '{user}')"),
            4 => format!("* from get_task_cross_project('{task}')"),
            5 => format!("* from peek_tasks('{project}', '{user}')"),
            6 => format!("* from explain_assignment('{project}', '{user}')"),
            7 => format!("* from explain_assignment('{project}', '{user}', '{task}')"),
            8 => format!("* from task_mgmt.held_tasks where project_name = '{project}'"),
            _ => format!("get_total_task_time('{project}', '{task}')"),
        }
    }

    fn random_pay(&mut self, project: &str, user: &str, task: &str) -> Call {
        let plain = |text: String| Call { text: format!("select {text}"), trace: Trace::None };
        match self.random.random_range(0..6) {
            0 => plain(format!(
                "close_pay_period('{project}', (
                    select coalesce(max(ends_at), '2020-01-01') from task_mgmt.pay_periods where project_name = '{project}'
                ), clock_timestamp())"
            )),
            1 => plain(format!("* from payroll('{project}', '2020-01-01', 'infinity')")),
            2 => plain(format!("* from forecast('{project}')")),
            _ => {
                let milliseconds = self.random.random_range(-50_000..50_000);
                let seconds = f64::from(milliseconds) / 1000.0;
                Call {
                    text: format!("select correct_time('{project}', '{user}', '{task}', {seconds}, 'stress')"),
                    trace: Trace::Correction([project.into(), task.into(), user.into()], milliseconds.into()),
                }
            }
        }
    }

    fn random_clearing(&mut self) -> String {
        match self.random.random_range(0..14) {
            0 => format!("delete_project('{SCRATCH}', cascade => true)"),
            1 => format!("create_project('{SCRATCH}')"),
            2 => format!("clear_project_data('{SCRATCH}')"),
            3 => format!("clear_project_users('{SCRATCH}')"),
            4 => format!("clear_project_task_types('{SCRATCH}')"),
            5..7 => {
                format!(r#"create_task_type('{SCRATCH}', '{{"task_type": "t", "completion_statuses": ["Done"]}}')"#)
            }
            7..10 => {
                let user = self.random.random_range(0..USERS);
                format!(r#"create_user('{SCRATCH}', '{{"user_id": "u{user}", "qualified_task_types": ["t"]}}')"#)
            }
            10 => format!("pause_project('{SCRATCH}')"),
            11 => format!("clear_segments('{SCRATCH}')"),
            12 => format!("add_standard_task_types('{SCRATCH}')"),
            _ => format!("resume_project('{SCRATCH}')"),
        }
    }
}

fn first_value(answer: &[SimpleQueryMessage]) -> Option<String> {
    rows(answer).next()?.get(0).map(str::to_owned)
}

fn rows(answer: &[SimpleQueryMessage]) -> impl Iterator<Item = &SimpleQueryRow> {
    answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}
