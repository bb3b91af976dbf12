-- Who is the same person on several platforms, and which niches rise on several at once.

-- A handle as another program stored it: of the address of a profile, its name.
create or replace function public.agent_handle(platform text, given text) returns text
language sql immutable as $$
  select case when given ~ '[/:]' then coalesce((public.safari_address(platform, given)).name, given)
              else given end
$$;

-- One page of the handles that a table of sightings holds, in the order of its ids.
create or replace function public.agent_trends_sightings(
  source text, after uuid default null, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(s) order by s.id), '[]') from (
    (select r.id, safari_platform(r.source_platform) as platform,
            agent_handle(r.source_platform, r.handle) as handle, null::integer as followers,
            r.scraped_at as at, r.author_name as name
       from actp_platform_research r
      where source = 'platform_research' and (after is null or r.id > after)
      order by r.id limit row_limit)
    union all
    (select t.id, 'twitter', agent_handle('twitter', t.author_handle), t.author_follower_count, t.scraped_at,
            t.author_display_name
       from actp_twitter_research t
      where source = 'twitter_research' and (after is null or t.id > after)
      order by t.id limit row_limit)
    union all
    (select c.id, safari_platform(c.platform), agent_handle(c.platform, c.handle), c.followers, c.last_synced_at,
            c.display_name
       from actp_platform_creators c
      where source = 'creators' and (after is null or c.id > after)
      order by c.id limit row_limit)
  ) s
$$;

-- One page of contacts with every name they are known by.
create or replace function public.agent_trends_contacts(
  after uuid default null, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(c) order by c.id), '[]') from (
    select c.id, safari_platform(c.platform) as platform, agent_handle(c.platform, c.username) as username,
           c.display_name, c.email, agent_handle('twitter', c.twitter_handle) as twitter,
           agent_handle('instagram', c.instagram_handle) as instagram,
           agent_handle('tiktok', c.tiktok_handle) as tiktok,
           c.linkedin_url as linkedin
      from crm_contacts c
     where c.archived_at is null and (after is null or c.id > after)
     order by c.id limit row_limit
  ) c
$$;

-- Stores who was found where, [{contact_id, platform, handle, profile_url, followers, active_at,
-- interaction_count, engagement_type}]; one that is unchanged is not written again.
create or replace function public.agent_trends_store_associations(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  written integer;
begin
  insert into actp_platform_associations as a (
    contact_id, platform, handle, profile_url, followers, last_active_at, interaction_count,
    engagement_type
  )
    select r.contact_id, r.platform, r.handle, r.profile_url, r.followers, r.active_at,
           r.interaction_count, r.engagement_type
      from jsonb_to_recordset(rows) as r (
        contact_id uuid, platform text, handle text, profile_url text, followers integer,
        active_at timestamptz, interaction_count integer, engagement_type text)
      join crm_contacts c on c.id = r.contact_id
     order by r.contact_id, r.platform
  on conflict (contact_id, platform) do update
    set handle = excluded.handle,
        profile_url = coalesce(excluded.profile_url, a.profile_url),
        followers = coalesce(excluded.followers, a.followers),
        last_active_at = greatest(excluded.last_active_at, a.last_active_at),
        interaction_count = excluded.interaction_count,
        engagement_type = excluded.engagement_type
    where (a.handle, a.followers, a.last_active_at, a.interaction_count, a.engagement_type)
          is distinct from
          (excluded.handle, coalesce(excluded.followers, a.followers),
           greatest(excluded.last_active_at, a.last_active_at), excluded.interaction_count,
           excluded.engagement_type);
  get diagnostics written = row_count;
  return jsonb_build_object('written', written);
end $$;

-- One page of the posts of the last days that name a niche: of each video its newest snapshot.
-- `days_ago` counts from when a post was first seen, however often it was looked up since. What was seen
-- in the future says nothing; clocks of programs may differ a little.
create or replace function public.agent_trends_posts(
  source text, after uuid default null, days integer default 7, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.id), '[]') from (
    (select r.id, safari_platform(r.source_platform) as platform, agent_niche(r.niche) as niche,
            left(r.post_text, 300) as text, r.post_url as url, r.likes, r.shares,
            r.comments_count as replies, r.views,
            agent_days_ago(least(r.scraped_at, r.created_at)) as days_ago
       from actp_platform_research r
      where source = 'platform_research' and (after is null or r.id > after)
        and r.scraped_at > now() - make_interval(days => days)
        and least(r.scraped_at, r.created_at)
            between now() - make_interval(days => days) and now() + interval '1 hour'
      order by r.id limit row_limit)
    union all
    (select t.id, 'twitter', agent_niche(t.niche), left(t.tweet_text, 300), t.tweet_url, t.likes,
            case when t.retweets is not null or t.quotes is not null
                 then coalesce(t.retweets, 0) + coalesce(t.quotes, 0) end, t.replies, t.views,
            agent_days_ago(least(t.scraped_at, t.created_at))
       from actp_twitter_research t
      where source = 'twitter_research' and (after is null or t.id > after)
        and t.scraped_at > now() - make_interval(days => days)
        and least(t.scraped_at, t.created_at)
            between now() - make_interval(days => days) and now() + interval '1 hour'
      order by t.id limit row_limit)
    union all
    (select v.id, 'youtube', agent_niche(p.niche), left(v.title, 300),
            'https://www.youtube.com/watch?v=' || v.video_id, v.likes, null, v.comments_count,
            v.views, agent_days_ago(v.published_at)
       from youtube_video_stats v
       join actp_content_performance p on p.platform = 'youtube' and p.external_id = v.video_id
      where source = 'youtube' and (after is null or v.id > after)
        and v.published_at between now() - make_interval(days => days) and now() + interval '1 hour'
        and agent_snapshot(v.video_id, v.title, v.views) = 1
        and not exists (select from youtube_video_stats n
                         where n.video_id = v.video_id and n.checked_at > v.checked_at
                           and agent_snapshot(n.video_id, n.title, n.views) = 1)
      order by v.id limit row_limit)
  ) p
