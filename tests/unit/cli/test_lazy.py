"""A command imports what it needs and nothing of the others."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from actp.cli.group import COMMANDS, actp

PROGRAM_TIMEOUT_SECONDS = 60
# What a look at the queue has no use for.
DEAR = {
    "actors",
    "prometheus_client",
    "pykka",
    "actp.campaigns",
    "actp.doctor",
    "actp.tree",
    "httpx",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_name_leads_to_its_command(name: str) -> None:
    command = actp.get_command(None, name)
    assert isinstance(command, click.Command)
    assert command.name == name


@pytest.mark.parametrize(
    ("command", "dear"),
    [("status", DEAR), ("history", DEAR), ("up", {"httpx", "actp.clients", "actp.doctor.agents"})],
)
def test_a_command_imports_nothing_dear(command: str, dear: set[str]) -> None:
    script = (
        "import sys; from actp.cli.group import actp;"
        f" actp.get_command(None, '{command}'); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        timeout=PROGRAM_TIMEOUT_SECONDS,
    )
    assert not dear & set(done.stdout.split())
