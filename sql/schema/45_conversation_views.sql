-- What people read of conversations.

create view task_mgmt.conversation_details as
select c.project_name, c.conversation_no::text as conversation_id, t.task_id, c.content, c.status, c.created_at, c.updated_at,
	c.processed_at, c.conversation_no, c.task_no
from task_mgmt.conversation c
join task_mgmt.task t on t.project_name = c.project_name and t.task_no = c.task_no;
comment on view task_mgmt.conversation_details is 'Internal: conversations of all projects.';

create function task_mgmt.conversation_as_json(conversation task_mgmt.conversation_details) returns jsonb
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
return jsonb_build_object(
	'conversation_id', conversation.conversation_id,
	'task_id', conversation.task_id,
	'content', conversation.content,
	'status', conversation.status,
	'created_at', conversation.created_at,
	'updated_at', conversation.updated_at,
	'processed_at', conversation.processed_at
);
comment on function task_mgmt.conversation_as_json(task_mgmt.conversation_details) is
	'Internal: a conversation in the shape that list_conversations returns.';

create view task_mgmt.conversations with (security_barrier) as
select project_name, conversation_id, task_id, content, status, created_at, updated_at, processed_at
from task_mgmt.conversation_details
where project_name = any ((select task_mgmt.readable_projects())::text[]);
comment on view task_mgmt.conversations is 'The messages of tasks.';
comment on column task_mgmt.conversations.project_name is 'The project.';
comment on column task_mgmt.conversations.conversation_id is 'A number, as text; later ones are larger.';
comment on column task_mgmt.conversations.task_id is 'The task that it belongs to.';
comment on column task_mgmt.conversations.content is 'What is said.';
comment on column task_mgmt.conversations.status is 'active until a completion of the task deals with it (processed) or somebody puts it away (archived).';
comment on column task_mgmt.conversations.created_at is 'When it was created.';
comment on column task_mgmt.conversations.updated_at is 'When it was last changed.';
comment on column task_mgmt.conversations.processed_at is 'When it was last processed; null if never, or if it has been made active since.';
