-- set_limit: how many tasks may wait and run at once.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', jsonb_build_object('task_type', y, 'max_attempts', 2, 'lease_seconds', 100)) from unnest('{x, y}'::text[]) y;
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "y"]'::jsonb, 'capacity', 'unlimited')) from unnest('{w, v}'::text[]) u;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
create function token(task text) returns bigint language sql as $$ select lease_token from task_mgmt.held_tasks where task_id = task $$;
create function claimed(who text, most int default 1, in_channel text default null) returns text language sql as $$
	select string_agg(task_id, ' ') from claim_tasks('p', who, most, channel => in_channel) $$;
create function make(task text, more jsonb default '{}') returns text language sql as $$
	select create_task('p', jsonb_build_object('task_id', task, 'task_type', 'x') || more) $$;
create function counts(out limits text, out broken bigint) language sql as $$
	select string_agg(concat_ws(' ', scope, key, queued || '/' || max_queued || ' queued', running || '/' || max_running || ' running'), ', ' order by scope, key),
		(select count(*) from task_mgmt.check_invariants())
	from task_mgmt.limits $$;

-- D22: as many tasks wait as the limit allows; one more is refused, and a refused call leaves nothing.
select set_limit('p', 'project', max_queued => 1), make('a');
select make('b');
select create_tasks('p', '[{"task_type": "x"}, {"task_type": "x"}]');
select * from counts();
-- What is claimed, finished, cancelled or expired makes room.
select claimed('w'), make('b'), cancel_task('p', 'b'), make('c', '{"ttl_seconds": 1}');
select set_config('task_mgmt.fake_now', '2030-01-01 00:00:01+00', false), (select tasks_expired from sweep()), make('d');
select * from counts();
-- What comes back is not refused; nothing new is let in until there is room for it again.
select snooze_task('p', 'a', token('a'), 10);
select * from counts();
select claimed('w'), make('e');
select claimed('w'), set_config('task_mgmt.fake_now', '2030-01-01 00:00:11+00', false), claimed('w'), make('e');
select fail_task('p', 'a', token('a'), 'oops'), force_release_task('p', 'd'), release_tasks('p', 'w');
select * from counts();
-- To let in again what is over is to let in, and so is to enqueue what is on hold; what waits for anything but that counts.
select enqueue_task('p', 'c');
select reactivate_task('p', 'b');
select make('held', '{"hold": true}'), enqueue_task('p', 'held');
select make('held2', '{"hold": true}'), update_task('p', 'held2', '{"is_active": true}');
select set_limit('p', 'project', max_queued => 4), make('held', '{"hold": true}'), make('later', '{"run_after": "2040-01-01T00:00:00Z"}');
select * from counts();
select enqueue_task('p', 'held');
select cancel_task('p', 'a'), enqueue_task('p', 'held'), enqueue_task('p', 'held');
select * from counts();
-- A limit may be lowered at any time; all that is there stays.
select set_limit('p', 'project', max_queued => 0), set_limit('p', 'project', max_queued => 0);
select * from counts();
select make('f');
select set_limit('p', 'project'), set_limit('p', 'project');
select * from counts();
select count(*) from task_mgmt.limit_slot;
select clear_project_data('p');

-- D23: a full channel refuses, others are unaffected. The agent system has 1000 for its queue and 100 for each channel.
select set_limit('p', 'project', max_queued => 1000), set_limit('p', 'channel', '123456789012345678', 2);
select make('c' || n, '{"channel": "123456789012345678"}') from generate_series(1, 2) n;
select make('c3', '{"channel": "123456789012345678"}');
select make('c3', '{"channel": "123456789012345679"}'), make('c4');
select update_task('p', 'c3', '{"channel": "123456789012345678"}');
select update_task('p', 'c1', '{"channel": null}'), update_task('p', 'c3', '{"channel": "123456789012345678"}');
select * from counts();
select list_limits('p');
select set_limit('p', 'channel', '123456789012345678'), set_limit('p', 'project'), clear_project_data('p');

