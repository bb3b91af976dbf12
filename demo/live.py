"""Shows the queue while it is processed: a table that moves, or plain lines when piped."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.live import Live
from rich.text import Text

from actp.cli.events_view import EventLine, drawn, event_line
from actp.cli.output import table
from actp.safari.catalogue import HTTP_SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from demo.acts import Act

__all__ = ["lines_of", "watching"]

MAX_LINES: Final = 9
# The seconds, and the table with its nine services and its lines.
ROWS_ABOVE: Final = 14
LEFT_ALONE: Final = f"\n{'':12}Safari stays reserved for a while: the service may still be typing."


def lines_of(acts: list[Act]) -> list[EventLine]:
    """Return what has happened, oldest first."""
    lines = (
        event_line(event, act.service, _whom(act)) for act in acts for event in act.life["events"]
    )
    return sorted(line for line in lines if line is not None)


@contextmanager
def watching(screen: Console) -> Iterator[Callable[[list[Act], float], None]]:
    """Yield a function that shows the queue, given the seconds since the start."""
    if not screen.is_terminal:
        told = 0

        def say(acts: list[Act], _seconds: float) -> None:
            nonlocal told
            for line in [line for line in lines_of(acts) if line.id > told]:
                screen.print(_drawn(line), soft_wrap=True)
                told = line.id

        yield say
        return
    with Live(console=screen, auto_refresh=False, transient=True) as live:

        def draw(acts: list[Act], seconds: float) -> None:
            live.update(_view(acts, seconds, screen.height), refresh=True)

        yield draw


def _view(acts: list[Act], seconds: float, height: int) -> RenderableType:
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
    room = min(MAX_LINES, height - ROWS_ABOVE)
    recent: list[Text] = []
    for line in reversed(lines_of(acts)):
        shown_line = _drawn(line)
        room -= 1 + shown_line.plain.count("\n")
        if room < 0:
            break
        recent.insert(0, shown_line)
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


def _drawn(line: EventLine) -> Text:
    shown = drawn(line)
    return shown.append(LEFT_ALONE, "dim") if line.words.startswith("unknown") else shown


def _whom(act: Act) -> str:
    recipient = act.recipient or (act.text if act.play.action == "market_research" else "everybody")
    return recipient.removeprefix("https://").removeprefix("www.").partition("/")[2] or recipient
