-- Two texts on one subject, one posted through Blotato and one by the Safari service: which does
-- better. Statuses: posting (not both are out yet), running, complete, inconclusive, error.

-- Stores a test with its texts; the same id again answers as before. Refused while Twitter posts
-- may not go out, since arm A would be out alone. A later round of a test is stored once.
drop function if exists public.agent_ab_create(uuid, text, text, text, text);
create or replace function public.agent_ab_create(
  id uuid, topic text, niche text, variant_a text, variant_b text,
  rounds integer default 1, series_id uuid default null, round integer default 1,
  planned_at timestamptz default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wait_reason text;
begin
  if exists (select from actp_ab_tests t where t.id = agent_ab_create.id) then
    return to_jsonb(true);
  end if;
  select g.reason into wait_reason from safari_any_gate('twitter-comments', 'twitter') g;
  if wait_reason is not null and (planned_at is null or wait_reason = 'paused') then
    raise object_not_in_prerequisite_state using
      message = format('no tweet can be posted now: %s', wait_reason);
  end if;
  perform pg_advisory_xact_lock(hashtextextended('agent_ab_series:' || series_id, 0));
  if exists (select from actp_ab_tests t where t.series_id = agent_ab_create.series_id
                and t.round >= agent_ab_create.round) then
    return to_jsonb(false);
  end if;
  insert into actp_ab_tests (
    id, topic, niche, variant_a_text, variant_b_text, status, rounds, series_id, round, planned_at
  ) values (id, topic, niche, variant_a, variant_b, 'posting', rounds,
            coalesce(agent_ab_create.series_id, agent_ab_create.id), round, planned_at);
  return to_jsonb(true);
end $$;

-- The intent to post arm A: true once.
create or replace function public.agent_ab_begin_a(id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_ab_tests t set a_begun_at = clock_timestamp()
   where t.id = agent_ab_begin_a.id and t.status = 'posting' and t.a_begun_at is null;
  return to_jsonb(found);
end $$;

-- The first of some moments at which a tweet may go out by the hours of its limits.
create or replace function public.agent_ab_moment(moments jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select to_jsonb(min(m.at)) from (
    select (value)::timestamptz as at from jsonb_array_elements_text(moments)) m
   where not exists (
     select from safari_services s
       join safari_policies p on p.platform = s.platform and p.kind = s.kind,
            lateral extract(hour from m.at at time zone coalesce(p.time_zone, 'UTC')) h (hour)
      where s.service = 'twitter-comments' and p.active_from <> p.active_to
        and not case when p.active_from < p.active_to
                     then h.hour >= p.active_from and h.hour < p.active_to
                     else h.hour >= p.active_from or h.hour < p.active_to end)
$$;

-- Arm A is out, or with Blotato until its hour: arm B follows through the command queue at the same
-- time, within two hours or not at all.
drop function if exists public.agent_ab_posted_a(uuid, text);
create or replace function public.agent_ab_posted_a(
  id uuid, submission_id text, written_by text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test actp_ab_tests;
  made jsonb;
begin
  select * into test from actp_ab_tests t where t.id = agent_ab_posted_a.id for update;
  if test.post_id_a is not null or test.status <> 'posting' then
    return to_jsonb(test.command_id);
  end if;
  made := safari_enqueue(jsonb_build_array(jsonb_build_object(
    'action', 'tweet', 'platform', 'twitter', 'priority', 2,
    'params', jsonb_strip_nulls(jsonb_build_object(
      'text', test.variant_b_text, 'written_by', agent_ab_posted_a.written_by)),
    'key', 'ab-test:' || test.id || ':b', 'scheduled_for', nullif(greatest(test.planned_at, now()), now()),
    'expires_at', greatest(now(), test.planned_at) + interval '2 hours')));
  update actp_ab_tests t
     set post_id_a = submission_id, command_id = (made -> 0 ->> 'id')::uuid
   where t.id = test.id;
  return made -> 0 -> 'id';
end $$;

-- Ends a test that cannot be finished, and tells of it.
create or replace function public.agent_ab_fail(id uuid, arm text, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test actp_ab_tests;
begin
  update actp_ab_tests t
     set status = 'error', error = left(agent_ab_fail.error, 500), completed_at = now()
   where t.id = agent_ab_fail.id and t.status in ('posting', 'running')
  returning * into test;
  if test.id is null then
    return to_jsonb(false);
  end if;
  perform safari_alert('ab_error:' || test.id, 'ab_error', jsonb_build_object(
    'topic', test.topic, 'arm', arm, 'error', left(agent_ab_fail.error, 300)));
  return to_jsonb(true);
end $$;

-- Moves tests on whose arm B has ended, takes up those of other programs whose two posts can be
-- found, ends those whose arm A nobody heard of again, and answers what is running:
-- [{id, topic, niche, ..., age_hours, earlier}]. `earlier` holds the counts of the rounds before.
create or replace function public.agent_ab_open() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test record;
begin
  for test in
    select t.id, t.command_id, t.post_id_a, t.a_begun_at, q.status, q.reason, q.error, q.completed_at
      from actp_ab_tests t left join safari_command_queue q on q.id = t.command_id
     where t.status = 'posting' order by t.id
  loop
    if test.status = 'completed' then
      update actp_ab_tests t set status = 'running', started_at = test.completed_at
       where t.id = test.id and t.status = 'posting';
    elsif test.status in ('failed', 'cancelled') or (test.command_id is not null and test.status is null)
    then
      perform agent_ab_fail(test.id, 'b', format('the tweet %s: %s', coalesce(test.status, 'is gone'),
                                                 coalesce(test.error, test.reason, 'no reason')));
    elsif test.command_id is null
          and coalesce(test.a_begun_at, '-infinity') < now() - interval '15 minutes'
          and exists (select from actp_ab_tests t where t.id = test.id
                        and t.created_at < now() - interval '15 minutes') then
      perform agent_ab_fail(test.id, 'a', case when test.a_begun_at is null
        then 'it was never posted'
        else 'it may have been posted, and nobody heard: look at Blotato' end);
    end if;
  end loop;
  update actp_ab_tests t
     set status = 'running', started_at = coalesce(t.started_at, agent_time(t.created_at), now()),
         a_begun_at = coalesce(agent_time(t.a_begun_at), agent_time(t.created_at), now()),
         post_url_a = coalesce((safari_post('twitter', t.post_url_a)).url, t.post_url_a),
         post_url_b = coalesce((safari_post('twitter', t.post_url_b)).url, t.post_url_b)
   where lower(btrim(t.status)) = 'running' and (t.started_at is null or t.status <> 'running')
     and t.winner is null and t.completed_at is null and agent_ab_lacks(t) is null;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object(
             'age_hours', extract(epoch from now() - safari_bounded(t.started_at)) / 3600,
             'earlier', coalesce((
               select jsonb_agg(e.metrics_24h order by e.round) from actp_ab_tests e
                where e.series_id = t.series_id and e.round < t.round
                  and e.metrics_24h is not null), '[]')) order by t.started_at, t.id), '[]')
      from actp_ab_tests t
     where t.status = 'running' and t.started_at is not null
       -- What another program has decided stays decided.
       and t.winner is null and t.completed_at is null and agent_ab_lacks(t) is null);
end $$;

-- What keeps a test that another program began from being looked at; null if nothing does.
create or replace function public.agent_ab_lacks(test public.actp_ab_tests) returns text
language sql stable set search_path = public, pg_temp as $$
  select case
    when lower(btrim(test.status)) is distinct from 'running' then
      format('its status %s is none of posting, running, complete, inconclusive and error',
             coalesce(quote_literal(left(test.status, 40)), 'null'))
    when concat(test.post_url_a, test.post_id_a) = ''
      then 'neither post_id_a nor post_url_a says where arm A is'
    when concat(test.post_url_b, test.variant_b_text) = ''
      then 'neither post_url_b nor variant_b_text says which tweet arm B is'
    when test.post_url_a <> '' and a.id is null then 'post_url_a is no address of a tweet'
    when test.post_url_b <> '' and b.id is null then 'post_url_b is no address of a tweet'
    when a.id = b.id then 'both arms are one tweet'
    when test.started_at > now() + interval '1 hour' then 'its started_at lies in the future'
  end
    from safari_post('twitter', test.post_url_a) a, safari_post('twitter', test.post_url_b) b
$$;

-- The tests of other programs that cannot be looked at, [{id, topic, since, lacks}].
create or replace function public.agent_ab_stranded() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', t.id, 'topic', t.topic, 'since', t.created_at, 'lacks', agent_ab_lacks(t))
           order by t.created_at, t.id), '[]')
    from actp_ab_tests t
   where (t.started_at is null or agent_ab_lacks(t) is not null)
     and t.winner is null and t.completed_at is null
     and coalesce(lower(btrim(t.status)), '')
         not in ('posting', 'complete', 'completed', 'inconclusive', 'error')
