"""What the programs of the tree leave unloaded: each would hold it for as long as it lives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
IMPORT_TIMEOUT_SECONDS = 90
LOADED = """
import sys, {module}
print(*(name for name, module in sys.modules.items() if module))
"""
# A terminal, the simulator, what is asked for seldom, and the adapters of databases not yet chosen.
NOBODY_NEEDS = {
    *("aiohttp", "anthropic", "click", "postgrest", "psycopg", "pygments", "rich", "supabase")
}
WATCHDOG_ALONE = {"httpx", "pykka"}
# The database is up before the programs that connect to it.
SERVER_ALONE = {"psycopg", "pydantic"}


def loaded(module: str) -> set[str]:
    said = subprocess.run(
        [sys.executable, "-c", LOADED.format(module=module)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=IMPORT_TIMEOUT_SECONDS,
    )
    return set(said.stdout.split())


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("actors.__main__", NOBODY_NEEDS),
        ("actors.scheduler.__main__", NOBODY_NEEDS),
        ("actors.sentinel.__main__", NOBODY_NEEDS),
        ("actors.watchdog.__main__", NOBODY_NEEDS | WATCHDOG_ALONE),
        ("actp.store.embedded.__main__", SERVER_ALONE),
        ("metrics.exporter", NOBODY_NEEDS | WATCHDOG_ALONE),
    ],
)
def test_a_program_loads_nothing_that_it_does_not_need(module: str, unneeded: set[str]) -> None:
    assert loaded(module) & unneeded == set()


def test_a_supabase_project_costs_its_rest_client_and_no_more() -> None:
    unneeded = {"realtime", "storage3", "supabase", "supabase_auth", "supabase_functions"}
    found = loaded("actp.store.supabase")
    assert "postgrest" in found
    assert found & unneeded == set()


def test_httpx_works_without_its_command_line() -> None:
    assert {"actp", "httpx", "pydantic"} <= loaded("actp.clients.telegram")
