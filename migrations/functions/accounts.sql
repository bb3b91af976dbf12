-- Who sends: which accounts there are, where they are logged in, and which of them a person knows.

-- The account by which a worker acts on a platform.
create or replace function public.safari_account_on(accounts jsonb, platform text) returns text
language sql immutable as $$ select coalesce(accounts ->> platform, 'default') $$;

-- The accounts of a host with that of its local service.
create or replace function public.safari_accounts_here(worker text, accounts jsonb) returns jsonb
language sql immutable as $$
  select case when accounts = '{}' then accounts
              else accounts || jsonb_build_object(
                'local', public.safari_account_name(split_part(worker, '/', 1))) end
$$;

-- A name of an account as it is stored: '' where none is named.
create or replace function public.safari_account_name(name text) returns text
language sql immutable as $$
  select left(lower(ltrim(coalesce(public.safari_trim(name), ''), '@')), 100)
$$;

-- Platforms with more than one account, on which it matters who sends.
create or replace function public.safari_shared_platforms() returns text[]
language sql stable set search_path = public, pg_temp as $$
  select coalesce(array_agg(s.platform), '{}')
    from (select a.platform from safari_accounts a group by a.platform having count(*) > 1) s
$$;

-- The accounts of a platform; one that no host has named is 'default'.
create or replace function public.safari_accounts_on(platform text) returns setof text
language sql stable rows 1 as $$
  select a.account from safari_accounts a where a.platform = safari_accounts_on.platform
  union all
  select 'default' where not exists (
    select from safari_accounts a where a.platform = safari_accounts_on.platform)
$$;

-- The workers that send for an account of a service now, newest word first.
create or replace function public.safari_hosts_of(service text, account text)
returns setof public.safari_workers
language sql stable as $$
  select w.* from safari_workers w join safari_services s on s.service = safari_hosts_of.service
   where w.stopped_at is null and w.seen_at > now() - interval '60 seconds'
     and w.services @> array[s.service]
     and safari_account_on(w.accounts, s.platform) = safari_hosts_of.account
   order by w.seen_at desc
$$;

-- Where and when an account of a service was last logged in.
create or replace function public.safari_last_host(service text, account text) returns text
language sql stable as $$
  select split_part(w.worker, '/', 1)
         || to_char(w.seen_at at time zone 'utc', ' at YYYY-MM-DD HH24:MI UTC')
    from safari_workers w join safari_services s on s.service = safari_last_host.service
   where safari_account_on(w.accounts, s.platform) = safari_last_host.account
   order by w.seen_at desc limit 1
$$;

-- The account that last spoke with a person on a platform, else the one that another command to them
-- names; null when nobody has.
create or replace function public.safari_sender(platform text, person text, command_id uuid)
returns text
language plpgsql stable as $$
declare
  addresses text[] := array(
    select a from unnest(safari_person_addresses(platform || ':' || person)) a
     where starts_with(a, safari_sender.platform || ':'));
  sender text;
begin
  select a.account into sender from safari_command_attempts a
   where a.person = any (addresses) and (a.outcome is null or a.outcome in ('sent', 'unknown'))
   order by a.begun_at desc limit 1;
  if sender is null then
    select q.account into sender from safari_command_queue q
     where q.platform = safari_sender.platform
       and q.person = any (array(select substr(a, length(safari_sender.platform) + 2)
                                   from unnest(addresses) a))
       and q.account <> '' and q.status in ('pending', 'running')
       and q.id <> safari_sender.command_id
     order by q.created_at, q.id limit 1;
  end if;
  return sender;
end $$;

-- Names the sender of those in line whose person knows one, so that no other account takes them up. The
-- line of a service is read from its head until nobody there is known.
create or replace function public.safari_name_senders(service text) returns void
language plpgsql as $$
declare
  at_once constant integer := 200;
  rounds constant integer := 50;
begin
  for round in 1 .. rounds loop
    -- Only what changes is locked: the rest is left to a claim at this moment.
    with known as materialized (
      select h.id, safari_sender(h.platform, h.person, h.id) as sender
        from (select q.id, q.platform, q.person from safari_command_queue q
               where q.service = safari_name_senders.service and q.account = ''
                 and q.status = 'pending' and q.ready and q.crash_count = 0
               order by q.priority, q.created_at, q.id limit at_once) h
       where h.person is not null
    ), locked as (
      select q.id from safari_command_queue q join known k on k.id = q.id
       where k.sender is not null and q.account = '' and q.status = 'pending'
       order by q.id for update of q skip locked
    )
    update safari_command_queue q set account = k.sender, updated_at = now()
      from locked l join known k on k.id = l.id
     where q.id = l.id;
    exit when not found;
    perform safari_call(array[service]);
  end loop;
