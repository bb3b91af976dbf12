"""What comes next for a task of publishing, and how much nonsense it may hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actp.domains.publishing.steps import (
    PAUSED_SECONDS,
    Ask,
    Finish,
    Publish,
    Rest,
    next_step,
    retry_seconds,
)
from actp.domains.publishing.task import Attempt, Task

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def attempt(platform: str, outcome: str | None, **changes: Any) -> Attempt:
    return replace(Attempt(platform, 1, outcome, NOW - MINUTE), **changes)


def task(*attempts: Attempt, **changes: Any) -> Task:
    usual = Task("t", 1, NOW, ("tiktok", "twitter"), {})
    return replace(usual, attempts={each.platform: each for each in attempts}, **changes)


OUT = attempt("tiktok", "sent")
ASKED_SOON = attempt("tiktok", "sent", ask_at=NOW + MINUTE)
ASKED_NOW = attempt("tiktok", "sent", ask_at=NOW)
LONG_AGO = replace(ASKED_NOW, begun_at=NOW - 30 * MINUTE)
FAILED = attempt("twitter", "not_sent")
RETRIED_SOON = attempt("twitter", "not_sent", retry_at=NOW + MINUTE / 2)
RETRIED_NOW = attempt("twitter", "not_sent", retry_at=NOW)
UNKNOWN = attempt("twitter", "unknown")
OPEN = attempt("twitter", None)


@pytest.mark.parametrize(
    ("given", "step"),
    [
        (task(), Publish("tiktok")),
        (task(ASKED_NOW), Publish("twitter")),
        (task(ASKED_NOW, FAILED), Ask(ASKED_NOW, is_last=False)),
        (task(LONG_AGO, FAILED), Ask(LONG_AGO, is_last=True)),
        (task(ASKED_SOON, RETRIED_SOON), Rest(30.0)),
        (task(OUT, RETRIED_NOW), Publish("twitter")),
        (task(OUT, FAILED), Finish()),
        (task(OUT, UNKNOWN), Finish()),
        (task(OUT, OPEN), Finish()),
        (task(OUT, paused=frozenset({"twitter"})), Rest(PAUSED_SECONDS)),
        (task(paused=frozenset({"all"})), Rest(PAUSED_SECONDS)),
        (task(paused=frozenset({"tiktok"})), Publish("twitter")),
        (task(platforms=()), Finish("the task names no platforms")),
    ],
)
def test_the_next_step_is(given: Task, step: object) -> None:
    assert next_step(given) == step


def test_three_retries_come_ever_later() -> None:
    assert [retry_seconds(number, 15.0) for number in (1, 2, 3, 4)] == [15.0, 120.0, 960.0, None]


def read(given: object, **changes: Any) -> Task:
    row = {"id": "t", "lease": 1, "now": NOW.isoformat(), "timeout_minutes": None, "paused": []}
    return Task.read({**row, "attempts": [], "input": given, **changes})


def test_a_task_as_others_write_it_is_understood() -> None:
    found = read(
        {
            "video_url": "https://cdn.example/v.mp4",
            "platforms": ["tiktok", "twitter", "tiktok"],
            "descriptions": {"tiktok": "own"},
            "text": "for all",
            "account_ids": {"tiktok": 710, "twitter": None},
        }
    )
    assert found.platforms == ("tiktok", "twitter")
    assert found.texts == {"tiktok": "own", "twitter": "for all"}
    assert found.media_urls == ("https://cdn.example/v.mp4",)
    assert found.accounts == {"tiktok": "710"}


@pytest.mark.parametrize("given", [None, "not json", "[1]", [], {"platforms": "tiktok"}, {}])
def test_a_task_of_the_wrong_shape_publishes_nothing(given: object) -> None:
    assert isinstance(next_step(read(given)), Finish)


def test_json_inside_a_string_is_read_too() -> None:
    assert read('{"platforms": ["tiktok"]}').platforms == ("tiktok",)


def test_the_newest_attempt_of_a_platform_counts_and_time_is_bounded() -> None:
    row = {
        "platform": "tiktok",
        "begun_at": NOW.isoformat(),
        "retry_at": None,
        "ask_at": None,
        "submission_id": None,
    }
    attempts = [
        {**row, "attempt": 1, "outcome": "not_sent"},
        {**row, "attempt": 2, "outcome": "sent"},
    ]
    found = read({"platforms": ["tiktok"]}, attempts=attempts, timeout_minutes=10**9)
    assert found.attempts["tiktok"].number == 2
    assert found.confirm_within == timedelta(days=1)
