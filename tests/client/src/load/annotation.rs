//! Random calls about segments, traces, reviews and qualifications, on few segments, so that they meet.

use postgres::Client;
use rand::Rng;

use super::{Caller, TASKS, USERS};

/// Traces whose names are known beforehand; what they do to segments, and what follows from them, is recounted.
pub const TRACES: u32 = 24;
pub const SEEDS: u64 = 12;
const SEGMENT_TYPES: u32 = 3;
/// Present roots: fewer than segments, so that there are duplicates.
pub const ROOTS: u64 = 6;

/// A state that a trace may be completed with as Done or Can't Continue.
const COMPLETE: &str = r#"{"layers": [
    {"type": "segmentation", "name": "Segmentation", "segments": ["ROOT"]},
    {"type": "annotation", "name": "Seed Location", "annotations": []},
    {"type": "annotation", "name": "Breadcrumbs", "annotations": [{"point": [7, 7, 7]}]},
    {"type": "annotation", "name": "Uncertain Ends", "annotations": [{"point": [3, 3, 3]}]},
    {"type": "annotation", "name": "Root Location", "annotations": [{"point": [1, 1, 1]}]},
    {"type": "annotation", "name": "Certain Ends", "annotations": [{"point": [ROOT, 1, 1]}, {"point": [2, 2, 2]}]}]}"#;

/// What a project needs for these calls: the standard task types, segments, and traces of which every second one is complete.
pub fn prepare(client: &mut Client, project: &str) {
    let execute = |client: &mut Client, text: &str| {
        let text = text.replace("PROJECT", project);
        client.batch_execute(&text).unwrap_or_else(|error| panic!("{error}\nby {text}"));
    };
    execute(
        client,
        &format!(
            r#"select add_standard_task_types('PROJECT');
            select update_project('PROJECT', '{{"segmentation_path": "gs://stress", "sv_resolution_x": 4, "sv_resolution_y": 4, "sv_resolution_z": 40}}');
            select create_segment_type('PROJECT', jsonb_build_object('type_name', 's' || n))
            from generate_series(0, {SEGMENT_TYPES} - 1) n;
            select create_segments('PROJECT', jsonb_agg(jsonb_build_object('seed_id', n, 'seed_x', n, 'seed_y', n, 'seed_z', n,
                'expected_segment_type', 's' || n % {SEGMENT_TYPES})))
            from generate_series(1, {SEEDS} / 2) n;
            select create_tasks('PROJECT', jsonb_agg(jsonb_build_object('task_id', 'x' || n, 'task_type', 'trace_v0',
                'segment_seed_id', 1 + n % {SEEDS},
                'ng_state', case n % 2 when 0 then jsonb_build_object('seed_id', 1 + n % {SEEDS}) else '{state}' end)))
            from generate_series(0, {TRACES} - 1) n;
            select set_feedback_policy('PROJECT', 'trace_v0', 30);
            select update_user('PROJECT', user_id, jsonb_build_object(
                'qualified_task_types', (select jsonb_agg(task_type) from task_mgmt.task_types where project_name = 'PROJECT'),
                'qualified_segment_types', jsonb_build_array('s0', 's1')))
            from task_mgmt.users where project_name = 'PROJECT'"#,
            state = COMPLETE.replace("ROOT", "1"),
        ),
    );
}

