-- Which files of migrations/ this database has seen, and in which version.
create table if not exists safari_migrations (
  name       text primary key,
  sha256     text not null,
  applied_at timestamptz not null default now()
);

alter table safari_migrations enable row level security;

do $$
declare
  outsider text;
begin
  revoke all on safari_migrations from public;
  for outsider in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke all on safari_migrations from %I', outsider);
  end loop;
end
$$;
