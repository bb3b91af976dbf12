-- Functions, views and triggers that changed since the last release. Generated from
-- migrations/functions by bin/db bundle; edit them there.
do $$
declare
  here integer := (select max(version) from public.safari_schema_versions);
begin
  if here > 2 then
    raise exception using errcode = 'object_not_in_prerequisite_state', message =
      format('the database is newer (schema version %s) than this file (2)', here);
  end if;
end $$;

-- Each body may name what comes after it.
select set_config('check_function_bodies', 'off', false),
       set_config('actp.schema_version', '2', false);

drop function if exists public.agent_ab_create(uuid, text, text, text, text);

create or replace function public.agent_ab_create(
  id uuid, topic text, niche text, variant_a text, variant_b text,
  rounds integer default 1, series_id uuid default null, round integer default 1,
  planned_at timestamptz default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wait_reason text;
begin
  if exists (select from actp_ab_tests t where t.id = agent_ab_create.id) then
    return to_jsonb(true);
  end if;
  select g.reason into wait_reason from safari_any_gate('twitter-comments', 'twitter') g;
  if wait_reason is not null and (planned_at is null or wait_reason = 'paused') then
    raise object_not_in_prerequisite_state using
      message = format('no tweet may go out now: %s', wait_reason);
  end if;
  perform pg_advisory_xact_lock(hashtextextended('agent_ab_series:' || series_id, 0));
  if exists (select from actp_ab_tests t where t.series_id = agent_ab_create.series_id
                and t.round >= agent_ab_create.round) then
    return to_jsonb(false);
  end if;
  insert into actp_ab_tests (
    id, topic, niche, variant_a_text, variant_b_text, status, rounds, series_id, round, planned_at
  ) values (id, topic, niche, variant_a, variant_b, 'posting', rounds,
            coalesce(agent_ab_create.series_id, agent_ab_create.id), round, planned_at);
  return to_jsonb(true);
end $$;

create or replace function public.agent_ab_moment(moments jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select to_jsonb(min(m.at)) from (
    select (value)::timestamptz as at from jsonb_array_elements_text(moments)) m
   where not exists (
     select from safari_services s
       join safari_policies p on p.platform = s.platform and p.kind = s.kind,
            lateral extract(hour from m.at at time zone coalesce(p.time_zone, 'UTC')) h (hour)
      where s.service = 'twitter-comments' and p.active_from <> p.active_to
        and not case when p.active_from < p.active_to
                     then h.hour >= p.active_from and h.hour < p.active_to
                     else h.hour >= p.active_from or h.hour < p.active_to end)
$$;

drop function if exists public.agent_ab_posted_a(uuid, text);

create or replace function public.agent_ab_posted_a(
  id uuid, submission_id text, written_by text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test actp_ab_tests;
  made jsonb;
begin
  select * into test from actp_ab_tests t where t.id = agent_ab_posted_a.id for update;
  if test.post_id_a is not null or test.status <> 'posting' then
    return to_jsonb(test.command_id);
  end if;
  made := safari_enqueue(jsonb_build_array(jsonb_build_object(
    'action', 'tweet', 'platform', 'twitter', 'priority', 2,
    'params', jsonb_strip_nulls(jsonb_build_object(
      'text', test.variant_b_text, 'written_by', agent_ab_posted_a.written_by)),
    'key', 'ab-test:' || test.id || ':b', 'scheduled_for', test.planned_at,
    'expires_at', greatest(now(), test.planned_at) + interval '2 hours')));
  update actp_ab_tests t
     set post_id_a = submission_id, command_id = (made -> 0 ->> 'id')::uuid
   where t.id = test.id;
  return made -> 0 -> 'id';
end $$;

create or replace function public.agent_ab_open() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test record;
begin
  for test in
    select t.id, t.command_id, t.post_id_a, t.a_begun_at, q.status, q.reason, q.error, q.completed_at
      from actp_ab_tests t left join safari_command_queue q on q.id = t.command_id
     where t.status = 'posting' order by t.id
  loop
    if test.status = 'completed' then
      update actp_ab_tests t set status = 'running', started_at = test.completed_at
       where t.id = test.id and t.status = 'posting';
    elsif test.status in ('failed', 'cancelled') or (test.command_id is not null and test.status is null)
    then
      perform agent_ab_fail(test.id, 'b', format('the tweet %s: %s', coalesce(test.status, 'is gone'),
                                                 coalesce(test.error, test.reason, 'no reason')));
    elsif test.command_id is null
          and coalesce(test.a_begun_at, '-infinity') < now() - interval '15 minutes'
          and exists (select from actp_ab_tests t where t.id = test.id
                        and t.created_at < now() - interval '15 minutes') then
      perform agent_ab_fail(test.id, 'a', case when test.a_begun_at is null
        then 'it was never posted'
        else 'it may have been posted, and nobody heard: look at Blotato' end);
    end if;
  end loop;
  update actp_ab_tests t
     set started_at = coalesce(t.created_at, now()),
         a_begun_at = coalesce(t.a_begun_at, t.created_at, now())
   where t.status = 'running' and t.started_at is null and agent_ab_lacks(t) is null;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object(
             'age_hours', extract(epoch from now() - safari_bounded(t.started_at)) / 3600,
             'earlier', coalesce((
               select jsonb_agg(e.metrics_24h order by e.round) from actp_ab_tests e
                where e.series_id = t.series_id and e.round < t.round
                  and e.metrics_24h is not null), '[]')) order by t.started_at, t.id), '[]')
      from actp_ab_tests t where t.status = 'running' and t.started_at is not null);
end $$;

create or replace function public.agent_ab_lacks(test public.actp_ab_tests) returns text
language sql immutable set search_path = public, pg_temp as $$
  select case
    when coalesce(test.post_url_a, test.post_id_a, '') = ''
      then 'neither post_id_a nor post_url_a says where arm A is'
    when coalesce(test.post_url_b, test.variant_b_text, '') = ''
      then 'neither post_url_b nor variant_b_text says which tweet arm B is'
  end
$$;

create or replace function public.agent_ab_stranded() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', t.id, 'topic', t.topic, 'since', t.created_at, 'lacks', agent_ab_lacks(t))
           order by t.created_at, t.id), '[]')
    from actp_ab_tests t where t.status = 'running' and t.started_at is null
$$;

create or replace function public.agent_ab_note(
  id uuid, url_a text default null, url_b text default null, metrics jsonb default '{}'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_ab_tests t
     set post_url_a = coalesce(t.post_url_a, url_a), post_url_b = coalesce(t.post_url_b, url_b),
         metrics_1h = coalesce(t.metrics_1h, metrics -> 'metrics_1h'),
         metrics_4h = coalesce(t.metrics_4h, metrics -> 'metrics_4h'),
         metrics_24h = coalesce(t.metrics_24h, metrics -> 'metrics_24h')
   where t.id = agent_ab_note.id and t.status = 'running';
  if found then
    perform agent_post_noted('twitter', agent_publish_post_id(p.url), p.url, p.at)
       from actp_ab_tests t, lateral (values
         (t.post_url_a, coalesce(t.planned_at, t.a_begun_at, t.started_at)), (t.post_url_b, t.started_at)
       ) p (url, at)
      where t.id = agent_ab_note.id and p.url is not null;
    return to_jsonb(true);
  end if;
  return to_jsonb(false);
end $$;

create or replace function public.agent_ab_complete(
  id uuid, winner text, margin_percent double precision, p_value double precision,
  score_a double precision, score_b double precision, hook text, posts jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  test actp_ab_tests;
  post record;
  mean numeric;
begin
  update actp_ab_tests t
     set status = case when agent_ab_complete.winner = 'tie' then 'inconclusive' else 'complete' end,
         winner = agent_ab_complete.winner, eng_score_a = score_a, eng_score_b = score_b,
         p_value = agent_ab_complete.p_value, completed_at = now()
   where t.id = agent_ab_complete.id and t.status = 'running'
  returning * into test;
  if test.id is null then
    return to_jsonb(false);
  end if;

  select avg(p.engagement_score) into mean from actp_content_performance p
   where p.platform = 'twitter' and p.published_at > now() - interval '30 days';
  for post in
    select * from jsonb_to_recordset(posts) as p (
      external_id text, text text, views integer, likes integer, comments_count integer,
      engagement_score numeric, published_at timestamptz, content_type text)
     order by p.external_id
  loop
    insert into actp_content_performance (
      external_id, platform, niche, content_type, views, likes, comments_count, engagement_score,
      title, published_at
    ) values (post.external_id, 'twitter', test.niche, post.content_type, post.views, post.likes,
              post.comments_count, post.engagement_score, post.text, post.published_at)
    on conflict (platform, external_id) do nothing;
    continue when not found;  -- counted before, it has taught its hour already
    insert into actp_own_posts as o (platform, external_id, published_at, hour_taught_at)
      values ('twitter', post.external_id, post.published_at, now())
    on conflict on constraint actp_own_posts_pkey do update set hour_taught_at = now();
    if mean is not null then
      perform agent_schedule_reward(
        'twitter', extract(hour from post.published_at at time zone 'utc')::integer,
        post.engagement_score > mean);
    end if;
  end loop;

  if winner <> 'tie' then
    perform agent_resonance_add_hooks(jsonb_build_array(jsonb_build_object(
      'platform', 'twitter', 'niche', test.niche, 'hooks', jsonb_build_array(hook))));
    perform safari_alert('ab_winner:' || test.id, 'ab_winner', jsonb_build_object(
      'topic', test.topic, 'niche', test.niche, 'winner', winner,
      'method', case winner when 'a' then test.test_method_a else test.test_method_b end,
      'margin_percent', margin_percent, 'score_a', score_a, 'score_b', score_b));
  end if;
  return to_jsonb(true);
end $$;

create or replace function public.agent_ab_has(metrics jsonb, window_name text) returns boolean
language sql immutable set search_path = public, pg_temp as $$
  select metrics is not null and not coalesce(metrics -> 'late' ? window_name, false)
$$;

create or replace function public.agent_ab_list(
  ended boolean default false, row_limit integer default 20
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(l) order by l.created_at desc), '[]') from (
    select t.id, t.topic, t.niche, t.status, t.winner, t.eng_score_a, t.eng_score_b, t.p_value,
           t.variant_a_text, t.variant_b_text, t.post_url_a, t.post_url_b, t.error, t.created_at,
           t.started_at, t.completed_at, t.round, t.rounds, agent_ab_has(t.metrics_1h, '1h') as has_1h,
           agent_ab_has(t.metrics_4h, '4h') as has_4h, agent_ab_has(t.metrics_24h, '24h') as has_24h,
           coalesce(t.metrics_24h, t.metrics_4h, t.metrics_1h) -> 'late' as late
      from actp_ab_tests t
     where not ended or t.status in ('complete', 'inconclusive', 'error')
     order by t.created_at desc limit row_limit) l
$$;

create or replace function public.safari_protect() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  for_callers constant text[] := array[
    'safari_enqueue', 'safari_enqueue_check', 'safari_find', 'safari_show', 'safari_status',
    'safari_limits', 'safari_now', 'safari_schema', 'safari_ask'];
  routine record;
  role name;
begin
  for routine in
    select p.oid::regprocedure as signature, p.proname = any (for_callers) as is_for_callers
      from pg_proc p
     where p.pronamespace = 'public'::regnamespace
       and p.proname ~ '^(safari|agent)_' and p.proowner = current_user::regrole
  loop
    execute format('revoke all on function %s from public', routine.signature);
    for role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
      execute format('revoke all on function %s from %I', routine.signature, role);
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant execute on function %s to service_role', routine.signature);
    end if;
    if routine.is_for_callers and exists (select from pg_roles where rolname = 'actp_caller') then
      execute format('alter function %s security definer', routine.signature);
      execute format('grant execute on function %s to actp_caller', routine.signature);
    end if;
  end loop;
end $$;

create or replace function public.safari_secure(tables jsonb) returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  open_table record;
  secured jsonb := '[]';
begin
  for open_table in
    select c.relname, (select count(*) from pg_policy p where p.polrelid = c.oid) as policies
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and not c.relrowsecurity and tables ? c.relname::text
       and c.relname ~ '^(safari|agent|crm|actp|youtube|linkedin)_'
     order by c.relname
  loop
    begin
      execute format('alter table public.%I enable row level security', open_table.relname);
    exception when insufficient_privilege then
      raise insufficient_privilege using message = format(
        '%s belongs to another role. In the dashboard''s SQL editor: alter table public.%I enable row '
        'level security;', open_table.relname, open_table.relname);
    end;
    secured := secured || jsonb_build_object(
      'table', open_table.relname, 'policies', open_table.policies);
  end loop;
  return secured;
end $$;

create or replace function public.safari_exposed(tables jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(f) order by f.kind, f.name), '[]') from (
    select distinct 'view' as kind, v.relname::text as name, t.relname::text as "table"
      from pg_depend d
      join pg_rewrite w on w.oid = d.objid and d.classid = 'pg_rewrite'::regclass
      join pg_class v on v.oid = w.ev_class and v.relkind = 'v'
      join pg_class t on t.oid = d.refobjid and d.refclassid = 'pg_class'::regclass
     where t.relnamespace = 'public'::regnamespace and tables ? t.relname::text and v.oid <> t.oid
       and not coalesce(v.reloptions::text ~* 'security_invoker=(true|on|1|yes)', false)
       and exists (select from pg_roles r where r.rolname in ('anon', 'authenticated')
                      and has_table_privilege(r.oid, v.oid, 'select, insert, update, delete'))
    union all
    select 'policy', p.polname::text, c.relname::text
      from pg_policy p join pg_class c on c.oid = p.polrelid
     where c.relnamespace = 'public'::regnamespace and tables ? c.relname::text
       and (p.polroles = '{0}' or exists (
         select from pg_roles r where r.oid = any (p.polroles) and r.rolname in ('anon', 'authenticated')))
       and coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) = 'true'
  ) f
$$;

create or replace function public.safari_account_on(accounts jsonb, platform text) returns text
language sql immutable as $$ select coalesce(accounts ->> platform, 'default') $$;

create or replace function public.safari_accounts_here(worker text, accounts jsonb) returns jsonb
language sql immutable as $$
  select case when accounts = '{}' then accounts
              else accounts || jsonb_build_object(
                'local', public.safari_account_name(split_part(worker, '/', 1))) end
$$;

create or replace function public.safari_account_name(name text) returns text
language sql immutable as $$
  select left(lower(ltrim(coalesce(public.safari_trim(name), ''), '@')), 100)
$$;

create or replace function public.safari_shared_platforms() returns text[]
language sql stable set search_path = public, pg_temp as $$
  select coalesce(array_agg(s.platform), '{}')
    from (select a.platform from safari_accounts a group by a.platform having count(*) > 1) s
$$;

create or replace function public.safari_accounts_on(platform text) returns setof text
language sql stable rows 1 as $$
  select a.account from safari_accounts a where a.platform = safari_accounts_on.platform
  union all
  select 'default' where not exists (
    select from safari_accounts a where a.platform = safari_accounts_on.platform)
$$;

create or replace function public.safari_hosts_of(service text, account text)
returns setof public.safari_workers
language sql stable as $$
  select w.* from safari_workers w join safari_services s on s.service = safari_hosts_of.service
   where w.stopped_at is null and w.seen_at > now() - interval '60 seconds'
     and w.services @> array[s.service]
     and safari_account_on(w.accounts, s.platform) = safari_hosts_of.account
   order by w.seen_at desc
$$;

create or replace function public.safari_last_host(service text, account text) returns text
language sql stable as $$
  select split_part(w.worker, '/', 1)
         || to_char(w.seen_at at time zone 'utc', ' at YYYY-MM-DD HH24:MI UTC')
    from safari_workers w join safari_services s on s.service = safari_last_host.service
   where safari_account_on(w.accounts, s.platform) = safari_last_host.account
   order by w.seen_at desc limit 1
$$;

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

create or replace function public.safari_account_detail(account text) returns jsonb
language sql immutable as $$
  select case when account <> 'default' then jsonb_build_object('account', account) else '{}' end
$$;

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

drop function if exists public.safari_alerts_claim(integer, double precision);

create or replace function public.safari_alerts_claim(
  row_limit integer, seconds double precision, with_buttons boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- More than these come as one message, which has no buttons.
  most_with_buttons constant integer := 50;
  free_at timestamptz;
  claimed jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('safari_alerts', 0));
  select greatest(
           (select max(a.claimed_until) from safari_alerts a where a.claimed_until > now()),
           (select max(a.next_attempt_at) from safari_alerts a
             where a.delivered_at is null and a.next_attempt_at > now()))
    into free_at;
  if free_at is null then
    if with_buttons then
      perform safari_announce_drafts();
    end if;
    with next as (
      select a.id from safari_alerts a where a.delivered_at is null order by a.id limit row_limit
    ), taken as (
      update safari_alerts a
         set claimed_until = now() + make_interval(secs => seconds), attempts = a.attempts + 1,
             next_attempt_at = null
        from next where a.id = next.id
      returning a.id, a.kind, safari_object(a.detail) as detail, a.created_at
    )
    select jsonb_agg(to_jsonb(t) order by t.id) into claimed from taken t;
  end if;
  if with_buttons and jsonb_array_length(claimed) <= most_with_buttons then
    select jsonb_agg(c.item || jsonb_build_object('offer', safari_alert_offer(a)) order by a.id)
      into claimed
      from jsonb_array_elements(claimed) c (item)
      join safari_alerts a on a.id = (c.item ->> 'id')::bigint;
  end if;
  return jsonb_build_object(
    'now', now(), 'alerts', coalesce(claimed, '[]'),
    'secret', case when with_buttons and claimed is not null then (
      select t.secret from safari_telegram t) end,
    'wait_seconds', case when free_at is not null then safari_seconds_until(free_at) end);
end $$;

drop function if exists public.safari_check_services(text, jsonb, double precision);

create or replace function public.safari_check_services(
  host text, results jsonb, stale_seconds double precision default 180, accounts jsonb default '{}'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ready_interval constant interval := interval '15 minutes';
  known safari_service_health;
  owner safari_services;
  result jsonb;
  recorded jsonb := '[]';
  about jsonb;
  asked jsonb;
begin
  insert into safari_service_health (service_name, account, port)
    select r ->> 'service_name', safari_account_on(accounts, s.platform), (r ->> 'port')::integer
      from jsonb_array_elements(results) r
      left join safari_services s on s.service = r ->> 'service_name'
     order by 1
    on conflict on constraint safari_service_health_key do nothing;
  for result in select r from jsonb_array_elements(results) r order by r ->> 'service_name' loop
    select * into owner from safari_services s where s.service = result ->> 'service_name';
    select * into known from safari_service_health h
     where h.service_name = result ->> 'service_name'
       and h.account = safari_account_on(accounts, owner.platform) for update;
    known.last_healthy_at := coalesce(
      known.last_healthy_at, case known.status when 'healthy' then known.checked_at end);
    about := jsonb_build_object(
      'service', known.service_name, 'port', result -> 'port', 'kind', owner.kind,
      'last_healthy_at', known.last_healthy_at, 'pending', safari_pending(known.service_name))
      || safari_account_detail(known.account)
      || case when known.account <> 'default' then jsonb_build_object('host', coalesce(
           (select split_part(w.worker, '/', 1) from safari_workers w
             where w.host_key = host order by w.seen_at desc limit 1), host)) else '{}' end;

    if result ->> 'status' = 'healthy' then
      if known.down_alerted_at is not null then
        perform safari_alert(
          format('recovered:%s:%s%s', known.service_name, known.down_alerted_at,
                 ':' || nullif(known.account, 'default')),
          'service_recovered', about);
      end if;
      update safari_service_health h
         set seen_by = host, failing_checks = 0, down_alerted_at = null
       where h.id = known.id;
    elsif known.seen_by <> host
          and known.last_healthy_at > now() - make_interval(secs => stale_seconds) then
      continue;
    else
      known.failing_checks := known.failing_checks + 1;
      if known.failing_checks >= 2 and known.down_alerted_at is null
         and known.last_healthy_at is not null then
        known.down_alerted_at := now();
        perform safari_alert(
          format('down:%s:%s%s', known.service_name, known.last_healthy_at,
                 ':' || nullif(known.account, 'default')), 'service_down',
          about || jsonb_build_object('status', result -> 'status', 'error', result -> 'error'));
      end if;
      update safari_service_health h
         set failing_checks = known.failing_checks, down_alerted_at = known.down_alerted_at,
             last_healthy_at = known.last_healthy_at
       where h.id = known.id;
    end if;
    recorded := recorded || result;
  end loop;
  perform safari_record_health(recorded, accounts);
  insert into safari_health_hours as h (host, service, hour, checks, healthy)
    select safari_check_services.host, r ->> 'service_name', date_trunc('hour', now()), 1,
           (r ->> 'status' = 'healthy')::integer
      from jsonb_array_elements(results) r order by r ->> 'service_name'
    on conflict on constraint safari_health_hours_pkey do update
      set checks = h.checks + 1, healthy = h.healthy + excluded.healthy;

  with due as (
    select h.id from safari_service_health h
      join safari_services s on s.service = h.service_name
      left join lateral safari_policy(s.platform, s.kind, h.account) p on true
     where h.service_name in (select r ->> 'service_name' from jsonb_array_elements(recorded) r)
       and h.account = safari_account_on(accounts, s.platform)
       and h.status = 'healthy'
       and coalesce(h.ready_asked_at < now() - ready_interval, true)
       and (s.kind is null or safari_within_hours(p))
       and exists (select from safari_command_queue q
                    where q.service = h.service_name and q.status = 'pending'
                      and q.account in ('', h.account))
     order by h.service_name
  ), marked as (
    update safari_service_health h set ready_asked_at = now() from due where h.id = due.id
    returning h.service_name
  )
  select jsonb_agg(m.service_name order by m.service_name) into asked from marked m;
  -- What was seen two intervals ago is no longer known.
  update safari_service_health h set not_ready = null
   where h.not_ready is not null and h.ready_asked_at < now() - 2 * ready_interval;
  return jsonb_build_object(
    'ask_ready', coalesce(asked, '[]'), 'is_unsettled', safari_is_unsettled(),
    'has_alerts', exists (select from safari_alerts a where a.delivered_at is null));
end $$;

drop function if exists public.safari_record_readiness(jsonb);

create or replace function public.safari_record_readiness(results jsonb, accounts jsonb default '{}')
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  recorded integer;
begin
  update safari_service_health h set not_ready = left(r.not_ready, 500), ready_asked_at = now()
    from jsonb_to_recordset(results) as r (service_name text, not_ready text)
    left join safari_services s on s.service = r.service_name
   where h.service_name = r.service_name and h.account = safari_account_on(accounts, s.platform);
  get diagnostics recorded = row_count;
  return to_jsonb(recorded);
end $$;

create or replace function public.safari_all_well(hour integer) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  sign text := format('all_well:%s', safari_today());
  midnight timestamptz := safari_today()::timestamp at time zone 'utc';
begin
  if extract(hour from now() at time zone 'utc') < hour
     or not exists (select from safari_workers w where w.started_at < midnight)
     or exists (select from safari_alerts a where a.key = sign) then
    return to_jsonb(false);
  end if;
  perform safari_alert(sign, 'all_well', (
    select jsonb_build_object(
             'day', safari_today() - 1,
             'completed', count(*) filter (where q.status = 'completed'),
             'failed', count(*) filter (
               where q.status = 'failed' and q.reason is distinct from 'unknown'),
             'unknown', count(*) filter (where q.status = 'failed' and q.reason = 'unknown'))
      from safari_command_queue q
     where q.status in ('completed', 'failed') and q.service is distinct from 'foreign'
       and q.completed_at >= midnight - interval '1 day' and q.completed_at < midnight
    ) || jsonb_build_object(
      'pending', (select count(*) from safari_command_queue q
                   where q.status = 'pending' and q.service is distinct from 'foreign'),
      'open_unknown', (select count(*) from safari_command_queue q
                        where q.status = 'failed' and q.reason = 'unknown'),
      'services_down', coalesce((
        select jsonb_agg(distinct h.service_name || coalesce(
                           ' of ' || nullif(h.account, 'default'), ''))
          from safari_service_health h where h.down_alerted_at is not null), '[]')));
  return to_jsonb(true);
end $$;

create or replace function public.safari_ask(question text, arguments jsonb default '{}')
returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  most constant integer := least(coalesce((a ->> 'limit')::integer, 20), 200);
begin
  case question
    when 'status' then return safari_status();
    when 'search' then
      return safari_search(coalesce(a -> 'filter', '{}'), a ->> 'after', most);
    when 'show' then return safari_show(a ->> 'id');
    when 'limits' then return safari_limits();
    when 'campaigns' then return safari_campaigns(most);
    when 'campaign' then return safari_campaign_show(a ->> 'campaign_id');
    when 'inbox' then return agent_inbox(most);
    when 'coming' then return safari_console() -> 'coming';
    when 'agent_tasks' then
      return coalesce((
        select jsonb_agg(to_jsonb(t) order by t.created_at desc) from (
          select id, domain, task, status, duration_ms, created_at, completed_at, result
            from actp_agent_tasks order by created_at desc limit most) t), '[]');
    when 'enqueue' then
      if jsonb_typeof(a -> 'commands') is distinct from 'array'
         or exists (select from jsonb_array_elements(a -> 'commands') c
                     where coalesce(btrim(c ->> 'key'), '') = '') then
        raise invalid_parameter_value using message = 'every command of an agent has a key';
      elsif jsonb_array_length(a -> 'commands') > 100 then
        raise invalid_parameter_value using message = 'at most 100 commands at once';
      elsif coalesce((a ->> 'dry_run')::boolean, true) then
        return jsonb_build_object('dry_run', true, 'commands', (
          select jsonb_agg(jsonb_build_object(
                   'key', c ->> 'key', 'service', r.service,
                   'command_id', (select k.command_id from safari_idempotency_keys k
                                   where k.key = c ->> 'key')))
            from jsonb_array_elements(a -> 'commands') c,
                 lateral safari_route(c ->> 'action', coalesce(c ->> 'platform', '')) r));
      end if;
      return jsonb_build_object('dry_run', false, 'commands', safari_enqueue(a -> 'commands'));
    else
      raise invalid_parameter_value using message = format('there is no question %s', question);
  end case;
end $$;

create or replace function public.safari_backlog_age() returns interval
language sql immutable as $$ select interval '1 day' $$;

create or replace function public.agent_outreach_is_stale(message public.crm_message_queue)
returns boolean
language sql stable as $$
  select message.status = 'pending' and (message.hold is not null or (
    lower(btrim(message.platform)) not in ('gmail', 'email')
    and coalesce(greatest(message.created_at, message.scheduled_for, message.accepted_at),
                 '-infinity') < now() - safari_backlog_age()))
$$;

create or replace function public.agent_outreach_hold_old() returns trigger
language plpgsql as $$
begin
  new.hold := 'backlog';
  return new;
end $$;

create or replace trigger agent_outreach_hold_old
  before insert on public.crm_message_queue
  for each row when (
    new.hold is null and new.status = 'pending'
    and new.created_at < now() - interval '1 day' and coalesce(new.scheduled_for <= now(), true)
    and lower(btrim(new.platform)) not in ('gmail', 'email'))
  execute function public.agent_outreach_hold_old();

create or replace function public.agent_publish_is_stale(task public.actp_workflow_tasks)
returns boolean
language sql stable as $$
  select task.status = 'pending' and task.lease_number = 0 and (task.hold is not null
    or coalesce(greatest(task.created_at, task.accepted_at), '-infinity')
       < now() - safari_backlog_age())
$$;

create or replace function public.safari_backlog_list(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with held as materialized (
    select 'commands' as door, q.id, q.created_at, q.platform,
           coalesce(p.params ->> 'username', p.params ->> 'profileUrl', p.params ->> 'postUrl') as to,
           coalesce(p.params ->> 'text', p.params ->> 'message') as text
      from safari_command_queue q cross join lateral (select safari_params(q.params) as params) p
     where q.status = 'pending' and q.hold = 'backlog'
    union all
    select 'messages', m.id, m.created_at, lower(m.platform),
           coalesce(c.display_name, c.username), m.message_body
      from crm_message_queue m left join crm_contacts c on c.id = m.contact_id
     where m.status = 'pending' and agent_outreach_is_stale(m)
    union all
    select 'posts', w.id, w.created_at, w.input_data ->> 'platforms', null,
           coalesce(w.input_data ->> 'description', w.input_data ->> 'text',
                    w.input_data ->> 'descriptions')
      from actp_workflow_tasks w
     where w.task_type = 'blotato_multi_publish' and w.status = 'pending'
       and agent_publish_is_stale(w)
  )
  select jsonb_build_object(
    'commands', (select count(*) from held h where h.door = 'commands'),
    'messages', (select count(*) from held h where h.door = 'messages'),
    'posts', (select count(*) from held h where h.door = 'posts'),
    'rows', (select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at, s.id), '[]')
               from (select h.door, h.id, h.created_at, h.platform, h.to, left(h.text, 300) as text
                       from held h order by h.created_at nulls first, h.id limit row_limit) s))
$$;

drop function if exists public.safari_backlog(boolean);

create or replace function public.safari_backlog(accept boolean, doors jsonb default '["commands"]')
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  commands integer := 0;
  messages integer := 0;
  posts integer := 0;
begin
  if doors ? 'commands' then
    with held as (
      select q.id from safari_command_queue q
       where q.status = 'pending' and q.hold = 'backlog' order by q.id for update
    ), changed as (
      update safari_command_queue q
         set hold = null,
             status = case when accept then 'pending' else 'cancelled' end,
             reason = case when accept then null else 'discarded' end,
             result = case when accept then null else '{"outcome": "discarded"}'::jsonb end,
             completed_at = case when accept then null else now() end,
             updated_at = now()
        from held where q.id = held.id
      returning q.id
    ), audited as (
      insert into safari_command_events (command_id, event)
        select id, case when accept then 'accepted' else 'discarded' end from changed
    )
    select count(*) into commands from changed;
  end if;
  if doors ? 'messages' then
    update crm_message_queue m
       set hold = null, accepted_at = now(), updated_at = now(),
           status = case when accept then 'pending' else 'failed' end,
           error_message = case when not accept then 'discarded' end
     where m.id in (select k.id from crm_message_queue k
                     where k.status = 'pending' and agent_outreach_is_stale(k)
                     order by k.id for update);
    get diagnostics messages = row_count;
  end if;
  if doors ? 'posts' then
    update actp_workflow_tasks w
       set hold = null, accepted_at = now(),
           status = case when accept then 'pending' else 'failed' end,
           error = case when not accept then 'discarded' end,
           completed_at = case when not accept then now() end
     where w.id in (select k.id from actp_workflow_tasks k
                     where k.task_type = 'blotato_multi_publish' and k.status = 'pending'
                       and agent_publish_is_stale(k)
                     order by k.id for update);
    get diagnostics posts = row_count;
  end if;
  notify safari_commands;
  return jsonb_build_object('commands', commands, 'messages', messages, 'posts', posts);
end $$;

create or replace function public.safari_campaign_heard(platform text, handle text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  longest constant integer := 500;
  ids text[] := safari_crm_contacts(platform, handle);
  has text[];
  conditions text[];
  rows jsonb;
  conversations jsonb;
  heard jsonb := '[]';
begin
  if ids <> '{}' then
    execute 'select jsonb_agg(to_jsonb(c)) from public.crm_contacts c where c.id::text = any ($1)'
      into rows using ids;
    if safari_columns('crm_conversations', array['contact_id']) <> '{}' then
      execute 'select jsonb_agg(to_jsonb(c)) from public.crm_conversations c
                where c.contact_id::text = any ($1)
                  and lower(coalesce(to_jsonb(c) ->> ''platform'', $2)) = $2'
        into conversations using ids, platform;
      select heard || coalesce(jsonb_agg(h.item), '[]') into heard
        from jsonb_array_elements(coalesce(conversations, '[]')) c, lateral (values
          (jsonb_build_object(
             -- A program that notes when it was first seen touches the row for other reasons too.
             'at', coalesce(c ->> 'last_message_at',
                            case when c ->> 'seen_at' is null then c ->> 'updated_at' end),
             'seen_at', c -> 'seen_at',
             'text', coalesce(c ->> 'last_message', c ->> 'last_message_preview'))),
          (case when c ->> 'doubted_at' is not null then
             jsonb_build_object('at', c -> 'doubted_at') end),
          (case when coalesce(c ->> 'last_reply_at', c ->> 'last_reply_received') is not null then
             jsonb_build_object('at', c -> 'last_reply_at', 'text', c -> 'last_reply_received',
                                'outbound', false) end)) h (item)
       where h.item is not null;
    end if;
    select heard || coalesce(jsonb_agg(h.item), '[]') into heard
      from jsonb_array_elements(rows) c, lateral (values
        -- The same words stand in the conversation, with all that is known of them.
        (case when not exists (
           select from jsonb_array_elements(coalesce(conversations, '[]')) v
            where v ->> 'last_message' = c ->> 'last_message') then
           jsonb_build_object('at', c -> 'last_message_at', 'text', c -> 'last_message') end),
        (case when c ->> 'last_inbound_at' is not null then
           jsonb_build_object('at', c -> 'last_inbound_at', 'outbound', false) end)) h (item)
     where h.item is not null;
  end if;

  has := safari_columns('crm_messages', array['contact_id', 'platform', 'username']);
  conditions := '{}';
  if 'contact_id' = any (has) and ids <> '{}' then
    conditions := conditions || 'm.contact_id::text = any ($1)'::text;
  end if;
  if has @> array['platform', 'username'] then
    conditions := conditions || 'lower(m.platform) = $2 and lower(ltrim(m.username, ''@'')) = $3'::text;
  end if;
  if conditions <> '{}' then
    execute format('select jsonb_agg(to_jsonb(m)) from (select * from public.crm_messages m
                     where (%s) limit $4) m', array_to_string(conditions, ') or ('))
      into rows using ids, platform, handle, longest;
    select heard || coalesce(jsonb_agg(jsonb_build_object(
             'at', coalesce(m ->> 'sent_at', m ->> 'created_at', m ->> 'synced_at'),
             'text', coalesce(m ->> 'message_text', m ->> 'body', m ->> 'text', m ->> 'content'),
             'outbound', coalesce(m -> 'is_outbound', to_jsonb((m ->> 'direction') = 'outbound')))),
             '[]') into heard
      from jsonb_array_elements(coalesce(rows, '[]')) m
     where lower(coalesce(m ->> 'platform', safari_campaign_heard.platform))
           = safari_campaign_heard.platform;
  end if;
  return coalesce((select jsonb_agg(h) from jsonb_array_elements(heard) h
                    where h ->> 'at' is not null or h ->> 'text' is not null), '[]');
end $$;

create or replace function public.safari_campaign_due(
  row_limit integer default 50, lease_seconds double precision default 60
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  look_before timestamptz;
  has_crm boolean := safari_has_crm();
  targets jsonb;
begin
  if has_crm then
    select greatest(now() - interval '1 hour', max(q.completed_at)) into look_before
      from safari_command_queue q
     where q.status = 'completed' and q.action in ('sync', 'pipeline');
  end if;
  with picked as (
    select t.id from safari_campaign_targets t
     where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')
       and (t.claimed_until is null or t.claimed_until <= now())
       and (t.next_step_at <= now() or t.looked_at < look_before
            or exists (select from safari_campaign_events e
                        where e.target_id = t.id and e.handled_at is null))
     order by t.next_step_at nulls first, t.id
     limit row_limit for update skip locked
  ), claimed as (
    update safari_campaign_targets t
       set claimed_until = now() + make_interval(secs => lease_seconds),
           looked_at = case when t.looked_at is not null then now() end
      from picked where t.id = picked.id
    returning t.*
  )
  select jsonb_agg(jsonb_build_object(
           'id', c.id, 'version', c.version, 'campaign_id', c.campaign_id,
           'campaign_type', r.campaign_type, 'platform', c.platform, 'handle', c.handle,
           'data', c.data, 'created_at', c.created_at,
           'events', coalesce((
             select jsonb_agg(jsonb_build_object('id', e.id, 'event', e.event, 'step', e.step,
                                                 'reason', e.reason, 'at', e.at) order by e.id)
               from safari_campaign_events e
              where e.target_id = c.id and e.handled_at is null), '[]'),
           'heard', case when c.looked_at is not null and has_crm
                         then safari_campaign_heard(c.platform, c.handle) else '[]' end,
           'synced_at', safari_campaign_synced_at(c.platform)))
    into targets
    from claimed c
    join lateral (select r.campaign_type from safari_campaign_runs r
                   where r.campaign_id = c.campaign_id limit 1) r on true;
  return jsonb_build_object(
    'now', now(), 'has_crm', has_crm, 'targets', coalesce(targets, '[]'),
    'is_idle', not exists (
      select from safari_campaign_targets t
       where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')),
    'next_due_seconds', (
      select safari_seconds_until(min(t.next_step_at))
        from safari_campaign_targets t
       where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')
         and t.next_step_at > now()));
end $$;

create or replace function public.safari_campaign_create(
  campaign_id text, campaign_type text, platform text, total_tasks integer,
  targets jsonb, commands jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  running record;
begin
  perform pg_advisory_xact_lock(hashtextextended('safari_campaign:' || campaign_id, 0));
  if exists (select from safari_campaign_runs r
              where r.campaign_id = safari_campaign_create.campaign_id) then
    return jsonb_build_object('campaign_id', campaign_id, 'created', false);
  end if;
  if campaign_type <> 'research_sweep' then
    -- One campaign at a time for a person and platform, also of two that start at once.
    perform pg_advisory_xact_lock(hashtextextended('safari_campaign_targets', 0));
    select t.handle, o.campaign_id as other into running
      from jsonb_to_recordset(targets) as t (handle text)
     cross join lateral unnest(safari_person_addresses(
             safari_campaign_create.platform || ':' || t.handle)) a (address)
      join safari_campaign_targets o
        on o.handle = split_part(a.address, ':', 2) and o.platform = split_part(a.address, ':', 1)
       and o.platform = safari_campaign_create.platform
     where not safari_campaign_ended(o.state)
     order by t.handle limit 1;
    if found then
      raise object_not_in_prerequisite_state using message = format(
        '%s is in the running campaign %s on %s: cancel that or leave them out',
        running.handle, running.other, platform);
    end if;
  end if;
  insert into safari_campaign_runs (campaign_id, campaign_type, platform, total_tasks, result)
    values (campaign_id, campaign_type, platform, total_tasks,
            jsonb_build_object('targets', jsonb_array_length(targets)));
  insert into safari_campaign_targets (
    id, campaign_id, platform, handle, state, step, data, looked_at
  )
    select t.id, safari_campaign_create.campaign_id, safari_campaign_create.platform, t.handle,
           t.state, t.step, t.data,
           case when campaign_type = 'dm_sequence' then now() end
      from jsonb_to_recordset(targets) as t (
        id uuid, handle text, state text, step text, data jsonb);
  perform safari_campaign_enqueue(commands);
  return jsonb_build_object('campaign_id', campaign_id, 'created', true);
end $$;

create or replace function public.safari_campaign_person(given text, platform text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  address record := safari_address(platform, given);
  handle text := address.name;
begin
  if handle is null and platform is null then
    handle := safari_handle('tiktok', safari_visible(given));
  end if;
  if handle is null then
    raise invalid_parameter_value using message = format('not a username or a profile: %s',
                                                         left(given, 80));
  end if;
  return jsonb_build_object('handle', handle, 'platform', coalesce(address.place, platform));
end $$;

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

create or replace function public.safari_promote() returns void
language plpgsql as $$
begin
  if exists (select from safari_command_queue
              where status = 'pending' and expires_at is not null and expires_at <= now()) then
    perform safari_expire();
  end if;
  if exists (select from safari_command_queue
              where status = 'pending' and not ready and due_at <= now()) then
    update safari_command_queue q
       set ready = true, updated_at = now()
      from (select id from safari_command_queue
             where status = 'pending' and not ready and due_at <= now()
             order by due_at limit 1000 for update skip locked) due
     where q.id = due.id;
  end if;
end $$;

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
  suspects uuid[];
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
  perform safari_promote();

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
                and q.crash_count > 0)
     and exists (select from unnest(open_services, open_accounts) s (service, account)
                   join safari_command_queue q on q.service = s.service
                  where q.account in ('', s.account) and q.status = 'pending' and q.ready
                    and q.crash_count > 0) then
    drain := held > 0;
    open_services := case when drain then '{}' else open_services end;
    select array_agg(id) into suspects
      from (select q.id from unnest(open_services, open_accounts) s (service, account)
              join safari_command_queue q on q.service = s.service
             where q.account in ('', s.account) and q.status = 'pending' and q.ready
               and q.crash_count > 0
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

  with picked as (
    select unnest(suspects) as id
    union all
    select q.id
      from unnest(open_services, open_accounts) s (service, account)
     cross join lateral (
       select exists (
         select from safari_command_queue c
          where c.service = s.service and c.account = s.account
            and c.status = 'pending' and c.ready and c.crash_count = 0) as is_ours) own
     -- How many of the first in line stand in which of two lines. Locking the heads of both would hide
     -- rows that are not taken from another worker that asks at this moment.
     cross join lateral (
       select count(*) filter (where h.account = '') as anybodys,
              count(*) filter (where h.account <> '') as ours
         from (select l.account, l.priority, l.created_at, l.id
                 from unnest(case when own.is_ours then array['', s.account] else '{}' end)
                        a (account)
                cross join lateral (
                  select c.account, c.priority, c.created_at, c.id from safari_command_queue c
                   where c.service = s.service and c.account = a.account
                     and c.status = 'pending' and c.ready and c.crash_count = 0
                     and (paused = '{}' or c.platform is null or c.platform <> all (paused))
                   order by c.priority, c.created_at, c.id
                   limit (wants ->> s.service)::integer) l
                order by l.priority, l.created_at, l.id
                limit (wants ->> s.service)::integer) h) n
     cross join lateral (
       select '' as account, case when own.is_ours then n.anybodys
                                  else (wants ->> s.service)::bigint end as most
       union all
       select s.account, n.ours where own.is_ours) line
     cross join lateral (
       select c.id from safari_command_queue c
        where c.service = s.service and c.account = line.account
          and c.status = 'pending' and c.ready and c.crash_count = 0
          and (paused = '{}' or c.platform is null or c.platform <> all (paused))
        order by c.priority, c.created_at, c.id
        limit line.most
        for update skip locked) q
     where suspects is null
  ), claimed as (
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
      from picked where q.id = picked.id
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

  return jsonb_build_object(
    'commands', commands,
    'waits', waits,
    'drain', drain,
    'next_due_seconds', (
      select safari_seconds_until(q.due_at) from safari_command_queue q
       where q.status = 'pending' and not q.ready and q.due_at < 'infinity'
       order by q.due_at limit 1));
end $$;

create or replace function public.safari_pulse() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select jsonb_build_object(
    'events', (select coalesce(sum(e.id), 0) from (
      select id from safari_command_events order by id desc limit 100) e),
    'alerts', (select coalesce(sum(a.id), 0) from (
      select id from safari_alerts order by id desc limit 20) a),
    'actions', (select coalesce(sum(o.id), 0) from (
      select id from safari_operator_actions order by id desc limit 20) o))
$$;

create or replace function public.safari_feed(row_limit integer default 20, after bigint default 0)
returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', e.id, 'at', e.at, 'event', e.event, 'worker', e.worker, 'attempt', e.attempt,
           'http_status', e.http_status, 'detail', e.detail - 'result', 'command_id', e.command_id,
           'service', q.service, 'action', q.action, 'platform', q.platform, 'params', q.params,
           'status', q.status, 'reason', q.reason) order by e.id desc), '[]')
    from (select * from safari_command_events e where e.id > safari_feed.after
           order by e.id desc limit least(greatest(row_limit, 1), 200)) e
    left join safari_command_queue q on q.id = e.command_id
$$;

create or replace function public.safari_day_by_hour() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with ended as materialized (
    select q.service, (extract(epoch from now() - q.completed_at) / 3600)::integer as ago,
           count(*) filter (where q.status = 'completed') as completed,
           count(*) filter (where q.status <> 'completed') as others
      from safari_command_queue q
     where q.status in ('completed', 'failed', 'cancelled') and q.completed_at <= now()
       and q.completed_at > now() - interval '23 hours 30 minutes'
     group by 1, 2
  )
  select coalesce(jsonb_object_agg(d.service, d.hours), '{}') from (
    select s.service, jsonb_agg(jsonb_build_array(coalesce(e.completed, 0), coalesce(e.others, 0))
                                order by h.ago desc) as hours
      from safari_services s cross join generate_series(0, 23) h (ago)
      left join ended e on e.service = s.service and e.ago = h.ago
     group by s.service) d
$$;

create or replace function public.safari_console() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select jsonb_build_object(
    'status', safari_status(), 'feed', safari_feed(20), 'hours', safari_day_by_hour(),
    'undelivered', safari_alerts_waiting(),
    'inbox', agent_inbox(1) -> 'waiting', 'drafts', (select count(*) from safari_review_rows()),
    'running', coalesce((
      select jsonb_agg(to_jsonb(r) order by r.started_at) from (
        select q.id, q.service, q.action, q.platform, q.params, q.worker_id, q.started_at, q.attempt,
               exists (select from safari_command_attempts a
                        where a.command_id = q.id and a.outcome is null) as is_begun
          from safari_command_queue q where q.status = 'running'
         order by q.started_at limit 5) r), '[]'),
    'coming', coalesce((
      select jsonb_agg(to_jsonb(c) order by c.priority, c.created_at) from (
        select q.id, q.service, q.action, q.platform, q.params, q.priority, q.created_at
          from safari_command_queue q
         where q.status = 'pending' and q.ready and q.crash_count = 0
           and q.service is distinct from 'foreign'
         order by q.priority, q.created_at limit 5) c), '[]'))
$$;

create or replace function public.safari_alerts_recent(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(n) order by n.id desc), '[]') from (
    select a.id, a.kind, safari_object(a.detail) as detail, a.created_at, a.delivered_at, a.attempts, a.error
      from safari_alerts a order by a.id desc limit least(greatest(row_limit, 1), 200)) n
$$;

create or replace function public.safari_health_day() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(jsonb_build_object('host', d.host, 'service', d.service, 'hours', d.hours)
                            order by d.host, d.port nulls last), '[]')
    from (
      select k.host, k.service, s.port,
             jsonb_agg(case when h.checks is not null then jsonb_build_array(h.checks, h.healthy) end
                       order by t.hour) as hours
        from (select distinct host, service from safari_health_hours
               where hour > now() - interval '24 hours') k
        join safari_services s on s.service = k.service
       cross join generate_series(date_trunc('hour', now()) - interval '23 hours',
                                  date_trunc('hour', now()), interval '1 hour') t (hour)
        left join safari_health_hours h
          on h.host = k.host and h.service = k.service and h.hour = t.hour
       group by k.host, k.service, s.port) d
$$;

create or replace function public.safari_windows() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_object_agg(w.service, w.accounts), '{}') from (
    select s.service, jsonb_object_agg(a.account, (
             select jsonb_object_agg(span.name, (
                      select count(*) from (
                        select from safari_command_attempts t
                         where t.service = s.service and t.account = a.account
                           and t.quota_day is not null and t.begun_at > now() - span.length
                         order by t.begun_at desc limit 1000) t))
               from (values ('hourly', interval '1 hour'), ('rolling', interval '24 hours'),
                            ('weekly', interval '7 days')) span (name, length))) as accounts
      from safari_services s cross join lateral safari_accounts_on(s.platform) a (account)
     where s.kind is not null
     group by s.service) w
$$;

create or replace function public.agent_people(find text default null, row_limit integer default 50)
returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  most constant integer := least(greatest(row_limit, 1), 200);
  wanted constant text := '%' || regexp_replace(lower(ltrim(btrim(coalesce(find, '')), '@')),
                                                '([\\%_])', '\\\1', 'g') || '%';
begin
  return (
    with found as materialized (
      select c.id, coalesce(nullif(btrim(c.display_name), ''), c.username) as name, c.platform,
             c.username, c.relationship_score as score, c.stage, c.headline,
             greatest(c.last_inbound_at, c.last_outbound_at, c.last_message_at) as last_at
        from crm_contacts c
       where wanted = '%%' or lower(concat_ws(' ', c.display_name, c.username, c.twitter_handle,
               c.instagram_handle, c.tiktok_handle, c.linkedin_url, c.email)) like wanted
       order by greatest(c.last_inbound_at, c.last_outbound_at, c.last_message_at) desc nulls last,
                c.id
       limit most + 1)
    select jsonb_build_object(
      'rows', coalesce((select jsonb_agg(to_jsonb(f)) from (
        select * from found order by last_at desc nulls last, id limit most) f), '[]'),
      'is_more', (select count(*) > most from found)));
end $$;

create or replace function public.agent_person_facts(given text) returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with person as materialized (
    select a.address, split_part(a.address, ':', 1) as place, split_part(a.address, ':', 2) as name
      from unnest(safari_person_addresses(safari_person_named(given))) a (address)
  ), contact as (
    select c.* from crm_contacts c join person p on p.place = 'contact' and p.name = c.id::text
     order by c.last_scored_at desc nulls last, c.id limit 1
  )
  select jsonb_build_object(
    'score', (select jsonb_build_object(
                'score', c.relationship_score, 'stage', c.stage, 'offer_readiness', c.offer_readiness,
                'summary', c.ai_summary, 'next_action', c.next_action, 'at', c.last_scored_at,
                'tags', c.tags, 'reason', (
                  select s.reason from crm_score_history s where s.contact_id = c.id
                   order by s.created_at desc nulls last limit 1)) from contact c),
    'blocked', coalesce((
      select jsonb_agg(to_jsonb(n) order by n.platform, n.recipient) from safari_do_not_contact n
       where exists (select from person p where p.name = n.recipient
                        and n.platform in ('all', p.place))), '[]'),
    'campaigns', coalesce((
      select jsonb_agg(jsonb_build_object(
               'campaign_id', t.campaign_id, 'platform', t.platform, 'handle', t.handle,
               'state', t.state, 'step', t.step, 'hold', t.hold, 'next_step_at', t.next_step_at)
               order by t.last_event_at desc)
        from safari_campaign_targets t join person p on p.place = t.platform and p.name = t.handle),
      '[]'))
$$;

create or replace function public.agent_mix_counts(
  platform text default null, days integer default 30
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'now', now(),
    'counts', coalesce((
      select jsonb_object_agg(c.niche, c.posts) from (
        select agent_niche(p.niche) as niche, count(*) as posts from actp_content_performance p
         where agent_niche(p.niche) is not null
           and (agent_mix_counts.platform is null
                or safari_platform(p.platform) = agent_mix_counts.platform)
           and p.published_at > now() - make_interval(days => days)
         group by 1) c), '{}'),
    'best', coalesce((
      select jsonb_object_agg(b.niche, to_jsonb(b)) from (
        select distinct on (agent_niche(n.niche)) agent_niche(n.niche) as niche,
               safari_platform(n.platform) as platform, n.content_type, n.avg_views,
               n.top_hook_patterns, n.sample_count
          from actp_niche_resonance n
         where agent_niche(n.niche) is not null
           and (agent_mix_counts.platform is null
                or safari_platform(n.platform) = agent_mix_counts.platform)
         order by agent_niche(n.niche), n.sample_count = 0, n.avg_views desc nulls last,
                  n.platform) b), '{}'))
$$;

create or replace function public.agent_person_of(contact_id uuid)
returns table (ids uuid[], addresses text[], veto text, own_veto text)
language sql stable as $$
  select coalesce(array_agg(substr(p.address, 9)::uuid order by p.address)
                    filter (where starts_with(p.address, 'contact:')), array[contact_id]),
         coalesce(array_agg(p.address), array['contact:' || contact_id]),
         case when bool_or(p.veto = 'opted_out' or exists (
                     select from safari_do_not_contact n
                      where n.platform in ('all', split_part(p.address, ':', 1))
                        and n.recipient = split_part(p.address, ':', 2))) then 'opted_out'
              when bool_or(p.veto = 'customer') then 'customer' end,
         max(p.veto) filter (where p.address = o.address)
    from safari_people o join safari_people p on p.person = o.person
   where o.address = 'contact:' || contact_id
$$;

create or replace function public.agent_person(contact_id uuid) returns uuid[]
language sql stable as $$
  select p.ids from agent_person_of(contact_id) p
$$;

create or replace function public.agent_person_veto(contact_id uuid) returns text
language sql stable as $$
  select p.veto from agent_person_of(contact_id) p
$$;

create or replace function public.agent_moment(value timestamptz) returns timestamptz
language sql stable as $$
  select case when value is not null then greatest(least(value, now()), 'epoch') end
$$;

create or replace function public.agent_conversation(ids uuid[], addresses text[])
returns table (
  is_open boolean, has_tiktok_message boolean, touched_at timestamptz, touches bigint,
  ours_at timestamptz, heard_at timestamptz, heard_platform text, last_platform text,
  heard_hours jsonb, texts jsonb
)
language sql stable as $$
  select o.is_open, m.has_tiktok or o.has_tiktok or a.has_tiktok,
         agent_moment(greatest(c.outbound_at, i.at, m.out_at, a.at, o.at)),
         greatest(i.touches, m.touches, o.touches, a.touches),
         agent_moment(greatest(c.outbound_at, i.out_at, m.out_at, a.at, o.at)),
         agent_moment(greatest(c.inbound_at, i.in_at, m.in_at, v.in_at)),
         coalesce(m.in_platform, v.platform), v.platform, m.hours || i.hours,
         coalesce(m.texts, '[]') || coalesce(i.texts, '[]') || coalesce(v.texts, '[]')
           || coalesce(c.texts, '[]')
    from (
      select coalesce(bool_or(q.status in ('pending', 'sending')), false) as is_open,
             -- What an older sender left on its way may have gone.
             max(case when q.status = 'sent' then q.sent_at
                      when q.error_message = 'interrupted' then q.updated_at end) as at,
             count(*) filter (where q.status = 'sent' and q.sent_at > now() - interval '7 days')
               as touches,
             coalesce(bool_or(q.status = 'sent' and lower(q.platform) = 'tiktok'), false)
               as has_tiktok,
             coalesce(array_agg(left(q.message_body, 40))
                      filter (where q.status in ('sending', 'sent')), '{}') as begun
        from crm_message_queue q where q.contact_id = any (ids)) o
   cross join lateral (
      select max(t.at) filter (where t.is_ours) as at,
             max(t.at) filter (where t.is_message) as out_at,
             max(t.at) filter (where t.is_reply) as in_at,
             count(*) filter (where t.is_ours and t.at > now() - interval '7 days') as touches,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', left(t.summary, 600),
                                                    'from', 'them') order by t.at desc)
                       filter (where t.is_reply and t.summary <> ''))[1:6]) as texts,
             -- Replies that stand as messages too count twice, which changes no maximum.
             coalesce(jsonb_agg(extract(hour from t.at at time zone 'utc')::integer)
                      filter (where t.is_theirs and isfinite(t.at)), '[]') as hours
        from (select coalesce(n.occurred_at, n.created_at) as at, n.summary,
                     coalesce(n.direction = 'outbound', n.type !~ agent_outreach_their_acts())
                       as is_ours,
                     coalesce(n.direction = 'outbound', true)
                       and n.type ~ '^(dm|e?mail|message|call|meeting|sms|outreach|follow_?up)(_sent)?$'
                       as is_message,
                     n.type ~ 'reply$' or (n.direction = 'inbound'
                       and n.type !~ '(open|opened|click|clicked|like|liked|view|viewed)$')
                       as is_reply,
                     n.direction = 'inbound' or n.type ~ agent_outreach_their_acts() as is_theirs
                from crm_interactions n where n.contact_id = any (ids)) t) i
   cross join lateral (
      select max(t.at) filter (where t.is_outbound) as out_at,
             max(t.at) filter (where not t.is_outbound) as in_at,
             (array_agg(t.platform order by t.at desc) filter (where not t.is_outbound))[1]
               as in_platform,
             count(*) filter (where t.is_outbound and t.at > now() - interval '7 days') as touches,
             coalesce(jsonb_agg(extract(hour from t.at at time zone 'utc')::integer)
                      filter (where not t.is_outbound and isfinite(t.at)), '[]') as hours,
             coalesce(bool_or(t.is_outbound and t.platform = 'tiktok'), false) as has_tiktok,
             coalesce(array_agg(left(t.text, 40)) filter (where t.is_outbound), '{}') as begun,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', left(t.text, 600),
                                                    'from', 'them') order by t.at desc)
                       filter (where not t.is_outbound and t.text <> ''))[1:12]) as texts
        from (select coalesce(n.sent_at, n.created_at) as at, lower(n.platform) as platform,
                     coalesce(nullif(n.message_text, ''), n.body) as text,
                     not agent_outreach_is_theirs(n) as is_outbound
                from crm_messages n where n.contact_id = any (ids)
               order by 1 desc nulls last limit 200) t) m
   cross join lateral (
      select max(t.begun_at) as at,
             count(*) filter (where t.begun_at > now() - interval '7 days') as touches,
             coalesce(bool_or(w.platform = 'tiktok'), false) as has_tiktok
        from safari_command_attempts t
        join safari_services w on w.service = t.service and w.kind = 'dm'
       where t.person = any (addresses)
         and (t.outcome is null or t.outcome in ('sent', 'unknown'))) a
   cross join lateral (
      select max(greatest(agent_time(n.last_reply_at::text),
                          case when n.unread_count > 0
                               then coalesce(agent_time(n.last_message_at::text), n.seen_at,
                                             n.updated_at) end)) as in_at,
             (array_agg(lower(n.platform) order by coalesce(n.last_message_at::text,
                        n.updated_at::text) desc nulls last))[1] as platform,
             jsonb_agg(jsonb_build_object(
               'at', coalesce(agent_time(n.last_message_at::text), n.updated_at),
               'text', left(coalesce(n.last_message, n.last_message_preview), 600),
               'from', 'unknown')) filter (
                 where coalesce(n.last_message, n.last_message_preview, '') <> ''
                   and left(coalesce(n.last_message, n.last_message_preview), 40)
                       <> all (m.begun || o.begun)) as texts
        from crm_conversations n where n.contact_id = any (ids)) v
   cross join lateral (
      select max(k.last_outbound_at) as outbound_at,
             max(greatest(k.last_inbound_at,
                          case when k.unread then agent_time(k.last_message_at::text) end))
               as inbound_at,
             jsonb_agg(jsonb_build_object('at', agent_time(k.last_message_at::text),
                                          'text', left(k.last_message, 600), 'from', 'unknown'))
               filter (where k.last_message <> ''
                         and left(k.last_message, 40) <> all (m.begun || o.begun)) as texts
        from crm_contacts k where k.id = any (ids)) c
$$;

create or replace function public.agent_waits_for_us(
  ours_at timestamptz, heard_at timestamptz, done_at timestamptz
) returns boolean
language sql immutable as $$
  select coalesce(heard_at > greatest(ours_at, done_at, '-infinity'), false)
$$;

create or replace function public.agent_person_link(platform text, address text) returns text
language sql immutable as $$
  select case platform
    when 'twitter' then 'https://x.com/' || address
    when 'instagram' then 'https://www.instagram.com/' || address || '/'
    when 'tiktok' then 'https://www.tiktok.com/@' || address
    when 'threads' then 'https://www.threads.com/@' || address
    when 'linkedin' then address
    when 'gmail' then 'mailto:' || address end
$$;

create or replace function public.agent_creators_store(
  platform text, creators jsonb, posts jsonb, hooks jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  new_creators integer;
  best jsonb;
  seeded integer := 0;
  stage text := 'new';
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_creators:' || platform, 0));
  with found as (
    select distinct on (c.handle) c.* from jsonb_to_recordset(creators) as c (
      handle text, display_name text, niche text, icp_fit_score integer)
     order by c.handle, c.icp_fit_score desc
  ), fresh as (
    select f.* from found f where not exists (
      select from actp_platform_creators k
       where k.platform = agent_creators_store.platform and k.handle = f.handle)
  )
  select count(*), (
      select jsonb_build_object('handle', f.handle, 'platform', agent_creators_store.platform,
                                'niche', f.niche, 'fit', f.icp_fit_score)
        from fresh f order by f.icp_fit_score desc, f.handle limit 1)
    into new_creators, best from fresh;

  insert into actp_platform_creators as k (
    platform, handle, display_name, niche, followers, engagement_score, top_post_text,
    top_post_url, offer_match, icp_fit_score, last_synced_at
  )
    select distinct on (c.handle, c.niche)
           agent_creators_store.platform, c.handle, c.display_name, c.niche, c.followers,
           c.engagement_score, c.top_post_text, c.top_post_url,
           array(select jsonb_array_elements_text(c.offer_match)), c.icp_fit_score, now()
      from jsonb_to_recordset(creators) as c (
        handle text, display_name text, niche text, followers integer, engagement_score numeric,
        top_post_text text, top_post_url text, offer_match jsonb, icp_fit_score integer)
     order by c.handle, c.niche, c.icp_fit_score desc
  on conflict on constraint actp_platform_creators_platform_handle_niche_key do update
    set display_name = coalesce(excluded.display_name, k.display_name),
        followers = coalesce(excluded.followers, k.followers),
        engagement_score = excluded.engagement_score,
        top_post_text = coalesce(excluded.top_post_text, k.top_post_text),
        top_post_url = coalesce(excluded.top_post_url, k.top_post_url),
        offer_match = excluded.offer_match, icp_fit_score = excluded.icp_fit_score,
        last_synced_at = now();

  begin
    seeded := agent_creators_seed(platform, creators, stage);
  exception when check_violation then
    -- A project may allow only its own stages, without 'new'.
    stage := 'first_touch';
    seeded := agent_creators_seed(platform, creators, stage);
  end;

  perform agent_creators_store_posts(platform, posts);
  perform agent_resonance_add_hooks(hooks, own => false);
  return jsonb_build_object('new', new_creators, 'top', best, 'contacts', seeded,
                            'pipeline_stage', stage);
end $$;

create or replace function public.agent_creators_store_posts(platform text, posts jsonb)
returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  if platform = 'twitter' then
    insert into actp_twitter_research as t (
      tweet_id, author_handle, author_display_name, author_follower_count, tweet_text, tweet_url,
      niche, views, likes, replies, retweets, quotes, bookmarks, scraped_at
    )
      select distinct on (p.id) p.id, p.author, p.author_name, p.author_followers, p.text, p.url,
             p.niche, p.views, p.likes, p.replies, p.reposts, p.quotes, p.bookmarks, now()
        from jsonb_to_recordset(posts) as p (
          id text, author text, author_name text, author_followers integer, text text, url text,
          niche text, views integer, likes integer, replies integer, reposts integer,
          quotes integer, bookmarks integer)
       where p.id <> '' and p.author <> '' and p.text <> '' order by p.id
    on conflict (tweet_id) do update
      -- What this look did not show keeps what an earlier one did.
      set views = coalesce(excluded.views, t.views), likes = coalesce(excluded.likes, t.likes),
          replies = coalesce(excluded.replies, t.replies),
          retweets = coalesce(excluded.retweets, t.retweets),
          quotes = coalesce(excluded.quotes, t.quotes),
          bookmarks = coalesce(excluded.bookmarks, t.bookmarks), scraped_at = now();
  else
    insert into actp_platform_research as r (
      source_platform, handle, author_name, post_url, post_text, niche, likes, views,
      comments_count, shares, engagement_score, scraped_at
    )
      select distinct on (p.url) platform, p.author, p.author_name, p.url, p.text, p.niche,
             p.likes, p.views, p.replies, p.reposts, p.engagement, now()
        from jsonb_to_recordset(posts) as p (
          author text, author_name text, url text, text text, niche text, likes integer,
          views integer, replies integer, reposts integer, engagement numeric)
       where p.url <> '' order by p.url
    on conflict (source_platform, post_url) do update
      set likes = coalesce(excluded.likes, r.likes), views = coalesce(excluded.views, r.views),
          comments_count = coalesce(excluded.comments_count, r.comments_count),
          shares = coalesce(excluded.shares, r.shares),
          engagement_score = coalesce(excluded.engagement_score, r.engagement_score),
          scraped_at = now();
  end if;
end $$;

create or replace function public.agent_contact_at(place text) returns uuid
language sql stable as $$
  select substr(l.address, 9)::uuid
    from safari_people_links l
   where l.other = agent_contact_at.place and starts_with(l.address, 'contact:')
   order by l.via = 'own' desc, l.via = 'column' desc, l.created_at, l.address limit 1
$$;

create or replace function public.agent_message_place(platform text, username text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select a.place || ':' || a.name from safari_address(platform, username) a
$$;

create or replace function public.agent_reconcile_message() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  new.message_text := coalesce(
    new.message_text, new.body, to_jsonb(new) ->> 'text', to_jsonb(new) ->> 'content');
  new.body := coalesce(new.body, new.message_text, '');
  -- The direction wins: is_outbound may be a default.
  new.is_outbound := coalesce(new.direction = 'outbound', new.is_outbound, false);
  new.direction := case when new.is_outbound then 'outbound' else 'inbound' end;
  if new.contact_id is null and new.username is not null then
    new.contact_id := agent_contact_at(agent_message_place(new.platform, new.username));
  end if;
  return new;
end $$;

create or replace function public.agent_messages_adopt(contact_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp set jit = off as $$
begin
  with adopted as (
    update crm_messages m set contact_id = c.id
      from unnest(contact_ids) c (id)
      join safari_people_links l on l.address = 'contact:' || c.id
     where m.contact_id is null and agent_message_place(m.platform, m.username) = l.other
    returning m.contact_id
  )
  insert into actp_inbox as b (contact_id) select distinct a.contact_id from adopted a order by 1
    on conflict (contact_id) do update set unheard = true, updated_at = now() where not b.unheard;
end $$;

create or replace function public.agent_crm_unused() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(s.name), '[]') from (
    select h.service_name as name from safari_service_health h
     group by h.service_name
    having bool_and(h.status <> 'healthy')
       and coalesce(max(h.last_healthy_at), '-infinity') < now() - interval '7 days') s
$$;

create or replace function public.agent_crm_profile(address text) returns text
language sql immutable as $$
  select safari_recipient(a.place, a.name) from safari_address('linkedin', address) a
   where position('/' in address) > 0
$$;

create or replace function public.agent_crm_recipients(
  contact public.crm_contacts, platform text
) returns text[]
language sql stable as $$
  select array(
    select safari_recipient(agent_crm_recipients.platform, split_part(l.other, ':', 2))
      from safari_people_links l
     where l.address = 'contact:' || contact.id
       and starts_with(l.other, agent_crm_recipients.platform || ':'))
$$;

create or replace function public.agent_crm_find(platform text, people jsonb)
returns table (key integer, contact_id uuid, handle text)
language sql stable set search_path = public, pg_temp set jit = off as $$
  with given as (
    select p.key, safari_recipient(a.place, a.name) as handle, lower(p.name) as name, p.thread,
           p.text
      from jsonb_to_recordset(people) as p (
        key integer, handle text, name text, thread text, text text),
           lateral safari_address(agent_crm_find.platform, p.handle) a
  ), ours as (
    select a.recipient, coalesce(q.params ->> 'text', q.params ->> 'message') as text
      from safari_services s
      join safari_command_attempts a on a.service = s.service
      join safari_command_queue q on q.id = a.command_id
     where s.kind = 'dm' and s.platform = agent_crm_find.platform and a.outcome = 'sent'
       and a.begun_at > now() - interval '30 days' and a.recipient is not null
       and exists (select from given g where g.handle is null)
  ), told as (
    select g.key, min(o.recipient) as handle
      from given g join ours o on left(o.text, 12) = left(g.text, 12) and starts_with(o.text, g.text)
     where g.handle is null and length(g.text) >= 12
     group by g.key having count(distinct o.recipient) = 1
  ), people as (
    select g.key, coalesce(g.handle, t.handle) as handle, g.handle is null as is_name, g.name,
           g.thread
      from given g left join told t using (key)
  ), contacts as (
    select c.id, lower(c.platform) = agent_crm_find.platform as is_own, c.created_at, n.username,
           lower(btrim(c.display_name)) as name, h.other as handle
      from crm_contacts c
     cross join lateral (select lower(btrim(c.username)) as username) n
      left join (select l.address, min(l.other) as other from safari_people_links l
                  where l.via in ('own', 'column')
                    and starts_with(l.other, agent_crm_find.platform || ':') group by l.address) h
        on h.address = 'contact:' || c.id
  ), called as (
    select p.key, c.id, c.handle is not null as has_handle
      from people p join contacts c on c.name = p.name
     where p.is_name and (c.is_own or c.handle is not null)
    union
    select p.key, c.id, c.handle is not null
      from people p
      join crm_conversations v on lower(v.shown_name) = p.name
                              and lower(v.platform) = agent_crm_find.platform
      join contacts c on c.id = v.contact_id
     where p.is_name
    union
    select p.key, c.id, false from people p join contacts c on c.is_own and c.username = p.name
     where p.is_name and c.handle is null
  ), found as (
    select p.key, c.id, case when l.via = 'own' then 0 else 1 end as rank, c.created_at
      from people p
     cross join lateral safari_address(agent_crm_find.platform, p.handle) a
      join safari_people_links l
        on l.other = a.place || ':' || a.name and l.via in ('own', 'column')
      join crm_contacts c on l.address = 'contact:' || c.id
    union all
    select p.key, v.contact_id, 2, v.created_at
      from people p
      join crm_conversations v on lower(v.platform) = agent_crm_find.platform
                              and v.platform_thread_id = p.thread
     where v.contact_id is not null
    union all
    select n.key, min(n.id::text) filter (where n.has_handle)::uuid, 3, null
      from called n group by n.key having count(*) filter (where n.has_handle) = 1
    union all
    select n.key, n.id, 4, null from called n where not n.has_handle
  )
  select p.key, f.id, p.handle
    from people p
    left join (select distinct on (f.key) f.key, f.id from found f
                order by f.key, f.rank, f.created_at, f.id) f using (key)
$$;

create or replace function public.agent_crm_meet(platform text, people jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  place constant text := agent_crm_meet.platform;
  own_service constant text := (select s.service from safari_services s
                                 where s.kind = 'dm' and s.platform = place);
  known jsonb;
  newcomers jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_crm:' || place, 0));
  select jsonb_agg(to_jsonb(f)) into known from agent_crm_find(place, people) f;
  select jsonb_agg(k || jsonb_build_object('name', p.name)) into newcomers
    from jsonb_array_elements(known) k
    join jsonb_to_recordset(people) as p (key integer, name text) on p.key = (k ->> 'key')::integer
   where k ->> 'contact_id' is null;
  if newcomers is not null then
    begin
      perform agent_crm_add(place, newcomers, 'new');
    exception when check_violation then
      -- A project may allow only its own stages, without 'new'.
      perform agent_crm_add(place, newcomers, 'first_touch');
    end;
    select jsonb_agg(to_jsonb(f)) into known from agent_crm_find(place, people) f;
  end if;

  -- Who was no more than a name until now has a handle.
  perform from crm_contacts c
    where c.id in (select (k ->> 'contact_id')::uuid from jsonb_array_elements(known) k
                    where k ->> 'handle' is not null)
    order by c.id for no key update;
  update crm_contacts c
     set twitter_handle = case when place = 'twitter' then k.handle else c.twitter_handle end,
         instagram_handle = case when place = 'instagram' then k.handle else c.instagram_handle end,
         tiktok_handle = case when place = 'tiktok' then k.handle else c.tiktok_handle end,
         linkedin_url = case when place = 'linkedin' then k.handle else c.linkedin_url end
    from jsonb_to_recordset(known) as k (contact_id uuid, handle text)
   where c.id = k.contact_id and k.handle is not null
     and case place when 'twitter' then c.twitter_handle when 'instagram' then c.instagram_handle
                    when 'tiktok' then c.tiktok_handle else c.linkedin_url end is null;
  return (
    with met as (
      select k.key, c as contact, agent_crm_recipients(c, place) as recipients
        from jsonb_to_recordset(known) as k (key integer, contact_id uuid)
        join crm_contacts c on c.id = k.contact_id
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'key', m.key, 'contact_id', (m.contact).id,
             'is_new', exists (select from jsonb_array_elements(newcomers) n
                                where (n ->> 'key')::integer = m.key),
             'before', (select coalesce(v.last_message, v.last_message_preview)
                          from crm_conversations v
                         where v.contact_id = (m.contact).id and lower(v.platform) = place
                         order by v.seen_at desc nulls last, v.id limit 1),
             'ours', (
               select coalesce(jsonb_agg(distinct t.text), '[]') from (
                 (select left(q.message_body, 4000) as text from crm_message_queue q
                   where q.contact_id = (m.contact).id and q.status in ('sending', 'sent')
                     and lower(q.platform) = place
                   order by q.created_at desc limit 20)
                 union all
                 (select left(coalesce(x.body, x.message_text), 4000) from crm_messages x
                   where x.contact_id = (m.contact).id and x.is_outbound
                   order by x.sent_at desc nulls last limit 20)
                 union all
                 (select left(coalesce(q.params ->> 'text', q.params ->> 'message'), 4000)
                    from safari_command_attempts a
                    join safari_command_queue q on q.id = a.command_id
                   where a.service = own_service and a.recipient = any (m.recipients)
                   order by a.begun_at desc limit 20)) t
                where t.text is not null)
           ) order by m.key), '[]')
      from met m);
end $$;

drop function if exists public.agent_task_end(uuid, boolean, jsonb, integer, text);

create or replace function public.agent_task_end(
  id uuid, ok boolean, result jsonb, duration_ms integer, error text default null,
  tell boolean default true
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ended record;
begin
  delete from agent_task_leases l where l.task_id = id;
  update actp_agent_tasks t
     set status = case when ok then 'ok' else 'error' end, result = agent_task_end.result,
         duration_ms = agent_task_end.duration_ms, completed_at = clock_timestamp()
   where t.id = agent_task_end.id
     and (t.status = 'running' or to_jsonb(t.result) ? 'interrupted')
  returning t.domain, t.task into ended;
  if found and not ok and tell then
    perform safari_alert(
      format('agent_error:%s:%s:%s', ended.domain, ended.task, safari_today()), 'agent_error',
      jsonb_build_object('domain', ended.domain, 'task', ended.task, 'error', error));
  end if;
  return to_jsonb(true);
end $$;

create or replace function public.safari_enqueue(commands jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb;
begin
  with items as materialized (
    select ordinality - 1 as index, gen_random_uuid() as id, c.*
      from rows from (jsonb_to_recordset(commands) as (
             action text, platform text, params jsonb, priority integer, key text,
             scheduled_for timestamptz, expires_at timestamptz, campaign_id text, batch_id text,
             metadata jsonb, account text
           )) with ordinality c
  ), first_of_key as (
    select distinct on (key) key, id from items where key is not null order by key, index
  ), new_keys as (
    -- Touching the row on conflict waits for a concurrent insert of the same key, and returns its command.
    insert into safari_idempotency_keys as k (key, command_id)
      select key, id from first_of_key order by key
      on conflict (key) do update set command_id = k.command_id
      returning k.key, k.command_id
  ), inserted as (
    insert into safari_command_queue (
      id, action, platform, params, priority, idempotency_key,
      scheduled_for, expires_at, campaign_id, batch_id, metadata, account
    )
      select i.id, i.action, i.platform, i.params, i.priority, i.key,
             i.scheduled_for, i.expires_at, i.campaign_id, i.batch_id, i.metadata,
             coalesce(i.account, '')
        from items i left join new_keys n on n.key = i.key
       where i.key is null or n.command_id = i.id
       order by i.index
      returning id
  )
  select jsonb_agg(jsonb_build_object(
           'index', i.index,
           'id', coalesce(n.command_id, i.id),
           'created', i.key is null or n.command_id = i.id
         ) order by i.index)
    into answer
    from items i left join new_keys n on n.key = i.key;
  return coalesce(answer, '[]');
end $$;

create or replace function public.safari_enqueue_check(commands jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  undone constant text := 'SCHKD';
  made jsonb;
  answer jsonb;
begin
  begin
    made := safari_enqueue(commands);
    with added as materialized (
      select * from jsonb_to_recordset(made) m (index integer, id uuid, created boolean)
    )
    select jsonb_agg(jsonb_build_object('index', found.index, 'reason', found.reason,
                                        'error', found.error) order by found.index)
      into answer
      from (
        select m.index, coalesce(r.reason, case when w.id is not null then 'duplicate' end) as reason,
               coalesce(r.error, w.error) as error
          from added m
          join safari_command_queue c on c.id = m.id and m.created
         cross join lateral (select commands -> m.index as item) g
         cross join lateral safari_reached(c, g.item ->> 'reached') t
         cross join lateral safari_refusal(c, g.item ->> 'reached', t.person, t.recipient,
                                           g.item ->> 'text_hash') r
          left join lateral (
            select o.id, format('%s has the same recipient and text; enqueue with a key'
                     ' to send both', coalesce('command ' || e.index + 1 || ' of this batch',
                                               'command ' || o.id || ', which waits,')) as error
              from safari_command_index i
              join safari_command_queue o on o.id = i.command_id
              left join added e on e.id = o.id
             where i.recipient_names && safari_recipient_names(c.params)
               and o.service = c.service and o.recipient = c.recipient
               and o.status in ('pending', 'running')
               and o.params ->> 'text' = c.params ->> 'text'
               and c.effect = 'once' and c.idempotency_key is null and o.idempotency_key is null
               and (e.index is null or e.index < m.index)
             limit 1) w on true) found
     where found.reason is not null;
    raise exception using errcode = undone;
  exception
    when sqlstate 'SCHKD' then null;
  end;
  return coalesce(answer, '[]');
end $$;

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

create or replace function public.safari_within_hours(policy public.safari_policies)
returns boolean
language plpgsql stable as $$
declare
  here constant timestamp := now() at time zone coalesce(policy.time_zone, 'UTC');
  hour_now constant numeric := extract(hour from here);
  is_late constant boolean := policy.active_from > policy.active_to and hour_now < policy.active_to;
begin
  if policy.weekdays is not null and extract(isodow from
       case when is_late then here - interval '1 day' else here end) <> all (policy.weekdays) then
    return false;
  elsif policy.active_from < policy.active_to then
    return hour_now >= policy.active_from and hour_now < policy.active_to;
  elsif policy.active_from > policy.active_to then
    return hour_now >= policy.active_from or is_late;
  end if;
  return true;
end $$;

drop function if exists public.safari_gate(text, text);

drop function if exists public.safari_service_gate(text, text);

create or replace function public.safari_service_gate(
  service text, acts_on text default null, account text default 'default'
)
returns table (reason text, until timestamptz)
language sql stable as $$
  select rule.reason,
         case rule.reason
           when 'paused' then pause.until
           when 'hours' then safari_hours_begin(policy)
           when 'quota' then (safari_today() + 1)::timestamp at time zone 'utc'
           when 'weekly_limit' then safari_nth_action(asked.name, force.weekly, asked.account) + interval '7 days'
           when 'rolling_limit' then safari_nth_action(asked.name, force.rolling, asked.account) + interval '24 hours'
           when 'hourly_limit' then safari_nth_action(asked.name, force.hourly, asked.account) + interval '1 hour'
           when 'pace' then greatest(counter.next_action_at, safari_paused_until(
             asked.name, policy, force.daily - counter.today, asked.account))
         end
    from (select safari_service_gate.service as name,
                 safari_service_gate.account as account) asked
    left join safari_services owner on owner.service = asked.name
    left join safari_policies common
      on common.platform = owner.platform and common.kind = owner.kind
    left join safari_account_policies own
      on own.platform = owner.platform and own.kind = owner.kind and own.account = asked.account
   cross join lateral (
     select case when own.changes is null then common
                 else jsonb_populate_record(common, own.changes) end as policy) chosen
    left join lateral safari_limits_in_force(policy, owner) force on owner.kind is not null
    -- The pace outlives midnight, the count does not: the newest row has both.
    left join lateral (
      select (array_agg(r.next_action_at order by r.limit_date desc))[1] as next_action_at,
             coalesce(sum(r.used) filter (where r.limit_date = safari_today()), 0)::integer as today,
             sum(r.used) filter (where r.limit_date >= safari_today() - 1) as two_days,
             sum(r.used) as week
        from safari_rate_limits r
       where r.platform = owner.platform and r.action = owner.kind and r.account = asked.account
         and r.limit_date >= safari_today() - 7) counter on true
    left join lateral (
      select max(p.until) as until from safari_pauses p
       where p.platform in ('all', owner.platform, safari_service_gate.acts_on)
         and p.account in ('', asked.account) and p.until > now()) pause
      on true
   cross join lateral (
     select case
       when pause.until is not null then 'paused'
       when owner.kind is null then null
       when not safari_within_hours(policy) then 'hours'
       when coalesce(force.daily, 0) <= 0 or counter.today >= force.daily then 'quota'
       when counter.week >= force.weekly
            and safari_nth_action(asked.name, force.weekly, asked.account) > now() - interval '7 days'
         then 'weekly_limit'
       when counter.two_days >= force.rolling
            and safari_nth_action(asked.name, force.rolling, asked.account) > now() - interval '24 hours'
         then 'rolling_limit'
       when counter.two_days >= force.hourly
            and safari_nth_action(asked.name, force.hourly, asked.account) > now() - interval '1 hour'
         then 'hourly_limit'
       when counter.next_action_at > now() or safari_paused_until(
              asked.name, policy, force.daily - counter.today, asked.account) > now() then 'pace'
     end as reason
     offset 0) rule
$$;

create or replace function public.safari_gauges() returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  answer jsonb;
  part jsonb;
begin
  with states (state) as (
    values ('ready'), ('waiting'), ('held'), ('running')
  ), depths as materialized (
    select d.service, d.ready, d.waiting, d.held, d.running,
           case when d.platform in (select p.platform from safari_policies p) then d.platform
                else 'any' end as platform
      from safari_depths() d join safari_services s on s.service = d.service
    union all
    select s.service, 0, 0, 0, 0, case when s.kind is null then 'any' else s.platform end
      from safari_services s
  ), queue as (
    select d.service, d.platform, s.state,
           sum(case s.state when 'ready' then d.ready when 'waiting' then d.waiting
                            when 'held' then d.held else d.running end) as value
      from depths d cross join states s group by d.service, d.platform, s.state
  ), live as materialized (
    select w.services from safari_workers w
     where w.seen_at > now() - interval '60 seconds' and w.stopped_at is null
  ), health as (
    select h.* from safari_service_health h
      join safari_services s on s.service = h.service_name
  ), quota as (
    select p.platform, p.kind, a.account, p.daily_limit, coalesce(r.used, 0) as used
      from safari_policies common
     cross join lateral safari_accounts_on(common.platform) a (account)
     cross join lateral safari_policy(common.platform, common.kind, a.account) p
      left join safari_rate_limits r on r.platform = p.platform and r.action = p.kind
                                    and r.limit_date = safari_today() and r.account = a.account
  )
  select jsonb_build_object(
    'queue_commands', (select jsonb_agg(to_jsonb(q)) from queue q),
    'queue_oldest_ready_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service, 'value', coalesce(safari_oldest_ready_seconds(s.service), 0)))
        from safari_services s),
    -- The pace of a few seconds between two actions is no reason to look.
    'service_may_act', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service, 'account', a.account,
               'value', (coalesce(g.reason, 'pace') = 'pace')::integer))
        from safari_services s
       cross join lateral safari_accounts_on(s.platform) a (account)
       cross join lateral safari_service_gate(s.service, null, a.account) g),
    'service_owners', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service,
               'value', (select count(*) from live l where s.service = any (l.services))))
        from safari_services s),
    'workers_alive', (select count(*) from live),
    'service_up', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', (h.status = 'healthy')::integer))
        from health h),
    'service_health_response_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', h.response_ms / 1000.0))
        from health h where h.response_ms is not null),
    'service_checked_timestamp_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', safari_gauge_epoch(h.checked_at)))
        from health h where h.checked_at is not null),
    'service_last_healthy_timestamp_seconds', (
      select jsonb_agg(jsonb_build_object(
               'service', h.service_name, 'account', h.account,
               'value', safari_gauge_epoch(h.last_healthy_at)))
        from health h where h.last_healthy_at is not null),
    'quota_used', (
      select jsonb_agg(jsonb_build_object(
               'platform', q.platform, 'kind', q.kind, 'account', q.account, 'value', q.used))
        from quota q),
    'quota_limit', (
      select jsonb_agg(jsonb_build_object(
               'platform', q.platform, 'kind', q.kind, 'account', q.account,
               'value', q.daily_limit))
        from quota q),
    'unknown_outcomes', (
      select count(*) from safari_command_queue q
       where q.status = 'failed' and q.reason = 'unknown'),
    'quarantined_commands', (
      select count(*) from safari_command_queue q
       where q.status = 'failed' and q.reason = 'poison'),
    'undelivered_alerts', (
      select count(*) from safari_alerts a where a.delivered_at is null),
    'undelivered_alert_age_seconds', (
      select coalesce(extract(epoch from now() - min(safari_finite(a.created_at))), 0)
        from safari_alerts a where a.delivered_at is null),
    'queue_live_tuples', coalesce(
      pg_stat_get_live_tuples('public.safari_command_queue'::regclass), 0),
    'queue_dead_tuples', coalesce(
      pg_stat_get_dead_tuples('public.safari_command_queue'::regclass), 0),
    -- Whatever holds an old snapshot keeps dead rows from being removed.
    'database_oldest_xmin_transactions', (
      select coalesce(max(age(a.backend_xmin)), 0) from pg_stat_activity a
       where a.pid <> pg_backend_pid()),
    'database_clock_timestamp_seconds', safari_gauge_epoch(clock_timestamp())
  ) into answer;

  -- Tables of parts that a database may be without.
  if to_regclass('public.safari_campaign_targets') is not null then
    execute $campaigns$
      select jsonb_build_object(
        'campaign_targets', (
          select jsonb_agg(jsonb_build_object('state', t.state, 'value', t.targets))
            from (select state, count(*) as targets from safari_campaign_targets
                   group by state) t),
        'campaign_targets_held', (
          select count(*) from safari_campaign_targets t where t.hold is not null))
    $campaigns$ into part;
    answer := answer || part;
  end if;
  if to_regclass('public.safari_schedule_runs') is not null then
    execute $schedule$
      select jsonb_agg(jsonb_build_object(
               'schedule', r.job, 'value', safari_gauge_epoch(r.finished_at)))
        from (select job, max(finished_at) as finished_at from safari_schedule_runs
               where status = 'done' group by job) r
    $schedule$ into part;
    answer := answer || jsonb_build_object('schedule_success_timestamp_seconds', part);
  end if;
  if to_regclass('public.agent_claude_usage') is not null then
    execute 'select agent_claude_totals()' into part;
    answer := answer || part;
  end if;
  return answer;
end $$;

create or replace function public.safari_old_transactions(age_seconds double precision)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'pid', a.pid, 'application', a.application_name, 'user', a.usename, 'state', a.state,
           'seconds', extract(epoch from now() - a.xact_start)) order by a.xact_start), '[]')
    from pg_stat_activity a
   where a.datname = current_database() and a.pid <> pg_backend_pid()
     and (a.backend_xmin is not null or a.backend_xid is not null)
     and a.xact_start <= now() - make_interval(secs => age_seconds)
$$;

drop function if exists public.agent_inbox_unheard(uuid, integer);

create or replace function public.agent_inbox_unheard(
  after uuid default null, row_limit integer default null, until uuid default null
) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return (
    with wanted as materialized (
      select b.contact_id, b.done_at from actp_inbox b
       where b.unheard
         and b.contact_id > coalesce(after, '00000000-0000-0000-0000-000000000000')
         and b.contact_id <= coalesce(until, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       order by b.contact_id limit row_limit
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', w.contact_id, 'heard_at', t.heard_at, 'done_at', w.done_at,
             'waits', agent_waits_for_us(t.ours_at, t.heard_at, w.done_at),
             'texts', t.texts || coalesce((
               select jsonb_agg(jsonb_build_object('at', e.at, 'text', e.text, 'from', 'them'))
                 from (select coalesce(n.sent_at, n.created_at) as at,
                              left(coalesce(nullif(n.message_text, ''), n.body), 600) as text
                         from crm_messages n
                        where n.contact_id = any (p.ids) and agent_outreach_is_theirs(n)
                        order by n.sent_at desc nulls last offset 12) e), '[]'))
           order by w.contact_id), '[]')
      from wanted w
      join crm_contacts c on c.id = w.contact_id
     cross join lateral agent_person_of(c.id) p
     cross join lateral agent_conversation(p.ids, p.addresses) t);
end $$;

create or replace function public.agent_inbox_unheard_ends(row_limit integer) returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(e.contact_id order by e.contact_id), '[]') from (
    select b.contact_id, row_number() over (order by b.contact_id) as place
      from actp_inbox b join crm_contacts c on c.id = b.contact_id
     where b.unheard) e
   where e.place % row_limit = 0
$$;

create or replace function public.agent_inbox_heard(judged jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform from actp_inbox b
    where b.contact_id in (select (j ->> 'id')::uuid from jsonb_array_elements(judged) j)
    order by b.contact_id for update;
  update actp_inbox b
     set unheard = false,
         look_at = coalesce(agent_moment(j.look_at), case when j.look_words is not null then now() end,
                            b.look_at),
         look_words = coalesce(left(j.look_words, 300), b.look_words),
         updated_at = now()
    from jsonb_to_recordset(judged) as j (id uuid, look_at timestamptz, look_words text)
   where b.contact_id = j.id;
  -- Older replies are not reported, so their conversations need not be read again.
  perform agent_inbox_announce(recent) from (
    select array_agg(j.id) as recent
      from jsonb_to_recordset(judged) as j (
        id uuid, heard_at timestamptz, look_at timestamptz, look_words text)
     where greatest(j.heard_at, case when j.look_words is not null then coalesce(j.look_at, now()) end)
           > now() - interval '2 days') r
   where recent is not null;
  return to_jsonb(jsonb_array_length(judged));
end $$;

create or replace function public.safari_lower(given text) returns text
language plpgsql immutable as $$
begin
  if given ~ '^[\x01-\x7f]*$' then
    return lower(given);
  elsif exists (select from pg_catalog.pg_collation c where c.collname = 'und-x-icu') then
    return lower(given collate "und-x-icu");
  end if;
  return lower(given);
end $$;

create or replace function public.safari_platform(given text) returns text
language sql immutable as $$
  select case lower(btrim(given))
           when 'x' then 'twitter' when 'x.com' then 'twitter' when 'twitter.com' then 'twitter'
           when 'x (twitter)' then 'twitter' when 'twitter/x' then 'twitter'
           when 'x/twitter' then 'twitter' when 'twitter (x)' then 'twitter'
           when 'ig' then 'instagram' when 'insta' then 'instagram'
           when 'instagram.com' then 'instagram'
           when 'tik tok' then 'tiktok' when 'tiktok.com' then 'tiktok'
           when 'linked in' then 'linkedin' when 'linkedin.com' then 'linkedin'
           when 'yt' then 'youtube' when 'you tube' then 'youtube' when 'youtube.com' then 'youtube'
           when 'email' then 'gmail' when 'mail' then 'gmail' when 'e-mail' then 'gmail'
           else nullif(lower(btrim(given)), '') end
$$;

create or replace function public.safari_percent_decoded(given text) returns text
language plpgsql immutable as $$
begin
  if position('%' in given) = 0 then
    return given;
  end if;
  return (
    select convert_from(string_agg(
             case when m[1] is null then convert_to(m[2], 'UTF8') else decode(m[1], 'hex') end,
             ''::bytea order by n), 'UTF8')
      from regexp_matches(given, '%([0-9A-Fa-f]{2})|(.)', 'g') with ordinality t (m, n));
exception when character_not_in_repertoire or untranslatable_character then
  return null;
end $$;

create or replace function public.safari_percent_encoded(given text) returns text
language sql immutable as $$
  select string_agg(
           case when c ~ '^[A-Za-z0-9_-]$' then c
                else upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g'))
           end, '' order by n)
    from regexp_split_to_table(given, '') with ordinality t (c, n)
$$;

create or replace function public.safari_visible(given text) returns text
language plpgsql immutable as $$
begin
  if given ~ '^[\x21-\x7e]*$' then
    return given;
  end if;
  return regexp_replace(
    regexp_replace(given, '[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]', '', 'g'),
    '^[\s\u00a0\u3000]+|[\s\u00a0\u3000]+$', '', 'g');
end $$;

create or replace function public.safari_site(host text) returns text
language plpgsql immutable as $$
begin
  return case
    when host ~ '^((www|m|mobile)\.)?instagram\.com$' then 'instagram'
    when host ~ '^((www|m|mobile)\.)?(x|twitter)\.com$' then 'twitter'
    when host ~ '^((www|m|mobile)\.)?tiktok\.com$' then 'tiktok'
    when host ~ '^((www|m|mobile)\.)?threads\.(com|net)$' then 'threads'
    -- LinkedIn has a host for each country.
    when host ~ '^((www|m|mobile|[a-z]{2})\.)?linkedin\.com$' then 'linkedin'
  end;
end $$;

create or replace function public.safari_page(given text, out site text, out parts text[])
language plpgsql immutable as $$
declare
  address text[];
  part text;
begin
  if length(given) > 2048 or given ~ '[\s\\"''`<>]' then
    return;
  end if;
  address := regexp_match(given, '^(?:(https?)://)?([^/?#]+)(/[^?#]*)(?:[?#].*)?$', 'i');
  -- Full-width letters and dots are what a browser takes them for; any other host is another site.
  site := safari_site(regexp_replace(
    translate(lower(normalize(address[2], NFKC)), '。', '.'),
    case lower(address[1]) when 'http' then ':80$' else ':443$' end, ''));
  if site is null then
    return;
  end if;
  parts := '{}';
  foreach part in array string_to_array(address[3], '/') loop
    part := safari_percent_decoded(part);
    if part is null or part in ('.', '..') or part ~ '[/\\\x01-\x20\x7f]' then
      site := null;
      parts := null;
      return;
    elsif part <> '' then
      parts := parts || part;
    end if;
  end loop;
end $$;

create or replace function public.safari_handle(platform text, given text) returns text
language plpgsql immutable as $$
declare
  handle constant text := lower(ltrim(given, '@'));
begin
  if handle !~ '^[a-z0-9._]{1,30}$' or handle ~ '^[.]+$' then
    return null;
  elsif platform = 'instagram' and handle in (
    'about', 'accounts', 'api', 'ar', 'challenge', 'developer', 'direct', 'directory', 'emails',
    'explore', 'graphql', 'invites', 'legal', 'live', 'login', 'lite', 'nametag', 'oauth', 'p', 'press',
    'privacy', 'reel', 'reels', 's', 'session', 'share', 'stories', 'terms', 'topics', 'tv', 'web',
    'your_activity', '_n', '_u') then
    return null;
  elsif platform = 'twitter' and handle in (
    'about', 'account', 'compose', 'download', 'explore', 'followers', 'following', 'hashtag', 'help',
    'home', 'i', 'intent', 'jobs', 'lists', 'login', 'logout', 'messages', 'notifications', 'oauth',
    'privacy', 'search', 'settings', 'share', 'signup', 'status', 'tos', 'who_to_follow') then
    return null;
  end if;
  return handle;
end $$;

create or replace function public.safari_profile(given text) returns text
language plpgsql immutable as $$
declare
  slug constant text := normalize(given, NFC);
begin
  if length(slug) not between 1 and 100
     or slug ~ '[\x01-\x2c./\x3a-\x40\x5b-\x5e\x60\x7b-\xa0\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]' then
    return null;
  end if;
  return case when slug ~ '^ACo[A-Za-z0-9_-]{30,}$' then slug else safari_lower(slug) end;
end $$;

create or replace function public.safari_mailbox(given text) returns text
language plpgsql immutable as $$
declare
  parts constant text[] := regexp_match(
    safari_lower(normalize(
      coalesce(substring(given from '^[^<>@,;]*<([^<>\s]+)>$'), given), NFKC)),
    '^(?:mailto:)?([^\s@<>",;:()\\\[\]]+)@((?:[^\x01-\x2c./\x3a-\x60\x7b-\xa0]+\.)+[^\x01-\x2c./\x3a-\x60\x7b-\xa0]+)$');
begin
  if parts[2] in ('gmail.com', 'googlemail.com') then
    return replace(split_part(parts[1], '+', 1), '.', '') || '@gmail.com';
  end if;
  return parts[1] || '@' || parts[2];
end $$;

create or replace function public.safari_address(
  platform text, given text, out place text, out name text
)
language plpgsql immutable as $$
declare
  wanted constant text := safari_platform(platform);
  seen constant text := safari_visible(given);
  is_handle boolean := wanted in ('instagram', 'threads', 'tiktok', 'twitter');
  page record;
begin
  if seen is null or seen = '' then
    return;
  elsif wanted = 'gmail' or (wanted is null and position('/' in seen) = 0) then
    name := safari_mailbox(seen);
    place := case when name is not null then 'gmail' end;
    return;
  elsif position('/' in seen) = 0 then
    name := case when is_handle then safari_handle(wanted, normalize(seen, NFKC))
                 when wanted = 'linkedin' then
                   safari_profile(safari_percent_decoded(ltrim(seen, '@'))) end;
    place := case when name is not null then wanted end;
    return;
  end if;

  page := safari_page(seen);
  if page.site is null or page.site <> coalesce(wanted, page.site) then
    return;
  end if;
  name := case page.site
    when 'linkedin' then
      case when page.parts[1] = 'in' then safari_profile(page.parts[2])
           when page.parts[1] = 'mwlite' and page.parts[2] = 'in' then safari_profile(page.parts[3])
      end
    when 'instagram' then
      case when cardinality(page.parts) = 1 or (cardinality(page.parts) = 2 and page.parts[2] in (
             'channel', 'feed', 'followers', 'following', 'reels', 'tagged')) then
        safari_handle('instagram', page.parts[1]) end
    when 'twitter' then
      case when cardinality(page.parts) = 1 or (cardinality(page.parts) = 2 and page.parts[2] in (
             'articles', 'followers', 'following', 'highlights', 'likes', 'media',
             'verified_followers', 'with_replies')) then
        safari_handle('twitter', page.parts[1]) end
    else
      case when page.parts[1] ~ '^@[^@]' and (cardinality(page.parts) = 1 or (
             page.site = 'threads' and cardinality(page.parts) = 2
             and page.parts[2] in ('media', 'replies', 'reposts'))) then
        safari_handle(page.site, page.parts[1]) end
  end;
  place := case when name is not null then page.site end;
end $$;

create or replace function public.safari_post(
  platform text, given text, out place text, out id text, out author text, out url text
)
language plpgsql immutable as $$
declare
  wanted constant text := safari_platform(platform);
  page record;
  path text;
  found text[];
begin
  page := safari_page(safari_visible(given));
  if page.site is null or page.site <> coalesce(wanted, page.site) then
    return;
  end if;
  path := '/' || array_to_string(page.parts, '/');
  case page.site
    when 'twitter' then
      found := regexp_match(
        path, '^/(?:i/web|(i)|([^/]+))/status(?:es)?/([0-9]{1,25})(?:/[a-z_]+(?:/[0-9]+)?)?$');
      author := safari_handle('twitter', found[2]);
      if found is not null and (found[2] is null or author is not null) then
        id := found[3];
        url := format('https://x.com/%s/status/%s', coalesce(author, 'i'), id);
      end if;
    when 'instagram' then
      found := regexp_match(path, '^/(?:([^/]+)/)?(p|reel|reels|tv)/([A-Za-z0-9_-]{1,64})'
                                  '(?:/c/[0-9]+|/comments|/embed|/liked_by)?$');
      author := safari_handle('instagram', found[1]);
      if found is not null and (found[1] is null or author is not null) then
        id := found[3];
        url := format('https://www.instagram.com/%s%s/%s/', author || '/', rtrim(found[2], 's'), id);
      end if;
    when 'threads' then
      found := regexp_match(
        path, '^/(?:@([^/@]+)/post|t)/([A-Za-z0-9_-]{1,64})(?:/embed|/media)?$');
      author := safari_handle('threads', found[1]);
      if found is not null and (found[1] is null or author is not null) then
        id := found[2];
        url := case when author is null then format('https://www.threads.com/t/%s', id)
                    else format('https://www.threads.com/@%s/post/%s', author, id) end;
      end if;
    when 'tiktok' then
      found := regexp_match(path, '^/@([^/@]*)/(video|photo)/([0-9]{1,25})$');
      author := safari_handle('tiktok', nullif(found[1], ''));
      if found is not null and (found[1] = '' or author is not null) then
        id := found[3];
        url := format('https://www.tiktok.com/@%s/%s/%s', coalesce(author, ''), found[2], id);
      end if;
    else
      null;
  end case;
  place := case when id is not null then page.site end;
  author := case when id is not null then author end;
end $$;

create or replace function public.safari_post_key(platform text, id text) returns text
language sql immutable as $$
  select case platform when 'twitter' then 'https://x.com/i/status/' || id
                       when 'instagram' then 'https://www.instagram.com/p/' || id || '/'
                       when 'threads' then 'https://www.threads.com/t/' || id
                       when 'tiktok' then 'https://www.tiktok.com/@/video/' || id end
$$;

create or replace function public.safari_recipient(place text, name text) returns text
language sql immutable as $$
  select case place when 'linkedin' then
    'https://www.linkedin.com/in/' || safari_percent_encoded(name) || '/' else name end
$$;

create or replace function public.safari_addresses(items jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'place', a.place, 'name', a.name, 'recipient', safari_recipient(a.place, a.name)
         ) order by n), '[]')
    from jsonb_array_elements(items) with ordinality i (item, n),
         lateral safari_address(item ->> 'platform', item ->> 'given') a
$$;

create or replace function public.safari_posts(items jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('key', safari_post_key(p.place, p.id))
                            order by n), '[]')
    from jsonb_array_elements(items) with ordinality i (item, n),
         lateral safari_post(item ->> 'platform', item ->> 'given') p
$$;

create or replace function public.agent_inbox_mark() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  who uuid := (to_jsonb(new) ->> case tg_table_name when 'crm_contacts' then 'id'
                                                    else 'contact_id' end)::uuid;
begin
  if who is not null then
    insert into actp_inbox as b (contact_id) values (who)
      on conflict (contact_id) do update set unheard = true, updated_at = now() where not b.unheard;
  end if;
  return null;
end $$;

create or replace function public.agent_inbox_said() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  reported_at_once constant integer := 50;
  who uuid[];
begin
  if tg_table_name = 'crm_messages' then
    who := array(select distinct s.contact_id from said s
                  where s.contact_id is not null and s.direction = 'inbound');
  else
    who := array(select distinct s.contact_id from said s
                  where s.contact_id is not null
                    and (s.direction = 'inbound' or s.type ~ 'reply$'));
  end if;
  if who = '{}' then
    return null;
  end if;
  insert into actp_inbox as b (contact_id) select w from unnest(who) w order by 1
    on conflict (contact_id) do update set unheard = true, updated_at = now() where not b.unheard;
  if cardinality(who) <= reported_at_once then
    perform agent_inbox_announce(who);
  end if;
  return null;
exception
  when integrity_constraint_violation or data_exception or syntax_error_or_access_rule_violation then
    perform safari_alert(format('agent_error:outreach:inbox:%s', safari_today()), 'agent_error',
      jsonb_build_object('domain', 'outreach', 'task', 'inbox', 'error', sqlerrm));
    return null;
end $$;

create or replace trigger agent_inbox_message
  after insert on public.crm_messages referencing new table as said
  for each statement execute function public.agent_inbox_said();

create or replace trigger agent_inbox_interaction
  after insert on public.crm_interactions referencing new table as said
  for each statement execute function public.agent_inbox_said();

create or replace trigger agent_inbox_conversation
  after update on public.crm_conversations
  for each row when (
    new.last_message is distinct from old.last_message
    or new.last_message_preview is distinct from old.last_message_preview
    or new.unread_count > coalesce(old.unread_count, 0)
    or new.last_reply_at is distinct from old.last_reply_at)
  execute function public.agent_inbox_mark();

create or replace trigger agent_inbox_new_conversation
  after insert on public.crm_conversations
  for each row when (coalesce(new.last_message, new.last_message_preview) is not null
                     or new.last_reply_at is not null or new.unread_count > 0)
  execute function public.agent_inbox_mark();

create or replace trigger agent_inbox_contact
  after update on public.crm_contacts
  for each row when (
    new.last_message is distinct from old.last_message
    or new.last_inbound_at is distinct from old.last_inbound_at
    or (new.unread and not coalesce(old.unread, false)))
  execute function public.agent_inbox_mark();

create or replace trigger agent_inbox_new_contact
  after insert on public.crm_contacts
  for each row when (new.last_message is not null or new.last_inbound_at is not null)
  execute function public.agent_inbox_mark();

create or replace function public.agent_inbox_rows(ids uuid[] default null)
returns table (
  contact_id uuid, name text, platform text, address text, link text, words text,
  heard_at timestamptz, reason text, score integer, stage text, tags jsonb, campaign text,
  snoozed_until timestamptz, answer text, alerted_at timestamptz
)
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
begin
  return query
    with candidates as materialized (
      select b.contact_id, b.done_at, b.snoozed_until, b.look_at, b.look_words, b.alerted_at,
             p.ids as rows, p.addresses as places
        from actp_inbox b
       cross join lateral agent_person_of(b.contact_id) p
       where agent_inbox_rows.ids is null or b.contact_id = any (agent_inbox_rows.ids)
    ), judged as (
      select k.*, c, t.heard_at, t.ours_at, t.heard_platform, t.texts, a.addresses,
             agent_waits_for_us(t.ours_at, t.heard_at, k.done_at) as waits,
             coalesce(k.look_at > coalesce(k.done_at, '-infinity'), false) as needs_look
        from candidates k
        join crm_contacts c on c.id = k.contact_id
       cross join lateral (select agent_outreach_addresses(c) as addresses) a
       cross join lateral agent_conversation(k.rows, k.places) t
       where c.archived_at is null and not coalesce(c.email_opted_out, false)
    ), open as (
      select distinct on (j.rows) j.* from judged j where j.waits or j.needs_look
       order by j.rows, j.heard_at desc nulls last, j.contact_id
    )
    select o.contact_id, coalesce(nullif(btrim((o.c).display_name), ''), (o.c).username), p.platform,
           o.addresses ->> p.platform, agent_person_link(p.platform, o.addresses ->> p.platform),
           coalesce(case when not o.waits then o.look_words end, o.texts -> 0 ->> 'text', ''),
           case when o.waits then o.heard_at else o.look_at end,
           case when o.needs_look then 'look' else 'waits' end,
           s.score, s.funnel_stage, to_jsonb((o.c).tags), g.campaign_id, o.snoozed_until,
           q.status, o.alerted_at
      from open o
     cross join lateral (
       select coalesce(case when o.addresses ? o.heard_platform then o.heard_platform end,
                       case when o.addresses ? lower((o.c).platform) then lower((o.c).platform) end,
                       (select k from jsonb_object_keys(o.addresses) k order by k limit 1),
                       lower((o.c).platform)) as platform) p
      left join actp_prospect_scores s on s.contact_id = o.contact_id
      left join lateral (
        select t.campaign_id from jsonb_each_text(o.addresses) e
          join safari_campaign_targets t on t.handle = e.value and t.platform = e.key
         order by t.created_at desc limit 1) g on true
      left join lateral (
        select case when x.hold = 'review' then 'in review' else x.status end as status
          from safari_command_queue x
         where x.batch_id = 'inbox' and x.campaign_id = 'inbox:' || o.contact_id
           and x.status in ('pending', 'running')
         order by x.created_at desc limit 1) q on true
     order by 7, 1;
end $$;

create or replace function public.agent_inbox(
  row_limit integer default 50, with_snoozed boolean default false
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with all_rows as materialized (
    select r.*, coalesce(r.snoozed_until > now(), false) as is_snoozed from agent_inbox_rows() r
  )
  select jsonb_build_object(
    'waiting', (select count(*) from all_rows r where not r.is_snoozed),
    'snoozed', (select count(*) from all_rows r where r.is_snoozed),
    'rows', (select coalesce(jsonb_agg(to_jsonb(s) - 'alerted_at' order by s.heard_at, s.contact_id), '[]')
               from (select * from all_rows r where with_snoozed or not r.is_snoozed
                      order by r.heard_at, r.contact_id limit row_limit) s))
$$;

create or replace function public.agent_inbox_find(who text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  wanted constant text := lower(ltrim(btrim(who), '@'));
  found_ids uuid[];
begin
  if wanted ~ '^[0-9a-f]{4,8}(-[0-9a-f-]*)?$' then
    select array_agg(c.id) into found_ids from crm_contacts c where starts_with(c.id::text, wanted);
  end if;
  if found_ids is null then
    select array_agg(c.id) into found_ids from crm_contacts c
     where lower(ltrim(c.username, '@')) = wanted or lower(ltrim(c.twitter_handle, '@')) = wanted
        or lower(ltrim(c.instagram_handle, '@')) = wanted
        or lower(ltrim(c.tiktok_handle, '@')) = wanted or lower(c.email) = wanted
        or agent_crm_profile(c.linkedin_url) = agent_crm_profile(wanted);
  end if;
  if found_ids is null then
    raise no_data_found using message = format('no contact matches %L', left(who, 80));
  elsif cardinality(found_ids) > 1
        and not (select bool_and(i = any (agent_person(found_ids[1]))) from unnest(found_ids) i) then
    raise invalid_parameter_value using message = format(
      '%L matches %s contacts: give more of the id', left(who, 80), cardinality(found_ids));
  end if;
  return found_ids[1]::text;
end $$;

create or replace function public.agent_inbox_show(contact_id uuid) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'contact_id', c.id, 'name', coalesce(nullif(btrim(c.display_name), ''), c.username),
    'headline', c.headline, 'bio', left(c.bio, 600), 'niche', c.niche_label,
    'addresses', agent_outreach_addresses(c), 'veto', agent_outreach_veto(c, agent_outreach_vetoes()),
    'inbox', (select to_jsonb(r) from agent_inbox_rows(agent_person(c.id)) r limit 1),
    'messages', coalesce((
      select jsonb_agg(jsonb_build_object('from', m.who, 'at', m.at, 'platform', m.platform,
                                          'text', m.text) order by m.at)
        from (select case when agent_outreach_is_theirs(n) then 'them' else 'us' end as who,
                     coalesce(n.sent_at, n.created_at) as at, lower(n.platform) as platform,
                     left(coalesce(nullif(n.message_text, ''), n.body), 1000) as text
                from crm_messages n where n.contact_id = any (agent_person(c.id))
               order by n.sent_at desc nulls last limit 20) m), '[]'))
    from crm_contacts c where c.id = agent_inbox_show.contact_id
$$;

create or replace function public.agent_inbox_reply(
  contact_id uuid, text text, key text, platform text default null, written_by text default 'operator'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  asked safari_routes;
  row record;
  target text;
  place text;
  made jsonb;
begin
  select c as contact, agent_outreach_addresses(c) as addresses into row
    from crm_contacts c where c.id = agent_inbox_reply.contact_id;
  if not found then
    raise no_data_found using message = format('there is no contact %s', contact_id);
  elsif agent_outreach_veto(row.contact, agent_outreach_vetoes()) = 'opted_out' then
    raise object_not_in_prerequisite_state using message =
      'this person asked not to be contacted: nothing was queued';
  end if;
  place := coalesce(agent_inbox_reply.platform, (
    select r.platform from agent_inbox_rows(agent_person(contact_id)) r limit 1), (
    select e.key from jsonb_each_text(row.addresses) e
      join safari_routes r on r.action = 'send_dm' and r.platform = e.key
     cross join agent_person_of(agent_inbox_reply.contact_id) p
     cross join lateral agent_conversation(p.ids, p.addresses) t
     order by e.key = t.last_platform desc nulls last, e.key = lower((row.contact).platform) desc,
              e.key limit 1));
  target := row.addresses ->> place;
  select * into asked from safari_routes r where r.action = 'send_dm' and r.platform = place;
  if not found or target is null then
    raise object_not_in_prerequisite_state using message = format(
      'no service sends messages to them on %s: answer there by hand, then mark it done',
      coalesce(place, 'any platform'));
  end if;
  made := safari_enqueue(jsonb_build_array(jsonb_build_object(
    'action', 'send_dm', 'platform', place, 'priority', 1, 'key', key, 'batch_id', 'inbox',
    'campaign_id', 'inbox:' || contact_id,
    'params', jsonb_build_object(
      case place when 'linkedin' then 'profileUrl' else 'username' end, target, 'text', text,
      'contact_id', contact_id, 'written_by', written_by)))) -> 0;
  if written_by = 'operator' then
    -- Who typed it has looked at it, even where everything is reviewed.
    perform safari_review_decide(coalesce((
      select jsonb_agg(jsonb_build_object('id', v.id, 'content_hash', v.content_hash))
        from safari_review_rows() v where v.row_id = (made ->> 'id')::uuid), '[]'), 'approve');
  end if;
  return made || jsonb_build_object('platform', place, 'address', target);
end $$;

create or replace function public.agent_inbox_done(contact_id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into actp_inbox as b (contact_id, unheard, done_at)
    select i, false, now() from unnest(agent_person(agent_inbox_done.contact_id)) i order by 1
    on conflict on constraint actp_inbox_pkey
    do update set done_at = now(), snoozed_until = null, updated_at = now();
  return jsonb_build_object('contact_id', contact_id, 'done_at', now());
end $$;

create or replace function public.agent_inbox_snooze(contact_id uuid, seconds double precision)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ends constant timestamptz := now() + make_interval(secs => seconds);
begin
  insert into actp_inbox as b (contact_id, unheard, snoozed_until)
    select i, false, ends from unnest(agent_person(agent_inbox_snooze.contact_id)) i order by 1
    on conflict on constraint actp_inbox_pkey
    do update set snoozed_until = ends, updated_at = now();
  return jsonb_build_object('contact_id', contact_id, 'snoozed_until', ends);
end $$;

create or replace function public.agent_inbox_tag(
  contact_id uuid, added jsonb default '[]', removed jsonb default '[]'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  is_json constant boolean := (
    select a.atttypid in ('jsonb'::regtype, 'json'::regtype) from pg_attribute a
     where a.attrelid = 'public.crm_contacts'::regclass and a.attname = 'tags');
  before jsonb;
  after text[];
begin
  select coalesce(to_jsonb(c.tags), '[]') into before from crm_contacts c
   where c.id = agent_inbox_tag.contact_id for no key update;
  if not found then
    raise no_data_found using message = format('there is no contact %s', contact_id);
  end if;
  select array_agg(t.tag order by t.place) into after from (
    select b.tag, min(b.place) as place
      from jsonb_array_elements_text(before || added) with ordinality b (tag, place)
     where btrim(b.tag) <> '' and not removed ? b.tag group by b.tag) t;
  after := coalesce(after, '{}');
  execute format('update public.crm_contacts c set tags = %s, updated_at = now() where c.id = $2',
                 case when is_json then 'to_jsonb($1)' else '$1' end)
    using after, agent_inbox_tag.contact_id;
  return jsonb_build_object('contact_id', contact_id, 'tags', to_jsonb(after));
end $$;

create or replace function public.agent_inbox_announce(ids uuid[]) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  reply record;
  told integer := 0;
begin
  for reply in
    select r.* from agent_inbox_rows(ids) r
     where r.heard_at > now() - interval '2 days'
       and r.heard_at > coalesce(r.alerted_at, '-infinity')
     order by r.heard_at, r.contact_id
  loop
    perform safari_alert(
      format('reply:%s:%s', reply.contact_id, extract(epoch from reply.heard_at)), 'reply',
      jsonb_build_object(
        'contact_id', reply.contact_id, 'name', reply.name, 'platform', reply.platform,
        'address', reply.address, 'link', reply.link, 'words', left(reply.words, 500),
        'campaign', reply.campaign, 'score', reply.score, 'reason', reply.reason));
    insert into actp_inbox as b (contact_id, alerted_at)
      select i, reply.heard_at from unnest(agent_person(reply.contact_id)) i order by 1
      on conflict on constraint actp_inbox_pkey
      do update set alerted_at = excluded.alerted_at, updated_at = now();
    told := told + 1;
  end loop;
  return told;
end $$;

create or replace function public.agent_inbox_draft(contact_id uuid, text text, key text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  made jsonb := agent_inbox_reply(contact_id, text, key, null, 'claude');
begin
  return made || jsonb_build_object(
    'review_id', safari_review_open((made ->> 'id')::uuid, 'an answer drafted by Claude'));
end $$;

create or replace function public.safari_set_aside(services jsonb, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_rows constant integer := 10000;
  command safari_command_queue;
  readable jsonb;
  waited interval;
  ended uuid[] := '{}';
begin
  for command in
    select q.* from jsonb_array_elements_text(services) s (service)
     cross join lateral (
       select c.* from safari_command_queue c
        where c.service = s.service and c.status = 'pending' and c.ready
        limit most_rows for update skip locked) q
  loop
    begin
      readable := to_jsonb(command);
      waited := now() - greatest(command.created_at, command.due_at);
      perform command.lease_number + 1, waited;
    exception when data_exception or program_limit_exceeded then
      update safari_command_queue q
         set status = 'failed', reason = 'validation', error = sqlerrm, completed_at = now(),
             result = '{"outcome": "validation"}', updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'failed', null, null, null,
                                  jsonb_build_object('reason', 'validation', 'error', sqlerrm));
      ended := ended || command.id;
    end;
  end loop;
  if ended = '{}' then
    perform safari_alert(format('claims_refused:%s', safari_today()), 'claims_refused',
                         jsonb_build_object('services', services, 'error', error));
  else
    perform safari_alert(format('set_aside:%s', ended[1]), 'set_aside',
                         jsonb_build_object('command_ids', to_jsonb(ended[1:20]),
                                            'count', cardinality(ended), 'error', error));
  end if;
  return to_jsonb(ended);
end $$;

create or replace function public.safari_note(kind text, subject text, detail jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_alert(format('%s:%s:%s', kind, subject, safari_today()), kind, detail);
  return to_jsonb(true);
end $$;

create or replace function public.agent_keys()
returns table (table_name text, columns text[], predicate text)
language sql immutable set search_path = public, pg_temp as $$
  values
    ('crm_contacts', array['platform', 'username'], null),
    ('crm_conversations', array['contact_id', 'platform'], null),
    ('crm_messages', array['platform', 'username', 'message_id'], null),
    ('crm_market_research', array['platform', 'post_url', 'keyword'], null),
    ('crm_message_queue', array['contact_id', 'platform'], 'status in (''pending'', ''sending'')'),
    ('crm_message_queue', array['command_id'], 'command_id is not null'),
    ('actp_prospect_scores', array['contact_id'], null),
    ('actp_content_performance', array['platform', 'external_id'], null),
    ('actp_posting_schedule', array['platform'], null),
    ('actp_niche_resonance', array['platform', 'niche', 'offer_tag', 'content_type'], null),
    ('actp_platform_associations', array['contact_id', 'platform'], null),
    ('actp_cross_platform_trends', array['niche'], null),
    ('actp_platform_research', array['source_platform', 'post_url'], null),
    ('actp_twitter_research', array['tweet_id'], null),
    ('actp_platform_creators', array['platform', 'handle', 'niche'], null),
    ('actp_gen_jobs', array['request_key'], null)
$$;

create or replace function public.agent_has_key(table_name text, columns text[], predicate text)
returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (
    select from pg_index i
     where i.indrelid = to_regclass('public.' || quote_ident(table_name))
       and i.indisunique and i.indisvalid and i.indexprs is null
       and (i.indpred is null) = (predicate is null)
       and (select array_agg(a.attname::text order by a.attname)
              from unnest(i.indkey) key
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key)
           = (select array_agg(c order by c) from unnest(columns) c))
$$;

create or replace function public.agent_make_keys() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted record;
  missing jsonb := '[]';
begin
  for wanted in
    select * from agent_keys() k
     where to_regclass('public.' || quote_ident(k.table_name)) is not null
       and not agent_has_key(k.table_name, k.columns, k.predicate)
  loop
    begin
      execute format('create unique index on public.%I (%s)%s', wanted.table_name,
        (select string_agg(quote_ident(c), ', ') from unnest(wanted.columns) c),
        coalesce(' where ' || wanted.predicate, ''));
    exception
      when integrity_constraint_violation or data_exception or syntax_error_or_access_rule_violation
      then
        missing := missing || jsonb_build_object(
          'table', wanted.table_name, 'columns', to_jsonb(wanted.columns), 'error', sqlerrm);
    end;
  end loop;
  return missing;
end $$;

create or replace function public.agent_missing_keys() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('table', k.table_name, 'columns', k.columns)
                            order by k.table_name), '[]')
    from agent_keys() k
   where to_regclass('public.' || quote_ident(k.table_name)) is not null
     and not agent_has_key(k.table_name, k.columns, k.predicate)
$$;

create or replace function public.agent_duplicates(most_groups integer default 20) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  wanted record;
  newest text;
  found jsonb;
  answer jsonb := '[]';
begin
  for wanted in
    select k.*, (select string_agg(quote_ident(c), ', ') from unnest(k.columns) c) as list,
           coalesce(k.predicate, 'true') as condition
      from agent_keys() k
     where to_regclass('public.' || quote_ident(k.table_name)) is not null
       and not agent_has_key(k.table_name, k.columns, k.predicate)
       and k.columns <@ array(
         select a.attname::text from pg_attribute a
          where a.attrelid = to_regclass('public.' || quote_ident(k.table_name))
            and a.attnum > 0 and not a.attisdropped)
  loop
    select string_agg(format('t.%I desc nulls last', c.name), ', ' order by c.place) into newest
      from unnest(array['updated_at', 'last_updated', 'scraped_at', 'created_at'])
             with ordinality c (name, place)
     where exists (select from pg_attribute a
                    where a.attrelid = to_regclass('public.' || quote_ident(wanted.table_name))
                      and a.attname = c.name and not a.attisdropped);
    execute format($query$
      select coalesce(jsonb_agg(to_jsonb(g)), '[]') from (
        select %3$L as "table", to_jsonb(%4$L::text[]) as columns,
               jsonb_build_array(%1$s) as values, count(*) as rows,
               (array_agg(t.ctid::text order by %5$s t.ctid desc))[1] as keep,
               to_jsonb((array_agg(t.ctid::text order by %5$s t.ctid desc))[2:]) as remove
          from public.%2$I t
         where %6$s and not (%7$s)
         group by %1$s having count(*) > 1
         limit %8$s) g
      $query$, wanted.list, wanted.table_name, wanted.table_name, wanted.columns,
      coalesce(newest || ',', ''), wanted.condition,
      (select string_agg(quote_ident(c) || ' is null', ' or ') from unnest(wanted.columns) c),
      most_groups) into found;
    answer := answer || found;
  end loop;
  return answer;
end $$;

create or replace function public.agent_misfits(wanted jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with wanted_columns as (
    select t.key as table_name, c.key as column_name, c.value as type
      from jsonb_each(wanted) t, lateral jsonb_each_text(t.value) c
     where to_regclass('public.' || quote_ident(t.key)) is not null
  ), compared as (
    select w.*, format_type(a.atttypid, null) as found
      from wanted_columns w
      left join pg_attribute a
        on a.attrelid = to_regclass('public.' || quote_ident(w.table_name))
       and a.attname = w.column_name and a.attnum > 0 and not a.attisdropped
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'table', c.table_name, 'column', c.column_name, 'found', c.found, 'wanted', c.type)
           order by c.table_name, c.column_name), '[]')
    from compared c
   where c.found is distinct from c.type
     and not exists (
       select from unnest(array[
         'text,character varying,character,citext',
         'smallint,integer,bigint,numeric,real,double precision',
         'timestamp with time zone,timestamp without time zone'
       ]) kind
        where c.found = any (string_to_array(kind, ',')) and c.type = any (string_to_array(kind, ',')))
$$;

create or replace function public.agent_tables_of(function_name text) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with recursive ours as materialized (
    select distinct p.proname::text collate "C" as name, p.prosrc as body from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.proname ~ '^(safari|agent)_'
  ), called (name) as (
    select agent_tables_of.function_name collate "C"
    union
    select o.name from called c
      join ours caller on caller.name = c.name
      join ours o on strpos(caller.body, o.name || '(') > 0
  )
  select coalesce(jsonb_agg(distinct t.relname::text), '[]')
    from pg_class t
   where t.relnamespace = 'public'::regnamespace and t.relkind in ('r', 'p', 'v')
     and t.relname ~ '^(crm|actp|youtube|linkedin)_'
     and exists (select from called c join ours o on o.name = c.name
                  where o.body ~ ('\m' || t.relname || '\M'))
$$;

drop function if exists public.safari_register(uuid, text, text, jsonb);

create or replace function public.safari_register(
  boot_id uuid, host_key text, worker text, services jsonb, accounts jsonb default '{}'
) returns jsonb
language sql set search_path = public, pg_temp as $$
  select safari_note_accounts(host_key, a.accounts) from safari_accounts_here(worker, accounts) a (accounts);
  insert into safari_workers (boot_id, host_key, worker, services, accounts)
  select boot_id, host_key, worker, array(select jsonb_array_elements_text(services)), a.accounts
    from safari_accounts_here(worker, accounts) a (accounts)
  on conflict on constraint safari_workers_pkey do update
    set seen_at = now(), stopped_at = null, services = excluded.services,
        accounts = excluded.accounts
  returning to_jsonb(safari_workers.boot_id)
$$;

create or replace function public.safari_rescue_one(
  command public.safari_command_queue, counts_as_death boolean
) returns text
language plpgsql set search_path = public, pg_temp as $$
declare
  -- The first death may have been a neighbour's doing; after it the row is claimed alone.
  deaths_until_poison constant integer := 4;
  attempt_open boolean;
  deaths integer := command.crash_count + counts_as_death::integer;
  retry_limit integer;
  outcome text;
  message text;
  answer jsonb;
begin
  update safari_command_attempts a
     set outcome = case command.effect when 'once' then 'unknown' else 'lost' end,
         finished_at = clock_timestamp(), error = 'the worker stopped before an answer came'
   where a.command_id = command.id and a.attempt = command.attempt and a.outcome is null;
  attempt_open := found;
  if command.effect = 'once' and not attempt_open and not counts_as_death then
    -- The program that ran it left no trace: the doubt gets its own attempt, so that no edit of
    -- the row makes anybody forget it.
    command.attempt := command.attempt + 1;
    insert into safari_command_attempts (
      command_id, attempt, boot_id, lease_number, service, outcome, finished_at, error
    ) values (
      command.id, command.attempt, '00000000-0000-0000-0000-000000000000', 0, command.service,
      'unknown', clock_timestamp(), 'an older controller stopped before it said what came of it');
    perform safari_record_event(command.id, 'found_running', command.worker_id, command.attempt,
                                null, null);
    attempt_open := true;
  end if;
  select s.value::text::integer into retry_limit from safari_settings s where s.key = 'retry_limit';

  if command.effect = 'once' and attempt_open then
    outcome := 'unknown';
    message := 'the worker stopped after the request may have left: see what the recipient got, '
               'then settle it with --resolve';
  elsif deaths >= deaths_until_poison then
    outcome := 'poison';
    message := 'its worker died each time it was worked on';
  elsif attempt_open and command.retry_count >= retry_limit then
    outcome := 'retries_exhausted';
    message := 'the worker stopped before an answer came';
  end if;

  if outcome is not null then
    answer := jsonb_build_object('outcome', outcome, 'reason', outcome, 'success', false,
                                 'service', command.service);
  end if;
  update safari_command_queue q
     set status = case when outcome is null then 'pending' else 'failed' end,
         reason = outcome,
         error = message,
         result = answer,
         attempt = command.attempt,
         retry_count = command.retry_count + (outcome is null and attempt_open)::integer,
         crash_count = deaths,
         boot_id = null, lease_expires_at = null,
         completed_at = case when outcome is not null then now() end,
         updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, case when outcome = 'unknown' then 'unknown' else 'rescued' end,
    command.worker_id, case when attempt_open then command.attempt end, null,
    jsonb_strip_nulls(jsonb_build_object('reason', outcome, 'error', message, 'result', answer)));
  if outcome = 'unknown' then
    perform safari_alert(format('unknown:%s:%s', command.id, command.attempt), 'unknown_outcome',
      jsonb_build_object('command_id', command.id, 'service', command.service,
                         'action', command.action, 'error', message,
                         'place', safari_place(command.service, (
                           select a.recipient from safari_command_attempts a
                            where a.command_id = command.id and a.attempt = command.attempt))));
  elsif outcome = 'poison' then
    perform safari_alert(format('poison:%s', command.id), 'quarantined',
      jsonb_build_object('command_id', command.id, 'service', command.service,
                         'action', command.action));
  end if;
  return coalesce(outcome, 'pending');
end $$;

create or replace function public.safari_notice_clone(
  boot_id uuid, lease_seconds double precision
) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  twin record;
begin
  select me.host_key, me.worker, w.worker as other into twin
    from safari_workers me
    join safari_workers w
      on w.host_key = me.host_key and w.boot_id <> me.boot_id and w.services && me.services
         and w.stopped_at is null and w.started_at < me.started_at
         and w.seen_at > me.started_at + make_interval(secs => lease_seconds)
   where me.boot_id = safari_notice_clone.boot_id
   limit 1;
  if found then
    perform safari_alert(format('host_copied:%s:%s', twin.host_key, safari_today()), 'host_copied',
                         jsonb_build_object('worker', twin.worker, 'other', twin.other));
  end if;
end $$;

drop function if exists public.safari_beat(uuid, jsonb, jsonb, double precision, text, jsonb);

create or replace function public.safari_beat(
  boot_id uuid, held jsonb, state jsonb, lease_seconds double precision, host_key text, services jsonb,
  known jsonb default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb := safari_heartbeat(boot_id, held, state, lease_seconds);
begin
  if jsonb_typeof(services) = 'array' then
    perform safari_notice_clone(boot_id, lease_seconds);
    begin
      answer := answer || jsonb_build_object(
        'rescued', safari_rescue(boot_id, host_key, services, true));
    exception when others then
      answer := answer || jsonb_build_object('rescue_error', sqlerrm);
    end;
  end if;
  if known is not null then
    begin
      answer := answer || jsonb_build_object('watermark', safari_watermark(known));
    exception when others then
      answer := answer || jsonb_build_object('watermark_error', sqlerrm);
    end;
  end if;
  return answer;
end $$;

create or replace function public.safari_record_event(
  command_id uuid, event text, worker text, attempt integer, http_status integer, detail jsonb
) returns void
language plpgsql as $$
begin
  insert into safari_command_events (command_id, event, worker, attempt, http_status, detail)
  values (command_id, event, coalesce(worker, safari_operator()), attempt, http_status, detail);
end $$;

drop function if exists public.safari_lock_quotas(uuid[], jsonb);

create or replace function public.safari_lock_quotas(
  begin_ids uuid[], finishes jsonb, accounts jsonb
) returns void
language plpgsql as $$
begin
  perform from safari_rate_limits r
    join (
      select s.platform, s.kind, safari_today() as day,
             safari_account_on(accounts, s.platform) as account
        from safari_command_queue q join safari_services s on s.service = q.service
       where q.id = any (begin_ids) and s.kind is not null
      union
      select a.quota_platform, a.quota_kind, a.quota_day, a.account
        from jsonb_array_elements(finishes) i
        join safari_command_attempts a
          on a.command_id = (i ->> 'id')::uuid and a.attempt = (i ->> 'attempt')::integer
       where (i ->> 'quota_back')::boolean and a.quota_day is not null
    ) k on r.platform = k.platform and r.action = k.kind and r.limit_date = k.day
           and r.account = k.account
    join safari_services s on s.platform = r.platform and s.kind = r.action
    order by s.service, r.limit_date for update of r;
end $$;

create or replace function public.safari_ledger(
  boot_id uuid, finishes jsonb, begins jsonb
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  worker text;
  accounts jsonb;
  shared text[];
  finish_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(finishes) i);
  begin_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(begins) i);
begin
  perform from safari_command_queue q
    where q.id = any (finish_ids || begin_ids)
    order by q.id for update;
  select w.worker, w.accounts into worker, accounts
    from safari_workers w where w.boot_id = safari_ledger.boot_id;
  shared := array(select a.platform from safari_accounts a group by a.platform having count(*) > 1);
  -- Two addresses of one person may be in two services, or on two hosts: their begins take turns. So do
  -- those of one service by one account, whose limits of an hour or a week have no counter to lock.
  if begins <> '[]' then
    perform pg_advisory_xact_lock(p.key) from (
      select hashtextextended(coalesce(o.person::text, q.platform || ':' || q.person), 1) as key
        from safari_command_queue q
        left join safari_people o on o.address = q.platform || ':' || q.person
       where q.id = any (begin_ids) and q.effect = 'once' and q.person is not null
       union
      select hashtextextended(s.service || ':' || safari_account_on(accounts, s.platform), 2)
        from safari_command_queue q join safari_services s on s.service = q.service
       where q.id = any (begin_ids) and q.effect = 'once' and s.kind is not null
       order by key offset 0) p;
  end if;
  -- Begins take their counters in the order of services; what a finish gives back may lie before.
  if jsonb_path_exists(finishes, '$[*] ? (@.quota_back == true)') then
    perform safari_lock_quotas(begin_ids, finishes, accounts);
  end if;

  if finishes <> '[]' then
    finishes := safari_finish_batch(safari_ledger.boot_id, worker, finishes);
  end if;
  if begins <> '[]' then
    begins := safari_begin_batch(
      safari_ledger.boot_id, worker, begins, coalesce(accounts, '{}'), shared);
  end if;
  return jsonb_build_object('finishes', finishes, 'begins', begins);
end $$;

drop function if exists public.safari_open_day(text[], text[]);

create or replace function public.safari_open_day(
  platforms text[], kinds text[], accounts text[]
) returns void
language plpgsql as $$
begin
  insert into safari_rate_limits (
    platform, action, limit_date, account, used, daily_limit, ceiling, next_action_at
  )
    select p.platform, p.kind, safari_today(), w.account, 0, p.daily_limit, p.daily_limit,
           (select r.next_action_at from safari_rate_limits r
             where r.platform = p.platform and r.action = p.kind and r.account = w.account
             order by r.limit_date desc limit 1)
      from unnest(platforms, kinds, accounts) w (platform, kind, account)
      join lateral safari_policy(w.platform, w.kind, w.account) p on true
    on conflict on constraint safari_rate_limits_key do nothing;
end $$;

drop function if exists public.safari_begin_one(uuid, text, jsonb);

drop function if exists public.safari_take_quota(text, text);

drop function if exists public.safari_begin_batch(uuid, text, jsonb);

create or replace function public.safari_begin_batch(
  worker_boot uuid, worker text, items jsonb, accounts jsonb, shared text[]
) returns jsonb
language plpgsql as $$
declare
  facts record;
  command safari_command_queue;
  earlier safari_command_attempts;
  intent safari_command_attempts;
  intents safari_command_attempts[] := '{}';
  granted uuid[];
  counters text[] := '{}';
  reached_before text[] := '{}';
  next_round jsonb := '[]';
  answers jsonb := '[]';
  answer jsonb;
  reached record;
  refusal record;
  sender text;
begin
  for facts in
    select i.item, q as command, s.platform, s.kind, e as earlier, u.account,
           case when g.reason is null and safari_needs_review(q) then 'review'
                else g.reason end as wait_reason,
           coalesce(s.platform || ':' || s.kind, q.service) as counter,
           coalesce(o.person::text, q.platform || ':' || q.person, q.id::text) as reaches
      from jsonb_array_elements(items) with ordinality i (item, place)
      left join safari_command_queue q on q.id = (i.item ->> 'id')::uuid
      left join safari_services s on s.service = q.service
      left join lateral (
        select * from safari_command_attempts a
         where a.command_id = q.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
         order by a.attempt desc limit 1) e on q.attempt > 0
      left join safari_people o on o.address = q.platform || ':' || q.person
     cross join lateral (select safari_account_on(accounts, s.platform) as account) u
      left join lateral safari_service_gate(q.service, q.platform, u.account) g on true
     order by i.place
  loop
    command := facts.command;
    earlier := facts.earlier;
    answer := null;
    if facts.counter = any (counters) or facts.reaches = any (reached_before) then
      next_round := next_round || facts.item;
      continue;
    end if;
    counters := counters || facts.counter;
    reached_before := reached_before || facts.reaches;
    if command.id is null or command.status <> 'running'
       or command.boot_id is distinct from worker_boot
       or command.lease_number <> (facts.item ->> 'lease')::bigint then
      -- Its begin was granted, the answer lost, and the row taken for that of a dead worker: only its
      -- holder can say that nothing was sent.
      answer := jsonb_build_object('verdict', 'lost', 'reason', coalesce(command.status, 'gone'),
        'attempt', (
          select a.attempt from safari_command_attempts a
           where a.command_id = (facts.item ->> 'id')::uuid and a.boot_id = worker_boot
             and a.lease_number = (facts.item ->> 'lease')::bigint
             and a.outcome = 'unknown' and a.resolved_at is null));
    elsif earlier.command_id is not null and earlier.outcome is null
          and earlier.boot_id = worker_boot and earlier.lease_number = command.lease_number then
      -- The same begin again: its answer was lost on the way to the worker.
      answer := jsonb_build_object('verdict', 'granted', 'attempt', earlier.attempt);
    elsif earlier.command_id is not null and command.effect = 'once' then
      perform safari_restore(command, earlier);
      answer := jsonb_build_object('verdict', 'refused',
                                   'reason', coalesce(earlier.outcome, 'in_flight'));
    elsif command.expires_at <= now() then
      perform safari_fail_unsent(command, worker, 'expired', 'expired before it was sent', null);
      answer := jsonb_build_object('verdict', 'refused', 'reason', 'expired');
    end if;
    if answer is null then
      reached := safari_reached(command, facts.item ->> 'recipient');
      refusal := safari_refusal(command, facts.item ->> 'recipient', reached.person,
                                reached.recipient, facts.item ->> 'text_hash');
      sender := nullif(command.account, '');
      if sender is null and facts.platform = any (shared) and command.effect = 'once'
         and reached.person is not null then
        sender := safari_sender(command.platform, reached.person, command.id);
      end if;
    end if;
    if answer is not null then
      null;
    elsif refusal.reason is not null then
      perform safari_fail_unsent(command, worker, refusal.reason, refusal.error, null);
      answer := jsonb_build_object('verdict', 'refused', 'reason', refusal.reason);
    elsif sender <> facts.account then
      -- Its person has heard from another account since it was claimed, or it was given to one.
      update safari_command_queue q
         set status = 'pending', boot_id = null, lease_expires_at = null, account = sender,
             updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'waiting', worker, null, null,
                                  jsonb_build_object('reason', 'account', 'account', sender));
      perform safari_call(array[command.service]);
      answer := jsonb_build_object('verdict', 'wait', 'reason', 'account', 'seconds', 0);
    elsif facts.wait_reason is not null then
      update safari_command_queue q
         set status = 'pending', boot_id = null, lease_expires_at = null, updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'waiting', worker, null, null,
                                  jsonb_build_object('reason', facts.wait_reason));
      answer := jsonb_build_object('verdict', 'wait', 'reason', facts.wait_reason,
                                   'seconds', safari_seconds_until(coalesce((
          select g.until from safari_service_gate(
            command.service, command.platform, facts.account) g), 'infinity')));
    end if;
    if answer is not null then
      answers := answers || (answer || jsonb_build_object('id', facts.item -> 'id'));
      continue;
    end if;

    intent := null;
    intent.command_id := command.id;
    intent.attempt := command.attempt + 1;
    intent.boot_id := worker_boot;
    intent.lease_number := command.lease_number;
    intent.service := command.service;
    intent.account := facts.account;
    intent.recipient := reached.recipient;
    intent.person := command.platform || ':' || reached.person;
    intent.text_hash := facts.item ->> 'text_hash';
    if facts.kind is not null and command.effect = 'once' then
      intent.quota_platform := facts.platform;
      intent.quota_kind := facts.kind;
      intent.quota_day := safari_today();
    end if;
    intents := intents || intent;
  end loop;

  if intents <> '{}' then
    with taken as (
      -- Takes one from today's limit and sets the pace. Every process locks counters in this order.
      update safari_rate_limits r
         set used = r.used + 1,
             daily_limit = f.daily,
             ceiling = greatest(r.ceiling, f.daily),
             next_action_at = case when (policy).min_gap_seconds > 0 then
               clock_timestamp()
               + make_interval(secs => (policy).min_gap_seconds * (1 + random() / 2))
             end,
             updated_at = now()
        from (select c.id, c.platform, c.action, c.account
                from unnest(intents) i
                join safari_rate_limits c
                  on c.platform = i.quota_platform and c.action = i.quota_kind
                     and c.limit_date = i.quota_day and c.account = i.account
               order by i.service for update of c) locked
        join safari_services s on s.platform = locked.platform and s.kind = locked.action
        join safari_policies common on common.platform = s.platform and common.kind = s.kind
        left join safari_account_policies own
          on own.platform = s.platform and own.kind = s.kind and own.account = locked.account
       cross join lateral (
         select case when own.changes is null then common
                     else jsonb_populate_record(common, own.changes) end as policy) chosen
       cross join lateral safari_limits_in_force(policy, s) f
       where r.id = locked.id and r.used < f.daily and coalesce(r.next_action_at <= now(), true)
      returning r.platform, r.action
    ), intent as (
      insert into safari_command_attempts (
        command_id, attempt, boot_id, lease_number, service, account, recipient, person, text_hash,
        quota_platform, quota_kind, quota_day
      )
        select i.command_id, i.attempt, i.boot_id, i.lease_number, i.service, i.account,
               i.recipient, i.person, i.text_hash, i.quota_platform, i.quota_kind, i.quota_day
          from unnest(intents) i
         where i.quota_kind is null or (i.quota_platform, i.quota_kind) in (select * from taken)
      returning command_id, attempt
    ), counted as (
      update safari_command_queue q set attempt = i.attempt, updated_at = now()
        from intent i where q.id = i.command_id
    ), audited as (
      insert into safari_command_events (command_id, event, worker, attempt)
        select command_id, 'begun', worker, attempt from intent
      returning command_id
    )
    select coalesce(array_agg(command_id), '{}') into granted from audited;
    foreach intent in array intents loop
      if intent.command_id = any (granted) then
        answers := answers || jsonb_build_object(
          'id', intent.command_id, 'verdict', 'granted', 'attempt', intent.attempt);
      else
        next_round := next_round || (
          select i from jsonb_array_elements(items) i
           where (i ->> 'id')::uuid = intent.command_id limit 1);
      end if;
    end loop;
    if cardinality(granted) < cardinality(intents) then
      perform safari_open_day(
                array_agg(i.quota_platform), array_agg(i.quota_kind), array_agg(i.account))
         from unnest(intents) i where i.command_id <> all (granted);
    end if;
  end if;
  if next_round <> '[]' then
    answers := answers || safari_begin_batch(worker_boot, worker, next_round, accounts, shared);
  end if;
  return answers;
end $$;

create or replace function public.safari_alert_result(
  command_id uuid, service text, alert jsonb
) returns void
language plpgsql as $$
begin
  if jsonb_typeof(alert) = 'object' then
    perform safari_alert(format('%s:%s:%s', alert ->> 'kind', service, safari_today()),
      alert ->> 'kind', jsonb_build_object('command_id', command_id, 'service', service,
                                           'text', alert -> 'text'));
  end if;
end $$;

create or replace function public.safari_give_back(
  worker_boot uuid, worker text, command public.safari_command_queue, item jsonb
) returns jsonb
language plpgsql as $$
begin
  if command.id is null or command.status <> 'running'
     or command.boot_id is distinct from worker_boot
     or command.lease_number <> (item ->> 'lease')::bigint then
    return jsonb_build_object('id', item -> 'id', 'recorded', false);
  elsif item ->> 'verdict' = 'wait' then
    update safari_command_queue q
       set status = 'pending', boot_id = null, lease_expires_at = null, crash_count = 0,
           next_retry_at = case item ->> 'reason'
             when 'shadow' then now() + make_interval(secs => (item ->> 'wait_seconds')::double precision)
             else q.next_retry_at end,
           updated_at = now()
     where q.id = command.id;
    perform safari_record_event(
      command.id, case item ->> 'reason' when 'handed_back' then 'handed_back' else 'waiting' end,
      worker, null, (item ->> 'http_status')::integer,
      case when item ->> 'reason' <> 'handed_back'
           then jsonb_build_object('reason', item -> 'reason', 'error', item -> 'error') end);
    perform safari_alert_result(command.id, command.service, item -> 'alert');
    return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', 'pending');
  end if;
  perform safari_fail_unsent(
    command, worker, item ->> 'reason', item ->> 'error', item -> 'result');
  return jsonb_build_object('id', item -> 'id', 'recorded', true, 'status', 'failed');
end $$;

drop function if exists public.safari_finish_one(uuid, text, jsonb);

create or replace function public.safari_finish_batch(
  worker_boot uuid, worker text, items jsonb
) returns jsonb
language plpgsql as $$
declare
  facts record;
  item jsonb;
  verdict text;
  settled text;
  done safari_command_attempts;
  command safari_command_queue;
  event safari_command_events;
  closed safari_command_attempts[] := '{}';
  moved safari_command_queue[] := '{}';
  events safari_command_events[] := '{}';
  seen text[] := '{}';
  next_round jsonb := '[]';
  answers jsonb := '[]';
  retry_limit integer;
  retry_base double precision;
  new_reason text;
begin
  for facts in
    select i.item, a as done, q as command
      from jsonb_array_elements(items) with ordinality i (item, place)
      left join safari_command_queue q on q.id = (i.item ->> 'id')::uuid
      left join safari_command_attempts a
        on a.command_id = (i.item ->> 'id')::uuid and a.attempt = (i.item ->> 'attempt')::integer
     order by i.place
  loop
    item := facts.item;
    done := facts.done;
    command := facts.command;
    verdict := item ->> 'verdict';
    settled := case verdict when 'sent' then 'sent' when 'unknown' then 'unknown' else 'not_sent' end;
    new_reason := item ->> 'reason';
    -- A result that follows one of the same row depends on it.
    if item ->> 'id' = any (seen) then
      next_round := next_round || item;
      continue;
    end if;
    seen := seen || (item ->> 'id');
    if (item ->> 'attempt')::integer = 0 then
      answers := answers || safari_give_back(worker_boot, worker, command, item);
      continue;
    elsif done.command_id is null or done.boot_id <> worker_boot
          or done.lease_number <> (item ->> 'lease')::bigint
          or (done.outcome <> settled
              and (done.outcome <> 'unknown' or done.resolved_at is not null)) then
      answers := answers || jsonb_build_object('id', item -> 'id', 'recorded', false);
      continue;
    elsif done.outcome = settled then
      answers := answers || jsonb_build_object(
        'id', item -> 'id', 'recorded', true, 'status', command.status);
      continue;
    end if;

    if (item ->> 'quota_back')::boolean and done.quota_day is not null then
      update safari_rate_limits r set used = greatest(r.used - 1, 0), updated_at = now()
       where r.platform = done.quota_platform and r.action = done.quota_kind
         and r.limit_date = done.quota_day and r.account = done.account;
      done.quota_day := null;
    end if;

    -- The row follows unless it has gone on without this attempt: begun again, claimed by another
    -- worker, or edited by hand. What was sent is never hidden.
    if command.id is not null and command.attempt = done.attempt and (
         settled = 'sent'
         or (command.status = 'running' and command.lease_number = done.lease_number)
         or (command.status = 'failed' and command.reason = 'unknown')) then
      command.next_retry_at := null;
      if verdict = 'sent' then
        command.status := 'completed';
      elsif verdict = 'wait' then
        command.status := 'pending';
        command.next_retry_at :=
          now() + make_interval(secs => (item ->> 'wait_seconds')::double precision);
      elsif verdict = 'retry' then
        select s.value::text::integer into retry_limit from safari_settings s
         where s.key = 'retry_limit';
        select s.value::text::double precision into retry_base from safari_settings s
         where s.key = 'retry_base_seconds';
        if command.retry_count < retry_limit then
          command.status := 'pending';
          -- Full jitter with a floor, so that a burst of failures does not come back as a burst.
          command.next_retry_at := now() + make_interval(secs => least(
            3600, retry_base * 2 ^ command.retry_count) * (0.1 + 0.9 * random()));
          command.retry_count := command.retry_count + 1;
        else
          command.status := 'failed';
          new_reason := 'retries_exhausted';
        end if;
      else
        command.status := 'failed';
        new_reason := case verdict when 'unknown' then 'unknown' else new_reason end;
      end if;
      command.reason := case when command.status = 'failed' then new_reason end;
      command.error := case when verdict <> 'sent' then item ->> 'error' end;
      command.result := item -> 'result';
      moved := moved || command;
    end if;

    done.outcome := settled;
    done.http_status := (item ->> 'http_status')::integer;
    done.error := item ->> 'error';
    closed := closed || done;
    event.command_id := done.command_id;
    event.worker := worker;
    event.attempt := done.attempt;
    event.http_status := done.http_status;
    event.event := case when verdict = 'sent' then 'completed' when verdict = 'wait' then 'waiting'
                        when verdict = 'unknown' then 'unknown'
                        when command.status = 'pending' then 'retrying' else 'failed' end;
    event.detail := jsonb_strip_nulls(jsonb_build_object(
      'reason', new_reason, 'error', item -> 'error', 'result', item -> 'result'));
    events := events || event;
    if verdict = 'unknown' then
      perform safari_alert(format('unknown:%s:%s', done.command_id, done.attempt), 'unknown_outcome',
        jsonb_build_object('command_id', done.command_id, 'service', done.service,
          'action', command.action, 'recipient', done.recipient,
          'place', safari_place(done.service, done.recipient), 'error', item -> 'error')
        || safari_account_detail(done.account));
    end if;
    perform safari_alert_result(done.command_id, done.service, item -> 'alert');
    answers := answers || jsonb_build_object(
      'id', item -> 'id', 'recorded', true, 'status', command.status);
  end loop;

  if closed <> '{}' then
    with ended as (
      update safari_command_attempts a
         set outcome = c.outcome, finished_at = clock_timestamp(), quota_day = c.quota_day,
             http_status = c.http_status, error = c.error
        from unnest(closed) c
       where a.command_id = c.command_id and a.attempt = c.attempt
    ), followed as (
      update safari_command_queue q
         set status = m.status, reason = m.reason, error = m.error, result = m.result,
             retry_count = m.retry_count, next_retry_at = m.next_retry_at,
             boot_id = null, lease_expires_at = null, crash_count = 0,
             completed_at = case when m.status <> 'pending' then now() end, updated_at = now()
        from unnest(moved) m where q.id = m.id
    )
    insert into safari_command_events (command_id, event, worker, attempt, http_status, detail)
      select e.command_id, e.event, e.worker, e.attempt, e.http_status, e.detail
        from unnest(events) e;
  end if;
  if next_round <> '[]' then
    answers := answers || safari_finish_batch(worker_boot, worker, next_round);
  end if;
  return answers;
end $$;

create or replace function public.safari_notices_claim(
  channel text, row_limit integer, seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  known safari_notice_channels;
  free_at timestamptz;
  claimed jsonb;
begin
  insert into safari_notice_channels as c (channel) values (safari_notices_claim.channel)
    on conflict on constraint safari_notice_channels_pkey do nothing;
  select * into known from safari_notice_channels c
   where c.channel = safari_notices_claim.channel for update;
  free_at := greatest(known.claimed_until, known.next_attempt_at);
  if free_at > now() then
    return jsonb_build_object(
      'now', now(), 'alerts', '[]'::jsonb, 'wait_seconds', safari_seconds_until(free_at));
  end if;
  select jsonb_agg(to_jsonb(n) order by n.id) into claimed from (
    select a.id, a.kind, a.detail, a.created_at from safari_alerts a
     where a.created_at >= greatest(known.since, now() - interval '3 days')
       and not exists (select from safari_notices n where n.alert_id = a.id and n.channel = known.channel)
     order by a.id limit row_limit) n;
  if claimed is not null then
    update safari_notice_channels c set claimed_until = now() + make_interval(secs => seconds)
     where c.channel = known.channel;
  end if;
  return jsonb_build_object('now', now(), 'alerts', coalesce(claimed, '[]'), 'wait_seconds', null);
end $$;

create or replace function public.safari_notices_done(
  channel text, ids jsonb, error text default null, delivers boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into safari_notices (alert_id, channel)
    select i::bigint, safari_notices_done.channel from jsonb_array_elements_text(ids) i
     where exists (select from safari_alerts a where a.id = i::bigint) order by 1
    on conflict do nothing;
  if delivers then
    update safari_alerts a set delivered_at = now(), error = null
     where a.delivered_at is null
       and a.id in (select i::bigint from jsonb_array_elements_text(ids) i);
  end if;
  update safari_notice_channels c
     set claimed_until = null, error = left(safari_notices_done.error, 300),
         failures = case when safari_notices_done.error is null then 0 else c.failures + 1 end,
         next_attempt_at = case when safari_notices_done.error is not null then
           now() + make_interval(secs => least(900, 5 * 2 ^ least(c.failures, 10))) end
   where c.channel = safari_notices_done.channel;
  return to_jsonb(true);
end $$;

create or replace function public.safari_notices_state() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'channel', c.channel, 'error', c.error, 'next_attempt_at', c.next_attempt_at)), '[]')
    from safari_notice_channels c
$$;

create or replace function public.safari_resolve(id uuid, verdict text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue;
  doubtful safari_command_attempts;
begin
  if verdict not in ('sent', 'not-sent') then
    raise invalid_parameter_value using message = 'the verdict is sent or not-sent';
  end if;
  command := safari_locked(id);
  select * into doubtful from safari_command_attempts a
   where a.command_id = command.id and a.outcome = 'unknown'
   order by a.attempt desc limit 1 for update;
  if not found and not (command.status = 'failed' and command.reason = 'unknown') then
    raise object_not_in_prerequisite_state using
      message = format('the outcome of command %s is not unknown', command.id);
  end if;
  update safari_command_attempts a
     set outcome = case verdict when 'sent' then 'sent' else 'not_sent' end,
         resolved_at = now(),
         quota_day = case verdict when 'sent' then a.quota_day end
   where a.command_id = command.id and a.outcome = 'unknown';
  if verdict = 'not-sent' and doubtful.quota_day is not null then
    update safari_rate_limits r set used = greatest(r.used - 1, 0), updated_at = now()
     where r.platform = doubtful.quota_platform and r.action = doubtful.quota_kind
       and r.limit_date = doubtful.quota_day and r.account = doubtful.account;
  end if;
  update safari_command_queue q
     set status = case verdict when 'sent' then 'completed' else 'failed' end,
         reason = case verdict when 'sent' then null else 'not_sent' end,
         error = case verdict when 'sent' then null else 'settled by hand: it was not sent' end,
         result = coalesce(q.result, '{}') || jsonb_build_object(
           'outcome', replace(verdict, '-', '_'), 'resolved', true),
         completed_at = now(), updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, 'resolved', null, doubtful.attempt, null,
                              jsonb_build_object('verdict', verdict));
  return jsonb_build_object('id', command.id, 'verdict', verdict);
end $$;

drop function if exists public.safari_pause(text, double precision, text);

create or replace function public.safari_pause(
  platform text, seconds double precision default null, note text default null,
  account text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ends timestamptz := coalesce(now() + make_interval(secs => seconds), 'infinity');
begin
  if platform <> 'all'
     and not exists (select from safari_services s where s.platform = safari_pause.platform) then
    raise invalid_parameter_value using message = format('there is no platform %s', platform);
  end if;
  insert into safari_pauses as p (platform, account, until, note)
    values (safari_pause.platform, safari_account_name(safari_pause.account), ends,
            safari_pause.note)
    on conflict on constraint safari_pauses_pkey
      do update set until = excluded.until, note = excluded.note, created_at = now();
  return jsonb_strip_nulls(jsonb_build_object('platform', platform, 'until', ends,
    'account', nullif(safari_account_name(account), '')));
end $$;

drop function if exists public.safari_resume(text);

create or replace function public.safari_resume(platform text, account text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  resumed integer;
begin
  -- Resuming everything lifts every pause; resuming one platform or account lifts its own.
  delete from safari_pauses p
   where (p.platform = safari_resume.platform or safari_resume.platform = 'all')
     and (safari_resume.account is null or p.account = safari_account_name(safari_resume.account));
  get diagnostics resumed = row_count;
  notify safari_commands;
  return jsonb_build_object('resumed', resumed);
end $$;

create or replace function public.safari_block_contact(
  platform text, recipient text, blocked boolean, note text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  was_blocked boolean := exists (
    select from safari_do_not_contact d
     where d.platform = safari_block_contact.platform
       and d.recipient = safari_block_contact.recipient);
begin
  if blocked then
    insert into safari_do_not_contact (platform, recipient, note)
      values (safari_block_contact.platform, safari_block_contact.recipient,
              safari_block_contact.note)
      on conflict on constraint safari_do_not_contact_pkey do update set note = excluded.note;
  else
    delete from safari_do_not_contact d
     where d.platform = safari_block_contact.platform
       and d.recipient = safari_block_contact.recipient;
  end if;
  return jsonb_build_object('platform', platform, 'recipient', recipient, 'blocked', blocked,
                            'was_blocked', was_blocked);
end $$;

create or replace function public.safari_configure_account(policy jsonb) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  c record;
  known jsonb;
begin
  select r.platform, r.kind, safari_account_name(r.account) as account, r.by_person, r.daily_limit,
         coalesce(r.daily_is_set, r.daily_limit is not null or null) as daily_is_set, r.ramp_days
    into c
    from jsonb_to_record(policy) as r (
      platform text, kind text, account text, by_person boolean, daily_limit integer,
      daily_is_set boolean, ramp_days integer);
  if c.by_person = false then
    delete from safari_account_policies p
     where p.platform = c.platform and p.kind = c.kind and p.account = c.account;
    return;
  end if;
  insert into safari_account_policies (platform, kind, account)
    values (c.platform, c.kind, c.account)
    on conflict on constraint safari_account_policies_pkey do update set updated_at = now()
    returning changes into known;
  -- A limit that an operator has set stays, whatever the start of a host says.
  if c.by_person is null and (known ->> 'limit_by_person')::boolean then
    policy := policy - 'daily_limit';
    c.daily_is_set := null;
  end if;
  update safari_account_policies p
     set changes = known
           || jsonb_strip_nulls(policy - array['platform', 'kind', 'account', 'by_person',
                                               'daily_is_set', 'default_time_zone'])
           || jsonb_strip_nulls(jsonb_build_object(
                'limit_by_person', c.by_person, 'daily_is_set', c.daily_is_set,
                'ramp_from', case when c.ramp_days > 0 then now() end))
   where p.platform = c.platform and p.kind = c.kind and p.account = c.account;
end $$;

create or replace function public.safari_configure(policies jsonb, settings jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  -- A zone that this server does not know would make every gate fail.
  perform now() at time zone c.zone
    from jsonb_to_recordset(policies) as z (time_zone text, default_time_zone text),
         unnest(array[z.time_zone, z.default_time_zone]) as c (zone)
   where c.zone is not null;
  perform safari_configure_account(c) from jsonb_array_elements(policies) c
    where safari_account_name(c ->> 'account') <> '';
  update safari_policies p
     set daily_limit = case when p.limit_by_person and c.by_person is null then p.daily_limit
                            else coalesce(c.daily_limit, p.daily_limit) end,
         limit_by_person = coalesce(c.by_person, p.limit_by_person),
         -- Going back to the settings means following the service's own limit again.
         daily_is_set = case
           when c.by_person = false then coalesce(c.daily_is_set, false)
           when p.limit_by_person and c.by_person is null then p.daily_is_set
           else coalesce(c.daily_is_set, c.daily_limit is not null or null, p.daily_is_set) end,
         hourly_limit = case when c.by_person = false then c.hourly_limit
                             else coalesce(c.hourly_limit, p.hourly_limit) end,
         rolling_limit = case when c.by_person = false then c.rolling_limit
                              else coalesce(c.rolling_limit, p.rolling_limit) end,
         weekly_limit = case when c.by_person = false then c.weekly_limit
                             else coalesce(c.weekly_limit, p.weekly_limit) end,
         weekdays = case when c.by_person = false then null
                         when c.weekdays is not null then array(
                           select d::smallint from jsonb_array_elements_text(c.weekdays) d)
                         else p.weekdays end,
         ramp_days = case when c.by_person = false then 0 else coalesce(c.ramp_days, p.ramp_days) end,
         ramp_from = case when c.by_person = false or c.ramp_days = 0 then null
                          when c.ramp_days is not null then now() else p.ramp_from end,
         spread = case when c.by_person = false then false else coalesce(c.spread, p.spread) end,
         min_gap_seconds = coalesce(c.min_gap_seconds, p.min_gap_seconds),
         active_from = coalesce(c.active_from, p.active_from),
         active_to = coalesce(c.active_to, p.active_to),
         time_zone = coalesce(c.time_zone, p.time_zone, c.default_time_zone),
         updated_at = now()
    from jsonb_to_recordset(policies) as c (
      platform text, kind text, daily_limit integer, min_gap_seconds double precision,
      active_from smallint, active_to smallint, time_zone text, default_time_zone text,
      by_person boolean, daily_is_set boolean, hourly_limit integer, rolling_limit integer,
      weekly_limit integer, weekdays jsonb, ramp_days integer, spread boolean, account text)
   where p.platform = c.platform and p.kind = c.kind and safari_account_name(c.account) = '';
  insert into safari_settings as s (key, value)
    select e.key, e.value from jsonb_each(settings) e where e.value <> 'null'
    on conflict on constraint safari_settings_pkey
      do update set value = excluded.value, updated_at = now() where s.value <> excluded.value;
  notify safari_commands;
  return jsonb_build_object(
    'policies', (select jsonb_agg(to_jsonb(p) order by p.platform, p.kind) from safari_policies p),
    'settings', (select jsonb_object_agg(s.key, s.value) from safari_settings s));
end $$;

create or replace function public.safari_prune(
  keep_days integer default 90, batch integer default 5000
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  horizon timestamptz := now() - make_interval(days => keep_days);
  guard_horizon timestamptz := horizon - interval '1 year';
  counts jsonb := '{}';
  removed integer;
begin
  delete from safari_command_queue q where q.id in (
    select id from safari_command_queue
     where status in ('completed', 'failed', 'cancelled') and completed_at < horizon
       and service <> 'foreign' and reason is distinct from 'unknown'
     limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('commands', removed);
  delete from safari_command_events e where e.id in (
    select id from safari_command_events
     where at < least(horizon, now() - safari_event_retention()) order by id limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('events', removed);
  delete from safari_command_attempts a where (a.command_id, a.attempt) in (
    select command_id, attempt from safari_command_attempts
     where begun_at < guard_horizon and outcome is not null limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('attempts', removed);
  delete from safari_idempotency_keys k where k.key in (
    select key from safari_idempotency_keys where created_at < guard_horizon limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('keys', removed);
  delete from safari_alerts a where a.id in (
    select id from safari_alerts where delivered_at < horizon limit batch);
  get diagnostics removed = row_count;
  counts := counts || jsonb_build_object('alerts', removed);
  delete from safari_webhooks w
   where coalesce(w.delivered_at, w.dead_at) < least(horizon, now() - interval '7 days');
  delete from safari_telegram_presses p where p.at < horizon;
  delete from safari_operator_actions o where o.at < guard_horizon;
  delete from safari_workers w where w.seen_at < horizon;
  delete from safari_health_hours h where h.hour < now() - interval '7 days';
  delete from safari_rate_limits r where r.limit_date < horizon::date - 365;
  return counts;
end $$;

create or replace function public.safari_actionable(action text) returns text
language plpgsql immutable set search_path = public, pg_temp as $$
declare
  condition text := case action
    when 'cancel' then 'q.status in (''pending'', ''running'')'
    when 'reschedule' then 'q.status = ''pending'''
    when 'reassign' then 'q.status = ''pending'''
    when 'retry' then
      'q.status in (''failed'', ''cancelled'') and q.reason is distinct from ''unknown'''
    when 'resolve' then 'q.status = ''failed'' and q.reason = ''unknown''' end;
begin
  if condition is null then
    raise invalid_parameter_value using
      message = format('%s cannot be done to many commands at once', action);
  end if;
  return condition || ' and q.service is distinct from ''foreign''';
end $$;

create or replace function public.safari_matching(filter jsonb, action text default null) returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  most constant integer := 10000;
  condition text := safari_filter(filter)
    || coalesce(' and ' || case when action is not null then safari_actionable(action) end, '');
  answer jsonb;
begin
  execute format($query$
    select jsonb_build_object(
             'count', least(count(*), %2$s), 'is_more', count(*) > %2$s, 'at', now(),
             'services', coalesce(jsonb_agg(distinct m.service), '[]'))
      from (select q.service
              from safari_command_index i join safari_command_queue q on q.id = i.command_id
             where %1$s limit %2$s + 1) m
    $query$, condition, most) into answer;
  return answer;
end $$;

create or replace function public.safari_reschedule(id uuid, scheduled_for timestamptz) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  if command.status <> 'pending' or command.service = 'foreign' then
    raise object_not_in_prerequisite_state using
      message = format('command %s is %s; only one that waits gets another time', command.id,
                       case command.service when 'foreign' then 'another consumer''s'
                                            else command.status end);
  elsif safari_reschedule.scheduled_for >= command.expires_at then
    raise object_not_in_prerequisite_state using
      message = format('command %s expires before that', command.id);
  end if;
  update safari_command_queue q
     set scheduled_for = safari_reschedule.scheduled_for, updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, 'rescheduled', null, null, null,
                              jsonb_build_object('scheduled_for', safari_reschedule.scheduled_for));
  notify safari_commands;
  return jsonb_build_object('id', command.id, 'scheduled_for', safari_reschedule.scheduled_for);
end $$;

drop function if exists public.safari_bulk(jsonb, text, integer, timestamptz, text, timestamptz);

create or replace function public.safari_bulk(
  filter jsonb, action text, expected integer, seen_at timestamptz default null,
  verdict text default null, scheduled_for timestamptz default null, account text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  most constant integer := 10000;
  chosen uuid[];
  moved_on integer := 0;
  done integer := 0;
  id uuid;
begin
  if expected is null or expected not between 0 and most then
    raise invalid_parameter_value using
      message = format('at most %s commands at once: narrow the filter', most);
  end if;
  execute format($query$
    select array_agg(s.id order by s.id) from (
      select q.id from safari_command_index i join safari_command_queue q on q.id = i.command_id
       where %s and %s order by q.id limit %s for update of q) s
    $query$, safari_filter(filter), safari_actionable(action), expected + 1) into chosen;
  if coalesce(cardinality(chosen), 0) < expected and seen_at is not null then
    execute format($query$
      select count(*) from safari_command_index i join safari_command_queue q on q.id = i.command_id
       where %s and not (%s) and q.updated_at >= %L::timestamptz
      $query$, safari_filter(filter - 'status' - 'reason'), safari_actionable(action), seen_at)
      into moved_on;
  end if;
  if coalesce(cardinality(chosen), 0) > expected
     or coalesce(cardinality(chosen), 0) + moved_on < expected then
    raise object_not_in_prerequisite_state using message = format(
      'the filter matched %s commands and now matches %s: nothing was changed', expected,
      case when cardinality(chosen) > expected then 'more' else coalesce(cardinality(chosen), 0)::text end);
  end if;
  foreach id in array coalesce(chosen, '{}') loop
    begin
      case action
        when 'cancel' then perform safari_cancel(id);
        when 'retry' then perform safari_retry(id);
        when 'resolve' then perform safari_resolve(id, verdict);
        when 'reschedule' then perform safari_reschedule(id, scheduled_for);
        when 'reassign' then perform safari_reassign(id, account);
      end case;
      done := done + 1;
    exception when object_not_in_prerequisite_state then
      null;
    end;
  end loop;
  return jsonb_build_object('action', action, 'done', done, 'left_alone', expected - done);
end $$;

create or replace function public.safari_operator() returns text
language sql stable as $$ select nullif(current_setting('actp.operator', true), '') $$;

create or replace function public.safari_act(action text, arguments jsonb, operator text)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  answer jsonb;
begin
  if coalesce(btrim(operator), '') = '' then
    raise invalid_parameter_value using message = 'an action has an operator';
  end if;
  perform set_config('actp.operator', left(operator, 200), true);
  case action
    when 'cancel' then answer := safari_cancel((a ->> 'id')::uuid);
    when 'retry' then answer := safari_retry((a ->> 'id')::uuid);
    when 'resolve' then answer := safari_resolve((a ->> 'id')::uuid, a ->> 'verdict');
    when 'reschedule' then
      answer := safari_reschedule((a ->> 'id')::uuid, (a ->> 'scheduled_for')::timestamptz);
    when 'reassign' then answer := safari_reassign((a ->> 'id')::uuid, a ->> 'account');
    when 'bulk' then
      answer := safari_bulk(a -> 'filter', a ->> 'action', (a ->> 'expected')::integer,
                            (a ->> 'seen_at')::timestamptz, a ->> 'verdict',
                            (a ->> 'scheduled_for')::timestamptz, a ->> 'account');
    when 'retry_failed' then
      answer := safari_retry_failed(coalesce((a ->> 'first_time_only')::boolean, false));
    when 'backlog' then
      answer := safari_backlog((a ->> 'accept')::boolean, coalesce(a -> 'doors', '["commands"]'));
    when 'review' then answer := safari_review_decide(a -> 'drafts', a ->> 'verdict');
    when 'review_edit' then answer := safari_review_edit((a ->> 'id')::uuid, a ->> 'text');
    when 'inbox_reply' then
      answer := agent_inbox_reply((a ->> 'contact_id')::uuid, a ->> 'text', a ->> 'key',
                                  a ->> 'platform');
    when 'inbox_done' then answer := agent_inbox_done((a ->> 'contact_id')::uuid);
    when 'inbox_snooze' then
      answer := agent_inbox_snooze((a ->> 'contact_id')::uuid, (a ->> 'seconds')::double precision);
    when 'inbox_tag' then
      answer := agent_inbox_tag((a ->> 'contact_id')::uuid, coalesce(a -> 'added', '[]'),
                                coalesce(a -> 'removed', '[]'));
    when 'pause' then
      answer := safari_pause(a ->> 'platform', (a ->> 'seconds')::double precision, a ->> 'note',
                             a ->> 'account');
    when 'resume' then answer := safari_resume(a ->> 'platform', a ->> 'account');
    when 'configure' then answer := safari_configure(a -> 'policies', coalesce(a -> 'settings', '{}'));
    when 'block_contact' then
      answer := safari_block_contact(a ->> 'platform', a ->> 'recipient', (a ->> 'blocked')::boolean,
                                     a ->> 'note');
    when 'webhooks_retry' then answer := safari_webhooks_retry(a ->> 'key');
    when 'enqueue' then answer := safari_enqueue(a -> 'commands');
    when 'campaign_start' then
      answer := safari_campaign_create(a ->> 'campaign_id', a ->> 'campaign_type', a ->> 'platform',
                                       (a ->> 'total_tasks')::integer, a -> 'targets', a -> 'commands');
    when 'campaign_cancel' then answer := safari_campaign_cancel(a ->> 'campaign_id');
    when 'campaign_replied' then
      answer := safari_campaign_replied(a ->> 'handle', a ->> 'platform');
    when 'campaign_go_on' then answer := safari_campaign_go_on(a ->> 'handle', a ->> 'platform');
    when 'people_join' then answer := safari_people_join(a ->> 'one', a ->> 'other');
    when 'people_part' then
      answer := safari_people_part(a ->> 'one', a ->> 'other', a ->> 'note');
    when 'resume_service' then answer := safari_resume_service(a ->> 'service');
    when 'look_again' then answer := safari_look_again((a ->> 'id')::uuid);
    else
      raise invalid_parameter_value using message = format('there is no action %s', action);
  end case;
  -- Of what is stored in separate tables, the audit keeps the number.
  insert into safari_operator_actions (operator, action, arguments, answer)
    values (safari_operator(), safari_act.action,
            a || coalesce((select jsonb_object_agg(e.key, jsonb_array_length(e.value))
                             from jsonb_each(a) e
                            where jsonb_typeof(e.value) = 'array' and pg_column_size(e.value) > 4000),
                          '{}'),
            case when pg_column_size(answer) < 4000 then answer end);
  return answer;
end $$;

create or replace function public.safari_operator_log(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(o) order by o.id desc), '[]')
    from (select * from safari_operator_actions order by id desc
           limit least(greatest(row_limit, 1), 1000)) o
$$;

create or replace function public.agent_person_reach(contact_id uuid, addresses text[])
returns table (reach jsonb)
language sql stable as $$
  select coalesce(jsonb_object_agg(
           split_part(l.other, ':', 1),
           safari_recipient(split_part(l.other, ':', 1), split_part(l.other, ':', 2))
           order by l.address = 'contact:' || contact_id,
                    case l.via when 'own' then 1 else 0 end, l.via = 'column', l.other desc), '{}')
    from safari_people_links l
   where l.address = any (addresses) and starts_with(l.address, 'contact:')
$$;

create or replace function public.agent_outreach_addresses(contact public.crm_contacts)
returns jsonb
language sql stable as $$
  select r.reach from agent_person_of(contact.id) p, agent_person_reach(contact.id, p.addresses) r
$$;

create or replace function public.agent_word(value text) returns text
language sql immutable as $$
  select btrim(regexp_replace(lower(value), '[^[:alnum:]]+', '_', 'g'), '_')
$$;

create or replace function public.agent_outreach_veto(
  contact public.crm_contacts, vetoes text[]
) returns text
language plpgsql stable as $$
declare
  closed constant text[] := array[
    'do_not_contact', 'donotcontact', 'dnc', 'do_not_dm', 'opted_out', 'opt_out', 'optout',
    'unsubscribed', 'unsubscribe', 'closed_lost', 'closedlost', 'deal_lost', 'lost', 'lost_deal',
    'archived', 'blocked', 'blacklist', 'blacklisted', 'not_interested', 'no_contact', 'lost_lead',
    'disqualified', 'unqualified', 'not_qualified', 'bad_fit', 'not_a_fit', 'no_fit', 'junk', 'dead'];
  -- These words tell as a part of a tag as well; "customer" alone would not, as in "dream customer".
  in_closed constant text :=
    '(^|[_ ])(do_not_(contact|dm|message|email|mail|call|disturb)|dnc|dont_contact|opt(ed)?_?out'
    '|unsubscribed|closed_?lost|deal_lost|blacklisted|not_interested)([_ ]|$)';
  in_customer constant text :=
    '(^|[_ ])((active|current|existing|paying|past|former|ex|vip|key|our|new|happy|onboarded)'
    '_(customer|client)s?|(customer|client)s?_(since_)?[0-9]+|closed_?won|deal_won)([_ ]|$)';
  customers constant text[] := array[
    'closed_won', 'closedwon', 'won', 'deal_won', 'client', 'clients', 'customer', 'customers',
    'active_client', 'active_customer', 'existing_customer', 'existing_client', 'paying',
    'paying_customer', 'past_client', 'past_customer', 'former_client', 'former_customer', 'churned',
    'churn', 'retainer'];
  everything jsonb;
  said text[];
  name text;
begin
  said := array(select agent_word(w) from unnest(
    array[contact.pipeline_stage, contact.relationship_stage]) w where w is not null);
  if contact.tags is not null and to_jsonb(contact.tags) <> '[]' then
    said := said || array(select agent_word(w) from jsonb_array_elements_text(
      case jsonb_typeof(to_jsonb(contact.tags)) when 'array' then to_jsonb(contact.tags)
                                                else '[]' end) w where w is not null);
  end if;
  if contact.email_opted_out or (said <> '{}' and (
       said && closed or array_to_string(said, ' ') ~ in_closed)) then
    return 'opted_out';
  elsif vetoes <> '{}' then
    everything := to_jsonb(contact);
    foreach name in array vetoes loop
      if lower(btrim(coalesce(everything ->> name, ''))) not in
         ('', 'false', 'f', 'no', '0', 'none', 'null', '[]', '{}') then
        return 'opted_out';
      end if;
    end loop;
  end if;
  -- The order is that of the harm: what was archived may have been a twin, merged by hand.
  if said <> '{}' and (said && customers or array_to_string(said, ' ') ~ in_customer) then
    return 'customer';
  end if;
  return case when contact.archived_at is not null then 'archived' end;
end $$;

drop function if exists public.agent_outreach_page(text, integer, integer);

drop function if exists public.agent_outreach_prospects(text, integer, integer);

create or replace function public.agent_outreach_prospects(
  after text default null, row_limit integer default null, min_score integer default 0,
  until text default null
) returns json
language plpgsql stable
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
-- A few rows of each table a person: handing single blocks to I/O workers costs more than reading them.
set effective_io_concurrency = 0
as $$
declare
  has_campaigns constant boolean := exists (
    select from safari_campaign_targets t where not safari_campaign_ended(t.state));
  after_score integer := coalesce(split_part(after, ':', 1)::integer, 2147483647);
  after_contact uuid := coalesce(split_part(after, ':', 2)::uuid,
                                 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  until_score integer := coalesce(split_part(until, ':', 1)::integer, -2147483648);
  until_contact uuid := coalesce(split_part(until, ':', 2)::uuid,
                                 '00000000-0000-0000-0000-000000000000');
begin
  return (
    with scored as materialized (
      select s.score, s.contact_id, s.funnel_stage, s.next_touch_type, s.research_data,
             s.score_breakdown,
             c as contact
        from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
       where s.score >= min_score
         and (s.score, s.contact_id) < (after_score, after_contact)
         and (s.score, s.contact_id) >= (until_score, until_contact)
       order by s.score desc, s.contact_id desc
       limit row_limit
    ), known as materialized (
      select s.*, p.ids, p.addresses, coalesce(p.veto, p.own_veto) as veto, r.reach
        from scored s
       cross join lateral agent_person_of(s.contact_id) p
       cross join lateral agent_person_reach(s.contact_id, p.addresses) r
    )
    select coalesce(json_agg(json_build_object(
             'id', s.score || ':' || s.contact_id,
             'contact_id', s.contact_id, 'score', s.score, 'funnel_stage', s.funnel_stage,
             'next_touch_type', s.next_touch_type,
             'research_data', case when s.funnel_stage = 'decision' or s.score >= 50
                                   then s.research_data end,
             'platform', lower((s.contact).platform), 'username', (s.contact).username,
             'display_name', (s.contact).display_name, 'email', (s.contact).email,
             'bio', left(concat_ws(E'\n', (s.contact).headline, (s.contact).bio), 600),
             'niche_label', (s.contact).niche_label,
             'addresses', s.reach,
             'person', s.ids[1],
             -- As stored when the contact was written; the hand-over reads the contact itself.
             'veto', s.veto,
             'is_open', t.is_open, 'is_in_campaign', g.is_in_campaign,
             'conversation_platform', t.last_platform,
             'touched_at', t.touched_at, 'touches', t.touches, 'ours_at', t.ours_at,
             'heard_at', t.heard_at, 'heard_hours', t.heard_hours, 'texts', t.texts,
             'done_at', b.done_at, 'needs_look', b.look_at > coalesce(b.done_at, '-infinity'),
             'has_tiktok_message', t.has_tiktok_message, 'score_breakdown', s.score_breakdown
           ) order by s.score desc, s.contact_id desc), '[]')
      from known s
     cross join lateral agent_conversation(s.ids, s.addresses) t
     cross join lateral (
       select has_campaigns and exists (
         select from safari_people o
           join safari_people a on a.person = o.person
           join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                         and t.handle = split_part(a.address, ':', 2)
          where o.address = 'contact:' || s.contact_id
            and not safari_campaign_ended(t.state)) as is_in_campaign) g
      left join actp_inbox b on b.contact_id = s.contact_id);
end $$;

create or replace function public.agent_outreach_prospect_ends(
  row_limit integer, min_score integer default 0
) returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(e.score || ':' || e.contact_id order by e.place), '[]') from (
    select s.score, s.contact_id,
           row_number() over (order by s.score desc, s.contact_id desc) as place
      from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
     where s.score >= min_score) e
   where e.place % row_limit = 0
$$;

create or replace function public.agent_outreach_is_open(ids uuid[]) returns boolean
language plpgsql stable as $$
begin
  return exists (select from crm_message_queue o
                  where o.contact_id = any (ids) and o.status in ('pending', 'sending'));
end $$;

create or replace function public.agent_outreach_queue(messages jsonb) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_outreach_queue', 0));
  insert into crm_message_queue (
    id, contact_id, platform, message_body, message_type, scheduled_for, status, ai_reasoning,
    offer_name, priority, written_by, reader_hour, updated_at
  )
    select distinct on (p.ids[1])
           m.id, m.contact_id, m.platform, m.message_body, m.message_type, m.scheduled_for,
           'pending', m.ai_reasoning, m.offer_name, m.priority, m.written_by, m.reader_hour, now()
      from jsonb_to_recordset(messages) as m (
        id uuid, contact_id uuid, platform text, message_body text, message_type text,
        scheduled_for timestamptz, ai_reasoning text, offer_name text, priority integer,
        written_by text, reader_hour integer)
      join crm_contacts c on c.id = m.contact_id
     cross join lateral (select agent_person(m.contact_id) as ids offset 0) p
     where not agent_outreach_is_open(p.ids)
     order by p.ids[1], m.contact_id
    on conflict do nothing;
  return (select coalesce(jsonb_agg(q.id), '[]') from crm_message_queue q
           where q.id in (select (m ->> 'id')::uuid from jsonb_array_elements(messages) m));
end $$;

create or replace function public.agent_outreach_openers() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(d.day, d.messages), '{}') from (
    select (coalesce(m.sent_at, m.scheduled_for, m.created_at) at time zone 'utc')::date as day,
           count(*) as messages
      from crm_message_queue m
     where m.message_type = 'outreach' and m.status in ('pending', 'sending', 'sent')
       and coalesce(m.sent_at, m.scheduled_for, m.created_at) >= safari_today()::timestamp at time zone 'utc'
     group by 1) d
$$;

create or replace function public.agent_outreach_posts(people jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with asked as materialized (
    select p.contact_id, e.key as platform, e.value as handle
      from jsonb_to_recordset(people) as p (contact_id text, addresses jsonb)
     cross join lateral jsonb_each_text(p.addresses) e
     where e.key in ('twitter', 'instagram', 'tiktok', 'threads')
  ), posts as (
    select lower(r.source_platform) as platform, lower(ltrim(r.handle, '@')) as handle,
           r.post_text as text, coalesce(r.posted_at, r.scraped_at, r.created_at) as at
      from actp_platform_research r
     where lower(ltrim(r.handle, '@')) in (select a.handle from asked a)
    union all
    select 'twitter', lower(ltrim(t.author_handle, '@')), t.tweet_text,
           coalesce(t.tweet_date, t.scraped_at, t.created_at)
      from actp_twitter_research t
     where lower(t.author_handle) in (select a.handle from asked a
                                      union all select '@' || a.handle from asked a)
    union all
    select lower(c.platform), lower(ltrim(c.handle, '@')), c.top_post_text, c.last_synced_at
      from actp_platform_creators c
     where lower(ltrim(c.handle, '@')) in (select a.handle from asked a)
    union all
    select lower(m.platform), lower(ltrim(m.author, '@')), m.post_text, m.collected_at
      from crm_market_research m
     where lower(ltrim(m.author, '@')) in (select a.handle from asked a)
  ), best as (
    select distinct on (a.contact_id) a.contact_id, left(p.text, 500) as text
      from asked a join posts p on p.platform = a.platform and p.handle = a.handle
     where length(btrim(p.text)) >= 12
     order by a.contact_id, p.at desc nulls last, p.text
  )
  select coalesce(jsonb_object_agg(b.contact_id, b.text), '{}') from best b
$$;

create or replace function public.agent_outreach_emails(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(w) order by w.priority, w.scheduled_for), '[]') from (
    select m.id, m.contact_id, c.display_name, c.email, agent_outreach_rank(m) as priority,
           m.scheduled_for, m.message_type, m.message_body
      from crm_message_queue m join crm_contacts c on c.id = m.contact_id
     where m.status = 'pending' and lower(m.platform) in ('gmail', 'email')
       and agent_outreach_veto(c, agent_outreach_vetoes()) is null
       and not safari_message_waits(m)
     order by agent_outreach_rank(m), m.scheduled_for limit row_limit) w
$$;

create or replace function public.agent_outreach_mail_sent(beginning text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  mails crm_message_queue[];
  mail crm_message_queue;
begin
  mails := array(
    select m from crm_message_queue m
     where m.status in ('pending', 'sent') and lower(m.platform) in ('gmail', 'email')
       and beginning <> '' and starts_with(m.id::text, lower(btrim(beginning)))
     limit 2 for update);
  if cardinality(mails) = 0 then
    raise no_data_found using message = format('no mail waits under %L', left(beginning, 40));
  elsif cardinality(mails) > 1 then
    raise invalid_parameter_value using message =
      format('%s is the beginning of several mails: give more of it', beginning);
  end if;
  mail := mails[1];
  if mail.status = 'pending' then
    update crm_message_queue m set status = 'sent', sent_at = now(), updated_at = now()
     where m.id = mail.id;
    perform agent_outreach_note_touch(mail, now(), '{}');
  end if;
  return jsonb_build_object('id', mail.id, 'contact_id', mail.contact_id);
end $$;

create or replace function public.agent_outreach_replied(contact_ids jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted uuid[] := agent_everyone(contact_ids);
  answered uuid[];
  heard jsonb;
  stopped jsonb;
begin
  select coalesce(jsonb_object_agg(n.contact_id, n.at), '{}') into heard from (
    select m.contact_id, max(coalesce(m.sent_at, m.created_at)) as at
      from crm_messages m
     where m.contact_id = any (wanted) and agent_outreach_is_theirs(m) group by 1) n;
  stopped := agent_outreach_stop_campaigns(heard);
  answered := array(
    select q.id from crm_message_queue q
     where q.contact_id = any (wanted) and q.status <> 'sent'
       and exists (select from crm_messages m
                    where m.contact_id = any (agent_person(q.contact_id))
                      and agent_outreach_is_theirs(m)
                      and coalesce(lower(m.platform), lower(q.platform)) = lower(q.platform)
                      and coalesce(m.sent_at, m.created_at) > q.created_at));
  return jsonb_build_object(
    'withdrawn', agent_outreach_withdraw(answered, 'replied'), 'campaigns', stopped);
end $$;

create or replace function public.agent_outreach_opt_out(
  contact_ids jsonb, note text default 'asked not to be contacted'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted uuid[] := agent_everyone(contact_ids);
  opted_out integer;
  withdrawn integer;
  stopped jsonb;
begin
  stopped := agent_outreach_stop_campaigns(
    (select coalesce(jsonb_object_agg(w, now() + interval '1 day'), '{}') from unnest(wanted) w));
  withdrawn := agent_outreach_withdraw(
    array(select q.id from crm_message_queue q
           where q.contact_id = any (wanted) and q.status <> 'sent'), 'opted_out');
  insert into safari_do_not_contact (platform, recipient, note)
    select distinct split_part(a.address, ':', 1), split_part(a.address, ':', 2), opt.note
      from unnest(wanted) w (id)
      join safari_people o on o.address = 'contact:' || w.id
      join safari_people a on a.person = o.person and a.address !~ '^(contact|gmail):'
     cross join (select agent_outreach_opt_out.note) opt
     order by 1, 2
    on conflict do nothing;
  perform from crm_contacts c where c.id = any (wanted) order by c.id for no key update;
  update crm_contacts c set email_opted_out = true, updated_at = now()
   where c.id = any (wanted) and c.email_opted_out is distinct from true;
  get diagnostics opted_out = row_count;
  return jsonb_build_object(
    'opted_out', opted_out, 'withdrawn', withdrawn, 'campaigns', stopped);
end $$;

create or replace function public.agent_outreach_is_due(message public.crm_message_queue)
returns boolean
language plpgsql stable as $$
begin
  return message.status = 'pending' and coalesce(message.scheduled_for <= now(), true)
         and not agent_outreach_is_stale(message) and not safari_message_waits(message)
         and exists (select from public.safari_routes r
                      where r.action = 'send_dm' and r.platform = lower(btrim(message.platform)));
end $$;

drop function if exists public.agent_outreach_judged(uuid[]);

create or replace function public.agent_outreach_judged(ids uuid[]) returns table (
  id uuid, contact_id uuid, name text, platform text, address text, body text, priority integer,
  scheduled_for timestamptz, reader_hour integer, refusal text
)
language sql stable set search_path = public, pg_temp as $$
  select m.id, m.contact_id, coalesce(c.display_name, c.username), p.platform, a.address,
         m.message_body, agent_outreach_rank(m), m.scheduled_for, m.reader_hour,
         case when c.id is null then 'nobody to send it to'
              when v.veto is not null then v.veto
              when a.address is null then format('no address on %s', p.platform)
              when agent_waits_for_us(t.ours_at, t.heard_at, b.done_at) then 'replied'
              when b.look_at > coalesce(b.done_at, '-infinity') then 'their last words need a look'
              when p.platform = 'tiktok' and (
                exists (select from safari_command_attempts t
                         where t.service = 'tiktok-dm' and t.recipient = a.address
                           and (t.outcome is null or t.outcome in ('sent', 'unknown')))
                or exists (select from crm_message_queue o
                            where o.contact_id = any (agent_person(m.contact_id))
                              and lower(o.platform) = 'tiktok'
                              and o.status = 'sent'))
                then 'tiktok takes one message a person, ever'
         end
    from crm_message_queue m
    left join crm_contacts c on c.id = m.contact_id
   cross join lateral (select lower(btrim(m.platform)) as platform) p
   cross join lateral (select agent_outreach_addresses(c) ->> p.platform as address) a
   cross join lateral (select coalesce(agent_outreach_veto(c, agent_outreach_vetoes()),
                                       agent_person_veto(c.id)) as veto) v
    left join actp_inbox b on b.contact_id = c.id
   cross join lateral agent_person_of(c.id) k (contacts, places)
    left join lateral agent_conversation(k.contacts, k.places) t on true
   where m.id = any (ids)
$$;

drop function if exists public.agent_outreach_record_touch(
  public.crm_message_queue, public.safari_command_queue);

create or replace function public.agent_outreach_note_touch(
  message public.crm_message_queue, at timestamptz, about jsonb
) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into crm_interactions (
    contact_id, type, platform, direction, summary, outcome, queue_id, metadata, occurred_at
  )
    select c.id, case when lower(message.platform) in ('gmail', 'email') then 'email' else 'dm' end,
           lower(message.platform), 'outbound', left(message.message_body, 200), 'sent', message.id,
           about || jsonb_build_object('message_type', message.message_type), at
      from crm_contacts c
     where c.id = message.contact_id
       and not exists (select from crm_interactions i where i.queue_id = message.id);
  update crm_contacts c
     set last_outbound_at = greatest(c.last_outbound_at, at),
         messages_sent = coalesce(c.messages_sent, 0) + 1,
         total_messages_sent = coalesce(c.total_messages_sent, 0) + 1,
         updated_at = now()
   where c.id = message.contact_id;
  update actp_prospect_scores s
     set next_touch_at = at + agent_outreach_cooldown(s.funnel_stage)
   where s.contact_id = message.contact_id;
end $$;

create or replace function public.agent_outreach_settle(command public.safari_command_queue)
returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  message crm_message_queue;
begin
  select * into message from crm_message_queue m where m.command_id = command.id for update;
  if not found or message.status = 'sent' then
    return;
  end if;
  if command.status in ('pending', 'running') then
    update crm_message_queue m
       set status = 'failed', error_message = 'an earlier message is tried again', updated_at = now()
     where m.contact_id = message.contact_id and lower(m.platform) = lower(message.platform)
       and m.status = 'pending' and m.id <> message.id;
    if exists (select from crm_message_queue m
                where m.contact_id = message.contact_id
                  and lower(m.platform) = lower(message.platform)
                  and m.status = 'sending' and m.id <> message.id) then
      raise object_not_in_prerequisite_state using message = format(
        'command %s is not sent again: another message to the same person is under way',
        command.id);
    end if;
  end if;
  update crm_message_queue m
     set status = case when command.status = 'completed' then 'sent'
                       when command.status = 'cancelled' then 'failed'
                       when command.status = 'failed' and command.reason is distinct from 'unknown'
                         then 'failed'
                       else 'sending' end,
         sent_at = case when command.status = 'completed'
                        then coalesce(command.completed_at, now()) end,
         error_message = case
           when command.reason = 'unknown'
             then format('it may have been sent: settle command %s with --resolve', command.id)
           when command.status in ('failed', 'cancelled')
             then coalesce(command.error, command.reason, command.status) end,
         updated_at = now()
   where m.id = message.id;
  if command.status = 'completed' then
    perform agent_outreach_note_touch(message, coalesce(command.completed_at, now()),
                                      jsonb_build_object('command_id', command.id));
  end if;
end $$;

create or replace function public.agent_outreach_send_at(reader_hour integer) returns timestamptz
language sql stable as $$
  select case
    when agent_outreach_send_at.reader_hour is null or h.ahead in (0, 1, 23) then now()
    else date_trunc('hour', now()) + make_interval(hours => h.ahead) end
    from (select mod(agent_outreach_send_at.reader_hour
                     - extract(hour from now() at time zone 'utc')::integer + 24, 24) as ahead) h
$$;

drop function if exists public.agent_outreach_send(integer);

create or replace function public.agent_outreach_send(
  row_limit integer default 200, faults jsonb default '{}'
) returns jsonb
language plpgsql
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off
as $$
declare
  first_priority constant integer := 4;   -- decision is sent beside what people ask for, the rest after
  interrupted integer := agent_outreach_interrupt();
  ids uuid[];
  judged jsonb;
  made jsonb;
begin
  perform safari_review_refresh();
  select array_agg(d.id) into ids from (
    select m.id from crm_message_queue m where agent_outreach_is_due(m)
     order by agent_outreach_rank(m), m.scheduled_for, m.id
     limit row_limit for update of m skip locked) d;
  select coalesce(jsonb_agg(to_jsonb(j) || jsonb_build_object(
           'refusal', coalesce(j.refusal, faults ->> j.id::text))
           order by j.priority, j.scheduled_for, j.id), '[]')
    into judged from agent_outreach_judged(coalesce(ids, '{}')) j;

  update crm_message_queue m
     set status = 'failed', error_message = j ->> 'refusal', updated_at = now()
    from jsonb_array_elements(judged) j
   where j ->> 'refusal' is not null and m.id = (j ->> 'id')::uuid;

  select safari_enqueue(coalesce(jsonb_agg(jsonb_build_object(
           'action', 'send_dm', 'platform', j ->> 'platform',
           'priority', first_priority + (j ->> 'priority')::integer,
           'key', j ->> 'id', 'batch_id', 'outreach',
           'scheduled_for', l.later,
           'expires_at', greatest((j ->> 'scheduled_for')::timestamptz, w.send_at)
                         + safari_backlog_age(),
           'params', jsonb_build_object(
             case j ->> 'platform' when 'linkedin' then 'profileUrl' else 'username' end,
             j ->> 'address', 'text', j ->> 'body', 'message_id', j -> 'id',
             'contact_id', j -> 'contact_id')) order by n), '[]'))
    into made
    from jsonb_array_elements(judged) with ordinality i (j, n)
   cross join lateral (
     select nullif(agent_outreach_send_at((j ->> 'reader_hour')::integer), now()) as later) l
   cross join lateral (select coalesce(l.later, now()) as send_at) w
   where j ->> 'refusal' is null;

  with handed as (
    select j, made -> ((row_number() over (order by n))::integer - 1) as command
      from jsonb_array_elements(judged) with ordinality i (j, n)
     where j ->> 'refusal' is null
  ), linked as (
    update crm_message_queue m
       set status = 'sending', command_id = (h.command ->> 'id')::uuid, error_message = null,
           attempts = coalesce(m.attempts, 0) + 1, updated_at = now()
      from handed h where m.id = (h.j ->> 'id')::uuid
  )
  select coalesce(jsonb_agg(e.row), '[]') into judged from (
    select h.j || jsonb_build_object('command_id', h.command -> 'id',
                                     'created', h.command -> 'created') as row
      from handed h
    union all
    select r from jsonb_array_elements(judged) r where r ->> 'refusal' is not null) e;

  perform safari_review_carry_over(judged);
  -- A message that was set back by hand has its command already, which tells what happened to it.
  perform agent_outreach_settle(q)
     from jsonb_array_elements(judged) j
     join safari_command_queue q on q.id = (j ->> 'command_id')::uuid
    where not (j ->> 'created')::boolean;
  -- What failed before this message is not tried again in bulk.
  update safari_command_queue q set reason = 'superseded', updated_at = now()
    from (select c.id from jsonb_array_elements(judged) j
            join crm_message_queue o on o.contact_id = (j ->> 'contact_id')::uuid
             and lower(o.platform) = j ->> 'platform' and o.status = 'failed'
            join safari_command_queue c on c.id = o.command_id and c.status = 'failed'
             and c.reason = 'retries_exhausted'
           where j ? 'command_id' order by c.id for update of c skip locked) older
   where q.id = older.id;
  return jsonb_build_object(
    'handed', (select count(*) from jsonb_array_elements(judged) j where j ? 'command_id'),
    'failed', (select count(*) from jsonb_array_elements(judged) j where not j ? 'command_id'),
    'interrupted', interrupted, 'rows', judged);
end $$;

create or replace function public.safari_limits_in_force(
  policy public.safari_policies, owner public.safari_services,
  out daily integer, out hourly integer, out rolling integer, out weekly integer
)
language plpgsql stable as $$
declare
  share double precision := 1;
  is_wider constant boolean := policy.daily_is_set and policy.daily_limit > owner.own_daily_limit;
begin
  if policy.ramp_days > 0 and policy.ramp_from is not null then
    share := least(1, (floor(extract(epoch from now() - policy.ramp_from) / 86400) + 1)
                      / policy.ramp_days);
  end if;
  daily := case when policy.daily_is_set then policy.daily_limit
                else least(policy.daily_limit, owner.own_daily_limit) end;
  hourly := coalesce(policy.hourly_limit, case when not is_wider then owner.own_hourly_limit end);
  rolling := least(coalesce(policy.rolling_limit, daily), daily);
  weekly := policy.weekly_limit;
  if share < 1 then
    daily := ceil(greatest(share, 0) * daily);
    rolling := ceil(greatest(share, 0) * rolling);
    weekly := ceil(greatest(share, 0) * weekly);
  end if;
end $$;

create or replace function public.safari_hours_end(policy public.safari_policies) returns timestamptz
language plpgsql stable as $$
declare
  zone constant text := coalesce(policy.time_zone, 'UTC');
  here constant timestamp := now() at time zone zone;
  ends timestamp := date_trunc('day', here) + make_interval(hours => policy.active_to);
begin
  if policy.active_from = policy.active_to then
    ends := date_trunc('day', here) + interval '1 day';
  elsif ends <= here then
    ends := ends + interval '1 day';
  end if;
  return ends at time zone zone;
end $$;

drop function if exists public.safari_nth_action(text, integer);

create or replace function public.safari_nth_action(
  service text, nth integer, account text default 'default'
) returns timestamptz
language plpgsql stable as $$
begin
  return (select a.begun_at from safari_command_attempts a
           where a.service = safari_nth_action.service and a.account = safari_nth_action.account
             and a.quota_day is not null
           order by a.begun_at desc offset greatest(nth - 1, 0) limit 1);
end $$;

drop function if exists public.safari_paused_until(text, public.safari_policies, integer);

create or replace function public.safari_paused_until(
  service text, policy public.safari_policies, remaining integer, account text default 'default'
) returns timestamptz
language plpgsql stable as $$
declare
  last record;
  jitter double precision;
  ends timestamptz;
  until timestamptz;
begin
  if policy.min_gap_seconds = 0 and not policy.spread then
    return null;
  end if;
  select coalesce(a.finished_at, a.begun_at) as ended, a.command_id into last
    from safari_command_attempts a
   where a.service = safari_paused_until.service and a.account = safari_paused_until.account
     and a.quota_day is not null
   order by a.begun_at desc limit 1;
  if last.ended is null then
    return null;
  end if;
  jitter := (hashtext(last.command_id::text) & 65535) / 65535.0;
  until := last.ended + make_interval(secs => policy.min_gap_seconds * (1 + jitter));
  ends := safari_hours_end(policy);
  -- Between 0.85 and 1.15 of an even share: no two come closer than half the mean.
  if policy.spread and last.ended > ends - interval '1 day' and last.ended < ends
     and (policy.active_from = policy.active_to
          or last.ended >= ends - make_interval(hours =>
               (policy.active_to - policy.active_from + 24) % 24)) then
    until := greatest(until, last.ended + (ends - last.ended) / greatest(remaining + 1, 1)
                                          * (0.85 + 0.3 * jitter));
  end if;
  return until;
end $$;

drop function if exists public.safari_is_common(text, text);

create or replace function public.safari_is_common(
  place text, name text, shortest integer default 6
) returns boolean
language plpgsql immutable as $$
declare
  shared constant text[] := array[
    'accounts', 'admin', 'billing', 'booking', 'bookings', 'business', 'careers', 'contact', 'creator',
    'customerservice', 'designer', 'enquiries', 'feedback', 'finance', 'founder', 'general', 'hello',
    'helpdesk', 'info', 'inquiries', 'jobs', 'kontakt', 'legal', 'mail', 'mailbox', 'management',
    'manager', 'marketing', 'media', 'newsletter', 'noreply', 'office', 'official', 'orders', 'owner',
    'partners', 'partnerships', 'postmaster', 'press', 'privacy', 'reception', 'returns', 'sales',
    'security', 'service', 'social', 'studio', 'support', 'team', 'test', 'user', 'username',
    'webmaster', 'website', 'welcome',
    'alexander', 'alexandra', 'andrea', 'andrew', 'anthony', 'antonio', 'barbara', 'benjamin',
    'brandon', 'carlos', 'charles', 'charlotte', 'christian', 'christina', 'christopher', 'claudia',
    'daniel', 'daniela', 'dominic', 'elizabeth', 'fernando', 'francesco', 'francisco', 'gabriel',
    'giovanni', 'isabella', 'jennifer', 'jessica', 'johannes', 'jonathan', 'joseph', 'joshua',
    'julian', 'katharina', 'kimberly', 'martin', 'matthew', 'mariana', 'melissa', 'michael',
    'michelle', 'mohamed', 'mohammed', 'nathan', 'nicholas', 'nicole', 'oliver', 'patricia', 'patrick',
    'rachel', 'rebecca', 'richard', 'robert', 'samantha', 'samuel', 'sandra', 'sebastian', 'sophia',
    'stefan', 'stephanie', 'stephen', 'steven', 'thomas', 'timothy', 'valentina', 'vanessa',
    'victoria', 'vincent', 'vladimir', 'william'];
  plain constant text := regexp_replace(
    case place when 'gmail' then split_part(name, '@', 1) else name end, '[^[:alnum:]]', '', 'g');
begin
  -- A short handle on one platform says nothing of who has it on another; a mailbox is one's own.
  return plain = any (shared) or (place <> 'gmail' and length(plain) < shortest);
end $$;

create or replace function public.agent_contact_addresses(contact public.crm_contacts)
returns table (place text, name text, via text)
language plpgsql stable set search_path = public, pg_temp as $$
begin
  return query
    with given (platform, written, via) as (values
      (safari_platform(contact.platform), contact.username, 'own'),
      ('twitter', contact.twitter_handle, 'column'),
      ('instagram', contact.instagram_handle, 'column'),
      ('tiktok', contact.tiktok_handle, 'column'),
      ('linkedin', contact.linkedin_url, 'column'),
      ('gmail', contact.email, 'column')
    ), read as (
      select a.place, a.name, g.via
        from given g, lateral safari_address(g.platform, g.written) a
       -- A bare name would be taken for a profile on LinkedIn, and may be somebody else's.
       where g.platform is not null and (g.platform <> 'linkedin' or position('/' in g.written) > 0)
         and not (a.place = 'gmail' and safari_is_common('gmail', a.name))
      union all
      select a.place, a.name, 'association'
        from actp_platform_associations s, lateral safari_address(s.platform, s.handle) a
       where s.contact_id = contact.id
         and s.engagement_type is distinct from 'fuzzy_match'
         -- What the CRM states needs no evidence; the same handle elsewhere is a guess.
         and not safari_is_common(a.place, a.name, case s.engagement_type
           when 'handle_match' then 6 else case when s.engagement_type is null then 5 else 0 end end)
    )
    select distinct on (r.place, r.name) r.place, r.name, r.via
      from read r where r.place is not null
     order by r.place, r.name,
              case r.via when 'own' then 1 when 'column' then 2 else 3 end;
end $$;

create or replace function public.safari_people_regroup(touched text[]) returns void
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  affected text[];
begin
  affected := array(
    with near as materialized (
      select unnest(touched) as address
      union
      select l.other from safari_people_links l where l.address = any (touched)
      union
      select l.address from safari_people_links l where l.other = any (touched)
    )
    select address from near
    union
    select p.address from safari_people p
     where p.person in (select o.person from safari_people o join near n on n.address = o.address));

  with recursive edges as materialized (
    select l.address, l.other from safari_people_links l
     where l.address = any (affected)
       and (l.via = 'manual' or 5 >= (
         select count(*) from (select from safari_people_links x
                                where x.other = l.other limit 6) holders))
  ), both_ways as materialized (
    select address, other from edges union all select other, address from edges
  ), known as (
    select address from unnest(affected) a (address)
     where a.address like 'contact:%'
        or exists (select from safari_people_links l where l.other = a.address)
        or exists (select from safari_people_links l where l.address = a.address)
  ), reached (address, root) as (
    select address, address from known
    union
    select b.other, r.root from reached r join both_ways b on b.address = r.address
  )
  insert into safari_people as p (address, person)
    select r.address, md5(min(r.root))::uuid from reached r group by r.address
    on conflict (address) do update set person = excluded.person
     where p.person <> excluded.person;
  delete from safari_people p
   where p.address = any (affected) and p.address not like 'contact:%'
     and not exists (select from safari_people_links l where l.other = p.address)
     and not exists (select from safari_people_links l where l.address = p.address);
end $$;

create or replace function public.agent_people_refresh(contact_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  nodes constant text[] := array(select 'contact:' || id from unnest(contact_ids) id);
  vetoes constant text[] := agent_outreach_vetoes();
  touched text[];
begin
  if cardinality(nodes) = 0 then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('safari_people', 0));
  touched := nodes || array(select l.other from safari_people_links l where l.address = any (nodes));

  with wanted as materialized (
    select 'contact:' || c.id as address, a.place || ':' || a.name as other, a.via,
           case a.via when 'own' then 1 when 'column' then 2 else 3 end as rank
      from unnest(contact_ids) i (id) join crm_contacts c using (id),
           lateral agent_contact_addresses(c) a
  ), apart as (
    -- Of two that were parted, the address that says more about the contact stays with it.
    select w.address, w.other
      from (select address, other from safari_people_parted
            union all select other, address from safari_people_parted) d
      join wanted w on w.other = d.other
     where w.address = d.address
        or exists (select from wanted o
                    where o.address = w.address and o.other = d.address
                      and (o.rank, o.other) < (w.rank, w.other))
  ), kept as materialized (
    select w.address, w.other, w.via from wanted w
    except
    select w.address, w.other, w.via from wanted w join apart using (address, other)
  ), gone as (
    delete from safari_people_links l
     where l.address = any (nodes) and l.via <> 'manual'
       and not exists (select from kept k where k.address = l.address and k.other = l.other)
  )
  insert into safari_people_links as l (address, other, via)
    select k.address, k.other, k.via from kept k order by 1, 2
    on conflict (address, other) do update set via = excluded.via
     where l.via <> excluded.via and l.via <> 'manual';

  insert into safari_people as p (address, person, veto)
    select 'contact:' || c.id, md5('contact:' || c.id)::uuid, agent_outreach_veto(c, vetoes)
      from unnest(contact_ids) i (id) join crm_contacts c using (id) order by 1
    on conflict (address) do update set veto = excluded.veto
     where p.veto is distinct from excluded.veto;
  perform safari_people_regroup(
    touched || array(select l.other from safari_people_links l where l.address = any (nodes)));
  delete from safari_people p
   using unnest(contact_ids) i (id)
   where p.address = 'contact:' || i.id and not exists (select from crm_contacts c where c.id = i.id);
  perform agent_messages_adopt(contact_ids);
end $$;

create or replace function public.agent_people_follow() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  ids uuid[];
  has_vetoes constant boolean := agent_outreach_vetoes() <> '{}';
begin
  if tg_table_name = 'actp_platform_associations' then
    if tg_op = 'INSERT' then
      ids := array(select distinct n.contact_id from new_rows n);
    elsif tg_op = 'DELETE' then
      ids := array(select distinct o.contact_id from old_rows o);
    else
      ids := array(select n.contact_id from new_rows n join old_rows o using (id)
                    where (n.contact_id, n.platform, n.handle, n.engagement_type)
                          is distinct from (o.contact_id, o.platform, o.handle, o.engagement_type)
                   union
                   select o.contact_id from old_rows o left join new_rows n using (id)
                    where n.contact_id is distinct from o.contact_id);
    end if;
  elsif tg_op = 'INSERT' then
    ids := array(select n.id from new_rows n);
  elsif tg_op = 'DELETE' then
    ids := array(select o.id from old_rows o);
  else
    ids := array(
      select n.id from new_rows n join old_rows o using (id)
       where (n.platform, n.username, n.twitter_handle, n.instagram_handle, n.tiktok_handle,
              n.linkedin_url, n.email, n.archived_at, n.email_opted_out, n.pipeline_stage,
              n.relationship_stage, n.tags)
             is distinct from
             (o.platform, o.username, o.twitter_handle, o.instagram_handle, o.tiktok_handle,
              o.linkedin_url, o.email, o.archived_at, o.email_opted_out, o.pipeline_stage,
              o.relationship_stage, o.tags)
          -- Columns that other programs added can forbid contact too.
          or (has_vetoes and to_jsonb(n) is distinct from to_jsonb(o)));
  end if;
  perform agent_people_refresh(ids);
  return null;
exception when others then
  perform safari_alert(format('agent_error:people:follow:%s', safari_today()), 'agent_error',
    jsonb_build_object('domain', 'people', 'task', 'follow', 'error', sqlerrm));
  return null;
end $$;

create or replace trigger agent_people_contact_added
  after insert on public.crm_contacts referencing new table as new_rows
  for each statement execute function public.agent_people_follow();

create or replace trigger agent_people_contact_changed
  after update on public.crm_contacts referencing old table as old_rows new table as new_rows
  for each statement execute function public.agent_people_follow();

create or replace trigger agent_people_contact_removed
  after delete on public.crm_contacts referencing old table as old_rows
  for each statement execute function public.agent_people_follow();

create or replace trigger agent_people_association_added
  after insert on public.actp_platform_associations referencing new table as new_rows
  for each statement execute function public.agent_people_follow();

create or replace trigger agent_people_association_changed
  after update on public.actp_platform_associations
  referencing old table as old_rows new table as new_rows
  for each statement execute function public.agent_people_follow();

create or replace trigger agent_people_association_removed
  after delete on public.actp_platform_associations referencing old table as old_rows
  for each statement execute function public.agent_people_follow();

create or replace function public.safari_person_addresses(of_address text) returns text[]
language sql stable as $$
  select coalesce(
    (select array_agg(p.address) from safari_people p
      where p.person = (select o.person from safari_people o where o.address = of_address)),
    array[of_address])
$$;

create or replace function public.agent_everyone(contact_ids jsonb) returns uuid[]
language sql stable set search_path = public, pg_temp as $$
  select coalesce(array_agg(distinct p.id order by p.id), '{}')
    from jsonb_array_elements_text(contact_ids) i, unnest(agent_person(i::uuid)) p (id)
$$;

create or replace function public.safari_person_named(given text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  address record;
begin
  if given ~* '^(contact:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return 'contact:' || lower(regexp_replace(given, '^contact:', '', 'i'));
  end if;
  address := safari_address(null, given);
  if address.name is null and given ~ '^[A-Za-z]+:[^/]' then
    address := safari_address(split_part(given, ':', 1), substr(given, position(':' in given) + 1));
  end if;
  if address.name is null then
    raise invalid_parameter_value using message = format(
      'not somebody''s address: %s; give platform:handle, a profile''s address, a mailbox or a contact''s id',
      left(given, 80));
  end if;
  return address.place || ':' || address.name;
end $$;

create or replace function public.safari_people_show(given text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  own constant text := safari_person_named(given);
  addresses constant text[] := safari_person_addresses(own);
begin
  return jsonb_build_object(
    'address', own,
    'addresses', (
      select jsonb_agg(jsonb_build_object(
               'address', a.address, 'veto', p.veto,
               'from', (select coalesce(jsonb_agg(distinct jsonb_build_object(
                                 'address', case when l.address = a.address then l.other
                                                 else l.address end, 'via', l.via)), '[]')
                          from safari_people_links l
                         where a.address in (l.address, l.other)),
               'is_blocked', exists (
                 select from safari_do_not_contact n
                  where n.platform in ('all', split_part(a.address, ':', 1))
                    and n.recipient = split_part(a.address, ':', 2)),
               'last_sent_at', (
                 select safari_finite(max(t.begun_at)) from safari_command_attempts t
                  where t.person = a.address and (t.outcome is null or t.outcome in ('sent', 'unknown')))
             ) order by a.address)
        from unnest(addresses) a (address) left join safari_people p on p.address = a.address),
    'parted', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'address', d.address, 'other', d.other, 'note', d.note) order by d.address), '[]')
        from safari_people_parted d where d.address = any (addresses) or d.other = any (addresses)));
end $$;

create or replace function public.safari_people_join(one text, other text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  a constant text := safari_person_named(one);
  b constant text := safari_person_named(other);
begin
  if a = b then
    raise invalid_parameter_value using message = format('%s is one address', a);
  end if;
  perform pg_advisory_xact_lock(hashtextextended('safari_people', 0));
  delete from safari_people_parted d where d.address = least(a, b) and d.other = greatest(a, b);
  insert into safari_people_links as l (address, other, via)
    values (least(a, b), greatest(a, b), 'manual')
    on conflict on constraint safari_people_links_pkey do nothing;
  perform safari_people_regroup(array[a, b]);
  return safari_people_show(a);
end $$;

create or replace function public.safari_people_part(one text, other text, note text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  a constant text := safari_person_named(one);
  b constant text := safari_person_named(other);
  before text[];
begin
  perform pg_advisory_xact_lock(hashtextextended('safari_people', 0));
  before := safari_person_addresses(a) || safari_person_addresses(b);
  insert into safari_people_parted as d (address, other, note)
    values (least(a, b), greatest(a, b), safari_people_part.note)
    on conflict on constraint safari_people_parted_pkey do update set note = excluded.note;
  delete from safari_people_links l
   where l.address in (a, b) and l.other in (a, b) and l.via = 'manual';
  perform agent_people_refresh(array(
    select split_part(x, ':', 2)::uuid from unnest(before) x where split_part(x, ':', 1) = 'contact'));
  perform safari_people_regroup(before);
  return safari_people_show(a) || jsonb_build_object('is_parted', not (b = any (safari_person_addresses(a))));
end $$;

create or replace function public.agent_people_import(
  rows jsonb, source text, dry_run boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  lines jsonb;
  skipped jsonb;
  added integer := 0;
  updated integer := 0;
  unchanged integer := 0;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_people_import', 0));
  with addressed as materialized (
    select r.line, a.place, a.name, e.n
      from jsonb_to_recordset(rows) as r (line integer, addresses jsonb)
     cross join lateral jsonb_array_elements(r.addresses) with ordinality e (item, n)
     cross join lateral safari_address(e.item ->> 'platform', e.item ->> 'given') a
     where a.place is not null
  ), firsts as materialized (
    select place, name, min(line) as line from addressed group by 1, 2
  ), judged as materialized (
    select r.line, min(f.line) as first_line,
           jsonb_object_agg(a.place, safari_recipient(a.place, a.name)) filter (where a.place is not null)
             as addresses,
           min(c.address) as known,
           jsonb_array_length(r.addresses) as given
      from jsonb_to_recordset(rows) as r (line integer, addresses jsonb)
      left join addressed a on a.line = r.line
      left join firsts f on f.place = a.place and f.name = a.name
      left join safari_people p on p.address = a.place || ':' || a.name
      left join safari_people c on c.person = p.person and starts_with(c.address, 'contact:')
     group by r.line, r.addresses
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'line', j.line, 'addresses', j.addresses, 'contact', substr(j.known, 9)))
           filter (where j.first_line = j.line), '[]'),
         coalesce(jsonb_agg(jsonb_build_object('line', j.line, 'reason', case
           when j.given = 0 then 'no address: a handle with its platform, a profile or a mailbox'
           when j.first_line is null then 'no address that can be used'
           else format('the same person as line %s', j.first_line) end))
           filter (where j.first_line is distinct from j.line), '[]')
    into lines, skipped from judged j;

  if dry_run then
    return jsonb_build_object(
      'added', (select count(*) from jsonb_array_elements(lines) l where l ->> 'contact' is null),
      'updated', 0,
      'unchanged', (select count(*) from jsonb_array_elements(lines) l where l ->> 'contact' is not null),
      'skipped', skipped);
  end if;

  begin
    added := agent_people_add(rows, lines, source, 'new');
  exception when check_violation then
    added := agent_people_add(rows, lines, source, 'first_touch');
  end;

  with known as (
    select l.contact::uuid as id, l.addresses, r.*
      from jsonb_to_recordset(lines) as l (line integer, addresses jsonb, contact text)
      join jsonb_to_recordset(rows) as r (
        line integer, display_name text, headline text, bio text, niche_label text, website_url text)
        using (line)
     where l.contact is not null
  )
  update crm_contacts c
     set display_name = coalesce(nullif(btrim(c.display_name), ''), k.display_name),
         headline = coalesce(nullif(btrim(c.headline), ''), k.headline),
         bio = coalesce(nullif(btrim(c.bio), ''), k.bio),
         niche_label = coalesce(nullif(btrim(c.niche_label), ''), k.niche_label),
         website_url = coalesce(nullif(btrim(c.website_url), ''), k.website_url),
         email = coalesce(nullif(btrim(c.email), ''), k.addresses ->> 'gmail'),
         twitter_handle = coalesce(nullif(btrim(c.twitter_handle), ''), k.addresses ->> 'twitter'),
         instagram_handle = coalesce(nullif(btrim(c.instagram_handle), ''),
                                     k.addresses ->> 'instagram'),
         tiktok_handle = coalesce(nullif(btrim(c.tiktok_handle), ''), k.addresses ->> 'tiktok'),
         linkedin_url = coalesce(nullif(btrim(c.linkedin_url), ''), k.addresses ->> 'linkedin'),
         updated_at = now()
    from known k
   where c.id = k.id
     and ((nullif(btrim(c.display_name), '') is null and k.display_name is not null)
          or (nullif(btrim(c.headline), '') is null and k.headline is not null)
          or (nullif(btrim(c.bio), '') is null and k.bio is not null)
          or (nullif(btrim(c.niche_label), '') is null and k.niche_label is not null)
          or (nullif(btrim(c.website_url), '') is null and k.website_url is not null)
          or (nullif(btrim(c.email), '') is null and k.addresses ? 'gmail')
          or (nullif(btrim(c.twitter_handle), '') is null and k.addresses ? 'twitter')
          or (nullif(btrim(c.instagram_handle), '') is null and k.addresses ? 'instagram')
          or (nullif(btrim(c.tiktok_handle), '') is null and k.addresses ? 'tiktok')
          or (nullif(btrim(c.linkedin_url), '') is null and k.addresses ? 'linkedin'));
  get diagnostics updated = row_count;
  select count(*) - updated into unchanged
    from jsonb_array_elements(lines) l where l ->> 'contact' is not null;
  return jsonb_build_object('added', added, 'updated', updated, 'unchanged', unchanged,
                            'skipped', skipped);
end $$;

create or replace function public.agent_people_add(
  rows jsonb, lines jsonb, source text, stage text
) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  made integer;
begin
  insert into crm_contacts (
    platform, username, display_name, email, headline, bio, niche_label, website_url,
    twitter_handle, instagram_handle, tiktok_handle, linkedin_url, source, pipeline_stage
  )
    select o.place, l.addresses ->> o.place, r.display_name, l.addresses ->> 'gmail', r.headline,
           r.bio, r.niche_label, r.website_url, l.addresses ->> 'twitter',
           l.addresses ->> 'instagram', l.addresses ->> 'tiktok', l.addresses ->> 'linkedin',
           agent_people_add.source, agent_people_add.stage
      from jsonb_to_recordset(lines) as l (line integer, addresses jsonb, contact text)
      join jsonb_to_recordset(rows) as r (
        line integer, display_name text, headline text, bio text, niche_label text, website_url text)
        using (line)
     cross join lateral (
       select w.place from unnest(array['twitter', 'instagram', 'tiktok', 'linkedin', 'threads', 'gmail'])
                with ordinality w (place, n)
        where l.addresses ? w.place order by w.n limit 1) o
     where l.contact is null
     order by l.line
    on conflict do nothing;
  get diagnostics made = row_count;
  perform agent_inbox_tag(c.id, r.tags)
     from jsonb_to_recordset(lines) as l (line integer, addresses jsonb, contact text)
     join jsonb_to_recordset(rows) as r (line integer, tags jsonb) using (line)
     join lateral (
       select k.id from jsonb_each_text(l.addresses) e
         join crm_contacts k on k.platform = e.key and k.username = e.value limit 1) c on true
    where l.contact is null and r.tags <> '[]';
  return made;
end $$;

create or replace function public.agent_schedule_rows() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('now', now(), 'rows', coalesce((
    select jsonb_agg(jsonb_build_object(
             'platform', s.platform, 'posts_per_day', s.posts_per_day, 'best_hours', s.best_hours,
             'active_days', s.active_days, 'min_gap_hours', s.min_gap_hours,
             'slots', s.thompson_slots, 'learned', h.hours -> s.platform) order by s.platform)
      from actp_posting_schedule s cross join agent_post_hours() h (hours)), '[]'),
    'planned', agent_schedule_planned())
$$;

create or replace function public.agent_schedule_planned() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.at, p.platform), '[]') from (
    select p.published_at as at, safari_platform(p.platform) as platform, p.niche,
           left(p.title, 200) as hook, 'out' as what
      from actp_content_performance p
     where p.published_at between now() - interval '4 days' and now()
    union all
    select (t.value)::timestamptz, t.key, coalesce(j.niche, j.brief ->> 'niche'),
           j.brief ->> 'hook', 'video'
      from actp_workflow_tasks w
           cross join lateral jsonb_each_text(w.input_data -> 'scheduled_times') t
           left join actp_gen_jobs j on j.id = agent_publish_video(w.input_data)
     where w.task_type = 'blotato_multi_publish' and w.status in ('pending', 'running')
       and jsonb_typeof(w.input_data -> 'scheduled_times') = 'object'
       and t.value ~ '^\d{4}-\d\d-\d\dT'
       and not exists (select from actp_publish_attempts a
                        where a.task_id = w.id and a.platform = t.key
                          and a.published_at is not null)
    union all
    select t.planned_at, 'twitter', t.niche, split_part(t.variant_a_text, E'\n', 1), 'A/B test'
      from actp_ab_tests t where t.status = 'posting' and t.planned_at > now()
  ) p
$$;

create or replace function public.agent_schedule_rewards(
  platform text, hour integer, better integer, others integer
) returns void
language sql set search_path = public, pg_temp as $$
  update actp_posting_schedule s
     set thompson_slots = coalesce(s.thompson_slots, '{}') || jsonb_build_object(hour::text,
           jsonb_build_object(
             'alpha', coalesce((s.thompson_slots -> hour::text ->> 'alpha')::numeric, 1) + better,
             'beta', coalesce((s.thompson_slots -> hour::text ->> 'beta')::numeric, 1) + others)),
         updated_at = now()
   where s.platform = agent_schedule_rewards.platform and hour between 0 and 23
$$;

create or replace function public.agent_schedule_reward(platform text, hour integer, reward boolean)
returns void
language sql set search_path = public, pg_temp as $$
  select agent_schedule_rewards(platform, hour, reward::integer, 1 - reward::integer)
$$;

create or replace function public.agent_schedule_engagement() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with scores as (
    select s.*, extract(epoch from now() - safari_bounded(s.published_at)) / 86400 as age_days
      from agent_post_scores(30) s
  ), counted as (
    select s.platform,
           count(s.score_24h) filter (where s.age_days <= 7) >= 3
           and count(s.score_24h) filter (where s.age_days > 7) >= 3 or s.platform = 'youtube'
             as at_equal_age
      from scores s group by s.platform
  )
  select coalesce(jsonb_agg(to_jsonb(e) order by e.platform), '[]') from (
    select h.platform, coalesce(h.posts_per_day, 1) as posts_per_day,
           h.saturated_since is not null as is_told,
           jsonb_agg(jsonb_build_array(s.age_days, case when c.at_equal_age then s.score_24h
                                                        else s.score end)
                     order by s.age_days) as posts
      from actp_posting_schedule h
      join scores s on s.platform = h.platform
      join counted c on c.platform = h.platform
     where case when c.at_equal_age then s.score_24h else s.score end is not null
     group by h.platform, h.posts_per_day, h.saturated_since
  ) e
$$;

drop function if exists public.agent_schedule_tell_saturated(jsonb);

create or replace function public.agent_schedule_tell_saturated(
  rows jsonb, recovered jsonb default '[]'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  item jsonb;
  told integer := 0;
begin
  update actp_posting_schedule s set saturated_since = null
   where s.saturated_since is not null and recovered ? s.platform;
  for item in select * from jsonb_array_elements(rows) loop
    update actp_posting_schedule s set saturated_since = now()
     where s.platform = item ->> 'platform' and s.saturated_since is null;
    if found then
      told := told + 1;
      perform safari_alert(
        format('platform_saturated:%s:%s', item ->> 'platform', now()), 'platform_saturated', item);
    end if;
  end loop;
  return to_jsonb(told);
end $$;

drop function if exists public.agent_schedule_contacts(integer, integer);

create or replace function public.agent_niche(given text) returns text
language sql immutable as $$
  select case replace(n.name, '_', '')
           when 'aiautomation' then 'ai_automation' when 'saasgrowth' then 'saas_growth'
           when 'contentcreation' then 'content_creation'
           when 'digitalmarketing' then 'digital_marketing'
           when 'creatoreconomy' then 'creator_economy' when 'creatorseconomy' then 'creator_economy'
           when 'personalbrand' then 'personal_brand' when 'personalbranding' then 'personal_brand'
           else n.name end
    from (select nullif(btrim(regexp_replace(lower(given), '[^a-z0-9]+', '_', 'g'), '_'), '')) n (name)
$$;

create or replace function public.agent_spelled() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  if tg_argv[0] <> '' then
    new := jsonb_populate_record(new, jsonb_build_object(
      tg_argv[0], coalesce(safari_platform(to_jsonb(new) ->> tg_argv[0]),
                           to_jsonb(new) ->> tg_argv[0])));
  end if;
  if to_jsonb(new) ->> 'niche' is not null then
    new := jsonb_populate_record(new, jsonb_build_object(
      'niche', coalesce(agent_niche(to_jsonb(new) ->> 'niche'), to_jsonb(new) ->> 'niche')));
  end if;
  return new;
end $$;

create or replace trigger agent_spelled before insert or update on public.actp_content_performance
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled before insert or update on public.actp_niche_resonance
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled before insert or update on public.actp_platform_research
  for each row when (
    new.source_platform is distinct from safari_platform(new.source_platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('source_platform');

create or replace trigger agent_spelled before insert or update on public.actp_platform_creators
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled before insert or update on public.actp_twitter_research
  for each row when (
    new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('');

create or replace trigger agent_spelled before insert or update on public.actp_cross_platform_trends
  for each row when (
    new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('');

create or replace function public.agent_post_scores(days integer)
returns table (platform text, external_id text, niche text, published_at timestamptz,
               score_24h numeric, score numeric)
language sql stable set search_path = public, pg_temp as $$
  select safari_platform(p.platform), p.external_id, p.niche, p.published_at,
         l.engagement, p.engagement_score
    from actp_content_performance p
    left join actp_post_looks l
      on l.platform = safari_platform(p.platform) and l.external_id = p.external_id
     and l.look = '24h' and l.age_hours <= 36
   where p.published_at > now() - make_interval(days => days)
     -- A post of less than a day has not brought yet what older ones have.
     and p.published_at <= now() - interval '24 hours'
     and coalesce(l.engagement, p.engagement_score) is not null
$$;

create or replace function public.agent_post_hours(days integer default 180) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with logs as (
    select s.platform, extract(hour from s.published_at at time zone 'utc')::integer as hour,
           ln((1 + coalesce(s.score_24h, s.score))::double precision) - avg(
             ln((1 + coalesce(s.score_24h, s.score))::double precision)) over (
             partition by s.platform, s.score_24h is null,
                          (extract(epoch from now() - safari_bounded(s.published_at))
                           / 5184000)::integer) as beside
      from agent_post_scores(days) s where coalesce(s.score_24h, s.score) >= 0
  ), hours as (
    select l.platform, l.hour, count(*) as posts, avg(l.beside) as mean,
           coalesce(var_pop(l.beside), 0) * count(*) as squares
      from logs l group by l.platform, l.hour
  )
  select coalesce(jsonb_object_agg(p.platform, p.hours), '{}') from (
    select h.platform, jsonb_object_agg(h.hour::text, jsonb_build_object(
             'posts', h.posts, 'mean', h.mean, 'squares', h.squares)) as hours
      from hours h group by h.platform) p
$$;

create or replace function public.agent_post_noted(
  platform text, external_id text, url text, published_at timestamptz
) returns void
language sql set search_path = public, pg_temp as $$
  insert into actp_own_posts as o (platform, external_id, url, published_at, next_look_at)
    select safari_platform(agent_post_noted.platform), agent_post_noted.external_id,
           agent_post_noted.url, agent_post_noted.published_at,
           case when agent_post_noted.url is not null
                then agent_post_noted.published_at + interval '1 hour' end
     where agent_post_noted.external_id is not null and agent_post_noted.published_at is not null
  on conflict on constraint actp_own_posts_pkey do nothing
$$;

create or replace function public.agent_post_lessons() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  taught integer := 0;
  lesson record;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_post_lessons', 0));
  for lesson in
    with scores as materialized (
      select s.platform, s.external_id, s.published_at, s.score_24h is null as is_late,
             coalesce(s.score_24h, s.score) as score
        from agent_post_scores(120) s
    ), around as (
      select s.*, count(*) over w - 1 as others,
             (sum(s.score) over w - s.score) / nullif(count(*) over w - 1, 0) as mean
        from scores s
      window w as (partition by s.platform, s.is_late order by s.published_at
                   range between interval '30 days' preceding and interval '30 days' following)
    ), beside as (
      select a.* from around a
       where a.published_at > now() - interval '90 days'
         and exists (select from actp_posting_schedule h where h.platform = a.platform)
         and not exists (select from actp_own_posts n
                          where n.platform = a.platform and n.external_id = a.external_id
                            and n.hour_taught_at is not null)
    ), marked as (
      insert into actp_own_posts as n (platform, external_id, published_at, hour_taught_at)
        select b.platform, b.external_id, b.published_at, now() from beside b where b.others >= 3
      on conflict on constraint actp_own_posts_pkey do update set hour_taught_at = now()
      returning n.platform, n.external_id
    )
    select b.platform, extract(hour from b.published_at at time zone 'utc')::integer as hour,
           count(*) filter (where b.score > b.mean) as better,
           count(*) filter (where b.score <= b.mean) as others
      from beside b join marked m using (platform, external_id) group by 1, 2 order by 1, 2
  loop
    taught := taught + lesson.better + lesson.others;
    perform agent_schedule_rewards(lesson.platform, lesson.hour, lesson.better::integer,
                                   lesson.others::integer);
  end loop;
  return jsonb_build_object('taught', taught);
end $$;

create or replace function public.agent_posts_due(row_limit integer default 100) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(d) order by d.next_look_at, d.platform, d.external_id), '[]')
    from (
      select o.platform, o.external_id, o.url, o.next_look_at, o.failures,
             extract(epoch from now() - safari_bounded(o.published_at)) / 3600 as age_hours,
             coalesce((select jsonb_agg(l.look) from actp_post_looks l
                        where l.platform = o.platform and l.external_id = o.external_id), '[]')
               as taken
        from actp_own_posts o
       where o.next_look_at <= now() and o.url is not null
         and not exists (select from safari_pauses p
                          where p.platform in ('all', o.platform) and p.account = ''
                            and p.until > now())
       order by o.next_look_at, o.platform, o.external_id limit row_limit) d
$$;

create or replace function public.agent_posts_measured(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  stored integer;
begin
  with found as (
    select * from jsonb_to_recordset(rows) as r (
      platform text, external_id text, look text, age_hours double precision, views bigint,
      likes bigint, shares bigint, replies bigint, engagement numeric, next_hours double precision)
  ), looks as (
    insert into actp_post_looks (
      platform, external_id, look, age_hours, views, likes, shares, replies, engagement
    )
      select f.platform, f.external_id, f.look, f.age_hours, f.views, f.likes, f.shares, f.replies,
             f.engagement from found f
    on conflict do nothing returning 1
  ), figures as (
    update actp_content_performance p
       set views = coalesce(f.views, p.views), likes = coalesce(f.likes, p.likes),
           comments_count = coalesce(f.replies, p.comments_count),
           engagement_score = coalesce(f.engagement, p.engagement_score)
      from (select distinct on (g.platform, g.external_id) g.* from found g
             order by g.platform, g.external_id, g.age_hours desc) f
     where safari_platform(p.platform) = f.platform and p.external_id = f.external_id
       and f.platform <> 'youtube'  -- its newest snapshot is taken as it is
  ), next as (
    update actp_own_posts o
       set next_look_at = o.published_at + make_interval(secs => f.next_hours * 3600),
           failures = 0, problem = null
      from found f where o.platform = f.platform and o.external_id = f.external_id
  )
  select count(*) into stored from looks;
  return jsonb_build_object('stored', stored);
end $$;

create or replace function public.agent_post_unread(
  platform text, external_id text, problem text, retry_hours double precision,
  next_hours double precision default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  update actp_own_posts o
     set problem = left(agent_post_unread.problem, 300),
         failures = case when retry_hours is null then 0 else o.failures + 1 end,
         next_look_at = coalesce(
           now() + make_interval(secs => retry_hours * 3600),
           o.published_at + make_interval(secs => next_hours * 3600))
   where o.platform = agent_post_unread.platform
     and o.external_id = agent_post_unread.external_id;
  return to_jsonb(found);
end $$;

create or replace function public.agent_posts_state() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(s) order by s.platform), '[]') from (
    select o.platform, count(*) as posts,
           count(*) filter (where exists (
             select from actp_post_looks l where l.platform = o.platform
                and l.external_id = o.external_id and l.engagement is not null)) as measured,
           count(*) filter (where o.next_look_at is not null) as waiting,
           (array_agg(o.problem order by o.published_at desc)
             filter (where o.problem is not null))[1] as problem
      from actp_own_posts o where o.published_at > now() - interval '30 days'
     group by o.platform) s
$$;

create or replace function public.agent_youtube_looks(row_limit integer default 1000) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(l)), '[]') from (
    select distinct on (v.video_id, w.hours) 'youtube' as platform, v.video_id as external_id,
           w.look, v.views, v.likes, v.comments_count as replies,
           extract(epoch from v.checked_at - v.published_at) / 3600 as age_hours
      from (values ('1h', 1), ('4h', 4), ('24h', 24), ('7d', 168)) w (look, hours)
      join youtube_video_stats v
        on v.checked_at between v.published_at + make_interval(hours => w.hours)
                            and v.published_at + make_interval(hours => w.hours + greatest(1, w.hours / 2))
     where not exists (select from actp_post_looks k
                        where k.platform = 'youtube' and k.external_id = v.video_id
                          and k.look = w.look)
     order by v.video_id, w.hours, v.checked_at limit row_limit) l
$$;

create or replace function public.agent_time(value text) returns timestamptz
language plpgsql stable as $$
begin
  if value is null then
    return null;
  elsif value ~ '^[12]\d{3}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?$' then
    return value::timestamptz;
  end if;
  return public.agent_time_in_utc(value);
exception when datetime_field_overflow or invalid_datetime_format then
  return null;
end $$;

create or replace function public.agent_time_in_utc(value text) returns timestamptz
language plpgsql stable set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  return safari_finite(case when value ~ '^\d{4}-\d\d-\d\d' then value::timestamptz end);
exception when datetime_field_overflow or invalid_datetime_format then
  return null;
end $$;

create or replace function public.agent_prospect_page(
  after uuid default null, row_limit integer default 1000, ids jsonb default null
) returns jsonb
language sql stable
-- A hash of all scores for each page costs more than the page.
set search_path = public, pg_temp set enable_hashjoin = off set enable_mergejoin = off set jit = off
as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.id), '[]')
    from (
      with page as (
        (select c.* from crm_contacts c
          where ids is null and c.archived_at is null
            and c.id > coalesce(after, '00000000-0000-0000-0000-000000000000')
          order by c.id limit row_limit)
        union all
        select c.* from jsonb_array_elements_text(ids) i join crm_contacts c on c.id = i::uuid
      )
      select
        c.id, lower(c.platform) as platform, c.username, c.display_name, c.email,
        left(c.bio, 2000) as bio, left(c.headline, 500) as headline, c.niche_label,
        c.icp_score, coalesce(c.email_opted_out, false) as email_opted_out, c.twitter_handle,
        s.contact_id is not null as is_scored,
        greatest(m.dm_replies, c.replies_received, 0) as dm_replies, m.recent_dms,
        m.email_replies + i.email_replies as email_replies,
        greatest(m.email_reply_at, i.email_reply_at) > now() - interval '7 days'
          as has_fresh_email_reply,
        i.email_opens,
        i.twitter_engagements > 0 or exists (
          select from actp_twitter_research t
           where lower(t.author_handle) in (
             lower(ltrim(c.twitter_handle, '@')),
             case when lower(c.platform) = 'twitter' then lower(ltrim(c.username, '@')) end)
        ) as is_on_twitter_with_us,
        (select count(distinct lower(a.platform)) from actp_platform_associations a
          where a.contact_id = c.id and lower(a.platform) is distinct from lower(c.platform))
          + 1 as platforms,
        coalesce(m.words, '{}') || coalesce(i.words, '{}') || coalesce(v.words, '{}') as words,
        greatest(m.outbound_at, i.outbound_at, safari_finite(c.last_outbound_at)) as last_outbound_at,
        extract(epoch from now() - greatest(
          m.at, i.at, v.at, safari_finite(c.last_outbound_at), safari_finite(c.last_inbound_at),
          agent_time(c.last_message_at::text))) / 86400 as silent_days
      from page c
      left join actp_prospect_scores s on s.contact_id = c.id
      cross join lateral (
        select
          count(*) filter (where not outbound and type not in ('email', 'comment')) as dm_replies,
          count(*) filter (where not outbound and type not in ('email', 'comment')
                             and sent_at > now() - interval '14 days') as recent_dms,
          count(*) filter (where not outbound and type = 'email') as email_replies,
          max(sent_at) filter (where not outbound and type = 'email') as email_reply_at,
          max(sent_at) as at, max(sent_at) filter (where outbound) as outbound_at,
          (array_agg(left(said, 500) order by sent_at desc nulls last)
             filter (where not outbound))[1:12] as words,
          array_agg(left(said, 200)) filter (where outbound) as ours
        from (
          select x.is_outbound as outbound, coalesce(x.message_type, 'dm') as type,
                 safari_finite(x.sent_at) as sent_at, x.body as said
            from crm_messages x where x.contact_id = c.id
           order by x.sent_at desc limit 200
        ) each
      ) m
      cross join lateral (
        select
          count(*) filter (where type like 'email\_open%'
                             or (type = 'email' and outcome like 'open%')) as email_opens,
          count(*) filter (where is_reply) as email_replies,
          max(at) filter (where is_reply) as email_reply_at,
          count(*) filter (where platform = 'twitter' and not outbound
                             and type not like 'email%' and type not like 'dm%')
            as twitter_engagements,
          max(at) as at, max(at) filter (where outbound) as outbound_at,
          (array_agg(left(summary, 500) order by at desc nulls last)
             filter (where is_reply and summary is not null))[1:4] as words
        from (
          select lower(x.type) as type, lower(x.platform) as platform, lower(x.outcome) as outcome,
                 x.summary, coalesce(safari_finite(x.occurred_at), safari_finite(x.created_at)) as at,
                 coalesce(x.direction = 'outbound', x.type in ('email', 'dm')) as outbound,
                 lower(x.type) in ('email_reply', 'email_replied')
                   or (lower(x.type) = 'email'
                       and (x.direction = 'inbound' or lower(x.outcome) = 'replied')) as is_reply
            from crm_interactions x where x.contact_id = c.id
           order by x.created_at desc limit 200
        ) each
      ) i
      cross join lateral (
        -- The last message of a conversation may be ours, and our words say nothing of theirs.
        select max(greatest(agent_time(x.last_message_at::text), agent_time(x.last_reply_at::text)))
                 as at,
               array_agg(left(said, 500)) filter (
                 where said is not null and left(said, 200) <> all (coalesce(m.ours, '{}'))
               ) as words
          from (
            select x.*, coalesce(x.last_message, x.last_message_preview) as said
              from crm_conversations x where x.contact_id = c.id limit 12
          ) x
      ) v
    ) p
$$;

create or replace function public.agent_prospect_announce() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  told uuid[];
  people jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_prospect_store', 0));
  with told_now as (
    update actp_crm_transitions t set to_announce = false where t.to_announce
    returning t.id, t.contact_id
  )
  select array_agg(t.id order by t.id),
         (select jsonb_agg(jsonb_build_object(
                   'name', coalesce(nullif(btrim(c.display_name), ''),
                                    '@' || ltrim(c.username, '@')),
                   'platform', c.platform, 'score', s.score) order by s.score desc, c.id)
            from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
           where s.funnel_stage = 'decision'
             and s.contact_id in (select n.contact_id from told_now n)
             -- Somebody who swings around the border is new once in 30 days.
             and not exists (
               select from actp_crm_transitions e
                where e.contact_id = s.contact_id and e.to_announce is false
                  and e.to_stage = 'decision'
                  and e.created_at > now() - interval '30 days'))
    into told, people from told_now t;
  if people is not null then
    perform safari_alert(
      'new_decision_prospects:' || told[1], 'new_decision_prospects',
      jsonb_build_object('count', jsonb_array_length(people),
                         'top', jsonb_path_query_array(people, '$[0 to 2]')));
  end if;
  return to_jsonb(coalesce(jsonb_array_length(people), 0));
end $$;

create or replace function public.agent_prospect_list(
  what text, row_limit integer, least_score integer default 0
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.rank), '[]') from (
    select row_number() over (
             order by s.score desc, case when what = 'next_actions' then s.next_touch_at end,
                      s.contact_id) as rank,
           s.contact_id, c.platform, c.username, c.display_name, s.score, s.funnel_stage as stage,
           s.score_breakdown, coalesce(s.research_done, false) as research_done, s.offer_readiness,
           s.icp_fit, s.next_touch_type, s.next_touch_at,
           coalesce((select left(coalesce(nullif(m.message_text, ''), m.body), 200)
                       from crm_messages m where m.contact_id = c.id and m.direction = 'inbound'
                      order by m.sent_at desc nulls last limit 1), c.last_message) as last_words
      from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
     where c.archived_at is null and s.score >= least_score
       and (what <> 'next_actions'
            or (s.next_touch_type is not null and s.next_touch_at <= now() + interval '1 day'))
       and (what <> 'research_due' or s.research_done is not true)
     order by rank limit row_limit
  ) p
$$;

create or replace function public.safari_first_text(params jsonb, names text[]) returns text
language plpgsql immutable as $$
declare
  name text;
begin
  foreach name in array names loop
    if jsonb_typeof(params -> name) = 'string' and params ->> name <> '' then
      return params ->> name;
    end if;
  end loop;
  return null;
end $$;

create or replace function public.safari_target(
  action text, platform text, given jsonb, out params jsonb, out recipient text, out person text
)
language plpgsql immutable as $$
declare
  names text[];
  address record;
  post record;
begin
  params := given;
  if action not in ('send_dm', 'comment') or jsonb_typeof(params) is distinct from 'object' then
    return;
  elsif action = 'send_dm' then
    names := case platform
      when 'linkedin' then array['profileUrl', 'profile_url', 'url', 'username', 'handle']
      else array['username', 'handle', 'profileUrl', 'profile_url'] end;
    address := safari_address(platform, safari_first_text(params, names));
    if address.name is not null then
      person := address.name;
      recipient := safari_recipient(address.place, person);
      params := params || jsonb_build_object(names[1], recipient);
    end if;
    return;
  end if;
  person := (safari_address(platform, safari_first_text(params, array['handle']))).name;
  if person is not null then
    params := params || jsonb_build_object('handle', person);
  end if;
  names := array['postUrl', 'post_url', 'url', 'videoUrl', 'tweetUrl'];
  post := safari_post(platform, safari_first_text(params, names));
  if post.id is not null then
    recipient := safari_post_key(post.place, post.id);
    person := coalesce(post.author, person);
    params := params || jsonb_build_object(names[1], post.url);
  end if;
end $$;

create or replace function public.safari_queue_target() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  target record;
begin
  target := safari_target(new.action, new.platform, safari_params(new.params));
  new.recipient := target.recipient;
  new.person := target.person;
  if target.recipient is not null or target.person is not null then
    new.params := target.params;
  end if;
  return new;
end $$;

create or replace trigger safari_queue_target_insert
  before insert on public.safari_command_queue
  for each row when (new.action in ('send_dm', 'comment'))
  execute function public.safari_queue_target();

create or replace trigger safari_queue_target_update
  before update of params, action, platform on public.safari_command_queue
  for each row when (
    new.params is distinct from old.params or new.action is distinct from old.action
    or new.platform is distinct from old.platform)
  execute function public.safari_queue_target();

create or replace function public.safari_do_not_contact_spell() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  address record;
begin
  new.platform := safari_platform(new.platform);
  address := safari_address(nullif(new.platform, 'all'), new.recipient);
  new.recipient := coalesce(address.name, safari_handle('tiktok', safari_visible(new.recipient)),
                            new.recipient);
  return new;
end $$;

create or replace trigger safari_do_not_contact_spell
  before insert or update on public.safari_do_not_contact
  for each row execute function public.safari_do_not_contact_spell();

create or replace function public.safari_reached(
  command public.safari_command_queue, post text, out recipient text, out person text
)
language plpgsql immutable as $$
declare
  target record;
begin
  recipient := command.recipient;
  person := command.person;
  if command.action = 'comment' and recipient is null and post is not null then
    target := safari_target('comment', command.platform,
                            jsonb_build_object('postUrl', post, 'handle', person));
    -- What is no post stays as it is, and is refused.
    recipient := target.recipient;
    person := target.person;
  end if;
end $$;

create or replace function public.safari_automatic_gap() returns interval
language sql immutable as $$ select interval '2 days' $$;

create or replace function public.safari_automatic_per_week() returns integer
language sql immutable as $$ select 3 $$;

create or replace function public.safari_refusal(
  command public.safari_command_queue, post text, person text, recipient text, text_hash text,
  out reason text, out error text
)
language plpgsql stable as $$
declare
  own constant text := command.platform || ':' || person;
  is_outreach constant boolean := command.batch_id is not distinct from 'outreach';
  -- Steps of a campaign have a key; any tool may write the other two for its own reasons.
  is_step constant boolean := command.idempotency_key is not null
    and command.campaign_id is not null and command.params ? 'campaign_step';
  addresses text[];
  facts record;
  duplicate_of uuid;
begin
  if command.effect <> 'once' then
    return;
  elsif recipient is null
        and (command.action = 'send_dm' or (command.action = 'comment' and post is not null)) then
    reason := 'validation';
    error := format('it names nobody on %s', command.platform);
    return;
  elsif own is null then
    addresses := '{}';  -- a post whose author is not known: only the duplicate can be judged
  else
    addresses := safari_person_addresses(own);
  end if;

  select exists (select from safari_people p
                  where p.address = any (addresses) and p.veto = 'opted_out') as opted_out,
         (select n.recipient from unnest(addresses) a
            join safari_do_not_contact n
              on n.platform in ('all', split_part(a, ':', 1)) and n.recipient = split_part(a, ':', 2)
           limit 1) as listed
    into facts;
  if facts.listed is not null then
    reason := 'do_not_contact';
    error := format('%s is on the do-not-contact list', facts.listed);
  elsif facts.opted_out then
    reason := 'do_not_contact';
    error := format('%s has opted out in the CRM', person);
  elsif command.idempotency_key is null or is_outreach or is_step then
    -- One plan by index for each kind: a comment is about a post, a message is to a person.
    if command.action = 'send_dm' then
      select a.command_id into duplicate_of from safari_command_attempts a
       where a.person = any (addresses) and a.begun_at > now() - interval '24 hours'
         and a.text_hash = safari_refusal.text_hash and a.quota_kind = 'dm'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
         and not (is_step and exists (
           select from safari_command_queue o
            where o.id = a.command_id and o.batch_id = command.batch_id))
       limit 1;
    elsif recipient is not null then
      select a.command_id into duplicate_of from safari_command_attempts a
       where a.service = command.service and a.recipient = safari_refusal.recipient
         and a.text_hash = safari_refusal.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1;
    end if;
    if duplicate_of is not null then
      reason := 'duplicate';
      error := format(
        'command %s had the same recipient and text within 24 hours; enqueue with a key'
        ' to send it again', duplicate_of);
    end if;
  end if;
  if reason is not null or not (is_outreach or is_step) then
    return;
  end if;

  -- A person who waits for our answer gets nothing automatic.
  select bool_or(agent_waits_for_us(t.ours_at, t.heard_at, b.done_at)) as waits
    into facts
    from (select array(select substr(o, 9)::uuid from unnest(addresses) o
                        where starts_with(o, 'contact:')) as ids) c
   cross join lateral agent_conversation(c.ids, addresses) t
    left join actp_inbox b on b.contact_id = any (c.ids)
   where c.ids <> '{}';
  if facts.waits then
    reason := 'replied';
    error := format('%s wrote last and waits for an answer: bin/inbox', person);
    return;
  elsif not is_outreach then
    return;
  end if;

  select exists (select from unnest(addresses) o
                   join safari_campaign_targets t
                     on t.platform = split_part(o, ':', 1) and t.handle = split_part(o, ':', 2)
                  where not safari_campaign_ended(t.state)) as in_campaign,
         max(a.begun_at) > now() - safari_automatic_gap() as is_soon,
         count(*) >= safari_automatic_per_week() as is_often
    into facts
    from safari_command_attempts a
   where a.person = any (addresses) and a.begun_at > now() - interval '7 days'
     and a.quota_kind = 'dm' and a.command_id <> command.id
     and (a.outcome is null or a.outcome in ('sent', 'unknown'));
  if facts.in_campaign then
    reason := 'in_campaign';
    error := format('a campaign to %s is running', person);
  elsif facts.is_soon then
    reason := 'cooldown';
    error := format('%s was written to in the last two days', person);
  elsif facts.is_often then
    reason := 'weekly_limit';
    error := format('%s was written to %s times this week', person, safari_automatic_per_week());
  end if;
end $$;

create or replace function public.safari_rehearse() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  boot constant uuid := gen_random_uuid();
  done constant text := 'SRHSD';
  step text := 'insert';
  command uuid;
  claimed jsonb;
  answer jsonb;
begin
  begin
    insert into safari_command_queue (action, platform, params, priority, idempotency_key)
      values ('send_dm', 'twitter', '{"username": "rehearsal", "text": "never sent"}', -2147483648,
              'rehearsal:' || boot)
      returning id into command;
    step := 'gate';
    perform g.reason from safari_services s cross join lateral safari_service_gate(s.service) g;
    -- Its result goes through whatever the hour, since it is undone.
    delete from safari_pauses;
    update safari_policies p set active_from = 0, active_to = 24, daily_limit = 2147483647
     where p.platform = 'twitter';
    update safari_rate_limits r set next_action_at = null, ceiling = 2147483647
     where r.platform = 'twitter';
    step := 'register';
    perform safari_register(boot, 'rehearsal', 'doctor', '["twitter-dm"]');
    step := 'claim';
    claimed := safari_claim(boot, '{"twitter-dm": 1}', 0, 30) -> 'commands' -> 0;
    if (claimed ->> 'id')::uuid = command then
      step := 'begin';
      answer := safari_ledger(boot, '[]', jsonb_build_array(jsonb_build_object(
        'id', command, 'lease', claimed -> 'lease', 'service', 'twitter-dm',
        'recipient', 'rehearsal', 'person', 'rehearsal', 'text_hash', boot))) -> 'begins' -> 0;
      if answer ->> 'verdict' <> 'granted' then
        raise exception 'the begin was answered %', answer;
      end if;
      step := 'finish';
      answer := safari_ledger(boot, jsonb_build_array(jsonb_build_object(
        'id', command, 'lease', claimed -> 'lease', 'attempt', answer -> 'attempt',
        'verdict', 'sent', 'quota_back', false, 'result', '{}'::jsonb)), '[]') -> 'finishes' -> 0;
      if not (answer ->> 'recorded')::boolean then
        raise exception 'the finish was answered %', answer;
      end if;
    end if;
    raise exception using errcode = done;
  exception
    when others then
      if sqlstate <> done then
        return jsonb_build_object('step', step, 'error', sqlerrm);
      end if;
  end;
  return jsonb_build_object('step', step, 'error', null);
end $$;

create or replace function public.agent_remotion_candidates(
  platform text default null, niche text default null
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(c) order by c.platform, c.niche), '[]') from (
    select n.platform, n.niche, n.content_type, n.offer_tag, n.top_hook_patterns,
           n.inspiration_hooks,
           coalesce(n.avg_views, 0)::double precision as avg_views,
           coalesce(n.avg_engagement, 0)::double precision as avg_engagement,
           greatest(extract(epoch from now() - safari_bounded(n.last_updated)) / 86400, 0)::double precision
             as age_days
      from actp_niche_resonance n
     where n.sample_count >= 3 and n.last_updated > now() - interval '30 days'
       and n.niche <> 'other'
       and n.platform = coalesce(agent_remotion_candidates.platform, n.platform)
       and n.niche = coalesce(agent_remotion_candidates.niche, n.niche)
     order by n.last_updated desc limit 1000) c
$$;

create or replace function public.agent_remotion_shown(job public.actp_gen_jobs) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'id', job.id, 'status', job.status, 'platform', job.platform, 'niche', job.niche,
    'brief', safari_shortened(job.brief), 'render_job_id', job.render_job_id,
    'retry_count', greatest(job.retry_count, 0), 'output_url', job.output_url, 'error', job.error,
    'created_at', safari_finite(job.created_at), 'request_key', job.request_key,
    'rendering_seconds', extract(epoch from now() - safari_bounded(job.rendering_since))::double precision)
$$;

drop function if exists public.agent_remotion_distribute(uuid, uuid, text, jsonb, jsonb, jsonb);

create or replace function public.agent_remotion_distribute(
  claim uuid, job_id uuid, output_url text, platforms jsonb, descriptions jsonb, account_ids jsonb,
  scheduled_times jsonb default '{}'
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  job actp_gen_jobs;
  wanted jsonb;
  task uuid;
begin
  select * into job from actp_gen_jobs j
   where j.id = job_id and j.claim = agent_remotion_distribute.claim
     and j.status in ('complete', 'distributed', 'failed') for update;
  if not found then
    return jsonb_build_object('task_id', null, 'platforms', '[]'::jsonb);
  end if;
  select coalesce(jsonb_agg(p.platform order by p.place), '[]') into wanted
    from jsonb_array_elements_text(platforms) with ordinality p (platform, place)
   where not exists (select from actp_publish_attempts a
                      where a.gen_job_id = job_id and a.platform = p.platform
                        and a.outcome is distinct from 'not_sent');
  if wanted <> '[]' then
    insert into actp_workflow_tasks (task_type, status, input_data)
    values ('blotato_multi_publish', 'pending', jsonb_build_object(
      'video_url', agent_remotion_distribute.output_url, 'platforms', wanted,
      'descriptions', descriptions, 'account_ids', account_ids,
      'scheduled_times', scheduled_times,
      'content_id', job_id, 'gen_job_id', job_id,
      'written_by', coalesce(job.brief ->> 'generated_by', 'template')))
    returning id into task;
    perform safari_alert(format('render_complete:%s', job_id), 'render_complete',
      jsonb_build_object('hook', job.brief ->> 'hook', 'platforms', wanted));
  end if;
  update actp_gen_jobs j
     set status = case when task is null then 'distributed' else 'distributing' end,
         output_url = agent_remotion_distribute.output_url, error = null, claim = null,
         claimed_until = null, updated_at = clock_timestamp()
   where j.id = job_id;
  return jsonb_build_object('task_id', task, 'platforms', wanted);
end $$;

create or replace function public.agent_remotion_status(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'jobs', coalesce((
      select jsonb_object_agg(c.status, c.jobs) from (
        select coalesce(j.status, 'unknown') as status, count(*) as jobs from actp_gen_jobs j
         where j.model = 'remotion' group by 1) c), '{}'),
    'posts', coalesce((
      select jsonb_object_agg(c.status, c.tasks) from (
        select coalesce(w.status, 'unknown') as status, count(*) as tasks
          from actp_workflow_tasks w where w.task_type = 'blotato_multi_publish' group by 1) c),
      '{}'),
    'rows', agent_remotion_jobs(false, row_limit),
    'publishing', coalesce((
      select jsonb_agg(jsonb_build_object(
               'id', w.id, 'status', w.status, 'error', w.error,
               'created_at', safari_finite(w.created_at),
               'job_id', w.input_data ->> 'gen_job_id',
               'platforms', safari_shortened(w.input_data) -> 'platforms',
               'output', safari_shortened(w.output_data)) order by w.created_at desc, w.id)
        from (select * from actp_workflow_tasks t
               where t.task_type = 'blotato_multi_publish'
               order by t.created_at desc nulls last, t.id limit row_limit) w), '[]'))
$$;

create or replace function public.safari_finite(moment timestamptz) returns timestamptz
language sql immutable as $$
  select case when moment >= '1000-01-01 00:00:00+00' and moment < '10000-01-01 00:00:00+00'
    then moment end
$$;

create or replace function public.safari_find(id text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  digits text := replace(lower(btrim(id)), '-', '');
  found_ids uuid[];
begin
  if digits !~ '^[0-9a-f]{4,32}$' then
    raise invalid_parameter_value using
      message = format('%L is not an id: it has at least four hexadecimal digits', id);
  end if;
  select array_agg(q.id) into found_ids
    from (select c.id from safari_command_queue c
           where c.id between rpad(digits, 32, '0')::uuid and rpad(digits, 32, 'f')::uuid
           limit 2) q;
  if found_ids is null then
    raise no_data_found using message = format('there is no command %s', id);
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using
      message = format('%s is the beginning of several ids: give more digits', id);
  end if;
  return to_jsonb(found_ids[1]);
end $$;

create or replace function public.safari_show(id text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  command_id uuid := (safari_find(id) #>> '{}')::uuid;
begin
  return (
    select jsonb_build_object(
      'command', to_jsonb(q) || jsonb_build_object(
        'due_at', safari_finite(q.due_at), 'params', safari_shortened(q.params),
        'result', safari_shortened(q.result), 'waits', safari_wait_of(q),
        'place', case when q.reason = 'unknown' then (
          select safari_place(a.service, a.recipient) from safari_command_attempts a
           where a.command_id = q.id order by a.attempt desc limit 1) end),
      'attempts', coalesce((
        select jsonb_agg(to_jsonb(a) order by a.attempt) from safari_command_attempts a
         where a.command_id = q.id), '[]'),
      'events', coalesce((
        select jsonb_agg(to_jsonb(e) - 'command_id' order by e.id) from safari_command_events e
         where e.command_id = q.id), '[]'))
      from safari_command_queue q where q.id = command_id);
end $$;

create or replace function public.safari_history(
  row_limit integer default 50, platform text default null, action text default null,
  status text default null
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select safari_search(
           jsonb_build_object('platform', platform, 'action', action,
                              'status', coalesce(status, 'ended')), null, row_limit) -> 'rows'
$$;

create or replace function public.safari_host_names(service text, account text) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(distinct split_part(w.worker, '/', 1)), '[]')
    from safari_hosts_of(service, account) w
$$;

create or replace function public.safari_limits() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'platform', p.platform, 'kind', p.kind, 'account', a.account,
           'hosts', safari_host_names(s.service, a.account), 'service', s.service,
           'used', coalesce(r.used, 0), 'daily_limit', p.daily_limit,
           'limit_by_person', p.limit_by_person,
           'in_force', case when s.service is not null then to_jsonb(f) end,
           'own_daily_limit', s.own_daily_limit, 'own_hourly_limit', s.own_hourly_limit,
           'weekdays', p.weekdays, 'spread', p.spread, 'ramp_days', p.ramp_days,
           'ramp_from', p.ramp_from,
           'min_gap_seconds', p.min_gap_seconds,
           'active_from', p.active_from, 'active_to', p.active_to,
           'time_zone', coalesce(p.time_zone, 'UTC'),
           'reason', g.reason, 'until', safari_finite(g.until),
           'waits', case when s.service is not null
                         then safari_service_wait(s.service, a.account) end
         ) order by p.platform, p.kind, a.account), '[]')
    from safari_policies common
   cross join lateral safari_accounts_on(common.platform) a (account)
   cross join lateral safari_policy(common.platform, common.kind, a.account) p
    left join safari_services s on s.platform = p.platform and s.kind = p.kind
    left join safari_rate_limits r on r.platform = p.platform and r.action = p.kind
                                  and r.limit_date = safari_today() and r.account = a.account
    left join lateral safari_limits_in_force(p, s) f on s.service is not null
    left join lateral safari_service_gate(s.service, null, a.account) g on s.service is not null
$$;

create or replace function public.safari_oldest_ready_seconds(service text)
returns double precision
language sql stable set search_path = public, pg_temp as $$
  with recursive heads as (
    (select q.account, q.priority, greatest(q.created_at, q.due_at) as since
       from safari_command_queue q
      where q.service = safari_oldest_ready_seconds.service and q.status = 'pending' and q.ready
        and q.crash_count = 0
      order by q.account, q.priority, q.created_at, q.id limit 1)
    union all
    select following.* from heads h cross join lateral (
      select q.account, q.priority, greatest(q.created_at, q.due_at) from safari_command_queue q
       where q.service = safari_oldest_ready_seconds.service and q.status = 'pending' and q.ready
         and q.crash_count = 0 and (q.account, q.priority) > (h.account, h.priority)
       order by q.account, q.priority, q.created_at, q.id limit 1) following
  )
  select extract(epoch from now() - min(safari_bounded(h.since)))::double precision from heads h
$$;

create or replace function public.safari_status() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with depths as materialized (
    select * from safari_depths()
  ), ended as (
    select q.status, q.reason, count(*) as rows
      from safari_command_queue q
     where q.status in ('completed', 'failed', 'cancelled')
       and q.completed_at > now() - interval '24 hours' and q.service is distinct from 'foreign'
     group by q.status, q.reason
  ), counted as (
    select coalesce(sum(e.rows) filter (where e.status = 'completed'), 0) as completed,
           coalesce(sum(e.rows) filter (where e.status = 'failed'
                                          and e.reason is distinct from 'unknown'), 0) as failed,
           coalesce(sum(e.rows) filter (where e.reason = 'unknown'), 0) as unknown,
           coalesce(sum(e.rows) filter (where e.status = 'cancelled'), 0) as cancelled
      from ended e
  ), live as (
    select w.boot_id, w.worker, w.services, w.accounts, w.state, w.started_at, w.seen_at
      from safari_workers w
     where w.seen_at > now() - interval '60 seconds' and w.stopped_at is null
  ), reported as (
    select distinct on (r.key, a.account) r.key as service, a.account, r.value as state
      from live l
     cross join lateral jsonb_each(
        case jsonb_typeof(l.state) when 'object' then l.state else '{}' end) r
      left join safari_services s on s.service = r.key
     cross join lateral (select safari_account_on(l.accounts, s.platform) as account) a
     order by r.key, a.account, l.seen_at desc
  )
  select jsonb_build_object(
    'at', now(),
    'queue', coalesce((
      select jsonb_agg(to_jsonb(d) order by d.service, d.platform) from depths d
       where d.service <> 'foreign'), '[]'),
    'services', (
      select jsonb_agg(jsonb_build_object(
               'service', s.service, 'platform', s.platform, 'kind', s.kind, 'port', s.port,
               'account', a.account, 'hosts', safari_host_names(s.service, a.account),
               'oldest_ready_seconds', safari_oldest_ready_seconds(s.service),
               'reason', g.reason, 'until', safari_finite(g.until),
               'state', r.state, 'health', to_jsonb(h) - 'id' - 'service_name' - 'port'
             ) order by s.port nulls last, s.service, a.account)
        from safari_services s
        cross join lateral safari_accounts_on(s.platform) a (account)
        cross join lateral safari_service_gate(s.service, null, a.account) g
        left join reported r on r.service = s.service and r.account = a.account
        left join safari_service_health h
          on h.service_name = s.service and h.account = a.account),
    'last_24_hours', (
      select to_jsonb(c) || jsonb_build_object('completion_rate', round(
               c.completed / nullif(c.completed + c.failed + c.unknown, 0), 4))
        from counted c),
    'limits', safari_limits(),
    'foreign', (select coalesce(sum(d.pending + d.running), 0) from depths d
                 where d.service = 'foreign'),
    'backlog_held', (select coalesce(sum(d.held), 0) from depths d where d.service <> 'foreign'),
    'unknown_outcomes', jsonb_build_object(
      'count', (select count(*) from safari_command_queue q
                 where q.status = 'failed' and q.reason = 'unknown'),
      'oldest', coalesce((
        select jsonb_agg(to_jsonb(u)) from (
          select q.id, q.service, q.action, q.platform, q.error, q.completed_at
            from safari_command_queue q
           where q.status = 'failed' and q.reason = 'unknown'
           order by q.completed_at limit 20) u), '[]')),
    'alerts', coalesce((
      select jsonb_agg(to_jsonb(n)) from (
        select a.id, a.kind, safari_object(a.detail) as detail, a.created_at from safari_alerts a
         where a.delivered_at is null order by a.created_at desc limit 20) n), '[]'),
    'workers', coalesce((
      select jsonb_agg(to_jsonb(l) - 'state' order by l.worker) from live l), '[]'),
    'pauses', coalesce((
      select jsonb_agg(jsonb_build_object('platform', p.platform, 'account', p.account,
                                          'note', p.note, 'until', safari_finite(p.until))
                       order by p.platform, p.account)
        from safari_pauses p where p.until > now()), '[]'))
$$;

drop function if exists public.safari_outlook(jsonb);

create or replace function public.safari_outlook(services jsonb, accounts jsonb default null)
returns jsonb
language sql stable
set search_path = public, pg_temp set enable_seqscan = off set jit = off
as $$
  select coalesce(jsonb_object_agg(w.service, jsonb_build_object(
           'running', (select count(*) from safari_command_queue q
                        where q.status = 'running' and q.service = w.service
                          and (our.account is null or q.account in ('', our.account))),
           'due', d.ready + o.overdue,
           'retrying', t.retrying,
           'waiting', d.waiting - o.overdue - t.retrying,
           'held', d.held,
           'next_due_seconds', (
             select greatest(0, safari_seconds_until(q.due_at)) from safari_command_queue q
              where q.service = w.service and q.status = 'pending' and not q.ready
                and q.due_at < 'infinity' and (our.account is null or q.account in ('', our.account))
              order by q.due_at limit 1),
           'reason', g.reason,
           'reason_seconds', case when g.reason is not null then safari_seconds_until(g.until) end,
           'state', (
             select l.state -> w.service from safari_workers l
              where l.seen_at > now() - interval '60 seconds' and l.stopped_at is null
                and l.state ? w.service
                and (our.account is null or safari_account_on(l.accounts, s.platform) = our.account)
              order by l.seen_at desc limit 1)
         )), '{}')
    from jsonb_array_elements_text(services) w (service)
    left join safari_services s on s.service = w.service
    cross join lateral (
      select case when accounts is not null then safari_account_on(accounts, s.platform) end
               as account) our
    cross join lateral (
      select count(*) filter (where q.ready) as ready,
             count(*) filter (where not q.ready and q.hold is null) as waiting,
             count(*) filter (where not q.ready and q.hold <> 'campaign') as held
        from safari_command_queue q
       where q.service = w.service and q.status = 'pending'
         and (our.account is null or q.account in ('', our.account))) d
    cross join lateral (
      select count(*) as overdue from safari_command_queue q
       where q.service = w.service and q.status = 'pending' and not q.ready
         and q.due_at <= now() and (our.account is null or q.account in ('', our.account))) o
    cross join lateral (
      select count(*) as retrying
        from safari_command_queue q, safari_settings k
       where q.service = w.service and q.status = 'pending' and not q.ready and q.hold is null
         and q.retry_count > 0 and (our.account is null or q.account in ('', our.account))
         and k.key = 'retry_base_seconds'
         and q.due_at > now() and q.due_at = q.next_retry_at
         and q.next_retry_at <= now() + make_interval(secs => least(
           3600, (k.value #>> '{}')::double precision * 2 ^ least(q.retry_count - 1, 12)))) t
    cross join lateral (
      select a.* from safari_any_gate(w.service) a where our.account is null
      union all
      select a.* from safari_service_gate(w.service, null, our.account) a
       where our.account is not null) g
$$;

drop function if exists public.safari_record_health(jsonb);

create or replace function public.safari_record_health(results jsonb, accounts jsonb default '{}')
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  recorded integer;
begin
  if exists (select from jsonb_array_elements(results) r
              where r ->> 'status' is null
                 or r ->> 'status' not in ('healthy', 'down', 'timeout')) then
    raise invalid_parameter_value using message = 'a status is healthy, down or timeout';
  end if;
  insert into safari_service_health as h (
    service_name, account, port, status, response_ms, error, checked_at, last_healthy_at
  )
    select r.service_name, safari_account_on(accounts, s.platform), r.port, r.status, r.response_ms,
           r.error, now(), case r.status when 'healthy' then now() end
      from jsonb_to_recordset(results) as r (
        service_name text, port integer, status text, response_ms integer, error text)
      left join safari_services s on s.service = r.service_name
     order by r.service_name
    on conflict on constraint safari_service_health_key do update
      set port = excluded.port, status = excluded.status, response_ms = excluded.response_ms,
          error = excluded.error, checked_at = excluded.checked_at,
          last_healthy_at = coalesce(excluded.last_healthy_at, h.last_healthy_at);
  get diagnostics recorded = row_count;
  return to_jsonb(recorded);
end $$;

drop function if exists public.agent_resonance_add_hooks(jsonb);

create or replace function public.agent_resonance_add_hooks(rows jsonb, own boolean default true)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  item record;
  target uuid;
begin
  for item in
    select r.platform, r.niche, array(select jsonb_array_elements_text(r.hooks)) as hooks
      from jsonb_to_recordset(rows) as r (platform text, niche text, hooks jsonb)
     where r.niche is not null and r.niche <> 'other' order by r.platform, r.niche
  loop
    select n.id into target from actp_niche_resonance n
     where n.platform = item.platform and n.niche = item.niche
     order by n.sample_count desc nulls last, n.offer_tag, n.content_type limit 1 for update;
    if not found then
      insert into actp_niche_resonance as n (platform, niche, offer_tag, content_type, sample_count)
        values (item.platform, item.niche, 'none', 'educational', 0)
        on conflict (platform, niche, offer_tag, content_type) do update
          set sample_count = n.sample_count
        returning n.id into target;
    end if;
    update actp_niche_resonance n
       set top_hook_patterns = case when own then agent_merged_hooks(item.hooks, n.top_hook_patterns)
                                    else n.top_hook_patterns end,
           inspiration_hooks = case when own then n.inspiration_hooks
                                    else agent_merged_hooks(item.hooks, n.inspiration_hooks) end
     where n.id = target;
  end loop;
  return jsonb_build_object('niches', jsonb_array_length(rows));
end $$;

create or replace function public.safari_watermark(known jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  identity jsonb;
  -- Where old events are all there were, and pruned, their sequence knows how many there have been.
  latest bigint := coalesce(
    (select e.id from safari_command_events e order by e.id desc limit 1),
    pg_sequence_last_value(pg_get_serial_sequence('public.safari_command_events', 'id')::regclass), 0);
  held integer;
begin
  insert into safari_settings (key, value) values ('database_id', to_jsonb(gen_random_uuid()))
    on conflict on constraint safari_settings_pkey do nothing;
  select s.value into identity from safari_settings s where s.key = 'database_id';
  if known -> 'database' is distinct from identity or (known ->> 'event')::bigint <= latest then
    return jsonb_build_object('database', identity, 'event', latest, 'restored', false, 'held', 0);
  end if;
  held := safari_hold_all(format('event %s was seen, the latest is %s', known ->> 'event', latest));
  return jsonb_build_object('database', identity, 'event', latest, 'restored', true, 'held', held);
end $$;

create or replace function public.safari_hold_all(why text) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  held integer;
begin
  with rows as (
    select q.id from safari_command_queue q
     where q.status in ('pending', 'running') and q.effect = 'once' and q.hold is null
       and q.service <> 'foreign'
       and not exists (select from safari_command_attempts a
                        where a.command_id = q.id and a.outcome is null)
     order by q.id for update
  ), changed as (
    update safari_command_queue q
       set hold = 'backlog', status = 'pending', boot_id = null, lease_expires_at = null,
           updated_at = now()
      from rows where q.id = rows.id
    returning q.id
  ), audited as (
    insert into safari_command_events (command_id, event, detail)
      select id, 'held', jsonb_build_object('reason', 'restored') from changed
  )
  select count(*) into held from changed;
  perform safari_alert(format('database_restored:%s', now()), 'database_restored',
                       jsonb_build_object('error', why, 'count', held));
  return held;
end $$;

create or replace function public.safari_forgotten(command_id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  return to_jsonb(safari_hold_all(
    format('command %s was sent before, and the database does not know of it', command_id)));
end $$;

create or replace function public.safari_review_mode() returns text
language plpgsql stable as $$
begin
  return coalesce((select s.value #>> '{}' from safari_settings s where s.key = 'review'), 'off');
end $$;

create or replace function public.safari_content_hash(kind text, platform text, content jsonb)
returns text
language sql immutable as $$
  select encode(sha256(convert_to(jsonb_build_array(
    kind, platform, content - array['message_id', 'contact_id', 'campaign_step', 'exclude',
                                    'written_by'])::text, 'UTF8')), 'hex')
$$;

create or replace function public.safari_command_hash(command public.safari_command_queue) returns text
language sql immutable as $$
  select safari_content_hash(command.action, command.platform,
                             case jsonb_typeof(safari_params(command.params))
                               when 'object' then safari_params(command.params)
                               else jsonb_build_object('raw', command.params) end)
$$;

create or replace function public.safari_message_hash(message public.crm_message_queue) returns text
language sql stable as $$
  select safari_content_hash('message', lower(btrim(message.platform)), jsonb_build_object(
    'to', (select agent_outreach_addresses(c) -> lower(btrim(message.platform)) from crm_contacts c
            where c.id = message.contact_id),
    'contact', message.contact_id, 'text', message.message_body))
$$;

create or replace function public.safari_post_hash(task public.actp_workflow_tasks) returns text
language sql immutable as $$
  select safari_content_hash('post', '', jsonb_build_object('input', task.input_data))
$$;

create or replace function public.safari_written_by(command public.safari_command_queue) returns text
language plpgsql stable as $$
declare
  params constant jsonb := safari_params(command.params);
begin
  if jsonb_typeof(params) = 'object' and params ? 'written_by' then
    return params ->> 'written_by';
  elsif command.campaign_id is not null
        and command.batch_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return (select t.data ->> 'written_by' from safari_campaign_targets t
             where t.id = command.batch_id::uuid);
  end if;
  return null;
end $$;

create or replace function public.safari_review_reason(command public.safari_command_queue) returns text
language plpgsql stable as $$
declare
  mode text;
  known safari_reviews;
begin
  select * into known from safari_reviews r where r.door = 'command' and r.row_id = command.id;
  if found then
    if known.state = 'approved' and known.content_hash = safari_command_hash(command) then
      return null;
    end if;
    return coalesce(known.why, 'held for review');
  elsif command.effect is distinct from 'once' or command.service = 'foreign' then
    return null;
  end if;
  mode := safari_review_mode();
  if mode = 'all' then
    return 'REVIEW=all';
  elsif mode = 'ai' and safari_written_by(command) = 'claude' then
    return 'written by Claude';
  end if;
  return null;
end $$;

create or replace function public.safari_needs_review(command public.safari_command_queue)
returns boolean
language sql stable as $$ select safari_review_reason(command) is not null $$;

create or replace function public.safari_review_hold() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  reason text;
begin
  reason := safari_review_reason(new);
  if reason is null then
    return new;
  end if;
  insert into safari_reviews (door, row_id, why) values ('command', new.id, reason)
    on conflict on constraint safari_reviews_row do nothing;
  new.hold := coalesce(new.hold, 'review');
  new.due_at := 'infinity';
  new.ready := false;
  return new;
end $$;

create or replace trigger safari_review_insert
  before insert on public.safari_command_queue
  for each row execute function public.safari_review_hold();

create or replace trigger safari_review_update
  before update of status, action, platform, params, scheduled_for, next_retry_at, hold, effect
  on public.safari_command_queue
  for each row when (new.status = 'pending')
  execute function public.safari_review_hold();

create or replace function public.safari_message_waits(message public.crm_message_queue)
returns boolean
language plpgsql stable as $$
declare
  mode constant text := safari_review_mode();
  known safari_reviews;
begin
  select * into known from safari_reviews r where r.door = 'message' and r.row_id = message.id;
  if found then
    return known.state <> 'approved' or known.content_hash <> safari_message_hash(message);
  end if;
  return mode = 'all' or (mode = 'ai' and message.written_by is not distinct from 'claude');
end $$;

create or replace function public.safari_post_waits(task public.actp_workflow_tasks) returns boolean
language plpgsql stable as $$
declare
  mode constant text := safari_review_mode();
  known safari_reviews;
begin
  select * into known from safari_reviews r where r.door = 'post' and r.row_id = task.id;
  if found then
    return known.state <> 'approved' or known.content_hash <> safari_post_hash(task);
  end if;
  return mode = 'all' or (mode = 'ai' and task.input_data ->> 'written_by' = 'claude');
end $$;

create or replace function public.safari_review_refresh() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  mode constant text := safari_review_mode();
  overdue uuid;
begin
  if mode <> 'off' then
    insert into safari_reviews (door, row_id, why)
      select 'message', m.id, case mode when 'all' then 'REVIEW=all' else 'written by Claude' end
        from crm_message_queue m
       where m.status = 'pending' and safari_message_waits(m) order by m.id
      on conflict on constraint safari_reviews_row do nothing;
    insert into safari_reviews (door, row_id, why)
      select 'post', w.id, case mode when 'all' then 'REVIEW=all' else 'written by Claude' end
        from actp_workflow_tasks w
       where w.task_type = 'blotato_multi_publish' and w.status = 'pending' and w.lease_number = 0
         and safari_post_waits(w) order by w.id
      on conflict on constraint safari_reviews_row do nothing;
  end if;
  for overdue in
    select r.id from safari_reviews r where r.state = 'pending' and r.expires_at <= now()
     order by r.id
  loop
    perform safari_review_end(overdue, 'expired');
  end loop;
end $$;

create or replace function public.safari_review_end(id uuid, verdict text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  review safari_reviews;
begin
  select * into review from safari_reviews r where r.id = safari_review_end.id for update;
  if review.state not in ('pending', 'approved') then
    return;
  end if;
  update safari_reviews r
     set state = verdict, decided_at = now(), decided_by = safari_operator()
   where r.id = review.id;
  case review.door
    when 'command' then
      update safari_command_queue q
         set status = 'cancelled', reason = verdict, hold = null, boot_id = null,
             lease_expires_at = null, result = jsonb_build_object('outcome', verdict),
             completed_at = now(), updated_at = now()
       where q.id = review.row_id and q.status = 'pending';
      if found then
        perform safari_record_event(review.row_id, 'cancelled', null, null, null,
                                    jsonb_build_object('reason', verdict));
      end if;
    when 'message' then
      update crm_message_queue m
         set status = 'failed', error_message = 'review: ' || verdict, updated_at = now()
       where m.id = review.row_id and m.status = 'pending';
    when 'post' then
      update actp_workflow_tasks w
         set status = 'failed', error = 'review: ' || verdict, completed_at = now()
       where w.id = review.row_id and w.status = 'pending' and w.lease_number = 0;
  end case;
end $$;

create or replace function public.safari_review_rows() returns table (
  id uuid, door text, row_id uuid, platform text, kind text, recipient text, body text, why text,
  content_hash text, created_at timestamptz, expires_at timestamptz, due_at timestamptz
)
language sql stable set search_path = public, pg_temp as $$
  select r.id, r.door, r.row_id, q.platform, q.action,
         coalesce(p.params ->> 'username', p.params ->> 'handle', p.params ->> 'profileUrl',
                  p.params ->> 'postUrl', p.params ->> 'url', p.params ->> 'profile_url',
                  p.params ->> 'post_url'),
         coalesce(p.params ->> 'text', p.params ->> 'message'), r.why, safari_command_hash(q),
         r.created_at, r.expires_at, q.scheduled_for
    from safari_reviews r join safari_command_queue q on q.id = r.row_id
   cross join lateral (select safari_params(q.params) as params) p
   where r.door = 'command' and r.state in ('pending', 'approved') and q.status = 'pending'
     and safari_needs_review(q)
  union all
  select r.id, r.door, r.row_id, lower(btrim(m.platform)), 'send_dm',
         coalesce(agent_outreach_addresses(c) ->> lower(btrim(m.platform)), c.display_name),
         m.message_body, concat_ws('; ', r.why, m.ai_reasoning), safari_message_hash(m),
         r.created_at, r.expires_at, m.scheduled_for
    from safari_reviews r join crm_message_queue m on m.id = r.row_id
    left join crm_contacts c on c.id = m.contact_id
   where r.door = 'message' and r.state in ('pending', 'approved') and m.status = 'pending'
     and safari_message_waits(m)
  union all
  select r.id, r.door, r.row_id, (select string_agg(e, ', ') from jsonb_array_elements_text(
           case jsonb_typeof(w.input_data -> 'platforms') when 'array'
                then w.input_data -> 'platforms' else '[]' end) e),
         'post', w.input_data ->> 'video_url',
         coalesce(w.input_data ->> 'description', w.input_data ->> 'text',
                  w.input_data ->> 'descriptions'),
         r.why, safari_post_hash(w), r.created_at, r.expires_at, w.next_at
    from safari_reviews r join actp_workflow_tasks w on w.id = r.row_id
   where r.door = 'post' and r.state in ('pending', 'approved') and w.status = 'pending'
     and safari_post_waits(w)
$$;

create or replace function public.safari_review_list(
  filter jsonb default '{}', row_limit integer default 50
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_review_refresh();
  return (
    with wanted as materialized (
      select v.* from safari_review_rows() v
       where (filter ->> 'door' is null or v.door = filter ->> 'door')
         and (filter ->> 'platform' is null or position(filter ->> 'platform' in v.platform) > 0)
         and (filter ->> 'kind' is null or v.kind = filter ->> 'kind')
         and (filter ->> 'contains' is null
              or position(lower(filter ->> 'contains') in lower(concat_ws(' ', v.recipient, v.body))) > 0)
    )
    select jsonb_build_object(
      'waiting', (select count(*) from wanted),
      'rows', (select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at, s.id), '[]')
                 from (select * from wanted w order by w.created_at, w.id limit row_limit) s)));
end $$;

create or replace function public.safari_review_find(beginning text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found_ids uuid[];
begin
  select array_agg(r.id) into found_ids from safari_reviews r
   where beginning <> '' and (starts_with(r.id::text, lower(beginning))
                              or starts_with(r.row_id::text, lower(beginning)));
  if found_ids is null then
    raise no_data_found using message = format('there is no draft %s', left(beginning, 40));
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using message = format(
      '%s is the beginning of %s drafts: give more of it', left(beginning, 40),
      cardinality(found_ids));
  end if;
  return found_ids[1]::text;
end $$;

create or replace function public.safari_review_decide(drafts jsonb, verdict text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  draft record;
  done integer := 0;
begin
  if verdict not in ('approve', 'reject') then
    raise invalid_parameter_value using message = 'the verdict is approve or reject';
  end if;
  perform safari_review_refresh();
  for draft in
    select v.* from jsonb_to_recordset(drafts) as d (id uuid, content_hash text)
      join safari_review_rows() v on v.id = d.id and v.content_hash = d.content_hash
     order by v.id
  loop
    if verdict = 'reject' then
      perform safari_review_end(draft.id, 'rejected');
    else
      update safari_reviews r
         set state = 'approved', content_hash = draft.content_hash, decided_at = now(),
             decided_by = safari_operator()
       where r.id = draft.id;
      -- What was looked at today is not stale.
      update crm_message_queue m set accepted_at = now(), hold = null, updated_at = now()
       where draft.door = 'message' and m.id = draft.row_id;
      update actp_workflow_tasks w set accepted_at = now(), hold = null
       where draft.door = 'post' and w.id = draft.row_id;
      if draft.door = 'command' then
        update safari_command_queue q
           set hold = case when q.hold = 'review' then null else q.hold end, updated_at = now()
         where q.id = draft.row_id and q.status = 'pending';
        perform safari_record_event(draft.row_id, 'approved', null, null, null,
                                    jsonb_build_object('by', safari_operator()));
      end if;
    end if;
    done := done + 1;
  end loop;
  notify safari_commands;
  return jsonb_build_object('done', done, 'left_alone', jsonb_array_length(drafts) - done);
end $$;

create or replace function public.safari_review_edit(id uuid, text text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  draft record;
begin
  perform safari_review_refresh();
  select v.* into draft from safari_review_rows() v where v.id = safari_review_edit.id;
  if not found then
    raise object_not_in_prerequisite_state using message = 'this draft no longer waits for review';
  end if;
  case draft.door
    when 'command' then
      update safari_command_queue q
         set params = (safari_params(q.params) - 'message') || jsonb_build_object(
               'text', safari_review_edit.text, 'written_by', 'operator'), updated_at = now()
       where q.id = draft.row_id;
    when 'message' then
      update crm_message_queue m
         set message_body = safari_review_edit.text, written_by = 'operator', updated_at = now()
       where m.id = draft.row_id;
    when 'post' then
      update actp_workflow_tasks w
         set input_data = (w.input_data - array['text', 'descriptions']) || jsonb_build_object(
               'description', safari_review_edit.text, 'written_by', 'operator')
       where w.id = draft.row_id;
  end case;
  return safari_review_decide((
    select jsonb_build_array(jsonb_build_object('id', v.id, 'content_hash', v.content_hash))
      from safari_review_rows() v where v.id = safari_review_edit.id), 'approve');
end $$;

create or replace function public.safari_review_open(command_id uuid, why text) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
  draft uuid;
begin
  insert into safari_reviews as r (door, row_id, why)
    values ('command', command_id, safari_review_open.why)
    on conflict on constraint safari_reviews_row do update set why = r.why
    returning r.id into draft;
  update safari_command_queue q set hold = coalesce(q.hold, 'review'), updated_at = now()
   where q.id = command_id and q.status = 'pending';
  return draft;
end $$;

create or replace function public.safari_review_carry_over(handed jsonb) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  ids uuid[];
begin
  with approved as (
    insert into safari_reviews (door, row_id, why, state, content_hash, decided_at, decided_by)
      select 'command', q.id, r.why, 'approved', safari_command_hash(q), r.decided_at, r.decided_by
        from jsonb_array_elements(handed) h
        join safari_reviews r on r.door = 'message' and r.row_id = (h ->> 'id')::uuid
                             and r.state = 'approved'
        join safari_command_queue q on q.id = (h ->> 'command_id')::uuid
       where (h ->> 'created')::boolean order by q.id
      on conflict on constraint safari_reviews_row do update
        set state = 'approved', content_hash = excluded.content_hash,
            decided_at = excluded.decided_at, decided_by = excluded.decided_by
    returning row_id
  )
  select array_agg(row_id) into ids from approved;
  update safari_command_queue q set hold = null, updated_at = now()
   where q.id = any (ids) and q.hold = 'review' and q.status = 'pending';
end $$;

create or replace function public.safari_trim(value text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select nullif(btrim(value, E' \t\n\r\f\u000b\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006'
    || E'\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'), '')
$$;

create or replace function public.safari_bounded(moment timestamptz) returns timestamptz
language sql immutable set search_path = public, pg_temp as $$
  select case when moment is not null then
    least(greatest(moment, '1970-01-01 00:00:00+00'), '2999-12-31 00:00:00+00') end
$$;

create or replace function public.safari_unreadable(value jsonb) returns text
language plpgsql immutable set search_path = public, pg_temp as $$
begin
  if pg_column_size(value) > 1000000 then
    return 'are larger than 1 MB';
  elsif jsonb_path_exists(value, 'strict $.**{50 to last}') then
    return 'are nested more than 50 levels deep';
  elsif jsonb_path_exists(value, 'strict $.** ? (@.type() == "number" && (@ > 1e300 || @ < -1e300))') then
    return 'hold a number beyond 1e300';
  end if;
  return null;
exception when statement_too_complex or program_limit_exceeded then
  return 'are nested too deep';
end $$;

create or replace function public.safari_shortened(value jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select case when safari_unreadable(value) is null then value
              else jsonb_build_object('unreadable', left(value::text, 500)) end
$$;

create or replace function public.safari_object(value jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select case when value is null then null
              when jsonb_typeof(value) = 'object' then safari_shortened(value)
              else jsonb_build_object('unreadable', left(value::text, 500)) end
$$;

create or replace function public.safari_queue_before_write() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  fault text;
begin
  if tg_op = 'INSERT' or new.action is distinct from old.action
     or new.platform is distinct from old.platform or new.service is null then
    new.action := safari_trim(new.action);
    new.platform := lower(coalesce(safari_trim(new.platform),
                                   safari_trim(safari_params(new.params) ->> 'platform')));
    select r.service, r.effect into new.service, new.effect
      from safari_route(new.action, coalesce(new.platform, '')) r;
  end if;
  new.account := safari_account_name(coalesce(nullif(new.account, ''), case
    when tg_op = 'INSERT' and new.action in ('send_dm', 'comment', 'tweet')
    then safari_params(new.params) ->> 'account' end));
  new.status := coalesce(new.status, 'pending');
  new.priority := coalesce(new.priority, 5);
  new.retry_count := greatest(new.retry_count, 0);
  new.crash_count := greatest(new.crash_count, 0);
  new.lease_number := least(greatest(new.lease_number, 0), 4611686018427387904);
  new.created_at := safari_bounded(new.created_at);
  new.scheduled_for := safari_bounded(new.scheduled_for);
  new.next_retry_at := safari_bounded(new.next_retry_at);
  new.expires_at := safari_bounded(new.expires_at);
  if tg_op = 'INSERT' then
    new := safari_as_inserted(new);
  end if;
  -- Attempts are numbered by their own table, so that no edit of the row makes anybody forget one.
  new.attempt := coalesce(
    (select max(a.attempt) from safari_command_attempts a where a.command_id = new.id), 0);
  if new.status <> 'pending' then
    return new;
  end if;

  -- A hold that nothing lifts would keep the row forever; this one is lifted by bin/queue.
  if new.hold not in ('backlog', 'campaign', 'review')
     or (tg_op = 'INSERT' and new.hold = 'campaign') then
    new.hold := 'backlog';
  end if;
  new.due_at := case when new.hold is not null then 'infinity'
                     else greatest(new.scheduled_for, new.next_retry_at) end;
  new.ready := new.due_at is null or new.due_at <= now();

  fault := safari_unreadable(new.params);
  if fault is not null and new.service <> 'foreign' then
    new.status := 'failed';
    new.reason := 'validation';
    new.error := format('params %s', fault);
    new.result := jsonb_build_object('outcome', 'validation');
    new.completed_at := now();
    new.params := safari_shortened(new.params);
  end if;
  return new;
end $$;

create or replace function public.safari_as_inserted(command public.safari_command_queue)
returns public.safari_command_queue
language plpgsql set search_path = public, pg_temp as $$
begin
  -- now() is the same for a whole batch; first in, first out needs a finer clock.
  if coalesce(command.created_at = now() or command.created_at > now() + interval '1 day', true) then
    command.created_at := clock_timestamp();
  end if;
  command.updated_at := now();
  -- The visitors' key is in every web page of a project: with the table open, anybody has it.
  if current_setting('role', true) = 'anon' and not (
    select c.relrowsecurity from pg_class c where c.oid = 'public.safari_command_queue'::regclass)
  then
    command.hold := 'backlog';
  end if;
  command.retry_count := 0;
  command.crash_count := 0;
  command.lease_number := 0;
  command.boot_id := null;
  command.worker_id := null;
  command.lease_expires_at := null;
  command.next_retry_at := null;
  if command.status in ('pending', 'running') then
    command.started_at := case command.status when 'running' then now() end;
    command.completed_at := null;
    command.result := null;
    command.error := null;
    command.reason := null;
  else
    command.started_at := safari_bounded(command.started_at);
    command.completed_at := coalesce(safari_bounded(command.completed_at), now());
    command.result := safari_shortened(command.result);
    command.params := safari_shortened(command.params);
  end if;
  return command;
end $$;

create or replace trigger safari_queue_before_update
  before update of status, action, platform, params, priority, account, scheduled_for, next_retry_at,
    hold, created_at, expires_at, attempt, retry_count, crash_count, lease_number
  on public.safari_command_queue
  for each row when (new.status = 'pending')
  execute function public.safari_queue_before_write();

create or replace function public.safari_queue_keep_route() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  select r.service, r.effect into new.service, new.effect
    from safari_route(new.action, coalesce(new.platform, '')) r;
  new.params := safari_shortened(new.params);
  return new;
end $$;

create or replace trigger safari_queue_keep_route
  before update of service, effect, params on public.safari_command_queue
  for each row when (old.service is not null and (new.service is distinct from old.service
    or new.effect is distinct from old.effect
    or (new.params is distinct from old.params and new.status <> 'pending')))
  execute function public.safari_queue_keep_route();

create or replace function public.safari_call(services text[]) returns void
language sql set search_path = public, pg_temp as $$
  select pg_notify('safari_commands', array_to_string(services, ','))
   where array_remove(services, 'foreign') <> '{}'
$$;

create or replace function public.safari_queue_after_insert() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  taken text;
begin
  insert into safari_command_events (command_id, event, worker)
    select id, 'enqueued', safari_operator() from inserted where service <> 'foreign';
  insert into safari_command_events (command_id, event, detail)
    select id, 'failed', jsonb_build_object('reason', reason, 'error', error) from inserted
     where status = 'failed' and reason = 'validation';
  if exists (select from inserted where idempotency_key is not null) then
    insert into safari_idempotency_keys (key, command_id)
      select idempotency_key, id from inserted where idempotency_key is not null
      on conflict (key) do nothing;
    select i.idempotency_key into taken
      from inserted i join safari_idempotency_keys k on k.key = i.idempotency_key
     where k.command_id <> i.id
     limit 1;
    if found then
      raise unique_violation using message =
        format('idempotency key %L already belongs to another command', taken);
    end if;
  end if;
  perform safari_call(array(select distinct service from inserted where status = 'pending'));
  return null;
end $$;

create or replace function public.safari_queue_after_requeue() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform safari_call(array[new.service]);
  return null;
end $$;

create or replace function public.agent_sample_write(table_name text, rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  columns text;
  condition text := 'true';
  inserted integer := 0;
begin
  perform agent_sample_check(table_name);
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
    from pg_attribute a
   where a.attrelid = ('public.' || quote_ident(table_name))::regclass
     and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and a.attname::text in (
       select k.key from jsonb_array_elements(rows) r cross join jsonb_object_keys(r) as k (key));
  if table_name <> 'crm_contacts' and rows @? '$[*].contact_id' then
    condition := '(r.contact_id is null
                   or exists (select from crm_contacts c where c.id = r.contact_id))';
  end if;
  if table_name = 'crm_message_queue' and exists (
       select from jsonb_array_elements(rows) r
        where coalesce(r ->> 'status', 'pending') not in ('sent', 'failed')) then
    raise invalid_parameter_value using message = 'a sample message has not ended';
  end if;
  if rows @? '$[*].conversation_id' then
    condition := condition || ' and (r.conversation_id is null or exists (
      select from crm_conversations v where v.id = r.conversation_id))';
  end if;
  if columns is not null then
    execute format(
      'insert into public.%1$I (%2$s)
       select %2$s from jsonb_populate_recordset(null::public.%1$I, $1) r
        where %3$s on conflict do nothing', table_name, columns, condition) using rows;
    get diagnostics inserted = row_count;
  end if;
  return jsonb_build_object('inserted', inserted, 'now', now());
end $$;

create or replace function public.agent_sample_check(table_name text) returns void
language plpgsql immutable set search_path = public, pg_temp as $$
begin
  if table_name <> all (array[
    'actp_ab_tests', 'actp_content_performance', 'actp_niche_resonance',
    'actp_platform_associations', 'actp_platform_creators', 'actp_platform_research',
    'actp_twitter_research', 'crm_contacts', 'crm_conversations', 'crm_interactions',
    'crm_message_queue', 'crm_messages', 'youtube_video_stats'
  ]) then
    raise invalid_parameter_value using message = format('no sample rows go into %I', table_name);
  end if;
end $$;

create or replace function public.agent_sample_ended(commands jsonb, runs jsonb, targets jsonb)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  new_commands integer;
  new_runs integer;
  new_targets integer;
begin
  if exists (select from jsonb_array_elements(commands) c
              where c ->> 'status' not in ('completed', 'failed', 'cancelled')
                 or c ->> 'status' is null) then
    raise invalid_parameter_value using message = 'a sample command has not ended';
  end if;
  insert into safari_command_queue (
    id, action, platform, params, status, reason, result, error, created_at, started_at,
    completed_at, batch_id
  )
    select r.id, r.action, r.platform, r.params, r.status, r.reason, r.result, r.error,
           r.created_at, r.started_at, r.completed_at, 'sample'
      from jsonb_to_recordset(commands) as r (
        id uuid, action text, platform text, params jsonb, status text, reason text, result jsonb,
        error text, created_at timestamptz, started_at timestamptz, completed_at timestamptz)
  on conflict do nothing;
  get diagnostics new_commands = row_count;
  insert into safari_campaign_runs (
    id, campaign_id, campaign_type, platform, total_tasks, completed, failed, status, started_at,
    completed_at
  )
    select r.id, r.campaign_id, r.campaign_type, r.platform, r.total_tasks, r.completed, r.failed,
           'completed', r.started_at, r.completed_at
      from jsonb_to_recordset(runs) as r (
        id uuid, campaign_id text, campaign_type text, platform text, total_tasks integer,
        completed integer, failed integer, started_at timestamptz, completed_at timestamptz)
  on conflict do nothing;
  get diagnostics new_runs = row_count;
  insert into safari_campaign_targets (
    id, campaign_id, platform, handle, contact_id, state, data, last_event_at, created_at, updated_at
  )
    select r.id, r.campaign_id, r.platform, r.handle, c.id, r.state, r.data, r.last_event_at,
           r.created_at, r.updated_at
      from jsonb_to_recordset(targets) as r (
        id uuid, campaign_id text, platform text, handle text, contact_id uuid, state text,
        data jsonb, last_event_at timestamptz, created_at timestamptz, updated_at timestamptz)
      left join crm_contacts c on c.id = r.contact_id
     where safari_campaign_ended(r.state)
  on conflict do nothing;
  get diagnostics new_targets = row_count;
  return jsonb_build_object('safari_command_queue', new_commands,
                            'safari_campaign_runs', new_runs,
                            'safari_campaign_targets', new_targets);
end $$;

create or replace function public.agent_sample_remove_ended(
  commands jsonb, runs jsonb, targets jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  gone_commands integer;
  gone_runs integer;
  gone_targets integer;
begin
  delete from safari_command_queue q
   where q.batch_id = 'sample' and commands ? q.id::text
     and q.status in ('completed', 'failed', 'cancelled');
  get diagnostics gone_commands = row_count;
  delete from safari_campaign_targets t where targets ? t.id::text;
  get diagnostics gone_targets = row_count;
  delete from safari_campaign_runs r where runs ? r.id::text;
  get diagnostics gone_runs = row_count;
  return jsonb_build_object('safari_command_queue', gone_commands,
                            'safari_campaign_runs', gone_runs,
                            'safari_campaign_targets', gone_targets);
end $$;

create or replace function public.safari_schedule_begin(
  job text, slot timestamptz, run uuid, host text
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  set_up_at constant timestamptz := coalesce((select min(w.started_at) from safari_workers w), now());
  is_before constant boolean := slot < set_up_at - interval '1 minute';
begin
  insert into safari_schedule_runs (job, slot, run, host, status, finished_at, detail)
    values (job, slot, run, host, case when is_before then 'done' else 'running' end,
            case when is_before then now() end,
            case when is_before then '{"skipped": "due before the first start"}'::jsonb end)
  on conflict on constraint safari_schedule_runs_pkey do nothing;
  if is_before then
    return to_jsonb(false);
  end if;
  return to_jsonb(exists (
    select from safari_schedule_runs r
     where r.job = safari_schedule_begin.job and r.slot = safari_schedule_begin.slot
       and r.run = safari_schedule_begin.run));
end $$;

create or replace function public.safari_schedule_end(
  job text, slot timestamptz, run uuid, ok boolean, detail jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  ended boolean;
begin
  update safari_schedule_runs r
     set status = case when ok then 'done' else 'failed' end, finished_at = clock_timestamp(),
         detail = safari_shortened(safari_schedule_end.detail)
   where r.job = safari_schedule_end.job and r.slot = safari_schedule_end.slot
     and r.run = safari_schedule_end.run and r.status = 'running';
  ended := found;
  if ended and not ok then
    perform safari_alert(
      format('schedule_failed:%s:%s', job, safari_today()), 'schedule_failed',
      jsonb_build_object('job', job, 'error', detail ->> 'error'));
  end if;
  return to_jsonb(ended);
end $$;

create or replace function public.safari_schedule() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('at', clock_timestamp(), 'jobs', coalesce((
    select jsonb_agg(jsonb_build_object(
             'job', n.job, 'slot', n.slot, 'host', n.host, 'started_at', n.started_at,
             'finished_at', n.finished_at, 'detail', safari_object(n.detail),
             'status', case when n.status = 'running' and n.started_at < now() - interval '1 hour'
                            then 'lost' else n.status end,
             'last_done_at', (
               select r.finished_at from safari_schedule_runs r
                where r.job = n.job and r.status = 'done' order by r.slot desc limit 1)
           ) order by n.job)
      from (select distinct on (s.job) s.* from safari_schedule_runs s
             order by s.job, s.slot desc) n), '[]'))
$$;

create or replace function public.safari_schedule_taken(known text default null) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('at', clock_timestamp(), 'version', v.version)
         || case when v.version is distinct from known then jsonb_build_object('slots', t.slots)
                 else '{}' end
    from (select coalesce(jsonb_object_agg(n.job, n.slot), '{}') as slots
            from (select job, max(slot) as slot from safari_schedule_runs group by job) n) t,
         lateral (select md5(t.slots::text) as version) v
$$;

create or replace function public.safari_rate_reset() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  return jsonb_build_object('day', safari_today() - 1, 'used', coalesce((
    select jsonb_agg(jsonb_build_object(
             'platform', l.platform, 'kind', l.action, 'used', l.used,
             'daily_limit', l.daily_limit) || safari_account_detail(l.account)
             order by l.platform, l.action, l.account)
      from safari_rate_limits l where l.limit_date = safari_today() - 1), '[]'));
end $$;

create or replace function public.safari_schema() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('version', v.version, 'release', v.release, 'oldest_code', v.oldest_code)
    from safari_schema_versions v order by v.version desc limit 1
$$;

create or replace function public.safari_migrations_guard() returns trigger
language plpgsql set search_path = public, pg_temp as $$
declare
  here integer := (select max(v.version) from safari_schema_versions v);
  given integer := coalesce(nullif(current_setting('actp.schema_version', true), ''), '0');
begin
  if given < here then
    raise exception using errcode = 'object_not_in_prerequisite_state', message = format(
      'the database is newer than this release (its schema version is %s): %s was not applied; '
      'update this copy with git pull', here, new.name);
  end if;
  return new;
end $$;

create or replace trigger safari_migrations_guard
  before insert or update on public.safari_migrations
  for each row execute function public.safari_migrations_guard();

create or replace function public.safari_address_names(address text) returns text[]
language plpgsql immutable as $$
declare
  bare text := rtrim(regexp_replace(regexp_replace(lower(btrim(address)),
                 '^https?://(www\.)?', ''), '[?#].*$', ''), '/');
begin
  if bare = '' then
    return '{}';
  elsif position('/' in bare) = 0 then
    return array[ltrim(bare, '@')];
  end if;
  return array[bare] || array(
    select ltrim(part, '@') from unnest((string_to_array(bare, '/'))[2:]) part
     where length(part) > 1 and part not in ('in', 'reel', 'status', 'video', 'post', 'tv'));
end $$;

create or replace function public.safari_recipient_names(params jsonb) returns text[]
language plpgsql immutable as $$
declare
  given jsonb := public.safari_params(params);
  names text[] := '{}';
  field text;
begin
  if jsonb_typeof(given) <> 'object' then
    return names;
  end if;
  foreach field in array array['username', 'handle', 'profileUrl', 'profile_url', 'postUrl',
                               'post_url', 'url'] loop
    if jsonb_typeof(given -> field) = 'string' then
      names := names || public.safari_address_names(given ->> field);
    end if;
  end loop;
  return names;
end $$;

create or replace function public.safari_words(params jsonb) returns text
language plpgsql immutable as $$
declare
  given jsonb := public.safari_params(params);
begin
  return case when jsonb_typeof(given) = 'object'
              then lower(concat_ws(' ', given ->> 'text', given ->> 'query')) else '' end;
end $$;

create or replace function public.safari_index_commands() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    delete from safari_command_index i using gone g where i.command_id = g.id;
    return null;
  end if;
  insert into safari_command_index as i (command_id, created_at, service, recipient_names, words)
    select c.id, c.created_at, c.service, safari_recipient_names(c.params), safari_words(c.params)
      from changed c
    on conflict (command_id) do update
      set created_at = excluded.created_at, service = excluded.service,
          recipient_names = excluded.recipient_names, words = excluded.words;
  return null;
end $$;

create or replace function public.safari_index_command() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update safari_command_index i
     set created_at = new.created_at, service = new.service,
         recipient_names = safari_recipient_names(new.params), words = safari_words(new.params)
   where i.command_id = new.id;
  return null;
end $$;

create or replace trigger safari_queue_index_insert
  after insert on public.safari_command_queue referencing new table as changed
  for each statement execute function public.safari_index_commands();

create or replace trigger safari_queue_index_delete
  after delete on public.safari_command_queue referencing old table as gone
  for each statement execute function public.safari_index_commands();

create or replace trigger safari_queue_index_update
  after update of params, service, created_at on public.safari_command_queue
  for each row when (new.params is distinct from old.params
                     or new.service is distinct from old.service
                     or new.created_at is distinct from old.created_at)
  execute function public.safari_index_command();

create or replace function public.safari_person_filter(who text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  addresses text[];
begin
  begin
    addresses := safari_person_addresses(safari_person_named(who));
  exception when invalid_parameter_value then
    addresses := safari_person_addresses('contact:' || agent_inbox_find(who));
  end;
  -- One name is another person elsewhere: each address counts on its own platform only.
  return (
    select format('i.command_id = any(array(select n.command_id from safari_command_index n'
                  ' join safari_services s on s.service = n.service'
                  ' where n.recipient_names && %L::text[] and (%s)))',
                  array_agg(p.name),
                  string_agg(format('s.platform = %L and n.recipient_names @> array[%L]',
                                    p.platform, p.name), ' or '))
      from (select split_part(a, ':', 1) as platform, lower(split_part(a, ':', 2)) as name
              from unnest(addresses || array[':']) a) p);
end $$;

create or replace function public.safari_filter(filter jsonb) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  field text;
  value text;
  names text[];
  conditions text[] := array['true'];
begin
  if jsonb_typeof(filter) <> 'object' then
    raise invalid_parameter_value using message = 'a filter is a JSON object';
  end if;
  for field, value in select e.key, btrim(e.value) from jsonb_each_text(filter) e order by e.key loop
    continue when coalesce(value, '') = '';
    case field
      when 'to' then
        -- A person or a post in whatever spelling; else what the words themselves name.
        names := array[lower(coalesce((safari_post(null, value)).id,
                                      (safari_address(null, value)).name))];
        if names = '{null}' then
          names := safari_address_names(value);
        end if;
        if cardinality(names) = 0 then
          raise invalid_parameter_value using message = 'a recipient is a handle or an address';
        end if;
        -- Looked up first: the planner takes any recipient to be a frequent one.
        conditions := conditions || format(
          'i.command_id = any(array(select n.command_id from safari_command_index n'
          ' where n.recipient_names @> %L::text[]))', names[1:1]);
      when 'person' then
        conditions := conditions || safari_person_filter(value);
      when 'text' then
        if length(value) < 3 then
          raise invalid_parameter_value using message = 'a search for text takes three letters or more';
        end if;
        conditions := conditions || format(
          'i.words like %L',
          '%' || regexp_replace(lower(value), '([\\%_])', '\\\1', 'g') || '%');
      when 'service' then
        conditions := conditions || format('i.service = %L', value);
      when 'platform', 'account', 'action', 'reason' then
        conditions := conditions || format('q.%I = %L', field, value);
      when 'campaign', 'batch' then
        conditions := conditions || format('q.%I = %L', field || '_id', value);
      when 'key' then
        conditions := conditions || format(
          'i.command_id = (select k.command_id from safari_idempotency_keys k where k.key = %L)', value);
      when 'status' then
        conditions := conditions || case value
          when 'unknown' then 'q.status = ''failed'' and q.reason = ''unknown'''
          when 'failed' then 'q.status = ''failed'''
          when 'ended' then 'q.status in (''completed'', ''failed'', ''cancelled'')'
          when 'open' then 'q.status in (''pending'', ''running'')'
          when 'pending' then 'q.status = ''pending'''
          when 'running' then 'q.status = ''running'''
          when 'completed' then 'q.status = ''completed'''
          when 'cancelled' then 'q.status = ''cancelled''' end;
        if conditions[cardinality(conditions)] is null then
          raise invalid_parameter_value using message = format('there is no status %s', value);
        end if;
      when 'since', 'until' then
        conditions := conditions || format(
          case when filter ->> 'status' in ('completed', 'failed', 'cancelled', 'unknown', 'ended')
               then 'q.completed_at' else 'i.created_at' end
          || case field when 'since' then ' >= ' else ' < ' end || '%L::timestamptz',
          value::timestamptz);
      when 'ids' then
        conditions := conditions || format(
          'i.command_id = any(%L::uuid[])',
          array(select i::uuid from jsonb_array_elements_text(filter -> 'ids') i));
      else
        raise invalid_parameter_value using message = format('a filter has no %s', field);
    end case;
  end loop;
  return array_to_string(conditions, ' and ');
exception when invalid_datetime_format or datetime_field_overflow or invalid_text_representation then
  raise invalid_parameter_value using message = format('%s: %L cannot be read', field, value);
end $$;

create or replace function public.safari_search(
  filter jsonb default '{}', after text default null, row_limit integer default 50
) returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  by_end boolean := coalesce(
    filter ->> 'status' in ('completed', 'failed', 'cancelled', 'unknown', 'ended'), false);
  moment text := case when by_end then 'completed_at' else 'created_at' end;
  condition text := safari_filter(filter);
  answer jsonb;
begin
  if row_limit is null or row_limit not between 1 and 10000 then
    raise invalid_parameter_value using message = 'a page has 1 to 10000 rows';
  end if;
  if by_end then
    condition := condition || ' and q.completed_at is not null'
      || ' and q.status in (''completed'', ''failed'', ''cancelled'')';
  end if;
  if after !~ '^[0-9T:.-]{10,32}Z_[0-9a-f-]{36}$' then
    raise invalid_parameter_value using message = 'there is no such page: begin at the first one';
  elsif after is not null then
    condition := condition || format(
      ' and (%s) < (%L::timestamptz, %L::uuid)',
      case when by_end then 'q.completed_at, q.id' else 'i.created_at, i.command_id' end,
      split_part(after, '_', 1), split_part(after, '_', 2));
  end if;
  execute format($query$
    with page as materialized (
      select q.id, q.service, q.action, q.platform, q.account, q.status, q.reason, q.error, q.hold, q.attempt,
             q.retry_count, q.priority, safari_shortened(q.params) as params,
             safari_shortened(q.result) as result, q.campaign_id, q.created_at,
             q.scheduled_for, q.completed_at
        from safari_command_index i join safari_command_queue q on q.id = i.command_id
       where %1$s
       order by %4$s desc, %5$s desc
       limit %3$s
    ), shown as (
      select p.*, row_number() over (order by p.%2$I desc, p.id desc) as place from page p
    )
    select jsonb_build_object(
      'rows', coalesce(jsonb_agg(to_jsonb(s) - 'place' order by s.place)
                       filter (where s.place < %3$s), '[]'),
      'next', (select to_char(l.%2$I at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                      || '_' || l.id
                 from shown l
                where l.place = %3$s - 1 and exists (select from shown m where m.place = %3$s)))
      from shown s $query$, condition, moment, row_limit + 1,
      case when by_end then 'q.completed_at' else 'i.created_at' end,
      case when by_end then 'q.id' else 'i.command_id' end)
    into answer;
  return answer || jsonb_build_object('at', now());
end $$;

create or replace function public.safari_place(service text, recipient text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select case service
           when 'instagram-dm' then 'https://www.instagram.com/direct/inbox/'
           when 'twitter-dm' then 'https://x.com/messages'
           when 'tiktok-dm' then 'https://www.tiktok.com/messages'
           when 'twitter-comments' then coalesce(recipient, 'https://x.com/home')
           else recipient
         end;
$$;

create or replace function public.safari_is_unsettled() returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (
    select from safari_command_queue q
      join safari_command_attempts a on a.command_id = q.id
     where q.status = 'failed' and q.reason = 'unknown'
       and a.outcome = 'unknown' and a.resolved_at is null
       and a.looks < 3
       and greatest(a.begun_at, a.next_look_at) > clock_timestamp() - interval '1 day')
$$;

drop function if exists public.safari_claim_looks(jsonb, double precision, uuid, integer);

create or replace function public.safari_claim_looks(
  rest jsonb, again_seconds double precision, only_id uuid default null, most integer default 5,
  accounts jsonb default '{}'
) returns jsonb
language sql set search_path = public, pg_temp as $$
  with due as (
    select a.command_id, a.attempt
      from safari_command_attempts a
      join safari_command_queue q on q.id = a.command_id
     where a.outcome = 'unknown' and a.resolved_at is null
       and q.status = 'failed' and q.reason = 'unknown'
       and rest ? a.service
       and a.account = safari_account_on(accounts, (
         select s.platform from safari_services s where s.service = a.service))
       and coalesce(a.finished_at, a.begun_at)
             + make_interval(secs => (rest ->> a.service)::double precision) <= clock_timestamp()
       and (a.command_id = only_id
            or only_id is null and a.looks < 3
               and coalesce(a.next_look_at, a.begun_at) <= clock_timestamp()
               and greatest(a.begun_at, a.next_look_at) > clock_timestamp() - interval '1 day')
     order by coalesce(a.next_look_at, a.begun_at) limit most
       for update of a skip locked
  ), looked as (
    update safari_command_attempts a
       set looks = a.looks + 1, looked_at = clock_timestamp(),
           next_look_at = clock_timestamp() + make_interval(secs => again_seconds)
      from due where a.command_id = due.command_id and a.attempt = due.attempt
    returning a.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', q.id, 'attempt', l.attempt, 'service', l.service, 'action', q.action,
           'platform', q.platform, 'params', q.params, 'recipient', l.recipient,
           'begun_at', l.begun_at, 'looks', l.looks,
           'was_sent_before', exists (
             select from safari_command_attempts earlier
              where earlier.service = l.service and earlier.recipient = l.recipient
                and earlier.text_hash = l.text_hash and earlier.begun_at < l.begun_at
                and (earlier.outcome is null or earlier.outcome in ('sent', 'unknown')))
         ) order by l.begun_at), '[]')
    from looked l join safari_command_queue q on q.id = l.command_id;
$$;

create or replace function public.safari_look_again(id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  update safari_command_attempts a
     set next_look_at = clock_timestamp(), looks = least(a.looks, 2)
   where a.command_id = command.id and a.outcome = 'unknown' and a.resolved_at is null
     and command.status = 'failed' and command.reason = 'unknown';
  if not found then
    raise object_not_in_prerequisite_state using
      message = format('command %s is not unknown but %s', command.id,
                       coalesce(command.reason, command.status));
  end if;
  perform safari_record_event(command.id, 'look_asked', null, null, null, null);
  perform safari_wake();
  return jsonb_build_object('id', command.id);
end $$;

create or replace function public.safari_record_look(
  id uuid, attempt integer, verdict text, detail text default null, address text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  looked safari_command_attempts;
  seen jsonb;
begin
  select * into looked from safari_command_attempts a
   where a.command_id = safari_record_look.id and a.attempt = safari_record_look.attempt
     and a.outcome = 'unknown' and a.resolved_at is null;
  if not found then
    return jsonb_build_object('id', safari_record_look.id, 'settled', null);
  end if;
  seen := jsonb_strip_nulls(jsonb_build_object(
    'verdict', verdict, 'at', looked.looked_at, 'times', looked.looks, 'detail', detail,
    'address', coalesce(address, safari_place(looked.service, looked.recipient))));
  if verdict in ('found', 'gone') then
    perform safari_resolve(safari_record_look.id, case verdict when 'found' then 'sent' else 'not-sent' end);
    update safari_command_queue q
       set result = coalesce(q.result, '{}') || jsonb_build_object('looked', seen)
             || case verdict when 'found'
                  then '{"verification": "seen", "verified": true, "settled_by": "reading"}'::jsonb
                  else '{"settled_by": "reading"}'::jsonb end,
           error = case verdict when 'gone' then 'settled by reading: it was not sent' end
     where q.id = safari_record_look.id;
    perform safari_alert(format('settled:%s:%s', looked.command_id, looked.attempt), 'settled',
      jsonb_build_object('command_id', looked.command_id, 'service', looked.service,
                         'recipient', looked.recipient, 'verdict', verdict,
                         'place', seen ->> 'address'));
  else
    update safari_command_queue q
       set result = coalesce(q.result, '{}') || jsonb_build_object('looked', seen)
     where q.id = safari_record_look.id;
  end if;
  perform safari_record_event(safari_record_look.id, 'looked', null, looked.attempt, null, seen);
  return jsonb_build_object('id', safari_record_look.id, 'looked', seen,
    'settled', case verdict when 'found' then 'sent' when 'gone' then 'not_sent' end);
end $$;

create or replace function public.safari_mark(shown text) returns text
language sql immutable set search_path = public, pg_temp as $$
  select left(encode(sha256(convert_to(shown, 'UTF8')), 'hex'), 12)
$$;

create or replace function public.safari_uuid(given text) returns uuid
language sql immutable set search_path = public, pg_temp as $$
  select case when given ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then given::uuid end
$$;

create or replace function public.safari_alert_platform(alert public.safari_alerts)
returns table (platform text, account text, service text)
language sql stable set search_path = public, pg_temp as $$
  select s.platform, safari_account_name(alert.detail ->> 'account'),
         case when alert.kind <> 'quota_reached' then s.service end
    from safari_services s
   where alert.kind in ('blocked', 'logged_out', 'suspicious', 'misconfigured', 'quota_reached')
     and s.platform is not null
     and (s.service = alert.detail ->> 'service'
          or (not alert.detail ? 'service' and s.platform = alert.detail ->> 'platform'))
   order by s.service limit 1
$$;

create or replace function public.safari_telegram_used(alert_id bigint, action text, mark text)
returns boolean
language sql stable set search_path = public, pg_temp as $$
  select exists (select from safari_telegram_presses p
                  where p.alert_id = safari_telegram_used.alert_id
                    and p.action = safari_telegram_used.action
                    and p.mark = safari_telegram_used.mark and p.answer ->> 'done' = 'true')
$$;

create or replace function public.safari_alert_offer(alert public.safari_alerts) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  d constant jsonb := alert.detail;
  about constant uuid := safari_uuid(coalesce(d ->> 'command_id', d ->> 'contact_id', d ->> 'review_id'));
  actions text[];
  shown text;
  mark text;
begin
  if jsonb_typeof(d) is distinct from 'object' then
    return null;
  end if;
  case alert.kind
    when 'unknown_outcome' then
      select array['sent', 'not_sent'], concat_ws('|', q.id, q.attempt, safari_command_hash(q))
        into actions, shown
        from safari_command_queue q
       where q.id = about and q.status = 'failed' and q.reason = 'unknown'
         and alert.key = format('unknown:%s:%s', q.id, q.attempt);
    when 'campaign_held' then
      select case when bool_or(t.hold like 'maybe\_replied%') then array['replied', 'go_on']
                  else array['replied'] end,
             string_agg(concat_ws('|', t.id, t.version, t.hold), ',' order by t.id)
        into actions, shown
        from safari_campaign_targets t
       where t.handle = d ->> 'handle' and t.platform = d ->> 'platform'
         and t.hold is not null and not safari_campaign_ended(t.state)
      having count(*) > 0;
    when 'reply' then
      select case when coalesce(r.snoozed_until > now(), false) then array['done']
                  else array['snooze', 'done'] end,
             concat_ws('|', r.contact_id, r.heard_at, r.words, r.snoozed_until, r.reason)
        into actions, shown
        from agent_inbox_rows(agent_person(about)) r
       where left(r.words, 500) is not distinct from d ->> 'words' limit 1;
    when 'draft' then
      select array['approve', 'reject'], v.content_hash into actions, shown
        from safari_review_rows() v
       where v.id = about and v.content_hash = d ->> 'content_hash' and v.expires_at > now();
    else
      select case when p.platform is null then
                       array['pause'] || case when a.service is not null then array['resume'] end
                  else array['resume'] end,
             concat_ws('|', a.platform, a.account, p.until, p.created_at)
        into actions, shown
        from safari_alert_platform(alert) a
        left join safari_pauses p on p.platform = a.platform and p.account = a.account
                                 and p.until > now();
  end case;
  if shown is null then
    return null;
  end if;
  mark := safari_mark(concat_ws('|', alert.id, alert.kind, shown));
  return jsonb_build_object('mark', mark, 'actions', (
    select coalesce(jsonb_agg(o.action order by o.place), '[]')
      from unnest(actions) with ordinality o (action, place)
     where not safari_telegram_used(alert.id, o.action, mark)));
end $$;

create or replace function public.safari_alert_state(alert public.safari_alerts) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  d constant jsonb := alert.detail;
  state text;
  decided record;
begin
  case alert.kind
    when 'unknown_outcome' then
      select case when q.status = 'failed' then coalesce(q.reason, q.status) else q.status end
        into state from safari_command_queue q where q.id = safari_uuid(d ->> 'command_id');
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action = 'resolve' and o.arguments ->> 'id' = d ->> 'command_id'
       order by o.id desc limit 1;
    when 'draft' then
      select r.state, r.decided_by as operator, r.decided_at as at into decided
        from safari_reviews r where r.id = safari_uuid(d ->> 'review_id');
      state := decided.state;
      if state = 'pending' then
        state := 'changed since, or waits no longer';
      end if;
    when 'campaign_held' then
      select string_agg(distinct t.state, ', ') into state from safari_campaign_targets t
       where t.handle = d ->> 'handle' and t.platform = d ->> 'platform'
         and t.campaign_id = d ->> 'campaign_id';
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action in ('campaign_replied', 'campaign_go_on')
         and o.arguments ->> 'handle' = d ->> 'handle' order by o.id desc limit 1;
    when 'reply' then
      state := case when exists (
        select from agent_inbox_rows(agent_person(safari_uuid(d ->> 'contact_id'))))
        then 'they wrote again, or the time of the snooze changed' else 'nothing waits' end;
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action in ('inbox_done', 'inbox_snooze', 'inbox_reply')
         and o.arguments ->> 'contact_id' = d ->> 'contact_id' order by o.id desc limit 1;
    else
      select case when p.platform is null then format('%s is not paused', a.platform)
                  when p.until = 'infinity' then format('%s is paused', a.platform)
                  else format('%s is paused until %s UTC', a.platform,
                              to_char(p.until at time zone 'utc', 'HH24:MI')) end
        into state
        from safari_alert_platform(alert) a
        left join safari_pauses p on p.platform = a.platform and p.account = a.account
                                 and p.until > now();
      select o.operator, o.at into decided from safari_operator_actions o
       where o.action in ('pause', 'resume') order by o.id desc limit 1;
  end case;
  return jsonb_build_object('state', coalesce(state, 'gone'), 'by', decided.operator,
                            'at', decided.at);
end $$;

create or replace function public.safari_alert_decide(
  alert public.safari_alerts, action text, operator text
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  pause_seconds constant double precision := 2 * 3600;
  snooze_seconds constant double precision := 24 * 3600;
  d constant jsonb := alert.detail;
  place record;
  answer jsonb;
begin
  case action
    when 'sent', 'not_sent' then
      return safari_act('resolve', jsonb_build_object(
        'id', d -> 'command_id', 'verdict', replace(action, '_', '-')), operator);
    when 'replied', 'go_on' then
      return safari_act('campaign_' || action, jsonb_build_object(
        'handle', d -> 'handle', 'platform', d -> 'platform'), operator);
    when 'snooze' then
      return safari_act('inbox_snooze', jsonb_build_object(
        'contact_id', d -> 'contact_id', 'seconds', snooze_seconds), operator);
    when 'done' then
      return safari_act('inbox_done', jsonb_build_object('contact_id', d -> 'contact_id'), operator);
    when 'approve', 'reject' then
      answer := safari_act('review', jsonb_build_object(
        'verdict', action, 'drafts', jsonb_build_array(jsonb_build_object(
          'id', d -> 'review_id', 'content_hash', d -> 'content_hash'))), operator);
      if (answer ->> 'done')::integer = 0 then
        raise object_not_in_prerequisite_state using
          message = 'this draft was decided, has expired, or is another text by now';
      end if;
      return answer;
    when 'pause' then
      select * into place from safari_alert_platform(alert);
      return safari_act('pause', jsonb_build_object(
        'platform', place.platform, 'account', place.account, 'seconds', pause_seconds,
        'note', 'from Telegram'), operator);
    when 'resume' then
      select * into place from safari_alert_platform(alert);
      -- With its account, even if that is empty: the pause of another account is not its business.
      answer := safari_act('resume', jsonb_build_object(
        'platform', place.platform, 'account', place.account), operator);
      if place.service is not null then
        answer := answer || jsonb_build_object('service', place.service) || safari_act(
          'resume_service', jsonb_build_object('service', place.service), operator);
      end if;
      return answer || jsonb_build_object('platform', place.platform);
    else
      raise invalid_parameter_value using message = format('there is no button %s', action);
  end case;
end $$;

create or replace function public.safari_announce_drafts() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  at_once constant integer := 5;
begin
  if not exists (select from safari_reviews r where r.state = 'pending' and r.expires_at > now()) then
    return;
  end if;
  insert into safari_alerts (key, kind, detail)
    select n.key, 'draft', n.detail from (
      select v.created_at, v.id, format('draft:%s:%s', v.id, left(v.content_hash, 12)) as key,
             jsonb_build_object(
               'review_id', v.id, 'content_hash', v.content_hash, 'kind', v.kind,
               'platform', v.platform, 'recipient', left(v.recipient, 200), 'body', v.body,
               'why', left(v.why, 300), 'expires_at', v.expires_at) as detail
        from safari_review_rows() v
       where v.expires_at > now()) n
     where not exists (select from safari_alerts a where a.key = n.key)
     order by n.created_at, n.id
     limit greatest(0, at_once - (
       select count(*) from safari_review_rows() v
        where exists (select from safari_alerts a
                       where a.key = format('draft:%s:%s', v.id, left(v.content_hash, 12)))))
  on conflict on constraint safari_alerts_key_key do nothing;
end $$;

create or replace function public.safari_telegram_lease(
  host text, seconds double precision, error text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  held safari_telegram;
begin
  insert into safari_telegram default values on conflict do nothing;
  select * into held from safari_telegram t for update;
  if held.holder <> host and held.lease_until > now() then
    return jsonb_build_object(
      'granted', false, 'wait_seconds', safari_seconds_until(held.lease_until));
  end if;
  update safari_telegram t
     set holder = host, lease_until = now() + make_interval(secs => seconds),
         error = left(safari_telegram_lease.error, 300), updated_at = now();
  return jsonb_build_object('granted', true, 'secret', held.secret);
end $$;

create or replace function public.safari_telegram_state() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'holder', case when t.lease_until > now() then t.holder end,
    'renewed_at', t.updated_at, 'error', t.error)
    from safari_telegram t
$$;

create or replace function public.safari_telegram_press(
  key text, host text, operator text, alert_id bigint, action text, mark text
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  alert safari_alerts;
  offer jsonb;
  done jsonb;
  why text;
  known jsonb;
begin
  if not exists (select from safari_telegram t where t.holder = host and t.lease_until > now()) then
    raise object_not_in_prerequisite_state using
      message = 'another host receives the updates of Telegram now';
  end if;
  -- One decision after the other: two presses of one button must not both find it unused.
  perform pg_advisory_xact_lock(hashtextextended('safari_telegram', 0));
  insert into safari_telegram_presses as p (key, operator, alert_id, action, mark)
    values (safari_telegram_press.key, left(safari_telegram_press.operator, 200),
            safari_telegram_press.alert_id, safari_telegram_press.action, safari_telegram_press.mark)
    on conflict on constraint safari_telegram_presses_pkey do nothing;
  if not found then
    select p.answer into known from safari_telegram_presses p where p.key = safari_telegram_press.key;
    return known || jsonb_build_object('repeated', true);
  end if;
  select * into alert from safari_alerts a where a.id = safari_telegram_press.alert_id;
  if found then
    perform from safari_command_queue q where q.id = safari_uuid(alert.detail ->> 'command_id') for update;
    offer := safari_alert_offer(alert);
    if safari_telegram_used(alert.id, action, mark) then
      why := 'used';
    elsif offer is null or offer ->> 'mark' <> safari_telegram_press.mark
          or not offer -> 'actions' ? safari_telegram_press.action then
      why := 'changed';
    else
      begin
        done := safari_alert_decide(alert, action, operator);
        update safari_telegram_presses p set answer = '{"done": true}'
         where p.key = safari_telegram_press.key;
      exception
        when object_not_in_prerequisite_state or no_data_found or invalid_parameter_value then
          why := sqlerrm;
      end;
    end if;
  else
    why := 'gone';
  end if;
  known := jsonb_build_object(
    'done', why is null, 'why', why, 'answer', done, 'at', now(), 'operator', operator,
    'alert', case when alert.id is not null then jsonb_build_object(
      'id', alert.id, 'kind', alert.kind, 'detail', alert.detail, 'created_at', alert.created_at) end,
    'state', case when alert.id is not null then safari_alert_state(alert) end,
    'offer', case when alert.id is not null then safari_alert_offer(alert) end);
  update safari_telegram_presses p set answer = known where p.key = safari_telegram_press.key;
  return known || jsonb_build_object('repeated', false);
end $$;

create or replace function public.agent_trends_sightings(
  source text, after uuid default null, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(s) order by s.id), '[]') from (
    (select r.id, safari_platform(r.source_platform) as platform, r.handle, null::integer as followers,
            r.scraped_at as at, r.author_name as name
       from actp_platform_research r
      where source = 'platform_research' and (after is null or r.id > after)
      order by r.id limit row_limit)
    union all
    (select t.id, 'twitter', t.author_handle, t.author_follower_count, t.scraped_at,
            t.author_display_name
       from actp_twitter_research t
      where source = 'twitter_research' and (after is null or t.id > after)
      order by t.id limit row_limit)
    union all
    (select c.id, safari_platform(c.platform), c.handle, c.followers, c.last_synced_at,
            c.display_name
       from actp_platform_creators c
      where source = 'creators' and (after is null or c.id > after)
      order by c.id limit row_limit)
  ) s
$$;

create or replace function public.agent_trends_contacts(
  after uuid default null, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(c) order by c.id), '[]') from (
    select c.id, safari_platform(c.platform) as platform, c.username, c.display_name, c.email,
           c.twitter_handle as twitter, c.instagram_handle as instagram, c.tiktok_handle as tiktok,
           c.linkedin_url as linkedin
      from crm_contacts c
     where c.archived_at is null and (after is null or c.id > after)
     order by c.id limit row_limit
  ) c
$$;

create or replace function public.agent_trends_posts(
  source text, after uuid default null, days integer default 7, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.id), '[]') from (
    (select r.id, safari_platform(r.source_platform) as platform, r.niche,
            left(r.post_text, 300) as text, r.post_url as url, r.likes, r.shares,
            r.comments_count as replies, r.views,
            agent_days_ago(least(r.scraped_at, r.created_at)) as days_ago
       from actp_platform_research r
      where source = 'platform_research' and (after is null or r.id > after)
        and r.scraped_at > now() - make_interval(days => days)
        and least(r.scraped_at, r.created_at) > now() - make_interval(days => days)
      order by r.id limit row_limit)
    union all
    (select t.id, 'twitter', t.niche, left(t.tweet_text, 300), t.tweet_url, t.likes,
            case when t.retweets is not null or t.quotes is not null
                 then coalesce(t.retweets, 0) + coalesce(t.quotes, 0) end, t.replies, t.views,
            agent_days_ago(least(t.scraped_at, t.created_at))
       from actp_twitter_research t
      where source = 'twitter_research' and (after is null or t.id > after)
        and t.scraped_at > now() - make_interval(days => days)
        and least(t.scraped_at, t.created_at) > now() - make_interval(days => days)
      order by t.id limit row_limit)
    union all
    (select v.id, 'youtube', p.niche, left(v.title, 300),
            'https://www.youtube.com/watch?v=' || v.video_id, v.likes, null, v.comments_count,
            v.views, agent_days_ago(v.published_at)
       from youtube_video_stats v
       join actp_content_performance p on p.platform = 'youtube' and p.external_id = v.video_id
      where source = 'youtube' and (after is null or v.id > after)
        and v.published_at > now() - make_interval(days => days)
        and not exists (select from youtube_video_stats n
                         where n.video_id = v.video_id and n.checked_at > v.checked_at)
      order by v.id limit row_limit)
  ) p
$$;

create or replace function public.agent_days_ago(at timestamptz) returns integer
language sql stable as $$
  select greatest(0, floor(extract(epoch from now() - safari_bounded(at)) / 86400))::integer
$$;

create or replace function public.agent_trends_store(rows jsonb, alert_from integer default 3)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  risen jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_trends', 0));
  insert into actp_cross_platform_trends as t (
    niche, platforms, platform_count, total_engagement, avg_engagement, trend_strength, top_posts,
    rise, detected_at, updated_at
  )
    select r.niche, array(select jsonb_array_elements_text(r.platforms)), r.platform_count,
           r.total_engagement, r.avg_engagement, r.trend_strength, r.top_posts, r.rise, now(), now()
      from jsonb_to_recordset(rows) as r (
        niche text, platforms jsonb, platform_count integer, total_engagement numeric,
        avg_engagement numeric, trend_strength numeric, top_posts jsonb, rise numeric)
     order by r.niche
  on conflict (niche) do update
    set platforms = excluded.platforms, platform_count = excluded.platform_count,
        total_engagement = excluded.total_engagement, avg_engagement = excluded.avg_engagement,
        trend_strength = excluded.trend_strength, top_posts = excluded.top_posts,
        rise = excluded.rise, updated_at = now();
  select coalesce(jsonb_agg(r order by (r ->> 'trend_strength')::numeric desc), '[]') into risen
    from jsonb_array_elements(rows) r
   where coalesce((r ->> 'is_rising')::boolean, true) or r ->> 'rise' is null;
  -- Over is what is no trend any more, or is back near its baseline.
  update actp_cross_platform_trends t set rising_since = null
   where t.rising_since is not null
     and not exists (select from jsonb_array_elements(rows) r
                      where r ->> 'niche' = t.niche
                        and coalesce((r ->> 'rise')::numeric, 9) >= 1.2);
  if jsonb_array_length(risen) >= alert_from
     and exists (select from actp_cross_platform_trends t
                  where t.rising_since is null and risen @> jsonb_build_array(
                    jsonb_build_object('niche', t.niche))) then
    update actp_cross_platform_trends t set rising_since = now()
     where t.rising_since is null
       and risen @> jsonb_build_array(jsonb_build_object('niche', t.niche));
    perform safari_alert(
      'trend_spike:' || now(), 'trend_spike',
      jsonb_build_object('trends', (
        select jsonb_agg(jsonb_build_object(
                 'niche', r -> 'niche', 'platforms', r -> 'platforms', 'posts', r -> 'posts',
                 'strength', r -> 'trend_strength', 'rise', r -> 'rise', 'hook', r -> 'hook'))
          from jsonb_array_elements(risen) r)));
  end if;
  return jsonb_build_object('stored', jsonb_array_length(rows));
end $$;

drop function if exists public.safari_service_wait(text);

create or replace function public.safari_service_wait(service text, account text default null)
returns jsonb
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

create or replace function public.safari_wait_of(command safari_command_queue) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_strip_nulls(case
           when command.hold is not null then jsonb_build_object('for', command.hold)
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
      select g.* from safari_any_gate(command.service, command.platform) g
       where sender.name is null
      union all
      select g.* from safari_service_gate(command.service, command.platform, sender.name) g
       where sender.name is not null) gate
    left join lateral (
      select e.detail ->> 'reason' as reason, e.detail ->> 'error' as error
        from safari_command_events e
       where e.command_id = command.id and e.event in ('waiting', 'retrying')
       order by e.id desc limit 1) last on true
   where command.status = 'pending';
$$;

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

create or replace function public.safari_webhook_body(command public.safari_command_queue) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'type', 'command.' || case when command.status = 'failed' and command.reason = 'unknown'
                               then 'unknown' else command.status end,
    'timestamp', clock_timestamp(),
    'data', jsonb_build_object(
      'id', command.id, 'action', command.action, 'platform', command.platform,
      'service', command.service, 'status', command.status, 'reason', command.reason,
      'error', left(command.error, 500), 'attempt', command.attempt,
      'result', case when pg_column_size(command.result) < 16000 then safari_shortened(command.result)
                     else jsonb_build_object('outcome', command.result -> 'outcome') end,
      'idempotency_key', command.idempotency_key, 'campaign_id', command.campaign_id,
      'batch_id', command.batch_id,
      'metadata', case when pg_column_size(command.metadata) < 16000
                       then safari_shortened(command.metadata) end,
      'created_at', command.created_at, 'completed_at', command.completed_at))
$$;

create or replace function public.safari_webhook_result() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if exists (select from safari_webhook_state s where s.recorded_until > now())
     and new.service is distinct from 'foreign' then
    insert into safari_webhooks (command_id, body) values (new.id, safari_webhook_body(new));
  end if;
  return null;
end $$;

create or replace trigger safari_webhook_insert
  after insert on public.safari_command_queue
  for each row when (new.status in ('completed', 'failed', 'cancelled'))
  execute function public.safari_webhook_result();

create or replace trigger safari_webhook_update
  after update of status, reason on public.safari_command_queue
  for each row when (new.status in ('completed', 'failed', 'cancelled')
                     and (new.status, new.reason) is distinct from (old.status, old.reason))
  execute function public.safari_webhook_result();

create or replace function public.safari_webhooks_claim(row_limit integer, seconds double precision)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  kept_for constant interval := '7 days';
  items jsonb;
begin
  update safari_webhook_state s set recorded_until = now() + kept_for
   where s.recorded_until < now() + kept_for - interval '1 hour';
  with due as (
    select w.id from safari_webhooks w
     where w.delivered_at is null and w.dead_at is null and w.next_attempt_at <= now()
       and coalesce(w.claimed_until <= now(), true)
     order by w.next_attempt_at, w.id limit row_limit for update skip locked
  ), taken as (
    update safari_webhooks w
       set claimed_until = now() + make_interval(secs => seconds), attempts = w.attempts + 1
      from due where w.id = due.id
    returning w.id, w.key, w.body, w.attempts
  )
  select jsonb_agg(to_jsonb(t) order by t.id) into items from taken t;
  return jsonb_build_object('items', coalesce(items, '[]'), 'wait_seconds', case when items is null then (
    select safari_seconds_until(min(greatest(w.next_attempt_at, w.claimed_until)))
      from safari_webhooks w where w.delivered_at is null and w.dead_at is null) end);
end $$;

create or replace function public.safari_webhooks_done(results jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_attempts constant integer := 10;
  given_up integer;
begin
  with told as (
    select r.*, w.attempts
      from jsonb_to_recordset(results) as r (
             id bigint, delivered boolean, http_status integer, error text, is_final boolean,
             wait_seconds double precision, untried boolean)
      join safari_webhooks w on w.id = r.id and w.delivered_at is null
     order by w.id for update of w
  ), stored as (
    update safari_webhooks w
       set claimed_until = null, http_status = t.http_status,
           error = case when t.untried then w.error else left(t.error, 300) end,
           attempts = w.attempts - case when t.untried then 1 else 0 end,
           delivered_at = case when t.delivered then now() end,
           dead_at = case when not t.delivered and not coalesce(t.untried, false)
                               and (t.is_final or t.attempts >= most_attempts) then now() end,
           next_attempt_at = case when t.delivered then w.next_attempt_at else
             now() + make_interval(secs => greatest(coalesce(t.wait_seconds, 0),
               case when t.untried then 0
                    else least(21600, 5 * 4 ^ (t.attempts - 1)) * (0.9 + 0.2 * random()) end)) end
      from told t where w.id = t.id
    returning w.dead_at
  )
  select count(*) into given_up from stored s where s.dead_at is not null;
  if given_up > 0 then
    perform safari_alert(
      format('webhook_given_up:%s', safari_today()), 'webhook_given_up',
      jsonb_build_object('count', (select count(*) from safari_webhooks w where w.dead_at is not null),
                         'error', results -> 0 ->> 'error'));
  end if;
  return jsonb_build_object('given_up', given_up);
end $$;

create or replace function public.safari_webhooks(state text default null, row_limit integer default 20)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with named as (
    select w.*, case when w.delivered_at is not null then 'delivered'
                     when w.dead_at is not null then 'given_up' else 'waiting' end as state
      from safari_webhooks w
  )
  select jsonb_build_object(
    'waiting', (select count(*) from named n where n.state = 'waiting'),
    'delivered', (select count(*) from named n where n.state = 'delivered'),
    'given_up', (select count(*) from named n where n.state = 'given_up'),
    'rows', coalesce((
      select jsonb_agg(to_jsonb(l) order by l.id desc) from (
        select n.id, n.key, n.command_id, n.body ->> 'type' as type, n.state, n.attempts,
               n.http_status, n.error, n.created_at, n.delivered_at,
               case when n.state = 'waiting' then n.next_attempt_at end as next_attempt_at
          from named n where safari_webhooks.state is null or n.state = safari_webhooks.state
         order by n.id desc limit least(greatest(row_limit, 1), 1000)) l), '[]'))
$$;

create or replace function public.safari_webhooks_retry(key text default null) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  due integer;
begin
  update safari_webhooks w
     set dead_at = null, delivered_at = null, attempts = 0, next_attempt_at = now(),
         claimed_until = null
   where case when safari_webhooks_retry.key is null then w.dead_at is not null
              else w.key = safari_webhooks_retry.key end;
  get diagnostics due = row_count;
  if due = 0 and key is not null then
    raise no_data_found using message = format('there is no result %s', left(key, 60));
  end if;
  return jsonb_build_object('due', due);
end $$;

create or replace function public.agent_plural(count bigint, noun text) returns text
language sql immutable as $$
  select format('%s %s%s', count, noun, case when count = 1 then '' else 's' end)
$$;

create or replace function public.agent_best_post(days integer) returns text
language sql stable set search_path = public, pg_temp as $$
  with scores as (
    select s.*, coalesce(s.score_24h, s.score) as brought from agent_post_scores(30) s
  ), means as (
    select s.platform, avg(s.brought) as mean, count(*) as posts from scores s group by s.platform
  )
  select format('best post: %s on %s, %s engagement, %s times the mean of %s; %s at %s:00 UTC',
                coalesce('“' || left(nullif(btrim(split_part(p.title, E'\n', 1)), ''), 80) || '”',
                         s.external_id),
                s.platform, round(s.brought), round(s.brought / nullif(m.mean, 0), 1),
                agent_plural(m.posts, 'post'),
                concat_ws(', ', agent_niche(s.niche), p.content_type),
                extract(hour from s.published_at at time zone 'utc'))
    from scores s join means m using (platform)
    join actp_content_performance p
      on safari_platform(p.platform) = s.platform and p.external_id = s.external_id
   where s.published_at > now() - make_interval(days => days)
   order by s.brought / nullif(m.mean, 0) desc nulls last, s.brought desc, s.external_id limit 1
$$;

create or replace function public.agent_weekly_report() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  since timestamptz := now() - interval '7 days';
  lines jsonb;
begin
  with runs as (
    select t.domain, count(*) as runs,
           count(*) filter (where t.status in ('error', 'failed')) as failed,
           (array_agg(t.task order by t.created_at desc)
             filter (where t.status in ('error', 'failed')))[1] as last_failed
      from actp_agent_tasks t where t.created_at > since group by t.domain
  ), said as (
    select 5 as place, '' as name, format('messages: %s sent, %s from %s, %s waiting',
             (select count(*) from crm_message_queue q
               where q.status = 'sent' and q.sent_at > since),
             case when count(*) = 1 then '1 reply' else count(*) || ' replies' end,
             case when count(distinct m.who) = 1 then '1 person' else count(distinct m.who) || ' people' end,
             (select count(*) from crm_message_queue q where q.status in ('pending', 'sending')))
           as line
      from (select coalesce(x.contact_id::text, safari_platform(x.platform) || ':' || x.username)
                     as who
              from crm_messages x
             where not coalesce(x.is_outbound, x.direction = 'outbound', false)
               and x.sent_at > since) m
    having count(*) > 0 or exists (select from crm_message_queue q
                                    where q.status in ('pending', 'sending')
                                       or (q.status = 'sent' and q.sent_at > since))
    union all
    select 6, '', format('conversions: %s', agent_plural(count(*), 'contact') || ' closed as won')
      from crm_contacts c
     where lower(btrim(coalesce(c.pipeline_stage, c.relationship_stage, ''))) in (
             'closed_won', 'closed won', 'won', 'client', 'customer')
       and c.updated_at > since
    having count(*) > 0
    union all
    select 3, '', format('prospects: %s in decision, %s researched',
             count(*) filter (where p.funnel_stage = 'decision'),
             count(*) filter (where p.research_done))
      from actp_prospect_scores p
    union all
    select 4, '', format('content: %s published, %s rendered',
             (select count(*) from actp_content_performance c where c.published_at > since),
             (select count(*) from actp_gen_jobs j
               where j.model = 'remotion' and j.completed_at > since))
    union all
    select 7, '', agent_best_post(7)
    union all
    select 8, '', format('A/B tests: %s won, %s without a winner%s',
             count(*) filter (where t.winner in ('a', 'b')), count(*) filter (where t.winner = 'tie'),
             '; last winner: “' || left((array_agg(
               case t.winner when 'a' then t.variant_a_text else t.variant_b_text end
               order by t.completed_at desc) filter (where t.winner in ('a', 'b')))[1], 80) || '”')
      from actp_ab_tests t where t.completed_at > since
    having count(*) > 0
    union all
    select 9, '', format('posting hours: changed %s', agent_plural(
             sum((t.result #>> '{data,changed}')::integer), 'time'))
      from actp_agent_tasks t
     where t.domain = 'scheduler' and t.task = 'optimize' and t.created_at > since
       and jsonb_typeof(t.result #> '{data,changed}') = 'number'
    having sum((t.result #>> '{data,changed}')::integer) > 0
    union all
    select 2, '', format('commands: %s completed, %s failed, %s waiting',
             count(*) filter (where q.status = 'completed' and q.completed_at > since),
             count(*) filter (where q.status = 'failed' and q.completed_at > since),
             count(*) filter (where q.status = 'pending'))
      from safari_command_queue q
    union all
    select 1, r.domain, format('%s: %s, %s failed%s', r.domain, agent_plural(r.runs, 'run'), r.failed,
                               coalesce(' (last: ' || r.last_failed || ')', ''))
      from runs r
  )
  select jsonb_agg(s.line order by s.place, s.name) into lines from said s where s.line is not null;
  perform safari_alert('weekly_report:' || to_char(now() at time zone 'utc', 'IYYY-IW'),
                       'weekly_report', jsonb_build_object('domain', 'all agents', 'lines', lines));
  return jsonb_build_object('lines', lines);
end $$;

create or replace function public.agent_publish_task(task_id uuid) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'id', w.id, 'lease', w.lease_number, 'input', safari_shortened(w.input_data),
    'now', clock_timestamp(),
    'timeout_minutes', w.timeout_minutes,
    'paused', coalesce((select jsonb_agg(p.platform) from safari_pauses p
                         where p.account = '' and p.until > now()), '[]'),
    'attempts', coalesce((
      select jsonb_agg(to_jsonb(a) order by a.attempt) from actp_publish_attempts a
       where a.task_id = w.id), '[]'))
    from actp_workflow_tasks w where w.id = agent_publish_task.task_id
$$;

create or replace function public.agent_publish_set_aside(task_id uuid, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform agent_publish_tell_unknown(a.task_id, a.platform, agent_publish_set_aside.error)
     from actp_publish_attempts a
    where a.task_id = agent_publish_set_aside.task_id and a.outcome is null;
  update actp_publish_attempts a
     set outcome = 'unknown', finished_at = clock_timestamp(),
         error = agent_publish_set_aside.error
   where a.task_id = agent_publish_set_aside.task_id and a.outcome is null;
  update actp_workflow_tasks w
     set status = 'failed', error = agent_publish_set_aside.error, lease_number = 0,
         lease_expires_at = null, next_at = null, completed_at = now()
   where w.id = agent_publish_set_aside.task_id and w.status in ('pending', 'running');
  if found then
    perform safari_alert(format('publish_failed:%s', task_id), 'publish_failed',
      jsonb_build_object('platforms', '[]'::jsonb, 'error', agent_publish_set_aside.error));
  end if;
  return to_jsonb(found);
end $$;

create or replace function public.agent_publish_fault(task public.actp_workflow_tasks) returns text
language sql stable as $$
  select case
    when task.lease_number not between 0 and 9000000000000000000
      then format('its lease number is %s', task.lease_number)
    else 'its input_data ' || safari_unreadable(task.input_data) end
$$;

create or replace function public.agent_publish_claim(
  boot_id uuid, host_key text, worker text, lease_seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  due actp_workflow_tasks;
  found_id uuid;
  doubt constant text := 'the publisher stopped while Blotato was asked; nobody knows whether it is out';
begin
  perform safari_review_refresh();
  loop
    select w.* into due from actp_workflow_tasks w
     where w.task_type = 'blotato_multi_publish'
       and not agent_publish_is_stale(w) and not safari_post_waits(w)
       and ((w.status = 'pending' and coalesce(w.next_at <= now(), true))
            or (w.status = 'running' and w.lease_number > 0
                and (coalesce(w.lease_expires_at <= now(), w.next_at <= now(), true)
                     or (w.lease_expires_at is not null
                         and w.host_key = agent_publish_claim.host_key))))
     order by w.next_at nulls first, w.created_at, w.id limit 1
       for update skip locked;
    exit when not found or agent_publish_fault(due) is null;
    perform agent_publish_set_aside(due.id, agent_publish_fault(due));
  end loop;
  found_id := due.id;
  if found_id is null then
    return jsonb_build_object('task', null, 'next_due_seconds', (
      select safari_seconds_until(min(coalesce(w.lease_expires_at, w.next_at, now())))
        from actp_workflow_tasks w
       where w.task_type = 'blotato_multi_publish'
         and not agent_publish_is_stale(w) and not safari_post_waits(w)
         and (w.status = 'pending' or (w.status = 'running' and w.lease_number > 0))));
  end if;
  update actp_workflow_tasks w
     set status = 'running', boot_id = agent_publish_claim.boot_id,
         host_key = agent_publish_claim.host_key, lease_number = w.lease_number + 1,
         lease_expires_at = now() + make_interval(secs => lease_seconds), next_at = null,
         claimed_by = worker, claimed_at = coalesce(w.claimed_at, now())
   where w.id = found_id;
  perform agent_publish_tell_unknown(found_id, a.platform, doubt)
     from actp_publish_attempts a where a.task_id = found_id and a.outcome is null;
  update actp_publish_attempts a
     set outcome = 'unknown', finished_at = clock_timestamp(), error = doubt
   where a.task_id = found_id and a.outcome is null;
  return jsonb_build_object('task', agent_publish_task(found_id));
end $$;

create or replace function public.agent_publish_begin(
  task_id uuid, boot_id uuid, lease_number bigint, platform text, lease_seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  video uuid;
  earlier actp_publish_attempts;
  number integer;
  verdict text := 'granted';
begin
  if not agent_publish_holds(task_id, boot_id, lease_number, lease_seconds) then
    return jsonb_build_object('verdict', 'lost');
  elsif exists (select from safari_pauses p
                 where p.platform in ('all', agent_publish_begin.platform) and p.account = ''
                   and p.until > now()) then
    return jsonb_build_object('verdict', 'paused', 'task', agent_publish_task(task_id));
  end if;
  select agent_publish_video(w.input_data) into video from actp_workflow_tasks w where w.id = task_id;
  -- Two tasks of one video begin one after the other.
  perform pg_advisory_xact_lock(hashtextextended(
    format('publish:%s:%s', coalesce(video, task_id), platform), 0));
  select * into earlier from actp_publish_attempts a
   where a.platform = agent_publish_begin.platform and a.outcome is distinct from 'not_sent'
     and (a.task_id = agent_publish_begin.task_id or a.gen_job_id = video)
   order by a.task_id = agent_publish_begin.task_id desc limit 1;
  select coalesce(max(a.attempt), 0) + 1 into number from actp_publish_attempts a
   where a.task_id = agent_publish_begin.task_id and a.platform = agent_publish_begin.platform;
  if earlier.task_id = agent_publish_begin.task_id then
    if earlier.outcome is null and earlier.boot_id = agent_publish_begin.boot_id then
      number := earlier.attempt;  -- the same begin again: its answer was lost on the way
    else
      verdict := 'refused';
    end if;
  elsif earlier.task_id is not null then
    verdict := 'refused';
    insert into actp_publish_attempts (
      task_id, platform, attempt, gen_job_id, boot_id, outcome, finished_at, error
    ) values (
      task_id, platform, number, video, boot_id, 'not_sent', clock_timestamp(),
      format('task %s has published this video there, or may have', earlier.task_id));
  else
    insert into actp_publish_attempts (task_id, platform, attempt, gen_job_id, boot_id)
    values (task_id, platform, number, video, boot_id);
  end if;
  return jsonb_build_object('verdict', verdict, 'attempt', number,
                            'task', agent_publish_task(task_id));
end $$;

create or replace function public.agent_publish_finish(
  task_id uuid, boot_id uuid, lease_number bigint, error text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  task actp_workflow_tasks;
  said record;
  video actp_gen_jobs;
begin
  if not agent_publish_holds(task_id, boot_id, lease_number, 0) then
    return to_jsonb(false);
  end if;
  select * into task from actp_workflow_tasks w where w.id = agent_publish_finish.task_id;
  select count(*) filter (where l.outcome = 'sent') as posts,
         coalesce(jsonb_agg(jsonb_build_object(
           'platform', l.platform, 'post_url', l.url,
           'post_id', coalesce(agent_publish_post_id(l.url), l.submission_id),
           'submission_id', l.submission_id) order by l.begun_at)
           filter (where l.outcome = 'sent'), '[]') as published,
         coalesce(jsonb_agg(l.platform order by l.begun_at)
                  filter (where l.outcome = 'not_sent'), '[]') as failed,
         coalesce(jsonb_agg(l.platform order by l.begun_at)
                  filter (where l.outcome = 'unknown'), '[]') as unknown,
         coalesce(jsonb_object_agg(l.platform, l.error) filter (where l.outcome <> 'sent'), '{}')
           as errors,
         string_agg(format('%s: %s', l.platform, l.error), '; ' order by l.begun_at)
           filter (where l.outcome = 'not_sent') as complaint,
         string_agg(format('%s: %s', l.platform, l.error), '; ' order by l.begun_at)
           filter (where l.outcome <> 'sent') as troubles
    into said
    from (select distinct on (a.platform) a.* from actp_publish_attempts a
           where a.task_id = agent_publish_finish.task_id
           order by a.platform, a.attempt desc) l;

  update actp_workflow_tasks w
     set status = case when said.posts > 0 then 'succeeded' else 'failed' end,
         output_data = jsonb_build_object(
           'published', said.published, 'publish_count', said.posts,
           'failed_platforms', said.failed, 'unknown_platforms', said.unknown,
           'errors', said.errors),
         error = coalesce(agent_publish_finish.error, said.troubles),
         lease_expires_at = null, next_at = null, completed_at = now()
   where w.id = task.id;

  select * into video from actp_gen_jobs j
   where j.id = agent_publish_video(task.input_data) and j.model = 'remotion' for update;
  update actp_gen_jobs j
     set status = case when said.posts > 0 or said.unknown <> '[]' then 'distributed'
                       else 'failed' end,
         error = coalesce(agent_publish_finish.error, said.troubles), updated_at = now()
   where j.id = video.id and j.status in ('distributing', 'distributed', 'failed');

  -- What nobody has measured yet is null, not nothing.
  insert into actp_content_performance (
    external_id, platform, niche, content_type, offer_tags, topic_tags, views, likes,
    comments_count, watch_time_minutes, engagement_score, title, published_at
  )
    select p ->> 'post_id', p ->> 'platform', coalesce(video.niche, video.brief ->> 'niche'),
           video.brief ->> 'content_type',
           array_remove(array[nullif(video.brief ->> 'offer_tag', 'none')], null), '{}', null, null,
           null, null, null,
           coalesce(video.brief ->> 'hook',
                    left(split_part(coalesce(
                      task.input_data #>> array['descriptions', p ->> 'platform'],
                      task.input_data ->> 'description', task.input_data ->> 'text'), E'\n', 1), 200)),
           now()
      from jsonb_array_elements(said.published) p
     where p ->> 'post_id' is not null order by p ->> 'platform'
    on conflict (platform, external_id) do nothing;
  perform agent_post_noted(a.platform, agent_publish_post_id(a.url), a.url,
                           coalesce(a.published_at, now()))
     from actp_publish_attempts a
    where a.task_id = task.id and a.outcome = 'sent' and a.url is not null;

  if said.posts > 0 then
    perform safari_alert(format('published:%s', task.id), 'published', jsonb_build_object(
      'platforms', jsonb_path_query_array(said.published, '$[*].platform'),
      'urls', jsonb_path_query_array(said.published, '$[*].post_url ? (@ != null)')));
  end if;
  if agent_publish_finish.error is not null or said.failed <> '[]' then
    perform safari_alert(format('publish_failed:%s', task.id), 'publish_failed', jsonb_build_object(
      'platforms', said.failed, 'error', coalesce(agent_publish_finish.error, said.complaint)));
  end if;
  return to_jsonb(true);
end $$;

create or replace function public.agent_youtube_refresh() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  refreshed integer;
begin
  update actp_content_performance p
     set views = s.views, likes = s.likes, comments_count = s.comments_count,
         watch_time_minutes = s.watch_time_minutes,
         -- Without likes or views it was not measured.
         engagement_score = s.likes * 3 + coalesce(s.comments_count, 0) * 4 + s.views * 0.1
    from (select distinct on (y.video_id) y.* from youtube_video_stats y
           order by y.video_id, y.checked_at desc, y.id desc) s
   where p.platform = 'youtube' and p.external_id = s.video_id
     and (p.views, p.likes, p.comments_count, p.watch_time_minutes) is distinct from
         (s.views, s.likes, s.comments_count, s.watch_time_minutes);
  get diagnostics refreshed = row_count;
  return jsonb_build_object('refreshed', refreshed);
end $$;

drop function if exists public.agent_resonance_recompute();

create or replace function public.agent_resonance_recompute(niches jsonb default null) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  began timestamptz := clock_timestamp();
  groups integer;
  removed integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_resonance', 0));
  with spelled as materialized (
    select safari_platform(p.platform) as platform, agent_niche(p.niche) as niche,
           coalesce(p.content_type, 'educational') as content_type, p.views,
           p.engagement_score as engagement, p.watch_time_minutes as watch_time, p.offer_tags,
           p.external_id, p.title
      from actp_content_performance p
     where p.niche is not null
       and p.views is not null  -- what was just published has not been counted yet
  ), content as (
    select c.platform, c.niche, c.content_type, c.views, c.engagement, c.watch_time, c.offer_tags,
           c.external_id,
           nullif(btrim(split_part(left(c.title, 200), E'\n', 1)), '') as hook
      from spelled c
     where c.niche <> 'other' and (niches is null or niches ? c.niche)
  ), tagged as (
    -- Each tag once a post; the first is its best match.
    select c.platform, c.niche, c.content_type, t.tag, min(t.place) as place
      from content c
           cross join lateral (
             select coalesce(o.tag, 'none') as tag, o.place
               from unnest(case when c.offer_tags <> '{}' then c.offer_tags else array['none'] end)
                    with ordinality o (tag, place)) t
     group by c.platform, c.niche, c.content_type, c.external_id, t.tag
  ), offers as (
    select distinct on (t.platform, t.niche, t.content_type)
           t.platform, t.niche, t.content_type, t.tag as offer_tag
      from tagged t group by 1, 2, 3, 4
     order by t.platform, t.niche, t.content_type, count(*) desc, avg(t.place), t.tag
  ), ranked as (
    select c.*, row_number() over (
             partition by c.platform, c.niche, c.content_type
             order by c.views desc, c.external_id) as place
      from content c
  ), grouped as (
    select r.platform, r.niche, r.content_type, count(*)::integer as sample_count,
           round(avg(r.views), 1) as avg_views, round(avg(r.engagement), 1) as avg_engagement,
           round(avg(r.watch_time), 2) as avg_watch_time,
           coalesce(array_agg(r.hook order by r.place)
                    filter (where r.place <= 3 and r.hook is not null), '{}') as hooks,
           array_agg(r.external_id order by r.place) filter (where r.place <= 3) as post_ids
      from ranked r group by 1, 2, 3
  ), earlier as (
    select n.platform, n.niche, n.content_type, agent_flattened(jsonb_agg(
             to_jsonb(n.top_hook_patterns) order by n.last_updated desc, n.offer_tag)) as hooks
      from actp_niche_resonance n group by 1, 2, 3
  )
  insert into actp_niche_resonance as n (
    platform, niche, offer_tag, content_type, avg_views, avg_engagement, avg_watch_time,
    top_hook_patterns, top_post_ids, sample_count, last_updated
  )
    select g.platform, g.niche, o.offer_tag, g.content_type, g.avg_views, g.avg_engagement,
           g.avg_watch_time, agent_merged_hooks(g.hooks, e.hooks), g.post_ids, g.sample_count,
           began
      from grouped g
      join offers o using (platform, niche, content_type)
      left join earlier e using (platform, niche, content_type)
     order by g.platform, g.niche, o.offer_tag, g.content_type
  on conflict (platform, niche, offer_tag, content_type) do update
    set avg_views = excluded.avg_views, avg_engagement = excluded.avg_engagement,
        avg_watch_time = excluded.avg_watch_time,
        top_hook_patterns = excluded.top_hook_patterns, top_post_ids = excluded.top_post_ids,
        sample_count = excluded.sample_count, last_updated = excluded.last_updated;
  get diagnostics groups = row_count;
  delete from actp_niche_resonance n
   using actp_niche_resonance current
   where current.last_updated = began and n.last_updated is distinct from began
     and n.platform = current.platform and n.niche = current.niche
     and n.content_type = current.content_type;
  get diagnostics removed = row_count;
  return jsonb_build_object('groups', groups, 'removed', removed);
end $$;

-- What the Supabase CLI applied counts as applied for bin/db migrate of every release.
insert into public.safari_migrations (name, sha256) values
  ('20261101000100_queue_tables.sql', '5f3862e01e07122b2a5b1ba4482c904a9cb6462de412316b6e2ab6e43477ca8d'),
  ('20261101000200_routes.sql', 'c83684cca2d952a3ea5df8214fd05cca799ab767798726ff91dd96f937d8cb24'),
  ('20261101000300_enqueue.sql', '89c87bd98717999081545bc645bc53df804cde32c5983a456d4ffe9c12d5edd5'),
  ('20261101000400_gate.sql', '1d27ab58a3f7c5b573099521688de9d2cdb267680f2ffe854ab7e50bbdc3a707'),
  ('20261101000500_claim.sql', '2e65ace31a1d2adf219ce8ac15e2ff0de32b9d71a0125dc8b1a945fbc903e9c4'),
  ('20261101000600_ledger.sql', 'b4c629fafc4f194c0ffe9033ee75ae5d00bbbabc6bbe4a6c6602e7b7c9a71695'),
  ('20261101000700_leases.sql', 'be4cbaa5fbc73d041f181a3e92dcca700d1eac08e2890754d05c78d49f31c93b'),
  ('20261101000800_operator.sql', '3be241c839c9c5cfa4e50ed9ead28d8fa5e9e583950709a1de28847a48b82757'),
  ('20261101000900_reports.sql', '01c9071af87e9a7dfcc57b70423678e5d4d118ed46d3eaaf61ede4ab4b3525cd'),
  ('20261101001000_alerts.sql', '9e0756e69005b6f49b792918257ec60a5075d78707efd850aad912ee235c206f'),
  ('20261101001100_gauges.sql', 'ec4bba14f51a009254e1ce3d3cd61032a48264de7a762426fff0d78e575b39f6'),
  ('20261101001200_schedule.sql', '52991f9f732a9ae6fa29a08b8d459a4bfe1473cc8a262410c583dcd9c150292d'),
  ('20261101001300_campaigns.sql', '07646dcc697b4a6cc3b0ae6029119b1d47c9abcf3db75de94aa5b532a150d291'),
  ('20261101001310_campaign_reports.sql', 'f07b0c194485cade5bcdf424a2a2ff71b9109f3f1f33b1cbe7a5f4562858b4a1'),
  ('20261101002000_crm_tables.sql', '823e190193a0b562b2a47d8b718a2a4a96db2c1972e06dcbbd1a6caa9c30cb69'),
  ('20261101002010_domain_tables.sql', '8d9ff204689ff9f0b52110f6ad81f9bcaf1ceb85dc51bdc04d15cabf72ec567d'),
  ('20261101002100_dispatch.sql', '61350c38397b3d10642f4085fcb9d7c91e82460f20f57090517d93f599757f6d'),
  ('20261101002105_resonance.sql', 'c138af43b2d8a2b61748b0b2c21deca0a4bd7ec0e8b475d67de532d8f6f67905'),
  ('20261101002110_prospect.sql', 'd4c2701755504c7f4f7993cf7043598926e9474bca7351af2f6af237afbb7bb4'),
  ('20261101002120_outreach.sql', '482595dec75f29641e8574c8a49495df4ea732678cecb62ca985b5dc1e04d63c'),
  ('20261101002121_outreach_sending.sql', 'ebb6c2fdf11227322cbad565cf5043bbaae62543c58bfd3a4c06bcebb6b2fcba'),
  ('20261101002130_crm.sql', '770608c29a98878503511156ec5ad78316c4ec2b1fb4bc87b6a3256a4ee5c40e'),
  ('20261101002140_ab_tests.sql', 'b74248ed19c4c28875b3bbd8915c8e1214b0a8f8f4f2e27f3b58d0315c388bd6'),
  ('20261101002150_creators.sql', 'bd6dec3267ccd114068304dca6c6fcbe71c58db51a447037e6624a654c8126c4'),
  ('20261101002151_trends.sql', 'ce4ed289cc2e1e9805fde552542b47b4dfba2b389f03dd52143fb8f8a52e2d3d'),
  ('20261101002160_youtube.sql', 'ccc3ba185b99e4c1bde02c0df614f3a5a33cd2f60647f8c2897a75086305c729'),
  ('20261101002170_content_mix.sql', '2189d8bb492c685d3a4eb337c68ec7c93f48dc6f2d3eb85224687d7f236cada7'),
  ('20261101002180_posting_schedule.sql', '1c245b262874de32da19f1e9de8a7ae2a0df7ef8390f21f178889fb1395727ba'),
  ('20261101002190_sample.sql', 'a3a11931b0aa5548662c4f707976947dcd768b118741d1c94d4cc0a0401cf70f'),
  ('20261101002200_remotion.sql', 'a7744320bdf08d0a476856a47edc8f5fb9c3318b5410d319a5cb7be4e4e12d3e'),
  ('20261101002210_workflow.sql', '7fb37aaae4f26963029a541e47c0dc4c400a137883d98dc3399e272c4c51af3b'),
  ('20261101002220_report.sql', 'f0b451714bad454e2ca51ffd9cc964358a6f10f957afe6808290e1e174c40804'),
  ('20261101002230_claude_usage.sql', '36d126dd829f624d52b183a6fd6e096ed2461e9e5f09164932ee861f4b82ab9b'),
  ('20261101002240_weekly_report.sql', '0f2cefb85ac4d72393b186cb3657f97cc19cd2e7ec147440bde50c188e433c50')
  on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
    where safari_migrations.sha256 <> excluded.sha256;

insert into public.safari_schema_versions (version, release, oldest_code)
  values (2, '0.2.0', 1)
  on conflict (version) do update
    set release = excluded.release, oldest_code = excluded.oldest_code, applied_at = now();

select set_config('check_function_bodies', 'on', false);
select public.safari_protect();
