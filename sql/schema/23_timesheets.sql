-- Time: every submission is kept as it was made, with the user's rate of that moment; totals are sums over them. A correction is
-- a submission, too, made by a role and with a reason; only a correction takes time back.

create table task_mgmt.submission (
	project_name text collate "C" not null,
	submission_no bigint not null,
	user_no integer not null,
	task_no bigint not null,
	seconds_spent numeric(12, 3) not null,
	hourly_rate numeric not null,
	submitted_at timestamptz not null,
	reason text,
	corrected_by text,
	constraint submission_pkey primary key (project_name, submission_no),
	constraint seconds_spent_is_positive check (seconds_spent > 0 or reason is not null and seconds_spent < 0),
	constraint correction_has_a_reason check ((reason is null) = (corrected_by is null))
);
select pg_catalog.pg_extension_config_dump('task_mgmt.submission', '');

create index submission_user_idx on task_mgmt.submission (project_name, user_no, submitted_at);
create index submission_task_idx on task_mgmt.submission (project_name, task_no, user_no);
