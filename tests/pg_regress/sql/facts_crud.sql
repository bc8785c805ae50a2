-- Facts: recording, reading, changing and removing them.

select create_project('p'), create_project('q');
set timezone = 'UTC';
set task_mgmt.fake_now = '2030-01-01 00:00:00+00';

-- S31: what is recorded is read; only the text is needed.
select create_fact('p', '{"fact_id": "a", "text": "Water boils at 100 °C", "tags": ["physics", "water"], "metadata": {"pressure": 1.0130, "deep": {"list": [1, {"x": null}]}}}');
select jsonb_pretty(get_fact('p', 'a') - 'created_by'), get_fact('p', 'a') ->> 'created_by' = current_user as by_me;
select create_fact('p', '{"text": "x", "tags": null, "metadata": null, "namespace": null, "fact_id": null, "created_by": null, "valid_to": null}') as id \gset
select :'id' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' as is_uuid,
	get_fact('p', :'id') - '{fact_id,created_by}'::text[] as fact;
select create_fact('p', '{"fact_id": "b", "text": "The sky is blue", "namespace": "colours", "subject": "sky", "predicate": "colour", "object_data": "blue", "valid_from": "2029-01-01T00:00:00+01:00", "valid_to": "2031-01-01T00:00:00Z", "rule_id": "r1", "created_by": "optics"}');
select get_fact('p', 'b');

-- S31: of a change only the given keys count, and their values replace the old ones as a whole.
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select update_fact('p', 'a', '{"metadata": {"pressure": 1}}');
select get_fact('p', 'a') - '{created_by}'::text[] as fact;
select update_fact('p', 'a', '{"tags": null, "metadata": null, "text": "Water boils"}');
select get_fact('p', 'a') - '{created_by}'::text[] as fact;

-- What changes nothing leaves updated_at; a fact can be written back as it was read.
set task_mgmt.fake_now = '2030-01-03 00:00:00+00';
select update_fact('p', 'a', '{}'), update_fact('p', 'b', get_fact('p', 'b')), update_fact('p', 'a', '{"text": "Water boils"}');
select fact_id, updated_at from task_mgmt.facts where fact_id in ('a', 'b') order by fact_id;
select update_fact('p', 'b', get_fact('p', 'b') || '{"object_data": {"name": "blue"}, "valid_to": null, "rule_id": null}');
select get_fact('p', 'b');

-- Null is refused where something must be, and so is what no update sets.
select update_fact('p', 'a', '{"text": null}');
select update_fact('p', 'a', '{"text": ""}');
select update_fact('p', 'a', '{"namespace": null}');
select update_fact('p', 'a', '{"fact_id": "z"}');
select update_fact('p', 'a', '{"status": "expired"}');
select update_fact('p', 'a', '{"created_by": "z"}');
select update_fact('p', 'a', '{"meta_data": {}}');
select update_fact('p', 'a', null);

-- S36: half a triple, an interval that ends before it begins, a blank namespace; also by a change.
select create_fact('p', '{"text": "x", "subject": "only"}');
select create_fact('p', '{"text": "x", "subject": "s", "predicate": "p", "object_data": null}');
select create_fact('p', '{"text": "x", "valid_from": "2030-01-02T00:00:00Z", "valid_to": "2030-01-01T23:59:59.999999Z"}');
select create_fact('p', '{"text": "x", "namespace": " "}');
select create_fact('p', '{"text": "x", "namespace": ""}');
select create_fact('p', '{"text": "x", "rule_id": "r"}');
select create_fact('p', '{"text": "x", "created_by": "\t"}');
select update_fact('p', 'a', '{"subject": "only"}');
select update_fact('p', 'b', '{"predicate": null}');
select update_fact('p', 'b', '{"valid_to": "2028-01-01T00:00:00Z"}');
select update_fact('p', 'b', '{"namespace": "  "}');

-- The same by hand: the table itself refuses it.
\set VERBOSITY terse
insert into task_mgmt.fact (project_name, fact_id, text, subject) values ('p', 'x', 'x', 'only');
insert into task_mgmt.fact (project_name, fact_id, text, valid_from, valid_to) values ('p', 'x', 'x', '2030-01-02', '2030-01-01');
insert into task_mgmt.fact (project_name, fact_id, text, namespace) values ('p', 'x', 'x', ' ');
insert into task_mgmt.fact (project_name, fact_id, text, rule_id) values ('p', 'x', 'x', 'r');
insert into task_mgmt.fact (project_name, fact_id, text, metadata) values ('p', 'x', 'x', '[]');
insert into task_mgmt.fact (project_name, fact_id, text) values ('p', 'x', '');
\set VERBOSITY default

