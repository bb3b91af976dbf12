-- The hours to begin with, for a table whose lists are of another type: the released file could not
-- store them there. A table with any row is left as it is.
insert into public.actp_posting_schedule (
  platform, posts_per_day, best_hours, active_days, min_gap_hours, thompson_slots
)
  select v.platform, v.posts,
         agent_as(to_jsonb(v.hours), (null::public.actp_posting_schedule).best_hours),
         agent_as(to_jsonb(v.days), (null::public.actp_posting_schedule).active_days),
         v.gap, agent_schedule_slots(v.hours)
    from (values
      ('twitter', 3, array[14, 17, 22], array[0, 1, 2, 3, 4], 3),
      ('threads', 3, array[13, 17, 23], array[0, 1, 2, 3, 4, 5], 3),
      ('instagram', 1, array[15, 20], array[1, 2, 3, 4, 5], 8),
      ('tiktok', 3, array[12, 17, 23], array[0, 1, 2, 3, 4, 5], 5),
      ('youtube', 1, array[15, 18], array[1, 3], 48),
      ('linkedin', 1, array[13, 17], array[0, 1, 2, 3, 4], 12)
    ) v (platform, posts, hours, days, gap)
   where not exists (select from public.actp_posting_schedule);
