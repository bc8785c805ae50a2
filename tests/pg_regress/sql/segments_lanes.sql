-- Tasks are in the lane of the type that their segment is expected to have, whatever comes first.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', jsonb_build_object('task_type', name, 'completion_statuses', '["Done"]'::jsonb)) from unnest('{x, y}'::text[]) name;
	perform create_segment_type('p', jsonb_build_object('type_name', name)) from unnest('{axon, dendrite, soma}'::text[]) name;
	perform create_user('p', jsonb_build_object('user_id', name, 'qualified_task_types', '["x", "y"]'::jsonb, 'qualified_segment_types', jsonb_build_array(name)))
	from unnest('{axon, dendrite, soma}'::text[]) name;
	perform create_segments('p', '[{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"},
		{"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
end $$;
create view lanes as
select t.task_id, t.segment_type, a.segment_type as lane, r.lane_no is not null as is_ready
from task_mgmt.task t
join task_mgmt.lane a on a.lane_no = t.lane_no
left join task_mgmt.ready r on r.task_no = t.task_no and r.lane_no = t.lane_no
order by t.task_no;

-- A new task has the type of its segment, also if the seed stands in extra_data; without a segment it has the one given.
select create_tasks('p', '[{"task_id": "a", "task_type": "x", "segment_seed_id": 1}, {"task_id": "b", "task_type": "x", "extra_data": {"seed_id": "1"}},
	{"task_id": "same", "task_type": "x", "segment_seed_id": 1, "segment_type": "axon"}, {"task_id": "untyped", "task_type": "x", "segment_seed_id": 2},
	{"task_id": "later", "task_type": "x", "segment_seed_id": 3}, {"task_id": "given", "task_type": "x", "segment_seed_id": 4, "segment_type": "dendrite"},
	{"task_id": "none", "task_type": "x", "segment_type": "dendrite"}]');
select * from lanes;

-- Another type than the segment's is refused.
select create_task('p', '{"task_type": "x", "segment_seed_id": 1, "segment_type": "dendrite"}');
select create_task('p', '{"task_type": "x", "segment_seed_id": 2, "segment_type": "dendrite"}');
select create_tasks('p', '[{"task_type": "x"}, {"task_type": "x", "segment_seed_id": 1, "segment_type": "soma"}]');

-- A segment that is created later takes its tasks along.
select create_segments('p', '[{"seed_id": 3, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "soma"},
	{"seed_id": 4, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
select * from lanes where task_id in ('later', 'given');
select task_id, kind, detail from task_mgmt.events where project_name = 'p' and kind <> 'created' and task_id is not null order by event_no, task_id;

-- So does one whose type changes: ready, held, paused, inactive, assigned, completed and cancelled tasks; a held one stays held.
select create_tasks('p', '[{"task_id": "paused", "task_type": "x", "segment_seed_id": 1, "is_paused": true},
	{"task_id": "inactive", "task_type": "y", "segment_seed_id": 1, "is_active": false},
	{"task_id": "mine", "task_type": "y", "segment_seed_id": 1, "assigned_user_id": "axon"},
	{"task_id": "done", "task_type": "y", "segment_seed_id": 1, "completion_status": "Done", "completed_user_id": "axon"},
	{"task_id": "cancelled", "task_type": "y", "segment_seed_id": 1}]');
select start_task('p', 'axon', 'a'), cancel_task('p', 'cancelled'), update_segment('p', 1, '{"expected_segment_type": "dendrite"}');
select * from lanes where task_id in ('a', 'b', 'same', 'paused', 'inactive', 'mine', 'done', 'cancelled');
select get_task('p', 'a')->>'active_user_id' as holder, get_task('p', 'a')->>'segment_type' as segment_type;
select * from task_mgmt.check_invariants();

-- Who was qualified for the old type may finish what is held, and finds nothing more of it; who is for the new one does.
select release_task('p', 'axon', 'a', 'Done'), update_task('p', 'untyped', '{"is_paused": true}'), update_task('p', 'given', '{"is_paused": true}');
select start_task('p', 'axon') as nothing;
select start_task('p', 'axon', 'mine');
select start_task('p', 'dendrite'), release_task('p', 'dendrite', start_task('p', 'dendrite'));

-- No type is no qualification.
select update_segment('p', 1, '{"expected_segment_type": null}');
select * from lanes where task_id in ('b', 'done');
select start_task('p', 'axon'), release_task('p', 'axon', start_task('p', 'axon'));

-- What else changes of a segment moves nothing and is no event of its tasks.
select count(*) from task_mgmt.events where project_name = 'p' and kind = 'changed' and task_id = 'b';
select update_segment('p', 1, '{"expected_segment_type": null, "status": "Proofread"}'), update_segment('p', 1, get_segment('p', 1));
select count(*) from task_mgmt.events where project_name = 'p' and kind = 'changed' and task_id = 'b';

-- A task that changes its seed changes its lane.
select update_task('p', 'b', '{"segment_seed_id": 3}'), update_task('p', 'none', '{"extra_data": {"seed_id": 3}}');
select * from lanes where task_id in ('b', 'none');
select update_task('p', 'b', '{"segment_seed_id": 99}'), update_task('p', 'none', '{"segment_seed_id": null, "segment_type": "axon"}');
select * from lanes where task_id in ('b', 'none');
select update_task('p', 'b', '{"segment_seed_id": 3, "segment_type": "axon"}');
select update_task('p', 'later', '{"segment_type": "axon"}');
select update_task('p', 'later', '{"segment_type": null}');
select update_task('p', 'later', '{"segment_type": "soma", "task_type": "y"}'), update_task('p', 'later', get_task('p', 'later'));
select * from lanes where task_id in ('b', 'later');
select create_segment('p', '{"seed_id": 99, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "dendrite"}');
select * from lanes where task_id = 'b';

-- Very many tasks of one segment move at once.
select create_tasks('p', jsonb_agg(jsonb_build_object('task_type', 'y', 'segment_seed_id', 5 + i % 2, 'batch_id', 'many'))) from generate_series(1, 200) i;
select create_segment('p', '{"seed_id": 5, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "soma"}'),
	create_segment('p', '{"seed_id": 6, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"}'),
	update_segment('p', 5, '{"expected_segment_type": "dendrite"}');
select segment_type, count(*) from task_mgmt.tasks where batch_id = 'many' group by segment_type order by segment_type;
select count(*) from lanes where task_id in (select task_id from task_mgmt.tasks where batch_id = 'many') and is_ready and lane = segment_type;

-- A call that is refused leaves everything where it is, and nothing locked.
select update_segment('p', 5, '{"expected_segment_type": "none"}');
select update_segment('p', 6, '{"expected_segment_type": "none"}');
begin;
do $$ begin
	perform update_segment('p', 3, '{"expected_segment_type": "none"}');
exception when no_data_found then null;
end $$;
select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid();
select update_segment('p', 3, '{"expected_segment_type": "axon"}');
rollback;
select * from lanes where task_id = 'later';

select * from task_mgmt.check_invariants();
drop view lanes;
select delete_project('p', cascade => true);
