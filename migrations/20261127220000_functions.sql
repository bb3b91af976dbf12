-- Functions, views and triggers that changed since the last release. Generated from
-- migrations/functions by bin/db bundle; edit them there.
do $$
declare
  here integer := (select max(version) from public.safari_schema_versions);
begin
  if here > 3 then
    raise exception using errcode = 'object_not_in_prerequisite_state', message =
      format('the database is newer (schema version %s) than this file (3)', here);
  end if;
end $$;

-- Each body may name what comes after it.
select set_config('check_function_bodies', 'off', false),
       set_config('actp.schema_version', '3', false);

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
      message = format('no tweet can be posted now: %s', wait_reason);
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
    'key', 'ab-test:' || test.id || ':b', 'scheduled_for', nullif(greatest(test.planned_at, now()), now()),
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
     set status = 'running', started_at = coalesce(t.started_at, agent_time(t.created_at), now()),
         a_begun_at = coalesce(agent_time(t.a_begun_at), agent_time(t.created_at), now()),
         post_url_a = coalesce((safari_post('twitter', t.post_url_a)).url, t.post_url_a),
         post_url_b = coalesce((safari_post('twitter', t.post_url_b)).url, t.post_url_b)
   where lower(btrim(t.status)) = 'running' and (t.started_at is null or t.status <> 'running')
     and t.winner is null and t.completed_at is null and agent_ab_lacks(t) is null;
  return (
    select coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object(
             'age_hours', extract(epoch from now() - safari_bounded(t.started_at)) / 3600,
             'earlier', coalesce((
               select jsonb_agg(e.metrics_24h order by e.round) from actp_ab_tests e
                where e.series_id = t.series_id and e.round < t.round
                  and e.metrics_24h is not null), '[]')) order by t.started_at, t.id), '[]')
      from actp_ab_tests t
     where t.status = 'running' and t.started_at is not null
       -- What another program has decided stays decided.
       and t.winner is null and t.completed_at is null and agent_ab_lacks(t) is null);
end $$;

create or replace function public.agent_ab_lacks(test public.actp_ab_tests) returns text
language sql stable set search_path = public, pg_temp as $$
  select case
    when lower(btrim(test.status)) is distinct from 'running' then
      format('its status %s is none of posting, running, complete, inconclusive and error',
             coalesce(quote_literal(left(test.status, 40)), 'null'))
    when concat(test.post_url_a, test.post_id_a) = ''
      then 'neither post_id_a nor post_url_a says where arm A is'
    when concat(test.post_url_b, test.variant_b_text) = ''
      then 'neither post_url_b nor variant_b_text says which tweet arm B is'
    when test.post_url_a <> '' and a.id is null then 'post_url_a is no address of a tweet'
    when test.post_url_b <> '' and b.id is null then 'post_url_b is no address of a tweet'
    when a.id = b.id then 'both arms are one tweet'
    when test.started_at > now() + interval '1 hour' then 'its started_at lies in the future'
  end
    from safari_post('twitter', test.post_url_a) a, safari_post('twitter', test.post_url_b) b
$$;

create or replace function public.agent_ab_stranded() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', t.id, 'topic', t.topic, 'since', t.created_at, 'lacks', agent_ab_lacks(t))
           order by t.created_at, t.id), '[]')
    from actp_ab_tests t
   where (t.started_at is null or agent_ab_lacks(t) is not null)
     and t.winner is null and t.completed_at is null
     and coalesce(lower(btrim(t.status)), '')
         not in ('posting', 'complete', 'completed', 'inconclusive', 'error')
$$;

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

  select avg(agent_figure(p.engagement_score)) into mean from actp_content_performance p
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

create or replace function public.agent_ab_measured(
  but_series uuid default null, row_limit integer default 100
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(m.metrics_24h order by m.completed_at desc), '[]') from (
    select t.metrics_24h, t.completed_at from actp_ab_tests t
     where t.status in ('complete', 'inconclusive') and jsonb_typeof(t.metrics_24h) = 'object'
       and coalesce(t.series_id, t.id) is distinct from but_series
     order by t.completed_at desc nulls last limit row_limit) m
$$;

create or replace function public.safari_protect() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  for_callers constant text[] := array[
    'safari_enqueue', 'safari_enqueue_check', 'safari_find', 'safari_show', 'safari_status',
    'safari_limits', 'safari_now', 'safari_schema', 'safari_ask'];
  routine record;
  item record;
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
  for item in
    select c.oid::regclass as name, c.relkind, r.rolname,
           c.relkind = 'S'
             or c.relname ~ '^(safari|agent)_' and c.relrowsecurity
                and not exists (select from pg_policy p
                                 where p.polrelid = c.oid and p.polroles && array[0::oid, r.oid])
             as is_closed
      from pg_class c, pg_roles r
     where c.relnamespace = 'public'::regnamespace and c.relowner = current_user::regrole
       and c.relname ~ '^(safari|agent|crm|actp|youtube|linkedin)_'
       and c.relkind in ('r', 'p', 'S') and r.rolname in ('anon', 'authenticated')
  loop
    execute format(
      'revoke %s on %s %s from %I',
      case when item.is_closed then 'all' else 'truncate, references, trigger' end,
      case item.relkind when 'S' then 'sequence' else 'table' end, item.name, item.rolname);
  end loop;
end $$;

create or replace function public.safari_exposed(tables jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with recursive visitors as (
    select oid from pg_roles where rolname in ('anon', 'authenticated')
  ), reads as (
    select distinct v.oid, t.oid as table_oid,
           v.relkind = 'm'
             or not coalesce(v.reloptions::text ~* 'security_invoker=(true|on|1|yes)', false) as as_owner
      from pg_depend d
      join pg_rewrite w on w.oid = d.objid and d.classid = 'pg_rewrite'::regclass
      join pg_class v on v.oid = w.ev_class and v.relkind in ('v', 'm')
      join pg_class t on t.oid = d.refobjid and d.refclassid = 'pg_class'::regclass and t.oid <> v.oid
  ), seen as (
    select r.oid, r.table_oid, r.as_owner
      from reads r join pg_class t on t.oid = r.table_oid
     where t.relnamespace = 'public'::regnamespace and tables ? t.relname::text
    union
    select r.oid, s.table_oid, r.as_owner or s.as_owner from reads r join seen s on s.oid = r.table_oid
  )
  select coalesce(jsonb_agg(to_jsonb(f) order by f.kind, f.name), '[]') from (
    select distinct case v.relkind when 'm' then 'materialized view' else 'view' end as kind,
           v.oid::regclass::text as name, t.relname::text as "table"
      from seen s join pg_class v on v.oid = s.oid join pg_class t on t.oid = s.table_oid
     where s.as_owner
       and exists (select from visitors r
                    where has_table_privilege(r.oid, v.oid, 'select, insert, update, delete'))
    union all
    select 'function', p.oid::regprocedure::text, c.relname::text
      from pg_proc p join pg_class c on c.reltype = p.prorettype
     where c.relnamespace = 'public'::regnamespace and tables ? c.relname::text and p.prosecdef
       and exists (select from visitors r where has_function_privilege(r.oid, p.oid, 'execute'))
    union all
    select 'policy', p.polname::text, c.relname::text
      from pg_policy p join pg_class c on c.oid = p.polrelid
     where c.relnamespace = 'public'::regnamespace and tables ? c.relname::text
       and (p.polroles = '{0}' or p.polroles && array(select oid from visitors))
       -- One that looks at nothing, as 1 = 1, or at a role that everybody has, as auth.role() = 'anon'.
       and exists (
         select from (values (pg_get_expr(p.polqual, p.polrelid)),
                             (pg_get_expr(p.polwithcheck, p.polrelid))) e (said)
          where regexp_replace(lower(e.said), '\m(true|or|and|not|false|is|null)\M', '', 'g') !~ '[a-z_]'
             or lower(e.said) ~ 'auth\.role\(\).*''(anon|authenticated)''')
  ) f
$$;

create or replace function public.safari_hides_rows(asked regclass, reader name) returns boolean
language sql stable as $$
  select exists (
    select from pg_class c, pg_roles r
     where c.oid = asked and c.relrowsecurity and r.rolname = reader
       and not r.rolsuper and not r.rolbypassrls
       and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'usage'))
       and has_table_privilege(r.oid, c.oid, 'select')
       and not exists (
         select from pg_policy p
          where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('*', 'r')
            and pg_get_expr(p.polqual, p.polrelid) = 'true'
            and exists (select from unnest(p.polroles) o (role)
                         where o.role = 0 or pg_has_role(r.oid, o.role, 'usage'))))
$$;

create or replace function public.safari_judged_by() returns text[]
language sql immutable as $$
  select array['safari_do_not_contact', 'safari_command_attempts', 'safari_people', 'safari_pauses',
               'safari_settings', 'safari_reviews', 'safari_accounts', 'safari_campaign_targets',
               'safari_rate_limits', 'crm_contacts', 'crm_messages', 'actp_inbox']
$$;

create or replace function public.safari_hidden_tables(tables jsonb default null) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(c.relname order by c.relname), '[]')
    from pg_class c
   where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relrowsecurity
     and case when tables is not null then tables ? c.relname::text
              else starts_with(c.relname::text, 'safari_') or c.relname = any (safari_judged_by()) end
     and (safari_hides_rows(c.oid, current_user)
          or safari_hides_rows(c.oid, coalesce(nullif(current_setting('role'), 'none'), session_user)::name))
$$;

create or replace function public.safari_refuse_blind() returns void
language plpgsql as $$
declare
  hidden constant text := (select string_agg(t.name, ', ') from unnest(safari_judged_by()) t (name)
                            where row_security_active(to_regclass('public.' || t.name))
                              and safari_hides_rows(to_regclass('public.' || t.name), current_user));
begin
  if hidden is not null then
    raise insufficient_privilege using message = format(
      'row-level security hides the rows of %s from the role %s', hidden, current_user);
  end if;
end $$;

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

create or replace function public.safari_ask(question text, arguments jsonb default '{}')
returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  wrong jsonb;
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
                     where length(coalesce(btrim(c ->> 'key'), '')) not between 1 and 200) then
        raise invalid_parameter_value using message = 'every command needs a key of 1 to 200 characters';
      elsif jsonb_array_length(a -> 'commands') > 100 then
        raise invalid_parameter_value using message = 'at most 100 commands at once';
      end if;
      wrong := safari_enqueue_check(a -> 'commands');
      if wrong <> '[]' then
        raise object_not_in_prerequisite_state using message = (
          select string_agg(format('command %s would not be sent: %s',
                                   (w ->> 'index')::integer + 1, w ->> 'error'), '; ')
            from jsonb_array_elements(wrong) w) || '; nothing was enqueued';
      elsif coalesce((a ->> 'dry_run')::boolean, true) then
        return jsonb_build_object('dry_run', true, 'commands', (
          select jsonb_agg(jsonb_build_object(
                   'key', c ->> 'key', 'service', r.service,
                   'command_id', (select k.command_id from safari_idempotency_keys k
                                   where k.key = c ->> 'key')))
            from jsonb_array_elements(a -> 'commands') c,
                 lateral safari_route_of(c ->> 'action', coalesce(c ->> 'platform', '')) r));
      end if;
      return jsonb_build_object('dry_run', false, 'commands', safari_enqueue(
        a -> 'commands', coalesce(nullif(btrim(a ->> 'operator'), ''), session_user)));
    else
      raise invalid_parameter_value using message = format('unknown question: %s', question);
  end case;
end $$;

create or replace function public.agent_outreach_is_stale(message public.crm_message_queue)
returns boolean
language sql stable as $$
  select message.status = 'pending' and (message.hold is not null or (
    safari_platform(message.platform) not in ('gmail', 'email')
    and coalesce(greatest(message.created_at, message.scheduled_for, message.accepted_at),
                 '-infinity') < now() - safari_backlog_age()))
$$;

create or replace trigger agent_outreach_hold_old
  before insert on public.crm_message_queue
  for each row when (
    new.hold is null and new.status = 'pending'
    and agent_time(new.created_at::text) < now() - interval '1 day'
    and coalesce(agent_time(new.scheduled_for::text) <= now(), true)
    and safari_platform(new.platform) not in ('gmail', 'email'))
  execute function public.agent_outreach_hold_old();

create or replace function public.safari_backlog_list(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with held as materialized (
    select 'commands' as door, q.id, q.created_at, q.platform,
           coalesce(p.params ->> 'username', p.params ->> 'profileUrl', p.params ->> 'postUrl') as to,
           coalesce(p.params ->> 'text', p.params ->> 'message') as text
      from safari_command_queue q cross join lateral (select safari_params(q.params) as params) p
     where q.status = 'pending' and q.hold = 'backlog'
    union all
    select 'messages', m.id, m.created_at, safari_platform(m.platform),
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

drop function if exists public.safari_backlog(boolean, jsonb);

create or replace function public.safari_backlog(
  accept boolean, doors jsonb default '["commands"]', expected bigint default null
) returns jsonb
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
  if commands + messages + posts <> expected then
    raise object_not_in_prerequisite_state using message = format(
      '%s rows were held and now %s are: nothing was changed', expected, commands + messages + posts);
  end if;
  notify safari_commands;
  return jsonb_build_object('commands', commands, 'messages', messages, 'posts', posts);
end $$;

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

create or replace function public.safari_campaign_heard(platform text, handle text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  longest constant integer := 500;
  addresses constant text[] := safari_person_addresses(platform || ':' || handle);
  ids constant text[] := safari_crm_contacts(platform, handle) || array(
    select substr(a, 9) from unnest(addresses) a where starts_with(a, 'contact:'));
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
                where c.contact_id::text = any ($1)'
        into conversations using ids;
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
    if safari_columns('crm_interactions', array['contact_id', 'type']) @> array['contact_id', 'type'] then
      execute 'select jsonb_agg(to_jsonb(i)) from (
                 select * from public.crm_interactions i where i.contact_id::text = any ($1)
                  limit $2) i'
        into rows using ids, longest;
      select heard || coalesce(jsonb_agg(jsonb_build_object(
               'at', case when r.is_reply then to_jsonb(coalesce(i ->> 'occurred_at', i ->> 'created_at'))
                          -- Noted on what we did: they answered it later, in words that are not known.
                          else to_jsonb(agent_time(coalesce(i ->> 'occurred_at', i ->> 'created_at'))
                                        + interval '1 minute') end,
               'text', case when r.is_reply then i -> 'summary' end,
               'outbound', false)), '[]') into heard
        from jsonb_array_elements(coalesce(rows, '[]')) i,
             lateral (select agent_is_reply(i ->> 'type', i ->> 'direction') as is_reply) r
       where r.is_reply or agent_outcome_is_reply(i ->> 'outcome');
    end if;
  end if;

  has := safari_columns('crm_messages', array['contact_id', 'platform', 'username']);
  conditions := '{}';
  if 'contact_id' = any (has) and ids <> '{}' then
    conditions := conditions || 'm.contact_id::text = any ($1)'::text;
  end if;
  if has @> array['platform', 'username'] then
    conditions := conditions
      || 'lower(m.platform) || '':'' || lower(ltrim(m.username, ''@'')) = any ($2)'::text;
  end if;
  if conditions <> '{}' then
    execute format('select jsonb_agg(to_jsonb(m)) from (select * from public.crm_messages m
                     where (%s) limit $3) m', array_to_string(conditions, ') or ('))
      into rows using ids, addresses, longest;
    select heard || coalesce(jsonb_agg(jsonb_build_object(
             'at', coalesce(m ->> 'sent_at', m ->> 'created_at', m ->> 'synced_at'),
             'text', coalesce(m ->> 'message_text', m ->> 'body', m ->> 'text', m ->> 'content'),
             'outbound', coalesce(m -> 'is_outbound', to_jsonb((m ->> 'direction') = 'outbound')))),
             '[]') into heard
      from jsonb_array_elements(coalesce(rows, '[]')) m;
  end if;
  return coalesce((select jsonb_agg(h) from jsonb_array_elements(heard) h
                    where h ->> 'at' is not null or h ->> 'text' is not null), '[]');
end $$;

create or replace function public.safari_campaign_targets_of(addresses text[]) returns setof uuid
language sql stable as $$
  select t.id
    from unnest(addresses) a (address)
    join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                  and t.handle = substr(a.address, length(t.platform) + 2)
    join safari_campaign_runs r
      on r.campaign_id = t.campaign_id and r.campaign_type <> 'research_sweep'
   where not safari_campaign_ended(t.state)
$$;

create or replace function public.safari_campaign_told()
returns table (id uuid, is_opted_out boolean, look_at timestamptz, unheard uuid[])
language plpgsql stable set search_path = public, pg_temp as $$
begin
  return query
    with under_way as materialized (
      select t.id, t.hold, t.platform || ':' || t.handle as address,
             agent_time(t.data ->> 'calmed_at') as calmed_at
        from safari_campaign_targets t
        join safari_campaign_runs r
          on r.campaign_id = t.campaign_id and r.campaign_type <> 'research_sweep'
       where t.state in ('queued', 'warmup', 'dm_sent', 'awaiting_reply')
    ), theirs as materialized (
      select u.id, u.hold, u.calmed_at, coalesce(p.address, u.address) as address, p.veto
        from under_way u
        left join safari_people o on o.address in (u.address, safari_twin(u.address))
        left join safari_people p on p.person = o.person
    ), known as (
      select t.id,
             coalesce(t.veto = 'opted_out', false) or exists (
               select from safari_do_not_contact n
                where n.platform = any (safari_listed_under(t.address))
                  and n.recipient = substr(t.address, position(':' in t.address) + 1)) as is_opted_out,
             case when t.hold is null and b.look_at > coalesce(b.done_at, '-infinity')
                       and b.look_at > coalesce(t.calmed_at, '-infinity') then b.look_at end as look_at,
             case when b.unheard then b.contact_id end as unheard
        from theirs t
        left join actp_inbox b on b.contact_id = case when starts_with(t.address, 'contact:')
                                                      then substr(t.address, 9)::uuid end
    )
    select k.id, bool_or(k.is_opted_out), max(k.look_at),
           array_agg(k.unheard) filter (where k.unheard is not null)
      from known k group by k.id
    having bool_or(k.is_opted_out or k.look_at is not null or k.unheard is not null);
end $$;

create or replace function public.safari_campaign_holder(platform text, handle text) returns text
language plpgsql stable as $$
begin
  if platform = any (safari_shared_platforms()) then
    return safari_sender(platform, handle, null);
  end if;
  return null;
end $$;

create or replace function public.safari_campaign_no_mac(target public.safari_campaign_targets)
returns text
language plpgsql stable as $$
declare
  holder constant text := safari_campaign_holder(target.platform, target.handle);
begin
  if holder is null or target.hold is not null or target.looked_at is null
     or safari_campaign_ended(target.state) then
    return null;
  end if;
  return (
    select format('no running Mac is logged in as %s on %s%s', holder, target.platform,
                  ', last seen on ' || safari_last_host(s.service, holder))
      from safari_services s
     where s.kind = 'dm' and s.platform = target.platform
       and not exists (select from safari_hosts_of(s.service, holder)));
end $$;

drop function if exists public.safari_campaign_synced_at(text);

create or replace function public.safari_campaign_synced_at(platform text, handle text)
returns timestamptz
language plpgsql stable set search_path = public, pg_temp as $$
declare
  holder constant text := safari_campaign_holder(platform, handle);
begin
  if holder is null then
    return greatest(
      (select max(s.conversations_read_at) from safari_services s
        where s.kind = 'dm' and s.platform = safari_campaign_synced_at.platform),
      (select max(q.started_at) from safari_command_queue q
        where q.status = 'completed' and q.action in ('sync', 'pipeline')
          and coalesce(q.platform, '') in ('', safari_campaign_synced_at.platform)
          and not coalesce(q.result ? 'read', false)));
  end if;
  return greatest(
    (select r.read_at from safari_conversations_read r
      where r.platform = safari_campaign_synced_at.platform and r.account = holder),
    (select max(q.started_at)
       from safari_command_queue q
       join safari_command_attempts a on a.command_id = q.id
       join safari_workers w on w.boot_id = a.boot_id
      where q.status = 'completed' and q.action in ('sync', 'pipeline')
        and coalesce(q.platform, '') in ('', safari_campaign_synced_at.platform)
        and not coalesce(q.result ? 'read', false)
        and safari_account_on(w.accounts, safari_campaign_synced_at.platform) = holder));
end $$;

create or replace function public.safari_campaign_due(
  row_limit integer default 50, lease_seconds double precision default 60
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  look_before timestamptz;
  has_crm boolean := safari_has_crm();
  targets jsonb;
  waiting jsonb;
begin
  if has_crm then
    select greatest(now() - interval '1 hour', max(q.completed_at)) into look_before
      from safari_command_queue q
     where q.status = 'completed' and q.action in ('sync', 'pipeline');
  end if;
  with told as materialized (
    select * from safari_campaign_told()
  ), picked as (
    select t.id from safari_campaign_targets t
     where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')
       and (t.claimed_until is null or t.claimed_until <= now())
       and (t.next_step_at <= now() or t.looked_at < look_before
            or exists (select from told where told.id = t.id)
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
           'heard', case when (c.looked_at is not null or told.id is not null) and has_crm
                         then safari_campaign_heard(c.platform, c.handle) else '[]' end,
           'is_watched', r.campaign_type = 'dm_sequence',
           'is_opted_out', coalesce(told.is_opted_out, false), 'look_at', told.look_at,
           'synced_at', safari_campaign_synced_at(c.platform, c.handle))),
         coalesce((select jsonb_agg(distinct u) from claimed h join told on told.id = h.id
                    cross join unnest(told.unheard) u), '[]')
    into targets, waiting
    from claimed c
    left join told on told.id = c.id
    join lateral (select r.campaign_type from safari_campaign_runs r
                   where r.campaign_id = c.campaign_id limit 1) r on true;
  return jsonb_build_object(
    'now', now(), 'has_crm', has_crm, 'targets', coalesce(targets, '[]'),
    'unheard', coalesce(waiting, '[]'),
    'is_idle', not exists (
      select from safari_campaign_targets t
       where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')),
    'next_due_seconds', (
      select safari_seconds_until(min(t.next_step_at))
        from safari_campaign_targets t
       where t.state in ('queued', 'running', 'warmup', 'dm_sent', 'awaiting_reply')
         and t.next_step_at > now()));
end $$;

create or replace function public.safari_campaign_stop(wanted uuid[]) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  target safari_campaign_targets;
  stopped jsonb := '[]';
begin
  perform safari_campaign_lock(wanted);
  for target in
    select * from safari_campaign_targets t where t.id = any (wanted) order by t.id
  loop
    continue when target.state in ('replied', 'failed', 'cancelled');
    insert into safari_campaign_events (target_id, event) values (target.id, 'replied');
    perform safari_campaign_end(target.id, 'replied');
    stopped := stopped || jsonb_build_object(
      'campaign_id', target.campaign_id, 'platform', target.platform, 'handle', target.handle,
      'was', target.state);
  end loop;
  perform safari_campaign_settle(array(select s ->> 'campaign_id' from jsonb_array_elements(stopped) s));
  return stopped;
end $$;

create or replace function public.safari_campaign_replied(
  handle text, platform text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  theirs constant text[] := array(
    select distinct a
      from (select safari_campaign_replied.platform as site
             where safari_campaign_replied.platform is not null
            union
            select s.platform from safari_services s
             where safari_campaign_replied.platform is null and s.kind is not null) p
     cross join lateral unnest(
       safari_person_addresses(p.site || ':' || safari_campaign_replied.handle)) a);
  wanted uuid[];
begin
  select array_agg(t.id) into wanted
    from unnest(theirs) a (address)
    join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                  and t.handle = substr(a.address, length(t.platform) + 2)
    join safari_campaign_runs r on r.campaign_id = t.campaign_id
   where r.campaign_type <> 'research_sweep'
     and (not safari_campaign_ended(t.state)
          or (t.state in ('cold', 'completed') and r.campaign_type = 'dm_sequence'));
  if wanted is null and exists (
    select from unnest(theirs) a (address)
      join safari_campaign_targets t on t.platform = split_part(a.address, ':', 1)
                                    and t.handle = substr(a.address, length(t.platform) + 2)
     where t.state = 'replied') then
    return '[]';  -- somebody, or the same call before it lost its answer, has said so already
  elsif wanted is null then
    raise no_data_found using message = format(
      'no campaign is under way to %s%s', handle, coalesce(' on ' || platform, ''));
  end if;
  return safari_campaign_stop(wanted);
end $$;

create or replace function public.safari_campaign_go_on(
  handle text, platform text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  going jsonb;
begin
  with told as (
    insert into safari_campaign_events (target_id, event, reason)
      select t.id, 'go_on', case when t.hold is null then 'no_mac' end
        from safari_campaign_targets t
       where t.handle = safari_campaign_go_on.handle
         and t.platform = coalesce(safari_campaign_go_on.platform, t.platform)
         and not safari_campaign_ended(t.state)
         and (t.hold like 'maybe\_replied%' or safari_campaign_no_mac(t) is not null)
    returning target_id
  )
  select jsonb_agg(jsonb_build_object('campaign_id', t.campaign_id, 'platform', t.platform,
                                      'handle', t.handle))
    into going from told join safari_campaign_targets t on t.id = told.target_id;
  if going is null then
    raise no_data_found using message = format(
      'no campaign step to %s is held for an ambiguous reply or waits for a missing Mac', handle);
  end if;
  notify safari_commands;
  return going;
end $$;

create or replace function public.safari_campaign_find(campaign_id text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found_ids text[];
begin
  select array_agg(distinct r.campaign_id) into found_ids from safari_campaign_runs r
   where starts_with(r.campaign_id, btrim(safari_campaign_find.campaign_id));
  if btrim(campaign_id) = any (found_ids) then
    return btrim(campaign_id);
  elsif found_ids is null or btrim(campaign_id) = '' then
    raise no_data_found using message = format('there is no campaign %s', campaign_id);
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using
      message = format('%s is the beginning of %s campaigns: give more characters', campaign_id,
                       cardinality(found_ids));
  end if;
  return found_ids[1];
end $$;

create or replace function public.safari_campaigns(row_limit integer default 20) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(n) order by n.started_at desc), '[]') from (
    select r.campaign_id, r.campaign_type, r.platform, r.status, r.total_tasks, r.completed,
           r.failed, r.started_at, r.completed_at, t.targets, t.held, t.no_mac,
           t.next_step_at,
           coalesce(t.states, '{}') as states
      from safari_campaign_runs r
      left join lateral (
        select sum(s.n)::integer as targets, sum(s.held)::integer as held,
               sum(s.no_mac)::integer as no_mac,
               min(s.next_step_at) as next_step_at, jsonb_object_agg(s.state, s.n) as states
          from (select t.state, count(*) as n, count(t.hold) as held,
                       count(safari_campaign_no_mac(t)) as no_mac,
                       min(t.next_step_at) as next_step_at
                  from safari_campaign_targets t
                 where t.campaign_id = r.campaign_id group by t.state) s) t on true
     order by r.started_at desc limit row_limit) n
$$;

create or replace function public.safari_campaign_show(campaign_id text) returns jsonb
language plpgsql stable set search_path = public, pg_temp as $$
declare
  whole text := safari_campaign_find(campaign_id);
begin
  return (
    select to_jsonb(r) || jsonb_build_object('targets', coalesce((
      select jsonb_agg(jsonb_build_object(
               'handle', t.handle, 'platform', t.platform, 'state', t.state, 'step', t.step,
               'hold', t.hold, 'no_mac', safari_campaign_no_mac(t),
               'next_step_at', t.next_step_at, 'last_event_at', t.last_event_at,
               'commands', coalesce((
                 select jsonb_agg(jsonb_build_object(
                          'id', q.id, 'step', q.params ->> 'campaign_step', 'status', q.status,
                          'reason', q.reason, 'hold', q.hold, 'scheduled_for', q.scheduled_for,
                          'completed_at', q.completed_at, 'error', q.error,
                          'waits', safari_wait_of(q)) order by q.created_at)
                   from safari_command_queue q
                  where q.batch_id = t.id::text and q.campaign_id is not null), '[]'))
               order by t.handle)
        from safari_campaign_targets t where t.campaign_id = whole), '[]'))
      from safari_campaign_runs r where r.campaign_id = whole
     order by r.started_at limit 1);
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
    -- One campaign at a time for a person, whatever the platform, also of two that start at once.
    perform pg_advisory_xact_lock(hashtextextended('safari_campaign_targets', 0));
    select t.handle, o.campaign_id as other, o.platform as place into running
      from jsonb_to_recordset(targets) as t (handle text)
     cross join lateral unnest(safari_person_addresses(
             safari_campaign_create.platform || ':' || t.handle)) a (address)
      join safari_campaign_targets o
        on o.platform = split_part(a.address, ':', 1)
       and o.handle = substr(a.address, length(o.platform) + 2)
      join safari_campaign_runs r
        on r.campaign_id = o.campaign_id and r.campaign_type <> 'research_sweep'
     where not safari_campaign_ended(o.state)
     order by t.handle limit 1;
    if found then
      raise object_not_in_prerequisite_state using message = format(
        '%s is in the running campaign %s on %s: cancel that or leave them out',
        running.handle, running.other, running.place);
    end if;
    select min(t.handle) as one, max(t.handle) as other into running
      from jsonb_to_recordset(targets) as t (handle text)
      join safari_people o on o.address = safari_campaign_create.platform || ':' || t.handle
     group by o.person having count(*) > 1 order by 1 limit 1;
    if found then
      raise object_not_in_prerequisite_state using message = format(
        '%s and %s are one person: leave one of them out (bin/people show %s:%s)',
        running.one, running.other, platform, running.one);
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

create or replace function public.safari_campaign_settle(campaign_ids text[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  run safari_campaign_runs;
  counts jsonb;
  open_targets integer;
  good integer;
  bad integer;
begin
  for run in
    select r.* from safari_campaign_runs r
     where r.campaign_id = any (campaign_ids) order by r.campaign_id, r.id for update
  loop
    select coalesce(jsonb_object_agg(s.state, s.targets), '{}'),
           coalesce(sum(s.targets) filter (where not safari_campaign_ended(s.state)), 0),
           coalesce(sum(s.targets) filter (where s.state in ('replied', 'cold', 'completed')), 0),
           coalesce(sum(s.targets) filter (where s.state = 'failed'), 0)
      into counts, open_targets, good, bad
      from (select t.state, count(*)::integer as targets from safari_campaign_targets t
             where t.campaign_id = run.campaign_id group by t.state) s;
    update safari_campaign_runs r
       set completed = q.completed, failed = q.failed,
           status = case when open_targets > 0 or r.status <> 'running' then r.status
                         when good > 0 then 'completed' when bad > 0 then 'failed'
                         else 'cancelled' end,
           completed_at = case when open_targets = 0 then coalesce(r.completed_at, now()) end,
           result = coalesce(r.result, '{}') || jsonb_build_object(
             'states', counts, 'targets_completed', good, 'targets_failed', bad)
      from (select count(*) filter (where c.status = 'completed') as completed,
                   count(*) filter (where c.status = 'failed') as failed
              from safari_command_queue c where c.campaign_id = run.campaign_id) q
     where r.id = run.id;
    if open_targets = 0 and run.status = 'running' and good + bad > 0 then
      perform safari_alert('campaign_complete:' || run.campaign_id, 'campaign_complete',
        jsonb_build_object(
          'campaign_id', run.campaign_id, 'campaign_type', run.campaign_type,
          'platform', run.platform, 'targets', run.result -> 'targets', 'completed', good,
          'failed', bad, 'seconds', round(extract(epoch from now() - safari_bounded(run.started_at)))::bigint));
    end if;
  end loop;
end $$;

create or replace function public.safari_campaign_apply(decisions jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  decision jsonb;
  target safari_campaign_targets;
  answer jsonb := '[]';
  touched text[] := '{}';
  others uuid[] := '{}';  -- of people who replied, in whatever campaign
begin
  perform safari_campaign_lock(array(
    select (d ->> 'id')::uuid from jsonb_array_elements(decisions) d
    union
    select o from jsonb_array_elements(decisions) d
      join safari_campaign_targets t on t.id = (d ->> 'id')::uuid
     cross join lateral safari_campaign_targets_of(
       safari_person_addresses(t.platform || ':' || t.handle)) o
     where d ->> 'state' = 'replied'));
  for decision in select d from jsonb_array_elements(decisions) d order by d ->> 'id' loop
    select * into target from safari_campaign_targets t where t.id = (decision ->> 'id')::uuid;
    if target.id is null or target.version <> (decision ->> 'version')::bigint
       or safari_campaign_ended(target.state) then
      answer := answer || jsonb_build_object('id', decision -> 'id', 'applied', false);
      continue;
    end if;
    update safari_campaign_targets t
       set state = decision ->> 'state', step = decision ->> 'step', hold = decision ->> 'hold',
           next_step_at = (decision ->> 'next_step_at')::timestamptz,
           claimed_until = null, version = t.version + 1, updated_at = now(),
           last_event_at = case when jsonb_array_length(decision -> 'handled') > 0 then now()
                                else t.last_event_at end,
           data = t.data || jsonb_build_object(
             'machine', decision -> 'machine', 'calmed_at', decision -> 'calmed_at')
     where t.id = target.id;
    update safari_campaign_events e set handled_at = now()
     where e.id in (select h::bigint from jsonb_array_elements_text(decision -> 'handled') h)
       and e.target_id = target.id;
    if jsonb_array_length(decision -> 'commands') > 0 then
      perform safari_campaign_enqueue(decision -> 'commands');
    end if;
    if (decision ->> 'hold_pending')::boolean then
      update safari_command_queue q
         set status = 'pending', hold = 'campaign', boot_id = null, lease_expires_at = null,
             updated_at = now()
       where q.batch_id = target.id::text and q.campaign_id is not null
         and q.status in ('pending', 'running') and q.hold is null
         and not exists (select from safari_command_attempts a
                          where a.command_id = q.id and a.outcome is null);
    end if;
    if (decision ->> 'ended')::boolean then
      perform safari_campaign_end(target.id, decision ->> 'state');
    elsif (decision ->> 'release')::boolean then
      perform safari_campaign_release(target.id);
    end if;
    if decision ->> 'state' = 'replied' then
      others := others || array(select o from safari_campaign_targets_of(
        safari_person_addresses(target.platform || ':' || target.handle)) o);
    end if;
    if decision ->> 'state' = 'cold' then
      perform safari_campaign_mark_cold(target.platform, target.handle);
    end if;
    if (decision ->> 'sync')::boolean then
      perform safari_campaign_request_sync(target.platform, target.handle);
    end if;
    insert into safari_alerts (key, kind, detail)
      select format('%s:%s:%s', a ->> 'kind', target.id, target.version), a ->> 'kind',
             jsonb_build_object('campaign_id', target.campaign_id, 'platform', target.platform,
                                'handle', target.handle, 'text', a -> 'why')
        from jsonb_array_elements(decision -> 'alerts') a
      on conflict (key) do nothing;
    touched := touched || target.campaign_id;
    answer := answer || jsonb_build_object('id', target.id, 'applied', true);
  end loop;
  perform safari_campaign_settle(touched);
  if others <> '{}' then
    perform safari_campaign_stop(others);
  end if;
  notify safari_commands;
  return answer;
end $$;

drop function if exists public.safari_campaign_request_sync();

create or replace function public.safari_campaign_request_sync(platform text, handle text)
returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  holder constant text := safari_campaign_holder(platform, handle);
  reader text := '';  -- the account of the Mac's own service
begin
  if holder is not null then
    select coalesce(nullif(safari_account_on(w.accounts, 'local'), 'default'), '') into reader
      from safari_workers w
     where w.stopped_at is null and w.seen_at > now() - interval '60 seconds'
       and 'local' = any (w.services)
       and safari_account_on(w.accounts, safari_campaign_request_sync.platform) = holder
     order by w.seen_at desc limit 1;
    -- No running Mac can read it; the campaign asks again later.
    if reader is null then
      return;
    end if;
  end if;
  if not exists (select from safari_command_queue q
                  where q.service = 'local' and q.action = 'sync'
                    and (holder is null or q.account = reader) and q.status in ('pending', 'running')) then
    perform safari_enqueue(jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
      'action', 'sync', 'params', '{}'::jsonb, 'account', nullif(reader, ''),
      'key', 'campaign-sync:' || to_char(now() at time zone 'utc', 'YYYY-MM-DD HH24')
             || coalesce(':' || nullif(reader, ''), '')))));
  end if;
end $$;

create or replace function public.safari_claims_refused_now() returns uuid[]
language sql stable as $$
  select array(select r.command_id from safari_claims_refused r where r.until > now())
$$;

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

create or replace function public.safari_feed(row_limit integer default 20, after bigint default 0)
returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', e.id, 'at', e.at, 'event', e.event, 'worker', e.worker, 'attempt', e.attempt,
           'http_status', e.http_status, 'detail', safari_object(e.detail) - 'result', 'command_id', e.command_id,
           'service', q.service, 'action', q.action, 'platform', q.platform, 'params', q.params,
           'status', q.status, 'reason', q.reason) order by e.id desc), '[]')
    from (select * from safari_command_events e where e.id > safari_feed.after
           order by e.id desc limit least(greatest(row_limit, 1), 200)) e
    left join safari_command_queue q on q.id = e.command_id
$$;

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
                        and n.platform = any (safari_listed_under(p.address)))), '[]'),
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
           and p.published_at <= now()
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
                      where n.platform = any (safari_listed_under(p.address))
                        and n.recipient = split_part(p.address, ':', 2))) then 'opted_out'
              when bool_or(p.veto = 'customer') then 'customer' end,
         max(p.veto) filter (where p.address = o.address)
    from safari_people o join safari_people p on p.person = o.person
   where o.address = 'contact:' || contact_id
