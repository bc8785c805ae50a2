-- Pay: every rate that a user had, and the totals of closed pay periods. What the totals are sums of is task_mgmt.submission.

-- A row is a rate that a user was given; the last one of a user is the rate in task_mgmt.project_user.
create table task_mgmt.rate (
	project_name text collate "C" not null,
	user_no integer not null,
	rate_no bigint not null,
	hourly_rate numeric not null,
	effective_from timestamptz not null,
	set_by text not null,
	constraint rate_pkey primary key (project_name, user_no, rate_no)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.rate', '');

-- A row is a closed period, from starts_at up to but not including ends_at. Closed periods do not overlap, so that each is found
-- by its end. cleared_at says since when the submissions that its totals are sums of are gone.
create table task_mgmt.pay_period (
	project_name text collate "C" not null,
	period_id bigint not null,
	starts_at timestamptz not null,
	ends_at timestamptz not null,
	note text,
	closed_at timestamptz not null,
	closed_by text not null,
	cleared_at timestamptz,
	constraint pay_period_pkey primary key (project_name, period_id),
	constraint pay_period_ends_at_key unique (project_name, ends_at),
	constraint pay_period_is_not_empty check (starts_at < ends_at)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.pay_period', '');

-- The totals of a user in a closed period, by name: they outlive the user.
create table task_mgmt.pay_total (
	project_name text collate "C" not null,
	period_id bigint not null,
	user_id text collate "C" not null,
	seconds numeric not null,
	cost numeric not null,
	constraint pay_total_pkey primary key (project_name, period_id, user_id)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.pay_total', '');
