-- Beginning attempts: the intent is stored, and the quota taken, before anything is sent.

-- Makes the counters of today; the pace goes on over midnight.
drop function if exists public.safari_open_day(text[], text[]);
create or replace function public.safari_open_day(
  platforms text[], kinds text[], accounts text[]
) returns void
language plpgsql as $$
begin
  insert into safari_rate_limits (
    platform, action, limit_date, account, used, daily_limit, ceiling, next_action_at
  )
    select p.platform, p.kind, safari_today(), w.account, 0, p.daily_limit, p.daily_limit,
           (select r.next_action_at from safari_rate_limits r
             where r.platform = p.platform and r.action = p.kind and r.account = w.account
             order by r.limit_date desc limit 1)
      from unnest(platforms, kinds, accounts) w (platform, kind, account)
      join lateral safari_policy(w.platform, w.kind, w.account) p on true
    on conflict on constraint safari_rate_limits_key do nothing;
end $$;

-- Decides begins; the caller holds the locks of their rows. Verdicts: granted · wait (row is pending
-- again) · refused (row has ended) · lost (the row is held by another worker) · unheard (the worker
-- judges the words of `contacts` and asks again).
--
-- One statement reads the inputs of all, one writes what is granted: a statement costs more than its
-- rows. Begins that share a counter or a person depend on each other, so all but the first of them are
-- decided in the next round; so is one whose counter was taken by somebody else in the meantime.
drop function if exists public.safari_begin_one(uuid, text, jsonb);
drop function if exists public.safari_take_quota(text, text);
drop function if exists public.safari_begin_batch(uuid, text, jsonb);
create or replace function public.safari_begin_batch(
  worker_boot uuid, worker text, items jsonb, accounts jsonb, shared text[]
) returns jsonb
language plpgsql as $$
declare
  facts record;
  command safari_command_queue;
  earlier safari_command_attempts;
  intent safari_command_attempts;
  intents safari_command_attempts[] := '{}';
  granted uuid[];
  counters text[] := '{}';
  reached_before text[] := '{}';
  next_round jsonb := '[]';
  answers jsonb := '[]';
  answer jsonb;
  reached record;
  refusal record;
  sender text;
  unheard jsonb;
