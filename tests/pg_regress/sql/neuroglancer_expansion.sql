-- Neuroglancer: a state in the seed form is expanded when its task is started, or when somebody asks for it (annotation reference 14.2).

do $$ begin
	perform create_project('p', 'gs://seg', 4, 4, 40), create_project('bare');
	perform create_task_type(project, '{"task_type": "x", "completion_statuses": ["Done"]}'),
		create_user(project, '{"user_id": "u", "qualified_task_types": ["x"]}'), create_user(project, '{"user_id": "v", "qualified_task_types": ["x"]}')
	from unnest('{p, bare}'::text[]) project;
	perform create_segments('p', '[{"seed_id": 5, "seed_x": 1, "seed_y": 2, "seed_z": 3}, {"seed_id": 18446744073709551615, "seed_x": 4, "seed_y": 5, "seed_z": 6}]'),
		create_segment('bare', '{"seed_id": 5, "seed_x": 1, "seed_y": 2, "seed_z": 3}');
	-- A segment whose type is missing, which no function lets happen.
	insert into task_mgmt.segment (project_name, seed_id, seed_x, seed_y, seed_z, expected_segment_type, created_at, updated_at)
	values ('p', 6, 1, 2, 3, 'gone', now(), now());
end $$;

-- Makes a task and says what became of its states: expanded to that of segment 5, in the seed form, or something else.
create function make(id text, state jsonb, more jsonb default '{}') returns text language sql as $$
	select create_task('p', jsonb_build_object('task_id', id, 'task_type', 'x', 'ng_state', state) || more)
$$;
create function said(state jsonb, seed numeric default 5) returns text language sql as $$
	select case when state = get_segment_ng_state('p', seed) then 'expanded' when length(state::text) < 50 then state::text else 'something else' end
$$;
create view states as
select task_id, said(ng_state) as ng_state, said(ng_state_initial) as ng_state_initial, has_seed_state
from task_mgmt.task;

-- A new task is as it was made, and reading leaves it so.
select make('a', '{"seed_id": 5}'), get_task('p', 'a')->'ng_state' as ng_state;
select get_trace_task_state('p', make('t', '{"seed_id": 5}', '{"segment_seed_id": 5}')) is not null as has_trace, cancel_task('p', 't');
select * from states;

-- An automatic start expands it, once.
select start_task('p', 'u');
select * from states where task_id = 'a';
select event_no - lag(event_no) over (order by event_no) is not null as later, kind, user_id, role_name = current_user as by_caller, detail
from task_mgmt.events
where task_id = 'a';
select start_task('p', 'u'), release_task('p', 'u', 'a'), start_task('p', 'v'), release_task('p', 'v', 'a', 'Done');
select count(*) from task_mgmt.events where task_id = 'a' and kind = 'changed';

-- So does every other way of starting: by name, also if it is paused or assigned,
select start_task('p', 'u', make('named', '{"seed_id": 5}')), release_task('p', 'u', 'named', 'Done');
select start_task('p', 'u', make('paused', '{"seed_id": 5}', '{"is_paused": true}')), release_task('p', 'u', 'paused', 'Done');
select make('assigned', '{"seed_id": 5}', '{"assigned_user_id": "u"}'), start_task('p', 'u'), release_task('p', 'u', 'assigned', 'Done');
-- across projects,
select make('across', '{"seed_id": 5}'), make('across by name', '{"seed_id": 5}'), make('across and idle', '{"seed_id": 5}', '{"active_user_id": "v", "last_leased_ts": 1}');
select task_id, release_task('p', 'u', task_id, 'Done') from start_task_cross_project('u', 'across by name');
select task_id, release_task('p', 'u', task_id, 'Done') from start_task_cross_project('u');
select task_id, release_task('p', 'u', task_id, 'Done') from start_task_cross_project('u');
-- by taking over what was brought in as held, automatically and by name, and by its own holder.
select make('idle', '{"seed_id": 5}', '{"active_user_id": "v", "last_leased_ts": 1}'), start_task('p', 'u'), release_task('p', 'u', 'idle', 'Done');
select start_task('p', 'u', make('idle by name', '{"seed_id": 5}', '{"active_user_id": "v", "last_leased_ts": 1}')), release_task('p', 'u', 'idle by name', 'Done');
select make('held', '{"seed_id": 5}', '{"active_user_id": "v"}'), renew_lease('p', 'v', 'held'), get_task('p', 'held')->'ng_state' as renewed;
select start_task('p', 'v'), said(get_task('p', 'held')->'ng_state') as started, release_task('p', 'v', 'held', 'Done');
-- A task that came back is expanded as well.
select make('back', '{"seed_id": 5}'), pause_task('p', 'back'), unpause_task('p', 'back'), start_task('p', 'u'), release_task('p', 'u', 'back', 'Done');
select * from states where task_id <> 'a' order by task_id;

