-- Who reads the events of a project as a stream, how far they have come, and which events they could not process.

-- acked_no is the consumer's position: what is numbered up to it, it has done with. settled_no is how far events were found to
-- be complete: nothing will appear any more up to there. The same will hold of pending_no once no transaction is running whose id
-- is below pending_transaction; see crates/core/src/horizon.rs.
create table task_mgmt.event_consumer (
	project_name text collate "C" not null,
	consumer text collate "C" not null,
	kinds task_mgmt.event_kind[],
	acked_no bigint not null,
	settled_no bigint not null,
	pending_no bigint,
	pending_transaction bigint,
	created_at timestamptz not null,
	created_by text not null,
	constraint event_consumer_pkey primary key (project_name, consumer),
	constraint acked_is_settled check (acked_no <= settled_no),
	constraint pending_is_whole check (num_nulls(pending_no, pending_transaction) <> 1)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
select pg_catalog.pg_extension_config_dump('task_mgmt.event_consumer', '');

-- An event that a consumer could not process. It holds the consumer back until available_at, or is dead, and then the consumer
-- goes on without it. is_delivered says that the consumer has it: what is requeued after it was read is not acknowledged with the
-- rest.
create table task_mgmt.failed_event (
	project_name text collate "C" not null,
	consumer text collate "C" not null,
	event_no bigint not null,
	failures integer not null,
	error_message text not null,
	failed_at timestamptz not null,
	available_at timestamptz,
	is_dead boolean not null,
	is_delivered boolean not null,
	constraint failed_event_pkey primary key (project_name, consumer, event_no),
	constraint the_dead_are_not_available check (not is_dead or available_at is null)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.failed_event', '');

create index failed_event_open_idx on task_mgmt.failed_event (project_name, consumer, event_no) where not is_dead;

-- Events and creations by number, with what a consumer is told of each.
create view task_mgmt.event_details as
select e.project_name, e.event_no, e.occurred_at, e.kind, coalesce(c.event_type, e.kind::text) as event_type, e.task_no,
	t.task_id, t.task_type, t.priority, u.user_id, e.role_name, e.detail, c.data
from (
	select project_name, event_no, occurred_at, kind, task_no, user_no, role_name, detail from task_mgmt.event
	where amount is null
	union all
	select project_name, task_no, created_at, 'created'::task_mgmt.event_kind, task_no, null::integer, created_by, null::text from task_mgmt.task
) e
left join task_mgmt.task t on t.project_name = e.project_name and t.task_no = e.task_no
left join task_mgmt.project_user u on u.project_name = e.project_name and u.user_no = e.user_no
left join task_mgmt.custom_event c on c.project_name = e.project_name and c.event_no = e.event_no;
comment on view task_mgmt.event_details is 'Internal: events of all projects, creations among them, with what belongs to each.';

create function task_mgmt.event_as_json(event task_mgmt.event_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'event_type', event.event_type,
	'timestamp', event.occurred_at,
	'data', coalesce(event.data, jsonb_strip_nulls(jsonb_build_object(
		'project_name', event.project_name,
		'event_no', event.event_no,
		'task_id', event.task_id,
		'task_type', event.task_type,
		'priority', event.priority,
		'user_id', event.user_id,
		'role_name', event.role_name,
		'detail', event.detail
	)))
);
comment on function task_mgmt.event_as_json(task_mgmt.event_details) is 'Internal: an event in the shape that read_events returns.';

create function task_mgmt.event_as_notification(event task_mgmt.event_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'event_type', event.event_type,
	'timestamp', event.occurred_at,
	'data', jsonb_strip_nulls(jsonb_build_object(
		'project_name', event.project_name,
		'event_no', event.event_no,
		'task_id', event.task_id,
		'priority', event.priority,
		'user_id', event.user_id
	))
);
comment on function task_mgmt.event_as_notification(task_mgmt.event_details) is
	'Internal: an event as listeners are told of it, which is short whatever belongs to it.';

create view task_mgmt.event_consumers with (security_barrier) as
select c.project_name, c.consumer, c.kinds::text[] as kinds, c.acked_no, c.settled_no,
	least(e.occurred_at, t.created_at) as oldest_open_at,
	greatest(extract(epoch from task_mgmt.present() - least(e.occurred_at, t.created_at))::float8, 0) as seconds_behind,
	f.held_back_until, f.failing, f.dead, c.created_at, c.created_by
from task_mgmt.event_consumer c
left join lateral (
	select e.occurred_at from task_mgmt.event e
	where e.project_name = c.project_name and e.event_no > c.acked_no
	order by e.event_no limit 1
) e on true
left join lateral (
	select t.created_at from task_mgmt.task t
	where t.project_name = c.project_name and t.task_no > c.acked_no
	order by t.task_no limit 1
) t on true
cross join lateral (
	select max(f.available_at) filter (where f.available_at > task_mgmt.present()) as held_back_until,
		count(*) filter (where not f.is_dead) as failing, count(*) filter (where f.is_dead) as dead
	from task_mgmt.failed_event f
	where f.project_name = c.project_name and f.consumer = c.consumer
) f
where c.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.event_consumers is 'Who reads the events of a project as a stream, and how far they are behind.';
comment on column task_mgmt.event_consumers.project_name is 'The project.';
comment on column task_mgmt.event_consumers.consumer is 'The consumer''s name within the project.';
comment on column task_mgmt.event_consumers.kinds is 'The kinds of events that it gets; null for all.';
comment on column task_mgmt.event_consumers.acked_no is 'Its position: events numbered up to this one are acknowledged, or passed over.';
comment on column task_mgmt.event_consumers.settled_no is 'Up to where events were complete when it read last.';
comment on column task_mgmt.event_consumers.oldest_open_at is 'When the first event after its position occurred, of whatever kind; null if there is none.';
comment on column task_mgmt.event_consumers.seconds_behind is 'How long ago that was.';
comment on column task_mgmt.event_consumers.held_back_until is 'Until when it gets no events, because one has failed; null if it does.';
comment on column task_mgmt.event_consumers.failing is 'How many events it is to get again.';
comment on column task_mgmt.event_consumers.dead is 'How many events it goes on without; see dead_events.';
comment on column task_mgmt.event_consumers.created_at is 'When it was created.';
comment on column task_mgmt.event_consumers.created_by is 'The database role that created it.';

create view task_mgmt.dead_events with (security_barrier) as
select f.project_name, f.consumer, f.event_no, d.occurred_at, d.event_type, d.task_id, f.failures, f.error_message, f.failed_at
from task_mgmt.failed_event f
left join task_mgmt.event_details d on d.project_name = f.project_name and d.event_no = f.event_no
where f.is_dead and f.project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.dead_events is 'Events that a consumer could not process, and goes on without.';
comment on column task_mgmt.dead_events.project_name is 'The project.';
comment on column task_mgmt.dead_events.consumer is 'The consumer.';
comment on column task_mgmt.dead_events.event_no is 'The event''s number.';
comment on column task_mgmt.dead_events.occurred_at is 'When it occurred; null if it has been cleared since.';
comment on column task_mgmt.dead_events.event_type is 'What happened: a kind of event, or the type of a published one.';
comment on column task_mgmt.dead_events.task_id is 'The task; null for an event of the project.';
comment on column task_mgmt.dead_events.failures is 'How often it has failed.';
comment on column task_mgmt.dead_events.error_message is 'What the consumer said about the last failure.';
comment on column task_mgmt.dead_events.failed_at is 'When it failed last.';
