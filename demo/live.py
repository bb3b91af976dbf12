"""Shows the queue while it is worked off: a table that moves, or plain lines when piped."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.live import Live
from rich.text import Text

from actp.cli.output import one_line, table, text
from actp.safari.catalogue import HTTP_SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from demo.acts import Act

__all__ = ["Line", "lines_of", "watching"]

MAX_LINES: Final = 9
LEFT_ALONE: Final = f"\n{'':12}Safari is left alone for a while: the service may still be typing."
# How an event reads; claiming and enqueueing are not worth a line.
_WORDS: Final = {
    "begun": ("sending", "dim"),
    "completed": ("done", ""),
    "retrying": ("tries again", "yellow"),
    "waiting": ("waits", "yellow"),
    "unknown": ("unknown", "bold red"),
    "looked": ("looked for on the page", "green"),
    "failed": ("failed", "red"),
    "handed_back": ("handed back", "dim"),
    "rescued": ("rescued", "yellow"),
}

Line = tuple[int, datetime, str, str, str, str]


def lines_of(acts: list[Act]) -> list[Line]:
    """Return what has happened, oldest first: number, time, service, whom, style, words."""
    lines = []
    for act in acts:
        for event in act.life["events"]:
            if event["event"] in _WORDS:
                words, style = _WORDS[event["event"]]
                at = datetime.fromisoformat(event["at"]).astimezone()
                said = f"{words}{_because(act, event)}"
                lines.append((event["id"], at, act.service, _whom(act), style, said))
    return sorted(lines)


@contextmanager
def watching(screen: Console) -> Iterator[Callable[[list[Act], float], None]]:
    """Yield what is to be told how the queue stands, now and then, with the seconds since."""
    if not screen.is_terminal:
        told = 0

        def say(acts: list[Act], _seconds: float) -> None:
            nonlocal told
            for line in [line for line in lines_of(acts) if line[0] > told]:
                screen.print(_drawn(line))
                told = line[0]

        yield say
        return
    with Live(console=screen, auto_refresh=False, transient=True) as live:

        def draw(acts: list[Act], seconds: float) -> None:
            live.update(_view(acts, seconds), refresh=True)

        yield draw


def _view(acts: list[Act], seconds: float) -> RenderableType:
    shown = table("service", "waiting", "running", "ended", "", numbers=("waiting", "running"))
    shown.columns[3].justify = "right"
    by_service: dict[str, list[Act]] = defaultdict(list)
    for act in acts:
        by_service[act.service].append(act)
    for service in HTTP_SERVICES:
        own = by_service[service.name]
        counts = [sum(act.status == status for act in own) for status in ("pending", "running")]
        ended = sum(not act.is_open for act in own)
        waiting, running = (str(count) if count else "·" for count in counts)
        shown.add_row(service.name, waiting, running, f"{ended}/{len(own)}", _bar(own))
    recent = [_drawn(line) for line in lines_of(acts)[-MAX_LINES:]]
    return Group(Text(f"{seconds:5.1f} s", "bold"), shown, *recent)


def _bar(acts: list[Act]) -> Text:
    bar = Text()
    for act in sorted(acts, key=lambda act: (act.is_open, act.status != "running")):
        if act.status == "completed":
            bar.append("■ ", "green")
        elif not act.is_open:
            bar.append("■ ", "red")
        else:
            bar.append("▶ " if act.command["attempt"] and act.status == "running" else "· ")
    return bar


def _drawn(line: Line) -> Text:
    _, at, service, whom, style, said = line
    moment = at.strftime("%H:%M:%S.%f")[:10]
    about = f"{service:<20} {one_line(whom, 24):<25}"
    drawn = Text.assemble((f"{moment}  ", "dim"), about, text(said, style, 42))
    return drawn.append(LEFT_ALONE, "dim") if said.startswith("unknown") else drawn


def _whom(act: Act) -> str:
    recipient = act.recipient or (act.text if act.play.action == "market_research" else "everybody")
    return recipient.removeprefix("https://").removeprefix("www.").partition("/")[2] or recipient


def _because(act: Act, event: dict[str, Any]) -> str:
    detail = event["detail"] or {}
    if event["event"] == "begun":
        return f", try {event['attempt']}" if event["attempt"] > 1 else ""
    if event["event"] == "completed":
        verification = (detail.get("result") or {}).get("verification")
        return ", but not verified" if verification == "none" else ""
    reason = detail.get("error") or detail.get("reason") or ""
    return f": {reason.removeprefix(f'{act.service}: ')}" if reason else ""
