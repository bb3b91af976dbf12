-- The alerts' way to a person, and what is told besides the fate of commands: services that go down
-- and come back, and once a day that all is well.

-- Hands out undelivered alerts, oldest first, to one sender at a time over all hosts: a claim while
-- another host sends, in the pause after a message, or after a failure, gets none and the time to wait.
-- Every failure concerns the way to the operator, so it puts off all alerts; a time further away than any
-- failure sets is that of a row written by hand or of a clock that was ahead, and puts off none.
-- With buttons, drafts that wait are among the alerts, each comes with what it lets an operator decide,
-- and `secret` signs that.
drop function if exists public.safari_alerts_claim(integer, double precision);
create or replace function public.safari_alerts_claim(
  row_limit integer, seconds double precision, with_buttons boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- More than these come as one message, which has no buttons.
  most_with_buttons constant integer := 50;
  furthest constant timestamptz := now() + interval '1 day';
  free_at timestamptz;
  claimed jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('safari_alerts', 0));
  select greatest(
           (select max(a.claimed_until) from safari_alerts a
             where a.claimed_until > now() and a.claimed_until < furthest),
           (select max(a.next_attempt_at) from safari_alerts a
             where a.delivered_at is null and a.next_attempt_at > now()
               and a.next_attempt_at < furthest))
    into free_at;
  if free_at is null then
    if with_buttons then
      perform safari_announce_drafts();
    end if;
    with next as (
      select a.id from safari_alerts a where a.delivered_at is null order by a.id limit row_limit
    ), taken as (
      update safari_alerts a
         set claimed_until = now() + make_interval(secs => seconds), next_attempt_at = null,
             attempts = least(a.attempts, 1000000) + 1
        from next where a.id = next.id
      returning a.id, a.kind, safari_object(a.detail) as detail, a.created_at
    )
    select jsonb_agg(to_jsonb(t) order by t.id) into claimed from taken t;
  end if;
  if with_buttons and jsonb_array_length(claimed) <= most_with_buttons then
    select jsonb_agg(c.item || jsonb_build_object('offer', safari_alert_offer(a)) order by a.id)
      into claimed
      from jsonb_array_elements(claimed) c (item)
      join safari_alerts a on a.id = (c.item ->> 'id')::bigint;
  end if;
  return jsonb_build_object(
    'now', now(), 'alerts', coalesce(claimed, '[]'),
    'secret', case when with_buttons and claimed is not null then (
      select t.secret from safari_telegram t) end,
    'wait_seconds', case when free_at is not null then safari_seconds_until(free_at) end);
end $$;

