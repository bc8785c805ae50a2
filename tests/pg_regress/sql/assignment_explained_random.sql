-- In random states the explanation says of every user and task what start_task does, and peek_tasks lists what it hands out.

do $$ begin
	perform create_project('p');
	perform create_task_type('p', jsonb_build_object('task_type', t, 'completion_statuses', '["Done", "Failed"]'::jsonb)) from unnest('{x, y}'::text[]) t;
	perform create_user('p', '{"user_id": "u0", "qualified_task_types": ["x", "y"], "qualified_segment_types": ["axon"]}');
	perform create_user('p', '{"user_id": "u1", "qualified_task_types": ["x"], "qualified_segment_types": ["axon", "soma"]}');
	perform create_user('p', '{"user_id": "u2", "qualified_task_types": ["x", "y"]}');
	perform create_tasks('p', (
		select jsonb_agg(jsonb_build_object('task_id', 't' || n, 'task_type', case n % 3 when 0 then 'y' else 'x' end, 'priority', n % 4, 'overlap', case when n in (2, 4) then 2 end,
			'segment_type', case n % 5 when 0 then 'axon' when 1 then 'soma' end))
		from generate_series(0, 11) n));
	perform create_dependency('p', jsonb_build_object('task_id', 't' || n, 'dependent_on_task_id', 't' || n - 4, 'required_completion_status', 'Done'))
	from generate_series(6, 11) n;
end $$;

-- What a call returns, though it is undone; the SQLSTATE if it fails.
create function outcome(call text) returns text language plpgsql as $$
declare
	result text;
begin
	begin
		execute call into result;
		raise exception using errcode = 'UNDO0';
	exception
		when sqlstate 'UNDO0' then return coalesce(result, 'none');
		when others then return sqlstate;
	end;
end $$;

create function any_of(variadic texts text[]) returns text language sql as $$ select texts[1 + floor(random() * cardinality(texts))::int] $$;

create function now_in(seconds float8) returns timestamptz language sql as $$
	select current_setting('task_mgmt.fake_now')::timestamptz + seconds * interval '1 s'
$$;

-- One change that may fail: random states are to be met in any order, the same ones however the tasks are found.
create function change() returns void language plpgsql as $$
declare
	u text := 'u' || floor(random() * 3);
	t text := (select task_id from (select task_id from task_mgmt.tasks where project_name = 'p' order by task_id) known order by random() limit 1);
begin
	perform set_config('task_mgmt.fake_now', (current_setting('task_mgmt.fake_now')::timestamptz + random() * interval '20 s')::text, false);
	execute any_of(
		format('select start_task(''p'', %L)', u), format('select start_task(''p'', %L)', u), format('select start_task(''p'', %L)', u),
		format('select start_task(''p'', %L, %L)', u, t), format('select start_task(''p'', %L, %L)', u, t),
		format('select release_task(''p'', %L, get_user(''p'', %1$L)->>''active_task'', %L)', u, any_of('Done', 'Done', 'Failed')),
		format('select release_task(''p'', %L, get_user(''p'', %1$L)->>''active_task'')', u),
		format('select release_task(''p'', %L, get_user(''p'', %1$L)->>''active_task'')', u),
		format('select pause_task(''p'', %L)', t), format('select unpause_task(''p'', %L)', t),
		format('select assign_task(''p'', %L, %L)', t, u), format('select assign_task(''p'', %L, %L)', t, u), format('select assign_task(''p'', %L, null)', t),
		format('select cancel_task(''p'', %L)', t), format('select reactivate_task(''p'', %L)', t), format('select reactivate_task(''p'', %L)', t),
		format('select reactivate_task(''p'', %L)', t), format('select reactivate_task(''p'', %L)', t),
		format('select update_task(''p'', %L, ''{"is_active": false}'')', t), format('select update_task(''p'', %L, ''{"is_active": true}'')', t),
		format('select update_user(''p'', %L, ''{"is_active": %s, "qualified_task_types": %s}'')', u, any_of('true', 'true', 'true', 'false'), any_of('["x"]', '["x", "y"]', '["x", "y"]', '[]')),
		format('select grant_qualification(''p'', %L, %s, %s, now_in(%s))', u, any_of('''task_type'', ''x''', '''task_type'', ''y''', '''segment_type'', ''soma'''), any_of('null', '1', '2'), any_of('null', '30', '100')),
		format('select update_task_type(''p'', ''y'', ''{"min_level": %s}'')', any_of('0', '0', '1')),
		any_of('select pause_project(''p'')', 'select resume_project(''p'')', 'select resume_project(''p'')', 'select resume_project(''p'')'));
exception when others then null;
end $$;

create table met (what text);
create function original(task_id text) returns text language sql immutable return regexp_replace(task_id, '#\d+$', '');
create function walk(steps int) returns table (difference text) language plpgsql as $$
declare
	u text;
	t text;
	may_start boolean;
	may_get boolean;
	holds boolean;
	possible text[];
	started text;
	got text;
	peeked text[];
begin
	for step in 1..steps loop
		for n in 1..5 loop
			perform change();
		end loop;
		foreach u in array '{u0, u1, u2}'::text[] loop
			peeked := array(select p.task_id from peek_tasks('p', u, 100) p order by p.position);
			possible := '{}';
			got := outcome(format('select start_task(''p'', %L)', u));
			-- Of an original the user may get a copy.
			if original(got) <> original(coalesce(peeked[1], 'none')) and not (got = '55000' and peeked = '{}') then
				difference := format('step %s: %s gets %s, but is promised %s', step, u, got, peeked);
				return next;
			end if;
			foreach t in array array(select task_id from task_mgmt.tasks where project_name = 'p' order by 1) loop
				-- What is peeked comes after what is held.
				select bool_and(e.is_passed) filter (where e.applies_to = 'both'),
					bool_and(e.is_passed) filter (where e.rule <> 'the user may hold another task'),
					bool_or(not e.is_passed) filter (where e.rule = 'the user may hold another task')
				into may_start, may_get, holds from explain_assignment('p', u, t) e;
				started := outcome(format('select start_task(''p'', %L, %L)', u, t));
				if may_start <> (started = t or started like t || '#%') then
					difference := format('step %s: %s asks for %s and gets %s, explained as %s', step, u, t, started, may_start);
					return next;
				end if;
				possible := possible || array(select t where may_get);
				insert into met select e.rule from explain_assignment('p', u, t) e where not e.is_passed;
				insert into met values ('start ' || case when may_start then 'succeeds' else 'fails' end);
			end loop;
			-- Of several copies, and their original, one is peeked.
			if not peeked <@ possible or array(select distinct original(p) from unnest(possible) p order by 1) <> array(select original(p) from unnest(peeked) p order by 1) then
				difference := format('step %s: %s may get %s in time, peeked as %s', step, u, possible, peeked);
				return next;
			end if;
			-- What remains in the lanes is what is possible, or what is held.
			if (select coalesce(sum(l.remaining), 0) from explain_assignment('p', u) l where l.rule = 'the task is not paused') <> (case when holds then 1 else cardinality(possible) end) then
				difference := format('step %s: the lanes have another number of tasks for %s than %s', step, u, possible);
				return next;
			end if;
			insert into met select 'peeked: ' || p.why from peek_tasks('p', u, 100) p;
		end loop;
	end loop;
end $$;

set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select setseed(0.5);
select * from walk(250);
-- Everything was met.
select distinct what collate "C" as what from met order by what;
select * from task_mgmt.check_invariants();

reset task_mgmt.fake_now;
drop table met;
drop function original, walk, change, now_in, any_of, outcome;
select delete_project('p', cascade => true);
