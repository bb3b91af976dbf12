from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from actp.campaigns.events import (
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
from actp.campaigns.machine import TargetState, decide, due, waits
from actp.campaigns.plan import COMMENT_STEPS, Plan, named_type, plan_for
from actp.errors import InvalidInput

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
SEQUENCE = plan_for("dm_sequence", "twitter")
HOUR = timedelta(hours=1)


def advance(plan: Plan, target: TargetState, *events: object) -> TargetState:
    return decide(plan, target, events).target  # type: ignore[arg-type]  # any event, by name


def warmed_up(plan: Plan = SEQUENCE) -> TargetState:
    target = advance(plan, TargetState(), Ticked(START))
    ends = [StepEnded(step, "completed", START + HOUR) for step in COMMENT_STEPS]
    return advance(plan, target, *ends)


def enqueued(plan: Plan, target: TargetState, *events: object) -> list[str]:
    actions = decide(plan, target, events).actions  # type: ignore[arg-type]
    return [action.step for action in actions if isinstance(action, Enqueue)]


def messaged() -> TargetState:
    target = advance(SEQUENCE, warmed_up(), Ticked(START + 25 * HOUR))
    return advance(SEQUENCE, target, StepEnded("first_dm", "completed", START + 26 * HOUR))


def test_three_comments_come_first_and_together() -> None:
    decision = decide(SEQUENCE, TargetState(), [Ticked(START)])
    assert [action.step for action in decision.actions if isinstance(action, Enqueue)] == list(
        COMMENT_STEPS
    )
    assert decision.target.state == "warmup"


def test_the_first_message_waits_a_day_after_the_last_comment() -> None:
    target = warmed_up()
    assert enqueued(SEQUENCE, target, Ticked(START + 25 * HOUR - timedelta(seconds=1))) == []
    assert enqueued(SEQUENCE, target, Ticked(START + 25 * HOUR)) == ["first_dm"]


def test_without_an_answer_it_ends_cold_after_three_messages() -> None:
    target, now = messaged(), START + 26 * HOUR
    assert target.state == "dm_sent"
    states = []
    for step in ("follow_up", "final_touch"):
        assert enqueued(SEQUENCE, target, Ticked(now + 72 * HOUR - HOUR)) == []
        now += 72 * HOUR
        assert enqueued(SEQUENCE, target, Ticked(now)) == [step]
        target = advance(SEQUENCE, target, Ticked(now))
        states.append(target.state)
        target = advance(SEQUENCE, target, StepEnded(step, "completed", now))
    assert states == ["awaiting_reply", "awaiting_reply"]
    assert target.state == "cold"
    assert enqueued(SEQUENCE, target, Ticked(now + 1000 * HOUR)) == []


def test_a_reply_ends_it_and_cancels_what_is_pending() -> None:
    target = advance(SEQUENCE, messaged(), Ticked(START + 98 * HOUR))
    decision = decide(SEQUENCE, target, [Replied()])
    assert decision.target.state == "replied"
    assert decision.actions == (CancelPending(),)


def test_a_follow_up_needs_a_sync_newer_than_its_due_time() -> None:
    target, now = messaged(), START + 200 * HOUR
    when = due(SEQUENCE, target)
    assert when == START + 98 * HOUR
    early = decide(SEQUENCE, target, [Synced(when), Ticked(now, must_sync=True)])
    assert early.actions == (RequestSync(),)
    assert waits(SEQUENCE, early.target, now) == "sync"
    fresh = when + timedelta(seconds=1)
    assert enqueued(SEQUENCE, target, Synced(fresh), Ticked(now, must_sync=True)) == ["follow_up"]


@pytest.mark.parametrize("result", ["unknown", "not_sent", "exhausted"])
def test_an_unclear_step_holds_the_target_until_it_is_settled(result: str) -> None:
    target = advance(SEQUENCE, TargetState(), Ticked(START))
    decision = decide(SEQUENCE, target, [StepEnded("comment_1", result, START)])  # type: ignore[arg-type]
    assert decision.actions[0] == HoldPending()
    assert decision.target.hold == f"{result}: comment_1"
    assert waits(SEQUENCE, decision.target, START) == "person"
    settled = decide(SEQUENCE, decision.target, [StepEnded("comment_1", "completed", START)])
    assert settled.target.hold is None
    assert settled.actions == (ReleaseNext(),)


def test_a_step_that_was_not_sent_may_be_tried_again() -> None:
    target = advance(SEQUENCE, TargetState(), Ticked(START))
    target = advance(SEQUENCE, target, StepEnded("comment_1", "not_sent", START))
    target = advance(SEQUENCE, target, StepRequeued("comment_1"))
    assert target.hold is None
    assert waits(SEQUENCE, target, START) == "step"


def test_a_permanent_failure_ends_the_target() -> None:
    target = advance(SEQUENCE, TargetState(), Ticked(START))
    decision = decide(SEQUENCE, target, [StepEnded("comment_2", "failed", START)])
    assert decision.target.state == "failed"
    assert decision.actions == (CancelPending(),)


def test_a_doubtful_message_holds_until_somebody_says_it_is_none() -> None:
    held = decide(SEQUENCE, messaged(), [Doubted("no time")])
    assert HoldPending() in held.actions
    assert enqueued(SEQUENCE, held.target, Ticked(START + 500 * HOUR)) == []
    assert enqueued(SEQUENCE, held.target, Resolved(), Ticked(START + 500 * HOUR)) == ["follow_up"]


def test_a_cold_person_may_still_reply() -> None:
    assert advance(SEQUENCE, TargetState("cold"), Replied()).state == "replied"
    assert advance(SEQUENCE, TargetState("cancelled"), Replied()).state == "cancelled"


def test_tiktok_ends_after_its_one_message() -> None:
    plan = plan_for("dm_sequence", "tiktok")
    target = advance(plan, warmed_up(plan), Ticked(START + 30 * HOUR))
    target = advance(plan, target, StepEnded("first_dm", "completed", START + 31 * HOUR))
    assert target.state == "completed"


@pytest.mark.parametrize(
    ("type_", "platform", "words"),
    [
        ("comment_warmup", "linkedin", "no Safari service comments on LinkedIn"),
        ("dm_sequence", "linkedin", "comments on LinkedIn"),
        ("dm_sequence", "threads", "Threads has no direct messages"),
        ("research_sweep", "linkedin", "does not cover LinkedIn"),
        ("comment_warmup", "myspace", "unknown platform"),
    ],
)
def test_a_step_without_a_service_is_refused_with_the_reason(
    type_: str, platform: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        plan_for(named_type(type_), platform)


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="warmpu") as raised:
        named_type("warmpu")
    assert "Did you mean warmup?" in raised.value.remedy


def test_a_completed_step_stays_completed() -> None:
    target = advance(SEQUENCE, TargetState(), Ticked(START))
    target = advance(SEQUENCE, target, StepEnded("comment_1", "completed", START))
    assert advance(SEQUENCE, target, StepEnded("comment_1", "failed", START)) == target
