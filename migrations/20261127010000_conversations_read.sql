-- When the conversations of each account were last read to their end.
create table if not exists public.safari_conversations_read (
  platform text not null,
  account text not null,
  read_at timestamptz not null,
  primary key (platform, account)
);
alter table public.safari_conversations_read enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_conversations_read to service_role;
  end if;
end $$;
