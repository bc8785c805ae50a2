//! Random calls of machines, on few tasks: claims with tokens that are right, old or wrong, times of milliseconds, few unique keys, and
//! limits that come and go.

use postgres::{Client, SimpleQueryMessage};
use rand::Rng;

use super::{Call, Caller, SCRATCH, TASKS, Trace, annotation, rows};

/// Tasks whose names are known beforehand; others have numbers.
const QUEUED: u32 = 40;
const MACHINES: u32 = 6;

/// A task as a claim gave it to a machine.
#[derive(Clone)]
pub struct Claim {
    project: String,
    user: String,
    task: String,
    token: i64,
}

impl Claim {
    /// What its completion is written down as.
    pub fn completion(&self) -> [String; 4] {
        [&self.project, &self.task, &self.user, "Done"].map(str::to_owned)
    }
}

/// Machines that may hold any number of tasks or some, a type whose tasks are tried again at once, and schedules that are overdue.
pub fn prepare(client: &mut Client, project: &str) {
    let statements = r#"
        select create_task_type('PROJECT', '{"task_type": "q", "completion_statuses": ["Done"], "lease_seconds": 0.02,
            "max_attempts": 3, "backoff": {"base_seconds": 0.001, "max_seconds": 0.01, "jitter": 1}}');
        select create_user('PROJECT', jsonb_build_object('user_id', 'm' || n, 'capacity', case when n % 3 > 0 then to_jsonb(n) else '"unlimited"' end,
            'qualified_task_types', (select jsonb_agg(task_type) from task_mgmt.task_types where project_name = 'PROJECT'),
            'qualified_segment_types', '["s0", "s1"]'::jsonb))
        from generate_series(0, MACHINES - 1) n;
        select grant_qualification('PROJECT', user_id, 'task_type', 'q') from task_mgmt.users where project_name = 'PROJECT' and user_id like 'u_';
        select create_tasks('PROJECT', jsonb_agg(jsonb_build_object('task_id', 'k' || n, 'task_type', 'q', 'channel', 'c' || n % 3)))
        from generate_series(0, QUEUED - 1) n;
        select create_fact('PROJECT', jsonb_build_object('fact_id', 'f' || n, 'text', 'words')) from generate_series(0, 9) n;
        select schedule_task('PROJECT', 's' || n, '* * * * *', data => jsonb_build_object('task_type', 'q', 'unique_key', 'u' || n,
            'on_duplicate', 'existing'), misfire_policy => 'all')
        from generate_series(0, 3) n;
        update task_mgmt.schedule set next_run_at = next_run_at - interval '9 minutes' where project_name = 'PROJECT'"#
        .replace("PROJECT", project)
        .replace("MACHINES", &MACHINES.to_string())
        .replace("QUEUED", &QUEUED.to_string());
    client.batch_execute(&statements).unwrap_or_else(|error| panic!("{error}\nby {statements}"));
}

impl Caller {
    pub(super) fn learn_claims(&mut self, [project, user]: [String; 2], answer: &[SimpleQueryMessage]) {
        let claims = rows(answer).map(|row| Claim {
            project: project.clone(),
            user: user.clone(),
            task: row.get(0).unwrap().to_owned(),
            token: row.get(1).unwrap().parse().unwrap(),
        });
        self.claims.extend(claims);
    }

    pub(super) fn learn_outcomes(&mut self, claims: Vec<Claim>, answer: &[SimpleQueryMessage]) {
        for row in rows(answer).filter(|row| row.get(1) == Some("completed")) {
            let claim = claims.iter().find(|claim| row.get(0) == Some(&claim.task)).unwrap();
            self.ledger.completions.push((claim.completion(), crate::history::Outcome::Acknowledged));
        }
    }

