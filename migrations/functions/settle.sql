-- Unknown outcomes, settled by looking where the text should stand.

-- Where a person looks for what a command sent.
create or replace function public.safari_place(service text, recipient text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select case service
           when 'instagram-dm' then 'https://www.instagram.com/direct/inbox/'
           when 'twitter-dm' then 'https://x.com/messages'
           when 'tiktok-dm' then 'https://www.tiktok.com/messages'
           when 'twitter-comments' then coalesce(recipient, 'https://x.com/home')
           else recipient
         end;
$$;

-- Whether a look at an unknown outcome is still to come: a day long, three times at most.
create or replace function public.safari_is_unsettled() returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (
    select from safari_command_queue q
      join safari_command_attempts a on a.command_id = q.id
     where q.status = 'failed' and q.reason = 'unknown'
       and a.outcome = 'unknown' and a.resolved_at is null
       and a.looks < 3
       and greatest(a.begun_at, a.next_look_at) > clock_timestamp() - interval '1 day')
$$;

-- Unknown outcomes whose service has come to rest and at which a look is due, each for the caller
-- alone until its next look: [{id, attempt, service, action, platform, params, recipient, begun_at,
-- looks, was_sent_before}]. `rest` is {service: seconds} after the attempt; `only` names one command,
-- which is looked at now, however often it was before. Only those that were sent by one of the caller's
-- accounts, {platform: account}: nobody else sees where they stand.
drop function if exists public.safari_claim_looks(jsonb, double precision, uuid, integer);
create or replace function public.safari_claim_looks(
  rest jsonb, again_seconds double precision, only_id uuid default null, most integer default 5,
  accounts jsonb default '{}'
) returns jsonb
language sql set search_path = public, pg_temp as $$
  with due as (
    select a.command_id, a.attempt
      from safari_command_attempts a
      join safari_command_queue q on q.id = a.command_id
     where a.outcome = 'unknown' and a.resolved_at is null
       and q.status = 'failed' and q.reason = 'unknown'
       and rest ? a.service
       and a.account = safari_account_on(accounts, (
         select s.platform from safari_services s where s.service = a.service))
       and coalesce(a.finished_at, a.begun_at)
             + make_interval(secs => (rest ->> a.service)::double precision) <= clock_timestamp()
       and (a.command_id = only_id
            or only_id is null and a.looks < 3
               and coalesce(a.next_look_at, a.begun_at) <= clock_timestamp()
               and greatest(a.begun_at, a.next_look_at) > clock_timestamp() - interval '1 day')
     order by coalesce(a.next_look_at, a.begun_at) limit most
       for update of a skip locked
  ), looked as (
    update safari_command_attempts a
       set looks = a.looks + 1, looked_at = clock_timestamp(),
           next_look_at = clock_timestamp() + make_interval(secs => again_seconds)
      from due where a.command_id = due.command_id and a.attempt = due.attempt
    returning a.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', q.id, 'attempt', l.attempt, 'service', l.service, 'action', q.action,
           'platform', q.platform, 'params', q.params, 'recipient', l.recipient,
           'begun_at', l.begun_at, 'looks', l.looks,
           'was_sent_before', exists (
             select from safari_command_attempts earlier
              where earlier.service = l.service and earlier.recipient = l.recipient
                and earlier.text_hash = l.text_hash and earlier.begun_at < l.begun_at
                and (earlier.outcome is null or earlier.outcome in ('sent', 'unknown')))
         ) order by l.begun_at), '[]')
    from looked l join safari_command_queue q on q.id = l.command_id;
$$;

-- Has the next look of a host with Safari be at this unknown outcome, however often it was looked for.
create or replace function public.safari_look_again(id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  update safari_command_attempts a
     set next_look_at = clock_timestamp(), looks = least(a.looks, 2)
   where a.command_id = command.id and a.outcome = 'unknown' and a.resolved_at is null
     and command.status = 'failed' and command.reason = 'unknown';
  if not found then
    raise object_not_in_prerequisite_state using
      message = format('the outcome of command %s is not unknown but %s', command.id,
                       coalesce(command.reason, command.status));
  end if;
  perform safari_record_event(command.id, 'look_asked', null, null, null, null);
  perform safari_wake();
  return jsonb_build_object('id', command.id);
end $$;

-- Stores what a look saw. `found` completes the command; `gone` (looked for as often as it is going
-- to be, where its absence proves that it was not sent) settles it as not sent; anything else keeps
-- it unknown, with when and where was looked. Says what happened to the command.
create or replace function public.safari_record_look(
  id uuid, attempt integer, verdict text, detail text default null, address text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  looked safari_command_attempts;
  seen jsonb;
begin
  select * into looked from safari_command_attempts a
   where a.command_id = safari_record_look.id and a.attempt = safari_record_look.attempt
     and a.outcome = 'unknown' and a.resolved_at is null;
  if not found then
    return jsonb_build_object('id', safari_record_look.id, 'settled', null);
  end if;
  seen := jsonb_strip_nulls(jsonb_build_object(
    'verdict', verdict, 'at', looked.looked_at, 'times', looked.looks, 'detail', detail,
    'address', coalesce(address, safari_place(looked.service, looked.recipient))));
  if verdict in ('found', 'gone') then
    perform safari_resolve(safari_record_look.id, case verdict when 'found' then 'sent' else 'not-sent' end);
    update safari_command_queue q
       set result = coalesce(q.result, '{}') || jsonb_build_object('looked', seen)
             || case verdict when 'found'
                  then '{"verification": "seen", "verified": true, "settled_by": "reading"}'::jsonb
                  else '{"settled_by": "reading"}'::jsonb end,
           error = case verdict when 'gone' then 'settled by reading: it was not sent' end
     where q.id = safari_record_look.id;
    perform safari_alert(format('settled:%s:%s', looked.command_id, looked.attempt), 'settled',
      jsonb_build_object('command_id', looked.command_id, 'service', looked.service,
                         'recipient', looked.recipient, 'verdict', verdict,
                         'place', seen ->> 'address'));
  else
    update safari_command_queue q
       set result = coalesce(q.result, '{}') || jsonb_build_object('looked', seen)
     where q.id = safari_record_look.id;
  end if;
  perform safari_record_event(safari_record_look.id, 'looked', null, looked.attempt, null, seen);
  return jsonb_build_object('id', safari_record_look.id, 'looked', seen,
    'settled', case verdict when 'found' then 'sent' when 'gone' then 'not_sent' end);
end $$;
