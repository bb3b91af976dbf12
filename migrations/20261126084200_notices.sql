-- Alerts to mail, Slack and others beside Telegram: where each channel stands, and what it was given.

create table if not exists public.safari_notice_channels (
  channel text primary key,                -- a mark of its address, which is a secret
  since timestamptz not null default now(),
  claimed_until timestamptz,
  next_attempt_at timestamptz,
  failures integer not null default 0,
  error text
);
create table if not exists public.safari_notices (
  alert_id bigint not null references public.safari_alerts (id) on delete cascade,
  channel text not null,
  at timestamptz not null default now(),
  primary key (alert_id, channel)
);
create index if not exists safari_alerts_created on public.safari_alerts (created_at);

alter table public.safari_notice_channels enable row level security;
alter table public.safari_notices enable row level security;
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_notice_channels to service_role;
    grant select, insert, update, delete on public.safari_notices to service_role;
  end if;
end $$;
