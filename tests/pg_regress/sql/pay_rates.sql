-- Rates: every change is kept, with the moment and the role that made it.

set timezone = 'UTC';
create role regress_payer;
do $$ begin
	perform create_project('p');
	perform grant_access('regress_payer', 'manager', 'p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task('p', '{"task_id": "a", "task_type": "x"}');
end $$;

-- The first rate is the one a user is created with, also if that is none.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select create_user('p', '{"user_id": "u", "hourly_rate": 36.50, "qualified_task_types": ["x"]}'), create_user('p', '{"user_id": "v"}');
select get_rate_history('p', 'u') = jsonb_build_array(jsonb_build_object('hourly_rate', 36.5, 'effective_from', '2030-01-01T00:00:00+00:00', 'set_by', current_user)) as u,
	get_rate_history('p', 'v')->0->'hourly_rate' as v;

-- Creating the user again changes nothing, nor does an update that says what is so, or is about something else.
select create_user('p', '{"user_id": "u", "hourly_rate": 36.5, "qualified_task_types": ["x"]}'), update_user('p', 'u', get_user('p', 'u')),
	update_user('p', 'u', '{"hourly_rate": 36.500}'), update_user('p', 'u', '{"is_active": true}'), deactivate_user('p', 'v');
select jsonb_array_length(get_rate_history('p', 'u')) as u, jsonb_array_length(get_rate_history('p', 'v')) as v;

-- Every change is a row; what was submitted keeps the rate of its moment.
select start_task('p', 'u'), submit_timesheet('p', 'u', 3600, 'a');
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
set role regress_payer;
select update_user('p', 'u', '{"hourly_rate": 40}');
reset role;
select submit_timesheet('p', 'u', 3600, 'a');
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
select update_user('p', 'u', '{"hourly_rate": 36.5}');
select effective_from, hourly_rate, set_by = current_user as by_me from task_mgmt.rates where project_name = 'p' and user_id = 'u' order by effective_from;
select seconds_spent, hourly_rate from task_mgmt.timesheet_submissions where project_name = 'p' order by submission_id;
select get_total_task_cost('p', 'a');

-- A change that is refused leaves no row.
select update_user('p', 'u', '{"hourly_rate": -1}');
select update_user('p', 'none', '{"hourly_rate": 1}');
select jsonb_array_length(get_rate_history('p', 'u')) as u;

-- What is unknown is an error.
select get_rate_history('p', 'none');
select get_rate_history('none', 'u');
select get_rate_history('p', null);
set role regress_payer;
select get_rate_history('q', 'u');
reset role;

-- Rates go with their users.
select * from task_mgmt.check_invariants();
select clear_project_users('p');
select count(*) from task_mgmt.rates;
select create_user('p', '{"user_id": "u", "hourly_rate": 1}');
select jsonb_array_length(get_rate_history('p', 'u')) as anew;
reset task_mgmt.fake_now;
select delete_project('p', cascade => true);
select count(*) as left_behind from task_mgmt.rate;
drop owned by regress_payer;
drop role regress_payer;
