"""kill -9 at every point in the life of a command; a successor on the same host takes over.

The workers hand over from test to test: who cleans up after one death is the next one to die.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from tests.chaos.commands import RESEARCH, SENDERS, command_for
from tests.chaos.rig import Rig
from tests.chaos.waiting import eventually
from tests.support.databases import Databases, postgres_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.chaos.workers import Host, WorkerProcess


@dataclass(frozen=True, slots=True)
class Point:
    """A moment to die, and what must have become of a `once` command afterwards."""

    name: str
    die: Callable[[Relay, str], None]
    status: str
    effects: int
    attempt: int = 1
    rule: str | None = None


class Relay:
    """The host, its present worker, and the command at hand."""

    def __init__(self, rig: Rig, host: Host) -> None:
        self.rig = rig
        self.host = host
        self.worker: WorkerProcess = host.start()
        self.services = cycle(SENDERS)
        self.seconds_until_effect = 0.0

    def kill(self) -> None:
        self.worker.kill()

    def succeed(self) -> None:
        self.worker = self.host.start()

    def enqueue(self, service: str) -> str:
        return self.rig.enqueue(command_for(service))[0]

    def effects(self, id_: str) -> int:
        params = self.rig.row(id_)["params"]
        text = params.get("text") or params["query"]
        return sum(line["text"] == text for line in self.rig.simulator.world())


def _die_at(event: str, *, rolled_back: bool) -> Callable[[Relay, str], None]:
    def die(relay: Relay, service: str) -> None:
        with relay.rig.gate(event) as gate:
            id_ = relay.enqueue(service)
            gate.wait_until_reached()
            relay.kill()
            if rolled_back:
                gate.break_off()
            else:
                gate.open()
                relay.rig.wait_for_event(id_, event)

    return die


def _die_at_finish_after_the_spool(relay: Relay, service: str) -> None:
    with relay.rig.gate("completed") as gate:
        relay.enqueue(service)
        gate.wait_until_reached()
        eventually(lambda: relay.host.spooled_bytes, "the result is on disk")
        relay.kill()
        gate.break_off()


def _die_on_arrival(relay: Relay, service: str) -> None:
    relay.enqueue(service)
    relay.rig.simulator.wait_for(used=1)
    relay.kill()


def _die_while_it_types(relay: Relay, service: str) -> None:
    _die_on_arrival(relay, service)
    relay.rig.simulator.release()


def _die_after_the_effect(relay: Relay, service: str) -> None:
    before = len(relay.rig.simulator.world())
    relay.enqueue(service)
    relay.rig.simulator.wait_for(effects=before + 1)
    relay.kill()


def _die_after_the_finish(relay: Relay, service: str) -> None:
    id_ = relay.enqueue(service)
    relay.rig.wait_for_status(id_, "completed")
    relay.kill()


POINTS = (
    Point("before_the_claim_commits", _die_at("claimed", rolled_back=True), "completed", 1),
    Point("as_the_claim_commits", _die_at("claimed", rolled_back=False), "completed", 1),
    Point("before_the_begin_commits", _die_at("begun", rolled_back=True), "completed", 1),
    Point("after_the_begin_before_the_send", _die_at("begun", rolled_back=False), "failed", 0),
    Point("on_arrival_without_effect", _die_on_arrival, "failed", 0, rule="hang"),
    Point("on_arrival_with_the_effect_to_come", _die_while_it_types, "failed", 1, rule="held"),
    Point("after_the_effect", _die_after_the_effect, "failed", 1, rule="hang_then_post"),
    Point("before_the_finish_commits", _die_at("completed", rolled_back=True), "failed", 1),
    Point("before_the_spooled_finish_commits", _die_at_finish_after_the_spool, "completed", 1),
    Point("as_the_finish_commits", _die_at("completed", rolled_back=False), "completed", 1),
    Point("after_the_finish", _die_after_the_finish, "completed", 1),
)
# What may be repeated is, where the answer was lost: (effects, attempts).
REPEATED = {
    "after_the_begin_before_the_send": (1, 2),
    "on_arrival_without_effect": (1, 2),
    "after_the_effect": (2, 2),
    "before_the_finish_commits": (2, 2),
}


@pytest.fixture(scope="module")
def relay(
    embedded_databases: Databases,
    running_simulator: SimulatorProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Relay]:
    folder: Path = tmp_path_factory.mktemp("relay")
    running_simulator.reset()
    with ExitStack() as stack:
        database = stack.enter_context(postgres_database(embedded_databases, "embedded"))
        rig = stack.enter_context(Rig(database, running_simulator, folder))
        relay = Relay(rig, rig.host(SAFARI_ACTION_TIMEOUT_SECONDS="3"))
        yield relay
        # The last successor has looked at everything once it has done this.
        rig.play()
        last = relay.enqueue(RESEARCH)
        rig.wait_for_status(last, "completed")
        rig.audit()


def _arrange(relay: Relay, point: Point, service: str) -> None:
    rules = {
        None: (),
        "hang": ({"service": service, "behaviour": "hang", "times": 1},),
        "held": ({"service": service, "behaviour": "held", "times": 1},),
        "hang_then_post": (
            {"service": service, "behaviour": "hang_then_post", "seconds": 0.0, "times": 1},
        ),
    }
    relay.rig.play(*rules[point.rule])


def _last_id(relay: Relay) -> str:
    row = relay.rig.connection.execute(
        "select id::text from safari_command_queue order by created_at desc limit 1"
    ).fetchone()
    assert row is not None
    return str(row["id"])


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_message_is_sent_at_most_once_whenever_its_worker_dies(
    relay: Relay, point: Point
) -> None:
    service = next(relay.services)
    _arrange(relay, point, service)
    point.die(relay, service)
    relay.succeed()
    id_ = _last_id(relay)
    relay.rig.settle()
    eventually(lambda: relay.effects(id_) == point.effects, "what was under way has landed")
    row = relay.rig.row(id_)
    expected_reason = "unknown" if point.status == "failed" else None
    assert (row["status"], row["reason"], row["attempt"]) == (
        point.status,
        expected_reason,
        point.attempt,
    ), relay.rig.events(id_)
    relay.rig.audit()


@pytest.mark.parametrize("name", REPEATED)
def test_a_research_is_repeated_when_its_worker_died(relay: Relay, name: str) -> None:
    point = next(each for each in POINTS if each.name == name)
    _arrange(relay, point, RESEARCH)
    point.die(relay, RESEARCH)
    relay.succeed()
    id_ = _last_id(relay)
    relay.rig.settle()
    row = relay.rig.row(id_)
    effects, attempts = REPEATED[name]
    assert (row["status"], row["attempt"], row["retry_count"]) == ("completed", attempts, 1)
    assert relay.effects(id_) == effects
    relay.rig.audit()
