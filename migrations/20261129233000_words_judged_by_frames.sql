-- Judges once more what people wrote: earlier releases did not hear misspelled words.
-- An agent's table that does not fit must not keep the queue from its upgrade.
do $$
begin
  update public.actp_inbox b set unheard = true, updated_at = now() where not b.unheard;
  delete from public.safari_words_heard;
exception when others then
  raise warning 'the words of the CRM could not be taken up again: %', sqlerrm;
end $$;
