-- Across projects: one user id, work from all projects that know it.

do $$ begin
	for i in 1..3 loop
		perform create_project('p' || i);
		perform create_task_type('p' || i, '{"task_type": "x", "completion_statuses": ["Done"]}');
		perform create_user('p' || i, '{"user_id": "u", "qualified_task_types": ["x"]}');
		perform create_user('p' || i, '{"user_id": "v", "qualified_task_types": ["x"]}');
	end loop;
	perform create_project('other'), create_task_type('other', '{"task_type": "x"}');
	perform create_task('other', '{"task_id": "foreign", "task_type": "x", "priority": 999}');
end $$;

-- Nothing to do is no row.
select * from start_task_cross_project('u');

-- The best task over all projects comes first, then the older one.
select create_task('p1', '{"task_id": "a", "task_type": "x", "priority": 5}'), create_task('p2', '{"task_id": "b", "task_type": "x", "priority": 9}'),
	create_task('p3', '{"task_id": "c", "task_type": "x", "priority": 5}');
select * from start_task_cross_project('u');

-- Who holds a task gets it again, also by its name; another one is refused.
select * from start_task_cross_project('u');
select * from start_task_cross_project('u', 'b');
select * from start_task_cross_project('u', 'a');
select release_task('p2', 'u', 'b', 'Done');
select * from start_task_cross_project('u');
select release_task('p1', 'u', 'a', 'Done');

-- An assigned task beats a better one in another project, and is offered to nobody else.
select create_task('p2', '{"task_id": "mine", "task_type": "x", "priority": 1, "assigned_user_id": "u"}'),
	create_task('p3', '{"task_id": "theirs", "task_type": "x", "priority": 99, "assigned_user_id": "v"}');
select * from start_task_cross_project('u');
select release_task('p2', 'u', 'mine', 'Done');
select * from start_task_cross_project('u', 'theirs');
select * from start_task_cross_project('u');
select release_task('p3', 'u', 'c', 'Done');

-- Available ones come before idle ones; an idle one of any project is taken.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select * from start_task_cross_project('v');
set task_mgmt.fake_now = '2030-01-01 00:01:29+00';
select * from start_task_cross_project('u');
set task_mgmt.fake_now = '2030-01-01 00:01:30+00';
select assign_task('p3', 'theirs', 'u'), create_task('p1', '{"task_id": "d", "task_type": "x"}');
select * from start_task_cross_project('u');
select release_task('p1', 'u', 'd', 'Done');
select * from start_task_cross_project('u');
select release_task('p3', 'u', 'theirs', 'Done');
reset task_mgmt.fake_now;

-- Paused and archived projects are passed over, and so are those where the user is deactivated.
select create_task('p1', '{"task_id": "e1", "task_type": "x", "priority": 9}'), create_task('p2', '{"task_id": "e2", "task_type": "x", "priority": 8}'),
	create_task('p3', '{"task_id": "e3", "task_type": "x"}');
select pause_project('p1'), deactivate_user('p2', 'u');
select * from start_task_cross_project('u');
select release_task('p3', 'u', 'e3', 'Done');
select * from start_task_cross_project('u', 'e1');
select * from start_task_cross_project('u', 'e2');
select resume_project('p1'), update_user('p2', 'u', '{"is_active": true}');

-- A task by name is found wherever it is; an id in several projects is ambiguous, and the projects are named.
select * from start_task_cross_project('u', 'e2');
select release_task('p2', 'u', 'e2', 'Done');
select create_task('p3', '{"task_id": "e1", "task_type": "x"}');
select * from start_task_cross_project('u', 'e1');
select * from start_task_cross_project('u', 'none');

-- Projects that do not know the user are none of theirs.
select * from start_task_cross_project('u', 'foreign');
select * from start_task_cross_project('none');
select * from start_task_cross_project(null);

-- A user who holds tasks in several projects gets the most recently leased one.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select start_task('p1', 'u', 'e1');
set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
select start_task('p3', 'u', 'e1');
set task_mgmt.fake_now = '2030-01-01 00:00:20+00';
select * from start_task_cross_project('u');
set task_mgmt.fake_now = '2030-01-01 00:00:30+00';
select renew_lease('p1', 'u', 'e1');
select * from start_task_cross_project('u');
reset task_mgmt.fake_now;

-- Qualifications are those of each project.
select release_task('p1', 'u', 'e1'), release_task('p3', 'u', 'e1', 'Done'), update_user('p1', 'u', '{"qualified_task_types": []}');
select * from start_task_cross_project('u');
select update_user('p1', 'u', '{"qualified_task_types": ["x"]}');
select * from start_task_cross_project('u');

-- Reading a task by its id alone gives every project that has one.
select project_name, task->>'task_id' as task_id, task = get_task(project_name, 'e1') as same from get_task_cross_project('e1');
select project_name from get_task_cross_project('foreign');
select * from get_task_cross_project('none');
select * from get_task_cross_project(null);

select * from task_mgmt.check_invariants();
select delete_project(name, cascade => true) from unnest(list_all_projects()) name;
