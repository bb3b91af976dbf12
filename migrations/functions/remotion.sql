-- Videos: which niche deserves one, its job, and its way to the platforms. A job goes queued →
-- rendering → complete → distributing → distributed, or fails; pending waits for Remotion. Jobs of
-- other models and in other states belong to others.

-- What resonated often enough and lately, for a platform and niche or all; the best is chosen outside.
create or replace function public.agent_remotion_candidates(
  platform text default null, niche text default null
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(c) order by c.platform, c.niche), '[]') from (
    select n.platform, n.niche, n.content_type, n.offer_tag, n.top_hook_patterns,
           n.inspiration_hooks,
           coalesce(n.avg_views, 0)::double precision as avg_views,
           coalesce(n.avg_engagement, 0)::double precision as avg_engagement,
           greatest(extract(epoch from now() - safari_bounded(n.last_updated)) / 86400, 0)::double precision
             as age_days
      from actp_niche_resonance n
     where n.sample_count >= 3 and n.last_updated > now() - interval '30 days'
       and n.niche <> 'other'
       and n.platform = coalesce(agent_remotion_candidates.platform, n.platform)
       and n.niche = coalesce(agent_remotion_candidates.niche, n.niche)
     order by n.last_updated desc limit 1000) c
$$;

create or replace function public.agent_remotion_shown(job public.actp_gen_jobs) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'id', job.id, 'status', job.status, 'platform', job.platform, 'niche', job.niche,
    'brief', safari_shortened(job.brief), 'render_job_id', job.render_job_id,
    'retry_count', greatest(job.retry_count, 0), 'output_url', job.output_url, 'error', job.error,
    'created_at', safari_finite(agent_time(job.created_at)), 'request_key', job.request_key,
    'rendering_seconds', extract(epoch from now() - safari_bounded(agent_time(job.rendering_since)))::double precision)
$$;

-- The job that was requested with a key, or null.
create or replace function public.agent_remotion_requested(key text) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select agent_remotion_shown(j) from actp_gen_jobs j where j.request_key = key
$$;

