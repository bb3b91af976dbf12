"""``python -m actors.background``: sentinel, scheduler and exporter in one process.

Each is idle most of the time and would hold some 30 MB. An actor that crashes is
replaced alone; one that keeps crashing stays down for a minute while the others work on.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from actors.runtime.component import component_spec
from actors.runtime.process import ActorProcess, run_until_told
from actors.scheduler.jobs import JOBS
from actors.scheduler.schedule import SCHEDULER, scheduling
from actors.sentinel.specs import sentinel_specs
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.vitals import run_program
from metrics import instruments
from metrics.exporter import EXPORTER, exporting
from metrics.serve import exposed

if TYPE_CHECKING:
    from actp.errors import ExitCode
    from actp.vitals import Vitals

__all__ = ["main"]

COOL_DOWN_SECONDS: Final = 60.0


def main() -> int:
    """Do all of it until SIGTERM or SIGINT."""
    return run_program(_work)


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    with ExitStack() as opened:
        opened.enter_context(exposed("background", instruments.REGISTRY, settings))
        process = ActorProcess(
            stop_seconds=settings.stop_seconds,
            beat=vitals.beat,
            cool_down_seconds=COOL_DOWN_SECONDS,
        )
        here = process.context
        return run_until_told(
            process,
            (
                *sentinel_specs(settings, here, opened),
                component_spec(SCHEDULER, here, partial(scheduling, settings, JOBS)),
                component_spec(EXPORTER, here, partial(exporting, settings)),
            ),
        )


if __name__ == "__main__":
    sys.exit(main())
