-- Beginning and finishing attempts: the intent is stored before anything is sent, and what came of
-- it in one transaction with quota, audit and state.

create or replace function public.safari_record_event(
  command_id uuid, event text, worker text, attempt integer, http_status integer, detail jsonb
) returns void
language plpgsql as $$
begin
  insert into safari_command_events (command_id, event, worker, attempt, http_status, detail)
  values (command_id, event, worker, attempt, http_status, detail);
end $$;

-- Ends a running row that was not sent.
create or replace function public.safari_fail_unsent(
  command public.safari_command_queue, worker text, reason text, error text, result jsonb
) returns void
language sql set search_path = public, pg_temp as $$
  update safari_command_queue q
     set status = 'failed', reason = safari_fail_unsent.reason, error = safari_fail_unsent.error,
         result = coalesce(safari_fail_unsent.result, '{}')
                  || jsonb_build_object('outcome', safari_fail_unsent.reason),
         boot_id = null, lease_expires_at = null, crash_count = 0,
         completed_at = now(), updated_at = now()
   where q.id = command.id;
  select safari_record_event(command.id, 'failed', worker, null, null,
                             jsonb_build_object('reason', reason, 'error', error));
$$;

-- A row came back to a claimer although an earlier attempt may have reached its recipient: the row
-- is set to what that attempt says, and nothing is sent.
create or replace function public.safari_restore(
  command public.safari_command_queue, earlier public.safari_command_attempts
) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb;
begin
  if earlier.outcome is null then
    update safari_command_queue q set boot_id = earlier.boot_id, updated_at = now()
     where q.id = command.id;
  else
    select e.detail -> 'result' into answer from safari_command_events e
     where e.command_id = command.id and e.attempt = earlier.attempt and e.detail ? 'result'
     order by e.id desc limit 1;
    update safari_command_queue q
       set status = case earlier.outcome when 'sent' then 'completed' else 'failed' end,
           reason = case earlier.outcome when 'unknown' then 'unknown' end,
           error = case earlier.outcome when 'unknown' then earlier.error end,
           result = coalesce(answer, jsonb_build_object('outcome', earlier.outcome)),
           boot_id = null, lease_expires_at = null,
           completed_at = coalesce(earlier.finished_at, now()), updated_at = now()
     where q.id = command.id;
  end if;
  perform safari_record_event(command.id, 'restored', null, earlier.attempt, null,
                              jsonb_build_object('outcome', earlier.outcome));
end $$;

-- Decides one begin; the caller holds the locks. Verdicts: granted · wait (row is pending again) ·
-- refused (row has ended) · lost (the row is not ours any more).
create or replace function public.safari_begin_one(
  worker_boot uuid, worker text, item jsonb
) returns jsonb
language plpgsql as $$
declare
  command safari_command_queue;
  earlier safari_command_attempts;
  owner safari_services;
  wait_reason text;
  wait_until timestamptz;
  taken_day date;
