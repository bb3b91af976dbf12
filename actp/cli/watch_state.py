"""The keys of ``status --watch``: a pure function from one state to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = [
    "KEYS",
    "Pause",
    "Quit",
    "Request",
    "Resume",
    "Retry",
    "State",
    "matching",
    "press",
    "with_rows",
]

Row = dict[str, Any]

KEYS: Final = "j/k move  Enter show  r retry  p pause  / filter  q quit"
_DOWN: Final = frozenset({"j", "down"})
_UP: Final = frozenset({"k", "up"})
_CLOSE: Final = frozenset({"q", "escape", "enter"})
_SEARCHED: Final = ("service", "action", "platform", "status", "reason", "error")
_RETRIED: Final = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Quit:
    """End the program."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a failed or cancelled command again."""

    id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop sending on a platform."""

    platform: str


@dataclass(frozen=True, slots=True)
class Resume:
    """End the pause of a platform."""

    platform: str


Request = Quit | Retry | Pause | Resume


@dataclass(frozen=True, slots=True)
class State:
    """What is selected, filtered, shown and asked.

    ``typing`` is the filter while it is typed; ``asking`` is done on y; ``shown`` is the command
    whose timeline is open, from its line ``scroll`` on.
    """

    selected: str | None = None
    filter: str = ""
    typing: str | None = None
    shown: str | None = None
    scroll: int = 0
    asking: Request | None = None
    question: str = ""
    notice: str = ""


def matching(rows: Sequence[Row], words: str) -> list[Row]:
    """Return the commands that have every word of a filter, in any of their columns."""
    wanted = words.lower().split()
    return [
        row
        for row in rows
        if all(word in _text(row) or row["id"].startswith(word) for word in wanted)
    ]


def with_rows(state: State, rows: Sequence[Row]) -> State:
    """Return the state after a new reading; the selection stays on its command if it can."""
    ids = [row["id"] for row in rows]
    return state if state.selected in ids else replace(state, selected=next(iter(ids), None))


def press(
    state: State, key: str, rows: Sequence[Row], paused: Collection[str]
) -> tuple[State, Request | None]:
    """Return the state after a key, and the request; ``rows`` are those in view.

    A key is a letter, or one of up, down, enter, escape and backspace.
    """
    if state.typing is not None:
        return _type(state, state.typing, key), None
    if state.asking is not None:
        answered = replace(state, asking=None, question="", notice="")
        return answered, state.asking if key.lower() == "y" else None
    if key == "q" and state.shown is None:
        return state, Quit()
    row = next((row for row in rows if row["id"] == state.selected), None)
    state = replace(state, notice="")
    if row is not None and key in {"r", "p"}:
        asked = _asked_to_retry(state, row) if key == "r" else _asked_to_pause(state, row, paused)
        return asked, None
    return _while_shown(state, key) if state.shown is not None else _in_list(state, key, rows), None


def _in_list(state: State, key: str, rows: Sequence[Row]) -> State:
    if key in _DOWN | _UP:
        return _moved(state, rows, 1 if key in _DOWN else -1)
    if key == "enter":
        return replace(state, shown=state.selected, scroll=0)
    if key == "/":
        return replace(state, typing=state.filter)
    return replace(state, filter="") if key == "escape" else state


def _type(state: State, typed: str, key: str) -> State:
    if key == "enter":
        return replace(state, filter=typed.strip(), typing=None)
    if key == "escape":
        return replace(state, typing=None)
    if key == "backspace":
        return replace(state, typing=typed[:-1])
    return replace(state, typing=typed + key) if len(key) == 1 and key.isprintable() else state


def _while_shown(state: State, key: str) -> State:
    if key in _CLOSE:
        return replace(state, shown=None, scroll=0)
    if key in _DOWN:
        return replace(state, scroll=state.scroll + 1)
    return replace(state, scroll=max(0, state.scroll - 1)) if key in _UP else state


def _moved(state: State, rows: Sequence[Row], by: int) -> State:
    ids = [row["id"] for row in rows]
    if not ids:
        return state
    place = ids.index(state.selected) if state.selected in ids else 0
    return replace(state, selected=ids[min(max(place + by, 0), len(ids) - 1)])


def _asked_to_retry(state: State, row: Row) -> State:
    if row["reason"] == "unknown":
        notice = f"Its outcome is unknown: bin/queue resolve {row['id'][:8]} sent|not-sent"
        return replace(state, notice=notice)
    if row["status"] not in _RETRIED:
        return replace(state, notice=f"It is {row['status']}; only a failed one is retried.")
    question = f"Retry {row['action']} on {row['platform'] or 'this host'} ({row['id'][:8]})?"
    return replace(state, asking=Retry(row["id"]), question=question)


def _asked_to_pause(state: State, row: Row, paused: Collection[str]) -> State:
    platform = row["platform"]
    if not platform:
        return replace(state, notice="It has no platform; bin/pause pauses everything.")
    if platform in paused:
        return replace(state, asking=Resume(platform), question=f"Resume {platform}?")
    return replace(state, asking=Pause(platform), question=f"Pause {platform}?")


def _text(row: Mapping[str, Any]) -> str:
    columns = (str(row[column]) for column in _SEARCHED if row.get(column))
    params = json.dumps(row["params"], ensure_ascii=False)
    return " ".join([*columns, params]).lower()
