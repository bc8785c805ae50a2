-- The limit of creating tasks: a bare insert of one row.
insert into insert_task (task_id) values ('task');
