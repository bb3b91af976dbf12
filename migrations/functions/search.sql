-- Search over all commands: what they are found by, filters, pages and counts.

-- The names by which an address is found: the address without its scheme, and each part of its path.
-- x.com/ada/status/17 is found by its address, by ada and by 17.
create or replace function public.safari_address_names(address text) returns text[]
language plpgsql immutable as $$
declare
  given constant text := lower(btrim(address));
  bare constant text := rtrim(split_part(split_part(
    case when position('/' in given) > 0 then regexp_replace(given, '^https?://(?:www\.)?', '')
         else given end, '?', 1), '#', 1), '/');
  names text[];
  part text;
begin
  if bare = '' then
    return '{}';
  elsif coalesce(position('/' in bare), 0) = 0 then
    return array[ltrim(bare, '@')];
  end if;
  names := array[bare];
  foreach part in array (string_to_array(bare, '/'))[2:] loop
    if length(part) > 1 and part not in ('in', 'reel', 'status', 'video', 'post', 'tv') then
      names := names || ltrim(part, '@');
    end if;
  end loop;
  return names;
end $$;

-- Every name by which the recipient of a command is found.
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

-- A text on one line, as lists show it: whatever blanks stand between its words are one.
create or replace function public.safari_on_one_line(value text) returns text
language plpgsql immutable as $$
declare
  line constant text := translate(value, E'\t\n\u000b\f\r\u00a0\u202f', '       ');
begin
  -- Seldom needed, and an expression takes ten times as long as the rest.
  return case when position('  ' in line) > 0 then regexp_replace(line, ' +', ' ', 'g') else line end;
end $$;

-- The words of a command on one line, in lower case.
create or replace function public.safari_words(params jsonb) returns text
language plpgsql immutable as $$
declare
  given jsonb := public.safari_params(params);
begin
  return case when jsonb_typeof(given) = 'object'
              then public.safari_on_one_line(
                     lower(concat_ws(' ', given ->> 'text', given ->> 'query'))) else '' end;
end $$;

create or replace function public.safari_index_commands() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  left_over uuid[];
begin
  if tg_op = 'DELETE' then
    delete from safari_command_index i using gone g where i.command_id = g.id;
    return null;
  end if;
  -- A truncated queue leaves its index, and its rows may come back. To look for that once costs less than
  -- an insert that expects it of each row.
  left_over := array(
    select c.id from changed c
     where (select true from safari_command_index i where i.command_id = c.id));
  if left_over <> '{}' then
    delete from safari_command_index i where i.command_id = any (left_over);
  end if;
  insert into safari_command_index (command_id, created_at, service, recipient_names, words)
    select c.id, c.created_at, c.service, safari_recipient_names(c.params), safari_words(c.params)
      from changed c;
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

-- The condition that a command is to a person, on whichever of their platforms. Whom is meant is said as
-- for bin/people show, or by what bin/inbox takes: a name or the beginning of a contact's id.
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

-- The conditions of a filter, as SQL over safari_command_queue q and safari_command_index i, every value
-- quoted. A filter has any of: to, person, text, service, platform, account, action, status, reason,
-- campaign, batch, key, since, until, ids.
-- The status `unknown` stands for failed commands whose outcome is not settled, `ended` for all that
-- ended and `open` for those that have not.
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

-- The page that a condition and an order make: {rows, next}. The ids are chosen first, from the
-- index of words alone where the condition does not read the queue: a common word can match many rows.
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

-- A page of the commands that match a filter, newest first: those that ended by when they ended, where
-- the filter asks for a status of the ended, else by when they came. `after` is the `next` of the page
-- before: inserts between two pages neither repeat nor skip a row.
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
