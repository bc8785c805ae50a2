-- Access: what each level may do, in its project only.

create role regress_reader;
create role regress_worker;
create role regress_manager;
create role regress_admin;
create role regress_nobody;
do $$ begin
	perform create_project('p', 'gs://seg', 4, 4, 40), create_project('q');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x", "segment_seed_id": 1}, {"task_id": "b", "task_type": "x"}]');
	perform create_segment_type('p', '{"type_name": "axon"}');
	perform create_segment('p', '{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0}');
	perform create_supervoxel('p', '{"supervoxel_id": 1, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}'), update_supervoxels_for_merge('p', '{}', 1, 'e', now());
	perform grant_access('regress_' || level, level, 'p') from unnest('{reader, worker, manager, admin}'::text[]) level;
end $$;
-- Says of each role whether it may run a statement, which is undone.
create function try_as(statement text) returns table (role text, result text) language plpgsql as $$ begin
	foreach role in array '{regress_nobody, regress_reader, regress_worker, regress_manager, regress_admin}'::text[] loop
		begin
			execute 'set local role ' || role;
			execute statement;
			raise exception using errcode = 'UNDO0';
		exception
			when sqlstate 'UNDO0' then result := 'yes';
			when insufficient_privilege then result := sqlerrm;
		end;
		return next;
	end loop;
end $$;

-- Reading is for readers.
select * from try_as($$select get_project('p')$$);
select function as as_well
from unnest(array[$$get_task('p', 'a')$$, $$get_user('p', 'u')$$, $$list_users('p')$$, $$get_task_type('p', 'x')$$, $$list_task_types('p')$$,
	$$list_tasks_summary('p')$$, $$get_paused_tasks_by_user('p', 'u')$$, $$get_dependencies_for_task('p', 'a')$$,
	$$get_dependencies_depending_on_task('p', 'a')$$, $$get_unsatisfied_dependencies_for_task('p', 'a')$$,
	$$get_timesheet_submissions('p')$$, $$get_user_work_history('p', 'u')$$, $$get_task_timesheet_summary('p', 'a')$$,
	$$get_total_task_time('p', 'a')$$, $$get_total_task_cost('p', 'a')$$, $$get_total_task_time('p', '{a}'::text[])$$, $$project_exists('p')$$,
	$$payroll('p', '-infinity', 'infinity')$$, $$get_rate_history('p', 'u')$$, $$get_pay_periods('p')$$, $$forecast('p')$$,
	$$get_task_feedback('p', 'u')$$, $$get_feedback_policy('p')$$,
	$$get_segment_type('p', 'axon')$$, $$list_segment_types('p')$$, $$get_segment('p', 1)$$, $$list_segments('p')$$, $$get_segment_tasks('p', 1)$$,
	$$add_segment_type_and_instructions('p', 'a')$$, $$get_endpoints('p', 1)$$, $$get_endpoint_updates('p', 1)$$, $$get_unlocked_segments('p', '{1}')$$,
	$$get_segment_ng_state('p', 1)$$, $$get_segment_link('p', 1)$$, $$get_trace_task_state('p', 'a')$$, $$get_trace_task_link('p', 'a')$$,
	$$get_segment_type_layers('p', 'axon')$$, $$get_segment_type_link('p', 'axon')$$,
	$$get_split_edit('p', 1)$$, $$get_merge_edit('p', 1)$$, $$get_split_edits('p', 'a')$$, $$get_merge_edits('p', 'a')$$, $$get_supervoxel('p', 1)$$,
	$$get_supervoxels_by_segment('p', 1)$$, $$get_segment_edit_event('p', 'e')$$, $$get_segment_update_stats('p')$$]) function
where (select string_agg(result, ' ') from try_as('select ' || function) where role <> 'regress_nobody') = 'yes yes yes yes'
	and (select result from try_as('select ' || function) where role = 'regress_nobody') ~ 'permission denied'
order by function;

-- Working is for workers.
select * from try_as($$select start_task('p', 'u')$$);
select function as as_well
from unnest(array[$$start_task('p', 'u', 'a')$$, $$release_task('p', 'u', 'a')$$, $$renew_lease('p', 'u', 'a')$$, $$submit_timesheet('p', 'u', 1, 'a')$$,
	$$verify_task('p', 'a', 'Done')$$, $$expand_ng_state('p', 'a')$$, $$create_endpoint('p', '{"seed_id": 1, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}')$$,
	$$replace_endpoints('p', 1, 'u', '[]')$$,
	$$create_split_edit('p', 'a', 'u', '[]', '[]')$$, $$create_merge_edit('p', 'a', 'u', '[]')$$,
	$$update_supervoxels_for_merge('p', '{1}', 2, 'f', now())$$, $$update_supervoxels_for_split('p', 1, '{2}', '{}', 'f', now())$$,
	$$queue_segment_updates('p', '{1}')$$, $$queue_segment_updates_for_seeds('p', '{1}')$$, $$claim_segment_update('p')$$, $$extend_segment_update('p', 1, 1)$$,
	$$complete_segment_update('p', 1, 1)$$, $$fail_segment_update('p', 1, 1, 'e')$$, $$cleanup_completed_updates('p')$$]) function,
	lateral (select start_task('p', 'u', 'a')) held
where (select string_agg(result, ' ') from try_as('select ' || function) where role in ('regress_worker', 'regress_manager', 'regress_admin')) = 'yes yes yes'
	and (select result from try_as('select ' || function) where role = 'regress_reader') ~ 'needs worker'
order by function;
select release_task('p', 'u', 'a');

