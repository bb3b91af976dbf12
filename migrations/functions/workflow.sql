-- Publishing: a task of type blotato_multi_publish puts one video on several platforms. Its publisher
-- holds a lease, and writes an attempt for each platform before Blotato is asked, since Blotato has no
-- key that would make a post unique. Tasks of other types, and those that somebody else has claimed,
-- are left alone.

-- The video that a task is about, where it is our own.
create or replace function public.agent_publish_video(input jsonb) returns uuid
language sql immutable set search_path = public, pg_temp as $$
  select case when input ->> 'gen_job_id' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
              then (input ->> 'gen_job_id')::uuid end
$$;

-- All that decides what comes next for a task.
create or replace function public.agent_publish_task(task_id uuid) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'id', w.id, 'lease', w.lease_number, 'input', safari_shortened(w.input_data),
    'now', clock_timestamp(),
    'timeout_minutes', w.timeout_minutes,
    'paused', coalesce((select jsonb_agg(p.platform) from safari_pauses p
                         where p.account = '' and p.until > now()), '[]'),
    'attempts', coalesce((
      select jsonb_agg(to_jsonb(a) order by a.attempt) from actp_publish_attempts a
       where a.task_id = w.id), '[]'))
    from actp_workflow_tasks w where w.id = agent_publish_task.task_id
$$;

create or replace function public.agent_publish_tell_unknown(
  task_id uuid, platform text, error text
) returns void
language sql set search_path = public, pg_temp as $$
  select safari_alert(format('publish_failed:%s:%s', task_id, platform), 'publish_failed',
                      jsonb_build_object('platforms', jsonb_build_array(platform), 'error', error))
$$;

