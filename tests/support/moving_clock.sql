-- now() and clock_timestamp() of a test's own, so far ahead of the real ones as the table says. They
-- come before those of PostgreSQL in the search path of every function, whose text stays as
-- the migrations made it, and in every default of a column.
create schema moving_clock;
create table moving_clock.clock (ahead interval not null);
insert into moving_clock.clock values ('0');

create function moving_clock.now() returns timestamptz language sql stable as $$
  select pg_catalog.now() + ahead from moving_clock.clock
$$;
create function moving_clock.clock_timestamp() returns timestamptz language sql volatile as $$
  select pg_catalog.clock_timestamp() + ahead from moving_clock.clock
$$;
grant usage on schema moving_clock to public;
grant select on moving_clock.clock to public;

do $$
declare
  item record;
begin
  for item in
    select p.oid::regprocedure as signature from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
       and p.proowner = current_user::regrole
  loop
    execute format(
      'alter function %s set search_path = moving_clock, public, pg_catalog, pg_temp',
      item.signature);
  end loop;
  for item in
    select d.adrelid::regclass as of_table, a.attname, pg_get_expr(d.adbin, d.adrelid) as expression
      from pg_attrdef d
      join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
      join pg_class c on c.oid = d.adrelid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attgenerated = ''
       and pg_get_expr(d.adbin, d.adrelid) ~ '(now|clock_timestamp)\(\)'
  loop
    execute format('alter table %s alter column %I set default %s', item.of_table, item.attname,
      regexp_replace(item.expression, '(now|clock_timestamp)\(\)', 'moving_clock.\1()', 'g'));
  end loop;
end $$;
