-- Why a command must not reach its person, judged in begin over every address of the person and
-- whatever wrote the row.

-- What a command reaches: what its row says, not what its worker read. Only the post of a comment on
-- an author's newest one is found by the worker.
create or replace function public.safari_reached(
  command public.safari_command_queue, post text, out recipient text, out person text
)
language plpgsql immutable as $$
declare
  target record;
begin
  recipient := command.recipient;
  person := command.person;
  if command.action = 'comment' and recipient is null and post is not null then
    target := safari_target('comment', command.platform,
                            jsonb_build_object('postUrl', post, 'handle', person));
    -- What is no post stays as it is, and is refused.
    recipient := target.recipient;
    person := target.person;
  end if;
end $$;

-- How long automatic messages leave a person alone, and how many they get a week, at least: outreach
-- decides by stage before, and this holds for what was decided meanwhile.
create or replace function public.safari_automatic_gap() returns interval
language sql immutable as $$ select interval '48 hours' $$;

create or replace function public.safari_automatic_per_week() returns integer
language sql immutable as $$ select 3 $$;

drop function if exists public.safari_addresses_of(text, text);

-- Why a public text must not stand: it mentions or quotes somebody who is not to be contacted, whom the
-- platform notifies of it. Null where nothing is in the way.
create or replace function public.safari_mention_refused(platform text, written text) returns text
language plpgsql stable as $$
begin
  return (
    with named as (
      select 'mentions' as how, safari_handle(safari_mention_refused.platform, m.found[1]) as name
        from regexp_matches(written, case safari_mention_refused.platform
               when 'twitter' then '(?<![a-z0-9_@＠])[@＠]([a-z0-9_]{1,30})'
               else '(?<![a-z0-9_@＠])[@＠]([a-z0-9._]{1,30})' end, 'gi') m (found)
      union all
      select 'quotes', (safari_post('twitter', m.found[1])).author
        from regexp_matches(written, '((?:https?://)?(?:[a-z]+\.)?(?:x|twitter)\.com/\S+)', 'gi') m (found)
       where safari_mention_refused.platform = 'twitter'
    )
    select format('the text %s @%s, who %s', d.how, d.name, case when n.recipient is not null
             then 'is on the do-not-contact list' else 'has opted out in the CRM' end)
      from named d
     cross join lateral unnest(
             safari_person_addresses(safari_mention_refused.platform || ':' || d.name)) a (address)
      left join safari_do_not_contact n
        on n.platform = any (safari_listed_under(a.address))
           and n.recipient = split_part(a.address, ':', 2)
      left join safari_people p on p.address = a.address and p.veto = 'opted_out'
     where n.recipient is not null or p.address is not null
     limit 1);
end $$;