$$;

-- Keeps what was found of a running test: addresses and metrics; what is known stays.
create or replace function public.agent_ab_note(
  id uuid, url_a text default null, url_b text default null, metrics jsonb default '{}'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_ab_tests t
     set post_url_a = coalesce(t.post_url_a, url_a), post_url_b = coalesce(t.post_url_b, url_b),
         metrics_1h = coalesce(t.metrics_1h, metrics -> 'metrics_1h'),
         metrics_4h = coalesce(t.metrics_4h, metrics -> 'metrics_4h'),
         metrics_24h = coalesce(t.metrics_24h, metrics -> 'metrics_24h')
   where t.id = agent_ab_note.id and t.status = 'running';
  if found then
    perform agent_post_noted('twitter', agent_publish_post_id(p.url), p.url, p.at)
       from actp_ab_tests t, lateral (values
         (t.post_url_a, coalesce(t.planned_at, t.a_begun_at, t.started_at)), (t.post_url_b, t.started_at)
       ) p (url, at)
      where t.id = agent_ab_note.id and p.url is not null;
    return to_jsonb(true);
  end if;
  return to_jsonb(false);
end $$;

-- Ends a test with its verdict, once: tells a winner, hands on its hook, and records both posts with
-- what they taught of their hours. `posts` is [{external_id, text, views, likes, comments_count,
-- engagement_score, published_at, content_type}].
create or replace function public.agent_ab_complete(
  id uuid, winner text, margin_percent double precision, p_value double precision,
  score_a double precision, score_b double precision, hook text, posts jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test actp_ab_tests;
  post record;
  mean numeric;
begin
  update actp_ab_tests t
     set status = case when agent_ab_complete.winner = 'tie' then 'inconclusive' else 'complete' end,
         winner = agent_ab_complete.winner, eng_score_a = score_a, eng_score_b = score_b,
         p_value = agent_ab_complete.p_value, completed_at = now()
   where t.id = agent_ab_complete.id and t.status = 'running'
  returning * into test;
  if test.id is null then
    return to_jsonb(false);
  end if;

  select avg(agent_figure(p.engagement_score)) into mean from actp_content_performance p
   where p.platform = 'twitter' and p.published_at > now() - interval '30 days';
  for post in
    select * from jsonb_to_recordset(posts) as p (
      external_id text, text text, views integer, likes integer, comments_count integer,
      engagement_score numeric, published_at timestamptz, content_type text)
     order by p.external_id
  loop
    insert into actp_content_performance (
      external_id, platform, niche, content_type, views, likes, comments_count, engagement_score,
      title, published_at
    ) values (post.external_id, 'twitter', test.niche, post.content_type, post.views, post.likes,
              post.comments_count, post.engagement_score, post.text, post.published_at)
    on conflict (platform, external_id) do nothing;
    continue when not found;  -- counted before, it has taught its hour already
    insert into actp_own_posts as o (platform, external_id, published_at, hour_taught_at)
      values ('twitter', post.external_id, post.published_at, now())
    on conflict on constraint actp_own_posts_pkey do update set hour_taught_at = now();
    if mean is not null then
      perform agent_schedule_reward(
        'twitter', extract(hour from post.published_at at time zone 'utc')::integer,
        post.engagement_score > mean);
    end if;
  end loop;

  if winner <> 'tie' then
    perform agent_resonance_add_hooks(jsonb_build_array(jsonb_build_object(
      'platform', 'twitter', 'niche', test.niche, 'hooks', jsonb_build_array(hook))));
    perform safari_alert('ab_winner:' || test.id, 'ab_winner', jsonb_build_object(
      'topic', test.topic, 'niche', test.niche, 'winner', winner,
      'method', case winner when 'a' then test.test_method_a else test.test_method_b end,
      'margin_percent', margin_percent, 'score_a', score_a, 'score_b', score_b));
  end if;
  return to_jsonb(true);
end $$;

-- The counts after a day of the newest tests that have ended; none of a series, which is judged by them.
create or replace function public.agent_ab_measured(
  but_series uuid default null, row_limit integer default 100
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(m.metrics_24h order by m.completed_at desc), '[]') from (
    select t.metrics_24h, t.completed_at from actp_ab_tests t
     where t.status in ('complete', 'inconclusive') and jsonb_typeof(t.metrics_24h) = 'object'
       and coalesce(t.series_id, t.id) is distinct from but_series
     order by t.completed_at desc nulls last limit row_limit) m
$$;

-- Whether the counts of a window were taken in time.
create or replace function public.agent_ab_has(metrics jsonb, window_name text) returns boolean
language sql immutable set search_path = public, pg_temp as $$
  select metrics is not null and not coalesce(metrics -> 'late' ? window_name, false)
$$;

-- The newest tests, or those that have ended.
create or replace function public.agent_ab_list(
  ended boolean default false, row_limit integer default 20
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(l) order by l.created_at desc), '[]') from (
    select t.id, t.topic, t.niche, t.status, t.winner, t.eng_score_a, t.eng_score_b, t.p_value,
           t.variant_a_text, t.variant_b_text, t.post_url_a, t.post_url_b, t.error, t.created_at,
           t.started_at, t.completed_at, t.round, t.rounds, agent_ab_has(t.metrics_1h, '1h') as has_1h,
           agent_ab_has(t.metrics_4h, '4h') as has_4h, agent_ab_has(t.metrics_24h, '24h') as has_24h,
           coalesce(t.metrics_24h, t.metrics_4h, t.metrics_1h) -> 'late' as late
      from actp_ab_tests t
     where not ended or t.status in ('complete', 'inconclusive', 'error')
     order by t.created_at desc limit row_limit) l
$$;
