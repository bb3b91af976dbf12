-- What a command waits for, also one that no worker has looked at yet.

-- {for, until, detail} of a service that takes no commands now for a reason of its own: no worker of
-- it runs, or it is not ready. Null where it takes them.
create or replace function public.safari_service_wait(service text) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_strip_nulls(case
           when live.workers = 0 then jsonb_build_object(
             'for', 'a worker', 'detail', 'no worker of this service is running')
           when coalesce(live.state ->> 'state', 'ready') <> 'ready' then jsonb_build_object(
             'for', 'the service', 'detail', live.state ->> 'reason',
             'until', live.seen_at + make_interval(secs => (live.state ->> 'seconds')::double precision))
           when health.not_ready is not null then jsonb_build_object(
             'for', 'the service', 'detail', health.not_ready)
         end)
    from (select count(*) as workers,
                 (array_agg(w.state -> safari_service_wait.service order by w.seen_at desc))[1] as state,
                 max(w.seen_at) as seen_at
            from safari_workers w
           where w.stopped_at is null and w.seen_at > now() - interval '60 seconds'
             and w.services @> array[safari_service_wait.service]) live
    left join safari_service_health health on health.service_name = safari_service_wait.service;
$$;

-- {for, until, detail} of a pending command, null of any other: a hold, its time, the gate of its
-- platform, its service, or the turn of others.
create or replace function public.safari_wait_of(command safari_command_queue) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_strip_nulls(case
           when command.hold is not null then jsonb_build_object('for', command.hold)
           when command.due_at > now() then jsonb_build_object(
             'for', coalesce(command.reason, last.reason, 'its time'),
             'until', safari_finite(command.due_at), 'detail', last.error)
           when gate.reason is not null then jsonb_build_object(
             'for', gate.reason, 'until', safari_finite(gate.until))
           else coalesce(safari_service_wait(command.service), jsonb_build_object('for', 'its turn'))
         end)
    from safari_service_gate(command.service, command.platform) gate
    left join lateral (
      select e.detail ->> 'reason' as reason, e.detail ->> 'error' as error
        from safari_command_events e
       where e.command_id = command.id and e.event in ('waiting', 'retrying')
       order by e.id desc limit 1) last on true
   where command.status = 'pending';
$$;

-- Makes due what waits because a service said so, after an operator has lifted its wait; says how many.
create or replace function public.safari_resume_service(service text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  resumed integer;
begin
  update safari_command_queue q set next_retry_at = null, updated_at = now()
   where q.status = 'pending' and q.service = safari_resume_service.service
     and q.next_retry_at > now() and q.hold is null;
  get diagnostics resumed = row_count;
  perform safari_wake();
  return jsonb_build_object('resumed', resumed);
end $$;
