-- Commands from before the search are found too.
insert into public.safari_command_index (command_id, created_at, service, recipient_names, words)
  select q.id, coalesce(q.created_at, q.updated_at, now()), q.service,
         public.safari_recipient_names(q.params), public.safari_words(q.params)
    from public.safari_command_queue q
   where not exists (select from public.safari_command_index i where i.command_id = q.id)
  on conflict (command_id) do nothing;