-- Answers reason (validation | do_not_contact | duplicate | replied | needs_look | in_campaign |
-- cooldown | weekly_limit) and error, nulls where nothing is in the way; and the addresses of the person. `post` is
-- the one that the worker names. The caller holds the lock of the person. The planner inlines it.
drop function if exists public.safari_refusal(public.safari_command_queue, text, text, text, text);
create or replace function public.safari_refusal_of(
  command public.safari_command_queue, post text, person text, recipient text, text_hash text
)
returns table (reason text, error text, addresses text[])
language sql stable as $$
  select case
           when known.names_nobody or known.is_moved then 'validation'
           when known.listed is not null or known.opted_out or known.mention is not null
             then 'do_not_contact'
           when earlier.duplicate_of is not null then 'duplicate'
           else automatic.verdict[1]
         end,
         case
           when known.names_nobody then format('it names nobody on %s', command.platform)
           when known.is_moved then format(
             '%s is not, or no longer, an address of the contact that it was written for', person)
           when known.listed is not null
             then format('%s is on the do-not-contact list', known.listed)
           when known.opted_out then format('%s has opted out in the CRM', person)
           when known.mention is not null then known.mention
           when earlier.duplicate_of is not null then format(
             'command %s had the same recipient and text within 24 hours; enqueue with a key'
             ' to send it again', earlier.duplicate_of)
           else automatic.verdict[2]
         end,
         them.addresses
    from (select command.effect is distinct from 'repeatable' as reaches_somebody,
                 command.batch_id is not distinct from 'outreach' as is_outreach,
                 -- Steps of a campaign have a key; any tool may write the other two for its own reasons.
                 command.idempotency_key is not null and command.campaign_id is not null
                   and command.params ? 'campaign_step' as is_step,
                 -- Of a post whose author is not known only the duplicate can be judged.
                 case when person is not null and command.effect is distinct from 'repeatable'
                   then safari_person_addresses(command.platform || ':' || person)
                   else '{}' end as addresses
         offset 0) them
   cross join lateral (
     select them.reaches_somebody and recipient is null
              and (command.action = 'send_dm' or (command.action = 'comment' and post is not null))
              as names_nobody,
            -- Written for a contact whose address has changed since, who shares it with too many to be one
            -- person, or who was deleted.
            coalesce(them.is_outreach and 'contact:' || lower(command.params ->> 'contact_id')
                     <> all (them.addresses), false) as is_moved,
            exists (select from safari_people p
                     where p.address = any (them.addresses) and p.veto = 'opted_out') as opted_out,
            (select n.recipient from unnest(them.addresses) a
               join safari_do_not_contact n
                 on n.platform = any (safari_listed_under(a))
                    and n.recipient = split_part(a, ':', 2)
              limit 1) as listed,
            case when command.action in ('tweet', 'comment')
                   and public_text.words ~ '[@＠]|/status'
              then safari_mention_refused(coalesce(command.platform, 'twitter'), public_text.words)
              end as mention
       from (select coalesce(nullif(command.params ->> 'text', ''), command.params ->> 'message')
                      as words) public_text
     offset 0) known
   cross join lateral (
     select case
       when not them.reaches_somebody or known.names_nobody or known.is_moved or known.opted_out
            or known.listed is not null then null
       when command.idempotency_key is null or them.is_outreach or them.is_step
         then safari_duplicate_of(command, recipient, them.addresses, text_hash, them.is_step)
       end as duplicate_of
     offset 0) earlier
   cross join lateral (
     select case
       when not (them.is_outreach or them.is_step) or not them.reaches_somebody
            or known.names_nobody or known.is_moved or known.opted_out or known.listed is not null
            or earlier.duplicate_of is not null then null
       else safari_automatic_refusal(command, person, them.addresses, them.is_outreach)
       end as verdict
     offset 0) automatic
$$;

-- The command that a person got the same text by within a day. One plan by index for each kind: a
-- comment is about a post, a message is to a person.
create or replace function public.safari_duplicate_of(
  command public.safari_command_queue, recipient text, addresses text[], text_hash text,
  is_step boolean
) returns uuid
language plpgsql stable as $$
begin
  if command.action = 'send_dm' then
    return (
      select a.command_id from safari_command_attempts a
       where a.person = any (addresses) and a.begun_at > now() - interval '24 hours'
         and a.text_hash = safari_duplicate_of.text_hash and a.quota_kind = 'dm'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
         and not (is_step and exists (
           select from safari_command_queue o
            where o.id = a.command_id and o.batch_id = command.batch_id))
       limit 1);
  elsif command.action = 'tweet' then
    -- From any account, unless the command names another one: a tool that inserts it again names none.
    return (
      select a.command_id from safari_command_attempts a
       where a.service = command.service and a.quota_day is not null
         and (command.account = '' or a.account = command.account)
         and a.recipient is null
         and a.text_hash = safari_duplicate_of.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1);
  elsif recipient is not null then
    return (
      select a.command_id from safari_command_attempts a
       where a.service = command.service and a.recipient = safari_duplicate_of.recipient
         and a.text_hash = safari_duplicate_of.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1);
  end if;
  return null;
end $$;

