-- Names: what may be in one, what may not, and that nothing in it is ever taken for SQL.

-- Every kind of text goes through unharmed, in every place that a name has.
create function go_round(name text) returns text language plpgsql as $$
declare
	dependency text;
begin
	assert create_project(name) = name;
	assert create_task_type(name, jsonb_build_object('task_type', name, 'completion_statuses', array[name])) = name;
	assert create_user(name, jsonb_build_object('user_id', name, 'qualified_task_types', array[name], 'qualified_segment_types', array[name])) = name;
	assert create_tasks(name, jsonb_build_array(
		jsonb_build_object('task_id', name, 'task_type', name, 'segment_type', name, 'note', name, 'batch_id', name),
		jsonb_build_object('task_id', 'after', 'task_type', name))) = 2;
	dependency := create_dependency(name, jsonb_build_object('task_id', 'after', 'dependent_on_task_id', name, 'required_completion_status', name));
	assert get_dependency(name, dependency)->>'dependent_on_task_id' = name;
	assert create_segment_type(name, jsonb_build_object('type_name', name, 'instruction', name)) = name;
	assert create_segment(name, jsonb_build_object('seed_id', 1, 'seed_x', 0, 'seed_y', 0, 'seed_z', 0, 'expected_segment_type', name, 'batch', name)) = 1;
	assert update_task(name, 'after', '{"segment_seed_id": 1}');
	assert list_segments(name, jsonb_build_object('batch', name, 'expected_segment_type', name))->0->'task_ids'->>0 = 'after';
	assert add_segment_type_and_instructions(name, 'after')->>'instruction' = name;
	assert start_task(name, name) = name;
	assert submit_timesheet(name, name, 1, name);
	assert get_user(name, name)->>'active_task' = name;
	assert release_task(name, name, name, name, name);
	assert get_task(name, name)->>'completed_user_id' = name and get_task(name, name)->>'note' = name;
	assert start_task(name, name) = 'after';
	assert get_task_timesheet_summary(name, name)->'user_breakdown' ? name;
	assert (select project_name from get_task_cross_project(name)) = name;
	assert (select count(*) from task_mgmt.tasks t where t.project_name = name and t.task_id = name and t.task_type = name) = 1;
	assert list_all_projects() = array[name];
	assert (select count(*) from task_mgmt.check_invariants()) = 0;
	assert delete_project(name, cascade => true);
	return 'unharmed';
end $$;
select go_round('Grüße');
select go_round('日本語');
select go_round('🧠🔬 𝒜');
select go_round('a b');
select go_round(' leading and trailing ');
select go_round('''');
select go_round('"');
select go_round('\');
select go_round('%s %I $1 {} {0}');
select go_round('Robert''); drop table task_mgmt.task; --');
select go_round('a, b)=(c, d');
select go_round('null');
select go_round('*.*');
select go_round('é' || U&'e\0301');
select go_round(repeat('n', 200));
select go_round(repeat('🧠', 200));

-- So do names of 200 characters of four bytes each that do not compress, all different.
create function noise(seed int) returns text language sql immutable as $$
	select string_agg(chr(65536 + ('x' || substr(md5(seed || '.' || i), 1, 7))::bit(28)::int % 900000), '') from generate_series(1, 200) i
$$;
select go_round(noise(1));
select create_project(noise(1)) = noise(1) as project,
	create_task_type(noise(1), jsonb_build_object('task_type', noise(2), 'completion_statuses', array[noise(3)])) = noise(2) as task_type,
	create_tasks(noise(1), jsonb_build_array(jsonb_build_object('task_type', noise(2), 'task_id', noise(4), 'segment_type', noise(5)),
		jsonb_build_object('task_type', noise(2), 'task_id', noise(6)))) as tasks;
select create_dependency(noise(1), jsonb_build_object('task_id', noise(4), 'dependent_on_task_id', noise(6), 'required_completion_status', noise(3)))
	is not null as dependency;
select delete_project(noise(1), cascade => true);
drop function noise;

-- Two spellings of one character are two names, and so are upper and lower case.
select create_project('é'), create_project(U&'e\0301'), create_project('p'), create_project('P');
select array_length(list_all_projects(), 1);
select delete_project(name) from unnest(list_all_projects()) name;

-- Control characters, emptiness and too much length are refused, with the place named.
select create_project('p');
select create_project(E'new\nline');
select create_project(E'\x7f');
select create_project(U&'\0085');
select create_project(repeat('🧠', 201));
select create_task_type('p', '{"task_type": "\u0001"}');
select create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "tab\t"]}');
select create_user('p', jsonb_build_object('user_id', repeat('u', 201)));
select create_user('p', '{"user_id": "u", "qualified_task_types": ["fine", "\r"]}');
select create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
select create_task('p', '{"task_type": "x", "task_id": "new\nline"}');
select create_task('p', jsonb_build_object('task_type', 'x', 'task_id', repeat('t', 201)));
select create_task('p', '{"task_type": "x", "segment_type": "\b"}');
select create_tasks('p', '[{"task_type": "x"}, {"task_type": "x", "task_id": "\u001b"}]');
select create_task('p', '{"task_type": "x", "task_id": "\u0000"}');

-- Texts that are no names may have all of that.
select create_task('p', '{"task_id": "t", "task_type": "x", "note": "two\nlines\t🧠", "batch_id": ""}');
select get_task('p', 't')->>'note' as note;
select update_task('p', 't', jsonb_build_object('note', repeat('n', 1000000))), length(get_task('p', 't')->>'note') as length;
select update_project('p', jsonb_build_object('description', E'two\nlines')), get_project('p')->>'description' as description;

-- A name that is only looked for is simply not there, however odd it is.
select get_task('p', E'new\nline');
select get_task('p', repeat('t', 300)) is null;
select start_task('p', '');
select project_exists(''), project_exists(repeat('p', 100000));

-- An id that exists is named whole in the refusal, whatever is in it.
select create_project('a, b'), create_task_type('a, b', '{"task_type": "x"}');
select create_task('a, b', '{"task_type": "x", "task_id": "c, d)"}'), create_task('a, b', '{"task_type": "x", "task_id": "c, d)"}');
select create_task('a, b', '{"task_type": "x", "task_id": "c, d)"}');
select create_task('a, b', '{"task_type": "x", "task_id": "c, d)"}');

select delete_project('p', cascade => true), delete_project('a, b', cascade => true);
drop function go_round;
