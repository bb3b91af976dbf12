-- The schema version: one row for each release whose SQL this database has. It only grows; the
-- largest is the one in force.
create table if not exists public.safari_schema_versions (
  version integer primary key check (version > 0),
  release text not null,
  -- Code of this schema version or a later one can work on the database.
  oldest_code integer not null,
  applied_at timestamptz not null default now()
);

-- The record of applied files, which bin/db migrate keeps. Here for projects whose files are applied
-- by the Supabase CLI.
create table if not exists public.safari_migrations (
  name text primary key,
  sha256 text not null,
  applied_at timestamptz not null default now()
);
alter table public.safari_migrations
  add column if not exists faults jsonb;  -- statements that an agent's table did not allow

do $$
declare
  name text;
  outsider text;
begin
  foreach name in array array['safari_schema_versions', 'safari_migrations'] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('revoke all on public.%I from public', name);
    for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
      execute format('revoke all on public.%I from %I', name, outsider);
    end loop;
  end loop;
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select on public.safari_schema_versions to service_role;
  end if;
end $$;

-- Names this database, so that a host can tell a restored one from another one.
insert into public.safari_settings (key, value) values ('database_id', to_jsonb(gen_random_uuid()))
  on conflict (key) do nothing;
