from __future__ import annotations

from typing import Any

import pytest

from actors.worker.backlog import Waiting, is_settled, paced, waiting

SERVICE = "instagram-dm"


def view(**changes: Any) -> dict[str, dict[str, Any]]:
    quiet = {
        "running": 0,
        "retrying": 0,
        "due": 0,
        "waiting": 0,
        "held": 0,
        "next_due_seconds": None,
        "reason": None,
        "reason_seconds": None,
        "state": {"state": "ready"},
    }
    return {SERVICE: {**quiet, **changes}}


BLOCKED = {"state": "wait", "reason": "401", "seconds": 900.0}


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({}, True),
        ({"running": 1}, False),
        ({"retrying": 1}, False),
        ({"due": 1}, False),
        ({"due": 1, "reason": "quota"}, True),
        ({"due": 1, "reason": "paused"}, True),
        ({"due": 1, "reason": "pace"}, False),
        ({"due": 1, "state": BLOCKED}, True),
        ({"due": 1, "state": {"state": "probe"}}, False),
        ({"waiting": 4}, True),
        ({"held": 4}, True),
    ],
)
def test_it_is_settled_when_nothing_more_can_be_done_now(
    changes: dict[str, Any], *, settled: bool
) -> None:
    assert is_settled(view(**changes), is_owned=True) is settled


def test_a_pause_that_ends_too_late_is_not_waited_for() -> None:
    pausing = view(due=3, reason="pace", reason_seconds=40.0)
    assert not is_settled(pausing, is_owned=True, seconds_left=60)
    assert is_settled(pausing, is_owned=True, seconds_left=30)
    assert paced(pausing) == (Waiting(SERVICE, 3, "pace", 40.0),)
    assert paced(view(due=3, reason="quota")) == ()
    assert paced(view(due=3, running=1, reason="pace", reason_seconds=40.0)) == ()


def test_service_without_a_report_is_awaited_only_with_an_owner() -> None:
    nobody_said = view(due=1, state=None)
    assert not is_settled(nobody_said, is_owned=True)
    assert is_settled(nobody_said, is_owned=False)


def test_all_services_must_be_settled() -> None:
    assert not is_settled({**view(), "twitter-dm": view(running=1)[SERVICE]}, is_owned=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"due": 2, "reason": "quota", "reason_seconds": 60.0}, [(2, "quota", 60.0)]),
        ({"due": 2, "state": BLOCKED}, [(2, "401", 900.0)]),
        ({"due": 2}, [(2, "not started yet", None)]),
        ({"due": 2, "state": None}, [(2, "its worker has not reported yet", None)]),
        ({"waiting": 3, "next_due_seconds": 5.0}, [(3, "scheduled", 5.0)]),
        ({"held": 1}, [(1, "backlog: bin/queue accept or discard", None)]),
    ],
)
def test_what_stays_is_told_with_its_reason(
    changes: dict[str, Any], expected: list[tuple[int, str, float | None]]
) -> None:
    assert waiting(view(**changes)) == tuple(Waiting(SERVICE, *each) for each in expected)
