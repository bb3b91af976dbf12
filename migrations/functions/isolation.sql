-- What happens when a claim is refused: the rows that spoil it are ended, alone, and alerted.

-- Looks at the due rows of some services, the first in line of each, after a claim of them was
-- refused. Ends those that cannot be read and answers their ids. One that may not be changed, for
-- another program's trigger or constraint, is left out of claims for a while. With neither, the refusal
-- itself is alerted: claims fail, and nothing that is known of explains it.
create or replace function public.safari_set_aside(services jsonb, error text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  most_rows constant integer := 10000;
  longest constant interval := interval '5 seconds';
  began constant timestamptz := clock_timestamp();
  command safari_command_queue;
  fault text;
  ended uuid[] := '{}';
  refused integer := 0;
begin
  delete from safari_claims_refused r where r.until < now() - interval '1 day';
  for command in
    select q.* from jsonb_array_elements_text(services) s (service)
     cross join lateral (
       select c.* from safari_command_queue c
        where c.service = s.service and c.status = 'pending' and (c.ready or c.due_at <= now())
          and c.id <> all (safari_claims_refused_now())
        order by c.priority, c.created_at, c.id
        limit most_rows for update skip locked) q
  loop
    exit when clock_timestamp() - began > longest;
    fault := safari_unclaimable(command);
    begin
      if fault is not null then
        update safari_command_queue q
           set status = 'failed', reason = 'validation', error = fault, completed_at = now(),
               result = '{"outcome": "validation"}', updated_at = now()
         where q.id = command.id;
        perform safari_record_event(command.id, 'failed', null, null, null,
                                    jsonb_build_object('reason', 'validation', 'error', fault));
        ended := ended || command.id;
      else
        perform safari_rehearse_claim(command.id);
      end if;
    exception when others then
      if sqlstate <> 'SRHSD' then
        refused := refused + 1;
        perform safari_refuse_claim(command.id, sqlerrm);
      end if;
    end;
  end loop;
  if ended <> '{}' then
    perform safari_alert(format('set_aside:%s', ended[1]), 'set_aside',
                         jsonb_build_object('command_ids', to_jsonb(ended[1:20]),
                                            'count', cardinality(ended), 'error', error));
  elsif refused = 0 then
    perform safari_alert(format('claims_refused:%s', safari_today()), 'claims_refused',
                         jsonb_build_object('services', services, 'error', error));
  end if;
  return to_jsonb(ended);
end $$;

-- {count, id, error} of the pending commands that are left out of claims, one of them as an example.
create or replace function public.safari_refused_claims() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select jsonb_build_object('count', count(*), 'id', (array_agg(q.id order by q.id))[1],
                            'error', (array_agg(r.error order by q.id))[1])
    from safari_claims_refused r
    join safari_command_queue q on q.id = r.command_id and q.status = 'pending'
   where r.until > now()
$$;

-- Why a row cannot be handed to a worker; null when it can.
create or replace function public.safari_unclaimable(command public.safari_command_queue) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  readable jsonb;
  waited interval;
begin
  readable := to_jsonb(command);
  waited := now() - greatest(command.created_at, command.due_at);
  perform command.lease_number + 1, waited;
  return null;
exception when data_exception or program_limit_exceeded then
  return sqlerrm;
end $$;

-- Claims a row as a worker would, and undoes it: always ends in an error, SRHSD where nothing refused it.
create or replace function public.safari_rehearse_claim(command_id uuid) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  set constraints all immediate;
  update safari_command_queue q
     set ready = true, status = 'running', boot_id = gen_random_uuid(), worker_id = 'rehearsal',
         lease_number = q.lease_number + 1, lease_expires_at = now(), started_at = now(),
         updated_at = now()
   where q.id = command_id;
  raise exception using errcode = 'SRHSD';
end $$;

-- Alerts what a program has set aside, once a subject and day.
create or replace function public.safari_note(kind text, subject text, detail jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
begin
  perform safari_alert(format('%s:%s:%s', kind, subject, safari_today()), kind, detail);
  return to_jsonb(true);
end $$;
