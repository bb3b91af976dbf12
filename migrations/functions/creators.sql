-- Who talks about our niches: what a research found is stored as a whole or not at all.

-- Stores what one platform brought: creators [{handle, display_name, niche, followers,
-- engagement_score, top_post_text, top_post_url, offer_match, icp_fit_score, qualified}], posts and
-- hooks. Answers who is new and the best of them; who qualifies becomes a contact, and a contact
-- that is there already is left alone.
create or replace function public.agent_creators_store(
  platform text, creators jsonb, posts jsonb, hooks jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
-- Where another program made the table, its key is an index of any name: so it is named by its columns.
#variable_conflict use_column
declare
  new_creators integer;
  best jsonb;
  seeded integer := 0;
  stage text := 'new';
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_creators:' || platform, 0));
  -- Accounts of other hosts are no creators either.
  creators := (
    select coalesce(jsonb_agg(c), '[]') from jsonb_array_elements(creators) c
     where not exists (select from safari_accounts a
                        where a.platform = agent_creators_store.platform
                          and a.account = lower(c ->> 'handle')));
  with found as (
    select distinct on (c.handle) c.* from jsonb_to_recordset(creators) as c (
      handle text, display_name text, niche text, icp_fit_score integer)
     order by c.handle, c.icp_fit_score desc
  ), fresh as (
    select f.* from found f where not exists (
      select from actp_platform_creators k
       where k.platform = agent_creators_store.platform and k.handle = f.handle)
  )
  select count(*), (
      select jsonb_build_object('handle', f.handle, 'platform', agent_creators_store.platform,
                                'niche', f.niche, 'fit', f.icp_fit_score)
        from fresh f order by f.icp_fit_score desc, f.handle limit 1)
    into new_creators, best from fresh;

  insert into actp_platform_creators as k (
    platform, handle, display_name, niche, followers, engagement_score, top_post_text,
    top_post_url, offer_match, icp_fit_score, last_synced_at
  )
    select distinct on (c.handle, c.niche)
           agent_creators_store.platform, c.handle, c.display_name, c.niche, c.followers,
           c.engagement_score, c.top_post_text, c.top_post_url,
           agent_as(c.offer_match, (null::public.actp_platform_creators).offer_match),
           c.icp_fit_score, now()
      from jsonb_to_recordset(creators) as c (
        handle text, display_name text, niche text, followers integer, engagement_score numeric,
        top_post_text text, top_post_url text, offer_match jsonb, icp_fit_score integer)
     order by c.handle, c.niche, c.icp_fit_score desc
  on conflict (platform, handle, niche) do update
    set display_name = coalesce(excluded.display_name, k.display_name),
        followers = coalesce(excluded.followers, k.followers),
        engagement_score = coalesce(excluded.engagement_score, k.engagement_score),
        top_post_text = coalesce(excluded.top_post_text, k.top_post_text),
        top_post_url = coalesce(excluded.top_post_url, k.top_post_url),
        offer_match = excluded.offer_match,
        -- Without a measured engagement a creator fits no worse than was known.
        icp_fit_score = case when excluded.engagement_score is null
                             then greatest(excluded.icp_fit_score, k.icp_fit_score)
                             else excluded.icp_fit_score end,
        last_synced_at = now();

  begin
    seeded := agent_creators_seed(platform, creators, stage);
  exception when check_violation then
    -- A project may allow only its own stages, without 'new'.
    stage := 'first_touch';
    seeded := agent_creators_seed(platform, creators, stage);
  end;

  perform agent_creators_store_posts(platform, posts);
  perform agent_resonance_add_hooks(hooks, own => false);
  return jsonb_build_object('new', new_creators, 'top', best, 'contacts', seeded,
                            'pipeline_stage', stage);
end $$;

create or replace function public.agent_creators_seed(platform text, creators jsonb, stage text)
returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  seeded integer;
begin
  insert into crm_contacts (platform, username, display_name, source, niche_label, pipeline_stage)
    select distinct on (c.handle) agent_creators_seed.platform, c.handle, c.display_name,
           'market_research', c.niche, stage
      from jsonb_to_recordset(creators) as c (
        handle text, display_name text, niche text, icp_fit_score integer, qualified boolean)
     where c.qualified
       -- A contact may have this address in any spelling or column.
       and not exists (
         select from safari_people_links l
          where l.other = agent_creators_seed.platform || ':' || c.handle
            and starts_with(l.address, 'contact:'))
     order by c.handle, c.icp_fit_score desc
  on conflict do nothing;
  get diagnostics seeded = row_count;
  return seeded;
end $$;

-- Posts feed the trends; those of Twitter have their own table.
create or replace function public.agent_creators_store_posts(platform text, posts jsonb)
returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  if platform = 'twitter' then
    insert into actp_twitter_research as t (
      tweet_id, author_handle, author_display_name, author_follower_count, tweet_text, tweet_url,
      niche, views, likes, replies, retweets, quotes, bookmarks, scraped_at
    )
      select distinct on (p.id) p.id, p.author, p.author_name, p.author_followers, p.text, p.url,
             p.niche, p.views, p.likes, p.replies, p.reposts, p.quotes, p.bookmarks, now()
        from jsonb_to_recordset(posts) as p (
          id text, author text, author_name text, author_followers integer, text text, url text,
          niche text, views integer, likes integer, replies integer, reposts integer,
          quotes integer, bookmarks integer)
       where p.id <> '' and p.author <> '' and p.text <> '' order by p.id
    on conflict (tweet_id) do update
      -- What this look did not show keeps what an earlier one did.
      set views = coalesce(excluded.views, t.views), likes = coalesce(excluded.likes, t.likes),
          replies = coalesce(excluded.replies, t.replies),
          retweets = coalesce(excluded.retweets, t.retweets),
          quotes = coalesce(excluded.quotes, t.quotes),
          bookmarks = coalesce(excluded.bookmarks, t.bookmarks), scraped_at = now();
  else
    insert into actp_platform_research as r (
      source_platform, handle, author_name, post_url, post_text, niche, likes, views,
      comments_count, shares, engagement_score, scraped_at
    )
      select distinct on (p.url) platform, p.author, p.author_name, p.url, p.text, p.niche,
             p.likes, p.views, p.replies, p.reposts, p.engagement, now()
        from jsonb_to_recordset(posts) as p (
          author text, author_name text, url text, text text, niche text, likes integer,
          views integer, replies integer, reposts integer, engagement numeric)
       where p.url <> '' order by p.url
    on conflict (source_platform, post_url) do update
      set likes = coalesce(excluded.likes, r.likes), views = coalesce(excluded.views, r.views),
          comments_count = coalesce(excluded.comments_count, r.comments_count),
          shares = coalesce(excluded.shares, r.shares),
          engagement_score = coalesce(excluded.engagement_score, r.engagement_score),
          scraped_at = now();
  end if;
end $$;

create or replace function public.agent_creators_top(
  platform text default null, niche text default null, row_limit integer default 20
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(c) order by c.icp_fit_score desc nulls last, c.handle), '[]') from (
    select k.platform, k.handle, k.display_name, k.niche, k.followers, k.engagement_score,
           k.offer_match, k.icp_fit_score, k.top_post_url, k.last_synced_at
      from actp_platform_creators k
     where k.platform = coalesce(agent_creators_top.platform, k.platform)
       and k.niche = coalesce(agent_creators_top.niche, k.niche)
     order by k.icp_fit_score desc nulls last, k.handle limit row_limit
  ) c
$$;
