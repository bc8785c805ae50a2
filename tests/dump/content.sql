-- What is in every table of the extension, and who may do what: equal before and after.
\set QUIET on
set timezone = 'UTC';

select format('select %1$L, count(*), md5(string_agg(t::text, E''\n'' order by t::text collate "C")) from task_mgmt.%1$I t', relname)
from pg_class
where relnamespace = 'task_mgmt'::regnamespace and relkind = 'r'
order by relname
\gexec

select p.proname, grantee::regrole
from pg_proc p, aclexplode(p.proacl)
where p.oid in (select objid from pg_depend where refclassid = 'pg_extension'::regclass and classid = 'pg_proc'::regclass and deptype = 'e')
	and grantee <> p.proowner
order by 1, 2;

select c.relname, grantee::regrole
from pg_class c, aclexplode(c.relacl)
where c.relnamespace = 'task_mgmt'::regnamespace and grantee <> c.relowner
order by 1, 2;
