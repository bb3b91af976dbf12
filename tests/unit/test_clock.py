from __future__ import annotations

import sys
import time

import pytest

from actp.clock import steady_seconds


def test_it_goes_forward() -> None:
    moments = [steady_seconds() for _ in range(100)]
    assert moments == sorted(moments)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no CLOCK_BOOTTIME to compare with")
def test_it_counts_the_sleep_of_the_machine() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= steady_seconds() <= time.clock_gettime(time.CLOCK_BOOTTIME)
