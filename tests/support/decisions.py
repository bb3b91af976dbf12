"""Alerts under which an operator decides, one of each kind, with what each decision does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from psycopg.types.json import Jsonb

from tests.domains.people import People
from tests.store.life import Life
from tests.support.campaigns import Campaigns

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from actp.store.protocol import Json, Store

__all__ = ["KINDS", "Case", "Decisions"]

PAUSES: Final = (
    "select coalesce((select string_agg(platform || ' ' || round(extract(epoch from"
    " until - now()) / 3600) || 'h', ',') from safari_pauses), 'no pause')"
)


@dataclass(frozen=True, slots=True)
class Case:
    """An alert that waits: what can be decided, and a query that shows what came of it."""

    kind: str
    actions: tuple[str, ...]
    look: str

    def __str__(self) -> str:
        return self.kind


class Decisions:
    """Arranges one alert and looks at what a decision changed."""

    def __init__(self, store: Store, admin: psycopg.Connection) -> None:
        self.store = store
        self.admin = admin
        # Nothing else is told meanwhile.
        admin.execute("update safari_settings set value = '\"off\"' where key = 'review'")

    def unknown_outcome(self) -> Case:
        life = Life(self.store)
        self.command = life.enqueue()
        life.end(self.command, "unknown", error="no answer")
        return Case(
            "unknown_outcome",
            ("sent", "not_sent"),
            "select status || ' ' || coalesce(reason, '') from safari_command_queue",
        )

    def campaign_held(self) -> Case:
        id_ = Campaigns(self.store, self.admin).create("dm_sequence", "ada")
        self.admin.execute(
            "update safari_campaign_targets set hold = 'maybe_replied: an unread message'"
        )
        self._alert(
            "campaign_held",
            handle="ada",
            platform="twitter",
            campaign_id=id_,
            text="an unread message",
        )
        return Case(
            "campaign_held",
            ("replied", "go_on"),
            "select (select state from safari_campaign_targets) || ' '"
            " || coalesce((select string_agg(event, ',') from safari_campaign_events), '')",
        )

    def blocked(self) -> Case:
        self._alert("blocked", service="twitter-dm", text="captcha")
        return Case(
            "blocked",
            ("pause", "resume"),
            PAUSES,
        )

    def quota_reached(self) -> Case:
        self._alert("quota_reached", platform="tiktok", kind="dm")
        return Case("quota_reached", ("pause",), PAUSES)

    def reply(self) -> Case:
        people = People(self.admin)
        self.contact = people.add("ada")
        people.hears(self.contact, body="How much is it?")
        return Case(
            "reply",
            ("snooze", "done"),
            "select case when done_at is not null then 'done' when snoozed_until > now() then"
            " 'snoozed' else 'waits' end from actp_inbox",
        )

    def draft(self) -> Case:
        self.admin.execute("update safari_settings set value = '\"all\"' where key = 'review'")
        one: dict[str, Json] = {
            "action": "send_dm",
            "platform": "twitter",
            "params": {"username": "ada", "text": "Hello <b>Ada</b> & all"},
        }
        self.command = str(self.store.call("safari_enqueue", commands=[one])[0]["id"])
        return Case(
            "draft",
            ("approve", "reject"),
            "select status || ' ' || coalesce(hold, 'free') from safari_command_queue",
        )

    def _alert(self, kind: str, /, **detail: str) -> None:
        self.admin.execute("select safari_alert(%s, %s, %s)", (kind, kind, Jsonb(detail)))

    def arrange(self, kind: str) -> Case:
        """Arrange the alert of a kind, alone in the outbox."""
        self.admin.execute("update safari_alerts set delivered_at = now()")
        make: Callable[[], Case] = getattr(self, kind)
        case = make()
        self.admin.execute(
            "update safari_alerts set delivered_at = now() where kind <> %s", (case.kind,)
        )
        return case

    def state(self, case: Case) -> str:
        """Return what the decision is about as it is now."""
        found = self.admin.execute(case.look.encode()).fetchone()
        assert found is not None
        return str(found[0]).strip()

    def audit(self) -> list[tuple[str, str]]:
        """Return who did what, in order."""
        rows = self.admin.execute(
            "select operator, action from safari_operator_actions order by id"
        )
        return [(row[0], row[1]) for row in rows]

    def rows(self) -> dict[str, Any]:
        """Return everything that a decision could change, for a look at what did not."""
        tables = (
            "safari_command_queue",
            "safari_campaign_targets",
            "safari_pauses",
            "safari_reviews",
            "safari_operator_actions",
            "actp_inbox",
        )
        return {
            table: self.admin.execute(
                sql.SQL(
                    "select jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text) from {} t"
                ).format(sql.Identifier(table))
            ).fetchone()
            for table in tables
        }


# What each button does, by what is seen of it afterwards.
KINDS: Final = {
    "unknown_outcome": {"sent": "completed", "not_sent": "failed not_sent"},
    "campaign_held": {"replied": "replied replied", "go_on": "warmup go_on"},
    "blocked": {"pause": "twitter 2h", "resume": "no pause"},
    "quota_reached": {"pause": "tiktok 2h"},
    "reply": {"snooze": "snoozed", "done": "done"},
    "draft": {"approve": "pending free", "reject": "cancelled free"},
}
