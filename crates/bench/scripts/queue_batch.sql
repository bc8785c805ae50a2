-- The hand-written queue, many at a time.
with claimed as (
	update queue_task set status = 'running', worker = :client_id, started_at = now()
	where id = any (array(
		select id
		from queue_task
		where status = 'pending'
		order by priority desc, id
		for update skip locked
		limit :batch
	))
	returning id
)
select array_agg(id) as ids from claimed \gset
update queue_task set status = 'done', outcome = 'Done', completed_at = now() where id = any (:ids);
