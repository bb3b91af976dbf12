-- Which addresses are one person. Contacts of the CRM hold addresses; what two contacts share joins
-- them, and so does an operator. Groups are kept ready, since begin and every decision ask for them.

-- Names and mailboxes that belong to many: they join nobody. `shortest` is the length from which a
-- handle alone says something.
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

-- Every address of a contact: its own, those of its columns, and on other platforms those that an
-- association names with some strength (what the CRM says, or the same uncommon handle; never one
-- that is merely alike).
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

-- The other address of an account: one of Threads is the Instagram account of the same name.
create or replace function public.safari_twin(address text) returns text
language sql immutable as $$
  select case split_part(address, ':', 1)
           when 'threads' then 'instagram' || substr(address, 8)
           when 'instagram' then 'threads' || substr(address, 10) end
$$;

-- The platforms under which the do-not-contact list may name somebody who has an address.
create or replace function public.safari_listed_under(address text) returns text[]
language sql immutable as $$
  select array['all', split_part(address, ':', 1), split_part(safari_twin(address), ':', 1)]
$$;

-- Groups anew whatever the touched addresses are or were connected with. An address that more than
-- five contacts hold in a column is somebody's whom they all know, and joins none of them. Rows whose own
-- address it is are twins; of more than fifty it is what an import wrote for nothing.
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

-- Reads contacts anew. One writer at a time, since two could miss what the other one joins.
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

-- Follows the CRM, whichever program writes it. A contact that cannot be read must not keep the CRM's own
-- programs from writing it: then an operator is alerted. Security definer, as those may not reach
-- our tables.
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

-- All addresses of the person that an address belongs to, itself and its twin included.
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

-- All contact rows of the people of some contacts.
create or replace function public.agent_everyone(contact_ids jsonb) returns uuid[]
language sql stable set search_path = public, pg_temp as $$
  select coalesce(array_agg(distinct p.id order by p.id), '{}')
    from jsonb_array_elements_text(contact_ids) i, unnest(agent_person(i::uuid)) p (id)
$$;
