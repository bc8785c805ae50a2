-- Tasks: merging into their metadata.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}'), create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
	perform create_task('p', '{"task_type": "x", "task_id": "a"}'), create_task('p', '{"task_type": "x", "task_id": "b"}');
end $$;

-- D9: old keys stay, equal ones are replaced as a whole, and null is a value.
select merge_metadata('p', 'a', '{"x": 1, "y": {"deep": true, "other": 1}}');
select merge_metadata('p', 'a', '{"y": {"deep": false}, "z": null}');
select get_task('p', 'a')->'metadata' as metadata, get_task('p', 'b')->'metadata' as other;
select merge_metadata('p', 'a', '{"id": 12345678901234567890, "x": 0.10}');

-- D7, S18: a merge makes the task younger; one that changes nothing does not.
select (get_task('p', 'a')->>'updated_at')::timestamptz > (get_task('p', 'a')->>'created_at')::timestamptz as younger;
create temp table before as select updated_at from task_mgmt.tasks where task_id = 'a';
select merge_metadata('p', 'a', '{"z": null}');
select merge_metadata('p', 'a', '{}');
select merge_metadata('p', 'b', '{}');
select updated_at = (select updated_at from before) as unchanged from task_mgmt.tasks where task_id = 'a';
select kind, detail from task_mgmt.events where task_id = 'a' order by event_no;

-- update_task replaces all of it.
select update_task('p', 'a', '{"metadata": {"only": 1}}'), get_task('p', 'a')->'metadata' as metadata;

-- Also while it runs, and when it is over.
select start_task('p', 'u', 'a'), merge_metadata('p', 'a', '{"running": true}'), release_task('p', 'u', 'a', 'Done'), merge_metadata('p', 'a', '{"done": true}');

-- What is no object, or no task.
select merge_metadata('p', 'a', '[]');
select merge_metadata('p', 'a', '"x"');
select merge_metadata('p', 'a', null);
select merge_metadata('p', 'none', '{}');
select merge_metadata('none', 'a', '{}');

-- A worker merges while the user holds the task; a reader never.
create role regress_worker;
create role regress_reader;
select grant_access('regress_worker', 'worker', 'p'), grant_access('regress_reader', 'reader', 'p'), start_task('p', 'v', 'b');
set role regress_worker;
select merge_metadata('p', 'b', '{"by": "worker"}');
select merge_metadata('p', 'a', '{"by": "worker"}');
set role regress_reader;
select merge_metadata('p', 'b', '{"by": "reader"}');
reset role;
select bind_user('p', 'v', 'regress_reader');
set role regress_worker;
select merge_metadata('p', 'b', '{"by": "another"}');
reset role;
select get_task('p', 'b')->'metadata' as metadata;

select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
drop role regress_worker, regress_reader;
