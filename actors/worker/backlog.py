"""The backlog as the database reports it, and whether a run is done."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Waiting", "is_settled", "paced", "waiting"]

# A gap between two actions is worth waiting for, where it ends in time.
_PACE = "pace"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows of one service that stay in the queue, and why."""

    service: str
    rows: int
    reason: str
    seconds: float | None


def is_settled(
    backlog: Mapping[str, Mapping[str, Any]], *, is_owned: bool, seconds_left: float = inf
) -> bool:
    """Return whether nothing more can be done within ``seconds_left``.

    That is when nothing runs or retries, and what is due waits for something other than us, or for
    its pace longer than that. ``is_owned`` says that each service has an owner, which just may not
    have reported yet.
    """
    return all(
        _is_settled(view, is_owned=is_owned, seconds_left=seconds_left) for view in backlog.values()
    )


def paced(backlog: Mapping[str, Mapping[str, Any]]) -> tuple[Waiting, ...]:
    """Return the services that pause between two actions, with when the next one goes."""
    return tuple(
        Waiting(service, view["due"], _PACE, view["reason_seconds"])
        for service, view in sorted(backlog.items())
        if view["due"] and view["reason"] == _PACE and not view["running"]
    )


def _is_settled(view: Mapping[str, Any], *, is_owned: bool, seconds_left: float) -> bool:
    if view["running"] or view["retrying"]:
        return False
    if not view["due"]:
        return True
    state = view["state"]
    if state is None and is_owned:
        # Its owner has not come so far as to store the hours and limits of this host.
        return False
    if view["reason"] is not None:
        return view["reason"] != _PACE or (view["reason_seconds"] or 0) > seconds_left
    return state is None or state.get("state") == "wait"


def waiting(backlog: Mapping[str, Mapping[str, Any]]) -> tuple[Waiting, ...]:
    """Return what stays in the queue, service by service, with the reason a person can act on."""
    return tuple(
        each for service, view in sorted(backlog.items()) for each in _waiting(service, view)
    )


def _waiting(service: str, view: Mapping[str, Any]) -> list[Waiting]:
    rows = []
    if view["due"]:
        state = view["state"] or {"reason": "its worker has not reported yet"}
        reason = view["reason"] or state.get("reason") or "not started yet"
        seconds = view["reason_seconds"] if view["reason"] else state.get("seconds")
        rows.append(Waiting(service, view["due"], reason, seconds))
    if view["waiting"]:
        rows.append(Waiting(service, view["waiting"], "scheduled", view["next_due_seconds"]))
    if view["held"]:
        rows.append(Waiting(service, view["held"], "backlog: bin/queue accept or discard", None))
    return rows
