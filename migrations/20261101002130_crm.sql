-- The CRM brain: who writes to us, what was said, how warm each contact is.

alter table public.crm_contacts
  add column if not exists score_tried_at timestamptz;   -- when Claude was last asked in vain
alter table public.crm_conversations
  add column if not exists shown_name text,              -- under which name the inbox lists it
  add column if not exists seen_at timestamptz,          -- when the last message was first read
  add column if not exists doubted_at timestamptz;       -- when there was more than the list shows

create index if not exists crm_conversations_thread
  on public.crm_conversations (platform, platform_thread_id) where platform_thread_id is not null;
create index if not exists crm_messages_heard
  on public.crm_messages (created_at) where direction = 'inbound';

-- One spelling for the profile that an address or its last part leads to; null for anything else.
create or replace function public.agent_crm_profile(address text) returns text
language sql immutable as $$
  select 'https://www.linkedin.com/in/' || lower(substring(address from '/in/([^/?#]+)')) || '/'
$$;

-- What a contact's send_dm commands on a platform have as recipient.
create or replace function public.agent_crm_recipients(
  contact public.crm_contacts, platform text
) returns text[]
language sql stable as $$
  select case when platform = 'linkedin' then array[public.agent_crm_profile(a.address)]
              else array[a.address] end
    from (select public.agent_outreach_addresses(contact) ->> platform as address) a
$$;

-- Finds the contacts of people [{key, handle, name, thread, text}] on a platform, and the handle of
-- each where it is known. A handle (for LinkedIn a profile) counts most, then the thread. Of one
-- who is shown by name only, the text that we sent to one person alone tells who it is; else the one
-- contact with that name, and rather one with a handle than one that is no more than a name.
create or replace function public.agent_crm_find(platform text, people jsonb)
returns table (key integer, contact_id uuid, handle text)
language sql stable set search_path = public, pg_temp set jit = off as $$
  with given as (
    select p.key, lower(p.handle) as handle, lower(p.name) as name, p.thread, p.text
      from jsonb_to_recordset(people) as p (
        key integer, handle text, name text, thread text, text text)
  ), ours as (
    select a.recipient, coalesce(q.params ->> 'text', q.params ->> 'message') as text
      from safari_services s
      join safari_command_attempts a on a.service = s.service
      join safari_command_queue q on q.id = a.command_id
     where s.kind = 'dm' and s.platform = agent_crm_find.platform and a.outcome = 'sent'
       and a.begun_at > now() - interval '30 days' and a.recipient is not null
       and exists (select from given g where g.handle is null)
  ), told as (
    select g.key, min(o.recipient) as handle
      from given g join ours o on left(o.text, 12) = left(g.text, 12) and starts_with(o.text, g.text)
     where g.handle is null and length(g.text) >= 12
     group by g.key having count(distinct o.recipient) = 1
  ), people as (
    select g.key, coalesce(g.handle, t.handle) as handle, g.handle is null as is_name, g.name,
           g.thread
      from given g left join told t using (key)
  ), contacts as (
    select c.id, lower(c.platform) = agent_crm_find.platform as is_own, c.created_at, n.username,
           lower(btrim(c.display_name)) as name,
           coalesce(
             case agent_crm_find.platform
               when 'twitter' then lower(ltrim(btrim(c.twitter_handle), '@'))
               when 'instagram' then lower(ltrim(btrim(c.instagram_handle), '@'))
               when 'tiktok' then lower(ltrim(btrim(c.tiktok_handle), '@'))
               when 'linkedin' then coalesce(agent_crm_profile(c.linkedin_url),
                                             agent_crm_profile(c.username)) end,
             case when lower(c.platform) = agent_crm_find.platform
                       and n.username ~ '^[a-z0-9._]{1,30}$' then n.username end) as handle
      from crm_contacts c
     cross join lateral (select lower(ltrim(btrim(c.username), '@')) as username) n
  ), called as (
    select p.key, c.id, c.handle is not null as has_handle
      from people p join contacts c on c.name = p.name
     where p.is_name and (c.is_own or c.handle is not null)
    union
    select p.key, c.id, c.handle is not null
      from people p
      join crm_conversations v on lower(v.shown_name) = p.name
                              and lower(v.platform) = agent_crm_find.platform
      join contacts c on c.id = v.contact_id
     where p.is_name
    union
    select p.key, c.id, false from people p join contacts c on c.is_own and c.username = p.name
     where p.is_name and c.handle is null
  ), found as (
    select p.key, c.id, 1 as rank, c.created_at
      from people p join contacts c on c.handle = p.handle
    union all
    select p.key, c.id, 1, c.created_at
      from people p join contacts c on c.is_own and c.username = p.handle
    union all
    select p.key, v.contact_id, 2, v.created_at
      from people p
      join crm_conversations v on lower(v.platform) = agent_crm_find.platform
                              and v.platform_thread_id = p.thread
     where v.contact_id is not null
    union all
    select n.key, min(n.id::text) filter (where n.has_handle)::uuid, 3, null
      from called n group by n.key having count(*) filter (where n.has_handle) = 1
    union all
    select n.key, n.id, 4, null from called n where not n.has_handle
  )
  select p.key, f.id, p.handle
    from people p
    left join (select distinct on (f.key) f.key, f.id from found f
                order by f.key, f.rank, f.created_at, f.id) f using (key)
