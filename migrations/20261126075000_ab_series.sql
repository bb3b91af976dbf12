-- A/B tests of several rounds.
alter table public.actp_ab_tests
  add column if not exists series_id uuid,            -- the first round's id, in each round
  add column if not exists round integer not null default 1,
  add column if not exists rounds integer not null default 1;  -- how many there may be
create index if not exists actp_ab_tests_series
  on public.actp_ab_tests (series_id, round) where series_id is not null;
