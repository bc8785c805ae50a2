-- Time: every submission is kept as it was made, with the user's rate of that moment; totals are sums over them.

create table task_mgmt.submission (
	project_name text collate "C" not null,
	submission_no bigint not null,
	user_no integer not null,
	task_no bigint not null,
	seconds_spent numeric(12, 3) not null,
	hourly_rate numeric not null,
	submitted_at timestamptz not null,
	constraint submission_pkey primary key (project_name, submission_no),
	constraint seconds_spent_is_positive check (seconds_spent > 0)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.submission', '');

create index submission_user_idx on task_mgmt.submission (project_name, user_no, submitted_at);
create index submission_task_idx on task_mgmt.submission (project_name, task_no, user_no);
