-- Which note an operator was asked about, so that each is asked about once.
alter table public.actp_inbox add column if not exists note_asked text;
