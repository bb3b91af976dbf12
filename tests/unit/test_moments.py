from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actp.moments import EARLIEST, LATEST, stored_moment, stored_time


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-02T09:00:00+01:00", datetime(2026, 11, 2, 8, tzinfo=UTC)),
        ("2026-11-02 09:00:00", datetime(2026, 11, 2, 9, tzinfo=UTC)),
        ("infinity", LATEST),
        ("-infinity", EARLIEST),
        ("20000-01-01T00:00:00+00:00", LATEST),
        ("294276-12-31T23:59:59.999999+00:00", LATEST),
        ("9999-12-31T23:59:59-14:00", LATEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("0044-03-15T00:00:00+00:00 BC", EARLIEST),
    ],
)
def test_every_time_of_the_database_is_a_time(text: str, moment: datetime) -> None:
    found = stored_time(text)
    assert found == moment
    assert found.astimezone() == found


@pytest.mark.parametrize("value", [None, "", "soon", 7, "2026-13-01", [], "-"])
def test_what_is_no_time_is_none(value: object) -> None:
    assert stored_moment(value) is None
