-- Outreach: whom a message may go to, and a message's way through the one command queue and back.
-- Locks are taken in one order: messages nobody sends yet, commands, their messages, contacts, scores.

-- 1 = decision, 2 = consideration, 3 = awareness. Writers that count the other way round come last.
create or replace function public.agent_outreach_rank(message public.crm_message_queue)
returns integer
language sql immutable as $$
  select case when message.message_type in ('offer', 'nurture', 'check_in', 'connection_note') then 3
              else least(greatest(coalesce(message.priority, 3), 1), 3) end
$$;

-- How long nobody is written to after a message, by funnel stage. In hours: a day of a session whose
-- time zone has summer time may be one shorter.
create or replace function public.agent_outreach_cooldown(stage text) returns interval
language sql immutable as $$
  select case stage when 'decision' then interval '48 hours'
                    when 'consideration' then interval '168 hours' else interval '336 hours' end
$$;

-- Where a person can be reached, all of whose addresses are given: {platform: what its service is
-- given, or a mailbox}, one row. Of several on one platform it is the contact's own, then what its
-- columns say, then a twin's.
create or replace function public.agent_person_reach(contact_id uuid, addresses text[])
returns table (reach jsonb)
language sql stable as $$
  select coalesce(jsonb_object_agg(
           split_part(l.other, ':', 1),
           safari_recipient(split_part(l.other, ':', 1), split_part(l.other, ':', 2))
           order by l.address = 'contact:' || contact_id,
                    case l.via when 'own' then 1 else 0 end, l.via = 'column', l.other desc), '{}')
    from safari_people_links l
   where l.address = any (addresses) and starts_with(l.address, 'contact:')
$$;

-- The same for any contact.
create or replace function public.agent_outreach_addresses(contact public.crm_contacts)
returns jsonb
language sql stable as $$
  select r.reach from agent_person_of(contact.id) p, agent_person_reach(contact.id, p.addresses) r
$$;

-- Columns by which other programs keep people from being written to.
create or replace function public.agent_veto_flags() returns text[]
language sql immutable as $$
  select array['email_opt_out', 'opted_out', 'unsubscribed', 'do_not_contact', 'do_not_dm', 'do_not_do']
$$;

-- Those flags and the columns for notes, of those there are.
create or replace function public.agent_outreach_vetoes() returns text[]
language sql stable set search_path = public, pg_temp as $$
  select safari_columns('crm_contacts', agent_veto_flags()) || agent_note_columns()
$$;

-- What somebody wrote as a stage, tag or status, as one word: 'Closed Lost' is closed_lost.
create or replace function public.agent_word(value text) returns text
language sql immutable as $$
  select btrim(regexp_replace(lower(value), '[^[:alnum:]]+', '_', 'g'), '_')
$$;

