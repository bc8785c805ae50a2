-- The limit: two bare updates of one row by its key, each in a transaction of its own. The clients share the rows out.
\set n :n + 1
\set task_no :client_id * :share + (:n - 1) % :share + 1
update limit_task set status = 1 where task_no = :task_no;
update limit_task set status = 2 where task_no = :task_no;
