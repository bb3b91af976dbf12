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
