-- The hand-written queue: claim the first pending row that nobody else is at, then complete it.
update queue_task set status = 'running', worker = :client_id, started_at = now()
where id = (
	select id
	from queue_task
	where status = 'pending'
	order by priority desc, id
	for update skip locked
	limit 1
)
returning id \gset
update queue_task set status = 'done', outcome = 'Done', completed_at = now() where id = :id;
