-- Outreach: handing messages to the command queue, and what comes back from there. The finish of a
-- command settles its message in the same transaction, whenever it comes.

-- Whether a message may be handed over now. Platforms without a service for messages wait for
-- somebody else (gmail), or forever.
create or replace function public.agent_outreach_is_due(message public.crm_message_queue)
returns boolean
language plpgsql stable as $$
begin
  return message.status = 'pending' and coalesce(message.scheduled_for <= now(), true)
         and not agent_outreach_is_stale(message) and not safari_message_waits(message)
         and exists (select from public.safari_routes r
                      where r.action = 'send_dm' and r.platform = safari_platform(message.platform));
end $$;

-- Messages with where they would go, or why they must not go any more.
drop function if exists public.agent_outreach_judged(uuid[]);
create or replace function public.agent_outreach_judged(ids uuid[]) returns table (
  id uuid, contact_id uuid, name text, platform text, address text, body text, priority integer,
  scheduled_for timestamptz, reader_hour integer, refusal text
)
language sql stable set search_path = public, pg_temp as $$
  select m.id, m.contact_id, coalesce(c.display_name, c.username), p.platform, a.address,
         m.message_body, agent_outreach_rank(m), m.scheduled_for, m.reader_hour,
         case when c.id is null then 'nobody to send it to'
              when v.veto is not null then v.veto
              when a.address is null then format('no address on %s', p.platform)
              when agent_waits_for_us(t.ours_at, t.heard_at, b.done_at) then 'replied'
              when b.needs_look then 'their last words or a note need a look'
              when p.platform = 'tiktok' and (
                exists (select from safari_command_attempts t
                         where t.service = 'tiktok-dm' and t.recipient = a.address
                           and (t.outcome is null or t.outcome in ('sent', 'unknown')))
                or exists (select from crm_message_queue o
                            where o.contact_id = any (agent_person(m.contact_id))
                              and safari_platform(o.platform) = 'tiktok'
                              and o.status = 'sent'))
                then 'tiktok takes one message a person, ever'
         end
    from crm_message_queue m
    left join crm_contacts c on c.id = m.contact_id
   cross join lateral (select safari_platform(m.platform) as platform) p
   cross join lateral (select agent_outreach_addresses(c) ->> p.platform as address) a
   cross join lateral (select coalesce(agent_outreach_veto(c, agent_outreach_vetoes()),
                                       agent_person_veto(c.id)) as veto) v
   cross join lateral agent_person_of(c.id) k (contacts, places)
   cross join lateral (
     select max(i.done_at) as done_at,
            bool_or(i.look_at > coalesce(i.done_at, '-infinity')) as needs_look
       from actp_inbox i where i.contact_id = any (k.contacts)) b
    left join lateral agent_conversation(k.contacts, k.places) t on true
   where m.id = any (ids)
$$;

-- What is handed over next, without doing so.
create or replace function public.agent_outreach_preview(row_limit integer default 100) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with due as (
    select m.id from crm_message_queue m where agent_outreach_is_due(m)
     order by agent_outreach_rank(m), m.scheduled_for, m.id limit row_limit
  )
  select coalesce(jsonb_agg(to_jsonb(j) order by j.priority, j.scheduled_for, j.id), '[]')
    from agent_outreach_judged(array(select id from due)) j
$$;

-- Rows that an older sender left on its way, or whose command was removed: nobody knows whether they
-- went, so they never go again.
create or replace function public.agent_outreach_interrupt() returns integer
language sql set search_path = public, pg_temp as $$
  with stuck as (
    select m.id from crm_message_queue m
     where m.status = 'sending'
       and coalesce(m.updated_at, m.created_at, 'epoch') < now() - interval '10 minutes'
       and not exists (select from safari_command_queue q where q.id = m.command_id)
     order by m.id for update skip locked
  ), ended as (
    update crm_message_queue m
       set status = 'failed', error_message = 'interrupted', updated_at = now()
      from stuck where m.id = stuck.id
    returning m.id
  )
  select count(*)::integer from ended
$$;

drop function if exists public.agent_outreach_record_touch(
  public.crm_message_queue, public.safari_command_queue);

