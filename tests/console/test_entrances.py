"""One question, the same answer from the command line, the console and an agent's tools."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from actp.cli.main import main
from tests.console.test_mcp import call, connected, environment

if TYPE_CHECKING:
    import pytest

    from tests.console.conftest import Served


def test_every_entrance_finds_the_same_commands_and_says_the_same_of_them(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    life = served.life
    life.enqueue_and_send()
    unknown = life.enqueue()
    life.end(unknown, "unknown", error="no answer")
    life.enqueue("ada")
    life.enqueue("bob")

    for name, value in environment(served.database).items():
        monkeypatch.setenv(name, value)
    assert main(["history", "--to", "@ada", "--json"]) == 0
    by_command_line = [row["id"] for row in json.loads(capsys.readouterr().out)]
    assert main(["status", "--json"]) == 0
    unknown_by_command_line = json.loads(capsys.readouterr().out)["unknown_outcomes"]["count"]

    page = served.client.get("/commands", params={"to": "@ada"}).text
    by_console = re.findall(r'data-id="([0-9a-f-]{36})"', page)
    unknown_by_console = len(re.findall(r"data-id=", served.client.get("/unknown").text))

    async def ask() -> tuple[list[str], int]:
        async with connected(environment(served.database)) as session:
            rows = (await call(session, "search", to="@ada"))["rows"]
            status = await call(session, "status")
            return [row["id"] for row in rows], status["unknown_outcomes"]["count"]

    by_agent, unknown_by_agent = asyncio.run(ask())
    assert by_command_line == by_console == by_agent
    assert len(by_agent) == 3
    assert unknown_by_command_line == unknown_by_console == unknown_by_agent == 1
