-- What the live console shows beside the other reports: a mark that changes with the data, the last
-- transitions, and the last day by the hour.

-- A mark that differs whenever something happened since it was read: cheap enough to ask five times a
-- second. Ids are summed as one transaction may commit after another with a later id.
create or replace function public.safari_pulse() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select jsonb_build_object(
    'events', (select coalesce(sum(e.id), 0) from (
      select id from safari_command_events order by id desc limit 100) e),
    'alerts', (select coalesce(sum(a.id), 0) from (
      select id from safari_alerts order by id desc limit 20) a),
    'actions', (select coalesce(sum(o.id), 0) from (
      select id from safari_operator_actions order by id desc limit 20) o))
$$;

-- The last transitions of commands, newest first, each with what it is about; with `after` only those
-- since that event.
create or replace function public.safari_feed(row_limit integer default 20, after bigint default 0)
returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', e.id, 'at', e.at, 'event', e.event, 'worker', e.worker, 'attempt', e.attempt,
           'http_status', e.http_status, 'detail', safari_object(e.detail) - 'result', 'command_id', e.command_id,
           'service', q.service, 'action', q.action, 'platform', q.platform, 'params', q.params,
           'status', q.status, 'reason', q.reason) order by e.id desc), '[]')
    from (select * from safari_command_events e where e.id > safari_feed.after
           order by e.id desc limit least(greatest(row_limit, 1), 200)) e
    left join safari_command_queue q on q.id = e.command_id
$$;

-- How commands ended in each of the last 24 hours: {service: [[completed, other], …]}, oldest first.
create or replace function public.safari_day_by_hour() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with ended as materialized (
    select q.service, (extract(epoch from now() - q.completed_at) / 3600)::integer as ago,
           count(*) filter (where q.status = 'completed') as completed,
           count(*) filter (where q.status <> 'completed') as others
      from safari_command_queue q
     where q.status in ('completed', 'failed', 'cancelled') and q.completed_at <= now()
       and q.completed_at > now() - interval '23 hours 30 minutes'
     group by 1, 2
  )
  select coalesce(jsonb_object_agg(d.service, d.hours), '{}') from (
    select s.service, jsonb_agg(jsonb_build_array(coalesce(e.completed, 0), coalesce(e.others, 0))
                                order by h.ago desc) as hours
      from safari_services s cross join generate_series(0, 23) h (ago)
      left join ended e on e.service = s.service and e.ago = h.ago
     group by s.service) d
$$;

-- The first page of the console in one reading.
create or replace function public.safari_console() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select jsonb_build_object(
    'status', safari_status(), 'feed', safari_feed(20), 'hours', safari_day_by_hour(),
    'undelivered', safari_alerts_waiting(),
    'inbox', agent_inbox(1) -> 'waiting', 'drafts', (select count(*) from safari_review_rows()),
    'running', coalesce((
      select jsonb_agg(to_jsonb(r) order by r.started_at) from (
        select q.id, q.service, q.action, q.platform, q.params, q.worker_id, q.started_at, q.attempt,
               exists (select from safari_command_attempts a
                        where a.command_id = q.id and a.outcome is null) as is_begun
          from safari_command_queue q where q.status = 'running'
         order by q.started_at limit 5) r), '[]'),
    'coming', coalesce((
      select jsonb_agg(to_jsonb(c) order by c.priority, c.created_at) from (
        select q.id, q.service, q.action, q.platform, q.params, q.priority, q.created_at
          from safari_command_queue q
         where q.status = 'pending' and q.ready and q.crash_count = 0
           and q.service is distinct from 'foreign'
         order by q.priority, q.created_at limit 5) c), '[]'))
$$;

-- The last alerts, newest first, and whether they reached a person.
create or replace function public.safari_alerts_recent(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(n) order by n.id desc), '[]') from (
    select a.id, a.kind, safari_object(a.detail) as detail, a.created_at, a.delivered_at, a.attempts, a.error
      from safari_alerts a order by a.id desc limit least(greatest(row_limit, 1), 200)) n
$$;

