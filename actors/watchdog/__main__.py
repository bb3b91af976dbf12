"""``python -m actors.watchdog``: an event listener of supervisord that mends what it cannot.

supervisord forgets a FATAL process forever, restarts one that crashes late without end, and sees
no hang. Standard output belongs to its protocol; the log goes to standard error.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, BinaryIO, Final, get_args

import psutil

from actors.watchdog.alert_box import AlertBox
from actors.watchdog.heartbeat import Heartbeat
from actors.watchdog.rules import Action, Limits, Look, Sight, Step, decide, exited, resume
from actp.clock import steady_seconds
from actp.errors import ActpError, ExitCode, WrongState
from actp.logs import set_up_logs
from actp.orphans import end_orphans
from actp.settings import Settings, load_settings
from actp.settings.load import settings_file
from actp.supervision import Process, Supervisor, TreeStopping
from actp.vitals import BEATS_PER_LEASE, Vitals, run_program
from metrics import instruments
from metrics.serve import exposed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from actors.watchdog.rules import Memory

__all__ = ["Watchdog", "events", "main"]

LOOK_SECONDS: Final = 1.0
BEATS_UNTIL_STALE: Final = 3
TROUBLED = frozenset({"FATAL", "BACKOFF", "EXITED"})
WORKERS: Final = "worker"
ME: Final = "watchdog"

_SIGNALS: Final = {
    "dump": signal.SIGUSR1,
    "terminate": signal.SIGTERM,
    "recycle": signal.SIGTERM,
    "kill": signal.SIGKILL,
}

_log = logging.getLogger(__name__)


def events(source: BinaryIO, sink: BinaryIO) -> Iterator[Mapping[str, str]]:
    """Yield what supervisord tells, each event answered before it is looked at; ends with it."""
    while True:
        sink.write(b"READY\n")
        sink.flush()
        head = _pairs(source.readline())
        if "len" not in head:
            return
        body = _pairs(source.read(int(head["len"])))
        sink.write(b"RESULT 2\nOK")
        sink.flush()
        yield {**body, "eventname": head.get("eventname", "")}


def _pairs(line: bytes) -> dict[str, str]:
    parts = (part.partition(":") for part in line.decode(errors="replace").split())
    return {name: value for name, colon, value in parts if colon}


class Watchdog:
    """Looks at every process each second, and does what the rules say."""

    def __init__(
        self, supervisor: Supervisor, run_folder: Path, limits: Limits, alerts: AlertBox
    ) -> None:
        self._supervisor = supervisor
        self._run_folder = run_folder
        self._limits = limits
        self._alerts = alerts
        self._memory: Memory = resume(alerts.held, monotonic())
        self._lead_seconds = steady_seconds() - monotonic()
        self._groups: dict[str, Process] = {}
        self.fault: str | None = "the watchdog has not checked yet"
        self._known: dict[str, psutil.Process] = {}

    def told(self, event: Mapping[str, str]) -> None:
        """Take in one event."""
        if event["eventname"] == "PROCESS_STATE_EXITED" and event.get("expected") == "0":
            self._memory = exited(self._memory, event.get("processname", ""), monotonic())

    def look(self) -> None:
        """Look once, and act."""
        if not self._run_folder.exists():
            # No command reaches a tree without its socket, and it keeps services from a new one.
            _log.critical("the run folder is gone: stopping the tree", extra={"action": "ended"})
            os.kill(os.getppid(), signal.SIGTERM)
            return
        try:
            processes = self._supervisor.processes()
        except TreeStopping:
            return
        except ActpError as error:
            _log.warning("check failed: %s", error, extra={"action": "look_failed"})
            self.fault = "supervisord does not answer"
            return
        groups = {process.name: process for process in processes if process.name != ME}
        instruments.prepare_watchdog(groups.keys() - self._groups.keys(), get_args(Step))
        self._groups = groups
        lead_seconds = steady_seconds() - monotonic()
        slept_seconds, self._lead_seconds = lead_seconds - self._lead_seconds, lead_seconds
        sights = tuple(self._sight(process) for process in self._groups.values())
        can_write = _can_write(self._run_folder)
        if not can_write:
            _log.error("cannot write to %s", self._run_folder, extra={"action": "cannot_write"})
        look = Look(monotonic(), sights, _settings_stamp(), slept_seconds, can_write=can_write)
        self._memory, doings = decide(self._memory, look, self._limits)
        self._alerts.hold(self._memory.held)
        down = [sight.name for sight in sights if sight.state in TROUBLED]
        self.fault = f"not running: {', '.join(down)}" if down else None
        if not can_write:
            self.fault = "the disk cannot be written"
        for doing in doings:
            if isinstance(doing, Action):
                self._act(doing)
            else:
                _log.error("%s: %s", doing.name, doing.reason, extra={"action": doing.kind})
                self._alerts.add(doing.kind, {"program": doing.name, "error": doing.reason})

    def end_orphans(self) -> None:
        """End the processes of a supervisord that has died; the database may stay.

        They would keep the services from its successor.
        """
        for name in end_orphans(self._run_folder):
            _log.warning("stopped an orphaned process", extra={"action": "orphan", "program": name})

    def _sight(self, process: Process) -> Sight:
        vitals = Vitals(self._run_folder, process.name)
        return Sight(
            process.name,
            process.state,
            process.pid,
            vitals.beat_age_seconds(process.pid),
            self._rss_bytes(process),
            vitals.last_exit(),
        )

    def _rss_bytes(self, process: Process) -> int:
        known = self._known.get(process.name)
        try:
            if process.pid and (known is None or known.pid != process.pid):
                known = self._known[process.name] = psutil.Process(process.pid)
            if known is None or process.group != WORKERS:
                return 0
            return int(known.memory_info().rss)
        except psutil.Error:
            return 0

    def _act(self, action: Action) -> None:
        _log.warning(
            "%s", action.why or action.step, extra={"action": action.step, "program": action.name}
        )
        instruments.WATCHDOG_ACTIONS.labels(action.name, action.step).inc()
        full_name = self._groups[action.name].full_name
        try:
            if action.step == "start":
                self._supervisor.start(full_name)
            elif action.step == "stop":
                self._supervisor.stop(full_name)
            else:
                os.kill(action.pid, _SIGNALS[action.step])
        except (ActpError, OSError) as error:
            # It has started or ended meanwhile; the next look shows what is.
            _log.info("%s: %s", action.step, error, extra={"action": "overtaken"})


def _can_write(folder: Path) -> bool:
    """Return whether there is room for a new file: else a beat that is missing says nothing."""
    probe = folder / "watchdog.probe"
    try:
        probe.write_bytes(bytes(4096))
        probe.unlink()
    except OSError:
        return False
    return True


def _settings_stamp() -> str:
    path = settings_file()
    try:
        status = path.stat() if path else None
    except OSError:
        status = None
    if status is None:
        return "none"
    return f"{status.st_mtime_ns} {status.st_size}"


def _limits(settings: Settings) -> Limits:
    stale_seconds = max(
        settings.heartbeat_stale_seconds,
        BEATS_UNTIL_STALE * settings.safari_lease_seconds / BEATS_PER_LEASE,
    )
    return Limits(
        stale_seconds=stale_seconds,
        patience_seconds=min(Limits().patience_seconds, settings.heartbeat_stale_seconds),
        drain_seconds=settings.stop_seconds + 10,
        memory_bytes=settings.worker_memory_mb * 2**20,
    )


def _work(vitals: Vitals) -> int:
    run_folder = vitals.folder
    if run_folder is None:
        raise WrongState(
            "the watchdog must run as a supervisord event listener",
            remedy="bin/up starts the tree with it.",
        )
    settings = load_settings()
    set_up_logs(settings.log_level)
    heard: SimpleQueue[Mapping[str, str] | None] = SimpleQueue()

    def listen() -> None:
        try:
            # Files of our own: at its end the interpreter would wait for sys.stdin.
            with open(0, "rb", closefd=False) as source, open(1, "wb", closefd=False) as sink:
                for event in events(source, sink):
                    heard.put(event)
        finally:
            heard.put(None)

    def stop(_number: int, _frame: object) -> None:
        sys.exit(ExitCode.OK)

    signal.signal(signal.SIGTERM, stop)
    alerts = AlertBox(settings, run_folder / "watchdog.json", host=socket.gethostname())
    watchdog = Watchdog(
        Supervisor(run_folder / "supervisor.sock"), run_folder, _limits(settings), alerts
    )
    heartbeat = Heartbeat(settings.heartbeat_url)
    threading.Thread(target=listen, name="events", daemon=True).start()
    with exposed(ME, instruments.REGISTRY, settings):
        while True:
            with suppress(Empty):
                event = heard.get(timeout=LOOK_SECONDS)
                if event is None:
                    watchdog.end_orphans()
                    return ExitCode.OK
                watchdog.told(event)
            watchdog.look()
            heartbeat.report(watchdog.fault)
            vitals.beat()


def main() -> int:
    """Watch until supervisord ends."""
    return run_program(_work)


if __name__ == "__main__":
    sys.exit(main())
