"""macOS programs: arguments and parsed output.

Elsewhere each function does nothing or returns that nothing is there. The programs are named by
their full paths, so that none of the same name on a PATH runs in their place.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "LaunchAgent",
    "is_denied",
    "is_mac",
    "keep_awake",
    "launchctl_remedy",
    "osascript",
    "sleep_settings",
    "version",
]

CAFFEINATE: Final = "/usr/bin/caffeinate"
LAUNCHCTL: Final = "/bin/launchctl"
OSASCRIPT: Final = "/usr/bin/osascript"
PMSET: Final = "/usr/bin/pmset"
SYSCTL: Final = "/usr/sbin/sysctl"
ANSWER_TIMEOUT_SECONDS: Final = 5.0
# How launchctl ends where a session has no windows, as over ssh, and where a label is in use.
NO_SESSION: Final = frozenset({112, 125})
IN_USE: Final = frozenset({5, 37})
# osascript ends each error with its number, in whichever language it prints the text.
_ERROR_NUMBER: Final = re.compile(r"\((-\d+)\)\s*$")
NOT_ALLOWED: Final = frozenset({-1743, -1744, -10004})


def is_mac() -> bool:
    """Return whether this is macOS."""
    return sys.platform == "darwin"


def osascript() -> str:
    """Return the program that runs AppleScript; elsewhere a stand-in on PATH may have its name."""
    return OSASCRIPT if is_mac() else "osascript"


def is_denied(said: str) -> bool:
    """Return whether osascript ended because this program must not control Safari."""
    found = _ERROR_NUMBER.search(said)
    return found is not None and int(found[1]) in NOT_ALLOWED


def version() -> str | None:
    """Return the version, as 14.7.1; None elsewhere and where sysctl does not answer."""
    return _answer(SYSCTL, "-n", "kern.osproductversion").strip() or None


def keep_awake(pid: int) -> subprocess.Popen[bytes] | None:
    """Keep this Mac from idle sleep until a process ends; return what does, None elsewhere."""
    if is_mac():
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
    """Return name and value of each line of ``pmset -g``; empty elsewhere."""
    pairs = (line.split(maxsplit=1) for line in _answer(PMSET, "-g").splitlines())
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


class LaunchAgent(NamedTuple):
    """A program that launchd starts at each login, and the commands that load and unload it."""

    label: str
    path: Path

    @property
    def load(self) -> tuple[str, ...]:
        """The command that starts it now and at each login."""
        return (LAUNCHCTL, "bootstrap", _session(), str(self.path))

    @property
    def unload(self) -> tuple[str, ...]:
        """The command that ends it; it returns before the programs of the agent have ended."""
        return (LAUNCHCTL, "bootout", f"{_session()}/{self.label}")

    @property
    def look(self) -> tuple[str, ...]:
        """The command that succeeds while it is loaded."""
        return (LAUNCHCTL, "print", f"{_session()}/{self.label}")


def launchctl_remedy(code: int) -> str | None:
    """Return what helps when launchctl ended with this code; None for a code that says nothing."""
    if code in NO_SESSION:
        return "Run it in a terminal on the Mac itself: a session over ssh has no windows."
    if code in IN_USE:
        return "Run bin/install-service --uninstall, then bin/install-service."
    return None


def _session() -> str:
    return f"gui/{os.getuid()}"


def _answer(*command: str) -> str:
    """Return what a program prints; empty elsewhere, and where it fails or hangs."""
    if not is_mac():
        return ""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=ANSWER_TIMEOUT_SECONDS,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
