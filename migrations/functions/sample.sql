-- Made-up people and figures for a first look, and their way out again.

-- Inserts rows into a table as far as nothing of anybody's stands in their place. Columns that the
-- table does not have are left out, as are rows of people who are not there.
create or replace function public.agent_sample_write(table_name text, rows jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  columns text;
  condition text := 'true';
  inserted integer := 0;
begin
  perform agent_sample_check(table_name);
  select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
    from pg_attribute a
   where a.attrelid = ('public.' || quote_ident(table_name))::regclass
     and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and a.attname::text in (
       select k.key from jsonb_array_elements(rows) r cross join jsonb_object_keys(r) as k (key));
  if table_name <> 'crm_contacts' and rows @? '$[*].contact_id' then
    condition := '(r.contact_id is null
                   or exists (select from crm_contacts c where c.id = r.contact_id))';
  end if;
  if table_name = 'crm_message_queue' and exists (
       select from jsonb_array_elements(rows) r
        where coalesce(r ->> 'status', 'pending') not in ('sent', 'failed')) then
    raise invalid_parameter_value using message = 'a sample message has not ended';
  end if;
  if rows @? '$[*].conversation_id' then
    condition := condition || ' and (r.conversation_id is null or exists (
      select from crm_conversations v where v.id = r.conversation_id))';
  end if;
  if columns is not null then
    execute format(
      'insert into public.%1$I (%2$s)
       select %2$s from jsonb_populate_recordset(null::public.%1$I, $1) r
        where %3$s on conflict do nothing', table_name, columns, condition) using rows;
    get diagnostics inserted = row_count;
  end if;
  return jsonb_build_object('inserted', inserted, 'now', now());
end $$;

-- Refuses any table that no made-up rows are for.
create or replace function public.agent_sample_check(table_name text) returns void
language plpgsql immutable set search_path = public, pg_temp as $$
begin
  if table_name <> all (array[
    'actp_ab_tests', 'actp_content_performance', 'actp_niche_resonance',
    'actp_platform_associations', 'actp_platform_creators', 'actp_platform_research',
    'actp_twitter_research', 'crm_contacts', 'crm_conversations', 'crm_interactions',
    'crm_message_queue', 'crm_messages', 'youtube_video_stats'
  ]) then
    raise invalid_parameter_value using message = format('no sample rows go into %I', table_name);
  end if;
end $$;

-- Removes the rows with these ids; of contacts those made up, with all that was found out of them.
create or replace function public.agent_sample_remove(table_name text, ids jsonb) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  given uuid[] := array(select i::uuid from jsonb_array_elements_text(ids) i);
  child text;
  removed integer;
begin
  perform agent_sample_check(table_name);
  if table_name = 'crm_contacts' then
    given := array(select c.id from crm_contacts c
                    where c.id = any (given) and c.source = 'sample' order by c.id for update);
    -- Where the tables were there before us, nothing may cascade.
    foreach child in array array[
      'actp_prospect_scores', 'actp_platform_associations', 'actp_crm_transitions',
      'crm_interactions', 'crm_message_queue', 'crm_messages', 'crm_conversations',
      'crm_score_history'
    ] loop
      execute format('delete from public.%I where contact_id = any ($1)', child) using given;
    end loop;
    -- Nobody opted out: the list of people not to contact takes up no made-up names.
    update safari_people p set veto = null
     where p.address in (select 'contact:' || g from unnest(given) g);
  end if;
  execute format('delete from public.%I where id = any ($1)', table_name) using given;
  get diagnostics removed = row_count;
  return to_jsonb(removed);
end $$;

-- Takes away what was computed of posts that are all gone; answers how many groups.
create or replace function public.agent_sample_forget() returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  groups integer;
begin
  delete from actp_niche_resonance n
   where n.sample_count > 0
     and not exists (select from actp_content_performance p
                      where p.platform = n.platform and p.niche = n.niche
                        and coalesce(p.content_type, 'educational') = n.content_type);
  get diagnostics groups = row_count;
  return to_jsonb(groups);
end $$;

-- How many videos wait to be rendered: only a person can tell whether of made-up subjects.
create or replace function public.agent_sample_open_videos() returns jsonb
language sql stable set search_path = public, pg_temp as $$
  select to_jsonb(count(*)) from actp_gen_jobs j
   where j.model = 'remotion' and j.status in ('pending', 'queued', 'rendering', 'complete')
$$;

-- Inserts made-up commands and campaigns that have ended; anything that could still be sent is refused.
create or replace function public.agent_sample_ended(commands jsonb, runs jsonb, targets jsonb)
returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  new_commands integer;
  new_runs integer;
  new_targets integer;
begin
  if exists (select from jsonb_array_elements(commands) c
              where c ->> 'status' not in ('completed', 'failed', 'cancelled')
                 or c ->> 'status' is null) then
    raise invalid_parameter_value using message = 'a sample command has not ended';
  end if;
  insert into safari_command_queue (
    id, action, platform, params, status, reason, result, error, created_at, started_at,
    completed_at, batch_id
  )
    select r.id, r.action, r.platform, r.params, r.status, r.reason, r.result, r.error,
           r.created_at, r.started_at, r.completed_at, 'sample'
      from jsonb_to_recordset(commands) as r (
        id uuid, action text, platform text, params jsonb, status text, reason text, result jsonb,
        error text, created_at timestamptz, started_at timestamptz, completed_at timestamptz)
  on conflict do nothing;
  get diagnostics new_commands = row_count;
  insert into safari_campaign_runs (
    id, campaign_id, campaign_type, platform, total_tasks, completed, failed, status, started_at,
    completed_at
  )
    select r.id, r.campaign_id, r.campaign_type, r.platform, r.total_tasks, r.completed, r.failed,
           'completed', r.started_at, r.completed_at
      from jsonb_to_recordset(runs) as r (
        id uuid, campaign_id text, campaign_type text, platform text, total_tasks integer,
        completed integer, failed integer, started_at timestamptz, completed_at timestamptz)
  on conflict do nothing;
  get diagnostics new_runs = row_count;
  insert into safari_campaign_targets (
    id, campaign_id, platform, handle, contact_id, state, data, last_event_at, created_at, updated_at
  )
    select r.id, r.campaign_id, r.platform, r.handle, c.id, r.state, r.data, r.last_event_at,
           r.created_at, r.updated_at
      from jsonb_to_recordset(targets) as r (
        id uuid, campaign_id text, platform text, handle text, contact_id uuid, state text,
        data jsonb, last_event_at timestamptz, created_at timestamptz, updated_at timestamptz)
      left join crm_contacts c on c.id = r.contact_id
     where safari_campaign_ended(r.state)
  on conflict do nothing;
  get diagnostics new_targets = row_count;
  return jsonb_build_object('safari_command_queue', new_commands,
                            'safari_campaign_runs', new_runs,
                            'safari_campaign_targets', new_targets);
end $$;

create or replace function public.agent_sample_remove_ended(
  commands jsonb, runs jsonb, targets jsonb
) returns jsonb
language plpgsql set search_path = public, pg_temp as $$
declare
  gone_commands integer;
  gone_runs integer;
  gone_targets integer;
begin
  delete from safari_command_queue q
   where q.batch_id = 'sample' and commands ? q.id::text
     and q.status in ('completed', 'failed', 'cancelled');
  get diagnostics gone_commands = row_count;
  delete from safari_campaign_targets t where targets ? t.id::text;
  get diagnostics gone_targets = row_count;
  delete from safari_campaign_runs r where runs ? r.id::text;
  get diagnostics gone_runs = row_count;
  return jsonb_build_object('safari_command_queue', gone_commands,
                            'safari_campaign_runs', gone_runs,
                            'safari_campaign_targets', gone_targets);
end $$;
