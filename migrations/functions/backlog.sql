-- What stood in the tables before us, or has been due for more than a day: it waits until an operator
-- accepts or discards it, at each of the three doors (commands, messages, posts).

create or replace function public.safari_backlog_age() returns interval
language sql immutable as $$ select interval '1 day' $$;

-- Whether a message has been due for too long to be handed over unasked. Mail, which an operator sends
-- by hand, never is.
create or replace function public.agent_outreach_is_stale(message public.crm_message_queue)
returns boolean
language sql stable as $$
  select message.status = 'pending' and (message.hold is not null or (
    safari_platform(message.platform) not in ('gmail', 'email')
    and coalesce(greatest(message.created_at, message.scheduled_for, message.accepted_at),
                 '-infinity') < now() - safari_backlog_age()))
$$;

-- A message that is stored with an old date, as by an import, waits even where its schedule is a
-- default of now.
create or replace function public.agent_outreach_hold_old() returns trigger
language plpgsql as $$
begin
  new.hold := 'backlog';
  return new;
end $$;

create or replace trigger agent_outreach_hold_old
  before insert on public.crm_message_queue
  for each row when (
    new.hold is null and new.status = 'pending'
    and agent_time(new.created_at::text) < now() - interval '1 day'
    and coalesce(agent_time(new.scheduled_for::text) <= now(), true)
    and safari_platform(new.platform) not in ('gmail', 'email'))
  execute function public.agent_outreach_hold_old();

-- Whether a post that nothing was begun of has waited too long to be published unasked.
create or replace function public.agent_publish_is_stale(task public.actp_workflow_tasks)
returns boolean
language sql stable as $$
  select task.status = 'pending' and task.lease_number = 0 and (task.hold is not null
    or coalesce(greatest(task.created_at, task.accepted_at), '-infinity')
       < now() - safari_backlog_age())
$$;

-- What waits at each door: {commands, messages, posts, rows: [{door, id, created_at, platform, to, text}]},
-- the rows oldest first.
create or replace function public.safari_backlog_list(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with held as materialized (
    select 'commands' as door, q.id, q.created_at, q.platform,
           coalesce(p.params ->> 'username', p.params ->> 'profileUrl', p.params ->> 'postUrl') as to,
           coalesce(p.params ->> 'text', p.params ->> 'message') as text
      from safari_command_queue q cross join lateral (select safari_params(q.params) as params) p
     where q.status = 'pending' and q.hold = 'backlog'
    union all
    select 'messages', m.id, m.created_at, safari_platform(m.platform),
           coalesce(c.display_name, c.username), m.message_body
      from crm_message_queue m left join crm_contacts c on c.id = m.contact_id
     where m.status = 'pending' and agent_outreach_is_stale(m)
    union all
    select 'posts', w.id, w.created_at, w.input_data ->> 'platforms', null,
           coalesce(w.input_data ->> 'description', w.input_data ->> 'text',
                    w.input_data ->> 'descriptions')
      from actp_workflow_tasks w
     where w.task_type = 'blotato_multi_publish' and w.status = 'pending'
       and agent_publish_is_stale(w)
  )
  select jsonb_build_object(
    'commands', (select count(*) from held h where h.door = 'commands'),
    'messages', (select count(*) from held h where h.door = 'messages'),
    'posts', (select count(*) from held h where h.door = 'posts'),
    'rows', (select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at, s.id), '[]')
               from (select h.door, h.id, h.created_at, h.platform, h.to, left(h.text, 300) as text
                       from held h order by h.created_at nulls first, h.id limit row_limit) s))
$$;

-- Accepts or discards what waits at the doors named; answers {commands, messages, posts}. With the number
-- that was agreed to, another number changes nothing.
drop function if exists public.safari_backlog(boolean);
drop function if exists public.safari_backlog(boolean, jsonb);
create or replace function public.safari_backlog(
  accept boolean, doors jsonb default '["commands"]', expected bigint default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  commands integer := 0;
  messages integer := 0;
  posts integer := 0;
begin
  if doors ? 'commands' then
    with held as (
      select q.id from safari_command_queue q
       where q.status = 'pending' and q.hold = 'backlog' order by q.id for update
    ), changed as (
      update safari_command_queue q
         set hold = null,
             status = case when accept then 'pending' else 'cancelled' end,
             reason = case when accept then null else 'discarded' end,
             result = case when accept then null else '{"outcome": "discarded"}'::jsonb end,
             completed_at = case when accept then null else now() end,
             updated_at = now()
        from held where q.id = held.id
      returning q.id
    ), audited as (
      insert into safari_command_events (command_id, event)
        select id, case when accept then 'accepted' else 'discarded' end from changed
    )
    select count(*) into commands from changed;
  end if;
  if doors ? 'messages' then
    update crm_message_queue m
       set hold = null, accepted_at = now(), updated_at = now(),
           status = case when accept then 'pending' else 'failed' end,
           error_message = case when not accept then 'discarded' end
     where m.id in (select k.id from crm_message_queue k
                     where k.status = 'pending' and agent_outreach_is_stale(k)
                     order by k.id for update);
    get diagnostics messages = row_count;
  end if;
  if doors ? 'posts' then
    update actp_workflow_tasks w
       set hold = null, accepted_at = now(),
           status = case when accept then 'pending' else 'failed' end,
           error = case when not accept then 'discarded' end,
           completed_at = case when not accept then now() end
     where w.id in (select k.id from actp_workflow_tasks k
                     where k.task_type = 'blotato_multi_publish' and k.status = 'pending'
                       and agent_publish_is_stale(k)
                     order by k.id for update);
    get diagnostics posts = row_count;
  end if;
  if commands + messages + posts <> expected then
    raise object_not_in_prerequisite_state using message = format(
      '%s rows were held and now %s are: nothing was changed', expected, commands + messages + posts);
  end if;
  notify safari_commands;
  return jsonb_build_object('commands', commands, 'messages', messages, 'posts', posts);
end $$;
