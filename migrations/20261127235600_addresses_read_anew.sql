-- Reads the contacts that stood there before whose fields give more addresses than in earlier releases:
-- several in one field, a link in another platform's column, and the Instagram account of a Threads one.
-- An agent's table that does not fit must not keep the queue from its upgrade.
do $$
begin
  perform public.agent_people_refresh(array(
    select c.id from public.crm_contacts c
     where public.safari_platform(c.platform) = 'threads'
        or concat(btrim(c.username), btrim(c.twitter_handle), btrim(c.instagram_handle),
                  btrim(c.tiktok_handle), btrim(c.linkedin_url), btrim(c.email)) ~ '[\s,;|/]|[^\x01-\x7f]'));
exception when others then
  raise warning 'the addresses of the CRM could not be read: %', sqlerrm;
end $$;
