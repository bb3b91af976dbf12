"""The thread on which the attempts of one service run, one at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from actors.runtime.offload import Offload
from actors.worker.attempt import Attempt
from actors.worker.messages import AttemptEnded, Ended, Probed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.runtime.registry import Registry
    from actors.worker.ledger import Ledger
    from actors.worker.messages import Row
    from actp.marks import SentMarks
    from actp.safari.transport import Transport
    from actp.safari.turns import TurnTable

__all__ = ["BEGIN_VALID_SECONDS", "AttemptThread", "Tools"]

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


class AttemptThread:
    """Outlives the actor that starts attempts on it.

    An attempt is current until its end is taken, so that a crash of the actor loses neither the
    end nor the knowledge that something is on the wire.
    """

    def __init__(self, tools: Tools, registry: Registry) -> None:
        self.tools = tools
        self.service = tools.transport.service
        self.current: Attempt | None = None
        self._ended: Ended | None = None
        self._registry = registry
        self._thread = Offload(f"{self.service.name}-attempts")

    def start(self, row: Row) -> None:
        """Attempt a row; AttemptEnded is sent when ``take_ended`` has its end."""
        attempt = self.current = Attempt(row, self.tools)
        self._thread.run(lambda: self._run(attempt))

    def take_ended(self) -> Ended | None:
        """Return the end of the attempt, once; None while it is under way or none was started."""
        ended, self._ended = self._ended, None
        if ended is not None:
            self.current = None
        return ended

    def probe(self) -> None:
        """Look whether the service can be used; Probed is sent."""
        self._thread.run(self._probe)

    def close(self) -> None:
        """Let the thread end after what is under way."""
        if self.current is not None:
            self.current.cancel()
        self._thread.run(self.tools.transport.close)
        self._thread.close()

    def _run(self, attempt: Attempt) -> None:
        try:
            ended = attempt.run()
        except Exception as error:  # noqa: BLE001 - the actor raises it in its own name
            _log.exception("an attempt failed", extra={"action": "attempt_failed"})
            ended = Ended(attempt.row, error=error)
        self._ended = ended
        self._registry.tell(self.service.name, AttemptEnded())

    def _probe(self) -> None:
        try:
            error = self.tools.transport.probe()
        except Exception as raised:  # noqa: BLE001 - a probe that fails says that it is not ready
            _log.exception("probing failed", extra={"action": "probe_failed"})
            error = f"the probe failed: {raised}"
        self._registry.tell(self.service.name, Probed(error))
