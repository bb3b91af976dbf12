"""Decodes the database's JSON, whatever somebody has put into a column.

PostgreSQL stores numbers of any length and values nested some thousand levels deep; Python decodes
neither. One such value must not hide all others of the same answer.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["decoded"]

MAX_DEPTH: Final = 100
MAX_DIGITS: Final = 300  # of a number that a float can hold
TOO_DEEP: Final = '"(nested too deep to be read)"'
_NESTING: Final = frozenset({list, dict})
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]|-?[0-9][0-9.eE+-]*|[^"\[\]{}0-9-]+|.')


def decoded(text: str | bytes) -> Any:
    """Return what JSON text means; a value that Python cannot decode becomes one near to it.

    A text stands for what is nested too deep, the largest number for one with too many digits.
    Raises ValueError for what is no JSON.
    """
    given = text if isinstance(text, str) else text.decode("utf-8", errors="replace")
    try:
        value = json.loads(given)
    except (ValueError, RecursionError):
        pass
    else:
        if given.count("[") + given.count("{") <= MAX_DEPTH or not _is_too_deep(value):
            return value
    return json.loads("".join(_bounded(given)))


def _is_too_deep(value: Any) -> bool:
    # How deep json itself reads differs by the release of Python; what handles the value recurses.
    level: list[Any] = [value] if type(value) in _NESTING else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) in _NESTING
        ]
    return bool(level)


def _bounded(text: str) -> Iterator[str]:
    depth = 0
    for match in _TOKEN.finditer(text):
        part = match[0]
        if part in "]}":
            depth -= 1
            if depth >= MAX_DEPTH:
                continue
        elif part in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                yield TOO_DEEP
        if depth > MAX_DEPTH:
            continue
        is_number = part[0] in "-0123456789"
        yield _largest(part) if is_number and len(part) > MAX_DIGITS else part


def _largest(number: str) -> str:
    return repr(-sys.float_info.max if number.startswith("-") else sys.float_info.max)
