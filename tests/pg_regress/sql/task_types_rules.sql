-- Task types: what they ask of their tasks' params and texts.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "free", "completion_statuses": ["Done"]}');
	perform create_user('p', jsonb_build_object('user_id', u)) from unnest(array['u', repeat('a', 100), repeat('b', 101)]) u;
end $$;

-- A schema is kept as it is, and shown.
select create_task_type('p', '{"task_type": "strict", "completion_statuses": ["Done"], "params_schema": {
	"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["url"], "additionalProperties": false,
	"properties": {"url": {"$ref": "#/$defs/url"}, "count": {"type": "integer", "minimum": 1}, "list": {"items": {"enum": [1, null, "x"]}}},
	"$defs": {"url": {"type": "string", "pattern": "^https?://"}}}}');
select get_task_type('p', 'strict')->'params_schema'->'$defs' as defs, get_task_type('p', 'free') ? 'params_schema' as other;
select params_schema->'required' as required, preset from task_mgmt.task_types where task_type = 'strict';
select update_task_type('p', 'strict', get_task_type('p', 'strict'));

-- At creation the place and the rule are named, alone and among many.
select create_task('p', '{"task_type": "strict", "task_id": "a", "params": {"url": "https://a", "count": 1, "list": [1, null]}}');
select create_task('p', '{"task_type": "strict"}');
select create_task('p', '{"task_type": "strict", "params": {"url": "ftp://a"}}');
select create_task('p', '{"task_type": "strict", "params": {"url": "http://a", "count": 0}}');
select create_task('p', '{"task_type": "strict", "params": {"url": "http://a", "count": 1.5}}');
select create_task('p', '{"task_type": "strict", "params": {"url": "http://a", "other": 1}}');
select create_tasks('p', '[{"task_type": "free", "params": {"count": "x"}}, {"task_type": "strict", "params": {"url": "http://a"}},
	{"task_type": "free"}, {"task_type": "strict", "params": {"url": "http://a", "list": [1, 2], "count": 3}}]');
select create_tasks('p', '[{"task_type": "strict", "params": {"url": "http://a"}}, {"task_type": "free", "params": {"count": "x"}}]');

-- At a change of params or type, not at others; a refused change leaves everything (D8).
select update_task('p', 'a', '{"params": {"url": "http://b", "count": "x"}, "title": "lost"}');
select update_task('p', 'a', '{"params": null}');
select update_task('p', 'a', '{"params": {"url": "http://b"}, "title": "kept"}'), get_task('p', 'a')->'params' as params, get_task('p', 'a')->>'title' as title;
select create_task('p', '{"task_type": "free", "task_id": "b", "params": {"any": 1}}');
select update_task('p', 'b', '{"task_type": "strict"}');
select update_task('p', 'b', '{"task_type": "strict", "params": {"url": "http://b"}}');

-- A new schema holds from then on; without one anything goes.
select update_task_type('p', 'strict', '{"params_schema": {"required": ["more"]}}');
select update_task('p', 'a', '{"title": "still"}');
select update_task('p', 'a', '{"params": {"url": "http://c"}}');
select create_task('p', '{"task_type": "strict", "params": {"more": [1]}}') is not null as created;
select update_task_type('p', 'strict', '{"params_schema": null}'), get_task_type('p', 'strict') ? 'params_schema' as has_one;
select create_task('p', '{"task_type": "strict"}') is not null as created;

