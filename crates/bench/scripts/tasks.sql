-- task_mgmt: each client is a user, who starts the best task and completes it.
select start_task('bench', :client_id) as task \gset
select release_task('bench', :client_id, :task, 'Done');
