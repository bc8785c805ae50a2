-- Golden tasks: users get copies of tasks with a known outcome, which look like any other; how many they get right is their score.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Yes", "No"], "golden_percent": 100}');
	perform create_task_type('p', '{"task_type": "y", "completion_statuses": ["Yes"]}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "y"]'::jsonb)) from unnest('{ann, bob, eve}'::text[]) u;
	perform create_tasks('p', '[{"task_id": "known_7", "task_type": "x", "completion_status": "Yes", "completed_user_id": "eve", "extra_data": {"k": 1},
		"ng_state": {"at": 1}, "ng_state_initial": {"at": 0}, "note": "easy", "batch_id": "b", "priority": 60, "segment_seed_id": 5},
		{"task_id": "known", "task_type": "x", "completion_status": "No", "completed_user_id": "eve"},
		{"task_id": "other", "task_type": "y", "completion_status": "Yes", "completed_user_id": "eve"},
		{"task_id": "open", "task_type": "x", "is_paused": true}]');
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- Only completed tasks are golden ones.
select add_golden_task('p', t) from unnest('{known_7, other}'::text[]) t;
select add_golden_task('p', 'known_7');
select add_golden_task('p', 'open');
select add_golden_task('p', 'none');
select add_golden_task('none', 'known');
select add_golden_task('p', null);
select remove_golden_task('p', 'open'), remove_golden_task('p', 'other'), remove_golden_task('p', 'other');
select remove_golden_task('p', 'none');
select task_id, task_type, completion_status, added_at from task_mgmt.golden_tasks;

-- After a completion comes a check, before all other tasks: a task like others, of which nothing says what it is.
create function work(user_id text, status text) returns text language plpgsql as $$
declare
	task text := start_task('p', user_id);
begin
	perform release_task('p', user_id, task, status);
	return regexp_replace(task, '\d+$', 'N');
end $$;
select create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 't' || n, 'task_type', 'x', 'priority', 99)) from generate_series(1, 12) n));
create table handled (task_id text);
create function handle(project text, task text, status text) returns void language sql security definer set search_path = public
	as 'insert into handled values ($2)';
select register_handler('p', 'x', 'completion', 'handle(text, text, text)');
select work('ann', 'Yes');
select regexp_replace(task_id, '\d{2,}$', 'N') as task_id, task_type, status, priority, assigned_user_id, batch_id, note, ng_state, ng_state_initial, extra_data, segment_seed_id,
	overlap, original_task_id
from task_mgmt.tasks where assigned_user_id = 'ann';
select regexp_replace(task_id, '\d+$', 'N') as task_id, why from peek_tasks('p', 'ann', 2);
select user_id, answered, correct, score_percent, last_answered_at from task_mgmt.golden_scores;
select * from task_mgmt.check_invariants();

-- Its answer counts, and nothing follows from it. Everybody is checked with each golden task once, not with
-- their own, and no check follows a check.
select work('ann', 'Yes');
select count(*) from handled where task_id like 'known%';
select * from task_mgmt.golden_scores;
select work('ann', 'Yes'), work('ann', 'Yes'), work('eve', 'Yes'), work('eve', 'Yes');
select add_golden_task('p', 'known'), work('ann', 'Yes'), work('ann', 'Yes'), work('ann', 'Yes');
select work('bob', 'Yes'), work('bob', 'No'), work('bob', 'No'), work('bob', 'No'), work('bob', 'No');
select task_type, user_id, answered, correct, score_percent from task_mgmt.golden_scores order by 2;
select user_id, sum(tasks) from task_mgmt.throughput where user_id <> 'eve' group by 1 order by 1;
select * from task_mgmt.check_invariants();

-- What is known may change; while it is open again, nothing is known. A removed golden task checks nobody any more.
select update_task('p', 'known', '{"completion_status": "Yes"}');
select user_id, answered, correct, score_percent from task_mgmt.golden_scores order by 1;
select reactivate_task('p', 'known_7'), pause_task('p', 'known_7');
select user_id, answered, correct, score_percent from task_mgmt.golden_scores order by 1;
select update_task('p', 'known_7', '{"completion_status": "Yes", "completed_user_id": "eve"}');

-- Taken back, an answer does not count, and is given again.
select create_user('p', '{"user_id": "fay", "qualified_task_types": ["x"]}');
select work('fay', 'Yes');
select start_task('p', 'fay') as checking \gset
select release_task('p', 'fay', :'checking', 'No'), undo_release('p', 'fay', :'checking');
select answered from task_mgmt.golden_scores where user_id = 'fay';
select release_task('p', 'fay', :'checking', 'Yes');
select answered, correct from task_mgmt.golden_scores where user_id = 'fay';

