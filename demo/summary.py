"""The demo's closing page: what recipients saw, what needs attention, and the checks."""

from __future__ import annotations

from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from actp.checkout import spelled
from actp.cli.output import counted, one_line, table, text
from actp.safari.catalogue import HTTP_SERVICES
from demo.reply import inbox_page
from demo.verdict import EFFECTS, ending_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from demo.acts import Act
    from demo.script import Ending
    from demo.verdict import Check, Seen

__all__ = ["summary"]

UNIQUE_DIGITS: Final = 8
USUAL_DM_LIMIT: Final = 20


def summary(
    acts: Sequence[Act],
    world: Sequence[Seen],
    replies: list[dict[str, Any]],
    checks: Sequence[Check],
    seconds: float,
) -> RenderableType:
    """Return the closing page, 100 columns wide at most."""
    return Group(
        Text("What recipients saw", "bold"),
        _seen(world),
        Text("Needs attention, and the command to run", "bold"),
        _rest(acts),
        inbox_page(replies),
        *_promises(checks),
        Text(),
        _timing(acts, world, seconds),
    )


def _seen(world: Sequence[Seen]) -> Table:
    shown = table("service", "to", "text")
    shown.columns[0].no_wrap = shown.columns[1].no_wrap = True
    for service in HTTP_SERVICES:
        own = [line for line in world if line["service"] == service.name]
        name = service.name
        for line in own:
            if line["kind"] in (*EFFECTS, "research"):
                what = line["text"] if line["kind"] in EFFECTS else f"searched: {line['text']}"
                shown.add_row(name, text(_short(line["recipient"]), longest=30), text(what))
                name = ""
    return shown


def _rest(acts: Sequence[Act]) -> Table:
    shown = table("command", "outcome", "next")
    shown.columns[0].no_wrap = shown.columns[2].no_wrap = True
    for ending in (
        "settled",
        "unknown",
        "logged_out",
        "waiting",
        "failed",
        "retried",
        "unverified",
    ):
        own = [act for act in acts if ending_of(act) == ending]
        if own:
            names = "\n".join(
                f"{act.service}\n  {one_line(_short(act.recipient or ''), 27)}" for act in own
            )
            shown.add_row(Text(names), _why(ending, own[0]), _next(ending, own[0]))
    return shown


def _why(ending: Ending, act: Act) -> Text:
    error = _without_service(act, str(act.command["error"] or ""))
    seen = (act.command["result"] or {}).get("looked") or {}
    told = {
        "settled": f"was unknown; {seen.get('detail') or 'it was found'}, so it is completed",
        "unknown": f"unknown: {error}\nIt may have arrived (it did, see above): "
        "never sent again automatically.",
        "logged_out": f"waits: {_without_service(act, str(act.wait.get('error') or ''))}",
        "waiting": "waits: today's limit is used up; it goes out after 00:00 UTC automatically",
        "failed": f"failed: {error}\nNothing was sent, so it does not count toward the limit.",
        "retried": f"completed on attempt {act.command['attempt']}, after one that sent nothing",
    }
    unseen = "completed, but not confirmed on the page; never sent again automatically"
    return Text(told.get(ending, unseen))


def _without_service(act: Act, words: str) -> str:
    return words.removeprefix(f"{act.service}: ")


def _next(ending: Ending, act: Act) -> Text:
    id_ = act.id[:UNIQUE_DIGITS]
    told = {
        "unknown": f"bin/queue resolve {id_} sent",
        "waiting": f"bin/limits set instagram dm {USUAL_DM_LIMIT}",
    }
    return Text(spelled(told.get(ending, f"bin/show {id_}")))


def _promises(checks: Sequence[Check]) -> list[Text]:
    lines = []
    for check in checks:
        verdict = Text("yes", "green") if check.holds else Text("NO", "bold red")
        lines.append(Text(f"{check.promise + ':':<48}").append(verdict))
        lines += [text(f"    {each}", "red") for each in check.against]
    return lines


def _timing(acts: Sequence[Act], world: Sequence[Seen], seconds: float) -> Text:
    effects = sum(line["kind"] in EFFECTS for line in world)
    waits = [_seconds(act) for act in acts if not act.is_open]
    return Text(
        f"{counted(len(acts), 'command')} settled in {seconds:.1f} s, {effects} messages; half of "
        f"them ended within {median(waits):.1f} s of being enqueued."
    )


def _seconds(act: Act) -> float:
    created, ended = (
        datetime.fromisoformat(act.command[name]) for name in ("created_at", "completed_at")
    )
    return (ended - created).total_seconds()


def _short(recipient: str) -> str:
    return recipient.removeprefix("https://").removeprefix("www.").rstrip("/")
