-- Putting commands in.

-- Enqueues a JSON array of {action, platform, params, priority, key, scheduled_for, expires_at,
-- campaign_id, batch_id}, all or nothing, and answers [{index, id, created}] in the same order.
-- A key that was used before answers the command it made then.
create or replace function public.safari_enqueue(commands jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb;
begin
  with items as materialized (
    select ordinality - 1 as index, gen_random_uuid() as id, c.*
      from rows from (jsonb_to_recordset(commands) as (
             action text, platform text, params jsonb, priority integer, key text,
             scheduled_for timestamptz, expires_at timestamptz, campaign_id text, batch_id text
           )) with ordinality c
  ), first_of_key as (
    select distinct on (key) key, id from items where key is not null order by key, index
  ), new_keys as (
    -- Touching the row on conflict waits for whoever is inserting the same key, and returns theirs.
    insert into safari_idempotency_keys as k (key, command_id)
      select key, id from first_of_key order by key
      on conflict (key) do update set command_id = k.command_id
      returning k.key, k.command_id
  ), inserted as (
    insert into safari_command_queue (
      id, action, platform, params, priority, idempotency_key,
      scheduled_for, expires_at, campaign_id, batch_id
    )
      select i.id, i.action, i.platform, i.params, i.priority, i.key,
             i.scheduled_for, i.expires_at, i.campaign_id, i.batch_id
        from items i left join new_keys n on n.key = i.key
       where i.key is null or n.command_id = i.id
       order by i.index
      returning id
  )
  select jsonb_agg(jsonb_build_object(
           'index', i.index,
           'id', coalesce(n.command_id, i.id),
           'created', i.key is null or n.command_id = i.id
         ) order by i.index)
    into answer
    from items i left join new_keys n on n.key = i.key;
  return coalesce(answer, '[]');
end $$;