$$;

create or replace function public.agent_days_ago(at timestamptz) returns integer
language sql stable as $$
  select greatest(0, floor(extract(epoch from now() - safari_bounded(at)) / 86400))::integer
$$;

-- Stores the niches that are strong on several platforms, and tells of those that rise: once while
-- they do, when there are enough. One without a baseline counts as rising until there is one, so that
-- the first look at a new project tells what is there. A niche keeps the moment of its first
-- detection.
create or replace function public.agent_trends_store(rows jsonb, alert_from integer default 3)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  risen jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_trends', 0));
  insert into actp_cross_platform_trends as t (
    niche, platforms, platform_count, total_engagement, avg_engagement, trend_strength, top_posts,
    rise, detected_at, updated_at
  )
    select r.niche, agent_as(r.platforms, (null::public.actp_cross_platform_trends).platforms),
           r.platform_count,
           r.total_engagement, r.avg_engagement, r.trend_strength, r.top_posts, r.rise, now(), now()
      from jsonb_to_recordset(rows) as r (
        niche text, platforms jsonb, platform_count integer, total_engagement numeric,
        avg_engagement numeric, trend_strength numeric, top_posts jsonb, rise numeric)
     order by r.niche
  on conflict (niche) do update
    set platforms = excluded.platforms, platform_count = excluded.platform_count,
        total_engagement = excluded.total_engagement, avg_engagement = excluded.avg_engagement,
        trend_strength = excluded.trend_strength, top_posts = excluded.top_posts,
        rise = excluded.rise, updated_at = now();
  select coalesce(jsonb_agg(r order by (r ->> 'trend_strength')::numeric desc), '[]') into risen
    from jsonb_array_elements(rows) r
   where coalesce((r ->> 'is_rising')::boolean, true) or r ->> 'rise' is null;
  -- Over is what is no trend any more, or is back near its baseline.
  update actp_cross_platform_trends t set rising_since = null
   where t.rising_since is not null
     and not exists (select from jsonb_array_elements(rows) r
                      where r ->> 'niche' = t.niche
                        and coalesce((r ->> 'rise')::numeric, 9) >= 1.2);
  if jsonb_array_length(risen) >= alert_from
     and exists (select from actp_cross_platform_trends t
                  where t.rising_since is null and risen @> jsonb_build_array(
                    jsonb_build_object('niche', t.niche))) then
    update actp_cross_platform_trends t set rising_since = now()
     where t.rising_since is null
       and risen @> jsonb_build_array(jsonb_build_object('niche', t.niche));
    perform safari_alert(
      'trend_spike:' || now(), 'trend_spike',
      jsonb_build_object('trends', (
        select jsonb_agg(jsonb_build_object(
                 'niche', r -> 'niche', 'platforms', r -> 'platforms', 'posts', r -> 'posts',
                 'strength', r -> 'trend_strength', 'rise', r -> 'rise', 'hook', r -> 'hook'))
          from jsonb_array_elements(risen) r)));
  end if;
  return jsonb_build_object('stored', jsonb_array_length(rows));
end $$;

-- The strongest niches of the last days.
create or replace function public.agent_trends_top(row_limit integer default 10, days integer default 7)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(t) order by t.trend_strength desc nulls last, t.niche), '[]') from (
    select t.niche, t.platforms, t.platform_count, t.total_engagement, t.avg_engagement,
           t.trend_strength, t.top_posts, t.detected_at, t.updated_at, t.rise,
           round(t.total_engagement / nullif(t.avg_engagement, 0)) as posts
      from actp_cross_platform_trends t
     where t.updated_at > now() - make_interval(days => days)
     order by t.trend_strength desc nulls last, t.niche limit row_limit
  ) t
$$;
