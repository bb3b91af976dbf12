-- The command queue and what hangs on it. Runs on an empty database and on one that already holds
-- these tables with rows; it only adds, but for safari_command_queue.result, which becomes jsonb.

-- Row-level security is switched on for the tables made here. A table that was there before keeps
-- its owner's rules: bin/doctor reports it and bin/db secure closes it.
do $$
begin
  if to_regclass('public.safari_command_queue') is null then
    create table public.safari_command_queue (
      id uuid primary key default gen_random_uuid(),
      action text not null,
      platform text,
      params jsonb default '{}',
      priority integer default 5,          -- lower runs first
      status text default 'pending'
        constraint safari_command_queue_status_check
        check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
      result jsonb,
      error text,
      created_at timestamptz default now(),
      updated_at timestamptz default now()
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
    alter table public.safari_command_queue enable row level security;
  end if;

  if to_regclass('public.safari_campaign_runs') is null then
    create table public.safari_campaign_runs (
      id uuid primary key default gen_random_uuid(),
      campaign_id text not null,
      campaign_type text,                  -- dm_sequence | comment_warmup | research_sweep
      platform text,
      total_tasks integer default 0,
      completed integer default 0,
      failed integer default 0,
      status text default 'running',
      started_at timestamptz default now(),
      completed_at timestamptz,
      result jsonb
    );
    alter table public.safari_campaign_runs enable row level security;
  end if;

  if to_regclass('public.safari_service_health') is null then
    create table public.safari_service_health (
      id uuid primary key default gen_random_uuid(),
      service_name text not null,
      port integer not null,
      status text,                         -- healthy | down | timeout
      response_ms integer,
      checked_at timestamptz default now(),
      unique (service_name)
    );
    alter table public.safari_service_health enable row level security;
  end if;

  if to_regclass('public.safari_rate_limits') is null then
    create table public.safari_rate_limits (
      id uuid primary key default gen_random_uuid(),
      platform text not null,
      action text not null,                -- dm | comment
      limit_date date not null default ((now() at time zone 'utc')::date),
      used integer not null default 0,
      daily_limit integer not null,
      alerted_at timestamptz,
      updated_at timestamptz not null default now(),
      constraint safari_rate_limits_key unique (platform, action, limit_date)
    ) with (fillfactor = 50);
    alter table public.safari_rate_limits enable row level security;
  end if;
end $$;

alter table public.safari_command_queue
  add column if not exists retry_count integer default 0,
  add column if not exists next_retry_at timestamptz,
  add column if not exists campaign_id text,
  add column if not exists batch_id text,
  add column if not exists worker_id text,            -- who claimed it, for people: host/pid
  add column if not exists scheduled_for timestamptz,
  add column if not exists started_at timestamptz,
  add column if not exists completed_at timestamptz,
  add column if not exists service text,              -- who owns it; 'foreign' = another consumer
  add column if not exists effect text,               -- once | repeatable
  add column if not exists ready boolean default false, -- due now; kept by triggers and claim
  add column if not exists due_at timestamptz,        -- when a row that is not ready becomes so
  add column if not exists expires_at timestamptz,
  add column if not exists idempotency_key text,
  add column if not exists hold text,                 -- backlog = waits for accept or discard
  add column if not exists reason text,               -- why it failed, one stable word
  add column if not exists attempt integer default 0, -- number of the last begun attempt
  add column if not exists crash_count integer default 0,
  add column if not exists boot_id uuid,              -- the worker process that holds it
  add column if not exists lease_number bigint default 0,
  add column if not exists lease_expires_at timestamptz;

alter table public.safari_service_health
  add column if not exists last_healthy_at timestamptz,
  add column if not exists error text;

alter table public.safari_rate_limits
  add column if not exists ceiling integer,           -- the highest limit in force that day
  add column if not exists next_action_at timestamptz,
  add column if not exists alerted_at timestamptz;

do $$
begin
  if not exists (
    select from pg_constraint
     where conname = 'safari_rate_limits_used_check'
       and conrelid = 'public.safari_rate_limits'::regclass
  ) then
    alter table public.safari_rate_limits add constraint safari_rate_limits_used_check
      check (used >= 0 and (ceiling is null or used <= ceiling)) not valid;
  end if;
end $$;

-- An older controller stored json.dumps(result)[:2000] in a text column: what no longer parses is
-- kept under "raw".
create or replace function public.safari_json_or_raw(value text) returns jsonb
language plpgsql immutable as $$
begin
  return value::jsonb;
exception when others then
  return jsonb_build_object('raw', value);
end $$;

do $$
begin
  if (select data_type from information_schema.columns
       where table_schema = 'public' and table_name = 'safari_command_queue'
         and column_name = 'result') = 'text' then
    alter table public.safari_command_queue
      alter column result type jsonb using public.safari_json_or_raw(result);
  end if;
end $$;

-- One row a begun attempt: the intent, written before anything is sent, and what came of it.
create table if not exists public.safari_command_attempts (
  command_id uuid not null,
  attempt integer not null,
  boot_id uuid not null,
  lease_number bigint not null,
  service text not null,
  recipient text,                          -- normalised handle or canonical URL
  text_hash text,
  quota_platform text,
  quota_kind text,
  quota_day date,                          -- null when nothing was taken or it was given back
  begun_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  outcome text check (outcome in ('sent', 'not_sent', 'unknown', 'lost')),  -- null = open
  resolved_at timestamptz,                 -- a person settled an unknown outcome
  http_status integer,
  error text,
  result jsonb,
  primary key (command_id, attempt)
);

-- The audit: every transition, never changed, removed only by safari_prune past its age.
create table if not exists public.safari_command_events (
  id bigint generated always as identity primary key,
  command_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  event text not null,
  worker text,
  attempt integer,
  http_status integer,
  detail jsonb
);

create table if not exists public.safari_idempotency_keys (
  key text primary key,
  command_id uuid not null,
  created_at timestamptz not null default now()
);

create table if not exists public.safari_workers (
  boot_id uuid primary key,
  host_key text not null,
  worker text not null,                    -- host/pid, for people
  services text[] not null default '{}',
  state jsonb not null default '{}',       -- per service: state, reason, until
  started_at timestamptz not null default now(),
  seen_at timestamptz not null default now(),
  stopped_at timestamptz
);

create table if not exists public.safari_services (
  service text primary key,
  platform text not null,
  kind text check (kind in ('dm', 'comment')),  -- null = no daily limit
  port integer
);

create table if not exists public.safari_routes (
  action text not null,
  platform text not null default '',       -- '' = any
  service text not null references public.safari_services (service),
  effect text not null check (effect in ('once', 'repeatable')),
  primary key (action, platform)
);

-- Limits, hours and pace by platform and kind; settings seed them, bin/limits changes them.
create table if not exists public.safari_policies (
  platform text not null,
  kind text not null check (kind in ('dm', 'comment')),
  daily_limit integer not null check (daily_limit >= 0),
  min_gap_seconds double precision not null default 3 check (min_gap_seconds >= 0),
  active_from smallint not null default 9 check (active_from between 0 and 24),
  active_to smallint not null default 21 check (active_to between 0 and 24),
  time_zone text,                          -- null until a host has named its own
  updated_at timestamptz not null default now(),
  primary key (platform, kind)
);
alter table public.safari_policies
  add column if not exists limit_by_person boolean not null default false;  -- settings leave it

create table if not exists public.safari_pauses (
  platform text primary key,               -- 'all' = everything
  until timestamptz not null default 'infinity',
  note text,
  created_at timestamptz not null default now()
);

create table if not exists public.safari_do_not_contact (
  platform text not null,                  -- 'all' = on every platform
  recipient text not null,
  note text,
  created_at timestamptz not null default now(),
  primary key (platform, recipient)
);

create table if not exists public.safari_settings (
  key text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);

-- What a person should hear of. The key keeps one trouble from being told twice.
create table if not exists public.safari_alerts (
  id bigint generated always as identity primary key,
  key text not null unique,
  kind text not null,
  detail jsonb not null default '{}',
  created_at timestamptz not null default now(),
  delivered_at timestamptz
);

do $$
declare
  name text;
begin
  foreach name in array array[
    'safari_command_attempts', 'safari_command_events', 'safari_idempotency_keys', 'safari_workers',
    'safari_services', 'safari_routes', 'safari_policies', 'safari_pauses', 'safari_do_not_contact',
    'safari_settings', 'safari_alerts'
  ] loop
    execute format('alter table public.%I enable row level security', name);
  end loop;
end $$;

-- Claiming looks only at rows that are due; what waits stands in an index of its own.
create index if not exists safari_queue_ready
  on public.safari_command_queue (service, priority, created_at, id)
  where status = 'pending' and ready and crash_count = 0;
create index if not exists safari_queue_suspect
  on public.safari_command_queue (service, priority, created_at, id)
  where status = 'pending' and ready and crash_count > 0;
create index if not exists safari_queue_due
  on public.safari_command_queue (due_at) where status = 'pending' and not ready;
create index if not exists safari_queue_expiring
  on public.safari_command_queue (expires_at) where status = 'pending' and expires_at is not null;
create index if not exists safari_queue_running
  on public.safari_command_queue (lease_expires_at) where status = 'running';
create index if not exists safari_queue_finished
  on public.safari_command_queue (completed_at desc)
  where status in ('completed', 'failed', 'cancelled');
create index if not exists safari_queue_campaign
  on public.safari_command_queue (campaign_id) where campaign_id is not null;
create index if not exists safari_attempts_open
  on public.safari_command_attempts (boot_id) where outcome is null;
create index if not exists safari_attempts_recipient
  on public.safari_command_attempts (service, recipient, text_hash, begun_at)
  where recipient is not null;
create index if not exists safari_events_command
  on public.safari_command_events (command_id, id);
create index if not exists safari_alerts_open
  on public.safari_alerts (id) where delivered_at is null;

-- Functions are for the service role alone. Supabase grants new ones to anon by default, so each
-- migration that adds functions ends by calling this.
create or replace function public.safari_protect() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  routine record;
  role name;
begin
  for routine in
    select p.oid::regprocedure as signature
      from pg_proc p
     where p.pronamespace = 'public'::regnamespace
       and p.proname ~ '^(safari|agent)_' and p.proowner = current_user::regrole
  loop
    execute format('revoke all on function %s from public', routine.signature);
    for role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
      execute format('revoke all on function %s from %I', routine.signature, role);
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant execute on function %s to service_role', routine.signature);
    end if;
  end loop;
end $$;

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on
      public.safari_command_queue, public.safari_campaign_runs, public.safari_service_health,
      public.safari_rate_limits, public.safari_command_attempts, public.safari_command_events,
      public.safari_idempotency_keys, public.safari_workers, public.safari_services,
      public.safari_routes, public.safari_policies, public.safari_pauses,
      public.safari_do_not_contact, public.safari_settings, public.safari_alerts
      to service_role;
  end if;
end $$;

select public.safari_protect();
