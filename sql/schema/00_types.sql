-- Types and the one number sequence that every domain shares.

create schema task_mgmt;
comment on schema task_mgmt is 'Tables, types and internals of task_mgmt; people read its views, nobody writes here directly.';

create type task_mgmt.project_status as enum ('active', 'paused', 'archived');
comment on type task_mgmt.project_status is 'Only an active project hands out work.';

create type task_mgmt.task_status as enum
	('created', 'scheduled', 'queued', 'retrying', 'running', 'completed', 'failed', 'cancelled', 'skipped', 'expired');
comment on type task_mgmt.task_status is
	'Life cycle of a task. created, scheduled, retrying and running are derived from task_mgmt.blocked and task_mgmt.lease, never stored.';

create type task_mgmt.access_level as enum ('reader', 'worker', 'manager', 'admin');
comment on type task_mgmt.access_level is
	'What a role may do in a project, each level including the ones before: read, work, manage, administer.';

create type task_mgmt.segment_status as enum ('Raw', 'Proofread', 'Duplicate', 'Wrong type', 'Verified');
comment on type task_mgmt.segment_status is 'How far the proofreading of a segment is.';

create type task_mgmt.endpoint_status as enum ('CERTAIN', 'UNCERTAIN', 'CONTINUED', 'BREADCRUMB');
comment on type task_mgmt.endpoint_status is
	'An end that is one, one that may go on, one from which tracing went on, or a mark on the way.';

create type task_mgmt.segment_update_status as enum ('pending', 'processing', 'completed', 'failed');
comment on type task_mgmt.segment_update_status is
	'How far the update of a segment is; failed means given up.';

create type task_mgmt.fact_status as enum ('permanent', 'not_yet_valid', 'valid', 'expired');
comment on type task_mgmt.fact_status is 'Whether a fact is in effect: always, later, now, no more.';

create type task_mgmt.fact_relation as enum ('reads', 'produces');
comment on type task_mgmt.fact_relation is 'How a task stands to a fact.';

create type task_mgmt.conversation_status as enum ('active', 'processed', 'archived');
comment on type task_mgmt.conversation_status is
	'A conversation is active until a completion of its task deals with it, or somebody puts it away.';

create domain task_mgmt.uint64 as numeric(20) constraint uint64_range check (value between 0 and 18446744073709551615);
comment on domain task_mgmt.uint64 is 'An unsigned 64-bit integer, as ids of segments and supervoxels are.';

create function task_mgmt.id_as_json(id numeric) returns jsonb
language sql immutable parallel safe
return case when id > 9007199254740992 then to_jsonb(id::text) else to_jsonb(id) end;
comment on function task_mgmt.id_as_json(numeric) is 'Internal: an unsigned 64-bit integer as a number or, above 2^53, as text.';

create type task_mgmt.event_kind as enum (
	'created', 'started', 'taken_over', 'handed_back', 'force_released', 'completed', 'concluded', 'release_undone', 'reactivated', 'cancelled',
	'paused', 'unpaused', 'assigned', 'held', 'activated', 'blocked', 'unblocked', 'upstream_reopened', 'changed',
	'time_corrected', 'project_created', 'project_changed', 'project_cleared', 'pay_period_closed',
	'qualification_suspended', 'failed', 'retried', 'lease_expired', 'snoozed', 'enqueued', 'expired', 'schedule_failed', 'custom', 'deleted');
comment on type task_mgmt.event_kind is 'What happened to a task (or, with task_no 0, to a whole project).';

-- Numbers tasks, leases and events: within a project a larger number is later, and the number of a claim's event fences its lease.
create sequence task_mgmt.serial as bigint;
comment on sequence task_mgmt.serial is 'Numbers tasks, leases and events in order of origin.';
select pg_catalog.pg_extension_config_dump('task_mgmt.serial', '');
