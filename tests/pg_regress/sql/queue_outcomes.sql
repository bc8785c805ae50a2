-- How an attempt of a worker ends: completed, failed, put off, handed back, or lost.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "max_attempts": 4}'), create_task_type('p', '{"task_type": "named", "completion_statuses": ["good", "bad"]}');
	perform create_user('p', '{"user_id": "w", "qualified_task_types": ["x", "named"], "capacity": "unlimited"}');
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
-- The token of the task's lease.
create function token(task text) returns bigint language sql as $$ select lease_token from task_mgmt.held_tasks where task_id = task $$;
create function at(seconds float8) returns text language sql as $$ select set_config('task_mgmt.fake_now', (timestamptz '2030-01-01 00:00:00+00' + make_interval(secs => seconds))::text, false) $$;
create function claim_one() returns text language sql as $$ select task_id || ' ' || attempt from claim_tasks('p', 'w', 1) $$;

-- Completed, with a result, which is kept to the last digit; the usual status is the first one.
select create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "named"}, {"task_id": "c", "task_type": "named"}]');
select count(*) from claim_tasks('p', 'w', 3, instance => 'i');
select complete_task('p', 'a', token('a'), '{"n": 1.234567890123456789012}'), complete_task('p', 'b', token('b'));
select complete_task('p', 'c', token('c'), completion_status => 'none');
select complete_task('p', 'c', token('c'), completion_status => 'bad');
select task_id, status, completion_status, result, error, completed_user_id, attempts, instance from task_mgmt.tasks order by task_id;
-- C8, C9, S26: a second time, or with another token, it is lost, and nothing changes.
select complete_task('p', 'a', 1, '{}'), fail_task('p', 'a', 1, 'e'), heartbeat('p', 'a', 1), snooze_task('p', 'a', 1, 1);
select task_id, status, result from task_mgmt.tasks where task_id = 'a';
select complete_task('p', 'none such', 1);
select complete_task('none such', 'a', 1);
select complete_task('p', 'a', null);

-- D29, D30, S29: a failed attempt is tried again after 4, 8, 16 seconds; its error is kept.
select create_task('p', '{"task_id": "r", "task_type": "x"}'), claim_one();
select fail_task('p', 'r', token('r'), 'first'), status, attempts, failures, run_after, error from task_mgmt.tasks where task_id = 'r';
select task_id, status, attempts, failures, run_after, error from task_mgmt.tasks where task_id = 'r';
-- D31, S23, S24: not before its time, and then at once; the claim counts one attempt more.
select at(3.999), claim_one();
select start_task('p', 'w', 'r');
select at(4), claim_one();
select fail_task('p', 'r', token('r'), 'second'), at(11.999);
select claim_one(), run_after from task_mgmt.tasks where task_id = 'r';
select at(12), claim_one();
select fail_task('p', 'r', token('r'), 'third');
select run_after from task_mgmt.tasks where task_id = 'r';
select at(28), claim_one();
-- D32, S28: the fourth failure of four is final; then nobody gets it, and nothing is added.
select fail_task('p', 'r', token('r'), 'fourth');
select task_id, status, attempts, failures, run_after, error from task_mgmt.tasks where task_id = 'r';
select at(1000), claim_one(), fail_task('p', 'r', 1, 'fifth');
select task_id, attempts, failures, error, failed_at from task_mgmt.dead_letters;
select kind, user_id, detail from task_mgmt.events where task_id = 'r' order by event_no;
select * from task_mgmt.check_invariants();
-- S12, S9: enqueued again it begins anew, its history stays.
select enqueue_task('p', 'r'), (select count(*) from task_mgmt.events where task_id = 'r');
select task_id, status, attempts, failures, result, error from task_mgmt.tasks where task_id = 'r';
select claim_one();
select complete_task('p', 'r', token('r'));
select task_id, status, attempts, failures, error from task_mgmt.tasks where task_id = 'r';

-- Not to be tried again; or after a time that the worker says; or by a policy of the task's own.
select create_tasks('p', '[{"task_id": "final", "task_type": "x"}, {"task_id": "soon", "task_type": "x"}, {"task_id": "slow", "task_type": "x", "max_attempts": 2, "backoff": {"base_seconds": 100, "factor": 3, "max_seconds": 200}}]');
select count(*) from claim_tasks('p', 'w', 3);
select fail_task('p', 'final', token('final'), 'e', retryable => false), fail_task('p', 'soon', token('soon'), 'e', delay_seconds => 0), fail_task('p', 'slow', token('slow'), 'e');
select task_id, status, run_after, failures from task_mgmt.tasks where task_id in ('final', 'soon', 'slow') order by task_id;
select claim_one();
select fail_task('p', 'soon', token('soon'), 'e', delay_seconds => 0.1);
select at(1000.1), claim_one();
select at(1200), claim_one();
select fail_task('p', 'slow', token('slow'), 'e');
-- What is kept of an error is its beginning.
select fail_task('p', 'soon', token('soon'), repeat('é', 6000), result => '{"partial": true}');
select task_id, status, length(error), result from task_mgmt.tasks where task_id = 'soon';
select task_id, length(detail) from task_mgmt.events where task_id = 'soon' and kind = 'retried' order by event_no desc limit 1;
select fail_task('p', 'soon', 1, null);
select fail_task('p', 'soon', 1, 'e', delay_seconds => -1);
select fail_task('p', 'soon', 1, 'e', retryable => null);
-- The jitter only prolongs, and is the same whenever it is asked for.
select create_task('p', '{"task_id": "j", "task_type": "x", "priority": 99, "backoff": {"jitter": 0.5}}'), claim_one();
select fail_task('p', 'j', token('j'), 'e');
select extract(epoch from run_after - '2030-01-01 00:20:00+00') between 4 and 6 from task_mgmt.tasks where task_id = 'j';

