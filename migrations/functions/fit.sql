-- Reading tables whose columns another program made with other types: times as text, arrays as jsonb,
-- numbers and JSON as text. Each such table gets a view in the schema actp_fitted, where the columns have
-- the types that the agents want, and every function reads the view instead of the table. Where all
-- types fit, nothing of this exists.

create or replace function public.agent_texts(value jsonb) returns text[]
language sql immutable as $$
  select case jsonb_typeof(value)
           when 'array' then array(select e.text from jsonb_array_elements_text(value) e (text)
                                    where e.text is not null)
           when 'string' then array[value #>> '{}'] end
$$;

-- Tags as programs keep them in one text: JSON, '{a,b}' or with signs between them.
create or replace function public.agent_tags_in(value text) returns text[]
language sql immutable as $$
  select case when value ~ '^\s*\[' then public.agent_texts(public.agent_json(value))
              else array(select btrim(t.tag, E' \t\r"''')
                           from regexp_split_to_table(btrim(value, E' \t\r\n{}'), '[,;|\n]') t (tag)
                          where btrim(t.tag, E' \t\r"''') <> '') end
$$;

-- The tags of a column of any type.
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

-- JSON that may stand as text, written by anybody; null for what is none.
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

-- Whether a text that stands for yes or no says yes: whatever does not clearly say no, so that nobody
-- who opted out in other words is written to.
create or replace function public.agent_is_said(value text) returns boolean
language sql immutable as $$
  select lower(btrim(value)) not in
         ('', 'false', 'f', 'no', 'n', '0', 'off', 'none', 'null', 'nan', 'undefined', '[]', '{}')
$$;

-- A list, null is an empty one, as a column stores it, which may be of another type than the agents
-- want: `stored` is a value of that column, null or not.
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

-- The expression that reads a column `name` of table `t` as another type; null where there is none. The
-- ids of these tables are written down elsewhere as uuid, so no view can give them another one.
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

-- The view of one table; `wanted` is {column: type}. One that would be the same stays.
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

-- Makes the views that are needed and lets the functions read them; what is not needed any more is
-- removed. Answers the names of the tables. `wanted` is {table: {column: type}}.
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
