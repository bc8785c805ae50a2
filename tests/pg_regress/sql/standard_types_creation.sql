-- Creating traces, and feedback about them, for segments: one at a time, or for all that fit.

do $$ begin
	perform create_project('p'), add_standard_task_types('p'), create_segment_type('p', '{"type_name": "axon"}'), create_segment_type('p', '{"type_name": "dendrite"}');
	perform create_segments('p', jsonb_agg(jsonb_build_object('seed_id', i, 'seed_x', i, 'seed_y', 1, 'seed_z', 1, 'batch', case when i % 2 = 0 then 'even' end,
		'expected_segment_type', case when i > 3 then 'axon' end, 'status', case i when 5 then 'Proofread' else 'Raw' end)))
	from generate_series(1, 6) i;
	perform create_segment('p', '{"seed_id": "18446744073709551615", "seed_x": 1, "seed_y": 1, "seed_z": 1, "batch": "large"}');
	perform create_user('p', '{"user_id": "ann", "qualified_task_types": ["trace_v0", "trace_feedback_v0"], "qualified_segment_types": ["axon"]}');
end $$;
create view shown as select regexp_replace(task_id, '\d+$', 'N') as task_id, task_type, priority, batch_id, is_paused, assigned_user_id, segment_type, segment_seed_id, ng_state, ng_state_initial, extra_data
	from task_mgmt.tasks where project_name = 'p';

-- A trace begins with the seed of its segment, and is of its type.
select add_segment_task('p', 4, 'trace_v0') ~ '^trace_4_\d+$' as made;
select add_segment_task('p', 18446744073709551615, 'trace_v0', '{"priority": 7, "batch_id": "b", "is_paused": true, "assigned_user_id": "ann", "ng_state": {"x": 1}, "ng_state_initial": null}') ~ '^trace_18446744073709551615_\d+$' as made;
select * from shown order by segment_seed_id;
select get_segment('p', 4)->'task_ids'->>0 ~ '^trace_4_' as linked;
select add_segment_task('p', 4, 'trace_v0', '{"prio": 7}');
select add_segment_task('p', 4, 'trace_v0', '{"priority": "urgent"}');
select add_segment_task('p', 4, 'trace_v0', '{"assigned_user_id": "none"}');
-- The segment is looked for first, then the handler.
select add_segment_task('p', 8, 'trace_postprocess_v0');
select add_segment_task('p', 4, 'trace_postprocess_v0');

-- Feedback is about a trace, and asks for no qualification for its segment.
select create_task('p', '{"task_id": "t", "task_type": "trace_v0"}'), create_task('p', '{"task_id": "f", "task_type": "trace_feedback_v0"}');
select add_segment_task('p', 4, 'trace_feedback_v0', '{"task_id": "t", "assigned_user_id": "ann"}') ~ '^feedback_t_\d+$' as made;
select * from shown where task_id ~ 'feedback_t';
select add_segment_task('p', 4, 'trace_feedback_v0');
select add_segment_task('p', 4, 'trace_feedback_v0', '{"task_id": "none"}');
select add_segment_task('p', 4, 'trace_feedback_v0', '{"task_id": "f"}');
select add_segment_task('p', 4, 'trace_feedback_v0', '{"task_id": "t", "ng_state": {}}');
select clear_project_data('p')->'tasks' as tasks;

-- Many at once: a dry run only says what would happen.
create function shortened(report jsonb) returns jsonb language sql as $$
	select report || jsonb_build_object('created_task_ids', (select coalesce(jsonb_agg(regexp_replace(id, '\d+$', 'N') order by n), '[]') from jsonb_array_elements_text(report->'created_task_ids') with ordinality as i (id, n))) $$;
select shortened(create_trace_tasks('p', '{"expected_segment_type": "axon"}', '{"dry_run": true}'));
select count(*) from shown;
select shortened(create_trace_tasks('p', '{"expected_segment_type": "axon", "status": "Raw"}'));
select * from shown order by segment_seed_id;
-- Segments that have a task are passed over, also a linked one, unless that is not wanted.
select create_task('p', '{"task_id": "t", "task_type": "trace_v0"}'), link_segment_task('p', 2, 't');
select shortened(create_trace_tasks('p', '{"batch": "even"}'));
select shortened(create_trace_tasks('p', '{"batch": "even", "expected_segment_type": null}', '{"skip_existing_tasks": false, "priority": 3, "batch_id": "again", "is_paused": true}'));
select task_type, priority, batch_id, is_paused from shown where batch_id = 'again';
-- Seeds may be named; one without a segment fits nothing.
select shortened(create_trace_tasks('p', '{"seed_ids": ["18446744073709551615", 1, 1, 99]}', '{"task_type": "segmentation_verification_v0"}'));
select task_id, task_type, segment_seed_id from shown where task_type ~ 'segmentation' order by segment_seed_id;
select create_trace_tasks('p', '{"seed_ids": []}'), create_trace_tasks('p', '{"batch": "none"}');
-- All or none, and bad arguments are named.
select create_trace_tasks('p', '{"status": "Proofread"}', '{"task_type": "none", "dry_run": true}');
select create_trace_tasks('p', '{}');
select create_trace_tasks('p', '{"status": null}');
select create_trace_tasks('p', '{"status": "Odd"}');
select create_trace_tasks('p', '{"seed_ids": [-1]}');
select create_trace_tasks('p', '{"batch": "even"}', '{"dry": true}');
select create_trace_tasks('p', '{"batch": "even"}', '{"priority": -2147483648}');
select create_trace_tasks('p', '[]');
select create_trace_tasks('p', null);
select create_trace_tasks('none', '{"batch": "even"}');
select * from task_mgmt.check_invariants();

-- Ten thousand segments are one call.
select create_segments('p', jsonb_agg(jsonb_build_object('seed_id', i, 'seed_x', 1, 'seed_y', 1, 'seed_z', 1, 'batch', 'many'))) from generate_series(1001, 11000) i;
select create_trace_tasks('p', '{"batch": "many"}') - 'created_task_ids' as first, create_trace_tasks('p', '{"batch": "many"}') - 'created_task_ids' as again;
select count(*), count(distinct segment_seed_id) as segments from shown where segment_seed_id > 1000 and segment_seed_id < 20000;

select delete_project('p', cascade => true);
drop view shown;
drop function shortened;
