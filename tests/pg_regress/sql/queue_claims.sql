-- claim_tasks: in which order, whose, how many.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x"}'), create_task_type('p', '{"task_type": "y", "lease_seconds": 30}');
	perform create_user('p', '{"user_id": "w", "qualified_task_types": ["x", "y"], "capacity": "unlimited"}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"], "capacity": "unlimited"}');
	perform create_user('p', '{"user_id": "two", "qualified_task_types": ["x"], "capacity": 2}');
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
create function claimed(variadic arguments text[]) returns setof text language plpgsql as $$ begin
	return query execute format('select task_id || '' '' || attempt from claim_tasks(''p'', %s)', array_to_string(arguments, ', '));
end $$;

-- D20: an empty queue gives nothing.
select * from claim_tasks('p', 'w');

-- D18, D19, C6, I8: by priority, then in the order of creation, also within one call. Words are priorities.
select create_tasks('p', '[{"task_id": "low", "task_type": "x", "priority": "low"}, {"task_id": "high", "task_type": "y", "priority": "high"},
	{"task_id": "m1", "task_type": "x"}, {"task_id": "m2", "task_type": "x"}, {"task_id": "m3", "task_type": "y", "priority": "medium"}, {"task_id": "crit", "task_type": "x", "priority": "critical"}]');
select create_task('p', '{"task_id": "data", "task_type": "y", "priority": 51, "title": "t", "description": "d", "params": {"n": 12345678901234567890}, "metadata": {"m": 1}, "channel": "c"}');
select * from claimed($$'w'$$, '3');
-- What a worker gets to know; the lease lasts as long as the type says, or the setting, or the call.
select task_id, task_type, title, params, attempt, lease_token > 0 as has_token, lease_expires_at, priority, channel, description, metadata from claim_tasks('p', 'w', 1);
select task_id, lease_expires_at from claim_tasks('p', 'w', 1);
select task_id, lease_expires_at from claim_tasks('p', 'w', 1, lease_seconds => 5.5);
select task_id, status, attempts, active_user_id, lease_expires_at from task_mgmt.tasks order by task_id;
select * from task_mgmt.check_invariants();
-- S22, D38: nobody gets a task twice, and a task is in the queue once.
select enqueue_task('p', 'low'), enqueue_task('p', 'low');
select * from claimed($$'w'$$, '100');
select * from claimed($$'w'$$, '100');
select enqueue_task('p', 'low');
select * from claimed($$'w'$$, '100');

-- The types that the user is qualified for, or those of them that are asked for.
select create_tasks('p', '[{"task_id": "x1", "task_type": "x"}, {"task_id": "y1", "task_type": "y"}, {"task_id": "x2", "task_type": "x"}]');
select * from claimed($$'v'$$, '1');
select * from claimed($$'v'$$, '9', $$task_types => '{y}'$$);
select * from claimed($$'w'$$, '9', $$task_types => '{y}'$$);
select * from claimed($$'w'$$, '9', $$task_types => '{}'$$);

-- One channel.
select create_tasks('p', '[{"task_id": "a1", "task_type": "x", "channel": "a"}, {"task_id": "b1", "task_type": "x", "channel": "b"}, {"task_id": "b2", "task_type": "x", "channel": "b", "priority": 60},
	{"task_id": "b3", "task_type": "y", "channel": "b"}, {"task_id": "bv", "task_type": "x", "channel": "b", "agent": "v", "priority": 1}]');
select * from claimed($$'v'$$, '9', $$channel => 'b'$$);
select * from claimed($$'w'$$, '9', $$channel => 'b'$$);
select * from claimed($$'w'$$, '9', $$channel => 'none such'$$);
select update_task('p', 'a1', '{"channel": "z"}');
select * from claimed($$'w'$$, '9', $$channel => 'a'$$);
select * from task_mgmt.check_invariants();
select * from claimed($$'w'$$, '9', $$channel => 'z'$$);
select * from claimed($$'w'$$, '9');

-- D27: an agent's own queue is exclusive. The agent's own tasks come first, or are all there is, or are left out.
select create_tasks('p', '[{"task_id": "own", "task_type": "x", "agent": "v", "priority": "low"}, {"task_id": "free", "task_type": "x", "priority": "critical"}, {"task_id": "own2", "task_type": "x", "assigned_user_id": "v"}, {"task_id": "free2", "task_type": "x"}]');
select * from claimed($$'w'$$, '1');
select * from claimed($$'v'$$, '9', $$own_tasks => 'none'$$);
select * from claimed($$'v'$$, '1', $$own_tasks => 'only'$$);
select * from claimed($$'v'$$, '9');

-- A user holds as many tasks as they may; start_task gives another one as long as there is room.
select create_tasks('p', jsonb_agg(jsonb_build_object('task_id', 'n' || n, 'task_type', 'x'))) from generate_series(1, 5) n;
select start_task('p', 'two'), start_task('p', 'two', 'n3');
select * from claimed($$'two'$$, '9');
\set VERBOSITY sqlstate
select start_task('p', 'two');
select start_task('p', 'two', 'n2');
\set VERBOSITY default
select start_task('p', 'two', 'n1');
select active_task from task_mgmt.users where user_id = 'two';
select release_task('p', 'two', 'n1', 'completed'), active_task from task_mgmt.users where user_id = 'two';
select start_task('p', 'two'), (select array_agg(task_id order by task_id) from task_mgmt.held_tasks where user_id = 'two');
select update_user('p', 'two', '{"capacity": 1}');
select update_user('p', 'two', '{"capacity": 3}'), get_user('p', 'two') ->> 'capacity', get_user('p', 'w') ->> 'capacity', get_user('p', 'w') ->> 'active_task' = '';
select * from claimed($$'two'$$, '9');
select * from task_mgmt.check_invariants();

-- Processes of one user are told apart.
select create_tasks('p', '[{"task_id": "n6", "task_type": "x"}, {"task_id": "n7", "task_type": "x"}]'), (select count(*) from claim_tasks('p', 'w', 1, instance => 'host-1')), (select count(*) from claim_tasks('p', 'v', 1));
select task_id, instance from task_mgmt.held_tasks where user_id in ('v', 'w') and task_id like 'n%' order by task_id;

-- What is shared by several users, or is to be expanded, is for start_task.
select create_tasks('p', '[{"task_id": "shared", "task_type": "y", "overlap": 2}, {"task_id": "seeded", "task_type": "y", "ng_state": {"seed_id": 1}}]');
select * from claimed($$'w'$$, '9', $$task_types => '{y}'$$);

-- A paused project, a deactivated or unknown user, a wrong argument.
select pause_project('p');
select * from claim_tasks('p', 'w');
select resume_project('p'), deactivate_user('p', 'v');
select * from claim_tasks('p', 'v');
select * from claim_tasks('p', 'nobody');
select * from claim_tasks('nowhere', 'w');
select * from claim_tasks('p', 'w', 0);
select * from claim_tasks('p', 'w', 101);
select * from claim_tasks('p', 'w', null);
select * from claim_tasks('p', 'w', task_types => '{x, none}');
select * from claim_tasks('p', 'w', task_types => '{x, null}');
select * from claim_tasks('p', 'w', lease_seconds => 0);
select * from claim_tasks('p', 'w', lease_seconds => 'nan');
select * from claim_tasks('p', 'w', own_tasks => 'all');
select * from claim_tasks('p', 'w', instance => '');
select delete_project('p', cascade => true);
drop function claimed;
