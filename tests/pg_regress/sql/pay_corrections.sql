-- Corrections: counter-entries beside what was submitted, which stays as it was.

set timezone = 'UTC';
create role regress_payer;
do $$ begin
	perform create_project('p');
	perform grant_access('regress_payer', 'manager', 'p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "hourly_rate": 10, "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "hourly_rate": 7, "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false);
	perform start_task('p', 'u', 'a'), submit_timesheet('p', 'u', 3600, 'a');
	perform update_user('p', 'u', '{"hourly_rate": 20}');
	perform submit_timesheet('p', 'u', 3600, 'a');
	perform update_user('p', 'u', '{"hourly_rate": 30}');
	perform set_config('task_mgmt.fake_now', '2030-01-02 00:00:00+00', false);
end $$;
create function entries() returns setof text language sql as
	$$ select (s - 'submission_id')::text from jsonb_array_elements(get_timesheet_submissions('p')) s $$;

-- Time is taken back at the rate at which it was last booked, by whoever asks for it.
set role regress_payer;
select correct_time('p', 'u', 'a', -1800, 'left the tab open') as entry \gset
reset role;
select seconds_spent, hourly_rate, reason from task_mgmt.timesheet_submissions where submission_id = :entry;
select entries();
select get_total_task_time('p', 'a'), get_total_task_cost('p', 'a'), get_task_timesheet_summary('p', 'a')->'user_breakdown' as summary;
select seconds_spent, submission_count, cost from task_mgmt.timesheet where project_name = 'p';
select get_user_work_history('p', 'u', 1)->'total_hours' as hours,
	jsonb_path_query_array(get_user_work_history('p', 'u', 1), '$.submissions[*].reason') as reasons;
select kind, role_name, detail from task_mgmt.events where project_name = 'p' and kind = 'time_corrected';

-- Only what was booked at a rate can be taken back at it.
select correct_time('p', 'u', 'a', -1800.001, 'too much');
select correct_time('p', 'u', 'a', -3600.001, 'too much', 10);
select correct_time('p', 'u', 'a', -1, 'never paid so', hourly_rate => 30);
select correct_time('p', 'v', 'a', -1, 'was never there');
select correct_time('p', 'u', 'a', -3600, 'all of it', 10.0) is not null as ten, correct_time('p', 'u', 'a', -1800, 'all of it', 20) is not null as twenty;
select get_total_task_time('p', 'a'), get_total_task_cost('p', 'a'), get_task_timesheet_summary('p', 'a')->'formatted_breakdown' as summary;

-- Time is added at the rate of the last entry; without one at the present rate; or at the rate given.
select correct_time('p', 'u', 'a', 3600, 'forgotten') is not null as last, correct_time('p', 'v', 'a', 0.0005, 'helped') is not null as present,
	correct_time('p', 'v', 'a', 1, 'a favour', 0) is not null as given;
select user_id, seconds_spent, hourly_rate, reason from task_mgmt.timesheet_submissions where project_name = 'p' order by submission_id desc limit 3;

-- The task may be held by another, finished, or nobody's; the user may be gone for good; no lease is renewed.
select release_task('p', 'u', 'a', 'Done'), deactivate_user('p', 'u'), start_task('p', 'v', 'b');
set task_mgmt.fake_now = '2030-01-02 00:01:00+00';
select correct_time('p', 'u', 'a', 1, 'late') is not null as finished, correct_time('p', 'u', 'b', 1, 'late') is not null as held;
select task_id, last_leased_ts from task_mgmt.tasks where project_name = 'p' order by task_id;

-- What cannot be is refused and leaves nothing.
select correct_time('p', 'u', 'a', 0, 'r');
select correct_time('p', 'u', 'a', 0.0004, 'r');
select correct_time('p', 'u', 'a', 'NaN', 'r');
select correct_time('p', 'u', 'a', '-Infinity', 'r');
select correct_time('p', 'u', 'a', 1e9, 'r');
select correct_time('p', 'u', 'a', -1e300, 'r');
select correct_time('p', 'u', 'a', 1, ' ');
select correct_time('p', 'u', 'a', 1, null);
select correct_time('p', 'u', 'a', 1, 'r', -1);
select correct_time('p', 'u', 'a', 1, 'r', 'NaN');
select correct_time('p', 'u', 'a', 1, 'r', 1000001);
select correct_time('p', 'none', 'a', 1, 'r');
select correct_time('p', 'u', 'none', 1, 'r');
select correct_time('none', 'u', 'a', 1, 'r');
select correct_time('p', null, 'a', 1, 'r');
select correct_time('p', 'u', null, 1, 'r');
select grant_access('regress_payer', 'worker', 'p');
set role regress_payer;
select correct_time('p', 'u', 'a', 1, 'r');
reset role;
select count(*) from task_mgmt.timesheet_submissions where project_name = 'p' and reason = 'r';

reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
drop function entries;
select delete_project('p', cascade => true);
drop owned by regress_payer;
drop role regress_payer;
