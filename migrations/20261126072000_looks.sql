-- How often it was looked where an unknown text should stand, when last, and when next.
alter table public.safari_command_attempts add column if not exists looks integer not null default 0;
alter table public.safari_command_attempts add column if not exists looked_at timestamptz;
alter table public.safari_command_attempts add column if not exists next_look_at timestamptz;

create index if not exists safari_attempts_unsettled
  on public.safari_command_attempts (begun_at) where outcome = 'unknown' and resolved_at is null;
