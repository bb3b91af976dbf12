-- What a person can do to a command, a platform or the backlog. An id that is not there raises
-- no_data_found; a state that does not allow the request raises object_not_in_prerequisite_state.

create or replace function public.safari_locked(id uuid) returns public.safari_command_queue
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue;
begin
  select * into command from safari_command_queue q where q.id = safari_locked.id for update;
  if not found then
    raise no_data_found using message = format('there is no command %s', id);
  end if;
  return command;
end $$;

-- Cancels a command that has not begun.
create or replace function public.safari_cancel(id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  if command.status not in ('pending', 'running') then
    raise object_not_in_prerequisite_state using
      message = format('command %s is %s already', command.id, command.status);
  elsif command.service = 'foreign' then
    raise object_not_in_prerequisite_state using
      message = format('command %s belongs to another consumer of the table', command.id);
  elsif exists (select from safari_command_attempts a
                 where a.command_id = command.id and a.outcome is null) then
    raise object_not_in_prerequisite_state using
      message = format('command %s is being sent', command.id);
  end if;
  update safari_command_queue q
     set status = 'cancelled', boot_id = null, lease_expires_at = null, reason = 'cancelled',
         result = jsonb_build_object('outcome', 'cancelled'),
         completed_at = now(), updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, 'cancelled', null, null, null, null);
  return jsonb_build_object('id', command.id, 'status', 'cancelled');
end $$;

-- Settles an unknown outcome by what a person saw. `sent` completes the command; `not-sent` leaves it
-- failed and gives the quota back to the day it was taken from; --retry sends it again.
create or replace function public.safari_resolve(id uuid, verdict text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue;
  doubtful safari_command_attempts;
begin
  if verdict not in ('sent', 'not-sent') then
    raise invalid_parameter_value using message = 'the verdict is sent or not-sent';
  end if;
  command := safari_locked(id);
  select * into doubtful from safari_command_attempts a
   where a.command_id = command.id and a.outcome = 'unknown'
   order by a.attempt desc limit 1 for update;
  if not found and not (command.status = 'failed' and command.reason = 'unknown') then
    raise object_not_in_prerequisite_state using
      message = format('the outcome of command %s is not unknown', command.id);
  end if;
  update safari_command_attempts a
     set outcome = case verdict when 'sent' then 'sent' else 'not_sent' end,
         resolved_at = now(),
         quota_day = case verdict when 'sent' then a.quota_day end
   where a.command_id = command.id and a.outcome = 'unknown';
  if verdict = 'not-sent' and doubtful.quota_day is not null then
    update safari_rate_limits r set used = greatest(r.used - 1, 0), updated_at = now()
     where r.platform = doubtful.quota_platform and r.action = doubtful.quota_kind
       and r.limit_date = doubtful.quota_day and r.account = doubtful.account;
  end if;
  update safari_command_queue q
     set status = case verdict when 'sent' then 'completed' else 'failed' end,
         reason = case verdict when 'sent' then null else 'not_sent' end,
         error = case verdict when 'sent' then null else 'settled by hand: it was not sent' end,
         result = coalesce(q.result, '{}') || jsonb_build_object(
           'outcome', replace(verdict, '-', '_'), 'resolved', true),
         completed_at = now(), updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, 'resolved', null, doubtful.attempt, null,
                              jsonb_build_object('verdict', verdict));
  return jsonb_build_object('id', command.id, 'verdict', verdict);
end $$;

-- Makes a failed row pending again with its retries anew; the caller holds its lock.
create or replace function public.safari_requeue(id uuid) returns void
language sql set search_path = public, pg_temp as $$
  update safari_command_queue q
     set status = 'pending', retry_count = 0, crash_count = 0, next_retry_at = null,
         reason = null, error = null, result = null, completed_at = null, updated_at = now()
   where q.id = safari_requeue.id;
  select safari_record_event(id, 'requeued', null, null, null, null);
$$;

