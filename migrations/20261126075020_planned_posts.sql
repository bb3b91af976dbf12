-- When the two posts of an A/B test are to appear; null: at once.
alter table public.actp_ab_tests add column if not exists planned_at timestamptz;
