-- Campaigns: what is known of each target, what happened to it, and what was decided about it. The
-- decisions are made outside, by a state machine; here they are stored all or nothing, fenced by the
-- target's version. Locks are taken in one order: runs, commands, targets.

create or replace function public.safari_campaign_ended(state text) returns boolean
language sql immutable set search_path = public, pg_temp as $$
  select state in ('replied', 'cold', 'completed', 'failed', 'cancelled')
$$;

-- Lets the next held command of a target begin, unless another one is under way or a person has to
-- settle something. It is told which posts the ones before it were about. It waits for no lock, as its
-- caller may hold others: a row that is locked is left to the decision that the same event leads to.
create or replace function public.safari_campaign_release(target_id uuid) returns void
language sql set search_path = public, pg_temp as $$
  with next as (
    select c.id from safari_command_queue c
     where c.batch_id = target_id::text and c.campaign_id is not null
       and c.status = 'pending' and c.hold = 'campaign'
     order by c.params ->> 'campaign_step' limit 1
  ), free as (
    select c.id from safari_command_queue c join next n on n.id = c.id
     where c.status = 'pending' and c.hold = 'campaign'
       for update of c skip locked
  )
  update safari_command_queue q
     set hold = null,
         scheduled_for = greatest(q.scheduled_for, now() + make_interval(
           secs => (t.data ->> 'spacing_seconds')::double precision)),
         params = q.params || jsonb_build_object('exclude', (
           select coalesce(jsonb_agg(distinct a.recipient), '[]')
             from safari_command_queue c
             join safari_command_attempts a on a.command_id = c.id
            where c.batch_id = target_id::text and c.campaign_id is not null
              and a.recipient is not null and a.outcome is distinct from 'not_sent')),
         updated_at = now()
    from safari_campaign_targets t, free f
   where t.id = target_id and t.hold is null and not safari_campaign_ended(t.state)
     and q.id = f.id
     and not exists (select from safari_command_queue o
                      where o.batch_id = target_id::text and o.campaign_id is not null
                        and (o.status = 'running' or (o.status = 'pending' and o.hold is null)))
$$;

-- Whether a change of a command ended it, gave its end another reason, or put it back in line. The
-- conditions of the triggers that ask this are short: PostgreSQL parses them for each statement that
-- updates a status.
create or replace function public.safari_ended_or_reopened(
  was public.safari_command_queue, command public.safari_command_queue
) returns boolean
language sql immutable as $$
  select (command.status is distinct from was.status or command.reason is distinct from was.reason)
         and (command.status in ('completed', 'failed', 'cancelled')
              or (command.status = 'pending' and was.status in ('completed', 'failed', 'cancelled')))
$$;

-- Tells the target what happened to a step, in the transaction that says so. Security definer: a role that
-- may write the queue need not reach our other tables.
create or replace function public.safari_campaign_step_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target safari_campaign_targets;
begin
  if not safari_ended_or_reopened(old, new) or not (new.params ? 'campaign_step')
     or new.batch_id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  then
    return null;
  end if;
  select * into target from safari_campaign_targets t where t.id = new.batch_id::uuid;
  if not found then
    return null;
  elsif safari_campaign_ended(target.state) then
    if new.status = 'pending' then
      raise object_not_in_prerequisite_state using message = format(
        'command %s is a step to %s, who is %s: nothing more is sent', new.id, target.handle,
        target.state);
    end if;
    return null;
  end if;
  insert into safari_campaign_events (target_id, event, step, reason, command_id)
    values (target.id, case new.status when 'pending' then 'requeued' else new.status end,
            new.params ->> 'campaign_step', new.reason, new.id);
  if new.status = 'completed' then
    perform safari_campaign_release(target.id);
  end if;
  notify safari_commands;
  return null;
end $$;

create or replace trigger safari_campaign_step_changed
  after update of status, reason on public.safari_command_queue
  for each row when (new.campaign_id is not null and new.batch_id is not null)
  execute function public.safari_campaign_step_changed();

-- Enqueues commands, [{..., held}], and holds those that are to wait for the one before.
create or replace function public.safari_campaign_enqueue(commands jsonb) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  made jsonb := safari_enqueue(commands);
begin
  update safari_command_queue q set hold = 'campaign'
    from jsonb_array_elements(commands) with ordinality c (item, index)
    join lateral (select made -> (c.index - 1)::integer as answer) m on true
   where (c.item ->> 'held')::boolean and (m.answer ->> 'created')::boolean
     and q.id = (m.answer ->> 'id')::uuid and q.status = 'pending';
