-- Putting commands in.

-- A UUID of the version and variant of a random one; as random as the seed.
create or replace function public.safari_uuid_from(seed text) returns uuid
language sql immutable as $$
  select overlay(overlay(md5(seed) placing '4' from 13) placing '8' from 17)::uuid
$$;

-- Enqueues a JSON array of {action, platform, params, priority, key, scheduled_for, expires_at,
-- campaign_id, batch_id, metadata, account}, all or nothing, and answers [{index, id, created}] in the
-- same order.
-- A key that was used before answers the command it made then. With the name of an operator it is on
-- record who enqueued.
drop function if exists public.safari_enqueue(jsonb);
create or replace function public.safari_enqueue(commands jsonb, operator text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- To draw each id from the kernel costs as much as to store the row, so they all follow from one.
  seed constant text := gen_random_uuid();
  answer jsonb;
begin
  if jsonb_typeof(commands) <> 'array' then
    raise invalid_parameter_value using message = format(
      'commands is a JSON array of objects, not of the type %s', jsonb_typeof(commands));
  end if;
  if operator is not null then
    perform safari_acts(operator);
  end if;
  with items as materialized (
    select ordinality - 1 as index, safari_uuid_from(seed || ordinality) as id, c.*
      from rows from (jsonb_to_recordset(commands) as (
             action text, platform text, params jsonb, priority integer, key text,
             scheduled_for timestamptz, expires_at timestamptz, campaign_id text, batch_id text,
             metadata jsonb, account text
           )) with ordinality c
  ), first_of_key as (
    select distinct on (key) key, id from items where key is not null order by key, index
  ), new_keys as (
    -- Touching the row on conflict waits for a concurrent insert of the same key, and returns its command.
    insert into safari_idempotency_keys as k (key, command_id)
      select key, id from first_of_key order by key
      on conflict (key) do update set command_id = k.command_id
      returning k.key, k.command_id
  ), inserted as (
    insert into safari_command_queue (
      id, action, platform, params, priority, idempotency_key,
      scheduled_for, expires_at, campaign_id, batch_id, metadata, account
    )
      select i.id, i.action, i.platform, i.params, i.priority, i.key,
             i.scheduled_for, i.expires_at, i.campaign_id, i.batch_id, i.metadata,
             coalesce(i.account, '')
        from items i left join new_keys n on n.key = i.key
       where i.key is null or n.command_id = i.id
       order by i.index
  )
  select jsonb_agg(jsonb_build_object(
           'index', i.index,
           'id', coalesce(n.command_id, i.id),
           'created', i.key is null or n.command_id = i.id
         ) order by i.index)
    into answer
    from items i left join new_keys n on n.key = i.key;
  if operator is not null then
    perform safari_record_action('enqueue', jsonb_build_object('commands', commands), answer);
  end if;
  return coalesce(answer, '[]');
end $$;

-- Answers [{index, reason, error}] for those of the commands that would not be sent: what begin would
-- refuse now (safari_refusal_of), what repeats a command that waits, and a key that another message
-- has. Takes what safari_enqueue takes,
-- each with the text_hash and the `reached` of a begin; inserts them, judges them and undoes it.
create or replace function public.safari_enqueue_check(commands jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  undone constant text := 'SCHKD';
  made jsonb;
  again jsonb;
  reused jsonb;
  answer jsonb;
begin
  begin
    made := safari_enqueue(commands);
    -- Compared as rows, since the queue stores a recipient in one spelling. An edited draft is still the
    -- command of its key.
    again := safari_enqueue((
      select coalesce(jsonb_agg((commands -> m.index) - 'key' order by m.index), '[]')
        from jsonb_to_recordset(made) m (index integer, created boolean) where not m.created));
    select jsonb_agg(jsonb_build_object('index', m.index, 'reason', 'key_reused', 'error', format(
             'its key is that of command %s, which has another %s', o.id,
             case when o.service is distinct from c.service then 'service'
                  when o.recipient is distinct from c.recipient then 'recipient'
                  else 'text' end)))
      into reused
      from (select r.index, r.id, row_number() over (order by r.index) - 1 as place
              from jsonb_to_recordset(made) r (index integer, id uuid, created boolean)
             where not r.created) m
      join safari_command_queue o on o.id = m.id
      join safari_command_queue c on c.id = (again -> m.place::integer ->> 'id')::uuid
     where o.service is distinct from c.service or o.recipient is distinct from c.recipient
        or (safari_words(o.params) <> safari_words(c.params)
            and safari_params(o.params) ->> 'written_by' is distinct from 'operator');
    with added as materialized (
      select * from jsonb_to_recordset(made) m (index integer, id uuid, created boolean)
    )
    select jsonb_agg(jsonb_build_object('index', found.index, 'reason', found.reason,
                                        'error', found.error) order by found.index)
      into answer
      from (
        select m.index, coalesce(r.reason, case when w.id is not null then 'duplicate' end) as reason,
               coalesce(r.error, w.error) as error
          from added m
          join safari_command_queue c on c.id = m.id and m.created
         cross join lateral (select commands -> m.index as item) g
         cross join lateral safari_reached(c, g.item ->> 'reached') t
         cross join lateral safari_refusal_of(c, g.item ->> 'reached', t.person, t.recipient,
                                           g.item ->> 'text_hash') r
          left join lateral (
            select o.id, format('%s has the same recipient and text; enqueue with a key'
                     ' to send both', coalesce('command ' || e.index + 1 || ' of this batch',
                                               'command ' || o.id || ', which waits,')) as error
              from safari_command_index i
              join safari_command_queue o on o.id = i.command_id
              left join added e on e.id = o.id
             where i.recipient_names && safari_recipient_names(c.params)
               and o.service = c.service and o.recipient = c.recipient
               and o.status in ('pending', 'running')
               and o.params ->> 'text' = c.params ->> 'text'
               and c.effect = 'once' and c.idempotency_key is null and o.idempotency_key is null
               and (e.index is null or e.index < m.index)
             limit 1) w on true) found
     where found.reason is not null;
    answer := (select jsonb_agg(e order by (e ->> 'index')::integer)
                 from jsonb_array_elements(coalesce(answer, '[]') || coalesce(reused, '[]')) e);
    raise exception using errcode = undone;
  exception
    when sqlstate 'SCHKD' then null;
  end;
  return coalesce(answer, '[]');
end $$;
