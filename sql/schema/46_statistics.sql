-- How many tasks there are of each kind, and what every process has done, without counting them: every event says what changes by
-- it, and what was said long enough ago is folded into a few rows. See src/statistics.rs.

-- A row is how far the events of a project are folded; settled and pending are as in event_consumer.
create table task_mgmt.count_horizon (
	project_name text collate "C" not null,
	folded_no bigint not null,
	settled_no bigint not null,
	pending_no bigint,
	pending_transaction bigint,
	constraint count_horizon_pkey primary key (project_name),
	constraint folded_is_settled check (folded_no <= settled_no),
	constraint pending_is_whole check (num_nulls(pending_no, pending_transaction) <> 1)
) with (fillfactor = 50);
select pg_catalog.pg_extension_config_dump('task_mgmt.count_horizon', '');

create table task_mgmt.task_count (
	project_name text collate "C" not null,
	count_key smallint not null,
	tasks bigint not null,
	constraint task_count_pkey primary key (project_name, count_key)
) with (fillfactor = 50);
select pg_catalog.pg_extension_config_dump('task_mgmt.task_count', '');

create table task_mgmt.processing_count (
	project_name text collate "C" not null,
	user_no integer not null,
	instance text collate "C" not null,
	completed bigint not null,
	failed bigint not null,
	retried bigint not null,
	lost bigint not null,
	constraint processing_count_pkey primary key (project_name, user_no, instance)
) with (fillfactor = 50);
select pg_catalog.pg_extension_config_dump('task_mgmt.processing_count', '');

-- What was folded, and what the events since then say. All of it is read at one moment, so nothing is counted twice or left out.
create function task_mgmt.project_counts(project text) returns table (count_key smallint, tasks bigint)
language sql stable parallel safe
as $$
select c.count_key, sum(c.tasks)::bigint
from (
	select f.count_key, f.tasks from task_mgmt.task_count f where f.project_name = project
	union all
	select d.count_key, d.tasks
	from task_mgmt.event e
	cross join lateral (values (e.to_key, coalesce(e.amount, 1)), (e.from_key, -1)) as d (count_key, tasks)
	where e.project_name = project and d.count_key is not null
		and e.event_no > coalesce((select h.folded_no from task_mgmt.count_horizon h where h.project_name = project), 0)
) c
group by c.count_key
having sum(c.tasks) <> 0
$$;
comment on function task_mgmt.project_counts(text) is 'Internal: how many tasks of a project are counted under each key.';