-- Anything else that is wrong is refused by name.
select create_fact('p', '{}');
select create_fact('p', '{"text": null}');
select create_fact('p', '{"text": 1}');
select create_fact('p', '{"text": "x", "metadata": [1]}');
select create_fact('p', '{"text": "x", "tags": "physics"}');
select create_fact('p', '{"text": "x", "tags": ["ok", ""]}');
select create_fact('p', '{"text": "x", "valid_from": "yesterday"}');
select create_fact('p', '{"text": "x", "nope": 1}');
select create_fact('p', '{"text": "x", "fact_id": "a"}');
select create_fact('none', '{"text": "x"}');
select create_fact(null, '{"text": "x"}');
select get_fact('p', 'none');
select get_fact('none', 'a');
select get_fact('p', null);

-- Many at once, all or none.
select create_facts('p', '[{"text": "m1", "fact_id": "m1", "tags": ["é", "\"quoted\"", "a,b", "{}"]}, {"text": "m2", "fact_id": "m2", "object_data": 12345678901234567890.10, "subject": "s", "predicate": "p"}, {"text": "m3"}]');
select get_fact('p', 'm1') -> 'tags' as tags, get_fact('p', 'm2') -> 'object_data' as object_data;
select create_facts('p', '[{"text": "n1", "fact_id": "n1"}, {"text": "n2", "fact_id": "m1"}]');
select create_facts('p', '[{"text": "n1", "fact_id": "n1"}, {"text": "n2", "fact_id": "n1"}]');
select create_facts('p', '[{"text": "n1", "fact_id": "n1"}, {"text": ""}]');
select create_facts('p', '[{"text": "n1", "fact_id": "n1"}, {"text": "n2", "produced_by_task": "none"}]');
select create_facts('p', '[]');
select count(*) from task_mgmt.facts where text ~ '^[nm][123]$';

-- A fact is found by what its id begins with, letter for letter.
select create_facts('p', '[{"text": "x", "fact_id": "3fa1"}, {"text": "x", "fact_id": "3fa2"}, {"text": "x", "fact_id": "3fb1"}, {"text": "x", "fact_id": "3fb11"}, {"text": "x", "fact_id": "3fc"}, {"text": "x", "fact_id": "3f%"}, {"text": "x", "fact_id": "😀😀"}]');
select find_fact('p', '3fa1'), find_fact('p', '3fb11'), find_fact('p', '3fc') as whole, find_fact('p', '3fb1') as whole_of_several, find_fact('p', '3f%') as literal, find_fact('p', '😀');
select find_fact('p', '3f');
select find_fact('p', '3fa');
select find_fact('p', '%');
select find_fact('p', '3fd');
select find_fact('p', '');
select find_fact('none', '3f');
select find_fact('q', '3fa1');

-- S32: what is removed is gone.
select delete_fact('p', 'a');
select delete_fact('p', 'a');
select get_fact('p', 'a');
select update_fact('p', 'a', '{}');

-- Workers record, managers remove, readers read.
create role fact_worker;
create role fact_reader;
select grant_access('fact_worker', 'worker', 'p'), grant_access('fact_reader', 'reader', 'p');
set role fact_worker;
select create_fact('p', '{"fact_id": "w", "text": "by a worker"}'), get_fact('p', 'w') ->> 'created_by' as created_by, update_fact('p', 'w', '{"tags": ["t"]}');
select delete_fact('p', 'w');
select count(*) from task_mgmt.facts where fact_id = 'w';
set role fact_reader;
select get_fact('p', 'w') ->> 'text' as text, list_facts('p', '{"tag": "t"}') -> 'total' as total;
select create_fact('p', '{"text": "x"}');
select get_fact('q', 'w');
select list_facts('q');
reset role;

-- A project with facts is not removed by mistake.
select clear_project_data('p') ->> 'tasks' as tasks, (select count(*) > 0 from task_mgmt.fact where project_name = 'p') as has_facts;
select delete_project('p');
select delete_project('p', cascade => true), delete_project('q');
select count(*) from task_mgmt.fact;
drop owned by fact_worker, fact_reader;
drop role fact_worker, fact_reader;
