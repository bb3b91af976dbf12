-- Decisions made in Telegram: who receives its updates, and which ones were handled.

create table if not exists public.safari_telegram (
  id boolean primary key default true check (id),
  -- Half of the key that signs buttons; the other half is the token of the bot.
  secret text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
  holder text,                             -- the host that receives
  lease_until timestamptz,
  error text,                              -- why it cannot
  updated_at timestamptz not null default now()
);
insert into public.safari_telegram default values on conflict do nothing;

create table if not exists public.safari_telegram_presses (
  key text primary key,                    -- the id that Telegram gave the press
  at timestamptz not null default clock_timestamp(),
  operator text not null,
  alert_id bigint not null,
  action text not null,
  mark text not null,                      -- what was shown
  answer jsonb
);
create index if not exists safari_telegram_presses_button
  on public.safari_telegram_presses (alert_id, action, mark);
create index if not exists safari_telegram_presses_at on public.safari_telegram_presses (at);

alter table public.safari_telegram enable row level security;
alter table public.safari_telegram_presses enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_telegram to service_role;
    grant select, insert, update, delete on public.safari_telegram_presses to service_role;
  end if;
end $$;
