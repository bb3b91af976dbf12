-- What operators do: to one command, to all that a filter matches, and on record.

-- What an action may be done to at all; single rows may still refuse it.
create or replace function public.safari_actionable(action text) returns text
language plpgsql immutable set search_path = public, pg_temp as $$
declare
  condition text := case action
    when 'cancel' then 'q.status in (''pending'', ''running'')'
    when 'reschedule' then 'q.status = ''pending'''
    when 'reassign' then 'q.status = ''pending'''
    when 'retry' then
      'q.status in (''failed'', ''cancelled'') and q.reason is distinct from ''unknown'''
    when 'resolve' then 'q.status = ''failed'' and q.reason = ''unknown''' end;
begin
  if condition is null then
    raise invalid_parameter_value using
      message = format('%s cannot be done to many commands at once', action);
  end if;
  return condition || ' and q.service is distinct from ''foreign''';
end $$;

-- How many commands a filter matches, counted up to 10 001, and, with an action, how many of them it
-- may be done to: {count, at, is_more, examples}.
create or replace function public.safari_matching(filter jsonb, action text default null) returns jsonb
language plpgsql stable set search_path = public, pg_temp set jit = off as $$
declare
  most constant integer := 10000;
  condition text := safari_filter(filter)
    || coalesce(' and ' || case when action is not null then safari_actionable(action) end, '');
  answer jsonb;
begin
  execute format($query$
    select jsonb_build_object(
             'count', least(count(*), %2$s), 'is_more', count(*) > %2$s, 'at', now(),
             'services', coalesce(jsonb_agg(distinct m.service), '[]'))
      from (select q.service
              from safari_command_index i join safari_command_queue q on q.id = i.command_id
             where %1$s limit %2$s + 1) m
    $query$, condition, most) into answer;
  return answer;
end $$;

-- Gives a command that waits another time.
create or replace function public.safari_reschedule(id uuid, scheduled_for timestamptz) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  command safari_command_queue := safari_locked(id);
begin
  if command.status <> 'pending' or command.service = 'foreign' then
    raise object_not_in_prerequisite_state using
      message = format('command %s is %s; only one that waits gets another time', command.id,
                       case command.service when 'foreign' then 'another consumer''s'
                                            else command.status end);
  elsif safari_reschedule.scheduled_for >= command.expires_at then
    raise object_not_in_prerequisite_state using
      message = format('command %s expires before that', command.id);
  end if;
  update safari_command_queue q
     set scheduled_for = safari_reschedule.scheduled_for, updated_at = now()
   where q.id = command.id;
  perform safari_record_event(command.id, 'rescheduled', null, null, null,
                              jsonb_build_object('scheduled_for', safari_reschedule.scheduled_for));
  notify safari_commands;
  return jsonb_build_object('id', command.id, 'scheduled_for', safari_reschedule.scheduled_for);
end $$;

-- Does an action to every command that a filter matches, by the rules for one: cancel, retry, resolve
-- (with a verdict), reschedule (with scheduled_for), reassign (with an account). `expected` is the number that was agreed to at the
-- moment `seen_at`: rows that came since, or left otherwise than by being worked on, refuse it all.
-- Answers {done, left_alone}.
drop function if exists public.safari_bulk(jsonb, text, integer, timestamptz, text, timestamptz);
create or replace function public.safari_bulk(
  filter jsonb, action text, expected integer, seen_at timestamptz default null,
  verdict text default null, scheduled_for timestamptz default null, account text default null
) returns jsonb
language plpgsql set search_path = public, pg_temp set jit = off as $$
declare
  most constant integer := 10000;
  chosen uuid[];
  moved_on integer := 0;
  done integer := 0;
  id uuid;