-- Why a contact gets nothing automatic, or null: archived, opted_out or customer. No program can obey
-- what a person wrote under do_not_do, so contacts with something there are left to people.
create or replace function public.agent_outreach_veto(
  contact public.crm_contacts, vetoes text[]
) returns text
language plpgsql stable as $$
declare
  closed constant text[] := array[
    'do_not_contact', 'donotcontact', 'dnc', 'do_not_dm', 'opted_out', 'opt_out', 'optout',
    'unsubscribed', 'unsubscribe', 'closed_lost', 'closedlost', 'deal_lost', 'lost', 'lost_deal',
    'archived', 'blocked', 'blacklist', 'blacklisted', 'not_interested', 'no_contact', 'lost_lead',
    'disqualified', 'unqualified', 'not_qualified', 'bad_fit', 'not_a_fit', 'no_fit', 'junk', 'dead',
    'stop', 'stopp', 'stopped', 'unsub', 'removed', 'remove_me', 'suppressed', 'dnd', 'deceased',
    'complained', 'spam_complaint', 'declined', 'rejected', 'refused',
    'abgemeldet', 'ausgetragen', 'gesperrt', 'abgelehnt', 'verstorben', 'baja', 'de_baja', 'desuscrito',
    'rechazado', 'désinscrit', 'desinscrit', 'désabonné', 'refusé', 'disiscritto', 'rifiutato',
    'descadastrado', 'recusado', 'uitgeschreven', 'afgemeld', 'wypisany', 'avregistrerad', 'отписан',
    'отписался', 'отказ', '退订', '配信停止', '수신거부'];
  -- These words tell as a part of a tag as well; "customer" alone would not, as in "dream customer".
  in_closed constant text :=
    '(^|[_ ])(do_not_(contact|dm|message|email|mail|call|disturb)|dnc|dont_contact|opt(ed)?_?out'
    '|unsubscribed|closed_?lost|deal_lost|blacklisted|not_interested)([_ ]|$)';
  in_customer constant text :=
    '(^|[_ ])((active|current|existing|paying|past|former|ex|vip|key|our|new|happy|onboarded)'
    '_(customer|client)s?|(customer|client)s?_(since_)?[0-9]+|closed_?won|deal_won)([_ ]|$)';
  customers constant text[] := array[
    'closed_won', 'closedwon', 'won', 'deal_won', 'client', 'clients', 'customer', 'customers',
    'active_client', 'active_customer', 'existing_customer', 'existing_client', 'paying',
    'paying_customer', 'past_client', 'past_customer', 'former_client', 'former_customer', 'churned',
    'churn', 'retainer'];
  everything jsonb;
  said text[];
  name text;
begin
  said := array(select agent_word(w) from unnest(
    array[contact.pipeline_stage, contact.relationship_stage, contact.stage]) w
    where w is not null);
  if contact.tags is not null and to_jsonb(contact.tags) <> '[]' then
    said := said || array(select agent_word(w) from unnest(agent_tags(to_jsonb(contact.tags))) w
                           where w is not null);
  end if;
  if contact.email_opted_out or (said <> '{}' and (
       said && closed or array_to_string(said, ' ') ~ in_closed)) then
    return 'opted_out';
  elsif vetoes <> '{}' then
    everything := to_jsonb(contact);
    foreach name in array vetoes loop
      if name = any (agent_veto_flags()) and lower(btrim(coalesce(everything ->> name, ''))) not in
         ('', 'false', 'f', 'no', '0', 'none', 'null', '[]', '{}') then
        return 'opted_out';
      end if;
    end loop;
  end if;
  if agent_note_wish(agent_notes(contact, array(
       select v from unnest(vetoes) v where v <> all (agent_veto_flags())))) = 'stop' then
    return 'opted_out';
  end if;
  -- The order is that of the harm: what was archived may have been a twin, merged by hand.
  if said <> '{}' and (said && customers or array_to_string(said, ' ') ~ in_customer) then
    return 'customer';
  end if;
  return case when contact.archived_at is not null then 'archived' end;
end $$;

