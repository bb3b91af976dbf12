"""Writes settings into a file such as .env, whose other lines stay as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["quoted", "with_values"]

_PLAIN = re.compile(r"[\w./:@,+=?&~-]+", re.ASCII)


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each name set; its line is replaced, commented out or not, or added."""
    lines = text.splitlines()
    for name, value in values.items():
        setting = f"{name}={quoted(value)}"
        set_at = _last(lines, rf"(?:export\s+)?{name}\s*=")
        place = set_at if set_at is not None else _last(lines, rf"#\s*{name}\s*=")
        if place is None:
            lines.append(setting)
        else:
            lines[place] = setting
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Return a value as dotenv reads it back; raises InvalidInput for one that it would change."""
    if "${" in value:
        raise InvalidInput(
            "a value that contains ${ is expanded when .env is read",
            remedy="Set it in the environment instead.",
        )
    if not value or _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _last(lines: list[str], pattern: str) -> int | None:
    found = [place for place, line in enumerate(lines) if re.match(pattern, line.lstrip())]
    return found[-1] if found else None
