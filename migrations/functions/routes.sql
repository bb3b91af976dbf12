-- Which service owns a command, and the triggers of the queue and its audit.

-- The route that is written down for an action: that of the platform before that of all.
create or replace function public.safari_route_named(action text, platform text)
returns setof public.safari_routes
language sql stable rows 1 as $$
  select t.* from safari_routes t
   where t.action = safari_route_named.action and t.platform in (safari_route_named.platform, '')
   order by t.platform desc limit 1
$$;

-- Answers who owns a command. What no route names goes to 'local', which ends it with a clear error;
-- what belongs to another consumer of the table is 'foreign' and left alone. The planner inlines it
-- into the statement of the trigger.
drop function if exists public.safari_route(text, text);
create or replace function public.safari_route_of(action text, platform text)
returns table (service text, effect text)
language sql stable rows 1 as $$
  select case
           when exists (select from safari_settings s
                         where s.key = 'foreign_platforms' and s.value ? safari_route_of.platform)
             then 'foreign'
           when r.service is not null then r.service
           when position(':' in coalesce(safari_route_of.action, '')) > 0
                or exists (select from safari_settings s
                            where s.key = 'foreign_actions' and s.value ? safari_route_of.action)
             then 'foreign'
           else 'local' end,
         coalesce(r.effect, 'repeatable')
    from (select) one
    left join lateral safari_route_named(safari_route_of.action, safari_route_of.platform) r on true
