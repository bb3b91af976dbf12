"""``limits``: today's use of each limit, and setting one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from actp.cli.database import database
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, say, table, warn
from actp.cli.platforms import known_platform
from actp.cli.times import short_time
from actp.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from actp.settings import Settings
    from actp.store import Json

__all__ = ["limits"]

HIGHEST_LIMIT = 100_000
BAR_WIDTH = 10
KINDS = ("dm", "comment")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def limits(ctx: click.Context, *, as_json: bool) -> None:
    """Show how much of each daily limit is used; limits set changes one."""
    if ctx.invoked_subcommand is not None:
        return
    with database() as store:
        rows = store.call("safari_limits")
    if as_json:
        emit_json(rows)
    else:
        console().print(_table(rows))
        say("Counts begin anew at 00:00 UTC.")


@limits.command("set")
@click.argument("platform")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("limit", type=click.IntRange(0, HIGHEST_LIMIT), metavar="N")
@json_option
def set_limit(platform: str, kind: str, limit: int, *, as_json: bool) -> None:
    """Allow N of KIND on PLATFORM each day; below today's use just stops until tomorrow."""
    settings = load_settings()
    with database(settings) as store:
        known = {row["platform"] for row in store.call("safari_limits")}
        platform = known_platform(platform, tuple(sorted(known)))
        policy: Json = {"platform": platform, "kind": kind, "daily_limit": limit}
        store.call("safari_configure", policies=[policy], settings={})
        rows = store.call("safari_limits")
    changed = next(r for r in rows if (r["platform"], r["kind"]) == (platform, kind))
    if as_json:
        emit_json(changed)
    else:
        say(f"{platform} {kind}: {limit} a day, {changed['used']} used today.")
    if overwrites := _overwriting(settings, platform, kind, limit):
        warn(overwrites)


def _overwriting(settings: Settings, platform: str, kind: str, limit: int) -> str | None:
    """Return the warning that a worker's next start stores another limit, if it does."""
    named = settings.safari_daily_limits.get(platform, {}).get(kind, limit)
    if "safari_daily_limits" not in settings.explicit or named == limit:
        return None
    return (
        f"SAFARI_DAILY_LIMITS says {named}: the next start of a worker puts that back. "
        "Change it there too."
    )


def _table(rows: list[dict[str, Any]]) -> Table:
    columns = ("platform", "kind", "used", "limit", "", "hours", "gap", "may act")
    shown = table(*columns, numbers=("used", "limit", "gap"))
    for row in rows:
        full = row["used"] >= row["daily_limit"] > 0
        shown.add_row(
            row["platform"],
            row["kind"],
            Text(str(row["used"]), "yellow" if full else ""),
            str(row["daily_limit"]),
            _bar(row["used"], row["daily_limit"]),
            f"{row['active_from']:02d}-{row['active_to']:02d} {row['time_zone']}",
            f"{row['min_gap_seconds']:g}s",
            _permission(row),
        )
    return shown


def _bar(used: int, limit: int) -> Text:
    filled = min(BAR_WIDTH, -(-used * BAR_WIDTH // limit)) if limit else 0
    return Text("█" * filled + "░" * (BAR_WIDTH - filled), "yellow" if used >= limit > 0 else "")


def _permission(row: dict[str, Any]) -> Text:
    if row["service"] is None:
        return Text("no service")
    if row["reason"] is None:
        return Text("yes")
    until = f" until {short_time(row['until'])}" if row["until"] else ""
    return Text(f"{row['reason']}{until}", "yellow")
