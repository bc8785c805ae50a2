-- Conversations: with a task or later, listed, changed and removed.

select create_project('p'), create_task_type('p', '{"task_type": "t", "completion_statuses": ["Done"]}'),
	create_user('p', '{"user_id": "u", "qualified_task_types": ["t"]}');
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

create function said(task text) returns text language sql as $$
	select string_agg(concat_ws(' ', item ->> 'content', item ->> 'status', item ->> 'processed_at'), ', ' order by place)
	from jsonb_array_elements(list_conversations('p', task)) with ordinality as items (item, place)
$$;

-- Numbers of conversations differ from run to run.
create function refusal(call text) returns text language plpgsql as $$
begin
	execute 'select ' || call;
	return 'done';
exception when others then
	return sqlstate || ' ' || regexp_replace(sqlerrm, '\d{2,}', 'N');
end
$$;

-- C1: with the task, in the order given; active unless something else is said.
select create_task('p', '{"task_id": "two", "task_type": "t", "conversations": [{"content": "first"}, {"content": "second", "status": null}]}'),
	create_tasks('p', '[{"task_id": "none", "task_type": "t"}, {"task_id": "empty", "task_type": "t", "conversations": []}, {"task_id": "null", "task_type": "t", "conversations": null},
		{"task_id": "three", "task_type": "t", "conversations": [{"content": "z", "status": "archived"}, {"content": "y", "status": "processed"}, {"content": "x", "status": "active"}]}]');
select said('two'), said('three');
select jsonb_agg(item - 'conversation_id') from jsonb_array_elements(list_conversations('p', 'two')) as item;
select content, conversation_id ~ '^[0-9]+$' as is_number from task_mgmt.conversations where task_id = 'two' order by conversation_id::bigint;

-- C2: how many each task has, 0 among them.
select task_id, conversation_count from task_mgmt.tasks order by task_id;

-- C3: with one that is wrong, nothing is created.
select create_task('p', '{"task_id": "bad", "task_type": "t", "conversations": [{"content": "fine"}, {"content": null}]}');
select create_task('p', '{"task_id": "bad", "task_type": "t", "conversations": [{"content": "fine"}, {"content": ""}]}');
select create_task('p', '{"task_id": "bad", "task_type": "t", "conversations": [{"status": "active"}]}');
select create_task('p', '{"task_id": "bad", "task_type": "t", "conversations": [["fine"]]}');
select create_task('p', '{"task_id": "bad", "task_type": "t", "conversations": "fine"}');
select create_tasks('p', '[{"task_id": "bad", "task_type": "t"}, {"task_type": "t", "conversations": [{"content": "x", "status": "banana"}]}]');
select count(*) as tasks, (select count(*) from task_mgmt.conversation) as conversations from task_mgmt.tasks;

-- Later ones come after. C12: of an unknown task nothing; of a task without any, none.
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select create_conversation('p', 'two', '{"content": "third"}') > '0' as has_id, create_conversation('p', 'none', '{"content": "late", "status": "archived"}') > '0' as has_id;
select said('two'), said('none'), list_conversations('p', 'empty') as empty;
select create_conversation('p', 'unknown', '{"content": "x"}');
select list_conversations('p', 'unknown');
select list_conversations('unknown', 'two');
select create_conversation('unknown', 'two', '{"content": "x"}');

-- C13: a change keeps the other field. C14: an unknown status is refused.
select conversation_id as id from task_mgmt.conversations where content = 'first' \gset
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
select update_conversation('p', :'id', '{"content": "FIRST"}'), said('two');
select update_conversation('p', :'id', '{"status": "archived"}'), said('two');
select update_conversation('p', :'id', '{"status": "processed"}'), said('two');
select update_conversation('p', :'id', '{"status": "archived"}'), said('two') as keeps_its_time;
select update_conversation('p', :'id', '{"status": "active"}'), said('two');
select created_at, updated_at from task_mgmt.conversations where conversation_id = :'id';
set task_mgmt.fake_now = '2030-01-04 00:00:00+00';
select update_conversation('p', :'id', (select list_conversations('p', 'two') -> 0)), update_conversation('p', :'id', '{}');
select updated_at as unchanged from task_mgmt.conversations where conversation_id = :'id';
select update_conversation('p', :'id', '{"status": "banana"}');
select update_conversation('p', :'id', '{"status": null}');
select update_conversation('p', :'id', '{"content": null}');
select update_conversation('p', :'id', '{"content": ""}');
select update_conversation('p', :'id', '{"task_id": "none"}');
select update_conversation('p', :'id', '{"nope": 1}');
select update_conversation('p', '0', '{}');
select update_conversation('p', 'first', '{}');
select update_conversation('p', '99999999999999999999', '{}');
select update_conversation('p', null, '{}');
select create_conversation('p', 'two', '{"content": "x", "status": "pending"}');
select create_conversation('p', 'two', '{}');
select create_conversation('p', 'two', null);
select create_task('p', '{"task_type": "t", "status": "banana"}');

-- Conversations are of a project.
select create_project('q');
select refusal(format('update_conversation(''q'', %L, ''{}'')', :'id')), refusal(format('delete_conversation(''q'', %L)', :'id'));

-- Removed once.
select delete_conversation('p', :'id'), said('two');
select refusal(format('delete_conversation(''p'', %L)', :'id')) as again, refusal('delete_conversation(''p'', ''first'')') as no_number;

-- Workers add and change them, managers remove them, readers read them.
create role talker;
create role listener;
select grant_access('talker', 'worker', 'p'), grant_access('listener', 'reader', 'p');
set role talker;
select create_conversation('p', 'empty', '{"content": "by a worker"}') as id \gset
select update_conversation('p', :'id', '{"content": "still"}');
select delete_conversation('p', :'id');
set role listener;
select list_conversations('p', 'empty') #>> '{0,content}' as content, (select count(*) from task_mgmt.conversations) as all_of_p;
select create_conversation('p', 'empty', '{"content": "x"}');
select list_conversations('q', 'empty');
reset role;

-- They go with the tasks.
select * from task_mgmt.check_invariants();
select clear_project_data('p') -> 'tasks' as tasks;
select count(*) from task_mgmt.conversation;
drop function said, refusal;
drop owned by talker, listener;
drop role talker, listener;
select delete_project('p', cascade => true), delete_project('q');
