-- What stood in the database before us waits for accept or discard, and drafts wait for review.

alter table public.crm_message_queue
  add column if not exists hold text,                 -- backlog = waits for accept or discard
  add column if not exists accepted_at timestamptz,
  add column if not exists written_by text;           -- claude | template; null = another program

alter table public.actp_workflow_tasks
  add column if not exists hold text,
  add column if not exists accepted_at timestamptz;

-- Drafts and what was decided about them. An approval is bound to the hash of recipient and text.
create table if not exists public.safari_reviews (
  id uuid primary key default gen_random_uuid(),
  door text not null check (door in ('command', 'message', 'post')),
  row_id uuid not null,
  state text not null default 'pending'
    check (state in ('pending', 'approved', 'rejected', 'expired')),
  why text,
  content_hash text,                                  -- of what was approved
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '3 days',
  decided_at timestamptz,
  decided_by text,
  constraint safari_reviews_row unique (door, row_id)
);
alter table public.safari_reviews enable row level security;
create index if not exists safari_reviews_pending
  on public.safari_reviews (expires_at) where state = 'pending';

do $$
begin
  if exists (select from pg_roles where rolname = 'service_role') then
    grant select, insert, update, delete on public.safari_reviews to service_role;
  end if;
end $$;

insert into public.safari_settings (key, value) values ('review', '"off"') on conflict do nothing;

-- First contact. Our own messages say how they came about; our own posts name their video.
update public.crm_message_queue m set hold = 'backlog'
 where m.status = 'pending' and m.command_id is null
   and coalesce(m.ai_reasoning, '') !~ 'stage, score \d+; ';
update public.actp_workflow_tasks w set hold = 'backlog'
 where w.task_type = 'blotato_multi_publish' and w.status = 'pending' and w.lease_number = 0
   and not (coalesce(w.input_data, '{}') ? 'gen_job_id');

-- The hooks of strangers inspire; what a template says comes from our own posts. Those that got among
-- ours are sorted out once.
alter table public.actp_niche_resonance
  add column if not exists inspiration_hooks text[] not null default '{}';

with strangers as (
  select n.id, h.hook
    from public.actp_niche_resonance n, unnest(n.top_hook_patterns) h (hook)
   where length(h.hook) >= 8 and (
     exists (select from public.actp_platform_research r
              where r.niche = n.niche and position(lower(h.hook) in lower(r.post_text)) = 1)
     or exists (select from public.actp_platform_creators c
                 where c.niche = n.niche and position(lower(h.hook) in lower(c.top_post_text)) = 1))
)
update public.actp_niche_resonance n
   set top_hook_patterns = array(
         select h from unnest(n.top_hook_patterns) h
          where h not in (select s.hook from strangers s where s.id = n.id)),
       inspiration_hooks = array(select s.hook from strangers s where s.id = n.id)
 where exists (select from strangers s where s.id = n.id);
