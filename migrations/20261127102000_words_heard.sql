-- Up to which words the people were heard whom the CRM refuses as contacts.

create table if not exists public.safari_words_heard (
  address text primary key,   -- platform:name
  words_hash text,
  heard_at timestamptz not null default now()
);
alter table public.safari_words_heard enable row level security;

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_words_heard to service_role;
  end if;
end $$;