$$;

create or replace function public.agent_silent_acts() returns text
language sql immutable as $$
  select '(open|opened|click|clicked|like|liked|view|viewed|seen|read|delivered|bounce|bounced'
         '|reaction|reacted)$'
$$;

create or replace function public.agent_refusing_acts() returns text
language sql immutable as $$
  select '(unsubscribe|unsubscribed|opt[_ -]?out|opted[_ -]?out|spam[_ -]?report(ed)?|complaint|complained)$'
$$;

create or replace function public.agent_outreach_their_acts() returns text
language sql immutable as $$
  select '(reply|replied|response|responded|answer|answered|received|inbound|incoming|mention)$|' || agent_silent_acts() || '|' || agent_refusing_acts()
$$;

create or replace function public.agent_direction(written text) returns text
language sql immutable as $$
  select case when written in ('inbound', 'outbound') then written
              when regexp_replace(lower(written), '[^a-z]+', '', 'g') in (
                'inbound', 'incoming', 'in', 'inbox', 'received', 'receive', 'reply', 'theirs', 'them',
                'fromthem', 'tous', 'tome') then 'inbound'
              when regexp_replace(lower(written), '[^a-z]+', '', 'g') in (
                'outbound', 'outgoing', 'out', 'outbox', 'sent', 'send', 'ours', 'us', 'me', 'self',
                'fromus', 'fromme', 'tothem') then 'outbound' end
$$;

create or replace function public.agent_outreach_is_theirs(message public.crm_messages)
returns boolean
language sql immutable as $$
  select coalesce(public.agent_direction(message.direction) = 'inbound', not message.is_outbound,
                  public.agent_direction(message.sender::text) is distinct from 'outbound'
                    and message.sent_by_automation::text is distinct from 'true')
$$;

create or replace function public.agent_is_reply(type text, direction text) returns boolean
language sql immutable as $$
  select coalesce(case agent_direction(direction)
           when 'outbound' then false
           when 'inbound' then lower(type) !~ (
           '(follow|followed)$|' || agent_silent_acts() || '|' || agent_refusing_acts())
           else lower(type) ~ '(reply|replied|response|responded|answer|answered|received|inbound|incoming)$'
         end, false)
$$;

create or replace function public.agent_is_note(type text) returns boolean
language sql immutable as $$
  select coalesce(lower(type) ~ ('(^|[_ ])(note|notes|remark|memo|call|phone|meeting)$|'
                                 || agent_refusing_acts()), false)
$$;

create or replace function public.agent_outcome_is_reply(outcome text) returns boolean
language sql immutable as $$
  select coalesce(lower(outcome) ~ '(^|[_ -])(replied|reply|responded|response|answered|answer)([_ .!-]|$)'
    and lower(outcome) !~ '(^|[_ -])(no|not|non|never|without|awaiting|waiting|wait|pending|needs?|until'
                          '|if|auto|automatic|(did|has|have|does)n.?t)([_ -]|$)', false)
$$;

create or replace function public.agent_outcome_note(outcome text) returns text
language sql immutable as $$
  select case when lower(outcome) !~ '^\s*(sent|delivered|success(ful)?|ok|done|completed?|pending|queued'
                '|opened|read|seen|failed|error|none|null|no[_ -]?(reply|response|answer))?\s*$'
              then left(outcome, 300) end
$$;

create or replace function public.agent_heard_at(said timestamptz, written_at timestamptz)
returns timestamptz
language sql stable as $$
  select case when said > now() then coalesce(least(written_at, now()), now()) else said end
$$;

create or replace function public.agent_excerpt(message text) returns text
language sql immutable as $$
  select case when length(message) <= 2000 then message
              else left(message, 1000) || E'\n…\n' || right(message, 1000) end
$$;

create or replace function public.agent_conversation(ids uuid[], addresses text[])
returns table (
  is_open boolean, has_tiktok_message boolean, touched_at timestamptz, touches bigint,
  ours_at timestamptz, heard_at timestamptz, heard_platform text, last_platform text,
  heard_hours jsonb, texts jsonb
)
language sql stable as $$
  select o.is_open, m.has_tiktok or o.has_tiktok or a.has_tiktok,
         agent_moment(greatest(c.outbound_at, i.at, m.touched_at, a.at, o.at)),
         greatest(i.touches, m.touches, o.touches, a.touches),
         agent_moment(greatest(c.ours_at, i.out_at, m.out_at, a.at, o.at)),
         agent_moment(greatest(c.inbound_at, i.in_at, m.in_at, v.in_at)),
         coalesce(m.in_platform, v.platform), v.platform, m.hours || i.hours,
         coalesce(m.texts, '[]') || coalesce(i.texts, '[]') || coalesce(v.texts, '[]')
           || coalesce(c.texts, '[]') || coalesce(i.notes, '[]')
    from (
      select coalesce(bool_or(q.status in ('pending', 'sending')), false) as is_open,
             -- What an older sender left on its way may have gone.
             max(case when q.status = 'sent' then q.sent_at
                      when q.error_message = 'interrupted' then q.updated_at end) as at,
             count(*) filter (where q.status = 'sent' and q.sent_at > now() - interval '7 days')
               as touches,
             coalesce(bool_or(q.status = 'sent' and safari_platform(q.platform) = 'tiktok'), false)
               as has_tiktok,
             coalesce(array_agg(left(q.message_body, 40))
                      filter (where q.status in ('sending', 'sent')), '{}') as begun
        from crm_message_queue q where q.contact_id = any (ids)) o
   cross join lateral (
      select max(t.stated_at) filter (where t.is_ours) as at,
             max(t.at) filter (where t.is_message and not t.is_answered) as out_at,
             -- Their answer came after what it is noted on, within an unknown time.
             greatest(max(t.at) filter (where t.is_reply),
                      max(agent_moment(t.at) + interval '1 minute') filter (where t.is_answered))
               as in_at,
             count(*) filter (where t.is_ours and t.at > now() - interval '7 days') as touches,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', agent_excerpt(t.summary),
                                                    'from', 'them') order by t.at desc)
                       filter (where t.is_reply and t.summary <> ''))[1:6]) as texts,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', t.note, 'from', 'unknown')
                                 order by t.at desc) filter (where t.note <> ''))[1:6]) as notes,
             -- Replies that stand as messages too count twice, which changes no maximum.
             coalesce(jsonb_agg(extract(hour from t.at at time zone 'utc')::integer)
                      filter (where t.is_theirs and isfinite(t.at)), '[]') as hours
        from (select least(n.occurred_at, n.created_at) as at,
                     coalesce(n.occurred_at, n.created_at) as stated_at, n.summary,
                     coalesce(agent_direction(n.direction) = 'outbound',
                              lower(n.type) !~ agent_outreach_their_acts()) as is_ours,
                     coalesce(agent_direction(n.direction) = 'outbound', true)
                       and lower(n.type)
                           ~ '^(dm|e?mail|message|call|meeting|sms|outreach|follow_?up)(_sent)?$'
                       as is_message,
                     agent_is_reply(n.type, n.direction) as is_reply,
                     agent_outcome_is_reply(n.outcome::text)
                       and not agent_is_reply(n.type, n.direction) as is_answered,
                     concat_ws(E'\n', case when lower(n.type) ~ agent_refusing_acts()
                            then concat_ws(E'\n', 'unsubscribe', agent_excerpt(n.summary))
                          when agent_is_note(n.type) and not agent_is_reply(n.type, n.direction)
                            then agent_excerpt(n.summary) end,
                       agent_outcome_note(n.outcome::text)) as note,
                     agent_direction(n.direction) = 'inbound'
                       or lower(n.type) ~ agent_outreach_their_acts() as is_theirs
                from crm_interactions n where n.contact_id = any (ids)) t) i
   cross join lateral (
      select max(t.at) filter (where t.is_outbound) as out_at,
             max(t.stated_at) filter (where t.is_outbound) as touched_at,
             max(t.at) filter (where not t.is_outbound and not t.is_silent) as in_at,
             (array_agg(t.platform order by t.at desc) filter (where not t.is_outbound))[1]
               as in_platform,
             count(*) filter (where t.is_outbound and t.at > now() - interval '7 days') as touches,
             coalesce(jsonb_agg(extract(hour from t.at at time zone 'utc')::integer)
                      filter (where not t.is_outbound and isfinite(t.at)), '[]') as hours,
             coalesce(bool_or(t.is_outbound and t.platform = 'tiktok'), false) as has_tiktok,
             coalesce(array_agg(left(t.text, 40)) filter (where t.is_outbound), '{}') as begun,
             to_jsonb((array_agg(jsonb_build_object('at', t.at, 'text', agent_excerpt(t.text),
                                                    'from', 'them') order by t.at desc)
                       filter (where not t.is_outbound and t.text <> ''))[1:12]) as texts
        from (select least(n.sent_at, n.created_at) as at,
                     coalesce(n.sent_at, n.created_at) as stated_at, safari_platform(n.platform) as platform,
                     coalesce(nullif(n.message_text, ''), n.body) as text,
                     not agent_outreach_is_theirs(n) as is_outbound,
                     -- Some programs store reactions and receipts as messages.
                     coalesce(lower(n.message_type::text), '')
                       ~ ('(^|_)(typing|system|deleted|unsent|receipt)$|(^|_)' || agent_silent_acts())
                       as is_silent
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
      select max(greatest(
               agent_heard_at(agent_time(n.last_reply_at), greatest(n.seen_at, n.updated_at)),
               case when n.unread_count > 0
                    then agent_heard_at(coalesce(agent_time(n.last_message_at), n.seen_at, n.updated_at),
                                        greatest(n.seen_at, n.updated_at)) end)) as in_at,
             (array_agg(safari_platform(n.platform) order by coalesce(agent_time(n.last_message_at),
                        n.updated_at) desc nulls last))[1] as platform,
             jsonb_agg(jsonb_build_object(
               'at', coalesce(agent_time(n.last_message_at), n.updated_at),
               'text', agent_excerpt(coalesce(n.last_message, n.last_message_preview)),
               'from', 'unknown')) filter (
                 where coalesce(n.last_message, n.last_message_preview, '') <> ''
                   and left(coalesce(n.last_message, n.last_message_preview), 40)
                       <> all (m.begun || o.begun)) as texts
        from crm_conversations n where n.contact_id = any (ids)) v
   cross join lateral (
      select max(k.last_outbound_at) as outbound_at,
             max(k.last_outbound_at) filter (where k.last_outbound_at <= now()) as ours_at,
             max(greatest(agent_heard_at(k.last_inbound_at, k.updated_at),
                          case when k.unread
                               then agent_heard_at(agent_time(k.last_message_at), k.updated_at) end))
               as inbound_at,
             jsonb_agg(jsonb_build_object('at', agent_time(k.last_message_at),
                                          'text', agent_excerpt(k.last_message), 'from', 'unknown'))
               filter (where k.last_message <> ''
                         and left(k.last_message, 40) <> all (m.begun || o.begun)) as texts
        from crm_contacts k where k.id = any (ids)) c
$$;

create or replace function public.agent_waits_for_us(
  ours_at timestamptz, heard_at timestamptz, done_at timestamptz
) returns boolean
language sql immutable as $$
  select coalesce(heard_at >= coalesce(ours_at, '-infinity')
                  and heard_at > coalesce(done_at, '-infinity'), false)
$$;

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

create or replace trigger safari_counter_lowered
  before update on public.safari_rate_limits
  for each row when (new.used < old.used)
  execute function public.safari_count_from_attempts();

create or replace function public.agent_creators_store(
  platform text, creators jsonb, posts jsonb, hooks jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
-- Where another program made the table, its key is an index of any name: so it is named by its columns.
#variable_conflict use_column
declare
  new_creators integer;
  best jsonb;
  seeded integer := 0;
  stage text := 'new';
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_creators:' || platform, 0));
  -- Accounts of other hosts are no creators either.
  creators := (
    select coalesce(jsonb_agg(c), '[]') from jsonb_array_elements(creators) c
     where not exists (select from safari_accounts a
                        where a.platform = agent_creators_store.platform
                          and a.account = lower(c ->> 'handle')));
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
           agent_as(c.offer_match, (null::public.actp_platform_creators).offer_match),
           c.icp_fit_score, now()
      from jsonb_to_recordset(creators) as c (
        handle text, display_name text, niche text, followers integer, engagement_score numeric,
        top_post_text text, top_post_url text, offer_match jsonb, icp_fit_score integer)
     order by c.handle, c.niche, c.icp_fit_score desc
  on conflict (platform, handle, niche) do update
    set display_name = coalesce(excluded.display_name, k.display_name),
        followers = coalesce(excluded.followers, k.followers),
        engagement_score = coalesce(excluded.engagement_score, k.engagement_score),
        top_post_text = coalesce(excluded.top_post_text, k.top_post_text),
        top_post_url = coalesce(excluded.top_post_url, k.top_post_url),
        offer_match = excluded.offer_match,
        -- Without a measured engagement a creator fits no worse than was known.
        icp_fit_score = case when excluded.engagement_score is null
                             then greatest(excluded.icp_fit_score, k.icp_fit_score)
                             else excluded.icp_fit_score end,
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

create or replace function public.agent_creators_seed(platform text, creators jsonb, stage text)
returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  seeded integer;
begin
  insert into crm_contacts (platform, username, display_name, source, niche_label, pipeline_stage)
    select distinct on (c.handle) agent_creators_seed.platform, c.handle, c.display_name,
           'market_research', c.niche, stage
      from jsonb_to_recordset(creators) as c (
        handle text, display_name text, niche text, icp_fit_score integer, qualified boolean)
     where c.qualified
       -- A contact may have this address in any spelling or column.
       and not exists (
         select from safari_people_links l
          where l.other = agent_creators_seed.platform || ':' || c.handle
            and starts_with(l.address, 'contact:'))
     order by c.handle, c.icp_fit_score desc
  on conflict do nothing;
  get diagnostics seeded = row_count;
  return seeded;
end $$;

create or replace function public.agent_creators_top(
  platform text default null, niche text default null, row_limit integer default 20
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(c) order by c.icp_fit_score desc nulls last, c.handle), '[]') from (
    select k.platform, k.handle, k.display_name, k.niche, k.followers, k.engagement_score,
           k.offer_match, k.icp_fit_score, k.top_post_url, k.last_synced_at
      from actp_platform_creators k
     where k.platform = coalesce(agent_creators_top.platform, k.platform)
       and k.niche = coalesce(agent_creators_top.niche, k.niche)
     order by k.icp_fit_score desc nulls last, k.handle limit row_limit
  ) c
$$;

create or replace function public.agent_reconcile_message() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  new.message_text := coalesce(
    new.message_text, new.body, to_jsonb(new) ->> 'text', to_jsonb(new) ->> 'content');
  new.body := coalesce(new.body, new.message_text, '');
  -- The direction wins: is_outbound may be a default.
  new.is_outbound := coalesce(
    agent_direction(new.direction) = 'outbound', new.is_outbound,
    agent_direction(to_jsonb(new) ->> 'sender') = 'outbound'
      or to_jsonb(new) ->> 'sent_by_automation' = 'true', false);
  new.direction := case when new.is_outbound then 'outbound' else 'inbound' end;
  if new.contact_id is null and new.conversation_id is not null then
    new.contact_id := (select v.contact_id from crm_conversations v where v.id = new.conversation_id);
  end if;
  if new.contact_id is null and new.username is not null then
    new.contact_id := agent_contact_at(agent_message_place(new.platform, new.username));
    if new.contact_id is null and not new.is_outbound
       and exists (select from safari_command_attempts a
                    where a.person = agent_message_place(new.platform, new.username)) then
      new.contact_id := agent_contact_who_wrote(agent_message_place(new.platform, new.username));
    end if;
  end if;
  return new;
exception when syntax_error_or_access_rule_violation or data_exception then
  -- Columns of other types: another program stores its message all the same.
  return new;
end $$;

create or replace function public.agent_contact_who_wrote(place text) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
  site constant text := split_part(place, ':', 1);
  person constant jsonb := jsonb_build_array(jsonb_build_object(
    'handle', safari_recipient(site, split_part(place, ':', 2))));
begin
  begin
    perform agent_crm_add(site, person, 'new');
  exception when check_violation then
    -- A project may allow only its own stages, without 'new'.
    perform agent_crm_add(site, person, 'first_touch');
  end;
  return agent_contact_at(place);
exception when integrity_constraint_violation or data_exception
               or syntax_error_or_access_rule_violation or raise_exception then
  perform safari_alert(format('agent_error:outreach:contact:%s', safari_today()), 'agent_error',
    jsonb_build_object('domain', 'outreach', 'task', 'contact', 'error', format(
      'the CRM refuses %s as a contact: %s', place, sqlerrm)));
  return null;
end $$;

drop function if exists public.agent_crm_read(text, timestamptz);

create or replace function public.agent_crm_read(
  platform text, began_at timestamptz, account text default 'default'
) returns jsonb
language sql set search_path = public, pg_temp as $$
  update safari_services s
     set conversations_read_at = greatest(s.conversations_read_at, began_at)
   where s.kind = 'dm' and s.platform = agent_crm_read.platform;
  insert into safari_conversations_read as r (platform, account, read_at)
    values (agent_crm_read.platform, agent_crm_read.account, began_at)
    on conflict on constraint safari_conversations_read_pkey do update
      set read_at = greatest(r.read_at, excluded.read_at);
  select 'null'::jsonb;
$$;

create or replace function public.agent_crm_stop(days integer default 2) returns jsonb
language sql set search_path = public, pg_temp as $$
  select agent_outreach_replied(coalesce(jsonb_agg(distinct m.contact_id), '[]'))
    from crm_messages m
   where agent_outreach_is_theirs(m) and m.contact_id is not null
     and m.created_at > now() - make_interval(days => agent_crm_stop.days)
$$;

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

drop function if exists public.safari_enqueue(jsonb);

create or replace function public.safari_enqueue(commands jsonb, operator text default null)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb;
begin
  if jsonb_typeof(commands) <> 'array' then
    raise invalid_parameter_value using message = format(
      'commands is a JSON array of objects, not of the type %s', jsonb_typeof(commands));
  end if;
  if operator is not null then
    perform safari_acts(operator);
  end if;
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
  if operator is not null then
    perform safari_record_action('enqueue', jsonb_build_object('commands', commands), answer);
  end if;
  return coalesce(answer, '[]');
end $$;

create or replace function public.safari_enqueue_check(commands jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  undone constant text := 'SCHKD';
  made jsonb;
  again jsonb;
  reused jsonb;
  answer jsonb;
begin
  begin
    made := safari_enqueue(commands);
    -- Compared as rows, since the queue stores a recipient in one spelling. An edited draft is still the
    -- command of its key.
    again := safari_enqueue((
      select coalesce(jsonb_agg((commands -> m.index) - 'key' order by m.index), '[]')
        from jsonb_to_recordset(made) m (index integer, created boolean) where not m.created));
    select jsonb_agg(jsonb_build_object('index', m.index, 'reason', 'key_reused', 'error', format(
             'its key is that of command %s, which has another %s', o.id,
             case when o.service is distinct from c.service then 'service'
                  when o.recipient is distinct from c.recipient then 'recipient'
                  else 'text' end)))
      into reused
      from (select r.index, r.id, row_number() over (order by r.index) - 1 as place
              from jsonb_to_recordset(made) r (index integer, id uuid, created boolean)
             where not r.created) m
      join safari_command_queue o on o.id = m.id
      join safari_command_queue c on c.id = (again -> m.place::integer ->> 'id')::uuid
     where o.service is distinct from c.service or o.recipient is distinct from c.recipient
        or (safari_words(o.params) <> safari_words(c.params)
            and safari_params(o.params) ->> 'written_by' is distinct from 'operator');
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
         cross join lateral safari_refusal_of(c, g.item ->> 'reached', t.person, t.recipient,
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
    answer := (select jsonb_agg(e order by (e ->> 'index')::integer)
                 from jsonb_array_elements(coalesce(answer, '[]') || coalesce(reused, '[]')) e);
    raise exception using errcode = undone;
  exception
    when sqlstate 'SCHKD' then null;
  end;
  return coalesce(answer, '[]');
end $$;

create or replace function public.agent_texts(value jsonb) returns text[]
language sql immutable as $$
  select case jsonb_typeof(value)
           when 'array' then array(select e.text from jsonb_array_elements_text(value) e (text)
                                    where e.text is not null)
           when 'string' then array[value #>> '{}'] end
$$;

create or replace function public.agent_tags_in(value text) returns text[]
language sql immutable as $$
  select case when value ~ '^\s*\[' then public.agent_texts(public.agent_json(value))
              else array(select btrim(t.tag, E' \t\r"''')
                           from regexp_split_to_table(btrim(value, E' \t\r\n{}'), '[,;|\n]') t (tag)
                          where btrim(t.tag, E' \t\r"''') <> '') end
$$;

create or replace function public.agent_tags(value jsonb) returns text[]
language sql immutable as $$
  select case jsonb_typeof(value) when 'array' then public.agent_texts(value)
                                  when 'string' then public.agent_tags_in(value #>> '{}') end
$$;

create or replace function public.agent_integers(value jsonb) returns integer[]
language sql immutable as $$
  select case when value is not null and jsonb_typeof(value) = 'array' then array(
           select public.agent_number(e.text)::integer
             from jsonb_array_elements_text(value) e (text)
            where abs(public.agent_number(e.text)) < 2147483647) end
$$;

create or replace function public.agent_json(value text) returns jsonb
language plpgsql immutable as $$
begin
  return value::jsonb;
exception when others then
  return null;
end $$;

create or replace function public.agent_number(value text) returns numeric
language sql immutable as $$
  select case when btrim(value) ~ '^[+-]?\d{1,30}(\.\d{1,30})?$' then btrim(value)::numeric end
$$;

create or replace function public.agent_is_said(value text) returns boolean
language sql immutable as $$
  select lower(btrim(value)) not in
         ('', 'false', 'f', 'no', 'n', '0', 'off', 'none', 'null', 'nan', 'undefined', '[]', '{}')
$$;

create or replace function public.agent_as(list jsonb, stored anyelement) returns anyelement
language plpgsql immutable as $$
declare
  result stored%type;
begin
  -- Of a domain, the type that it is made of.
  case (select format_type(coalesce(nullif(k.typbasetype, 0), k.oid), null)
          from pg_type k where k.oid = pg_typeof(stored))
    when 'text[]' then result := public.agent_texts(coalesce(list, '[]'));
    when 'integer[]' then result := public.agent_integers(coalesce(list, '[]'));
    else result := coalesce(list, '[]');
  end case;
  return result;
end $$;

create or replace function public.agent_reading(
  table_name text, name text, found text, wanted text
) returns text
language sql immutable as $$
  select case
    when name = 'id' and wanted = 'uuid' and table_name not in (
      'crm_contacts', 'crm_conversations', 'crm_message_queue', 'actp_gen_jobs', 'actp_ab_tests',
      'actp_workflow_tasks', 'actp_agent_tasks', 'actp_niche_resonance', 'actp_crm_transitions')
    then case
      when found in ('smallint', 'integer', 'bigint') then
        'lpad(to_hex(t.id::bigint), 32, ''0'')::uuid'
      when found in ('text', 'character varying') then 'md5(t.id)::uuid'
      end
    when found in ('text', 'character varying') then case
      -- Any word says that somebody is archived; none is lost because it is no time.
      when name = 'archived_at' then
        'case when public.agent_is_said(t.archived_at)'
        ' then coalesce(public.agent_time(t.archived_at), now()) end'
      when wanted like 'timestamp%' then format('public.agent_time(t.%I)', name)
      when wanted = 'jsonb' then format('public.agent_json(t.%I)', name)
      -- Hooks are sentences, which have commas.
      when wanted = 'text[]' and name !~ 'hook' then format('public.agent_tags_in(t.%I)', name)
      when wanted = 'text[]' then format('public.agent_texts(public.agent_json(t.%I))', name)
      when wanted = 'integer[]' then format('public.agent_integers(public.agent_json(t.%I))', name)
      when wanted in ('numeric', 'double precision') then
        format('public.agent_number(t.%I)::%s', name, wanted)
      when wanted in ('integer', 'bigint') then
        format('case when abs(public.agent_number(t.%1$I)) < 2147483647'
               ' then public.agent_number(t.%1$I)::%2$s end', name, wanted)
      when wanted = 'boolean' then format('public.agent_is_said(t.%I)', name)
      end
    when found in ('json', 'jsonb') then case wanted
      when 'text[]' then format('public.agent_texts(t.%I::jsonb)', name)
      when 'integer[]' then format('public.agent_integers(t.%I::jsonb)', name)
      when 'jsonb' then format('t.%I::jsonb', name)
      end
    end
$$;

create or replace function public.agent_fit_table(name text, wanted jsonb) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  view_name constant text := format('actp_fitted.%I', name);
  definition text;
begin
  select format('select %s from public.%I t', string_agg(coalesce(
           agent_reading(name, a.attname, format_type(coalesce(nullif(k.typbasetype, 0), k.oid), null),
                         wanted ->> a.attname)
             || format(' as %I', a.attname), format('t.%I', a.attname)), ', ' order by a.attnum), name)
    into definition
    from pg_attribute a
    join pg_type k on k.oid = a.atttypid
   where a.attrelid = to_regclass('public.' || quote_ident(name))
     and a.attnum > 0 and not a.attisdropped;
  if obj_description(to_regclass(view_name), 'pg_class') = definition then
    return;
  end if;
  execute format('drop view if exists %s cascade', view_name);
  execute format('create view %s with (security_invoker = true) as %s', view_name, definition);
  execute format('comment on view %s is %L', view_name, definition);
  if exists (select from pg_roles where rolname = 'service_role') then
    execute 'grant usage on schema actp_fitted to service_role';
    execute format('grant select, update on %s to service_role', view_name);
  end if;
end $$;

create or replace function public.agent_fit(wanted jsonb) returns jsonb
language plpgsql
-- Types are then written with their schema in what follows.
set search_path = pg_catalog, pg_temp set check_function_bodies = off set quote_all_identifiers = off
as $$
declare
  tables constant text[] := array(
    select distinct m ->> 'table' from jsonb_array_elements(public.agent_misfits(wanted, true)) m
     where (m ->> 'is_read')::boolean order by 1);
  one_of constant text := '(' || coalesce(nullif(array_to_string(tables, '|'), ''), '-') || ')';
  name text;
  definition text;
  takes_row boolean;
  fitted text;
  is_changed boolean := false;
begin
  if tables = '{}' and to_regnamespace('actp_fitted') is null then
    return '[]';
  end if;
  create schema if not exists actp_fitted;
  for name in
    select c.relname from pg_class c
     where c.relnamespace = 'actp_fitted'::regnamespace and c.relkind = 'v' and c.relname <> all (tables)
  loop
    execute format('drop view actp_fitted.%I cascade', name);
  end loop;
  foreach name in array tables loop
    perform public.agent_fit_table(name, wanted -> name);
  end loop;
  for definition, takes_row in
    select pg_get_functiondef(p.oid),
           pg_get_function_identity_arguments(p.oid) ~ ('\mpublic\.' || one_of || '\M')
      from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'
       and p.proname ~ '^(safari|agent)_' and p.proname !~ '^agent_fit'
       and p.proowner = current_user::regrole
       and pg_get_function_identity_arguments(p.oid) !~ 'actp_fitted\.'
  loop
    -- What is read, and what it is read into; what is written stays the table.
    fitted := regexp_replace(definition, 'actp_fitted\.', '', 'g');
    fitted := regexp_replace(fitted, '(?<!delete\s)\m(from|join)(\s+)' || one_of || '\M',
                             '\1\2actp_fitted.\3', 'g');
    fitted := regexp_replace(fitted, '(\n\s+\w+\s+)' || one_of || '((\[\])?;)',
                             '\1actp_fitted.\2\3', 'g');
    if fitted <> definition then
      execute fitted;
      is_changed := true;
    end if;
    -- A function of a row of the table is one of a row of the view, too.
    if takes_row then
      execute regexp_replace(fitted, '\mpublic\.' || one_of || '\M', 'actp_fitted.\1', 'g');
    end if;
  end loop;
  if is_changed then
    perform public.safari_protect();
  end if;
  return to_jsonb(tables);
end $$;

create or replace function public.safari_local_time(policy public.safari_policies) returns timestamp
language sql stable as $$ select now() at time zone coalesce(policy.time_zone, 'UTC') $$;

create or replace function public.safari_within_hours(policy public.safari_policies)
returns boolean
language sql stable as $$
  select case
    when policy.weekdays is not null and extract(isodow from case
           when policy.active_from > policy.active_to
                and extract(hour from safari_local_time(policy)) < policy.active_to
             then safari_local_time(policy) - interval '1 day'
           else safari_local_time(policy) end) <> all (policy.weekdays) then false
    when policy.active_from < policy.active_to then
      extract(hour from safari_local_time(policy)) >= policy.active_from
      and extract(hour from safari_local_time(policy)) < policy.active_to
    when policy.active_from > policy.active_to then
      extract(hour from safari_local_time(policy)) >= policy.active_from
      or extract(hour from safari_local_time(policy)) < policy.active_to
    else true end
$$;

create or replace function public.safari_gate_of(
  service text, acts_on text default null, account text default 'default'
)
returns table (
  reason text, until timestamptz, daily_limit integer, min_gap_seconds double precision
)
language sql stable as $$
  select rule.reason,
         case rule.reason
           when 'paused' then pause.until
           when 'hours' then safari_hours_begin(force.policy)
           when 'quota' then (safari_today() + 1)::timestamp at time zone 'utc'
           when 'weekly_limit' then safari_nth_action(asked.name, force.weekly, asked.account) + interval '7 days'
           when 'rolling_limit' then safari_nth_action(asked.name, force.rolling, asked.account) + interval '24 hours'
           when 'hourly_limit' then safari_nth_action(asked.name, force.hourly, asked.account) + interval '1 hour'
           when 'pace' then greatest(counter.next_action_at, safari_paused_until(
             asked.name, force.policy, force.daily - counter.today, asked.account))
         end,
         force.daily, (force.policy).min_gap_seconds
    from (select safari_gate_of.service as name,
                 safari_gate_of.account as account) asked
    left join safari_services owner on owner.service = asked.name
    left join lateral (
      select chosen.policy, f.*
        from safari_policies common
        left join safari_account_policies own
          on own.platform = common.platform and own.kind = common.kind
             and own.account = asked.account
       cross join lateral (
         select case when own.changes is null then common
                     else jsonb_populate_record(common, own.changes) end as policy offset 0) chosen
       cross join lateral safari_limits_of(chosen.policy, owner) f
       where common.platform = owner.platform and common.kind = owner.kind
      offset 0) force on true
    -- The pace outlives midnight, the count does not.
    left join lateral (
      select max(safari_pace_until(r.next_action_at, (force.policy).min_gap_seconds)) as next_action_at,
             coalesce(sum(r.used) filter (where r.limit_date = safari_today()), 0)::integer as today,
             sum(r.used) filter (where r.limit_date >= safari_today() - 1) as two_days,
             sum(r.used) as week
        from safari_rate_limits r
       where r.platform = owner.platform and r.action = owner.kind and r.account = asked.account
         and r.limit_date >= safari_today() - 7) counter on true
    left join lateral (
      select max(p.until) as until from safari_pauses p
       where p.platform in ('all', owner.platform, safari_gate_of.acts_on)
         and p.account in ('', asked.account) and p.until > now()) pause
      on true
   cross join lateral (
     select case
       when pause.until is not null then 'paused'
       when owner.kind is null then null
       when not safari_within_hours(force.policy) then 'hours'
       when coalesce(force.daily, 0) <= 0 or counter.today >= force.daily then 'quota'
       when force.weekly is not null and counter.week >= force.weekly
            and safari_nth_action(asked.name, force.weekly, asked.account) > now() - interval '7 days'
         then 'weekly_limit'
       when force.rolling is not null and counter.two_days >= force.rolling
            and safari_nth_action(asked.name, force.rolling, asked.account) > now() - interval '24 hours'
         then 'rolling_limit'
       when force.hourly is not null and counter.two_days >= force.hourly
            and safari_nth_action(asked.name, force.hourly, asked.account) > now() - interval '1 hour'
         then 'hourly_limit'
       when counter.next_action_at > now() or safari_paused_until(
              asked.name, force.policy, force.daily - counter.today, asked.account) > now() then 'pace'
     end as reason
     offset 0) rule
$$;

create or replace function public.safari_service_gate(
  service text, acts_on text default null, account text default 'default'
)
returns table (reason text, until timestamptz)
language sql stable as $$
  select g.reason, g.until from safari_gate_of(service, acts_on, account) g
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
      from safari_queue_depths() d join safari_services s on s.service = d.service
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

create or replace function public.safari_lock_holders(age_seconds double precision) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with held as (
    select l.pid, bool_or(l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')) as is_table,
           bool_or(l.mode <> 'AccessShareLock') as is_change
      from pg_locks l
      join pg_class c on c.oid = l.relation and c.relnamespace = 'public'::regnamespace
     where l.granted and l.locktype = 'relation' and l.pid <> pg_backend_pid()
       and l.database = (select d.oid from pg_database d where d.datname = current_database())
       and c.relkind in ('r', 'p') and c.relname ~ '^(safari|agent|crm|actp)_'
     group by l.pid
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'pid', a.pid, 'application', a.application_name, 'user', a.usename, 'state', a.state,
           'seconds', extract(epoch from now() - a.xact_start)) order by a.xact_start), '[]')
    from held h join pg_stat_activity a on a.pid = h.pid
   where coalesce(a.xact_start <= now() - make_interval(secs => age_seconds), true)
     and (h.is_table or h.is_change and (a.backend_xid is not null or a.xact_start is null))
$$;

drop function if exists public.agent_inbox_unheard(uuid, integer, uuid);

create or replace function public.agent_inbox_unheard(
  after uuid default null, row_limit integer default null, until uuid default null,
  ids jsonb default null
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
         and (ids is null
              or b.contact_id in (select i::uuid from jsonb_array_elements_text(ids) i))
         and b.contact_id > coalesce(after, '00000000-0000-0000-0000-000000000000')
         and b.contact_id <= coalesce(until, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       order by b.contact_id limit row_limit
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', w.contact_id, 'heard_at', t.heard_at, 'ours_at', t.ours_at, 'done_at', w.done_at,
             'waits', agent_waits_for_us(t.ours_at, t.heard_at, w.done_at),
             'texts', t.texts || coalesce((
               select jsonb_agg(jsonb_build_object('at', e.at, 'text', e.text, 'from', 'them'))
                 from (select least(n.sent_at, n.created_at) as at,
                              agent_excerpt(coalesce(nullif(n.message_text, ''), n.body)) as text
                         from crm_messages n
                        where n.contact_id = any (p.ids) and agent_outreach_is_theirs(n)
                        order by n.sent_at desc nulls last offset 12) e), '[]'))
           order by w.contact_id), '[]')
      from wanted w
      join crm_contacts c on c.id = w.contact_id
     cross join lateral agent_person_of(c.id) p
     cross join lateral agent_conversation(p.ids, p.addresses) t);
end $$;

create or replace function public.agent_words_hash(place text) returns text
language sql stable as $$
  select md5(string_agg(coalesce(nullif(m.message_text, ''), m.body), E'\n' order by m.id))
    from crm_messages m
   where m.contact_id is null and agent_message_place(m.platform, m.username) = place
     and agent_outreach_is_theirs(m)
$$;

create or replace function public.agent_words_unheard(addresses jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', a.address, 'hash', agent_words_hash(a.address), 'done_at', null,
           'texts', (
             select coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'text', e.text) order by e.at desc), '[]')
               from (select coalesce(m.sent_at, m.created_at) as at,
                            agent_excerpt(coalesce(nullif(m.message_text, ''), m.body)) as text
                       from crm_messages m
                      where m.contact_id is null and agent_outreach_is_theirs(m)
                        and agent_message_place(m.platform, m.username) = a.address) e))), '[]')
    from jsonb_array_elements_text(addresses) a (address)
