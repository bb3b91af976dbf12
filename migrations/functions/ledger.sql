-- What a worker writes of its attempts, as group commits; the decisions are in ledger_begin.sql and
-- ledger_finish.sql.

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

-- Locks the counters that a batch will change, in the order in which begins take them.
drop function if exists public.safari_lock_quotas(uuid[], jsonb);
create or replace function public.safari_lock_quotas(
  begin_ids uuid[], finishes jsonb, accounts jsonb
) returns void
language plpgsql as $$
begin
  perform from safari_rate_limits r
    join (
      select s.platform, s.kind, safari_today() as day,
             safari_account_on(accounts, s.platform) as account
        from safari_command_queue q join safari_services s on s.service = q.service
       where q.id = any (begin_ids) and s.kind is not null
      union
      select a.quota_platform, a.quota_kind, a.quota_day, a.account
        from jsonb_array_elements(finishes) i
        join safari_command_attempts a
          on a.command_id = (i ->> 'id')::uuid and a.attempt = (i ->> 'attempt')::integer
       where (i ->> 'quota_back')::boolean and a.quota_day is not null
    ) k on r.platform = k.platform and r.action = k.kind and r.limit_date = k.day
           and r.account = k.account
    join safari_services s on s.platform = r.platform and s.kind = r.action
    order by s.service, r.limit_date for update of r;
end $$;

-- Plans are made once and by index, whatever the table's statistics say at that moment: planning anew
-- would cost more than the statements. So would setting up bitmaps and caches for a few rows.
--
-- One transaction for what a process has to write: finishes first, then begins. Items are
-- {id, attempt, lease, verdict, ...} and {id, lease, service, recipient, person, text_hash}. Every row is locked in
-- key order before anything is decided, so that two such calls cannot deadlock.
create or replace function public.safari_ledger(
  boot_id uuid, finishes jsonb, begins jsonb
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
set enable_hashjoin = off set enable_mergejoin = off
set enable_bitmapscan = off set enable_memoize = off
as $$
declare
  worker text;
  accounts jsonb;
  finish_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(finishes) i);
  begin_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(begins) i);
begin
  perform from safari_command_queue q
    where q.id = any (finish_ids || begin_ids)
    order by q.id for update;
  select w.worker, w.accounts into worker, accounts
    from safari_workers w where w.boot_id = safari_ledger.boot_id;
  -- Two addresses of one person may be in two services, or on two hosts: their begins take turns. So do
  -- those of one service by one account, whose limits of an hour or a week have no counter to lock.
  if begins <> '[]' then
    perform pg_advisory_xact_lock(p.key) from (
      select distinct k.key
        from safari_command_queue q
        left join safari_services s on s.service = q.service
       cross join lateral (values
         (hashtextextended(coalesce((select o.person::text from safari_people o
                                      where o.address = q.platform || ':' || q.person),
                                    q.platform || ':' || q.person), 1)),
         (case when s.kind is not null then hashtextextended(
            s.service || ':' || safari_account_on(accounts, s.platform), 2) end)) k (key)
       where q.id = any (begin_ids) and q.effect = 'once' and k.key is not null
       order by k.key offset 0) p;
  end if;
  -- Begins take their counters in the order of services; what a finish gives back may lie before.
  if jsonb_path_exists(finishes, '$[*] ? (@.quota_back == true)') then
    perform safari_lock_quotas(begin_ids, finishes, accounts);
  end if;

  if finishes <> '[]' then
    finishes := safari_finish_batch(safari_ledger.boot_id, worker, finishes);
  end if;
  if begins <> '[]' then
    begins := safari_begin_batch(
      safari_ledger.boot_id, worker, begins, coalesce(accounts, '{}'), array(
        select a.platform from safari_accounts a group by a.platform having count(*) > 1));
  end if;
  return jsonb_build_object('finishes', finishes, 'begins', begins);
end $$;
