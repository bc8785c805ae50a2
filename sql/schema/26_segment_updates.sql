-- The queue of segments whose root, length and synapses are to be read again from the segmentation.

-- available_at is when the update can be claimed: at once, after the back-off of a failure, or when the lease of a worker that
-- may have crashed ends. token is new with every claim. is_requeued says that the update was asked for again while a worker is
-- at it, who may have read what is no longer so.
create table task_mgmt.segment_update (
	project_name text collate "C" not null,
	seed_id task_mgmt.uint64 not null,
	status task_mgmt.segment_update_status not null default 'pending',
	available_at timestamptz,
	token bigint,
	worker text,
	is_requeued boolean not null default false,
	retry_count integer not null default 0,
	error_message text,
	created_at timestamptz not null,
	last_attempt timestamptz,
	constraint segment_update_pkey primary key (project_name, seed_id),
	constraint open_updates_become_available check ((available_at is null) = (status in ('completed', 'failed'))),
	constraint processing_is_leased
		check (num_nulls(token, worker) = case status when 'processing' then 0 else 2 end),
	constraint requeued_is_processing check (not is_requeued or status = 'processing')
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
select pg_catalog.pg_extension_config_dump('task_mgmt.segment_update', '');

create index segment_update_available_idx on task_mgmt.segment_update (project_name, available_at, seed_id)
	where available_at is not null;
create index segment_update_completed_idx on task_mgmt.segment_update (project_name, last_attempt)
	where status = 'completed';
