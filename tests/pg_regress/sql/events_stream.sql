-- Events as a stream: each consumer gets every event once it is complete, in order, again until it is acknowledged.

set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_task('p', '{"task_id": "old", "task_type": "x"}');
end $$;
-- Waits until all consumers know that events are complete, in case the server itself is at something.
create procedure settle() language plpgsql as $$
declare
	last bigint := (select max(event_no) from task_mgmt.events where project_name = 'p');
begin
	loop
		perform read_events('p', consumer) from task_mgmt.event_consumers where project_name = 'p';
		commit;
		exit when last <= all (select settled_no from task_mgmt.event_consumers where project_name = 'p');
		perform pg_sleep(0.01);
	end loop;
end $$;
create function number_of(task text, what text) returns bigint language sql as
	$$select max(event_no) from task_mgmt.events where project_name = 'p' and task_id = task and kind = what::task_mgmt.event_kind$$;

-- A consumer begins now, or at the beginning, and may be told of some kinds only.
select create_event_consumer('p', 'now'), create_event_consumer('p', 'all', '{"from": "beginning"}'),
	create_event_consumer('p', 'work', '{"kinds": ["started", "completed"]}');
select create_event_consumer('p', 'now');
select create_event_consumer('p', 'odd', '{"kinds": ["started", "finished"]}');
select create_event_consumer('p', 'odd', '{"kinds": []}');
select create_event_consumer('p', 'odd', '{"from": "later"}');
select create_event_consumer('p', '');
select create_event_consumer('nowhere', 'c');

-- D33: what is put into the queue and taken from it is told once, with id and priority, after the commit only.
begin;
select create_task('p', '{"task_id": "a", "task_type": "x", "priority": 7}');
select count(*) from read_events('p', 'now');
rollback;
select count(*) from read_events('p', 'now');
select create_task('p', '{"task_id": "a", "task_type": "x", "priority": 70}'), start_task('p', 'u');
call settle();
select event, task_id, user_id, role_name = current_user as by_me, detail, occurred_at, jsonb_set(jsonb_set(payload, '{data,event_no}', '"N"'), '{data,role_name}', '"R"') as payload
from read_events('p', 'now');
select event, task_id from read_events('p', 'work');
select event, task_id from read_events('p', 'all');

-- It comes again until it is acknowledged, and then no more.
select event, task_id from read_events('p', 'now', 1);
select ack_events('p', 'now', number_of('a', 'created')), ack_events('p', 'now', number_of('a', 'created'));
select event, task_id from read_events('p', 'now');
select ack_events('p', 'now', number_of('a', 'started')), ack_events('p', 'now', 1), ack_events('p', 'now', -1);
select event, task_id from read_events('p', 'now');
select event, task_id from read_events('p', 'work');

-- Nothing can be acknowledged that cannot have been read.
\set VERBOSITY terse
select ack_events('p', 'now', 9223372036854775807);
\set VERBOSITY default
select ack_events('p', 'now', null);

-- Many tasks changed by one call are many events, and may be read in parts.
select create_tasks('p', (select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', 't' || i, 'assigned_user_id', 'u')) from generate_series(1, 5) i));
select transfer_tasks('p', 'u', null);
call settle();
select event, task_id, detail from read_events('p', 'now', 3);
select ack_events('p', 'now', max(event_no)) from read_events('p', 'now', 6);
select event, task_id, detail from read_events('p', 'now');
select ack_events('p', 'now', max(event_no)) from read_events('p', 'now');
select count(*), count(distinct event_no) from task_mgmt.events where project_name = 'p';

-- What is of no kind that a consumer gets is passed over.
select ack_events('p', 'work', max(event_no)) from read_events('p', 'work');
select pause_task('p', 'a');
call settle();
select acked_no = settled_no as is_passed_over, oldest_open_at, seconds_behind from task_mgmt.event_consumers where consumer = 'work';

-- How far they are behind.
set task_mgmt.fake_now = '2030-01-01 00:01:00+00';
select consumer, kinds, oldest_open_at, seconds_behind, held_back_until, failing, dead, created_at, created_by = current_user as by_me
from task_mgmt.event_consumers order by consumer;

-- Refusals.
select read_events('p', 'nobody');
select read_events('p', 'now', 0);
select read_events('p', 'now', 100001);
select read_events('p', null);
select ack_events('p', 'nobody', 1);

-- Workers read and acknowledge, managers create and delete, readers see.
create role regress_consumer;
do $$ begin perform grant_access('regress_consumer', 'reader', 'p'); end $$;
set role regress_consumer;
select count(*) from task_mgmt.event_consumers;
select read_events('p', 'now');
reset role;
do $$ begin perform grant_access('regress_consumer', 'worker', 'p'); end $$;
set role regress_consumer;
select event, task_id from read_events('p', 'now') limit 1;
select ack_events('p', 'now', 1);
select publish_event('p', 'by worker');
select create_event_consumer('p', 'mine');
select delete_event_consumer('p', 'now');
select requeue_dead_events('p', 'now');
reset role;
do $$ begin perform revoke_access('regress_consumer', 'p'); end $$;
drop role regress_consumer;

-- Clearing the project's data leaves its consumers, who go on; deleting the project leaves nothing.
select clear_project_data('p') -> 'tasks' as tasks;
call settle();
select event, detail from read_events('p', 'now') where event <> 'project_changed' and event <> 'custom';
select delete_event_consumer('p', 'work'), delete_event_consumer('p', 'work');
drop procedure settle;
drop function number_of;
select delete_project('p', cascade => true);
select count(*) from task_mgmt.event_consumer where project_name = 'p';
