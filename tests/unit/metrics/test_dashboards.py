"""Dashboards load in any Grafana, read metrics that exist, and stay readable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from metrics.boards.__main__ import FOLDER, path_of, text_of
from metrics.boards.dashboards import DASHBOARDS
from tests.unit.metrics.shown import (
    OF_PROMETHEUS,
    dashboards,
    names_in,
    pictures,
    recordings,
    shown,
)

if TYPE_CHECKING:
    from metrics.boards.panels import Dashboard

MOST = 5
WIDTH = 24
# What one line of a graph may be told apart by: labels with at most five values.
FEW = {"outcome", "state", "action"}


@pytest.fixture(params=dashboards())
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dashboards()[request.param]


@pytest.mark.parametrize("source", DASHBOARDS, ids=lambda source: source.name)
def test_the_file_is_what_its_source_says(source: Dashboard) -> None:
    message = "run python -m metrics.boards"
    assert path_of(source).read_text(encoding="utf-8") == text_of(source), message


def test_there_is_no_file_without_a_source() -> None:
    assert set(FOLDER.iterdir()) == set(map(path_of, DASHBOARDS))


def test_a_dashboard_can_be_provisioned_as_it_is(dashboard: dict[str, Any]) -> None:
    assert dashboard["id"] is None
    assert re.fullmatch(r"actp-[a-z]+", dashboard["uid"])
    assert dashboard["editable"] is False
    assert dashboard["timezone"] == "utc"
    assert dashboard["schemaVersion"] >= 36
    assert "__inputs" not in dashboard
    assert "actp" in dashboard["tags"]
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"


def test_uids_and_titles_are_unique() -> None:
    for key in ("uid", "title"):
        values = [dashboard[key] for dashboard in dashboards().values()]
        assert len(set(values)) == len(values)


def test_every_panel_has_a_place_an_id_and_a_source(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, f"{panel['title']} lies over another"
        taken |= cells
    for panel in pictures(dashboard):
        assert panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


def test_panels_read_only_what_is_shown_or_recorded(dashboard: dict[str, Any]) -> None:
    known = shown() | recordings().keys() | OF_PROMETHEUS
    for panel in pictures(dashboard):
        for target in panel["targets"]:
            read = names_in(target["expr"])
            assert read, target["expr"]
            assert read <= known, panel["title"]


def test_a_row_has_few_graphs_and_a_graph_few_lines(dashboard: dict[str, Any]) -> None:
    in_row = 0
    for panel in dashboard["panels"]:
        in_row = 0 if panel["type"] == "row" else in_row + 1
        assert in_row <= MOST, panel["title"]
    for panel in pictures(dashboard):
        assert len(panel["targets"]) <= MOST
        if panel["type"] == "stat":
            continue
        for target in panel["targets"]:
            labels = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert labels <= FEW or target["expr"].startswith(f"topk({MOST}, "), panel["title"]


def test_rates_follow_the_zoom(dashboard: dict[str, Any]) -> None:
    for panel in pictures(dashboard):
        for target in panel["targets"]:
            assert re.findall(r"\brate\([^\[]*\[(?!\$__rate_interval\])", target["expr"]) == []