-- They were sent; the next message may follow after the pause.
create or replace function public.safari_alerts_done(
  ids jsonb, grouped boolean default false, pause_seconds double precision default 1
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  delivered integer;
begin
  update safari_alerts a
     set delivered_at = now(), claimed_until = now() + make_interval(secs => pause_seconds),
         next_attempt_at = null, error = null, grouped = safari_alerts_done.grouped
   where a.delivered_at is null
     and a.id in (select i::bigint from jsonb_array_elements_text(ids) i);
  get diagnostics delivered = row_count;
  return to_jsonb(delivered);
end $$;

-- They could not be sent and wait so many seconds; 0 without an error hands them back untried.
create or replace function public.safari_alerts_failed(
  ids jsonb, error text, seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  put_off integer;
begin
  update safari_alerts a
     set claimed_until = null,
         next_attempt_at = case when seconds > 0 then now() + make_interval(secs => seconds) end,
         error = coalesce(left(safari_alerts_failed.error, 500), a.error)
   where a.delivered_at is null
     and a.id in (select i::bigint from jsonb_array_elements_text(ids) i);
  get diagnostics put_off = row_count;
  return to_jsonb(put_off);
end $$;

-- Ends the long waits that wrong settings bring: a sender with new ones has come.
create or replace function public.safari_alerts_reopen() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  reopened integer;
begin
  update safari_alerts a set next_attempt_at = null
   where a.delivered_at is null and a.next_attempt_at > now() + interval '10 minutes';
  get diagnostics reopened = row_count;
  return to_jsonb(reopened);
end $$;

-- How many alerts wait, since when, and why the last attempt to send one failed.
create or replace function public.safari_alerts_waiting() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'count', count(*), 'since', min(a.created_at),
    'error', (array_agg(a.error order by a.id) filter (where a.error is not null))[1],
    'next_attempt_at', max(a.next_attempt_at))
    from safari_alerts a where a.delivered_at is null
$$;

create or replace function public.safari_pending(service text) returns bigint
language sql stable set search_path = public, pg_temp as $$
  select count(*) from safari_command_queue q
   where q.service = safari_pending.service and q.status = 'pending'
$$;

-- Stores what a host's round of checks found, as safari_record_health takes it, and raises an alert
-- when a service that was healthy failed twice in a row, and one when it is back. A failure says
-- nothing while another host finds the service healthy, that is, did so within `stale_seconds`.
-- Answers which services to ask whether they are ready (alive, with work that may be done now, and not
-- asked in the last quarter of an hour), whether there are unknown outcomes left to look at, and alerts to deliver.
drop function if exists public.safari_check_services(text, jsonb, double precision);
create or replace function public.safari_check_services(
  host text, results jsonb, stale_seconds double precision default 180, accounts jsonb default '{}'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ready_interval constant interval := interval '15 minutes';
  known safari_service_health;
  owner safari_services;
  result jsonb;
  recorded jsonb := '[]';
  about jsonb;
  asked jsonb;
begin
  insert into safari_service_health (service_name, account, port)
    select r ->> 'service_name', safari_account_on(accounts, s.platform), (r ->> 'port')::integer
      from jsonb_array_elements(results) r
      left join safari_services s on s.service = r ->> 'service_name'
     order by 1
    on conflict on constraint safari_service_health_key do nothing;
  for result in select r from jsonb_array_elements(results) r order by r ->> 'service_name' loop
    select * into owner from safari_services s where s.service = result ->> 'service_name';
    select * into known from safari_service_health h
     where h.service_name = result ->> 'service_name'
       and h.account = safari_account_on(accounts, owner.platform) for update;
    known.last_healthy_at := coalesce(
      known.last_healthy_at, case known.status when 'healthy' then known.checked_at end);
    about := jsonb_build_object(
      'service', known.service_name, 'port', result -> 'port', 'kind', owner.kind,
      'last_healthy_at', known.last_healthy_at, 'pending', safari_pending(known.service_name))
      || safari_account_detail(known.account)
      || case when known.account <> 'default' then jsonb_build_object('host', coalesce(
           (select split_part(w.worker, '/', 1) from safari_workers w
             where w.host_key = host order by w.seen_at desc limit 1), host)) else '{}' end;

    if result ->> 'status' = 'healthy' then
      if known.down_alerted_at is not null then
        perform safari_alert(
          format('recovered:%s:%s%s', known.service_name, known.down_alerted_at,
                 ':' || nullif(known.account, 'default')),
          'service_recovered', about);
      end if;
      update safari_service_health h
         set seen_by = host, failing_checks = 0, down_alerted_at = null
       where h.id = known.id;
    elsif known.seen_by <> host
          and known.last_healthy_at > now() - make_interval(secs => stale_seconds) then
      continue;
    else
      known.failing_checks := known.failing_checks + 1;
      if known.failing_checks >= 2 and known.down_alerted_at is null
         and known.last_healthy_at is not null then
        known.down_alerted_at := now();
        perform safari_alert(
          format('down:%s:%s%s', known.service_name, known.last_healthy_at,
                 ':' || nullif(known.account, 'default')), 'service_down',
          about || jsonb_build_object('status', result -> 'status', 'error', result -> 'error'));
      end if;
      update safari_service_health h
         set failing_checks = known.failing_checks, down_alerted_at = known.down_alerted_at,
             last_healthy_at = known.last_healthy_at
       where h.id = known.id;
    end if;
    recorded := recorded || result;
  end loop;
  perform safari_record_health(recorded, accounts);
  insert into safari_health_hours as h (host, service, hour, checks, healthy)
    select safari_check_services.host, r ->> 'service_name', date_trunc('hour', now()), 1,
           (r ->> 'status' = 'healthy')::integer
      from jsonb_array_elements(results) r order by r ->> 'service_name'
    on conflict on constraint safari_health_hours_pkey do update
      set checks = h.checks + 1, healthy = h.healthy + excluded.healthy;

  with due as (
    select h.id from safari_service_health h
      join safari_services s on s.service = h.service_name
      left join lateral safari_policy(s.platform, s.kind, h.account) p on true
     where h.service_name in (select r ->> 'service_name' from jsonb_array_elements(recorded) r)
       and h.account = safari_account_on(accounts, s.platform)
       and h.status = 'healthy'
       and coalesce(h.ready_asked_at < now() - ready_interval, true)
       and (s.kind is null or safari_within_hours(p))
       and exists (select from safari_command_queue q
                    where q.service = h.service_name and q.status = 'pending'
                      and q.account in ('', h.account))
     order by h.service_name
  ), marked as (
    update safari_service_health h set ready_asked_at = now() from due where h.id = due.id
    returning h.service_name
  )
  select jsonb_agg(m.service_name order by m.service_name) into asked from marked m;
  -- What was seen two intervals ago is no longer known.
  update safari_service_health h set not_ready = null
   where h.not_ready is not null and h.ready_asked_at < now() - 2 * ready_interval;
  return jsonb_build_object(
    'ask_ready', coalesce(asked, '[]'), 'is_unsettled', safari_is_unsettled(),
    'has_alerts', exists (select from safari_alerts a where a.delivered_at is null));
end $$;

-- Stores why services that live cannot be used, or null where they can: [{service_name, not_ready}], on
-- a host with these accounts.
drop function if exists public.safari_record_readiness(jsonb);
create or replace function public.safari_record_readiness(results jsonb, accounts jsonb default '{}')
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  recorded integer;
begin
  update safari_service_health h set not_ready = left(r.not_ready, 500), ready_asked_at = now()
    from jsonb_to_recordset(results) as r (service_name text, not_ready text)
    left join safari_services s on s.service = r.service_name
   where h.service_name = r.service_name and h.account = safari_account_on(accounts, s.platform);
  get diagnostics recorded = row_count;
  return to_jsonb(recorded);
end $$;

-- Raises the daily sign of life once it is that hour (UTC), for the first host that asks: silence
-- then means that nothing watches. The first comes on the day after the first worker.
create or replace function public.safari_all_well(hour integer) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  sign text := format('all_well:%s', safari_today());
  midnight timestamptz := safari_today()::timestamp at time zone 'utc';
begin
  if extract(hour from now() at time zone 'utc') < hour
     or not exists (select from safari_workers w where w.started_at < midnight)
     or exists (select from safari_alerts a where a.key = sign) then
    return to_jsonb(false);
  end if;
  perform safari_alert(sign, 'all_well', (
    select jsonb_build_object(
             'day', safari_today() - 1,
             'completed', count(*) filter (where q.status = 'completed'),
             'failed', count(*) filter (
               where q.status = 'failed' and q.reason is distinct from 'unknown'),
             'unknown', count(*) filter (where q.status = 'failed' and q.reason = 'unknown'))
      from safari_command_queue q
     where q.status in ('completed', 'failed') and q.service is distinct from 'foreign'
       and q.completed_at >= midnight - interval '1 day' and q.completed_at < midnight
    ) || jsonb_build_object(
      'pending', (select count(*) from safari_command_queue q
                   where q.status = 'pending' and q.service is distinct from 'foreign'),
      'open_unknown', (select count(*) from safari_command_queue q
                        where q.status = 'failed' and q.reason = 'unknown'),
      'services_down', coalesce((
        select jsonb_agg(distinct h.service_name || coalesce(
                           ' of ' || nullif(h.account, 'default'), ''))
          from safari_service_health h where h.down_alerted_at is not null), '[]')));
  return to_jsonb(true);
end $$;
