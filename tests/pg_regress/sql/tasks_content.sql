-- Tasks: what a task says of itself, when it is created and when that is changed.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v", "qualified_task_types": ["x"]}');
end $$;

-- What a call changed of a task: its keys with their new values, and the events that it wrote.
create function tried(call text) returns setof text language plpgsql as $$
declare
	before jsonb := get_task('p', 'full');
	known bigint := (select count(*) from task_mgmt.event);
begin
	begin
		execute call;
	exception when others then
		return next sqlstate || ' ' || sqlerrm;
	end;
	return query select key || ' = ' || value from jsonb_each(get_task('p', 'full'))
		where value is distinct from before -> key and key <> 'updated_at' order by key;
	return next format('events: %s, updated_at: %s', (select count(*) from task_mgmt.event) - known,
		sign(extract(epoch from (get_task('p', 'full')->>'updated_at')::timestamptz - (before->>'updated_at')::timestamptz)));
end $$;

-- S1, D1, C17: only a type; what is not said reads as empty, and nothing has changed since the creation.
select create_task('p', '{"task_type": "x", "task_id": "least"}');
select key, value
from jsonb_each(get_task('p', 'least'))
where key in ('title', 'description', 'params', 'domain', 'drift_score', 'metadata', 'channel', 'result', 'error', 'status', 'priority')
order by key;
select get_task('p', 'least')->>'created_at' = get_task('p', 'least')->>'updated_at' as unchanged;
select title is null, description, params, domain is null, drift_score, metadata, channel is null, result is null, error is null,
	updated_at = created_at
from task_mgmt.tasks where task_id = 'least';

-- S2, D2: everything is kept, to the last digit.
select create_task('p', '{"task_type": "x", "task_id": "full", "title": "Ein Titel 😀", "description": "line one\nline two\t.",
	"params": {"id": 12345678901234567890, "x": 0.12345678901234567890, "nested": [{"a": null}, [], {}], "": "\""},
	"domain": "d", "drift_score": 0.25, "metadata": {"source": "chat", "n": 1e30}, "channel": "123456789012345678", "agent": "u",
	"priority": "high"}');
select key, value
from jsonb_each(get_task('p', 'full'))
where key in ('title', 'description', 'params', 'domain', 'drift_score', 'metadata', 'channel', 'assigned_user_id', 'priority')
order by key;
select title, params->'id' as id, domain, drift_score, metadata, channel, assigned_user_id, priority
from task_mgmt.tasks where task_id = 'full';

-- Of many tasks each keeps its own.
select create_tasks('p', '[{"task_type": "x", "task_id": "m1", "params": {"n": 1}}, {"task_type": "x", "task_id": "m2"},
	{"task_type": "x", "task_id": "m3", "params": {"n": 3}, "title": "third", "agent": "v", "priority": "low"}]');
select task_id, params, title, assigned_user_id, priority from task_mgmt.tasks where task_id like 'm_' order by task_id;

-- Null is as if absent.
select create_task('p', '{"task_type": "x", "task_id": "nulls", "title": null, "description": null, "params": null, "domain": null,
	"drift_score": null, "metadata": null, "channel": null, "agent": null, "priority": null}');
select get_task('p', 'nulls') - '{task_id, created_at, updated_at}'::text[] = get_task('p', 'least') - '{task_id, created_at, updated_at}'::text[] as same;

-- The four named priorities, and D4: no other.
select name, get_task('p', create_task('p', jsonb_build_object('task_type', 'x', 'priority', name)))->'priority' as priority
from unnest('{low, medium, high, critical}'::text[]) as name;
select create_task('p', '{"task_type": "x", "priority": "urgent"}');
select create_task('p', '{"task_type": "x", "priority": "HIGH"}');
select create_task('p', '{"task_type": "x", "priority": "75"}');

-- An agent is the user whom the task is assigned to.
select get_task('p', create_task('p', '{"task_type": "x", "agent": "v", "assigned_user_id": "v"}'))->>'assigned_user_id' as agent;
select create_task('p', '{"task_type": "x", "agent": "v", "assigned_user_id": "u"}');
select create_task('p', '{"task_type": "x", "agent": "none"}');

-- S4: without a type. S5, D3: the limits themselves, and what is beyond them.
select create_task('p', '{"title": "t"}');
select create_task('p', jsonb_build_object('task_type', 'x', 'title', repeat('é', 1000), 'description', repeat('é', 100000),
	'domain', repeat('é', 200), 'channel', repeat('é', 200), 'drift_score', 1)) is not null as created;
select create_task('p', '{"task_type": "x", "title": " ", "description": "", "drift_score": 0.0}') is not null as created;
select create_task('p', jsonb_build_object('task_type', 'x', 'title', repeat('é', 1001)));
select create_task('p', '{"task_type": "x", "title": ""}');
select create_task('p', '{"task_type": "x", "title": "two\nlines"}');
select create_task('p', '{"task_type": "x", "title": 7}');
select create_task('p', jsonb_build_object('task_type', 'x', 'description', repeat('é', 100001)));
select create_task('p', '{"task_type": "x", "domain": ""}');
select create_task('p', jsonb_build_object('task_type', 'x', 'channel', repeat('1', 201)));
select create_task('p', '{"task_type": "x", "channel": "a\u0001"}');
select create_task('p', '{"task_type": "x", "drift_score": 1.01}');
select create_task('p', '{"task_type": "x", "drift_score": -0.01}');
select create_task('p', '{"task_type": "x", "drift_score": "0.5"}');
select create_task('p', '{"task_type": "x", "drift_score": 1e400}');
select create_task('p', '{"task_type": "x", "params": []}');
select create_task('p', '{"task_type": "x", "params": "{}"}');
select create_task('p', '{"task_type": "x", "metadata": 1}');
select create_tasks('p', '[{"task_type": "x"}, {"task_type": "x", "metadata": [1]}]');
select create_task('p', '{"task_type": "x", "result": 1}');
select create_task('p', '{"task_type": "x", "error": "e"}');

