"""Whom outreach writes to, when and where: pure rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from actp.domains.outreach.channel import channel, is_blocked, wishes
from actp.domains.outreach.cooldown import COOLDOWNS, PRIORITIES, cooldown
from actp.domains.outreach.prospect import Prospect, Said, Touch, decide
from actp.domains.outreach.windows import active_hour, next_send_time

if TYPE_CHECKING:
    from actp.domains.outreach.cooldown import Stage
    from actp.store.protocol import Store

# A Wednesday.
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ADA = Prospect(
    person="5b1a0000-0000-4000-8000-000000000001",
    contact_id="c1",
    stage="decision",
    score=80,
    name="Ada Lovelace",
    username="ada",
    email=None,
    bio="",
    niche="ai_automation",
    own_platform="twitter",
    conversation_platform=None,
    next_touch_type="dm",
    addresses={"twitter": "ada"},
    research=None,
    breakdown={},
    veto=None,
    is_open=False,
    is_in_campaign=False,
    has_tiktok_message=False,
    touched_at=None,
    touches_this_week=0,
    ours_at=None,
    heard_at=None,
    done_at=None,
    needs_look=False,
    heard_hours=(),
)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


@pytest.mark.parametrize(
    ("stage", "silent_days", "touches", "held"),
    [
        ("decision", 1.9, 1, "cooldown"),
        ("decision", 2, 2, None),
        ("decision", 2, 3, "weekly_limit"),
        ("consideration", 6.9, 0, "cooldown"),
        ("consideration", 7, 0, None),
        ("consideration", 7, 1, "weekly_limit"),
        ("awareness", 13.9, 0, "cooldown"),
        ("awareness", 14, 0, None),
        ("awareness", None, 1, "weekly_limit"),
        ("awareness", None, 0, None),
    ],
)
def test_each_stage_has_its_cooldown_and_its_number_a_week(
    stage: Stage, silent_days: float | None, touches: int, held: str | None
) -> None:
    touched = None if silent_days is None else days(silent_days)
    told = cooldown(stage, now=NOW, touched_at=touched, touches_this_week=touches)
    assert told == held


@pytest.mark.parametrize(
    ("heard", "ours", "done", "held"),
    [
        (1, 3, None, "waits_for_us"),
        (300, 400, None, "waits_for_us"),
        (1, None, None, "waits_for_us"),
        (4, 3, None, None),
        (4, None, 3, None),
        (2, None, 3, "waits_for_us"),
    ],
)
def test_who_wrote_last_gets_nothing_automatic(
    heard: float, ours: float | None, done: float | None, held: str | None
) -> None:
    prospect = replace(
        ADA,
        heard_at=days(heard),
        ours_at=None if ours is None else days(ours),
        done_at=None if done is None else days(done),
    )
    decision = decide(prospect, NOW, frozenset())
    assert (None if isinstance(decision, Touch) else decision) == held


@pytest.mark.parametrize(
    ("text", "done", "held"),
    [
        ("Please stop messaging me.", None, "asked_to_stop"),
        ("Please stop messaging me.", 1, "asked_to_stop"),
        ("wrong person?", None, "needs_look"),
        ("wrong person?", 1, None),
        ("sounds great", None, None),
    ],
)
def test_their_words_are_judged_in_the_decision(
    text: str, done: float | None, held: str | None
) -> None:
    prospect = replace(
        ADA,
        said=(Said(text, days(30)),),
        ours_at=days(20),
        done_at=None if done is None else days(done),
    )
    decision = decide(prospect, NOW, frozenset())
    assert (None if isinstance(decision, Touch) else decision) == held


@pytest.mark.parametrize(
    ("stage", "now", "expected"),
    [
        ("decision", "2026-11-25T12:00", "2026-11-25T13:00"),
        ("decision", "2026-11-25T13:20", "2026-11-25T13:20"),
        ("decision", "2026-11-25T14:00", "2026-11-25T17:00"),
        ("decision", "2026-11-25T18:00", "2026-11-26T13:00"),
        ("decision", "2026-11-27T18:00", "2026-11-30T13:00"),
        ("consideration", "2026-11-25T14:00", "2026-11-26T13:00"),
        ("awareness", "2026-11-25T13:59", "2026-11-25T13:59"),
        ("awareness", "2026-11-25T14:00", "2026-11-30T13:00"),
        ("awareness", "2026-11-28T00:00", "2026-11-30T13:00"),
    ],
)
def test_a_message_waits_for_the_window_of_its_stage(stage: Stage, now: str, expected: str) -> None:
    told = next_send_time(stage, datetime.fromisoformat(f"{now}Z"))
    assert told == datetime.fromisoformat(f"{expected}Z")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [((), None), ((8, 9), None), ((8, 9, 9), 9), ((23, 0, 0, 1), 0), ((3, 20, 20, 21), 20)],
)
def test_the_hour_of_a_reader_is_learned_from_three_messages(
    hours: tuple[int, ...], expected: int | None
) -> None:
    assert active_hour(hours) == expected


def test_a_learned_hour_replaces_the_hours_and_keeps_the_days() -> None:
    friday_evening = datetime(2026, 11, 27, 21, 0, tzinfo=UTC)
    told = next_send_time("decision", friday_evening, (20, 20, 20))
    assert told == datetime(2026, 11, 30, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("touch", "conversation", "own", "addresses", "expected"),
    [
        ("twitter", "instagram", "instagram", {"twitter": "Ada"}, ("twitter", "ada")),
        ("email", None, "twitter", {"gmail": "a@b.example"}, ("gmail", "a@b.example")),
        ("email", None, "twitter", {"gmail": "no mail", "twitter": "ada"}, ("twitter", "ada")),
        ("dm", "instagram", "twitter", {"instagram": "a", "twitter": "b"}, ("instagram", "a")),
        ("dm", "instagram", "twitter", {"twitter": "b"}, ("twitter", "b")),
        ("dm", None, "tiktok", {"tiktok": "a", "twitter": "b"}, ("tiktok", "a")),
        ("dm", "threads", "threads", {"twitter": "b"}, ("twitter", "b")),
        ("dm", "threads", "threads", {"threads": "a"}, None),
        (None, None, None, {"twitter": "not a handle!"}, None),
        ("dm", None, "linkedin", {"linkedin": "ada-lovelace"}, None),
        (
            "dm",
            None,
            "linkedin",
            {"linkedin": "https://linkedin.com/in/Ada"},
            ("linkedin", "https://www.linkedin.com/in/ada/"),
        ),
    ],
)
def test_the_platform_is_the_first_wish_that_has_an_address(
    touch: str | None,
    conversation: str | None,
    own: str | None,
    addresses: dict[str, str],
    expected: tuple[str, str] | None,
) -> None:
    wanted = wishes(touch, conversation, own, addresses)
    assert channel(wanted, addresses, has_tiktok_message=False) == expected


def test_tiktok_is_passed_over_after_one_message() -> None:
    addresses = {"tiktok": "a", "twitter": "b"}
    told = channel(wishes("dm", None, "tiktok", addresses), addresses, has_tiktok_message=True)
    assert told == ("twitter", "b")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("twitter", "ada"), True),
        (("all", "ada"), True),
        (("linkedin", "ada-l"), True),
        (("instagram", "ada"), False),
        (("twitter", "adam"), False),
    ],
)
def test_a_name_on_the_list_blocks_the_person(entry: tuple[str, str], *, expected: bool) -> None:
    addresses = {"twitter": "@Ada", "linkedin": "https://www.linkedin.com/in/Ada-L"}
    assert is_blocked(addresses, frozenset({entry})) is expected


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({"veto": "opted_out"}, "opted_out"),
        ({"veto": "archived"}, "archived"),
        ({"is_open": True}, "open"),
        ({"is_in_campaign": True}, "in_campaign"),
        ({"username": "noreply"}, "bot"),
        ({"email": "support@shop.example"}, "bot"),
        ({"name": "Instagram"}, "bot"),
        ({"touched_at": days(1)}, "cooldown"),
        ({"addresses": {}}, "no_address"),
        ({"addresses": {"twitter": "blocked"}}, "opted_out"),
    ],
)
def test_people_are_left_in_peace_for_a_reason(change: dict[str, object], held: str) -> None:
    prospect = replace(ADA, **change)  # type: ignore[arg-type]  # the cases are spelled above
    assert decide(prospect, NOW, frozenset({("twitter", "blocked")})) == held


def test_whoever_is_due_gets_a_place_and_a_time() -> None:
    touch = decide(ADA, NOW, frozenset())
    assert isinstance(touch, Touch)
    assert (touch.platform, touch.address) == ("twitter", "ada")
    assert NOW + timedelta(hours=1) <= touch.at < NOW + timedelta(hours=2)
    assert decide(ADA, NOW, frozenset()) == touch


def test_the_database_counts_cooldowns_as_the_rules_do(store: Store) -> None:
    assert list(PRIORITIES) == list(COOLDOWNS)
    for stage, wait in COOLDOWNS.items():
        assert store.call("agent_outreach_cooldown", stage=stage) == wait