impl Caller {
    pub(super) fn random_segment_call(&mut self, project: &str, user: &str, task: &str) -> String {
        let seed = self.random_seed();
        match self.random.random_range(0..30) {
            0..2 => format!("create_segment('{project}', '{}')", self.random_segment(seed)),
            2 => {
                let others = [self.random_seed(), self.random_seed()].map(|seed| self.random_segment(seed));
                format!("create_segments('{project}', '[{}]')", others.join(", "))
            }
            3..5 => {
                let others = [seed, self.random_seed(), self.random_seed()].map(|seed| self.random_segment(seed));
                let dry_run = self.random.random_bool(0.3);
                format!("ingest_segments('{project}', '[{}]', {dry_run})", others.join(", "))
            }
            5..9 => {
                let segment_type = self.random_type();
                format!(r#"update_segment('{project}', {seed}, '{{"expected_segment_type": {segment_type}}}')"#)
            }
            9..11 => {
                let root = self.random.random_range(1..=ROOTS);
                format!(r#"update_segment('{project}', {seed}, '{{"current_segment_id": {root}, "status": "Raw"}}')"#)
            }
            11 => format!("link_segment_task('{project}', {seed}, '{task}')"),
            12 => format!("unlink_segment_task('{project}', {seed}, '{task}')"),
            13 => format!("lock_segments('{project}', array[{seed}, {}])", self.random_seed()),
            14 => format!("unlock_segments('{project}', array[{seed}, {}])", self.random_seed()),
            15..17 => {
                let endpoint = self.random_endpoint();
                let named = format!(r#"{{"seed_id": {seed}, "user_id": "{user}", {endpoint}}}"#);
                format!("create_endpoint('{project}', '{named}')")
            }
            17..19 => {
                let endpoints: Vec<String> =
                    (0..self.random.random_range(0..4)).map(|_| format!("{{{}}}", self.random_endpoint())).collect();
                format!("replace_endpoints('{project}', {seed}, '{user}', '[{}]')", endpoints.join(", "))
            }
            19 => format!(
                "update_endpoint_status('{project}', (
                    select endpoint_id from task_mgmt.endpoints where project_name = '{project}' and seed_id = {seed} limit 1
                ), '{user}', 'CONTINUED')"
            ),
            20 => format!("retire_duplicate_segments('{project}', dry_run => {})", self.random.random_bool(0.2)),
            21 => format!("delete_segment_type('{project}', 's{}')", self.random.random_range(0..SEGMENT_TYPES)),
            22..24 => {
                let number = self.random.random_range(0..SEGMENT_TYPES);
                format!(r#"create_segment_type('{project}', '{{"type_name": "s{number}"}}')"#)
            }
            24..26 => {
                let task = self.random.random_range(0..TASKS);
                format!(r#"update_task('{project}', 't{task}', '{{"segment_seed_id": {seed}}}')"#)
            }
            26 => format!("get_segment('{project}', {seed}), get_segment_tasks('{project}', {seed})"),
            27 => format!("get_endpoints('{project}', {seed}), list_segments('{project}')"),
            28 => format!("get_unlocked_segments('{project}', array[{seed}]), get_segment_ng_state('{project}', {seed})"),
            _ => format!("get_segment_type_layers('{project}', 's0')"),
        }
    }

    /// `status` is as it stands in a literal.
    pub(super) fn random_trace_call(&mut self, project: &str, user: &str, task: &str, status: &str) -> String {
        let seed = self.random_seed();
        match self.random.random_range(0..24) {
            0..10 => {
                let state = COMPLETE.replace("ROOT", &self.random.random_range(1..=ROOTS).to_string());
                format!(r#"update_task('{project}', '{task}', '{{"ng_state": {state}}}')"#)
            }
            10 => format!(r#"update_task('{project}', '{task}', '{{"ng_state": {{"layers": []}}}}')"#),
            11..13 => format!(r#"update_task('{project}', '{task}', '{{"ng_state": {{"seed_id": {seed}}}}}')"#),
            13..15 => format!("expand_ng_state('{project}', '{task}')"),
            15 => format!("verify_task('{project}', '{task}', '{status}')"),
            16 => format!("create_feedback_task_from_trace('{project}', '{task}', {})", self.random.random_bool(0.5)),
            17 => {
                let share = self.random.random_range(0..60);
                let of = if self.random.random_bool(0.5) { format!("'{user}'") } else { "null".into() };
                format!("set_feedback_policy('{project}', 'trace_v0', nullif({share}, 0), {of})")
            }
            18..20 => {
                let skips = self.random.random_bool(0.98);
                format!(
                    r#"create_trace_tasks('{project}', '{{"seed_ids": [{seed}, {}]}}', '{{"skip_existing_tasks": {skips}}}')"#,
                    self.random_seed()
                )
            }
            // A segment of very many tasks would be retyped by one way only.
            20 if self.random.random_bool(0.05) => format!("add_segment_task('{project}', {seed}, 'trace_v0')"),
            20 | 21 => format!("get_trace_task_state('{project}', '{task}')"),
            22 => format!("get_task_feedback('{project}', '{user}')"),
            _ => format!("get_feedback_policy('{project}')"),
        }
    }

    pub(super) fn random_qualification_call(&mut self, project: &str, user: &str) -> String {
        let (kind, name) = match self.random.random_range(0..4) {
            0 => ("task_type", "t".into()),
            1 => ("task_type", "trace_v0".into()),
            _ => ("segment_type", format!("s{}", self.random.random_range(0..SEGMENT_TYPES))),
        };
        let expiry = if self.random.random_bool(0.3) { "clock_timestamp() + interval '50 ms'" } else { "null" };
        match self.random.random_range(0..9) {
            0..5 => {
                let level = self.random.random_range(0..3);
                format!("grant_qualification('{project}', '{user}', '{kind}', '{name}', {level}, {expiry})")
            }
            5..7 => format!("revoke_qualification('{project}', '{user}', '{kind}', '{name}')"),
            7 => {
                let level = self.random.random_range(0..2);
                format!(r#"update_task_type('{project}', 't', '{{"min_level": {level}}}')"#)
            }
            _ => format!("get_qualifications('{project}', '{user}')"),
        }
    }

    /// The last of them is the largest number that there is.
    fn random_seed(&mut self) -> u64 {
        match self.random.random_range(1..=SEEDS) {
            SEEDS if self.random.random_bool(0.2) => u64::MAX,
            seed => seed,
        }
    }

    fn random_segment(&mut self, seed: u64) -> String {
        let segment_type = self.random_type();
        format!(
            r#"{{"seed_id": "{seed}", "seed_x": 1, "seed_y": 2, "seed_z": 3, "expected_segment_type": {segment_type}}}"#
        )
    }

    fn random_type(&mut self) -> String {
        match self.random.random_range(0..=SEGMENT_TYPES) {
            SEGMENT_TYPES => "null".into(),
            number => format!(r#""s{number}""#),
        }
    }

    fn random_endpoint(&mut self) -> String {
        let status = ["CERTAIN", "UNCERTAIN", "BREADCRUMB"][self.random.random_range(0..3)];
        format!(r#""x": {}, "y": 1, "z": 1, "status": "{status}""#, self.random.random_range(0..4))
    }

    /// A status of one of the types that the tasks here have; mostly the one that all but reviews can be completed with.
    pub(super) fn random_status(&mut self) -> &'static str {
        match self.random.random_range(0..20) {
            0..14 => "Done",
            14..16 => "Failed",
            16..18 => "Accurate",
            18 => "Can't Continue",
            _ => "Faulty Task",
        }
    }

    pub(super) fn random_user(&mut self) -> String {
        match self.random.random_range(0..12) {
            0 => self.random_machine(),
            _ => format!("u{}", self.random.random_range(0..USERS)),
        }
    }
}
