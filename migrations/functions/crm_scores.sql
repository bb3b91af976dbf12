-- The CRM: LinkedIn prospects, scores, and what people see.

-- Prospects of LinkedIn with a profile, each once.
create or replace function public.agent_crm_prospects() returns table (
  profile text, name text, headline text, about text, stage text, fit integer, note text,
  contacted_at timestamptz, contact_id uuid
)
language sql stable set search_path = public, pg_temp as $$
  select distinct on (1) agent_crm_profile(p.profile_url), left(btrim(p.full_name), 200), p.headline,
         p.about_snippet, p.stage, least(greatest(p.fit_score, 0), 100)::integer, p.connection_note,
         agent_time(p.contacted_at::text), c.id
    from linkedin_prospects p
    left join (
      select c.id, coalesce(agent_crm_profile(c.linkedin_url),
                            agent_crm_profile(c.username)) as profile from crm_contacts c) c
      on c.profile = agent_crm_profile(p.profile_url)
   where p.stage is distinct from 'not_fit' and btrim(p.full_name) <> ''
     and agent_crm_profile(p.profile_url) is not null
   order by 1, p.contacted_at desc nulls last, p.id, c.id
$$;

create or replace function public.agent_crm_add_prospects(stage text) returns integer
language sql set search_path = public, pg_temp as $$
  with added as (
    insert into crm_contacts (
      platform, username, linkedin_url, display_name, headline, bio, source, pipeline_stage,
      relationship_stage, relationship_score, last_message, last_message_at, synced_at
    )
      select 'linkedin', p.profile, p.profile, p.name, p.headline, p.about, 'linkedin_search',
             agent_crm_add_prospects.stage, coalesce(p.stage, 'cold'), coalesce(p.fit, 0), p.note,
             p.contacted_at, now()
        from agent_crm_prospects() p where p.contact_id is null order by 1, 2
    on conflict do nothing
    returning 1
  )
  select count(*)::integer from added
$$;

-- Makes contacts of linkedin_prospects. What is known of a contact stays: a score, a stage or a
-- message itself is worth more than the search that found it. Answers how many were synced.
create or replace function public.agent_crm_sync_linkedin() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  known integer;
  added integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_crm:linkedin', 0));
  perform from crm_contacts c
    where c.id in (select p.contact_id from agent_crm_prospects() p)
    order by c.id for no key update;
  update crm_contacts c
     set display_name = coalesce(nullif(btrim(c.display_name), ''), p.name),
         headline = coalesce(nullif(btrim(c.headline), ''), p.headline),
         bio = coalesce(nullif(btrim(c.bio), ''), p.about),
         linkedin_url = coalesce(nullif(btrim(c.linkedin_url), ''), p.profile),
         synced_at = now()
    from agent_crm_prospects() p where c.id = p.contact_id;
  get diagnostics known = row_count;
  begin
    added := agent_crm_add_prospects('new');
  exception when check_violation then
    added := agent_crm_add_prospects('first_touch');
  end;
  return to_jsonb(known + added);
end $$;

