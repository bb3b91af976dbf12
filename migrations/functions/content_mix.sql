-- What was made of each niche, and what of it works where.

create or replace function public.agent_mix_counts(
  platform text default null, days integer default 30
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'now', now(),
    'counts', coalesce((
      select jsonb_object_agg(c.niche, c.posts) from (
        select agent_niche(p.niche) as niche, count(*) as posts from actp_content_performance p
         where agent_niche(p.niche) is not null
           and (agent_mix_counts.platform is null
                or safari_platform(p.platform) = agent_mix_counts.platform)
           and p.published_at > now() - make_interval(days => days)
           and p.published_at <= now()
         group by 1) c), '{}'),
    'best', coalesce((
      select jsonb_object_agg(b.niche, to_jsonb(b)) from (
        select distinct on (agent_niche(n.niche)) agent_niche(n.niche) as niche,
               safari_platform(n.platform) as platform, n.content_type, n.avg_views,
               n.top_hook_patterns, n.sample_count
          from actp_niche_resonance n
         where agent_niche(n.niche) is not null
           and (agent_mix_counts.platform is null
                or safari_platform(n.platform) = agent_mix_counts.platform)
         order by agent_niche(n.niche), n.sample_count = 0, n.avg_views desc nulls last,
                  n.platform) b), '{}'))
$$;
