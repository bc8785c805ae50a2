//! Values that nobody sends in good faith, by SQL type, and what a valid call of each function looks like otherwise.

/// A value as it goes into a call: an expression, in which a long or strange text is the parameter `$1`.
#[derive(Clone)]
pub struct Value {
    pub expression: String,
    pub text: Option<String>,
}

impl Value {
    fn plain(expression: &str) -> Self {
        Self { expression: expression.into(), text: None }
    }

    fn text(text: &str) -> Self {
        Self { expression: "$1::text".into(), text: Some(text.into()) }
    }

    pub fn json(text: &str) -> Self {
        Self { expression: "$1::text::jsonb".into(), text: Some(text.into()) }
    }

    /// The value in a few words, for messages of the test.
    pub fn describe(&self) -> String {
        let text = self.text.as_deref().unwrap_or(&self.expression);
        let start: String = text.chars().take(60).collect();
        format!("{start:?} ({} bytes)", text.len())
    }
}

/// Every hostile value of a type. Panics for a type that no function had when this was written: add it here.
pub fn values(sql_type: &str) -> Vec<Value> {
    let typed =
        |texts: &[&str]| texts.iter().map(|text| Value::plain(&format!("'{text}'::{sql_type}"))).collect::<Vec<_>>();
    let mut values = match sql_type {
        "text" => texts().iter().map(|text| Value::text(text)).collect(),
        "jsonb" => jsons().iter().map(|text| Value::json(text)).collect(),
        "text[]" => texts()
            .iter()
            .map(|text| Value { expression: "array[$1::text]".into(), text: Some(text.clone()) })
            .chain(typed(&["{null}", "{{free,none},{none,free}}", "[5:5]={none}"]))
            .collect(),
        "boolean" => vec![],
        "double precision" => typed(&["NaN", "Infinity", "-Infinity", "1e308", "-1e308", "0", "-0", "5e-324", "-1"]),
        "integer" => typed(&["2147483647", "-2147483648", "0", "-1"]),
        "bigint" => typed(&["9223372036854775807", "-9223372036854775808", "0", "-1"]),
        "numeric" => typed(&["NaN", "Infinity", "-Infinity", "-1", "0.5", "18446744073709551616", "1e10000"]),
        "numeric[]" => typed(&[
            "{}",
            "{null}",
            "{-1}",
            "{1,0.5}",
            "{NaN}",
            "{Infinity}",
            "{18446744073709551616}",
            "{1e10000}",
            "{{1,2},{3,0.5}}",
            "[5:5]={18446744073709551616}",
            "[5:5]={1}",
        ])
        .into_iter()
        .chain([Value::plain("array(select generate_series(1, 20000)::numeric)")])
        .collect(),
        "timestamp with time zone" => typed(&["infinity", "-infinity", "4713-01-01 BC", "294276-12-31"]),
        "regprocedure" => vec![
            Value::plain("0::oid::regprocedure"),
            Value::plain("4294967295::oid::regprocedure"),
            Value::plain("'pg_catalog.pg_sleep(float8)'::regprocedure"),
            Value::plain("'pg_catalog.count(\"any\")'::regprocedure"),
        ],
        _ => panic!("no hostile values for type {sql_type}: add them"),
    };
    values.push(Value::plain(&format!("null::{sql_type}")));
    values
}

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "*",
        "%s %n $1 {} \\",
        "a\u{1}b",
        "line\nbreak",
        "\u{7f}",
        "😀",
        "\u{202e}\u{feff}e\u{301}",
        "'; drop table task_mgmt.task cascade; --",
        "x') or true or ('' = '",
        "\"; select 1; --",
        "null",
        "-1",
    ]
    .map(str::to_owned)
    .into();
    texts.push("x".repeat(201));
    texts.push("😀".repeat(201));
    texts.push("y".repeat(10 * 1024 * 1024));
    texts
}