$$;

create or replace function public.agent_words_heard(judged jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  said record;
begin
  for said in
    select j.id as address, j.hash, left(j.words, 300) as words
      from jsonb_to_recordset(judged) as j (id text, hash text, words text) order by 1
  loop
    if said.words is not null then
      perform safari_campaign_stop(array(
        select o from safari_campaign_targets_of(safari_person_addresses(said.address)) o));
      insert into safari_do_not_contact (platform, recipient, note)
        values (split_part(said.address, ':', 1),
                substr(said.address, position(':' in said.address) + 1), 'wrote: ' || said.words)
        on conflict do nothing;
    end if;
    insert into safari_words_heard as h (address, words_hash) values (said.address, said.hash)
      on conflict on constraint safari_words_heard_pkey
      do update set words_hash = excluded.words_hash, heard_at = now();
  end loop;
  return to_jsonb(jsonb_array_length(judged));
end $$;

create or replace function public.safari_platform_spelled(given text) returns text
language plpgsql immutable strict as $$
declare
  -- Signs and capitals make no other name, nor does a blank within it.
  words constant text := btrim(regexp_replace(lower(normalize(given, NFKC)), '[^a-z0-9]+', ' ', 'g'));
  joined constant text := replace(words, ' ', '');
  name text := coalesce(
    substring(words from '^(?:instagram|insta|ig|meta) (threads)\M'),
    substring(joined from '^(instagram|insta|ig|twitter|x|tiktok|tt|threads|linkedin|li|youtube|yt|facebook|fb'
                          '|pinterest)(?:app|com|dms?|net|pages?|posts?|reels?|shop|shorts?|story|stories|tv)?$'),
    substring(words from '^(?:https? )?(?:[a-z]{1,3} |mobile )?(instagram|instagr am|insta|ig|twitter|x com'
                         '|x(?= .*\mtwitter\M)|tik ?tok|threads|linked ?in|lnkd in|you ?tube|youtu be|yt'
                         '|facebook|fb|pinterest)\M'));
begin
  return case
    when name in ('instagram', 'instagr am', 'insta', 'ig') or joined in ('reel', 'reels') then 'instagram'
    when name in ('twitter', 'x', 'x com') or joined in ('twitterx', 'xtwitter') then 'twitter'
    when name in ('tiktok', 'tik tok', 'tt') then 'tiktok'
    when name in ('linkedin', 'linked in', 'lnkd in', 'li') then 'linkedin'
    when name in ('youtube', 'you tube', 'youtu be', 'yt') or joined in ('short', 'shorts') then 'youtube'
    when name in ('facebook', 'fb') then 'facebook'
    when name is not null then name
    when joined in ('email', 'emails', 'gmailcom', 'googlemail', 'mail', 'mails') then 'gmail'
    else nullif(btrim(lower(given), E' \t\r\n\u00a0'), '') end;
end $$;

create or replace function public.safari_platform(given text) returns text
language sql immutable as $$
  select case lower(btrim(given))
           when 'instagram' then 'instagram' when 'twitter' then 'twitter'
           when 'tiktok' then 'tiktok' when 'threads' then 'threads'
           when 'linkedin' then 'linkedin' when 'youtube' then 'youtube' when 'gmail' then 'gmail'
           when 'all' then 'all' else public.safari_platform_spelled(given) end
$$;

create or replace function public.safari_visible(given text) returns text
language plpgsql immutable as $$
begin
  if given ~ '^[A-Za-z0-9@_/](?:[\x21-\x7e]*[A-Za-z0-9_/=-])?$' then
    return given;
  end if;
  return regexp_replace(
    regexp_replace(
      regexp_replace(given, '[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]', '', 'g'),
      '[\s\u00a0\u3000]+(?:\([^()]*\)|[\U0001f000-\U0001faff\u2600-\u27bf\u200d\ufe0f]+)[\s\u00a0\u3000]*$', ''),
    '^[\s\u00a0\u3000"''`“”„‘’‚«»‹›<(\[{]+'
    '|(?:[\s\u00a0\u3000"''`“”„‘’«»‹›>)\]},;:!…、。，！？]|(?<![/.])\.+)+$', '', 'g');
end $$;

create or replace function public.safari_site(host text) returns text
language sql immutable as $$
  select case regexp_replace(host, '^(?:www|m|mobile)\.', '')
           when 'instagram.com' then 'instagram' when 'instagr.am' then 'instagram'
           when 'x.com' then 'twitter' when 'twitter.com' then 'twitter'
           when 'tiktok.com' then 'tiktok'
           when 'threads.com' then 'threads' when 'threads.net' then 'threads'
           when 'linkedin.com' then 'linkedin' when 'touch.linkedin.com' then 'linkedin'
           when 'ig.me' then 'instagram'  -- links into a conversation
           else case when host ~ '^[a-z]{2}(?:-[a-z]{2})?\.linkedin\.com$' then 'linkedin' end end
$$;

create or replace function public.safari_page(given text, out site text, out parts text[])
language plpgsql immutable as $$
declare
  scheme constant text := lower(split_part(left(given, 8), '://', 1));
  -- Twitter wrote the path behind #! for some years.
  bare constant text := split_part(split_part(replace(
    case when scheme in ('http', 'https') then substr(given, length(scheme) + 4) else given end,
    'twitter.com/#!/', 'twitter.com/'), '?', 1), '#', 1);
  host text := split_part(bare, '/', 1);
begin
  if length(given) > 2048 or given ~ '[\s\\"''`<>]' or position('/' in bare) = 0 then
    return;
  end if;
  -- Full-width letters and dots are what a browser takes them for; any other host is another site. A host
  -- may end with the dot of the root.
  host := translate(lower(normalize(host, NFKC)), '。', '.');
  site := safari_site(
    regexp_replace(host, case scheme when 'http' then '\.?(?::80)?$' else '\.?(?::443)?$' end, ''));
  if site is null then
    return;
  end if;
  parts := array_remove(string_to_array(substr(bare, length(split_part(bare, '/', 1)) + 2), '/'), '');
  if position('%' in bare) > 0 then
    parts := array(select safari_percent_decoded(p.part)
                     from unnest(parts) with ordinality p (part, n) order by p.n);
  end if;
  if array_position(parts, null) is not null or parts && '{.,..}'
     or array_to_string(parts, '') ~ '[/\\\x01-\x20\x7f]' then
    site := null;
    parts := null;
  end if;
end $$;

create or replace function public.safari_handle(platform text, given text) returns text
language plpgsql immutable as $$
declare
  handle constant text := lower(rtrim(btrim(given, '@ '), '.'));
begin
  if length(handle) > 30 or handle !~ '^[a-z0-9._]+$' then
    return null;
  elsif handle in ('none', 'null', 'nan', 'undefined', 'unknown', 'n.a', 'tbd', 'username', 'handle',
                   'true', 'false') then
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
     or lower(slug) in ('me', 'unavailable', 'edit', 'none', 'null', 'nan', 'undefined', 'unknown')
     or slug ~ '[\x01-\x2c./\x3a-\x40\x5b-\x5e\x60\x7b-\xa0\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]' then
    return null;
  end if;
  return case when slug ~ '^ACo[A-Za-z0-9_-]{30,}$' then slug else safari_lower(slug) end;
end $$;

create or replace function public.safari_mailbox(given text) returns text
language plpgsql immutable as $$
declare
  tagging constant text :=
    '^(?:outlook|hotmail|live)\.[a-z]{2,3}(?:\.[a-z]{2})?$|^(?:proton|pm)\.me$|^fastmail\.fm$'
    '|^(?:msn|icloud|me|mac|fastmail|protonmail|zoho)\.com$';
  parts constant text[] := regexp_match(
    safari_lower(translate(normalize(regexp_replace(
      coalesce(substring(given from '^(?:[^<>@"]*"|[^<>@,;]*)\s*<([^<>\s]+)>?$'), given),
      '[.>]+$|\?[^@]*$', '', 'g'), NFKC), '。', '.')),
    '^(?:mailto:)?([^\s@<>",;:*()\\\[\]]+)@((?:[^\x01-\x2c./\x3a-\x60\x7b-\xa0]+\.)+[^\x01-\x2c./\x3a-\x60\x7b-\xa0]+)$');
begin
  if parts[2] in ('gmail.com', 'googlemail.com') then
    return replace(split_part(parts[1], '+', 1), '.', '') || '@gmail.com';
  elsif parts[2] ~ tagging then
    return split_part(parts[1], '+', 1) || '@' || parts[2];
  elsif position('xn--' in parts[2]) > 0 then
    return parts[1] || '@' || (
      select string_agg(safari_host_label(l.label), '.' order by l.place)
        from string_to_table(parts[2], '.') with ordinality l (label, place));
  end if;
  return parts[1] || '@' || parts[2];
end $$;

create or replace function public.safari_address(
  platform text, given text, out place text, out name text
)
language plpgsql immutable as $$
declare
  wanted constant text := safari_platform(platform);
  visible constant text := safari_visible(given);
  -- LinkedIn profiles are also copied without their host.
  seen text := case when wanted = 'linkedin' and visible ~* '^/?in/'
                    then 'linkedin.com/' || ltrim(visible, '/') else visible end;
  is_handle boolean := wanted in ('instagram', 'threads', 'tiktok', 'twitter');
  page record;
begin
  -- 'IG: @ada', as people write it who have one column for everything.
  if position(':' in seen) > 0 and seen ~ '^[A-Za-z ]{1,12}:\s*[^/\s]'
     and safari_platform(split_part(seen, ':', 1)) = wanted then
    seen := ltrim(substr(seen, position(':' in seen) + 1));
  end if;
  if seen is null or seen = '' then
    return;
  elsif wanted = 'gmail' or (wanted is null and position('/' in seen) = 0) then
    name := safari_mailbox(seen);
    place := case when name is not null then 'gmail' end;
    return;
  elsif position('/' in seen) = 0 then
    name := case when wanted = 'threads' then
                   safari_handle(wanted, regexp_replace(normalize(seen, NFKC), '(?<=.)@threads\.(?:net|com)$', ''))
                 when is_handle then safari_handle(wanted, normalize(seen, NFKC))
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
           when page.parts[1] in ('comm', 'm', 'mwlite') and page.parts[2] = 'in' then
             safari_profile(page.parts[3])
      end
    when 'instagram' then
      case when cardinality(page.parts) = 1 or (cardinality(page.parts) = 2 and page.parts[2] in (
             'channel', 'feed', 'followers', 'following', 'guides', 'igtv', 'reels', 'saved', 'tagged'))
             then safari_handle('instagram', page.parts[1])
           -- Links of the app, and into a conversation.
           when cardinality(page.parts) = 2 and page.parts[1] in ('_u', 'm') then
             safari_handle('instagram', page.parts[2]) end
    when 'twitter' then
      case when cardinality(page.parts) = 1 or (cardinality(page.parts) = 2 and page.parts[2] in (
             'affiliates', 'articles', 'communities', 'followers', 'following', 'header_photo',
             'highlights', 'likes', 'lists', 'media', 'photo', 'subscriptions', 'superfollows', 'topics',
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
  first text;
  at integer;  -- the place of the id among the parts
  behind constant text :=
    '(?:/c/[0-9]+(?:/r/[0-9]+)?|/comments|/embed(?:/captioned)?|/liked_by|/media)?$';
begin
  page := safari_page(safari_visible(given));
  if page.site is null or page.site <> coalesce(wanted, page.site) then
    return;
  end if;
  path := '/' || array_to_string(page.parts, '/');
  first := page.parts[1];
  case page.site
    when 'twitter' then
      if path !~ '^/(?:i/web|[^/]+)/status(?:es)?/[1-9][0-9]*(?:/[a-z_]+(?:/[0-9a-z_]+)?)?$' then
        return;
      end if;
      at := case when page.parts[2] = 'web' then 4 else 3 end;
      author := safari_handle('twitter', nullif(first, 'i'));
      if length(page.parts[at]) <= 25 and (first = 'i' or author is not null) then
        id := page.parts[at];
        url := format('https://x.com/%s/status/%s', coalesce(author, 'i'), id);
      end if;
    when 'instagram' then
      at := case
        when path ~ ('^/[^/]+/(?:p|reels?|tv)/[A-Za-z0-9_-]+' || behind)
             and length(page.parts[3]) <= 64 then 3
        when path ~ ('^/(?:p|reels?|tv)/[A-Za-z0-9_-]+' || behind)
             and length(page.parts[2]) <= 64 then 2 end;
      author := safari_handle('instagram', case at when 3 then first end);
      if at = 2 or author is not null then
        id := page.parts[at];
        url := format('https://www.instagram.com/%s%s/%s/', author || '/',
                      rtrim(page.parts[at - 1], 's'), id);
      end if;
    when 'threads' then
      if path !~ '^/(?:@[^/@]+/post|t)/[A-Za-z0-9_-]+(?:/embed|/media)?$' then
        return;
      end if;
      at := case first when 't' then 2 else 3 end;
      author := safari_handle('threads', nullif(first, 't'));
      if length(page.parts[at]) <= 64 and (first = 't' or author is not null) then
        id := page.parts[at];
        url := case when author is null then format('https://www.threads.com/t/%s', id)
                    else format('https://www.threads.com/@%s/post/%s', author, id) end;
      end if;
    when 'tiktok' then
      path := regexp_replace(
        path, '^/(?:v/([1-9][0-9]*)\.html'
              '|(?:embed|player|(?:i18n/)?share/video)/(?:v[0-9]/)?([1-9][0-9]*))$', '/@/video/\1\2');
      if path !~ '^/@[^/@]*/(?:video|photo)/[1-9][0-9]*$' then
        return;
      end if;
      first := substr(split_part(path, '/', 2), 2);
      author := safari_handle('tiktok', nullif(first, ''));
      if length(split_part(path, '/', 4)) <= 25 and (first = '' or author is not null) then
        id := split_part(path, '/', 4);
        url := format('https://www.tiktok.com/@%s/%s/%s', coalesce(author, ''),
                      split_part(path, '/', 3), id);
      end if;
    else
      null;
  end case;
  place := case when id is not null then page.site end;
  author := case when id is not null then author end;
end $$;

create or replace function public.agent_inbox_mark() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  -- A number is no id that the inbox knows, and no reason to refuse another program's row.
  who uuid := substring(to_jsonb(new) ->> case tg_table_name when 'crm_contacts' then 'id'
                                                             else 'contact_id' end
                        from '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$')::uuid;
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
                    and (agent_is_reply(s.type, s.direction) or agent_is_note(s.type)
                         or agent_outcome_note(s.outcome::text) is not null));
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

create or replace trigger agent_inbox_message_changed
  after update on public.crm_messages
  for each row when (
    new.direction = 'inbound' and (
      new.body is distinct from old.body or new.message_text is distinct from old.message_text
      or new.direction is distinct from old.direction
      or new.contact_id is distinct from old.contact_id))
  execute function public.agent_inbox_mark();

create or replace trigger agent_inbox_interaction_changed
  after update on public.crm_interactions
  for each row when (
    (agent_is_reply(new.type, new.direction) or agent_is_note(new.type)
     or agent_outcome_note(new.outcome::text) is not null) and (
      new.summary is distinct from old.summary
      or new.outcome::text is distinct from old.outcome::text or new.type is distinct from old.type
      or new.direction is distinct from old.direction
      or new.contact_id is distinct from old.contact_id))
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
           coalesce(case when not o.waits then o.look_words end, left(o.texts -> 0 ->> 'text', 600), ''),
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
    select array_agg(distinct substr(c.address, 9)::uuid) into found_ids
      from unnest(array[null, 'twitter', 'instagram', 'tiktok', 'threads', 'linkedin', 'gmail']) s (site)
     cross join lateral safari_address(s.site, who) a
      join safari_people o on o.address = a.place || ':' || a.name
      join safari_people c on c.person = o.person and starts_with(c.address, 'contact:');
  end if;
  -- Names on platforms without a service.
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
                     least(n.sent_at, n.created_at) as at, lower(n.platform) as platform,
                     left(coalesce(nullif(n.message_text, ''), n.body), 1000) as text
                from crm_messages n where n.contact_id = any (agent_person(c.id))
               order by n.sent_at desc nulls last limit 20) m), '[]'))
    from crm_contacts c where c.id = agent_inbox_show.contact_id
$$;

create or replace function public.safari_set_aside(services jsonb, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_rows constant integer := 10000;
  longest constant interval := interval '5 seconds';
  began constant timestamptz := clock_timestamp();
  command safari_command_queue;
  fault text;
  ended uuid[] := '{}';
  refused integer := 0;
begin
  delete from safari_claims_refused r where r.until < now() - interval '1 day';
  for command in
    select q.* from jsonb_array_elements_text(services) s (service)
     cross join lateral (
       select c.* from safari_command_queue c
        where c.service = s.service and c.status = 'pending' and (c.ready or c.due_at <= now())
          and c.id <> all (safari_claims_refused_now())
        order by c.priority, c.created_at, c.id
        limit most_rows for update skip locked) q
  loop
    exit when clock_timestamp() - began > longest;
    fault := safari_unclaimable(command);
    begin
      if fault is not null then
        update safari_command_queue q
           set status = 'failed', reason = 'validation', error = fault, completed_at = now(),
               result = '{"outcome": "validation"}', updated_at = now()
         where q.id = command.id;
        perform safari_record_event(command.id, 'failed', null, null, null,
                                    jsonb_build_object('reason', 'validation', 'error', fault));
        ended := ended || command.id;
      else
        perform safari_rehearse_claim(command.id);
      end if;
    exception when others then
      if sqlstate <> 'SRHSD' then
        refused := refused + 1;
        perform safari_refuse_claim(command.id, sqlerrm);
      end if;
    end;
  end loop;
  if ended <> '{}' then
    perform safari_alert(format('set_aside:%s', ended[1]), 'set_aside',
                         jsonb_build_object('command_ids', to_jsonb(ended[1:20]),
                                            'count', cardinality(ended), 'error', error));
  elsif refused = 0 then
    perform safari_alert(format('claims_refused:%s', safari_today()), 'claims_refused',
                         jsonb_build_object('services', services, 'error', error));
  end if;
  return to_jsonb(ended);
end $$;

create or replace function public.safari_refused_claims() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('count', count(*), 'id', (array_agg(q.id order by q.id))[1],
                            'error', (array_agg(r.error order by q.id))[1])
    from safari_claims_refused r
    join safari_command_queue q on q.id = r.command_id and q.status = 'pending'
   where r.until > now()
$$;

create or replace function public.safari_unclaimable(command public.safari_command_queue) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  readable jsonb;
  waited interval;
begin
  readable := to_jsonb(command);
  waited := now() - greatest(command.created_at, command.due_at);
  perform command.lease_number + 1, waited;
  return null;
exception when data_exception or program_limit_exceeded then
  return sqlerrm;
end $$;

create or replace function public.safari_rehearse_claim(command_id uuid) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  set constraints all immediate;
  update safari_command_queue q
     set ready = true, status = 'running', boot_id = gen_random_uuid(), worker_id = 'rehearsal',
         lease_number = q.lease_number + 1, lease_expires_at = now(), started_at = now(),
         updated_at = now()
   where q.id = command_id;
  raise exception using errcode = 'SRHSD';
end $$;

drop function if exists public.agent_misfits(jsonb);

create or replace function public.agent_misfits(wanted jsonb, with_read boolean default false)
returns jsonb
language sql stable set search_path = public, pg_temp set quote_all_identifiers = off as $$
  with wanted_columns as (
    select t.key as table_name, c.key as column_name, c.value as type
      from jsonb_each(wanted) t, lateral jsonb_each_text(t.value) c
     where to_regclass('public.' || quote_ident(t.key)) is not null
  ), compared as (
    select w.*, format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), null) as found
      from wanted_columns w
      left join pg_attribute a
        on a.attrelid = to_regclass('public.' || quote_ident(w.table_name))
       and a.attname = w.column_name and a.attnum > 0 and not a.attisdropped
      left join pg_type t on t.oid = a.atttypid
  ), misfits as (
    select c.*, agent_reading(c.table_name, c.column_name, c.found, c.type) is not null as is_read
      from compared c
     where c.found is distinct from c.type
       and not exists (
         select from unnest(array[
           'text,character varying,character,citext',
           'smallint,integer,bigint,numeric,real,double precision',
           'timestamp with time zone,timestamp without time zone'
         ]) kind
          where c.found = any (string_to_array(kind, ','))
            and c.type = any (string_to_array(kind, ',')))
  )
  select coalesce(jsonb_agg(jsonb_build_object(
           'table', m.table_name, 'column', m.column_name, 'found', m.found, 'wanted', m.type)
             || case when with_read then jsonb_build_object('is_read', m.is_read) else '{}' end
           order by m.table_name, m.column_name), '[]')
    from misfits m
   where with_read or not m.is_read
