"""Keeps a Mac awake while the tree runs."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Final

__all__ = ["keep_awake", "sleep_settings"]

CAFFEINATE: Final = "/usr/bin/caffeinate"
PMSET: Final = "/usr/bin/pmset"
PMSET_TIMEOUT_SECONDS: Final = 5.0


def keep_awake(pid: int) -> subprocess.Popen[bytes] | None:
    """Keep this Mac from idle sleep until a process ends; return what does, None elsewhere."""
    if sys.platform == "darwin":
        with suppress(OSError):
            return subprocess.Popen(
                [CAFFEINATE, "-i", "-s", "-w", str(pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    return None


def sleep_settings() -> dict[str, str]:
    """Return what pmset says, by name; empty on other systems."""
    if sys.platform != "darwin":
        return {}
    try:
        said = subprocess.run(
            [PMSET, "-g"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=PMSET_TIMEOUT_SECONDS,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return parse(said)


def parse(said: str) -> dict[str, str]:
    """Return name and value of each line of ``pmset -g``."""
    pairs = (line.split(maxsplit=1) for line in said.splitlines())
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}
