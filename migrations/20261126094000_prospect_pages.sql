-- A page of prospects begins where the last one ended, also among many who have the same score. By the
-- index on the score alone each page sorted all that were left.
create index if not exists actp_prospect_scores_page
  on public.actp_prospect_scores (score desc, contact_id desc);
drop index if exists public.idx_prospect_scores_rank;
