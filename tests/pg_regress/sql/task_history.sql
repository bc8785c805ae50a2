-- The history of a task: every transition with who, when, from, to and why.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{u,v}'::text[]) u;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
create function told(task text) returns table (n bigint, occurred_at timestamptz, event text, from_status text, to_status text, user_id text, by_me boolean, detail text)
language sql as $$
	select row_number() over (order by h.event_no), h.occurred_at, h.event, h.from_status, h.to_status, h.user_id, h.role_name = current_user, h.detail
	from task_history('p', task) h order by h.event_no
$$;

-- A life with everything in it.
select create_task('p', '{"task_id": "a", "task_type": "x", "is_active": false}');
select update_task('p', 'a', '{"is_active": true}'), update_task('p', 'a', '{"is_active": false}'), update_task('p', 'a', '{"is_active": true}'), start_task('p', 'u');
set task_mgmt.fake_now = '2030-01-01 00:02:00+00';
select start_task('p', 'v'), release_task('p', 'v', 'a'), start_task('p', 'u'), force_release_task('p', 'a', 'lunch'), start_task('p', 'u'), release_task('p', 'u', 'a', 'Done'),
	undo_release('p', 'u', 'a'), release_task('p', 'u', 'a', 'Bad'), reactivate_task('p', 'a'), pause_task('p', 'a'), publish_event('p', 'seen', task_id => 'a'), cancel_task('p', 'a');
select * from told('a');

-- It ends with what the task is now.
select t.task_id, t.status, (select to_status from task_history('p', t.task_id) order by event_no desc limit 1) as told from task_mgmt.tasks t where project_name = 'p';

-- What came in as something else is told so.
select create_task('p', '{"task_id": "held", "task_type": "x", "active_user_id": "v"}'), create_task('p', '{"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "u"}'),
	create_task('p', '{"task_id": "waits", "task_type": "x", "is_active": false}'), create_task('p', '{"task_id": "after", "task_type": "x"}'),
	create_dependency('p', '{"task_id": "after", "dependent_on_task_id": "done", "required_completion_status": "Bad", "dependency_id": "d"}');
select 'held' as task, * from told('held') union all select 'done', * from told('done') union all select 'waits', * from told('waits') union all select 'after', * from told('after');
select release_task('p', 'v', 'held'), reactivate_task('p', 'done'), update_task('p', 'done', '{"completion_status": "Bad", "completed_user_id": "v"}');
select 'held' as task, * from told('held') union all select 'done', * from told('done') union all select 'waits', * from told('waits') union all select 'after', * from told('after');

-- I7: what a machine does is told once for each transition, too, and what changes nothing is not.
create function token() returns bigint language sql as $$ select lease_token from task_mgmt.held_tasks where task_id = 'q' $$;
select update_user('p', 'u', '{"capacity": "unlimited"}');
select create_task('p', '{"task_id": "q", "task_type": "x", "agent": "u", "hold": true, "ttl_seconds": 100, "max_attempts": 2}');
select enqueue_task('p', 'q'), enqueue_task('p', 'q');
select count(*) from claim_tasks('p', 'u', own_tasks => 'only');
select heartbeat('p', 'q', token()), heartbeat('p', 'q', 0), snooze_task('p', 'q', token(), 0);
select count(*) from claim_tasks('p', 'u', own_tasks => 'only', lease_seconds => 1);
set task_mgmt.fake_now = '2030-01-01 00:02:02+00';
select sum(leases_ended) as leases_ended from sweep();
set task_mgmt.fake_now = '2030-01-01 00:02:07+00';
select count(*) from claim_tasks('p', 'u', own_tasks => 'only');
select fail_task('p', 'q', token(), 'broken'), enqueue_task('p', 'q');
select count(*) from claim_tasks('p', 'u', own_tasks => 'only', instance => 'host');
select release_tasks('p', 'u', 'host');
set task_mgmt.fake_now = '2030-01-01 00:04:00+00';
select sum(tasks_expired) as tasks_expired from sweep();
select cancel_task('p', 'q');
select enqueue_task('p', 'q');
select complete_task('p', task_id, lease_token) from claim_tasks('p', 'u', own_tasks => 'only');
select * from told('q');

select task_history('p', 'nowhere');
select task_history('nowhere', 'a');
select task_history('p', null);

drop function told, token;
select delete_project('p', cascade => true);
