-- Who may call the functions, and which tables are open to visitors.

-- Functions are for the service role alone. Supabase grants new ones to anon by default, so each
-- migration that adds functions ends by calling this. The few that actp_caller may call run with the
-- rights of their owner, since the role reaches no table.
--
-- Supabase grants new tables to visitors as well. Row-level security covers neither TRUNCATE nor triggers
-- and foreign keys, so those rights go. The worker's tables keep no right at all, unless a policy lets
-- visitors in; tables that other programs share keep what row-level security covers.
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

-- Switches row-level security on for those of the named tables that are without it, and answers
-- them with the number of policies that stay in force: [{table, policies}]. Security definer, so that
-- the service role may over REST; it can only close tables, and only those of this schema's names.
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

-- What lets visitors at the named tables although row-level security is on: views that read them with
-- their owner's rights, be it through other views; copies in materialized views; functions that return
-- their rows with their owner's rights; and policies that do not ask who somebody is. [{kind, name, table}]
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

-- Whether row-level security hides rows of a table from a role that may read it, which then takes it for
-- empty: neither owner nor bypassrls, or it is forced for the owner too. A policy that shows all rows is
-- no fault.
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

-- The tables that decide whether a person may be written to.
create or replace function public.safari_judged_by() returns text[]
language sql immutable as $$
  select array['safari_do_not_contact', 'safari_command_attempts', 'safari_people', 'safari_pauses',
               'safari_settings', 'safari_reviews', 'safari_accounts', 'safari_campaign_targets',
               'safari_rate_limits', 'crm_contacts', 'crm_messages', 'actp_inbox']
$$;

-- Those of the named tables that hide rows from the role that asks, or from the owner with whose rights
-- this is called; without names, of the worker's.
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

-- Refuses to go on while a table that decides about people looks empty: an empty list of those who
-- must not be written to would let everything through.
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
