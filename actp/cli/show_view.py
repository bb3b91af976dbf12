"""Draws one command: its facts, its state and its timeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Group

from actp.checkout import spelled
from actp.cli.output import one_line, table, text
from actp.cli.times import short_duration, short_time
from actp.moments import stored_time
from actp.status_words import wait_words

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = ["show_view"]

Row = dict[str, Any]

_TROUBLE = {"failed": "red", "unknown": "bold red"}
_MOMENTS = (
    ("scheduled for", "scheduled_for"),
    ("next try", "next_retry_at"),
    ("expires", "expires_at"),
    ("ended", "completed_at"),
)
MAX_VALUE_LENGTH = 300


def show_view(life: dict[str, Any]) -> RenderableType:
    """Return the facts, then the timeline."""
    return Group(_facts(life["command"]), _timeline(life["events"]))


def _facts(command: Row) -> Table:
    shown = table("command", str(command["id"]))
    facts: list[tuple[str, object]] = [
        ("action", f"{command['action']} on {command['platform'] or 'this host'}"),
        ("service", command["service"]),
        ("params", json.dumps(command["params"], ensure_ascii=False)),
        ("enqueued", short_time(command["created_at"])),
        *((name, short_time(command[column])) for name, column in _MOMENTS if command[column]),
        ("priority", command["priority"]),
        ("campaign", command["campaign_id"]),
        ("batch", command["batch_id"]),
        ("key", command["idempotency_key"]),
        ("held", command["hold"]),
        ("worker", command["worker_id"]),
        ("tries", command["attempt"] or None),
    ]
    for name, value in facts:
        if value is not None:
            shown.add_row(name, text(value, longest=MAX_VALUE_LENGTH))
    shown.add_row("status", _status(command))
    if waits := command.get("waits"):
        shown.add_row("waiting", text(wait_words(waits), longest=MAX_VALUE_LENGTH))
    if command["error"]:
        shown.add_row("error", text(command["error"], longest=MAX_VALUE_LENGTH))
    if command["result"] is not None:
        result = json.dumps(command["result"], ensure_ascii=False)
        shown.add_row("result", text(result, longest=MAX_VALUE_LENGTH))
    if command.get("place"):
        shown.add_row("look at", text(command["place"], longest=MAX_VALUE_LENGTH))
    if command["reason"] == "unknown":
        shown.add_row("next", text(spelled(f"bin/queue resolve {command['id']} sent|not-sent")))
    return shown


def _status(command: Row) -> Text:
    status = "unknown" if command["reason"] == "unknown" else command["status"]
    reason = command["reason"]
    shown = f"{status} ({reason})" if reason and reason != status else status
    return text(shown, _TROUBLE.get(status, ""))


def _timeline(events: list[Row]) -> Table:
    shown = table("time", "after", "event", "try", "HTTP", "what", "worker")
    previous: datetime | None = None
    for event in events:
        at = stored_time(event["at"])
        after = "" if previous is None else _after((at - previous).total_seconds())
        previous = at
        shown.add_row(
            at.astimezone().strftime("%m-%d %H:%M:%S"),
            after,
            text(event["event"], _TROUBLE.get(event["event"], "")),
            text(event["attempt"]),
            text(event["http_status"]),
            text(_detail(event["detail"]), longest=60),
            text(event["worker"], longest=24),
        )
    return shown


def _after(seconds: float) -> str:
    if seconds <= -1:  # the clock of the database was put back
        return f"-{short_duration(-seconds)}"
    return f"+{max(seconds, 0) * 1000:.0f}ms" if seconds < 1 else f"+{short_duration(seconds)}"


def _detail(detail: Row | None) -> str:
    if not detail:
        return ""
    parts = [detail.get(key) for key in ("reason", "error", "verdict", "outcome")]
    return one_line(": ".join(str(part) for part in parts if part))
