-- Hearing: the words of people that nobody has judged yet, and what came of judging them.

-- Contacts whose words have not been judged, after one and until another one, at most row_limit of
-- them, [{id, texts, heard_at, ours_at, done_at, waits}]: `id` is the contact; `texts` reach back through all that is
-- stored. `ids` narrows it to these contacts.
drop function if exists public.agent_inbox_unheard(uuid, integer);
drop function if exists public.agent_inbox_unheard(uuid, integer, uuid);
create or replace function public.agent_inbox_unheard(
  after uuid default null, row_limit integer default null, until uuid default null,
  ids jsonb default null
) returns jsonb
language plpgsql stable
set search_path = public, pg_temp
set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  return (
    with wanted as materialized (
      select b.contact_id, b.done_at from actp_inbox b
       where b.unheard
         and (ids is null
              or b.contact_id in (select i::uuid from jsonb_array_elements_text(ids) i))
         and b.contact_id > coalesce(after, '00000000-0000-0000-0000-000000000000')
         and b.contact_id <= coalesce(until, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
       order by b.contact_id limit row_limit
    )
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', w.contact_id, 'heard_at', t.heard_at, 'ours_at', t.ours_at, 'done_at', w.done_at,
             'waits', agent_waits_for_us(t.ours_at, t.heard_at, w.done_at),
             'texts', t.texts || coalesce((
               select jsonb_agg(jsonb_build_object('at', e.at, 'text', e.text, 'from', 'them'))
                 from (select least(n.sent_at, n.created_at) as at,
                              agent_excerpt(coalesce(nullif(n.message_text, ''), n.body)) as text
                         from crm_messages n
                        where n.contact_id = any (p.ids) and agent_outreach_is_theirs(n)
                        order by n.sent_at desc nulls last offset 12) e), '[]'))
           order by w.contact_id), '[]')
      from wanted w
      join crm_contacts c on c.id = w.contact_id
     cross join lateral agent_person_of(c.id) p
     cross join lateral agent_conversation(p.ids, p.addresses) t);
end $$;

-- The last `id` of each full page of agent_inbox_unheard, in their order.
create or replace function public.agent_inbox_unheard_ends(row_limit integer) returns jsonb
language sql stable set search_path = public, pg_temp set jit = off as $$
  select coalesce(jsonb_agg(e.contact_id order by e.contact_id), '[]') from (
    select b.contact_id, row_number() over (order by b.contact_id) as place
      from actp_inbox b join crm_contacts c on c.id = b.contact_id
     where b.unheard) e
   where e.place % row_limit = 0
$$;

-- Stores what was judged, [{id, heard_at, look_at, look_words}], and reports new replies: the contacts'
-- words are no longer new, and where they may ask us to stop, an operator has to look.
create or replace function public.agent_inbox_heard(judged jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform from actp_inbox b
    where b.contact_id in (select (j ->> 'id')::uuid from jsonb_array_elements(judged) j)
    order by b.contact_id for update;
  update actp_inbox b
     set unheard = false,
         look_at = coalesce(agent_moment(j.look_at), case when j.look_words is not null then now() end,
                            b.look_at),
         look_words = coalesce(left(j.look_words, 300), b.look_words),
         updated_at = now()
    from jsonb_to_recordset(judged) as j (id uuid, look_at timestamptz, look_words text)
   where b.contact_id = j.id;
  -- Older replies are not reported, so their conversations need not be read again.
  perform agent_inbox_announce(recent) from (
    select array_agg(j.id) as recent
      from jsonb_to_recordset(judged) as j (
        id uuid, heard_at timestamptz, look_at timestamptz, look_words text)
     where greatest(j.heard_at, case when j.look_words is not null then coalesce(j.look_at, now()) end)
           > now() - interval '2 days') r
   where recent is not null;
  return to_jsonb(jsonb_array_length(judged));
end $$;

-- What somebody wrote who is no contact, as one hash; null for nothing.
create or replace function public.agent_words_hash(place text) returns text
language sql stable as $$
  select md5(string_agg(coalesce(nullif(m.message_text, ''), m.body), E'\n' order by m.id))
    from crm_messages m
   where m.contact_id is null and agent_message_place(m.platform, m.username) = place
     and agent_outreach_is_theirs(m)
$$;

-- The words of people whom the CRM refuses as contacts, by address, [{id, texts, hash}]: newest first.
create or replace function public.agent_words_unheard(addresses jsonb) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object(
           'id', a.address, 'hash', agent_words_hash(a.address), 'done_at', null,
           'texts', (
             select coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'text', e.text) order by e.at desc), '[]')
               from (select coalesce(m.sent_at, m.created_at) as at,
                            agent_excerpt(coalesce(nullif(m.message_text, ''), m.body)) as text
                       from crm_messages m
                      where m.contact_id is null and agent_outreach_is_theirs(m)
                        and agent_message_place(m.platform, m.username) = a.address) e))), '[]')
    from jsonb_array_elements_text(addresses) a (address)
$$;

-- Stores what was judged of them, [{id, hash, words}]: whose `words` ask us to stop, or may, is on the
-- list of people not to contact, since no inbox can show them; their campaigns end.
create or replace function public.agent_words_heard(judged jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  said record;
begin
  for said in
    select j.id as address, j.hash, left(j.words, 300) as words
      from jsonb_to_recordset(judged) as j (id text, hash text, words text) order by 1
  loop
    if said.words is not null then
      perform safari_campaign_stop(array(
        select o from safari_campaign_targets_of(safari_person_addresses(said.address)) o));
      insert into safari_do_not_contact (platform, recipient, note)
        values (split_part(said.address, ':', 1),
                substr(said.address, position(':' in said.address) + 1), 'wrote: ' || said.words)
        on conflict do nothing;
    end if;
    insert into safari_words_heard as h (address, words_hash) values (said.address, said.hash)
      on conflict on constraint safari_words_heard_pkey
      do update set words_hash = excluded.words_hash, heard_at = now();
  end loop;
  return to_jsonb(jsonb_array_length(judged));
end $$;
