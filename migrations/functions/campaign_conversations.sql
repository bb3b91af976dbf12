-- Campaigns: what the conversations of their targets say. The CRM's tables belong to somebody else:
-- they may be absent, and what columns they have is looked up.

-- The columns of a table that there are, of those named.
create or replace function public.safari_columns(table_name text, wanted text[]) returns text[]
language sql stable set search_path = public, pg_temp as $$
  select coalesce(array_agg(a.attname::text order by array_position(wanted, a.attname::text)), '{}')
    from pg_attribute a
   where a.attrelid = to_regclass('public.' || quote_ident(table_name))
     and a.attnum > 0 and not a.attisdropped and a.attname::text = any (wanted)
$$;

-- Whether a CRM is in use: tables that nobody has ever filled know of no reply.
create or replace function public.safari_has_crm() returns boolean
language plpgsql stable set search_path = public, pg_temp as $$
declare
  name text;
  is_filled boolean;
begin
  foreach name in array array['crm_contacts', 'crm_conversations', 'crm_messages'] loop
    if to_regclass('public.' || name) is not null then
      execute format('select exists (select from public.%I)', name) into is_filled;
      if is_filled then
        return true;
      end if;
    end if;
  end loop;
  return false;
end $$;

create or replace function public.safari_campaign_has_crm() returns jsonb
language sql stable set search_path = public, pg_temp as $$ select to_jsonb(safari_has_crm()) $$;

-- The ids of a person in crm_contacts: by username on the platform, or by the platform's own column.
create or replace function public.safari_crm_contacts(platform text, handle text) returns text[]
language plpgsql stable set search_path = public, pg_temp as $$
declare
  has text[] := safari_columns('crm_contacts', array[
    'id', 'platform', 'username', safari_crm_contacts.platform || '_handle']);
  conditions text[] := '{}';
  ids text[];
begin
  if has @> array['platform', 'username'] then
    conditions := conditions || 'lower(c.platform) = $1 and lower(ltrim(c.username, ''@'')) = $2'::text;
  end if;
  if (platform || '_handle') = any (has) then
    conditions := conditions || format('lower(ltrim(c.%I, ''@'')) = $2', platform || '_handle');
  end if;
  if not 'id' = any (has) or conditions = '{}' then
    return '{}';
  end if;
  execute format('select array_agg(c.id::text) from public.crm_contacts c where (%s)',
                 array_to_string(conditions, ') or (')) into ids using platform, handle;
  return coalesce(ids, '{}');
end $$;

