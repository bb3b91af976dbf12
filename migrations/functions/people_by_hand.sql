-- What an operator says about people: who is one person, who is not, and why the database thinks so.

-- The address that somebody means: a contact's id, platform:handle, a web address or a mailbox.
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

-- A person: every address, what it was taken from, and what keeps them from being written to.
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

-- Keeps two addresses apart from now on. Where something else still joins them, it answers what.
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
