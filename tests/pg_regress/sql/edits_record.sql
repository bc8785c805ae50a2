-- Edits that users make while they work: kept with points in nanometres, found by number, task and user.

do $$ begin
	perform create_project(p), create_task_type(p, '{"task_type": "x"}'), create_user(p, '{"user_id": "u"}'), create_user(p, '{"user_id": "v"}'),
		create_tasks(p, '[{"task_id": "a", "task_type": "x"}, {"task_id": "b", "task_type": "x"}]')
	from unnest('{p, q}'::text[]) p;
end $$;
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- An edit is found as it was made, ids as text, to the last digit and the last bit of a coordinate.
select create_split_edit('p', 'a', 'u', '[["74450544596533638", 301477.96875, 72537.375, 151875.28125], [18446744073709551615, 0, -1.5, 2e3]]',
	'[["74450544596522393", 300431.0625, 72072.7734375, 0.30000000000000004]]') as split \gset
select get_split_edit('p', :split) - 'edit_id' as edit, (get_split_edit('p', :split)->>'edit_id')::bigint = :split as numbered, :split > 0 as positive;
select create_merge_edit('p', 'a', 'u', '[["0", 1, 2, 3], ["1", 4, 5, 6]]') as merge \gset
select get_merge_edit('p', :merge) - 'edit_id' as edit, (get_merge_edit('p', :merge)->>'edit_id')::bigint = :merge as numbered;
select create_merge_edit('p', 'a', 'u', get_merge_edit('p', :merge)->'points') <> :merge as another;

-- Newest first; by task, by user, by both.
set task_mgmt.fake_now = '2030-01-01 00:00:02+00';
select create_split_edit('p', 'b', 'u', '[]', '[]') > 0 as b_u, create_split_edit('p', 'b', 'u', '[["1", 1, 1, 1]]', '[]') > 0 as b_u_again, create_merge_edit('p', 'b', 'v', '[]') > 0 as b_v;
set task_mgmt.fake_now = '2030-01-01 00:00:01+00';
select create_split_edit('p', 'b', 'v', '[]', '[]') > 0 as b_v;
create function brief(edits jsonb) returns text language sql as $$
	select string_agg(format('%s %s %s %s', e->>'task_id', e->>'user_id', extract(second from (e->>'created_at')::timestamptz)::int, jsonb_array_length(e->'sources')), ', ' order by place)
	from jsonb_array_elements(edits) with ordinality as x (e, place) $$;
select brief(get_split_edits('p', 'b')) as of_b, brief(get_split_edits('p', user_id => 'u')) as of_u, brief(get_split_edits('p', 'b', 'v')) as of_b_v;
select brief(get_merge_edits('p', 'b')) as of_b, brief(get_merge_edits('p', user_id => 'u')) as of_u, get_merge_edits('p', 'a', 'v') as of_a_v;
select get_split_edits('p', 'none') as no_task, get_split_edits('p', user_id => 'none') as no_user, get_merge_edits('p', 'none', 'u') as nothing, get_split_edit('p', -1) is null as no_edit;
select get_split_edits('p');
select get_merge_edits('p', null, null);

-- Nothing of it is seen from another project.
select get_split_edits('q', 'a'), get_merge_edits('q', user_id => 'u'), get_split_edit('q', :split) is null as none;
select project_name, task_id, user_id, sources, sinks, created_at from task_mgmt.split_edits where edit_id = :split;
select project_name, task_id, user_id, points, created_at from task_mgmt.merge_edits where edit_id = :merge;

-- A point is exactly [id, x, y, z].
select create_split_edit('p', 'a', 'u', '[["1", 1, 2]]', '[]');
select create_split_edit('p', 'a', 'u', '[]', '[["1", 1, 2, 3], ["1", 1, 2, 3, 4]]');
select create_split_edit('p', 'a', 'u', '[]', '["1", 1, 2, 3]');
select create_split_edit('p', 'a', 'u', '{}', '[]');
select create_split_edit('p', 'a', 'u', '[]', null);
select create_merge_edit('p', 'a', 'u', '[["1", 1, 2, "3"]]');
select create_merge_edit('p', 'a', 'u', '[["1", 1, 2, 1e400]]');
select create_merge_edit('p', 'a', 'u', '[["18446744073709551616", 1, 2, 3]]');
select create_merge_edit('p', 'a', 'u', '[[-1, 1, 2, 3]]');
select create_merge_edit('p', 'a', 'u', '[[1.5, 1, 2, 3]]');
select create_merge_edit('p', 'a', 'u', '[["NaN", 1, 2, 3]]');
select create_merge_edit('p', 'a', 'u', null);

-- Project, task and user exist.
select create_split_edit('p', 'none', 'u', '[]', '[]');
select create_split_edit('p', 'a', 'none', '[]', '[]');
select create_merge_edit('none', 'a', 'u', '[]');
select get_split_edit('none', 1);
select get_merge_edits('none', 'a');

-- Who is bound to a role is acted for by its members only.
create role regress_worker;
create role regress_bound;
select grant_access('regress_worker', 'worker', 'p'), grant_access('regress_bound', 'worker', 'p'), bind_user('p', 'u', 'regress_bound');
set role regress_worker;
select create_merge_edit('p', 'a', 'u', '[]');
select create_merge_edit('p', 'a', 'v', '[]') > 0 as as_v;
set role regress_bound;
select create_split_edit('p', 'a', 'u', '[]', '[]') > 0 as as_u;
reset role;

-- Edits outlive their users, not their tasks.
select count(*) from task_mgmt.check_invariants();
select clear_project_users('p'), brief(get_split_edits('p', user_id => 'v'));
select clear_project_data('p'), get_split_edits('p', user_id => 'u'), get_merge_edits('p', user_id => 'v');
select count(*) from task_mgmt.split_edit;

select delete_project('p', cascade => true), delete_project('q', cascade => true);
drop function brief;
drop role regress_worker, regress_bound;
