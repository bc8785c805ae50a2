-- Assignment: a task asked for by name, by the state that it is in (annotation reference 7.5 under our rules).

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"], "qualified_segment_types": ["axon"]}');
	perform create_tasks('p', '[{"task_id": "free", "task_type": "x"},
		{"task_id": "paused", "task_type": "x", "is_paused": true},
		{"task_id": "theirs", "task_type": "x", "assigned_user_id": "v"},
		{"task_id": "mine", "task_type": "x", "assigned_user_id": "u"},
		{"task_id": "inactive", "task_type": "x", "is_active": false},
		{"task_id": "waiting", "task_type": "x"},
		{"task_id": "done", "task_type": "x", "completion_status": "Done", "completed_user_id": "v"},
		{"task_id": "cancelled", "task_type": "x"},
		{"task_id": "held", "task_type": "x"},
		{"task_id": "other", "task_type": "y"},
		{"task_id": "axon", "task_type": "x", "segment_type": "axon", "segment_seed_id": 1}]');
	perform create_dependency('p', '{"task_id": "waiting", "dependent_on_task_id": "free", "required_completion_status": "Done"}');
	perform create_dependency('p', '{"task_id": "waiting", "dependent_on_task_id": "paused", "required_completion_status": "Bad"}');
	perform cancel_task('p', 'cancelled');
	perform start_task('p', 'v', 'held');
end $$;

-- Free: assigned.
select start_task('p', 'u', 'free'), get_user('p', 'u')->>'active_task' as active_task,
	get_task('p', 'free')->>'active_user_id' as holder, get_task('p', 'free')->>'status' as status;

-- Held by the same user: the lease is renewed.
select start_task('p', 'u', 'free');

-- Another one while a task is held: refused, and the user keeps what they have.
select start_task('p', 'u', 'paused');
select start_task('p', 'u', 'none');
select get_user('p', 'u')->>'active_task' as active_task, release_task('p', 'u', 'free');

-- Paused: assigned, because a pause is about automatic selection only.
select start_task('p', 'u', 'paused'), release_task('p', 'u', 'paused');

-- Assigned to somebody else: refused. Assigned to oneself: assigned.
select start_task('p', 'u', 'theirs');
select start_task('p', 'u', 'mine'), release_task('p', 'u', 'mine');

-- Inactive, or waiting for other tasks: refused with an error that says which.
select start_task('p', 'u', 'inactive');
select start_task('p', 'u', 'waiting');

-- Completed: refused; reactivate_task opens it.
select start_task('p', 'u', 'done');
select completion_status, completed_user_id from task_mgmt.tasks where task_id = 'done';
select reactivate_task('p', 'done'), start_task('p', 'u', 'done'), release_task('p', 'u', 'done', 'Bad');

-- Cancelled: refused.
select start_task('p', 'u', 'cancelled');

-- Held by another: refused until it is idle.
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select start_task('p', 'v', 'held');
set task_mgmt.fake_now = '2030-01-01 00:01:29.999+00';
\set VERBOSITY terse
select start_task('p', 'u', 'held');
\set VERBOSITY default
set task_mgmt.fake_now = '2030-01-01 00:01:30+00';
select start_task('p', 'u', 'held'), release_task('p', 'u', 'held');
reset task_mgmt.fake_now;

-- Not qualified: refused, even if assigned to the user.
select start_task('p', 'u', 'other');
select assign_task('p', 'other', 'u'), start_task('p', 'u', 'other');
select start_task('p', 'u', 'axon');
select start_task('p', 'v', 'axon'), release_task('p', 'v', 'axon');

-- Unknown: an error.
select start_task('p', 'u', 'none');
select start_task('p', 'u', '');

-- After all refusals nobody holds anything, and a null id is no id.
select user_id, active_task from task_mgmt.users where project_name = 'p' order by user_id;
select start_task('p', 'u', null);

select delete_project('p', cascade => true);
