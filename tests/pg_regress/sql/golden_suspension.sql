-- Golden tasks: a score below what the task type asks for costs the qualification, until it is granted anew.

do $$ begin
	perform set_config('task_mgmt.fake_now', '2030-01-01 00:00:00+00', false);
	perform create_project('p');
	perform create_task_type('p', '{"task_type": "x", "completion_statuses": ["Yes", "No"], "golden_percent": 100, "golden_min_score_percent": 66.6, "golden_min_answers": 2}');
	perform create_task_type('p', '{"task_type": "y"}');
	perform create_user('p', jsonb_build_object('user_id', u, 'qualified_task_types', '["x", "y"]'::jsonb)) from unnest('{ann, bob, eve}'::text[]) u;
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 'g' || n, 'task_type', 'x', 'completion_status', 'Yes', 'completed_user_id', 'eve'))
		from generate_series(1, 9) n));
	perform add_golden_task('p', 'g' || n) from generate_series(1, 9) n;
	perform create_tasks('p', (select jsonb_agg(jsonb_build_object('task_id', 't' || n, 'task_type', 'x')) from generate_series(1, 40) n));
end $$;
-- A minute later, does a task and the check that follows it.
create function answer(user_id text, status text) returns void language plpgsql as $$ begin
	perform set_config('task_mgmt.fake_now', (current_setting('task_mgmt.fake_now')::timestamptz + interval '1 minute')::text, false);
	perform release_task('p', user_id, start_task('p', user_id), 'Yes'), release_task('p', user_id, start_task('p', user_id), status);
end $$;
create view seen as
	select s.user_id, s.answered, s.correct, s.score_percent, u.qualified_task_types
	from task_mgmt.golden_scores s
	join task_mgmt.users u using (project_name, user_id)
	order by 1;

-- Not before there are answers enough.
select answer('ann', 'No');
select * from seen;
select answer('ann', 'Yes');
select * from seen;
select user_id, role_name, kind, detail from task_mgmt.events where task_id is null and kind = 'qualification_suspended';
select start_task('p', 'ann');
select jsonb_path_query_array(get_qualifications('p', 'ann'), '$[*].name');
select * from task_mgmt.check_invariants();

-- Granted anew, only answers from then on count; the score goes on over all.
select grant_qualification('p', 'ann', 'task_type', 'x');
select answer('ann', 'No');
select * from seen;
select answer('ann', 'Yes');
select * from seen;
select update_user('p', 'ann', '{"qualified_task_types": ["x", "y"]}');
select answer('ann', 'Yes'), answer('ann', 'Yes'), answer('ann', 'No');
select * from seen;
select count(*) from task_mgmt.events where kind = 'qualification_suspended';

-- At the threshold is not below it; without a threshold nobody is suspended, nor if the qualification is gone already.
select update_task_type('p', 'x', '{"golden_min_score_percent": 50}'), answer('bob', 'Yes'), answer('bob', 'No');
select * from seen where user_id = 'bob';
select update_task_type('p', 'x', '{"golden_min_score_percent": null}'), answer('bob', 'No');
select update_task_type('p', 'x', '{"golden_min_score_percent": 100}'), release_task('p', 'bob', start_task('p', 'bob'), 'Yes'), start_task('p', 'bob') as checking \gset
select revoke_qualification('p', 'bob', 'task_type', 'x'), release_task('p', 'bob', :'checking', 'No');
select * from seen where user_id = 'bob';
select count(*) from task_mgmt.events where kind = 'qualification_suspended';
select * from task_mgmt.check_invariants();

drop view seen;
drop function answer;
select delete_project('p', cascade => true);
reset task_mgmt.fake_now;