    pub(super) fn random_queue_call(&mut self, project: &str) -> Call {
        let machine = self.random_machine();
        let plain = |text: String| Call { text: format!("select {text}"), trace: Trace::None };
        let task = self.random_queued();
        let seconds = self.random_seconds();
        match self.random.random_range(0..51) {
            0..12 => self.random_claim(project, machine),
            12..22 => self.random_completion(),
            22..30 => plain(self.random_lease_call()),
            30 => plain(format!("release_tasks('{project}', '{machine}', {})", self.random_instance())),
            31..34 => plain(format!("* from sweep({})", self.random.random_range(1..100))),
            // What a trace has done is recounted as long as the trace is there.
            34 if self.random.random_bool(0.3) => {
                let (one, other) = (self.random.random_range(0..QUEUED), self.random.random_range(0..2 * QUEUED));
                let cascade = self.random.random_bool(0.5);
                plain(format!("delete_tasks('{project}', array['k{one}', 'k{other}'], {cascade})"))
            }
            34..37 => plain(format!("enqueue_task('{project}', '{task}')")),
            37 => plain(format!("requeue_failed('{project}', max_rows => {})", self.random.random_range(1..10))),
            38 => plain(format!("extend_ttl('{project}', '{task}', {seconds})")),
            39..44 => plain(self.random_queued_creation(project)),
            44 => plain(format!(
                "update_task('{project}', '{task}', jsonb_build_object('run_after', {}))",
                in_milliseconds(self.random.random_range(0..20))
            )),
            45 => {
                let channel = if self.random.random_bool(0.7) { "\"c1\"" } else { "null" };
                plain(format!(r#"update_task('{project}', '{task}', '{{"channel": {channel}, "run_after": null}}')"#))
            }
            46 => plain(self.random_conversation_call(project, &task)),
            47 => plain(self.random_fact_call(project, &task)),
            48 => plain(format!("* from run_due_schedules('{project}')")),
            49 => plain(self.random_limit(project)),
            _ => {
                let capacity = ["\"unlimited\"", "1", "3"][self.random.random_range(0..3)];
                plain(format!(r#"update_user('{project}', '{machine}', '{{"capacity": {capacity}}}')"#))
            }
        }
    }

    fn random_claim(&mut self, project: &str, machine: String) -> Call {
        let project = if self.random.random_bool(0.02) { SCRATCH } else { project };
        let most = self.random.random_range(1..6);
        let task_types = match self.random.random_range(0..4) {
            0 => "array['q', 't']",
            1 => "array['q']",
            _ => "null",
        };
        let channel = if self.random.random_bool(0.3) { "'c1'" } else { "null" };
        let own = ["first", "only", "none"][self.random.random_range(0..3)];
        let seconds = if self.random.random_bool(0.5) { self.random_seconds() } else { "60".into() };
        let instance = self.random_instance();
        Call {
            text: format!(
                "select task_id, lease_token from claim_tasks('{project}', '{machine}', {most}, {task_types}, {channel},
                    {seconds}, '{own}', {instance})"
            ),
            trace: Trace::Claim([project.into(), machine]),
        }
    }

    /// Of one task or several of a project, which all of them are tried once more now and then.
    fn random_completion(&mut self) -> Call {
        let mut claims: Vec<Claim> = self.random_claimed().into_iter().collect();
        if let Some(Claim { project, task, token, .. }) = claims.first().cloned() {
            if self.random.random_bool(0.5) {
                let text = format!(
                    "select '{task}', complete_task('{project}', '{task}', {token}, '{{\"token\": {token}}}', 'Done')"
                );
                return Call { text, trace: Trace::Outcomes(claims) };
            }
            let others = self.claims.iter().filter(|claim| claim.project == project && claim.task != task);
            let mut others: Vec<Claim> = others.cloned().collect();
            others.reverse();
            others.dedup_by(|one, other| one.task == other.task);
            for other in others.into_iter().take(4) {
                if claims.iter().all(|claim| claim.task != other.task) {
                    claims.push(other);
                }
            }
        }
        let project = claims.first().map_or("p".to_owned(), |claim| claim.project.clone());
        let completions = claims.iter().map(|Claim { task, token, .. }| {
            format!(r#"{{"task_id": "{task}", "lease_token": {token}, "completion_status": "Done"}}"#)
        });
        let completions = completions.collect::<Vec<_>>().join(", ");
        Call {
            text: format!("select * from complete_tasks('{project}', '[{completions}]')"),
            trace: Trace::Outcomes(claims),
        }
    }

    /// What a machine says of a task that it has or had, or that it never had.
    fn random_lease_call(&mut self) -> String {
        let claim = self.random_claimed();
        let (project, task) = match &claim {
            Some(claim) => (claim.project.clone(), claim.task.clone()),
            None => ("p".into(), self.random_queued()),
        };
        let token = match &claim {
            Some(claim) if self.random.random_bool(0.9) => claim.token,
            _ => -1,
        };
        let seconds = self.random_seconds();
        match self.random.random_range(0..10) {
            0..3 => format!("heartbeat('{project}', '{task}', {token})"),
            3 => format!("heartbeat('{project}', '{task}', {token}, {seconds})"),
            4..7 => {
                let is_retryable = self.random.random_bool(0.8);
                format!("fail_task('{project}', '{task}', {token}, 'stress', {is_retryable})")
            }
            7 => format!("fail_task('{project}', '{task}', {token}, 'stress', true, 0, '{{\"part\": 1}}')"),
            8 => format!("snooze_task('{project}', '{task}', {token}, 0)"),
            _ => format!("snooze_task('{project}', '{task}', {token}, {seconds}, 'stress')"),
        }
    }

    /// Mostly one that is reached now and then, and some that keep everybody from tasks.
    fn random_limit(&mut self, project: &str) -> String {
        let machine = self.random_machine();
        let (scope, key) = match self.random.random_range(0..4) {
            0 => ("project", "null".to_owned()),
            1 => ("task_type", "'q'".to_owned()),
            2 => ("channel", "'c1'".to_owned()),
            _ => ("agent", format!("'{machine}'")),
        };
        let mut most = || match self.random.random_range(0..4) {
            0 | 1 => "null".to_owned(),
            2 => self.random.random_range(0..4).to_string(),
            _ => self.random.random_range(4..100).to_string(),
        };
        format!("set_limit('{project}', '{scope}', {key}, {}, {})", most(), most())
    }

    fn random_queued_creation(&mut self, project: &str) -> String {
        let mut data = vec![r#""task_type": "q""#.to_owned()];
        if self.random.random_bool(0.5) {
            data.push(format!(r#""task_id": "k{}""#, self.random.random_range(0..2 * QUEUED)));
        }
        if self.random.random_bool(0.4) {
            data.push(format!(r#""unique_key": "u{}""#, self.random.random_range(0..6)));
            data.push(format!(r#""on_duplicate": "{}""#, ["refuse", "existing"][self.random.random_range(0..2)]));
        }
        if self.random.random_bool(0.4) {
            data.push(format!(r#""ttl_seconds": {}"#, self.random_seconds()));
        }
        for (chance, key) in [
            (0.2, r#""hold": true"#),
            (0.3, r#""channel": "c1""#),
            (0.3, r#""max_attempts": 1"#),
            (0.2, r#""overlap": 2"#),
            (0.2, r#""agent": "m1""#),
            (0.2, r#""conversations": [{"content": "words"}]"#),
            (0.2, r#""backoff": {"base_seconds": 0.005, "factor": 1}"#),
        ] {
            if self.random.random_bool(chance) {
                data.push(key.into());
            }
        }
        let run_after = match self.random.random_bool(0.3) {
            true => format!("jsonb_build_object('run_after', {})", in_milliseconds(self.random.random_range(0..30))),
            false => "'{}'".into(),
        };
        format!("create_task('{project}', '{{{}}}'::jsonb || {run_after})", data.join(", "))
    }

    fn random_conversation_call(&mut self, project: &str, task: &str) -> String {
        let latest = format!(
            "(select max(conversation_id::bigint)::text from task_mgmt.conversations where project_name = '{project}' and task_id = '{task}')"
        );
        match self.random.random_range(0..4) {
            0 | 1 => format!(r#"create_conversation('{project}', '{task}', '{{"content": "words"}}')"#),
            2 => format!(r#"update_conversation('{project}', coalesce({latest}, 'none'), '{{"status": "archived"}}')"#),
            _ => format!("delete_conversation('{project}', coalesce({latest}, 'none'))"),
        }
    }

    fn random_fact_call(&mut self, project: &str, task: &str) -> String {
        let number = self.random.random_range(0..10);
        match self.random.random_range(0..7) {
            0 => format!(
                r#"create_fact('{project}', '{{"fact_id": "f{number}", "text": "words", "produced_by_task": "{task}"}}')"#
            ),
            1 => format!("delete_fact('{project}', 'f{number}')"),
            2 => format!("link_task_fact('{project}', '{task}', 'f{number}', 'produces')"),
            3 => format!("unlink_task_fact('{project}', '{task}', 'f{number}', 'produces')"),
            4 => format!(r#"update_fact('{project}', 'f{number}', '{{"text": "other words"}}')"#),
            5 => format!("delete_expired_facts('{project}')"),
            _ => format!("read_fact('{project}', 'f{number}', '{task}')"),
        }
    }

    /// Mostly forgotten afterwards, so that tokens are used once in general.
    fn random_claimed(&mut self) -> Option<Claim> {
        if self.claims.is_empty() {
            return None;
        }
        let index = self.random.random_range(0..self.claims.len());
        Some(match self.random.random_bool(0.7) {
            true => self.claims.swap_remove(index),
            false => self.claims[index].clone(),
        })
    }

    pub(super) fn random_machine(&mut self) -> String {
        format!("m{}", self.random.random_range(0..MACHINES))
    }

    pub(super) fn random_queued(&mut self) -> String {
        match self.random.random_range(0..10) {
            0..6 => format!("k{}", self.random.random_range(0..2 * QUEUED)),
            6 => format!("k{}#1", self.random.random_range(0..2 * QUEUED)),
            7 => format!("x{}", self.random.random_range(0..annotation::TRACES)),
            _ => format!("t{}", self.random.random_range(0..TASKS)),
        }
    }

    fn random_seconds(&mut self) -> String {
        format!("0.0{:02}", self.random.random_range(1..60))
    }

    fn random_instance(&mut self) -> &'static str {
        ["null", "'one'", "'other'"][self.random.random_range(0..3)]
    }
}

/// An expression for a time that comes soon, as text in ISO 8601.
fn in_milliseconds(milliseconds: u32) -> String {
    format!(
        r#"to_char((clock_timestamp() + interval '{milliseconds} ms') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#
    )
}
