"""``enqueue``: puts commands into the queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from actp.cli.batch import PRIORITIES, batch_lines, metadata, parse_batch
from actp.cli.database import database
from actp.cli.group import Group
from actp.cli.options import json_option
from actp.cli.output import counted, emit_json, one_line, say
from actp.cli.requests import DEFAULT_PRIORITY, Request, Terms, checked, refuse_unsendable
from actp.cli.times import moment
from actp.errors import InvalidInput
from actp.operators import operator_here
from actp.settings import load_settings
from actp.status_words import wait_words

if TYPE_CHECKING:
    from actp.store import Store

__all__ = ["enqueue"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
NO_WAIT = "its turn"
# What an operator can do about a wait, by the cause that safari_show reports.
_CHANGES = {
    "hours": "To change the hours: SAFARI_ACTIVE_HOURS in .env, then bin/restart worker.",
    "paused": "bin/resume ends the pause.",
    "quota": "bin/limits set raises it.",
    "hourly_limit": "bin/limits set raises it.",
    "rolling_limit": "bin/limits set raises it.",
    "weekly_limit": "bin/limits set raises it.",
    "a worker": "bin/up starts one.",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What ``terms_options`` collects, times as they were typed."""

    priority: int
    at: str | None
    expires: str | None
    dry_run: bool
    as_json: bool
    key: str | None = None
    metadata: str | None = None
    account: str | None = None

    def terms(self, now: datetime, zone: ZoneInfo) -> Terms:
        """Return the terms; raises InvalidInput for a time that cannot be."""
        at, expires = (
            None if time is None else moment(time, now=now, zone=zone)
            for time in (self.at, self.expires)
        )
        along = None if self.metadata is None else metadata(_json(self.metadata))
        return Terms(
            self.priority,
            at=at,
            expires=expires,
            key=self.key,
            metadata=along,
            account=self.account,
        )


@click.group(cls=Group)
def enqueue() -> None:
    """Add commands to the queue.

    Each is checked as the worker checks it: its form, the do-not-contact list, and whether the same
    text went to the same recipient within 24 hours. One that would not be sent is refused.
    """


def terms_options(function: _Function) -> _Function:
    """Add the options that every way to enqueue has."""
    for option in (
        json_option,
        click.option("--dry-run", is_flag=True, help="Validate and print it; enqueue nothing."),
        click.option(
            "--metadata", metavar="JSON", help="A JSON object that is returned with the result."
        ),
        click.option("--expires", metavar="TIME", help="Fail it if it is not sent by then: 3d."),
        click.option("--at", metavar="TIME", help="Not before: 2h, or 2026-11-30T14:00."),
        click.option(
            "--account", help="The sending account, as named in SAFARI_ACCOUNTS of its Mac."
        ),
        click.option(
            "--priority",
            type=click.IntRange(PRIORITIES[0], PRIORITIES[-1]),
            default=DEFAULT_PRIORITY,
            show_default=True,
            help="Lower runs first.",
        ),
    ):
        function = option(function)
    return function


key_option = click.option("--key", help="Idempotency key: enqueue at most once for the same key.")


@enqueue.command()
@click.argument("platform")
@click.argument("handle")
@click.argument("text")
@key_option
@terms_options
def dm(platform: str, handle: str, text: str, **options: Any) -> None:
    """Send a direct message: HANDLE is a username, or a LinkedIn profile."""
    _enqueue_one("send_dm", platform, {"username": handle, "text": text}, **options)


@enqueue.command()
@click.argument("platform")
@click.argument("url")
@click.argument("text")
@key_option
@terms_options
def comment(platform: str, url: str, text: str, **options: Any) -> None:
    """Comment on the post at URL."""
    _enqueue_one("comment", platform, {"postUrl": url, "text": text}, **options)


@enqueue.command()
@click.argument("text")
@key_option
@terms_options
def tweet(text: str, **options: Any) -> None:
    """Publish a tweet; it counts as a Twitter comment."""
    _enqueue_one("tweet", "twitter", {"text": text}, **options)


