-- Which service owns a command, and the defaults of the daily limits.

insert into public.safari_services (service, platform, kind, port) values
  ('instagram-dm', 'instagram', 'dm', 3001),
  ('twitter-dm', 'twitter', 'dm', 3003),
  ('threads-comments', 'threads', 'comment', 3004),
  ('instagram-comments', 'instagram', 'comment', 3005),
  ('tiktok-comments', 'tiktok', 'comment', 3006),
  ('twitter-comments', 'twitter', 'comment', 3007),
  ('tiktok-dm', 'tiktok', 'dm', 3102),
  ('linkedin-automation', 'linkedin', 'dm', 3105),
  ('market-research', 'research', null, 3106),
  ('local', 'local', null, null)
on conflict (service) do nothing;

insert into public.safari_routes (action, platform, service, effect) values
  ('send_dm', 'instagram', 'instagram-dm', 'once'),
  ('send_dm', 'twitter', 'twitter-dm', 'once'),
  ('send_dm', 'tiktok', 'tiktok-dm', 'once'),
  ('send_dm', 'linkedin', 'linkedin-automation', 'once'),
  ('comment', 'threads', 'threads-comments', 'once'),
  ('comment', 'instagram', 'instagram-comments', 'once'),
  ('comment', 'tiktok', 'tiktok-comments', 'once'),
  ('comment', 'twitter', 'twitter-comments', 'once'),
  ('tweet', '', 'twitter-comments', 'once'),
  ('market_research', '', 'market-research', 'repeatable'),
  ('navigate', '', 'local', 'repeatable'),
  ('sync', '', 'local', 'repeatable'),
  ('score', '', 'local', 'repeatable'),
  ('generate', '', 'local', 'repeatable'),
  ('pipeline', '', 'local', 'repeatable')
on conflict (action, platform) do nothing;

insert into public.safari_policies (platform, kind, daily_limit) values
  ('instagram', 'dm', 20), ('instagram', 'comment', 50),
  ('twitter', 'dm', 50), ('twitter', 'comment', 100),
  ('tiktok', 'dm', 30), ('tiktok', 'comment', 50),
  ('linkedin', 'dm', 50), ('linkedin', 'comment', 20),
  ('threads', 'dm', 0), ('threads', 'comment', 80)
on conflict (platform, kind) do nothing;

insert into public.safari_settings (key, value) values
  ('retry_limit', '3'),
  ('retry_base_seconds', '15'),
  ('foreign_platforms', '["linkedin_chrome"]'),
  ('foreign_actions', '["prospect_discover", "dm_batch", "upwork_scan", "profile_enrich"]')
on conflict (key) do nothing;

-- Answers who owns a command. What no route names goes to 'local', which ends it with a clear error;
-- what belongs to another consumer of the table is 'foreign' and left alone.
create or replace function public.safari_route(
  action text, platform text, out service text, out effect text
)
language plpgsql stable set search_path = public, pg_temp as $$
begin
  select r.service, r.effect into service, effect
    from safari_routes r
   where r.action = safari_route.action and r.platform in (safari_route.platform, '')
   order by r.platform desc
   limit 1;
  if not found then
    if position(':' in coalesce(action, '')) > 0 or exists (
      select from safari_settings s
       where (s.key = 'foreign_platforms' and s.value ? safari_route.platform)
          or (s.key = 'foreign_actions' and s.value ? safari_route.action)
    ) then
      service := 'foreign';
    else
      service := 'local';
    end if;
    effect := 'repeatable';
  elsif exists (
    select from safari_settings s
     where s.key = 'foreign_platforms' and s.value ? safari_route.platform
  ) then
    service := 'foreign';
  end if;
end $$;