end $$;

-- Remembers the accounts of a host. Where a host gives its account a name for the first time, what it
-- did before goes over to the name; so does everything of the platform where it was the only host.
create or replace function public.safari_note_accounts(
  host_key text, accounts jsonb
) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  named record;
  was_alone boolean;
begin
  for named in
    select p.platform, safari_account_on(accounts, p.platform) as account
      from (select distinct s.platform from safari_services s where s.kind is not null) p
     order by p.platform
  loop
    if named.account <> 'default' and not exists (
         select from safari_accounts a
          where a.platform = named.platform and a.account = named.account)
       and exists (select from safari_workers w
                    where w.host_key = safari_note_accounts.host_key
                      and not w.accounts ? named.platform) then
      was_alone := not exists (
        select from safari_workers w
         where w.host_key <> safari_note_accounts.host_key and not w.accounts ? named.platform
           and w.seen_at > now() - interval '7 days');
      update safari_command_attempts a set account = named.account
       where a.account = 'default'
         and a.service in (select s.service from safari_services s where s.platform = named.platform)
         and (was_alone or a.boot_id in (select w.boot_id from safari_workers w
                                          where w.host_key = safari_note_accounts.host_key));
      if was_alone then
        update safari_command_queue q set account = named.account
         where q.account = 'default' and q.platform = named.platform and q.status = 'pending';
        update safari_rate_limits r set account = named.account
         where r.account = 'default' and r.platform = named.platform;
        update safari_service_health h set account = named.account
         where h.account = 'default' and h.service_name in (
           select s.service from safari_services s where s.platform = named.platform);
        delete from safari_accounts a
         where a.platform = named.platform and a.account = 'default';
      end if;
    end if;
    insert into safari_accounts (platform, account) values (named.platform, named.account)
      on conflict on constraint safari_accounts_pkey do nothing;
  end loop;
  insert into safari_accounts (platform, account)
    values ('local', safari_account_on(accounts, 'local'))
    on conflict on constraint safari_accounts_pkey do nothing;
end $$;

-- Enqueues a sync of the conversations of each account that is logged in somewhere, once for each key.
create or replace function public.safari_enqueue_syncs(key text) returns jsonb
language sql set search_path = public, pg_temp as $$
  select safari_enqueue(coalesce(
           jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
             'action', 'sync', 'params', '{}'::jsonb, 'account', nullif(a.account, 'default'),
             'key', safari_enqueue_syncs.key || coalesce(':' || nullif(a.account, 'default'), '')))),
           jsonb_build_array(jsonb_build_object(
             'action', 'sync', 'params', '{}'::jsonb, 'key', safari_enqueue_syncs.key))))
    from safari_accounts_on('local') a (account)
   where exists (select from safari_hosts_of('local', a.account))
$$;

-- What alerts say besides of an account that somebody has named.
create or replace function public.safari_account_detail(account text) returns jsonb
language sql immutable as $$
  select case when account <> 'default' then jsonb_build_object('account', account) else '{}' end
$$;

-- The limits, hours and pace of an account: its own, else those of all.
create or replace function public.safari_policy(platform text, kind text, account text)
returns setof public.safari_policies
language sql stable rows 1 as $$
  select chosen.*
    from safari_policies common
    left join safari_account_policies own
      on own.platform = common.platform and own.kind = common.kind
         and own.account = safari_policy.account
   cross join lateral jsonb_populate_record(common, coalesce(own.changes, '{}')) chosen
   where common.platform = safari_policy.platform and common.kind = safari_policy.kind
$$;

-- Gives an account its new name on a platform, with all that is counted and remembered under the old one:
-- what it sent, to whom, its limits and pauses, and the commands in line. Refused while a Mac still
-- runs under the old name.
create or replace function public.safari_rename_account(platform text, account text, name text)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  before constant text := safari_account_name(safari_rename_account.account);
  after constant text := safari_account_name(safari_rename_account.name);
  services constant text[] := array(
    select s.service from safari_services s where s.platform = safari_rename_account.platform);
  host text;
  sent bigint;
  waiting bigint;
