-- Pay periods: once closed, their totals stay, whatever is corrected or cleared later.

set timezone = 'UTC';
create role regress_payer;
do $$ begin
	perform create_project('p'), create_project('q');
	perform grant_access('regress_payer', 'manager', 'p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "hourly_rate": 10, "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "hourly_rate": 0.01, "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "idle"}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]');
	perform start_task('p', 'u', 'a'), start_task('p', 'v', 'b');
	-- The first moment of a period belongs to it, its end does not.
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false), submit_timesheet('p', 'u', 3600, 'a');
	perform set_config('task_mgmt.fake_now', '2030-01-07 23:59:59.999999+00', false), submit_timesheet('p', 'u', 1800.5, 'a'), submit_timesheet('p', 'v', 0.001, 'b');
	perform set_config('task_mgmt.fake_now', '2030-01-08 00:00:00+00', false), submit_timesheet('p', 'u', 7200, 'a');
end $$;
-- Without numbers and roles, which differ from run to run.
create function periods() returns setof text language sql as
	$$ select (p - '{period_id, closed_by}'::text[])::text from jsonb_array_elements(get_pay_periods('p')) p $$;

select get_pay_periods('p');
select close_pay_period('p', '2030-01-01', '2030-01-08', note => 'first week') as period \gset
select periods();
select user_id, seconds, cost, starts_at, ends_at from task_mgmt.pay_totals order by user_id;
select note, users, seconds, cost, closed_by = current_user as by_me from task_mgmt.pay_periods where period_id = :period;
select kind, task_id, detail::bigint = :period as period from task_mgmt.events where kind = 'pay_period_closed';

-- Two periods share an end, but no moment; what is refused names the closed one.
create function refusal(statement text) returns setof text language plpgsql as $$
declare
	detail text;
	hint text;
begin
	execute statement;
	return next 'none';
exception when others then
	get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
	return query select line from unnest(array[sqlstate || ' ' || regexp_replace(sqlerrm, 'period \d+', 'period N'), detail, hint]) line where line <> '';
end $$;
select refusal($$select close_pay_period('p', '2030-01-01', '2030-01-08')$$);
select refusal($$select close_pay_period('p', '2030-01-07 23:59:59.999999+00', '2030-01-08')$$);
select refusal($$select close_pay_period('p', '2029-12-31', '2030-01-01 00:00:00.000001+00')$$);
select refusal($$select close_pay_period('p', '2029-12-31', '2030-01-08')$$);
select refusal($$select close_pay_period('p', '2030-01-02', '2030-01-03')$$);
select close_pay_period('p', '2029-12-31', '2030-01-01') is not null as before;

-- A period is finite, not empty, and over.
select close_pay_period('p', '2030-01-09', '2030-01-09');
select close_pay_period('p', '2030-01-09', '2030-01-08');
select close_pay_period('p', '-infinity', '2020-01-01');
select close_pay_period('p', '2030-01-08', 'infinity');
select close_pay_period('p', 'infinity', '-infinity');
select close_pay_period('p', '2030-01-08', '2030-01-08 00:00:00.000001+00');
select close_pay_period('p', null, '2030-01-08');
select close_pay_period('p', '2030-01-08', null);
select close_pay_period('none', '2020-01-01', '2020-01-08');
select get_pay_periods('none');

-- Closing is for admins, looking for readers.
set role regress_payer;
select close_pay_period('p', '2020-01-01', '2020-01-02');
select count(*) from task_mgmt.pay_periods;
select get_pay_periods('q');
reset role;

-- A correction counts when it is made; the closed period stays.
set task_mgmt.fake_now = '2030-01-15 00:00:00+00';
select correct_time('p', 'u', 'a', -3600, 'counted twice') is not null as first, correct_time('p', 'v', 'b', -0.001, 'nothing') is not null as second;
set task_mgmt.fake_now = '2030-01-15 00:00:00.000001+00';
select close_pay_period('p', '2030-01-08', '2030-01-15 00:00:00.000001+00') is not null as second_week;
select starts_at, user_id, seconds, cost from task_mgmt.pay_totals order by starts_at, user_id;

-- Time booked while the clock is behind the last closed period counts from its end on.
set task_mgmt.fake_now = '2030-01-10 00:00:00+00';
select submit_timesheet('p', 'u', 60, 'a'), correct_time('p', 'u', 'a', 1, 'clock was set back') is not null as corrected;
select seconds_spent, submitted_at from task_mgmt.timesheet_submissions where project_name = 'p' order by submission_id desc limit 2;
select task_id, last_leased_ts from task_mgmt.tasks where project_name = 'p' order by task_id;

-- What all periods and the rest have is what was submitted.
select (select sum(seconds) from task_mgmt.pay_totals) + (select sum(seconds) from payroll('p', '2030-01-15 00:00:00.000001+00', 'infinity'))
	= (select sum(seconds_spent) from task_mgmt.timesheet_submissions where project_name = 'p') as adds_up;
select * from task_mgmt.check_invariants();

-- Totals outlive tasks and users, and their periods stay closed.
set task_mgmt.fake_now = '2030-02-01 00:00:00+00';
select clear_project_data('p')->'submissions' as submissions, clear_project_users('p');
select periods();
select cleared_at, users, seconds from task_mgmt.pay_periods order by starts_at;
select refusal($$select close_pay_period('p', '2030-01-01', '2030-01-08')$$);
select * from task_mgmt.check_invariants();
select close_pay_period('p', '2030-01-16', '2030-01-17') as period \gset
select users, cleared_at is null as is_new from task_mgmt.pay_periods where period_id = :period;

-- Another project is its own.
select close_pay_period('q', '2030-01-01', '2030-01-08') is not null as closed;
select jsonb_array_length(get_pay_periods('q')) as periods;

reset task_mgmt.fake_now;
drop function periods, refusal;
select delete_project('p', cascade => true), delete_project('q');
select (select count(*) from task_mgmt.pay_period) + (select count(*) from task_mgmt.pay_total) as left_behind;
drop owned by regress_payer;
drop role regress_payer;