-- Some writers store params as a JSON string that holds an object.
create or replace function public.safari_params(params jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select case when jsonb_typeof(params) = 'string' then safari_json_or_raw(params #>> '{}')
              else params end
$$;

-- A row made by a plain INSERT, or edited by hand, is routed and timed like one of ours.
-- Security definer: whoever may write the queue need not reach our other tables.
create or replace function public.safari_queue_before_write() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  new.platform := lower(btrim(coalesce(nullif(btrim(new.platform), ''),
                                       safari_params(new.params) ->> 'platform')));
  if tg_op = 'INSERT' or new.action is distinct from old.action
     or new.platform is distinct from old.platform or new.service is null then
    select r.service, r.effect into new.service, new.effect
      from safari_route(new.action, coalesce(new.platform, '')) r;
  end if;
  if tg_op = 'INSERT' then
    -- now() is the same for a whole batch; first in, first out needs a finer clock.
    new.created_at := coalesce(nullif(new.created_at, now()), clock_timestamp());
    new.updated_at := coalesce(new.updated_at, now());
  end if;
  new.priority := coalesce(new.priority, 5);
  new.status := coalesce(new.status, 'pending');
  new.retry_count := coalesce(new.retry_count, 0);
  new.attempt := coalesce(new.attempt, 0);
  new.crash_count := coalesce(new.crash_count, 0);
  new.lease_number := coalesce(new.lease_number, 0);
  new.due_at := case when new.hold is not null then 'infinity'
                     else greatest(new.scheduled_for, new.next_retry_at) end;
  new.ready := new.due_at is null or new.due_at <= now();
  return new;
end $$;

create or replace trigger safari_queue_before_insert
  before insert on public.safari_command_queue
  for each row execute function public.safari_queue_before_write();

create or replace trigger safari_queue_before_update
  before update of status, action, platform, scheduled_for, next_retry_at, hold
  on public.safari_command_queue
  for each row when (new.status = 'pending')
  execute function public.safari_queue_before_write();

-- Keeps the audit and the idempotency keys whole whoever inserts, and wakes the workers.
create or replace function public.safari_queue_after_insert() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  taken text;
begin
  insert into safari_command_events (command_id, event)
    select id, 'enqueued' from inserted where service <> 'foreign';
  if exists (select from inserted where idempotency_key is not null) then
    insert into safari_idempotency_keys (key, command_id)
      select idempotency_key, id from inserted where idempotency_key is not null
      on conflict (key) do nothing;
    select i.idempotency_key into taken
      from inserted i join safari_idempotency_keys k on k.key = i.idempotency_key
     where k.command_id <> i.id
     limit 1;
    if found then
      raise unique_violation using message =
        format('idempotency key %L already belongs to another command', taken);
    end if;
  end if;
  notify safari_commands;
  return null;
end $$;

create or replace trigger safari_queue_after_insert
  after insert on public.safari_command_queue
  referencing new table as inserted
  for each statement execute function public.safari_queue_after_insert();

-- A row that is set back to pending by hand wakes the workers as a new one does. Functions of ours
-- take the lease off as they hand a row back, and wake whom they want to.
create or replace function public.safari_queue_after_requeue() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  notify safari_commands;
  return null;
end $$;

create or replace trigger safari_queue_after_requeue
  after update of status on public.safari_command_queue
  for each row when (
    new.status = 'pending' and old.status is distinct from 'pending'
    and (old.status is distinct from 'running' or new.boot_id is not null))
  execute function public.safari_queue_after_requeue();

-- The audit is for reading: no row is changed, none is removed before its age.
create or replace function public.safari_event_retention() returns interval
language sql immutable as $$ select interval '90 days' $$;

create or replace function public.safari_events_guard() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if tg_op = 'DELETE' and old.at < now() - safari_event_retention() then
    return old;
  end if;
  raise exception 'safari_command_events is an audit: % refused', lower(tg_op)
    using errcode = 'insufficient_privilege';
end $$;

create or replace trigger safari_events_guard_rows
  before update or delete on public.safari_command_events
  for each row execute function public.safari_events_guard();
create or replace trigger safari_events_guard_truncate
  before truncate on public.safari_command_events
  for each statement execute function public.safari_events_guard();

-- First contact: rows that were there before us are routed, and old ones that would reach a person
-- wait until somebody accepts or discards them.
update public.safari_command_queue q
   set hold = case when r.effect = 'once' and q.created_at < now() - interval '1 day'
                   then 'backlog' end,
       service = r.service,
       effect = r.effect,
       status = 'pending'
  from (select id, (public.safari_route(
                 action, lower(coalesce(nullif(btrim(platform), ''),
                                params ->> 'platform', '')))).*
          from public.safari_command_queue
         where service is null and status = 'pending') r
 where q.id = r.id;

update public.safari_command_queue q
   set service = r.service, effect = r.effect
  from (select id, (public.safari_route(
                 action, lower(coalesce(nullif(btrim(platform), ''),
                                params ->> 'platform', '')))).*
          from public.safari_command_queue
         where service is null and status = 'running') r
 where q.id = r.id;

select public.safari_protect();
