-- What the domain agents read and write. Other programs write these tables too, so all of this only
-- adds, and nothing here constrains their values.

select set_config('actp.absent', agent_absent(array[
  'actp_agent_tasks',
  'actp_workflow_tasks',
  'actp_prospect_scores',
  'actp_ab_tests',
  'actp_content_performance',
  'actp_posting_schedule',
  'actp_niche_resonance',
  'youtube_video_stats',
  'actp_platform_associations',
  'actp_cross_platform_trends',
  'actp_platform_research',
  'actp_twitter_research',
  'actp_platform_creators',
  'actp_gen_jobs'
]), false);

create table if not exists public.actp_agent_tasks (
  id uuid primary key default gen_random_uuid(),
  domain text not null,
  task text not null
);

create table if not exists public.actp_workflow_tasks (
  id uuid primary key default gen_random_uuid(),
  task_type text not null
);

create table if not exists public.actp_prospect_scores (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid not null references public.crm_contacts(id) on delete cascade,
  constraint actp_prospect_scores_contact_id_key unique (contact_id)
);

create table if not exists public.actp_ab_tests (
  id uuid primary key default gen_random_uuid()
);

create table if not exists public.actp_content_performance (
  id uuid primary key default gen_random_uuid(),
  external_id text not null,
  platform text not null,
  constraint actp_content_performance_platform_external_id_key unique (platform, external_id)
);

create table if not exists public.actp_posting_schedule (
  platform text primary key
);

create table if not exists public.actp_niche_resonance (
  id uuid primary key default gen_random_uuid(),
  platform text not null,
  niche text not null,
  offer_tag text not null default 'none',
  content_type text not null,
  constraint actp_niche_resonance_key unique (platform, niche, offer_tag, content_type)
);

create table if not exists public.youtube_video_stats (
  id uuid primary key default gen_random_uuid(),
  video_id text not null,
  checked_at timestamptz not null default now(),
  check_bucket timestamp
    generated always as (date_trunc('hour', checked_at at time zone 'UTC')) stored,
  constraint youtube_video_stats_bucket_key unique (video_id, check_bucket)
);

create table if not exists public.actp_platform_associations (
  id uuid primary key default gen_random_uuid(),
  contact_id uuid not null references public.crm_contacts(id) on delete cascade,
  platform text not null,
  handle text not null,
  constraint actp_platform_associations_contact_platform_key unique (contact_id, platform)
);

create table if not exists public.actp_cross_platform_trends (
  id uuid primary key default gen_random_uuid(),
  niche text not null,
  platforms text[] not null,
  constraint actp_cross_platform_trends_niche_key unique (niche)
);

create table if not exists public.actp_platform_research (
  id uuid primary key default gen_random_uuid(),
  source_platform text not null,
  post_url text not null,
  constraint actp_platform_research_platform_url_key unique (source_platform, post_url)
);

create table if not exists public.actp_twitter_research (
  id uuid primary key default gen_random_uuid(),
  tweet_id text not null unique,
  author_handle text not null,
  tweet_text text not null,
  niche text not null,
  views integer default 0,
  likes integer default 0,
  replies integer default 0,
  retweets integer default 0,
  quotes integer default 0,
  bookmarks integer default 0,
  engagement_score double precision generated always as (
    (likes * 1.0 + replies * 3.0 + retweets * 5.0 + quotes * 7.0 + bookmarks * 2.0)
    / greatest(views, 1) * 1000) stored
);

create table if not exists public.actp_platform_creators (
  id uuid primary key default gen_random_uuid(),
  platform text not null,
  handle text not null,
  niche text not null default 'other',
  constraint actp_platform_creators_platform_handle_niche_key unique (platform, handle, niche)
);

create table if not exists public.actp_gen_jobs (
  id uuid primary key default gen_random_uuid()
);

-- A table that was there before gets the columns it lacks, and loses none.

alter table public.actp_agent_tasks
  add column if not exists domain text,
  add column if not exists task text,
  add column if not exists params jsonb default '{}',
  add column if not exists status text default 'pending',
  add column if not exists result jsonb default '{}',
  add column if not exists duration_ms integer,
  add column if not exists created_at timestamptz,
  add column if not exists completed_at timestamptz;

alter table public.actp_workflow_tasks
  add column if not exists execution_id uuid,
  add column if not exists step_id uuid,
  add column if not exists task_type text,
  add column if not exists status text default 'pending',
  add column if not exists input_data jsonb default '{}',
  add column if not exists output_data jsonb,
  add column if not exists claimed_by text,
  add column if not exists claimed_at timestamptz,
  add column if not exists completed_at timestamptz,
  add column if not exists timeout_minutes integer default 30,
  add column if not exists error text,
  add column if not exists created_at timestamptz;