$$;

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
language sql immutable as $$
  select case when jsonb_typeof(params) = 'string' then public.safari_json_or_raw(params #>> '{}')
              else params end
$$;

-- Text without the space around it, of any kind; null when nothing is left.
create or replace function public.safari_trim(value text) returns text
language sql immutable as $$
  select nullif(btrim(value, E' \t\n\r\f\u000b\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006'
    || E'\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'), '')
$$;

-- A moment that every language and clock can hold.
create or replace function public.safari_bounded(moment timestamptz) returns timestamptz
language sql immutable as $$
  select case when moment is not null then
    least(greatest(moment, '1970-01-01 00:00:00+00'), '2999-12-31 00:00:00+00') end
$$;

-- How large a JSON value is to its reader: one that comes from a table may be stored compressed.
create or replace function public.safari_json_bytes(value jsonb) returns integer
language sql stable as $$
  select case when pg_column_compression(value) is null then pg_column_size(value)
              else octet_length(value::text) end
$$;

-- Why a reader in another language could not decode a JSON value; null when it can.
create or replace function public.safari_unreadable(value jsonb) returns text
language plpgsql immutable set search_path = public, pg_temp as $$
begin
  if safari_json_bytes(value) > 1000000 then
    return 'are larger than 1 MB';
  elsif jsonb_path_exists(value, 'strict $.**{50 to last}') then
    return 'are nested more than 50 levels deep';
  elsif jsonb_path_exists(value, 'strict $.** ? (@.type() == "number" && (@ > 1e300 || @ < -1e300))') then
    return 'hold a number beyond 1e300';
  end if;
  return null;
exception when statement_too_complex or program_limit_exceeded then
  return 'are nested too deep';
end $$;

-- The value, or the beginning of its text where no reader could decode it.
create or replace function public.safari_shortened(value jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select case when safari_unreadable(value) is null then value
              else jsonb_build_object('unreadable', left(value::text, 500)) end
$$;

-- A value that its reader takes for an object, as one that it can read.
create or replace function public.safari_object(value jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select case when value is null then null
              when jsonb_typeof(value) = 'object' then safari_shortened(value)
              else jsonb_build_object('unreadable', left(value::text, 500)) end
$$;

-- A row made by a plain INSERT, or edited by hand, is routed and timed like any other. The columns
-- that workers keep start from their defaults, whatever an INSERT says: the numbers that guard an
-- attempt are not the writer's to choose. Times are bounded, text is trimmed, and params that no
-- reader can decode end the row here, alone.
-- Security definer: a role that may write the queue need not reach our other tables.
create or replace function public.safari_queue_before_write() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  fault text;
  is_ordinary boolean;
begin
  if tg_op = 'INSERT' or new.action is distinct from old.action
     or new.platform is distinct from old.platform or new.service is null then
    new.action := left(safari_trim(new.action), 1000);
    new.platform := lower(left(coalesce(safari_trim(new.platform),
                                        safari_trim(safari_params(new.params) ->> 'platform')), 1000));
    -- A statement costs as much as twenty columns that are set, so one finds the ordinary row: it has a
    -- route, no setting concerns it, and no earlier row had its id.
    select t.service, t.effect into new.service, new.effect
      from safari_route_named(new.action, coalesce(new.platform, '')) t
     where not exists (select from safari_settings s
                        where case s.key when 'review' then s.value <> '"off"'
                                         when 'foreign_platforms' then s.value ? new.platform end)
       and not exists (select from safari_command_attempts a where a.command_id = new.id)
       and not exists (select from safari_reviews r where r.door = 'command' and r.row_id = new.id);
    is_ordinary := found;
    if not is_ordinary then
      select r.service, r.effect into new.service, new.effect
        from safari_route_of(new.action, coalesce(new.platform, '')) r;
    end if;
  end if;
  new.account := safari_account_name(coalesce(nullif(new.account, ''), case
    when tg_op = 'INSERT' and new.action in ('send_dm', 'comment', 'tweet')
    then safari_params(new.params) ->> 'account' end));
  new.status := coalesce(new.status, 'pending');
  if new.service <> 'foreign' then
    new.status := coalesce(safari_trim(lower(new.status)), 'pending');
  end if;
  new.priority := coalesce(new.priority, 5);
  new.retry_count := greatest(new.retry_count, 0);
  new.crash_count := greatest(new.crash_count, 0);
  new.lease_number := least(greatest(new.lease_number, 0), 4611686018427387904);
  new.created_at := safari_bounded(new.created_at);
  new.scheduled_for := safari_bounded(new.scheduled_for);
  new.next_retry_at := safari_bounded(new.next_retry_at);
  new.expires_at := safari_bounded(new.expires_at);
  if tg_op = 'INSERT' then
    new := safari_as_inserted(new);
    -- A listing reads these of a thousand rows at once.
    new.batch_id := left(new.batch_id, 1000);
    if new.metadata is not null and (
         safari_json_bytes(new.metadata) > 100000 or safari_unreadable(new.metadata) is not null) then
      new.metadata := jsonb_build_object('unreadable', left(new.metadata::text, 500));
    end if;
  end if;
  -- Attempts are numbered by their own table, so that no edit of the row makes anybody forget one.
  if is_ordinary then
    new.attempt := 0;
  else
    new.attempt := coalesce(
      (select max(a.attempt) from safari_command_attempts a where a.command_id = new.id), 0);
  end if;
  if new.status = 'pending' then
    -- A hold that nothing lifts would keep the row forever; this one is lifted by bin/queue.
    if new.hold not in ('backlog', 'campaign', 'review')
       or (tg_op = 'INSERT' and new.hold = 'campaign') then
      new.hold := 'backlog';
    end if;
    new.due_at := case when new.hold is not null then 'infinity'
                       else greatest(new.scheduled_for, new.next_retry_at) end;
    new.ready := new.due_at is null or new.due_at <= now();

    fault := safari_unreadable(new.params);
    if fault is not null and new.service <> 'foreign' then
      new.status := 'failed';
      new.reason := 'validation';
      new.error := format('params %s', fault);
      new.result := jsonb_build_object('outcome', 'validation');
      new.completed_at := now();
      new.params := safari_shortened(new.params);
    end if;
  end if;
  if tg_op = 'INSERT' then
    if new.action in ('send_dm', 'comment') then
      new := safari_aimed(new);
    end if;
    if not is_ordinary then
      new := safari_held_for_review(new);
    end if;
  end if;
  return new;
end $$;

-- A new row with the worker's columns at their defaults. One that says it runs is taken for that of a
-- controller that left no lease; one that has ended keeps what it says of its end.
create or replace function public.safari_as_inserted(command public.safari_command_queue)
returns public.safari_command_queue
language plpgsql as $$
begin
  -- now() is the same for a whole batch; first in, first out needs a finer clock.
  if coalesce(command.created_at = now() or command.created_at > now() + interval '1 day', true) then
    command.created_at := clock_timestamp();
  end if;
  command.updated_at := now();
  -- A row that an import stores with its old date, or that was due on an old one, is no request of today,
  -- as at the other doors. The first of all dates is what programs write for none.
  if command.status = 'pending' and command.effect = 'once'
     and (command.created_at > '1970-01-02' and command.created_at < now() - safari_backlog_age()
            and coalesce(command.scheduled_for <= now(), true)
          or command.scheduled_for > '1970-01-02'
            and command.scheduled_for < now() - safari_backlog_age()) then
    command.hold := 'backlog';
  end if;
  -- The visitors' key is in every web page of a project, and anybody can sign up: with the table open,
  -- anybody may insert.
  if current_setting('role', true) in ('anon', 'authenticated') then
    command.hold := coalesce((
      select 'backlog' from pg_class c
       where c.oid = 'public.safari_command_queue'::regclass and not c.relrowsecurity), command.hold);
  end if;
  command.retry_count := 0;
  command.crash_count := 0;
  command.lease_number := 0;
  command.boot_id := null;
  command.worker_id := null;
  command.lease_expires_at := null;
  command.next_retry_at := null;
  if command.status in ('pending', 'running') then
    command.started_at := case command.status when 'running' then now() end;
    command.completed_at := null;
    command.result := null;
    command.error := null;
    command.reason := null;
  else
    command.started_at := safari_bounded(command.started_at);
    command.completed_at := coalesce(safari_bounded(command.completed_at), now());
    command.error := left(command.error, 2000);
    command.reason := left(command.reason, 1000);
    command.result := safari_shortened(command.result);
    command.params := safari_shortened(command.params);
  end if;
  return command;
end $$;

create or replace trigger safari_queue_before_insert
  before insert on public.safari_command_queue
  for each row execute function public.safari_queue_before_write();

create or replace trigger safari_queue_before_update
  before update of status, action, platform, params, priority, account, scheduled_for, next_retry_at,
    hold, created_at, expires_at, attempt, retry_count, crash_count, lease_number
  on public.safari_command_queue
  for each row when (new.status is null or new.status = 'pending')
  execute function public.safari_queue_before_write();

-- A row that is neither ready nor due at any time would wait for good; a table editor toggles it with a click.
create or replace function public.safari_queue_keep_due() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  new.due_at := case when new.hold is not null then 'infinity'
                     else greatest(new.scheduled_for, new.next_retry_at) end;
  new.ready := new.due_at is null or new.due_at <= now();
  return new;
end $$;

create or replace trigger safari_queue_keep_due
  before update of ready, due_at on public.safari_command_queue
  for each row when (new.status = 'pending' and new.due_at is null and new.ready is not true)
  execute function public.safari_queue_keep_due();

-- Which service sends a command, and whether it may be sent twice, follows from its action alone: an
-- edit of the answer is undone. So is one of params that nobody could decode.
create or replace function public.safari_queue_keep_route() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  select r.service, r.effect into new.service, new.effect
    from safari_route_of(new.action, coalesce(new.platform, '')) r;
  new.params := safari_shortened(new.params);
  return new;
end $$;

create or replace trigger safari_queue_keep_route
  before update of service, effect, params on public.safari_command_queue
  for each row when (old.service is not null and (new.service is distinct from old.service
    or new.effect is distinct from old.effect
    or (new.params is distinct from old.params and new.status <> 'pending')))
  execute function public.safari_queue_keep_route();

-- Calls the workers that own these services; a notification without names calls all of them.
create or replace function public.safari_call(services text[]) returns void
language sql set search_path = public, pg_temp as $$
  select pg_notify('safari_commands', array_to_string(services, ','))
   where array_remove(services, 'foreign') <> '{}'
$$;

-- Keeps the audit and the idempotency keys whole for every insert, and wakes the workers.
create or replace function public.safari_queue_after_insert() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  taken text;
begin
  insert into safari_command_events (command_id, event, worker)
    select id, 'enqueued', safari_operator() from inserted where service <> 'foreign';
  insert into safari_command_events (command_id, event, detail)
    select id, 'failed', jsonb_build_object('reason', reason, 'error', error) from inserted
     where status = 'failed' and reason = 'validation';
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
  perform safari_call(array(select distinct service from inserted where status = 'pending'));
  return null;
end $$;

create or replace trigger safari_queue_after_insert
  after insert on public.safari_command_queue
  referencing new table as inserted
  for each statement execute function public.safari_queue_after_insert();

-- A row that is set back to pending by hand wakes the workers as a new one does. Our functions
-- take the lease off as they hand a row back, and wake whom they want to.
create or replace function public.safari_queue_after_requeue() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform safari_call(array[new.service]);
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
