"""``run-once`` and ``daemon``: run the worker in the current process."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from actp.cli.options import json_option
from actp.cli.output import emit_json, one_line, say, warn
from actp.cli.platforms import known_services
from actp.cli.times import short_duration
from actp.errors import TimedOut
from actp.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["daemon", "run_once", "say_summary"]

# A schedule starts the next one every 15 minutes.
DEFAULT_TIMEOUT_SECONDS = 840.0

# What safari_outlook answers.
Backlog: TypeAlias = "Mapping[str, Mapping[str, Any]]"

_services_option = click.option(
    "--services", metavar="NAME,…", help="Only these services; default: all."
)


@click.command("run-once")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1, max=86_400),
    default=DEFAULT_TIMEOUT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="Stop after this time, even if commands are left.",
)
@_services_option
@json_option
def run_once(*, timeout: float, services: str | None, as_json: bool) -> None:
    """Work until nothing is due any more, then end.

    Beside a running worker it wakes that one and watches. What waits for a limit, an hour or a
    pause stays in the queue.
    """
    names = known_services(services)
    settings = load_settings()
    from actors.worker.run import run_once as work  # noqa: PLC0415  # actors cost half a second

    is_shown = sys.stderr.isatty() and not as_json
    with _progress(is_shown=is_shown, is_told=not as_json) as on_progress:
        summary = asdict(work(settings, names, timeout_seconds=timeout, on_progress=on_progress))
    if as_json:
        emit_json(summary)
    else:
        say_summary(summary)
    if summary["timed_out"]:
        raise TimedOut(
            f"timed out with commands still due after {short_duration(timeout)}",
            remedy="Raise --timeout, or run bin/status to see what they wait for.",
        )


def say_summary(summary: dict[str, Any]) -> None:
    """Print what one run came to, and what waits."""
    counts = (f"{summary[name]:,} {name}" for name in ("completed", "failed", "unknown"))
    say(f"{', '.join(counts)}.")
    for item in summary["waiting"]:
        when = f", in {short_duration(item['seconds'])}" if item["seconds"] is not None else ""
        say(f"  {item['service']}: {item['rows']:,} wait ({one_line(item['reason'])}{when})")


@click.command()
@_services_option
@click.pass_context
def daemon(ctx: click.Context, *, services: str | None) -> None:
    """Work until told to stop; SIGTERM ends it cleanly. bin/up runs it under supervision."""
    names = known_services(services)
    settings = load_settings()
    from actors.worker.run import run_daemon  # noqa: PLC0415  # actors cost half a second

    ctx.exit(run_daemon(settings, names))


@contextmanager
def _progress(*, is_shown: bool, is_told: bool) -> Iterator[Callable[[Backlog], None]]:
    """Yield a function that takes the backlog now and then; pauses are shown as they begin."""
    from actors.worker.backlog import paced  # noqa: PLC0415  # actors cost half a second

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not is_shown
    ) as progress:
        task = progress.add_task("working", total=None)
        most = 0
        told: dict[str, float] = {}

        def show(backlog: Backlog) -> None:
            nonlocal most
            pauses = paced(backlog)
            lines = [
                f"{each.service}: {each.rows:,} left, the next in {short_duration(each.seconds)}"
                f" (pace)"
                for each in pauses
            ]
            if is_shown:
                progress.update(task, description="; ".join(lines) or "working")
            elif is_told:
                for each, line in zip(pauses, lines, strict=True):
                    # A pause that only goes on is not told again.
                    if (each.seconds or 0) > told.get(each.service, 0):
                        warn(line)
                told.update({each.service: each.seconds or 0 for each in pauses})
            # What a service may not send now is not waited for.
            left = sum(
                service["running"]
                + service["retrying"]
                + (0 if service["reason"] else service["due"])
                for service in backlog.values()
            )
            most = max(most, left)
            progress.update(task, total=most, completed=most - left)

        yield show
