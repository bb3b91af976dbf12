"""``limits``: shows today's use, sets limits, and resets them to the settings."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import SPAN, json_option
from actp.cli.output import console, counted, emit_json, say, table, text
from actp.cli.platforms import known_platform
from actp.cli.times import short_time
from actp.errors import InvalidInput
from actp.operators import act, operator_here
from actp.safari.own_limits import ask_limits, described, wider
from actp.safari.session_check import StatedLimits
from actp.settings import DEFAULT_DAILY_LIMITS, UNNAMED_ACCOUNT, load_settings, parse_login

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table
    from rich.text import Text

    from actp.settings import Settings
    from actp.store import Json

__all__ = ["KINDS", "WEEKDAYS", "limits", "limits_table", "policy_of", "weekdays_of"]

HIGHEST_LIMIT = 100_000
BAR_WIDTH = 10
KINDS = ("dm", "comment")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LIMIT = click.IntRange(0, HIGHEST_LIMIT)


@click.group(cls=Group, invoke_without_command=True)
@json_option
@click.pass_context
def limits(ctx: click.Context, *, as_json: bool) -> None:
    """Show the use of each daily limit; set changes one, reset returns to the settings.

    rename moves what an account did to its new name.
    """
    if ctx.invoked_subcommand is not None:
        return
    settings = load_settings()
    with database(settings) as store:
        rows = _beside_own(store.call("safari_limits"), ask_limits(settings))
    if as_json:
        emit_json(rows)
        return
    console().print(limits_table(rows))
    say("Counts reset at 00:00 UTC.")
    for row in rows:
        own = _own_limit(row) if row["service_states"] is None else None
        for line in (_shape(row), own, _stated(row), _difference(row, settings)):
            if line:
                say(line)


@limits.command("set")
@click.argument("platform")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("limit", type=LIMIT, metavar="[N]", required=False)
@click.option(
    "--account", help="Only for this account; default: all accounts without a limit set for them."
)
@click.option("--hourly", type=LIMIT, metavar="N", help="Limit in any hour.")
@click.option("--rolling", type=LIMIT, metavar="N", help="Limit in any 24 hours.")
@click.option("--weekly", type=LIMIT, metavar="N", help="Limit in any 7 days.")
@click.option(
    "--gap", type=SPAN, metavar="SPAN", help="Gap from the end of an action to the next: 45s."
)
@click.option(
    "--ramp",
    type=SPAN,
    metavar="SPAN",
    help="Ramp up to the limit in equal steps over this time: 14d.",
)
@click.option(
    "--weekdays", metavar="DAYS", help="Send only on these days: mon-fri, or mon,wed,sat."
)
@click.option(
    "--spread/--no-spread", default=None, help="Spread the day's actions over the active hours."
)
@json_option
def set_limit(
    platform: str,
    kind: str,
    limit: int | None,
    *,
    account: str | None,
    as_json: bool,
    **pace: Any,
) -> None:
    """Set the daily limit of KIND on PLATFORM, or other limits and pace.

    A limit below today's use stops sending until tomorrow.
    """
    wanted = {name: value for name, value in _pace(pace).items() if value is not None}
    if limit is None and not wanted:
        raise InvalidInput("no value given", remedy="Give a number, or one of the options.")
    if limit is not None:
        wanted["daily_limit"] = limit
    changed = _store_limit(load_settings(), platform, kind, wanted, account=account)
    _say_limit(changed, as_json=as_json)


def _pace(given: Mapping[str, Any]) -> dict[str, Json]:
    gap, ramp, weekdays = given["gap"], given["ramp"], given["weekdays"]
    if ramp is not None and ramp % timedelta(days=1):
        raise InvalidInput("--ramp takes whole days", remedy="Write --ramp 14d; 0d ends it.")
    return {
        "hourly_limit": given["hourly"],
        "rolling_limit": given["rolling"],
        "weekly_limit": given["weekly"],
        "min_gap_seconds": None if gap is None else gap.total_seconds(),
        "ramp_days": None if ramp is None else ramp.days,
        "weekdays": None if weekdays is None else weekdays_of(weekdays),
        "spread": given["spread"],
    }


def weekdays_of(given: str) -> Sequence[Json]:
    """Return the days that are named, 1 for Monday; raises InvalidInput for other words."""
    days: set[int] = set()
    for part in given.lower().split(","):
        first, dash, last = part.strip().partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            raise InvalidInput(
                f"not days of the week: {given[:40]!r}", remedy="Write mon-fri, or mon,wed,sat."
            )
        start = WEEKDAYS.index(first)
        length = (WEEKDAYS.index(last) - start) % 7 if last else 0
        days |= {(start + step) % 7 + 1 for step in range(length + 1)}
    return sorted(days)


@limits.command("reset")
@click.argument("platform")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--account", help="Only this account; it then follows the limits for all accounts.")
@json_option
def reset_limit(platform: str, kind: str, *, account: str | None, as_json: bool) -> None:
    """Return to the limit of the settings."""
    changed = _store_limit(load_settings(), platform, kind, None, account=account)
    _say_limit(changed, as_json=as_json)


@limits.command("rename")
@click.argument("platform")
@click.argument("account")
@click.argument("name")
@json_option
def rename_account(platform: str, account: str, name: str, *, as_json: bool) -> None:
    """Rename an account: its history, limits and waiting commands move to NAME.

    For an account whose handle has changed. First change SAFARI_ACCOUNTS of its Mac and restart it.
    """
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "rename_account",
            platform=known_platform(platform, tuple(sorted(DEFAULT_DAILY_LIMITS))),
            account=parse_login(account),
            name=parse_login(name),
        )
    if as_json:
        emit_json(answer)
    else:
        waiting = counted(answer["waiting"], "waiting command")
        say(f"{account} on {answer['platform']} is now {answer['account']}; moved {waiting}.")


def _store_limit(
    settings: Settings,
    platform: str,
    kind: str,
    wanted: Mapping[str, Json] | None,
    *,
    account: str | None,
) -> dict[str, Any]:
    """Store a limit and the shape of its days, or those of the settings; return what holds then."""
    with database(settings) as store:
        rows: list[dict[str, Any]] = store.call("safari_limits")
        platform = known_platform(platform, tuple(sorted({row["platform"] for row in rows})))
        account = _known_account(account, platform, rows)
        policy = policy_of(settings, platform, kind, wanted, account=account)
        act(store, operator_here("cli"), "configure", policies=[policy], settings={})
        rows = store.call("safari_limits")
    return next(
        row
        for row in rows
        if (row["platform"], row["kind"]) == (platform, kind) and account in (None, row["account"])
    )


def policy_of(
    settings: Settings,
    platform: str,
    kind: str,
    wanted: Mapping[str, Json] | None,
    *,
    account: str | None,
) -> dict[str, Json]:
    """Return what safari_configure stores: what an operator wants, or None for the settings."""
    policy: dict[str, Json] = {"platform": platform, "kind": kind, "by_person": wanted is not None}
    if account:
        policy["account"] = account
    if wanted is not None:
        return {**policy, **wanted}
    named = settings.safari_daily_limits[platform][kind]
    return {
        **policy,
        "daily_limit": named,
        "daily_is_set": named != DEFAULT_DAILY_LIMITS[platform][kind],
        "min_gap_seconds": settings.safari_min_gap_seconds,
    }


def _known_account(name: str | None, platform: str, rows: list[dict[str, Any]]) -> str | None:
    if name is None:
        return None
    account = parse_login(name)
    known = sorted({row["account"] for row in rows if row["platform"] == platform})
    if account not in known:
        raise InvalidInput(
            f"no Mac has been logged in as {account} on {platform}",
            remedy=f"Known are {', '.join(known)}; SAFARI_ACCOUNTS names the accounts of a Mac.",
        )
    return account


def _say_limit(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(row)
        return
    limit, used = row["daily_limit"], row["used"]
    say(f"{_name(row)}: {limit} a day, {used} used today.")
    for line in (_shape(row), _own_limit(row)):
        if line:
            say(line)


def _name(row: dict[str, Any]) -> str:
    name = f"{row['platform']} {row['kind']}"
    return name if row["account"] == UNNAMED_ACCOUNT else f"{name} of {row['account']}"


def _shape(row: dict[str, Any]) -> str | None:
    """Return what shapes the days of a limit beside its number and gap, if anything does."""
    days = ",".join(WEEKDAYS[day - 1] for day in row["weekdays"] or ())
    weekly = (row["in_force"] or {}).get("weekly")
    parts = [
        "" if weekly is None else f"{weekly} in 7 days",
        f"only {days}" if days else "",
        f"reached in {row['ramp_days']} days" if row["ramp_days"] else "",
        "spread over its hours" if row["spread"] else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f"{_name(row)}: {said}." if said else None


def _own_limit(row: dict[str, Any]) -> str | None:
    """Return where the service's own limits and ours differ, as the narrower one holds."""
    own, limit = row["own_daily_limit"], row["daily_limit"]
    if row["in_force"] is None or own is None or limit <= own:
        return None
    name = _name(row)
    if row["in_force"]["daily"] <= own:
        return f"{name}: {row['service']} itself allows {own} a day, so {own} holds."
    return f"{name}: {limit} a day is wider than the {own} that {row['service']} itself allows."


