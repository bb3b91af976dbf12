"""Turns at Safari, shared by all processes of a host."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from actp.errors import InvalidInput, WrongState
from actp.locks import FileLock, is_file_locked, make_private_folder
from actp.safari.bell import Bell, ring
from actp.safari.turn_records import MAX_HOLDERS, MAX_NAME_BYTES, Table, TurnRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["MAX_BUSY_SECONDS", "TURN_HELD", "TakenTurn", "TurnTable", "turns_here"]

# In the environment of a child, 1 says that its parent holds the turn while it runs.
TURN_HELD: Final = "ACTP_TURN_HELD"

# No action keeps Safari longer; a stored time beyond it comes from a clock that jumped.
MAX_BUSY_SECONDS: Final = 900.0
# A waiter asks again many times within this; one that does not is stopped or stuck.
WAITER_STALE_SECONDS: Final = 5.0
# A net under the bells: the end of a busy time, or a ring that was lost, is seen this late.
LOOK_AGAIN_SECONDS: Final = 1.0
TABLE_NAME: Final = "turns.table"
WHY_BYTES: Final = 120


class TakenTurn(NamedTuple):
    """A turn that is not free, what it was taken for, and since when.

    Times are wall time; ``until`` is 0 where it ends with its holder, ``since`` None where nobody
    noted it.
    """

    holder: str
    until: float
    is_held: bool
    is_alive: bool
    since: float | None = None
    why: str = ""

    @property
    def is_left(self) -> bool:
        """Whether nobody works with it any more, and it is kept until its time."""
        return not (self.is_held and self.is_alive)

    @property
    def words(self) -> str:
        """Holder of the turn, its purpose, since when and until when, in local time."""
        why = f" for {self.why}" if self.why else ""
        since = f" since {_clock_time(self.since)}" if self.since else ""
        until = f" until {_clock_time(self.until)}" if self.until else ""
        if self.is_left:
            return f"reserved{until}: {self.holder} was interrupted{why}"
        return f"in use by {self.holder}{why}{since}, at most{until}"


class TurnTable:
    """A table of holders in a file, guarded by flock; at most ``turns`` hold at once.

    Among those who wait, the one that was served longest ago goes first. A holder whose process
    died, or that ended unclearly, keeps its place until the time it stored, for the service may
    still be typing. Times are wall clock, as they must outlive a restart.
    """

    def __init__(
        self,
        lock_dir: Path,
        turns: int = 1,
        clock: Callable[[], float] = time.time,
        look_again_seconds: float = LOOK_AGAIN_SECONDS,
    ) -> None:
        if turns < 1:
            raise InvalidInput(f"turns must be at least 1, not {turns}", remedy="Set SAFARI_TURNS.")
        make_private_folder(lock_dir)
        self._lock_dir = lock_dir
        self._path = lock_dir / TABLE_NAME
        self._turns = turns
        self._clock = clock
        self._look_again_seconds = look_again_seconds
        self._threads = threading.Lock()
        self._mine: dict[bytes, FileLock] = {}
        self._descriptor = -1
        self._notes: dict[bytes, int] = {}

    def take(
        self, holder: str, busy_seconds: float, *, give_up: Callable[[], bool], why: str = ""
    ) -> bool:
        """Wait in line until the turn is taken, or ``give_up`` says to leave; return whether taken.

        Safari counts as busy for ``busy_seconds`` if nothing more is heard. ``give_up`` is asked
        within a second, and at once after ``wake``. ``why`` tells people what Safari is used for.
        """
        if self.try_take(holder, self._clock() + busy_seconds, why):
            return True
        with Bell(self._bell_path(_encoded(holder))) as bell:
            while not give_up():
                # Once more before the first wait: what was rung before the bell hung is lost.
                if self.try_take(holder, self._clock() + busy_seconds, why):
                    return True
                bell.wait(self._look_again_seconds)
        self.unwant(holder)
        return False

    def wake(self, holder: str) -> None:
        """Have a ``take`` that waits ask ``give_up`` now."""
        ring(self._bell_path(_encoded(holder)))

    def try_take(self, holder: str, busy_until: float, why: str = "") -> bool:
        """Take a turn if one is free and nobody waits longer; else wait in line, return False.

        ``busy_until`` is the wall time until which Safari may be busy if nothing more is heard.
        A waiter must ask again within seconds, or withdraw with ``unwant``.
        """
        name = _encoded(holder)
        with self._open_table() as table:
            if not self._is_mine(table, name):
                return False
            now = self._clock()
            own = self._record(table, name)
            is_taken = self._may_take(table, own, now)
            if is_taken:
                own.busy_until = min(busy_until, now + MAX_BUSY_SECONDS)
                own.is_waiting, own.is_holding = False, True
                own.served = table.next_ticket()
            else:
                own.is_waiting, own.wanted_at = True, now
            table.write(own)
        if is_taken:
            self._note(name, why)
        return is_taken

    def _note(self, name: bytes, why: str) -> None:
        """Write down what a turn was taken for; without room on the disk it goes without.

        It is on the way of every command: the file stays open and keeps its length.
        """
        with contextlib.suppress(OSError):
            if name not in self._notes:
                flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
                self._notes[name] = os.open(self._note_path(name), flags, 0o600)
            os.pwrite(self._notes[name], why.encode()[:WHY_BYTES].ljust(WHY_BYTES), 0)

    def _noted(self, name: bytes) -> tuple[float | None, str]:
        try:
            path = self._note_path(name)
            noted = path.read_bytes().decode("utf-8", "ignore")
            return path.stat().st_mtime, noted.strip()
        except OSError:
            return None, ""

    def unwant(self, holder: str) -> None:
        """Leave the line."""
        name = _encoded(holder)
        with self._open_table() as table:
            own = table.find(name)
            if own is None or not self._is_mine(table, name):
                return
            own.is_waiting = False
            table.write(own)
            served = self._next_in_line(table, own)
        self._ring(served)

    def release(self, holder: str, busy_until: float | None = None) -> None:
        """Give the turn back; ``busy_until`` says until when the service may still be typing.

        A turn that is not held is left as it is: what an unclear end has stored still counts.
        """
        name = _encoded(holder)
        with self._open_table() as table:
            own = table.find(name)
            if own is None or name not in self._mine or not own.is_holding:
                return
            now = self._clock()
            own.is_holding = False
            own.busy_until = 0.0 if busy_until is None else min(busy_until, now + MAX_BUSY_SECONDS)
            table.write(own)
            served = self._next_in_line(table, own)
        self._ring(served)

    def records(self) -> tuple[TurnRecord, ...]:
        """Return a copy of the table, for a person to look at."""
        with self._open_table() as table:
            return tuple(table.records())

    def taken(self) -> tuple[TakenTurn, ...]:
        """Return who keeps Safari now, until when, and whether that process still works with it."""
        now = self._clock()
        with self._open_table() as table:
            return tuple(
                TakenTurn(
                    record.name.decode(),
                    record.busy_until,
                    record.is_holding,
                    self._is_alive(record),
                    *self._noted(record.name),
                )
                for record in table.lively()
                if self._is_occupied(table, record, now)
            )

    def free(self, holder: str | None = None) -> tuple[str, ...]:
        """Give back the turns that nobody works with any more, or one; return whose they were.

        A turn that a live process holds is left to it.
        """
        now, freed = self._clock(), []
        with self._open_table() as table:
            for record in table.lively():
                is_kept = record.is_holding and self._is_alive(record)
                if holder is not None and record.name != _encoded(holder):
                    continue
                if self._is_occupied(table, record, now) and not is_kept:
                    record.is_holding, record.busy_until = False, 0.0
                    table.write(record)
                    freed.append(record.name.decode())
        return tuple(freed)

    def close(self) -> None:
        """Let go of everything; a turn still held lasts until the time it stored."""
        with self._threads:
            for lock in self._mine.values():
                lock.release()
            self._mine.clear()
            for descriptor in self._notes.values():
                os.close(descriptor)
            self._notes.clear()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _may_take(self, table: Table, own: TurnRecord, now: float) -> bool:
        if own.is_holding and own.busy_until <= now:
            # It asks anew, so it has lost the end of its last turn.
            own.is_holding = False
        if self._is_occupied(table, own, now):
            return False
        others = [record for record in table.lively() if record.index != own.index]
        if len(others) < self._turns:  # each keeps one turn at most, whatever it does
            return True
        free = self._turns - sum(self._is_occupied(table, each, now) for each in others)
        for record in others:
            if free <= 0:
                break
            if record.precedes(own) and self._is_in_line(table, record, now):
                free -= 1
        return free > 0

    def _next_in_line(self, table: Table, own: TurnRecord) -> list[bytes]:
        """Return those who can take a turn now, no more of them than there are turns free."""
        if not table.is_waited_for:
            return []
        now = self._clock()
        # The table was read before ``own`` was changed.
        lively = [own, *(record for record in table.lively() if record.index != own.index)]
        waiting = [record for record in lively if self._is_in_line(table, record, now)]
        if not waiting:
            return []
        free = self._turns - sum(self._is_occupied(table, record, now) for record in lively)
        waiting.sort(key=lambda record: (record.served, record.index))
        return [record.name for record in waiting[: max(0, free)]]

    def _ring(self, names: list[bytes]) -> None:
        for name in names:
            ring(self._bell_path(name))

    def _bell_path(self, name: bytes) -> Path:
        return self._lock_dir / f"bell-{name.decode()}"

    def _is_occupied(self, table: Table, record: TurnRecord, now: float) -> bool:
        if record.busy_until > now + MAX_BUSY_SECONDS:
            # Brought near once and for all, so that it ends.
            record.busy_until = now + MAX_BUSY_SECONDS
            table.write(record)
        if record.busy_until > now:
            return True
        return record.is_holding and self._is_alive(record)

    def _is_in_line(self, table: Table, record: TurnRecord, now: float) -> bool:
        if not record.is_waiting or record.is_holding or record.busy_until > now:
            return False
        is_fresh = abs(now - record.wanted_at) <= WAITER_STALE_SECONDS
        if is_fresh and self._is_alive(record):
            return True
        record.is_waiting = False
        table.write(record)
        return False

    def _is_alive(self, record: TurnRecord) -> bool:
        return record.name in self._mine or is_file_locked(self._holder_path(record.name))

    def _record(self, table: Table, name: bytes) -> TurnRecord:
        if (own := table.find(name)) is not None:
            return own
        if not table.is_full:
            return table.add(name)
        now = self._clock()
        for record in table.records():
            if not self._is_occupied(table, record, now) and not self._is_alive(record):
                return table.reuse(record, name)
        raise WrongState(
            f"{MAX_HOLDERS} holders share Safari already",
            remedy="Stop a worker of this host.",
        )

    def _is_mine(self, table: Table, name: bytes) -> bool:
        if name in self._mine:
            return True
        lock = FileLock(self._holder_path(name))
        if not lock.acquire():
            return False
        self._mine[name] = lock
        if (left := table.find(name)) is not None and left.is_holding:
            # Its last process died holding; what it stored still counts.
            left.is_holding = False
            table.write(left)
        return True

    def _note_path(self, name: bytes) -> Path:
        return self._lock_dir / f"turn-{name.decode()}"

    def _holder_path(self, name: bytes) -> Path:
        return self._lock_dir / f"holder-{name.decode()}.lock"

    @contextlib.contextmanager
    def _open_table(self) -> Iterator[Table]:
        with self._threads:
            while True:
                self._open_file()
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                if self._is_current():
                    break
                os.close(self._descriptor)
                self._descriptor = -1
            try:
                yield Table.read(self._descriptor)
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _open_file(self) -> None:
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _is_current(self) -> bool:
        # A cleaner of temporary files may have removed the file under us.
        return os.fstat(self._descriptor).st_nlink > 0


def turns_here(lock_dir: Path, turns: int) -> tuple[TakenTurn, ...]:
    """Return who keeps Safari on this host now; without its folder nobody does."""
    if not lock_dir.is_dir():
        return ()
    with contextlib.closing(TurnTable(lock_dir, turns)) as table:
        return table.taken()


def _clock_time(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))


def _encoded(holder: str) -> bytes:
    name = holder.encode("ascii", "replace")
    if len(name) > MAX_NAME_BYTES or not name.replace(b"-", b"").isalnum():
        raise InvalidInput(f"not a holder's name: {holder!r}", remedy="Use the service's name.")
    return name
