-- The CRM: who a contact is, and new contacts from conversations.

-- What a profile's service is given for its address; null for anything else.
create or replace function public.agent_crm_profile(address text) returns text
language sql immutable as $$
  select safari_recipient(a.place, a.name) from safari_address('linkedin', address) a
   where position('/' in address) > 0
$$;

-- What a contact's send_dm commands on a platform have as recipient.
create or replace function public.agent_crm_recipients(
  contact public.crm_contacts, platform text
) returns text[]
language sql stable as $$
  select array(
    select safari_recipient(agent_crm_recipients.platform, split_part(l.other, ':', 2))
      from safari_people_links l
     where l.address = 'contact:' || contact.id
       and starts_with(l.other, agent_crm_recipients.platform || ':'))
$$;

-- Finds the contacts of people [{key, handle, name, thread, text}] on a platform, and the handle of
-- each where it is known. A handle (for LinkedIn a profile) counts most, then the thread. Of one
-- who is shown by name only, the text that we sent to one person alone tells who it is; else the one
-- contact with that name, and rather one with a handle than one that is no more than a name.
create or replace function public.agent_crm_find(platform text, people jsonb)
returns table (key integer, contact_id uuid, handle text)
language sql stable set search_path = public, pg_temp set jit = off as $$
  with given as (
    select p.key, safari_recipient(a.place, a.name) as handle, lower(p.name) as name, p.thread,
           p.text
      from jsonb_to_recordset(people) as p (
        key integer, handle text, name text, thread text, text text),
           lateral safari_address(agent_crm_find.platform, p.handle) a
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
           lower(btrim(c.display_name)) as name, h.other as handle
      from crm_contacts c
     cross join lateral (select lower(btrim(c.username)) as username) n
      left join (select l.address, min(l.other) as other from safari_people_links l
                  where l.via in ('own', 'column')
                    and starts_with(l.other, agent_crm_find.platform || ':') group by l.address) h
        on h.address = 'contact:' || c.id
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
    select p.key, c.id, case when l.via = 'own' then 0 else 1 end as rank, c.created_at
      from people p
     cross join lateral safari_address(agent_crm_find.platform, p.handle) a
      join safari_people_links l
        on l.other = a.place || ':' || a.name and l.via in ('own', 'column')
      join crm_contacts c on l.address = 'contact:' || c.id
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
-- to the owner of that handle.
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
      -- A project may allow only its own stages, without 'new'.
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