-- What the CRM holds of what was said with a person, on whatever platform and row of theirs:
-- [{at, seen_at, text, outbound}], each part null where it is not known; seen_at is when it was first
-- read.
create or replace function public.safari_campaign_heard(platform text, handle text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  longest constant integer := 500;
  addresses constant text[] := safari_person_addresses(platform || ':' || handle);
  ids constant text[] := safari_crm_contacts(platform, handle) || array(
    select substr(a, 9) from unnest(addresses) a where starts_with(a, 'contact:'));
  has text[];
  conditions text[];
  rows jsonb;
  conversations jsonb;
  heard jsonb := '[]';
begin
  if ids <> '{}' then
    execute 'select jsonb_agg(to_jsonb(c)) from public.crm_contacts c where c.id::text = any ($1)'
      into rows using ids;
    if safari_columns('crm_conversations', array['contact_id']) <> '{}' then
      execute 'select jsonb_agg(to_jsonb(c)) from public.crm_conversations c
                where c.contact_id::text = any ($1)'
        into conversations using ids;
      select heard || coalesce(jsonb_agg(h.item), '[]') into heard
        from jsonb_array_elements(coalesce(conversations, '[]')) c, lateral (values
          (jsonb_build_object(
             -- A program that notes when it was first seen touches the row for other reasons too.
             'at', coalesce(c ->> 'last_message_at',
                            case when c ->> 'seen_at' is null then c ->> 'updated_at' end),
             'seen_at', c -> 'seen_at',
             'text', coalesce(c ->> 'last_message', c ->> 'last_message_preview'))),
          (case when c ->> 'doubted_at' is not null then
             jsonb_build_object('at', c -> 'doubted_at') end),
          (case when coalesce(c ->> 'last_reply_at', c ->> 'last_reply_received') is not null then
             jsonb_build_object('at', c -> 'last_reply_at', 'text', c -> 'last_reply_received',
                                'outbound', false) end)) h (item)
       where h.item is not null;
    end if;
    select heard || coalesce(jsonb_agg(h.item), '[]') into heard
      from jsonb_array_elements(rows) c, lateral (values
        -- The same words stand in the conversation, with all that is known of them.
        (case when not exists (
           select from jsonb_array_elements(coalesce(conversations, '[]')) v
            where v ->> 'last_message' = c ->> 'last_message') then
           jsonb_build_object('at', c -> 'last_message_at', 'text', c -> 'last_message') end),
        (case when c ->> 'last_inbound_at' is not null then
           jsonb_build_object('at', c -> 'last_inbound_at', 'outbound', false) end)) h (item)
     where h.item is not null;
    if safari_columns('crm_interactions', array['contact_id', 'type']) @> array['contact_id', 'type'] then
      execute 'select jsonb_agg(to_jsonb(i)) from (
                 select * from public.crm_interactions i where i.contact_id::text = any ($1)
                  limit $2) i'
        into rows using ids, longest;
      select heard || coalesce(jsonb_agg(jsonb_build_object(
               'at', case when r.is_reply then to_jsonb(coalesce(i ->> 'occurred_at', i ->> 'created_at'))
                          -- Noted on what we did: they answered it later, in words that are not known.
                          else to_jsonb(agent_time(coalesce(i ->> 'occurred_at', i ->> 'created_at'))
                                        + interval '1 minute') end,
               'text', case when r.is_reply then i -> 'summary' end,
               'outbound', false)), '[]') into heard
        from jsonb_array_elements(coalesce(rows, '[]')) i,
             lateral (select agent_is_reply(i ->> 'type', i ->> 'direction') as is_reply) r
       where r.is_reply or agent_outcome_is_reply(i ->> 'outcome');
    end if;
  end if;

  has := safari_columns('crm_messages', array['contact_id', 'platform', 'username']);
  conditions := '{}';
  if 'contact_id' = any (has) and ids <> '{}' then
    conditions := conditions || 'm.contact_id::text = any ($1)'::text;
  end if;
  if has @> array['platform', 'username'] then
    conditions := conditions
      || 'lower(m.platform) || '':'' || lower(ltrim(m.username, ''@'')) = any ($2)'::text;
  end if;
  if conditions <> '{}' then
    execute format('select jsonb_agg(to_jsonb(m)) from (select * from public.crm_messages m
                     where (%s) limit $3) m', array_to_string(conditions, ') or ('))
      into rows using ids, addresses, longest;
    select heard || coalesce(jsonb_agg(jsonb_build_object(
             'at', coalesce(m ->> 'sent_at', m ->> 'created_at', m ->> 'synced_at'),
             'text', coalesce(m ->> 'message_text', m ->> 'body', m ->> 'text', m ->> 'content'),
             'outbound', coalesce(m -> 'is_outbound', to_jsonb((m ->> 'direction') = 'outbound')))),
             '[]') into heard
      from jsonb_array_elements(coalesce(rows, '[]')) m;
  end if;
  return coalesce((select jsonb_agg(h) from jsonb_array_elements(heard) h
                    where (h ->> 'at' is not null or h ->> 'text' is not null)
                      and not agent_is_act(h ->> 'text')), '[]');
end $$;

-- The targets under way of the person at some addresses, in every campaign and on every platform.
create or replace function public.safari_campaign_targets_of(addresses text[]) returns setof uuid
language sql stable as $$
  select t.id
    from unnest(addresses) a (address)
    join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                  and t.handle = substr(a.address, length(t.platform) + 2)
    join safari_campaign_runs r
      on r.campaign_id = t.campaign_id and r.campaign_type <> 'research_sweep'
   where not safari_campaign_ended(t.state)
$$;

-- Targets under way of whose people something is known that a decision has to take in, whatever
-- platform or row it stands on: they may not be contacted, their words or a note need a look, or
-- `unheard` contacts of theirs have words that nobody has judged.
create or replace function public.safari_campaign_told()
returns table (id uuid, is_opted_out boolean, look_at timestamptz, unheard uuid[])
language plpgsql stable set search_path = public, pg_temp as $$
begin
  return query
    with under_way as materialized (
      select t.id, t.hold, t.platform || ':' || t.handle as address,
             agent_time(t.data ->> 'calmed_at') as calmed_at
        from safari_campaign_targets t
        join safari_campaign_runs r
          on r.campaign_id = t.campaign_id and r.campaign_type <> 'research_sweep'
       where t.state in ('queued', 'warmup', 'dm_sent', 'awaiting_reply')
    ), theirs as materialized (
      select u.id, u.hold, u.calmed_at, coalesce(p.address, u.address) as address, p.veto
        from under_way u
        left join safari_people o on o.address in (u.address, safari_twin(u.address))
        left join safari_people p on p.person = o.person
    ), known as (
      select t.id,
             coalesce(t.veto = 'opted_out', false) or exists (
               select from safari_do_not_contact n
                where n.platform = any (safari_listed_under(t.address))
                  and n.recipient = substr(t.address, position(':' in t.address) + 1)) as is_opted_out,
             case when t.hold is null and b.look_at > coalesce(b.done_at, '-infinity')
                       and b.look_at > coalesce(t.calmed_at, '-infinity') then b.look_at end as look_at,
             case when b.unheard then b.contact_id end as unheard
        from theirs t
        left join actp_inbox b on b.contact_id = case when starts_with(t.address, 'contact:')
                                                      then substr(t.address, 9)::uuid end
    )
    select k.id, bool_or(k.is_opted_out), max(k.look_at),
           array_agg(k.unheard) filter (where k.unheard is not null)
      from known k group by k.id
    having bool_or(k.is_opted_out or k.look_at is not null or k.unheard is not null);
end $$;

-- The account that holds the conversation with a person, null where all Macs share one.
create or replace function public.safari_campaign_holder(platform text, handle text) returns text
language plpgsql stable as $$
begin
  if platform = any (safari_shared_platforms()) then
    return safari_sender(platform, handle, null);
  end if;
  return null;
end $$;

-- Why the steps of a target cannot go on although nobody has to settle anything: no running Mac is
-- logged in as the account that holds the conversation, so that no reply would be seen. Null otherwise.
create or replace function public.safari_campaign_no_mac(target public.safari_campaign_targets)
returns text
language plpgsql stable as $$
declare
  holder constant text := safari_campaign_holder(target.platform, target.handle);
begin
  if holder is null or target.hold is not null or target.looked_at is null
     or safari_campaign_ended(target.state) then
    return null;
  end if;
  return (
    select format('no running Mac is logged in as %s on %s%s', holder, target.platform,
                  ', last seen on ' || safari_last_host(s.service, holder))
      from safari_services s
     where s.kind = 'dm' and s.platform = target.platform
       and not exists (select from safari_hosts_of(s.service, holder)));
end $$;

-- When the newest reading of the conversation with a person that ended well began: that of the account
-- which holds it. A brain whose result names what it read may have left a platform out, and has noted
-- the others itself.
drop function if exists public.safari_campaign_synced_at(text);
create or replace function public.safari_campaign_synced_at(platform text, handle text)
returns timestamptz
language plpgsql stable set search_path = public, pg_temp as $$
declare
  holder constant text := safari_campaign_holder(platform, handle);
begin
  if holder is null then
    return greatest(
      (select max(s.conversations_read_at) from safari_services s
        where s.kind = 'dm' and s.platform = safari_campaign_synced_at.platform),
      (select max(q.started_at) from safari_command_queue q
        where q.status = 'completed' and q.action in ('sync', 'pipeline')
          and coalesce(q.platform, '') in ('', safari_campaign_synced_at.platform)
          and not coalesce(q.result ? 'read', false)));
  end if;
  return greatest(
    (select r.read_at from safari_conversations_read r
      where r.platform = safari_campaign_synced_at.platform and r.account = holder),
    (select max(q.started_at)
       from safari_command_queue q
       join safari_command_attempts a on a.command_id = q.id
       join safari_workers w on w.boot_id = a.boot_id
      where q.status = 'completed' and q.action in ('sync', 'pipeline')
        and coalesce(q.platform, '') in ('', safari_campaign_synced_at.platform)
        and not coalesce(q.result ? 'read', false)
        and safari_account_on(w.accounts, safari_campaign_synced_at.platform) = holder));
end $$;

-- Marks a person cold in the CRM, as the dispatch layer reads it.
create or replace function public.safari_campaign_mark_cold(platform text, handle text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  if safari_columns('crm_contacts', array['relationship_stage']) <> '{}' then
    execute 'update public.crm_contacts c set relationship_stage = ''cold''
              where c.id::text = any ($1)' using safari_crm_contacts(platform, handle);
  end if;
end $$;
