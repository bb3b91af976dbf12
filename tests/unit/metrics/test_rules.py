"""Rules read metrics that exist, and every alert is told apart, explained and tested."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.environment import skip_or_fail
from tests.unit.metrics.shown import (
    METRICS,
    OF_PROMETHEUS,
    RULES,
    alerts,
    blocks,
    dashboards,
    expression_of,
    names_in,
    recordings,
    shown,
)

if TYPE_CHECKING:
    from pathlib import Path

RUNBOOK = METRICS.parent / "docs" / "prometheus-alerts.md"
PROMTOOL_SECONDS = 60
ALWAYS_FIRES = "ActpDeadMan"
LEVEL_METRIC_OPERATIONS = re.compile(r"[a-z_]+:actp_[a-z_]+:[a-z0-9_]+")


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        skip_or_fail("promtool is not installed (apt install prometheus)")
    done = subprocess.run(
        [program, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=PROMTOOL_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*alerts(), *recordings()])
def test_a_rule_reads_only_what_is_shown_or_recorded(name: str) -> None:
    rule = {**alerts(), **recordings()}[name]
    read = names_in(expression_of(rule))
    assert read or name == ALWAYS_FIRES
    assert read <= shown() | recordings().keys() | OF_PROMETHEUS


def test_a_recording_is_named_by_level_metric_and_operations() -> None:
    assert [name for name in recordings() if not LEVEL_METRIC_OPERATIONS.fullmatch(name)] == []


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    alert = alerts()[name]
    assert re.fullmatch(r"Actp([A-Z][a-z]+)+", name)
    assert re.search(r"^ *for: \d+[mh]$", alert, re.MULTILINE)
    assert re.search(r"^ *severity: (critical|warning|info|none)$", alert, re.MULTILINE)
    assert re.search(r"^ *summary: \S", alert, re.MULTILINE)
    assert re.search(r"^ *description: \S", alert, re.MULTILINE)
    assert f"runbook_url: docs/prometheus-alerts.md#{name.lower()}\n" in f"{alert}\n"
    board = re.search(r"^ *dashboard_url: \S+/d/(\S+)$", alert, re.MULTILINE)
    assert board is not None
    assert board[1] in {dashboard["uid"] for dashboard in dashboards().values()}


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    sections = re.findall(r"^### (\S+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(alerts())


def test_each_alert_is_seen_to_fire_and_not_to_fire() -> None:
    cases = {
        name: case
        for path in (RULES / "tests").glob("*.yml")
        for name, case in blocks(path, "name").items()
    }
    assert cases.keys() == alerts().keys()
    for name, case in cases.items():
        assert f'alertname="{name}"' in case
        assert "value: 1" in case, f"{name} is never seen to fire"
        assert "exp_samples: []" in case or name == ALWAYS_FIRES, f"{name} is never seen quiet"


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    promtool("check", "rules", *sorted(RULES.glob("*.yml")))


def test_promtool_finds_nothing_wrong_with_the_configuration() -> None:
    promtool("check", "config", METRICS / "prometheus.yml")


def test_the_rules_do_what_their_tests_say() -> None:
    promtool("test", "rules", *sorted((RULES / "tests").glob("*.yml")))
