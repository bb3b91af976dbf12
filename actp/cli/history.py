"""``history`` and ``show``: lists of commands, and the timeline of one."""

from __future__ import annotations

import csv
import re
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.database import database
from actp.cli.filters import chosen, filter_options, refuse_absent
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, one_line, say, table, text, warn
from actp.cli.show_view import show_view
from actp.cli.times import short_time
from actp.safari.catalogue import HTTP_SERVICES
from actp.safari.turns import turns_here
from actp.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["history", "recipient", "show"]

MAX_ROWS = 10_000
_ID: Final = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_VERIFICATION: Final = {"none": "not verified", "claimed": "claimed by the service"}
_NEVER_VERIFYING: Final = {it.name for it in HTTP_SERVICES if it.verified_means == "none"}
_ATTENTION = {"failed": "red", "unknown": "bold red"}
_COLUMNS = (
    *("id", "created_at", "completed_at", "service", "action", "platform"),
    *("recipient", "text", "status", "reason", "error", "attempt", "campaign_id"),
)


@click.command()
@filter_options
@click.option("--limit", type=click.IntRange(1, MAX_ROWS), default=50, show_default=True)
@click.option("--after", metavar="PAGE", help="Continue after the page that printed this.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@json_option
def history(
    *, limit: int, after: str | None, as_csv: bool, as_json: bool, **options: str | None
) -> None:
    """List commands, newest first; without --status, ended ones.

    A search by --to, --person, --text, --campaign or --key covers every status.
    """
    chosen_ones = chosen(options)
    if not chosen_ones.keys() & {"status", "to", "person", "text", "campaign", "batch", "key"}:
        chosen_ones["status"] = "ended"
    with database() as store:
        page = store.call("safari_search", filter=chosen_ones, after=after, row_limit=limit)
        if not page["rows"]:
            refuse_absent(store, chosen_ones, is_list=True)
    if as_csv:
        _write_csv(page["rows"])
    elif as_json:
        emit_json(page["rows"])
    elif not page["rows"]:
        say("No command matches.")
    else:
        console().print(_table(page["rows"]))
    if page["next"] and not as_json:
        warn(f"There are more: add --after {page['next']}")


def _write_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        params = _params(row)
        told = {**row, "recipient": recipient(params), "text": params.get("text")}
        writer.writerow([_cell(told[column]) for column in _COLUMNS])


def _cell(value: object) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    shown = "" if value is None else str(value)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@", "\t", "\r")) else shown


def _brief(row: dict[str, Any]) -> str:
    """Return the error without what other columns show: the service, and the ends of ids."""
    return _ID.sub(r"\1", (row["error"] or "").removeprefix(f"{row['service']}: "))


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
            text(recipient(_params(row)), longest=24),
            text(status, _ATTENTION.get(status, "")),
            text(_brief(row) or _note(row), longest=120),
        )
    return shown


def recipient(params: dict[str, Any]) -> str:
    """Return to whom or about what a command is, in one short line."""
    names = ("username", "handle", "profileUrl", "profile_url", "postUrl", "post_url", "url")
    named = next((params[name] for name in (*names, "query") if params.get(name)), "")
    return one_line(named).removeprefix("https://").removeprefix("www.")


def _params(row: dict[str, Any]) -> dict[str, Any]:
    return row["params"] if isinstance(row["params"], dict) else {}


def _note(row: dict[str, Any]) -> str:
    result = row["result"] if isinstance(row["result"], dict) else {}
    level = str(result.get("verification"))
    if level == "none" and row["service"] in _NEVER_VERIFYING:
        return "its service cannot verify"
    if (note := _VERIFICATION.get(level)) is not None:
        return note
    return f"try {row['attempt']}" if row["attempt"] and row["attempt"] > 1 else ""


@click.command()
@click.argument("command_id", metavar="ID")
@json_option
def show(command_id: str, *, as_json: bool) -> None:
    """Show the timeline of a command; four digits of its ID are enough."""
    settings = load_settings()
    with database(settings) as store:
        life = store.call("safari_show", id=command_id)
    waits = life["command"].get("waits") or {}
    turns = turns_here(settings.actp_lock_dir, settings.safari_turns)
    if waits.get("for") == "its turn" and turns:
        waits["detail"] = f"Safari: {turns[0].words}"
    if as_json:
        emit_json(life)
    else:
        console().print(show_view(life))
