-- How far a contact is on the way to a sale: what is known of them, their score, and who is told.

-- A time that may stand as text, written by anybody; null for what is none.
-- Most are a timestamp printed, with its offset; only what has none needs UTC to be set, which costs
-- as much as all the rest.
create or replace function public.agent_time(value text) returns timestamptz
language plpgsql stable as $$
begin
  if value is null then
    return null;
  elsif value ~ '^[12]\d{3}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?$' then
    return value::timestamptz;
  end if;
  return public.agent_time_in_utc(value);
exception when data_exception then
  return null;
end $$;

-- The same of a column that holds times: printing and parsing it costs several times as much.
create or replace function public.agent_time(value timestamptz) returns timestamptz
language sql immutable as $$ select public.safari_finite(value) $$;

create or replace function public.agent_time_in_utc(value text) returns timestamptz
language plpgsql stable set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  return safari_finite(case when value ~ '^\d{4}-\d\d-\d\d' then value::timestamptz end);
exception when data_exception then
  return null;
end $$;

-- What is known of contacts, for a score: one page in the order of their ids, or those of ids. Only
-- the latest 200 messages and interactions of each are looked at: they decide any score.
create or replace function public.agent_prospect_page(
  after uuid default null, row_limit integer default 1000, ids jsonb default null
) returns jsonb
language sql stable
-- A hash of all scores for each page costs more than the page.
set search_path = public, pg_temp set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.id), '[]')
    from (
      with page as (
        (select c.* from crm_contacts c
          where ids is null and c.archived_at is null
            and c.id > coalesce(after, '00000000-0000-0000-0000-000000000000')
          order by c.id limit row_limit)
        union all
        select c.* from jsonb_array_elements_text(ids) i join crm_contacts c on c.id = i::uuid
      )
      select
        c.id, safari_platform(c.platform) as platform, c.username, c.display_name, c.email,
        left(c.bio, 2000) as bio, left(c.headline, 500) as headline, c.niche_label,
        c.icp_score, coalesce(c.email_opted_out, false) as email_opted_out, c.twitter_handle,
        s.contact_id is not null as is_scored,
        greatest(m.dm_replies, c.replies_received, 0) as dm_replies, m.recent_dms,
        m.email_replies + i.email_replies as email_replies,
        greatest(m.email_reply_at, i.email_reply_at) > now() - interval '7 days'
          as has_fresh_email_reply,
        i.email_opens,
        i.twitter_engagements > 0 or exists (
          select from actp_twitter_research t
           where lower(t.author_handle) in (
             lower(ltrim(c.twitter_handle, '@')),
             case when safari_platform(c.platform) = 'twitter' then lower(ltrim(c.username, '@')) end)
        ) as is_on_twitter_with_us,
        (select count(distinct safari_platform(a.platform)) from actp_platform_associations a
          where a.contact_id = c.id
            and safari_platform(a.platform) is distinct from safari_platform(c.platform))
          + 1 as platforms,
        coalesce(m.words, '{}') || coalesce(i.words, '{}') || coalesce(v.words, '{}') as words,
        greatest(m.outbound_at, i.outbound_at, safari_finite(c.last_outbound_at)) as last_outbound_at,
        extract(epoch from now() - greatest(
          m.at, i.at, v.at, safari_finite(c.last_outbound_at), safari_finite(c.last_inbound_at),
          agent_time(c.last_message_at))) / 86400 as silent_days
      from page c
      left join actp_prospect_scores s on s.contact_id = c.id
      cross join lateral (
        select
          count(*) filter (where not outbound and type not in ('email', 'comment')) as dm_replies,
          count(*) filter (where not outbound and type not in ('email', 'comment')
                             and sent_at > now() - interval '14 days') as recent_dms,
          count(*) filter (where not outbound and type = 'email') as email_replies,
          max(sent_at) filter (where not outbound and type = 'email') as email_reply_at,
          max(sent_at) as at, max(sent_at) filter (where outbound) as outbound_at,
          (array_agg(left(said, 500) order by sent_at desc nulls last)
             filter (where not outbound))[1:12] as words,
          array_agg(left(said, 200)) filter (where outbound) as ours
        from (
          select not agent_outreach_is_theirs(x) as outbound, coalesce(x.message_type, 'dm') as type,
                 safari_finite(x.sent_at) as sent_at, x.body as said
            from crm_messages x where x.contact_id = c.id
           order by x.sent_at desc limit 200
        ) each
      ) m
      cross join lateral (
        select
          count(*) filter (where type like 'email\_open%'
                             or (type = 'email' and outcome like 'open%')) as email_opens,
          count(*) filter (where is_reply) as email_replies,
          max(at) filter (where is_reply) as email_reply_at,
          count(*) filter (where platform = 'twitter' and not outbound
                             and type not like 'email%' and type not like 'dm%')
            as twitter_engagements,
          max(at) as at, max(at) filter (where outbound) as outbound_at,
          (array_agg(left(summary, 500) order by at desc nulls last)
             filter (where is_reply and summary is not null))[1:4] as words
        from (
          select lower(x.type) as type, safari_platform(x.platform) as platform, lower(x.outcome) as outcome,
                 x.summary, coalesce(safari_finite(x.occurred_at), safari_finite(x.created_at)) as at,
                 coalesce(agent_direction(x.direction) = 'outbound', lower(x.type) in ('email', 'dm')) as outbound,
                 lower(x.type) in ('email_reply', 'email_replied')
                   or (lower(x.type) = 'email'
                       and (agent_direction(x.direction) = 'inbound' or lower(x.outcome) = 'replied')) as is_reply
            from crm_interactions x where x.contact_id = c.id
           order by x.created_at desc limit 200
        ) each
      ) i
      cross join lateral (
        -- The last message of a conversation may be ours, and our words say nothing of theirs.
        select max(greatest(agent_time(x.last_message_at), agent_time(x.last_reply_at)))
                 as at,
               array_agg(left(said, 500)) filter (
                 where said is not null and left(said, 200) <> all (coalesce(m.ours, '{}'))
               ) as words
          from (
            select x.*, coalesce(x.last_message, x.last_message_preview) as said
              from crm_conversations x where x.contact_id = c.id limit 12
          ) x
      ) v
    ) p
