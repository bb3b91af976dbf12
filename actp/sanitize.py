"""Makes anything that came from outside fit for a jsonb column."""

from __future__ import annotations

import math
import re
from typing import Any, Final

__all__ = ["CUT", "excerpt", "storable", "storable_text"]

MAX_DEPTH: Final = 8
MAX_TEXT_LENGTH: Final = 4096
MAX_ITEMS: Final = 1000
MAX_INTEGER: Final = 10**100
DEFAULT_BUDGET_CHARS: Final = 16_384
CUT: Final = "…"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable_text(value: str, longest: int = MAX_TEXT_LENGTH) -> str:
    """Return a text without NUL and lone surrogates, at most ``longest`` characters."""
    if len(value) <= longest and _UNSTORABLE.search(value) is None:
        return value
    text = _UNSTORABLE.sub(lambda m: "" if m[0] == "\x00" else "\ufffd", value[: longest + 1])
    return text if len(text) <= longest else text[: longest - 1] + CUT


def excerpt(body: bytes, longest: int = MAX_TEXT_LENGTH) -> str:
    """Return the beginning of a body as storable text."""
    return storable_text(body[: 4 * longest].decode("utf-8", "replace"), longest)


def storable(value: object, budget_chars: int = DEFAULT_BUDGET_CHARS) -> Any:
    """Return a JSON value that PostgreSQL stores: bounded depth and size, no NUL, no NaN.

    What does not fit is left out; a mark ``…`` stands where a text, list or object was cut.
    """
    return _Keeper(budget_chars).keep(value, 0)


class _Keeper:
    """Spends a budget of characters on a value, depth first."""

    def __init__(self, budget_chars: int) -> None:
        self._left = budget_chars

    def keep(self, value: object, depth: int) -> Any:
        self._left -= 4
        if self._left <= 0 or depth > MAX_DEPTH:
            return CUT
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list | tuple):
            return self._array(value, depth)
        return self._scalar(value)

    def _scalar(self, value: object) -> Any:
        match value:
            case None | bool():
                return value
            case int():
                return value if abs(value) < MAX_INTEGER else CUT
            case float():
                return value if math.isfinite(value) else None
            case _:
                return self._text(str(value))

    def _text(self, value: str) -> str:
        text = storable_text(value, max(1, min(MAX_TEXT_LENGTH, self._left)))
        self._left -= len(text)
        return text

    def _object(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if self._left <= 0 or len(kept) >= MAX_ITEMS:
                kept[CUT] = True
                break
            name = self._text(str(key))
            kept[name] = self.keep(item, depth + 1)
        return kept

    def _array(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        kept: list[Any] = []
        for item in value:
            if self._left <= 0 or len(kept) >= MAX_ITEMS:
                kept.append(CUT)
                break
            kept.append(self.keep(item, depth + 1))
        return kept