$$;

-- Makes contacts of people nobody knew yet. A name is no handle: it is stored so that nobody writes
-- to whoever has that handle.
create or replace function public.agent_crm_add(platform text, people jsonb, stage text) returns void
language sql set search_path = public, pg_temp as $$
  insert into crm_contacts (
    platform, username, display_name, source, pipeline_stage, relationship_stage, twitter_handle,
    instagram_handle, tiktok_handle, linkedin_url
  )
    select agent_crm_add.platform,
           coalesce(p.handle, case when p.name ~ '\s' then p.name else 'name: ' || p.name end),
           p.name, agent_crm_add.platform || '_dm', stage, 'cold',
           case when platform = 'twitter' then p.handle end,
           case when platform = 'instagram' then p.handle end,
           case when platform = 'tiktok' then p.handle end,
           case when platform = 'linkedin' then p.handle end
      from jsonb_to_recordset(people) as p (key integer, handle text, name text)
     order by 2
  on conflict do nothing
$$;

-- Meets the people of one page of an inbox, [{key, handle, name, thread, text}]: who is new becomes
-- a contact. Answers [{key, contact_id, is_new, ours, before}]: what we said to each by the queue or
-- as the CRM knows, and what stood in the conversation before.
create or replace function public.agent_crm_meet(platform text, people jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  place constant text := agent_crm_meet.platform;
  own_service constant text := (select s.service from safari_services s
                                 where s.kind = 'dm' and s.platform = place);
  known jsonb;
  newcomers jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_crm:' || place, 0));
  select jsonb_agg(to_jsonb(f)) into known from agent_crm_find(place, people) f;
  select jsonb_agg(k || jsonb_build_object('name', p.name)) into newcomers
    from jsonb_array_elements(known) k
    join jsonb_to_recordset(people) as p (key integer, name text) on p.key = (k ->> 'key')::integer
   where k ->> 'contact_id' is null;
  if newcomers is not null then
    begin
      perform agent_crm_add(place, newcomers, 'new');
    exception when check_violation then
      -- A project may allow only stages of its own, without 'new'.
      perform agent_crm_add(place, newcomers, 'first_touch');
    end;
    select jsonb_agg(to_jsonb(f)) into known from agent_crm_find(place, people) f;
  end if;

  -- Who was no more than a name until now has a handle.
  perform from crm_contacts c
    where c.id in (select (k ->> 'contact_id')::uuid from jsonb_array_elements(known) k
                    where k ->> 'handle' is not null)
    order by c.id for no key update;
  update crm_contacts c
     set twitter_handle = case when place = 'twitter' then k.handle else c.twitter_handle end,
         instagram_handle = case when place = 'instagram' then k.handle else c.instagram_handle end,
         tiktok_handle = case when place = 'tiktok' then k.handle else c.tiktok_handle end,
         linkedin_url = case when place = 'linkedin' then k.handle else c.linkedin_url end
    from jsonb_to_recordset(known) as k (contact_id uuid, handle text)
   where c.id = k.contact_id and k.handle is not null
     and case place when 'twitter' then c.twitter_handle when 'instagram' then c.instagram_handle
                    when 'tiktok' then c.tiktok_handle else c.linkedin_url end is null;
  return (
    with met as (
      select k.key, c as contact, agent_crm_recipients(c, place) as recipients
        from jsonb_to_recordset(known) as k (key integer, contact_id uuid)
        join crm_contacts c on c.id = k.contact_id
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'key', m.key, 'contact_id', (m.contact).id,
             'is_new', exists (select from jsonb_array_elements(newcomers) n
                                where (n ->> 'key')::integer = m.key),
             'before', (select coalesce(v.last_message, v.last_message_preview)
                          from crm_conversations v
                         where v.contact_id = (m.contact).id and lower(v.platform) = place
                         order by v.seen_at desc nulls last, v.id limit 1),
             'ours', (
               select coalesce(jsonb_agg(distinct t.text), '[]') from (
                 (select left(q.message_body, 4000) as text from crm_message_queue q
                   where q.contact_id = (m.contact).id and q.status in ('sending', 'sent')
                     and lower(q.platform) = place
                   order by q.created_at desc limit 20)
                 union all
                 (select left(coalesce(x.body, x.message_text), 4000) from crm_messages x
                   where x.contact_id = (m.contact).id and x.is_outbound
                   order by x.sent_at desc nulls last limit 20)
                 union all
                 (select left(coalesce(q.params ->> 'text', q.params ->> 'message'), 4000)
                    from safari_command_attempts a
                    join safari_command_queue q on q.id = a.command_id
                   where a.service = own_service and a.recipient = any (m.recipients)
                   order by a.begun_at desc limit 20)) t
                where t.text is not null)
           ) order by m.key), '[]')
      from met m);
