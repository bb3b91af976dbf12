"""Runs a worker process: forever under a supervisor, or until everything due is settled."""

from __future__ import annotations

import faulthandler
import logging
import signal
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from actors.runtime.process import stop_on_signals
from actors.worker.backlog import Waiting, is_settled, waiting
from actors.worker.process import Worker, take_ports
from actp.errors import ExitCode
from actp.logs import set_up_logs
from actp.safari.catalogue import SERVICES
from actp.store import open_store
from metrics import instruments
from metrics.serve import exposed, worker_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.settings import Settings
    from actp.store import Store

__all__ = ["RunSummary", "run_daemon", "run_once"]

LOOK_SECONDS = 0.2
# Over the time to stop: writing the last results, and the farewell.
FAREWELL_SECONDS = 8.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What one run came to."""

    completed: int
    failed: int
    unknown: int
    waiting: tuple[Waiting, ...]
    timed_out: bool


def run_daemon(
    settings: Settings,
    services: tuple[str, ...] = tuple(SERVICES),
    *,
    index: int = 0,
    beat: Callable[[], None] = lambda: None,
) -> ExitCode:
    """Work until SIGTERM or SIGINT; a second one ends the process at once.

    ``index`` is that of the worker in its tree; it chooses the port of its metrics. ``beat`` is
    called as long as every actor moves.
    """
    set_up_logs(settings.log_level)
    faulthandler.register(signal.SIGUSR1)
    store = open_store(settings, application_name="actp-worker")
    worker = Worker(settings, store, take_ports(settings, services), beat=beat)
    stop_on_signals(worker.stop)
    with exposed(worker_name(index), instruments.REGISTRY, settings):
        worker.start()
        _log.info("working", extra={"action": "started", "services": ",".join(worker.services)})
        code = worker.wait()
    worker.close()
    store.close()
    return ExitCode.SOFTWARE if code is None else code


def run_once(
    settings: Settings,
    services: tuple[str, ...] = tuple(SERVICES),
    *,
    timeout_seconds: float,
    on_progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> RunSummary:
    """Process everything due, wait out its retries, and return the outcome.

    Services that a running tree owns are left to it: it is woken, and watched until it is done.
    Raises StoreError when the database cannot be used at the start.
    """
    store = open_store(settings, application_name="actp-run-once")
    try:
        before = _ended(store)
        locks = take_ports(settings, services)
        worker = Worker(settings, store, locks, round_seconds=1.0) if locks else None
        if worker is not None:
            worker.start()
        store.call("safari_wake")
        deadline = monotonic() + timeout_seconds
        look = partial(_backlog, store, settings, services)
        backlog, settled = _watch(look, deadline, worker, on_progress)
        if worker is not None:
            worker.stop()
            worker.wait(settings.stop_seconds + FAREWELL_SECONDS)
            worker.close()
            backlog = _with_states(_backlog(store, settings, services), backlog)
        after = _ended(store)
    finally:
        store.close()
    done = {key: after[key] - before[key] for key in ("completed", "failed", "unknown")}
    return RunSummary(**done, waiting=waiting(backlog), timed_out=not settled)


def _with_states(
    last: Mapping[str, Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """Return the last view with what services were known to wait for before this worker left."""
    return {
        name: {**view, "state": view["state"] or before.get(name, {}).get("state")}
        for name, view in last.items()
    }


def _backlog(store: Store, settings: Settings, services: tuple[str, ...]) -> Mapping[str, Any]:
    backlog: Mapping[str, Any] = store.call(
        "safari_outlook", services=list(services), accounts=dict(settings.safari_accounts)
    )
    return backlog


def _watch(
    look: Callable[[], Mapping[str, Any]],
    deadline: float,
    worker: Worker | None,
    on_progress: Callable[[Mapping[str, Any]], None] | None,
) -> tuple[Mapping[str, Any], bool]:
    while True:
        backlog = look()
        if on_progress is not None:
            on_progress(backlog)
        left = deadline - monotonic()
        if is_settled(backlog, is_owned=worker is not None, seconds_left=left):
            return backlog, True
        if monotonic() > deadline:
            return backlog, False
        if worker is None:
            sleep(LOOK_SECONDS)
        elif worker.wait(LOOK_SECONDS) is not None:
            return backlog, False


def _ended(store: Store) -> Mapping[str, int]:
    counts: Mapping[str, int] = store.call("safari_status")["last_24_hours"]
    return counts
