from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from actp.cli.status_view import status_view

WIDTH = 100
LONG = "nothing [red]listens[/red] at http://127.0.0.1:3003 " * 5


def service(name: str, **more: Any) -> dict[str, Any]:
    return {
        "service": name,
        "platform": name.split("-", maxsplit=1)[0],
        "port": 3003,
        "oldest_ready_seconds": None,
        "reason": None,
        "until": None,
        "state": {"state": "ready"},
        "health": {"status": "healthy"},
        **more,
    }


def report(**more: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-22T03:00:00+00:00",
        "queue": [],
        "services": [service("twitter-dm")],
        "last_24_hours": {
            "completed": 3,
            "failed": 1,
            "unknown": 0,
            "cancelled": 0,
            "completion_rate": 0.75,
        },
        "limits": [{"service": "twitter-dm", "used": 3, "daily_limit": 50}],
        "foreign": 0,
        "backlog_held": 0,
        "unknown_outcomes": {"count": 0, "oldest": []},
        "alerts": [],
        "workers": [{"worker": "mac/1"}],
        "pauses": [],
        **more,
    }


def depth(platform: str, ready: int) -> dict[str, Any]:
    counts = {"pending": ready, "ready": ready, "waiting": 0, "held": 0, "running": 1}
    return {"service": "market-research", "platform": platform, **counts}


def drawn(value: dict[str, Any], *, colour: bool = False) -> str:
    out = StringIO()
    console = Console(file=out, width=WIDTH, force_terminal=colour, highlight=False)
    console.print(status_view(value))
    return out.getvalue()


def test_where_nothing_is_wrong_nothing_is_coloured() -> None:
    shown = drawn(report(), colour=True)
    for colour in ("[31m", "[1;31m", "[33m", "[32m"):
        assert colour not in shown


def test_depth_limits_and_completion_rate_are_there() -> None:
    shown = drawn(
        report(
            services=[service("market-research", oldest_ready_seconds=4000)],
            limits=[{"service": "market-research", "used": 3, "daily_limit": 50}],
            queue=[depth("tiktok", 1_000_000), depth("twitter", 5)],
        )
    )
    assert "1,000,005" in shown
    assert "1,000,000" in shown
    assert "1h 06m" in shown
    assert "3/50" in shown
    assert "completion rate 75.0%" in shown


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"workers": [], "queue": [depth("twitter", 1)]}, "No worker is running"),
        ({"backlog_held": 12}, "12 commands from before this worker"),
        ({"pauses": [{"platform": "all", "until": None, "note": None}]}, "until bin/resume"),
        ({"services": [service("tiktok-dm", health={"status": "down"})]}, "down"),
        ({"services": [service("tiktok-dm", health=None)]}, "not checked"),
        (
            {"services": [service("tiktok-dm", reason="quota", until="2026-11-23T00:00:00+00:00")]},
            "quota until",
        ),
        (
            {"services": [service("tiktok-dm", state={"state": "wait", "reason": LONG})]},
            "nothing [red]listens",
        ),
    ],
)
def test_trouble_is_said(more: dict[str, Any], words: str) -> None:
    shown = drawn(report(**more))
    assert words in shown
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_a_long_list_of_trouble_is_cut() -> None:
    command = {"id": "x" * 36, "action": "send_dm", "platform": "twitter"}
    alert = {
        "kind": "service_down",
        "detail": {"service": "twitter-dm", "error": LONG},
        "created_at": "2026-11-22T03:00:00+00:00",
    }
    shown = drawn(
        report(
            unknown_outcomes={"count": 2000, "oldest": [command] * 20},
            alerts=[alert] * 20,
        )
    )
    assert "Unknown: 2,000 outcomes" in shown
    assert shown.count("bin/queue resolve") == 5
    assert shown.count("service down: twitter-dm") == 5
    assert max(map(len, shown.splitlines())) <= WIDTH


def test_a_service_that_lives_but_cannot_be_used_is_not_ready() -> None:
    health = {"status": "healthy", "not_ready": "not logged in"}
    lines = drawn(report(services=[service("twitter-dm", health=health)]))
    assert "not ready" in lines
    assert "Not ready: twitter-dm: not logged in" in lines


def test_why_alerts_are_not_delivered_is_said() -> None:
    alert = {"id": 1, "kind": "blocked", "detail": {}, "created_at": "2026-11-22T02:00:00+00:00"}
    undelivered = {"count": 31, "error": "HTTP 401: Unauthorized; check TELEGRAM_BOT_TOKEN"}
    lines = drawn(report(alerts=[alert], undelivered=undelivered))
    assert "Not delivered: 31 alerts" in lines
    assert "Telegram: HTTP 401: Unauthorized; check TELEGRAM_BOT_TOKEN" in lines
