-- Tasks: deleting them, with all that belongs to them.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Failed"]}');
	perform add_standard_task_types('p');
	perform create_user('p', jsonb_build_object('user_id', u, 'hourly_rate', 1, 'qualified_task_types', '["x", "trace_v0", "trace_feedback_v0"]'::jsonb))
	from unnest('{u, v, w}'::text[]) u;
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', id))
		from unnest('{plain, held, booked, first, second, third, done, ended}'::text[]) id));
end $$;
create view outcome as
	select (select string_agg(regexp_replace(task_id, '\d{3,}$', 'N'), ' ' order by task_id) from task_mgmt.tasks where task_id !~ '^m\d') as tasks, (select count(*) from task_mgmt.check_invariants()) as broken;

-- D11, C4: it is gone, and gone is not found.
select delete_task('p', 'plain');
select get_task('p', 'plain');
select delete_task('p', 'plain');
select delete_task('p', 'none');
select delete_task('none', 'plain');
select delete_task('p', null);
select delete_task('p', 'held', null);
select * from outcome;

-- The id is free again, and the history of each task is its own.
select create_task('p', '{"task_type": "x", "task_id": "plain"}'), update_task('p', 'plain', '{"note": "second"}'), delete_task('p', 'plain');
select task_id, kind, detail, role_name = current_user as by_me from task_mgmt.events where task_id = 'plain' order by event_no;

-- C5: whoever holds it learns so by the next call.
select start_task('p', 'u', 'held'), delete_task('p', 'held');
select release_task('p', 'u', 'held', 'Done');
select renew_lease('p', 'u', 'held');
select submit_timesheet('p', 'u', 1, 'held');
select update_task('p', 'held', '{"note": "late"}');
select merge_metadata('p', 'held', '{"late": true}');
select start_task('p', 'u', 'held');
select start_task('p', 'u', 'done'), release_task('p', 'u', 'done', 'Done');

-- Time that was booked is not lost.
select start_task('p', 'v', 'booked'), submit_timesheet('p', 'v', 5, 'booked');
select delete_task('p', 'booked');
select delete_task('p', 'booked', cascade => true);
select get_task('p', 'booked')->>'active_user_id' as still_held, get_total_task_time('p', 'booked');

-- What others wait for is kept, unless they are to go on without it.
select create_dependencies('p', '[{"task_id": "second", "dependent_on_task_id": "first", "required_completion_status": "Done"},
	{"task_id": "third", "dependent_on_task_id": "first", "required_completion_status": "Done"},
	{"task_id": "third", "dependent_on_task_id": "second", "required_completion_status": "Done"},
	{"task_id": "first", "dependent_on_task_id": "done", "required_completion_status": "Done"},
	{"task_id": "ended", "dependent_on_task_id": "second", "required_completion_status": "Done"}]');
select cancel_task('p', 'ended');
select delete_task('p', 'first');
select delete_task('p', 'second');
select delete_task('p', 'first', cascade => true);
select task_id, status, is_active from task_mgmt.tasks where task_id in ('second', 'third') order by task_id;
select task_id, dependent_on_task_id from task_mgmt.dependencies order by task_id;
select task_id, kind from task_mgmt.events where task_id in ('second', 'third') and kind = 'unblocked';
-- Together nobody is left to wait, and an upstream task that is done is waited for by nobody.
select delete_tasks('p', '{third, second}'), delete_task('p', 'done');
select * from task_mgmt.dependencies;
select * from outcome;

-- D12: a soft deletion keeps it readable, and nobody gets it.
select create_task('p', '{"task_type": "x", "task_id": "soft"}'), soft_delete_task('p', 'soft'), soft_delete_task('p', 'soft');
select get_task('p', 'soft')->>'status' as status, start_task('p', 'w') as start;
select start_task('p', 'w', 'soft');
select soft_delete_task('p', 'none');