-- Managing is for managers.
select * from try_as($$select create_task('p', '{"task_type": "x"}')$$);
select start_task('p', 'u', 'a'), create_task('p', '{"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "u"}'),
	create_dependency('p', '{"dependency_id": "d", "task_id": "b", "dependent_on_task_id": "a", "required_completion_status": "Done"}');
select function as as_well
from unnest(array[$$create_tasks('p', '[]')$$, $$update_task('p', 'a', '{"note": "n", "priority": 1}')$$, $$pause_task('p', 'a')$$, $$unpause_task('p', 'a')$$,
	$$cancel_task('p', 'a')$$, $$reactivate_task('p', 'done')$$, $$assign_task('p', 'a', 'u')$$, $$force_release_task('p', 'a')$$,
	$$create_dependency('p', '{"task_id": "b", "dependent_on_task_id": "done", "required_completion_status": "Done"}')$$,
	$$create_dependencies('p', '[]')$$, $$update_dependency('p', 'd', '{}')$$, $$delete_dependency('p', 'd')$$,
	$$create_user('p', '{"user_id": "v"}')$$, $$update_user('p', 'u', '{}')$$, $$deactivate_user('p', 'u')$$,
	$$create_task_type('p', '{"task_type": "y"}')$$, $$update_task_type('p', 'x', '{}')$$, $$add_standard_task_types('p')$$, $$create_trace_tasks('p', '{"batch": "b"}', '{"task_type": "x"}')$$,
	$$update_project('p', '{}')$$, $$pause_project('p')$$, $$resume_project('p')$$, $$bind_user('p', 'u', 'regress_nobody')$$,
	$$unbind_user('p', 'u')$$, $$unregister_handler('p', 'x', 'completion')$$, $$create_segment_type('p', '{"type_name": "soma"}')$$,
	$$update_segment_type('p', 'axon', '{}')$$, $$delete_segment_type('p', 'axon')$$, $$create_segments('p', '[]')$$,
	$$create_segment('p', '{"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}')$$, $$update_segment('p', 1, '{}')$$,
	$$update_segment('p', 1, '{"expected_segment_type": "axon"}')$$, $$ingest_segments('p', '[]')$$, $$retire_duplicate_segments('p')$$,
	$$link_segment_task('p', 1, 'a')$$, $$unlink_segment_task('p', 1, 'a')$$, $$lock_segments('p', '{1}')$$, $$unlock_segments('p', '{1}')$$,
	$$create_supervoxel('p', '{"supervoxel_id": 9, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}')$$, $$create_supervoxels('p', '[]')$$,
	$$populate_supervoxels_from_segments('p')$$]) function
where (select string_agg(result, ' ') from try_as('select ' || function) where role in ('regress_manager', 'regress_admin')) = 'yes yes'
	and (select result from try_as('select ' || function) where role = 'regress_worker') ~ 'needs manager'
order by function;

select add_standard_task_types('p') is not null as added;
select * from try_as($$select set_feedback_policy('p', 'x', 5)$$);
select * from try_as($$select create_feedback_task_from_trace('p', 'a')$$);

-- What comes of the work on a task is saved by workers while somebody holds it.
select * from try_as($$select update_task('p', 'a', '{"ng_state": {"x": 1}, "note": "half"}')$$);
select * from try_as($$select update_task('p', 'b', '{"note": "half"}')$$);

-- Administering is for admins.
select * from try_as($$select archive_project('p')$$);
select * from try_as($$select grant_access('regress_nobody', 'reader', 'p')$$);
select function as as_well
from unnest(array[$$delete_project('p', cascade => true)$$, $$clear_project_data('p')$$, $$clear_segments('p')$$, $$revoke_access('regress_reader', 'p')$$]) function
where (select result from try_as('select ' || function) where role = 'regress_admin') = 'yes'
	and (select result from try_as('select ' || function) where role = 'regress_manager') ~ 'needs admin'
order by function;

-- An admin of one project is none of all: projects are made, and all of them granted, by admins of all.
select * from try_as($$select create_project('r')$$) where role ~ 'admin';
select * from try_as($$select grant_access('regress_admin', 'admin')$$) where role ~ 'admin';
select * from try_as($$select revoke_access('regress_admin')$$) where role ~ 'admin';

-- Another project is out of reach for all of them, also whether it exists.
select * from try_as($$select get_project('q')$$);
select * from try_as($$select project_exists('none')$$) where role ~ 'admin';
select * from try_as($$select create_user('q', '{"user_id": "u"}')$$) where role ~ 'admin';
select * from try_as($$select delete_project('q')$$) where role ~ 'admin';
set role regress_worker;
select * from start_task_cross_project('u');
select release_task('p', 'u', task_id) from start_task_cross_project('u');
set role regress_reader;
select list_all_projects();
select * from start_task_cross_project('u');
select project_name from get_task_cross_project('a');
reset role;
select create_task_type('q', '{"task_type": "x"}'), create_task('q', '{"task_id": "hidden", "task_type": "x"}');
set role regress_admin;
select * from get_task_cross_project('hidden');
reset role;

-- All projects are '*': also those to come.
select grant_access('regress_nobody', 'admin');
set role regress_nobody;
select create_project('r'), list_all_projects(), delete_project('r'), archive_project('q');
select grant_access('regress_reader', 'worker', 'q'), revoke_access('regress_reader', 'q');
reset role;

select delete_project('p', cascade => true), delete_project('q', cascade => true), revoke_access('regress_nobody');
drop function try_as;
drop role regress_reader, regress_worker, regress_manager, regress_admin, regress_nobody;
