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
language sql immutable as $$ select interval '2 days' $$;

create or replace function public.safari_automatic_per_week() returns integer
language sql immutable as $$ select 3 $$;

-- Answers reason (validation | do_not_contact | duplicate | replied | in_campaign | cooldown |
-- weekly_limit) and error;
-- nulls where nothing is in the way. `post` is the one that the worker names. The caller holds the lock of the person.
create or replace function public.safari_refusal(
  command public.safari_command_queue, post text, person text, recipient text, text_hash text,
  out reason text, out error text
)
language plpgsql stable as $$
declare
  own constant text := command.platform || ':' || person;
  is_outreach constant boolean := command.batch_id is not distinct from 'outreach';
  -- Steps of a campaign have a key; any tool may write the other two for its own reasons.
  is_step constant boolean := command.idempotency_key is not null
    and command.campaign_id is not null and command.params ? 'campaign_step';
  addresses text[];
  facts record;
  duplicate_of uuid;
begin
  if command.effect <> 'once' then
    return;
  elsif recipient is null
        and (command.action = 'send_dm' or (command.action = 'comment' and post is not null)) then
    reason := 'validation';
    error := format('it names nobody on %s', command.platform);
    return;
  elsif own is null then
    addresses := '{}';  -- a post whose author is not known: only the duplicate can be judged
  else
    addresses := safari_person_addresses(own);
  end if;

  select exists (select from safari_people p
                  where p.address = any (addresses) and p.veto = 'opted_out') as opted_out,
         (select n.recipient from unnest(addresses) a
            join safari_do_not_contact n
              on n.platform in ('all', split_part(a, ':', 1)) and n.recipient = split_part(a, ':', 2)
           limit 1) as listed
    into facts;
  if facts.listed is not null then
    reason := 'do_not_contact';
    error := format('%s is on the do-not-contact list', facts.listed);
  elsif facts.opted_out then
    reason := 'do_not_contact';
    error := format('%s has opted out in the CRM', person);
  elsif command.idempotency_key is null or is_outreach or is_step then
    -- One plan by index for each kind: a comment is about a post, a message is to a person.
    if command.action = 'send_dm' then
      select a.command_id into duplicate_of from safari_command_attempts a
       where a.person = any (addresses) and a.begun_at > now() - interval '24 hours'
         and a.text_hash = safari_refusal.text_hash and a.quota_kind = 'dm'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
         and not (is_step and exists (
           select from safari_command_queue o
            where o.id = a.command_id and o.batch_id = command.batch_id))
       limit 1;
    elsif command.action = 'tweet' then
      -- From any account, unless the command names another one: a tool that inserts it again names none.
      select a.command_id into duplicate_of from safari_command_attempts a
       where a.service = command.service and a.quota_day is not null
         and (command.account = '' or a.account = command.account)
         and a.recipient is null
         and a.text_hash = safari_refusal.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1;
    elsif recipient is not null then
      select a.command_id into duplicate_of from safari_command_attempts a
       where a.service = command.service and a.recipient = safari_refusal.recipient
         and a.text_hash = safari_refusal.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1;
    end if;
    if duplicate_of is not null then
      reason := 'duplicate';
      error := format(
        'command %s had the same recipient and text within 24 hours; enqueue with a key'
        ' to send it again', duplicate_of);
    end if;
  end if;
  if reason is not null or not (is_outreach or is_step) then
    return;
  end if;

  -- A person who waits for our answer gets nothing automatic.
  select bool_or(agent_waits_for_us(t.ours_at, t.heard_at, b.done_at)) as waits
    into facts
    from (select array(select substr(o, 9)::uuid from unnest(addresses) o
                        where starts_with(o, 'contact:')) as ids) c
   cross join lateral agent_conversation(c.ids, addresses) t
    left join actp_inbox b on b.contact_id = any (c.ids)
   where c.ids <> '{}';
  if facts.waits then
    reason := 'replied';
    error := format('%s wrote last and waits for an answer: bin/inbox', person);
    return;
  elsif not is_outreach then
    return;
  end if;

  select exists (select from unnest(addresses) o
                   join safari_campaign_targets t
                     on t.platform = split_part(o, ':', 1) and t.handle = split_part(o, ':', 2)
                  where not safari_campaign_ended(t.state)) as in_campaign,
         max(a.begun_at) > now() - safari_automatic_gap() as is_soon,
         count(*) >= safari_automatic_per_week() as is_often
    into facts
    from safari_command_attempts a
   where a.person = any (addresses) and a.begun_at > now() - interval '7 days'
     and a.quota_kind = 'dm' and a.command_id <> command.id
     and (a.outcome is null or a.outcome in ('sent', 'unknown'));
  if facts.in_campaign then
    reason := 'in_campaign';
    error := format('a campaign to %s is running', person);
  elsif facts.is_soon then
    reason := 'cooldown';
    error := format('%s was written to in the last two days', person);
  elsif facts.is_often then
    reason := 'weekly_limit';
    error := format('%s was written to %s times this week', person, safari_automatic_per_week());
  end if;
end $$;

-- The contacts of a person whose words nobody has judged yet: they may have asked us to stop. Somebody
-- whose messages were stored under an address alone becomes a contact. The queue works where the CRM's
-- tables do not fit.
create or replace function public.safari_unheard(of_address text) returns jsonb
language plpgsql as $$
declare
  addresses constant text[] := safari_person_addresses(of_address);
  nobody constant boolean := not exists (
    select from unnest(addresses) a where starts_with(a, 'contact:'));
begin
  if of_address is null or to_regclass('public.actp_inbox') is null then
    return null;
  elsif nobody then
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
    return safari_unheard('contact:' || agent_contact_who_wrote(of_address));
  end if;
  return (
    select jsonb_agg(b.contact_id order by b.contact_id)
      from unnest(addresses) a
      join actp_inbox b
        on b.contact_id = case when starts_with(a, 'contact:') then substr(a, 9)::uuid end
     where b.unheard);
end $$;
