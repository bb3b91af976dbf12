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

-- Decides begins; the caller holds the locks of their rows, persons and services. Verdicts: granted ·
-- wait (row is pending again) · refused (row has ended) · lost (the row is held by another worker) ·
-- unheard (the worker judges the words of `contacts` and asks again).
--
-- One statement judges all and writes what is granted, since a statement costs more than its rows.
-- Begins that share a counter or a person depend on each other, so all but the first of them are
-- decided in the next round; so is one whose counter was taken by another worker in the meantime.
drop function if exists public.safari_begin_one(uuid, text, jsonb);
drop function if exists public.safari_take_quota(text, text);
drop function if exists public.safari_begin_batch(uuid, text, jsonb);
create or replace function public.safari_begin_batch(
  worker_boot uuid, worker text, items jsonb, accounts jsonb, shared text[]
) returns jsonb
language plpgsql as $$
declare
  judged record;
  command safari_command_queue;
  earlier safari_command_attempts;
  next_round jsonb := '[]';
  answers jsonb := '[]';
  answer jsonb;
begin
  for judged in
    with asked as materialized (
      select i.place, i.item, q.id, q as command, s.platform, s.kind,
             safari_account_on(accounts, s.platform) as account,
             safari_reached(q, i.item ->> 'recipient') as reached,
             case when q.attempt > 0 then (
               select b from safari_command_attempts b
                where b.command_id = q.id and (b.outcome is null or b.outcome in ('sent', 'unknown'))
                order by b.attempt desc limit 1) end as earlier,
             coalesce(s.platform || ':' || s.kind, q.service) as counter,
             coalesce((select o.person::text from safari_people o
                        where o.address = q.platform || ':' || q.person),
                      q.platform || ':' || q.person, q.id::text) as reaches
        from jsonb_array_elements(items) with ordinality i (item, place)
        left join safari_command_queue q on q.id = (i.item ->> 'id')::uuid
        left join safari_services s on s.service = q.service
    ), facts as materialized (
      select a.*, r.reason as refusal, r.error, g.until, g.daily_limit, g.min_gap_seconds, w.*,
             case
               when a.id is null or (a.command).status <> 'running'
                    or (a.command).boot_id is distinct from worker_boot
                    or (a.command).lease_number <> (a.item ->> 'lease')::bigint then 'lost'
               when (a.earlier).command_id is not null and (a.earlier).outcome is null
                    and (a.earlier).boot_id = worker_boot
                    and (a.earlier).lease_number = (a.command).lease_number then 'begun'
               when (a.earlier).command_id is not null and (a.command).effect = 'once' then 'reached'
               when (a.command).expires_at <= now() then 'expired'
               -- The campaign holds its steps as soon as it looks at the person.
               when r.reason = 'needs_look' and (a.command).campaign_id is not null then 'doubtful'
               when r.reason is not null then 'refused'
               when w.unheard is not null then 'unheard'
               when w.sender <> a.account then 'account'
               when w.wait_reason is not null then 'wait'
             end as finding
        from asked a
       cross join lateral safari_refusal_of(
         a.command, a.item ->> 'recipient', (a.reached).person, (a.reached).recipient,
         a.item ->> 'text_hash') r
       cross join lateral safari_gate_of(
         (a.command).service, (a.command).platform, a.account) g
       cross join lateral (
         select case when r.reason is null and (a.command).effect = 'once' then safari_unheard(
                  (a.command).platform || ':' || (a.reached).person, r.addresses) end as unheard,
                case when (a.command).account <> '' then (a.command).account
                     when a.platform = any (shared) and (a.command).effect = 'once'
                          and (a.reached).person is not null
                       then safari_sender((a.command).platform, (a.reached).person, a.id)
                end as sender,
                -- Most have no review and need none; the two look-ups save the call.
                case when g.reason is not null then g.reason
                     when (exists (select from safari_settings k
                                    where k.key = 'review' and k.value <> '"off"')
                           or exists (select from safari_reviews v
                                       where v.door = 'command' and v.row_id = a.id))
                          and safari_needs_review(a.command) then 'review' end as wait_reason
         offset 0) w
       where not exists (select from asked b
                          where b.place < a.place
                            and (b.counter = a.counter or b.reaches = a.reaches))
    ), taken as (
      -- Takes one from today's limit and sets the pace. Every process locks counters in this order.
      update safari_rate_limits r
         set used = r.used + 1,
             daily_limit = locked.daily_limit,
             ceiling = greatest(r.ceiling, locked.daily_limit),
             next_action_at = case when locked.min_gap_seconds > 0 then
               clock_timestamp()
               + make_interval(secs => locked.min_gap_seconds * (1 + random() / 2))
             end,
             updated_at = now()
        from (select c.id, f.id as command_id, f.daily_limit, f.min_gap_seconds
                from facts f
                join safari_rate_limits c
                  on c.platform = f.platform and c.action = f.kind
                     and c.limit_date = safari_today() and c.account = f.account
               where f.finding is null and (f.command).effect = 'once'
               order by (f.command).service for update of c) locked
       where r.id = locked.id and r.used < locked.daily_limit
         and coalesce(safari_pace_until(r.next_action_at, locked.min_gap_seconds) <= now(), true)
      returning locked.command_id, r.platform, r.action, r.limit_date
    ), intent as (
      insert into safari_command_attempts (
        command_id, attempt, boot_id, lease_number, service, account, recipient, person, text_hash,
        quota_platform, quota_kind, quota_day
      )
        select f.id, (f.command).attempt + 1, worker_boot, (f.command).lease_number,
               (f.command).service, f.account, (f.reached).recipient,
               (f.command).platform || ':' || (f.reached).person, f.item ->> 'text_hash',
               t.platform, t.action, t.limit_date
          from facts f left join taken t on t.command_id = f.id
         where f.finding is null
           and (t.command_id is not null or f.kind is null or (f.command).effect <> 'once')
      returning command_id, attempt
    ), counted as (
      update safari_command_queue q set attempt = i.attempt, updated_at = now()
        from intent i where q.id = i.command_id
    ), audited as (
      insert into safari_command_events (command_id, event, worker, attempt)
        select command_id, 'begun', safari_begin_batch.worker, attempt from intent
    )
    select a.item, f.place, f.id, f.command, f.earlier, f.platform, f.kind, f.account, f.finding,
           f.refusal, f.error, f.unheard, f.sender, f.wait_reason,
           f.until, i.attempt as granted
      from asked a
      left join facts f on f.place = a.place
      left join intent i on i.command_id = f.id
     order by a.place
  loop
    if judged.granted is not null then
      answers := answers || jsonb_build_object(
        'id', judged.id, 'verdict', 'granted', 'attempt', judged.granted);
      continue;
    elsif judged.finding is null then
      if judged.place is not null then
        perform safari_open_day(
          array[judged.platform], array[judged.kind], array[judged.account]);
      end if;
      next_round := next_round || judged.item;
      continue;
    end if;

    command := judged.command;
    earlier := judged.earlier;
    case judged.finding
      when 'lost' then
        -- Its begin was granted, the answer lost, and the row taken for that of a dead worker: only
        -- its holder can say that nothing was sent.
        answer := jsonb_build_object('verdict', 'lost', 'reason', coalesce(command.status, 'gone'),
          'attempt', (
            select a.attempt from safari_command_attempts a
             where a.command_id = (judged.item ->> 'id')::uuid and a.boot_id = worker_boot
               and a.lease_number = (judged.item ->> 'lease')::bigint
               and a.outcome = 'unknown' and a.resolved_at is null));
      when 'begun' then
        -- The same begin again: its answer was lost on the way to the worker.
        answer := jsonb_build_object('verdict', 'granted', 'attempt', earlier.attempt);
      when 'reached' then
        perform safari_restore(command, earlier);
        answer := jsonb_build_object('verdict', 'refused', 'reason',
                                     coalesce(earlier.outcome, 'in_flight'));
      when 'expired' then
        perform safari_fail_unsent(command, worker, 'expired', 'expired before it was sent', null);
        answer := jsonb_build_object('verdict', 'refused', 'reason', 'expired');
      when 'refused' then
        perform safari_fail_unsent(command, worker, judged.refusal, judged.error, null);
        answer := jsonb_build_object('verdict', 'refused', 'reason', judged.refusal);
      when 'unheard', 'doubtful' then
        -- The worker judges what they wrote and asks again; one of an older release cannot, and waits.
        if judged.finding = 'unheard' and judged.item ? 'hears' then
          answer := jsonb_build_object('verdict', 'unheard', 'contacts', judged.unheard);
        else
          update safari_command_queue q
             set status = 'pending', boot_id = null, lease_expires_at = null,
                 next_retry_at = now() + interval '1 minute', updated_at = now()
           where q.id = command.id;
          perform safari_record_event(command.id, 'waiting', worker, null, null,
                                      jsonb_build_object('reason', coalesce(judged.refusal, 'unheard')));
          answer := jsonb_build_object('verdict', 'wait', 'seconds', 60,
                                       'reason', coalesce(judged.refusal, 'unheard'));
        end if;
      when 'account' then
        -- Its person has heard from another account since it was claimed, or it was given to one.
        update safari_command_queue q
           set status = 'pending', boot_id = null, lease_expires_at = null,
               account = judged.sender, updated_at = now()
         where q.id = command.id;
        perform safari_record_event(
          command.id, 'waiting', worker, null, null,
          jsonb_build_object('reason', 'account', 'account', judged.sender));
        perform safari_call(array[command.service]);
        answer := jsonb_build_object('verdict', 'wait', 'reason', 'account', 'seconds', 0);
      when 'wait' then
        update safari_command_queue q
           set status = 'pending', boot_id = null, lease_expires_at = null, updated_at = now()
         where q.id = command.id;
        perform safari_record_event(command.id, 'waiting', worker, null, null,
                                    jsonb_build_object('reason', judged.wait_reason));
        answer := jsonb_build_object(
          'verdict', 'wait', 'reason', judged.wait_reason,
          'seconds', safari_seconds_until(coalesce(judged.until, 'infinity')));
    end case;
    answers := answers || (answer || jsonb_build_object('id', judged.item -> 'id'));
  end loop;
  if next_round <> '[]' then
    answers := answers || safari_begin_batch(worker_boot, worker, next_round, accounts, shared);
  end if;
  return answers;
end $$;
