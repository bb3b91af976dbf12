"""A domain's tasks on their own database: directly, and as their scripts run them."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from actp.domains.tools import Tools
from actp.settings import SERVICE_SETTINGS, Settings, load_settings
from actp.settings.names import ALIASES
from simulator.process import SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from actp.cli.agents.script import Script
    from actp.store.protocol import Store
    from tests.support.databases import Database


class OpenTools(Protocol):
    """Opens tools with more settings, which scripts that run afterwards get too."""

    def __call__(self, **more: str) -> Tools: ...


class RunScript(Protocol):
    """Runs a script with flags and --json; returns its exit code and what it printed."""

    def __call__(self, script: Script, *flags: str) -> tuple[int, Any]: ...


@pytest.fixture
def store(database: Database) -> Store:
    """The store on the fresh database of this test; ask for ``backend`` to see all adapters."""
    return database.store


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    """A connection to the same database, for arranging rows and looking at them."""
    with database.connect() as connection:
        yield connection


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own settings: no key, no database, services nowhere."""
    for name in (*Settings.model_fields, *ALIASES):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ACTP_ENV_FILE", "")
    monkeypatch.setenv("ACTP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ACTP_LOCK_DIR", str(tmp_path / "locks"))
    monkeypatch.setenv("SAFARI_TIME_ZONE", "Etc/UTC")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    for port, prefix in enumerate(SERVICE_SETTINGS.values(), start=1):
        monkeypatch.setenv(f"{prefix}_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("REMOTION_URL", f"http://127.0.0.1:{len(SERVICE_SETTINGS) + 1}")


@pytest.fixture
def open_tools(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenTools]:
    """Open tools on ``database``, as often and with as many settings as a test wants."""
    with ExitStack() as opened:

        def open_them(**more: str) -> Tools:
            for name, value in {**database.environment, **more}.items():
                monkeypatch.setenv(name, value)
            return opened.enter_context(Tools(load_settings()))

        yield open_them


@pytest.fixture
def tools(open_tools: OpenTools) -> Tools:
    """The tools without Claude: no key is set."""
    return open_tools()


@pytest.fixture
def claude_tools(open_tools: OpenTools, simulator: SimulatorProcess) -> Tools:
    """The tools with the simulator's Claude."""
    return open_tools(ANTHROPIC_API_KEY="test-only", ANTHROPIC_BASE_URL=simulator.url("claude"))


@pytest.fixture
def run_script(open_tools: OpenTools, capsys: pytest.CaptureFixture[str]) -> RunScript:
    """Run a script on ``database``; what it writes to standard error is left in capsys."""
    open_tools()

    def run(script: Script, *flags: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = script.main([*flags, "--json"])
        out, err = capsys.readouterr()
        sys.stderr.write(err)
        return code, json.loads(out) if out else None

    return run


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    """One simulator for all tests of the domains."""
    with SimulatorProcess() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    """The simulator with an empty world and no rules."""
    running_simulator.reset()
    return running_simulator
