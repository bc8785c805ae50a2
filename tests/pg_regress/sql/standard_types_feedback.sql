-- Feedback: reviewing traces, which of them are reviewed, and what was found.

set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
do $$ begin
	perform create_project('p'), add_standard_task_types('p'), create_project('q'), add_standard_task_types('q');
	perform create_user(project, jsonb_build_object('user_id', u, 'qualified_task_types', '["trace_v0", "trace_feedback_v0", "own"]'::jsonb))
	from unnest('{ann, bob}'::text[]) u, unnest('{p, q}'::text[]) project;
end $$;
create function state() returns jsonb language sql as $$
	select jsonb_build_object('layers', jsonb_agg(jsonb_build_object('type', 'annotation', 'name', name, 'segments', '["7"]'::jsonb, 'annotations',
		case when name = 'Uncertain Ends' then '[{"point": [1, 2, 0.12345678901234567890]}]'::jsonb else '[]' end) order by name))
	from unnest('{Segmentation, Breadcrumbs, Certain Ends, Uncertain Ends, Seed Location}'::text[]) name $$;
-- Traces a task, which exists or is made.
create function trace(project text, task text, "user" text, status text default 'Can''t Continue') returns boolean language plpgsql as $$ begin
	if not exists (select from task_mgmt.tasks where project_name = project and task_id = task) then
		perform create_task(project, jsonb_build_object('task_id', task, 'task_type', 'trace_v0', 'ng_state', state()));
	end if;
	perform start_task(project, "user", task);
	return release_task(project, "user", task, status);
end $$;

-- A review begins with the state of the trace and a layer that says how it was completed, or without.
select trace('p', 'a', 'ann'), create_feedback_task_from_trace('p', 'a') ~ '^feedback_a_\d+$' as made;
select regexp_replace(task_id, '\d+$', 'N') as task_id, task_type, priority, batch_id, extra_data, ng_state->'layers'->5 as added,
	ng_state #- '{layers,5}' = state() as begins_with_it, ng_state = ng_state_initial as is_initial, segment_type, is_active
from task_mgmt.tasks where project_name = 'p' and task_id <> 'a';
select jsonb_array_length(get_task('p', create_feedback_task_from_trace('p', 'a', add_status_annotation => false))->'ng_state'->'layers') as layers;
-- What is not completed, or not expanded yet, has no such layer.
select create_task('p', jsonb_build_object('task_id', 'open', 'task_type', 'trace_v0', 'ng_state', state())), create_task('p', '{"task_id": "seed", "task_type": "trace_v0", "ng_state": {"seed_id": 7}}');
select get_task('p', create_feedback_task_from_trace('p', 'open'))->'ng_state' = state() as same, get_task('p', create_feedback_task_from_trace('p', 'seed'))->'ng_state' as seed;
select create_feedback_task_from_trace('p', 'none');
select create_feedback_task_from_trace('none', 'a');
select create_feedback_task_from_trace('p', 'a', null);
-- A state without layers gets the one; one that is empty, or no state at all, stays as it is.
create function begins(state jsonb) returns jsonb language plpgsql as $$
declare
	trace text := create_task('p', jsonb_build_object('task_type', 'trace_v0', 'completion_status', 'Merger', 'completed_user_id', 'ann', 'ng_state', state));
begin
	return get_task('p', create_feedback_task_from_trace('p', trace))->'ng_state';
end $$;
select state, begins(state) from unnest('{"{\"url\": \"x\"}", "{}", "[1]", "{\"layers\": 5}", "{\"seed_id\": 7}"}'::jsonb[]) state;
drop function begins;
-- A long name of a trace is no obstacle.
select trace('p', repeat('t', 200), 'ann'), length(create_feedback_task_from_trace('p', repeat('t', 200))) as length;
select clear_project_data('p')->'tasks' as tasks;

-- A review must have the layers, and name what it is about.
select create_task('p', '{"task_id": "f", "task_type": "trace_feedback_v0"}'), verify_task('p', 'f', 'Fair'), verify_task('p', 'f', 'Faulty Task');
select update_task('p', 'f', jsonb_build_object('ng_state', state())), verify_task('p', 'f', 'Fair');
select update_task('p', 'f', '{"extra_data": {"original_task_id": "none"}}'), verify_task('p', 'f', 'Fair'), start_task('p', 'bob', 'f');
select release_task('p', 'bob', 'f', 'Fair');
select release_task('p', 'bob', 'f', 'Faulty Task');
select count(*) from task_mgmt.task_feedback;
select clear_project_data('p')->'tasks' as tasks;

-- A completed review is feedback about the author of the trace, shown in a color.
create function review(trace text, status text, note text default null) returns boolean language plpgsql as $$
declare
	task text := create_feedback_task_from_trace('p', trace);
