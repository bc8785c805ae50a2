-- Defining schedules: what is taken, what is refused, and what a new definition changes.

set timezone = 'UTC';
set task_mgmt.fake_now = '2030-03-30 12:00:00+00';
select create_project('p'), create_project('empty');
select create_task_type('p', '{"task_type": "t", "completion_statuses": ["Done"]}'), create_user('p', '{"user_id": "ann"}');
create view schedules as
select name, cron, timezone, misfire_policy as policy, misfire_grace_seconds as grace, is_paused as paused, next_run_at as next, updated_at as updated
from task_mgmt.schedules where project_name = 'p' order by name;

-- The next due time is told; what is not said is UTC and one task for all that was missed.
select schedule_task('p', 'nightly', '30 2 * * *', data => '{"task_type": "t"}');
select schedule_task('p', 'weekly', '0 9 * * mon', 'europe/berlin', '{"task_type": "t", "priority": 75, "assigned_user_id": "ann", "extra_data": {"id": 18446744073709551615}}', 'skip', 300);
select * from schedules;
select get_schedule('p', 'weekly');
select jsonb_array_length(list_schedules('p')), list_schedules('p') -> 0 = get_schedule('p', 'nightly') as same, list_schedules('empty');

-- The same again changes nothing; the name of the time zone may be written in any case.
set task_mgmt.fake_now = '2030-03-30 13:00:00+00';
select schedule_task('p', 'weekly', '0 9 * * mon', 'EUROPE/Berlin', '{"priority": 75, "task_type": "t", "assigned_user_id": "ann", "extra_data": {"id": 18446744073709551615}}', 'skip', 300);
select * from schedules where name = 'weekly';
-- Another definition of each kind counts from now on.
select schedule_task('p', 'nightly', '0 3 * * *', data => '{"task_type": "t"}') as cron;
select schedule_task('p', 'nightly', '0 3 * * *', 'Europe/Berlin', '{"task_type": "t"}') as zone;
select schedule_task('p', 'nightly', '0 3 * * *', 'Europe/Berlin', '{"task_type": "t", "note": "again"}') as data;
select schedule_task('p', 'nightly', '0 3 * * *', 'Europe/Berlin', '{"task_type": "t", "note": "again"}', 'all') as policy;
select schedule_task('p', 'nightly', '0 3 * * *', 'Europe/Berlin', '{"task_type": "t", "note": "again"}', 'all', 0) as grace;
select * from schedules where name = 'nightly';

-- Paused, it is not due; a new definition leaves it paused; resumed, it goes on from the next due time.
select pause_schedule('p', 'nightly'), pause_schedule('p', 'nightly') as again;
select * from schedules where name = 'nightly';
select schedule_task('p', 'nightly', '0 4 * * *', data => '{"task_type": "t"}') as still_paused;
set task_mgmt.fake_now = '2030-04-02 12:00:00+00';
select count(*) from run_due_schedules('p', 0);
select resume_schedule('p', 'nightly'), resume_schedule('p', 'nightly') as again;
select * from schedules where name = 'nightly';

-- Removed, it is gone.
select remove_schedule('p', 'nightly'), remove_schedule('p', 'nightly') as again;
select name from schedules;
select kind, role_name = current_user as by_caller, detail from task_mgmt.events where project_name = 'p' and detail like 'schedule%' order by event_no;

-- Expressions: lists, ranges, steps, names, the last days, the second Friday, the closest weekday, both days, seconds, nicknames.
select cron, (select array_agg(to_char(due_at, 'Dy DD Mon YYYY HH24:MI:SS')) from next_runs(cron, 'UTC', 3, '2030-01-01 00:00:00+00')) as due
from unnest(array['0,30 8-9 * * *', '10-40/15 * * * *', '0 0 1 jan,JUL *', '0 0 L * *', '0 0 * * 5L', '0 0 * * fri#2', '0 0 15W * *', '0 0 13 * 5', '0 0 13 * +5',
	'*/20 * * * * *', '0 0 29 2 *', '@hourly', '@daily', '@weekly', '@monthly', '@yearly']) as cron;
select count(*) from next_runs('* * * * *', count => 1000);
select * from next_runs('0 0 * * *', count => 1);
select * from next_runs('0 0 * * *', 'UTC', 1, '294276-12-31 00:00:00+00');
select * from next_runs('0 0 * * *', 'UTC', 1, '4713-01-01 00:00:00+00 BC');

