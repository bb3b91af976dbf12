from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from actp.cli.times import LONGEST, duration, moment, short_duration
from actp.errors import InvalidInput

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("3d", 259_200), (" 1W ", 604_800)],
)
def test_a_span_is_read(value: str, seconds: int) -> None:
    assert duration(value) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["", "2", "h", "-2h", "2 h", "1.5h", "2y", "٣h"])
def test_what_is_no_span_is_none(value: str) -> None:
    assert duration(value) is None


def test_a_span_has_an_end() -> None:
    assert duration("999999w") == LONGEST


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2h", datetime(2026, 11, 22, 14, tzinfo=UTC)),
        ("2026-11-30T14:00", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("2026-11-30T14:00Z", datetime(2026, 11, 30, 14, tzinfo=UTC)),
        ("2026-11-30T14:00+01:00", datetime(2026, 11, 30, 13, tzinfo=UTC)),
        ("2026-11-30", datetime(2026, 11, 29, 22, tzinfo=UTC)),
    ],
)
def test_a_moment_is_kept_in_utc(value: str, expected: datetime) -> None:
    read = moment(value, now=NOW, zone=EAST)
    assert read == expected
    assert read.tzinfo is UTC


@pytest.mark.parametrize("value", ["", "tomorrow", "2026-13-01", "0001-01-01", "now()"])
def test_what_is_no_moment_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="not a time"):
        moment(value, now=NOW, zone=EAST)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (-3, "0s"),
        (59.4, "59s"),
        (61, "1m"),
        (3900, "1h 05m"),
        (90_000, "1d 01h"),
    ],
)
def test_a_length_of_time_is_short(seconds: float | None, shown: str) -> None:
    assert short_duration(seconds) == shown
