-- When an operator last lifted what a service waits for, so that its workers on every host hear of it.
create table if not exists public.safari_resumes (
  service text not null,
  account text not null default '',        -- empty: on every account
  resumed_at timestamptz not null default now(),
  constraint safari_resumes_pkey primary key (service, account)
);
alter table public.safari_resumes enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_resumes to service_role;
  end if;
end $$;
