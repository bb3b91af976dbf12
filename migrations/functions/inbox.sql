-- The inbox: who waits for our answer, and what an operator does about it. Every caller (command line,
-- console, chat) uses these functions; an id that is not there raises no_data_found.

-- Marks a contact whose words have not been judged.
create or replace function public.agent_inbox_mark() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  -- A number is no id that the inbox knows, and no reason to refuse another program's row.
  who uuid := substring(to_jsonb(new) ->> case tg_table_name when 'crm_contacts' then 'id'
                                                             else 'contact_id' end
                        from '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid;
begin
  if who is not null then
    insert into actp_inbox as b (contact_id) values (who)
      on conflict (contact_id) do update set unheard = true, updated_at = now() where not b.unheard;
  end if;
  return null;
end $$;

-- Marks whom new messages or interactions are about, and reports a few at once; what a large import
-- brings is reported by the next run that reads the inbox. A CRM that refuses a row must not keep
-- another program from storing its message.
create or replace function public.agent_inbox_said() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  reported_at_once constant integer := 50;
  who uuid[];
begin
  if tg_table_name = 'crm_messages' then
    who := array(select distinct s.contact_id from said s
                  where s.contact_id is not null and s.direction = 'inbound');
  else
    who := array(select distinct s.contact_id from said s
                  where s.contact_id is not null
                    and (agent_is_reply(s.type, s.direction) or agent_is_note(s.type)
                         or agent_outcome_note(s.outcome::text) is not null));
  end if;
  if who = '{}' then
    return null;
  end if;
  insert into actp_inbox as b (contact_id) select w from unnest(who) w order by 1
    on conflict (contact_id) do update set unheard = true, updated_at = now() where not b.unheard;
  if cardinality(who) <= reported_at_once then
    perform agent_inbox_announce(who);
  end if;
  return null;
exception
  when integrity_constraint_violation or data_exception or syntax_error_or_access_rule_violation then
    perform safari_alert(format('agent_error:outreach:inbox:%s', safari_today()), 'agent_error',
      jsonb_build_object('domain', 'outreach', 'task', 'inbox', 'error', sqlerrm));
    return null;
end $$;

create or replace trigger agent_inbox_message
  after insert on public.crm_messages referencing new table as said
  for each statement execute function public.agent_inbox_said();
create or replace trigger agent_inbox_interaction
  after insert on public.crm_interactions referencing new table as said
  for each statement execute function public.agent_inbox_said();
-- Programs that keep one row for each message correct it, or link it to its contact later.
create or replace trigger agent_inbox_message_changed
  after update on public.crm_messages
  for each row when (
    new.direction = 'inbound' and (
      new.body is distinct from old.body or new.message_text is distinct from old.message_text
      or new.direction is distinct from old.direction
      or new.contact_id is distinct from old.contact_id))
  execute function public.agent_inbox_mark();
create or replace trigger agent_inbox_interaction_changed
  after update on public.crm_interactions
  for each row when (
    (agent_is_reply(new.type, new.direction) or agent_is_note(new.type)
     or agent_outcome_note(new.outcome::text) is not null) and (
      new.summary is distinct from old.summary
      or new.outcome::text is distinct from old.outcome::text or new.type is distinct from old.type
      or new.direction is distinct from old.direction
      or new.contact_id is distinct from old.contact_id))
  execute function public.agent_inbox_mark();
create or replace trigger agent_inbox_conversation
  after update on public.crm_conversations
  for each row when (
    new.last_message is distinct from old.last_message
    or new.last_message_preview is distinct from old.last_message_preview
    or new.unread_count > coalesce(old.unread_count, 0)
    or new.last_reply_at is distinct from old.last_reply_at)
  execute function public.agent_inbox_mark();
create or replace trigger agent_inbox_new_conversation
  after insert on public.crm_conversations
  for each row when (coalesce(new.last_message, new.last_message_preview) is not null
                     or new.last_reply_at is not null or new.unread_count > 0)
  execute function public.agent_inbox_mark();
create or replace trigger agent_inbox_contact
  after update on public.crm_contacts
  for each row when (
    new.last_message is distinct from old.last_message
    or new.last_inbound_at is distinct from old.last_inbound_at
    or (new.unread and not coalesce(old.unread, false)))
  execute function public.agent_inbox_mark();
create or replace trigger agent_inbox_new_contact
  after insert on public.crm_contacts
  for each row when (new.last_message is not null or new.last_inbound_at is not null)
  execute function public.agent_inbox_mark();

-- Everybody who waits for our answer, or whose words need a look, once a person. `ids` narrows it to
-- those contacts. Snoozed ones come with their time; the caller decides whether to show them.
create or replace function public.agent_inbox_rows(ids uuid[] default null)
returns table (
  contact_id uuid, name text, platform text, address text, link text, words text,
  heard_at timestamptz, reason text, score integer, stage text, tags jsonb, campaign text,
  snoozed_until timestamptz, answer text, alerted_at timestamptz
)
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
begin
  return query
    with candidates as materialized (
      select b.contact_id, b.done_at, b.snoozed_until, b.look_at, b.look_words, b.alerted_at,
             p.ids as rows, p.addresses as places
        from actp_inbox b
       cross join lateral agent_person_of(b.contact_id) p
       where agent_inbox_rows.ids is null or b.contact_id = any (agent_inbox_rows.ids)
    ), judged as (
      select k.*, c, t.heard_at, t.ours_at, t.heard_platform, t.texts, a.addresses,
             agent_waits_for_us(t.ours_at, t.heard_at, k.done_at) as waits,
             coalesce(k.look_at > coalesce(k.done_at, '-infinity'), false) as needs_look
        from candidates k
        join crm_contacts c on c.id = k.contact_id
       cross join lateral (select agent_outreach_addresses(c) as addresses) a
       cross join lateral agent_conversation(k.rows, k.places) t
       where c.archived_at is null and not coalesce(c.email_opted_out, false)
    ), open as (
      select distinct on (j.rows) j.* from judged j where j.waits or j.needs_look
       order by j.rows, j.heard_at desc nulls last, j.contact_id
    )
    select o.contact_id, coalesce(nullif(btrim((o.c).display_name), ''), (o.c).username), p.platform,
           o.addresses ->> p.platform, agent_person_link(p.platform, o.addresses ->> p.platform),
           coalesce(case when not o.waits then o.look_words end, left(o.texts -> 0 ->> 'text', 600), ''),
           case when o.waits then o.heard_at else o.look_at end,
           case when o.needs_look then 'look' else 'waits' end,
           s.score, s.funnel_stage, to_jsonb((o.c).tags), g.campaign_id, o.snoozed_until,
           q.status, o.alerted_at
      from open o
     cross join lateral (
       select coalesce(case when o.addresses ? o.heard_platform then o.heard_platform end,
                       case when o.addresses ? lower((o.c).platform) then lower((o.c).platform) end,
                       (select k from jsonb_object_keys(o.addresses) k order by k limit 1),
                       lower((o.c).platform)) as platform) p
      left join actp_prospect_scores s on s.contact_id = o.contact_id
      left join lateral (
        select t.campaign_id from jsonb_each_text(o.addresses) e
          join safari_campaign_targets t on t.handle = e.value and t.platform = e.key
         order by t.created_at desc limit 1) g on true
      left join lateral (
        select case when x.hold = 'review' then 'in review' else x.status end as status
          from safari_command_queue x
         where x.batch_id = 'inbox' and x.campaign_id = 'inbox:' || o.contact_id
           and x.status in ('pending', 'running')
         order by x.created_at desc limit 1) q on true
     order by 7, 1;
end $$;

-- The inbox, oldest first: {waiting, snoozed, rows}.
create or replace function public.agent_inbox(
  row_limit integer default 50, with_snoozed boolean default false
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with all_rows as materialized (
    select r.*, coalesce(r.snoozed_until > now(), false) as is_snoozed from agent_inbox_rows() r
  )
  select jsonb_build_object(
    'waiting', (select count(*) from all_rows r where not r.is_snoozed),
    'snoozed', (select count(*) from all_rows r where r.is_snoozed),
    'rows', (select coalesce(jsonb_agg(to_jsonb(s) - 'alerted_at' order by s.heard_at, s.contact_id), '[]')
               from (select * from all_rows r where with_snoozed or not r.is_snoozed
                      order by r.heard_at, r.contact_id limit row_limit) s))
$$;

-- The contact that the beginning of an id, a handle or a profile names.
create or replace function public.agent_inbox_find(who text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  wanted constant text := lower(ltrim(btrim(who), '@'));
  found_ids uuid[];
begin
  if wanted ~ '^[0-9a-f]{4,8}(-[0-9a-f-]*)?$' then
    select array_agg(c.id) into found_ids from crm_contacts c where starts_with(c.id::text, wanted);
  end if;
  if found_ids is null then
    select array_agg(distinct substr(c.address, 9)::uuid) into found_ids
      from unnest(array[null, 'twitter', 'instagram', 'tiktok', 'threads', 'linkedin', 'gmail']) s (site)
     cross join lateral safari_address(s.site, who) a
      join safari_people o on o.address = a.place || ':' || a.name
      join safari_people c on c.person = o.person and starts_with(c.address, 'contact:');
  end if;
  -- Names on platforms without a service.
  if found_ids is null then
    select array_agg(c.id) into found_ids from crm_contacts c
     where lower(ltrim(c.username, '@')) = wanted or lower(ltrim(c.twitter_handle, '@')) = wanted
        or lower(ltrim(c.instagram_handle, '@')) = wanted
        or lower(ltrim(c.tiktok_handle, '@')) = wanted or lower(c.email) = wanted
        or agent_crm_profile(c.linkedin_url) = agent_crm_profile(wanted);
  end if;
  if found_ids is null then
    raise no_data_found using message = format('no contact matches %L', left(who, 80));
  elsif cardinality(found_ids) > 1
        and not (select bool_and(i = any (agent_person(found_ids[1]))) from unnest(found_ids) i) then
    raise invalid_parameter_value using message = format(
      '%L matches %s contacts: give more of the id', left(who, 80), cardinality(found_ids));
  end if;
  return found_ids[1]::text;
end $$;

-- A conversation with what is known of the person: {contact, addresses, messages}, oldest first.
create or replace function public.agent_inbox_show(contact_id uuid) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'contact_id', c.id, 'name', coalesce(nullif(btrim(c.display_name), ''), c.username),
    'headline', c.headline, 'bio', left(c.bio, 600), 'niche', c.niche_label,
    'addresses', agent_outreach_addresses(c), 'veto', agent_outreach_veto(c, agent_outreach_vetoes()),
    'inbox', (select to_jsonb(r) from agent_inbox_rows(agent_person(c.id)) r limit 1),
    'messages', coalesce((
      select jsonb_agg(jsonb_build_object('from', m.who, 'at', m.at, 'platform', m.platform,
                                          'text', m.text) order by m.at)
        from (select case when agent_outreach_is_theirs(n) then 'them' else 'us' end as who,
                     least(n.sent_at, n.created_at) as at, lower(n.platform) as platform,
                     left(coalesce(nullif(n.message_text, ''), n.body), 1000) as text
                from crm_messages n where n.contact_id = any (agent_person(c.id))
               order by n.sent_at desc nulls last limit 20) m), '[]'))
    from crm_contacts c where c.id = agent_inbox_show.contact_id
$$;

-- Queues an answer written by an operator, or a draft that waits for review. It goes out as any other
-- command; the caller's key makes a second call answer the first one's command.
create or replace function public.agent_inbox_reply(
  contact_id uuid, text text, key text, platform text default null, written_by text default 'operator'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  asked safari_routes;
  row record;
  target text;
  place text;
  made jsonb;
begin
  select c as contact, agent_outreach_addresses(c) as addresses into row
    from crm_contacts c where c.id = agent_inbox_reply.contact_id;
  if not found then
    raise no_data_found using message = format('there is no contact %s', contact_id);
  elsif agent_outreach_veto(row.contact, agent_outreach_vetoes()) = 'opted_out' then
    raise object_not_in_prerequisite_state using message =
      'this person asked not to be contacted: nothing was queued';
  end if;
  place := coalesce(agent_inbox_reply.platform, (
    select r.platform from agent_inbox_rows(agent_person(contact_id)) r limit 1), (
    select e.key from jsonb_each_text(row.addresses) e
      join safari_routes r on r.action = 'send_dm' and r.platform = e.key
     cross join agent_person_of(agent_inbox_reply.contact_id) p
     cross join lateral agent_conversation(p.ids, p.addresses) t
     order by e.key = t.last_platform desc nulls last, e.key = lower((row.contact).platform) desc,
              e.key limit 1));
  target := row.addresses ->> place;
  select * into asked from safari_routes r where r.action = 'send_dm' and r.platform = place;
  if not found or target is null then
    raise object_not_in_prerequisite_state using message = format(
      'no service sends messages to them on %s: answer there by hand, then mark it done',
      coalesce(place, 'any platform'));
  end if;
  made := safari_enqueue(jsonb_build_array(jsonb_build_object(
    'action', 'send_dm', 'platform', place, 'priority', 1, 'key', key, 'batch_id', 'inbox',
    'campaign_id', 'inbox:' || contact_id,
    'params', jsonb_build_object(
      case place when 'linkedin' then 'profileUrl' else 'username' end, target, 'text', text,
      'contact_id', contact_id, 'written_by', written_by)))) -> 0;
  if written_by = 'operator' then
    -- Who typed it has looked at it, even where everything is reviewed.
    perform safari_review_decide(coalesce((
      select jsonb_agg(jsonb_build_object('id', v.id, 'content_hash', v.content_hash))
        from safari_review_rows() v where v.row_id = (made ->> 'id')::uuid), '[]'), 'approve');
  end if;
  return made || jsonb_build_object('platform', place, 'address', target);
end $$;

create or replace function public.agent_inbox_done(contact_id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into actp_inbox as b (contact_id, unheard, done_at)
    select i, false, now() from unnest(agent_person(agent_inbox_done.contact_id)) i order by 1
    on conflict on constraint actp_inbox_pkey
    do update set done_at = now(), snoozed_until = null, updated_at = now();
  return jsonb_build_object('contact_id', contact_id, 'done_at', now());
end $$;

create or replace function public.agent_inbox_snooze(contact_id uuid, seconds double precision)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ends constant timestamptz := now() + make_interval(secs => seconds);
begin
  insert into actp_inbox as b (contact_id, unheard, snoozed_until)
    select i, false, ends from unnest(agent_person(agent_inbox_snooze.contact_id)) i order by 1
    on conflict on constraint actp_inbox_pkey
    do update set snoozed_until = ends, updated_at = now();
  return jsonb_build_object('contact_id', contact_id, 'snoozed_until', ends);
end $$;

-- Adds tags to a contact and removes others; answers those there are then. The column may be an array
-- or JSON, as other programs made it.
create or replace function public.agent_inbox_tag(
  contact_id uuid, added jsonb default '[]', removed jsonb default '[]'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  is_json constant boolean := (
    select a.atttypid in ('jsonb'::regtype, 'json'::regtype) from pg_attribute a
     where a.attrelid = 'public.crm_contacts'::regclass and a.attname = 'tags');
  before jsonb;
  after text[];
begin
  select coalesce(to_jsonb(c.tags), '[]') into before from crm_contacts c
   where c.id = agent_inbox_tag.contact_id for no key update;
  if not found then
    raise no_data_found using message = format('there is no contact %s', contact_id);
  end if;
  select array_agg(t.tag order by t.place) into after from (
    select b.tag, min(b.place) as place
      from jsonb_array_elements_text(before || added) with ordinality b (tag, place)
     where btrim(b.tag) <> '' and not removed ? b.tag group by b.tag) t;
  after := coalesce(after, '{}');
  execute format('update public.crm_contacts c set tags = %s, updated_at = now() where c.id = $2',
                 case when is_json then 'to_jsonb($1)' else '$1' end)
    using after, agent_inbox_tag.contact_id;
  return jsonb_build_object('contact_id', contact_id, 'tags', to_jsonb(after));
end $$;

-- Reports replies that nobody was told of, each once: those of the last two days, oldest first.
create or replace function public.agent_inbox_announce(ids uuid[]) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  reply record;
  told integer := 0;
begin
  for reply in
    select r.* from agent_inbox_rows(ids) r
     where r.heard_at > now() - interval '2 days'
       and r.heard_at > coalesce(r.alerted_at, '-infinity')
     order by r.heard_at, r.contact_id
  loop
    perform safari_alert(
      format('reply:%s:%s', reply.contact_id, extract(epoch from reply.heard_at)), 'reply',
      jsonb_build_object(
        'contact_id', reply.contact_id, 'name', reply.name, 'platform', reply.platform,
        'address', reply.address, 'link', reply.link, 'words', left(reply.words, 500),
        'campaign', reply.campaign, 'score', reply.score, 'reason', reply.reason));
    insert into actp_inbox as b (contact_id, alerted_at)
      select i, reply.heard_at from unnest(agent_person(reply.contact_id)) i order by 1
      on conflict on constraint actp_inbox_pkey
      do update set alerted_at = excluded.alerted_at, updated_at = now();
    told := told + 1;
  end loop;
  return told;
end $$;

-- Queues an answer that Claude drafted and holds it for review, whatever the setting says.
create or replace function public.agent_inbox_draft(contact_id uuid, text text, key text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  made jsonb := agent_inbox_reply(contact_id, text, key, null, 'claude');
begin
  return made || jsonb_build_object(
    'review_id', safari_review_open((made ->> 'id')::uuid, 'an answer drafted by Claude'));
end $$;