create or replace function public.safari_retry(id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  if command.status not in ('failed', 'cancelled') or command.service = 'foreign' then
    raise object_not_in_prerequisite_state using
      message = format('command %s is %s; only failed and cancelled ones are retried',
                       command.id, command.status);
  elsif command.reason = 'unknown' then
    raise object_not_in_prerequisite_state using
      message = format('command %s may have been sent: settle it first with bin/queue resolve', command.id);
  end if;
  perform safari_requeue(command.id);
  notify safari_commands;
  return jsonb_build_object('id', command.id, 'status', 'pending');
end $$;

-- Requeues rows whose retries ran out on transient errors; `first_time_only` passes over those that
-- were requeued before, as a schedule wants it.
create or replace function public.safari_retry_failed(first_time_only boolean default false)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  requeued integer;
begin
  with again as (
    select q.id from safari_command_queue q
     where q.status = 'failed' and q.reason = 'retries_exhausted' and q.service <> 'foreign'
       and not (first_time_only and exists (
         select from safari_command_events e
          where e.command_id = q.id and e.event = 'requeued'))
     order by q.id for update skip locked
  )
  select count(*) into requeued from again, lateral safari_requeue(again.id);
  notify safari_commands;
  return jsonb_build_object('requeued', requeued);
end $$;

-- Calls every worker that listens.
create or replace function public.safari_wake() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  notify safari_commands;
  return to_jsonb(true);
end $$;

-- Pauses one platform or all, for one account or, without a name, for all.
drop function if exists public.safari_pause(text, double precision, text);
create or replace function public.safari_pause(
  platform text, seconds double precision default null, note text default null,
  account text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ends timestamptz := coalesce(now() + make_interval(secs => seconds), 'infinity');
begin
  if platform <> 'all'
     and not exists (select from safari_services s where s.platform = safari_pause.platform) then
    raise invalid_parameter_value using message = format('there is no platform %s', platform);
  end if;
  insert into safari_pauses as p (platform, account, until, note)
    values (safari_pause.platform, safari_account_name(safari_pause.account), ends,
            safari_pause.note)
    on conflict on constraint safari_pauses_pkey
      do update set until = excluded.until, note = excluded.note, created_at = now();
  return jsonb_strip_nulls(jsonb_build_object('platform', platform, 'until', ends,
    'account', nullif(safari_account_name(account), '')));
end $$;

drop function if exists public.safari_resume(text);
create or replace function public.safari_resume(platform text, account text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  resumed integer;
begin
  -- Resuming everything lifts every pause; resuming one platform or account lifts its own.
  delete from safari_pauses p
   where (p.platform = safari_resume.platform or safari_resume.platform = 'all')
     and (safari_resume.account is null or p.account = safari_account_name(safari_resume.account));
  get diagnostics resumed = row_count;
  notify safari_commands;
  return jsonb_build_object('resumed', resumed);
end $$;

-- Adds a name in any spelling to the do-not-contact list, or removes it.
create or replace function public.safari_block_contact(
  platform text, recipient text, blocked boolean, note text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  is_mailbox constant boolean := platform = 'gmail' or (platform = 'all' and position('@' in recipient) > 1);
  name constant text := case
    when is_mailbox then (safari_address('gmail', recipient)).name
    -- An address says on which platform it is.
    when platform <> 'all' or position('/' in recipient) = 0
      then safari_listed_name(platform, recipient) end;
  was_blocked boolean;
begin
  -- What stands on the list from before it was checked can be removed.
  recipient := coalesce(name, case when not blocked then recipient end);
  if recipient is null and is_mailbox then
    raise invalid_parameter_value using message = 'not a mailbox; give name@example.com';
  elsif recipient is null then
    raise invalid_parameter_value using message = format(
      'not a username of %s; give a handle or the address of a profile, and one platform for an address',
      platform);
  end if;
  was_blocked := exists (
    select from safari_do_not_contact d
     where d.platform = safari_block_contact.platform
       and d.recipient = safari_block_contact.recipient);
  if blocked then
    insert into safari_do_not_contact (platform, recipient, note)
      values (safari_block_contact.platform, safari_block_contact.recipient,
              safari_block_contact.note)
      on conflict on constraint safari_do_not_contact_pkey do update set note = excluded.note;
  else
    delete from safari_do_not_contact d
     where d.platform = safari_block_contact.platform
       and d.recipient = safari_block_contact.recipient;
  end if;
  return jsonb_build_object('platform', platform, 'recipient', recipient, 'blocked', blocked,
                            'was_blocked', was_blocked);
end $$;

-- Stores the policy of one account: what is absent follows that of its platform. One that goes back to
-- the settings (by_person = false) has nothing set by hand any more.
create or replace function public.safari_configure_account(policy jsonb) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  c record;
  known jsonb;
begin
  select r.platform, r.kind, safari_account_name(r.account) as account, r.by_person, r.daily_limit,
         coalesce(r.daily_is_set, r.daily_limit is not null or null) as daily_is_set, r.ramp_days
    into c
    from jsonb_to_record(policy) as r (
      platform text, kind text, account text, by_person boolean, daily_limit integer,
      daily_is_set boolean, ramp_days integer);
  if c.by_person = false then
    delete from safari_account_policies p
     where p.platform = c.platform and p.kind = c.kind and p.account = c.account;
    return;
  end if;
  insert into safari_account_policies (platform, kind, account)
    values (c.platform, c.kind, c.account)
    on conflict on constraint safari_account_policies_pkey do update set updated_at = now()
    returning changes into known;
  -- A limit that an operator has set stays, whatever the start of a host says.
  if c.by_person is null and (known ->> 'limit_by_person')::boolean then
    policy := policy - 'daily_limit';
    c.daily_is_set := null;
  end if;
  update safari_account_policies p
     set changes = known
           || jsonb_strip_nulls(policy - array['platform', 'kind', 'account', 'by_person',
                                               'daily_is_set', 'default_time_zone'])
           || jsonb_strip_nulls(jsonb_build_object(
                'limit_by_person', c.by_person, 'daily_is_set', c.daily_is_set,
                'ramp_from', case when c.ramp_days > 0 then now() end))
   where p.platform = c.platform and p.kind = c.kind and p.account = c.account;
end $$;

-- Stores policies [{platform, kind, daily_limit, min_gap_seconds, active_from, active_to,
-- time_zone, default_time_zone, by_person, hourly_limit, rolling_limit, weekly_limit, weekdays [1 to 7],
-- ramp_days, spread}] and settings {key: value}; what is absent or null stays as
-- it is, and the default zone is taken where none was ever named. With an account they are of that one
-- alone, which follows those of all until it gets its own. A limit that was set by_person stays
-- until it is given up by_person = false: the start of a host, which says neither, leaves it alone.
create or replace function public.safari_configure(policies jsonb, settings jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  -- A zone that this server does not know would make every gate fail.
  perform now() at time zone c.zone
    from jsonb_to_recordset(policies) as z (time_zone text, default_time_zone text),
         unnest(array[z.time_zone, z.default_time_zone]) as c (zone)
   where c.zone is not null;
  perform safari_configure_account(c) from jsonb_array_elements(policies) c
    where safari_account_name(c ->> 'account') <> '';
  update safari_policies p
     set daily_limit = case when p.limit_by_person and c.by_person is null then p.daily_limit
                            else coalesce(c.daily_limit, p.daily_limit) end,
         limit_by_person = coalesce(c.by_person, p.limit_by_person),
         -- Going back to the settings means following the service's own limit again.
         daily_is_set = case
           when c.by_person = false then coalesce(c.daily_is_set, false)
           when p.limit_by_person and c.by_person is null then p.daily_is_set
           else coalesce(c.daily_is_set, c.daily_limit is not null or null, p.daily_is_set) end,
         hourly_limit = case when c.by_person = false then c.hourly_limit
                             else coalesce(c.hourly_limit, p.hourly_limit) end,
         rolling_limit = case when c.by_person = false then c.rolling_limit
                              else coalesce(c.rolling_limit, p.rolling_limit) end,
         weekly_limit = case when c.by_person = false then c.weekly_limit
                             else coalesce(c.weekly_limit, p.weekly_limit) end,
         weekdays = case when c.by_person = false then null
                         when c.weekdays is not null then array(
                           select d::smallint from jsonb_array_elements_text(c.weekdays) d)
                         else p.weekdays end,
         ramp_days = case when c.by_person = false then 0 else coalesce(c.ramp_days, p.ramp_days) end,
         ramp_from = case when c.by_person = false or c.ramp_days = 0 then null
                          when c.ramp_days is not null then now() else p.ramp_from end,
         spread = case when c.by_person = false then false else coalesce(c.spread, p.spread) end,
         min_gap_seconds = coalesce(c.min_gap_seconds, p.min_gap_seconds),
         active_from = coalesce(c.active_from, p.active_from),
         active_to = coalesce(c.active_to, p.active_to),
         time_zone = coalesce(c.time_zone, p.time_zone, c.default_time_zone),
         updated_at = now()
    from jsonb_to_recordset(policies) as c (
      platform text, kind text, daily_limit integer, min_gap_seconds double precision,
      active_from smallint, active_to smallint, time_zone text, default_time_zone text,
      by_person boolean, daily_is_set boolean, hourly_limit integer, rolling_limit integer,
      weekly_limit integer, weekdays jsonb, ramp_days integer, spread boolean, account text)
   where p.platform = c.platform and p.kind = c.kind and safari_account_name(c.account) = '';
  insert into safari_settings as s (key, value)
    select e.key, e.value from jsonb_each(settings) e where e.value <> 'null'
    on conflict on constraint safari_settings_pkey
      do update set value = excluded.value, updated_at = now() where s.value <> excluded.value;
  notify safari_commands;
  return jsonb_build_object(
    'policies', (select jsonb_agg(to_jsonb(p) order by p.platform, p.kind) from safari_policies p),
    'settings', (select jsonb_object_agg(s.key, s.value) from safari_settings s));
end $$;

-- Removes what is past its age, a batch at a time; answers how many of each. Attempts and keys stay a
-- year longer than the rows they guard.
create or replace function public.safari_prune(
  keep_days integer default 90, batch integer default 5000
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  horizon timestamptz := now() - make_interval(days => keep_days);
  guard_horizon timestamptz := horizon - interval '1 year';
  counts jsonb := '{}';
  removed integer;
begin
  delete from safari_command_queue q where q.id in (
    select id from safari_command_queue
     where status in ('completed', 'failed', 'cancelled') and completed_at < horizon
       and service <> 'foreign' and reason is distinct from 'unknown'
     limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('commands', removed);
  delete from safari_command_events e where e.id in (
    select id from safari_command_events
     where at < least(horizon, now() - safari_event_retention()) order by id limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('events', removed);
  delete from safari_command_attempts a where (a.command_id, a.attempt) in (
    select command_id, attempt from safari_command_attempts
     where begun_at < guard_horizon and outcome is not null limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('attempts', removed);
  delete from safari_idempotency_keys k where k.key in (
    select key from safari_idempotency_keys where created_at < guard_horizon limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('keys', removed);
  delete from safari_alerts a where a.id in (
    select id from safari_alerts where delivered_at < horizon limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('alerts', removed);
  delete from safari_webhooks w
   where coalesce(w.delivered_at, w.dead_at) < least(horizon, now() - interval '7 days');
  delete from safari_telegram_presses p where p.at < horizon;
  delete from safari_operator_actions o where o.at < guard_horizon;
  delete from safari_workers w where w.seen_at < horizon;
  delete from safari_health_hours h where h.hour < now() - interval '7 days';
  delete from safari_rate_limits r where r.limit_date < horizon::date - 365;
  return counts;
end $$;
