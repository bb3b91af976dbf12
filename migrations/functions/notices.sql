-- Alerts to mail, Slack and others: each channel has its own pace, so that one that fails holds up
-- no other.

-- Hands out what a channel was not given yet of the last three days, oldest first, to one host at a time.
-- A new channel begins with the alerts from now on. Answers {now, alerts, wait_seconds}.
create or replace function public.safari_notices_claim(
  channel text, row_limit integer, seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  known safari_notice_channels;
  free_at timestamptz;
  claimed jsonb;
begin
  insert into safari_notice_channels as c (channel) values (safari_notices_claim.channel)
    on conflict on constraint safari_notice_channels_pkey do nothing;
  select * into known from safari_notice_channels c
   where c.channel = safari_notices_claim.channel for update;
  free_at := greatest(known.claimed_until, known.next_attempt_at);
  -- Nothing puts a channel off for longer but a clock that was ahead.
  if free_at > now() and free_at < now() + interval '1 day' then
    return jsonb_build_object(
      'now', now(), 'alerts', '[]'::jsonb, 'wait_seconds', safari_seconds_until(free_at));
  end if;
  select jsonb_agg(to_jsonb(n) order by n.id) into claimed from (
    select a.id, a.kind, a.detail, a.created_at from safari_alerts a
     where a.created_at >= greatest(known.since, now() - interval '3 days')
       and not exists (select from safari_notices n where n.alert_id = a.id and n.channel = known.channel)
     order by a.id limit row_limit) n;
  if claimed is not null then
    update safari_notice_channels c set claimed_until = now() + make_interval(secs => seconds)
     where c.channel = known.channel;
  end if;
  return jsonb_build_object('now', now(), 'alerts', coalesce(claimed, '[]'), 'wait_seconds', null);
end $$;

-- Stores what a channel was given, and why it was not given the rest, which waits longer each time, up to
-- a quarter of an hour. Where there is no Telegram, what was given is delivered.
create or replace function public.safari_notices_done(
  channel text, ids jsonb, error text default null, delivers boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into safari_notices (alert_id, channel)
    select i::bigint, safari_notices_done.channel from jsonb_array_elements_text(ids) i
     where exists (select from safari_alerts a where a.id = i::bigint) order by 1
    on conflict do nothing;
  if delivers then
    update safari_alerts a set delivered_at = now(), error = null
     where a.delivered_at is null
       and a.id in (select i::bigint from jsonb_array_elements_text(ids) i);
  end if;
  update safari_notice_channels c
     set claimed_until = null, error = left(safari_notices_done.error, 300),
         failures = case when safari_notices_done.error is null then 0
                         else least(c.failures, 1000000) + 1 end,
         next_attempt_at = case when safari_notices_done.error is not null then
           now() + make_interval(secs => least(900, 5 * 2 ^ least(c.failures, 10))) end
   where c.channel = safari_notices_done.channel;
  return to_jsonb(true);
end $$;

drop function if exists public.safari_notices_state();
