-- Rows that were written before the triggers bounded them: each is bounded, or ends, as a new one would.
update public.safari_command_queue q
   set params = q.params
 where q.status = 'pending' and q.service <> 'foreign'
   and (q.created_at not between '1970-01-01 00:00:00+00' and '2999-12-31 00:00:00+00'
        or q.scheduled_for not between '1970-01-01 00:00:00+00' and '2999-12-31 00:00:00+00'
        or q.next_retry_at not between '1970-01-01 00:00:00+00' and '2999-12-31 00:00:00+00'
        or q.expires_at not between '1970-01-01 00:00:00+00' and '2999-12-31 00:00:00+00'
        or q.lease_number not between 0 and 4611686018427387904
        or q.attempt < 0 or q.crash_count < 0 or q.retry_count < 0
        or q.hold not in ('backlog', 'campaign', 'review')
        or public.safari_unreadable(q.params) is not null);
