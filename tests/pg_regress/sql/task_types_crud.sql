-- Task types: creating, reading and changing them, and the standard ones.

select create_project('p');

-- Only the name is required.
select create_task_type('p', '{"task_type": "bare"}'), get_task_type('p', 'bare');
select create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Can''t Continue"], "description": "about",
	"max_idle_seconds": 0.5}'), get_task_type('p', 'x');

-- Null is as if absent.
select create_task_type('p', '{"task_type": "null", "completion_statuses": null, "description": null, "max_idle_seconds": null}'),
	get_task_type('p', 'null');

-- A name is taken once, also with the same data.
select create_task_type('p', '{"task_type": "bare"}');

-- Wrong data is refused by name.
select create_task_type('p', '{"completion_statuses": []}');
select create_task_type('p', '{"task_type": ""}');
select create_task_type('p', '{"task_type": "y", "completion_statuses": [""]}');
select create_task_type('p', '{"task_type": "y", "completion_statuses": "Done"}');
select create_task_type('p', '{"task_type": "y", "max_idle_seconds": 0}');
select create_task_type('p', '{"task_type": "y", "handler": "f"}');
select create_task_type('none', '{"task_type": "y"}');
select create_task_type('p', null);

-- A change touches only the keys given; null clears.
select update_task_type('p', 'x', '{"description": "new"}'), get_task_type('p', 'x');
select update_task_type('p', 'x', '{"description": null, "max_idle_seconds": null}'), get_task_type('p', 'x');
select update_task_type('p', 'x', '{"task_type": "z"}');
select update_task_type('p', 'x', '{"completion_handler": "f"}');
select update_task_type('p', 'x', '{"completion_statuses": null}');
select update_task_type('p', 'x', '[]');

-- A record can be written back as it was read.
select update_task_type('p', 'x', get_task_type('p', 'x')), get_task_type('p', 'x');
select update_task_type('p', 'none', '{}');
select get_task_type('p', 'none');
select get_task_type('none', 'x');

-- A type without statuses can only be handed back.
select create_user('p', '{"user_id": "u", "qualified_task_types": ["bare", "x"]}');
select create_task('p', '{"task_id": "a", "task_type": "bare"}'), start_task('p', 'u', 'a');
select release_task('p', 'u', 'a', 'Done');
select release_task('p', 'u', 'a');

-- A status that a completed task has, or a dependency requires, must stay allowed.
select create_tasks('p', '[{"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"}]');
select start_task('p', 'u', 'b'), release_task('p', 'u', 'b', 'Done');
select create_dependency('p', '{"dependency_id": "d", "task_id": "a", "dependent_on_task_id": "c",
	"required_completion_status": "Can''t Continue"}');
select update_task_type('p', 'x', '{"completion_statuses": ["Can''t Continue"]}');
select update_task_type('p', 'x', '{"completion_statuses": ["Done"]}');
select update_task_type('p', 'x', '{"completion_statuses": ["Can''t Continue", "More", "Done"]}');
select delete_dependency('p', 'd'), update_task_type('p', 'x', '{"completion_statuses": ["Done"]}');

-- The standard types are added to what is there.
select add_standard_task_types('p');
select list_task_types('p');

-- Added again they come up to date; what somebody added to them stays.
select update_task_type('p', 'trace_v0', '{"completion_statuses": ["Merger", "Own"], "description": "own", "max_idle_seconds": 5}');
select add_standard_task_types('p')->'trace_v0' as statuses;
select get_task_type('p', 'trace_v0');
select add_standard_task_types('none');

-- The view says the same.
select task_type, completion_statuses, description, max_idle_seconds
from task_mgmt.task_types
where project_name = 'p'
order by task_type;

select delete_project('p', cascade => true);
