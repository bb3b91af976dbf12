-- Lesser keys than the service role's. actp_producer inserts commands; actp_caller enqueues and looks,
-- through functions. What a role may do is granted here and by safari_protect, nowhere else.
do $$
declare
  wanted name;
begin
  foreach wanted in array array['actp_producer', 'actp_caller'] loop
    if not exists (select from pg_roles where rolname = wanted) then
      execute format('create role %I nologin noinherit', wanted);
    end if;
    -- PostgREST becomes the role that a token names.
    if exists (select from pg_roles where rolname = 'authenticator') then
      execute format('grant %I to authenticator', wanted);
    end if;
    execute format('grant usage on schema public to %I', wanted);
  end loop;
  grant insert (action, platform, params, priority, scheduled_for, expires_at, idempotency_key,
                batch_id)
    on public.safari_command_queue to actp_producer;
  drop policy if exists actp_producer_inserts on public.safari_command_queue;
  create policy actp_producer_inserts on public.safari_command_queue
    for insert to actp_producer with check (status = 'pending' or status = 'failed');
exception when insufficient_privilege or undefined_object then
  raise notice 'roles cannot be made here: %; docs/security.md has the statements', sqlerrm;
end $$;

-- Supabase grants every new table to its visitors. Row-level security covers neither TRUNCATE nor
-- triggers and foreign keys, so those go.
do $$
declare
  item record;
begin
  for item in
    select c.oid::regclass as name, c.relkind, r.rolname
      from pg_class c, pg_roles r
     where c.relnamespace = 'public'::regnamespace and c.relowner = current_user::regrole
       and c.relname ~ '^(safari|agent|crm|actp|youtube|linkedin)_'
       and c.relkind in ('r', 'S') and r.rolname in ('anon', 'authenticated')
  loop
    if item.relkind = 'S' then
      execute format('revoke all on sequence %s from %I', item.name, item.rolname);
    else
      execute format('revoke truncate, references, trigger on %s from %I', item.name, item.rolname);
    end if;
  end loop;
end $$;
