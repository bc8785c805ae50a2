-- Payroll: what each user submitted and completed in an interval.

set timezone = 'UTC';
create role regress_payer;
do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'hourly_rate', 10, 'qualified_task_types', '["x"]'::jsonb)) from unnest('{u, v, w, idle}'::text[]) u;
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', t, 'task_type', 'x')) from unnest('{a, b, c, d, e}'::text[]) t));
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false);
	perform start_task('p', 'u', 'a'), submit_timesheet('p', 'u', 3600, 'a'), release_task('p', 'u', 'a', 'Done');
	perform update_user('p', 'u', '{"hourly_rate": 20}');
	perform start_task('p', 'u', 'b'), submit_timesheet('p', 'u', 1800, 'b'), release_task('p', 'u', 'b', 'Bad');
	-- One who only completes, and one who only submits.
	perform start_task('p', 'v', 'c'), release_task('p', 'v', 'c', 'Done');
	perform start_task('p', 'w', 'd'), submit_timesheet('p', 'w', 0.001, 'd');
	perform set_config('task_mgmt.fake_now', '2030-01-08 00:00:00+00', false);
	perform start_task('p', 'u', 'e'), submit_timesheet('p', 'u', 900, 'e'), release_task('p', 'u', 'e', 'Done');
	perform correct_time('p', 'u', 'a', -600, 'too slow'), correct_time('p', 'w', 'd', -0.001, 'was not there');
end $$;

-- The first moment belongs to the interval, its end does not; who did nothing in it is not listed.
select * from payroll('p', '2030-01-01', '2030-01-08');
select * from payroll('p', '2030-01-08', '2030-01-08 00:00:00.000001+00');
select * from payroll('p', '-infinity', 'infinity');
select * from payroll('p', '2029-01-01', '2030-01-01');
select * from payroll('p', '2030-01-08 00:00:00.000001+00', 'infinity');

-- A task counts at its last completion only.
set task_mgmt.fake_now = '2030-01-09 00:00:00+00';
select reactivate_task('p', 'a'), start_task('p', 'v', 'a'), release_task('p', 'v', 'a', 'Bad');
select user_id, tasks_completed, tasks_by_status from payroll('p', '2030-01-01', '2030-01-08');
select user_id, tasks_completed, tasks_by_status from payroll('p', '2030-01-09', '2030-01-10');

-- What cannot be is refused.
select payroll('p', '2030-01-02', '2030-01-01');
select payroll('p', '2030-01-02', '2030-01-02');
select payroll('p', 'infinity', '-infinity');
select payroll('p', null, '2030-01-02');
select payroll('p', '2030-01-02', null);
select payroll('none', '2030-01-01', '2030-01-02');
select payroll(null, '2030-01-01', '2030-01-02');
set role regress_payer;
select payroll('p', '2030-01-01', '2030-01-02');
reset role;
-- Whoever may read the project may see what it costs.
select grant_access('regress_payer', 'reader', 'p');
set role regress_payer;
select user_id, seconds, cost from payroll('p', '2030-01-01', '2030-01-02');
reset role;

-- Whatever was submitted, corrected and paid how: the payroll is what one counts by hand, and periods and the rest add up.
select setseed(0.5);
do $$
declare
	moment timestamptz := '2030-02-01 00:00:00+00';
	worker text;
	dice double precision;
begin
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 't' || n, 'task_type', 'x')) from generate_series(1, 200) n));
	for n in 1..400 loop
		moment := moment + random() * interval '2 hours';
		perform set_config('task_mgmt.fake_now', moment::text, false);
		worker := ('{u, v, w}'::text[])[1 + floor(3 * random())];
		dice := random();
		case
			when dice < 0.1 then perform update_user('p', worker, jsonb_build_object('hourly_rate', round((100 * random())::numeric, 2)));
			when dice < 0.2 then
				perform correct_time('p', s.user_id, s.task_id, -trunc((random() * s.booked)::numeric, 3)::float8 - 0.001, 'dice', s.hourly_rate::float8)
				from (
					select user_id, task_id, hourly_rate, sum(seconds_spent) as booked
					from task_mgmt.timesheet_submissions
					where user_id = worker group by user_id, task_id, hourly_rate having sum(seconds_spent) > 1 order by 3, 2 limit 1
				) s;
			when dice < 0.25 then perform close_pay_period('p', coalesce(max(ends_at), '2030-01-01'), moment) from task_mgmt.pay_periods;
			else
				perform submit_timesheet('p', worker, 0.001 + random() * 5000, start_task('p', worker));
				if dice > 0.8 then
					perform release_task('p', worker, active_task, case when dice > 0.85 then 'Done' else 'Bad' end)
					from task_mgmt.users where user_id = worker;
				end if;
		end case;
	end loop;
	perform set_config('task_mgmt.fake_now', (moment + interval '1 hour')::text, false);
	perform submit_timesheet('p', u, 1234.567, start_task('p', u)) from unnest('{u, v, w}'::text[]) u;
end $$;
select count(*) > 5 as periods from task_mgmt.pay_periods;
select count(*) filter (where reason is not null) > 20 as corrections, count(*) > 200 as submissions, count(distinct hourly_rate) > 20 as rates
from task_mgmt.timesheet_submissions;
select count(*) as different
from task_mgmt.pay_periods p
cross join lateral (
	(select user_id, seconds, cost from task_mgmt.pay_totals t where t.period_id = p.period_id
	except
	select user_id, seconds, cost from payroll('p', p.starts_at, p.ends_at))
	union all
	(select user_id, seconds, cost from payroll('p', p.starts_at, p.ends_at) where seconds <> 0 or cost <> 0
	except
	select user_id, seconds, cost from task_mgmt.pay_totals t where t.period_id = p.period_id)
) as difference;
select user_id, sum(part.seconds) - everything.seconds as seconds, abs(sum(part.cost) - everything.cost) < 0.0001 as cost_but_for_rounding
from (
	select user_id, seconds, cost from task_mgmt.pay_totals
	union all
	select user_id, seconds, cost from payroll('p', (select max(ends_at) from task_mgmt.pay_periods), 'infinity')
) part
join (
	select user_id, sum(seconds_spent) as seconds, sum(seconds_spent * hourly_rate) / 3600 as cost
	from task_mgmt.timesheet_submissions group by user_id
) everything using (user_id)
group by user_id, everything.seconds, everything.cost
order by user_id;
with by_payroll as (
	select user_id, tasks_completed, tasks_by_status from payroll('p', '2030-02-05', '2030-02-09') where tasks_completed > 0
), by_hand as (
	select completed_user_id, sum(n)::bigint, jsonb_object_agg(completion_status, n) from (
		select completed_user_id, completion_status, count(*) as n from task_mgmt.tasks
		where completed_at >= '2030-02-05' and completed_at < '2030-02-09' group by 1, 2
	) t group by 1
)
select (select count(*) from by_hand) as users, count(*) as different
from (
	(select * from by_payroll except select * from by_hand)
	union all
	(select * from by_hand except select * from by_payroll)
) as difference;

reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
drop owned by regress_payer;
drop role regress_payer;