$$;

-- Stores scores, [{contact_id, score, funnel_stage, score_breakdown, offer_readiness, icp_fit,
-- next_touch_type, next_touch_at}]; one that is unchanged is not written again. A change of stage
-- is recorded, and one into decision is alerted.
create or replace function public.agent_prospect_store(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb;
begin
  -- Two at once would both see the old stage and both tell the change.
  perform pg_advisory_xact_lock(hashtextextended('agent_prospect_store', 0));
  with given as (
    select r.* from jsonb_to_recordset(rows) as r (
      contact_id uuid, score integer, funnel_stage text, score_breakdown jsonb,
      offer_readiness integer, icp_fit integer, next_touch_type text, next_touch_at timestamptz)
      join crm_contacts c on c.id = r.contact_id
  ), written as (
    insert into actp_prospect_scores as s (
      contact_id, score, funnel_stage, score_breakdown, offer_readiness, icp_fit,
      next_touch_type, next_touch_at, research_done, created_at, updated_at)
      select g.contact_id, g.score, g.funnel_stage, g.score_breakdown, g.offer_readiness, g.icp_fit,
             g.next_touch_type,
             case when g.next_touch_type is not null then coalesce(g.next_touch_at, now()) end,
             false, now(), now()
        from given g order by g.contact_id
    on conflict (contact_id) do update
      set score = excluded.score, funnel_stage = excluded.funnel_stage,
          score_breakdown = excluded.score_breakdown, offer_readiness = excluded.offer_readiness,
          icp_fit = excluded.icp_fit, next_touch_type = excluded.next_touch_type,
          next_touch_at = case
            -- Who was never written to stays due since they were first scored.
            when agent_time(excluded.next_touch_at) = now()
            then coalesce(agent_time(s.next_touch_at), now())
            else agent_time(excluded.next_touch_at) end,
          updated_at = now()
      where (s.score, s.funnel_stage, s.score_breakdown, s.offer_readiness, s.icp_fit,
             s.next_touch_type) is distinct from
            (excluded.score, excluded.funnel_stage, excluded.score_breakdown,
             excluded.offer_readiness, excluded.icp_fit, excluded.next_touch_type)
         or (agent_time(excluded.next_touch_at) is distinct from agent_time(s.next_touch_at)
             and (agent_time(excluded.next_touch_at) is distinct from now()
                  or s.next_touch_at is null))
    returning s.contact_id
  ), moved as (
    -- What one statement reads is as it was before its own writes.
    insert into actp_crm_transitions
      (contact_id, from_stage, to_stage, trigger, score_at_transition, to_announce, created_at)
      select g.contact_id, b.funnel_stage, g.funnel_stage,
             case when g.score >= coalesce(b.score, 0) then 'score_increase'
                  else 'score_decrease' end,
             g.score, g.funnel_stage = 'decision', now()
        from given g left join actp_prospect_scores b using (contact_id)
       where g.funnel_stage is distinct from coalesce(b.funnel_stage, 'awareness')
    returning 1
  )
  select jsonb_build_object('written', (select count(*) from written),
                            'moved', (select count(*) from moved)) into answer;
  return answer;
end $$;

-- Tells in one alert who has come to decision since the last one, however the runs between ended.
create or replace function public.agent_prospect_announce() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  told uuid[];
  people jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_prospect_store', 0));
  with told_now as (
    update actp_crm_transitions t set to_announce = false where t.to_announce
    returning t.id, t.contact_id
  )
  select array_agg(t.id order by t.id),
         (select jsonb_agg(jsonb_build_object('name', b.name, 'platform', b.platform, 'score', b.score)
                           order by b.score desc, b.person)
            from (
              select distinct on (p.ids[1]) p.ids[1] as person, s.score, c.platform,
                     coalesce(nullif(btrim(c.display_name), ''), '@' || ltrim(c.username, '@')) as name
                from actp_prospect_scores s
                join crm_contacts c on c.id = s.contact_id
               cross join lateral agent_person_of(s.contact_id) p
               where s.funnel_stage = 'decision'
                 and s.contact_id in (select n.contact_id from told_now n)
                 and coalesce(p.veto, p.own_veto) is null
                 -- Somebody who swings around the border is new once in 30 days.
                 and not exists (
                   select from actp_crm_transitions e
                    where e.contact_id = any (p.ids) and e.to_announce is false
                      and e.to_stage = 'decision'
                      and e.created_at > now() - interval '30 days')
               order by p.ids[1], s.score desc, c.id) b)
    into told, people from told_now t;
  if people is not null then
    perform safari_alert(
      'new_decision_prospects:' || told[1], 'new_decision_prospects',
      jsonb_build_object('count', jsonb_array_length(people),
                         'top', jsonb_path_query_array(people, '$[0 to 2]')));
  end if;
  return to_jsonb(coalesce(jsonb_array_length(people), 0));
end $$;

-- Stores a brief about a person, the first one for good.
create or replace function public.agent_prospect_researched(contact_id uuid, research jsonb)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_prospect_scores s
     set research_data = research, research_done = true, research_at = now(), updated_at = now()
   where s.contact_id = agent_prospect_researched.contact_id and s.research_done is not true;
  return to_jsonb(found);
end $$;

-- Prospects for a person to look at, the best first: `top`; `research_ready`, from a score on;
-- `research_due`, those of them without a brief; `next_actions`, those due within a day. Each person once,
-- by the row with the best score; nobody who asked for peace, is blocked, a customer or archived.
create or replace function public.agent_prospect_list(
  what text, row_limit integer, least_score integer default 0
) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found jsonb := '[]';
  listed uuid[] := '{}';
  row record;
  person record;
begin
  for row in
    select s.contact_id, c.platform, c.username, c.display_name, s.score, s.funnel_stage as stage,
           s.score_breakdown, coalesce(s.research_done, false) as research_done, s.offer_readiness,
           s.icp_fit, s.next_touch_type, s.next_touch_at, c.last_message
      from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
     where c.archived_at is null and s.score >= least_score
       and (what <> 'next_actions'
            or (s.next_touch_type is not null and s.next_touch_at <= now() + interval '1 day'))
       and (what <> 'research_due' or s.research_done is not true)
     order by s.score desc, case when what = 'next_actions' then s.next_touch_at end, s.contact_id
  loop
    exit when jsonb_array_length(found) >= row_limit;
    select p.ids, coalesce(p.veto, p.own_veto) as veto into person
      from agent_person_of(row.contact_id) p;
    continue when person.veto is not null or person.ids && listed;
    listed := listed || person.ids;
    found := found || (to_jsonb(row) - 'last_message' || jsonb_build_object(
      'rank', jsonb_array_length(found) + 1,
      'last_words', coalesce(
        (select left(coalesce(nullif(m.message_text, ''), m.body), 200)
           from crm_messages m where m.contact_id = row.contact_id and agent_outreach_is_theirs(m)
          order by m.sent_at desc nulls last limit 1), row.last_message)));
  end loop;
  return found;
end $$;

-- How many prospects stand where. Those with so many points or more are counted as they are listed.
create or replace function public.agent_prospect_figures(least_score integer) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'awareness', count(*) filter (where s.funnel_stage = 'awareness'),
    'consideration', count(*) filter (where s.funnel_stage = 'consideration'),
    'decision', count(*) filter (where s.funnel_stage = 'decision'),
    'research_ready', count(distinct p.ids[1]) filter (where p.veto is null),
    'researched', count(distinct p.ids[1]) filter (where p.veto is null and s.research_done))
    from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
    left join lateral (select o.ids, coalesce(o.veto, o.own_veto) as veto
                         from agent_person_of(s.contact_id) o where s.score >= least_score) p on true
   where c.archived_at is null
$$;

-- The id of a contact by its id or by a handle that only one contact has.
create or replace function public.agent_prospect_find(who text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  handle text := lower(ltrim(btrim(who), '@'));
  ids uuid[];
begin
  if handle ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    select array_agg(c.id) into ids from crm_contacts c where c.id = handle::uuid;
  else
    select array_agg(c.id) into ids
      from (select c.id from crm_contacts c
             where lower(ltrim(c.username, '@')) = handle limit 2) c;
  end if;
  if ids is null then
    raise no_data_found using message = format('there is no contact %L', left(who, 80));
  elsif cardinality(ids) > 1 then
    raise invalid_parameter_value using
      message = format('%L is the name of several contacts: give the id', left(who, 80));
  end if;
  return to_jsonb(ids[1]);
end $$;
