"""Draws ``status --watch``: services, what needs attention, commands, and the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.segment import Segments
from rich.text import Text

from actp.checkout import spelled
from actp.cli.events_view import drawn, event_line
from actp.cli.history import recipient
from actp.cli.output import one_line, text
from actp.cli.show_view import show_view
from actp.cli.status_view import ServiceTable, drawn_line
from actp.cli.times import short_time
from actp.cli.watch_state import KEYS
from actp.status_words import attention, heading, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.segment import Segment

    from actp.cli.watch_state import Row, State

__all__ = ["Screen", "Snapshot"]

LEAST_COMMANDS: Final = 4
MOST_EVENTS: Final = 8
# Heading, services and a few commands come first; events are for a window with room for all.
ROOM_FOR_EVENTS: Final = 36
_STYLES: Final = {"failed": "red", "running": "bold", "completed": "green", "cancelled": "dim"}

Lines = list[list["Segment"]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One reading of the database; ``away`` says why the next one failed."""

    report: dict[str, Any]
    commands: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]
    life: dict[str, Any] | None = None
    away: str | None = None


@dataclass(frozen=True, slots=True)
class Screen:
    """Fills the window it is drawn in, whatever its size; ``rows`` are the commands in view."""

    snapshot: Snapshot
    state: State
    rows: Sequence[Row]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = max(options.max_height, 3)
        bottom = _lines(console, options, self._footer())
        room = height - len(bottom)
        if self.state.shown is not None:
            body = self._life(console, options, room)
        else:
            body = self._overview(console, options, room)
        blank: Lines = [[] for _ in range(room - len(body))]
        for number, line in enumerate([*body, *blank, *bottom]):
            yield Segments(line)
            if number < height - 1:
                yield Text("\n", end="")

    def _overview(self, console: Console, options: ConsoleOptions, room: int) -> Lines:
        report = self.snapshot.report
        top = _lines(console, options, self._heading())
        table = _lines(console, options, ServiceTable(report))
        words = (*attention(report), *summary(report))
        notes = _lines(console, options, Group(*map(drawn_line, words)))
        least = min(LEAST_COMMANDS, len(self.rows)) + 1
        left = room - len(top) - least
        if len(table) > left - 1:
            table = []  # half a table says nothing of the other half
        notes = _cut(console, options, notes, left - len(table))
        above = [*top, *table, *notes][: max(1, room - least)]
        events = self._events(console, options) if room >= ROOM_FOR_EVENTS else []
        commands = self._commands(console, options, room - len(above) - len(events))
        blank: Lines = [[] for _ in range(room - len(above) - len(events) - len(commands))]
        return [*above, *commands, *blank, *events]

    def _heading(self) -> Text:
        if self.snapshot.away is not None:
            # What was read last is shown below it, and may no longer be true.
            return _line(
                f"No database connection, showing the last state: {self.snapshot.away}", "bold red"
            )
        return _cropped(drawn_line(heading(self.snapshot.report)))

    def _commands(self, console: Console, options: ConsoleOptions, room: int) -> Lines:
        words = f", with {self.state.filter}" if self.state.filter else ""
        lines = _lines(console, options, _line(f"Commands{words}", "bold"))
        if not self.rows:
            return [*lines, *_lines(console, options, _line("  none", "dim"))][:room]
        count = max(room - 1, 0)
        ids = [row["id"] for row in self.rows]
        place = ids.index(self.state.selected) if self.state.selected in ids else 0
        first = max(0, min(place - count // 2, len(ids) - count))
        for row in self.rows[first : first + count]:
            lines += _lines(console, options, _command(row, row["id"] == self.state.selected))
        return lines

    def _events(self, console: Console, options: ConsoleOptions) -> Lines:
        found = []
        for event in reversed(self.snapshot.events):
            whom = str(recipient(event["params"] or {}) or "")
            found.append(event_line(event, event["service"] or "", whom))
        lines = [_cropped(drawn(line)) for line in found if line is not None][-MOST_EVENTS:]
        if not lines:
            return []
        return _lines(console, options, Group(_line("Events", "bold"), *lines))

    def _life(self, console: Console, options: ConsoleOptions, room: int) -> Lines:
        life = self.snapshot.life
        if life is None or life["command"]["id"] != self.state.shown:
            return _lines(console, options, _line("Reading …", "dim"))
        lines = _lines(console, options, show_view(life))
        first = min(self.state.scroll, max(0, len(lines) - room))
        return lines[first : first + room]

    def _footer(self) -> Text:
        state = self.state
        if state.typing is not None:
            return _line(f"/{state.typing}█", "bold")
        if state.asking is not None:
            return _line(f"{state.question} y/n", "bold yellow")
        if state.notice:
            return _line(spelled(state.notice), "yellow")
        keys = "j/k scroll  r retry  p pause  q back" if state.shown is not None else KEYS
        return _line(keys, "dim")


def _command(row: Row, is_selected: bool) -> Text:  # noqa: FBT001 - one caller
    status = "unknown" if row["reason"] == "unknown" else row["status"]
    at = short_time(row["completed_at"] or row["created_at"])
    whom = one_line(recipient(row["params"] or {}) or "", 24)
    why = one_line(row["error"] or row["reason"] or "", 200) if status != "completed" else ""
    line = Text.assemble(
        "▶ " if is_selected else "  ",
        f"{at:>11}  {row['id'][:8]}  ",
        (f"{status:<9}  ", "bold red" if status == "unknown" else _STYLES.get(status, "")),
        f"{row['action']} {row['platform'] or ''} {whom}  ",
        (why, "dim"),
    )
    if is_selected:
        line.stylize("reverse")
    return _cropped(line)


def _line(words: str, style: str = "") -> Text:
    return _cropped(text(words, style))


def _cropped(line: Text) -> Text:
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _lines(console: Console, options: ConsoleOptions, what: Any) -> Lines:
    return console.render_lines(what, options.update(height=None), pad=False)


def _cut(console: Console, options: ConsoleOptions, lines: Lines, room: int) -> Lines:
    """Return what fits, the last line saying how much does not."""
    if len(lines) <= room:
        return lines
    if room <= 0:
        return []
    more = _line(spelled(f"… {len(lines) - room + 1} more lines: bin/status"), "dim")
    return [*lines[: room - 1], *_lines(console, options, more)]
