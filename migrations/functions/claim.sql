-- Taking work: a worker asks for so many rows of each service it owns.

-- Ends what has expired before it was sent.
create or replace function public.safari_expire() returns void
language sql set search_path = public, pg_temp as $$
  with expired as (
    select id from safari_command_queue
     where status = 'pending' and expires_at <= now()
     order by expires_at limit 1000 for update skip locked
  ), ended as (
    update safari_command_queue q
       set status = 'failed', reason = 'expired', error = 'expired before it was sent',
           result = jsonb_build_object('outcome', 'expired'),
           completed_at = now(), updated_at = now()
      from expired where q.id = expired.id
    returning q.id
  )
  insert into safari_command_events (command_id, event) select id, 'expired' from ended
$$;

-- The commands that are left out of claims for now.
create or replace function public.safari_claims_refused_now() returns uuid[]
language sql stable as $$
  select array(select r.command_id from safari_claims_refused r where r.until > now())
$$;

-- Leaves a command out of claims for a while; the first few are alerted.
create or replace function public.safari_refuse_claim(command_id uuid, error text) returns void
language plpgsql as $$
declare
  pause constant interval := interval '10 minutes';
  most_alerts constant integer := 5;
begin
  insert into safari_claims_refused as r (command_id, error, until)
    values (safari_refuse_claim.command_id, left(error, 500), now() + pause)
    on conflict on constraint safari_claims_refused_pkey
    do update set error = excluded.error, until = excluded.until;
  if (select count(*) from safari_claims_refused r where r.until > now()) <= most_alerts then
    perform safari_alert(
      format('claims_refused:%s:%s', command_id, safari_today()), 'claims_refused',
      jsonb_build_object('command_id', command_id, 'error', left(error, 500)));
  end if;
end $$;

-- A trigger that returns null leaves a row as it is, without an error.
create or replace function public.safari_make_ready(ids uuid[]) returns void
language plpgsql as $$
declare
  changed integer;
begin
  update safari_command_queue q set ready = true, updated_at = now() where q.id = any (ids);
  get diagnostics changed = row_count;
  if changed < cardinality(ids) then
    raise exception 'a trigger on the table keeps it as it is';
  end if;
end $$;

-- Makes ready what is due row by row, since one of them is refused.
create or replace function public.safari_make_ready_each() returns void
language plpgsql as $$
declare
  due uuid;
begin
  for due in
    select q.id from safari_command_queue q
     where q.status = 'pending' and not q.ready and q.due_at <= now()
       and q.id <> all (safari_claims_refused_now())
     order by q.due_at limit 1000 for update skip locked
  loop
    begin
      perform safari_make_ready(array[due]);
    exception when others then
      perform safari_refuse_claim(due, sqlerrm);
    end;
  end loop;
end $$;

-- Ends what has expired and makes ready what has become due. A probe of each index decides whether
-- there is anything to write: to start a writing statement costs ten times as much.
create or replace function public.safari_promote() returns void
language plpgsql as $$
begin
  if exists (select from safari_command_queue
              where status = 'pending' and expires_at is not null and expires_at <= now()) then
    begin
      perform safari_expire();
    exception when others then
      -- Another program's trigger refuses it. Begin sends none that has expired; the others are claimed.
      perform safari_alert(format('write_refused:expire:%s', safari_today()), 'write_refused',
                           jsonb_build_object('error', sqlerrm));
    end;
  end if;
  if exists (select from safari_command_queue
              where status = 'pending' and not ready and due_at <= now()) then
    begin
      perform safari_make_ready(array(
        select id from safari_command_queue
         where status = 'pending' and not ready and due_at <= now()
           and id <> all (safari_claims_refused_now())
         order by due_at limit 1000 for update skip locked));
    exception when others then
      perform safari_make_ready_each();
    end;
  end if;
end $$;

-- Seconds from now, for a process that will come back then; 'infinity' is a month.
create or replace function public.safari_seconds_until(moment timestamptz) returns double precision
language sql stable as $$
  select case when moment is not null then
    extract(epoch from least(moment, now() + interval '30 days') - now())::double precision end
$$;

