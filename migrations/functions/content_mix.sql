-- What was made of each niche, and what of it works where.

create or replace function public.agent_mix_counts(
  platform text default null, days integer default 30
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'now', now(),
    'counts', coalesce((
      select jsonb_object_agg(c.niche, c.posts) from (
        select p.niche, count(*) as posts from actp_content_performance p
         where p.niche is not null and p.niche <> ''
           and p.platform = coalesce(agent_mix_counts.platform, p.platform)
           and p.published_at > now() - make_interval(days => days)
         group by p.niche) c), '{}'),
    'best', coalesce((
      select jsonb_object_agg(b.niche, to_jsonb(b)) from (
        select distinct on (n.niche) n.niche, n.platform, n.content_type, n.avg_views,
               n.top_hook_patterns, n.sample_count
          from actp_niche_resonance n
         where n.platform = coalesce(agent_mix_counts.platform, n.platform)
         order by n.niche, n.sample_count = 0, n.avg_views desc nulls last, n.platform) b), '{}'))
$$;
