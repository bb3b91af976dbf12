-- Search over all commands, and what an operator does to many of them at once.

-- The few among the finished.
create index if not exists safari_queue_not_completed
  on public.safari_command_queue (completed_at desc, id desc)
  where status in ('failed', 'cancelled');

-- What a command is found by. It stands in its own table, written once: a row of the queue is
-- updated at each step of its life, and each update would write all its index entries anew.
create table if not exists public.safari_command_index (
  command_id uuid primary key,
  created_at timestamptz not null,
  service text,
  recipient_names text[] not null,
  words text not null
);
alter table public.safari_command_index enable row level security;

create index if not exists safari_index_created
  on public.safari_command_index (created_at desc, command_id desc);
create index if not exists safari_index_service_created
  on public.safari_command_index (service, created_at desc, command_id desc);
create index if not exists safari_index_recipient_names
  on public.safari_command_index using gin (recipient_names);

-- Parts of words are found by trigrams, in whichever schema the extension lives; without it a search
-- for text reads the rows one by one.
do $$
declare
  home text;
begin
  if exists (select from pg_available_extensions where name = 'pg_trgm') then
    begin
      create extension if not exists pg_trgm;
    exception when insufficient_privilege then
      raise notice 'pg_trgm is available, but not to this role: searches for text will be slow';
    end;
  end if;
  select n.nspname into home
    from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'pg_trgm';
  if home is not null then
    execute format(
      'create index if not exists safari_index_words on public.safari_command_index'
      ' using gin (words %I.gin_trgm_ops)', home);
  end if;
end $$;

-- What operators did and who they were, whatever they did it with; removed only by safari_prune.
create table if not exists public.safari_operator_actions (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  operator text not null,                  -- ada@mac/console
  action text not null,
  arguments jsonb not null,
  answer jsonb
);
alter table public.safari_operator_actions enable row level security;
create index if not exists safari_operator_actions_at on public.safari_operator_actions (at desc);
do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, delete on public.safari_operator_actions to service_role;
    grant select, insert, update, delete on public.safari_command_index to service_role;
  end if;
end $$;
