-- How each service answered the checks of each host, by the hour; a week of it is kept.

create table if not exists public.safari_health_hours (
  host text not null,
  service text not null,
  hour timestamptz not null,
  checks integer not null,
  healthy integer not null,
  constraint safari_health_hours_pkey primary key (host, service, hour)
);
alter table public.safari_health_hours enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_health_hours to service_role;
  end if;
end $$;
