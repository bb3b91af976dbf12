"""The thread on which the attempts of one service run, one at a time."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from actors.runtime.offload import Offload
from actors.worker.attempt import Attempt
from actors.worker.messages import AttemptEnded, Ended, Probed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from actors.runtime.registry import Registry
    from actors.worker.ledger import Ledger
    from actors.worker.messages import Row
    from actp.marks import SentMarks
    from actp.safari.transport import Transport
    from actp.safari.turns import TurnTable

__all__ = ["BEGIN_VALID_SECONDS", "AttemptThread", "Holding", "Tools"]

# A begin that was granted longer ago may have been overtaken: by a sleeping machine, by a rescue.
BEGIN_VALID_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Tools(NamedTuple):
    """What the attempts of one service use."""

    transport: Transport
    turns: TurnTable
    ledger: Ledger
    begin_valid_seconds: float = BEGIN_VALID_SECONDS
    marks: SentMarks | None = None
    hear: Callable[[Sequence[str]], object] | None = None


class Holding(NamedTuple):
    """What a thread holds at one moment: rows that wait, the attempt under way, untaken ends."""

    waiting: tuple[Row, ...]
    current: Attempt | None
    ended: tuple[Row, ...]


class AttemptThread:
    """Attempts rows in their order, and outlives the actor that gives them.

    After a message that was sent it takes the next row at once. Any other end may say
    something of the service, so the actor has to let it ``go`` again. An end is kept until it is
    taken: a crash of the actor loses neither it nor the knowledge that something is on the wire.
    """

    def __init__(self, tools: Tools, registry: Registry) -> None:
        self.tools = tools
        self.service = tools.transport.service
        self._registry = registry
        self._changing = threading.Lock()
        self._rows: deque[Row] = deque()
        self._current: Attempt | None = None
        self._ended: list[Ended] = []
        self._thread = Offload(f"{self.service.name}-attempts")

    @property
    def holding(self) -> Holding:
        """Every row that is in its hands."""
        with self._changing:
            ended = tuple(end.row for end in self._ended)
            return Holding(tuple(self._rows), self._current, ended)

    def give(self, rows: Iterable[Row]) -> None:
        """Have rows attempted after those that wait."""
        with self._changing:
            self._rows.extend(rows)

    def go(self) -> None:
        """Attempt the next row, unless an attempt is under way; AttemptEnded will be sent.

        Does nothing while an end that may say something of the service is not yet taken.
        """
        with self._changing:
            is_judged = all(ended.is_ordinary for ended in self._ended)
            if self._current is not None or not self._rows or not is_judged:
                return
            self._current = Attempt(self._rows.popleft(), self.tools)
        self._thread.run(self._attempt_rows)

    def withdraw(self) -> tuple[Row, ...]:
        """Take back the rows that wait, and return them."""
        with self._changing:
            rows = tuple(self._rows)
            self._rows.clear()
        return rows

    def lose(self, held: frozenset[tuple[str, int]]) -> tuple[Row, ...]:
        """Drop the rows with these (id, lease) and return those that waited; cancels an attempt."""
        with self._changing:
            lost = tuple(row for row in self._rows if (row.id, row.lease) in held)
            for row in lost:
                self._rows.remove(row)
            current = self._current
        if current is not None and (current.row.id, current.row.lease) in held:
            current.cancel()
        return lost

    def cancel(self) -> None:
        """Have the row under way handed back, unless its request has been sent."""
        current = self._current
        if current is not None:
            current.cancel()

    def take_ended(self) -> list[Ended]:
        """Return the ends since the last call, oldest first; only the last can be an error."""
        with self._changing:
            ended, self._ended = self._ended, []
        return ended

    def probe(self) -> None:
        """Look whether the service can be used; Probed is sent."""
        self._thread.run(self._probe)

    def close(self) -> None:
        """Let the thread end after what is under way."""
        self.withdraw()
        self.cancel()
        self._thread.run(self.tools.transport.close)
        self._thread.close()

    def _attempt_rows(self) -> None:
        attempt = self._current
        while attempt is not None:
            attempt = self._end(_run(attempt))

    def _end(self, ended: Ended) -> Attempt | None:
        """Keep an end for the actor; return the attempt to go on with."""
        with self._changing:
            self._ended.append(ended)
            is_awaited = len(self._ended) > 1  # the message about an earlier one is on its way
            row = self._rows.popleft() if self._rows and ended.is_ordinary else None
            attempt = self._current = None if row is None else Attempt(row, self.tools)
        if not is_awaited:
            self._registry.tell(self.service.name, AttemptEnded())
        return attempt

    def _probe(self) -> None:
        try:
            error = self.tools.transport.probe()
        except Exception as raised:  # noqa: BLE001 - a probe that fails says that it is not ready
            _log.exception("probing failed", extra={"action": "probe_failed"})
            error = f"the probe failed: {raised}"
        self._registry.tell(self.service.name, Probed(error))


def _run(attempt: Attempt) -> Ended:
    try:
        return attempt.run()
    except Exception as error:  # noqa: BLE001 - the actor raises it in its own name
        _log.exception("an attempt failed", extra={"action": "attempt_failed"})
        return Ended(attempt.row, error=error)
