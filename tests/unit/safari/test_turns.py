"""One Safari: turns are shared fairly, across processes, crashes and restarts."""

from __future__ import annotations

import struct
import threading
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from actp.errors import InvalidInput, WrongState
from actp.safari.turn_records import MAX_HOLDERS
from actp.safari.turns import MAX_BUSY_SECONDS, TABLE_NAME, TurnTable
from tests.unit.safari.children import DEADLINE_SECONDS, await_ready, child, kill, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAKE = """
import sys
from pathlib import Path
from actp.safari.turns import TurnTable
table = TurnTable(Path(sys.argv[1]), 1, lambda: float(sys.argv[3]))
assert table.try_take(sys.argv[2], float(sys.argv[4]))
"""
WAIT = """
import sys
from pathlib import Path
from actp.safari.turns import TurnTable
table = TurnTable(Path(sys.argv[1]), 1, lambda: float(sys.argv[3]))
assert table.try_take("threads-comments", float(sys.argv[3]) + 60)
assert not table.try_take(sys.argv[2], float(sys.argv[3]) + 60)
table.release("threads-comments")
"""


COMPETE = """
import os, sys
from pathlib import Path
from actp.safari.turns import TurnTable
table = TurnTable(Path(sys.argv[1]))
inside = Path(sys.argv[1]) / "inside"
taken = 0
while taken < 50:
    if table.try_take(sys.argv[2], 0.0):
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
        inside.unlink()
        table.release(sys.argv[2])
        taken += 1
table.unwant(sys.argv[2])
"""


