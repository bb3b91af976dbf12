"""The project's folders, in a checkout or an installed package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["IS_CHECKOUT", "PROJECT_ROOT", "spelled"]

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
# An installed package has no launchers, and must not keep its state among its files.
IS_CHECKOUT: Final = (PROJECT_ROOT / "bin" / "_run").exists()
_LAUNCHER: Final = re.compile(r"(?<![\w./-])bin/(?=[a-z])")


def spelled(line: str) -> str:
    """Return a line with its commands as this copy has them: bin/up, or actp up if installed."""
    return line if IS_CHECKOUT else _LAUNCHER.sub("actp ", line)