-- Requests a video once a key; answers {created, job}.
create or replace function public.agent_remotion_request(
  key text, niche text, platform text, brief jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  created boolean;
begin
  insert into actp_gen_jobs (request_key, model, executor, brief, status, platform, niche)
  values (key, 'remotion', 'remotion', brief, 'queued', agent_remotion_request.platform,
          agent_remotion_request.niche)
  on conflict (request_key) do nothing;
  created := found;
  return jsonb_build_object('created', created, 'job', agent_remotion_requested(key));
end $$;

-- Whether any job is not at its end. Where the table is another program's in another shape, a run says
-- what is wrong with it.
create or replace function public.agent_remotion_is_open() returns boolean
language plpgsql stable set search_path = public, pg_temp as $$
begin
  return exists (
    select from actp_gen_jobs j
     where j.model = 'remotion' and j.status in ('queued', 'pending', 'rendering', 'complete'));
exception when syntax_error_or_access_rule_violation or data_exception then
  return true;
end $$;

-- Takes jobs that are not at their end for a run, those that were looked at longest ago first; with an
-- id only that one.
create or replace function public.agent_remotion_due(
  claim uuid, row_limit integer, seconds double precision, job_id uuid default null
) returns jsonb
language sql set search_path = public, pg_temp as $$
  with due as (
    select j.id from actp_gen_jobs j
     where j.model = 'remotion' and j.status in ('queued', 'pending', 'rendering', 'complete')
       and (job_id is null or j.id = job_id)
       and (j.claimed_until is null or j.claimed_until <= now())
     order by j.updated_at nulls first, j.id limit row_limit for update skip locked
  ), taken as (
    update actp_gen_jobs j
       set claim = agent_remotion_due.claim, claimed_until = now() + make_interval(secs => seconds)
      from due where j.id = due.id
    returning j.*
  )
  select coalesce(jsonb_agg(agent_remotion_shown(t::actp_gen_jobs) order by t.created_at, t.id), '[]')
    from taken t
$$;

-- Takes one job in order to distribute it, perhaps again: there must be a video.
create or replace function public.agent_remotion_take(
  claim uuid, job_id uuid, seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  job actp_gen_jobs;
begin
  select * into job from actp_gen_jobs j
   where j.id = job_id and j.model = 'remotion' for update;
  if not found then
    raise no_data_found using message = format('there is no video job %s', job_id);
  elsif job.status not in ('complete', 'distributed', 'failed') or job.output_url is null then
    raise object_not_in_prerequisite_state using message = format(
      'job %s is %s: %s', job.id, job.status,
      case when job.status = 'distributing' then 'its posts are under way'
           else 'there is no video yet' end);
  elsif job.claimed_until > now() then
    raise object_not_in_prerequisite_state using message = format(
      'another run works on job %s', job.id);
  end if;
  update actp_gen_jobs j
     set claim = agent_remotion_take.claim, claimed_until = now() + make_interval(secs => seconds)
   where j.id = job.id;
  return agent_remotion_shown(job);
end $$;

-- Stores how far a job is, for the run that took it; one that failed is told.
create or replace function public.agent_remotion_change(
  claim uuid, job_id uuid, status text, render_job_id text, retry_count integer,
  output_url text default null, error text default null, release boolean default true
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  job actp_gen_jobs;
begin
  update actp_gen_jobs j
     set status = agent_remotion_change.status,
         rendering_since = case
           when agent_remotion_change.render_job_id is null then null
           when j.render_job_id is distinct from agent_remotion_change.render_job_id then now()
           else j.rendering_since end,
         render_job_id = agent_remotion_change.render_job_id,
         retry_count = agent_remotion_change.retry_count,
         output_url = coalesce(agent_remotion_change.output_url, j.output_url),
         error = agent_remotion_change.error,
         completed_at = case when agent_remotion_change.status in ('complete', 'failed')
                             then coalesce(agent_time(j.completed_at), now()) end,
         claim = case when not release then j.claim end,
         claimed_until = case when not release then j.claimed_until end,
         updated_at = clock_timestamp()
   where j.id = job_id and j.claim = agent_remotion_change.claim
     and j.status in ('queued', 'pending', 'rendering', 'complete')
  returning * into job;
  if job.status = 'failed' then
    perform safari_alert(format('render_failed:%s', job.id), 'render_failed', jsonb_build_object(
      'niche', job.niche, 'platform', job.platform, 'error', job.error));
  end if;
  return to_jsonb(job.id is not null);
end $$;

-- Lets a job go without a change.
create or replace function public.agent_remotion_release(claim uuid, job_id uuid) returns jsonb
language sql set search_path = public, pg_temp as $$
  update actp_gen_jobs j set claim = null, claimed_until = null, updated_at = clock_timestamp()
   where j.id = job_id and j.claim = agent_remotion_release.claim
  returning to_jsonb(j.id)
$$;

-- Sends a video on its way, once: the job goes to distributing, and one task names every platform on
-- which the video is not, nor may be. Answers {task_id, platforms}; a null task means that the job
-- was not the run's any more, or that no platform is left.
drop function if exists public.agent_remotion_distribute(uuid, uuid, text, jsonb, jsonb, jsonb);
create or replace function public.agent_remotion_distribute(
  claim uuid, job_id uuid, output_url text, platforms jsonb, descriptions jsonb, account_ids jsonb,
  scheduled_times jsonb default '{}'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  job actp_gen_jobs;
  wanted jsonb;
  task uuid;
begin
  select * into job from actp_gen_jobs j
   where j.id = job_id and j.claim = agent_remotion_distribute.claim
     and j.status in ('complete', 'distributed', 'failed') for update;
  if not found then
    return jsonb_build_object('task_id', null, 'platforms', '[]'::jsonb);
  end if;
  select coalesce(jsonb_agg(p.platform order by p.place), '[]') into wanted
    from jsonb_array_elements_text(platforms) with ordinality p (platform, place)
   where not exists (select from actp_publish_attempts a
                      where a.gen_job_id = job_id and a.platform = p.platform
                        and a.outcome is distinct from 'not_sent');
  if wanted <> '[]' then
    insert into actp_workflow_tasks (task_type, status, input_data)
    values ('blotato_multi_publish', 'pending', jsonb_build_object(
      'video_url', agent_remotion_distribute.output_url, 'platforms', wanted,
      'descriptions', descriptions, 'account_ids', account_ids,
      'scheduled_times', scheduled_times,
      'content_id', job_id, 'gen_job_id', job_id,
      'written_by', coalesce(job.brief ->> 'generated_by', 'template')))
    returning id into task;
    perform safari_alert(format('render_complete:%s', job_id), 'render_complete',
      jsonb_build_object('hook', job.brief ->> 'hook', 'platforms', wanted));
  end if;
  update actp_gen_jobs j
     set status = case when task is null then 'distributed' else 'distributing' end,
         output_url = agent_remotion_distribute.output_url, error = null, claim = null,
         claimed_until = null, updated_at = clock_timestamp()
   where j.id = job_id;
  return jsonb_build_object('task_id', task, 'platforms', wanted);
end $$;

-- Jobs, the newest first; `open` leaves out those at their end.
create or replace function public.agent_remotion_jobs(
  open boolean default false, row_limit integer default 20
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(agent_remotion_shown(j.job) order by j.created_at desc, j.id), '[]')
    from (select g as job, g.created_at, g.id from actp_gen_jobs g
           where g.model = 'remotion'
             and (not open or g.status in ('queued', 'pending', 'rendering', 'complete',
                                           'distributing'))
           order by g.created_at desc nulls last, g.id limit row_limit) j
$$;

-- How many jobs and tasks of publishing are in which state, and the newest of both.
create or replace function public.agent_remotion_status(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'jobs', coalesce((
      select jsonb_object_agg(c.status, c.jobs) from (
        select coalesce(j.status, 'unknown') as status, count(*) as jobs from actp_gen_jobs j
         where j.model = 'remotion' group by 1) c), '{}'),
    'posts', coalesce((
      select jsonb_object_agg(c.status, c.tasks) from (
        select coalesce(w.status, 'unknown') as status, count(*) as tasks
          from actp_workflow_tasks w where w.task_type = 'blotato_multi_publish' group by 1) c),
      '{}'),
    'rows', agent_remotion_jobs(false, row_limit),
    'publishing', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', w.id, 'status', w.status, 'error', w.error,
               'created_at', safari_finite(w.created_at),
               'job_id', w.input_data ->> 'gen_job_id',
               'platforms', safari_shortened(w.input_data) -> 'platforms',
               'output', safari_shortened(w.output_data)) order by w.created_at desc, w.id)
        from (select * from actp_workflow_tasks t
               where t.task_type = 'blotato_multi_publish'
               order by t.created_at desc nulls last, t.id limit row_limit) w), '[]'))
$$;
