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

-- Why a service must not act now (paused | hours | quota | pace) and until when; reason is null when it
-- can. A service that acts on several platforms names the one of the command: a pause of it counts too.
-- Each rule is one branch of the case, the first that holds wins. The planner inlines this function
-- into the query that calls it, so that the gates of all services cost one statement.
drop function if exists public.safari_gate(text, text);
create or replace function public.safari_service_gate(service text, acts_on text default null)
returns table (reason text, until timestamptz)
language sql stable as $$
  select rule.reason,
         case rule.reason
           when 'paused' then pause.until
           when 'hours' then safari_hours_begin(policy)
           when 'quota' then (safari_today() + 1)::timestamp at time zone 'utc'
           when 'pace' then counter.next_action_at
         end
    from (select safari_service_gate.service as name) asked
    left join safari_services owner on owner.service = asked.name
    left join safari_policies policy
      on policy.platform = owner.platform and policy.kind = owner.kind
    -- The pace outlives midnight, the count does not: the newest row has both.
    left join lateral (
      select r.limit_date, r.used, r.next_action_at from safari_rate_limits r
       where r.platform = owner.platform and r.action = owner.kind
       order by r.limit_date desc limit 1) counter on true
    left join lateral (
      select max(p.until) as until from safari_pauses p
       where p.platform in ('all', owner.platform, safari_service_gate.acts_on) and p.until > now()) pause
      on true
   cross join lateral (
     select case
       when pause.until is not null then 'paused'
       when owner.kind is null then null
       when not safari_within_hours(policy) then 'hours'
       when coalesce(policy.daily_limit, 0) <= 0
            or (counter.limit_date = safari_today() and counter.used >= policy.daily_limit) then 'quota'
       when counter.next_action_at > now() then 'pace'
     end as reason
     offset 0) rule
$$;

-- Tells a person once; the key says what "the same trouble" is.
create or replace function public.safari_alert(key text, kind text, detail jsonb) returns void
language sql set search_path = public, pg_temp as $$
  insert into safari_alerts (key, kind, detail) values (key, kind, detail)
  on conflict on constraint safari_alerts_key_key do nothing
$$;
