-- Drafts by filter: listed, counted, and decided all at once.

-- The drafts that a filter matches: door, platform, kind and words that recipient or text contain.
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

-- Lists the drafts that a filter matches, oldest first: {waiting, rows}.
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

-- How many drafts a filter matches, where they go, and what they say, as one hash: {count, places, seen}.
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

-- Approves or rejects all drafts that a filter matches, if they are still those that were `seen`.
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