begin
  select * into command from safari_command_queue q where q.id = (item ->> 'id')::uuid;
  if command.id is null or command.status <> 'running'
     or command.boot_id is distinct from worker_boot
     or command.lease_number <> (item ->> 'lease')::bigint then
    return jsonb_build_object('id', item -> 'id', 'verdict', 'lost',
                              'reason', coalesce(command.status, 'gone'));
  end if;

  if command.attempt > 0 then
    select * into earlier from safari_command_attempts a
     where a.command_id = command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
     order by a.attempt desc limit 1;
    if found and earlier.outcome is null and earlier.boot_id = worker_boot
       and earlier.lease_number = command.lease_number then
      -- The same begin again: its answer was lost on the way to the worker.
      return jsonb_build_object('id', command.id, 'verdict', 'granted',
                                'attempt', earlier.attempt);
    elsif found and command.effect = 'once' then
      perform safari_restore(command, earlier);
      return jsonb_build_object('id', command.id, 'verdict', 'refused',
                                'reason', coalesce(earlier.outcome, 'in_flight'));
    end if;
  end if;

  if command.expires_at <= now() then
    perform safari_fail_unsent(command, worker, 'expired', 'expired before it was sent', null);
    return jsonb_build_object('id', command.id, 'verdict', 'refused', 'reason', 'expired');
  end if;

  select * into owner from safari_services s where s.service = command.service;
  if exists (select from safari_do_not_contact d
              where d.platform in ('all', owner.platform) and d.recipient = item ->> 'person') then
    perform safari_fail_unsent(command, worker, 'do_not_contact',
      format('%s is on the do-not-contact list', item ->> 'person'), null);
    return jsonb_build_object('id', command.id, 'verdict', 'refused', 'reason', 'do_not_contact');
  end if;
  if command.effect = 'once' and item ->> 'recipient' is not null then
    select * into earlier from safari_command_attempts a
     where a.service = command.service and a.recipient = item ->> 'recipient'
       and a.text_hash = item ->> 'text_hash' and a.begun_at > now() - interval '24 hours'
       and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
     limit 1;
    if found and command.idempotency_key is null and command.campaign_id is null then
      perform safari_fail_unsent(command, worker, 'duplicate', format(
        'command %s had the same recipient and text within 24 hours; enqueue with a key of its own'
        ' to send it again', earlier.command_id), null);
      return jsonb_build_object('id', command.id, 'verdict', 'refused', 'reason', 'duplicate');
    end if;
  end if;

  select g.reason, g.until into wait_reason, wait_until
    from safari_gate(command.service, command.platform) g;
  if wait_reason is null and owner.kind is not null and command.effect = 'once' then
    update safari_rate_limits r
       set used = r.used + 1,
           daily_limit = p.daily_limit,
           ceiling = greatest(r.ceiling, p.daily_limit),
           next_action_at = case when p.min_gap_seconds > 0 then
             clock_timestamp() + make_interval(secs => p.min_gap_seconds * (1 + random() / 2))
           end,
           updated_at = now()
      from safari_policies p
     where r.platform = owner.platform and r.action = owner.kind
       and r.limit_date = safari_today() and r.used < p.daily_limit
       and p.platform = owner.platform and p.kind = owner.kind
    returning r.limit_date into taken_day;
    if taken_day is null then
      wait_reason := 'quota';
      wait_until := (safari_today() + 1)::timestamp at time zone 'utc';
    end if;
  end if;

  if wait_reason is not null then
    update safari_command_queue q
       set status = 'pending', boot_id = null, lease_expires_at = null, updated_at = now()
     where q.id = command.id;
    perform safari_record_event(command.id, 'waiting', worker, null, null,
                                jsonb_build_object('reason', wait_reason));
    return jsonb_build_object('id', command.id, 'verdict', 'wait', 'reason', wait_reason,
                              'seconds', safari_seconds_until(wait_until));
  end if;

  insert into safari_command_attempts (
    command_id, attempt, boot_id, lease_number, service, recipient, text_hash,
    quota_platform, quota_kind, quota_day
  ) values (
    command.id, command.attempt + 1, worker_boot, command.lease_number, command.service,
    item ->> 'recipient', item ->> 'text_hash',
    case when taken_day is not null then owner.platform end,
    case when taken_day is not null then owner.kind end, taken_day
  );
  update safari_command_queue q set attempt = command.attempt + 1, updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, 'begun', worker, command.attempt + 1, null, null);
  return jsonb_build_object('id', command.id, 'verdict', 'granted',
                            'attempt', command.attempt + 1);
end $$;

-- Records what came of one attempt; the caller holds the locks. An answer belongs to its attempt:
-- it may turn that attempt's own "unknown" into what truly happened, and touches no other.
-- Attempt 0 speaks of a row that was not begun: wait hands it back untouched, rejected ends it.
create or replace function public.safari_finish_one(
  worker_boot uuid, worker text, item jsonb
) returns jsonb
language plpgsql as $$
declare
  verdict text := item ->> 'verdict';
  settled text := case verdict when 'sent' then 'sent' when 'unknown' then 'unknown'
                               else 'not_sent' end;
  done safari_command_attempts;
  command safari_command_queue;
  retry_limit integer;
  retry_base double precision;
  new_status text;
  new_reason text := item ->> 'reason';
  new_due timestamptz;
  tries integer;