-- How each service answered each host in the last 24 hours: [{host, service, hours: [[checks, healthy],
-- …]}], oldest hour first; an hour without a check is null.
create or replace function public.safari_health_day() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(jsonb_build_object('host', d.host, 'service', d.service, 'hours', d.hours)
                            order by d.host, d.port nulls last), '[]')
    from (
      select k.host, k.service, s.port,
             jsonb_agg(case when h.checks is not null then jsonb_build_array(h.checks, h.healthy) end
                       order by t.hour) as hours
        from (select distinct host, service from safari_health_hours
               where hour > now() - interval '24 hours') k
        join safari_services s on s.service = k.service
       cross join generate_series(date_trunc('hour', now()) - interval '23 hours',
                                  date_trunc('hour', now()), interval '1 hour') t (hour)
        left join safari_health_hours h
          on h.host = k.host and h.service = k.service and h.hour = t.hour
       group by k.host, k.service, s.port) d
$$;

-- How many actions each account of a service began in the last hour, 24 hours and 7 days, each counted
-- to 1 000: {service: {account: {hourly, rolling, weekly}}}.
create or replace function public.safari_windows() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_object_agg(w.service, w.accounts), '{}') from (
    select s.service, jsonb_object_agg(a.account, (
             select jsonb_object_agg(span.name, (
                      select count(*) from (
                        select from safari_command_attempts t
                         where t.service = s.service and t.account = a.account
                           and t.quota_day is not null and t.begun_at > now() - span.length
                         order by t.begun_at desc limit 1000) t))
               from (values ('hourly', interval '1 hour'), ('rolling', interval '24 hours'),
                            ('weekly', interval '7 days')) span (name, length))) as accounts
      from safari_services s cross join lateral safari_accounts_on(s.platform) a (account)
     where s.kind is not null
     group by s.service) w
$$;

-- People of the CRM whose name, address or mailbox has these letters, who was heard of last first:
-- {rows, is_more}.
create or replace function public.agent_people(find text default null, row_limit integer default 50)
returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  most constant integer := least(greatest(row_limit, 1), 200);
  wanted constant text := '%' || regexp_replace(lower(ltrim(btrim(coalesce(find, '')), '@')),
                                                '([\\%_])', '\\\1', 'g') || '%';
begin
  return (
    with found as materialized (
      select c.id, coalesce(nullif(btrim(c.display_name), ''), c.username) as name, c.platform,
             c.username, c.relationship_score as score, c.stage, c.headline,
             greatest(c.last_inbound_at, c.last_outbound_at, c.last_message_at) as last_at
        from crm_contacts c
       where wanted = '%%' or lower(concat_ws(' ', c.display_name, c.username, c.twitter_handle,
               c.instagram_handle, c.tiktok_handle, c.linkedin_url, c.email)) like wanted
       order by greatest(c.last_inbound_at, c.last_outbound_at, c.last_message_at) desc nulls last,
                c.id
       limit most + 1)
    select jsonb_build_object(
      'rows', coalesce((select jsonb_agg(to_jsonb(f)) from (
        select * from found order by last_at desc nulls last, id limit most) f), '[]'),
      'is_more', (select count(*) > most from found)));
end $$;

-- Why a person has the score and stage that they have, their campaigns, and what of them is blocked.
create or replace function public.agent_person_facts(given text) returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with person as materialized (
    select a.address, split_part(a.address, ':', 1) as place, split_part(a.address, ':', 2) as name
      from unnest(safari_person_addresses(safari_person_named(given))) a (address)
  ), contact as (
    select c.* from crm_contacts c join person p on p.place = 'contact' and p.name = c.id::text
     order by c.last_scored_at desc nulls last, c.id limit 1
  )
  select jsonb_build_object(
    'score', (select jsonb_build_object(
                'score', c.relationship_score, 'stage', c.stage, 'offer_readiness', c.offer_readiness,
                'summary', c.ai_summary, 'next_action', c.next_action, 'at', c.last_scored_at,
                'tags', c.tags, 'reason', (
                  select s.reason from crm_score_history s where s.contact_id = c.id
                   order by s.created_at desc nulls last limit 1)) from contact c),
    'blocked', coalesce((
      select jsonb_agg(to_jsonb(n) order by n.platform, n.recipient) from safari_do_not_contact n
       where exists (select from person p where p.name = n.recipient
                        and n.platform = any (safari_listed_under(p.address)))), '[]'),
    'campaigns', coalesce((
      select jsonb_agg(jsonb_build_object(
               'campaign_id', t.campaign_id, 'platform', t.platform, 'handle', t.handle,
               'state', t.state, 'step', t.step, 'hold', t.hold, 'next_step_at', t.next_step_at)
               order by t.last_event_at desc)
        from safari_campaign_targets t join person p on p.place = t.platform and p.name = t.handle),
      '[]'))
$$;
