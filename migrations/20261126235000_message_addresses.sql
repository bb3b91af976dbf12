-- Messages that no contact is linked to are found by their address, whatever its spelling.
create index if not exists crm_messages_unlinked on public.crm_messages
  (safari_platform(platform), lower(ltrim(username, '@'))) where contact_id is null;
