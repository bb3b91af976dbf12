"""Active hours are read, told and compared."""

from __future__ import annotations

from datetime import time

import pytest

from actp.errors import InvalidInput
from actp.safari.hours import parse_hours


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("09-21", [time(9), time(20, 59)], [time(8, 59), time(21)]),
        ("00-24", [time(0), time(23, 59)], []),
        ("22-06", [time(22), time(0), time(5, 59)], [time(6), time(21, 59)]),
        ("08:30-12:15", [time(8, 30), time(12, 14)], [time(8, 29), time(12, 15)]),
    ],
)
def test_hours_contain_their_times(hours: str, inside: list[time], outside: list[time]) -> None:
    parsed = parse_hours(hours)
    assert all(parsed.contains(moment) for moment in inside)
    assert not any(parsed.contains(moment) for moment in outside)
    assert str(parsed) == hours


def test_blanks_and_single_digits_are_fine() -> None:
    assert str(parse_hours(" 9 - 21 ")) == "09-21"


@pytest.mark.parametrize("hours", ["", "9", "24-06", "09-25", "09-24:01", "09:60-10", "9-9", "a-b"])
def test_other_words_are_refused(hours: str) -> None:
    with pytest.raises(InvalidInput, match="not active hours"):
        parse_hours(hours)
