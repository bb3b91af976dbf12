"""A process of actors beside the workers: starts them under a warden, ends them in order."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING

import pykka

from actors.base import WARDEN, Surroundings
from actors.messages import Start, Stop
from actors.switchboard import Switchboard
from actors.timer import Timer
from actors.warden import Oversight, Warden
from actp.errors import ExitCode
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.warden import ActorSpec

__all__ = ["ActorProcess", "await_end", "run_until_told"]

# Often enough for the shortest HEARTBEAT_STALE_SECONDS.
ROUND_SECONDS = 1.0
SIGNAL_SECONDS = 1.0

_log = logging.getLogger(__name__)


class ActorProcess:
    """The actors of one process; ``beat`` is called as long as every one of them moves."""

    def __init__(self, *, stop_seconds: float, beat: Callable[[], None] = lambda: None) -> None:
        self._switchboard = Switchboard()
        self._timer = Timer(self._switchboard)
        self.surroundings = Surroundings(self._switchboard, self._timer)
        self._oversight = Oversight(round_seconds=ROUND_SECONDS, stop_seconds=stop_seconds)
        self._beat = beat
        self._ended = threading.Event()
        self._exit_code: ExitCode | None = None

    def start(self, specs: tuple[ActorSpec, ...]) -> None:
        """Start the warden, which starts the others."""
        instruments.prepare({}, [spec.name for spec in specs])
        warden = Warden.start(
            self.surroundings,
            specs=specs,
            oversight=self._oversight,
            ended=self._end,
            beat=self._beat,
        )
        self._switchboard.connect(WARDEN, warden)
        self._switchboard.tell(WARDEN, Start())

    def stop(self) -> None:
        """Ask everything to end in order; returns at once."""
        self._switchboard.tell(WARDEN, Stop())

    def wait(self, timeout_seconds: float | None = None) -> ExitCode | None:
        """Return how the process ended, or None when it has not within the time."""
        await_end(self._ended, timeout_seconds)
        return self._exit_code

    def close(self) -> None:
        """Deliver no timers any more and end the actors."""
        self._timer.close()
        pykka.ActorRegistry.stop_all(block=False)

    def _end(self, code: ExitCode) -> None:
        if self._exit_code is None:
            self._exit_code = code
        self._ended.set()


def await_end(ended: threading.Event, timeout_seconds: float | None) -> None:
    """Wait for the end; without a timeout the main thread wakes each second.

    A signal that comes just as it falls asleep is handled when it wakes, and not before.
    """
    if timeout_seconds is not None:
        ended.wait(timeout_seconds)
        return
    while not ended.wait(SIGNAL_SECONDS):
        pass


def run_until_told(process: ActorProcess, specs: tuple[ActorSpec, ...]) -> ExitCode:
    """Run until SIGTERM or SIGINT; a second one ends the process at once."""

    def stop(number: int, _frame: object) -> None:
        _log.info("stopping", extra={"action": "stopping", "signal": signal.Signals(number).name})
        signal.signal(number, signal.SIG_DFL)
        process.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    process.start(specs)
    _log.info("working", extra={"action": "started"})
    code = process.wait()
    process.close()
    return ExitCode.SOFTWARE if code is None else code
