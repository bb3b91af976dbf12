"""``python -m console``: the program of the tree, on CONSOLE_PORT."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from actp.errors import ExitCode, SettingsError
from actp.logs import set_up_logs
from actp.settings import load_settings
from actp.vitals import run_program
from console.serve import serve

if TYPE_CHECKING:
    from actp.vitals import Vitals

__all__ = ["main"]


def _work(vitals: Vitals) -> ExitCode:
    settings = load_settings()
    set_up_logs(settings.log_level)
    if settings.console_port == 0:
        raise SettingsError(
            "the console is disabled", remedy="Set CONSOLE_PORT, for example to 8700."
        )
    serve(settings, settings.console_port, vitals=vitals)
    return ExitCode.OK


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    return run_program(_work)


if __name__ == "__main__":
    sys.exit(main())
