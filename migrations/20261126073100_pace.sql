-- The shape of a day: what limits there are beside the count of a UTC day.

alter table public.safari_policies
  add column if not exists daily_is_set boolean not null default false,  -- by settings or an operator
  add column if not exists hourly_limit integer check (hourly_limit >= 0),   -- null = the service's own
  add column if not exists rolling_limit integer check (rolling_limit >= 0), -- in 24 h; null = the daily one
  add column if not exists weekly_limit integer check (weekly_limit >= 0),   -- in 7 days; null = none
  add column if not exists weekdays smallint[],                             -- 1 = Monday; null = all
  add column if not exists ramp_days integer not null default 0 check (ramp_days >= 0),
  add column if not exists ramp_from timestamptz,
  add column if not exists spread boolean not null default false;

-- Three seconds were the default for as long as a gap counted from the beginning of an action.
alter table public.safari_policies alter column min_gap_seconds set default 30;
update public.safari_policies set min_gap_seconds = 30 where min_gap_seconds = 3;

-- What the services allow themselves, whatever they are asked for.
alter table public.safari_services
  add column if not exists own_hourly_limit integer,
  add column if not exists own_daily_limit integer;
update public.safari_services s
   set own_hourly_limit = o.hourly, own_daily_limit = o.daily
  from (values ('instagram-dm', 10, 30), ('twitter-dm', 15, 100), ('tiktok-dm', 10, 50),
               ('linkedin-automation', null, 50), ('threads-comments', 5, 20),
               ('instagram-comments', 5, 15), ('tiktok-comments', 5, 15),
               ('twitter-comments', 10, 30)) o (service, hourly, daily)
 where s.service = o.service and s.own_daily_limit is null;

create index if not exists safari_attempts_paced
  on public.safari_command_attempts (service, begun_at desc) where quota_day is not null;
