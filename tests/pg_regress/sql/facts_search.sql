-- Facts: looking for them.

select create_project('p'), create_project('q');
set timezone = 'UTC';

create function found(filters jsonb, max_rows int default 100, skip int default 0, project text default 'p') returns text
language sql as $$
	select format('%s of %s: %s', jsonb_array_length(listed -> 'items'), listed ->> 'total',
		(select string_agg(item ->> 'fact_id', ' ' order by place) from jsonb_array_elements(listed -> 'items') with ordinality as items (item, place)))
	from list_facts(project, filters, max_rows, skip) as listed
$$;

set task_mgmt.fake_now = '2030-01-01 00:00:00+00';
select create_facts('p', '[
	{"fact_id": "b", "text": "Grown by 100% since May", "tags": ["growth"], "metadata": {"source": "Report"}},
	{"fact_id": "a", "text": "Grown by 1000 since June", "tags": ["growth", "june"], "metadata": {"source": "Survey_7", "size": 1.50}}]');
set task_mgmt.fake_now = '2030-01-02 00:00:00+00';
select create_facts('p', '[
	{"fact_id": "c", "text": "A back\\slash and an under_score", "tags": ["odd"], "metadata": {"list": ["x", {"y": [1, 2]}], "size": 1.5}},
	{"fact_id": "d", "text": "ΟΔΟΣ und Straße", "tags": ["GROWTH"], "metadata": {"ÉTÉ": true, "text": "says \"quoted\""}}]');
select create_fact('q', '{"fact_id": "a", "text": "Grown by 100% elsewhere", "tags": ["growth"], "metadata": {"source": "Report"}}');

-- Newest first, those of one moment by their ids; only the project's own.
select found('{}'), found('{}', project => 'q');

-- S33: a part of the text or of the metadata, in upper or lower case; no character is special.
select found('{"q": "grown"}') as by_text, found('{"q": "SURVEY_"}') as by_metadata, found('{"q": "100%"}') as percent, found('{"q": "r_s"}') as underscore,
	found('{"q": "k\\s"}') as backslash, found('{"q": "wn b%00"}') as none;
select found('{"q": "οδος"}') as sigma, found('{"q": "STRASSE"}') as sharp_s, found('{"q": "été"}') as accents, found('{"q": "\\\"quoted"}') as as_json, found('{"q": "\"size\": 1.5"}') as with_key;
-- Too short for the index, or nothing at all.
select found('{"q": "7"}'), found('{"q": "%"}'), found('{"q": "_"}'), found('{"q": ""}') as everything, found('{"q": "ß"}') as one_letter;

-- S33: a tag exactly; all filters together.
select found('{"tag": "growth"}'), found('{"tag": "grow"}') as part, found('{"tag": "growth", "q": "june"}'), found('{"tag": "growth", "q": "may"}'),
	found('{"tags": ["growth", "june"]}') as both, found('{"tags": ["growth"], "tag": "odd"}') as contradictory, found('{"tags": []}') as any;
select found('{"metadata": {"size": 1.500}}') as number, found('{"metadata": {"list": [{"y": [2]}]}}') as nested, found('{"metadata": {"list": ["y"]}}') as none,
	found('{"metadata": {}}') as any, found('{"metadata": {"source": "Report"}, "q": "may"}') as both, found('{"metadata": {"size": "1.5"}}') as other_type;
select found('{"q": null, "tag": null, "tags": null, "metadata": null, "namespace": null, "subject": null, "predicate": null, "status": null, "at": null, "produced_by": null, "read_by": null}') as nothing_asked;

-- S34: pages; the total does not depend on them.
select found('{}', 1), found('{}', 2, 1), found('{}', 1000, 3), found('{}', 5, 9), found('{"q": "grown"}', 1, 1), found('{"q": "grown"}', 1, 2);
select list_facts('p', max_rows => 0);
select list_facts('p', max_rows => 1001);
select list_facts('p', skip => -1);
select list_facts('p', max_rows => null);
select list_facts('p', '{"nope": 1}');
select list_facts('p', '{"status": "banana"}');
select list_facts('p', '{"metadata": ["x"]}');
select list_facts('p', '{"at": "noon"}');
select list_facts('p', '{"read_by": "none"}');
select list_facts('p', null);
select list_facts('none');

