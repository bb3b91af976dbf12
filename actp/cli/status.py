"""``status``: the queue, which services can run, and what needs attention."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from actp.cli.database import database
from actp.cli.jobs_view import jobs_view
from actp.cli.options import json_option
from actp.cli.output import console, emit_json
from actp.cli.status_view import status_view
from actp.errors import InvalidInput
from actp.safari.turns import turns_here
from actp.settings import load_settings
from actp.status_words import status_report

if TYPE_CHECKING:
    from actp.settings import Settings
    from actp.store import Store

__all__ = ["status"]

REFRESH_SECONDS = 2.0


@click.command()
@click.option("--watch", is_flag=True, help="Full-screen view, refreshed every 2 s, with keys.")
@click.option("--jobs", is_flag=True, help="Show the last scheduled runs instead.")
@json_option
def status(*, watch: bool, jobs: bool, as_json: bool) -> None:
    """Show the queue, today's limits, the services, and what needs attention.

    Keys of --watch: j/k or arrows move, Enter shows a command, r retries it, p pauses its platform,
    / filters, q quits.
    """
    screen = console()
    if jobs:
        with database() as store:
            schedule = store.call("safari_schedule")
        emit_json(schedule) if as_json else screen.print(jobs_view(schedule))
        return
    if watch and not as_json and not screen.is_terminal:
        raise InvalidInput(
            "--watch needs a terminal", remedy="Use --watch --json for one line of JSON every 2 s."
        )
    if watch and not as_json:
        from actp.cli.watch import watch as watch_status  # noqa: PLC0415  # seldom wanted

        watch_status(partial(_report, load_settings()))
        return
    settings = load_settings()
    with database(settings) as store:
        if watch:
            _stream(settings, store)
        elif as_json:
            emit_json(_report(settings, store))
        else:
            screen.print(status_view(_report(settings, store)))


def _report(settings: Settings, store: Store) -> dict[str, Any]:
    turns = turns_here(settings.actp_lock_dir, settings.safari_turns)
    return status_report(store) | {
        "safari": [
            {**turn._asdict(), "is_left": turn.is_left, "words": turn.words} for turn in turns
        ],
    }


def _stream(settings: Settings, store: Store) -> None:
    while True:
        emit_json(_report(settings, store), indent=None)
        _pause()


def _pause() -> None:
    Event().wait(REFRESH_SECONDS)
