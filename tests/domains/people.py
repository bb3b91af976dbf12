"""People in the CRM, for tests that write to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

from psycopg import sql
from psycopg.rows import dict_row

from actp.domains.outreach.sending import send

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools

__all__ = ["People", "command_of", "handed"]

MESSAGES: LiteralString = """
select id::text, contact_id::text, command_id::text, platform, message_body, message_type,
       scheduled_for, status, ai_reasoning, offer_name, priority, error_message, attempts,
       created_at, sent_at
  from crm_message_queue
"""


class People:
    """Arranges contacts and messages, and looks at them."""

    def __init__(self, admin: psycopg.Connection) -> None:
        self._admin = admin

    def add(  # noqa: PLR0913  # each has a default that suits most tests
        self,
        username: str = "ada",
        *,
        platform: str = "twitter",
        score: int | None = 80,
        stage: str = "decision",
        touch: str = "dm",
        research: dict[str, Any] | None = None,
        **contact: Any,
    ) -> str:
        """Add a contact, with a score unless that is None, and return the id."""
        id_ = str(uuid4())
        self._insert("crm_contacts", id=id_, platform=platform, username=username, **contact)
        if score is not None:
            self._insert(
                "actp_prospect_scores",
                contact_id=id_,
                score=score,
                funnel_stage=stage,
                next_touch_type=touch,
                research_data=None if research is None else json.dumps(research),
                research_done=research is not None,
            )
        return id_

    def queue(self, contact: str | None, *, platform: str = "twitter", **message: Any) -> str:
        """Add a due message to somebody and return its id."""
        id_ = str(uuid4())
        given = {"message_body": f"Hi {id_}", "message_type": "outreach", **message}
        self._insert("crm_message_queue", id=id_, contact_id=contact, platform=platform, **given)
        return id_

    def hears(self, contact: str, *, hours_ago: float = 0, **message: Any) -> None:
        """Store a message of theirs, or, with ``direction``, our own."""
        given = {"platform": "twitter", "direction": "inbound", "body": "Hello", **message}
        self._insert("crm_messages", contact_id=contact, **given)
        self._admin.execute(
            "update crm_messages set sent_at = clock_timestamp() - make_interval(mins => %s)"
            " where contact_id = %s and body = %s",
            (round(60 * hours_ago), contact, given["body"]),
        )

    def messages(self, contact: str | None = None) -> list[dict[str, Any]]:
        """Return queued messages, oldest first."""
        return self.rows(
            MESSAGES + " where contact_id = coalesce(%s, contact_id) order by created_at, id",
            contact,
        )

    def message(self, id_: str) -> dict[str, Any]:
        """Return one queued message."""
        (row,) = self.rows(MESSAGES + " where id = %s", id_)
        return row

    def state(self, id_: str) -> tuple[str, str | None]:
        """Return status and error of a queued message."""
        row = self.message(id_)
        return row["status"], row["error_message"]

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Return what a query finds."""
        cursor = self._admin.cursor(row_factory=dict_row)
        return cursor.execute(query.encode(), parameters or None).fetchall()

    def _insert(self, table: str, **values: Any) -> None:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        self._admin.execute(statement, list(values.values()))


def command_of(people: People, message: str) -> str:
    return str(people.message(message)["command_id"])


def handed(tools: Tools, people: People, contact: str, **message: Any) -> tuple[str, str]:
    """Queue and hand over a message; return its id and its command's."""
    id_ = people.queue(contact, **message)
    assert send(tools)["handed"] == 1
    return id_, command_of(people, id_)
