-- Events of one's own: they are read with their fields among the others, and a dedupe_key keeps them from coming twice.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x"}');
	perform create_task('p', '{"task_id": "a", "task_type": "x"}');
	perform create_event_consumer('p', 'c', '{"kinds": ["custom"]}');
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00.123456+00';

-- D34: a published event reaches consumers with its fields.
select publish_event('p', 'model trained', '{"accuracy": 0.12345678901234567890, "by": {"name": "ü"}}'), publish_event('p', 'plain'), publish_event('p', 'about a', '{"x": 1}', 'a');
create procedure settle() language plpgsql as $$
declare
	last bigint := (select max(event_no) from task_mgmt.events where project_name = 'p');
begin
	loop
		perform read_events('p', 'c');
		commit;
		exit when last <= all (select settled_no from task_mgmt.event_consumers where project_name = 'p');
		perform pg_sleep(0.01);
	end loop;
end $$;
call settle();
select event, occurred_at, task_id, user_id, role_name = current_user as by_me, detail, payload from read_events('p', 'c');
select kind, task_id, detail from task_mgmt.events where project_name = 'p' and kind = 'custom' order by event_no;

-- S38: the same dedupe_key twice is one event; in another project it is another key.
select publish_event('p', 'once', '{"n": 1}', dedupe_key => 'k'), publish_event('p', 'once', '{"n": 2}', dedupe_key => 'k'), publish_event('p', 'twice', dedupe_key => 'k');
begin;
select publish_event('p', 'never', dedupe_key => 'l');
rollback;
select publish_event('p', 'again', dedupe_key => 'l');
select create_project('q'), publish_event('q', 'once', dedupe_key => 'k');
call settle();
select payload from read_events('p', 'c') where payload->>'event_type' in ('once', 'twice', 'never', 'again');

-- Refusals.
select publish_event('p', 'started');
select publish_event('p', '');
select publish_event('p', repeat('x', 52));
select publish_event('p', 'e', '[]');
select publish_event('p', 'e', 'null');
select publish_event('p', 'e', null);
select publish_event('p', 'e', task_id => 'nowhere');
select publish_event('p', 'e', dedupe_key => '');
select publish_event('nowhere', 'e');

-- Whom a project notifies of what is one of its settings.
select update_project('p', '{"notify_events": ["started", "custom"]}'), get_project('p') -> 'notify_events' as notify_events;
select update_project('p', get_project('p')), update_project('p', '{"notify_events": "all"}'), get_project('p') -> 'notify_events' as notify_events;
select notify_events from task_mgmt.projects where project_name = 'p';
select update_project('p', '{"notify_events": null}'), get_project('p') ? 'notify_events' as is_set;
select update_project('p', '{"notify_events": "some"}');
select update_project('p', '{"notify_events": ["started", "ended"]}');
select update_project('p', '{"notify_events": [1]}');
select create_project('r', notify_events => '["ended"]');
select create_project('r', notify_events => '"all"'), get_project('r') -> 'notify_events' as notify_events;

-- Events about tasks go with the tasks, and their keys are free again.
select clear_project_data('p') -> 'tasks' as tasks;
select count(*) from task_mgmt.custom_event where project_name = 'p' and event_type = 'about a';
select * from task_mgmt.check_invariants();

drop procedure settle;
select delete_project('p', cascade => true), delete_project('q'), delete_project('r');
select count(*) from task_mgmt.custom_event;