$$;

create or replace function public.safari_renew(boot uuid, held jsonb, lease interval) returns jsonb
language plpgsql as $$
declare
  lost jsonb;
begin
  with reported as (
    select (h ->> 'id')::uuid as id, (h ->> 'lease')::bigint as lease
      from jsonb_array_elements(held) h
  ), locked as (
    select q.id from safari_command_queue q join reported r on r.id = q.id
     where q.status = 'running' and q.boot_id = safari_renew.boot
       and q.lease_number = r.lease
     order by q.id for update of q
  ), renewed as (
    update safari_command_queue q
       set lease_expires_at = now() + lease
      from locked where q.id = locked.id
    returning q.id
  )
  select coalesce(jsonb_agg(r.id), '[]') into lost
    from reported r where r.id not in (select id from renewed);
  return lost;
end $$;

create or replace function public.safari_renew_each(boot uuid, held jsonb, lease interval)
returns jsonb
language plpgsql as $$
declare
  lost jsonb := '[]';
  item jsonb;
begin
  for item in select h from jsonb_array_elements(held) h order by (h ->> 'id')::uuid loop
    begin
      lost := lost || safari_renew(boot, jsonb_build_array(item), lease);
    exception when others then
      perform safari_alert(
        format('write_refused:%s:%s', item ->> 'id', safari_today()), 'write_refused',
        jsonb_build_object('command_id', item ->> 'id', 'error', sqlerrm));
    end;
  end loop;
  return lost;
end $$;

create or replace function public.safari_heartbeat(
  boot_id uuid, held jsonb, state jsonb, lease_seconds double precision
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  lease constant interval := make_interval(secs => lease_seconds);
  longest_pause constant interval := '4 seconds';
  lost jsonb;
begin
  update safari_workers w
     set seen_at = now(),
         state = safari_heartbeat.state,
         may_rescue_from = case
           when w.may_rescue_until is null then now() + lease
           -- Neither is its time over, nor was it set by a clock that has gone back since.
           when w.may_rescue_until not between now() and now() + lease
             then now() + lease + longest_pause
           else w.may_rescue_from end,
         may_rescue_until = now() + lease / 2
   where w.boot_id = safari_heartbeat.boot_id;
  begin
    lost := safari_renew(boot_id, held, lease);
  exception when others then
    lost := safari_renew_each(boot_id, held, lease);
  end;
  return jsonb_build_object('lost', lost);
end $$;

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
  earlier safari_command_attempts;
begin
  if command.effect = 'once' and not counts_as_death then
    -- Set to running by hand: an attempt of ours that ended says more than its status does.
    select * into earlier from safari_command_attempts a
     where a.command_id = command.id and a.outcome in ('sent', 'unknown')
     order by a.attempt desc limit 1;
    if found then
      perform safari_restore(command, earlier);
      return 'restored';
    end if;
  end if;
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
               'then settle it with bin/queue resolve';
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

create or replace function public.safari_rescue(
  boot_id uuid, host_key text, services jsonb, expired boolean
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  -- A controller from before us that still works on a row finishes it within this time.
  unleased_grace constant interval := interval '10 minutes';
  me safari_workers;
  command safari_command_queue;
  outcomes jsonb := '{}';
  outcome text;
begin
  select * into me from safari_workers w where w.boot_id = safari_rescue.boot_id;
  for command in
    select q.* from safari_command_queue q
     where q.status = 'running' and q.service <> 'foreign'
       and ((expired and q.lease_expires_at < now()
             and now() between me.may_rescue_from and me.may_rescue_until)
            or (q.service in (select jsonb_array_elements_text(services))
                and q.boot_id <> safari_rescue.boot_id
                and exists (select from safari_workers w
                             where w.boot_id = q.boot_id and w.host_key = safari_rescue.host_key
                               and w.started_at < me.started_at))
            or (q.lease_expires_at is null
                and coalesce(q.started_at, q.updated_at, q.created_at) < now() - unleased_grace))
     order by q.id
     limit 500
     for update skip locked
  loop
    begin
      outcome := safari_rescue_one(command, command.lease_expires_at is not null);
    exception when others then
      -- Another program's trigger refuses it: this row alone stays as it is.
      perform safari_alert(
        format('write_refused:%s:%s', command.id, safari_today()), 'write_refused',
        jsonb_build_object('command_id', command.id, 'service', command.service, 'error', sqlerrm));
      continue;
    end;
    outcomes := outcomes || jsonb_build_object(
      outcome, coalesce((outcomes ->> outcome)::integer, 0) + 1);
  end loop;
  if outcomes <> '{}' then
    notify safari_commands;
  end if;
  return outcomes;
end $$;

create or replace function public.safari_notice_clone(
  boot_id uuid, lease_seconds double precision
) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  twin record;
begin
  -- Times of a clock that was ahead would make a dead process the latest one until they have come. They
  -- are put back together, before the start of this one, so that they keep their order.
  update safari_workers w
     set started_at = w.started_at - case when w.started_at > safari_clock_limit() then a.ahead else '0' end,
         seen_at = w.seen_at - case when w.seen_at > safari_clock_limit() then a.ahead else '0' end
    from (select max(greatest(m.started_at, m.seen_at)) - least(me.started_at, now())
                 + interval '1 millisecond' as ahead, array_agg(m.boot_id) as boots
            from safari_workers me
            join safari_workers m on m.host_key = me.host_key and m.services && me.services
           where me.boot_id = safari_notice_clone.boot_id
           group by me.boot_id) a
   where w.boot_id in (
     select wrong.boot_id from safari_workers wrong
      where wrong.boot_id = any (a.boots)
        and greatest(wrong.started_at, wrong.seen_at) > safari_clock_limit()
        for update skip locked);
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

create or replace function public.safari_beat(
  boot_id uuid, held jsonb, state jsonb, lease_seconds double precision, host_key text, services jsonb,
  known jsonb default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb := safari_heartbeat(boot_id, held, state, lease_seconds)
    || jsonb_strip_nulls(jsonb_build_object('resumed', safari_resumed(boot_id)));
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
  finish_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(finishes) i);
  begin_ids uuid[] := array(select (i ->> 'id')::uuid from jsonb_array_elements(begins) i);
begin
  perform from safari_command_queue q
    where q.id = any (finish_ids || begin_ids)
    order by q.id for update;
  select w.worker, w.accounts into worker, accounts
    from safari_workers w where w.boot_id = safari_ledger.boot_id;
  -- Two addresses of one person may be in two services, or on two hosts: their begins take turns. So do
  -- those of one service by one account, whose limits of an hour or a week have no counter to lock.
  if begins <> '[]' then
    perform pg_advisory_xact_lock(p.key) from (
      select distinct k.key
        from safari_command_queue q
        left join safari_services s on s.service = q.service
       cross join lateral (values
         (hashtextextended(coalesce((select o.person::text from safari_people o
                                      where o.address = q.platform || ':' || q.person),
                                    q.platform || ':' || q.person), 1)),
         (case when s.kind is not null then hashtextextended(
            s.service || ':' || safari_account_on(accounts, s.platform), 2) end)) k (key)
       where q.id = any (begin_ids) and q.effect = 'once' and k.key is not null
       order by k.key offset 0) p;
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
      safari_ledger.boot_id, worker, begins, coalesce(accounts, '{}'), array(
        select a.platform from safari_accounts a group by a.platform having count(*) > 1));
  end if;
  return jsonb_build_object('finishes', finishes, 'begins', begins);
end $$;

create or replace function public.safari_begin_batch(
  worker_boot uuid, worker text, items jsonb, accounts jsonb, shared text[]
) returns jsonb
language plpgsql as $$
declare
  judged record;
  command safari_command_queue;
  earlier safari_command_attempts;
  next_round jsonb := '[]';
  answers jsonb := '[]';
  answer jsonb;
begin
  for judged in
    with asked as materialized (
      select i.place, i.item, q.id, q as command, s.platform, s.kind,
             safari_account_on(accounts, s.platform) as account,
             safari_reached(q, i.item ->> 'recipient') as reached,
             case when q.attempt > 0 then (
               select b from safari_command_attempts b
                where b.command_id = q.id and (b.outcome is null or b.outcome in ('sent', 'unknown'))
                order by b.attempt desc limit 1) end as earlier,
             coalesce(s.platform || ':' || s.kind, q.service) as counter,
             coalesce((select o.person::text from safari_people o
                        where o.address = q.platform || ':' || q.person),
                      q.platform || ':' || q.person, q.id::text) as reaches
        from jsonb_array_elements(items) with ordinality i (item, place)
        left join safari_command_queue q on q.id = (i.item ->> 'id')::uuid
        left join safari_services s on s.service = q.service
    ), facts as materialized (
      select a.*, r.reason as refusal, r.error, g.until, g.daily_limit, g.min_gap_seconds, w.*,
             case
               when a.id is null or (a.command).status <> 'running'
                    or (a.command).boot_id is distinct from worker_boot
                    or (a.command).lease_number <> (a.item ->> 'lease')::bigint then 'lost'
               when (a.earlier).command_id is not null and (a.earlier).outcome is null
                    and (a.earlier).boot_id = worker_boot
                    and (a.earlier).lease_number = (a.command).lease_number then 'begun'
               when (a.earlier).command_id is not null and (a.command).effect = 'once' then 'reached'
               when (a.command).expires_at <= now() then 'expired'
               -- The campaign holds its steps as soon as it looks at the person.
               when r.reason = 'needs_look' and (a.command).campaign_id is not null then 'doubtful'
               when r.reason is not null then 'refused'
               when w.unheard is not null then 'unheard'
               when w.sender <> a.account then 'account'
               when w.wait_reason is not null then 'wait'
             end as finding
        from asked a
       cross join lateral safari_refusal_of(
         a.command, a.item ->> 'recipient', (a.reached).person, (a.reached).recipient,
         a.item ->> 'text_hash') r
       cross join lateral safari_gate_of(
         (a.command).service, (a.command).platform, a.account) g
       cross join lateral (
         select case when r.reason is null and (a.command).effect = 'once' then safari_unheard(
                  (a.command).platform || ':' || (a.reached).person, r.addresses) end as unheard,
                case when (a.command).account <> '' then (a.command).account
                     when a.platform = any (shared) and (a.command).effect = 'once'
                          and (a.reached).person is not null
                       then safari_sender((a.command).platform, (a.reached).person, a.id)
                end as sender,
                -- Most have no review and need none; the two look-ups save the call.
                case when g.reason is not null then g.reason
                     when (exists (select from safari_settings k
                                    where k.key = 'review' and k.value <> '"off"')
                           or exists (select from safari_reviews v
                                       where v.door = 'command' and v.row_id = a.id))
                          and safari_needs_review(a.command) then 'review' end as wait_reason
         offset 0) w
       where not exists (select from asked b
                          where b.place < a.place
                            and (b.counter = a.counter or b.reaches = a.reaches))
    ), taken as (
      -- Takes one from today's limit and sets the pace. Every process locks counters in this order.
      update safari_rate_limits r
         set used = r.used + 1,
             daily_limit = locked.daily_limit,
             ceiling = greatest(r.ceiling, locked.daily_limit),
             next_action_at = case when locked.min_gap_seconds > 0 then
               clock_timestamp()
               + make_interval(secs => locked.min_gap_seconds * (1 + random() / 2))
             end,
             updated_at = now()
        from (select c.id, f.id as command_id, f.daily_limit, f.min_gap_seconds
                from facts f
                join safari_rate_limits c
                  on c.platform = f.platform and c.action = f.kind
                     and c.limit_date = safari_today() and c.account = f.account
               where f.finding is null and (f.command).effect = 'once'
               order by (f.command).service for update of c) locked
       where r.id = locked.id and r.used < locked.daily_limit
         and coalesce(safari_pace_until(r.next_action_at, locked.min_gap_seconds) <= now(), true)
      returning locked.command_id, r.platform, r.action, r.limit_date
    ), intent as (
      insert into safari_command_attempts (
        command_id, attempt, boot_id, lease_number, service, account, recipient, person, text_hash,
        quota_platform, quota_kind, quota_day
      )
        select f.id, (f.command).attempt + 1, worker_boot, (f.command).lease_number,
               (f.command).service, f.account, (f.reached).recipient,
               (f.command).platform || ':' || (f.reached).person, f.item ->> 'text_hash',
               t.platform, t.action, t.limit_date
          from facts f left join taken t on t.command_id = f.id
         where f.finding is null
           and (t.command_id is not null or f.kind is null or (f.command).effect <> 'once')
      returning command_id, attempt
    ), counted as (
      update safari_command_queue q set attempt = i.attempt, updated_at = now()
        from intent i where q.id = i.command_id
    ), audited as (
      insert into safari_command_events (command_id, event, worker, attempt)
        select command_id, 'begun', safari_begin_batch.worker, attempt from intent
    )
    select a.item, f.place, f.id, f.command, f.earlier, f.platform, f.kind, f.account, f.finding,
           f.refusal, f.error, f.unheard, f.sender, f.wait_reason,
           f.until, i.attempt as granted
      from asked a
      left join facts f on f.place = a.place
      left join intent i on i.command_id = f.id
     order by a.place
  loop
    if judged.granted is not null then
      answers := answers || jsonb_build_object(
        'id', judged.id, 'verdict', 'granted', 'attempt', judged.granted);
      continue;
    elsif judged.finding is null then
      if judged.place is not null then
        perform safari_open_day(
          array[judged.platform], array[judged.kind], array[judged.account]);
      end if;
      next_round := next_round || judged.item;
      continue;
    end if;

    command := judged.command;
    earlier := judged.earlier;
    case judged.finding
      when 'lost' then
        -- Its begin was granted, the answer lost, and the row taken for that of a dead worker: only
        -- its holder can say that nothing was sent.
        answer := jsonb_build_object('verdict', 'lost', 'reason', coalesce(command.status, 'gone'),
          'attempt', (
            select a.attempt from safari_command_attempts a
             where a.command_id = (judged.item ->> 'id')::uuid and a.boot_id = worker_boot
               and a.lease_number = (judged.item ->> 'lease')::bigint
               and a.outcome = 'unknown' and a.resolved_at is null));
      when 'begun' then
        -- The same begin again: its answer was lost on the way to the worker.
        answer := jsonb_build_object('verdict', 'granted', 'attempt', earlier.attempt);
      when 'reached' then
        perform safari_restore(command, earlier);
        answer := jsonb_build_object('verdict', 'refused', 'reason',
                                     coalesce(earlier.outcome, 'in_flight'));
      when 'expired' then
        perform safari_fail_unsent(command, worker, 'expired', 'expired before it was sent', null);
        answer := jsonb_build_object('verdict', 'refused', 'reason', 'expired');
      when 'refused' then
        perform safari_fail_unsent(command, worker, judged.refusal, judged.error, null);
        answer := jsonb_build_object('verdict', 'refused', 'reason', judged.refusal);
      when 'unheard', 'doubtful' then
        -- The worker judges what they wrote and asks again; one of an older release cannot, and waits.
        if judged.finding = 'unheard' and judged.item ? 'hears' then
          answer := jsonb_build_object('verdict', 'unheard', 'contacts', judged.unheard);
        else
          update safari_command_queue q
             set status = 'pending', boot_id = null, lease_expires_at = null,
                 next_retry_at = now() + interval '1 minute', updated_at = now()
           where q.id = command.id;
          perform safari_record_event(command.id, 'waiting', worker, null, null,
                                      jsonb_build_object('reason', coalesce(judged.refusal, 'unheard')));
          answer := jsonb_build_object('verdict', 'wait', 'seconds', 60,
                                       'reason', coalesce(judged.refusal, 'unheard'));
        end if;
      when 'account' then
        -- Its person has heard from another account since it was claimed, or it was given to one.
        update safari_command_queue q
           set status = 'pending', boot_id = null, lease_expires_at = null,
               account = judged.sender, updated_at = now()
         where q.id = command.id;
        perform safari_record_event(
          command.id, 'waiting', worker, null, null,
          jsonb_build_object('reason', 'account', 'account', judged.sender));
        perform safari_call(array[command.service]);
        answer := jsonb_build_object('verdict', 'wait', 'reason', 'account', 'seconds', 0);
      when 'wait' then
        update safari_command_queue q
           set status = 'pending', boot_id = null, lease_expires_at = null, updated_at = now()
         where q.id = command.id;
        perform safari_record_event(command.id, 'waiting', worker, null, null,
                                    jsonb_build_object('reason', judged.wait_reason));
        answer := jsonb_build_object(
          'verdict', 'wait', 'reason', judged.wait_reason,
          'seconds', safari_seconds_until(coalesce(judged.until, 'infinity')));
    end case;
    answers := answers || (answer || jsonb_build_object('id', judged.item -> 'id'));
  end loop;
  if next_round <> '[]' then
    answers := answers || safari_begin_batch(worker_boot, worker, next_round, accounts, shared);
  end if;
  return answers;
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
           next_retry_at = case when item ->> 'reason' in ('shadow', 'unheard')
             then now() + make_interval(secs => (item ->> 'wait_seconds')::double precision)
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
  given_back safari_command_attempts[] := '{}';
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
          or (done.outcome <> settled  -- what was given up may still be answered
              and (done.outcome not in ('unknown', 'lost') or done.resolved_at is not null)) then
      answers := answers || jsonb_build_object('id', item -> 'id', 'recorded', false);
      continue;
    elsif done.outcome = settled then
      answers := answers || jsonb_build_object(
        'id', item -> 'id', 'recorded', true, 'status', command.status);
      continue;
    end if;

    if (item ->> 'quota_back')::boolean and done.quota_day is not null then
      given_back := given_back || done;
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
  if given_back <> '{}' then
    -- After the attempts: a counter is never below those that hold a part of it.
    update safari_rate_limits r set used = greatest(r.used - b.attempts, 0), updated_at = now()
      from (select g.quota_platform, g.quota_kind, g.quota_day, g.account,
                   count(*)::integer as attempts
              from unnest(given_back) g group by 1, 2, 3, 4) b
     where r.platform = b.quota_platform and r.action = b.quota_kind
       and r.limit_date = b.quota_day and r.account = b.account;
  end if;
  if next_round <> '[]' then
    answers := answers || safari_finish_batch(worker_boot, worker, next_round);
  end if;
  return answers;
end $$;

create or replace function public.agent_note_columns() returns text[]
language sql stable set search_path = public, pg_temp as $$
  select safari_columns('crm_contacts', array[
    'notes', 'note', 'internal_notes', 'internal_note', 'crm_notes', 'comment', 'comments', 'remark',
    'remarks', 'memo', 'status', 'contact_status', 'lead_status', 'outreach_status', 'description'])
$$;

create or replace function public.agent_note_plain(note text) returns text
language sql immutable as $$
  select ' ' || btrim(regexp_replace(
    translate(
      normalize(regexp_replace(normalize(lower(note), NFKD), '[\u0300-\u036f''’ʼ`´]', '', 'g'), NFC),
      'łøđı', 'lodi'),
    '[^[:alnum:]]+', ' ', 'g')) || ' '
$$;

create or replace function public.agent_sentence_wish(sentence text) returns text
language plpgsql immutable as $$
declare
  said text := agent_note_plain(sentence);
  contacting constant text := '(contact|message|messaging|dm|write|writing|text|e ?mail|mail|call'
    '|reach|send|bother|disturb|approach|pitch|spam|touch|follow ?up|engage|harass|solicit|outreach)';
  -- Speaks of stopping without asking for it, or of another channel or time.
  unsaid constant text := ' (stop(ped|ping|s)? (by|over)|non stop|one stop'
    '|(do not|dont|never) (forget|hesitate|miss|know|worry|mind|need|have|use|like)'
    -- What is missing, did not succeed, or is yet to be done.
    '|no (contact|e ?mails?|messages?|calls?|dms?) (info\w*|details?|address\w*|number|data|on file|form'
      '|found|known|available|answered|returned|yet|so far)'
    '|(cannot|cant|can not|could ?nt|could not|did ?nt|did not) (reach|call|find|get|contact|message|e ?mail)'
    '|(never|not)( been| yet)? (contacted|messaged|e ?mailed|called|reached)'
    '|unsubscribe (link|page|option|flow|button)'
    '|(noch|bisher|bislang) nicht|non ancora|pas encore|(aun|todavia) no|ainda nao|nog niet|jeszcze nie'
    '|(пока|еще|ще) не( (писал|звонил|дзвонил)\w*)?)(?= )';
  otherwise constant text := ' (instead|rather|prefers?|only (by|via|on|through|per|after|with|e ?mail'
      '|dms?|phone|text|chat|whats ?app|linkedin|instagram)|interested in( \w+){1,6} (wants|likes)|but'
    '|before|until|till|unless|except|yet|on (weekends?|mondays?|fridays?|sundays?)'
    '|lieber|sondern|vor|bis|nur|antes|hasta|avant|prima|tot) ';
  stop constant text[] := array[
    ' (do not|dont|never|must not|mustnt|should not|shouldnt|may not|no longer|not to|not'
      ' for)( be| ever| please| to| any| further| more| again){0,3} ' || contacting,
    ' (asked|asks|asking|wants?|wanted|told|requested|requests?|begged|demand(s|ed)?|said)( \w+){0,5}'
      ' (stop(ping|ped)?|be (removed|deleted|left)|removal|remove|delete|unsubscribed?|leave|opt)(?= )',
    ' (asked|asks|wants?|wanted|told|requested|begged|demanded)( \w+){0,2} (not|no more|no further)(?= )',
    ' stop (all |any |the )?(contact|messag|writ|e ?mail|mail|text|dm|send|outreach|calling|spam)',
    ' (opt|opts|opted|opting)( \w+)? ?out(?= )', ' optout', ' unsub(bed|ed|d)?(?= )',
    ' tak(e|en)( \w+)? off( \w+){0,2} list(?= )', ' unsubscrib(ed|es|e me|e us|e them|e) ',
    ' (black ?list|dnc|dnd|do ?not ?contact|no ?contact)(ed)?(?= )',
    ' not (at all |really )?interested(?= )', ' (no|zero) interest(?= )',
    ' no (more |further )+(contact|messages?|e ?mails?|mails?|dms?|outreach|calls?|follow)',
    ' no (contact|outreach|cold|automated|automatic|marketing|messages?|dms?|e ?mails?|calls?)(?= )',
    ' leave (him|her|them|me|us|this one|it) (alone|be)(?= )', ' (hands|keep) (off|away)(?= )',
    ' (blocked|reported|has blocked|have blocked) (us|me|our|him|her|them|by)(?= )',
    ' (deceased|passed away|has died|died|verstorben|gestorben|fallecid\w|decede\w?|mort)(?= )',
    -- German
    ' (nicht|nie)( \w+){0,3} (kontakt|anschreib|schreib|angeschrieben|anruf|mail|belastig|stor|ansprech|nachfass|melden)',
    ' kein(e|en|erlei)?( weiteren?| mehr)? (kontakt|interesse|nachricht|mail|e mail|werbung|anruf|dm|bedarf)',
    ' (abgemeldet|ausgetragen|will nicht|mochte nicht|mochte keine|will keine|wunscht keine'
      '|wunscht keinen|in ruhe lassen|kontaktsperre|sperrliste)(?= )',
    -- Spanish, Portuguese, French, Italian
    ' no( \w+)? (contact(ar|arl[oae]s?|e|en)|escrib\w+|molest\w+|llam(ar|arl[oae]|e|en)|envi\w+|mand\w+|insist\w+)(?= )',
    ' no( le| les)? interesa', ' no esta interesad', ' de baja(?= )',
    ' (pidio|pide|quiere|pediu|quer|pede|chiesto|chiede|vuole|demande|veut)( \w+){0,3}'
      ' (no|nao|non|ne|parar|sair|dejar|smettere|arreter|baja|remover)(?= )',
    ' nao( \w+)? (contat\w+|contact\w+|envi\w+|incomod\w+|mand\w+|escrev\w+|ligar|perturb\w+)(?= )',
    ' (sem interesse|nao (tem|esta) interess\w+|descadastr\w+)',
    ' ne (plus|pas|jamais)( \w+){0,2} (contacter|ecrire|appeler|relancer|deranger|solliciter|envoyer)',
    ' (desinscri\w+|desabonn\w+|pas interesse\w*|plus de (messages?|mails?|contact))(?= )',
    ' non( \w+)? (contatt\w+|scriver\w+|chiamar\w+|disturb\w+|inviar\w+)',
    ' (non (e )?interessat\w|disiscritt\w|nessun contatto)(?= )',
    -- Dutch, Polish, Turkish, Swedish and their neighbours
    ' niet( meer| opnieuw)? (contact|benader|mail|bel|bericht|schrijv|stor|aanschrijv)',
    ' (geen (interesse|contact|berichten|mails?)|afgemeld|uitgeschreven)(?= )',
    ' nie (kontakt|pis|dzwon|wysyl|przeszkadz)', ' (niezainteresowan\w+|brak zainteresowania)(?= )',
    ' (iletisime gecme\w*|ilgilenmiyor|yazma\w{0,3}|rahatsiz etme\w*)(?= )',
    ' (kontakta|kontakt|skriv|ring|maila|mejla) (inte|ikke|ej)(?= )', ' (inte|ikke|ei) (kontakt|skriv|interess|intress|kiinnost)',
    -- Russian and Ukrainian
    ' не( \w+)? (пис|беспоко|звон|связыв|контакт|отправл|турбу|дзвон|надсил)',
    ' (отписал\w*|не интерес\w*|не заинтересован\w*|не цікав\w*)(?= )',
    ' (просил\w*|попросил\w*)( \w+){0,2} (не|прекратить|удалить|больше)(?= )',
    -- Scripts without spaces
    '(不要联系|勿联系|请勿联系|不要再联系|勿扰|退订|不感兴趣|不要聯繫|拒絕|連絡しない|連絡不要|連絡禁止|配信停止|興味なし|연락 ?금지|연락하지|수신 ?거부|관심 ?없)'];
  doubt constant text[] := array[
    ' (stop(ped|ping|s)?|remov(e|ed|al)|delete[sd]?|block(ed|ing)?|spam(med)?|harass\w*|pushy)(?= )',
    ' (gdpr|dsgvo|rgpd|ccpa|lawyer|attorney|lawsuit|legal|anwalt|abmahnung|cease|abogado|avocat)(?= )',
    ' (complain\w*|beschwer\w*|angry|annoyed|upset|hostile|furious|verargert|genervt|molest[oa]|enfade)(?= )',
    ' (said|says|told us|it is a|its a|hard|clear|firm) no(?= )',
    ' (declined|refus(ed|es)|rejected|turned (us|it) down|abgelehnt|rechaz\w+|rifiutat\w+)(?= )',
    ' (not now|on hold|hold off|paused?|wait (until|till|for|before)|careful|be gentle|sensitive)(?= )',
    ' (cannot|cant|can not) be \w+( \w+){0,2} (any ?more|again)(?= )',
    ' wrong (person|number|contact|guy)(?= )', ' (unresponsive|ghosted) (for good|forever)(?= )',
    ' (do not|dont|never|nicht|nie|ne pas|no)( \w+){0,2} (pitch|push|sell|chase|offer|approach|ask|add|use|disturb)(?= )',
    '(停止|停用|拒绝|やめ|중단)'];
begin
  if said is null or said = '  ' then
    return null;
  end if;
  said := regexp_replace(said, unsaid, ' ', 'g');
  if said ~ array_to_string(stop, '|') then
    return case when said ~ otherwise then 'doubt' else 'stop' end;
  end if;
  return case when said ~ array_to_string(doubt, '|') then 'doubt' end;
end $$;

create or replace function public.agent_note_wish(note text) returns text
language sql immutable as $$
  -- 'stop' comes after 'doubt' in the alphabet. The dots of D.N.C. end no sentence.
  select max(agent_sentence_wish(s)) from regexp_split_to_table(
    regexp_replace(note, '\m([A-Za-z])\.(?=[A-Za-z]\M)', '\1', 'g'), '[\n\r.;!?。！？]+') s
$$;

create or replace function public.agent_notes(contact public.crm_contacts, columns text[])
returns text
language plpgsql stable as $$
declare
  everything jsonb;
  lines text[] := '{}';
begin
  if columns <> '{}' then
    everything := to_jsonb(contact);
    lines := array(
      select everything ->> c from unnest(columns) c where btrim(everything ->> c) <> '');
  end if;
  if contact.tags is not null and to_jsonb(contact.tags) <> '[]' then
    lines := lines || array(
      select t from unnest(agent_tags(to_jsonb(contact.tags))) t where t ~ '[^a-zA-Z]');
  end if;
  lines := lines || array(
    select w from unnest(array[contact.pipeline_stage, contact.relationship_stage, contact.stage]) w
     where w ~ '[^a-z]');
  return nullif(array_to_string(lines, E'\n'), '');
end $$;

create or replace function public.agent_notes_hold(contact_ids uuid[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  columns constant text[] := agent_note_columns();  -- once, not for each contact
begin
  insert into actp_inbox as b (contact_id, unheard, look_at, look_words, note_asked)
    select n.id, false, now(), left('note: ' || n.note, 300), md5(n.note)
      from (select c.id, agent_notes(c, columns) as note
              from unnest(contact_ids) i (id) join crm_contacts c using (id)) n
     where n.note is not null and agent_note_wish(n.note) = 'doubt'
     order by n.id
    on conflict on constraint actp_inbox_pkey do update
      set look_at = now(), look_words = excluded.look_words, note_asked = excluded.note_asked,
          updated_at = now()
     where b.note_asked is distinct from excluded.note_asked;
end $$;

drop function if exists public.safari_notices_state();

create or replace function public.safari_retry(id uuid) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  if command.status not in ('failed', 'cancelled') or command.service = 'foreign' then
    raise object_not_in_prerequisite_state using
      message = format('command %s is %s; only failed and cancelled ones are retried',
                       command.id, command.status);
  elsif command.reason = 'unknown' then
    raise object_not_in_prerequisite_state using
      message = format('command %s may have been sent: settle it first with bin/queue resolve', command.id);
  end if;
  perform safari_requeue(command.id);
  notify safari_commands;
  return jsonb_build_object('id', command.id, 'status', 'pending');
end $$;

create or replace function public.safari_block_contact(
  platform text, recipient text, blocked boolean, note text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  is_mailbox constant boolean := platform = 'gmail' or (platform = 'all' and position('@' in recipient) > 1);
  name constant text := case
    when is_mailbox then (safari_address('gmail', recipient)).name
    -- An address says on which platform it is.
    when platform <> 'all' or position('/' in recipient) = 0
      then safari_listed_name(platform, recipient) end;
  was_blocked boolean;
begin
  -- What stands on the list from before it was checked can be removed.
  recipient := coalesce(name, case when not blocked then recipient end);
  if recipient is null and is_mailbox then
    raise invalid_parameter_value using message = 'not a mailbox; give name@example.com';
  elsif recipient is null then
    raise invalid_parameter_value using message = format(
      'not a username of %s; give a handle or the address of a profile, and one platform for an address',
      platform);
  end if;
  was_blocked := exists (
    select from safari_do_not_contact d
     where d.platform = safari_block_contact.platform
       and d.recipient = safari_block_contact.recipient);
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

create or replace function public.safari_acts(operator text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  is_agent constant boolean :=
    'actp_caller' in (session_user::text, current_setting('role', true));
begin
  if coalesce(btrim(operator), '') = '' then
    raise invalid_parameter_value using message = 'an action needs an operator';
  end if;
  perform set_config('actp.operator',
                     left(operator, 200) || case when is_agent then ' as actp_caller' else '' end, true);
end $$;

create or replace function public.safari_record_action(action text, arguments jsonb, answer jsonb)
returns void
language sql set search_path = public, pg_temp as $$
  insert into safari_operator_actions (operator, action, arguments, answer)
    values (safari_operator(), action,
            arguments || coalesce((select jsonb_object_agg(e.key, jsonb_array_length(e.value))
                                     from jsonb_each(arguments) e
                                    where jsonb_typeof(e.value) = 'array'
                                      and pg_column_size(e.value) > 4000), '{}'),
            case when pg_column_size(answer) < 4000 then answer end)
$$;

create or replace function public.safari_act(action text, arguments jsonb, operator text)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  answer jsonb;
begin
  perform safari_acts(operator);
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
      answer := safari_backlog((a ->> 'accept')::boolean, coalesce(a -> 'doors', '["commands"]'),
                               (a ->> 'expected')::bigint);
    when 'review' then answer := safari_review_decide(a -> 'drafts', a ->> 'verdict');
    when 'review_all' then
      answer := safari_review_all(a -> 'filter', a ->> 'verdict', a ->> 'seen');
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
    when 'resume_service' then answer := safari_resume_service(a ->> 'service', a ->> 'account');
    when 'settle' then
      answer := safari_claim_looks(a -> 'rest', (a ->> 'again_seconds')::double precision,
                                   (a ->> 'only_id')::uuid, accounts => coalesce(a -> 'accounts', '{}'));
    when 'inbox_draft' then
      answer := agent_inbox_draft((a ->> 'contact_id')::uuid, a ->> 'text', a ->> 'key');
    when 'people_import' then answer := agent_people_import(a -> 'rows', a ->> 'source');
    when 'free_safari' then answer := a;  -- done on the host; here is who did it
    when 'rename_account' then
      answer := safari_rename_account(a ->> 'platform', a ->> 'account', a ->> 'name');
    when 'look_again' then answer := safari_look_again((a ->> 'id')::uuid);
    else
      raise invalid_parameter_value using message = format('unknown action: %s', action);
  end case;
  perform safari_record_action(action, a, answer);
  return answer;
end $$;

create or replace function public.agent_veto_flags() returns text[]
language sql immutable as $$
  select array['email_opt_out', 'opted_out', 'unsubscribed', 'do_not_contact', 'do_not_dm', 'do_not_do']
$$;

create or replace function public.agent_outreach_vetoes() returns text[]
language sql stable set search_path = public, pg_temp as $$
  select safari_columns('crm_contacts', agent_veto_flags()) || agent_note_columns()
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
    'disqualified', 'unqualified', 'not_qualified', 'bad_fit', 'not_a_fit', 'no_fit', 'junk', 'dead',
    'stop', 'stopp', 'stopped', 'unsub', 'removed', 'remove_me', 'suppressed', 'dnd', 'deceased',
    'complained', 'spam_complaint', 'declined', 'rejected', 'refused',
    'abgemeldet', 'ausgetragen', 'gesperrt', 'abgelehnt', 'verstorben', 'baja', 'de_baja', 'desuscrito',
    'rechazado', 'désinscrit', 'desinscrit', 'désabonné', 'refusé', 'disiscritto', 'rifiutato',
    'descadastrado', 'recusado', 'uitgeschreven', 'afgemeld', 'wypisany', 'avregistrerad', 'отписан',
    'отписался', 'отказ', '退订', '配信停止', '수신거부'];
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
    array[contact.pipeline_stage, contact.relationship_stage, contact.stage]) w
    where w is not null);
  if contact.tags is not null and to_jsonb(contact.tags) <> '[]' then
    said := said || array(select agent_word(w) from unnest(agent_tags(to_jsonb(contact.tags))) w
                           where w is not null);
  end if;
  if contact.email_opted_out or (said <> '{}' and (
       said && closed or array_to_string(said, ' ') ~ in_closed)) then
    return 'opted_out';
  elsif vetoes <> '{}' then
    everything := to_jsonb(contact);
    foreach name in array vetoes loop
      if name = any (agent_veto_flags()) and lower(btrim(coalesce(everything ->> name, ''))) not in
         ('', 'false', 'f', 'no', '0', 'none', 'null', '[]', '{}') then
        return 'opted_out';
      end if;
    end loop;
  end if;
  if agent_note_wish(agent_notes(contact, array(
       select v from unnest(vetoes) v where v <> all (agent_veto_flags())))) = 'stop' then
    return 'opted_out';
  end if;
  -- The order is that of the harm: what was archived may have been a twin, merged by hand.
  if said <> '{}' and (said && customers or array_to_string(said, ' ') ~ in_customer) then
    return 'customer';
  end if;
  return case when contact.archived_at is not null then 'archived' end;
end $$;

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
             'platform', safari_platform((s.contact).platform), 'username', (s.contact).username,
             'display_name', (s.contact).display_name, 'email', (s.contact).email,
             'bio', left(concat_ws(E'\n', (s.contact).headline, (s.contact).bio), 600),
             'niche', agent_niche((s.contact).niche_label),
             'addresses', s.reach,
             'person', s.ids[1],
             -- As stored when the contact was written; the hand-over reads the contact itself.
             'veto', s.veto,
             'is_open', t.is_open, 'is_in_campaign', g.is_in_campaign,
             'conversation_platform', t.last_platform,
             'touched_at', t.touched_at, 'touches', t.touches, 'ours_at', t.ours_at,
             'heard_at', t.heard_at, 'heard_hours', t.heard_hours, 'texts', t.texts,
             'done_at', b.done_at, 'needs_look', b.needs_look,
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
     cross join lateral (
       select max(i.done_at) as done_at,
              bool_or(i.look_at > coalesce(i.done_at, '-infinity')) as needs_look
         from actp_inbox i where i.contact_id = any (s.ids)) b);
end $$;

create or replace function public.agent_outreach_openers() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(d.day, d.messages), '{}') from (
    select (safari_bounded(coalesce(m.sent_at, m.scheduled_for, m.created_at))
             at time zone 'utc')::date as day,
           count(*) as messages
      from crm_message_queue m
     where m.message_type = 'outreach' and m.status in ('pending', 'sending', 'sent')
       and coalesce(m.sent_at, m.scheduled_for, m.created_at) >= safari_today()::timestamp at time zone 'utc'
     group by 1) d
