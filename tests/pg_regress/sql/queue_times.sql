-- What happens as time passes: leases end, tasks expire, tasks are due. Whoever asks for work sees to it, or sweep.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "max_attempts": 2, "lease_seconds": 100}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x"]'::jsonb, 'capacity', 'unlimited')) from unnest('{w, v}'::text[]) u;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
create function token(task text) returns bigint language sql as $$ select lease_token from task_mgmt.held_tasks where task_id = task $$;
create function at(seconds float8) returns text language sql as $$ select set_config('task_mgmt.fake_now', (timestamptz '2030-01-01 00:00:00+00' + make_interval(secs => seconds))::text, false) $$;
create function claim_one(who text default 'w') returns text language sql as $$ select task_id || ' ' || attempt from claim_tasks('p', who, 1, instance => 'i') $$;

-- S25: a heartbeat prolongs the lease, by as much as it was or as is said.
select create_task('p', '{"task_id": "a", "task_type": "x"}'), claim_one();
select token('a') as t \gset
select at(50), heartbeat('p', 'a', :t);
select lease_expires_at from task_mgmt.held_tasks;
select heartbeat('p', 'a', :t, 10);
select lease_expires_at from task_mgmt.held_tasks;
select renew_lease('p', 'w', 'a');
select lease_expires_at from task_mgmt.held_tasks;
select heartbeat('p', 'a', :t + 1);
select heartbeat('p', 'a', :t, 0);
-- S27, C15: a lease that has ended counts as a failed attempt; the sweep leaves attempts as they are. Until then, its holder may go on.
select project_name, leases_ended, tasks_expired, tasks_freed from sweep() where leases_ended + tasks_expired + tasks_freed > 0;
select at(60), heartbeat('p', 'a', :t, 5), at(65.5);
select project_name, leases_ended, tasks_expired, tasks_freed from sweep() where leases_ended + tasks_expired + tasks_freed > 0;
select project_name, leases_ended, tasks_expired, tasks_freed from sweep() where leases_ended + tasks_expired + tasks_freed > 0;
select task_id, status, attempts, failures, run_after, error from task_mgmt.tasks;
select heartbeat('p', 'a', :t), complete_task('p', 'a', :t);
select * from task_mgmt.check_invariants();
-- A claim that finds nothing does the same by itself; S28: the last attempt that is lost is the end.
select at(69.5), claim_one('v');
select at(169.4), claim_one('w');
select at(169.5), claim_one('w');
select task_id, status, attempts, failures, error from task_mgmt.tasks;
select kind, user_id, detail from task_mgmt.events where task_id = 'a' order by event_no;
select at(1000), claim_one(), enqueue_task('p', 'a'), claim_one();
select complete_task('p', 'a', token('a'));
-- Somebody who works by hand may take over what has ended before it is swept; while it lasts, nobody may.
select create_task('p', '{"task_id": "t", "task_type": "x"}'), claim_one();
select at(1099), start_task('p', 'v', 't');
select at(1100), start_task('p', 'v', 't'), start_task('p', 'v');
select task_id, user_id, attempt, lease_expires_at, instance from task_mgmt.held_tasks;
select heartbeat('p', 't', token('t'), 5), lease_expires_at from task_mgmt.held_tasks;
select at(99999), (select sum(leases_ended + tasks_expired + tasks_freed) from sweep()), release_task('p', 'v', 't', 'completed');

-- Scheduled: not before run_after.
select create_tasks('p', '[{"task_id": "later", "task_type": "x", "run_after": "2030-01-02T04:00:00Z", "priority": 99}, {"task_id": "past", "task_type": "x", "run_after": "2029-01-01T00:00:00Z"}]');
select task_id, status, run_after from task_mgmt.tasks where task_id in ('later', 'past') order by task_id;
select claim_one(), claim_one();
select start_task('p', 'w', 'later');
select explain.rule, explain.found from explain_assignment('p', 'w', 'later') explain where not is_passed;
select * from task_mgmt.check_invariants();
-- It can be put off, or be done at once, as long as nobody has it; what waits for something else waits for that, too.
select update_task('p', 'later', '{"run_after": "2030-01-03T00:00:00Z"}');
select update_task('p', 'past', '{"run_after": "2030-01-03T00:00:00Z"}');
select create_task('p', '{"task_id": "up", "task_type": "x", "priority": 1}'), create_dependency('p', '{"task_id": "later", "dependent_on_task_id": "up", "required_completion_status": "completed"}') > '';
select set_config('task_mgmt.fake_now', '2030-01-03 00:00:00+00', false);
select claim_one(), claim_one();
select task_id, status, is_active, run_after from task_mgmt.tasks where task_id = 'later';
select complete_task('p', 'up', token('up')), claim_one();
select complete_task('p', 'later', token('later'));
select set_config('task_mgmt.fake_now', '2030-01-03 12:00:00+00', false), (select sum(leases_ended) from sweep());
select claim_one(), claim_one();
-- The other way round.
select create_tasks('p', '[{"task_id": "up2", "task_type": "x"}, {"task_id": "later2", "task_type": "x", "run_after": "2030-01-04T00:00:00Z"}]'), create_dependency('p', '{"task_id": "later2", "dependent_on_task_id": "up2", "required_completion_status": "completed"}') > '';
select claim_one();
select complete_task('p', 'up2', token('up2')), claim_one(), status, is_active from task_mgmt.tasks where task_id = 'later2';
select * from task_mgmt.check_invariants();
select update_task('p', 'later2', '{"run_after": null}'), claim_one();
select complete_task('p', 'later2', token('later2'));

