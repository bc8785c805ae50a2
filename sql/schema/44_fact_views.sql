-- What people read of facts: the facts with their status, and which task has found out or read them.

create view task_mgmt.fact_details as
select f.project_name, f.fact_id, f.text, f.tags, f.metadata, f.namespace, f.subject, f.predicate, f.object_data,
	f.valid_from, f.valid_to, f.rule_id, task_mgmt.fact_status(f.valid_from, f.valid_to, task_mgmt.present()) as status,
	f.created_by, f.created_at, f.updated_at
from task_mgmt.fact f;
comment on view task_mgmt.fact_details is 'Internal: facts of all projects.';

create function task_mgmt.fact_as_json(fact task_mgmt.fact_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'fact_id', fact.fact_id,
	'text', fact.text,
	'tags', fact.tags,
	'metadata', fact.metadata,
	'namespace', fact.namespace,
	'subject', fact.subject,
	'predicate', fact.predicate,
	'object_data', fact.object_data,
	'valid_from', fact.valid_from,
	'valid_to', fact.valid_to,
	'rule_id', fact.rule_id,
	'status', fact.status,
	'created_by', fact.created_by,
	'created_at', fact.created_at,
	'updated_at', fact.updated_at
);
comment on function task_mgmt.fact_as_json(task_mgmt.fact_details) is 'Internal: a fact in the shape that get_fact returns.';

create view task_mgmt.facts with (security_barrier) as
select * from task_mgmt.fact_details
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.facts is 'What tasks and people have found out.';
comment on column task_mgmt.facts.project_name is 'The project.';
comment on column task_mgmt.facts.fact_id is 'The fact''s name within the project.';
comment on column task_mgmt.facts.text is 'The fact in words.';
comment on column task_mgmt.facts.tags is 'Words that it is filed under.';
comment on column task_mgmt.facts.metadata is 'Whatever else is known about it, an object.';
comment on column task_mgmt.facts.namespace is 'The part of the project''s knowledge that it belongs to.';
comment on column task_mgmt.facts.subject is 'What it is about, if it is a triple.';
comment on column task_mgmt.facts.predicate is 'What it says of the subject, if it is a triple.';
comment on column task_mgmt.facts.object_data is 'The value that the subject has, if it is a triple.';
comment on column task_mgmt.facts.valid_from is 'Since when it is in effect; null for always.';
comment on column task_mgmt.facts.valid_to is 'From when on it is not in effect any more; null for never.';
comment on column task_mgmt.facts.rule_id is 'The rule that governs it, if any does.';
comment on column task_mgmt.facts.status is 'Whether it is in effect: permanent, not_yet_valid, valid, expired.';
comment on column task_mgmt.facts.created_by is 'Who has found it out.';
comment on column task_mgmt.facts.created_at is 'When it was recorded.';
comment on column task_mgmt.facts.updated_at is 'When it was last changed.';

create view task_mgmt.fact_lineage with (security_barrier) as
select l.project_name, t.task_id, l.relation, l.fact_id, l.created_at
from task_mgmt.task_fact l
join task_mgmt.task t on t.project_name = l.project_name and t.task_no = l.task_no
where l.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.fact_lineage is 'Which task has found out or read which fact.';
comment on column task_mgmt.fact_lineage.project_name is 'The project.';
comment on column task_mgmt.fact_lineage.task_id is 'The task.';
comment on column task_mgmt.fact_lineage.relation is 'produces if the task has found it out, reads if it was read for the task.';
comment on column task_mgmt.fact_lineage.fact_id is 'The fact.';
comment on column task_mgmt.fact_lineage.created_at is 'When that was recorded first.';