$$;

create or replace function public.agent_outreach_emails(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(w) order by w.priority, w.scheduled_for), '[]') from (
    select m.id, m.contact_id, c.display_name, c.email, agent_outreach_rank(m) as priority,
           m.scheduled_for, m.message_type, m.message_body
      from crm_message_queue m join crm_contacts c on c.id = m.contact_id
     where m.status = 'pending' and safari_platform(m.platform) in ('gmail', 'email')
       and agent_outreach_veto(c, agent_outreach_vetoes()) is null
       and agent_person_veto(c.id) is null  -- the do-not-contact list, and their other rows
       and not exists (
         select from agent_person_of(c.id) p
          cross join lateral (
            select max(b.done_at) as done_at,
                   bool_or(b.look_at > coalesce(b.done_at, '-infinity')) as needs_look
              from actp_inbox b where b.contact_id = any (p.ids) having count(*) > 0) i
          cross join lateral agent_conversation(p.ids, p.addresses) t
          where i.needs_look or agent_waits_for_us(t.ours_at, t.heard_at, i.done_at))
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
     where m.status in ('pending', 'sent') and safari_platform(m.platform) in ('gmail', 'email')
       and beginning <> '' and starts_with(m.id::text, lower(btrim(beginning)))
     limit 2 for update);
  if cardinality(mails) = 0 then
    raise no_data_found using message = format('no waiting mail matches %L', left(beginning, 40));
  elsif cardinality(mails) > 1 then
    raise invalid_parameter_value using message =
      format('%s is the beginning of several mails: give more characters', beginning);
  end if;
  mail := mails[1];
  if mail.status = 'pending' then
    update crm_message_queue m set status = 'sent', sent_at = now(), updated_at = now()
     where m.id = mail.id;
    perform agent_outreach_note_touch(mail, now(), '{}');
  end if;
  return jsonb_build_object('id', mail.id, 'contact_id', mail.contact_id);
end $$;

create or replace function public.agent_outreach_stats(days integer default 30) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with told as materialized (
    select safari_platform(m.platform) as platform, m.status, m.error_message,
           m.status = 'sent' and (
             exists (select from crm_messages n
                      where n.contact_id = m.contact_id and agent_outreach_is_theirs(n)
                        and coalesce(n.sent_at, n.created_at) > m.sent_at)
             or exists (select from crm_interactions i
                         where i.contact_id = m.contact_id and agent_is_reply(i.type, i.direction)
                           and coalesce(i.occurred_at, i.created_at) > m.sent_at)) as is_answered
      from crm_message_queue m where m.created_at > now() - make_interval(days => days)
  )
  select jsonb_build_object(
    'days', days,
    'queued', (select count(*) from told),
    'sent', (select count(*) from told where status = 'sent'),
    'answered', (select count(*) from told where is_answered),
    'failed', (select count(*) from told where status = 'failed'),
    'open', (select count(*) from told where status in ('pending', 'sending')),
    'rows', (select coalesce(jsonb_agg(to_jsonb(p) order by p.queued desc, p.platform), '[]') from (
      select platform, count(*) as queued, count(*) filter (where status = 'sent') as sent,
             count(*) filter (where is_answered) as answered,
             count(*) filter (where status = 'failed') as failed,
             count(*) filter (where status in ('pending', 'sending')) as open
        from told group by platform) p),
    'failures', (select coalesce(jsonb_agg(to_jsonb(f) order by f.messages desc, f.why), '[]') from (
      select coalesce(left(error_message, 120), 'no reason is known') as why, count(*) as messages
        from told where status = 'failed' group by 1 order by 2 desc, 1 limit 10) f))
$$;

create or replace function public.agent_outreach_stop_campaigns(heard jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted constant uuid[] := array(
    select distinct t.id
      from jsonb_each_text(heard) h
     cross join lateral safari_campaign_targets_of(
       safari_person_addresses('contact:' || h.key)) o (id)
      join safari_campaign_targets t on t.id = o.id
     where t.created_at < h.value::timestamptz);
begin
  if wanted = '{}' then
    return '[]';
  end if;
  return safari_campaign_stop(wanted);
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
    select s.contact_id, max(s.at) as at
      from (select m.contact_id, coalesce(m.sent_at, m.created_at) as at
              from crm_messages m
             where m.contact_id = any (wanted) and agent_outreach_is_theirs(m)
            union all
            select i.contact_id, coalesce(i.occurred_at, i.created_at)
              from crm_interactions i
             where i.contact_id = any (wanted) and agent_is_reply(i.type, i.direction)) s
     group by 1) n;
  stopped := agent_outreach_stop_campaigns(heard);
  answered := array(
    select q.id from crm_message_queue q
     where q.contact_id = any (wanted) and q.status <> 'sent'
       and (exists (
             select from crm_interactions i
              where i.contact_id = any (agent_person(q.contact_id)) and agent_is_reply(i.type, i.direction)
                and safari_platform(coalesce(i.platform, q.platform)) = safari_platform(q.platform)
                and coalesce(i.occurred_at, i.created_at) > q.created_at)
            or exists (select from crm_messages m
                    where m.contact_id = any (agent_person(q.contact_id))
                      and agent_outreach_is_theirs(m)
                      and safari_platform(coalesce(m.platform, q.platform)) = safari_platform(q.platform)
                      and coalesce(m.sent_at, m.created_at) > q.created_at)));
  return jsonb_build_object(
    'withdrawn', agent_outreach_withdraw(answered, 'replied'), 'campaigns', stopped);
end $$;

create or replace function public.agent_outreach_is_due(message public.crm_message_queue)
returns boolean
language plpgsql stable as $$
begin
  return message.status = 'pending' and coalesce(message.scheduled_for <= now(), true)
         and not agent_outreach_is_stale(message) and not safari_message_waits(message)
         and exists (select from public.safari_routes r
                      where r.action = 'send_dm' and r.platform = safari_platform(message.platform));
end $$;

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
              when b.needs_look then 'their last words or a note need a look'
              when p.platform = 'tiktok' and (
                exists (select from safari_command_attempts t
                         where t.service = 'tiktok-dm' and t.recipient = a.address
                           and (t.outcome is null or t.outcome in ('sent', 'unknown')))
                or exists (select from crm_message_queue o
                            where o.contact_id = any (agent_person(m.contact_id))
                              and safari_platform(o.platform) = 'tiktok'
                              and o.status = 'sent'))
                then 'tiktok takes one message a person, ever'
         end
    from crm_message_queue m
    left join crm_contacts c on c.id = m.contact_id
   cross join lateral (select safari_platform(m.platform) as platform) p
   cross join lateral (select agent_outreach_addresses(c) ->> p.platform as address) a
   cross join lateral (select coalesce(agent_outreach_veto(c, agent_outreach_vetoes()),
                                       agent_person_veto(c.id)) as veto) v
   cross join lateral agent_person_of(c.id) k (contacts, places)
   cross join lateral (
     select max(i.done_at) as done_at,
            bool_or(i.look_at > coalesce(i.done_at, '-infinity')) as needs_look
       from actp_inbox i where i.contact_id = any (k.contacts)) b
    left join lateral agent_conversation(k.contacts, k.places) t on true
   where m.id = any (ids)
$$;

create or replace function public.agent_outreach_note_touch(
  message public.crm_message_queue, at timestamptz, about jsonb
) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  insert into crm_interactions (
    contact_id, type, platform, direction, summary, outcome, queue_id, metadata, occurred_at
  )
    select c.id, case safari_platform(message.platform) when 'gmail' then 'email' else 'dm' end,
           safari_platform(message.platform), 'outbound', left(message.message_body, 200), 'sent', message.id,
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
     where m.contact_id = message.contact_id
       and safari_platform(m.platform) = safari_platform(message.platform) and m.status = 'pending' and m.id <> message.id;
    if exists (select from crm_message_queue m
                where m.contact_id = message.contact_id
                  and safari_platform(m.platform) = safari_platform(message.platform)
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
             then format('it may have been sent: settle command %s with bin/queue resolve', command.id)
           when command.status in ('failed', 'cancelled')
             then coalesce(command.error, command.reason, command.status) end,
         updated_at = now()
   where m.id = message.id;
  if command.status = 'completed' then
    perform agent_outreach_note_touch(message, coalesce(command.completed_at, now()),
                                      jsonb_build_object('command_id', command.id));
  end if;
end $$;

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
             and safari_platform(o.platform) = j ->> 'platform' and o.status = 'failed'
            join safari_command_queue c on c.id = o.command_id and c.status = 'failed'
             and c.reason = 'retries_exhausted'
           where j ? 'command_id' order by c.id for update of c skip locked) older
   where q.id = older.id;
  return jsonb_build_object(
    'handed', (select count(*) from jsonb_array_elements(judged) j where j ? 'command_id'),
    'failed', (select count(*) from jsonb_array_elements(judged) j where not j ? 'command_id'),
    'interrupted', interrupted, 'rows', judged);
end $$;

drop function if exists public.safari_limits_in_force(public.safari_policies, public.safari_services);

create or replace function public.safari_limits_of(
  policy public.safari_policies, owner public.safari_services
)
returns table (daily integer, hourly integer, rolling integer, weekly integer)
language sql stable as $$
  -- No action of the past shows that nothing at all is allowed.
  select case when least(l.hourly, l.rolling, l.weekly) <= 0 then 0 else l.daily end,
         l.hourly, l.rolling, l.weekly
    from (select ceil(ramp.share * own.daily)::integer as daily,
                 coalesce(policy.hourly_limit, case
                   when not (policy.daily_is_set and policy.daily_limit > owner.own_daily_limit)
                     then owner.own_hourly_limit end) as hourly,
                 ceil(ramp.share * least(policy.rolling_limit, own.daily))::integer as rolling,
                 ceil(ramp.share * policy.weekly_limit)::integer as weekly
            from (select case when policy.daily_is_set then policy.daily_limit
                              else least(policy.daily_limit, owner.own_daily_limit)
                         end as daily) own,
                 (select case
                    when policy.ramp_days > 0 and policy.ramp_from is not null
                      then greatest(0, least(1,
                        (floor(extract(epoch from now() - policy.ramp_from) / 86400) + 1)
                        ::double precision / policy.ramp_days))
                    else 1 end as share) ramp
          offset 0) l
$$;

create or replace function public.safari_hours_began(policy public.safari_policies)
returns timestamptz
language plpgsql stable as $$
declare
  zone constant text := coalesce(policy.time_zone, 'UTC');
  ends constant timestamp := safari_hours_end(policy) at time zone zone;
begin
  return (case when policy.active_from = policy.active_to then ends - interval '1 day'
               else date_trunc('day', ends - interval '1 second')
                    - case when policy.active_from > policy.active_to then interval '1 day'
                           else interval '0' end
                    + make_interval(hours => policy.active_from) end) at time zone zone;
end $$;

create or replace function public.safari_clock_limit() returns timestamptz
language sql stable as $$ select now() + interval '10 minutes' $$;

create or replace function public.safari_pace_until(
  next_action_at timestamptz, min_gap_seconds double precision
) returns timestamptz
language sql stable as $$
  select case when next_action_at < safari_clock_limit()
                                    + make_interval(secs => 2 * coalesce(min_gap_seconds, 0))
              then next_action_at end
$$;

create or replace function public.safari_nth_action(
  service text, nth integer, account text default 'default'
) returns timestamptz
language plpgsql stable as $$
begin
  return (select a.begun_at from safari_command_attempts a
           where a.service = safari_nth_action.service and a.account = safari_nth_action.account
             and a.quota_day is not null and a.begun_at < safari_clock_limit()
           order by a.begun_at desc offset greatest(nth - 1, 0) limit 1);
end $$;

create or replace function public.safari_paused_until(
  service text, policy public.safari_policies, remaining integer, account text default 'default'
) returns timestamptz
language plpgsql stable as $$
declare
  last record;
  jitter double precision;
  ends timestamptz;
  until timestamptz;
  began timestamptz;
  ahead integer;
begin
  if policy.min_gap_seconds = 0 and not policy.spread then
    return null;
  end if;
  select coalesce(case when a.finished_at < safari_clock_limit() then a.finished_at end, a.begun_at) as ended,
         a.command_id into last
    from safari_command_attempts a
   where a.service = safari_paused_until.service and a.account = safari_paused_until.account
     and a.quota_day is not null and a.begun_at < safari_clock_limit()
   order by a.begun_at desc limit 1;
  if last.ended is null then
    return null;
  end if;
  jitter := (hashtext(last.command_id::text) & 65535) / 65535.0;
  until := last.ended + make_interval(secs => policy.min_gap_seconds * (1 + jitter));
  if not policy.spread then
    return until;
  end if;
  ends := safari_hours_end(policy);
  began := safari_hours_began(policy);
  if last.ended >= began and last.ended < ends then
    -- The limit counts by UTC days, which may begin within the hours; what is spread is a window's.
    select count(*) filter (where a.quota_day = safari_today())
           - count(*) filter (where a.begun_at >= began) into ahead
      from safari_command_attempts a
     where a.service = safari_paused_until.service and a.account = safari_paused_until.account
       and a.quota_day is not null and a.begun_at < safari_clock_limit()
       and a.begun_at >= least(began, safari_today()::timestamp at time zone 'utc');
    -- Between 0.85 and 1.15 of an even share: no two come closer than half the mean.
    until := greatest(until, last.ended + (ends - last.ended) / greatest(remaining + ahead + 1, 1)
                                          * (0.85 + 0.3 * jitter));
  end if;
  return until;
end $$;

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
    'accueil', 'administracion', 'agency', 'ask', 'atendimento', 'bestellung', 'biuro', 'bonjour',
    'brand', 'brands', 'buchhaltung', 'buero', 'care', 'collab', 'collabs', 'comercial', 'commercial',
    'community', 'connect', 'contacto', 'contato', 'customercare', 'direction', 'empfang', 'enquire',
    'enquiry', 'events', 'hallo', 'hey', 'hola', 'inquire', 'inquiry', 'kanzlei', 'mgmt', 'ola',
    'partnership', 'people', 'post', 'praxis', 'presse', 'recruiting', 'redaktion', 'reservations',
    'secretary', 'segreteria', 'sekretariat', 'shop', 'soporte', 'sponsor', 'sponsors', 'store',
    'suporte', 'talent', 'vendas', 'vendite', 'ventas', 'verwaltung', 'wholesale',
    -- What stands where a form wanted something.
    'anonymous', 'asdf', 'dummy', 'email', 'example', 'fake', 'nobody', 'noemail', 'nomail', 'none',
    'null', 'sample', 'undefined', 'unknown', 'xxx',
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
    case place when 'gmail' then split_part(split_part(name, '@', 1), '+', 1) else name end, '[^[:alnum:]]', '', 'g');
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
      ('linkedin', contact.linkedin_url, 'column')
    ), each as (
      select g.* from given g where g.written !~ '[,;|\s]'
      union all  -- several handles or mailboxes in one field
      select g.platform, w.part, g.via
        from given g,
             regexp_split_to_table(g.written, E'[,;|\n]|\\s+[/&]\\s+|\\s+(?=@|https?:)') w (part)
       where g.written ~ '[,;|\s]'
      union all
      select 'gmail', m, 'column'
        from regexp_split_to_table(contact.email, E'[,;|\n]|\\s+[/&]\\s+|\\s+(?=[^\\s@<>()]+@)') m
    ), read as (
      select a.place, a.name, g.via
        from each g, lateral safari_address(g.platform, g.written) a
       -- One word would be taken for a profile on LinkedIn, and may be somebody else's.
       where g.platform is not null and (g.platform <> 'linkedin' or g.written ~ '[/-]')
         and not (a.place = 'gmail' and safari_is_common('gmail', a.name))
      union all  -- a link in another platform's column, and one to a post, which names its author
      select coalesce(o.place, p.place), coalesce(o.name, p.author), g.via
        from each g, lateral safari_address(g.platform, g.written) a,
             lateral safari_address(null, g.written) o, lateral safari_post(null, g.written) p
       where g.platform <> 'gmail' and position('/' in g.written) > 0 and a.place is null
         and coalesce(o.name, p.author) is not null
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

create or replace function public.safari_twin(address text) returns text
language sql immutable as $$
  select case split_part(address, ':', 1)
           when 'threads' then 'instagram' || substr(address, 8)
           when 'instagram' then 'threads' || substr(address, 10) end
$$;

create or replace function public.safari_listed_under(address text) returns text[]
language sql immutable as $$
  select array['all', split_part(address, ':', 1), split_part(safari_twin(address), ':', 1)]
$$;

create or replace function public.safari_people_regroup(touched text[]) returns void
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  affected text[];
begin
  affected := array(
    with linked as (
      select unnest(touched) as address
      union
      select l.other from safari_people_links l where l.address = any (touched)
      union
      select l.address from safari_people_links l where l.other = any (touched)
    ), near as materialized (
      select address from linked
      union
      select p.address from linked l join safari_people p on p.address = safari_twin(l.address)
    )
    select address from near
    union
    select p.address from safari_people p
     where p.person in (select o.person from safari_people o join near n on n.address = o.address));

  with recursive edges as materialized (
    select l.address, l.other from safari_people_links l
     where l.address = any (affected)
       and (l.via = 'manual' or case l.via when 'own' then 50 else 5 end >= (
         select count(*) from (select from safari_people_links x
                                where x.other = l.other limit 51) holders))
  ), both_ways as materialized (
    select address, other from edges union all select other, address from edges
    union all
    select a, safari_twin(a) from unnest(affected) a where safari_twin(a) = any (affected)
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
  perform agent_notes_hold(contact_ids);
  perform agent_messages_adopt(contact_ids);
end $$;

create or replace function public.agent_people_follow() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  ids uuid[];
  vetoes constant text[] := agent_outreach_vetoes();
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
    -- Who merges twins, or deletes somebody's data, does not allow writing to them again.
    insert into safari_do_not_contact (platform, recipient, note)
      select distinct split_part(l.other, ':', 1), substr(l.other, position(':' in l.other) + 1),
             'opted out in the CRM, and deleted there'
        from unnest(ids) i (id)
        join safari_people p on p.address = 'contact:' || i.id and p.veto = 'opted_out'
        join safari_people_links l on l.address = p.address
       order by 1, 2
      on conflict do nothing;
  else
    ids := array(
      select n.id from new_rows n join old_rows o using (id)
       where (n.platform, n.username, n.twitter_handle, n.instagram_handle, n.tiktok_handle,
              n.linkedin_url, n.email, n.archived_at, n.email_opted_out, n.pipeline_stage,
              n.relationship_stage, n.stage, n.tags)
             is distinct from
             (o.platform, o.username, o.twitter_handle, o.instagram_handle, o.tiktok_handle,
              o.linkedin_url, o.email, o.archived_at, o.email_opted_out, o.pipeline_stage,
              o.relationship_stage, o.stage, o.tags)
          -- Columns that other programs added can forbid contact too.
          or (vetoes <> '{}' and exists (
                select from unnest(vetoes) v
                 where to_jsonb(n) ->> v is distinct from to_jsonb(o) ->> v)));
  end if;
  perform agent_people_refresh(ids);
  return null;
exception when others then
  perform safari_alert(format('agent_error:people:follow:%s', safari_today()), 'agent_error',
    jsonb_build_object('domain', 'people', 'task', 'follow', 'error', sqlerrm));
  return null;
end $$;

create or replace function public.safari_person_addresses(of_address text) returns text[]
language sql stable as $$
  select case when safari_twin(of_address) is null then coalesce(
    (select array_agg(p.address) from safari_people p
      where p.person = (select o.person from safari_people o where o.address = of_address)),
    array[of_address])
  else array(
    select p.address from safari_people o join safari_people p on p.person = o.person
     where o.address in (of_address, safari_twin(of_address))
    union
    select unnest(array[of_address, safari_twin(of_address)])) end
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
      'not an address of a person: %s; give platform:handle, a profile''s address, a mailbox or a contact''s id',
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
                  where n.platform = any (safari_listed_under(a.address))
                    and n.recipient = split_part(a.address, ':', 2)),
               'last_sent_at', (
                 select safari_finite(max(t.begun_at)) from safari_command_attempts t
                  where t.person = a.address and (t.outcome is null or t.outcome in ('sent', 'unknown')))
             ) order by a.address)
        from unnest(addresses) a (address) left join safari_people p on p.address = a.address
       -- That somebody has a twin address as well is not known.
       where p.address is not null or a.address = own),
    'parted', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'address', d.address, 'other', d.other, 'note', d.note) order by d.address), '[]')
        from safari_people_parted d where d.address = any (addresses) or d.other = any (addresses)));
end $$;

drop function if exists public.agent_wishes_forbid(jsonb);

create or replace function public.agent_wishes_say(wishes jsonb) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  veto constant text := agent_outreach_veto(jsonb_populate_record(
    null::public.crm_contacts, jsonb_build_object('tags', wishes)), '{}');
begin
  return case when veto = 'opted_out' then veto
              when exists (select from jsonb_array_elements_text(wishes) w
                            where agent_note_wish(w) is not null) then 'doubt'
              else veto end;
end $$;

create or replace function public.agent_wishes_of(people jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(e.key, s.said), '{}')
    from jsonb_each(people) e cross join lateral agent_wishes_say(e.value) s (said)
   where s.said is not null
$$;

create or replace function public.agent_people_import(
  rows jsonb, source text, dry_run boolean default false
) returns jsonb
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  lines jsonb;
  skipped jsonb;
  forbidden jsonb;
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

  select coalesce(jsonb_agg(jsonb_build_object('line', r.line, 'said', s.said, 'name', coalesce(
             r.display_name, (select e ->> 'given' from jsonb_array_elements(r.addresses) e limit 1)))
           order by r.line), '[]')
    into forbidden
    from jsonb_to_recordset(rows) as r (line integer, addresses jsonb, display_name text, wishes jsonb)
   cross join lateral agent_wishes_say(r.wishes) s (said)
   where r.wishes <> '[]' and s.said is not null
     and exists (select from jsonb_array_elements(r.addresses) e
                  cross join lateral safari_address(e ->> 'platform', e ->> 'given') a
                  where a.place is not null);

  if dry_run then
    return jsonb_build_object(
      'added', (select count(*) from jsonb_array_elements(lines) l where l ->> 'contact' is null),
      'updated', 0,
      'unchanged', (select count(*) from jsonb_array_elements(lines) l where l ->> 'contact' is not null),
      'skipped', skipped, 'forbidden', forbidden);
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
  -- Single words are no notes, unless they are called so: those in doubt are held by their note.
  perform agent_inbox_tag(t.contact, t.wishes)
     from (select min(substr(c.address, 9))::uuid as contact, r.line, case f.said when 'doubt' then (
                    select jsonb_agg(case when w ~ '^[a-zA-Z]+$' then 'note: ' || w else w end)
                      from jsonb_array_elements_text(r.wishes) w) else r.wishes end as wishes
             from jsonb_to_recordset(forbidden) as f (line integer, said text)
             join jsonb_to_recordset(rows) as r (line integer, addresses jsonb, wishes jsonb) using (line)
            cross join lateral jsonb_array_elements(r.addresses) e
            cross join lateral safari_address(e ->> 'platform', e ->> 'given') a
             join safari_people p on p.address = a.place || ':' || a.name
             join safari_people c on c.person = p.person and starts_with(c.address, 'contact:')
            group by p.person, r.line, r.wishes, f.said order by 1, 2) t;
  select count(*) - updated into unchanged
    from jsonb_array_elements(lines) l where l ->> 'contact' is not null;
  return jsonb_build_object('added', added, 'updated', updated, 'unchanged', unchanged,
                            'skipped', skipped, 'forbidden', forbidden);
