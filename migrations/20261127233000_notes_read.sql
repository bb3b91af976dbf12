-- Reads the notes that stood in the CRM before notes were read.
-- An agent's table that does not fit must not keep the queue from its upgrade.
do $$
begin
  perform public.agent_people_refresh(array(
    select c.id from public.crm_contacts c
     where public.agent_note_wish(public.agent_notes(c, public.agent_note_columns())) is not null));
exception when others then
  raise warning 'the notes of the CRM could not be read: %', sqlerrm;
end $$;