class Clock:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock_dir(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def table(lock_dir: Path, clock: Clock) -> Iterator[TurnTable]:
    table = TurnTable(lock_dir, 1, clock)
    yield table
    table.close()


def wait_in_line(table: TurnTable, name: str, clock: Clock) -> None:
    """Have it ask while another one holds, which then ends."""
    assert table.try_take("threads-comments", clock.now + 60)
    assert not table.try_take(name, clock.now + 60)
    table.release("threads-comments")


def test_there_is_one_turn(table: TurnTable, clock: Clock) -> None:
    assert table.try_take("tiktok-dm", clock.now + 60)
    assert not table.try_take("twitter-dm", clock.now + 60)
    table.release("tiktok-dm")
    assert table.try_take("twitter-dm", clock.now + 60)


def test_a_holder_holds_one_turn_even_where_there_are_nine(lock_dir: Path, clock: Clock) -> None:
    nine = TurnTable(lock_dir, 9, clock)
    taken = [nine.try_take(f"service-{n}", clock.now + 60) for n in range(10)]
    assert taken == [True] * 9 + [False]
    nine.release("service-3")
    assert not nine.try_take("service-4", clock.now + 60)
    assert nine.try_take("service-9", clock.now + 60)
    nine.close()


def test_turns_go_round(table: TurnTable, clock: Clock) -> None:
    names = ["instagram-dm", "tiktok-dm", "twitter-dm"]
    served = []
    for _ in range(9):
        # The one that asks first is always the same; it is not always served.
        winner = next(name for name in names if table.try_take(name, clock.now + 60))
        assert not any(table.try_take(name, clock.now + 60) for name in names)
        served.append(winner)
        table.release(winner)
    assert served == names * 3


def test_who_left_the_line_is_not_waited_for(table: TurnTable, clock: Clock) -> None:
    wait_in_line(table, "tiktok-dm", clock)
    assert not table.try_take("twitter-dm", clock.now + 60)
    table.unwant("tiktok-dm")
    assert table.try_take("twitter-dm", clock.now + 60)


def test_who_stopped_asking_is_not_waited_for(table: TurnTable, clock: Clock) -> None:
    wait_in_line(table, "tiktok-dm", clock)
    clock.now += 6
    assert table.try_take("twitter-dm", clock.now + 60)


def test_an_unclear_end_keeps_the_turn_until_safari_is_quiet(
    table: TurnTable, clock: Clock
) -> None:
    assert table.try_take("tiktok-dm", clock.now + 300)
    table.release("tiktok-dm", clock.now + 90)
    for name in ("tiktok-dm", "twitter-dm"):
        assert not table.try_take(name, clock.now + 60)
    clock.now += 90
    assert table.try_take("twitter-dm", clock.now + 60)


def test_what_safari_is_busy_with_survives_a_restart(lock_dir: Path, clock: Clock) -> None:
    first = TurnTable(lock_dir, 1, clock)
    assert first.try_take("tiktok-dm", clock.now + 90)
    first.close()
    second = TurnTable(lock_dir, 1, clock)
    assert not second.try_take("tiktok-dm", clock.now + 60)
    assert not second.try_take("twitter-dm", clock.now + 60)
    clock.now += 91
    assert second.try_take("tiktok-dm", clock.now + 60)
    second.close()


def test_a_killed_holder_keeps_its_turn_until_the_time_it_stored(
    table: TurnTable, lock_dir: Path, clock: Clock
) -> None:
    with child(TAKE, lock_dir, "tiktok-dm", clock.now, clock.now + 90) as holder:
        kill(holder)
    assert not table.try_take("twitter-dm", clock.now + 60)
    clock.now += 90
    assert table.try_take("twitter-dm", clock.now + 60)


def test_a_live_holder_keeps_its_turn_past_the_time_it_stored(
    table: TurnTable, lock_dir: Path, clock: Clock
) -> None:
    with child(TAKE, lock_dir, "tiktok-dm", clock.now, clock.now + 90) as holder:
        clock.now += 500
        assert not table.try_take("twitter-dm", clock.now + 60)
        assert not table.try_take("tiktok-dm", clock.now + 60), "another process is that holder"
        kill(holder)
        assert table.try_take("twitter-dm", clock.now + 60)


def test_a_killed_waiter_is_not_waited_for(table: TurnTable, lock_dir: Path, clock: Clock) -> None:
    with child(WAIT, lock_dir, "tiktok-dm", clock.now) as waiter:
        assert not table.try_take("twitter-dm", clock.now + 60)
        kill(waiter)
        assert table.try_take("twitter-dm", clock.now + 60)


def test_a_clock_that_jumps_back_cannot_stop_everything(table: TurnTable, clock: Clock) -> None:
    assert table.try_take("tiktok-dm", clock.now + 90)
    table.release("tiktok-dm", clock.now + 90)
    clock.now -= 30 * 86_400
    assert not table.try_take("twitter-dm", clock.now + 60)
    clock.now += MAX_BUSY_SECONDS
    assert table.try_take("twitter-dm", clock.now + 60)


def test_no_holder_can_reserve_safari_for_long(table: TurnTable, clock: Clock) -> None:
    assert table.try_take("tiktok-dm", clock.now + 1e9)
    table.release("tiktok-dm", clock.now + 1e9)
    clock.now += MAX_BUSY_SECONDS
    assert table.try_take("twitter-dm", clock.now + 60)


def test_a_holder_that_lost_its_end_asks_anew_when_safari_is_quiet(
    table: TurnTable, clock: Clock
) -> None:
    assert table.try_take("tiktok-dm", clock.now + 90)
    assert not table.try_take("tiktok-dm", clock.now + 60)
    clock.now += 90
    assert not table.try_take("twitter-dm", clock.now + 60), "its process lives"
    table.unwant("twitter-dm")
    assert table.try_take("tiktok-dm", clock.now + 60)


@pytest.mark.parametrize("content", [b"", b"foreign", b"\xff" * 2328, b"ACTPTRN1" + b"\xff" * 2320])
def test_a_torn_or_foreign_table_is_made_anew(lock_dir: Path, clock: Clock, content: bytes) -> None:
    lock_dir.mkdir(mode=0o700)
    (lock_dir / TABLE_NAME).write_bytes(content)
    table = TurnTable(lock_dir, 1, clock)
    assert table.try_take("tiktok-dm", clock.now + 60)
    (lock_dir / TABLE_NAME).write_bytes(content)
    assert table.try_take("twitter-dm", clock.now + 60)
    assert [record.name for record in table.records()] == [b"twitter-dm"]
    table.close()


def test_a_table_removed_under_us_is_shared_again(
    table: TurnTable, lock_dir: Path, clock: Clock
) -> None:
    assert table.try_take("tiktok-dm", clock.now + 60)
    (lock_dir / TABLE_NAME).unlink()
    other = TurnTable(lock_dir, 1, clock)
    assert other.try_take("twitter-dm", clock.now + 60)
    assert not table.try_take("threads-comments", clock.now + 60)
    other.close()


def test_a_broken_record_stops_nobody(lock_dir: Path, clock: Clock) -> None:
    lock_dir.mkdir(mode=0o700)
    header = struct.pack("<8sQQ", b"ACTPTRN1", 2, 7)
    (lock_dir / TABLE_NAME).write_bytes((header + b"\xff" * 72 + b"../\0x").ljust(2328, b"\x01"))
    table = TurnTable(lock_dir, 1, clock)
    assert table.try_take("tiktok-dm", clock.now + 60)
    table.close()


def test_processes_never_hold_together(lock_dir: Path) -> None:
    with ExitStack() as stack:
        # Each fails, and says no "ready", if it finds another one inside.
        starting = [stack.enter_context(start(COMPETE, lock_dir, name)) for name in ("a", "b", "c")]
        for process in starting:
            await_ready(process)


def test_places_of_the_dead_are_used_again(lock_dir: Path, clock: Clock) -> None:
    for round_number in range(3):
        table = TurnTable(lock_dir, 1, clock)
        for n in range(MAX_HOLDERS):
            table.try_take(f"holder-{round_number}-{n}", 0.0)
        with pytest.raises(WrongState, match="share Safari already"):
            table.try_take("one-more", 0.0)
        table.close()


@pytest.mark.parametrize("name", ["", "a/b", "../a", "x" * 41, "a\x00"])
def test_a_name_that_is_no_file_name_is_refused(table: TurnTable, name: str) -> None:
    with pytest.raises(InvalidInput):
        table.try_take(name, 0.0)


def test_there_is_at_least_one_turn(lock_dir: Path) -> None:
    with pytest.raises(InvalidInput):
        TurnTable(lock_dir, 0)


def test_threads_of_one_process_never_hold_together(lock_dir: Path) -> None:
    table = TurnTable(lock_dir, 1)
    inside, most, served = 0, 0, dict.fromkeys(("a", "b", "c", "d"), 0)
    guard = threading.Lock()

    def work(name: str) -> None:
        nonlocal inside, most
        while served[name] < 50:
            if not table.try_take(name, 0.0):
                continue
            with guard:
                inside += 1
                most = max(most, inside)
            served[name] += 1
            with guard:
                inside -= 1
            table.release(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in served]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    table.close()
    assert most == 1
    assert set(served.values()) == {50}


def test_a_turn_left_behind_is_shown_and_can_be_freed(tmp_path: Path) -> None:
    left = TurnTable(tmp_path)
    assert left.try_take("agent-1", time.time() + 300)
    left.release("agent-1", time.time() + 300)
    left.close()
    with closing(TurnTable(tmp_path)) as table:
        (turn,) = table.taken()
        assert (turn.holder, turn.is_held) == ("agent-1", False)
        assert not table.try_take("twitter-dm", time.time() + 1)
        assert table.free("agent-2") == ()
        assert table.free() == ("agent-1",)
        assert table.taken() == ()
        assert table.try_take("twitter-dm", time.time() + 1)
        assert table.free() == (), "a turn that is worked with is left alone"
