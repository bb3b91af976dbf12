-- The schema version, and the guard that keeps copies of older releases from changing it.

-- {version, release, oldest_code}: the schema that this database has; with `hidden`, the tables that
-- row-level security empties for the role that asks, where there are any.
create or replace function public.safari_schema() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('version', v.version, 'release', v.release, 'oldest_code', v.oldest_code)
         || jsonb_strip_nulls(jsonb_build_object('hidden', nullif(h.tables, '[]')))
    from safari_hidden_tables() h (tables)
    left join lateral (
      select s.* from safari_schema_versions s order by s.version desc limit 1) v on true
   where v.version is not null or h.tables <> '[]'
$$;

-- A migration is recorded in the transaction that applied it, so refusing the record undoes the file.
-- Release 0.1.0 names no version and is refused whatever it wants to apply.
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

-- What the tables of the queue lack of {table: {column: type}}, since somebody renamed or dropped it:
-- [{table, column, type}], without a column where the table is missing or a view stands in its place.
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
