-- Brings platforms and niches that stand in other spellings under their stored names. A row whose name
-- is taken by another row of the same key stays as it is, and readers still join it.
do $$
declare
  place record;
  given record;
begin
  for place in
    select * from (values
      ('actp_content_performance', 'platform', 'safari_platform'),
      ('actp_niche_resonance', 'platform', 'safari_platform'),
      ('actp_platform_research', 'source_platform', 'safari_platform'),
      ('actp_platform_creators', 'platform', 'safari_platform'),
      ('actp_posting_schedule', 'platform', 'safari_platform'),
      ('actp_platform_associations', 'platform', 'safari_platform'),
      ('actp_own_posts', 'platform', 'safari_platform'),
      ('actp_post_looks', 'platform', 'safari_platform'),
      ('actp_content_performance', 'niche', 'agent_niche'),
      ('actp_niche_resonance', 'niche', 'agent_niche'),
      ('actp_platform_research', 'niche', 'agent_niche'),
      ('actp_platform_creators', 'niche', 'agent_niche'),
      ('actp_twitter_research', 'niche', 'agent_niche'),
      ('actp_cross_platform_trends', 'niche', 'agent_niche')) p (name, col, speller)
  loop
    -- An agent's table that does not fit must not keep the queue from its upgrade.
    begin
      for given in execute format(
        'select t.ctid as at from public.%1$I t'
        ' where t.%2$I is distinct from coalesce(public.%3$I(t.%2$I), t.%2$I)',
        place.name, place.col, place.speller)
      loop
        begin
          execute format('update public.%1$I t set %2$I = public.%3$I(t.%2$I) where t.ctid = $1',
                         place.name, place.col, place.speller) using given.at;
        exception when unique_violation then
          null;
        end;
      end loop;
    exception when others then
      raise warning 'the spellings in %.% stay: %', place.name, place.col, sqlerrm;
    end;
  end loop;
end $$;

-- Who must not be written to, under the name that is looked for; of two that are one, the older stays.
delete from public.safari_do_not_contact d
 using (select n.ctid as at, row_number() over (
                 partition by public.safari_platform(n.platform),
                              coalesce(a.name, lower(n.recipient))
                 order by n.created_at, n.ctid) as place
          from public.safari_do_not_contact n,
               lateral public.safari_address(nullif(public.safari_platform(n.platform), 'all'),
                                             n.recipient) a) twice
 where d.ctid = twice.at and twice.place > 1;
update public.safari_do_not_contact d set recipient = d.recipient
 where d.platform is distinct from public.safari_platform(d.platform);

-- Messages are looked for by an address that names the platform, and so are people.
reindex index public.crm_messages_by_place;
do $$
begin
  perform public.agent_people_refresh(array(
    select c.id from public.crm_contacts c
     where lower(btrim(c.platform)) is distinct from public.safari_platform(c.platform)));
exception when others then
  raise warning 'the people of the CRM could not be read: %', sqlerrm;
end $$;
