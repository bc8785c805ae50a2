-- Events that a consumer cannot process: they hold it back longer each time, and it goes on without them after ten failures.

do $$ begin
	perform create_project('p');
	perform create_event_consumer('p', 'c'), create_event_consumer('p', 'd');
	for number in 1..4 loop
		perform publish_event('p', 'e' || number);
	end loop;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
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
create function number_of(event_type text) returns bigint language sql as
	$$select event_no from task_mgmt.events where project_name = 'p' and detail = event_type$$;
create function unread(consumer text) returns text language sql as
	$$select string_agg(payload->>'event_type', ' ') from read_events('p', consumer)$$;
call settle();

-- S38: who fails gets nothing for a while, others do; then all that is not acknowledged comes again.
select ack_events('p', 'c', number_of('e1')), fail_event('p', 'c', number_of('e2'), 'no connection');
select unread('c') as c, unread('d') as d;
select held_back_until, failing, dead from task_mgmt.event_consumers where consumer = 'c';
set task_mgmt.fake_now = '2030-01-01 00:00:29.999+00';
select unread('c');
set task_mgmt.fake_now = '2030-01-01 00:00:30+00';
select unread('c');

-- S38: the wait grows up to 150 seconds, and ends after ten failures.
create function fail_again(at timestamptz) returns table (status text, seconds float8) language plpgsql as $$ begin
	perform set_config('task_mgmt.fake_now', at::text, true);
	status := fail_event('p', 'c', number_of('e2'), 'no connection, again');
	seconds := (select extract(epoch from held_back_until - at) from task_mgmt.event_consumers where consumer = 'c');
	return next;
end $$;
select n, f.* from generate_series(2, 11) n, fail_again('2030-01-01 00:00:00+00'::timestamptz + n * interval '1 hour') f order by n;
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select unread('c') as c, unread('d') as d;
select consumer, event_no = number_of('e2') as is_e2, occurred_at < now() as occurred, event_type, task_id, failures, error_message, failed_at from task_mgmt.dead_events;
select held_back_until, failing, dead from task_mgmt.event_consumers where consumer = 'c';

-- The consumer goes on, and a dead event comes once more when somebody asks for it, before all others.
select ack_events('p', 'c', number_of('e3'));
select unread('c');
select requeue_dead_events('p', 'c', number_of('e3')), requeue_dead_events('p', 'c', number_of('e2')), requeue_dead_events('p', 'c');
select unread('c');
select fail_event('p', 'c', number_of('e2'), 'still none');
select unread('c');
set task_mgmt.fake_now = '2030-01-02 00:00:30+00';
select unread('c');
select ack_events('p', 'c', number_of('e2')), ack_events('p', 'c', number_of('e2'));
select unread('c');
select failing, dead from task_mgmt.event_consumers where consumer = 'c';

-- What was acknowledged cannot fail any more; what is not there, or not read, is refused.
select fail_event('p', 'c', number_of('e1'), 'late');
select fail_event('p', 'c', 1, 'none');
\set VERBOSITY terse
select fail_event('p', 'c', 9223372036854775807, 'not yet');
\set VERBOSITY default
select fail_event('p', 'c', number_of('e4'), null);
select fail_event('p', 'nobody', number_of('e4'), 'why');

-- An acknowledgement ends the wait. A long message is cut.
select fail_event('p', 'c', number_of('e4'), repeat('x', 3000)), unread('c') as c;
select length(error_message) from task_mgmt.failed_event where consumer = 'c';
select ack_events('p', 'c', number_of('e4'));
select publish_event('p', 'e5');
call settle();
select unread('c');

-- With the consumer goes what failed, and with tasks the failures of their events.
select fail_event('p', 'c', number_of('e5'), 'why'), delete_event_consumer('p', 'c');
select create_task_type('p', '{"task_type": "x"}'), create_task('p', '{"task_id": "a", "task_type": "x"}'), publish_event('p', 'about a', task_id => 'a');
call settle();
select fail_event('p', 'd', (select event_no from task_mgmt.events where task_id = 'a' and kind = 'created'), 'why'), fail_event('p', 'd', number_of('about a'), 'why');
select clear_project_data('p');
select failing from task_mgmt.event_consumers;
select * from task_mgmt.check_invariants();

drop procedure settle;
drop function number_of, unread, fail_again;
select delete_project('p', cascade => true);
select count(*) from task_mgmt.failed_event where project_name = 'p';
