-- A task that has failed or expired is over, as one that was cancelled is.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "t", "completion_statuses": ["Done"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["t"]'::jsonb)) from unnest('{ann, bob}'::text[]) u;
	perform create_user('p', '{"user_id": "machine", "qualified_task_types": ["t"], "capacity": "unlimited"}');
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- It is not among the open tasks.
select create_task('p', '{"task_id": "paused", "task_type": "t", "assigned_user_id": "ann", "is_paused": true, "ttl_seconds": 10}');
select task ->> 'task_id' as task_id from jsonb_array_elements(get_paused_tasks_by_user('p', 'ann')) as task;
set task_mgmt.fake_now = '2030-01-01 00:00:10+00';
select sum(tasks_expired) from sweep();
select task ->> 'task_id' as task_id from jsonb_array_elements(get_paused_tasks_by_user('p', 'ann')) as task;

-- Handing it back once more is not what was done.
select create_task('p', '{"task_id": "back", "task_type": "t", "ttl_seconds": 10}');
select start_task('p', 'ann', 'back'), release_task('p', 'ann', 'back'), release_task('p', 'ann', 'back');
set task_mgmt.fake_now = '2030-01-01 00:00:20+00';
select sum(tasks_expired) from sweep();
select release_task('p', 'ann', 'back');
select enqueue_task('p', 'back'), start_task('p', 'ann', 'back'), release_task('p', 'ann', 'back');
select snooze_task('p', task_id, lease_token, 5) from claim_tasks('p', 'machine');
select release_task('p', 'ann', 'back');

-- Nobody has built on what a task that ended so has waited for.
select cancel_task('p', 'back');
select create_task('p', '{"task_id": "first", "task_type": "t", "priority": 99}');
select create_task('p', jsonb_build_object('task_id', id, 'task_type', 't', 'ttl_seconds', 5, 'priority', case id when 'failed' then 60 else 50 end)) from unnest('{expired, failed}'::text[]) id;
select create_dependency('p', jsonb_build_object('task_id', id, 'dependent_on_task_id', 'first', 'required_completion_status', 'Done'))
from unnest('{expired, failed}'::text[]) id;
select start_task('p', 'ann'), release_task('p', 'ann', 'first', 'Done');
select fail_task('p', task_id, lease_token, 'words', false) from claim_tasks('p', 'machine');
set task_mgmt.fake_now = '2030-01-01 00:00:25+00';
select sum(tasks_expired) from sweep();
select task_id, status from task_mgmt.tasks where task_id in ('expired', 'failed') order by task_id;
select undo_release('p', 'ann', 'first');
select release_task('p', 'ann', 'first', 'Done');

-- What became of the copies does not matter any more.
select create_task('p', '{"task_id": "shared", "task_type": "t", "overlap": 2, "ttl_seconds": 5}');
select start_task('p', 'ann'), start_task('p', 'bob');
set task_mgmt.fake_now = '2030-01-01 00:00:30+00';
select sum(tasks_expired) from sweep();
select release_task('p', 'ann', 'shared#1', 'Done'), release_task('p', 'bob', 'shared#2', 'Done');
select task_id, copies, completed, completion_statuses, result from task_mgmt.overlaps;
select * from task_mgmt.check_invariants();

select delete_project('p', cascade => true);
