"""The dispatch layer as another program uses it: names, registry and command."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from actp.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = sorted(path.stem for path in PROJECT_ROOT.glob("*.py"))
SAFARI_CLOUD = {
    "run": ("safari_cloud_agent.py", ["--run-once"]),
    "status": ("safari_cloud_agent.py", ["--status"]),
    "health": ("safari_cloud_agent.py", ["--health"]),
    "retry": ("safari_cloud_agent.py", ["--retry-failed"]),
    "limits": ("safari_cloud_agent.py", ["--rate-limits"]),
}
MODULES = {
    "prospect": "prospect_funnel_scorer.py",
    "ab-tester": "ab_post_tester.py",
    "scheduler": "growth_orchestrator.py",
    "content-mix": "growth_orchestrator.py",
    "youtube": "youtube_mplite_ingest.py",
    "trends": "platform_association_engine.py",
    "creators": "growth_orchestrator.py",
    "outreach": "strategic_outreach.py",
    "remotion": "remotion_content_producer.py",
}
ACCOUNTS = {
    "twitter": 4151, "tiktok": 710, "instagram": 807, "threads": 173, "youtube": 228,
    "linkedin": 571,
}  # fmt: skip
LIMITS = {
    "instagram": {"dm": 20, "comment": 50},
    "twitter": {"dm": 50, "comment": 100},
    "tiktok": {"dm": 30, "comment": 50},
    "linkedin": {"dm": 50, "comment": 20},
    "threads": {"dm": 0, "comment": 80},
}
TIMEOUT_SECONDS = 120


def run_python(python: str, *arguments: str, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        [python, *arguments],
        cwd=folder or PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "ACTP_ENV_FILE": "", "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("script", "name", "value"),
    [
        ("multi_agent_dispatch", "DOMAIN_MODULES", MODULES),
        ("remotion_content_producer", "BLOTATO_ACCOUNTS", ACCOUNTS),
        (
            "strategic_outreach",
            "DM_PORTS",
            {"instagram": 3100, "twitter": 3003, "tiktok": 3102, "linkedin": 3105},
        ),
        ("safari_cloud_agent", "DAILY_LIMITS", LIMITS),
    ],
)
def test_a_name_of_the_specification_has_its_value(script: str, name: str, value: object) -> None:
    assert getattr(importlib.import_module(script), name) == value


def test_the_table_of_agents_holds_script_and_flags() -> None:
    agents = importlib.import_module("multi_agent_dispatch").AGENTS
    assert agents["safari_cloud"] == SAFARI_CLOUD
    assert set(agents) == {*MODULES, "safari_cloud"}
    assert all(
        script == MODULES[domain] and flags[0].startswith("--")
        for domain in MODULES
        for script, flags in agents[domain].values()
    )


def test_ten_agents_are_registered_and_an_unknown_topic_has_suggestions() -> None:
    registry = importlib.import_module("service_registry")
    services = registry.list_services()
    assert [service["name"] for service in services] == [*MODULES, "safari_cloud"]
    assert all(service["description"] for service in services)
    answer = registry.dispatch("prospekt.score-all", {})
    assert (answer["ok"], answer["topic"]) == (False, "prospekt.score-all")
    assert "prospect.score-all" in answer["result"]["suggestions"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_importing_a_script_never_ends_the_importing_program(script: str, tmp_path: Path) -> None:
    """With a Python that lacks the packages it raises ImportError; else it brings its names."""
    program = tmp_path / "other.py"
    program.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(PROJECT_ROOT)!r})\n"
        "print('before')\n"
        f"try:\n    import {script}\nexcept ImportError as error:\n    print('no:', error)\n"
        "print('after')\n"
    )
    code, out, err = run_python(sys.executable, "-I", "-S", str(program), folder=tmp_path)
    lines = out.split("\n")
    assert (code, lines[0], lines[-2]) == (0, "before", "after"), err
    assert "bin/setup" in lines[1]
    code, out, err = run_python(sys.executable, str(program), folder=tmp_path)
    assert (code, out) == (0, "before\nafter\n"), err


def test_the_list_is_printed_without_settings_or_database() -> None:
    code, out, err = run_python(sys.executable, "multi_agent_dispatch.py", "--list", "--json")
    assert code == 0, err
    assert set(json.loads(out)) == {*MODULES, "safari_cloud"}
