"""``python -m actors.scheduler``: runs the cron table until SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Final

from actors.scheduler.jobs import JOBS
from actors.scheduler.schedule import Schedule, start
from actp.errors import ExitCode
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.store import open_store
from actp.vitals import run_program
from metrics import instruments
from metrics.serve import exposed

if TYPE_CHECKING:
    from actp.vitals import Vitals

__all__ = ["main"]

BEATS_UNTIL_STALE: Final = 4
STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})

_log = logging.getLogger(__name__)


def _work(vitals: Vitals) -> int:
    settings = load_settings()
    set_up_logs(settings.log_level)
    # It says each time that a job ran, and that a tick is still waiting for its database.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # Blocked before there are threads, so that they only ever come to the wait below.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    host = f"{socket.gethostname()}/{os.getpid()}"
    with (
        closing(open_store(settings, application_name="actp-scheduler")) as store,
        exposed("scheduler", instruments.REGISTRY, settings),
    ):
        beat_seconds = settings.heartbeat_stale_seconds / BEATS_UNTIL_STALE
        schedule = Schedule(store, settings, JOBS, host=host)
        scheduler = start(schedule, vitals, beat_seconds)
        _log.info("scheduling", extra={"action": "started", "jobs": len(JOBS)})
        signal.sigwait(STOP_SIGNALS)
        # A job under way is a few calls of the database, or is told to end; what it has not said
        # is a lost slot.
        schedule.close()
        scheduler.shutdown(wait=False)
    return ExitCode.OK


def main() -> int:
    """Run the schedule until SIGTERM."""
    return run_program(_work)


if __name__ == "__main__":
    sys.exit(main())
