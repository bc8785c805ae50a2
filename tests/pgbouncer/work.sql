-- A client takes a task in one transaction and completes it in the next, which pgbouncer may run elsewhere.
select start_task('pooled', 'user' || :client_id) as task \gset
select release_task('pooled', 'user' || :client_id, ':task', 'Done') as released \gset
