"""One question, the same answer: command line, console, an agent's tools, and Telegram."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from actp.cli.main import main
from simulator.process import SimulatorProcess
from tests.actors.sentinel.chat_desk import Desk
from tests.console.test_mcp import call, connected, environment
from tests.support.phone import Phone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.console.conftest import Served

PAUSED = "tiktok"


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand, in the figures that every entrance shows."""

    ready: int
    completed: int
    failed: int
    unknown_of_the_day: int
    unknown: int
    used: int
    limit: int
    is_paused: bool
    workers: int


def of_report(report: dict[str, Any]) -> Standing:
    """Read a status report."""
    day = report["last_24_hours"]
    limit = next(row for row in report["limits"] if row["service"] == "twitter-dm")
    return Standing(
        ready=sum(row["ready"] for row in report["queue"] if row["service"] == "twitter-dm"),
        completed=day["completed"],
        failed=day["failed"],
        unknown_of_the_day=day["unknown"],
        unknown=report["unknown_outcomes"]["count"],
        used=limit["used"],
        limit=limit["daily_limit"],
        is_paused=[pause["platform"] for pause in report["pauses"]] == [PAUSED],
        workers=len(report["workers"]),
    )


def number(pattern: str, text: str) -> int:
    """Return the number that a pattern finds in a text, 0 where it finds none."""
    found = re.search(pattern, text, re.DOTALL)
    return int(found[1]) if found else 0


def of_words(status: str, limits: str) -> Standing:
    """Read what a terminal or a phone shows."""
    return Standing(
        ready=number(r"twitter-dm:? +(\d+)", status),
        completed=number(r"(\d+) completed", status),
        failed=number(r"(\d+) failed", status),
        unknown_of_the_day=number(r"(\d+) unknown", status),
        unknown=number(r"Unknown: (\d+)", status),
        used=number(r"twitter +dm:? +(\d+)", limits),
        limit=number(r"twitter +dm:? +\d+[ /]+(\d+)", limits),
        is_paused=re.findall(r"Paused: (\w+)", status) == [PAUSED],
        workers=number(r", (\d+) worker", status),
    )


def of_pages(served: Served) -> Standing:
    """Read the console."""
    overview = unescape(served.client.get("/").text)
    (row,) = re.findall(r"<tr>(?:(?!</tr>).)*service=twitter-dm.*?</tr>", overview, re.DOTALL)
    return Standing(
        ready=number(r'data-label="Ready">(\d+)', row),
        completed=number(r"(\d+) completed, \d+ failed", overview),
        failed=number(r"completed, (\d+) failed", overview),
        unknown_of_the_day=number(r"failed, (\d+) unknown in 24", overview),
        unknown=number(r"(\d+) outcomes? (?:is|are) unknown", overview),
        used=number(r">(\d+)/\d+<", row),
        limit=number(r">\d+/(\d+)<", row),
        is_paused=re.findall(r"(\w+) is paused", overview)[:1] == [PAUSED],
        workers=served.client.get("/system").text.count('data-label="Worker"'),
    )


@pytest.fixture
def phone(served: Served) -> Iterator[Phone]:
    with SimulatorProcess() as simulator, served.database.connect() as admin:
        desk = Desk(served.database, simulator, admin)
        desk.receive()
        yield Phone(simulator)
        desk.close()


def arrange(served: Served) -> None:
    life = served.life
    life.enqueue_and_send()
    life.end(life.enqueue(), "unknown", error="no answer")
    life.end(life.enqueue("grace"), "rejected", reason="before_send", error="no such user")
    for name in ("ada", "bob", "lin", "kim"):
        life.enqueue(name)
    served.database.store.call("safari_pause", platform=PAUSED, note="look")


def test_every_entrance_says_the_same_of_how_things_stand(
    served: Served,
    phone: Phone,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arrange(served)
    for name, value in environment(served.database).items():
        monkeypatch.setenv(name, value)

    def typed(*arguments: str) -> str:
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    async def ask() -> dict[str, Any]:
        async with connected(environment(served.database)) as session:
            answer: dict[str, Any] = await call(session, "status")
            return answer

    phone.write("/status")
    phone.write("/limits")
    by_phone = of_words(
        phone.await_message("Safari queue at ")["text"],
        phone.await_message("Counts reset")["text"],
    )
    expected = Standing(
        ready=4,
        completed=1,
        failed=1,
        unknown_of_the_day=1,
        unknown=1,
        used=2,
        limit=by_phone.limit,
        is_paused=True,
        workers=1,
    )
    assert expected.limit > expected.used
    assert by_phone == expected
    assert of_words(typed("status"), typed("limits")) == expected
    assert of_report(json.loads(typed("status", "--json"))) == expected
    assert of_pages(served) == expected
    assert of_report(asyncio.run(ask())) == expected


def test_every_search_finds_the_same_commands(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arrange(served)
    for name, value in environment(served.database).items():
        monkeypatch.setenv(name, value)
    assert main(["history", "--to", "@ada", "--json"]) == 0
    by_command_line = [row["id"] for row in json.loads(capsys.readouterr().out)]
    page = served.client.get("/commands", params={"to": "@ada"}).text
    by_console = re.findall(r'id="row-([0-9a-f-]{36})"', page)

    async def ask() -> list[str]:
        async with connected(environment(served.database)) as session:
            rows = (await call(session, "search", to="@ada"))["rows"]
            return [row["id"] for row in rows]

    assert by_command_line == by_console == asyncio.run(ask())
    assert len(by_console) == 3
