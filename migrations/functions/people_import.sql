-- Contacts out of a spreadsheet, all or none.

-- What states, tags and notes of a person say about contact, as tags of a contact would: opted_out,
-- doubt (they may say so), customer, or null.
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

-- The same of many, {key: wishes}; answers {key: what they say} of those that say something.
create or replace function public.agent_wishes_of(people jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_object_agg(e.key, s.said), '{}')
    from jsonb_each(people) e cross join lateral agent_wishes_say(e.value) s (said)
   where s.said is not null
$$;

-- Stores people [{line, addresses: [{platform, given}], display_name, headline, bio, niche_label,
-- website_url, tags, wishes}] and answers {added, updated, unchanged, skipped: [{line, reason}],
-- forbidden: [{line, name, said}]}. An address belongs to the first line that has it; a contact known under
-- one gets what is missing. Where one of the `wishes` forbids contact, or may, the person is tagged with
-- them, whichever line says so: these are `forbidden`. A project may allow only its own stages, without
-- 'new'.
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

-- Makes contacts of those lines that nobody is known for; answers how many.
create or replace function public.agent_people_add(
  rows jsonb, lines jsonb, source text, stage text
) returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  made integer;
begin
  insert into crm_contacts (
    platform, username, display_name, email, headline, bio, niche_label, website_url,
    twitter_handle, instagram_handle, tiktok_handle, linkedin_url, source, pipeline_stage
  )
    select o.place, l.addresses ->> o.place, r.display_name, l.addresses ->> 'gmail', r.headline,
           r.bio, r.niche_label, r.website_url, l.addresses ->> 'twitter',
           l.addresses ->> 'instagram', l.addresses ->> 'tiktok', l.addresses ->> 'linkedin',
           agent_people_add.source, agent_people_add.stage
      from jsonb_to_recordset(lines) as l (line integer, addresses jsonb, contact text)
      join jsonb_to_recordset(rows) as r (
        line integer, display_name text, headline text, bio text, niche_label text, website_url text)
        using (line)
     cross join lateral (
       select w.place from unnest(array['twitter', 'instagram', 'tiktok', 'linkedin', 'threads', 'gmail'])
                with ordinality w (place, n)
        where l.addresses ? w.place order by w.n limit 1) o
     where l.contact is null
     order by l.line
    on conflict do nothing;
  get diagnostics made = row_count;
  perform agent_inbox_tag(c.id, r.tags)
     from jsonb_to_recordset(lines) as l (line integer, addresses jsonb, contact text)
     join jsonb_to_recordset(rows) as r (line integer, tags jsonb) using (line)
     join lateral (
       select k.id from jsonb_each_text(l.addresses) e
         join crm_contacts k on k.platform = e.key and k.username = e.value limit 1) c on true
    where l.contact is null and r.tags <> '[]';
  return made;
end $$;