-- Locks and answers the first in line of each service where some rows name the account and others
-- nobody. How many of the first stand in which line is counted before: locking the heads of both lines
-- would hide rows that are not taken from another worker that asks at this moment.
drop function if exists public.safari_pick_of_two_lines(text[], text[], jsonb, text[]);
create or replace function public.safari_pick_of_two_lines(
  services text[], accounts text[], wants jsonb, paused text[], refused uuid[]
) returns uuid[]
language plpgsql as $$
begin
  return array(
    select q.id
      from unnest(services, accounts) s (service, account)
     cross join lateral (
       select count(*) filter (where h.account = '') as anybodys,
              count(*) filter (where h.account <> '') as ours
         from (select l.account, l.priority, l.created_at, l.id
                 from unnest(array['', s.account]) a (account)
                cross join lateral (
                  select c.account, c.priority, c.created_at, c.id from safari_command_queue c
                   where c.service = s.service and c.account = a.account
                     and c.status = 'pending' and c.ready and c.crash_count = 0
                     and (paused = '{}' or c.platform is null or c.platform <> all (paused))
                     and (refused = '{}' or c.id <> all (refused))
                   order by c.priority, c.created_at, c.id
                   limit (wants ->> s.service)::integer) l
                order by l.priority, l.created_at, l.id
                limit (wants ->> s.service)::integer) h) n
     cross join lateral (values ('', n.anybodys), (s.account, n.ours)) line (account, most)
     cross join lateral (
       select c.id from safari_command_queue c
        where c.service = s.service and c.account = line.account
          and c.status = 'pending' and c.ready and c.crash_count = 0
          and (paused = '{}' or c.platform is null or c.platform <> all (paused))
          and (refused = '{}' or c.id <> all (refused))
        order by c.priority, c.created_at, c.id
        limit line.most
        for update skip locked) q);
end $$;