-- Clocks that are put forward or back: at the jump, the first time, or whenever the local time matches.
select zone, cron, (select array_agg(to_char(due_at at time zone zone, 'DD HH24:MI') || to_char(due_at, ' (HH24:MI)')) from next_runs(cron, zone, 4, after::timestamptz)) as due
from (values
	('Europe/Berlin', '30 2 * * *', '2030-03-30 12:00:00+00'), ('Europe/Berlin', '30 2,12 * * *', '2030-03-30 12:00:00+00'), ('Europe/Berlin', '*/30 * * * *', '2030-03-31 00:10:00+00'),
	('Europe/Berlin', '30 2 * * *', '2030-10-26 12:00:00+00'), ('Europe/Berlin', '*/30 * * * *', '2030-10-26 23:50:00+00'),
	('America/New_York', '30 2 * * *', '2030-03-10 00:00:00+00'), ('America/New_York', '30 1 * * *', '2030-11-03 00:00:00+00'), ('America/New_York', '30 * * * *', '2030-11-03 04:00:00+00'),
	('Australia/Lord_Howe', '15 2 * * *', '2030-10-05 12:00:00+00'), ('Australia/Lord_Howe', '45 1 * * *', '2030-04-06 12:00:00+00'), ('Australia/Lord_Howe', '*/15 1 * * *', '2030-04-06 14:20:00+00'),
	('UTC', '30 2 * * *', '2030-03-30 12:00:00+00')
) as asked (zone, cron, after);

-- Refused.
select schedule_task('p', 'wrong', '0 24 * * *', data => '{"task_type": "t"}');
select schedule_task('p', 'wrong', '* * * *', data => '{"task_type": "t"}');
select schedule_task('p', 'wrong', '1,,2 * * * *', data => '{"task_type": "t"}');
select schedule_task('p', 'wrong', '0 0 30 2 *', data => '{"task_type": "t"}');
select schedule_task('p', 'weekly', '0 0 30 2 *', data => '{"task_type": "t"}');
select schedule_task('p', 'wrong', '0 0 * * *', 'Europe/Atlantis', '{"task_type": "t"}');
select schedule_task('p', 'wrong', '0 0 * * *', '../../../etc/passwd', '{"task_type": "t"}');
select schedule_task('p', 'wrong', '0 0 * * *', 'CEST', '{"task_type": "t"}');
select schedule_task('p', 'wrong', '0 0 * * *');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t", "colour": "red"}');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t", "task_id": "a"}');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t", "active_user_id": "ann"}');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t", "completed_user_id": "ann", "completion_status": "Done"}');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "u"}');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t", "assigned_user_id": "bob"}');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t"}', misfire_policy => 'both');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t"}', misfire_grace_seconds => 'NaN');
select schedule_task('p', 'wrong', '0 0 * * *', data => '{"task_type": "t"}', misfire_grace_seconds => -1);
select schedule_task('p', '', '0 0 * * *', data => '{"task_type": "t"}');
select schedule_task('nowhere', 'wrong', '0 0 * * *', data => '{"task_type": "t"}');
select pause_schedule('p', 'wrong');
select resume_schedule('p', 'wrong');
select get_schedule('p', 'wrong');
select get_schedule('nowhere', 'wrong');
select remove_schedule('nowhere', 'wrong');
select list_schedules('nowhere');
select next_runs('0 0 * * *', count => 0);
select next_runs('0 0 * * *', count => 1001);
select next_runs('0 0 * * *', after => 'infinity');
select run_due_schedules('p', -1);
select run_due_schedules('nowhere');

-- Managers define, workers see to what is due, readers look; the next due times of an expression are for everybody.
create role regress_schedules;
select schedule_task('p', 'noon', '0 12 * * *', data => '{"task_type": "t"}');
set task_mgmt.fake_now = '2030-04-03 12:00:00+00';
select grant_access('regress_schedules', 'worker', 'p');
set role regress_schedules;
select schedule_task('p', 'mine', '0 0 * * *', data => '{"task_type": "t"}');
select pause_schedule('p', 'weekly');
select resume_schedule('p', 'weekly');
select remove_schedule('p', 'weekly');
select name, task_id is not null as has_task from run_due_schedules();
select count(*) from run_due_schedules('empty');
reset role;
select e.role_name from task_mgmt.events e join task_mgmt.schedules s on e.project_name = s.project_name and e.task_id = s.last_task_id where s.name = 'noon' and e.kind = 'created';
set task_mgmt.fake_now = '2030-04-04 12:00:00+00';
select grant_access('regress_schedules', 'reader', 'p');
set role regress_schedules;
select count(*) from run_due_schedules('p');
select count(*) as of_all from run_due_schedules();
select get_schedule('p', 'weekly') ->> 'name' as name, (select count(*) from task_mgmt.schedules) as schedules;
reset role;
select revoke_access('regress_schedules', 'p');
set role regress_schedules;
select get_schedule('p', 'weekly');
select list_schedules('p');
select (select count(*) from task_mgmt.schedules) as schedules, (select count(*) from task_mgmt.schedule_runs) as runs, (select count(*) from next_runs('* * * * *')) as due;
reset role;
select revoke_access('regress_schedules', 'p');
drop owned by regress_schedules;
drop role regress_schedules;

reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
drop view schedules;
select delete_project('p', cascade => true), delete_project('empty');
select count(*) from task_mgmt.schedule;