@enqueue.command()
@click.argument("platform")
@click.argument("query")
@click.argument("count", type=int, metavar="N")
@key_option
@terms_options
def research(platform: str, query: str, count: int, **options: Any) -> None:
    """Collect N posts about QUERY."""
    _enqueue_one("market_research", platform, {"query": query, "maxPosts": count}, **options)


@enqueue.command()
@click.argument("file")
@terms_options
def batch(file: str, **options: Any) -> None:
    """Enqueue a FILE of JSON lines, all or nothing; - reads standard input.

    A line is {"action", "platform", "params", "priority", "key", "at", "expires", "metadata",
    "account"}; the options are the defaults for missing fields.
    """
    lines = batch_lines(file)
    chosen = Options(**options)

    def parse(now: datetime, zone: ZoneInfo) -> list[Request]:
        return parse_batch(lines, chosen.terms(now, zone), now=now, zone=zone)

    _enqueue(parse, chosen, one=False)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput("--metadata is not JSON", remedy="""Write '{"order": 17}'.""") from None


def _enqueue_one(action: str, platform: str, params: dict[str, Any], **options: Any) -> None:
    chosen = Options(**options)

    def parse(now: datetime, zone: ZoneInfo) -> list[Request]:
        return [checked(action, platform, params, chosen.terms(now, zone), now=now)]

    _enqueue(parse, chosen, one=True)


def _enqueue(
    parse: Callable[[datetime, ZoneInfo], list[Request]], options: Options, *, one: bool
) -> None:
    settings = load_settings()
    zone = ZoneInfo(settings.safari_time_zone)
    # A mistake in the form is reported without a database.
    requests = parse(datetime.now(UTC), zone)
    with database(settings) as store:
        if any(r.terms.at or r.terms.expires for r in requests):
            # Spans count from the database's clock, like everything stored.
            requests = parse(datetime.fromisoformat(store.call("safari_now")), zone)
        refuse_unsendable(store, requests)
        if options.dry_run:
            _show_dry_run(requests, one=one, as_json=options.as_json)
            return
        answers = store.call(
            "safari_enqueue",
            commands=[request.row() for request in requests],
            operator=operator_here("cli"),
        )
        enqueued = [
            request.shown() | {"id": answer["id"], "created": answer["created"]}
            for request, answer in zip(requests, answers, strict=True)
        ]
        if options.as_json:
            emit_json(enqueued[0] if one else enqueued)
        elif one:
            _say_one(store, enqueued[0])
        else:
            _say_many(enqueued)


def _show_dry_run(requests: list[Request], *, one: bool, as_json: bool) -> None:
    shown = [request.shown() for request in requests]
    if as_json:
        emit_json(shown[0] if one else shown)
        return
    for item in shown:
        say(f"Would enqueue {_subject(item)} for {item['service']}.")
    say(f"Nothing was enqueued; {len(shown)} would be." if not one else "Nothing was enqueued.")


def _say_one(store: Store, item: dict[str, Any]) -> None:
    if not item["created"]:
        say(f"Nothing enqueued: {item['id']} already has this key.")
        return
    say(f"Enqueued {_subject(item)}: {item['id']}")
    waits = store.call("safari_show", id=item["id"])["command"].get("waits")
    if waits is not None and waits["for"] != NO_WAIT:
        say(f"  Waiting: {wait_words(waits)}. {_CHANGES.get(waits['for'], '')}".rstrip())


def _say_many(enqueued: list[dict[str, Any]]) -> None:
    created = sum(item["created"] for item in enqueued)
    again = len(enqueued) - created
    note = f"; skipped {again} with a key that is already in use" if again else ""
    say(f"Enqueued {counted(created, 'command')}{note}.")


def _subject(item: dict[str, Any]) -> str:
    to = f" to {one_line(item['recipient'], 100)}" if item["recipient"] else ""
    return f"{item['action']}{to} ({item['platform'] or 'here'})"
