"""Every kind of alert that the sources raise, read from them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("actp/safari", "actp/campaigns", "actors")
# They name the outcome's reason, so that no call spells them out.
ALERTS_OF_RESULTS = ("rewritten", "unstorable")


def alert_kinds() -> set[str]:
    """The kinds that SQL, watchdog and campaigns name, and the reasons of outcomes that alert."""
    sources = "\n".join(path.read_text() for path in (ROOT / "migrations").glob("*.sql"))
    key = r"(?:format\((?:[^()]|\([^()]*\))*\)|'[^']*' \|\| [\w.]+|\w+)"
    calls = re.findall(rf"safari_alert\(\s*{key},\s*'(\w+)'", sources)
    inserts = re.findall(rf"\(key, kind, detail\)\s+select {key},\s*'(\w+)'", sources)
    kinds = {*calls, *inserts, *ALERTS_OF_RESULTS}
    for path in (path for folder in FOLDERS for path in (ROOT / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Outcome"),
                    args=[ast.Constant(value=verdict), ast.Constant(value=reason), *_],
                    keywords=words,
                ) if verdict != "unknown" and any(word.arg == "alert" for word in words):
                    kinds.add(str(reason))
                case ast.Call(
                    func=ast.Name(id="Alarm" | "Alert"),
                    args=[ast.Constant(value=kind), *_],
                ):
                    kinds.add(str(kind))
    return kinds