end $$;

-- What the queue sent to contacts on a platform, kept as messages of theirs; again changes nothing.
create or replace function public.agent_crm_keep_sent(platform text, contact_ids uuid[])
returns void
language sql set search_path = public, pg_temp as $$
  insert into crm_messages (
    contact_id, platform, username, message_id, message_text, body, is_outbound, direction,
    message_type, sent_by_automation, ai_generated, sent_at, synced_at, metadata
  )
    select c.id, agent_crm_keep_sent.platform, c.username, 'command:' || q.id, t.text, t.text, true,
           'outbound', 'dm', true, false, coalesce(q.completed_at, a.finished_at), now(),
           jsonb_build_object('command_id', q.id)
      from crm_contacts c
      join safari_services s on s.kind = 'dm' and s.platform = agent_crm_keep_sent.platform
      join safari_command_attempts a
        on a.service = s.service and a.outcome = 'sent'
       and a.recipient = any (agent_crm_recipients(c, agent_crm_keep_sent.platform))
      join safari_command_queue q on q.id = a.command_id
     cross join lateral (
       select coalesce(q.params ->> 'text', q.params ->> 'message') as text) t
     where c.id = any (contact_ids) and t.text is not null
       and not exists (select from crm_messages x
                        where x.contact_id = c.id and x.message_id = 'command:' || q.id)
     order by q.id
  on conflict do nothing
$$;

