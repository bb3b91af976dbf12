-- The hour at which a reader usually writes, UTC, where it was learned: a message that is handed over
-- late waits for it.

alter table public.crm_message_queue
  add column if not exists reader_hour integer;