-- Moments: valid_from belongs to the interval, valid_to does not.
select create_facts('p', '[
	{"fact_id": "t1", "text": "from", "namespace": "time", "valid_from": "2030-02-01T00:00:00Z"},
	{"fact_id": "t2", "text": "to", "namespace": "time", "valid_to": "2030-02-01T00:00:00Z"},
	{"fact_id": "t3", "text": "never", "namespace": "time", "valid_from": "2030-02-01T00:00:00Z", "valid_to": "2030-02-01T00:00:00Z"},
	{"fact_id": "t4", "text": "always", "namespace": "time"},
	{"fact_id": "t5", "text": "between", "namespace": "time", "subject": "s", "predicate": "p", "object_data": 0, "rule_id": "r", "valid_from": "2030-01-01T00:00:00Z", "valid_to": "2030-03-01T00:00:00Z"}]');
set task_mgmt.fake_now = '2030-01-31 23:59:59.999999+00';
select status, string_agg(fact_id, ' ' order by fact_id), found(jsonb_build_object('namespace', 'time', 'status', status)) from task_mgmt.facts where namespace = 'time' group by status order by status;
select fact_statistics('p'), fact_statistics('q'), delete_expired_facts('p', dry_run => true) as expired;
set task_mgmt.fake_now = '2030-02-01 00:00:00+00';
select status, string_agg(fact_id, ' ' order by fact_id), found(jsonb_build_object('namespace', 'time', 'status', status)) from task_mgmt.facts where namespace = 'time' group by status order by status;
select found('{"namespace": "time", "at": "2029-12-31T00:00:00Z"}'), found('{"namespace": "time", "at": "2030-02-01T00:00:00Z"}'), found('{"namespace": "time", "at": "2030-03-01T00:00:00+00:00"}');
select found('{"subject": "s"}'), found('{"predicate": "p", "namespace": "time"}'), found('{"subject": "s", "namespace": "default"}'), found('{"subject": "S"}');

-- Statistics; facts that are not valid yet are not active.
select fact_statistics('p');
select fact_statistics('none');

-- What is out of date is counted, then removed.
select delete_expired_facts('p', dry_run => true) as would_be, found('{"namespace": "time"}'), delete_expired_facts('p') as removed, delete_expired_facts('p') as again, delete_expired_facts('q') as elsewhere;
select found('{"namespace": "time"}');
select kind, detail from task_mgmt.events where project_name = 'p' and kind = 'project_cleared';
select delete_expired_facts('p', null);
select delete_expired_facts('none');

-- S37: of each triple what is in effect and took effect last.
select create_facts('q', '[
	{"fact_id": "old", "text": "x", "subject": "sky", "predicate": "colour", "object_data": "grey", "valid_from": "2029-01-01T00:00:00Z"},
	{"fact_id": "now", "text": "x", "subject": "sky", "predicate": "colour", "object_data": "blue", "valid_from": "2030-01-01T00:00:00Z"},
	{"fact_id": "gone", "text": "x", "subject": "sky", "predicate": "colour", "object_data": "red", "valid_from": "2030-01-15T00:00:00Z", "valid_to": "2030-02-01T00:00:00Z"},
	{"fact_id": "later", "text": "x", "subject": "sky", "predicate": "colour", "object_data": "black", "valid_from": "2030-02-01T00:00:00.000001Z"},
	{"fact_id": "high", "text": "x", "subject": "sky", "predicate": "height", "object_data": 1},
	{"fact_id": "twin1", "text": "x", "subject": "sea", "predicate": "colour", "object_data": 1},
	{"fact_id": "twin2", "text": "x", "subject": "sea", "predicate": "colour", "object_data": 2},
	{"fact_id": "mars", "text": "x", "namespace": "mars", "subject": "sky", "predicate": "colour", "object_data": "pink"},
	{"fact_id": "over", "text": "x", "namespace": "mars", "subject": "sea", "predicate": "colour", "object_data": "?", "valid_to": "2030-01-01T00:00:00Z"}]');
