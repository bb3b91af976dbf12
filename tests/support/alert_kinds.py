"""Every kind of alert that the sources raise, read from them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("actp/campaigns", "actp/domains", "actp/safari", "actors")
# They name the outcome's reason, so that no call spells them out.
ALERTS_OF_RESULTS = ("rewritten", "unstorable")


def alert_kinds() -> set[str]:
    """The kinds that SQL, watchdog, campaigns and domains name, and the reasons that alert."""
    kinds = {*ALERTS_OF_RESULTS}
    for path in (ROOT / "migrations" / "functions").glob("*.sql"):
        kinds |= set(_kinds_in_sql(path.read_text(encoding="utf-8")))
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        kinds |= set(_kinds_in_python(path.read_text(encoding="utf-8")))
    return kinds


def _kinds_in_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Name(id="Outcome"),
                args=[ast.Constant(value=verdict), ast.Constant(value=reason), *_],
                keywords=words,
            ) if verdict != "unknown" and any(word.arg == "alert" for word in words):
                yield str(reason)
            case ast.Call(
                func=ast.Name(id="Alarm" | "Alert") | ast.Attribute(attr="alert"),
                args=[ast.Constant(value=kind), *_],
            ):
                yield str(kind)


def _kinds_in_sql(source: str) -> Iterator[str]:
    code = re.sub(r"--.*", "", source)
    for call in re.finditer(r"safari_alert\(", code):
        yield from _literal(_item(code, call.end(), 1))
    for select in re.finditer(r"\(key, kind, detail\)\s+select ", code):
        yield from _literal(_item(code, select.end(), 1))


def _literal(item: str) -> list[str]:
    return re.findall(r"^'(\w+)'$", item.strip())


def _item(code: str, start: int, wanted: int) -> str:
    """The item of a list, counted from 0, that begins at ``start``."""
    depth, number, begin, quoted = 0, 0, start, False
    for at in range(start, len(code)):
        sign = code[at]
        quoted ^= sign == "'"
        if quoted:
            continue
        depth += (sign == "(") - (sign == ")")
        if depth < 0 or (depth == 0 and sign == ","):
            if number == wanted or depth < 0:
                return code[begin:at] if number == wanted else ""
            number, begin = number + 1, at + 1
    return ""
