-- When is posted where: hours are learned from what posts at them brought.

-- The candidate hours of a platform are its best hours and their neighbours, each Beta(1, 1).
create or replace function public.agent_schedule_slots(hours integer[]) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(((h + d + 24) % 24)::text, '{"alpha": 1, "beta": 1}'::jsonb), '{}')
    from unnest(hours) h, unnest(array[-1, 0, 1]) d
   where h is not null
$$;

create or replace function public.agent_schedule_rows() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('now', now(), 'rows', coalesce((
    select jsonb_agg(jsonb_build_object(
             'platform', s.platform, 'posts_per_day', s.posts_per_day, 'best_hours', s.best_hours,
             'active_days', s.active_days, 'min_gap_hours', s.min_gap_hours,
             'slots', s.thompson_slots, 'learned', h.hours -> s.platform) order by s.platform)
      from actp_posting_schedule s cross join agent_post_hours() h (hours)), '[]'),
    'planned', agent_schedule_planned())
$$;

-- The posts that have their time, and those of the last four days, which they keep a distance from:
-- [{at, platform, niche, hook, what}].
create or replace function public.agent_schedule_planned() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.at, p.platform), '[]') from (
    select p.published_at as at, safari_platform(p.platform) as platform, p.niche,
           left(p.title, 200) as hook, 'out' as what
      from actp_content_performance p
     where p.published_at between now() - interval '4 days' and now()
    union all
    select agent_time(t.value), t.key, coalesce(j.niche, j.brief ->> 'niche'),
           j.brief ->> 'hook', 'video'
      from actp_workflow_tasks w
           cross join lateral jsonb_each_text(w.input_data -> 'scheduled_times') t
           left join actp_gen_jobs j on j.id = agent_publish_video(w.input_data)
     where w.task_type = 'blotato_multi_publish' and w.status in ('pending', 'running')
       and jsonb_typeof(w.input_data -> 'scheduled_times') = 'object'
       and agent_time(t.value) is not null
       and not exists (select from actp_publish_attempts a
                        where a.task_id = w.id and a.platform = t.key
                          and a.published_at is not null)
    union all
    select t.planned_at, 'twitter', t.niche, split_part(t.variant_a_text, E'\n', 1), 'A/B test'
      from actp_ab_tests t where t.status = 'posting' and t.planned_at > now()
  ) p
$$;

-- Stores chosen hours, [{platform, best_hours}]; what was learned stays.
create or replace function public.agent_schedule_store(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  changed integer;
begin
  with chosen as (
    select r.platform, agent_as(r.best_hours, (null::public.actp_posting_schedule).best_hours) as hours
      from jsonb_to_recordset(rows) as r (platform text, best_hours jsonb)
  )
  update actp_posting_schedule s
     set best_hours = c.hours,
         thompson_slots = case when coalesce(s.thompson_slots, '{}') = '{}'
                               then agent_schedule_slots(agent_integers(to_jsonb(s.best_hours)))
                               else s.thompson_slots end,
         updated_at = now()
    from chosen c
   where s.platform = c.platform
     and (s.best_hours is distinct from c.hours or coalesce(s.thompson_slots, '{}') = '{}');
  get diagnostics changed = row_count;
  return jsonb_build_object('changed', changed);
end $$;

-- Tells an hour of `better` posts and `others`; for functions that know that each counts once.
create or replace function public.agent_schedule_rewards(
  platform text, hour integer, better integer, others integer
) returns void
language sql set search_path = public, pg_temp as $$
  update actp_posting_schedule s
     set thompson_slots = coalesce(s.thompson_slots, '{}') || jsonb_build_object(hour::text,
           jsonb_build_object(
             'alpha', coalesce((s.thompson_slots -> hour::text ->> 'alpha')::numeric, 1) + better,
             'beta', coalesce((s.thompson_slots -> hour::text ->> 'beta')::numeric, 1) + others)),
         updated_at = now()
   where s.platform = agent_schedule_rewards.platform and hour between 0 and 23
$$;

create or replace function public.agent_schedule_reward(platform text, hour integer, reward boolean)
returns void
language sql set search_path = public, pg_temp as $$
  select agent_schedule_rewards(platform, hour, reward::integer, 1 - reward::integer)
$$;

-- The engagement of a platform's posts of the last 30 days, {platform, posts_per_day, is_told,
-- posts: [[age in days, score]]}. Posts are compared at the age of a day where enough of them were
-- looked at then, else as they stand; of YouTube, whose counts grow for months, only at equal age.
create or replace function public.agent_schedule_engagement() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with scores as (
    select s.*, extract(epoch from now() - safari_bounded(s.published_at)) / 86400 as age_days
      from agent_post_scores(30) s
  ), counted as (
    select s.platform,
           count(s.score_24h) filter (where s.age_days <= 7) >= 3
           and count(s.score_24h) filter (where s.age_days > 7) >= 3 or s.platform = 'youtube'
             as at_equal_age
      from scores s group by s.platform
  )
  select coalesce(jsonb_agg(to_jsonb(e) order by e.platform), '[]') from (
    select h.platform, coalesce(h.posts_per_day, 1) as posts_per_day,
           h.saturated_since is not null as is_told,
           jsonb_agg(jsonb_build_array(s.age_days, case when c.at_equal_age then s.score_24h
                                                        else s.score end)
                     order by s.age_days) as posts
      from actp_posting_schedule h
      join scores s on s.platform = h.platform
      join counted c on c.platform = h.platform
     where case when c.at_equal_age then s.score_24h else s.score end is not null
     group by h.platform, h.posts_per_day, h.saturated_since
  ) e
$$;

-- Tells of platforms that tire, once while it lasts: [{platform, drop_percent, posts_per_day,
-- recommended}]. `recovered` names those for which it is over.
drop function if exists public.agent_schedule_tell_saturated(jsonb);
create or replace function public.agent_schedule_tell_saturated(
  rows jsonb, recovered jsonb default '[]'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  item jsonb;
  told integer := 0;
begin
  update actp_posting_schedule s set saturated_since = null
   where s.saturated_since is not null and recovered ? s.platform;
  for item in select * from jsonb_array_elements(rows) loop
    update actp_posting_schedule s set saturated_since = now()
     where s.platform = item ->> 'platform' and s.saturated_since is null;
    if found then
      told := told + 1;
      perform safari_alert(
        format('platform_saturated:%s:%s', item ->> 'platform', now()), 'platform_saturated', item);
    end if;
  end loop;
  return to_jsonb(told);
end $$;

drop function if exists public.agent_schedule_contacts(integer, integer);