-- Notes that a message reached somebody: once, whatever is reported twice.
create or replace function public.agent_outreach_note_touch(
  message public.crm_message_queue, at timestamptz, about jsonb
) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into crm_interactions (
    contact_id, type, platform, direction, summary, outcome, queue_id, metadata, occurred_at
  )
    select c.id, case safari_platform(message.platform) when 'gmail' then 'email' else 'dm' end,
           safari_platform(message.platform), 'outbound', left(message.message_body, 200), 'sent', message.id,
           about || jsonb_build_object('message_type', message.message_type), at
      from crm_contacts c
     where c.id = message.contact_id
       and not exists (select from crm_interactions i where i.queue_id = message.id);
  update crm_contacts c
     set last_outbound_at = greatest(c.last_outbound_at, at),
         messages_sent = coalesce(c.messages_sent, 0) + 1,
         total_messages_sent = coalesce(c.total_messages_sent, 0) + 1,
         updated_at = now()
   where c.id = message.contact_id;
  update actp_prospect_scores s
     set next_touch_at = at + agent_outreach_cooldown(s.funnel_stage)
   where s.contact_id = message.contact_id;
end $$;

-- Gives a message the state of its command. What was sent stays so. An unknown outcome stays open, so
-- that nothing else goes to that person there before somebody has settled it.
create or replace function public.agent_outreach_settle(command public.safari_command_queue)
returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  message crm_message_queue;
begin
  select * into message from crm_message_queue m where m.command_id = command.id for update;
  if not found or message.status = 'sent' then
    return;
  end if;
  if command.status in ('pending', 'running') then
    update crm_message_queue m
       set status = 'failed', error_message = 'an earlier message is tried again', updated_at = now()
     where m.contact_id = message.contact_id
       and safari_platform(m.platform) = safari_platform(message.platform) and m.status = 'pending' and m.id <> message.id;
    if exists (select from crm_message_queue m
                where m.contact_id = message.contact_id
                  and safari_platform(m.platform) = safari_platform(message.platform)
                  and m.status = 'sending' and m.id <> message.id) then
      raise object_not_in_prerequisite_state using message = format(
        'command %s is not sent again: another message to the same person is under way',
        command.id);
    end if;
  end if;
  update crm_message_queue m
     set status = case when command.status = 'completed' then 'sent'
                       when command.status = 'cancelled' then 'failed'
                       when command.status = 'failed' and command.reason is distinct from 'unknown'
                         then 'failed'
                       else 'sending' end,
         sent_at = case when command.status = 'completed'
                        then coalesce(command.completed_at, now()) end,
         error_message = case
           when command.reason = 'unknown'
             then format('it may have been sent: settle command %s with bin/queue resolve', command.id)
           when command.status in ('failed', 'cancelled')
             then coalesce(command.error, command.reason, command.status) end,
         updated_at = now()
   where m.id = message.id;
  if command.status = 'completed' then
    perform agent_outreach_note_touch(message, coalesce(command.completed_at, now()),
                                      jsonb_build_object('command_id', command.id));
  end if;
end $$;

-- Settles in the transaction that changes the command. Security definer: a role that may write the queue
-- need not reach our other tables. A CRM that refuses a row must not keep a result from being stored:
-- then the message stays open, and somebody is told.
create or replace function public.agent_outreach_command_changed() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if safari_ended_or_reopened(old, new) then
    begin
      perform agent_outreach_settle(new);
    exception when integrity_constraint_violation or data_exception
                   or syntax_error_or_access_rule_violation then
      perform safari_alert(format('agent_error:outreach:settle:%s', safari_today()), 'agent_error',
        jsonb_build_object('domain', 'outreach', 'task', 'settle',
                           'error', format('command %s: %s', new.id, sqlerrm)));
    end;
  end if;
  return null;
end $$;

create or replace trigger agent_outreach_command_changed
  after update of status, reason on public.safari_command_queue
  for each row when (new.batch_id = 'outreach')
  execute function public.agent_outreach_command_changed();

-- When a message may go that is handed over now: at once, or at the next hour at which its reader
-- usually writes, where that is known and more than an hour away.
create or replace function public.agent_outreach_send_at(reader_hour integer) returns timestamptz
language sql stable as $$
  select case
    when agent_outreach_send_at.reader_hour is null or h.ahead in (0, 1, 23) then now()
    else date_trunc('hour', now()) + make_interval(hours => h.ahead) end
    from (select mod(agent_outreach_send_at.reader_hour
                     - extract(hour from now() at time zone 'utc')::integer + 24, 24) as ahead) h
$$;