begin
	perform start_task('p', 'bob', task);
	return release_task('p', 'bob', task, status, note);
end $$;
select trace('p', 'a', 'ann'), trace('p', 'b', 'ann'), review('a', 'Perfect', 'well done'), review('a', 'Accurate');
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select review('b', 'Fair'), review('b', 'Inaccurate');
select task_id, regexp_replace(feedback_task_id, '\d+$', 'N') as feedback_task_id, user_id, feedback, feedback_color, note, created_at
from task_mgmt.task_feedback where project_name = 'p' order by feedback_id;

-- The newest comes first, and there are pages.
select f->>'feedback' as feedback, f->>'feedback_color' as color, f->>'task_id' as task, f->>'note' as note from jsonb_array_elements(get_task_feedback('p', 'ann')) with ordinality as g (f, n) order by n;
select f->>'feedback' as feedback from jsonb_array_elements(get_task_feedback('p', 'ann', max_rows => 2, skip => 1)) with ordinality as g (f, n) order by n;
select jsonb_object_agg(key, jsonb_typeof(value)) from jsonb_each(get_task_feedback('p', 'ann', 1)->0);
select f->'task_link' = get_task('p', 'b')->'ng_state' as task, f->'feedback_link' = get_task('p', f->>'feedback_task_id')->'ng_state' as feedback from jsonb_array_elements(get_task_feedback('p', 'ann', 1)) f;
select get_task_feedback('p', 'bob'), get_task_feedback('p', 'ann', 0), get_task_feedback('p', 'ann', 5, 2147483647);
select get_task_feedback('p', 'none');
select get_task_feedback('none', 'ann');
select get_task_feedback('p', 'ann', -1);
select get_task_feedback('p', 'ann', 1, -1);

-- Across projects it is the same, of those that the user is in and the caller may read.
select trace('q', 'c', 'ann');
select create_task('q', jsonb_build_object('task_id', 'f', 'task_type', 'trace_feedback_v0', 'ng_state', state(), 'extra_data', '{"original_task_id": "c", "original_user": "former"}'::jsonb)),
	start_task('q', 'bob', 'f'), release_task('q', 'bob', 'f', 'Perfect');
select f->>'project_name' as project, f->>'feedback' as feedback from jsonb_array_elements(get_task_feedback_cross_project('ann', 2, 1)) with ordinality as g (f, n) order by n;
create role regress_reader;
select grant_access('regress_reader', 'reader', 'q');
set role regress_reader;
select f->>'project_name' as project, f->>'feedback' as feedback from jsonb_array_elements(get_task_feedback_cross_project('ann')) f;
select get_task_feedback('p', 'ann');
select project_name, feedback from task_mgmt.task_feedback;
reset role;
select get_task_feedback_cross_project('none');
select get_task_feedback_cross_project('ann', -1);

-- Who did the work of a trace that is open again is told by extra_data; the feedback follows its task.
select reactivate_task('q', 'c'), reactivate_task('q', 'f'), start_task('q', 'bob', 'f'), release_task('q', 'bob', 'f', 'Fair');
select user_id, feedback, feedback_color from task_mgmt.task_feedback where project_name = 'q';
select update_task('q', 'f', '{"extra_data": {"original_task_id": "c"}, "completion_status": "Perfect"}');
select user_id, feedback, feedback_color from task_mgmt.task_feedback where project_name = 'q';
-- A review that is open again, cancelled or faulty after all is none, and leaves no gap in a page.
create function seen(max_rows integer) returns text[] language sql as $$
	select array_agg(f->>'feedback' order by n) from jsonb_array_elements(get_task_feedback('p', 'ann', max_rows)) with ordinality as g (f, n) $$;
create function newest() returns text language sql as $$
	select feedback_task_id from task_mgmt.task_feedback where project_name = 'p' order by feedback_id desc limit 1 $$;
select newest() as newest \gset
select :'newest' ~ '^feedback_b_' as of_b, seen(2);
select reactivate_task('p', :'newest'), seen(2), seen(9);
select cancel_task('p', :'newest'), seen(2);
select count(*) from task_mgmt.task_feedback where project_name = 'p';
select reactivate_task('p', :'newest'), start_task('p', 'bob', :'newest') is not null as started, release_task('p', 'bob', :'newest', 'Accurate'), seen(2);
select update_task('p', :'newest', '{"completion_status": "Faulty Task"}'), seen(9);
select update_task('p', :'newest', '{"completion_status": "Inaccurate"}'), seen(9);
drop function seen, newest;
-- Without the name of a trace there is nothing to record.
select create_task_type('q', '{"task_type": "own", "completion_statuses": ["Perfect"]}'), register_handler('q', 'own', 'completion', 'task_mgmt.complete_trace_feedback_v0(text, text, text)'),
	create_task('q', '{"task_id": "nameless", "task_type": "own"}'), start_task('q', 'bob', 'nameless'), release_task('q', 'bob', 'nameless', 'Perfect');
