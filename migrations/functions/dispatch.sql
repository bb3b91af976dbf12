-- The log of the agents' tasks, and who is at which task: one (domain, task) at a time over all
-- hosts. Other programs write actp_agent_tasks too, and use their own words for its status.

-- Marks the runs of dead dispatchers as ended: those whose lease ran out, and those in `gone`, an
-- array of ids, whose host knows that their process is no more. Answers how many.
create or replace function public.agent_task_reap(gone jsonb default '[]') returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  dead record;
  reaped integer := 0;
begin
  for dead in
    delete from agent_task_leases d where d.task_id in (
      select l.task_id from agent_task_leases l
       where l.expires_at < now()
          or l.task_id in (select g::uuid from jsonb_array_elements_text(gone) g)
       order by l.domain, l.task for update skip locked)
    returning d.*
  loop
    update actp_agent_tasks t
       set status = 'error', completed_at = clock_timestamp(),
           duration_ms = extract(epoch from clock_timestamp() - dead.since) * 1000,
           result = jsonb_build_object(
             'stdout', '', 'returncode', null, 'data', null, 'interrupted', true,
             'error', format('interrupted: the dispatcher on %s died', dead.host_name))
     where t.id = dead.task_id and t.status = 'running';
    perform safari_alert(
      format('agent_error:%s:%s:%s', dead.domain, dead.task, safari_today()), 'agent_error',
      jsonb_build_object(
        'domain', dead.domain, 'task', dead.task,
        'error', format('interrupted: the dispatcher on %s died', dead.host_name)));
    reaped := reaped + 1;
  end loop;
  return to_jsonb(reaped);
end $$;

-- Begins a run, for the first that asks (also when it asks again); else says who is at it. A run
-- that is not `logged` has a lease but no row: a sweep, whose tasks have their own rows.
create or replace function public.agent_task_begin(
  id uuid, domain text, task text, params jsonb, host text, host_name text, pid integer,
  lease_seconds double precision, logged boolean default true
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  holder agent_task_leases;
begin
  perform agent_task_reap();
  while holder.task_id is null loop
    insert into agent_task_leases (domain, task, task_id, host, host_name, pid, expires_at)
    values (domain, task, id, host, host_name, pid,
            clock_timestamp() + make_interval(secs => lease_seconds))
    on conflict on constraint agent_task_leases_pkey do nothing;
    select * into holder from agent_task_leases l
     where l.domain = agent_task_begin.domain and l.task = agent_task_begin.task;
  end loop;
  if holder.task_id <> id then
    return jsonb_build_object(
      'begun', false, 'since', holder.since, 'host', holder.host, 'host_name', holder.host_name,
      'pid', holder.pid, 'id', holder.task_id);
  end if;
  if logged then
    insert into actp_agent_tasks (id, domain, task, params, status, result, created_at)
    values (id, domain, task, params, 'running', '{}', clock_timestamp())
    on conflict do nothing;
  end if;
  return jsonb_build_object('begun', true);
end $$;

-- Keeps a run; false says that it is somebody else's by now.
create or replace function public.agent_task_renew(id uuid, lease_seconds double precision)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update agent_task_leases l
     set expires_at = clock_timestamp() + make_interval(secs => lease_seconds)
   where l.task_id = id;
  return to_jsonb(found);
end $$;

-- Ends a run: its row says what came of it, also where it was taken for dead meanwhile. A person
-- hears of a task's failure once a day.
drop function if exists public.agent_task_end(uuid, boolean, jsonb, integer, text);
create or replace function public.agent_task_end(
  id uuid, ok boolean, result jsonb, duration_ms integer, error text default null,
  tell boolean default true
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ended record;
begin
  delete from agent_task_leases l where l.task_id = id;
  update actp_agent_tasks t
     set status = case when ok then 'ok' else 'error' end, result = agent_task_end.result,
         duration_ms = agent_task_end.duration_ms, completed_at = clock_timestamp()
   where t.id = agent_task_end.id
     and (t.status = 'running' or to_jsonb(t.result) ? 'interrupted')
  returning t.domain, t.task into ended;
  if found and not ok and tell then
    perform safari_alert(
      format('agent_error:%s:%s:%s', ended.domain, ended.task, safari_today()), 'agent_error',
      jsonb_build_object('domain', ended.domain, 'task', ended.task, 'error', error));
  end if;
  return to_jsonb(true);
end $$;

-- Ends a sweep and tells it, once.
create or replace function public.agent_sweep_end(
  id uuid, passed integer, total integer, lines jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  delete from agent_task_leases l where l.task_id = id;
  perform safari_alert(
    format('sweep_complete:%s', id), 'sweep_complete',
    jsonb_build_object('passed', passed, 'total', total, 'lines', lines));
  return to_jsonb(true);
end $$;

-- The runs that dispatchers of a host hold, so that it can say which of them are dead.
create or replace function public.agent_task_leases_of(host text) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', l.task_id, 'pid', l.pid)
                            order by l.domain, l.task), '[]')
    from agent_task_leases l where l.host = agent_task_leases_of.host
$$;

-- The last runs, newest first, of any program: other programs say completed and failed, and
-- some store their result as a text that holds JSON.
create or replace function public.agent_task_recent(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('now', now(), 'runs', coalesce((
    select jsonb_agg(jsonb_build_object(
             'id', r.id, 'domain', r.domain, 'task', r.task, 'params', r.params,
             'status', case r.status when 'completed' then 'ok' when 'failed' then 'error'
                                     else r.status end,
             'created_at', r.created_at, 'completed_at', r.completed_at,
             'duration_ms', r.duration_ms, 'returncode', r.result -> 'returncode',
             'headline', r.result #>> '{data,headline}',
             'error', left(coalesce(
               r.result ->> 'error',
               case when jsonb_typeof(r.result) = 'string' and r.status in ('error', 'failed')
                    then r.result #>> '{}' end), 500))
             order by r.created_at desc)
      from (select t.id, t.domain, t.task, to_jsonb(t.params) as params, t.status,
                   to_jsonb(t.result) as result, t.duration_ms, t.created_at, t.completed_at
              from actp_agent_tasks t
             where t.domain is not null and t.task is not null and t.created_at is not null
             order by t.created_at desc limit row_limit) r), '[]'))
$$;

-- Removes our runs that ended long ago, a batch at a time; answers how many.
create or replace function public.agent_task_prune(
  keep_days integer default 90, batch integer default 5000
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  removed integer;
begin
  delete from actp_agent_tasks d where d.id in (
    select t.id from actp_agent_tasks t
     where t.created_at < now() - make_interval(days => keep_days)
       and t.status in ('ok', 'error') and to_jsonb(t.result) ? 'returncode'
     order by t.created_at limit batch);
  get diagnostics removed = row_count;
  return jsonb_build_object('agent_tasks', removed);
end $$;
