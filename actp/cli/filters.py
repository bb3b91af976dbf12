"""The filter options, shared by all lists and actions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from actp.cli.times import LATE, duration, moment
from actp.errors import InvalidInput, NotFound
from actp.safari.catalogue import ACTIONS, SERVICES
from actp.settings import load_settings, parse_login

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actp.store import Store

__all__ = [
    "STATUSES",
    "absent_names",
    "chosen",
    "filter_options",
    "past",
    "refuse_absent",
    "unknown_names",
]

# `unknown` stands for failed commands whose outcome is not settled.
STATUSES: Final = (
    *("pending", "running", "completed", "failed", "cancelled", "unknown"),
    *("open", "ended"),
)
# What commands are found by besides the names that this worker knows.
_GIVEN: Final = ("account", "campaign", "batch", "key", "reason", "to", "person", "text")
# Of these, an empty list is an answer: nothing was sent to that person.
_SEARCHED: Final = frozenset({"to", "person", "text"})
_TEXTS: Final = {
    "to": "Only to this recipient: a handle or an address.",
    "person": "Only to this person, everywhere: platform:handle, a profile or a contact's ID.",
    "text": "Only with these words in the text or query, at least three letters.",
    "service": "Only of this service, for example twitter-dm.",
    "platform": "Only of this platform.",
    "account": "Only commands that name this account.",
    "action": "Only of this action, for example send_dm.",
    "reason": "Only with this reason, for example retries_exhausted.",
    "campaign": "Only of this campaign.",
    "batch": "Only of this batch.",
    "key": "Only the command with this idempotency key.",
}


def filter_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a filter to a command, which gets them by name."""
    options = [
        *(click.option(f"--{name}", help=text) for name, text in _TEXTS.items()),
        click.option("--status", type=click.Choice(STATUSES), help="Only with this status."),
        click.option(
            "--since", metavar="TIME", help="Since 7d (seven days ago), or since 2026-11-01."
        ),
        click.option(
            "--until", metavar="TIME", help="Until 1d (one day ago), or until 2026-11-30."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def chosen(options: Mapping[str, str | None]) -> dict[str, str]:
    """Return the filter that the options name; raises InvalidInput for a time it cannot read."""
    given = {name: value.strip() for name, value in options.items() if value and value.strip()}
    if "platform" in given:
        given["platform"] = given["platform"].lower()
    if "account" in given:
        given["account"] = parse_login(given["account"])
    zone = None
    for name in ("since", "until"):
        if name in given:
            zone = zone or load_settings().safari_time_zone
            when = past(given[name], zone)
            if name == "since" and when > datetime.now(UTC) + LATE:
                raise InvalidInput(
                    "since is in the future, so nothing can match", remedy="Give an earlier time."
                )
            given[name] = when.isoformat()
    return given


def unknown_names(given: Mapping[str, str]) -> list[str]:
    """Return a line for each name in a filter that is none of this project's.

    Rows of other programs may have any platform and action, so such a filter is no error.
    """
    return list(_unknown(given).values())


def _unknown(given: Mapping[str, str]) -> dict[str, str]:
    known = {
        "platform": sorted({s.platform for s in SERVICES.values() if s.platform}),
        "service": list(SERVICES),
        "action": [str(action) for action in ACTIONS],
    }
    return {
        name: f"{given[name][:40]} is no {name} of this worker: {', '.join(names)}."
        for name, names in known.items()
        if name in given and given[name] not in names
    }


def refuse_absent(store: Store, given: Mapping[str, str], *, is_list: bool = False) -> None:
    """Raise NotFound when a filter that matched nothing has a name that no command has.

    A list may be empty for a recipient or words; an action on them means another one.
    """
    asked = {name: value for name, value in given.items() if not (is_list and name in _SEARCHED)}
    if absent := absent_names(store, asked):
        raise NotFound(
            "\n".join(line.rstrip(".") for line in absent),
            remedy="Check the spelling; bin/history and bin/campaign status list names.",
        )


def absent_names(store: Store, given: Mapping[str, str]) -> list[str]:
    """Return a line for each name in a filter that this worker does not know and no command has."""
    lines = _unknown(given) | {
        name: f"No command has {name} {given[name][:40]}." for name in _GIVEN if name in given
    }
    return [
        line
        for name, line in lines.items()
        if not store.call("safari_search", filter={name: given[name]}, row_limit=1)["rows"]
        and not (name == "campaign" and _is_campaign(store, given[name]))
    ]


def _is_campaign(store: Store, name: str) -> bool:
    """Return whether there is such a campaign, which may have no command yet."""
    try:
        return bool(store.call("safari_campaign_find", campaign_id=name) == name)
    except (NotFound, InvalidInput):
        return False


def past(value: str, time_zone: str) -> datetime:
    """Return a moment in UTC: a span counts back from now; raises InvalidInput."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # only who gives a time pays for it

    now = datetime.now(UTC)
    if span := duration(value.removesuffix("ago").strip()):
        return now - span
    try:
        return moment(value, now=now, zone=ZoneInfo(time_zone))
    except InvalidInput:
        raise InvalidInput(
            f"not a time: {value[:60]!r}",
            remedy="Write an age such as 2h or 7d, a date (2026-11-30), or 2026-11-30T14:00.",
        ) from None
