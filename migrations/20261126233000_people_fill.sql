-- Reads what stood in the tables before the identity of a person was stored.

update public.safari_command_queue q
   set params = t.params, recipient = t.recipient, person = t.person
  from (select c.id, (public.safari_target(c.action, c.platform, public.safari_params(c.params))).*
          from public.safari_command_queue c
         where c.status in ('pending', 'running') and c.action in ('send_dm', 'comment')
           and c.recipient is null and c.person is null) t
 where q.id = t.id and t.person is not null;

-- What was sent in the last weeks is looked for under the new spellings.
update public.safari_command_attempts a
   set recipient = public.safari_recipient(r.place, r.name), person = r.place || ':' || r.name
  from (select b.command_id, b.attempt, n.place, n.name
          from public.safari_command_attempts b
          join public.safari_services s on s.service = b.service and s.kind = 'dm',
               lateral public.safari_address(s.platform, b.recipient) n
         where b.begun_at > now() - interval '100 days' and b.person is null) r
 where a.command_id = r.command_id and a.attempt = r.attempt and r.name is not null;
update public.safari_command_attempts a
   set recipient = public.safari_post_key(r.place, r.id),
       person = r.place || ':' || coalesce(r.author, '')
  from (select b.command_id, b.attempt, n.place, n.id, n.author
          from public.safari_command_attempts b
          join public.safari_services s on s.service = b.service and s.kind = 'comment',
               lateral public.safari_post(s.platform, b.recipient) n
         where b.begun_at > now() - interval '100 days' and b.person is null) r
 where a.command_id = r.command_id and a.attempt = r.attempt and r.id is not null;

-- The trigger spells them anew; of two that are one, the older stays.
delete from public.safari_do_not_contact d
 using (select n.platform, n.recipient, row_number() over (
                 partition by public.safari_platform(n.platform),
                              coalesce(a.name, lower(n.recipient))
                 order by n.created_at, n.ctid) as place
          from public.safari_do_not_contact n,
               lateral public.safari_address(nullif(n.platform, 'all'), n.recipient) a) twice
 where d.platform = twice.platform and d.recipient = twice.recipient and twice.place > 1;
update public.safari_do_not_contact set recipient = recipient;

-- Messages whose contact comes later are looked for by their address.
create index if not exists crm_messages_by_place
  on public.crm_messages (public.agent_message_place(platform, username)) where contact_id is null;

-- An agent's table that does not fit must not keep the queue from its upgrade.
do $$
begin
  perform public.agent_people_refresh(array(
    select c.id from public.crm_contacts c
     where not exists (select from public.safari_people p where p.address = 'contact:' || c.id)));
exception when others then
  raise warning 'the people of the CRM could not be read: %', sqlerrm;
end $$;
