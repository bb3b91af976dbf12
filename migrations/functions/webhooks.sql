-- Result webhooks: each end of a command becomes a row of the outbox, while some host delivers them.

-- The body of a result, without the text and the recipient of what was sent: the caller knows them by
-- id, key or metadata.
create or replace function public.safari_webhook_body(command public.safari_command_queue) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'type', 'command.' || case when command.status = 'failed' and command.reason = 'unknown'
                               then 'unknown' else command.status end,
    'timestamp', clock_timestamp(),
    'data', jsonb_build_object(
      'id', command.id, 'action', command.action, 'platform', command.platform,
      'service', command.service, 'status', command.status, 'reason', command.reason,
      'error', left(command.error, 500), 'attempt', command.attempt,
      'result', case when pg_column_size(command.result) < 16000 then safari_shortened(command.result)
                     else jsonb_build_object('outcome', command.result -> 'outcome') end,
      'idempotency_key', command.idempotency_key, 'campaign_id', command.campaign_id,
      'batch_id', command.batch_id,
      'metadata', case when pg_column_size(command.metadata) < 16000
                       then safari_shortened(command.metadata) end,
      'created_at', command.created_at, 'completed_at', command.completed_at))
$$;

create or replace function public.safari_webhook_result() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from safari_webhook_state s where s.recorded_until > now())
     and new.service is distinct from 'foreign' then
    insert into safari_webhooks (command_id, body) values (new.id, safari_webhook_body(new));
  end if;
  return null;
end $$;

create or replace trigger safari_webhook_insert
  after insert on public.safari_command_queue
  for each row when (new.status in ('completed', 'failed', 'cancelled'))
  execute function public.safari_webhook_result();
create or replace trigger safari_webhook_update
  after update of status, reason on public.safari_command_queue
  for each row when (new.status in ('completed', 'failed', 'cancelled')
                     and (new.status, new.reason) is distinct from (old.status, old.reason))
  execute function public.safari_webhook_result();

-- Hands out results that are due, oldest first, each to one host; those of a host that died come back
-- after `seconds`. Ends are recorded for another week from now on. Answers {items, wait_seconds}.
create or replace function public.safari_webhooks_claim(row_limit integer, seconds double precision)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  kept_for constant interval := '7 days';
  items jsonb;
begin
  update safari_webhook_state s set recorded_until = now() + kept_for
   where s.recorded_until < now() + kept_for - interval '1 hour';
  with due as (
    select w.id from safari_webhooks w
     where w.delivered_at is null and w.dead_at is null and w.next_attempt_at <= now()
       and coalesce(w.claimed_until <= now(), true)
     order by w.next_attempt_at, w.id limit row_limit for update skip locked
  ), taken as (
    update safari_webhooks w
       set claimed_until = now() + make_interval(secs => seconds),
           attempts = least(greatest(w.attempts, 0), 1000000) + 1
      from due where w.id = due.id
    returning w.id, w.key, w.body, w.attempts
  )
  select jsonb_agg(to_jsonb(t) order by t.id) into items from taken t;
  return jsonb_build_object('items', coalesce(items, '[]'), 'wait_seconds', case when items is null then (
    select safari_seconds_until(min(greatest(w.next_attempt_at, w.claimed_until)))
      from safari_webhooks w where w.delivered_at is null and w.dead_at is null) end);
end $$;

-- Stores what came of deliveries, [{id, delivered, http_status, error, is_final, wait_seconds, untried}].
-- One that failed is tried again after 5 s, then four times as long each time up to 6 h; after ten
-- attempts, about a day, it is given up with an alert a day.
create or replace function public.safari_webhooks_done(results jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_attempts constant integer := 10;
  given_up integer;
begin
  with told as (
    select r.*, w.attempts
      from jsonb_to_recordset(results) as r (
             id bigint, delivered boolean, http_status integer, error text, is_final boolean,
             wait_seconds double precision, untried boolean)
      join safari_webhooks w on w.id = r.id and w.delivered_at is null
     order by w.id for update of w
  ), stored as (
    update safari_webhooks w
       set claimed_until = null, http_status = t.http_status,
           error = case when t.untried then w.error else left(t.error, 300) end,
           attempts = w.attempts - case when t.untried then 1 else 0 end,
           delivered_at = case when t.delivered then now() end,
           dead_at = case when not t.delivered and not coalesce(t.untried, false)
                               and (t.is_final or t.attempts >= most_attempts) then now() end,
           next_attempt_at = case when t.delivered then w.next_attempt_at else
             now() + make_interval(secs => greatest(coalesce(t.wait_seconds, 0),
               case when t.untried then 0
                    else least(21600, 5 * 4 ^ least(t.attempts - 1, 10)) * (0.9 + 0.2 * random()) end)) end
      from told t where w.id = t.id
    returning w.dead_at
  )
  select count(*) into given_up from stored s where s.dead_at is not null;
  if given_up > 0 then
    perform safari_alert(
      format('webhook_given_up:%s', safari_today()), 'webhook_given_up',
      jsonb_build_object('count', (select count(*) from safari_webhooks w where w.dead_at is not null),
                         'error', results -> 0 ->> 'error'));
  end if;
  return jsonb_build_object('given_up', given_up);
end $$;

-- Counts of the outbox, and its last rows, newest first: {waiting, delivered, given_up, rows}. `state` is
-- waiting, delivered or given_up.
create or replace function public.safari_webhooks(state text default null, row_limit integer default 20)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with named as (
    select w.*, case when w.delivered_at is not null then 'delivered'
                     when w.dead_at is not null then 'given_up' else 'waiting' end as state
      from safari_webhooks w
  )
  select jsonb_build_object(
    'waiting', (select count(*) from named n where n.state = 'waiting'),
    'delivered', (select count(*) from named n where n.state = 'delivered'),
    'given_up', (select count(*) from named n where n.state = 'given_up'),
    'rows', coalesce((
      select jsonb_agg(to_jsonb(l) order by l.id desc) from (
        select n.id, n.key, n.command_id, n.body ->> 'type' as type, n.state, n.attempts,
               n.http_status, n.error, n.created_at, n.delivered_at,
               case when n.state = 'waiting' then n.next_attempt_at end as next_attempt_at
          from named n where safari_webhooks.state is null or n.state = safari_webhooks.state
         order by n.id desc limit least(greatest(row_limit, 1), 1000)) l), '[]'))
$$;

-- Makes results due at once, with all their attempts: those that were given up, or the one of a key,
-- delivered or not.
create or replace function public.safari_webhooks_retry(key text default null) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  due integer;
begin
  update safari_webhooks w
     set dead_at = null, delivered_at = null, attempts = 0, next_attempt_at = now(),
         claimed_until = null
   where case when safari_webhooks_retry.key is null then w.dead_at is not null
              else w.key = safari_webhooks_retry.key end;
  get diagnostics due = row_count;
  if due = 0 and key is not null then
    raise no_data_found using message = format('there is no result %s', left(key, 60));
  end if;
  return jsonb_build_object('due', due);
end $$;