fn jsons() -> Vec<String> {
    let mut jsons: Vec<String> = [
        "null",
        "true",
        "1",
        "-1e400",
        "\"x\"",
        "[]",
        "{}",
        "[1]",
        "[null]",
        "[[]]",
        "[{}]",
        "{\"\": 1}",
        "{\"no such key\": 1}",
        "[{\"no such key\": 1}]",
        "{\"no such key\": 1, \"no such key\": 2}",
        "{\"'; drop table task_mgmt.task; --\": \"\\u0001\"}",
    ]
    .map(str::to_owned)
    .into();
    jsons.push(nested(2000));
    jsons.push(format!("{}1{}", "{\"a\": ".repeat(2000), "}".repeat(2000)));
    jsons.push(format!("\"{}\"", "y".repeat(10 * 1024 * 1024)));
    jsons
}

/// What is put in the place of the value of one key.
pub fn json_parts() -> Vec<String> {
    let mut parts: Vec<String> = [
        "null",
        "true",
        "0",
        "-1",
        "0.5",
        "1e400",
        "-1e400",
        "1e308",
        "99999999999999999999",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "\"\"",
        "\" \"",
        "\"x\"",
        "\"NaN\"",
        "\"-1\"",
        "\"a\\u0001b\"",
        "\"line\\nbreak\"",
        "\"😀\"",
        "\"'; drop table task_mgmt.task cascade; --\"",
        "[]",
        "[null]",
        "[1]",
        "[\"\"]",
        "[\"x\", \"x\"]",
        "[[]]",
        "{}",
        "{\"seed_id\": \"1x\"}",
        "{\"a\": {}}",
    ]
    .map(str::to_owned)
    .into();
    parts.push(format!("\"{}\"", "x".repeat(201)));
    parts.push(format!("[\"{}\"]", "x".repeat(201)));
    parts.push(format!("\"{}\"", "y".repeat(300_000)));
    parts.push(nested(1000));
    parts
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// The fixture in which every valid call succeeds: `ann` holds `held`, `free` and `other` are free, `done` is completed,
/// `waiting` waits for `held`; in project `undo`, the completion of `undone` may be undone. Supervoxel and segment 12 have root
/// 100, and the segment's update is claimed. Schedule `s` is due. `machine` holds `leased`, `short` is to expire, and `failed` has failed.
pub const FIXTURE: &str = r#"
    create function public.verify(text, text, text) returns jsonb language sql return '{"passed": true}'::jsonb;
    create function public.follow(text, text, text) returns void language sql begin atomic end;
    select create_task_type('p', '{"task_type": "v", "completion_statuses": ["Done"]}');
    select create_project('empty'), add_standard_task_types('p');
    select update_user('p', 'ann', '{"qualified_task_types": ["t", "v"]}');
    select register_handler('p', 'v', 'verification', 'public.verify(text, text, text)');
    select create_tasks('p', '[
        {"task_id": "held", "task_type": "v"}, {"task_id": "free", "task_type": "t"}, {"task_id": "other", "task_type": "t"},
        {"task_id": "done", "task_type": "t"}, {"task_id": "waiting", "task_type": "t"}]');
    select create_dependency('p', '{"dependency_id": "d", "task_id": "waiting", "dependent_on_task_id": "held",
        "required_completion_status": "Done"}');
    select start_task('p', 'ann', 'done');
    select release_task('p', 'ann', 'done', 'Done');
    select start_task('p', 'ann', 'held');
    select submit_timesheet('p', 'ann', 1, 'held');
    select create_segment_type('p', '{"type_name": "axon"}');
    select create_segment_type('p', '{"type_name": "unused"}');
    select create_segments('p', '[{"seed_id": 12, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon",
            "current_segment_id": 100},
        {"seed_id": 13, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
    select create_supervoxel('p', '{"supervoxel_id": 12, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 100}');
    select update_supervoxels_for_merge('p', '{1}', 2, 'applied', now());
    select queue_segment_updates('p', '{100}');
    select claim_segment_update('p');
    select create_endpoint('p', '{"seed_id": 12, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "ann"}');
    select create_event_consumer('p', 'reading'), create_event_consumer('p', 'unused'), publish_event('p', 'read');
    select update_project('p', '{"segmentation_path": "gs://seg", "sv_resolution_x": 4, "sv_resolution_y": 4, "sv_resolution_z": 40}');
    select create_task('p', '{"task_id": "seeded", "task_type": "t", "ng_state": {"seed_id": 12}, "segment_seed_id": 12}');
    select create_fact('p', '{"fact_id": "fact", "text": "words", "subject": "s", "predicate": "s", "object_data": 1}');
    select create_conversation('p', 'held', '{"content": "words"}');
    select schedule_task('p', 's', '0 0 * * *', data => '{"task_type": "t"}', misfire_policy => 'all');
    update task_mgmt.schedule set next_run_at = next_run_at - interval '2 days';
    select create_user('p', '{"user_id": "machine", "qualified_task_types": ["t"], "capacity": "unlimited"}');
    select create_tasks('p', '[
        {"task_id": "leased", "task_type": "t", "priority": 100, "ttl_seconds": 1e8, "unique_key": "key"},
        {"task_id": "failed", "task_type": "t", "priority": 99, "unique_key": "key of failed"},
        {"task_id": "short", "task_type": "t", "ttl_seconds": 1e8, "channel": "c"}]');
    select setval('task_mgmt.serial', 1000000);
    select claim_tasks('p', 'machine', lease_seconds => 1e8, instance => 'i');
    select fail_task('p', task_id, lease_token, 'words', false) from claim_tasks('p', 'machine');
    select create_project('undo');
    select create_task_type('undo', '{"task_type": "t", "completion_statuses": ["Done"]}');
    select create_user('undo', '{"user_id": "ann", "qualified_task_types": ["t"]}');
    select create_task('undo', '{"task_id": "undone", "task_type": "t"}');
    set task_mgmt.undo_seconds = 1e9;
    select start_task('undo', 'ann'), release_task('undo', 'ann', 'undone', 'Done');
"#;

/// What is valid for an argument of a function. Panics for one that is not known: add it here.
pub fn valid(function: &str, argument: &str) -> Value {
    let expression = match (function, argument) {
        (_, "data") => return Value::json(valid_data(function)),
        ("list_facts", "filters") => return Value::json(r#"{"status": "permanent"}"#),
        (_, "notify_events") => return Value::json(r#"["started"]"#),
        ("list_tasks", "filters") => return Value::json(r#"{"status": "queued"}"#),
        ("requeue_failed", "filters") => return Value::json(r#"{"task_type": "t"}"#),
        (_, "filters") => return Value::json(r#"{"status": "Raw"}"#),
        (_, "options") => return Value::json("{}"),
        ("create_project", "project_name") => "'another'",
        ("delete_project" | "clear_project_users" | "clear_project_task_types", "project_name") => "'empty'",
        ("grant_access" | "revoke_access" | "bind_user", "role") => "'client_hostile'",
        ("get_task_type" | "update_task_type" | "register_handler", "task_type") => "'t'",
        ("unregister_handler", "task_type") => "'v'",
        ("add_segment_task", "task_type") => "'trace_v0'",
        ("grant_qualification" | "revoke_qualification", "kind") => "'task_type'",
        ("grant_qualification", "level") => "3",
        ("schedule_task" | "pause_schedule" | "resume_schedule" | "remove_schedule" | "get_schedule", "name") => "'s'",
        (_, "name") => "'t'",
        (_, "cron") => "'*/5 * * * mon'",
        (_, "timezone") => "'Europe/Berlin'",
        (_, "misfire_policy") => "'all'",
        (_, "misfire_grace_seconds") => "60",
        (_, "count") => "3",
        (_, "after") => "now()",
        (_, "expires_at") => "'2100-01-01'::timestamptz",
        ("set_feedback_policy", "task_type") => "'trace_v0'",
        ("register_handler", "kind") => "'completion'",
        ("unregister_handler", "kind") => "'verification'",
        ("reactivate_task" | "add_golden_task", "task_id") => "'done'",
        ("release_task" | "force_release_task" | "renew_lease" | "submit_timesheet" | "verify_task", "task_id") => {
            "'held'"
        }
        ("get_trace_task_state" | "get_trace_task_link" | "expand_ng_state", "task_id") => "'seeded'",
        (_, "segment_type_name") => "'axon'",
        (
            _,
            "include_certain_ends"
            | "include_uncertain_ends"
            | "include_breadcrumbs"
            | "include_segment_type_layers"
            | "include_merges"
            | "include_names",
        ) => "true",
        ("start_task" | "start_task_cross_project", "user_id") => "'bob'",
        ("claim_tasks" | "release_tasks", "user_id") => "'machine'",
        ("heartbeat" | "complete_task" | "fail_task" | "snooze_task", "task_id") => "'leased'",
        ("enqueue_task", "task_id") => "'failed'",
        ("extend_ttl" | "remaining_ttl", "task_id") => "'short'",
        (_, "lease_token") => "1000001",
        (_, "own_tasks") => "'first'",
        (_, "instance") => "'i'",
        (_, "channel") => "'c'",
        (_, "task_types") => "'{t}'::text[]",
        (_, "extend_seconds" | "delay_seconds" | "within_seconds") => "3",
        (_, "retryable") => "true",
        (_, "result") => "'{\"a\": 1}'::jsonb",
        ("undo_release", "project_name") => "'undo'",
        ("undo_release", "task_id") => "'undone'",
        ("transfer_tasks", "task_type") => "'t'",
        ("delete_segment_type", "type_name") => "'unused'",
        (_, "type_name") => "'axon'",
        (_, "endpoint_id") => "(select max(endpoint_id) from task_mgmt.endpoints)",
        (_, "new_status") => "'CONTINUED'",
        (_, "segment_ids" | "current_segment_ids") => "'{12}'::numeric[]",
        (_, "max_rows" | "skip") => "7",
        (_, "dry_run") => "false",
        (
            _,
            "sv_resolution_x" | "sv_resolution_y" | "sv_resolution_z" | "max_idle_seconds" | "duration_seconds"
            | "hourly_rate",
        ) => "1.5",
        (_, "project_name") => "'p'",
        (_, "user_id") => "'ann'",
        (_, "task_id" | "dependent_on_task_id") => "'free'",
        (_, "task_ids") => "'{free}'::text[]",
        (_, "dependency_id") => "'d'",
        ("find_task", "prefix") => "'fre'",
        (_, "fact_id" | "prefix") => "'fact'",
        (_, "relation") => "'reads'",
        (_, "conversation_id") => "(select max(conversation_id) from task_mgmt.conversations)",
        (_, "namespace") => "'default'",
        (_, "subject" | "predicate") => "'s'",
        (_, "completion_status") => "'Done'",
        (_, "level") => "'worker'",
        (_, "handler") => "'public.follow(text, text, text)'::regprocedure",
        (_, "seed_id") => "12",
        (_, "sources" | "sinks" | "points") => "'[[\"7\", 1, 2, 3]]'::jsonb",
        ("get_segment_edit_event", "event_id") => "'applied'",
        (_, "event_id") => "'new'",
        (_, "operation_type") => "'edit'",
        (_, "edit_timestamp") => "now()",
        (_, "old_root_id" | "segment_id") => "100",
        (_, "new_root_id") => "101",
        (_, "old_root_ids" | "root_ids") => "'{100}'::numeric[]",
        (_, "new_root_ids") => "'{101,102}'::numeric[]",
        (_, "assignments") => "'{\"12\": 101}'::jsonb",
        (_, "supervoxel_id") => "12",
        (_, "seed_ids") => "'{12}'::numeric[]",
        (_, "edit_id") => "1",
        (_, "token") => "(select token from task_mgmt.segment_update where project_name = 'p')",
        (_, "lease_seconds" | "seconds" | "max_retries" | "days_old") => "3",
        ("create_event_consumer", "consumer") => "'new'",
        ("delete_event_consumer", "consumer") => "'unused'",
        (_, "consumer") => "'reading'",
        (_, "event_no") => {
            "(select max(event_no) from task_mgmt.events
                where project_name = 'p' and event_no <= (select settled_no from task_mgmt.event_consumers where consumer = 'reading'))"
        }
        (_, "event_type") => "'mine'",
        (_, "dedupe_key") => "'key'",
        (_, "extra_layers") => "'[{\"name\": \"layer\"}]'::jsonb",
        (_, "cascade") => "false",
        (_, "add_status_annotation") => "true",
        (_, "trace_task_id") => "'done'",
        (_, "share_percent") => "5",
        (_, "days") => "7",
        (_, "starts_at") => "now() - interval '1 day'",
        (_, "max_tasks") => "10",
        (_, "from_user") => "'ann'",
        (_, "to_user") => "'bob'",
        (_, "include_held") => "true",
        (_, "skip_unqualified") => "true",
        (_, "start_date" | "end_date" | "ends_at") => "now()",
        (
            _,
            "note" | "reason" | "description" | "segmentation_path" | "brain_mesh_path" | "datastack_name"
            | "synapse_table" | "worker" | "error_message" | "error",
        ) => "'words'",
        _ => panic!("what is valid for {argument} of {function}? add it"),
    };
    Value::plain(expression)
}

fn valid_data(function: &str) -> &'static str {
    match function {
        "create_task" | "schedule_task" => r#"{"task_type": "t"}"#,
        "create_tasks" => r#"[{"task_type": "t"}]"#,
        "create_user" => r#"{"user_id": "eve"}"#,
        "create_supervoxel" => {
            r#"{"supervoxel_id": 13, "seed_x": 1, "seed_y": 2, "seed_z": 3, "current_segment_id": 100}"#
        }
        "create_supervoxels" => {
            r#"[{"supervoxel_id": 13, "seed_x": 1, "seed_y": 2, "seed_z": 3, "current_segment_id": 100}]"#
        }
        "create_task_type" => r#"{"task_type": "new"}"#,
        "create_dependency" => {
            r#"{"task_id": "other", "dependent_on_task_id": "free", "required_completion_status": "Done"}"#
        }
        "create_dependencies" => {
            r#"[{"task_id": "other", "dependent_on_task_id": "free", "required_completion_status": "Done"}]"#
        }
        "create_segment_type" => r#"{"type_name": "new"}"#,
        "create_segment" => r#"{"seed_id": 14, "seed_x": 0, "seed_y": 0, "seed_z": 0}"#,
        "create_segments" | "ingest_segments" => r#"[{"seed_id": 14, "seed_x": 0, "seed_y": 0, "seed_z": 0}]"#,
        "create_fact" => r#"{"text": "words", "fact_id": "new"}"#,
        "create_facts" => r#"[{"text": "words", "fact_id": "new"}]"#,
        "complete_tasks" => r#"[{"task_id": "leased", "lease_token": 1000001}]"#,
        "create_conversation" => r#"{"content": "words"}"#,
        "create_endpoint" => r#"{"seed_id": 12, "x": 1, "y": 1, "z": 1, "status": "CERTAIN", "user_id": "ann"}"#,
        "replace_endpoints" => r#"[{"x": 1, "y": 1, "z": 1, "status": "CERTAIN"}]"#,
        _ => "{}",
    }
}
