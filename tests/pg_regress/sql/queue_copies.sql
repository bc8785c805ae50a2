-- A task on which several people work has the time to live, the unique key and the waiting; its copies have not.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "t", "completion_statuses": ["Done"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["t"]'::jsonb)) from unnest('{ann, bob}'::text[]) u;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- What its copies have completed neither expires nor waits any more, and its key is free.
select create_task('p', '{"task_id": "a", "task_type": "t", "overlap": 2, "ttl_seconds": 60, "unique_key": "k"}');
select start_task('p', 'ann'), start_task('p', 'bob');
select update_task('p', 'a', '{"run_after": "2030-01-01T00:00:30Z"}');
select release_task('p', 'ann', 'a#1', 'Done'), release_task('p', 'bob', 'a#2', 'Done');
select task_id, status, expires_at, run_after from task_mgmt.tasks order by task_id;
select * from task_mgmt.check_invariants();
select create_task('p', '{"task_id": "b", "task_type": "t", "unique_key": "k"}');
select reactivate_task('p', 'a');
select cancel_task('p', 'b'), reactivate_task('p', 'a'), cancel_task('p', 'a');

-- A copy does not expire by itself.
select create_task('p', '{"task_id": "c", "task_type": "t", "overlap": 2}');
select start_task('p', 'ann'), start_task('p', 'bob');
select extend_ttl('p', 'c', 60);
select extend_ttl('p', 'c#1', 60);
select release_task('p', 'ann', 'c#1', 'Done'), cancel_task('p', 'c#2'), enqueue_task('p', 'c#2');
select release_task('p', 'bob', start_task('p', 'bob'), 'Done');
select task_id, status, expires_at from task_mgmt.tasks where task_id like 'c%' order by task_id;
select * from task_mgmt.check_invariants();

select delete_project('p', cascade => true);
