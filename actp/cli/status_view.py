"""Draws a status report: one table, then what needs attention."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.measure import Measurement
from rich.text import Text

from actp.checkout import spelled
from actp.cli.output import table, text
from actp.cli.times import short_duration
from actp.moments import short_time, stored_time
from actp.status_words import attention, heading, service_name, summary, waits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table

    from actp.status_words import Line

__all__ = ["ServiceTable", "drawn_line", "status_view"]

Report = dict[str, Any]

LONGEST_PACE = timedelta(minutes=1)
TROUBLE = "bold red"
CAUTION = "yellow"
_STYLES = {"plain": "", "caution": CAUTION, "trouble": TROUBLE}
_COUNTS = ("ready", "waiting", "running")
_NUMBERS = (*_COUNTS, "oldest", "today")
# The least width of each column, and which go first where a window is narrow.
_COLUMNS = {
    "service": 19,
    "ready": 5,
    "waiting": 7,
    "running": 7,
    "oldest": 6,
    "today": 6,
    "can run": 7,
    "health": 11,
}
_BETWEEN = 2
_DROPPED = ("oldest", "today", "running", "waiting", "health")


@dataclass(frozen=True, slots=True)
class _Roomy:
    """A cell that says all where there is room for it on one line, else the short of it."""

    short: str
    full: str

    def __rich_measure__(self, _: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(len(self.short), len(self.full)).with_maximum(options.max_width)

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        fits = len(self.full) <= options.max_width
        yield Text(self.full if fits else self.short, CAUTION, no_wrap=True)


def status_view(report: Report) -> RenderableType:
    """Return what fits on 100 columns; colour is for trouble only."""
    told = (*summary(report), *attention(report))
    return Group(drawn_line(heading(report)), ServiceTable(report), *map(drawn_line, told))


def drawn_line(line: Line) -> Text:
    """Return a line of words in the styles of its tones."""
    drawn = Text.assemble(*((spelled(words), _STYLES[tone]) for words, tone in line.parts))
    if line.is_entry:
        drawn.no_wrap, drawn.overflow = True, "ellipsis"
    return drawn


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """A row for each service, with the columns that the width has room for."""

    report: Report

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        columns = list(_COLUMNS)
        for name in _DROPPED:
            if sum(_COLUMNS[column] + _BETWEEN for column in columns) <= options.max_width:
                break
            columns.remove(name)
        yield self._table(columns)

    def _table(self, columns: list[str]) -> Table:
        shown = table(*columns, numbers=_NUMBERS)
        for column in shown.columns:
            column.no_wrap = column.header != "can run"
        limits = {service_name(limit): limit for limit in self.report["limits"] if limit["service"]}
        depths: dict[str, list[Report]] = defaultdict(list)
        for depth in self.report["queue"]:
            depths[depth["service"]].append(depth)
        now = datetime.fromisoformat(self.report["at"])
        for service in self.report["services"]:
            name = service_name(service)
            # The counts of a service stand beside its first account.
            own = depths.pop(service["service"], [])
            cells: dict[str, RenderableType] = {
                "service": name,
                **{column: _count(sum(depth[column] for depth in own)) for column in _COUNTS},
                "oldest": short_duration(service["oldest_ready_seconds"]),
                "today": _used(limits.get(name)),
                "can run": _permission(service, now),
                "health": _health(service),
            }
            shown.add_row(*(cells[column] for column in columns))
            for depth in own if len(own) > 1 else ():
                below: dict[str, RenderableType] = {
                    "service": text(f"  {depth['platform'] or 'no platform'}", "dim"),
                    **{column: _count(depth[column]) for column in _COUNTS},
                }
                shown.add_row(*(below.get(column, "") for column in columns))
        return shown


def _count(rows: int) -> str:
    return f"{rows:,}" if rows else "·"


def _used(limit: Report | None) -> Text:
    if limit is None:
        return Text("")
    full = limit["used"] >= limit["daily_limit"] > 0
    return Text(f"{limit['used']}/{limit['daily_limit']}", CAUTION if full else "")


def _permission(service: Report, now: datetime) -> RenderableType:
    reason, until = service["reason"], service["until"]
    if reason:
        # A gap of seconds has no time on a clock of minutes.
        if until and stored_time(until) - now > LONGEST_PACE:
            return _Roomy(reason, f"{reason} until {short_time(until, now=now)}")
        return Text(reason, CAUTION)
    if not waits(service):
        return Text("yes")
    seconds = service["state"].get("seconds") or 0.0
    until = short_time((now + timedelta(seconds=seconds)).isoformat(), now=now)
    return _Roomy("waits", f"waits until {until}")


def _health(service: Report) -> Text:
    health = service["health"]
    if service["port"] is None:
        return Text("")
    if health is None or health["status"] is None:
        return Text("not checked")
    if health["status"] == "healthy":
        return Text("not ready", CAUTION) if health.get("not_ready") else Text("healthy")
    return text(health["status"], TROUBLE)
