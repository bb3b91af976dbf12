-- The keys and types that the agents' tables need. Other programs make and fill these tables, so a key
-- may be impossible for the moment, and a type may not fit: both are looked at each time.

-- The keys: upserts and the guard against two open messages rely on them.
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

-- Whether a table has a unique index over exactly these columns, for all rows or some alike.
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

-- Makes the keys that can be made, and answers those that cannot, [{table, columns, error}].
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

-- The keys that are missing, without making them.
create or replace function public.agent_missing_keys() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('table', k.table_name, 'columns', k.columns)
                            order by k.table_name), '[]')
    from agent_keys() k
   where to_regclass('public.' || quote_ident(k.table_name)) is not null
     and not agent_has_key(k.table_name, k.columns, k.predicate)
$$;

-- The rows that keep keys from being made: [{table, columns, groups, values, rows, keep, remove}], a
-- sample of the groups of each table. Kept is the row changed last, as far as the table says so.
-- Rows are named by their ctid, for the delete statement that goes with it.
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

-- Columns whose type does not fit, [{table, column, found, wanted, is_read}]; `wanted` is
-- {table: {column: type}}. A column that is missing has no `found`. Those that are read all the same
-- are left out unless they are asked for.
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

-- The agents' tables that a function reads or writes, itself or through the functions that it calls.
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
