-- Everything that the report draws, in one reading and at one moment. Days and hours are UTC.

create or replace function public.agent_report() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with medians as (
    select p.platform, percentile_cont(0.5) within group (order by agent_figure(p.engagement_score)) as usual
      from actp_content_performance p
     where p.published_at > now() - interval '60 days' and p.published_at <= now()
       and agent_figure(p.engagement_score) is not null
     group by p.platform
  )
  select jsonb_build_object(
    'at', now(),
    'queue', coalesce((
      select jsonb_agg(to_jsonb(d) order by d.service) from (
        select s.service, sum(s.ready) as ready, sum(s.waiting) as waiting, sum(s.held) as held,
               sum(s.running) as running
          from safari_queue_depths() s where s.service <> 'foreign' group by s.service) d), '[]'),
    'ended', coalesce((
      select jsonb_agg(to_jsonb(e) order by e.day, e.outcome) from (
        select (q.completed_at at time zone 'utc')::date as day,
               case when q.status = 'failed' and q.reason = 'unknown' then 'unknown'
                    else q.status end as outcome,
               count(*) as commands
          from safari_command_queue q
         where q.status in ('completed', 'failed', 'cancelled')
           and q.service is distinct from 'foreign'
           and q.completed_at >= date_trunc('day', now(), 'UTC') - interval '13 days'
           and q.completed_at < now() + interval '1 day'
         group by 1, 2) e), '[]'),
    'limits', safari_limits(),
    'campaigns', safari_campaigns(12),
    'contacts', (select count(*) from crm_contacts c where c.archived_at is null),
    'stages', coalesce((
      select jsonb_object_agg(f.stage, f.people) from (
        select coalesce(s.funnel_stage, 'awareness') as stage, count(*) as people
          from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
         where c.archived_at is null
         group by 1) f), '{}'),
    'plans', agent_schedule_rows() -> 'rows',
    'posts', coalesce((
      select jsonb_agg(to_jsonb(h) order by h.weekday, h.hour) from (
        select extract(isodow from p.published_at at time zone 'utc')::integer - 1 as weekday,
               extract(hour from p.published_at at time zone 'utc')::integer as hour,
               count(*) as posts, count(*) filter (where agent_figure(p.engagement_score) > m.usual) as good
          from actp_content_performance p join medians m on m.platform = p.platform
         where p.published_at > now() - interval '60 days' and p.published_at <= now()
           and agent_figure(p.engagement_score) is not null
         group by 1, 2) h), '[]'),
    'tests', coalesce((
      select jsonb_agg(to_jsonb(t) order by t.created_at desc nulls last, t.id) from (
        select a.id, a.topic, a.niche, a.test_method_a, a.test_method_b, a.status, a.winner,
               a.eng_score_a, a.eng_score_b, a.created_at
          from actp_ab_tests a order by a.created_at desc nulls last, a.id limit 20) t), '[]'),
    'niches', agent_mix_counts() -> 'counts')
$$;