-- What is no schema, reaches outside or never ends.
select update_task_type('p', 'free', '{"params_schema": {"type": "text"}}');
select update_task_type('p', 'free', '{"params_schema": []}');
select update_task_type('p', 'free', '{"params_schema": true}');
select update_task_type('p', 'free', '{"params_schema": {"properties": {"a": {"pattern": "("}}}}');
select update_task_type('p', 'free', '{"params_schema": {"properties": {"a": {"$ref": "https://example.com/schema.json"}}}}');
select update_task_type('p', 'free', '{"params_schema": {"properties": {"a": {"$ref": "file:///etc/passwd"}}}}');
select update_task_type('p', 'free', '{"params_schema": {"$ref": "#/$defs/none"}}');
select update_task_type('p', 'free', '{"params_schema": {"properties": {"a": {"$ref": "#"}}}}');
select update_task_type('p', 'free', '{"params_schema": {"$id": "https://example.com/schema.json"}}');
select update_task_type('p', 'free', '{"params_schema": {"$schema": "http://json-schema.org/draft-07/schema#"}}');
select update_task_type('p', 'free', jsonb_build_object('params_schema', jsonb_build_object('description', repeat('x', 70000))));
select create_task_type('p', '{"task_type": "bad", "params_schema": {"minimum": "x"}}');

-- Patterns take no more time than their text is long.
select update_task_type('p', 'free', '{"params_schema": {"properties": {"a": {"pattern": "^(a+)+$"}}}}');
select create_task('p', jsonb_build_object('task_type', 'free', 'params', jsonb_build_object('a', repeat('a', 100000) || 'b')));
select update_task_type('p', 'free', '{"params_schema": null}');

-- D3: the rules of the agent system hold for types that name them.
select create_task_type('p', '{"task_type": "agent", "completion_statuses": ["Done"], "preset": "discord_agent"}'), get_task_type('p', 'agent')->'preset' as preset;
select create_task_type('p', '{"task_type": "bad", "preset": "none"}');
select create_task('p', jsonb_build_object('task_type', 'agent', 'title', repeat('é', 200), 'description', repeat('é', 2000), 'agent', repeat('a', 100),
	'channel', '12345678901234567', 'task_id', 'c'));
select create_task('p', '{"task_type": "agent", "title": " ", "description": "", "channel": "1234567890123456789"}') is not null as created;
select create_task('p', '{"task_type": "agent"}');
select create_task('p', '{"task_type": "agent", "title": ""}');
select create_task('p', jsonb_build_object('task_type', 'agent', 'title', repeat('é', 201)));
select create_task('p', jsonb_build_object('task_type', 'agent', 'title', 't', 'description', repeat('é', 2001)));
select create_task('p', jsonb_build_object('task_type', 'agent', 'title', 't', 'agent', repeat('b', 101)));
select create_task('p', jsonb_build_object('task_type', 'agent', 'title', 't', 'channel', channel))
from unnest('{invalid}'::text[]) channel;
select create_task('p', '{"task_type": "agent", "title": "t", "channel": "1234567890123456"}');
select create_task('p', '{"task_type": "agent", "title": "t", "channel": "12345678901234567890"}');
select create_task('p', '{"task_type": "agent", "title": "t", "channel": "12345678901234567\n"}');
select create_task('p', '{"task_type": "agent", "title": "t", "channel": "１２３４５６７８９０１２３４５６７"}');
select create_tasks('p', '[{"task_type": "agent", "title": "t"}, {"task_type": "agent", "title": "t", "channel": "7"}]');
-- D8: and when they are changed.
select update_task('p', 'c', jsonb_build_object('title', repeat('é', 201), 'description', 'lost'));
select update_task('p', 'c', '{"title": null}');
select update_task('p', 'c', jsonb_build_object('agent', repeat('b', 101), 'description', 'lost'));
select update_task('p', 'c', '{"channel": "lost"}');
select update_task('p', 'c', '{"channel": null, "agent": null, "description": null, "title": "t", "params": {"any": 1}}');
select get_task('p', 'c')->'title' as title, get_task('p', 'c')->'channel' as channel, get_task('p', 'c')->'description' as description;
select update_task('p', 'b', '{"task_type": "agent"}');
select create_task('p', jsonb_build_object('task_type', 'free', 'title', repeat('é', 201), 'channel', 'general', 'agent', repeat('b', 101))) is not null as others_are_free;
select update_task_type('p', 'agent', '{"preset": null}'), create_task('p', '{"task_type": "agent"}') is not null as created;

select * from task_mgmt.check_invariants();
select delete_project('p', cascade => true);
