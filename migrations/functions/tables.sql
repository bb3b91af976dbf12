-- Helpers of the files that make the agents' tables. A table that was there before keeps its owner's
-- rules: it gets the columns and keys it lacks, bin/doctor reports it where it is open to others, and
-- bin/db secure closes it.

-- Which of these tables are not there yet.
create or replace function public.agent_absent(names text[]) returns text
language sql stable set search_path = public, pg_temp as $$
  select coalesce(string_agg(n, ','), '') from unnest(names) n where to_regclass('public.' || n) is null
$$;

-- Closes the tables that were absent, to all but the service role.
create or replace function public.agent_close(absent text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  name text;
begin
  foreach name in array string_to_array(absent, ',') loop
    execute format('alter table public.%I enable row level security', name);
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant select, insert, update, delete on public.%I to service_role', name);
    end if;
  end loop;
end $$;

-- Gives new rows a time in "table.column" where nothing else does; rows that were there have none.
create or replace function public.agent_default_now(columns text[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted record;
begin
  for wanted in
    select c.names[1] as name, c.names[2] as at
      from (select string_to_array(u, '.') as names from unnest(columns) u) c
      join pg_attribute a
        on a.attrelid = ('public.' || c.names[1])::regclass and a.attname = c.names[2]
     where not a.atthasdef
  loop
    execute format('alter table public.%I alter column %I set default now()',
                   wanted.name, wanted.at);
  end loop;
end $$;

-- The key that upserts rely on: made only where no equal one exists; duplicates are told, not removed.
create or replace function public.agent_key(name text, columns text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  if exists (
    select from pg_index i
     where i.indrelid = ('public.' || name)::regclass
       and i.indisunique and i.indpred is null and i.indexprs is null
       and (select array_agg(a.attname::text order by a.attname)
              from unnest(i.indkey) key
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key)
           = (select array_agg(c order by c) from unnest(string_to_array(columns, ',')) c)
  ) then
    return;
  end if;
  execute format('create unique index %I on public.%I (%s)', name || '_upsert', name, columns);
exception when unique_violation then
  raise warning '% (%) has duplicates: remove them, then migrate again', name, columns;
end $$;
