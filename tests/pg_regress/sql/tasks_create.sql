-- Tasks: creating one, with every key and every refusal.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Done"]}');
	perform create_user('p', '{"user_id": "u", "qualified_task_types": ["x"]}');
	perform create_user('p', '{"user_id": "v"}');
end $$;

-- Only the type is required; the id is then a number, the priority the middle one.
select create_task('p', '{"task_type": "x"}') ~ '^[0-9]+$' as is_number;
select key, value
from task_mgmt.tasks t, jsonb_each(get_task('p', t.task_id))
where key not in ('task_id', 'created_at', 'updated_at')
order by key;

-- Every key is kept; the reference's callers send empty references.
select create_task('p', '{"task_id": "all", "task_type": "x", "priority": -7, "batch_id": "b1", "ng_state": {"a": 1},
	"ng_state_initial": {"b": 2}, "extra_data": {"k": [1, null]}, "note": "n", "segment_type": "axon",
	"segment_seed_id": 18446744073709551615, "assigned_user_id": "u", "active_user_id": "", "completed_user_id": "",
	"completion_status": "", "last_leased_ts": 0.0, "first_start_ts": null, "is_active": true, "is_paused": true,
	"is_checked": true}');
select key, value from jsonb_each(get_task('p', 'all')) where key not in ('created_at', 'updated_at') order by key;

-- Null is as if absent.
select create_task('p', '{"task_id": "nulls", "task_type": "x", "priority": null, "batch_id": null, "ng_state": null,
	"assigned_user_id": null, "active_user_id": null, "last_leased_ts": null, "is_active": null, "is_paused": null}');
select get_task('p', 'nulls') - '{task_id, created_at, updated_at}'::text[] = get_task('p', create_task('p', '{"task_type": "x"}')) - '{task_id, created_at, updated_at}'::text[] as same;

-- The initial state is the first state unless given; a state may be any JSON.
select create_task('p', '{"task_id": "state", "task_type": "x", "ng_state": "seed"}');
select get_task('p', 'state')->'ng_state' as ng_state, get_task('p', 'state')->'ng_state_initial' as ng_state_initial;

-- No number in a payload loses a digit.
select create_task('p', '{"task_id": "digits", "task_type": "x",
	"extra_data": {"id": 12345678901234567890, "x": 0.12345678901234567890, "big": 1e30}}');
select get_task('p', 'digits')->'extra_data' as extra_data;

-- The seed of extra_data fills segment_seed_id, as a number or as text; both must agree.
select create_task('p', '{"task_id": "seed1", "task_type": "x", "extra_data": {"seed_id": 12}}');
select create_task('p', '{"task_id": "seed2", "task_type": "x", "extra_data": {"seed_id": "13"}, "segment_seed_id": 13}');
select create_task('p', '{"task_id": "seed3", "task_type": "x", "extra_data": {"seed_id": null}}');
select task_id, segment_seed_id from task_mgmt.tasks where task_id like 'seed%' order by task_id;
select create_task('p', '{"task_type": "x", "extra_data": {"seed_id": 1}, "segment_seed_id": 2}');
select create_task('p', '{"task_type": "x", "extra_data": {"seed_id": "12x"}}');

-- Up to 2^53 a seed is a number in JSON, above it text, so that no reader loses a digit.
select create_task('p', '{"task_id": "seed4", "task_type": "x", "segment_seed_id": 9007199254740992}');
select create_task('p', '{"task_id": "seed5", "task_type": "x", "segment_seed_id": 9007199254740993}');
select get_task('p', 'seed4')->'segment_seed_id' as number, get_task('p', 'seed5')->'segment_seed_id' as text;

-- An inactive task waits until somebody activates it.
select create_task('p', '{"task_id": "held", "task_type": "x", "is_active": false}');
select status, is_active from task_mgmt.tasks where task_id = 'held';

-- An id is taken once, and what is there stays.
select create_task('p', '{"task_id": "all", "task_type": "x", "note": "other"}');
select get_task('p', 'all')->>'note' as note;

-- An id that somebody chose is passed over when one is made up.
select create_task('p', jsonb_build_object('task_type', 'x', 'task_id', (create_task('p', '{"task_type": "x"}')::bigint + 2)::text))
	is not null as taken, create_task('p', '{"task_type": "x"}') is not null as made_up;

-- Unknown things are named.
select create_task('none', '{"task_type": "x"}');
select create_task('p', '{"task_type": "none"}');
select create_task('p', '{"task_type": "x", "assigned_user_id": "none"}');
select create_task('p', '{"task_type": "x", "active_user_id": "none"}');
select create_task('p', '{"task_type": "x", "completed_user_id": "none", "completion_status": "Done"}');

-- Wrong data is refused by name.
select create_task('p', null);
select create_task('p', '[]');
select create_task('p', '7');
select create_task('p', '{}');
select create_task('p', '{"task_type": "x", "colour": 1}');
select create_task('p', '{"task_type": "x", "created_at": "2020-01-01"}');
select create_task('p', '{"task_type": "x", "task_id": ""}');
select create_task('p', '{"task_type": "x", "task_id": 7}');
select create_task('p', '{"task_type": "x", "priority": 2147483648}');
select create_task('p', '{"task_type": "x", "priority": -2147483648}');
select create_task('p', '{"task_type": "x", "priority": 1.5}');
select create_task('p', '{"task_type": "x", "priority": "urgent"}');
select create_task('p', '{"task_type": "x", "segment_seed_id": 18446744073709551616}');
select create_task('p', '{"task_type": "x", "segment_seed_id": -1}');
select create_task('p', '{"task_type": "x", "segment_seed_id": true}');
select create_task('p', '{"task_type": "x", "segment_type": ""}');
select create_task('p', '{"task_type": "x", "is_active": 1}');
select create_task('p', '{"task_type": "x", "last_leased_ts": -1}');
select create_task('p', '{"task_type": "x", "first_start_ts": 1e15}');

-- The extremes that are allowed.
select create_task('p', '{"task_type": "x", "task_id": "high", "priority": 2147483647}'),
	create_task('p', '{"task_type": "x", "task_id": "low", "priority": -2147483647}');
select task_id, priority from task_mgmt.tasks where task_id in ('high', 'low') order by priority;

-- Unknown tasks, and reading with nulls.
select get_task('p', 'none');
select get_task('none', 'all');
select get_task('p', null);

select delete_project('p', cascade => true);
