-- A database that was set back to an earlier moment does not know what was sent since.

-- Compares what a host knows, {database, event}, with what is here, and answers {database, event,
-- restored, held}. Where the host has seen a later event of the same database, it was restored: what
-- would reach a person is held, as an old backlog is, and alerted.
create or replace function public.safari_watermark(known jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  identity jsonb;
  -- Where old events are all there were, and pruned, their sequence knows how many there have been.
  latest bigint := coalesce(
    (select e.id from safari_command_events e order by e.id desc limit 1),
    pg_sequence_last_value(pg_get_serial_sequence('public.safari_command_events', 'id')::regclass), 0);
  held integer;
begin
  insert into safari_settings (key, value) values ('database_id', to_jsonb(gen_random_uuid()))
    on conflict on constraint safari_settings_pkey do nothing;
  select s.value into identity from safari_settings s where s.key = 'database_id';
  if known -> 'database' is distinct from identity or (known ->> 'event')::bigint <= latest then
    return jsonb_build_object('database', identity, 'event', latest, 'restored', false, 'held', 0);
  end if;
  held := safari_hold_all(format('event %s was seen, the latest is %s', known ->> 'event', latest));
  return jsonb_build_object('database', identity, 'event', latest, 'restored', true, 'held', held);
end $$;

-- Holds every command that would reach a person, until bin/queue accept or discard.
create or replace function public.safari_hold_all(why text) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  held integer;
begin
  with rows as (
    select q.id from safari_command_queue q
     where q.status in ('pending', 'running') and q.effect = 'once' and q.hold is null
       and q.service <> 'foreign'
       and not exists (select from safari_command_attempts a
                        where a.command_id = q.id and a.outcome is null)
     order by q.id for update
  ), changed as (
    update safari_command_queue q
       set hold = 'backlog', status = 'pending', boot_id = null, lease_expires_at = null,
           updated_at = now()
      from rows where q.id = rows.id
    returning q.id
  ), audited as (
    insert into safari_command_events (command_id, event, detail)
      select id, 'held', jsonb_build_object('reason', 'restored') from changed
  )
  select count(*) into held from changed;
  perform safari_alert(format('database_restored:%s', now()), 'database_restored',
                       jsonb_build_object('error', why, 'count', held));
  return held;
end $$;

-- A worker was granted an attempt that it has made before: the database has forgotten it.
create or replace function public.safari_forgotten(command_id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  return to_jsonb(safari_hold_all(
    format('command %s was sent before, and the database does not know of it', command_id)));
end $$;
