-- Who is alive, and what happens to the work of those who are not.

-- `accounts` is {platform: account} of the host; a platform that is not named has the account 'default'.
-- What a host that names any does for itself, such as its own sync inboxes, goes by its host name.
drop function if exists public.safari_register(uuid, text, text, jsonb);
create or replace function public.safari_register(
  boot_id uuid, host_key text, worker text, services jsonb, accounts jsonb default '{}'
) returns jsonb
language sql set search_path = public, pg_temp as $$
  select safari_note_accounts(host_key, a.accounts) from safari_accounts_here(worker, accounts) a (accounts);
  insert into safari_workers (boot_id, host_key, worker, services, accounts)
  select boot_id, host_key, worker, array(select jsonb_array_elements_text(services)), a.accounts
    from safari_accounts_here(worker, accounts) a (accounts)
  on conflict on constraint safari_workers_pkey do update
    set seen_at = now(), stopped_at = null, services = excluded.services,
        accounts = excluded.accounts
  returning to_jsonb(safari_workers.boot_id)
$$;

-- Renews the leases of rows that a worker holds, [{id, lease}], and answers the ids that it has lost.
create or replace function public.safari_renew(boot uuid, held jsonb, lease interval) returns jsonb
language plpgsql as $$
declare
  lost jsonb;
begin
  with reported as (
    select (h ->> 'id')::uuid as id, (h ->> 'lease')::bigint as lease
      from jsonb_array_elements(held) h
  ), locked as (
    select q.id from safari_command_queue q join reported r on r.id = q.id
     where q.status = 'running' and q.boot_id = safari_renew.boot
       and q.lease_number = r.lease
     order by q.id for update of q
  ), renewed as (
    update safari_command_queue q
       set lease_expires_at = now() + lease
      from locked where q.id = locked.id
    returning q.id
  )
  select coalesce(jsonb_agg(r.id), '[]') into lost
    from reported r where r.id not in (select id from renewed);
  return lost;
end $$;

-- Renews them row by row, since one of them is refused. That one is not lost: another worker that
-- takes it is refused as well.
create or replace function public.safari_renew_each(boot uuid, held jsonb, lease interval)
returns jsonb
language plpgsql as $$
declare
  lost jsonb := '[]';
  item jsonb;
begin
  for item in select h from jsonb_array_elements(held) h order by (h ->> 'id')::uuid loop
    begin
      lost := lost || safari_renew(boot, jsonb_build_array(item), lease);
    exception when others then
      perform safari_alert(
        format('write_refused:%s:%s', item ->> 'id', safari_today()), 'write_refused',
        jsonb_build_object('command_id', item ->> 'id', 'error', sqlerrm));
    end;
  end loop;
  return lost;
end $$;

