"""Decisions by button in the database: once, as shown, and in the audit."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from actp.errors import WrongState
from tests.support.decisions import KINDS, Decisions

if TYPE_CHECKING:
    import psycopg

    from actp.store.protocol import Store

HOST = "this-mac"
ADA = "telegram:42 (ada)"
SECONDS = 60.0

DECISIONS = [(kind, action) for kind, actions in KINDS.items() for action in actions]


class Desk:
    """A host that receives, and the presses that come to it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._numbers = count()
        assert self.lease(HOST)["granted"]

    def lease(self, host: str, seconds: float = SECONDS) -> dict[str, Any]:
        answer: dict[str, Any] = self.store.call(
            "safari_telegram_lease", host=host, seconds=seconds
        )
        return answer

    def claim(self) -> list[dict[str, Any]]:
        answer = self.store.call(
            "safari_alerts_claim", row_limit=100, seconds=SECONDS, with_buttons=True
        )
        alerts: list[dict[str, Any]] = answer["alerts"]
        return alerts

    def press(
        self,
        alert: dict[str, Any],
        action: str,
        *,
        key: str | None = None,
        host: str = HOST,
        mark: str | None = None,
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self.store.call(
            "safari_telegram_press",
            key=key or f"press-{next(self._numbers)}",
            host=host,
            operator=ADA,
            alert_id=alert["id"],
            action=action,
            mark=mark or alert["offer"]["mark"],
        )
        return answer


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def decisions(store: Store, admin: psycopg.Connection) -> Decisions:
    return Decisions(store, admin)


@pytest.mark.parametrize(("kind", "action"), DECISIONS)
def test_a_button_does_what_it_says_once_and_the_audit_names_who_pressed(
    desk: Desk, decisions: Decisions, kind: str, action: str
) -> None:
    case = decisions.arrange(kind)
    (alert,) = desk.claim()
    assert tuple(alert["offer"]["actions"]) == case.actions
    answer = desk.press(alert, action, key="one")
    assert (answer["done"], answer["repeated"], answer["why"]) == (True, False, None)
    assert decisions.state(case) == KINDS[kind][action]
    assert {who for who, _ in decisions.audit()} == {ADA}
    after = decisions.rows()
    again = desk.press(alert, action, key="one")
    assert (again["done"], again["repeated"], again["at"]) == (True, True, answer["at"])
    refused = desk.press(alert, action, key="two")
    assert (refused["done"], refused["why"]) == (False, "used")
    assert decisions.rows() == after


@pytest.mark.parametrize(("kind", "action"), DECISIONS)
def test_a_button_for_what_has_changed_since_does_nothing(
    desk: Desk, decisions: Decisions, kind: str, action: str
) -> None:
    case = decisions.arrange(kind)
    (alert,) = desk.claim()
    change = {
        "unknown_outcome": "select safari_resolve(id, 'sent') from safari_command_queue",
        "campaign_held": "update safari_campaign_targets set version = version + 1",
        "blocked": "select safari_pause('twitter', 60)",
        "quota_reached": "select safari_pause('tiktok', 60)",
        "reply": "insert into crm_messages (contact_id, platform, direction, body)"
        " select id, 'twitter', 'inbound', 'Stop. I mean it.' from crm_contacts",
        "draft": 'update safari_command_queue set params = params || \'{"text": "Other"}\'',
    }[kind]
    decisions.admin.execute(change.encode())
    before, state = decisions.rows(), decisions.state(case)
    answer = desk.press(alert, action)
    assert (answer["done"], answer["why"]) == (False, "changed")
    assert answer["state"]["state"]
    assert (decisions.rows(), decisions.state(case)) == (before, state)


def test_a_pause_offers_its_end_under_a_new_mark(desk: Desk, decisions: Decisions) -> None:
    case = decisions.arrange("quota_reached")
    (alert,) = desk.claim()
    offer = desk.press(alert, "pause")["offer"]
    assert offer["actions"] == ["resume"]
    assert desk.press(alert, "resume")["why"] == "changed"
    assert desk.press(alert, "resume", mark=offer["mark"])["done"]
    assert decisions.state(case) == "no pause"
    # As it was at first, but that button was used.
    assert desk.press(alert, "pause")["why"] == "used"


def test_a_resume_leaves_the_pause_of_another_account(
    desk: Desk, decisions: Decisions, admin: psycopg.Connection
) -> None:
    case = decisions.arrange("blocked")
    admin.execute("select safari_pause('twitter', 90000, 'hands off', 'acme')")
    (alert,) = desk.claim()
    assert alert["offer"]["actions"] == ["pause", "resume"]
    offer = desk.press(alert, "pause")["offer"]
    assert desk.press(alert, "resume", mark=offer["mark"])["done"]
    assert decisions.state(case) == "twitter 25h"


def test_who_decided_elsewhere_is_named_to_who_comes_too_late(
    desk: Desk, decisions: Decisions, store: Store
) -> None:
    decisions.arrange("unknown_outcome")
    (alert,) = desk.claim()
    arguments = {"id": decisions.command, "verdict": "not-sent"}
    store.call("safari_act", action="resolve", arguments=arguments, operator="bob@mac/cli")
    state = desk.press(alert, "sent")["state"]
    assert (state["state"], state["by"]) == ("not_sent", "bob@mac/cli")


def test_who_paused_another_platform_is_not_named(
    desk: Desk, decisions: Decisions, store: Store
) -> None:
    decisions.arrange("blocked")
    (alert,) = desk.claim()
    for operator, place in (
        ("bob@mac/cli", {"platform": "twitter"}),
        ("kim@mac/cli", {"platform": "tiktok"}),
        ("lin@mac/cli", {"platform": "twitter", "account": "acme"}),
    ):
        store.call("safari_act", action="pause", arguments=place, operator=operator)
    assert desk.press(alert, "pause")["state"]["by"] == "bob@mac/cli"


@pytest.mark.parametrize("action", ["approve", "resolve", "drop table", ""])
def test_an_action_that_was_not_offered_does_nothing(
    desk: Desk, decisions: Decisions, action: str
) -> None:
    decisions.arrange("unknown_outcome")
    (alert,) = desk.claim()
    before = decisions.rows()
    assert not desk.press(alert, action)["done"]
    assert desk.press({**alert, "id": 10**12}, "sent")["why"] == "gone"
    assert decisions.rows() == before


def test_one_host_receives_at_a_time_and_no_other_decides(desk: Desk, decisions: Decisions) -> None:
    decisions.arrange("unknown_outcome")
    (alert,) = desk.claim()
    refused = desk.lease("other-mac")
    assert not refused["granted"]
    assert 0 < refused["wait_seconds"] <= SECONDS
    with pytest.raises(WrongState):
        desk.press(alert, "sent", host="other-mac")
    assert desk.lease(HOST)["granted"]
    decisions.admin.execute("update safari_telegram set lease_until = now()")
    assert desk.lease("other-mac")["granted"]
    with pytest.raises(WrongState):
        desk.press(alert, "sent")
    assert desk.press(alert, "sent", host="other-mac")["done"]


def test_drafts_come_five_at_a_time_each_once(
    desk: Desk, decisions: Decisions, admin: psycopg.Connection
) -> None:
    for _ in range(7):
        decisions.draft()
    first = desk.claim()
    assert [alert["kind"] for alert in first] == ["draft"] * 5
    delivered = "update safari_alerts set delivered_at = now(), claimed_until = null"
    admin.execute(delivered)
    assert desk.claim() == []
    assert desk.press(first[0], "reject")["done"]
    assert desk.press(first[1], "approve")["done"]
    assert len(desk.claim()) == 2


def test_without_buttons_no_draft_is_told_and_nothing_is_offered(
    decisions: Decisions, store: Store
) -> None:
    decisions.draft()
    decisions.arrange("blocked")
    claim = store.call("safari_alerts_claim", row_limit=100, seconds=SECONDS)
    assert [(alert["kind"], "offer" in alert) for alert in claim["alerts"]] == [("blocked", False)]
    assert claim["secret"] is None


@pytest.mark.parametrize(
    "detail",
    [
        "{}",
        "[]",
        '"x"',
        '{"command_id": "no uuid"}',
        '{"contact_id": 7}',
        '{"review_id": null}',
        '{"service": ["twitter-dm"]}',
    ],
)
def test_an_alert_that_anybody_wrote_offers_nothing_and_stops_none(
    desk: Desk, admin: psycopg.Connection, detail: str
) -> None:
    kinds = ("unknown_outcome", "campaign_held", "reply", "draft", "blocked", "quota_reached")
    for kind in kinds:
        admin.execute("select safari_alert(%s, %s, %s)", (kind, kind, detail))
    assert [alert["offer"] for alert in desk.claim()] == [None] * len(kinds)
