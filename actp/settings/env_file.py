"""Writes settings into a file such as .env, whose other lines stay as they are."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from actp.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["quoted", "with_values"]

_PLAIN = re.compile(r"[\w./:@,+=?&~-]+", re.ASCII)


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return the text with each name set.

    The last line of the name is replaced, else one that is commented out, else one is added.
    """
    lines = [binding.original.string for binding in parse_stream(io.StringIO(text))]
    for name, value in values.items():
        setting = f"{name}={quoted(value)}\n"
        set_at = _last(lines, rf"(?:export\s+)?{name}\s*=")
        place = set_at if set_at is not None else _last(lines, rf"#\s*{name}\s*=")
        if place is None:
            lines.append(setting)
        else:
            # Blank lines before it belong to it.
            line = lines[place]
            lines[place] = line[: len(line) - len(line.lstrip())] + setting
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


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
