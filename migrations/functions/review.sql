-- Review before sending, for those who want it: the setting says what is held (off, ai = what Claude
-- wrote, all), and drafts that an operator asked for are held in any case.

create or replace function public.safari_review_mode() returns text
language plpgsql stable as $$
begin
  return coalesce((select s.value #>> '{}' from safari_settings s where s.key = 'review'), 'off');
end $$;

-- The hash of all that reaches the recipient: everything but what we note for ourselves.
create or replace function public.safari_content_hash(kind text, platform text, content jsonb)
returns text
language sql immutable as $$
  select encode(sha256(convert_to(jsonb_build_array(
    kind, platform, content - array['message_id', 'contact_id', 'campaign_step', 'exclude',
                                    'written_by'])::text, 'UTF8')), 'hex')
$$;

create or replace function public.safari_command_hash(command public.safari_command_queue) returns text
language sql immutable as $$
  select safari_content_hash(command.action, command.platform,
                             case jsonb_typeof(safari_params(command.params))
                               when 'object' then safari_params(command.params)
                               else jsonb_build_object('raw', command.params) end)
$$;

create or replace function public.safari_message_hash(message public.crm_message_queue) returns text
language sql stable as $$
  select safari_content_hash('message', safari_platform(message.platform), jsonb_build_object(
    'to', (select agent_outreach_addresses(c) -> safari_platform(message.platform) from crm_contacts c
            where c.id = message.contact_id),
    'contact', message.contact_id, 'text', message.message_body))
$$;

create or replace function public.safari_post_hash(task public.actp_workflow_tasks) returns text
language sql immutable as $$
  select safari_content_hash('post', '', jsonb_build_object('input', task.input_data))
$$;

-- Who wrote a command's text; a campaign knows it of its targets.
create or replace function public.safari_written_by(command public.safari_command_queue) returns text
language plpgsql stable as $$
declare
  params constant jsonb := safari_params(command.params);
begin
  if jsonb_typeof(params) = 'object' and params ? 'written_by' then
    return params ->> 'written_by';
  elsif command.campaign_id is not null
        and command.batch_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    return (select t.data ->> 'written_by' from safari_campaign_targets t
             where t.id = command.batch_id::uuid);
  end if;
  return null;
end $$;

-- Why a command may not be sent before somebody has approved it, or null. What was held once stays so
-- until exactly that content is approved, whatever is done to the row.
create or replace function public.safari_review_reason(command public.safari_command_queue) returns text
language plpgsql stable as $$
declare
  mode text;
  known safari_reviews;
begin
  select * into known from safari_reviews r where r.door = 'command' and r.row_id = command.id;
  if found then
    if known.state = 'approved' and known.content_hash = safari_command_hash(command) then
      return null;
    end if;
    return coalesce(known.why, 'held for review');
  elsif command.effect is distinct from 'once' or command.service = 'foreign' then
    return null;
  end if;
  mode := safari_review_mode();
  if mode = 'all' then
    return 'REVIEW=all';
  elsif mode = 'ai' and safari_written_by(command) = 'claude' then
    return 'written by Claude';
  end if;
  return null;
end $$;

create or replace function public.safari_needs_review(command public.safari_command_queue)
returns boolean
language sql stable as $$ select safari_review_reason(command) is not null $$;

-- A command, held if it needs a review.
create or replace function public.safari_held_for_review(command public.safari_command_queue)
returns public.safari_command_queue
language plpgsql as $$
declare
  reason constant text := safari_review_reason(command);
begin
  if reason is not null then
    insert into safari_reviews (door, row_id, why) values ('command', command.id, reason)
      on conflict on constraint safari_reviews_row do nothing;
    command.hold := coalesce(command.hold, 'review');
    command.due_at := 'infinity';
    command.ready := false;
  end if;
  return command;
end $$;

-- Holds what needs a review, in the write that would make it ready. Its name sorts after the trigger
-- that routes and times a row, and holds a new row itself.
create or replace function public.safari_review_hold() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- Most have no review and need none; the two look-ups cost less than the question.
  if exists (select from safari_settings s where s.key = 'review' and s.value <> '"off"')
     or exists (select from safari_reviews r where r.door = 'command' and r.row_id = new.id) then
    return safari_held_for_review(new);
  end if;
  return new;
end $$;

drop trigger if exists safari_review_insert on public.safari_command_queue;
create or replace trigger safari_review_update
  before update of status, action, platform, params, scheduled_for, next_retry_at, hold, effect
  on public.safari_command_queue
  for each row when (new.status = 'pending')
  execute function public.safari_review_hold();

-- Holds drafts at the other two doors; a row that was there before the setting changed is found by the
-- hand-over, which asks the same question.
create or replace function public.safari_message_waits(message public.crm_message_queue)
returns boolean
language plpgsql stable as $$
declare
  mode constant text := safari_review_mode();
  known safari_reviews;
begin
  select * into known from safari_reviews r where r.door = 'message' and r.row_id = message.id;
  if found then
    return known.state <> 'approved' or known.content_hash <> safari_message_hash(message);
  end if;
  return mode = 'all' or (mode = 'ai' and message.written_by is not distinct from 'claude');
end $$;

create or replace function public.safari_post_waits(task public.actp_workflow_tasks) returns boolean
language plpgsql stable as $$
declare
  mode constant text := safari_review_mode();
  known safari_reviews;
begin
  select * into known from safari_reviews r where r.door = 'post' and r.row_id = task.id;
  if found then
    return known.state <> 'approved' or known.content_hash <> safari_post_hash(task);
  end if;
  return mode = 'all' or (mode = 'ai' and task.input_data ->> 'written_by' = 'claude');
end $$;

-- Opens a review for every message and post that waits for one and has none, ends what has expired;
-- a caller that hands over or lists calls it first.
create or replace function public.safari_review_refresh() returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  mode constant text := safari_review_mode();
  overdue uuid;
begin
  if mode <> 'off' then
    insert into safari_reviews (door, row_id, why)
      select 'message', m.id, case mode when 'all' then 'REVIEW=all' else 'written by Claude' end
        from crm_message_queue m
       where m.status = 'pending' and safari_message_waits(m) order by m.id
      on conflict on constraint safari_reviews_row do nothing;
    insert into safari_reviews (door, row_id, why)
      select 'post', w.id, case mode when 'all' then 'REVIEW=all' else 'written by Claude' end
        from actp_workflow_tasks w
       where w.task_type = 'blotato_multi_publish' and w.status = 'pending' and w.lease_number = 0
         and safari_post_waits(w) order by w.id
      on conflict on constraint safari_reviews_row do nothing;
  end if;
  for overdue in
    select r.id from safari_reviews r where r.state = 'pending' and r.expires_at <= now()
     order by r.id
  loop
    perform safari_review_end(overdue, 'expired');
  end loop;
end $$;

-- Ends a draft without sending it: rejected or expired. The caller need not hold its lock.
create or replace function public.safari_review_end(id uuid, verdict text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  review safari_reviews;
begin
  select * into review from safari_reviews r where r.id = safari_review_end.id for update;
  if review.state not in ('pending', 'approved') then
    return;
  end if;
  update safari_reviews r
     set state = verdict, decided_at = now(), decided_by = safari_operator()
   where r.id = review.id;
  case review.door
    when 'command' then
      update safari_command_queue q
         set status = 'cancelled', reason = verdict, hold = null, boot_id = null,
             lease_expires_at = null, result = jsonb_build_object('outcome', verdict),
             completed_at = now(), updated_at = now()
       where q.id = review.row_id and q.status = 'pending';
      if found then
        perform safari_record_event(review.row_id, 'cancelled', null, null, null,
                                    jsonb_build_object('reason', verdict));
      end if;
    when 'message' then
      update crm_message_queue m
         set status = 'failed', error_message = 'review: ' || verdict, updated_at = now()
       where m.id = review.row_id and m.status = 'pending';
    when 'post' then
      update actp_workflow_tasks w
         set status = 'failed', error = 'review: ' || verdict, completed_at = now()
       where w.id = review.row_id and w.status = 'pending' and w.lease_number = 0;
  end case;
end $$;

-- The drafts that wait, as they would reach their recipients now.
create or replace function public.safari_review_rows() returns table (
  id uuid, door text, row_id uuid, platform text, kind text, recipient text, body text, why text,
  content_hash text, created_at timestamptz, expires_at timestamptz, due_at timestamptz
)
language sql stable set search_path = public, pg_temp as $$
  select r.id, r.door, r.row_id, q.platform, q.action,
         coalesce(p.params ->> 'username', p.params ->> 'handle', p.params ->> 'profileUrl',
                  p.params ->> 'postUrl', p.params ->> 'url', p.params ->> 'profile_url',
                  p.params ->> 'post_url'),
         coalesce(p.params ->> 'text', p.params ->> 'message'), r.why, safari_command_hash(q),
         r.created_at, r.expires_at, q.scheduled_for
    from safari_reviews r join safari_command_queue q on q.id = r.row_id
   cross join lateral (select safari_params(q.params) as params) p
   where r.door = 'command' and r.state in ('pending', 'approved') and q.status = 'pending'
     and safari_needs_review(q)
  union all
  select r.id, r.door, r.row_id, safari_platform(m.platform), 'send_dm',
         coalesce(agent_outreach_addresses(c) ->> safari_platform(m.platform), c.display_name),
         m.message_body, concat_ws('; ', r.why, m.ai_reasoning), safari_message_hash(m),
         r.created_at, r.expires_at, m.scheduled_for
    from safari_reviews r join crm_message_queue m on m.id = r.row_id
    left join crm_contacts c on c.id = m.contact_id
   where r.door = 'message' and r.state in ('pending', 'approved') and m.status = 'pending'
     and safari_message_waits(m)
  union all
  select r.id, r.door, r.row_id, (select string_agg(e, ', ') from jsonb_array_elements_text(
           case jsonb_typeof(w.input_data -> 'platforms') when 'array'
                then w.input_data -> 'platforms' else '[]' end) e),
         'post', w.input_data ->> 'video_url',
         coalesce(w.input_data ->> 'description', w.input_data ->> 'text',
                  w.input_data ->> 'descriptions'),
         r.why, safari_post_hash(w), r.created_at, r.expires_at, w.next_at
    from safari_reviews r join actp_workflow_tasks w on w.id = r.row_id
   where r.door = 'post' and r.state in ('pending', 'approved') and w.status = 'pending'
     and safari_post_waits(w)
$$;

-- The draft that the beginning of its id, or of its row's id, names.
create or replace function public.safari_review_find(beginning text) returns text
language plpgsql stable set search_path = public, pg_temp as $$
declare
  found_ids uuid[];
begin
  select array_agg(r.id) into found_ids from safari_reviews r
   where beginning <> '' and (starts_with(r.id::text, lower(beginning))
                              or starts_with(r.row_id::text, lower(beginning)));
  if found_ids is null then
    raise no_data_found using message = format('there is no draft %s', left(beginning, 40));
  elsif cardinality(found_ids) > 1 then
    raise invalid_parameter_value using message = format(
      '%s is the beginning of %s drafts: give more characters', left(beginning, 40),
      cardinality(found_ids));
  end if;
  return found_ids[1]::text;
end $$;

-- Approves or rejects drafts, [{id, content_hash}]: one whose content is no longer what was shown is
-- left alone, as is one that was decided or has expired. Answers {done, left_alone}.
create or replace function public.safari_review_decide(drafts jsonb, verdict text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  draft record;
  done integer := 0;
begin
  if verdict not in ('approve', 'reject') then
    raise invalid_parameter_value using message = 'the verdict is approve or reject';
  end if;
  perform safari_review_refresh();
  for draft in
    select v.* from jsonb_to_recordset(drafts) as d (id uuid, content_hash text)
      join safari_review_rows() v on v.id = d.id and v.content_hash = d.content_hash
     order by v.id
  loop
    if verdict = 'reject' then
      perform safari_review_end(draft.id, 'rejected');
    else
      update safari_reviews r
         set state = 'approved', content_hash = draft.content_hash, decided_at = now(),
             decided_by = safari_operator()
       where r.id = draft.id and r.state in ('pending', 'approved');
      -- Somebody else rejected it while it was listed here.
      continue when not found;
      -- What was looked at today is not stale.
      update crm_message_queue m set accepted_at = now(), hold = null, updated_at = now()
       where draft.door = 'message' and m.id = draft.row_id;
      update actp_workflow_tasks w set accepted_at = now(), hold = null
       where draft.door = 'post' and w.id = draft.row_id;
      if draft.door = 'command' then
        update safari_command_queue q
           set hold = case when q.hold = 'review' then null else q.hold end, updated_at = now()
         where q.id = draft.row_id and q.status = 'pending';
        perform safari_record_event(draft.row_id, 'approved', null, null, null,
                                    jsonb_build_object('by', safari_operator()));
      end if;
    end if;
    done := done + 1;
  end loop;
  notify safari_commands;
  return jsonb_build_object('done', done, 'left_alone', jsonb_array_length(drafts) - done);
end $$;

-- Replaces a draft's text and approves it; a post's text is that of every platform.
create or replace function public.safari_review_edit(id uuid, text text) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  draft record;
begin
  perform safari_review_refresh();
  select v.* into draft from safari_review_rows() v where v.id = safari_review_edit.id;
  if not found then
    raise object_not_in_prerequisite_state using message = 'this draft no longer waits for review';
  end if;
  case draft.door
    when 'command' then
      update safari_command_queue q
         set params = (safari_params(q.params) - 'message') || jsonb_build_object(
               'text', safari_review_edit.text, 'written_by', 'operator'), updated_at = now()
       where q.id = draft.row_id;
    when 'message' then
      update crm_message_queue m
         set message_body = safari_review_edit.text, written_by = 'operator', updated_at = now()
       where m.id = draft.row_id;
    when 'post' then
      update actp_workflow_tasks w
         set input_data = (w.input_data - array['text', 'descriptions']) || jsonb_build_object(
               'description', safari_review_edit.text, 'written_by', 'operator')
       where w.id = draft.row_id;
  end case;
  return safari_review_decide((
    select jsonb_build_array(jsonb_build_object('id', v.id, 'content_hash', v.content_hash))
      from safari_review_rows() v where v.id = safari_review_edit.id), 'approve');
end $$;

-- Holds a command for review whatever the setting says, as a draft of Claude's; answers the draft's id.
create or replace function public.safari_review_open(command_id uuid, why text) returns uuid
language plpgsql set search_path = public, pg_temp as $$
declare
  draft uuid;
begin
  insert into safari_reviews as r (door, row_id, why)
    values ('command', command_id, safari_review_open.why)
    on conflict on constraint safari_reviews_row do update set why = r.why
    returning r.id into draft;
  update safari_command_queue q set hold = coalesce(q.hold, 'review'), updated_at = now()
   where q.id = command_id and q.status = 'pending';
  return draft;
end $$;

-- What was approved as a message needs no second look as the command that it became,
-- [{id, command_id, created}].
create or replace function public.safari_review_carry_over(handed jsonb) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  ids uuid[];
begin
  with approved as (
    insert into safari_reviews (door, row_id, why, state, content_hash, decided_at, decided_by)
      select 'command', q.id, r.why, 'approved', safari_command_hash(q), r.decided_at, r.decided_by
        from jsonb_array_elements(handed) h
        join safari_reviews r on r.door = 'message' and r.row_id = (h ->> 'id')::uuid
                             and r.state = 'approved'
        join safari_command_queue q on q.id = (h ->> 'command_id')::uuid
       where (h ->> 'created')::boolean order by q.id
      on conflict on constraint safari_reviews_row do update
        set state = 'approved', content_hash = excluded.content_hash,
            decided_at = excluded.decided_at, decided_by = excluded.decided_by
    returning row_id
  )
  select array_agg(row_id) into ids from approved;
  update safari_command_queue q set hold = null, updated_at = now()
   where q.id = any (ids) and q.hold = 'review' and q.status = 'pending';
end $$;
