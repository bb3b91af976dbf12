-- A Threads contact has the Instagram account of its name too: reads the contacts that stood there before.
-- An agent's table that does not fit must not keep the queue from its upgrade.
do $$
begin
  perform public.agent_people_refresh(array(
    select c.id from public.crm_contacts c
     where public.safari_platform(c.platform) = 'threads'));
exception when others then
  raise warning 'the Threads accounts of the CRM could not be read: %', sqlerrm;
end $$;
