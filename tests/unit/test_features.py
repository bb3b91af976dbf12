"""What multi-agent-features.json calls done is held by tests that are there."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ASKED = [
    "PROS-004", "OUTR-004", "OUTR-005", "DISP-004", "ABTS-005", "TRND-005", "CRTR-003", "REMO-004",
    "CMIX-003", "SCHD-002", "SCHD-003", "ABTS-006", "E2E-006",
]  # fmt: skip


def features() -> list[dict[str, Any]]:
    path = ROOT / "multi-agent-features.json"
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return found


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_feature_that_was_asked_for_is_listed_in_its_order() -> None:
    assert [feature["id"] for feature in features()] == ASKED


def test_a_feature_is_done_when_tests_hold_it() -> None:
    for feature in features():
        is_done = (feature["status"], feature["passes"]) == ("done", True)
        assert is_done == bool(feature["tests"]), feature["id"]
        for test in feature["tests"]:
            path, _, name = test.partition("::")
            assert name in functions_in(ROOT / path), test
