-- What people see of the queue: status, history, one command's life, limits, and what a run waits
-- for. A report reads indexes, not the table, so it stays fast however long the queue is.

-- A moment that every clock shows; null for infinity and what lies beyond four-digit years.
create or replace function public.safari_finite(moment timestamptz) returns timestamptz
language sql immutable as $$
  select case when moment >= '1000-01-01 00:00:00+00' and moment < '10000-01-01 00:00:00+00'
    then moment end
$$;

-- The clock that everything stored goes by.
create or replace function public.safari_now() returns jsonb
language sql stable set search_path = public, pg_temp as $$ select to_jsonb(now()) $$;

-- The id of a command from its beginning, which must be at least four hexadecimal digits.
create or replace function public.safari_find(id text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  digits text := replace(lower(btrim(id)), '-', '');
  found_ids uuid[];
begin
  if digits !~ '^[0-9a-f]{4,32}$' then
    raise invalid_parameter_value using
      message = format('%L is not an id: it has at least four hexadecimal digits', id);
  end if;
  select array_agg(q.id) into found_ids
    from (select c.id from safari_command_queue c
           where c.id between rpad(digits, 32, '0')::uuid and rpad(digits, 32, 'f')::uuid
           limit 2) q;
  if found_ids is null then
    -- PostgREST answers a caller 404 for the one, 500 for the other.
    raise exception using
      errcode = case when current_setting('role', true) = 'actp_caller' then 'PT404' else 'P0002' end,
      message = format('there is no command %s', id);
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using
      message = format('%s is the beginning of several ids: give more digits', id);
  end if;
  return to_jsonb(found_ids[1]);
end $$;

-- A command with its attempts and its events, oldest first.
create or replace function public.safari_show(id text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  command_id uuid := (safari_find(id) #>> '{}')::uuid;
begin
  return (
    select jsonb_build_object(
      'command', to_jsonb(q) || jsonb_build_object(
        'due_at', safari_finite(q.due_at), 'params', safari_shortened(q.params),
        'result', safari_shortened(q.result), 'waits', safari_wait_of(q),
        'place', case when q.reason = 'unknown' then (
          select safari_place(a.service, a.recipient) from safari_command_attempts a
           where a.command_id = q.id order by a.attempt desc limit 1) end),
      'attempts', coalesce((
        select jsonb_agg(to_jsonb(a) order by a.attempt) from safari_command_attempts a
         where a.command_id = q.id), '[]'),
      'events', coalesce((
        select jsonb_agg(to_jsonb(e) - 'command_id' order by e.id) from safari_command_events e
         where e.command_id = q.id), '[]'))
      from safari_command_queue q where q.id = command_id);
end $$;

-- The newest commands, as release 0.1.0 asks for them: without a status those that ended.
create or replace function public.safari_history(
  row_limit integer default 50, platform text default null, action text default null,
  status text default null
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select safari_search(
           jsonb_build_object('platform', platform, 'action', action,
                              'status', coalesce(status, 'ended')), null, row_limit) -> 'rows'
$$;

-- The hosts that send for an account of a service now, by name.
create or replace function public.safari_host_names(service text, account text) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(distinct split_part(w.worker, '/', 1)), '[]')
    from safari_hosts_of(service, account) w
$$;

-- Limits, hours, pace and today's use by platform, kind and account, and why it cannot act now: `reason`
-- of a limit, or `waits` of its service.
create or replace function public.safari_limits() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'platform', p.platform, 'kind', p.kind, 'account', a.account,
           'hosts', safari_host_names(s.service, a.account), 'service', s.service,
           'used', coalesce(r.used, 0), 'daily_limit', p.daily_limit,
           'limit_by_person', p.limit_by_person,
           'in_force', case when s.service is not null then to_jsonb(f) end,
           'own_daily_limit', s.own_daily_limit, 'own_hourly_limit', s.own_hourly_limit,
           'weekdays', p.weekdays, 'spread', p.spread, 'ramp_days', p.ramp_days,
           'ramp_from', p.ramp_from,
           'min_gap_seconds', p.min_gap_seconds,
           'active_from', p.active_from, 'active_to', p.active_to,
           'time_zone', coalesce(p.time_zone, 'UTC'),
           'reason', g.reason, 'until', safari_finite(g.until),
           'waits', case when s.service is not null
                         then safari_service_wait(s.service, a.account) end
         ) order by p.platform, p.kind, a.account), '[]')
    from safari_policies common
   cross join lateral safari_accounts_on(common.platform) a (account)
   cross join lateral safari_policy(common.platform, common.kind, a.account) p
    left join safari_services s on s.platform = p.platform and s.kind = p.kind
    left join safari_rate_limits r on r.platform = p.platform and r.action = p.kind
                                  and r.limit_date = safari_today() and r.account = a.account
    left join lateral safari_limits_of(p, s) f on s.service is not null
    left join lateral safari_service_gate(s.service, null, a.account) g on s.service is not null
$$;