-- The first state is kept if it was something else; a large id may be a text.
select make('kept', '{"seed_id": 5}', '{"ng_state_initial": {"seed_id": 6}}'), expand_ng_state('p', 'kept');
select * from states where task_id = 'kept';
select make('large', '{"seed_id": 18446744073709551615}'), make('text', '{"seed_id": "18446744073709551615"}'), expand_ng_state('p', 'large'), expand_ng_state('p', 'text');
select task_id, said(ng_state, 18446744073709551615), has_seed_state from task_mgmt.task where task_id in ('large', 'text');
select count(cancel_task('p', task_id)) from unnest('{kept, large, text}'::text[]) task_id;

-- Expanding twice is expanding once: the second call finds nothing to do. It needs no holder, and any state of the task will do.
select make('twice', '{"seed_id": 5}'), expand_ng_state('p', 'twice'), expand_ng_state('p', 'twice');
select kind, user_id, role_name = current_user as by_caller, detail from task_mgmt.events where task_id = 'twice' and kind <> 'created';
select * from states where task_id = 'twice';
select make('waits', '{"seed_id": 5}', '{"is_active": false}'), expand_ng_state('p', 'waits'), cancel_task('p', 'twice'), cancel_task('p', 'waits');

-- Anything else is no seed, and stays as it is.
select make('other', '{"layers": []}'), start_task('p', 'u');
select state, update_task('p', 'other', jsonb_build_object('ng_state', state)), expand_ng_state('p', 'other'), get_task('p', 'other')->'ng_state' = state as stays
from unnest(array['{}', '[]', '5', '"5"', 'true', '{"seed_id": true}', '{"seed_id": "5"}', '{"seed_id": 5.5}', '{"seed_id": -5}', '{"seed_id": null}',
	'{"seed_id": 18446744073709551616}', '{"seed_id": 5, "layers": []}', '{"seed_id": {"seed_id": 5}}']::jsonb[]) state;

-- A state that is set to the seed form, or from it to another, is known as such, wherever the task stands.
select update_task('p', 'other', '{"ng_state": {"seed_id": 5}}'), has_seed_state from task_mgmt.task where task_id = 'other';
select has_seed_state, start_task('p', 'u', 'other'), said(get_task('p', 'other')->'ng_state') from task_mgmt.task where task_id = 'other';
select release_task('p', 'u', 'other'), make('ready', '{}');
select update_task('p', task_id, '{"ng_state": {"seed_id": 5}}') from unnest('{other, ready}'::text[]) task_id;
select task_id, is_returned, has_seed_state from task_mgmt.ready order by task_id;
select update_task('p', 'ready', '{"ng_state": {}}'), update_task('p', 'other', '{"ng_state": {"a": 1}, "priority": 60}');
select task_id, is_returned, has_seed_state from task_mgmt.ready order by task_id;
select update_task('p', 'ready', '{"ng_state": {"seed_id": 5}, "priority": 70}'), expand_ng_state('p', 'other');
select task_id, is_returned, has_seed_state from task_mgmt.ready order by task_id;
select expand_ng_state('p', 'ready');
select task_id, is_returned, has_seed_state from task_mgmt.ready order by task_id;
select * from task_mgmt.check_invariants() where object <> '6';
select cancel_task('p', 'other'), cancel_task('p', 'ready');

-- Something missing keeps nobody from starting: the state stays, until it can be expanded.
select start_task('p', 'u', make('missing', '{"seed_id": 7}')), get_task('p', 'missing')->'ng_state' as ng_state;
select expand_ng_state('p', 'missing');
select create_segment('p', '{"seed_id": 7, "seed_x": 7, "seed_y": 7, "seed_z": 7}');
select start_task('p', 'u');
select said(get_task('p', 'missing')->'ng_state', 7), release_task('p', 'u', 'missing', 'Done');
select make('untyped', '{"seed_id": 6}'), start_task('p', 'u'), get_task('p', 'untyped')->'ng_state' as ng_state, release_task('p', 'u', 'untyped', 'Done');
select expand_ng_state('p', 'untyped');
select create_task('bare', '{"task_id": "b", "task_type": "x", "ng_state": {"seed_id": 5}}'), start_task('bare', 'u'), get_task('bare', 'b')->'ng_state' as ng_state;
select expand_ng_state('bare', 'b');

-- Unknown tasks and projects are errors, and so are nulls.
select expand_ng_state('p', 'none');
select expand_ng_state('none', 'a');
select expand_ng_state(null, 'a');
select expand_ng_state('p', null);

select * from task_mgmt.check_invariants() where object <> '6';
drop view states;
drop function make, said;
select delete_project('p', cascade => true), delete_project('bare', cascade => true);
