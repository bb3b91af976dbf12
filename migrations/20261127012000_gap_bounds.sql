-- A gap that is no number, or longer than any campaign, would fail each begin of its service.
update public.safari_policies set min_gap_seconds = 30
 where not min_gap_seconds between 0 and 31622400;

alter table public.safari_policies drop constraint if exists safari_policies_gap_bounded;
alter table public.safari_policies
  add constraint safari_policies_gap_bounded check (min_gap_seconds <= 31622400);