-- Claims up to wants[service] rows of each service that may act, by priority, then age: of rows that
-- name the worker's account, or nobody.
-- A row whose worker died is given alone: only to a worker that holds nothing, and then only that
-- row, so that a second death can be laid at its door.
-- Answers {commands, waits: {service: {reason, seconds}}, next_due_seconds, drain}; drain means that
-- such a row waits until the worker holds nothing.
create or replace function public.safari_claim(
  boot_id uuid, wants jsonb, held integer, lease_seconds double precision
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  open_services text[];
  open_accounts text[];
  waits jsonb;
  paused text[];
  refused uuid[];
  suspects uuid[];
  picked uuid[];
  drain boolean := false;
  worker_name text;
  our_accounts jsonb;
  shared text[] := array(
    select a.platform from safari_accounts a group by a.platform having count(*) > 1);
  commands jsonb := '[]';
begin
  -- A claim that a crash of the server undoes is undone whole: the rows are pending again, and the
  -- worker's begin, which is flushed to disk together with all that was written before it, is told
  -- that they are lost. Nothing is sent for a claim alone.
  perform set_config('synchronous_commit', 'off', true);
  perform safari_refuse_blind();
  perform safari_promote();
  -- As safari_claims_refused_now does; the call would cost a tenth of a claim.
  refused := array(select r.command_id from safari_claims_refused r where r.until > now());

  select w.worker, w.accounts into worker_name, our_accounts
    from safari_workers w where w.boot_id = safari_claim.boot_id;
  select coalesce(array_agg(w.service order by w.service) filter (where g.reason is null), '{}'),
         coalesce(array_agg(a.account order by w.service) filter (where g.reason is null), '{}'),
         coalesce(jsonb_object_agg(w.service, jsonb_build_object(
           'reason', g.reason, 'seconds', safari_seconds_until(g.until)
         )) filter (where g.reason is not null), '{}')
    into open_services, open_accounts, waits
    from jsonb_object_keys(wants) w (service)
    left join safari_services s on s.service = w.service
   cross join lateral (select safari_account_on(our_accounts, s.platform) as account) a
   cross join lateral safari_service_gate(w.service, null, a.account) g;

  if jsonb_path_exists(waits, '$.*.reason ? (@ == "quota")') then
    insert into safari_alerts (key, kind, detail)
      select format('quota:%s:%s:%s%s', s.platform, s.kind, safari_today(),
                    ':' || nullif(a.account, 'default')), 'quota_reached',
             jsonb_build_object('platform', s.platform, 'kind', s.kind, 'day', safari_today(),
                                'used', coalesce(r.used, 0), 'daily_limit', p.daily_limit)
               || safari_account_detail(a.account)
        from jsonb_each(waits) w
        join safari_services s on s.service = w.key
       cross join lateral (select safari_account_on(our_accounts, s.platform) as account) a
        join lateral safari_policy(s.platform, s.kind, a.account) p on true
        left join safari_rate_limits r
          on r.platform = s.platform and r.action = s.kind and r.limit_date = safari_today()
             and r.account = a.account
       where w.value ->> 'reason' = 'quota' and exists (
         select from safari_command_queue q
          where q.service = s.service and q.account in ('', a.account)
            and q.status = 'pending' and q.ready and q.crash_count = 0)
    on conflict (key) do nothing;
  end if;

  if exists (select from safari_command_queue q
              where q.service = any (open_services) and q.status = 'pending' and q.ready
                and q.crash_count > 0 and (refused = '{}' or q.id <> all (refused)))
     and exists (select from unnest(open_services, open_accounts) s (service, account)
                   join safari_command_queue q on q.service = s.service
                  where q.account in ('', s.account) and q.status = 'pending' and q.ready
                    and q.crash_count > 0 and (refused = '{}' or q.id <> all (refused))) then
    drain := held > 0;
    open_services := case when drain then '{}' else open_services end;
    select array_agg(id) into suspects
      from (select q.id from unnest(open_services, open_accounts) s (service, account)
              join safari_command_queue q on q.service = s.service
             where q.account in ('', s.account) and q.status = 'pending' and q.ready
               and q.crash_count > 0 and (refused = '{}' or q.id <> all (refused))
             order by q.priority, q.created_at, q.id limit 1 for update of q skip locked) s;
  end if;

  select coalesce(array_agg(p.platform), '{}') into paused
    from safari_pauses p
   where p.until > now() and p.account in ('', safari_account_on(our_accounts, p.platform));

  if shared <> '{}' then
    perform safari_name_senders(o.service)
       from unnest(open_services) o (service) join safari_services s on s.service = o.service
      where s.platform = any (shared) and s.kind is not null;
  end if;

  if suspects is not null then
    picked := suspects;
  elsif (
      -- The order makes the planner take the index of lines, whatever it believes of accounts.
      select bool_or((
               select true from safari_command_queue q
                where q.service = s.service and q.account = s.account
                  and q.status = 'pending' and q.ready and q.crash_count = 0
                order by q.priority, q.created_at, q.id limit 1))
        from unnest(open_services, open_accounts) s (service, account)) then
    picked := safari_pick_of_two_lines(open_services, open_accounts, wants, paused, refused);
  else
    picked := array(
      select q.id
        from unnest(open_services) s (service)
       cross join lateral (
         select c.id from safari_command_queue c
          where c.service = s.service and c.account = ''
            and c.status = 'pending' and c.ready and c.crash_count = 0
            and (paused = '{}' or c.platform is null or c.platform <> all (paused))
            and (refused = '{}' or c.id <> all (refused))
          order by c.priority, c.created_at, c.id
          limit (wants ->> s.service)::integer
          for update skip locked) q);
  end if;

  if picked <> '{}' then
    with claimed as (
      update safari_command_queue q
         set status = 'running',
             boot_id = safari_claim.boot_id,
             worker_id = worker_name,
             -- The clock keeps it apart from that of a claim that a crash of the server undid.
             lease_number = greatest(
               q.lease_number + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint),
             lease_expires_at = now() + make_interval(secs => lease_seconds),
             started_at = coalesce(q.started_at, now()),
             updated_at = now()
       where q.id = any (picked)
      returning q.*
    ), audited as (
      insert into safari_command_events (command_id, event, worker)
        select id, 'claimed', worker_name from claimed
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', c.id, 'service', c.service, 'action', c.action, 'platform', c.platform,
             'params', c.params, 'effect', c.effect, 'priority', c.priority,
             'lease', c.lease_number, 'attempt', c.attempt, 'crash_count', c.crash_count,
             'waited_seconds', extract(epoch from now() - greatest(c.created_at, c.due_at))
           ) order by c.priority, c.created_at, c.id), '[]')
      into commands from claimed c;
    if jsonb_array_length(commands) < cardinality(picked) then
      perform safari_refuse_claim(p.id, 'a trigger on the table keeps it as it is')
         from unnest(picked) p (id)
        where not exists (select from jsonb_array_elements(commands) c where (c ->> 'id')::uuid = p.id);
    end if;
  end if;

  return jsonb_build_object(
    'commands', commands,
    'waits', waits,
    'drain', drain,
    'next_due_seconds', (
      select safari_seconds_until(q.due_at) from safari_command_queue q
       where q.status = 'pending' and not q.ready and q.due_at < 'infinity'
       order by q.due_at limit 1));
end $$;
