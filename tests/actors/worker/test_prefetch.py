from __future__ import annotations

import pytest

from actors.worker.prefetch import MAX_ROWS, PrefetchLimit


def after(*seconds: float) -> PrefetchLimit:
    window = PrefetchLimit()
    for each in seconds:
        window = window.after(each)
    return window


def test_a_service_that_is_not_known_yet_holds_one_row() -> None:
    assert PrefetchLimit().rows == 1


def test_a_service_that_takes_seconds_holds_one_row() -> None:
    assert after(*[8.0] * 20).rows == 1


def test_a_quick_service_holds_more_but_never_too_many() -> None:
    rows = [after(*[0.001] * n).rows for n in range(40)]
    assert rows == sorted(rows)
    assert rows[-1] == MAX_ROWS


def test_one_slow_command_shuts_the_window() -> None:
    quick = after(*[0.001] * 40)
    assert quick.after(10.0).rows == 1


@pytest.mark.parametrize(
    ("outstanding", "room"), [(0, MAX_ROWS), (MAX_ROWS // 2, MAX_ROWS // 2), (MAX_ROWS - 1, 0)]
)
def test_there_is_no_room_until_half_the_window_is_free(outstanding: int, room: int) -> None:
    assert after(*[0.001] * 40).room(outstanding) == room


def test_a_window_of_one_row_has_room_only_when_it_is_empty() -> None:
    assert [PrefetchLimit().room(outstanding) for outstanding in (0, 1, 2)] == [1, 0, 0]