begin
  if expected is null or expected not between 0 and most then
    raise invalid_parameter_value using
      message = format('at most %s commands at once: narrow the filter', most);
  end if;
  execute format($query$
    select array_agg(s.id order by s.id) from (
      select q.id from safari_command_index i join safari_command_queue q on q.id = i.command_id
       where %s and %s order by q.id limit %s for update of q) s
    $query$, safari_filter(filter), safari_actionable(action), expected + 1) into chosen;
  if coalesce(cardinality(chosen), 0) < expected and seen_at is not null then
    execute format($query$
      select count(*) from safari_command_index i join safari_command_queue q on q.id = i.command_id
       where %s and not (%s) and q.updated_at >= %L::timestamptz
      $query$, safari_filter(filter - 'status' - 'reason'), safari_actionable(action), seen_at)
      into moved_on;
  end if;
  if coalesce(cardinality(chosen), 0) > expected
     or coalesce(cardinality(chosen), 0) + moved_on < expected then
    raise object_not_in_prerequisite_state using message = format(
      'the filter matched %s commands and now matches %s: nothing was changed', expected,
      case when cardinality(chosen) > expected then 'more' else coalesce(cardinality(chosen), 0)::text end);
  end if;
  foreach id in array coalesce(chosen, '{}') loop
    begin
      case action
        when 'cancel' then perform safari_cancel(id);
        when 'retry' then perform safari_retry(id);
        when 'resolve' then perform safari_resolve(id, verdict);
        when 'reschedule' then perform safari_reschedule(id, scheduled_for);
        when 'reassign' then perform safari_reassign(id, account);
      end case;
      done := done + 1;
    exception when object_not_in_prerequisite_state then
      null;
    end;
  end loop;
  return jsonb_build_object('action', action, 'done', done, 'left_alone', expected - done);
end $$;

-- Who acts in this transaction, for the audit; null for a program.
create or replace function public.safari_operator() returns text
language sql stable as $$ select nullif(current_setting('actp.operator', true), '') $$;