begin
  for facts in
    select i.item, q as command, s.platform, s.kind, e as earlier, u.account,
           case when g.reason is null and safari_needs_review(q) then 'review'
                else g.reason end as wait_reason,
           coalesce(s.platform || ':' || s.kind, q.service) as counter,
           coalesce(o.person::text, q.platform || ':' || q.person, q.id::text) as reaches
      from jsonb_array_elements(items) with ordinality i (item, place)
      left join safari_command_queue q on q.id = (i.item ->> 'id')::uuid
      left join safari_services s on s.service = q.service
      left join lateral (
        select * from safari_command_attempts a
         where a.command_id = q.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
         order by a.attempt desc limit 1) e on q.attempt > 0
      left join safari_people o on o.address = q.platform || ':' || q.person
     cross join lateral (select safari_account_on(accounts, s.platform) as account) u
      left join lateral safari_service_gate(q.service, q.platform, u.account) g on true
     order by i.place
  loop
    command := facts.command;
    earlier := facts.earlier;
    answer := null;
    if facts.counter = any (counters) or facts.reaches = any (reached_before) then
      next_round := next_round || facts.item;
      continue;
    end if;
    counters := counters || facts.counter;
    reached_before := reached_before || facts.reaches;
    if command.id is null or command.status <> 'running'
       or command.boot_id is distinct from worker_boot
       or command.lease_number <> (facts.item ->> 'lease')::bigint then
      -- Its begin was granted, the answer lost, and the row taken for that of a dead worker: only its
      -- holder can say that nothing was sent.
      answer := jsonb_build_object('verdict', 'lost', 'reason', coalesce(command.status, 'gone'),
        'attempt', (
          select a.attempt from safari_command_attempts a
           where a.command_id = (facts.item ->> 'id')::uuid and a.boot_id = worker_boot
             and a.lease_number = (facts.item ->> 'lease')::bigint
             and a.outcome = 'unknown' and a.resolved_at is null));
    elsif earlier.command_id is not null and earlier.outcome is null
          and earlier.boot_id = worker_boot and earlier.lease_number = command.lease_number then
      -- The same begin again: its answer was lost on the way to the worker.
      answer := jsonb_build_object('verdict', 'granted', 'attempt', earlier.attempt);
    elsif earlier.command_id is not null and command.effect = 'once' then
      perform safari_restore(command, earlier);
      answer := jsonb_build_object('verdict', 'refused',
                                   'reason', coalesce(earlier.outcome, 'in_flight'));
    elsif command.expires_at <= now() then
      perform safari_fail_unsent(command, worker, 'expired', 'expired before it was sent', null);
      answer := jsonb_build_object('verdict', 'refused', 'reason', 'expired');
    end if;
    if answer is null then
      reached := safari_reached(command, facts.item ->> 'recipient');
      refusal := safari_refusal(command, facts.item ->> 'recipient', reached.person,
                                reached.recipient, facts.item ->> 'text_hash');
      unheard := case when refusal.reason is null and command.effect = 'once'
                      then safari_unheard(command.platform || ':' || reached.person) end;
      sender := nullif(command.account, '');
      if sender is null and facts.platform = any (shared) and command.effect = 'once'
         and reached.person is not null then
        sender := safari_sender(command.platform, reached.person, command.id);
      end if;
    end if;
    if answer is not null then
      null;
    elsif refusal.reason is not null then
      perform safari_fail_unsent(command, worker, refusal.reason, refusal.error, null);
      answer := jsonb_build_object('verdict', 'refused', 'reason', refusal.reason);
    elsif unheard is not null then
      -- The worker judges what they wrote and asks again; one of an older release cannot, and waits.
      if facts.item ? 'hears' then
        answers := answers || jsonb_build_object(
          'id', facts.item -> 'id', 'verdict', 'unheard', 'contacts', unheard);
        continue;
      end if;
      update safari_command_queue q
         set status = 'pending', boot_id = null, lease_expires_at = null,
             next_retry_at = now() + interval '1 minute', updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'waiting', worker, null, null,
                                  jsonb_build_object('reason', 'unheard'));
      answer := jsonb_build_object('verdict', 'wait', 'reason', 'unheard', 'seconds', 60);
    elsif sender <> facts.account then
      -- Its person has heard from another account since it was claimed, or it was given to one.
      update safari_command_queue q
         set status = 'pending', boot_id = null, lease_expires_at = null, account = sender,
             updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'waiting', worker, null, null,
                                  jsonb_build_object('reason', 'account', 'account', sender));
      perform safari_call(array[command.service]);
      answer := jsonb_build_object('verdict', 'wait', 'reason', 'account', 'seconds', 0);
    elsif facts.wait_reason is not null then
      update safari_command_queue q
         set status = 'pending', boot_id = null, lease_expires_at = null, updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'waiting', worker, null, null,
                                  jsonb_build_object('reason', facts.wait_reason));
      answer := jsonb_build_object('verdict', 'wait', 'reason', facts.wait_reason,
                                   'seconds', safari_seconds_until(coalesce((
          select g.until from safari_service_gate(
            command.service, command.platform, facts.account) g), 'infinity')));
    end if;
    if answer is not null then
      answers := answers || (answer || jsonb_build_object('id', facts.item -> 'id'));
      continue;
    end if;

    intent := null;
    intent.command_id := command.id;
    intent.attempt := command.attempt + 1;
    intent.boot_id := worker_boot;
    intent.lease_number := command.lease_number;
    intent.service := command.service;
    intent.account := facts.account;
    intent.recipient := reached.recipient;
    intent.person := command.platform || ':' || reached.person;
    intent.text_hash := facts.item ->> 'text_hash';
    if facts.kind is not null and command.effect = 'once' then
      intent.quota_platform := facts.platform;
      intent.quota_kind := facts.kind;
      intent.quota_day := safari_today();
    end if;
    intents := intents || intent;
  end loop;

  if intents <> '{}' then
    with taken as (
      -- Takes one from today's limit and sets the pace. Every process locks counters in this order.
      update safari_rate_limits r
         set used = r.used + 1,
             daily_limit = f.daily,
             ceiling = greatest(r.ceiling, f.daily),
             next_action_at = case when (policy).min_gap_seconds > 0 then
               clock_timestamp()
               + make_interval(secs => (policy).min_gap_seconds * (1 + random() / 2))
             end,
             updated_at = now()
        from (select c.id, c.platform, c.action, c.account
                from unnest(intents) i
                join safari_rate_limits c
                  on c.platform = i.quota_platform and c.action = i.quota_kind
                     and c.limit_date = i.quota_day and c.account = i.account
               order by i.service for update of c) locked
        join safari_services s on s.platform = locked.platform and s.kind = locked.action
        join safari_policies common on common.platform = s.platform and common.kind = s.kind
        left join safari_account_policies own
          on own.platform = s.platform and own.kind = s.kind and own.account = locked.account
       cross join lateral (
         select case when own.changes is null then common
                     else jsonb_populate_record(common, own.changes) end as policy) chosen
       cross join lateral safari_limits_in_force(policy, s) f
       where r.id = locked.id and r.used < f.daily and coalesce(r.next_action_at <= now(), true)
      returning r.platform, r.action
    ), intent as (
      insert into safari_command_attempts (
        command_id, attempt, boot_id, lease_number, service, account, recipient, person, text_hash,
        quota_platform, quota_kind, quota_day
      )
        select i.command_id, i.attempt, i.boot_id, i.lease_number, i.service, i.account,
               i.recipient, i.person, i.text_hash, i.quota_platform, i.quota_kind, i.quota_day
          from unnest(intents) i
         where i.quota_kind is null or (i.quota_platform, i.quota_kind) in (select * from taken)
      returning command_id, attempt
    ), counted as (
      update safari_command_queue q set attempt = i.attempt, updated_at = now()
        from intent i where q.id = i.command_id
    ), audited as (
      insert into safari_command_events (command_id, event, worker, attempt)
        select command_id, 'begun', worker, attempt from intent
      returning command_id
    )
    select coalesce(array_agg(command_id), '{}') into granted from audited;
    foreach intent in array intents loop
      if intent.command_id = any (granted) then
        answers := answers || jsonb_build_object(
          'id', intent.command_id, 'verdict', 'granted', 'attempt', intent.attempt);
      else
        next_round := next_round || (
          select i from jsonb_array_elements(items) i
           where (i ->> 'id')::uuid = intent.command_id limit 1);
      end if;
    end loop;
    if cardinality(granted) < cardinality(intents) then
      perform safari_open_day(
                array_agg(i.quota_platform), array_agg(i.quota_kind), array_agg(i.account))
         from unnest(intents) i where i.command_id <> all (granted);
    end if;
  end if;
  if next_round <> '[]' then
    answers := answers || safari_begin_batch(worker_boot, worker, next_round, accounts, shared);
  end if;
  return answers;
end $$;
