"""A service that waits for a turn is woken when it can be taken, in whichever process."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from time import monotonic, time
from typing import TYPE_CHECKING

from actp.safari.bell import Bell, ring
from actp.safari.turns import TurnTable
from tests.unit.safari.children import DEADLINE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

DM, COMMENTS, RESEARCH = "instagram-dm", "threads-comments", "market-research"
# A waiter that is not woken looks again long after the deadline.
NEVER_SECONDS = 300.0


def in_line(table: TurnTable, holder: str) -> bool:
    return any(record.is_waiting for record in table.records() if record.name.decode() == holder)


def wait_in_line(table: TurnTable, holder: str, cut: threading.Event) -> Future[bool]:
    """Have a thread take a turn, and return once it stands in line."""
    taken: Future[bool] = Future()

    def take() -> None:
        taken.set_result(table.take(holder, 60.0, give_up=cut.is_set))

    threading.Thread(target=take, daemon=True).start()
    deadline = monotonic() + DEADLINE_SECONDS
    while not in_line(table, holder):
        assert monotonic() < deadline, f"{holder} does not stand in line"
    return taken


def test_a_turn_that_is_given_back_wakes_the_next_in_line(tmp_path: Path) -> None:
    table, cut = TurnTable(tmp_path, look_again_seconds=NEVER_SECONDS), threading.Event()
    assert table.try_take(DM, time() + 60)
    first, second = (wait_in_line(table, name, cut) for name in (COMMENTS, RESEARCH))
    table.release(DM)
    assert first.result(DEADLINE_SECONDS)
    assert not second.done()
    table.release(COMMENTS)
    assert second.result(DEADLINE_SECONDS)
    table.close()


def test_a_turn_that_another_process_gives_back_wakes_too(tmp_path: Path) -> None:
    table = TurnTable(tmp_path, look_again_seconds=NEVER_SECONDS)
    elsewhere = TurnTable(tmp_path)
    assert elsewhere.try_take(DM, time() + 60)
    taken = wait_in_line(table, COMMENTS, threading.Event())
    elsewhere.release(DM)
    assert taken.result(DEADLINE_SECONDS)
    elsewhere.close()
    table.close()


def test_who_gives_up_leaves_the_line_at_once_and_lets_the_next_in(tmp_path: Path) -> None:
    table = TurnTable(tmp_path, look_again_seconds=NEVER_SECONDS)
    cut, never = threading.Event(), threading.Event()
    assert table.try_take(DM, time() + 60)
    first, second = wait_in_line(table, COMMENTS, cut), wait_in_line(table, RESEARCH, never)
    cut.set()
    table.wake(COMMENTS)
    assert not first.result(DEADLINE_SECONDS)
    assert not in_line(table, COMMENTS)
    table.release(DM)
    assert second.result(DEADLINE_SECONDS)
    table.close()


def test_a_busy_time_that_ends_is_seen_without_a_ring(tmp_path: Path) -> None:
    table = TurnTable(tmp_path)
    assert table.try_take(DM, time() + 60)
    quiet_at = time() + 0.2
    table.release(DM, quiet_at)
    assert table.take(COMMENTS, 60.0, give_up=lambda: False)
    assert time() >= quiet_at
    table.close()


def test_a_file_in_the_place_of_a_bell_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "bell"
    path.write_text("left behind")
    with Bell(path) as bell:
        ring(path)
        bell.wait(DEADLINE_SECONDS)
        began_at = monotonic()
        bell.wait(0.01)
        assert monotonic() - began_at >= 0.01, "a ring wakes once"
    ring(path)  # nobody is there, and nothing happens
