-- How many commands stand where, by service and platform.

-- Accounts that commands in line name and as which no running Mac is logged in.
create or replace function public.safari_accounts_away() returns table (service text, account text)
language sql stable set search_path = public, pg_temp as $$
  with recursive named (service, account) as (
    select s.service, (select min(q.account) from safari_command_queue q
                        where q.service = s.service and q.account > '' and q.status = 'pending'
                          and q.ready and q.crash_count = 0)
      from safari_services s
    union all
    select n.service, (select min(q.account) from safari_command_queue q
                        where q.service = n.service and q.account > n.account
                          and q.status = 'pending' and q.ready and q.crash_count = 0)
      from named n where n.account is not null
  )
  select n.service, n.account
    from named n
   where n.account is not null and not exists (select from safari_hosts_of(n.service, n.account))
$$;

-- A row whose time has come is ready, also when no worker is there to say so; it waits while its platform
-- is paused, or nobody is logged in as its account: `waits` says so, [{for, account, rows}].
drop function if exists public.safari_depths();
create or replace function public.safari_queue_depths() returns table (
  service text, platform text, pending bigint, ready bigint, waiting bigint, held bigint,
  running bigint, waits jsonb
)
language sql stable set search_path = public, pg_temp as $$
  with pending as (
    select q.service, q.platform, q.ready, q.hold, count(*) as rows
      from safari_command_queue q where q.status = 'pending'
     group by q.service, q.platform, q.ready, q.hold
  ), standing as (
    select p.service, p.platform,
           coalesce(sum(p.rows) filter (where p.ready), 0) as ready,
           coalesce(sum(p.rows) filter (where not p.ready
                                          and p.hold is distinct from 'backlog'), 0) as waiting,
           coalesce(sum(p.rows) filter (where not p.ready and p.hold = 'backlog'), 0) as held,
           0::bigint as running
      from pending p group by p.service, p.platform
    union all
    select q.service, q.platform, count(*), -count(*), 0, 0
      from safari_command_queue q
     where q.status = 'pending' and not q.ready and q.due_at <= now()
     group by q.service, q.platform
    union all
    select q.service, q.platform, 0, 0, 0, count(*)
      from safari_command_queue q where q.status = 'running'
     group by q.service, q.platform
  ), counted as (
    select s.service, s.platform, sum(s.ready)::bigint as ready, sum(s.waiting)::bigint as waiting,
           sum(s.held)::bigint as held, sum(s.running)::bigint as running
      from standing s group by s.service, s.platform
  ), away as (
    select q.service, q.platform, q.account, count(*) as rows
      from safari_accounts_away() w
      join safari_command_queue q on q.service = w.service and q.account = w.account
       and q.status = 'pending' and q.ready and q.crash_count = 0
     group by q.service, q.platform, q.account
  )
  select c.service, c.platform, c.ready + c.waiting + c.held,
         c.ready - stuck.rows, c.waiting + stuck.rows, c.held, c.running, stuck.waits
    from counted c
    left join safari_services s on s.service = c.service
   cross join lateral (
     select exists (select from safari_pauses p
                     where p.account = '' and p.until > now() and s.service is not null
                       and p.platform in ('all', s.platform, c.platform)) as all_of_it) paused
   cross join lateral (
     select case when paused.all_of_it then c.ready else coalesce(sum(a.rows), 0) end::bigint as rows,
            case when paused.all_of_it and c.ready > 0
                   then jsonb_build_array(jsonb_build_object('for', 'paused', 'rows', c.ready))
                 when not paused.all_of_it then coalesce(
                   jsonb_agg(jsonb_build_object('for', 'its account', 'account', a.account,
                                                'rows', a.rows) order by a.account)
                     filter (where a.rows > 0), '[]')
                 else '[]' end as waits
       from away a
      where a.service = c.service and a.platform is not distinct from c.platform) stuck
$$;

