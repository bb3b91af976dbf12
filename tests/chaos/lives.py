"""Whether the events of a command tell a life that can have been lived."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.records import Row

__all__ = ["faults_of_life"]

# After these a command can be claimed.
_LEAVE_PENDING = frozenset(
    {"enqueued", "accepted", "rescued", "waiting", "retrying", "handed_back", "requeued"}
)
_CLOSE_AN_ATTEMPT = frozenset(
    {"completed", "unknown", "failed", "waiting", "retrying", "rescued", "resolved"}
)
_LAST = {
    "completed": {"completed", "restored", "resolved"},
    "failed": {"failed", "unknown", "rescued", "expired", "restored", "resolved"},
    "cancelled": {"cancelled", "discarded"},
    "pending": _LEAVE_PENDING,
}


def faults_of_life(row: Row, events: list[Row], *, edited: bool) -> Iterator[str]:
    """Yield what is incoherent: claimed, begun, closed, again and again, and the end fits.

    ``edited`` says that people changed the status behind the back of the audit, so that a claim may
    follow upon anything.
    """
    begun: set[int] = set()
    closed: set[int] = set()
    for before, entry in zip([{"event": None}, *events], events, strict=False):
        if entry["event"] == "claimed":
            if not edited and before["event"] not in _LEAVE_PENDING | {None}:
                yield f"claimed after {before['event']}"
        elif entry["event"] == "begun":
            yield from _faults_of_begin(row, before["event"], entry["attempt"], begun, closed)
            begun.add(entry["attempt"])
        elif entry["event"] == "found_running":  # what an older controller began
            begun.add(entry["attempt"])
        elif entry["attempt"]:
            if entry["attempt"] not in begun:
                yield f"{entry['event']} of attempt {entry['attempt']}, which was never begun"
            closed |= {entry["attempt"]} if entry["event"] in _CLOSE_AN_ATTEMPT else set()
    yield from _faults_of_end(row, events[-1]["event"] if events and not edited else None)
    if begun - closed:
        yield f"attempts {sorted(begun - closed)} were never closed"
    if len(begun) != row["attempt"]:
        yield f"is at attempt {row['attempt']} though {len(begun)} were begun"


def _faults_of_begin(
    row: Row, before: str | None, attempt: int, begun: set[int], closed: set[int]
) -> Iterator[str]:
    if before != "claimed":
        yield f"begun after {before}"
    if attempt != len(begun) + 1:
        yield f"attempt {attempt} begun after {len(begun)} others"
    if begun - closed and row["effect"] == "once":
        yield f"attempt {attempt} begun while another one was open"


def _faults_of_end(row: Row, last: str | None) -> Iterator[str]:
    if row["status"] in _LAST and last is not None and last not in _LAST[row["status"]]:
        yield f"is {row['status']} though its last event is {last}"