-- D7: an update changes what is given; S18: then the task is younger than before.
select tried($$ select update_task('p', 'full', '{"title": "Another"}') $$);
select tried($$ select update_task('p', 'full', '{"description": "d", "params": {"a": 1}, "domain": "e", "drift_score": 0.5, "metadata": {"b": [2]},
	"channel": "c", "agent": "v", "priority": "critical"}') $$);

-- S18: what is so already is no change, in whatever words.
select tried($$ select update_task('p', 'full', get_task('p', 'full')) $$);
select tried($$ select update_task('p', 'full', '{"priority": "critical", "agent": "v", "title": "Another"}') $$);
select tried($$ select update_task('p', 'full', '{}') $$);

-- D10: null clears what may be empty, once.
select tried($$ select update_task('p', 'full', '{"title": null, "description": null, "params": null, "domain": null, "drift_score": null,
	"metadata": null, "channel": null, "agent": null}') $$);
select tried($$ select update_task('p', 'full', '{"title": null, "description": null, "params": null, "domain": null, "drift_score": null,
	"metadata": null, "channel": null, "agent": null, "assigned_user_id": null}') $$);

-- D8: a bad update leaves everything as it was.
select update_task('p', 'full', '{"title": "kept", "params": {"kept": true}}');
select tried($$ select update_task('p', 'full', '{"title": "lost", "drift_score": 2}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "params": []}') $$);
select tried($$ select update_task('p', 'full', '{"title": "", "description": "lost"}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "agent": "u", "assigned_user_id": "v"}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "agent": "u", "assigned_user_id": null}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "agent": "none"}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "priority": "urgent"}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "priority": null}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "result": {"a": 1}}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "error": "e"}') $$);
select tried($$ select update_task('p', 'full', '{"title": "lost", "updated_at": "2020-01-01"}') $$);
select tried($$ select update_task('p', 'full', '"agent"') $$);
select tried($$ select update_task('p', 'full', '["agent", "assigned_user_id"]') $$);
select update_task('p', 'none', '{"title": "t"}');

-- S18: every act of work and management makes it younger; asking does not.
create temp table act (act_no int generated always as identity, call text);
insert into act (call) values
	($$ select get_task('p', 'full') $$), ($$ select start_task('p', 'u', 'full') $$), ($$ select renew_lease('p', 'u', 'full') $$),
	($$ select update_task('p', 'full', '{"note": "n"}') $$), ($$ select release_task('p', 'u', 'full') $$),
	($$ select pause_task('p', 'full') $$), ($$ select pause_task('p', 'full') $$), ($$ select unpause_task('p', 'full') $$),
	($$ select assign_task('p', 'full', 'u') $$), ($$ select update_task('p', 'full', '{"is_active": false}') $$),
	($$ select update_task('p', 'full', '{"is_active": true}') $$), ($$ select update_task('p', 'full', '{"is_checked": true}') $$),
	($$ select cancel_task('p', 'full') $$), ($$ select cancel_task('p', 'full') $$), ($$ select reactivate_task('p', 'full') $$),
	($$ select start_task('p', 'u', 'full') $$), ($$ select force_release_task('p', 'full') $$),
	($$ select update_task('p', 'full', '{"completion_status": "Done", "completed_user_id": "u"}') $$);
do $$
declare
	one act;
	before timestamptz := get_task('p', 'full')->>'updated_at';
	events bigint := (select count(*) from task_mgmt.event);
	after timestamptz;
begin
	for one in select * from act order by act_no loop
		execute one.call;
		after := get_task('p', 'full')->>'updated_at';
		assert (after > before) = ((select count(*) from task_mgmt.event) > events), one.call;
		raise notice '% %', case when after > before then 'younger:' when after = before then 'the same:' else 'older:' end, one.call;
		before := after;
		events := (select count(*) from task_mgmt.event);
	end loop;
end $$;

-- Copies say what their original says.
select create_task('p', '{"task_type": "x", "task_id": "shared", "overlap": 2, "title": "t", "description": "d", "params": {"a": 1}, "domain": "e",
	"drift_score": 0.5, "metadata": {"b": 2}, "channel": "c", "priority": 1000}');
select start_task('p', 'u');
select title, description, params, domain, drift_score, metadata, channel, original_task_id
from task_mgmt.tasks where active_user_id = 'u';

-- Payloads of any size survive the claim path, which reads and writes whole rows.
select create_task('p', jsonb_build_object('task_type', 'x', 'task_id', 'large', 'params',
	(select jsonb_object_agg(i, md5(i::text)) from generate_series(1, 20000) i)));
create temp table large as select md5(params::text) as sum from task_mgmt.tasks where task_id = 'large';
select start_task('p', 'v', 'large');
select release_task('p', 'v', 'large', 'Done', 'note');
select md5(params::text) = (select sum from large) as same, completion_status from task_mgmt.tasks where task_id = 'large';

select * from task_mgmt.check_invariants();
drop function tried(text);
select delete_project('p', cascade => true);
