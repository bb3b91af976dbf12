-- Commands that could not be claimed: another program's trigger or constraint refuses the change. They are
-- tried again after `until`, and the others are claimed meanwhile.

create table if not exists public.safari_claims_refused (
  command_id uuid primary key,
  error text not null,
  until timestamptz not null
);
alter table public.safari_claims_refused enable row level security;

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_claims_refused to service_role;
  end if;
end $$;
