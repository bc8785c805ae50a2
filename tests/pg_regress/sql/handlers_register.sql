-- Handlers: which functions can be registered, by what name, and what is said of them.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task('p', '{"task_id": "a", "task_type": "x"}');
	perform create_segment('p', jsonb_build_object('seed_id', seed, 'seed_x', 1, 'seed_y', 1, 'seed_z', 1)) from unnest('{1, 7, 8, 18446744073709551615}'::numeric[]) seed;
end $$;
create schema "My Handlers";
create function "My Handlers"."check It"(text, text, text) returns jsonb language sql as $$ select '{"passed": true, "message": "fine"}'::jsonb $$;
create function follow(text, text, text) returns void language sql as '';
create function make(project text, seed numeric, options jsonb) returns text language sql as
	$$ select public.create_task(project, jsonb_build_object('task_type', 'x', 'segment_seed_id', seed) || options) $$;

-- A type has a handler of each kind; the type says which.
select register_handler('p', 'x', 'verification', '"My Handlers"."check It"(text, text, text)'),
	register_handler('p', 'x', 'completion', 'follow(text, text, text)'), register_handler('p', 'x', 'creation', 'make(text, numeric, jsonb)');
select get_task_type('p', 'x');
select verification_handler, completion_handler, creation_handler from task_mgmt.task_types where project_name = 'p';
select verify_task('p', 'a', 'Done');

-- Registering again replaces; unregistering says whether there was one.
select register_handler('p', 'x', 'completion', 'follow(text, text, text)');
select unregister_handler('p', 'x', 'completion'), unregister_handler('p', 'x', 'completion');
select get_task_type('p', 'x') ? 'completion_handler' as has_one;

-- A function that does not fit is refused, and what it should be is said.
create function no_result(text, text, text) returns void language sql as '';
create function two(text, text) returns jsonb language sql as 'select null::jsonb';
create function rows(text, text, text) returns setof jsonb language sql as 'select null::jsonb';
create procedure proc(text, text, text) language sql as '';
create function step(text, text, text, text) returns text language sql as 'select null';
create aggregate agg(text, text, text) (sfunc = step, stype = text);
select register_handler('p', 'x', 'verification', 'no_result(text, text, text)');
select register_handler('p', 'x', 'verification', 'two(text, text)');
select register_handler('p', 'x', 'verification', 'rows(text, text, text)');
select register_handler('p', 'x', 'completion', 'proc(text, text, text)');
select register_handler('p', 'x', 'completion', 'agg(text, text, text)');
select register_handler('p', 'x', 'creation', 'follow(text, text, text)');
select register_handler('p', 'x', 'creation', '"My Handlers"."check It"(text, text, text)');
select register_handler('p', 'x', 'verification', 'missing(text, text, text)');
select register_handler('p', 'x', 'verification', 4294967295::oid::regprocedure);
select register_handler('p', 'x', 'verification', null);
select register_handler('p', 'x', 'after', 'follow(text, text, text)');
select register_handler('p', 'none', 'completion', 'follow(text, text, text)');
select register_handler('none', 'x', 'completion', 'follow(text, text, text)');
select unregister_handler('p', 'x', 'after');
select unregister_handler('p', 'none', 'completion');
select get_task_type('p', 'x')->>'verification_handler' as kept;

-- A creation handler makes the task for a segment, whose id may be any of 64 bits.
select add_segment_task('p', 18446744073709551615, 'x', '{"task_id": "seed"}'), get_task('p', 'seed')->'segment_seed_id' as seed;
select add_segment_task('p', 7, 'x', '{"task_id": "seven"}'), get_task('p', 'seven')->'segment_seed_id' as seed;
select add_segment_task('p', 8, 'x') ~ '^[0-9]+$' as has_id;
select add_segment_task('p', 18446744073709551616, 'x');
select add_segment_task('p', -1, 'x');
select add_segment_task('p', 1.5, 'x');
select add_segment_task('p', 'NaN', 'x');
select add_segment_task('p', null, 'x');
select add_segment_task('p', 1, 'x', '[]');
select add_segment_task('p', 1, 'x', null);
select add_segment_task('p', 9, 'none');
select add_segment_task('p', 1, 'none');
select add_segment_task('p', 1, 'x', '{"task_id": "seed"}');
select create_task_type('p', '{"task_type": "y"}'), add_segment_task('p', 1, 'y');

-- What it returns must be the id of a task.
create or replace function make(project text, seed numeric, options jsonb) returns text language sql as $$ select 'nothing' $$;
select add_segment_task('p', 1, 'x');
create or replace function make(project text, seed numeric, options jsonb) returns text language sql as $$ select null $$;
select add_segment_task('p', 1, 'x');

-- A handler that was dropped, or whose name another function took, is an error that says what to do.
drop function make;
select add_segment_task('p', 1, 'x');
drop function "My Handlers"."check It";
select verify_task('p', 'a', 'Done');
create function "My Handlers"."check It"(text, text, text) returns text language sql as $$ select 'x' $$;
select verify_task('p', 'a', 'Done');
drop schema "My Handlers" cascade;
select verify_task('p', 'a', 'Done');

-- Without one, everything passes.
select unregister_handler('p', 'x', 'verification'), verify_task('p', 'a', 'Done');
select verify_task('p', 'a', 'Odd');
select verify_task('p', 'none', 'Done');
select verify_task('p', 'a', null);

drop function follow, no_result, two, rows;
drop procedure proc;
drop aggregate agg(text, text, text);
drop function step;
select delete_project('p', cascade => true);
