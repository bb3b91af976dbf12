"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import importlib
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("actors", "actp", "demo", "metrics", "simulator")
LONGEST_MODULE_LINES = 400


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts ``__all__``."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def is_sleep(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="sleep")):
            return True
        case ast.ImportFrom(module="time", names=names):
            return any(alias.name == "sleep" for alias in names)
    return False


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    lengths = {name_of(path): line_count(path) for path in python_files(*PACKAGES, "tests")}
    lengths |= {path.name: line_count(path) for path in ROOT.glob("*.py")}
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE_LINES} == {}


@pytest.mark.parametrize("path", python_files(*PACKAGES), ids=name_of)
def test_what_a_module_exports_is_sorted_and_there(path: Path) -> None:
    if "__all__" not in path.read_text(encoding="utf-8"):
        return
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    assert module.__all__ == sorted(module.__all__, key=isort_key)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


# The benchmarks are no tests: they pace a load, and look at a process of others from time to time.
TESTS = [path for path in python_files("tests") if "bench" not in path.parts]


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_no_test_sleeps(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [node.lineno for node in ast.walk(tree) if is_sleep(node)] == []  # type: ignore[attr-defined]  # both kinds have lines


@pytest.mark.parametrize("path", sorted((ROOT / "bin").iterdir()), ids=name_of)
def test_a_command_is_executable_and_says_how_it_is_used(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert os.access(path, os.X_OK)
    assert first == "#!/bin/sh"
    assert re.match(rf"# Usage: bin/{re.escape(path.name)}( |$)", second)
