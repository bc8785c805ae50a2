-- Users: creating, reading, changing and deactivating them.

select create_project('p'), create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');

-- Only the id is required.
select create_user('p', '{"user_id": "u"}');
select get_user('p', 'u');

-- The reference's callers send everything, with an empty active task.
select create_user('p', '{"user_id": "v", "hourly_rate": 36.55, "active_task": "",
	"qualified_task_types": ["x", "y"], "qualified_segment_types": ["axon"]}');
select get_user('p', 'v');

-- Creating the same user again does nothing, also after the user has worked.
select create_task('p', '{"task_id": "a", "task_type": "x"}');
select start_task('p', 'v');
select create_user('p', '{"user_id": "v", "hourly_rate": 36.55, "qualified_task_types": ["x", "y"],
	"qualified_segment_types": ["axon"]}');
select get_user('p', 'v')->>'active_task' as active_task;

-- Null is as if absent.
select create_user('p', '{"user_id": "n", "hourly_rate": null, "active_task": null, "qualified_task_types": null,
	"qualified_segment_types": null}'), get_user('p', 'n');

-- With other data it is an error, and the user stays as it was.
select create_user('p', '{"user_id": "v", "hourly_rate": 99}');
select get_user('p', 'v')->>'hourly_rate' as hourly_rate;

-- A user gets a task by start_task only.
select create_user('p', '{"user_id": "w", "active_task": "a"}');
select update_user('p', 'u', '{"active_task": "a"}');

-- Wrong data is refused by name.
select create_user('p', '{"hourly_rate": 1}');
select create_user('p', '{"user_id": null}');
select create_user('p', '{"user_id": ""}');
select create_user('p', '{"user_id": 7}');
select create_user('p', '{"user_id": "w", "hourly_rate": -1}');
select create_user('p', '{"user_id": "w", "hourly_rate": 1000000.5}');
select create_user('p', '{"user_id": "w", "hourly_rate": "1"}');
select create_user('p', '{"user_id": "w", "qualified_task_types": "x"}');
select create_user('p', '{"user_id": "w", "qualified_task_types": ["x", null]}');
select create_user('p', '{"user_id": "w", "qualified_segment_types": ["axon", ""]}');
select create_user('p', '{"user_id": "w", "wage": 1}');
select create_user('p', '{"user_id": "w", "is_active": false}');
select create_user('p', '["w"]');
select create_user('p', null);
select create_user('none', '{"user_id": "w"}');
select create_user(null, '{"user_id": "w"}');
select get_user('p', 'w');

-- A change touches only the keys given.
select update_user('p', 'v', '{"hourly_rate": 40}'), get_user('p', 'v');
select update_user('p', 'v', '{"qualified_task_types": [], "qualified_segment_types": ["axon", "dendrite"]}'),
	get_user('p', 'v');
select update_user('p', 'v', '{}'), get_user('p', 'v');

-- A record can be written back as it was read.
select update_user('p', 'v', get_user('p', 'v')), get_user('p', 'v');
select update_user('p', 'v', get_user('p', 'v') || '{"hourly_rate": 41}'), get_user('p', 'v');

-- What a change must not be.
select update_user('p', 'v', '{"user_id": "w"}');
select update_user('p', 'v', '{"active_task": ""}');
select update_user('p', 'v', '{"hourly_rate": null}');
select update_user('p', 'v', '{"qualified_task_types": null}');
select update_user('p', 'v', '{"qualified_segment_types": null}');
select update_user('p', 'v', '{"is_active": null}');
select update_user('p', 'v', '{"wage": 1}');
select update_user('p', 'v', '[]');
select update_user('p', 'v', '{"hourly_rate": 1e300}');
select update_user('p', 'none', '{"hourly_rate": 1}');
select update_user('p', null, '{}');

-- A deactivated user gets no more tasks, but may finish what they hold.
select create_task('p', '{"task_id": "b", "task_type": "x"}');
select deactivate_user('p', 'v'), get_user('p', 'v')->'is_active' as is_active;
select start_task('p', 'v');
select submit_timesheet('p', 'v', 1, 'a'), release_task('p', 'v', 'a', 'Done');
select start_task('p', 'v');
select start_task('p', 'v', 'b');

-- An update brings them back.
select update_user('p', 'v', '{"is_active": true, "qualified_task_types": ["x"]}'), get_user('p', 'v') ? 'is_active' as says_so;
select start_task('p', 'v');

select deactivate_user('p', 'none');

-- The list is ordered by id; the view says the same.
select list_users('p');
select list_users('none');
select user_id, hourly_rate, active_task, qualified_task_types, is_active, bound_role
from task_mgmt.users
where project_name = 'p'
order by user_id;

-- The same id in another project is another user.
select create_project('q'), create_user('q', '{"user_id": "v", "hourly_rate": 1}');
select get_user('q', 'v')->>'active_task' as active_task, get_user('p', 'v')->>'active_task' as other;

select delete_project('p', cascade => true), delete_project('q');
