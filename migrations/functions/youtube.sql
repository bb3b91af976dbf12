-- What our videos did, and what of all content works where.

-- How much a snapshot of a video says: null for one of no video, or of one that is not public, which
-- YouTube lists by a title of its own; 0 without counts, as of one that has become private, or was written
-- without them. Somebody has always seen a video that is out, so no views are none that were counted.
create or replace function public.agent_snapshot(video_id text, title text, views numeric)
returns integer
language sql immutable as $$
  select case when coalesce(btrim(video_id), '') = ''
                or title ~* '^\s*\[?(private|deleted) video\]?\s*$' then null
              when views > 0 then 1 else 0 end
$$;

-- The same where another program keeps floating-point numbers.
create or replace function public.agent_snapshot(video_id text, title text, views double precision)
returns integer
language sql immutable as $$
  select public.agent_snapshot(video_id, title, public.agent_count(views)::numeric)
$$;

-- One page of videos that nobody has classified yet, each with its newest snapshot that has counts.
create or replace function public.agent_youtube_new(
  after uuid default null, row_limit integer default 1000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(v) order by v.id), '[]') from (
    select s.id, s.video_id, left(s.title, 300) as title, s.published_at,
           agent_count(s.views) as views, agent_count(s.likes) as likes,
           agent_count(s.comments_count) as comments_count,
           agent_figure(s.watch_time_minutes) as watch_time_minutes
      from youtube_video_stats s
     where (after is null or s.id > after)
       and agent_snapshot(s.video_id, s.title, s.views) is not null
       and not exists (
         select from youtube_video_stats n
          where n.video_id = s.video_id
            and (agent_snapshot(n.video_id, n.title, n.views), coalesce(n.checked_at, '-infinity'), n.id)
              > (agent_snapshot(s.video_id, s.title, s.views), coalesce(s.checked_at, '-infinity'), s.id))
       and not exists (select from actp_content_performance p
                        where p.platform = 'youtube' and p.external_id = s.video_id)
     order by s.id limit row_limit
  ) v
$$;