-- Stores what one page of an inbox says: [{contact_id, name, handle, thread, text, at, is_unread,
-- direction, is_recorded, is_doubtful}]; `began_at` is when the reading of the inbox began. A message
-- is new when it is dated later than what stood there, or is other than that; without a date it was
-- written since the last reading. What is found there first, undated, read, and where we sent nothing,
-- may be old: it is kept as the last message, and counts as no reply. Answers {contacts, heard: [ids]}.
create or replace function public.agent_crm_hear(
  platform text, began_at timestamptz, conversations jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted uuid[] := array(
    select (c ->> 'contact_id')::uuid from jsonb_array_elements(conversations) c);
  judged jsonb;
  answer jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_crm:' || platform, 0));
  perform from crm_contacts c where c.id = any (wanted) order by c.id for no key update;
  perform agent_crm_keep_sent(platform, wanted);

  with given as (
    select distinct on (g.contact_id) g.contact_id, g.name, g.handle, g.thread, g.text,
           case when g.at <= now() + interval '5 minutes' then g.at end as at,
           coalesce(g.is_unread, false) as is_unread, g.direction,
           coalesce(g.is_recorded, false) as is_recorded,
           coalesce(g.is_doubtful, false) as is_doubtful
      from jsonb_to_recordset(conversations) as g (
        contact_id uuid, name text, handle text, thread text, text text, at timestamptz,
        is_unread boolean, direction text, is_recorded boolean, is_doubtful boolean)
      join crm_contacts c on c.id = g.contact_id
     order by g.contact_id, g.at desc nulls last
  ), compared as (
    select g.*, v.id as conversation_id,
           coalesce(v.last_message, v.last_message_preview) is null as is_first,
           g.text is not null
             and g.text is distinct from coalesce(v.last_message, v.last_message_preview) as differs,
           -- What stands last in a conversation came after what we sent there.
           exists (select from crm_messages x
                    where x.contact_id = g.contact_id and x.message_id like 'command:%'
                      and x.platform = agent_crm_hear.platform) as is_answer,
           agent_time(v.last_message_at::text) as before_at,
           coalesce(v.unread_count, 0) > 0 as was_unread
      from given g
      left join lateral (
        select * from crm_conversations v
         where v.contact_id = g.contact_id and lower(v.platform) = agent_crm_hear.platform
         order by v.seen_at desc nulls last, v.id limit 1) v on true
  )
  select coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object(
           'is_message', c.direction is not null and not c.is_recorded and case
             when c.is_first then c.at is not null
                                  or (c.direction = 'inbound' and (c.is_unread or c.is_answer))
             when c.differs then c.at is null or c.before_at is null or c.at >= c.before_at
             when c.at > c.before_at then true
             else c.is_unread and not c.was_unread and c.direction = 'inbound' end)), '[]')
    into judged from compared c;

  insert into crm_conversations (contact_id, platform, created_at)
    select j.contact_id, agent_crm_hear.platform, now()
      from jsonb_to_recordset(judged) as j (contact_id uuid, conversation_id uuid)
     where j.conversation_id is null order by 1
  on conflict do nothing;

  with heard as (
    select j.*, c.username, coalesce(c.replies_received, 0) as replies_before,
           (select v.id from crm_conversations v
             where v.contact_id = j.contact_id and lower(v.platform) = agent_crm_hear.platform
             order by v.seen_at desc nulls last, v.id limit 1) as place_id
      from jsonb_to_recordset(judged) as j (
        contact_id uuid, name text, handle text, thread text, text text, at timestamptz,
        is_unread boolean, direction text, is_doubtful boolean, is_first boolean, differs boolean,
        was_unread boolean, is_message boolean)
      join crm_contacts c on c.id = j.contact_id
  ), kept as (
    insert into crm_messages (
      contact_id, conversation_id, platform, username, message_id, message_text, body, is_outbound,
      direction, message_type, sender, sent_at, synced_at, metadata
    )
      select h.contact_id, h.place_id, agent_crm_hear.platform, h.username,
             'seen:' || md5(concat_ws('|', h.contact_id, h.text,
                                      extract(epoch from coalesce(h.at, began_at)))),
             coalesce(h.text, ''), coalesce(h.text, ''), h.direction = 'outbound', h.direction, 'dm',
             case when h.direction = 'inbound' then h.name end, coalesce(h.at, now()), now(),
             jsonb_build_object('time', case when h.at is null then 'noticed' else 'told' end)
        from heard h where h.is_message order by h.contact_id
    on conflict do nothing
    returning contact_id, conversation_id, is_outbound, body, sent_at
  ), noted as (
    insert into crm_interactions (
      contact_id, type, platform, direction, summary, occurred_at, metadata)
      select k.contact_id, 'dm_reply', agent_crm_hear.platform, 'inbound', left(k.body, 200),
             k.sent_at, jsonb_build_object('conversation_id', k.conversation_id)
        from kept k where not k.is_outbound
  ), placed as (
    update crm_conversations v
       set platform_thread_id = coalesce(h.thread, v.platform_thread_id), shown_name = h.name,
           last_message = coalesce(h.text, v.last_message),
           last_message_preview = coalesce(left(h.text, 200), v.last_message_preview),
           last_message_at = case when h.differs or h.at is not null then h.at
                                  else agent_time(v.last_message_at::text) end,
           last_reply_at = greatest(agent_time(v.last_reply_at::text), k.sent_at),
           reply_count = coalesce(v.reply_count, 0) + (k.contact_id is not null)::integer,
           unread_count = h.is_unread::integer,
           seen_at = case when h.differs or v.seen_at is null then now() else v.seen_at end,
           doubted_at = case when h.is_doubtful and not h.was_unread then now()
                             else v.doubted_at end,
           updated_at = case when h.differs or k.contact_id is not null or h.is_first then now()
                             else v.updated_at end
      from heard h left join kept k on k.contact_id = h.contact_id and not k.is_outbound
     where v.id = h.place_id
  ), met as (
    update crm_contacts c
       set display_name = coalesce(nullif(btrim(c.display_name), ''), h.name),
           last_message = coalesce(left(h.text, 500), c.last_message),
           last_message_at = case when h.differs or h.at is not null then h.at
                                  else agent_time(c.last_message_at::text) end,
           unread = h.is_unread,
           replies_received = n.replies,
           reply_rate = least(1.0, n.replies / greatest(c.messages_sent, c.total_messages_sent,
                                                        1)::double precision),
           last_inbound_at = greatest(c.last_inbound_at, i.sent_at),
           last_outbound_at = greatest(c.last_outbound_at, o.sent_at),
           synced_at = now(),
           updated_at = case when h.differs or h.is_first then now() else c.updated_at end
      from heard h
      left join kept i on i.contact_id = h.contact_id and not i.is_outbound
      left join kept o on o.contact_id = h.contact_id and o.is_outbound
      join lateral (select h.replies_before + (i.contact_id is not null)::integer as replies) n on true
     where c.id = h.contact_id
    returning c.id
  )
  select jsonb_build_object(
    'contacts', (select count(*) from met),
    'heard', (select coalesce(jsonb_agg(k.contact_id), '[]') from kept k where not k.is_outbound))
    into answer;
  return answer;