begin
  select * into command from safari_command_queue q where q.id = (item ->> 'id')::uuid;
  if (item ->> 'attempt')::integer = 0 then
    if command.id is null or command.status <> 'running'
       or command.boot_id is distinct from worker_boot
       or command.lease_number <> (item ->> 'lease')::bigint then
      return jsonb_build_object('id', item -> 'id', 'recorded', false);
    end if;
    if verdict = 'wait' then
      update safari_command_queue q
         set status = 'pending', boot_id = null, lease_expires_at = null, crash_count = 0,
             updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'handed_back', worker, null, null, null);
      return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', 'pending');
    end if;
    perform safari_fail_unsent(command, worker, new_reason, item ->> 'error', item -> 'result');
    return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', 'failed');
  end if;

  select * into done from safari_command_attempts a
   where a.command_id = (item ->> 'id')::uuid and a.attempt = (item ->> 'attempt')::integer
   for update;
  if done.command_id is null or done.boot_id <> worker_boot
     or done.lease_number <> (item ->> 'lease')::bigint then
    return jsonb_build_object('id', item -> 'id', 'recorded', false);
  elsif done.outcome = settled then
    return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', command.status);
  elsif done.outcome is not null and (done.outcome <> 'unknown' or done.resolved_at is not null) then
    return jsonb_build_object('id', item -> 'id', 'recorded', false);
  end if;

  if (item ->> 'quota_back')::boolean and done.quota_day is not null then
    update safari_rate_limits r set used = greatest(r.used - 1, 0), updated_at = now()
     where r.platform = done.quota_platform and r.action = done.quota_kind
       and r.limit_date = done.quota_day;
    done.quota_day := null;
  end if;
  update safari_command_attempts a
     set outcome = settled, finished_at = clock_timestamp(), quota_day = done.quota_day,
         http_status = (item ->> 'http_status')::integer, error = item ->> 'error'
   where a.command_id = done.command_id and a.attempt = done.attempt;

  -- The row follows unless it has gone on without this attempt: begun again, claimed by somebody
  -- else, or edited by hand. What was sent is never hidden.
  if command.id is not null and command.attempt = done.attempt and (
       settled = 'sent'
       or (command.status = 'running' and command.lease_number = done.lease_number)
       or (command.status = 'failed' and command.reason = 'unknown')) then
    tries := command.retry_count;
    if verdict = 'sent' then
      new_status := 'completed';
    elsif verdict = 'wait' then
      new_status := 'pending';
      new_due := now() + make_interval(secs => (item ->> 'wait_seconds')::double precision);
    elsif verdict = 'retry' then
      select s.value::text::integer into retry_limit from safari_settings s
       where s.key = 'retry_limit';
      select s.value::text::double precision into retry_base from safari_settings s
       where s.key = 'retry_base_seconds';
      if command.retry_count < retry_limit then
        new_status := 'pending';
        tries := command.retry_count + 1;
        -- Full jitter with a floor, so that a burst of failures does not come back as a burst.
        new_due := now() + make_interval(secs => least(
          3600, retry_base * 2 ^ command.retry_count) * (0.1 + 0.9 * random()));
      else
        new_status := 'failed';
        new_reason := 'retries_exhausted';
      end if;
    else
      new_status := 'failed';
      new_reason := case verdict when 'unknown' then 'unknown' else new_reason end;
    end if;
    update safari_command_queue q
       set status = new_status,
           reason = case when new_status = 'failed' then new_reason end,
           error = case when verdict <> 'sent' then item ->> 'error' end,
           result = item -> 'result',
           retry_count = tries,
           next_retry_at = new_due,
           boot_id = null, lease_expires_at = null, crash_count = 0,
           completed_at = case when new_status <> 'pending' then now() end,
           updated_at = now()
     where q.id = command.id;
  else
    new_status := command.status;
  end if;

  perform safari_record_event(
    done.command_id,
    case when verdict = 'sent' then 'completed' when verdict = 'wait' then 'waiting'
         when verdict = 'unknown' then 'unknown' when new_status = 'pending' then 'retrying'
         else 'failed' end,
    worker, done.attempt, (item ->> 'http_status')::integer,
    jsonb_strip_nulls(jsonb_build_object(
      'reason', new_reason, 'error', item -> 'error', 'result', item -> 'result')));
  if verdict = 'unknown' then
    perform safari_alert(format('unknown:%s:%s', done.command_id, done.attempt), 'unknown_outcome',
      jsonb_build_object('command_id', done.command_id, 'service', done.service,
        'action', command.action, 'recipient', done.recipient, 'error', item -> 'error'));
  end if;
  if jsonb_typeof(item -> 'alert') = 'object' then
    perform safari_alert(
      format('%s:%s:%s', item -> 'alert' ->> 'kind', done.service, safari_today()),
      item -> 'alert' ->> 'kind', jsonb_build_object('command_id', done.command_id,
        'service', done.service, 'text', item -> 'alert' -> 'text'));
  end if;
  return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', new_status);
