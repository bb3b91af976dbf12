"""The two scripts of the dispatch layer, as processes on a real database."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from actors.scheduler.agent_jobs import agent_job
from actors.scheduler.fire_times import RunContext
from actp.errors import ActpError

if TYPE_CHECKING:
    import psycopg

    from actp.domains.tools import Tools

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _on_this_database(tools: Tools) -> None:
    """Every script of these tests uses the database of ``tools``."""


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / script), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def runs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        run("multi_agent_dispatch.py", "--status", "--json").stdout
    )["runs"]
    return found


def test_a_task_is_dispatched_logged_and_shown() -> None:
    shown = run("multi_agent_dispatch.py", "--domain", "safari_cloud", "--task", "status", "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert (told["status"], told["result"]["returncode"]) == ("ok", 0)
    (logged,) = runs()
    assert (logged["domain"], logged["task"], logged["status"]) == ("safari_cloud", "status", "ok")
    table = run("multi_agent_dispatch.py", "--status").stdout
    assert "safari_cloud status ok" in " ".join(table.split())


def test_the_exit_code_is_that_of_the_script() -> None:
    failed = run(
        *("multi_agent_dispatch.py", "--domain", "safari_cloud", "--task", "status"),
        *("--params", '{"no_such_flag": true}'),
    )
    assert failed.returncode == 2
    assert failed.stdout.startswith("safari_cloud.status: error in ")
    assert runs()[0]["status"] == "error"


def test_the_registry_takes_the_same_way() -> None:
    answered = run("service_registry.py", "call", "safari_cloud.limits", "{}")
    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout)
    assert answer.keys() == {"ok", "topic", "result", "duration_ms"}
    assert answer["result"]["returncode"] == 0
    assert [(each["domain"], each["status"]) for each in runs()] == [("safari_cloud", "ok")]


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        ("status", "Last 24 hours: 0 completed"),
        ("limits", "instagram  dm          0     20"),
        ("health", "0 of 9 services are healthy."),
        ("retry", "Retrying 0 commands."),
        ("run", "0 completed, 0 failed, 0 unknown."),
    ],
)
def test_tasks_of_the_queue_are_shown_as_its_commands_show_them(task: str, shown: str) -> None:
    printed = run("multi_agent_dispatch.py", "--domain", "safari_cloud", "--task", task).stdout
    assert shown in printed
    assert '": ' not in printed, "no JSON"


def test_a_slot_of_the_schedule_takes_the_same_way(tools: Tools, admin: psycopg.Connection) -> None:
    job = agent_job("limits", "* * * * *", "safari_cloud.limits", timedelta(minutes=5))
    here = RunContext(tools.store, tools.settings, datetime.now(UTC))
    assert job.run(here)["status"] == "ok"
    stopping = RunContext(tools.store, tools.settings, datetime.now(UTC), lambda: True)
    assert job.run(stopping) == {"status": "stopped"}
    admin.execute("alter function agent_task_begin rename to agent_task_start")
    with pytest.raises(ActpError, match="agent_task_begin"):
        job.run(here)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--domain", "prospekt", "--task", "top"], "Did you mean prospect?"),
        (["--domain", "prospect", "--task", "topp"], "Did you mean top?"),
        (["--domain", "prospect", "--task", "top", "--params", "[]"], "not a JSON object"),
        (["--domain", "prospect"], "require each other"),
        (["--list", "--all"], "one of --list"),
        (["--json"], "one of --list"),
    ],
)
def test_wrong_arguments_are_usage_errors(
    flags: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from actp.cli.agents.dispatch import main

    assert main(flags) == 2
    assert words in capsys.readouterr().err


def test_the_list_names_every_domain_and_imports_no_settings() -> None:
    program = (
        "import runpy, sys; sys.argv = ['multi_agent_dispatch.py', '--list']\n"
        f"try: runpy.run_path({str(ROOT / 'multi_agent_dispatch.py')!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert not {'pydantic', 'psycopg', 'httpx', 'rich'} & sys.modules.keys()\n"
    )
    listed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert listed.returncode == 0, listed.stderr
    assert len(listed.stdout.splitlines()) == 10
    assert "safari_cloud  run, status, health, retry, limits" in listed.stdout
