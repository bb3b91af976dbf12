-- Daily counters that another program resets or removes are counted anew from the attempts: limits
-- hold whatever that program takes for midnight.

-- How many attempts hold a part of a day's limit.
create or replace function public.safari_counted(counter public.safari_rate_limits) returns integer
language sql stable set search_path = public, pg_temp as $$
  select count(*)::integer
    from safari_services s
    join safari_command_attempts a
      on a.service = s.service and a.account = counter.account
     and a.quota_day = counter.limit_date and a.begun_at > counter.limit_date - 1
   where s.platform = counter.platform and s.kind = counter.action
$$;

create or replace function public.safari_count_from_attempts() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  new.used := greatest(new.used, safari_counted(new));
  new.ceiling := greatest(new.ceiling, new.used);
  return new;
end $$;

create or replace trigger safari_counter_added
  before insert on public.safari_rate_limits
  for each row execute function public.safari_count_from_attempts();

-- What was not sent is given back one by one, after its attempt no longer holds a part; any other step
-- down counts as a reset, however small.
create or replace trigger safari_counter_lowered
  before update on public.safari_rate_limits
  for each row when (new.used < old.used)
  execute function public.safari_count_from_attempts();
