-- Every listing and every retry reads an index of what it asks for, however many rows have ended.

create index if not exists safari_queue_finished_platform
  on public.safari_command_queue (platform, completed_at desc, id desc)
  where status in ('completed', 'failed', 'cancelled');
create index if not exists safari_queue_finished_action
  on public.safari_command_queue (action, completed_at desc, id desc)
  where status in ('completed', 'failed', 'cancelled');
create index if not exists safari_queue_cancelled
  on public.safari_command_queue (completed_at desc, id desc) where status = 'cancelled';
create index if not exists safari_queue_retryable
  on public.safari_command_queue (id) where status = 'failed' and reason = 'retries_exhausted';

-- No query reads it (attempts are found by their command), and a result that changes an indexed column
-- cannot update its row in place. With room left on each page it can.
drop index if exists public.safari_attempts_open;
alter table public.safari_command_attempts set (fillfactor = 80);
