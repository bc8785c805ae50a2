-- A row in every table, every kind of state, and names that need quoting.
\set QUIET on
\set ON_ERROR_STOP on
create extension task_mgmt;

create role "dump Worker";
create role dump_manager;
create schema handlers;
create function handlers."check It"(text, text, text) returns jsonb language sql as
	$$ select '{"passed": true, "message": "restored"}'::jsonb $$;

set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
do $$ begin
	perform create_project('dump', 'gs://seg', 4, 4, 40, E'two\nlines', extra_layers => '[{"name": "🧠", "source": null}]', max_idle_seconds => 30);
	perform create_project('"; drop table x; --');
	perform archive_project('"; drop table x; --');
	perform create_task_type('dump', '{"task_type": "trace", "completion_statuses": ["Done", "Can''t Continue"], "max_idle_seconds": 60}');
	perform register_handler('dump', 'trace', 'verification', 'handlers."check It"(text, text, text)');
	perform create_user('dump', '{"user_id": "anna", "hourly_rate": 36.55, "qualified_task_types": ["trace"], "qualified_segment_types": ["axon"]}');
	perform create_user('dump', '{"user_id": "bob", "qualified_task_types": ["trace"]}');
	perform grant_qualification('dump', 'bob', 'segment_type', 'soma', 3, '2099-12-31 23:59:59.999999+00');
	perform create_tasks('dump', jsonb_build_array(
		'{"task_id": "held", "task_type": "trace", "segment_type": "axon", "segment_seed_id": 18446744073709551615}'::jsonb,
		'{"task_id": "done", "task_type": "trace"}'::jsonb,
		'{"task_id": "after", "task_type": "trace"}'::jsonb,
		'{"task_id": "waits", "task_type": "trace"}'::jsonb,
		'{"task_id": "inactive", "task_type": "trace", "is_active": false}'::jsonb,
		'{"task_id": "paused", "task_type": "trace", "is_paused": true}'::jsonb,
		'{"task_id": "mine", "task_type": "trace", "assigned_user_id": "bob"}'::jsonb,
		'{"task_id": "cancelled", "task_type": "trace"}'::jsonb,
		jsonb_build_object('task_id', 'large', 'task_type', 'trace', 'priority', -1,
			'extra_data', (select jsonb_object_agg(i, md5(i::text)) from generate_series(1, 10000) i))));
	perform create_dependency('dump', '{"task_id": "after", "dependent_on_task_id": "done", "required_completion_status": "Done"}');
	perform create_dependency('dump', '{"task_id": "waits", "dependent_on_task_id": "held", "required_completion_status": "Can''t Continue"}');
	perform start_task('dump', 'bob', 'done'), submit_timesheet('dump', 'bob', 12.345, 'done'), release_task('dump', 'bob', 'done', 'Done', E'\t\\.\n');
	perform start_task('dump', 'anna', 'held'), submit_timesheet('dump', 'anna', 0.001, 'held'), cancel_task('dump', 'cancelled');
	perform create_segment_type('dump', '{"type_name": "axon", "sample_segment_ids": [18446744073709551615], "instruction": "Follow it.\n"}');
	perform create_segments('dump', '[{"seed_id": 18446744073709551615, "seed_x": 0.1, "seed_y": 1e300, "seed_z": -3, "expected_segment_type": "axon"},
		{"seed_id": 0, "seed_x": 0, "seed_y": 0, "seed_z": 0, "status": "Wrong type", "current_segment_id": 9223372036854775808, "extra_data": {"k": "🧠"}}]');
	perform link_segment_task('dump', 0, 'done'), lock_segments('dump', '{18446744073709551614}');
	perform create_endpoint('dump', '{"seed_id": 0, "x": 0.1, "y": 0, "z": 0, "status": "BREADCRUMB", "user_id": "bob"}');
	perform update_user('dump', 'anna', '{"hourly_rate": 40}'), correct_time('dump', 'anna', 'held', 0.5, E'\t\\.\n', 36.55);
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00.000001+00', true), close_pay_period('dump', '2030-01-01 00:00:00+00', '2030-01-01 00:00:00.000001+00', 'a microsecond');
	perform add_standard_task_types('dump'), set_feedback_policy('dump', 'trace_v0', 12.34), set_feedback_policy('dump', 'trace_v0', 100, 'bob');
	perform create_task_type('dump', '{"task_type": "review", "completion_statuses": ["Fair", "Perfect"]}'),
		register_handler('dump', 'review', 'completion', 'task_mgmt.complete_trace_feedback_v0(text, text, text)'),
		create_user('dump', '{"user_id": "eve", "qualified_task_types": ["review"]}'),
		create_task('dump', '{"task_id": "review", "task_type": "review", "extra_data": {"original_task_id": "done"}}'),
		start_task('dump', 'eve'), release_task('dump', 'eve', 'review', 'Fair');
	perform create_split_edit('dump', 'done', 'bob', '[["18446744073709551615", 0.1, -2, 3e-10]]', '[]'), create_merge_edit('dump', 'done', 'bob', '[]'),
		create_segment('dump', '{"seed_id": 18446744073709551613, "seed_x": 1, "seed_y": 2, "seed_z": 3, "current_segment_id": 18446744073709551612}');
	perform populate_supervoxels_from_segments('dump'),
		update_supervoxels_for_merge('dump', '{18446744073709551612}', 18446744073709551611, 'event 🧠', '2030-01-01 00:00:00+00');
	perform create_user('dump', '{"user_id": "fay", "qualified_task_types": ["review"]}'),
		create_task('dump', '{"task_id": "shared", "task_type": "review", "overlap": 2, "extra_data": {"original_task_id": "done"}}'),
		start_task('dump', 'eve', 'shared'), release_task('dump', 'eve', 'shared#1', 'Fair'), start_task('dump', 'fay', 'shared'),
		add_golden_task('dump', 'done'), update_task_type('dump', 'review', '{"golden_percent": 33.33, "golden_min_score_percent": 66.67, "golden_min_answers": 3}');
	perform create_fact('dump', '{"fact_id": "fact 🧠", "text": "\t\\.\nÜber", "tags": ["a,b", "\"{}"], "metadata": {"n": 1.10}, "subject": "s", "predicate": "p", "object_data": 18446744073709551615,
			"valid_from": "2030-01-01T00:00:00.000001Z", "rule_id": "r", "produced_by_task": "done"}'), read_fact('dump', 'fact 🧠', 'held'),
		create_conversation('dump', 'held', '{"content": "\t\\.\n"}');
	perform set_limit('dump', 'project', null, 50, 9), set_limit('dump', 'channel', E'\\.', 7, 0);
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:30:00+00', true), schedule_task('dump', 'every hour 🧠', '0 * * * *', 'Europe/Berlin',
		jsonb_build_object('task_type', 'review', 'extra_data', jsonb_build_object('id', 18446744073709551615), 'is_active', false), 'skip', 0.5);
	perform set_config('task_mgmt.fake_now', '2030-01-01 01:00:00+00', true), run_due_schedules('dump');
	perform grant_access('dump Worker', 'worker', 'dump'), grant_access('dump_manager', 'manager');
	perform bind_user('dump', 'anna', 'dump Worker');
	perform publish_event('dump', 'model "trained"', '{"accuracy": 0.12345678901234567890}', 'done', E'once\U0001F9E0'), update_project('dump', '{"notify_events": ["custom"]}'),
		create_event_consumer('dump', 'reader', '{"from": "beginning", "kinds": ["custom"]}');
end $$;
do $$ begin
	loop
		exit when (select fail_event('dump', 'reader', event_no, 'no connection') from read_events('dump', 'reader')) = 'retrying';
		perform pg_sleep(0.01);
	end loop;
end $$;

-- Counts are folded once the transactions before are over.
select count(*) >= 0 as swept from sweep();
select count(*) >= 0 as swept from sweep();
select count(*) >= 0 as swept from sweep();
