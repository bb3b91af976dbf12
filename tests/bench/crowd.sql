-- Pending rows spread evenly over the nine services; a tenth of each service's is due, the rest is
-- scheduled for the days to come. As the triggers would have written them.
with routes as (
  select r.*, row_number() over (order by r.service) - 1 as number
    from (select distinct on (service) service, action, platform, effect
            from safari_routes where service <> 'local' order by service, action) r
)
insert into safari_command_queue (
  action, platform, params, priority, status, service, effect, ready, scheduled_for, due_at,
  created_at, updated_at
)
select r.action, coalesce(nullif(r.platform, ''), 'twitter'),
       jsonb_build_object('username', 'p_' || n, 'text', 'crowd ' || n),
       5, 'pending', r.service, r.effect, d.due, d.later, d.later,
       now() - make_interval(secs => (%(rows)s::integer - n) / 1000.0), now()
  from generate_series(0, %(rows)s::integer - 1) n
  join routes r on r.number = n %% 9
 cross join lateral (
   select (n / 9) %% 10 = 0 as due,
          case when (n / 9) %% 10 <> 0 then now() + make_interval(secs => 86400 + n) end as later) d