def _beside_own(
    rows: list[dict[str, Any]], stated: Mapping[str, StatedLimits]
) -> list[dict[str, Any]]:
    """Return the limits with those that each service states, and where ours are wider."""
    return [_with_own(row, stated.get(row["service"] or "")) for row in rows]


def _with_own(row: dict[str, Any], theirs: StatedLimits | None) -> dict[str, Any]:
    if theirs is None:
        return {**row, "service_states": None, "wider_than_service": []}
    force = row["in_force"] or {"daily": row["daily_limit"], "hourly": None}
    found = wider(
        theirs,
        daily=force["daily"],
        hourly=force["hourly"],
        hours=(row["active_from"], row["active_to"]),
    )
    return {**row, "service_states": theirs._asdict(), "wider_than_service": found}


def _stated(row: dict[str, Any]) -> str | None:
    """Return the limits that the service states, and what to do where ours are wider."""
    if row["service_states"] is None:
        return None
    theirs, found = StatedLimits(**row["service_states"]), row["wider_than_service"]
    name = f"{row['platform']} {row['kind']}"
    said = f"{name}: {row['service']} itself allows {described(theirs)}"
    if not found:
        return f"{said}."
    ways = {
        "daily": f"bin/limits set {name} {theirs.daily}",
        "hourly": f"bin/limits set {name} --hourly {theirs.hourly}",
        "hours": f"SAFARI_ACTIVE_HOURS={'-'.join(map(str, theirs.hours or ()))}",
    }
    remedies = "; ".join(ways[each] for each in found)
    return f"{said}; ours are wider, and commands beyond it wait: {remedies}."


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