end $$;

create or replace function public.agent_schedule_slots(hours integer[]) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(((h + d + 24) % 24)::text, '{"alpha": 1, "beta": 1}'::jsonb), '{}')
    from unnest(hours) h, unnest(array[-1, 0, 1]) d
   where h is not null
$$;

create or replace function public.agent_schedule_planned() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) order by p.at, p.platform), '[]') from (
    select p.published_at as at, safari_platform(p.platform) as platform, p.niche,
           left(p.title, 200) as hook, 'out' as what
      from actp_content_performance p
     where p.published_at between now() - interval '4 days' and now()
    union all
    select agent_time(t.value), t.key, coalesce(j.niche, j.brief ->> 'niche'),
           j.brief ->> 'hook', 'video'
      from actp_workflow_tasks w
           cross join lateral jsonb_each_text(w.input_data -> 'scheduled_times') t
           left join actp_gen_jobs j on j.id = agent_publish_video(w.input_data)
     where w.task_type = 'blotato_multi_publish' and w.status in ('pending', 'running')
       and jsonb_typeof(w.input_data -> 'scheduled_times') = 'object'
       and agent_time(t.value) is not null
       and not exists (select from actp_publish_attempts a
                        where a.task_id = w.id and a.platform = t.key
                          and a.published_at is not null)
    union all
    select t.planned_at, 'twitter', t.niche, split_part(t.variant_a_text, E'\n', 1), 'A/B test'
      from actp_ab_tests t where t.status = 'posting' and t.planned_at > now()
  ) p
$$;

create or replace function public.agent_schedule_store(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  changed integer;
begin
  with chosen as (
    select r.platform, agent_as(r.best_hours, (null::public.actp_posting_schedule).best_hours) as hours
      from jsonb_to_recordset(rows) as r (platform text, best_hours jsonb)
  )
  update actp_posting_schedule s
     set best_hours = c.hours,
         thompson_slots = case when coalesce(s.thompson_slots, '{}') = '{}'
                               then agent_schedule_slots(agent_integers(to_jsonb(s.best_hours)))
                               else s.thompson_slots end,
         updated_at = now()
    from chosen c
   where s.platform = c.platform
     and (s.best_hours is distinct from c.hours or coalesce(s.thompson_slots, '{}') = '{}');
  get diagnostics changed = row_count;
  return jsonb_build_object('changed', changed);
end $$;

create or replace function public.agent_niche_spelled(given text) returns text
language plpgsql immutable strict as $$
declare
  -- Letters of any script stay, whatever the database's locale knows of them.
  words text[] := array_remove(string_to_array(btrim(regexp_replace(
    public.safari_lower(normalize(given, NFKC)),
    '[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\u2000-\u206f\u2190-\u2bff\u3000-\u303f'
    '\ufe00-\ufe0f\U0001f000-\U0001faff]+', ' ', 'g')), ' '), 'and');
  last constant integer := cardinality(words);
begin
  words[last] := case
    when words[last] ~ '^(?:agent|app|automation|bot|brand|business|coach|course|creator|founder|freelancer'
                       '|influencer|newsletter|podcast|startup|tool|video|workflow)(?:s|es)$'
      then regexp_replace(words[last], '(?<=s|ch)es$|s$', '')
    when words[last] = 'agencies' then 'agency'
    else words[last] end;
  return case array_to_string(words, '')
    when 'aiautomation' then 'ai_automation' when 'saasgrowth' then 'saas_growth'
    when 'contentcreation' then 'content_creation' when 'digitalmarketing' then 'digital_marketing'
    when 'creatoreconomy' then 'creator_economy' when 'creatorseconomy' then 'creator_economy'
    when 'personalbrand' then 'personal_brand' when 'personalbranding' then 'personal_brand'
    when 'contentcreator' then 'content_creator' when 'contentcreators' then 'content_creator'
    when 'aiagents' then 'ai_agent' when 'aiagent' then 'ai_agent'
    when 'aitools' then 'ai_tool' when 'aitool' then 'ai_tool'
    else nullif(array_to_string(words, '_'), '') end;
end $$;

create or replace function public.agent_niche(given text) returns text
language sql immutable as $$
  select case when given in ('ai_automation', 'saas_growth', 'content_creation', 'digital_marketing',
                             'creator_economy', 'personal_brand', 'other') then given
              else public.agent_niche_spelled(given) end
$$;

create or replace function public.agent_names(platform text default null, niche text default null)
returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select jsonb_build_object('platform', safari_platform(platform), 'niche', agent_niche(niche))
$$;

create or replace trigger agent_spelled
  before insert or update of platform, niche on public.actp_content_performance
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled
  before insert or update of platform, niche on public.actp_niche_resonance
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled
  before insert or update of source_platform, niche on public.actp_platform_research
  for each row when (
    new.source_platform is distinct from safari_platform(new.source_platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('source_platform');

create or replace trigger agent_spelled
  before insert or update of platform, niche on public.actp_platform_creators
  for each row when (
    new.platform is distinct from safari_platform(new.platform)
    or new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled
  before insert or update of platform on public.actp_posting_schedule
  for each row when (new.platform is distinct from safari_platform(new.platform))
  execute function public.agent_spelled('platform');

create or replace trigger agent_spelled
  before insert or update of niche on public.actp_twitter_research
  for each row when (
    new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('');

create or replace trigger agent_spelled
  before insert or update of niche on public.actp_cross_platform_trends
  for each row when (
    new.niche is distinct from agent_niche(new.niche))
  execute function public.agent_spelled('');

create or replace function public.agent_figure(given numeric) returns numeric
language sql immutable as $$
  select case when given > 0 and given < 1e15 then given end
$$;

create or replace function public.agent_figure(given double precision) returns numeric
language sql immutable as $$
  select public.agent_figure(case when given between 0 and 1e15 then given::numeric end)
$$;

create or replace function public.agent_count(given numeric) returns integer
language sql immutable as $$
  select case when given between 0 and 2147483647 then round(given)::integer end
$$;

create or replace function public.agent_count(given double precision) returns integer
language sql immutable as $$
  select public.agent_count(case when given between 0 and 2147483647 then given::numeric end)
$$;

create or replace function public.agent_post_scores(days integer)
returns table (platform text, external_id text, niche text, published_at timestamptz,
               score_24h numeric, score numeric)
language sql stable set search_path = public, pg_temp as $$
  select safari_platform(p.platform), p.external_id, p.niche, p.published_at,
         agent_figure(l.engagement), agent_figure(p.engagement_score)
    from actp_content_performance p
    left join actp_post_looks l
      on l.platform = safari_platform(p.platform) and l.external_id = p.external_id
     and l.look = '24h' and l.age_hours <= 36
   where safari_platform(p.platform) is not null
     and p.published_at > now() - make_interval(days => days)
     -- A post of less than a day has not brought yet what older ones have.
     and p.published_at <= now() - interval '24 hours'
     and coalesce(agent_figure(l.engagement), agent_figure(p.engagement_score)) is not null
$$;

create or replace function public.agent_post_hours(days integer default 365) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with logs as (
    select s.platform, s.score_24h is not null as at_a_day,
           floor(extract(epoch from s.published_at) / 1209600)::integer as fortnight,
           extract(hour from s.published_at at time zone 'utc')::integer as hour,
           ln((1 + coalesce(s.score_24h, s.score))::double precision) as log
      from agent_post_scores(days) s where coalesce(s.score_24h, s.score) >= 0
  ), hours as (
    select l.platform, l.at_a_day, l.fortnight, l.hour, count(*) as posts, avg(l.log) as mean,
           coalesce(var_pop(l.log), 0) * count(*) as squares
      from logs l group by 1, 2, 3, 4
  )
  select coalesce(jsonb_object_agg(p.platform, p.hours), '{}') from (
    select h.platform, jsonb_agg(to_jsonb(h) - 'platform' order by h.fortnight, h.hour, h.at_a_day)
             as hours
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
                then safari_bounded(agent_post_noted.published_at) + interval '1 hour' end
     where agent_post_noted.external_id is not null and agent_post_noted.published_at is not null
  on conflict on constraint actp_own_posts_pkey do nothing
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
       set next_look_at = safari_bounded(o.published_at)
                          + make_interval(secs => f.next_hours * 3600),
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
           safari_bounded(o.published_at) + make_interval(secs => next_hours * 3600))
   where o.platform = agent_post_unread.platform
     and o.external_id = agent_post_unread.external_id;
  return to_jsonb(found);
end $$;

create or replace function public.agent_posts_state() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  with posts as (
    select coalesce(o.platform, safari_platform(p.platform)) as platform,
           coalesce(o.published_at, p.published_at) as published_at, o.url, o.next_look_at, o.problem,
           agent_figure(p.engagement_score) is not null or exists (
             select from actp_post_looks l where l.platform = o.platform
                and l.external_id = o.external_id and l.engagement is not null) as is_measured
      from actp_own_posts o
      full join (select c.*, safari_platform(c.platform) as place from actp_content_performance c
                  where c.published_at > now() - interval '30 days' and c.published_at <= now()) p
        on p.place = o.platform and p.external_id = o.external_id
  )
  select coalesce(jsonb_agg(to_jsonb(s) order by s.platform), '[]') from (
    select p.platform, count(*) as posts, count(*) filter (where p.is_measured) as measured,
           count(*) filter (where p.next_look_at is not null) as waiting,
           count(*) filter (where p.url is null and not p.is_measured) as unplaced,
           (array_agg(p.problem order by p.published_at desc)
             filter (where p.problem is not null))[1] as problem
      from posts p
     where p.platform is not null and p.published_at > now() - interval '30 days'
     group by p.platform) s
$$;

create or replace function public.agent_youtube_looks(row_limit integer default 1000) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(l)), '[]') from (
    select distinct on (v.video_id, w.hours) 'youtube' as platform, v.video_id as external_id,
           w.look, agent_count(v.views) as views, agent_count(v.likes) as likes,
           agent_count(v.comments_count) as replies,
           extract(epoch from v.checked_at - v.published_at) / 3600 as age_hours
      from (values ('1h', 1), ('4h', 4), ('24h', 24), ('7d', 168)) w (look, hours)
      join (select s.video_id, s.title, s.views, s.likes, s.comments_count,
                   safari_bounded(s.checked_at) as checked_at,
                   safari_bounded(s.published_at) as published_at
              from youtube_video_stats s) v
        on v.checked_at between v.published_at + make_interval(hours => w.hours)
                            and v.published_at + make_interval(hours => w.hours + greatest(1, w.hours / 2))
     where agent_snapshot(v.video_id, v.title, v.views) = 1
       and not exists (select from actp_post_looks k
                        where k.platform = 'youtube' and k.external_id = v.video_id
                          and k.look = w.look)
     order by v.video_id, w.hours, v.likes is null, v.checked_at limit row_limit) l
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
exception when data_exception then
  return null;
end $$;

create or replace function public.agent_time(value timestamptz) returns timestamptz
language sql immutable as $$ select public.safari_finite(value) $$;

create or replace function public.agent_time_in_utc(value text) returns timestamptz
language plpgsql stable set search_path = public, pg_temp set timezone = 'UTC' as $$
begin
  return safari_finite(case when value ~ '^\d{4}-\d\d-\d\d' then value::timestamptz end);
exception when data_exception then
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
        c.id, safari_platform(c.platform) as platform, c.username, c.display_name, c.email,
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
             case when safari_platform(c.platform) = 'twitter' then lower(ltrim(c.username, '@')) end)
        ) as is_on_twitter_with_us,
        (select count(distinct safari_platform(a.platform)) from actp_platform_associations a
          where a.contact_id = c.id
            and safari_platform(a.platform) is distinct from safari_platform(c.platform))
          + 1 as platforms,
        coalesce(m.words, '{}') || coalesce(i.words, '{}') || coalesce(v.words, '{}') as words,
        greatest(m.outbound_at, i.outbound_at, safari_finite(c.last_outbound_at)) as last_outbound_at,
        extract(epoch from now() - greatest(
          m.at, i.at, v.at, safari_finite(c.last_outbound_at), safari_finite(c.last_inbound_at),
          agent_time(c.last_message_at))) / 86400 as silent_days
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
          select not agent_outreach_is_theirs(x) as outbound, coalesce(x.message_type, 'dm') as type,
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
          select lower(x.type) as type, safari_platform(x.platform) as platform, lower(x.outcome) as outcome,
                 x.summary, coalesce(safari_finite(x.occurred_at), safari_finite(x.created_at)) as at,
                 coalesce(agent_direction(x.direction) = 'outbound', lower(x.type) in ('email', 'dm')) as outbound,
                 lower(x.type) in ('email_reply', 'email_replied')
                   or (lower(x.type) = 'email'
                       and (agent_direction(x.direction) = 'inbound' or lower(x.outcome) = 'replied')) as is_reply
            from crm_interactions x where x.contact_id = c.id
           order by x.created_at desc limit 200
        ) each
      ) i
      cross join lateral (
        -- The last message of a conversation may be ours, and our words say nothing of theirs.
        select max(greatest(agent_time(x.last_message_at), agent_time(x.last_reply_at)))
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

create or replace function public.agent_prospect_store(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  answer jsonb;
begin
  -- Two at once would both see the old stage and both tell the change.
  perform pg_advisory_xact_lock(hashtextextended('agent_prospect_store', 0));
  with given as (
    select r.* from jsonb_to_recordset(rows) as r (
      contact_id uuid, score integer, funnel_stage text, score_breakdown jsonb,
      offer_readiness integer, icp_fit integer, next_touch_type text, next_touch_at timestamptz)
      join crm_contacts c on c.id = r.contact_id
  ), written as (
    insert into actp_prospect_scores as s (
      contact_id, score, funnel_stage, score_breakdown, offer_readiness, icp_fit,
      next_touch_type, next_touch_at, research_done, created_at, updated_at)
      select g.contact_id, g.score, g.funnel_stage, g.score_breakdown, g.offer_readiness, g.icp_fit,
             g.next_touch_type,
             case when g.next_touch_type is not null then coalesce(g.next_touch_at, now()) end,
             false, now(), now()
        from given g order by g.contact_id
    on conflict (contact_id) do update
      set score = excluded.score, funnel_stage = excluded.funnel_stage,
          score_breakdown = excluded.score_breakdown, offer_readiness = excluded.offer_readiness,
          icp_fit = excluded.icp_fit, next_touch_type = excluded.next_touch_type,
          next_touch_at = case
            -- Who was never written to stays due since they were first scored.
            when agent_time(excluded.next_touch_at) = now()
            then coalesce(agent_time(s.next_touch_at), now())
            else agent_time(excluded.next_touch_at) end,
          updated_at = now()
      where (s.score, s.funnel_stage, s.score_breakdown, s.offer_readiness, s.icp_fit,
             s.next_touch_type) is distinct from
            (excluded.score, excluded.funnel_stage, excluded.score_breakdown,
             excluded.offer_readiness, excluded.icp_fit, excluded.next_touch_type)
         or (agent_time(excluded.next_touch_at) is distinct from agent_time(s.next_touch_at)
             and (agent_time(excluded.next_touch_at) is distinct from now()
                  or s.next_touch_at is null))
    returning s.contact_id
  ), moved as (
    -- What one statement reads is as it was before its own writes.
    insert into actp_crm_transitions
      (contact_id, from_stage, to_stage, trigger, score_at_transition, to_announce, created_at)
      select g.contact_id, b.funnel_stage, g.funnel_stage,
             case when g.score >= coalesce(b.score, 0) then 'score_increase'
                  else 'score_decrease' end,
             g.score, g.funnel_stage = 'decision', now()
        from given g left join actp_prospect_scores b using (contact_id)
       where g.funnel_stage is distinct from coalesce(b.funnel_stage, 'awareness')
    returning 1
  )
  select jsonb_build_object('written', (select count(*) from written),
                            'moved', (select count(*) from moved)) into answer;
  return answer;
end $$;

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
         (select jsonb_agg(jsonb_build_object('name', b.name, 'platform', b.platform, 'score', b.score)
                           order by b.score desc, b.person)
            from (
              select distinct on (p.ids[1]) p.ids[1] as person, s.score, c.platform,
                     coalesce(nullif(btrim(c.display_name), ''), '@' || ltrim(c.username, '@')) as name
                from actp_prospect_scores s
                join crm_contacts c on c.id = s.contact_id
               cross join lateral agent_person_of(s.contact_id) p
               where s.funnel_stage = 'decision'
                 and s.contact_id in (select n.contact_id from told_now n)
                 and coalesce(p.veto, p.own_veto) is null
                 -- Somebody who swings around the border is new once in 30 days.
                 and not exists (
                   select from actp_crm_transitions e
                    where e.contact_id = any (p.ids) and e.to_announce is false
                      and e.to_stage = 'decision'
                      and e.created_at > now() - interval '30 days')
               order by p.ids[1], s.score desc, c.id) b)
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
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found jsonb := '[]';
  listed uuid[] := '{}';
  row record;
  person record;
begin
  for row in
    select s.contact_id, c.platform, c.username, c.display_name, s.score, s.funnel_stage as stage,
           s.score_breakdown, coalesce(s.research_done, false) as research_done, s.offer_readiness,
           s.icp_fit, s.next_touch_type, s.next_touch_at, c.last_message
      from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
     where c.archived_at is null and s.score >= least_score
       and (what <> 'next_actions'
            or (s.next_touch_type is not null and s.next_touch_at <= now() + interval '1 day'))
       and (what <> 'research_due' or s.research_done is not true)
     order by s.score desc, case when what = 'next_actions' then s.next_touch_at end, s.contact_id
  loop
    exit when jsonb_array_length(found) >= row_limit;
    select p.ids, coalesce(p.veto, p.own_veto) as veto into person
      from agent_person_of(row.contact_id) p;
    continue when person.veto is not null or person.ids && listed;
    listed := listed || person.ids;
    found := found || (to_jsonb(row) - 'last_message' || jsonb_build_object(
      'rank', jsonb_array_length(found) + 1,
      'last_words', coalesce(
        (select left(coalesce(nullif(m.message_text, ''), m.body), 200)
           from crm_messages m where m.contact_id = row.contact_id and agent_outreach_is_theirs(m)
          order by m.sent_at desc nulls last limit 1), row.last_message)));
  end loop;
  return found;
end $$;

create or replace function public.agent_prospect_figures(least_score integer) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'awareness', count(*) filter (where s.funnel_stage = 'awareness'),
    'consideration', count(*) filter (where s.funnel_stage = 'consideration'),
    'decision', count(*) filter (where s.funnel_stage = 'decision'),
    'research_ready', count(distinct p.ids[1]) filter (where p.veto is null),
    'researched', count(distinct p.ids[1]) filter (where p.veto is null and s.research_done))
    from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
    left join lateral (select o.ids, coalesce(o.veto, o.own_veto) as veto
                         from agent_person_of(s.contact_id) o where s.score >= least_score) p on true
   where c.archived_at is null
$$;

create or replace function public.safari_host_label(label text) returns text
language plpgsql immutable as $$
declare
  digits constant text := 'abcdefghijklmnopqrstuvwxyz0123456789';
  code constant text := substr(label, 5);
  dash constant integer := length(code) - coalesce(nullif(position('-' in reverse(code)), 0),
                                                   length(code) + 1) + 1;
  signs integer[] := array(select ascii(c) from regexp_split_to_table(left(code, greatest(dash - 1, 0)), '') c
                            where c <> '');
  place integer := dash + 1;
  sign_code bigint := 128;
  slot bigint := 0;
  before bigint;
  bias integer := 72;
  digit integer;
  weight bigint;
  step integer;
  threshold integer;
  delta bigint;
  size integer;
  written text;
begin
  if not starts_with(label, 'xn--') then
    return label;
  end if;
  while place <= length(code) loop
    before := slot;
    weight := 1;
    step := 36;
    loop
      digit := position(substr(code, place, 1) in digits) - 1;
      if place > length(code) or digit < 0 then
        return label;
      end if;
      place := place + 1;
      slot := slot + digit * weight;
      threshold := least(greatest(step - bias, 1), 26);
      exit when digit < threshold;
      weight := weight * (36 - threshold);
      step := step + 36;
      if slot > 2147483647 or weight > 2147483647 then
        return label;
      end if;
    end loop;
    size := cardinality(signs) + 1;
    delta := (slot - before) / case when before = 0 then 700 else 2 end;
    delta := delta + delta / size;
    bias := 0;
    while delta > 455 loop
      delta := delta / 35;
      bias := bias + 36;
    end loop;
    bias := bias + (36 * delta / (delta + 38))::integer;
    sign_code := sign_code + slot / size;
    slot := slot % size;
    if sign_code > 1114111 or sign_code between 55296 and 57343 then
      return label;
    end if;
    signs := signs[:slot::integer] || sign_code::integer || signs[slot::integer + 1:];
    slot := slot + 1;
  end loop;
  written := (select string_agg(chr(s), '' order by n) from unnest(signs) with ordinality u (s, n));
  if written is null or written ~ '^[\x01-\x7f]*$'
     or written <> safari_lower(normalize(written, NFKC)) or written ~ '[\u0080-\u00a0]' then
    return label;
  end if;
  return written;
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
  if params ? 'handle' then
    person := (safari_address(platform, safari_first_text(params, array['handle']))).name;
  end if;
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

create or replace function public.safari_listed_name(platform text, given text) returns text
language sql immutable as $$
  select coalesce((safari_address(nullif(platform, 'all'), given)).name,
                  safari_handle('tiktok', safari_visible(given)),
                  (safari_post(nullif(platform, 'all'), given)).author)
$$;

create or replace function public.safari_do_not_contact_spell() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  name text;
begin
  new.platform := safari_platform(new.platform);
  name := safari_listed_name(new.platform, new.recipient);
  if name is null and new.platform in (
       'all', 'gmail', 'instagram', 'linkedin', 'threads', 'tiktok', 'twitter') then
    perform safari_alert(
      'agent_error:people:do_not_contact:' || md5(new.platform || ' ' || new.recipient), 'agent_error',
      jsonb_build_object('domain', 'people', 'task', 'do_not_contact', 'error', format(
        'the do-not-contact list names nobody on %s by %s: give a handle, a profile or a mailbox',
        new.platform, left(new.recipient, 80))));
  end if;
  new.recipient := coalesce(name, new.recipient);
  return new;
end $$;

drop function if exists public.safari_addresses_of(text, text);

create or replace function public.safari_mention_refused(platform text, written text) returns text
language plpgsql stable as $$
begin
  return (
    with named as (
      select 'mentions' as how, safari_handle(safari_mention_refused.platform, m.found[1]) as name
        from regexp_matches(written, case safari_mention_refused.platform
               when 'twitter' then '(?<![a-z0-9_@＠])[@＠]([a-z0-9_]{1,30})'
               else '(?<![a-z0-9_@＠])[@＠]([a-z0-9._]{1,30})' end, 'gi') m (found)
      union all
      select 'quotes', (safari_post('twitter', m.found[1])).author
        from regexp_matches(written, '((?:https?://)?(?:[a-z]+\.)?(?:x|twitter)\.com/\S+)', 'gi') m (found)
       where safari_mention_refused.platform = 'twitter'
    )
    select format('the text %s @%s, who %s', d.how, d.name, case when n.recipient is not null
             then 'is on the do-not-contact list' else 'has opted out in the CRM' end)
      from named d
     cross join lateral unnest(
             safari_person_addresses(safari_mention_refused.platform || ':' || d.name)) a (address)
      left join safari_do_not_contact n
        on n.platform = any (safari_listed_under(a.address))
           and n.recipient = split_part(a.address, ':', 2)
      left join safari_people p on p.address = a.address and p.veto = 'opted_out'
     where n.recipient is not null or p.address is not null
     limit 1);
end $$;

drop function if exists public.safari_refusal(public.safari_command_queue, text, text, text, text);

create or replace function public.safari_refusal_of(
  command public.safari_command_queue, post text, person text, recipient text, text_hash text
)
returns table (reason text, error text, addresses text[])
language sql stable as $$
  select case
           when known.names_nobody or known.is_moved then 'validation'
           when known.listed is not null or known.opted_out or known.mention is not null
             then 'do_not_contact'
           when earlier.duplicate_of is not null then 'duplicate'
           else automatic.verdict[1]
         end,
         case
           when known.names_nobody then format('it names nobody on %s', command.platform)
           when known.is_moved then format(
             '%s is not, or no longer, an address of the contact that it was written for', person)
           when known.listed is not null
             then format('%s is on the do-not-contact list', known.listed)
           when known.opted_out then format('%s has opted out in the CRM', person)
           when known.mention is not null then known.mention
           when earlier.duplicate_of is not null then format(
             'command %s had the same recipient and text within 24 hours; enqueue with a key'
             ' to send it again', earlier.duplicate_of)
           else automatic.verdict[2]
         end,
         them.addresses
    from (select command.effect is distinct from 'repeatable' as reaches_somebody,
                 command.batch_id is not distinct from 'outreach' as is_outreach,
                 -- Steps of a campaign have a key; any tool may write the other two for its own reasons.
                 command.idempotency_key is not null and command.campaign_id is not null
                   and command.params ? 'campaign_step' as is_step,
                 -- Of a post whose author is not known only the duplicate can be judged.
                 case when person is not null and command.effect is distinct from 'repeatable'
                   then safari_person_addresses(command.platform || ':' || person)
                   else '{}' end as addresses
         offset 0) them
   cross join lateral (
     select them.reaches_somebody and recipient is null
              and (command.action = 'send_dm' or (command.action = 'comment' and post is not null))
              as names_nobody,
            -- Written for a contact whose address has changed since, who shares it with too many to be one
            -- person, or who was deleted.
            coalesce(them.is_outreach and 'contact:' || lower(command.params ->> 'contact_id')
                     <> all (them.addresses), false) as is_moved,
            exists (select from safari_people p
                     where p.address = any (them.addresses) and p.veto = 'opted_out') as opted_out,
            (select n.recipient from unnest(them.addresses) a
               join safari_do_not_contact n
                 on n.platform = any (safari_listed_under(a))
                    and n.recipient = split_part(a, ':', 2)
              limit 1) as listed,
            case when command.action in ('tweet', 'comment')
                   and public_text.words ~ '[@＠]|/status'
              then safari_mention_refused(coalesce(command.platform, 'twitter'), public_text.words)
              end as mention
       from (select coalesce(nullif(command.params ->> 'text', ''), command.params ->> 'message')
                      as words) public_text
     offset 0) known
   cross join lateral (
     select case
       when not them.reaches_somebody or known.names_nobody or known.is_moved or known.opted_out
            or known.listed is not null then null
       when command.idempotency_key is null or them.is_outreach or them.is_step
         then safari_duplicate_of(command, recipient, them.addresses, text_hash, them.is_step)
       end as duplicate_of
     offset 0) earlier
   cross join lateral (
     select case
       when not (them.is_outreach or them.is_step) or not them.reaches_somebody
            or known.names_nobody or known.is_moved or known.opted_out or known.listed is not null
            or earlier.duplicate_of is not null then null
       else safari_automatic_refusal(command, person, them.addresses, them.is_outreach)
       end as verdict
     offset 0) automatic
$$;

create or replace function public.safari_duplicate_of(
  command public.safari_command_queue, recipient text, addresses text[], text_hash text,
  is_step boolean
) returns uuid
language plpgsql stable as $$
begin
  if command.action = 'send_dm' then
    return (
      select a.command_id from safari_command_attempts a
       where a.person = any (addresses) and a.begun_at > now() - interval '24 hours'
         and a.text_hash = safari_duplicate_of.text_hash and a.quota_kind = 'dm'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
         and not (is_step and exists (
           select from safari_command_queue o
            where o.id = a.command_id and o.batch_id = command.batch_id))
       limit 1);
  elsif command.action = 'tweet' then
    -- From any account, unless the command names another one: a tool that inserts it again names none.
    return (
      select a.command_id from safari_command_attempts a
       where a.service = command.service and a.quota_day is not null
         and (command.account = '' or a.account = command.account)
         and a.recipient is null
         and a.text_hash = safari_duplicate_of.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1);
  elsif recipient is not null then
    return (
      select a.command_id from safari_command_attempts a
       where a.service = command.service and a.recipient = safari_duplicate_of.recipient
         and a.text_hash = safari_duplicate_of.text_hash and a.begun_at > now() - interval '24 hours'
         and a.command_id <> command.id and (a.outcome is null or a.outcome in ('sent', 'unknown'))
       limit 1);
  end if;
  return null;
end $$;

create or replace function public.safari_automatic_refusal(
  command public.safari_command_queue, person text, addresses text[], is_outreach boolean
) returns text[]
language plpgsql stable as $$
declare
  facts record;
begin
  -- They wait for our answer, or what they or a note said waits for an operator; who says that a
  -- campaign may go on has looked.
  select bool_or(agent_waits_for_us(t.ours_at, t.heard_at, b.done_at)) as waits,
         max(t.ours_at) > now() - safari_automatic_gap() as is_written_to,
         max(b.look_at) filter (where b.look_at > coalesce(b.done_at, '-infinity')) > coalesce(
           (select agent_time(o.data ->> 'calmed_at') from safari_campaign_targets o
             where o.id = case when command.batch_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                               then command.batch_id::uuid end), '-infinity') as needs_look
    into facts
    from (select array(select substr(o, 9)::uuid from unnest(addresses) o
                        where starts_with(o, 'contact:')) as ids) c
   cross join lateral agent_conversation(c.ids, addresses) t
    left join actp_inbox b on b.contact_id = any (c.ids)
   where c.ids <> '{}';
  if facts.waits then
    return array['replied', format('%s wrote last and waits for an answer: bin/inbox', person)];
  elsif facts.needs_look then
    return array['needs_look', format('what %s or a note said needs a look: bin/inbox', person)];
  elsif not is_outreach then
    return null;
  elsif facts.is_written_to then  -- by hand too, or by another program
    return array['cooldown', format('%s was written to in the last two days', person)];
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
    return array['in_campaign', format('a campaign to %s is running', person)];
  elsif facts.is_soon then
    return array['cooldown', format('%s was written to in the last two days', person)];
  elsif facts.is_often then
    return array['weekly_limit', format('%s was written to %s times this week', person,
                                        safari_automatic_per_week())];
  end if;
  return null;
end $$;

drop function if exists public.safari_unheard(text);

create or replace function public.safari_unheard(of_address text, addresses text[]) returns jsonb
language plpgsql as $$
declare
  contact uuid;
begin
  if of_address is null or to_regclass('public.actp_inbox') is null then
    return null;
  elsif not exists (select from unnest(addresses) a where starts_with(a, 'contact:')) then
    begin
      if not exists (select from crm_messages m
                      where m.contact_id is null
                        and agent_message_place(m.platform, m.username) = of_address
                        and agent_outreach_is_theirs(m)) then
        return null;
      end if;
    exception when syntax_error_or_access_rule_violation then
      return null;
    end;
    contact := agent_contact_who_wrote(of_address);
    if contact is null then
      return case when agent_words_hash(of_address) is distinct from (
               select h.words_hash from safari_words_heard h where h.address = of_address)
             then jsonb_build_array(of_address) end;
    end if;
    return safari_unheard(
      'contact:' || contact, safari_person_addresses('contact:' || contact));
  end if;
  return (
    select jsonb_agg(b.contact_id order by b.contact_id)
      from unnest(addresses) a
      join actp_inbox b
        on b.contact_id = case when starts_with(a, 'contact:') then substr(a, 9)::uuid end
     where b.unheard);
end $$;

create or replace function public.safari_rehearse() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  boot constant uuid := gen_random_uuid();
  done constant text := 'SRHSD';
  step text := 'insert';
  command uuid;
  status text;
  routed_to text;
  claimed jsonb;
  answer jsonb;
begin
  begin
    -- It is the first in line, by values that a customer's own constraint has let in before.
    insert into safari_command_queue (
      id, action, platform, params, priority, created_at, idempotency_key
    ) values (
      gen_random_uuid(), 'send_dm', 'twitter', '{"username": "rehearsal", "text": "never sent"}',
      coalesce((select q.priority from safari_command_queue q
                 where q.service = 'twitter-dm' and q.status = 'pending' and q.ready and q.crash_count = 0
                 order by q.priority limit 1), 5),
      '1970-01-01 00:00:00+00', 'rehearsal:' || boot)
      returning id, safari_command_queue.status, safari_command_queue.service
        into command, status, routed_to;
    if status is distinct from 'pending' then
      raise exception 'a new row has the status %: no worker takes it', status;
    end if;
    if routed_to is null then
      raise exception 'a new row gets no service: the triggers of safari_command_queue are disabled, or '
        'session_replication_role is set to replica';
    end if;
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
        return jsonb_build_object('step', step, 'error', sqlerrm, 'code', sqlstate);
      end if;
  end;
  return jsonb_build_object('step', step, 'error', null);
end $$;

create or replace function public.safari_unknown_statuses() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('status', left(u.status, 40), 'rows', u.rows)), '[]')
    from (select q.status, count(*) as rows from safari_command_queue q
           where q.service is distinct from 'foreign'
             and q.status <> all (array['pending', 'running', 'completed', 'failed', 'cancelled'])
             -- Nothing to look for where the table itself refuses them.
             and not exists (
               select from pg_constraint c
                where c.conrelid = 'public.safari_command_queue'::regclass and c.convalidated
                  and c.conname = 'safari_command_queue_status_check'
                  and pg_get_constraintdef(c.oid) not like '%OR%')
           group by q.status order by 2 desc limit 20) u
