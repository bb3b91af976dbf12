-- Beginning and finishing attempts: the intent is stored before anything is sent, and what came of
-- it in one transaction with quota, audit and state.

create or replace function public.safari_record_event(
  command_id uuid, event text, worker text, attempt integer, http_status integer, detail jsonb
) returns void
language plpgsql as $$
begin
  insert into safari_command_events (command_id, event, worker, attempt, http_status, detail)
  values (command_id, event, coalesce(worker, safari_operator()), attempt, http_status, detail);
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

-- Takes one from today's limit and sets the pace; answers the day, or null when none is left.
create or replace function public.safari_take_quota(platform text, kind text) returns date
language plpgsql as $$
declare
  taken_day date;
begin
  for try in 1..2 loop
    update safari_rate_limits r
       set used = r.used + 1,
           daily_limit = p.daily_limit,
           ceiling = greatest(r.ceiling, p.daily_limit),
           next_action_at = case when p.min_gap_seconds > 0 then
             clock_timestamp() + make_interval(secs => p.min_gap_seconds * (1 + random() / 2))
           end,
           updated_at = now()
      from safari_policies p
     where r.platform = safari_take_quota.platform and r.action = safari_take_quota.kind
       and r.limit_date = safari_today() and r.used < p.daily_limit
       and p.platform = r.platform and p.kind = r.action
    returning r.limit_date into taken_day;
    exit when found;
    -- Perhaps the first of its day, which makes the day; the pace goes on over midnight.
    insert into safari_rate_limits (
      platform, action, limit_date, used, daily_limit, ceiling, next_action_at
    )
      select p.platform, p.kind, safari_today(), 0, p.daily_limit, p.daily_limit,
             (select r.next_action_at from safari_rate_limits r
               where r.platform = p.platform and r.action = p.kind
               order by r.limit_date desc limit 1)
        from safari_policies p
       where p.platform = safari_take_quota.platform and p.kind = safari_take_quota.kind
      on conflict do nothing;
  end loop;
  return taken_day;
end $$;

-- Decides one begin; the caller holds the lock of the row. Verdicts: granted · wait (row is pending
-- again) · refused (row has ended) · lost (the row is not ours any more). What is to be known comes by
-- one statement and what is to be written goes by one, since each costs as much as its rows.
create or replace function public.safari_begin_one(
  worker_boot uuid, worker text, item jsonb
) returns jsonb
language plpgsql as $$
declare
  facts record;
  command safari_command_queue;
  earlier safari_command_attempts;
  wait_reason text;
  wait_until timestamptz;
  taken_day date;
begin
  select q as command, s.platform, s.kind, e as earlier, d.command_id as duplicate_of,
         exists (select from safari_do_not_contact n
                  where n.platform in ('all', s.platform) and n.recipient = item ->> 'person')
           as is_blocked
    into facts
    from safari_command_queue q
    join safari_services s on s.service = q.service
    left join lateral (
      select * from safari_command_attempts a
       where a.command_id = q.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       order by a.attempt desc limit 1) e on q.attempt > 0
    left join lateral (
      select a.command_id from safari_command_attempts a
       where a.service = q.service and a.recipient = item ->> 'recipient'
         and a.text_hash = item ->> 'text_hash' and a.begun_at > now() - interval '24 hours'
         and a.command_id <> q.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1) d
      on q.effect = 'once' and q.idempotency_key is null and q.campaign_id is null
   where q.id = (item ->> 'id')::uuid;
  command := facts.command;
  earlier := facts.earlier;

  if command.id is null or command.status <> 'running'
     or command.boot_id is distinct from worker_boot
     or command.lease_number <> (item ->> 'lease')::bigint then
    -- Its begin was granted, the answer lost, and the row taken for that of a dead worker: only its
    -- holder can say that nothing was sent.
    return jsonb_build_object('id', item -> 'id', 'verdict', 'lost',
      'reason', coalesce(command.status, 'gone'),
      'attempt', (
        select a.attempt from safari_command_attempts a
         where a.command_id = (item ->> 'id')::uuid and a.boot_id = worker_boot
           and a.lease_number = (item ->> 'lease')::bigint
           and a.outcome = 'unknown' and a.resolved_at is null));
  elsif earlier.command_id is not null and earlier.outcome is null
        and earlier.boot_id = worker_boot and earlier.lease_number = command.lease_number then
    -- The same begin again: its answer was lost on the way to the worker.
    return jsonb_build_object('id', command.id, 'verdict', 'granted', 'attempt', earlier.attempt);
  elsif earlier.command_id is not null and command.effect = 'once' then
    perform safari_restore(command, earlier);
    return jsonb_build_object('id', command.id, 'verdict', 'refused',
                              'reason', coalesce(earlier.outcome, 'in_flight'));
  elsif command.expires_at <= now() then
    perform safari_fail_unsent(command, worker, 'expired', 'expired before it was sent', null);
    return jsonb_build_object('id', command.id, 'verdict', 'refused', 'reason', 'expired');
  elsif facts.is_blocked then
    perform safari_fail_unsent(command, worker, 'do_not_contact',
      format('%s is on the do-not-contact list', item ->> 'person'), null);
    return jsonb_build_object('id', command.id, 'verdict', 'refused', 'reason', 'do_not_contact');
  elsif facts.duplicate_of is not null then
    perform safari_fail_unsent(command, worker, 'duplicate', format(
      'command %s had the same recipient and text within 24 hours; enqueue with a key of its own'
      ' to send it again', facts.duplicate_of), null);
    return jsonb_build_object('id', command.id, 'verdict', 'refused', 'reason', 'duplicate');
  end if;

  select g.reason, g.until into wait_reason, wait_until
    from safari_gate(command.service, command.platform) g;
  if wait_reason is null and facts.kind is not null and command.effect = 'once' then
    taken_day := safari_take_quota(facts.platform, facts.kind);
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

  with intent as (
    insert into safari_command_attempts (
      command_id, attempt, boot_id, lease_number, service, recipient, text_hash,
      quota_platform, quota_kind, quota_day
    ) values (
      command.id, command.attempt + 1, worker_boot, command.lease_number, command.service,
      item ->> 'recipient', item ->> 'text_hash',
      case when taken_day is not null then facts.platform end,
      case when taken_day is not null then facts.kind end, taken_day)
  ), counted as (
    update safari_command_queue q set attempt = command.attempt + 1, updated_at = now()
     where q.id = command.id
  )
  insert into safari_command_events (command_id, event, worker, attempt)
    values (command.id, 'begun', worker, command.attempt + 1);
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
  facts record;
  done safari_command_attempts;
  command safari_command_queue;
  follows boolean;
  retry_limit integer;
  retry_base double precision;
  new_status text;
  new_reason text := item ->> 'reason';
  new_due timestamptz;
  tries integer;
