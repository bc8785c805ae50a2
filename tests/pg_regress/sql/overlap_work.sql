-- Several people on one task: what its copies agree on is nobody's own work; what somebody decides, or is named for, is theirs.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Yes", "No"], "overlap": 2}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{ann, bob, cia, dan}'::text[]) u;
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', t, 'task_type', 'x')) from unnest('{named, left, agreed}'::text[]) t));
	-- Ann and Bob disagree on all of them; Cia was to decide two, and gave them back.
	perform start_task('p', 'ann', t), release_task('p', 'ann', t || '#1', 'Yes'), start_task('p', 'bob', t), release_task('p', 'bob', t || '#2', 'No')
	from unnest('{named, left, agreed}'::text[]) t;
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false);
	perform start_task('p', 'cia', t), release_task('p', 'cia', t) from unnest('{left, agreed}'::text[]) t;
	perform set_config('task_mgmt.fake_now', '2030-01-02 00:00:00+00', false);
end $$;
set timezone = 'UTC';
-- The originals that are completed, and whose work they are.
create view originals as
	select t.task_id, t.completion_status, t.completed_user_id, w.user_id as work_of, t.first_start_ts, t.last_leased_ts
	from task_mgmt.tasks t
	left join (
		select k.task_id, u.user_id
		from task_mgmt.completed_work c
		join task_mgmt.task k using (project_name, task_no)
		join task_mgmt.project_user u on u.project_name = c.project_name and u.user_no = c.completed_user_no
	) w using (task_id)
	where t.status = 'completed' and t.original_task_id is null
	order by t.task_id;

-- Named by a manager, Dan has done it, whether or not somebody else had held it before.
select update_task('p', t, '{"completion_status": "Yes", "completed_user_id": "dan"}') from unnest('{named, left}'::text[]) t;
select * from originals;
-- So he gets none of its copies, should one be there again.
select reactivate_task('p', 'named#1');
select start_task('p', 'dan', 'named#1');
select release_task('p', 'ann', start_task('p', 'ann', 'named#1'), 'Yes');

-- What the copies come to is nobody's, whoever held it before; what was so stays on record.
select reactivate_task('p', 'agreed#2'), release_task('p', 'bob', start_task('p', 'bob', 'agreed#2'), 'Yes');
select * from originals where task_id = 'agreed';
select user_id, completion_status, tasks from task_mgmt.throughput where day = '2030-01-02' order by 1;
select user_id, tasks_completed from payroll('p', '2030-01-02', '2030-01-03');
-- Bob has answered a copy only, so he may do that again.
select reactivate_task('p', 'agreed#2'), release_task('p', 'bob', start_task('p', 'bob', 'agreed#2'), 'Yes');
-- It stays nobody's if its outcome is changed, until somebody is named.
select update_task('p', 'agreed', '{"completion_status": "No"}');
select * from originals where task_id = 'agreed';
select * from task_mgmt.check_invariants();
select update_task('p', 'agreed', '{"completed_user_id": "dan"}');
select * from originals where task_id = 'agreed';

-- Opened again, it is the work of who decides, or once more nobody's.
select update_task('p', 'agreed', '{"completion_status": ""}');
select * from task_mgmt.check_invariants();
select release_task('p', 'dan', start_task('p', 'dan', 'agreed'), 'No');
select * from originals where task_id = 'agreed';
select reactivate_task('p', 'agreed'), reactivate_task('p', 'agreed#2'), release_task('p', 'bob', start_task('p', 'bob', 'agreed#2'), 'Yes');
select * from originals where task_id = 'agreed';
select reactivate_task('p', 'agreed'), release_task('p', 'dan', start_task('p', 'dan', 'agreed'), 'Yes');
select * from originals where task_id = 'agreed';
select * from task_mgmt.check_invariants();

drop view originals;
select delete_project('p', cascade => true);
reset task_mgmt.fake_now;
reset timezone;
