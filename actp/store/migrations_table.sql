-- Which files of migrations/ this database has seen, and in which version.
create table if not exists public.safari_migrations (
  name       text primary key,
  sha256     text not null,
  applied_at timestamptz not null default now()
);

alter table public.safari_migrations
  add column if not exists faults jsonb;  -- statements that an agent's table did not allow

alter table public.safari_migrations enable row level security;

do $$
declare
  outsider text;
begin
  revoke all on public.safari_migrations from public;
  for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke all on public.safari_migrations from %I', outsider);
  end loop;
end
$$;
