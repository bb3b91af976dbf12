-- Addresses and posts in their one spelling, for programs.

-- Reads many at once for programs: [{platform, given}] answers, in the same order, {place, name,
-- recipient} of an address; `recipient` is what a service is given. Nulls where it is none.
create or replace function public.safari_addresses(items jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'place', a.place, 'name', a.name, 'recipient', safari_recipient(a.place, a.name)
         ) order by n), '[]')
    from jsonb_array_elements(items) with ordinality i (item, n),
         lateral safari_address(item ->> 'platform', item ->> 'given') a
$$;

-- The same for posts: {place, id, author, url, key}.
create or replace function public.safari_posts(items jsonb) returns jsonb
language sql immutable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(p) || jsonb_build_object('key', safari_post_key(p.place, p.id))
                            order by n), '[]')
    from jsonb_array_elements(items) with ordinality i (item, n),
         lateral safari_post(item ->> 'platform', item ->> 'given') p
$$;
