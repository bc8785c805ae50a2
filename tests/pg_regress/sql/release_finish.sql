-- Release: completing a task, handing it back, being made to give it up.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Can''t Continue"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
end $$;
create view seen as
	select task_id, status, completion_status, completed_user_id, active_user_id, note, first_start_ts, last_leased_ts, completed_at
	from task_mgmt.tasks where project_name = 'p' order by task_id;
set timezone = 'UTC';

-- Handed back, the task is open again; its times stay, and so does who it was assigned to.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select start_task('p', 'u');
set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
select release_task('p', 'u', 'a');
select * from seen where task_id = 'a';
select get_user('p', 'u')->>'active_task' as active_task;

-- The first start is the first one.
set task_mgmt.fake_now = '2030-01-01 00:01:00+00';
select start_task('p', 'v', 'a');
select first_start_ts, last_leased_ts from seen where task_id = 'a';

-- Completed, it says how, by whom and when.
set task_mgmt.fake_now = '2030-01-01 00:01:05+00';
select release_task('p', 'v', 'a', 'Can''t Continue', 'too dark');
select * from seen where task_id = 'a';

-- A task is released once.
select release_task('p', 'v', 'a', 'Done');
select completion_status from seen where task_id = 'a';

-- Releases that are refused change nothing.
select release_task('p', 'u', 'a', 'Done');
select start_task('p', 'u', 'b');
select release_task('p', 'u', 'a', 'Done');
select release_task('p', 'v', 'b', 'Done');
select release_task('p', 'u', 'b', 'Odd');
select release_task('p', 'u', 'b', 'done');
select release_task('p', 'none', 'b', 'Done');
select release_task('p', 'u', 'none', 'Done');
select release_task('none', 'u', 'b', 'Done');
select release_task(null, 'u', 'b', 'Done');
select release_task('p', null, 'b', 'Done');
select release_task('p', 'u', null, 'Done');
select release_task('p', 'u', 'b', null);
select * from seen where task_id = 'b';

-- A note replaces the former one unless it is null; '' is a note.
select release_task('p', 'u', 'b', '', 'first'), get_task('p', 'b')->>'note' as note;
select start_task('p', 'u', 'b'), release_task('p', 'u', 'b'), get_task('p', 'b')->>'note' as note;
select start_task('p', 'u', 'b'), release_task('p', 'u', 'b', 'Done', ''), get_task('p', 'b')->>'note' as note;

-- A reactivated task can be completed anew.
select reactivate_task('p', 'b'), start_task('p', 'v', 'b'), release_task('p', 'v', 'b', 'Can''t Continue');
select completion_status, completed_user_id from seen where task_id = 'b';

-- A manager can take a task from its holder; the history says who did it, from whom, and why.
select create_task('p', '{"task_id": "c", "task_type": "x", "note": "kept"}'), start_task('p', 'u');
select force_release_task('p', 'c', 'on holiday');
select user_id, role_name = current_user as by_me, detail from task_mgmt.events where project_name = 'p' and kind = 'force_released';
select status, active_user_id, note from seen where task_id = 'c';
select release_task('p', 'u', 'c', 'Done');
select start_task('p', 'v'), force_release_task('p', 'c'), start_task('p', 'u');
select detail from task_mgmt.events where project_name = 'p' and kind = 'force_released' order by event_no desc limit 1;

-- There must be somebody to take it from.
select release_task('p', 'u', 'c', 'Done');
select force_release_task('p', 'c');
select force_release_task('p', 'none');
select force_release_task('p', null);

-- Renewing is for the holder only.
select renew_lease('p', 'u', 'c');
select renew_lease('p', 'none', 'c');
select renew_lease('none', 'u', 'c');

reset task_mgmt.fake_now;
drop view seen;
select delete_project('p', cascade => true);
