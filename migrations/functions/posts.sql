-- Our own posts: what they brought, compared at equal age.

-- Platforms and niches are stored under one name each, whichever program writes them. A niche is its words
-- in lower case; signs, 'and' and the plural of what can be counted make no other one.
create or replace function public.agent_niche_spelled(given text) returns text
language plpgsql immutable strict as $$
declare
  -- Letters of any script stay, whatever the database's locale knows of them.
  words text[] := array_remove(string_to_array(btrim(regexp_replace(
    public.safari_lower(normalize(given, NFKC)),
    '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\u2000-\u206f\u2190-\u2bff\u3000-\u303f'
    '\ufe00-\ufe0f\U0001f000-\U0001faff]+', ' ', 'g')), ' '), 'and');
  last constant integer := cardinality(words);
begin
  words[last] := case
    when words[last] ~ '^(?:agent|app|automation|bot|brand|business|coach|course|creator|founder|freelancer'
                       '|influencer|newsletter|podcast|startup|tool|video|workflow)(?:s|es)$'
      then regexp_replace(words[last], '(?<=s|ch)es$|s$', '')
    when words[last] = 'agencies' then 'agency'
    else words[last] end;
  return case array_to_string(words, '')
    when 'aiautomation' then 'ai_automation' when 'saasgrowth' then 'saas_growth'
    when 'contentcreation' then 'content_creation' when 'digitalmarketing' then 'digital_marketing'
    when 'creatoreconomy' then 'creator_economy' when 'creatorseconomy' then 'creator_economy'
    when 'personalbrand' then 'personal_brand' when 'personalbranding' then 'personal_brand'
    when 'contentcreator' then 'content_creator' when 'contentcreators' then 'content_creator'
    when 'aiagents' then 'ai_agent' when 'aiagent' then 'ai_agent'
    when 'aitools' then 'ai_tool' when 'aitool' then 'ai_tool'
    else nullif(array_to_string(words, '_'), '') end;
end $$;

create or replace function public.agent_niche(given text) returns text
language sql immutable as $$
  select case when given in ('ai_automation', 'saas_growth', 'content_creation', 'digital_marketing',
                             'creator_economy', 'personal_brand', 'other') then given
              else public.agent_niche_spelled(given) end
$$;

-- What somebody typed as a platform and a niche, under the names that are stored: {platform, niche}.
create or replace function public.agent_names(platform text default null, niche text default null)
returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select jsonb_build_object('platform', safari_platform(platform), 'niche', agent_niche(niche))
$$;

create or replace function public.agent_spelled() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if tg_argv[0] <> '' then
    new := jsonb_populate_record(new, jsonb_build_object(
      tg_argv[0], coalesce(safari_platform(to_jsonb(new) ->> tg_argv[0]),
                           to_jsonb(new) ->> tg_argv[0])));
  end if;
  if to_jsonb(new) ->> 'niche' is not null then
    new := jsonb_populate_record(new, jsonb_build_object(
      'niche', coalesce(agent_niche(to_jsonb(new) ->> 'niche'), to_jsonb(new) ->> 'niche')));
  end if;
  return new;
end $$;