-- An agent's own queue, and a task type.
select set_limit('p', 'agent', 'w', 1), set_limit('p', 'task_type', 'y', 1);
select make('a1', '{"agent": "w"}'), make('a2', '{"agent": "v"}'), make('y1', '{"task_type": "y"}');
select make('a3', '{"agent": "w"}');
select assign_task('p', 'a2', 'w');
select make('y2', '{"task_type": "y"}');
select update_task('p', 'a2', '{"task_type": "y"}');
-- The agent who leaves is no reason to refuse.
select transfer_tasks('p', 'v', 'w');
select * from counts();
select update_task('p', 'a1', '{"agent": "v", "task_type": "y"}');
select update_task('p', 'y1', '{"task_type": "x"}'), update_task('p', 'a1', '{"agent": "v", "task_type": "y"}');
select * from counts();
select set_limit('p', 'agent', 'w'), set_limit('p', 'task_type', 'y'), clear_project_data('p');

-- As many tasks run as may, however they are claimed.
select set_limit('p', 'project', max_running => 2);
select make('r' || n) from generate_series(1, 5) n;
select claimed('w', 1), start_task('p', 'v', 'r3'), claimed('w', 9);
select start_task('p', 'v', 'r4');
select start_task_cross_project('v', 'r4');
select task_id from peek_tasks('p', 'v');
select rule, is_passed, found from explain_assignment('p', 'v', 'r4') where rule = 'no limit is reached' or not is_passed;
select rule, found, remaining from explain_assignment('p', 'v') where removed > 0;
select * from counts();
-- Who holds one gets it again. What ends makes room: a completion, a failure, what is handed back, cancelled or lost.
select start_task('p', 'v', 'r3'), complete_task('p', 'r1', token('r1')), claimed('w', 9);
select release_task('p', 'v', 'r3'), claimed('w', 9), fail_task('p', 'r2', token('r2'), 'x', false), claimed('w', 9), cancel_task('p', 'r3');
select * from counts();
select claimed('w'), set_config('task_mgmt.fake_now', '2030-01-01 00:01:00+00', false), make('r6'), claimed('v');
select set_config('task_mgmt.fake_now', '2030-01-01 00:01:51+00', false), claimed('v', 9);
select * from counts();
-- A completion can be undone only while there is room, too, and what is brought in as held needs room.
select complete_task('p', 'r6', token('r6')), set_config('task_mgmt.fake_now', '2030-01-01 00:02:00+00', false), claimed('w', 9);
select undo_release('p', 'v', 'r6');
select make('r7', '{"active_user_id": "v"}');
select complete_task('p', 'r4', token('r4')), undo_release('p', 'v', 'r6');
select * from counts();
select make('r8', '{"completion_status": "completed", "completed_user_id": "v"}');
select release_tasks('p', 'w'), release_tasks('p', 'v'), set_limit('p', 'project', max_running => 0), claimed('w'), set_limit('p', 'project'), claimed('w', 9);
select clear_project_data('p');

-- Of a task type as many as may run: its lanes are left out, others go on.
select set_limit('p', 'task_type', 'x', max_running => 1);
select make('x' || n, '{"priority": 90}') from generate_series(1, 3) n;
select make('y1', '{"task_type": "y"}'), make('own', '{"agent": "w"}'), make('own y', '{"agent": "w", "task_type": "y"}'), make('y2', '{"task_type": "y", "channel": "c"}'), make('x4', '{"channel": "c", "priority": 99}');
select task_id from peek_tasks('p', 'v');
select claimed('w', 2), claimed('v', 9, 'c'), claimed('v', 9), claimed('w', 9);
select * from counts();
select complete_task('p', 'own', token('own')), claimed('v', 9, 'c'), claimed('w', 9);
select clear_project_data('p'), set_limit('p', 'task_type', 'x');

-- Of a channel, too: its tasks are in lanes of their own, wherever they came from.
select make('c' || n, '{"channel": "c", "priority": 90}') from generate_series(1, 3) n;
select make('d1', '{"channel": "d"}'), make('n1'), make('n2', '{"task_type": "y"}'), claimed('v'), cancel_task('p', 'n1'), make('n3');
select set_limit('p', 'channel', 'c', max_running => 2);
select * from counts();
select make('c4', '{"channel": "c", "priority": 95, "task_type": "y"}'), update_task('p', 'd1', '{"channel": "c"}'), reactivate_task('p', 'n1'), update_task('p', 'n1', '{"channel": "c"}');
select distinct task_type, channel from task_mgmt.lane where project_name = 'p' order by 1, 2;
select * from counts();
select claimed('w', 9, 'c'), claimed('w', 9, 'c'), claimed('w', 9);
select rule, found from explain_assignment('p', 'w', 'c2') where not is_passed;
select task_type, rule, found, remaining from explain_assignment('p', 'w') where removed > 0;
select update_task('p', 'n3', '{"channel": "c"}');
select update_task('p', 'c4', '{"channel": null}'), update_task('p', 'n3', '{"channel": "c"}');
select * from counts();
select set_limit('p', 'channel', 'c', max_queued => 2), claimed('w', 9);
select * from counts();
select clear_project_data('p'), set_limit('p', 'channel', 'c');