-- D13: as many as there were; unknown and repeated ids are passed over.
select create_tasks('p', (select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', 'm' || i)) from generate_series(1, 103) i));
select delete_tasks('p', '{m1, m2, m3}'), delete_tasks('p', '{m4, none, m5, m4}'), delete_tasks('p', '{}'), delete_tasks('p', '{m1, none}');
select delete_tasks('p', array(select 'm' || i from generate_series(1, 100) i)), delete_tasks('p', array(select 'm' || i from generate_series(1, 100) i));
select delete_tasks('p', '{m101, booked, m102}');
select delete_tasks('p', '{m101, null}');
select delete_tasks('p', null);
select delete_tasks('none', '{m101}');
select * from outcome;

-- Copies keep what they are copies of; without one of them another one is handed out.
select create_task('p', '{"task_type": "x", "task_id": "shared", "overlap": 2}');
select start_task('p', 'u', 'shared'), start_task('p', 'w', 'shared');
select task_id, status, is_active, active_user_id from task_mgmt.tasks where task_id like 'shared%' order by task_id;
select delete_task('p', 'shared');
select delete_task('p', 'shared#1');
select task_id, status, is_active, active_user_id from task_mgmt.tasks where task_id like 'shared%' order by task_id;
select release_task('p', 'w', 'shared#2', 'Done'), start_task('p', 'u', 'shared');
select * from outcome;
select delete_tasks('p', array(select task_id from task_mgmt.tasks where task_id like 'shared%'));
select start_task('p', 'u');

-- Golden tasks are in use as long as there are checks.
select create_task('p', '{"task_type": "x", "task_id": "gold", "completion_status": "Done", "completed_user_id": "v"}'), add_golden_task('p', 'gold');
select update_task_type('p', 'x', '{"golden_percent": 100}'), start_task('p', 'w', 'm102'), release_task('p', 'w', 'm102', 'Done');
do $$ begin
	perform delete_task('p', 'gold');
exception when others then
	raise notice '% %', sqlstate, regexp_replace(sqlerrm, 'gold\d+', 'goldN');
end $$;
select count(*), count(delete_task('p', task_id)) as deleted from task_mgmt.tasks where assigned_user_id = 'w';
select delete_task('p', 'gold'), (select count(*) from task_mgmt.golden_tasks) as golden;

-- Links, edits and feedback go with it.
select create_segment('p', '{"seed_id": 7, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
select create_task('p', '{"task_type": "trace_v0", "task_id": "trace", "completion_status": "Done", "completed_user_id": "v", "segment_seed_id": 7}'),
	link_segment_task('p', 7, 'trace'), create_split_edit('p', 'trace', 'v', '[["7", 1, 2, 3]]', '[["8", 1, 2, 3]]') is not null as split,
	create_merge_edit('p', 'trace', 'v', '[["7", 1, 2, 3]]') is not null as merge;
select create_feedback_task_from_trace('p', 'trace') is not null as created, unregister_handler('p', 'trace_feedback_v0', 'verification');
select start_task('p', 'w', task_id) is not null as started, release_task('p', 'w', task_id, 'Accurate') from task_mgmt.tasks where task_type = 'trace_feedback_v0';
select jsonb_array_length(get_segment_tasks('p', 7)) as tasks, (select count(*) from task_mgmt.feedback) as feedback;
select delete_task('p', 'trace');
select jsonb_array_length(get_segment_tasks('p', 7)) as tasks, (select count(*) from task_mgmt.feedback) as feedback,
	jsonb_array_length(get_split_edits('p', user_id => 'v')) as splits, jsonb_array_length(get_merge_edits('p', user_id => 'v')) as merges;
select * from outcome;

-- Only managers delete.
create role regress_worker;
select grant_access('regress_worker', 'worker', 'p');
set role regress_worker;
select delete_task('p', 'm103');
select delete_tasks('p', '{m103}');
select soft_delete_task('p', 'm103');
reset role;

drop view outcome;
select delete_project('p', cascade => true);
drop role regress_worker;
