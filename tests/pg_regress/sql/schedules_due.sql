-- Creating what is due: each due time once, also after a downtime, while clocks change, and beside schedules that go wrong.

set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select create_project('p'), create_project('q');
select create_task_type(project, '{"task_type": "t", "completion_statuses": ["Done"]}') from unnest('{p, q}'::text[]) project;
select create_user('p', '{"user_id": "ann", "qualified_task_types": ["t"]}');
create view schedules as
select name, is_paused as paused, next_run_at as next, last_due_at, last_run_at, last_task_id is not null as has_task, last_error
from task_mgmt.schedules where project_name = 'p' order by name;
create view runs as
select r.name, r.due_at, r.run_at, t.task_type, t.priority, t.status, r.error
from task_mgmt.schedule_runs r left join task_mgmt.tasks t on t.project_name = r.project_name and t.task_id = r.task_id
where r.project_name = 'p' order by r.due_at, r.name;

-- Not due before its time; then once.
select schedule_task('p', 'hourly', '0 * * * *', data => '{"task_type": "t", "priority": 75, "assigned_user_id": "ann", "extra_data": {"id": 18446744073709551615}}');
set task_mgmt.fake_now = '2030-01-01 00:59:59.999999+00';
select count(*) from run_due_schedules('p');
set task_mgmt.fake_now = '2030-01-01 01:00:00+00';
select project_name, name, due_at, task_id is not null as has_task, error from run_due_schedules('p');
select count(*) from run_due_schedules('p');
select * from runs;
select * from schedules;
-- The task is like any other, and made by the role that called.
select t.assigned_user_id, t.extra_data, t.created_at, e.role_name = current_user as by_caller
from task_mgmt.tasks t join task_mgmt.events e on e.project_name = 'p' and e.task_id = t.task_id and e.kind = 'created' where t.project_name = 'p';
select start_task('p', 'ann') = (select last_task_id from task_mgmt.schedules where project_name = 'p') as is_it;
select release_task('p', 'ann', (select last_task_id from task_mgmt.schedules where project_name = 'p'), 'Done');

-- A downtime of three hours: one task for all, one for each, or none for what is too late.
select remove_schedule('p', 'hourly');
select schedule_task('p', 'one', '0 * * * *', data => '{"task_type": "t", "priority": 1}');
select schedule_task('p', 'all', '0 * * * *', data => '{"task_type": "t", "priority": 2}', misfire_policy => 'all');
select schedule_task('p', 'skip', '0 * * * *', data => '{"task_type": "t", "priority": 3}', misfire_policy => 'skip');
select schedule_task('p', 'skip long', '0 * * * *', data => '{"task_type": "t", "priority": 4}', misfire_policy => 'skip', misfire_grace_seconds => 3700);
set task_mgmt.fake_now = '2030-01-01 04:01:30+00';
select name, due_at from run_due_schedules('p');
select * from runs;
select * from schedules;
-- In time, all do the same; at the edge of the grace, too.
set task_mgmt.fake_now = '2030-01-01 05:01:00+00';
select name, due_at from run_due_schedules('p');
set task_mgmt.fake_now = '2030-01-01 06:01:00.000001+00';
select name, due_at from run_due_schedules('p');
-- What was due while it was paused is not made up for, whatever the policy.
select pause_schedule('p', name) from task_mgmt.schedules where project_name = 'p' order by name;
set task_mgmt.fake_now = '2030-01-01 09:30:00+00';
select count(*) from run_due_schedules('p');
select resume_schedule('p', name) from task_mgmt.schedules where project_name = 'p' order by name;
select count(*) from run_due_schedules('p');
-- Nor what another definition would have asked for in the past.
select schedule_task('p', 'all', '*/10 * * * *', data => '{"task_type": "t", "priority": 2}', misfire_policy => 'all');
select count(*) from run_due_schedules('p');
select remove_schedule('p', name) from task_mgmt.schedules where project_name = 'p' order by name;
select count(*) as runs, (select count(*) from task_mgmt.schedule_run) as rows from runs;

-- A hundred at once; the rest at the next call. The history keeps the last hundred.
select schedule_task('p', 'minutely', '* * * * *', data => '{"task_type": "t"}', misfire_policy => 'all');
set task_mgmt.fake_now = '2030-01-01 12:00:00+00';
select count(*), min(due_at), max(due_at), count(distinct task_id) as tasks from run_due_schedules('p');
select count(*), min(due_at), max(due_at), count(distinct task_id) as tasks from run_due_schedules('p');
select count(*) from run_due_schedules('p');
select count(*), min(due_at), max(due_at) from runs;
-- If the clock is put back, no due time comes again.
set task_mgmt.fake_now = '2030-01-01 11:30:00+00';
select schedule_task('p', 'minutely', '*/2 * * * *', data => '{"task_type": "t"}', misfire_policy => 'all') as redefined;
select pause_schedule('p', 'minutely'), resume_schedule('p', 'minutely') as resumed;
select count(*) from run_due_schedules('p');
select remove_schedule('p', 'minutely');

-- Clocks go forward and back, with calls every ten minutes: what is due at half past two is due once on both days.
set task_mgmt.fake_now = '2030-03-30 12:00:00+00';
select schedule_task('p', 'fixed', '30 2 * * *', 'Europe/Berlin', '{"task_type": "t"}'), schedule_task('p', 'interval', '30 * * * *', 'Europe/Berlin', '{"task_type": "t"}');
create function run_every_ten_minutes(since timestamptz, until timestamptz) returns table (name text, run_at timestamptz, due_at timestamptz) language plpgsql as $$
begin
	for minutes in 0..extract(epoch from until - since)::integer / 60 by 10 loop
		perform set_config('task_mgmt.fake_now', (since + make_interval(mins => minutes))::text, false);
		return query select r.name, since + make_interval(mins => minutes), r.due_at from run_due_schedules('p') r;
	end loop;
