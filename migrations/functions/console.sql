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
           'http_status', e.http_status, 'detail', e.detail - 'result', 'command_id', e.command_id,
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
    select a.id, a.kind, a.detail, a.created_at, a.delivered_at, a.attempts, a.error
      from safari_alerts a order by a.id desc limit least(greatest(row_limit, 1), 200)) n
$$;
