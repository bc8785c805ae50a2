-- Errors: each has a standard SQLSTATE, names the object, and says what was found and what to do.

do $$ begin
	perform create_project('p'), create_project('paused'), create_project('q');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "empty"}');
	perform create_task_type('p', '{"task_type": "other", "completion_statuses": ["Done"]}');
	perform create_user(project, jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "empty"]'::jsonb))
	from unnest('{u, v, w, gone}'::text[]) u, unnest('{p, paused}'::text[]) project;
	perform create_tasks('p', '[{"task_id": "free", "task_type": "x"}, {"task_id": "held", "task_type": "x"}, {"task_id": "waits", "task_type": "x"},
		{"task_id": "theirs", "task_type": "x", "assigned_user_id": "v"}, {"task_id": "axon", "task_type": "x", "segment_type": "axon"},
		{"task_id": "cancelled", "task_type": "x"}, {"task_id": "inactive", "task_type": "x", "is_active": false}, {"task_id": "other", "task_type": "other"},
		{"task_id": "empty", "task_type": "empty", "active_user_id": "w"},
		{"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "v"}]');
	perform create_dependency('p', '{"dependency_id": "d", "task_id": "waits", "dependent_on_task_id": "free", "required_completion_status": "Done"}');
	perform create_segment_type('p', '{"type_name": "axon"}'), create_segment('p', '{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"}');
	perform start_task('p', 'v', 'held'), cancel_task('p', 'cancelled'), pause_project('paused'), deactivate_user('p', 'gone');
	perform create_user('q', '{"user_id": "u"}'), create_task_type('q', '{"task_type": "x"}'), create_task('q', '{"task_id": "free", "task_type": "x"}');
end $$;
create function refuse(text, text, text) returns jsonb language sql as $$ select '{"passed": false, "message": "too dark"}'::jsonb $$;
create function unusable(text, text, text) returns jsonb language sql as $$ select null::jsonb $$;
create role regress_reader;
create role regress_bound;
select grant_access('regress_reader', 'worker', 'p'), bind_user('p', 'w', 'regress_bound');

create function try(statement text) returns table (error text) language plpgsql as $$
declare
	message text;
	detail text;
	hint text;
begin
	execute statement;
	return query values ('none');
exception when others then
	get stacked diagnostics message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
	return query select line from (values (1, sqlstate || ' ' || message), (2, nullif(detail, '')), (3, nullif(hint, ''))) l (n, line)
	where line is not null order by n;
end $$;

-- P0002: something is missing.
select * from try($$select get_project('none')$$);
select * from try($$select start_task('p', 'none')$$);
select * from try($$select * from start_task_cross_project('none')$$);
select * from try($$select get_task_type('p', 'none')$$);
select * from try($$select create_task('p', '{"task_type": "none"}')$$);
select * from try($$select start_task('p', 'u', 'none')$$);
select * from try($$select * from start_task_cross_project('u', 'none')$$);
select * from try($$select get_dependency('p', 'none')$$);
select * from try($$select grant_access('none', 'reader')$$);
select * from try($$select register_handler('p', 'x', 'completion', 4294967295::oid)$$);
select * from try($$select add_segment_task('p', 2, 'x')$$);
select * from try($$select add_segment_task('p', 1, 'x')$$);
select * from try($$select get_segment_type('p', 'none')$$);
select * from try($$select get_segment('p', 2)$$);
select * from try($$select update_endpoint_status('p', -1, 'u', 'CERTAIN')$$);
select * from try($$select get_task_feedback('p', 'none')$$);
select * from try($$select get_supervoxel('p', 7)$$);
select * from try($$select get_segment_edit_event('p', 'none')$$);
select * from try($$select get_fact('p', 'none')$$);
select * from try($$select find_fact('p', 'none')$$);
select * from try($$select update_conversation('p', 'none', '{}')$$);

-- 42710: it is there already.
select create_facts('p', '[{"fact_id": "3fa1", "text": "x"}, {"fact_id": "3fa2", "text": "x"}]');
select * from try($$select create_fact('p', '{"fact_id": "3fa1", "text": "x"}')$$);
select * from try($$select create_facts('p', '[{"fact_id": "b", "text": "x"}, {"fact_id": "b", "text": "x"}]')$$);
select * from try($$select create_segment_type('p', '{"type_name": "axon"}')$$);
select * from try($$select create_segment('p', '{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0}')$$);
select * from try($$select create_segments('p', '[{"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}]')$$);
select * from try($$select create_project('p')$$);
select * from try($$select create_user('p', '{"user_id": "u"}')$$);
select * from try($$select create_task_type('p', '{"task_type": "x"}')$$);
select * from try($$select create_task('p', '{"task_id": "free", "task_type": "x"}')$$);
select * from try($$select create_dependency('p', '{"dependency_id": "d", "task_id": "axon", "dependent_on_task_id": "free", "required_completion_status": "Done"}')$$);
select create_supervoxel('p', '{"supervoxel_id": 1, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}');
select * from try($$select create_supervoxel('p', '{"supervoxel_id": 1, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}')$$);
select * from try($$select create_supervoxels('p', '[{"supervoxel_id": 2, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}, {"supervoxel_id": 2, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}]')$$);

-- 55000: it is in the wrong state.
select * from try($$select start_task('paused', 'u')$$);
select * from try($$select delete_project('p')$$);
select * from try($$select delete_segment_type('p', 'axon')$$);
select * from try($$select update_task_type('p', 'x', '{"completion_statuses": []}')$$);
select * from try($$select clear_project_users('p')$$);
select * from try($$select clear_project_task_types('p')$$);
select * from try($$select start_task('p', 'gone')$$);
select * from try($$select start_task('p', 'v', 'free')$$);
select * from try($$select release_task('p', 'u', 'free')$$);
select * from try($$select release_task('p', 'v', 'free')$$);
select * from try($$select submit_timesheet('p', 'v', 1, 'free')$$);
select * from try($$select start_task('p', 'u', 'done')$$);
select * from try($$select start_task('p', 'u', 'cancelled')$$);
select * from try($$select reactivate_task('p', 'free')$$);
select * from try($$select start_task('p', 'u', 'waits')$$);
select * from try($$select start_task('p', 'u', 'inactive')$$);
select * from try($$select update_task('p', 'waits', '{"completion_status": "Done", "completed_user_id": "u"}')$$);
select * from try($$select force_release_task('p', 'free')$$);
select * from try($$select update_task('p', 'held', '{"is_active": false}')$$);
select register_handler('p', 'x', 'verification', 'refuse(text, text, text)');
select * from try($$select release_task('p', 'v', 'held', 'Done')$$);
select register_handler('p', 'x', 'verification', 'unusable(text, text, text)');
select * from try($$select release_task('p', 'v', 'held', 'Done')$$);
drop function unusable;
select * from try($$select release_task('p', 'v', 'held', 'Done')$$);

-- 55006: somebody else has it.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select start_task('p', 'v');
set task_mgmt.fake_now = '2030-01-01 00:01:29+00';
select * from try($$select start_task('p', 'u', 'held')$$);
reset task_mgmt.fake_now;
select * from try($$select start_task('p', 'u', 'theirs')$$);

-- 42501: it is not allowed.
select * from try($$select start_task('p', 'u', 'other')$$);
select * from try($$select start_task('p', 'u', 'axon')$$);
set role regress_reader;
select * from try($$select pause_task('p', 'free')$$);
select * from try($$select create_project('r')$$);
select * from try($$select start_task('p', 'w')$$);
reset role;
select grant_access('regress_reader', 'manager', 'p');
set role regress_reader;
select * from try($$select register_handler('p', 'x', 'verification', 'refuse(text, text, text)')$$);
reset role;

-- 22023: an argument is wrong.
select * from try($$select create_task('p', '{"task_type": "x", "segment_seed_id": 1, "segment_type": "soma"}')$$);
select * from try($$select start_task(null, 'u')$$);
select * from try($$select create_user('p', '{"user_id": 7}')$$);
select * from try($$select release_task('p', 'v', 'held', 'Odd')$$);
select * from try($$select release_task('p', 'w', 'empty', 'Done')$$);
select * from try($$select update_task('p', 'free', '{"completion_status": "Done"}')$$);
select * from try($$select create_dependency('p', '{"task_id": "free", "dependent_on_task_id": "waits", "required_completion_status": "Done"}')$$);
select * from try($$select * from start_task_cross_project('u', 'free')$$);
select * from try($$select register_handler('p', 'x', 'verification', 'try(text)')$$);
select * from try($$select register_handler('p', 'x', 'creation', 'task_mgmt.create_trace_v0(text, numeric, jsonb)')$$);
select * from try($$select get_supervoxel('p', -1)$$);
select * from try($$select find_fact('p', '3fa')$$);
select * from try($$select list_facts('p', max_rows => 1001)$$);
select * from try($$select update_supervoxels_for_merge('p', '{1}', 2, 'e', 'infinity')$$);
select * from try($$select * from claim_segment_update('p', lease_seconds => 0)$$);

-- 22007: the clock of the tests is no time.
set task_mgmt.fake_now = 'never';
select * from try($$select start_task('p', 'u')$$);
reset task_mgmt.fake_now;

-- Where PostgreSQL runs a function for whoever maintains a table, there is no caller to be checked.
create table t (project text);
insert into t values ('p');
create function exists_immutable(project text) returns boolean language sql immutable as 'select public.project_exists($1)';
create index on t (exists_immutable(project));
drop table t;
drop function exists_immutable;

select delete_project('p', cascade => true), delete_project('paused'), delete_project('q', cascade => true);
drop function try, refuse;
drop role regress_reader, regress_bound;
