"""``python -m actors.scheduler``: the schedule alone, for a host without the rest of the tree."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from actors.runtime.component import component_spec
from actors.runtime.process import ActorProcess, run_until_told
from actors.scheduler.jobs import JOBS
from actors.scheduler.schedule import SCHEDULER, scheduling
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.vitals import run_program
from metrics import instruments
from metrics.serve import exposed

if TYPE_CHECKING:
    from actp.errors import ExitCode
    from actp.vitals import Vitals

__all__ = ["main"]


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    with exposed(SCHEDULER, instruments.REGISTRY, settings):
        process = ActorProcess(stop_seconds=settings.stop_seconds, beat=vitals.beat)
        schedule = partial(scheduling, settings, JOBS)
        return run_until_told(process, (component_spec(SCHEDULER, process.context, schedule),))


def main() -> int:
    """Run the schedule until SIGTERM."""
    return run_program(_work)


if __name__ == "__main__":
    sys.exit(main())