$$;

create or replace function public.agent_remotion_shown(job public.actp_gen_jobs) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'id', job.id, 'status', job.status, 'platform', job.platform, 'niche', job.niche,
    'brief', safari_shortened(job.brief), 'render_job_id', job.render_job_id,
    'retry_count', greatest(job.retry_count, 0), 'output_url', job.output_url, 'error', job.error,
    'created_at', safari_finite(agent_time(job.created_at)), 'request_key', job.request_key,
    'rendering_seconds', extract(epoch from now() - safari_bounded(agent_time(job.rendering_since)))::double precision)
$$;

create or replace function public.agent_remotion_is_open() returns boolean
language plpgsql stable set search_path = public, pg_temp as $$
begin
  return exists (
    select from actp_gen_jobs j
     where j.model = 'remotion' and j.status in ('queued', 'pending', 'rendering', 'complete'));
exception when syntax_error_or_access_rule_violation or data_exception then
  return true;
end $$;

create or replace function public.agent_remotion_change(
  claim uuid, job_id uuid, status text, render_job_id text, retry_count integer,
  output_url text default null, error text default null, release boolean default true
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  job actp_gen_jobs;
begin
  update actp_gen_jobs j
     set status = agent_remotion_change.status,
         rendering_since = case
           when agent_remotion_change.render_job_id is null then null
           when j.render_job_id is distinct from agent_remotion_change.render_job_id then now()
           else j.rendering_since end,
         render_job_id = agent_remotion_change.render_job_id,
         retry_count = agent_remotion_change.retry_count,
         output_url = coalesce(agent_remotion_change.output_url, j.output_url),
         error = agent_remotion_change.error,
         completed_at = case when agent_remotion_change.status in ('complete', 'failed')
                             then coalesce(agent_time(j.completed_at), now()) end,
         claim = case when not release then j.claim end,
         claimed_until = case when not release then j.claimed_until end,
         updated_at = clock_timestamp()
   where j.id = job_id and j.claim = agent_remotion_change.claim
     and j.status in ('queued', 'pending', 'rendering', 'complete')
  returning * into job;
  if job.status = 'failed' then
    perform safari_alert(format('render_failed:%s', job.id), 'render_failed', jsonb_build_object(
      'niche', job.niche, 'platform', job.platform, 'error', job.error));
  end if;
  return to_jsonb(job.id is not null);
end $$;

create or replace function public.agent_remotion_jobs(
  open boolean default false, row_limit integer default 20
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(agent_remotion_shown(j.job) order by j.created_at desc, j.id), '[]')
    from (select g as job, g.created_at, g.id from actp_gen_jobs g
           where g.model = 'remotion'
             and (not open or g.status in ('queued', 'pending', 'rendering', 'complete',
                                           'distributing'))
           order by g.created_at desc nulls last, g.id limit row_limit) j
$$;

create or replace function public.agent_report() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with medians as (
    select p.platform, percentile_cont(0.5) within group (order by agent_figure(p.engagement_score)) as usual
      from actp_content_performance p
     where p.published_at > now() - interval '60 days' and p.published_at <= now()
       and agent_figure(p.engagement_score) is not null
     group by p.platform
  )
  select jsonb_build_object(
    'at', now(),
    'queue', coalesce((
      select jsonb_agg(to_jsonb(d) order by d.service) from (
        select s.service, sum(s.ready) as ready, sum(s.waiting) as waiting, sum(s.held) as held,
               sum(s.running) as running
          from safari_queue_depths() s where s.service <> 'foreign' group by s.service) d), '[]'),
    'ended', coalesce((
      select jsonb_agg(to_jsonb(e) order by e.day, e.outcome) from (
        select (q.completed_at at time zone 'utc')::date as day,
               case when q.status = 'failed' and q.reason = 'unknown' then 'unknown'
                    else q.status end as outcome,
               count(*) as commands
          from safari_command_queue q
         where q.status in ('completed', 'failed', 'cancelled')
           and q.service is distinct from 'foreign'
           and q.completed_at >= date_trunc('day', now(), 'UTC') - interval '13 days'
           and q.completed_at < now() + interval '1 day'
         group by 1, 2) e), '[]'),
    'limits', safari_limits(),
    'campaigns', safari_campaigns(12),
    'contacts', (select count(*) from crm_contacts c where c.archived_at is null),
    'stages', coalesce((
      select jsonb_object_agg(f.stage, f.people) from (
        select coalesce(s.funnel_stage, 'awareness') as stage, count(*) as people
          from actp_prospect_scores s join crm_contacts c on c.id = s.contact_id
         where c.archived_at is null
         group by 1) f), '{}'),
    'plans', agent_schedule_rows() -> 'rows',
    'posts', coalesce((
      select jsonb_agg(to_jsonb(h) order by h.weekday, h.hour) from (
        select extract(isodow from p.published_at at time zone 'utc')::integer - 1 as weekday,
               extract(hour from p.published_at at time zone 'utc')::integer as hour,
               count(*) as posts, count(*) filter (where agent_figure(p.engagement_score) > m.usual) as good
          from actp_content_performance p join medians m on m.platform = p.platform
         where p.published_at > now() - interval '60 days' and p.published_at <= now()
           and agent_figure(p.engagement_score) is not null
         group by 1, 2) h), '[]'),
    'tests', coalesce((
      select jsonb_agg(to_jsonb(t) order by t.created_at desc nulls last, t.id) from (
        select a.id, a.topic, a.niche, a.test_method_a, a.test_method_b, a.status, a.winner,
               a.eng_score_a, a.eng_score_b, a.created_at
          from actp_ab_tests a order by a.created_at desc nulls last, a.id limit 20) t), '[]'),
    'niches', agent_mix_counts() -> 'counts')
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
    -- PostgREST answers a caller 404 for the one, 500 for the other.
    raise exception using
      errcode = case when current_setting('role', true) = 'actp_caller' then 'PT404' else 'P0002' end,
      message = format('there is no command %s', id);
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using
      message = format('%s is the beginning of several ids: give more digits', id);
  end if;
  return to_jsonb(found_ids[1]);
end $$;

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
    left join lateral safari_limits_of(p, s) f on s.service is not null
    left join lateral safari_service_gate(s.service, null, a.account) g on s.service is not null
$$;

create or replace function public.safari_status() returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  with depths as materialized (
    select * from safari_queue_depths()
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
       -- One process of a host drives a service: a later one proves that this one is dead.
       and not exists (select from safari_workers later
                        where later.host_key = w.host_key and later.services && w.services
                          and later.started_at > w.started_at)
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
    cross join (select safari_claims_refused_now() as ids) refused
    left join safari_services s on s.service = w.service
    cross join lateral (
      select case when accounts is not null then safari_account_on(accounts, s.platform) end
               as account) our
    cross join lateral (
      select count(*) filter (where q.ready and q.id <> all (refused.ids)) as ready,
             count(*) filter (
               where (not q.ready or q.id = any (refused.ids)) and q.hold is null) as waiting,
             count(*) filter (where not q.ready and q.hold <> 'campaign') as held
        from safari_command_queue q
       where q.service = w.service and q.status = 'pending'
         and (our.account is null or q.account in ('', our.account))) d
    cross join lateral (
      select count(*) as overdue from safari_command_queue q
       where q.service = w.service and q.status = 'pending' and not q.ready
         and q.due_at <= now() and q.id <> all (refused.ids)
         and (our.account is null or q.account in ('', our.account))) o
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
      select a.reason, a.until from safari_any_gate(w.service) a where our.account is null
      union all
      select a.reason, a.until from safari_service_gate(w.service, null, our.account) a
       where our.account is not null) g
$$;

create or replace function public.agent_resonance_add_hooks(rows jsonb, own boolean default true)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  item record;
  target uuid;
begin
  for item in
    select safari_platform(r.platform) as platform, n.niche,
           array(select jsonb_array_elements_text(r.hooks)) as hooks
      from jsonb_to_recordset(rows) as r (platform text, niche text, hooks jsonb)
     cross join lateral agent_niche(r.niche) n (niche)
     where n.niche <> 'other' order by 1, 2
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
       set top_hook_patterns = case
             when own then agent_as(
               to_jsonb(agent_merged_hooks(item.hooks, agent_texts(to_jsonb(n.top_hook_patterns)))),
               n.top_hook_patterns)
             else n.top_hook_patterns end,
           inspiration_hooks = case when own then n.inspiration_hooks
                                    else agent_merged_hooks(item.hooks, n.inspiration_hooks) end
     where n.id = target;
  end loop;
  return jsonb_build_object('niches', jsonb_array_length(rows));
end $$;

create or replace function public.safari_message_hash(message public.crm_message_queue) returns text
language sql stable as $$
  select safari_content_hash('message', safari_platform(message.platform), jsonb_build_object(
    'to', (select agent_outreach_addresses(c) -> safari_platform(message.platform) from crm_contacts c
            where c.id = message.contact_id),
    'contact', message.contact_id, 'text', message.message_body))
$$;

create or replace function public.safari_review_hold() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  reason text;
begin
  -- Most have no review and need none; the two look-ups cost less than the question.
  if not (exists (select from safari_settings s where s.key = 'review' and s.value <> '"off"')
          or exists (select from safari_reviews r where r.door = 'command' and r.row_id = new.id)) then
    return new;
  end if;
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
  select r.id, r.door, r.row_id, safari_platform(m.platform), 'send_dm',
         coalesce(agent_outreach_addresses(c) ->> safari_platform(m.platform), c.display_name),
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
      '%s is the beginning of %s drafts: give more characters', left(beginning, 40),
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
       where r.id = draft.id and r.state in ('pending', 'approved');
      -- Somebody else rejected it while it was listed here.
      continue when not found;
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

create or replace function public.safari_review_matches(filter jsonb) returns table (
  id uuid, door text, row_id uuid, platform text, kind text, recipient text, body text, why text,
  content_hash text, created_at timestamptz, expires_at timestamptz, due_at timestamptz
)
language sql stable set search_path = public, pg_temp as $$
  select v.* from safari_review_rows() v
   where (filter ->> 'door' is null or v.door = filter ->> 'door')
     and (filter ->> 'platform' is null or position(filter ->> 'platform' in v.platform) > 0)
     and (filter ->> 'kind' is null or v.kind = filter ->> 'kind')
     and (filter ->> 'contains' is null
          or position(lower(filter ->> 'contains') in lower(concat_ws(' ', v.recipient, v.body))) > 0)
$$;

create or replace function public.safari_review_list(
  filter jsonb default '{}', row_limit integer default 50
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_review_refresh();
  return (
    with wanted as materialized (select * from safari_review_matches(filter))
    select jsonb_build_object(
      'waiting', (select count(*) from wanted),
      'rows', (select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at, s.id), '[]')
                 from (select * from wanted w order by w.created_at, w.id limit row_limit) s)));
end $$;

create or replace function public.safari_review_matching(filter jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_review_refresh();
  return (
    select jsonb_build_object(
             'count', count(*),
             'places', coalesce(jsonb_agg(distinct concat_ws(' on ', replace(m.kind, '_', ' '),
                                                             nullif(m.platform, ''))), '[]'),
             'seen', encode(sha256(convert_to(coalesce(
               string_agg(m.id || m.content_hash, ' ' order by m.id), ''), 'UTF8')), 'hex'))
      from safari_review_matches(filter) m);
end $$;

create or replace function public.safari_review_all(filter jsonb, verdict text, seen text)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most constant integer := 10000;
  matching constant jsonb := safari_review_matching(filter);
begin
  if matching ->> 'seen' is distinct from safari_review_all.seen then
    raise object_not_in_prerequisite_state using message = format(
      'the drafts have changed, %s match now: nothing was decided', matching ->> 'count');
  elsif (matching ->> 'count')::integer > most then
    raise invalid_parameter_value using
      message = format('at most %s drafts at once: narrow the filter', most);
  end if;
  return safari_review_decide((
    select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'content_hash', m.content_hash)), '[]')
      from safari_review_matches(filter) m), verdict) || jsonb_build_object('action', verdict);
end $$;

drop function if exists public.safari_route(text, text);

create or replace function public.safari_route_of(action text, platform text)
returns table (service text, effect text)
language sql stable rows 1 as $$
  select case
           when exists (select from safari_settings s
                         where s.key = 'foreign_platforms' and s.value ? safari_route_of.platform)
             then 'foreign'
           when r.service is not null then r.service
           when position(':' in coalesce(safari_route_of.action, '')) > 0
                or exists (select from safari_settings s
                            where s.key = 'foreign_actions' and s.value ? safari_route_of.action)
             then 'foreign'
           else 'local' end,
         coalesce(r.effect, 'repeatable')
    from (select) one
    left join lateral (
      select t.service, t.effect from safari_routes t
       where t.action = safari_route_of.action and t.platform in (safari_route_of.platform, '')
       order by t.platform desc limit 1) r on true
$$;