-- Plans of what follows are made once and by index: a table that was empty when its statistics were
-- made grows by thousands of rows within one run.
--
-- Scored contacts after one `id` and until another one, at most row_limit of them, the best first,
-- with what decides whether, where and when to write to them. `id` is the place in that order;
-- `touched_at` and `touches` tell of everything we sent them, campaigns and single commands included.
drop function if exists public.agent_outreach_page(text, integer, integer);
drop function if exists public.agent_outreach_prospects(text, integer, integer);
create or replace function public.agent_outreach_prospects(
  after text default null, row_limit integer default null, min_score integer default 0,
  until text default null
) returns json
language plpgsql stable
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
-- A few rows of each table a person: handing single blocks to I/O workers costs more than reading them.
set effective_io_concurrency = 0
as $$
declare
  has_campaigns constant boolean := exists (
    select from safari_campaign_targets t where not safari_campaign_ended(t.state));
  after_score integer := coalesce(split_part(after, ':', 1)::integer, 2147483647);
  after_contact uuid := coalesce(split_part(after, ':', 2)::uuid,
                                 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  until_score integer := coalesce(split_part(until, ':', 1)::integer, -2147483648);
  until_contact uuid := coalesce(split_part(until, ':', 2)::uuid,
                                 '00000000-0000-0000-0000-000000000000');
begin
  return (
    with scored as materialized (
      select s.score, s.contact_id, s.funnel_stage, s.next_touch_type, s.research_data,
             s.score_breakdown,
             c as contact
        from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
       where s.score >= min_score
         and (s.score, s.contact_id) < (after_score, after_contact)
         and (s.score, s.contact_id) >= (until_score, until_contact)
       order by s.score desc, s.contact_id desc
       limit row_limit
    ), known as materialized (
      select s.*, p.ids, p.addresses, coalesce(p.veto, p.own_veto) as veto, r.reach
        from scored s
       cross join lateral agent_person_of(s.contact_id) p
       cross join lateral agent_person_reach(s.contact_id, p.addresses) r
    )
    select coalesce(json_agg(json_build_object(
             'id', s.score || ':' || s.contact_id,
             'contact_id', s.contact_id, 'score', s.score, 'funnel_stage', s.funnel_stage,
             'next_touch_type', s.next_touch_type,
             'research_data', case when s.funnel_stage = 'decision' or s.score >= 50
                                   then s.research_data end,
             'platform', safari_platform((s.contact).platform), 'username', (s.contact).username,
             'display_name', (s.contact).display_name, 'email', (s.contact).email,
             'bio', left(concat_ws(E'\n', (s.contact).headline, (s.contact).bio), 600),
             'niche', agent_niche((s.contact).niche_label),
             'addresses', s.reach,
             'person', s.ids[1],
             -- As stored when the contact was written; the hand-over reads the contact itself.
             'veto', s.veto,
             'is_open', t.is_open, 'is_in_campaign', g.is_in_campaign,
             'conversation_platform', t.last_platform,
             'touched_at', t.touched_at, 'touches', t.touches, 'ours_at', t.ours_at,
             'heard_at', t.heard_at, 'heard_hours', t.heard_hours, 'texts', t.texts,
             'done_at', b.done_at, 'needs_look', b.needs_look,
             'has_tiktok_message', t.has_tiktok_message, 'score_breakdown', s.score_breakdown
           ) order by s.score desc, s.contact_id desc), '[]')
      from known s
     cross join lateral agent_conversation(s.ids, s.addresses) t
     cross join lateral (
       select has_campaigns and exists (
         select from safari_people o
           join safari_people a on a.person = o.person
           join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                         and t.handle = split_part(a.address, ':', 2)
          where o.address = 'contact:' || s.contact_id
            and not safari_campaign_ended(t.state)) as is_in_campaign) g
     cross join lateral (
       select max(i.done_at) as done_at,
              bool_or(i.look_at > coalesce(i.done_at, '-infinity')) as needs_look
         from actp_inbox i where i.contact_id = any (s.ids)) b);
end $$;

-- The last `id` of each full page of agent_outreach_prospects, in their order.
create or replace function public.agent_outreach_prospect_ends(
  row_limit integer, min_score integer default 0
) returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(e.score || ':' || e.contact_id order by e.place), '[]') from (
    select s.score, s.contact_id,
           row_number() over (order by s.score desc, s.contact_id desc) as place
      from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
     where s.score >= min_score) e
   where e.place % row_limit = 0
$$;

-- Whether a message to one of these contacts is open. plpgsql, so that its plan stays the one by index
-- however many messages a caller asks for.
create or replace function public.agent_outreach_is_open(ids uuid[]) returns boolean
language plpgsql stable as $$
begin
  return exists (select from crm_message_queue o
                  where o.contact_id = any (ids) and o.status in ('pending', 'sending'));
end $$;

