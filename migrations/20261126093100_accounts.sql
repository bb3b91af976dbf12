-- Several Macs, each logged in as somebody else. The account of a host that names none is 'default'.

alter table public.safari_command_queue
  add column if not exists account text default '';      -- the sender; '' = whichever suits the person
alter table public.safari_command_queue alter column account set default '';
update public.safari_command_queue set account = ''
 where account is null and status in ('pending', 'running');

alter table public.safari_command_attempts
  add column if not exists account text not null default 'default';
alter table public.safari_rate_limits
  add column if not exists account text not null default 'default';
alter table public.safari_service_health
  add column if not exists account text not null default 'default';
alter table public.safari_pauses
  add column if not exists account text not null default '';      -- '' = all accounts
alter table public.safari_workers
  add column if not exists accounts jsonb not null default '{}';  -- {platform: account}, as it names them

-- The accounts that hosts have named, by platform.
create table if not exists public.safari_accounts (
  platform text not null,
  account text not null,
  first_seen_at timestamptz not null default now(),
  primary key (platform, account)
);
-- What an account has otherwise than safari_policies says for its platform, {column: value}.
create table if not exists public.safari_account_policies (
  platform text not null,
  kind text not null,
  account text not null,
  changes jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (platform, kind, account)
);
do $$
declare
  name text;
begin
  foreach name in array array['safari_accounts', 'safari_account_policies'] loop
    execute format('alter table public.%I enable row level security', name);
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant select, insert, update, delete on public.%I to service_role', name);
    end if;
  end loop;
end $$;

-- What was one for each platform is one for each of its accounts.
do $$
declare
  wanted record;
  replaced record;
begin
  for wanted in
    values ('safari_rate_limits', 'safari_rate_limits_key', 'unique',
            array['platform', 'action', 'limit_date']),
           ('safari_pauses', 'safari_pauses_pkey', 'primary key', array['platform']),
           ('safari_service_health', 'safari_service_health_key', 'unique', array['service_name'])
  loop
    -- A table that was there before us may have the key under another name, or as an index.
    for replaced in
      select i.indexrelid::regclass::text as index, c.conname
        from pg_index i left join pg_constraint c on c.conindid = i.indexrelid
       where i.indrelid = ('public.' || wanted.column1)::regclass and i.indisunique
         and i.indpred is null and i.indexprs is null
         and (select array_agg(a.attname::text order by a.attname)
                from unnest(i.indkey) key
                join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key)
             = (select array_agg(c order by c) from unnest(wanted.column4) c)
    loop
      if replaced.conname is not null then
        execute format('alter table public.%I drop constraint %I', wanted.column1, replaced.conname);
      else
        execute format('drop index %s', replaced.index);
      end if;
    end loop;
    if not exists (
      select from pg_constraint c
       where c.conrelid = ('public.' || wanted.column1)::regclass and c.conname = wanted.column2
    ) then
      execute format(
        'alter table public.%I add constraint %I %s (%s, account)', wanted.column1, wanted.column2,
        wanted.column3, (select string_agg(quote_ident(c), ', ') from unnest(wanted.column4) c));
    end if;
  end loop;
end $$;

-- Each account of a service has its own line, so that nobody looks at the rows of another one.
drop index if exists public.safari_queue_ready;
create index if not exists safari_queue_line
  on public.safari_command_queue (service, account, priority, created_at, id)
  where status = 'pending' and ready and crash_count = 0;
-- Rows that name their sender, by the person: empty where there is one account.
create index if not exists safari_queue_sender
  on public.safari_command_queue (platform, person)
  where account <> '' and status in ('pending', 'running');

drop index if exists public.safari_attempts_paced;
create index if not exists safari_attempts_of_account
  on public.safari_command_attempts (service, account, begun_at desc) where quota_day is not null;