select count(*) from task_mgmt.task_feedback where project_name = 'q';
select * from task_mgmt.check_invariants();

-- A policy makes some of the completed traces be reviewed: all, none, or a share that depends on the task only.
select set_feedback_policy('p', 'trace_v0', 100), get_feedback_policy('p');
create view reviews as select extra_data->>'original_task_id' as trace, extra_data->>'original_user' as author, extra_data->>'original_completion_status' as status, status as state
	from task_mgmt.tasks where project_name = 'p' and task_type = 'trace_feedback_v0' and status = 'queued' order by task_id;
select trace('p', 'd', 'ann');
select * from reviews;
select task_mgmt.complete_trace_v0('p', 'd', 'Can''t Continue');
select count(*) from reviews;
select reactivate_task('p', 'd'), trace('p', 'd', 'bob');
select * from reviews where author = 'bob';
select set_feedback_policy('p', 'trace_v0', 0), trace('p', 'e', 'ann');
select count(*) from reviews where trace = 'e';
-- A user may have a share of their own.
select set_feedback_policy('p', 'trace_v0', 100, 'ann'), trace('p', 'g', 'ann'), trace('p', 'h', 'bob');
select trace, author from reviews where trace in ('g', 'h');
select set_feedback_policy('p', 'trace_v0', 100), set_feedback_policy('p', 'trace_v0', 0, 'ann'), trace('p', 'j', 'ann'), trace('p', 'k', 'bob');
select trace, author from reviews where trace in ('j', 'k');
select get_feedback_policy('p');
select task_type, user_id, share_percent from task_mgmt.feedback_policies where project_name = 'p' order by user_id nulls first;
select set_feedback_policy('p', 'trace_v0', null, 'ann'), set_feedback_policy('p', 'trace_v0', null, 'ann') as again;
select set_feedback_policy('p', 'trace_v0', 12.5), get_feedback_policy('p');
select detail from task_mgmt.events where project_name = 'p' and kind = 'project_changed' order by event_no;
do $$ begin perform trace('p', 'many_' || i, 'ann') from generate_series(1, 400) i; end $$;
select count(*) as an_eighth from reviews where trace ~ 'many';
-- Whoever completes them again, the same ones are reviewed.
do $$ begin perform reactivate_task('p', 'many_' || i), trace('p', 'many_' || i, 'bob') from generate_series(1, 400) i; end $$;
select reviews, count(*) as traces from (select trace, count(*) as reviews from reviews where trace ~ 'many' group by trace) as reviewed group by reviews;
-- A faulty task is not reviewed, and a type has its own policy.
select set_feedback_policy('p', 'trace_v0', 100), update_task_type('p', 'trace_v0', '{"completion_statuses": ["Can''t Continue", "Faulty Task"]}'), trace('p', 'i', 'ann', 'Faulty Task');
select count(*) from reviews where trace = 'i';
select create_task_type('p', '{"task_type": "own", "completion_statuses": ["Done"]}'), register_handler('p', 'own', 'completion', 'task_mgmt.complete_trace_v0(text, text, text)'),
	create_task('p', '{"task_id": "o", "task_type": "own"}'), create_task('p', '{"task_id": "p", "task_type": "own"}');
select trace('p', 'o', 'ann', 'Done'), set_feedback_policy('p', 'own', 100), trace('p', 'p', 'ann', 'Done');
select trace, status from reviews where trace in ('o', 'p');

select set_feedback_policy('p', 'trace_v0', 100.01);
select set_feedback_policy('p', 'trace_v0', -1);
select set_feedback_policy('p', 'trace_v0', 1.234);
select set_feedback_policy('p', 'trace_v0', 'NaN');
select set_feedback_policy('p', 'none', 1);
select set_feedback_policy('p', 'trace_v0', 1, 'none');
select set_feedback_policy('none', 'trace_v0', 1);
select create_project('r'), create_task_type('r', '{"task_type": "own"}');
select set_feedback_policy('r', 'own', 1);
select get_feedback_policy('none');
select * from task_mgmt.check_invariants();

-- Feedback goes with the tasks, policies with users and types.
select clear_project_data('p')->'tasks' > '400' as tasks, set_feedback_policy('p', 'trace_v0', 5, 'ann');
select count(*) from task_mgmt.task_feedback where project_name = 'p';
select clear_project_users('p'), get_feedback_policy('p');
select clear_project_task_types('p'), get_feedback_policy('p');
select * from task_mgmt.check_invariants();

select revoke_access('regress_reader', 'q'), delete_project('p', cascade => true), delete_project('q', cascade => true), delete_project('r');
drop role regress_reader;
drop view reviews;
drop function review, trace, state;
reset task_mgmt.fake_now;
