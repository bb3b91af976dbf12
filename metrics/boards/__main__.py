"""``python -m metrics.boards``: writes the dashboards into ``metrics/dashboards``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.boards.dashboards import DASHBOARDS

if TYPE_CHECKING:
    from metrics.boards.panels import Dashboard

__all__ = ["FOLDER", "path_of", "text_of"]

FOLDER = Path(__file__).resolve().parents[1] / "dashboards"


def path_of(dashboard: Dashboard) -> Path:
    """Return the file of a dashboard."""
    return FOLDER / f"{dashboard.name}.json"


def text_of(dashboard: Dashboard) -> str:
    """Return what its file holds."""
    return json.dumps(dashboard.json(), indent=2) + "\n"


if __name__ == "__main__":
    for _dashboard in DASHBOARDS:
        path_of(_dashboard).write_text(text_of(_dashboard), encoding="utf-8")
