-- Results on their way to a program outside: what a caller gave along, and the outbox.

-- Returned with the result as it is; nothing of it is read here.
alter table public.safari_command_queue add column if not exists metadata jsonb;

create table if not exists public.safari_webhooks (
  id bigint generated always as identity primary key,
  key text not null unique default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  command_id uuid not null,
  body jsonb not null,
  created_at timestamptz not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  claimed_until timestamptz,
  delivered_at timestamptz,
  dead_at timestamptz,                     -- given up; bin/webhooks retry tries again
  http_status integer,
  error text
);
create index if not exists safari_webhooks_due on public.safari_webhooks (next_attempt_at)
  where delivered_at is null and dead_at is null;
create index if not exists safari_webhooks_command on public.safari_webhooks (command_id);

alter table public.safari_webhooks enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_webhooks to service_role;
  end if;
  if exists (select from pg_roles where rolname = 'actp_producer') then
    grant insert (metadata) on public.safari_command_queue to actp_producer;
  end if;
exception when insufficient_privilege then
  raise notice 'metadata cannot be granted here: %', sqlerrm;
end $$;

-- Until when ends are recorded: a separate row, as every end of a command reads it.
create table if not exists public.safari_webhook_state (
  id boolean primary key default true check (id),
  recorded_until timestamptz not null default '-infinity'
);
insert into public.safari_webhook_state default values on conflict do nothing;
alter table public.safari_webhook_state enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_webhook_state to service_role;
  end if;
end $$;
