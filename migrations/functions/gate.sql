-- Whether a service may act now, and if not, why and until when.
--
-- What runs for every command is SQL that the planner inlines, or a cached plan of plpgsql; each
-- expression of plpgsql is set up anew in every transaction. It leaves search_path to its caller, since
-- setting it, too, costs as much as a small statement, and a function that sets it is not inlined.

-- The next moment at which active hours begin, seen from their own time zone: of the next day on which
-- there are any.
create or replace function public.safari_hours_begin(policy public.safari_policies)
returns timestamptz
language sql stable set search_path = public, pg_temp as $$
  select min(at.begins) from (
    select (date_trunc('day', now() at time zone z.zone) + make_interval(days => n,
              hours => case when policy.active_from = policy.active_to then 0
                            else policy.active_from end)) as local, z.zone
      from (select coalesce(policy.time_zone, 'UTC') as zone) z, generate_series(0, 7) n) d,
    lateral (select d.local at time zone d.zone as begins) at
   where at.begins > now()
     and (policy.weekdays is null or extract(isodow from d.local) = any (policy.weekdays))
$$;

-- The clock on the wall where a policy counts its hours.
create or replace function public.safari_local_time(policy public.safari_policies) returns timestamp
language sql stable as $$ select now() at time zone coalesce(policy.time_zone, 'UTC') $$;

-- Hours over midnight belong to the weekday on which they begin.
create or replace function public.safari_within_hours(policy public.safari_policies)
returns boolean
language sql stable as $$
  select case
    when policy.weekdays is not null and extract(isodow from case
           when policy.active_from > policy.active_to
                and extract(hour from safari_local_time(policy)) < policy.active_to
             then safari_local_time(policy) - interval '1 day'
           else safari_local_time(policy) end) <> all (policy.weekdays) then false
    when policy.active_from < policy.active_to then
      extract(hour from safari_local_time(policy)) >= policy.active_from
      and extract(hour from safari_local_time(policy)) < policy.active_to
    when policy.active_from > policy.active_to then
      extract(hour from safari_local_time(policy)) >= policy.active_from
      or extract(hour from safari_local_time(policy)) < policy.active_to
    else true end
$$;

create or replace function public.safari_today() returns date
language sql stable as $$ select (now() at time zone 'utc')::date $$;

-- Why a service must not act now and until when; reason is null when it can; and the limits of begin.
-- Reasons: paused, hours,
-- quota (of the UTC day), weekly_limit, rolling_limit (24 hours), hourly_limit, pace. A service that
-- acts on several platforms names the one of the command: a pause of it counts too. Each rule is one
-- branch of the case, the first that holds wins. All of it is of one account. The planner inlines this function into the query that
-- calls it, so that the gates of all services cost one statement. The latest actions are counted only
-- where the counts of the days say that a limit could be reached.
drop function if exists public.safari_gate(text, text);
drop function if exists public.safari_service_gate(text, text);
create or replace function public.safari_gate_of(
  service text, acts_on text default null, account text default 'default'
)
returns table (
  reason text, until timestamptz, daily_limit integer, min_gap_seconds double precision
)
language sql stable as $$
  select rule.reason,
         case rule.reason
           when 'paused' then pause.until
           when 'hours' then safari_hours_begin(force.policy)
           when 'quota' then (safari_today() + 1)::timestamp at time zone 'utc'
           when 'weekly_limit' then safari_nth_action(asked.name, force.weekly, asked.account) + interval '168 hours'
           when 'rolling_limit' then safari_nth_action(asked.name, force.rolling, asked.account) + interval '24 hours'
           when 'hourly_limit' then safari_nth_action(asked.name, force.hourly, asked.account) + interval '1 hour'
           when 'pace' then greatest(counter.next_action_at, safari_paused_until(
             asked.name, force.policy, force.daily - counter.today, asked.account))
         end,
         force.daily, (force.policy).min_gap_seconds
    from (select safari_gate_of.service as name,
                 safari_gate_of.account as account) asked
    left join safari_services owner on owner.service = asked.name
    left join lateral (
      select chosen.policy, f.*
        from safari_policies common
        left join safari_account_policies own
          on own.platform = common.platform and own.kind = common.kind
             and own.account = asked.account
       cross join lateral (
         select case when own.changes is null then common
                     else jsonb_populate_record(common, own.changes) end as policy offset 0) chosen
       cross join lateral safari_limits_of(chosen.policy, owner) f
       where common.platform = owner.platform and common.kind = owner.kind
      offset 0) force on true
    -- The pace outlives midnight, the count does not.
    left join lateral (
      select max(safari_pace_until(r.next_action_at, (force.policy).min_gap_seconds)) as next_action_at,
             coalesce(sum(r.used) filter (where r.limit_date = safari_today()), 0)::integer as today,
             sum(r.used) filter (where r.limit_date >= safari_today() - 1) as two_days,
             sum(r.used) as week
        from safari_rate_limits r
       where r.platform = owner.platform and r.action = owner.kind and r.account = asked.account
         and r.limit_date >= safari_today() - 7) counter on true
    left join lateral (
      select max(p.until) as until from safari_pauses p
       where p.platform in ('all', owner.platform, safari_gate_of.acts_on)
         and p.account in ('', asked.account) and p.until > now()) pause
      on true
   cross join lateral (
     select case
       when pause.until is not null then 'paused'
       when owner.kind is null then null
       when not safari_within_hours(force.policy) then 'hours'
       when coalesce(force.daily, 0) <= 0 or counter.today >= force.daily then 'quota'
       when force.weekly is not null and counter.week >= force.weekly
            and safari_nth_action(asked.name, force.weekly, asked.account) > now() - interval '168 hours'
         then 'weekly_limit'
       when force.rolling is not null and counter.two_days >= force.rolling
            and safari_nth_action(asked.name, force.rolling, asked.account) > now() - interval '24 hours'
         then 'rolling_limit'
       when force.hourly is not null and counter.two_days >= force.hourly
            and safari_nth_action(asked.name, force.hourly, asked.account) > now() - interval '1 hour'
         then 'hourly_limit'
       when counter.next_action_at > now() or safari_paused_until(
              asked.name, force.policy, force.daily - counter.today, asked.account) > now() then 'pace'
     end as reason
     offset 0) rule
$$;

-- Why a service must not act now and until when, alone.
create or replace function public.safari_service_gate(
  service text, acts_on text default null, account text default 'default'
)
returns table (reason text, until timestamptz)
language sql stable as $$
  select g.reason, g.until from safari_gate_of(service, acts_on, account) g
$$;

-- Tells a person once; the key says what "the same trouble" is.
create or replace function public.safari_alert(key text, kind text, detail jsonb) returns void
language sql set search_path = public, pg_temp as $$
  insert into safari_alerts (key, kind, detail) values (key, kind, detail)
  on conflict on constraint safari_alerts_key_key do nothing
$$;
