-- Campaigns: which targets are due for a decision, operator commands, and reports.

-- Claims targets to decide about: their time has come, something happened to them or is known of their
-- people, or their conversation was not looked at since the last sync or for an hour. Answers {now,
-- has_crm, targets, unheard, next_due_seconds}; the words of `unheard` contacts wait to be judged. The
-- claimer has `lease_seconds` to apply a decision.
create or replace function public.safari_campaign_due(
  row_limit integer default 50, lease_seconds double precision default 60
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  look_before timestamptz;
  has_crm boolean := safari_has_crm();
  targets jsonb;
  waiting jsonb;
begin
  if has_crm then
    select greatest(now() - interval '1 hour', max(q.completed_at)) into look_before
      from safari_command_queue q
     where q.status = 'completed' and q.action in ('sync', 'pipeline');
  end if;
  with told as materialized (
    select * from safari_campaign_told()
  ), picked as (
    select t.id from safari_campaign_targets t
     where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')
       and (t.claimed_until is null or t.claimed_until <= now())
       and (t.next_step_at <= now() or t.looked_at < look_before
            or exists (select from told where told.id = t.id)
            or exists (select from safari_campaign_events e
                        where e.target_id = t.id and e.handled_at is null))
     order by t.next_step_at nulls first, t.id
     limit row_limit for update skip locked
  ), claimed as (
    update safari_campaign_targets t
       set claimed_until = now() + make_interval(secs => lease_seconds),
           looked_at = case when t.looked_at is not null then now() end
      from picked where t.id = picked.id
    returning t.*
  )
  select jsonb_agg(jsonb_build_object(
           'id', c.id, 'version', c.version, 'campaign_id', c.campaign_id,
           'campaign_type', r.campaign_type, 'platform', c.platform, 'handle', c.handle,
           'data', c.data, 'created_at', c.created_at,
           'events', coalesce((
             select jsonb_agg(jsonb_build_object('id', e.id, 'event', e.event, 'step', e.step,
                                                 'reason', e.reason, 'at', e.at) order by e.id)
               from safari_campaign_events e
              where e.target_id = c.id and e.handled_at is null), '[]'),
           'heard', case when (c.looked_at is not null or told.id is not null) and has_crm
                         then safari_campaign_heard(c.platform, c.handle) else '[]' end,
           'is_watched', r.campaign_type = 'dm_sequence',
           'is_opted_out', coalesce(told.is_opted_out, false), 'look_at', told.look_at,
           'synced_at', safari_campaign_synced_at(c.platform, c.handle))),
         coalesce((select jsonb_agg(distinct u) from claimed h join told on told.id = h.id
                    cross join unnest(told.unheard) u), '[]')
    into targets, waiting
    from claimed c
    left join told on told.id = c.id
    join lateral (select r.campaign_type from safari_campaign_runs r
                   where r.campaign_id = c.campaign_id limit 1) r on true;
  return jsonb_build_object(
    'now', now(), 'has_crm', has_crm, 'targets', coalesce(targets, '[]'),
    'unheard', coalesce(waiting, '[]'),
    'is_idle', not exists (
      select from safari_campaign_targets t
       where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')),
    'next_due_seconds', (
      select safari_seconds_until(min(t.next_step_at))
        from safari_campaign_targets t
       where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')
         and t.next_step_at > now()));
end $$;

-- Ends targets as replied, all of them at once; answers those that had not ended so.
create or replace function public.safari_campaign_stop(wanted uuid[]) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  target safari_campaign_targets;
  stopped jsonb := '[]';
begin
  perform safari_campaign_lock(wanted);
  for target in
    select * from safari_campaign_targets t where t.id = any (wanted) order by t.id
  loop
    continue when target.state in ('replied', 'failed', 'cancelled');
    insert into safari_campaign_events (target_id, event) values (target.id, 'replied');
    perform safari_campaign_end(target.id, 'replied');
    stopped := stopped || jsonb_build_object(
      'campaign_id', target.campaign_id, 'platform', target.platform, 'handle', target.handle,
      'was', target.state);
  end loop;
  perform safari_campaign_settle(array(select s ->> 'campaign_id' from jsonb_array_elements(stopped) s));
  return stopped;
end $$;

-- Somebody has seen a reply: everything to that person stops at once, under all their addresses.
create or replace function public.safari_campaign_replied(
  handle text, platform text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  theirs constant text[] := array(
    select distinct a
      from (select safari_campaign_replied.platform as site
             where safari_campaign_replied.platform is not null
            union
            select s.platform from safari_services s
             where safari_campaign_replied.platform is null and s.kind is not null) p
     cross join lateral unnest(
       safari_person_addresses(p.site || ':' || safari_campaign_replied.handle)) a);
  wanted uuid[];
begin
  select array_agg(t.id) into wanted
    from unnest(theirs) a (address)
    join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                  and t.handle = substr(a.address, length(t.platform) + 2)
    join safari_campaign_runs r on r.campaign_id = t.campaign_id
   where r.campaign_type <> 'research_sweep'
     and (not safari_campaign_ended(t.state)
          or (t.state in ('cold', 'completed') and r.campaign_type = 'dm_sequence'));
  if wanted is null and exists (
    select from unnest(theirs) a (address)
      join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                    and t.handle = substr(a.address, length(t.platform) + 2)
     where t.state = 'replied') then
    return '[]';  -- somebody, or the same call before it lost its answer, has said so already
  elsif wanted is null then
    raise no_data_found using message = format(
      'no campaign is under way to %s%s', handle, coalesce(' on ' || platform, ''));
  end if;
  return safari_campaign_stop(wanted);
end $$;

-- Somebody has looked and seen no reply: a target goes on that was held for doubt, or whose Mac is gone.
create or replace function public.safari_campaign_go_on(
  handle text, platform text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  going jsonb;
begin
  with told as (
    insert into safari_campaign_events (target_id, event, reason)
      select t.id, 'go_on', case when t.hold is null then 'no_mac' end
        from safari_campaign_targets t
       where t.handle = safari_campaign_go_on.handle
         and t.platform = coalesce(safari_campaign_go_on.platform, t.platform)
         and not safari_campaign_ended(t.state)
         and (t.hold like 'maybe\_replied%' or safari_campaign_no_mac(t) is not null)
    returning target_id
  )
  select jsonb_agg(jsonb_build_object('campaign_id', t.campaign_id, 'platform', t.platform,
                                      'handle', t.handle))
    into going from told join safari_campaign_targets t on t.id = told.target_id;
  if going is null then
    raise no_data_found using message = format(
      'no campaign step to %s is held for an ambiguous reply or waits for a missing Mac', handle);
  end if;
  notify safari_commands;
  return going;
end $$;

-- The whole id of a campaign from its beginning.
create or replace function public.safari_campaign_find(campaign_id text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found_ids text[];
begin
  select array_agg(distinct r.campaign_id) into found_ids from safari_campaign_runs r
   where starts_with(r.campaign_id, btrim(safari_campaign_find.campaign_id));
  if btrim(campaign_id) = any (found_ids) then
    return btrim(campaign_id);
  elsif found_ids is null or btrim(campaign_id) = '' then
    raise no_data_found using message = format('there is no campaign %s', campaign_id);
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using
      message = format('%s is the beginning of %s campaigns: give more characters', campaign_id,
                       cardinality(found_ids));
  end if;
  return found_ids[1];
end $$;

create or replace function public.safari_campaign_cancel(campaign_id text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  whole text := safari_campaign_find(campaign_id);
  wanted uuid[] := array(select t.id from safari_campaign_targets t where t.campaign_id = whole);
  target safari_campaign_targets;
  ended integer := 0;
begin
  perform safari_campaign_lock(wanted);
  for target in
    select * from safari_campaign_targets t where t.id = any (wanted) order by t.id
  loop
    continue when safari_campaign_ended(target.state);
    perform safari_campaign_end(target.id, 'cancelled');
    ended := ended + 1;
  end loop;
  if ended = 0 then
    raise object_not_in_prerequisite_state using
      message = format('campaign %s has ended already', whole);
  end if;
  perform safari_campaign_settle(array[whole]);
  return jsonb_build_object('campaign_id', whole, 'cancelled', ended);
end $$;

-- The newest campaigns, how many targets stand where, and what a person has to settle.
create or replace function public.safari_campaigns(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(n) order by n.started_at desc), '[]') from (
    select r.campaign_id, r.campaign_type, r.platform, r.status, r.total_tasks, r.completed,
           r.failed, r.started_at, r.completed_at, t.targets, t.held, t.no_mac,
           t.next_step_at,
           coalesce(t.states, '{}') as states
      from safari_campaign_runs r
      left join lateral (
        select sum(s.n)::integer as targets, sum(s.held)::integer as held,
               sum(s.no_mac)::integer as no_mac,
               min(s.next_step_at) as next_step_at, jsonb_object_agg(s.state, s.n) as states
          from (select t.state, count(*) as n, count(t.hold) as held,
                       count(safari_campaign_no_mac(t)) as no_mac,
                       min(t.next_step_at) as next_step_at
                  from safari_campaign_targets t
                 where t.campaign_id = r.campaign_id group by t.state) s) t on true
     order by r.started_at desc limit row_limit) n
$$;

-- One campaign with its targets, and each target's commands in order.
create or replace function public.safari_campaign_show(campaign_id text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  whole text := safari_campaign_find(campaign_id);
begin
  return (
    select to_jsonb(r) || jsonb_build_object('targets', coalesce((
      select jsonb_agg(jsonb_build_object(
               'handle', t.handle, 'platform', t.platform, 'state', t.state, 'step', t.step,
               'hold', t.hold, 'no_mac', safari_campaign_no_mac(t),
               'next_step_at', t.next_step_at, 'last_event_at', t.last_event_at,
               'commands', coalesce((
                 select jsonb_agg(jsonb_build_object(
                          'id', q.id, 'step', q.params ->> 'campaign_step', 'status', q.status,
                          'reason', q.reason, 'hold', q.hold, 'scheduled_for', q.scheduled_for,
                          'completed_at', q.completed_at, 'error', q.error,
                          'waits', safari_wait_of(q)) order by q.created_at)
                   from safari_command_queue q
                  where q.batch_id = t.id::text and q.campaign_id is not null), '[]'))
               order by t.handle)
        from safari_campaign_targets t where t.campaign_id = whole), '[]'))
      from safari_campaign_runs r where r.campaign_id = whole
     order by r.started_at limit 1);
end $$;

-- Removes what is past its age of campaigns that have ended, a batch at a time; answers how many of
-- each. A target stays while its own command does: it keeps that command from being sent again.
-- Runs of others stay. Rows that somebody has locked are left to the next time, so that this waits
-- for nobody.
create or replace function public.safari_campaign_prune(
  keep_days integer default 90, batch integer default 5000
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  horizon timestamptz := now() - make_interval(days => keep_days);
  counts jsonb := '{}';
  removed integer;
begin
  delete from safari_campaign_events e where e.id in (
    select n.id from safari_campaign_events n
     where n.handled_at < horizon limit batch for update skip locked);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('campaign_events', removed);
  delete from safari_campaign_targets t where t.id in (
    select n.id from safari_campaign_targets n
     where safari_campaign_ended(n.state) and n.updated_at < horizon
       and exists (select from safari_campaign_runs r
                    where r.campaign_id = n.campaign_id and r.completed_at < horizon)
       and not exists (select from safari_command_queue q
                        where q.batch_id = n.id::text and q.campaign_id is not null)
       and not exists (select from safari_campaign_events e where e.target_id = n.id)
     limit batch for update of n skip locked);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('campaign_targets', removed);
  delete from safari_campaign_runs r where r.id in (
    select n.id from safari_campaign_runs n
     where n.completed_at < horizon and n.result ? 'targets'
       and not exists (select from safari_campaign_targets t where t.campaign_id = n.campaign_id)
       and not exists (select from safari_command_queue q where q.campaign_id = n.campaign_id)
     limit batch for update of n skip locked);
  get diagnostics removed = row_count;
  return counts || jsonb_build_object('campaigns', removed);
end $$;
