-- Every other test finds the extension in its database, and leaves no project behind.
create extension task_mgmt;
