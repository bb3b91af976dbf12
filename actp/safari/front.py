"""Brings a tab of Safari to the front, as a person would click on it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from actp.macos import osascript
from actp.processes import run_bounded
from actp.sanitize import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Front"]

TIMEOUT_SECONDS: Final = 15.0
MAX_URL_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Front:
    """Safari's front tab, by way of osascript; ``is_available`` only where there is one."""

    osascript: str = field(default_factory=osascript)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def is_available(self) -> bool:
        """Whether this host has osascript."""
        return shutil.which(self.osascript, path=self.environ.get("PATH")) is not None

    def bring(self, window: int, tab: int) -> str:
        """Make a tab the current one of its window; return what the front tab then shows.

        The order of the windows stays, since the services know theirs by its number. Empty where
        Safari did not answer.
        """
        self._run(
            f'tell application "Safari" to set current tab of window {window:d}'
            f" to tab {tab:d} of window {window:d}"
        )
        return self._run('tell application "Safari" to get URL of current tab of front window')

    def _run(self, script: str) -> str:
        try:
            ended = run_bounded(
                (self.osascript, "-e", script),
                environ=self.environ,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except OSError:
            return ""
        return excerpt(ended.stdout, MAX_URL_LENGTH).strip() if ended.returncode == 0 else ""
