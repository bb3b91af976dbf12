-- Whether a service may act now, and if not, why and until when.
--
-- What runs for every command is plpgsql, whose plans are kept, and leaves search_path to its
-- caller, since setting it costs as much as a small statement.

-- The next moment at which active hours begin, seen from their own time zone.
create or replace function public.safari_hours_begin(policy public.safari_policies)
returns timestamptz
language sql stable set search_path = public, pg_temp as $$
  select (day + make_interval(hours => policy.active_from)) at time zone zone
    from (select coalesce(policy.time_zone, 'UTC') as zone) z,
         lateral (select date_trunc('day', now() at time zone zone) as today) t,
         lateral (select case when extract(hour from now() at time zone zone) < policy.active_from
                              then today else today + interval '1 day' end as day) d
$$;

create or replace function public.safari_within_hours(policy public.safari_policies)
returns boolean
language plpgsql stable as $$
declare
  hour_now constant numeric := extract(hour from now() at time zone coalesce(policy.time_zone, 'UTC'));
begin
  if policy.active_from < policy.active_to then
    return hour_now >= policy.active_from and hour_now < policy.active_to;
  elsif policy.active_from > policy.active_to then
    return hour_now >= policy.active_from or hour_now < policy.active_to;
  end if;
  return true;
end $$;

create or replace function public.safari_today() returns date
language sql stable as $$ select (now() at time zone 'utc')::date $$;

-- Answers reason (paused | hours | quota | pace) and until; reason is null when the service may act.
-- A platform is named where a service acts on several: a pause of it counts too.
create or replace function public.safari_gate(
  service text, acts_on text default null, out reason text, out until timestamptz
)
language plpgsql stable as $$
declare
  owner safari_services;
  policy safari_policies;
  today safari_rate_limits;
begin
  select * into owner from safari_services s where s.service = safari_gate.service;

  select 'paused', p.until into reason, until
    from safari_pauses p
   where p.platform in ('all', owner.platform, acts_on) and p.until > now()
   order by p.until desc
   limit 1;
  if found or owner.kind is null then
    return;
  end if;

  select * into policy from safari_policies p
   where p.platform = owner.platform and p.kind = owner.kind;
  if not safari_within_hours(policy) then
    reason := 'hours';
    until := safari_hours_begin(policy);
    return;
  end if;

  -- The pace outlives midnight, the count does not: the newest row tells both.
  select * into today from safari_rate_limits r
   where r.platform = owner.platform and r.action = owner.kind
   order by r.limit_date desc
   limit 1;
  if policy.daily_limit <= 0
     or (today.limit_date = safari_today() and today.used >= policy.daily_limit) then
    reason := 'quota';
    until := (safari_today() + 1)::timestamp at time zone 'utc';
  elsif today.next_action_at > now() then
    reason := 'pace';
    until := today.next_action_at;
  end if;
end $$;

-- Tells a person once; the key says what "the same trouble" is.
create or replace function public.safari_alert(key text, kind text, detail jsonb) returns void
language sql set search_path = public, pg_temp as $$
  insert into safari_alerts (key, kind, detail) values (key, kind, detail)
  on conflict on constraint safari_alerts_key_key do nothing
$$;