-- Stores classified videos; one that another run stored meanwhile keeps its words, as a person may
-- have corrected them.
create or replace function public.agent_youtube_store(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  stored integer;
begin
  insert into actp_content_performance as p (
    external_id, platform, niche, content_type, offer_tags, topic_tags, views, likes,
    comments_count, watch_time_minutes, engagement_score, title, published_at
  )
    select r.video_id, 'youtube', r.niche, r.content_type,
           agent_as(r.offer_tags, (null::public.actp_content_performance).offer_tags),
           agent_as(r.topic_tags, (null::public.actp_content_performance).topic_tags),
           r.views, r.likes,
           r.comments_count, r.watch_time_minutes, r.engagement_score, r.title, r.published_at
      from jsonb_to_recordset(rows) as r (
        video_id text, niche text, content_type text, offer_tags jsonb, topic_tags jsonb,
        views integer, likes integer, comments_count integer, watch_time_minutes numeric,
        engagement_score numeric, title text, published_at timestamptz)
     order by r.video_id
  on conflict (platform, external_id) do nothing;
  get diagnostics stored = row_count;
  return jsonb_build_object('stored', stored);
end $$;

-- Brings the counts of classified videos up to their newest snapshot that has any: one that is private
-- or gone keeps what it had brought. So does their date, as a scheduled video has that of its upload
-- until it appears. The engagement of a video is
-- 3 a like, 4 a comment and 0.1 a view, as everywhere.
create or replace function public.agent_youtube_refresh() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  refreshed integer;
begin
  update actp_content_performance p
     set views = s.views, likes = s.likes, comments_count = s.comments_count,
         watch_time_minutes = s.watch_time_minutes,
         published_at = coalesce(s.published_at, agent_time(p.published_at)),
         -- Without likes or views it was not measured.
         engagement_score = s.likes * 3 + coalesce(s.comments_count, 0) * 4 + s.views * 0.1
    from (select distinct on (y.video_id) y.video_id, agent_count(y.views) as views,
                 agent_count(y.likes) as likes,
                 agent_count(y.comments_count) as comments_count,
                 agent_figure(y.watch_time_minutes) as watch_time_minutes,
                 agent_time(y.published_at) as published_at
            from youtube_video_stats y
           where agent_snapshot(y.video_id, y.title, y.views) = 1
           order by y.video_id, y.checked_at desc nulls last, y.id desc) s
   where p.platform = 'youtube' and p.external_id = s.video_id
     and ((p.views, p.likes, p.comments_count, p.watch_time_minutes) is distinct from
          (s.views, s.likes, s.comments_count, s.watch_time_minutes)
        or s.published_at <> coalesce(agent_time(p.published_at), '-infinity'));
  get diagnostics refreshed = row_count;
  return jsonb_build_object('refreshed', refreshed);
end $$;

-- Groups all content by platform, niche and kind, with the offer that most of it is tagged with. A
-- group whose offer has changed leaves no row behind, but hands on its hooks.
drop function if exists public.agent_resonance_recompute();
create or replace function public.agent_resonance_recompute(niches jsonb default null) returns jsonb
language plpgsql set search_path = public, pg_temp set work_mem = '32MB' as $$
declare
  began timestamptz := clock_timestamp();
  groups integer;
  removed integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_resonance', 0));
  with spellings as materialized (
    -- A table has few of them, so each is brought into its one spelling once.
    select g.platform as given_platform, g.niche as given_niche, g.content_type as given_type,
           safari_platform(g.platform) as platform, agent_niche(g.niche) as niche,
           coalesce(nullif(agent_word(g.content_type), ''), 'educational') as content_type
      from (select distinct p.platform, p.niche, coalesce(p.content_type, '') as content_type
              from actp_content_performance p) g
  ), spelled as (
    select s.platform, s.niche, s.content_type,
           nullif(p.views, 0) as views,  -- not every platform shows them
           agent_figure(p.engagement_score) as engagement,
           agent_figure(p.watch_time_minutes) as watch_time, p.offer_tags, p.external_id, p.title
      from actp_content_performance p
      join spellings s on s.given_platform = p.platform and s.given_niche = p.niche
                      and s.given_type = coalesce(p.content_type, '')
     where s.platform is not null
       -- What was just published has not been counted yet.
       and (p.views > 0 or p.views = 0 and agent_figure(p.engagement_score) is not null)
  ), content as (
    select c.platform, c.niche, c.content_type, c.views, c.engagement, c.watch_time, c.offer_tags,
           c.external_id,
           nullif(btrim(split_part(left(c.title, 200), E'\n', 1)), '') as hook
      from spelled c
     where c.niche <> 'other' and (niches is null or niches ? c.niche)
  ), tagged as (
    -- Each tag once a post; the first is its best match.
    select c.platform, c.niche, c.content_type, t.tag, min(t.place) as place
      from content c
           cross join lateral (
             select coalesce(o.tag, 'none') as tag, o.place
               from unnest(case when c.offer_tags <> '{}' then c.offer_tags else array['none'] end)
                    with ordinality o (tag, place)) t
     group by c.platform, c.niche, c.content_type, c.external_id, t.tag
  ), offers as (
    select distinct on (t.platform, t.niche, t.content_type)
           t.platform, t.niche, t.content_type, t.tag as offer_tag
      from tagged t group by 1, 2, 3, 4
     order by t.platform, t.niche, t.content_type, count(*) desc, avg(t.place), t.tag
  ), ranked as (
    select c.*, row_number() over (
             partition by c.platform, c.niche, c.content_type
             order by c.views desc nulls last, c.external_id) as place
      from content c
  ), grouped as (
    select r.platform, r.niche, r.content_type, count(*)::integer as sample_count,
           coalesce(round(avg(r.views)::numeric, 1), 0) as avg_views, round(avg(r.engagement), 1) as avg_engagement,
           round(avg(r.watch_time), 2) as avg_watch_time,
           coalesce(array_agg(r.hook order by r.place)
                    filter (where r.place <= 3 and r.hook is not null), '{}') as hooks,
           array_agg(r.external_id order by r.place) filter (where r.place <= 3) as post_ids
      from ranked r group by 1, 2, 3
  ), earlier as (
    select n.platform, n.niche, n.content_type, agent_flattened(jsonb_agg(
             to_jsonb(n.top_hook_patterns) order by n.last_updated desc, n.offer_tag)) as hooks
      from actp_niche_resonance n group by 1, 2, 3
  )
  insert into actp_niche_resonance as n (
    platform, niche, offer_tag, content_type, avg_views, avg_engagement, avg_watch_time,
    top_hook_patterns, top_post_ids, sample_count, last_updated
  )
    select g.platform, g.niche, o.offer_tag, g.content_type, g.avg_views, g.avg_engagement,
           g.avg_watch_time,
           agent_as(to_jsonb(agent_merged_hooks(g.hooks, e.hooks)),
                    (null::public.actp_niche_resonance).top_hook_patterns),
           agent_as(to_jsonb(g.post_ids), (null::public.actp_niche_resonance).top_post_ids),
           g.sample_count, began
      from grouped g
      join offers o using (platform, niche, content_type)
      left join earlier e using (platform, niche, content_type)
     order by g.platform, g.niche, o.offer_tag, g.content_type
  on conflict (platform, niche, offer_tag, content_type) do update
    set avg_views = excluded.avg_views, avg_engagement = excluded.avg_engagement,
        avg_watch_time = excluded.avg_watch_time,
        top_hook_patterns = excluded.top_hook_patterns, top_post_ids = excluded.top_post_ids,
        sample_count = excluded.sample_count, last_updated = excluded.last_updated;
  get diagnostics groups = row_count;
  delete from actp_niche_resonance n
   using actp_niche_resonance current
   where agent_time(current.last_updated) = began
     and agent_time(n.last_updated) is distinct from began
     and n.platform = current.platform and n.niche = current.niche
     and n.content_type = current.content_type;
  get diagnostics removed = row_count;
  return jsonb_build_object('groups', groups, 'removed', removed);
end $$;

-- Lists of hooks, [[...], ...], as one.
create or replace function public.agent_flattened(lists jsonb) returns text[]
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(array_agg(h.hook order by l.place, h.place), '{}')
    from jsonb_array_elements(lists) with ordinality l (hooks, place),
         jsonb_array_elements_text(
           case when jsonb_typeof(l.hooks) = 'array' then l.hooks else '[]' end)
           with ordinality h (hook, place)
$$;

-- What works best, by views.
create or replace function public.agent_resonance_top(row_limit integer default 10)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(r) order by r.avg_views desc nulls last, r.platform, r.niche), '[]')
    from (
      select n.platform, n.niche, n.offer_tag, n.content_type, n.avg_views, n.avg_engagement,
             n.avg_watch_time, n.top_hook_patterns, n.top_post_ids, n.sample_count, n.last_updated
        from actp_niche_resonance n
       where n.sample_count > 0 and n.niche <> 'other'
       order by n.avg_views desc nulls last, n.platform, n.niche limit row_limit) r
$$;
