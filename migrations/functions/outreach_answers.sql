-- Outreach: what stops when somebody answers, or asks not to be written to.

-- Takes back messages that have not begun, wherever they are on their way; answers how many.
create or replace function public.agent_outreach_withdraw(ids uuid[], why text) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  unsent integer;
  commands uuid[];
begin
  -- Those that somebody is handing over right now are waited for, and found as commands below.
  perform from crm_message_queue m
    where m.id = any (ids) and m.status = 'pending' order by m.id for update;
  update crm_message_queue m set status = 'failed', error_message = why, updated_at = now()
   where m.id = any (ids) and m.status = 'pending';
  get diagnostics unsent = row_count;

  perform from safari_command_queue q
     join crm_message_queue m on m.command_id = q.id
    where m.id = any (ids) order by q.id for update of q;
  with cancelled as (
    update safari_command_queue q
       set status = 'cancelled', reason = why, error = null, boot_id = null,
           lease_expires_at = null, result = jsonb_build_object('outcome', 'cancelled'),
           completed_at = now(), updated_at = now()
      from crm_message_queue m
     where m.id = any (ids) and q.id = m.command_id and q.status in ('pending', 'running')
       and not exists (select from safari_command_attempts a
                        where a.command_id = q.id
                          and (a.outcome is null or a.outcome in ('sent', 'unknown')))
    returning q.id
  ), audited as (
    insert into safari_command_events (command_id, event, detail)
      select id, 'cancelled', jsonb_build_object('reason', why) from cancelled
  )
  select array_agg(id) into commands from cancelled;
  update safari_command_queue q set reason = why, updated_at = now()
    from crm_message_queue m
   where m.id = any (ids) and q.id = m.command_id
     and q.status = 'failed' and q.reason = 'retries_exhausted';
  return unsent + coalesce(cardinality(commands), 0);
end $$;

-- Stops running campaigns to the contacts, {contact id: when they were heard}, under every address of
-- theirs; answers what was stopped. Everything is locked first, in the one order.
create or replace function public.agent_outreach_stop_campaigns(heard jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted constant uuid[] := array(
    select distinct t.id
      from jsonb_each_text(heard) h
     cross join lateral safari_campaign_targets_of(
       safari_person_addresses('contact:' || h.key)) o (id)
      join safari_campaign_targets t on t.id = o.id
     where t.created_at < h.value::timestamptz);
begin
  if wanted = '{}' then
    return '[]';
  end if;
  return safari_campaign_stop(wanted);
end $$;

-- Somebody wrote to us: what was queued to them there before that, and running campaigns, stop.
-- Takes ids of contacts; answers {withdrawn, campaigns}.
create or replace function public.agent_outreach_replied(contact_ids jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted uuid[] := agent_everyone(contact_ids);
  answered uuid[];
  heard jsonb;
  stopped jsonb;
begin
  select coalesce(jsonb_object_agg(n.contact_id, n.at), '{}') into heard from (
    select s.contact_id, max(s.at) as at
      from (select m.contact_id, coalesce(m.sent_at, m.created_at) as at
              from crm_messages m
             where m.contact_id = any (wanted) and agent_is_answer(m)
            union all
            select i.contact_id, coalesce(i.occurred_at, i.created_at)
              from crm_interactions i
             where i.contact_id = any (wanted) and agent_is_reply(i.type, i.direction)) s
     group by 1) n;
  stopped := agent_outreach_stop_campaigns(heard);
  answered := array(
    select q.id from crm_message_queue q
     where q.contact_id = any (wanted) and q.status <> 'sent'
       and (exists (
             select from crm_interactions i
              where i.contact_id = any (agent_person(q.contact_id)) and agent_is_reply(i.type, i.direction)
                and safari_platform(coalesce(i.platform, q.platform)) = safari_platform(q.platform)
                and coalesce(i.occurred_at, i.created_at) > q.created_at)
            or exists (select from crm_messages m
                    where m.contact_id = any (agent_person(q.contact_id))
                      and agent_is_answer(m)
                      and safari_platform(coalesce(m.platform, q.platform)) = safari_platform(q.platform)
                      and coalesce(m.sent_at, m.created_at) > q.created_at)));
  return jsonb_build_object(
    'withdrawn', agent_outreach_withdraw(answered, 'replied'), 'campaigns', stopped);
end $$;

-- Somebody asked not to be written to: nobody does so any more, on any platform, by mail neither.
-- Answers {opted_out, withdrawn, campaigns}.
create or replace function public.agent_outreach_opt_out(
  contact_ids jsonb, note text default 'asked not to be contacted'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted uuid[] := agent_everyone(contact_ids);
  opted_out integer;
  withdrawn integer;
  stopped jsonb;
begin
  stopped := agent_outreach_stop_campaigns(
    (select coalesce(jsonb_object_agg(w, now() + interval '1 day'), '{}') from unnest(wanted) w));
  withdrawn := agent_outreach_withdraw(
    array(select q.id from crm_message_queue q
           where q.contact_id = any (wanted) and q.status <> 'sent'), 'opted_out');
  insert into safari_do_not_contact (platform, recipient, note)
    select distinct split_part(a.address, ':', 1), split_part(a.address, ':', 2), opt.note
      from unnest(wanted) w (id)
      join safari_people o on o.address = 'contact:' || w.id
      join safari_people a on a.person = o.person and a.address !~ '^(contact|gmail):'
     cross join (select agent_outreach_opt_out.note) opt
     order by 1, 2
    on conflict do nothing;
  perform from crm_contacts c where c.id = any (wanted) order by c.id for no key update;
  update crm_contacts c set email_opted_out = true, updated_at = now()
   where c.id = any (wanted) and c.email_opted_out is distinct from true;
  get diagnostics opted_out = row_count;
  return jsonb_build_object(
    'opted_out', opted_out, 'withdrawn', withdrawn, 'campaigns', stopped);
end $$;
