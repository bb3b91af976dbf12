-- The CRM: what was said with a contact.

-- The contact that an address of a message belongs to, however it is written; null where none does.
create or replace function public.agent_contact_at(place text) returns uuid
language sql stable as $$
  select substr(l.address, 9)::uuid
    from safari_people_links l
   where l.other = agent_contact_at.place and starts_with(l.address, 'contact:')
   order by l.via = 'own' desc, l.via = 'column' desc, l.created_at, l.address limit 1
$$;

-- The address of a message as place:name. It is indexed, so it must not depend on a search_path.
create or replace function public.agent_message_place(platform text, username text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select a.place || ':' || a.name from safari_address(platform, username) a
$$;

-- Three programs write messages in three shapes; every reader finds both pairs of columns filled, and
-- the contact where the address belongs to one.
create or replace function public.agent_reconcile_message() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  new.message_text := coalesce(
    new.message_text, new.body, to_jsonb(new) ->> 'text', to_jsonb(new) ->> 'content');
  new.body := coalesce(new.body, new.message_text, '');
  -- The direction wins: is_outbound may be a default.
  new.is_outbound := coalesce(
    agent_direction(new.direction) = 'outbound', new.is_outbound,
    agent_direction(to_jsonb(new) ->> 'sender') = 'outbound'
      or to_jsonb(new) ->> 'sent_by_automation' = 'true', false);
  new.direction := case when new.is_outbound then 'outbound' else 'inbound' end;
  if new.contact_id is null and new.conversation_id is not null then
    new.contact_id := (select v.contact_id from crm_conversations v where v.id = new.conversation_id);
  end if;
  if new.contact_id is null and new.username is not null then
    new.contact_id := agent_contact_at(agent_message_place(new.platform, new.username));
    if new.contact_id is null and not new.is_outbound
       and exists (select from safari_command_attempts a
                    where a.person = agent_message_place(new.platform, new.username)) then
      new.contact_id := agent_contact_who_wrote(agent_message_place(new.platform, new.username));
    end if;
  end if;
  return new;
exception when syntax_error_or_access_rule_violation or data_exception then
  -- Columns of other types: another program stores its message all the same.
  return new;
end $$;

-- Makes a contact of somebody who wrote to us and is not known, so that their words are judged and
-- stand in the inbox; null where the CRM refuses the row, of which an operator is told.
create or replace function public.agent_contact_who_wrote(place text) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
  site constant text := split_part(place, ':', 1);
  person constant jsonb := jsonb_build_array(jsonb_build_object(
    'handle', safari_recipient(site, split_part(place, ':', 2))));
begin
  begin
    perform agent_crm_add(site, person, 'new');
  exception when check_violation then
    -- A project may allow only its own stages, without 'new'.
    perform agent_crm_add(site, person, 'first_touch');
  end;
  return agent_contact_at(place);
exception when integrity_constraint_violation or data_exception
               or syntax_error_or_access_rule_violation or raise_exception then
  perform safari_alert(format('agent_error:outreach:contact:%s', safari_today()), 'agent_error',
    jsonb_build_object('domain', 'outreach', 'task', 'contact', 'error', format(
      'the CRM refuses %s as a contact: %s', place, sqlerrm)));
  return null;
end $$;

create or replace trigger agent_reconcile_message
  before insert or update on public.crm_messages
  for each row execute function public.agent_reconcile_message();

-- Gives messages that were stored before their contact to it, and marks it for the inbox.
create or replace function public.agent_messages_adopt(contact_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp set jit = off as $$
begin
  with adopted as (
    update crm_messages m set contact_id = c.id
      from unnest(contact_ids) c (id)
      join safari_people_links l on l.address = 'contact:' || c.id
     where m.contact_id is null and agent_message_place(m.platform, m.username) = l.other
    returning m.contact_id
  )
  insert into actp_inbox as b (contact_id) select distinct a.contact_id from adopted a order by 1
    on conflict (contact_id) do update set unheard = true, updated_at = now() where not b.unheard;
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

-- An inbox of an account was read to its end; the reading began at that time.
drop function if exists public.agent_crm_read(text, timestamptz);
create or replace function public.agent_crm_read(
  platform text, began_at timestamptz, account text default 'default'
) returns jsonb
language sql set search_path = public, pg_temp as $$
  update safari_services s
     set conversations_read_at = greatest(s.conversations_read_at, began_at)
   where s.kind = 'dm' and s.platform = agent_crm_read.platform;
  insert into safari_conversations_read as r (platform, account, read_at)
    values (agent_crm_read.platform, agent_crm_read.account, began_at)
    on conflict on constraint safari_conversations_read_pkey do update
      set read_at = greatest(r.read_at, excluded.read_at);
  select 'null'::jsonb;
$$;

-- Whatever is on its way to those who wrote in the last days stops, however that was noted: what
-- a reader that died left undone is done here.
create or replace function public.agent_crm_stop(days integer default 2) returns jsonb
language sql set search_path = public, pg_temp as $$
  select agent_outreach_replied(coalesce(jsonb_agg(distinct m.contact_id), '[]'))
    from crm_messages m
   where agent_outreach_is_theirs(m) and m.contact_id is not null
     and m.created_at > now() - make_interval(days => agent_crm_stop.days)
$$;

-- The services that nobody here uses: looked for time and again, and not seen for a week.
create or replace function public.agent_crm_unused() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(s.name), '[]') from (
    select h.service_name as name from safari_service_health h
     group by h.service_name
    having bool_and(h.status <> 'healthy')
       and coalesce(max(h.last_healthy_at), '-infinity') < now() - interval '7 days') s
$$;
