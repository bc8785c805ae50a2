-- Assignment: what start_task chooses when no task is named.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["y", "x"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "nobody"}');
end $$;
-- Starts and completes tasks until there are none, and says in which order they came.
create function drain(user_id text) returns text language plpgsql as $$
declare
	started text;
	all_started text := '';
begin
	loop
		started := start_task('p', user_id);
		exit when started is null;
		perform release_task('p', user_id, started, 'Done');
		all_started := all_started || ' ' || started;
	end loop;
	return all_started;
end $$;

-- Nothing to do is null, not an error.
select start_task('p', 'u') is null as is_null;

-- Higher priorities come first, then the older task.
select create_tasks('p', '[{"task_id": "b5", "task_type": "x", "priority": 5}, {"task_id": "a5", "task_type": "x", "priority": 5},
	{"task_id": "a9", "task_type": "x", "priority": 9}, {"task_id": "neg", "task_type": "x", "priority": -3},
	{"task_id": "c5", "task_type": "x", "priority": 5}]');
select drain('u');

-- So they do across the types that a user is qualified for.
select create_tasks('p', '[{"task_id": "x1", "task_type": "x"}, {"task_id": "y1", "task_type": "y"},
	{"task_id": "x2", "task_type": "x"}, {"task_id": "y2", "task_type": "y", "priority": 51}, {"task_id": "y3", "task_type": "y"}]');
select drain('v');

-- A task that is handed back keeps its place.
select create_tasks('p', '[{"task_id": "first", "task_type": "x"}, {"task_id": "second", "task_type": "x"}]');
select start_task('p', 'u'), release_task('p', 'u', 'first');
select drain('u');

-- Assigned tasks come before all others, whatever the priority; among them the order is the same.
select create_tasks('p', '[{"task_id": "urgent", "task_type": "x", "priority": 99},
	{"task_id": "mine1", "task_type": "x", "priority": 1, "assigned_user_id": "u"},
	{"task_id": "mine2", "task_type": "x", "priority": 2, "assigned_user_id": "u"},
	{"task_id": "mine3", "task_type": "x", "priority": 2, "assigned_user_id": "u"}]');
select drain('u');

-- What is assigned to somebody else is never offered.
select create_task('p', '{"task_id": "theirs", "task_type": "x", "priority": 99, "assigned_user_id": "v"}');
select drain('u');
select drain('v');

-- Types that the user is not qualified for are passed over, also when assigned.
select create_tasks('p', '[{"task_id": "other", "task_type": "y", "priority": 99}, {"task_id": "own", "task_type": "x"},
	{"task_id": "unfit", "task_type": "y", "priority": 99, "assigned_user_id": "u"}]');
select drain('u');
select start_task('p', 'nobody') is null as is_null;
select cancel_task('p', 'unfit'), drain('v');

-- A task with a segment needs the segment's type; one without a segment, or without an expected type, needs none.
select create_tasks('p', '[{"task_id": "dendrite", "task_type": "x", "segment_type": "dendrite", "segment_seed_id": 1},
	{"task_id": "axon", "task_type": "x", "segment_type": "axon", "segment_seed_id": 2},
	{"task_id": "untyped", "task_type": "x", "segment_seed_id": 3},
	{"task_id": "none", "task_type": "x"}]');
select drain('u');
select drain('v');
select update_user('p', 'u', '{"qualified_segment_types": ["dendrite"]}'), drain('u');

-- Paused, blocked, inactive, cancelled, held and completed tasks are not offered.
select create_tasks('p', '[{"task_id": "paused", "task_type": "x", "is_paused": true},
	{"task_id": "inactive", "task_type": "x", "is_active": false}, {"task_id": "cancelled", "task_type": "x"},
	{"task_id": "held", "task_type": "x"}, {"task_id": "waiting", "task_type": "x"}]');
select create_dependency('p', '{"task_id": "waiting", "dependent_on_task_id": "paused", "required_completion_status": "Done"}');
select cancel_task('p', 'cancelled'), start_task('p', 'v', 'held');
select start_task('p', 'u') is null as is_null;
select release_task('p', 'v', 'held', 'Done');

-- A paused task is not offered to the user it is assigned to, either.
select assign_task('p', 'paused', 'u'), start_task('p', 'u') is null as is_null;
select unpause_task('p', 'paused'), drain('u');

-- Who holds a task gets it again, whatever has happened to it and to their qualifications.
select create_tasks('p', '[{"task_id": "kept", "task_type": "x"}, {"task_id": "better", "task_type": "x", "priority": 99}]');
select start_task('p', 'u', 'kept'), pause_task('p', 'kept');
select update_user('p', 'u', '{"qualified_task_types": []}'), start_task('p', 'u');
select release_task('p', 'u', 'kept');
select start_task('p', 'u') is null as is_null;

-- Renewing by starting again renews the lease.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select start_task('p', 'v');
set task_mgmt.fake_now = '2030-01-01 00:01:00+00';
select start_task('p', 'v'), to_timestamp((get_task('p', 'better')->'last_leased_ts')::float8) as last_leased;
reset task_mgmt.fake_now;

select start_task('p', 'none');
select start_task('none', 'u');
select start_task('p', null);
select start_task(null, 'u');

drop function drain;
select delete_project('p', cascade => true);
