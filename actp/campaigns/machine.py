"""The state machine of one target: a state and an event give a new state and what to do.

::

    queued → warmup → dm_sent → awaiting_reply → cold          (research: queued → running)
       any of them, cold too → replied
       any that has not ended → failed, cancelled; a campaign without follow-ups → completed

No clock, no database: time comes in with the events. Every event may come twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from actp.campaigns.events import (
    Action,
    Alert,
    Cancelled,
    CancelPending,
    Doubted,
    Enqueue,
    Event,
    HoldPending,
    ReleaseNext,
    Replied,
    RequestSync,
    Resolved,
    Result,
    StepEnded,
    StepRequeued,
    Synced,
    Ticked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from actp.campaigns.plan import Plan, Stage

__all__ = ["ENDED", "Decision", "StepRecord", "TargetState", "decide", "due", "next_stage", "waits"]

ENDED: Final = frozenset({"replied", "cold", "completed", "failed", "cancelled"})
# Nothing more will be sent, but that there is an answer is still worth knowing.
_MAY_STILL_REPLY: Final = frozenset({"cold", "completed"})
_NEEDS_A_PERSON: Final[frozenset[Result]] = frozenset({"unknown", "not_sent", "exhausted"})


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step that was put into the queue, and what happened to it when."""

    name: str
    result: Result = "pending"
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TargetState:
    """All that is remembered of a target; ``doubt`` says why a message may be a reply."""

    state: str = "queued"
    steps: tuple[StepRecord, ...] = ()
    doubt: str | None = None
    synced_at: datetime | None = None

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will be sent."""
        return self.state in ENDED

    @property
    def hold(self) -> str | None:
        """What a person has to settle before anything goes on, or None."""
        if self.is_ended:
            return None
        if self.doubt is not None:
            return f"maybe_replied: {self.doubt}"
        for step in self.steps:
            if step.result in _NEEDS_A_PERSON:
                return f"{step.result}: {step.name}"
        return None

    def record(self, name: str) -> StepRecord | None:
        """Return what is known of a step."""
        return next((step for step in self.steps if step.name == name), None)

    def with_record(self, record: StepRecord) -> TargetState:
        """Return the state with another record of a step."""
        steps = tuple(record if step.name == record.name else step for step in self.steps)
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True)
class Decision:
    """The new state and the actions that follow, in that order."""

    target: TargetState
    actions: tuple[Action, ...] = ()


def decide(plan: Plan, target: TargetState, events: Iterable[Event]) -> Decision:
    """Return what some events, in the order in which they are known, make of a target."""
    actions: list[Action] = []
    for event in events:
        decision = _decide(plan, target, event)
        target = decision.target
        actions += decision.actions
    return Decision(target, tuple(actions))


def next_stage(plan: Plan, target: TargetState) -> Stage | None:
    """Return the stage that comes next, or None while one is under way and after the last."""
    for stage in plan:
        records = [target.record(name) for name in stage.steps]
        if all(record is None for record in records):
            return stage
        if any(record is None or record.result != "completed" for record in records):
            return None
    return None


def due(plan: Plan, target: TargetState) -> datetime | None:
    """Return when the next stage may begin; None where there is none, or it may at once."""
    stage = next_stage(plan, target)
    times = [step.at for step in target.steps if step.at is not None]
    return max(times) + stage.wait if stage is not None and times else None


def waits(plan: Plan, target: TargetState, now: datetime) -> str:
    """Return in a word what a target waits for: ended, person, step, time or sync."""
    if target.is_ended:
        return "ended"
    if target.hold is not None:
        return "person"
    if next_stage(plan, target) is None:
        return "step"
    when = due(plan, target)
    return "time" if when is not None and now < when else "sync"


def _decide(plan: Plan, target: TargetState, event: Event) -> Decision:  # noqa: PLR0911 - one each
    if target.is_ended:
        may_reply = isinstance(event, Replied) and target.state in _MAY_STILL_REPLY
        return _ended(target, "replied") if may_reply else Decision(target)
    match event:
        case StepEnded():
            return _step_ended(plan, target, event)
        case StepRequeued():
            return _step_requeued(target, event)
        case Replied():
            return _ended(target, "replied")
        case Doubted():
            return _doubted(target, event)
        case Resolved():
            calmed = replace(target, doubt=None)
            return Decision(calmed, (ReleaseNext(),) if calmed.hold is None else ())
        case Cancelled():
            return _ended(target, "cancelled")
        case Synced(at=at):
            newest = at if target.synced_at is None else max(at, target.synced_at)
            return Decision(replace(target, synced_at=newest))
        case Ticked():
            return _ticked(plan, target, event)


def _step_ended(plan: Plan, target: TargetState, event: StepEnded) -> Decision:
    known = target.record(event.step)
    if known is None or known.result in {"completed", event.result}:
        return Decision(target)
    target = target.with_record(StepRecord(event.step, event.result, event.at))
    if event.result == "failed":
        return _ended(target, "failed")
    if event.result == "cancelled":
        return _ended(target, "cancelled")
    if event.result in _NEEDS_A_PERSON:
        # An unknown outcome is told by the queue itself.
        why = f"{event.step}: its retries ran out"
        told = (Alert("campaign_held", why),) if event.result == "exhausted" else ()
        return Decision(target, (HoldPending(), *told))
    stage = next(stage for stage in plan if event.step in stage.steps)
    records = [target.record(name) for name in stage.steps]
    if all(record is not None and record.result == "completed" for record in records):
        return Decision(replace(target, state=stage.done))
    return Decision(target, (ReleaseNext(),) if target.hold is None else ())


def _step_requeued(target: TargetState, event: StepRequeued) -> Decision:
    known = target.record(event.step)
    if known is None or known.result not in _NEEDS_A_PERSON:
        return Decision(target)
    return Decision(target.with_record(StepRecord(event.step)))


def _doubted(target: TargetState, event: Doubted) -> Decision:
    if target.doubt is not None:
        return Decision(target)
    doubtful = replace(target, doubt=event.why)
    return Decision(doubtful, (HoldPending(), Alert("campaign_held", event.why)))


def _ticked(plan: Plan, target: TargetState, event: Ticked) -> Decision:
    if target.hold is not None:
        return Decision(target)
    if target.state == "dm_sent":
        target = replace(target, state="awaiting_reply")
    stage = next_stage(plan, target)
    if stage is None:
        return Decision(target)
    when = due(plan, target)
    if when is not None and event.now < when:
        return Decision(target)
    if stage.needs_sync and event.must_sync and when is not None:
        is_fresh = target.synced_at is not None and target.synced_at > when
        if not is_fresh:
            return Decision(target, (RequestSync(),))
    records = tuple(StepRecord(name) for name in stage.steps)
    return Decision(
        replace(target, state=stage.running, steps=target.steps + records),
        tuple(Enqueue(name, stage.action, order) for order, name in enumerate(stage.steps)),
    )


def _ended(target: TargetState, state: str) -> Decision:
    return Decision(replace(target, state=state), (CancelPending(),))