def limits_table(rows: list[dict[str, Any]]) -> Table:
    """Return how much of each limit is used, and whether its service can run."""
    named = any(row["account"] != UNNAMED_ACCOUNT for row in rows)
    columns = ("platform", *(("account",) if named else ()), "kind", "used", "limit", "", "1 h")
    columns += ("24 h", "hours", "gap", "can run")
    shown = table(*columns, numbers=("used", "limit", "1 h", "24 h", "gap"))
    for row in rows:
        force = row["in_force"] or {"daily": row["daily_limit"], "hourly": None, "rolling": None}
        full = row["used"] >= force["daily"] > 0
        shown.add_row(
            row["platform"],
            *((row["account"],) if named else ()),
            row["kind"],
            text(row["used"], "yellow" if full else ""),
            str(force["daily"]),
            _bar(row["used"], force["daily"]),
            *("" if force[name] is None else str(force[name]) for name in ("hourly", "rolling")),
            f"{row['active_from']:02d}-{row['active_to']:02d} {row['time_zone']}",
            f"{row['min_gap_seconds']:g}s",
            _permission(row),
        )
    return shown


def _bar(used: int, limit: int) -> Text:
    filled = min(BAR_WIDTH, -(-used * BAR_WIDTH // limit)) if limit else 0
    return text("█" * filled + "░" * (BAR_WIDTH - filled), "yellow" if used >= limit > 0 else "")


def _permission(row: dict[str, Any]) -> Text:
    if row["service"] is None:
        return text("no service")
    waits = row.get("waits") or {}
    reason, ends = row["reason"] or waits.get("for"), row["until"] or waits.get("until")
    if reason is None:
        return text("yes")
    until = f" until {short_time(ends)}" if ends else ""
    return text(f"{reason}{until}", "yellow")