begin
  if after in ('', 'default') or after = before then
    raise invalid_parameter_value using message = 'give the new name of the account';
  elsif not exists (select from safari_accounts a
                     where a.platform = safari_rename_account.platform and a.account = before) then
    raise invalid_parameter_value using message = format(
      'no Mac has been logged in as %s on %s', before, safari_rename_account.platform);
  end if;
  select split_part(w.worker, '/', 1) into host
    from unnest(services) s, safari_hosts_of(s, before) w limit 1;
  if host is not null then
    raise object_not_in_prerequisite_state using message = format(
      '%s runs as %s: name %s in its SAFARI_ACCOUNTS and restart it, or stop it', host, before, after);
  end if;

  update safari_command_attempts t set account = after
   where t.account = before and t.service = any (services);
  get diagnostics sent = row_count;
  update safari_command_queue q set account = after, updated_at = now()
   where q.account = before and q.service = any (services) and q.status in ('pending', 'running');
  get diagnostics waiting = row_count;
  insert into safari_rate_limits as r (
    platform, action, limit_date, account, used, daily_limit, ceiling, next_action_at)
    select o.platform, o.action, o.limit_date, after, o.used, o.daily_limit, o.ceiling, o.next_action_at
      from safari_rate_limits o
     where o.platform = safari_rename_account.platform and o.account = before
    on conflict on constraint safari_rate_limits_key do update
      set used = greatest(r.used, excluded.used),  -- counted from what it sent under both names
          ceiling = greatest(r.ceiling, r.used, excluded.used),
          next_action_at = greatest(r.next_action_at, excluded.next_action_at), updated_at = now();
  delete from safari_rate_limits r
   where r.platform = safari_rename_account.platform and r.account = before;
  insert into safari_account_policies as p (platform, kind, account, changes)
    select o.platform, o.kind, after, o.changes from safari_account_policies o
     where o.platform = safari_rename_account.platform and o.account = before
    on conflict on constraint safari_account_policies_pkey do update
      set changes = excluded.changes || p.changes, updated_at = now();
  delete from safari_account_policies p
   where p.platform = safari_rename_account.platform and p.account = before;
  delete from safari_service_health h where h.account = before and h.service_name = any (services);
  update safari_pauses p set account = after
   where p.platform = safari_rename_account.platform and p.account = before
     and not exists (select from safari_pauses o
                      where o.platform = p.platform and o.account = after);
  insert into safari_conversations_read as c (platform, account, read_at)
    select o.platform, after, o.read_at from safari_conversations_read o
     where o.platform = safari_rename_account.platform and o.account = before
    on conflict on constraint safari_conversations_read_pkey do update
      set read_at = greatest(c.read_at, excluded.read_at);
  delete from safari_conversations_read c
   where c.platform = safari_rename_account.platform and c.account = before;
  insert into safari_accounts (platform, account) values (safari_rename_account.platform, after)
    on conflict on constraint safari_accounts_pkey do nothing;
  delete from safari_accounts a
   where a.platform = safari_rename_account.platform and a.account = before;
  perform safari_call(services);
  return jsonb_build_object('platform', safari_rename_account.platform, 'account', after,
                            'sent', sent, 'waiting', waiting);
end $$;

-- What keeps every account of a service from acting, and until when the first of them may.
create or replace function public.safari_any_gate(service text, acts_on text default null)
returns table (reason text, until timestamptz)
language sql stable rows 1 as $$
  select g.reason, g.until
    from safari_services s
   cross join lateral safari_accounts_on(s.platform) a (account)
   cross join lateral safari_service_gate(s.service, safari_any_gate.acts_on, a.account) g
   where s.service = safari_any_gate.service
   order by g.reason is null desc, g.until limit 1
$$;

-- Gives a command that waits to another account, one that some Mac has been logged in as.
create or replace function public.safari_reassign(id uuid, account text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
  name text := safari_account_name(account);
begin
  if command.status <> 'pending' or command.service = 'foreign' then
    raise object_not_in_prerequisite_state using
      message = format('command %s is %s; only one that waits can be given to another account',
                       command.id, case command.service when 'foreign' then 'another consumer''s'
                                                        else command.status end);
  elsif name = '' then
    raise invalid_parameter_value using message = 'no account is named';
  elsif not exists (select from safari_services s, safari_accounts_on(s.platform) a (account)
                     where s.service = command.service and a.account = name) then
    raise invalid_parameter_value using message = format(
      'no Mac has been logged in as %s on %s; known are %s', name, command.platform, (
        select string_agg(a.account, ', ' order by a.account)
          from safari_services s, safari_accounts_on(s.platform) a (account)
         where s.service = command.service));
  end if;
  update safari_command_queue q set account = name, updated_at = now() where q.id = command.id;
  perform safari_record_event(command.id, 'reassigned', null, null, null,
                              jsonb_build_object('from', nullif(command.account, ''), 'to', name));
  perform safari_call(array[command.service]);
  return jsonb_build_object('id', command.id, 'account', name);
end $$;