-- How long the first in line of a service has waited; each account and each priority has a line
-- of its own.
create or replace function public.safari_oldest_ready_seconds(service text)
returns double precision
language sql stable set search_path = public, pg_temp as $$
  with recursive heads as (
    (select q.account, q.priority, greatest(q.created_at, q.due_at) as since
       from safari_command_queue q
      where q.service = safari_oldest_ready_seconds.service and q.status = 'pending' and q.ready
        and q.crash_count = 0
      order by q.account, q.priority, q.created_at, q.id limit 1)
    union all
    select following.* from heads h cross join lateral (
      select q.account, q.priority, greatest(q.created_at, q.due_at) from safari_command_queue q
       where q.service = safari_oldest_ready_seconds.service and q.status = 'pending' and q.ready
         and q.crash_count = 0 and (q.account, q.priority) > (h.account, h.priority)
       order by q.account, q.priority, q.created_at, q.id limit 1) following
  )
  select extract(epoch from now() - min(safari_bounded(h.since)))::double precision from heads h
$$;

create or replace function public.safari_status() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with depths as materialized (
    select * from safari_queue_depths()
  ), ended as (
    select q.status, q.reason, count(*) as rows
      from safari_command_queue q
     where q.status in ('completed', 'failed', 'cancelled')
       and q.completed_at > now() - interval '24 hours' and q.service is distinct from 'foreign'
     group by q.status, q.reason
  ), counted as (
    select coalesce(sum(e.rows) filter (where e.status = 'completed'), 0) as completed,
           coalesce(sum(e.rows) filter (where e.status = 'failed'
                                          and e.reason is distinct from 'unknown'), 0) as failed,
           coalesce(sum(e.rows) filter (where e.reason = 'unknown'), 0) as unknown,
           coalesce(sum(e.rows) filter (where e.status = 'cancelled'), 0) as cancelled
      from ended e
  ), live as (
    select w.boot_id, w.worker, w.services, w.accounts, w.state, w.started_at, w.seen_at
      from safari_workers w
     where w.seen_at > now() - interval '60 seconds' and w.stopped_at is null
       -- One process of a host drives a service: a later one proves that this one is dead.
       and not exists (select from safari_workers later
                        where later.host_key = w.host_key and later.services && w.services
                          and later.started_at > w.started_at)
  ), reported as (
    select distinct on (r.key, a.account) r.key as service, a.account, r.value as state
      from live l
     cross join lateral jsonb_each(
        case jsonb_typeof(l.state) when 'object' then l.state else '{}' end) r
      left join safari_services s on s.service = r.key
     cross join lateral (select safari_account_on(l.accounts, s.platform) as account) a
     order by r.key, a.account, l.seen_at desc
  )
  select jsonb_build_object(
    'at', now(),
    'queue', coalesce((
      select jsonb_agg(to_jsonb(d) order by d.service, d.platform) from depths d
       where d.service <> 'foreign'), '[]'),
    'services', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service, 'platform', s.platform, 'kind', s.kind, 'port', s.port,
               'account', a.account, 'hosts', safari_host_names(s.service, a.account),
               'oldest_ready_seconds', safari_oldest_ready_seconds(s.service),
               'reason', g.reason, 'until', safari_finite(g.until),
               'state', r.state, 'health', to_jsonb(h) - 'id' - 'service_name' - 'port'
             ) order by s.port nulls last, s.service, a.account)
        from safari_services s
        cross join lateral safari_accounts_on(s.platform) a (account)
        cross join lateral safari_service_gate(s.service, null, a.account) g
        left join reported r on r.service = s.service and r.account = a.account
        left join safari_service_health h
          on h.service_name = s.service and h.account = a.account),
    'last_24_hours', (
      select to_jsonb(c) || jsonb_build_object('completion_rate', round(
               c.completed / nullif(c.completed + c.failed + c.unknown, 0), 4))
        from counted c),
    'limits', safari_limits(),
    'foreign', (select coalesce(sum(d.pending + d.running), 0) from depths d
                 where d.service = 'foreign'),
    'backlog_held', (select coalesce(sum(d.held), 0) from depths d where d.service <> 'foreign'),
    'unknown_outcomes', jsonb_build_object(
      'count', (select count(*) from safari_command_queue q
                 where q.status = 'failed' and q.reason = 'unknown'),
      'oldest', coalesce((
        select jsonb_agg(to_jsonb(u)) from (
          select q.id, q.service, q.action, q.platform, q.error, q.completed_at
            from safari_command_queue q
           where q.status = 'failed' and q.reason = 'unknown'
           order by q.completed_at limit 20) u), '[]')),
    'alerts', coalesce((
      select jsonb_agg(to_jsonb(n)) from (
        select a.id, a.kind, safari_object(a.detail) as detail, a.created_at from safari_alerts a
         where a.delivered_at is null order by a.created_at desc limit 20) n), '[]'),
    'workers', coalesce((
      select jsonb_agg(to_jsonb(l) - 'state' order by l.worker) from live l), '[]'),
    'pauses', coalesce((
      select jsonb_agg(jsonb_build_object('platform', p.platform, 'account', p.account,
                                          'note', p.note, 'until', safari_finite(p.until))
                       order by p.platform, p.account)
        from safari_pauses p where p.until > now()), '[]'))
