-- Views of throughput and time: a day a row, in the time zone of whoever looks, ready for \crosstabview.

do $$ begin
	perform create_project('p'), create_project('q');
	perform create_task_type(project, jsonb_build_object('task_type', t, 'completion_statuses', '["Done", "Bad"]'::jsonb)) from unnest('{p, q}'::text[]) project, unnest('{x, y}'::text[]) t;
	perform create_user(project, jsonb_build_object('user_id', u, 'hourly_rate', 36, 'qualified_task_types', '["x", "y"]'::jsonb)) from unnest('{p, q}'::text[]) project, unnest('{u, v}'::text[]) u;
	perform create_tasks(project, (select jsonb_agg(jsonb_build_object('task_id', t, 'task_type', case t when 'd' then 'y' else 'x' end)) from unnest('{a, b, c, d, e}'::text[]) t))
	from unnest('{p, q}'::text[]) project;
	perform set_config('task_mgmt.fake_now', '2030-01-01 23:30:00+00', false);
	perform start_task('p', 'u', 'a'), submit_timesheet('p', 'u', 100, 'a'), submit_timesheet('p', 'u', 10, 'a'), release_task('p', 'u', 'a', 'Done');
	perform start_task('p', 'u', 'b'), release_task('p', 'u', 'b', 'Done');
	perform start_task('p', 'v', 'c'), release_task('p', 'v', 'c', 'Bad');
	perform set_config('task_mgmt.fake_now', '2030-01-02 00:30:00+00', false);
	perform start_task('p', 'u', 'd'), release_task('p', 'u', 'd', 'Done');
	perform correct_time('p', 'u', 'a', -30, 'too slow');
	perform start_task('p', 'v', 'e'), submit_timesheet('p', 'v', 0.001, 'e');
	perform start_task('q', 'u', 'a'), release_task('q', 'u', 'a', 'Done');
end $$;

set timezone = 'UTC';
select * from task_mgmt.throughput order by project_name, day, user_id, task_type;
select * from task_mgmt.time_per_day order by project_name, day, user_id;
select day, user_id, sum(tasks) from task_mgmt.throughput where project_name = 'p' group by 1, 2 order by 1, 2 \crosstabview
select user_id, completion_status, sum(tasks) from task_mgmt.throughput where project_name = 'p' group by 1, 2 order by 1, 2 \crosstabview
select day, user_id, sum(seconds) from task_mgmt.time_per_day group by 1, 2 order by 1, 2 \crosstabview

-- East of Greenwich it is one day.
set timezone = 'Europe/Berlin';
select day, user_id, sum(tasks) from task_mgmt.throughput where project_name = 'p' group by 1, 2 order by 1, 2 \crosstabview
select day, user_id, seconds, cost from task_mgmt.time_per_day order by 1, 2;

-- A task that is opened again is not completed.
select reactivate_task('p', 'd'), (select sum(tasks) from task_mgmt.throughput where project_name = 'p');

-- Readers see their projects.
create role regress_payer;
select grant_access('regress_payer', 'reader', 'q');
set role regress_payer;
select (select count(*) from task_mgmt.throughput) as tasks, (select count(*) from task_mgmt.time_per_day) as times, (select count(*) from task_mgmt.rates) as rates,
	(select count(*) from task_mgmt.pay_periods) as periods, (select count(*) from task_mgmt.pay_totals) as totals;
reset role;

reset task_mgmt.fake_now;
select delete_project('p', cascade => true), delete_project('q', cascade => true);
drop owned by regress_payer;
drop role regress_payer;
