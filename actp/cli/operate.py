"""Operators' actions on commands and platforms: pause, resume, cancel, settle, retry."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from actp.cli.bulk import bulk, bulk_options
from actp.cli.database import command_id, database
from actp.cli.filters import absent_names, chosen, filter_options
from actp.cli.group import Group
from actp.cli.options import SPAN, json_option
from actp.cli.output import console, counted, emit_json, say, table, text, warn
from actp.cli.platforms import EVERYTHING, PAUSABLE, known_platform
from actp.cli.times import coming, short_time
from actp.operators import act, free_safari, operator_here
from actp.safari.catalogue import HTTP_SERVICES, SERVICES
from actp.safari.client import SafariClient
from actp.settings import load_settings, parse_login
from actp.settling import settle as settle_unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from actp.store import Json, Store

__all__ = [
    "cancel",
    "pause",
    "queue",
    "reassign",
    "reschedule",
    "resolve",
    "resume",
    "retry",
    "retry_failed",
]

# Where rows stood before us; the first is meant where none is named.
DOORS: Final = ("commands", "messages", "posts")
# So many at once have their own place in the line for Safari.
TURN_NAMES: Final = 16


def _one_or_many(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take an ID or a filter."""
    id_argument = click.argument("beginning", metavar="[ID]", required=False)
    return id_argument(filter_options(bulk_options(command)))


def _platform(name: str | None) -> str:
    return EVERYTHING if name is None else known_platform(name, (EVERYTHING, *PAUSABLE))


def _named(platform: str, account: str | None) -> str:
    return f"{platform} of {account}" if account else platform


