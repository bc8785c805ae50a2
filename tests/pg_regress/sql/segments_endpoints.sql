-- Endpoints: every status that one is given is kept.

do $$ begin
	perform create_project('p');
	perform create_user('p', '{"user_id": "u"}'), create_user('p', '{"user_id": "v"}');
	perform create_segments('p', '[{"seed_id": 18446744073709551615, "seed_x": 0, "seed_y": 0, "seed_z": 0}, {"seed_id": 2, "seed_x": 0, "seed_y": 0, "seed_z": 0}]');
end $$;
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
set timezone = 'UTC';

-- Numbers go on from test to test, so they are shown from the first one on.
create temp table first as
select create_endpoint('p', '{"seed_id": 18446744073709551615, "x": 1, "y": 2.5, "z": -3, "status": "CERTAIN", "user_id": "u"}') as id;
create function shown(objects jsonb) returns setof jsonb language sql as $$
	select (object || jsonb_build_object('endpoint_id', (object->>'endpoint_id')::int - first.id)) - 'update_id' from first, jsonb_array_elements(objects) object
$$;
select shown(get_endpoints('p', 18446744073709551615)), shown(get_endpoint_updates('p', (select id from first)));

-- All statuses can be given; giving the same one again writes nothing.
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select status, update_endpoint_status('p', first.id, 'v', status) from first, unnest('{UNCERTAIN, CONTINUED, CONTINUED, BREADCRUMB}'::text[]) status;
select shown(get_endpoint_updates('p', id)) - 'updated_at' as update from first;
select shown(get_endpoints('p', 18446744073709551615));

-- A set of points: who stays keeps the number, who is new gets one, who is missing goes, while its history stays.
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
create function replace(text) returns jsonb language sql as $$ select replace_endpoints('p', 18446744073709551615, 'v', $1::jsonb) $$;
select replace('[{"x": 1, "y": 2.5, "z": -3, "status": "BREADCRUMB"}, {"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}, {"x": 9, "y": 9, "z": 9, "status": "CERTAIN"}]');
select shown(get_endpoints('p', 18446744073709551615)) - '{created_at,updated_at}'::text[] as endpoint;
select replace('[{"x": 9, "y": 9, "z": 9, "status": "UNCERTAIN"}, {"x": -0.0, "y": 0, "z": 0, "status": "CERTAIN"}]');
select shown(get_endpoints('p', 18446744073709551615)) - '{created_at,updated_at}'::text[] as endpoint;
select shown(get_endpoint_updates('p', id)) - 'updated_at' as still from first;

-- The same again changes nothing.
select replace('[{"x": 9, "y": 9, "z": 9, "status": "UNCERTAIN"}, {"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}]');
select count(*) from task_mgmt.endpoint_updates where project_name = 'p';

-- One point may be given several times.
select replace('[{"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}, {"x": 0, "y": 0, "z": 0, "status": "BREADCRUMB"}, {"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}]');
select replace('[{"x": 0, "y": 0, "z": 0, "status": "BREADCRUMB"}, {"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}, {"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}]');
select replace('[]'), get_endpoints('p', 18446744073709551615);

-- Endpoints of another segment are untouched.
select create_endpoint('p', '{"seed_id": 2, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}') > id as later, replace('[]') from first;
select seed_id, x, y, z, status, user_id, created_at from task_mgmt.endpoints where project_name = 'p';

-- Wrong data is refused by name.
select create_endpoint('p', '{"seed_id": 3, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}');
select create_endpoint('p', '{"seed_id": 2, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "nobody"}');
select create_endpoint('p', '{"seed_id": 2, "x": 0, "y": 0, "z": 0, "status": "certain", "user_id": "u"}');
select create_endpoint('p', '{"seed_id": 2, "x": 0, "y": 0, "status": "CERTAIN", "user_id": "u"}');
select create_endpoint('p', '{"seed_id": 2, "x": 1e999, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}');
select create_endpoint('none', '{"seed_id": 2, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}');
select update_endpoint_status('p', -1, 'u', 'CERTAIN');
select update_endpoint_status('p', -1, 'nobody', 'CERTAIN');
select update_endpoint_status('p', -1, 'u', 'GONE');
select update_endpoint_status('none', -1, 'u', 'CERTAIN');
select replace_endpoints('p', 3, 'u', '[]');
select replace_endpoints('p', 2, 'nobody', '[]');
select replace_endpoints('p', 2, 'u', '[{"x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}]');
select replace_endpoints('p', 2, 'u', '{}');
select replace_endpoints('p', 2, 'u', null);
select get_endpoints('p', 3);
select get_endpoints('none', 2);
select get_endpoint_updates('p', -1);
select get_endpoint_updates('none', 1);

-- Who may not act as a user makes no endpoints in that name.
create role regress_bound;
create role regress_worker;
select grant_access('regress_worker', 'worker', 'p'), bind_user('p', 'u', 'regress_bound');
set role regress_worker;
select create_endpoint('p', '{"seed_id": 2, "x": 0, "y": 0, "z": 0, "status": "CERTAIN", "user_id": "u"}');
select replace_endpoints('p', 2, 'u', '[]');
select replace_endpoints('p', 2, 'v', '[{"x": 0, "y": 0, "z": 0, "status": "CERTAIN"}]');
reset role;

select * from task_mgmt.check_invariants();
drop function replace(text), shown;
drop table first;
reset task_mgmt.fake_now;
reset timezone;
select delete_project('p', cascade => true);
drop role regress_bound, regress_worker;
