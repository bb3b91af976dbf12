from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actp.store.reconnect import Backoff

FAILURES = st.integers(0, 10_000)
SHARES = st.floats(0, 1)


@given(FAILURES, SHARES)
def test_a_delay_stays_between_floor_and_cap(failures: int, share: float) -> None:
    assert 0.2 <= Backoff(0.2, 15).delay_seconds(failures, share) <= 15


@given(FAILURES, SHARES)
def test_more_failures_never_shorten_the_delay(failures: int, share: float) -> None:
    backoff = Backoff(0.5, 30)
    assert backoff.delay_seconds(failures + 1, share) >= backoff.delay_seconds(failures, share)


def test_the_ceiling_doubles_until_the_cap() -> None:
    backoff = Backoff(1, 10)
    assert [backoff.delay_seconds(failures, 1) for failures in range(6)] == [1, 2, 4, 8, 10, 10]


def test_jitter_takes_the_whole_range() -> None:
    assert [Backoff(1, 10).delay_seconds(2, share) for share in (0, 0.5, 1)] == [1, 2.5, 4]