end $$;

-- Locks the counters that a batch will change, in key order, and makes those of a new day.
create or replace function public.safari_lock_quotas(begin_ids uuid[], finishes jsonb) returns void
language plpgsql as $$
begin
  insert into safari_rate_limits (
    platform, action, limit_date, used, daily_limit, ceiling, next_action_at
  )
    select p.platform, p.kind, safari_today(), 0, p.daily_limit, p.daily_limit,
           (select r.next_action_at from safari_rate_limits r
             where r.platform = p.platform and r.action = p.kind
             order by r.limit_date desc limit 1)
      from (select distinct q.service from safari_command_queue q where q.id = any (begin_ids)) b
      join safari_services s on s.service = b.service
      join safari_policies p on p.platform = s.platform and p.kind = s.kind
     where not exists (
       select from safari_rate_limits r
        where r.platform = p.platform and r.action = p.kind and r.limit_date = safari_today())
     order by p.platform, p.kind
    on conflict (platform, action, limit_date) do nothing;
  perform from safari_rate_limits r
    join (
      select s.platform, s.kind, safari_today() as day
        from safari_command_queue q join safari_services s on s.service = q.service
       where q.id = any (begin_ids) and s.kind is not null
      union
      select a.quota_platform, a.quota_kind, a.quota_day
        from jsonb_array_elements(finishes) i
        join safari_command_attempts a
          on a.command_id = (i ->> 'id')::uuid and a.attempt = (i ->> 'attempt')::integer
       where (i ->> 'quota_back')::boolean and a.quota_day is not null
    ) k on r.platform = k.platform and r.action = k.kind and r.limit_date = k.day
    order by r.platform, r.action, r.limit_date
    for update of r;
end $$;

-- Plans are made once and by index, whatever the table's statistics say at that moment: planning anew
-- would cost more than the statements.
--
-- One transaction for what a process has to write: finishes first, then begins. Items are
-- {id, attempt, lease, verdict, ...} and {id, lease, recipient, person, text_hash}. Every row is locked in
-- key order before anything is decided, so that two such calls never wait for each other in a ring.
create or replace function public.safari_ledger(
  boot_id uuid, finishes jsonb, begins jsonb
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
declare
  worker text;
  finished jsonb;
  begun jsonb;
  finish_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(finishes) i);
  begin_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(begins) i);
begin
  perform from safari_command_queue q
    where q.id = any (finish_ids || begin_ids)
    order by q.id for update;
  perform safari_lock_quotas(begin_ids, finishes);

  select w.worker into worker from safari_workers w where w.boot_id = safari_ledger.boot_id;
  select coalesce(jsonb_agg(safari_finish_one(safari_ledger.boot_id, worker, i)), '[]')
    into finished from jsonb_array_elements(finishes) i;
  select coalesce(jsonb_agg(safari_begin_one(safari_ledger.boot_id, worker, i)), '[]')
    into begun from jsonb_array_elements(begins) i;
  return jsonb_build_object('finishes', finished, 'begins', begun);
end $$;

select public.safari_protect();