-- Ends a task that cannot be worked on, alone, and tells of it. What had been begun is unknown.
create or replace function public.agent_publish_set_aside(task_id uuid, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform agent_publish_tell_unknown(a.task_id, a.platform, agent_publish_set_aside.error)
     from actp_publish_attempts a
    where a.task_id = agent_publish_set_aside.task_id and a.outcome is null;
  update actp_publish_attempts a
     set outcome = 'unknown', finished_at = clock_timestamp(),
         error = agent_publish_set_aside.error
   where a.task_id = agent_publish_set_aside.task_id and a.outcome is null;
  update actp_workflow_tasks w
     set status = 'failed', error = agent_publish_set_aside.error, lease_number = 0,
         lease_expires_at = null, next_at = null, completed_at = now()
   where w.id = agent_publish_set_aside.task_id and w.status in ('pending', 'running');
  if found then
    perform safari_alert(format('publish_failed:%s', task_id), 'publish_failed',
      jsonb_build_object('platforms', '[]'::jsonb, 'error', agent_publish_set_aside.error));
  end if;
  return to_jsonb(found);
end $$;

-- Why nobody can work on a task; null where somebody can.
create or replace function public.agent_publish_fault(task public.actp_workflow_tasks) returns text
language sql stable as $$
  select case
    when task.lease_number not between 0 and 9000000000000000000
      then format('its lease number is %s', task.lease_number)
    else 'its input_data ' || safari_unreadable(task.input_data) end
$$;

-- Hands out one task that is due, {now, task, next_due_seconds}. What its last holder had begun is
-- unknown from now on. Only one process of a host asks at a time, so a task that is held under the
-- same host_key is held by nobody.
create or replace function public.agent_publish_claim(
  boot_id uuid, host_key text, worker text, lease_seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  due actp_workflow_tasks;
  found_id uuid;
  doubt constant text := 'the publisher stopped while Blotato was asked; nobody knows whether it is out';
begin
  perform safari_review_refresh();
  loop
    select w.* into due from actp_workflow_tasks w
     where w.task_type = 'blotato_multi_publish'
       and not agent_publish_is_stale(w) and not safari_post_waits(w)
       and ((w.status = 'pending' and coalesce(w.next_at <= now(), true))
            or (w.status = 'running' and w.lease_number > 0
                and (coalesce(w.lease_expires_at <= now(), w.next_at <= now(), true)
                     or (w.lease_expires_at is not null
                         and w.host_key = agent_publish_claim.host_key))))
     order by w.next_at nulls first, w.created_at, w.id limit 1
       for update skip locked;
    exit when not found or agent_publish_fault(due) is null;
    perform agent_publish_set_aside(due.id, agent_publish_fault(due));
  end loop;
  found_id := due.id;
  if found_id is null then
    return jsonb_build_object('task', null, 'next_due_seconds', (
      select safari_seconds_until(min(coalesce(w.lease_expires_at, w.next_at, now())))
        from actp_workflow_tasks w
       where w.task_type = 'blotato_multi_publish'
         and not agent_publish_is_stale(w) and not safari_post_waits(w)
         and (w.status = 'pending' or (w.status = 'running' and w.lease_number > 0))));
  end if;
  update actp_workflow_tasks w
     set status = 'running', boot_id = agent_publish_claim.boot_id,
         host_key = agent_publish_claim.host_key, lease_number = w.lease_number + 1,
         lease_expires_at = now() + make_interval(secs => lease_seconds), next_at = null,
         claimed_by = worker, claimed_at = coalesce(w.claimed_at, now())
   where w.id = found_id;
  perform agent_publish_tell_unknown(found_id, a.platform, doubt)
     from actp_publish_attempts a where a.task_id = found_id and a.outcome is null;
  update actp_publish_attempts a
     set outcome = 'unknown', finished_at = clock_timestamp(), error = doubt
   where a.task_id = found_id and a.outcome is null;
  return jsonb_build_object('task', agent_publish_task(found_id));
end $$;

-- Whether the caller still holds a task, whose lease is then renewed; locks the task.
create or replace function public.agent_publish_holds(
  task_id uuid, boot_id uuid, lease_number bigint, lease_seconds double precision
) returns boolean
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_workflow_tasks w
     set lease_expires_at = now() + make_interval(secs => lease_seconds)
   where w.id = agent_publish_holds.task_id and w.status = 'running'
     and w.boot_id = agent_publish_holds.boot_id
     and w.lease_number = agent_publish_holds.lease_number;
  return found;
end $$;

-- Stores the intent to publish on a platform. Verdicts: granted (with the attempt) · paused · refused
-- (it is out already, or may be) · lost (the task is not ours any more); the task comes with it.
create or replace function public.agent_publish_begin(
  task_id uuid, boot_id uuid, lease_number bigint, platform text, lease_seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  video uuid;
  earlier actp_publish_attempts;
  number integer;
  verdict text := 'granted';
begin
  if not agent_publish_holds(task_id, boot_id, lease_number, lease_seconds) then
    return jsonb_build_object('verdict', 'lost');
  elsif exists (select from safari_pauses p
                 where p.platform in ('all', agent_publish_begin.platform) and p.account = ''
                   and p.until > now()) then
    return jsonb_build_object('verdict', 'paused', 'task', agent_publish_task(task_id));
  end if;
  select agent_publish_video(w.input_data) into video from actp_workflow_tasks w where w.id = task_id;
  -- Two tasks of one video begin one after the other.
  perform pg_advisory_xact_lock(hashtextextended(
    format('publish:%s:%s', coalesce(video, task_id), platform), 0));
  select * into earlier from actp_publish_attempts a
   where a.platform = agent_publish_begin.platform and a.outcome is distinct from 'not_sent'
     and (a.task_id = agent_publish_begin.task_id or a.gen_job_id = video)
   order by a.task_id = agent_publish_begin.task_id desc limit 1;
  select coalesce(max(a.attempt), 0) + 1 into number from actp_publish_attempts a
   where a.task_id = agent_publish_begin.task_id and a.platform = agent_publish_begin.platform;
  if earlier.task_id = agent_publish_begin.task_id then
    if earlier.outcome is null and earlier.boot_id = agent_publish_begin.boot_id then
      number := earlier.attempt;  -- the same begin again: its answer was lost on the way
    else
      verdict := 'refused';
    end if;
  elsif earlier.task_id is not null then
    verdict := 'refused';
    insert into actp_publish_attempts (
      task_id, platform, attempt, gen_job_id, boot_id, outcome, finished_at, error
    ) values (
      task_id, platform, number, video, boot_id, 'not_sent', clock_timestamp(),
      format('task %s has published this video there, or may have', earlier.task_id));
  else
    insert into actp_publish_attempts (task_id, platform, attempt, gen_job_id, boot_id)
    values (task_id, platform, number, video, boot_id);
  end if;
  return jsonb_build_object('verdict', verdict, 'attempt', number,
                            'task', agent_publish_task(task_id));
end $$;

-- Stores what came of an attempt: sent (submitted), not_sent (to be tried again after retry_seconds,
-- null: never) or unknown. It belongs to the process that began it, which may still turn its unknown into what
-- truly happened, even after the task has ended without it. Without a number it is about the attempt
-- that this boot has open.
create or replace function public.agent_publish_submitted(
  task_id uuid, boot_id uuid, platform text, attempt integer, outcome text,
  submission_id text default null, error text default null,
  retry_seconds double precision default null, ask_seconds double precision default 0
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform from actp_workflow_tasks w where w.id = agent_publish_submitted.task_id for update;
  update actp_publish_attempts a
     set outcome = agent_publish_submitted.outcome, finished_at = clock_timestamp(),
         submission_id = agent_publish_submitted.submission_id,
         error = agent_publish_submitted.error,
         retry_at = case when agent_publish_submitted.outcome = 'not_sent'
                         then now() + make_interval(secs => retry_seconds) end,
         ask_at = case when agent_publish_submitted.outcome = 'sent'
                       then now() + make_interval(secs => ask_seconds) end
   where a.task_id = agent_publish_submitted.task_id
     and a.platform = agent_publish_submitted.platform
     and a.boot_id = agent_publish_submitted.boot_id
     and (a.attempt = agent_publish_submitted.attempt
          or (agent_publish_submitted.attempt is null and a.outcome is null))
     and (a.outcome is null or (a.outcome = 'unknown' and a.submission_id is null));
  if found then
    if outcome = 'unknown' then
      perform agent_publish_tell_unknown(task_id, platform, error);
    end if;
    update actp_workflow_tasks w
       set status = 'running', lease_expires_at = null, next_at = now(), completed_at = null
     where w.id = agent_publish_submitted.task_id and w.status in ('succeeded', 'failed')
       and w.lease_number > 0;
  end if;
  return agent_publish_task(task_id);
end $$;

-- Stores what Blotato says of a submission: published · failed (nothing is out) · unknown (it did not
-- say so in time) · in-progress (to be asked again).
create or replace function public.agent_publish_asked(
  task_id uuid, boot_id uuid, lease_number bigint, platform text, attempt integer,
  publication text, url text default null, error text default null,
  ask_seconds double precision default 0, lease_seconds double precision default 60
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  if not agent_publish_holds(task_id, boot_id, lease_number, lease_seconds) then
    return null;
  end if;
  update actp_publish_attempts a
     set outcome = case publication when 'failed' then 'not_sent' when 'unknown' then 'unknown'
                                    else 'sent' end,
         ask_at = case when publication = 'in-progress'
                       then now() + make_interval(secs => ask_seconds) end,
         published_at = case when publication = 'published' then now() end,
         url = coalesce(agent_publish_asked.url, a.url), error = agent_publish_asked.error
   where a.task_id = agent_publish_asked.task_id and a.platform = agent_publish_asked.platform
     and a.attempt = agent_publish_asked.attempt and a.outcome = 'sent' and a.ask_at is not null;
  if found and publication = 'unknown' then
    perform agent_publish_tell_unknown(task_id, platform, error);
  end if;
  return agent_publish_task(task_id);
end $$;

-- Lets a task go until there is more to do.
create or replace function public.agent_publish_rest(
  task_id uuid, boot_id uuid, lease_number bigint, seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_workflow_tasks w
     set lease_expires_at = null, next_at = now() + make_interval(secs => seconds)
   where w.id = agent_publish_rest.task_id and w.status = 'running'
     and w.boot_id = agent_publish_rest.boot_id
     and w.lease_number = agent_publish_rest.lease_number;
  return to_jsonb(found);
end $$;

-- The id that a platform gives a post, from its address.
create or replace function public.agent_publish_post_id(url text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(substring(url from '[?&]v=([A-Za-z0-9_-]+)'),
                  substring(split_part(split_part(url, '?', 1), '#', 1) from '([^/]+)/*$'))
$$;

-- Ends a task with what its attempts say, and all that hangs on it: the video's job, a row for each
-- post by which its figures are found later, and what a person is told. `error` ends one that cannot
-- be worked on.
create or replace function public.agent_publish_finish(
  task_id uuid, boot_id uuid, lease_number bigint, error text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  task actp_workflow_tasks;
  said record;
  video actp_gen_jobs;
begin
  if not agent_publish_holds(task_id, boot_id, lease_number, 0) then
    return to_jsonb(false);
  end if;
  select * into task from actp_workflow_tasks w where w.id = agent_publish_finish.task_id;
  select count(*) filter (where l.outcome = 'sent') as posts,
         coalesce(jsonb_agg(jsonb_build_object(
           'platform', l.platform, 'post_url', l.url,
           'post_id', coalesce(agent_publish_post_id(l.url), l.submission_id),
           'submission_id', l.submission_id) order by l.begun_at)
           filter (where l.outcome = 'sent'), '[]') as published,
         coalesce(jsonb_agg(l.platform order by l.begun_at)
                  filter (where l.outcome = 'not_sent'), '[]') as failed,
         coalesce(jsonb_agg(l.platform order by l.begun_at)
                  filter (where l.outcome = 'unknown'), '[]') as unknown,
         coalesce(jsonb_object_agg(l.platform, l.error) filter (where l.outcome <> 'sent'), '{}')
           as errors,
         string_agg(format('%s: %s', l.platform, l.error), '; ' order by l.begun_at)
           filter (where l.outcome = 'not_sent') as complaint,
         string_agg(format('%s: %s', l.platform, l.error), '; ' order by l.begun_at)
           filter (where l.outcome <> 'sent') as troubles
    into said
    from (select distinct on (a.platform) a.* from actp_publish_attempts a
           where a.task_id = agent_publish_finish.task_id
           order by a.platform, a.attempt desc) l;

  update actp_workflow_tasks w
     set status = case when said.posts > 0 then 'succeeded' else 'failed' end,
         output_data = jsonb_build_object(
           'published', said.published, 'publish_count', said.posts,
           'failed_platforms', said.failed, 'unknown_platforms', said.unknown,
           'errors', said.errors),
         error = coalesce(agent_publish_finish.error, said.troubles),
         lease_expires_at = null, next_at = null, completed_at = now()
   where w.id = task.id;

  select * into video from actp_gen_jobs j
   where j.id = agent_publish_video(task.input_data) and j.model = 'remotion' for update;
  update actp_gen_jobs j
     set status = case when said.posts > 0 or said.unknown <> '[]' then 'distributed'
                       else 'failed' end,
         error = coalesce(agent_publish_finish.error, said.troubles), updated_at = now()
   where j.id = video.id and j.status in ('distributing', 'distributed', 'failed');

  -- What nobody has measured yet is null, not nothing.
  insert into actp_content_performance (
    external_id, platform, niche, content_type, offer_tags, topic_tags, views, likes,
    comments_count, watch_time_minutes, engagement_score, title, published_at
  )
    select p ->> 'post_id', p ->> 'platform', coalesce(video.niche, video.brief ->> 'niche'),
           video.brief ->> 'content_type',
           array_remove(array[nullif(video.brief ->> 'offer_tag', 'none')], null), '{}', null, null,
           null, null, null,
           coalesce(video.brief ->> 'hook',
                    left(split_part(coalesce(
                      task.input_data #>> array['descriptions', p ->> 'platform'],
                      task.input_data ->> 'description', task.input_data ->> 'text'), E'\n', 1), 200)),
           now()
      from jsonb_array_elements(said.published) p
     where p ->> 'post_id' is not null order by p ->> 'platform'
    on conflict (platform, external_id) do nothing;
  perform agent_post_noted(a.platform, agent_publish_post_id(a.url), a.url,
                           coalesce(a.published_at, now()))
     from actp_publish_attempts a
    where a.task_id = task.id and a.outcome = 'sent' and a.url is not null;

  if said.posts > 0 then
    perform safari_alert(format('published:%s', task.id), 'published', jsonb_build_object(
      'platforms', jsonb_path_query_array(said.published, '$[*].platform'),
      'urls', jsonb_path_query_array(said.published, '$[*].post_url ? (@ != null)')));
  end if;
  if agent_publish_finish.error is not null or said.failed <> '[]' then
    perform safari_alert(format('publish_failed:%s', task.id), 'publish_failed', jsonb_build_object(
      'platforms', said.failed, 'error', coalesce(agent_publish_finish.error, said.complaint)));
  end if;
  return to_jsonb(true);
end $$;