-- Queues messages [{id, contact_id, platform, message_body, message_type, scheduled_for,
-- ai_reasoning, offer_name, priority, written_by, reader_hour}] to people who have no open one, and
-- answers the ids of those that are queued. One writer at a time, so that of two only the first one writes to a person.
create or replace function public.agent_outreach_queue(messages jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_outreach_queue', 0));
  insert into crm_message_queue (
    id, contact_id, platform, message_body, message_type, scheduled_for, status, ai_reasoning,
    offer_name, priority, written_by, reader_hour, updated_at
  )
    select distinct on (p.ids[1])
           m.id, m.contact_id, m.platform, m.message_body, m.message_type, m.scheduled_for,
           'pending', m.ai_reasoning, m.offer_name, m.priority, m.written_by, m.reader_hour, now()
      from jsonb_to_recordset(messages) as m (
        id uuid, contact_id uuid, platform text, message_body text, message_type text,
        scheduled_for timestamptz, ai_reasoning text, offer_name text, priority integer,
        written_by text, reader_hour integer)
      join crm_contacts c on c.id = m.contact_id
     cross join lateral (select agent_person(m.contact_id) as ids offset 0) p
     where not agent_outreach_is_open(p.ids)
     order by p.ids[1], m.contact_id
    on conflict do nothing;
  return (select coalesce(jsonb_agg(q.id), '[]') from crm_message_queue q
           where q.id in (select (m ->> 'id')::uuid from jsonb_array_elements(messages) m));
end $$;

-- How many people are written to for the first time, by UTC day from today on.
create or replace function public.agent_outreach_openers() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(d.day, d.messages), '{}') from (
    select (safari_bounded(coalesce(m.sent_at, m.scheduled_for, m.created_at))
             at time zone 'utc')::date as day,
           count(*) as messages
      from crm_message_queue m
     where m.message_type = 'outreach' and m.status in ('pending', 'sending', 'sent')
       and coalesce(m.sent_at, m.scheduled_for, m.created_at) >= safari_today()::timestamp at time zone 'utc'
     group by 1) d
$$;

-- The newest post that was read of each of these people, [{contact_id, addresses}], by contact.
create or replace function public.agent_outreach_posts(people jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with asked as materialized (
    select p.contact_id, e.key as platform, e.value as handle
      from jsonb_to_recordset(people) as p (contact_id text, addresses jsonb)
     cross join lateral jsonb_each_text(p.addresses) e
     where e.key in ('twitter', 'instagram', 'tiktok', 'threads')
  ), posts as (
    select lower(r.source_platform) as platform, lower(ltrim(r.handle, '@')) as handle,
           r.post_text as text, coalesce(r.posted_at, r.scraped_at, r.created_at) as at
      from actp_platform_research r
     where lower(ltrim(r.handle, '@')) in (select a.handle from asked a)
    union all
    select 'twitter', lower(ltrim(t.author_handle, '@')), t.tweet_text,
           coalesce(t.tweet_date, t.scraped_at, t.created_at)
      from actp_twitter_research t
     where lower(t.author_handle) in (select a.handle from asked a
                                      union all select '@' || a.handle from asked a)
    union all
    select lower(c.platform), lower(ltrim(c.handle, '@')), c.top_post_text, c.last_synced_at
      from actp_platform_creators c
     where lower(ltrim(c.handle, '@')) in (select a.handle from asked a)
    union all
    select lower(m.platform), lower(ltrim(m.author, '@')), m.post_text, m.collected_at
      from crm_market_research m
     where lower(ltrim(m.author, '@')) in (select a.handle from asked a)
  ), best as (
    select distinct on (a.contact_id) a.contact_id, left(p.text, 500) as text
      from asked a join posts p on p.platform = a.platform and p.handle = a.handle
     where length(btrim(p.text)) >= 12
     order by a.contact_id, p.at desc nulls last, p.text
  )
  select coalesce(jsonb_object_agg(b.contact_id, b.text), '{}') from best b
$$;

-- Mail that waits for somebody who sends it. Nobody checks it later, so who may not be written to, waits
-- for our answer or needs a look is left out.
create or replace function public.agent_outreach_emails(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(w) order by w.priority, w.scheduled_for), '[]') from (
    select m.id, m.contact_id, c.display_name, c.email, agent_outreach_rank(m) as priority,
           m.scheduled_for, m.message_type, m.message_body
      from crm_message_queue m join crm_contacts c on c.id = m.contact_id
     where m.status = 'pending' and safari_platform(m.platform) in ('gmail', 'email')
       and agent_outreach_veto(c, agent_outreach_vetoes()) is null
       and agent_person_veto(c.id) is null  -- the do-not-contact list, and their other rows
       and not exists (
         select from agent_person_of(c.id) p
          cross join lateral (
            select max(b.done_at) as done_at,
                   bool_or(b.look_at > coalesce(b.done_at, '-infinity')) as needs_look
              from actp_inbox b where b.contact_id = any (p.ids) having count(*) > 0) i
          cross join lateral agent_conversation(p.ids, p.addresses) t
          where i.needs_look or agent_waits_for_us(t.ours_at, t.heard_at, i.done_at))
       and not safari_message_waits(m)
     order by agent_outreach_rank(m), m.scheduled_for limit row_limit) w