-- Why a person gets nothing automatic now, as {reason, error}, or null.
create or replace function public.safari_automatic_refusal(
  command public.safari_command_queue, person text, addresses text[], is_outreach boolean
) returns text[]
language plpgsql stable as $$
declare
  facts record;
begin
  -- They wait for our answer, or what they or a note said waits for an operator; who says that a
  -- campaign may go on has looked.
  select bool_or(agent_waits_for_us(t.ours_at, t.heard_at, b.done_at)) as waits,
         max(t.ours_at) > now() - safari_automatic_gap() as is_written_to,
         max(b.look_at) filter (where b.look_at > coalesce(b.done_at, '-infinity')) > coalesce(
           (select agent_time(o.data ->> 'calmed_at') from safari_campaign_targets o
             where o.id = case when command.batch_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                               then command.batch_id::uuid end), '-infinity') as needs_look
    into facts
    from (select array(select substr(o, 9)::uuid from unnest(addresses) o
                        where starts_with(o, 'contact:')) as ids) c
   cross join lateral agent_conversation(c.ids, addresses) t
    left join actp_inbox b on b.contact_id = any (c.ids)
   where c.ids <> '{}';
  if facts.waits then
    return array['replied', format('%s wrote last and waits for an answer: bin/inbox', person)];
  elsif facts.needs_look then
    return array['needs_look', format('what %s or a note said needs a look: bin/inbox', person)];
  elsif not is_outreach then
    return null;
  elsif facts.is_written_to then  -- by hand too, or by another program
    return array['cooldown', format('%s was written to in the last two days', person)];
  end if;

  select exists (select from unnest(addresses) o
                   join safari_campaign_targets t
                     on t.platform = split_part(o, ':', 1) and t.handle = split_part(o, ':', 2)
                  where not safari_campaign_ended(t.state)) as in_campaign,
         max(a.begun_at) > now() - safari_automatic_gap() as is_soon,
         count(*) >= safari_automatic_per_week() as is_often
    into facts
    from safari_command_attempts a
   where a.person = any (addresses) and a.begun_at > now() - interval '168 hours'
     and a.quota_kind = 'dm' and a.command_id <> command.id
     and (a.outcome is null or a.outcome in ('sent', 'unknown'));
  if facts.in_campaign then
    return array['in_campaign', format('a campaign to %s is running', person)];
  elsif facts.is_soon then
    return array['cooldown', format('%s was written to in the last two days', person)];
  elsif facts.is_often then
    return array['weekly_limit', format('%s was written to %s times this week', person,
                                        safari_automatic_per_week())];
  end if;
  return null;
end $$;

-- The contacts of a person whose words nobody has judged yet: they may have asked us to stop. Somebody
-- whose messages were stored under an address alone becomes a contact; where the CRM refuses that, it is
-- the address. The queue works where the CRM's tables do not fit.
drop function if exists public.safari_unheard(text);
create or replace function public.safari_unheard(of_address text, addresses text[]) returns jsonb
language plpgsql as $$
declare
  contact uuid;
begin
  if of_address is null or to_regclass('public.actp_inbox') is null then
    return null;
  elsif not exists (select from unnest(addresses) a where starts_with(a, 'contact:')) then
    begin
      if not exists (select from crm_messages m
                      where m.contact_id is null
                        and agent_message_place(m.platform, m.username) = of_address
                        and agent_outreach_is_theirs(m)) then
        return null;
      end if;
    exception when syntax_error_or_access_rule_violation then
      return null;
    end;
    contact := agent_contact_who_wrote(of_address);
    if contact is null then
      return case when agent_words_hash(of_address) is distinct from (
               select h.words_hash from safari_words_heard h where h.address = of_address)
             then jsonb_build_array(of_address) end;
    end if;
    return safari_unheard(
      'contact:' || contact, safari_person_addresses('contact:' || contact));
  end if;
  return (
    select jsonb_agg(b.contact_id order by b.contact_id)
      from unnest(addresses) a
      join actp_inbox b
        on b.contact_id = case when starts_with(a, 'contact:') then substr(a, 9)::uuid end
     where b.unheard);
end $$;
