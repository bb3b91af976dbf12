"""What several outcomes in a row say of a service, and of one command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actp.safari.commands import parse_command
from actp.safari.outcomes import Outcome
from actp.safari.streaks import HOLD_SECONDS, Streaks

SENT = Outcome("sent", "sent")
UNKNOWN = Outcome("unknown", "no_verdict", error="instagram-dm: osascript failed", breaker="count")
BLOCKED = Outcome(
    "wait", "blocked", error="blocked", quota_back=True, wait_seconds=900.0, breaker="open"
)


def judged(*steps: tuple[int, Outcome]) -> Outcome:
    """Return the last of these outcomes, each of the command with that number."""
    streaks, outcome = Streaks(), SENT
    for number, given in steps:
        params = {"username": f"person{number}", "text": "Hello"}
        row = {"id": str(number), "action": "send_dm", "platform": "instagram", "params": params}
        outcome = streaks.after(parse_command(row), given)
    return outcome


def test_three_unknown_outcomes_in_a_row_hold_the_others_back() -> None:
    assert judged((1, UNKNOWN), (2, UNKNOWN)) == UNKNOWN
    held = judged((1, UNKNOWN), (2, UNKNOWN), (3, UNKNOWN))
    assert (held.verdict, held.breaker, held.wait_seconds) == ("unknown", "open", HOLD_SECONDS)
    assert "bin/resume --service instagram-dm" in str(held.alert)
    assert judged((1, UNKNOWN), (2, UNKNOWN), (3, SENT), (4, UNKNOWN)) == UNKNOWN


def test_three_searches_that_find_nothing_are_told() -> None:
    streaks, nothing = Streaks(), Outcome("sent", "no_results")
    row = {"id": "1", "action": "market_research", "platform": "twitter", "params": {"query": "x"}}
    search = parse_command(row)
    assert [streaks.after(search, nothing).alert is None for _ in range(4)] == [1, 1, 0, 1]
    assert streaks.after(search, SENT) == SENT
    assert streaks.after(search, nothing) == nothing


def test_a_page_that_alone_is_blocked_holds_words_of_a_block() -> None:
    refused = judged((1, BLOCKED), (2, SENT), (1, BLOCKED))
    assert (refused.verdict, refused.reason) == ("rejected", "words_of_a_block")
    assert refused.quota_back
    assert refused.wait_seconds is None
    assert "by hand" in refused.error


@pytest.mark.parametrize(
    "steps",
    [
        ((1, BLOCKED), (1, BLOCKED)),
        ((1, BLOCKED), (2, BLOCKED), (1, BLOCKED)),
        ((1, BLOCKED), (2, SENT), (2, BLOCKED)),
        ((1, BLOCKED), (2, SENT), (1, SENT), (1, BLOCKED)),
        ((1, BLOCKED), (2, replace(SENT, verdict="rejected")), (1, BLOCKED)),
    ],
)
def test_a_platform_that_blocks_is_waited_for(steps: tuple[tuple[int, Outcome], ...]) -> None:
    assert judged(*steps) == BLOCKED
