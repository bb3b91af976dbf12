from __future__ import annotations

import pytest

from actors.worker.partition import divide
from actp.safari.catalogue import LOCAL, SERVICES


@pytest.mark.parametrize("workers", range(1, 11))
def test_every_service_has_exactly_one_process(workers: int) -> None:
    shares = divide(workers)
    assert len(shares) == workers
    assert sorted(name for share in shares for name in share) == sorted(SERVICES)
    assert all(shares)


def test_three_processes_are_messages_comments_and_the_rest() -> None:
    messages, comments, rest = divide(3)
    assert {SERVICES[name].kind for name in messages} == {"dm"}
    assert {SERVICES[name].kind for name in comments} == {"comment"}
    assert set(rest) == {"market-research", LOCAL}
