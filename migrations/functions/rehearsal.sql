-- Does what a worker does, and undoes it: whether a command would go through.

-- Inserts a command, claims, begins and finishes it in a transaction that is rolled back, and answers
-- {step, error, code}; the error is null, and there is no code, when every step went through.
create or replace function public.safari_rehearse() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  boot constant uuid := gen_random_uuid();
  done constant text := 'SRHSD';
  step text := 'insert';
  command uuid;
  status text;
  routed_to text;
  claimed jsonb;
  answer jsonb;
begin
  begin
    -- It is the first in line, by values that a customer's own constraint has let in before.
    insert into safari_command_queue (
      id, action, platform, params, priority, created_at, idempotency_key
    ) values (
      gen_random_uuid(), 'send_dm', 'twitter', '{"username": "rehearsal", "text": "never sent"}',
      coalesce((select q.priority from safari_command_queue q
                 where q.service = 'twitter-dm' and q.status = 'pending' and q.ready and q.crash_count = 0
                 order by q.priority limit 1), 5),
      '1970-01-01 00:00:00+00', 'rehearsal:' || boot)
      returning id, safari_command_queue.status, safari_command_queue.service
        into command, status, routed_to;
    if status is distinct from 'pending' then
      raise exception 'a new row has the status %: no worker takes it', status;
    end if;
    if routed_to is null then
      raise exception 'a new row gets no service: the triggers of safari_command_queue are disabled, or '
        'session_replication_role is set to replica';
    end if;
    step := 'gate';
    perform g.reason from safari_services s cross join lateral safari_service_gate(s.service) g;
    -- Its result goes through whatever the hour, since it is undone.
    delete from safari_pauses;
    update safari_policies p set active_from = 0, active_to = 24, daily_limit = 2147483647
     where p.platform = 'twitter';
    update safari_rate_limits r set next_action_at = null, ceiling = 2147483647
     where r.platform = 'twitter';
    step := 'register';
    perform safari_register(boot, 'rehearsal', 'doctor', '["twitter-dm"]');
    step := 'claim';
    claimed := safari_claim(boot, '{"twitter-dm": 1}', 0, 30) -> 'commands' -> 0;
    if (claimed ->> 'id')::uuid = command then
      step := 'begin';
      answer := safari_ledger(boot, '[]', jsonb_build_array(jsonb_build_object(
        'id', command, 'lease', claimed -> 'lease', 'service', 'twitter-dm',
        'recipient', 'rehearsal', 'person', 'rehearsal', 'text_hash', boot))) -> 'begins' -> 0;
      if answer ->> 'verdict' <> 'granted' then
        raise exception 'the begin was answered %', answer;
      end if;
      step := 'finish';
      answer := safari_ledger(boot, jsonb_build_array(jsonb_build_object(
        'id', command, 'lease', claimed -> 'lease', 'attempt', answer -> 'attempt',
        'verdict', 'sent', 'quota_back', false, 'result', '{}'::jsonb)), '[]') -> 'finishes' -> 0;
      if not (answer ->> 'recorded')::boolean then
        raise exception 'the finish was answered %', answer;
      end if;
    end if;
    raise exception using errcode = done;
  exception
    when others then
      if sqlstate <> done then
        return jsonb_build_object('step', step, 'error', sqlerrm, 'code', sqlstate);
      end if;
  end;
  return jsonb_build_object('step', step, 'error', null);
end $$;

-- Commands with a status that no worker knows, [{status, rows}]: a table that was here before ours may allow
-- any word.
create or replace function public.safari_unknown_statuses() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(jsonb_build_object('status', left(u.status, 40), 'rows', u.rows)), '[]')
    from (select q.status, count(*) as rows from safari_command_queue q
           where q.service is distinct from 'foreign'
             and q.status <> all (array['pending', 'running', 'completed', 'failed', 'cancelled'])
             -- Nothing to look for where the table itself refuses them.
             and not exists (
               select from pg_constraint c
                where c.conrelid = 'public.safari_command_queue'::regclass and c.convalidated
                  and c.conname = 'safari_command_queue_status_check'
                  and pg_get_constraintdef(c.oid) not like '%OR%')
           group by q.status order by 2 desc limit 20) u
$$;