-- Of an agent: who takes a task over needs room for it; who loses it gets room.
select set_limit('p', 'agent', 'w', max_running => 1), set_limit('p', 'agent', 'v', max_running => 1);
select make('t' || n) from generate_series(1, 3) n;
select start_task('p', 'w', 't1'), start_task('p', 'v', 't2');
select start_task('p', 'w', 't3');
select set_config('task_mgmt.fake_now', '2030-01-01 01:00:00+00', false);
select start_task('p', 'w', 't2');
select rule, found from explain_assignment('p', 'w', 't2') where not is_passed;
select release_task('p', 'w', 't1'), start_task('p', 'w', 't2');
select * from counts();
select start_task('p', 'v', 't3'), claimed('v', 9);
select * from counts();
select release_tasks('p', 'w'), release_tasks('p', 'v'), clear_project_data('p'), set_limit('p', 'agent', 'w'), set_limit('p', 'agent', 'v');

-- Copies run, and their original waits; a check is made in any case.
select set_limit('p', 'project', null, 3, 1), make('o', '{"overlap": 2}'), make('alone');
select start_task('p', 'w', 'o');
select start_task('p', 'v', 'o');
select start_task('p', 'v', 'alone');
select * from counts();
select release_task('p', 'w', 'o#1', 'completed'), claimed('v'), release_task('p', 'v', 'alone'), start_task('p', 'v', 'o'), release_task('p', 'v', 'o#2', 'completed');
select task_id, status from task_mgmt.tasks order by task_id;
select * from counts();
select add_golden_task('p', 'o'), update_task_type('p', 'x', '{"golden_percent": 100}'), create_user('p', '{"user_id": "g", "qualified_task_types": ["x"]}'), set_limit('p', 'project', null, 1, 1);
select start_task('p', 'g'), make('last'), release_task('p', 'g', 'alone', 'completed');
select * from counts();
select update_task_type('p', 'x', '{"golden_percent": null}'), clear_project_data('p');
select * from counts();

-- A schedule that finds the queue full creates nothing, and tells why.
select set_limit('p', 'project', null, 1, 100), schedule_task('p', 's', '0 * * * *', data => '{"task_type": "x", "channel": "c"}', misfire_policy => 'all') > '2030-01-01';
select set_config('task_mgmt.fake_now', '2030-01-01 04:30:00+00', false), (select count(*) from run_due_schedules('p'));
select count(*), string_agg(distinct error, '; ') from task_mgmt.schedule_runs;
select set_limit('p', 'channel', 'c', 100, 100), set_limit('p', 'project', null, 100), set_config('task_mgmt.fake_now', '2030-01-01 05:30:00+00', false), (select count(*) from run_due_schedules('p') where error is null);
select * from counts();

-- Users and types go with their limits.
select set_limit('p', 'agent', 'w', 5, 5), set_limit('p', 'task_type', 'x', 5, 5), claimed('w') > '' as is_claimed;
select * from counts();
select clear_project_users('p');
select * from counts();
select clear_project_data('p'), clear_project_task_types('p');
select * from counts();
select detail from task_mgmt.events where kind = 'project_changed' order by event_no desc limit 5;

-- What cannot be limited.
select set_limit('p', 'type', 'x', 1);
select set_limit('p', 'project', 'p', 1);
select set_limit('p', 'channel', null, 1);
select set_limit('p', 'task_type', 'none', 1);
select set_limit('p', 'agent', 'none', 1);
select set_limit('p', 'project', max_queued => -1);
select set_limit('p', 'project', max_running => 100001);
select set_limit('none', 'project', max_running => 1);
select list_limits('none');
select set_limit('p', 'project', max_queued => 100000), set_limit('p', 'channel', 'c', max_queued => 100000);
select * from counts();
select delete_project('p', cascade => true);
select count(*) from task_mgmt.limit_slot;
drop function token, claimed, make, counts;
