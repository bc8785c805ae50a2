-- Everything that CREATE EXTENSION makes, one object a line, and every rule that an object of it breaks. tests/run
-- compares the result with inventory.out: an object that comes or goes shows there, and no broken rule may.
\set QUIET on
create extension task_mgmt;

create temp view member as
select
	d.classid,
	d.objid,
	o.type,
	replace(o.identity, 'pg_temp.', '') as identity
from pg_depend d, pg_identify_object(d.classid, d.objid, 0) o
where d.refclassid = 'pg_extension'::regclass
	and d.refobjid = (select oid from pg_extension where extname = 'task_mgmt')
	and d.deptype = 'e'
	-- From PostgreSQL 17 on, the types of rows and of arrays are members, too.
	and not exists (
		select
		from pg_type t left join pg_class c on c.oid = t.typrelid
		where d.classid = 'pg_type'::regclass and t.oid = d.objid and (c.relkind <> 'c' or t.typcategory = 'A')
	);

select type || ' ' || identity from member order by type, identity;

-- Everything that people see says what it is.
select 'NO COMMENT: ' || type || ' ' || identity
from member m
where obj_description(m.objid, m.classid::regclass::name) is null
	and type in ('schema', 'type', 'function', 'procedure', 'aggregate', 'view', 'operator')
order by 1;

select 'NO COMMENT: column ' || identity || '.' || attname
from member m join pg_attribute a on a.attrelid = m.objid
where m.classid = 'pg_class'::regclass and type = 'view' and attnum > 0 and not attisdropped
	and col_description(attrelid, attnum) is null
	-- Views for the functions only: nobody is granted them.
	and obj_description(attrelid, 'pg_class') not like 'Internal:%'
order by 1;

-- Nothing is granted to PUBLIC; a type's USAGE is no way to any data.
select 'GRANTED TO PUBLIC: ' || right_name || ' on ' || type || ' ' || identity
from member m
cross join lateral (
	select privilege_type from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
	where m.classid = 'pg_proc'::regclass and p.oid = m.objid and grantee = 0
	union all
	select privilege_type from pg_class c, aclexplode(c.relacl)
	where m.classid = 'pg_class'::regclass and c.oid = m.objid and grantee = 0
	union all
	select privilege_type from pg_attribute a, aclexplode(a.attacl)
	where m.classid = 'pg_class'::regclass and a.attrelid = m.objid and grantee = 0
	union all
	select privilege_type from pg_namespace n, aclexplode(n.nspacl)
	where m.classid = 'pg_namespace'::regclass and n.oid = m.objid and grantee = 0
) as granted(right_name)
order by 1;

-- A function that runs with its owner's rights looks nowhere that its caller can write.
select 'SEARCH PATH IS OPEN: function ' || identity
from member m join pg_proc p on p.oid = m.objid
where m.classid = 'pg_proc'::regclass and p.prosecdef
	and not exists (select from unnest(p.proconfig) setting where setting ~ '^search_path=.*pg_temp"?$')
order by 1;

-- pg_dump saves what these hold.
select 'NOT DUMPED: ' || type || ' ' || identity
from member m
where m.classid = 'pg_class'::regclass and type in ('table', 'sequence')
	and not exists (select from pg_extension e where extname = 'task_mgmt' and m.objid = any (e.extconfig))
order by 1;

drop view member;
drop extension task_mgmt;

-- DROP EXTENSION leaves nothing.
select 'LEFT BEHIND: ' || nspname from pg_namespace where nspname ~ 'task_mgmt';
select 'LEFT BEHIND: ' || oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace;