end $$;

-- An inbox was read to its end; the reading began at that time.
create or replace function public.agent_crm_read(platform text, began_at timestamptz) returns jsonb
language sql set search_path = public, pg_temp as $$
  update safari_services s
     set conversations_read_at = greatest(s.conversations_read_at, began_at)
   where s.kind = 'dm' and s.platform = agent_crm_read.platform;
  select 'null'::jsonb;
$$;

-- Whatever is on its way to those who wrote in the last days stops, whoever noted that they did: what
-- a reader that died left undone is done here.
create or replace function public.agent_crm_stop(days integer default 2) returns jsonb
language sql set search_path = public, pg_temp as $$
  select agent_outreach_replied(coalesce(jsonb_agg(distinct m.contact_id), '[]'))
    from crm_messages m
   where m.direction = 'inbound' and m.contact_id is not null
     and m.created_at > now() - make_interval(days => agent_crm_stop.days)
$$;

-- The services that nobody here uses: looked for time and again, and not seen for a week.
create or replace function public.agent_crm_unused() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(h.service_name), '[]') from safari_service_health h
   where h.status <> 'healthy'
     and coalesce(h.last_healthy_at, '-infinity') < now() - interval '7 days'
$$;

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
-- message of its own is worth more than the search that found it. Answers how many were synced.
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
-- scored a bot, and whoever asked to be left alone needs no score. Answers {as_of, contacts}.
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

select public.safari_protect();
