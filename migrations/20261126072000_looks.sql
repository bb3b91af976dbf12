-- How often it was looked where an unknown text should stand, when last, and when next.
alter table public.safari_command_attempts add column if not exists looks integer not null default 0;
alter table public.safari_command_attempts add column if not exists looked_at timestamptz;
alter table public.safari_command_attempts add column if not exists next_look_at timestamptz;

-- Unknown outcomes are found by their commands (safari_queue_unknown): an index that names the outcome
-- would keep every result from updating its row in place.
drop index if exists public.safari_attempts_unsettled;
