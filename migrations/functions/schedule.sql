-- What runs at its time: a slot of a job runs once, however many hosts have the same table of jobs.

-- Takes a slot for a run: true for the first that asks, also when it asks again. A slot whose run
-- died stays taken; the next one comes. A database has missed nothing that was due before its first
-- worker: such a slot is taken and not run.
create or replace function public.safari_schedule_begin(
  job text, slot timestamptz, run uuid, host text
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  set_up_at constant timestamptz := coalesce((select min(w.started_at) from safari_workers w), now());
  is_before constant boolean := slot < set_up_at - interval '1 minute';
begin
  insert into safari_schedule_runs (job, slot, run, host, status, finished_at, detail)
    values (job, slot, run, host, case when is_before then 'done' else 'running' end,
            case when is_before then now() end,
            case when is_before then '{"skipped": "due before the first start"}'::jsonb end)
  on conflict on constraint safari_schedule_runs_pkey do nothing;
  if is_before then
    return to_jsonb(false);
  end if;
  return to_jsonb(exists (
    select from safari_schedule_runs r
     where r.job = safari_schedule_begin.job and r.slot = safari_schedule_begin.slot
       and r.run = safari_schedule_begin.run));
end $$;

-- Says what happened to a slot; a person hears of a job's failure once a day.
create or replace function public.safari_schedule_end(
  job text, slot timestamptz, run uuid, ok boolean, detail jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ended boolean;
begin
  update safari_schedule_runs r
     set status = case when ok then 'done' else 'failed' end, finished_at = clock_timestamp(),
         detail = safari_shortened(safari_schedule_end.detail)
   where r.job = safari_schedule_end.job and r.slot = safari_schedule_end.slot
     and r.run = safari_schedule_end.run and r.status = 'running';
  ended := found;
  if ended and not ok then
    perform safari_alert(
      format('schedule_failed:%s:%s', job, safari_today()), 'schedule_failed',
      jsonb_build_object('job', job, 'error', detail ->> 'error'));
  end if;
  return to_jsonb(ended);
end $$;

-- The newest slot of every job, the time it last went well, and the clock that slots go by. A run
-- that has said nothing for an hour is lost.
create or replace function public.safari_schedule() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('at', clock_timestamp(), 'jobs', coalesce((
    select jsonb_agg(jsonb_build_object(
             'job', n.job, 'slot', n.slot, 'host', n.host, 'started_at', n.started_at,
             'finished_at', n.finished_at, 'detail', safari_object(n.detail),
             'status', case when n.status = 'running' and n.started_at < now() - interval '1 hour'
                            then 'lost' else n.status end,
             'last_done_at', (
               select r.finished_at from safari_schedule_runs r
                where r.job = n.job and r.status = 'done' order by r.slot desc limit 1)
           ) order by n.job)
      from (select distinct on (s.job) s.* from safari_schedule_runs s
             order by s.job, s.slot desc) n), '[]'))
$$;

-- What a scheduler must know: the database's clock, of what a job may need whether any is open, and the
-- newest slot of every job unless `known` is the version of them that it has. One in the future was taken
-- under a clock that has been set back.
create or replace function public.safari_schedule_taken(known text default null) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('at', clock_timestamp(), 'version', v.version, 'open',
                            jsonb_build_object('renders', agent_remotion_is_open()))
         || case when v.version is distinct from known then jsonb_build_object('slots', t.slots)
                 else '{}' end
    from (select coalesce(jsonb_object_agg(n.job, n.slot), '{}') as slots
            from (select r.job, max(r.slot) as slot from safari_schedule_runs r
                   where r.slot between '1970-01-01' and clock_timestamp() + interval '1 hour'
                   group by r.job) n) t,
         lateral (select md5(t.slots::text) as version) v
$$;

-- Removes slots that nobody will ask for again, a batch at a time; answers how many.
create or replace function public.safari_schedule_prune(
  keep_days integer default 90, batch integer default 5000
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  removed integer;
begin
  delete from safari_schedule_runs r where (r.job, r.slot) in (
    select s.job, s.slot from safari_schedule_runs s
     where s.slot < now() - make_interval(days => keep_days) limit batch);
  get diagnostics removed = row_count;
  return jsonb_build_object('schedule_runs', removed);
end $$;

-- The daily counters need no reset, each day has new rows. This reports what yesterday used.
create or replace function public.safari_rate_reset() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  return jsonb_build_object('day', safari_today() - 1, 'used', coalesce((
    select jsonb_agg(jsonb_build_object(
             'platform', l.platform, 'kind', l.action, 'used', l.used,
             'daily_limit', l.daily_limit) || safari_account_detail(l.account)
             order by l.platform, l.action, l.account)
      from safari_rate_limits l where l.limit_date = safari_today() - 1), '[]'));
end $$;

-- An alert from outside the database; the key keeps one trouble from being told twice.
create or replace function public.safari_raise_alert(key text, kind text, detail jsonb)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_alert(key, kind, detail);
  return to_jsonb(true);
end $$;

-- Which of the named tables are without row-level security: there before us, open to others.
create or replace function public.safari_unsecured(tables jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(c.relname order by c.relname), '[]')
    from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
     and not c.relrowsecurity and tables ? c.relname::text
$$;
