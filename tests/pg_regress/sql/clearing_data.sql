-- Clearing: removing what a project consists of leaves no dangling reference.

do $$ begin
	perform create_project('p'), create_project('q');
end $$;
create function fill(project text) returns void language plpgsql as $$ begin
	perform create_task_type(project, '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user(project, '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user(project, '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks(project, '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"},
		{"task_id": "mine", "task_type": "x", "assigned_user_id": "v", "is_paused": true}]');
	perform create_dependency(project, '{"task_id": "c", "dependent_on_task_id": "a", "required_completion_status": "Done"}');
	perform create_segment_type(project, '{"type_name": "axon"}'), lock_segments(project, '{1}');
	perform create_segment(project, '{"seed_id": 1, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"}'), link_segment_task(project, 1, 'a'),
		create_endpoint(project, '{"seed_id": 1, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}');
	perform start_task(project, 'u', 'a'), submit_timesheet(project, 'u', 1, 'a'), submit_timesheet(project, 'u', 2, 'a'),
		start_task(project, 'v', 'b'), submit_timesheet(project, 'v', 3, 'b');
	perform create_split_edit(project, 'a', 'u', '[]', '[]'), create_merge_edit(project, 'b', 'v', '[]');
end $$;
select fill('p'), fill('q');

-- Types cannot go while there are tasks, users not while tasks name them as their completers.
select clear_project_task_types('p');
select release_task('p', 'u', 'a', 'Done');
select clear_project_users('p');
select get_user('p', 'u')->>'user_id' as still, get_total_task_time('p', 'a'), get_task('p', 'b')->>'active_user_id' as holder;

-- Without users, what they held is available again, and nobody is assigned; time goes with them.
select reactivate_task('p', 'a'), clear_project_users('p'), list_users('p');
select task_id, status, assigned_user_id, active_user_id, is_active from task_mgmt.tasks where project_name = 'p' order by task_id;
select get_total_task_time('p', 'a'), count(*) from task_mgmt.timesheet_submissions where project_name = 'p';
select * from task_mgmt.check_invariants();

-- The history keeps their names.
select distinct detail from task_mgmt.events where project_name = 'p' and detail ~ 'former user' order by 1;
select detail from task_mgmt.events where project_name = 'p' and kind = 'project_cleared' order by event_no;

-- New users find the work.
select create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}'), start_task('p', 'u');
select submit_timesheet('p', 'u', 1, 'a');

-- Without tasks, users hold nothing and can start what comes; counts say what went.
select clear_project_data('p');
select get_user('p', 'u')->>'active_task' as active_task, start_task('p', 'u') is null as nothing;
select * from task_mgmt.check_invariants();
select create_task('p', '{"task_id": "a", "task_type": "x"}'), start_task('p', 'u'), get_total_task_time('p', 'a');
select get_dependencies_for_task('p', 'c'), get_task('p', 'a')->'first_start_ts' is not null as anew;
select clear_project_data('p'), clear_project_data('p') as again;

-- Segments stay, also without tasks; they go with their links and endpoints.
select get_segment('p', 1)->'task_ids' as task_ids, get_endpoints('p', 1)->0->>'status' as endpoint;
select delete_project('p');
select clear_segments('p'), clear_segments('p') as again, delete_segment_type('p', 'axon'), unlock_segments('p', '{1}');

-- Then users and types can go, too; again there are none.
select clear_project_users('p'), clear_project_task_types('p');
select clear_project_users('p'), clear_project_task_types('p'), list_task_types('p');

-- The project is as good as new.
select fill('p'), start_task('p', 'u');

-- Supervoxels with their edit events, and updates of segments, stay as long as the project does.
select create_segment(p, '{"seed_id": 7, "seed_x": 1, "seed_y": 1, "seed_z": 1, "current_segment_id": 1}') from unnest('{p, q}'::text[]) p;
select populate_supervoxels_from_segments(p), update_supervoxels_for_merge(p, '{1}', 2, 'e', now()) from unnest('{p, q}'::text[]) p;
select clear_project_data('p')->'tasks' as tasks, get_split_edits('p', user_id => 'u') as edits, get_supervoxel('p', 7)->'current_segment_id' as root,
	get_segment_edit_event('p', 'e')->'segments_moved' as moved, get_segment_update_stats('p')->'pending' as pending;
select * from task_mgmt.check_invariants();

-- Another project is untouched by all of this.
select task_id, status, active_user_id from task_mgmt.tasks where project_name = 'q' order by task_id;
select user_id, active_task from task_mgmt.users where project_name = 'q' order by user_id;
select get_total_task_time('q', 'a'), get_unsatisfied_dependencies_for_task('q', 'c')->0->>'dependent_on_task_id' as waits_for;

-- Deleting a project with all of it leaves the other one as well.
select delete_project('p', cascade => true);
select count(*) from task_mgmt.tasks where project_name = 'q';
select count(*) from task_mgmt.tasks where project_name = 'p';

select (select count(*) from task_mgmt.split_edits where project_name = 'q') as split_edits, (select count(*) from task_mgmt.merge_edits where project_name = 'q') as merge_edits,
	get_supervoxel('q', 7)->'current_segment_id' as root, get_segment_edit_event('q', 'e')->'segments_moved' as moved, get_segment_update_stats('q')->'pending' as pending;

-- Unknown projects are errors.
select clear_project_data('none');
select clear_project_users('none');
select clear_project_task_types('none');
select clear_project_data(null);

-- No table has a row of a project that is gone.
select delete_project('q', cascade => true);
do $$ declare
	name text;
	is_empty boolean;
begin
	for name in select relname from pg_class where relnamespace = 'task_mgmt'::regnamespace and relkind = 'r' order by relname loop
		execute format('select not exists (select from task_mgmt.%I)', name) into is_empty;
		if not is_empty then raise notice '% has rows', name; end if;
	end loop;
end $$;

select * from task_mgmt.check_invariants();
drop function fill;