begin
  if (item ->> 'attempt')::integer = 0 then
    select * into command from safari_command_queue q where q.id = (item ->> 'id')::uuid;
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

  select a as done, q as command into facts
    from safari_command_attempts a left join safari_command_queue q on q.id = a.command_id
   where a.command_id = (item ->> 'id')::uuid and a.attempt = (item ->> 'attempt')::integer
     for update of a;
  done := facts.done;
  command := facts.command;
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

  -- The row follows unless it has gone on without this attempt: begun again, claimed by somebody
  -- else, or edited by hand. What was sent is never hidden.
  follows := command.id is not null and command.attempt = done.attempt and (
    settled = 'sent'
    or (command.status = 'running' and command.lease_number = done.lease_number)
    or (command.status = 'failed' and command.reason = 'unknown'));
  new_status := command.status;
  if follows then
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
  end if;

  with closed as (
    update safari_command_attempts a
       set outcome = settled, finished_at = clock_timestamp(), quota_day = done.quota_day,
           http_status = (item ->> 'http_status')::integer, error = item ->> 'error'
     where a.command_id = done.command_id and a.attempt = done.attempt
  ), followed as (
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
     where q.id = command.id and follows
  )
  insert into safari_command_events (command_id, event, worker, attempt, http_status, detail)
    values (
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

-- Locks the counters that a batch will change, in the order in which begins take them.
create or replace function public.safari_lock_quotas(begin_ids uuid[], finishes jsonb) returns void
language plpgsql as $$
begin
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
    join safari_services s on s.platform = r.platform and s.kind = r.action
    order by s.service, r.limit_date for update of r;
end $$;

-- Plans are made once and by index, whatever the table's statistics say at that moment: planning anew
-- would cost more than the statements.
--
-- One transaction for what a process has to write: finishes first, then begins. Items are
-- {id, attempt, lease, verdict, ...} and {id, lease, service, recipient, person, text_hash}. Every row is locked in
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
  -- Begins take their counters in the order of services; what a finish gives back may lie before.
  if jsonb_path_exists(finishes, '$[*] ? (@.quota_back == true)') then
    perform safari_lock_quotas(begin_ids, finishes);
  end if;

  select w.worker into worker from safari_workers w where w.boot_id = safari_ledger.boot_id;
  select coalesce(jsonb_agg(safari_finish_one(safari_ledger.boot_id, worker, i)), '[]')
    into finished from jsonb_array_elements(finishes) i;
  select coalesce(jsonb_agg(safari_begin_one(safari_ledger.boot_id, worker, i)), '[]')
    into begun
    from (select b as i from jsonb_array_elements(begins) b order by b ->> 'service') ordered;
  return jsonb_build_object('finishes', finished, 'begins', begun);
end $$;
