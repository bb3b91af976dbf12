"""``limits``: today's use of each limit, setting one, and going back to the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from actp.cli.database import database
from actp.cli.options import json_option
from actp.cli.output import console, emit_json, say, table
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
    """Show how much of each daily limit is used; set changes one, reset follows the settings."""
    if ctx.invoked_subcommand is not None:
        return
    settings = load_settings()
    with database(settings) as store:
        rows = store.call("safari_limits")
    if as_json:
        emit_json(rows)
        return
    console().print(_table(rows))
    say("Counts begin anew at 00:00 UTC.")
    for row in rows:
        if difference := _difference(row, settings):
            say(difference)


@limits.command("set")
@click.argument("platform")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("limit", type=click.IntRange(0, HIGHEST_LIMIT), metavar="N")
@json_option
def set_limit(platform: str, kind: str, limit: int, *, as_json: bool) -> None:
    """Allow N of KIND on PLATFORM each day; below today's use just stops until tomorrow."""
    changed = _store_limit(load_settings(), platform, kind, limit, by_person=True)
    _say_limit(changed, as_json=as_json)


@limits.command("reset")
@click.argument("platform")
@click.argument("kind", type=click.Choice(KINDS))
@json_option
def reset_limit(platform: str, kind: str, *, as_json: bool) -> None:
    """Go back to the limit of the settings, and follow them from now on."""
    changed = _store_limit(load_settings(), platform, kind, None, by_person=False)
    _say_limit(changed, as_json=as_json)


def _store_limit(
    settings: Settings, platform: str, kind: str, limit: int | None, *, by_person: bool
) -> dict[str, Any]:
    """Store a limit, None for that of the settings, and return what is known of it then."""
    with database(settings) as store:
        known = {row["platform"] for row in store.call("safari_limits")}
        platform = known_platform(platform, tuple(sorted(known)))
        policy: Json = {
            "platform": platform,
            "kind": kind,
            "daily_limit": settings.safari_daily_limits[platform][kind] if limit is None else limit,
            "by_person": by_person,
        }
        store.call("safari_configure", policies=[policy], settings={})
        rows: list[dict[str, Any]] = store.call("safari_limits")
    return next(row for row in rows if (row["platform"], row["kind"]) == (platform, kind))


def _say_limit(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(row)
        return
    limit, used = row["daily_limit"], row["used"]
    say(f"{row['platform']} {row['kind']}: {limit} a day, {used} used today.")


def _difference(row: dict[str, Any], settings: Settings) -> str | None:
    """Return what the settings say instead of the limit in force, if they do."""
    platform, kind, limit = row["platform"], row["kind"], row["daily_limit"]
    named = settings.safari_daily_limits.get(platform, {}).get(kind, limit)
    is_named = "safari_daily_limits" in settings.explicit
    if named == limit or not (row["limit_by_person"] or is_named):
        return None
    says = "SAFARI_DAILY_LIMITS says" if is_named else "the default is"
    way = (
        f"bin/limits reset {platform} {kind} goes back to it"
        if row["limit_by_person"]
        else "the next start of a worker stores it"
    )
    return f"{platform} {kind}: {limit} is in force, {says} {named}; {way}."


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
