-- Tasks: lists by filters, an id by its beginning, and the status.

do $$ begin
	perform create_project('p'), create_project('q'), create_project('empty');
	perform create_task_type(project, jsonb_build_object('task_type', task_type, 'completion_statuses', '["Done"]'::jsonb))
	from unnest('{p, q}'::text[]) project, unnest('{x, y}'::text[]) task_type;
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "y"]'::jsonb)) from unnest('{u, v, idle}'::text[]) u;
	perform create_task('q', '{"task_type": "x", "task_id": "elsewhere", "channel": "c1"}');
end $$;
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select create_tasks('p', '[
	{"task_id": "t1", "task_type": "x", "title": "100% of the Work", "agent": "u", "channel": "c1", "priority": "low", "batch_id": "b1"},
	{"task_id": "t2", "task_type": "y", "description": "work_1 in Straße", "channel": "c2", "domain": "d", "metadata": {"k": 1, "tags": ["a", "b"]}},
	{"task_id": "t3", "task_type": "x", "agent": "v", "channel": "c1", "priority": "high", "metadata": {"k": 2}}]');
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select create_tasks('p', '[
	{"task_id": "t4", "task_type": "x", "is_active": false, "priority": "high"},
	{"task_id": "t5", "task_type": "x", "metadata": {}, "batch_id": "b1"},
	{"task_id": "t6", "task_type": "y", "title": "C:\\dir", "domain": "d"}]');
reset task_mgmt.fake_now;
select start_task('p', 'v', 't3'), cancel_task('p', 't5'), update_task('p', 't6', '{"completion_status": "Done", "completed_user_id": "u"}');

create function listed(filters jsonb, max_rows int default 100, skip int default 0) returns text language sql
return (
	select l->>'total' || ': ' || coalesce(string_agg(i->>'task_id', ' ' order by place), '')
	from list_tasks('p', filters, max_rows, skip) l
	left join jsonb_array_elements(l->'items') with ordinality as a (i, place) on true
	group by l
);

-- S6, C2: newest first, ties by number; total counts all, whatever the page.
select listed('{}'), listed('{}', 2), listed('{}', 2, 2), listed('{}', 2, 5), listed('{}', 2, 6);
select list_tasks('p') = list_tasks('p', '{}', 100, 0) as defaults, list_tasks('empty') as none;
select bool_and(i = get_task('p', i->>'task_id')) as items_are_tasks from jsonb_array_elements(list_tasks('p')->'items') i;
select listed('{"order": "newest"}'), listed('{"order": "oldest"}'), listed('{"order": "claim"}'), listed('{"order": "claim"}', 2, 1);

-- D6, D28: by status, agent, channel and the rest; what there is not has no tasks.
select name, listed(jsonb_build_object('status', name))
from unnest('{created, queued, scheduled, retrying, running, completed, failed, cancelled, skipped, expired}'::text[]) name;
select listed('{"status": ["running", "completed"]}'), listed('{"status": ["created", "cancelled", "created"]}'), listed('{"status": []}');
select listed('{"agent": "u"}'), listed('{"agent": "v"}'), listed('{"agent": "idle"}'), listed('{"agent": "none"}'), listed('{"agent": null}');
select listed('{"channel": "c1"}'), listed('{"channel": "c1", "order": "oldest"}'), listed('{"channel": "c1", "order": "claim"}', 1), listed('{"channel": "c"}'), listed('{"channel": null}');
select listed('{"domain": "d"}'), listed('{"domain": "d", "order": "oldest"}'), listed('{"domain": "D"}'), listed('{"domain": null}');
select listed('{"task_type": "y"}'), listed('{"task_type": "none"}'), listed('{"priority": "high"}'), listed('{"priority": 25}');
select listed('{"batch_id": "b1"}'), listed('{"batch_id": ""}'), listed('{"batch_id": "none"}');
select listed('{"metadata": {"k": 1}}'), listed('{"metadata": {"tags": ["b"]}}'), listed('{"metadata": {}}'), listed('{"metadata": {"k": 3}}');

-- Texts stand for themselves: no wildcards, any case.
select listed('{"text": "WORK"}'), listed('{"text": "100%"}'), listed('{"text": "1%w"}'), listed('{"text": "work_1"}'), listed('{"text": "workx1"}'),
	listed('{"text": "\\dir"}'), listed('{"text": ""}'), listed('{"text": "STRAß"}');

-- From a moment on, and before one.
select listed('{"created_after": "2030-01-02T00:00:00+00:00"}'), listed('{"created_before": "2030-01-02T00:00:00+00:00"}'),
	listed('{"created_after": "2030-01-01T01:00:00+01:00", "created_before": "2030-01-02T00:00:00+00:00"}'),
	listed('{"created_after": "2030-01-03T00:00:00+00:00"}');

-- All filters must fit.
select listed('{"channel": "c1", "agent": "u", "status": "queued", "text": "work", "task_type": "x", "priority": 25, "batch_id": "b1"}'),
	listed('{"channel": "c1", "agent": "u", "status": "running"}'), listed('{"domain": "d", "channel": "c2", "metadata": {"k": 1}}');

-- S34, C14, D4: what is out of range or unknown.
select list_tasks('p', '{}', 0);
select list_tasks('p', '{}', 1001);
select list_tasks('p', '{}', 1, -1);
select list_tasks('p', '{}', null);
select list_tasks('p', null);
select list_tasks('p', '[]');
select list_tasks('p', '{"status": "banana"}');
select list_tasks('p', '{"status": null}');
select list_tasks('p', '{"colour": 1}');
select list_tasks('p', '{"priority": "urgent"}');
select list_tasks('p', '{"metadata": []}');
select list_tasks('p', '{"created_after": "yesterday"}');
select list_tasks('p', '{"order": "random"}');
select list_tasks('none');
select listed('{}', 1000);

-- S17: four keys. S7, D5: an unknown task.
select key, value from jsonb_each(task_status('p', 't3')) where key <> 'updated_at' order by key;
select task_status('p', 't3')->>'updated_at' = get_task('p', 't3')->>'updated_at' as same;
select task_status('p', 'none');
select task_status('none', 't1');
select get_task('p', 'none');

-- S8: one task, several, none; the exact id wins; nothing is a wildcard.
select create_tasks('p', (select jsonb_agg(jsonb_build_object('task_type', 'x', 'task_id', id))
	from unnest('{ab, abc, abcd, abd, abe, abf, A%, A_b, ÿ😀, ÿ}'::text[]) id));
select find_task('p', 'abcd'), find_task('p', 'abc'), find_task('p', 'ab'), find_task('p', 'A%'), find_task('p', 'A_'), find_task('p', 'ÿ😀'), find_task('p', 'ÿ');
select find_task('p', 'a');
select find_task('p', 'A');
select find_task('p', 't');
select find_task('p', '%');
select find_task('p', 'a%');
select find_task('p', 'abcde');
select find_task('p', 'elsewhere');
select find_task('p', '');
select find_task('p', null);
select find_task('none', 'a');

-- A reader may ask; nobody else.
create role regress_reader;
select grant_access('regress_reader', 'reader', 'p');
set role regress_reader;
select listed('{}', 1), find_task('p', 'abcd'), task_status('p', 't1') is not null as status;
select list_tasks('q');
select find_task('q', 'e');
select task_status('q', 'elsewhere');
reset role;

drop function listed;
select delete_project(project, cascade => true) from unnest('{p, q, empty}'::text[]) project;
drop role regress_reader;
