-- trace_v0: what a trace must show before it is completed, and what its segment is afterwards.

do $$ begin
	perform create_project('p', 'gs://seg', 4, 4, 40), add_standard_task_types('p');
	perform create_segment_type('p', '{"type_name": "axon"}');
	perform create_segments('p', '[{"seed_id": 7, "seed_x": 1, "seed_y": 2, "seed_z": 3, "expected_segment_type": "axon"},
		{"seed_id": 18446744073709551615, "seed_x": 1, "seed_y": 2, "seed_z": 3}]');
	perform create_user('p', '{"user_id": "ann", "qualified_task_types": ["trace_v0", "trace_postprocess_v0", "segmentation_verification_v0"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "bob", "qualified_task_types": ["trace_v0"], "qualified_segment_types": ["axon"]}');
	perform create_task('p', '{"task_id": "a", "task_type": "trace_v0", "extra_data": {"seed_id": 7}}');
end $$;

-- A state with so many marks of each kind.
create function marks(kind text, n integer) returns jsonb language sql as $$
	select jsonb_build_object('type', 'annotation', 'name', kind, 'annotations',
		coalesce(jsonb_agg(jsonb_build_object('type', 'point', 'point', jsonb_build_array(i, length(kind), 10.5))), '[]'))
	from generate_series(1, n) i $$;
create function state(roots integer, certain integer, uncertain integer, breadcrumbs integer default 0) returns jsonb language sql as $$
	select jsonb_build_object('ng_state', jsonb_build_object('layers', jsonb_build_array(
		'{"type": "segmentation", "name": "Segmentation", "segments": ["720575940621039145", "!5"]}'::jsonb,
		marks('Seed Location', 1), marks('Root Location', roots), marks('Certain Ends', certain), marks('Uncertain Ends', uncertain),
		marks('Breadcrumbs', breadcrumbs)))) $$;
create view endpoints as select x, y, z, status, user_id from task_mgmt.endpoints where project_name = 'p' order by endpoint_id;

-- Each standard type has its built-in handlers, which are found like any other.
select task_type, verification_handler, completion_handler, creation_handler from task_mgmt.task_types where project_name = 'p' order by task_type;

-- A trace that does not show enough is refused by its own message, and nothing changes.
select start_task('p', 'ann', 'a');
select release_task('p', 'ann', 'a', 'Done');
select update_task('p', 'a', state(0, 2, 0));
select release_task('p', 'ann', 'a', 'Done');
select verify_task('p', 'a', 'Can''t Continue'), verify_task('p', 'a', 'Odd');
select release_task('p', 'ann', 'a', 'Can''t Continue');
select release_task('p', 'ann', 'a', 'Faulty Task');
select get_task('p', 'a')->>'active_user_id' as holder, get_segment('p', 7)->>'status' as status, (select count(*) from endpoints) as endpoints;

-- A point that is none is refused, too.
select update_task('p', 'a', jsonb_set(state(1, 2, 0, 1), '{ng_state,layers,5,annotations,0,point}', '[1, "2"]'));
select verify_task('p', 'a', 'Done');
select release_task('p', 'ann', 'a', 'Done');
select get_task('p', 'a')->>'active_user_id' as holder, get_segment('p', 7)->>'status' as status;

-- A completion makes the segment what the trace shows: the root is half a voxel less deep, the ends are as they were marked, by who completed it.
-- Where the seed is marked is not asked.
select update_task('p', 'a', jsonb_set(state(1, 2, 1, 1), '{ng_state,layers,1,annotations,0,point}', '[1, "2"]')), release_task('p', 'ann', 'a', 'Done');
select get_segment('p', 7) - 'created_at' - 'updated_at' as segment;
select * from endpoints;

-- One task follows each Done, and only that.
create view followers as select regexp_replace(task_id, '\d+$', 'N') as task_id, task_type, priority, batch_id, extra_data, ng_state, completed_user_id, segment_type
	from task_mgmt.tasks where project_name = 'p' and task_id <> 'a' order by created_at, task_id;
select * from followers;
select start_task('p', 'ann') ~ '^postprocess_7_' as started, release_task('p', 'ann', (get_user('p', 'ann')->>'active_task'), 'Done');

-- The same completion again changes nothing; that takes the extension's owner, as nobody else may call a built-in handler.
select task_mgmt.complete_trace_v0('p', 'a', 'Done');
select count(*) from followers;
select count(*) as updates from task_mgmt.endpoint_updates where project_name = 'p';
create role regress_manager;
select grant_access('regress_manager', 'manager');
set role regress_manager;
select task_mgmt.complete_trace_v0('p', 'a', 'Done');
select task_mgmt.verify_trace_v0('p', 'a', 'Done');
select task_mgmt.create_trace_v0('p', 7, '{}');
reset role;

-- Who did it may be corrected, which is no other completion.
select update_task('p', 'a', '{"completed_user_id": "bob"}'), get_task('p', 'a')->>'completed_user_id' as completer;
select count(*) from followers;
select distinct user_id from endpoints;

-- Another completion is another one, by whoever makes it; endpoints that stay keep their history.
select reactivate_task('p', 'a'), start_task('p', 'bob', 'a'), update_task('p', 'a', state(1, 3, 0));
select release_task('p', 'bob', 'a', 'Done');
select * from endpoints;
select count(*) from followers;

