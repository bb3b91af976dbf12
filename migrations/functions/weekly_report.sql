-- What the week brought, and how the agents did, told once a week.

create or replace function public.agent_plural(count bigint, noun text) returns text
language sql immutable as $$
  select format('%s %s%s', count, noun, case when count = 1 then '' else 's' end)
$$;

-- Whether a contact has bought, by what stands in either of its stages.
create or replace function public.agent_is_won(pipeline_stage text, relationship_stage text)
returns boolean
language sql immutable as $$
  select coalesce(agent_word(pipeline_stage)
                    in ('closed_won', 'closedwon', 'won', 'deal_won', 'client', 'customer'), false)
      or coalesce(agent_word(relationship_stage)
                    in ('closed_won', 'closedwon', 'won', 'deal_won', 'client', 'customer'), false)
$$;

-- Records when a contact is closed as won, whichever program does it: the time of its last change
-- says nothing of that. Security definer, as other programs may not reach our tables; what cannot be
-- recorded must not keep them from writing.
create or replace function public.agent_contact_won() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into actp_crm_transitions (contact_id, from_stage, to_stage, trigger, created_at)
    values (new.id, coalesce(old.pipeline_stage, old.relationship_stage), 'closed_won', 'crm', now());
  return null;
exception when others then
  return null;
end $$;

create or replace trigger agent_contact_won
  after update of pipeline_stage, relationship_stage on public.crm_contacts for each row
  when (agent_is_won(new.pipeline_stage, new.relationship_stage)
        and not agent_is_won(old.pipeline_stage, old.relationship_stage))
  execute function public.agent_contact_won();

-- The post of the last days that stands out most from its platform's others, as a line; null if none.
create or replace function public.agent_best_post(days integer) returns text
language sql stable set search_path = public, pg_temp as $$
  with scores as (
    select s.*, coalesce(s.score_24h, s.score) as brought from agent_post_scores(30) s
  ), means as (
    select s.platform, avg(s.brought) as mean, count(*) as posts from scores s group by s.platform
  )
  select format('best post: %s on %s, %s engagement, %s; %s at %s:00 UTC',
                coalesce('“' || left(nullif(btrim(split_part(p.title, E'\n', 1)), ''), 80) || '”',
                         s.external_id),
                s.platform, round(s.brought),
                case when m.posts = 1 then 'the only one of a month'
                     else format('%s times the mean of %s', round(s.brought / m.mean, 1),
                                 agent_plural(m.posts, 'post')) end,
                concat_ws(', ', agent_niche(s.niche), p.content_type),
                extract(hour from s.published_at at time zone 'utc'))
    from scores s join means m using (platform)
    join actp_content_performance p
      on safari_platform(p.platform) = s.platform and p.external_id = s.external_id
   where s.published_at > now() - make_interval(days => days)
     and s.brought > 0  -- where no post brought anything none is the best
   order by s.brought / m.mean desc, s.brought desc, s.external_id limit 1
$$;

create or replace function public.agent_weekly_report() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  since timestamptz := now() - interval '7 days';
  lines jsonb;
begin
  with runs as (
    select t.domain, count(*) as runs,
           count(*) filter (where t.status in ('error', 'failed')) as failed,
           (array_agg(t.task order by t.created_at desc)
             filter (where t.status in ('error', 'failed')))[1] as last_failed
      from actp_agent_tasks t where t.created_at > since group by t.domain
  ), said as (
    select 5 as place, '' as name, format('messages: %s sent, %s from %s, %s waiting',
             (select count(*) from crm_message_queue q
               where q.status = 'sent' and q.sent_at > since and q.sent_at <= now()),
             case when count(*) = 1 then '1 reply' else count(*) || ' replies' end,
             case when count(distinct m.who) = 1 then '1 person' else count(distinct m.who) || ' people' end,
             (select count(*) from crm_message_queue q where q.status in ('pending', 'sending')))
           as line
      from (select coalesce(x.contact_id::text, safari_platform(x.platform) || ':' || x.username)
                     as who
              from crm_messages x
             where agent_is_answer(x)
               and x.sent_at > since and x.sent_at <= now()) m
    having count(*) > 0 or exists (select from crm_message_queue q
                                    where q.status in ('pending', 'sending')
                                       or (q.status = 'sent' and q.sent_at > since
                                           and q.sent_at <= now()))
    union all
    select 6, '', format('conversions: %s', agent_plural(count(*), 'contact') || ' closed as won')
      from crm_contacts c
     where agent_is_won(c.pipeline_stage, c.relationship_stage)
       and (c.created_at > since or exists (
             select from actp_crm_transitions t
              where t.contact_id = c.id and t.to_stage = 'closed_won' and t.created_at > since))
    having count(*) > 0
    union all
    select 3, '', format('prospects: %s in decision, %s researched',
             count(*) filter (where p.funnel_stage = 'decision'),
             count(*) filter (where p.research_done))
      from actp_prospect_scores p
    union all
    select 4, '', format('content: %s published, %s rendered',
             (select count(*) from actp_content_performance c where c.published_at > since and c.published_at <= now()),
             (select count(*) from actp_gen_jobs j
               where j.model = 'remotion' and j.completed_at > since))
    union all
    select 7, '', agent_best_post(7)
    union all
    select 8, '', format('A/B tests: %s won, %s without a winner%s',
             count(*) filter (where t.winner in ('a', 'b')), count(*) filter (where t.winner = 'tie'),
             '; last winner: “' || left((array_agg(
               case t.winner when 'a' then t.variant_a_text else t.variant_b_text end
               order by t.completed_at desc) filter (where t.winner in ('a', 'b')))[1], 80) || '”')
      from actp_ab_tests t where t.completed_at > since
    having count(*) > 0
    union all
    select 9, '', format('posting hours: changed %s', agent_plural(
             sum(agent_count((t.result #>> '{data,changed}')::numeric)), 'time'))
      from actp_agent_tasks t
     where t.domain = 'scheduler' and t.task = 'optimize' and t.created_at > since
       and jsonb_typeof(t.result #> '{data,changed}') = 'number'
    having sum(agent_count((t.result #>> '{data,changed}')::numeric)) > 0
    union all
    select 2, '', format('commands: %s completed, %s failed, %s waiting',
             count(*) filter (where q.status = 'completed' and q.completed_at > since),
             count(*) filter (where q.status = 'failed' and q.completed_at > since),
             count(*) filter (where q.status = 'pending'))
      from safari_command_queue q
    union all
    select 1, r.domain, format('%s: %s, %s failed%s', r.domain, agent_plural(r.runs, 'run'), r.failed,
                               coalesce(' (last: ' || r.last_failed || ')', ''))
      from runs r
  )
  select jsonb_agg(s.line order by s.place, s.name) into lines from said s where s.line is not null;
  perform safari_alert('weekly_report:' || to_char(now() at time zone 'utc', 'IYYY-IW'),
                       'weekly_report', jsonb_build_object('domain', 'all agents', 'lines', lines));
  return jsonb_build_object('lines', lines);
end $$;