-- Contacts that were scored longest ago, with what they and we said last, oldest first. Nobody has
-- scored a bot, and those who asked to be left alone need no score. Answers {as_of, contacts}.
create or replace function public.agent_crm_to_score(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('as_of', now(), 'contacts', coalesce(jsonb_agg(jsonb_build_object(
           'contact_id', p.id, 'platform', lower(p.platform), 'username', p.username,
           'display_name', p.display_name, 'headline', left(p.headline, 300),
           'bio', left(p.bio, 1000), 'niche', p.niche_label,
           'relationship_score', p.relationship_score, 'relationship_stage', p.relationship_stage,
           'funnel_score', p.score, 'funnel_readiness', p.readiness,
           'has_replied', coalesce(p.replies_received, 0) > 0 or exists (
             select from crm_messages m where m.contact_id = p.id and not m.is_outbound),
           'messages', (
             select coalesce(jsonb_agg(jsonb_build_object(
                      'from', case when m.is_outbound then 'us' else 'them' end,
                      'at', m.sent_at, 'text', left(coalesce(m.body, m.message_text), 500))
                      order by m.sent_at), '[]')
               from (select * from crm_messages m where m.contact_id = p.id
                      order by m.sent_at desc nulls last limit 10) m)) order by p.place), '[]'))
    from (
      select c.*, s.score, s.offer_readiness as readiness,
             row_number() over (
               order by greatest(c.last_scored_at, c.score_tried_at) nulls first, c.id) as place
        from crm_contacts c join actp_prospect_scores s on s.contact_id = c.id
       where c.archived_at is null and not coalesce(c.email_opted_out, false)
       order by place limit row_limit) p
$$;

-- Stores scores [{contact_id, score, stage, offer_readiness, summary, next_action, reason, model}] of
-- contacts that were read at that time, and notes whom Claude had no score for. People, not a score,
-- say who is a client or left, so other stages stay. Again changes nothing.
create or replace function public.agent_crm_scored(
  as_of timestamptz, scores jsonb, tried jsonb default '[]'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  stored integer;
begin
  perform from crm_contacts c
    where c.id in (select (s ->> 'contact_id')::uuid from jsonb_array_elements(scores) s
                   union all select t::uuid from jsonb_array_elements_text(tried) t)
    order by c.id for no key update;
  update crm_contacts c set score_tried_at = as_of
   where c.id in (select t::uuid from jsonb_array_elements_text(tried) t);
  with given as (
    select s.* from jsonb_to_recordset(scores) as s (
      contact_id uuid, score integer, stage text, offer_readiness integer, summary text,
      next_action text, reason text, model text)
  ), written as (
    update crm_contacts c
       set relationship_score = g.score,
           relationship_stage = case
             when lower(coalesce(c.relationship_stage, ''))
                  in ('', 'new', 'cold', 'warm', 'engaged', 'hot')
               then g.stage else c.relationship_stage end,
           offer_readiness = coalesce(g.offer_readiness, c.offer_readiness),
           ai_summary = coalesce(g.summary, c.ai_summary),
           next_action = coalesce(g.next_action, c.next_action),
           last_scored_at = as_of, updated_at = now()
      from given g
     where c.id = g.contact_id and c.last_scored_at is distinct from as_of
    returning c.id, c.relationship_stage
  ), history as (
    insert into crm_score_history (contact_id, score, stage, reason, reasoning, model_used, scored_at)
      select w.id, g.score, w.relationship_stage, g.reason, g.reason, g.model, as_of
        from written w join given g on g.contact_id = w.id
    returning 1
  )
  select count(*) into stored from history;
  return to_jsonb(stored);
end $$;

-- How the contacts stand, what waits to be sent, and when each inbox was read last.
create or replace function public.agent_crm_status() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'contacts', (select count(*) from crm_contacts c where c.archived_at is null),
    'stages', (select coalesce(jsonb_object_agg(n.stage, n.contacts), '{}') from (
      select coalesce(nullif(btrim(c.relationship_stage), ''), 'unknown') as stage,
             count(*) as contacts
        from crm_contacts c where c.archived_at is null group by 1) n),
    'queue', (select coalesce(jsonb_object_agg(n.status, n.messages), '{}') from (
      select coalesce(q.status, 'unknown') as status, count(*) as messages
        from crm_message_queue q group by 1) n),
    'inboxes', (select jsonb_agg(jsonb_build_object(
        'platform', s.platform, 'read_at', s.conversations_read_at,
        'contacts', (select count(*) from crm_contacts c
                      where lower(c.platform) = s.platform and c.archived_at is null),
        'unread', (select count(*) from crm_conversations v
                    where lower(v.platform) = s.platform and v.unread_count > 0)) order by s.platform)
      from safari_services s where s.kind = 'dm'),
    'top', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from (
      select c.id, c.display_name, c.username, c.platform, c.relationship_score, c.relationship_stage,
             c.next_action
        from crm_contacts c where c.archived_at is null and c.relationship_score > 0
       order by c.relationship_score desc, c.id limit 10) t))
$$;

-- All that is known of the contacts whose name or handle holds these words, the warmest five.
create or replace function public.agent_crm_review(who text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  words constant text := lower(ltrim(btrim(who), '@'));
  answer jsonb;
begin
  select jsonb_agg(jsonb_build_object(
           'id', c.id, 'display_name', c.display_name, 'username', c.username,
           'platform', c.platform, 'headline', c.headline, 'bio', left(c.bio, 500),
           'relationship_score', c.relationship_score, 'relationship_stage', c.relationship_stage,
           'offer_readiness', c.offer_readiness, 'summary', c.ai_summary,
           'next_action', c.next_action, 'last_inbound_at', c.last_inbound_at,
           'last_outbound_at', c.last_outbound_at,
           'veto', agent_outreach_veto(c, agent_outreach_vetoes()),
           'messages', (
             select coalesce(jsonb_agg(jsonb_build_object(
                      'from', case when m.is_outbound then 'us' else 'them' end, 'at', m.sent_at,
                      'text', left(coalesce(m.body, m.message_text), 500)) order by m.sent_at), '[]')
               from (select * from crm_messages m where m.contact_id = c.id
                      order by m.sent_at desc nulls last limit 10) m),
           'queue', (
             select coalesce(jsonb_agg(jsonb_build_object(
                      'status', q.status, 'platform', q.platform, 'scheduled_for', q.scheduled_for,
                      'text', left(q.message_body, 500)) order by q.scheduled_for), '[]')
               from crm_message_queue q
              where q.contact_id = c.id and q.status in ('pending', 'sending'))
         ) order by c.relationship_score desc nulls last, c.id)
    into answer
    from (select * from crm_contacts c
           where words <> '' and (position(words in lower(c.display_name)) > 0
                                  or position(words in lower(c.username)) > 0)
           order by c.relationship_score desc nulls last, c.id limit 5) c;
  if answer is null then
    raise no_data_found using message = format('there is no contact like %L', left(who, 80));
  end if;
  return answer;
end $$;
