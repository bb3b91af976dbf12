-- Finishing attempts: state, result, quota and audit in one transaction.

-- Raises the alert that came with a result, once a day for each kind and service.
create or replace function public.safari_alert_result(
  command_id uuid, service text, alert jsonb
) returns void
language plpgsql as $$
begin
  if jsonb_typeof(alert) = 'object' then
    perform safari_alert(format('%s:%s:%s', alert ->> 'kind', service, safari_today()),
      alert ->> 'kind', jsonb_build_object('command_id', command_id, 'service', service,
                                           'text', alert -> 'text'));
  end if;
end $$;

-- Ends or hands back a row that was claimed and not begun; where the service was found not to be
-- ready, the reason is recorded. The service waits then, not the row; in shadow mode, and
-- where the words of its person must be judged first, it is the row.
create or replace function public.safari_give_back(
  worker_boot uuid, worker text, command public.safari_command_queue, item jsonb
) returns jsonb
language plpgsql as $$
begin
  if command.id is null or command.status <> 'running'
     or command.boot_id is distinct from worker_boot
     or command.lease_number <> (item ->> 'lease')::bigint then
    return jsonb_build_object('id', item -> 'id', 'recorded', false);
  elsif item ->> 'verdict' = 'wait' then
    update safari_command_queue q
       set status = 'pending', boot_id = null, lease_expires_at = null, crash_count = 0,
           next_retry_at = case when item ->> 'reason' in ('shadow', 'unheard')
             then now() + make_interval(secs => (item ->> 'wait_seconds')::double precision)
             else q.next_retry_at end,
           updated_at = now()
     where q.id = command.id;
    perform safari_record_event(
      command.id, case item ->> 'reason' when 'handed_back' then 'handed_back' else 'waiting' end,
      worker, null, (item ->> 'http_status')::integer,
      case when item ->> 'reason' <> 'handed_back'
           then jsonb_build_object('reason', item -> 'reason', 'error', item -> 'error') end);
    perform safari_alert_result(command.id, command.service, item -> 'alert');
    return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', 'pending');
  end if;
  perform safari_fail_unsent(
    command, worker, item ->> 'reason', item ->> 'error', item -> 'result');
  return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', 'failed');
end $$;

-- Records the results of attempts; the caller holds the locks of their rows. A result belongs to its
-- attempt: it can turn that attempt's own "unknown" into what truly happened, and touches no other.
-- Attempt 0 speaks of a row that was not begun: wait hands it back untouched, rejected ends it.
drop function if exists public.safari_finish_one(uuid, text, jsonb);
create or replace function public.safari_finish_batch(
  worker_boot uuid, worker text, items jsonb
) returns jsonb
language plpgsql as $$
declare
  facts record;
  item jsonb;
  verdict text;
  settled text;
  done safari_command_attempts;
  command safari_command_queue;
  event safari_command_events;
  closed safari_command_attempts[] := '{}';
  given_back safari_command_attempts[] := '{}';
  moved safari_command_queue[] := '{}';
  events safari_command_events[] := '{}';
  seen text[] := '{}';
  next_round jsonb := '[]';
  answers jsonb := '[]';
  retry_limit integer;
  retry_base double precision;
  new_reason text;
