"""Panels, rows and dashboards, and the JSON that Grafana reads of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Dashboard", "Line", "Panel", "Row", "graph", "number"]

SCHEMA_VERSION: Final = 38
GRID_WIDTH: Final = 24
ROW_HEIGHT: Final = 1
HEIGHTS: Final = {"stat": 4, "timeseries": 8}
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Line:
    """One query, and how its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture; ``unit`` is a unit of Grafana, ``bad_from`` where a number turns red."""

    kind: str
    title: str
    lines: tuple[Line, ...]
    unit: str = "short"
    description: str = ""
    bad_from: float | None = None
    bad_below: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels side by side under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page; ``name`` is its file, and its uid after ``actp-``."""

    name: str
    title: str
    rows: tuple[Row, ...]

    def json(self) -> dict[str, Any]:
        """Return what Grafana provisions from a file."""
        return {
            "id": None,
            "uid": f"actp-{self.name}",
            "title": self.title,
            "tags": ["actp"],
            "timezone": "utc",
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "links": [_links()],
            "annotations": {"list": [_firing_alerts()]},
            "templating": {"list": [_datasource_variable()]},
            "panels": _laid_out(self.rows),
        }


def graph(title: str, *lines: Line, unit: str = "short", description: str = "") -> Panel:
    """Return lines over time."""
    return Panel("timeseries", title, lines, unit, description)


def number(  # noqa: PLR0913 - each is a property of the picture
    title: str,
    expr: str,
    *,
    unit: str = "short",
    description: str = "",
    bad_from: float | None = None,
    bad_below: float | None = None,
) -> Panel:
    """Return the newest value of one series."""
    return Panel("stat", title, (Line(expr),), unit, description, bad_from, bad_below)


def _laid_out(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    placed: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        heading = {"type": "row", "title": row.title, "collapsed": False, "panels": []}
        placed.append({**heading, "gridPos": {"x": 0, "y": y, "w": GRID_WIDTH, "h": ROW_HEIGHT}})
        y += ROW_HEIGHT
        width = GRID_WIDTH // len(row.panels)
        for position, panel in enumerate(row.panels):
            place = {"x": position * width, "y": y, "w": width, "h": HEIGHTS[panel.kind]}
            placed.append({**_panel(panel), "gridPos": place})
        y += max(HEIGHTS[panel.kind] for panel in row.panels)
    return [{"id": id_, **panel} for id_, panel in enumerate(placed, start=1)]


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.kind == "stat":
        defaults["thresholds"] = {"mode": "absolute", "steps": _steps(panel)}
        options: dict[str, Any] = {
            "colorMode": "value",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    else:
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 10, "showPoints": "never"}
        options = {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + position),
                "datasource": DATASOURCE,
                "expr": line.expr,
                "legendFormat": line.legend,
                "instant": panel.kind == "stat",
                "range": panel.kind != "stat",
            }
            for position, line in enumerate(panel.lines)
        ],
    }


def _steps(panel: Panel) -> list[dict[str, Any]]:
    if panel.bad_below is not None:
        return [{"color": "red", "value": None}, {"color": "green", "value": panel.bad_below}]
    if panel.bad_from is not None:
        return [{"color": "green", "value": None}, {"color": "red", "value": panel.bad_from}]
    return [{"color": "text", "value": None}]


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Data source",
        "refresh": 1,
        "current": {},
        "options": [],
        "hide": 0,
    }


def _firing_alerts() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": DATASOURCE,
        "enable": True,
        "expr": 'ALERTS{alertstate="firing",severity=~"critical|warning"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{service}} {{program}}",
        "iconColor": "red",
    }


def _links() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "actp",
        "tags": ["actp"],
        "asDropdown": False,
        "includeVars": True,
        "keepTime": True,
    }
