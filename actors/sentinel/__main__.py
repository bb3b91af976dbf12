"""``python -m actors.sentinel``: the sentinel alone, for a host without the rest of the tree."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from actors.runtime.process import ActorProcess, run_until_told
from actors.sentinel.specs import sentinel_specs
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.vitals import run_program
from metrics import instruments
from metrics.serve import exposed

if TYPE_CHECKING:
    from actp.errors import ExitCode
    from actp.vitals import Vitals

__all__ = ["main"]


def main() -> int:
    """Do all of it until SIGTERM or SIGINT."""
    return run_program(_work)


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    with ExitStack() as opened:
        opened.enter_context(exposed("sentinel", instruments.REGISTRY, settings))
        process = ActorProcess(stop_seconds=settings.stop_seconds, beat=vitals.beat)
        return run_until_told(process, sentinel_specs(settings, process.context, opened))


if __name__ == "__main__":
    sys.exit(main())