end $$;

-- Stores a campaign, all or nothing. The same id again answers what is there.
create or replace function public.safari_campaign_create(
  campaign_id text, campaign_type text, platform text, total_tasks integer,
  targets jsonb, commands jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  running record;
begin
  perform pg_advisory_xact_lock(hashtextextended('safari_campaign:' || campaign_id, 0));
  if exists (select from safari_campaign_runs r
              where r.campaign_id = safari_campaign_create.campaign_id) then
    return jsonb_build_object('campaign_id', campaign_id, 'created', false);
  end if;
  if campaign_type <> 'research_sweep' then
    -- One campaign at a time for a person, whatever the platform, also of two that start at once.
    perform pg_advisory_xact_lock(hashtextextended('safari_campaign_targets', 0));
    select t.handle, o.campaign_id as other, o.platform as place into running
      from jsonb_to_recordset(targets) as t (handle text)
     cross join lateral unnest(safari_person_addresses(
             safari_campaign_create.platform || ':' || t.handle)) a (address)
      join safari_campaign_targets o
        on o.platform = split_part(a.address, ':', 1)
       and o.handle = substr(a.address, length(o.platform) + 2)
      join safari_campaign_runs r
        on r.campaign_id = o.campaign_id and r.campaign_type <> 'research_sweep'
     where not safari_campaign_ended(o.state)
     order by t.handle limit 1;
    if found then
      raise object_not_in_prerequisite_state using message = format(
        '%s is in the running campaign %s on %s: cancel that or leave them out',
        running.handle, running.other, running.place);
    end if;
    select min(t.handle) as one, max(t.handle) as other into running
      from jsonb_to_recordset(targets) as t (handle text)
      join safari_people o on o.address = safari_campaign_create.platform || ':' || t.handle
     group by o.person having count(*) > 1 order by 1 limit 1;
    if found then
      raise object_not_in_prerequisite_state using message = format(
        '%s and %s are one person: leave one of them out (bin/people show %s:%s)',
        running.one, running.other, platform, running.one);
    end if;
  end if;
  insert into safari_campaign_runs (campaign_id, campaign_type, platform, total_tasks, result)
    values (campaign_id, campaign_type, platform, total_tasks,
            jsonb_build_object('targets', jsonb_array_length(targets)));
  insert into safari_campaign_targets (
    id, campaign_id, platform, handle, state, step, data, looked_at
  )
    select t.id, safari_campaign_create.campaign_id, safari_campaign_create.platform, t.handle,
           t.state, t.step, t.data,
           case when campaign_type = 'dm_sequence' then now() end
      from jsonb_to_recordset(targets) as t (
        id uuid, handle text, state text, step text, data jsonb);
  perform safari_campaign_enqueue(commands);
  return jsonb_build_object('campaign_id', campaign_id, 'created', true);
end $$;

-- Whom somebody means: {handle, platform}. A web address names its platform; a handle alone may be on
-- any, and then platform stays null.
create or replace function public.safari_campaign_person(given text, platform text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  address record := safari_address(platform, given);
  handle text := address.name;
begin
  if handle is null and platform is null then
    handle := safari_handle('tiktok', safari_visible(given));
  end if;
  if handle is null then
    raise invalid_parameter_value using message = format('not a username or a profile: %s',
                                                         left(given, 80));
  end if;
  return jsonb_build_object('handle', handle, 'platform', coalesce(address.place, platform));
end $$;

-- Everything that changes together, in the one order of locks.
create or replace function public.safari_campaign_lock(target_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  perform from safari_campaign_runs r
    where r.campaign_id in (select t.campaign_id from safari_campaign_targets t
                             where t.id = any (target_ids))
    order by r.campaign_id, r.id for update;
  perform from safari_command_queue q
    where q.batch_id = any (target_ids::text[]) and q.campaign_id is not null
    order by q.id for update;
  perform from safari_campaign_targets t
    where t.id = any (target_ids) order by t.id for update;
end $$;

-- Cancels what has not begun, and keeps what failed from being tried again in bulk. The target has
-- been ended before, so that none of this comes back as an event.
create or replace function public.safari_campaign_cancel_commands(target_id uuid) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  with cancelled as (
    update safari_command_queue q
       set status = 'cancelled', boot_id = null, lease_expires_at = null, hold = null,
           reason = 'campaign_ended', result = jsonb_build_object('outcome', 'cancelled'),
           completed_at = now(), updated_at = now()
     where q.batch_id = target_id::text and q.campaign_id is not null
       and q.status in ('pending', 'running')
       and not exists (select from safari_command_attempts a
                        where a.command_id = q.id and a.outcome is null)
    returning q.id
  )
  insert into safari_command_events (command_id, event, detail)
    select id, 'cancelled', '{"reason": "campaign_ended"}' from cancelled;
  update safari_command_queue q set reason = 'campaign_ended', updated_at = now()
   where q.batch_id = target_id::text and q.campaign_id is not null
     and q.status = 'failed' and q.reason = 'retries_exhausted';
end $$;

-- Ends a target for good; the caller holds the locks.
create or replace function public.safari_campaign_end(target_id uuid, state text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  update safari_campaign_targets t
     set state = safari_campaign_end.state, hold = null, next_step_at = null, claimed_until = null,
         version = t.version + 1, last_event_at = now(), updated_at = now(),
         data = jsonb_set(t.data, '{machine,state}', to_jsonb(safari_campaign_end.state))
   where t.id = target_id;
  update safari_campaign_events e set handled_at = now()
   where e.target_id = safari_campaign_end.target_id and e.handled_at is null;
  perform safari_campaign_cancel_commands(target_id);
end $$;

-- Counts what happened to campaigns, and ends those of which every target has ended; the caller holds
-- the locks, so that of two last targets the second one sees the first.
create or replace function public.safari_campaign_settle(campaign_ids text[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  run safari_campaign_runs;
  counts jsonb;
  open_targets integer;
  good integer;
  bad integer;
begin
  for run in
    select r.* from safari_campaign_runs r
     where r.campaign_id = any (campaign_ids) order by r.campaign_id, r.id for update
  loop
    select coalesce(jsonb_object_agg(s.state, s.targets), '{}'),
           coalesce(sum(s.targets) filter (where not safari_campaign_ended(s.state)), 0),
           coalesce(sum(s.targets) filter (where s.state in ('replied', 'cold', 'completed')), 0),
           coalesce(sum(s.targets) filter (where s.state = 'failed'), 0)
      into counts, open_targets, good, bad
      from (select t.state, count(*)::integer as targets from safari_campaign_targets t
             where t.campaign_id = run.campaign_id group by t.state) s;
    update safari_campaign_runs r
       set completed = q.completed, failed = q.failed,
           status = case when open_targets > 0 or r.status <> 'running' then r.status
                         when good > 0 then 'completed' when bad > 0 then 'failed'
                         else 'cancelled' end,
           completed_at = case when open_targets = 0 then coalesce(r.completed_at, now()) end,
           result = coalesce(r.result, '{}') || jsonb_build_object(
             'states', counts, 'targets_completed', good, 'targets_failed', bad)
      from (select count(*) filter (where c.status = 'completed') as completed,
                   count(*) filter (where c.status = 'failed') as failed
              from safari_command_queue c where c.campaign_id = run.campaign_id) q
     where r.id = run.id;
    if open_targets = 0 and run.status = 'running' and good + bad > 0 then
      perform safari_alert('campaign_complete:' || run.campaign_id, 'campaign_complete',
        jsonb_build_object(
          'campaign_id', run.campaign_id, 'campaign_type', run.campaign_type,
          'platform', run.platform, 'targets', run.result -> 'targets', 'completed', good,
          'failed', bad, 'seconds', round(extract(epoch from now() - safari_bounded(run.started_at)))::bigint));
    end if;
  end loop;
end $$;

-- Stores decisions, [{id, version, state, step, hold, next_step_at, machine, calmed_at, handled,
-- commands, ended, hold_pending, release, cancel, sync, alerts}], each with its commands or not at
-- all. One made on an older version is refused; answers [{id, applied}].
create or replace function public.safari_campaign_apply(decisions jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  decision jsonb;
  target safari_campaign_targets;
  answer jsonb := '[]';
  touched text[] := '{}';
  others uuid[] := '{}';  -- of people who replied, in whatever campaign
begin
  perform safari_campaign_lock(array(
    select (d ->> 'id')::uuid from jsonb_array_elements(decisions) d
    union
    select o from jsonb_array_elements(decisions) d
      join safari_campaign_targets t on t.id = (d ->> 'id')::uuid
     cross join lateral safari_campaign_targets_of(
       safari_person_addresses(t.platform || ':' || t.handle)) o
     where d ->> 'state' = 'replied'));
  for decision in select d from jsonb_array_elements(decisions) d order by d ->> 'id' loop
    select * into target from safari_campaign_targets t where t.id = (decision ->> 'id')::uuid;
    if target.id is null or target.version <> (decision ->> 'version')::bigint
       or safari_campaign_ended(target.state) then
      answer := answer || jsonb_build_object('id', decision -> 'id', 'applied', false);
      continue;
    end if;
    update safari_campaign_targets t
       set state = decision ->> 'state', step = decision ->> 'step', hold = decision ->> 'hold',
           next_step_at = (decision ->> 'next_step_at')::timestamptz,
           claimed_until = null, version = t.version + 1, updated_at = now(),
           last_event_at = case when jsonb_array_length(decision -> 'handled') > 0 then now()
                                else t.last_event_at end,
           data = t.data || jsonb_build_object(
             'machine', decision -> 'machine', 'calmed_at', decision -> 'calmed_at')
     where t.id = target.id;
    update safari_campaign_events e set handled_at = now()
     where e.id in (select h::bigint from jsonb_array_elements_text(decision -> 'handled') h)
       and e.target_id = target.id;
    if jsonb_array_length(decision -> 'commands') > 0 then
      perform safari_campaign_enqueue(decision -> 'commands');
    end if;
    if (decision ->> 'hold_pending')::boolean then
      update safari_command_queue q
         set status = 'pending', hold = 'campaign', boot_id = null, lease_expires_at = null,
             updated_at = now()
       where q.batch_id = target.id::text and q.campaign_id is not null
         and q.status in ('pending', 'running') and q.hold is null
         and not exists (select from safari_command_attempts a
                          where a.command_id = q.id and a.outcome is null);
    end if;
    if (decision ->> 'ended')::boolean then
      perform safari_campaign_end(target.id, decision ->> 'state');
    elsif (decision ->> 'release')::boolean then
      perform safari_campaign_release(target.id);
    end if;
    if decision ->> 'state' = 'replied' then
      others := others || array(select o from safari_campaign_targets_of(
        safari_person_addresses(target.platform || ':' || target.handle)) o);
    end if;
    if decision ->> 'state' = 'cold' then
      perform safari_campaign_mark_cold(target.platform, target.handle);
    end if;
    if (decision ->> 'sync')::boolean then
      perform safari_campaign_request_sync(target.platform, target.handle);
    end if;
    insert into safari_alerts (key, kind, detail)
      select format('%s:%s:%s', a ->> 'kind', target.id, target.version), a ->> 'kind',
             jsonb_build_object('campaign_id', target.campaign_id, 'platform', target.platform,
                                'handle', target.handle, 'text', a -> 'why')
        from jsonb_array_elements(decision -> 'alerts') a
      on conflict (key) do nothing;
    touched := touched || target.campaign_id;
    answer := answer || jsonb_build_object('id', target.id, 'applied', true);
  end loop;
  perform safari_campaign_settle(touched);
  if others <> '{}' then
    perform safari_campaign_stop(others);
  end if;
  notify safari_commands;
  return answer;
end $$;

-- Has the conversations read by a Mac whose account holds the one with a person, or by any where all
-- share one account: one request at a time, and one an hour where it fails.
drop function if exists public.safari_campaign_request_sync();
create or replace function public.safari_campaign_request_sync(platform text, handle text)
returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  holder constant text := safari_campaign_holder(platform, handle);
  reader text := '';  -- the account of the Mac's own service
begin
  if holder is not null then
    select coalesce(nullif(safari_account_on(w.accounts, 'local'), 'default'), '') into reader
      from safari_workers w
     where w.stopped_at is null and w.seen_at > now() - interval '60 seconds'
       and 'local' = any (w.services)
       and safari_account_on(w.accounts, safari_campaign_request_sync.platform) = holder
     order by w.seen_at desc limit 1;
    -- No running Mac can read it; the campaign asks again later.
    if reader is null then
      return;
    end if;
  end if;
  if not exists (select from safari_command_queue q
                  where q.service = 'local' and q.action = 'sync'
                    and (holder is null or q.account = reader) and q.status in ('pending', 'running')) then
    perform safari_enqueue(jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
      'action', 'sync', 'params', '{}'::jsonb, 'account', nullif(reader, ''),
      'key', 'campaign-sync:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD HH24')
             || coalesce(':' || nullif(reader, ''), '')))));
  end if;
end $$;
