-- Qualifications: what a user may do, how well, and until when. The simple form of it, without level and expiry, are the arrays
-- of task_mgmt.project_user.

create table task_mgmt.qualification (
	project_name text collate "C" not null,
	user_no integer not null,
	kind text collate "C" not null,
	name text collate "C" not null,
	level integer,
	expires_at timestamptz,
	granted_at timestamptz not null,
	constraint qualification_pkey primary key (project_name, user_no, kind, name),
	constraint qualification_project_fkey foreign key (project_name) references task_mgmt.project,
	constraint kind_is_known check (kind in ('task_type', 'segment_type')),
	constraint level_is_not_negative check (level >= 0)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.qualification', '');
