"""``crm_brain.py``: the flags, success lines and exit codes that its callers know.

Several flags may be given at once; they are done in a fixed order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from actp.cli.agents.crm_view import (
    show_linkedin,
    show_queue,
    show_review,
    show_score,
    show_send,
    show_status,
    show_sync,
)
from actp.cli.main import run
from actp.cli.output import emit_json, one_line, warn
from actp.domains.crm.scoring import DEFAULT_CONTACTS, score
from actp.domains.crm.syncing import sync, sync_linkedin
from actp.domains.outreach.queueing import build_queue
from actp.domains.outreach.sending import send
from actp.domains.tools import Tools
from actp.errors import ExitCode
from actp.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["BrainCode", "crm_brain", "main"]

NAME: Final = "crm_brain.py"
DEFAULT_SENT: Final = 10
DEFAULT_MIN_SCORE: Final = 20
MOST: Final = 1000
SIGNALLED: Final = 128  # and more: ended by a signal, as shells say it

_Result: TypeAlias = Mapping[str, Any]
# Its name, what it does, and how a person is told.
_Phase: TypeAlias = tuple[str, Callable[[Tools], _Result], Callable[[_Result, bool], None]]


class BrainCode(IntEnum):
    """What the brain says when it ends; callers go by these four."""

    OK = 0
    FAILED = 1
    PARTIAL = 2
    CONFIG = 3


# Other commands say more, or something else by 2.
_CODES: Final[Mapping[int, BrainCode]] = {
    ExitCode.OK: BrainCode.OK,
    ExitCode.TEMPORARY: BrainCode.PARTIAL,
    ExitCode.CONFIG: BrainCode.CONFIG,
    ExitCode.DENIED: BrainCode.CONFIG,
    ExitCode.SCHEMA: BrainCode.CONFIG,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flags and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    code = run(crm_brain, given or ["--help"], NAME)
    return code if code > SIGNALLED else _CODES.get(code, BrainCode.FAILED)


@click.command(help="Read the inboxes, score contacts, and queue the next messages.")
@click.option("--sync", "sync_", is_flag=True, help="Read the inboxes of all platforms.")
@click.option("--sync-linkedin", is_flag=True, help="Import LinkedIn prospects as contacts.")
@click.option("--score", "score_", is_flag=True, help="Score the contacts with the oldest scores.")
@click.option("--generate", is_flag=True, help="Queue a message for every contact that is due.")
@click.option("--send", "send_", is_flag=True, help="Hand due messages to the command queue.")
@click.option("--pipeline", is_flag=True, help="Sync, score and generate; sends only with --send.")
@click.option("--status", is_flag=True, help="Show contacts by stage.")
@click.option("--review", metavar="NAME", help="Show everything known about a person.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST),
    metavar="N",
    help=f"Score at most N contacts ({DEFAULT_CONTACTS}), send at most N ({DEFAULT_SENT}).",
)
@click.option(
    "--min-score",
    type=click.IntRange(0, 100),
    metavar="N",
    default=DEFAULT_MIN_SCORE,
    help=f"Queue for contacts with this funnel score or more ({DEFAULT_MIN_SCORE}).",
)
@click.option("--test", "is_test", is_flag=True, help="Store and send nothing.")
@click.option("--send-test", is_flag=True, hidden=True, help="The same as --send --test.")
@click.option("--verbose", is_flag=True, help="Print details of each phase.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def crm_brain(**flags: Any) -> int:
    """See the help of the command."""
    phases = list(_phases(flags))
    if not phases:
        raise click.UsageError("Nothing to do: give --sync, --score or --generate.")
    told: dict[str, Any] = {}
    with Tools(load_settings()) as tools:
        for name, run_phase, show in phases:
            result = told[name] = run_phase(tools)
            show(result, flags["verbose"])
            if error := result.get("error"):
                warn(f"{name}: {one_line(error, 300)}")
    is_ok = all(result.get("ok", True) for result in told.values())
    if flags["as_json"]:
        emit_json({"ok": is_ok, **told}, indent=None)
    return ExitCode.OK if is_ok else ExitCode.TEMPORARY


def _phases(flags: Mapping[str, Any]) -> Iterator[_Phase]:
    """Yield what is asked for, in the order in which it is done."""
    limit, is_test = flags["limit"], flags["is_test"] or flags["send_test"]
    is_pipeline = flags["pipeline"]
    if flags["status"]:
        yield "status", lambda tools: dict(tools.store.call("agent_crm_status")), show_status
    if (who := flags["review"]) is not None:
        yield "review", lambda tools: {"contacts": _reviewed(tools, who)}, show_review
    if flags["sync_linkedin"]:
        yield "sync_linkedin", sync_linkedin, show_linkedin
    if flags["sync_"] or is_pipeline:
        yield "sync", partial(sync, dry_run=is_test), show_sync
    if flags["score_"] or is_pipeline:
        most = limit or DEFAULT_CONTACTS
        yield "score", partial(score, limit=most, dry_run=is_test), show_score
    if flags["generate"] or is_pipeline:
        least = flags["min_score"]
        yield "generate", partial(build_queue, min_score=least, dry_run=is_test), show_queue
    if flags["send_"] or flags["send_test"]:
        yield "send", partial(send, limit=limit or DEFAULT_SENT, dry_run=is_test), show_send


def _reviewed(tools: Tools, who: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tools.store.call("agent_crm_review", who=who)
    return found