def _told(answer: Any, sentence: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(answer)
    else:
        say(sentence)


def _absent_account(store: Store, account: str | None) -> list[str]:
    return absent_names(store, {"account": account}) if account else []


def _warn_of(absent: list[str]) -> None:
    for line in absent:  # a new account has none yet, and a misspelled one sends on
        warn(f"{line} Check its name in bin/limits.")


@click.command()
@click.option("--platform", help="Only this platform; default: everything.")
@click.option("--account", help="Only this account; default: all accounts.")
@click.option("--for", "span", type=SPAN, help="Resume automatically after 30m, 2h, 3d.")
@click.option("--note", help="Reason, shown by bin/status.")
@json_option
def pause(
    *,
    platform: str | None,
    account: str | None,
    span: timedelta | None,
    note: str | None,
    as_json: bool,
) -> None:
    """Pause sending. Requests in flight finish; other commands wait."""
    seconds = span.total_seconds() if span else None
    account = account and parse_login(account)
    with database() as store:
        answer = act(
            store,
            operator_here("cli"),
            "pause",
            platform=_platform(platform),
            seconds=seconds,
            note=note,
            account=account,
        )
        absent = _absent_account(store, account)
    if answer["until"] == "infinity":
        answer["until"] = None
    until = f"until {short_time(answer['until'])}" if answer["until"] else "until bin/resume"
    _told(answer, f"Paused {_named(answer['platform'], account)} {until}.", as_json=as_json)
    _warn_of(absent)


@click.command()
@click.option("--platform", help="Only this platform; default: every pause.")
@click.option("--account", help="Only the pause or wait of this account.")
@click.option(
    "--service",
    type=click.Choice([service.name for service in HTTP_SERVICES]),
    help="End the wait of this service, with --account only for that account.",
)
@click.option("--safari", is_flag=True, help="Release Safari after an interrupted request.")
@json_option
def resume(
    *,
    platform: str | None,
    account: str | None,
    service: str | None,
    safari: bool,
    as_json: bool,
) -> None:
    """End a pause or the wait of a service, or release Safari.

    After a request without a clear answer Safari stays reserved, since the service may still be
    typing. Use --safari only if nothing moves in Safari.
    """
    if safari:
        _free_safari(as_json=as_json)
        return
    if service is not None:
        _lift_wait(service, account, as_json=as_json)
        return
    name = _platform(platform)
    with database() as store:
        account = account and parse_login(account)
        answer = act(store, operator_here("cli"), "resume", platform=name, account=account)
        absent = _absent_account(store, account)
    name = _named(name, account)
    told = f"Resumed {name}." if answer["resumed"] else f"Nothing was paused for {name}."
    _told(answer, told, as_json=as_json)
    _warn_of(absent)


def _lift_wait(service: str, account: str | None, *, as_json: bool) -> None:
    settings = load_settings()
    # Another account of the platform waits for its own reasons.
    own = settings.safari_accounts.get(SERVICES[service].platform or "")
    account = parse_login(account) if account else own
    with database(settings) as store:
        answer = act(
            store, operator_here("cli"), "resume_service", service=service, account=account
        )
        absent = _absent_account(store, account)
    said = f"Retrying {service}; {counted(answer['resumed'], 'command')} made due."
    _told(answer, said, as_json=as_json)
    _warn_of(absent)


def _free_safari(*, as_json: bool) -> None:
    settings = load_settings()
    answer = free_safari(settings)
    freed, kept = answer["freed"], answer["kept"]
    said = f"Released Safari from {', '.join(freed)}." if freed else "Safari was not reserved."
    _told(answer, said, as_json=as_json)
    if kept and not as_json:
        say(f"Still using Safari: {', '.join(kept)}.")
    if freed:
        with database(settings) as store:
            act(store, operator_here("cli"), "free_safari", **answer)


@click.command()
@_one_or_many
@json_option
def cancel(beginning: str | None, *, as_json: bool, **options: Any) -> None:
    """Cancel a command that has not begun, or all that a filter matches."""
    _settle("cancel", beginning, options, "Cancelled {}.", as_json=as_json)


@click.command()
@click.argument("words", nargs=-1, metavar="[ID] sent|not-sent")
@filter_options
@bulk_options
@json_option
def resolve(words: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Settle an unknown outcome as sent or not-sent."""
    *ids, verdict = words or ("",)
    if verdict not in {"sent", "not-sent"} or len(ids) > 1:
        cause = f"invalid outcome {verdict[:40]!r}" if verdict else "missing outcome"
        raise click.UsageError(f"{cause}: give ID and sent or not-sent, or a filter and no ID")
    end = (
        "completed"
        if verdict == "sent"
        else "failed, quota returned; bin/queue retry sends it again"
    )
    beginning = ids[0] if ids else None
    said = f"Settled {{}}: {end}."
    _settle("resolve", beginning, options, said, as_json=as_json, verdict=verdict)


@click.command()
@_one_or_many
@json_option
def retry(beginning: str | None, *, as_json: bool, **options: Any) -> None:
    """Retry a failed or cancelled command, or all that a filter matches."""
    _settle("retry", beginning, options, "Retrying {}.", as_json=as_json)


@click.command()
@_one_or_many
@click.option("--at", required=True, metavar="TIME", help="In 2h or 3d, or 2026-11-30T14:00.")
@json_option
def reschedule(beginning: str | None, at: str, *, as_json: bool, **options: Any) -> None:
    """Reschedule a waiting command, or all that a filter matches."""
    zone = ZoneInfo(load_settings().safari_time_zone)
    when = coming(at, now=datetime.now(UTC), zone=zone).isoformat()
    said = f"Rescheduled {{}} to {short_time(when)}."
    _settle("reschedule", beginning, options, said, as_json=as_json, scheduled_for=when)


@click.command()
@click.argument("words", nargs=-1, metavar="[ID] ACCOUNT")
@filter_options
@bulk_options
@json_option
def reassign(words: tuple[str, ...], *, as_json: bool, **options: Any) -> None:
    """Reassign a waiting command to ACCOUNT, or all that a filter matches.

    For example, to move the commands of a retired Mac: bin/queue reassign shop_en --account shop.
    """
    *ids, name = words or ("",)
    if not name or len(ids) > 1:
        raise click.UsageError("Give the sending account: [ID] ACCOUNT.")
    account = parse_login(name)
    beginning = ids[0] if ids else None
    said = f"Reassigned {{}} to {account}."
    _settle("reassign", beginning, options, said, as_json=as_json, account=account)


def _settle(
    action: str,
    beginning: str | None,
    options: dict[str, Any],
    said: str,
    *,
    as_json: bool,
    **arguments: Json,
) -> None:
    """Do an action to one command, or to all that the filter among the options matches."""
    yes, expect = options.pop("yes"), options.pop("expect")
    wanted = chosen(options)
    if (beginning is None) == (not wanted):
        raise click.UsageError("Give an ID, or a filter such as --campaign.")
    with database() as store:
        if beginning is None:
            answer = bulk(store, action, wanted, yes=yes, expect=expect, **arguments)
            told = counted(answer["done"], "command")
        else:
            told = command_id(store, beginning)
            answer = act(store, operator_here("cli"), action, id=told, **arguments)
    _told(answer, said.format(told), as_json=as_json)
    if not as_json and answer.get("left_alone"):
        say(f"Skipped because they changed meanwhile:  {counted(answer['left_alone'], 'command')}.")


@click.command("retry-failed")
@click.option(
    "--first-time-only", is_flag=True, help="Skip commands that were already retried this way."
)
@json_option
def retry_failed(*, first_time_only: bool, as_json: bool) -> None:
    """Retry commands that ran out of retries; never one that may have been sent."""
    with database() as store:
        answer = act(store, operator_here("cli"), "retry_failed", first_time_only=first_time_only)
    _told(answer, f"Retrying {counted(answer['requeued'], 'command')}.", as_json=as_json)


@click.group(cls=Group)
def queue() -> None:
    """Decide on old, unknown and failed commands."""


_doors_argument = click.argument("doors", nargs=-1, type=click.Choice(DOORS))


@queue.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, help="Maximum number of rows.")
@json_option
def backlog(limit: int, *, as_json: bool) -> None:
    """List rows from before this worker, or overdue by a day, that wait for your decision."""
    with database() as store:
        held = store.call("safari_backlog_list", row_limit=limit)
    if as_json:
        emit_json(held)
        return
    if not any(held[door] for door in DOORS):
        say("Nothing is held.")
        return
    say(
        ", ".join(f"{held[door]:,} {door}" for door in DOORS)
        + " held: bin/queue accept or bin/queue discard decides."
    )
    if held["rows"]:
        shown = table("door", "created", "platform", "to", "text")
        for row in held["rows"]:
            shown.add_row(
                text(row["door"]),
                short_time(row["created_at"]),
                text(row["platform"]),
                text(row["to"], longest=24),
                text(row["text"]),
            )
        console().print(shown)


@queue.command()
@_doors_argument
@json_option
def accept(doors: tuple[str, ...], *, as_json: bool) -> None:
    """Release held rows from before this worker: commands, messages or posts.

    The default is commands. To list them, run bin/queue backlog.
    """
    _backlog(doors, accept=True, as_json=as_json)


@queue.command()
@_doors_argument
@json_option
def discard(doors: tuple[str, ...], *, as_json: bool) -> None:
    """Discard held rows from before this worker: commands, messages or posts.

    The default is commands. To list them, run bin/queue backlog.
    """
    _backlog(doors, accept=False, as_json=as_json)


def _backlog(doors: tuple[str, ...], *, accept: bool, as_json: bool) -> None:
    chosen = list(doors) or [DOORS[0]]
    with database() as store:
        settled = act(store, operator_here("cli"), "backlog", accept=accept, doors=chosen)
    word = "accepted" if accept else "discarded"
    said = ", ".join(counted(settled[door], door.removesuffix("s")) for door in chosen)
    _told({word: settled}, f"{said} {word}.", as_json=as_json)


@queue.command()
@click.argument("beginning", metavar="[ID]", required=False)
@json_option
def settle(beginning: str | None, *, as_json: bool) -> None:
    """Check the pages of unknown outcomes, and settle those found there.

    Without an ID, checks every outcome that is due for a check.
    """
    settings = load_settings()
    with database(settings) as store:
        only_id = command_id(store, beginning) if beginning else None
        with closing(SafariClient(settings, holder=f"settle-{os.getpid() % TURN_NAMES}")) as safari:
            looked = settle_unknown(
                store, settings, safari, only_id=only_id, operator=operator_here("cli")
            )
    if as_json:
        emit_json({"looked": looked})
        return
    for each in looked:
        seen = each.get("looked") or {}
        end = (each["settled"] or "still unknown").replace("_", " ")
        say(f"{each['id'][:8]}: {seen.get('verdict', 'settled meanwhile')}; {end}.")
        if each["settled"] is None and seen.get("address"):
            say(f"  Check {seen['address']}, then run bin/queue resolve ID sent|not-sent.")
    if not looked:
        say("Nothing to check: no outcome is unknown, or the service may still be typing.")


for _command in (cancel, reassign, reschedule, resolve, retry, retry_failed):
    queue.add_command(_command)
