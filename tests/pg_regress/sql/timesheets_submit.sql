-- Time: booking it, and what it adds up to.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "hourly_rate": 36, "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "hourly_rate": 0.1, "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-08 00:00:00+00';
select start_task('p', 'u', 'a'), start_task('p', 'v', 'b');

-- Time is exact to the millisecond; a tenth added ten times is one.
select submit_timesheet('p', 'u', 0.1, 'a') from generate_series(1, 10);
select get_total_task_time('p', 'a');
select submit_timesheet('p', 'u', 1234.567, 'a'), submit_timesheet('p', 'u', 0.001, 'a'), get_total_task_time('p', 'a');

-- A finer fraction is rounded; less than half a millisecond is refused rather than booked as nothing.
select submit_timesheet('p', 'u', 0.0005, 'a'), submit_timesheet('p', 'u', 0.0014, 'a'), get_total_task_time('p', 'a');
select submit_timesheet('p', 'u', 0.0004, 'a');

-- It is positive and finite, and no more than fits.
select submit_timesheet('p', 'u', 0, 'a');
select submit_timesheet('p', 'u', -1, 'a');
select submit_timesheet('p', 'u', 'NaN', 'a');
select submit_timesheet('p', 'u', 'Infinity', 'a');
select submit_timesheet('p', 'u', '-Infinity', 'a');
select submit_timesheet('p', 'u', 1e9, 'a');
select submit_timesheet('p', 'u', null, 'a');

-- Only for the task that one holds.
select submit_timesheet('p', 'u', 1, 'b');
select submit_timesheet('p', 'u', 1, 'none');
select release_task('p', 'u', 'a'), submit_timesheet('p', 'u', 1, 'a');
select release_task('p', 'u', 'a');
select submit_timesheet('p', 'u', 1, 'a');
select submit_timesheet('p', 'none', 1, 'a');
select submit_timesheet('none', 'u', 1, 'a');
select submit_timesheet('p', 'u', 1, null);
select start_task('p', 'u', 'a'), get_total_task_time('p', 'a');

-- It renews the holder's lease, and never another's.
set task_mgmt.fake_now = '2030-01-08 00:01:00+00';
select submit_timesheet('p', 'u', 1, 'a');
select task_id, last_leased_ts from task_mgmt.tasks where project_name = 'p' order by task_id;

-- The most that one submission may have.
select submit_timesheet('p', 'v', 999999999.999, 'b'), get_total_task_time('p', 'b');

-- Cost is what the rate was at each submission; a new rate counts from now on.
select create_task('p', '{"task_id": "c", "task_type": "x"}'), release_task('p', 'u', 'a', 'Done'), start_task('p', 'u', 'c');
select submit_timesheet('p', 'u', 3600, 'c'), get_total_task_cost('p', 'c');
select update_user('p', 'u', '{"hourly_rate": 72}'), get_total_task_cost('p', 'c');
select submit_timesheet('p', 'u', 1800, 'c'), get_total_task_cost('p', 'c');
select update_user('p', 'u', '{"hourly_rate": 0.01}'), submit_timesheet('p', 'u', 1, 'c'), get_total_task_cost('p', 'c');

-- Several users on one task: each has a sum of their own.
select release_task('p', 'u', 'c'), release_task('p', 'v', 'b'), start_task('p', 'v', 'c'), submit_timesheet('p', 'v', 60.5, 'c');
select get_task_timesheet_summary('p', 'c');
select user_id, task_id, seconds_spent, submission_count, cost from task_mgmt.timesheet where project_name = 'p' order by 1, 2;

-- Names that would run together are told apart.
select create_user('p', '{"user_id": "a_b", "qualified_task_types": ["x"]}'), create_user('p', '{"user_id": "a", "qualified_task_types": ["x"]}'),
	create_tasks('p', '[{"task_id": "x_c", "task_type": "x"}, {"task_id": "b_x_c", "task_type": "x"}]');
select start_task('p', 'a_b', 'x_c'), start_task('p', 'a', 'b_x_c'), submit_timesheet('p', 'a_b', 1, 'x_c'), submit_timesheet('p', 'a', 2, 'b_x_c');
select user_id, task_id, seconds_spent from task_mgmt.timesheet where task_id ~ 'x_c' order by 1;

-- Of several tasks each counts once; all must exist.
select get_total_task_time('p', array['a', 'b']) = get_total_task_time('p', 'a') + get_total_task_time('p', 'b') as adds_up,
	get_total_task_cost('p', array['c', 'c']) = get_total_task_cost('p', 'c') as once, get_total_task_time('p', '{}'::text[]) as nothing;
select get_total_task_time('p', array['a', 'none']);
select get_total_task_cost('p', array['a', null]);
select get_total_task_cost('p', null::text[]);
select get_total_task_time('none', '{}'::text[]);

-- Nothing booked is zero; an unknown task is an error.
select create_task('p', '{"task_id": "d", "task_type": "x"}'), get_total_task_time('p', 'd'), get_total_task_cost('p', 'd'), get_task_timesheet_summary('p', 'd');
select get_total_task_time('p', 'none');
select get_total_task_cost('none', 'd');
select get_task_timesheet_summary('p', 'none');

reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
