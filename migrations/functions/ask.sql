-- What agents may ask, and put in: one function that a narrow role can be given, and nothing else.

-- Answers a question with a bounded answer: status, search, show, limits, campaigns, campaign, inbox,
-- coming, agent_tasks. `enqueue` puts commands in under the name of an `operator`, each with a key, and
-- with dry_run only checks them; what would not be sent is refused in both cases, all or nothing.
-- Runs with the rights of its owner, so its callers need no other.
create or replace function public.safari_ask(question text, arguments jsonb default '{}')
returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  wrong jsonb;
  most constant integer := least(coalesce((a ->> 'limit')::integer, 20), 200);
begin
  case question
    when 'status' then return safari_status();
    when 'search' then
      return safari_search(coalesce(a -> 'filter', '{}'), a ->> 'after', most);
    when 'show' then return safari_show(a ->> 'id');
    when 'limits' then return safari_limits();
    when 'campaigns' then return safari_campaigns(most);
    when 'campaign' then return safari_campaign_show(a ->> 'campaign_id');
    when 'inbox' then return agent_inbox(most);
    when 'coming' then return safari_console() -> 'coming';
    when 'agent_tasks' then
      return coalesce((
        select jsonb_agg(to_jsonb(t) order by t.created_at desc) from (
          select id, domain, task, status, duration_ms, created_at, completed_at, result
            from actp_agent_tasks order by created_at desc limit most) t), '[]');
    when 'enqueue' then
      if jsonb_typeof(a -> 'commands') is distinct from 'array'
         or exists (select from jsonb_array_elements(a -> 'commands') c
                     where coalesce(btrim(c ->> 'key'), '') = '') then
        raise invalid_parameter_value using message = 'every command needs a key';
      elsif jsonb_array_length(a -> 'commands') > 100 then
        raise invalid_parameter_value using message = 'at most 100 commands at once';
      end if;
      wrong := safari_enqueue_check(a -> 'commands');
      if wrong <> '[]' then
        raise object_not_in_prerequisite_state using message = (
          select string_agg(format('command %s would not be sent: %s',
                                   (w ->> 'index')::integer + 1, w ->> 'error'), '; ')
            from jsonb_array_elements(wrong) w) || '; nothing was enqueued';
      elsif coalesce((a ->> 'dry_run')::boolean, true) then
        return jsonb_build_object('dry_run', true, 'commands', (
          select jsonb_agg(jsonb_build_object(
                   'key', c ->> 'key', 'service', r.service,
                   'command_id', (select k.command_id from safari_idempotency_keys k
                                   where k.key = c ->> 'key')))
            from jsonb_array_elements(a -> 'commands') c,
                 lateral safari_route_of(c ->> 'action', coalesce(c ->> 'platform', '')) r));
      end if;
      return jsonb_build_object('dry_run', false, 'commands', safari_enqueue(
        a -> 'commands', coalesce(nullif(btrim(a ->> 'operator'), ''), session_user)));
    else
      raise invalid_parameter_value using message = format('unknown question: %s', question);
  end case;
end $$;
