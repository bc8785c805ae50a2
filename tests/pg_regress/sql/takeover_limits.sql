-- Takeover: a lease that was not renewed for the limit may be taken, from exactly the limit on.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "slow", "completion_statuses": ["Done"], "max_idle_seconds": 3600}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "slow"]'::jsonb))
	from unnest('{u, v, w}'::text[]) u;
	perform create_task('p', '{"task_id": "a", "task_type": "x"}');
end $$;
-- Sets the clock to so many seconds after a fixed moment.
create function at(seconds numeric) returns void language sql as $$
	select set_config('task_mgmt.fake_now', ('2030-01-01 00:00:00+00'::timestamptz + seconds * interval '1 second')::text, false)
$$;

-- A microsecond before 90 s it is refused, by name and by selection; at 90 s it is taken.
select at(0), start_task('p', 'u');
select at(89.999999), start_task('p', 'v') is null as is_null;
\set VERBOSITY terse
select start_task('p', 'v', 'a');
\set VERBOSITY default
select at(90), start_task('p', 'v');
select active_user_id, last_leased_ts, first_start_ts from task_mgmt.tasks where task_id = 'a';

-- By name the boundary is the same.
select at(180), start_task('p', 'u', 'a'), get_user('p', 'v')->>'active_task' as former;

-- The former holder can neither release, renew, book time nor hand back; the new one's lease is as it was.
select release_task('p', 'v', 'a', 'Done');
select release_task('p', 'v', 'a');
select renew_lease('p', 'v', 'a');
select submit_timesheet('p', 'v', 1, 'a');
select active_user_id, last_leased_ts from task_mgmt.tasks where task_id = 'a';

-- Renewing, booking time and starting again each count from anew.
select at(250), renew_lease('p', 'u', 'a');
select at(339), start_task('p', 'v') is null as is_null, submit_timesheet('p', 'u', 1, 'a');
select at(428), start_task('p', 'v') is null as is_null, start_task('p', 'u');
select at(517), start_task('p', 'v') is null as is_null;
select at(518), start_task('p', 'v');
select release_task('p', 'v', 'a', 'Done');

-- The history says from whom.
select user_id, kind, detail from task_mgmt.events
where project_name = 'p' and task_id = 'a' and kind = 'taken_over'
order by event_no;

-- The limit of the type comes before the project's, the project's before the setting.
select create_tasks('p', '[{"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "slow"}]');
select at(0), start_task('p', 'u', 'b'), start_task('p', 'v', 'c');
select at(3599), start_task('p', 'w'), release_task('p', 'w', 'b');
select start_task('p', 'w', 'c');
select at(3600), start_task('p', 'w', 'c'), release_task('p', 'w', 'c', 'Done');
select update_project('p', '{"max_idle_seconds": 10}'), at(0), start_task('p', 'u', 'b');
select at(9.999), start_task('p', 'w') is null as is_null;
select at(10), start_task('p', 'w'), release_task('p', 'w', 'b');
select update_project('p', '{"max_idle_seconds": null}');
set task_mgmt.max_idle_seconds = 5;
select at(0), start_task('p', 'u', 'b');
select at(4.999), start_task('p', 'w') is null as is_null;
select at(5), start_task('p', 'w'), release_task('p', 'w', 'b', 'Done');
reset task_mgmt.max_idle_seconds;
set task_mgmt.max_idle_seconds = 0;

-- Available tasks come before idle ones, whatever the priority.
select create_tasks('p', '[{"task_id": "idle", "task_type": "x", "priority": 99}, {"task_id": "fresh", "task_type": "x"}]');
select at(0), start_task('p', 'u', 'idle');
select at(90), start_task('p', 'v'), start_task('p', 'w');
select release_task('p', 'v', 'fresh', 'Done'), release_task('p', 'w', 'idle', 'Done');

-- Of idle ones the highest priority comes first, then the older task, however long each has been idle.
select create_tasks('p', '[{"task_id": "i1", "task_type": "x", "active_user_id": "u", "last_leased_ts": 1893455990},
	{"task_id": "i2", "task_type": "x", "active_user_id": "v", "last_leased_ts": 1893455000, "priority": 50}]');
select at(90), start_task('p', 'w'), release_task('p', 'w', 'i1', 'Done');
select start_task('p', 'w'), release_task('p', 'w', 'i2', 'Done');

-- Not taken by selection: paused, assigned to somebody else, of a type or segment one is not qualified for.
select create_tasks('p', '[{"task_id": "j1", "task_type": "x"}, {"task_id": "j2", "task_type": "x", "segment_type": "axon"}]');
select at(0), start_task('p', 'u', 'j1'), pause_task('p', 'j1');
select at(90), start_task('p', 'w') is null as paused;
select unpause_task('p', 'j1'), assign_task('p', 'j1', 'u'), start_task('p', 'w') is null as assigned;
select start_task('p', 'w', 'j1');
select assign_task('p', 'j1', null), update_user('p', 'w', '{"qualified_task_types": ["slow"]}'), start_task('p', 'w') is null as unqualified;
select start_task('p', 'w', 'j1');

-- An idle task that is assigned to the requester is theirs before all other idle ones.
select update_user('p', 'w', '{"qualified_task_types": ["x"]}'), assign_task('p', 'j1', 'w'),
	create_task('p', '{"task_id": "j3", "task_type": "x", "priority": 99, "active_user_id": "v", "last_leased_ts": 1893455000}');
select start_task('p', 'w'), get_user('p', 'u')->>'active_task' as former;

-- By name a paused task may be taken over, too.
select release_task('p', 'w', 'j1', 'Done'), pause_task('p', 'j3'), start_task('p', 'w', 'j3');

-- Somebody's own idle task stays theirs until it is taken.
select at(10000), start_task('p', 'w'), release_task('p', 'w', 'j3', 'Done');

-- The clock is for tests only: a role that is no superuser cannot set it.
create role regress_clock;
set role regress_clock;
set task_mgmt.fake_now = '2030-01-01';
set task_mgmt.max_idle_seconds = 1;
reset role;
drop role regress_clock;
set task_mgmt.fake_now = 'not a time';
select start_task('p', 'u');
reset task_mgmt.fake_now;

drop function at;
select delete_project('p', cascade => true);
