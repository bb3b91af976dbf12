"""Whatever happens in whatever order: never after a reply, never twice, never too early."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from actp.campaigns.events import (
    Cancelled,
    CancelPending,
    Doubted,
    Enqueue,
    Event,
    HoldPending,
    ReleaseNext,
    Replied,
    Resolved,
    Result,
    StepEnded,
    StepRequeued,
    Synced,
    Ticked,
)
from actp.campaigns.machine import TargetState, decide, waits
from actp.campaigns.plan import AFTER_WARMUP, COMMENT_STEPS, WITHOUT_REPLY, plan_for

START = datetime(2026, 11, 2, tzinfo=UTC)
PLAN = plan_for("dm_sequence", "twitter")
WAITS = {
    "first_dm": (COMMENT_STEPS, AFTER_WARMUP),
    "follow_up": (("first_dm",), WITHOUT_REPLY),
    "final_touch": (("follow_up",), WITHOUT_REPLY),
}
RESULTS: list[Result] = ["completed", "completed", "completed", "unknown", "not_sent", "exhausted"]

moves = st.one_of(
    st.tuples(st.just("tick"), st.integers(-100, 200)),
    st.tuples(st.just("end"), st.sampled_from([*RESULTS, "failed"])),
    st.tuples(st.just("settle"), st.sampled_from(["completed", "not_sent", "again"])),
    st.tuples(st.sampled_from(["sync", "doubt", "calm", "repeat", "crash"]), st.none()),
    st.tuples(st.sampled_from(["reply", "cancel"]), st.integers(0, 6)),
)


@dataclass
class World:
    """A queue of one target, and what must never happen in it."""

    now: datetime = START
    target: TargetState = field(default_factory=TargetState)
    queue: dict[str, str] = field(default_factory=dict)
    completed_at: dict[str, datetime] = field(default_factory=dict)
    replied: bool = False
    crash_next: bool = False
    last_events: list[Event] = field(default_factory=list)

    def tell(self, *events: Event) -> None:
        self.last_events = [*events]
        decision = decide(PLAN, self.target, events)
        if self.crash_next:  # decided, not stored: neither the state nor the actions
            self.crash_next = False
            decision = decide(PLAN, self.target, events)
        self.target = decision.target
        for action in decision.actions:
            match action:
                case Enqueue(step=step):
                    self.enqueue(step)
                case CancelPending():
                    self.change("cancelled", "ready", "held")
                case HoldPending():
                    self.change("held", "ready")
                case ReleaseNext():
                    self.release()

    def enqueue(self, step: str) -> None:
        assert step not in self.queue, f"{step} twice"
        assert not self.replied, f"{step} after a reply"
        if step in WAITS:
            before, wait = WAITS[step]
            assert self.now - max(self.completed_at[name] for name in before) >= wait
        self.queue[step] = "held" if "ready" in self.queue.values() else "ready"

    def change(self, to: str, *of: str) -> None:
        self.queue |= {step: to for step, status in self.queue.items() if status in of}

    def release(self) -> None:
        held = sorted(step for step, status in self.queue.items() if status == "held")
        if held and "ready" not in self.queue.values():
            self.queue[held[0]] = "ready"

    def end(self, result: Result) -> None:
        for step, status in list(self.queue.items()):
            if status == "ready":
                assert not self.replied, f"{step} was sent after a reply"
                assert self.target.hold is None, f"{step} was sent although a person must look"
                self.settle(step, result)
                return

    def settle(self, step: str, result: Result) -> None:
        self.queue[step] = result
        if result == "completed":
            self.completed_at[step] = self.now
        self.tell(StepEnded(step, result, self.now), Ticked(self.now, must_sync=True))

    def settle_unclear(self, how: str) -> None:
        for step, status in list(self.queue.items()):
            if status == "unknown" and how != "again":
                self.settle(step, "completed" if how == "completed" else "not_sent")
                return
            is_settled = status in {"not_sent", "exhausted"}
            if is_settled and how == "again" and not self.target.is_ended:
                self.queue[step] = "held" if self.target.doubt else "ready"
                self.tell(StepRequeued(step))
                return

    def move(self, kind: str, value: object) -> None:  # noqa: C901 - one line a move
        match kind, value:
            case "tick", int(hours):
                self.now = max(START, self.now + timedelta(hours=hours))
                self.tell(Ticked(self.now, must_sync=True))
            case "end", str(result):
                self.end(result)  # type: ignore[arg-type]
            case "settle", str(how):
                self.settle_unclear(how)
            case "sync", _:
                self.tell(Synced(self.now), Ticked(self.now, must_sync=True))
            case "doubt", _:
                self.tell(Doubted("?"))
            case "calm", _:
                self.tell(Resolved())
            case "repeat", _:
                self.tell(*[e for e in self.last_events if not isinstance(e, Ticked)])
            case "crash", _:
                self.crash_next = True
            case "reply", 0:
                self.replied = self.replied or self.target.state not in {"failed", "cancelled"}
                self.tell(Replied())
            case "cancel", 0:
                self.tell(Cancelled())


def check(world: World) -> None:
    if world.target.is_ended:
        assert not {"ready", "held"} & set(world.queue.values())
    if world.replied:
        assert world.target.state == "replied"
    word = waits(PLAN, world.target, world.now)
    assert word in {"ended", "person", "step", "time", "sync"}
    if word == "step":
        assert "ready" in world.queue.values(), "it waits for a step that nobody will do"


@settings(max_examples=400)
@given(st.lists(moves, max_size=60))
def test_no_order_of_events_breaks_a_promise(told: list[tuple[str, object]]) -> None:
    world = World()
    world.tell(Ticked(world.now))
    check(world)
    for kind, value in told:
        world.move(kind, value)
        check(world)


@settings(max_examples=50)
@given(st.lists(moves, max_size=30))
def test_every_target_ends_once_nothing_hinders_it(told: list[tuple[str, object]]) -> None:
    world = World()
    world.tell(Ticked(world.now))
    for kind, value in told:
        world.move(kind, value)
    for _ in range(40):
        world.move("calm", None)
        for how in ("completed", "again"):
            world.settle_unclear(how)
        world.end("completed")
        world.move("tick", 73)
        world.move("sync", None)
        check(world)
    assert world.target.is_ended
