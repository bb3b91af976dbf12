-- How the actions of a day are spread: limits in force, the end of a window, the pause after an action.

-- The limits in force: a limit that nobody set is never wider than the service's own, and a young
-- account begins with a share of it. A null is no limit.
drop function if exists public.safari_limits_in_force(public.safari_policies, public.safari_services);
create or replace function public.safari_limits_of(
  policy public.safari_policies, owner public.safari_services
)
returns table (daily integer, hourly integer, rolling integer, weekly integer)
language sql stable as $$
  -- No action of the past shows that nothing at all is allowed.
  select case when least(l.hourly, l.rolling, l.weekly) <= 0 then 0 else l.daily end,
         l.hourly, l.rolling, l.weekly
    from (select ceil(ramp.share * own.daily)::integer as daily,
                 coalesce(policy.hourly_limit, case
                   when not (policy.daily_is_set and policy.daily_limit > owner.own_daily_limit)
                     then owner.own_hourly_limit end) as hourly,
                 ceil(ramp.share * least(policy.rolling_limit, own.daily))::integer as rolling,
                 ceil(ramp.share * policy.weekly_limit)::integer as weekly
            from (select case when policy.daily_is_set then policy.daily_limit
                              else least(policy.daily_limit, owner.own_daily_limit)
                         end as daily) own,
                 (select case
                    when policy.ramp_days > 0 and policy.ramp_from is not null
                      then greatest(0, least(1,
                        (floor(extract(epoch from now() - policy.ramp_from) / 86400) + 1)
                        ::double precision / policy.ramp_days))
                    else 1 end as share) ramp
          offset 0) l
$$;

-- When the active hours that are running end; those that never end are taken day by day.
create or replace function public.safari_hours_end(policy public.safari_policies) returns timestamptz
language plpgsql stable as $$
declare
  zone constant text := coalesce(policy.time_zone, 'UTC');
  here constant timestamp := now() at time zone zone;
  ends timestamp := date_trunc('day', here) + make_interval(hours => policy.active_to);
begin
  if policy.active_from = policy.active_to then
    ends := date_trunc('day', here) + interval '1 day';
  elsif ends <= here then
    ends := ends + interval '1 day';
  end if;
  return ends at time zone zone;
end $$;

-- When the active hours that are running began, by the clock of their zone; those that never end began
-- with the day.
create or replace function public.safari_hours_began(policy public.safari_policies)
returns timestamptz
language plpgsql stable as $$
declare
  zone constant text := coalesce(policy.time_zone, 'UTC');
  ends constant timestamp := safari_hours_end(policy) at time zone zone;
begin
  return (case when policy.active_from = policy.active_to then ends - interval '1 day'
               else date_trunc('day', ends - interval '1 second')
                    - case when policy.active_from > policy.active_to then interval '1 day'
                           else interval '0' end
                    + make_interval(hours => policy.active_from) end) at time zone zone;
end $$;

-- The latest time that the clock can have written. A later one was written while the clock was ahead, as
-- that of a host can be after a start; it must not keep a service waiting until that time has come. The
-- margin is longer than a transaction lasts: others have begun since.
create or replace function public.safari_clock_limit() returns timestamptz
language sql stable as $$ select now() + interval '10 minutes' $$;

-- The next action by a counter, or null where the gap cannot have set it: another clock did.
create or replace function public.safari_pace_until(
  next_action_at timestamptz, min_gap_seconds double precision
) returns timestamptz
language sql stable as $$
  select case when next_action_at < safari_clock_limit()
                                    + make_interval(secs => 2 * coalesce(min_gap_seconds, 0))
              then next_action_at end
$$;

-- When the nth of the latest actions of a service by an account began, or null; the first is the latest.
drop function if exists public.safari_nth_action(text, integer);
create or replace function public.safari_nth_action(
  service text, nth integer, account text default 'default'
) returns timestamptz
language plpgsql stable as $$
begin
  return (select a.begun_at from safari_command_attempts a
           where a.service = safari_nth_action.service and a.account = safari_nth_action.account
             and a.quota_day is not null and a.begun_at < safari_clock_limit()
           order by a.begun_at desc offset greatest(nth - 1, 0) limit 1);
end $$;

-- Until when a service pauses after its last action: the gap from its end, with jitter up to twice
-- that, and where the day is spread its share of what is left of the hours; `remaining` is what the
-- limit of the UTC day has left. The jitter hangs on
-- the action, so that everybody who asks gets one answer.
drop function if exists public.safari_paused_until(text, public.safari_policies, integer);
create or replace function public.safari_paused_until(
  service text, policy public.safari_policies, remaining integer, account text default 'default'
) returns timestamptz
language plpgsql stable as $$
declare
  last record;
  jitter double precision;
  ends timestamptz;
  until timestamptz;
  began timestamptz;
  ahead integer;
begin
  if policy.min_gap_seconds = 0 and not policy.spread then
    return null;
  end if;
  select coalesce(case when a.finished_at < safari_clock_limit() then a.finished_at end, a.begun_at) as ended,
         a.command_id into last
    from safari_command_attempts a
   where a.service = safari_paused_until.service and a.account = safari_paused_until.account
     and a.quota_day is not null and a.begun_at < safari_clock_limit()
   order by a.begun_at desc limit 1;
  if last.ended is null then
    return null;
  end if;
  jitter := (hashtext(last.command_id::text) & 65535) / 65535.0;
  until := last.ended + make_interval(secs => policy.min_gap_seconds * (1 + jitter));
  if not policy.spread then
    return until;
  end if;
  ends := safari_hours_end(policy);
  began := safari_hours_began(policy);
  if last.ended >= began and last.ended < ends then
    -- The limit counts by UTC days, which may begin within the hours; what is spread is a window's.
    select count(*) filter (where a.quota_day = safari_today())
           - count(*) filter (where a.begun_at >= began) into ahead
      from safari_command_attempts a
     where a.service = safari_paused_until.service and a.account = safari_paused_until.account
       and a.quota_day is not null and a.begun_at < safari_clock_limit()
       and a.begun_at >= least(began, safari_today()::timestamp at time zone 'utc');
    -- Between 0.85 and 1.15 of an even share: no two come closer than half the mean.
    until := greatest(until, last.ended + (ends - last.ended) / greatest(remaining + ahead + 1, 1)
                                          * (0.85 + 0.3 * jitter));
  end if;
  return until;
end $$;