-- S19, S20, S21: what has come of a task by what the worker got.
select at(2000);
select create_tasks('p', jsonb_agg(jsonb_build_object('task_id', 's' || n, 'task_type', 'x', 'priority', 150))) from generate_series(1, 5) n;
select count(*) from claim_tasks('p', 'w', 5);
select report_result('p', 's1', token('s1'), '{"success": true, "n": 1}'), report_result('p', 's2', token('s2'), '{"success": false, "error": "broken"}'), report_result('p', 's3', token('s3'), '{"n": 3}'),
	report_result('p', 's4', token('s4'), '"text"'), report_result('p', 's5', token('s5'), '{"success": "true"}');
select task_id, status, result, error from task_mgmt.tasks where task_id like 's_' order by task_id;
select report_result('p', 's1', 1, null);

-- Put off: no failure, and it comes back when it is said to.
select create_task('p', '{"task_id": "z", "task_type": "x", "priority": 150}'), claim_one();
select snooze_task('p', 'z', token('z'), 60, 'rate limit');
select task_id, status, attempts, failures, run_after from task_mgmt.tasks where task_id = 'z';
select at(2060), claim_one();
select snooze_task('p', 'z', token('z'), -1);
select snooze_task('p', 'z', token('z'), 0), claim_one(), complete_task('p', 'z', token('z'));

-- Handed back at once: all of a process, or all of a user.
select create_tasks('p', jsonb_agg(jsonb_build_object('task_id', 'h' || n, 'task_type', 'x', 'priority', 120))) from generate_series(1, 70) n;
select count(*) from claim_tasks('p', 'w', 3, instance => 'one'), (select count(*) from claim_tasks('p', 'w', 65, instance => 'two')) as two;
select release_tasks('p', 'w', 'three'), release_tasks('p', 'w', 'one'), release_tasks('p', 'w', 'two'), release_tasks('p', 'w'), release_tasks('p', 'w');
select count(*) from task_mgmt.held_tasks;
select attempts, failures, count(*) from task_mgmt.tasks where task_id like 'h%' group by 1, 2 order by 1;
select release_tasks('p', 'nobody');
select * from task_mgmt.check_invariants();

-- S13, S14, S15, S16, D12: cancelled. A worker learns it, and its late result does not count.
select create_task('p', '{"task_id": "k", "task_type": "x", "priority": 130}'), claim_one();
select token('k') as t \gset
select cancel_task('p', 'k'), cancel_task('p', 'k'), heartbeat('p', 'k', :t), complete_task('p', 'k', :t, '{}'), fail_task('p', 'k', :t, 'e');
select task_id, status, result, error, attempts from task_mgmt.tasks where task_id = 'k';
select cancel_task('p', 's1');
select enqueue_task('p', 'k'), enqueue_task('p', 's1');
select heartbeat('p', 'k', :t);

-- Many at once, each by its token.
select claim_one();
select at(3000);
select create_tasks('p', '[{"task_id": "m1", "task_type": "named", "priority": 140}, {"task_id": "m2", "task_type": "x", "priority": 140}, {"task_id": "m3", "task_type": "x", "priority": 140}, {"task_id": "m4", "task_type": "x", "priority": 140}, {"task_id": "after", "task_type": "x"}]');
select create_dependency('p', '{"task_id": "after", "dependent_on_task_id": "m2", "required_completion_status": "completed"}') > '';
select count(*) from claim_tasks('p', 'w', 4);
select cancel_task('p', 'm4');
select * from complete_tasks('p', jsonb_build_array(jsonb_build_object('task_id', 'm3', 'lease_token', 1), jsonb_build_object('task_id', 'm2', 'lease_token', token('m2'), 'result', '[1.0]'::jsonb),
	jsonb_build_object('task_id', 'm1', 'lease_token', token('m1'), 'completion_status', 'bad'), '{"task_id": "m4", "lease_token": 5}'::jsonb, '{"task_id": "none such", "lease_token": 5}'::jsonb));
select task_id, status, completion_status, result, is_active from task_mgmt.tasks where task_id in ('m1', 'm2', 'm3', 'm4', 'after') order by task_id;
select * from complete_tasks('p', jsonb_build_array(jsonb_build_object('task_id', 'm3', 'lease_token', token('m3'), 'completion_status', 'odd')));
select * from complete_tasks('p', '[{"task_id": "m3", "lease_token": 1}, {"task_id": "m3", "lease_token": 1}]');
select * from complete_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', n::text, 'lease_token', 1)) from generate_series(1, 101) n));
select * from complete_tasks('p', '[]');
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
drop function token, at, claim_one;
