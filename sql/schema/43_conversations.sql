-- Conversations: the messages of tasks. Their numbers tell which of them existed when a task was claimed.

create table task_mgmt.conversation (
	project_name text collate "C" not null,
	conversation_no bigint not null,
	task_no bigint not null,
	content text not null,
	status task_mgmt.conversation_status not null default 'active',
	created_at timestamptz not null,
	updated_at timestamptz not null,
	processed_at timestamptz,
	constraint conversation_pkey primary key (project_name, conversation_no),
	constraint content_is_not_empty check (content <> ''),
	constraint processing_has_a_time check (status <> 'processed' or processed_at is not null)
);
select pg_catalog.pg_extension_config_dump('task_mgmt.conversation', '');

create index conversation_task_idx on task_mgmt.conversation (project_name, task_no, conversation_no);
