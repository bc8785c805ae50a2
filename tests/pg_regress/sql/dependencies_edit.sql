-- Dependencies: creating, changing, removing and reading them; cycles; nothing is ever stranded.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done", "Bad"]}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Fine"]}');
	perform create_task_type('p', '{"task_type": "z"}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x", "y"]}');
	perform create_tasks('p', '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}, {"task_id": "c", "task_type": "x"},
		{"task_id": "d", "task_type": "y"}, {"task_id": "e", "task_type": "z"}]');
end $$;
create function wait_for(id text, task_id text, upstream text, status text default 'Done') returns text language sql as $$
	select create_dependency('p', jsonb_build_object('dependency_id', $1, 'task_id', $2, 'dependent_on_task_id', $3,
		'required_completion_status', $4))
$$;

-- The reference's callers send everything.
select create_dependency('p', '{"dependency_id": "ba", "task_id": "b", "dependent_on_task_id": "a", "is_satisfied": false,
	"required_completion_status": "Done"}');
select get_dependency('p', 'ba');

-- Without an id it gets one that says what it is.
select create_dependency('p', '{"task_id": "d", "dependent_on_task_id": "a", "required_completion_status": "Bad"}');

-- It is found from both of its ends.
select get_dependencies_for_task('p', 'b');
select get_dependencies_depending_on_task('p', 'a');
select get_unsatisfied_dependencies_for_task('p', 'b') = get_dependencies_for_task('p', 'b') as same;
select get_dependencies_for_task('p', 'none'), get_dependencies_depending_on_task('p', 'b'), get_unsatisfied_dependencies_for_task('p', 'none');
select * from task_mgmt.dependencies where project_name = 'p' order by dependency_id;

-- What is refused, by name.
select wait_for('self', 'a', 'a');
select wait_for('ba', 'c', 'a');
select wait_for('w', 'none', 'a');
select wait_for('w', 'a', 'none');
select wait_for('ba', 'none', 'also none');
select wait_for('w', 'none', 'also none');
select wait_for('w', 'c', 'a', 'Odd');
select wait_for('w', 'c', 'd', 'Done');
select wait_for('w', 'c', 'e', 'Done');
select wait_for('w', 'c', 'a', '');
select wait_for('', 'c', 'a');
select create_dependency('p', '{"task_id": "c", "dependent_on_task_id": "a"}');
select create_dependency('p', '{"task_id": "c", "dependent_on_task_id": "a", "required_completion_status": "Done", "kind": 1}');
select create_dependency('p', '[]');
select create_dependency('p', null);
select create_dependency('none', '{"task_id": "c", "dependent_on_task_id": "a", "required_completion_status": "Done"}');
select get_dependency('p', 'w');
select get_dependency('none', 'ba');

-- A cycle of any length is refused, and named.
select wait_for('ab', 'a', 'b');
select wait_for('cb', 'c', 'b');
select wait_for('ac', 'a', 'c');
select create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 't' || i, 'task_type', 'x')) from generate_series(1, 100) i));
select create_dependencies('p', (select jsonb_agg(jsonb_build_object('task_id', 't' || i, 'dependent_on_task_id', 't' || i + 1,
	'required_completion_status', 'Done')) from generate_series(1, 99) i));
select wait_for('long', 't100', 't1');

-- A cycle within the array is one, too; of an array all is made or nothing.
select create_dependencies('p', '[{"task_id": "c", "dependent_on_task_id": "d", "required_completion_status": "Fine"},
	{"task_id": "d", "dependent_on_task_id": "c", "required_completion_status": "Done"}]');
select create_dependencies('p', '[{"dependency_id": "n1", "task_id": "c", "dependent_on_task_id": "d", "required_completion_status": "Fine"},
	{"dependency_id": "n1", "task_id": "t1", "dependent_on_task_id": "a", "required_completion_status": "Done"}]');
select create_dependencies('p', '[{"dependency_id": "n1", "task_id": "c", "dependent_on_task_id": "d", "required_completion_status": "Fine"},
	{"dependency_id": "n2", "task_id": "c", "dependent_on_task_id": "c", "required_completion_status": "Done"}]');
