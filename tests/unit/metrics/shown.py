"""What rules and dashboards read, and what the processes show."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from metrics import instruments
from metrics.exporter import DatabaseCollector
from metrics.gauges import GAUGES

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS = Path(instruments.__file__).parent
RULES = METRICS / "rules"
# Prometheus makes them itself.
OF_PROMETHEUS = {"up", "ALERTS"}
SUFFIXES = ("_bucket", "_sum", "_count", "")
_METRIC = re.compile(r"\b(?:[a-z_]+:)?(?:actp|process)_[a-z_]+(?::[a-z0-9_]+)?\b|\bup\b|\bALERTS\b")
_LABELS = re.compile(r"\{[^}]*\}|\b(?:by|on) \([^)]*\)")


class NoStore:
    """Stands where a store does that is never called."""

    def call(self, function: str, /, **arguments: Any) -> Any:
        raise NotImplementedError(function, arguments)

    def listener(self) -> None:
        return None

    def close(self) -> None:
        pass


@cache
def shown() -> frozenset[str]:
    """The names that a worker or the exporter can show, those of histograms included."""
    registry = CollectorRegistry(auto_describe=True)
    registry.register(DatabaseCollector(NoStore(), METRICS))
    names = {gauge.name for gauge in GAUGES}
    names |= {"actp_database_read_timestamp_seconds", "actp_database_read_seconds"}
    for source in (registry, instruments.REGISTRY):
        for family in source.collect():
            if family.type in {"counter", "info"}:
                names.add(f"{family.name}_{'total' if family.type == 'counter' else 'info'}")
            elif family.type == "histogram":
                names |= {family.name + suffix for suffix in SUFFIXES[:3]}
            else:
                names.add(family.name)
    return frozenset(names)


def names_in(expr: str) -> set[str]:
    """The metrics that an expression reads; its label names are none."""
    return set(_METRIC.findall(_LABELS.sub("", expr)))


def blocks(path: Path, key: str) -> dict[str, str]:
    """The entries of a YAML list that begin with ``- key: NAME``, as text."""
    _, *parts = re.split(rf"^ *- {key}: ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.splitlines()[0].strip(): part for part in parts}


def expression_of(rule: str) -> str:
    """The expression of a rule, be it one line or several."""
    match = re.search(r"^ *expr: (?:\|\n((?:^ {10,}.*\n?)+)|(.*))", rule, re.MULTILINE)
    assert match is not None, rule
    return match[1] or match[2]


def alerts() -> dict[str, str]:
    return blocks(RULES / "alerts.yml", "alert")


def recordings() -> dict[str, str]:
    return blocks(RULES / "recording.yml", "record")


def dashboards() -> dict[str, dict[str, Any]]:
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((METRICS / "dashboards").glob("*.json"))
    }


def pictures(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")