begin
  for facts in
    select i.item, a as done, q as command
      from jsonb_array_elements(items) with ordinality i (item, place)
      left join safari_command_queue q on q.id = (i.item ->> 'id')::uuid
      left join safari_command_attempts a
        on a.command_id = (i.item ->> 'id')::uuid and a.attempt = (i.item ->> 'attempt')::integer
     order by i.place
  loop
    item := facts.item;
    done := facts.done;
    command := facts.command;
    verdict := item ->> 'verdict';
    settled := case verdict when 'sent' then 'sent' when 'unknown' then 'unknown' else 'not_sent' end;
    new_reason := item ->> 'reason';
    -- A result that follows one of the same row depends on it.
    if item ->> 'id' = any (seen) then
      next_round := next_round || item;
      continue;
    end if;
    seen := seen || (item ->> 'id');
    if (item ->> 'attempt')::integer = 0 then
      answers := answers || safari_give_back(worker_boot, worker, command, item);
      continue;
    elsif done.command_id is null or done.boot_id <> worker_boot
          or done.lease_number <> (item ->> 'lease')::bigint
          or (done.outcome <> settled  -- what was given up may still be answered
              and (done.outcome not in ('unknown', 'lost') or done.resolved_at is not null)) then
      answers := answers || jsonb_build_object('id', item -> 'id', 'recorded', false);
      continue;
    elsif done.outcome = settled then
      answers := answers || jsonb_build_object(
        'id', item -> 'id', 'recorded', true, 'status', command.status);
      continue;
    end if;

    if (item ->> 'quota_back')::boolean and done.quota_day is not null then
      given_back := given_back || done;
      done.quota_day := null;
    end if;

    -- The row follows unless it has gone on without this attempt: begun again, claimed by another
    -- worker, or edited by hand. What was sent is never hidden.
    if command.id is not null and command.attempt = done.attempt and (
         settled = 'sent'
         or (command.status = 'running' and command.lease_number = done.lease_number)
         or (command.status = 'failed' and command.reason = 'unknown')) then
      command.next_retry_at := null;
      if verdict = 'sent' then
        command.status := 'completed';
      elsif verdict = 'wait' then
        command.status := 'pending';
        command.next_retry_at :=
          now() + make_interval(secs => (item ->> 'wait_seconds')::double precision);
      elsif verdict = 'retry' then
        select s.value::text::integer into retry_limit from safari_settings s
         where s.key = 'retry_limit';
        select s.value::text::double precision into retry_base from safari_settings s
         where s.key = 'retry_base_seconds';
        if command.retry_count < retry_limit then
          command.status := 'pending';
          -- Full jitter with a floor, so that a burst of failures does not come back as a burst.
          command.next_retry_at := now() + make_interval(secs => least(
            3600, retry_base * 2 ^ command.retry_count) * (0.1 + 0.9 * random()));
          command.retry_count := command.retry_count + 1;
        else
          command.status := 'failed';
          new_reason := 'retries_exhausted';
        end if;
      else
        command.status := 'failed';
        new_reason := case verdict when 'unknown' then 'unknown' else new_reason end;
      end if;
      command.reason := case when command.status = 'failed' then new_reason end;
      command.error := case when verdict <> 'sent' then item ->> 'error' end;
      command.result := item -> 'result';
      moved := moved || command;
    end if;

    done.outcome := settled;
    done.http_status := (item ->> 'http_status')::integer;
    done.error := item ->> 'error';
    closed := closed || done;
    event.command_id := done.command_id;
    event.worker := worker;
    event.attempt := done.attempt;
    event.http_status := done.http_status;
    event.event := case when verdict = 'sent' then 'completed' when verdict = 'wait' then 'waiting'
                        when verdict = 'unknown' then 'unknown'
                        when command.status = 'pending' then 'retrying' else 'failed' end;
    event.detail := jsonb_strip_nulls(jsonb_build_object(
      'reason', new_reason, 'error', item -> 'error', 'result', item -> 'result'));
    events := events || event;
    if verdict = 'unknown' then
      perform safari_alert(format('unknown:%s:%s', done.command_id, done.attempt), 'unknown_outcome',
        jsonb_build_object('command_id', done.command_id, 'service', done.service,
          'action', command.action, 'recipient', done.recipient,
          'place', safari_place(done.service, done.recipient), 'error', item -> 'error')
        || safari_account_detail(done.account));
    end if;
    perform safari_alert_result(done.command_id, done.service, item -> 'alert');
    answers := answers || jsonb_build_object(
      'id', item -> 'id', 'recorded', true, 'status', command.status);
  end loop;

  if closed <> '{}' then
    with ended as (
      update safari_command_attempts a
         set outcome = c.outcome, finished_at = clock_timestamp(), quota_day = c.quota_day,
             http_status = c.http_status, error = c.error
        from unnest(closed) c
       where a.command_id = c.command_id and a.attempt = c.attempt
    ), followed as (
      update safari_command_queue q
         set status = m.status, reason = m.reason, error = m.error, result = m.result,
             retry_count = m.retry_count, next_retry_at = m.next_retry_at,
             boot_id = null, lease_expires_at = null, crash_count = 0,
             completed_at = case when m.status <> 'pending' then now() end, updated_at = now()
        from unnest(moved) m where q.id = m.id
    )
    insert into safari_command_events (command_id, event, worker, attempt, http_status, detail)
      select e.command_id, e.event, e.worker, e.attempt, e.http_status, e.detail
        from unnest(events) e;
  end if;
  if given_back <> '{}' then
    -- After the attempts: a counter is never below those that hold a part of it.
    update safari_rate_limits r set used = greatest(r.used - b.attempts, 0), updated_at = now()
      from (select g.quota_platform, g.quota_kind, g.quota_day, g.account,
                   count(*)::integer as attempts
              from unnest(given_back) g group by 1, 2, 3, 4) b
     where r.platform = b.quota_platform and r.action = b.quota_kind
       and r.limit_date = b.quota_day and r.account = b.account;
  end if;
  if next_round <> '[]' then
    answers := answers || safari_finish_batch(worker_boot, worker, next_round);
  end if;
  return answers;
end $$;