create function truth(namespace text default null, subject text default null, predicate text default null, max_rows int default 100, skip int default 0) returns text
language sql as $$
	select string_agg(fact ->> 'fact_id', ' ' order by place) from jsonb_array_elements(get_current_truth('q', namespace, subject, predicate, max_rows, skip)) with ordinality as facts (fact, place)
$$;
select truth(), truth('mars') as of_mars, truth(subject => 'sky') as of_sky, truth('default', 'sky', 'colour') as one, truth(predicate => 'height') as height, truth('none') as none, truth(max_rows => 1, skip => 1) as second;
set task_mgmt.fake_now = '2030-02-01 00:00:00.000001+00';
select truth('default', 'sky', 'colour');
set task_mgmt.fake_now = '2030-02-02 00:00:00+00';
select create_fact('q', '{"fact_id": "said", "text": "x", "subject": "sky", "predicate": "colour", "object_data": "said without a time, later"}'), truth('default', 'sky', 'colour');
select get_current_truth('q', 'mars') = jsonb_build_array(get_fact('q', 'mars')) as whole;
select get_current_truth('q', max_rows => 1001);
select get_current_truth('q', skip => -1);
select get_current_truth('none');

-- Every filter finds by the index what looking at each fact finds.
select create_facts('p', (
	select jsonb_agg(jsonb_build_object(
		'fact_id', 'r' || i,
		'text', (array['alpha', 'BETA', 'Gamma'])[1 + i % 3] || ' ' || md5(i::text),
		'tags', jsonb_build_array('t' || i % 7, 'u' || i % 5),
		'metadata', jsonb_build_object('n', i % 11, 'deep', jsonb_build_object('m', jsonb_build_array(i % 13, md5((i % 17)::text)))),
		'namespace', 'n' || i % 2, 'subject', 's' || i % 3, 'predicate', 'p' || i % 4, 'object_data', i))
	from generate_series(1, 3000) i));
select (list_facts('p', '{"q": "a BE"}') ->> 'total')::int = (select count(*) from task_mgmt.facts where project_name = 'p' and (text ilike '%a be%' or metadata::text ilike '%a be%')) as part,
	(list_facts('p', '{"q": "3f"}') ->> 'total')::int = (select count(*) from task_mgmt.facts where project_name = 'p' and (text ilike '%3f%' or metadata::text ilike '%3f%')) as short_part,
	(list_facts('p', '{"q": "3fa"}') ->> 'total')::int = (select count(*) from task_mgmt.facts where project_name = 'p' and (text ilike '%3fa%' or metadata::text ilike '%3fa%')) as part_of_both,
	(list_facts('p', '{"tags": ["t3", "u2"], "namespace": "n1", "subject": "s1", "predicate": "p1"}') ->> 'total')::int
		= (select count(*) from task_mgmt.facts where project_name = 'p' and tags @> '{t3,u2}' and namespace = 'n1' and subject = 's1' and predicate = 'p1') as names,
	(list_facts('p', '{"metadata": {"n": 4.0, "deep": {"m": [7]}}}') ->> 'total')::int
		= (select count(*) from task_mgmt.facts where project_name = 'p' and metadata @> '{"n": 4.0, "deep": {"m": [7]}}') as metadata;

-- A change is found by what it is now.
select update_fact('p', 'r1', '{"text": "Omega", "tags": ["new"], "metadata": {"k": "v"}, "namespace": "moved"}'), found('{"q": "omega"}'), found('{"tag": "new"}'), found('{"metadata": {"k": "v"}}'), found('{"namespace": "moved"}');

drop function found, truth;
select delete_project('p', cascade => true), delete_project('q', cascade => true);
