"""The supervisor: one for one, with a limit, and an orderly end."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from actors.runtime.actor import SUPERVISOR, Actor
from actors.runtime.messages import Drained, LeasesHeld, PeerRestarted, Start, Stop, StopNow, Tick
from actors.runtime.supervisor import ActorSpec, RestartPolicy, StopStage, Supervisor
from actors.worker.ledger_actor import LEDGER
from actors.worker.lifeline import LIFELINE
from actors.worker.poller import POLLER
from actp.errors import ExitCode
from tests.actors.house import DEADLINE_SECONDS, Grenade, StandIn, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.runtime.actor import ActorContext
    from tests.actors.house import House

DM, COMMENTS = "instagram-dm", "threads-comments"
STAGES = {
    LEDGER: StopStage.WRITE,
    POLLER: StopStage.INTAKE,
    LIFELINE: StopStage.SIGN_OFF,
    DM: StopStage.WORK,
    COMMENTS: StopStage.WORK,
}
NAMES = tuple(STAGES)
CALM = RestartPolicy(round_seconds=0.05)
STRICT = replace(CALM, stuck_after_seconds=0.4)
HURRIED = replace(CALM, stop_seconds=0.2)
COOL_DOWN_SECONDS = 0.3
COOLING = replace(CALM, restarts_allowed=1, cool_down_seconds=COOL_DOWN_SECONDS)


class Sleeper(Actor):
    """An actor that a message stops for as long as the test wants."""

    def __init__(self, context: ActorContext, wake: threading.Event) -> None:
        super().__init__(DM, context)
        self._wake = wake

    def receive(self, message: object) -> None:
        if isinstance(message, Tick):
            self._wake.wait(DEADLINE_SECONDS)


class Watch:
    """A supervisor over stand-ins, and how it ended."""

    def __init__(
        self,
        house: House,
        policy: RestartPolicy,
        *,
        more: tuple[ActorSpec, ...] = (),
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.house = house
        self.told = {name: Told() for name in NAMES}
        self._ends: SimpleQueue[ExitCode] = SimpleQueue()
        specs = {name: self._spec(name) for name in NAMES} | {spec.name: spec for spec in more}
        supervisor = Supervisor.start(
            house.context,
            specs=tuple(specs.values()),
            policy=policy,
            ended=self._ends.put,
            beat=beat,
        )
        house.move_in(SUPERVISOR, supervisor)
        for name in NAMES:
            if name in {spec.name for spec in more}:
                continue
            self.told[name].take(Start)

    def _spec(self, name: str) -> ActorSpec:
        start = partial(StandIn.start, name, self.house.context, self.told[name])
        return ActorSpec(name, start, STAGES[name], hears_leases=name == LIFELINE)

    def idle(self, *names: str) -> None:
        self.house.tell(SUPERVISOR, *map(Drained, names))

    def code(self) -> ExitCode:
        return self._ends.get(timeout=DEADLINE_SECONDS)

    @property
    def has_ended(self) -> bool:
        return not self._ends.empty()


@pytest.fixture
def wake() -> Iterator[threading.Event]:
    wake = threading.Event()
    yield wake
    wake.set()


def test_a_crashed_actor_is_replaced_alone_and_the_others_are_told(house: House) -> None:
    watch = Watch(house, CALM)
    house.tell(DM, Grenade())
    watch.told[DM].take(Start)
    for name in (LEDGER, POLLER, LIFELINE, COMMENTS):
        assert watch.told[name].take(PeerRestarted).name == DM
        assert watch.told[name].all_of(Start) == []
    assert watch.told[DM].all_of(PeerRestarted) == []
    assert not watch.has_ended


def test_too_many_crashes_end_the_process(house: House) -> None:
    watch = Watch(house, CALM)
    for _ in range(CALM.restarts_allowed):
        house.tell(COMMENTS, Grenade())
        watch.told[COMMENTS].take(Start)
    assert not watch.has_ended
    house.tell(COMMENTS, Grenade())
    assert watch.code() == ExitCode.SOFTWARE


def test_crashing_actor_cools_down_alone(
    house: House,
) -> None:
    watch = Watch(house, COOLING)
    house.tell(COMMENTS, Grenade())
    watch.told[COMMENTS].take(Start)
    crashed_at = monotonic()
    house.tell(COMMENTS, Grenade())
    # The crashes of others are counted separately.
    house.tell(DM, Grenade())
    watch.told[DM].take(Start)
    watch.told[COMMENTS].take(Start)
    assert monotonic() - crashed_at >= COOL_DOWN_SECONDS
    assert not watch.has_ended


def test_an_actor_that_cools_down_is_not_waited_for_at_the_end(house: House) -> None:
    watch = Watch(house, replace(COOLING, cool_down_seconds=3600))
    house.tell(COMMENTS, Grenade())
    watch.told[COMMENTS].take(Start)
    house.tell(SUPERVISOR, Stop())
    watch.told[COMMENTS].take(Stop)
    house.tell(COMMENTS, Grenade())
    watch.idle(POLLER, DM)
    watch.told[LEDGER].take(Stop)
    watch.idle(LEDGER, LIFELINE)
    assert watch.code() == ExitCode.OK


def test_an_actor_that_does_not_move_ends_the_process(house: House, wake: threading.Event) -> None:
    sleeper = ActorSpec(DM, partial(Sleeper.start, house.context, wake), stop_stage=StopStage.WORK)
    watch = Watch(house, STRICT, more=(sleeper,))
    house.tell(DM, Tick("sleep"))
    assert watch.code() == ExitCode.SOFTWARE


def test_rows_that_actors_report_are_passed_on_with_every_round(house: House) -> None:
    watch = Watch(house, CALM)
    for _ in range(2):
        assert watch.told[LIFELINE].take(LeasesHeld) == LeasesHeld((), {})


def test_it_ends_poller_services_ledger_lifeline_in_this_order(house: House) -> None:
    watch = Watch(house, CALM)
    house.tell(SUPERVISOR, Stop())
    for name in (POLLER, DM, COMMENTS):
        watch.told[name].take(Stop)
    watch.idle(DM, COMMENTS)
    house.tell(POLLER, Tick("barrier"))
    watch.told[POLLER].take(Tick)
    watch.idle(POLLER)
    for name in (DM, COMMENTS):
        watch.told[name].take(Stop)
    watch.idle(DM)
    assert watch.told[LEDGER].all_of(Stop) == []
    watch.idle(COMMENTS)
    watch.told[LEDGER].take(Stop)
    assert watch.told[LIFELINE].all_of(Stop) == []
    watch.idle(LEDGER)
    watch.told[LIFELINE].take(Stop)
    assert not watch.has_ended
    watch.idle(LIFELINE)
    assert watch.code() == ExitCode.OK


def test_an_actor_that_crashes_while_stopping_is_told_to_stop(house: House) -> None:
    watch = Watch(house, CALM)
    house.tell(SUPERVISOR, Stop())
    watch.told[DM].take(Stop)
    house.tell(DM, Grenade())
    watch.told[DM].take(Start)
    watch.told[DM].take(Stop)


def test_past_the_time_to_stop_services_abandon_the_wire(house: House) -> None:
    watch = Watch(house, HURRIED)
    house.tell(SUPERVISOR, Stop())
    watch.idle(POLLER, COMMENTS)
    watch.told[DM].take(StopNow)
    assert not watch.has_ended
    watch.idle(DM)
    watch.told[LEDGER].take(Stop)


def test_a_database_that_is_away_does_not_keep_the_process_from_ending(house: House) -> None:
    watch = Watch(house, HURRIED)
    house.tell(SUPERVISOR, Stop())
    watch.idle(POLLER, DM, COMMENTS)
    watch.told[LEDGER].take(Stop)
    assert watch.code() == ExitCode.OK
