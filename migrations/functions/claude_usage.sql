-- What runs of the agents asked of Claude, and what it cost: they end before anybody scrapes them.

-- Keeps what a run has asked: items {purpose, outcome, model, questions, tokens_asked,
-- tokens_answered, dollars}. A run is counted once, however often it says so.
create or replace function public.agent_claude_record(run uuid, usage jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into agent_claude_usage (run, purpose, outcome, model, day, questions, tokens_asked,
                                  tokens_answered, dollars)
  select agent_claude_record.run, u.purpose, u.outcome, u.model, safari_today(), u.questions,
         u.tokens_asked, u.tokens_answered, u.dollars
    from jsonb_to_recordset(usage) u (
           purpose text, outcome text, model text, questions bigint, tokens_asked bigint,
           tokens_answered bigint, dollars numeric)
   order by u.purpose, u.outcome, u.model
  on conflict do nothing;
  return to_jsonb(true);
end $$;

-- All that was ever asked, as safari_gauges shows it. Each outcome of a purpose is there from its
-- first question on: one that appears with its first failure would hide that failure.
create or replace function public.agent_claude_totals() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with outcomes (outcome) as (
    values ('answered'), ('no_key'), ('unavailable'), ('refused'), ('garbage'), ('over_budget'),
           ('interrupted')
  ), requests as (
    select r.purpose, r.outcome, sum(r.questions) as value
      from (select u.purpose, u.outcome, u.questions from agent_claude_usage u
            union all
            select distinct u.purpose, o.outcome, 0
              from agent_claude_usage u cross join outcomes o) r
     group by r.purpose, r.outcome
  ), models as (
    select u.model, sum(u.tokens_asked) as asked, sum(u.tokens_answered) as answered,
           sum(u.dollars) as dollars
      from agent_claude_usage u group by u.model
  )
  select jsonb_build_object(
    'claude_requests_total', (select jsonb_agg(to_jsonb(r)) from requests r),
    'claude_tokens_total', (
      select jsonb_agg(jsonb_build_object(
               'model', m.model, 'direction', d.direction, 'value', d.tokens))
        from models m
       cross join lateral (values ('asked', m.asked), ('answered', m.answered))
                            d (direction, tokens)),
    'claude_cost_dollars_total', (
      select jsonb_agg(jsonb_build_object('model', m.model, 'value', m.dollars))
        from models m where m.dollars is not null))
$$;

-- Adds runs past their age to the total, a batch of rows at a time; answers how many.
create or replace function public.agent_claude_prune(
  keep_days integer default 90, batch integer default 5000
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  removed integer;
begin
  with old as (
    delete from agent_claude_usage d where (d.run, d.purpose, d.outcome, d.model) in (
      select u.run, u.purpose, u.outcome, u.model from agent_claude_usage u
       where u.day < safari_today() - keep_days and u.run <> nobody
       limit batch for update skip locked)
    returning d.*
  ), added as (
    insert into agent_claude_usage as t (run, purpose, outcome, model, day, questions,
                                         tokens_asked, tokens_answered, dollars)
    select nobody, o.purpose, o.outcome, o.model, '-infinity', sum(o.questions),
           sum(o.tokens_asked), sum(o.tokens_answered), sum(o.dollars)
      from old o group by o.purpose, o.outcome, o.model order by 2, 3, 4
    on conflict on constraint agent_claude_usage_pkey do update
      set questions = t.questions + excluded.questions,
          tokens_asked = t.tokens_asked + excluded.tokens_asked,
          tokens_answered = t.tokens_answered + excluded.tokens_answered,
          dollars = coalesce(t.dollars + excluded.dollars, t.dollars, excluded.dollars)
  )
  select count(*) into removed from old;
  return jsonb_build_object('claude_usage', removed);
end $$;