$$;

-- What is left to do for some services, for a caller that waits until it is done: {service: {running, due,
-- retrying, waiting, held, next_due_seconds, reason, reason_seconds, state}}. A row that failed
-- before and waits no longer than a retry may counts as retrying, all others that wait as waiting.
-- Read by index, whatever the table's statistics say at that moment.
-- With accounts, {platform: account}, only what they send counts.
drop function if exists public.safari_outlook(jsonb);
create or replace function public.safari_outlook(services jsonb, accounts jsonb default null)
returns jsonb
language sql stable
set search_path = public, pg_temp set enable_seqscan = off set jit = off
as $$
  select coalesce(jsonb_object_agg(w.service, jsonb_build_object(
           'running', (select count(*) from safari_command_queue q
                        where q.status = 'running' and q.service = w.service
                          and (our.account is null or q.account in ('', our.account))),
           'due', d.ready + o.overdue,
           'retrying', t.retrying,
           'waiting', d.waiting - o.overdue - t.retrying,
           'held', d.held,
           'next_due_seconds', (
             select greatest(0, safari_seconds_until(q.due_at)) from safari_command_queue q
              where q.service = w.service and q.status = 'pending' and not q.ready
                and q.due_at < 'infinity' and (our.account is null or q.account in ('', our.account))
              order by q.due_at limit 1),
           'reason', g.reason,
           'reason_seconds', case when g.reason is not null then safari_seconds_until(g.until) end,
           'state', (
             select l.state -> w.service from safari_workers l
              where l.seen_at > now() - interval '60 seconds' and l.stopped_at is null
                and l.state ? w.service
                and (our.account is null or safari_account_on(l.accounts, s.platform) = our.account)
              order by l.seen_at desc limit 1)
         )), '{}')
    from jsonb_array_elements_text(services) w (service)
    cross join (select safari_claims_refused_now() as ids) refused
    left join safari_services s on s.service = w.service
    cross join lateral (
      select case when accounts is not null then safari_account_on(accounts, s.platform) end
               as account) our
    cross join lateral (
      select count(*) filter (where q.ready and q.id <> all (refused.ids)) as ready,
             count(*) filter (
               where (not q.ready or q.id = any (refused.ids)) and q.hold is null) as waiting,
             count(*) filter (where not q.ready and q.hold <> 'campaign') as held
        from safari_command_queue q
       where q.service = w.service and q.status = 'pending'
         and (our.account is null or q.account in ('', our.account))) d
    cross join lateral (
      select count(*) as overdue from safari_command_queue q
       where q.service = w.service and q.status = 'pending' and not q.ready
         and q.due_at <= now() and q.id <> all (refused.ids)
         and (our.account is null or q.account in ('', our.account))) o
    cross join lateral (
      select count(*) as retrying
        from safari_command_queue q, safari_settings k
       where q.service = w.service and q.status = 'pending' and not q.ready and q.hold is null
         and q.retry_count > 0 and (our.account is null or q.account in ('', our.account))
         and k.key = 'retry_base_seconds'
         and q.due_at > now() and q.due_at = q.next_retry_at
         and q.next_retry_at <= now() + make_interval(secs => least(
           3600, (k.value #>> '{}')::double precision * 2 ^ least(q.retry_count - 1, 12)))) t
    cross join lateral (
      select a.reason, a.until from safari_any_gate(w.service) a where our.account is null
      union all
      select a.reason, a.until from safari_service_gate(w.service, null, our.account) a
       where our.account is not null) g
$$;

-- Stores what a check of the services found: [{service_name, port, status, response_ms, error}], on a
-- host with these accounts.
drop function if exists public.safari_record_health(jsonb);
create or replace function public.safari_record_health(results jsonb, accounts jsonb default '{}')
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  recorded integer;
begin
  if exists (select from jsonb_array_elements(results) r
              where r ->> 'status' is null
                 or r ->> 'status' not in ('healthy', 'down', 'timeout')) then
    raise invalid_parameter_value using message = 'a status is healthy, down or timeout';
  end if;
  insert into safari_service_health as h (
    service_name, account, port, status, response_ms, error, checked_at, last_healthy_at
  )
    select r.service_name, safari_account_on(accounts, s.platform), r.port, r.status, r.response_ms,
           r.error, now(), case r.status when 'healthy' then now() end
      from jsonb_to_recordset(results) as r (
        service_name text, port integer, status text, response_ms integer, error text)
      left join safari_services s on s.service = r.service_name
     order by r.service_name
    on conflict on constraint safari_service_health_key do update
      set port = excluded.port, status = excluded.status, response_ms = excluded.response_ms,
          error = excluded.error, checked_at = excluded.checked_at,
          last_healthy_at = coalesce(excluded.last_healthy_at, h.last_healthy_at);
  get diagnostics recorded = row_count;
  return to_jsonb(recorded);
end $$;

-- The do-not-contact list.
create or replace function public.safari_contacts() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(d) order by d.platform, d.recipient), '[]')
    from safari_do_not_contact d
$$;
