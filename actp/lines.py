"""Text from outside as lines that can be printed anywhere."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["CONTROLS", "one_line"]

# Escape sequences, and signs that turn a line around.
CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(value: object, longest: int = 80) -> str:
    """Return a value from outside as one printable line."""
    shown = " ".join(CONTROLS.sub("\ufffd", str(value)).split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
