"""``health``: checks all nine services and stores the results."""

from __future__ import annotations

from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from actp.cli.database import database
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, one_line, say, table, text
from actp.errors import ActpError, ExitCode
from actp.safari.session_check import Health, probe_all
from actp.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["health", "health_table"]

# From the start of the command: the services are asked meanwhile.
RECORD_TIMEOUT_SECONDS = 2.4
# A database that does not exist yet is made and migrated first.
FIRST_RECORD_TIMEOUT_SECONDS = 30.0


@click.command()
@json_option
@click.pass_context
def health(ctx: click.Context, *, as_json: bool) -> None:
    """Check all nine services; exit with 1 unless all are healthy.

    The results are stored for bin/status, and shown even if the database is unreachable.
    """
    settings = load_settings()
    recorder = _Recorder(settings)
    results = probe_all(settings.service_url)
    not_recorded = recorder.record(results)
    ailing = [result.service_name for result in results if result.status != "healthy"]
    if as_json:
        emit_json(
            {
                "services": [result.row() for result in results],
                "recorded": not_recorded is None,
                "not_recorded_because": not_recorded,
                "error": f"not healthy: {', '.join(ailing)}" if ailing else None,
            }
        )
    else:
        console().print(health_table(results, settings))
        say(f"{len(results) - len(ailing)} of {len(results)} services are healthy.")
        if not_recorded is not None:
            say(f"Not stored: {one_line(not_recorded, 150)}")
    if ailing:
        ctx.exit(ExitCode.FAILED)


class _Recorder:
    """Stores the results from its own thread, so that no database makes people wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deadline = monotonic() + _record_timeout_seconds(settings)
        self._known = Event()
        self._done = Event()
        self._rows: list[dict[str, Any]] = []
        self._error: str | None = None
        Thread(target=self._run, name="record-health", daemon=True).start()

    def record(self, results: list[Health]) -> str | None:
        """Return why the results could not be stored in time, or None when they were."""
        self._rows = [result.row() for result in results]
        self._known.set()
        if not self._done.wait(max(0.1, self._deadline - monotonic())):
            return "the database did not answer in time"
        return self._error

    def _run(self) -> None:
        try:
            with database(self._settings) as store:
                store.call("safari_now")  # connects while the services are being asked
                self._known.wait()
                store.call("safari_record_health", results=self._rows)
        except ActpError as error:
            self._error = str(error)
        finally:
            self._done.set()


def _record_timeout_seconds(settings: Settings) -> float:
    if settings.store_kind != "embedded":
        return RECORD_TIMEOUT_SECONDS
    from actp.store.embedded.cluster import Cluster  # noqa: PLC0415  only this database needs it

    exists = Cluster(settings.actp_home).exists
    return RECORD_TIMEOUT_SECONDS if exists else FIRST_RECORD_TIMEOUT_SECONDS


def health_table(results: list[Health], settings: Settings) -> Table:
    """Return how each service is."""
    shown = table("service", "port", "health", "ms", "", numbers=("port", "ms"))
    for result in results:
        shown.add_row(
            result.service_name,
            str(urlsplit(settings.service_url(result.service_name)).port or ""),
            text(result.status, "" if result.status == "healthy" else "bold red"),
            "" if result.response_ms is None else str(result.response_ms),
            text(result.error),
        )
    return shown
