-- Which service owns a command, and the triggers of the queue and its audit.

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

-- An older controller stored json.dumps(result)[:2000] in a text column: what no longer parses is
-- kept under "raw".
create or replace function public.safari_json_or_raw(value text) returns jsonb
language plpgsql immutable as $$
begin
  return value::jsonb;
exception when others then
  return jsonb_build_object('raw', value);
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
