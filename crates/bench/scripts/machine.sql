-- task_mgmt for machines: the clients are processes of one user; each claims the best task and completes it.
select task_id, lease_token from claim_tasks('bench', 'machine', instance => :client_id) \gset
select complete_task('bench', :task_id, :lease_token);
