-- Decisions made in Telegram: what an alert lets an operator decide, and the decision itself.

-- The first twelve digits of a hash.
create or replace function public.safari_mark(shown text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select left(encode(sha256(convert_to(shown, 'UTF8')), 'hex'), 12)
$$;

create or replace function public.safari_uuid(given text) returns uuid
language sql immutable set search_path = public, pg_temp as $$
  select case when given ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then given::uuid end
$$;

-- The platform and account that an alert is about (the account is empty for all of them), and the service
-- where one waits for a person.
create or replace function public.safari_alert_platform(alert public.safari_alerts)
returns table (platform text, account text, service text)
language sql stable set search_path = public, pg_temp as $$
  select s.platform, safari_account_name(alert.detail ->> 'account'),
         case when alert.kind <> 'quota_reached' then s.service end
    from safari_services s
   where alert.kind in ('blocked', 'logged_out', 'wrong_account', 'suspicious',
                        'misconfigured', 'quota_reached')
     and s.platform is not null
     and (s.service = alert.detail ->> 'service'
          or (not alert.detail ? 'service' and s.platform = alert.detail ->> 'platform'))
   order by s.service limit 1
$$;

-- Whether a button did what it stands for.
create or replace function public.safari_telegram_used(alert_id bigint, action text, mark text)
returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (select from safari_telegram_presses p
                  where p.alert_id = safari_telegram_used.alert_id
                    and p.action = safari_telegram_used.action
                    and p.mark = safari_telegram_used.mark and p.answer ->> 'done' = 'true')
$$;

-- What an alert lets an operator decide now, {mark, actions}, or null where there is nothing to decide
-- any more. The mark changes with what the decision is about, so that a button decides only what its
-- reader saw.
create or replace function public.safari_alert_offer(alert public.safari_alerts) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  d constant jsonb := alert.detail;
  about constant uuid := safari_uuid(coalesce(d ->> 'command_id', d ->> 'contact_id', d ->> 'review_id'));
  actions text[];
  shown text;
  mark text;
begin
  if jsonb_typeof(d) is distinct from 'object' then
    return null;
  end if;
  case alert.kind
    when 'unknown_outcome' then
      select array['sent', 'not_sent'], concat_ws('|', q.id, q.attempt, safari_command_hash(q))
        into actions, shown
        from safari_command_queue q
       where q.id = about and q.status = 'failed' and q.reason = 'unknown'
         and alert.key = format('unknown:%s:%s', q.id, q.attempt);
    when 'campaign_held' then
      select case when bool_or(t.hold like 'maybe\_replied%') then array['replied', 'go_on']
                  else array['replied'] end,
             string_agg(concat_ws('|', t.id, t.version, t.hold), ',' order by t.id)
        into actions, shown
        from safari_campaign_targets t
       where t.handle = d ->> 'handle' and t.platform = d ->> 'platform'
         and t.hold is not null and not safari_campaign_ended(t.state)
      having count(*) > 0;
    when 'reply' then
      select case when coalesce(r.snoozed_until > now(), false) then array['done']
                  else array['snooze', 'done'] end,
             concat_ws('|', r.contact_id, r.heard_at, r.words, r.snoozed_until, r.reason)
        into actions, shown
        from agent_inbox_rows(agent_person(about)) r
       where left(r.words, 500) is not distinct from d ->> 'words' limit 1;
    when 'draft' then
      select array['approve', 'reject'], v.content_hash into actions, shown
        from safari_review_rows() v
       where v.id = about and v.content_hash = d ->> 'content_hash' and v.expires_at > now();
    else
      select case when p.platform is null then
                       array['pause'] || case when a.service is not null then array['resume'] end
                  else array['resume'] end,
             concat_ws('|', a.platform, a.account, p.until, p.created_at)
        into actions, shown
        from safari_alert_platform(alert) a
        left join safari_pauses p on p.platform = a.platform and p.account = a.account
                                 and p.until > now();
  end case;
  if shown is null then
    return null;
  end if;
  mark := safari_mark(concat_ws('|', alert.id, alert.kind, shown));
  return jsonb_build_object('mark', mark, 'actions', (
    select coalesce(jsonb_agg(o.action order by o.place), '[]')
      from unnest(actions) with ordinality o (action, place)
     where not safari_telegram_used(alert.id, o.action, mark)));
end $$;

-- What happened to the thing that an alert is about: {state, by, at}, for a button that comes too late.
create or replace function public.safari_alert_state(alert public.safari_alerts) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  d constant jsonb := alert.detail;
  state text;
  decided record;
begin
  case alert.kind
    when 'unknown_outcome' then
      select case when q.status = 'failed' then coalesce(q.reason, q.status) else q.status end
        into state from safari_command_queue q where q.id = safari_uuid(d ->> 'command_id');
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action = 'resolve' and o.arguments ->> 'id' = d ->> 'command_id'
       order by o.id desc limit 1;
    when 'draft' then
      select r.state, r.decided_by as operator, r.decided_at as at into decided
        from safari_reviews r where r.id = safari_uuid(d ->> 'review_id');
      state := decided.state;
      if state = 'pending' then
        state := 'changed since, or waits no longer';
      end if;
    when 'campaign_held' then
      select string_agg(distinct t.state, ', ') into state from safari_campaign_targets t
       where t.handle = d ->> 'handle' and t.platform = d ->> 'platform'
         and t.campaign_id = d ->> 'campaign_id';
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action in ('campaign_replied', 'campaign_go_on')
         and o.arguments ->> 'handle' = d ->> 'handle'
         and coalesce(o.arguments ->> 'platform', d ->> 'platform') = d ->> 'platform'
       order by o.id desc limit 1;
    when 'reply' then
      state := case when exists (
        select from agent_inbox_rows(agent_person(safari_uuid(d ->> 'contact_id'))))
        then 'they wrote again, or the time of the snooze changed' else 'nothing waits' end;
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action in ('inbox_done', 'inbox_snooze', 'inbox_reply')
         and o.arguments ->> 'contact_id' = d ->> 'contact_id' order by o.id desc limit 1;
    else
      select case when p.platform is null then format('%s is not paused', a.platform)
                  when p.until = 'infinity' then format('%s is paused', a.platform)
                  else format('%s is paused until %s UTC', a.platform,
                              to_char(p.until at time zone 'utc', 'HH24:MI')) end
        into state
        from safari_alert_platform(alert) a
        left join safari_pauses p on p.platform = a.platform and p.account = a.account
                                 and p.until > now();
      select o.operator, o.at into decided
        from safari_alert_platform(alert) a
        join safari_operator_actions o on o.arguments ->> 'platform' in (a.platform, 'all')
             and safari_account_name(o.arguments ->> 'account') in ('', a.account)
       where o.action in ('pause', 'resume') order by o.id desc limit 1;
  end case;
  return jsonb_build_object('state', coalesce(state, 'gone'), 'by', decided.operator,
                            'at', decided.at);
end $$;

-- Does what a button stands for, through the same actions as every other entrance.
create or replace function public.safari_alert_decide(
  alert public.safari_alerts, action text, operator text
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  pause_seconds constant double precision := 2 * 3600;
  snooze_seconds constant double precision := 24 * 3600;
  d constant jsonb := alert.detail;
  place record;
  answer jsonb;
begin
  case action
    when 'sent', 'not_sent' then
      return safari_act('resolve', jsonb_build_object(
        'id', d -> 'command_id', 'verdict', replace(action, '_', '-')), operator);
    when 'replied', 'go_on' then
      return safari_act('campaign_' || action, jsonb_build_object(
        'handle', d -> 'handle', 'platform', d -> 'platform'), operator);
    when 'snooze' then
      return safari_act('inbox_snooze', jsonb_build_object(
        'contact_id', d -> 'contact_id', 'seconds', snooze_seconds), operator);
    when 'done' then
      return safari_act('inbox_done', jsonb_build_object('contact_id', d -> 'contact_id'), operator);
    when 'approve', 'reject' then
      answer := safari_act('review', jsonb_build_object(
        'verdict', action, 'drafts', jsonb_build_array(jsonb_build_object(
          'id', d -> 'review_id', 'content_hash', d -> 'content_hash'))), operator);
      if (answer ->> 'done')::integer = 0 then
        raise object_not_in_prerequisite_state using
          message = 'this draft was decided, has expired, or has another text now';
      end if;
      return answer;
    when 'pause' then
      select * into place from safari_alert_platform(alert);
      return safari_act('pause', jsonb_build_object(
        'platform', place.platform, 'account', place.account, 'seconds', pause_seconds,
        'note', 'from Telegram'), operator);
    when 'resume' then
      select * into place from safari_alert_platform(alert);
      -- With its account, even if that is empty: the pause of another account is not its business.
      answer := safari_act('resume', jsonb_build_object(
        'platform', place.platform, 'account', place.account), operator);
      if place.service is not null then
        answer := answer || jsonb_build_object('service', place.service) || safari_act(
          'resume_service', jsonb_build_object('service', place.service, 'account', place.account),
          operator);
      end if;
      return answer || jsonb_build_object('platform', place.platform);
    else
      raise invalid_parameter_value using message = format('there is no button %s', action);
  end case;
end $$;

-- Puts drafts that wait for review on the way to the operator who may decide there, five at a time: each
-- that is decided makes room for the next.
create or replace function public.safari_announce_drafts() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  at_once constant integer := 5;
begin
  if not exists (select from safari_reviews r where r.state = 'pending' and r.expires_at > now()) then
    return;
  end if;
  insert into safari_alerts (key, kind, detail)
    select n.key, 'draft', n.detail from (
      select v.created_at, v.id, format('draft:%s:%s', v.id, left(v.content_hash, 12)) as key,
             jsonb_build_object(
               'review_id', v.id, 'content_hash', v.content_hash, 'kind', v.kind,
               'platform', v.platform, 'recipient', left(v.recipient, 200), 'body', v.body,
               'why', left(v.why, 300), 'expires_at', v.expires_at) as detail
        from safari_review_rows() v
       where v.expires_at > now()) n
     where not exists (select from safari_alerts a where a.key = n.key)
     order by n.created_at, n.id
     limit greatest(0, at_once - (
       select count(*) from safari_review_rows() v
        where exists (select from safari_alerts a
                       where a.key = format('draft:%s:%s', v.id, left(v.content_hash, 12)))))
  on conflict on constraint safari_alerts_key_key do nothing;
end $$;

-- Makes a host the one that receives Telegram's updates, or keeps it so, for so many seconds; another
-- one waits. `error` is why it could not receive since it asked last. Answers {granted, wait_seconds,
-- secret}.
create or replace function public.safari_telegram_lease(
  host text, seconds double precision, error text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  held safari_telegram;
begin
  insert into safari_telegram default values on conflict do nothing;
  select * into held from safari_telegram t for update;
  if held.holder <> host and held.lease_until > now() then
    return jsonb_build_object(
      'granted', false, 'wait_seconds', safari_seconds_until(held.lease_until));
  end if;
  update safari_telegram t
     set holder = host, lease_until = now() + make_interval(secs => seconds),
         error = left(safari_telegram_lease.error, 300), updated_at = now();
  return jsonb_build_object('granted', true, 'secret', held.secret);
end $$;

-- Who receives Telegram's updates now, {holder, since, error}; nobody where no lease holds.
create or replace function public.safari_telegram_state() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'holder', case when t.lease_until > now() then t.holder end,
    'renewed_at', t.updated_at, 'error', t.error)
    from safari_telegram t
$$;

-- Handles the press of a button once: the same press again answers what it did. A button that was used,
-- or whose row is no longer as it was shown, changes nothing. The caller has checked its signature and
-- who pressed it. Answers {done, why, repeated, answer, state, alert, offer, at}.
create or replace function public.safari_telegram_press(
  key text, host text, operator text, alert_id bigint, action text, mark text
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  alert safari_alerts;
  offer jsonb;
  done jsonb;
  why text;
  known jsonb;
begin
  if not exists (select from safari_telegram t where t.holder = host and t.lease_until > now()) then
    raise object_not_in_prerequisite_state using
      message = 'another host receives the updates of Telegram now';
  end if;
  -- One decision after the other: two presses of one button must not both find it unused.
  perform pg_advisory_xact_lock(hashtextextended('safari_telegram', 0));
  insert into safari_telegram_presses as p (key, operator, alert_id, action, mark)
    values (safari_telegram_press.key, left(safari_telegram_press.operator, 200),
            safari_telegram_press.alert_id, safari_telegram_press.action, safari_telegram_press.mark)
    on conflict on constraint safari_telegram_presses_pkey do nothing;
  if not found then
    select p.answer into known from safari_telegram_presses p where p.key = safari_telegram_press.key;
    return known || jsonb_build_object('repeated', true);
  end if;
  select * into alert from safari_alerts a where a.id = safari_telegram_press.alert_id;
  if found then
    perform from safari_command_queue q where q.id = safari_uuid(alert.detail ->> 'command_id') for update;
    offer := safari_alert_offer(alert);
    if safari_telegram_used(alert.id, action, mark) then
      why := 'used';
    elsif offer is null or offer ->> 'mark' <> safari_telegram_press.mark
          or not offer -> 'actions' ? safari_telegram_press.action then
      why := 'changed';
    else
      begin
        done := safari_alert_decide(alert, action, operator);
        update safari_telegram_presses p set answer = '{"done": true}'
         where p.key = safari_telegram_press.key;
      exception
        when object_not_in_prerequisite_state or no_data_found or invalid_parameter_value then
          why := sqlerrm;
      end;
    end if;
  else
    why := 'gone';
  end if;
  known := jsonb_build_object(
    'done', why is null, 'why', why, 'answer', done, 'at', now(), 'operator', operator,
    'alert', case when alert.id is not null then jsonb_build_object(
      'id', alert.id, 'kind', alert.kind, 'detail', alert.detail, 'created_at', alert.created_at) end,
    'state', case when alert.id is not null then safari_alert_state(alert) end,
    'offer', case when alert.id is not null then safari_alert_offer(alert) end);
  update safari_telegram_presses p set answer = known where p.key = safari_telegram_press.key;
  return known || jsonb_build_object('repeated', false);
end $$;
