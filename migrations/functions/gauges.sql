-- What the exporter shows of the database, in one call. Each key is a metric without its prefix;
-- its value is a number, or a list of objects with the labels and "value".
--
-- Labels come from our own tables, never from a row that somebody inserted: an action or platform
-- that nobody knows must not become a series.

create or replace function public.safari_gauge_epoch(moment timestamptz) returns double precision
language sql immutable set search_path = public, pg_temp as $$
  select extract(epoch from moment)::double precision
$$;

create or replace function public.safari_gauges() returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  answer jsonb;
  part jsonb;
begin
  with states (state) as (
    values ('ready'), ('waiting'), ('held'), ('running')
  ), depths as materialized (
    select d.service, d.ready, d.waiting, d.held, d.running,
           case when d.platform in (select p.platform from safari_policies p) then d.platform
                else 'any' end as platform
      from safari_queue_depths() d join safari_services s on s.service = d.service
    union all
    select s.service, 0, 0, 0, 0, case when s.kind is null then 'any' else s.platform end
      from safari_services s
  ), queue as (
    select d.service, d.platform, s.state,
           sum(case s.state when 'ready' then d.ready when 'waiting' then d.waiting
                            when 'held' then d.held else d.running end) as value
      from depths d cross join states s group by d.service, d.platform, s.state
  ), live as materialized (
    select w.services from safari_workers w
     where w.seen_at > now() - interval '60 seconds' and w.stopped_at is null
  ), health as (
    select h.* from safari_service_health h
      join safari_services s on s.service = h.service_name
  ), quota as (
    select p.platform, p.kind, a.account, p.daily_limit, coalesce(r.used, 0) as used
      from safari_policies common
     cross join lateral safari_accounts_on(common.platform) a (account)
     cross join lateral safari_policy(common.platform, common.kind, a.account) p
      left join safari_rate_limits r on r.platform = p.platform and r.action = p.kind
                                    and r.limit_date = safari_today() and r.account = a.account
  )
  select jsonb_build_object(
    'queue_commands', (select jsonb_agg(to_jsonb(q)) from queue q),
    'queue_oldest_ready_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service, 'value', coalesce(safari_oldest_ready_seconds(s.service), 0)))
        from safari_services s),
    -- The pace of a few seconds between two actions is no reason to look.
    'service_may_act', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service, 'account', a.account,
               'value', (coalesce(g.reason, 'pace') = 'pace')::integer))
        from safari_services s
       cross join lateral safari_accounts_on(s.platform) a (account)
       cross join lateral safari_service_gate(s.service, null, a.account) g),
    'service_owners', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service,
               'value', (select count(*) from live l where s.service = any (l.services))))
        from safari_services s),
    'workers_alive', (select count(*) from live),
    'service_up', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', (h.status = 'healthy')::integer))
        from health h),
    'service_health_response_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', h.response_ms / 1000.0))
        from health h where h.response_ms is not null),
    'service_checked_timestamp_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', safari_gauge_epoch(h.checked_at)))
        from health h where h.checked_at is not null),
    'service_last_healthy_timestamp_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', safari_gauge_epoch(h.last_healthy_at)))
        from health h where h.last_healthy_at is not null),
    'quota_used', (
      select jsonb_agg(jsonb_build_object(
               'platform', q.platform, 'kind', q.kind, 'account', q.account, 'value', q.used))
        from quota q),
    'quota_limit', (
      select jsonb_agg(jsonb_build_object(
               'platform', q.platform, 'kind', q.kind, 'account', q.account,
               'value', q.daily_limit))
        from quota q),
    'unknown_outcomes', (
      select count(*) from safari_command_queue q
       where q.status = 'failed' and q.reason = 'unknown'),
    'quarantined_commands', (
      select count(*) from safari_command_queue q
       where q.status = 'failed' and q.reason = 'poison'),
    'undelivered_alerts', (
      select count(*) from safari_alerts a where a.delivered_at is null),
    'undelivered_alert_age_seconds', (
      select coalesce(extract(epoch from now() - min(safari_finite(a.created_at))), 0)
        from safari_alerts a where a.delivered_at is null),
    'queue_live_tuples', coalesce(
      pg_stat_get_live_tuples('public.safari_command_queue'::regclass), 0),
    'queue_dead_tuples', coalesce(
      pg_stat_get_dead_tuples('public.safari_command_queue'::regclass), 0),
    -- Whatever holds an old snapshot keeps dead rows from being removed.
    'database_oldest_xmin_transactions', (
      select coalesce(max(age(a.backend_xmin)), 0) from pg_stat_activity a
       where a.pid <> pg_backend_pid()),
    'database_clock_timestamp_seconds', safari_gauge_epoch(clock_timestamp())
  ) into answer;

  -- Tables of parts that a database may be without.
  if to_regclass('public.safari_campaign_targets') is not null then
    execute $campaigns$
      select jsonb_build_object(
        'campaign_targets', (
          select jsonb_agg(jsonb_build_object('state', t.state, 'value', t.targets))
            from (select state, count(*) as targets from safari_campaign_targets
                   group by state) t),
        'campaign_targets_held', (
          select count(*) from safari_campaign_targets t where t.hold is not null))
    $campaigns$ into part;
    answer := answer || part;
  end if;
  if to_regclass('public.safari_schedule_runs') is not null then
    execute $schedule$
      select jsonb_agg(jsonb_build_object(
               'schedule', r.job, 'value', safari_gauge_epoch(r.finished_at)))
        from (select job, max(finished_at) as finished_at from safari_schedule_runs
               where status = 'done' group by job) r
    $schedule$ into part;
    answer := answer || jsonb_build_object('schedule_success_timestamp_seconds', part);
  end if;
  if to_regclass('public.agent_claude_usage') is not null then
    execute 'select agent_claude_totals()' into part;
    answer := answer || part;
  end if;
  return answer;
