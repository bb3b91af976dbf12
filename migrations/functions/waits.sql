-- What a command waits for, also one that no worker has looked at yet.

-- {for, until, detail} of a service that takes no commands now for its own reason: no worker of
-- it runs, or it is not ready. Null where it takes them. With an account, as that one is served; without,
-- any worker.
drop function if exists public.safari_service_wait(text);
create or replace function public.safari_service_wait(service text, account text default null)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_strip_nulls(case
           when live.workers = 0 then jsonb_build_object(
             'for', 'a worker', 'detail', 'no worker of this service is running')
           when coalesce(live.state ->> 'state', 'ready') <> 'ready' then jsonb_build_object(
             'for', 'the service', 'detail', live.state ->> 'reason',
             'until', case when jsonb_typeof(live.state -> 'seconds') = 'number' then live.seen_at
               + make_interval(secs => least((live.state -> 'seconds')::numeric, 31622400)::double precision) end)
           when health.not_ready is not null then jsonb_build_object(
             'for', 'the service', 'detail', health.not_ready)
         end)
    from (select count(*) as workers,
                 (array_agg(w.state -> safari_service_wait.service order by w.seen_at desc))[1] as state,
                 max(w.seen_at) as seen_at
            from safari_services s
           cross join lateral safari_accounts_on(s.platform) a (account)
           cross join lateral safari_hosts_of(s.service, a.account) w
           where s.service = safari_service_wait.service
             and a.account = coalesce(safari_service_wait.account, a.account)) live
    left join lateral (
      select min(h.not_ready) as not_ready from safari_service_health h
       where h.service_name = safari_service_wait.service
         and h.account = coalesce(safari_service_wait.account, h.account)
      having bool_and(h.not_ready is not null)) health on true;
$$;

-- {for, until, detail} of a pending command, null of any other: a hold, its time, its account, the gate
-- of its platform, its service, or the turn of others.
create or replace function public.safari_wait_of(command safari_command_queue) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_strip_nulls(case
           when command.hold is not null then jsonb_build_object('for', command.hold)
           when refused.error is not null then jsonb_build_object(
             'for', 'a rule of the table', 'until', refused.until, 'detail', format(
               'another program''s trigger or constraint refuses it: %s', refused.error))
           when command.due_at > now() then jsonb_build_object(
             'for', coalesce(command.reason, last.reason, 'its time'),
             'until', safari_finite(command.due_at), 'detail', last.error)
           when sender.name is not null
                and not exists (select from safari_hosts_of(command.service, sender.name))
             then jsonb_build_object('for', 'its account', 'detail', format(
               'no running Mac is logged in as %s%s; bin/queue reassign gives it to another account',
               sender.name, ', last seen on ' || safari_last_host(command.service, sender.name)))
           when gate.reason is not null then jsonb_build_object(
             'for', gate.reason, 'until', safari_finite(gate.until))
           else coalesce(safari_service_wait(command.service, sender.name),
                         jsonb_build_object('for', 'its turn'))
         end)
    from (select coalesce(nullif(command.account, ''), case
                   when command.platform = any (safari_shared_platforms())
                        and command.effect = 'once' and command.person is not null
                     then safari_sender(command.platform, command.person, command.id) end) as name
         ) sender
    cross join lateral (
      select g.reason, g.until from safari_any_gate(command.service, command.platform) g
       where sender.name is null
      union all
      select g.reason, g.until from safari_service_gate(command.service, command.platform, sender.name) g
       where sender.name is not null) gate
    left join safari_claims_refused refused on refused.command_id = command.id and refused.until > now()
    left join lateral (
      select e.detail ->> 'reason' as reason, e.detail ->> 'error' as error
        from safari_command_events e
       where e.command_id = command.id and e.event in ('waiting', 'retrying')
       order by e.id desc limit 1) last on true
   where command.status = 'pending'
  union all
  -- A table that was here before ours may allow any word.
  select jsonb_build_object('for', 'its status', 'detail', format(
           'no worker takes a command with the status %s; set it to pending', left(command.status, 40)))
   where command.status <> all (array['pending', 'running', 'completed', 'failed', 'cancelled'])
     and command.service is distinct from 'foreign';
$$;

-- Lifts what a service waits for, on the hosts of an account or, without one, on all: their workers
-- hear of it with their next beat. Makes due what waits because the service said so; says how many.
drop function if exists public.safari_resume_service(text);
create or replace function public.safari_resume_service(service text, account text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  resumed integer;
begin
  if not exists (select from safari_services s where s.service = safari_resume_service.service) then
    raise invalid_parameter_value using message = format('there is no service %s', left(service, 40));
  end if;
  insert into safari_resumes as r (service, account)
    values (safari_resume_service.service, safari_account_name(safari_resume_service.account))
    on conflict on constraint safari_resumes_pkey do update set resumed_at = now();
  update safari_command_queue q set next_retry_at = null, updated_at = now()
   where q.status = 'pending' and q.service = safari_resume_service.service
     and q.next_retry_at > now() and q.hold is null
     and (safari_account_name(safari_resume_service.account) = '' or q.account = ''
          or q.account = safari_account_name(safari_resume_service.account));
  get diagnostics resumed = row_count;
  perform safari_wake();
  return jsonb_build_object('resumed', resumed);
end $$;

-- The services of a worker whose wait was lifted within ten minutes, {service: when}; null for none.
create or replace function public.safari_resumed(boot_id uuid) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_object_agg(l.service, l.at) from (
    select r.service, max(r.resumed_at) as at
      from safari_resumes r
      join safari_services s on s.service = r.service
      join safari_workers w on w.boot_id = safari_resumed.boot_id and r.service = any (w.services)
     where r.resumed_at > now() - interval '10 minutes'
       and r.account in ('', safari_account_on(w.accounts, s.platform))
     group by r.service) l
$$;