alter table public.actp_prospect_scores
  add column if not exists contact_id uuid,
  add column if not exists funnel_stage text default 'awareness',
  add column if not exists score integer default 0,
  add column if not exists score_breakdown jsonb default '{}',
  add column if not exists research_done boolean default false,
  add column if not exists research_data jsonb,
  add column if not exists research_at timestamptz,
  add column if not exists next_touch_type text,
  add column if not exists next_touch_at timestamptz,
  add column if not exists offer_readiness integer default 0,
  add column if not exists icp_fit integer default 0,
  add column if not exists updated_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.actp_ab_tests
  add column if not exists niche text,
  add column if not exists test_method_a text default 'blotato',
  add column if not exists test_method_b text default 'safari',
  add column if not exists variant_a_text text,
  add column if not exists variant_b_text text,
  add column if not exists post_id_a text,
  add column if not exists post_url_b text,
  add column if not exists status text default 'running',
  add column if not exists winner text,
  add column if not exists metrics_1h jsonb,
  add column if not exists metrics_4h jsonb,
  add column if not exists metrics_24h jsonb,
  add column if not exists eng_score_a numeric,
  add column if not exists eng_score_b numeric,
  add column if not exists created_at timestamptz,
  add column if not exists completed_at timestamptz,
  add column if not exists topic text,
  add column if not exists post_url_a text,
  add column if not exists post_id_b text,
  add column if not exists error text;

alter table public.actp_content_performance
  add column if not exists external_id text,
  add column if not exists platform text,
  add column if not exists niche text,
  add column if not exists content_type text,
  add column if not exists offer_tags text[] default '{}',
  add column if not exists topic_tags text[] default '{}',
  add column if not exists views integer default 0,
  add column if not exists likes integer default 0,
  add column if not exists comments_count integer default 0,
  add column if not exists watch_time_minutes numeric default 0,
  add column if not exists engagement_score numeric default 0,
  add column if not exists title text,
  add column if not exists published_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.actp_posting_schedule
  add column if not exists platform text,
  add column if not exists posts_per_day integer,
  add column if not exists best_hours integer[],
  add column if not exists active_days integer[],
  add column if not exists min_gap_hours integer,
  add column if not exists thompson_slots jsonb default '{}',
  add column if not exists updated_at timestamptz;

alter table public.actp_niche_resonance
  add column if not exists platform text,
  add column if not exists niche text,
  add column if not exists offer_tag text default 'none',
  add column if not exists content_type text,
  add column if not exists avg_views numeric default 0,
  add column if not exists avg_engagement numeric default 0,
  add column if not exists avg_watch_time numeric default 0,
  add column if not exists top_hook_patterns text[] default '{}',
  add column if not exists top_post_ids text[] default '{}',
  add column if not exists sample_count integer default 0,
  add column if not exists last_updated timestamptz;

alter table public.youtube_video_stats
  add column if not exists video_id text,
  add column if not exists title text,
  add column if not exists published_at timestamptz,
  add column if not exists views integer default 0,
  add column if not exists likes integer default 0,
  add column if not exists comments_count integer default 0,
  add column if not exists watch_time_minutes numeric default 0,
  add column if not exists avg_view_duration_secs numeric default 0,
  add column if not exists impressions integer default 0,
  add column if not exists ctr numeric default 0,
  add column if not exists subscribers_gained integer default 0,
  add column if not exists revenue_usd numeric default 0,
  add column if not exists checked_at timestamptz;

alter table public.actp_platform_associations
  add column if not exists contact_id uuid,
  add column if not exists platform text,
  add column if not exists handle text,
  add column if not exists profile_url text,
  add column if not exists followers integer,
  add column if not exists first_seen_at timestamptz,
  add column if not exists last_active_at timestamptz,
  add column if not exists interaction_count integer default 0,
  add column if not exists engagement_type text;

alter table public.actp_cross_platform_trends
  add column if not exists niche text,
  add column if not exists platforms text[],
  add column if not exists platform_count integer default 0,
  add column if not exists total_engagement numeric default 0,
  add column if not exists avg_engagement numeric default 0,
  add column if not exists trend_strength numeric default 0,
  add column if not exists top_posts jsonb default '[]',
  add column if not exists detected_at timestamptz,
  add column if not exists updated_at timestamptz;

alter table public.actp_platform_research
  add column if not exists source_platform text,
  add column if not exists handle text,
  add column if not exists author_name text,
  add column if not exists post_url text,
  add column if not exists post_text text,
  add column if not exists niche text,
  add column if not exists likes integer default 0,
  add column if not exists views integer default 0,
  add column if not exists comments_count integer default 0,
  add column if not exists shares integer default 0,
  add column if not exists engagement_score numeric default 0,
  add column if not exists raw jsonb default '{}',
  add column if not exists posted_at timestamptz,
  add column if not exists scraped_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.actp_twitter_research
  add column if not exists tweet_id text,
  add column if not exists author_handle text,
  add column if not exists author_display_name text,
  add column if not exists author_follower_count integer,
  add column if not exists tweet_text text,
  add column if not exists tweet_url text,
  add column if not exists niche text,
  add column if not exists search_keyword text,
  add column if not exists views integer default 0,
  add column if not exists likes integer default 0,
  add column if not exists replies integer default 0,
  add column if not exists retweets integer default 0,
  add column if not exists quotes integer default 0,
  add column if not exists bookmarks integer default 0,
  add column if not exists framework_tags text[] default '{}',
  add column if not exists hook_type text,
  add column if not exists content_type text,
  add column if not exists emotion_tags text[] default '{}',
  add column if not exists cta_type text,
  add column if not exists has_media boolean default false,
  add column if not exists media_type text,
  add column if not exists tweet_date timestamptz,
  add column if not exists scraped_at timestamptz,
  add column if not exists research_batch_id text,
  add column if not exists created_at timestamptz;

