-- Projects: the tenants. Every other table is led by project_name. limits_no is null where there are no rows of task_mgmt.task_limit,
-- so that work asks no more, and changes with them otherwise, so that a backend knows whether it knows them.

create table task_mgmt.project (
	project_name text collate "C" not null,
	status task_mgmt.project_status not null default 'active',
	limits_no bigint,
	description text not null default '',
	segmentation_path text,
	sv_resolution_x double precision,
	sv_resolution_y double precision,
	sv_resolution_z double precision,
	brain_mesh_path text,
	datastack_name text,
	synapse_table text,
	extra_layers jsonb,
	max_idle_seconds double precision,
	created_at timestamptz not null,
	notify_events jsonb,
	constraint project_pkey primary key (project_name),
	constraint resolution_is_positive
		check (sv_resolution_x > 0 and sv_resolution_y > 0 and sv_resolution_z > 0),
	constraint extra_layers_is_a_list check (jsonb_typeof(extra_layers) = 'array'),
	constraint max_idle_seconds_is_positive check (max_idle_seconds > 0)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.project', '');