end $$;
select name, count(*), min(due_at), max(due_at), bool_and(run_at = due_at) as at_once from run_every_ten_minutes('2030-03-30 22:00:00+00', '2030-03-31 22:00:00+00') where name = 'fixed' or due_at between '2030-03-31 00:00:00+00' and '2030-03-31 02:00:00+00' group by name;
do $$ begin perform schedule_task('p', name, cron, 'Europe/Berlin', '{"task_type": "t"}', 'skip') from (values ('fixed', '30 2 * * *'), ('interval', '30 * * * *')) s (name, cron); end $$;
select name, count(*), min(due_at), max(due_at), bool_and(run_at = due_at) as at_once from run_every_ten_minutes('2030-10-26 22:00:00+00', '2030-10-27 22:00:00+00') where name = 'fixed' or due_at between '2030-10-27 00:00:00+00' and '2030-10-27 02:00:00+00' group by name;
drop function run_every_ten_minutes;
select remove_schedule('p', 'fixed'), remove_schedule('p', 'interval');

-- What cannot be created any more keeps nobody waiting: told, written down, and tried again at the next due time.
set task_mgmt.fake_now = '2030-11-01 00:30:00+00';
select create_segment_type('p', '{"type_name": "axon"}'), create_segment_type('p', '{"type_name": "dendrite"}'),
	create_segment('p', '{"seed_id": 7, "seed_x": 0, "seed_y": 0, "seed_z": 0, "expected_segment_type": "axon"}');
select create_task_type('p', '{"task_type": "gone"}'), create_user('p', '{"user_id": "bob"}');
select schedule_task('p', 'a broken type', '0 * * * *', data => '{"task_type": "gone"}'),
	schedule_task('p', 'b broken segment', '0 * * * *', data => '{"task_type": "t", "segment_seed_id": 7, "segment_type": "axon"}'),
	schedule_task('p', 'c broken user', '*/30 * * * *', data => '{"task_type": "t", "assigned_user_id": "bob"}', misfire_policy => 'all'),
	schedule_task('p', 'd fine', '0 * * * *', data => '{"task_type": "t", "segment_seed_id": 7}'),
	schedule_task('p', 'e zone', '0 * * * *', 'Europe/Berlin', data => '{"task_type": "t"}');
delete from task_mgmt.task_type where project_name = 'p' and task_type = 'gone';
delete from task_mgmt.rate where project_name = 'p' and user_no = (select user_no from task_mgmt.project_user where project_name = 'p' and user_id = 'bob');
delete from task_mgmt.project_user where project_name = 'p' and user_id = 'bob';
select update_segment('p', 7, '{"expected_segment_type": "dendrite"}');
update task_mgmt.schedule set timezone = 'Europe/Atlantis' where name = 'e zone';
set task_mgmt.fake_now = '2030-11-01 01:30:00+00';
select name, due_at, task_id is not null as has_task, error from run_due_schedules('p') order by name, due_at;
select * from schedules;
select kind, role_name = current_user as by_caller, detail from task_mgmt.events where project_name = 'p' and kind = 'schedule_failed' order by event_no;
select t.task_type, t.segment_type, t.segment_seed_id, t.created_at from task_mgmt.tasks t where t.project_name = 'p' and t.created_at = '2030-11-01 01:30:00+00';
-- Mended, it goes on.
update task_mgmt.schedule set timezone = 'Europe/Berlin' where name = 'e zone';
select create_task_type('p', '{"task_type": "gone"}'), schedule_task('p', 'e zone', '0 * * * *', 'Europe/Berlin', data => '{"task_type": "t"}');
set task_mgmt.fake_now = '2030-11-01 02:00:00+00';
select name, due_at, error from run_due_schedules('p', 3);
select name, due_at, error from run_due_schedules('p');
select name, last_error from schedules;
-- A time zone that is gone is also told when the schedule is resumed.
select pause_schedule('p', 'e zone');
update task_mgmt.schedule set timezone = 'Europe/Atlantis' where name = 'e zone';
select resume_schedule('p', 'e zone');
select remove_schedule('p', 'e zone');

-- All projects: longest due first; an archived one waits until it is resumed.
select schedule_task('q', 'in q', '0 * * * *', data => '{"task_type": "t"}');
set task_mgmt.fake_now = '2030-11-01 03:00:00+00';
select archive_project('q');
select project_name, name, due_at from run_due_schedules() where error is null;
select count(*) from run_due_schedules('q');
select resume_project('q');
select project_name, name, due_at from run_due_schedules();
select project_name, name, due_at from run_due_schedules();

-- Clearing the data takes the history of the runs along; the schedules stay.
reset task_mgmt.fake_now;
select * from task_mgmt.check_invariants();
select clear_project_data('p') ->> 'tasks' <> '0' as has_tasks;
select (select count(*) from schedules) as schedules, (select count(*) from runs) as runs;

-- A contradiction would be found.
begin;
insert into task_mgmt.schedule_run (project_name, name, due_at, run_at, error) values ('p', 'd fine', '2999-01-01', '2030-01-01', 'x'), ('p', 'no such', '2030-01-01', '2030-01-01', 'x');
select invariant, object from task_mgmt.check_invariants() order by 1, 2;
rollback;

drop view schedules, runs;
select delete_project('p', cascade => true), delete_project('q', cascade => true);
select count(*) as schedules, (select count(*) from task_mgmt.schedule_run) as runs from task_mgmt.schedule;
