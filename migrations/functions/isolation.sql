-- What happens when a claim is refused: the rows that spoil it are ended, alone, and alerted.

-- Ends the due rows of some services that cannot be read, and answers their ids. With none, the
-- refusal itself is alerted: claims fail, and nothing that is known of explains it.
create or replace function public.safari_set_aside(services jsonb, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_rows constant integer := 10000;
  command safari_command_queue;
  readable jsonb;
  waited interval;
  ended uuid[] := '{}';
begin
  for command in
    select q.* from jsonb_array_elements_text(services) s (service)
     cross join lateral (
       select c.* from safari_command_queue c
        where c.service = s.service and c.status = 'pending' and c.ready
        limit most_rows for update skip locked) q
  loop
    begin
      readable := to_jsonb(command);
      waited := now() - greatest(command.created_at, command.due_at);
      perform command.lease_number + 1, waited;
    exception when data_exception or program_limit_exceeded then
      update safari_command_queue q
         set status = 'failed', reason = 'validation', error = sqlerrm, completed_at = now(),
             result = '{"outcome": "validation"}', updated_at = now()
       where q.id = command.id;
      perform safari_record_event(command.id, 'failed', null, null, null,
                                  jsonb_build_object('reason', 'validation', 'error', sqlerrm));
      ended := ended || command.id;
    end;
  end loop;
  if ended = '{}' then
    perform safari_alert(format('claims_refused:%s', safari_today()), 'claims_refused',
                         jsonb_build_object('services', services, 'error', error));
  else
    perform safari_alert(format('set_aside:%s', ended[1]), 'set_aside',
                         jsonb_build_object('command_ids', to_jsonb(ended[1:20]),
                                            'count', cardinality(ended), 'error', error));
  end if;
  return to_jsonb(ended);
end $$;

-- Alerts what a program has set aside, once a subject and day.
create or replace function public.safari_note(kind text, subject text, detail jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_alert(format('%s:%s:%s', kind, subject, safari_today()), kind, detail);
  return to_jsonb(true);
end $$;