-- A manager who completes a check on somebody's word sets no handler in motion; a check is no golden task, and stays what it is.
select work('fay', 'Yes');
select count(*) from handled;
select update_task('p', task_id, '{"completion_status": "Yes", "completed_user_id": "fay"}') from task_mgmt.tasks where assigned_user_id = 'fay' and status = 'queued';
select count(*) from handled;
select answered, correct from task_mgmt.golden_scores where user_id = 'fay';
-- The message of an error, with numbers as N.
create function refusal(statement text) returns text language plpgsql as $$ begin
	execute statement;
	return 'none';
exception when others then return sqlstate || ' ' || regexp_replace(sqlerrm, '\d{2,}', 'N');
end $$;
select refusal(format('select add_golden_task(%L, %L)', 'p', :'checking'));
select refusal(format('select update_task(%L, %L, %L)', 'p', :'checking', '{"segment_seed_id": 8}'));
drop function refusal;
select * from task_mgmt.check_invariants();

-- Among copies, a check looks like a copy.
select create_task_type('p', '{"task_type": "z", "completion_statuses": ["Yes", "No"], "overlap": 2}'), update_user('p', 'ann', '{"qualified_task_types": ["z"]}'),
	update_user('p', 'bob', '{"qualified_task_types": ["z"]}');
select create_tasks('p', '[{"task_id": "a", "task_type": "z"}, {"task_id": "b", "task_type": "z"}, {"task_id": "c", "task_type": "z"}]');
select work('ann', 'Yes'), work('bob', 'Yes'), add_golden_task('p', 'a'), update_task_type('p', 'z', '{"golden_percent": 100}');
select create_user('p', '{"user_id": "gil", "qualified_task_types": ["z"]}'), start_task('p', 'gil'), release_task('p', 'gil', 'b#1', 'Yes');
-- One at a time.
select create_task('p', '{"task_id": "d", "task_type": "z", "completion_status": "Yes", "completed_user_id": "eve"}'), add_golden_task('p', 'd'),
	undo_release('p', 'gil', 'b#1'), release_task('p', 'gil', 'b#1', 'Yes'), count(*) from task_mgmt.tasks where assigned_user_id = 'gil';
select count(*) from task_mgmt.tasks where assigned_user_id = 'gil';
select remove_golden_task('p', 'd'), start_task('p', 'gil');
select task_id, original_task_id, overlap from task_mgmt.tasks where task_id like 'a#%' order by 1;
select release_task('p', 'gil', 'a#3', 'No'), copies, completion_statuses, result from task_mgmt.overlaps where task_id = 'a';
select copies, completion_statuses, result from task_mgmt.overlaps where task_id = 'a';
select answered, correct from task_mgmt.golden_scores where user_id = 'gil';
select * from task_mgmt.check_invariants();

-- The share follows from names only.
select update_task_type('p', 'x', '{"golden_percent": 0}'), work('eve', 'Yes'), count(*) from task_mgmt.tasks where assigned_user_id = 'eve';
select update_task_type('p', 'x', '{"golden_percent": 12.34, "golden_min_score_percent": 80.5, "golden_min_answers": 3}'), get_task_type('p', 'x');
select update_task_type('p', 'x', get_task_type('p', 'x')), golden_percent, golden_min_score_percent, golden_min_answers from task_mgmt.task_types where task_type = 'x';
select update_task_type('p', 'x', '{"golden_percent": 12.345}');
select update_task_type('p', 'x', '{"golden_percent": 101}');
select update_task_type('p', 'x', '{"golden_percent": "5"}');
select update_task_type('p', 'x', '{"golden_min_score_percent": -1}');
select update_task_type('p', 'x', '{"golden_min_answers": 0}');
select create_task_type('p', '{"task_type": "w", "golden_percent": 1e400}');
select update_task_type('p', 'x', '{"golden_percent": null, "golden_min_score_percent": null, "golden_min_answers": null}'), get_task_type('p', 'x');
select create_task_type('p', '{"task_type": "w", "golden_percent": 5, "golden_min_score_percent": 80, "golden_min_answers": 2}'), get_task_type('p', 'w');

-- Managers only.
create role regress_reader;
create role regress_manager;
select grant_access('regress_reader', 'worker', 'p'), grant_access('regress_manager', 'manager', 'p');
set role regress_reader;
select * from task_mgmt.golden_tasks;
select * from task_mgmt.golden_scores;
select add_golden_task('p', 't1');
select remove_golden_task('p', 't1');
select count(*) from task_mgmt.events where detail ~* 'golden|check';
set role regress_manager;
select count(*) from task_mgmt.golden_tasks;
select count(*) from task_mgmt.golden_scores;
reset role;
select revoke_access('regress_reader', 'p'), revoke_access('regress_manager', 'p');
drop role regress_reader, regress_manager;

select clear_project_data('p'), count(*) from task_mgmt.golden_tasks;
select count(*) from task_mgmt.golden_task;
drop function work;
select delete_project('p', cascade => true);
drop function handle;
drop table handled;
reset task_mgmt.fake_now;
reset timezone;