select create_dependencies('p', '[]');
select create_dependencies('p', '{}');
select count(*) from task_mgmt.dependencies where dependency_id like 'n_' or task_id = 'c' and dependent_on_task_id = 'd';

-- Two of a task on the same upstream with different statuses are two dependencies.
select wait_for('two', 'b', 'a', 'Bad');
select get_dependencies_for_task('p', 'b')->1->>'dependency_id' as second, delete_dependency('p', 'two');

-- Removing the last one lets the task go on.
select delete_dependency('p', 'ba'), get_task('p', 'b')->'is_active' as is_active;
select start_task('p', 'u', 'b'), release_task('p', 'u', 'b');
select delete_dependency('p', 'ba');
select delete_dependency('none', 'ba');

-- A task that still waits for another one does not go on.
select wait_for('cd', 'c', 'd', 'Fine'), delete_dependency('p', 'cb'), get_task('p', 'c')->'is_active' as is_active;

-- Changing what a dependency requires counts at once; absent keys keep their values.
select start_task('p', 'u', 'a'), release_task('p', 'u', 'a', 'Bad');
select wait_for('ba', 'b', 'a', 'Done'), get_task('p', 'b')->'is_active' as is_active;
select update_dependency('p', 'ba', '{"required_completion_status": "Bad"}'), get_dependency('p', 'ba'), get_task('p', 'b')->'is_active' as is_active;
select update_dependency('p', 'ba', '{"dependent_on_task_id": "t100", "required_completion_status": "Done"}'), get_dependency('p', 'ba'), get_task('p', 'b')->'is_active' as is_active;
select update_dependency('p', 'ba', '{"task_id": "e"}'), get_task('p', 'b')->'is_active' as b, get_task('p', 'e')->'is_active' as e;

-- A manager can let a task go on without waiting; that lasts.
select update_dependency('p', 'ba', '{"is_satisfied": true}'), get_task('p', 'e')->'is_active' as is_active;
select update_dependency('p', 'ba', '{}'), get_task('p', 'e')->'is_active' as is_active;
select update_task('p', 't100', '{"completion_status": "Bad", "completed_user_id": "u"}'), get_task('p', 'e')->'is_active' as is_active;
select update_dependency('p', 'ba', '{"is_satisfied": false}'), get_task('p', 'e')->'is_active' as is_active;

-- A task cannot be made active while it waits for another.
select update_task('p', 'e', '{"is_active": true}');
select get_task('p', 'e')->'is_active' as is_active;

-- What a change must not be; the dependency stays as it was.
select update_dependency('p', 'ba', '{"task_id": "t100"}');
select update_dependency('p', 'ba', '{"dependent_on_task_id": "none"}');
select update_dependency('p', 'ba', '{"task_id": "none"}');
select update_dependency('p', 'ba', '{"required_completion_status": "Odd"}');
select update_dependency('p', 'ba', '{"dependency_id": "other"}');
select update_dependency('p', 'ba', '{"task_id": null}');
select update_dependency('p', 'ba', '{"dependent_on_task_id": null}');
select update_dependency('p', 'ba', '{"required_completion_status": null}');
select update_dependency('p', 'ba', '{"is_satisfied": null}');
select update_dependency('p', 't1 after t2: Done', '{"task_id": "t3"}');
select update_dependency('p', 'none', '{}');
select get_dependency('p', 'ba'), get_dependency('p', 't1 after t2: Done');

-- A record can be written back as it was read, which changes nothing.
create temp view history as select count(*) from task_mgmt.events where project_name = 'p';
select count as before from history \gset
select update_dependency('p', 'ba', get_dependency('p', 'ba')), get_dependency('p', 'ba');
select count - :before as events from history;
drop view history;

-- A cancelled upstream shows as what its dependents wait for; without the dependency they go on.
select cancel_task('p', 't2');
select start_task('p', 'u', 't1');
select delete_dependency('p', 't1 after t2: Done'), start_task('p', 'u', 't1');

select * from task_mgmt.check_invariants();
drop function wait_for;
select delete_project('p', cascade => true);
