"""A stored target read for the state machine, and its decision as the database takes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from actp.campaigns.events import (
    Alert,
    Cancelled,
    CancelPending,
    Doubted,
    Enqueue,
    HoldPending,
    ReleaseNext,
    Replied,
    RequestSync,
    Resolved,
    StepEnded,
    StepRequeued,
    Synced,
    Ticked,
)
from actp.campaigns.machine import (
    Decision,
    StepRecord,
    TargetState,
    decide,
    due,
    next_stage,
    waits,
)
from actp.campaigns.orders import Addressee, order_of
from actp.campaigns.plan import plan_for
from actp.campaigns.replies import judge, read_heard
from actp.moments import stored_moment, stored_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actp.campaigns.events import Event, Result
    from actp.campaigns.plan import CampaignType, Plan

__all__ = ["decision_for", "read_state", "state_json"]

# A sync that was asked for takes a while; asking more often would not hasten it.
LOOK_AGAIN: Final = timedelta(minutes=5)
_BY_REASON: Final[Mapping[str, Result]] = {
    "unknown": "unknown",
    "not_sent": "not_sent",
    "retries_exhausted": "exhausted",
}


def state_json(target: TargetState) -> dict[str, Any]:
    """Return a state as it is stored."""
    return {
        "state": target.state,
        "steps": [
            {"name": step.name, "result": step.result, "at": _text(step.at)}
            for step in target.steps
        ],
        "doubt": target.doubt,
        "synced_at": _text(target.synced_at),
    }


def read_state(stored: Mapping[str, Any]) -> TargetState:
    """Return the state of what ``state_json`` gave."""
    return TargetState(
        state=stored["state"],
        steps=tuple(
            StepRecord(step["name"], step["result"], stored_moment(step["at"]))
            for step in stored["steps"]
        ),
        doubt=stored["doubt"],
        synced_at=stored_moment(stored["synced_at"]),
    )


def decision_for(row: Mapping[str, Any], now: datetime, *, has_crm: bool) -> dict[str, Any]:
    """Return the item of safari_campaign_apply for a target that safari_campaign_due gave.

    ``now`` is the database's clock. Without a CRM replies are known only when somebody says so,
    and nothing waits for a sync.
    """
    plan = plan_for(cast("CampaignType", row["campaign_type"]), row["platform"])
    before = read_state(row["data"]["machine"])
    calmed_at = _calmed_at(row)
    decision = decide(plan, before, _facts(row, calmed_at))
    # That a first message has just gone out is stored before the wait for an answer begins.
    if decision.target.state != "dm_sent" or before.state == "dm_sent":
        ticked = decide(plan, decision.target, [Ticked(now, must_sync=has_crm)])
        decision = Decision(ticked.target, decision.actions + ticked.actions)
    target, actions = decision.target, decision.actions
    to = Addressee(
        id=row["id"],
        campaign_id=row["campaign_id"],
        platform=row["platform"],
        handle=row["handle"],
        texts=row["data"]["texts"],
        spacing_seconds=row["data"]["spacing_seconds"],
    )
    return {
        "id": row["id"],
        "version": row["version"],
        "state": target.state,
        "step": _current_step(plan, target),
        "hold": target.hold,
        "next_step_at": _text(_next_look(plan, target, now)),
        "machine": state_json(target),
        "calmed_at": _text(calmed_at),
        "handled": [event["id"] for event in row["events"]],
        "commands": [order_of(to, step, now) for step in actions if isinstance(step, Enqueue)],
        "ended": target.is_ended,
        "hold_pending": any(isinstance(action, HoldPending) for action in actions),
        "release": any(isinstance(action, ReleaseNext) for action in actions),
        "cancel": any(isinstance(action, CancelPending) for action in actions),
        "sync": any(isinstance(action, RequestSync) for action in actions),
        "alerts": [
            {"kind": action.kind, "why": action.why}
            for action in actions
            if isinstance(action, Alert)
        ],
    }


def _calmed_at(row: Mapping[str, Any]) -> datetime | None:
    """Return up to when a person has said that there was no reply."""
    times = [event["at"] for event in row["events"] if event["event"] == "go_on"]
    return stored_moment(times[-1] if times else row["data"].get("calmed_at"))


def _facts(row: Mapping[str, Any], calmed_at: datetime | None) -> list[Event]:
    events = [_event(item, stored_time(item["at"])) for item in row["events"]]
    # Somebody has looked where no Mac could.
    events += [
        Synced(stored_time(item["at"])) for item in row["events"] if item["reason"] == "no_mac"
    ]
    if (synced_at := stored_moment(row.get("synced_at"))) is not None:
        events.append(Synced(synced_at))
    verdict = judge(
        map(read_heard, row["heard"]),
        since=stored_time(row["created_at"]),
        our_texts=list(row["data"]["texts"].values()),
        calmed_at=calmed_at,
    )
    # Comments wait for no answer: only one that is certain ends them.
    if isinstance(verdict, Replied) or (verdict is not None and row.get("is_watched", True)):
        events.append(verdict)
    if row.get("look_at") is not None:
        events.append(Doubted("their last words or a note need a look: bin/inbox"))
    # People who must not be contacted, for a reason from elsewhere.
    if row.get("is_opted_out"):
        events.append(Cancelled())
    return events


def _event(item: Mapping[str, Any], at: datetime) -> Event:
    match item["event"]:
        case "completed" | "cancelled" as result:
            return StepEnded(item["step"], result, at)
        case "failed":
            if item["reason"] == "replied":
                # Begin found that they wrote last before the conversation was looked at here.
                return Replied()
            return StepEnded(item["step"], _BY_REASON.get(item["reason"] or "", "failed"), at)
        case "requeued":
            return StepRequeued(item["step"])
        case "go_on":
            return Resolved()
        case _:
            return Doubted(f"an event of a newer version: {item['event']}")


def _current_step(plan: Plan, target: TargetState) -> str | None:
    open_steps = [step.name for step in target.steps if step.result != "completed"]
    if open_steps:
        return open_steps[0]
    stage = next_stage(plan, target)
    return None if stage is None or target.is_ended else stage.steps[0]


def _next_look(plan: Plan, target: TargetState, now: datetime) -> datetime | None:
    if target.state == "dm_sent":
        return now
    match waits(plan, target, now):
        case "time":
            return due(plan, target)
        case "sync":
            return now + LOOK_AGAIN
        case _:
            return None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
