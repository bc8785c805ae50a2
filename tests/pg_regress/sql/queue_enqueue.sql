-- What is in the queue and what is not: on hold, enqueued, under a unique key.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "max_attempts": 1}'), create_task_type('p', '{"task_type": "y", "max_attempts": 1}');
	perform create_user('p', '{"user_id": "w", "qualified_task_types": ["x", "y"], "capacity": "unlimited"}');
end $$;
set timezone = 'UTC';
create function token(task text) returns bigint language sql as $$ select lease_token from task_mgmt.held_tasks where task_id = task $$;
create function claim_one() returns text language sql as $$ select task_id || ' ' || attempt from claim_tasks('p', 'w', 1) $$;

-- S1, S3: run_immediately false is created and not claimable until it is enqueued; the default is claimable at once.
select create_tasks('p', '[{"task_id": "a", "task_type": "x", "run_immediately": false}, {"task_id": "b", "task_type": "x", "hold": true}, {"task_id": "c", "task_type": "x", "run_immediately": true}, {"task_id": "d", "task_type": "x"}]');
select task_id, status from task_mgmt.tasks order by task_id;
select claim_one(), claim_one(), claim_one();
select start_task('p', 'w', 'a');
-- S9, S10: enqueued it is claimable, once, however often it is enqueued.
select enqueue_task('p', 'a'), enqueue_task('p', 'a');
select claim_one(), claim_one();
-- S11: running and completed are left as they are.
select enqueue_task('p', 'a'), complete_task('p', 'a', token('a')), enqueue_task('p', 'a');
select enqueue_task('p', 'none such');
-- On hold, whatever its dependencies; is_active ends it, too.
select create_dependency('p', '{"task_id": "b", "dependent_on_task_id": "c", "required_completion_status": "completed"}') > '';
select complete_task('p', 'c', token('c')), status, claim_one() from task_mgmt.tasks where task_id = 'b';
select update_task('p', 'b', '{"is_active": true}'), claim_one();
select * from task_mgmt.check_invariants();
-- S13, S9: cancelled it is not claimed, enqueued it is again.
select create_task('p', '{"task_id": "e", "task_type": "x", "hold": true}'), cancel_task('p', 'e');
select task_id, status from task_mgmt.tasks where task_id = 'e';
select * from task_mgmt.check_invariants();
select enqueue_task('p', 'e'), claim_one();
select kind, detail from task_mgmt.events where task_id = 'e' order by event_no;
-- A completion has its own way back.
select reactivate_task('p', 'a'), claim_one();
select cancel_task('p', 'b'), reactivate_task('p', 'b');
select create_task('p', '{"task_id": "g", "task_type": "x", "priority": 99, "ttl_seconds": 60}'), claim_one(), fail_task('p', 'g', token('g'), 'e');
select reactivate_task('p', 'g'), round(remaining_ttl('p', 'g')), failed_at is null, failures, (select count(*) from task_mgmt.dead_letters) from task_mgmt.tasks where task_id = 'g';
select status, failures, failed_at, cancel_task('p', 'g') from task_mgmt.tasks where task_id = 'g';

-- D39: another priority moves a queued task, cancelling removes it.
select create_tasks('p', '[{"task_id": "p1", "task_type": "x", "priority": "low"}, {"task_id": "p2", "task_type": "x", "priority": "low"}, {"task_id": "p3", "task_type": "x", "priority": "low"}]');
select update_task('p', 'p3', '{"priority": "critical"}'), cancel_task('p', 'p1'), cancel_task('p', 'b');
select (select array_agg(task_id) from claim_tasks('p', 'w', 9));

-- Failed tasks are enqueued together, by what they have.
select create_tasks('p', '[{"task_id": "f1", "task_type": "x"}, {"task_id": "f2", "task_type": "y", "channel": "c", "batch_id": "b"}, {"task_id": "f3", "task_type": "x", "agent": "w"}, {"task_id": "f4", "task_type": "x"}]');
select count(fail_task('p', task_id, lease_token, 'e')) from claim_tasks('p', 'w', 9);
select requeue_failed('p', '{"channel": "none"}'), requeue_failed('p', '{"task_type": "y", "channel": "c", "batch_id": "b"}'), requeue_failed('p', '{"agent": "w"}'), requeue_failed('p', max_rows => 1), requeue_failed('p'), requeue_failed('p');
select task_id, status, failures from task_mgmt.tasks where task_id like 'f_' order by task_id;
select requeue_failed('p', '{"color": 1}');
select requeue_failed('p', max_rows => 65);
select requeue_failed('none such');
select release_tasks('p', 'w') > 0;

-- Unique keys: among open tasks, in one project.
select create_task('p', '{"task_id": "u1", "task_type": "x", "unique_key": "k"}');
\set VERBOSITY sqlstate
select create_task('p', '{"task_id": "u2", "task_type": "x", "unique_key": "k"}');
\set VERBOSITY default
select create_task('p', '{"task_id": "u2", "task_type": "x", "unique_key": "k", "on_duplicate": "existing"}'), create_task('p', '{"task_id": "u3", "task_type": "x", "unique_key": "l", "on_duplicate": "existing"}');
select create_tasks('p', '[{"task_id": "u4", "task_type": "x"}, {"task_id": "u5", "task_type": "x", "unique_key": "k"}]');
select create_tasks('p', '[{"task_id": "u4", "task_type": "x"}, {"task_id": "u5", "task_type": "x", "unique_key": "m"}, {"task_id": "u6", "task_type": "x", "unique_key": "m"}]');
select create_tasks('p', '[{"task_id": "u4", "task_type": "x"}, {"task_id": "u5", "task_type": "x", "unique_key": "m"}, {"task_id": "u6", "task_type": "x", "unique_key": "m", "on_duplicate": "existing"}, {"task_id": "u7", "task_type": "x", "unique_key": "k", "on_duplicate": "existing"}, {"task_id": "u8", "task_type": "x"}]');
select task_id, unique_key from task_mgmt.tasks where task_id like 'u_' order by task_id;
select create_project('q'), create_task_type('q', '{"task_type": "x"}'), create_task('q', '{"task_id": "u1", "task_type": "x", "unique_key": "k"}');
-- The key is free once the task is over, and taken when it is opened again.
select cancel_task('p', 'u1'), create_task('p', '{"task_id": "u9", "task_type": "x", "unique_key": "k"}');
select enqueue_task('p', 'u1');
select reactivate_task('p', 'u1');
select start_task('p', 'w', 'u9'), release_task('p', 'w', 'u9', 'completed'), enqueue_task('p', 'u1');
select reactivate_task('p', 'u9');
select undo_release('p', 'w', 'u9');
select start_task('p', 'w', 'u1'), fail_task('p', 'u1', token('u1'), 'e');
select requeue_failed('p'), create_task('p', '{"task_id": "u10", "task_type": "x", "unique_key": "k", "on_duplicate": "existing"}');
-- Very many at once.
select create_tasks('p', jsonb_agg(jsonb_build_object('task_type', 'x', 'unique_key', 'many' || n % 150, 'on_duplicate', 'existing', 'hold', true))) from generate_series(1, 300) n;
select count(*), count(distinct unique_key) from task_mgmt.tasks where unique_key like 'many%';
select create_task('p', '{"task_type": "x", "unique_key": ""}');
select create_task('p', '{"task_type": "x", "hold": true, "active_user_id": "w"}');
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true), delete_project('q', cascade => true);
drop function token, claim_one;
