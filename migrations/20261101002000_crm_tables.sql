-- The CRM: people, what was said with them, and what is to be said next. Other programs write these
-- tables too, so all of this only adds, and nothing constrains their values.

-- What both files of tables need. A table that was there before keeps its owner's rules: it gets the
-- columns and keys it lacks, bin/doctor reports it where it is open to others, and bin/db secure
-- closes it.

-- Which of these tables are not there yet.
create or replace function public.agent_absent(names text[]) returns text
language sql stable set search_path = public, pg_temp as $$
  select coalesce(string_agg(n, ','), '') from unnest(names) n where to_regclass('public.' || n) is null
$$;

-- Closes the tables that were absent, to all but the service role.
create or replace function public.agent_close(absent text) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  name text;
begin
  foreach name in array string_to_array(absent, ',') loop
    execute format('alter table public.%I enable row level security', name);
    if exists (select from pg_roles where rolname = 'service_role') then
      execute format('grant select, insert, update, delete on public.%I to service_role', name);
    end if;
  end loop;
end $$;

-- Gives new rows a time in "table.column" where nothing else does; rows that were there have none.
create or replace function public.agent_default_now(columns text[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  wanted record;
begin
  for wanted in
    select c.names[1] as name, c.names[2] as at
      from (select string_to_array(u, '.') as names from unnest(columns) u) c
      join pg_attribute a
        on a.attrelid = ('public.' || c.names[1])::regclass and a.attname = c.names[2]
     where not a.atthasdef
  loop
    execute format('alter table public.%I alter column %I set default now()',
                   wanted.name, wanted.at);
  end loop;
end $$;

-- The key that upserts rely on: made only where no equal one exists; duplicates are told, not removed.
create or replace function public.agent_key(name text, columns text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  if exists (
    select from pg_index i
     where i.indrelid = ('public.' || name)::regclass
       and i.indisunique and i.indpred is null and i.indexprs is null
       and (select array_agg(a.attname::text order by a.attname)
              from unnest(i.indkey) key
              join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key)
           = (select array_agg(c order by c) from unnest(string_to_array(columns, ',')) c)
  ) then
    return;
  end if;
  execute format('create unique index %I on public.%I (%s)', name || '_upsert', name, columns);
exception when unique_violation then
  raise warning '% (%) has duplicates: remove them, then migrate again', name, columns;
end $$;

select set_config('actp.absent', agent_absent(array[
  'crm_contacts',
  'crm_conversations',
  'crm_messages',
  'crm_interactions',
  'crm_message_queue',
  'crm_score_history',
  'crm_market_research',
  'linkedin_prospects',
  'actp_crm_transitions'
]), false);

create table if not exists public.crm_contacts (
  id uuid primary key default gen_random_uuid(),
  platform text not null,
  username text not null,
  constraint crm_contacts_platform_username_key unique (platform, username)
);

create table if not exists public.crm_conversations (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid references public.crm_contacts(id) on delete cascade,
  platform text not null,
  constraint crm_conversations_contact_platform_key unique (contact_id, platform)
);

create table if not exists public.crm_messages (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid references public.crm_contacts(id) on delete cascade,
  conversation_id uuid references public.crm_conversations(id) on delete set null,
  platform text,
  username text,
  message_id text,
  constraint crm_messages_platform_username_message_id_key unique (platform, username, message_id)
);

create table if not exists public.crm_interactions (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid not null references public.crm_contacts(id) on delete cascade,
  type text not null
);

create table if not exists public.crm_message_queue (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid references public.crm_contacts(id) on delete cascade,
  platform text not null,
  message_body text not null
);

create table if not exists public.crm_score_history (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid not null references public.crm_contacts(id) on delete cascade,
  score integer not null
);

create table if not exists public.crm_market_research (
  id uuid primary key default gen_random_uuid(),
  platform text,
  keyword text,
  post_url text,
  constraint crm_market_research_platform_url_kw_key unique (platform, post_url, keyword)
);

create table if not exists public.linkedin_prospects (
  id uuid primary key default gen_random_uuid(),
  profile_url text unique
);

create table if not exists public.actp_crm_transitions (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid references public.crm_contacts(id) on delete cascade
);

-- A table that was there before gets the columns it lacks, and loses none.

alter table public.crm_contacts
  add column if not exists platform text,
  add column if not exists username text,
  add column if not exists display_name text,
  add column if not exists email text,
  add column if not exists bio text,
  add column if not exists headline text,
  add column if not exists source text,
  add column if not exists niche_label text,
  add column if not exists tags text[] default '{}',
  add column if not exists twitter_handle text,
  add column if not exists instagram_handle text,
  add column if not exists tiktok_handle text,
  add column if not exists linkedin_url text,
  add column if not exists website_url text,
  add column if not exists pipeline_stage text default 'new',
  add column if not exists relationship_stage text default 'cold',
  add column if not exists relationship_score integer default 0,
  add column if not exists icp_score numeric(5,2),
  add column if not exists offer_readiness integer default 0,
  add column if not exists ai_summary text,
  add column if not exists next_action text,
  add column if not exists next_action_at timestamptz,
  add column if not exists stage text default 'cold',
  add column if not exists engagement_score double precision default 0,
  add column if not exists unread boolean default false,
  add column if not exists last_message text,
  add column if not exists last_message_at timestamptz,
  add column if not exists messages_sent integer default 0,
  add column if not exists total_messages_sent integer default 0,
  add column if not exists replies_received integer default 0,
  add column if not exists reply_rate double precision default 0,
  add column if not exists last_outbound_at timestamptz,
  add column if not exists last_inbound_at timestamptz,
  add column if not exists last_scored_at timestamptz,
  add column if not exists email_opted_out boolean default false,
  add column if not exists archived_at timestamptz,
  add column if not exists synced_at timestamptz,
  add column if not exists created_at timestamptz,
  add column if not exists updated_at timestamptz;

alter table public.crm_conversations
  add column if not exists contact_id uuid,
  add column if not exists platform text,
  add column if not exists platform_thread_id text,
  add column if not exists last_message text,
  add column if not exists last_message_preview text,
  add column if not exists last_message_at timestamptz,
  add column if not exists last_reply_at timestamptz,
  add column if not exists reply_count integer default 0,
  add column if not exists unread_count integer default 0,
  add column if not exists created_at timestamptz,
  add column if not exists updated_at timestamptz;

alter table public.crm_messages
  add column if not exists contact_id uuid,
  add column if not exists conversation_id uuid,
  add column if not exists platform text,
  add column if not exists username text,
  add column if not exists message_text text,
  add column if not exists body text,
  add column if not exists is_outbound boolean,
  add column if not exists direction text,
  add column if not exists message_type text default 'dm',
  add column if not exists sender text,
  add column if not exists message_id text,
  add column if not exists ai_generated boolean default false,
  add column if not exists sent_by_automation boolean default false,
  add column if not exists metadata jsonb default '{}',
  add column if not exists sent_at timestamptz,
  add column if not exists synced_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.crm_interactions
  add column if not exists contact_id uuid,
  add column if not exists type text,
  add column if not exists platform text,
  add column if not exists direction text,
  add column if not exists summary text,
  add column if not exists outcome text,
  add column if not exists sentiment text,
  add column if not exists value_delivered boolean default false,
  add column if not exists queue_id uuid,
  add column if not exists metadata jsonb default '{}',
  add column if not exists occurred_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.crm_message_queue
  add column if not exists contact_id uuid,
  add column if not exists platform text,
  add column if not exists message_body text,
  add column if not exists message_type text default 'outreach',
  add column if not exists scheduled_for timestamptz,
  add column if not exists status text default 'pending',
  add column if not exists ai_reasoning text,
  add column if not exists offer_name text,
  add column if not exists priority integer default 3,
  add column if not exists error_message text,
  add column if not exists attempts integer default 0,
  add column if not exists created_at timestamptz,
  add column if not exists updated_at timestamptz,
  add column if not exists sent_at timestamptz;

alter table public.crm_score_history
  add column if not exists contact_id uuid,
  add column if not exists score integer,
  add column if not exists stage text,
  add column if not exists reason text,
  add column if not exists reasoning text,
  add column if not exists signals text[] default '{}',
  add column if not exists model_used text,
  add column if not exists scored_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.crm_market_research
  add column if not exists platform text,
  add column if not exists keyword text,
  add column if not exists author text,
  add column if not exists post_url text,
  add column if not exists post_text text,
  add column if not exists likes integer default 0,
  add column if not exists views integer default 0,
  add column if not exists comments integer default 0,
  add column if not exists shares integer default 0,
  add column if not exists retweets integer default 0,
  add column if not exists engagement_score numeric default 0,
  add column if not exists is_verified boolean default false,
  add column if not exists hashtags text[] default '{}',
  add column if not exists collected_at timestamptz;

alter table public.linkedin_prospects
  add column if not exists full_name text,
  add column if not exists profile_url text,
  add column if not exists headline text,
  add column if not exists about_snippet text,
  add column if not exists stage text default 'new',
  add column if not exists fit_score integer,
  add column if not exists connection_note text,
  add column if not exists contacted_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.actp_crm_transitions
  add column if not exists contact_id uuid,
  add column if not exists from_stage text,
  add column if not exists to_stage text,
  add column if not exists trigger text,
  add column if not exists score_at_transition integer,
  add column if not exists created_at timestamptz;

select agent_default_now(array[
  'crm_contacts.created_at',
  'crm_contacts.updated_at',
  'crm_conversations.created_at',
  'crm_conversations.updated_at',
  'crm_messages.sent_at',
  'crm_messages.created_at',
  'crm_interactions.occurred_at',
  'crm_interactions.created_at',
  'crm_message_queue.scheduled_for',
  'crm_message_queue.created_at',
  'crm_score_history.scored_at',
  'crm_score_history.created_at',
  'crm_market_research.collected_at',
  'linkedin_prospects.created_at',
  'actp_crm_transitions.created_at'
]);

select agent_key(v.name, v.columns) from (values
  ('crm_contacts', 'platform,username'),
  ('crm_conversations', 'contact_id,platform'),
  ('crm_messages', 'platform,username,message_id'),
  ('crm_market_research', 'platform,post_url,keyword')
) v (name, columns);

create index if not exists idx_crm_contacts_pipeline_stage
  on public.crm_contacts (pipeline_stage);
create index if not exists idx_crm_contacts_updated
  on public.crm_contacts (updated_at desc);
create index if not exists idx_cm_contact_time
  on public.crm_messages (contact_id, sent_at desc);
create index if not exists idx_ci_contact_time
  on public.crm_interactions (contact_id, created_at desc);
create index if not exists idx_cmq_due
  on public.crm_message_queue (priority, scheduled_for) where status='pending';
create index if not exists idx_cmq_contact
  on public.crm_message_queue (contact_id, status);
create index if not exists idx_score_history_contact
  on public.crm_score_history (contact_id);
create index if not exists idx_cmr_keyword
  on public.crm_market_research (keyword, platform);
create index if not exists idx_crm_transitions_contact
  on public.actp_crm_transitions (contact_id, created_at desc);

-- At most one open message to a person on a platform, however often the queue is built.
do $$
begin
  create unique index if not exists crm_message_queue_open
    on public.crm_message_queue (contact_id, platform) where status in ('pending', 'sending');
exception when unique_violation then
  raise warning 'crm_message_queue has several open messages to one person: settle them, then '
                'migrate again';
end $$;

-- Three programs write messages in three shapes; every reader finds both pairs of columns filled.
create or replace function public.agent_reconcile_message() returns trigger
language plpgsql set search_path = public, pg_temp as $$
begin
  new.message_text := coalesce(
    new.message_text, new.body, to_jsonb(new) ->> 'text', to_jsonb(new) ->> 'content');
  new.body := coalesce(new.body, new.message_text, '');
  -- The direction wins: is_outbound may be a default.
  new.is_outbound := coalesce(new.direction = 'outbound', new.is_outbound, false);
  new.direction := case when new.is_outbound then 'outbound' else 'inbound' end;
  return new;
end $$;

create or replace trigger agent_reconcile_message
  before insert or update on public.crm_messages
  for each row execute function public.agent_reconcile_message();


select agent_close(current_setting('actp.absent'));

select public.safari_protect();
