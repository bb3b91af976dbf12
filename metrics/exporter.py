"""``python -m metrics.exporter``: shows the database to Prometheus, as a program."""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from math import inf
from time import time
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from actp.clock import steady_seconds
from actp.errors import ExitCode
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.store import open_store
from actp.vitals import run_program
from metrics.gauges import families
from metrics.registry import new_registry
from metrics.serve import exposed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from prometheus_client import Metric

    from actp.settings import Settings
    from actp.store import Store
    from actp.vitals import Vitals

__all__ = ["EXPORTER", "DatabaseCollector", "exporting", "main"]

EXPORTER: Final = "exporter"
BEATS_UNTIL_STALE: Final = 4
# Prometheus scrapes every 15 s and finds a new reading each time; a scrape in between does not.
FRESH_SECONDS: Final = 12.0
# A reading that hangs leaves the one before it; after this it says nothing any more.
VALID_SECONDS: Final = 15.0
FAILED_SECONDS: Final = 1.0
SCRAPE_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one call of the database answered; ``answer`` is None when it failed."""

    answer: Mapping[str, Any] | None = None
    at: float = 0.0
    taken_seconds: float = 0.0
    failures: int = 0
    read_at: float = field(default_factory=steady_seconds)

    @property
    def age_seconds(self) -> float:
        """Return how long ago it was made."""
        return steady_seconds() - self.read_at

    @property
    def is_valid(self) -> bool:
        """Return whether it says how things are now."""
        return self.answer is not None and self.age_seconds <= VALID_SECONDS


class DatabaseCollector(Collector):
    """Reads the database when it is scraped, and keeps the reading for the next scrapes.

    A separate thread reads: the scrape that asks for a reading waits ``scrape_seconds`` for it,
    and none waits for one that was under way when it came.
    """

    def __init__(
        self,
        store: Store,
        home: Path,
        *,
        fresh_seconds: float = FRESH_SECONDS,
        failed_seconds: float = FAILED_SECONDS,
        scrape_seconds: float = SCRAPE_SECONDS,
    ) -> None:
        self._store = store
        self._home = home
        self._fresh_seconds = fresh_seconds
        self._failed_seconds = failed_seconds
        self._scrape_seconds = scrape_seconds
        self._reading = Reading(read_at=-inf)
        self._changed = threading.Condition()
        self._is_wanted = False
        self._closed = False
        self._thread = threading.Thread(target=self._read_on, name="readings", daemon=True)

    def start(self) -> None:
        """Begin to read when asked to."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Return whether it still reads."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Read no more; what hangs is left to the end of the process."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: to register it is no reason to read the database."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Yield a reading; without a valid one, that the database is down."""
        reading = self._latest()
        is_valid = reading.is_valid
        yield GaugeMetricFamily("actp_database_up", "1 while the database answers.", is_valid)
        yield CounterMetricFamily(
            "actp_database_read_failures_total", "Readings that failed.", reading.failures
        )
        yield GaugeMetricFamily(
            "actp_disk_free_bytes",
            "Room on the disk that holds data, logs and spool.",
            shutil.disk_usage(_existing(self._home)).free,
        )
        if reading.answer is None or not is_valid:
            return
        yield GaugeMetricFamily(
            "actp_database_read_timestamp_seconds", "When that was, by this host.", reading.at
        )
        yield GaugeMetricFamily(
            "actp_database_read_seconds", "How long the reading took.", reading.taken_seconds
        )
        yield from families(reading.answer)

    def _latest(self) -> Reading:
        with self._changed:
            last = self._reading
            keep_seconds = self._failed_seconds if last.answer is None else self._fresh_seconds
            if last.age_seconds >= keep_seconds and not self._is_wanted:
                self._is_wanted = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._reading is not last, self._scrape_seconds)
            return self._reading

    def _read_on(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted or self._closed)
                if self._closed:
                    return
            reading = self._read()
            with self._changed:
                self._reading, self._is_wanted = reading, False
                self._changed.notify_all()

    def _read(self) -> Reading:
        began_at, failures = steady_seconds(), self._reading.failures
        try:
            answer = self._store.call("safari_gauges")
        except Exception as error:  # noqa: BLE001 - the next reading may succeed
            _log.warning("cannot read the database: %s", error, extra={"action": "reading_failed"})
            return Reading(failures=failures + 1)
        return Reading(answer, time(), steady_seconds() - began_at, failures)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


@contextmanager
def exporting(settings: Settings) -> Iterator[Callable[[], bool]]:
    """Show the database on the exporter's port meanwhile; yields whether it can still be read.

    A reading may wait for a database that is away; that is no end.
    """
    with closing(open_store(settings, application_name="actp-exporter")) as store:
        collector = DatabaseCollector(store, settings.actp_home)
        registry = new_registry()
        registry.register(collector)
        with exposed(EXPORTER, registry, settings), closing(collector):
            is_shown = settings.metrics_port_base != 0
            if is_shown:
                collector.start()
            _log.info("showing the database", extra={"action": "exporting"})
            yield lambda: collector.is_alive or not is_shown


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with exporting(settings) as is_working:
        while not ended.wait(settings.heartbeat_stale_seconds / BEATS_UNTIL_STALE):
            if is_working():
                vitals.beat()
    return ExitCode.OK


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    return run_program(_work)


if __name__ == "__main__":
    sys.exit(main())
