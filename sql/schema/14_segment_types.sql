-- Segment types: kinds of cells, say. A user may be qualified for some of them only.

create table task_mgmt.segment_type (
	project_name text collate "C" not null,
	type_name text collate "C" not null,
	sample_segment_ids text[] not null default '{}',
	description text,
	region_mesh text,
	seed_mask text,
	instruction text,
	instruction_link text,
	created_at timestamptz not null,
	updated_at timestamptz not null,
	constraint segment_type_pkey primary key (project_name, type_name),
	constraint segment_type_project_fkey foreign key (project_name) references task_mgmt.project
);
select pg_catalog.pg_extension_config_dump('task_mgmt.segment_type', '');