end $$;

-- Transactions of this database that have been open for so long, the oldest first. While one is open, no
-- dead row that it could see is removed, and everything that reads the queue gets slower.
create or replace function public.safari_old_transactions(age_seconds double precision)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'pid', a.pid, 'application', a.application_name, 'user', a.usename, 'state', a.state,
           'seconds', extract(epoch from now() - a.xact_start)) order by a.xact_start), '[]')
    from pg_stat_activity a
   where a.datname = current_database() and a.pid <> pg_backend_pid()
     and (a.backend_xmin is not null or a.backend_xid is not null)
     and a.xact_start <= now() - make_interval(secs => age_seconds)
$$;

-- Sessions that may keep others from our tables, the longest open first: those that change rows for so
-- long, and those that hold a table, be it without a running statement. What a session of another role
-- does is null unless ours may read all statistics.
create or replace function public.safari_lock_holders(age_seconds double precision) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with held as (
    select l.pid, bool_or(l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) as is_table,
           bool_or(l.mode <> 'AccessShareLock') as is_change
      from pg_locks l
      join pg_class c on c.oid = l.relation and c.relnamespace = 'public'::regnamespace
     where l.granted and l.locktype = 'relation' and l.pid <> pg_backend_pid()
       and l.database = (select d.oid from pg_database d where d.datname = current_database())
       and c.relkind in ('r', 'p') and c.relname ~ '^(safari|agent|crm|actp)_'
     group by l.pid
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'pid', a.pid, 'application', a.application_name, 'user', a.usename, 'state', a.state,
           'seconds', extract(epoch from now() - a.xact_start)) order by a.xact_start), '[]')
    from held h join pg_stat_activity a on a.pid = h.pid
   where coalesce(a.xact_start <= now() - make_interval(secs => age_seconds), true)
     and (h.is_table or h.is_change and (a.backend_xid is not null or a.xact_start is null))
$$;
