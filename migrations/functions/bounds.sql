-- What a person may write into the limits and settings. Every gate reads them, so one value that is no
-- limit would stop all services and the reports with them; it is refused where it is written.

-- Why a policy cannot be kept; null when it can.
create or replace function public.safari_policy_fault(policy public.safari_policies) returns text
language plpgsql stable set search_path = public, pg_temp as $$
begin
  if not policy.min_gap_seconds between 0 and 31622400 then
    return format('min_gap_seconds is %s: 0 to 31622400', policy.min_gap_seconds);
  elsif least(policy.daily_limit, policy.hourly_limit, policy.rolling_limit, policy.weekly_limit,
              policy.ramp_days) < 0 then
    return 'a limit is negative';
  elsif not (policy.active_from between 0 and 24 and policy.active_to between 0 and 24) then
    return 'active_from and active_to are hours from 0 to 24';
  elsif exists (select from unnest(policy.weekdays) d (day) where not coalesce(d.day between 1 and 7, false)) then
    return 'weekdays are numbers from 1 (Monday) to 7';
  elsif policy.ramp_from <> safari_bounded(policy.ramp_from) then
    return format('ramp_from is %s: no day of a calendar', policy.ramp_from);
  end if;
  perform now() at time zone policy.time_zone;
  return null;
exception when invalid_parameter_value then
  return format('the time zone %s is unknown to the database: for example Europe/Berlin',
                quote_literal(left(policy.time_zone, 60)));
end $$;

-- Why the changes of an account cannot be kept; null when they can.
create or replace function public.safari_changes_fault(platform text, kind text, changes jsonb)
returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  policy safari_policies;
begin
  if coalesce(jsonb_typeof(changes), 'null') <> 'object' then
    return 'changes are an object of column and value';
  elsif changes ?| array['platform', 'kind'] then
    return 'the platform and the kind are columns, no changes';
  end if;
  select p.* into policy from safari_policies p
   where p.platform = safari_changes_fault.platform and p.kind = safari_changes_fault.kind;
  return safari_policy_fault(jsonb_populate_record(policy, changes));
exception when data_exception then
  return sqlerrm;
end $$;

-- Why a setting cannot be kept; null when it can, or when nobody reads it.
create or replace function public.safari_setting_fault(key text, value jsonb) returns text
language sql immutable set search_path = public, pg_temp as $$
  select case
    when key = 'retry_limit' and not (jsonb_typeof(value) = 'number'
         and case when jsonb_typeof(value) = 'number'
                  then (value #>> '{}')::numeric between 0 and 1000 and (value #>> '{}')::numeric % 1 = 0 end)
      then 'retry_limit is a whole number from 0 to 1000'
    when key = 'retry_base_seconds' and not (jsonb_typeof(value) = 'number'
         and case when jsonb_typeof(value) = 'number'
                  then (value #>> '{}')::numeric between 0 and 86400 end)
      then 'retry_base_seconds is a number from 0 to 86400'
    when key in ('foreign_platforms', 'foreign_actions') and jsonb_typeof(value) <> 'array'
      then key || ' is a list'
    when key = 'review' and value <> all (array['"off"', '"ai"', '"all"']::jsonb[]) then 'review is off, ai or all'
  end
$$;

create or replace function public.safari_keep_bounds() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
  fault text;
begin
  case tg_table_name
    when 'safari_policies' then fault := safari_policy_fault(new);
    when 'safari_account_policies' then
      fault := safari_changes_fault(new.platform, new.kind, new.changes);
    else fault := safari_setting_fault(new.key, new.value);
  end case;
  if fault is not null then
    raise check_violation using message = fault;
  end if;
  return new;
end $$;

create or replace trigger safari_policies_bounds
  before insert or update on public.safari_policies
  for each row execute function public.safari_keep_bounds();
create or replace trigger safari_account_policies_bounds
  before insert or update on public.safari_account_policies
  for each row execute function public.safari_keep_bounds();
create or replace trigger safari_settings_bounds
  before insert or update on public.safari_settings
  for each row execute function public.safari_keep_bounds();
