-- Ended rows, as years of work leave them: one in a hundred failed for good, one in ten thousand was
-- not settled. As the triggers would have written them.
with written as (
  insert into safari_command_queue (
    action, platform, params, priority, status, service, effect, reason, error, result, attempt,
    created_at, updated_at, completed_at
  )
  select case n %% 2 when 0 then 'send_dm' else 'comment' end, 'twitter',
         jsonb_build_object('username', 'p_' || n, 'text', 'crowd ' || n), 5,
         case when n %% 100 = 0 then 'failed' else 'completed' end,
         case n %% 2 when 0 then 'twitter-dm' else 'twitter-comments' end, 'once',
         case when n %% 10000 = 0 then 'unknown' when n %% 100 = 0 then 'rejected' end,
         case when n %% 100 = 0 then 'no such person' end, '{"success": true}', 1, t.at, t.at, t.at
    from generate_series(0, %(rows)s::integer - 1) n,
         lateral (select now() - make_interval(secs => 30.0 * (%(rows)s::integer - n)) as at) t
  returning id, created_at, service, params
)
insert into safari_command_index (command_id, created_at, service, recipient_names, words)
  select id, created_at, service, array[params ->> 'username'], params ->> 'text' from written
