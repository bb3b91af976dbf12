"""The shell of an actor process: starts the actors under a supervisor, ends them in order."""

from __future__ import annotations

import logging
import signal
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING

import pykka

from actors.runtime.actor import SUPERVISOR, ActorContext
from actors.runtime.messages import Start, Stop
from actors.runtime.registry import Registry
from actors.runtime.supervisor import RestartPolicy, Supervisor
from actors.runtime.timer import Timer
from actp.errors import ExitCode
from metrics import instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from actors.runtime.supervisor import ActorSpec

__all__ = ["ActorProcess", "await_end", "run_until_told", "stop_on_signals"]

# Often enough for the shortest HEARTBEAT_STALE_SECONDS.
ROUND_SECONDS = 1.0
SIGNAL_SECONDS = 1.0
NO_ACTIONS: Mapping[str, Collection[str]] = MappingProxyType({})

_log = logging.getLogger(__name__)


class ActorProcess:
    """The actors of one process; ``beat`` is called as long as every one of them moves."""

    def __init__(
        self,
        *,
        stop_seconds: float,
        beat: Callable[[], None] = lambda: None,
        round_seconds: float = ROUND_SECONDS,
        cool_down_seconds: float | None = None,
    ) -> None:
        self._registry = Registry()
        self._timer = Timer(self._registry)
        self.context = ActorContext(self._registry, self._timer)
        self._policy = RestartPolicy(
            round_seconds=round_seconds,
            stop_seconds=stop_seconds,
            cool_down_seconds=cool_down_seconds,
        )
        self._beat = beat
        self._ended = threading.Event()
        self._exit_code: ExitCode | None = None

    def start(
        self, specs: tuple[ActorSpec, ...], actions: Mapping[str, Collection[str]] = NO_ACTIONS
    ) -> None:
        """Start the supervisor, which starts the others.

        ``actions`` are the actions of each service that this process will count.
        """
        instruments.prepare(actions, [spec.name for spec in specs])
        supervisor = Supervisor.start(
            self.context,
            specs=specs,
            policy=self._policy,
            ended=self._end,
            beat=self._beat,
        )
        self._registry.connect(SUPERVISOR, supervisor)
        self._registry.tell(SUPERVISOR, Start())

    def stop(self) -> None:
        """Ask everything to end in order; returns at once."""
        self._registry.tell(SUPERVISOR, Stop())

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


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call ``stop`` at SIGTERM and SIGINT; a second one ends the process at once."""

    def stop_once(number: int, _frame: object) -> None:
        _log.info("stopping", extra={"action": "stopping", "signal": signal.Signals(number).name})
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_once)


def run_until_told(process: ActorProcess, specs: tuple[ActorSpec, ...]) -> ExitCode:
    """Run until SIGTERM or SIGINT; a second one ends the process at once."""
    stop_on_signals(process.stop)
    process.start(specs)
    _log.info("working", extra={"action": "started"})
    code = process.wait()
    process.close()
    return ExitCode.SOFTWARE if code is None else code
