#!/usr/bin/env python3
"""The Safari cloud orchestrator: process, monitor and fill safari_command_queue."""

import sys
from pathlib import Path

# Also where PYTHONSAFEPATH keeps the script's own folder out.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from actp.cli.bootstrap import ensure_packages

ensure_packages(__file__)

from actp.cli.entry_point import main  # noqa: E402  # now that what it imports is known to be here

__all__ = ["main"]


def __getattr__(name: str) -> dict[str, dict[str, int]]:
    """Give ``DAILY_LIMITS``, the limits a day unless SAFARI_DAILY_LIMITS is set, when asked for."""
    if name != "DAILY_LIMITS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from actp.settings.values import DEFAULT_DAILY_LIMITS  # noqa: PLC0415  # commands load no more

    return {platform: dict(kinds) for platform, kinds in DEFAULT_DAILY_LIMITS.items()}


if __name__ == "__main__":
    sys.exit(main())
