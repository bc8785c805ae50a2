-- The tasks of a segment: those that name its seed, and those that are linked to it.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_segment_type('p', '{"type_name": "axon", "instruction": "Follow it.", "instruction_link": "https://a"}');
	perform create_segment_type('p', '{"type_name": "bare"}');
	perform create_segments('p', '[{"seed_id": 18446744073709551615, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"},
		{"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "bare"}, {"seed_id": 3, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
	perform create_tasks('p', '[{"task_id": "z", "task_type": "x"}, {"task_id": "own", "task_type": "x", "segment_seed_id": 18446744073709551615},
		{"task_id": "a", "task_type": "x"}, {"task_id": "two", "task_type": "x", "segment_seed_id": 2}, {"task_id": "three", "task_type": "x", "segment_seed_id": 3},
		{"task_id": "four", "task_type": "x", "segment_seed_id": 4}]');
end $$;

-- Linking twice is linking once; a task that names the seed is one of its tasks anyway, and listed once.
select link_segment_task('p', 18446744073709551615, 'a'), link_segment_task('p', 18446744073709551615, 'z'), link_segment_task('p', 18446744073709551615, 'a') as again,
	link_segment_task('p', 18446744073709551615, 'own') as own;
select get_segment('p', 18446744073709551615)->'task_ids' as task_ids, get_segment('p', 2)->'task_ids' as others;
select task->>'task_id' as task_id, task->>'segment_seed_id' as seed from jsonb_array_elements(get_segment_tasks('p', 18446744073709551615)) task;
select seed_id, task_ids from task_mgmt.segments order by seed_id;
select task_id, kind, detail from task_mgmt.events where project_name = 'p' and kind = 'changed' order by event_no;

-- A link is no lane.
select get_task('p', 'a')->'segment_type' as segment_type;

-- Without the link, a task that names the seed stays.
select unlink_segment_task('p', 18446744073709551615, 'a'), unlink_segment_task('p', 18446744073709551615, 'a') as again, unlink_segment_task('p', 18446744073709551615, 'own') as own;
select get_segment('p', 18446744073709551615)->'task_ids' as task_ids;
select update_task('p', 'own', '{"segment_seed_id": null}'), get_segment('p', 18446744073709551615)->'task_ids' as task_ids;

-- What is missing is named.
select link_segment_task('p', 9, 'a');
select link_segment_task('p', 2, 'none');
select link_segment_task('none', 2, 'a');
select link_segment_task('p', -1, 'a');
select link_segment_task('p', 2, null);
select unlink_segment_task('p', 9, 'a');
select unlink_segment_task('p', 2, 'none');
select get_segment_tasks('p', 9);
select get_segment_tasks('p', 1e30);
select get_segment_tasks('p', 3) -> 0 ->> 'task_id' as task_id;

-- Whoever works on a task sees what is to be known of its segment.
select update_task('p', 'own', '{"segment_seed_id": 18446744073709551615}');
select task_id, task->'segment_type' as segment_type, task->'instruction' as instruction, task->'instruction_link' as link, task - '{instruction,instruction_link}'::text[] = get_task('p', task_id) as rest
from unnest('{own, two, three, four, a}'::text[]) task_id, add_segment_type_and_instructions('p', task_id) task;
select add_segment_type_and_instructions('p', 'none');
select add_segment_type_and_instructions('none', 'own');
select add_segment_type_and_instructions('p', null);

-- Links go with their tasks or segments.
select link_segment_task('p', 2, 'a'), clear_project_data('p'), get_segment('p', 2)->'task_ids' as task_ids;
select create_task('p', '{"task_id": "a", "task_type": "x"}'), link_segment_task('p', 2, 'a'), clear_segments('p'), get_task('p', 'a')->>'task_id' as still;
select clear_segments('p'), list_segments('p'), get_segment_type('p', 'axon')->>'type_name' as still;
select detail from task_mgmt.events where project_name = 'p' and kind = 'project_cleared' order by event_no;
select clear_segments('none');
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