$$;

-- An operator has sent a mail by hand, named by the beginning of its id.
create or replace function public.agent_outreach_mail_sent(beginning text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  mails crm_message_queue[];
  mail crm_message_queue;
begin
  mails := array(
    select m from crm_message_queue m
     where m.status in ('pending', 'sent') and safari_platform(m.platform) in ('gmail', 'email')
       and beginning <> '' and starts_with(m.id::text, lower(btrim(beginning)))
     limit 2 for update);
  if cardinality(mails) = 0 then
    raise no_data_found using message = format('no waiting mail matches %L', left(beginning, 40));
  elsif cardinality(mails) > 1 then
    raise invalid_parameter_value using message =
      format('%s is the beginning of several mails: give more characters', beginning);
  end if;
  mail := mails[1];
  if mail.status = 'pending' then
    update crm_message_queue m set status = 'sent', sent_at = now(), updated_at = now()
     where m.id = mail.id;
    perform agent_outreach_note_touch(mail, now(), '{}');
  end if;
  return jsonb_build_object('id', mail.id, 'contact_id', mail.contact_id);
end $$;

-- What happened to the messages of so many days, by platform, and why some failed.
create or replace function public.agent_outreach_stats(days integer default 30) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with told as materialized (
    select safari_platform(m.platform) as platform, m.status, m.error_message,
           m.status = 'sent' and (
             exists (select from crm_messages n
                      where n.contact_id = m.contact_id and agent_is_answer(n)
                        and coalesce(n.sent_at, n.created_at) > m.sent_at)
             or exists (select from crm_interactions i
                         where i.contact_id = m.contact_id and agent_is_reply(i.type, i.direction)
                           and coalesce(i.occurred_at, i.created_at) > m.sent_at)) as is_answered
      from crm_message_queue m where m.created_at > now() - make_interval(days => days)
  )
  select jsonb_build_object(
    'days', days,
    'queued', (select count(*) from told),
    'sent', (select count(*) from told where status = 'sent'),
    'answered', (select count(*) from told where is_answered),
    'failed', (select count(*) from told where status = 'failed'),
    'open', (select count(*) from told where status in ('pending', 'sending')),
    'rows', (select coalesce(jsonb_agg(to_jsonb(p) order by p.queued desc, p.platform), '[]') from (
      select platform, count(*) as queued, count(*) filter (where status = 'sent') as sent,
             count(*) filter (where is_answered) as answered,
             count(*) filter (where status = 'failed') as failed,
             count(*) filter (where status in ('pending', 'sending')) as open
        from told group by platform) p),
    'failures', (select coalesce(jsonb_agg(to_jsonb(f) order by f.messages desc, f.why), '[]') from (
      select coalesce(left(error_message, 120), 'no reason is known') as why, count(*) as messages
        from told where status = 'failed' group by 1 order by 2 desc, 1 limit 10) f))
$$;