-- D24, D25, D26: TTL.
select set_config('task_mgmt.fake_now', '2030-02-01 00:00:00+00', false);
select create_tasks('p', '[{"task_id": "hour", "task_type": "x", "ttl_seconds": 3600}, {"task_id": "short", "task_type": "x", "ttl_seconds": 1, "priority": 90}, {"task_id": "minute", "task_type": "x", "ttl_seconds": 60, "priority": 40}, {"task_id": "ever", "task_type": "x", "priority": 10}]');
select remaining_ttl('p', 'hour'), remaining_ttl('p', 'ever'), remaining_ttl('p', 'past');
select remaining_ttl('p', 'none such');
select jsonb_path_query_array(list_expiring_tasks('p', 120), '$[*].task_id'), jsonb_path_query_array(list_expiring_tasks('p', 0), '$[*].task_id');
select extend_ttl('p', 'minute', 3600), remaining_ttl('p', 'minute'), extend_ttl('p', 'ever', 7), remaining_ttl('p', 'ever'), extend_ttl('p', 'past', 1);
select extend_ttl('p', 'minute', 0);
select set_config('task_mgmt.fake_now', '2030-02-01 00:00:01.5+00', false);
-- Not handed out any more, and expired by the claim that met it, or by a sweep.
select start_task('p', 'w', 'short');
select extend_ttl('p', 'short', 3600), remaining_ttl('p', 'short'), claim_one();
select task_id, status, expires_at, ttl_seconds from task_mgmt.tasks where task_id in ('short', 'hour') order by task_id;
select set_config('task_mgmt.fake_now', '2030-02-01 00:00:07+00', false);
select project_name, leases_ended, tasks_expired, tasks_freed from sweep() where leases_ended + tasks_expired + tasks_freed > 0;
select task_id, status from task_mgmt.tasks where task_id = 'ever';
-- Whoever holds a task goes on; once it comes back, it has expired.
select set_config('task_mgmt.fake_now', '2030-02-01 01:00:00+00', false);
select heartbeat('p', 'hour', token('hour')), (select sum(tasks_expired) from sweep());
select fail_task('p', 'hour', token('hour'), 'e');
select task_id, status from task_mgmt.tasks where task_id = 'hour';
select (select sum(tasks_expired) from sweep()), status, run_after from task_mgmt.tasks where task_id = 'hour';
select task_id, status, run_after from task_mgmt.tasks where task_id = 'hour';
select * from task_mgmt.check_invariants();
-- Enqueued again, its time begins anew; so it does for what was on hold, and after run_after.
select enqueue_task('p', 'hour'), remaining_ttl('p', 'hour');
select create_tasks('p', '[{"task_id": "held", "task_type": "x", "ttl_seconds": 60, "hold": true}, {"task_id": "then", "task_type": "x", "ttl_seconds": 60, "run_after": "2030-02-01T01:00:30Z"}]');
select remaining_ttl('p', 'held'), remaining_ttl('p', 'then'), enqueue_task('p', 'held');
select remaining_ttl('p', 'held');
select set_config('task_mgmt.fake_now', '2030-02-01 01:01:00+00', false), (select array_agg(task_id order by task_id) from claim_tasks('p', 'w', 9));
select release_tasks('p', 'w');

-- I13: time goes on in a transaction, however long it has been open.
reset task_mgmt.fake_now;
begin;
select create_task('p', '{"task_id": "long", "task_type": "x"}'), pg_sleep(0.01);
select count(*) from claim_tasks('p', 'w', 9);
select pg_sleep(0.01), token('long') > 0 as is_held;
select complete_task('p', 'long', token('long'));
select created_at < first_start_ts and first_start_ts < completed_at as goes_on, created_at > now() as is_of_the_clock from task_mgmt.tasks where task_id = 'long';
rollback;
set task_mgmt.fake_now = '2030-02-01 01:01:00+00';

select * from sweep(0);
select * from sweep(100001);
select * from sweep(null);
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
drop function token, at, claim_one;
