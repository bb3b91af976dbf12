-- The inbox: what is known of each conversation besides its messages.

create table if not exists public.actp_inbox (
  contact_id uuid primary key,
  unheard boolean not null default true,  -- words of theirs have not been judged yet
  done_at timestamptz,                    -- an operator dismissed what was said until then
  snoozed_until timestamptz,
  look_at timestamptz,                    -- when words were found that may ask us to stop
  look_words text,
  alerted_at timestamptz,                 -- the newest reply that was reported
  updated_at timestamptz not null default now()
) with (fillfactor = 80);
alter table public.actp_inbox enable row level security;

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.actp_inbox to service_role;
  end if;
end $$;

create index if not exists actp_inbox_unheard on public.actp_inbox (contact_id) where unheard;
drop index if exists public.crm_messages_by_address;

-- First contact: whatever was said before this table existed is judged once.
insert into public.actp_inbox (contact_id)
  select c.id from public.crm_contacts c
   where c.last_message is not null or c.last_inbound_at is not null
      or exists (select from public.crm_messages m where m.contact_id = c.id)
      or exists (select from public.crm_conversations v where v.contact_id = c.id)
      or exists (select from public.crm_interactions i where i.contact_id = c.id)
  on conflict do nothing;
