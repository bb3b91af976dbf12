"""When jobs are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scheduler.fire_times import Job, RunContext, due_slot, latest_slot
from actors.scheduler.jobs import JOBS

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def nothing(context: RunContext) -> Mapping[str, Any]:
    del context
    return {}


def job(missed: Any = "skip", grace_minutes: int = 5) -> Job:
    return Job("hourly", "0 * * * *", nothing, missed, timedelta(minutes=grace_minutes))


@pytest.mark.parametrize(
    ("cron", "minutes_before_noon"),
    [
        ("*/15 * * * *", 0),
        ("0 * * * *", 0),
        ("1 * * * *", 59),
        ("0 0 * * *", 12 * 60),
        ("30 3 * * *", 510),
        ("0 0 * * sun", 12 * 60),  # the 22nd is a Sunday
        ("0 0 1 * *", 21 * 24 * 60 + 12 * 60),
    ],
)
def test_the_latest_slot_is_the_last_moment_named(cron: str, minutes_before_noon: int) -> None:
    assert latest_slot(cron, NOON) == NOON - timedelta(minutes=minutes_before_noon)


def test_a_slot_is_due_until_it_is_taken() -> None:
    assert due_slot(job(), NOON, None) == NOON
    assert due_slot(job(), NOON + timedelta(minutes=4), NOON - timedelta(hours=1)) == NOON
    assert due_slot(job(), NOON + timedelta(minutes=4), NOON) is None


def test_a_missed_slot_is_skipped_or_made_up_for_once_as_its_job_says() -> None:
    late = NOON + timedelta(minutes=30)
    before = NOON - timedelta(days=3)
    assert due_slot(job("skip"), late, before) is None
    assert due_slot(job("last"), late, before) == NOON
    assert due_slot(job("last"), late, NOON) is None


def test_a_clock_that_is_put_back_runs_nothing_again() -> None:
    assert due_slot(job("last"), NOON - timedelta(hours=2), NOON) is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.sampled_from(JOBS))  # noqa: DTZ001
def test_every_job_has_a_slot_at_every_moment_and_it_is_stable(at: datetime, job: Job) -> None:
    now = at.replace(tzinfo=UTC)
    slot = latest_slot(job.cron, now)
    assert slot is not None
    assert slot <= now < slot + timedelta(days=7)
    assert latest_slot(job.cron, slot) == slot
    assert due_slot(job, now, slot) is None
