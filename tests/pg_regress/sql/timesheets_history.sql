-- Time: listing submissions and what a user has worked.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"}]');
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false);
	perform start_task('p', 'u', 'a'), submit_timesheet('p', 'u', 1800, 'a'), release_task('p', 'u', 'a', 'Done');
	perform set_config('task_mgmt.fake_now', '2030-01-05 00:00:00+00', false);
	perform start_task('p', 'u', 'b'), submit_timesheet('p', 'u', 900.5, 'b'), start_task('p', 'v', 'c'), submit_timesheet('p', 'v', 7, 'c');
	perform set_config('task_mgmt.fake_now', '2030-01-08 00:00:00+00', false);
	perform submit_timesheet('p', 'u', 100, 'b');
end $$;
set timezone = 'UTC';
-- A submission without its number, which differs from run to run.
create function listed(submissions jsonb) returns setof text language sql as
	$$ select (s - 'submission_id')::text from jsonb_array_elements(submissions) s $$;

-- All of them, newest first.
select listed(get_timesheet_submissions('p'));

-- By user, by task, by both.
select listed(get_timesheet_submissions('p', user_id => 'v'));
select listed(get_timesheet_submissions('p', task_id => 'b'));
select listed(get_timesheet_submissions('p', 'v', 'b'));

-- Both ends of a range belong to it.
select listed(get_timesheet_submissions('p', start_date => '2030-01-05', end_date => '2030-01-08'));
select listed(get_timesheet_submissions('p', end_date => '2030-01-04'));
select listed(get_timesheet_submissions('p', start_date => '2030-01-09'));

-- Unknown filters find nothing; an unknown project is an error.
select get_timesheet_submissions('p', 'none'), get_timesheet_submissions('p', task_id => 'none');
select get_timesheet_submissions('none');

-- A week of work, in hours and by task; its first moment belongs to it.
select key, case key when 'submissions' then to_jsonb(array(select listed(value))) else value end
from jsonb_each(get_user_work_history('p', 'u'))
order by key;
select get_user_work_history('p', 'u', 6)->'submission_count' as six_days, get_user_work_history('p', 'u', 0)->'submission_count' as today,
	get_user_work_history('p', 'u', 36500)->'submission_count' as all_days;

-- No work is zeros.
select create_user('p', '{"user_id": "w"}'), get_user_work_history('p', 'w') - '{start_date, end_date}'::text[] as history;
select get_user_work_history('p', 'u', -1);
select get_user_work_history('p', 'u', 36501);
select get_user_work_history('p', 'u', null);
select get_user_work_history('p', 'none');
select get_user_work_history('none', 'u');

-- The numbers grow with time.
select array_agg(submission_id order by submitted_at, seconds_spent desc) = array_agg(submission_id order by submission_id) as grow
from task_mgmt.timesheet_submissions where project_name = 'p';

-- Sums are readable: hours, minutes and seconds.
select set_config('task_mgmt.fake_now', '2030-01-08 00:00:01+00', false) is null, submit_timesheet('p', 'u', 3723.25, 'b');
select get_task_timesheet_summary('p', 'b'), get_task_timesheet_summary('p', 'c')->'formatted_total' as seven;

reset task_mgmt.fake_now;
drop function listed;
select delete_project('p', cascade => true);
