"""Each process shows its metrics on its own loopback port, and tells Prometheus where."""

from __future__ import annotations

import json
import logging
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from prometheus_client import start_http_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from actp.settings import Settings

__all__ = ["exposed", "forget_targets", "port_of", "targets_folder", "worker_name"]

HOST: Final = "127.0.0.1"
MAX_WORKERS: Final = 10
# The order fixes their ports, after those of the workers.
SINGLE_PROGRAMS: Final = ("exporter", "sentinel", "scheduler", "watchdog", "background")
STOP_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


def worker_name(number: int) -> str:
    """Return the program of the N-th worker, as supervisord calls it."""
    return f"worker_{number:02d}"


def port_of(base: int, program: str) -> int:
    """Return where a program shows its metrics; base + N for the N-th worker."""
    workers = [worker_name(number) for number in range(MAX_WORKERS)]
    return base + [*workers, *SINGLE_PROGRAMS].index(program)


def targets_folder(home: Path) -> Path:
    """Return the folder of the files that Prometheus discovers its targets from."""
    return home / "metrics" / "targets"


def forget_targets(home: Path) -> None:
    """Remove what processes that were killed have left; for before a tree starts."""
    shutil.rmtree(targets_folder(home), ignore_errors=True)


@contextmanager
def exposed(program: str, registry: CollectorRegistry, settings: Settings) -> Iterator[None]:
    """Serve ``/metrics`` meanwhile; a port that is taken is said and does not stop the work."""
    base = settings.metrics_port_base
    if base == 0:
        yield
        return
    port = port_of(base, program)
    try:
        server, thread = start_http_server(port, HOST, registry)
    except OSError as error:
        _log.error(
            "no metrics of %s: port %d cannot be bound (%s); set METRICS_PORT_BASE to another",
            *(program, port, error.strerror),
            extra={"action": "metrics_port_taken"},
        )
        yield
        return
    target = targets_folder(settings.actp_home) / f"{program}.json"
    try:
        _announce(target, program, port)
        yield
    finally:
        with suppress(OSError):  # a target that is left only shows the process as down
            target.unlink()
        server.shutdown()
        server.server_close()
        thread.join(STOP_SECONDS)


def _announce(target: Path, program: str, port: int) -> None:
    """Write the target for file_sd; whole or not at all, as Prometheus reads at any moment."""
    groups = [{"targets": [f"{HOST}:{port}"], "labels": {"program": program}}]
    draft = target.with_suffix(".tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.write_text(json.dumps(groups), encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        _log.error(
            "Prometheus will not find %s: %s", program, error, extra={"action": "target_unwritten"}
        )
