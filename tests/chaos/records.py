"""What the database says about every command, read in one go."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import LiteralString

    import psycopg

__all__ = ["ROWS", "Records", "Row", "read_records"]

Row = dict[str, Any]

# A row that neither ended nor says why it waits has been forgotten. Which wait it is, the database
# itself derives: a hold, a time to come, or a gate that is shut.
ROWS: LiteralString = """
select q.id::text, q.service, q.action, q.effect, q.status, q.reason, q.attempt, q.retry_count,
       q.crash_count, q.result, q.error, q.boot_id::text, q.lease_number, q.lease_expires_at,
       coalesce(p.params ->> 'text', p.params ->> 'query') as text,
       case when q.status <> 'pending' then null
            when q.hold is not null then q.hold
            when q.due_at > now() then 'due'
            else g.reason end as waits_for
  from safari_command_queue q
 cross join lateral (select safari_params(q.params) as params) p
  left join lateral (
    select a.reason from safari_any_gate(q.service) a where q.account = ''
    union all
    select a.reason from safari_service_gate(q.service, null, q.account) a
     where q.account <> '') g on q.status = 'pending'
 where q.service <> 'foreign'
"""
_EVENTS: LiteralString = """
select e.command_id::text as id, e.event, e.attempt, e.worker, e.detail
  from safari_command_events e order by e.id
"""
_ATTEMPTS: LiteralString = """
select command_id::text as id, attempt, outcome, quota_platform, quota_kind, quota_day, service,
       account
  from safari_command_attempts order by command_id, attempt
"""
_QUOTAS: LiteralString = """
select r.platform, r.action as kind, r.limit_date as day, r.account, r.used, r.daily_limit,
       r.ceiling
  from safari_rate_limits r
"""
_ALERTS: LiteralString = "select key, kind, detail from safari_alerts"


@dataclass(frozen=True, slots=True)
class Records:
    """Rows by id, and what hangs on them."""

    rows: Mapping[str, Row]
    events: Mapping[str, list[Row]]
    attempts: Mapping[str, list[Row]]
    quotas: list[Row]
    alerts: list[Row]


def read_records(connection: psycopg.Connection) -> Records:
    """Read everything as it stands at one moment."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("set transaction isolation level repeatable read")
        rows = cursor.execute(ROWS).fetchall()
        events = cursor.execute(_EVENTS).fetchall()
        attempts = cursor.execute(_ATTEMPTS).fetchall()
        quotas = cursor.execute(_QUOTAS).fetchall()
        alerts = cursor.execute(_ALERTS).fetchall()
    return Records(
        {row["id"]: row for row in rows}, _by_id(events), _by_id(attempts), quotas, alerts
    )


def _by_id(rows: list[Row]) -> Mapping[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["id"]].append(row)
    return grouped
