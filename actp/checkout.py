"""The project's folders, in a checkout or an installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["IS_CHECKOUT", "PROJECT_ROOT"]

PROJECT_ROOT: Final = Path(__file__).resolve().parents[1]
# An installed package has no launchers, and must not keep its state among its files.
IS_CHECKOUT: Final = (PROJECT_ROOT / "bin" / "_run").exists()
