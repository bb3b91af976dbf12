"""Compares what recipients saw with the queue's records and the demo's promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from demo.acts import LOGIN
from demo.script import DM_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demo.acts import Act
    from demo.script import Ending

__all__ = ["Check", "Seen", "checks", "ending_of"]

Seen = dict[str, Any]

EFFECTS = ("dm", "comment", "tweet")
MAY_HAVE_ARRIVED = ("completed", "unverified", "retried", "settled", "unknown")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and what speaks against it."""

    promise: str
    against: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Return whether nothing speaks against it."""
        return not self.against


def ending_of(act: Act) -> Ending:
    """Return how a command ended, in the words of the script."""
    command = act.command
    if act.is_open:
        return "logged_out" if act.wait.get("reason") == LOGIN else "waiting"
    if command["status"] != "completed":
        return "unknown" if command["reason"] == "unknown" else "failed"
    if (command["result"] or {}).get("verification") == "none":
        return "unverified"
    if (command["result"] or {}).get("settled_by"):
        return "settled"
    return "retried" if command["retry_count"] else "completed"


def checks(
    acts: Sequence[Act], world: Sequence[Seen], limits: Sequence[dict[str, Any]]
) -> tuple[Check, ...]:
    """Return every promise that the demo looks at."""
    effects = [line for line in world if line["kind"] in EFFECTS]
    return (
        Check("no message arrived twice", tuple(_twice(effects))),
        Check("every text reached its own recipient", tuple(_misdelivered(effects))),
        Check("every received message has a record", tuple(_unrecorded(acts, effects))),
        Check("every recorded send was received", tuple(_missing(acts, effects))),
        Check("one service at a time used Safari", tuple(_collisions(world))),
        Check(f"at most {DM_LIMIT} Instagram DMs were sent today", tuple(_over_limit(limits))),
        Check("every command ended or waits as expected", tuple(_surprises(acts))),
    )


def _twice(effects: Sequence[Seen]) -> list[str]:
    counts = Counter((line["service"], line["text"]) for line in effects)
    return [f"{service}: {text}" for (service, text), count in counts.items() if count > 1]


def _misdelivered(effects: Sequence[Seen]) -> list[str]:
    return [
        f"{line['service']}: {line['recipient']} got what is for {line['asked']}: {line['text']}"
        for line in effects
        if line["recipient"] != line["asked"]
    ]


def _unrecorded(acts: Sequence[Act], effects: Sequence[Seen]) -> list[str]:
    known = {(act.service, act.text) for act in acts if ending_of(act) in MAY_HAVE_ARRIVED}
    return [
        f"{line['service']}: {line['text']}"
        for line in effects
        if (line["service"], line["text"]) not in known
    ]


def _missing(acts: Sequence[Act], effects: Sequence[Seen]) -> list[str]:
    arrived = {(line["service"], line["text"]) for line in effects}
    return _named(
        acts,
        lambda act: (
            act.status == "completed"
            and act.command["effect"] == "once"
            and (act.service, act.text) not in arrived
        ),
    )


def _collisions(world: Sequence[Seen]) -> list[str]:
    return [
        f"{line['service']} while {line['with_service']} was typing"
        for line in world
        if line["kind"] == "collision"
    ]


def _over_limit(limits: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{limit['used']} of {limit['daily_limit']} used"
        for limit in limits
        if limit["service"] == "instagram-dm" and limit["used"] > limit["daily_limit"]
    ]


def _surprises(acts: Sequence[Act]) -> list[str]:
    days = {
        datetime.fromisoformat(event["at"]).astimezone(UTC).date()
        for act in acts
        for event in act.life["events"]
    }
    # A demo that is played over midnight is given the next day's limit as well.
    late = {"waiting"} if len(days) > 1 else set()
    return [
        f"{act.service}, {act.text[:40]}: {ending_of(act)} instead of {act.play.ending}"
        for act in acts
        if ending_of(act) != act.play.ending and act.play.ending not in late
    ]


def _named(acts: Sequence[Act], condition: Callable[[Act], bool]) -> list[str]:
    return [f"{act.service}: {act.text}" for act in acts if condition(act)]