create or replace function public.safari_params(params jsonb) returns jsonb
language sql immutable as $$
  select case when jsonb_typeof(params) = 'string' then public.safari_json_or_raw(params #>> '{}')
              else params end
$$;

create or replace function public.safari_trim(value text) returns text
language sql immutable as $$
  select nullif(btrim(value, E' \t\n\r\f\u000b\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006'
    || E'\u2007\u2008\u2009\u200a\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff'), '')
$$;

create or replace function public.safari_bounded(moment timestamptz) returns timestamptz
language sql immutable as $$
  select case when moment is not null then
    least(greatest(moment, '1970-01-01 00:00:00+00'), '2999-12-31 00:00:00+00') end
$$;

create or replace function public.safari_json_bytes(value jsonb) returns integer
language sql stable as $$
  select case when pg_column_compression(value) is null then pg_column_size(value)
              else octet_length(value::text) end
$$;

create or replace function public.safari_unreadable(value jsonb) returns text
language plpgsql immutable set search_path = public, pg_temp as $$
begin
  if safari_json_bytes(value) > 1000000 then
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

create or replace function public.safari_queue_before_write() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  fault text;
begin
  if tg_op = 'INSERT' or new.action is distinct from old.action
     or new.platform is distinct from old.platform or new.service is null then
    new.action := left(safari_trim(new.action), 1000);
    new.platform := lower(left(coalesce(safari_trim(new.platform),
                                        safari_trim(safari_params(new.params) ->> 'platform')), 1000));
    select r.service, r.effect into new.service, new.effect
      from safari_route_of(new.action, coalesce(new.platform, '')) r;
  end if;
  new.account := safari_account_name(coalesce(nullif(new.account, ''), case
    when tg_op = 'INSERT' and new.action in ('send_dm', 'comment', 'tweet')
    then safari_params(new.params) ->> 'account' end));
  new.status := coalesce(new.status, 'pending');
  if new.service <> 'foreign' then
    new.status := coalesce(safari_trim(lower(new.status)), 'pending');
  end if;
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
    -- A listing reads these of a thousand rows at once.
    new.batch_id := left(new.batch_id, 1000);
    if new.metadata is not null and (
         safari_json_bytes(new.metadata) > 100000 or safari_unreadable(new.metadata) is not null) then
      new.metadata := jsonb_build_object('unreadable', left(new.metadata::text, 500));
    end if;
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
language plpgsql as $$
begin
  -- now() is the same for a whole batch; first in, first out needs a finer clock.
  if coalesce(command.created_at = now() or command.created_at > now() + interval '1 day', true) then
    command.created_at := clock_timestamp();
  end if;
  command.updated_at := now();
  -- A row that an import stores with its old date, or that was due on an old one, is no request of today,
  -- as at the other doors. The first of all dates is what programs write for none.
  if command.status = 'pending' and command.effect = 'once'
     and (command.created_at > '1970-01-02' and command.created_at < now() - safari_backlog_age()
            and coalesce(command.scheduled_for <= now(), true)
          or command.scheduled_for > '1970-01-02'
            and command.scheduled_for < now() - safari_backlog_age()) then
    command.hold := 'backlog';
  end if;
  -- The visitors' key is in every web page of a project, and anybody can sign up: with the table open,
  -- anybody may insert.
  if current_setting('role', true) in ('anon', 'authenticated') then
    command.hold := coalesce((
      select 'backlog' from pg_class c
       where c.oid = 'public.safari_command_queue'::regclass and not c.relrowsecurity), command.hold);
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
    command.error := left(command.error, 2000);
    command.reason := left(command.reason, 1000);
    command.result := safari_shortened(command.result);
    command.params := safari_shortened(command.params);
  end if;
  return command;
end $$;

create or replace trigger safari_queue_before_update
  before update of status, action, platform, params, priority, account, scheduled_for, next_retry_at,
    hold, created_at, expires_at, attempt, retry_count, crash_count, lease_number
  on public.safari_command_queue
  for each row when (new.status is null or new.status = 'pending')
  execute function public.safari_queue_before_write();

create or replace function public.safari_queue_keep_due() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  new.due_at := case when new.hold is not null then 'infinity'
                     else greatest(new.scheduled_for, new.next_retry_at) end;
  new.ready := new.due_at is null or new.due_at <= now();
  return new;
end $$;

create or replace trigger safari_queue_keep_due
  before update of ready, due_at on public.safari_command_queue
  for each row when (new.status = 'pending' and new.due_at is null and new.ready is not true)
  execute function public.safari_queue_keep_due();

create or replace function public.safari_queue_keep_route() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  select r.service, r.effect into new.service, new.effect
    from safari_route_of(new.action, coalesce(new.platform, '')) r;
  new.params := safari_shortened(new.params);
  return new;
end $$;

create or replace function public.agent_sample_remove(table_name text, ids jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  given uuid[] := array(select i::uuid from jsonb_array_elements_text(ids) i);
  child text;
  removed integer;
begin
  perform agent_sample_check(table_name);
  if table_name = 'crm_contacts' then
    given := array(select c.id from crm_contacts c
                    where c.id = any (given) and c.source = 'sample' order by c.id for update);
    -- Where the tables were there before us, nothing may cascade.
    foreach child in array array[
      'actp_prospect_scores', 'actp_platform_associations', 'actp_crm_transitions',
      'crm_interactions', 'crm_message_queue', 'crm_messages', 'crm_conversations',
      'crm_score_history'
    ] loop
      execute format('delete from public.%I where contact_id = any ($1)', child) using given;
    end loop;
    -- Nobody opted out: the list of people not to contact takes up no made-up names.
    update safari_people p set veto = null
     where p.address in (select 'contact:' || g from unnest(given) g);
  end if;
  execute format('delete from public.%I where id = any ($1)', table_name) using given;
  get diagnostics removed = row_count;
  return to_jsonb(removed);
end $$;

create or replace function public.safari_schedule_taken(known text default null) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('at', clock_timestamp(), 'version', v.version, 'open',
                            jsonb_build_object('renders', agent_remotion_is_open()))
         || case when v.version is distinct from known then jsonb_build_object('slots', t.slots)
                 else '{}' end
    from (select coalesce(jsonb_object_agg(n.job, n.slot), '{}') as slots
            from (select r.job, max(r.slot) as slot from safari_schedule_runs r
                   where r.slot between '1970-01-01' and clock_timestamp() + interval '1 hour'
                   group by r.job) n) t,
         lateral (select md5(t.slots::text) as version) v
$$;

create or replace function public.safari_schema() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('version', v.version, 'release', v.release, 'oldest_code', v.oldest_code)
         || jsonb_strip_nulls(jsonb_build_object('hidden', nullif(h.tables, '[]')))
    from safari_hidden_tables() h (tables)
    left join lateral (
      select s.* from safari_schema_versions s order by s.version desc limit 1) v on true
   where v.version is not null or h.tables <> '[]'
$$;

create or replace function public.safari_missing(wanted jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(distinct jsonb_build_object('table', t.key) || case
             when r.oid is not null then jsonb_build_object('column', c.key, 'type', c.value)
             else '{}' end), '[]')
    from jsonb_each(wanted) t
    left join pg_class r on r.oid = to_regclass('public.' || quote_ident(t.key)) and r.relkind in ('r', 'p')
   cross join lateral jsonb_each_text(t.value) c
   where r.oid is null or not exists (
     select from pg_attribute a
      where a.attrelid = r.oid and a.attname = c.key and a.attnum > 0 and not a.attisdropped)
$$;

create or replace function public.safari_address_names(address text) returns text[]
language plpgsql immutable as $$
declare
  bare text := rtrim(regexp_replace(regexp_replace(lower(btrim(address)),
                 '^https?://(?:www\.)?', ''), '[?#].*$', ''), '/');
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

create or replace function public.safari_on_one_line(value text) returns text
language plpgsql immutable as $$
declare
  line constant text := translate(value, E'\t\n\u000b\f\r\u00a0\u202f', '       ');
begin
  -- Seldom needed, and an expression takes ten times as long as the rest.
  return case when position('  ' in line) > 0 then regexp_replace(line, ' +', ' ', 'g') else line end;
end $$;

create or replace function public.safari_words(params jsonb) returns text
language plpgsql immutable as $$
declare
  given jsonb := public.safari_params(params);
begin
  return case when jsonb_typeof(given) = 'object'
              then public.safari_on_one_line(
                     lower(concat_ws(' ', given ->> 'text', given ->> 'query'))) else '' end;
end $$;

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
      from (select split_part(a, ':', 1) as platform,
                   coalesce(lower(case when a ~ '^linkedin:'
                                       then safari_percent_encoded(split_part(a, ':', 2))
                                       else split_part(a, ':', 2) end), '') as name
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
        -- LinkedIn's commands hold the letters of other alphabets percent-encoded.
        names := case when names[1] ~ '[^\x01-\x7f]' then array[
                        names[1], normalize(names[1], NFC), normalize(names[1], NFD),
                        lower(safari_percent_encoded(normalize(names[1], NFC)))]
                      else names[1:1] end;
        -- Looked up first: the planner takes any recipient to be a frequent one.
        conditions := conditions || format(
          'i.command_id = any(array(select n.command_id from safari_command_index n'
          ' where n.recipient_names && %L::text[]))', names);
      when 'person' then
        conditions := conditions || safari_person_filter(value);
      when 'text' then
        value := lower(safari_on_one_line(value));
        -- Two signs are a word where a sign is one.
        if length(normalize(value, NFC)) < 3 and value !~ '[\u1100-\u11ff\u2e80-\ud7a3\uf900-\ufaff]'
           or length(normalize(value, NFC)) < 2 then
          raise invalid_parameter_value using message = 'a text search needs at least three letters';
        end if;
        -- A file of a Mac holds the accents of a letter as signs of their own.
        conditions := conditions || (
          select '(' || string_agg(format('i.words like %L', '%' || regexp_replace(
                          form, '([\\%_])', '\\\1', 'g') || '%'), ' or ') || ')'
            from (select value as form union select lower(normalize(value, NFC))
                  union select lower(normalize(value, NFD))) f);
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
        raise invalid_parameter_value using message = format('unknown filter: %s', field);
    end case;
  end loop;
  if nullif(btrim(filter ->> 'since'), '')::timestamptz
     > nullif(btrim(filter ->> 'until'), '')::timestamptz then
    raise invalid_parameter_value using message = 'since is after until, so nothing can match';
  end if;
  return array_to_string(conditions, ' and ');
exception when invalid_datetime_format or datetime_field_overflow or invalid_text_representation
               or invalid_time_zone_displacement_value then
  raise invalid_parameter_value using message = format('%s: %L cannot be read', field, value);
end $$;

create or replace function public.safari_search_page(
  condition text, newest text, moment text, row_limit integer
) returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  answer jsonb;
begin
  execute format($query$
    with found as materialized (
      select i.command_id as id from %5$s where %1$s order by %4$s limit %3$s
    ), shown as (
      select q.id, q.service, q.action, q.platform, q.account, q.status, q.reason, q.error, q.hold, q.attempt,
             q.retry_count, q.priority, safari_shortened(q.params) as params,
             safari_shortened(q.result) as result, q.campaign_id, q.created_at,
             q.scheduled_for, q.completed_at,
             row_number() over (order by q.%2$I desc, q.id desc) as place
        from found f join safari_command_queue q on q.id = f.id
    )
    select jsonb_build_object(
      'rows', coalesce(jsonb_agg(to_jsonb(s) - 'place' order by s.place)
                       filter (where s.place < %3$s), '[]'),
      'next', (select to_char(l.%2$I at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                      || '_' || l.id
                 from shown l
                where l.place = %3$s - 1 and exists (select from shown m where m.place = %3$s)))
      from shown s $query$, condition, moment, row_limit + 1, newest,
    case when condition || newest ~ '\mq\.'
         then 'safari_command_index i join safari_command_queue q on q.id = i.command_id'
         else 'safari_command_index i' end)
    into answer;
  return answer;
end $$;

create or replace function public.safari_search(
  filter jsonb default '{}', after text default null, row_limit integer default 50
) returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  -- Among so many a common word fills a page; a word that does not is looked up by its letters.
  near constant integer := 20000;
  by_end boolean := coalesce(
    filter ->> 'status' in ('completed', 'failed', 'cancelled', 'unknown', 'ended'), false);
  moment text := case when by_end then 'completed_at' else 'created_at' end;
  place text := case when by_end then 'q.completed_at' else 'i.created_at' end;
  id text := case when by_end then 'q.id' else 'i.command_id' end;
  beyond text := '';
  horizon timestamptz;
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
    raise invalid_parameter_value using message = 'no such page: start at the first one';
  elsif after is not null then
    beyond := format(' and (%s, %s) < (%L::timestamptz, %L::uuid)', place, id,
                     split_part(after, '_', 1), split_part(after, '_', 2));
  end if;
  if coalesce(btrim(filter ->> 'text'), '') = '' then
    answer := safari_search_page(
      condition || beyond, format('%s desc, %s desc', place, id), moment, row_limit);
    return answer || jsonb_build_object('at', now());
  end if;
  -- The planner takes any word to stand evenly in all rows, and so walks from the newest on, through
  -- all of them for one of last year. Only the near ones are walked; else the order is no index's.
  execute format('select %1$s from %2$s where %3$s order by %1$s desc offset %4$s limit 1', place,
                 case when by_end then 'safari_command_queue q' else 'safari_command_index i' end,
                 case when by_end then 'q.completed_at is not null and q.status in'
                   ' (''completed'', ''failed'', ''cancelled'')' else 'true' end || beyond, near)
    into horizon;
  if horizon is not null then
    answer := safari_search_page(
      condition || beyond || format(' and %s > %L::timestamptz', place, horizon),
      format('%s desc, %s desc', place, id), moment, row_limit);
    if answer ->> 'next' is not null then
      return answer || jsonb_build_object('at', now());
    end if;
  end if;
  answer := safari_search_page(
    condition || beyond, format('%s + interval ''0'' desc, %s desc', place, id), moment, row_limit);
  return answer || jsonb_build_object('at', now());
end $$;

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
      message = format('the outcome of command %s is not unknown but %s', command.id,
                       coalesce(command.reason, command.status));
  end if;
  perform safari_record_event(command.id, 'look_asked', null, null, null, null);
  perform safari_wake();
  return jsonb_build_object('id', command.id);
end $$;

create or replace function public.safari_alert_platform(alert public.safari_alerts)
returns table (platform text, account text, service text)
language sql stable set search_path = public, pg_temp as $$
  select s.platform, safari_account_name(alert.detail ->> 'account'),
         case when alert.kind <> 'quota_reached' then s.service end
    from safari_services s
   where alert.kind in ('blocked', 'logged_out', 'wrong_account', 'suspicious',
                        'misconfigured', 'quota_reached')
     and s.platform is not null
     and (s.service = alert.detail ->> 'service'
          or (not alert.detail ? 'service' and s.platform = alert.detail ->> 'platform'))
   order by s.service limit 1
$$;

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
         and o.arguments ->> 'handle' = d ->> 'handle'
         and coalesce(o.arguments ->> 'platform', d ->> 'platform') = d ->> 'platform'
       order by o.id desc limit 1;
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
      select o.operator, o.at into decided
        from safari_alert_platform(alert) a
        join safari_operator_actions o on o.arguments ->> 'platform' in (a.platform, 'all')
             and safari_account_name(o.arguments ->> 'account') in ('', a.account)
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
          message = 'this draft was decided, has expired, or has another text now';
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
          'resume_service', jsonb_build_object('service', place.service, 'account', place.account),
          operator);
      end if;
      return answer || jsonb_build_object('platform', place.platform);
    else
      raise invalid_parameter_value using message = format('there is no button %s', action);
  end case;
end $$;

create or replace function public.agent_handle(platform text, given text) returns text
language sql immutable as $$
  select case when given ~ '[/:]' then coalesce((public.safari_address(platform, given)).name, given)
              else given end
$$;

create or replace function public.agent_trends_sightings(
  source text, after uuid default null, row_limit integer default 2000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(s) order by s.id), '[]') from (
    (select r.id, safari_platform(r.source_platform) as platform,
            agent_handle(r.source_platform, r.handle) as handle, null::integer as followers,
            r.scraped_at as at, r.author_name as name
       from actp_platform_research r
      where source = 'platform_research' and (after is null or r.id > after)
      order by r.id limit row_limit)
    union all
    (select t.id, 'twitter', agent_handle('twitter', t.author_handle), t.author_follower_count, t.scraped_at,
            t.author_display_name
       from actp_twitter_research t
      where source = 'twitter_research' and (after is null or t.id > after)
      order by t.id limit row_limit)
    union all
    (select c.id, safari_platform(c.platform), agent_handle(c.platform, c.handle), c.followers, c.last_synced_at,
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
    select c.id, safari_platform(c.platform) as platform, agent_handle(c.platform, c.username) as username,
           c.display_name, c.email, agent_handle('twitter', c.twitter_handle) as twitter,
           agent_handle('instagram', c.instagram_handle) as instagram,
           agent_handle('tiktok', c.tiktok_handle) as tiktok,
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
    (select r.id, safari_platform(r.source_platform) as platform, agent_niche(r.niche) as niche,
            left(r.post_text, 300) as text, r.post_url as url, r.likes, r.shares,
            r.comments_count as replies, r.views,
            agent_days_ago(least(r.scraped_at, r.created_at)) as days_ago
       from actp_platform_research r
      where source = 'platform_research' and (after is null or r.id > after)
        and r.scraped_at > now() - make_interval(days => days)
        and least(r.scraped_at, r.created_at)
            between now() - make_interval(days => days) and now() + interval '1 hour'
      order by r.id limit row_limit)
    union all
    (select t.id, 'twitter', agent_niche(t.niche), left(t.tweet_text, 300), t.tweet_url, t.likes,
            case when t.retweets is not null or t.quotes is not null
                 then coalesce(t.retweets, 0) + coalesce(t.quotes, 0) end, t.replies, t.views,
            agent_days_ago(least(t.scraped_at, t.created_at))
       from actp_twitter_research t
      where source = 'twitter_research' and (after is null or t.id > after)
        and t.scraped_at > now() - make_interval(days => days)
        and least(t.scraped_at, t.created_at)
            between now() - make_interval(days => days) and now() + interval '1 hour'
      order by t.id limit row_limit)
    union all
    (select v.id, 'youtube', agent_niche(p.niche), left(v.title, 300),
            'https://www.youtube.com/watch?v=' || v.video_id, v.likes, null, v.comments_count,
            v.views, agent_days_ago(v.published_at)
       from youtube_video_stats v
       join actp_content_performance p on p.platform = 'youtube' and p.external_id = v.video_id
      where source = 'youtube' and (after is null or v.id > after)
        and v.published_at between now() - make_interval(days => days) and now() + interval '1 hour'
        and agent_snapshot(v.video_id, v.title, v.views) = 1
        and not exists (select from youtube_video_stats n
                         where n.video_id = v.video_id and n.checked_at > v.checked_at
                           and agent_snapshot(n.video_id, n.title, n.views) = 1)
      order by v.id limit row_limit)
  ) p
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
    select r.niche, agent_as(r.platforms, (null::public.actp_cross_platform_trends).platforms),
           r.platform_count,
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

create or replace function public.agent_trends_top(row_limit integer default 10, days integer default 7)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(t) order by t.trend_strength desc nulls last, t.niche), '[]') from (
    select t.niche, t.platforms, t.platform_count, t.total_engagement, t.avg_engagement,
           t.trend_strength, t.top_posts, t.detected_at, t.updated_at, t.rise,
           round(t.total_engagement / nullif(t.avg_engagement, 0)) as posts
      from actp_cross_platform_trends t
     where t.updated_at > now() - make_interval(days => days)
     order by t.trend_strength desc nulls last, t.niche limit row_limit
  ) t
$$;

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

create or replace function public.agent_is_won(pipeline_stage text, relationship_stage text)
returns boolean
language sql immutable as $$
  select coalesce(agent_word(pipeline_stage)
                    in ('closed_won', 'closedwon', 'won', 'deal_won', 'client', 'customer'), false)
      or coalesce(agent_word(relationship_stage)
                    in ('closed_won', 'closedwon', 'won', 'deal_won', 'client', 'customer'), false)
$$;

create or replace function public.agent_contact_won() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  insert into actp_crm_transitions (contact_id, from_stage, to_stage, trigger, created_at)
    values (new.id, coalesce(old.pipeline_stage, old.relationship_stage), 'closed_won', 'crm', now());
  return null;
exception when others then
  return null;
end $$;

create or replace trigger agent_contact_won
  after update of pipeline_stage, relationship_stage on public.crm_contacts for each row
  when (agent_is_won(new.pipeline_stage, new.relationship_stage)
        and not agent_is_won(old.pipeline_stage, old.relationship_stage))
  execute function public.agent_contact_won();

create or replace function public.agent_best_post(days integer) returns text
language sql stable set search_path = public, pg_temp as $$
  with scores as (
    select s.*, coalesce(s.score_24h, s.score) as brought from agent_post_scores(30) s
  ), means as (
    select s.platform, avg(s.brought) as mean, count(*) as posts from scores s group by s.platform
  )
  select format('best post: %s on %s, %s engagement, %s; %s at %s:00 UTC',
                coalesce('“' || left(nullif(btrim(split_part(p.title, E'\n', 1)), ''), 80) || '”',
                         s.external_id),
                s.platform, round(s.brought),
                case when m.posts = 1 then 'the only one of a month'
                     else format('%s times the mean of %s', round(s.brought / m.mean, 1),
                                 agent_plural(m.posts, 'post')) end,
                concat_ws(', ', agent_niche(s.niche), p.content_type),
                extract(hour from s.published_at at time zone 'utc'))
    from scores s join means m using (platform)
    join actp_content_performance p
      on safari_platform(p.platform) = s.platform and p.external_id = s.external_id
   where s.published_at > now() - make_interval(days => days)
     and s.brought > 0  -- where no post brought anything none is the best
   order by s.brought / m.mean desc, s.brought desc, s.external_id limit 1
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
               where q.status = 'sent' and q.sent_at > since and q.sent_at <= now()),
             case when count(*) = 1 then '1 reply' else count(*) || ' replies' end,
             case when count(distinct m.who) = 1 then '1 person' else count(distinct m.who) || ' people' end,
             (select count(*) from crm_message_queue q where q.status in ('pending', 'sending')))
           as line
      from (select coalesce(x.contact_id::text, safari_platform(x.platform) || ':' || x.username)
                     as who
              from crm_messages x
             where agent_outreach_is_theirs(x)
               and x.sent_at > since and x.sent_at <= now()) m
    having count(*) > 0 or exists (select from crm_message_queue q
                                    where q.status in ('pending', 'sending')
                                       or (q.status = 'sent' and q.sent_at > since
                                           and q.sent_at <= now()))
    union all
    select 6, '', format('conversions: %s', agent_plural(count(*), 'contact') || ' closed as won')
      from crm_contacts c
     where agent_is_won(c.pipeline_stage, c.relationship_stage)
       and (c.created_at > since or exists (
             select from actp_crm_transitions t
              where t.contact_id = c.id and t.to_stage = 'closed_won' and t.created_at > since))
    having count(*) > 0
    union all
    select 3, '', format('prospects: %s in decision, %s researched',
             count(*) filter (where p.funnel_stage = 'decision'),
             count(*) filter (where p.research_done))
      from actp_prospect_scores p
    union all
    select 4, '', format('content: %s published, %s rendered',
             (select count(*) from actp_content_performance c where c.published_at > since and c.published_at <= now()),
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
             sum(agent_count((t.result #>> '{data,changed}')::numeric)), 'time'))
      from actp_agent_tasks t
     where t.domain = 'scheduler' and t.task = 'optimize' and t.created_at > since
       and jsonb_typeof(t.result #> '{data,changed}') = 'number'
    having sum(agent_count((t.result #>> '{data,changed}')::numeric)) > 0
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

create or replace function public.agent_snapshot(video_id text, title text, views numeric)
returns integer
language sql immutable as $$
  select case when coalesce(btrim(video_id), '') = ''
                or title ~* '^\s*\[?(private|deleted) video\]?\s*$' then null
              when views > 0 then 1 else 0 end
$$;

create or replace function public.agent_snapshot(video_id text, title text, views double precision)
returns integer
language sql immutable as $$
  select public.agent_snapshot(video_id, title, public.agent_count(views)::numeric)
$$;

create or replace function public.agent_youtube_new(
  after uuid default null, row_limit integer default 1000
) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(v) order by v.id), '[]') from (
    select s.id, s.video_id, left(s.title, 300) as title, s.published_at,
           agent_count(s.views) as views, agent_count(s.likes) as likes,
           agent_count(s.comments_count) as comments_count,
           agent_figure(s.watch_time_minutes) as watch_time_minutes
      from youtube_video_stats s
     where (after is null or s.id > after)
       and agent_snapshot(s.video_id, s.title, s.views) is not null
       and not exists (
         select from youtube_video_stats n
          where n.video_id = s.video_id
            and (agent_snapshot(n.video_id, n.title, n.views), coalesce(n.checked_at, '-infinity'), n.id)
              > (agent_snapshot(s.video_id, s.title, s.views), coalesce(s.checked_at, '-infinity'), s.id))
       and not exists (select from actp_content_performance p
                        where p.platform = 'youtube' and p.external_id = s.video_id)
     order by s.id limit row_limit
  ) v
$$;

create or replace function public.agent_youtube_store(rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  stored integer;
begin
  insert into actp_content_performance as p (
    external_id, platform, niche, content_type, offer_tags, topic_tags, views, likes,
    comments_count, watch_time_minutes, engagement_score, title, published_at
  )
    select r.video_id, 'youtube', r.niche, r.content_type,
           agent_as(r.offer_tags, (null::public.actp_content_performance).offer_tags),
           agent_as(r.topic_tags, (null::public.actp_content_performance).topic_tags),
           r.views, r.likes,
           r.comments_count, r.watch_time_minutes, r.engagement_score, r.title, r.published_at
      from jsonb_to_recordset(rows) as r (
        video_id text, niche text, content_type text, offer_tags jsonb, topic_tags jsonb,
        views integer, likes integer, comments_count integer, watch_time_minutes numeric,
        engagement_score numeric, title text, published_at timestamptz)
     order by r.video_id
  on conflict (platform, external_id) do nothing;
  get diagnostics stored = row_count;
  return jsonb_build_object('stored', stored);
end $$;

create or replace function public.agent_youtube_refresh() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  refreshed integer;
begin
  update actp_content_performance p
     set views = s.views, likes = s.likes, comments_count = s.comments_count,
         watch_time_minutes = s.watch_time_minutes,
         published_at = coalesce(s.published_at, agent_time(p.published_at)),
         -- Without likes or views it was not measured.
         engagement_score = s.likes * 3 + coalesce(s.comments_count, 0) * 4 + s.views * 0.1
    from (select distinct on (y.video_id) y.video_id, agent_count(y.views) as views,
                 agent_count(y.likes) as likes,
                 agent_count(y.comments_count) as comments_count,
                 agent_figure(y.watch_time_minutes) as watch_time_minutes,
                 agent_time(y.published_at) as published_at
            from youtube_video_stats y
           where agent_snapshot(y.video_id, y.title, y.views) = 1
           order by y.video_id, y.checked_at desc nulls last, y.id desc) s
   where p.platform = 'youtube' and p.external_id = s.video_id
     and ((p.views, p.likes, p.comments_count, p.watch_time_minutes) is distinct from
          (s.views, s.likes, s.comments_count, s.watch_time_minutes)
        or s.published_at <> coalesce(agent_time(p.published_at), '-infinity'));
  get diagnostics refreshed = row_count;
  return jsonb_build_object('refreshed', refreshed);
end $$;

create or replace function public.agent_resonance_recompute(niches jsonb default null) returns jsonb
language plpgsql set search_path = public, pg_temp set work_mem = '32MB' as $$
declare
  began timestamptz := clock_timestamp();
  groups integer;
  removed integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('agent_resonance', 0));
  with spellings as materialized (
    -- A table has few of them, so each is brought into its one spelling once.
    select g.platform as given_platform, g.niche as given_niche, g.content_type as given_type,
           safari_platform(g.platform) as platform, agent_niche(g.niche) as niche,
           coalesce(nullif(agent_word(g.content_type), ''), 'educational') as content_type
      from (select distinct p.platform, p.niche, coalesce(p.content_type, '') as content_type
              from actp_content_performance p) g
  ), spelled as (
    select s.platform, s.niche, s.content_type,
           nullif(p.views, 0) as views,  -- not every platform shows them
           agent_figure(p.engagement_score) as engagement,
           agent_figure(p.watch_time_minutes) as watch_time, p.offer_tags, p.external_id, p.title
      from actp_content_performance p
      join spellings s on s.given_platform = p.platform and s.given_niche = p.niche
                      and s.given_type = coalesce(p.content_type, '')
     where s.platform is not null
       -- What was just published has not been counted yet.
       and (p.views > 0 or p.views = 0 and agent_figure(p.engagement_score) is not null)
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
             order by c.views desc nulls last, c.external_id) as place
      from content c
  ), grouped as (
    select r.platform, r.niche, r.content_type, count(*)::integer as sample_count,
           coalesce(round(avg(r.views)::numeric, 1), 0) as avg_views, round(avg(r.engagement), 1) as avg_engagement,
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
           g.avg_watch_time,
           agent_as(to_jsonb(agent_merged_hooks(g.hooks, e.hooks)),
                    (null::public.actp_niche_resonance).top_hook_patterns),
           agent_as(to_jsonb(g.post_ids), (null::public.actp_niche_resonance).top_post_ids),
           g.sample_count, began
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
   where agent_time(current.last_updated) = began
     and agent_time(n.last_updated) is distinct from began
     and n.platform = current.platform and n.niche = current.niche
     and n.content_type = current.content_type;
  get diagnostics removed = row_count;
  return jsonb_build_object('groups', groups, 'removed', removed);
end $$;

create or replace function public.agent_resonance_top(row_limit integer default 10)
returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(r) order by r.avg_views desc nulls last, r.platform, r.niche), '[]')
    from (
      select n.platform, n.niche, n.offer_tag, n.content_type, n.avg_views, n.avg_engagement,
             n.avg_watch_time, n.top_hook_patterns, n.top_post_ids, n.sample_count, n.last_updated
        from actp_niche_resonance n
       where n.sample_count > 0 and n.niche <> 'other'
       order by n.avg_views desc nulls last, n.platform, n.niche limit row_limit) r
$$;

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
  ('20261101002240_weekly_report.sql', '0f2cefb85ac4d72393b186cb3657f97cc19cd2e7ec147440bde50c188e433c50'),
  ('20261126070000_schema_versions.sql', 'cde0d4c7c0f19dece8096eb3eeb46f889c895838a2e64d67f9df7a282f71451c'),
  ('20261126070100_roles.sql', 'e424e1fbef8d70758bc5ea47f90e1811746f73033386110532a908b4cdc017b9'),
  ('20261126071500_reading_by_index.sql', '3ec70ea70a28f223921ba7be110a042d2d3c5dadae20291e0f707b85fc853bf3'),
  ('20261126072000_looks.sql', '886d8bb51f6989829f303f0db9dd4fcc3c681b5e99db95f96ed053af4b511e95'),
  ('20261126073000_people.sql', 'aa8f42f47973f20f1227cb267e15fbc562f5f381e3276c8ccd6e26b2ea860312'),
  ('20261126073100_pace.sql', '3d4ec1eb940bc5dac249aaf5b0c288ce70143965c07a4c3f8ed5f274759ce45e'),
  ('20261126074000_inbox.sql', '9ed925a83de1856796c21c9b779f83466d2d3194003b2c50cd5e9b77811083c4'),
  ('20261126074100_doors.sql', 'e16eaad026fc8cf045d051f1b68edca5e84ce535961ab6f41371d3b83c4ae5e6'),
  ('20261126075000_ab_series.sql', 'e522101339b57d215eafaa383c3f81318d25f325e33b5f1242c51e55048282da'),
  ('20261126075010_posts_measured.sql', 'b86515c434aab1d3459552b40916bd1372df75921c0107a0f2210f8a5d5d2dcf'),
  ('20261126075020_planned_posts.sql', '4b6b04a1a02184d9ac5573501498d7ef7f8d0b6d5eda15d8ae6fc7678df4314b'),
  ('20261126080000_search.sql', '439b69361c8906ef33e61b52497eefc02001e873f794f68a0a4a991bf67ea5a7'),
  ('20261126080500_reader_hours.sql', '97e9c27e62824f7c5691a309dac5288c35e9e7d65de06a016b6ce1f45b7036a5'),
  ('20261126084000_telegram.sql', 'bf247d220440d304b0fd65bf09fac6b13e74f2526dacd82556541190c20d8db5'),
  ('20261126084100_webhooks.sql', '78f9cd2b1f6fa0c37e13c4b6d83191fdb14ecd36a07ae8d18800f52344d22a52'),
  ('20261126084200_notices.sql', '105a61c01314d943b30e1e1fa8eb3d5804340a9dd0197ac7d993588618ba48d6'),
  ('20261126090000_health_hours.sql', '3e2a43bd1a8a787b7c2c8c1d5cce96043441031483df71da6fe41392aad899a2'),
  ('20261126093100_accounts.sql', '884c785af539ac61a81dac6569420421861bad681cadfaaa46c3a5e3e5d82bf4'),
  ('20261126094000_prospect_pages.sql', '3c27bcd956cd715ea9d8f93fb0ed24859e9ff179bf311e9ebbfc732e455c3725'),
  ('20261126220000_functions.sql', 'e90585fd960f4f8c53b3bbf3b84d4cbae574f6f78315faf29c028b0c0dd42eb8'),
  ('20261126230000_queue_bounds.sql', '7b085e80ec2414bc55304f3c5f019cf5dc0be6c008dc423d0d511f7ce94cf5fa'),
  ('20261126230800_search_rows.sql', '2c30592bf1f25cfd0464266cdb14a8b5550846027e493b9c91f77b56ca8e1d8c'),
  ('20261126233000_people_fill.sql', 'e97778ffcc8a4c767eb628ea85e029230e9d9f62eb7562da98a8649028056a17')
  on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()
    where safari_migrations.sha256 <> excluded.sha256;

insert into public.safari_schema_versions (version, release, oldest_code)
  values (3, '0.3.0', 1)
  on conflict (version) do update
    set release = excluded.release, oldest_code = excluded.oldest_code, applied_at = now();

select set_config('check_function_bodies', 'on', false);
select public.safari_protect();

-- Tables of other programs with other types are read through views.
select public.agent_fit('{"crm_contacts": {"id": "uuid", "platform": "text", "username": "text", "display_name": "text", "email": "text", "bio": "text", "headline": "text", "source": "text", "niche_label": "text", "tags": "text[]", "twitter_handle": "text", "instagram_handle": "text", "tiktok_handle": "text", "linkedin_url": "text", "website_url": "text", "pipeline_stage": "text", "relationship_stage": "text", "relationship_score": "integer", "icp_score": "numeric", "offer_readiness": "integer", "ai_summary": "text", "next_action": "text", "next_action_at": "timestamp with time zone", "stage": "text", "engagement_score": "double precision", "unread": "boolean", "last_message": "text", "last_message_at": "timestamp with time zone", "messages_sent": "integer", "total_messages_sent": "integer", "replies_received": "integer", "reply_rate": "double precision", "last_outbound_at": "timestamp with time zone", "last_inbound_at": "timestamp with time zone", "last_scored_at": "timestamp with time zone", "email_opted_out": "boolean", "archived_at": "timestamp with time zone", "synced_at": "timestamp with time zone", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "score_tried_at": "timestamp with time zone"}, "crm_conversations": {"id": "uuid", "contact_id": "uuid", "platform": "text", "platform_thread_id": "text", "last_message": "text", "last_message_preview": "text", "last_message_at": "timestamp with time zone", "last_reply_at": "timestamp with time zone", "reply_count": "integer", "unread_count": "integer", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "shown_name": "text", "seen_at": "timestamp with time zone", "doubted_at": "timestamp with time zone"}, "crm_messages": {"id": "uuid", "contact_id": "uuid", "conversation_id": "uuid", "platform": "text", "username": "text", "message_id": "text", "message_text": "text", "body": "text", "is_outbound": "boolean", "direction": "text", "message_type": "text", "sender": "text", "ai_generated": "boolean", "sent_by_automation": "boolean", "metadata": "jsonb", "sent_at": "timestamp with time zone", "synced_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_interactions": {"id": "uuid", "contact_id": "uuid", "type": "text", "platform": "text", "direction": "text", "summary": "text", "outcome": "text", "sentiment": "text", "value_delivered": "boolean", "queue_id": "uuid", "metadata": "jsonb", "occurred_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_message_queue": {"id": "uuid", "contact_id": "uuid", "platform": "text", "message_body": "text", "message_type": "text", "scheduled_for": "timestamp with time zone", "status": "text", "ai_reasoning": "text", "offer_name": "text", "priority": "integer", "error_message": "text", "attempts": "integer", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "sent_at": "timestamp with time zone", "command_id": "uuid", "hold": "text", "accepted_at": "timestamp with time zone", "written_by": "text", "reader_hour": "integer"}, "crm_score_history": {"id": "uuid", "contact_id": "uuid", "score": "integer", "stage": "text", "reason": "text", "reasoning": "text", "signals": "text[]", "model_used": "text", "scored_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "crm_market_research": {"id": "uuid", "platform": "text", "keyword": "text", "post_url": "text", "author": "text", "post_text": "text", "likes": "integer", "views": "integer", "comments": "integer", "shares": "integer", "retweets": "integer", "engagement_score": "numeric", "is_verified": "boolean", "hashtags": "text[]", "collected_at": "timestamp with time zone"}, "linkedin_prospects": {"id": "uuid", "profile_url": "text", "full_name": "text", "headline": "text", "about_snippet": "text", "stage": "text", "fit_score": "integer", "connection_note": "text", "contacted_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_crm_transitions": {"id": "uuid", "contact_id": "uuid", "from_stage": "text", "to_stage": "text", "trigger": "text", "score_at_transition": "integer", "created_at": "timestamp with time zone", "to_announce": "boolean"}, "actp_agent_tasks": {"id": "uuid", "domain": "text", "task": "text", "params": "jsonb", "status": "text", "result": "jsonb", "duration_ms": "integer", "created_at": "timestamp with time zone", "completed_at": "timestamp with time zone"}, "actp_workflow_tasks": {"id": "uuid", "task_type": "text", "execution_id": "uuid", "step_id": "uuid", "status": "text", "input_data": "jsonb", "output_data": "jsonb", "claimed_by": "text", "claimed_at": "timestamp with time zone", "completed_at": "timestamp with time zone", "timeout_minutes": "integer", "error": "text", "created_at": "timestamp with time zone", "boot_id": "uuid", "host_key": "text", "lease_number": "bigint", "lease_expires_at": "timestamp with time zone", "next_at": "timestamp with time zone", "hold": "text", "accepted_at": "timestamp with time zone"}, "actp_prospect_scores": {"id": "uuid", "contact_id": "uuid", "funnel_stage": "text", "score": "integer", "score_breakdown": "jsonb", "research_done": "boolean", "research_data": "jsonb", "research_at": "timestamp with time zone", "next_touch_type": "text", "next_touch_at": "timestamp with time zone", "offer_readiness": "integer", "icp_fit": "integer", "updated_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_ab_tests": {"id": "uuid", "niche": "text", "test_method_a": "text", "test_method_b": "text", "variant_a_text": "text", "variant_b_text": "text", "post_id_a": "text", "post_url_b": "text", "status": "text", "winner": "text", "metrics_1h": "jsonb", "metrics_4h": "jsonb", "metrics_24h": "jsonb", "eng_score_a": "numeric", "eng_score_b": "numeric", "created_at": "timestamp with time zone", "completed_at": "timestamp with time zone", "topic": "text", "post_url_a": "text", "post_id_b": "text", "error": "text", "command_id": "uuid", "a_begun_at": "timestamp with time zone", "started_at": "timestamp with time zone", "p_value": "double precision", "series_id": "uuid", "round": "integer", "rounds": "integer", "planned_at": "timestamp with time zone"}, "actp_content_performance": {"id": "uuid", "external_id": "text", "platform": "text", "niche": "text", "content_type": "text", "offer_tags": "text[]", "topic_tags": "text[]", "views": "integer", "likes": "integer", "comments_count": "integer", "watch_time_minutes": "numeric", "engagement_score": "numeric", "title": "text", "published_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_posting_schedule": {"platform": "text", "posts_per_day": "integer", "best_hours": "integer[]", "active_days": "integer[]", "min_gap_hours": "integer", "thompson_slots": "jsonb", "updated_at": "timestamp with time zone", "saturated_since": "timestamp with time zone"}, "actp_niche_resonance": {"id": "uuid", "platform": "text", "niche": "text", "offer_tag": "text", "content_type": "text", "avg_views": "numeric", "avg_engagement": "numeric", "avg_watch_time": "numeric", "top_hook_patterns": "text[]", "top_post_ids": "text[]", "sample_count": "integer", "last_updated": "timestamp with time zone", "inspiration_hooks": "text[]"}, "youtube_video_stats": {"id": "uuid", "video_id": "text", "checked_at": "timestamp with time zone", "check_bucket": "timestamp without time zone", "title": "text", "published_at": "timestamp with time zone", "views": "integer", "likes": "integer", "comments_count": "integer", "watch_time_minutes": "numeric", "avg_view_duration_secs": "numeric", "impressions": "integer", "ctr": "numeric", "subscribers_gained": "integer", "revenue_usd": "numeric"}, "actp_platform_associations": {"id": "uuid", "contact_id": "uuid", "platform": "text", "handle": "text", "profile_url": "text", "followers": "integer", "first_seen_at": "timestamp with time zone", "last_active_at": "timestamp with time zone", "interaction_count": "integer", "engagement_type": "text"}, "actp_cross_platform_trends": {"id": "uuid", "niche": "text", "platforms": "text[]", "platform_count": "integer", "total_engagement": "numeric", "avg_engagement": "numeric", "trend_strength": "numeric", "top_posts": "jsonb", "detected_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "rising_since": "timestamp with time zone", "rise": "numeric"}, "actp_platform_research": {"id": "uuid", "source_platform": "text", "post_url": "text", "handle": "text", "author_name": "text", "post_text": "text", "niche": "text", "likes": "integer", "views": "integer", "comments_count": "integer", "shares": "integer", "engagement_score": "numeric", "raw": "jsonb", "posted_at": "timestamp with time zone", "scraped_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_twitter_research": {"id": "uuid", "tweet_id": "text", "author_handle": "text", "tweet_text": "text", "niche": "text", "views": "integer", "likes": "integer", "replies": "integer", "retweets": "integer", "quotes": "integer", "bookmarks": "integer", "engagement_score": "double precision", "author_display_name": "text", "author_follower_count": "integer", "tweet_url": "text", "search_keyword": "text", "framework_tags": "text[]", "hook_type": "text", "content_type": "text", "emotion_tags": "text[]", "cta_type": "text", "has_media": "boolean", "media_type": "text", "tweet_date": "timestamp with time zone", "scraped_at": "timestamp with time zone", "research_batch_id": "text", "created_at": "timestamp with time zone"}, "actp_platform_creators": {"id": "uuid", "platform": "text", "handle": "text", "niche": "text", "display_name": "text", "followers": "integer", "engagement_score": "numeric", "top_post_text": "text", "top_post_url": "text", "offer_match": "text[]", "icp_fit_score": "integer", "last_synced_at": "timestamp with time zone", "created_at": "timestamp with time zone"}, "actp_gen_jobs": {"id": "uuid", "model": "text", "executor": "text", "brief": "jsonb", "status": "text", "output_url": "text", "platform": "text", "error": "text", "created_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "render_job_id": "text", "retry_count": "integer", "niche": "text", "completed_at": "timestamp with time zone", "request_key": "text", "claim": "uuid", "claimed_until": "timestamp with time zone", "rendering_since": "timestamp with time zone"}, "agent_task_leases": {"domain": "text", "task": "text", "task_id": "uuid", "host": "text", "host_name": "text", "pid": "integer", "since": "timestamp with time zone", "expires_at": "timestamp with time zone"}, "actp_publish_attempts": {"task_id": "uuid", "platform": "text", "attempt": "integer", "gen_job_id": "uuid", "boot_id": "uuid", "begun_at": "timestamp with time zone", "outcome": "text", "finished_at": "timestamp with time zone", "retry_at": "timestamp with time zone", "submission_id": "text", "ask_at": "timestamp with time zone", "published_at": "timestamp with time zone", "url": "text", "error": "text"}, "agent_claude_usage": {"run": "uuid", "purpose": "text", "outcome": "text", "model": "text", "day": "date", "questions": "bigint", "tokens_asked": "bigint", "tokens_answered": "bigint", "dollars": "numeric"}, "actp_inbox": {"contact_id": "uuid", "unheard": "boolean", "done_at": "timestamp with time zone", "snoozed_until": "timestamp with time zone", "look_at": "timestamp with time zone", "look_words": "text", "alerted_at": "timestamp with time zone", "updated_at": "timestamp with time zone", "note_asked": "text"}, "actp_own_posts": {"platform": "text", "external_id": "text", "url": "text", "published_at": "timestamp with time zone", "next_look_at": "timestamp with time zone", "failures": "integer", "problem": "text", "hour_taught_at": "timestamp with time zone"}, "actp_post_looks": {"platform": "text", "external_id": "text", "look": "text", "age_hours": "double precision", "measured_at": "timestamp with time zone", "views": "bigint", "likes": "bigint", "shares": "bigint", "replies": "bigint", "engagement": "numeric"}}');
