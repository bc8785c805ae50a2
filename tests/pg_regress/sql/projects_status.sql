-- Projects: only active ones hand out work.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
end $$;
select start_task('p', 'u');

-- A paused project is not listed as active, but is still there.
select pause_project('p'), pause_project('p');
select get_project('p')->>'status' as status, project_exists('p'), list_all_projects();

-- It hands out nothing, neither the next task nor one by name.
select start_task('p', 'v');
select start_task('p', 'v', 'b');

-- Across projects it is passed over.
select * from start_task_cross_project('v');

-- Who holds a task goes on: the lease can be renewed, time booked, the task released.
select start_task('p', 'u'), renew_lease('p', 'u', 'a'), submit_timesheet('p', 'u', 1, 'a');
select release_task('p', 'u', 'a', 'Done');

-- Tasks may be prepared meanwhile.
select create_task('p', '{"task_id": "c", "task_type": "x"}');

-- Resumed, it hands out work again.
select resume_project('p'), resume_project('p');
select start_task('p', 'v');
select release_task('p', 'v', 'b');

-- An archived project cannot be paused, only resumed.
select archive_project('p'), archive_project('p');
select pause_project('p');
select start_task('p', 'v');
select resume_project('p'), get_project('p')->>'status' as status;

-- An unknown project is an error.
select pause_project('none');
select resume_project('none');
select archive_project('none');

-- Each change of status is in the history, once.
select detail from task_mgmt.events where project_name = 'p' and kind = 'project_changed' order by event_no;

-- A project with tasks is deleted only when asked for all of it.
select delete_project('p');
select count(*) from task_mgmt.tasks where project_name = 'p';
select delete_project('p', null);
select delete_project('p', cascade => true);
select count(*) from task_mgmt.tasks where project_name = 'p';