-- The other outcomes: an unfinished trace counts as proofread, a merger and a wrong type do not; a root that is not shown stays.
select reactivate_task('p', 'a'), start_task('p', 'ann', 'a'), update_task('p', 'a', state(0, 0, 1)), release_task('p', 'ann', 'a', 'Can''t Continue');
select get_segment('p', 7)->'status' as status, get_segment('p', 7)->'root_z' as root_z, string_agg(status::text, ' ') as endpoints from endpoints;
select update_task('p', 'a', '{"completion_status": "Merger"}'), get_segment('p', 7)->'status' as status;
select update_task('p', 'a', '{"completion_status": "Wrong Cell Type"}'), get_segment('p', 7)->'status' as status;
select count(*) from followers;
select * from task_mgmt.check_invariants();

-- Without a visible segment there is no present root; that takes a type whose verification does not ask for one.
select create_task_type('p', '{"task_type": "own", "completion_statuses": ["Done", "Own", "Faulty Task"]}'),
	register_handler('p', 'own', 'completion', 'task_mgmt.complete_trace_v0(text, text, text)');
select update_user('p', 'ann', '{"qualified_task_types": ["own"]}');
create function complete(task text, status text, data text) returns boolean language plpgsql as $$ begin
	perform create_task('p', jsonb_build_object('task_id', task, 'task_type', 'own') || data::jsonb);
	perform start_task('p', 'ann', task);
	return release_task('p', 'ann', task, status);
end $$;
select complete('hidden', 'Done', '{"segment_seed_id": 7, "ng_state": {"layers": [{"name": "Segmentation", "segments": ["!5"]}]}}'),
	get_segment('p', 7)->'current_segment_id' as root;
select count(*) as endpoints from endpoints;
select complete('largest', 'Own', '{"segment_seed_id": "18446744073709551615", "ng_state": {"layers": [{"name": "Segmentation", "segments": ["18446744073709551615"]}]}}');
select get_segment('p', 18446744073709551615)->'status' as kept, get_segment('p', 18446744073709551615)->'current_segment_id' as root;
select complete('no_id', 'Done', '{"segment_seed_id": 7, "ng_state": {"layers": [{"name": "Segmentation", "segments": ["seven"]}]}}');

-- Nothing follows from a faulty task, nor from one without a seed; a seed without a segment is an error.
select update_task('p', 'a', state(1, 2, 0) || '{"completion_status": "Done"}');
select count(*) from followers where task_type = 'trace_postprocess_v0';
select complete('faulty', 'Faulty Task', '{"segment_seed_id": 8}'), complete('seedless', 'Done', '{}');
select complete('missing', 'Done', '{"segment_seed_id": 8}');
select get_segment('p', 7)->'status' as kept, count(*) from followers where task_type = 'trace_postprocess_v0';

-- A project without the type has no postprocess tasks.
select create_project('q'), create_task_type('q', '{"task_type": "own", "completion_statuses": ["Done"]}'), create_user('q', '{"user_id": "ann", "qualified_task_types": ["own"]}'),
	register_handler('q', 'own', 'completion', 'task_mgmt.complete_trace_v0(text, text, text)'), create_segment('q', '{"seed_id": 7, "seed_x": 1, "seed_y": 2, "seed_z": 3}'),
	create_task('q', '{"task_id": "a", "task_type": "own", "segment_seed_id": 7}'), start_task('q', 'ann'), release_task('q', 'ann', 'a', 'Done');
select task_id from task_mgmt.tasks where project_name = 'q';

-- The verification of a segmentation passes or fails.
select create_task('p', '{"task_id": "s", "task_type": "segmentation_verification_v0"}'), verify_task('p', 's', 'pass'), verify_task('p', 's', 'fail'), verify_task('p', 's', 'Done');

-- Every manager may register what is built in, whoever owns it, and nothing else of the extension; a handler of one's own stays.
set role regress_manager;
select create_task_type('p', '{"task_type": "mine"}'), register_handler('p', 'mine', 'verification', 'task_mgmt.verify_trace_v0(text, text, text)');
-- What creates tasks of one type is no handler of another.
select register_handler('p', 'mine', 'creation', 'task_mgmt.create_trace_v0(text, numeric, jsonb)');
select add_segment_task('p', 7, 'mine');
select register_handler('p', 'trace_v0', 'creation', 'task_mgmt.create_trace_v0(text, numeric, jsonb)');
select get_task('p', add_segment_task('p', 7, 'trace_v0'))->>'task_type' as task_type;
select register_handler('p', 'mine', 'verification', 'verify_task(text, text, text)');
select register_handler('p', 'mine', 'completion', 'verify_task(text, text, text)');
select register_handler('p', 'mine', 'completion', 'task_mgmt.readable_projects()');
reset role;
select register_handler('p', 'trace_v0', 'verification', 'task_mgmt.verify_trace_postprocess_v0(text, text, text)'), unregister_handler('p', 'trace_v0', 'completion'),
	add_standard_task_types('p') ? 'trace_v0' as brought_up_to_date;
select get_task_type('p', 'trace_v0');

select revoke_access('regress_manager'), delete_project('p', cascade => true), delete_project('q', cascade => true);
drop role regress_manager;
drop view endpoints, followers;
drop function complete, state, marks;
