"""``history`` and ``show``: what became of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.database import database
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, one_line, say, table, text
from actp.cli.show_view import show_view
from actp.cli.times import short_time

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["STATUSES", "history", "show"]

# `unknown` stands for failed commands whose outcome nobody has settled.
STATUSES = ("pending", "running", "completed", "failed", "cancelled", "unknown")
MAX_ROWS = 10_000
_VERIFICATION: Final = {"none": "not verified", "claimed": "claimed by the service"}
_ATTENTION = {"failed": "red", "unknown": "bold red"}


@click.command()
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=50, show_default=True)
@click.option("--platform", help="Only of this platform.")
@click.option("--action", help="Only of this action, for example send_dm.")
@click.option("--status", type=click.Choice(STATUSES), help="Only with this status.")
@json_option
def history(
    *, limit: int, platform: str | None, action: str | None, status: str | None, as_json: bool
) -> None:
    """List the commands that ended last, newest first; --status pending lists what waits."""
    with database() as store:
        rows = store.call(
            "safari_history",
            row_limit=limit,
            platform=platform.strip().lower() if platform else None,
            action=action,
            status=status,
        )
    if as_json:
        emit_json(rows)
    elif not rows:
        say("No command matches.")
    else:
        console().print(_table(rows))


def _table(rows: list[dict[str, Any]]) -> Table:
    shown = table("time", "id", "action", "platform", "to", "status", "what")
    shown.columns[0].no_wrap = shown.columns[1].no_wrap = True
    for row in rows:
        status = "unknown" if row["reason"] == "unknown" else row["status"]
        shown.add_row(
            short_time(row["completed_at"] or row["created_at"]),
            row["id"][:8],
            text(row["action"], longest=15),
            text(row["platform"] or "-", longest=12),
            text(_recipient(row), longest=24),
            text(status, _ATTENTION.get(status, "")),
            text(row["error"] or _note(row), longest=60),
        )
    return shown


def _recipient(row: dict[str, Any]) -> str:
    params = row["params"] if isinstance(row["params"], dict) else {}
    names = ("username", "handle", "profileUrl", "profile_url", "postUrl", "post_url", "url")
    named = next((params[name] for name in (*names, "query") if params.get(name)), "")
    return one_line(named).removeprefix("https://").removeprefix("www.")


def _note(row: dict[str, Any]) -> str:
    result = row["result"] if isinstance(row["result"], dict) else {}
    if (note := _VERIFICATION.get(str(result.get("verification")))) is not None:
        return note
    return f"try {row['attempt']}" if row["attempt"] and row["attempt"] > 1 else ""


@click.command()
@click.argument("command_id", metavar="ID")
@json_option
def show(command_id: str, *, as_json: bool) -> None:
    """Tell the life of one command; the first six digits of its ID will do."""
    with database() as store:
        life = store.call("safari_show", id=command_id)
    if as_json:
        emit_json(life)
    else:
        console().print(show_view(life))
