-- How the agents did in the last seven days, told once a week.

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
    select 1 as place, r.domain as name, format(
             '%s: %s run%s, %s failed%s', r.domain, r.runs, case when r.runs = 1 then '' else 's' end,
             r.failed, coalesce(' (last: ' || r.last_failed || ')', '')) as line
      from runs r
    union all
    select 2, '', format('commands: %s completed, %s failed, %s waiting',
             count(*) filter (where q.status = 'completed' and q.completed_at > since),
             count(*) filter (where q.status = 'failed' and q.completed_at > since),
             count(*) filter (where q.status = 'pending'))
      from safari_command_queue q
    union all
    select 3, '', format('prospects: %s in decision, %s researched',
             count(*) filter (where p.funnel_stage = 'decision'),
             count(*) filter (where p.research_done))
      from actp_prospect_scores p
    union all
    select 4, '', format('content: %s published, %s rendered',
             (select count(*) from actp_content_performance c where c.published_at > since),
             (select count(*) from actp_gen_jobs j
               where j.model = 'remotion' and j.completed_at > since))
  )
  select jsonb_agg(s.line order by s.place, s.name) into lines from said s;
  perform safari_alert('weekly_report:' || to_char(now() at time zone 'utc', 'IYYY-IW'),
                       'weekly_report', jsonb_build_object('domain', 'all agents', 'lines', lines));
  return jsonb_build_object('lines', lines);
end $$;
