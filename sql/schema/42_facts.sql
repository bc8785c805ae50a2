-- Facts: what tasks and people have found out, and which task has found out or read which fact.

create table task_mgmt.fact (
	project_name text collate "C" not null,
	fact_id text collate "C" not null,
	text text not null,
	tags text[] not null default '{}',
	metadata jsonb not null default '{}',
	namespace text collate "C" not null default 'default',
	subject text collate "C",
	predicate text collate "C",
	object_data jsonb,
	valid_from timestamptz,
	valid_to timestamptz,
	rule_id text,
	created_by text not null default current_user,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp(),
	constraint fact_pkey primary key (project_name, fact_id),
	constraint text_is_not_empty check (text <> ''),
	constraint metadata_is_an_object check (jsonb_typeof(metadata) = 'object'),
	constraint namespace_is_not_blank check (namespace ~ '\S'),
	constraint created_by_is_not_blank check (created_by ~ '\S'),
	constraint triple_is_whole check ((subject is null) = (predicate is null) and (subject is null) = (object_data is null)),
	constraint rule_is_for_a_triple check (rule_id is null or subject is not null),
	constraint validity_does_not_end_before_it_begins check (valid_from <= valid_to)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.fact', '');

create index fact_created_idx on task_mgmt.fact (project_name, created_at desc, fact_id);
create index fact_valid_to_idx on task_mgmt.fact (project_name, valid_to) where valid_to is not null;
-- Four names of full length would not fit into an entry; those of one subject are sorted when they are read.
create index fact_subject_idx on task_mgmt.fact (project_name, namespace, subject) where subject is not null;

-- Whoever looks for facts finds them by this, see src/facts/keys.rs. The project is part of each key.
create index fact_keys_idx on task_mgmt.fact using gin
	(task_mgmt.fact_keys(project_name, namespace, subject, predicate, tags, text, metadata));

create table task_mgmt.task_fact (
	project_name text collate "C" not null,
	task_no bigint not null,
	relation task_mgmt.fact_relation not null,
	fact_id text collate "C" not null,
	created_at timestamptz not null default clock_timestamp(),
	constraint task_fact_pkey primary key (project_name, task_no, relation, fact_id)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.task_fact', '');

create index task_fact_fact_idx on task_mgmt.task_fact (project_name, fact_id, relation, task_no);

create function task_mgmt.fact_status(valid_from timestamptz, valid_to timestamptz, at timestamptz)
returns task_mgmt.fact_status
language sql immutable parallel safe
return case
	when valid_from is null and valid_to is null then 'permanent'::task_mgmt.fact_status
	when at >= valid_to then 'expired'
	when at < valid_from then 'not_yet_valid'
	else 'valid'
end;
comment on function task_mgmt.fact_status(timestamptz, timestamptz, timestamptz) is
	'Internal: how a fact that is valid from one moment until just before another stands to a third.';
