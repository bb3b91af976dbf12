-- Refuses a database whose own tables of these names cannot hold a queue, before anything is changed: the
-- triggers would refuse every INSERT into them. Names each column, and the SQL that makes room for it.
do $$
declare
  wanted record;
  -- The tables that no other program makes.
  ours constant text[] := string_to_array(
        'safari_account_policies safari_accounts safari_alerts safari_campaign_events'
        ' safari_campaign_targets safari_claims_refused safari_command_attempts safari_command_events'
        ' safari_command_index safari_conversations_read safari_do_not_contact safari_health_hours'
        ' safari_idempotency_keys safari_notice_channels safari_notices safari_operator_actions'
        ' safari_pauses safari_people safari_people_links safari_people_parted safari_policies'
        ' safari_resumes safari_reviews safari_routes safari_schedule_runs safari_schema_versions'
        ' safari_services safari_settings safari_telegram safari_telegram_presses'
        ' safari_webhook_state safari_webhooks safari_words_heard safari_workers', ' ');
  faults text[] := '{}';
  remedies text[] := '{}';
  set_aside text[] := '{}';
begin
  -- Columns that a table of another program may have under another kind of type, and what is made of one
  -- that is missing; null: it is added when it is missing.
  for wanted in
    select w.table_name, c.name, w.kind, w.makes, k.relkind, a.attnum, a.attgenerated <> '' as is_generated,
           format_type(a.atttypid, a.atttypmod) as found,
           coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text as base
      from (values
        ('safari_command_queue', 'uuid', 'uuid default gen_random_uuid()', 'id'),
        ('safari_command_queue', 'text', 'text', 'action platform error'),
        ('safari_command_queue', 'text', 'text default ''pending''', 'status'),
        ('safari_command_queue', 'jsonb', 'jsonb default ''{}''', 'params'),
        ('safari_command_queue', 'result', 'jsonb', 'result'),
        ('safari_command_queue', 'integer', 'integer default 5', 'priority'),
        ('safari_command_queue', 'time', 'timestamptz default now()', 'created_at updated_at'),
        ('safari_command_queue', 'text', null, 'campaign_id batch_id worker_id service effect'
          ' idempotency_key hold reason recipient person account'),
        ('safari_command_queue', 'integer', null, 'retry_count attempt crash_count'),
        ('safari_command_queue', 'bigint', null, 'lease_number'),
        ('safari_command_queue', 'time', null, 'next_retry_at scheduled_for started_at completed_at due_at'
          ' expires_at lease_expires_at'),
        ('safari_command_queue', 'boolean', null, 'ready'),
        ('safari_command_queue', 'uuid', null, 'boot_id'),
        ('safari_command_queue', 'jsonb', null, 'metadata'),
        ('safari_campaign_runs', 'uuid', 'uuid default gen_random_uuid()', 'id'),
        ('safari_campaign_runs', 'text', 'text', 'campaign_id campaign_type platform status'),
        ('safari_campaign_runs', 'integer', 'integer default 0', 'total_tasks completed failed'),
        ('safari_campaign_runs', 'time', 'timestamptz', 'started_at completed_at'),
        ('safari_campaign_runs', 'jsonb', 'jsonb', 'result'),
        ('safari_service_health', 'uuid', 'uuid default gen_random_uuid()', 'id'),
        ('safari_service_health', 'text', 'text', 'service_name status'),
        ('safari_service_health', 'integer', 'integer', 'port response_ms'),
        ('safari_service_health', 'time', 'timestamptz', 'checked_at'),
        ('safari_service_health', 'integer', null, 'failing_checks'),
        ('safari_service_health', 'time', null, 'last_healthy_at down_alerted_at ready_asked_at'),
        ('safari_service_health', 'text', null, 'error seen_by not_ready account'),
        ('safari_rate_limits', 'uuid', 'uuid default gen_random_uuid()', 'id'),
        ('safari_rate_limits', 'text', 'text', 'platform action'),
        ('safari_rate_limits', 'text', null, 'account'),
        ('safari_rate_limits', 'date', 'date', 'limit_date'),
        ('safari_rate_limits', 'integer', 'integer default 0', 'used daily_limit'),
        ('safari_rate_limits', 'integer', null, 'ceiling'),
        ('safari_rate_limits', 'time', 'timestamptz default now()', 'updated_at'),
        ('safari_rate_limits', 'time', null, 'next_action_at alerted_at')
      ) w (table_name, kind, makes, names)
     cross join lateral regexp_split_to_table(w.names, ' ') with ordinality c (name, place)
      join pg_class k on k.oid = to_regclass('public.' || w.table_name)
      left join pg_attribute a on a.attrelid = k.oid and a.attname = c.name and not a.attisdropped
      left join pg_type t on t.oid = a.atttypid
     order by w.table_name, c.name <> 'id', a.attnum nulls last, c.place
  loop
    if wanted.table_name = any (set_aside) then
      continue;
    elsif wanted.relkind not in ('r', 'p') or (wanted.name = 'id' and wanted.base <> 'uuid') then
      -- No other column matters where our own table has to take its place.
      set_aside := set_aside || wanted.table_name;
      faults := faults || case when wanted.relkind in ('r', 'p')
        then format('%s.id is %s', wanted.table_name, wanted.found)
        else format('%s is no table', wanted.table_name) end;
      remedies := remedies || format('alter %s public.%s rename to %2$s_before;',
        case wanted.relkind when 'v' then 'view' when 'm' then 'materialized view'
                            when 'f' then 'foreign table' else 'table' end, wanted.table_name);
    elsif wanted.attnum is null then
      if wanted.makes is not null then
        faults := faults || format('%s.%s is missing', wanted.table_name, wanted.name);
        remedies := remedies || format('alter table public.%s add column %s %s;',
                                       wanted.table_name, wanted.name, wanted.makes);
      end if;
    elsif wanted.is_generated then
      faults := faults || format('%s.%s is generated', wanted.table_name, wanted.name);
      remedies := remedies || format('alter table public.%s alter column %s drop expression;',
                                     wanted.table_name, wanted.name);
    elsif wanted.base <> all (case wanted.kind
            when 'text' then array['text', 'character varying', 'character']
            when 'integer' then array['smallint', 'integer', 'bigint']
            when 'time' then array['timestamp with time zone', 'timestamp without time zone']
            when 'result' then array['jsonb', 'text']
            else array[wanted.kind] end) then
      faults := faults || format('%s.%s is %s', wanted.table_name, wanted.name, wanted.found);
      remedies := remedies || case
        when wanted.makes is null then
          format('alter table public.%s rename column %s to %2$s_before;', wanted.table_name, wanted.name)
        else format(
          'alter table public.%1$s alter column %2$s drop default, alter column %2$s type %3$s'
          ' using %2$s::text%4$s%5$s;', wanted.table_name, wanted.name,
          split_part(wanted.makes, ' ', 1), '::' || nullif(split_part(wanted.makes, ' ', 1), 'text'),
          ', alter column ' || wanted.name || ' set default '
            || nullif(split_part(wanted.makes, ' default ', 2), ''))
        end;
    end if;
  end loop;

  -- Our other tables cannot stand on one of another program.
  if to_regclass('public.safari_migrations') is null
     and to_regclass('public.safari_command_attempts') is null then
    for wanted in
      select c.relname as name, c.relkind
        from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relname::text = any (ours)
    loop
      faults := faults || format('%s is another program''s', wanted.name);
      remedies := remedies || format('alter %s public.%s rename to %2$s_before;',
        case wanted.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'c' then 'type'
                            when 'f' then 'foreign table' else 'table' end, wanted.name);
    end loop;
  end if;

  -- Only its owner may change a table.
  for wanted in
    select c.relname as name, pg_get_userbyid(c.relowner) as owner
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and c.relname::text = any (ours || array['safari_command_queue', 'safari_campaign_runs',
                                                'safari_service_health', 'safari_rate_limits'])
       and not pg_has_role(c.relowner, 'usage')
     order by 1
  loop
    faults := faults || format('%s belongs to the role %s', wanted.name, wanted.owner);
    if not format('grant %I to %I;', wanted.owner, current_user) = any (remedies) then
      remedies := remedies || format('grant %I to %I;', wanted.owner, current_user);
    end if;
  end loop;

  -- A status that the table refuses would keep a command running without end.
  for wanted in
    select c.conname as name, s.status
      from pg_constraint c
      join pg_attribute a on a.attrelid = c.conrelid and c.conkey = array[a.attnum]
     cross join unnest(array['pending', 'running', 'completed', 'failed', 'cancelled']) s (status)
     where c.conrelid = to_regclass('public.safari_command_queue') and c.contype = 'c'
       and a.attname = 'status' and pg_get_constraintdef(c.oid) ~ '''(pending|running|completed|failed)'''
       and position(quote_literal(s.status) in pg_get_constraintdef(c.oid)) = 0
  loop
    faults := faults || format('%s refuses the status %s', wanted.name, wanted.status);
    if not format('alter table public.safari_command_queue drop constraint %I;', wanted.name)
           = any (remedies) then
      remedies := remedies || format('alter table public.safari_command_queue drop constraint %I;', wanted.name);
    end if;
  end loop;

  if faults <> '{}' then
    raise exception using
      errcode = 'object_not_in_prerequisite_state',
      message = format('tables that were here before do not fit: %s', array_to_string(faults, '; ')),
      hint = array_to_string(array_remove(remedies, null), E'\n');
  end if;
end $$;