alter table public.actp_platform_creators
  add column if not exists platform text,
  add column if not exists handle text,
  add column if not exists display_name text,
  add column if not exists niche text default 'other',
  add column if not exists followers integer,
  add column if not exists engagement_score numeric default 0,
  add column if not exists top_post_text text,
  add column if not exists top_post_url text,
  add column if not exists offer_match text[] default '{}',
  add column if not exists icp_fit_score integer default 0,
  add column if not exists last_synced_at timestamptz,
  add column if not exists created_at timestamptz;

alter table public.actp_gen_jobs
  add column if not exists model text default 'remotion',
  add column if not exists executor text,
  add column if not exists brief jsonb default '{}',
  add column if not exists status text default 'queued',
  add column if not exists output_url text,
  add column if not exists platform text,
  add column if not exists error text,
  add column if not exists created_at timestamptz,
  add column if not exists updated_at timestamptz,
  add column if not exists render_job_id text,
  add column if not exists retry_count integer default 0,
  add column if not exists niche text,
  add column if not exists completed_at timestamptz;

select agent_default_now(array[
  'actp_agent_tasks.created_at',
  'actp_workflow_tasks.created_at',
  'actp_prospect_scores.updated_at',
  'actp_prospect_scores.created_at',
  'actp_ab_tests.created_at',
  'actp_content_performance.created_at',
  'actp_posting_schedule.updated_at',
  'actp_niche_resonance.last_updated',
  'youtube_video_stats.checked_at',
  'actp_platform_associations.first_seen_at',
  'actp_cross_platform_trends.detected_at',
  'actp_cross_platform_trends.updated_at',
  'actp_platform_research.scraped_at',
  'actp_platform_research.created_at',
  'actp_twitter_research.scraped_at',
  'actp_twitter_research.created_at',
  'actp_platform_creators.last_synced_at',
  'actp_platform_creators.created_at',
  'actp_gen_jobs.created_at',
  'actp_gen_jobs.updated_at'
]);

select agent_key(v.name, v.columns) from (values
  ('actp_prospect_scores', 'contact_id'),
  ('actp_content_performance', 'platform,external_id'),
  ('actp_posting_schedule', 'platform'),
  ('actp_niche_resonance', 'platform,niche,offer_tag,content_type'),
  ('actp_platform_associations', 'contact_id,platform'),
  ('actp_cross_platform_trends', 'niche'),
  ('actp_platform_research', 'source_platform,post_url'),
  ('actp_twitter_research', 'tweet_id'),
  ('actp_platform_creators', 'platform,handle,niche')
) v (name, columns);

create index if not exists idx_agent_tasks_recent
  on public.actp_agent_tasks (created_at desc);
create index if not exists idx_agent_tasks_domain
  on public.actp_agent_tasks (domain, created_at desc);
create index if not exists idx_workflow_tasks_pending
  on public.actp_workflow_tasks (task_type, status, created_at) where status='pending';
create index if not exists idx_prospect_scores_rank
  on public.actp_prospect_scores (score desc);
create index if not exists idx_prospect_research_due
  on public.actp_prospect_scores (score desc) where research_done is false;
create index if not exists idx_ab_tests_running
  on public.actp_ab_tests (created_at) where status='running';
create index if not exists idx_content_perf_platform_time
  on public.actp_content_performance (platform, published_at desc);
create index if not exists idx_resonance_rank
  on public.actp_niche_resonance (platform, avg_views desc);
create index if not exists idx_yvs_latest
  on public.youtube_video_stats (video_id, checked_at desc);
create index if not exists idx_platform_research_recent
  on public.actp_platform_research (scraped_at desc);
create index if not exists idx_platform_research_niche
  on public.actp_platform_research (niche);
create index if not exists idx_twitter_research_niche
  on public.actp_twitter_research (niche);
create index if not exists idx_twitter_research_engagement
  on public.actp_twitter_research (engagement_score desc);
create index if not exists idx_twitter_research_author
  on public.actp_twitter_research (author_handle);
create index if not exists idx_twitter_research_recent
  on public.actp_twitter_research (scraped_at desc);
create index if not exists idx_gen_jobs_open
  on public.actp_gen_jobs (created_at) where status in ('pending','queued','rendering','complete');


select agent_close(current_setting('actp.absent'));

select public.safari_protect();