create or replace trigger agent_spelled
  before insert or update of platform, niche on public.actp_content_performance
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');
create or replace trigger agent_spelled
  before insert or update of platform, niche on public.actp_niche_resonance
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');
create or replace trigger agent_spelled
  before insert or update of source_platform, niche on public.actp_platform_research
  for each row when (
    new.source_platform is distinct from safari_platform(new.source_platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('source_platform');
create or replace trigger agent_spelled
  before insert or update of platform, niche on public.actp_platform_creators
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');
create or replace trigger agent_spelled
  before insert or update of platform on public.actp_posting_schedule
  for each row when (new.platform is distinct from safari_platform(new.platform))
  execute function public.agent_spelled('platform');
create or replace trigger agent_spelled
  before insert or update of niche on public.actp_twitter_research
  for each row when (
    new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('');
create or replace trigger agent_spelled
  before insert or update of niche on public.actp_cross_platform_trends
  for each row when (
    new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('');

-- A figure as far as it can be one: null for what is negative, infinite or no number, and for zero, which
-- the tables give what nobody measured.
create or replace function public.agent_figure(given numeric) returns numeric
language sql immutable as $$
  select case when given > 0 and given < 1e15 then given end
$$;

-- The same of a column that holds floating-point numbers, as another program may have made it.
create or replace function public.agent_figure(given double precision) returns numeric
language sql immutable as $$
  select public.agent_figure(case when given between 0 and 1e15 then given::numeric end)
$$;

-- A count as far as it can be one, and as far as an integer holds it.
create or replace function public.agent_count(given numeric) returns integer
language sql immutable as $$
  select case when given between 0 and 2147483647 then round(given)::integer end
$$;

create or replace function public.agent_count(given double precision) returns integer
language sql immutable as $$
  select public.agent_count(case when given between 0 and 2147483647 then given::numeric end)
$$;

-- Each measured post of the last days: {platform, external_id, niche, published_at, score_24h,
-- score}. `score_24h` is its engagement at the age of a day, null where it was not looked at then;
-- `score` is what is known of it now.
create or replace function public.agent_post_scores(days integer)
returns table (platform text, external_id text, niche text, published_at timestamptz,
               score_24h numeric, score numeric)
language sql stable set search_path = public, pg_temp as $$
  select safari_platform(p.platform), p.external_id, p.niche, p.published_at,
         agent_figure(l.engagement), agent_figure(p.engagement_score)
    from actp_content_performance p
    left join actp_post_looks l
      on l.platform = safari_platform(p.platform) and l.external_id = p.external_id
     and l.look = '24h' and l.age_hours <= 36
   where safari_platform(p.platform) is not null
     and p.published_at > now() - make_interval(days => days)
     -- A post of less than a day has not brought yet what older ones have.
     and p.published_at <= now() - interval '24 hours'
     and coalesce(agent_figure(l.engagement), agent_figure(p.engagement_score)) is not null
$$;

-- What the posts at each hour of the day brought, {platform: [{at_a_day, fortnight, hour, posts, mean,
-- squares}]}: of the logarithm of engagement, apart for each fortnight and for posts that were
-- measured at the age of a day, as only such posts can be compared. After a year posts are forgotten.
create or replace function public.agent_post_hours(days integer default 365) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with logs as (
    select s.platform, s.score_24h is not null as at_a_day,
           floor(extract(epoch from s.published_at) / 1209600)::integer as fortnight,
           extract(hour from s.published_at at time zone 'utc')::integer as hour,
           ln((1 + coalesce(s.score_24h, s.score))::double precision) as log
      from agent_post_scores(days) s where coalesce(s.score_24h, s.score) >= 0
  ), hours as (
    select l.platform, l.at_a_day, l.fortnight, l.hour, count(*) as posts, avg(l.log) as mean,
           coalesce(var_pop(l.log), 0) * count(*) as squares
      from logs l group by 1, 2, 3, 4
  )
  select coalesce(jsonb_object_agg(p.platform, p.hours), '{}') from (
    select h.platform, jsonb_agg(to_jsonb(h) - 'platform' order by h.fortnight, h.hour, h.at_a_day)
             as hours
      from hours h group by h.platform) p
$$;

-- Notes that a post is out. Where it has an address, its page is looked at after 1, 4 and 24 hours and
-- 7 days; the first look that comes late is taken for its own age.
create or replace function public.agent_post_noted(
  platform text, external_id text, url text, published_at timestamptz
) returns void
language sql set search_path = public, pg_temp as $$
  insert into actp_own_posts as o (platform, external_id, url, published_at, next_look_at)
    select safari_platform(agent_post_noted.platform), agent_post_noted.external_id,
           agent_post_noted.url, agent_post_noted.published_at,
           case when agent_post_noted.url is not null
                then safari_bounded(agent_post_noted.published_at) + interval '1 hour' end
     where agent_post_noted.external_id is not null and agent_post_noted.published_at is not null
  on conflict on constraint actp_own_posts_pkey do nothing
$$;

-- Lets every post of the last 90 days that is older than a day teach its hour, once: better than the
-- mean of its platform's posts of the 30 days around it, or not. Answers how many did.
create or replace function public.agent_post_lessons() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  taught integer := 0;
  lesson record;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_post_lessons', 0));
  for lesson in
    with scores as materialized (
      select s.platform, s.external_id, s.published_at, s.score_24h is null as is_late,
             coalesce(s.score_24h, s.score) as score
        from agent_post_scores(120) s
    ), around as (
      select s.*, count(*) over w - 1 as others,
             (sum(s.score) over w - s.score) / nullif(count(*) over w - 1, 0) as mean
        from scores s
      window w as (partition by s.platform, s.is_late order by s.published_at
                   range between interval '30 days' preceding and interval '30 days' following)
    ), beside as (
      select a.* from around a
       where a.published_at > now() - interval '90 days'
         and exists (select from actp_posting_schedule h where h.platform = a.platform)
         and not exists (select from actp_own_posts n
                          where n.platform = a.platform and n.external_id = a.external_id
                            and n.hour_taught_at is not null)
    ), marked as (
      insert into actp_own_posts as n (platform, external_id, published_at, hour_taught_at)
        select b.platform, b.external_id, b.published_at, now() from beside b where b.others >= 3
      on conflict on constraint actp_own_posts_pkey do update set hour_taught_at = now()
      returning n.platform, n.external_id
    )
    select b.platform, extract(hour from b.published_at at time zone 'utc')::integer as hour,
           count(*) filter (where b.score > b.mean) as better,
           count(*) filter (where b.score <= b.mean) as others
      from beside b join marked m using (platform, external_id) group by 1, 2 order by 1, 2
  loop
    taught := taught + lesson.better + lesson.others;
    perform agent_schedule_rewards(lesson.platform, lesson.hour, lesson.better::integer,
                                   lesson.others::integer);
  end loop;
  return jsonb_build_object('taught', taught);
end $$;

-- The posts whose page is due for a look, the longest due first; none of a paused platform.
create or replace function public.agent_posts_due(row_limit integer default 100) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(d) order by d.next_look_at, d.platform, d.external_id), '[]')
    from (
      select o.platform, o.external_id, o.url, o.next_look_at, o.failures,
             extract(epoch from now() - safari_bounded(o.published_at)) / 3600 as age_hours,
             coalesce((select jsonb_agg(l.look) from actp_post_looks l
                        where l.platform = o.platform and l.external_id = o.external_id), '[]')
               as taken
        from actp_own_posts o
       where o.next_look_at <= now() and o.url is not null
         and not exists (select from safari_pauses p
                          where p.platform in ('all', o.platform) and p.account = ''
                            and p.until > now())
       order by o.next_look_at, o.platform, o.external_id limit row_limit) d
$$;

-- Stores looks, [{platform, external_id, look, age_hours, views, likes, shares, replies, engagement,
-- next_hours}]: each once, and in the figures of the post what was shown. `next_hours` is the age at
-- which the next look is due, null after the last.
create or replace function public.agent_posts_measured(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  stored integer;
begin
  with found as (
    select * from jsonb_to_recordset(rows) as r (
      platform text, external_id text, look text, age_hours double precision, views bigint,
      likes bigint, shares bigint, replies bigint, engagement numeric, next_hours double precision)
  ), looks as (
    insert into actp_post_looks (
      platform, external_id, look, age_hours, views, likes, shares, replies, engagement
    )
      select f.platform, f.external_id, f.look, f.age_hours, f.views, f.likes, f.shares, f.replies,
             f.engagement from found f
    on conflict do nothing returning 1
  ), figures as (
    update actp_content_performance p
       set views = coalesce(f.views, p.views), likes = coalesce(f.likes, p.likes),
           comments_count = coalesce(f.replies, p.comments_count),
           engagement_score = coalesce(f.engagement, p.engagement_score)
      from (select distinct on (g.platform, g.external_id) g.* from found g
             order by g.platform, g.external_id, g.age_hours desc) f
     where safari_platform(p.platform) = f.platform and p.external_id = f.external_id
       and f.platform <> 'youtube'  -- its newest snapshot is taken as it is
  ), next as (
    update actp_own_posts o
       set next_look_at = safari_bounded(o.published_at)
                          + make_interval(secs => f.next_hours * 3600),
           failures = 0, problem = null
      from found f where o.platform = f.platform and o.external_id = f.external_id
  )
  select count(*) into stored from looks;
  return jsonb_build_object('stored', stored);
end $$;

-- Notes why a look brought nothing. It is tried again after `retry_hours`, null: never; a look that
-- is given up makes room for the one that is due at the age of `next_hours`.
create or replace function public.agent_post_unread(
  platform text, external_id text, problem text, retry_hours double precision,
  next_hours double precision default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_own_posts o
     set problem = left(agent_post_unread.problem, 300),
         failures = case when retry_hours is null then 0 else o.failures + 1 end,
         next_look_at = coalesce(
           now() + make_interval(secs => retry_hours * 3600),
           safari_bounded(o.published_at) + make_interval(secs => next_hours * 3600))
   where o.platform = agent_post_unread.platform
     and o.external_id = agent_post_unread.external_id;
  return to_jsonb(found);
end $$;

-- How far our posts of the last 30 days are measured: [{platform, posts, measured, waiting, unplaced,
-- problem}]. `measured` are also those whose figures another program stored; of the others, the address
-- of those that are unplaced is not known.
create or replace function public.agent_posts_state() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with posts as (
    select coalesce(o.platform, safari_platform(p.platform)) as platform,
           coalesce(o.published_at, p.published_at) as published_at, o.url, o.next_look_at, o.problem,
           agent_figure(p.engagement_score) is not null or exists (
             select from actp_post_looks l where l.platform = o.platform
                and l.external_id = o.external_id and l.engagement is not null) as is_measured
      from actp_own_posts o
      full join (select c.*, safari_platform(c.platform) as place from actp_content_performance c
                  where c.published_at > now() - interval '30 days' and c.published_at <= now()) p
        on p.place = o.platform and p.external_id = o.external_id
  )
  select coalesce(jsonb_agg(to_jsonb(s) order by s.platform), '[]') from (
    select p.platform, count(*) as posts, count(*) filter (where p.is_measured) as measured,
           count(*) filter (where p.next_look_at is not null) as waiting,
           count(*) filter (where p.url is null and not p.is_measured) as unplaced,
           (array_agg(p.problem order by p.published_at desc)
             filter (where p.problem is not null))[1] as problem
      from posts p
     where p.platform is not null and p.published_at > now() - interval '30 days'
     group by p.platform) s
$$;

-- The looks at our videos that their snapshots hold and nobody has stored: of each video and age the
-- first snapshot from then on, as long as it is near.
create or replace function public.agent_youtube_looks(row_limit integer default 1000) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(l)), '[]') from (
    select distinct on (v.video_id, w.hours) 'youtube' as platform, v.video_id as external_id,
           w.look, agent_count(v.views) as views, agent_count(v.likes) as likes,
           agent_count(v.comments_count) as replies,
           extract(epoch from v.checked_at - v.published_at) / 3600 as age_hours
      from (values ('1h', 1), ('4h', 4), ('24h', 24), ('7d', 168)) w (look, hours)
      join (select s.video_id, s.title, s.views, s.likes, s.comments_count,
                   safari_bounded(s.checked_at) as checked_at,
                   safari_bounded(s.published_at) as published_at
              from youtube_video_stats s) v
        on v.checked_at between v.published_at + make_interval(hours => w.hours)
                            and v.published_at + make_interval(hours => w.hours + greatest(1, w.hours / 2))
     where agent_snapshot(v.video_id, v.title, v.views) = 1
       and not exists (select from actp_post_looks k
                        where k.platform = 'youtube' and k.external_id = v.video_id
                          and k.look = w.look)
     order by v.video_id, w.hours, v.likes is null, v.checked_at limit row_limit) l
$$;
