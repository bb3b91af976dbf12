"""What a person does to a command or a platform: pause, cancel, settle, try again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import command_id, database
from actp.cli.options import SPAN, json_option
from actp.cli.output import counted, emit_json, say
from actp.cli.platforms import EVERYTHING, PAUSABLE, known_platform
from actp.cli.times import short_time

if TYPE_CHECKING:
    from datetime import timedelta

__all__ = ["cancel", "pause", "queue", "resolve", "resume", "retry", "retry_failed"]

_id_argument = click.argument("beginning", metavar="ID")


def _platform(name: str | None) -> str:
    return EVERYTHING if name is None else known_platform(name, (EVERYTHING, *PAUSABLE))


def _told(answer: Any, sentence: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(answer)
    else:
        say(sentence)


@click.command()
@click.option("--platform", help="Only this platform; everything unless given.")
@click.option("--for", "span", type=SPAN, help="Resume by itself after 30m, 2h, 3d.")
@click.option("--note", help="Why, for whoever looks at bin/status.")
@json_option
def pause(*, platform: str | None, span: timedelta | None, note: str | None, as_json: bool) -> None:
    """Stop sending; what is on the wire ends, the rest waits."""
    seconds = span.total_seconds() if span else None
    with database() as store:
        answer = store.call(
            "safari_pause", platform=_platform(platform), seconds=seconds, note=note
        )
    if answer["until"] == "infinity":
        answer["until"] = None
    until = f"until {short_time(answer['until'])}" if answer["until"] else "until bin/resume"
    _told(answer, f"Paused {answer['platform']} {until}.", as_json=as_json)


@click.command()
@click.option("--platform", help="Only this platform; every pause unless given.")
@json_option
def resume(*, platform: str | None, as_json: bool) -> None:
    """Lift a pause."""
    name = _platform(platform)
    with database() as store:
        answer = store.call("safari_resume", platform=name)
    told = f"Resumed {name}." if answer["resumed"] else f"Nothing was paused for {name}."
    _told(answer, told, as_json=as_json)


@click.command()
@_id_argument
@json_option
def cancel(beginning: str, *, as_json: bool) -> None:
    """Cancel a command that has not begun."""
    with database() as store:
        answer = store.call("safari_cancel", id=command_id(store, beginning))
    _told(answer, f"Cancelled {answer['id']}.", as_json=as_json)


@click.command()
@_id_argument
@click.argument("verdict", type=click.Choice(["sent", "not-sent"]))
@json_option
def resolve(beginning: str, verdict: str, *, as_json: bool) -> None:
    """Settle an unknown outcome by what you saw: it was sent, or it was not-sent."""
    with database() as store:
        answer = store.call("safari_resolve", id=command_id(store, beginning), verdict=verdict)
    end = "completed" if verdict == "sent" else "failed, its quota given back; retry sends it again"
    _told(answer, f"Settled {answer['id']}: {end}.", as_json=as_json)


@click.command()
@_id_argument
@json_option
def retry(beginning: str, *, as_json: bool) -> None:
    """Try a failed or cancelled command again."""
    with database() as store:
        answer = store.call("safari_retry", id=command_id(store, beginning))
    _told(answer, f"Waiting again: {answer['id']}.", as_json=as_json)


@click.command("retry-failed")
@click.option("--first-time-only", is_flag=True, help="Pass over those that were retried before.")
@json_option
def retry_failed(*, first_time_only: bool, as_json: bool) -> None:
    """Try again what used up its retries on transient errors; never what may have been sent."""
    with database() as store:
        answer = store.call("safari_retry_failed", first_time_only=first_time_only)
    _told(answer, f"Waiting again: {counted(answer['requeued'], 'command')}.", as_json=as_json)


@click.group()
def queue() -> None:
    """Settle what waits for a person: the backlog, and single commands."""


@queue.command()
@json_option
def accept(*, as_json: bool) -> None:
    """Send the old commands that stood in the table before this worker."""
    _backlog(accept=True, as_json=as_json)


@queue.command()
@json_option
def discard(*, as_json: bool) -> None:
    """Cancel the old commands that stood in the table before this worker."""
    _backlog(accept=False, as_json=as_json)


def _backlog(*, accept: bool, as_json: bool) -> None:
    with database() as store:
        settled = store.call("safari_backlog", accept=accept)
    word = "accepted" if accept else "discarded"
    _told({word: settled}, f"{counted(settled, 'command')} {word}.", as_json=as_json)


for _command in (cancel, resolve, retry, retry_failed):
    queue.add_command(_command)
