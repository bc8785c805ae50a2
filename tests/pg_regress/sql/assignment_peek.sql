-- Peeking: the next tasks that a user would get, in the order of start_task.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x", "y"]}');
	perform create_tasks('p', '[{"task_id": "low", "task_type": "x", "priority": 1}, {"task_id": "high", "task_type": "x", "priority": 9},
		{"task_id": "mine", "task_type": "x", "priority": 0, "assigned_user_id": "u"}, {"task_id": "theirs", "task_type": "x", "assigned_user_id": "v"},
		{"task_id": "axon", "task_type": "x", "segment_type": "axon", "priority": 5}, {"task_id": "soma", "task_type": "x", "segment_type": "soma"},
		{"task_id": "y", "task_type": "y"}, {"task_id": "idle", "task_type": "x", "priority": 99}]');
	set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
	perform start_task('p', 'v', 'idle');
	set task_mgmt.fake_now = '2030-01-01 00:01:30+00';
end $$;

select * from peek_tasks('p', 'u');
select * from peek_tasks('p', 'u', 2);
select * from peek_tasks('p', 'u', 0);
select * from peek_tasks('p', 'u', -1);

-- What is peeked is what is got, one after the other; what is held comes first.
select start_task('p', 'u');
select task_id, why from peek_tasks('p', 'u', 3);
create function drain() returns setof text language plpgsql as $$
declare
	task text;
begin
	loop
		task := start_task('p', 'u');
		exit when task is null;
		perform release_task('p', 'u', task, 'Done');
		return next task;
	end loop;
end $$;
select string_agg(task_id, ' ' order by position) as peeked from peek_tasks('p', 'u');
select string_agg(task, ' ') as got from drain() as task;
select * from peek_tasks('p', 'u');

-- Who gets nothing sees what they hold at most.
select reactivate_task('p', 'low'), reactivate_task('p', 'high'), start_task('p', 'u');
select deactivate_user('p', 'u');
select task_id, why from peek_tasks('p', 'u');
select release_task('p', 'u', 'high');
select task_id, why from peek_tasks('p', 'u');
select update_user('p', 'u', '{"is_active": true}'), pause_project('p');
select task_id, why from peek_tasks('p', 'u');
select resume_project('p');
select task_id, why from peek_tasks('p', 'u');

select * from peek_tasks('p', 'none');
select * from peek_tasks('none', 'u');
select * from peek_tasks('p', null);
select * from peek_tasks('p', 'u', null);

-- Readers may look, others not, and nothing is written.
create role regress_peeker;
set role regress_peeker;
select * from peek_tasks('p', 'u');
reset role;
select grant_access('regress_peeker', 'reader', 'p');
set role regress_peeker;
begin read only;
select task_id from peek_tasks('p', 'u');
commit;
reset role;
select revoke_access('regress_peeker', 'p');
drop role regress_peeker;

reset task_mgmt.fake_now;
drop function drain;
select delete_project('p', cascade => true);