-- Hands due messages over, the most urgent first: each becomes one send_dm whose key is the message's
-- id, so that limits, hours, do-not-contact and audit are those of every other command. `faults` says
-- by message id why a text cannot be sent. A command that is not sent within a day expires. Answers
-- {handed, failed, interrupted, rows}; nothing more is due when handed and failed are 0.
drop function if exists public.agent_outreach_send(integer);
create or replace function public.agent_outreach_send(
  row_limit integer default 200, faults jsonb default '{}'
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
declare
  first_priority constant integer := 4;   -- decision is sent beside what people ask for, the rest after
  interrupted integer := agent_outreach_interrupt();
  ids uuid[];
  judged jsonb;
  made jsonb;
begin
  perform safari_review_refresh();
  select array_agg(d.id) into ids from (
    select m.id from crm_message_queue m where agent_outreach_is_due(m)
     order by agent_outreach_rank(m), m.scheduled_for, m.id
     limit row_limit for update of m skip locked) d;
  select coalesce(jsonb_agg(to_jsonb(j) || jsonb_build_object(
           'refusal', coalesce(j.refusal, faults ->> j.id::text))
           order by j.priority, j.scheduled_for, j.id), '[]')
    into judged from agent_outreach_judged(coalesce(ids, '{}')) j;

  update crm_message_queue m
     set status = 'failed', error_message = j ->> 'refusal', updated_at = now()
    from jsonb_array_elements(judged) j
   where j ->> 'refusal' is not null and m.id = (j ->> 'id')::uuid;

  select safari_enqueue(coalesce(jsonb_agg(jsonb_build_object(
           'action', 'send_dm', 'platform', j ->> 'platform',
           'priority', first_priority + (j ->> 'priority')::integer,
           'key', j ->> 'id', 'batch_id', 'outreach',
           'scheduled_for', l.later,
           'expires_at', greatest((j ->> 'scheduled_for')::timestamptz, w.send_at)
                         + safari_backlog_age(),
           'params', jsonb_build_object(
             case j ->> 'platform' when 'linkedin' then 'profileUrl' else 'username' end,
             j ->> 'address', 'text', j ->> 'body', 'message_id', j -> 'id',
             'contact_id', j -> 'contact_id')) order by n), '[]'))
    into made
    from jsonb_array_elements(judged) with ordinality i (j, n)
   cross join lateral (
     select nullif(agent_outreach_send_at((j ->> 'reader_hour')::integer), now()) as later) l
   cross join lateral (select coalesce(l.later, now()) as send_at) w
   where j ->> 'refusal' is null;

  with handed as (
    select j, made -> ((row_number() over (order by n))::integer - 1) as command
      from jsonb_array_elements(judged) with ordinality i (j, n)
     where j ->> 'refusal' is null
  ), linked as (
    update crm_message_queue m
       set status = 'sending', command_id = (h.command ->> 'id')::uuid, error_message = null,
           attempts = coalesce(m.attempts, 0) + 1, updated_at = now()
      from handed h where m.id = (h.j ->> 'id')::uuid
  )
  select coalesce(jsonb_agg(e.row), '[]') into judged from (
    select h.j || jsonb_build_object('command_id', h.command -> 'id',
                                     'created', h.command -> 'created') as row
      from handed h
    union all
    select r from jsonb_array_elements(judged) r where r ->> 'refusal' is not null) e;

  perform safari_review_carry_over(judged);
  -- A message that was set back by hand has its command already, which tells what happened to it.
  perform agent_outreach_settle(q)
     from jsonb_array_elements(judged) j
     join safari_command_queue q on q.id = (j ->> 'command_id')::uuid
    where not (j ->> 'created')::boolean;
  -- What failed before this message is not tried again in bulk.
  update safari_command_queue q set reason = 'superseded', updated_at = now()
    from (select c.id from jsonb_array_elements(judged) j
            join crm_message_queue o on o.contact_id = (j ->> 'contact_id')::uuid
             and safari_platform(o.platform) = j ->> 'platform' and o.status = 'failed'
            join safari_command_queue c on c.id = o.command_id and c.status = 'failed'
             and c.reason = 'retries_exhausted'
           where j ? 'command_id' order by c.id for update of c skip locked) older
   where q.id = older.id;
  return jsonb_build_object(
    'handed', (select count(*) from jsonb_array_elements(judged) j where j ? 'command_id'),
    'failed', (select count(*) from jsonb_array_elements(judged) j where not j ? 'command_id'),
    'interrupted', interrupted, 'rows', judged);
end $$;
