-- task_mgmt: a task is created.
select create_task('bench', '{"task_type": "work"}');
