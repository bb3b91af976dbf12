-- Moves sequences that lie behind their rows, as after a restore by COPY, beyond them: else each INSERT fails
-- with a duplicate key until they have caught up.
do $$
declare
  owned record;
begin
  for owned in
    select s.oid::regclass as sequence, c.oid::regclass as table_name, a.attname as column_name
      from pg_depend d
      join pg_class s on s.oid = d.objid and s.relkind = 'S'
      join pg_class c on c.oid = d.refobjid
      join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
       and d.deptype in ('a', 'i') and c.relnamespace = 'public'::regnamespace
       and c.relname ~ '^(safari|agent|crm|actp|youtube|linkedin)_'
       and pg_has_role(c.relowner, 'usage')
  loop
    execute format(
      'select setval(%1$L, m.latest) from (select max(%2$I) as latest from %3$s) m'
      ' where m.latest > coalesce(pg_sequence_last_value(%1$L::regclass), 0)',
      owned.sequence, owned.column_name, owned.table_name);
  end loop;
end $$;