-- Renews the leases of the rows that an actor reports holding, [{id, lease}], and answers which of
-- them are ours no longer.
--
-- Who has not beaten for half a lease was cut off from the database, and perhaps everybody was: leases
-- have run out that nobody could renew. He judges others only after a whole lease of beats, and the
-- longest pause between two of their tries besides.
create or replace function public.safari_heartbeat(
  boot_id uuid, held jsonb, state jsonb, lease_seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  lease constant interval := make_interval(secs => lease_seconds);
  longest_pause constant interval := '4 seconds';
  lost jsonb;
begin
  update safari_workers w
     set seen_at = now(),
         state = safari_heartbeat.state,
         may_rescue_from = case
           when w.may_rescue_until is null then now() + lease
           -- Neither is its time over, nor was it set by a clock that has gone back since.
           when w.may_rescue_until not between now() and now() + lease
             then now() + lease + longest_pause
           else w.may_rescue_from end,
         may_rescue_until = now() + lease / 2
   where w.boot_id = safari_heartbeat.boot_id;
  begin
    lost := safari_renew(boot_id, held, lease);
  exception when others then
    lost := safari_renew_each(boot_id, held, lease);
  end;
  return jsonb_build_object('lost', lost);
end $$;

create or replace function public.safari_sign_off(boot_id uuid) returns jsonb
language sql set search_path = public, pg_temp as $$
  update safari_workers w set stopped_at = now(), seen_at = now()
   where w.boot_id = safari_sign_off.boot_id
  returning to_jsonb(w.boot_id)
$$;

-- Settles one row whose holder is gone. Not begun: pending again, untouched. Begun and repeatable:
-- a retry. Begun and once: unknown, for a person to settle. A row that was alone with three deaths
-- is poison.
create or replace function public.safari_rescue_one(
  command public.safari_command_queue, counts_as_death boolean
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
  -- The first death may have been a neighbour's doing; after it the row is claimed alone.
  deaths_until_poison constant integer := 4;
  attempt_open boolean;
  deaths integer := command.crash_count + counts_as_death::integer;
  retry_limit integer;
  outcome text;
  message text;
  answer jsonb;
  earlier safari_command_attempts;
begin
  if command.effect = 'once' and not counts_as_death then
    -- Set to running by hand: an attempt of ours that ended says more than its status does.
    select * into earlier from safari_command_attempts a
     where a.command_id = command.id and a.outcome in ('sent', 'unknown')
     order by a.attempt desc limit 1;
    if found then
      perform safari_restore(command, earlier);
      return 'restored';
    end if;
  end if;
  update safari_command_attempts a
     set outcome = case command.effect when 'once' then 'unknown' else 'lost' end,
         finished_at = clock_timestamp(), error = 'the worker stopped before an answer came'
   where a.command_id = command.id and a.attempt = command.attempt and a.outcome is null;
  attempt_open := found;
  if command.effect = 'once' and not attempt_open and not counts_as_death then
    -- The program that ran it left no trace: the doubt gets its own attempt, so that no edit of
    -- the row makes anybody forget it.
    command.attempt := command.attempt + 1;
    insert into safari_command_attempts (
      command_id, attempt, boot_id, lease_number, service, outcome, finished_at, error
    ) values (
      command.id, command.attempt, '00000000-0000-0000-0000-000000000000', 0, command.service,
      'unknown', clock_timestamp(), 'an older controller stopped before it said what came of it');
    perform safari_record_event(command.id, 'found_running', command.worker_id, command.attempt,
                                null, null);
    attempt_open := true;
  end if;
  select s.value::text::integer into retry_limit from safari_settings s where s.key = 'retry_limit';

  if command.effect = 'once' and attempt_open then
    outcome := 'unknown';
    message := 'the worker stopped after the request may have left: see what the recipient got, '
               'then settle it with bin/queue resolve';
  elsif deaths >= deaths_until_poison then
    outcome := 'poison';
    message := 'its worker died each time it was worked on';
  elsif attempt_open and command.retry_count >= retry_limit then
    outcome := 'retries_exhausted';
    message := 'the worker stopped before an answer came';
  end if;

  if outcome is not null then
    answer := jsonb_build_object('outcome', outcome, 'reason', outcome, 'success', false,
                                 'service', command.service);
  end if;
  update safari_command_queue q
     set status = case when outcome is null then 'pending' else 'failed' end,
         reason = outcome,
         error = message,
         result = answer,
         attempt = command.attempt,
         retry_count = command.retry_count + (outcome is null and attempt_open)::integer,
         crash_count = deaths,
         boot_id = null, lease_expires_at = null,
         completed_at = case when outcome is not null then now() end,
         updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, case when outcome = 'unknown' then 'unknown' else 'rescued' end,
    command.worker_id, case when attempt_open then command.attempt end, null,
    jsonb_strip_nulls(jsonb_build_object('reason', outcome, 'error', message, 'result', answer)));
  if outcome = 'unknown' then
    perform safari_alert(format('unknown:%s:%s', command.id, command.attempt), 'unknown_outcome',
      jsonb_build_object('command_id', command.id, 'service', command.service,
                         'action', command.action, 'error', message,
                         'place', safari_place(command.service, (
                           select a.recipient from safari_command_attempts a
                            where a.command_id = command.id and a.attempt = command.attempt))));
  elsif outcome = 'poison' then
    perform safari_alert(format('poison:%s', command.id), 'quarantined',
      jsonb_build_object('command_id', command.id, 'service', command.service,
                         'action', command.action));
  end if;
  return coalesce(outcome, 'pending');
end $$;

-- Picks up the work of the dead. `services` are those whose port lock the caller holds on this host:
-- a process that held their rows before it on the same host is gone, whatever the lease says. `expired` also
-- takes rows of any host whose lease ran out, as long as the caller may judge others: an outage is not
-- a death. That is asked here, of this moment, since a database that hung carries out what it was asked
-- before.
create or replace function public.safari_rescue(
  boot_id uuid, host_key text, services jsonb, expired boolean
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- A controller from before us that still works on a row finishes it within this time.
  unleased_grace constant interval := interval '10 minutes';
  me safari_workers;
  command safari_command_queue;
  outcomes jsonb := '{}';
  outcome text;
begin
  select * into me from safari_workers w where w.boot_id = safari_rescue.boot_id;
  for command in
    select q.* from safari_command_queue q
     where q.status = 'running' and q.service <> 'foreign'
       and ((expired and q.lease_expires_at < now()
             and now() between me.may_rescue_from and me.may_rescue_until)
            or (q.service in (select jsonb_array_elements_text(services))
                and q.boot_id <> safari_rescue.boot_id
                and exists (select from safari_workers w
                             where w.boot_id = q.boot_id and w.host_key = safari_rescue.host_key
                               and w.started_at < me.started_at))
            or (q.lease_expires_at is null
                and coalesce(q.started_at, q.updated_at, q.created_at) < now() - unleased_grace))
     order by q.id
     limit 500
     for update skip locked
  loop
    begin
      outcome := safari_rescue_one(command, command.lease_expires_at is not null);
    exception when others then
      -- Another program's trigger refuses it: this row alone stays as it is.
      perform safari_alert(
        format('write_refused:%s:%s', command.id, safari_today()), 'write_refused',
        jsonb_build_object('command_id', command.id, 'service', command.service, 'error', sqlerrm));
      continue;
    end;
    outcomes := outcomes || jsonb_build_object(
      outcome, coalesce((outcomes ->> outcome)::integer, 0) + 1);
  end loop;
  if outcomes <> '{}' then
    notify safari_commands;
  end if;
  return outcomes;
end $$;

-- Alerts, once a day, that another process with this one's host key drives one of its services: it has
-- beaten for a whole lease since this one began. A copied machine or folder brings that about, and each
-- takes the other's work for that of a dead process.
create or replace function public.safari_notice_clone(
  boot_id uuid, lease_seconds double precision
) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  twin record;
begin
  -- Times of a clock that was ahead would make a dead process the latest one until they have come. They
  -- are put back together, before the start of this one, so that they keep their order.
  update safari_workers w
     set started_at = w.started_at - case when w.started_at > safari_clock_limit() then a.ahead else '0' end,
         seen_at = w.seen_at - case when w.seen_at > safari_clock_limit() then a.ahead else '0' end
    from (select max(greatest(m.started_at, m.seen_at)) - least(me.started_at, now())
                 + interval '1 millisecond' as ahead, array_agg(m.boot_id) as boots
            from safari_workers me
            join safari_workers m on m.host_key = me.host_key and m.services && me.services
           where me.boot_id = safari_notice_clone.boot_id
           group by me.boot_id) a
   where w.boot_id in (
     select wrong.boot_id from safari_workers wrong
      where wrong.boot_id = any (a.boots)
        and greatest(wrong.started_at, wrong.seen_at) > safari_clock_limit()
        for update skip locked);
  select me.host_key, me.worker, w.worker as other into twin
    from safari_workers me
    join safari_workers w
      on w.host_key = me.host_key and w.boot_id <> me.boot_id and w.services && me.services
         and w.stopped_at is null and w.started_at < me.started_at
         and w.seen_at > me.started_at + make_interval(secs => lease_seconds)
   where me.boot_id = safari_notice_clone.boot_id
   limit 1;
  if found then
    perform safari_alert(format('host_copied:%s:%s', twin.host_key, safari_today()), 'host_copied',
                         jsonb_build_object('worker', twin.worker, 'other', twin.other));
  end if;
end $$;

-- A worker's round in one call: its heartbeat, then the rescue of what has expired; services are null
-- while it must not rescue yet. With what the host knows of the database it is compared as well, to
-- notice a restore. Answers {lost, resumed, rescued, rescue_error,
-- watermark, watermark_error}; resumed are its services whose wait an operator lifted. A rescue or a comparison that fails
-- is reported and leaves the leases renewed.
drop function if exists public.safari_beat(uuid, jsonb, jsonb, double precision, text, jsonb);
create or replace function public.safari_beat(
  boot_id uuid, held jsonb, state jsonb, lease_seconds double precision, host_key text, services jsonb,
  known jsonb default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb := safari_heartbeat(boot_id, held, state, lease_seconds)
    || jsonb_strip_nulls(jsonb_build_object('resumed', safari_resumed(boot_id)));
begin
  if jsonb_typeof(services) = 'array' then
    perform safari_notice_clone(boot_id, lease_seconds);
    begin
      answer := answer || jsonb_build_object(
        'rescued', safari_rescue(boot_id, host_key, services, true));
    exception when others then
      answer := answer || jsonb_build_object('rescue_error', sqlerrm);
    end;
  end if;
  if known is not null then
    begin
      answer := answer || jsonb_build_object('watermark', safari_watermark(known));
    exception when others then
      answer := answer || jsonb_build_object('watermark_error', sqlerrm);
    end;
  end if;
  return answer;
end $$;