-- Names who acts in this transaction. A caller with the key of agents cannot pass for an operator.
create or replace function public.safari_acts(operator text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  is_agent constant boolean :=
    'actp_caller' in (session_user::text, current_setting('role', true));
begin
  if coalesce(btrim(operator), '') = '' then
    raise invalid_parameter_value using message = 'an action needs an operator';
  end if;
  perform set_config('actp.operator',
                     left(operator, 200) || case when is_agent then ' as actp_caller' else '' end, true);
end $$;

-- Records what the operator of this transaction did. Of what is stored in separate tables, the audit
-- keeps the number.
create or replace function public.safari_record_action(action text, arguments jsonb, answer jsonb)
returns void
language sql set search_path = public, pg_temp as $$
  insert into safari_operator_actions (operator, action, arguments, answer)
    values (safari_operator(), action,
            arguments || coalesce((select jsonb_object_agg(e.key, jsonb_array_length(e.value))
                                     from jsonb_each(arguments) e
                                    where jsonb_typeof(e.value) = 'array'
                                      and pg_column_size(e.value) > 4000), '{}'),
            case when pg_column_size(answer) < 4000 then answer end)
$$;

-- Does what an operator asks for and records who asked, whatever they used: every entrance for people
-- and agents goes through here. The action names a function, the arguments are its own.
create or replace function public.safari_act(action text, arguments jsonb, operator text)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  a alias for arguments;
  answer jsonb;
begin
  perform safari_acts(operator);
  case action
    when 'cancel' then answer := safari_cancel((a ->> 'id')::uuid);
    when 'retry' then answer := safari_retry((a ->> 'id')::uuid);
    when 'resolve' then answer := safari_resolve((a ->> 'id')::uuid, a ->> 'verdict');
    when 'reschedule' then
      answer := safari_reschedule((a ->> 'id')::uuid, (a ->> 'scheduled_for')::timestamptz);
    when 'reassign' then answer := safari_reassign((a ->> 'id')::uuid, a ->> 'account');
    when 'bulk' then
      answer := safari_bulk(a -> 'filter', a ->> 'action', (a ->> 'expected')::integer,
                            (a ->> 'seen_at')::timestamptz, a ->> 'verdict',
                            (a ->> 'scheduled_for')::timestamptz, a ->> 'account');
    when 'retry_failed' then
      answer := safari_retry_failed(coalesce((a ->> 'first_time_only')::boolean, false));
    when 'backlog' then
      answer := safari_backlog((a ->> 'accept')::boolean, coalesce(a -> 'doors', '["commands"]'),
                               (a ->> 'expected')::bigint);
    when 'review' then answer := safari_review_decide(a -> 'drafts', a ->> 'verdict');
    when 'review_all' then
      answer := safari_review_all(a -> 'filter', a ->> 'verdict', a ->> 'seen');
    when 'review_edit' then answer := safari_review_edit((a ->> 'id')::uuid, a ->> 'text');
    when 'inbox_reply' then
      answer := agent_inbox_reply((a ->> 'contact_id')::uuid, a ->> 'text', a ->> 'key',
                                  a ->> 'platform');
    when 'inbox_done' then answer := agent_inbox_done((a ->> 'contact_id')::uuid);
    when 'inbox_snooze' then
      answer := agent_inbox_snooze((a ->> 'contact_id')::uuid, (a ->> 'seconds')::double precision);
    when 'inbox_tag' then
      answer := agent_inbox_tag((a ->> 'contact_id')::uuid, coalesce(a -> 'added', '[]'),
                                coalesce(a -> 'removed', '[]'));
    when 'pause' then
      answer := safari_pause(a ->> 'platform', (a ->> 'seconds')::double precision, a ->> 'note',
                             a ->> 'account');
    when 'resume' then answer := safari_resume(a ->> 'platform', a ->> 'account');
    when 'configure' then answer := safari_configure(a -> 'policies', coalesce(a -> 'settings', '{}'));
    when 'block_contact' then
      answer := safari_block_contact(a ->> 'platform', a ->> 'recipient', (a ->> 'blocked')::boolean,
                                     a ->> 'note');
    when 'webhooks_retry' then answer := safari_webhooks_retry(a ->> 'key');
    when 'enqueue' then answer := safari_enqueue(a -> 'commands');
    when 'campaign_start' then
      answer := safari_campaign_create(a ->> 'campaign_id', a ->> 'campaign_type', a ->> 'platform',
                                       (a ->> 'total_tasks')::integer, a -> 'targets', a -> 'commands');
    when 'campaign_cancel' then answer := safari_campaign_cancel(a ->> 'campaign_id');
    when 'campaign_replied' then
      answer := safari_campaign_replied(a ->> 'handle', a ->> 'platform');
    when 'campaign_go_on' then answer := safari_campaign_go_on(a ->> 'handle', a ->> 'platform');
    when 'people_join' then answer := safari_people_join(a ->> 'one', a ->> 'other');
    when 'people_part' then
      answer := safari_people_part(a ->> 'one', a ->> 'other', a ->> 'note');
    when 'resume_service' then answer := safari_resume_service(a ->> 'service', a ->> 'account');
    when 'settle' then
      answer := safari_claim_looks(a -> 'rest', (a ->> 'again_seconds')::double precision,
                                   (a ->> 'only_id')::uuid, accounts => coalesce(a -> 'accounts', '{}'));
    when 'inbox_draft' then
      answer := agent_inbox_draft((a ->> 'contact_id')::uuid, a ->> 'text', a ->> 'key');
    when 'people_import' then answer := agent_people_import(a -> 'rows', a ->> 'source');
    when 'free_safari' then answer := a;  -- done on the host; here is who did it
    when 'rename_account' then
      answer := safari_rename_account(a ->> 'platform', a ->> 'account', a ->> 'name');
    when 'look_again' then answer := safari_look_again((a ->> 'id')::uuid);
    else
      raise invalid_parameter_value using message = format('unknown action: %s', action);
  end case;
  perform safari_record_action(action, a, answer);
  return answer;
end $$;

-- What operators did last, newest first.
create or replace function public.safari_operator_log(row_limit integer default 50) returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select coalesce(jsonb_agg(to_jsonb(o) order by o.id desc), '[]')
    from (select * from safari_operator_actions order by id desc
           limit least(greatest(row_limit, 1), 1000)) o
$$;
